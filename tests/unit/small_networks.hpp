#pragma once
// Small networks for tests of the time loop, and all that a run of one shows.

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/fast_network.hpp"

namespace rewire::engine::small_networks {

/// AMPA receptors with another decay.
inline synapse::Receptor ampa(double tau_ms = 2) {
    synapse::Receptor r = synapse::default_receptor("ampa");
    r.tau_decay_ms = tau_ms;
    return r;
}

/// A neuron that fires exactly when told: a huge, brief conductance lifts it over threshold within the step.
inline network::Population relay(std::int64_t size) {
    return {.name = "relay",
            .size = size,
            .model = neuron::LifConductance{.refractory_ms = 1},
            .receptors = {ampa(0.05)},
            .initial_mV = network::Distribution{.mean = -60}};
}
inline constexpr double firing_nS = 1e5; ///< of an event that makes a relay fire

/// A neuron that only listens.
inline network::Population listener(std::int64_t size) {
    return {.name = "listener",
            .size = size,
            .model = neuron::LifConductance{.threshold_mV = 1000},
            .receptors = {ampa()},
            .initial_mV = network::Distribution{.mean = -60}};
}

/// Makes relays fire: one time for each neuron.
inline Stimulus fire_at(std::vector<double> times_s, std::vector<std::uint32_t> neurons) {
    return {.kind = "spikes", .weight = firing_nS, .times_s = std::move(times_s), .neurons = std::move(neurons)};
}

/// Pairwise synapses from population 0 to population 1.
inline network::Projection relay_projection() {
    network::Projection q{.name = "q", .source = 0, .target = 1};
    q.rule.kind = "pairwise";
    q.receptors = {{0, 1}};
    return q;
}

/// Records all that a network can, with samples of block in two subunits.
inline void sample_everything(FastNetwork& net) {
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
inline FastNetwork mixed_network(int threads, std::uint64_t seed = 3) {
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

/// Takes what has been recorded.
inline Result result(FastNetwork& net) {
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

} // namespace rewire::engine::small_networks
