#include "experiment/reader.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "quantity/units.hpp"

namespace rewire::experiment {
namespace {

std::vector<std::string> split_choices(std::string_view choices) {
    std::vector<std::string> words;
    while (!choices.empty()) {
        const std::size_t bar = std::min(choices.find('|'), choices.size());
        words.emplace_back(choices.substr(0, bar));
        choices.remove_prefix(std::min(bar + 1, choices.size()));
    }
    return words;
}

/// The value as it stands in the config, cut where it is long; empty for tables.
std::string value_text(const Node& node) {
    constexpr std::size_t longest = 60;
    if (node.table()) return {};
    std::string text = inline_toml(node);
    if (text.size() > longest) text = text.substr(0, longest - 3) + "...";
    return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view quote) {
    std::string text;
    for (const std::string& word : words) text += fmt::format("{}{}{}{}", text.empty() ? "" : ", ", quote, word, quote);
    return text;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    const std::string best = nearest(word, candidates);
    return best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best);
}

} // namespace

std::string range_text(const Range& range, std::string_view unit) {
    const auto bound = [&](double value) { return value == 0 ? "0" : quantity_text(value, unit); };
    const bool low = std::isfinite(range.low);
    const bool high = std::isfinite(range.high);
    if (low && high)
        return fmt::format("must lie between {}{} and {}{}", bound(range.low), range.low_open ? " (excluded)" : "",
                           bound(range.high), range.high_open ? " (excluded)" : "");
    if (low) return range.low_open ? "must be above " + bound(range.low) : "must be " + bound(range.low) + " or more";
    if (high)
        return range.high_open ? "must be below " + bound(range.high) : "must be " + bound(range.high) + " or less";
    return "must be finite";
}

std::string value_hint(std::string_view unit, std::string_view, double) { return quantity_hint(unit); }

std::string value_hint(std::string_view unit, std::string_view, std::int64_t) {
    return unit == "1" ? "a whole number" : quantity_hint(unit);
}

std::string value_hint(std::string_view, std::string_view, bool) { return "true or false"; }

std::string value_hint(std::string_view, std::string_view choices, std::string_view) {
    return choices.empty() ? "text in quotes" : "one of " + joined(split_choices(choices), "\"");
}

TableReader::TableReader(Node& node, std::string section, Diagnostics& diagnostics, TableKeys described)
    : node_(&node),
      section_(std::move(section)),
      diagnostics_(&diagnostics),
      keys_(described.keys),
      described_(described.parameters.begin(), described.parameters.end()) {}

std::string TableReader::name() const { return section_.substr(section_.rfind('.') + 1); }

// ---- finding and complaining

const Key* TableReader::key_of(std::string_view key) const {
    const auto named = [&](std::string_view name) {
        const auto found = std::ranges::find(keys_, name, &Key::name);
        return found == keys_.end() ? nullptr : &*found;
    };
    const Key* found = named(key);
    return found ? found : named("NAME");
}

bool TableReader::is_described(std::string_view key) const {
    return key_of(key) || std::ranges::find(described_, key) != described_.end();
}

const Key& TableReader::described(std::string_view key) const {
    if (const Key* found = key_of(key)) return *found;
    throw std::logic_error(fmt::format("[{}] {} is not described as a key", section_, key));
}

Node* TableReader::find(std::string_view key) {
    if (!is_described(key)) throw std::logic_error(fmt::format("[{}] {} is not described", section_, key));
    if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
    Entry* entry = node_->find(key);
    return entry ? &entry->value : nullptr;
}

Node* TableReader::find_or_default(std::string_view key, std::string_view hint) {
    if (Node* value = find(key)) return value;
    const Key* described = key_of(key); // a parameter's default is in its struct
    if (!described || described->fallback.starts_with('(')) return nullptr;
    if (!described->fallback.empty()) {
        write_default(key, parse_value(std::string(described->fallback), node_->place).value);
        return find(key);
    }
    if (!described->holds.empty() && hint.empty()) hint = described->holds;
    miss(key,
         !hint.empty()                ? std::string(hint)
         : described->choices.empty() ? quantity_hint(described->unit)
                                      : value_hint("1", described->choices, std::string_view()),
         described->meaning);
    return nullptr;
}

void TableReader::miss(std::string_view key, std::string_view hint, std::string_view meaning) {
    error(key, fmt::format("is missing; needed: {} ({})", meaning, hint));
}

void TableReader::write_default(std::string_view key, decltype(Node::value) value) {
    add_entry(*node_, {std::string(key), node_->place, {std::move(value), node_->place}});
}

std::string TableReader::label(std::string_view key, const Node* value) const {
    std::string text =
        section_.empty() ? std::string(key) : fmt::format("[{}]{}{}", section_, key.empty() ? "" : " ", key);
    if (value && !value->table()) text += " = " + value_text(*value);
    return text;
}

void TableReader::complain(std::string_view key, const Node& value, std::string_view text) {
    diagnostics_->error(value.place, fmt::format("{}: {}", label(key, &value), text));
}

void TableReader::error(std::string_view key, std::string_view text) {
    const Entry* entry = node_->find(key);
    diagnostics_->error(entry ? entry->value.place : node_->place,
                        fmt::format("{}: {}", label(key, entry ? &entry->value : nullptr), text));
}

void TableReader::warning(std::string_view key, std::string_view text) {
    const Entry* entry = node_->find(key);
    diagnostics_->warning(entry ? entry->value.place : node_->place,
                          fmt::format("{}: {}", label(key, entry ? &entry->value : nullptr), text));
}

void TableReader::note_number(std::string_view key, std::string_view unit, const Range& range) {
    diagnostics_->note_number(child_section(key), unit, range);
}

void TableReader::finish() {
    const std::string allowed = known_.empty() ? "no keys are" : joined(known_, "");
    for (const Entry& entry : *node_->table()) {
        if (std::ranges::find(known_, entry.key) != known_.end()) continue;
        // A key of this table that other keys leave without a meaning, such as the rate of a current.
        const Key* key = key_of(entry.key);
        const bool idle = is_described(entry.key) && !(key && key->name == "NAME");
        const std::string hint = idle ? "" : did_you_mean(entry.key, known_);
        diagnostics_->error(entry.place, fmt::format("{}: {}{} allowed: {}", label(entry.key, &entry.value),
                                                     idle ? "does not apply here" : "unknown key",
                                                     hint.empty() ? ";" : hint, allowed));
    }
}

void TableReader::finish_early() {
    for (const std::string_view name : described_) has(name);
    for (const Key& key : keys_) has(key.name);
    finish();
}

// ---- checking one value

std::optional<std::string> TableReader::string_of(std::string_view key, const Node& value, std::string_view choices) {
    const std::string* text = std::get_if<std::string>(&value.value);
    const std::vector<std::string> words = split_choices(choices);
    if (text && (words.empty() || std::ranges::find(words, *text) != words.end())) return *text;
    const std::string hint = text ? did_you_mean(*text, words) : "";
    complain(key, value, words.empty() ? "must be text in quotes" : "must be one of " + joined(words, "\"") + hint);
    return std::nullopt;
}

std::optional<bool> TableReader::boolean_of(std::string_view key, const Node& value) {
    if (const bool* boolean = std::get_if<bool>(&value.value)) return *boolean;
    complain(key, value, "must be true or false");
    return std::nullopt;
}

std::optional<double> TableReader::quantity_of(std::string_view key, const Node& value, std::string_view unit,
                                               const Range& range) {
    double number = 0;
    const auto* integer = std::get_if<std::int64_t>(&value.value);
    const auto* real = std::get_if<double>(&value.value);
    const auto* text = std::get_if<std::string>(&value.value);
    try {
        if (text)
            number = parse_quantity(*text, unit);
        else if (unit == "1" && (integer || real))
            number = integer ? static_cast<double>(*integer) : *real;
        else if (integer || real)
            parse_quantity(inline_toml(value), unit); // throws: the unit is missing
        else
            throw QuantityError(QuantityError::Kind::not_a_number, "", unit, "must be " + quantity_hint(unit));
    } catch (const QuantityError& error) {
        complain(key, value, error.what());
        return std::nullopt;
    }
    if (!range.contains(number)) {
        complain(key, value, std::isfinite(number) ? range_text(range, unit) : "must be finite");
        return std::nullopt;
    }
    return number;
}

std::optional<std::int64_t> TableReader::integer_of(std::string_view key, const Node& value, std::string_view unit,
                                                    const Range& range) {
    constexpr double largest = 9007199254740992.0; // 2^53: doubles hold every whole number up to here
    if (unit == "1" && std::holds_alternative<std::string>(value.value)) {
        complain(key, value, "must be a whole number, without quotes");
        return std::nullopt;
    }
    const std::optional<double> number = quantity_of(key, value, unit, range);
    if (!number) return std::nullopt;
    if (const auto* integer = std::get_if<std::int64_t>(&value.value)) return *integer; // exact, for seeds
    if (*number != std::round(*number) || std::abs(*number) > largest) {
        complain(key, value, std::abs(*number) > largest ? "is too large" : "must be a whole number");
        return std::nullopt;
    }
    return static_cast<std::int64_t>(*number);
}

// ---- getters

std::optional<std::string> TableReader::string(std::string_view key) { return string(key, described(key).choices); }

std::optional<std::string> TableReader::string(std::string_view key, std::string_view choices) {
    const Node* value = find_or_default(key, choices.empty() ? "" : value_hint("1", choices, std::string_view()));
    return value ? string_of(key, *value, choices) : std::nullopt;
}

std::optional<bool> TableReader::boolean(std::string_view key) {
    const Node* value = find_or_default(key);
    return value ? boolean_of(key, *value) : std::nullopt;
}

std::optional<std::int64_t> TableReader::integer(std::string_view key) {
    const Node* value = find_or_default(key);
    return value ? integer_of(key, *value, described(key).unit, described(key).range) : std::nullopt;
}

std::optional<double> TableReader::quantity(std::string_view key) {
    const Node* value = find_or_default(key);
    note_number(key, described(key).unit, described(key).range);
    return value ? quantity_of(key, *value, described(key).unit, described(key).range) : std::nullopt;
}

std::optional<double> TableReader::quantity(std::string_view key, std::string_view unit, const Range& range) {
    const Node* value = find_or_default(key, quantity_hint(unit));
    note_number(key, unit, range);
    return value ? quantity_of(key, *value, unit, range) : std::nullopt;
}

std::optional<Quantity> TableReader::quantity_in_one_of(std::string_view key, const std::vector<std::string>& units) {
    const Node* value = find_or_default(key);
    if (!value) return std::nullopt;
    const std::string* text = std::get_if<std::string>(&value->value);
    for (const std::string& unit : units) {
        if (!text || !has_dimension_of(*text, unit)) continue;
        note_number(key, unit, described(key).range);
        const std::optional<double> number = quantity_of(key, *value, unit, described(key).range);
        return number ? std::optional(Quantity{*number, unit}) : std::nullopt;
    }
    std::string hints;
    for (const std::string& unit : units) hints += (hints.empty() ? "" : "; or ") + quantity_hint(unit);
    complain(key, *value, "must be " + hints);
    return std::nullopt;
}

std::optional<std::vector<std::string>> TableReader::string_list(std::string_view key) {
    const Node* list = array(key);
    if (!list) return std::nullopt;
    std::vector<std::string> texts;
    for (const Node& element : *list->array())
        if (auto text = string_of(fmt::format("{}.{}", key, &element - list->array()->data()), element, ""))
            texts.push_back(std::move(*text));
    return texts.size() == list->array()->size() ? std::optional(std::move(texts)) : std::nullopt;
}

std::optional<std::vector<double>> TableReader::quantity_list(std::string_view key) {
    return quantity_list(key, described(key).range);
}

std::optional<std::vector<double>> TableReader::quantity_list(std::string_view key, const Range& range) {
    const Node* list = array(key);
    if (!list) return std::nullopt;
    const std::string_view unit = described(key).unit;
    std::vector<double> numbers;
    for (const Node& element : *list->array())
        if (const auto number =
                quantity_of(fmt::format("{}.{}", key, &element - list->array()->data()), element, unit, range))
            numbers.push_back(*number);
    return numbers.size() == list->array()->size() ? std::optional(std::move(numbers)) : std::nullopt;
}

// ---- defaults that depend on others, and parameters

std::string TableReader::string_or(std::string_view key, std::string_view fallback) {
    if (!find(key)) write_default(key, std::string(fallback));
    return string(key).value_or(std::string(fallback));
}

bool TableReader::boolean_or(std::string_view key, bool fallback) {
    if (!find(key)) write_default(key, fallback);
    return boolean(key).value_or(fallback);
}

double TableReader::quantity_or(std::string_view key, double fallback) {
    if (!find(key)) write_default(key, quantity_text(fallback, described(key).unit));
    return quantity(key).value_or(fallback);
}

void TableReader::read_value(Text key, Text unit, const Range& range, Text, double& value) {
    note_number(key, unit, range);
    if (const Node* given = find(key))
        value = quantity_of(key, *given, unit, range).value_or(value);
    else if (unit == "1")
        write_default(key, value);
    else
        write_default(key, quantity_text(value, unit));
}

void TableReader::read_value(Text key, Text unit, const Range& range, Text, std::int64_t& value) {
    if (const Node* given = find(key))
        value = integer_of(key, *given, unit, range).value_or(value);
    else if (unit == "1")
        write_default(key, value);
    else
        write_default(key, quantity_text(static_cast<double>(value), unit));
}

void TableReader::read_value(Text key, Text, const Range&, Text, bool& value) {
    if (const Node* given = find(key))
        value = boolean_of(key, *given).value_or(value);
    else
        write_default(key, value);
}

void TableReader::read_value(Text key, Text, const Range&, Text choices, std::string& value) {
    if (const Node* given = find(key))
        value = string_of(key, *given, choices).value_or(value);
    else
        write_default(key, value);
}

// ---- presence and structure

bool TableReader::require(std::string_view key) { return find_or_default(key) != nullptr; }

bool TableReader::has(std::string_view key) { return find(key) != nullptr; }

Node* TableReader::table(std::string_view key) {
    Node* value = find_or_default(key);
    if (!value || value->table()) return value;
    complain(key, *value, fmt::format("must be a table, such as [{}]", child_section(key)));
    return nullptr;
}

Node* TableReader::array(std::string_view key) {
    Node* value = find_or_default(key);
    if (!value || value->array()) return value;
    complain(key, *value, "must be a list in square brackets");
    return nullptr;
}

std::string TableReader::child_section(std::string_view key) const {
    return section_.empty() ? std::string(key) : fmt::format("{}.{}", section_, key);
}

std::optional<TableReader> TableReader::section(std::string_view key, TableKeys described) {
    Node* found = table(key);
    return found ? std::optional(TableReader(*found, child_section(key), *diagnostics_, described)) : std::nullopt;
}

std::optional<TableReader> TableReader::section_or_empty(std::string_view key, TableKeys described) {
    if (!find(key)) write_default(key, Node::Table{});
    return section(key, described);
}

std::vector<TableReader> TableReader::sections(std::string_view key, TableKeys described) {
    std::vector<TableReader> readers;
    const auto add = [&](const std::string& child_key, Node& child) {
        if (child.table())
            readers.emplace_back(child, child_section(child_key), *diagnostics_, described);
        else
            complain(child_key, child,
                     fmt::format("must be a table, such as [{}]; each of a list of tables begins with [[{}]]",
                                 child_section(child_key), child_section(key)));
    };
    Node* parent = find_or_default(key);
    if (!parent) return readers;
    if (Node::Table* table = parent->table()) {
        for (Entry& entry : *table) {
            add(fmt::format("{}.{}", key, entry.key), entry.value);
            // Dots join the names of sections: name() is what follows the last one.
            if (entry.key.find('.') != std::string::npos)
                complain(fmt::format("{}.{}", key, entry.key), entry.value, "the name must not hold dots");
        }
    } else if (Node::Array* array = parent->array()) {
        for (std::size_t i = 0; i < array->size(); ++i) add(fmt::format("{}.{}", key, i), (*array)[i]);
    } else {
        complain(key, *parent,
                 fmt::format("must be a table of tables, such as [{}.name], or a list of tables, "
                             "such as [[{}]]",
                             child_section(key), child_section(key)));
    }
    return readers;
}

} // namespace rewire::experiment
