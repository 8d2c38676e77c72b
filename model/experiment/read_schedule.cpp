// [multirate] and [record].
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "experiment/experiment.hpp"
#include "experiment/options.hpp"
#include "quantity/units.hpp"

namespace rewire::experiment {
namespace {

/// The slowest state of the fast part, which a burst has to settle, and its time constant.
std::pair<std::string, double> slowest_fast_state(const engine::Model& model) {
    std::pair<std::string, double> slowest{"", 0};
    const auto consider = [&](double tau_ms, std::string name) {
        if (tau_ms * 1e-3 > slowest.second) slowest = {std::move(name), tau_ms * 1e-3};
    };
    for (const network::Population& p : model.populations) {
        if (const auto* adex = std::get_if<neuron::Adex>(&p.model))
            consider(adex->adaptation_tau_ms, "adaptation of " + p.name);
        for (const synapse::Receptor& r : p.receptors) consider(r.tau_decay_ms, r.name + " receptors of " + p.name);
    }
    for (const network::Projection& p : model.projections)
        if (p.short_term) {
            consider(p.short_term->tau_recovery_ms, "depression of " + p.name);
            consider(p.short_term->tau_facilitation_ms, "facilitation of " + p.name);
        }
    return slowest;
}

void read_multirate(TableReader& root, engine::Model& model) {
    auto table = model.multirate ? root.section_or_empty<engine::Multirate>("multirate")
                                 : root.section<engine::Multirate>("multirate");
    if (!table) return;
    engine::Multirate& bursts = model.bursts;
    table->read(bursts);
    const auto at_least = [&](const char* key, double value, const char* other, double least) {
        if (value < least) table->error(key, fmt::format("must not be below {} ({} s)", other, least));
    };
    if (bursts.settle_s >= bursts.shortest_burst_s)
        table->error("settle", fmt::format("must be below shortest_burst ({} s)", bursts.shortest_burst_s));
    at_least("longest_burst", bursts.longest_burst_s, "shortest_burst", bursts.shortest_burst_s);
    if (bursts.longest_leap_s > 0)
        at_least("longest_leap", bursts.longest_leap_s, "shortest_leap", bursts.shortest_leap_s);
    // These states stand still in a leap and go on where they were, so that what is left to settle is what it changed.
    if (const auto [name, tau_s] = slowest_fast_state(model);
        model.multirate && bursts.longest_leap_s > 0 && bursts.settle_s < tau_s)
        table->warning("settle", fmt::format("{} s is shorter than the time constant of the {} ({} s): bursts may be "
                                             "measured before it has settled",
                                             bursts.settle_s, name, tau_s));
    // Weights would stand still in a leap while the circuit that they belong to goes on: to be asked for.
    for (const network::Projection& projection : model.projections)
        if (model.multirate && projection.long_term && bursts.longest_leap_s > 0 && !bursts.hold_weights)
            table->error("longest_leap",
                         fmt::format("must be 0 where weights are plastic (projection.{}.long_term), or "
                                     "hold_weights = true where they do not drift at rest",
                                     projection.name));
    table->finish();
}

/// Sample times from `from_s` to `to_s`; complains of `every` where they would not fit into memory.
void add_every(TableReader& reader, std::vector<double>& times, double from_s, double to_s, double every_s) {
    constexpr double most = 1e7;
    const double count = std::floor((to_s - from_s) / every_s * (1 + 1e-12));
    if (count > most && to_s < longest_s)
        reader.error("every", fmt::format("makes {:.3g} samples: at most {:.0f} are possible", count, most));
    if (count > most) return;
    for (std::int64_t k = 0; k <= static_cast<std::int64_t>(count); ++k)
        times.push_back(from_s + every_s * static_cast<double>(k));
}

std::int64_t whole_steps(TableReader& reader, std::string_view key, double interval_ms, double dt_ms) {
    const double steps = interval_ms / dt_ms;
    if (std::abs(steps - std::round(steps)) > 1e-6)
        reader.error(key, fmt::format("must be a whole multiple of dt ({} ms)", dt_ms));
    return std::max<std::int64_t>(1, std::llround(steps));
}

void read_traces(TableReader& record, engine::Model& model) {
    for (TableReader& reader : record.sections<engine::Trace>("traces")) {
        engine::Trace trace;
        const auto population = reader.string("population");
        const auto index =
            population ? index_of(reader, "population", "population", *population, model.populations) : std::nullopt;
        if (!index) {
            reader.finish_early();
            continue;
        }
        trace.population = *index;
        const network::Population& p = model.populations[trace.population];
        std::string variables = "membrane_potential";
        if (neuron::has_adaptation(p.model)) variables += "|adaptation";
        for (const synapse::Receptor& r : p.receptors) variables += "|g_" + r.name;
        trace.variable = reader.string("variable", variables).value_or("membrane_potential");
        trace.name = reader.string_or("name", fmt::format("{}_{}", p.name, trace.variable));
        if (trace.name.empty() || trace.name.find_first_of("/ ") != std::string::npos || trace.name == "fast" ||
            trace.name == "slow" || trace.name == ".")
            reader.error("name", "must not be \"fast\" or \"slow\", nor hold spaces or slashes");
        for (const engine::Trace& other : model.traces)
            if (other.name == trace.name)
                reader.error("name", fmt::format("there are two traces called {}", trace.name));
        const std::vector<double> neurons =
            reader.quantity_list("neurons", {0, static_cast<double>(p.size - 1)}).value_or(std::vector<double>{0});
        if (neurons.empty()) reader.error("neurons", "must name at least one neuron");
        if (std::any_of(neurons.begin(), neurons.end(), [](double i) { return std::floor(i) != i; }))
            reader.error("neurons", "must be whole numbers");
        trace.neurons.assign(neurons.begin(), neurons.end());
        trace.every_steps = whole_steps(reader, "every", reader.quantity("every").value_or(model.dt_ms), model.dt_ms);
        reader.finish();
        model.traces.push_back(std::move(trace));
    }
}

void read_spikes(TableReader& record, engine::Model& model) {
    if (!record.require("spikes")) return;
    const Node& spikes = record.node().find("spikes")->value;
    if (!spikes.array() && !std::holds_alternative<bool>(spikes.value)) {
        record.error("spikes", "must be true or false, or a list of populations, such as [\"pyramidal\"]");
        return;
    }
    if (!spikes.array()) {
        model.record_spikes.assign(model.populations.size(), record.boolean("spikes").value_or(true));
        return;
    }
    model.record_spikes.assign(model.populations.size(), false);
    for (const std::string& name : record.string_list("spikes").value_or(std::vector<std::string>{}))
        if (const auto index = index_of(record, "spikes", "population", name, model.populations))
            model.record_spikes[*index] = true;
}

} // namespace

void read_schedule(TableReader& root, engine::Model& model, const std::vector<DoseWindow>& doses) {
    read_multirate(root, model);
    // Events belong into the record: a value is there for the very moment at which something changes.
    std::vector<double>& times = model.sample_times_s;
    times = {0, model.duration_s};
    for (const DoseWindow& d : doses) times.insert(times.end(), {d.start_s, d.end_s});
    for (const engine::Intervention& i : model.interventions) times.insert(times.end(), {i.from_s, i.to_s});
    for (const clinic::Therapy& t : model.therapies) times.insert(times.end(), {t.start_s, t.start_s + t.duration_s});
    model.record_spikes.assign(model.populations.size(), true);
    RecordOptions options;
    if (auto record = root.section_or_empty<RecordOptions>("record")) {
        record->read(options);
        if (options.fast_every_ms > 0) whole_steps(*record, "fast_every", options.fast_every_ms, model.dt_ms);
        for (TableReader& reader : record->sections<RecordWindow>("windows")) {
            const auto [from, to] = read_span(reader, model);
            RecordWindow window{.every_s = 0};
            reader.read(window);
            if (window.every_s > 0 && to >= from)
                add_every(reader, times, from, std::min(to, model.duration_s), window.every_s);
            reader.finish();
        }
        for (const double t : record->quantity_list("snapshots").value_or(std::vector<double>{})) {
            if (t > model.duration_s)
                record->warning("snapshots",
                                fmt::format("{} s is after the end of the experiment ({} s)", t, model.duration_s));
            else
                model.snapshot_times_s.push_back(t);
        }
        read_spikes(*record, model);
        read_traces(*record, model);
        add_every(*record, times, 0, model.duration_s, options.every_s);
        record->finish();
    }
    std::sort(times.begin(), times.end());
    times.erase(std::remove_if(times.begin(), times.end(), [&](double t) { return t > model.duration_s; }),
                times.end());
    // Times that fall into one step are one sample.
    times.erase(std::unique(times.begin(), times.end(),
                            [&](double a, double b) {
                                return std::llround(a * 1e3 / model.dt_ms) == std::llround(b * 1e3 / model.dt_ms);
                            }),
                times.end());
    model.activity_every_steps =
        options.fast_every_ms > 0 ? std::max<std::int64_t>(1, std::llround(options.fast_every_ms / model.dt_ms)) : 0;
    std::sort(model.snapshot_times_s.begin(), model.snapshot_times_s.end());
}

} // namespace rewire::experiment
