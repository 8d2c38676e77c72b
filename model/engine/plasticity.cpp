#include "engine/plasticity.hpp"

#include <algorithm>
#include <cmath>

namespace rewire::engine {

using synapse::LongTermKind;

namespace {
/// Synapses between the one whose neuron's state is fetched and the one that is updated.
constexpr std::size_t fetched_ahead = 12;
} // namespace

DecayTable::DecayTable(double tau_ms, double dt_ms) {
    const double steps_per_tau = tau_ms / dt_ms;
    const auto size = static_cast<std::size_t>(std::ceil(-std::log(1e-6) * steps_per_tau));
    for (std::size_t k = 0; k < size; ++k)
        values_.push_back(static_cast<float>(std::exp(-static_cast<double>(k) / steps_per_tau)));
    values_.push_back(0);
}

Plasticity::Plasticity(const synapse::LongTerm& parameters, std::shared_ptr<const DecayTable> pre_decay,
                       std::shared_ptr<const DecayTable> post_decay, std::size_t rows, std::uint32_t first,
                       std::uint32_t count)
    : constants_(synapse::long_term_constants(parameters)),
      pre_decay_(std::move(pre_decay)),
      post_decay_(std::move(post_decay)),
      first_(first),
      rows_(rows),
      post_(count),
      listed_(count),
      spikes_(std::size_t{count} * list_size) {}

template <class F>
void Plasticity::dispatch(F&& f) const {
    switch (constants_.kind) {
    case LongTermKind::additive: return f.template operator()<LongTermKind::additive>();
    case LongTermKind::power_law: return f.template operator()<LongTermKind::power_law>();
    case LongTermKind::inhibitory: return f.template operator()<LongTermKind::inhibitory>();
    }
}

void Plasticity::post_spike(std::uint32_t neuron, std::int64_t step) {
    const std::uint32_t i = neuron - first_;
    PostState& post = post_[i];
    const auto now = static_cast<std::int32_t>(step - settled_);
    post.trace = constants_.nearest ? 1 : post.trace * post_decay_->view()(now - post.spikes[0]) + 1;
    std::copy_backward(post.spikes.begin(), post.spikes.end() - 1, post.spikes.end());
    post.spikes[0] = now;
    spikes_[std::size_t{i} * list_size + listed_[i]++] = now;
    full_ = full_ || listed_[i] == list_size;
}

/// The relative weight after the neuron's spikes later than `from`, if any; the presynaptic trace was `trace` at
/// `arrived`. Times are relative to settled_.
template <LongTermKind kind>
[[gnu::always_inline]] inline float Plasticity::caught_up(const Hot& hot, float weight, std::uint32_t i,
                                                          const PostState& post, std::int64_t from,
                                                          std::int64_t arrived, float trace) {
    const auto meet = [&](std::int64_t spike) __attribute__((always_inline)) {
        weight = synapse::after_post_spike<kind>(hot.constants, weight, trace * hot.pre_decay(spike - arrived));
    };
    if (post.spikes[2] > from) { // three or more: one time in fifteen at a few Hz, which a branch suits
        std::size_t later = 3;
        while (later < recent && post.spikes[later] > from) ++later;
        if (later == recent) {
            const std::int32_t* spikes = hot.spikes + std::size_t{i} * list_size;
            const std::uint32_t older = hot.listed[i] - recent;
            std::uint32_t k = older;
            while (k > 0 && spikes[k - 1] > from) --k;
            for (; k < older; ++k) meet(spikes[k]);
        }
        while (later > 2) meet(post.spikes[--later]);
    }
    for (const std::int32_t spike : {post.spikes[1], post.spikes[0]}) {
        const bool since = spike > from;
        if constexpr (kind == LongTermKind::power_law) {
            if (since) meet(spike);
        } else {
            // Often there is none, which no branch predicts: one too old to have a trace changes nothing.
            meet(since ? spike : arrived + hot.pre_decay.last);
        }
    }
    return weight;
}

template <LongTermKind kind, bool two_receptors>
void Plasticity::arrive_as(std::span<const std::uint32_t> targets, float* __restrict weights, const RowState& row,
                           std::int64_t step, float first_amount, float* first_input, float second_amount,
                           float* second_input) const {
    const Hot hot = this->hot();
    const std::int64_t now = step - settled_, arrived = row.last - settled_;
    const float trace = row.trace;
    // Without a trace nothing is caught up with.
    const std::int64_t from = trace > 0 ? std::max<std::int64_t>(arrived, 0) : std::numeric_limits<std::int64_t>::max();
    const std::uint32_t first = first_;
    const std::uint32_t* target = targets.data();
    const std::size_t size = targets.size();
    for (std::size_t s = 0; s < size; ++s) {
        __builtin_prefetch(&hot.post[target[std::min(s + fetched_ahead, size - 1)] - first]);
        const std::uint32_t i = target[s] - first;
        const PostState& post = hot.post[i];
        const std::int32_t last = post.spikes[0];
        float w = weights[s];
        w = caught_up<kind>(hot, w, i, post, from, arrived, trace);
        w = synapse::after_pre_spike<kind>(hot.constants, w, post.trace * hot.post_decay(now - last));
        weights[s] = w;
        first_input[target[s]] += w * first_amount;
        if constexpr (two_receptors) second_input[target[s]] += w * second_amount;
    }
}

void Plasticity::arrive(std::span<const std::uint32_t> targets, float* weights, std::size_t r, std::int64_t step,
                        float first_amount, float* first_input, float second_amount, float* second_input) {
    RowState& row = rows_[r];
    dispatch([&]<LongTermKind kind>() {
        if (second_input == nullptr)
            arrive_as<kind, false>(targets, weights, row, step, first_amount, first_input, 0, nullptr);
        else
            arrive_as<kind, true>(targets, weights, row, step, first_amount, first_input, second_amount, second_input);
    });
    row.trace = constants_.nearest ? 1 : row.trace * pre_decay_->view()(step - row.last) + 1;
    row.last = step;
}

void Plasticity::settle(network::SynapseStore& synapses, std::size_t thread, std::int64_t step) {
    if (step == settled_) return;
    dispatch([&]<LongTermKind kind>() {
        const Hot hot = this->hot();
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            const RowState& row = rows_[r];
            if (row.trace == 0) continue;
            const network::SynapseStore::Row part = synapses.split(r, thread, thread + 1);
            const std::span targets(part.target, part.size);
            float* weights = synapses.weights_of(part);
            const std::int64_t arrived = row.last - settled_, from = std::max<std::int64_t>(arrived, 0);
            for (std::size_t s = 0; s < targets.size(); ++s) {
                const std::uint32_t i = targets[s] - first_;
                const PostState& post = hot.post[i];
                weights[s] = caught_up<kind>(hot, weights[s], i, post, from, arrived, row.trace);
            }
        }
    });
    const std::int64_t moved = step - settled_;
    for (PostState& post : post_)
        for (std::int32_t& spike : post.spikes)
            spike = static_cast<std::int32_t>(
                std::max<std::int64_t>(spike - moved, std::numeric_limits<std::int32_t>::min() / 2));
    std::fill(listed_.begin(), listed_.end(), 0u);
    settled_ = step;
    full_ = false;
}

void Plasticity::clear_traces() {
    for (RowState& row : rows_) row.trace = 0;
    for (PostState& post : post_) post.trace = 0;
}

} // namespace rewire::engine
