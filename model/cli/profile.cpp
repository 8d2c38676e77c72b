// rewire run --profile
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "engine/simulation.hpp"

namespace rewire::cli {
namespace {

/// Bytes per second that one thread reads in order from memory, with all threads of the team at it.
double stream_limit(engine::Team& team) {
    constexpr std::size_t words = std::size_t{16} << 20; // 128 MB a thread: beyond the caches
    std::vector<double> rates(static_cast<std::size_t>(team.size()));
    team.run([&](int rank, auto wait) {
        const std::vector<std::uint64_t> data(words, 1);
        wait();
        const auto start = std::chrono::steady_clock::now();
        std::uint64_t sum = 0;
        for (const std::uint64_t word : data) sum += word;
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        rates[static_cast<std::size_t>(rank)] = static_cast<double>(sum) * sizeof(std::uint64_t) / seconds;
    });
    return *std::min_element(rates.begin(), rates.end());
}

std::string megabytes(double bytes) { return fmt::format("{:.3g} MB", bytes / 1e6); }

} // namespace

void print_profile(engine::Simulation& simulation, double run_s, double recording_s) {
    using engine::Phase;
    engine::FastNetwork& network = simulation.network();
    const int threads = network.team().size();
    // Thread 0 stands for all: it alone takes part in every call.
    const auto seconds_of = [&](Phase phase) { return network.phase_times(0).of(phase); };
    double neurons = 0, synapses = 0;
    for (const auto& population : network.populations) neurons += static_cast<double>(population.size());
    for (std::size_t q = 0; q < network.projections.size(); ++q)
        synapses += static_cast<double>(network.synapse_count(q));
    const double neuron_steps = neurons * static_cast<double>(network.steps());
    const auto events = static_cast<double>(network.total_events());
    const double limit = stream_limit(network.team());
    const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);

    double known_s = 0;
    std::cout << fmt::format("{:<16} {:>9} {:>6}  {}\n", "phase", "seconds", "share", "rate and bound");
    const auto line = [&](std::string_view name, double seconds, const std::string& bound) {
        known_s += seconds;
        std::cout << fmt::format("{:<16} {:>9.3f} {:>5.1f}%  {}\n", name, seconds, 100 * seconds / run_s, bound);
    };
    const auto per_thread = [&](double count, double seconds) { return seconds > 0 ? count / seconds / threads : 0; };

    const double delivery = seconds_of(Phase::delivery);
    const double bytes = synapses > 0 ? static_cast<double>(network.synapse_bytes()) / synapses * events : 0;
    line("delivery", delivery,
         fmt::format("{:.3g} million events/s a thread; reads {:.2g} GB/s of synapses, {:.0f} % of what memory streams",
                     per_thread(events, delivery) / 1e6, per_thread(bytes, delivery) / 1e9,
                     100 * per_thread(bytes, delivery) / limit));
    const double stimulation = seconds_of(Phase::stimulation);
    line("stimulation", stimulation,
         fmt::format("random numbers; {:.3g} ns a neuron and step",
                     1e9 / std::max(1.0, per_thread(neuron_steps, stimulation))));
    const double update = seconds_of(Phase::update);
    line("update", update,
         fmt::format("{:.3g} ns a neuron and step; state of {} a thread, second-level cache {}",
                     1e9 / std::max(1.0, per_thread(neuron_steps, update)),
                     megabytes(static_cast<double>(network.state_bytes()) / threads),
                     l2 > 0 ? megabytes(static_cast<double>(l2)) : "of unknown size"));
    line("sampling", seconds_of(Phase::sampling), "drives, LFP, traces");
    line("synchronisation", seconds_of(Phase::synchronisation),
         "waiting at barriers: imbalance, or cores that others use");
    line("slow tick", simulation.slow_wall_s() - simulation.structure_wall_s(), "one thread");
    line("structure", simulation.structure_wall_s(), "formation and elimination of synapses");
    line("recording", recording_s, "collecting and writing");
    line("other", std::max(0.0, run_s - known_s), "gathering of slow inputs, the time loop");
    std::cout << fmt::format("threads {}, memory streams {:.3g} GB/s a thread, {:.3g} bytes a synapse\n", threads,
                             limit / 1e9, synapses > 0 ? static_cast<double>(network.synapse_bytes()) / synapses : 0);
}

} // namespace rewire::cli
