#pragma once
// When something happens that no leap may step over.

#include <vector>

#include "engine/model.hpp"

namespace rewire::engine {

/// Times at which the circuit is disturbed: starts and ends of doses (with lags and repeats), interventions and
/// stimuli, every volley of one, and the stretch before a named one that its response is compared with. Within the
/// duration, ascending, each once.
std::vector<double> disturbance_times_s(const Model& model);

/// Starts of all treatments, which is what patients expect something of: the doses, of 0 mg too, and
/// sessions of therapies. Ascending.
std::vector<double> treatment_times_s(const Model& model);

} // namespace rewire::engine
