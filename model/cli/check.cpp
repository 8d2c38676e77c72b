// rewire check
#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/running.hpp"
#include "engine/events.hpp"
#include "engine/team.hpp"
#include "experiment/experiment.hpp"
#include "network/connect.hpp"
#include "quantity/units.hpp"

namespace rewire::cli {
namespace {

constexpr double assumed_rate_Hz = 5, event_ns = 2;

double synapse_count(const engine::Model& model, std::size_t q) {
    const network::Projection& p = model.projections[q];
    return p.rule.kind == "pairwise"
               ? static_cast<double>(model.pairwise[q].source.size())
               : network::expected_synapses(p, network::founders(model.populations[p.source]),
                                            network::founders(model.populations[p.target]), model.seed);
}

/// Time with spikes: all of it in full mode, in multirate mode an estimate. Leaps begin anew at every event and grow
/// with the time since then, as slow states relax on ever longer time scales.
double spiking_seconds(const engine::Model& model) {
    const double baseline = model.has_slow_mechanisms() ? model.baseline_settle_s + model.baseline_measure_s : 0;
    const engine::Multirate& bursts = model.bursts;
    if (!model.multirate || bursts.longest_leap_s == 0) return model.duration_s + baseline;
    // Measured on 24 h of 500 and 27 h of 2,000 neurons with a dose: leaps of 0.4 of the time since the last event,
    // bursts of 1 to 1.6 times the shortest, with those that were taken back.
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

/// Seconds of one core that a model needs, without printing anything.
double core_seconds(const engine::Model& model) {
    // Cost of a neuron and step on one core of 2024, ns: measured with `rewire run` on networks of one model.
    double neuron_ns = 0, synapses = 0;
    for (const network::Population& p : model.populations)
        neuron_ns +=
            static_cast<double>(p.size) * ((neuron::has_adaptation(p.model) ? 6 : 1.5) + (p.background ? 2 : 0));
    for (std::size_t q = 0; q < model.projections.size(); ++q) synapses += synapse_count(model, q);
    const double spiking = spiking_seconds(model);
    return (spiking * 1e3 / model.dt_ms * neuron_ns + spiking * assumed_rate_Hz * synapses * event_ns) * 1e-9;
}

/// Fields, plans and cost of a cohort.
void print_cohort(const experiment::Experiment& experiment, int threads) {
    const experiment::Cohort& cohort = *experiment.cohort;
    const record::CohortShape shape = cohort_shape(experiment);
    std::cout << fmt::format("cohort: {} patients{}, {} plans, seed {}; treatment starts at {:.6g} d\n",
                             cohort.patients.size(),
                             cohort.repeats > 1 ? fmt::format(" x {} repeats", cohort.repeats) : "",
                             cohort.plans.size(), cohort.seed, cohort.treatment_start_s / 86400);
    for (std::size_t f = 0; f < cohort.keys.size(); ++f) {
        double low = shape.patients[0].values[f], high = low, sum = 0;
        for (const clinic::Patient& p : shape.patients) {
            low = std::min(low, p.values[f]);
            high = std::max(high, p.values[f]);
            sum += p.values[f];
        }
        const auto text = [&](double value) {
            return quantity_text(std::stod(fmt::format("{:.4g}", value)), cohort.keys[f].unit);
        };
        std::cout << fmt::format("  field {:<20} {} to {}, mean {}  {}\n", cohort.sampler.fields()[f].name, text(low),
                                 text(high), text(sum / static_cast<double>(shape.patients.size())),
                                 cohort.keys[f].key.empty() ? "(covariate)" : cohort.keys[f].key);
    }
    double wall = 0;
    for (const experiment::Plan& plan : cohort.plans) {
        const experiment::Experiment one = patient_experiment(cohort, plan, shape.patients.front());
        std::cout << fmt::format("  plan {:<21} {} doses, {} interventions\n", plan.name, one.doses.size(),
                                 one.model.interventions.size());
        wall += core_seconds(one.model) * static_cast<double>(shape.patients.size());
    }
    std::cout << fmt::format("{} runs; estimated cost: {} of one core, about {} of wall time with {} at a time\n",
                             shape.plans.size() * shape.patients.size(), duration_text(wall),
                             duration_text(wall / threads), threads);
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
    double neurons = 0, bytes = 0;
    for (const network::Population& p : model.populations) {
        neurons += static_cast<double>(p.size);
        bytes += static_cast<double>(p.size) * (400 + 12.0 * static_cast<double>(p.receptors.size()));
        std::cout << fmt::format("  population {:<20} {:>10} neurons\n", p.name, p.size);
    }
    double synapses = 0;
    for (std::size_t q = 0; q < model.projections.size(); ++q) {
        const network::Projection& p = model.projections[q];
        const double count = synapse_count(model, q);
        synapses += count;
        const bool shared = p.weight.kind == "constant" && model.pairwise[q].weight.empty() && !p.long_term;
        bytes += count * (4 + (shared ? 0 : 4) + (p.structural ? 5 : 0));
        std::cout << fmt::format("  projection {:<20} {:>10.0f} synapses ({:.1f} per target neuron)\n", p.name, count,
                                 count / static_cast<double>(network::founders(model.populations[p.target]).size));
    }
    const double wall = core_seconds(model);
    std::cout << fmt::format("{:.0f} neurons, {:.0f} synapses, about {:.0f} MB of memory\n", neurons, synapses,
                             bytes / 1e6 + 20);
    if (experiment.cohort) {
        print_cohort(experiment, threads);
        return 0;
    }
    std::cout << fmt::format(
        "estimated cost: {} of one core at a mean rate of {} Hz, about {} of wall time on {} threads\n",
        duration_text(wall), assumed_rate_Hz, duration_text(wall / threads), threads);
    std::cout << fmt::format("{} slow samples, {} doses, {} sessions of therapy, {} interventions, {} stimuli\n",
                             model.sample_times_s.size(), experiment.doses.size(), model.therapies.size(),
                             model.interventions.size(), model.stimuli.size());
    return 0;
}

} // namespace rewire::cli
