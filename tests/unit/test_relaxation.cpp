// Relaxation over any duration against its closed forms where those are well-conditioned.
#include <catch2/catch.hpp>

#include <cmath>

#include "quantity/relaxation.hpp"

using namespace rewire;

TEST_CASE("one decay into another: the closed form, equal rates, and no overflow") {
    // a = 2, b = 0.5 for T = 3, by hand: int e^(-a u) e^(-b (T-u)) du = (e^(-bT) - e^(-aT))/(a - b).
    const double expected = (std::exp(-1.5) - std::exp(-6.0)) / 1.5;
    CHECK(convolved_decays(3, 2, 0.5, 3) == Approx(expected).epsilon(1e-14));
    CHECK(convolved_decays(3, 0.5, 2, 3) == Approx(expected).epsilon(1e-14));
    CHECK(convolved_decays(3, 2, 2, 3) == Approx(3 * std::exp(-6.0)).epsilon(1e-14));
    CHECK(convolved_decays(3, 2, 2 + 1e-12, 3) == Approx(3 * std::exp(-6.0)).epsilon(1e-10));
    CHECK(convolved_decays(1e3, 0, 5, 1e3) == Approx(0.2).epsilon(1e-14));
    CHECK(convolved_decays(0, 1, 2, 0) == 0);
    CHECK(mean_survival(0) == 1);
    CHECK(mean_survival(1e-12) == Approx(1).epsilon(1e-12));
    CHECK(mean_survival(1e3) == Approx(1e-3).epsilon(1e-14));
}
