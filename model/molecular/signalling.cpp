#include "molecular/signalling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace rewire::molecular {
namespace {

/// The states of one neuron, in the order of the table StateOf<Signalling>.
enum Index : std::size_t { eef2, bdnf, released, trkb, slow, recovery, chronic, mtorc1, protein, ampa, state_count };
using Levels = std::array<double, state_count>;

constexpr auto& variables = StateOf<Signalling>::variables;
static_assert(variables.size() == state_count);
static_assert(variables[eef2].name == "eef2_phosphorylation" && variables[slow].name == "trkb_slow" &&
              variables[recovery].name == "trkb_recovery" && variables[ampa].name == "ampa_gain");

std::vector<double>& values_of(Signalling& state, std::size_t index) {
    return state.*std::get<std::vector<double> Signalling::*>(variables[index].member);
}

/// h(x) = x^n (1 + K^n)/(K^n + x^n), exactly 1 at 1; negative x counts as 0.
struct Hill {
    double exponent;
    double half_power; ///< K^n

    Hill(double exponent_, double half) : exponent(exponent_), half_power(std::pow(half, exponent_)) {}
    double operator()(double x) const {
        const double power = std::pow(std::max(x, 0.0), exponent);
        return power * (1 + half_power) / (half_power + power);
    }
    double slope_at_one() const { return exponent * half_power / (1 + half_power); }
};

/// The inputs of one neuron after their Hill functions.
struct Drives {
    double resting_nmda;
    double release;
    double ampa;
};

/// What does not change during a call. Each equation is y' = (u(y) - y)/tau: `targets` gives u, `rates`
/// 1/tau.
struct Chain {
    const SignallingParameters& p;
    const Antagonists& a;
    Hill of_nmda{p.eef2_exponent, p.eef2_half};
    Hill of_l_type{p.release_exponent, p.release_half};
    Hill of_bdnf{p.trkb_exponent, p.trkb_half};
    Hill of_trkb{p.mtorc1_trkb_exponent, p.mtorc1_trkb_half};
    Hill of_ampa{p.mtorc1_ampa_exponent, p.mtorc1_ampa_half};
    double translation = 1 - a.anisomycin;
    double protein_tau_h = 24 * p.protein_tau_d;
    double direct = p.ampa_hnk_gain * a.hnk_uM / (a.hnk_uM + p.ampa_hnk_half_uM) + a.ampa_gain;

    /// BDNF turnover relative to the healthy one; with k_syn = (k_deg + k_rel)/(1 - w_E) the source of BDNF
    /// over its loss is then a ratio of relative synthesis and relative turnover.
    double bdnf_turnover(const Drives& d) const {
        return (p.bdnf_degradation_per_h + p.bdnf_release_per_h * d.release) /
               (p.bdnf_degradation_per_h + p.bdnf_release_per_h);
    }

    Levels rates_per_s(const Drives& d) const {
        constexpr double minute = 60, hour = 3600, day = 86400;
        const double healthy_turnover = (p.bdnf_degradation_per_h + p.bdnf_release_per_h) / hour;
        return {1 / (minute * p.eef2_tau_min),     healthy_turnover * bdnf_turnover(d),
                1 / (minute * p.released_tau_min), 1 / (minute * p.trkb_tau_min),
                1 / (hour * p.trkb_slow_tau_h),    1 / (day * p.trkb_recovery_tau_d),
                1 / (day * p.trkb_chronic_tau_d),  1 / (minute * p.mtorc1_tau_min),
                1 / (day * p.protein_tau_d),       1 / (minute * p.ampa_tau_min)};
    }

    /// The equations of the header, each written so that it is exactly 1 when all states and inputs are.
    Levels targets(const Levels& y, const Drives& d) const {
        const double suppression = p.bdnf_eef2_suppression;
        const double synthesis = std::max(0.0, 1 - suppression * y[eef2]) / (1 - suppression) * a.bdnf_synthesis *
                                 translation * (1 + p.trkb_chronic_gain * (y[chronic] - 1));
        const double excess = y[mtorc1] - 1;
        const double made =
            excess > 0 ? 1 + p.protein_rate_per_h * protein_tau_h * excess : 1 + p.protein_mtorc1_share * excess;
        const double gain = 1 + p.ampa_eef2_gain * (1 - y[eef2]) + p.ampa_protein_gain * (y[protein] - 1) + direct;
        return {d.resting_nmda + p.eef2_floor * (1 - d.resting_nmda),
                synthesis / bdnf_turnover(d),
                (1 - a.anti_bdnf) * y[bdnf] * d.release,
                (1 - a.trkb_block) * (1 + a.trkb_modulation) * of_bdnf(y[released]),
                std::max(y[trkb], y[recovery]),
                std::clamp(y[trkb], p.trkb_recovery_floor, 1.0),
                y[trkb],
                (1 - a.rapamycin) * of_trkb(y[trkb] / y[slow]) * d.ampa,
                translation * made,
                std::max(0.0, a.ampa_factor * gain)};
    }
};

/// `steps` steps of ETD2RK (Cox & Matthews 2002) with z = h/tau:
///     a = y + (1 - e^-z)(u(y) - y),   y <- a + (1 - (1 - e^-z)/z)(u(a) - u(y))
void relax(Levels& y, const Chain& chain, const Drives& drives, double step_s, std::size_t steps) {
    Levels approach;
    Levels correction;
    const Levels rates = chain.rates_per_s(drives);
    for (std::size_t k = 0; k < state_count; ++k) {
        const double z = step_s * rates[k];
        approach[k] = -std::expm1(-z);
        correction[k] = (z - approach[k]) / z;
    }
    for (std::size_t n = 0; n < steps; ++n) {
        const Levels before = chain.targets(y, drives);
        for (std::size_t k = 0; k < state_count; ++k) y[k] += approach[k] * (before[k] - y[k]);
        const Levels after = chain.targets(y, drives);
        for (std::size_t k = 0; k < state_count; ++k) y[k] += correction[k] * (after[k] - before[k]);
    }
}

void check(Signalling& state, const SignallingInputs& in, double duration_s, double max_substep_s) {
    const std::size_t size = state.ampa_gain.size();
    bool same = in.resting_nmda_drive.size() == size && in.l_type_drive.size() == size && in.ampa_drive.size() == size;
    for (std::size_t k = 0; k < state_count; ++k) same = same && values_of(state, k).size() == size;
    if (!same) throw std::invalid_argument("molecular signalling: states and inputs differ in size");
    if (!(duration_s >= 0 && std::isfinite(duration_s)))
        throw std::invalid_argument("molecular signalling: the duration must be finite and 0 or more");
    if (!(max_substep_s > 0)) throw std::invalid_argument("molecular signalling: the sub-step must be above 0");
}

} // namespace

Signalling make_signalling(std::size_t size) {
    Signalling state;
    for (std::size_t k = 0; k < state_count; ++k) values_of(state, k).assign(size, 1.0);
    return state;
}

void advance(Signalling& state, const SignallingInputs& inputs, const Antagonists& antagonists,
             const SignallingParameters& parameters, double duration_s, double max_substep_s) {
    check(state, inputs, duration_s, max_substep_s);
    if (duration_s == 0) return;
    const double steps = std::max(1.0, std::ceil(duration_s / max_substep_s));
    const Chain chain{parameters, antagonists};
    std::array<double*, state_count> columns;
    for (std::size_t k = 0; k < state_count; ++k) columns[k] = values_of(state, k).data();
    // A neuron runs through all its sub-steps while its states sit in registers.
    for (std::size_t i = 0; i < state.ampa_gain.size(); ++i) {
        const Drives drives{chain.of_nmda(inputs.resting_nmda_drive[i]), chain.of_l_type(inputs.l_type_drive[i]),
                            chain.of_ampa(inputs.ampa_drive[i])};
        Levels y;
        for (std::size_t k = 0; k < state_count; ++k) y[k] = columns[k][i];
        relax(y, chain, drives, duration_s / steps, static_cast<std::size_t>(steps));
        for (std::size_t k = 0; k < state_count; ++k) columns[k][i] = y[k];
    }
}

double loop_gain(const SignallingParameters& p, double activity_gain) {
    const double of_bdnf = Hill(p.trkb_exponent, p.trkb_half).slope_at_one();
    const double of_ampa = Hill(p.mtorc1_ampa_exponent, p.mtorc1_ampa_half).slope_at_one();
    if (p.trkb_chronic_gain * of_bdnf >= 1) return std::numeric_limits<double>::infinity();
    const double amplification = std::max(p.protein_rate_per_h * 24 * p.protein_tau_d, p.protein_mtorc1_share);
    return p.ampa_protein_gain * amplification * of_ampa * activity_gain;
}

} // namespace rewire::molecular
