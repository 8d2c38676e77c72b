#pragma once
// Inflammation of a region: microglia, three cytokines, and the kynurenine branch. Microglial activation M and the
// cytokines c (TNF-a, IL-6, IL-1b) are what there is above the healthy level, relative to it: 0 in health, 1 is twice
// the healthy level. Stress, LPS and a chronic low-grade drive raise all of them at the rate u; a share m of what makes
// cytokines passes through microglia first, which follow within days (Walker 2013, Neuropsychopharmacology 38:1609;
// Wang 2015, PMC4816884).
//
//     u = k_s stress + LPS + k_c
//     dM/dt = u - M/tau_M - a M
//     dc/dt = (1-m) u + m M/tau_M - c/tau_c - a c        for each cytokine, tau_c its own
//     I = (TNF-a + IL-6 + IL-1b)/3,   J = I/(1+I)
//
// `a` is what a drug adds to their clearance, k_k C_u for ketamine (drug/target.hpp, target `cytokines`). With m = 0
// and all tau_c = tau_I the mean of the three equations is the lumped one, dI/dt = k_s stress + LPS - I/tau_I -
// k_k C_u I; so it is with m = 1 as tau_M goes to 0. Without a drug the steady state is c = u tau_c for any m.
//
// Indoleamine dioxygenase (IDO) goes up with J, so does the microglial enzyme that makes quinolinic acid (KMO); K is
// kynurenine relative to healthy, Q and N are concentrations:
//
//     tau_K dK/dt = 1 + g_I J - K                        kynurenine
//     tau_A dQ/dt = Q0 K (1 + g_Q J) - Q                 quinolinic acid (Steiner 2011)
//     tau_A dN/dt = N0 K - N                             kynurenic acid (Erhardt 2013)
//
// Quinolinic acid is an agonist at the glutamate site of receptors with GluN2A or 2B (de Carvalho 1996, Neurochem Int
// 28:445): above its healthy level, which is part of the ambient drive, it counts as so much more ambient glutamate,
// EC50(glutamate)/EC50(Q) (Q - Q0) (dose additivity, Loewe 1926). Kynurenic acid takes glycine sites of all NMDA
// receptors: they lose 1 - (IC50 + N0)/(IC50 + N) (competition with little of either bound). At bulk concentrations
// both are weak.
//
// What J does, each relative and each switched off by 0: uptake x (1 - l_E J), BDNF synthesis x (1 - l_B J), the level
// that AMPA receptors of the chain relax to x (1 + g_A J) and GABA_A conductances x (1 - l_G J) (Stellwagen 2005, J
// Neurosci 25:3219). The elimination of spines x (1 + s_I J) is in structure/spines.hpp (inflammation_gain). An imposed
// level (the intervention `inflammation`) adds to that of the cytokines as independent shares do, J + J' - J J'.
//
// Scheme: with the inputs held, M and c are linear and solved in closed form. J bends within a step, so K, Q and N take
// sub-steps in which their input is linear, exact for such an input and second order else; the healthy state stays,
// bit for bit.

#include <cstddef>
#include <vector>

#include "quantity/parameter.hpp"
#include "quantity/state.hpp"

namespace rewire::molecular {

/// Constants of the mechanism; see the table below for ranges and sources.
struct InflammationParameters {
    double stress_rate_per_h = 1.0 / 24;
    double chronic_rate_per_h = 0;
    double microglial_share = 0.5;
    double microglia_tau_h = 48;
    double tnf_a_tau_h = 12;
    double il_6_tau_h = 24;
    double il_1b_tau_h = 24;

    double eaat2_loss = 0.4;
    double bdnf_synthesis_loss = 0.4;
    double ampa_gain = 0.2;
    double gaba_a_loss = 0.2;

    bool kynurenine = true;
    double ido_gain = 1.5;
    double quinolinic_gain = 1;
    double kynurenine_tau_h = 6;
    double acids_tau_h = 2;
    double quinolinic_uM = 0.2;
    double kynurenic_uM = 0.04;
    double quinolinic_half_uM = 100;
    double kynurenic_half_uM = 11;
};

/// States, an entry per region.
struct Inflammation {
    std::vector<double> tnf_a, il_6, il_1b, microglia;
    std::vector<double> kynurenine, quinolinic_uM, kynurenic_uM;

    std::size_t regions() const { return tnf_a.size(); }
};

/// Means over the time to advance, the same for all regions; each 0 or more.
struct InflammationInputs {
    double stress = 0;          ///< 1: chronic stress of the standard models
    double lps_per_h = 0;       ///< LPS challenge: rise of the excess, 1/h
    double clearance_per_h = 0; ///< a: added to the clearance by drugs
    double imposed = 0;         ///< imposed level J', 0 to 1
};

/// Regions in health.
Inflammation make_inflammation(std::size_t regions, const InflammationParameters& parameters);

/// I of a region.
inline double cytokine_excess(const Inflammation& state, std::size_t region) {
    return (state.tnf_a[region] + state.il_6[region] + state.il_1b[region]) / 3;
}

/// J of an excess (0 or more), 0 to 1.
constexpr double saturated(double excess) { return excess / (1 + excess); }

/// J of a region with an imposed level (0 to 1); the imposed one alone where the state has no regions.
inline double inflammation_level(const Inflammation& state, std::size_t region, double imposed) {
    const double own = region < state.regions() ? saturated(cytokine_excess(state, region)) : 0;
    return own + imposed - own * imposed;
}

/// Ambient glutamate that quinolinic acid above its healthy level amounts to at receptors with GluN2A or 2B.
/// \param glutamate_half_uM  EC50 of glutamate there
inline double equivalent_glutamate_uM(const InflammationParameters& p, double quinolinic_uM, double glutamate_half_uM) {
    return glutamate_half_uM / p.quinolinic_half_uM * (quinolinic_uM - p.quinolinic_uM);
}

/// Share of the NMDA receptors that kynurenic acid leaves at their glycine site, 1 at its healthy level.
inline double glycine_site_factor(const InflammationParameters& p, double kynurenic_uM) {
    return (p.kynurenic_half_uM + p.kynurenic_uM) / (p.kynurenic_half_uM + kynurenic_uM);
}

/// Advances all regions by duration_s with the inputs held. Any duration is correct; the kynurenine branch has the
/// error of sub-steps of at most max_substep_s. \throws std::invalid_argument  a duration, rate or sub-step that is
/// negative or not finite, a sub-step of 0, or an imposed level outside of 0 to 1
void advance(Inflammation& state, const InflammationInputs& inputs, const InflammationParameters& parameters,
             double duration_s, double max_substep_s = 600);

} // namespace rewire::molecular

namespace rewire {

template <>
struct Described<molecular::InflammationParameters> {
    using S = molecular::InflammationParameters;
    static constexpr std::string_view name = "inflammation";
    static constexpr std::string_view meaning =
        "microglia, cytokines and kynurenines of a region, and what they act on";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"stress_rate", "1/h", &S::stress_rate_per_h, non_negative, "k_s: rise of the excess at stress 1",
         "[D] +50 to +150 % under chronic stress: Wang 2015 [V: sign; M: size]"},
        {"chronic_rate", "1/h", &S::chronic_rate_per_h, non_negative,
         "k_c: the same from a low-grade drive that is there all the time, from time 0 on", "none by default"},
        {"microglial_share", "1", &S::microglial_share, fraction,
         "m: share of cytokine production that passes through microglia", "chosen: half; low confidence"},
        {"microglia_tau", "h", &S::microglia_tau_h, positive, "decay of microglial activation",
         "[D] the slow end of 12-48 h, low confidence"},
        {"tnf_a_tau", "h", &S::tnf_a_tau_h, positive, "clearance of TNF-a",
         "[D] the fast end of 12-48 h, low confidence"},
        {"il_6_tau", "h", &S::il_6_tau_h, positive, "clearance of IL-6", "[D] 12-48 h, low confidence"},
        {"il_1b_tau", "h", &S::il_1b_tau_h, positive, "clearance of IL-1b", "[D] 12-48 h, low confidence"},
        {"eaat2_loss", "1", &S::eaat2_loss, fraction, "l_E: loss of EAAT2 at level 1; 0: off",
         "[D] uptake -30 to -60 % by TNF-a, IL-1b: Zou & Crews 2005 [M]; up in Ding 2014 [V]; low confidence: sweep "
         "it"},
        {"bdnf_synthesis_loss", "1", &S::bdnf_synthesis_loss, fraction,
         "l_B: loss of BDNF synthesis at level 1; 0: off",
         "[D] -20 to -50 % by LPS, IL-1b: Lapchak 1993, Guan 2006 [M]; low confidence: sweep it"},
        {"ampa_gain", "1", &S::ampa_gain, non_negative, "g_A: gain of AMPA receptors of the chain at level 1; 0: off",
         "[D] mEPSC +10 to +40 % by TNF-a: Stellwagen 2005 [V]; low confidence: sweep it"},
        {"gaba_a_loss", "1", &S::gaba_a_loss, fraction, "l_G: loss of GABA_A conductance at level 1; 0: off",
         "[D] mIPSC -10 to -35 % by TNF-a: Stellwagen 2005, Pribiag 2013 [V]; low confidence: sweep it"},
        {"kynurenine", "1", &S::kynurenine, any_value, "whether the kynurenine branch runs",
         "IDO is needed for the depression-like state after LPS [V]; its size is uncertain"},
        {"ido_gain", "1", &S::ido_gain, non_negative, "g_I: rise of kynurenine synthesis at level 1",
         "[D] kynurenine/tryptophan up 1.3 to 2 times [M] (1.2-2.5)"},
        {"quinolinic_gain", "1", &S::quinolinic_gain, non_negative,
         "g_Q: further rise of quinolinic acid synthesis at level 1",
         "[D] quinolinic acid up 2 to 3 times: Erhardt 2013, Steiner 2011 [M]"},
        {"kynurenine_tau", "h", &S::kynurenine_tau_h, positive, "clearance of kynurenine",
         "chosen: hours, below those of cytokines; low confidence"},
        {"acids_tau", "h", &S::acids_tau_h, positive, "clearance of quinolinic and kynurenic acid",
         "chosen: hours, below those of cytokines; low confidence"},
        {"quinolinic", "uM", &S::quinolinic_uM, non_negative, "healthy quinolinic acid", "[M] 0.05-1 uM in brain"},
        {"kynurenic", "uM", &S::kynurenic_uM, non_negative, "healthy kynurenic acid", "[M] 0.01-0.15 uM in brain"},
        {"quinolinic_half", "uM", &S::quinolinic_half_uM, positive, "EC50 of quinolinic acid at NMDA receptors",
         "[M] 50-200 uM"},
        {"kynurenic_half", "uM", &S::kynurenic_half_uM, positive, "IC50 of kynurenic acid at the glycine site",
         "[M] 8-15 uM without glycine"},
    });
};

template <>
struct StateOf<molecular::Inflammation> {
    using S = molecular::Inflammation;
    static constexpr auto variables = std::to_array<StateVariable<S>>({
        {"cytokine_tnf_a", "1", &S::tnf_a, "TNF-a above the healthy level, relative to it"},
        {"cytokine_il_6", "1", &S::il_6, "IL-6 above the healthy level, relative to it"},
        {"cytokine_il_1b", "1", &S::il_1b, "IL-1b above the healthy level, relative to it"},
        {"microglia", "1", &S::microglia, "microglial activation above the healthy level, relative to it"},
        {"kynurenine", "1", &S::kynurenine, "kynurenine relative to healthy"},
        {"quinolinic_acid", "uM", &S::quinolinic_uM, "quinolinic acid"},
        {"kynurenic_acid", "uM", &S::kynurenic_uM, "kynurenic acid"},
    });
};

} // namespace rewire
