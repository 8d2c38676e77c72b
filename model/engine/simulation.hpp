#pragma once
// The time loop. Two clocks, one code path: the fast network runs in stretches that end at slow ticks; at each the
// slow mechanisms advance by the length of the stretch with the inputs averaged over it, in this order:
//
//   P  drugs            pharmacokinetics to the end of the stretch
//   B  channel block    per neuron, pool and subunit, from the averages of r and r/IC50 and the mean concentration
//   G  glutamate        one pool per region, from the releases counted
//   M  signalling       eEF2, BDNF, TrkB, mTORC1, proteins, AMPA gain
//   S  structure        calcium, spines or elements, synapse stores
//   F  feedback         gains, tonic conductances and release factors are written into the fast network
//
// P precedes B; B and G precede M; M precedes S; F is last. In multirate mode a burst runs as full mode does, and a
// leap calls the same slow step, without the fast network, with the means of the burst's measured part, in steps of
// `leap_step_s`. Leaps end at every event, and an event within a burst starts its measuring anew. With leaps of length 0 nothing differs from full mode, bit for bit.
//
// Before time 0 the network runs for `baseline_settle_s` + `baseline_measure_s` with all slow states at their healthy
// values; the means of the measured part are what "relative to healthy" refers to.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/model.hpp"

namespace rewire::engine {

/// A quantity of the slow clock: one number per entry of a dimension.
struct Observable {
    std::string name, unit, long_name;
    std::string dimension;                    ///< population, projection, drug or region
    std::function<double(std::size_t)> value; ///< of entry i of the dimension; NaN where it does not apply
};

/// One entry of the burst and leap log.
struct LogEntry {
    double start_s = 0;
    double length_s = 0;
    bool leap = false;
};

/// One blocked pool of NMDA receptors.
struct BlockedPool {
    std::vector<std::vector<double>> subunits; ///< [subunit][neuron, class, ligand], see drug::Competition
    std::vector<double> blocked;               ///< share of the pool's current at the reference potential, per neuron
};

/// Slow inputs of one population, averaged over a stretch.
struct PopulationInputs {
    std::vector<double> rate_Hz;
    double l_type = 0;  ///< population mean
    double ampa_nS = 0; ///< population mean
    struct Subunit {
        std::vector<std::vector<double>> exchange;                      ///< [ligand][neuron]
        std::vector<std::vector<double>> exchange_over_ic50, over_ic50; ///< [blocker][neuron]
    };
    std::array<std::vector<Subunit>, 2> pools;
};

/// All slow inputs.
struct SlowInputs {
    double seconds = 0; ///< that they were averaged over
    std::vector<PopulationInputs> populations;
    std::vector<double> release_events_per_s; ///< per region
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
    bool in_leap() const { return leap_end_ > now_; }

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
    double spiking_s() const { return spiking_s_; } ///< time simulated with spikes, baseline included

    /// Wall time in the slow part, structure included, and in structure; 0 unless the model asks for a profile.
    double slow_wall_s() const { return slow_wall_s_; }
    double structure_wall_s() const { return structure_wall_s_; }

    // State, for tests and snapshots.
    const SlowInputs& healthy() const { return healthy_; }
    const std::vector<glutamate::ExtracellularPool>& pools() const { return glutamate_; }
    const std::vector<drug::Pharmacokinetics>& drugs() const { return drugs_; }
    const molecular::Signalling& signalling(std::size_t population) const { return signalling_[population]; }
    const BlockedPool& blocked(std::size_t population, Pool pool) const { return blocked_[population][pool]; }
    const std::vector<StructuralState>& structural() const { return structural_; }

private:
    std::int64_t steps(double seconds) const;
    std::int64_t next_after(const std::vector<std::int64_t>& sorted, std::int64_t step) const;
    void collect_events();
    void configure_drives();
    void run_fast(std::int64_t first, std::int64_t count);
    void begin_burst(bool after_leap);
    void begin_leap();
    void measure(bool settle_first);
    void check_finite() const;
    const BurstPhase& phase_at(std::int64_t step) const;
    SlowInputs gather(double seconds) const;
    void accumulate(SlowInputs& mean, const SlowInputs& inputs) const;
    void advance_slow(const SlowInputs& inputs, double from_s, double to_s, bool leap);
    double strength(std::string_view what, double at_s) const;
    void advance_block(const SlowInputs& inputs, const std::vector<double>& concentration_uM, double seconds);
    void advance_glutamate(const SlowInputs& inputs, double stress, double uptake_block, double seconds);
    void advance_signalling(const SlowInputs& inputs, double at_s, double seconds);
    void advance_calcium(double seconds);
    void advance_structure(double stress, double to_s);
    void write_feedback(double at_s);
    void build_observables();
    std::vector<double> blocker_concentrations() const;

    Model model_;
    std::unique_ptr<FastNetwork> network_;
    std::int64_t now_ = 0, end_ = 0;
    std::vector<std::int64_t> samples_, snapshots_;
    std::vector<std::int64_t> events_;       ///< where leaps end
    std::vector<std::int64_t> disturbances_; ///< those of them that change the circuit

    // Multirate.
    std::int64_t burst_end_ = 0, measure_from_ = 0, leap_end_ = 0;
    SlowInputs burst_mean_;
    std::vector<LogEntry> log_;
    double spiking_s_ = 0;
    double slow_wall_s_ = 0, structure_wall_s_ = 0;

    // Slow state.
    SlowInputs healthy_;
    std::vector<drug::Pharmacokinetics> drugs_;
    std::vector<std::pair<std::size_t, std::size_t>> blocker_of_; ///< (drug, species) of each blocker
    std::vector<std::array<BlockedPool, 2>> blocked_;             ///< per population
    std::vector<glutamate::ExtracellularPool> glutamate_;         ///< per region
    std::vector<double> eaat2_;                                   ///< per region
    std::vector<molecular::Signalling> signalling_;               ///< per population; empty without
    std::vector<double> l_type_, ampa_; ///< filtered drives relative to healthy, per population
    std::vector<std::vector<double>> calcium_, calcium_target_, calcium_filtered_; ///< per population
    std::vector<StructuralState> structural_;
    double structure_time_s_ = 0; ///< up to which structure has been advanced

    // Since the last slow sample.
    std::vector<std::uint64_t> spike_counts_; ///< since time 0, per population
    std::vector<double> window_spikes_;       ///< per population
    double window_s_ = 0;
    std::vector<double> window_glutamate_uM_s_; ///< per region: integral of the level
    double window_start_s_ = 0;
    std::vector<double> last_rate_Hz_;
    std::vector<double> mean_weight_; ///< per projection, once asked for

    std::vector<Observable> observables_;
    std::map<std::string, std::vector<std::string>> labels_;
};

} // namespace rewire::engine
