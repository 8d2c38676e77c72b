#pragma once
// What bursts say of the slow inputs, and how sure that is.
//
// A burst measures the inputs u for a few seconds, tick by tick. The ticks' spread gives the sampling error of the
// burst's mean: with v the variance of a tick times its length, a mean over T seconds has the variance v/T (ticks are
// longer than the memory of the population means). Where the circuit changes slowly, the bursts before say something
// about now, too: the estimate is the mean over the longest run of latest bursts whose mean lies within the sampling
// errors of all shorter ones (Lepski 1991, Theory Probab Appl 35:454: of estimates with falling variance and rising
// bias, the last that none before it contradicts).
//
// A bistable circuit, or one that oscillates more slowly than a burst, gives bursts that differ by more than their
// ticks say. Its dispersion is the variance of a burst about the line through its neighbours, over the variance that
// sampling alone gives; it widens the sampling error, and well above 1 it is to be reported.

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/slow_inputs.hpp"

namespace rewire::engine {

class InputEstimate {
public:
    explicit InputEstimate(std::vector<SummaryItem> items = {}) : items_(std::move(items)) {}

    /// A new burst; what was measured of an unfinished one is dropped.
    void begin_burst() { ticks_.clear(), burst_ = {}; }
    /// A tick of it that counts.
    void add(const SlowInputs& tick);
    /// Ends the burst, whose middle is at `at_s`. Without a tick nothing changes.
    void end_burst(double at_s);
    /// The circuit has changed: no burst before this says anything about now.
    void forget() { bursts_.clear(); }

    bool empty() const { return bursts_.empty(); }
    /// The estimate, of at least one burst.
    const SlowInputs& mean() const { return mean_; }
    const std::vector<SummaryItem>& items() const { return items_; }
    std::size_t bursts() const { return used_; } ///< that the estimate is the mean of
    double seconds() const { return mean_.seconds; }
    /// Standard error of each item of the summary.
    std::vector<double> standard_error() const;
    /// Of each item: variance between bursts over that which sampling gives; 1 until there are `fewest` to judge by.
    std::vector<double> dispersion() const;

    static constexpr std::size_t longest_memory = 32; ///< bursts
    static constexpr std::size_t fewest = 8;          ///< bursts that the dispersion is judged by

private:
    struct Burst {
        std::shared_ptr<const SlowInputs> mean; ///< shared by copies of the estimate
        std::vector<double> summary;
        double at_s;
    };
    struct Deviation { ///< of a burst from the line through its neighbours
        std::vector<double> squared;
        double inverse_seconds; ///< its variance over v
    };
    void note_deviation();
    void choose_window();
    std::vector<double> variance_seconds() const;

    std::vector<SummaryItem> items_;
    std::vector<std::pair<double, std::vector<double>>> ticks_; ///< of the burst: length in s and summary
    SlowInputs burst_;
    std::deque<Burst> bursts_;          ///< since forget(), latest last
    std::deque<Deviation> deviations_;  ///< latest last
    std::vector<double> sum_squares_s_; ///< per item: squared deviations of ticks from their burst, times their length
    double freedom_ = 0;                ///< degrees of freedom in it
    SlowInputs mean_;
    std::size_t used_ = 0;
};

} // namespace rewire::engine
