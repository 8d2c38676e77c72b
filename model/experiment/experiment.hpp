#pragma once
// From a config to an experiment that can run. The order of everything is that of the file, base first.
// `rewire describe config` lists its tables; each is described beside the struct that it fills, or in options.hpp.

#include <filesystem>
#include <string>
#include <vector>

#include "clinic/cohort.hpp"
#include "clinic/outcome.hpp"
#include "engine/model.hpp"
#include "experiment/config_tree.hpp"
#include "experiment/diagnostics.hpp"
#include "experiment/reader.hpp"

namespace rewire::experiment {

/// A dose as it is given, for the figure and the summary.
struct DoseWindow {
    std::string drug;
    double start_s = 0;
    double end_s = 0;
};

/// What is done with the patients of a cohort.
struct Plan {
    std::string name;
    Node tree;                    ///< the config of the plan for the typical patient
    double first_treatment_s = 0; ///< infinite for no treatment
    double last_treatment_s = 0;  ///< end of the last dose; without any, of therapies and interventions
};

/// A field of the patients, beside what clinic::Field says of it.
struct FieldKey {
    std::string key;  ///< path in the config; empty for a covariate
    std::string unit; ///< of its values
    Place place;
};

/// Virtual patients and the plans that they go through.
struct Cohort {
    std::int64_t seed = 1;
    std::vector<std::int64_t> patients; ///< their numbers
    std::int64_t repeats = 1;
    std::int64_t bootstrap = 2000;
    bool vary_body = true;
    clinic::OutcomeRules rules;
    double minimum_score = 0;   ///< before treatment, share of the score's severity; below it a patient has no outcome
    std::vector<FieldKey> keys; ///< per field of the sampler
    clinic::Sampler sampler;
    std::vector<Plan> plans;
    std::optional<std::size_t> control; ///< index of a plan
    double treatment_start_s = 0;
    std::vector<double> days_s;                     ///< after treatment_start_s
    std::optional<std::vector<std::string>> record; ///< as the config asks for; none: the default
    Place record_place;
};

/// Everything that `rewire run` needs.
struct Experiment {
    std::string title;
    engine::Model model; ///< in a cohort that of the typical patient without a plan
    std::vector<DoseWindow> doses;
    std::optional<Cohort> cohort;
    std::string resolved_toml; ///< the config as run, defaults filled in
    Diagnostics warnings;
};

/// Reads the config tree of a file, with overrides already applied.
/// \throws ConfigError with every fault found
Experiment read_experiment(Node tree);

/// Loads a file, applies `overrides` ("KEY=VALUE") and reads it.
/// \throws ConfigError with every fault found
Experiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The experiment of one patient in one plan: the config of the plan with the values of the patient in it.
/// \throws ConfigError  the values do not go together with the rest of the config
Experiment patient_experiment(const Cohort&, const Plan&, const clinic::Patient&);

// Parts of read_experiment, in the order in which they run.

/// Index of a name in a list of things that have one; complains with the nearest name otherwise.
template <class Things>
std::optional<std::size_t> index_of(TableReader& reader, std::string_view key, std::string_view kind,
                                    const std::string& name, const Things& things);

/// "is at or after the end of the experiment (5 s)".
std::string after_the_end(const engine::Model& model);

/// When something begins and ends.
struct Span {
    double from_s = 0;
    double to_s = 0;
};

/// `from` (default: the start) and `to` (default: the end of the experiment). A start after the end is a
/// warning only, so that a shorter duration can be set for any config.
Span read_span(TableReader& reader, const engine::Model& model);

void read_network(TableReader& root, engine::Model& model, Diagnostics& diagnostics);
void read_stimuli(TableReader& root, engine::Model& model);
/// Receptors that synapses, background or stimuli act on: their defaults become part of the config, and a
/// population may have one NMDA receptor among them.
void read_receptors_in_use(TableReader& root, const engine::Model& model);
void read_drugs(TableReader& root, engine::Model& model, std::vector<DoseWindow>& doses, Diagnostics& diagnostics);
void read_mechanisms(TableReader& root, engine::Model& model, Diagnostics& diagnostics);
void read_schedule(TableReader& root, engine::Model& model, const std::vector<DoseWindow>& doses);
/// [cohort] and [[plan]], once the rest has been read without errors.
/// \param tree  the config as it was before that, which the plans are laid on
void read_cohort(TableReader& root, const Node& tree, Experiment& experiment, Diagnostics& diagnostics);

// ---- implementation of the template

std::string unknown_name(std::string_view kind, const std::string& name, const std::vector<std::string>& known);

template <class Things>
std::optional<std::size_t> index_of(TableReader& reader, std::string_view key, std::string_view kind,
                                    const std::string& name, const Things& things) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < things.size(); ++i) {
        if constexpr (requires { things[i].name; })
            names.push_back(things[i].name);
        else
            names.push_back(things[i]);
        if (names.back() == name) return i;
    }
    reader.error(key, unknown_name(kind, name, names));
    return std::nullopt;
}

} // namespace rewire::experiment
