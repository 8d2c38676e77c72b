#pragma once
// The synapse store: all synapses of one projection.
//
// A row holds the synapses of one source with one delay; row = source * delay groups + group, so that the
// rows of a source follow each other in order of delay. Within a row synapses stand in order of target
// (synapses of the same pair in order of formation). The rows lie in one pool, one array per field:
//
//     target 4 bytes | weight 4 bytes, if synapses have their own | formed_h 4 and nascent 1, if they age
//
// A source's rows lie side by side in a segment of the pool, with slack behind it only once it has changed. A segment
// that is outgrown moves to the end of the pool; when the pool is more than twice as long as its segments need, it is
// packed again, so a change costs about one pass over the sources that it touches. A row is known by its end within
// the segment: 4 bytes a row, which counts where delays are many and rows short. With target partitions (one per
// thread) a store of long rows knows where each row's part for a partition begins, so that a thread finds its
// synapses without a search; short rows are searched. Contents never depend on the partitions.

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "network/executor.hpp"
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

/// All synapses of a store in its order: by source, delay, target.
struct SynapseRows {
    std::vector<std::size_t> offset;            ///< first synapse of each source, and the total
    std::vector<std::uint32_t> row_end;         ///< [source][delay]: end of the row, counted from the source's first
    uninitialised_vector<std::uint32_t> target; ///< ascending within a row
    uninitialised_vector<float> weight;         ///< empty where all share one
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
    /// \param weight  empty: all start with layout.shared_weight; else one per synapse, and layout.own_weights is set
    /// \throws std::invalid_argument  lists of different lengths, source or target out of range, weights given to a
    ///         store that shares one, 2^32 rows or more
    SynapseStore(SynapseLayout layout, std::span<const std::uint32_t> source,
                 std::span<const std::uint16_t> delay_steps, std::span<const std::uint32_t> target,
                 std::span<const float> weight = {});
    /// Takes over synapses that stand in order already; layout.delays_steps are the delays of the rows, ascending.
    /// Synapses that age start old (formed at 0 h, not nascent).
    /// \throws std::invalid_argument  arrays whose lengths do not fit the layout
    SynapseStore(SynapseLayout layout, SynapseRows rows);

    /// Divides the targets: partition t holds targets boundaries[t] <= target < boundaries[t + 1].
    /// \throws std::invalid_argument  unless boundaries ascend from 0 to the number of targets
    void set_partitions(std::vector<std::uint32_t> boundaries, const Executor& executor = {});

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
    bool has_own_weights() const { return layout_.own_weights; }
    const std::vector<std::uint32_t>& boundaries() const { return boundaries_; } ///< of the partitions
    std::size_t rows() const { return row_end_.size(); }
    std::size_t row_index(std::uint32_t source, std::size_t delay_group) const {
        return source * layout_.delays_steps.size() + delay_group;
    }
    std::uint32_t source_of(std::size_t row) const {
        return groups_ == 1 ? static_cast<std::uint32_t>(row) : static_cast<std::uint32_t>(row) / groups_;
    }

    Row row(std::size_t r) const { return row_of(source_of(r), r); }
    /// The same, for callers who know source and delay: spares a division.
    Row row(std::uint32_t source, std::size_t delay_group) const {
        return row_of(source, row_index(source, delay_group));
    }
    /// The synapses of row r whose targets lie in partitions [first, end).
    Row split(std::size_t r, std::size_t first, std::size_t end) const { return part(row(r), r, first, end); }
    /// The synapses of row r whose targets lie in partition t.
    Row split(std::size_t r, std::size_t t) const { return split(r, t, t + 1); }
    /// Fetches what split(r, t) reads.
    void prefetch_place(std::size_t r, std::size_t t) const {
        __builtin_prefetch(&segments_[source_of(r)]);
        __builtin_prefetch(&row_end_[r]);
        if (!splits_.empty()) __builtin_prefetch(&splits_[r * (boundaries_.size() - 2) + t]);
    }
    /// Fetches the first synapses of split(r, first, end), up to `most`; the rest of a long row follows as a stream.
    void prefetch_row(std::size_t r, std::size_t first, std::size_t end, std::uint32_t most) const {
        const Row row = split(r, first, end);
        constexpr std::uint32_t line = 16; // entries of a cache line
        for (std::uint32_t s = 0; s < std::min(row.size, most); s += line) {
            __builtin_prefetch(row.target + s);
            if (row.weight != nullptr) __builtin_prefetch(row.weight + s);
        }
    }
    /// The weights of a row, or a part of one, of a store whose synapses have their own.
    float* weights_of(const Row& row) { return weight_.data() + (row.target - target_.data()); }
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
        for (std::size_t r = 0; r < rows(); ++r)
            for (std::uint32_t i = 0, size = row(r).size; i < size; ++i)
                f(SynapseIndex{static_cast<std::uint32_t>(r), i}, at(r, i));
    }

private:
    /// Where the rows of a source lie.
    struct Segment {
        std::size_t offset = 0;
        std::uint32_t capacity = 0;
    };
    struct Pending; ///< a synapse on its way into a row

    std::uint32_t begin_of(std::uint32_t source, std::size_t r) const {
        return r == std::size_t{source} * groups_ ? 0 : row_end_[r - 1];
    }
    std::uint32_t size_of(std::uint32_t source) const { ///< of all rows of a source
        return groups_ == 0 ? 0 : row_end_[std::size_t{source} * groups_ + groups_ - 1];
    }
    Row row_of(std::uint32_t source, std::size_t r) const {
        const std::uint32_t begin = begin_of(source, r);
        const std::size_t slot = segments_[source].offset + begin;
        return {target_.data() + slot, layout_.own_weights ? weight_.data() + slot : nullptr, row_end_[r] - begin};
    }
    Row part(const Row& whole, std::size_t r, std::size_t first, std::size_t last) const {
        const std::uint32_t begin = first == 0 ? 0 : cut(whole, r, first);
        const std::uint32_t end = last + 1 == boundaries_.size() ? whole.size : cut(whole, r, last);
        return {whole.target + begin, whole.weight == nullptr ? nullptr : whole.weight + begin, end - begin};
    }
    /// Position in the row where partition t > 0 begins.
    std::uint32_t cut(const Row& whole, std::size_t r, std::size_t t) const {
        if (!splits_.empty()) return splits_[r * (boundaries_.size() - 2) + t - 1];
        return static_cast<std::uint32_t>(std::lower_bound(whole.target, whole.target + whole.size, boundaries_[t]) -
                                          whole.target);
    }
    template <class A>
    std::span<typename A::value_type> field(A& array, std::size_t r) const {
        const std::uint32_t source = source_of(r), begin = begin_of(source, r);
        if (array.empty()) return {};
        return std::span(array.data() + segments_[source].offset + begin, row_end_[r] - begin);
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
    void set_groups();
    void sort_row(std::size_t r);
    void relocate(std::uint32_t source, std::uint32_t size);
    void merge(std::uint32_t source, std::span<const Pending> pending, std::span<const Synapse> synapses);
    void change_size(std::uint32_t before, std::uint32_t after);
    void update_splits(std::uint32_t source);
    void pack_if_wasteful();

    SynapseLayout layout_;
    std::uint32_t groups_ = 0; ///< delays
    std::vector<Segment> segments_;
    std::vector<std::uint32_t> row_end_; ///< within the segment of the row's source
    uninitialised_vector<std::uint32_t> target_;
    uninitialised_vector<float> weight_;
    std::vector<float> formed_h_;
    std::vector<std::uint8_t> nascent_;
    std::vector<std::uint32_t> boundaries_;
    std::vector<std::uint32_t> splits_; ///< row positions of the inner boundaries, or empty: they are searched for
    std::size_t count_ = 0;
    std::size_t needed_ = 0; ///< slots of a packed pool with slack
};

} // namespace rewire::network
