// Spike delivery of the engine with synapses beyond L3: events per second of delivery alone.
//
//     benchmark_delivery THREADS shared|own [SECONDS]      one line of JSON; simulates SECONDS (default 0.25)
//
// 50,000 neurons, each with 1,000 random synapses on the others of one projection, fire regularly at about 35 Hz with
// random phases under a constant current: a hundred or two sources a step, in no order that a cache could follow.
// Weights are too small to move a membrane. The time is what the engine's own clocks charge to delivery, of the slowest
// thread.

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

/// A delay of 1.5 ms, as most networks of the benchmark have it; 1e-6 pA is nothing beside 405 pA.
network::Projection make_projection(bool own_weights) {
    network::Projection p{.name = "all", .source = 0, .target = 0};
    p.rule = {.kind = "fixed_outdegree", .degree = degree};
    p.weight.mean = 1e-6;
    if (own_weights) p.weight = {.kind = "uniform", .low = 1e-6, .high = 2e-6};
    p.delay_ms.mean = 1.5;
    p.receptors = {{.receptor = 0, .scale = 1}};
    return p;
}

engine::FastNetwork make_network(int threads, bool own_weights) {
    network::Population population{.name = "neurons", .size = neurons, .model = neuron::LifCurrent{}};
    population.receptors = {synapse::default_receptor("current")};
    population.current_pA = 405; // rheobase is 375 pA (15 mV over 40 MOhm): this makes 35 Hz
    engine::FastOptions options;
    options.dt_ms = dt_ms;
    options.threads = threads;
    options.activity_every_steps = 0;
    options.profile = true;
    return {options, {population}, {make_projection(own_weights)}, {network::PairwiseColumns{}}, {}, {}};
}

/// Seconds of delivery so far, of the slowest thread.
double delivery_s(const engine::FastNetwork& network) {
    double most = 0;
    for (int rank = 0; rank < network.options().threads; ++rank)
        most = std::max(most, network.phase_times(rank).of(engine::Phase::delivery));
    return most;
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
    engine::FastNetwork network = make_network(threads, weights == "own");
    constexpr std::int64_t warm_up = 200; // the ring and the caches are then in use
    network.advance(0, warm_up);
    const std::uint64_t events_before = network.total_events(), spikes_before = network.total_spikes();
    const double before_s = delivery_s(network);
    const auto start = Clock::now();
    network.advance(warm_up, steps);
    const double wall_s = std::chrono::duration<double>(Clock::now() - start).count();
    const double delivering_s = delivery_s(network) - before_s;
    const auto events = static_cast<double>(network.total_events() - events_before);
    const auto spikes = static_cast<double>(network.total_spikes() - spikes_before);
    fmt::print(R"({{"threads": {}, "weights": "{}", "synapses": {}, "synapse_bytes": {}, "rate_Hz": {:.4g}, )"
               R"("events": {:.0f}, "wall_s": {:.6g}, "delivery_s": {:.6g}, "events_per_s": {:.6g}}})"
               "\n",
               threads, weights, neurons * degree, network.synapse_bytes(),
               spikes / static_cast<double>(neurons) / seconds, events, wall_s, delivering_s, events / delivering_s);
}
