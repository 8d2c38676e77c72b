#pragma once
// A config as an ordered tree. toml++ sorts tables by key and loses positions when tables are merged; here
// the order is that of the file (base first) and every key and value knows its place, because columns of
// results, groups of the result file and error messages depend on both.

#include <cstdint>
#include <filesystem>
#include <list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "experiment/diagnostics.hpp"

namespace rewire::experiment {

struct Entry;

/// A value of the config: a table, an array or a scalar. Dates and times are errors when a file is loaded.
struct Node {
    using Table = std::list<Entry>; ///< a list: pointers to entries stay valid while defaults are added
    using Array = std::vector<Node>;

    std::variant<Table, Array, bool, std::int64_t, double, std::string> value;
    Place place; ///< of the value; of the header for a [section]

    Table* table() { return std::get_if<Table>(&value); }
    const Table* table() const { return std::get_if<Table>(&value); }
    Array* array() { return std::get_if<Array>(&value); }
    const Array* array() const { return std::get_if<Array>(&value); }

    /// The entry with this key; null if there is none or this is no table.
    Entry* find(std::string_view key);
    const Entry* find(std::string_view key) const;
};

struct Entry {
    std::string key;
    Place place; ///< of the key
    Node value;
};

/// Same keys, values and order; places may differ.
bool operator==(const Node&, const Node&);
bool operator==(const Entry&, const Entry&);

/// Adds a new key: a table or an array of tables at the end, anything else before the trailing ones of these,
/// as it must stand in TOML. `parent` must be a table without that key. Returns the added entry.
Entry& add_entry(Node& parent, Entry entry);

/// Reads a file and whatever it `extends` (a top-level string, a path relative to the file that says it; the
/// key itself is removed). Tables are merged, base order first; everything else, arrays of tables and values
/// in the place of tables included, replaces the base's and keeps its slot. So do a `rule` of another kind and
/// another `distribution`: keys of the base's kind mean nothing there. Throws ConfigError: unreadable file,
/// syntax, dates, circular `extends`.
Node load_config(const std::filesystem::path& file);

/// The same for a text, which is called `name` in messages; `extends` is relative to `name`.
Node parse_config(std::string_view text, const std::string& name);

/// Applies `--set KEY=VALUE`. KEY is dotted as in TOML, with indices for arrays ("dose.0.amount"); missing
/// tables are made. VALUE is TOML if it parses, else text, and replaces what was there as a whole. Throws
/// ConfigError.
void apply_set(Node& root, std::string_view assignment);

/// Puts `value` at a dotted `key` as apply_set does. Throws ConfigError at the place of the value.
void set_value(Node& root, const std::string& key, Node value);

/// Lays a fragment of a config on another: tables are merged as by `extends`, but lists at the top, such as
/// [[dose]], are added to those that are there.
void add_fragment(Node& base, Node fragment);

/// The node at a dotted `key`; null if there is none.
const Node* find_path(const Node& root, const std::string& key);

/// The value that `text` stands for: TOML if it parses, else the text itself. All of it gets the `place`. Throws
/// ConfigError.
Node parse_value(const std::string& text, const Place& place);

/// TOML that parses to the same tree in the same order. Within a table, values come first, then sections; a
/// table that stands before a value is written inline.
std::string to_toml(const Node& root);

/// One value on one line: `-5`, `"20 ms"`, `[1, 2]`, `{ p = 0.1 }`.
std::string inline_toml(const Node& node);

} // namespace rewire::experiment
