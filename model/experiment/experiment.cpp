#include "experiment/experiment.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiment/options.hpp"

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
    span.from_s = reader.quantity("from").value_or(0);
    const bool late = span.from_s >= model.duration_s;
    if (late) reader.warning("from", after_the_end(model));
    // Where the start is late, no end can be written that would be after it.
    if (late && !reader.has("to")) return {span.from_s, span.from_s};
    span.to_s = reader.quantity_or("to", model.duration_s);
    if (span.to_s <= span.from_s) reader.error("to", fmt::format("must be after from ({} s)", span.from_s));
    return span;
}

namespace {

void read_general(TableReader& root, Experiment& experiment) {
    engine::Model& model = experiment.model;
    model.duration_s = longest_s; // without a duration nothing that follows is too late
    auto reader = root.section<engine::Model>("experiment");
    if (!reader) return;
    experiment.title = reader->string("title").value_or("");
    reader->read(model);
    model.multirate = reader->string("mode") == "multirate";
    const double ticks = model.slow_tick_s * 1e3 / model.dt_ms;
    if (std::abs(ticks - std::round(ticks)) > 1e-6 || std::round(ticks) < 1)
        reader->error("slow_tick", fmt::format("must be a whole multiple of dt ({} ms)", model.dt_ms));
    if (model.duration_s * 1e3 < model.dt_ms * 0.5) {
        reader->error("duration", fmt::format("must be at least dt ({} ms)", model.dt_ms));
        model.duration_s = longest_s;
    }
    if (const auto names = reader->string_list("regions")) {
        if (names->empty()) reader->error("regions", "must name at least one region");
        if (std::set<std::string>(names->begin(), names->end()).size() != names->size())
            reader->error("regions", "names a region twice");
        if (!names->empty()) model.regions = *names;
    }
    reader->finish();
}

} // namespace

Experiment read_experiment(Node tree) {
    Diagnostics diagnostics;
    Experiment experiment;
    const Node as_given = tree.find("cohort") ? tree : Node{};
    {
        TableReader root(tree, "", diagnostics, keys_of<Config>());
        read_general(root, experiment);
        read_network(root, experiment.model, diagnostics);
        read_stimuli(root, experiment.model);
        read_receptors_in_use(root, experiment.model);
        read_mechanisms(root, experiment.model, diagnostics);
        read_drugs(root, experiment.model, experiment.doses, diagnostics);
        read_schedule(root, experiment.model, experiment.doses);
        read_cohort(root, as_given, experiment, diagnostics);
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
