#pragma once
// What the slow part holds: the state, which a leap can go back to, and the setting, fixed once the run has started.

#include <array>
#include <cstdint>
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

/// All slow states but the synapses, which are in the network.
struct SlowState {
    std::vector<drug::Pharmacokinetics> drugs;
    drug::Effects drug_effects;                          ///< of what `drugs` hold
    std::vector<std::array<BlockedPool, 2>> blocked;     ///< per population
    std::vector<glutamate::ExtracellularPool> glutamate; ///< per voxel, region by region
    std::vector<double> eaat2;                           ///< per region
    double stress_load = 0;                              ///< what stress has built up, see molecular/stress.hpp
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

/// A pool of NMDA receptors.
struct NmdaPool {
    bool present = false;
    synapse::PerSubunit conductance{}, current{}; ///< shares, see synapse/receptor.hpp
};

/// What the slow part works in. Nothing of it changes after the start but the network, which the feedback writes.
struct SlowSetting {
    const Model& model;
    const FastNetwork& network;
    SlowInputs healthy;                                          ///< means of the baseline
    std::vector<std::pair<std::size_t, std::size_t>> blocker_of; ///< (drug, species) of each blocker
    std::vector<std::array<NmdaPool, 2>> nmda_pools;             ///< per population
    std::vector<bool> acts;                                      ///< per population: the arm that it belongs to is on
    std::vector<std::vector<double>> calcium_target;             ///< of structure, per population and neuron
    std::vector<std::vector<double>> scaling_target;             ///< of scaling, where there is any
    std::vector<double> healthy_rate_Hz;                         ///< per population with neurogenesis
    std::vector<glutamate::VoxelGrid> grids;                     ///< per region
    std::vector<glutamate::Diffusion> diffusion;                 ///< per region, from the start on
};

/// How a stretch was simulated.
enum class Stretch {
    spiking, ///< a tick with every spike
    leap     ///< without spikes: the inputs stand for them
};

} // namespace rewire::engine
