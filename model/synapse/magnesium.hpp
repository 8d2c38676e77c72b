#pragma once
// Voltage-dependent block of NMDA-receptor channels by extracellular magnesium.
//
//     B(V) = 1 / (1 + [Mg] / K exp(-0.062 V))          Jahr & Stevens 1990, J Neurosci 10:3178
//
// K is 3.57 mM for the GluN2A/2B receptors that they recorded from. Channels with GluN2C or GluN2D are blocked
// several times less: Kuner & Schoepfer 1996 (J Neurosci 16:3549) find IC50s at -100 mV of 2, 2, 14 and 10 uM for
// 2A-2D [M], hence a factor of about 5 on K. Both are defaults ([experiment] magnesium_half_2ab, _2cd).

#include <cmath>

#include "quantity/fast_math.hpp"

namespace rewire::synapse {

inline constexpr double mg_slope_per_mV = 0.062;           ///< Jahr & Stevens 1990
inline constexpr double mg_half_ab_mM = 3.57;              ///< Jahr & Stevens 1990
inline constexpr double mg_half_cd_mM = 5 * mg_half_ab_mM; ///< [M] Kuner & Schoepfer 1996: 5-7 times weaker

/// Unblocked fraction of NMDA channels, 0..1 (Jahr & Stevens 1990).
/// \param v_mV        membrane potential
/// \param mg_mM       extracellular magnesium, 0 or more
/// \param mg_half_mM  magnesium that blocks half at 0 mV, above 0
inline double mg_unblocked(double v_mV, double mg_mM, double mg_half_mM = mg_half_ab_mM) {
    return 1.0 / (1.0 + mg_mM / mg_half_mM * std::exp(-mg_slope_per_mV * v_mV));
}

/// exp(-0.062 V) for the hot loops; both subunit classes share it.
[[gnu::always_inline]] inline float mg_voltage_factor(float v_mV) { return fast_exp(-0.062f * v_mV); }

} // namespace rewire::synapse
