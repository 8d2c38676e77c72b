#pragma once
// From a rule to a list of synapses. Every draw belongs to a source or target neuron, so the list depends on the
// seed alone.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "network/specification.hpp"
#include "random/stream.hpp"

namespace rewire::network {

using Position = std::array<double, 3>; ///< um

/// Unsorted synapses of a projection, structure of arrays.
struct SynapseList {
    std::vector<std::uint32_t> source;
    std::vector<std::uint32_t> target;
    std::vector<std::uint16_t> delay_steps;
    std::vector<float> weight; ///< empty: all share `shared_weight`
    float shared_weight = 0;

    std::size_t size() const { return source.size(); }
};

/// Columns of a pairwise connection file, read by the caller.
struct PairwiseColumns {
    std::vector<std::uint32_t> source, target;
    std::vector<double> weight;   ///< may be empty
    std::vector<double> delay_ms; ///< may be empty
};

/// Uniform positions of a population in its box (um); keyed by seed and population.
std::vector<Position> place(const Population& population, std::size_t population_index, std::uint64_t seed);

/// One draw of a distribution; normal and lognormal values keep the sign of the mean (redrawn otherwise).
double draw(const Distribution& distribution, RandomStream& random);

/// A delay on the grid: the nearest whole number of steps, at least one.
/// \throws std::invalid_argument  above 65535 steps
std::uint16_t delay_in_steps(double delay_ms, double dt_ms);

/// Connects a projection.
/// \param index      number of the projection: part of the random key
/// \param pairwise   columns of the file for the rule "pairwise", else not read
/// \throws std::invalid_argument  naming the rule and the value: degree above the number of partners without
///         multapses, one_to_one between different sizes, a pair outside the populations, a delay above 65535 steps
SynapseList connect(const Projection& projection, std::size_t index, const Population& source, const Population& target,
                    std::span<const Position> source_positions, std::span<const Position> target_positions,
                    double dt_ms, std::uint64_t seed, const PairwiseColumns& pairwise = {});

/// Expected number of synapses, for cost estimates; exact but for the distance kernel, which is averaged over
/// sampled pairs.
double expected_synapses(const Projection& projection, const Population& source, const Population& target,
                         std::uint64_t seed);

} // namespace rewire::network
