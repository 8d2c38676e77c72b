#pragma once
// Averages of what may be absent.

#include <limits>
#include <vector>

namespace rewire::engine {

inline constexpr double not_applicable = std::numeric_limits<double>::quiet_NaN();

/// Mean of the values; NaN if there are none.
inline double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += v;
    return values.empty() ? not_applicable : sum / static_cast<double>(values.size());
}

} // namespace rewire::engine
