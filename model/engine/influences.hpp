#pragma once
// What acts from outside at a time: drugs by their effects on targets (drug/target.hpp), interventions by their
// schedule. A therapy is interventions (engine/therapies.hpp).

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "drug/pharmacokinetics.hpp"
#include "drug/target.hpp"
#include "engine/model.hpp"

namespace rewire::engine {

/// Effects of the concentrations that drugs have now.
drug::Effects drug_effects(const Model& model, const std::vector<drug::Pharmacokinetics>& drugs);

/// True if a drug or an intervention of the model acts on a target, at whatever time.
bool acted_on(const Model& model, drug::Target target);

/// Drugs and interventions at a time. What a strength means is said in drug::targets and `intervention_kinds`.
struct Influences {
    const Model& model;
    drug::Effects drugs;
    double at_s;

    /// Strength on a target, of drugs and interventions together.
    /// \param population  on whose receptors; without one, interventions on some populations only do not count
    double on(drug::Target target, std::optional<std::size_t> population = {}) const;
    /// Strength of the interventions of one kind. Relief is taken off stress.
    /// \param population  as above
    double of(std::string_view what, std::optional<std::size_t> population = {}) const;
};

} // namespace rewire::engine
