#pragma once
// What populations answer to named stimuli: spikes during each presentation, and in a stretch of the same length before
// it. Starts and ends of both are events (events.hpp), so that every stretch of spiking lies within a window or
// outside of it. In multirate mode a leap may lie in a long window: rates are over the time that was simulated with
// spikes.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model.hpp"

namespace rewire::engine {

/// One presentation of a stimulus that has ended.
struct Response {
    std::string stimulus;
    double start_s = 0, length_s = 0;
    std::vector<double> during_Hz, before_Hz; ///< per population and neuron that was there; NaN where nothing was
                                              ///< simulated (before time 0) or no neuron was there
};

class Responses {
public:
    explicit Responses(const Model& model);

    /// Whether a stretch that begins at `step` counts for anything.
    bool any_at(std::int64_t step) const;
    /// Adds a stretch of spiking that begins at `step` and crosses no event.
    /// \param spikes   per population
    /// \param neurons  per population: that were there
    void add(std::int64_t step, double seconds, const std::vector<std::uint64_t>& spikes,
             const std::vector<double>& neurons);
    /// Those that have ended by `step`, in the order of their ends.
    std::vector<Response> take(std::int64_t step);

private:
    struct Window {
        std::int64_t from = 0, to = 0;
        double seconds = 0;                ///< of it simulated with spikes
        std::vector<std::uint64_t> spikes; ///< per population, once there are any
        std::vector<double> neurons;       ///< the same: that were there, mean over the time
        bool holds(std::int64_t step) const { return from <= step && step < to; }
    };
    struct Presentation {
        std::string stimulus;
        Window during, before;
    };
    std::vector<double> rates_Hz(const Window& window) const;

    double dt_ms_;
    std::size_t populations_;
    std::vector<Presentation> presentations_; ///< in the order of their ends
    std::size_t taken_ = 0;
};

} // namespace rewire::engine
