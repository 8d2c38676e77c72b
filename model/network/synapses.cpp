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
    const std::size_t row_count = layout_.sources * layout_.delays_steps.size();
    if (row_count >= std::numeric_limits<std::uint32_t>::max())
        throw std::invalid_argument(
            fmt::format("{} sources with {} delays make too many rows", layout_.sources, layout_.delays_steps.size()));

    std::vector<std::uint16_t> group(std::size_t{std::numeric_limits<std::uint16_t>::max()} + 1); // of each delay
    for (std::size_t g = 0; g < layout_.delays_steps.size(); ++g)
        group[layout_.delays_steps[g]] = static_cast<std::uint16_t>(g);
    rows_.resize(row_count);
    for (std::size_t i = 0; i < n; ++i) {
        check_ends(source[i], target[i], layout_);
        ++rows_[row_index(source[i], group[delay_steps[i]])].capacity;
    }
    std::size_t offset = 0;
    for (Place& place : rows_) {
        place.offset = offset;
        offset += place.capacity;
        needed_ += roomy(place.capacity);
    }
    each_field([n](auto& array) { array.resize(n); });
    for (std::size_t i = 0; i < n; ++i) {
        Place& place = rows_[row_index(source[i], group[delay_steps[i]])];
        write(place.offset + place.size++,
              {source[i], delay_steps[i], target[i], weight.empty() ? layout_.shared_weight : weight[i]});
    }
    count_ = n;
    for (const Place& place : rows_) sort_row(place);
    set_partitions({0, layout_.targets});
}

void SynapseStore::set_partitions(std::vector<std::uint32_t> boundaries) {
    if (boundaries.size() < 2 || boundaries.front() != 0 || boundaries.back() != layout_.targets ||
        !std::is_sorted(boundaries.begin(), boundaries.end()))
        throw std::invalid_argument(
            fmt::format("partition boundaries must ascend from 0 to {} targets", layout_.targets));
    boundaries_ = std::move(boundaries);
    splits_.resize(rows_.size() * boundaries_.size());
    for (std::size_t r = 0; r < rows_.size(); ++r) update_splits(r);
}

void SynapseStore::add(std::span<const Synapse> synapses) {
    std::vector<Pending> pending(synapses.size());
    for (std::size_t i = 0; i < synapses.size(); ++i) pending[i] = {row_of(synapses[i]), synapses[i].target, i};
    std::sort(pending.begin(), pending.end(), [](const Pending& a, const Pending& b) {
        return std::tie(a.row, a.target, a.index) < std::tie(b.row, b.target, b.index);
    });
    for (std::size_t begin = 0, end = 0; begin < pending.size(); begin = end) {
        while (end < pending.size() && pending[end].row == pending[begin].row) ++end;
        merge(pending[begin].row, std::span(pending).subspan(begin, end - begin), synapses);
    }
    pack_if_wasteful();
}

void SynapseStore::remove(std::span<const SynapseIndex> synapses) {
    std::vector<SynapseIndex> leaving(synapses.begin(), synapses.end());
    std::sort(leaving.begin(), leaving.end());
    for (const SynapseIndex& index : leaving)
        if (index.row >= rows_.size() || index.position >= rows_[index.row].size)
            throw std::invalid_argument(fmt::format("no synapse at position {} of row {}", index.position, index.row));
    if (const auto twice = std::adjacent_find(leaving.begin(), leaving.end()); twice != leaving.end())
        throw std::invalid_argument(
            fmt::format("synapse at position {} of row {} is to be removed twice", twice->position, twice->row));

    for (auto next = leaving.begin(); next != leaving.end();) {
        const std::uint32_t r = next->row;
        const Place& place = rows_[r];
        std::uint32_t kept = next->position;
        for (std::uint32_t i = next->position; i < place.size; ++i) {
            if (next != leaving.end() && *next == SynapseIndex{r, i}) {
                ++next;
                continue;
            }
            each_field([&](auto& array) { array[place.offset + kept] = array[place.offset + i]; });
            ++kept;
        }
        set_size(r, kept);
    }
    pack_if_wasteful();
}

double SynapseStore::mean_weight() const {
    if (!layout_.own_weights) return static_cast<double>(layout_.shared_weight);
    double sum = 0;
    for (const Place& place : rows_)
        for (std::uint32_t i = 0; i < place.size; ++i) sum += static_cast<double>(weight_[place.offset + i]);
    return sum / static_cast<double>(count_);
}

std::size_t SynapseStore::bytes() const {
    const auto memory = [](const auto& array) { return array.capacity() * sizeof(array[0]); };
    return memory(rows_) + memory(target_) + memory(weight_) + memory(formed_h_) + memory(nascent_) + memory(splits_);
}

std::vector<std::uint32_t> SynapseStore::incoming_counts() const {
    std::vector<std::uint32_t> counts(layout_.targets);
    for (const Place& place : rows_)
        for (std::uint32_t i = 0; i < place.size; ++i) ++counts[target_[place.offset + i]];
    return counts;
}

std::vector<std::uint32_t> SynapseStore::outgoing_counts() const {
    std::vector<std::uint32_t> counts(layout_.sources);
    for (std::size_t r = 0; r < rows_.size(); ++r) counts[source_of(r)] += rows_[r].size;
    return counts;
}

Synapse SynapseStore::at(std::size_t r, std::uint32_t i) const {
    const std::size_t slot = rows_[r].offset + i;
    return {source_of(r),
            layout_.delays_steps[r % layout_.delays_steps.size()],
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

/// Sorts by target, equal targets in their present order. Most connection rules deliver rows in order
/// already.
void SynapseStore::sort_row(const Place& place) {
    const std::span targets(target_.data() + place.offset, place.size);
    if (std::is_sorted(targets.begin(), targets.end())) return;
    std::vector<std::uint64_t> keys(place.size); // target above, present position below: distinct, so plain sort
    for (std::uint32_t i = 0; i < place.size; ++i) keys[i] = std::uint64_t{targets[i]} << 32 | i;
    std::sort(keys.begin(), keys.end());
    each_field([&](auto& array) {
        const auto begin = array.begin() + static_cast<std::ptrdiff_t>(place.offset);
        const std::vector before(begin, begin + place.size);
        for (std::uint32_t i = 0; i < place.size; ++i)
            array[place.offset + i] = before[static_cast<std::uint32_t>(keys[i])];
    });
}

/// Moves a row to the end of the pool, with room for `size` and slack.
void SynapseStore::relocate(Place& place, std::uint32_t size) {
    const std::size_t end = target_.size();
    const std::uint32_t capacity = roomy(size);
    each_field([&](auto& array) {
        // Grows by an eighth: the vector's own doubling would cost more memory than the slack.
        if (array.capacity() < end + capacity) array.reserve(end + end / 8 + capacity);
        array.resize(end + capacity);
        std::copy_n(array.begin() + static_cast<std::ptrdiff_t>(place.offset), place.size,
                    array.begin() + static_cast<std::ptrdiff_t>(end));
    });
    place.offset = end;
    place.capacity = capacity;
}

/// Merges additions of one row, sorted by target, from the back; among equal targets the newcomers come last.
void SynapseStore::merge(std::size_t r, std::span<const Pending> pending, std::span<const Synapse> synapses) {
    Place& place = rows_[r];
    const auto size = static_cast<std::uint32_t>(place.size + pending.size());
    if (size > place.capacity) relocate(place, size);
    std::size_t from = place.offset + place.size;
    std::size_t to = place.offset + size;
    for (std::size_t i = pending.size(); i-- > 0;) {
        while (from > place.offset && target_[from - 1] > pending[i].target) {
            --from;
            --to;
            each_field([&](auto& array) { array[to] = array[from]; });
        }
        write(--to, synapses[pending[i].index]);
    }
    set_size(r, size);
}

void SynapseStore::set_size(std::size_t r, std::uint32_t size) {
    count_ += size;
    count_ -= rows_[r].size;
    needed_ += roomy(size);
    needed_ -= roomy(rows_[r].size);
    rows_[r].size = size;
    update_splits(r);
}

void SynapseStore::update_splits(std::size_t r) {
    const std::uint32_t* begin = target_.data() + rows_[r].offset;
    const std::uint32_t* end = begin + rows_[r].size;
    const std::uint32_t* from = begin;
    for (std::size_t t = 0; t < boundaries_.size(); ++t) {
        from = std::lower_bound(from, end, boundaries_[t]);
        splits_[r * boundaries_.size() + t] = static_cast<std::uint32_t>(from - begin);
    }
}

/// Packs the pool in order of rows, each with slack, once more than half of it is waste.
void SynapseStore::pack_if_wasteful() {
    if (target_.size() <= 2 * needed_) return;
    each_field([&](auto& array) {
        std::remove_reference_t<decltype(array)> packed(needed_);
        auto to = packed.begin();
        for (const Place& place : rows_) {
            std::copy_n(array.begin() + static_cast<std::ptrdiff_t>(place.offset), place.size, to);
            to += roomy(place.size);
        }
        array = std::move(packed);
    });
    std::size_t offset = 0;
    for (Place& place : rows_) {
        place.offset = offset;
        place.capacity = roomy(place.size);
        offset += place.capacity;
    }
}

} // namespace rewire::network
