#pragma once
// From a config to an experiment that can run. The order of everything is that of the file, base first.
// `rewire describe config` lists its tables; each is described beside the struct that it fills, or in options.hpp.

#include <filesystem>
#include <string>
#include <vector>

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

/// Everything that `rewire run` needs.
struct Experiment {
    std::string title;
    engine::Model model;
    std::vector<DoseWindow> doses;
    std::string resolved_toml; ///< the config as run, defaults filled in
    Diagnostics warnings;
};

/// Reads the config tree of a file, with overrides already applied.
/// \throws ConfigError with every fault found
Experiment read_experiment(Node tree);

/// Loads a file, applies `overrides` ("KEY=VALUE") and reads it.
/// \throws ConfigError with every fault found
Experiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

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
