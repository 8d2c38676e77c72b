// Neurogenesis on the network: neurons of structure/neurogenesis.hpp come and go in the slots of a population. BDNF,
// TrkB, stress and activity act on them; their age acts on their synapses.
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "engine/averages.hpp"
#include "engine/couplings.hpp"

namespace rewire::engine {
namespace {

using structure::seconds_per_d;
/// Steps that the membranes of slots that cannot fire are held for. Every write of the feedback begins them anew, long
/// before they are over.
constexpr std::int32_t held_steps = std::numeric_limits<std::int32_t>::max();

structure::NeurogenesisKey key(const FastNetwork& network, const NeurogenesisModel& model) {
    return {.seed = network.options().seed, .population = model.population};
}

/// A newborn has nothing of the neuron that was in its slot before: it begins healthy, unblocked and silent.
void reset_newborn(const SlowSetting& setting, SlowState& state, std::size_t p, std::size_t i) {
    state.calcium[p][i] = 0;
    state.calcium_filtered[p][i] = 1;
    if (!state.scaling[p].empty()) state.scaling[p][i] = 1;
    for (const auto& variable : StateOf<molecular::Signalling>::variables)
        if (auto& of = state.signalling[p].*std::get<std::vector<double> molecular::Signalling::*>(variable.member);
            !of.empty())
            of[i] = 1;
    const std::size_t states = setting.network.options().drives.competition.states();
    for (BlockedPool& pool : state.blocked[p]) {
        for (std::vector<double>& subunit : pool.subunits) std::fill_n(subunit.data() + i * states, states, 0.0);
        if (!pool.blocked.empty()) pool.blocked[i] = 0;
    }
}

} // namespace

void configure_neurogenesis(const SlowSetting& setting, SlowState& state, FastNetwork& network) {
    const Model& model = setting.model;
    for (const NeurogenesisModel& m : model.neurogenesis) {
        FastPopulation& population = network.populations[m.population];
        for (const network::Projection& q : model.projections)
            if ((q.source == m.population || q.target == m.population) && !q.structural)
                throw std::invalid_argument(
                    fmt::format("projection {}: must be structural, as neurons of {} come and go", q.name,
                                population.specification.name));
        state.neurogenesis.push_back(structure::make_slots(m.parameters, population.size(), key(network, m)));
        population.present = population.driven = state.neurogenesis.back().present;
        for (std::size_t i = 0; i < population.size(); ++i)
            if (!population.present[i]) population.membrane.refractory_steps[i] = held_steps;
    }
}

void start_neurogenesis(SlowSetting& setting, SlowState& state) {
    const Model& model = setting.model;
    for (const NeurogenesisModel& m : model.neurogenesis) {
        const std::size_t p = m.population;
        const FastPopulation& population = setting.network.populations[p];
        // Granule cells are too sparse for a target of each that a baseline could measure; they share the mean.
        const double rate_Hz = population.mean_of(setting.healthy.populations[p].rate_Hz);
        setting.healthy_rate_Hz.push_back(rate_Hz);
        const double target = structure::equilibrium_calcium(
            model.calcium, std::max(rate_Hz, 0.5 / setting.healthy.seconds / static_cast<double>(population.count())));
        std::fill(setting.calcium_target[p].begin(), setting.calcium_target[p].end(), target);
        structure::NeuronSlots& slots = state.neurogenesis[setting.healthy_rate_Hz.size() - 1];
        std::vector<std::uint32_t> free;
        for (std::uint32_t i = 0; i < population.size(); ++i)
            population.is_present(i) ? void(slots.use[i] = 1) : free.push_back(i);
        for (StructuralState& s : state.structural) {
            const network::Projection& q = setting.network.projections[s.specification.projection].specification;
            const std::vector<std::uint32_t> none;
            leave_free(s, q.source == p ? free : none, q.target == p ? free : none);
        }
    }
}

void advance_neurogenesis(const SlowSetting& setting, SlowState& state, FastNetwork& network, const SlowInputs& inputs,
                          double from_s, double to_s) {
    const Model& model = setting.model;
    bool changed = false;
    const double seconds = to_s - from_s, middle_s = 0.5 * (from_s + to_s);
    const Influences acting{model, state.drug_effects, middle_s};
    for (std::size_t k = 0; k < model.neurogenesis.size(); ++k) {
        const NeurogenesisModel& m = model.neurogenesis[k];
        const std::size_t p = m.population;
        structure::NeuronSlots& slots = state.neurogenesis[k];
        const std::vector<double>& rate_Hz = inputs.populations[p].rate_Hz;
        StageActivity& activity = state.window.stages[k];
        std::vector<double> relative_rate(rate_Hz.size(), 0);
        for (std::size_t i = 0; i < rate_Hz.size(); ++i) {
            const double age_d = middle_s / seconds_per_d - slots.birth_d[i];
            // A neuron without input is silent: what was measured before a leap was of another one in its slot.
            if (!slots.present[i] || age_d < m.parameters.input_from_d) continue;
            relative_rate[i] = relative(rate_Hz[i], setting.healthy_rate_Hz[k]);
            const double spikes = rate_Hz[i] * seconds;
            const structure::Stage stage = structure::stage_of(m.parameters, age_d);
            activity.all += spikes;
            if (slots.birth_d[i] >= 0) activity.since_start += spikes;
            if (stage == structure::Stage::window) activity.in_window += spikes, activity.in_window_s += seconds;
            if (stage == structure::Stage::mature) activity.mature += spikes, activity.mature_s += seconds;
        }
        const FastPopulation& population = network.populations[p];
        const molecular::Signalling& chain = state.signalling[p];
        const auto level = [&](const std::vector<double>& values) {
            return values.empty() ? 1 : population.mean_of(values);
        };
        const structure::Turnover turnover =
            structure::advance(m.parameters, slots,
                               {.bdnf = level(chain.bdnf),
                                .trkb = level(chain.trkb),
                                .stress = acting.of("stress"),
                                .rate = relative_rate},
                               key(network, m), from_s / seconds_per_d, to_s / seconds_per_d);
        // Homeostasis begins with the input: silence before it is not for want of spines.
        for (std::size_t i = 0; i < slots.present.size(); ++i)
            if (slots.present[i] && to_s / seconds_per_d - slots.birth_d[i] < m.parameters.input_from_d) {
                state.calcium_filtered[p][i] = 1;
                if (!state.scaling[p].empty()) state.scaling[p][i] = 1;
            }
        for (const std::uint32_t i : turnover.born) reset_newborn(setting, state, p, i);
        if (turnover.died.empty()) continue;
        changed = true;
        for (StructuralState& s : state.structural) {
            const network::Projection& q = network.projections[s.specification.projection].specification;
            const std::vector<std::uint32_t> none;
            if (q.source == p || q.target == p)
                bury(network, s, q.source == p ? turnover.died : none, q.target == p ? turnover.died : none);
        }
    }
    if (changed) network.update_total_weights();
}

std::vector<double> readiness(const Model& model, const SlowState& state, std::size_t p, double at_s) {
    for (std::size_t k = 0; k < model.neurogenesis.size(); ++k) {
        if (model.neurogenesis[k].population != p) continue;
        const structure::NeuronSlots& slots = state.neurogenesis[k];
        std::vector<double> ready(slots.present.size(), 0);
        for (std::size_t i = 0; i < ready.size(); ++i)
            if (slots.present[i] &&
                at_s / seconds_per_d - slots.birth_d[i] >= model.neurogenesis[k].parameters.synapses_from_d)
                ready[i] = 1;
        return ready;
    }
    return {};
}

void write_age(const SlowSetting& setting, const SlowState& state, FastNetwork& network, double at_s) {
    const Model& model = setting.model;
    for (std::size_t k = 0; k < model.neurogenesis.size(); ++k) {
        const structure::NeurogenesisParameters& parameters = model.neurogenesis[k].parameters;
        const structure::NeuronSlots& slots = state.neurogenesis[k];
        FastPopulation& population = network.populations[model.neurogenesis[k].population];
        population.present = slots.present;
        for (std::size_t i = 0; i < population.size(); ++i) {
            const double age_d = at_s / seconds_per_d - slots.birth_d[i];
            const bool driven = slots.present[i] && age_d >= parameters.input_from_d;
            population.driven[i] = driven;
            std::int32_t& held = population.membrane.refractory_steps[i];
            if (!driven)
                held = held_steps;
            else if (held > population.refractory_steps)
                held = 0;
            const auto excited = driven ? static_cast<float>(structure::excitation(parameters, age_d)) : 0.0f;
            const auto inhibited = driven ? static_cast<float>(structure::inhibition(parameters, age_d)) : 0.0f;
            for (synapse::ReceptorState& receptor : population.receptors) switch (receptor.kind) {
                case synapse::ReceptorKind::ampa: receptor.gain[i] *= excited; break;
                case synapse::ReceptorKind::gaba_a:
                case synapse::ReceptorKind::gaba_b: receptor.gain[i] *= inhibited; break;
                case synapse::ReceptorKind::nmda:
                    receptor.gain_ab[i] *= excited;
                    receptor.gain_cd[i] *= excited;
                    break;
                default: break;
                }
            if (!population.tonic_ab_nS.empty()) {
                population.tonic_ab_nS[i] *= excited;
                population.tonic_cd_nS[i] *= excited;
            }
        }
    }
}

} // namespace rewire::engine
