#pragma once
// One description per parameter struct: the config reader, the range checks, `rewire describe`, the HDF5
// attributes and the documentation are all made from it. Adding a parameter is one line in the table that
// stands beside the struct. What a config says of the struct in another form than a plain value (a name, a
// list, a table of its own) is a line in its table of keys.

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rewire {

/// Values that a parameter may take. Finite values are always required.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool low_open = false;  ///< `low` itself is not allowed
    bool high_open = false; ///< `high` itself is not allowed

    constexpr bool contains(double value) const {
        return value - value == 0 && (low_open ? value > low : value >= low) &&
               (high_open ? value < high : value <= high);
    }
};

inline constexpr Range any_value{};
inline constexpr Range positive{0, std::numeric_limits<double>::infinity(), true};
inline constexpr Range non_negative{0};
inline constexpr Range at_least_one{1};
inline constexpr Range fraction{0, 1};

/// Times of an experiment: up to 95 years, so that steps and nanoseconds are counted without overflow.
inline constexpr double longest_s = 3e9;
inline constexpr Range time_from_0{0, longest_s};
inline constexpr Range time_span{0, longest_s, true, true};

/// One parameter of the struct S.
template <class S>
struct Parameter {
    std::string_view name; ///< key in the config: snake_case, without the unit
    std::string_view unit; ///< unit of the stored value in ASCII ("mV", "nS", "1/h"); "1" for a plain number
    std::variant<double S::*, std::int64_t S::*, bool S::*, std::string S::*> member;
    Range range = any_value;       ///< for numbers
    std::string_view meaning;      ///< one line
    std::string_view source;       ///< "Author year", "[M] ...", or "calibrated: target"
    std::string_view choices = {}; ///< for strings: "one|two|three"; empty: any text
    bool needed = false;           ///< a config must give it: no default makes sense
};

/// A key of the config that is no plain member of the struct: a name, a list, a table of its own, or a value whose
/// unit, range or default depend on the rest of the config.
struct Key {
    std::string_view name;     ///< "NAME": any, where the keys of a table are names
    std::string_view holds;    ///< "the name of a population", "a list of times"; empty: what unit and choices say
    std::string_view fallback; ///< default, written as after `--set`; in words in "(brackets)" where it depends on
                               ///< others or there is none; empty: a config must give it
    std::string_view meaning;  ///< one line
    std::string_view unit = "1";
    Range range = any_value;
    std::string_view choices = {};
};

/// The description of a parameter struct, specialised beside it:
///
///     template <> struct Described<Adex> {
///         static constexpr std::string_view name = "adex";
///         static constexpr std::string_view meaning = "adaptive exponential integrate-and-fire neuron";
///         static constexpr auto parameters = std::to_array<Parameter<Adex>>({
///             {"capacitance", "pF", &Adex::capacitance_pF, positive, "membrane capacitance",
///              "Brette & Gerstner 2005"},
///         });
///         static constexpr auto keys = std::to_array<Key>({...}); // only where there are any
///     };
///
/// Default values are those of a value-initialised S.
template <class S>
struct Described;

/// Everything that a table of the config may hold for an S: the names of its parameters, and its other keys.
struct TableKeys {
    std::span<const std::string_view> parameters;
    std::span<const Key> keys;
};

template <class S>
inline constexpr auto parameter_names = [] {
    std::array<std::string_view, Described<S>::parameters.size()> names;
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = Described<S>::parameters[i].name;
    return names;
}();

template <class S>
constexpr TableKeys keys_of() {
    if constexpr (requires { Described<S>::keys; })
        return {parameter_names<S>, Described<S>::keys};
    else
        return {parameter_names<S>, {}};
}

} // namespace rewire
