#pragma once
// Glutamate of one region: synaptic clefts, the extracellular space between them, and uptake by astrocytes.
//
//     dQ/dt = q r - Q/tau_c                               in clefts, q = peak x volume; Clements 1992
//     dN/dt = f Q/tau_c + leak - V Vmax E2 G/(Km + G)     between them, G = N/V; Danbolt 2001
//
// r is the rate of release events, f the share that spills out of the cleft (the rest, 1-f, is taken up at
// the synapse), E2 the EAAT2 level. Amounts are in zmol (1e-21 mol), which is uM times fL. What leaves by
// each way is integrated from its own rate, so that
//
//     released = stored in clefts + spilled + taken up at synapses
//     spilled + leaked = stored outside + taken up
//
// hold to rounding and check the method.
//
// Two constants are derived, not tuned, from the healthy release rate r0, so that G is the ambient level
// there: with u0 = Vmax G0/(Km + G0) the volume is V = f q r0/(share u0) and the leak (1 - share) V u0,
// `share` being the part of the healthy input that is released. V is thus the space that the *modelled*
// synapses supply; only ratios to the healthy state matter. The uptake capacity is that of V: synapses that
// grow release into the same space.
//
// A region may be cut into voxels, each a pool of its own between which glutamate diffuses (glutamate/diffusion.hpp);
// the books then hold for their sums.
//
// Scheme: the second-order, L-stable Rosenbrock method ROS2 (Verwer et al. 1999, SIAM J Sci Comput 20:1456)
// on Q, N and the two outflows of all voxels together, with adaptive steps. It keeps linear invariants, follows the
// milliseconds in which G relaxes and then steps over hours. Diffusion is in its Jacobian, so that no step is bound
// by the size of a voxel and the steady state has no splitting error. The steady state is G = Km a/(Vmax E2 - a), a
// the input over V; with a >= Vmax E2 uptake is saturated and G grows without bound.

#include <span>
#include <vector>

#include "glutamate/diffusion.hpp"
#include "quantity/parameter.hpp"

namespace rewire::glutamate {

/// Constants of release, uptake and the receptors of extracellular glutamate; see the table below.
struct GlutamateParameters {
    double ambient_uM = 0.025;
    double uptake_half_uM = 20;
    double uptake_vmax_uM_per_s = 2500;
    double eaat2 = 1;
    double evoked_share = 0.6;
    double cleft_peak_mM = 1.1;
    double cleft_decay_ms = 1.2;
    double cleft_volume_fL = 0.002;
    double spill_fraction = 0.1;
    double nmda_half_uM = 1.7;
    double nmda_exponent = 1.4;
    double mglur_half_uM = 0.3;
    double mglur_exponent = 1;
    double mglur_inhibition = 0.5;
    double mglur_tau_s = 2;
    double nmda_tau_s = 1;
    double diffusion_um2_per_ms = 0.76;
    double tortuosity = 1.6;
};

/// Clefts and extracellular space of one region, with its books.
struct ExtracellularPool {
    GlutamateParameters parameters;
    double volume_fL = 0;       ///< derived
    double leak_zmol_per_s = 0; ///< derived

    double cleft_zmol = 0;           ///< Q
    double extracellular_zmol = 0;   ///< N
    double nmda_gating = 1;          ///< of extrasynaptic NMDA receptors, which follow G with nmda_tau; 1 at ambient
    double mglur_release_factor = 1; ///< of the release probability; 1 at the ambient level
    double released_zmol = 0;        ///< since the start, as the following
    double leaked_zmol = 0;
    double taken_up_at_synapse_zmol = 0;
    double taken_up_zmol = 0;
};

/// A pool in the healthy steady state at `healthy_release_rate` events per second (finite, 0 or more). At 0 all input
/// is leak, and the volume, then without meaning for the level, is a cubic millimetre.
/// \throws std::invalid_argument  rate negative or not finite, or events that spill nothing are to supply a share of
///                                the input, or events that spill are to supply none
ExtracellularPool make_pool(const GlutamateParameters& parameters, double healthy_release_rate);

/// Advances by duration_s (any length) with a constant rate of release and EAAT2 level (1 = healthy; times `eaat2`).
/// \param tolerance  error of a step, relative to the glutamate stored, above 0
/// \throws std::invalid_argument  negative or not finite argument
void advance(ExtracellularPool& pool, double release_events_per_s, double eaat2, double duration_s,
             double tolerance = 1e-5);

/// Voxels in the healthy steady state at these rates, events per second of each voxel (each finite, 0 or more). As each
/// has the volume that its own synapses supply, the level is the ambient one in all and nothing diffuses. A voxel
/// without release is all leak and has the mean volume of those with release.
/// \throws std::invalid_argument  as make_pool
std::vector<ExtracellularPool> make_voxels(const GlutamateParameters& parameters,
                                           std::span<const double> healthy_release_rates);

/// The same for the voxels of a grid: one rate each, diffusion between them. Without diffusion each has the steps of
/// the slowest to settle; one voxel is advance() of its pool, bit by bit.
/// \param tolerance  error of a step in any voxel, relative to the glutamate stored there
/// \throws std::invalid_argument  negative or not finite argument, not one rate per voxel, or diffusion between others
void advance(std::span<ExtracellularPool> voxels, const Diffusion& diffusion,
             std::span<const double> release_events_per_s, double eaat2, double duration_s, double tolerance = 1e-5);

/// Extracellular level of all voxels together, in uM.
inline double mean_concentration_uM(std::span<const ExtracellularPool> voxels) {
    double amount_zmol = 0, volume_fL = 0;
    for (const ExtracellularPool& voxel : voxels) {
        amount_zmol += voxel.extracellular_zmol;
        volume_fL += voxel.volume_fL;
    }
    return amount_zmol / volume_fL;
}

/// Extracellular level G in uM. What diffusion may leave below zero, within the tolerance of a step, is none.
inline double concentration_uM(const ExtracellularPool& pool) {
    return pool.extracellular_zmol < 0 ? 0 : pool.extracellular_zmol / pool.volume_fL;
}

/// Open fraction of extrasynaptic NMDA receptors, before their Mg block, at the level g_uM (0 or more): a
/// Hill function, Traynelis 2010.
double extrasynaptic_open_fraction(const GlutamateParameters& parameters, double g_uM);

/// The same relative to the ambient level, where it is exactly 1.
double extrasynaptic_gating(const GlutamateParameters& parameters, double g_uM);

/// Steady factor of the release probability under presynaptic mGluR2/3 at the level g_uM (0 or more),
///     (1 - i o(G))/(1 - i o(G0)),   o(G) = G^n/(EC50^n + G^n),
/// 1 at the ambient level G0, between 1/(1 - i o(G0)) without glutamate and (1 - i)/(1 - i o(G0)) in excess.
/// The pool's mglur_release_factor follows it with mglur_tau.
double mglur_steady_factor(const GlutamateParameters& parameters, double g_uM);

/// The factor of the release probability when a drug acts on mGluR2/3 beside glutamate: an agonist activates the share
/// `activation` of those that glutamate leaves, an antagonist (below 0) takes that share of the active ones away. With
/// i o = 1 - f (1 - i o(G0)) of the factor f that glutamate alone makes,
///     o' = o + a (1-o), a above 0;   o' = (1+a) o, below;   f' = (1 - i o')/(1 - i o(G0)).
/// \param factor      f, as ExtracellularPool::mglur_release_factor
/// \param activation  a, -1 to 1; nothing changes at 0
double mglur_factor_with_drug(const GlutamateParameters& parameters, double factor, double activation);

} // namespace rewire::glutamate

namespace rewire {

template <>
struct Described<glutamate::GlutamateParameters> {
    using S = glutamate::GlutamateParameters;
    static constexpr std::string_view name = "glutamate";
    static constexpr std::string_view meaning = "release, extracellular pool, uptake and its receptors, per region";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"ambient", "uM", &S::ambient_uM, positive, "healthy extracellular level at receptors",
         "[M] Herman & Jahr 2007 (25-30 nM; 10-200)"},
        {"uptake_half", "uM", &S::uptake_half_uM, positive, "Km of EAAT2", "[M] Danbolt 2001 (18-20 uM; 10-30)"},
        {"uptake_vmax", "uM/s", &S::uptake_vmax_uM_per_s, positive, "Vmax: greatest uptake per extracellular volume",
         "[M] small-signal uptake time Km/Vmax of 8 ms (1-10 ms)"},
        {"eaat2", "1", &S::eaat2, non_negative, "EAAT2 level relative to healthy", "1 is healthy by definition"},
        {"evoked_share", "1", &S::evoked_share, fraction, "part of the healthy input to the pool that is released",
         "calibrated: S7"},
        {"cleft_peak", "mM", &S::cleft_peak_mM, positive, "glutamate in a cleft right after release",
         "[M] Clements 1992 (0.5-3 mM)"},
        {"cleft_decay", "ms", &S::cleft_decay_ms, positive, "time constant with which it leaves the cleft",
         "[M] Clements 1992 (0.5-2 ms)"},
        {"cleft_volume", "fL", &S::cleft_volume_fL, positive, "volume of a cleft: 20 nm by 350 nm across",
         "[M] 1,300 molecules per event at the peak"},
        {"spill_fraction", "1", &S::spill_fraction, fraction, "share of released glutamate that leaves the synapse",
         "[M] low confidence; sets the volume that modelled synapses supply"},
        {"nmda_half", "uM", &S::nmda_half_uM, positive, "glutamate EC50 of extrasynaptic NMDA receptors",
         "[M] Traynelis 2010 (2C 1.7; 2D 0.5, 2B 2.9)"},
        {"nmda_exponent", "1", &S::nmda_exponent, positive, "its Hill exponent", "[M] Traynelis 2010 (1.1-1.7)"},
        {"mglur_half", "uM", &S::mglur_half_uM, positive, "glutamate EC50 of presynaptic mGluR2/3",
         "[M] Schoepp 2001, low confidence (0.3-5 uM; low end, as they are tonically active)"},
        {"mglur_exponent", "1", &S::mglur_exponent, positive, "its Hill exponent", "[M] G-protein coupled, about 1"},
        {"mglur_inhibition",
         "1",
         &S::mglur_inhibition,
         {0, 1, false, true},
         "i: loss of release probability at full activation",
         "[M] group II agonists on EPSCs (0.3-0.7), low confidence"},
        {"nmda_tau", "s", &S::nmda_tau_s, positive, "deactivation of extrasynaptic NMDA receptors",
         "[M] Vicini 1998 (2B, 2C 0.3-0.4 s; 2D 1.7-4.8 s)"},
        {"mglur_tau", "s", &S::mglur_tau_s, positive, "onset and offset of the presynaptic effect",
         "[M] G-protein signalling, seconds"},
        {"diffusion", "um^2/ms", &S::diffusion_um2_per_ms, non_negative, "D in water, between voxels",
         "[M] Longsworth 1953 (glutamine)"},
        {"tortuosity",
         "1",
         &S::tortuosity,
         {1, 10},
         "lambda: diffusion in tissue is D/lambda^2",
         "[M] Nicholson & Sykova 1998"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"voxels",
         "three whole numbers",
         "[1, 1, 1]",
         "into how many voxels the box around a region's neurons is cut, each with an extracellular level of its own",
         "1",
         {1, 1000}},
    });
};

} // namespace rewire
