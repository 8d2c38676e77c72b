// The tables of drugs, of their doses and of who takes them.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "drug/shipped.hpp"
#include "experiment/experiment.hpp"
#include "experiment/mechanisms.hpp"
#include "experiment/options.hpp"
#include "quantity/units.hpp"

namespace rewire::experiment {
namespace {

/// A list of described structs in an array of tables; `check` may read more of each, and complain.
template <class S, class Check>
std::vector<S> read_list(std::vector<TableReader> tables, Check check) {
    std::vector<S> list;
    for (TableReader& table : tables) {
        S s;
        table.read(s);
        if constexpr (requires { s.name; })
            if (!s.name.empty() && std::ranges::find(list, s.name, &S::name) != list.end())
                table.error("name", "is given twice");
        check(table, s);
        table.finish();
        list.push_back(s);
    }
    return list;
}

/// The body of a drug as the config tells it.
struct Body {
    drug::PkModel pk;  ///< without species where there is none to go on with
    bool sound = true; ///< nothing of it was complained of, so that what is wrong with the whole is worth saying
};

/// A flow has one of rate and clearance, and a clearance needs a volume that it clears.
void check_flow(TableReader& reader, const drug::Flow& flow, const std::vector<std::string_view>& given,
                const std::vector<drug::Compartment>& compartments) {
    if (flow.rate_per_h > 0 && flow.clearance_L_per_h > 0)
        reader.error("clearance", "is given beside a rate: leave out one of them");
    else if (flow.rate_per_h == 0 && flow.clearance_L_per_h == 0)
        reader.error(given.empty() ? "" : given.front(),
                     given.empty() ? "needs a rate, such as \"10 /h\", or a clearance, such as \"10 L/h\""
                                   : "must be above 0, or a flow of it is not needed");
    const auto from = std::ranges::find(compartments, flow.from, &drug::Compartment::name);
    if (flow.clearance_L_per_h > 0 && from != compartments.end() && from->volume_L == 0)
        reader.error("clearance", fmt::format("needs a compartment with a volume, which {} has not", flow.from));
    else if (from != compartments.end() && flow.clearance_L_per_h > drug::fastest_per_h * from->volume_L)
        reader.error("clearance",
                     fmt::format("is too fast for a volume of {:g} L: {:g} of it an hour; must be {:g} or less",
                                 from->volume_L, flow.clearance_L_per_h / from->volume_L, drug::fastest_per_h));
    if (flow.to == flow.from) reader.error("to", "is where the flow starts");
}

/// A variation is of one volume or of one flow, which is there.
void check_variation(TableReader& reader, const drug::Variation& variation, const drug::PkModel& pk) {
    if (variation.volume.empty() == variation.from.empty())
        return reader.error("", "needs one of volume and from, the compartment or the flow that varies");
    if (!variation.volume.empty() && !variation.to.empty()) return reader.error("to", "is of a flow, not of a volume");
    if (!variation.volume.empty() && variation.both_ways)
        return reader.error("both_ways", "is of a flow, not of a volume");
    if (variation.both_ways && variation.to.empty())
        return reader.error("both_ways", "needs to, the compartment that the flow comes back from");
    bool known = true;
    for (const auto& [key, compartment] :
         {std::pair{"volume", variation.volume}, std::pair{"from", variation.from}, std::pair{"to", variation.to}})
        if (!compartment.empty())
            known &= index_of(reader, key, "compartment", compartment, pk.compartments).has_value();
    if (!known) return;
    if (!variation.volume.empty()) {
        if (std::ranges::find(pk.compartments, variation.volume, &drug::Compartment::name)->volume_L == 0)
            reader.error("volume", "must be a compartment with a volume");
        return;
    }
    std::string flows;
    for (const drug::Flow& flow : pk.flows)
        flows +=
            fmt::format("{}{} -> {}", flows.empty() ? "" : ", ", flow.from, flow.to.empty() ? "eliminated" : flow.to);
    const auto check_there = [&](const std::string& from, const std::string& to) {
        if (std::ranges::none_of(pk.flows, [&](const drug::Flow& f) { return f.from == from && f.to == to; }))
            reader.error("from", fmt::format("no flow {} -> {}; the flows are {}", from, to.empty() ? "eliminated" : to,
                                             flows.empty() ? "none" : flows));
    };
    check_there(variation.from, variation.to);
    if (variation.both_ways) check_there(variation.to, variation.from);
}

/// A dose by a route enters somewhere, and no more of it than there is.
void check_route(TableReader& reader, const drug::Route& route) {
    if (route.inputs.empty()) return reader.error("input", "must hold at least one place that a dose enters");
    double share = 0;
    for (const drug::RouteInput& input : route.inputs) share += input.fraction;
    if (share > 1 + 1e-9)
        reader.error("input", fmt::format("the fractions add up to {:g}: they must add up to 1 or less", share));
}

/// A compartment model of the user's own: compartments, flows, species and routes as arrays of tables.
Body read_own_model(TableReader& table, const std::string& name, const Diagnostics& diagnostics) {
    const std::size_t errors_before = diagnostics.errors();
    drug::PkModel pk{.name = name, .meaning = "from the config", .source = "the config"};
    table.read(pk);
    bool complete = true;
    const auto given = [&](TableReader& reader, const char* key) {
        if (!reader.has(key)) complete = false; // complained of already
        return reader.has(key);
    };
    const auto named = [&](TableReader& reader, const std::string& given_name) {
        if (given(reader, "name") && given_name.empty()) reader.error("name", "must not be empty");
    };
    const auto find = [&](TableReader& reader, const char* key, const std::string& compartment) {
        if (given(reader, key) && !index_of(reader, key, "compartment", compartment, pk.compartments)) complete = false;
    };
    pk.compartments = read_list<drug::Compartment>(
        table.sections<drug::Compartment>("compartment"), [&](TableReader& reader, const drug::Compartment& c) {
            constexpr double least_L = 1e-15; // of a bacterium
            named(reader, c.name);
            if (c.volume_L > 0 && c.volume_L < least_L)
                reader.error("volume", fmt::format("must be 0, a depot, or {:g} L or more", least_L));
        });
    for (TableReader& reader : table.sections<drug::Flow>("flow")) {
        std::vector<std::string_view> speeds; // that the config gives; reading adds defaults
        for (const std::string_view key : {"rate", "clearance"})
            if (reader.node().find(key)) speeds.push_back(key);
        drug::Flow flow;
        reader.read(flow);
        find(reader, "from", flow.from);
        if (!flow.to.empty()) find(reader, "to", flow.to);
        reader.finish();
        if (diagnostics.errors() == errors_before) check_flow(reader, flow, speeds, pk.compartments);
        pk.flows.push_back(flow);
    }
    std::vector<TableReader> species = table.sections<drug::Species>("species");
    pk.species = read_list<drug::Species>(species, [&](TableReader& reader, drug::Species& s) {
        // Not written into the resolved config: it follows the molar mass, also where that is set anew.
        s.counted_as_g_per_mol =
            reader.has("counted_as") ? reader.quantity("counted_as").value_or(1) : s.molar_mass_g_per_mol;
        named(reader, s.name);
        find(reader, "central", s.central);
        const auto central = std::ranges::find(pk.compartments, s.central, &drug::Compartment::name);
        if (diagnostics.errors() == errors_before && central != pk.compartments.end() && central->volume_L == 0)
            reader.error("central", "must be a compartment with a volume, which concentrations are of");
    });
    std::vector<TableReader> routes = table.sections<drug::Route>("route");
    pk.routes = read_list<drug::Route>(routes, [&](TableReader& route, drug::Route& r) {
        named(route, r.name);
        r.inputs = read_list<drug::RouteInput>(route.sections<drug::RouteInput>("input"),
                                               [&](TableReader& reader, const drug::RouteInput& input) {
                                                   find(reader, "compartment", input.compartment);
                                               });
    });
    std::vector<TableReader> variations = table.sections<drug::Variation>("variation");
    pk.variations = read_list<drug::Variation>(
        variations, [&](TableReader& reader, const drug::Variation& v) { named(reader, v.name); });
    std::vector<TableReader> covariances = table.sections<drug::Covariance>("covariance");
    pk.covariances = read_list<drug::Covariance>(covariances, [&](TableReader& reader, const drug::Covariance&) {
        given(reader, "first");
        given(reader, "second");
    });
    if (pk.species.empty() && table.has("species"))
        table.error("species", "must hold at least one species, the drug itself");
    if (pk.routes.empty() && diagnostics.errors() == errors_before)
        table.error("route", "must hold at least one way of giving the drug");
    // What parts have to do with each other is worth saying where each of them is right.
    if (diagnostics.errors() == errors_before)
        for (std::size_t k = 0; k < routes.size(); ++k) check_route(routes[k], pk.routes[k]);
    if (diagnostics.errors() == errors_before)
        for (std::size_t k = 0; k < species.size(); ++k)
            if (const std::string fault = drug::fault_of_species(pk, k); !fault.empty())
                species[k].error("central", fault);
    if (diagnostics.errors() == errors_before)
        for (std::size_t k = 0; k < variations.size(); ++k) check_variation(variations[k], pk.variations[k], pk);
    if (diagnostics.errors() == errors_before)
        for (std::size_t k = 0; k < covariances.size(); ++k) {
            index_of(covariances[k], "first", "variation", pk.covariances[k].first, pk.variations);
            index_of(covariances[k], "second", "variation", pk.covariances[k].second, pk.variations);
        }
    if (!complete) pk.species.clear(); // complained of already
    return {std::move(pk), diagnostics.errors() == errors_before};
}

/// What a blocker that is not shipped must bring: an IC50 for each subunit, without and with Mg, and what becomes of
/// them in the living brain.
std::string missing_potencies(TableReader& block) {
    std::string missing;
    for (const Parameter<drug::Blocker>& p : Described<drug::Blocker>::parameters)
        if ((p.name.starts_with("ic50_") || p.name == "in_vivo_factor") && !block.has(p.name))
            missing += (missing.empty() ? "" : ", ") + std::string(p.name);
    return missing;
}

/// Mg competes with a blocker and cannot make it more potent. Said of the key that the config gives. What would
/// overflow at potentials that neurons reach is refused, too.
void check_potencies(TableReader& block, const drug::Blocker& blocker, const std::vector<std::string_view>& given) {
    using drug::Blocker;
    constexpr double furthest_mV = 300; // a membrane from the potential at which IC50 are measured
    if (!std::isfinite(std::exp(furthest_mV / blocker.voltage_e_fold_mV)))
        block.error("voltage_e_fold", "is too small to be computed with");
    struct Pair {
        std::string_view without, with;
        double Blocker::*without_uM, Blocker::*with_uM;
    };
    for (const Pair& p : {Pair{"ic50_0mg_2a", "ic50_1mg_2a", &Blocker::ic50_0mg_2a_uM, &Blocker::ic50_1mg_2a_uM},
                          Pair{"ic50_0mg_2b", "ic50_1mg_2b", &Blocker::ic50_0mg_2b_uM, &Blocker::ic50_1mg_2b_uM},
                          Pair{"ic50_0mg_2c", "ic50_1mg_2c", &Blocker::ic50_0mg_2c_uM, &Blocker::ic50_1mg_2c_uM},
                          Pair{"ic50_0mg_2d", "ic50_1mg_2d", &Blocker::ic50_0mg_2d_uM, &Blocker::ic50_1mg_2d_uM}}) {
        const double without_uM = blocker.*p.without_uM, with_uM = blocker.*p.with_uM;
        if (!std::isfinite(1 / (blocker.in_vivo_factor * without_uM)) || !std::isfinite(with_uM / without_uM))
            block.error(p.without, "is too small to be computed with");
        if (with_uM >= without_uM) continue;
        const bool at_with = std::ranges::find(given, p.with) != given.end();
        block.error(at_with ? p.with : p.without,
                    at_with
                        ? fmt::format("must be {} ({} uM) or more: Mg competes with the blocker", p.without, without_uM)
                        : fmt::format("must be {} ({} uM) or less: Mg competes with the blocker", p.with, with_uM));
    }
}

/// `block` of a species: true, false, or a table of parameters. `blocker` is what it is by default.
void read_block(TableReader& species, std::optional<drug::Blocker>& blocker) {
    if (!species.has("block") && !blocker) species.boolean_or("block", false);
    if (species.has("block")) {
        Node& said = species.node().find("block")->value;
        if (const bool* blocks = std::get_if<bool>(&said.value)) {
            if (!*blocks) return blocker.reset();
            said.value = Node::Table{}; // all defaults
        }
    }
    auto block = species.section_or_empty<drug::Blocker>("block");
    if (!block) return;
    if (!blocker) {
        if (const std::string missing = missing_potencies(*block); !missing.empty())
            block->error(
                "", fmt::format("a blocker that is not shipped needs its potency: {} (in_vivo_factor is 1 if the IC50 "
                                "hold in the living brain); shipped are the blocks of "
                                "ketamine, esketamine, norketamine and noresketamine",
                                missing));
        blocker.emplace();
    }
    std::vector<std::string_view> given; // reading adds defaults
    for (const Parameter<drug::Blocker>& p : Described<drug::Blocker>::parameters)
        if (block->node().find(p.name)) given.push_back(p.name);
    block->read(*blocker);
    check_potencies(*block, *blocker, given);
    if (blocker->r_leak_per_s > blocker->r_open_per_s) {
        const bool by_leak = std::ranges::find(given, "r_leak") != given.end();
        block->error(by_leak ? "r_leak" : "r_open",
                     fmt::format("closed channels let no more through than open ones: must be {} ({} /s) or {}",
                                 by_leak ? "r_open" : "r_leak", by_leak ? blocker->r_open_per_s : blocker->r_leak_per_s,
                                 by_leak ? "less" : "more"));
    }
    block->finish();
}

std::string target_names() {
    std::string names;
    for (const drug::TargetInWords& t : drug::targets) names += (names.empty() ? "" : ", ") + std::string(t.name);
    return names;
}

/// One table of `target`. `effect` is what it is by default; without `shipped` the potency is needed.
void read_effect(TableReader& table, const engine::Model& model, drug::TargetEffect& effect, bool shipped) {
    if (shipped)
        effect.ec50_uM = table.quantity_or("ec50", effect.ec50_uM);
    else
        effect.ec50_uM = table.quantity("ec50").value_or(effect.ec50_uM);
    table.read(effect);
    const drug::TargetInWords& t = drug::targets[static_cast<std::size_t>(effect.target)];
    if (t.effect == drug::Effect::loss && effect.efficacy > 1)
        table.error("efficacy", fmt::format("must be 1 or less: {} can lose no more than all", t.name));
    if (t.effect == drug::Effect::gain && effect.efficacy < -1)
        table.error("efficacy", fmt::format("must be -1 or more: {} can lose no more than all", t.name));
    if (t.target == drug::Target::mglur23 && effect.efficacy < -1)
        table.error("efficacy", "must be -1 or more: an antagonist takes away no more than what glutamate activates");
    if (t.target == drug::Target::cytokines && effect.efficacy < 0)
        table.error("efficacy", "must be 0 or more: a drug can only add to the clearance of cytokines");
    if (effect.efficacy != 0 && !has_mechanism(model, t.needs))
        table.warning("", fmt::format("has no effect without [{}]", t.needs));
    table.finish();
}

/// `target` of a species: tables by the names of drug/target.hpp. `effects` are those of the default.
void read_targets(TableReader& species, const engine::Model& model, std::vector<drug::TargetEffect>& effects) {
    if (effects.empty() && !species.has("target")) return;
    auto all = species.section_or_empty<Named<drug::TargetEffect>>("target");
    if (!all) return;
    for (drug::TargetEffect& effect : effects)
        if (auto table =
                all->section_or_empty<drug::TargetEffect>(drug::targets[static_cast<std::size_t>(effect.target)].name))
            read_effect(*table, model, effect, true);
    for (const drug::TargetInWords& t : drug::targets) {
        if (std::ranges::find(effects, t.target, &drug::TargetEffect::target) != effects.end()) continue;
        if (auto table = all->section<drug::TargetEffect>(t.name))
            read_effect(*table, model, effects.emplace_back(drug::TargetEffect{.target = t.target}), false);
    }
    if (all->node().table()->empty()) all->error("", "names no target; must name some of " + target_names());
    for (const Entry& entry : *all->node().table())
        if (!drug::target_of(entry.key)) {
            std::vector<std::string> names;
            for (const drug::TargetInWords& t : drug::targets) names.emplace_back(t.name);
            const auto same = std::ranges::find(drug::targets, entry.key, &drug::TargetInWords::intervention);
            all->error(entry.key,
                       same == drug::targets.end()
                           ? unknown_name("target", entry.key, names)
                           : fmt::format("is what the intervention is called; the target is {}", same->name));
        }
    // Every key was asked for above or is complained of: finish() would do so twice.
}

/// [drug.X.species.Y]: overrides of a species, its channel block and its targets.
void read_species(TableReader& reader, const engine::Model& model, drug::PkModel& pk, engine::DrugModel& d) {
    auto all = reader.section_or_empty<Named<drug::Species>>("species");
    if (!all) return;
    for (drug::Species& s : pk.species) {
        auto table = all->section_or_empty<drug::Species>(s.name);
        drug::Action action = drug::shipped_action(s.name);
        if (table) {
            table->read_over(s, [](std::string_view parameter) {
                return parameter == "unbound_fraction" || parameter == "brain_plasma_unbound_ratio" ||
                       parameter == "effect_site_rate";
            });
            read_block(*table, action.block);
            read_targets(*table, model, action.targets);
            table->finish();
        }
        d.blockers.push_back(std::move(action.block));
        d.targets.push_back(std::move(action.targets));
    }
    all->finish();
}

/// Whether any species acts on anything, or was meant to with a target that was complained of.
bool acts(TableReader& reader, const engine::DrugModel& d) {
    const Entry* species = reader.node().find("species");
    return std::ranges::any_of(d.blockers, [](const auto& blocker) { return blocker.has_value(); }) ||
           (species && species->value.table() &&
            std::ranges::any_of(*species->value.table(), [](const Entry& e) { return e.value.find("target"); }));
}

/// The compartment model of a drug: of its preset, a published one, or its own; without species where it has none.
Body read_pharmacokinetics(TableReader& reader, const Diagnostics& diagnostics) {
    std::string shipped;
    for (const drug::ShippedDrug& d : drug::shipped_drugs()) shipped += (shipped.empty() ? "" : "|") + d.name;
    const std::string preset = reader.has("preset") ? reader.string("preset", shipped).value_or("") : "";
    if (reader.has("preset") && reader.has("pharmacokinetics")) {
        reader.error("pharmacokinetics", "is a second body beside that of the preset: leave out one of them");
        return {};
    }
    if (reader.has("preset")) {
        const drug::ShippedDrug* d = drug::find_shipped_drug(preset);
        return {d ? d->pharmacokinetics : drug::PkModel{}};
    }
    if (!reader.has("pharmacokinetics")) {
        std::string published;
        for (const drug::PkModel& m : drug::published_models())
            published += fmt::format("{}\"{}\"", published.empty() ? "" : ", ", m.name);
        reader.error("pharmacokinetics",
                     fmt::format("is missing; needed: how the drug and its metabolites spread and leave (a table of "
                                 "compartments, or one of {}), or a preset in its place",
                                 published));
        return {};
    }
    Node& node = reader.node().find("pharmacokinetics")->value;
    if (node.table()) {
        auto table = reader.section<drug::PkModel>("pharmacokinetics");
        Body body = read_own_model(*table, reader.name(), diagnostics);
        table->finish();
        return body;
    }
    std::string names;
    for (const drug::PkModel& m : drug::published_models()) names += (names.empty() ? "" : "|") + m.name;
    const std::string name = reader.string("pharmacokinetics", names).value_or("");
    const drug::PkModel* published = drug::find_published_model(name);
    return {published ? *published : drug::PkModel{}};
}

/// A mouse's body in a man, for whom a dose per weight is another, is more often forgotten than meant. A hundred times
/// leaves out what is usual: a rat by a mouse's, a child by an adult's.
void warn_of_weight(TableReader& reader, double reference_kg, double subject_kg) {
    if (reference_kg < 100 * subject_kg && subject_kg < 100 * reference_kg) return;
    reader.warning(reader.has("pharmacokinetics") ? "pharmacokinetics" : "preset",
                   fmt::format("is a body of {:g} kg, and the subject weighs {:g} kg: is [subject] weight right?",
                               reference_kg, subject_kg));
}

engine::DrugModel read_drug(TableReader& reader, const engine::Model& model, const Subject& subject,
                            const Diagnostics& diagnostics) {
    engine::DrugModel d;
    auto [pk, sound] = read_pharmacokinetics(reader, diagnostics);
    if (!pk.species.empty()) {
        read_species(reader, model, pk, d);
        if (std::ranges::find(pk.species.begin() + 1, pk.species.end(), reader.name(), &drug::Species::name) !=
            pk.species.end()) {
            reader.error("", "has the name of one of its metabolites: must be another");
            sound = false;
        }
        // The drug goes by the name that the config gives it; blockers were found by the species' own name.
        pk.species.front().name = reader.name();
        if (!sound) {
            d.pharmacokinetics = std::move(pk); // whose routes doses are checked with
            reader.finish();
            return d;
        }
        try {
            drug::check(pk);
            d.pharmacokinetics = drug::of_subject(drug::scaled_to_weight(pk, subject.weight_kg), subject.number);
            drug::check(d.pharmacokinetics); // the body of this subject, too, has numbers to compute with
            warn_of_weight(reader, pk.reference_weight_kg, subject.weight_kg);
            if (!acts(reader, d))
                reader.warning(
                    "", fmt::format("acts on nothing: no species has a block or a target (target.NAME, one of {})",
                                    target_names()));
            if (subject.number > 0 && pk.variations.empty())
                reader.warning("", fmt::format("states no variability between subjects: subject {} is the typical one",
                                               subject.number));
        } catch (const std::invalid_argument& error) {
            reader.error("pharmacokinetics", error.what());
        }
    } else {
        reader.has("species"); // of a body that was complained of
    }
    reader.finish();
    return d;
}

/// Whether anything acts on NMDA receptors.
bool antagonises_nmda(const engine::Model& model) {
    const auto is_nmda = [](drug::Target t) {
        return t == drug::Target::nmda || (t >= drug::Target::nmda_2a && t <= drug::Target::nmda_2d);
    };
    for (const engine::Intervention& i : model.interventions)
        for (const drug::TargetInWords& t : drug::targets)
            if (t.intervention == i.what && is_nmda(t.target)) return true;
    for (const engine::DrugModel& d : model.drugs) {
        if (std::ranges::any_of(d.blockers, [](const auto& blocker) { return blocker.has_value(); })) return true;
        for (const auto& effects : d.targets)
            if (std::ranges::any_of(effects, [&](const auto& e) { return is_nmda(e.target); })) return true;
    }
    return false;
}

void read_doses(TableReader& root, engine::Model& model, const std::vector<std::string>& names, double weight_kg,
                std::vector<DoseWindow>& windows) {
    const Entry* drugs_entry = root.node().find("drug");
    const Node* drugs = drugs_entry && drugs_entry->value.table() ? &drugs_entry->value : nullptr;
    for (TableReader& reader : root.sections<drug::Dose>("dose")) {
        drug::Dose dose;
        reader.read(dose);
        const auto name = reader.string("drug");
        dose.drug = name.value_or("");
        const bool known = name && std::ranges::find(names, *name) != names.end();
        const bool faulty = name && !known && drugs && drugs->find(*name); // complained of already
        const bool untold = name && !known && !faulty && drug::find_shipped_drug(*name);
        if (untold)
            reader.error("drug", fmt::format("is a shipped drug that the config does not take up: it needs a table "
                                             "[drug.{0}] with preset = \"{0}\"",
                                             *name));
        const auto index = name && !untold && !faulty ? index_of(reader, "drug", "drug", *name, names) : std::nullopt;
        if (index) {
            const auto& routes = model.drugs[*index].pharmacokinetics.routes;
            if (!routes.empty()) index_of(reader, "route", fmt::format("route of {}", dose.drug), dose.route, routes);
        }
        if (const auto amount = reader.quantity_in_one_of("amount", {"mg/kg", "mg"}))
            dose.amount_mg = amount->unit == "mg/kg" ? amount->value * weight_kg : amount->value;
        drug::Repeat repeat;
        if (auto table = reader.section<drug::Repeat>("repeat")) {
            table->read(repeat);
            table->finish();
        }
        if (dose.start_s >= model.duration_s)
            reader.warning("at", after_the_end(model) + ": the dose is not given");
        else if (dose.start_s + repeat.every_s * static_cast<double>(repeat.times - 1) >= model.duration_s)
            reader.warning("repeat", fmt::format("some doses start at or after the end of the experiment ({} s)",
                                                 model.duration_s));
        reader.finish();
        if (!index) continue;
        for (const drug::Dose& one : drug::repeated(dose, repeat.every_s, static_cast<int>(repeat.times))) {
            model.drugs[*index].doses.push_back(one);
            windows.push_back({one.drug, one.start_s, one.start_s + one.duration_s});
        }
    }
}

} // namespace

void read_drugs(TableReader& root, engine::Model& model, std::vector<DoseWindow>& doses, Diagnostics& diagnostics) {
    Subject subject;
    if (auto table = root.has("drug") ? root.section_or_empty<Subject>("subject") : root.section<Subject>("subject")) {
        table->read(subject);
        table->finish();
    }
    std::vector<std::string> names;
    if (root.table("drug"))
        for (TableReader& reader : root.sections<engine::DrugModel>("drug")) {
            names.push_back(reader.name());
            model.drugs.push_back(read_drug(reader, model, subject, diagnostics));
        }
    read_doses(root, model, names, subject.weight_kg, doses);
    read_constants(root, "arms", model.arms, antagonises_nmda(model),
                   "a drug or an intervention that acts on NMDA receptors");
    std::sort(doses.begin(), doses.end(),
              [](const DoseWindow& a, const DoseWindow& b) { return a.start_s < b.start_s; });
}

} // namespace rewire::experiment
