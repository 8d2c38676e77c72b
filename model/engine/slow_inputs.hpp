#pragma once
// What the fast part tells the slow part: averages over a stretch of spiking.

#include <array>
#include <string>
#include <vector>

#include "engine/fast_network.hpp"
#include "engine/model.hpp"

namespace rewire::engine {

/// Slow inputs of one population, averaged over a stretch.
struct PopulationInputs {
    std::vector<double> rate_Hz; ///< per neuron
    std::vector<double> calcium; ///< per neuron: what the spikes of the stretch leave of the trace at its end
    double l_type = 0;           ///< mean over neurons that are old enough to be driven; 0 if there are none
    double ampa_nS = 0;          ///< the same
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
    std::vector<double> release_events_per_s; ///< per extracellular voxel, region by region: of the sources in it
};

/// The averages of a network's drives, which have gathered for `seconds`.
SlowInputs gather(const FastNetwork& network, const Model& model, double seconds);

/// The mean of two stretches, weighted by their lengths. A mean of 0 s is none yet.
void accumulate(SlowInputs& mean, const SlowInputs& inputs);

/// Linear interpolation: `a` at share 0, `b` at share 1; `seconds` is that of a.
SlowInputs between(const SlowInputs& a, const SlowInputs& b, double share);

/// A population mean that decides how long to measure and how far to leap.
struct SummaryItem {
    enum What { release, rate, l_type, ampa } what;
    std::size_t index; ///< of the region's first voxel, or of the population
    std::string name;
    std::size_t voxels = 1; ///< of the region
};

/// Those of a model: the release of every region, and rate, L-type and AMPA drive of the populations whose signalling
/// or structure follows them.
std::vector<SummaryItem> summary_items(const Model& model);
std::vector<double> summary(const SlowInputs& inputs, const std::vector<SummaryItem>& items);
/// The inputs with each item raised by a number of its own.
SlowInputs raised(SlowInputs inputs, const std::vector<SummaryItem>& items, const std::vector<double>& rise);

} // namespace rewire::engine
