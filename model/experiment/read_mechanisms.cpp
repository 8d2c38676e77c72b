// [glutamate], [molecular], [l_type], [stress], [calcium], [structure], [[intervention]], [drug.*] and [[dose]].
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "experiment/experiment.hpp"
#include "experiment/options.hpp"
#include "quantity/units.hpp"

namespace rewire::experiment {
namespace {

/// Reads a described struct from a table that is in use, there or not, if `needed` is; `needed_text` says what.
template <class S>
void read_constants(TableReader& root, std::string_view key, S& s, bool needed, std::string_view needed_text) {
    if (auto table = needed ? root.section_or_empty<S>(key) : root.section<S>(key)) {
        table->read(s);
        table->finish();
        if (!needed) table->warning("", fmt::format("has no effect without {}", needed_text));
    }
}

void read_glutamate(TableReader& root, engine::Model& model) {
    auto table = root.section<glutamate::GlutamateParameters>("glutamate");
    if (!table) return;
    const glutamate::GlutamateParameters& p = model.glutamate.emplace();
    table->read(*model.glutamate);
    if ((p.spill_fraction > 0) != (p.evoked_share > 0))
        table->error(p.spill_fraction > 0 ? "evoked_share" : "spill_fraction",
                     "spill_fraction and evoked_share must both be 0 or both be above 0");
    if (const auto voxels = table->quantity_list("voxels")) {
        const bool whole =
            voxels->size() == 3 && std::ranges::all_of(*voxels, [](double n) { return n == std::floor(n); });
        if (whole)
            for (std::size_t axis = 0; axis < 3; ++axis) model.voxels[axis] = static_cast<std::size_t>((*voxels)[axis]);
        else
            table->error("voxels", "must be three whole numbers, such as [4, 4, 1]");
        constexpr std::size_t most_voxels = 100'000; // each is advanced on every slow tick
        if (whole && model.voxels_per_region() > most_voxels)
            table->error("voxels", fmt::format("must make at most {} voxels", most_voxels));
        const std::vector<glutamate::VoxelGrid> grids = engine::region_grids(model);
        for (std::size_t r = 0; whole && r < grids.size(); ++r)
            for (std::size_t axis = 0; axis < 3; ++axis)
                if (grids[r].voxels[axis] > 1 && grids[r].box_um[axis] <= 0)
                    table->error("voxels", fmt::format("must be 1 along {}: region {} has no extent there",
                                                       std::string_view("xyz").substr(axis, 1), model.regions[r]));
    }
    table->finish();
}

void read_molecular(TableReader& root, engine::Model& model) {
    auto table = root.section<molecular::SignallingParameters>("molecular");
    if (!table) return;
    model.signalling.emplace();
    table->read(*model.signalling);
    read_constants(*table, "resting_drive", model.resting_drive, true, "");
    for (const std::string& name : table->string_list("populations").value_or(std::vector<std::string>{}))
        if (const auto index = index_of(*table, "populations", "population", name, model.populations)) {
            if (neuron::uses_currents(model.populations[*index].model))
                table->error(
                    "populations",
                    fmt::format("{} has a neuron model with synaptic currents; the chain needs conductances", name));
            if (std::find(model.signalling_populations.begin(), model.signalling_populations.end(), *index) !=
                model.signalling_populations.end())
                table->error("populations", fmt::format("names {} twice", name));
            model.signalling_populations.push_back(*index);
        }
    table->finish();
}

void read_structure(TableReader& root, engine::Model& model) {
    auto table = model.structure ? root.section_or_empty<engine::StructureModel>("structure")
                                 : root.section<engine::StructureModel>("structure");
    if (!table) return;
    if (!model.structure) {
        table->error("", "needs a projection with a table [projection.NAME.structural]");
        model.structure.emplace();
    }
    table->read(*model.structure);
    if (auto spines = table->section_or_empty<structure::SpineParameters>("spines")) {
        spines->read(model.structure->spines);
        const structure::SpineParameters& p = model.structure->spines;
        if (p.formation_per_d * p.nascent_tau_d >= 1)
            spines->error("formation", "formation x nascent_tau, the share of nascent spines, must be below 1");
        spines->finish();
    }
    table->finish();
}

void read_interventions(TableReader& root, engine::Model& model) {
    std::string kinds;
    for (const auto& [kind, meaning] : engine::intervention_kinds)
        kinds += (kinds.empty() ? "" : "|") + std::string(kind);
    for (TableReader& reader : root.sections<engine::Intervention>("intervention")) {
        engine::Intervention i;
        i.what = reader.string("what", kinds).value_or("");
        const Span span = read_span(reader, model);
        i.from_s = span.from_s;
        i.to_s = span.to_s;
        const bool unbounded = i.what == "stress" || i.what == "trkb_modulation" || i.what == "hnk";
        i.strength = reader.quantity("strength", "1", unbounded ? non_negative : fraction).value_or(1);
        if (!model.signalling && (i.what == "nifedipine" || i.what == "anti_bdnf" || i.what.starts_with("trkb") ||
                                  i.what == "rapamycin" || i.what == "anisomycin" || i.what == "hnk"))
            reader.error("what", "acts on the chain of [molecular], which this experiment does not have");
        if (!model.glutamate && i.what == "uptake_block")
            reader.error("what", "acts on [glutamate], which this experiment does not have");
        if (i.what == "stress" && !model.signalling && !model.glutamate && !model.structure)
            reader.error("what", "acts on [molecular], [glutamate] and [structure], none of which this experiment has");
        reader.finish();
        model.interventions.push_back(i);
    }
}

/// A list of described structs in an array of tables; `check` may complain of each.
template <class S, class Check>
std::vector<S> read_list(TableReader& reader, std::string_view key, Check check) {
    std::vector<S> list;
    for (TableReader& table : reader.sections<S>(key)) {
        S s;
        table.read(s);
        check(table, s);
        table.finish();
        list.push_back(s);
    }
    return list;
}

/// A compartment model of the user's own: compartments, flows, species and routes as arrays of tables.
drug::PkModel read_own_model(TableReader& table, const std::string& name) {
    drug::PkModel pk{.name = name, .meaning = "from the config", .source = "the config"};
    table.read(pk);
    bool complete = true;
    const auto given = [&](TableReader& reader, const char* key) {
        if (!reader.has(key)) complete = false; // complained of already
        return reader.has(key);
    };
    const auto find = [&](TableReader& reader, const char* key, const std::string& compartment) {
        if (given(reader, key) && !index_of(reader, key, "compartment", compartment, pk.compartments)) complete = false;
    };
    pk.compartments = read_list<drug::Compartment>(
        table, "compartment", [&](TableReader& reader, const drug::Compartment&) { given(reader, "name"); });
    pk.flows = read_list<drug::Flow>(table, "flow", [&](TableReader& reader, const drug::Flow& flow) {
        find(reader, "from", flow.from);
        if (!flow.to.empty()) find(reader, "to", flow.to);
    });
    pk.species = read_list<drug::Species>(table, "species", [&](TableReader& reader, const drug::Species& s) {
        given(reader, "name");
        find(reader, "central", s.central);
    });
    for (TableReader& route : table.sections<drug::Route>("route")) {
        drug::Route r;
        route.read(r);
        given(route, "name");
        r.inputs = read_list<drug::RouteInput>(route, "input", [&](TableReader& reader, const drug::RouteInput& input) {
            find(reader, "compartment", input.compartment);
        });
        route.finish();
        pk.routes.push_back(r);
    }
    if (pk.species.empty() && table.has("species"))
        table.error("species", "must hold at least one species, the drug itself");
    if (!complete) pk.species.clear(); // complained of already
    return pk;
}

/// Which published blocker a species is, if any; see drug/channel_block.hpp.
std::optional<drug::Blocker> default_blocker(const std::string& species) {
    if (species == "ketamine" || species == "esketamine") return drug::ketamine();
    if (species == "norketamine" || species == "noresketamine") return drug::norketamine();
    return std::nullopt;
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
    if (!blocker) blocker = drug::ketamine();
    block->read(*blocker);
    try {
        drug::block_constants(*blocker);
    } catch (const std::invalid_argument& error) {
        block->error("", error.what());
    }
    block->finish();
}

/// [drug.X.species.Y]: overrides of a species, and its channel block.
void read_species(TableReader& reader, drug::PkModel& pk, std::vector<std::optional<drug::Blocker>>& blockers) {
    auto all = reader.section_or_empty<Named<drug::Species>>("species");
    if (!all) return;
    for (drug::Species& s : pk.species) {
        auto table = all->section_or_empty<drug::Species>(s.name);
        blockers.push_back(default_blocker(s.name));
        if (!table) continue;
        table->read(s, [](std::string_view parameter) {
            return parameter == "unbound_fraction" || parameter == "brain_plasma_unbound_ratio" ||
                   parameter == "effect_site_rate";
        });
        read_block(*table, blockers.back());
        table->finish();
    }
    all->finish();
}

engine::DrugModel read_drug(TableReader& reader, double weight_kg) {
    engine::DrugModel d;
    if (!reader.require("pharmacokinetics")) {
        reader.finish_early();
        return d;
    }
    drug::PkModel pk;
    Node& node = reader.node().find("pharmacokinetics")->value;
    if (node.table()) {
        auto table = reader.section<drug::PkModel>("pharmacokinetics");
        pk = read_own_model(*table, reader.name());
        table->finish();
    } else {
        std::string names;
        for (const drug::PkModel& m : drug::published_models()) names += (names.empty() ? "" : "|") + m.name;
        const std::string name = reader.string("pharmacokinetics", names).value_or("");
        if (const drug::PkModel* published = drug::find_published_model(name)) pk = *published;
    }
    if (!pk.species.empty()) {
        read_species(reader, pk, d.blockers);
        // The drug goes by the name that the config gives it; blockers were found by the species' own name.
        pk.species.front().name = reader.name();
        try {
            drug::check(pk);
            d.pharmacokinetics = drug::scaled_to_weight(pk, weight_kg);
        } catch (const std::invalid_argument& error) {
            reader.error("pharmacokinetics", error.what());
        }
    } else {
        reader.has("species");
    }
    reader.finish();
    return d;
}

void read_doses(TableReader& root, engine::Model& model, const std::vector<std::string>& names, double weight_kg,
                std::vector<DoseWindow>& windows) {
    for (TableReader& reader : root.sections<drug::Dose>("dose")) {
        drug::Dose dose;
        reader.read(dose);
        const auto name = reader.string("drug");
        dose.drug = name.value_or("");
        const auto index = name ? index_of(reader, "drug", "drug", *name, names) : std::nullopt;
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

void read_mechanisms(TableReader& root, engine::Model& model, Diagnostics&) {
    read_glutamate(root, model);
    read_molecular(root, model);
    read_structure(root, model);
    read_constants(root, "l_type", model.l_type, model.signalling.has_value(), "[molecular]");
    read_constants(root, "stress", model.stress, model.signalling || model.glutamate || model.structure,
                   "[molecular], [glutamate] or [structure]");
    read_constants(root, "calcium", model.calcium, model.structure.has_value(), "a structural projection");
    read_interventions(root, model);
}

void read_drugs(TableReader& root, engine::Model& model, std::vector<DoseWindow>& doses, Diagnostics&) {
    Subject subject;
    if (auto table = root.has("drug") ? root.section_or_empty<Subject>("subject") : root.section<Subject>("subject")) {
        table->read(subject);
        table->finish();
    }
    std::vector<std::string> names;
    if (root.table("drug"))
        for (TableReader& reader : root.sections<engine::DrugModel>("drug")) {
            names.push_back(reader.name());
            model.drugs.push_back(read_drug(reader, subject.weight_kg));
        }
    read_doses(root, model, names, subject.weight_kg, doses);
    std::sort(doses.begin(), doses.end(),
              [](const DoseWindow& a, const DoseWindow& b) { return a.start_s < b.start_s; });
}

} // namespace rewire::experiment
