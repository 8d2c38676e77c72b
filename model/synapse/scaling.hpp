#pragma once
// Homeostatic synaptic scaling: a neuron multiplies all its excitatory synapses by one factor H until its activity is
// what it was (Turrigiano et al. 1998, Nature 391:892). As an integral controller of the calcium trace (van Rossum, Bi
// & Turrigiano 2000, J Neurosci 20:8812, eq. 6, on the logarithm of all weights):
//
//     dH/dt = k H (1 - c),   H_min <= H <= H_max        c: calcium over its target, 1 in the healthy circuit
//
// H follows activity over days and stands where c is 1: whatever was taken from the synapses is given back. It scales
// AMPA receptors, on top of their gain by signalling (molecular/signalling.hpp), which acts within an hour.
//
// Targets are measured in a baseline of seconds to minutes, in which a sparse cell fires n = 0, 10 or 20 spikes. Its
// own count is a poor target: E[1/n] > 1/E[n], and what fired by chance less than it does is scaled down. For health to
// be a fixed point on average, E[1 - c | n] = 0, the target has to be the mean of the rate given the count: empirical
// Bayes (Robbins 1956, Proc 3rd Berkeley Symp 1:157). For Poisson counts and rates spread as a gamma distribution of
// mean m and shape k over the population (Clayton & Kaldor 1987, Biometrics 43:671) that is
//
//     expected count = (n + k)/(1 + k/m),   1/k = (variance of n - m)/m^2, by moments; m where that is not above 0
//
// Its mean over the population is m. Long baselines and wide spreads (n >> k) leave each neuron its own count, short
// ones and narrow spreads the population's mean.
//
// What remains: single targets are off by some 1/sqrt(n + k), and over weeks H goes where the rate meets them. Over
// log-normal rates E[c] is above 1 (mean n 10, spread of ln(rate) 0.7: 1.04; 1: 1.14; own counts: 1.23, 1.26). A neuron
// that never fires has H_max in the end. Trains more regular than Poisson are drawn further to the mean than they
// should be, bursts less far. In a population that was silent there is no target, and nothing is scaled.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "quantity/parameter.hpp"

namespace rewire::synapse {

/// Constants of the controller; see the table below for ranges and sources.
struct Scaling {
    double rate_per_h = 0.00729;
    double least = 0.5;
    double most = 2;
};

/// How many spikes each neuron of a population is to be expected to fire in as long as it has fired `spikes` in
/// (equation above): all 0 if none has fired.
/// \param spikes  0 or more each
inline std::vector<double> expected_spikes(std::span<const double> spikes) {
    const auto n = static_cast<double>(spikes.size());
    double mean = 0, variance = 0;
    for (const double x : spikes) mean += x / n;
    for (const double x : spikes) variance += (x - mean) * (x - mean) / std::max(1.0, n - 1);
    std::vector<double> expected(spikes.size(), mean);
    if (variance <= mean) return expected;
    const double k = mean * mean / (variance - mean);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = (spikes[i] + k) / (1 + k / mean);
    return expected;
}

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
