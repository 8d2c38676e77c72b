#include "experiment/config_tree.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace rewire::experiment {
namespace fs = std::filesystem;
namespace {

// ---- toml++ to our tree

Place place_at(const std::string& file, const toml::source_position& position) {
    return {file, static_cast<int>(position.line), static_cast<int>(position.column)};
}

Node converted(const toml::node& from, const std::string& file, Diagnostics& diagnostics);

/// toml++ gives the key of a table that only exists by dotted headers the position of its first mention, so
/// sorting by key position restores the order of the file.
Node::Table converted_table(const toml::table& from, const std::string& file, Diagnostics& diagnostics) {
    Node::Table to;
    for (const auto& [key, value] : from)
        to.push_back({std::string(key.str()), place_at(file, key.source().begin), converted(value, file, diagnostics)});
    to.sort([](const Entry& a, const Entry& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
    return to;
}

Node converted(const toml::node& from, const std::string& file, Diagnostics& diagnostics) {
    Node to{{}, place_at(file, from.source().begin)};
    if (const toml::table* table = from.as_table()) {
        to.value = converted_table(*table, file, diagnostics);
    } else if (const toml::array* array = from.as_array()) {
        Node::Array elements;
        for (const toml::node& element : *array) elements.push_back(converted(element, file, diagnostics));
        to.value = std::move(elements);
    } else if (const auto* boolean = from.as_boolean()) {
        to.value = boolean->get();
    } else if (const auto* integer = from.as_integer()) {
        to.value = integer->get();
    } else if (const auto* number = from.as_floating_point()) {
        to.value = number->get();
    } else if (const auto* string = from.as_string()) {
        to.value = string->get();
    } else {
        diagnostics.error(to.place, "dates and times of day have no meaning here; a time is text with a unit, "
                                    "such as \"10 ms\"");
        to.value = std::string(); // no table, so that it is complained of once
    }
    return to;
}

/// Refuses text that nests deeper than can be walked by recursion: toml++ limits lists and inline tables, but not keys
/// with dots. Counts the dots of a key on top of those around its table, passing over texts and comments.
void check_depth(std::string_view text) {
    constexpr int deepest = 256; // as toml++ has it for values; it says the same of them
    std::vector<int> around{0};  // levels of the open brackets
    int level = 0;
    std::size_t line = 1, line_start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            ++line, line_start = i + 1, level = around.back();
        } else if (c == '#') {
            i = std::min(text.find('\n', i), text.size()) - 1;
        } else if (c == '"' || c == '\'') {
            const std::string_view quote = text.substr(i, text.substr(i, 3) == std::string(3, c) ? 3 : 1);
            for (i += quote.size(); i < text.size() && text.substr(i, quote.size()) != quote; ++i) {
                if (text[i] == '\\' && c == '"') ++i;
                if (i < text.size() && text[i] == '\n') ++line, line_start = i + 1;
            }
            i += quote.size() - 1;
            while (quote.size() == 3 && i + 1 < text.size() && text[i + 1] == c) ++i; // quotes that the text ends with
        } else if (c == '[' || c == '{') {
            around.push_back(level);
        } else if (c == ']' || c == '}') {
            if (around.size() > 1) around.pop_back();
        } else if (c == ',') {
            level = around.back();
        } else if (c == '.' && ++level > deepest) {
            const toml::source_position at{static_cast<toml::source_index>(line),
                                           static_cast<toml::source_index>(i - line_start + 1)};
            throw toml::parse_error("exceeded maximum nested value depth of 256", at);
        }
    }
}

toml::table parsed(std::string_view text, const std::string& file) {
    check_depth(text);
    return toml::parse(text, std::string_view(file));
}

// ---- order within a table

bool is_table(const Node& node) { return node.table() != nullptr; }

/// Written as [key] or [[key]]; everything else stands on one line.
bool is_section(const Node& node) {
    const Node::Array* array = node.array();
    return is_table(node) || (array && !array->empty() && std::ranges::all_of(*array, is_table));
}

/// The first entry of the run of sections at the end of a table.
auto trailing_sections(auto& table) {
    return std::find_if_not(table.rbegin(), table.rend(), [](const Entry& e) { return is_section(e.value); }).base();
}

/// Replaces an entry in its slot, unless it becomes a section or stops being one (`dose = []` for [[dose]]),
/// which moves it to where it can stand in TOML.
void replace_entry(Node& parent, Entry& old, Entry entry) {
    if (is_section(old.value) == is_section(entry.value)) {
        old = std::move(entry);
    } else {
        parent.table()->remove_if([&](const Entry& e) { return &e == &old; });
        add_entry(parent, std::move(entry));
    }
}

// ---- files and `extends`

/// One file of a chain of `extends`.
struct Link {
    fs::path identity; ///< canonical, so that a circle is found whatever the spelling
    std::string shown;
};
using Chain = std::vector<Link>;

std::string to_string(const Chain& chain, const std::string& next) {
    std::string text;
    for (const Link& link : chain) text += link.shown + " -> ";
    return text + next;
}

std::optional<std::string> file_text(const fs::path& file) {
    std::error_code ignored;
    std::ifstream stream(file, std::ios::binary);
    if (!stream || fs::is_directory(file, ignored)) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

/// Whether the table `over` at `key` is of another kind than `base`: it names another rule, or another
/// distribution.
bool is_of_another_kind(std::string_view key, const Node& over, const Node& base) {
    constexpr std::array rules{"probability", "fixed_indegree", "fixed_outdegree", "fixed_total_number",
                               "all_to_all",  "one_to_one",     "pairwise"};
    if (key == "rule" &&
        std::ranges::any_of(rules, [&](const char* rule) { return over.find(rule) && !base.find(rule); }))
        return true;
    const Entry* const distribution = over.find("distribution");
    const Entry* const before = base.find("distribution");
    return distribution && !(before && before->value == distribution->value);
}

/// Lays `over` on `base`.
void merge(Node& base, Node over) {
    for (Entry& entry : *over.table()) {
        Entry* const slot = base.find(entry.key);
        if (!slot) {
            add_entry(base, std::move(entry));
        } else if (is_table(slot->value) && is_table(entry.value) &&
                   !is_of_another_kind(entry.key, entry.value, slot->value)) {
            slot->place = entry.place;
            slot->value.place = entry.value.place;
            merge(slot->value, std::move(entry.value));
        } else {
            replace_entry(base, *slot, std::move(entry));
        }
    }
}

Node resolved(std::string_view text, const std::string& shown, Chain chain, Diagnostics& diagnostics);

/// The tree that `extends` names.
Node base_of(const Node& extends, const std::string& shown, const Chain& chain, Diagnostics& diagnostics) {
    const auto fail = [&](const std::string& what) {
        return ConfigError(extends.place, fmt::format("extends = {}: {}", inline_toml(extends), what));
    };
    const std::string* relative = std::get_if<std::string>(&extends.value);
    if (!relative) throw fail("must be the path of a config in quotes, relative to this file");
    const fs::path path = (fs::path(shown).parent_path() / *relative).lexically_normal();
    const std::optional<std::string> text = file_text(path);
    if (!text) throw fail("cannot read this file: " + to_string(chain, path.string()));
    for (const Link& link : chain)
        if (link.identity == fs::weakly_canonical(path)) throw fail("circular: " + to_string(chain, path.string()));
    return resolved(*text, path.string(), chain, diagnostics);
}

Node resolved(std::string_view text, const std::string& shown, Chain chain, Diagnostics& diagnostics) {
    Node tree;
    try {
        tree = converted(parsed(text, shown), shown, diagnostics);
    } catch (const toml::parse_error& error) {
        throw ConfigError(place_at(shown, error.source().begin), std::string(error.description()));
    }
    const Entry* const extends = tree.find("extends");
    if (!extends) return tree;
    const Node target = extends->value;
    tree.table()->remove_if([](const Entry& entry) { return entry.key == "extends"; });
    chain.push_back({fs::weakly_canonical(shown), shown});
    Node base = base_of(target, shown, chain, diagnostics);
    base.place = tree.place;
    merge(base, std::move(tree));
    return base;
}

// ---- --set

std::optional<Node> parsed_value(const std::string& text, const std::string& shown) {
    try {
        Diagnostics diagnostics;
        Node tree = converted(parsed("value = " + text, shown), shown, diagnostics);
        if (diagnostics.has_errors()) throw ConfigError({shown, 0, 0}, diagnostics.sorted().front().text);
        if (tree.table()->size() != 1 || !tree.find("value")) return std::nullopt;
        return std::move(tree.find("value")->value);
    } catch (const toml::parse_error&) {
        return std::nullopt;
    }
}

/// The keys of "a.b.\"c d\"", read by toml++ as the left side of an assignment; empty if it is none.
std::vector<std::string> split_key(const std::string& dotted) {
    std::vector<std::string> keys;
    try {
        const toml::table table = parsed(dotted + " = 0", "");
        for (const toml::table* at = &table; at; at = at->begin()->second.as_table()) {
            if (at->size() != 1) return {};
            keys.emplace_back(at->begin()->first.str());
        }
    } catch (const toml::parse_error&) {
        return {};
    }
    return keys;
}

/// Everything that an override brings stands at the override.
void put_at(Node& node, const Place& place) {
    node.place = place;
    if (node.table())
        for (Entry& entry : *node.table()) entry.place = place, put_at(entry.value, place);
    if (node.array())
        for (Node& element : *node.array()) put_at(element, place);
}

std::size_t index_in(const Node::Array& array, const std::string& key, const std::string& name, const Place& place) {
    std::size_t index = array.size();
    const auto [rest, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error == std::errc{} && rest == key.data() + key.size() && index < array.size()) return index;
    throw ConfigError(
        place, array.empty() ? fmt::format("{} is empty, it has no entry {}", name, key)
                             : fmt::format("{} has the entries 0 to {}, none called {}", name, array.size() - 1, key));
}

/// Puts `value` at the path `keys` below `at`, which messages call `name`.
void assign(Node& at, const std::string& name, std::span<const std::string> keys, Node value) {
    const Place place = value.place;
    const std::string& key = keys.front();
    const bool last = keys.size() == 1;
    const std::string child_name = name.empty() ? key : name + "." + key;
    if (at.array()) {
        Node& element = (*at.array())[index_in(*at.array(), key, name, place)];
        if (last)
            element = std::move(value);
        else
            assign(element, child_name, keys.subspan(1), std::move(value));
    } else if (!at.table()) {
        throw ConfigError(place, fmt::format("{} is no table", name));
    } else if (Entry* entry = at.find(key); !entry) {
        for (std::size_t i = keys.size() - 1; i > 0; --i) {
            Node::Table wrapping;
            wrapping.push_back({keys[i], place, std::move(value)});
            value = Node{std::move(wrapping), place};
        }
        add_entry(at, {key, place, std::move(value)});
    } else if (last) {
        replace_entry(at, *entry, {key, place, std::move(value)});
    } else {
        assign(entry->value, child_name, keys.subspan(1), std::move(value));
    }
}

// ---- writing

std::string toml_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += '\\', out += c;
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(byte));
        else
            out += c;
    }
    return out + '"';
}

std::string key_text(std::string_view key) {
    const bool bare = !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    return bare ? std::string(key) : toml_string(key);
}

/// Shortest text that reads back as the same double and as a float ("5.0", not "5").
std::string float_text(double value) {
    if (std::isnan(value)) return "nan";
    std::string text = fmt::format("{}", value);
    if (text.find_first_of(".en") == std::string::npos) text += ".0";
    return text;
}

void write_table(std::string& out, const Node::Table& table, const std::string& path);

void write_section(std::string& out, const Entry& entry, const std::string& parent_path) {
    const std::string path = (parent_path.empty() ? "" : parent_path + ".") + key_text(entry.key);
    const auto gap = [&] { return out.empty() ? "" : "\n"; };
    if (const Node::Table* table = entry.value.table()) {
        // A table of sections only needs no header of its own: they imply it.
        const bool implied = !table->empty() && trailing_sections(*table) == table->begin();
        if (!implied) out += fmt::format("{}[{}]\n", gap(), path);
        write_table(out, *table, path);
    } else {
        for (const Node& element : *entry.value.array()) {
            out += fmt::format("{}[[{}]]\n", gap(), path);
            write_table(out, *element.table(), path);
        }
    }
}

void write_table(std::string& out, const Node::Table& table, const std::string& path) {
    auto entry = table.begin();
    for (const auto sections = trailing_sections(table); entry != sections; ++entry)
        out += fmt::format("{} = {}\n", key_text(entry->key), inline_toml(entry->value));
    for (; entry != table.end(); ++entry) write_section(out, *entry, path);
}

template <class Range, class Text>
std::string joined(const Range& range, const Text& text) {
    std::string out;
    for (const auto& item : range) out += (out.empty() ? "" : ", ") + text(item);
    return out;
}

} // namespace

Entry* Node::find(std::string_view key) { return const_cast<Entry*>(static_cast<const Node*>(this)->find(key)); }

const Entry* Node::find(std::string_view key) const {
    if (!table()) return nullptr;
    const auto found = std::ranges::find(*table(), key, &Entry::key);
    return found == table()->end() ? nullptr : &*found;
}

bool operator==(const Node& a, const Node& b) { return a.value == b.value; }
bool operator==(const Entry& a, const Entry& b) { return a.key == b.key && a.value == b.value; }

Entry& add_entry(Node& parent, Entry entry) {
    Node::Table& table = *parent.table();
    const auto position = is_section(entry.value) ? table.end() : trailing_sections(table);
    return *table.insert(position, std::move(entry));
}

Node parse_config(std::string_view text, const std::string& name) {
    Diagnostics diagnostics;
    Node tree = resolved(text, name, {}, diagnostics);
    diagnostics.throw_if_errors();
    return tree;
}

Node load_config(const fs::path& file) {
    const std::optional<std::string> text = file_text(file);
    if (!text) throw ConfigError({file.string(), 0, 0}, "cannot read this file");
    return parse_config(*text, file.string());
}

void apply_set(Node& root, std::string_view assignment) {
    const Place place{fmt::format("--set {}", assignment), 0, 0};
    const std::size_t sign = assignment.find('=');
    if (sign == std::string_view::npos) throw ConfigError(place, "must have the form KEY=VALUE");
    const std::vector<std::string> keys = split_key(std::string(assignment.substr(0, sign)));
    if (keys.empty()) throw ConfigError(place, "the key must be names joined by dots, such as population.pv.size");
    const std::string text(assignment.substr(sign + 1));
    if (text.find_first_not_of(" \t") == std::string::npos)
        throw ConfigError(place, "has no value; an empty text is \"\" in quotes");
    assign(root, "", keys, parse_value(text, place));
}

void set_value(Node& root, const std::string& key, Node value) {
    const std::vector<std::string> keys = split_key(key);
    if (keys.empty())
        throw ConfigError(value.place, "the key must be names joined by dots, such as population.pv.size");
    assign(root, "", keys, std::move(value));
}

void add_fragment(Node& base, Node fragment) {
    for (Entry& entry : *fragment.table())
        if (Entry* slot = base.find(entry.key); slot && slot->value.array() && entry.value.array()) {
            // A list that is empty now may stand elsewhere than one of tables: see add_entry.
            Node list = slot->value;
            for (Node& element : *entry.value.array()) list.array()->push_back(std::move(element));
            replace_entry(base, *slot, {entry.key, slot->place, std::move(list)});
            entry.value.value = Node::Array{};
        }
    fragment.table()->remove_if([](const Entry& e) { return e.value.array() && e.value.array()->empty(); });
    merge(base, std::move(fragment));
}

const Node* find_path(const Node& root, const std::string& key) {
    const Node* at = &root;
    for (const std::string& part : split_key(key)) {
        if (const Node::Array* array = at->array()) {
            std::size_t index = array->size();
            const auto [rest, error] = std::from_chars(part.data(), part.data() + part.size(), index);
            if (error != std::errc{} || rest != part.data() + part.size() || index >= array->size()) return nullptr;
            at = &(*array)[index];
        } else {
            const Entry* entry = at->find(part);
            if (!entry) return nullptr;
            at = &entry->value;
        }
    }
    return at;
}

Node parse_value(const std::string& text, const Place& place) {
    std::optional<Node> value = parsed_value(text, place.file);
    if (!value) value = parsed_value(toml_string(text), place.file);
    if (!value) throw ConfigError(place, "the value is not valid UTF-8");
    put_at(*value, place);
    return std::move(*value);
}

std::string inline_toml(const Node& node) {
    if (const Node::Table* table = node.table()) {
        if (table->empty()) return "{}";
        return fmt::format("{{ {} }}", joined(*table, [](const Entry& entry) {
                               return fmt::format("{} = {}", key_text(entry.key), inline_toml(entry.value));
                           }));
    }
    if (const Node::Array* array = node.array()) return fmt::format("[{}]", joined(*array, inline_toml));
    if (const bool* boolean = std::get_if<bool>(&node.value)) return *boolean ? "true" : "false";
    if (const std::int64_t* integer = std::get_if<std::int64_t>(&node.value)) return fmt::format("{}", *integer);
    if (const double* number = std::get_if<double>(&node.value)) return float_text(*number);
    return toml_string(std::get<std::string>(node.value));
}

std::string to_toml(const Node& root) {
    std::string out;
    write_table(out, *root.table(), "");
    return out;
}

} // namespace rewire::experiment
