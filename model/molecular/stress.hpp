#pragma once
// What chronic stress does to the chain, per unit of stress (1 is the chronic stress of the standard animal models):
//     BDNF synthesis x max(0, 1 - l_B stress),   EAAT2 x max(0, 1 - l_E stress)      linear: assumed; sizes [M]
// It also raises the elimination of spines (structure/spines.hpp, stress_gain).

#include <algorithm>

#include "quantity/parameter.hpp"

namespace rewire::molecular {

/// Effects of stress; see the table below for ranges and sources.
struct Stress {
    double bdnf_synthesis_loss = 0.3;
    double eaat2_loss = 0.2;
};

/// Factor left of something that stress (0 or more) lowers by `loss` (0 to 1) at stress 1; 0 or more.
inline double stress_factor(double loss, double stress) { return std::max(0.0, 1 - loss * stress); }

} // namespace rewire::molecular

namespace rewire {
template <>
struct Described<molecular::Stress> {
    using S = molecular::Stress;
    static constexpr std::string_view name = "stress";
    static constexpr std::string_view meaning = "effects of chronic stress on BDNF synthesis and glutamate uptake";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"bdnf_synthesis_loss", "1", &S::bdnf_synthesis_loss, fraction, "loss of BDNF synthesis at stress 1",
         "[M] 10-50 % less BDNF under chronic stress, low confidence"},
        {"eaat2_loss", "1", &S::eaat2_loss, fraction, "loss of EAAT2 at stress 1", "[M] low confidence"},
    });
};
} // namespace rewire
