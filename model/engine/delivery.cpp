// D: spikes travel over their synapses. What it costs is memory: the rows of a step are known before the first is read,
// so their places and then their lines are fetched ahead, and the sums stay in a cache-resident slot of inputs. Cutting
// targets into tiles that fit the first-level cache, each delivered to by all rows before the next, did not pay: the
// sums of a second-level cache arrive fast enough, the shorter pieces cost more.
#include "engine/fast_network.hpp"

namespace rewire::engine {
namespace {

/// Rows whose first lines are fetched ahead of the one that is being read; the rest of a row is fetched line by line
/// while the row before it is read, because at its start the processor's own prefetch has nothing to go by.
constexpr std::size_t ahead = 8;
constexpr std::uint32_t fetched_ahead = 96;
constexpr std::uint32_t line = 16; ///< targets of a cache line

/// One spike over its synapses: the loop that delivery spends its time in.
inline void deliver_row(const network::SynapseStore::Row& row, const network::SynapseStore::Row& next,
                        float shared_weight, float amount, float* input) {
    const float added = shared_weight * amount;
    std::uint32_t s = 0;
    for (; s + line <= row.size; s += line) {
        __builtin_prefetch(next.target + s);
        if (row.weight == nullptr) {
#pragma GCC unroll 16
            for (std::uint32_t i = s; i < s + line; ++i) input[row.target[i]] += added;
        } else {
            __builtin_prefetch(next.weight + s);
#pragma GCC unroll 16
            for (std::uint32_t i = s; i < s + line; ++i) input[row.target[i]] += row.weight[i] * amount;
        }
    }
    for (; s < row.size; ++s) input[row.target[s]] += row.weight == nullptr ? added : row.weight[s] * amount;
}

/// The same onto two receptors at once.
inline void deliver_row(const network::SynapseStore::Row& row, float shared_weight, float first, float* first_input,
                        float second, float* second_input) {
    for (std::uint32_t s = 0; s < row.size; ++s) {
        const float weight = row.weight == nullptr ? shared_weight : row.weight[s];
        first_input[row.target[s]] += weight * first;
        second_input[row.target[s]] += weight * second;
    }
}

} // namespace

/// Lists the rows of a route that are due at a step, in the order (delay, source), and fetches their places.
void FastNetwork::collect_due(const Route& route, const network::SynapseStore& synapses, std::int64_t fast_step,
                              Ranks ranks) {
    std::vector<Due>& due = scratch_[ranks.first].due;
    due.clear();
    const FastProjection& projection = projections[route.projections.front()];
    const std::vector<network::ReceptorShare>& shares = projection.specification.receptors;
    const auto first_scale = static_cast<float>(shares.front().scale);
    const float second_scale = shares.size() > 1 ? static_cast<float>(shares[1].scale) : 0;
    const FastPopulation& source = populations[route.source];
    const std::vector<std::uint16_t>& delays = synapses.delays_steps();
    for (std::size_t group = 0; group < delays.size(); ++group) {
        const std::int64_t emitted = fast_step - 1 - delays[group];
        if (emitted < 0) continue;
        const auto slot = static_cast<std::size_t>(emitted % slots_);
        for (std::size_t thread = 0; thread < source.history.size(); ++thread) {
            const std::vector<std::uint32_t>& fired = source.history[thread][slot];
            for (std::size_t k = 0; k < fired.size(); ++k) {
                const auto row = static_cast<std::uint32_t>(synapses.row_index(fired[k], group));
                synapses.prefetch_place(row, ranks.first);
                if (!projection.dynamic) {
                    due.push_back({row, first_scale, second_scale});
                } else {
                    const FastProjection::Payload& payload = projection.payload[thread][slot];
                    due.push_back({row, payload.first[k], shares.size() > 1 ? payload.second[k] : 0});
                }
            }
        }
    }
}

void FastNetwork::deliver(std::int64_t fast_step, std::size_t slot, Ranks ranks) {
    Scratch& scratch = scratch_[ranks.first];
    const std::vector<Due>& due = scratch.due;
    std::uint64_t events = 0;
    for (const Route& route : routes_) {
        const bool shared = route.projections.size() > 1;
        FastProjection& projection = projections[route.projections.front()];
        const network::Projection& spec = projection.specification;
        const network::SynapseStore& synapses = shared ? route.shared : projection.synapses;
        const bool plastic = !projection.plasticity.empty();
        if (plastic)
            for (std::size_t t = ranks.first; t < ranks.end; ++t)
                projection.plasticity[t].make_room(projection.synapses, t, fast_step);
        collect_due(route, synapses, fast_step, ranks);
        if (due.empty()) continue;
        for (std::size_t k = 0; k < std::min(ahead, due.size()); ++k)
            synapses.prefetch_row(due[k].row, ranks.first, ranks.end, fetched_ahead);
        // A row is visited once for all ranks: its parts lie side by side.
        std::vector<Part>& parts = scratch.parts;
        parts.clear();
        const std::uint32_t front = due.front().row;
        if (shared)
            parts.push_back({ranks, inputs_.slot(slot), nullptr, synapses.split(front, ranks.first, ranks.end)});
        for (std::size_t t = ranks.first; t < ranks.end && !shared; ++t)
            parts.push_back(
                {{t, t + 1},
                 input_of(slot, t, spec.target, spec.receptors[0].receptor),
                 spec.receptors.size() > 1 ? input_of(slot, t, spec.target, spec.receptors[1].receptor) : nullptr,
                 synapses.split(front, t, t + 1)});
        for (std::size_t k = 0; k < due.size(); ++k) {
            if (k + ahead < due.size())
                synapses.prefetch_row(due[k + ahead].row, ranks.first, ranks.end, fetched_ahead);
            for (Part& part : parts) {
                const network::SynapseStore::Row row = part.next;
                if (k + 1 < due.size()) part.next = synapses.split(due[k + 1].row, part.ranks.first, part.ranks.end);
                events += row.size;
                if (plastic)
                    projection.plasticity[part.ranks.first].arrive(
                        {row.target, row.size}, projection.synapses.weights_of(row), due[k].row, fast_step,
                        due[k].first * projection.weight_scale, part.first, due[k].second * projection.weight_scale,
                        part.second);
                else if (part.second == nullptr)
                    deliver_row(row, part.next, synapses.shared_weight(), due[k].first, part.first);
                else
                    deliver_row(row, synapses.shared_weight(), due[k].first, part.first, due[k].second, part.second);
            }
        }
    }
    scratch.events += events;
}

} // namespace rewire::engine
