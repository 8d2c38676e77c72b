#include "experiment/experiment.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rewire::experiment {

std::string unknown_name(std::string_view kind, const std::string& name, const std::vector<std::string>& known) {
    if (known.empty()) return fmt::format("there is no {}", kind);
    const std::string near = nearest(name, known);
    return fmt::format("unknown {}{} must be one of {}", kind,
                       near.empty() ? ";" : fmt::format("; did you mean \"{}\"?", near), fmt::join(known, ", "));
}

std::string after_the_end(const engine::Model& model) {
    return fmt::format("is at or after the end of the experiment ({} s)", model.duration_s);
}

Span read_span(TableReader& reader, const engine::Model& model) {
    Span span;
    span.from_s = reader.quantity_or("from", "s", 0, time_from_0);
    const bool late = span.from_s >= model.duration_s;
    if (late) reader.warning("from", after_the_end(model));
    // Where the start is late, no end can be written that would be after it.
    if (late && !reader.has("to")) return {span.from_s, span.from_s};
    span.to_s = reader.quantity_or("to", "s", model.duration_s, time_from_0);
    if (span.to_s <= span.from_s) reader.error("to", fmt::format("must be after from ({} s)", span.from_s));
    return span;
}

namespace {

void read_general(TableReader& root, Experiment& experiment) {
    engine::Model& model = experiment.model;
    model.duration_s = longest_s; // without a duration nothing that follows is too late
    if (!root.require("experiment", "a table with a duration")) return;
    auto reader = root.section("experiment");
    if (!reader) return;
    experiment.title = reader->string_or("title", "");
    if (reader->require("duration", "how long to simulate, such as \"10 s\""))
        model.duration_s = reader->quantity("duration", "s", time_span).value_or(longest_s);
    const std::int64_t seed = reader->integer_or("seed", 1, non_negative);
    model.seed = static_cast<std::uint64_t>(seed);
    model.threads = static_cast<int>(reader->integer_or("threads", 0, {0, 4096}));
    model.multirate = reader->choice_or("mode", "full|multirate", "full") == "multirate";
    model.dt_ms = reader->quantity_or("dt", "ms", 0.1, {0.001, 10});
    model.slow_tick_s = reader->quantity_or("slow_tick", "s", 0.1, time_span);
    const double ticks = model.slow_tick_s * 1e3 / model.dt_ms;
    if (std::abs(ticks - std::round(ticks)) > 1e-6 || std::round(ticks) < 1)
        reader->error("slow_tick", fmt::format("must be a whole multiple of dt ({} ms)", model.dt_ms));
    if (model.duration_s * 1e3 < model.dt_ms * 0.5) {
        reader->error("duration", fmt::format("must be at least dt ({} ms)", model.dt_ms));
        model.duration_s = longest_s;
    }
    model.baseline_settle_s = reader->quantity_or("baseline_settle", "s", 1, time_from_0);
    model.baseline_measure_s = reader->quantity_or("baseline_measure", "s", 10, time_span);
    model.mg_mM = reader->quantity_or("magnesium", "mM", 1, non_negative);
    const std::vector<std::string> names = reader->string_list_or("regions", model.regions);
    if (names.empty()) reader->error("regions", "must name at least one region");
    if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
        reader->error("regions", "names a region twice");
    if (!names.empty()) model.regions = names;
    reader->finish();
}

} // namespace

Experiment read_experiment(Node tree) {
    Diagnostics diagnostics;
    Experiment experiment;
    {
        TableReader root(tree, "", diagnostics);
        read_general(root, experiment);
        read_network(root, experiment.model, diagnostics);
        read_stimuli(root, experiment.model);
        read_receptors_in_use(root, experiment.model);
        read_mechanisms(root, experiment.model, diagnostics);
        read_drugs(root, experiment.model, experiment.doses, diagnostics);
        read_schedule(root, experiment.model, experiment.doses);
        root.finish();
    }
    diagnostics.throw_if_errors();
    experiment.warnings = diagnostics;
    experiment.resolved_toml = to_toml(tree);
    return experiment;
}

Experiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
    Node tree = load_config(file);
    for (const std::string& assignment : overrides) apply_set(tree, assignment);
    return read_experiment(std::move(tree));
}

} // namespace rewire::experiment
