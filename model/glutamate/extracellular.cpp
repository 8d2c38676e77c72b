#include "glutamate/extracellular.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace rewire::glutamate {
namespace {

constexpr double uM_per_mM = 1e3;
constexpr double s_per_ms = 1e-3;
constexpr double cubic_millimetre_fL = 1e9;

double amount_per_event_zmol(const GlutamateParameters& p) { return uM_per_mM * p.cleft_peak_mM * p.cleft_volume_fL; }

/// Amounts (zmol), or their slopes (zmol/s).
struct Amounts {
    double cleft = 0;
    double pool = 0;
    double left_cleft = 0;
    double taken_up = 0;
};

Amounts advanced(const Amounts& y, double h, const Amounts& k) {
    return {y.cleft + h * k.cleft, y.pool + h * k.pool, y.left_cleft + h * k.left_cleft, y.taken_up + h * k.taken_up};
}

/// The equations of the header with their inputs held, in amounts.
struct Flow {
    double released_zmol_per_s;
    double leak_zmol_per_s;
    double spill_fraction;
    double cleft_rate_per_s;    ///< 1/tau_c
    double capacity_zmol_per_s; ///< V Vmax E2
    double half_zmol;           ///< V Km

    /// One stage k of the Rosenbrock method: (1 - gamma h J(y)) k = f(at) - subtract, by forward
    /// substitution.
    Amounts stage(const Amounts& y, const Amounts& at, const Amounts& subtract, double gamma_h) const {
        const double denominator = half_zmol + y.pool;
        const double uptake_slope = capacity_zmol_per_s * half_zmol / (denominator * denominator);
        const double uptake = capacity_zmol_per_s * at.pool / (half_zmol + at.pool);
        const double outflow = cleft_rate_per_s * at.cleft;
        Amounts k;
        k.cleft = (released_zmol_per_s - outflow - subtract.cleft) / (1 + gamma_h * cleft_rate_per_s);
        k.left_cleft = outflow - subtract.left_cleft + gamma_h * cleft_rate_per_s * k.cleft;
        const double spill = spill_fraction * (outflow + gamma_h * cleft_rate_per_s * k.cleft);
        k.pool = (spill + leak_zmol_per_s - uptake - subtract.pool) / (1 + gamma_h * uptake_slope);
        k.taken_up = uptake - subtract.taken_up + gamma_h * uptake_slope * k.pool;
        return k;
    }
};

struct Trial {
    Amounts end;
    double error; ///< distance to the embedded first-order solution, zmol
};

/// A step of ROS2 (Verwer et al. 1999), gamma = 1 - 1/sqrt 2:
///     y <- y + 3/2 h k1 + 1/2 h k2,   (1 - gamma h J) k1 = f(y),   (1 - gamma h J) k2 = f(y + h k1) - 2 k1
Trial rosenbrock(const Flow& flow, const Amounts& y, double h) {
    constexpr double gamma = 1 - 1 / std::numbers::sqrt2;
    const Amounts k1 = flow.stage(y, y, {}, gamma * h);
    const Amounts twice = advanced({}, 2, k1);
    const Amounts k2 = flow.stage(y, advanced(y, h, k1), twice, gamma * h);
    const double error = 0.5 * h * std::max(std::abs(k1.cleft + k2.cleft), std::abs(k1.pool + k2.pool));
    return {advanced(advanced(y, 1.5 * h, k1), 0.5 * h, k2), error};
}

void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

bool is_rate(double value) { return std::isfinite(value) && value >= 0; }

} // namespace

ExtracellularPool make_pool(const GlutamateParameters& p, double healthy_release_rate) {
    require(is_rate(healthy_release_rate), "glutamate: the healthy release rate must be finite and 0 or more");
    const double uptake_uM_per_s = p.uptake_vmax_uM_per_s * p.ambient_uM / (p.uptake_half_uM + p.ambient_uM);
    const double released = amount_per_event_zmol(p) * healthy_release_rate;
    const double spill = p.spill_fraction * released;
    require(released == 0 || (spill > 0) == (p.evoked_share > 0),
            "glutamate: evoked_share and spill_fraction must both be 0 or both be above 0");
    ExtracellularPool pool;
    pool.parameters = p;
    pool.volume_fL = spill > 0 ? spill / (p.evoked_share * uptake_uM_per_s) : cubic_millimetre_fL;
    pool.leak_zmol_per_s = (spill > 0 ? 1 - p.evoked_share : 1.0) * pool.volume_fL * uptake_uM_per_s;
    pool.cleft_zmol = released * p.cleft_decay_ms * s_per_ms;
    pool.extracellular_zmol = p.ambient_uM * pool.volume_fL;
    return pool;
}

void advance(ExtracellularPool& pool, double release_events_per_s, double eaat2, double duration_s, double tolerance) {
    require(is_rate(release_events_per_s) && is_rate(eaat2) && is_rate(duration_s) && tolerance > 0,
            "glutamate: rates, EAAT2 and durations must be finite and 0 or more, the tolerance above 0");
    const GlutamateParameters& p = pool.parameters;
    const double tau_c_s = p.cleft_decay_ms * s_per_ms;
    const Flow flow{amount_per_event_zmol(p) * release_events_per_s,
                    pool.leak_zmol_per_s,
                    p.spill_fraction,
                    1 / tau_c_s,
                    pool.volume_fL * p.uptake_vmax_uM_per_s * p.eaat2 * eaat2,
                    pool.volume_fL * p.uptake_half_uM};
    const double healthy_zmol = p.ambient_uM * pool.volume_fL; // so that decay to nothing needs no tiny steps
    double left_s = duration_s;
    double step_s = 0.1 * tau_c_s;
    while (left_s > 0) {
        const bool last = step_s >= left_s;
        const double h = last ? left_s : step_s;
        const Amounts now{pool.cleft_zmol, pool.extracellular_zmol, 0, 0};
        const Trial trial = rosenbrock(flow, now, h);
        const double allowed = tolerance * (now.cleft + now.pool + healthy_zmol);
        // The error is of second order in the step; growth is bounded, so one lucky estimate cannot leap.
        const double factor = trial.error > 0 ? 0.9 * std::sqrt(allowed / trial.error) : 5.0;
        step_s = h * std::clamp(factor, 0.2, 5.0);
        if (!(trial.error <= allowed && trial.end.pool >= 0 && trial.end.cleft >= 0)) {
            step_s = std::min(step_s, 0.5 * h);
            continue;
        }
        const double steady_before = mglur_steady_factor(p, concentration_uM(pool));
        pool.cleft_zmol = trial.end.cleft;
        pool.extracellular_zmol = trial.end.pool;
        pool.released_zmol += flow.released_zmol_per_s * h;
        pool.leaked_zmol += flow.leak_zmol_per_s * h;
        pool.taken_up_at_synapse_zmol += (1 - p.spill_fraction) * trial.end.left_cleft;
        pool.taken_up_zmol += trial.end.taken_up;
        const double steady = 0.5 * (steady_before + mglur_steady_factor(p, concentration_uM(pool)));
        pool.nmda_gating +=
            -std::expm1(-h / p.nmda_tau_s) * (extrasynaptic_gating(p, concentration_uM(pool)) - pool.nmda_gating);
        pool.mglur_release_factor += -std::expm1(-h / p.mglur_tau_s) * (steady - pool.mglur_release_factor);
        left_s = last ? 0 : left_s - h;
    }
}

double extrasynaptic_open_fraction(const GlutamateParameters& p, double g_uM) {
    const double level = std::pow(g_uM / p.nmda_half_uM, p.nmda_exponent);
    return level / (1 + level);
}

double extrasynaptic_gating(const GlutamateParameters& p, double g_uM) {
    return extrasynaptic_open_fraction(p, g_uM) / extrasynaptic_open_fraction(p, p.ambient_uM);
}

double mglur_steady_factor(const GlutamateParameters& p, double g_uM) {
    const double half = std::pow(p.mglur_half_uM, p.mglur_exponent);
    const auto active = [&](double level) {
        const double power = std::pow(level, p.mglur_exponent);
        return power / (half + power);
    };
    return (1 - p.mglur_inhibition * active(g_uM)) / (1 - p.mglur_inhibition * active(p.ambient_uM));
}

double mglur_factor_with_drug(const GlutamateParameters& p, double factor, double activation) {
    const double ambient = std::pow(p.ambient_uM / p.mglur_half_uM, p.mglur_exponent);
    const double healthy = 1 - p.mglur_inhibition * ambient / (1 + ambient);
    const double inhibited = 1 - factor * healthy; // i o
    const double change = activation > 0 ? activation * (p.mglur_inhibition - inhibited) : activation * inhibited;
    return factor - change / healthy;
}

} // namespace rewire::glutamate
