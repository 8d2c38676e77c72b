#pragma once
// One description per parameter struct: the config reader, the range checks, `rewire describe`, the HDF5
// attributes and the documentation are all made from it. Adding a parameter is one line in the table that
// stands beside the struct.

#include <array>
#include <cstdint>
#include <limits>
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
};

/// The description of a parameter struct, specialised beside it:
///
///     template <> struct Described<Adex> {
///         static constexpr std::string_view name = "adex";
///         static constexpr std::string_view meaning = "adaptive exponential integrate-and-fire neuron";
///         static constexpr auto parameters = std::to_array<Parameter<Adex>>({
///             {"capacitance", "pF", &Adex::capacitance_pF, positive, "membrane capacitance", "Brette & Gerstner 2005"},
///         });
///     };
///
/// Default values are those of a value-initialised S.
template <class S>
struct Described;

} // namespace rewire
