// Long-term plasticity in a running network against a reference that takes every spike in order of time.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "engine/fast_network.hpp"
#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;

namespace {

constexpr double dt_ms = 0.1;

/// A neuron that fires in the step in which it is told to.
network::Population relay(std::string name, std::int64_t size) {
    synapse::Receptor drive = synapse::default_receptor("ampa"), test = synapse::default_receptor("ampa");
    drive.tau_decay_ms = 0.05;
    test.name = "silent"; // what the plastic synapses act on: too weak to fire anything
    return {.name = std::move(name),
            .size = size,
            .model = neuron::LifConductance{.refractory_ms = 1},
            .receptors = {drive, test},
            .initial_mV = network::Distribution{.mean = -60}};
}

struct Event {
    std::int64_t step;
    std::uint32_t neuron;
};

/// Irregular trains: gaps of 2 ms and more with an exponential tail, some volleys shared by all.
std::vector<Event> trains(std::uint32_t neurons, std::int64_t steps, double mean_gap_ms, std::uint64_t salt) {
    std::vector<Event> events;
    for (std::uint32_t i = 0; i < neurons; ++i) {
        RandomStream random(99, Purpose::stimulus, i, salt);
        for (double t = 5; t / dt_ms < static_cast<double>(steps); t += 2 - mean_gap_ms * std::log(random.uniform()))
            events.push_back({static_cast<std::int64_t>(t / dt_ms), i});
    }
    std::sort(events.begin(), events.end(),
              [](const Event& a, const Event& b) { return std::tie(a.step, a.neuron) < std::tie(b.step, b.neuron); });
    return events;
}

engine::Stimulus fire(std::size_t population, const std::vector<Event>& events) {
    engine::Stimulus s{.kind = "spikes", .population = population, .weight = 1e5};
    for (const Event& e : events) {
        s.times_s.push_back(static_cast<double>(e.step) * dt_ms * 1e-3);
        s.neurons.push_back(e.neuron);
    }
    return s;
}

struct Pairing {
    std::vector<Event> pre, post;
    synapse::LongTerm rule;
    network::Distribution delay{.mean = 1.5};
    std::uint32_t sources = 40, targets = 150;
    bool drugged = false; ///< NMDA receptors come and go, see unblocked()
};

constexpr std::int64_t drug_tick = 700;

/// Some share of a neuron's NMDA receptors, another one every tick.
float unblocked(std::uint32_t neuron, std::int64_t step) {
    return static_cast<float>((neuron * 37 + step / drug_tick * 53) % 101) / 100;
}

constexpr double reference_nS = 1e-4;

engine::FastNetwork build(const Pairing& p, int threads) {
    network::Projection q{.name = "plastic", .source = 0, .target = 1};
    q.rule = {.kind = "all_to_all"};
    q.weight = {.mean = reference_nS};
    q.delay_ms = p.delay;
    q.receptors = {{1, 1}};
    q.long_term = p.rule;
    engine::FastOptions options;
    options.threads = threads;
    return {options, {relay("pre", p.sources), relay("post", p.targets)}, {q}, {}, {fire(0, p.pre), fire(1, p.post)},
            {}};
}

/// Relative weights [source][target] after the run.
std::vector<std::vector<double>> run(engine::FastNetwork& net, const Pairing& p, std::int64_t steps,
                                     std::int64_t call = 1000, bool look = false) {
    if (p.drugged) net.follow_nmda(1);
    for (std::int64_t from = 0, length = 0; from < steps; from += length) {
        length = std::min(call, steps - from);
        if (p.drugged) {
            length = std::min(length, drug_tick - from % drug_tick);
            for (std::uint32_t i = 0; i < p.targets; ++i) net.populations[1].unblocked_nmda[i] = unblocked(i, from);
        }
        net.advance(from, length);
        if (look) net.settle_plasticity();
    }
    net.settle_plasticity();
    std::vector<std::vector<double>> weights(p.sources, std::vector<double>(p.targets, -1));
    net.for_each_synapse(0, [&](const network::Synapse& s) {
        weights[s.source][s.target] = static_cast<double>(s.weight) / reference_nS;
    });
    return weights;
}

/// One synapse, spike by spike in double: what the header of synapse/long_term.hpp says and no more.
double reference(const Pairing& q, std::uint32_t source, std::uint32_t target, std::int64_t delay_steps,
                 std::int64_t steps) {
    const synapse::LongTerm& p = q.rule;
    std::vector<std::pair<std::int64_t, bool>> events; // time, is an arrival; postsynaptic first at the same instant
    for (const Event& e : q.post)
        if (e.neuron == target) events.emplace_back(e.step + 1, false);
    for (const Event& e : q.pre)
        if (e.neuron == source && e.step + 1 + delay_steps < steps) events.emplace_back(e.step + 1 + delay_steps, true);
    std::sort(events.begin(), events.end());
    double w = 1, x = 0, y = 0, x2 = 0, y2 = 0;
    std::int64_t last = 0;
    for (const auto& [t, arrival] : events) {
        const double since_ms = static_cast<double>(t - last) * dt_ms;
        x *= std::exp(-since_ms / p.tau_pre_ms);
        y *= std::exp(-since_ms / p.tau_post_ms);
        x2 *= std::exp(-since_ms / p.tau_pre_slow_ms);
        y2 *= std::exp(-since_ms / p.tau_post_slow_ms);
        last = t;
        double change = 0;
        if (p.rule == "inhibitory")
            change = arrival ? p.learning_rate * (y - p.target_rate_Hz * 1e-3 * (p.tau_pre_ms + p.tau_post_ms))
                             : p.learning_rate * x;
        else if (p.rule == "triplet")
            change = arrival ? -y * (p.pair_depression + p.triplet_depression * x2)
                             : x * (p.pair_potentiation + p.triplet_potentiation * y2);
        else if (p.weight_dependence == "power_law")
            change = arrival ? -p.learning_rate * p.depression * w * y : p.learning_rate * std::pow(w, p.exponent) * x;
        else
            change = arrival ? -p.learning_rate * p.depression * y : p.learning_rate * x;
        if (q.drugged) {
            const bool one_for_all = p.rule == "inhibitory" || !arrival;
            const double dependence = one_for_all ? p.nmda_dependence : p.nmda_dependence_of_depression;
            // A neuron fires within the step that ends at the instant of its spike; an arrival begins a step.
            change *= 1 - dependence * (1 - static_cast<double>(unblocked(target, arrival ? t : t - 1)));
        }
        w = std::clamp(w + change, 0.0, p.maximum);
        const bool nearest = p.pairing == "nearest";
        (arrival ? x : y) = nearest ? 1 : (arrival ? x : y) + 1;
        (arrival ? x2 : y2) = nearest ? 1 : (arrival ? x2 : y2) + 1;
    }
    return w;
}

synapse::LongTerm rule(const std::string& name, const std::string& dependence, const std::string& pairing) {
    return {.rule = name,
            .weight_dependence = dependence,
            .pairing = pairing,
            .tau_pre_ms = 17,
            .tau_post_ms = 34,
            .learning_rate = 0.02,
            .depression = 0.5, // the windows have equal areas: weights wander instead of all ending at 0
            .tau_pre_slow_ms = 60,
            .tau_post_slow_ms = 50,
            .pair_potentiation = 0.004,
            .triplet_potentiation = 0.006,
            .pair_depression = 0.006,
            .triplet_depression = 0.006,
            .target_rate_Hz = 70,
            .maximum = 1.6,
            .nmda_dependence = 0.8,
            .nmda_dependence_of_depression = 0.6};
}

} // namespace

TEST_CASE("a pair of spikes changes a weight by the exponential window", "[engine][plasticity]") {
    // Analytic: w - 1 = eta exp(-D/tau_pre) where the arrival precedes by D, -eta alpha exp(-D/tau_post) where it
    // follows (Song, Miller & Abbott 2000); at the same instant the postsynaptic spike is first. Float: 1e-6.
    const std::int64_t offset = GENERATE(-400, -100, -7, -1, 0, 1, 13, 250);
    Pairing p{.rule = rule("pair", "additive", "all_to_all"), .sources = 1, .targets = 1};
    p.pre = {{1000, 0}, {3000, 0}};     // weights are read on arrival: the second one is far off
    p.post = {{1000 + 15 + offset, 0}}; // 15 steps of delay
    engine::FastNetwork net = build(p, 1);
    const double after = run(net, p, 4000)[0][0];
    const double gap_ms = std::abs(static_cast<double>(offset)) * dt_ms;
    const double late = (3000 - 1000 - static_cast<double>(offset)) * dt_ms; // from the spike to the second arrival
    const double expected =
        (offset > 0 ? 0.02 * std::exp(-gap_ms / 17) : -0.01 * std::exp(-gap_ms / 34)) - 0.01 * std::exp(-late / 34);
    CHECK(after - 1 == Approx(expected).margin(1e-6));
}

TEST_CASE("plastic weights equal a spike-by-spike reference", "[engine][plasticity]") {
    // Another algorithm: all events of a synapse sorted by time, in double. Some hundred changes of 0.02 in float
    // accumulate rounding of 1e-7 each: 2e-5. Lists of spikes overflow on the way (trains of 30-70 Hz for 4 s), and
    // weights reach both bounds.
    const auto [name, dependence, pairing] =
        GENERATE(table<std::string, std::string, std::string>({{"pair", "additive", "all_to_all"},
                                                               {"pair", "additive", "nearest"},
                                                               {"pair", "power_law", "all_to_all"},
                                                               {"pair", "power_law", "nearest"},
                                                               {"triplet", "additive", "all_to_all"},
                                                               {"triplet", "additive", "nearest"},
                                                               {"inhibitory", "additive", "all_to_all"}}));
    const bool drugged = GENERATE(false, true);
    CAPTURE(name, dependence, pairing, drugged);
    const std::int64_t steps = 40000;
    Pairing p{.pre = trains(40, steps, 60, 1),
              .post = trains(150, steps, 12, 2),
              .rule = rule(name, dependence, pairing),
              .drugged = drugged};
    engine::FastNetwork net = build(p, 2);
    const auto weights = run(net, p, steps);
    double low = 9, high = 0;
    for (std::uint32_t i = 0; i < p.sources; ++i)
        for (std::uint32_t j = 0; j < p.targets; j += 7) {
            REQUIRE(weights[i][j] == Approx(reference(p, i, j, 15, steps)).margin(2e-5));
            low = std::min(low, weights[i][j]), high = std::max(high, weights[i][j]);
        }
    CHECK(high - low > 0.05); // they do learn
}

TEST_CASE("plastic weights are the same bits for any threads, calls and looks", "[engine][plasticity]") {
    const auto [name, dependence, pairing, drugged] =
        GENERATE(table<std::string, std::string, std::string, bool>({{"pair", "additive", "all_to_all", false},
                                                                     {"pair", "power_law", "nearest", false},
                                                                     {"pair", "additive", "all_to_all", true},
                                                                     {"triplet", "additive", "all_to_all", false},
                                                                     {"triplet", "additive", "nearest", true},
                                                                     {"inhibitory", "additive", "all_to_all", false}}));
    const std::int64_t steps = 20000;
    Pairing p{.pre = trains(40, steps, 40, 3),
              .post = trains(150, steps, 9, 4),
              .rule = rule(name, dependence, pairing),
              .drugged = drugged};
    p.delay = {.kind = "uniform", .low = 0.3, .high = 2.5};
    engine::FastNetwork net = build(p, 1);
    const auto truth = run(net, p, steps);
    for (const int threads : {1, 2, 3})
        for (const std::int64_t call : {7, 333, 20000})
            for (const bool look : {false, true}) {
                engine::FastNetwork other = build(p, threads);
                REQUIRE((run(other, p, steps, call, look) == truth));
            }
}

TEST_CASE("a leap in time forgets the traces", "[engine][plasticity]") {
    // Spikes on either side of a leap do not pair, though few steps of the network's own clock lie between them.
    Pairing p{.pre = {{990, 0}},
              .post = {{1000010, 0}},
              .rule = rule("pair", "additive", "all_to_all"),
              .sources = 1,
              .targets = 1};
    engine::FastNetwork net = build(p, 1);
    net.advance(0, 1010); // the spike has arrived
    net.advance(1000000, 1000);
    net.settle_plasticity();
    CHECK(net.mean_weight(0) == Approx(reference_nS).epsilon(1e-6));
}

TEST_CASE("pairings change weights with their frequency as in the visual cortex", "[engine][plasticity]") {
    // Sjostrom, Turrigiano & Nelson 2001, as Pfister & Gerstner 2006 fit them [R]: changes of the EPSP after pairings
    // at these frequencies, the postsynaptic spike 10 ms after or before the arrival. 60 pairings, as in the fit. The
    // model must lie within 1.5 standard errors of each mean, and the mean square of these distances be below 0.5: it
    // is 0.36 for the published parameters, and what a fit leaves of such data is below 1. At 0.1 Hz pairings are 1 s
    // apart here instead of 10 s: 1.5e-4 of the slowest trace is left.
    struct Measured {
        double frequency_Hz, after, after_error, before, before_error;
    };
    const std::vector<Measured> measured{{0.1, -0.04, 0.05, -0.29, 0.08},
                                         {10, 0.14, 0.10, -0.41, 0.11},
                                         {20, 0.29, 0.14, -0.34, 0.10},
                                         {40, 0.53, 0.11, 0.56, 0.32},
                                         {50, 0.56, 0.26, 0.75, 0.19}};
    const auto n = static_cast<std::uint32_t>(measured.size());
    const auto pairings = [&](const synapse::LongTerm& rule) {
        Pairing p{.rule = rule, .sources = 2 * n, .targets = 2 * n};
        for (std::uint32_t i = 0; i < 2 * n; ++i)
            for (int k = 0; k < 60; ++k) {
                const double frequency_Hz = std::max(1.0, measured[i % n].frequency_Hz);
                const auto arrival = static_cast<std::int64_t>(std::lround(1000 + k * 1e4 / frequency_Hz));
                p.pre.push_back({arrival - 15, i});
                p.post.push_back({arrival + (i < n ? 100 : -100), i});
            }
        for (std::vector<Event>* events : {&p.pre, &p.post})
            std::stable_sort(events->begin(), events->end(),
                             [](const Event& a, const Event& b) { return a.step < b.step; });
        engine::FastNetwork net = build(p, 1);
        const auto weights = run(net, p, 610000, 610000);
        std::vector<double> change;
        for (std::uint32_t i = 0; i < 2 * n; ++i) {
            CHECK(weights[i][i] == Approx(reference(p, i, i, 15, 610000)).margin(2e-5));
            change.push_back(weights[i][i] - 1);
        }
        return change;
    };
    const std::vector<double> triplet = pairings(synapse::default_long_term("triplet"));
    double square = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
        const Measured& m = measured[i];
        INFO(m.frequency_Hz << " Hz: " << triplet[i] << " after, " << triplet[n + i] << " before");
        CHECK(std::abs(triplet[i] - m.after) < 1.5 * m.after_error);
        CHECK(std::abs(triplet[n + i] - m.before) < 1.5 * m.before_error);
        square += std::pow((triplet[i] - m.after) / m.after_error, 2) / (2 * n);
        square += std::pow((triplet[n + i] - m.before) / m.before_error, 2) / (2 * n);
    }
    CHECK(square < 0.5);
    CHECK(std::abs(triplet[0]) < 1e-3); // no potentiation at low frequency: a pair of spikes alone has none

    // Pairs alone do the reverse (Pfister & Gerstner 2006): the faster the pairings, the less potentiation, because
    // each spike falls ever closer to the wrong neighbours. Only this order is tested.
    synapse::LongTerm alone{.tau_pre_ms = 16.8, .tau_post_ms = 33.7, .learning_rate = 5e-3, .depression = 7.1 / 5};
    const std::vector<double> pairs = pairings(alone);
    CHECK(pairs[0] > 0.1);
    for (std::uint32_t i = 1; i < n; ++i) CHECK(pairs[i] < pairs[i - 1]);
}

namespace {

/// Changes of all weights after 5 s of irregular spikes under an NMDA antagonist, which changes no spike: the plastic
/// synapses are too weak, and nothing else acts on an NMDA receptor.
std::vector<double> changes_under_antagonist(const std::string& rule, double strength,
                                             const std::string& antagonist = "nmda_antagonist") {
    const std::string config = fmt::format(R"(
[experiment]
duration = "5 s"
seed = 3
[population.pre]
size = 20
model = "lif_conductance"
refractory_period = "1 ms"
receptor.ampa = {{ tau_decay = "0.05 ms" }}
background = {{ sources = 1, rate = "20 Hz", receptor = "ampa", weight = "100000 nS" }}
[population.post]
size = 30
model = "lif_conductance"
refractory_period = "1 ms"
receptor.ampa = {{ tau_decay = "0.05 ms" }}
background = {{ sources = 1, rate = "20 Hz", receptor = "ampa", weight = "100000 nS" }}
[projection.plastic]
from = "pre"
to = "post"
rule = "all_to_all"
weight = "0.0001 nS"
receptors = ["nmda"]
long_term = {{ {} }}
[[intervention]]
what = "{}"
strength = {:.1f}
)",
                                           rule, antagonist, strength);
    engine::Simulation simulation(
        experiment::read_experiment(experiment::parse_config(config, "antagonist.toml")).model);
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
    simulation.network().settle_plasticity();
    std::vector<double> changes;
    simulation.network().for_each_synapse(
        0, [&](const network::Synapse& s) { changes.push_back(static_cast<double>(s.weight) / 1e-4 - 1); });
    return changes;
}

double largest(const std::vector<double>& changes) {
    double most = 0;
    for (const double change : changes) most = std::max(most, std::abs(change));
    return most;
}

} // namespace

TEST_CASE("plasticity that needs NMDA receptors goes with those that are unblocked", "[engine][plasticity]") {
    // Changes of the additive rules are linear in the share, as no weight reaches a bound: half a block halves each, a
    // complete one leaves none. Float weights of order 1: 1e-7 for each of some 200 changes.
    const std::string rule =
        GENERATE("rule = 'pair'", "rule = 'triplet'", "rule = 'inhibitory', nmda_dependence = 1.0");
    CAPTURE(rule);
    const std::vector<double> whole = changes_under_antagonist(rule, 0), half = changes_under_antagonist(rule, 0.5);
    REQUIRE(largest(whole) > 0.01);
    REQUIRE(largest(whole) < 0.9);
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(half[i] == Approx(whole[i] / 2).margin(2e-5));
    CHECK(largest(changes_under_antagonist(rule, 1)) < 1e-6);
    // Half of the receptors are of 2B.
    const std::vector<double> without_2b = changes_under_antagonist(rule, 1, "nmda_2b");
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(without_2b[i] == Approx(whole[i] / 2).margin(2e-5));
}

TEST_CASE("the part of plasticity without NMDA receptors stays under a block", "[engine][plasticity]") {
    // Potentiation needs them and depression does not: what is left is that of a rule without potentiation.
    const std::vector<double> left =
        changes_under_antagonist("rule = 'triplet', nmda_dependence_of_depression = 0.0", 1);
    CHECK(largest(left) > 0.01);
    CHECK(left == changes_under_antagonist("rule = 'triplet', triplet_potentiation = 0.0", 0));
    // The inhibitory rule has no such part unless it is given one.
    CHECK(changes_under_antagonist("rule = 'inhibitory'", 1) == changes_under_antagonist("rule = 'inhibitory'", 0));
}

TEST_CASE("inhibitory plasticity brings neurons to their target rate", "[engine][plasticity]") {
    // Vogels et al. 2011: the rule balances at rho0 whatever the drive. 100 neurons driven to some 40 Hz and more by a
    // current, inhibited by 400 Poisson sources of 20 Hz; rates over the last 20 of 60 s. A neuron's rate is known to
    // sqrt(8 Hz x 20 s) = 8 % from its spikes, the mean of 100 to 1 %. The balance takes the trains for independent;
    // that an inhibitory spike suppresses the spikes after it lifts the rate by some per cent: 10 %.
    network::Population sources = relay("i", 400);
    sources.background = network::Background{.sources = 1, .rate_Hz = 20, .weight = 1e5, .receptor = 0};
    synapse::Receptor gaba = synapse::default_receptor("gaba_a");
    network::Population driven{.name = "e",
                               .size = 100,
                               .model = neuron::LifConductance{.leak_reversal_mV = -60, .refractory_ms = 5},
                               .receptors = {gaba},
                               .current_pA = 220};
    network::Projection q{.name = "plastic", .source = 0, .target = 1};
    q.rule = {.kind = "all_to_all"};
    q.weight = {.mean = 0.05};
    q.delay_ms = {.mean = 1.0};
    q.receptors = {{0, 1}};
    const auto [tau_pre_ms, tau_post_ms] = GENERATE(table<double, double>({{20, 20}, {10, 40}}));
    q.long_term = synapse::LongTerm{.rule = "inhibitory",
                                    .tau_pre_ms = tau_pre_ms,
                                    .tau_post_ms = tau_post_ms,
                                    .learning_rate = 0.01,
                                    .target_rate_Hz = 8,
                                    .maximum = 100};
    engine::FastOptions options;
    options.threads = 2;
    engine::FastNetwork net(options, {sources, driven}, {q}, {}, {}, {});
    const auto rate = [&](std::int64_t from_s, std::int64_t seconds) {
        net.reset_drives();
        net.advance(from_s * 10000, seconds * 10000);
        double spikes = 0;
        for (const std::uint32_t n : net.populations[1].drives.spikes) spikes += n;
        return spikes / 100 / static_cast<double>(seconds);
    };
    CHECK(rate(0, 1) > 12);
    rate(1, 39);
    CHECK(rate(40, 20) == Approx(8).epsilon(0.1));
}

TEST_CASE("inhibitory plasticity brings a recurrent network to its target rate", "[engine][plasticity]") {
    // Vogels et al. 2011: from above where inhibition is too weak at first, from below where it is too strong. The LIF
    // neurons of Vogels & Abbott 2005 with Poisson trains of their own instead of a common current, so that trains are
    // nearly independent, as the balance takes them; the spikes that inhibition holds off lift the rate (by 5 and 2 %
    // here; by 20 % and more in synchrony). 1,600 neurons over 3 s know their mean to 1 %: 10 %.
    const auto [target_Hz, weight_nS, learning_rate] =
        GENERATE(table<int, double, double>({{5, 0.2, 0.05}, {12, 0.5, 0.02}}));
    CAPTURE(target_Hz);
    const std::string config = fmt::format(R"(
extends = "{}/configs/vogels_abbott.toml"
[experiment]
duration = "11 s"
threads = 2
[population.excitatory]
size = 1600
current = "0 pA"
background = {{ sources = 1000, rate = "5 Hz", receptor = "ampa", weight = "0.3 nS" }}
[population.inhibitory]
size = 400
current = "0 pA"
background = {{ sources = 1000, rate = "3 Hz", receptor = "ampa", weight = "0.3 nS" }}
[projection.e_to_e]
rule = {{ fixed_indegree = 100 }}
weight = "0.3 nS"
[projection.e_to_i]
rule = {{ fixed_indegree = 100 }}
weight = "0.3 nS"
[projection.i_to_e]
rule = {{ fixed_indegree = 200 }}
weight = "{} nS"
long_term = {{ rule = "inhibitory", learning_rate = {}, target_rate = "{} Hz", maximum = 100.0 }}
[projection.i_to_i]
rule = {{ fixed_indegree = 40 }}
weight = "1 nS"
[record]
spikes = ["excitatory"]
)",
                                           REWIRE_SOURCE_DIR, weight_nS, learning_rate, target_Hz);
    engine::Simulation simulation(
        experiment::read_experiment(experiment::parse_config(config, "recurrent.toml")).model);
    simulation.prepare();
    const auto rate_Hz = [&](double to_s) {
        const double from_s = simulation.time_s();
        std::size_t spikes = 0;
        while (simulation.time_s() < to_s - 1e-9) {
            simulation.advance();
            spikes += simulation.network().take_spikes(0).size();
        }
        return static_cast<double>(spikes) / 1600 / (simulation.time_s() - from_s);
    };
    CHECK(std::abs(rate_Hz(0.5) - target_Hz) > 0.5 * target_Hz); // far away at first
    rate_Hz(8);
    CHECK(rate_Hz(11) == Approx(target_Hz).epsilon(0.1));
}
