#pragma once
// Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005, J Neurophysiol 94:3637, eqs 1-3):
//
//     C dV/dt = -gL (V-EL) + gL DT exp((V-VT)/DT) - w - I_syn + I_ext
//     tau_w dw/dt = a (V-EL) - w
//     V > V_peak:  V <- V_reset, w <- w + b, hold V for t_ref
//
// Scheme: exponential midpoint. The linear part (leak and synaptic conductances) is integrated exactly over the
// step with the exponential term, w and the Mg block taken at half the step, itself found by an exponential Euler
// half step: second order below threshold. Spikes fall on the grid, so spike times are first order.

#include <algorithm>

#include "neuron/membrane.hpp"
#include "quantity/fast_math.hpp"
#include "quantity/parameter.hpp"

namespace rewire::neuron {

/// Parameters of the adaptive exponential neuron; the defaults are those of Brette & Gerstner 2005 (regular
/// spiking), but for the peak, which does not matter above 0 mV.
struct Adex {
    double capacitance_pF = 281;
    double leak_conductance_nS = 30;
    double leak_reversal_mV = -70.6;
    double threshold_mV = -50.4;
    double slope_mV = 2;
    double peak_mV = 0;
    double reset_mV = -70.6;
    double refractory_ms = 2;
    double adaptation_coupling_nS = 4;
    double adaptation_increment_pA = 80.5;
    double adaptation_tau_ms = 144;
};

inline double resting_potential_mV(const Adex& p) { return p.leak_reversal_mV; }
inline double reset_potential_mV(const Adex& p) { return p.reset_mV; }
/// Upper end of the initial potentials.
inline double spike_threshold_mV(const Adex& p) { return p.threshold_mV; }
inline double refractory_period_ms(const Adex& p) { return p.refractory_ms; }
inline double initial_adaptation_pA(const Adex&, double) { return 0; }

/// One step of `dt_ms`; sets spiked[i], see MembraneSlice.
REWIRE_CLONES static inline void step(const Adex& p, double dt_ms, int refractory_steps,
                                      const NmdaVoltageDependence& nmda, const StepInput& in, const MembraneSlice& s) {
    const auto dt = static_cast<float>(dt_ms);
    const float dt_over_c = dt / static_cast<float>(p.capacitance_pF);
    const auto gl = static_cast<float>(p.leak_conductance_nS);
    const auto el = static_cast<float>(p.leak_reversal_mV);
    const auto vt = static_cast<float>(p.threshold_mV);
    const auto slope = static_cast<float>(p.slope_mV);
    const auto peak = static_cast<float>(p.peak_mV);
    const auto reset = static_cast<float>(p.reset_mV);
    const auto a = static_cast<float>(p.adaptation_coupling_nS);
    const auto b = static_cast<float>(p.adaptation_increment_pA);
    const float w_half_decay = fast_exp(-0.5f * dt / static_cast<float>(p.adaptation_tau_ms));
    const float w_decay = fast_exp(-dt / static_cast<float>(p.adaptation_tau_ms));
    const float slope_inverse = 1.0f / slope;
    const float gl_slope = gl * slope, gl_el = gl * el;
    // Beyond the peak the upstroke has been decided, and e^40 lifts any membrane over any peak within a step: more
    // would overflow where the slope is sharp.
    const float highest = std::min((peak - vt) * slope_inverse, 40.0f);

    float* __restrict potential = s.membrane_potential_mV;
    float* __restrict adaptation = s.adaptation_pA;
    std::int32_t* __restrict refractory = s.refractory_steps;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict conductance_nS = in.conductance_nS;
    const float* __restrict conductance_current_pA = in.conductance_current_pA;
    const float* __restrict nmda_ab_nS = in.nmda_ab_nS;
    const float* __restrict nmda_cd_nS = in.nmda_cd_nS;
    const float* __restrict current_pA = in.current_pA;
    // The potential after a step from v of dt_c = duration / C, with everything nonlinear taken at `v_at` and `w_at`.
    const auto moved = [=](auto phi, auto nmda_of, std::size_t i, float v, float v_at, float w_at, float dt_c)
        __attribute__((always_inline)) {
        const float g_n = nmda_of(i, v_at);
        const float g = gl + conductance_nS[i] + g_n;
        const float spike = gl_slope * fast_exp((v_at - vt) * slope_inverse, highest);
        const float current = gl_el + conductance_current_pA[i] + current_pA[i] + spike - w_at;
        const float net = std::fma(g_n, nmda.reversal_mV - v, std::fma(-(gl + conductance_nS[i]), v, current));
        return std::fma(net * dt_c, phi(-dt_c * g), v);
    };
    // Three short loops, because one with all exponentials is more than the compiler vectorises.
    constexpr std::size_t membrane_run = 128;
    float middle_mV[membrane_run], end_mV[membrane_run];
    const auto advance = [&](auto phi, auto nmda_of, std::size_t from, std::size_t until)
        __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = from; i < until; ++i) {
            const float v = potential[i];
            const float v_half = moved(phi, nmda_of, i, v, v, adaptation[i], 0.5f * dt_over_c);
            middle_mV[i - from] = v_half < peak ? v_half : peak;
        }
#pragma GCC ivdep
        for (std::size_t i = from; i < until; ++i) {
            const float w_inf = a * (potential[i] - el);
            const float w_half = w_inf + (adaptation[i] - w_inf) * w_half_decay;
            end_mV[i - from] = moved(phi, nmda_of, i, potential[i], middle_mV[i - from], w_half, dt_over_c);
        }
    };
    const auto unblocked = [=](std::size_t i, float v_at) __attribute__((always_inline)) {
        return unblocked_nmda_nS(nmda, nmda_ab_nS[i], nmda_cd_nS[i], v_at);
    };
    const auto none = [](std::size_t, float) __attribute__((always_inline)) { return 0.0f; };
    const float modest = -phi1_reach / dt_over_c - gl;
    const bool has_nmda = nmda_ab_nS != nullptr;
    const bool near = has_nmda ? sum_within(modest, s.count, conductance_nS, nmda_ab_nS, nmda_cd_nS)
                               : sum_within(modest, s.count, conductance_nS);
    for (std::size_t from = 0; from < s.count; from += membrane_run) {
        const std::size_t until = from + membrane_run < s.count ? from + membrane_run : s.count;
        if (!has_nmda)
            near ? advance(Phi1Near0{}, none, from, until) : advance(Phi1{}, none, from, until);
        else
            near ? advance(Phi1Near0{}, unblocked, from, until) : advance(Phi1{}, unblocked, from, until);
#pragma GCC ivdep
        for (std::size_t i = from; i < until; ++i) {
            const std::int32_t left = refractory[i];
            const bool held = left > 0;
            const bool fires = !held & (end_mV[i - from] > peak);
            const float w_inf = a * ((held ? reset : middle_mV[i - from]) - el);
            potential[i] = held | fires ? reset : end_mV[i - from];
            adaptation[i] = w_inf + (adaptation[i] - w_inf) * w_decay + (fires ? b : 0.0f);
            refractory[i] = fires ? refractory_steps : left - held;
            spiked[i] = fires;
        }
    }
}

} // namespace rewire::neuron

namespace rewire {
template <>
struct Described<neuron::Adex> {
    using S = neuron::Adex;
    static constexpr std::string_view name = "adex";
    static constexpr std::string_view meaning = "adaptive exponential integrate-and-fire neuron; exponential "
                                                "midpoint, second order below threshold, spikes on the grid";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"capacitance", "pF", &S::capacitance_pF, positive, "membrane capacitance", "Brette & Gerstner 2005"},
        {"leak_conductance", "nS", &S::leak_conductance_nS, positive, "leak conductance", "Brette & Gerstner 2005"},
        {"leak_reversal", "mV", &S::leak_reversal_mV, any_value, "leak reversal potential EL",
         "Brette & Gerstner 2005"},
        {"threshold", "mV", &S::threshold_mV, any_value, "effective threshold VT", "Brette & Gerstner 2005"},
        {"slope", "mV", &S::slope_mV, positive, "sharpness DT of spike initiation", "Brette & Gerstner 2005"},
        {"peak", "mV", &S::peak_mV, any_value, "potential at which a spike is counted", "[M] any value above 0 mV"},
        {"reset", "mV", &S::reset_mV, any_value, "potential after a spike", "Brette & Gerstner 2005"},
        {"refractory_period", "ms", &S::refractory_ms, {0, 1e6}, "time held at reset", "[M] 1-3 ms"},
        {"adaptation_coupling", "nS", &S::adaptation_coupling_nS, any_value, "subthreshold adaptation a",
         "Brette & Gerstner 2005"},
        {"adaptation_increment", "pA", &S::adaptation_increment_pA, any_value, "spike-triggered adaptation b",
         "Brette & Gerstner 2005"},
        {"adaptation_tau", "ms", &S::adaptation_tau_ms, positive, "time constant of adaptation",
         "Brette & Gerstner 2005"},
    });
};
} // namespace rewire
