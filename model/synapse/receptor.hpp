#pragma once
// Synaptic receptors of a population: AMPA, NMDA, GABA_A and GABA_B conductances, and plain synaptic currents.
//
//     I_AMPA = g_A A_i (V-E_exc)       I_GABA_A = g_G (V-E_inh)       I_NMDA = g_N (1-block_i) B(V) (V-E_exc)
//     I_GABA_B = g_B (V-E_K)           a population has it where a config names it
//
// A conductance is the sum over incoming spikes of weight x (exp(-t/tau_decay) - exp(-t/tau_rise)), scaled so that
// a single event peaks at its weight (Roth & van Rossum 2009, in Computational Modeling Methods for Neuroscientists,
// eqs 6.4-6.6), or of weight x exp(-t/tau_decay) without a rise time. Linear kinetics let one pair of variables per
// neuron hold the sum of all its synapses; decays are exact.
//
// GABA_B receptors open K+ channels through G-proteins, four to a channel (Thomson & Destexhe 1999 [M]; rates of
// Destexhe et al. 1996, J Neurophysiol 76:2049 [R], after Destexhe & Sejnowski 1995, PNAS 92:9515):
//
//     dR/dt = K1 T (1-R) - K2 R      dG/dt = K3 R - K4 G      g ~ G^4/(G^4+100)      K2 1.3, K4 33 per s
//
// After one release g peaks at 102 ms and ends with a decay of 1/(4 K2) = 192 ms: the default difference of
// exponentials has both. It leaves out that g starts like t^4 (a tenth of the peak at 21 ms, where the difference is
// near a half) and that the spikes of a burst add up steeply (two within 5 ms: 14 times one). A weight is that of a
// spike in the bursts of a circuit.
//
// NMDA receptors saturate per presynaptic terminal (Wang 1999, J Neurosci 19:9587): the gating s of a source jumps by
// alpha r (1-s) for a release r, so that is the increment that the spike carries (short_term.hpp, `nmda_increment`).
//
// What is measured of a mixed pool of NMDA receptors is the part that each subunit has in the current. The shares
// c_s of the config are those at -66 mV in 1 mM Mg; the channels behind them, which no bath changes, are
//
//     g_s = c_s/B_s / sum of c/B          with the unblocked fraction B_s of the subunit's class (magnesium.hpp)
//
// as shares of the conductance before Mg block. A weight is that conductance: the same c_s at a higher share of
// GluN2C/2D carry more current, as Mg lets more of it pass.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include "quantity/parameter.hpp"
#include "synapse/magnesium.hpp"

namespace rewire::synapse {

enum class ReceptorKind : std::uint8_t { ampa, nmda, gaba_a, gaba_b, current };

/// A number per GluN2 subunit: 2A, 2B, 2C, 2D.
using PerSubunit = std::array<double, 4>;

/// Magnesium that blocks half of the channels at 0 mV, which 2A and 2B share, and 2C and 2D.
constexpr PerSubunit mg_halves_mM(double ab_mM, double cd_mM) { return {ab_mM, ab_mM, cd_mM, cd_mM}; }

/// One receptor of a population. Defaults are filled in per kind by `default_receptor`.
struct Receptor {
    std::string name;
    std::string kind = "ampa"; ///< "ampa", "nmda", "gaba_a", "gaba_b" or "current"
    double tau_rise_ms = 0;
    double tau_decay_ms = 2;
    double reversal_mV = 0;
    double share_2a = 0.5; ///< subunit mix of an NMDA receptor: shares of its current at the reference, together 1
    double share_2b = 0.5;
    double share_2c = 0;
    double share_2d = 0;
    bool subunit_decay = false; ///< tau_decay is that of the mix, see decay_of_mix_ms
    double tau_2a_ms = 50;
    double tau_2b_ms = 300;
    double tau_2c_ms = 300;
    double tau_2d_ms = 1700;
    PerSubunit mg_half_mM = mg_halves_mM(mg_half_ab_mM, mg_half_cd_mM); ///< of the experiment, the same for all
    double saturation = 0.5;                                            ///< alpha
    double miniature_rate_Hz = 0.01; ///< spontaneous release of one synapse onto an NMDA receptor
};

inline ReceptorKind kind_of(const Receptor& receptor) {
    if (receptor.kind == "ampa") return ReceptorKind::ampa;
    if (receptor.kind == "nmda") return ReceptorKind::nmda;
    if (receptor.kind == "gaba_a") return ReceptorKind::gaba_a;
    if (receptor.kind == "gaba_b") return ReceptorKind::gaba_b;
    return ReceptorKind::current;
}

/// The published default of a kind (sources in the table below: AMPA 2 ms, NMDA 2/100 ms, GABA_A 6 ms, GABA_B
/// 60.6/192 ms; a current of 0.5 ms).
inline Receptor default_receptor(const std::string& kind) {
    Receptor r{.name = kind, .kind = kind};
    if (kind == "nmda") r.tau_rise_ms = 2, r.tau_decay_ms = 100;
    if (kind == "gaba_a") r.tau_decay_ms = 6, r.reversal_mV = -70;
    if (kind == "gaba_b") r.tau_rise_ms = 60.6, r.tau_decay_ms = 192, r.reversal_mV = -95;
    if (kind == "current") r.tau_decay_ms = 0.5;
    return r;
}

/// The condition that the shares of the current refer to: that of the measured IC50s (drug/channel_block.hpp).
inline constexpr double share_reference_mV = -66;
inline constexpr double share_reference_mg_mM = 1;

/// Scales numbers so that they add up to 1.
inline PerSubunit as_shares(PerSubunit parts) {
    const double sum = parts[0] + parts[1] + parts[2] + parts[3];
    for (double& part : parts) part /= sum;
    return parts;
}

/// Shares of the conductance before Mg block, together 1 (equation above).
inline PerSubunit conductance_shares(const Receptor& mix) {
    PerSubunit parts{mix.share_2a, mix.share_2b, mix.share_2c, mix.share_2d};
    const double unblocked_ab = mg_unblocked(share_reference_mV, share_reference_mg_mM, mix.mg_half_mM[0]);
    for (std::size_t s = 0; s < parts.size(); ++s)
        parts[s] *= unblocked_ab / mg_unblocked(share_reference_mV, share_reference_mg_mM, mix.mg_half_mM[s]);
    return as_shares(parts);
}

/// Decay of a mix: the mean of its subunits' time constants, weighted with their shares of the conductance, which is
/// what fits of several exponentials report (Vicini et al. 1998, J Neurophysiol 79:555). The charge of an event is that
/// of the sum of exponentials; its shape is not.
inline double decay_of_mix_ms(const Receptor& mix) {
    const PerSubunit shares = conductance_shares(mix);
    return shares[0] * mix.tau_2a_ms + shares[1] * mix.tau_2b_ms + shares[2] * mix.tau_2c_ms +
           shares[3] * mix.tau_2d_ms;
}

/// Shares of the current at the reference potential in `mg_mM` of magnesium: those of the config at 1 mM, those of
/// the conductance at 0.
inline PerSubunit current_shares(const Receptor& mix, double mg_mM) {
    PerSubunit parts = conductance_shares(mix);
    for (std::size_t s = 0; s < parts.size(); ++s)
        parts[s] *= mg_unblocked(share_reference_mV, mg_mM, mix.mg_half_mM[s]);
    return as_shares(parts);
}

/// Factor that makes a difference of exponentials peak at 1 (Roth & van Rossum 2009, eq 6.5-6.6); 1 without rise.
inline double peak_normalisation(double tau_rise_ms, double tau_decay_ms) {
    if (tau_rise_ms <= 0) return 1;
    const double t_peak =
        tau_decay_ms * tau_rise_ms / (tau_decay_ms - tau_rise_ms) * std::log(tau_decay_ms / tau_rise_ms);
    return 1 / (std::exp(-t_peak / tau_decay_ms) - std::exp(-t_peak / tau_rise_ms));
}

/// Mean gating of a neuron's NMDA receptors by spontaneous release of the synapses onto it, relative to all of them
/// open. A vesicle of a synapse opens alpha of its free receptors, whose mean gating s = nu alpha tau_decay /
/// (1 + nu alpha tau_decay) is small. Over all synapses of a neuron the sum of
///     rate x weight x alpha (1-s) x area of an event, norm (tau_decay - tau_rise),
/// is taken relative to the sum of the weights: the number of synapses cancels.
inline double miniature_gating(const Receptor& r) {
    const double alpha_per_ms = r.miniature_rate_Hz * 1e-3 * r.saturation;
    const double area_ms = peak_normalisation(r.tau_rise_ms, r.tau_decay_ms) * (r.tau_decay_ms - r.tau_rise_ms);
    return std::min(1.0, alpha_per_ms * area_ms / (1 + alpha_per_ms * r.tau_decay_ms));
}

} // namespace rewire::synapse

namespace rewire {
template <>
struct Described<synapse::Receptor> {
    using S = synapse::Receptor;
    static constexpr std::string_view name = "receptor";
    static constexpr std::string_view meaning = "postsynaptic receptor with exponential or double-exponential kinetics";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"kind", "1", &S::kind, any_value, "what the receptor is", "-", "ampa|nmda|gaba_a|gaba_b|current"},
        {"tau_rise", "ms", &S::tau_rise_ms, non_negative, "rise time constant, 0 for none; below tau_decay",
         "Lam 2022 (NMDA 2 ms); Destexhe 1996 [R] (GABA_B: peak at 102 ms)"},
        {"subunit_decay", "1", &S::subunit_decay, any_value,
         "NMDA: the decay is the weighted mean of its subunits', in place of tau_decay", "Vicini 1998 [M]"},
        {"tau_decay", "ms", &S::tau_decay_ms, positive, "decay time constant",
         "Lam 2022 (AMPA 2, NMDA 100 ms); Neymotin 2011, Lam 2022 (GABA_A 5-9 ms PV, 10-25 ms SST inputs); "
         "Destexhe 1996 [R] (GABA_B 192 ms)"},
        {"reversal", "mV", &S::reversal_mV, any_value, "reversal potential",
         "Lam 2022; Destexhe 1996 [R] (GABA_B -95 mV)"},
        {"share_2a", "1", &S::share_2a, fraction, "share of GluN2A in the NMDA current at -66 mV in 1 mM Mg",
         "[M] Traynelis 2010"},
        {"share_2b", "1", &S::share_2b, fraction, "share of GluN2B in the NMDA current at -66 mV in 1 mM Mg",
         "[M] Traynelis 2010"},
        {"share_2c", "1", &S::share_2c, fraction, "share of GluN2C in the NMDA current at -66 mV in 1 mM Mg",
         "Khlestova 2016 [M]"},
        {"share_2d", "1", &S::share_2d, fraction, "share of GluN2D in the NMDA current at -66 mV in 1 mM Mg",
         "Vinnakota 2023 [M]"},
        {"tau_2a", "ms", &S::tau_2a_ms, positive, "decay of GluN2A, with subunit_decay",
         "[M] Vicini 1998, 20-24 C (40-80; shorter by 2.7 for each 10 C more)"},
        {"tau_2b", "ms", &S::tau_2b_ms, positive, "decay of GluN2B, with subunit_decay",
         "[M] Vicini 1998, Monyer 1994, 20-24 C (200-450)"},
        {"tau_2c", "ms", &S::tau_2c_ms, positive, "decay of GluN2C, with subunit_decay",
         "[M] Vicini 1998, Monyer 1994, 20-24 C (300-380)"},
        {"tau_2d", "ms", &S::tau_2d_ms, positive, "decay of GluN2D, with subunit_decay",
         "[M] Vicini 1998, Monyer 1994, 20-24 C (1,700-4,800)"},
        {"saturation", "1", &S::saturation, fraction,
         "alpha: share of a source's free NMDA receptors that a full release opens", "Lam 2022 (0.5)"},
        {"miniature_rate", "Hz", &S::miniature_rate_Hz, non_negative,
         "spontaneous release of one synapse, through whose gating a channel blocker enters and leaves resting cells",
         "[M] Murthy & Stevens 1999, Kavalali 2015 (a vesicle per minute or two), low confidence"},
    });
};
} // namespace rewire
