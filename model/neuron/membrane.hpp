#pragma once
// What every neuron model shares: its state, the input of one step, and the constants of a time step.

#include <cstddef>
#include <cstdint>

#include "quantity/aligned.hpp"
#include "quantity/fast_math.hpp"
#include "quantity/state.hpp"
#include "synapse/magnesium.hpp"

namespace rewire::neuron {

/// Fast state of a population, one entry per neuron.
struct MembraneState {
    aligned_vector<float> membrane_potential_mV;
    aligned_vector<float> adaptation_pA;           ///< zero in models without adaptation
    aligned_vector<std::int32_t> refractory_steps; ///< steps left in which the membrane is held
};

/// Input of one step to a run of neurons. Conductances are those in the middle of the step, which makes the
/// exponential step of the membrane second order.
/// Current based models read `current_pA`, and in `conductance_current_pA` the depolarisation (mV) that synapses cause.
struct StepInput {
    const float* conductance_nS;         ///< sum of the ohmic conductances
    const float* conductance_current_pA; ///< sum of conductance x reversal potential
    const float* nmda_ab_nS; ///< NMDA conductance through GluN2A/2B channels before the Mg block; nullptr: none
    const float* nmda_cd_nS; ///< the same for GluN2C/2D channels
    const float* current_pA; ///< injected current
};

/// Pointers to the state of a run of `count` neurons; `spiked[i]` is set to 1 for those that fire in the step.
struct MembraneSlice {
    float* membrane_potential_mV;
    float* adaptation_pA;
    std::int32_t* refractory_steps;
    std::int32_t* spiked;
    std::size_t count;
};

/// Mg block and reversal of the NMDA conductances: 1 / (1 + ratio exp(-0.062 V)), see synapse/magnesium.hpp.
struct NmdaVoltageDependence {
    float mg_ratio_ab = 0; ///< [Mg] / K of 2A and 2B
    float mg_ratio_cd = 0; ///< [Mg] / K of 2C and 2D
    float reversal_mV = 0;
};

/// NMDA conductance (nS) that Mg leaves open at `v_mV`, both subunit classes together: one exponential, one division.
[[gnu::always_inline]] inline float unblocked_nmda_nS(const NmdaVoltageDependence& nmda, float ab_nS, float cd_nS,
                                                      float v_mV) {
    const float mg = synapse::mg_voltage_factor(v_mV);
    const float ab = std::fma(nmda.mg_ratio_ab, mg, 1.0f), cd = std::fma(nmda.mg_ratio_cd, mg, 1.0f);
    return std::fma(ab_nS, cd, cd_nS * ab) / (ab * cd);
}

/// Whether the sum over arrays stays within `limit` for all of `count` neurons. Values and limit are not negative, so
/// that their bits compare as integers do, which vectorises without assumptions on NaN. For a whole run at once: what
/// follows the loop, gathering the parts of a vector, costs as much as dozens of neurons.
template <class... Values>
[[gnu::always_inline]] inline bool sum_within(float limit, std::size_t count, const Values*... values) {
    std::int32_t beyond = 0;
    const auto bits = std::bit_cast<std::int32_t>(limit);
    for (std::size_t i = 0; i < count; ++i) beyond |= std::bit_cast<std::int32_t>((... + values[i])) > bits;
    return beyond == 0;
}

} // namespace rewire::neuron

namespace rewire {
template <>
struct StateOf<neuron::MembraneState> {
    static constexpr auto variables = std::to_array<StateVariable<neuron::MembraneState>>({
        {"membrane_potential", "mV", &neuron::MembraneState::membrane_potential_mV, "membrane potential"},
        {"adaptation", "pA", &neuron::MembraneState::adaptation_pA, "spike-triggered and subthreshold adaptation"},
    });
};
} // namespace rewire
