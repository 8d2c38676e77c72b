#pragma once
// The synapse store: all synapses of one projection.
//
// A row holds the synapses of one source with one delay; row = source * delay groups + group, so that the
// rows of a source follow each other in order of delay. Within a row synapses stand in order of target
// (synapses of the same pair in order of formation). The rows lie in one pool, one array per field:
//
//     target 4 bytes | weight 4 bytes, if synapses have their own | formed_h 4 and nascent 1, if they age
//
// A row has slack behind it only once it has changed. A row that outgrows its place moves to the end of the
// pool; when the pool is more than twice as long as its rows need, it is packed again, so a change costs
// about one pass over the rows that it touches. With target partitions (one per thread), each row knows where
// its part for each partition begins: a thread finds its synapses without a search. Contents never depend on
// the partitions.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "quantity/aligned.hpp"

namespace rewire::network {

/// What a store can hold.
struct SynapseLayout {
    std::uint32_t sources = 0;
    std::uint32_t targets = 0;
    std::vector<std::uint16_t> delays_steps = {}; ///< delays of later additions, beside those of the first list
    float shared_weight = 0;                      ///< weight of all synapses, or the first weight of those that own one
    bool own_weights = false;                     ///< every synapse has its own weight
    bool ageing = false; ///< every synapse knows its time of formation and whether it is nascent
};

/// One synapse, to add or as visited.
struct Synapse {
    std::uint32_t source = 0;
    std::uint16_t delay_steps = 1;
    std::uint32_t target = 0;
    float weight = 0;     ///< not read by stores with a shared weight
    float formed_h = 0;   ///< time of formation, may be negative; not read by stores that do not age
    bool nascent = false; ///< not read by stores that do not age
};

/// Where a synapse stands. Valid until the next change of its row.
struct SynapseIndex {
    std::uint32_t row = 0;
    std::uint32_t position = 0;
    friend auto operator<=>(const SynapseIndex&, const SynapseIndex&) = default;
};

class SynapseStore {
public:
    /// A row, or a thread's part of it.
    struct Row {
        const std::uint32_t* target;
        const float* weight; ///< nullptr: all synapses have shared_weight()
        std::uint32_t size;
    };

    explicit SynapseStore(SynapseLayout layout = {}) : SynapseStore(std::move(layout), {}, {}, {}, {}) {}
    /// Builds the store from unsorted synapses: counting sort into rows, then each row by target.
    /// \param weight  empty: all start with layout.shared_weight; else one per synapse, and
    /// layout.own_weights is set \throws std::invalid_argument  lists of different lengths, source or target
    /// out of range, weights given to a
    ///         store that shares one, 2^32 rows or more
    SynapseStore(SynapseLayout layout, std::span<const std::uint32_t> source,
                 std::span<const std::uint16_t> delay_steps, std::span<const std::uint32_t> target,
                 std::span<const float> weight = {});

    /// Divides the targets: partition t holds targets boundaries[t] <= target < boundaries[t + 1].
    /// \throws std::invalid_argument  unless boundaries ascend from 0 to the number of targets
    void set_partitions(std::vector<std::uint32_t> boundaries);

    /// Adds synapses, in any order; nothing changes if one is refused.
    /// \throws std::invalid_argument  source or target out of range, or a delay that is not in delays_steps()
    void add(std::span<const Synapse> synapses);
    /// Removes synapses, in any order; nothing changes if one is refused.
    /// \throws std::invalid_argument  no such synapse, or one named twice
    void remove(std::span<const SynapseIndex> synapses);

    std::uint32_t sources() const { return layout_.sources; }
    std::uint32_t targets() const { return layout_.targets; }
    const std::vector<std::uint16_t>& delays_steps() const { return layout_.delays_steps; } ///< ascending, distinct
    float shared_weight() const { return layout_.shared_weight; }
    std::size_t rows() const { return rows_.size(); }
    std::size_t row_index(std::uint32_t source, std::size_t delay_group) const {
        return source * layout_.delays_steps.size() + delay_group;
    }
    std::uint32_t source_of(std::size_t row) const {
        return static_cast<std::uint32_t>(row / layout_.delays_steps.size());
    }

    Row row(std::size_t r) const { return view(rows_[r].offset, rows_[r].size); }
    /// The synapses of row r whose targets lie in partition t.
    Row split(std::size_t r, std::size_t t) const {
        const std::uint32_t* bounds = &splits_[r * boundaries_.size() + t];
        return view(rows_[r].offset + bounds[0], bounds[1] - bounds[0]);
    }
    /// Fetches what split(r, t) reads.
    void prefetch_place(std::size_t r, std::size_t t) const {
        __builtin_prefetch(&rows_[r]);
        __builtin_prefetch(&splits_[r * boundaries_.size() + t]);
    }
    /// Fetches the first synapses of split(r, t); the rest of a row follows as a stream.
    void prefetch_row(std::size_t r, std::size_t t) const {
        const Row row = split(r, t);
        __builtin_prefetch(row.target);
        __builtin_prefetch(row.target + 16);
        if (row.weight == nullptr) return;
        __builtin_prefetch(row.weight);
        __builtin_prefetch(row.weight + 16);
    }
    /// Targets and weights of split(r, t) of a store whose synapses have their own.
    std::pair<std::span<const std::uint32_t>, float*> split_to_change(std::size_t r, std::size_t t) {
        const Row row = split(r, t);
        return {{row.target, row.size}, weight_.data() + (row.target - target_.data())};
    }
    std::span<float> weights(std::size_t r) { return field(weight_, r); }         ///< empty if shared
    std::span<float> formed_h(std::size_t r) { return field(formed_h_, r); }      ///< empty unless ageing
    std::span<std::uint8_t> nascent(std::size_t r) { return field(nascent_, r); } ///< empty unless ageing

    std::size_t count() const { return count_; }
    double mean_weight() const;                         ///< of all synapses, of which there is at least one
    std::size_t bytes() const;                          ///< memory of all arrays, slack included
    std::vector<std::uint32_t> incoming_counts() const; ///< synapses per target
    std::vector<std::uint32_t> outgoing_counts() const; ///< synapses per source

    /// Calls f(SynapseIndex, Synapse) for every synapse, by source, delay, target.
    template <class F>
    void for_each(F&& f) const {
        for (std::size_t r = 0; r < rows_.size(); ++r)
            for (std::uint32_t i = 0; i < rows_[r].size; ++i)
                f(SynapseIndex{static_cast<std::uint32_t>(r), i}, at(r, i));
    }

private:
    struct Place {
        std::size_t offset = 0;
        std::uint32_t size = 0;
        std::uint32_t capacity = 0;
    };
    struct Pending; ///< a synapse on its way into a row

    Row view(std::size_t offset, std::uint32_t size) const {
        return {target_.data() + offset, layout_.own_weights ? weight_.data() + offset : nullptr, size};
    }
    template <class A>
    std::span<typename A::value_type> field(A& array, std::size_t r) const {
        return std::span(array.data() + rows_[r].offset, array.empty() ? 0 : rows_[r].size);
    }
    template <class F>
    void each_field(F&& f) {
        f(target_);
        if (layout_.own_weights) f(weight_);
        if (layout_.ageing) {
            f(formed_h_);
            f(nascent_);
        }
    }
    Synapse at(std::size_t r, std::uint32_t i) const;
    std::size_t row_of(const Synapse& synapse) const;
    void write(std::size_t slot, const Synapse& synapse);
    void sort_row(const Place& place);
    void relocate(Place& place, std::uint32_t size);
    void merge(std::size_t r, std::span<const Pending> pending, std::span<const Synapse> synapses);
    void set_size(std::size_t r, std::uint32_t size);
    void update_splits(std::size_t r);
    void pack_if_wasteful();

    SynapseLayout layout_;
    std::vector<Place> rows_;
    aligned_vector<std::uint32_t> target_;
    aligned_vector<float> weight_;
    std::vector<float> formed_h_;
    std::vector<std::uint8_t> nascent_;
    std::vector<std::uint32_t> boundaries_;
    std::vector<std::uint32_t> splits_; ///< boundaries_.size() entries per row
    std::size_t count_ = 0;
    std::size_t needed_ = 0; ///< slots of a packed pool with slack
};

} // namespace rewire::network
