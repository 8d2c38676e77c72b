#pragma once
// Homeostatic synaptic scaling: a neuron multiplies all its excitatory synapses by one factor H until its activity is
// what it was (Turrigiano et al. 1998, Nature 391:892). As an integral controller of the calcium trace (van Rossum, Bi &
// Turrigiano 2000, J Neurosci 20:8812, eq. 6, on the logarithm of all weights):
//
//     dH/dt = k H (1 - c),   H_min <= H <= H_max        c: calcium over its target, 1 in the healthy circuit
//
// H follows activity over days and stands where c is 1: whatever was taken from the synapses is given back. It scales
// AMPA receptors, on top of their gain by signalling (molecular/signalling.hpp), which acts within an hour.

#include <algorithm>
#include <cmath>

#include "quantity/parameter.hpp"

namespace rewire::synapse {

struct Scaling {
    double rate_per_h = 0.00729;
    double least = 0.5;
    double most = 2;
};

/// H after `hours` (0 or more) at a constant c (equation above); exact.
inline double advanced_scaling(const Scaling& p, double scaling, double relative_calcium, double hours) {
    return std::clamp(scaling * std::exp(p.rate_per_h * (1 - relative_calcium) * hours), p.least, p.most);
}

} // namespace rewire::synapse

namespace rewire {

template <>
struct Described<synapse::Scaling> {
    using S = synapse::Scaling;
    static constexpr std::string_view name = "scaling";
    static constexpr std::string_view meaning = "homeostatic scaling of the excitatory synapses of a neuron";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"rate", "1/h", &S::rate_per_h, positive, "k: relative rise of the synapses of a silent neuron",
         "calibrated: x1.3 in 36 h of silence, Turrigiano 1998 (24-48 h) [M]"},
        {"least", "1", &S::least, {0, 1, true}, "H_min", "chosen: half, beyond what scaling was seen to do"},
        {"most", "1", &S::most, {1, 1e3}, "H_max", "chosen: twice, beyond what scaling was seen to do"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"populations", "a list of names", "", "the populations whose synapses are scaled, such as [\"pyramidal\"]"},
    });
};

} // namespace rewire
