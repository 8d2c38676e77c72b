// [population.*], [projection.*] and [[stimulus]].
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiment/experiment.hpp"
#include "quantity/units.hpp"
#include "record/hdf5.hpp"

namespace rewire::experiment {
namespace {

using network::Distribution;

constexpr Range probability{0, 1};
constexpr Range count_range{0, 4.0e9};
constexpr std::int64_t unknown_size =
    std::numeric_limits<std::int32_t>::max(); ///< of a population whose size is wrong: nothing is out of its range

/// Delays are whole numbers of steps in 16 bits.
constexpr double longest_delay_steps = 65535;

std::string delay_text(double dt_ms) {
    return fmt::format("must lie between dt ({} ms) and {} steps of it ({} ms)", dt_ms, longest_delay_steps,
                       longest_delay_steps * dt_ms);
}

/// A name that can be a group of the result file and a label of a column.
void check_name(TableReader& reader, std::string_view what) {
    const std::string name = reader.name();
    if (name.empty() || name.find_first_of("/ |") != std::string::npos)
        reader.error("", fmt::format("the name of a {} must not be empty nor hold spaces, slashes or bars", what));
}

/// "1 nS", or { distribution = "normal", mean = "1 nS", sd = "0.2 nS" }, or { distribution = "uniform", low, high }.
Distribution read_distribution(TableReader& reader, std::string_view key, std::string_view unit,
                               const Distribution& fallback, const Range& range = any_value) {
    Distribution d = fallback;
    if (!reader.has(key) || reader.node().find(key)->value.table() == nullptr) {
        d.kind = "constant";
        d.mean = reader.quantity_or(key, unit, fallback.mean, range);
        return d;
    }
    auto table = reader.section(key);
    d.kind = table->choice_or("distribution", "constant|normal|lognormal|uniform", "normal");
    if (d.kind == "uniform") {
        if (table->require("low", quantity_hint(unit))) d.low = table->quantity("low", unit, range).value_or(0);
        if (table->require("high", quantity_hint(unit))) d.high = table->quantity("high", unit, range).value_or(d.low);
        if (d.high < d.low) table->error("high", "must not be below low");
        d.mean = 0.5 * (d.low + d.high);
    } else {
        if (table->require("mean", quantity_hint(unit))) d.mean = table->quantity("mean", unit, range).value_or(0);
        if (d.kind != "constant" && table->require("sd", quantity_hint(unit)))
            d.sd = table->quantity("sd", unit, non_negative).value_or(0);
        if (d.kind == "lognormal" && d.mean == 0) table->error("mean", "must not be 0 for a lognormal distribution");
        if (d.kind == "normal" && d.mean == 0 && d.sd > 0 && unit != "mV")
            table->error("mean", "must not be 0, because values keep its sign");
    }
    table->finish();
    return d;
}

std::array<double, 3> read_vector(TableReader& reader, std::string_view key, const std::array<double, 3>& fallback,
                                  const Range& range) {
    const std::vector<double> values = reader.quantity_list_or(key, "um", {fallback.begin(), fallback.end()}, range);
    if (values.size() != 3) {
        reader.error(key, "must be three lengths, such as [\"300 um\", \"300 um\", \"300 um\"]");
        return fallback;
    }
    return {values[0], values[1], values[2]};
}

/// Parameters of [population.x.receptor.y]; `receptor` is what it is by default.
void read_receptor(TableReader& reader, synapse::Receptor& receptor) {
    // The kind is the first that is read.
    const auto applies = [&](std::string_view name) {
        return receptor.kind == "nmda" ||
               !(name.starts_with("share_") || name == "saturation" || name == "miniature_rate");
    };
    reader.read(receptor, applies, "is a parameter of NMDA receptors only");
}

void check_receptor(TableReader& reader, const synapse::Receptor& receptor) {
    if (receptor.tau_rise_ms >= receptor.tau_decay_ms)
        reader.error("tau_rise", fmt::format("must be below tau_decay ({} ms)", receptor.tau_decay_ms));
    if (receptor.kind == "nmda") {
        const double sum = receptor.share_2a + receptor.share_2b + receptor.share_2c + receptor.share_2d;
        if (std::abs(sum - 1) > 1e-6)
            reader.error("share_2a", fmt::format("the shares of 2A to 2D add up to {:g}: they must add up to 1", sum));
    }
}

/// The model variant whose Described name is `name`, with parameters read from the population's table.
neuron::Model read_model(TableReader& reader, const std::string& name) {
    neuron::Model model;
    const auto try_model = [&]<class M>(M candidate) {
        if (Described<M>::name != name) return;
        reader.read(candidate);
        if constexpr (requires { candidate.peak_mV; }) {
            if (candidate.peak_mV <= candidate.threshold_mV) reader.error("peak", "must be above threshold");
            if (candidate.reset_mV >= candidate.peak_mV) reader.error("reset", "must be below peak");
        } else if (candidate.reset_mV >= candidate.threshold_mV) {
            reader.error("reset", "must be below threshold");
        }
        model = candidate;
    };
    [&]<class... M>(std::variant<M...>*) { (try_model(M{}), ...); }(static_cast<neuron::Model*>(nullptr));
    return model;
}

std::string model_names() {
    return []<class... M>(std::variant<M...>*) {
        std::string names;
        ((names += (names.empty() ? "" : "|") + std::string(Described<M>::name)), ...);
        return names;
    }(static_cast<neuron::Model*>(nullptr));
}

void read_receptors(TableReader& reader, network::Population& population) {
    const bool currents = neuron::uses_currents(population.model);
    for (const char* kind : currents ? std::vector{"current"} : std::vector{"ampa", "nmda", "gaba_a"})
        population.receptors.push_back(synapse::default_receptor(kind));
    if (!reader.table("receptor")) return;
    for (TableReader& table : reader.sections("receptor")) {
        const std::string name = table.name();
        const auto known = std::find_if(population.receptors.begin(), population.receptors.end(),
                                        [&](const auto& r) { return r.name == name; });
        synapse::Receptor receptor;
        if (known != population.receptors.end()) {
            receptor = *known;
        } else {
            check_name(table, "receptor");
            if (!table.require("kind", "one of ampa, nmda, gaba_a, current")) continue;
            const Node& kind = table.node().find("kind")->value;
            const auto* text = std::get_if<std::string>(&kind.value);
            receptor = synapse::default_receptor(text ? *text : "ampa");
            receptor.name = name;
        }
        read_receptor(table, receptor);
        if ((receptor.kind == "current") != currents)
            table.error("kind",
                        currents ? "a neuron model with synaptic currents takes receptors of the kind \"current\" only"
                                 : "the kind \"current\" needs a neuron model with synaptic currents, such as "
                                   "lif_current");
        check_receptor(table, receptor);
        table.finish();
        if (known != population.receptors.end())
            *known = receptor;
        else
            population.receptors.push_back(receptor);
    }
}

const char* weight_unit(const synapse::Receptor& receptor) { return receptor.kind == "current" ? "pA" : "nS"; }
/// A conductance is never negative: the reversal potential makes inhibition.
Range weight_range(const synapse::Receptor& receptor) { return receptor.kind == "current" ? any_value : non_negative; }

network::Population read_population(TableReader& reader, const engine::Model& model) {
    network::Population p;
    p.name = reader.name();
    check_name(reader, "population");
    if (reader.require("size", "a number of neurons"))
        p.size = reader.integer("size", at_least_one).value_or(unknown_size);
    if (p.size != unknown_size && p.size > 100'000'000) {
        reader.error("size", "must be 100000000 or less");
        p.size = unknown_size;
    }
    const std::string name = reader.choice_or("model", model_names(), "adex");
    p.model = read_model(reader, name);
    const std::string region = reader.string_or("region", model.regions.front());
    p.region = index_of(reader, "region", "region", region, model.regions).value_or(0);
    p.box_um = read_vector(reader, "box", p.box_um, non_negative);
    p.origin_um = read_vector(reader, "origin", p.origin_um, any_value);
    p.current_pA = reader.quantity_or("current", "pA", 0);
    read_receptors(reader, p);
    p.tonic_nmda_nS = reader.quantity_or("tonic_nmda", "nS", 0, non_negative);
    p.extrasynaptic = synapse::default_receptor("nmda");
    if (auto table = p.tonic_nmda_nS > 0 ? reader.section_or_empty("extrasynaptic") : reader.section("extrasynaptic")) {
        synapse::Receptor& mix = p.extrasynaptic;
        mix.share_2a = table->number_or("share_2a", mix.share_2a, fraction);
        mix.share_2b = table->number_or("share_2b", mix.share_2b, fraction);
        mix.share_2c = table->number_or("share_2c", mix.share_2c, fraction);
        mix.share_2d = table->number_or("share_2d", mix.share_2d, fraction);
        check_receptor(*table, mix);
        table->finish();
    }
    if (p.tonic_nmda_nS > 0 && neuron::uses_currents(p.model))
        reader.error("tonic_nmda", "a neuron model with synaptic currents has no NMDA conductance");
    if (reader.has("initial")) p.initial_mV = read_distribution(reader, "initial", "mV", {});
    if (p.initial_mV && p.initial_mV->kind == "lognormal")
        reader.error("initial", "distribution must be constant, normal or uniform");
    if (auto table = reader.section("background")) {
        network::Background b;
        b.sources = table->integer_or("sources", 100, {1, 1e9});
        if (table->require("rate", "the rate of one source, such as \"5 Hz\""))
            b.rate_Hz = table->quantity("rate", "Hz", non_negative).value_or(0);
        const std::string receptor = table->string_or("receptor", p.receptors.front().name);
        b.receptor = index_of(*table, "receptor", "receptor", receptor, p.receptors).value_or(0);
        if (table->require("weight", quantity_hint(weight_unit(p.receptors[b.receptor]))))
            b.weight =
                table->quantity("weight", weight_unit(p.receptors[b.receptor]), weight_range(p.receptors[b.receptor]))
                    .value_or(0);
        if (static_cast<double>(b.sources) * b.rate_Hz * model.dt_ms * 1e-3 > 500)
            table->error("rate", "more than 500 spikes a step to a neuron: must be lower");
        table->finish();
        p.background = b;
    }
    reader.finish();
    return p;
}

/// Columns of equal length, finite weights, delays that the ring of spikes can hold.
void check_columns(TableReader& table, const network::PairwiseColumns& columns, double dt_ms) {
    const std::size_t n = columns.source.size();
    for (const auto& [name, size] :
         {std::pair("target", columns.target.size()), std::pair("weight", columns.weight.size()),
          std::pair("delay_ms", columns.delay_ms.size())})
        if (size != n && (size > 0 || std::string_view(name) == "target"))
            table.error(
                "pairwise",
                fmt::format("the column {} of the file has {} entries: must be as many as source ({})", name, size, n));
    for (const double weight : columns.weight)
        if (!std::isfinite(weight)) return table.error("pairwise", "the column weight of the file must be finite");
    for (const double delay_ms : columns.delay_ms)
        if (!(delay_ms >= dt_ms * (1 - 1e-9) && delay_ms <= longest_delay_steps * dt_ms))
            return table.error(
                "pairwise", fmt::format("the column delay_ms of the file holds {}: {}", delay_ms, delay_text(dt_ms)));
}

network::Rule read_rule(TableReader& reader, const engine::Model& model, network::PairwiseColumns& columns) {
    network::Rule rule;
    static const std::string kinds = "probability, fixed_indegree, fixed_outdegree, all_to_all, one_to_one, pairwise";
    if (!reader.require("rule", "one of " + kinds + ", such as { probability = 0.1 }")) return rule;
    Node& node = reader.node().find("rule")->value;
    if (std::holds_alternative<std::string>(node.value)) { // "all_to_all" is { all_to_all = true }
        const auto kind = reader.choice("rule", "all_to_all|one_to_one");
        if (!kind) return rule;
        node.value = Node::Table{{*kind, node.place, {true, node.place}}};
    }
    auto table = reader.section("rule");
    if (!table) return rule;
    int found = 0;
    const auto is = [&](const char* kind) {
        if (!table->has(kind)) return false;
        rule.kind = kind;
        ++found;
        return true;
    };
    if (is("probability")) rule.probability = table->number("probability", probability).value_or(0);
    if (is("fixed_indegree")) rule.degree = table->integer("fixed_indegree", count_range).value_or(0);
    if (is("fixed_outdegree")) rule.degree = table->integer("fixed_outdegree", count_range).value_or(0);
    for (const char* kind : {"all_to_all", "one_to_one"})
        if (is(kind) && !table->boolean(kind).value_or(true)) table->error(kind, "must be true where it is given");
    if (is("pairwise")) {
        rule.file = table->string("pairwise").value_or("");
        // Relative to the file that says it; an override of the command line to where the program runs.
        Node& said = table->node().find("pairwise")->value;
        std::filesystem::path file = rule.file;
        if (file.is_relative() && said.place.line > 0)
            file = std::filesystem::path(said.place.file).parent_path() / file;
        // The resolved config must find the file from anywhere.
        if (!rule.file.empty()) said.value = std::filesystem::absolute(file).lexically_normal().string();
        rule.file = file.string();
        try {
            columns.source = record::read_column<std::uint32_t>(rule.file, "source");
            columns.target = record::read_column<std::uint32_t>(rule.file, "target");
            if (record::File::open(rule.file).exists("weight"))
                columns.weight = record::read_column<double>(rule.file, "weight");
            if (record::File::open(rule.file).exists("delay_ms"))
                columns.delay_ms = record::read_column<double>(rule.file, "delay_ms");
            check_columns(*table, columns, model.dt_ms);
        } catch (const record::Hdf5Error& error) {
            table->error("pairwise",
                         fmt::format("must be an HDF5 file with the columns source and target: {}", error.what()));
        }
    }
    if (found == 0) table->error("", "must name a rule: one of " + kinds);
    if (found > 1) table->error("", "names more than one rule; must be one of " + kinds);
    if (rule.kind == "probability") {
        if (table->has("sigma")) rule.sigma_um = table->quantity("sigma", "um", positive).value_or(0);
    }
    // The others pair neurons one by one: a neuron and itself, if they say so.
    if (rule.kind != "one_to_one" && rule.kind != "pairwise") rule.autapses = table->boolean_or("autapses", false);
    if (rule.kind.starts_with("fixed")) rule.multapses = table->boolean_or("multapses", true);
    table->finish();
    return rule;
}

void read_shares(TableReader& reader, const network::Population& target, network::Projection& projection) {
    const auto add = [&](const std::string& name, double scale) {
        if (const auto index =
                index_of(reader, "receptors", fmt::format("receptor of {}", target.name), name, target.receptors))
            projection.receptors.push_back({*index, scale});
    };
    if (!reader.has("receptors")) {
        reader.require("receptors", "what the synapses act on, such as [\"ampa\"] or { ampa = 1, nmda = 0.3 }");
    } else if (reader.node().find("receptors")->value.table()) {
        auto table = reader.section("receptors");
        std::vector<std::string> names;
        for (const Entry& e : *table->node().table()) names.push_back(e.key);
        if (names.empty()) reader.error("receptors", "must be one or two");
        for (const std::string& name : names) add(name, table->number(name, non_negative).value_or(1));
        table->finish();
    } else if (const auto names = reader.string_list("receptors")) {
        if (names->empty()) reader.error("receptors", "must be one or two");
        for (const std::string& name : *names) add(name, 1);
    }
    if (projection.receptors.size() > 2) reader.error("receptors", "must be one or two");
    if (projection.receptors.empty()) projection.receptors.push_back({0, 1});
    for (const network::ReceptorShare& share : projection.receptors) {
        const std::string& kind = target.receptors[share.receptor].kind;
        projection.glutamatergic = projection.glutamatergic || kind == "ampa" || kind == "nmda";
    }
    if (projection.receptors.size() == 2 && projection.receptors[0].receptor == projection.receptors[1].receptor)
        reader.error("receptors", "names a receptor twice");
}

/// [projection.x.structural]; an entry of model.structure is made later, when all of it is known.
void read_structural(TableReader& reader, network::Projection& projection, std::size_t index, engine::Model& model) {
    auto table = reader.section("structural");
    if (!table) return;
    projection.structural = true;
    engine::StructuralProjection s;
    s.projection = index;
    s.rule = table->choice_or("rule", "spines|elements", "spines");
    if (table->has("sigma")) s.sigma_um = table->quantity("sigma", "um", positive).value_or(0);
    if (s.rule == "elements") {
        s.initial_elements = table->number_or("initial_elements", 0, non_negative);
        for (auto [key, rule] : {std::pair("axonal", &s.axonal), std::pair("dendritic", &s.dendritic)}) {
            auto growth = table->section(key);
            if (!growth) {
                table->require(key, "a growth rule, such as { rule = \"gaussian\", target = 0.05 }");
                continue;
            }
            growth->read(*rule);
            if (rule->rule == "gaussian" && rule->eta >= rule->target) growth->error("eta", "must be below target");
            growth->finish();
        }
    }
    if (projection.delay_ms.kind != "constant") reader.error("delay", "must be constant where synapses form");
    if (projection.rule.kind == "pairwise") reader.error("rule", "must not be pairwise where synapses form");
    table->finish();
    if (!model.structure) model.structure.emplace();
    model.structure->projections.push_back(s);
}

void read_long_term(TableReader& reader, synapse::LongTerm& p) {
    // The rule is the first that is read.
    const auto applies = [&](std::string_view name) {
        if (name == "weight_dependence" || name == "depression") return p.rule == "pair";
        if (name == "exponent") return p.rule == "pair" && p.weight_dependence == "power_law";
        return name != "target_rate" || p.rule == "inhibitory";
    };
    reader.read(p, applies, "is no parameter of this rule");
    if (p.maximum < 1) reader.error("maximum", "must be 1 or more: weights start there on average");
}

network::Projection read_projection(TableReader& reader, std::size_t index, engine::Model& model,
                                    network::PairwiseColumns& columns) {
    network::Projection p;
    p.name = reader.name();
    check_name(reader, "projection");
    const std::string from = reader.required_string("from", "the name of a population");
    const std::string to = reader.required_string("to", "the name of a population");
    const auto source = from.empty() ? std::nullopt : index_of(reader, "from", "population", from, model.populations);
    const auto target = to.empty() ? std::nullopt : index_of(reader, "to", "population", to, model.populations);
    if (!source || !target) { // the rest depends on them; its keys are not complained of
        for (const Entry& e : *reader.node().table()) reader.has(e.key);
        if (reader.has("structural") && !model.structure)
            model.structure.emplace(); // or [structure] would seem to have none
        return p;
    }
    p.source = *source;
    p.target = *target;
    p.rule = read_rule(reader, model, columns);
    read_shares(reader, model.populations[p.target], p);
    const synapse::Receptor& receptor = model.populations[p.target].receptors[p.receptors.front().receptor];
    const char* unit = weight_unit(receptor);
    const auto in_file = [&](const char* key, const char* column, const std::vector<double>& values) {
        if (!values.empty() && reader.has(key))
            reader.error(key, fmt::format("the file of the rule has a column {} already", column));
        return !values.empty();
    };
    if (in_file("weight", "weight", columns.weight)) {
        p.weight.mean = 1;
        for (const double weight : columns.weight)
            if (!weight_range(receptor).contains(weight) && std::isfinite(weight)) {
                reader.error("rule", fmt::format("the column weight of the file holds {}: {}", weight,
                                                 range_text(weight_range(receptor), unit)));
                break;
            }
    } else if (reader.require("weight", quantity_hint(unit))) {
        p.weight = read_distribution(reader, "weight", unit, {}, weight_range(receptor));
    }
    const Distribution usual_delay{.mean = 1.5};
    p.delay_ms = in_file("delay", "delay_ms", columns.delay_ms)
                     ? usual_delay
                     : read_distribution(reader, "delay", "ms", usual_delay, positive);
    // Draws of other distributions are rounded to the grid, one step at least.
    const bool uniform = p.delay_ms.kind == "uniform";
    if ((p.delay_ms.kind == "constant" && p.delay_ms.mean < model.dt_ms * (1 - 1e-9)) ||
        (uniform ? p.delay_ms.high : p.delay_ms.mean) > longest_delay_steps * model.dt_ms)
        reader.error("delay", delay_text(model.dt_ms));
    if (auto table = reader.section("short_term")) {
        p.short_term.emplace();
        table->read(*p.short_term);
        table->finish();
    }
    if (auto table = reader.section("long_term")) {
        p.long_term.emplace();
        read_long_term(*table, *p.long_term);
        if (p.weight.kind != "uniform" && p.weight.mean == 0)
            reader.error("weight", "must not be 0 on average where weights are plastic: they are relative to it");
        if (reader.has("structural")) reader.error("long_term", "must not stand beside structural");
        table->finish();
    }
    const std::size_t n = static_cast<std::size_t>(model.populations[p.source].size),
                      m = static_cast<std::size_t>(model.populations[p.target].size);
    const std::size_t partners =
        (p.rule.kind == "fixed_indegree" ? n : m) - (p.source == p.target && !p.rule.autapses ? 1 : 0);
    const bool sizes_known =
        model.populations[p.source].size != unknown_size && model.populations[p.target].size != unknown_size;
    if (sizes_known && p.rule.kind == "one_to_one" && n != m)
        reader.error("rule", fmt::format("one_to_one between {} and {} neurons: sizes must be equal", n, m));
    if (p.rule.kind.starts_with("fixed") && p.rule.degree > 0 &&
        (partners == 0 || (!p.rule.multapses && p.rule.degree > static_cast<std::int64_t>(partners))))
        reader.error("rule", fmt::format("{} = {}: must be at most {}, the number of partners", p.rule.kind,
                                         p.rule.degree, partners));
    for (std::size_t k = 0; k < std::min(columns.source.size(), columns.target.size()); ++k)
        if (columns.source[k] >= n || columns.target[k] >= m) {
            reader.error("rule", fmt::format("the pair {} in the file is {} -> {}: must be below {} and {}", k,
                                             columns.source[k], columns.target[k], n, m));
            break;
        }
    read_structural(reader, p, index, model);
    reader.finish();
    return p;
}

} // namespace

void read_network(TableReader& root, engine::Model& model, Diagnostics&) {
    constexpr const char* needed = "at least one table [population.NAME]";
    if (root.require("population", needed) && root.table("population")) {
        if (root.table("population")->table()->empty()) root.error("population", fmt::format("{} is needed", needed));
        for (TableReader& reader : root.sections("population"))
            model.populations.push_back(read_population(reader, model));
    }
    if (!root.table("projection")) return;
    for (TableReader& reader : root.sections("projection")) {
        network::PairwiseColumns columns;
        const std::size_t index = model.projections.size();
        model.projections.push_back(read_projection(reader, index, model, columns));
        model.pairwise.push_back(std::move(columns));
    }
}

void read_stimuli(TableReader& root, engine::Model& model) {
    if (!root.has("stimulus")) return;
    for (TableReader& reader : root.sections("stimulus")) {
        engine::Stimulus s;
        const std::string population = reader.required_string("population", "the name of a population");
        const auto index = population.empty()
                               ? std::nullopt
                               : index_of(reader, "population", "population", population, model.populations);
        if (reader.require("kind", "one of poisson, current_step, current_ramp, spikes"))
            s.kind = reader.choice("kind", "poisson|current_step|current_ramp|spikes").value_or("");
        if (!index || s.kind.empty()) {
            for (const Entry& e : *reader.node().table()) reader.has(e.key);
            continue;
        }
        s.population = *index;
        const network::Population& target = model.populations[s.population];
        if (s.kind != "spikes") {
            const Span span = read_span(reader, model);
            s.from_s = span.from_s;
            s.to_s = span.to_s;
        }
        s.count = target.size;
        if (reader.has("neurons")) {
            const auto range = reader.quantity_list("neurons", "1", {0, static_cast<double>(target.size)});
            if (range && (range->size() != 2 || (*range)[1] <= (*range)[0] || std::floor((*range)[0]) != (*range)[0] ||
                          std::floor((*range)[1]) != (*range)[1]))
                reader.error("neurons", fmt::format("must be [first, end) with 0 <= first < end <= {}", target.size));
            else if (range) {
                s.first = static_cast<std::int64_t>((*range)[0]);
                s.count = static_cast<std::int64_t>((*range)[1]) - s.first;
            }
        }
        if (s.kind.starts_with("current")) {
            if (reader.require("amplitude", quantity_hint("pA")))
                s.amplitude_pA = reader.quantity("amplitude", "pA").value_or(0);
            if (s.kind == "current_ramp" && reader.require("end_amplitude", quantity_hint("pA")))
                s.end_amplitude_pA = reader.quantity("end_amplitude", "pA").value_or(0);
        } else {
            const std::string receptor = reader.string_or("receptor", target.receptors.front().name);
            s.receptor =
                index_of(reader, "receptor", fmt::format("receptor of {}", target.name), receptor, target.receptors)
                    .value_or(0);
            const char* unit = weight_unit(target.receptors[s.receptor]);
            if (reader.require("weight", quantity_hint(unit)))
                s.weight = reader.quantity("weight", unit, weight_range(target.receptors[s.receptor])).value_or(0);
            if (s.kind == "poisson") {
                if (reader.require("rate", quantity_hint("Hz")))
                    s.rate_Hz = reader.quantity("rate", "Hz", non_negative).value_or(0);
                if (s.rate_Hz * model.dt_ms * 1e-3 > 500)
                    reader.error("rate", "more than 500 spikes a step to a neuron: must be lower");
            } else {
                std::vector<double> times, neurons;
                if (reader.require("times", "a list of times, such as [\"10 ms\", \"20 ms\"]"))
                    times = reader.quantity_list("times", "s", time_from_0).value_or(times);
                if (reader.has("targets")) {
                    neurons = reader.quantity_list("targets", "1", {0, static_cast<double>(target.size - 1)})
                                  .value_or(neurons);
                    if (reader.has("neurons"))
                        reader.error("targets", "names a neuron for each time: neurons must not be given too");
                    for (const double i : neurons)
                        if (std::floor(i) != i) reader.error("targets", "must be whole numbers");
                    if (neurons.size() != times.size())
                        reader.error("targets", fmt::format("has {} entries: must be as many as times ({})",
                                                            neurons.size(), times.size()));
                    neurons.resize(times.size());
                }
                // Without targets, every time is a volley to all neurons of the range.
                std::vector<std::pair<double, std::uint32_t>> volley;
                for (std::size_t k = 0; k < times.size(); ++k) {
                    if (times[k] >= model.duration_s)
                        reader.warning("times", fmt::format("{} s {}", times[k], after_the_end(model)));
                    if (!neurons.empty())
                        volley.emplace_back(times[k], static_cast<std::uint32_t>(neurons[k]));
                    else if (target.size != unknown_size)
                        for (std::int64_t i = s.first; i < s.first + s.count; ++i)
                            volley.emplace_back(times[k], static_cast<std::uint32_t>(i));
                }
                std::sort(volley.begin(), volley.end());
                for (const auto& [t, i] : volley) {
                    s.times_s.push_back(t);
                    s.neurons.push_back(i);
                }
            }
        }
        reader.finish();
        model.stimuli.push_back(std::move(s));
    }
}

void read_receptors_in_use(TableReader& root, const engine::Model& model) {
    std::vector<std::set<std::size_t>> used(model.populations.size());
    for (std::size_t p = 0; p < used.size(); ++p)
        if (model.populations[p].background) used[p].insert(model.populations[p].background->receptor);
    for (const network::Projection& projection : model.projections)
        for (const network::ReceptorShare& share : projection.receptors) used[projection.target].insert(share.receptor);
    for (const engine::Stimulus& s : model.stimuli)
        if (!s.kind.starts_with("current")) used[s.population].insert(s.receptor);

    for (std::size_t p = 0; p < used.size(); ++p) {
        const network::Population& population = model.populations[p];
        auto table = root.section("population")->section(population.name);
        std::vector<std::string> nmda;
        for (const std::size_t r : used[p])
            if (population.receptors[r].kind == "nmda") nmda.push_back(population.receptors[r].name);
        if (nmda.size() > 1)
            table->error("receptor", fmt::format("synapses, background or stimuli act on the NMDA receptors "
                                                 "{}: must be one, the NMDA pool of a population",
                                                 fmt::join(nmda, ", ")));
        const Entry* said = table->node().find("receptor");
        if (said && !said->value.table()) continue; // complained of already
        for (const std::size_t r : used[p]) {
            synapse::Receptor receptor = population.receptors[r];
            auto receptors = table->section_or_empty("receptor");
            if (receptors->has(receptor.name)) continue; // read already
            auto added = receptors->section_or_empty(receptor.name);
            read_receptor(*added, receptor);
        }
    }
}

} // namespace rewire::experiment
