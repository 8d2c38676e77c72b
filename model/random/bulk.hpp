#pragma once
// Random numbers by the thousand, in loops that the compiler vectorises: one word each, from the same counter-based
// generator as random/stream.hpp.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "quantity/fast_math.hpp"
#include "random/stream.hpp"

namespace rewire {

/// The loop of `bulk_words`.
REWIRE_CLONES static inline void fill_words(std::uint64_t seed, Purpose purpose, std::uint64_t entity,
                                            std::uint64_t time, std::size_t quarter, std::uint32_t* __restrict words) {
#pragma GCC ivdep
    for (std::size_t i = 0; i < quarter; ++i) {
        const auto drawn = random_words(seed, purpose, entity, time, static_cast<std::uint32_t>(i));
        words[i] = drawn[0];
        words[quarter + i] = drawn[1];
        words[2 * quarter + i] = drawn[2];
        words[3 * quarter + i] = drawn[3];
    }
}
/// Words [0, n) of (seed, purpose, entity, time); `words` grows to hold them and up to 3 more. Which word stands where
/// depends on n.
inline void bulk_words(std::uint64_t seed, Purpose purpose, std::uint64_t entity, std::uint64_t time, std::size_t n,
                       std::vector<std::uint32_t>& words) {
    const std::size_t quarter = (n + 3) / 4;
    if (words.size() < 4 * quarter) words.resize(4 * quarter);
    fill_words(seed, purpose, entity, time, quarter, words.data());
}

/// ln(x) for normal positive x, error 1e-7 of ln(x) or of 1: exponent and 2 artanh((m-1)/(m+1)) of the mantissa.
[[gnu::always_inline]] inline float fast_log(float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    const std::int32_t exponent = (bits - 0x3f3504f3) >> 23; // mantissa in [1/sqrt 2, sqrt 2)
    const float m = std::bit_cast<float>(bits - (exponent << 23));
    const float s = (m - 1.0f) / (m + 1.0f), z = s * s;
    const float series = 1.0f + z * (0.333333333f + z * (0.2f + z * (0.142857143f + z * 0.111111111f)));
    return static_cast<float>(exponent) * 0.693147181f + 2.0f * s * series;
}

/// The standard normal value that is exceeded with probability `tail`, 1e-10 < tail <= 1/2; relative error 1e-6.
/// (Wichura 1988, Appl Stat 37:477, algorithm AS 241, PPND7.)
[[gnu::always_inline]] inline float normal_upper_quantile(float tail) {
    const float q = 0.5f - tail, r = 0.180625f - q * q;
    const float centre = q * (((59.109374720f * r + 159.29113202f) * r + 50.434271938f) * r + 3.3871327179f) /
                         (((67.187563600f * r + 78.757757664f) * r + 17.895169469f) * r + 1.0f);
    const float t = std::sqrt(-fast_log(tail)) - 1.6f;
    const float far = (((0.17023821103f * t + 1.3067284816f) * t + 2.7568153900f) * t + 1.4234372777f) /
                      ((0.12021132975f * t + 0.73700164250f) * t + 1.0f);
    return q <= 0.425f ? centre : far;
}

/// A standard normal value above `-cut`, from one word: `below` is the probability of what is cut off, at most 1/2.
[[gnu::always_inline]] inline float normal_above(std::uint32_t word, float below) {
    // Each tail has its own end of the word, so that both are drawn to 2^-32. The halves convert as signed numbers.
    const auto to_unit = [](std::uint32_t w) __attribute__((always_inline)) {
        return static_cast<float>(static_cast<std::int32_t>(w >> 1)) * 0x1.0p-31f + 0x1.0p-33f;
    };
    const float left = 1.0f - below;
    const float upper = to_unit(word) * left, lower = below + to_unit(~word) * left;
    const float quantile = normal_upper_quantile(upper < 0.5f ? upper : lower < 0.5f ? lower : 0.5f);
    return upper < 0.5f ? quantile : -quantile;
}

} // namespace rewire
