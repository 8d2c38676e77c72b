// What bursts say of the slow inputs: sampling errors, windows and dispersion against known noise.
#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "engine/input_estimate.hpp"

using namespace rewire::engine;

namespace {

constexpr double tick_s = 0.5;
constexpr int ticks = 6; // of a burst

/// A population whose rate has a mean that depends on the burst and white noise: a variance of v per second.
class Bursts {
public:
    explicit Bursts(unsigned seed) : random_(seed) {}
    void measure(InputEstimate& estimate, double rate_Hz, double v = 4) {
        estimate.begin_burst();
        for (int k = 0; k < ticks; ++k) {
            SlowInputs tick;
            tick.seconds = tick_s;
            tick.populations.resize(1);
            tick.populations[0].rate_Hz = {rate_Hz + std::sqrt(v / tick_s) * normal_(random_)};
            estimate.add(tick);
        }
        estimate.end_burst(at_s_ += 60);
    }

private:
    std::mt19937 random_;
    std::normal_distribution<double> normal_;
    double at_s_ = 0;
};

InputEstimate of_a_rate() { return InputEstimate({{SummaryItem::rate, 0, "rate of e"}}); }
double rate(const InputEstimate& estimate) { return estimate.mean().populations[0].rate_Hz[0]; }

} // namespace

TEST_CASE("the standard error of a burst is that of its noise") {
    // v/T with T = 3 s: sqrt(4/3). Its own estimate from the spread of 6 ticks, pooled over 20 bursts, is good to
    // 1/sqrt(2 x 100) = 7 %: 4 of these. forget() leaves one burst in the mean.
    InputEstimate estimate = of_a_rate();
    Bursts bursts(1);
    for (int k = 0; k < 20; ++k) {
        estimate.forget();
        bursts.measure(estimate, 10);
    }
    CHECK(estimate.bursts() == 1);
    CHECK(estimate.standard_error()[0] == Approx(std::sqrt(4.0 / 3)).epsilon(0.28));
}

TEST_CASE("a steady circuit is averaged over many bursts, and its estimate scatters as it says") {
    // 200 runs of 40 bursts. Chance ends some windows; on the average more than a dozen bursts count, and the estimate
    // scatters by no more than one and a half times its standard error (windows that an outlier cut short included).
    double windows = 0, z2 = 0;
    constexpr int runs = 200;
    for (unsigned seed = 0; seed < runs; ++seed) {
        InputEstimate estimate = of_a_rate();
        Bursts bursts(seed);
        for (int k = 0; k < 40; ++k) bursts.measure(estimate, 10);
        windows += static_cast<double>(estimate.bursts()) / runs;
        z2 += std::pow((rate(estimate) - 10) / estimate.standard_error()[0], 2) / runs;
    }
    CAPTURE(windows, z2);
    CHECK(windows > 12);
    CHECK(z2 < 2.25);
    CHECK(z2 > 0.5);
}

TEST_CASE("a change ends the window at once, a drift where it shows in the noise") {
    InputEstimate estimate = of_a_rate();
    Bursts bursts(3);
    for (int k = 0; k < 20; ++k) bursts.measure(estimate, 10);
    bursts.measure(estimate, 40); // 26 standard errors
    CHECK(estimate.bursts() == 1);
    CHECK(rate(estimate) == Approx(40).margin(5));

    // A drift of a standard error a burst: a window of n lags by n/2 of them. That of Lepski keeps lag and noise alike:
    // root mean square below 2.5 standard errors of a burst, over 200 runs.
    double squared = 0;
    constexpr int runs = 200;
    const double error = std::sqrt(4.0 / 3);
    for (unsigned seed = 0; seed < runs; ++seed) {
        InputEstimate drifting = of_a_rate();
        Bursts drift(100 + seed);
        for (int k = 0; k < 40; ++k) drift.measure(drifting, 10 + k * error);
        squared += std::pow((rate(drifting) - (10 + 39 * error)) / error, 2) / runs;
    }
    CHECK(std::sqrt(squared) < 2.5);
}

TEST_CASE("dispersion is 1 where bursts differ by sampling alone, and large where there are two states") {
    // Of a steady circuit: mean over 100 runs of 30 correlated squares, each with a standard deviation near
    // sqrt(2 x 1.6 / 30) = 0.33: the mean is good to 0.04; its estimate of v adds a few per cent.
    double steady = 0, drifting = 0;
    constexpr int runs = 100;
    for (unsigned seed = 0; seed < runs; ++seed) {
        InputEstimate estimate = of_a_rate(), trend = of_a_rate();
        Bursts bursts(seed), others(seed + 1000);
        for (int k = 0; k < 34; ++k) {
            bursts.measure(estimate, 10);
            others.measure(trend, 10 + 3 * k);
        }
        steady += estimate.dispersion()[0] / runs;
        drifting += trend.dispersion()[0] / runs;
    }
    CHECK(steady == Approx(1).margin(0.2));
    CHECK(drifting == Approx(1).margin(0.2)); // a straight drift is no dispersion

    InputEstimate two_states = of_a_rate();
    Bursts bursts(5);
    std::mt19937 coin(7);
    for (int k = 0; k < 34; ++k) bursts.measure(two_states, coin() % 2 ? 2 : 30);
    CHECK(two_states.dispersion()[0] > 50);
    // The error that it reports has room for both: about half their distance at least, over the root of the bursts.
    CHECK(two_states.standard_error()[0] * std::sqrt(static_cast<double>(two_states.bursts())) > 7);
}

TEST_CASE("an unfinished burst leaves no trace") {
    InputEstimate estimate = of_a_rate();
    Bursts bursts(1);
    bursts.measure(estimate, 10);
    const double before = rate(estimate);
    SlowInputs tick;
    tick.seconds = tick_s;
    tick.populations.resize(1);
    tick.populations[0].rate_Hz = {1000};
    estimate.add(tick);
    estimate.begin_burst();
    estimate.end_burst(500);
    CHECK(estimate.bursts() == 1);
    CHECK(rate(estimate) == before);
}
