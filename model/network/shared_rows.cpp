#include "network/shared_rows.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace rewire::network {
namespace {

/// What of a member lies in a row of the whole store.
struct Part {
    const RowMember* member;
    std::size_t partition;
    std::uint32_t first_target; ///< new number of the partition's first target: the order of parts in a row
};

std::vector<Part> parts_of(const std::vector<RowMember>& members) {
    std::vector<Part> parts;
    for (const RowMember& member : members) {
        const std::vector<std::uint32_t>& cuts = member.store->boundaries();
        for (std::size_t t = 0; t + 1 < cuts.size(); ++t)
            if (cuts[t] < cuts[t + 1]) parts.push_back({&member, t, member.index[cuts[t]]});
    }
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.first_target < b.first_target; });
    return parts;
}

} // namespace

SynapseStore share_rows(const std::vector<RowMember>& members, std::vector<std::uint32_t> boundaries,
                        const Executor& executor) {
    const SynapseStore& first = *members.front().store;
    SynapseLayout layout{
        .sources = first.sources(), .targets = boundaries.back(), .shared_weight = first.shared_weight()};
    std::set<std::uint16_t> delays;
    SynapseRows rows{.offset = std::vector<std::size_t>(std::size_t{layout.sources} + 1)};
    for (const RowMember& member : members) {
        const SynapseStore& store = *member.store;
        layout.own_weights =
            layout.own_weights || store.has_own_weights() || store.shared_weight() != layout.shared_weight;
        delays.insert(store.delays_steps().begin(), store.delays_steps().end());
        const std::vector<std::uint32_t> sizes = store.outgoing_counts();
        for (std::size_t j = 0; j < sizes.size(); ++j) rows.offset[j + 1] += sizes[j];
    }
    layout.delays_steps.assign(delays.begin(), delays.end());
    const std::size_t groups = layout.delays_steps.size();
    std::partial_sum(rows.offset.begin(), rows.offset.end(), rows.offset.begin());
    rows.target.resize(rows.offset.back());
    if (layout.own_weights) rows.weight.resize(rows.offset.back());
    rows.row_end.resize(layout.sources * groups);

    const std::vector<Part> parts = parts_of(members);
    constexpr std::size_t run = 128;
    executor.run((layout.sources + run - 1) / run, [&](std::size_t k) {
        const auto begin = static_cast<std::uint32_t>(k * run);
        const std::uint32_t end = std::min(begin + static_cast<std::uint32_t>(run), layout.sources);
        for (std::uint32_t j = begin; j < end; ++j) {
            std::size_t slot = rows.offset[j];
            for (std::size_t g = 0; g < groups; ++g) {
                for (const Part& part : parts) {
                    const SynapseStore& store = *part.member->store;
                    const std::vector<std::uint16_t>& steps = store.delays_steps();
                    const auto found = std::lower_bound(steps.begin(), steps.end(), layout.delays_steps[g]);
                    if (found == steps.end() || *found != layout.delays_steps[g]) continue;
                    const auto row = store.split(store.row_index(j, static_cast<std::size_t>(found - steps.begin())),
                                                 part.partition);
                    for (std::uint32_t i = 0; i < row.size; ++i, ++slot) {
                        rows.target[slot] = part.member->index[row.target[i]];
                        if (layout.own_weights)
                            rows.weight[slot] = row.weight == nullptr ? store.shared_weight() : row.weight[i];
                    }
                }
                rows.row_end[j * groups + g] = static_cast<std::uint32_t>(slot - rows.offset[j]);
            }
        }
    });
    SynapseStore shared(std::move(layout), std::move(rows));
    shared.set_partitions(std::move(boundaries), executor);
    return shared;
}

} // namespace rewire::network
