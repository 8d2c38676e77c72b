#pragma once
// The slow part: drugs, channel block, extracellular glutamate, signalling and structure. It advances over any
// duration with given inputs, in this order:
//
//   P  drugs            pharmacokinetics to the end of the stretch
//   L  load of stress   what stress has built up
//   I  inflammation     per region: cytokines and kynurenines, from stress, LPS and the mean effect of drugs
//   B  channel block    per neuron, pool and subunit, from the averages of r and r/IC50 and the mean concentration
//   G  glutamate        per region, in one pool or in voxels, from the releases counted and the uptake that I leaves
//   M  signalling       eEF2, BDNF, TrkB, mTORC1, proteins, AMPA gain
//   H  scaling          calcium, homeostatic scaling of synapses
//   S  structure        neurons born and dead, spines or elements, synapse stores
//   F  feedback         gains, tonic conductances, release factors and the unblocked share that plasticity follows are
//                       written into the fast network
//
// P precedes B and I; L precedes G and M; I precedes G, M and S; B and G precede M; M and H precede S; F is last. All
// that changes is in SlowState, but for the synapses, which are in the network: a copy of both is where a leap can go
// back to.
//
// Here are the order and the books. What acts on what, and in which file, is at the top of couplings.hpp.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/influences.hpp"
#include "engine/slow_state.hpp"

namespace rewire::engine {

/// What the error of a leap is measured on, relative to healthy where that has a meaning: population means of block,
/// signalling, filtered calcium and scaling, the load of stress, and inflammation. Glutamate follows its input in a
/// second, the drives of the chain within minutes: they have no error of their own beside that of their inputs, see
/// summary_items().
/// \param counted  per population: neurons that the means are over, see SlowPart::driven()
std::vector<double> controlled(const SlowState& state, const std::vector<std::vector<std::uint8_t>>& counted,
                               const Model& model);

/// Where a leap can go back to.
struct SlowCheckpoint {
    SlowState state;
    std::vector<network::SynapseStore> synapses; ///< of the structural projections
    std::vector<std::vector<std::uint8_t>> driven;
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

    SlowCheckpoint checkpoint() const;
    void restore(const SlowCheckpoint& checkpoint);

    /// Per population: slots whose neuron is old enough for synapses to drive it; empty: all.
    std::vector<std::vector<std::uint8_t>> driven() const;

    const SlowState& state() const { return state_; }
    /// For the functions of couplings.hpp, as influences().
    const SlowSetting& setting() const { return setting_; }
    /// Drugs as they are now, and the interventions of a time.
    Influences influences(double at_s) const { return {setting_.model, state_.drug_effects, at_s}; }
    const SlowInputs& healthy() const { return setting_.healthy; }
    /// The extracellular voxels of a region; none before the start.
    std::span<const glutamate::ExtracellularPool> voxels(std::size_t region) const;
    /// Rates and turnover count from here on.
    void begin_sample_window(double at_s);
    /// Synapses of the structural projections, and how many were formed or lost since the window began.
    std::pair<std::uint64_t, std::uint64_t> structural_turnover() const;

    /// Wall time in structure; 0 unless the model asks for a profile.
    double structure_wall_s() const { return structure_wall_s_; }

private:
    void write_feedback(double at_s);

    FastNetwork& network_;
    SlowSetting setting_;
    SlowState state_;
    double structure_wall_s_ = 0;
};

} // namespace rewire::engine
