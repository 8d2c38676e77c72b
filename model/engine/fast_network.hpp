#pragma once
// The fast part: membranes, receptors, release and spikes at the step dt.
//
// A step k covers [k dt, (k+1) dt). Its tasks, per thread and for the thread's own neurons:
//   D(k)  delivery:    spikes emitted in step k-1-d add to the inputs of their targets over synapses of delay d
//   R(k)  stimulation: background and stimuli add to the inputs
//   U(k)  update:      receptors and membranes advance; spikes of the step are listed, and the presynaptic side works
//                      out what each carries (release, NMDA increment)
//   S(k)  samples:     what the slow part and the recorder want to know
// D(k) and R(k) precede U(k), which precedes S(k) and U(k+1). A spike of U(k) is first read by D(k+1+d), so with the
// shortest delay d_min the threads meet once in d_min + 1 steps and never lock. Between two meetings a thread goes in
// batches of steps: all D of the batch, then all R, then U and S run of neurons by run of neurons, so that the state of
// a run stays in the first-level cache for the whole batch; each step of a batch has its own slot of inputs. Where
// weights are plastic a batch is one step, because D(k) needs the spikes of U(k-1). Delivery walks spikes in the order
// (delay, source) for every target, whatever the number of threads: sums are bit-identical.

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/drives.hpp"
#include "engine/input_arena.hpp"
#include "engine/plasticity.hpp"
#include "engine/profile.hpp"
#include "engine/team.hpp"
#include "network/connect.hpp"
#include "network/specification.hpp"
#include "network/synapses.hpp"
#include "random/stream.hpp"
#include "structure/growth.hpp"
#include "synapse/receptor_state.hpp"
#include "synapse/short_term.hpp"

namespace rewire::engine {

/// Input to part of a population for part of the time.
struct Stimulus {
    std::string kind; ///< poisson, current_step, current_ramp, spikes
    std::string name; ///< responses to it are recorded under this name; empty: none
    std::size_t population = 0;
    double from_s = 0, to_s = 0;
    std::int64_t first = 0, count = 0;             ///< neurons [first, first + count)
    double amplitude_pA = 0, end_amplitude_pA = 0; ///< current_step: amplitude; current_ramp: from, to
    double rate_Hz = 0;                            ///< poisson: of the whole input to a neuron
    double weight = 0;                             ///< poisson, spikes: nS or pA
    std::size_t receptor = 0;
    std::vector<double> times_s;        ///< spikes: one per input spike, sorted
    std::vector<std::uint32_t> neurons; ///< spikes: target of each, within the population
};

/// A state variable of single neurons that is recorded on a clock of its own.
struct Trace {
    std::string name; ///< clock in the result file
    std::size_t population = 0;
    std::string variable; ///< membrane_potential, adaptation, or g_<receptor>
    std::vector<std::uint32_t> neurons;
    std::int64_t every_steps = 1;
};

struct Spike {
    std::int64_t step; ///< the spike's time is (step + 1) dt
    std::uint32_t neuron;
};

/// State of one population. Slow mechanisms write the gains, tonic conductances and currents between ticks.
struct FastPopulation {
    network::Population specification;
    std::vector<network::Position> positions;
    std::vector<std::uint32_t> voxels; ///< extracellular voxel of each neuron, see voxel_of(); empty if regions are one
    neuron::MembraneState membrane;
    std::vector<synapse::ReceptorState> receptors;
    neuron::NmdaVoltageDependence nmda;
    bool has_nmda = false;
    int refractory_steps = 0;
    aligned_vector<float> current_pA;
    aligned_vector<float> tonic_ab_nS, tonic_cd_nS; ///< empty without extrasynaptic NMDA receptors
    aligned_vector<float> unblocked_nmda; ///< share of the synaptic NMDA receptors; empty unless plasticity follows it
    aligned_vector<float> ambient_open;   ///< per neuron, where it differs between voxels, else empty
    Drives drives;
    std::optional<std::array<std::size_t, 2>> plain_pair; ///< the receptors, if membranes step them, see advance()
    bool record_spikes = false;
    bool in_lfp = false;                                          ///< the LFP proxy of its region sums over it
    std::vector<std::uint32_t> cuts;                              ///< thread t owns neurons [cuts[t], cuts[t+1])
    std::vector<std::vector<std::vector<std::uint32_t>>> history; ///< [thread][slot] -> neurons that fired
    std::vector<std::vector<Spike>> log;                          ///< [thread], when recorded
    bool injected = false;                                        ///< current stimuli act on it
    std::vector<std::uint8_t> present; ///< slots that hold a neuron, where neurons come and go; empty: all
    std::vector<std::uint8_t> driven; ///< those of them whose neuron is old enough for synapses to drive it; empty: all

    std::size_t size() const { return static_cast<std::size_t>(specification.size); }
    bool is_present(std::size_t neuron) const { return present.empty() || present[neuron] != 0; }
    /// Neurons that are there.
    std::size_t count() const;
    /// Mean of values by neuron over those that are there; NaN if there are no values, 0 if no neuron is there.
    double mean_of(const std::vector<double>& values) const;
    /// The extracellular voxel of a neuron, counted through all regions.
    std::size_t voxel_of(std::size_t neuron) const { return voxels.empty() ? specification.region : voxels[neuron]; }
};

/// State of one projection.
struct FastProjection {
    network::Projection specification;
    network::SynapseStore synapses; ///< its own; empty if it shares rows with others, see FastNetwork::for_each_synapse
    float weight_scale = 1;         ///< weights of `synapses` are in units of it: the reference weight of plastic ones
    std::vector<Plasticity> plasticity; ///< per thread; empty if weights do not change
    bool dynamic = false; ///< spikes carry individual amounts: short-term plasticity, NMDA saturation or mGluR2/3
    std::vector<synapse::ReleaseState> state; ///< per source, if dynamic
    std::vector<float> released;              ///< per source: sum of releases since the last reset, if glutamatergic
    float release_factor = 1;                 ///< presynaptic mGluR2/3
    std::vector<float> release_factors;       ///< per source, where they differ between voxels, else empty
    struct Payload {
        std::vector<float> first, second; ///< parallel to the source's spike list of the slot
    };
    std::vector<std::vector<Payload>> payload; ///< [thread][slot], if dynamic
};

/// Samples of population activity gathered since they were last taken.
struct ActivitySamples {
    std::vector<std::int64_t> step;          ///< end step of each sample
    std::vector<std::uint32_t> spike_counts; ///< [sample][population], spikes in the sample's window
    std::vector<double> lfp_pA;              ///< [sample][region]: mean |I_AMPA| + |I_GABA|
};

struct TraceSamples {
    std::vector<std::int64_t> step;
    std::vector<float> values; ///< [sample][neuron]
};

/// Constants of the fast part.
struct FastOptions {
    double dt_ms = 0.1;
    std::uint64_t seed = 1;
    int threads = 1;
    std::int64_t drive_every_steps = 10;    ///< sampling of drives
    std::int64_t activity_every_steps = 20; ///< sampling of rates and LFP; 0: none
    std::size_t regions = 1;
    bool track_release = false; ///< count releases and let mGluR2/3 act on them
    bool profile = false;       ///< time the phases
    structure::CalciumParameters calcium;
    DriveConstants drives;
};

/// The spiking network: advance it by steps, read and write its state in between.
class FastNetwork {
public:
    /// Builds positions and synapses. Pairwise columns are those of the projections that name a file, else empty.
    /// \throws std::invalid_argument as network::connect does
    FastNetwork(const FastOptions& options, const std::vector<network::Population>& populations,
                const std::vector<network::Projection>& projections,
                const std::vector<network::PairwiseColumns>& pairwise, std::vector<Stimulus> stimuli,
                std::vector<Trace> traces);

    /// Advances `steps` steps, the first of which is the step `first_step` of biological time (it may be negative,
    /// and jumps after a leap); drives gather. Bit-identical for any number of threads.
    void advance(std::int64_t first_step, std::int64_t steps);

    /// Puts all drives back to zero.
    void reset_drives();
    /// Sum of incoming weights of NMDA receptors, after synapses have changed.
    void update_total_weights();
    /// Open fraction of extrasynaptic NMDA receptors per region, read by the sampling, unless a population has one per
    /// neuron.
    std::vector<float> ambient_open;

    /// Spikes of a population since the last call, in the order (step, neuron).
    std::vector<Spike> take_spikes(std::size_t population);
    ActivitySamples take_activity();
    TraceSamples take_trace(std::size_t trace);

    std::vector<FastPopulation> populations;
    std::vector<FastProjection> projections;
    std::vector<Trace> traces;
    const FastOptions& options() const { return options_; }
    Team& team() { return team_; }
    /// Brings the weights of plastic projections up to date; for those who look at them.
    void settle_plasticity();
    /// While held, plastic weights stand still and spikes leave no trace.
    void hold_plasticity(bool held);
    /// From here on plastic weights onto a population go with its `unblocked_nmda`, all 1 until it is written.
    void follow_nmda(std::size_t population);
    /// Calls f(Synapse) for every synapse of a projection, by source, delay, target.
    template <class F>
    void for_each_synapse(std::size_t projection, F&& f) const;
    std::size_t synapse_count(std::size_t projection) const;
    double mean_weight(std::size_t projection) const; ///< of a projection that has synapses

    const PhaseTimes& phase_times(int rank) const { return scratch_[static_cast<std::size_t>(rank)].times; }
    std::uint64_t total_spikes() const;
    std::uint64_t total_events() const; ///< synaptic events delivered
    std::size_t synapse_bytes() const;
    std::size_t state_bytes() const;                  ///< what an update reads and writes, of all neurons
    std::int64_t steps() const { return fast_step_; } ///< computed so far

private:
    struct PoissonInput {
        std::size_t population, receptor;
        std::uint32_t first, count;
        std::int64_t from_step, to_step;
        float weight;
        Purpose purpose;
        std::uint64_t entity;
        std::vector<std::uint32_t> thresholds; ///< a word at or above thresholds[k] means more than k spikes
        aligned_vector<std::uint32_t> words;   ///< 4 steps of random words, [step][neuron]
    };
    /// Synapses that the spikes of one population travel over: those of one projection, or of several that share rows,
    /// so that a spike visits one row instead of several.
    struct Route {
        std::size_t source = 0;
        std::vector<std::size_t> projections;
        network::SynapseStore shared; ///< of several: targets are indices of the input arena, scales are in the weights
    };
    struct Due {
        std::uint32_t row;
        float first, second; ///< amounts for the receptors
    };
    /// Ranks [first, end), whose work a thread does: its own, or everyone's.
    struct Ranks {
        std::size_t first, end;
    };
    /// Part of the rows of a route that goes into one run of inputs.
    struct Part {
        Ranks ranks;
        float *first, *second;           ///< inputs, to be indexed with the targets; second may be null
        network::SynapseStore::Row next; ///< of the row that is visited next
    };
    struct Scratch { ///< of a thread
        alignas(64) std::uint64_t spikes = 0;
        std::uint64_t events = 0;
        std::vector<std::uint32_t> window; ///< spikes per population since the last activity sample
        std::vector<std::uint32_t> counts; ///< [sample][population]
        std::vector<Due> due;
        std::vector<Part> parts;
        PhaseTimes times;
    };
    /// Steps of a call of advance() that a thread does in one go.
    struct Batch {
        std::int64_t step;      ///< biological time of the first
        std::int64_t fast_step; ///< ring's clock of the first
        std::int64_t count;
        std::int64_t end_step; ///< end of the call
        bool first;            ///< the call begins with it
        std::int64_t extra_drive_end;
    };

    void build_population(const network::Population& specification, std::size_t index);
    void build_projection(const network::Projection& specification, std::size_t index, network::SynapseStore synapses);
    void build_routes(const std::vector<network::PairwiseColumns>& pairwise);
    void build_route(std::size_t source, const std::vector<std::size_t>& members,
                     const std::vector<network::PairwiseColumns>& pairwise);
    network::SynapseStore connect(std::size_t projection, const std::vector<network::PairwiseColumns>& pairwise);
    bool may_share_rows(const network::Projection& projection) const;
    void mark_active_receptors();
    void find_plain_pairs();
    void build_poisson_inputs();
    void deliver(std::int64_t fast_step, std::size_t slot, Ranks ranks);
    void collect_due(const Route& route, const network::SynapseStore& synapses, std::int64_t fast_step, Ranks ranks);
    void stimulate(const Batch& batch, int rank);
    void inject(FastPopulation& population, std::size_t index, std::int64_t step, std::size_t first, std::size_t count);
    void update(const Batch& batch, PhaseClock& clock, int rank);
    void step_run(FastPopulation& population, std::size_t index, std::size_t slot, std::size_t thread,
                  std::size_t first, std::size_t count, std::int32_t* spiked);
    void emit(std::size_t population, std::uint32_t neuron, std::int64_t step, std::int64_t fast_step,
              float calcium_increment, int rank);
    void sample_run(std::size_t population, std::int64_t end, bool drives_due, std::size_t first, std::size_t count);
    void count_spikes(std::size_t population, std::int64_t end, std::size_t fired, int rank);
    float* input_of(std::size_t slot, std::size_t thread, std::size_t population, std::size_t receptor);

    FastOptions options_;
    Team team_;
    std::vector<Stimulus> stimuli_;
    std::vector<PoissonInput> poisson_;
    std::vector<std::vector<std::size_t>> dynamic_from_; ///< dynamic projections per source population
    std::vector<std::vector<std::size_t>> plastic_onto_; ///< plastic projections per target population
    std::vector<Route> routes_;
    std::vector<std::size_t> route_of_; ///< of each projection
    struct SharedTotals {
        std::size_t count = 0;
        double weight_sum = 0;
    };
    std::vector<SharedTotals> shared_totals_; ///< of each projection that shares rows
    InputArena inputs_;
    std::int64_t batch_steps_ = 1;
    std::int64_t interval_steps_ = 1;
    std::int64_t slots_ = 2;
    std::int64_t next_step_ = std::numeric_limits<std::int64_t>::min(); ///< end of the last call
    std::int64_t continuous_from_ =
        std::numeric_limits<std::int64_t>::min() / 2; ///< start of the stretch without a leap
    std::int64_t fast_step_ = 0;                      ///< steps computed so far: the ring's clock, which no leap stops
    std::vector<Scratch> scratch_;
    std::vector<std::size_t> lfp_offset_; ///< first block of each population in an LFP sample
    std::size_t lfp_blocks_ = 0;
    ActivitySamples activity_;
    std::vector<double> lfp_block_sums_; ///< [sample][block]
    std::vector<TraceSamples> trace_samples_;
};

template <class F>
void FastNetwork::for_each_synapse(std::size_t q, F&& f) const {
    const Route& route = routes_[route_of_[q]];
    if (route.projections.size() == 1) {
        projections[q].synapses.for_each([&](network::SynapseIndex, network::Synapse s) {
            s.weight *= projections[q].weight_scale;
            f(s);
        });
        return;
    }
    const network::Projection& spec = projections[q].specification;
    route.shared.for_each([&](network::SynapseIndex, network::Synapse s) {
        if (const auto neuron = inputs_.neuron_at(s.target, spec.target, spec.receptors.front().receptor)) {
            s.target = *neuron;
            f(s);
        }
    });
}

} // namespace rewire::engine
