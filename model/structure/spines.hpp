#pragma once
// Formation and loss of dendritic spines: what the plain homeostatic rule (growth.hpp) cannot do. There,
// calcium alone decides, so that it cancels both stress and drug. Here formation and loss are separate
// processes:
//
//     formation   F = F0 max(0, 1 + g_P (P - 1)) h         of nascent spines; P: synaptic proteins, 1 in health
//                 h = 2 / (1 + exp(2 g_h (c - 1)))         c: calcium over its target, slowly filtered
//     nascent     dN/dt = F - N / tau_n                    resolve after 1-2 d, a share s of them by stabilising
//     stable      dS/dt = s N / tau_n - k S                k = k_elim (1 + s_S stress + s_I inflammation)
//
// Linear terms and the two pools are assumed. With one pool of spines a dose would act most near day 12, and for over a
// month.
// Homeostasis h is 1 at the target, between 0 and 2, and falls by g_h per cent for each per cent of calcium
// there; its filter (about 8 d) keeps it from undoing a drug within days. Loss depends on stress and
// inflammation only: no drug and no protein enters it, for in vivo ketamine leaves elimination alone
// (Phoumthipphavong et al. 2016; Pryazhnikov et al. 2018). Densities are relative to the healthy one. k_elim
// is derived: N + S = 1 at the healthy fixed point,
//
//     N* = F0 tau_n,   S* = 1 - N*,   k_elim = s F0 / S*
//
// Per spine the same process is a Markov chain, nascent -> stable -> lost and nascent -> lost, whose
// transition probabilities over any duration are below in closed form: a leap of a day is as exact as a tick
// of a second.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "quantity/parameter.hpp"
#include "quantity/relaxation.hpp"
#include "random/stream.hpp"

namespace rewire::structure {

struct SpineParameters {
    double formation_per_d = 0.10;
    double nascent_tau_d = 1.5;
    double stabilised_share = 0.25;
    double protein_gain = 3;
    double homeostatic_gain = 1;
    double homeostatic_tau_d = 8;
    double stress_gain = 0.6;
    double inflammation_gain = 0.6;
};

/// Densities of the two pools, relative to the healthy total.
struct SpinePools {
    double nascent = 0;
    double stable = 0;
    double density() const { return nascent + stable; }
};

/// The healthy fixed point: shares that sum to 1, and the elimination that holds them.
struct SpineBalance {
    SpinePools pools;
    double elimination_per_h = 0; ///< k_elim of a stable spine
};

/// \throws std::invalid_argument  if nascent spines alone would exceed the healthy density
inline void validate(const SpineParameters& p) {
    if (!(p.formation_per_d * p.nascent_tau_d < 1))
        throw std::invalid_argument("formation x nascent_tau = " + std::to_string(p.formation_per_d * p.nascent_tau_d) +
                                    ": the share of nascent spines must be below 1");
}

/// The healthy fixed point of parameters that validate() accepts.
inline SpineBalance healthy_balance(const SpineParameters& p) {
    const double nascent = p.formation_per_d * p.nascent_tau_d;
    return {{nascent, 1 - nascent}, p.stabilised_share * p.formation_per_d / 24 / (1 - nascent)};
}

/// Homeostatic factor of formation at a slowly filtered calcium (relative to its target): 1 at the target, in
/// (0, 2).
inline double homeostatic_factor(const SpineParameters& p, double filtered_calcium) {
    return 1 - std::tanh(p.homeostatic_gain * (filtered_calcium - 1)); // = 2 / (1 + exp(2 g (c - 1)))
}

/// The slow filter of relative calcium over `duration_h` of constant input; exact.
inline double filtered_calcium(const SpineParameters& p, double filtered, double calcium, double duration_h) {
    return calcium + (filtered - calcium) * std::exp(-duration_h / (24 * p.homeostatic_tau_d));
}

/// Formation F of nascent spines, 1/h, as a share of the healthy density; never negative.
/// \param protein   synaptic proteins P, 1 in health
/// \param homeostatic  homeostatic_factor(), 1 at the target
inline double formation_per_h(const SpineParameters& p, double protein, double homeostatic) {
    return p.formation_per_d / 24 * std::max(0.0, 1 + p.protein_gain * (protein - 1)) * homeostatic;
}

/// Hazard of a stable spine, 1/h.
/// \param stress        0 none, 1 the chronic stress of the standard models
/// \param inflammation  saturating inflammation signal J, 0 to 1
inline double elimination_per_h(const SpineParameters& p, double stress, double inflammation) {
    return healthy_balance(p).elimination_per_h *
           std::max(0.0, 1 + p.stress_gain * stress + p.inflammation_gain * inflammation);
}

/// The right-hand side of the two pools (1/h).
inline SpinePools derivative(const SpineParameters& p, const SpinePools& pools, double formation_per_h,
                             double elimination_per_h) {
    const double resolving = pools.nascent / (24 * p.nascent_tau_d);
    return {formation_per_h - resolving, p.stabilised_share * resolving - elimination_per_h * pools.stable};
}

/// What a spine has become, as probabilities that sum to 1.
struct SpineFate {
    double nascent = 0;
    double stable = 0;
    double lost = 0;
};

/// A nascent spine after `duration_h`: survives as nascent with e^(-aT), a = 1/tau_n; stable with the
/// convolution s a int_0^T e^(-au) e^(-k(T-u)) du.
inline SpineFate nascent_fate(const SpineParameters& p, double elimination_per_h, double duration_h) {
    const double a = 1 / (24 * p.nascent_tau_d);
    const double nascent = std::exp(-a * duration_h);
    const double stable = convolved_decays(p.stabilised_share * a * duration_h, a, elimination_per_h, duration_h);
    return {nascent, stable, std::max(0.0, 1 - nascent - stable)};
}

/// A stable spine after `duration_h`.
inline SpineFate stable_fate(double elimination_per_h, double duration_h) {
    return {0, std::exp(-elimination_per_h * duration_h), -std::expm1(-elimination_per_h * duration_h)};
}

/// A spine formed at a uniform time within the last `duration_h`: the mean of nascent_fate over ages 0 to T.
inline SpineFate newborn_fate(const SpineParameters& p, double elimination_per_h, double duration_h) {
    const double a = 1 / (24 * p.nascent_tau_d);
    const double k = elimination_per_h;
    const double nascent = mean_survival(a * duration_h);
    // s a (m(kT) - m(aT)) / (a - k) with m = mean_survival; near a = k, where it cancels, the equal balance
    // of inflow and loss: (s (1 - e^(-aT)) - stable(T)) / (kT).
    double stable = 0;
    if (std::abs(a - k) > 1e-3 * a)
        stable = p.stabilised_share * a * (mean_survival(k * duration_h) - nascent) / (a - k);
    else if (duration_h > 0)
        stable = (-p.stabilised_share * std::expm1(-a * duration_h) - nascent_fate(p, k, duration_h).stable) /
                 (k * duration_h);
    return {nascent, stable, std::max(0.0, 1 - nascent - stable)};
}

/// New spines of an interval that stand at its end, relative to the healthy density: the expected number of
/// new dendritic elements of a neuron is their density() times its healthy number of spines.
inline SpinePools new_spines(const SpineParameters& p, double formation_per_h, double elimination_per_h,
                             double duration_h) {
    const SpineFate fate = newborn_fate(p, elimination_per_h, duration_h);
    return {formation_per_h * duration_h * fate.nascent, formation_per_h * duration_h * fate.stable};
}

/// The mean densities after `duration_h` of constant formation and elimination; exact.
inline SpinePools advance(const SpineParameters& p, const SpinePools& pools, double formation_per_h,
                          double elimination_per_h, double duration_h) {
    const SpineFate of_nascent = nascent_fate(p, elimination_per_h, duration_h);
    const SpineFate of_stable = stable_fate(elimination_per_h, duration_h);
    const SpinePools added = new_spines(p, formation_per_h, elimination_per_h, duration_h);
    return {pools.nascent * of_nascent.nascent + added.nascent,
            pools.nascent * of_nascent.stable + pools.stable * of_stable.stable + added.stable};
}

inline constexpr std::uint64_t never = std::uint64_t{1} << 62; ///< more spines than there are

enum class SpineState { nascent, stable, lost };

/// The state that a uniform number in (0, 1) picks. Low numbers pick a change: from greatest_change() on, a nascent
/// and a stable spine stay what they are.
inline SpineState draw(const SpineFate& fate, double uniform) {
    if (uniform < fate.lost) return SpineState::lost;
    return uniform < fate.lost + fate.stable || fate.nascent == 0 ? SpineState::stable : SpineState::nascent;
}

/// The probability of change of whatever standing spine changes more readily.
inline double greatest_change(const SpineFate& of_nascent, const SpineFate& of_stable) {
    return std::max(of_nascent.lost + of_nascent.stable, of_stable.lost);
}

/// How many in a row pass before an event of a probability (0 to 1) happens to one, each independently: geometric.
/// So a walk over spines that rarely change costs a draw for each change, not for each spine.
inline std::uint64_t passed_over(double probability, RandomStream& stream) {
    if (probability <= 0) return never;
    return static_cast<std::uint64_t>(
        std::min(std::log(stream.uniform()) / std::log1p(-probability), static_cast<double>(never)));
}

/// A spine of the healthy steady state, for the start of a run.
struct SettledSpine {
    bool nascent;
    double age_h;
};

/// Draws one: nascent with the nascent share; the ages of both stages are exponential (key: Purpose::age).
inline SettledSpine settled_spine(const SpineParameters& p, RandomStream& stream) {
    const SpineBalance balance = healthy_balance(p);
    const bool nascent = stream.uniform() < balance.pools.nascent;
    const double first_h = -std::log(stream.uniform()) * 24 * p.nascent_tau_d;
    const double second_h = -std::log(stream.uniform()) / balance.elimination_per_h;
    return {nascent, nascent ? first_h : first_h + second_h};
}

} // namespace rewire::structure

namespace rewire {
template <>
struct Described<structure::SpineParameters> {
    using S = structure::SpineParameters;
    static constexpr std::string_view name = "spines";
    static constexpr std::string_view meaning = "formation, stabilisation and elimination of dendritic spines";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"formation", "1/d", &S::formation_per_d, positive, "nascent spines formed, share of healthy density (F0)",
         "calibrated: 8-12 % a day, so that stable turnover is 2-5 % a day [M]"},
        {"nascent_tau", "d", &S::nascent_tau_d, positive, "time in which nascent spines stabilise or vanish",
         "calibrated: 1-2 d [M]"},
        {"stabilised_share",
         "1",
         &S::stabilised_share,
         {0, 1, true},
         "share of nascent spines that stabilise",
         "calibrated: about a quarter [M]"},
        {"protein_gain", "1", &S::protein_gain, non_negative, "formation per synaptic protein above 1 (g_P)",
         "calibrated: S14, 30-120 % of the spines lost to stress back 24 h after a dose; 0 uncouples"},
        {"homeostatic_gain", "1", &S::homeostatic_gain, non_negative,
         "fall of formation per rise of relative calcium at the target; 0 switches homeostasis off",
         "calibrated: the loop acts over 7-10 d or more"},
        {"homeostatic_tau", "d", &S::homeostatic_tau_d, positive, "filter of calcium for the homeostatic factor",
         "calibrated: the loop acts over 7-10 d or more"},
        {"stress_gain", "1", &S::stress_gain, non_negative, "rise of elimination at stress 1 (s_S)",
         "calibrated: S13, density -15 to -40 % after 21 d"},
        {"inflammation_gain", "1", &S::inflammation_gain, non_negative, "rise of elimination at inflammation 1 (s_I)",
         "[M] low confidence; sweep it"},
    });
};
} // namespace rewire
