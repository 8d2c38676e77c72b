#pragma once
// Weights and delays of many synapses at once: one random word each.

#include <cstdint>
#include <span>
#include <vector>

#include "network/specification.hpp"
#include "random/stream.hpp"

namespace rewire::network {

/// One draw of a distribution; normal and lognormal values keep the sign of the mean (redrawn otherwise).
double draw(const Distribution& distribution, RandomStream& random);

/// Fills `out` with draws of a distribution in single precision, the k-th from word k of `words`; the law is that of
/// `draw`, to 2^-32 in the tails.
void draw_weights(const Distribution& distribution, const std::uint32_t* words, std::span<float> out);

/// A delay on the grid: the nearest whole number of steps, at least one.
/// \throws std::invalid_argument  above 65535 steps
std::uint16_t delay_in_steps(double delay_ms, double dt_ms);

/// A distribution of delays on the grid: the law of `delay_in_steps(draw(...))`, to 2^-32.
struct DelayTable {
    std::vector<std::uint16_t> steps;      ///< what occurs, ascending
    std::vector<std::uint32_t> thresholds; ///< a word above thresholds[g] means a delay after steps[g]
    std::vector<std::uint16_t> guide;      ///< by the top bits of the word: the first group that it can mean
    static constexpr int guide_bits = 12;

    std::uint16_t group(std::uint32_t word) const {
        std::uint16_t g = guide[word >> (32 - guide_bits)];
        while (word > thresholds[g]) ++g;
        return g;
    }
};
/// \throws std::invalid_argument  where delays above 65535 steps would occur
DelayTable delay_table(const Distribution& delay_ms, double dt_ms);

} // namespace rewire::network
