// On NMDA receptors: blockers and antagonists, in the arms that are on (Model::arms); kynurenic acid at the glycine
// site; outside of synapses also ambient glutamate and quinolinic acid. What they leave is written into the network,
// and at rest it drives the chain of BDNF (molecular/resting_drive.hpp).
#include <algorithm>
#include <array>
#include <span>
#include <tuple>
#include <utility>

#include "engine/averages.hpp"
#include "engine/couplings.hpp"

namespace rewire::engine {
namespace {

using synapse::PerSubunit;
constexpr PerSubunit all_of_them{1, 1, 1, 1};

/// Share of the receptors of each subunit that no antagonist occupies; above 1 where modulators potentiate them.
PerSubunit without_antagonist(const Influences& acting, std::size_t population) {
    using drug::Target;
    const double free = 1 - acting.on(Target::nmda, population);
    PerSubunit shares{};
    for (const auto& [subunit, target] : {std::pair{drug::n2a, Target::nmda_2a}, std::pair{drug::n2b, Target::nmda_2b},
                                          std::pair{drug::n2c, Target::nmda_2c}, std::pair{drug::n2d, Target::nmda_2d}})
        shares[subunit] = free * (1 - acting.on(target, population));
    return shares;
}

/// Share of the channels of each subunit of a neuron's pool that no blocker is in.
PerSubunit without_blocker(const SlowSetting& setting, const SlowState& state, std::size_t population, Pool pool,
                           std::size_t neuron) {
    const drug::Competition& competition = setting.network.options().drives.competition;
    const std::size_t states = competition.states();
    const std::vector<SubunitSums>& subunits = setting.network.populations[population].drives.pools[pool];
    PerSubunit shares = all_of_them;
    for (std::size_t k = 0; k < subunits.size(); ++k)
        shares[subunits[k].subunit] -= drug::blocked_share(
            std::span(state.blocked[population][pool].subunits[k]).subspan(neuron * states, states), competition);
    return shares;
}

/// Share of the receptors that kynurenic acid leaves at their glycine site.
double glycine_site_factor(const SlowSetting& setting, const SlowState& state, std::size_t region) {
    if (state.inflammation.regions() == 0) return 1;
    return molecular::glycine_site_factor(*setting.model.inflammation, state.inflammation.kynurenic_uM[region]);
}

/// What quinolinic acid adds to the gating of extrasynaptic receptors with GluN2A or 2B, as `nmda_gating`: per voxel.
std::vector<double> quinolinic_gating(const SlowSetting& setting, const SlowState& state) {
    const Model& model = setting.model;
    const std::size_t per_region = model.voxels_per_region();
    std::vector<double> gating(model.regions.size() * per_region, 0);
    if (state.inflammation.regions() == 0) return gating;
    const glutamate::GlutamateParameters p = model.glutamate.value_or(glutamate::GlutamateParameters{});
    for (std::size_t v = 0; v < gating.size(); ++v) {
        const double level_uM =
                         state.glutamate.empty() ? p.ambient_uM : glutamate::concentration_uM(state.glutamate[v]),
                     more_uM = molecular::equivalent_glutamate_uM(
                         *model.inflammation, state.inflammation.quinolinic_uM[v / per_region], p.nmda_half_uM);
        gating[v] =
            glutamate::extrasynaptic_gating(p, level_uM + more_uM) - glutamate::extrasynaptic_gating(p, level_uM);
    }
    return gating;
}

/// Gating of extrasynaptic receptors by glutamate around a neuron, relative to the healthy ambient level.
double ambient_gating(const SlowState& state, const FastPopulation& population, std::size_t neuron) {
    return state.glutamate.empty() ? 1 : state.glutamate[population.voxel_of(neuron)].nmda_gating;
}

/// Share of the current of a neuron's pool at the reference potential that is lost.
/// \param free  share of the receptors of each subunit without antagonist
double nmda_loss(const SlowSetting& setting, const SlowState& state, std::size_t population, Pool pool,
                 std::size_t neuron, const PerSubunit& free) {
    if (free == all_of_them) {
        const std::vector<double>& blocked = state.blocked[population][pool].blocked;
        return blocked.empty() ? 0 : blocked[neuron];
    }
    const PerSubunit unblocked = without_blocker(setting, state, population, pool, neuron);
    const PerSubunit& current = setting.nmda_pools[population][pool].current;
    double passing = 0;
    for (std::size_t s = 0; s < drug::subunit_count; ++s) passing += current[s] * free[s] * unblocked[s];
    return 1 - passing;
}

/// Whether a population excites others or holds the chain, and so belongs to the arm `direct`.
bool is_direct(const SlowSetting& setting, std::size_t population) {
    const auto excites = [&](const FastProjection& q) {
        return q.specification.glutamatergic && q.specification.source == population;
    };
    return setting.model.has_chain(population) || std::ranges::any_of(setting.network.projections, excites);
}

/// Makes room for the samples that block needs of a pool, and for its block.
void follow_block(const SlowSetting& setting, std::size_t neurons, const NmdaPool& pool,
                  std::vector<SubunitSums>& sampled, BlockedPool& blocked) {
    const DriveConstants& constants = setting.network.options().drives;
    for (std::size_t s = 0; s < drug::subunit_count; ++s) {
        if (pool.conductance[s] <= 0) continue;
        SubunitSums sums{static_cast<drug::Subunit>(s), pool.conductance[s], pool.current[s], {}, {}};
        sums.exchange.assign(constants.competition.ligands.size(), aligned_vector<float>(neurons, 0));
        for (std::size_t b = 0; b < constants.blockers.size(); ++b)
            sums.blockers.push_back({aligned_vector<float>(neurons, 0), aligned_vector<float>(neurons, 0)});
        sampled.push_back(std::move(sums));
        blocked.subunits.emplace_back(neurons * constants.competition.states(), 0);
    }
    blocked.blocked.assign(neurons, 0);
}

} // namespace

void configure_nmda(SlowSetting& setting, SlowState& state, FastNetwork& network) {
    using drug::Target;
    const Model& model = setting.model;
    for (std::size_t d = 0; d < model.drugs.size(); ++d)
        for (std::size_t s = 0; s < model.drugs[d].blockers.size(); ++s)
            if (model.drugs[d].blockers[s]) setting.blocker_of.emplace_back(d, s);
    const bool blockers = !setting.blocker_of.empty();
    const bool changing = blockers || (model.inflammation && model.inflammation->kynurenine) ||
                          std::ranges::any_of(std::array{Target::nmda, Target::nmda_2a, Target::nmda_2b,
                                                         Target::nmda_2c, Target::nmda_2d},
                                              [&](Target target) { return acted_on(model, target); });
    setting.nmda_pools.resize(network.populations.size());
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        FastPopulation& population = network.populations[p];
        const std::size_t n = population.size();
        const bool chain = model.has_chain(p);
        setting.acts.push_back(is_direct(setting, p) ? model.arms.direct : model.arms.disinhibition);
        const synapse::Receptor* synaptic_mix = nullptr;
        for (const synapse::ReceptorState& receptor : population.receptors)
            if (receptor.active && receptor.kind == synapse::ReceptorKind::nmda && synaptic_mix == nullptr)
                synaptic_mix = &receptor.parameters;
        const bool outside = population.specification.tonic_nmda_nS > 0 || chain;
        const synapse::Receptor& extrasynaptic_mix = population.specification.extrasynaptic;
        // Resting receptors of the chain are there without a modelled synapse: then as those outside of synapses.
        for (const auto& [pool, present, mix] :
             {std::tuple{synaptic, synaptic_mix != nullptr, synaptic_mix ? *synaptic_mix : extrasynaptic_mix},
              std::tuple{extrasynaptic, outside, extrasynaptic_mix}})
            setting.nmda_pools[p][pool] = {present, synapse::conductance_shares(mix),
                                           synapse::current_shares(mix, model.mg_mM)};
        if (synaptic_mix != nullptr && changing) network.follow_nmda(p);
        Drives& drives = population.drives;
        drives.sampled = chain || (blockers && population.has_nmda);
        if (!drives.sampled) continue;
        drives.l_type.assign(n, 0);
        drives.ampa_nS.assign(n, 0);
        for (std::size_t pool = 0; pool < 2 && blockers; ++pool)
            if (setting.nmda_pools[p][pool].present)
                follow_block(setting, n, setting.nmda_pools[p][pool], drives.pools[pool], state.blocked[p][pool]);
    }
}

std::vector<double> blocker_concentrations_uM(const SlowSetting& setting, const SlowState& state) {
    std::vector<double> concentrations;
    for (const auto& [d, s] : setting.blocker_of) concentrations.push_back(state.drugs[d].unbound_brain_uM(s));
    return concentrations;
}

void advance_block(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs,
                   const std::vector<double>& concentrations_uM, double seconds) {
    const drug::Competition& competition = setting.network.options().drives.competition;
    const std::size_t states = competition.states();
    std::vector<drug::BlockDrive> drives(competition.ligands.size());
    for (std::size_t p = 0; p < state.blocked.size(); ++p)
        for (std::size_t pool = 0; pool < 2; ++pool) {
            BlockedPool& blocked_pool = state.blocked[p][pool];
            std::ranges::fill(blocked_pool.blocked, 0.0);
            const std::vector<SubunitSums>& subunits = setting.network.populations[p].drives.pools[pool];
            for (std::size_t s = 0; s < blocked_pool.subunits.size(); ++s) {
                const PopulationInputs::Subunit& in = inputs.populations[p].pools[pool][s];
                for (std::size_t i = 0; i < blocked_pool.blocked.size(); ++i) {
                    for (std::size_t l = 0; l < drives.size(); ++l) {
                        drives[l] = {.mean_rate_per_s = in.exchange[l][i]};
                        for (const std::size_t b : competition.ligands[l].blockers) {
                            drives[l].mean_rate_times_ratio_per_s += concentrations_uM[b] * in.exchange_over_ic50[b][i];
                            drives[l].untrapped_ratio += concentrations_uM[b] * in.over_ic50[b][i];
                        }
                    }
                    const std::span<double> blocked(blocked_pool.subunits[s].data() + i * states, states);
                    drug::advance_block(blocked, drives, seconds, competition);
                    blocked_pool.blocked[i] += subunits[s].current_share * drug::blocked_share(blocked, competition);
                }
            }
        }
}

double mean_nmda_loss(const SlowSetting& setting, const SlowState& state, const Influences& acting, std::size_t p,
                      Pool pool) {
    if (!setting.nmda_pools[p][pool].present) return not_applicable;
    const PerSubunit free = without_antagonist(acting, p);
    double sum = 0;
    const FastPopulation& population = setting.network.populations[p];
    for (std::size_t i = 0; i < population.size(); ++i)
        if (population.is_present(i)) sum += nmda_loss(setting, state, p, pool, i, free);
    return sum / static_cast<double>(std::max<std::size_t>(1, population.count()));
}

std::vector<std::vector<double>> resting_drives(const SlowSetting& setting, const SlowState& state,
                                                const Influences& acting) {
    const Model& model = setting.model;
    std::vector<std::vector<double>> drives(model.populations.size());
    const std::vector<double> quinolinic = quinolinic_gating(setting, state);
    for (const std::size_t p : model.signalling_populations) {
        const FastPopulation& population = setting.network.populations[p];
        const PerSubunit free = without_antagonist(acting, p);
        const double glycine = glycine_site_factor(setting, state, population.specification.region);
        const PerSubunit& current = setting.nmda_pools[p][extrasynaptic].current;
        const double of_ab = current[drug::n2a] + current[drug::n2b];
        const auto lost = [&](Pool pool, std::size_t i) {
            return setting.acts[p] ? nmda_loss(setting, state, p, pool, i, free) : 0;
        };
        drives[p].resize(population.size());
        for (std::size_t i = 0; i < drives[p].size(); ++i)
            drives[p][i] =
                glycine * molecular::resting_nmda_drive(model.resting_drive, lost(synaptic, i), lost(extrasynaptic, i),
                                                        ambient_gating(state, population, i) +
                                                            of_ab * quinolinic[population.voxel_of(i)]);
    }
    return drives;
}

void write_nmda(const SlowSetting& setting, const SlowState& state, const Influences& acting, FastNetwork& network) {
    const std::vector<double> quinolinic = quinolinic_gating(setting, state);
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        FastPopulation& population = network.populations[p];
        const bool acts = setting.acts[p];
        const PerSubunit free = acts ? without_antagonist(acting, p) : all_of_them;
        const double glycine = glycine_site_factor(setting, state, population.specification.region);
        struct Passing {
            double ab, cd;
        };
        // Shares of the conductance of neuron i's pool that pass current, by class of subunits (synapse/magnesium.hpp).
        const auto passing = [&](Pool pool, const PerSubunit& conductance, std::size_t i) {
            PerSubunit shares = acts ? without_blocker(setting, state, p, pool, i) : all_of_them;
            for (std::size_t s = 0; s < shares.size(); ++s) shares[s] = conductance[s] * free[s] * shares[s];
            return Passing{glycine * (shares[drug::n2a] + shares[drug::n2b]),
                           glycine * (shares[drug::n2c] + shares[drug::n2d])};
        };
        for (std::size_t i = 0; i < population.unblocked_nmda.size(); ++i) {
            const auto [ab, cd] = passing(synaptic, setting.nmda_pools[p][synaptic].conductance, i);
            population.unblocked_nmda[i] = static_cast<float>(ab + cd);
        }
        for (synapse::ReceptorState& receptor : population.receptors) {
            if (receptor.kind != synapse::ReceptorKind::nmda) continue;
            const PerSubunit conductance = synapse::conductance_shares(receptor.parameters);
            for (std::size_t i = 0; i < population.size(); ++i) {
                const auto [ab, cd] = passing(synaptic, conductance, i);
                receptor.gain_ab[i] = static_cast<float>(ab);
                receptor.gain_cd[i] = static_cast<float>(cd);
            }
        }
        const double tonic_nS = population.specification.tonic_nmda_nS;
        for (std::size_t i = 0; i < population.tonic_ab_nS.size(); ++i) {
            const auto [ab, cd] = passing(extrasynaptic, setting.nmda_pools[p][extrasynaptic].conductance, i);
            const double gating = ambient_gating(state, population, i);
            population.tonic_ab_nS[i] =
                static_cast<float>(tonic_nS * (gating + quinolinic[population.voxel_of(i)]) * ab);
            population.tonic_cd_nS[i] = static_cast<float>(tonic_nS * gating * cd);
        }
    }
}

} // namespace rewire::engine
