// [population.*], [projection.*] and [[stimulus]].
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "experiment/experiment.hpp"
#include "experiment/options.hpp"
#include "network/draws.hpp"
#include "quantity/units.hpp"
#include "record/hdf5.hpp"

namespace rewire::experiment {
namespace {

using network::Distribution;

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
        d.mean = reader.quantity(key, unit, range).value_or(fallback.mean);
        return d;
    }
    auto table = reader.section<Distribution>(key);
    d.kind = table->string("distribution").value_or("normal");
    if (d.kind == "uniform") {
        d.low = table->quantity("low", unit, range).value_or(0);
        d.high = table->quantity("high", unit, range).value_or(d.low);
        if (d.high < d.low) table->error("high", "must not be below low");
        d.mean = 0.5 * (d.low + d.high);
    } else {
        d.mean = table->quantity("mean", unit, range).value_or(0);
        if (d.kind != "constant") d.sd = table->quantity("sd", unit, non_negative).value_or(0);
        if (d.kind == "lognormal" && d.mean == 0) table->error("mean", "must not be 0 for a lognormal distribution");
        if (d.kind == "normal" && d.mean == 0 && d.sd > 0 && unit != "mV")
            table->error("mean", "must not be 0, because values keep its sign");
    }
    table->finish();
    return d;
}

std::array<double, 3> read_vector(TableReader& reader, std::string_view key, const std::array<double, 3>& fallback) {
    const auto values = reader.quantity_list(key);
    if (values && values->size() == 3) return {(*values)[0], (*values)[1], (*values)[2]};
    if (values) reader.error(key, "must be three lengths, such as [\"300 um\", \"300 um\", \"300 um\"]");
    return fallback;
}

/// Of a mix that the config gives, what it leaves out is 0: the default mix is one of its own.
void forget_mix_if_given(TableReader& reader, synapse::Receptor& receptor) {
    if (std::ranges::any_of(*reader.node().table(), [](const Entry& e) { return e.key.starts_with("share_"); }))
        receptor.share_2a = receptor.share_2b = receptor.share_2c = receptor.share_2d = 0;
}

/// Parameters of [population.x.receptor.y]; `receptor` is what it is by default.
void read_receptor(TableReader& reader, synapse::Receptor& receptor) {
    // The kind is the first that is read, and whether the decay is that of the subunits comes before any decay.
    const auto applies = [&](std::string_view name) {
        if (name == "tau_decay") return !receptor.subunit_decay;
        if (name.starts_with("tau_2")) return receptor.subunit_decay;
        return receptor.kind == "nmda" || !(name.starts_with("share_") || name == "subunit_decay" ||
                                            name == "saturation" || name == "miniature_rate");
    };
    forget_mix_if_given(reader, receptor);
    reader.read(receptor, applies,
                "is not a parameter here: shares, subunit_decay, saturation and miniature_rate are of NMDA receptors "
                "only, tau_2a to tau_2d of those with subunit_decay, tau_decay of those without");
    if (receptor.subunit_decay) receptor.tau_decay_ms = synapse::decay_of_mix_ms(receptor);
}

void check_receptor(TableReader& reader, const synapse::Receptor& receptor) {
    if (receptor.tau_rise_ms >= receptor.tau_decay_ms)
        reader.error("tau_rise", fmt::format("must be below tau_decay ({} ms)", receptor.tau_decay_ms));
    if (receptor.kind == "nmda") {
        const double sum = receptor.share_2a + receptor.share_2b + receptor.share_2c + receptor.share_2d;
        if (std::abs(sum - 1) > 1e-6) {
            const auto& entries = *reader.node().table();
            const auto given =
                std::ranges::find_if(entries, [](const Entry& e) { return e.key.starts_with("share_"); });
            reader.error(
                given != entries.end() ? given->key : "share_2a",
                fmt::format("the shares of 2A to 2D, 0 where not given, add up to {:g}: they must add up to 1", sum));
        }
    }
}

/// The model variant whose Described name is `name`, with parameters read from the population's table.
neuron::Model read_model(TableReader& reader, const std::string& name) {
    neuron::Model model;
    const auto try_model = [&]<class M>(M candidate) {
        if (Described<M>::name != name) return;
        reader.read(candidate);
        if constexpr (requires { candidate.peak_mV; }) {
            if (candidate.peak_mV <= spike_threshold_mV(candidate)) reader.error("peak", "must be above threshold");
            if (candidate.reset_mV >= candidate.peak_mV) reader.error("reset", "must be below peak");
        } else if (candidate.reset_mV >= spike_threshold_mV(candidate)) {
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

synapse::Receptor receptor_of(const engine::Model& model, const std::string& kind) {
    synapse::Receptor receptor = synapse::default_receptor(kind);
    receptor.mg_half_mM = synapse::mg_halves_mM(model.mg_half_ab_mM, model.mg_half_cd_mM);
    return receptor;
}

void read_receptors(TableReader& reader, network::Population& population, const engine::Model& model) {
    const bool currents = neuron::uses_currents(population.model);
    for (const char* kind : currents ? std::vector{"current"} : std::vector{"ampa", "nmda", "gaba_a"})
        population.receptors.push_back(receptor_of(model, kind));
    if (!reader.table("receptor")) return;
    for (TableReader& table : reader.sections<synapse::Receptor>("receptor")) {
        const std::string name = table.name();
        const auto known = std::find_if(population.receptors.begin(), population.receptors.end(),
                                        [&](const auto& r) { return r.name == name; });
        synapse::Receptor receptor;
        if (known != population.receptors.end()) {
            receptor = *known;
        } else {
            check_name(table, "receptor");
            const Entry* kind = table.node().find("kind");
            if (!kind && name != "gaba_b") {
                table.error("kind",
                            "is missing; one of ampa, nmda, gaba_a, gaba_b, current is needed by a new receptor");
                continue;
            }
            const auto* text = kind ? std::get_if<std::string>(&kind->value.value) : &name;
            receptor = receptor_of(model, text ? *text : "ampa");
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
    p.size = unknown_size;
    reader.read(p);
    p.model = read_model(reader, reader.string("model", model_names()).value_or("adex"));
    const std::string region = reader.string_or("region", model.regions.front());
    p.region = index_of(reader, "region", "region", region, model.regions).value_or(0);
    p.box_um = read_vector(reader, "box", p.box_um);
    p.origin_um = read_vector(reader, "origin", p.origin_um);
    read_receptors(reader, p, model);
    p.extrasynaptic = receptor_of(model, "nmda");
    if (auto table = p.tonic_nmda_nS > 0 ? reader.section_or_empty<synapse::Receptor>("extrasynaptic")
                                         : reader.section<synapse::Receptor>("extrasynaptic")) {
        forget_mix_if_given(*table, p.extrasynaptic);
        table->read(p.extrasynaptic, [](std::string_view parameter) { return parameter.starts_with("share_"); });
        check_receptor(*table, p.extrasynaptic);
        table->finish();
    }
    if (p.tonic_nmda_nS > 0 && neuron::uses_currents(p.model))
        reader.error("tonic_nmda", "a neuron model with synaptic currents has no NMDA conductance");
    if (reader.has("initial")) p.initial_mV = read_distribution(reader, "initial", "mV", {});
    if (p.initial_mV && p.initial_mV->kind == "lognormal")
        reader.error("initial", "distribution must be constant, normal or uniform");
    if (auto table = reader.section<network::Background>("background")) {
        network::Background b;
        table->read(b);
        const std::string receptor = table->string_or("receptor", p.receptors.front().name);
        b.receptor = index_of(*table, "receptor", "receptor", receptor, p.receptors).value_or(0);
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
    std::string kinds; // every key that is not an option of one
    for (const Key& key : Described<network::Rule>::keys)
        if (key.name != "sigma") kinds += (kinds.empty() ? "" : ", ") + std::string(key.name);
    if (!reader.require("rule")) return rule;
    Node& node = reader.node().find("rule")->value;
    if (std::holds_alternative<std::string>(node.value)) { // "all_to_all" is { all_to_all = true }
        const auto kind = reader.string("rule", "all_to_all|one_to_one");
        if (!kind) return rule;
        node.value = Node::Table{{*kind, node.place, {true, node.place}}};
    }
    auto table = reader.section<network::Rule>("rule");
    if (!table) return rule;
    int found = 0;
    const auto is = [&](const char* kind) {
        if (!table->has(kind)) return false;
        rule.kind = kind;
        ++found;
        return true;
    };
    if (is("probability")) rule.probability = table->quantity("probability").value_or(0);
    if (is("fixed_indegree")) rule.degree = table->integer("fixed_indegree").value_or(0);
    if (is("fixed_outdegree")) rule.degree = table->integer("fixed_outdegree").value_or(0);
    if (is("fixed_total_number")) rule.number = table->integer("fixed_total_number").value_or(0);
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
    if (rule.kind == "probability") rule.sigma_um = table->quantity("sigma").value_or(0);
    table->read(rule, [&](std::string_view parameter) {
        if (parameter == "multapses") return rule.kind.starts_with("fixed");
        // The others pair neurons one by one: a neuron and itself, if they say so.
        return rule.kind != "one_to_one" && rule.kind != "pairwise";
    });
    table->finish();
    return rule;
}

void read_shares(TableReader& reader, const network::Population& target, network::Projection& projection) {
    const auto add = [&](const std::string& name, double scale) {
        if (const auto index =
                index_of(reader, "receptors", fmt::format("receptor of {}", target.name), name, target.receptors))
            projection.receptors.push_back({*index, scale});
    };
    if (!reader.require("receptors")) {
        // complained of
    } else if (reader.node().find("receptors")->value.table()) {
        auto table = reader.section<network::ReceptorShare>("receptors");
        std::vector<std::string> names;
        for (const Entry& e : *table->node().table()) names.push_back(e.key);
        if (names.empty()) reader.error("receptors", "must be one or two");
        for (const std::string& name : names) add(name, table->quantity(name).value_or(1));
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
    auto table = reader.section<engine::StructuralProjection>("structural");
    if (!table) return;
    projection.structural = true;
    engine::StructuralProjection s;
    s.projection = index;
    table->read(s, [](std::string_view parameter) { return parameter == "rule"; });
    s.sigma_um = table->quantity("sigma").value_or(0);
    if (s.rule == "elements") {
        table->read(s, [](std::string_view parameter) { return parameter != "rule"; });
        for (auto [key, rule] : {std::pair("axonal", &s.axonal), std::pair("dendritic", &s.dendritic)}) {
            auto growth = table->section<structure::GrowthRule>(key);
            if (!growth) continue;
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
    const Entry* rule = reader.node().find("rule");
    const auto* text = rule ? std::get_if<std::string>(&rule->value.value) : nullptr;
    p = synapse::default_long_term(text ? *text : p.rule);
    // The rule is the first that is read.
    const auto applies = [&](std::string_view name) {
        if (name == "weight_dependence" || name == "depression") return p.rule == "pair";
        if (name == "exponent") return p.rule == "pair" && p.weight_dependence == "power_law";
        if (name == "learning_rate") return p.rule != "triplet";
        if (name.ends_with("_slow") || name.starts_with("pair_") || name.starts_with("triplet_"))
            return p.rule == "triplet";
        if (name == "nmda_dependence_of_depression") return p.rule != "inhibitory";
        return name != "target_rate" || p.rule == "inhibitory";
    };
    reader.read(p, applies, "is no parameter of this rule");
    // The balance of the rule counts every spike.
    if (p.rule == "inhibitory" && p.pairing == "nearest") reader.error("pairing", "must be all_to_all for this rule");
    if (p.maximum < 1) reader.error("maximum", "must be 1 or more: weights start there on average");
}

network::Projection read_projection(TableReader& reader, std::size_t index, engine::Model& model,
                                    network::PairwiseColumns& columns) {
    network::Projection p;
    p.name = reader.name();
    check_name(reader, "projection");
    const auto from = reader.string("from");
    const auto to = reader.string("to");
    const auto source = from ? index_of(reader, "from", "population", *from, model.populations) : std::nullopt;
    const auto target = to ? index_of(reader, "to", "population", *to, model.populations) : std::nullopt;
    if (!source || !target) { // the rest depends on them
        reader.finish_early();
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
    } else {
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
    else if (p.delay_ms.kind.ends_with("normal") && p.delay_ms.mean > 0 && p.delay_ms.sd > 0)
        try { // tails may reach where means do not
            network::delay_table(p.delay_ms, model.dt_ms);
        } catch (const std::invalid_argument&) {
            reader.error("delay", fmt::format("with a mean of {} ms and an sd of {} ms reaches further: delays {}",
                                              p.delay_ms.mean, p.delay_ms.sd, delay_text(model.dt_ms)));
        }
    if (auto table = reader.section<synapse::ShortTerm>("short_term")) {
        p.short_term.emplace();
        table->read(*p.short_term);
        table->finish();
    }
    if (auto table = reader.section<synapse::LongTerm>("long_term")) {
        p.long_term.emplace();
        read_long_term(*table, *p.long_term);
        // Weights are relative to their mean and stay on its side of 0.
        const Distribution& w = p.weight;
        if (columns.weight.empty() && (w.mean == 0 || (w.kind == "uniform" && w.low * w.high < 0)))
            reader.error("weight", "must be of one sign and not 0 on average where weights are plastic");
        const auto [least, greatest] = std::minmax_element(columns.weight.begin(), columns.weight.end());
        if (!columns.weight.empty() && (*least * *greatest < 0 || (*least == 0 && *greatest == 0)))
            reader.error("rule",
                         fmt::format("the column weight of the file goes from {} to {}: must be of one sign and "
                                     "not all 0 where weights are plastic",
                                     *least, *greatest));
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
    const std::size_t pairs = n * (m - (p.source == p.target && !p.rule.autapses ? 1 : 0));
    if (sizes_known && p.rule.kind == "fixed_total_number" && p.rule.number > 0 &&
        (pairs == 0 || (!p.rule.multapses && static_cast<std::size_t>(p.rule.number) > pairs)))
        reader.error("rule", fmt::format("fixed_total_number = {}: must be at most {}, the number of pairs{}",
                                         p.rule.number, pairs, pairs == 0 ? "" : ", without multapses"));
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
    if (const Node* populations = root.table("population")) {
        if (populations->table()->empty()) root.error("population", "at least one table [population.NAME] is needed");
        for (TableReader& reader : root.sections<network::Population>("population"))
            model.populations.push_back(read_population(reader, model));
    }
    if (!root.table("projection")) return;
    for (TableReader& reader : root.sections<network::Projection>("projection")) {
        network::PairwiseColumns columns;
        const std::size_t index = model.projections.size();
        model.projections.push_back(read_projection(reader, index, model, columns));
        model.pairwise.push_back(std::move(columns));
    }
}

namespace {

/// How often a stimulus comes: once, if nothing is said.
drug::Repeat read_repeat(TableReader& reader, const engine::Stimulus& s, const engine::Model& model) {
    drug::Repeat repeat;
    auto table = reader.section<drug::Repeat>("repeat");
    if (!table) return repeat;
    table->read(repeat);
    table->finish();
    const bool spikes = s.kind == "spikes";
    const double first_s = spikes ? (s.times_s.empty() ? 0 : s.times_s.front()) : s.from_s,
                 last_s = spikes ? (s.times_s.empty() ? 0 : s.times_s.back()) : s.to_s;
    if (repeat.times > 1 && repeat.every_s < (last_s - first_s) * (1 - 1e-12))
        reader.error("repeat", fmt::format("comes every {} s: must not be below the length of the stimulus ({} s)",
                                           repeat.every_s, last_s - first_s));
    else if (first_s < model.duration_s &&
             first_s + repeat.every_s * static_cast<double>(repeat.times - 1) >= model.duration_s)
        reader.warning(
            "repeat", fmt::format("some stimuli start at or after the end of the experiment ({} s)", model.duration_s));
    return repeat;
}

} // namespace

void read_stimuli(TableReader& root, engine::Model& model) {
    for (TableReader& reader : root.sections<engine::Stimulus>("stimulus")) {
        engine::Stimulus s;
        const auto population = reader.string("population");
        const auto index =
            population ? index_of(reader, "population", "population", *population, model.populations) : std::nullopt;
        reader.read(s, [](std::string_view parameter) { return parameter == "kind"; });
        if (!index || s.kind.empty()) {
            reader.finish_early();
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
            const auto range = reader.quantity_list("neurons", {0, static_cast<double>(target.size)});
            if (range && (range->size() != 2 || (*range)[1] <= (*range)[0] || std::floor((*range)[0]) != (*range)[0] ||
                          std::floor((*range)[1]) != (*range)[1]))
                reader.error("neurons", fmt::format("must be [first, end) with 0 <= first < end <= {}", target.size));
            else if (range) {
                s.first = static_cast<std::int64_t>((*range)[0]);
                s.count = static_cast<std::int64_t>((*range)[1]) - s.first;
            }
        }
        reader.read(s, [&](std::string_view parameter) {
            return parameter == "rate"            ? s.kind == "poisson"
                   : parameter == "end_amplitude" ? s.kind == "current_ramp"
                                                  : parameter == "amplitude" && s.kind.starts_with("current");
        });
        if (!s.kind.starts_with("current")) {
            const std::string receptor = reader.string_or("receptor", target.receptors.front().name);
            s.receptor =
                index_of(reader, "receptor", fmt::format("receptor of {}", target.name), receptor, target.receptors)
                    .value_or(0);
            const synapse::Receptor& hit = target.receptors[s.receptor];
            s.weight = reader.quantity("weight", weight_unit(hit), weight_range(hit)).value_or(0);
            if (s.kind == "poisson") {
                if (s.rate_Hz * model.dt_ms * 1e-3 > 500)
                    reader.error("rate", "more than 500 spikes a step to a neuron: must be lower");
            } else {
                std::vector<double> neurons;
                const std::vector<double> times = reader.quantity_list("times").value_or(neurons);
                if (reader.has("targets")) {
                    neurons =
                        reader.quantity_list("targets", {0, static_cast<double>(target.size - 1)}).value_or(neurons);
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
        if (const auto name = reader.string("name")) {
            if (name->empty() || name->find_first_of("/ ") != std::string::npos || *name == ".")
                reader.error("name", "must be text without spaces and slashes");
            else if (s.kind == "spikes")
                reader.error("name", "is of what lasts: poisson, current_step or current_ramp");
            else
                s.name = *name;
        }
        const drug::Repeat repeat = read_repeat(reader, s, model);
        reader.finish();
        for (std::int64_t k = 0; k < repeat.times; ++k) {
            model.stimuli.push_back(s);
            s.from_s += repeat.every_s;
            s.to_s += repeat.every_s;
            for (double& t : s.times_s) t += repeat.every_s;
        }
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
        auto table =
            root.section<Named<network::Population>>("population")->section<network::Population>(population.name);
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
            auto receptors = table->section_or_empty<Named<synapse::Receptor>>("receptor");
            if (receptors->has(receptor.name)) continue; // read already
            auto added = receptors->section_or_empty<synapse::Receptor>(receptor.name);
            read_receptor(*added, receptor);
        }
    }
}

} // namespace rewire::experiment
