// Cytokines, microglia and kynurenines against steady states by hand, an independent integrator, the lumped equation
// and their own balance.
#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "molecular/inflammation.hpp"

using namespace rewire::molecular;

namespace {

constexpr double hour_s = 3600, day_s = 86400;

using Levels = std::array<double, 7>; // TNF-a, IL-6, IL-1b, M, K, Q, N

Levels levels(const Inflammation& s) {
    return {s.tnf_a[0], s.il_6[0], s.il_1b[0], s.microglia[0], s.kynurenine[0], s.quinolinic_uM[0], s.kynurenic_uM[0]};
}

/// The right-hand side as the header's text has it, per hour.
Levels derivative(const Levels& y, const InflammationInputs& in, const InflammationParameters& p) {
    const double u = p.stress_rate_per_h * in.stress + in.lps_per_h + p.chronic_rate_per_h, m = p.microglial_share;
    const double excess = (y[0] + y[1] + y[2]) / 3, own = excess / (1 + excess);
    const double j = 1 - (1 - own) * (1 - in.imposed);
    const auto cytokine = [&](double c, double tau) {
        return (1 - m) * u + m * y[3] / p.microglia_tau_h - c / tau - in.clearance_per_h * c;
    };
    return {cytokine(y[0], p.tnf_a_tau_h),
            cytokine(y[1], p.il_6_tau_h),
            cytokine(y[2], p.il_1b_tau_h),
            u - y[3] / p.microglia_tau_h - in.clearance_per_h * y[3],
            (1 + p.ido_gain * j - y[4]) / p.kynurenine_tau_h,
            (p.quinolinic_uM * y[4] * (1 + p.quinolinic_gain * j) - y[5]) / p.acids_tau_h,
            (p.kynurenic_uM * y[4] - y[6]) / p.acids_tau_h};
}

/// Runge-Kutta of order 4 in steps of 36 s: another algorithm, its error below 1e-10 here.
Levels integrated(Levels y, const InflammationInputs& in, const InflammationParameters& p, double hours) {
    const int steps = static_cast<int>(std::lround(hours * 100));
    const double h = hours / steps;
    for (int k = 0; k < steps; ++k) {
        const auto moved = [&](const Levels& slope, double share) {
            Levels z = y;
            for (std::size_t i = 0; i < z.size(); ++i) z[i] += share * h * slope[i];
            return z;
        };
        const Levels a = derivative(y, in, p), b = derivative(moved(a, 0.5), in, p),
                     c = derivative(moved(b, 0.5), in, p), d = derivative(moved(c, 1), in, p);
        for (std::size_t i = 0; i < y.size(); ++i) y[i] += h / 6 * (a[i] + 2 * b[i] + 2 * c[i] + d[i]);
    }
    return y;
}

} // namespace

TEST_CASE("health stays, bit for bit") {
    const InflammationParameters p;
    Inflammation state = make_inflammation(2, p);
    for (const double seconds : {0.1, 60.0, hour_s, 7 * day_s}) advance(state, {}, p, seconds);
    CHECK(levels(state) == Levels{0, 0, 0, 0, 1, p.quinolinic_uM, p.kynurenic_uM});
    CHECK(inflammation_level(state, 1, 0) == 0);
    CHECK(equivalent_glutamate_uM(p, state.quinolinic_uM[1], 1.7) == 0);
    CHECK(glycine_site_factor(p, state.kynurenic_uM[1]) == 1);
}

TEST_CASE("steady states of every branch, by hand") {
    InflammationParameters p;
    Inflammation state = make_inflammation(1, p);
    SECTION("stress 1: u = 1/24 per h, c = u tau, whatever passes through microglia") {
        advance(state, {.stress = 1}, p, 100 * day_s);
        CHECK(state.tnf_a[0] == Approx(0.5));
        CHECK(state.il_6[0] == Approx(1));
        CHECK(state.il_1b[0] == Approx(1));
        CHECK(state.microglia[0] == Approx(2));
        CHECK(cytokine_excess(state, 0) == Approx(2.5 / 3));
        const double j = 2.5 / 5.5; // I/(1+I)
        CHECK(inflammation_level(state, 0, 0) == Approx(j));
        CHECK(state.kynurenine[0] == Approx(1 + 1.5 * j));
        CHECK(state.quinolinic_uM[0] == Approx(0.2 * (1 + 1.5 * j) * (1 + j)));
        CHECK(state.kynurenic_uM[0] == Approx(0.04 * (1 + 1.5 * j)));
        // Where the defaults were put by the literature: kynurenine/tryptophan 1.2 to 2.5, quinolinic acid 2 to 3.
        CHECK((state.kynurenine[0] > 1.2 && state.kynurenine[0] < 2.5));
        CHECK((state.quinolinic_uM[0] > 2 * 0.2 && state.quinolinic_uM[0] < 3 * 0.2));
    }
    SECTION("the chronic drive, LPS and stress add up") {
        p.chronic_rate_per_h = 0.01;
        advance(state, {.stress = 2, .lps_per_h = 0.05}, p, 100 * day_s);
        CHECK(state.il_6[0] == Approx(24 * (2.0 / 24 + 0.05 + 0.01)));
    }
    SECTION("with added clearance: M = u/(1/tau_M + a), c = ((1-m) u + m M/tau_M)/(1/tau_c + a)") {
        const double u = 1.0 / 24, a = 0.25, microglia = u / (1.0 / 48 + a);
        advance(state, {.stress = 1, .clearance_per_h = a}, p, 100 * day_s);
        CHECK(state.microglia[0] == Approx(microglia));
        CHECK(state.tnf_a[0] == Approx((0.5 * u + 0.5 * microglia / 48) / (1.0 / 12 + a)));
    }
    SECTION("an imposed level drives the kynurenines and leaves cytokines alone") {
        advance(state, {.imposed = 0.5}, p, 100 * day_s);
        CHECK(state.il_6[0] == 0);
        CHECK(inflammation_level(state, 0, 0.5) == 0.5);
        CHECK(state.kynurenine[0] == Approx(1.75));
        CHECK(state.quinolinic_uM[0] == Approx(0.2 * 1.75 * 1.5));
    }
    SECTION("without the branch kynurenines stay, and cytokines are the same") {
        p.kynurenine = false;
        Inflammation other = make_inflammation(1, p);
        advance(state, {.stress = 1}, {}, 10 * day_s, 1e9);
        advance(other, {.stress = 1}, p, 10 * day_s);
        CHECK(other.kynurenine[0] == 1);
        CHECK(other.quinolinic_uM[0] == p.quinolinic_uM);
        CHECK(other.kynurenic_uM[0] == p.kynurenic_uM);
        CHECK(other.tnf_a[0] == state.tnf_a[0]);
    }
}

TEST_CASE("inflammation agrees with an independent integrator, also where rates coincide") {
    InflammationParameters p;
    p.chronic_rate_per_h = 0.01;
    p.il_6_tau_h = GENERATE(24.0, 48.0, 48.0000001); // microglia: 48 h
    Inflammation state = make_inflammation(1, p);
    Levels expected = levels(state);
    // LPS on top of stress, then a drug, then nothing.
    for (const auto& [in, hours] :
         {std::pair{InflammationInputs{.stress = 1, .lps_per_h = 1}, 4.0},
          std::pair{InflammationInputs{.stress = 1, .clearance_per_h = 0.4, .imposed = 0.2}, 3.0},
          std::pair{InflammationInputs{}, 60.0}}) {
        expected = integrated(expected, in, p, hours);
        advance(state, in, p, hours * hour_s, 30);
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CAPTURE(i, hours);
            CHECK(levels(state)[i] == Approx(expected[i]).epsilon(i < 4 ? 1e-9 : 1e-5)); // second order in 30 s
        }
    }
}

TEST_CASE("any split of a step gives the same inflammation") {
    const InflammationParameters p;
    const InflammationInputs in{.stress = 0.5, .lps_per_h = 0.3, .clearance_per_h = 0.1};
    const auto after = [&](int pieces, double substep_s) {
        Inflammation state = make_inflammation(1, p);
        for (int k = 0; k < pieces; ++k) advance(state, in, p, 12 * hour_s / pieces, substep_s);
        return levels(state);
    };
    const Levels whole = after(1, 600), fine = after(12 * 3600, 600);
    for (const int pieces : {3, 12, 720})
        for (std::size_t i = 0; i < whole.size(); ++i) {
            CAPTURE(pieces, i);
            // Closed form to rounding; sub-steps of 10 min are 1/12 of the fastest time constant, squared over 12.
            CHECK(after(pieces, 600)[i] == Approx(whole[i]).epsilon(i < 4 ? 1e-12 : 1e-3));
            CHECK(whole[i] == Approx(fine[i]).epsilon(i < 4 ? 1e-11 : 1e-3));
        }
    // Second order: half the sub-step, a quarter of the error.
    for (const std::size_t i : {4u, 5u, 6u}) {
        const double coarse = after(1, 1200)[i] - fine[i], half = after(1, 600)[i] - fine[i];
        CHECK(coarse / half == Approx(4).epsilon(0.1));
    }
}

TEST_CASE("the lumped equation is the case of one time constant and no microglial share") {
    // dI/dt = k_s stress + LPS - I/tau_I - k_k C_u I, solved for constant inputs.
    InflammationParameters p;
    p.tnf_a_tau_h = p.il_6_tau_h = p.il_1b_tau_h = 20;
    p.microglial_share = 0;
    const double clearance = 0.5 * 0.3, rate = 1.0 / 20 + clearance, u = p.stress_rate_per_h * 1.5 + 0.02;
    for (const double hours : {0.5, 6.0, 48.0}) {
        Inflammation state = make_inflammation(1, p);
        state.tnf_a[0] = 0.2, state.il_6[0] = 0.7, state.il_1b[0] = 1.5; // I = 0.8
        advance(state, {.stress = 1.5, .lps_per_h = 0.02, .clearance_per_h = clearance}, p, hours * hour_s);
        CHECK(cytokine_excess(state, 0) == Approx(u / rate + (0.8 - u / rate) * std::exp(-rate * hours)));
    }
    // All through microglia that follow at once is the same.
    p.microglial_share = 1;
    p.microglia_tau_h = 1e-6;
    Inflammation state = make_inflammation(1, p);
    advance(state, {.stress = 1.5}, p, 10 * hour_s);
    CHECK(cytokine_excess(state, 0) == Approx(1.5 / 24 * 20 * (1 - std::exp(-0.5))).epsilon(1e-5));
}

TEST_CASE("what is made is what is cleared and what is stored") {
    // Integrals of the states by the trapezoid over a minute, whose error is below 1e-5 here.
    const InflammationParameters p;
    const InflammationInputs in{.stress = 1, .lps_per_h = 0.2};
    const double u = 1.0 / 24 + 0.2, hours = 30, h = 1.0 / 60;
    Inflammation state = make_inflammation(1, p);
    const Levels start = levels(state);
    Levels integral{};
    double level_integral = 0, quinolinic_made = 0;
    for (int k = 0; k < static_cast<int>(hours * 60); ++k) {
        const auto add = [&] {
            const Levels y = levels(state);
            for (std::size_t i = 0; i < y.size(); ++i) integral[i] += 0.5 * h * y[i];
            const double j = inflammation_level(state, 0, 0);
            level_integral += 0.5 * h * j;
            quinolinic_made += 0.5 * h * p.quinolinic_uM * y[4] * (1 + p.quinolinic_gain * j) / p.acids_tau_h;
        };
        add();
        advance(state, in, p, h * hour_s);
        add();
    }
    const Levels end = levels(state);
    CHECK(u * hours == Approx(integral[3] / 48 + end[3] - start[3]).epsilon(1e-5));
    CHECK(0.5 * u * hours + 0.5 * integral[3] / 48 == Approx(integral[0] / 12 + end[0] - start[0]).epsilon(1e-5));
    CHECK(0.5 * u * hours + 0.5 * integral[3] / 48 == Approx(integral[1] / 24 + end[1] - start[1]).epsilon(1e-5));
    CHECK((hours + 1.5 * level_integral) / 6 == Approx(integral[4] / 6 + end[4] - start[4]).epsilon(1e-5));
    CHECK(quinolinic_made == Approx(integral[5] / 2 + end[5] - start[5]).epsilon(1e-5));
    CHECK(p.kynurenic_uM * integral[4] / 2 == Approx(integral[6] / 2 + end[6] - start[6]).epsilon(1e-5));
}

TEST_CASE("what kynurenines do at NMDA receptors, by hand") {
    const InflammationParameters p;
    CHECK(equivalent_glutamate_uM(p, 0.6, 1.7) == Approx(1.7 / 100 * 0.4));
    CHECK(glycine_site_factor(p, 0.1) == Approx(11.04 / 11.1));
}

TEST_CASE("impossible steps of inflammation are refused") {
    const InflammationParameters p;
    Inflammation state = make_inflammation(1, p);
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(advance(state, {}, p, -1), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {}, p, nan), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {}, p, 1, 0), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {.stress = -1}, p, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {.lps_per_h = nan}, p, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {.clearance_per_h = -0.1}, p, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {.imposed = 1.1}, p, 1), std::invalid_argument);
}
