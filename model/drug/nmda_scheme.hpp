#pragma once
// Full kinetic scheme of an NMDA receptor with magnesium and a trapping blocker: what the reduction of
// channel_block.hpp is held against. Single channels; no run uses it.
//
//             2 k_on A       k_on A       beta
//         C  <------->  CA  <------->  CAA  <---->  O          Lester & Jahr 1992, J Neurosci 12:635
//             k_off         2 k_off     |    alpha
//                                   k_d | k_r                  A: agonist (mM)
//                                       D
//
// The pore of each of the five states is vacant or holds Mg or the drug: fifteen states. Both enter and leave the open
// state and do not touch the gating, so that a channel closes over them, desensitises and loses its agonist with them
// inside (trapping; the ten states without drug are those of Adam 2024):
//
//     O -> O.Mg   k_b [Mg] exp(-V/v_b)                      O.Mg -> O   k_u exp(V/v_u)
//     O -> O.X    k_x C/K(V) exp(s (V-V_ref)/e)             O.X -> O    k_x exp(s (V-V_ref)/e)
//     any state   l C/K(V)                                  any state   l           through the membrane
//     K(V) = K exp((V-V_ref)/e)                             Woodhull 1973, J Gen Physiol 61:687
//
// s is the part of the voltage dependence that the leaving has, the rest is the entering's: only their ratio is known.
// Loops (gating and the route through the membrane) have equal products of rates in both directions: detailed balance
// holds, and in the steady state vacant, Mg and drug stand as 1 : [Mg]/K_Mg : C/K in every gating state.

#include <Eigen/Core>

#include "drug/channel_block.hpp"
#include "quantity/parameter.hpp"
#include "synapse/magnesium.hpp"

namespace rewire::drug {

/// Rates of gating and of Mg in the pore. The defaults are those of Adam 2024; other programs give the same gating, but
/// for an unbinding of 4.7 per s, as Edmonds & Colquhoun 1992 (Destexhe & Mainen's NMDA5 [R]).
struct NmdaScheme {
    double binding_per_mM_ms = 5;
    double unbinding_per_ms = 0.0055;
    double opening_per_ms = 0.0465;
    double closing_per_ms = 0.0916;
    double desensitisation_per_ms = 0.0084;
    double resensitisation_per_ms = 0.0018;
    double mg_block_per_mM_ms = 0.61;
    double mg_block_e_fold_mV = 17;
    double mg_unblock_per_ms = 5.4;
    double mg_unblock_e_fold_mV = 47;
};

/// The gating that NMDA5 [R] gives for Lester & Jahr 1992: gates that open three times as often in the steady state.
inline NmdaScheme lester_jahr_1992() {
    return {.unbinding_per_ms = 0.0067,
            .opening_per_ms = 0.0838,
            .closing_per_ms = 0.0838,
            .desensitisation_per_ms = 0.0152,
            .resensitisation_per_ms = 0.0094};
}

/// The scheme with Mg in the equilibrium of Jahr & Stevens 1990 (synapse/magnesium.hpp): unblocking stays, blocking
/// takes k_u/K exp(-(0.062 - 1/v_u) V).
/// \param mg_half_mM  magnesium that blocks half at 0 mV, above 0
inline NmdaScheme with_mg_equilibrium(NmdaScheme scheme, double mg_half_mM = synapse::mg_half_ab_mM) {
    scheme.mg_block_per_mM_ms = scheme.mg_unblock_per_ms / mg_half_mM;
    scheme.mg_block_e_fold_mV = 1 / (synapse::mg_slope_per_mV - 1 / scheme.mg_unblock_e_fold_mV);
    return scheme;
}

/// A drug in the pore. The default is ketamine at GluN2A without Mg.
struct PoreBlocker {
    double dissociation_uM = 0.33;
    double reference_mV = -66;
    double e_fold_mV = 37;
    double unblock_per_s = 1;
    double unblock_share = 0.5;
    double leak_per_s = 0.002;
};

/// What the blocker's measured potency says of one subunit: K is its IC50 without Mg.
inline PoreBlocker pore_blocker(const Blocker& b, Subunit subunit) {
    return {.dissociation_uM = ic50_uM(b, subunit, b.reference_mV, 0),
            .reference_mV = b.reference_mV,
            .e_fold_mV = b.voltage_e_fold_mV,
            .leak_per_s = b.r_leak_per_s};
}

/// What the receptor is exposed to.
struct Exposure {
    double agonist_mM = 0;
    double v_mV = -66;
    double mg_mM = 0;
    double drug_uM = 0;
};

enum class Gating { unbound, one_bound, both_bound, open, desensitised };
enum class Pore { vacant, with_mg, with_drug };
inline constexpr Eigen::Index gating_states = 5, scheme_states = 15;

/// Shares of the channels in each state, together 1.
using Occupancy = Eigen::Matrix<double, scheme_states, 1>;
using SchemeMatrix = Eigen::Matrix<double, scheme_states, scheme_states>;

inline constexpr Eigen::Index scheme_state(Gating gating, Pore pore) {
    return static_cast<Eigen::Index>(pore) * gating_states + static_cast<Eigen::Index>(gating);
}

/// Every channel without agonist and with a vacant pore.
inline Occupancy resting_channels() { return Occupancy::Unit(scheme_state(Gating::unbound, Pore::vacant)); }

/// Share that conducts: open and vacant.
inline double conducting(const Occupancy& p) { return p[scheme_state(Gating::open, Pore::vacant)]; }
/// Share whose gate is open, whatever the pore holds. Of the agonist alone.
inline double gate_open(const Occupancy& p) {
    return p[scheme_state(Gating::open, Pore::vacant)] + p[scheme_state(Gating::open, Pore::with_mg)] +
           p[scheme_state(Gating::open, Pore::with_drug)];
}
/// Share that holds the drug.
inline double holding_drug(const Occupancy& p) { return p.tail<gating_states>().sum(); }

/// The rates of the scheme in 1/s: dp/dt = Q p. Columns are the state that is left and add up to 0.
SchemeMatrix generator_per_s(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at);

/// Probabilities to be in a state (row) after a time in each state (column): exp(Q t). Exact for a constant exposure;
/// columns add up to 1 to rounding.
/// \param duration_s  0 or more
SchemeMatrix transition(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at, double duration_s);

/// Carries the shares over a time of constant exposure.
inline void advance(Occupancy& p, const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at,
                    double duration_s) {
    p = transition(scheme, blocker, at, duration_s) * p;
}

/// The steady state in closed form: with a = k_on A/k_off the gating states stand as 1 : 2a : a^2 : a^2 beta/alpha :
/// a^2 k_d/k_r, the pores as 1 : [Mg]/K_Mg : C/K. Without agonist it is the limit of little of it, which Mg never
/// reaches and the drug through the membrane only.
Occupancy stationary(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at);

} // namespace rewire::drug

namespace rewire {
template <>
struct Described<drug::NmdaScheme> {
    using S = drug::NmdaScheme;
    static constexpr std::string_view name = "nmda_scheme";
    static constexpr std::string_view meaning = "gating of a single NMDA receptor and Mg in its pore";
    static constexpr std::string_view gating = "Adam 2024 [R], after Edmonds & Colquhoun 1992";
    static constexpr std::string_view magnesium = "Adam 2024 [R]";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"binding", "1/(mM ms)", &S::binding_per_mM_ms, positive, "agonist to one free site, k_on", gating},
        {"unbinding", "1/ms", &S::unbinding_per_ms, positive, "agonist from one site, k_off", gating},
        {"opening", "1/ms", &S::opening_per_ms, positive, "beta", gating},
        {"closing", "1/ms", &S::closing_per_ms, positive, "alpha", gating},
        {"desensitisation", "1/ms", &S::desensitisation_per_ms, non_negative, "k_d", gating},
        {"resensitisation", "1/ms", &S::resensitisation_per_ms, positive, "k_r", gating},
        {"mg_block", "1/(mM ms)", &S::mg_block_per_mM_ms, non_negative, "Mg into the open pore at 0 mV, k_b",
         magnesium},
        {"mg_block_e_fold", "mV", &S::mg_block_e_fold_mV, positive, "hyperpolarisation that hastens it e-fold, v_b",
         magnesium},
        {"mg_unblock", "1/ms", &S::mg_unblock_per_ms, positive, "Mg out of the open pore at 0 mV, k_u", magnesium},
        {"mg_unblock_e_fold", "mV", &S::mg_unblock_e_fold_mV, positive, "depolarisation that hastens it e-fold, v_u",
         magnesium},
    });
};

template <>
struct Described<drug::PoreBlocker> {
    using S = drug::PoreBlocker;
    static constexpr std::string_view name = "pore_blocker";
    static constexpr std::string_view meaning = "a drug in the pore of a single NMDA receptor; defaults: ketamine";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"dissociation", "uM", &S::dissociation_uM, positive, "K: blocks half without Mg at the reference potential",
         "[M] Kotermanski & Johnson 2009, GluN2A at -66 mV"},
        {"reference", "mV", &S::reference_mV, any_value, "potential that K holds at", "Kotermanski & Johnson 2009"},
        {"e_fold", "mV", &S::e_fold_mV, positive, "depolarisation that raises K e-fold", "[M] MacDonald 1987 (30-45)"},
        {"unblock", "1/s", &S::unblock_per_s, positive, "rate of leaving the open channel at the reference potential",
         "calibrated: onset 2-10 s at 0.5-1 uM with continuous agonist (apparent rates 0.08 1/s and 2.5e5 1/(M s); [M] "
         "0.05-0.5 and 0.3-5e5, MacDonald 1991, Parsons 1995)"},
        {"unblock_share", "1", &S::unblock_share, fraction,
         "part of the voltage dependence of K that is in the leaving", "a symmetric barrier, Woodhull 1973"},
        {"leak", "1/s", &S::leak_per_s, non_negative, "exchange through the membrane, in any state",
         "[M] MacDonald 1991, Orser 1997: recovery without agonist takes minutes"},
    });
};
} // namespace rewire
