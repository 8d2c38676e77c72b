#pragma once
// Counter-based random numbers: Philox4x32-10 of Random123 (Salmon et al. 2011, SC'11, article 16).
// A number is a pure function of (seed, purpose, entity, time, index). The thread never enters the key, so any
// number of threads and any partitioning draw the same values, and no purpose shares another's numbers.

#include <Random123/philox.h>
#include <array>
#include <cmath>
#include <cstdint>

namespace rewire {

/// What a random number is for; part of the key.
enum class Purpose : std::uint32_t {
    position = 1,
    connection = 2,
    weight = 3,
    delay = 4,
    initial_state = 5,
    background = 6,
    stimulus = 7,
    formation = 8,
    elimination = 9,
    element_phase = 10,
    new_synapse = 11,
    age = 12,
    neurogenesis = 13,
    subject = 20,
    patient = 30,
    bootstrap = 31,
};

/// Four independent 32-bit words for one (purpose, entity, time).
/// \param seed     the run's seed
/// \param purpose  what the numbers are for
/// \param entity   neuron, projection or synapse: whatever owns the numbers
/// \param time     step or draw counter
/// \param index    further counter, up to 2^32 - 1
[[gnu::always_inline]] inline std::array<std::uint32_t, 4>
random_words(std::uint64_t seed, Purpose purpose, std::uint64_t entity, std::uint64_t time, std::uint32_t index = 0) {
    // Philox4x32 has a 128-bit counter and a 64-bit key: the seed is the key but for its top bits, which are
    // mixed with the purpose; entities stay under 2^32 and times under 2^48, index and time share the rest.
    const philox4x32_ctr_t counter = {
        {static_cast<std::uint32_t>(time),
         static_cast<std::uint32_t>(time >> 32) ^ (static_cast<std::uint32_t>(entity >> 32) << 16),
         static_cast<std::uint32_t>(entity), index}};
    const philox4x32_key_t key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32) ^
                                                                         (static_cast<std::uint32_t>(purpose) << 24)}};
    const philox4x32_ctr_t words = philox4x32(counter, key);
    return {words[0], words[1], words[2], words[3]};
}

/// Uniform in (0, 1), 52 bits: with 53 the half added below would round the last value to 1.
inline double to_uniform(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 20) ^ (low >> 12);
    return (static_cast<double>(bits) + 0.5) * 0x1.0p-52;
}

/// A sequence of numbers of one (seed, purpose, entity, time): a UniformRandomBitGenerator with 2^34 words.
class RandomStream {
public:
    using result_type = std::uint32_t;
    RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t entity, std::uint64_t time = 0)
        : seed_(seed),
          purpose_(purpose),
          entity_(entity),
          time_(time) {}

    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return 0xffffffffu; }

    result_type operator()() {
        if (used_ == 4) {
            words_ = random_words(seed_, purpose_, entity_, time_, index_++);
            used_ = 0;
        }
        return words_[used_++];
    }
    /// Uniform in (0, 1).
    double uniform() {
        const std::uint32_t high = (*this)();
        return to_uniform(high, (*this)());
    }
    /// Uniform integer in [0, n), n > 0 and below 2^32, by Lemire's multiplication with rejection (no bias).
    std::uint32_t below(std::uint32_t n) {
        std::uint64_t product = static_cast<std::uint64_t>((*this)()) * n;
        if (static_cast<std::uint32_t>(product) < n) {
            const std::uint32_t threshold = static_cast<std::uint32_t>(-n) % n;
            while (static_cast<std::uint32_t>(product) < threshold) product = static_cast<std::uint64_t>((*this)()) * n;
        }
        return static_cast<std::uint32_t>(product >> 32);
    }
    /// Standard normal (Box & Muller 1958); the second value of a pair is not kept, so that the count of words
    /// per call is fixed.
    double normal() {
        const double radius = std::sqrt(-2.0 * std::log(uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }

private:
    std::uint64_t seed_;
    Purpose purpose_;
    std::uint64_t entity_;
    std::uint64_t time_;
    std::uint32_t index_ = 0;
    std::uint32_t used_ = 4;
    std::array<std::uint32_t, 4> words_{};
};

} // namespace rewire
