#pragma once
// The registry of neuron models: a new model is one header and one name here.

#include <variant>

#include "neuron/adex.hpp"
#include "neuron/lif_conductance.hpp"
#include "neuron/lif_current.hpp"

namespace rewire::neuron {

/// Every neuron model that a config may name by `Described<Model>::name`.
using Model = std::variant<Adex, LifConductance, LifCurrent>;

/// True for models whose synapses inject currents (weights in pA) instead of conductances (weights in nS).
template <class M>
inline constexpr bool is_current_based = false;
template <>
inline constexpr bool is_current_based<LifCurrent> = true;

inline bool uses_currents(const Model& model) {
    return std::visit([]<class M>(const M&) { return is_current_based<M>; }, model);
}

} // namespace rewire::neuron
