#pragma once
// Long-term plasticity on the network: the rules of synapse/long_term.hpp applied when a weight is read.
//
// A weight matters only when its spike arrives, so postsynaptic spikes wait until then: the arrival of a presynaptic
// spike walks the source's row once, applies to each synapse the postsynaptic spikes since the last arrival in order of
// time, then the arrival itself, and delivers. That streams the row, needs no list of incoming synapses, and is exact:
// between two arrivals nothing but postsynaptic spikes acts on the weight. A neuron's recent spikes lie in a short
// list; when one is full, all weights of the thread are brought up to date. Traces are evaluated from the time of the
// last spike with a table. What a postsynaptic spike alone determines of its change (the slow trace of the triplet
// rule, the NMDA receptors unblocked then) is kept beside it in the list. A thread keeps the state of its own neurons
// and of its part of the rows: no locks, and since each weight sees the same operations in the same order, bits depend
// neither on threads nor on when lists fill up.

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "network/synapses.hpp"
#include "synapse/long_term.hpp"

namespace rewire::engine {

/// exp(-k dt / tau) for whole steps k, 0 from where it is below 1e-6: what a float trace of order 1 hardly resolves.
class DecayTable {
public:
    DecayTable(double tau_ms, double dt_ms);
    /// For the hot loops: the entries, and the index of the last one, which is 0 and stands for all beyond.
    struct View {
        const float* values;
        std::int64_t last;
        /// \param steps  0 or more
        [[gnu::always_inline]] float operator()(std::int64_t steps) const { return values[std::min(steps, last)]; }
    };
    View view() const { return {values_.data(), static_cast<std::int64_t>(values_.size()) - 1}; }

private:
    std::vector<float> values_;
};

/// Tables of the time constants of a rule's traces; the slow ones are those of the triplet rule, else null.
struct TraceDecays {
    TraceDecays(const synapse::LongTerm& parameters, double dt_ms);
    std::shared_ptr<const DecayTable> pre, post, pre_slow, post_slow;
};

/// Plasticity of one projection as one thread sees it.
class Plasticity {
public:
    /// The store's weights must be relative to the reference weight.
    /// \param decays  all threads read the same
    /// \param first, count  the thread's target neurons
    Plasticity(const synapse::LongTerm& parameters, const TraceDecays& decays, std::size_t rows, std::uint32_t first,
               std::uint32_t count);
    /// From here on changes go with the unblocked share of the target neurons' NMDA receptors, if the rule needs them.
    /// \param unblocked  per neuron of the target population, all threads'; outlives this
    void follow_nmda(const float* unblocked);

    /// A neuron of the thread fires; its spike counts from the instant `step` on (in steps of the ring's clock).
    void post_spike(std::uint32_t neuron, std::int64_t step);
    /// Makes room for more spikes if a list is full; before the arrivals of `step`.
    void make_room(network::SynapseStore& synapses, std::size_t thread, std::int64_t step) {
        if (full_ || step - settled_ > longest_stretch) settle(synapses, thread, step);
    }

    /// A presynaptic spike arrives at `step` over row r: updates the weights of the thread's part of the row, which is
    /// given, and adds them times the amounts to the inputs (second may be null).
    void arrive(std::span<const std::uint32_t> targets, float* weights, std::size_t r, std::int64_t step,
                float first_amount, float* first_input, float second_amount, float* second_input);

    /// Brings all weights of the thread up to date with postsynaptic spikes until `step`.
    void settle(network::SynapseStore& synapses, std::size_t thread, std::int64_t step);
    std::size_t bytes() const {
        return rows_.size() * sizeof(RowState) + post_.size() * (sizeof(PostState) + 4 + 4 * list_size) +
               4 * (strengths_.size() + post_slow_.size());
    }
    /// Forgets all traces (after a leap, which outlasts them).
    void clear_traces();
    /// While held, weights stand still and spikes leave no trace; to be settled before.
    void hold(bool held) { held_ = held; }

private:
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min() / 4;
    static constexpr std::int64_t longest_stretch = std::numeric_limits<std::int32_t>::max() / 2;
    static constexpr std::uint32_t list_size = 32, recent = 7;
    struct RowState {
        std::int64_t last = never; ///< last arrival
        float trace = 0;           ///< x just after it
        float slow = 0;            ///< x2 just after it; triplet
    };
    /// Hardly ever have more spikes come since the last arrival than stand here: then the list is read, which is not in
    /// the cache. Half a cache line.
    struct alignas(32) PostState {
        float trace = 0; ///< y just after the last spike
        /// The last first, relative to settled_; 0 or less: before.
        std::array<std::int32_t, recent> spikes{-1, -1, -1, -1, -1, -1, -1};
    };
    /// What the loops read, as values: members would have to be read again after every weight that is written.
    struct Hot {
        synapse::LongTermConstants constants;
        DecayTable::View pre_decay, post_decay;
        const PostState* post;
        const std::uint32_t* listed;
        const std::int32_t* spikes;
        const float* strengths;
        const float* unblocked;
    };
    Hot hot() const {
        return {constants_,     decays_.pre->view(), decays_.post->view(), post_.data(),
                listed_.data(), spikes_.data(),      strengths_.data(),    unblocked_};
    }

    template <synapse::LongTermKind kind, bool follows_nmda>
    static float caught_up(const Hot& hot, float weight, std::uint32_t neuron, const PostState& post, std::int64_t from,
                           std::int64_t arrived, float trace);
    template <synapse::LongTermKind kind, bool follows_nmda, bool two_receptors>
    void arrive_as(std::span<const std::uint32_t> targets, float* weights, const RowState& row, std::int64_t step,
                   float first_amount, float* first_input, float second_amount, float* second_input) const;
    template <class F>
    void dispatch(F&& f) const;

    synapse::LongTermConstants constants_;
    TraceDecays decays_;
    std::uint32_t first_;
    bool held_ = false;        ///< see hold
    bool full_ = false;        ///< a list has no room left
    std::int64_t settled_ = 0; ///< all weights are up to date with spikes until then
    std::vector<RowState> rows_;
    std::vector<PostState> post_;
    std::vector<std::uint32_t> listed_; ///< spikes since settled_, per neuron
    std::vector<std::int32_t> spikes_;  ///< list_size per neuron, relative to settled_
    /// What the change of each of these spikes is multiplied by, where it has one: A2+ + A3+ y2 (triplet), share left.
    std::vector<float> strengths_;
    std::vector<float> post_slow_;     ///< y2 just after the last spike; triplet
    const float* unblocked_ = nullptr; ///< see follow_nmda
};

} // namespace rewire::engine
