// rewire run of a config with [cohort].
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <iostream>
#include <limits>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "cli/running.hpp"
#include "clinic/outcome.hpp"
#include "clinic/symptom_score.hpp"
#include "engine/kept_run.hpp"
#include "engine/side_by_side.hpp"
#include "engine/team.hpp"
#include "record/cohort_file.hpp"

namespace rewire::cli {
namespace {

constexpr const char *score_name = "surrogate_symptom_score", *expectation_name = "surrogate_expectation";

/// What is kept of each patient unless the config says otherwise, as far as it is there.
const std::vector<std::string> usual_quantities{
    "surrogate_symptom_score", "surrogate_expectation", "spine_density",      "ampa_gain", "bdnf",
    "synaptic_protein",        "drug_plasma",           "nmda_block_synaptic"};

/// The names of the quantities that are kept. \throws ConfigError  the config asks for one that no plan has
std::vector<std::string> kept_quantities(const experiment::Cohort& cohort,
                                         const std::vector<engine::KeptSeries>& available) {
    std::vector<std::string> names, kept;
    for (const engine::KeptSeries& s : available) names.push_back(s.name);
    std::vector<std::string> wanted = cohort.record.value_or(usual_quantities);
    for (const char* name : {score_name, expectation_name}) // without them there are no outcomes
        if (std::ranges::find(names, name) != names.end()) wanted.emplace_back(name);
    for (const std::string& name : wanted) {
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
    if (!cohort.vary_body) // the subject of the config
        for (clinic::Patient& patient : patients) patient.body = 0;
    return patients;
}

/// The samples of all plans: those of the config, and when outcomes are taken.
std::vector<double> sample_times_s(const experiment::Experiment& experiment) {
    const experiment::Cohort& cohort = *experiment.cohort;
    std::vector<double> times = experiment.model.sample_times_s;
    times.push_back(cohort.treatment_start_s);
    for (const double day_s : cohort.days_s) times.push_back(cohort.treatment_start_s + day_s);
    for (const experiment::Plan& plan : cohort.plans)
        if (plan.last_treatment_s < experiment.model.duration_s) times.push_back(plan.last_treatment_s);
    std::ranges::sort(times);
    // Times that fall into one step are one sample.
    const auto same = [&](double a, double b) {
        return std::llround(a * 1e3 / experiment.model.dt_ms) == std::llround(b * 1e3 / experiment.model.dt_ms);
    };
    times.erase(std::unique(times.begin(), times.end(), same), times.end());
    return times;
}

/// The change of the surrogate score in per cent of its level before treatment, expectation included, and that part:
/// -100 at most, where no symptoms are left.
/// Empty where the run has no score; NaN where the score before treatment is below `minimum`.
std::pair<std::vector<double>, std::vector<double>> course_of(const engine::KeptRun& run, double treatment_start_s,
                                                              double minimum) {
    const auto series = [&](const char* name) {
        const auto found = std::ranges::find(run.series, name, &engine::KeptSeries::name);
        return found == run.series.end() ? std::vector<double>{} : found->values;
    };
    const std::vector<double> score = series(score_name);
    std::vector<double> expectation = series(expectation_name), change;
    if (score.empty()) return {};
    expectation.resize(score.size(), 0);
    const double before = clinic::at_time(run.time_s, score, treatment_start_s);
    if (before < minimum) return {std::vector(score.size(), std::numeric_limits<double>::quiet_NaN()), expectation};
    for (std::size_t t = 0; t < score.size(); ++t)
        // No symptoms are the most that both together can bring about. NaN, without symptoms before, stays.
        change.push_back(std::max(clinic::change_percent(score[t], before) + expectation[t], -100.0));
    return {change, expectation};
}

std::vector<record::Measure> measures_of(const clinic::Outcome& outcome) {
    using Estimates = std::vector<clinic::Estimate>;
    std::vector<record::Measure> measures;
    const auto add = [&](const char* name, const char* unit, const char* long_name,
                         Estimates clinic::OutcomeOfPlan::*member) {
        record::Measure& m =
            measures.emplace_back(record::Measure{name, unit, long_name, {"plan", "day", "bound"}, {}});
        for (const clinic::OutcomeOfPlan& plan : outcome.plans)
            for (const clinic::Estimate& e : plan.*member) m.values.insert(m.values.end(), {e.value, e.low, e.high});
    };
    using Plan = clinic::OutcomeOfPlan;
    add("change", "percent", "SURROGATE score, mean change since before treatment, expectation included",
        &Plan::change);
    add("response", "1", "SURROGATE response: share of patients", &Plan::response);
    add("remission", "1", "SURROGATE remission: share of patients", &Plan::remission);
    add("difference", "percent", "mean change minus that of the same patients under the control plan",
        &Plan::difference);
    add("effect_size", "1", "Hedges' g against the control plan, positive where patients improve more", &Plan::g);
    add("better", "1", "share of patients who improve more than under the control plan", &Plan::better);
    add("number_needed_to_treat", "1",
        "number needed to treat for one more SURROGATE response than under control; low above high: through "
        "infinity to harm",
        &Plan::nnt);
    record::Measure relapse{"relapse",
                            "d",
                            "median time from the last treatment to SURROGATE relapse (Kaplan-Meier)",
                            {"plan", "bound"},
                            {}},
        at_risk{"at_risk", "1", "responders a day after the last treatment", {"plan"}, {}},
        relapsed{"relapsed", "1", "of whom had a relapse before the end", {"plan"}, {}},
        expectation{"expectation", "percent", "the part of the change that is expectation", {"plan", "day"}, {}};
    for (const clinic::OutcomeOfPlan& plan : outcome.plans) {
        for (const double s : {plan.relapse_s.value, plan.relapse_s.low, plan.relapse_s.high})
            relapse.values.push_back(s / 86400);
        at_risk.values.push_back(static_cast<double>(plan.at_risk));
        relapsed.values.push_back(static_cast<double>(plan.relapsed));
        expectation.values.insert(expectation.values.end(), plan.expectation.begin(), plan.expectation.end());
    }
    for (const record::Measure& m : {relapse, at_risk, relapsed, expectation}) measures.push_back(m);
    return measures;
}

/// What the figure draws: the course of each patient, and its relapse.
std::vector<record::Measure> courses_in_file(const clinic::Courses& courses, const clinic::OutcomeRules& rules) {
    record::Measure course{"course",
                           "percent",
                           "SURROGATE score, change since before treatment, expectation included",
                           {"plan", "patient", "time"},
                           {}},
        time{"relapse_time",
             "d",
             "from the last treatment to SURROGATE relapse or to the end; NaN: no responder a day after the treatment",
             {"plan", "patient"},
             {}},
        happened{"relapse_happened", "1", "1: relapse; 0: none before the end", {"plan", "patient"}, {}};
    const double none = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t p = 0; p < courses.change.size(); ++p)
        for (std::size_t row = 0; row < courses.patient.size(); ++row) {
            const std::vector<double>& change = courses.change[p][row];
            course.values.insert(course.values.end(), change.begin(), change.end());
            const std::vector<clinic::Survival> found = clinic::relapses(courses, p, std::array{row}, rules);
            time.values.push_back(found.empty() ? none : found[0].time / 86400);
            happened.values.push_back(found.empty() ? none : found[0].happened);
        }
    return {course, time, happened};
}

} // namespace

record::CohortShape cohort_shape(const experiment::Experiment& experiment) {
    const experiment::Cohort& cohort = *experiment.cohort;
    record::CohortShape shape{.patients = draw_patients(cohort), .time_s = sample_times_s(experiment)};
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

    const std::vector<double> unknown(shape.time_s.size(), std::numeric_limits<double>::quiet_NaN());
    clinic::Courses courses{.time_s = shape.time_s,
                            .change = {plans, std::vector(patients, unknown)},
                            .expectation = {plans, std::vector(patients, unknown)},
                            .treatment_start_s = cohort.treatment_start_s,
                            .last_treatment_s = last_treatment_s,
                            .days_s = cohort.days_s};
    for (const clinic::Patient& p : shape.patients) courses.patient.push_back(p.number);
    bool has_score = false;

    std::mutex mutex; // of the file, of reading configs (UDUNITS is not reentrant) and of what is printed
    std::size_t finished = 0, failed = 0, unsteady = 0;
    std::vector<std::size_t> finished_of(patients, 0); // plans
    std::atomic<double> simulated_s{0};
    double spiking_s = 0;
    ProgressLine line(options.quiet);
    const double total_s = experiment.model.duration_s * static_cast<double>(runs);
    const std::string who = cohort.repeats > 1
                                ? fmt::format("{} patients x {} repeats", cohort.patients.size(), cohort.repeats)
                                : fmt::format("{} patients", patients);
    const auto show = [&] {
        const double wall = seconds_since(start), done = simulated_s;
        line.show(fmt::format("{} of {} runs ({}, {} plans)  {:.3g}x biological time  {} left", finished, runs, who,
                              plans, done / wall, done > 0 ? duration_text((total_s - done) * wall / done) : "?"));
    };
    // One patient after the other through all plans: what is there after an interruption can be compared.
    engine::side_by_side(runs, threads, [&](std::size_t k) {
        const std::size_t patient = k / plans, plan = k % plans;
        if (interrupted()) return;
        engine::KeptRun run;
        double before_s = 0, severity = 0;
        try {
            engine::Model model;
            {
                const std::lock_guard lock(mutex);
                model = patient_experiment(cohort, cohort.plans[plan], shape.patients[patient]).model;
            }
            model.sample_times_s = shape.time_s; // the same for all plans
            if (model.symptom_score) severity = model.symptom_score->mapping.severity;
            run = engine::keep(std::move(model), names, interrupted, [&](double now_s) {
                simulated_s += now_s - before_s;
                before_s = now_s;
                if (const std::unique_lock lock(mutex, std::try_to_lock); lock) show();
            });
        } catch (const std::exception& error) { // of this patient; the others go on
            const std::lock_guard lock(mutex);
            line.clear();
            std::cerr << fmt::format("rewire: error: patient {}, repeat {}, plan \"{}\": {}\n",
                                     shape.patients[patient].number, shape.patients[patient].repeat, shape.plans[plan],
                                     error.what());
            ++failed;
            simulated_s += experiment.model.duration_s - before_s;
            return;
        }
        if (!run.finished) return;
        const std::lock_guard lock(mutex);
        file.add(plan, patient, run);
        if (auto [change, expectation] = course_of(run, cohort.treatment_start_s, cohort.minimum_score * severity);
            !change.empty()) {
            courses.change[plan][patient] = std::move(change);
            courses.expectation[plan][patient] = std::move(expectation);
            has_score = true;
        }
        ++finished;
        ++finished_of[patient];
        unsteady += !run.unsteady_inputs.empty();
        spiking_s += run.spiking_s;
    });
    line.clear();
    const bool complete = finished == runs;
    if (has_score && !cohort.days_s.empty()) {
        const clinic::Outcome outcome = clinic::outcome(courses, cohort.rules, cohort.control.value_or(plans),
                                                        cohort.bootstrap, static_cast<std::uint64_t>(cohort.seed));
        std::vector<record::Measure> measures = measures_of(outcome);
        for (record::Measure& m : courses_in_file(courses, cohort.rules)) measures.push_back(std::move(m));
        file.write_summary(cohort.days_s, measures);
        file.set_attribute("/cohort/summary", "rows", static_cast<std::int64_t>(outcome.rows));
        const auto in_all_plans = static_cast<std::size_t>(std::ranges::count(finished_of, plans));
        file.set_attribute("/cohort/summary", "left_out", static_cast<std::int64_t>(in_all_plans - outcome.rows));
        file.set_attribute("/cohort/summary", "minimum_score", cohort.minimum_score);
        file.set_attribute("/cohort/summary", "response", cohort.rules.response);
        file.set_attribute("/cohort/summary", "remission", cohort.rules.remission);
    }
    file.finish(complete, seconds_since(start));
    if (!options.quiet) {
        std::cout << fmt::format("simulated {} runs of {} ({}, {} plans) in {} on {} threads; {} with spikes\n",
                                 finished, duration_text(experiment.model.duration_s), who, plans,
                                 duration_text(seconds_since(start)), threads, duration_text(spiking_s));
        print_cohort_summary(record::File::open(output));
        std::cout << "result: " << output << "\n";
    }
    if (unsteady > 0)
        std::cerr << fmt::format(
            "rewire: warning: in {} runs an input varies far more between bursts than within them: "
            "leaps average over the states of a circuit that has several\n",
            unsteady);
    if (finished + failed < runs) {
        std::cerr << fmt::format("rewire: interrupted with {} of {} runs; they are in {}\n", finished, runs, output);
        return 130;
    }
    if (failed > 0) {
        std::cerr << fmt::format("rewire: error: {} of {} runs failed; the others are in {}\n", failed, runs, output);
        return 1;
    }
    return 0;
}

} // namespace rewire::cli
