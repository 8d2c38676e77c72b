// [cohort] and [[plan]]: virtual patients, and what is done with them.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiment/experiment.hpp"
#include "experiment/options.hpp"
#include "quantity/units.hpp"

namespace rewire::experiment {
namespace {

using clinic::Marginal;

/// What a plan may touch: what is done. All else says who the patient is, how it is simulated and how the outcome is
/// measured, the same in every plan. Of the score that is what is expected of a treatment only.
const std::vector<std::string> tables_of_a_plan{"stimulus",     "drug",    "dose",         "arms",
                                                "intervention", "therapy", "symptom_score"};

/// Names in the group of the patients in the result file, beside the fields: see record/cohort_file.hpp.
constexpr std::array names_in_the_file{"patient", "repeat", "circuit_seed", "body"};

// ---- fields

std::string bound_text(double value, std::string_view unit) { return value == 0 ? "0" : quantity_text(value, unit); }

/// Standard deviations beyond which nothing is drawn (one number in 1e15), and no digit would be left of it.
constexpr double farthest = 8;

/// What lies within them; of a uniform distribution all of it.
Range within_reach(const Marginal& m) {
    switch (m.kind) {
    case Marginal::Kind::normal: return {m.centre - farthest * m.spread, m.centre + farthest * m.spread};
    case Marginal::Kind::lognormal:
        return {m.centre * std::exp(-farthest * m.spread), m.centre * std::exp(farthest * m.spread)};
    default: return {m.low, m.high};
    }
}

/// Whether every value that the distribution yields is one that the key allows; complains otherwise.
void check_support(TableReader& reader, const Marginal& marginal, const NumberKey& key) {
    Range can = clinic::support(marginal);
    const Range reach = within_reach(marginal);
    if (!std::isfinite(can.low) && reach.low > key.range.low) can.low = reach.low;
    if (!std::isfinite(can.high) && reach.high < key.range.high) can.high = reach.high;
    const std::string allowed = fmt::format("{} {}", key.path, range_text(key.range, key.unit));
    const auto complain = [&](const char* end, const std::string& where) {
        const bool given = reader.node().find(end) != nullptr;
        reader.error(given ? end : "distribution",
                     given ? allowed
                           : fmt::format("can yield values {}, but {}; cut it off with {}", where, allowed, end));
    };
    const bool low_is_bound = std::isfinite(can.low) && !can.low_open;
    if (low_is_bound ? !(can.low > key.range.low || (can.low == key.range.low && !key.range.low_open))
                     : can.low < key.range.low)
        complain("low", std::isfinite(key.range.low) ? "below " + bound_text(key.range.low, key.unit) : "too low");
    if (std::isfinite(can.high) ? !(can.high < key.range.high || (can.high == key.range.high && !key.range.high_open))
                                : std::isfinite(key.range.high))
        complain("high", std::isfinite(key.range.high) ? "above " + bound_text(key.range.high, key.unit) : "too high");
}

Marginal read_marginal(TableReader& reader, const NumberKey& key) {
    Marginal m;
    const std::string kind = reader.string("distribution").value_or("");
    m.kind = kind == "uniform"     ? Marginal::Kind::uniform
             : kind == "lognormal" ? Marginal::Kind::lognormal
                                   : Marginal::Kind::normal;
    const auto value = [&](const char* name, const Range& range, double fallback) {
        return reader.quantity(name, key.unit, range).value_or(fallback);
    };
    bool complete = !kind.empty();
    const auto needed = [&](const char* name, const Range& range) {
        const auto found = reader.quantity(name, key.unit, range);
        complete = complete && found;
        return found.value_or(1);
    };
    if (kind == "normal") {
        m.centre = needed("mean", any_value);
        m.spread = needed("sd", non_negative);
    } else if (kind == "lognormal") {
        m.centre = needed("median", positive);
        m.spread = reader.quantity("sd_log").value_or(0);
    }
    const auto end = [&](const char* name, double fallback) {
        if (reader.has(name)) return value(name, any_value, fallback);
        if (kind == "uniform")
            complete = false, reader.error(name, fmt::format("is missing; needed: an end of the uniform distribution "
                                                             "({})",
                                                             quantity_hint(key.unit)));
        return fallback;
    };
    m.low = end("low", m.low);
    m.high = end("high", m.high);
    if (!complete) return m;
    if (m.low >= m.high) {
        reader.error("high", fmt::format("must be above low ({})", bound_text(m.low, key.unit)));
        return m;
    }
    if (const Range reach = within_reach(m);
        m.kind != Marginal::Kind::uniform && (m.low > reach.high || m.high < reach.low))
        reader.error(
            m.low > reach.high ? "low" : "high",
            fmt::format("cuts off all of the distribution: must leave a part within {} standard deviations", farthest));
    check_support(reader, m, key);
    return m;
}

void read_fields(TableReader& cohort, Cohort& result, std::vector<clinic::Field>& fields,
                 const std::vector<NumberKey>& numbers) {
    if (!cohort.has("field")) return;
    for (TableReader& reader : cohort.sections<FieldOptions>("field")) {
        FieldOptions options;
        reader.read(options);
        if (std::ranges::find(names_in_the_file, reader.name()) != names_in_the_file.end() ||
            reader.name().find('/') != std::string::npos)
            reader.error("", fmt::format("must have another name: any without / but {}, which the result file has of "
                                         "every patient",
                                         fmt::join(names_in_the_file, ", ")));
        NumberKey key{"", "1", any_value};
        if (const auto path = reader.has("key") ? reader.string("key") : std::nullopt) {
            // Of the patients themselves; what numbers the run is a matter of the experiment.
            const auto known = std::ranges::find(numbers, *path, &NumberKey::path);
            std::vector<std::string> paths;
            constexpr std::array not_of_patients{"experiment.", "record.", "multirate.", "cohort.", "plan."};
            for (const NumberKey& n : numbers)
                if (std::ranges::none_of(not_of_patients, [&](const char* start) { return n.path.starts_with(start); }))
                    paths.push_back(n.path);
            if (known == numbers.end() || std::ranges::find(paths, *path) == paths.end()) {
                const std::string near = nearest(*path, paths);
                if (*path == "subject.number")
                    reader.error("key", "is what vary_body = true draws for each patient: must be another number");
                else
                    reader.error("key", fmt::format("unknown patient field{} must be a number of this config, such as "
                                                    "\"subject.weight\" or \"stress.elimination_gain\"",
                                                    near.empty() ? ";" : fmt::format("; did you mean \"{}\"?", near)));
                reader.finish_early();
                continue;
            }
            key = *known;
        } else if (reader.has("key")) {
            reader.finish_early();
            continue;
        }
        if (std::ranges::any_of(result.keys, [&](const FieldKey& k) { return !key.path.empty() && k.key == key.path; }))
            reader.error("key", "is that of another field already");
        fields.push_back({reader.name(), read_marginal(reader, key), options.known});
        const Entry* place = reader.node().find("key");
        result.keys.push_back({key.path, key.unit, place ? place->value.place : reader.node().place});
        reader.finish();
    }
}

std::vector<clinic::Correlation> read_correlations(TableReader& cohort, const std::vector<clinic::Field>& fields) {
    std::vector<clinic::Correlation> correlations;
    if (!cohort.has("correlation")) return correlations;
    for (TableReader& reader : cohort.sections<CorrelationOptions>("correlation")) {
        CorrelationOptions options;
        reader.read(options);
        const auto field = [&](const char* key) {
            const auto name = reader.string(key);
            return name ? index_of(reader, key, "patient field", *name, fields) : std::nullopt;
        };
        const auto first = field("first"), second = field("second");
        if (first && second && *first == *second) reader.error("second", "must be another field than first");
        const bool twice = std::ranges::any_of(correlations, [&](const clinic::Correlation& c) {
            return first && second && std::minmax(c.first, c.second) == std::minmax(*first, *second);
        });
        if (twice) reader.error("second", "these two fields have a correlation already");
        if (first && second && *first != *second && !twice)
            correlations.push_back({*first, *second, options.coefficient});
        reader.finish();
    }
    return correlations;
}

// ---- plans

/// The config with the plan laid on it.
Node laid_on(Node tree, const Node& plan) {
    tree.table()->remove_if([](const Entry& e) { return e.key == "cohort" || e.key == "plan"; });
    Node fragment = plan;
    fragment.table()->remove_if([](const Entry& e) { return e.key == "name" || e.key == "no_treatment"; });
    add_fragment(tree, std::move(fragment));
    return tree;
}

bool has_entries(const Node& plan, std::string_view key) {
    const Entry* list = plan.find(key);
    return list && list->value.array() && !list->value.array()->empty();
}

std::size_t length(const Node& tree, std::string_view key) {
    const Entry* list = tree.find(key);
    return list && list->value.array() ? list->value.array()->size() : 0;
}

/// When the treatment of a plan begins and ends: doses, therapies, and the interventions that it adds to those of the
/// `base`, which come after these.
void find_treatment(Plan& plan, const Experiment& of_plan, const Node& base) {
    const engine::Model& model = of_plan.model;
    double first = std::numeric_limits<double>::infinity();
    std::optional<double> last_dose, last; // a bolus may end at 0
    const auto add = [&](double from_s, double to_s, std::optional<double>& end) {
        if (from_s >= model.duration_s) return;
        first = std::min(first, from_s);
        end = std::max(end.value_or(0), std::min(to_s, model.duration_s));
    };
    for (const DoseWindow& dose : of_plan.doses) add(dose.start_s, dose.end_s, last_dose);
    for (const clinic::Therapy& t : model.therapies) add(t.start_s, t.start_s + t.duration_s, last);
    for (std::size_t i = length(base, "intervention"); i < length(plan.tree, "intervention"); ++i)
        add(model.interventions[i].from_s, model.interventions[i].to_s, last);
    plan.first_treatment_s = first;
    plan.last_treatment_s = last_dose ? *last_dose : last.value_or(0);
}

/// Whether the [symptom_score] of a plan leaves the score what it is in the config; complains otherwise.
bool keeps_yardstick(const Entry& score, bool in_config, TableReader& plan, Diagnostics& diagnostics) {
    bool keeps = in_config;
    if (!in_config) plan.error("symptom_score", "needs [symptom_score] in the config, the same for all plans");
    for (const Entry& entry : *score.value.table())
        if (entry.key != "expectation") {
            diagnostics.error(entry.value.place,
                              fmt::format("[{}.symptom_score] {}: would measure each plan in its own way; allowed in a "
                                          "plan: expectation",
                                          plan.section_name(), entry.key));
            keeps = false;
        }
    return keeps;
}

void read_plans(TableReader& root, const Node& tree, Experiment& experiment, Diagnostics& diagnostics) {
    const bool base_is_sound = !diagnostics.has_errors(); // else its faults would be told once more for each plan
    Cohort& cohort = *experiment.cohort;
    for (TableReader& reader : root.sections<PlanOptions>("plan")) {
        PlanOptions options;
        reader.read(options);
        Plan plan{.name = reader.string("name").value_or("")};
        if (plan.name.empty() && reader.has("name")) reader.error("name", "must not be empty");
        for (const Plan& other : cohort.plans)
            if (!plan.name.empty() && other.name == plan.name)
                reader.error("name", fmt::format("there are two plans called {}", plan.name));
        bool sound = true;
        for (const Entry& entry : *reader.node().table()) {
            if (entry.key == "name" || entry.key == "no_treatment") continue;
            reader.has(entry.key);
            const bool known = std::ranges::find(tables_of_a_plan, entry.key) != tables_of_a_plan.end();
            if (!known) reader.error(entry.key, unknown_name("part of a plan", entry.key, tables_of_a_plan));
            const Entry* base = tree.find(entry.key);
            const bool table = entry.value.table() != nullptr, list = entry.value.array() != nullptr;
            const bool other_kind = known && ((!table && !list) || (base && table != (base->value.table() != nullptr)));
            if (other_kind) reader.error(entry.key, "must be a table or a list of tables, as in a config");
            const bool same_yardstick = entry.key != "symptom_score" || other_kind ||
                                        keeps_yardstick(entry, base != nullptr, reader, diagnostics);
            sound = sound && known && !other_kind && same_yardstick;
        }
        const bool treats = has_entries(reader.node(), "dose") || has_entries(reader.node(), "intervention") ||
                            has_entries(reader.node(), "therapy") || !experiment.doses.empty() ||
                            !experiment.model.therapies.empty();
        if (!treats && !options.no_treatment)
            reader.error("", "is a plan without a dose: needs [[plan.dose]], [[plan.therapy]], [[plan.intervention]], "
                             "or no_treatment = true");
        if (treats && options.no_treatment)
            reader.error("no_treatment", "must be false where the plan or the config itself has a dose or another "
                                         "treatment");
        reader.finish();
        for (const FieldKey& field : cohort.keys)
            if (!field.key.empty() && find_path(reader.node(), field.key) &&
                !find_path(reader.node(), field.key)->table() &&
                !has_entries(reader.node(), field.key.substr(0, field.key.find('.'))))
                diagnostics.error(find_path(reader.node(), field.key)->place,
                                  fmt::format("[{}] {}: is a field of the patients already: must be left to [cohort]",
                                              reader.section_name(), field.key));
        if (sound && base_is_sound) {
            plan.tree = laid_on(tree, reader.node());
            try {
                const Experiment of_plan = read_experiment(plan.tree);
                diagnostics.add(of_plan.warnings);
                find_treatment(plan, of_plan, tree);
            } catch (const ConfigError& error) {
                diagnostics.add(error.diagnostics);
            }
        }
        cohort.plans.push_back(std::move(plan));
    }
}

void read_times(TableReader& table, const engine::Model& model, Cohort& cohort) {
    double first = std::numeric_limits<double>::infinity();
    for (const Plan& plan : cohort.plans) first = std::min(first, plan.first_treatment_s);
    cohort.treatment_start_s = table.quantity_or("treatment_start", std::isfinite(first) ? first : 0);
    if (cohort.treatment_start_s > first) // the level before treatment would be one under treatment
        table.error("treatment_start", fmt::format("must not be after the first treatment of any plan ({} s)", first));
    for (Plan& plan : cohort.plans)
        if (!std::isfinite(plan.first_treatment_s)) plan.last_treatment_s = cohort.treatment_start_s;
    if (cohort.treatment_start_s >= model.duration_s) table.error("treatment_start", after_the_end(model));
    const bool given = table.has("days");
    for (const double day : table.quantity_list("days").value_or(std::vector<double>{})) {
        if (cohort.treatment_start_s + day <= model.duration_s)
            cohort.days_s.push_back(day);
        else if (given)
            table.warning("days", fmt::format("{} d after the start of treatment is after the end of the experiment "
                                              "({} s): left out",
                                              day / 86400, model.duration_s));
    }
    std::ranges::sort(cohort.days_s);
}

} // namespace

void read_cohort(TableReader& root, const Node& tree, Experiment& experiment, Diagnostics& diagnostics) {
    if (!root.has("cohort")) {
        if (root.has("plan")) root.error("plan", "needs patients: a table [cohort]");
        return;
    }
    auto table = root.section<CohortOptions>("cohort");
    if (!table) {
        root.has("plan");
        return;
    }
    Cohort& cohort = experiment.cohort.emplace();
    CohortOptions options;
    if (!experiment.model.symptom_score)
        for (const char* key : {"control", "days", "bootstrap", "response", "remission", "minimum_score"})
            if (table->has(key))
                table->warning(key, "has no effect on outcomes without [symptom_score]: there are none");
    table->read(options);
    cohort.repeats = options.repeats;
    cohort.bootstrap = options.bootstrap;
    cohort.vary_body = options.vary_body;
    cohort.rules = {options.response, options.remission};
    cohort.minimum_score = options.minimum_score;
    if (options.remission < options.response)
        table->error("remission", fmt::format("must not be below response ({})", options.response));
    cohort.seed = table->has("seed") ? table->integer("seed").value_or(1) : experiment.model.seed;
    if (const auto patients = table->quantity_list("patients")) {
        if (patients->empty()) table->error("patients", "must name at least one patient");
        const bool whole = std::ranges::all_of(*patients, [](double n) { return n == std::floor(n); });
        if (!whole) table->error("patients", "must be whole numbers");
        if (std::set<double>(patients->begin(), patients->end()).size() != patients->size())
            table->error("patients", "names a patient twice");
        for (const double n : *patients) {
            if (n > static_cast<double>(options.number))
                table->error("patients", fmt::format("there are the patients 1 to {}", options.number));
            cohort.patients.push_back(static_cast<std::int64_t>(n));
        }
    } else {
        for (std::int64_t n = 1; n <= options.number; ++n) cohort.patients.push_back(n);
    }
    std::vector<clinic::Field> fields;
    read_fields(*table, cohort, fields, diagnostics.numbers());
    const auto correlations = read_correlations(*table, fields);
    try {
        cohort.sampler = clinic::Sampler(std::move(fields), correlations);
    } catch (const std::invalid_argument& error) {
        table->error("correlation",
                     fmt::format("{}: must be positive definite, which smaller coefficients are", error.what()));
    }
    cohort.record = table->string_list("record");
    if (const Entry* record = table->node().find("record")) cohort.record_place = record->value.place;

    if (!has_entries(root.node(), "plan"))
        table->error("", "needs something to do with the patients: at least one [[plan]]");
    if (root.has("plan")) read_plans(root, tree, experiment, diagnostics);
    const auto control = table->has("control") ? table->string("control") : std::nullopt;
    if (control) cohort.control = index_of(*table, "control", "plan", *control, cohort.plans);
    read_times(*table, experiment.model, cohort);
    table->finish();
    if (diagnostics.has_errors() || cohort.plans.empty()) return;
    // Values that are allowed one by one may not go together: each patient is read once in every plan.
    for (const std::int64_t number : cohort.patients) {
        const auto patient = cohort.sampler.draw(static_cast<std::uint64_t>(cohort.seed), number);
        for (const Plan& plan : cohort.plans) try {
                patient_experiment(cohort, plan, patient);
            } catch (const ConfigError& error) {
                for (const Diagnostic& d : error.diagnostics.sorted())
                    if (d.severity == Diagnostic::Severity::error)
                        diagnostics.error(d.place, fmt::format("patient {}, plan {}: {}", number, plan.name, d.text));
                return;
            }
    }
}

Experiment patient_experiment(const Cohort& cohort, const Plan& plan, const clinic::Patient& patient) {
    Node tree = plan.tree;
    for (std::size_t f = 0; f < cohort.keys.size(); ++f) {
        const FieldKey& field = cohort.keys[f];
        if (field.key.empty()) continue;
        const double value = patient.values[f];
        Node node{{}, field.place};
        if (field.unit == "1")
            node.value = value;
        else
            node.value = quantity_text(value, field.unit);
        set_value(tree, field.key, std::move(node));
    }
    const Place place = tree.place;
    set_value(tree, "experiment.seed", {patient.circuit_seed, place});
    set_value(tree, "experiment.threads", {std::int64_t{1}, place});
    if (cohort.vary_body && tree.find("drug")) set_value(tree, "subject.number", {patient.body, place});
    return read_experiment(std::move(tree));
}

} // namespace rewire::experiment
