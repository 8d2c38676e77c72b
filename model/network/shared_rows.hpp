#pragma once
// Stores of the same sources put into one, so that a spike finds in one row what it does to all of them.

#include <cstdint>
#include <vector>

#include "network/executor.hpp"
#include "network/synapses.hpp"

namespace rewire::network {

/// A store that is to share rows with others.
struct RowMember {
    const SynapseStore* store;
    std::vector<std::uint32_t> index; ///< new number of each target
};

/// One store with the synapses of all members: all have the same sources, no two the same new targets. Weights stay
/// shared where all synapses have the same. The store is partitioned by `boundaries`; members are partitioned into as
/// many parts, and `index` takes part t into part t and ascends within it, so that rows need no sorting.
SynapseStore share_rows(const std::vector<RowMember>& members, std::vector<std::uint32_t> boundaries,
                        const Executor& executor = {});

} // namespace rewire::network
