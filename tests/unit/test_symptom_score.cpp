// The surrogate symptom score against values by hand, and its expectation term against the analytic and the numerical
// solution of its equation.
#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

#include "clinic/symptom_score.hpp"
#include "drug/pharmacokinetics.hpp"
#include "engine/events.hpp"

using namespace rewire;
using namespace rewire::clinic;

TEST_CASE("surrogate symptom score: values by hand") {
    const SymptomScore p{.severity = 60, .half_deficit = 0.04};
    CHECK(symptom_score(p, 1) == 0);
    CHECK(symptom_score(p, 1.3) == 0); // more than healthy is no more than well
    CHECK(symptom_score(p, 0.96) == Approx(30));
    CHECK(symptom_score(p, 0.84) == Approx(48)); // 60 x 0.16 / 0.20
    CHECK(symptom_score(p, 0) == Approx(60 / 1.04));
    CHECK(change_percent(symptom_score(p, 0.96), symptom_score(p, 0.84)) == Approx(-37.5));
    CHECK(change_percent(48, 48) == 0);
    CHECK(std::isnan(change_percent(0, 0)));
}

TEST_CASE("surrogate symptom score: falls as synaptic function rises, and its severity cancels in per-cent changes") {
    const SymptomScore mild{.severity = 20}, severe{.severity = 100};
    for (double f = 0.01; f < 1; f += 0.01) {
        CAPTURE(f);
        CHECK(symptom_score(severe, f) < symptom_score(severe, f - 0.01));
        CHECK(change_percent(symptom_score(mild, f), symptom_score(mild, 0.5)) ==
              Approx(change_percent(symptom_score(severe, f), symptom_score(severe, 0.5))).margin(1e-9));
    }
}

TEST_CASE("expectation after one treatment is the Bateman function, for any pair of constants") {
    const double hour = 3600, day = 86400;
    for (const double onset_h : {0.5, 5.0, 48.0, 1000.0}) {
        const Expectation p{.size = 0.4, .onset_h = onset_h, .fading_d = 7};
        const std::vector<double> treatments{2 * day};
        CHECK(expectation_percent(p, treatments, 2 * day - 1) == 0);
        CHECK(expectation_percent(p, treatments, 2 * day) == 0);
        CHECK(expectation_percent(p, {}, 5 * day) == 0);
        for (const double after : {0.1 * hour, hour, 1 * day, 30 * day}) {
            CAPTURE(onset_h, after);
            const double o = onset_h * hour, f = 7 * day;
            const double bateman = f / (f - o) * (std::exp(-after / f) - std::exp(-after / o)); // Bateman 1910
            CHECK(expectation_percent(p, treatments, 2 * day + after) == Approx(-40 * bateman));
        }
    }
    const Expectation equal{.size = 1, .onset_h = 24, .fading_d = 1};
    const std::vector<double> at_once{0};
    CHECK(expectation_percent(equal, at_once, 2 * day) == Approx(-100 * 2 * std::exp(-2.0))); // s/tau exp(-s/tau)
    // Constants that are far apart neither overflow nor cancel.
    CHECK(expected({1, 1e-6, 1e6}, at_once, 10 * day) == Approx(1).epsilon(1e-4));
    CHECK(expected({1, 1e6, 1e-6}, at_once, 10 * day) == Approx(0.0864 / 3.6e9).epsilon(1e-3)); // a pulse of tau_f
}

TEST_CASE("expectation over several treatments solves its equation") {
    // Runge-Kutta of fourth order, 1 min steps: an error far below the tolerance.
    const Expectation p{.size = 0.3, .onset_h = 30, .fading_d = 3};
    const double day = 86400, step = 60, onset = 30 * 3600, fading = 3 * day;
    const std::vector<double> treatments{0, day, 1.5 * day, 6 * day};
    double e = 0;
    std::size_t latest = 0;
    for (double t = 0; t < 8 * day; t += step) {
        while (latest + 1 < treatments.size() && treatments[latest + 1] <= t) ++latest;
        const auto slope = [&](double at, double x) {
            return (std::exp(-(at - treatments[latest]) / fading) - x) / onset;
        };
        const double k1 = slope(t, e), k2 = slope(t + step / 2, e + step / 2 * k1),
                     k3 = slope(t + step / 2, e + step / 2 * k2), k4 = slope(t + step, e + step * k3);
        e += step / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
        if (std::fmod(t + step, day / 4) == 0)
            CHECK(expected(p, treatments, t + step) == Approx(e).epsilon(1e-8).margin(1e-12));
    }
    CHECK(e > 0.1);
    // Daily for long it stays: the attention between treatments is what is left of it.
    std::vector<double> daily;
    for (int k = 0; k < 100; ++k) daily.push_back(k * day);
    CHECK(expected({.size = 1, .onset_h = 1, .fading_d = 1e4}, daily, 99.5 * day) == Approx(1).epsilon(1e-3));
}

TEST_CASE("treatments are the doses, of nothing too, and the sessions of therapies, in order") {
    engine::Model model;
    model.drugs.resize(2);
    model.drugs[0].doses = {{.amount_mg = 35, .start_s = 50}, {.amount_mg = 0, .start_s = 10}};
    model.drugs[1].doses = {{.amount_mg = 5, .start_s = 30}};
    model.therapies = {{.kind = "exercise", .start_s = 20, .duration_s = 5}};
    CHECK(engine::treatment_times_s(model) == std::vector<double>{10, 20, 30, 50});
}
