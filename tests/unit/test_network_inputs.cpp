// Input from outside the network, Poisson and listed spikes and currents, and what receptors do with it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include <boost/math/distributions/chi_squared.hpp>

#include "unit/small_networks.hpp"

using namespace rewire;
using namespace rewire::engine;
using namespace rewire::engine::small_networks;

TEST_CASE("Poisson input has the mean, variance and law of Poisson counts", "[engine]") {
    // The count of a step is recovered from the conductance: k = g(n+1) e^(dt/tau) - g(n). Mean and variance
    // within 4 standard errors, the law by chi-square, and steps that share a random block are uncorrelated.
    const double rate_Hz = GENERATE(800.0, 9000.0);
    const double mean = rate_Hz * 1e-4;
    network::Population p = listener(200);
    p.background = network::Background{.sources = 400, .rate_Hz = rate_Hz / 400, .weight = 1};
    std::vector<std::uint32_t> neurons(200);
    for (std::uint32_t i = 0; i < 200; ++i) neurons[i] = i;
    FastNetwork net(FastOptions{}, {p}, {}, {}, {}, {{.variable = "g_ampa", .neurons = neurons}});
    net.advance(0, 1000);
    const TraceSamples g = net.take_trace(0);
    double n = 0, sum = 0, squares = 0, neighbours = 0;
    std::map<long, double> histogram;
    for (std::size_t i = 0; i < 200; ++i) {
        double before = 0, last = -1;
        for (std::size_t k = 0; k < 1000; ++k) {
            const double now = static_cast<double>(g.values[k * 200 + i]), exact = now * std::exp(0.05) - before;
            const double count = std::round(exact);
            REQUIRE(std::abs(exact - count) < 1e-3); // float of a conductance of a few nS
            before = now;
            n += 1, sum += count, squares += count * count;
            if (last >= 0) neighbours += (count - mean) * (last - mean);
            last = count;
            histogram[static_cast<long>(count)] += 1;
        }
    }
    CHECK(std::abs(sum / n - mean) < 4 * std::sqrt(mean / n));
    const double variance = squares / n - (sum / n) * (sum / n);
    CHECK(std::abs(variance - mean) < 4 * std::sqrt((mean + 2 * mean * mean) / n)); // fourth central moment of Poisson
    CHECK(std::abs(neighbours / n / mean) < 4 / std::sqrt(n));
    double statistic = 0, probability = std::exp(-mean), rest = n, rest_observed = n;
    long cells = 0;
    for (long k = 0; n * probability > 20; ++k) {
        statistic += std::pow(histogram[k] - n * probability, 2) / (n * probability);
        rest -= n * probability, rest_observed -= histogram[k], ++cells;
        probability *= mean / static_cast<double>(k + 1);
    }
    statistic += std::pow(rest_observed - rest, 2) / rest;
    const boost::math::chi_squared law(static_cast<double>(cells));
    CHECK(boost::math::cdf(boost::math::complement(law, statistic)) > 1e-3);
}

TEST_CASE("a Poisson stimulus reaches its neurons in its time only", "[engine]") {
    std::vector<Stimulus> stimuli{
        {.kind = "poisson", .from_s = 0.0103, .to_s = 0.0202, .first = 66, .count = 30, .rate_Hz = 1e5, .weight = 1}};
    std::vector<std::uint32_t> neurons{65, 66, 95, 96};
    FastOptions options;
    options.threads = 2;
    FastNetwork net(options, {listener(128)}, {}, {}, stimuli, {{.variable = "g_ampa", .neurons = neurons}});
    net.advance(0, 300);
    const TraceSamples g = net.take_trace(0);
    // Ten events a step on the average: a step without any has probability 5e-5.
    for (std::size_t k = 0; k < 300; ++k) {
        const std::int64_t step = g.step[k] - 1;
        const bool on = step >= 103 && step < 202;
        for (std::size_t n = 0; n < 4; ++n) {
            const double before = k == 0 ? 0 : static_cast<double>(g.values[(k - 1) * 4 + n]);
            const double added = static_cast<double>(g.values[k * 4 + n]) * std::exp(0.05) - before;
            const bool targeted = n == 1 || n == 2;
            if (on && targeted)
                REQUIRE(added > 0.9);
            else
                REQUIRE(std::abs(added) < 0.01);
        }
    }
}

TEST_CASE("spike lists reach their neurons at their step with their weight", "[engine]") {
    // Time 12.34 ms is step 123 (nearest); two at once add up.
    std::vector<Stimulus> stimuli{
        {.kind = "spikes", .weight = 2, .times_s = {0.01234, 0.02, 0.02}, .neurons = {5, 100, 100}}};
    FastOptions options;
    options.threads = GENERATE(1, 2);
    FastNetwork net(options, {listener(128)}, {}, {}, stimuli, {{.variable = "g_ampa", .neurons = {5, 100, 6}}});
    net.advance(0, 250);
    const TraceSamples g = net.take_trace(0);
    for (std::size_t k = 0; k < 250; ++k) {
        const double first = k >= 123 ? 2 * std::exp(-0.05 * static_cast<double>(k - 122)) : 0;
        const double second = k >= 200 ? 4 * std::exp(-0.05 * static_cast<double>(k - 199)) : 0;
        REQUIRE(g.values[k * 3] == Approx(first).epsilon(1e-4));
        REQUIRE(g.values[k * 3 + 1] == Approx(second).epsilon(1e-4));
        REQUIRE(g.values[k * 3 + 2] == 0);
    }
}

TEST_CASE("current steps and ramps follow the membrane equation", "[engine]") {
    // Exact solutions for tau 10 ms, C 250 pF: step RI (1 - e^(-t/tau)); ramp R s (t - tau + tau e^(-t/tau)).
    // The ramp is held over each step at its middle: error R s dt^2/24 per tau, far below float rounding
    // (1e-4).
    network::Population p{.name = "c",
                          .size = 128,
                          .model = neuron::LifCurrent{},
                          .receptors = {synapse::default_receptor("current")},
                          .initial_mV = network::Distribution{.mean = -65}};
    std::vector<Stimulus> stimuli{
        {.kind = "current_step", .from_s = 0.01, .to_s = 0.03, .first = 64, .count = 2, .amplitude_pA = 200},
        {.kind = "current_ramp",
         .from_s = 0.01,
         .to_s = 0.03,
         .first = 65,
         .count = 2,
         .amplitude_pA = 0,
         .end_amplitude_pA = 100}};
    FastOptions options;
    options.threads = GENERATE(1, 2);
    FastNetwork net(options, {p}, {}, {}, stimuli,
                    {{.variable = "membrane_potential", .neurons = {63, 64, 65, 66, 67}}});
    net.advance(0, 400);
    const TraceSamples v = net.take_trace(0);
    const auto pulse = [](double t) { return t <= 0 ? 0 : 8 * (1 - std::exp(-t / 10)); };
    const auto slope = [](double t) { return t <= 0 ? 0 : 0.04 * 5 * (t - 10 + 10 * std::exp(-t / 10)); };
    for (std::size_t k = 0; k < 400; ++k) {
        const double t = 0.1 * static_cast<double>(k + 1) - 10;
        const double step = pulse(t) - pulse(t - 20);
        const double ramp = slope(t) - slope(t - 20) - (t > 20 ? 4 * (1 - std::exp(-(t - 20) / 10)) : 0);
        const double expected[] = {0, step, step + ramp, ramp, 0};
        for (std::size_t n = 0; n < 5; ++n) REQUIRE(v.values[k * 5 + n] == Approx(-65 + expected[n]).margin(5e-4));
    }
}

TEST_CASE("a constant current and the initial potentials are those of the population", "[engine]") {
    network::Population p = listener(2000);
    p.initial_mV = network::Distribution{.kind = "normal", .mean = -62, .sd = 3};
    FastNetwork net(FastOptions{}, {p}, {}, {}, {}, {});
    double sum = 0, squares = 0;
    for (const float v : net.populations[0].membrane.membrane_potential_mV)
        sum += v, squares += static_cast<double>(v) * v;
    CHECK(sum / 2000 == Approx(-62).margin(4 * 3 / std::sqrt(2000)));
    CHECK(std::sqrt(squares / 2000 - sum * sum / 4e6) == Approx(3).epsilon(4 / std::sqrt(4000)));
    p.initial_mV = {};
    p.model = neuron::LifConductance{};
    FastNetwork rest(FastOptions{}, {p}, {}, {}, {}, {});
    const auto& v = rest.populations[0].membrane.membrane_potential_mV;
    CHECK(*std::min_element(v.begin(), v.end()) >= -60);
    CHECK(*std::max_element(v.begin(), v.end()) <= -50);
    CHECK(*std::max_element(v.begin(), v.end()) - *std::min_element(v.begin(), v.end()) > 9.9); // uniform over both
}

TEST_CASE("GABA_B pulls the membrane towards the reversal of K+, below that of GABA_A", "[engine]") {
    // Truth: dV/dt = (gL (EL - V) + g(t) (-95 - V))/C by Runge-Kutta 4 in steps of 0.01 ms, g the closed form of the
    // default receptor. The membrane's second order leaves 2e-3 mV where V moves fastest.
    network::Population p = listener(128);
    p.receptors = {ampa(), synapse::default_receptor("gaba_a"), synapse::default_receptor("gaba_b")};
    const double strong_nS = 1000, weak_nS = 3;
    const auto onto_gaba_b = [](double weight_nS, std::uint32_t neuron) {
        return Stimulus{.kind = "spikes", .weight = weight_nS, .receptor = 2, .times_s = {0.0}, .neurons = {neuron}};
    };
    FastOptions options;
    options.threads = GENERATE(1, 2);
    FastNetwork net(
        options, {p}, {}, {}, {onto_gaba_b(strong_nS, 3), onto_gaba_b(weak_nS, 100)},
        {{.variable = "membrane_potential", .neurons = {3, 100, 4}}, {.variable = "g_gaba_b", .neurons = {3, 100, 4}}});
    net.advance(0, 8000);
    const TraceSamples v = net.take_trace(0), g = net.take_trace(1);
    const double norm = synapse::peak_normalisation(60.6, 192);
    const auto conductance = [&](double t) { return norm * (std::exp(-t / 192) - std::exp(-t / 60.6)); };
    const double weights[] = {strong_nS, weak_nS, 0};
    double lowest = 0;
    for (std::size_t n = 0; n < 3; ++n) {
        double truth = -60;
        const auto slope = [&](double t, double u) {
            return (10 * (-60 - u) + weights[n] * conductance(t) * (-95 - u)) / 200;
        };
        for (std::size_t k = 0; k < 8000; ++k) {
            for (int part = 0; part < 10; ++part) {
                const double h = 0.01, t = 0.1 * static_cast<double>(k) + h * part;
                const double a = slope(t, truth), b = slope(t + h / 2, truth + h / 2 * a),
                             c = slope(t + h / 2, truth + h / 2 * b), d = slope(t + h, truth + h * c);
                truth += h / 6 * (a + 2 * b + 2 * c + d);
            }
            REQUIRE(v.values[k * 3 + n] == Approx(truth).margin(5e-3));
            REQUIRE(g.values[k * 3 + n] ==
                    Approx(weights[n] * conductance(0.1 * static_cast<double>(k + 1))).epsilon(2e-3).margin(1e-4));
            lowest = std::min(lowest, static_cast<double>(v.values[k * 3]));
        }
    }
    CHECK(lowest < -94.5); // the strong one: 35/(1 + 1000/10) = 0.35 mV above the reversal
    CHECK(lowest > -95);
}

TEST_CASE("extrasynaptic NMDA receptors pass g B(V) (E - V), each class with its own block", "[engine]") {
    // 6 nS of which 2A carries 0.3 of the current at -66 mV and 2D the rest (synapse/receptor.hpp), on a leak of 10 nS:
    // the potential at which leak and NMDA current balance, by bisection with Jahr & Stevens' formula written out.
    // Float rounding of some -55 mV over a memory of 200 steps: 1e-3 mV.
    synapse::Receptor mix = synapse::default_receptor("nmda");
    mix.share_2a = 0.3, mix.share_2b = 0, mix.share_2d = 0.7;
    network::Population p = listener(3);
    p.tonic_nmda_nS = 6;
    FastOptions options;
    options.drives.mg_mM = GENERATE(0.5, 1.0);
    const double half_ab_mM = GENERATE(3.57, 2.0), half_cd_mM = 5 * 3.57;
    options.drives.mg_half_mM = mix.mg_half_mM = {half_ab_mM, half_ab_mM, half_cd_mM, half_cd_mM};
    p.extrasynaptic = mix;
    FastNetwork net(options, {p}, {}, {}, {}, {});
    net.advance(0, 5000);
    const auto b = [](double v, double mg_mM, double half_mM) {
        return 1 / (1 + mg_mM / half_mM * std::exp(-0.062 * v));
    };
    const double a = 0.3 / b(-66, 1, half_ab_mM), d = 0.7 / b(-66, 1, half_cd_mM); // conductances behind those currents
    double low = -60, high = 0;
    for (int k = 0; k < 60; ++k) {
        const double v = 0.5 * (low + high), mg = options.drives.mg_mM;
        const double nmda_nS = 6 * (a * b(v, mg, half_ab_mM) + d * b(v, mg, half_cd_mM)) / (a + d);
        (10 * (-60 - v) + nmda_nS * (0 - v) > 0 ? low : high) = v;
    }
    REQUIRE(low > -59);
    CHECK(net.populations[0].membrane.membrane_potential_mV[2] == Approx(low).margin(1e-3));
}

TEST_CASE("complete NMDA block in the network equals a network without NMDA", "[engine]") {
    // Gains of zero: what the drug does at full occupancy. Spikes must agree exactly.
    const auto run = [](bool with_receptor) {
        network::Population p{.name = "p",
                              .size = 100,
                              .model = neuron::LifConductance{},
                              .receptors = {ampa()},
                              .background = network::Background{.sources = 100, .rate_Hz = 20, .weight = 3}};
        network::Projection q{.name = "q", .source = 0, .target = 0};
        q.rule = {.kind = "fixed_indegree", .degree = 10};
        q.weight.mean = 2;
        q.delay_ms.mean = 1;
        q.receptors = {{0, 1}};
        if (with_receptor) {
            p.receptors.push_back(synapse::default_receptor("nmda"));
            q.receptors.push_back({1, 1});
        }
        FastNetwork net(FastOptions{}, {p}, {q}, {}, {}, {});
        net.populations[0].record_spikes = true;
        if (with_receptor)
            for (auto* gain : {&net.populations[0].receptors[1].gain_ab, &net.populations[0].receptors[1].gain_cd})
                std::fill(gain->begin(), gain->end(), 0.0f);
        net.advance(0, 3000);
        std::vector<std::pair<std::int64_t, std::uint32_t>> spikes;
        for (const Spike& s : net.take_spikes(0)) spikes.emplace_back(s.step, s.neuron);
        return spikes;
    };
    const auto without = run(false);
    CHECK(without.size() > 100);
    CHECK((run(true) == without));
}
