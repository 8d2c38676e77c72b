#include "network/draws.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>

#include "random/bulk.hpp"

namespace rewire::network {
namespace {

constexpr double longest_steps = 65535;

/// Logarithmic mean and standard deviation of a lognormal law with the given ones of the value itself.
struct LogMoments {
    double mean, sd;
    explicit LogMoments(const Distribution& d) : mean(0), sd(std::sqrt(std::log1p(d.sd * d.sd / (d.mean * d.mean)))) {
        mean = std::log(std::abs(d.mean)) - 0.5 * sd * sd;
    }
};

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// Probability that a normal law puts on the other side of zero than its mean.
double wrong_side(const Distribution& d) { return d.sd > 0 ? normal_cdf(-std::abs(d.mean) / d.sd) : 0; }

REWIRE_CLONES void fill_normal(const std::uint32_t* __restrict words, std::size_t n, float mean, float sd, float below,
                               float* __restrict out) {
    for (std::size_t k = 0; k < n; ++k) out[k] = mean + sd * normal_above(words[k], below);
}

REWIRE_CLONES void fill_lognormal(const std::uint32_t* __restrict words, std::size_t n, float log_mean, float log_sd,
                                  float sign, float* __restrict out) {
    for (std::size_t k = 0; k < n; ++k) out[k] = sign * fast_exp(log_mean + log_sd * normal_above(words[k], 0.0f));
}

REWIRE_CLONES void fill_uniform(const std::uint32_t* __restrict words, std::size_t n, float low, float width,
                                float* __restrict out) {
    for (std::size_t k = 0; k < n; ++k)
        out[k] = low + width * (static_cast<float>(static_cast<std::int32_t>(words[k] >> 8)) * 0x1.0p-24f + 0x1.0p-25f);
}

/// P(delay <= x) of a distribution that is not constant, x > 0.
std::function<double(double)> delay_cdf(const Distribution& d) {
    if (d.kind == "normal") {
        const double below = wrong_side(d);
        return [=](double x) { return std::max(0.0, (normal_cdf((x - d.mean) / d.sd) - below) / (1 - below)); };
    }
    if (d.kind == "lognormal") {
        const LogMoments log(d);
        return [=](double x) { return normal_cdf((std::log(x) - log.mean) / log.sd); };
    }
    return [=](double x) { return std::clamp((x - d.low) / (d.high - d.low), 0.0, 1.0); };
}

/// The one value of a distribution that has no width.
bool is_single(const Distribution& d) {
    return d.kind == "constant" || (d.kind == "uniform" ? d.high <= d.low : d.sd <= 0);
}
double single_value(const Distribution& d) { return d.kind == "uniform" ? d.low : d.mean; }

} // namespace

double draw(const Distribution& d, RandomStream& random) {
    if (d.kind == "normal") {
        double value = d.mean + d.sd * random.normal();
        while (value * d.mean < 0) value = d.mean + d.sd * random.normal();
        return value;
    }
    if (d.kind == "lognormal") {
        const LogMoments log(d);
        return std::copysign(std::exp(log.mean + log.sd * random.normal()), d.mean);
    }
    if (d.kind == "uniform") return d.low + (d.high - d.low) * random.uniform();
    return d.mean;
}

void draw_weights(const Distribution& d, const std::uint32_t* words, std::span<float> out) {
    const float sign = d.mean < 0 ? -1.0f : 1.0f;
    if (is_single(d)) {
        std::fill(out.begin(), out.end(), static_cast<float>(single_value(d)));
    } else if (d.kind == "normal") {
        // Mirrored for a negative mean, so that what is cut off always lies below.
        const double below = d.mean == 0 ? 0 : wrong_side(d);
        fill_normal(words, out.size(), static_cast<float>(d.mean), sign * static_cast<float>(d.sd),
                    static_cast<float>(below), out.data());
    } else if (d.kind == "lognormal") {
        const LogMoments log(d);
        fill_lognormal(words, out.size(), static_cast<float>(log.mean), static_cast<float>(log.sd), sign, out.data());
    } else {
        fill_uniform(words, out.size(), static_cast<float>(d.low), static_cast<float>(d.high - d.low), out.data());
    }
}

std::uint16_t delay_in_steps(double delay_ms, double dt_ms) {
    const double steps = std::max(1.0, std::round(delay_ms / dt_ms));
    if (steps > longest_steps)
        throw std::invalid_argument(
            fmt::format("delay of {} ms: must be at most 65535 steps of {} ms", delay_ms, dt_ms));
    return static_cast<std::uint16_t>(steps);
}

DelayTable delay_table(const Distribution& d, double dt_ms) {
    DelayTable table;
    if (is_single(d)) {
        table.steps = {delay_in_steps(single_value(d), dt_ms)};
        table.thresholds = {0xffffffffu};
    } else {
        const auto cdf = delay_cdf(d);
        // A step k stands for delays within half a step, the first also for shorter ones.
        double done = 0;
        for (double k = 1; done < 0x1.0p32; ++k) {
            const double scaled = std::round(cdf((k + 0.5) * dt_ms) * 0x1.0p32);
            if (scaled <= done) continue;
            table.steps.push_back(delay_in_steps(k * dt_ms, dt_ms));
            table.thresholds.push_back(static_cast<std::uint32_t>(scaled - 1));
            done = scaled;
        }
    }
    for (std::uint32_t top = 0; top < 1u << DelayTable::guide_bits; ++top)
        table.guide.push_back(static_cast<std::uint16_t>(
            std::lower_bound(table.thresholds.begin(), table.thresholds.end(), top << (32 - DelayTable::guide_bits)) -
            table.thresholds.begin()));
    return table;
}

} // namespace rewire::network
