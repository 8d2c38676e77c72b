#pragma once
// What chronic stress does to the chain and to uptake, per unit of stress (1 is the chronic stress of the standard
// animal models). Both follow a load A that builds up under stress and goes after it. The load is assumed; behind it is
// that Bdnf promoters stay repressed after stress is over (Tsankova et al. 2006, Nat Neurosci 9:519 [M]: for a month).
//
//     tau_A dA/dt = stress - A
//     BDNF synthesis x max(0, 1 - l_B A),   EAAT2 x max(0, 1 - l_E A)             linear: assumed; sizes [M]
//
// Stress itself raises the elimination of spines (structure/spines.hpp, stress_gain) and inflammation.

#include <algorithm>
#include <cmath>

#include "quantity/parameter.hpp"
#include "quantity/relaxation.hpp"

namespace rewire::molecular {

/// Effects of stress; see the table below for ranges and sources.
struct Stress {
    double load_tau_d = 7;
    double bdnf_synthesis_loss = 0.3;
    double eaat2_loss = 0.2;
};

/// Factor left of something that a load (0 or more) lowers by `loss` (0 to 1) at load 1; 0 or more.
inline double stress_factor(double loss, double load) { return std::max(0.0, 1 - loss * load); }

/// Takes the load over `seconds` of constant stress; exact.
/// \returns its mean over them
inline double advance_load(const Stress& p, double& load, double stress, double seconds) {
    const double span = seconds / (86400 * p.load_tau_d);
    const double mean = stress + (load - stress) * mean_survival(span);
    load = stress + (load - stress) * std::exp(-span);
    return mean;
}

} // namespace rewire::molecular

namespace rewire {
template <>
struct Described<molecular::Stress> {
    using S = molecular::Stress;
    static constexpr std::string_view name = "stress";
    static constexpr std::string_view meaning = "effects of chronic stress on BDNF synthesis and glutamate uptake";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"load_tau", "d", &S::load_tau_d, positive, "how fast the load builds up under stress, and goes after it",
         "assumed: within 1-4 weeks; Bdnf promoters stay repressed for a month, Tsankova 2006 [M]"},
        {"bdnf_synthesis_loss", "1", &S::bdnf_synthesis_loss, fraction, "loss of BDNF synthesis at load 1",
         "[M] 10-50 % less BDNF under chronic stress, low confidence"},
        {"eaat2_loss", "1", &S::eaat2_loss, fraction, "loss of EAAT2 at load 1", "[M] low confidence"},
    });
};
} // namespace rewire
