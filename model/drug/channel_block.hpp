#pragma once
// Open-channel block of NMDA receptors, by ketamine or any other blocker that enters and leaves open
// channels.
//
//     db_k/dt = r_k(O) [ C_k/IC50_k(V, Mg) (1 - sum of b) - b_k ]
//     r(O)  = r_leak + (r_open - r_leak) O / (O + O_half)
//     IC50(V, Mg) = kappa IC50_0 exp((V - V_ref)/e) (1 + [Mg]/K_s exp(-0.062 (V - V_ref)))
//     1/K_s = IC50(1 mM) / IC50(0) - 1   per mM, both measured at V_ref = -66 mV
//
// b_k is the share of a pool of receptors of one subunit that blocker k blocks, O the pool's open fraction (gating x
// Mg block), C_k the unbound concentration in the brain (uM). A channel holds one molecule: blockers compete for the
// free ones. The steady state x/(1+x), x the sum of C_k/IC50_k, is the measured Hill occupancy, whatever O: a blocked
// channel gates like a free one, so that microscopic reversibility leaves the affinity alone. Only open channels let
// the drug in or out: onset waits for them and the drug stays trapped in closed ones (MacDonald et al. 1991, J Physiol
// 432:483). A small share of channels does not trap it and exchanges at r_open always (Mealing et al. 1999, JPET
// 288:204). Mg and the drug compete for the pore: depolarisation drives out both, and at rest the loss of Mg wins, so
// that the IC50 in Mg falls from -66 to -40 mV.
//
// The full kinetic scheme of nmda_scheme.hpp says how good this is (tests/physics/test_nmda_scheme.cpp): the steady
// state is the same, and over minutes of synaptic activity, silence and washout the block differs by 2 % of its peak in
// Mg and 5 % without, if r is linear and O the fraction of open gates; by 8 % with the r(O) above. Mg competes for the
// vacant pore alone, which IC50(V, Mg) holds already: with O weighted by the Mg block, as a run has it, exchange is
// slower than in the scheme by up to 1/B(V).
//
// Blockers with the same kinetics enter and leave as one ligand at the sum of their C/IC50, exactly. Where they trap
// different shares, the channels that do not trap the lesser share are among those that do not trap the greater.

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "quantity/parameter.hpp"

namespace rewire::drug {

/// The GluN2 subunit of a receptor.
enum Subunit : std::size_t { n2a, n2b, n2c, n2d };
inline constexpr std::size_t subunit_count = 4;

inline constexpr double block_mg_slope_per_mV = 0.062; ///< Jahr & Stevens 1990, J Neurosci 10:3178

/// What a blocker is: data. The defaults are racemic ketamine.
struct Blocker {
    double ic50_0mg_2a_uM = 0.33;
    double ic50_0mg_2b_uM = 0.31;
    double ic50_0mg_2c_uM = 0.51;
    double ic50_0mg_2d_uM = 0.83;
    double ic50_1mg_2a_uM = 5.35;
    double ic50_1mg_2b_uM = 5.08;
    double ic50_1mg_2c_uM = 1.18;
    double ic50_1mg_2d_uM = 2.95;
    double in_vivo_factor = 0.2464;
    double reference_mV = -66;
    double voltage_e_fold_mV = 37;
    double r_open_per_s = 0.2;
    double r_leak_per_s = 0.002;
    double open_half = 0.1;
    double untrapped_fraction = 0.14;
};

/// Racemic ketamine.
inline Blocker ketamine() { return {}; }

/// Norketamine: ketamine, 6.4 times weaker (Shaffer 2014: 9.11 over 1.42 uM unbound in plasma).
/// Hydroxynorketamine does not block at 10 uM (Lumsden 2019) and therefore is no blocker at all.
inline Blocker norketamine() {
    Blocker b;
    for (double Blocker::*ic50 :
         {&Blocker::ic50_0mg_2a_uM, &Blocker::ic50_0mg_2b_uM, &Blocker::ic50_0mg_2c_uM, &Blocker::ic50_0mg_2d_uM,
          &Blocker::ic50_1mg_2a_uM, &Blocker::ic50_1mg_2b_uM, &Blocker::ic50_1mg_2c_uM, &Blocker::ic50_1mg_2d_uM})
        b.*ic50 *= 6.4;
    return b;
}

/// What does not depend on voltage, worked out once per blocker.
struct BlockConstants {
    std::array<double, subunit_count> affinity_per_uM;    ///< 1 / (kappa IC50_0)
    std::array<double, subunit_count> mg_affinity_per_mM; ///< 1 / K_s
    double reference_mV;
    double voltage_e_fold_mV;
};

/// \throws std::invalid_argument if Mg makes the blocker more potent in some subunit (it competes with it)
inline BlockConstants block_constants(const Blocker& b) {
    const std::array without{b.ic50_0mg_2a_uM, b.ic50_0mg_2b_uM, b.ic50_0mg_2c_uM, b.ic50_0mg_2d_uM};
    const std::array with{b.ic50_1mg_2a_uM, b.ic50_1mg_2b_uM, b.ic50_1mg_2c_uM, b.ic50_1mg_2d_uM};
    constexpr std::array names{"2a", "2b", "2c", "2d"};
    BlockConstants c{{}, {}, b.reference_mV, b.voltage_e_fold_mV};
    for (std::size_t s = 0; s < subunit_count; ++s) {
        if (with[s] < without[s])
            throw std::invalid_argument(std::string("ic50_1mg_") + names[s] + " is below ic50_0mg_" + names[s]);
        c.affinity_per_uM[s] = 1 / (b.in_vivo_factor * without[s]);
        c.mg_affinity_per_mM[s] = with[s] / without[s] - 1;
    }
    return c;
}

/// The two exponentials of the membrane potential, shared by all subunits.
struct BlockVoltage {
    double drug;      ///< exp(-(V - V_ref)/e): depolarisation drives the drug out
    double magnesium; ///< [Mg] exp(-0.062 (V - V_ref)), mM
};

inline BlockVoltage block_voltage(const BlockConstants& c, double v_mV, double mg_mM) {
    const double v = v_mV - c.reference_mV;
    return {std::exp(-v / c.voltage_e_fold_mV), mg_mM * std::exp(-block_mg_slope_per_mV * v)};
}

/// 1 / IC50(V, Mg) in 1/uM (equation above).
inline double inverse_ic50_per_uM(const BlockConstants& c, std::size_t subunit, const BlockVoltage& at) {
    return c.affinity_per_uM[subunit] * at.drug / (1 + c.mg_affinity_per_mM[subunit] * at.magnesium);
}

/// IC50(V, Mg) in uM of unbound drug (equation above).
/// \param mg_mM  extracellular magnesium, 0 or more
inline double ic50_uM(const Blocker& b, Subunit subunit, double v_mV, double mg_mM) {
    const BlockConstants c = block_constants(b);
    return 1 / inverse_ic50_per_uM(c, subunit, block_voltage(c, v_mV, mg_mM));
}

/// r(O) in 1/s (equation above).
/// \param open_fraction  of the pool's channels, 0..1
inline double exchange_rate_per_s(const Blocker& b, double open_fraction) {
    return b.r_leak_per_s + (b.r_open_per_s - b.r_leak_per_s) * open_fraction / (open_fraction + b.open_half);
}

/// Blocked share in the steady state, x / (1 + x), for x = sum of C_u/IC50.
inline double steady_block(double ratio) { return ratio / (1 + ratio); }

/// What a pool saw of one blocker since the last slow tick: sums over samples. r and 1/IC50 vary together
/// with the membrane potential and are far from linear in it, so that their product is averaged, not taken at
/// the mean voltage.
struct BlockSamples {
    double rate_per_s = 0;
    std::array<double, subunit_count> inverse_ic50{};
    std::array<double, subunit_count> rate_over_ic50{};
    double count = 0;

    /// \param rate_per_s_now  `exchange_rate_per_s` of the blocker at the pool's present open fraction
    void add(const BlockConstants& c, double rate_per_s_now, const BlockVoltage& at) {
        rate_per_s += rate_per_s_now;
        for (std::size_t s = 0; s < subunit_count; ++s) {
            const double inverse = inverse_ic50_per_uM(c, s, at);
            inverse_ic50[s] += inverse;
            rate_over_ic50[s] += rate_per_s_now * inverse;
        }
        count += 1;
    }
};

/// Averages that drive the block of one subunit of a pool by one ligand.
struct BlockDrive {
    double mean_rate_per_s = 0;             ///< <r>
    double mean_rate_times_ratio_per_s = 0; ///< <r x>
    double untrapped_ratio = 0;             ///< <x>

    /// Adds a blocker of the ligand at an unbound brain concentration (uM). `samples` holds at least one sample.
    void add(const BlockSamples& samples, std::size_t subunit, double concentration_uM) {
        mean_rate_per_s = samples.rate_per_s / samples.count;
        mean_rate_times_ratio_per_s += concentration_uM * samples.rate_over_ic50[subunit] / samples.count;
        untrapped_ratio += concentration_uM * samples.inverse_ic50[subunit] / samples.count;
    }
};

/// Exact solution of db/dt = on (1-b) - off b over a time; unchanged if both rates are 0.
inline void relax_block(double& b, double on_per_s, double off_per_s, double duration_s) {
    const double rate = on_per_s + off_per_s;
    if (rate > 0) b += (on_per_s / rate - b) * -std::expm1(-rate * duration_s);
}

/// The same for blockers that compete, db_k/dt = on_k (1 - sum of b) - off_k b_k, exact to rounding for any duration.
/// \param b  blocked shares, 0 or more and together at most 1, as they stay
void relax_blocks(std::span<double> b, std::span<const double> on_per_s, std::span<const double> off_per_s,
                  double duration_s);

/// Blockers that share their kinetics.
struct Ligand {
    Blocker kinetics;
    std::vector<std::size_t> blockers; ///< indices
};

/// Channels of a pool that agree in which ligands they trap.
struct ChannelClass {
    double share = 1;        ///< of the pool's channels
    std::vector<bool> traps; ///< per ligand
};

/// How the blockers of an experiment share the channels.
struct Competition {
    std::vector<Ligand> ligands;
    std::vector<ChannelClass> classes;
    /// Blocked shares of one subunit of a pool: [class][ligand], each of the channels of its class.
    std::size_t states() const { return classes.size() * ligands.size(); }
};

Competition competition(const std::vector<Blocker>& blockers);

/// Carries the block of one subunit of a pool over a time of any length in which the averages hold.
/// \param blocked  `states()` shares, 0..1
/// \param drives   one per ligand
void advance_block(std::span<double> blocked, std::span<const BlockDrive> drives, double duration_s,
                   const Competition& competition);

/// Blocked share of all channels of the subunit, 0..1.
inline double blocked_share(std::span<const double> blocked, const Competition& c) {
    double share = 0;
    for (std::size_t k = 0; k < blocked.size(); ++k) share += c.classes[k / c.ligands.size()].share * blocked[k];
    return share;
}

} // namespace rewire::drug

namespace rewire {
template <>
struct Described<drug::Blocker> {
    using S = drug::Blocker;
    static constexpr std::string_view name = "blocker";
    static constexpr std::string_view meaning =
        "open-channel blocker of NMDA receptors; defaults: racemic ketamine, whose IC50 and in_vivo_factor no other "
        "blocker inherits";
    static constexpr std::string_view potency = "[M] Kotermanski & Johnson 2009, HEK cells at -66 mV";
    static constexpr std::string_view kinetics = "calibrated: onset 2-10 s at 0.5-1 uM with continuous agonist";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"ic50_0mg_2a", "uM", &S::ic50_0mg_2a_uM, positive, "IC50 at GluN2A without Mg", potency},
        {"ic50_0mg_2b", "uM", &S::ic50_0mg_2b_uM, positive, "IC50 at GluN2B without Mg", potency},
        {"ic50_0mg_2c", "uM", &S::ic50_0mg_2c_uM, positive, "IC50 at GluN2C without Mg", potency},
        {"ic50_0mg_2d", "uM", &S::ic50_0mg_2d_uM, positive, "IC50 at GluN2D without Mg", potency},
        {"ic50_1mg_2a", "uM", &S::ic50_1mg_2a_uM, positive, "IC50 at GluN2A with 1 mM Mg", potency},
        {"ic50_1mg_2b", "uM", &S::ic50_1mg_2b_uM, positive, "IC50 at GluN2B with 1 mM Mg", potency},
        {"ic50_1mg_2c", "uM", &S::ic50_1mg_2c_uM, positive, "IC50 at GluN2C with 1 mM Mg", potency},
        {"ic50_1mg_2d", "uM", &S::ic50_1mg_2d_uM, positive, "IC50 at GluN2D with 1 mM Mg", potency},
        {"in_vivo_factor", "1", &S::in_vivo_factor, positive,
         "kappa: multiplies every IC50 in the living brain; 1: they hold there",
         "calibrated: Shaffer 2014, 50 % occupancy at 1.42 uM unbound in plasma (Kp,uu 0.8, 2A/2B pool at "
         "-62 mV)"},
        {"reference", "mV", &S::reference_mV, any_value, "potential at which the IC50 were measured",
         "Kotermanski & Johnson 2009"},
        {"voltage_e_fold", "mV", &S::voltage_e_fold_mV, positive,
         "depolarisation that raises the IC50 e-fold, without Mg", "[M] MacDonald 1987 (30-45)"},
        {"r_open", "1/s", &S::r_open_per_s, positive, "exchange rate of channels that are always open", kinetics},
        {"r_leak", "1/s", &S::r_leak_per_s, non_negative, "exchange rate of closed channels, through the membrane",
         "[M] MacDonald 1991, Orser 1997: recovery without agonist takes minutes"},
        {"open_half", "1", &S::open_half, positive, "open fraction at which the exchange is half as fast", kinetics},
        {"untrapped_fraction", "1", &S::untrapped_fraction, fraction, "blocked channels that do not trap the drug",
         "[M] Mealing 1999 (0.05-0.25)"},
    });
};
} // namespace rewire
