#pragma once
// Leaky integrate-and-fire neuron with exponential synaptic currents, integrated exactly on the grid
// (Rotter & Diesmann 1999, Biol Cybern 81:381, section 3.1):
//
//     tau_m dV/dt = -(V-EL) + R (I_syn + I_ext),   tau_s dI_s/dt = -I_s per receptor
//
// The linear system has the propagator  V <- EL + (V-EL) e^(-dt/tau_m) + sum_s P_s I_s + R (1 - e^(-dt/tau_m)) I_ext.
// Below threshold the scheme has no error but rounding; spikes fall on the grid.

#include <cmath>

#include "neuron/membrane.hpp"
#include "quantity/fast_math.hpp"
#include "quantity/parameter.hpp"

namespace rewire::neuron {

/// Parameters of the current leaky integrate-and-fire neuron.
struct LifCurrent {
    double capacitance_pF = 250;
    double membrane_tau_ms = 10;
    double leak_reversal_mV = -65;
    double threshold_mV = -50;
    double reset_mV = -65;
    double refractory_ms = 2;
};

inline double resting_potential_mV(const LifCurrent& p) { return p.leak_reversal_mV; }
inline double reset_potential_mV(const LifCurrent& p) { return p.reset_mV; }
inline double spike_threshold_mV(const LifCurrent& p) { return p.threshold_mV; }
inline double refractory_period_ms(const LifCurrent& p) { return p.refractory_ms; }

/// Depolarisation (mV) after dt per pA of a synaptic current at the start of the step that decays with
/// tau_syn_ms (Rotter & Diesmann 1999, the off-diagonal element of the propagator). The limit for equal time
/// constants is taken where they agree to 1e-6.
inline double synaptic_propagator_mV_per_pA(const LifCurrent& p, double tau_syn_ms, double dt_ms) {
    const double em = std::exp(-dt_ms / p.membrane_tau_ms);
    const double difference = 1 / p.membrane_tau_ms - 1 / tau_syn_ms;
    if (std::abs(difference * p.membrane_tau_ms) < 1e-6) return dt_ms * em / p.capacitance_pF;
    return (std::exp(-dt_ms / tau_syn_ms) - em) / (p.capacitance_pF * difference);
}

/// One step of `dt_ms`. `in.conductance_current_pA` holds the sum over receptors of P_s I_s in mV (the exact
/// contribution of the decaying currents), `in.current_pA` the constant current; conductances are not read.
REWIRE_CLONES static inline void step(const LifCurrent& p, double dt_ms, int refractory_steps,
                                      const NmdaVoltageDependence&, const StepInput& in, const MembraneSlice& s) {
    const double decay_exact = std::exp(-dt_ms / p.membrane_tau_ms);
    const auto decay = static_cast<float>(decay_exact);
    const auto mV_per_pA = static_cast<float>((1 - decay_exact) * p.membrane_tau_ms / p.capacitance_pF);
    const auto el = static_cast<float>(p.leak_reversal_mV);
    const auto threshold = static_cast<float>(p.threshold_mV);
    const auto reset = static_cast<float>(p.reset_mV);
    float* __restrict potential = s.membrane_potential_mV;
    std::int32_t* __restrict refractory = s.refractory_steps;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict conductance_current_pA = in.conductance_current_pA;
    const float* __restrict current_pA = in.current_pA;
    const std::size_t count = s.count;
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) {
        const float v = potential[i];
        const float v_new = el + (v - el) * decay + conductance_current_pA[i] + mV_per_pA * current_pA[i];
        const std::int32_t left = refractory[i];
        const bool held = left > 0;
        const bool fires = !held & (v_new >= threshold);
        potential[i] = held | fires ? reset : v_new;
        refractory[i] = fires ? refractory_steps : left - held;
        spiked[i] = fires;
    }
}

} // namespace rewire::neuron

namespace rewire {
template <>
struct Described<neuron::LifCurrent> {
    using S = neuron::LifCurrent;
    static constexpr std::string_view name = "lif_current";
    static constexpr std::string_view meaning = "leaky integrate-and-fire neuron with exponential synaptic currents; "
                                                "integrated exactly, spikes on the grid";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"capacitance", "pF", &S::capacitance_pF, positive, "membrane capacitance", "Potjans & Diesmann 2014"},
        {"membrane_tau", "ms", &S::membrane_tau_ms, positive, "membrane time constant", "Potjans & Diesmann 2014"},
        {"leak_reversal", "mV", &S::leak_reversal_mV, any_value, "resting potential", "Potjans & Diesmann 2014"},
        {"threshold", "mV", &S::threshold_mV, any_value, "spike threshold", "Potjans & Diesmann 2014"},
        {"reset", "mV", &S::reset_mV, any_value, "potential after a spike", "Potjans & Diesmann 2014"},
        {"refractory_period", "ms", &S::refractory_ms, {0, 1e6}, "time held at reset", "Potjans & Diesmann 2014"},
    });
};
} // namespace rewire
