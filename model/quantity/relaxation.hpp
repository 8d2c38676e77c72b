#pragma once
// Exponential relaxation over any duration, in forms that neither cancel nor overflow.

#include <algorithm>
#include <cmath>

namespace rewire {

/// Mean of exp(-u) over u in (0, x), (1 - e^-x)/x: what is left, on average, of things made at any time of an interval.
/// \param x  rate times duration, 0 or more
inline double mean_survival(double x) { return x > 0 ? -std::expm1(-x) / x : 1; }

/// What one decay has passed on to another after a time T: amount/T int_0^T e^(-a u) e^(-b (T-u)) du, for equal rates
/// too.
/// \param amount  T times the rate at which the first one feeds the second
/// \param a, b    the two rates, 0 or more, per unit of `duration`
inline double convolved_decays(double amount, double a, double b, double duration) {
    return amount * std::exp(-std::min(a, b) * duration) * mean_survival(std::abs(a - b) * duration);
}

} // namespace rewire
