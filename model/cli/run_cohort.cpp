// rewire run of a config with [cohort].
#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "cli/running.hpp"
#include "engine/kept_run.hpp"
#include "engine/side_by_side.hpp"
#include "engine/team.hpp"
#include "record/cohort_file.hpp"

namespace rewire::cli {
namespace {

/// What is kept of each patient unless the config says otherwise, as far as it is there.
const std::vector<std::string> usual_quantities{
    "surrogate_symptom_score", "expectation_change", "spine_density",      "ampa_gain", "bdnf",
    "synaptic_protein",        "drug_plasma",        "nmda_block_synaptic"};

/// The names of the quantities that are kept. \throws ConfigError  the config asks for one that no plan has
std::vector<std::string> kept_quantities(const experiment::Cohort& cohort,
                                         const std::vector<engine::KeptSeries>& available) {
    std::vector<std::string> names, kept;
    for (const engine::KeptSeries& s : available) names.push_back(s.name);
    for (const std::string& name : cohort.record.value_or(usual_quantities)) {
        const bool known = std::ranges::find(names, name) != names.end();
        if (!known && cohort.record)
            throw experiment::ConfigError(
                cohort.record_place,
                fmt::format("[cohort] record = {}: {}", name, experiment::unknown_name("quantity", name, names)));
        if (known && std::ranges::find(kept, name) == kept.end()) kept.push_back(name);
    }
    return kept;
}

/// Patients, repeats one after the other.
std::vector<clinic::Patient> draw_patients(const experiment::Cohort& cohort) {
    std::vector<clinic::Patient> patients;
    for (const std::int64_t number : cohort.patients)
        for (std::int64_t repeat = 0; repeat < cohort.repeats; ++repeat)
            patients.push_back(cohort.sampler.draw(static_cast<std::uint64_t>(cohort.seed), number, repeat));
    return patients;
}

} // namespace

record::CohortShape cohort_shape(const experiment::Experiment& experiment) {
    const experiment::Cohort& cohort = *experiment.cohort;
    record::CohortShape shape{.patients = draw_patients(cohort), .time_s = experiment.model.sample_times_s};
    for (std::size_t f = 0; f < cohort.keys.size(); ++f) {
        shape.field_names.push_back(cohort.sampler.fields()[f].name);
        shape.field_units.push_back(cohort.keys[f].unit);
        shape.field_keys.push_back(cohort.keys[f].key);
    }
    std::vector<std::vector<engine::KeptSeries>> of_plans;
    for (const experiment::Plan& plan : cohort.plans) {
        shape.plans.push_back(plan.name);
        of_plans.push_back(engine::slow_quantities(patient_experiment(cohort, plan, shape.patients.front()).model));
    }
    const std::vector<engine::KeptSeries> available = record::united(of_plans);
    for (const engine::KeptSeries& s : available)
        if (s.dimension == "drug") shape.drugs = s.labels;
    for (const std::string& name : kept_quantities(cohort, available))
        shape.series.push_back(*std::ranges::find(available, name, &engine::KeptSeries::name));
    return shape;
}

int run_cohort(const RunOptions& options, const experiment::Experiment& experiment, const std::string& output) {
    const auto start = Clock::now();
    const experiment::Cohort& cohort = *experiment.cohort;
    const record::CohortShape shape = cohort_shape(experiment);
    std::vector<std::string> names;
    for (const engine::KeptSeries& s : shape.series) names.push_back(s.name);
    const std::size_t plans = shape.plans.size(), patients = shape.patients.size(), runs = plans * patients;
    const std::int64_t asked = experiment.model.threads;
    const int threads = static_cast<int>(
        std::min<std::int64_t>(asked > 0 ? asked : engine::Team::available(), static_cast<std::int64_t>(runs)));

    record::CohortFile file(output, options.force, shape, provenance_of(options.config, experiment));
    file.set_attribute("/", "seed", cohort.seed);
    file.set_attribute("/", "threads", static_cast<std::int64_t>(threads));
    file.set_attribute("/", "dt_ms", experiment.model.dt_ms);
    file.set_attribute("/", "duration_s", experiment.model.duration_s);
    file.set_attribute("/", "mode", std::string(experiment.model.multirate ? "multirate" : "full"));
    file.set_attribute("/cohort", "treatment_start_s", cohort.treatment_start_s);
    std::vector<double> last_treatment_s;
    for (const experiment::Plan& plan : cohort.plans) last_treatment_s.push_back(plan.last_treatment_s);
    file.set_attribute("/cohort", "last_treatment_s", last_treatment_s);
    if (cohort.control) file.set_attribute("/cohort", "control", cohort.plans[*cohort.control].name);

    std::mutex mutex; // of the file, of reading configs (UDUNITS is not reentrant) and of what is printed
    std::size_t finished = 0, unsteady = 0;
    std::atomic<double> simulated_s{0};
    double spiking_s = 0;
    ProgressLine line(options.quiet);
    const double total_s = experiment.model.duration_s * static_cast<double>(runs);
    const auto show = [&] {
        const double wall = seconds_since(start), done = simulated_s;
        line.show(fmt::format("{} of {} runs ({} patients, {} plans)  {:.3g}x biological time  {} left", finished, runs,
                              patients, plans, done / wall,
                              done > 0 ? duration_text((total_s - done) * wall / done) : "?"));
    };
    // One patient after the other through all plans: what is there after an interruption can be compared.
    engine::side_by_side(runs, threads, [&](std::size_t k) {
        const std::size_t patient = k / plans, plan = k % plans;
        if (interrupted()) return;
        engine::Model model;
        {
            const std::lock_guard lock(mutex);
            model = patient_experiment(cohort, cohort.plans[plan], shape.patients[patient]).model;
        }
        model.sample_times_s = experiment.model.sample_times_s; // the same for all plans
        double before_s = 0;
        const engine::KeptRun run = engine::keep(std::move(model), names, interrupted, [&](double now_s) {
            simulated_s += now_s - before_s;
            before_s = now_s;
            if (const std::unique_lock lock(mutex, std::try_to_lock); lock) show();
        });
        if (!run.finished) return;
        const std::lock_guard lock(mutex);
        file.add(plan, patient, run);
        ++finished;
        unsteady += !run.unsteady_inputs.empty();
        spiking_s += run.spiking_s;
    });
    line.clear();
    const bool complete = finished == runs;
    file.finish(complete, seconds_since(start));
    if (!options.quiet) {
        std::cout << fmt::format(
            "simulated {} runs of {} ({} patients, {} plans) in {} on {} threads; {} with spikes\n", finished,
            duration_text(experiment.model.duration_s), patients, plans, duration_text(seconds_since(start)), threads,
            duration_text(spiking_s));
        std::cout << "result: " << output << "\n";
    }
    if (unsteady > 0)
        std::cerr << fmt::format(
            "rewire: warning: in {} runs an input varies far more between bursts than within them: "
            "leaps average over the states of a circuit that has several\n",
            unsteady);
    if (!complete) {
        std::cerr << fmt::format("rewire: interrupted with {} of {} runs; they are in {}\n", finished, runs, output);
        return 130;
    }
    return 0;
}

} // namespace rewire::cli
