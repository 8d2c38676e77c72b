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
#include "synapse/receptor_state.hpp"

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

/// What the loops below share: constants, and the end of a neuron's step.
struct LifStep {
    float dt_over_c, gl, gl_el, threshold, reset;
    std::int32_t refractory_steps;

    LifStep(const LifConductance& p, double dt_ms, int refractory)
        : dt_over_c(static_cast<float>(dt_ms / p.capacitance_pF)),
          gl(static_cast<float>(p.leak_conductance_nS)),
          gl_el(static_cast<float>(p.leak_conductance_nS * p.leak_reversal_mV)),
          threshold(static_cast<float>(p.threshold_mV)),
          reset(static_cast<float>(p.reset_mV)),
          refractory_steps(refractory) {}
    /// Synaptic conductance (nS) up to which phi1 needs no exponential.
    float modest_nS() const { return -phi1_reach / dt_over_c - gl; }
    template <class Phi>
    [[gnu::always_inline]] float moved(Phi phi, float v, float g, float current) const {
        return std::fma(std::fma(-g, v, current) * dt_over_c, phi(-dt_over_c * g), v);
    }
    [[gnu::always_inline]] void finish(float v_new, float& potential, std::int32_t& refractory,
                                       std::int32_t& spiked) const {
        const std::int32_t left = refractory;
        const bool held = left > 0;
        const bool fires = !held & (v_new > threshold);
        potential = held | fires ? reset : v_new;
        refractory = fires ? refractory_steps : left - held;
        spiked = fires;
    }
};

/// One step of `dt_ms`; sets spiked[i], see MembraneSlice.
REWIRE_CLONES static inline void step(const LifConductance& p, double dt_ms, int refractory_steps,
                                      const NmdaVoltageDependence& nmda, const StepInput& in, const MembraneSlice& s) {
    const LifStep lif(p, dt_ms, refractory_steps);
    float* __restrict potential = s.membrane_potential_mV;
    std::int32_t* __restrict refractory = s.refractory_steps;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict conductance_nS = in.conductance_nS;
    const float* __restrict conductance_current_pA = in.conductance_current_pA;
    const float* __restrict nmda_ab_nS = in.nmda_ab_nS;
    const float* __restrict nmda_cd_nS = in.nmda_cd_nS;
    const float* __restrict current_pA = in.current_pA;
    const std::size_t count = s.count;
    const auto advance_ohmic = [=](auto phi) __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float current = lif.gl_el + conductance_current_pA[i] + current_pA[i];
            lif.finish(lif.moved(phi, potential[i], lif.gl + conductance_nS[i], current), potential[i], refractory[i],
                       spiked[i]);
        }
    };
    const auto advance_nmda = [=](auto phi) __attribute__((always_inline)) {
        LifStep half = lif;
        half.dt_over_c *= 0.5f;
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float v = potential[i];
            const auto drive = [=](float v_at, float& current) __attribute__((always_inline)) {
                const float g_n = unblocked_nmda_nS(nmda, nmda_ab_nS[i], nmda_cd_nS[i], v_at);
                const float ohmic = lif.gl_el + conductance_current_pA[i] + current_pA[i];
                current = std::fma(g_n, nmda.reversal_mV, ohmic);
                return lif.gl + conductance_nS[i] + g_n;
            };
            float current;
            const float g = drive(v, current);
            const float v_half = half.moved(phi, v, g, current);
            const float g_half = drive(v_half, current);
            lif.finish(lif.moved(phi, v, g_half, current), potential[i], refractory[i], spiked[i]);
        }
    };
    if (nmda_ab_nS == nullptr)
        sum_within(lif.modest_nS(), count, conductance_nS) ? advance_ohmic(Phi1Near0{}) : advance_ohmic(Phi1{});
    else if (sum_within(lif.modest_nS(), count, conductance_nS, nmda_ab_nS, nmda_cd_nS))
        advance_nmda(Phi1Near0{});
    else
        advance_nmda(Phi1{});
}

/// The same with two plain receptors, which are stepped too; equal to `step` after `add_plain_receptor`, bit for bit.
REWIRE_CLONES static inline void step_with_pair(const LifConductance& p, double dt_ms, int refractory_steps,
                                                const synapse::PlainPair& pair, const float* current_pA_,
                                                const MembraneSlice& s) {
    const LifStep lif(p, dt_ms, refractory_steps);
    float* __restrict potential = s.membrane_potential_mV;
    std::int32_t* __restrict refractory = s.refractory_steps;
    std::int32_t* __restrict spiked = s.spiked;
    const float* __restrict current_pA = current_pA_;
    float* __restrict input_a = pair.input_a;
    float* __restrict input_b = pair.input_b;
    float* __restrict decay_a = pair.decay_a;
    float* __restrict decay_b = pair.decay_b;
    const std::size_t count = s.count;
    const float half_a = pair.decay_half_a, half_b = pair.decay_half_b;
    const float reversal_a = pair.reversal_a_mV, reversal_b = pair.reversal_b_mV;
    const auto advance = [=](auto phi) __attribute__((always_inline)) {
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float a = synapse::step_plain(decay_a[i], input_a[i], half_a);
            const float b = synapse::step_plain(decay_b[i], input_b[i], half_b);
            const float current = lif.gl_el + std::fma(b, reversal_b, a * reversal_a) + current_pA[i];
            lif.finish(lif.moved(phi, potential[i], lif.gl + (a + b), current), potential[i], refractory[i], spiked[i]);
        }
    };
    sum_within(lif.modest_nS(), count, input_a, decay_a, input_b, decay_b) ? advance(Phi1Near0{}) : advance(Phi1{});
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
