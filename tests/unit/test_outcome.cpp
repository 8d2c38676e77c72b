// Statistics of cohorts against values worked out by hand and examples from the literature.
#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

#include "clinic/outcome.hpp"

using namespace rewire::clinic;

namespace {

constexpr double day_s = 86400;

/// Courses of patients that are given by one value a day.
Courses daily(std::vector<std::vector<std::vector<double>>> change, double treatment_start_d) {
    Courses courses;
    for (std::size_t t = 0; t < change[0][0].size(); ++t) courses.time_s.push_back(static_cast<double>(t) * day_s);
    for (std::size_t row = 0; row < change[0].size(); ++row)
        courses.patient.push_back(static_cast<std::int64_t>(row) + 1);
    courses.treatment_start_s = treatment_start_d * day_s;
    courses.last_treatment_s.assign(change.size(), courses.treatment_start_s);
    courses.days_s = {day_s};
    courses.change = std::move(change);
    return courses;
}

std::vector<std::size_t> rows(std::size_t n) {
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

} // namespace

TEST_CASE("Hedges' g by hand") {
    // Means -50 and -30; squares about them 200 and 200 with 2 + 2 degrees of freedom: s = 10; d = 2;
    // J = 1 - 3/15 = 0.8.
    CHECK(hedges_g(std::vector<double>{-60, -50, -40}, std::vector<double>{-40, -30, -20}) == Approx(1.6));
    CHECK(hedges_g(std::vector<double>{-40, -30, -20}, std::vector<double>{-60, -50, -40}) == Approx(-1.6));
    CHECK(std::isnan(hedges_g(std::vector<double>{1, 1}, std::vector<double>{2, 2})));     // no spread
    CHECK(std::isnan(hedges_g(std::vector<double>(7, 0.1), std::vector<double>(7, 0.3)))); // nor by rounding
    // Nor of three equal values whose mean rounds to another number: 0.1 + 0.1 + 0.1 is not 0.3.
    REQUIRE((0.1 + 0.1 + 0.1) / 3 != 0.1);
    CHECK(std::isnan(hedges_g(std::vector<double>(3, 0.1), std::vector<double>(3, 0.3))));
    CHECK(std::isnan(hedges_g(std::vector<double>(3, -100 * 0.7), std::vector<double>(3, -100 * 0.1))));
    CHECK(std::isnan(hedges_g(std::vector<double>{1}, std::vector<double>{2, 3})));
}

TEST_CASE("number needed to treat by hand") {
    // 64 and 28 % respond a day after ketamine and midazolam (Murrough 2013): one more for 1/0.36 = 2.8 treated.
    CHECK(number_needed_to_treat(0.64, 0.28) == Approx(2.7778).epsilon(1e-4));
    CHECK(number_needed_to_treat(0.2, 0.4) == Approx(-5));
    CHECK(std::isinf(number_needed_to_treat(0.3, 0.3)));
}

TEST_CASE("the interval of a number needed to treat holds its estimate (Altman 1998, BMJ 317:1309)") {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    const Estimate benefit = needed_to_treat({0.25, 0.1, 0.5}); // 4 (2 to 10)
    CHECK((benefit.value == Approx(4) && benefit.low == Approx(2) && benefit.high == Approx(10)));
    const Estimate harm = needed_to_treat({-0.25, -0.5, -0.1}); // -4 (-10 to -2)
    CHECK((harm.value == Approx(-4) && harm.low == Approx(-10) && harm.high == Approx(-2)));
    // His figure 1: an absolute risk reduction of 10 % (-5 to 25 %) is NNTB 10 (NNTB 4 to infinity to NNTH 20).
    const Estimate either = needed_to_treat({0.1, -0.05, 0.25});
    CHECK((either.value == Approx(10) && either.low == Approx(4) && either.high == Approx(-20)));
    const Estimate harm_likely = needed_to_treat({-0.1, -0.25, 0.05}); // -10 (20 to infinity to -4)
    CHECK((harm_likely.value == Approx(-10) && harm_likely.low == Approx(20) && harm_likely.high == Approx(-4)));
    // Ends at no difference are infinite on the side of the estimate.
    const Estimate at_least_none = needed_to_treat({0.25, 0, 0.5}), at_most_none = needed_to_treat({-0.25, -0.5, 0});
    CHECK((at_least_none.low == Approx(2) && at_least_none.high == infinite));
    CHECK((at_most_none.low == -infinite && at_most_none.high == Approx(-2)));
    CHECK(std::isnan(needed_to_treat({}).value));
}

TEST_CASE("Kaplan-Meier of the remission times of 6-mercaptopurine") {
    // Freireich et al. 1963, the example of Cox & Oakes 1984 and of most textbooks: 21 patients, + is censored.
    std::vector<Survival> patients;
    for (const double week : {6, 6, 6, 7, 10, 13, 16, 22, 23}) patients.push_back({week, true});
    for (const double week : {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}) patients.push_back({week, false});
    const auto curve = kaplan_meier(patients);
    const std::vector<std::pair<double, double>> published{{0, 1},      {6, 0.857},  {7, 0.807},  {10, 0.753},
                                                           {13, 0.690}, {16, 0.627}, {22, 0.538}, {23, 0.448}};
    REQUIRE(curve.size() == published.size());
    for (std::size_t k = 0; k < curve.size(); ++k) {
        CHECK(curve[k].time == published[k].first);
        CHECK(curve[k].share == Approx(published[k].second).margin(6e-4)); // published with three digits
    }
    CHECK(median_time(curve) == 23);
    CHECK(std::isinf(median_time(kaplan_meier({{5, true}, {6, false}, {7, false}}))));
    CHECK(median_time(kaplan_meier({{5, true}, {6, false}})) == 5);
    CHECK(std::isnan(median_time(kaplan_meier({}))));
}

TEST_CASE("bootstrap intervals of a mean are those of its standard error") {
    // 400 values of a linear ramp: sd 0.28868, standard error 0.014434; the percentile interval of a mean is normal to
    // within the noise of 4,000 resamples, 3 % of its width.
    std::vector<double> values;
    std::vector<std::vector<std::size_t>> units;
    for (std::size_t i = 0; i < 400; ++i) values.push_back((static_cast<double>(i) + 0.5) / 400), units.push_back({i});
    const auto statistic = [&](std::span<const std::size_t> drawn) {
        double sum = 0;
        for (const std::size_t i : drawn) sum += values[i];
        return std::vector{sum / static_cast<double>(drawn.size())};
    };
    const Estimate e = bootstrap(units, 4000, 5, statistic)[0];
    CHECK(e.value == Approx(0.5));
    CHECK(e.low == Approx(0.5 - 1.96 * 0.014434).margin(0.0015));
    CHECK(e.high == Approx(0.5 + 1.96 * 0.014434).margin(0.0015));
    const Estimate again = bootstrap(units, 4000, 5, statistic)[0];
    CHECK(again.low == e.low);
    CHECK(bootstrap(units, 4000, 6, statistic)[0].low != e.low);
    // Ten patients, each forty times: the repeats of a patient tell nothing of others.
    std::vector<std::vector<std::size_t>> patients(10);
    for (std::size_t i = 0; i < 400; ++i) patients[i / 40].push_back(i);
    const Estimate few = bootstrap(patients, 4000, 5, statistic)[0]; // ten means of a ramp: sd 0.2872, over sqrt(10)
    CHECK(few.high - few.low == Approx(2 * 1.96 * 0.2872 / std::sqrt(10)).epsilon(0.08));
}

TEST_CASE("relapse is the loss of the response for a day, of those who responded") {
    // Treatment on day 1; on day 2 patients 0 to 3 respond.
    const Courses courses = daily({{{0, 0, -60, -55, -40, -30, -20, -10}, // relapse on day 4: 3 days after
                                    {0, 0, -60, -40, -55, -60, -60, -60}, // a day on which it is short is no relapse
                                    {0, 0, -80, -80, -80, -80, -80, -80}, // none
                                    {0, 0, -60, -60, -60, -60, -60, -49}, // the last sample alone: not known
                                    {0, 0, -30, -60, -20, 0, 0, 0}}},     // no responder
                                  1);
    const auto found = relapses(courses, 0, rows(5), {});
    REQUIRE(found.size() == 4);
    CHECK((found[0].happened && found[0].time == 3 * day_s));
    for (const int k : {1, 2, 3}) CHECK((!found[k].happened && found[k].time == 6 * day_s));
}

TEST_CASE("outcomes of a small cohort by hand") {
    // Two plans, four patients; the fifth did not finish plan 1. Changes on the day after treatment.
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Courses courses = daily(
        {{{0, -10}, {0, -20}, {0, -60}, {0, -30}, {0, -90}}, {{0, -40}, {0, -50}, {0, -70}, {0, -20}, {nan, nan}}}, 0);
    const Outcome found = outcome(courses, {}, 0, 500, 1);
    CHECK(found.rows == 4);
    CHECK(found.plans[0].change[0].value == Approx(-30));
    CHECK(found.plans[1].change[0].value == Approx(-45));
    CHECK(found.plans[0].response[0].value == Approx(0.25));
    CHECK(found.plans[1].response[0].value == Approx(0.5)); // a fall by half is a response
    CHECK(found.plans[0].remission[0].value == 0);
    CHECK(found.plans[1].remission[0].value == Approx(0.25));
    CHECK(std::isnan(found.plans[0].difference[0].value)); // the control itself
    CHECK(found.plans[1].difference[0].value == Approx(-15));
    CHECK(found.plans[1].better[0].value == Approx(0.75));
    CHECK(found.plans[1].nnt[0].value == Approx(4));
    // Three of four patients have the same response in both plans, the third has one more: never fewer.
    CHECK(std::isinf(found.plans[1].nnt[0].high)); // four patients do not tell
    CHECK(found.plans[1].nnt[0].low <= 4);
    // Squares about the means 1,400 and 1,300 with 6 degrees of freedom; J = 1 - 3/23.
    CHECK(found.plans[1].g[0].value == Approx(15 / std::sqrt(2700.0 / 6) * (1 - 3.0 / 23)));
    CHECK(found.plans[1].difference[0].low < -15);
    CHECK(found.plans[1].difference[0].high > -15);
    // Without a control nothing is compared.
    CHECK(std::isnan(outcome(courses, {}, 2, 100, 1).plans[1].g[0].value));
}
