// Spike delivery of the engine with synapses beyond L3: events per second of delivery alone.
//
//     benchmark_delivery THREADS shared|own [SECONDS]      one line of JSON; simulates SECONDS (default 0.25)
//
// 50,000 neurons, each with 1,000 random synapses on the others of one projection, fire regularly at about 40 Hz with random
// phases under a constant current: a few hundred sources a step, in no order that a cache could follow. Weights are too
// small to move a membrane. The same network without synapses takes the time of everything else; the difference is
// delivery, the meeting of threads for it included.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/fast_network.hpp"
#include "neuron/lif_current.hpp"

namespace {

using namespace rewire;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t neurons = 50'000, degree = 1'000;
constexpr double dt_ms = 0.1;

/// Inputs of 1.5 ms, as most networks of the benchmark have them; the charge of 1e-6 pA is nothing beside 700 pA.
std::vector<network::Projection> one_projection(bool own_weights) {
    network::Projection p{.name = "all", .source = 0, .target = 0};
    p.rule = {.kind = "fixed_outdegree", .degree = degree};
    p.weight.mean = 1e-6;
    if (own_weights) p.weight = {.kind = "uniform", .low = 1e-6, .high = 2e-6};
    p.delay_ms.mean = 1.5;
    p.receptors = {{.receptor = 0, .scale = 1}};
    return {p};
}

engine::FastNetwork make_network(int threads, const std::vector<network::Projection>& projections) {
    network::Population population{.name = "neurons", .size = neurons, .model = neuron::LifCurrent{}};
    population.receptors = {synapse::default_receptor("current")};
    population.current_pA = 405; // 15 mV below threshold on 25 MOhm take 375 pA; this makes about 40 Hz
    engine::FastOptions options;
    options.dt_ms = dt_ms;
    options.threads = threads;
    options.activity_every_steps = 0;
    return {options, {population}, projections, std::vector<network::PairwiseColumns>(projections.size()), {}, {}};
}

struct Measured {
    double wall_s = 0, events = 0, spikes = 0;
};

/// Advances `steps` steps, after enough of them that the ring and the caches are in use.
Measured measure(engine::FastNetwork& network, std::int64_t steps) {
    constexpr std::int64_t warm_up = 200;
    network.advance(0, warm_up);
    const std::uint64_t events = network.total_events(), spikes = network.total_spikes();
    const auto start = Clock::now();
    network.advance(warm_up, steps);
    return {std::chrono::duration<double>(Clock::now() - start).count(),
            static_cast<double>(network.total_events() - events), static_cast<double>(network.total_spikes() - spikes)};
}

} // namespace

int main(int count, char** words) {
    const int threads = count > 1 ? std::atoi(words[1]) : 0;
    const std::string weights = count > 2 ? words[2] : "";
    const double seconds = count > 3 ? std::atof(words[3]) : 0.25;
    if (threads < 1 || (weights != "shared" && weights != "own") || !(seconds > 0)) {
        fmt::print(stderr, "usage: benchmark_delivery THREADS shared|own [SECONDS]\n");
        return 2;
    }
    const auto steps = static_cast<std::int64_t>(seconds * 1e3 / dt_ms);
    Measured without;
    {
        engine::FastNetwork network = make_network(threads, {});
        without = measure(network, steps);
    }
    engine::FastNetwork network = make_network(threads, one_projection(weights == "own"));
    const Measured with = measure(network, steps);
    fmt::print(R"({{"threads": {}, "weights": "{}", "synapses": {}, "synapse_bytes": {}, "rate_Hz": {:.4g}, )"
               R"("events": {:.0f}, "with_s": {:.6g}, "without_s": {:.6g}, "events_per_s": {:.6g}}})"
               "\n",
               threads, weights, neurons * degree, network.synapse_bytes(),
               with.spikes / static_cast<double>(neurons) / seconds, with.events, with.wall_s, without.wall_s,
               with.events / std::max(1e-9, with.wall_s - without.wall_s));
}
