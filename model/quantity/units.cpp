#include "quantity/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include <boost/algorithm/string/replace.hpp>
#include <fmt/format.h>
#include <udunits2.h>

namespace rewire {
namespace {

struct FreeSystem {
    void operator()(ut_system* system) const { ut_free_system(system); }
};
struct FreeUnit {
    void operator()(ut_unit* unit) const { ut_free(unit); }
};
struct FreeConverter {
    void operator()(cv_converter* converter) const { cv_free(converter); }
};
using System = std::unique_ptr<ut_system, FreeSystem>;
using Unit = std::unique_ptr<ut_unit, FreeUnit>;
using Converter = std::unique_ptr<cv_converter, FreeConverter>;

struct Prefix {
    char symbol;
    double factor;
};
constexpr auto prefixes = std::to_array<Prefix>({{'f', 1e-15},
                                                 {'p', 1e-12},
                                                 {'n', 1e-9},
                                                 {'u', 1e-6},
                                                 {'m', 1e-3},
                                                 {'c', 1e-2},
                                                 {'d', 1e-1},
                                                 {'k', 1e3},
                                                 {'M', 1e6},
                                                 {'G', 1e9}});

/// Symbol of the body weight, kept apart from mass; no config can spell it.
constexpr std::string_view body_weight = "_kg";

/// One unit: its definition in those above it (empty: a base unit) and the prefixes that it may carry.
/// Prefixes are listed, not general, so that "mmin" or "kh" stay unknown.
struct UnitLine {
    const char* symbol;
    const char* definition;
    std::string_view prefixed;
};
constexpr auto unit_lines = std::to_array<UnitLine>({
    {"s", "", "num"},        {"m", "", "numck"},        {"g", "", "fpnumk"},   {"A", "", "fpnum"},
    {"mol", "", "fpnum"},    {"_kg", "", ""},           {"min", "60 s", ""},   {"h", "60 min", ""},
    {"d", "24 h", ""},       {"week", "7 d", ""},       {"Hz", "1/s", "k"},    {"L", "0.001 m3", "fpnumd"},
    {"M", "mol/L", "fpnum"}, {"V", "kg.m2/A/s3", "um"}, {"S", "A/V", "fpnum"}, {"Ohm", "V/A", "kMG"},
    {"C", "A.s", "fpnum"},   {"F", "C/V", "fpnum"},     {"%", "0.01", ""},
});

struct Dimension {
    std::string_view unit;
    std::string_view name;
};
constexpr auto dimensions = std::to_array<Dimension>({
    {"s", "time"},
    {"m", "length"},
    {"m^2", "area"},
    {"L", "volume"},
    {"g", "mass"},
    {"mol", "amount of substance"},
    {"V", "voltage"},
    {"A", "current"},
    {"S", "conductance"},
    {"Ohm", "resistance"},
    {"F", "capacitance"},
    {"C", "charge"},
    {"1/s", "rate"},
    {"M", "concentration"},
    {"g/L", "mass concentration"},
    {"M/s", "concentration per time"},
    {"1/M", "inverse concentration"},
    {"1/M/s", "association rate"},
    {"g/mol", "molar mass"},
    {"g/kg", "amount per body weight"},
    {"g/s", "mass per time"},
    {"g/s/kg", "amount per body weight and time"},
    {"L/s", "clearance"},
    {"L/s/kg", "clearance per body weight"},
    {"L/kg", "volume per body weight"},
    {"m/s", "speed"},
    {"m^2/s", "diffusion coefficient"},
    {"1/V", "inverse voltage"},
    {"1/m^2", "density per area"},
    {"1/m^3", "density per volume"},
});

void add_unit(ut_system* system, const UnitLine& line) {
    const Unit unit{*line.definition ? ut_parse(system, line.definition, UT_ASCII) : ut_new_base_unit(system)};
    ut_map_symbol_to_unit(line.symbol, UT_ASCII, unit.get());
    for (const Prefix& prefix : prefixes) {
        if (line.prefixed.find(prefix.symbol) == std::string_view::npos) continue;
        const Unit scaled{ut_scale(prefix.factor, unit.get())};
        ut_map_symbol_to_unit((prefix.symbol + std::string(line.symbol)).c_str(), UT_ASCII, scaled.get());
    }
}

/// The unit system: constant after its first use, kept because building it costs some hundred microseconds.
const ut_system* unit_system() {
    static const System system = [] {
        ut_set_error_message_handler(ut_ignore);
        System made{ut_new_system()};
        for (const UnitLine& line : unit_lines) add_unit(made.get(), line);
        return made;
    }();
    return system.get();
}

bool is_symbol_char(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '%'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `unit` as UDUNITS shall read it, if it has our grammar: ["1"] {"/" or "*" symbol ["^"] [digit]}. UDUNITS
/// alone would take "ms 3" for ms^3 and "2 ms" for a unit.
std::optional<std::string> spelled_for_udunits(std::string_view unit) {
    if (unit == "1") return "1";
    if (unit.starts_with("1/")) unit.remove_prefix(1);
    std::string spelled = unit.starts_with('/') ? "1" : "";
    char sign = '*';
    if (unit.starts_with('/')) sign = '/', unit.remove_prefix(1);
    while (true) {
        std::size_t length = 0;
        while (length < unit.size() && is_symbol_char(unit[length])) ++length;
        if (length == 0) return std::nullopt;
        const std::string_view symbol = unit.substr(0, length);
        unit.remove_prefix(length);
        if (!spelled.empty()) spelled += sign;
        spelled += sign == '/' && symbol == "kg" ? body_weight : symbol;

        if (unit.size() > 1 && unit[0] == '^' && is_digit(unit[1])) unit.remove_prefix(1);
        if (!unit.empty() && is_digit(unit[0])) spelled += '^', spelled += unit[0], unit.remove_prefix(1);
        if (unit.empty()) return spelled;
        sign = unit[0];
        if (sign != '/' && sign != '*') return std::nullopt;
        unit.remove_prefix(1);
    }
}

/// The unit, or null if it is unknown. The micro sign and the Greek letter, which looks the same, are read as "u".
Unit find_unit(std::string_view unit) {
    std::string ascii{unit};
    for (const char* micro : {"\u00b5", "\u03bc"}) boost::algorithm::replace_all(ascii, micro, "u");
    const std::optional<std::string> spelled = spelled_for_udunits(ascii);
    return Unit{spelled ? ut_parse(unit_system(), spelled->c_str(), UT_ASCII) : nullptr};
}

Unit require_unit(std::string_view unit) {
    Unit found = find_unit(unit);
    if (!found) throw std::invalid_argument(fmt::format("unknown unit \"{}\" in a description", unit));
    return found;
}

/// Same product of base units. ut_are_convertible is no test of this: it takes seconds and hertz for one.
bool same_dimension(const ut_unit* a, const ut_unit* b) {
    const Unit ratio{ut_divide(a, b)};
    const Unit one{ut_get_dimensionless_unit_one(unit_system())};
    return ratio && ut_are_convertible(ratio.get(), one.get());
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A quantity taken apart: "0.5 mg/kg" -> "0.5", 0.5, "mg/kg".
struct Parts {
    std::string_view number;
    double value = 0;
    std::string_view unit;     ///< empty: none given
    bool out_of_range = false; ///< a number, but not one that a double can hold
};

std::optional<Parts> take_apart(std::string_view text) {
    text = trimmed(text);
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
    Parts parts;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, parts.value);
    if (error == std::errc::invalid_argument) return std::nullopt;
    parts.out_of_range = error == std::errc::result_out_of_range || !std::isfinite(parts.value);
    parts.number = text.substr(0, static_cast<std::size_t>(rest - text.data()));
    parts.unit = trimmed(text.substr(parts.number.size()));
    return parts;
}

bool nearly_equal(double a, double b) { return std::abs(a - b) <= 1e-13 * std::abs(b); }

/// The decimal `number` times 10^shift, rounded once: by moving its decimal point, not by multiplying.
double shift_decimal_point(std::string_view number, int shift) {
    const std::size_t e = number.find_first_of("eE");
    if (e != std::string_view::npos) shift += std::stoi(std::string(number.substr(e + 1)));
    const std::string shifted = fmt::format("{}e{}", number.substr(0, e), shift);
    double value = 0;
    const auto [rest, error] = std::from_chars(shifted.data(), shifted.data() + shifted.size(), value);
    return error == std::errc{} ? value : std::numeric_limits<double>::infinity();
}

double scaled(const Parts& parts, double factor) {
    const int decade = static_cast<int>(std::lround(std::log10(factor)));
    if (parts.value == 0) return parts.value;
    if (nearly_equal(factor, std::pow(10.0, decade))) return shift_decimal_point(parts.number, decade);
    if (nearly_equal(factor, std::round(factor))) return parts.value * std::round(factor);
    if (nearly_equal(1 / factor, std::round(1 / factor))) return parts.value / std::round(1 / factor);
    return parts.value * factor;
}

std::string example(std::string_view unit) {
    return unit == "1" ? "0.5" : fmt::format("\"{}\"", quantity_text(10, unit));
}

std::string with_article(std::string_view noun) {
    return fmt::format("{} {}", std::string_view("aeiou").find(noun[0]) == std::string_view::npos ? "a" : "an", noun);
}

} // namespace

QuantityError::QuantityError(Kind why, std::string_view given, std::string_view wanted, const std::string& message)
    : std::runtime_error(message),
      kind(why),
      text(given),
      unit(wanted) {}

double parse_quantity(std::string_view text, std::string_view unit) {
    using Kind = QuantityError::Kind;
    const Unit wanted = require_unit(unit);
    const auto fail = [&](Kind kind, std::string_view what) {
        const std::string noun = with_article(dimension_name(unit));
        return QuantityError(kind, text, unit, fmt::format("{}; {} is needed, such as {}", what, noun, example(unit)));
    };
    const std::optional<Parts> parts = take_apart(text);
    if (!parts) throw fail(Kind::not_a_number, "does not begin with a number");
    if (parts->out_of_range) throw fail(Kind::not_finite, "is not a finite number");
    if (parts->unit.empty() && unit != "1")
        throw QuantityError(Kind::missing_unit, text, unit, fmt::format("needs a unit ({})", quantity_hint(unit)));

    const Unit given = find_unit(parts->unit.empty() ? "1" : parts->unit);
    if (!given) throw fail(Kind::unknown_unit, fmt::format("has the unknown unit \"{}\"", parts->unit));
    if (!same_dimension(given.get(), wanted.get()))
        throw fail(Kind::wrong_dimension, fmt::format("has the unit {}", parts->unit));
    const Converter converter{ut_get_converter(given.get(), wanted.get())};
    const double value = scaled(*parts, cv_convert_double(converter.get(), 1.0));
    if (!std::isfinite(value)) throw fail(Kind::not_finite, "is not a finite number");
    return value;
}

bool has_dimension_of(std::string_view text, std::string_view unit) {
    const Unit wanted = require_unit(unit);
    const std::optional<Parts> parts = take_apart(text);
    if (!parts || (parts->unit.empty() && unit != "1")) return false;
    const Unit given = find_unit(parts->unit.empty() ? "1" : parts->unit);
    return given && same_dimension(given.get(), wanted.get());
}

std::string dimension_name(std::string_view unit) {
    const Unit wanted = require_unit(unit);
    if (same_dimension(wanted.get(), require_unit("1").get())) return "number";
    for (const Dimension& dimension : dimensions)
        if (same_dimension(wanted.get(), require_unit(dimension.unit).get())) return std::string(dimension.name);
    return fmt::format("quantity in {}", unit);
}

std::string quantity_hint(std::string_view unit) {
    return fmt::format("{}, such as {}", with_article(dimension_name(unit)), example(unit));
}

std::string quantity_text(double value, std::string_view unit) {
    if (unit == "1") return fmt::format("{}", value);
    return fmt::format("{} {}", value, unit.starts_with("1/") ? unit.substr(1) : unit);
}

} // namespace rewire
