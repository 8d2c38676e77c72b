#pragma once
// Quadratic integrate-and-fire neuron with recovery (Izhikevich 2003, IEEE Trans Neural Netw 14:1569, eqs 1-3):
//
//     dV/dt = 0.04 V^2 + 5 V + 140 - u + (I_syn + I_ext) / C        V in mV, t in ms, u in mV/ms
//     du/dt = a (b V - u)
//     V > V_peak:  V <- c, u <- u + d
//
// The paper's current is a rate in mV/ms; the capacitance C turns it into pA, and conductances in nS act on it: at
// 100 pF the paper's I = 10 is 1,000 pA. The adaptation current is w = C u, so it starts at C b V.
//
// Scheme: linearly implicit midpoint, V <- V + dt f / (1 - dt f'/2), with f and its slope f' = df/dV taken at V, and
// w, the conductances and the Mg block at half the step: second order below threshold. With all of these constant the
// equation is of Riccati's type, and the step is its exact solution but for terms of third order, poles included: a
// denominator that vanishes means that the upstroke reaches infinity within the step. Spikes fall on the grid, so
// spike times are first order.

#include <algorithm>
#include <cmath>

#include "neuron/membrane.hpp"
#include "quantity/fast_math.hpp"
#include "quantity/parameter.hpp"

namespace rewire::neuron {

/// Parameters of Izhikevich's neuron; the defaults are those of a regular spiking cell.
struct Izhikevich {
    double capacitance_pF = 100;
    double recovery_rate_per_ms = 0.02;
    double recovery_sensitivity_per_ms = 0.2;
    double reset_mV = -65;
    double recovery_increment_mV_per_ms = 8;
    double peak_mV = 30;
};

/// Half the distance (mV) between the fixed points of V with u = b V: roots of 0.04 V^2 + (5 - b) V + 140. Zero where
/// there are none (b above 0.267).
inline double fixed_point_spread_mV(const Izhikevich& p) {
    const double linear = 5 - p.recovery_sensitivity_per_ms;
    return std::sqrt(std::max(0.0, linear * linear - 4 * 0.04 * 140)) / 0.08;
}

/// The stable fixed point without input.
inline double resting_potential_mV(const Izhikevich& p) {
    return -(5 - p.recovery_sensitivity_per_ms) / 0.08 - fixed_point_spread_mV(p);
}
/// The unstable fixed point without input: upper end of the initial potentials.
inline double spike_threshold_mV(const Izhikevich& p) {
    return -(5 - p.recovery_sensitivity_per_ms) / 0.08 + fixed_point_spread_mV(p);
}
inline double reset_potential_mV(const Izhikevich& p) { return p.reset_mV; }
inline double refractory_period_ms(const Izhikevich&) { return 0; }
/// u = b V, as in the paper's network.
inline double initial_adaptation_pA(const Izhikevich& p, double v_mV) {
    return p.capacitance_pF * p.recovery_sensitivity_per_ms * v_mV;
}

/// The step with and without NMDA conductances; the latter takes no exponential.
template <bool with_nmda>
[[gnu::always_inline]] inline void izhikevich_step(const Izhikevich& p, double dt_ms, const NmdaVoltageDependence& nmda,
                                                   const StepInput& in, const MembraneSlice& s) {
    const auto dt = static_cast<float>(dt_ms);
    const auto per_c = static_cast<float>(1 / p.capacitance_pF);
    const auto w_per_mV = static_cast<float>(p.capacitance_pF * p.recovery_sensitivity_per_ms);
    const auto w_half_decay = static_cast<float>(std::exp(-0.5 * dt_ms * p.recovery_rate_per_ms));
    const auto w_decay = static_cast<float>(std::exp(-dt_ms * p.recovery_rate_per_ms));
    const auto w_jump = static_cast<float>(p.capacitance_pF * p.recovery_increment_mV_per_ms);
    const auto peak = static_cast<float>(p.peak_mV), reset = static_cast<float>(p.reset_mV);
    float* __restrict potential = s.membrane_potential_mV;
    float* __restrict adaptation = s.adaptation_pA;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict conductance_nS = in.conductance_nS;
    const float* __restrict conductance_current_pA = in.conductance_current_pA;
    const float* __restrict nmda_ab_nS = in.nmda_ab_nS;
    const float* __restrict nmda_cd_nS = in.nmda_cd_nS;
    const float* __restrict current_pA = in.current_pA;
    const std::size_t count = s.count;
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) {
        const float v = potential[i], w = adaptation[i];
        const float w_rest = w_per_mV * v;
        const float w_half = w_rest + (w - w_rest) * w_half_decay;
        float g = conductance_nS[i];
        float current = conductance_current_pA[i] + current_pA[i] - w_half;
        const auto advance = [&](float h, float g_total, float total_pA) __attribute__((always_inline)) {
            const float f = (0.04f * v + 5.0f) * v + 140.0f + per_c * (total_pA - g_total * v);
            const float damping = 1.0f - 0.5f * h * (0.08f * v + 5.0f - per_c * g_total);
            // A rise may reach infinity within the step, a fall may not.
            const float least = f > 0.0f ? 1e-3f : 0.25f;
            return v + h * f / (damping > least ? damping : least);
        };
        if constexpr (with_nmda) {
            const float g_start = unblocked_nmda_nS(nmda, nmda_ab_nS[i], nmda_cd_nS[i], v);
            const float v_half = advance(0.5f * dt, g + g_start, current + g_start * nmda.reversal_mV);
            const float v_at = v_half < peak ? v_half : peak;
            const float g_half = unblocked_nmda_nS(nmda, nmda_ab_nS[i], nmda_cd_nS[i], v_at);
            g += g_half;
            current += g_half * nmda.reversal_mV;
        }
        const float v_new = advance(dt, g, current);
        const bool fires = v_new > peak;
        // A spike comes half-way through its step on average; the rest of it is spent at reset.
        const float w_middle = w_per_mV * 0.5f * (v + (fires ? reset : v_new));
        potential[i] = fires ? reset : v_new;
        adaptation[i] = w_middle + (w - w_middle) * w_decay + (fires ? w_jump : 0.0f);
        spiked[i] = fires;
    }
}

REWIRE_CLONES static inline void step_ohmic(const Izhikevich& p, double dt_ms, const NmdaVoltageDependence& nmda,
                                            const StepInput& in, const MembraneSlice& s) {
    izhikevich_step<false>(p, dt_ms, nmda, in, s);
}
REWIRE_CLONES static inline void step_nmda(const Izhikevich& p, double dt_ms, const NmdaVoltageDependence& nmda,
                                           const StepInput& in, const MembraneSlice& s) {
    izhikevich_step<true>(p, dt_ms, nmda, in, s);
}

/// One step of `dt_ms`; sets spiked[i], see MembraneSlice. The model has no refractory period.
inline void step(const Izhikevich& p, double dt_ms, int, const NmdaVoltageDependence& nmda, const StepInput& in,
                 const MembraneSlice& s) {
    if (in.nmda_ab_nS == nullptr)
        step_ohmic(p, dt_ms, nmda, in, s);
    else
        step_nmda(p, dt_ms, nmda, in, s);
}

} // namespace rewire::neuron

namespace rewire {
template <>
struct Described<neuron::Izhikevich> {
    using S = neuron::Izhikevich;
    static constexpr std::string_view name = "izhikevich";
    static constexpr std::string_view meaning = "quadratic integrate-and-fire neuron with recovery; linearly implicit "
                                                "midpoint, second order below threshold, spikes on the grid";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"capacitance", "pF", &S::capacitance_pF, positive, "turns the paper's currents (mV/ms) into pA",
         "[M] Izhikevich 2007 (regular spiking cell)"},
        {"recovery_rate", "1/ms", &S::recovery_rate_per_ms, positive, "a: rate of recovery; 0.1 for fast spiking",
         "Izhikevich 2003"},
        {"recovery_sensitivity", "1/ms", &S::recovery_sensitivity_per_ms, any_value,
         "b: coupling of recovery to the potential", "Izhikevich 2003"},
        {"reset", "mV", &S::reset_mV, any_value, "c: potential after a spike", "Izhikevich 2003"},
        {"recovery_increment", "mV/ms", &S::recovery_increment_mV_per_ms, any_value,
         "d: jump of recovery at a spike; 2 for fast spiking", "Izhikevich 2003"},
        {"peak", "mV", &S::peak_mV, any_value, "potential at which a spike is counted", "Izhikevich 2003"},
    });
};
} // namespace rewire
