#pragma once
// Leaky integrate-and-fire neuron with conductance synapses (the neuron of Brette et al. 2007, J Comput Neurosci
// 23:349, benchmark 1, after Vogels & Abbott 2005):
//
//     C dV/dt = -gL (V-EL) - I_syn + I_ext ;   V > V_th: V <- V_reset, hold for t_ref
//
// Scheme: exponential step with the conductances of mid-step (and, with NMDA, the Mg block at a predicted
// half step): second order below threshold. From V under conductance g and current I it is
// V + (I - g V) dt/C phi1(-g dt/C). Spikes fall on the grid, so spike times are first order.

#include "neuron/membrane.hpp"
#include "quantity/fast_math.hpp"
#include "quantity/parameter.hpp"

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

/// One step of `dt_ms`; sets spiked[i], see MembraneSlice.
REWIRE_CLONES static inline void step(const LifConductance& p, double dt_ms, int refractory_steps,
                                      const NmdaVoltageDependence& nmda, const StepInput& in, const MembraneSlice& s) {
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
    const float* __restrict nmda_cd_nS = in.nmda_cd_nS;
    const float* __restrict current_pA = in.current_pA;
    const auto finish = [=](std::size_t i, float v_new) __attribute__((always_inline)) {
        const std::int32_t left = refractory[i];
        const bool held = left > 0;
        const bool fires = !held & (v_new > threshold);
        potential[i] = held | fires ? reset : v_new;
        refractory[i] = fires ? refractory_steps : left - held;
        spiked[i] = fires;
    };
    const auto advance_ohmic = [=](auto phi, std::size_t from, std::size_t until) __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = from; i < until; ++i) {
            const float g = gl + conductance_nS[i];
            const float current = gl_el + conductance_current_pA[i] + current_pA[i];
            const float v = potential[i];
            finish(i, std::fma(std::fma(-g, v, current) * dt_over_c, phi(-dt_over_c * g), v));
        }
    };
    const auto advance_nmda = [=](auto phi, std::size_t from, std::size_t until) __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = from; i < until; ++i) {
            const float v = potential[i];
            const float ohmic_g = gl + conductance_nS[i];
            const float ohmic_i = gl_el + conductance_current_pA[i] + current_pA[i];
            const auto moved = [=](float v_at, float dt_c) __attribute__((always_inline)) {
                const float g_n = unblocked_nmda_nS(nmda, nmda_ab_nS[i], nmda_cd_nS[i], v_at);
                const float g = ohmic_g + g_n;
                const float current = std::fma(g_n, nmda.reversal_mV, ohmic_i);
                return std::fma(std::fma(-g, v, current) * dt_c, phi(-dt_c * g), v);
            };
            finish(i, moved(moved(v, 0.5f * dt_over_c), dt_over_c));
        }
    };
    const bool has_nmda = nmda_ab_nS != nullptr;
    const float modest = (-phi1_reach / dt_over_c - gl) / (has_nmda ? 3 : 1); // a third for each of three conductances
    for (std::size_t from = 0; from < s.count; from += membrane_run) {
        const std::size_t until = from + membrane_run < s.count ? from + membrane_run : s.count;
        const bool near = all_within(conductance_nS, from, until, modest);
        if (!has_nmda) {
            near ? advance_ohmic(Phi1Near0{}, from, until) : advance_ohmic(Phi1{}, from, until);
        } else if (near && all_within(nmda_ab_nS, from, until, modest) && all_within(nmda_cd_nS, from, until, modest)) {
            advance_nmda(Phi1Near0{}, from, until);
        } else {
            advance_nmda(Phi1{}, from, until);
        }
    }
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
