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

TraceDecays::TraceDecays(const synapse::LongTerm& parameters, double dt_ms)
    : pre(std::make_shared<const DecayTable>(parameters.tau_pre_ms, dt_ms)),
      post(parameters.tau_post_ms == parameters.tau_pre_ms
               ? pre // one table in the cache instead of two
               : std::make_shared<const DecayTable>(parameters.tau_post_ms, dt_ms)) {
    if (parameters.rule != "triplet") return;
    pre_slow = std::make_shared<const DecayTable>(parameters.tau_pre_slow_ms, dt_ms);
    post_slow = std::make_shared<const DecayTable>(parameters.tau_post_slow_ms, dt_ms);
}

Plasticity::Plasticity(const synapse::LongTerm& parameters, const TraceDecays& decays, std::size_t rows,
                       std::uint32_t first, std::uint32_t count)
    : constants_(synapse::long_term_constants(parameters)),
      decays_(decays),
      first_(first),
      rows_(rows),
      post_(count),
      listed_(count),
      spikes_(std::size_t{count} * list_size) {
    if (constants_.kind != LongTermKind::triplet) return;
    strengths_.resize(spikes_.size());
    post_slow_.resize(count);
}

void Plasticity::follow_nmda(const float* unblocked) {
    if (constants_.nmda_dependence == 0 && constants_.nmda_dependence_of_depression == 0) return;
    unblocked_ = unblocked;
    // Spikes before had all their receptors; the triplet rule's strengths are there already.
    if (strengths_.empty()) strengths_.assign(spikes_.size(), 1);
}

template <class F>
void Plasticity::dispatch(F&& f) const {
    const auto with = [&]<LongTermKind kind>() {
        return unblocked_ ? f.template operator()<kind, true>() : f.template operator()<kind, false>();
    };
    switch (constants_.kind) {
    case LongTermKind::additive: return with.template operator()<LongTermKind::additive>();
    case LongTermKind::power_law: return with.template operator()<LongTermKind::power_law>();
    case LongTermKind::triplet: return with.template operator()<LongTermKind::triplet>();
    case LongTermKind::inhibitory: return with.template operator()<LongTermKind::inhibitory>();
    }
}

void Plasticity::post_spike(std::uint32_t neuron, std::int64_t step) {
    if (held_) return;
    const std::uint32_t i = neuron - first_;
    PostState& post = post_[i];
    const auto now = static_cast<std::int32_t>(step - settled_);
    const std::size_t place = std::size_t{i} * list_size + listed_[i]++;
    if (!strengths_.empty()) {
        float strength = 1;
        if (constants_.kind == LongTermKind::triplet) {
            const float slow = post_slow_[i] * decays_.post_slow->view()(now - post.spikes[0]);
            strength = constants_.pair_potentiation + constants_.triplet_potentiation * slow;
            post_slow_[i] = constants_.nearest ? 1 : slow + 1;
        }
        if (unblocked_) strength *= synapse::share_left(constants_.nmda_dependence, unblocked_[neuron]);
        strengths_[place] = strength;
    }
    post.trace = constants_.nearest ? 1 : post.trace * decays_.post->view()(now - post.spikes[0]) + 1;
    std::copy_backward(post.spikes.begin(), post.spikes.end() - 1, post.spikes.end());
    post.spikes[0] = now;
    spikes_[place] = now;
    full_ = full_ || listed_[i] == list_size;
}

/// The relative weight after the neuron's spikes later than `from`, if any; the presynaptic trace was `trace` at
/// `arrived`. Times are relative to settled_.
template <LongTermKind kind, bool follows_nmda>
[[gnu::always_inline]] inline float Plasticity::caught_up(const Hot& hot, float weight, std::uint32_t i,
                                                          const PostState& post, std::int64_t from,
                                                          std::int64_t arrived, float trace) {
    constexpr bool has_strength = follows_nmda || kind == LongTermKind::triplet;
    const std::size_t list = std::size_t{i} * list_size;
    // `back` spikes before the last: later than `from`, it is in the list.
    const auto meet = [&](std::int64_t spike, std::size_t back) __attribute__((always_inline)) {
        float x = trace * hot.pre_decay(spike - arrived);
        if constexpr (has_strength) x *= hot.strengths[list + hot.listed[i] - 1 - back];
        weight = synapse::after_post_spike<kind>(hot.constants, weight, x);
    };
    if (post.spikes[2] > from) { // three or more: one time in fifteen at a few Hz, which a branch suits
        std::size_t later = 3;
        while (later < recent && post.spikes[later] > from) ++later;
        if (later == recent) {
            const std::int32_t* spikes = hot.spikes + list;
            const std::uint32_t listed = hot.listed[i], older = listed - recent;
            std::uint32_t k = older;
            while (k > 0 && spikes[k - 1] > from) --k;
            for (; k < older; ++k) meet(spikes[k], listed - 1 - k);
        }
        for (; later > 2; --later) meet(post.spikes[later - 1], later - 1);
    }
    const auto meet_if_since = [&](std::size_t back) __attribute__((always_inline)) {
        const std::int32_t spike = post.spikes[back];
        const bool since = spike > from;
        if constexpr (kind == LongTermKind::power_law || has_strength) {
            if (since) meet(spike, back);
        } else {
            // Often there is none, which no branch predicts: one too old to have a trace changes nothing.
            meet(since ? spike : arrived + hot.pre_decay.last, back);
        }
    };
    meet_if_since(1);
    meet_if_since(0);
    return weight;
}

template <LongTermKind kind, bool follows_nmda, bool two_receptors>
void Plasticity::arrive_as(std::span<const std::uint32_t> targets, float* __restrict weights, const RowState& row,
                           std::int64_t step, float first_amount, float* first_input, float second_amount,
                           float* second_input) const {
    const Hot hot = this->hot();
    const std::int64_t now = step - settled_, arrived = row.last - settled_;
    const float trace = row.trace;
    float depression = hot.constants.depression;
    if constexpr (kind == LongTermKind::triplet)
        depression += hot.constants.triplet_depression * row.slow * decays_.pre_slow->view()(step - row.last);
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
        w = caught_up<kind, follows_nmda>(hot, w, i, post, from, arrived, trace);
        const float left =
            follows_nmda ? synapse::share_left(hot.constants.nmda_dependence_of_depression, hot.unblocked[target[s]])
                         : 1.0f;
        w = synapse::after_pre_spike<kind>(hot.constants, w, post.trace * hot.post_decay(now - last), depression, left);
        weights[s] = w;
        first_input[target[s]] += w * first_amount;
        if constexpr (two_receptors) second_input[target[s]] += w * second_amount;
    }
}

void Plasticity::arrive(std::span<const std::uint32_t> targets, float* weights, std::size_t r, std::int64_t step,
                        float first_amount, float* first_input, float second_amount, float* second_input) {
    if (held_) {
        for (std::size_t s = 0; s < targets.size(); ++s) {
            first_input[targets[s]] += weights[s] * first_amount;
            if (second_input != nullptr) second_input[targets[s]] += weights[s] * second_amount;
        }
        return;
    }
    RowState& row = rows_[r];
    dispatch([&]<LongTermKind kind, bool nmda>() {
        if (second_input == nullptr)
            arrive_as<kind, nmda, false>(targets, weights, row, step, first_amount, first_input, 0, nullptr);
        else
            arrive_as<kind, nmda, true>(targets, weights, row, step, first_amount, first_input, second_amount,
                                        second_input);
    });
    row.trace = constants_.nearest ? 1 : row.trace * decays_.pre->view()(step - row.last) + 1;
    if (decays_.pre_slow) row.slow = constants_.nearest ? 1 : row.slow * decays_.pre_slow->view()(step - row.last) + 1;
    row.last = step;
}

void Plasticity::settle(network::SynapseStore& synapses, std::size_t thread, std::int64_t step) {
    if (step == settled_) return;
    dispatch([&]<LongTermKind kind, bool follows_nmda>() {
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
                weights[s] = caught_up<kind, follows_nmda>(hot, weights[s], i, post, from, arrived, row.trace);
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
    for (RowState& row : rows_) row.trace = row.slow = 0;
    for (PostState& post : post_) post.trace = 0;
    std::fill(post_slow_.begin(), post_slow_.end(), 0.0f);
}

} // namespace rewire::engine
