#pragma once
// From resting NMDA receptors to AMPA gain: eEF2 kinase, BDNF, TrkB, mTORC1, synaptic proteins, one chain per
// neuron. Every state is relative: exactly 1 in the healthy, drug-free steady state. So is every input:
// resting NMDA drive R, L-type calcium drive L, AMPA drive S, each over its healthy mean. Hill terms are
// written h(x) = x^n (1 + K^n)/(K^n + x^n), which is 1 at 1.
//
//     tau_E dE/dt = floor + (1-floor) h(R) - E                               eEF2 phosphorylation; Autry 2011
//     dB/dt = k_syn (1 - w_E E)+ q c (1-an) - (k_deg + k_rel h(L)) B         dendritic BDNF; Autry 2011
//     tau_X dX/dt = (1-ab) B h(L) - X                                        released BDNF; Lepack 2014
//     tau_T dT/dt = (1-tb) (1+PAM) h(X) - T                                  TrkB; PAM: Casarotto 2021
//     tau_s dTs/dt = max(T, Tr) - Ts                                         adaptation to TrkB, within hours
//     tau_r dTr/dt = min(1, max(f, T)) - Tr                                  and to less than in health: days
//     tau_c dTc/dt = T - Tc,   c = 1 + g_c (Tc - 1)                          TrkB over weeks, raises BDNF
//     tau_M dM/dt = (1-rap) h(T/Ts) h(S) - M                                 mTORC1 needs both; Li 2010
//     dP/dt = (1-an) [1/tau_P + k (M-1)] - P/tau_P,                          synaptic proteins; Li 2010
//             k = k_P for M > 1, s/tau_P below
//     tau_A dA/dt = TNF (1 + g_E (1-E) + g_P (P-1) + g_H C/(C+C_50) + d)+ - A    AMPA gain; Nosyreva 2013
//
// with (x)+ = max(x, 0), q the factor of the load of stress, of inflammation and therapies, TNF that of TNF-a
// (Stellwagen 2005), C the HNK level, d what drugs add directly, and ab, tb, rap, an the antagonists (anti-BDNF, TrkB
// block, rapamycin, anisomycin).
// k_syn = (k_deg + k_rel)/(1 - w_E) is derived, so that B = 1 is the healthy steady state.
//
// mTORC1 adapts to TrkB at two speeds: within hours to more of it, or a transient would not be one; to less of it only
// over days (Tr), never below f. Were both as fast, four hours without TrkB would make cells so sensitive that its mere
// return raises P more than ketamine does, and no control experiment is known to end so.
//
// What M has above 1 is amplified up to k_P tau_P fold into P: pool noisy inputs over a population first, or their
// noise is rectified. (So is that of TrkB in Tr and Ts, but nothing amplifies it.)
//
// Scheme: with the inputs held, every equation is y' = (u(y) - y)/tau with a constant tau, so the exponential
// Runge-Kutta method ETD2RK (Cox & Matthews 2002, J Comput Phys 176:430) is exact for the decay,
// second order in the coupling, stable for any step, and leaves the fixed point at 1 bit for bit.

#include <span>
#include <vector>

#include "quantity/parameter.hpp"
#include "quantity/state.hpp"

namespace rewire::molecular {

/// Constants of the chain; see the table below for ranges and sources.
struct SignallingParameters {
    double eef2_tau_min = 10;
    double eef2_floor = 0.1;
    double eef2_exponent = 2;
    double eef2_half = 0.9;
    double bdnf_eef2_suppression = 0.7;
    double bdnf_degradation_per_h = 1;
    double bdnf_release_per_h = 0.1;
    double release_exponent = 2;
    double release_half = 1;
    double released_tau_min = 6;
    double trkb_tau_min = 20;
    double trkb_exponent = 1.5;
    double trkb_half = 2;
    double trkb_slow_tau_h = 1.5;
    double trkb_recovery_tau_d = 4;
    double trkb_recovery_floor = 0.3;
    double trkb_chronic_tau_d = 14;
    double trkb_chronic_gain = 0.35;
    double mtorc1_tau_min = 30;
    double mtorc1_trkb_exponent = 4;
    double mtorc1_trkb_half = 1.25;
    double mtorc1_ampa_exponent = 2;
    double mtorc1_ampa_half = 0.2;
    double protein_rate_per_h = 0.3;
    double protein_tau_d = 3;
    double protein_mtorc1_share = 0.2;
    double ampa_tau_min = 40;
    double ampa_eef2_gain = 0.7;
    double ampa_protein_gain = 0.15;
    double ampa_hnk_gain = 0;
    double ampa_hnk_half_uM = 3;
};

/// States of a population, an entry per neuron, all relative to the healthy drug-free steady state.
struct Signalling {
    std::vector<double> eef2_phosphorylation;
    std::vector<double> bdnf;
    std::vector<double> bdnf_released;
    std::vector<double> trkb;
    std::vector<double> trkb_slow;
    std::vector<double> trkb_recovery;
    std::vector<double> trkb_chronic;
    std::vector<double> mtorc1;
    std::vector<double> synaptic_protein;
    std::vector<double> ampa_gain;
};

/// Inputs averaged over the time to advance, an entry per neuron, 0 or more, 1 in health. AMPA antagonists
/// act on ampa_drive and L-type blockers on l_type_drive where these are measured.
struct SignallingInputs {
    std::span<const double> resting_nmda_drive; ///< R: calcium through NMDA receptors without evoked input
    std::span<const double> l_type_drive;       ///< L
    std::span<const double> ampa_drive;         ///< S
};

/// What acts on the chain of a whole population. The defaults do nothing; antagonists go from 0 to 1
/// (complete).
struct Antagonists {
    double anti_bdnf = 0;       ///< share of released BDNF that is scavenged
    double trkb_block = 0;      ///< share of TrkB activation that is blocked
    double trkb_modulation = 0; ///< PAM: relative gain of TrkB activation by modulators, > -1
    double rapamycin = 0;       ///< share of mTORC1 activation that is blocked
    double anisomycin = 0;      ///< share of protein synthesis (BDNF and synaptic proteins) that is blocked
    double bdnf_synthesis = 1;  ///< q: factor of the load of stress, of inflammation and therapies
    double ampa_factor = 1;     ///< factor of TNF-a on the AMPA gain
    double ampa_gain = 0;       ///< d: added to the gain that AMPA receptors relax to
    double hnk_uM = 0;          ///< C: unbound (2R,6R)-hydroxynorketamine
};

/// A population of `size` neurons in the healthy steady state.
Signalling make_signalling(std::size_t size);

/// Advances all neurons by duration_s (0 or more) with the inputs held. Any duration is correct; the error is that of
/// sub-steps of at most max_substep_s (at 60 s below 1e-3 in the steepest transients, and falling with its
/// square).
/// \throws std::invalid_argument  sizes differ, duration negative or not finite, or sub-step not positive
void advance(Signalling& state, const SignallingInputs& inputs, const Antagonists& antagonists,
             const SignallingParameters& parameters, double duration_s, double max_substep_s = 60);

/// Linearised steady gain of the loop A -> activity -> S -> M -> P -> A around the healthy state, in the branch of M
/// where proteins answer more: the loop returns to 1 after any small perturbation only if it is below 1. With
/// s_S = n K^n/(1+K^n) the slope of h(S) at 1:
///     dM = s_S dS,   dP = max(k_P tau_P, s) dM,   dA = g_P dP
/// The way through L, BDNF and TrkB has no part in it, as M adapts to TrkB.
/// \param activity_gain  relative change of S per relative change of A (a property of the circuit)
/// \returns infinity where BDNF raises itself through chronic TrkB (g_c times the slope of h(X) 1 or more)
double loop_gain(const SignallingParameters& parameters, double activity_gain);

} // namespace rewire::molecular

namespace rewire {

template <>
struct Described<molecular::SignallingParameters> {
    using S = molecular::SignallingParameters;
    static constexpr std::string_view name = "molecular";
    static constexpr std::string_view meaning = "eEF2K, BDNF, TrkB, mTORC1, synaptic proteins and AMPA gain per neuron";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"eef2_tau", "min", &S::eef2_tau_min, positive, "time constant of eEF2 phosphorylation",
         "[M] Autry 2011 (5-15 min)"},
        {"eef2_floor",
         "1",
         &S::eef2_floor,
         {0, 1, false, true},
         "phosphorylation left without resting NMDA drive",
         "calibrated: S10"},
        {"eef2_exponent", "1", &S::eef2_exponent, positive, "Hill exponent of the resting NMDA drive",
         "[M] calmodulin, about 2"},
        {"eef2_half", "1", &S::eef2_half, positive, "resting NMDA drive of half activation, relative to healthy",
         "calibrated: S10 (0.5-1)"},
        {"bdnf_eef2_suppression",
         "1",
         &S::bdnf_eef2_suppression,
         {0, 1, false, true},
         "w_E: share of BDNF translation that healthy eEF2 phosphorylation holds back",
         "calibrated: S10 (sign Autry 2011)"},
        {"bdnf_degradation", "1/h", &S::bdnf_degradation_per_h, positive, "k_deg: turnover without release",
         "calibrated: S10 (BDNF up by a quarter at 30 min)"},
        {"bdnf_release", "1/h", &S::bdnf_release_per_h, non_negative, "k_rel: healthy release from dendrites",
         "calibrated: S10 (0.1/h or less, or BDNF hardly rises)"},
        {"release_exponent", "1", &S::release_exponent, positive, "Hill exponent of release in the L-type drive",
         "[M] 2-4; needs L-type channels: Lepack 2014"},
        {"release_half", "1", &S::release_half, positive, "L-type drive of half release, relative to healthy",
         "[M] low confidence"},
        {"released_tau", "min", &S::released_tau_min, positive, "clearance of released BDNF",
         "[M] low confidence (minutes)"},
        {"trkb_tau", "min", &S::trkb_tau_min, positive, "decay of TrkB activation",
         "[M] internalisation in 15-60 min, activation in minutes"},
        {"trkb_exponent", "1", &S::trkb_exponent, positive, "Hill exponent of TrkB in released BDNF",
         "[M] dimerisation (1-2)"},
        {"trkb_half", "1", &S::trkb_half, positive, "released BDNF of half activation, relative to healthy",
         "[M] K_D 1 nM (0.2-2), above the resting level"},
        {"trkb_slow_tau", "h", &S::trkb_slow_tau_h, positive, "adaptation of mTORC1 to TrkB",
         "calibrated: mTORC1 back by 3 h, Li 2010 (1-2 h)"},
        {"trkb_recovery_tau", "d", &S::trkb_recovery_tau_d, positive,
         "adaptation of mTORC1 to less TrkB than in health",
         "calibrated: S12, four hours of an antagonist leave no rebound; low confidence"},
        {"trkb_recovery_floor",
         "1",
         &S::trkb_recovery_floor,
         {0, 1, true},
         "f: lowest TrkB that mTORC1 adapts to, relative to healthy",
         "assumed: below TrkB under chronic stress (0.45); with inflammation TrkB is lower still"},
        {"trkb_chronic_tau", "d", &S::trkb_chronic_tau_d, positive, "slow route from TrkB to BDNF synthesis",
         "[M] SSRIs raise BDNF over weeks (10-20 d)"},
        {"trkb_chronic_gain",
         "1",
         &S::trkb_chronic_gain,
         {0, 1, false, true},
         "g_c: relative BDNF synthesis per chronic relative TrkB",
         "[D] gain of the loop through BDNF 0.4, well below 1; low confidence"},
        {"mtorc1_tau", "min", &S::mtorc1_tau_min, positive, "time constant of mTORC1",
         "[M] Li 2010 (peak 30-60 min, accepted 15-90)"},
        {"mtorc1_trkb_exponent", "1", &S::mtorc1_trkb_exponent, positive, "Hill exponent of adapted TrkB",
         "calibrated: synaptic proteins up by tens of per cent, Li 2010"},
        {"mtorc1_trkb_half", "1", &S::mtorc1_trkb_half, positive, "adapted TrkB of half activation",
         "calibrated: synaptic proteins up by tens of per cent, Li 2010"},
        {"mtorc1_ampa_exponent", "1", &S::mtorc1_ampa_exponent, positive, "Hill exponent of the AMPA drive",
         "[M] low confidence"},
        {"mtorc1_ampa_half", "1", &S::mtorc1_ampa_half, positive,
         "AMPA drive of half activation, relative to healthy: nearly permissive, so that the loop gain is "
         "below 1",
         "calibrated: loop gain below 1"},
        {"protein_rate", "1/h", &S::protein_rate_per_h, non_negative, "k_P: synthesis per relative mTORC1 above 1",
         "calibrated: rise in 1-6 h, Li 2010"},
        {"protein_tau", "d", &S::protein_tau_d, positive, "lifetime of synaptic proteins",
         "[M] Li 2010 (1.5-7 d: up to 72 h, back by 7 d)"},
        {"protein_mtorc1_share", "1", &S::protein_mtorc1_share, fraction,
         "s: share of healthy synthesis of synaptic proteins that needs mTORC1",
         "assumed; sign: rapamycin alone leaves synaptic proteins and spines, Li 2010 [M]"},
        {"ampa_tau", "min", &S::ampa_tau_min, positive, "insertion and removal of AMPA receptors",
         "[M] Nosyreva 2013 (about 1 h after resting-NMDA block)"},
        {"ampa_eef2_gain", "1", &S::ampa_eef2_gain, non_negative, "g_E: AMPA gain per fall of eEF2 phosphorylation",
         "calibrated: +10 to +50 % at about 1 h, Nosyreva 2013"},
        {"ampa_protein_gain", "1", &S::ampa_protein_gain, non_negative, "g_P: AMPA gain per rise of synaptic proteins",
         "calibrated: loop gain below 1; GluA1 up for days, Li 2010"},
        {"ampa_hnk_gain", "1", &S::ampa_hnk_gain, non_negative, "g_H: greatest direct AMPA gain by HNK, 0 for none",
         "disputed, off by default"},
        {"ampa_hnk_half", "uM", &S::ampa_hnk_half_uM, positive, "C_50: HNK of half its gain",
         "[M] low confidence (effects reported at 3-10 uM)"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"populations", "a list of names", "", "the populations that hold the chain, such as [\"pyramidal\"]"},
        {"resting_drive", "a table", "(all defaults)", "the resting NMDA drive of eEF2 kinase"},
    });
};

template <>
struct StateOf<molecular::Signalling> {
    using S = molecular::Signalling;
    static constexpr auto variables = std::to_array<StateVariable<S>>({
        {"eef2_phosphorylation", "1", &S::eef2_phosphorylation, "E: phosphorylated eEF2"},
        {"bdnf", "1", &S::bdnf, "B: dendritic BDNF"},
        {"bdnf_released", "1", &S::bdnf_released, "X: released BDNF"},
        {"trkb", "1", &S::trkb, "T: active TrkB"},
        {"trkb_slow", "1", &S::trkb_slow, "Ts: adaptation to TrkB"},
        {"trkb_recovery", "1", &S::trkb_recovery, "Tr: level that adaptation may fall to"},
        {"trkb_chronic", "1", &S::trkb_chronic, "Tc: TrkB averaged over weeks"},
        {"mtorc1", "1", &S::mtorc1, "M: active mTORC1"},
        {"synaptic_protein", "1", &S::synaptic_protein, "P: synaptic proteins"},
        {"ampa_gain", "1", &S::ampa_gain, "A: gain of AMPA receptors"},
    });
};

} // namespace rewire
