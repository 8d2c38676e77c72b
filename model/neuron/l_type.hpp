#pragma once
// Drive of L-type calcium channels, the input of BDNF release (Lepack 2014): depolarisation and spikes.
//
//     drive = < 1 / (1 + exp(-(V - V_half)/k)) >  +  rate x t_spike
//
// The first term is the steady activation of the channel (Boltzmann; Lipscombe 2004) at the potential that the model
// has between spikes; its spike has no width, so each one adds the time that a real one keeps the channel open.

#include "quantity/parameter.hpp"

namespace rewire::neuron {

/// Parameters of the L-type drive.
struct LType {
    double half_mV = -20;
    double slope_mV = 7;
    double spike_ms = 3;
};

} // namespace rewire::neuron

namespace rewire {
template <>
struct Described<neuron::LType> {
    using S = neuron::LType;
    static constexpr std::string_view name = "l_type";
    static constexpr std::string_view meaning = "calcium drive through L-type channels";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"half", "mV", &S::half_mV, any_value, "potential of half activation",
         "[M] Lipscombe 2004 (Cav1.3 -20 to -30 mV)"},
        {"slope", "mV", &S::slope_mV, positive, "slope of the activation", "[M] Lipscombe 2004 (5-8 mV)"},
        {"spike", "ms", &S::spike_ms, non_negative, "open time that one spike stands for",
         "[M] spike and its afterdepolarisation"},
    });
};
} // namespace rewire
