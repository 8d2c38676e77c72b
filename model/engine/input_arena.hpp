#pragma once
// What spikes, background and stimuli add to the receptors of each neuron in a step, in one piece of memory: slots for
// the steps of a batch; within a slot thread by thread, so that a thread's part is contiguous; within a thread by
// population and receptor. An index into a slot names a receptor of a neuron.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "quantity/aligned.hpp"

namespace rewire::engine {

class InputArena {
public:
    struct Segment {
        std::size_t offset = 0;
        std::uint32_t population = 0, receptor = 0;
        std::uint32_t first = 0, count = 0; ///< neurons
    };

    InputArena() = default;
    /// \param cuts       per population: thread t owns neurons [cuts[t], cuts[t + 1])
    /// \param receptors  per population: their number
    InputArena(const std::vector<std::vector<std::uint32_t>>& cuts, const std::vector<std::size_t>& receptors) {
        const std::size_t populations = cuts.size();
        threads_ = cuts.empty() ? 0 : cuts.front().size() - 1;
        first_segment_.resize(threads_ * populations);
        populations_ = populations;
        for (std::size_t t = 0; t < threads_; ++t) {
            boundaries_.push_back(static_cast<std::uint32_t>(size_));
            for (std::size_t p = 0; p < populations; ++p) {
                first_segment_[t * populations + p] = segments_.size();
                for (std::size_t r = 0; r < receptors[p]; ++r) {
                    const std::uint32_t count = cuts[p][t + 1] - cuts[p][t];
                    segments_.push_back(
                        {size_, static_cast<std::uint32_t>(p), static_cast<std::uint32_t>(r), cuts[p][t], count});
                    size_ += (count + line - 1) / line * line;
                }
            }
        }
        boundaries_.push_back(static_cast<std::uint32_t>(size_));
    }

    /// Memory for so many steps; all inputs become zero.
    void allocate(std::size_t slots) { values_.assign(slots * size_, 0); }

    float* slot(std::size_t s) { return values_.data() + s * size_; }
    const Segment& segment(std::size_t thread, std::size_t population, std::size_t receptor) const {
        return segments_[first_segment_[thread * populations_ + population] + receptor];
    }
    /// Index of the receptor of each neuron of a population.
    std::vector<std::uint32_t> indices(std::size_t population, std::size_t receptor) const {
        std::vector<std::uint32_t> result;
        for (std::size_t t = 0; t < threads_; ++t) {
            const Segment& s = segment(t, population, receptor);
            for (std::uint32_t i = 0; i < s.count; ++i) result.push_back(static_cast<std::uint32_t>(s.offset + i));
        }
        return result;
    }
    /// The neuron whose receptor has the index, if it is of that population and receptor.
    std::optional<std::uint32_t> neuron_at(std::uint32_t index, std::size_t population, std::size_t receptor) const {
        for (std::size_t t = 0; t < threads_; ++t) {
            const Segment& s = segment(t, population, receptor);
            if (index >= s.offset && index < s.offset + s.count)
                return s.first + static_cast<std::uint32_t>(index - s.offset);
        }
        return std::nullopt;
    }
    std::size_t size() const { return size_; }                                   ///< of a slot
    const std::vector<std::uint32_t>& boundaries() const { return boundaries_; } ///< of the threads, in a slot

private:
    static constexpr std::size_t line = 16; ///< floats of a cache line
    std::size_t size_ = 0, threads_ = 0, populations_ = 0;
    std::vector<Segment> segments_; ///< by thread, population, receptor
    std::vector<std::size_t> first_segment_;
    std::vector<std::uint32_t> boundaries_;
    aligned_vector<float> values_;
};

} // namespace rewire::engine
