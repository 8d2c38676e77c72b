#include "engine/kept_run.hpp"

#include <algorithm>

#include "engine/simulation.hpp"

namespace rewire::engine {

namespace {

KeptSeries empty_series(const Simulation& simulation, const Observable& o) {
    return {o.name, o.unit, o.long_name, o.dimension, simulation.labels(o.dimension), {}};
}

} // namespace

std::vector<KeptSeries> slow_quantities(Model model) {
    const Simulation simulation(std::move(model));
    std::vector<KeptSeries> found;
    for (const Observable& o : simulation.observables()) found.push_back(empty_series(simulation, o));
    return found;
}

KeptRun keep(Model model, const std::vector<std::string>& names, const std::function<bool()>& interrupted,
             const std::function<void(double)>& progress) {
    // Nothing of these is looked at.
    model.record_spikes.assign(model.populations.size(), false);
    model.activity_every_steps = 0;
    model.traces.clear();
    Simulation simulation(std::move(model));
    KeptRun run;
    std::vector<const Observable*> observables;
    for (const std::string& name : names)
        for (const Observable& o : simulation.observables())
            if (o.name == name) {
                observables.push_back(&o);
                run.series.push_back(empty_series(simulation, o));
            }
    if (!simulation.drugs().empty()) run.drugs = simulation.labels("drug");
    run.plasma_peak.assign(run.drugs.size(), 0);
    simulation.prepare(interrupted);
    const auto look = [&] {
        std::size_t species = 0;
        for (const drug::Pharmacokinetics& d : simulation.drugs())
            for (std::size_t s = 0; s < d.model().species.size(); ++s, ++species)
                run.plasma_peak[species] = std::max(run.plasma_peak[species], d.plasma_ng_per_mL(s));
        if (!simulation.at_sample()) return;
        run.time_s.push_back(simulation.time_s());
        for (std::size_t k = 0; k < observables.size(); ++k)
            for (std::size_t i = 0; i < run.series[k].labels.size(); ++i)
                run.series[k].values.push_back(observables[k]->value(i));
        simulation.sample_taken();
    };
    look();
    while (!simulation.finished() && !interrupted()) {
        simulation.advance();
        look();
        progress(simulation.time_s());
    }
    run.finished = simulation.finished();
    run.spiking_s = simulation.spiking_s();
    run.unsteady_inputs = simulation.unsteady_inputs();
    return run;
}

} // namespace rewire::engine
