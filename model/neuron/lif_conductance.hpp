#pragma once
// Leaky integrate-and-fire neuron with conductance synapses (the neuron of Brette et al. 2007, J Comput Neurosci
// 23:349, benchmark 1, after Vogels & Abbott 2005):
//
//     C dV/dt = -gL (V-EL) - I_syn + I_ext ;   V > V_th: V <- V_reset, hold for t_ref
//
// Scheme: exponential step with the conductances of mid-step (and, with NMDA, the Mg block at a predicted
// half step): second order below threshold. Spikes fall on the grid, so spike times are first order.

#include "neuron/membrane.hpp"
#include "quantity/fast_math.hpp"
#include "quantity/parameter.hpp"
#include "synapse/magnesium.hpp"

namespace rewire::neuron {

/// Parameters of the conductance leaky integrate-and-fire neuron.
struct LifConductance {
    double capacitance_pF = 200;
    double leak_conductance_nS = 10;
    double leak_reversal_mV = -60;
    double threshold_mV = -50;
    double reset_mV = -60;
    double refractory_ms = 5;
};

inline double resting_potential_mV(const LifConductance& p) { return p.leak_reversal_mV; }
inline double reset_potential_mV(const LifConductance& p) { return p.reset_mV; }
inline double spike_threshold_mV(const LifConductance& p) { return p.threshold_mV; }
inline double refractory_period_ms(const LifConductance& p) { return p.refractory_ms; }

/// The step without NMDA conductances: one exponential a neuron.
REWIRE_CLONES static inline void step_ohmic(const LifConductance& p, double dt_ms, int refractory_steps,
                                            const StepInput& in, const MembraneSlice& s) {
    const float dt_over_c = static_cast<float>(dt_ms / p.capacitance_pF);
    const auto gl = static_cast<float>(p.leak_conductance_nS);
    const auto gl_el = static_cast<float>(p.leak_conductance_nS * p.leak_reversal_mV);
    const auto threshold = static_cast<float>(p.threshold_mV);
    const auto reset = static_cast<float>(p.reset_mV);
    float* __restrict potential = s.membrane_potential_mV;
    std::int32_t* __restrict refractory = s.refractory_steps;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict conductance_nS = in.conductance_nS;
    const float* __restrict conductance_current_pA = in.conductance_current_pA;
    const float* __restrict current_pA = in.current_pA;
    const std::size_t count = s.count;
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) {
        const float v = potential[i];
        const float g = gl + conductance_nS[i];
        const float v_inf = (gl_el + conductance_current_pA[i] + current_pA[i]) / g;
        const float v_new = v_inf + (v - v_inf) * fast_exp(-dt_over_c * g);
        const std::int32_t left = refractory[i];
        const bool held = left > 0;
        const bool fires = !held & (v_new > threshold);
        potential[i] = held | fires ? reset : v_new;
        refractory[i] = fires ? refractory_steps : left - held;
        spiked[i] = fires;
    }
}

/// The step with NMDA conductances.
REWIRE_CLONES static inline void step_nmda(const LifConductance& p, double dt_ms, int refractory_steps,
                                           const NmdaVoltageDependence& nmda, const StepInput& in,
                                           const MembraneSlice& s) {
    const float dt_over_c = static_cast<float>(dt_ms / p.capacitance_pF);
    const auto gl = static_cast<float>(p.leak_conductance_nS);
    const auto gl_el = static_cast<float>(p.leak_conductance_nS * p.leak_reversal_mV);
    const auto threshold = static_cast<float>(p.threshold_mV);
    const auto reset = static_cast<float>(p.reset_mV);
    float* __restrict potential = s.membrane_potential_mV;
    std::int32_t* __restrict refractory = s.refractory_steps;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict conductance_nS = in.conductance_nS;
    const float* __restrict conductance_current_pA = in.conductance_current_pA;
    const float* __restrict nmda_ab_nS = in.nmda_ab_nS;
    const float mg_ratio_ab = nmda.mg_ratio_ab, mg_ratio_cd = nmda.mg_ratio_cd, reversal_nmda = nmda.reversal_mV;
    const float* __restrict nmda_cd_nS = in.nmda_cd_nS;
    const float* __restrict current_pA = in.current_pA;
    const std::size_t count = s.count;
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) {
        const float v = potential[i];
        const float ohmic_g = gl + conductance_nS[i];
        const float ohmic_i = gl_el + conductance_current_pA[i] + current_pA[i];
        float mg = synapse::mg_voltage_factor(v);
        float g_n = nmda_ab_nS[i] / (1.0f + mg_ratio_ab * mg) + nmda_cd_nS[i] / (1.0f + mg_ratio_cd * mg);
        float g = ohmic_g + g_n;
        float v_inf = (ohmic_i + g_n * reversal_nmda) / g;
        const float v_half = v_inf + (v - v_inf) * fast_exp(-0.5f * dt_over_c * g);
        mg = synapse::mg_voltage_factor(v_half);
        g_n = nmda_ab_nS[i] / (1.0f + mg_ratio_ab * mg) + nmda_cd_nS[i] / (1.0f + mg_ratio_cd * mg);
        g = ohmic_g + g_n;
        v_inf = (ohmic_i + g_n * reversal_nmda) / g;
        const float v_new = v_inf + (v - v_inf) * fast_exp(-dt_over_c * g);
        const std::int32_t left = refractory[i];
        const bool held = left > 0;
        const bool fires = !held & (v_new > threshold);
        potential[i] = held | fires ? reset : v_new;
        refractory[i] = fires ? refractory_steps : left - held;
        spiked[i] = fires;
    }
}

/// One step of `dt_ms`; sets spiked[i], see MembraneSlice.
inline void step(const LifConductance& p, double dt_ms, int refractory_steps, const NmdaVoltageDependence& nmda,
                 const StepInput& in, const MembraneSlice& s) {
    if (in.nmda_ab_nS == nullptr)
        step_ohmic(p, dt_ms, refractory_steps, in, s);
    else
        step_nmda(p, dt_ms, refractory_steps, nmda, in, s);
}

} // namespace rewire::neuron

namespace rewire {
template <>
struct Described<neuron::LifConductance> {
    using S = neuron::LifConductance;
    static constexpr std::string_view name = "lif_conductance";
    static constexpr std::string_view meaning =
        "leaky integrate-and-fire neuron with conductance synapses; exponential "
        "midpoint, second order below threshold, spikes on the grid";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"capacitance", "pF", &S::capacitance_pF, positive, "membrane capacitance", "Brette et al. 2007"},
        {"leak_conductance", "nS", &S::leak_conductance_nS, positive, "leak conductance", "Brette et al. 2007"},
        {"leak_reversal", "mV", &S::leak_reversal_mV, any_value, "leak reversal potential", "Brette et al. 2007"},
        {"threshold", "mV", &S::threshold_mV, any_value, "spike threshold", "Brette et al. 2007"},
        {"reset", "mV", &S::reset_mV, any_value, "potential after a spike", "Brette et al. 2007"},
        {"refractory_period", "ms", &S::refractory_ms, {0, 1e6}, "time held at reset", "Brette et al. 2007"},
    });
};
} // namespace rewire
