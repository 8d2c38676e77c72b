#pragma once
// Typed reading of one table of the config. Whatever is read is checked (type, unit, finiteness, range,
// choices) and complaints go to the Diagnostics with place, section, key and value, so that all of them come
// out at once. Absent keys get their default written into the tree: afterwards to_toml(tree) is the fully
// resolved config. Keys that nobody asked for are errors of finish(). What may be asked for, with which unit,
// range and default, is what quantity/parameter.hpp describes: a key that is not described cannot be read.

#include <cstdint>
#include <optional>
#include <span>
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

/// What a value may be: "a time, such as \"10 ms\"", "a whole number", "true or false", "one of \"a\", \"b\"".
std::string value_hint(std::string_view unit, std::string_view choices, double);
std::string value_hint(std::string_view unit, std::string_view choices, std::int64_t);
std::string value_hint(std::string_view unit, std::string_view choices, bool);
std::string value_hint(std::string_view unit, std::string_view choices, std::string_view);

/// Reads the table `node`, called [section] in messages ("" for the root), which may hold the `described` keys.
/// `node` must be a table; it and `diagnostics` must outlive the reader.
///
/// Getters take unit, range and choices from the description of the key; those that are given say what depends on
/// the rest of the config. Where the key is absent they write its default into the tree, or complain if it has
/// none and is needed; they return nothing where it is wrong, or absent without a default. Asking makes a key
/// known. The first complaint about a value is the only one.
///
/// \throws std::logic_error  asked for a key that is not described
class TableReader {
public:
    TableReader(Node& node, std::string section, Diagnostics& diagnostics, TableKeys described);

    /// Every parameter of Described<S>. What `s` holds on entry are the defaults, so a preset can be filled
    /// in first.
    template <class S>
    void read(S& s) {
        read(s, [](std::string_view) { return true; });
    }
    /// Those parameters whose name `applies` holds for.
    template <class S, class Applies>
    void read(S& s, Applies applies) {
        read_those(s, applies, true);
    }
    /// The same over an `s` that is complete without the config: nothing is needed.
    template <class S, class Applies>
    void read_over(S& s, Applies applies) {
        read_those(s, applies, false);
    }
    /// The same as `read`; the others are errors where they are given, because `why`.
    template <class S, class Applies>
    void read(S& s, Applies applies, std::string_view why) {
        read(s, applies);
        for (const Parameter<S>& p : Described<S>::parameters)
            if (!applies(p.name) && has(p.name)) error(p.name, why);
    }

    std::optional<bool> boolean(std::string_view key);
    std::optional<std::int64_t> integer(std::string_view key); ///< 5, 1e6, never 0.5
    std::optional<double> quantity(std::string_view key);      ///< "5 ms"; where the unit is "1", 0.35 or "35 %"
    std::optional<double> quantity(std::string_view key, std::string_view unit, const Range&);
    /// A quantity of the dimension of one of `units`; the range holds for each of them.
    std::optional<Quantity> quantity_in_one_of(std::string_view key, const std::vector<std::string>& units);
    std::optional<std::string> string(std::string_view key);
    std::optional<std::string> string(std::string_view key, std::string_view choices); ///< "one|two|three"
    std::optional<std::vector<std::string>> string_list(std::string_view key);
    std::optional<std::vector<double>> quantity_list(std::string_view key);
    std::optional<std::vector<double>> quantity_list(std::string_view key, const Range&);

    /// For keys whose default depends on others: `fallback` is written where the key is absent, and returned where
    /// it is wrong.
    std::string string_or(std::string_view key, std::string_view fallback);
    bool boolean_or(std::string_view key, bool fallback);
    double quantity_or(std::string_view key, double fallback);

    /// Whether the key is there; if not, what is needed is an error.
    bool require(std::string_view key);

    bool has(std::string_view key);
    Node* table(std::string_view key); ///< null if absent or no table
    Node* array(std::string_view key); ///< null if absent or no array

    /// A reader for the table of an S at `key`, if there is one.
    template <class S>
    std::optional<TableReader> section(std::string_view key) {
        return section(key, keys_of<S>());
    }
    /// The same for a table that is in use whether it is there or not: an absent one is added, empty, to take
    /// the defaults. Nothing only where something else than a table stands at `key`.
    template <class S>
    std::optional<TableReader> section_or_empty(std::string_view key) {
        return section_or_empty(key, keys_of<S>());
    }
    /// Readers for the tables of an S in the table `key` ([population.pv], ...) or in the array of tables `key`
    /// ([[dose]]), in order; their name() is the key or the index.
    template <class S>
    std::vector<TableReader> sections(std::string_view key) {
        return sections(key, keys_of<S>());
    }

    /// The caller's own findings: at the value of `key`, or at the table if it is absent.
    void error(std::string_view key, std::string_view text);
    void warning(std::string_view key, std::string_view text);

    /// Complains of every key that nobody asked for.
    void finish();
    /// The same where a fault keeps the rest from being read: of keys that are not described only.
    void finish_early();

    Node& node() const { return *node_; }
    const std::string& section_name() const { return section_; } ///< "population.pv"
    std::string name() const;                                    ///< "pv"

private:
    Node* node_;
    std::string section_;
    Diagnostics* diagnostics_;
    std::span<const Key> keys_;
    std::vector<std::string_view> described_; ///< parameters, which have no Key
    std::vector<std::string> known_;

    template <class S, class Applies>
    void read_those(S& s, Applies applies, bool demand) {
        described_.insert(described_.end(), parameter_names<S>.begin(), parameter_names<S>.end());
        for (const Parameter<S>& p : Described<S>::parameters) {
            if (!applies(p.name)) continue;
            std::visit(
                [&](auto member) {
                    if constexpr (sizeof(s.*member) <= sizeof(s)) { // always so; g++ 12 warns of the impossible
                        if (demand && p.needed && !has(p.name))
                            miss(p.name, value_hint(p.unit, p.choices, s.*member), p.meaning);
                        else
                            read_value(p.name, p.unit, p.range, p.choices, s.*member);
                    }
                },
                p.member);
        }
    }

    /// The description of a key; null for a parameter.
    const Key* key_of(std::string_view key) const;
    const Key& described(std::string_view key) const; ///< the same; throws for a parameter
    bool is_described(std::string_view key) const;
    Node* find(std::string_view key);
    /// The value, or the default that is now in the tree, or null, with a complaint if it is needed; `hint` is what
    /// a value may be where the key itself does not say so.
    Node* find_or_default(std::string_view key, std::string_view hint = {});
    void miss(std::string_view key, std::string_view hint, std::string_view meaning);
    void write_default(std::string_view key, decltype(Node::value) value);
    std::string label(std::string_view key, const Node* value) const;
    void complain(std::string_view key, const Node& value, std::string_view text);
    void note_number(std::string_view key, std::string_view unit, const Range&);
    std::string child_section(std::string_view key) const;
    std::optional<TableReader> section(std::string_view key, TableKeys described);
    std::optional<TableReader> section_or_empty(std::string_view key, TableKeys described);
    std::vector<TableReader> sections(std::string_view key, TableKeys described);

    std::optional<std::string> string_of(std::string_view key, const Node&, std::string_view choices);
    std::optional<bool> boolean_of(std::string_view key, const Node&);
    std::optional<double> quantity_of(std::string_view key, const Node&, std::string_view unit, const Range&);
    std::optional<std::int64_t> integer_of(std::string_view key, const Node&, std::string_view unit, const Range&);

    // A parameter: what it holds is its default.
    using Text = std::string_view;
    void read_value(Text key, Text unit, const Range&, Text choices, double&);
    void read_value(Text key, Text unit, const Range&, Text choices, std::int64_t&);
    void read_value(Text key, Text unit, const Range&, Text choices, bool&);
    void read_value(Text key, Text unit, const Range&, Text choices, std::string&);
};

/// The allowed values in words: "must be 1 or more", "must be above 0", "must lie between 0 and 1".
std::string range_text(const Range&, std::string_view unit = "1");

} // namespace rewire::experiment
