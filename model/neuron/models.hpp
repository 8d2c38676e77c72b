#pragma once
// The registry of neuron models: a new model is one header and one name here. What the rest of the program must know
// of a model it finds out from the functions of its header.

#include <variant>

#include "neuron/adex.hpp"
#include "neuron/izhikevich.hpp"
#include "neuron/lif_conductance.hpp"
#include "neuron/lif_current.hpp"

namespace rewire::neuron {

/// Every neuron model that a config may name by `Described<Model>::name`.
using Model = std::variant<Adex, Izhikevich, LifConductance, LifCurrent>;

/// True for models whose synapses inject currents (weights in pA) instead of conductances (weights in nS): those whose
/// header says how a synaptic current moves the membrane.
template <class M>
inline constexpr bool is_current_based = requires(const M& model) {
    synaptic_propagator_mV_per_pA(model, 1.0, 0.1);
};

/// True for models with an adaptation current: those whose header says where it starts.
template <class M>
inline constexpr bool is_adaptive = requires(const M& model) {
    initial_adaptation_pA(model, 0.0);
};

inline bool uses_currents(const Model& model) {
    return std::visit([]<class M>(const M&) { return is_current_based<M>; }, model);
}

inline bool has_adaptation(const Model& model) {
    return std::visit([]<class M>(const M&) { return is_adaptive<M>; }, model);
}

} // namespace rewire::neuron
