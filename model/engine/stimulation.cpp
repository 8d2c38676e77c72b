// R: background and stimuli. Poisson counts come from counter-based words, one word a neuron and step.
#include <algorithm>
#include <cmath>

#include "engine/fast_network.hpp"
#include "engine/neuron_blocks.hpp"
#include "random/stream.hpp"

namespace rewire::engine {
namespace {

/// Cumulative Poisson probabilities as 32-bit thresholds.
std::vector<std::uint32_t> poisson_thresholds(double mean) {
    std::vector<std::uint32_t> thresholds;
    double probability = std::exp(-mean), cumulative = probability;
    for (int k = 0; k < 10000; ++k) {
        const double scaled = std::ceil(cumulative * 0x1.0p32);
        if (scaled >= 0x1.0p32) break;
        thresholds.push_back(static_cast<std::uint32_t>(scaled));
        probability *= mean / (k + 1);
        cumulative += probability;
    }
    return thresholds;
}

/// Random words of four steps for neurons [first, first + count), word k of each into words + k * stride.
REWIRE_CLONES void draw_words(std::uint64_t seed, Purpose purpose, std::uint64_t entity, std::uint64_t time,
                              std::uint32_t first, std::size_t count, std::size_t stride,
                              std::uint32_t* __restrict words) {
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) {
        const auto drawn = random_words(seed, purpose, (entity << 32) | (first + static_cast<std::uint32_t>(i)), time);
        words[i] = drawn[0];
        words[stride + i] = drawn[1];
        words[2 * stride + i] = drawn[2];
        words[3 * stride + i] = drawn[3];
    }
}

/// Turns words into Poisson counts and adds weight x count to the input.
REWIRE_CLONES void add_poisson(const std::uint32_t* __restrict words, std::size_t count,
                               const std::uint32_t* thresholds, std::size_t levels, float weight,
                               float* __restrict input) {
    for (std::size_t from = 0; from < count; from += block_size) {
        const std::size_t n = std::min(block_size, count - from);
        std::int32_t hits[block_size] = {};
        for (std::size_t k = 0; k < levels; ++k) {
            const std::uint32_t threshold = thresholds[k];
            for (std::size_t i = 0; i < n; ++i) hits[i] += words[from + i] >= threshold;
        }
        for (std::size_t i = 0; i < n; ++i) input[from + i] += weight * static_cast<float>(hits[i]);
    }
}

} // namespace

void FastNetwork::build_poisson_inputs() {
    const auto add = [&](std::size_t population, std::size_t receptor, std::int64_t first, std::int64_t count,
                         double from_s, double to_s, double rate_Hz, double weight, Purpose purpose,
                         std::uint64_t entity) {
        const double steps_per_s = 1000 / options_.dt_ms;
        const auto to_step = [&](double s) {
            return static_cast<std::int64_t>(std::llround(std::clamp(s, -1e11, 1e11) * steps_per_s));
        };
        PoissonInput input{population,
                           receptor,
                           static_cast<std::uint32_t>(first),
                           static_cast<std::uint32_t>(count),
                           to_step(from_s),
                           to_step(to_s),
                           static_cast<float>(weight),
                           purpose,
                           entity,
                           poisson_thresholds(rate_Hz * options_.dt_ms * 1e-3),
                           {}};
        input.words.assign(static_cast<std::size_t>(count) * 4, 0);
        poisson_.push_back(std::move(input));
    };
    for (std::size_t p = 0; p < populations.size(); ++p)
        if (const auto& b = populations[p].specification.background)
            add(p, b->receptor, 0, populations[p].specification.size, -1e11, 1e11,
                static_cast<double>(b->sources) * b->rate_Hz, b->weight, Purpose::background, p);
    for (std::size_t k = 0; k < stimuli_.size(); ++k)
        if (const Stimulus& s = stimuli_[k]; s.kind == "poisson")
            add(s.population, s.receptor, s.first, s.count, s.from_s, s.to_s, s.rate_Hz, s.weight, Purpose::stimulus,
                k);
}

void FastNetwork::stimulate(const Batch& batch, int rank) {
    const auto thread = static_cast<std::size_t>(rank);
    for (PoissonInput& input : poisson_) {
        const FastPopulation& population = populations[input.population];
        const std::uint32_t begin = population.cuts[thread], end = population.cuts[thread + 1];
        const std::uint32_t low = std::max(begin, input.first), high = std::min(end, input.first + input.count);
        if (low >= high) continue;
        for (std::int64_t k = 0; k < batch.count; ++k) {
            const std::int64_t step = batch.step + k;
            if (step < input.from_step || step >= input.to_step) continue;
            const std::int64_t quarter = step & 3;
            // A word serves each of four steps; time is offset so that steps before zero have counters of their own.
            if ((batch.first && k == 0) || quarter == 0 || step == input.from_step)
                draw_words(options_.seed, input.purpose, input.entity,
                           static_cast<std::uint64_t>((step >> 2) + (std::int64_t{1} << 44)), low, high - low,
                           input.count, input.words.data() + (low - input.first));
            const std::uint32_t* words =
                input.words.data() + static_cast<std::size_t>(quarter) * input.count + (low - input.first);
            add_poisson(words, high - low, input.thresholds.data(), input.thresholds.size(), input.weight,
                        input_of(static_cast<std::size_t>(k), thread, input.population, input.receptor) + low);
        }
    }
    for (const Stimulus& s : stimuli_) {
        if (s.kind != "spikes") continue;
        const FastPopulation& population = populations[s.population];
        const std::uint32_t begin = population.cuts[thread], end = population.cuts[thread + 1];
        const double dt_s = options_.dt_ms * 1e-3;
        const auto step_of = [&](double t) { return static_cast<std::int64_t>(std::llround(t / dt_s)); };
        auto it = std::lower_bound(s.times_s.begin(), s.times_s.end(), batch.step,
                                   [&](double t, std::int64_t k) { return step_of(t) < k; });
        for (; it != s.times_s.end() && step_of(*it) < batch.step + batch.count; ++it) {
            const std::uint32_t i = s.neurons[static_cast<std::size_t>(it - s.times_s.begin())];
            const auto slot = static_cast<std::size_t>(step_of(*it) - batch.step);
            if (i >= begin && i < end)
                input_of(slot, thread, s.population, s.receptor)[i] += static_cast<float>(s.weight);
        }
    }
}

/// Sets the currents of neurons [first, first + count) to those of a step.
void FastNetwork::inject(FastPopulation& population, std::size_t p, std::int64_t step, std::size_t first,
                         std::size_t count) {
    const double dt_s = options_.dt_ms * 1e-3;
    const auto at = [&](std::size_t i) { return population.current_pA.begin() + static_cast<std::ptrdiff_t>(i); };
    std::fill(at(first), at(first + count), static_cast<float>(population.specification.current_pA));
    const double t = (static_cast<double>(step) + 0.5) * dt_s; // middle of the step: second order for ramps
    for (const Stimulus& s : stimuli_) {
        if (s.population != p || !s.kind.starts_with("current") || t < s.from_s || t >= s.to_s) continue;
        const double share = (t - s.from_s) / (s.to_s - s.from_s);
        const auto current = static_cast<float>(
            s.kind == "current_ramp" ? s.amplitude_pA + share * (s.end_amplitude_pA - s.amplitude_pA) : s.amplitude_pA);
        const auto low = std::max<std::int64_t>(static_cast<std::int64_t>(first), s.first);
        const auto high = std::min<std::int64_t>(static_cast<std::int64_t>(first + count), s.first + s.count);
        for (std::int64_t i = low; i < high; ++i) population.current_pA[static_cast<std::size_t>(i)] += current;
    }
}

} // namespace rewire::engine
