#pragma once
// What a config may hold, in words: the tables of quantity/parameter.hpp as `rewire describe` shows them.

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "quantity/parameter.hpp"

namespace rewire::experiment {

/// One key of a table of the config.
struct KeyInWords {
    std::string name;
    std::string fallback; ///< default; "needed" where a config must give the key
    std::string unit;     ///< "-" for what has none
    std::string allowed;
    std::string meaning; ///< with the source
};

/// A table of the config; what is described with one struct.
struct SectionInWords {
    std::string name, where, meaning; ///< where: "[population.NAME]"
    std::vector<KeyInWords> keys;
};

/// Every section of a config.
std::vector<SectionInWords> config_sections();

/// Every parameter of S, with the values of `defaults`, then its other keys.
template <class S>
std::vector<KeyInWords> in_words(const S& defaults = {});

// ---- implementation of the template

KeyInWords in_words(const Key& key);

/// "0 or more", "between 0 and 1 (excluded)", "finite".
std::string allowed_text(const Range& range, std::string_view unit);

inline std::string default_in_words(double value) { return fmt::format("{:.6g}", value); }
inline std::string default_in_words(std::int64_t value) { return fmt::format("{}", value); }
inline std::string default_in_words(bool value) { return value ? "true" : "false"; }
inline std::string default_in_words(const std::string& value) { return fmt::format("\"{}\"", value); }

template <class S, class T>
KeyInWords in_words(const Parameter<S>& p, const T& value) {
    std::string allowed = allowed_text(p.range, p.unit);
    if constexpr (std::is_same_v<T, std::string>) allowed = p.choices.empty() ? "text" : p.choices;
    if constexpr (std::is_same_v<T, bool>) allowed = "true|false";
    return {std::string(p.name), p.needed ? "needed" : default_in_words(value),
            p.unit == "1" ? "-" : std::string(p.unit), allowed,
            p.source.empty() || p.source == "-" ? std::string(p.meaning) : fmt::format("{} [{}]", p.meaning, p.source)};
}

template <class S>
std::vector<KeyInWords> in_words(const S& defaults) {
    std::vector<KeyInWords> words;
    for (const Parameter<S>& p : Described<S>::parameters)
        words.push_back(std::visit([&](auto member) { return in_words(p, defaults.*member); }, p.member));
    for (const Key& key : keys_of<S>().keys) words.push_back(in_words(key));
    return words;
}

} // namespace rewire::experiment
