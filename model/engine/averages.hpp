#pragma once
// Averages of what may be absent, and numbers relative to them.

#include <cstddef>
#include <cstdint>
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

/// The same over those whose mask is set; an empty mask: all. 0 if there are values, but none whose mask is set.
inline double mean_where(const std::vector<double>& values, const std::vector<std::uint8_t>& mask) {
    if (mask.empty() || values.empty()) return mean(values);
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (mask[i]) sum += values[i], ++count;
    return count > 0 ? sum / static_cast<double>(count) : 0;
}

/// x relative to its healthy mean; 1 where a healthy circuit has none.
inline double relative(double x, double healthy) { return healthy > 0 ? x / healthy : 1; }

} // namespace rewire::engine
