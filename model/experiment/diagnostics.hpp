#pragma once
// What is wrong with a config, said as a compiler says it:
//     configs/x.toml:12:8: error: [population.pv] size = -5: must be 1 or more
// Semantic errors are collected, so that one run shows all of them.

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "quantity/parameter.hpp"

namespace rewire::experiment {

/// Where a key or a value stands. An override has `file` = "--set population.pv.size=-5" and no line.
struct Place {
    std::string file;
    int line = 0;   ///< from 1; 0: the file as a whole
    int column = 0; ///< from 1, in characters

    bool operator==(const Place&) const = default;
};

/// "file:line:column", or "file" without a line.
std::string to_string(const Place&);

struct Diagnostic {
    enum class Severity { error, warning };
    Severity severity;
    Place place;
    std::string text; ///< "[population.pv] size = -5: must be 1 or more"

    bool operator==(const Diagnostic&) const = default;
};

/// "place: error: text".
std::string to_string(const Diagnostic&);

/// A number that a config may hold, given there or left to its default: what a cohort can vary.
struct NumberKey {
    std::string path; ///< as after --set: "subject.weight"
    std::string unit;
    Range range;
};

/// Collects errors and warnings, and beside them the numbers that were read.
class Diagnostics {
public:
    void error(Place, std::string text);
    void warning(Place, std::string text);
    /// Takes over what another reading found, without what is here already.
    void add(const Diagnostics&);

    void note_number(std::string path, std::string_view unit, const Range&);
    const std::vector<NumberKey>& numbers() const { return numbers_; }

    bool empty() const { return found_.empty(); }
    bool has_errors() const { return errors() > 0; }
    std::size_t errors() const; ///< how many

    /// Files in the order in which they were first complained of; by line and column within a file.
    std::vector<Diagnostic> sorted() const;

    /// The sorted diagnostics, one per line, no newline at the end.
    std::string format() const;

    /// Throws ConfigError if there are errors.
    void throw_if_errors() const;

private:
    std::vector<Diagnostic> found_;
    std::vector<NumberKey> numbers_;
};

/// A config that cannot be used; what() is the formatted list.
struct ConfigError : std::runtime_error {
    Diagnostics diagnostics;

    explicit ConfigError(Diagnostics);
    ConfigError(Place, std::string text); ///< a single error
};

/// The candidate that a misspelt `word` most likely means: least Damerau-Levenshtein distance (a swap of
/// neighbours counts one), case ignored, at most a third of the word (at least 1) wrong. Empty if none is
/// near.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

} // namespace rewire::experiment
