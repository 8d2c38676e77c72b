#pragma once
// A run of which only some quantities of the slow clock are kept, in memory: one patient of a cohort.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/model.hpp"

namespace rewire::engine {

/// One quantity over a run: values (time, entry of its dimension), row by row.
struct KeptSeries {
    std::string name, unit, long_name, dimension;
    std::vector<std::string> labels;
    std::vector<double> values;
};

struct KeptRun {
    bool finished = false;           ///< false: it was interrupted; the series end early
    std::vector<double> time_s;      ///< the sample times of the model, as far as they were reached
    std::vector<KeptSeries> series;  ///< in the order of the names that were asked for, without unknown ones
    std::vector<std::string> drugs;  ///< species
    std::vector<double> plasma_peak; ///< ng/mL, per species: greatest value at any stop of the run
    double spiking_s = 0;            ///< time with spikes
    std::vector<std::pair<std::string, double>> unsteady_inputs; ///< see Simulation
};

/// The quantities that a run of this model has on the slow clock, without values.
/// \throws std::invalid_argument  see Simulation
std::vector<KeptSeries> slow_quantities(Model model);

/// \param model        run in as many threads as it says
/// \param names        quantities of the slow clock; those that the model does not have are left out
/// \param interrupted  asked at every stop; when it says yes the run is given up
/// \param progress     told the time (s) at every stop
KeptRun keep(Model model, const std::vector<std::string>& names, const std::function<bool()>& interrupted,
             const std::function<void(double)>& progress);

} // namespace rewire::engine
