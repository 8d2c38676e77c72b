#pragma once
// State and step of one receptor of a population: decaying sums over all synapses, one entry per neuron.

#include <cmath>
#include <cstddef>
#include <type_traits>

#include "quantity/aligned.hpp"
#include "quantity/fast_math.hpp"
#include "synapse/receptor.hpp"

namespace rewire::synapse {

/// Structure of arrays; `rise` is empty for receptors without a rise time, gains are empty where nothing scales them.
struct ReceptorState {
    Receptor parameters;
    ReceptorKind kind = ReceptorKind::ampa;
    bool active = false;                 ///< something acts on it; others are passed over
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
    r.decay.assign(size, 0);
    if (parameters.tau_rise_ms > 0) r.rise.assign(size, 0);
    if (r.kind == ReceptorKind::nmda) {
        const PerSubunit shares = conductance_shares(parameters);
        r.gain_ab.assign(size, static_cast<float>(shares[0] + shares[1]));
        r.gain_cd.assign(size, static_cast<float>(shares[2] + shares[3]));
        r.total_weight.assign(size, 0);
    }
    r.decay_half = static_cast<float>(std::exp(-0.5 * dt_ms / parameters.tau_decay_ms));
    r.rise_half = parameters.tau_rise_ms > 0 ? static_cast<float>(std::exp(-0.5 * dt_ms / parameters.tau_rise_ms)) : 0;
    r.normalisation = static_cast<float>(peak_normalisation(parameters.tau_rise_ms, parameters.tau_decay_ms));
    return r;
}

/// Conductances that have decayed this far are zero: denormal numbers would slow silent neurons manyfold.
inline constexpr float negligible = 1e-25f;

/// What a step does to neurons [first, first + count) of a receptor: `input` holds what this step's spikes add to them
/// (entry 0 is neuron `first`) and is zeroed, the decays advance by a whole step. Exact between spikes.
///
/// This one writes the mid-step conductance (nS) before gain and Mg block to `g`.
REWIRE_CLONES static inline void step_receptor(ReceptorState& r, std::size_t first, std::size_t count, float* input,
                                               float* g) {
    float* decay = r.decay.data() + first;
    const float dh = r.decay_half, norm = r.normalisation;
    if (r.rise.empty()) {
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float half = (decay[i] + input[i]) * dh;
            input[i] = 0;
            g[i] = half;
            decay[i] = std::abs(half) > negligible ? half * dh : 0.0f;
        }
    } else {
        float* rise = r.rise.data() + first;
        const float rh = r.rise_half;
#pragma GCC ivdep
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

/// Whether a receptor is ohmic, without rise time and without gain: all that a neuron's own loop can step.
inline bool is_plain(const ReceptorState& r) {
    return (r.kind == ReceptorKind::ampa || r.kind == ReceptorKind::gaba_a) && r.rise.empty() && r.gain.empty();
}

/// Two plain receptors of a run of neurons, to be stepped in the same loop as the membrane: the commonest case, and
/// intermediate sums would cost as much as the membrane itself.
struct PlainPair {
    float *input_a, *decay_a, *input_b, *decay_b; ///< entry 0 is the first neuron of the run
    float decay_half_a, decay_half_b, reversal_a_mV, reversal_b_mV;
};

inline PlainPair plain_pair(ReceptorState& a, float* input_a, ReceptorState& b, float* input_b, std::size_t first) {
    return {input_a,
            a.decay.data() + first,
            input_b,
            b.decay.data() + first,
            a.decay_half,
            b.decay_half,
            static_cast<float>(a.parameters.reversal_mV),
            static_cast<float>(b.parameters.reversal_mV)};
}

/// Advances one plain receptor of one neuron by a step, as add_plain_receptor does; returns the mid-step conductance.
[[gnu::always_inline]] inline float step_plain(float& decay, float& input, float decay_half) {
    const float half = (decay + input) * decay_half;
    input = 0;
    decay = std::abs(half) > negligible ? half * decay_half : 0.0f;
    return half;
}

/// Sums over the receptors of a run of neurons, at mid-step. Current receptors use `current` alone, for the
/// depolarisation in mV.
struct ReceptorSums {
    float* conductance; ///< nS
    float* current;     ///< pA: conductance x reversal potential
    bool empty = true;  ///< the next receptor writes instead of adding
};

/// Steps an ohmic receptor without rise time and adds its gained conductance to the sums, in one pass.
REWIRE_CLONES static inline void add_plain_receptor(ReceptorState& r, std::size_t first, std::size_t count,
                                                    float* input, ReceptorSums& sums) {
    float* decay = r.decay.data() + first;
    const float* gain = r.gain.empty() ? nullptr : r.gain.data() + first;
    const float dh = r.decay_half;
    const auto reversal = static_cast<float>(r.parameters.reversal_mV);
    float *sum = sums.conductance, *current = sums.current;
    const auto run = [=](auto gain_of, auto adds) __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float g = step_plain(decay[i], input[i], dh) * gain_of(i);
            sum[i] = adds ? sum[i] + g : g;
            current[i] = adds ? std::fma(g, reversal, current[i]) : g * reversal;
        }
    };
    const auto one = [](std::size_t) { return 1.0f; };
    const auto gained = [=](std::size_t i) { return gain[i]; };
    if (sums.empty)
        gain == nullptr ? run(one, std::false_type{}) : run(gained, std::false_type{});
    else
        gain == nullptr ? run(one, std::true_type{}) : run(gained, std::true_type{});
    sums.empty = false;
}

/// Step of a current receptor: adds the exact contribution (mV) of the decaying current to `sums.current`.
REWIRE_CLONES static inline void add_current_receptor(ReceptorState& r, std::size_t first, std::size_t count,
                                                      float* input, ReceptorSums& sums) {
    float* decay = r.decay.data() + first;
    float* mV = sums.current;
    const float whole = r.decay_half * r.decay_half, propagator = r.propagator_mV_per_pA;
    const auto run = [=](auto adds) __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float current = decay[i] + input[i];
            input[i] = 0;
            mV[i] = adds ? std::fma(propagator, current, mV[i]) : propagator * current;
            decay[i] = std::abs(current) > negligible ? current * whole : 0.0f;
        }
    };
    sums.empty ? run(std::false_type{}) : run(std::true_type{});
    sums.empty = false;
}

/// Conductance (nS) now of neuron i before gain and Mg block.
inline float conductance_nS(const ReceptorState& r, std::size_t i) {
    return r.rise.empty() ? r.decay[i] : r.normalisation * (r.decay[i] - r.rise[i]);
}

} // namespace rewire::synapse
