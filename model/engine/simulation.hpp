#pragma once
// The time loop. Two clocks, one code path: the fast network runs in stretches that end at slow ticks; at each the
// slow part advances by the length of the stretch with the inputs averaged over it (slow_part.hpp).
//
// In multirate mode (multirate.hpp) bursts run as full mode does. A leap and the burst after it are tried as one:
// predict, measure, correct. What is taken back leaves no trace but its line in the log. What is accepted is played
// back: the slow part goes through the leap once more, now with the corrected inputs, and through the ticks of the
// burst as they were measured, stopping at every sample; spikes are not simulated again. Leaps end before every event
// by a burst, so that a circuit is measured as it is before, and anew after, an event. With leaps of length 0 nothing
// differs from full mode, bit for bit.
//
// Before time 0 the network runs for `baseline_settle_s` + `baseline_measure_s` with all slow states at their healthy
// values; the means of the measured part are what "relative to healthy" refers to.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/input_estimate.hpp"
#include "engine/model.hpp"
#include "engine/responses.hpp"
#include "engine/slow_part.hpp"

namespace rewire::engine {

/// A quantity of the slow clock: one number per entry of a dimension.
struct Observable {
    std::string name, unit, long_name;
    std::string dimension;                    ///< population, projection, drug, region, voxel or score
    std::function<double(std::size_t)> value; ///< of entry i of the dimension; NaN where it does not apply
};

class Simulation {
public:
    /// Builds the network. \throws std::invalid_argument for what a config check cannot see (see network::connect)
    explicit Simulation(Model model);
    Simulation(const Simulation&) = delete; ///< observables refer to their simulation
    Simulation& operator=(const Simulation&) = delete;

    /// Runs the baseline stretch and starts all slow states at their healthy fixed point. `interrupted` is asked now
    /// and then; when it says yes the baseline ends early and the run is to be given up.
    void prepare(const std::function<bool()>& interrupted = [] { return false; });

    bool finished() const { return now_ >= end_; }
    double time_s() const { return static_cast<double>(now_) * model_.dt_ms * 1e-3; }
    /// Runs to the next stop: a slow tick, a step of a leap, a sample or an event, whichever comes first.
    /// \throws std::runtime_error  a membrane potential is no longer finite
    void advance();
    /// True if the stop is a sample time.
    bool at_sample() const;
    /// True if the stop is a snapshot time.
    bool at_snapshot() const;
    /// True while an accepted leap, or the burst after it, is played back: what was recorded of the fast part is ahead.
    bool playing_back() const { return !playback_.empty(); }

    /// Quantities of the slow clock, in the order of the result file.
    const std::vector<Observable>& observables() const { return observables_; }
    /// Entries of a dimension, in the order of the config.
    const std::vector<std::string>& labels(const std::string& dimension) const;
    /// To be called after a sample was taken: rates and turnover count from here.
    void sample_taken();

    const Model& model() const { return model_; }
    FastNetwork& network() { return *network_; }
    const std::vector<LogEntry>& burst_log() const { return log_; }
    /// Spikes of a population since time 0.
    std::uint64_t spike_count(std::size_t population) const { return spike_counts_[population]; }
    /// Time simulated with spikes: the baseline and what was taken back included.
    double spiking_s() const { return spiking_s_; }
    double recorded_s() const { return recorded_s_; } ///< the time that the spikes since time 0 come from

    /// Responses to the presentations of named stimuli that have ended since the last call.
    std::vector<Response> take_responses() { return responses_.take(now_); }

    double leap_s() const { return leap_s_; } ///< length of the leaps now; 0 in full mode
    /// Inputs whose bursts differ by far more than sampling explains, and by how many variances: the circuit is
    /// bistable or oscillates slowly, and its mean may stand for no state that it is ever in.
    std::vector<std::pair<std::string, double>> unsteady_inputs() const;

    /// Wall time in the slow part, structure included, and in structure; 0 unless the model asks for a profile.
    double slow_wall_s() const { return slow_wall_s_; }
    double structure_wall_s() const { return slow_.structure_wall_s(); }

    // State, for tests and snapshots.
    const SlowInputs& healthy() const { return slow_.healthy(); }
    const std::vector<glutamate::ExtracellularPool>& pools() const { return slow_.state().glutamate; }
    const std::vector<drug::Pharmacokinetics>& drugs() const { return slow_.state().drugs; }
    const molecular::Signalling& signalling(std::size_t population) const {
        return slow_.state().signalling[population];
    }
    const molecular::Inflammation& inflammation() const { return slow_.state().inflammation; }
    const BlockedPool& blocked(std::size_t population, Pool pool) const {
        return slow_.state().blocked[population][pool];
    }
    const SlowState& slow_state() const { return slow_.state(); }
    const std::vector<StructuralState>& structural() const { return slow_.state().structural; }
    /// Of each entry of Model::neurogenesis.
    const std::vector<structure::NeuronSlots>& neurogenesis() const { return slow_.state().neurogenesis; }

private:
    /// A stretch that the slow part goes through with inputs that change linearly.
    struct Piece {
        std::int64_t from, to;
        SlowInputs at_start, at_end;
        Stretch stretch;
    };
    /// A leap that was tried, with the burst after it.
    struct Trial {
        std::int64_t leap_end = 0, end = 0;
        double error = 0;
        double sampling_error = 0;
        InputEstimate estimate;
        std::vector<Piece> ticks;
        std::vector<std::uint64_t> spikes;
    };

    std::int64_t steps(double seconds) const;
    double seconds(std::int64_t steps) const { return static_cast<double>(steps) * model_.dt_ms * 1e-3; }
    std::int64_t next_after(const std::vector<std::int64_t>& sorted, std::int64_t step) const;
    void collect_events();
    SlowInputs run_fast(std::int64_t first, std::int64_t count);
    void advance_slow(const SlowInputs& inputs, std::int64_t from, std::int64_t to, Stretch stretch);
    void count_spikes(std::vector<std::uint64_t>& counts) const;
    void begin_burst(bool settle);
    void spike();
    void end_burst();
    void play_back();
    void leap();
    void try_leap(Trial& trial, const SlowCheckpoint& before);
    std::uint64_t structural_targets() const;
    void measure_after_leap(Trial& trial);
    double sampling_error(const InputEstimate& estimate, double from_s) const;
    double input_change(const InputEstimate& after) const;
    void drop_recordings();
    void check_finite() const;
    std::int64_t tick() const { return std::max<std::int64_t>(1, steps(model_.slow_tick_s)); }
    std::int64_t next_stop(std::int64_t now) const;
    std::int64_t next_disturbance() const { return next_after(disturbances_, now_); }
    bool disturbed() const { return std::binary_search(disturbances_.begin(), disturbances_.end(), now_); }
    /// True of a leap that is not tried any shorter.
    bool shortest(std::int64_t leap) const {
        return leap <= std::max<std::int64_t>(1, steps(model_.bursts.shortest_leap_s));
    }
    bool leaps() const { return model_.multirate && model_.bursts.longest_leap_s > 0; }
    void build_observables();
    void add_neurogenesis_observables();
    std::vector<double> neuron_counts() const;
    double healthy_synapses(std::size_t population) const;
    double spine_density(std::size_t population) const;
    double synaptic_function() const;

    Model model_;
    std::unique_ptr<FastNetwork> network_;
    SlowPart slow_;
    Responses responses_;
    std::int64_t now_ = 0, end_ = 0;
    std::vector<std::int64_t> samples_, snapshots_;
    std::vector<std::int64_t> events_;       ///< where leaps end
    std::vector<std::int64_t> disturbances_; ///< those of them that change the circuit

    // Multirate.
    bool spiking_ = false; ///< a burst that is not part of a trial
    std::int64_t measure_from_ = 0, burst_end_ = 0, longest_burst_end_ = 0;
    InputEstimate estimate_;
    double leap_s_ = 0; ///< that is tried next
    std::deque<Piece> playback_;
    std::vector<double> worst_dispersion_; ///< of each item of the estimate
    std::vector<LogEntry> log_;
    double spiking_s_ = 0, recorded_s_ = 0;
    double slow_wall_s_ = 0;

    // Since the last slow sample.
    std::vector<std::uint64_t> spike_counts_; ///< since time 0, per population
    std::vector<double> last_rate_Hz_;
    std::vector<double> mean_weight_; ///< per projection, once asked for

    std::vector<Observable> observables_;
    std::map<std::string, std::vector<std::string>> labels_;
};

} // namespace rewire::engine
