#pragma once
// What the fast part gathers for the slow part between two slow ticks: per neuron sums over samples taken every
// millisecond or so. Averages are formed from the samples, never from the mean voltage, because block and calcium
// depend steeply on it.

#include <array>
#include <cstdint>
#include <vector>

#include "drug/channel_block.hpp"
#include "neuron/l_type.hpp"
#include "quantity/aligned.hpp"
#include "synapse/receptor_state.hpp"

namespace rewire::engine {

/// Synaptic and extrasynaptic NMDA receptors of a neuron.
enum Pool : std::size_t { synaptic = 0, extrasynaptic = 1 };

/// Sums over samples for one subunit of one pool.
struct SubunitSums {
    drug::Subunit subunit = drug::n2a;
    double conductance_share = 0; ///< of the pool's conductance before Mg block
    double current_share = 0;     ///< of the pool's current at the reference potential (synapse/receptor.hpp)
    std::vector<aligned_vector<float>> exchange; ///< r(O) of each ligand, 1/s
    struct PerBlocker {
        aligned_vector<float> exchange_over_ic50; ///< r(O)/IC50(V), 1/(s uM)
        aligned_vector<float> over_ic50;          ///< 1/IC50(V), 1/uM
    };
    std::vector<PerBlocker> blockers;
};

/// All sums of one population.
struct Drives {
    bool sampled = false; ///< anything below but spikes and calcium is gathered
    std::uint32_t samples = 0;
    aligned_vector<std::uint32_t> spikes;
    aligned_vector<float> calcium; ///< beta x sum over spikes of the decay until the end of the tick
    aligned_vector<float> l_type;  ///< sum of the activation at V
    aligned_vector<float> ampa_nS; ///< sum of g_ampa x gain
    std::array<std::vector<SubunitSums>, 2> pools;
};

/// Constants of the sampling, the same for every population.
struct DriveConstants {
    neuron::LType l_type;
    std::vector<drug::Blocker> blockers;
    std::vector<drug::BlockConstants> block; ///< of each blocker; worked out by FastNetwork, as the next
    drug::Competition competition;
    double mg_mM = 1;
    synapse::PerSubunit mg_half_mM = synapse::mg_halves_mM(synapse::mg_half_ab_mM, synapse::mg_half_cd_mM);
};

/// Sets all sums to zero.
void reset(Drives& drives);

/// Adds one sample of neurons [first, first + count).
/// \param ambient_open  open fraction of extrasynaptic receptors before the Mg block
/// \param ambient_open_of  the same per neuron of the population, which then holds; may be null
void sample(Drives& drives, const DriveConstants& constants, const float* v_mV,
            const std::vector<synapse::ReceptorState>& receptors, float ambient_open, std::size_t first,
            std::size_t count, const float* ambient_open_of = nullptr);

} // namespace rewire::engine
