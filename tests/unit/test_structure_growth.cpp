#include <catch2/catch.hpp>
#include <cmath>

#include "structure/growth.hpp"

using namespace rewire::structure;

TEST_CASE("growth curves stop exactly at their zero crossings") {
    // Butz & van Ooyen 2013: zeros at eta and eps; ours evaluates to a few units in the last place there.
    // With zeta = (eps-eta)/2 sqrt(ln 2), as one header comment has it, the value at eps would be 0.25 nu.
    const auto eta = GENERATE(0.0, 0.1, 0.4);
    const GrowthRule gaussian{.rule = "gaussian", .growth_rate_per_s = 2, .eta = eta, .target = 0.7};
    CHECK(std::abs(growth_rate(gaussian, eta)) < 1e-14);
    CHECK(std::abs(growth_rate(gaussian, 0.7)) < 1e-14);
    const double margin = 1e-3;
    CHECK(growth_rate(gaussian, eta - margin) < 0);
    CHECK(growth_rate(gaussian, eta + margin) > 0);
    CHECK(growth_rate(gaussian, 0.7 - margin) > 0);
    CHECK(growth_rate(gaussian, 0.7 + margin) < 0);
    CHECK(growth_rate({.rule = "linear", .target = 0.7}, 0.7) == 0);
    CHECK(growth_rate({.rule = "sigmoid", .target = 0.7}, 0.7) == 0);
}

TEST_CASE("the gaussian growth curve has its maximum nu half-way and its published width") {
    const GrowthRule rule{.rule = "gaussian", .growth_rate_per_s = 3, .eta = 0.1, .target = 0.7};
    CHECK(growth_rate(rule, 0.4) == Approx(3).epsilon(1e-14));
    CHECK(growth_rate(rule, 0.4 - 1e-4) < 3);
    CHECK(growth_rate(rule, 0.4 + 1e-4) < 3);
    // Equation 5 as printed: xi 0.4, zeta = 0.6 / (2 sqrt(ln 2)) = 0.360337...
    const double zeta = 0.6 / (2 * std::sqrt(std::log(2.0)));
    for (const double ca : {-0.5, 0.0, 0.25, 0.6, 1.5})
        CHECK(growth_rate(rule, ca) ==
              Approx(3 * (2 * std::exp(-(ca - 0.4) * (ca - 0.4) / (zeta * zeta)) - 1)).margin(1e-13));
    CHECK(growth_rate(rule, 50) == Approx(-3));
}

TEST_CASE("linear and sigmoid growth take their textbook values") {
    const GrowthRule linear{.rule = "linear", .growth_rate_per_s = 4, .target = 0.05};
    CHECK(growth_rate(linear, 0) == 4);
    CHECK(growth_rate(linear, 0.15) == Approx(-8)); // unbounded below: three times the target, -2 nu
    const GrowthRule sigmoid{.rule = "sigmoid", .growth_rate_per_s = 4, .target = 0.5, .width = 0.1};
    // 2 / (1 + e) - 1 = -0.4621171572600098 one width above the target (tabulated tanh(1/2)).
    CHECK(growth_rate(sigmoid, 0.6) == Approx(-4 * 0.4621171572600098));
    CHECK(growth_rate(sigmoid, 0.4) == Approx(4 * 0.4621171572600098));
    CHECK(growth_rate(sigmoid, 1e6) == Approx(-4));
}

TEST_CASE("impossible growth rules are refused by name") {
    CHECK_THROWS_WITH(validate(GrowthRule{.rule = "cubic"}), Catch::Contains("cubic"));
    CHECK_THROWS_WITH(validate(GrowthRule{.eta = 0.05, .target = 0.05}), Catch::Contains("eta"));
    CHECK_NOTHROW(validate(GrowthRule{.rule = "linear", .eta = 0.9, .target = 0.05}));
    CHECK_NOTHROW(validate(GrowthRule{}));
}

TEST_CASE("the calcium trace of a steady rate settles at tau beta rate and forgets with tau") {
    const CalciumParameters p{};
    // 5 Hz is 0.05 with tau 10 s and beta 0.001 (references.md 6.2). Independent check: spikes one by one.
    double calcium = 0;
    for (int i = 0; i < 5 * 200; ++i) calcium = decayed_calcium(p, calcium, 0.2) + p.beta;
    // A regular train leaves the trace beta/2 above its mean just after a spike.
    CHECK(calcium - p.beta / 2 == Approx(equilibrium_calcium(p, 5)).epsilon(1e-4));
    CHECK(equilibrium_calcium(p, 5) == Approx(0.05));
    CHECK(decayed_calcium(p, 0.7, 10) == Approx(0.7 / 2.718281828459045));
    // One leap equals many ticks, and a small-step Euler integration.
    double ticks = 0.3, euler = 0.3;
    for (int i = 0; i < 250; ++i) ticks = advanced_calcium(p, ticks, 8, 0.1);
    for (int i = 0; i < 250000; ++i) euler += 1e-4 * (-euler / p.tau_s + p.beta * 8);
    CHECK(advanced_calcium(p, 0.3, 8, 25) == Approx(ticks).epsilon(1e-12));
    CHECK(advanced_calcium(p, 0.3, 8, 25) == Approx(euler).epsilon(1e-4)); // Euler's error at this step: 1e-5
}
