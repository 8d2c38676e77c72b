#include "network/synapses.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rewire::network {
namespace {

/// Slots of a row that may change: an eighth and four to spare, so that adding one by one moves a row rarely.
std::uint32_t roomy(std::uint32_t size) { return size == 0 ? 0 : size + size / 8 + 4; }

void check_ends(std::uint32_t source, std::uint32_t target, const SynapseLayout& layout) {
    if (source >= layout.sources || target >= layout.targets)
        throw std::invalid_argument(fmt::format("synapse {} -> {} lies outside {} sources and {} targets", source,
                                                target, layout.sources, layout.targets));
}

std::vector<std::uint16_t> distinct_delays(std::vector<std::uint16_t> delays, std::span<const std::uint16_t> more) {
    std::vector<bool> present(std::size_t{std::numeric_limits<std::uint16_t>::max()} + 1);
    for (const std::uint16_t delay : delays) present[delay] = true;
    for (const std::uint16_t delay : more) present[delay] = true;
    delays.clear();
    for (std::size_t delay = 0; delay < present.size(); ++delay)
        if (present[delay]) delays.push_back(static_cast<std::uint16_t>(delay));
    return delays;
}

std::size_t group_of(const std::vector<std::uint16_t>& delays, std::uint16_t delay) {
    const auto found = std::lower_bound(delays.begin(), delays.end(), delay);
    return found != delays.end() && *found == delay ? static_cast<std::size_t>(found - delays.begin()) : delays.size();
}

} // namespace

struct SynapseStore::Pending {
    std::size_t row;
    std::uint32_t target;
    std::size_t index; ///< in the list of additions
};

SynapseStore::SynapseStore(SynapseLayout layout, std::span<const std::uint32_t> source,
                           std::span<const std::uint16_t> delay_steps, std::span<const std::uint32_t> target,
                           std::span<const float> weight)
    : layout_(std::move(layout)) {
    const std::size_t n = source.size();
    if (target.size() != n || delay_steps.size() != n || (!weight.empty() && weight.size() != n))
        throw std::invalid_argument(fmt::format("lists of {} sources, {} targets, {} delays and {} weights", n,
                                                target.size(), delay_steps.size(), weight.size()));
    if (!weight.empty() && !layout_.own_weights)
        throw std::invalid_argument("weights given to a store whose synapses share one");
    layout_.delays_steps = distinct_delays(std::move(layout_.delays_steps), delay_steps);
    set_groups();

    std::vector<std::uint16_t> group(std::size_t{std::numeric_limits<std::uint16_t>::max()} + 1); // of each delay
    for (std::size_t g = 0; g < groups_; ++g) group[layout_.delays_steps[g]] = static_cast<std::uint16_t>(g);
    std::vector<std::size_t> next(std::size_t{layout_.sources} * groups_); // first the sizes, then where to write
    for (std::size_t i = 0; i < n; ++i) {
        check_ends(source[i], target[i], layout_);
        ++next[row_index(source[i], group[delay_steps[i]])];
    }
    row_end_.resize(next.size());
    segments_.resize(layout_.sources);
    std::size_t offset = 0;
    for (std::uint32_t j = 0; j < layout_.sources; ++j) {
        segments_[j].offset = offset;
        for (std::size_t g = 0; g < groups_; ++g) {
            const std::size_t r = row_index(j, g);
            offset += std::exchange(next[r], offset);
            row_end_[r] = static_cast<std::uint32_t>(offset - segments_[j].offset);
        }
        segments_[j].capacity = size_of(j);
        needed_ += roomy(size_of(j));
    }
    each_field([n](auto& array) { array.resize(n); });
    for (std::size_t i = 0; i < n; ++i)
        write(next[row_index(source[i], group[delay_steps[i]])]++,
              {source[i], delay_steps[i], target[i], weight.empty() ? layout_.shared_weight : weight[i]});
    count_ = n;
    for (std::size_t r = 0; r < row_end_.size(); ++r) sort_row(r);
    set_partitions({0, layout_.targets});
}

SynapseStore::SynapseStore(SynapseLayout layout, SynapseRows rows)
    : layout_(std::move(layout)),
      row_end_(std::move(rows.row_end)),
      target_(std::move(rows.target)),
      weight_(std::move(rows.weight)),
      count_(target_.size()) {
    set_groups();
    if (rows.offset.size() != std::size_t{layout_.sources} + 1 || rows.offset.back() != count_ ||
        row_end_.size() != std::size_t{layout_.sources} * groups_ ||
        weight_.size() != (layout_.own_weights ? count_ : 0))
        throw std::invalid_argument(fmt::format("{} offsets, {} rows, {} targets and {} weights do not fit {} sources",
                                                rows.offset.size(), row_end_.size(), count_, weight_.size(),
                                                layout_.sources));
    segments_.resize(layout_.sources);
    for (std::uint32_t j = 0; j < layout_.sources; ++j) {
        segments_[j] = {rows.offset[j], size_of(j)};
        needed_ += roomy(size_of(j));
    }
    if (layout_.ageing) {
        formed_h_.resize(count_);
        nascent_.resize(count_);
    }
    set_partitions({0, layout_.targets});
}

void SynapseStore::set_groups() {
    groups_ = static_cast<std::uint32_t>(layout_.delays_steps.size());
    if (std::size_t{layout_.sources} * groups_ >= std::numeric_limits<std::uint32_t>::max())
        throw std::invalid_argument(
            fmt::format("{} sources with {} delays make too many rows", layout_.sources, groups_));
}

void SynapseStore::set_partitions(std::vector<std::uint32_t> boundaries, const Executor& executor) {
    if (boundaries.size() < 2 || boundaries.front() != 0 || boundaries.back() != layout_.targets ||
        !std::is_sorted(boundaries.begin(), boundaries.end()))
        throw std::invalid_argument(
            fmt::format("partition boundaries must ascend from 0 to {} targets", layout_.targets));
    boundaries_ = std::move(boundaries);
    splits_.clear();
    // Positions are kept where they take a byte a synapse at most.
    const std::size_t positions = row_end_.size() * (boundaries_.size() - 2);
    if (positions == 0 || positions * sizeof(splits_[0]) > count_) {
        splits_.shrink_to_fit();
        return;
    }
    splits_.resize(positions);
    constexpr std::uint32_t piece = 1024;
    executor.run((layout_.sources + piece - 1) / piece, [&](std::size_t k) {
        const auto first = static_cast<std::uint32_t>(k * piece);
        for (std::uint32_t j = first; j < std::min(first + piece, layout_.sources); ++j) update_splits(j);
    });
}

void SynapseStore::add(std::span<const Synapse> synapses) {
    std::vector<Pending> pending(synapses.size());
    for (std::size_t i = 0; i < synapses.size(); ++i) pending[i] = {row_of(synapses[i]), synapses[i].target, i};
    std::sort(pending.begin(), pending.end(), [](const Pending& a, const Pending& b) {
        return std::tie(a.row, a.target, a.index) < std::tie(b.row, b.target, b.index);
    });
    for (std::size_t begin = 0, end = 0; begin < pending.size(); begin = end) {
        const std::uint32_t source = source_of(pending[begin].row);
        while (end < pending.size() && source_of(pending[end].row) == source) ++end;
        merge(source, std::span(pending).subspan(begin, end - begin), synapses);
    }
    pack_if_wasteful();
}

void SynapseStore::remove(std::span<const SynapseIndex> synapses) {
    std::vector<SynapseIndex> leaving(synapses.begin(), synapses.end());
    std::sort(leaving.begin(), leaving.end());
    for (const SynapseIndex& index : leaving)
        if (index.row >= rows() || index.position >= row(index.row).size)
            throw std::invalid_argument(fmt::format("no synapse at position {} of row {}", index.position, index.row));
    if (const auto twice = std::adjacent_find(leaving.begin(), leaving.end()); twice != leaving.end())
        throw std::invalid_argument(
            fmt::format("synapse at position {} of row {} is to be removed twice", twice->position, twice->row));

    for (auto next = leaving.begin(); next != leaving.end();) {
        const std::uint32_t source = source_of(next->row), before = size_of(source);
        const std::size_t offset = segments_[source].offset, end_row = (std::size_t{source} + 1) * groups_;
        std::uint32_t begin = begin_of(source, next->row), kept = begin;
        for (std::size_t r = next->row; r < end_row; ++r) {
            const std::uint32_t end = row_end_[r];
            for (std::uint32_t i = begin; i < end; ++i) {
                if (next != leaving.end() && next->row == r && next->position == i - begin) {
                    ++next;
                    continue;
                }
                each_field([&](auto& array) { array[offset + kept] = array[offset + i]; });
                ++kept;
            }
            row_end_[r] = kept;
            begin = end;
        }
        change_size(before, kept);
        update_splits(source);
    }
    pack_if_wasteful();
}

double SynapseStore::mean_weight() const {
    if (!layout_.own_weights) return static_cast<double>(layout_.shared_weight);
    double sum = 0;
    for (std::uint32_t j = 0; j < layout_.sources; ++j)
        for (std::uint32_t i = 0; i < size_of(j); ++i) sum += static_cast<double>(weight_[segments_[j].offset + i]);
    return sum / static_cast<double>(count_);
}

std::size_t SynapseStore::bytes() const {
    const auto memory = [](const auto& array) { return array.capacity() * sizeof(array[0]); };
    return memory(segments_) + memory(row_end_) + memory(target_) + memory(weight_) + memory(formed_h_) +
           memory(nascent_) + memory(splits_);
}

std::vector<std::uint32_t> SynapseStore::incoming_counts() const {
    std::vector<std::uint32_t> counts(layout_.targets);
    for (std::uint32_t j = 0; j < layout_.sources; ++j)
        for (std::uint32_t i = 0; i < size_of(j); ++i) ++counts[target_[segments_[j].offset + i]];
    return counts;
}

std::vector<std::uint32_t> SynapseStore::outgoing_counts() const {
    std::vector<std::uint32_t> counts(layout_.sources);
    for (std::uint32_t j = 0; j < layout_.sources; ++j) counts[j] = size_of(j);
    return counts;
}

Synapse SynapseStore::at(std::size_t r, std::uint32_t i) const {
    const std::uint32_t source = source_of(r);
    const std::size_t slot = segments_[source].offset + begin_of(source, r) + i;
    return {source,
            layout_.delays_steps[r - std::size_t{source} * groups_],
            target_[slot],
            layout_.own_weights ? weight_[slot] : layout_.shared_weight,
            layout_.ageing ? formed_h_[slot] : 0.0f,
            layout_.ageing && nascent_[slot] != 0};
}

std::size_t SynapseStore::row_of(const Synapse& synapse) const {
    check_ends(synapse.source, synapse.target, layout_);
    const std::size_t group = group_of(layout_.delays_steps, synapse.delay_steps);
    if (group == layout_.delays_steps.size())
        throw std::invalid_argument(fmt::format("a delay of {} steps is not among those of the projection ({})",
                                                synapse.delay_steps, fmt::join(layout_.delays_steps, ", ")));
    return row_index(synapse.source, group);
}

void SynapseStore::write(std::size_t slot, const Synapse& synapse) {
    target_[slot] = synapse.target;
    if (layout_.own_weights) weight_[slot] = synapse.weight;
    if (layout_.ageing) {
        formed_h_[slot] = synapse.formed_h;
        nascent_[slot] = synapse.nascent;
    }
}

/// Sorts by target, equal targets in their present order.
void SynapseStore::sort_row(std::size_t r) {
    const Row unsorted = row(r);
    const std::span targets(unsorted.target, unsorted.size);
    if (std::is_sorted(targets.begin(), targets.end())) return;
    std::vector<std::uint64_t> keys(unsorted.size); // target above, present position below: distinct, so plain sort
    for (std::uint32_t i = 0; i < unsorted.size; ++i) keys[i] = std::uint64_t{targets[i]} << 32 | i;
    std::sort(keys.begin(), keys.end());
    const std::size_t offset = segments_[source_of(r)].offset + begin_of(source_of(r), r);
    each_field([&](auto& array) {
        const auto begin = array.begin() + static_cast<std::ptrdiff_t>(offset);
        const std::vector before(begin, begin + unsorted.size);
        for (std::uint32_t i = 0; i < unsorted.size; ++i)
            array[offset + i] = before[static_cast<std::uint32_t>(keys[i])];
    });
}

/// Moves a segment to the end of the pool, with room for `size` and slack.
void SynapseStore::relocate(std::uint32_t source, std::uint32_t size) {
    Segment& segment = segments_[source];
    const std::size_t end = target_.size();
    const std::uint32_t capacity = roomy(size);
    each_field([&](auto& array) {
        // Grows by an eighth: the vector's own doubling would cost more memory than the slack.
        if (array.capacity() < end + capacity) array.reserve(end + end / 8 + capacity);
        array.resize(end + capacity);
        std::copy_n(array.begin() + static_cast<std::ptrdiff_t>(segment.offset), size_of(source),
                    array.begin() + static_cast<std::ptrdiff_t>(end));
    });
    segment = {end, capacity};
}

/// Merges additions to one source, sorted by row and target, from the back; among equal targets the newcomers come
/// last.
void SynapseStore::merge(std::uint32_t source, std::span<const Pending> pending, std::span<const Synapse> synapses) {
    const std::uint32_t before = size_of(source), after = before + static_cast<std::uint32_t>(pending.size());
    if (after > segments_[source].capacity) relocate(source, after);
    const std::size_t offset = segments_[source].offset;
    std::uint32_t from = before, to = after;
    std::size_t left = pending.size();
    for (std::size_t r = (std::size_t{source} + 1) * groups_ - 1; left > 0; --r) {
        const std::uint32_t begin = begin_of(source, r);
        row_end_[r] = to;
        const auto move_down_to = [&](auto&& stays) {
            while (from > begin && !stays(target_[offset + from - 1])) {
                --from;
                --to;
                each_field([&](auto& array) { array[offset + to] = array[offset + from]; });
            }
        };
        for (; left > 0 && pending[left - 1].row == r; --left) {
            const Pending& newcomer = pending[left - 1];
            move_down_to([&](std::uint32_t target) { return target <= newcomer.target; });
            write(offset + --to, synapses[newcomer.index]);
        }
        if (left > 0) move_down_to([](std::uint32_t) { return false; });
    }
    change_size(before, after);
    update_splits(source);
}

/// Keeps the totals when a source's size changes.
void SynapseStore::change_size(std::uint32_t before, std::uint32_t after) {
    count_ += after;
    count_ -= before;
    needed_ += roomy(after);
    needed_ -= roomy(before);
}

void SynapseStore::update_splits(std::uint32_t source) {
    if (splits_.empty()) return;
    const std::size_t inner = boundaries_.size() - 2;
    for (std::size_t r = std::size_t{source} * groups_; r < (std::size_t{source} + 1) * groups_; ++r) {
        const Row whole = row_of(source, r);
        const std::uint32_t* from = whole.target;
        for (std::size_t t = 0; t < inner; ++t) {
            from = std::lower_bound(from, whole.target + whole.size, boundaries_[t + 1]);
            splits_[r * inner + t] = static_cast<std::uint32_t>(from - whole.target);
        }
    }
}

/// Packs the pool in order of sources, each with slack, once more than half of it is waste.
void SynapseStore::pack_if_wasteful() {
    if (target_.size() <= 2 * needed_) return;
    each_field([&](auto& array) {
        std::remove_reference_t<decltype(array)> packed(needed_);
        auto to = packed.begin();
        for (std::uint32_t j = 0; j < layout_.sources; ++j) {
            std::copy_n(array.begin() + static_cast<std::ptrdiff_t>(segments_[j].offset), size_of(j), to);
            to += roomy(size_of(j));
        }
        array = std::move(packed);
    });
    std::size_t offset = 0;
    for (std::uint32_t j = 0; j < layout_.sources; ++j) {
        segments_[j] = {offset, roomy(size_of(j))};
        offset += segments_[j].capacity;
    }
}

} // namespace rewire::network
