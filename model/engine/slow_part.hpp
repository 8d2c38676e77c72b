#pragma once
// The slow part: drugs, channel block, extracellular glutamate, signalling and structure. It advances over any
// duration with given inputs, in this order:
//
//   P  drugs            pharmacokinetics to the end of the stretch
//   I  inflammation     per region: cytokines and kynurenines, from stress, LPS and the mean effect of drugs
//   B  channel block    per neuron, pool and subunit, from the averages of r and r/IC50 and the mean concentration
//   G  glutamate        per region, in one pool or in voxels, from the releases counted and the uptake that I leaves
//   M  signalling       eEF2, BDNF, TrkB, mTORC1, proteins, AMPA gain
//   H  scaling          calcium, homeostatic scaling of synapses
//   S  structure        neurons born and dead, spines or elements, synapse stores
//   F  feedback         gains, tonic conductances, release factors and the unblocked share that plasticity follows are
//                       written into the fast network
//
// P precedes B and I; I precedes G, M and S; B and G precede M; M and H precede S; F is last. All that changes is in
// SlowState, but for the synapses, which are in the network: a copy of both is where a leap can go back to.

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/fast_network.hpp"
#include "engine/model.hpp"
#include "engine/slow_inputs.hpp"

namespace rewire::engine {

/// Block of the open channels of one pool of NMDA receptors.
struct BlockedPool {
    std::vector<std::vector<double>> subunits; ///< [subunit][neuron, class, ligand], see drug::Competition
    std::vector<double> blocked;               ///< share of the pool's current at the reference potential, per neuron
};

/// Spikes of a population with neurogenesis by age of the neuron, and the time that these neurons had, as integrals.
struct StageActivity {
    double in_window = 0, mature = 0, since_start = 0, all = 0; ///< spikes; since_start: of neurons born in the run
    double in_window_s = 0, mature_s = 0;
};

/// Integrals since the last slow sample.
struct SampleWindow {
    double start_s = 0;
    std::vector<double> spikes_per_neuron; ///< per population: integral of the mean rate
    std::vector<double> glutamate_uM_s;    ///< per region: integral of the level
    std::vector<double> voxel_uM_s;        ///< the same per voxel, where a region has several
    std::vector<StageActivity> stages;     ///< per population with neurogenesis
};

/// All slow states.
struct SlowState {
    std::vector<drug::Pharmacokinetics> drugs;
    std::vector<std::array<BlockedPool, 2>> blocked;     ///< per population
    std::vector<glutamate::ExtracellularPool> glutamate; ///< per voxel, region by region
    std::vector<double> eaat2;                           ///< per region
    molecular::Inflammation inflammation;                ///< per region; empty without
    std::vector<molecular::Signalling> signalling;       ///< per population; empty without
    std::vector<double> l_type, ampa;                    ///< filtered drives relative to healthy, per population
    std::vector<std::vector<double>> calcium;            ///< the trace, per population and neuron
    std::vector<std::vector<double>> calcium_filtered;   ///< over its target, slowly filtered
    std::vector<std::vector<double>> scaling;            ///< of excitatory synapses, per population and neuron
    std::vector<StructuralState> structural;             ///< per structural projection
    double structure_time_s = 0;                         ///< up to which structure has been advanced
    std::vector<double> inflammation_s;                  ///< integral of J since then, per region; 0 without
    std::vector<structure::NeuronSlots> neurogenesis;    ///< per population that has it
    SampleWindow window;
};

/// What the error of a leap is measured on, relative to healthy where that has a meaning: population means of block,
/// signalling, filtered calcium and scaling, and inflammation. Glutamate follows its input in a second, the drives of
/// the chain within minutes: they have no error of their own beside that of their inputs, see summary_items().
/// \param counted  per population: neurons that the means are over, see SlowPart::driven()
std::vector<double> controlled(const SlowState& state, const std::vector<std::vector<std::uint8_t>>& counted,
                               const Model& model);

/// Where a leap can go back to.
struct SlowCheckpoint {
    SlowState state;
    std::vector<network::SynapseStore> synapses; ///< of the structural projections
    std::vector<std::vector<std::uint8_t>> driven;
};

/// How a stretch was simulated.
enum class Stretch {
    spiking, ///< a tick with every spike
    leap     ///< without spikes: `inputs` stand for them
};

class SlowPart {
public:
    /// Prepares the network for what the model's mechanisms read and write. Both outlive this.
    SlowPart(const Model& model, FastNetwork& network);
    /// Time 0: all states at the healthy fixed point of these inputs.
    void start(SlowInputs healthy);

    /// Advances everything, then writes the feedback.
    void advance(const SlowInputs& inputs, double from_s, double to_s, Stretch stretch);
    /// Advances a state but for its structure, and nothing else: a trial.
    void advance_without_structure(SlowState& state, const SlowInputs& inputs, double from_s, double to_s,
                                   Stretch stretch) const;
    /// Writes all feedback of a time into the network.
    void write_feedback(double at_s);

    SlowCheckpoint checkpoint() const;
    void restore(const SlowCheckpoint& checkpoint);

    /// Per population: slots whose neuron is old enough for synapses to drive it; empty: all.
    std::vector<std::vector<std::uint8_t>> driven() const;
    /// 1 for slots whose neuron is old enough to form synapses, else 0; empty: all are.
    std::vector<double> readiness(std::size_t population, double at_s) const;

    /// Share of the current of a pool of NMDA receptors at the reference potential that blockers and antagonists take,
    /// population mean, whatever arms are off; NaN where there is no such pool, 0 where no neuron is there.
    double nmda_loss(std::size_t population, Pool pool, double at_s) const;

    /// AMPA throughput of a population that holds the chain, relative to healthy: its gain by signalling and scaling
    /// times the share of the receptors that no antagonist blocks, population mean.
    double ampa_throughput(std::size_t population, double at_s) const;

    const SlowState& state() const { return state_; }
    /// J of a region, that of its cytokines with an imposed one.
    double inflammation_level(std::size_t region, double at_s) const;
    /// The extracellular voxels of a region; none before the start.
    std::span<const glutamate::ExtracellularPool> voxels(std::size_t region) const;
    const SlowInputs& healthy() const { return healthy_; }
    /// Rates and turnover count from here on.
    void begin_sample_window(double at_s);
    /// Synapses of the structural projections, and how many were formed or lost since the window began.
    std::pair<std::uint64_t, std::uint64_t> structural_turnover() const;

    /// Wall time in structure; 0 unless the model asks for a profile.
    double structure_wall_s() const { return structure_wall_s_; }

private:
    void configure_voxels();

    /// A pool of NMDA receptors.
    struct NmdaPool {
        bool present = false;
        synapse::PerSubunit conductance{}, current{}; ///< shares, see synapse/receptor.hpp
    };

    void configure_drives();
    bool acted_on(drug::Target target) const;
    drug::Effects drug_effects(const SlowState& state) const;
    /// \param population  on whose receptors; without one, interventions on some populations only do not count
    double strength(std::string_view what, const drug::Effects& of_drugs, double at_s,
                    std::optional<std::size_t> population = {}) const;
    double strength(drug::Target target, const drug::Effects& of_drugs, double at_s,
                    std::optional<std::size_t> population = {}) const;
    synapse::PerSubunit without_antagonist(const drug::Effects& of_drugs, double at_s, std::size_t population) const;
    std::vector<double> blocker_concentrations(const SlowState& state) const;
    void advance_block(SlowState& state, const SlowInputs& inputs, const std::vector<double>& concentration_uM,
                       double seconds) const;
    double imposed_inflammation(double at_s) const;
    std::vector<double> advance_inflammation(SlowState& state, const drug::Effects& of_drugs, double at_s,
                                             double seconds) const;
    double coupled(double molecular::InflammationParameters::*coupling, double level) const;
    std::vector<double> quinolinic_gating(const SlowState& state) const;
    double glycine_site_factor(const SlowState& state, std::size_t region) const;
    void advance_glutamate(SlowState& state, const SlowInputs& inputs, const std::vector<double>& inflammation,
                           const drug::Effects& of_drugs, double at_s, double seconds) const;
    double nmda_loss(const SlowState& state, std::size_t population, Pool pool, std::size_t neuron,
                     const synapse::PerSubunit& free) const;
    std::vector<std::vector<double>> resting_drives(const SlowState& state, double at_s) const;
    void advance_signalling(SlowState& state, const SlowInputs& inputs,
                            const std::vector<std::vector<double>>& resting_before,
                            const std::vector<double>& inflammation, const drug::Effects& of_drugs, double from_s,
                            double to_s) const;
    void advance_calcium(SlowState& state, const SlowInputs& inputs, double seconds, Stretch stretch) const;
    void advance_structure(double to_s);
    void configure_neurogenesis();
    void start_neurogenesis();
    void start_scaling();
    void advance_neurogenesis(const SlowInputs& inputs, double from_s, double to_s);
    void apply_age(double at_s);
    void reset_newborn(std::size_t population, std::size_t neuron);

    const Model& model_;
    FastNetwork& network_;
    SlowInputs healthy_;
    std::vector<std::pair<std::size_t, std::size_t>> blocker_of_; ///< (drug, species) of each blocker
    std::vector<std::array<NmdaPool, 2>> nmda_pools_;             ///< per population
    std::vector<bool> acts_;                                      ///< per population: the arm that it belongs to is on
    std::vector<std::vector<double>> calcium_target_;             ///< of structure, per population and neuron
    std::vector<std::vector<double>> scaling_target_;             ///< of scaling, where there is any
    std::vector<double> healthy_rate_Hz_;                         ///< per population with neurogenesis
    std::vector<glutamate::VoxelGrid> grids_;                     ///< per region
    std::vector<glutamate::Diffusion> diffusion_;                 ///< per region, from the start on
    SlowState state_;
    double structure_wall_s_ = 0;
};

} // namespace rewire::engine
