#pragma once
// Synaptic elements (Butz & van Ooyen 2013): the sites from which synapses are made. A neuron has a
// continuous number of axonal elements (boutons) and of dendritic elements (spines) for excitatory and for
// inhibitory input.
//
//     grown     continuous number, changed by a growth rule
//     bound     elements in use: synapses of that kind on that neuron
//     vacant    floor(grown) - bound where positive: whole elements free to pair
//     surplus   bound - floor(grown) where positive: synapses that must go, chosen at random by the caller
//
// Invariant, at every update: bound equals the number of synapses in the store, on both sides.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "quantity/state.hpp"
#include "random/stream.hpp"

namespace rewire::structure {

/// Elements of one kind, an entry per neuron.
struct ElementPool {
    std::vector<double> grown;
    std::vector<std::int32_t> bound;
};

/// `grown` elements on each of `neurons`, all vacant.
inline ElementPool vacant_elements(std::size_t neurons, double grown) {
    return {std::vector<double>(neurons, grown), std::vector<std::int32_t>(neurons, 0)};
}

/// A pool whose elements are all bound, `synapses[i]` on neuron i, with a uniform fraction of the next one
/// grown: without the fraction all neurons would sprout in the same tick. \param first  number of neuron 0 in
/// the random key
inline ElementPool bound_elements(std::span<const std::uint32_t> synapses, std::uint64_t seed, std::uint64_t first) {
    ElementPool pool = vacant_elements(synapses.size(), 0);
    for (std::size_t i = 0; i < synapses.size(); ++i) {
        pool.bound[i] = static_cast<std::int32_t>(synapses[i]);
        pool.grown[i] = synapses[i] + RandomStream(seed, Purpose::element_phase, first + i).uniform();
    }
    return pool;
}

inline std::int32_t whole(const ElementPool& pool, std::size_t i) {
    return static_cast<std::int32_t>(std::floor(pool.grown[i]));
}
inline std::int32_t vacant(const ElementPool& pool, std::size_t i) {
    return std::max(0, whole(pool, i) - pool.bound[i]);
}
inline std::int32_t surplus(const ElementPool& pool, std::size_t i) {
    return std::max(0, pool.bound[i] - whole(pool, i));
}

/// Vacant elements of every neuron.
inline std::vector<std::int32_t> vacancies(const ElementPool& pool) {
    std::vector<std::int32_t> counts(pool.grown.size());
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = vacant(pool, i);
    return counts;
}

/// Growth (negative: retraction) of a neuron's elements; numbers stay 0 or more.
inline void grow(ElementPool& pool, std::size_t i, double amount) {
    pool.grown[i] = std::max(0.0, pool.grown[i] + amount);
}
/// A synapse was formed on an element of neuron i.
inline void bind(ElementPool& pool, std::size_t i) { ++pool.bound[i]; }
/// A synapse was lost because its partner retracted: the element stays and is vacant, unless it is itself
/// surplus.
inline void unbind(ElementPool& pool, std::size_t i) { --pool.bound[i]; }
/// A spine was lost with its synapse: it takes its element with it.
inline void lose(ElementPool& pool, std::size_t i) {
    --pool.bound[i];
    grow(pool, i, -1);
}

/// \param synapses  synapses of that kind on each neuron, counted in the store
/// \throws std::logic_error  naming the first neuron whose bound elements differ from its synapses, or whose
///         element number is negative or not finite
inline void check_invariants(const ElementPool& pool, std::span<const std::uint32_t> synapses) {
    if (pool.grown.size() != synapses.size() || pool.bound.size() != synapses.size())
        throw std::logic_error("synaptic elements and synapse counts of different sizes");
    for (std::size_t i = 0; i < synapses.size(); ++i) {
        if (pool.bound[i] != static_cast<std::int64_t>(synapses[i]))
            throw std::logic_error("neuron " + std::to_string(i) + " has " + std::to_string(pool.bound[i]) +
                                   " bound elements but " + std::to_string(synapses[i]) + " synapses");
        if (!(pool.grown[i] >= 0) || !std::isfinite(pool.grown[i]))
            throw std::logic_error("neuron " + std::to_string(i) + " has " + std::to_string(pool.grown[i]) +
                                   " grown elements");
    }
}

/// `k` of the numbers 0 .. n-1 (k at most n), every subset equally likely, in random order (Fisher & Yates).
inline std::vector<std::uint32_t> choose(std::uint32_t n, std::uint32_t k, RandomStream& stream) {
    std::vector<std::uint32_t> numbers(n);
    std::iota(numbers.begin(), numbers.end(), 0u);
    for (std::uint32_t i = 0; i < k; ++i) std::swap(numbers[i], numbers[i + stream.below(n - i)]);
    numbers.resize(k);
    return numbers;
}

} // namespace rewire::structure

namespace rewire {
template <>
struct StateOf<structure::ElementPool> {
    using S = structure::ElementPool;
    static constexpr auto variables = std::to_array<StateVariable<S>>({
        {"grown", "1", &S::grown, "synaptic elements grown, bound and vacant"},
    });
};
} // namespace rewire
