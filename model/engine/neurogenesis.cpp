// Neurogenesis on the network: neurons of structure/neurogenesis.hpp come and go in the slots of a population.
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "engine/slow_part.hpp"

namespace rewire::engine {
namespace {

using structure::seconds_per_d;
/// Steps that the membranes of slots that cannot fire are held for. Every write of the feedback begins them anew, long
/// before they are over.
constexpr std::int32_t held_steps = std::numeric_limits<std::int32_t>::max();

structure::NeurogenesisKey key(const FastNetwork& network, const NeurogenesisModel& model) {
    return {.seed = network.options().seed, .population = model.population};
}

} // namespace

void SlowPart::configure_neurogenesis() {
    for (const NeurogenesisModel& m : model_.neurogenesis) {
        FastPopulation& population = network_.populations[m.population];
        for (const network::Projection& q : model_.projections)
            if ((q.source == m.population || q.target == m.population) && !q.structural)
                throw std::invalid_argument(
                    fmt::format("projection {}: must be structural, as neurons of {} come and go", q.name,
                                population.specification.name));
        state_.neurogenesis.push_back(structure::make_slots(m.parameters, population.size(), key(network_, m)));
        population.present = population.driven = state_.neurogenesis.back().present;
        for (std::size_t i = 0; i < population.size(); ++i)
            if (!population.present[i]) population.membrane.refractory_steps[i] = held_steps;
    }
}

void SlowPart::start_neurogenesis() {
    for (const NeurogenesisModel& m : model_.neurogenesis) {
        const std::size_t p = m.population;
        const FastPopulation& population = network_.populations[p];
        // Granule cells are too sparse for a target of each that a baseline could measure; they share the mean.
        const double rate_Hz = population.mean_of(healthy_.populations[p].rate_Hz);
        healthy_rate_Hz_.push_back(rate_Hz);
        const double target = structure::equilibrium_calcium(
            model_.calcium, std::max(rate_Hz, 0.5 / healthy_.seconds / static_cast<double>(population.count())));
        std::fill(calcium_target_[p].begin(), calcium_target_[p].end(), target);
        structure::NeuronSlots& slots = state_.neurogenesis[healthy_rate_Hz_.size() - 1];
        std::vector<std::uint32_t> free;
        for (std::uint32_t i = 0; i < population.size(); ++i)
            population.is_present(i) ? void(slots.use[i] = 1) : free.push_back(i);
        for (StructuralState& s : state_.structural) {
            const network::Projection& q = network_.projections[s.specification.projection].specification;
            const std::vector<std::uint32_t> none;
            leave_free(s, q.source == p ? free : none, q.target == p ? free : none);
        }
    }
}

void SlowPart::advance_neurogenesis(const SlowInputs& inputs, double from_s, double to_s) {
    bool changed = false;
    const double seconds = to_s - from_s, middle_s = 0.5 * (from_s + to_s);
    for (std::size_t k = 0; k < model_.neurogenesis.size(); ++k) {
        const NeurogenesisModel& m = model_.neurogenesis[k];
        const std::size_t p = m.population;
        structure::NeuronSlots& slots = state_.neurogenesis[k];
        const std::vector<double>& rate_Hz = inputs.populations[p].rate_Hz;
        StageActivity& activity = state_.window.stages[k];
        std::vector<double> relative(rate_Hz.size(), 0);
        for (std::size_t i = 0; i < rate_Hz.size(); ++i) {
            const double age_d = middle_s / seconds_per_d - slots.birth_d[i];
            // A neuron without input is silent: what was measured before a leap was of another one in its slot.
            if (!slots.present[i] || age_d < m.parameters.input_from_d) continue;
            relative[i] = healthy_rate_Hz_[k] > 0 ? rate_Hz[i] / healthy_rate_Hz_[k] : 1;
            const double spikes = rate_Hz[i] * seconds;
            const structure::Stage stage = structure::stage_of(m.parameters, age_d);
            activity.all += spikes;
            if (slots.birth_d[i] >= 0) activity.since_start += spikes;
            if (stage == structure::Stage::window) activity.in_window += spikes, activity.in_window_s += seconds;
            if (stage == structure::Stage::mature) activity.mature += spikes, activity.mature_s += seconds;
        }
        const FastPopulation& population = network_.populations[p];
        const molecular::Signalling& chain = state_.signalling[p];
        const auto level = [&](const std::vector<double>& values) {
            return values.empty() ? 1 : population.mean_of(values);
        };
        const structure::Turnover turnover =
            structure::advance(m.parameters, slots,
                               {.bdnf = level(chain.bdnf),
                                .trkb = level(chain.trkb),
                                .stress = strength("stress", {}, middle_s),
                                .rate = relative},
                               key(network_, m), from_s / seconds_per_d, to_s / seconds_per_d);
        // Homeostasis begins with the input: silence before it is not for want of spines.
        for (std::size_t i = 0; i < slots.present.size(); ++i)
            if (slots.present[i] && to_s / seconds_per_d - slots.birth_d[i] < m.parameters.input_from_d) {
                state_.calcium_filtered[p][i] = 1;
                if (!state_.scaling[p].empty()) state_.scaling[p][i] = 1;
            }
        for (const std::uint32_t i : turnover.born) reset_newborn(p, i);
        if (turnover.died.empty()) continue;
        changed = true;
        for (StructuralState& s : state_.structural) {
            const network::Projection& q = network_.projections[s.specification.projection].specification;
            const std::vector<std::uint32_t> none;
            if (q.source == p || q.target == p)
                bury(network_, s, q.source == p ? turnover.died : none, q.target == p ? turnover.died : none);
        }
    }
    if (changed) network_.update_total_weights();
}

/// A newborn has nothing of the neuron that was in its slot before: it begins healthy, unblocked and silent.
void SlowPart::reset_newborn(std::size_t p, std::size_t i) {
    state_.calcium[p][i] = 0;
    state_.calcium_filtered[p][i] = 1;
    if (!state_.scaling[p].empty()) state_.scaling[p][i] = 1;
    for (const auto& variable : StateOf<molecular::Signalling>::variables)
        if (auto& of = state_.signalling[p].*std::get<std::vector<double> molecular::Signalling::*>(variable.member);
            !of.empty())
            of[i] = 1;
    const std::size_t states = network_.options().drives.competition.states();
    for (BlockedPool& pool : state_.blocked[p]) {
        for (std::vector<double>& subunit : pool.subunits) std::fill_n(subunit.data() + i * states, states, 0.0);
        if (!pool.blocked.empty()) pool.blocked[i] = 0;
    }
}

std::vector<std::vector<std::uint8_t>> SlowPart::driven() const {
    std::vector<std::vector<std::uint8_t>> driven;
    for (const FastPopulation& population : network_.populations) driven.push_back(population.driven);
    return driven;
}

std::vector<double> SlowPart::readiness(std::size_t p, double at_s) const {
    for (std::size_t k = 0; k < model_.neurogenesis.size(); ++k) {
        if (model_.neurogenesis[k].population != p) continue;
        const structure::NeuronSlots& slots = state_.neurogenesis[k];
        std::vector<double> ready(slots.present.size(), 0);
        for (std::size_t i = 0; i < ready.size(); ++i)
            if (slots.present[i] &&
                at_s / seconds_per_d - slots.birth_d[i] >= model_.neurogenesis[k].parameters.synapses_from_d)
                ready[i] = 1;
        return ready;
    }
    return {};
}

/// Scales the gains, which have just been written, by the age of each neuron; holds those that cannot fire.
void SlowPart::apply_age(double at_s) {
    for (std::size_t k = 0; k < model_.neurogenesis.size(); ++k) {
        const structure::NeurogenesisParameters& parameters = model_.neurogenesis[k].parameters;
        const structure::NeuronSlots& slots = state_.neurogenesis[k];
        FastPopulation& population = network_.populations[model_.neurogenesis[k].population];
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
