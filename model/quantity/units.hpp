#pragma once
// Quantities as they stand in a config: "40 min", "-65 mV", "0.5 mg/kg", "35 %". The arithmetic of units is
// that of UDUNITS-2 over a short list of units of our own (see units.cpp), so no unit file is read at run
// time and no exotic unit ("a" = year, "h" = Planck's constant) can be meant by accident.
//
// A unit is an ASCII product of symbols: "mV", "L/h", "mL/min/kg", "1/ms" or "/ms", "um^2". The kg of "/kg"
// is the body weight and counts as a dimension of its own: UDUNITS would cancel it, and take "50 %" for
// "mg/kg". UDUNITS' parser is not reentrant: use these functions from one thread at a time.

#include <stdexcept>
#include <string>
#include <string_view>

namespace rewire {

/// Why a text is no quantity in the unit asked for; what() is a phrase that follows the value in a message,
/// such as `has the unit mV; a time is needed, such as "10 ms"`.
struct QuantityError : std::runtime_error {
    enum class Kind {
        not_a_number,    ///< empty, or does not begin with a number
        not_finite,      ///< nan, inf, or too large for a double
        missing_unit,    ///< "10" where a unit is needed
        unknown_unit,    ///< "10 mx", and whatever follows the unit: "10 ms or so"
        wrong_dimension, ///< "10 mV" where a time is needed
    };
    Kind kind;
    std::string text; ///< the quantity as given
    std::string unit; ///< the unit asked for

    QuantityError(Kind, std::string_view text, std::string_view unit, const std::string& message);
};

/// The number that `text` denotes, in `unit`; "1" is the unit of plain numbers, where "35 %" is 0.35. The
/// space before the unit is optional. No rounding where the units differ by a power of ten ("0.1 ms" in s is
/// 1e-4), one rounding where they differ by another whole factor. Throws QuantityError; std::invalid_argument
/// if `unit` itself is unknown.
double parse_quantity(std::string_view text, std::string_view unit);

/// Whether `text` is a number with a unit of the dimension of `unit` (for values that may be mg or mg/kg).
bool has_dimension_of(std::string_view text, std::string_view unit);

/// "time", "voltage", "amount per body weight", ...; "quantity in <unit>" where the dimension has no name.
std::string dimension_name(std::string_view unit);

/// What to write for a quantity in `unit`: `a time, such as "10 ms"`, or `a number, such as 0.5` for "1".
std::string quantity_hint(std::string_view unit);

/// `value` with its unit, so that parse_quantity gives back the same bits: "20 ms", "0.02 /h", "0.5" for "1".
std::string quantity_text(double value, std::string_view unit);

} // namespace rewire
