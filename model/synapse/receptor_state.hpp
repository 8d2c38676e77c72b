#pragma once
// State and step of one receptor of a population: decaying sums over all synapses, one entry per neuron.

#include <cmath>
#include <cstddef>

#include "quantity/aligned.hpp"
#include "quantity/fast_math.hpp"
#include "synapse/receptor.hpp"

namespace rewire::synapse {

/// Structure of arrays; `rise` is empty for receptors without a rise time, gains are empty where nothing scales them.
struct ReceptorState {
    Receptor parameters;
    ReceptorKind kind = ReceptorKind::ampa;
    bool active = false;                 ///< something acts on it; others are passed over
    aligned_vector<float> input;         ///< what this step's spikes add; zeroed by the step
    aligned_vector<float> decay;         ///< sum of weight x exp(-t/tau_decay)
    aligned_vector<float> rise;          ///< sum of weight x exp(-t/tau_rise)
    aligned_vector<float> gain;          ///< AMPA: A_i and antagonists; GABA_A: modulators
    aligned_vector<float> gain_ab;       ///< NMDA: unblocked share through 2A/2B channels
    aligned_vector<float> gain_cd;       ///< NMDA: unblocked share through 2C/2D channels
    aligned_vector<float> total_weight;  ///< NMDA: sum of incoming weights, all receptors of the neuron open
    float decay_half = 0, rise_half = 0; ///< decay over half a step
    float normalisation = 1;
    float propagator_mV_per_pA = 0; ///< current receptors: see neuron::synaptic_propagator_mV_per_pA
};

inline ReceptorState make_receptor_state(const Receptor& parameters, std::size_t size, double dt_ms) {
    ReceptorState r{.parameters = parameters, .kind = kind_of(parameters)};
    r.input.assign(size, 0);
    r.decay.assign(size, 0);
    if (parameters.tau_rise_ms > 0) r.rise.assign(size, 0);
    if (r.kind == ReceptorKind::nmda) {
        r.gain_ab.assign(size, static_cast<float>(parameters.share_2a + parameters.share_2b));
        r.gain_cd.assign(size, static_cast<float>(parameters.share_2c + parameters.share_2d));
        r.total_weight.assign(size, 0);
    }
    r.decay_half = static_cast<float>(std::exp(-0.5 * dt_ms / parameters.tau_decay_ms));
    r.rise_half = parameters.tau_rise_ms > 0 ? static_cast<float>(std::exp(-0.5 * dt_ms / parameters.tau_rise_ms)) : 0;
    r.normalisation = static_cast<float>(peak_normalisation(parameters.tau_rise_ms, parameters.tau_decay_ms));
    return r;
}

/// Conductances that have decayed this far are zero: denormal numbers would slow silent neurons manyfold.
inline constexpr float negligible = 1e-25f;

/// Mid-step conductance (nS) of neurons [first, first + count) before gain and Mg block, written to `g`; advances
/// the decays by a whole step and consumes the input. Exact between spikes.
REWIRE_CLONES static inline void step_receptor(ReceptorState& r, std::size_t first, std::size_t count, float* g) {
    float* input = r.input.data() + first;
    float* decay = r.decay.data() + first;
    const float dh = r.decay_half, norm = r.normalisation;
    if (r.rise.empty()) {
        for (std::size_t i = 0; i < count; ++i) {
            const float half = (decay[i] + input[i]) * dh;
            input[i] = 0;
            g[i] = half;
            decay[i] = std::abs(half) > negligible ? half * dh : 0.0f;
        }
    } else {
        float* rise = r.rise.data() + first;
        const float rh = r.rise_half;
        for (std::size_t i = 0; i < count; ++i) {
            const float d = (decay[i] + input[i]) * dh;
            const float u = (rise[i] + input[i]) * rh;
            input[i] = 0;
            g[i] = norm * (d - u);
            decay[i] = std::abs(d) > negligible ? d * dh : 0.0f;
            rise[i] = std::abs(u) > negligible ? u * rh : 0.0f;
        }
    }
}

/// Step of a current receptor: adds the exact contribution (mV) of the decaying current to `mV`.
REWIRE_CLONES static inline void step_current_receptor(ReceptorState& r, std::size_t first, std::size_t count,
                                                       float* mV) {
    float* input = r.input.data() + first;
    float* decay = r.decay.data() + first;
    const float whole = r.decay_half * r.decay_half, propagator = r.propagator_mV_per_pA;
    for (std::size_t i = 0; i < count; ++i) {
        const float current = decay[i] + input[i];
        input[i] = 0;
        mV[i] += propagator * current;
        decay[i] = std::abs(current) > negligible ? current * whole : 0.0f;
    }
}

/// Conductance (nS) now of neuron i before gain and Mg block.
inline float conductance_nS(const ReceptorState& r, std::size_t i) {
    return r.rise.empty() ? r.decay[i] : r.normalisation * (r.decay[i] - r.rise[i]);
}

} // namespace rewire::synapse
