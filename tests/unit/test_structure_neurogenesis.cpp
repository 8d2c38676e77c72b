#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "structure/neurogenesis.hpp"

using namespace rewire;
using namespace rewire::structure;

namespace {

const NeurogenesisKey key{.seed = 3, .population = 1};

void check_books(const NeuronSlots& s, const NeurogenesisParameters& p) {
    const auto present = static_cast<std::uint64_t>(std::count(s.present.begin(), s.present.end(), std::uint8_t{1}));
    CHECK(s.alive() == present);
    CHECK(s.born == s.alive() + s.dead);
    CHECK(s.births == s.born - static_cast<std::uint64_t>(p.mature) + s.refused);
}

/// Neurons that are all born in the first hour, `wanted` on average, in enough slots.
struct Cohort {
    NeurogenesisParameters p{.mature = 1, .bdnf_gain = 0, .mature_death_per_d = 0};
    NeuronSlots slots;
    std::uint64_t founders = 0;

    explicit Cohort(double wanted) {
        slots = make_slots(p, static_cast<std::size_t>(1.1 * wanted), key);
        p.birth_per_d = 24 * wanted;
        advance(p, slots, {}, key, 0, 1.0 / 24);
        p.birth_per_d = 0;
        REQUIRE(slots.refused == 0);
        founders = slots.alive() - 1;
    }
    /// The share that is left at the age of `to_d` (d), in steps of `step_d`.
    double survival(const NeurogenesisDrive& drive, double to_d, double step_d) {
        double at = 1.0 / 24;
        while (at < to_d) {
            const double next = std::min(to_d, at + step_d);
            advance(p, slots, drive, key, at, next);
            at = next;
        }
        check_books(slots, {.mature = 1});
        return static_cast<double>(slots.alive() - 1) / static_cast<double>(founders);
    }
};

} // namespace

TEST_CASE("births come at the rate that BDNF, stress and the parameters say") {
    const NeurogenesisParameters p{.mature = 400};
    CHECK(birth_rate_per_d(p, 1, 0) == Approx(1.5));
    CHECK(birth_rate_per_d(p, 1.4, 0) == Approx(2.1)); // gain 1: in proportion
    CHECK(birth_rate_per_d(p, 1, 1) == Approx(1.05));  // l = 0.3
    CHECK(birth_rate_per_d(p, 0, 0) == 0);
    // 2,000 days, nobody lacks a slot. Tolerance: four standard deviations of a Poisson number.
    NeurogenesisParameters busy = p;
    busy.birth_per_d = 0.02;
    busy.mature_death_per_d = 0.1;
    for (const double bdnf : {1.0, 1.5})
        for (const double stress : {0.0, 1.0}) {
            NeuronSlots s = make_slots(busy, 1000, key);
            s.bdnf = bdnf;
            for (int day = 0; day < 2000; ++day) advance(busy, s, {.bdnf = bdnf, .stress = stress}, key, day, day + 1);
            const double expected = 2000 * 8 * bdnf * (1 - 0.3 * stress);
            CHECK(s.births == Approx(expected).margin(4 * std::sqrt(expected)));
            CHECK(s.refused == 0);
            check_books(s, busy);
        }
}

TEST_CASE("progenitors follow BDNF exponentially, whatever the steps") {
    const NeurogenesisParameters p{.mature = 10};
    for (const double step : {0.01, 0.7, 7.0}) {
        NeuronSlots s = make_slots(p, 10, key);
        for (int k = 0; k < std::lround(7 / step); ++k) advance(p, s, {.bdnf = 2}, key, k * step, (k + 1) * step);
        CHECK(s.bdnf == Approx(2 - std::exp(-1.0)).epsilon(1e-9));
    }
}

TEST_CASE("survival is exp of minus the integral of the hazard") {
    // 10,000 neurons: tolerance of four standard deviations, 0.02, and the spread of births over an hour.
    const NeurogenesisParameters p;
    const double early = std::log(1 / 0.8), unused = std::log(1 / 0.4);
    struct Case {
        double use, trkb;
    };
    for (const Case c : {Case{0, 1}, Case{0.3, 1}, Case{1, 1}, Case{0, 1.4}, Case{0, 0.5}}) {
        const double saved = std::exp(-(c.trkb - 1)), unused_share = 0.3 / (c.use + 0.3);
        const std::map<double, double> integral{{6, 0},
                                                {14, saved * early / 2},
                                                {21, saved * early},
                                                {28, saved * (early + unused * unused_share)},
                                                {60, saved * (early + unused * unused_share)}};
        for (const auto& [age, hazard] : integral) {
            CAPTURE(c.use, c.trkb, age);
            CHECK(hazard_between(hazard_steps(p, c.use, c.trkb), 0, age) ==
                  Approx(hazard + (age > 28 ? 32 * p.mature_death_per_d : 0)).margin(1e-12));
            Cohort cohort(10000);
            cohort.p.use_tau_d = 1e-9; // use is the rate at once
            const std::vector<double> rate(cohort.slots.present.size(), c.use);
            CHECK(cohort.survival({.trkb = c.trkb, .rate = rate}, age, 1.7) == Approx(std::exp(-hazard)).margin(0.02));
        }
    }
    // The default: without use a third is left at four weeks, at the mean rate of the population about two thirds.
    CHECK(std::exp(-hazard_between(hazard_steps(p, 0, 1), 0, 28)) == Approx(0.32));
    CHECK(std::exp(-hazard_between(hazard_steps(p, 1, 1), 0, 28)) == Approx(0.8 * std::pow(0.4, 0.3 / 1.3)));
}

TEST_CASE("the age of death inverts the integral of the hazard") {
    const HazardSteps h = hazard_steps({}, 0.2, 1.1);
    for (const double from : {0.0, 9.0, 22.0, 40.0})
        for (const double amount : {1e-6, 0.1, 0.5, 2.0}) {
            const double age = age_at_hazard(h, from, amount);
            CHECK(age > from);
            CHECK(hazard_between(h, from, age) == Approx(amount).epsilon(1e-12).margin(1e-13));
        }
    CHECK(std::isinf(age_at_hazard(hazard_steps({.mature_death_per_d = 0}, 0, 1), 30, 1e-3)));
}

TEST_CASE("steps of any length draw the same births and deaths") {
    // With drives held nothing depends on the cut: births and deaths belong to the neurons. Counts are equal.
    NeurogenesisParameters p{.mature = 300, .birth_per_d = 0.02};
    const auto run = [&](double step) {
        NeuronSlots s = make_slots(p, 500, key);
        for (int k = 0; k < std::lround(210 / step); ++k)
            advance(p, s, {.trkb = 1.2, .stress = 0.5}, key, k * step, (k + 1) * step);
        return s;
    };
    const NeuronSlots fine = run(1.0 / 24);
    REQUIRE(fine.dead > 400);
    for (const double step : {0.5, 7.0, 70.0, 210.0}) {
        const NeuronSlots coarse = run(step);
        CAPTURE(step);
        CHECK(coarse.births == fine.births);
        CHECK(coarse.dead == fine.dead);
        CHECK(coarse.present == fine.present);
        for (std::size_t i = 0; i < fine.present.size(); ++i)
            if (fine.present[i]) CHECK(coarse.birth_d[i] == Approx(fine.birth_d[i]).margin(1e-6));
    }
    // Where use relaxes, a step takes its mean: survival over steps of a day is that of steps of an hour within 1 %.
    const std::vector<double> rate(11000, 1.0);
    Cohort hours(10000), days(10000);
    CHECK(days.survival({.rate = rate}, 30, 1) == Approx(hours.survival({.rate = rate}, 30, 1.0 / 24)).margin(0.01));
}

TEST_CASE("births and deaths balance at the numbers by hand") {
    // 10 births a day, 32 % survive the critical period, 5 % a day die after it: 10 x 0.32 / 0.05 = 64 neurons past it;
    // before it 10 x integral of survival. Mean over 8,000 days, whose numbers forget themselves in 20 d: 400
    // independent samples of a Poisson number of about 260, so 1 % is over three standard errors.
    const NeurogenesisParameters p{.mature = 200, .birth_per_d = 0.05, .mature_death_per_d = 0.05};
    NeuronSlots s = make_slots(p, 1000, key);
    double alive = 0, past = 0;
    const int settle = 300, days = 8000;
    for (int day = 0; day < settle + days; ++day) {
        advance(p, s, {}, key, day, day + 1);
        if (day < settle) continue;
        REQUIRE(s.born == s.alive() + s.dead);
        alive += static_cast<double>(s.alive()) / days;
        for (std::size_t i = 0; i < s.present.size(); ++i)
            past += (s.present[i] && day + 1 - s.birth_d[i] >= 28 ? 1.0 : 0.0) / days;
    }
    check_books(s, p);
    const double h_e = std::log(1 / 0.8) / 14, h_u = std::log(1 / 0.4) / 7;
    const double young = 10 * (7 + (1 - 0.8) / h_e + 0.8 * (1 - 0.4) / h_u);
    CHECK(past == Approx(64).epsilon(0.03));
    CHECK(alive == Approx(young + 64).epsilon(0.01));
}

TEST_CASE("slots are used again, and births without one are counted") {
    const NeurogenesisParameters p{.mature = 3, .birth_per_d = 1, .mature_death_per_d = 0.05};
    NeuronSlots s = make_slots(p, 4, key);
    std::uint64_t reused = 0;
    for (int day = 0; day < 400; ++day) {
        const Turnover turnover = advance(p, s, {}, key, day, day + 1);
        for (const std::uint32_t i : turnover.born) reused += s.birth_d[i] > 10;
        CHECK(s.alive() <= 4);
        check_books(s, p);
    }
    CHECK(reused > 10);
    CHECK(s.refused > 100);
    // Within one long step, too.
    NeuronSlots once = make_slots(p, 4, key);
    advance(p, once, {}, key, 0, 400);
    CHECK(once.births == s.births);
    CHECK(once.dead == s.dead);
}

TEST_CASE(
    "neurons are silent for three weeks, excitable from the fourth to the sixth and like others after the eighth") {
    const NeurogenesisParameters p;
    for (const double age : {0.0, 10.0, 20.99}) {
        CHECK(excitation(p, age) == 0);
        CHECK(stage_of(p, age) == Stage::young);
    }
    CHECK(excitation(p, 24.5) == Approx(p.window_excitation / 2));
    for (const double age : {28.0, 35.0, 41.99}) {
        CHECK(excitation(p, age) == p.window_excitation);
        CHECK(inhibition(p, age) == p.window_inhibition);
        CHECK(stage_of(p, age) == Stage::window);
    }
    CHECK(excitation(p, 49) == Approx((p.window_excitation + 1) / 2));
    CHECK(inhibition(p, 49) == Approx((p.window_inhibition + 1) / 2));
    for (const double age : {56.0, 1000.0}) {
        CHECK(excitation(p, age) == 1);
        CHECK(inhibition(p, age) == 1);
        CHECK(stage_of(p, age) == Stage::mature);
    }
}

TEST_CASE("impossible populations and ages are refused") {
    CHECK_THROWS_WITH(make_slots({.mature = 5}, 4, key), Catch::Contains("5") && Catch::Contains("4 slots"));
    CHECK_THROWS(make_slots({.mature = 0}, 4, key));
    CHECK_THROWS_WITH(make_slots({.mature = 1, .window_from_d = 50}, 4, key), Catch::Contains("window_from"));
    CHECK(fault_of({.critical_from_d = 22}).find("critical_from") != std::string::npos);
    CHECK(fault_of({.critical_to_d = 21}).find("unused_death") != std::string::npos);
    CHECK(fault_of({}).empty());
}
