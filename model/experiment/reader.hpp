#pragma once
// Typed reading of one table of the config. Whatever is read is checked (type, unit, finiteness, range,
// choices) and complaints go to the Diagnostics with place, section, key and value, so that all of them come
// out at once. Absent keys get their default written into the tree: afterwards to_toml(tree) is the fully
// resolved config. Keys that nobody asked for are errors of finish().

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "experiment/config_tree.hpp"
#include "experiment/diagnostics.hpp"
#include "quantity/parameter.hpp"

namespace rewire::experiment {

/// A number that may come in one of several units ("35 mg" or "0.5 mg/kg").
struct Quantity {
    double value = 0;
    std::string unit; ///< the one of the units asked for in which `value` stands
};

/// Reads the table `node`, called [section] in messages ("" for the root). `node` must be a table; it and
/// `diagnostics` must outlive the reader.
///
/// Plain getters return nothing where the key is absent or wrong; `..._or` getters write `fallback` into the
/// tree where it is absent, and return it where it is wrong. Both mark the key as known. The first complaint
/// about a value is the only one.
class TableReader {
public:
    TableReader(Node& node, std::string section, Diagnostics& diagnostics);

    /// Every parameter of Described<S>. What `s` holds on entry are the defaults, so a preset can be filled
    /// in first.
    template <class S>
    void read(S& s) {
        read(
            s, [](std::string_view) { return true; }, "");
    }
    /// The same; parameters that `applies` does not hold for are errors where they are given, because `why`.
    template <class S, class Applies>
    void read(S& s, Applies applies, std::string_view why) {
        for (const Parameter<S>& p : Described<S>::parameters)
            if (applies(p.name))
                std::visit([&](auto member) { read_value(p.name, p.unit, p.range, p.choices, s.*member); }, p.member);
            else if (has(p.name))
                error(p.name, why);
    }

    std::optional<std::string> string(std::string_view key);
    std::optional<bool> boolean(std::string_view key);
    std::optional<std::int64_t> integer(std::string_view key,
                                        const Range& = any_value);                ///< 5, 1e6, never 0.5
    std::optional<double> number(std::string_view key, const Range& = any_value); ///< 0.35 or "35 %"
    std::optional<double> quantity(std::string_view key, std::string_view unit, const Range& = any_value);
    /// A quantity of the dimension of one of `units`; the range holds for each of them.
    std::optional<Quantity> quantity_in_one_of(std::string_view key, const std::vector<std::string>& units,
                                               const Range& = any_value);
    std::optional<std::string> choice(std::string_view key, std::string_view choices); ///< "one|two|three"
    std::optional<std::vector<std::string>> string_list(std::string_view key);
    std::optional<std::vector<double>> quantity_list(std::string_view key, std::string_view unit,
                                                     const Range& = any_value);

    std::string string_or(std::string_view key, std::string_view fallback);
    bool boolean_or(std::string_view key, bool fallback);
    std::int64_t integer_or(std::string_view key, std::int64_t fallback, const Range& = any_value);
    double number_or(std::string_view key, double fallback, const Range& = any_value);
    double quantity_or(std::string_view key, std::string_view unit, double fallback, const Range& = any_value);
    std::string choice_or(std::string_view key, std::string_view choices, std::string_view fallback);
    std::vector<std::string> string_list_or(std::string_view key, const std::vector<std::string>& fallback);
    std::vector<double> quantity_list_or(std::string_view key, std::string_view unit,
                                         const std::vector<double>& fallback, const Range& = any_value);

    /// Whether the key is there; if not, an error that says `what` is needed ("the name of a population").
    bool require(std::string_view key, std::string_view what);
    /// The text, or an error and "".
    std::string required_string(std::string_view key, std::string_view what = "text in quotes");

    bool has(std::string_view key);
    Node* table(std::string_view key); ///< null if absent or no table
    Node* array(std::string_view key); ///< null if absent or no array

    /// A reader for the table at `key`, if there is one.
    std::optional<TableReader> section(std::string_view key);
    /// The same for a table that is in use whether it is there or not: an absent one is added, empty, to take
    /// the defaults. Nothing only where something else than a table stands at `key`.
    std::optional<TableReader> section_or_empty(std::string_view key);
    /// Readers for the tables in the table `key` ([population.pv], ...) or in the array of tables `key`
    /// ([[dose]]), in order; their name() is the key or the index.
    std::vector<TableReader> sections(std::string_view key);

    /// The caller's own findings: at the value of `key`, or at the table if it is absent.
    void error(std::string_view key, std::string_view text);
    void warning(std::string_view key, std::string_view text);

    /// Complains of every key that nobody asked for.
    void finish();

    Node& node() const { return *node_; }
    const std::string& section_name() const { return section_; } ///< "population.pv"
    std::string name() const;                                    ///< "pv"

private:
    Node* node_;
    std::string section_;
    Diagnostics* diagnostics_;
    std::vector<std::string> known_;

    Node* find(std::string_view key);
    void write_default(std::string_view key, decltype(Node::value) value);
    std::string label(std::string_view key, const Node* value) const;
    void complain(std::string_view key, const Node& value, std::string_view text);
    std::string child_section(std::string_view key) const;

    std::optional<std::string> string_of(std::string_view key, const Node&, std::string_view choices);
    std::optional<double> quantity_of(std::string_view key, const Node&, std::string_view unit, const Range&);
    std::optional<std::int64_t> integer_of(std::string_view key, const Node&, std::string_view unit, const Range&);
    std::int64_t integer_in(std::string_view key, std::string_view unit, std::int64_t fallback, const Range&);

    using Text = std::string_view;
    void read_value(Text key, Text unit, const Range& range, Text, double& value) {
        value = quantity_or(key, unit, value, range);
    }
    void read_value(Text key, Text unit, const Range& range, Text, std::int64_t& value) {
        value = integer_in(key, unit, value, range);
    }
    void read_value(Text key, Text, const Range&, Text, bool& value) { value = boolean_or(key, value); }
    void read_value(Text key, Text, const Range&, Text choices, std::string& value) {
        value = choice_or(key, choices, value);
    }
};

/// The allowed values in words: "must be 1 or more", "must be above 0", "must lie between 0 and 1".
std::string range_text(const Range&, std::string_view unit = "1");

} // namespace rewire::experiment
