// The tables of mechanisms and of what acts on them but for drugs: interventions, therapies.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "drug/shipped.hpp"
#include "engine/therapies.hpp"
#include "experiment/experiment.hpp"
#include "experiment/mechanisms.hpp"
#include "experiment/options.hpp"

namespace rewire::experiment {
namespace {

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

/// `populations`: those with a mechanism, which changes conductances.
std::vector<std::size_t> read_populations(TableReader& table, const engine::Model& model, std::string_view mechanism) {
    std::vector<std::size_t> found;
    const std::optional<std::vector<std::string>> names = table.string_list("populations");
    if (names && names->empty())
        table.error("populations", fmt::format("must name a population at least, or {} acts on none", mechanism));
    for (const std::string& name : names.value_or(std::vector<std::string>{}))
        if (const auto index = index_of(table, "populations", "population", name, model.populations)) {
            if (neuron::uses_currents(model.populations[*index].model))
                table.error("populations", fmt::format("{} has a neuron model with synaptic currents; {} needs "
                                                       "conductances",
                                                       name, mechanism));
            if (std::find(found.begin(), found.end(), *index) != found.end())
                table.error("populations", fmt::format("names {} twice", name));
            found.push_back(*index);
        }
    return found;
}

void read_molecular(TableReader& root, engine::Model& model) {
    auto table = root.section<molecular::SignallingParameters>("molecular");
    if (!table) return;
    model.signalling.emplace();
    table->read(*model.signalling);
    read_constants(*table, "resting_drive", model.resting_drive, true, "");
    model.signalling_populations = read_populations(*table, model, "the chain");
    table->finish();
}

void read_scaling(TableReader& root, engine::Model& model) {
    auto table = root.section<synapse::Scaling>("scaling");
    if (!table) return;
    table->read(model.scaling.emplace());
    model.scaling_populations = read_populations(*table, model, "scaling");
    table->finish();
}

void read_inflammation(TableReader& root, engine::Model& model) {
    auto table = root.section<molecular::InflammationParameters>("inflammation");
    if (!table) return;
    table->read(model.inflammation.emplace());
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

/// [neurogenesis.NAME], NAME a population.
void read_neurogenesis(TableReader& root, engine::Model& model) {
    if (!root.table("neurogenesis")) return;
    for (TableReader& reader : root.sections<structure::NeurogenesisParameters>("neurogenesis")) {
        engine::NeurogenesisModel m;
        structure::NeurogenesisParameters& p = m.parameters;
        reader.read(p);
        reader.finish();
        const auto index = index_of(reader, "", "population", reader.name(), model.populations);
        if (const std::string fault = structure::fault_of(p); !fault.empty()) reader.error("", fault);
        if (!index) continue;
        m.population = *index;
        network::Population& population = model.populations[m.population];
        if (p.mature > population.size)
            reader.error("mature", fmt::format("must be at most the size of {} ({}), the number of its slots",
                                               population.name, population.size));
        else if (p.mature == population.size)
            reader.warning("mature", fmt::format("leaves no slot of {} free: neurons are born only where others died",
                                                 population.name));
        if (!std::holds_alternative<neuron::Adex>(population.model) &&
            !std::holds_alternative<neuron::LifConductance>(population.model))
            reader.error("", fmt::format("the model of {} must be adex or lif_conductance, whose conductances change "
                                         "with age",
                                         population.name));
        for (const network::Projection& q : model.projections)
            if (!q.structural && !q.receptors.empty() && (q.source == m.population || q.target == m.population))
                reader.error("",
                             fmt::format("projection {} must be structural, or new neurons could not connect", q.name));
        if (std::ranges::find(model.signalling_populations, m.population) == model.signalling_populations.end())
            reader.warning("", fmt::format("BDNF and TrkB stay as in health: {} is not among the populations of "
                                           "[molecular]",
                                           population.name));
        if (p.mature >= 1) population.at_start = p.mature;
        model.neurogenesis.push_back(m);
    }
}

/// Whether synapses onto the population are spines.
bool has_spines(const engine::Model& model, std::size_t population) {
    return model.structure && std::ranges::any_of(model.structure->projections, [&](const auto& s) {
               return s.rule == "spines" && model.projections[s.projection].target == population;
           });
}

void read_symptom_score(TableReader& root, engine::Model& model, const Diagnostics& diagnostics) {
    auto table = root.section<clinic::SymptomScore>("symptom_score");
    if (!table) return;
    const bool complete = !diagnostics.has_errors(); // else the spines may be what was complained of
    engine::SymptomScoreModel& score = model.symptom_score.emplace();
    table->read(score.mapping);
    if (const auto names = table->string_list("populations")) {
        if (names->empty()) table->error("populations", "must name at least one population");
        for (const std::string& name : *names) {
            const auto index = index_of(*table, "populations", "population", name, model.populations);
            if (!index) continue;
            if (std::ranges::find(model.signalling_populations, *index) == model.signalling_populations.end())
                table->error("populations", fmt::format("{} must be one of the populations of [molecular]", name));
            if (complete && !has_spines(model, *index))
                table->error("populations",
                             fmt::format("{} must have a projection onto it with structural.rule = \"spines\"", name));
            if (std::ranges::find(score.populations, *index) != score.populations.end())
                table->error("populations", fmt::format("names {} twice", name));
            score.populations.push_back(*index);
        }
    } else if (!table->has("populations")) {
        for (const std::size_t p : model.signalling_populations)
            if (has_spines(model, p)) score.populations.push_back(p);
        if (complete && score.populations.empty())
            table->error("", "needs a population of [molecular] with a projection onto it that has structural.rule = "
                             "\"spines\"");
    }
    if (auto expectation = table->section<clinic::Expectation>("expectation")) {
        expectation->read(score.expectation.emplace());
        expectation->finish();
    }
    table->finish();
}

/// Whether an intervention acts on receptors that each population has of its own.
bool on_receptors(std::string_view what) { return what == "nbqx" || what == "gaba_a" || what.starts_with("nmda"); }

/// Whether an intervention of stress is there for its relief to act on.
bool has_stress(const engine::Model& model) {
    return std::ranges::count(model.interventions, "stress", &engine::Intervention::what) > 0;
}
constexpr std::string_view no_stress = "has no effect without an [[intervention]] of stress";

/// What to write where the name of a target or of a shipped drug stands for an intervention; empty where neither does.
std::string in_place_of(const Node* what) {
    const std::string* name = what ? std::get_if<std::string>(&what->value) : nullptr;
    if (!name || std::ranges::find(engine::intervention_kinds, *name, &engine::InterventionKind::name) !=
                     engine::intervention_kinds.end())
        return {};
    if (const auto target = drug::target_of(*name))
        return fmt::format("is what the target of a drug is called; the intervention is \"{}\"",
                           drug::targets[static_cast<std::size_t>(*target)].intervention);
    if (drug::find_shipped_drug(*name))
        return fmt::format("is a drug, no intervention: it needs a table [drug.{0}] with preset = \"{0}\", and a "
                           "[[dose]]",
                           *name);
    return {};
}

void read_interventions(TableReader& root, engine::Model& model) {
    std::string kinds;
    for (const engine::InterventionKind& kind : engine::intervention_kinds)
        kinds += (kinds.empty() ? "" : "|") + std::string(kind.name);
    std::vector<TableReader> readers = root.sections<engine::Intervention>("intervention");
    for (TableReader& reader : readers) {
        engine::Intervention i;
        const Entry* said = reader.has("what") ? reader.node().find("what") : nullptr;
        if (const std::string instead = in_place_of(said ? &said->value : nullptr); !instead.empty())
            reader.error("what", instead);
        else
            i.what = reader.string("what", kinds).value_or("");
        const Span span = read_span(reader, model);
        i.from_s = span.from_s;
        i.to_s = span.to_s;
        const auto kind = std::ranges::find(engine::intervention_kinds, i.what, &engine::InterventionKind::name);
        const bool known = kind != engine::intervention_kinds.end(); // else complained of already
        const bool is_share = known && kind->effect == drug::Effect::loss;
        i.strength = reader.quantity("strength", "1", is_share ? fraction : non_negative).value_or(1);
        if (known && !has_mechanism(model, kind->needs))
            reader.error("what", fmt::format("acts on [{}], which this experiment does not have", kind->needs));
        if (i.what == "stress" && !model.signalling && !model.glutamate && !model.structure && !model.inflammation &&
            model.neurogenesis.empty())
            reader.error("what", "acts on [molecular], [glutamate], [structure], [inflammation] and [neurogenesis], "
                                 "none of which this experiment has");
        if (i.what == "inflammation" && !model.structure && !model.inflammation)
            reader.error("what", "acts on [structure] and [inflammation], neither of which this experiment has");
        if (const auto names = reader.string_list("populations")) {
            if (known && !on_receptors(i.what))
                reader.error("populations",
                             fmt::format("{} acts on all: only nmda_antagonist, nmda_2a to nmda_2d, nbqx and gaba_a "
                                         "can be of some populations",
                                         i.what));
            if (names->empty()) reader.error("populations", "must name at least one population");
            for (const std::string& name : *names)
                if (const auto index = index_of(reader, "populations", "population", name, model.populations))
                    i.populations.push_back(*index);
        }
        reader.finish();
        model.interventions.push_back(std::move(i));
    }
    if (has_stress(model)) return;
    for (std::size_t k = 0; k < readers.size(); ++k)
        if (model.interventions[k].what == "stress_relief") readers[k].warning("what", no_stress);
}

void read_therapies(TableReader& root, engine::Model& model) {
    for (TableReader& reader : root.sections<clinic::Therapy>("therapy")) {
        clinic::Therapy session;
        session.kind = reader.string("kind").value_or("");
        reader.read(session);
        const auto kind = std::ranges::find(clinic::therapy_kinds, session.kind, &clinic::TherapyKind::name);
        if (kind == clinic::therapy_kinds.end()) { // complained of already
            reader.finish_early();
            continue;
        }
        const bool asks_relief = reader.has("stress_relief");
        session.effects.current_pA = reader.quantity_or("current", kind->effects.current_pA);
        session.effects.bdnf_synthesis = reader.quantity_or("bdnf_synthesis", kind->effects.bdnf_synthesis);
        session.effects.stress_relief = reader.quantity_or("stress_relief", kind->effects.stress_relief);
        std::vector<std::size_t> populations;
        if (const auto names = reader.string_list("populations")) {
            if (names->empty()) reader.error("populations", "must name at least one population");
            for (const std::string& name : *names)
                if (const auto index = index_of(reader, "populations", "population", name, model.populations))
                    populations.push_back(*index);
        } else if (model.signalling) {
            populations = model.signalling_populations;
        }
        if (session.effects.current_pA != 0 && populations.empty() && !reader.has("populations"))
            reader.error("populations", "must name the populations that the current reaches: there is no [molecular]");
        if (session.effects.bdnf_synthesis != 0 && !model.signalling)
            reader.error("bdnf_synthesis", "must be 0: it acts on [molecular], which this experiment does not have");
        // A kind that does other things too may be idle in this one, unless it was asked for.
        const bool only_relief = session.effects.current_pA == 0 && session.effects.bdnf_synthesis == 0;
        if (session.effects.stress_relief != 0 && (only_relief || asks_relief) && !has_stress(model))
            reader.warning("stress_relief", no_stress);
        drug::Repeat repeat;
        if (auto table = reader.section<drug::Repeat>("repeat")) {
            table->read(repeat);
            if (repeat.times > 1 && repeat.every_s < session.duration_s)
                table->error("every",
                             fmt::format("must not be below over ({} s): sessions would overlap", session.duration_s));
            table->finish();
        }
        if (session.start_s >= model.duration_s) reader.warning("at", after_the_end(model) + ": no session is held");
        reader.finish();
        for (std::int64_t k = 0; k < repeat.times && session.start_s < model.duration_s; ++k) {
            engine::add_session(model, session, populations);
            session.start_s += repeat.every_s;
        }
    }
}

} // namespace

bool has_mechanism(const engine::Model& model, std::string_view table) {
    if (table == "molecular") return model.signalling.has_value();
    if (table == "inflammation") return model.inflammation.has_value();
    return table != "glutamate" || model.glutamate.has_value();
}

void read_mechanisms(TableReader& root, engine::Model& model, Diagnostics& diagnostics) {
    read_glutamate(root, model);
    read_inflammation(root, model);
    read_molecular(root, model);
    read_scaling(root, model);
    read_structure(root, model);
    read_neurogenesis(root, model);
    read_constants(root, "l_type", model.l_type, model.signalling.has_value(), "[molecular]");
    read_constants(root, "stress", model.stress, model.signalling || model.glutamate || model.structure,
                   "[molecular], [glutamate] or [structure]");
    read_constants(root, "calcium", model.calcium, model.structure || model.scaling,
                   "a structural projection or [scaling]");
    read_interventions(root, model);
    read_therapies(root, model);
    read_symptom_score(root, model, diagnostics);
}

} // namespace rewire::experiment
