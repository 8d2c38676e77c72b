#pragma once
// Resting NMDA drive R: calcium through NMDA receptors that miniature release and ambient glutamate open at the
// resting potential of the spine, without evoked input (Autry 2011, Nature 475:91; Nosyreva 2013, J Neurosci 33:6990).
//
//     R = m (1 - b_syn) + (1 - m) (1 - b_ext) gate(G)/gate(G_0)
//
// Miniature events meet synaptic receptors, ambient glutamate meets extrasynaptic ones; b are their blocked shares.
// The activity that the chain sees beside it, L-type and AMPA drive, is filtered with activity_tau.
// Evoked calcium is left out on purpose: with it in, disinhibition would reverse the sign of R.

#include "quantity/parameter.hpp"

namespace rewire::molecular {

/// Constants of the inputs; see the table below for ranges and sources.
struct RestingDrive {
    double miniature_share = 0.7;
    double activity_tau_min = 5;
};

/// R, 1 in health; 0 or more. Blocked shares are those of the pools' currents, at most 1, below 0 if potentiated.
/// \param ambient_gating  gating of extrasynaptic receptors relative to the healthy ambient level
inline double resting_nmda_drive(const RestingDrive& p, double blocked_synaptic, double blocked_extrasynaptic,
                                 double ambient_gating) {
    return p.miniature_share * (1 - blocked_synaptic) +
           (1 - p.miniature_share) * (1 - blocked_extrasynaptic) * ambient_gating;
}

} // namespace rewire::molecular

namespace rewire {
template <>
struct Described<molecular::RestingDrive> {
    using S = molecular::RestingDrive;
    static constexpr std::string_view name = "resting_drive";
    static constexpr std::string_view meaning = "inputs of the chain: resting NMDA drive and activity";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"miniature_share", "1", &S::miniature_share, fraction,
         "share of miniature release, the rest is ambient glutamate", "[M] Autry 2011, low confidence"},
        {"activity_tau", "min", &S::activity_tau_min, positive, "filter of the L-type and AMPA drives",
         "[M] kinases integrate calcium over minutes; below the 6 min of released BDNF"},
    });
};
} // namespace rewire
