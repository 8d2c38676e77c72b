#include "molecular/inflammation.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "quantity/relaxation.hpp"

namespace rewire::molecular {
namespace {

/// What is left of an excess that a rate b (1/h) clears and u (1/h) makes, after h hours; exact.
double made_and_cleared(double excess, double u_per_h, double b_per_h, double h) {
    return excess * std::exp(-b_per_h * h) + u_per_h * h * mean_survival(b_per_h * h);
}

/// One region's M and c after h hours.
void advance_cytokines(Inflammation& state, std::size_t r, const InflammationInputs& in,
                       const InflammationParameters& p, double h) {
    const double u = p.stress_rate_per_h * in.stress + in.lps_per_h + p.chronic_rate_per_h;
    const double passing = p.microglial_share / p.microglia_tau_h; // from M to each cytokine, 1/h
    const double of_microglia = 1 / p.microglia_tau_h + in.clearance_per_h, steady = u / of_microglia,
                 excess = state.microglia[r] - steady; // M = steady + excess e^(-of_microglia t)
    for (const auto& [cytokine, tau_h] :
         {std::pair{&state.tnf_a[r], p.tnf_a_tau_h}, std::pair{&state.il_6[r], p.il_6_tau_h},
          std::pair{&state.il_1b[r], p.il_1b_tau_h}}) {
        const double b = 1 / tau_h + in.clearance_per_h;
        const double both = convolved_decays(h, b, of_microglia, h);
        *cytokine = made_and_cleared(*cytokine, (1 - p.microglial_share) * u + passing * steady, b, h) +
                    passing * excess * both;
    }
    state.microglia[r] = made_and_cleared(state.microglia[r], u, of_microglia, h);
}

/// y after h hours of tau y' = u - y, with u linear from u0 to u1; exact.
double relaxed(double y, double u0, double u1, double tau_h, double h) {
    const double x = h / tau_h;
    return u1 + (y - u0) * std::exp(-x) - (u1 - u0) * mean_survival(x);
}

} // namespace

Inflammation make_inflammation(std::size_t regions, const InflammationParameters& p) {
    const std::vector<double> none(regions, 0);
    return {none,
            none,
            none,
            none,
            std::vector<double>(regions, 1),
            std::vector<double>(regions, p.quinolinic_uM),
            std::vector<double>(regions, p.kynurenic_uM)};
}

void advance(Inflammation& state, const InflammationInputs& in, const InflammationParameters& p, double duration_s,
             double max_substep_s) {
    for (const double x : {in.stress, in.lps_per_h, in.clearance_per_h, in.imposed, duration_s, max_substep_s})
        if (!(x >= 0 && std::isfinite(x)))
            throw std::invalid_argument("inflammation: inputs must be 0 or more and finite");
    if (in.imposed > 1) throw std::invalid_argument("inflammation: the imposed level must be 1 or less");
    if (max_substep_s == 0) throw std::invalid_argument("inflammation: the sub-step must be above 0");
    const double steps = p.kynurenine ? std::max(1.0, std::ceil(duration_s / max_substep_s)) : 1,
                 h = duration_s / 3600 / steps;
    for (std::size_t r = 0; r < state.regions(); ++r)
        for (double step = 0; step < steps; ++step) {
            const double before = inflammation_level(state, r, in.imposed), kynurenine = state.kynurenine[r];
            advance_cytokines(state, r, in, p, h);
            if (!p.kynurenine) continue;
            const double after = inflammation_level(state, r, in.imposed);
            state.kynurenine[r] =
                relaxed(kynurenine, 1 + p.ido_gain * before, 1 + p.ido_gain * after, p.kynurenine_tau_h, h);
            state.quinolinic_uM[r] =
                relaxed(state.quinolinic_uM[r], p.quinolinic_uM * kynurenine * (1 + p.quinolinic_gain * before),
                        p.quinolinic_uM * state.kynurenine[r] * (1 + p.quinolinic_gain * after), p.acids_tau_h, h);
            state.kynurenic_uM[r] = relaxed(state.kynurenic_uM[r], p.kynurenic_uM * kynurenine,
                                            p.kynurenic_uM * state.kynurenine[r], p.acids_tau_h, h);
        }
}

} // namespace rewire::molecular
