// rewire check
#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "engine/events.hpp"
#include "engine/team.hpp"
#include "experiment/experiment.hpp"
#include "network/connect.hpp"

namespace rewire::cli {
namespace {

/// Time with spikes: all of it in full mode, in multirate mode an estimate. Leaps begin anew at every event and grow
/// with the time since then, as slow states relax on ever longer time scales.
double spiking_seconds(const engine::Model& model) {
    const double baseline = model.has_slow_mechanisms() ? model.baseline_settle_s + model.baseline_measure_s : 0;
    const engine::Multirate& bursts = model.bursts;
    if (!model.multirate || bursts.longest_leap_s == 0) return model.duration_s + baseline;
    // Measured on 24 h of 500 and 27 h of 2,000 neurons with a dose: leaps of 0.4 of the time since the last event, bursts
    // of 1 to 1.6 times the shortest, with those that were taken back.
    constexpr double growth = 0.4, longer = 1.2;
    double total = baseline, at = 0;
    std::vector<double> events = engine::disturbance_times_s(model);
    events.push_back(model.duration_s);
    for (const double event : events)
        for (const double begin = at; at < event;) {
            const double burst = std::min(event - at, longer * bursts.shortest_burst_s);
            total += burst;
            at += burst + std::clamp(growth * (at - begin), bursts.shortest_leap_s, bursts.longest_leap_s);
            if (at > event) at = event;
        }
    return total;
}

} // namespace

int check(const std::string& config, const std::vector<std::string>& overrides) {
    const experiment::Experiment experiment = experiment::load_experiment(config, overrides);
    for (const experiment::Diagnostic& d : experiment.warnings.sorted()) std::cerr << to_string(d) << "\n";
    const engine::Model& model = experiment.model;
    const double spiking = spiking_seconds(model);
    const int threads = model.threads > 0 ? static_cast<int>(model.threads) : engine::Team::available();

    std::cout << fmt::format("{}: valid\n", config);
    if (!experiment.title.empty()) std::cout << experiment.title << "\n";
    std::cout << fmt::format("duration {} s, {} mode, {}{:.6g} s with spikes, dt {} ms, slow tick {} s, seed {}\n",
                             model.duration_s, model.multirate ? "multirate" : "full", model.multirate ? "about " : "",
                             spiking, model.dt_ms, model.slow_tick_s, model.seed);
    double neurons = 0, neuron_ns = 0, bytes = 0;
    for (const network::Population& p : model.populations) {
        // Cost of a neuron and step on one core of 2024, ns: measured with `rewire run` on networks of one model.
        const bool adaptive = neuron::has_adaptation(p.model);
        neurons += static_cast<double>(p.size);
        neuron_ns +=
            static_cast<double>(p.size) * (adaptive ? 6 : 1.5) + (p.background ? static_cast<double>(p.size) * 2 : 0);
        bytes += static_cast<double>(p.size) * (400 + 12.0 * static_cast<double>(p.receptors.size()));
        std::cout << fmt::format("  population {:<20} {:>10} neurons\n", p.name, p.size);
    }
    double synapses = 0;
    for (std::size_t q = 0; q < model.projections.size(); ++q) {
        const network::Projection& p = model.projections[q];
        const double count =
            p.rule.kind == "pairwise"
                ? static_cast<double>(model.pairwise[q].source.size())
                : network::expected_synapses(p, network::founders(model.populations[p.source]),
                                             network::founders(model.populations[p.target]), model.seed);
        synapses += count;
        const bool shared = p.weight.kind == "constant" && model.pairwise[q].weight.empty() && !p.long_term;
        bytes += count * (4 + (shared ? 0 : 4) + (p.structural ? 5 : 0));
        std::cout << fmt::format("  projection {:<20} {:>10.0f} synapses ({:.1f} per target neuron)\n", p.name, count,
                                 count / static_cast<double>(network::founders(model.populations[p.target]).size));
    }
    constexpr double assumed_rate_Hz = 5, event_ns = 2;
    const double steps = spiking * 1e3 / model.dt_ms;
    const double wall = (steps * neuron_ns + spiking * assumed_rate_Hz * synapses * event_ns) * 1e-9;
    std::cout << fmt::format("{:.0f} neurons, {:.0f} synapses, about {:.0f} MB of memory\n", neurons, synapses,
                             bytes / 1e6 + 20);
    std::cout << fmt::format(
        "estimated cost: {:.3g} s of one core at a mean rate of {} Hz, about {:.3g} s of wall time on {} threads\n",
        wall, assumed_rate_Hz, wall / threads, threads);
    std::cout << fmt::format("{} slow samples, {} doses, {} sessions of therapy, {} interventions, {} stimuli\n",
                             model.sample_times_s.size(), experiment.doses.size(), model.therapies.size(),
                             model.interventions.size(), model.stimuli.size());
    return 0;
}

} // namespace rewire::cli
