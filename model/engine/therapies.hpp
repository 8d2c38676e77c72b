#pragma once
// Therapies become what the engine has already: interventions and stimuli.

#include <vector>

#include "engine/model.hpp"

namespace rewire::engine {

/// Adds a session: to model.therapies, and what it does to the interventions and, for each population that its current
/// reaches, to the stimuli.
void add_session(Model& model, const clinic::Therapy& session, const std::vector<std::size_t>& populations);

} // namespace rewire::engine
