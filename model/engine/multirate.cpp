#include "engine/multirate.hpp"

#include <algorithm>
#include <cmath>

namespace rewire::engine {

double next_leap_s(const Multirate& settings, double length_s, double error) {
    // Safety and bounds as usual for step control (Hairer, Norsett & Wanner 1993, Solving ODEs I, II.4).
    const double factor = error > 0 ? std::clamp(0.8 / std::sqrt(error), 0.2, 3.0) : 3.0;
    return std::clamp(length_s * factor, settings.shortest_leap_s, settings.longest_leap_s);
}

double seconds_to_measure(double error, double measured_s) { return measured_s * std::max(1.0, error * error); }

} // namespace rewire::engine
