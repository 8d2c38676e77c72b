#pragma once
// What the presynaptic side of a spike determines: how much transmitter is released and how far the NMDA receptors
// behind it still have to open. One entry per source neuron and target class (projection), so that synapses carry
// only a target and a weight.
//
// Short-term plasticity (Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, eqs 2.1-2.3), on a spike after an
// interval D:
//     u <- u e^(-D/tau_fac) (1-U) + U          x <- 1 - (1-x) e^(-D/tau_rec)
//     release r = u x,  then  x <- x - r
// The weight of a synapse is its absolute efficacy: the first spike after a long rest releases U of it.

#include <cmath>

#include "quantity/parameter.hpp"

namespace rewire::synapse {

/// Parameters of short-term plasticity.
struct ShortTerm {
    double release_probability = 0.5;
    double tau_recovery_ms = 500;
    double tau_facilitation_ms = 0;
};

/// Presynaptic state of one source neuron towards one target class.
struct ReleaseState {
    float utilisation = 0; ///< u after the last spike
    float resources = 1;   ///< x after the last spike
    float nmda_gating = 0; ///< s after the last spike
    double last_spike_ms = -1e12;
};

/// Release of a spike at time t_ms, as a share of the absolute efficacy (Tsodyks, Pawelzik & Markram 1998).
/// \param release_factor  multiplies the release probability (presynaptic mGluR2/3), 1 without
inline float release(ReleaseState& s, const ShortTerm& p, double t_ms, float release_factor) {
    const double interval = t_ms - s.last_spike_ms;
    const auto big_u = std::min(1.0f, static_cast<float>(p.release_probability) * release_factor);
    const auto kept =
        p.tau_facilitation_ms > 0 ? static_cast<float>(std::exp(-interval / p.tau_facilitation_ms)) : 0.0f;
    const auto lost = static_cast<float>(std::exp(-interval / p.tau_recovery_ms));
    s.utilisation = s.utilisation * kept * (1 - big_u) + big_u;
    const float available = 1 - (1 - s.resources) * lost;
    const float released = s.utilisation * available;
    s.resources = available - released;
    s.last_spike_ms = t_ms;
    return released;
}

/// NMDA gating that a release adds behind its terminal, alpha r (1-s) (Wang 1999, J Neurosci 19:9587, eq 4, in the
/// limit of a brief pulse), with s decayed over the interval since the last spike. Call before `release` moves the
/// time of the last spike.
inline float nmda_increment(ReleaseState& s, double interval_ms, double saturation, double tau_decay_ms,
                            float released) {
    const float open = s.nmda_gating * static_cast<float>(std::exp(-interval_ms / tau_decay_ms));
    const float increment = static_cast<float>(saturation) * released * (1 - open);
    s.nmda_gating = open + increment;
    return increment;
}

} // namespace rewire::synapse

namespace rewire {
template <>
struct Described<synapse::ShortTerm> {
    using S = synapse::ShortTerm;
    static constexpr std::string_view name = "short_term";
    static constexpr std::string_view meaning = "Tsodyks-Markram short-term plasticity";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"release_probability",
         "1",
         &S::release_probability,
         {0, 1, true},
         "U: use of resources by a first spike",
         "[M] Markram 1998 (0.5 depressing, 0.05-0.1 facilitating)"},
        {"tau_recovery", "ms", &S::tau_recovery_ms, positive, "recovery from depression",
         "[M] Markram 1998 (100-800 ms)"},
        {"tau_facilitation", "ms", &S::tau_facilitation_ms, non_negative, "decay of facilitation, 0 for none",
         "[M] Markram 1998 (400-700 ms onto SST)"},
    });
};
} // namespace rewire
