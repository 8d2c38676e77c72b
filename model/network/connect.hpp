#pragma once
// From a rule to a store of synapses. Every draw belongs to a source or target neuron, so the store depends on the seed
// alone: not on the threads, and not on the order in which neurons come.
//
// No unsorted list is ever held. Where the rule draws targets for each source, pieces of the sources are drawn, sorted
// and then written to their places; where it draws sources for each target (fixed_indegree), targets are drawn twice:
// once to count the synapses of each source, once to write them, which leaves them sorted by target. Delays and weights
// are drawn last, per source: synapses of a source are exchangeable, so they may be drawn in sorted order.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "network/draws.hpp"
#include "network/executor.hpp"
#include "network/specification.hpp"
#include "network/synapses.hpp"
#include "random/stream.hpp"

namespace rewire::network {

using Position = std::array<double, 3>; ///< um

/// Columns of a pairwise connection file, read by the caller.
struct PairwiseColumns {
    std::vector<std::uint32_t> source, target;
    std::vector<double> weight;   ///< may be empty
    std::vector<double> delay_ms; ///< may be empty
};

/// Uniform positions of a population in its box (um); keyed by seed and population.
std::vector<Position> place(const Population& population, std::size_t population_index, std::uint64_t seed);

/// Connects a projection.
/// \param index      number of the projection: part of the random key
/// \param pairwise   columns of the file for the rule "pairwise", else not read
/// \param executor   runs independent pieces; the result does not depend on it
/// \throws std::invalid_argument  naming the rule and the value: degree above the number of partners or number above
///         that of pairs without multapses, one_to_one between different sizes, a pair outside the populations, a delay
///         above 65535 steps
SynapseStore connect(const Projection& projection, std::size_t index, const Population& source,
                     const Population& target, std::span<const Position> source_positions,
                     std::span<const Position> target_positions, double dt_ms, std::uint64_t seed,
                     const PairwiseColumns& pairwise = {}, const Executor& executor = {});

/// Expected number of synapses, for cost estimates; exact but for the distance kernel, which is averaged over
/// sampled pairs.
double expected_synapses(const Projection& projection, const Population& source, const Population& target,
                         std::uint64_t seed);

} // namespace rewire::network
