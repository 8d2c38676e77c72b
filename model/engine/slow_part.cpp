#include "engine/slow_part.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>
#include <utility>

#include "engine/averages.hpp"
#include "engine/profile.hpp"
#include "quantity/relaxation.hpp"

namespace rewire::engine {
namespace {

/// x relative to its healthy mean; 1 where a healthy circuit has none.
double relative(double x, double healthy) { return healthy > 0 ? x / healthy : 1; }

} // namespace

std::vector<double> controlled(const SlowState& state, const std::vector<std::vector<std::uint8_t>>& counted,
                               const Model& model) {
    std::vector<double> values;
    const auto add_mean = [&](std::size_t p, const std::vector<double>& of) {
        if (!of.empty()) values.push_back(mean_where(of, counted[p]));
    };
    for (std::size_t p = 0; p < state.blocked.size(); ++p)
        for (const BlockedPool& pool : state.blocked[p]) add_mean(p, pool.blocked);
    for (std::size_t p = 0; p < state.signalling.size(); ++p)
        for (const auto& variable : StateOf<molecular::Signalling>::variables)
            add_mean(p, state.signalling[p].*std::get<std::vector<double> molecular::Signalling::*>(variable.member));
    for (std::size_t p = 0; p < state.calcium_filtered.size(); ++p) add_mean(p, state.calcium_filtered[p]);
    const molecular::Inflammation& inflamed = state.inflammation;
    for (const auto* excess : {&inflamed.tnf_a, &inflamed.il_6, &inflamed.il_1b, &inflamed.microglia})
        for (const double x : *excess) values.push_back(1 + x);
    values.insert(values.end(), inflamed.kynurenine.begin(), inflamed.kynurenine.end());
    const molecular::InflammationParameters healthy = model.inflammation.value_or(molecular::InflammationParameters{});
    for (const double x : inflamed.quinolinic_uM) values.push_back(relative(x, healthy.quinolinic_uM));
    for (const double x : inflamed.kynurenic_uM) values.push_back(relative(x, healthy.kynurenic_uM));
    for (std::size_t p = 0; p < state.scaling.size(); ++p) add_mean(p, state.scaling[p]);
    return values;
}

SlowPart::SlowPart(const Model& model, FastNetwork& network) : model_(model), network_(network) {
    for (std::size_t d = 0; d < model_.drugs.size(); ++d) {
        state_.drugs.emplace_back(model_.drugs[d].pharmacokinetics, model_.drugs[d].doses);
        for (std::size_t s = 0; s < model_.drugs[d].blockers.size(); ++s)
            if (model_.drugs[d].blockers[s]) blocker_of_.emplace_back(d, s);
    }
    const std::size_t populations = model_.populations.size(), regions = model_.regions.size();
    state_.signalling.resize(populations);
    state_.blocked.resize(populations);
    state_.l_type.assign(populations, 1);
    state_.ampa.assign(populations, 1);
    state_.calcium.resize(populations);
    state_.calcium_filtered.resize(populations);
    state_.scaling.resize(populations);
    for (const std::size_t p : model_.scaling_populations) state_.scaling[p].assign(network.populations[p].size(), 1);
    calcium_target_.resize(populations);
    state_.eaat2.assign(regions, 1);
    state_.inflammation_s.assign(regions, 0);
    begin_sample_window(0);
    configure_voxels();
    configure_neurogenesis();
    configure_drives();
    const glutamate::GlutamateParameters transmitter = model_.glutamate.value_or(glutamate::GlutamateParameters{});
    const auto ambient_open =
        static_cast<float>(glutamate::extrasynaptic_open_fraction(transmitter, transmitter.ambient_uM));
    std::fill(network_.ambient_open.begin(), network_.ambient_open.end(), ambient_open);
    for (FastPopulation& population : network_.populations)
        std::fill(population.ambient_open.begin(), population.ambient_open.end(), ambient_open);
}

void SlowPart::configure_voxels() {
    const std::size_t per_region = model_.voxels_per_region();
    grids_ = region_grids(model_);
    if (!model_.glutamate || per_region == 1) return;
    for (FastPopulation& population : network_.populations) {
        const std::size_t region = population.specification.region;
        for (const network::Position& position : population.positions)
            population.voxels.push_back(static_cast<std::uint32_t>(region * per_region + grids_[region].at(position)));
        population.ambient_open.resize(population.size());
    }
    for (FastProjection& projection : network_.projections)
        if (projection.specification.glutamatergic)
            projection.release_factors.assign(network_.populations[projection.specification.source].size(), 1);
}

std::span<const glutamate::ExtracellularPool> SlowPart::voxels(std::size_t region) const {
    const std::size_t n = model_.voxels_per_region();
    if (state_.glutamate.empty()) return {};
    return std::span(state_.glutamate).subspan(region * n, n);
}

bool SlowPart::acted_on(drug::Target target) const {
    const std::string_view name = drug::targets[static_cast<std::size_t>(target)].intervention;
    for (const Intervention& i : model_.interventions)
        if (i.what == name) return true;
    for (const DrugModel& d : model_.drugs)
        for (const auto& effects : d.targets)
            for (const drug::TargetEffect& e : effects)
                if (e.target == target) return true;
    return false;
}

void SlowPart::configure_drives() {
    const auto& blockers = network_.options().drives.blockers;
    const drug::Competition& competition = network_.options().drives.competition;
    const bool of_ampa = acted_on(drug::Target::ampa),
               of_gaba_a = acted_on(drug::Target::gaba_a) || model_.inflammation;
    const bool of_nmda = !blockers.empty() || acted_on(drug::Target::nmda) || acted_on(drug::Target::nmda_2a) ||
                         acted_on(drug::Target::nmda_2b) || acted_on(drug::Target::nmda_2c) ||
                         acted_on(drug::Target::nmda_2d) || (model_.inflammation && model_.inflammation->kynurenine);
    nmda_pools_.resize(network_.populations.size());
    std::vector<bool> excites(network_.populations.size(), false);
    for (const FastProjection& projection : network_.projections)
        if (projection.specification.glutamatergic) excites[projection.specification.source] = true;
    for (std::size_t p = 0; p < network_.populations.size(); ++p) {
        FastPopulation& population = network_.populations[p];
        const std::size_t n = population.size();
        const bool signals = model_.signalling &&
                             std::find(model_.signalling_populations.begin(), model_.signalling_populations.end(), p) !=
                                 model_.signalling_populations.end();
        const bool ages = !population.present.empty();
        acts_.push_back(signals || excites[p] ? model_.arms.direct : model_.arms.disinhibition);
        for (synapse::ReceptorState& receptor : population.receptors)
            if ((receptor.kind == synapse::ReceptorKind::ampa &&
                 (signals || of_ampa || ages || !state_.scaling[p].empty())) ||
                (receptor.kind == synapse::ReceptorKind::gaba_a && (of_gaba_a || ages)) ||
                (receptor.kind == synapse::ReceptorKind::gaba_b && ages))
                receptor.gain.assign(n, 1);
        const synapse::Receptor* synaptic_mix = nullptr;
        for (const synapse::ReceptorState& receptor : population.receptors)
            if (receptor.active && receptor.kind == synapse::ReceptorKind::nmda && synaptic_mix == nullptr)
                synaptic_mix = &receptor.parameters;
        const bool outside = population.specification.tonic_nmda_nS > 0 || signals;
        const synapse::Receptor& extrasynaptic_mix = population.specification.extrasynaptic;
        // Resting receptors of the chain are there without a modelled synapse: then as those outside of synapses.
        for (const auto& [pool, present, mix] :
             {std::tuple{synaptic, synaptic_mix != nullptr, synaptic_mix ? *synaptic_mix : extrasynaptic_mix},
              std::tuple{extrasynaptic, outside, extrasynaptic_mix}})
            nmda_pools_[p][pool] = {present, synapse::conductance_shares(mix),
                                    synapse::current_shares(mix, model_.mg_mM)};
        if (synaptic_mix != nullptr && of_nmda) network_.follow_nmda(p);
        Drives& drives = population.drives;
        drives.sampled = signals || (!blockers.empty() && population.has_nmda);
        if (!drives.sampled) continue;
        drives.l_type.assign(n, 0);
        drives.ampa_nS.assign(n, 0);
        for (std::size_t pool = 0; pool < 2 && !blockers.empty(); ++pool) {
            const auto& [present, conductance, current] = nmda_pools_[p][pool];
            if (!present) continue;
            for (std::size_t s = 0; s < drug::subunit_count; ++s) {
                if (conductance[s] <= 0) continue;
                SubunitSums sums{static_cast<drug::Subunit>(s), conductance[s], current[s], {}, {}};
                sums.exchange.assign(competition.ligands.size(), aligned_vector<float>(n, 0));
                for (std::size_t b = 0; b < blockers.size(); ++b)
                    sums.blockers.push_back({aligned_vector<float>(n, 0), aligned_vector<float>(n, 0)});
                drives.pools[pool].push_back(std::move(sums));
                state_.blocked[p][pool].subunits.emplace_back(n * competition.states(), 0);
            }
            state_.blocked[p][pool].blocked.assign(n, 0);
        }
    }
}

void SlowPart::start(SlowInputs healthy) {
    healthy_ = std::move(healthy);
    if (model_.glutamate)
        for (std::size_t r = 0; r < model_.regions.size(); ++r) {
            const std::size_t n = model_.voxels_per_region();
            std::vector<double> volume_fL;
            for (const glutamate::ExtracellularPool& voxel : glutamate::make_voxels(
                     *model_.glutamate, std::span(healthy_.release_events_per_s).subspan(r * n, n))) {
                state_.glutamate.push_back(voxel);
                volume_fL.push_back(voxel.volume_fL);
            }
            diffusion_.push_back(n == 1 ? glutamate::Diffusion{}
                                        : glutamate::make_diffusion(grids_[r], volume_fL,
                                                                    glutamate::effective_diffusion_um2_per_ms(
                                                                        model_.glutamate->diffusion_um2_per_ms,
                                                                        model_.glutamate->tortuosity)));
        }
    if (model_.inflammation)
        state_.inflammation = molecular::make_inflammation(model_.regions.size(), *model_.inflammation);
    for (const std::size_t p : model_.signalling_populations)
        if (model_.signalling) state_.signalling[p] = molecular::make_signalling(network_.populations[p].size());
    for (std::size_t p = 0; p < network_.populations.size() && model_.has_slow_mechanisms(); ++p) {
        state_.calcium_filtered[p].assign(network_.populations[p].size(), 1);
        for (const double rate_Hz : healthy_.populations[p].rate_Hz) {
            // A neuron that was silent while it was measured has a rate of less than half a spike in that time.
            const double least_Hz = 0.5 / healthy_.seconds;
            calcium_target_[p].push_back(structure::equilibrium_calcium(model_.calcium, std::max(rate_Hz, least_Hz)));
            state_.calcium[p].push_back(structure::equilibrium_calcium(model_.calcium, rate_Hz));
        }
    }
    if (model_.structure)
        for (const StructuralProjection& s : model_.structure->projections)
            state_.structural.push_back(make_structural_state(network_, s, model_.structure->spines));
    start_neurogenesis();
    start_scaling();
    write_feedback(0);
}

void SlowPart::start_scaling() {
    scaling_target_.resize(network_.populations.size());
    for (const std::size_t p : model_.scaling_populations) {
        // Neurons that come and go share a target already.
        scaling_target_[p] = calcium_target_[p];
        if (std::ranges::count(model_.neurogenesis, p, &NeurogenesisModel::population) > 0) continue;
        std::vector<double> spikes = healthy_.populations[p].rate_Hz;
        for (double& n : spikes) n *= healthy_.seconds;
        const std::vector<double> expected = synapse::expected_spikes(spikes);
        for (std::size_t i = 0; i < expected.size(); ++i)
            scaling_target_[p][i] = structure::equilibrium_calcium(model_.calcium, expected[i] / healthy_.seconds);
    }
}

SlowCheckpoint SlowPart::checkpoint() const {
    SlowCheckpoint checkpoint{state_, {}, driven()};
    for (const StructuralState& s : state_.structural)
        checkpoint.synapses.push_back(network_.projections[s.specification.projection].synapses);
    return checkpoint;
}

void SlowPart::restore(const SlowCheckpoint& checkpoint) {
    state_ = checkpoint.state;
    for (std::size_t k = 0; k < checkpoint.synapses.size(); ++k)
        network_.projections[state_.structural[k].specification.projection].synapses = checkpoint.synapses[k];
    for (std::size_t k = 0; k < model_.neurogenesis.size(); ++k)
        network_.populations[model_.neurogenesis[k].population].present = state_.neurogenesis[k].present;
    for (std::size_t p = 0; p < network_.populations.size(); ++p) network_.populations[p].driven = checkpoint.driven[p];
    if (!checkpoint.synapses.empty()) network_.update_total_weights();
}

void SlowPart::begin_sample_window(double at_s) {
    state_.window = {
        at_s, std::vector<double>(model_.populations.size(), 0), std::vector<double>(model_.regions.size(), 0),
        std::vector<double>(model_.voxels_per_region() > 1 ? model_.regions.size() * model_.voxels_per_region() : 0, 0),
        std::vector<StageActivity>(model_.neurogenesis.size())};
    for (StructuralState& s : state_.structural) s.formed = s.eliminated = s.nascent_lost = s.buried = 0;
}

std::pair<std::uint64_t, std::uint64_t> SlowPart::structural_turnover() const {
    std::uint64_t synapses = 0, changes = 0;
    for (const StructuralState& s : state_.structural) {
        synapses += network_.projections[s.specification.projection].synapses.count();
        changes += s.formed + s.eliminated + s.nascent_lost + s.buried;
    }
    return {synapses, changes};
}

void SlowPart::advance(const SlowInputs& inputs, double from_s, double to_s, Stretch stretch) {
    if (model_.has_slow_mechanisms()) {
        advance_without_structure(state_, inputs, from_s, to_s, stretch);
        advance_neurogenesis(inputs, from_s, to_s);
        advance_structure(to_s);
    }
    for (std::size_t p = 0; p < state_.window.spikes_per_neuron.size(); ++p)
        state_.window.spikes_per_neuron[p] +=
            (to_s - from_s) * network_.populations[p].mean_of(inputs.populations[p].rate_Hz);
    // What holds from here on: events at to_s have begun.
    write_feedback(to_s);
}

void SlowPart::advance_without_structure(SlowState& state, const SlowInputs& inputs, double from_s, double to_s,
                                         Stretch stretch) const {
    const double seconds = to_s - from_s, middle_s = 0.5 * (from_s + to_s);
    std::vector<double> concentration = blocker_concentrations(state);
    drug::Effects effects = drug_effects(state);
    const std::vector<std::vector<double>> resting = resting_drives(state, from_s);
    for (drug::Pharmacokinetics& pk : state.drugs) pk.advance(from_s, to_s);
    const std::vector<double> after = blocker_concentrations(state);
    for (std::size_t b = 0; b < after.size(); ++b) concentration[b] = 0.5 * (concentration[b] + after[b]);
    const drug::Effects effects_after = drug_effects(state);
    for (std::size_t t = 0; t < effects.of.size(); ++t) effects.of[t] = 0.5 * (effects.of[t] + effects_after.of[t]);
    const std::vector<double> inflammation = advance_inflammation(state, effects, middle_s, seconds);
    for (std::size_t r = 0; r < inflammation.size(); ++r) state.inflammation_s[r] += inflammation[r] * seconds;
    advance_block(state, inputs, concentration, seconds);
    advance_glutamate(state, inputs, inflammation, effects, middle_s, seconds);
    advance_signalling(state, inputs, resting, inflammation, effects, from_s, to_s);
    advance_calcium(state, inputs, seconds, stretch);
}

drug::Effects SlowPart::drug_effects(const SlowState& state) const {
    drug::Effects effects;
    for (std::size_t d = 0; d < model_.drugs.size(); ++d) {
        std::array<drug::Site, drug::targets.size()> sites;
        for (std::size_t s = 0; s < model_.drugs[d].targets.size(); ++s)
            for (const drug::TargetEffect& e : model_.drugs[d].targets[s])
                sites[static_cast<std::size_t>(e.target)].add(e, state.drugs[d].unbound_brain_uM(s));
        for (const drug::TargetInWords& t : drug::targets)
            effects.add(t.target, sites[static_cast<std::size_t>(t.target)].effect());
    }
    return effects;
}

double SlowPart::strength(std::string_view what, const drug::Effects& of_drugs, double at_s,
                          std::optional<std::size_t> population) const {
    const auto acts_on = [&](const Intervention& i) {
        return i.populations.empty() || (population && std::ranges::count(i.populations, *population) > 0);
    };
    double imposed = 0;
    for (const Intervention& i : model_.interventions)
        if (i.what == what && i.from_s <= at_s && at_s < i.to_s && acts_on(i)) imposed += i.strength;
    if (what == "stress") imposed *= 1 - strength("stress_relief", of_drugs, at_s);
    const auto kind = std::ranges::find(intervention_kinds, what, &InterventionKind::name);
    if (kind->effect == drug::Effect::loss) imposed = std::min(imposed, 1.0);
    const auto target = static_cast<std::size_t>(kind - intervention_kinds.begin()); // targets come first
    return target < drug::targets.size() ? drug::together(kind->effect, imposed, of_drugs.of[target]) : imposed;
}

double SlowPart::strength(drug::Target target, const drug::Effects& of_drugs, double at_s,
                          std::optional<std::size_t> population) const {
    return strength(drug::targets[static_cast<std::size_t>(target)].intervention, of_drugs, at_s, population);
}

/// Share of the receptors of each subunit that no antagonist occupies; above 1 where modulators potentiate them.
synapse::PerSubunit SlowPart::without_antagonist(const drug::Effects& of_drugs, double at_s, std::size_t p) const {
    using drug::Target;
    const double free = 1 - strength(Target::nmda, of_drugs, at_s, p);
    synapse::PerSubunit shares{};
    for (const auto& [subunit, target] : {std::pair{drug::n2a, Target::nmda_2a}, std::pair{drug::n2b, Target::nmda_2b},
                                          std::pair{drug::n2c, Target::nmda_2c}, std::pair{drug::n2d, Target::nmda_2d}})
        shares[subunit] = free * (1 - strength(target, of_drugs, at_s, p));
    return shares;
}

std::vector<double> SlowPart::blocker_concentrations(const SlowState& state) const {
    std::vector<double> concentrations;
    for (const auto& [d, s] : blocker_of_) concentrations.push_back(state.drugs[d].unbound_brain_uM(s));
    return concentrations;
}

void SlowPart::advance_block(SlowState& state, const SlowInputs& inputs, const std::vector<double>& concentration_uM,
                             double seconds) const {
    const drug::Competition& competition = network_.options().drives.competition;
    const std::size_t states = competition.states();
    std::vector<drug::BlockDrive> drives(competition.ligands.size());
    for (std::size_t p = 0; p < state.blocked.size(); ++p)
        for (std::size_t pool = 0; pool < 2; ++pool) {
            BlockedPool& blocked_pool = state.blocked[p][pool];
            std::fill(blocked_pool.blocked.begin(), blocked_pool.blocked.end(), 0.0);
            const std::vector<SubunitSums>& subunits = network_.populations[p].drives.pools[pool];
            for (std::size_t s = 0; s < blocked_pool.subunits.size(); ++s) {
                const PopulationInputs::Subunit& in = inputs.populations[p].pools[pool][s];
                for (std::size_t i = 0; i < blocked_pool.blocked.size(); ++i) {
                    for (std::size_t l = 0; l < drives.size(); ++l) {
                        drives[l] = {.mean_rate_per_s = in.exchange[l][i]};
                        for (const std::size_t b : competition.ligands[l].blockers) {
                            drives[l].mean_rate_times_ratio_per_s += concentration_uM[b] * in.exchange_over_ic50[b][i];
                            drives[l].untrapped_ratio += concentration_uM[b] * in.over_ic50[b][i];
                        }
                    }
                    const std::span<double> blocked(blocked_pool.subunits[s].data() + i * states, states);
                    drug::advance_block(blocked, drives, seconds, competition);
                    blocked_pool.blocked[i] += subunits[s].current_share * drug::blocked_share(blocked, competition);
                }
            }
        }
}

double SlowPart::imposed_inflammation(double at_s) const { return strength("inflammation", {}, at_s); }

double SlowPart::inflammation_level(std::size_t region, double at_s) const {
    return molecular::inflammation_level(state_.inflammation, region, imposed_inflammation(at_s));
}

/// The level of each region, mean over the stretch.
std::vector<double> SlowPart::advance_inflammation(SlowState& state, const drug::Effects& of_drugs, double at_s,
                                                   double seconds) const {
    std::vector<double> levels(model_.regions.size(), 0);
    if (!model_.inflammation) return levels;
    const molecular::InflammationInputs inputs{.stress = strength("stress", of_drugs, at_s),
                                               .lps_per_h = strength("lps", of_drugs, at_s),
                                               .clearance_per_h = strength(drug::Target::cytokines, of_drugs, at_s),
                                               .imposed = imposed_inflammation(at_s)};
    const auto add_half = [&] {
        for (std::size_t r = 0; r < levels.size(); ++r)
            levels[r] += 0.5 * molecular::inflammation_level(state.inflammation, r, inputs.imposed);
    };
    add_half();
    molecular::advance(state.inflammation, inputs, *model_.inflammation, seconds);
    add_half();
    return levels;
}

/// Relative change that a level of inflammation makes to what it acts on; 0 without the mechanism.
double SlowPart::coupled(double molecular::InflammationParameters::*coupling, double level) const {
    return model_.inflammation ? (*model_.inflammation).*coupling * level : 0;
}

/// What quinolinic acid adds to the gating of extrasynaptic receptors with GluN2A or 2B, as `nmda_gating`: per voxel.
std::vector<double> SlowPart::quinolinic_gating(const SlowState& state) const {
    const std::size_t per_region = model_.voxels_per_region();
    std::vector<double> gating(model_.regions.size() * per_region, 0);
    if (state.inflammation.regions() == 0) return gating;
    const glutamate::GlutamateParameters p = model_.glutamate.value_or(glutamate::GlutamateParameters{});
    for (std::size_t v = 0; v < gating.size(); ++v) {
        const double level_uM =
                         state.glutamate.empty() ? p.ambient_uM : glutamate::concentration_uM(state.glutamate[v]),
                     more_uM = molecular::equivalent_glutamate_uM(
                         *model_.inflammation, state.inflammation.quinolinic_uM[v / per_region], p.nmda_half_uM);
        gating[v] =
            glutamate::extrasynaptic_gating(p, level_uM + more_uM) - glutamate::extrasynaptic_gating(p, level_uM);
    }
    return gating;
}

double SlowPart::glycine_site_factor(const SlowState& state, std::size_t region) const {
    if (state.inflammation.regions() == 0) return 1;
    return molecular::glycine_site_factor(*model_.inflammation, state.inflammation.kynurenic_uM[region]);
}

void SlowPart::advance_glutamate(SlowState& state, const SlowInputs& inputs, const std::vector<double>& inflammation,
                                 const drug::Effects& of_drugs, double at_s, double seconds) const {
    const double stress = strength("stress", of_drugs, at_s), open = 1 - strength(drug::Target::uptake, of_drugs, at_s);
    const std::size_t n = model_.voxels_per_region();
    for (std::size_t r = 0; r * n < state.glutamate.size(); ++r) {
        const std::span<glutamate::ExtracellularPool> voxels = std::span(state.glutamate).subspan(r * n, n);
        state.eaat2[r] = molecular::stress_factor(model_.stress.eaat2_loss, stress) * open *
                         (1 - coupled(&molecular::InflammationParameters::eaat2_loss, inflammation[r]));
        glutamate::advance(voxels, diffusion_[r], std::span(inputs.release_events_per_s).subspan(r * n, n),
                           state.eaat2[r], seconds);
        state.window.glutamate_uM_s[r] += seconds * glutamate::mean_concentration_uM(voxels);
    }
    for (std::size_t v = 0; v < state.window.voxel_uM_s.size() && v < state.glutamate.size(); ++v)
        state.window.voxel_uM_s[v] += seconds * glutamate::concentration_uM(state.glutamate[v]);
}

/// Share of the current of a neuron's pool that is lost.
/// \param free  share of the receptors of each subunit without antagonist
double SlowPart::nmda_loss(const SlowState& state, std::size_t p, Pool pool, std::size_t i,
                           const synapse::PerSubunit& free) const {
    const BlockedPool& channels = state.blocked[p][pool];
    if (free == synapse::PerSubunit{1, 1, 1, 1}) return channels.blocked.empty() ? 0 : channels.blocked[i];
    const drug::Competition& competition = network_.options().drives.competition;
    const std::vector<SubunitSums>& subunits = network_.populations[p].drives.pools[pool];
    double passing = 0;
    for (std::size_t s = 0, k = 0; s < drug::subunit_count; ++s) {
        double unblocked = 1;
        if (k < subunits.size() && subunits[k].subunit == s) {
            const std::span shares(channels.subunits[k++]);
            unblocked -=
                drug::blocked_share(shares.subspan(i * competition.states(), competition.states()), competition);
        }
        passing += nmda_pools_[p][pool].current[s] * free[s] * unblocked;
    }
    return 1 - passing;
}

double SlowPart::nmda_loss(std::size_t p, Pool pool, double at_s) const {
    if (!nmda_pools_[p][pool].present) return not_applicable;
    const synapse::PerSubunit free = without_antagonist(drug_effects(state_), at_s, p);
    double sum = 0;
    const FastPopulation& population = network_.populations[p];
    for (std::size_t i = 0; i < population.size(); ++i)
        if (population.is_present(i)) sum += nmda_loss(state_, p, pool, i, free);
    return sum / static_cast<double>(std::max<std::size_t>(1, population.count()));
}

double SlowPart::ampa_throughput(std::size_t p, double at_s) const {
    std::vector<double> gain = state_.signalling[p].ampa_gain;
    for (std::size_t i = 0; i < state_.scaling[p].size(); ++i) gain[i] *= state_.scaling[p][i];
    return (1 - strength(drug::Target::ampa, drug_effects(state_), at_s, p)) * network_.populations[p].mean_of(gain);
}

std::vector<std::vector<double>> SlowPart::resting_drives(const SlowState& state, double at_s) const {
    std::vector<std::vector<double>> drives(network_.populations.size());
    const drug::Effects of_drugs = drug_effects(state);
    const std::vector<double> quinolinic = quinolinic_gating(state);
    for (const std::size_t p : model_.signalling_populations) {
        const FastPopulation& population = network_.populations[p];
        const synapse::PerSubunit free = without_antagonist(of_drugs, at_s, p);
        const double glycine = glycine_site_factor(state, population.specification.region);
        const synapse::PerSubunit& current = nmda_pools_[p][extrasynaptic].current;
        const double of_ab = current[drug::n2a] + current[drug::n2b];
        const auto lost = [&](Pool pool, std::size_t i) { return acts_[p] ? nmda_loss(state, p, pool, i, free) : 0; };
        drives[p].resize(population.size());
        for (std::size_t i = 0; i < drives[p].size(); ++i) {
            const double gating = state.glutamate.empty() ? 1 : state.glutamate[population.voxel_of(i)].nmda_gating;
            drives[p][i] =
                glycine * molecular::resting_nmda_drive(model_.resting_drive, lost(synaptic, i), lost(extrasynaptic, i),
                                                        gating + of_ab * quinolinic[population.voxel_of(i)]);
        }
    }
    return drives;
}

void SlowPart::advance_signalling(SlowState& state, const SlowInputs& inputs,
                                  const std::vector<std::vector<double>>& resting_before,
                                  const std::vector<double>& inflammation, const drug::Effects& of_drugs, double from_s,
                                  double to_s) const {
    if (!model_.signalling) return;
    const double seconds = to_s - from_s, at_s = 0.5 * (from_s + to_s);
    using drug::Target;
    const auto on = [&](Target target) { return strength(target, of_drugs, at_s); };
    molecular::Antagonists antagonists{.anti_bdnf = on(Target::bdnf),
                                       .trkb_block = on(Target::trkb),
                                       .trkb_modulation = on(Target::trkb_modulation),
                                       .rapamycin = on(Target::mtorc1),
                                       .anisomycin = on(Target::protein_synthesis),
                                       .bdnf_synthesis = molecular::stress_factor(model_.stress.bdnf_synthesis_loss,
                                                                                  strength("stress", of_drugs, at_s)) *
                                                         std::max(0.0, 1 + strength("bdnf_synthesis", of_drugs, at_s)),
                                       .ampa_gain = on(Target::ampa_gain),
                                       .hnk_uM = strength("hnk", of_drugs, at_s)};
    const double l_open = 1 - on(Target::l_type), synthesis = antagonists.bdnf_synthesis;
    std::vector<std::vector<double>> resting = resting_drives(state, at_s);
    for (const std::size_t p : model_.signalling_populations) {
        const double level = inflammation[network_.populations[p].specification.region];
        antagonists.bdnf_synthesis =
            synthesis * (1 - coupled(&molecular::InflammationParameters::bdnf_synthesis_loss, level));
        antagonists.ampa_factor = 1 + coupled(&molecular::InflammationParameters::ampa_gain, level);
        // The mean over the stretch, to second order: block and gating have moved on already.
        for (std::size_t i = 0; i < resting[p].size(); ++i)
            resting[p][i] = 0.5 * (resting_before[p][i] + resting[p][i]);
        // Pooled over the population and filtered over minutes, as kinases do: the chain's Hill terms and its kink at
        // M = 1 would turn the counting noise of a tick or a burst into drift.
        const double span = seconds / (60 * model_.resting_drive.activity_tau_min), keep = std::exp(-span);
        const auto filter = [&](double& filtered, double now) {
            const double mean = now + (filtered - now) * mean_survival(span);
            filtered = now + (filtered - now) * keep;
            return mean;
        };
        const PopulationInputs &in = inputs.populations[p], &healthy = healthy_.populations[p];
        const double l_type = filter(state.l_type[p], relative(in.l_type, healthy.l_type));
        const double ampa = filter(state.ampa[p], relative(in.ampa_nS, healthy.ampa_nS));
        const std::vector<double> l_types(resting[p].size(), l_open * l_type), ampas(resting[p].size(), ampa);
        molecular::advance(state.signalling[p], {resting[p], l_types, ampas}, antagonists, *model_.signalling, seconds);
    }
}

void SlowPart::advance_calcium(SlowState& state, const SlowInputs& inputs, double seconds, Stretch stretch) const {
    for (std::size_t p = 0; p < state.calcium.size(); ++p)
        for (std::size_t i = 0; i < state.calcium[p].size(); ++i) {
            double& calcium = state.calcium[p][i];
            const PopulationInputs& in = inputs.populations[p];
            // In a leap the trace follows its mean: it forgets a burst within tens of seconds.
            calcium = stretch == Stretch::leap
                          ? structure::advanced_calcium(model_.calcium, calcium, in.rate_Hz[i], seconds)
                          : structure::decayed_calcium(model_.calcium, calcium, seconds) + in.calcium[i];
            // The integral controller takes the noise of the trace: its mean is that of the rate.
            if (!state.scaling[p].empty())
                state.scaling[p][i] = synapse::advanced_scaling(
                    *model_.scaling, state.scaling[p][i], relative(calcium, scaling_target_[p][i]), seconds / 3600);
            if (!model_.structure) continue;
            double& filtered = state.calcium_filtered[p][i];
            filtered = structure::filtered_calcium(model_.structure->spines, filtered, calcium / calcium_target_[p][i],
                                                   seconds / 3600);
        }
}

void SlowPart::advance_structure(double to_s) {
    if (!model_.structure || to_s - state_.structure_time_s < model_.structure->every_s * (1 - 1e-9)) return;
    const Stopwatch stopwatch(model_.profile, structure_wall_s_);
    const structure::SpineParameters& parameters = model_.structure->spines;
    const double middle_s = 0.5 * (state_.structure_time_s + to_s), seconds = to_s - state_.structure_time_s;
    bool changed = false;
    for (StructuralState& state : state_.structural) {
        const network::Projection& projection = network_.projections[state.specification.projection].specification;
        const std::uint64_t before = state.formed + state.eliminated + state.nascent_lost;
        const std::vector<double> from = readiness(projection.source, to_s), to = readiness(projection.target, to_s);
        if (state.specification.rule == "elements") {
            update_elements(network_, state, state_.calcium[projection.source], state_.calcium[projection.target],
                            state_.structure_time_s / 3600, to_s / 3600, from.empty() ? nullptr : &from,
                            to.empty() ? nullptr : &to);
        } else {
            std::vector<double> homeostatic(state_.calcium_filtered[projection.target].size());
            for (std::size_t i = 0; i < homeostatic.size(); ++i)
                homeostatic[i] =
                    structure::homeostatic_factor(parameters, state_.calcium_filtered[projection.target][i]);
            const molecular::Signalling& chain = state_.signalling[projection.target];
            const std::size_t region = network_.populations[projection.target].specification.region;
            const std::vector<std::int32_t> axons(from.begin(), from.end());
            const SpineDrive drive{.synaptic_protein =
                                       chain.synaptic_protein.empty() ? nullptr : &chain.synaptic_protein,
                                   .homeostatic = &homeostatic,
                                   .stress = strength("stress", {}, middle_s),
                                   // Without the mechanism a level is imposed, as stress is.
                                   .inflammation = model_.inflammation ? state_.inflammation_s[region] / seconds
                                                                       : inflammation_level(region, middle_s),
                                   .readiness = to.empty() ? nullptr : &to,
                                   .axons = axons.empty() ? nullptr : &axons};
            update_spines(network_, state, parameters, drive, state_.structure_time_s / 3600, to_s / 3600);
        }
        changed = changed || state.formed + state.eliminated + state.nascent_lost != before;
    }
    if (changed) network_.update_total_weights();
    state_.structure_time_s = to_s;
    std::ranges::fill(state_.inflammation_s, 0.0);
}

void SlowPart::write_feedback(double at_s) {
    if (!model_.has_slow_mechanisms() && model_.interventions.empty()) return;
    const drug::Effects of_drugs = drug_effects(state_);
    const drug::Competition& competition = network_.options().drives.competition;
    const std::size_t states = competition.states();
    const std::vector<double> quinolinic = quinolinic_gating(state_);
    for (std::size_t p = 0; p < network_.populations.size(); ++p) {
        FastPopulation& population = network_.populations[p];
        const std::size_t n = population.size(), region = population.specification.region;
        const bool acts = acts_[p];
        const float ampa_open = static_cast<float>(1 - strength(drug::Target::ampa, of_drugs, at_s, p)),
                    gaba_gain = static_cast<float>(1 + strength(drug::Target::gaba_a, of_drugs, at_s, p));
        const synapse::PerSubunit free = without_antagonist(of_drugs, at_s, p);
        const double glycine = glycine_site_factor(state_, region);
        const auto inhibited = static_cast<float>(
            1 - coupled(&molecular::InflammationParameters::gaba_a_loss, inflammation_level(region, at_s)));
        // Share of the conductance of neuron i's pool that passes through one class of subunits.
        const auto passing = [&](Pool pool, const synapse::PerSubunit& conductance, std::size_t i, bool ab) {
            const std::vector<SubunitSums>& subunits = population.drives.pools[pool];
            double sum = 0;
            for (std::size_t s = 0, k = 0; s < drug::subunit_count; ++s) {
                const bool blocked = k < subunits.size() && subunits[k].subunit == s;
                if (blocked) ++k;
                if ((s == drug::n2a || s == drug::n2b) != ab) continue;
                double share = conductance[s];
                if (acts) {
                    share *= free[s];
                    if (blocked)
                        share *= 1 - drug::blocked_share(
                                         std::span(state_.blocked[p][pool].subunits[k - 1]).subspan(i * states, states),
                                         competition);
                }
                sum += share;
            }
            return glycine * sum;
        };
        for (std::size_t i = 0; i < population.unblocked_nmda.size(); ++i) {
            const synapse::PerSubunit& shares = nmda_pools_[p][synaptic].conductance;
            population.unblocked_nmda[i] =
                static_cast<float>(passing(synaptic, shares, i, true) + passing(synaptic, shares, i, false));
        }
        for (synapse::ReceptorState& receptor : population.receptors) {
            if (receptor.kind == synapse::ReceptorKind::ampa && !receptor.gain.empty())
                for (std::size_t i = 0; i < n; ++i) {
                    const auto of = [&](const std::vector<double>& gains) {
                        return gains.empty() ? 1.0f : static_cast<float>(gains[i]);
                    };
                    receptor.gain[i] = ampa_open * of(state_.signalling[p].ampa_gain) * of(state_.scaling[p]);
                }
            if (receptor.kind == synapse::ReceptorKind::gaba_a && !receptor.gain.empty())
                std::fill(receptor.gain.begin(), receptor.gain.end(), gaba_gain * inhibited);
            if (receptor.kind == synapse::ReceptorKind::gaba_b)
                std::fill(receptor.gain.begin(), receptor.gain.end(), 1.0f);
            if (receptor.kind == synapse::ReceptorKind::nmda) {
                const synapse::PerSubunit shares = synapse::conductance_shares(receptor.parameters);
                for (std::size_t i = 0; i < n; ++i) {
                    receptor.gain_ab[i] = static_cast<float>(passing(synaptic, shares, i, true));
                    receptor.gain_cd[i] = static_cast<float>(passing(synaptic, shares, i, false));
                }
            }
        }
        if (!population.tonic_ab_nS.empty()) {
            const synapse::PerSubunit& shares = nmda_pools_[p][extrasynaptic].conductance;
            for (std::size_t i = 0; i < n; ++i) {
                const double gating =
                    state_.glutamate.empty() ? 1 : state_.glutamate[population.voxel_of(i)].nmda_gating;
                const double tonic_nS = population.specification.tonic_nmda_nS;
                const double more = quinolinic[population.voxel_of(i)];
                population.tonic_ab_nS[i] =
                    static_cast<float>(tonic_nS * (gating + more) * passing(extrasynaptic, shares, i, true));
                population.tonic_cd_nS[i] =
                    static_cast<float>(tonic_nS * gating * passing(extrasynaptic, shares, i, false));
            }
        }
    }
    apply_age(at_s);
    if (state_.glutamate.empty()) return;
    std::vector<float> open;
    for (const glutamate::ExtracellularPool& voxel : state_.glutamate)
        open.push_back(static_cast<float>(
            glutamate::extrasynaptic_open_fraction(*model_.glutamate, glutamate::concentration_uM(voxel))));
    if (model_.voxels_per_region() == 1) network_.ambient_open.assign(open.begin(), open.end());
    for (FastPopulation& population : network_.populations)
        for (std::size_t i = 0; i < population.ambient_open.size(); ++i)
            population.ambient_open[i] = open[population.voxel_of(i)];
    const double mglur = std::clamp(strength(drug::Target::mglur23, of_drugs, at_s), -1.0, 1.0);
    for (FastProjection& projection : network_.projections) {
        if (!projection.specification.glutamatergic) continue;
        const FastPopulation& source = network_.populations[projection.specification.source];
        const auto factor_at = [&](std::size_t voxel) {
            return static_cast<float>(glutamate::mglur_factor_with_drug(
                *model_.glutamate, state_.glutamate[voxel].mglur_release_factor, mglur));
        };
        if (projection.release_factors.empty()) projection.release_factor = factor_at(source.specification.region);
        for (std::size_t j = 0; j < projection.release_factors.size(); ++j)
            projection.release_factors[j] = factor_at(source.voxel_of(j));
    }
}

} // namespace rewire::engine
