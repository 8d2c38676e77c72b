#include <catch2/catch.hpp>

#include <bit>
#include <cstdint>
#include <random>

#include "quantity/units.hpp"

using rewire::dimension_name;
using rewire::has_dimension_of;
using rewire::parse_quantity;
using rewire::quantity_text;
using rewire::QuantityError;
using Kind = rewire::QuantityError::Kind;

namespace {

/// The error that a text gives.
QuantityError error_of(const std::string& text, const std::string& unit) {
    try {
        const double value = parse_quantity(text, unit);
        FAIL("\"" << text << "\" was read as " << value << " " << unit);
    } catch (const QuantityError& error) {
        return error;
    }
    throw std::logic_error("not reached");
}

} // namespace

// The truth in this file is the definition of the units (SI brochure; a week has 604800 s). Equality is exact
// where the comment says so, because configs are compared bit by bit between runs.

TEST_CASE("a quantity in its own unit is read exactly") {
    CHECK(parse_quantity("0.1 ms", "ms") == 0.1);
    CHECK(parse_quantity("0.5ms", "ms") == 0.5);
    CHECK(parse_quantity("-65 mV", "mV") == -65);
    CHECK(parse_quantity("  +1.5e-3   nS ", "nS") == 1.5e-3);
    CHECK(parse_quantity("1e3Hz", "Hz") == 1000);
    CHECK(parse_quantity("0.5 mg/kg", "mg/kg") == 0.5);
    CHECK(parse_quantity("95.2 L/h", "L/h") == 95.2);
    CHECK(parse_quantity("0.02/h", "1/h") == 0.02);
    CHECK(parse_quantity("0.02 1/h", "/h") == 0.02);
}

TEST_CASE("decimal factors and whole factors are exact") {
    CHECK(parse_quantity("40 min", "s") == 2400);
    CHECK(parse_quantity("7 d", "s") == 604800);
    CHECK(parse_quantity("1 week", "d") == 7);
    CHECK(parse_quantity("2h", "ms") == 7200000);
    CHECK(parse_quantity("0.1 ms", "s") == 1e-4);
    CHECK(parse_quantity("0.3 uM", "mM") == 0.3e-3);
    CHECK(parse_quantity("0.7 nM", "M") == 0.7e-9);
    CHECK(parse_quantity("1.1e2 pF", "nF") == 0.11);
    CHECK(parse_quantity("150 um", "mm") == 0.15);
    CHECK(parse_quantity("1.1 um^2", "m2") == 1.1e-12);
    CHECK(parse_quantity("185 ng/mL", "ug/L") == 185);
    CHECK(parse_quantity("0.07 L/min", "L/h") == 0.07 * 60);
    CHECK(parse_quantity("36 1/h", "1/s") == 0.01);
    CHECK(parse_quantity("0.05 /ms", "Hz") == 50);
    CHECK(parse_quantity("0 d", "s") == 0);
}

TEST_CASE("derived units agree with their definition") {
    CHECK(parse_quantity("1 mol/L", "M") == 1);
    CHECK(parse_quantity("3 V*nS", "nA") == Approx(3).epsilon(1e-15));    // Ohm's law
    CHECK(parse_quantity("10 pF/nS", "ms") == Approx(10).epsilon(1e-15)); // tau = C/g
    CHECK(parse_quantity("2 MOhm", "mV/nA") == Approx(2).epsilon(1e-15));
    CHECK(parse_quantity("237.7 g/mol", "ng/mL/nM") == Approx(0.2377).epsilon(1e-15)); // ketamine
    CHECK(parse_quantity("20 mL/min/kg", "L/h/kg") == Approx(1.2).epsilon(1e-15));
}

TEST_CASE("micro may be written as u, as the micro sign or as the Greek letter") {
    for (const char* text : {"0.5 uM", "0.5 \u00b5M", "0.5 \u03bcM", "0.5\u00b5M"})
        CHECK(parse_quantity(text, "nM") == 500);
    CHECK(parse_quantity("2 ug/\u00b5L", "g/L") == 2);
}

TEST_CASE("plain numbers and per cent") {
    CHECK(parse_quantity("0.35", "1") == 0.35);
    CHECK(parse_quantity("35 %", "1") == 0.35);
    CHECK(parse_quantity("7%", "1") == 0.07);
    CHECK(parse_quantity("35 %", "%") == 35);
}

TEST_CASE("a dose per body weight is no plain mass and no plain number") {
    CHECK(parse_quantity("500 ug/kg", "mg/kg") == 0.5);
    CHECK(parse_quantity("2 kg", "g") == 2000); // a mass, not a body weight
    CHECK(parse_quantity("3 L/kg", "mL/kg") == 3000);
    CHECK(error_of("35 mg", "mg/kg").kind == Kind::wrong_dimension);
    CHECK(error_of("0.5 mg/kg", "mg").kind == Kind::wrong_dimension);
    CHECK(error_of("50 %", "mg/kg").kind == Kind::wrong_dimension);
    CHECK(error_of("0.5", "mg/kg").kind == Kind::missing_unit);
    CHECK(error_of("0.5 mg/kg", "1").kind == Kind::wrong_dimension);
    CHECK(error_of("1 mg/g", "mg/kg").kind == Kind::wrong_dimension);
}

TEST_CASE("each fault has its kind") {
    CHECK(error_of("5 mV", "ms").kind == Kind::wrong_dimension);
    CHECK(error_of("5 Hz", "s").kind == Kind::wrong_dimension); // UDUNITS would convert a reciprocal
    CHECK(error_of("5 s", "1/s").kind == Kind::wrong_dimension);
    CHECK(error_of("5 uM", "ng/mL").kind == Kind::wrong_dimension); // needs a molar mass
    CHECK(error_of("5 ms", "1").kind == Kind::wrong_dimension);
    CHECK(error_of("5 mS", "ms").kind == Kind::wrong_dimension); // millisiemens
    for (const char* text : {"", "  ", "ms", "ten ms", "- 5 ms", "+-5 ms", "5"})
        CHECK(error_of(text, "ms").kind == (std::string(text) == "5" ? Kind::missing_unit : Kind::not_a_number));
    for (const char* text : {"5 mx", "5 ms or so", "5 ms 3", "5 2 ms", "5 ms3x", "5 m s", "5 ms;", "5 mmin", "5 ms/",
                             "5 //ms", "5 _kg", "5 ms^", "5 \xc2\xb0m", "5,0 ms", "0x10 ms", "5 MS", "5 a"})
        CHECK(error_of(text, "ms").kind == Kind::unknown_unit);
    for (const char* text : {"nan ms", "inf ms", "-inf", "1e999 ms"})
        CHECK(error_of(text, "ms").kind == Kind::not_finite);
    CHECK(error_of("1e306 h", "ms").kind == Kind::not_finite);
    CHECK(error_of("1e306 s", "ms").kind == Kind::not_finite);
}

TEST_CASE("messages say what was given and what is needed, in the unit asked for") {
    const QuantityError error = error_of("5 mV", "ms");
    CHECK(error.text == "5 mV");
    CHECK(error.unit == "ms");
    CHECK(std::string(error.what()) == "has the unit mV; a time is needed, such as \"10 ms\"");
    CHECK_THAT(error_of("5", "mg/kg").what(), Catch::Contains("\"10 mg/kg\"") && Catch::Contains("body weight"));
    CHECK_THAT(error_of("5 mx", "1/h").what(), Catch::Contains("\"mx\"") && Catch::Contains("\"10 /h\""));
    CHECK_THAT(error_of("x", "1").what(), Catch::Contains("a number"));
}

TEST_CASE("an unknown unit in a description is a fault of the program") {
    CHECK_THROWS_AS(parse_quantity("5 ms", "msec"), std::invalid_argument);
    CHECK_THROWS_AS(parse_quantity("5 ms", ""), std::invalid_argument);
}

TEST_CASE("has_dimension_of tells the units of a dose apart") {
    CHECK(has_dimension_of("0.5 mg/kg", "ug/kg"));
    CHECK_FALSE(has_dimension_of("0.5 mg/kg", "mg"));
    CHECK(has_dimension_of("35mg", "mg"));
    CHECK_FALSE(has_dimension_of("35", "mg"));
    CHECK_FALSE(has_dimension_of("35 Hz", "s"));
    CHECK_FALSE(has_dimension_of("mg", "mg"));
    CHECK_FALSE(has_dimension_of("5 mx", "mg"));
    CHECK(has_dimension_of("5", "1"));
}

TEST_CASE("dimensions have names") {
    CHECK(dimension_name("ms") == "time");
    CHECK(dimension_name("week") == "time");
    CHECK(dimension_name("mV") == "voltage");
    CHECK(dimension_name("nS") == "conductance");
    CHECK(dimension_name("pF") == "capacitance");
    CHECK(dimension_name("pA") == "current");
    CHECK(dimension_name("nM") == "concentration");
    CHECK(dimension_name("ng/mL") == "mass concentration");
    CHECK(dimension_name("Hz") == "rate");
    CHECK(dimension_name("1/ms") == "rate");
    CHECK(dimension_name("um") == "length");
    CHECK(dimension_name("mg") == "mass");
    CHECK(dimension_name("mg/kg") == "amount per body weight");
    CHECK(dimension_name("L/kg") == "volume per body weight");
    CHECK(dimension_name("L/min") == "clearance");
    CHECK(dimension_name("1") == "number");
    CHECK(dimension_name("mV/s") == "quantity in mV/s");
}

TEST_CASE("a written quantity reads back as the same bits") {
    CHECK(quantity_text(20, "ms") == "20 ms");
    CHECK(quantity_text(0.02, "1/h") == "0.02 /h");
    CHECK(quantity_text(0.5, "1") == "0.5");
    std::mt19937_64 bits(1);
    for (int i = 0; i < 2000; ++i) {
        const double value = std::bit_cast<double>(std::uint64_t{bits()});
        if (value - value != 0) continue; // nan and inf are no quantities
        for (const char* unit : {"ms", "1/h", "mg/kg", "1"})
            REQUIRE(parse_quantity(quantity_text(value, unit), unit) == value);
    }
}
