#include "record/recorder.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <span>

#include <fmt/format.h>

namespace rewire::record {
namespace {

/// Length of the window of the synchrony index.
constexpr double synchrony_window_ms = 1000;

/// Variance over mean of the population's spike counts in the bins of the window: 1 for independent Poisson neurons,
/// above for synchrony (index of dispersion, Fano 1947, Phys Rev 72:26, of the population count).
double synchrony_index(std::span<const std::uint32_t> counts) {
    double sum = 0, square = 0;
    for (const std::uint32_t c : counts) {
        sum += c;
        square += static_cast<double>(c) * c;
    }
    const auto n = static_cast<double>(counts.size());
    const double mean = sum / n;
    return mean > 0 && n > 1 ? (square - n * mean * mean) / (n - 1) / mean : std::numeric_limits<double>::quiet_NaN();
}

} // namespace

std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown";
}

std::vector<std::pair<std::string, Attribute>> parameter_attributes(const neuron::Model& model) {
    std::vector<std::pair<std::string, Attribute>> attributes;
    std::visit(
        [&]<class M>(const M& m) {
            attributes.emplace_back("model", std::string(Described<M>::name));
            for (const auto& p : Described<M>::parameters)
                if (const auto* member = std::get_if<double M::*>(&p.member))
                    attributes.emplace_back(p.unit == "1" ? std::string(p.name) : fmt::format("{}_{}", p.name, p.unit),
                                            m.**member);
        },
        model);
    return attributes;
}

Recorder::Recorder(const std::string& path, bool overwrite, engine::Simulation& simulation,
                   const Provenance& provenance)
    : file_(path, overwrite),
      simulation_(simulation) {
    const engine::Model& model = simulation.model();
    file_.write_config(provenance.config_toml);
    file_.set_attribute("/", "title", provenance.title);
    file_.set_attribute("/", "config_sha256", provenance.config_sha256);
    file_.set_attribute("/", "seed", static_cast<std::int64_t>(model.seed));
    file_.set_attribute("/", "threads", static_cast<std::int64_t>(simulation.network().options().threads));
    file_.set_attribute("/", "dt_ms", model.dt_ms);
    file_.set_attribute("/", "duration_s", model.duration_s);
    file_.set_attribute("/", "mode", std::string(model.multirate ? "multirate" : "full"));
    file_.set_attribute("/", "wall_s", 0.0);
    file_.set_attribute("/", "host_cpu", processor_name());
    if (!provenance.dose_start_s.empty()) {
        file_.set_attribute("/", "dose_start_s", provenance.dose_start_s);
        file_.set_attribute("/", "dose_end_s", provenance.dose_end_s);
        file_.set_attribute("/", "dose_drug", provenance.dose_drug);
    }
    if (!model.therapies.empty()) {
        std::vector<double> start_s, end_s;
        std::vector<std::string> kind;
        for (const clinic::Therapy& session : model.therapies) {
            start_s.push_back(session.start_s);
            end_s.push_back(session.start_s + session.duration_s);
            kind.push_back(session.kind);
        }
        file_.set_attribute("/", "therapy_start_s", start_s);
        file_.set_attribute("/", "therapy_end_s", end_s);
        file_.set_attribute("/", "therapy_kind", kind);
        file_.set_attribute("/", "therapy_note", std::string("the effects of therapies are ASSUMPTIONS"));
    }
    write_populations();

    if (model.activity_every_steps > 0) {
        has_fast_ = true;
        fast_ = file_.declare_clock("fast", "ms");
        const auto& populations = simulation.labels("population");
        file_.declare_series(
            fast_, {"rate", "Hz", "firing rate in the sample's window", Type::f32, "population", populations});
        file_.declare_series(fast_, {"synchrony", "1", "variance over mean of the population spike count, last second",
                                     Type::f32, "population", populations});
        file_.declare_series(fast_, {"lfp", "pA", "LFP proxy: mean |I_AMPA| + |I_GABA| of excitatory neurons",
                                     Type::f32, "region", simulation.labels("region")});
        recent_counts_.resize(populations.size());
    }
    slow_ = file_.declare_clock("slow", "s");
    for (const engine::Observable& o : simulation.observables())
        file_.declare_series(slow_,
                             {o.name, o.unit, o.long_name, Type::f64, o.dimension, simulation.labels(o.dimension)});
    for (std::size_t t = 0; t < model.traces.size(); ++t) {
        const engine::Trace& trace = model.traces[t];
        traces_.push_back(file_.declare_clock(trace.name, "ms"));
        std::vector<std::string> neurons;
        for (const std::uint32_t i : trace.neurons) neurons.push_back(std::to_string(i));
        const bool conductance = trace.variable.starts_with("g_");
        const bool currents = neuron::uses_currents(model.populations[trace.population].model);
        file_.declare_series(
            traces_.back(),
            {trace.variable, conductance ? (currents ? "pA" : "nS") : (trace.variable == "adaptation" ? "pA" : "mV"),
             trace.variable + " of " + model.populations[trace.population].name, Type::f32, "neuron", neurons});
    }
    for (std::size_t p = 0; p < model.populations.size(); ++p)
        if (model.record_spikes[p]) spikes_.emplace_back(p, file_.declare_spikes(model.populations[p].name));
    for (const engine::Stimulus& stimulus : model.stimuli) {
        if (stimulus.name.empty() || responses_.contains(stimulus.name)) continue;
        const auto table = file_.declare_table(
            "/responses/" + stimulus.name, {{"start", "s", "start of the presentation"}, {"length", "s", "length"}});
        const auto& populations = simulation.labels("population");
        for (const auto& [name, long_name] :
             {std::pair{"during", "firing rate during the presentation"},
              std::pair{"before", "firing rate in a stretch of the same length before it"},
              std::pair{"response", "firing rate during the presentation less that before it"}})
            file_.declare_series(table, {name, "Hz", long_name, Type::f64, "population", populations});
        responses_.emplace(stimulus.name, table);
    }
    if (model.multirate) {
        has_log_ = true;
        log_ = file_.declare_table(
            "/multirate",
            {{"start", "s", "start of the burst or leap"},
             {"length", "s", "length"},
             {"leap", "1", "1 for a leap, 0 for a burst of spiking"},
             {"rejected", "1", "1 for a leap that was taken back and tried again shorter"},
             {"error_estimate", "1", "of a leap: estimated error over the tolerance; NaN for a burst"},
             {"sampling_error", "1",
              "of a burst: error that the noise of its inputs makes in the next leap, over the tolerance; NaN for a "
              "leap"},
             {"bursts_averaged", "1", "of a burst: latest bursts that the inputs are the mean of; NaN for a leap"}});
    }
    file_.flush(); // the first sample comes after the baseline, which may take long
}

void Recorder::write_populations() {
    engine::Simulation& simulation = simulation_;
    for (const engine::FastPopulation& population : simulation.network().populations) {
        const std::string group = "/populations/" + population.specification.name;
        file_.set_attribute(group, "size", static_cast<std::int64_t>(population.size()));
        file_.set_attribute(group, "region", simulation.model().regions[population.specification.region]);
        for (const auto& [name, value] : parameter_attributes(population.specification.model)) {
            std::string attribute = name; // slashes would make a path of a unit such as 1/s
            for (char& c : attribute)
                if (c == '/') c = '_';
            file_.set_attribute(group, attribute, value);
        }
        std::vector<double> flat;
        for (const network::Position& position : population.positions)
            flat.insert(flat.end(), position.begin(), position.end());
        file_.write_array(group + "/positions",
                          {std::move(flat),
                           {{"neuron", population.size()}, {"axis", 3}},
                           {{"units", std::string("um")}, {"long_name", std::string("positions")}}});
    }
}

void Recorder::collect() {
    collect_fast();
    collect_responses();
    if (simulation_.at_sample()) sample_slow();
    if (simulation_.at_snapshot()) snapshot();
    // The last entry may still be running.
    if (has_log_ && !simulation_.burst_log().empty()) write_log(simulation_.burst_log().size() - 1);
}

void Recorder::write_log(std::size_t until) {
    const auto& entries = simulation_.burst_log();
    const double none = std::numeric_limits<double>::quiet_NaN();
    for (; logged_ < until; ++logged_) {
        const engine::LogEntry& entry = entries[logged_];
        // A burst that goes on has no length yet.
        const double length_s = entry.length_s > 0 ? entry.length_s : simulation_.time_s() - entry.start_s;
        file_.append_row(log_, entry.start_s,
                         std::array{length_s, entry.leap ? 1.0 : 0.0, entry.rejected ? 1.0 : 0.0,
                                    entry.leap ? entry.error : none, entry.leap ? none : entry.sampling_error,
                                    entry.leap ? none : static_cast<double>(entry.bursts)});
    }
}

void Recorder::collect_fast() {
    engine::FastNetwork& network = simulation_.network();
    const double dt_ms = simulation_.model().dt_ms;
    std::vector<double> times;
    std::vector<std::uint64_t> ids;
    for (const auto& [p, handle] : spikes_) {
        times.clear();
        ids.clear();
        for (const engine::Spike& spike : network.take_spikes(p)) {
            times.push_back(static_cast<double>(spike.step + 1) * dt_ms);
            ids.push_back(spike.neuron);
        }
        if (!times.empty()) file_.append_spikes(handle, times, ids);
    }
    if (has_fast_) {
        const engine::ActivitySamples samples = network.take_activity();
        const std::size_t populations = network.populations.size(), regions = simulation_.model().regions.size();
        const double window_ms = static_cast<double>(simulation_.model().activity_every_steps) * dt_ms;
        const auto longest = static_cast<std::size_t>(std::max(2.0, synchrony_window_ms / window_ms));
        std::vector<double> row(2 * populations + regions);
        for (std::size_t k = 0; k < samples.step.size(); ++k) {
            // Synchrony does not look across a leap.
            if (samples.step[k] - last_fast_step_ != simulation_.model().activity_every_steps)
                for (auto& recent : recent_counts_) recent.clear();
            last_fast_step_ = samples.step[k];
            for (std::size_t p = 0; p < populations; ++p) {
                const std::uint32_t count = samples.spike_counts[k * populations + p];
                std::vector<std::uint32_t>& recent = recent_counts_[p];
                recent.push_back(count);
                if (recent.size() > longest) recent.erase(recent.begin());
                row[p] = count / (window_ms * 1e-3 * static_cast<double>(network.populations[p].count()));
                row[populations + p] = synchrony_index(recent);
            }
            for (std::size_t r = 0; r < regions; ++r) row[2 * populations + r] = samples.lfp_pA[k * regions + r];
            file_.append_row(fast_, static_cast<double>(samples.step[k]) * dt_ms, row);
        }
    }
    for (std::size_t t = 0; t < traces_.size(); ++t) {
        const engine::TraceSamples samples = network.take_trace(t);
        const std::size_t width = simulation_.model().traces[t].neurons.size();
        std::vector<double> row(width);
        for (std::size_t k = 0; k < samples.step.size(); ++k) {
            for (std::size_t i = 0; i < width; ++i) row[i] = static_cast<double>(samples.values[k * width + i]);
            file_.append_row(traces_[t], static_cast<double>(samples.step[k]) * dt_ms, row);
        }
    }
}

void Recorder::collect_responses() {
    std::vector<double> row;
    for (const engine::Response& r : simulation_.take_responses()) {
        row.assign(1, r.length_s);
        row.insert(row.end(), r.during_Hz.begin(), r.during_Hz.end());
        row.insert(row.end(), r.before_Hz.begin(), r.before_Hz.end());
        for (std::size_t p = 0; p < r.during_Hz.size(); ++p) row.push_back(r.during_Hz[p] - r.before_Hz[p]);
        file_.append_row(responses_.at(r.stimulus), r.start_s, row);
    }
}

void Recorder::sample_slow() {
    std::vector<double> row;
    for (const engine::Observable& o : simulation_.observables())
        for (std::size_t i = 0; i < simulation_.labels(o.dimension).size(); ++i) row.push_back(o.value(i));
    file_.append_row(slow_, simulation_.time_s(), row);
    simulation_.sample_taken();
}

void Recorder::snapshot() {
    const double now_h = simulation_.time_s() / 3600;
    engine::FastNetwork& network = simulation_.network();
    network.settle_plasticity();
    for (std::size_t q = 0; q < network.projections.size(); ++q) {
        const engine::FastProjection& projection = network.projections[q];
        const std::string group =
            fmt::format("/snapshots/t_{:.10g}_s/{}", simulation_.time_s(), projection.specification.name);
        std::vector<std::uint32_t> source, target;
        std::vector<float> weight, age;
        network.for_each_synapse(q, [&](const network::Synapse& s) {
            source.push_back(s.source);
            target.push_back(s.target);
            weight.push_back(s.weight);
            age.push_back(static_cast<float>(
                projection.specification.structural ? now_h - static_cast<double>(s.formed_h) : now_h));
        });
        const std::size_t n = source.size();
        const bool currents =
            neuron::uses_currents(simulation_.model().populations[projection.specification.target].model);
        const auto write = [&](const char* name, Array::Data data, const char* unit, const char* long_name) {
            file_.write_array(group + "/" + name,
                              {std::move(data),
                               {{"synapse", n}},
                               {{"units", std::string(unit)}, {"long_name", std::string(long_name)}}});
        };
        file_.set_attribute(group, "time_s", simulation_.time_s());
        write("source", std::move(source), "1", "source neuron");
        write("target", std::move(target), "1", "target neuron");
        write("weight", std::move(weight), currents ? "pA" : "nS", "synaptic weight");
        write("age", std::move(age), "h", "age");
    }
    for (std::size_t k = 0; k < simulation_.neurogenesis().size(); ++k) {
        const engine::NeurogenesisModel& m = simulation_.model().neurogenesis[k];
        const structure::NeuronSlots& slots = simulation_.neurogenesis()[k];
        const std::string group = fmt::format("/snapshots/t_{:.10g}_s/neurons_{}", simulation_.time_s(),
                                              network.populations[m.population].specification.name);
        std::vector<double> birth_s(slots.present.size(), std::numeric_limits<double>::quiet_NaN());
        std::vector<std::uint32_t> stage(birth_s.size(), 0);
        for (std::size_t i = 0; i < birth_s.size(); ++i) {
            if (!slots.present[i]) continue;
            if (slots.birth_d[i] >= 0) birth_s[i] = slots.birth_d[i] * structure::seconds_per_d;
            const double age_d = simulation_.time_s() / structure::seconds_per_d - slots.birth_d[i];
            stage[i] = 1 + static_cast<std::uint32_t>(structure::stage_of(m.parameters, age_d));
        }
        const auto write = [&](const char* name, Array::Data data, const char* unit, const char* long_name) {
            file_.write_array(group + "/" + name,
                              {std::move(data),
                               {{"neuron", stage.size()}},
                               {{"units", std::string(unit)}, {"long_name", std::string(long_name)}}});
        };
        file_.set_attribute(group, "time_s", simulation_.time_s());
        write("birth", std::move(birth_s), "s", "time of birth; NaN in free slots and for neurons of the start");
        write("stage", stage, "1", "0 free slot, 1 young, 2 in the excitable window, 3 mature");
    }
}

void Recorder::finish(bool complete, const Timing& timing) {
    collect_fast();
    if (has_log_) {
        write_log(simulation_.burst_log().size());
        std::string unsteady;
        for (const auto& [input, times] : simulation_.unsteady_inputs())
            unsteady += fmt::format("{}{} ({:.0f})", unsteady.empty() ? "" : ", ", input, times);
        file_.set_attribute("/multirate", "unsteady_inputs", unsteady);
    }
    file_.set_attribute("/", "build_s", timing.build_s);
    file_.set_attribute("/", "run_s", timing.run_s);
    file_.set_attribute("/", "run_cpu_s", timing.run_cpu_s);
    file_.set_attribute("/", "wall_s", timing.wall_s);
    file_.set_attribute("/", "events", static_cast<std::int64_t>(simulation_.network().total_events()));
    file_.set_attribute("/", "synapse_bytes", static_cast<std::int64_t>(simulation_.network().synapse_bytes()));
    file_.set_attribute("/", "simulated_s", simulation_.time_s());
    file_.set_attribute("/", "spiking_s", simulation_.spiking_s());
    for (std::size_t p = 0; p < simulation_.network().populations.size(); ++p)
        file_.set_attribute("/populations/" + simulation_.network().populations[p].specification.name, "spikes",
                            static_cast<std::int64_t>(simulation_.spike_count(p)));
    file_.close(complete);
}

} // namespace rewire::record
