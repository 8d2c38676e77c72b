// rewire check
#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "engine/team.hpp"
#include "experiment/experiment.hpp"
#include "network/connect.hpp"

namespace rewire::cli {
namespace {

/// Time with spikes of a schedule: all of it in full mode, the bursts in multirate mode (events add a few more).
double spiking_seconds(const engine::Model& model) {
    const double baseline = model.has_slow_mechanisms() ? model.baseline_settle_s + model.baseline_measure_s : 0;
    if (!model.multirate) return model.duration_s + baseline;
    double total = baseline;
    for (std::size_t k = 0; k < model.phases.size(); ++k) {
        const engine::BurstPhase& p = model.phases[k];
        const double until =
            k + 1 < model.phases.size() ? std::min(model.phases[k + 1].from_s, model.duration_s) : model.duration_s;
        total += std::max(0.0, until - p.from_s) * p.burst_s / (p.burst_s + p.leap_s);
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
    std::cout << fmt::format("duration {} s, {} mode, {} s with spikes, dt {} ms, slow tick {} s, seed {}\n",
                             model.duration_s, model.multirate ? "multirate" : "full", spiking, model.dt_ms,
                             model.slow_tick_s, model.seed);
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
                : network::expected_synapses(p, model.populations[p.source], model.populations[p.target], model.seed);
        synapses += count;
        const bool shared = p.weight.kind == "constant" && model.pairwise[q].weight.empty() && !p.long_term;
        bytes += count * (4 + (shared ? 0 : 4) + (p.structural ? 5 : 0));
        std::cout << fmt::format("  projection {:<20} {:>10.0f} synapses ({:.1f} per target neuron)\n", p.name, count,
                                 count / static_cast<double>(model.populations[p.target].size));
    }
    constexpr double assumed_rate_Hz = 5, event_ns = 2;
    const double steps = spiking * 1e3 / model.dt_ms;
    const double wall = (steps * neuron_ns + spiking * assumed_rate_Hz * synapses * event_ns) * 1e-9;
    std::cout << fmt::format("{:.0f} neurons, {:.0f} synapses, about {:.0f} MB of memory\n", neurons, synapses,
                             bytes / 1e6 + 20);
    std::cout << fmt::format(
        "estimated cost: {:.3g} s of one core at a mean rate of {} Hz, about {:.3g} s of wall time on {} threads\n",
        wall, assumed_rate_Hz, wall / threads, threads);
    std::cout << fmt::format("{} slow samples, {} doses, {} interventions, {} stimuli\n", model.sample_times_s.size(),
                             experiment.doses.size(), model.interventions.size(), model.stimuli.size());
    return 0;
}

} // namespace rewire::cli
