// The time loop: when spikes arrive, what inputs do, and that threads and the length of calls change no bit.
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/math/distributions/chi_squared.hpp>

#include "engine/fast_network.hpp"
#include "engine/slow_inputs.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

synapse::Receptor ampa(double tau_ms = 2) {
    synapse::Receptor r = synapse::default_receptor("ampa");
    r.tau_decay_ms = tau_ms;
    return r;
}

/// A neuron that fires exactly when told: a huge, brief conductance lifts it over threshold within the step.
network::Population relay(std::int64_t size) {
    return {.name = "relay",
            .size = size,
            .model = neuron::LifConductance{.refractory_ms = 1},
            .receptors = {ampa(0.05)},
            .initial_mV = network::Distribution{.mean = -60}};
}
constexpr double firing_nS = 1e5;

/// A neuron that only listens.
network::Population listener(std::int64_t size) {
    return {.name = "listener",
            .size = size,
            .model = neuron::LifConductance{.threshold_mV = 1000},
            .receptors = {ampa()},
            .initial_mV = network::Distribution{.mean = -60}};
}

Stimulus fire_at(std::vector<double> times_s, std::vector<std::uint32_t> neurons) {
    return {.kind = "spikes", .weight = firing_nS, .times_s = std::move(times_s), .neurons = std::move(neurons)};
}

/// Pairwise synapses from population 0 to population 1.
network::Projection relay_projection() {
    network::Projection q{.name = "q", .source = 0, .target = 1};
    q.rule.kind = "pairwise";
    q.receptors = {{0, 1}};
    return q;
}

void sample_everything(FastNetwork& net) {
    for (FastPopulation& population : net.populations) {
        population.record_spikes = population.in_lfp = population.drives.sampled = true;
        const std::size_t n = population.size();
        for (aligned_vector<float>* sums : {&population.drives.l_type, &population.drives.ampa_nS}) sums->assign(n, 0);
        for (auto& pool : population.drives.pools)
            for (const drug::Subunit subunit : {drug::n2a, drug::n2d}) {
                SubunitSums sums{.subunit = subunit, .conductance_share = 0.5, .current_share = 0.5};
                sums.exchange.assign(1, aligned_vector<float>(n, 0));
                sums.blockers.resize(1);
                sums.blockers[0].exchange_over_ic50.assign(n, 0);
                sums.blockers[0].over_ic50.assign(n, 0);
                pool.push_back(sums);
            }
    }
}

/// Three models, mixed delays, saturating NMDA, depression, Poisson and other input: something of everything.
FastNetwork mixed_network(int threads, std::uint64_t seed = 3) {
    const synapse::Receptor fast = ampa(), slow = synapse::default_receptor("nmda"),
                            gaba = synapse::default_receptor("gaba_a"), current = synapse::default_receptor("current");
    std::vector<network::Population> populations(3);
    populations[0] = {.name = "e",
                      .size = 300,
                      .model = neuron::Adex{},
                      .receptors = {fast, slow, gaba},
                      .background = network::Background{.sources = 200, .rate_Hz = 12, .weight = 3},
                      .tonic_nmda_nS = 0.5};
    populations[1] = {.name = "i",
                      .size = 130,
                      .model = neuron::LifConductance{},
                      .receptors = {fast, slow, gaba},
                      .background = network::Background{.sources = 100, .rate_Hz = 8, .weight = 2},
                      .current_pA = 50};
    populations[2] = {
        .name = "c", .size = 70, .model = neuron::LifCurrent{}, .receptors = {current}, .current_pA = 380};
    std::vector<network::Projection> projections;
    const auto add = [&](std::size_t from, std::size_t to, double weight, network::Distribution delay,
                         std::vector<network::ReceptorShare> receptors) -> network::Projection& {
        network::Projection q{.source = from, .target = to};
        q.rule = {.kind = "probability", .probability = 0.1};
        q.weight = {.kind = "lognormal", .mean = weight, .sd = std::abs(weight) / 2};
        q.delay_ms = delay;
        q.receptors = std::move(receptors);
        projections.push_back(q);
        return projections.back();
    };
    add(0, 0, 1.5, {.kind = "uniform", .low = 0.5, .high = 3}, {{0, 1}, {1, 0.6}}).short_term = synapse::ShortTerm{};
    add(0, 1, 1.5, {.mean = 0.8}, {{0, 1}, {1, 0.4}}).glutamatergic = true;
    add(1, 0, 3, {.mean = 1.1}, {{2, 1}});
    add(1, 1, 2, {.kind = "normal", .mean = 1, .sd = 0.2}, {{2, 1}});
    add(0, 2, 60, {.mean = 1.5}, {{0, 1}});
    add(2, 0, 0.5, {.mean = 0.3}, {{0, 1}}).short_term =
        synapse::ShortTerm{.release_probability = 0.1, .tau_recovery_ms = 100, .tau_facilitation_ms = 500};
    std::vector<Stimulus> stimuli{
        {.kind = "current_ramp",
         .population = 1,
         .from_s = 0.02,
         .to_s = 0.15,
         .first = 10,
         .count = 100,
         .amplitude_pA = 0,
         .end_amplitude_pA = 90},
        {.kind = "poisson",
         .population = 0,
         .from_s = 0.0303,
         .to_s = 0.1507,
         .first = 60,
         .count = 100,
         .rate_Hz = 500,
         .weight = 2},
        {.kind = "spikes", .population = 2, .weight = 3000, .times_s = {0.01, 0.05, 0.05}, .neurons = {3, 64, 69}}};
    stimuli[2].receptor = 0;
    std::vector<Trace> traces{
        {.name = "v", .population = 0, .variable = "membrane_potential", .neurons = {299, 0, 64, 63}, .every_steps = 1},
        {.name = "g", .population = 1, .variable = "g_nmda", .neurons = {1, 128}, .every_steps = 5}};
    FastOptions options;
    options.seed = seed;
    options.threads = threads;
    options.track_release = true;
    options.drives.blockers = {drug::ketamine()};
    FastNetwork net(options, populations, projections, {}, stimuli, traces);
    net.ambient_open = {0.02f};
    sample_everything(net);
    return net;
}

/// All that a run shows.
struct Result {
    std::vector<std::vector<std::pair<std::int64_t, std::uint32_t>>> spikes;
    std::vector<std::vector<float>> state, drives, calcium, released;
    std::vector<std::vector<std::uint32_t>> counts;
    ActivitySamples activity;
    std::vector<TraceSamples> traces;
    std::uint64_t total_spikes, total_events;
};

template <class A>
std::vector<float> plain(const A& values) {
    return std::vector<float>(values.begin(), values.end());
}

Result result(FastNetwork& net) {
    Result r{.total_spikes = net.total_spikes(), .total_events = net.total_events()};
    for (std::size_t p = 0; p < net.populations.size(); ++p) {
        r.spikes.emplace_back();
        for (const Spike& s : net.take_spikes(p)) r.spikes.back().emplace_back(s.step, s.neuron);
        const FastPopulation& population = net.populations[p];
        r.state.push_back(plain(population.membrane.membrane_potential_mV));
        r.state.push_back(plain(population.membrane.adaptation_pA));
        for (const synapse::ReceptorState& receptor : population.receptors) {
            r.state.push_back(plain(receptor.decay));
            r.state.push_back(plain(receptor.rise));
        }
        const Drives& d = population.drives;
        r.counts.emplace_back(d.spikes.begin(), d.spikes.end());
        r.counts.push_back({d.samples});
        r.calcium.push_back(plain(d.calcium));
        for (const auto* sums : {&d.l_type, &d.ampa_nS}) r.drives.push_back(plain(*sums));
        for (const auto& pool : d.pools)
            for (const SubunitSums& subunit : pool)
                for (const auto* sums :
                     {&subunit.exchange[0], &subunit.blockers[0].exchange_over_ic50, &subunit.blockers[0].over_ic50})
                    r.drives.push_back(plain(*sums));
    }
    for (const FastProjection& projection : net.projections) r.released.push_back(projection.released);
    r.activity = net.take_activity();
    for (std::size_t k = 0; k < net.traces.size(); ++k) r.traces.push_back(net.take_trace(k));
    return r;
}

void require_equal(const Result& a, const Result& b) {
    REQUIRE(a.total_spikes == b.total_spikes);
    REQUIRE(a.total_events == b.total_events);
    REQUIRE((a.spikes == b.spikes)); // doubled brackets: no printing of thousands of numbers
    REQUIRE((a.state == b.state));
    REQUIRE((a.drives == b.drives));
    REQUIRE((a.released == b.released));
    REQUIRE((a.counts == b.counts));
    REQUIRE((a.activity.step == b.activity.step));
    REQUIRE((a.activity.spike_counts == b.activity.spike_counts));
    REQUIRE((a.activity.lfp_pA == b.activity.lfp_pA));
    for (std::size_t k = 0; k < a.traces.size(); ++k) {
        REQUIRE((a.traces[k].step == b.traces[k].step));
        REQUIRE((a.traces[k].values == b.traces[k].values));
    }
}

} // namespace

TEST_CASE("a spike arrives after its delay, to the step", "[engine]") {
    // A spike of step k has the time (k+1) dt; after a delay of d steps its conductance starts at (k+1+d) dt
    // with the weight and decays exponentially. Truth: that sentence. Delays of 1 step, and longer than the
    // meeting interval.
    const int threads = GENERATE(1, 2);
    const std::vector<double> delays_ms{0.1, 0.2, 0.7, 15};
    FastOptions options;
    options.threads = threads;
    network::PairwiseColumns pairs{{0, 0, 0, 64}, {0, 1, 2, 100}, {1, 2, 3, 4}, delays_ms};
    std::vector<Trace> traces{{.population = 1, .variable = "g_ampa", .neurons = {0, 1, 2, 100}}};
    FastNetwork net(options, {relay(70), listener(128)}, {relay_projection()}, {pairs},
                    {fire_at({0.005, 0.005}, {0, 64})}, traces);
    net.populations[0].record_spikes = true;
    net.advance(0, 300);
    const auto spikes = net.take_spikes(0);
    REQUIRE(spikes.size() == 2);
    CHECK(spikes[0].step == 50);
    CHECK(spikes[0].neuron == 0);
    CHECK(spikes[1].neuron == 64);
    const TraceSamples g = net.take_trace(0);
    REQUIRE(g.step.size() == 300);
    for (std::size_t n = 0; n < 4; ++n) {
        const auto arrival = static_cast<std::int64_t>(std::lround(51 + delays_ms[n] / 0.1));
        for (std::size_t k = 0; k < 300; ++k) {
            const double since_ms = 0.1 * static_cast<double>(g.step[k] - arrival);
            const double expected = since_ms > 0 ? (static_cast<double>(n) + 1) * std::exp(-since_ms / 2) : 0;
            REQUIRE(g.values[k * 4 + n] == Approx(expected).epsilon(1e-4)); // float decay factors
        }
    }
    CHECK(net.total_events() == 4);
}

TEST_CASE("spikes in flight survive a jump in time", "[engine]") {
    // A leap moves biological time, not what is under way: 20 steps of delay remain 20 steps of the network's
    // clock.
    FastOptions options;
    network::PairwiseColumns pairs{{0}, {0}, {1}, {2.0}};
    std::vector<Trace> traces{{.population = 1, .variable = "g_ampa", .neurons = {0}}};
    FastNetwork net(options, {relay(1), listener(1)}, {relay_projection()}, {pairs}, {fire_at({0.0095}, {0})}, traces);
    net.advance(0, 100); // fires in step 95, would arrive at 9.6 + 2 = 11.6 ms, 16 steps after the end
    CHECK(net.total_spikes() == 1);
    CHECK(net.total_events() == 0);
    net.advance(1000000, 15);
    net.advance(1000015, 10);
    CHECK(net.total_events() == 1);
    const TraceSamples g = net.take_trace(0);
    REQUIRE(g.step.size() == 125);
    CHECK(g.step[100] == 1000001); // biological time has jumped
    CHECK(g.values[115] == 0);
    CHECK(g.values[116] == Approx(std::exp(-0.05)).epsilon(1e-5));
}

TEST_CASE("negative times run like positive ones", "[engine]") {
    // Settling happens before time zero. A stimulus at -2 ms fires at its step.
    FastNetwork net(FastOptions{}, {relay(1)}, {}, {}, {fire_at({-0.002}, {0})}, {});
    net.populations[0].record_spikes = true;
    net.advance(-50, 100);
    const auto spikes = net.take_spikes(0);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].step == -20);
    // Samples every 20 steps: at -40, -20, 0, 20, 40; the spike belongs to the window that ends at 0.
    const ActivitySamples activity = net.take_activity();
    CHECK(activity.step == std::vector<std::int64_t>{-40, -20, 0, 20, 40});
    CHECK(activity.spike_counts == std::vector<std::uint32_t>{0, 0, 1, 0, 0});
}

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

TEST_CASE("runs are bit-identical for any number of threads", "[engine]") {
    FastNetwork alone = mixed_network(1);
    alone.advance(0, 2000);
    const Result truth = result(alone);
    REQUIRE(truth.spikes[0].size() > 500); // the network is alive in all its parts
    REQUIRE(truth.spikes[1].size() > 100);
    REQUIRE(truth.spikes[2].size() > 100);
    REQUIRE(truth.total_events > 20000);
    const int threads = GENERATE(2, 3, 5);
    FastNetwork together = mixed_network(threads);
    if (GENERATE(false, true)) together.team().leave_to_one(3600); // which then does the work of all ranks
    together.advance(0, 2000);
    const Result other = result(together);
    require_equal(truth, other);
    REQUIRE((truth.calcium == other.calcium));
}

TEST_CASE("one call or many small ones give the same bits", "[engine]") {
    FastNetwork once = mixed_network(2), often = mixed_network(2);
    once.advance(-30, 1500);
    RandomStream lengths(1, Purpose::stimulus, 0);
    for (std::int64_t step = -30; step < 1470;) {
        // Ten steps or more: a shorter stretch takes a sample of its drives that a long one does not.
        const std::int64_t left = 1470 - step, length = 10 + lengths.below(31);
        const std::int64_t steps = left - length < 10 ? left : length;
        often.advance(step, steps);
        step += steps;
    }
    require_equal(result(once), result(often)); // but for calcium, whose decay ends with each call
}

TEST_CASE("different seeds give different runs", "[engine]") {
    FastNetwork a = mixed_network(1, 3), b = mixed_network(1, 4);
    a.advance(0, 500);
    b.advance(0, 500);
    CHECK((result(a).spikes != result(b).spikes));
}

TEST_CASE("every spike is delivered to every synapse once", "[engine]") {
    // Conservation: events = synapses of the spikes whose delay has passed, counted from the spike list and
    // the store.
    FastNetwork net = mixed_network(2);
    const std::int64_t steps = 1000;
    net.advance(0, steps);
    std::uint64_t expected = 0, in_flight = 0;
    std::vector<std::vector<Spike>> spikes;
    for (std::size_t p = 0; p < net.populations.size(); ++p) spikes.push_back(net.take_spikes(p));
    for (std::size_t q = 0; q < net.projections.size(); ++q) {
        std::map<std::uint32_t, std::vector<std::uint16_t>> delays;
        net.for_each_synapse(q, [&](const network::Synapse& s) { delays[s.source].push_back(s.delay_steps); });
        for (const Spike& spike : spikes[net.projections[q].specification.source])
            for (const std::uint16_t delay : delays[spike.neuron])
                ++(spike.step + 1 + delay < steps ? expected : in_flight);
    }
    CHECK(net.total_events() == expected);
    CHECK(in_flight > 0);
    std::uint64_t fired = 0;
    for (const auto& list : spikes) fired += list.size();
    CHECK(net.total_spikes() == fired);
}

TEST_CASE("spike lists, counts, activity and calcium tell the same story", "[engine]") {
    FastNetwork net = mixed_network(3);
    net.advance(0, 1000);
    const Result r = result(net);
    for (std::size_t p = 0; p < 3; ++p) {
        CHECK(std::is_sorted(r.spikes[p].begin(), r.spikes[p].end()));
        std::vector<std::uint32_t> counts(net.populations[p].size(), 0);
        std::vector<double> calcium(counts.size(), 0);
        std::vector<std::uint32_t> windows(50, 0);
        for (const auto& [step, neuron] : r.spikes[p]) {
            ++counts[neuron];
            // beta e^(-t/tau) with beta 0.001 and tau 10 s from the spike's time (step + 1) dt to the end at
            // 100 ms.
            calcium[neuron] += 0.001 * std::exp(-(100 - 0.1 * static_cast<double>(step + 1)) / 10000);
            ++windows[static_cast<std::size_t>(step / 20)];
        }
        CHECK(counts == r.counts[2 * p]);
        for (std::size_t i = 0; i < calcium.size(); ++i) REQUIRE(r.calcium[p][i] == Approx(calcium[i]).epsilon(1e-5));
        for (std::size_t k = 0; k < 50; ++k) REQUIRE(r.activity.spike_counts[k * 3 + p] == windows[k]);
    }
}

TEST_CASE("drives are the averages that they claim", "[engine]") {
    // At a fixed potential every sample is the same: the L-type activation 1/(1 + exp(-(V+20)/7)), and the
    // exchange and 1/IC50 of drug/channel_block.hpp in double, which has tests of its own. The membrane is at
    // rest at -60 mV.
    network::Population p{
        .name = "p", .size = 130, .model = neuron::LifConductance{}, .initial_mV = network::Distribution{.mean = -60}};
    FastOptions options;
    options.threads = 2;
    options.drives.blockers = {drug::ketamine()};
    FastNetwork net(options, {p}, {}, {}, {}, {});
    net.ambient_open = {0.05f};
    sample_everything(net);
    net.advance(0, 1000);
    const Drives& d = net.populations[0].drives;
    REQUIRE(d.samples == 100); // every 10 steps
    const auto check = [&](double sum, double expected) { CHECK(sum / 100 == Approx(expected).epsilon(1e-4)); };
    check(static_cast<double>(d.l_type[129]), 1 / (1 + std::exp(40 / 7.0)));
    for (std::size_t pool = 0; pool < 2; ++pool)
        for (const SubunitSums& subunit : d.pools[pool]) {
            const double half_mM = subunit.subunit == drug::n2a ? 3.57 : 5 * 3.57;
            const double open =
                pool == synaptic ? 0 : static_cast<double>(0.05f) / (1 + std::exp(0.062 * 60) / half_mM);
            const double rate = drug::exchange_rate_per_s(drug::ketamine(), open);
            const double inverse = 1 / drug::ic50_uM(drug::ketamine(), subunit.subunit, -60, 1);
            check(static_cast<double>(subunit.exchange[0][129]), rate);
            check(static_cast<double>(subunit.blockers[0].over_ic50[129]), inverse);
            check(static_cast<double>(subunit.blockers[0].exchange_over_ic50[129]), rate * inverse);
        }
}

TEST_CASE("L-type drive counts each spike as open time, AMPA drive what the gain leaves", "[engine]") {
    // Relays that fire 20 times in 0.2 s beside silent ones, all at -60 mV whenever a sample is taken (every 1 ms; the
    // pulse that lifts them is gone by then): the mean drive is that of the potential plus 3 ms for each of the mean
    // 100 Hz x 1/4. A conductance of 2 nS that hardly decays, through a gain of 1/4: 0.5 nS on one of four neurons.
    network::Population quiet = listener(4);
    quiet.receptors[0].tau_decay_ms = 1e7;
    std::vector<double> times_s;
    for (int n = 0; n < 20; ++n) times_s.push_back(0.0005 + 0.01 * n);
    Stimulus held{.kind = "spikes", .population = 1, .weight = 2, .times_s = {0.0}, .neurons = {3}};
    FastNetwork net(FastOptions{}, {relay(4), quiet}, {}, {},
                    {fire_at(times_s, std::vector<std::uint32_t>(20, 2)), held}, {});
    for (FastPopulation& population : net.populations) {
        population.drives.sampled = true;
        population.drives.l_type.assign(4, 0);
        population.drives.ampa_nS.assign(4, 0);
    }
    net.populations[1].receptors[0].gain.assign(4, 0.25f);
    Model model;
    model.regions.clear();
    net.advance(0, 2000);
    REQUIRE(net.populations[0].drives.spikes[2] == 20);
    const SlowInputs inputs = gather(net, model, 0.2);
    CHECK(inputs.populations[0].rate_Hz[2] == Approx(100));
    CHECK(inputs.populations[0].l_type == Approx(1 / (1 + std::exp(40 / 7.0)) + 25 * 3e-3).epsilon(1e-4));
    CHECK(inputs.populations[1].ampa_nS == Approx(0.5 / 4).epsilon(1e-4));
}

TEST_CASE("extrasynaptic NMDA receptors pass g B(V) (E - V), each class with its own block", "[engine]") {
    // 6 nS of which 2A carries 0.3 of the current at -66 mV and 2D the rest (synapse/receptor.hpp), on a leak of 10 nS:
    // the potential at which leak and NMDA current balance, by bisection with Jahr & Stevens' formula written out.
    // Float rounding of some -55 mV over a memory of 200 steps: 1e-3 mV.
    synapse::Receptor mix = synapse::default_receptor("nmda");
    mix.share_2a = 0.3, mix.share_2b = 0, mix.share_2d = 0.7;
    network::Population p = listener(3);
    p.tonic_nmda_nS = 6;
    p.extrasynaptic = mix;
    FastOptions options;
    options.drives.mg_mM = GENERATE(0.5, 1.0);
    FastNetwork net(options, {p}, {}, {}, {}, {});
    net.advance(0, 5000);
    const auto b = [](double v, double mg_mM, double half_mM) {
        return 1 / (1 + mg_mM / half_mM * std::exp(-0.062 * v));
    };
    const double a = 0.3 / b(-66, 1, 3.57), d = 0.7 / b(-66, 1, 5 * 3.57); // conductances behind those currents
    double low = -60, high = 0;
    for (int k = 0; k < 60; ++k) {
        const double v = 0.5 * (low + high), mg = options.drives.mg_mM;
        const double nmda_nS = 6 * (a * b(v, mg, 3.57) + d * b(v, mg, 5 * 3.57)) / (a + d);
        (10 * (-60 - v) + nmda_nS * (0 - v) > 0 ? low : high) = v;
    }
    REQUIRE(low > -59);
    CHECK(net.populations[0].membrane.membrane_potential_mV[2] == Approx(low).margin(1e-3));
}

TEST_CASE("presynaptic receptors scale what a spike releases, with and without short-term plasticity", "[engine]") {
    // A first spike releases U = 0.4, or everything, times the factor: AMPA conductance and the amount released follow.
    const float factor = 0.6f;
    for (const bool plastic : {false, true}) {
        network::Projection q = relay_projection();
        q.glutamatergic = true;
        if (plastic) q.short_term = synapse::ShortTerm{.release_probability = 0.4};
        FastOptions options;
        options.track_release = true;
        FastNetwork net(options, {relay(1), listener(1)}, {q}, {network::PairwiseColumns{{0}, {0}, {2}, {1.0}}},
                        {fire_at({0.001}, {0})}, {});
        net.projections[0].release_factor = factor;
        net.advance(0, 100);
        REQUIRE(net.total_spikes() == 1);
        const double released = (plastic ? 0.4 : 1) * 0.6;
        CHECK(net.projections[0].released[0] == Approx(released).epsilon(1e-6));
        // The spike of step 10 is one of 1.1 ms and arrives at 2.1 ms, 7.9 ms before the end.
        CHECK(synapse::conductance_nS(net.populations[1].receptors[0], 0) ==
              Approx(2 * released * std::exp(-7.9 / 2)).epsilon(1e-4));
    }
}

TEST_CASE("presynaptic release and NMDA saturation travel with the spike", "[engine]") {
    // A train of 20 spikes every 10 ms through a depressing synapse onto AMPA and NMDA (one weight, NMDA at
    // half scale). Truth: the recursions of Tsodyks & Markram and of saturation, written out here in double.
    FastOptions options;
    options.track_release = true;
    network::PairwiseColumns pairs{{0}, {0}, {2}, {1.0}};
    network::Projection q = relay_projection();
    network::Population target = listener(1);
    synapse::Receptor nmda = synapse::default_receptor("nmda");
    nmda.tau_rise_ms = 0;
    target.receptors = {ampa(), nmda};
    q.receptors = {{0, 1}, {1, 0.5}};
    q.short_term = synapse::ShortTerm{.release_probability = 0.4, .tau_recovery_ms = 300, .tau_facilitation_ms = 0};
    q.glutamatergic = true;
    std::vector<double> times_s;
    for (int n = 0; n < 20; ++n) times_s.push_back(0.001 + 0.01 * n);
    FastNetwork net(options, {relay(1), target}, {q}, {pairs}, {fire_at(times_s, std::vector<std::uint32_t>(20, 0))},
                    {});
    net.advance(0, 2000);
    REQUIRE(net.total_spikes() == 20);
    double x = 1, s = 0, g_ampa = 0, g_nmda = 0, released = 0;
    for (int n = 0; n < 20; ++n) {
        if (n > 0) x = 1 - (1 - x) * std::exp(-10 / 300.0), s *= std::exp(-10 / 100.0);
        const double r = 0.4 * x, opened = 0.5 * r * (1 - s);
        x -= r, s += opened, released += r;
        // Step 10 + 100 n fires at its end; arrival 1 ms later; the run ends at 200 ms.
        const double left_ms = 200 - (1.1 + 10 * n + 1.0);
        g_ampa += 2 * r * std::exp(-left_ms / 2);
        g_nmda += 2 * 0.5 * opened * std::exp(-left_ms / 100);
    }
    CHECK(synapse::conductance_nS(net.populations[1].receptors[0], 0) == Approx(g_ampa).epsilon(1e-3));
    CHECK(synapse::conductance_nS(net.populations[1].receptors[1], 0) == Approx(g_nmda).epsilon(1e-3));
    CHECK(net.projections[0].released[0] == Approx(released).epsilon(1e-5));
    CHECK(net.populations[1].receptors[1].total_weight[0] == Approx(1)); // half of a weight of 2
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

TEST_CASE("the LFP proxy is the mean absolute synaptic current", "[engine]") {
    // One event of 3 nS AMPA on one of 100 clamped neurons: |g (V - 0)| / 100 at the sample, 1 ms later.
    network::Population p{.name = "p",
                          .size = 100,
                          .model = neuron::LifConductance{.capacitance_pF = 1e9},
                          .receptors = {ampa()},
                          .initial_mV = network::Distribution{.mean = -60}};
    FastOptions options;
    options.activity_every_steps = 10;
    FastNetwork net(options, {p}, {}, {}, {{.kind = "spikes", .weight = 3, .times_s = {0.0}, .neurons = {70}}}, {});
    net.populations[0].in_lfp = true;
    net.advance(0, 20);
    const ActivitySamples activity = net.take_activity();
    REQUIRE(activity.lfp_pA.size() == 2);
    CHECK(activity.lfp_pA[0] == Approx(3 * std::exp(-0.5) * 60 / 100).epsilon(1e-4));
    CHECK(activity.lfp_pA[1] == Approx(3 * std::exp(-1.0) * 60 / 100).epsilon(1e-4));
}

TEST_CASE("a failing thread reports its exception", "[engine]") {
    Team team(GENERATE(1, 3));
    CHECK_THROWS_WITH(team.run([](int rank, auto) {
        if (rank == 0) throw std::runtime_error("rank 0");
    }),
                      "rank 0");
}

TEST_CASE("threads of a team meet at every barrier", "[engine]") {
    // Each rank writes a stage and must see the same stage of all others after the barrier.
    const int size = GENERATE(1, 2, 5);
    Team team(size);
    std::vector<int> stage(static_cast<std::size_t>(size), 0);
    std::vector<int> wrong(static_cast<std::size_t>(size), 0);
    team.run([&](int rank, auto wait) {
        for (int k = 1; k <= 200; ++k) {
            stage[static_cast<std::size_t>(rank)] = k;
            wait();
            for (const int other : stage) wrong[static_cast<std::size_t>(rank)] += other != k;
            wait();
        }
    });
    for (const int count : wrong) CHECK(count == 0);
    for (const int reached : stage) CHECK(reached == 200);
}

TEST_CASE("a team whose partner is put off its core goes on alone, and leaves nothing out", "[engine]") {
    // Every rank's part of every interval is done once and in order, whoever does it.
    constexpr int intervals = 40;
    Team team(3);
    bool parted = false;
    for (int call = 0; call < 6; ++call) {
        std::vector<std::vector<int>> done(3);
        team.run_together_or_alone([&](int first, int end, auto wait) {
            for (int k = 0; k < intervals; ++k) {
                for (int rank = first; rank < end; ++rank) done[static_cast<std::size_t>(rank)].push_back(k);
                if (first == 2 && call == 0) std::this_thread::sleep_for(std::chrono::milliseconds(4));
                if (!wait()) continue;
                if (first != 0) return;
                end = 3;
                parted = true;
            }
        });
        for (const std::vector<int>& of_rank : done) {
            REQUIRE(of_rank.size() == intervals);
            for (int k = 0; k < intervals; ++k) REQUIRE(of_rank[static_cast<std::size_t>(k)] == k);
        }
    }
    CHECK(parted);
}
