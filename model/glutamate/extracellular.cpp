#include "glutamate/extracellular.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
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

/// The equations of the header for one voxel with its inputs held, in amounts.
struct Flow {
    double released_zmol_per_s;
    double leak_zmol_per_s;
    double spill_fraction;
    double cleft_rate_per_s;    ///< 1/tau_c
    double capacity_zmol_per_s; ///< V Vmax E2
    double half_zmol;           ///< V Km
    double volume_fL;

    double uptake_zmol_per_s(double pool_zmol) const {
        return capacity_zmol_per_s * pool_zmol / (half_zmol + pool_zmol);
    }
    double uptake_slope_per_s(double pool_zmol) const {
        const double denominator = half_zmol + pool_zmol;
        return capacity_zmol_per_s * half_zmol / (denominator * denominator);
    }
};

/// All voxels and what passes between them.
struct Flows {
    std::vector<Flow> voxels;
    const Diffusion& diffusion;

    bool diffuses() const { return !diffusion.faces.empty(); }

    /// One stage k of the Rosenbrock method: (1 - gamma h J(y)) k = f(at) - subtract. The clefts first, then the
    /// spaces between them, which diffusion couples, then the outflows.
    void stage(const std::vector<Amounts>& y, const std::vector<Amounts>& at, const std::vector<Amounts>& subtract,
               double gamma_h, std::vector<Amounts>& k) {
        const std::size_t n = voxels.size();
        input.resize(n);
        diagonal.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            const Flow& flow = voxels[i];
            const double outflow = flow.cleft_rate_per_s * at[i].cleft;
            k[i].cleft =
                (flow.released_zmol_per_s - outflow - subtract[i].cleft) / (1 + gamma_h * flow.cleft_rate_per_s);
            k[i].left_cleft = outflow - subtract[i].left_cleft + gamma_h * flow.cleft_rate_per_s * k[i].cleft;
            const double spill = flow.spill_fraction * (outflow + gamma_h * flow.cleft_rate_per_s * k[i].cleft);
            input[i] = spill + flow.leak_zmol_per_s - flow.uptake_zmol_per_s(at[i].pool) - subtract[i].pool;
            diagonal[i] = 1 + gamma_h * flow.uptake_slope_per_s(y[i].pool);
        }
        if (diffuses()) {
            // Symmetric in levels; in amounts it would not be.
            std::vector<double> level(n);
            for (std::size_t i = 0; i < n; ++i) {
                level[i] = at[i].pool / voxels[i].volume_fL;
                diagonal[i] *= voxels[i].volume_fL;
            }
            add_inflow(diffusion, level, input);
            level = solve_implicit(diffusion, diagonal, gamma_h, input);
            for (std::size_t i = 0; i < n; ++i) k[i].pool = voxels[i].volume_fL * level[i];
        } else {
            for (std::size_t i = 0; i < n; ++i) k[i].pool = input[i] / diagonal[i];
        }
        for (std::size_t i = 0; i < n; ++i)
            k[i].taken_up = voxels[i].uptake_zmol_per_s(at[i].pool) - subtract[i].taken_up +
                            gamma_h * voxels[i].uptake_slope_per_s(y[i].pool) * k[i].pool;
    }

    std::vector<double> input, diagonal; ///< of a stage
};

/// A trial step, whose vectors serve every step of an advance.
struct Trial {
    explicit Trial(std::size_t voxels)
        : start(voxels),
          end(voxels),
          k1(voxels),
          k2(voxels),
          at(voxels),
          twice(voxels),
          nothing(voxels),
          error(voxels) {}

    std::vector<Amounts> start, end, k1, k2, at, twice;
    const std::vector<Amounts> nothing;
    std::vector<double> error; ///< per voxel: distance to the embedded first-order solution, zmol
};

/// A step of ROS2 (Verwer et al. 1999), gamma = 1 - 1/sqrt 2:
///     y <- y + 3/2 h k1 + 1/2 h k2,   (1 - gamma h J) k1 = f(y),   (1 - gamma h J) k2 = f(y + h k1) - 2 k1
void rosenbrock(Flows& flows, double h, Trial& t) {
    constexpr double gamma = 1 - 1 / std::numbers::sqrt2;
    const std::size_t n = t.start.size();
    flows.stage(t.start, t.start, t.nothing, gamma * h, t.k1);
    for (std::size_t i = 0; i < n; ++i) {
        t.at[i] = advanced(t.start[i], h, t.k1[i]);
        t.twice[i] = advanced({}, 2, t.k1[i]);
    }
    flows.stage(t.start, t.at, t.twice, gamma * h, t.k2);
    for (std::size_t i = 0; i < n; ++i) {
        const Amounts &k1 = t.k1[i], &k2 = t.k2[i];
        t.end[i] = advanced(advanced(t.start[i], 1.5 * h, k1), 0.5 * h, k2);
        t.error[i] = 0.5 * h * std::max(std::abs(k1.cleft + k2.cleft), std::abs(k1.pool + k2.pool));
    }
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

std::vector<ExtracellularPool> make_voxels(const GlutamateParameters& p,
                                           std::span<const double> healthy_release_rates) {
    std::vector<ExtracellularPool> voxels;
    double volume_fL = 0;
    std::size_t releasing = 0;
    const auto supplies_space = [&](double rate) { return p.spill_fraction * amount_per_event_zmol(p) * rate > 0; };
    for (const double rate : healthy_release_rates) {
        voxels.push_back(make_pool(p, rate));
        if (!supplies_space(rate)) continue;
        volume_fL += voxels.back().volume_fL;
        ++releasing;
    }
    for (std::size_t i = 0; i < voxels.size() && releasing > 0; ++i) {
        if (supplies_space(healthy_release_rates[i])) continue;
        const double factor = volume_fL / static_cast<double>(releasing) / voxels[i].volume_fL;
        voxels[i].volume_fL *= factor;
        voxels[i].leak_zmol_per_s *= factor;
        voxels[i].extracellular_zmol *= factor;
    }
    return voxels;
}

void advance(ExtracellularPool& pool, double release_events_per_s, double eaat2, double duration_s, double tolerance) {
    advance(std::span(&pool, 1), {}, std::span(&release_events_per_s, 1), eaat2, duration_s, tolerance);
}

void advance(std::span<ExtracellularPool> voxels, const Diffusion& diffusion,
             std::span<const double> release_events_per_s, double eaat2, double duration_s, double tolerance) {
    require(std::all_of(release_events_per_s.begin(), release_events_per_s.end(), is_rate) && is_rate(eaat2) &&
                is_rate(duration_s) && tolerance > 0,
            "glutamate: rates, EAAT2 and durations must be finite and 0 or more, the tolerance above 0");
    require(release_events_per_s.size() == voxels.size(), "glutamate: each voxel has a rate of release");
    require(diffusion.faces.empty() || diffusion.outward_fL_per_s.size() == voxels.size(),
            "glutamate: diffusion must be between these voxels");
    if (voxels.empty()) return;
    const std::size_t n = voxels.size();
    Flows flows{{}, diffusion, {}, {}};
    double shortest_tau_c_s = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < n; ++i) {
        const GlutamateParameters& p = voxels[i].parameters;
        const double tau_c_s = p.cleft_decay_ms * s_per_ms;
        shortest_tau_c_s = std::min(shortest_tau_c_s, tau_c_s);
        flows.voxels.push_back({amount_per_event_zmol(p) * release_events_per_s[i], voxels[i].leak_zmol_per_s,
                                p.spill_fraction, 1 / tau_c_s,
                                voxels[i].volume_fL * p.uptake_vmax_uM_per_s * p.eaat2 * eaat2,
                                voxels[i].volume_fL * p.uptake_half_uM, voxels[i].volume_fL});
    }
    double left_s = duration_s;
    double step_s = 0.1 * shortest_tau_c_s;
    Trial trial(n);
    const std::vector<Amounts>& now = trial.start;
    while (left_s > 0) {
        const bool last = step_s >= left_s;
        const double h = last ? left_s : step_s;
        for (std::size_t i = 0; i < n; ++i) trial.start[i] = {voxels[i].cleft_zmol, voxels[i].extracellular_zmol, 0, 0};
        rosenbrock(flows, h, trial);
        double factor = 5.0;
        bool accepted = true;
        for (std::size_t i = 0; i < n; ++i) {
            const ExtracellularPool& pool = voxels[i];
            // The healthy amount is added so that decay to nothing needs no tiny steps.
            const double healthy_zmol = pool.parameters.ambient_uM * pool.volume_fL;
            const double allowed = tolerance * (now[i].cleft + now[i].pool + healthy_zmol);
            // The error is of second order in the step; growth is bounded, so one lucky estimate cannot leap.
            if (trial.error[i] > 0) factor = std::min(factor, 0.9 * std::sqrt(allowed / trial.error[i]));
            // In voxels that a front has not reached the solver leaves a little below zero.
            const double least = flows.diffuses() ? -allowed : 0.0;
            accepted = accepted && trial.error[i] <= allowed && trial.end[i].pool >= least && trial.end[i].cleft >= 0;
        }
        step_s = h * std::clamp(factor, 0.2, 5.0);
        if (!accepted) {
            step_s = std::min(step_s, 0.5 * h);
            continue;
        }
        for (std::size_t i = 0; i < n; ++i) {
            ExtracellularPool& pool = voxels[i];
            const Flow& flow = flows.voxels[i];
            const GlutamateParameters& p = pool.parameters;
            const double steady_before = mglur_steady_factor(p, concentration_uM(pool));
            pool.cleft_zmol = trial.end[i].cleft;
            pool.extracellular_zmol = trial.end[i].pool;
            pool.released_zmol += flow.released_zmol_per_s * h;
            pool.leaked_zmol += flow.leak_zmol_per_s * h;
            pool.taken_up_at_synapse_zmol += (1 - p.spill_fraction) * trial.end[i].left_cleft;
            pool.taken_up_zmol += trial.end[i].taken_up;
            const double level_uM = concentration_uM(pool);
            const double steady = 0.5 * (steady_before + mglur_steady_factor(p, level_uM));
            pool.nmda_gating += -std::expm1(-h / p.nmda_tau_s) * (extrasynaptic_gating(p, level_uM) - pool.nmda_gating);
            pool.mglur_release_factor += -std::expm1(-h / p.mglur_tau_s) * (steady - pool.mglur_release_factor);
        }
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
