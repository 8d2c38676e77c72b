#pragma once
// Growth of synaptic elements under control of calcium (Butz & van Ooyen 2013, PLoS Comput Biol 9:e1003259).
//
// The calcium trace measures a neuron's mean activity (their equation 4):
//
//     dCa/dt = -Ca/tau + beta per spike
//
// Elements of a kind grow or retract at a rate that depends on the trace alone, and stand still at the target
// eps:
//
//     linear     dz/dt = nu (1 - Ca/eps)                               Gallinaro & Rotter 2018
//     gaussian   dz/dt = nu (2 exp(-((Ca - xi)/zeta)^2) - 1)           Butz & van Ooyen 2013, eq. 5
//                xi = (eta + eps)/2, zeta = (eps - eta)/(2 sqrt(ln 2)): zero at eta and eps, most nu at xi
//     sigmoid    dz/dt = nu (2/(1 + exp((Ca - eps)/psi)) - 1)          Butz, Steenbuck & van Ooyen 2014
//
// The rate follows calcium through the network's activity, so updates must come far oftener than tau: with
// updates every 10 s the elements overshoot their target about twofold, a numerical artefact.

#include <cmath>
#include <stdexcept>
#include <string>

#include "quantity/parameter.hpp"

namespace rewire::structure {

/// The calcium trace of a neuron; dimensionless.
struct CalciumParameters {
    double tau_s = 10;
    double beta = 0.001;
};

/// Calcium after `duration_s` without spikes; exact.
inline double decayed_calcium(const CalciumParameters& p, double calcium, double duration_s) {
    return calcium * std::exp(-duration_s / p.tau_s);
}

/// Calcium at which a steady rate holds: beta tau rate.
inline double equilibrium_calcium(const CalciumParameters& p, double rate_Hz) { return p.beta * p.tau_s * rate_Hz; }

/// Mean calcium after `duration_s` (0 or more) of spikes at a constant rate; exact.
inline double advanced_calcium(const CalciumParameters& p, double calcium, double rate_Hz, double duration_s) {
    const double end = equilibrium_calcium(p, rate_Hz);
    return end + decayed_calcium(p, calcium - end, duration_s);
}

/// How one kind of element grows.
struct GrowthRule {
    std::string rule = "gaussian";
    double growth_rate_per_s = 1e-3;
    double eta = 0;
    double target = 0.05;
    double width = 0.1;
};

/// \throws std::invalid_argument  gaussian with eta not below the target, or no such rule
inline void validate(const GrowthRule& rule) {
    if (rule.rule != "linear" && rule.rule != "gaussian" && rule.rule != "sigmoid")
        throw std::invalid_argument("growth rule \"" + rule.rule + "\": must be linear, gaussian or sigmoid");
    if (rule.rule == "gaussian" && !(rule.eta < rule.target))
        throw std::invalid_argument("eta = " + std::to_string(rule.eta) +
                                    ": must be below target = " + std::to_string(rule.target));
}

/// Growth of an element number (1/s, negative: retraction) at a calcium level, for a rule that validate()
/// accepts.
inline double growth_rate(const GrowthRule& rule, double calcium) {
    const double nu = rule.growth_rate_per_s;
    if (rule.rule == "linear") return nu * (1 - calcium / rule.target);
    if (rule.rule == "sigmoid") return -nu * std::tanh((calcium - rule.target) / (2 * rule.width));
    // 2 exp(-((Ca-xi)/zeta)^2) - 1 = exp(ln 2 (1 - u^2)) - 1 with u = -1 at eta and 1 at eps. (A header
    // comment of NEST prints zeta = (eps-eta)/2 sqrt(ln 2), with which the zeros would lie elsewhere; its
    // code has this form.)
    const double u = ((calcium - rule.eta) + (calcium - rule.target)) / (rule.target - rule.eta);
    return nu * std::expm1(std::log(2.0) * (1 - u * u));
}

} // namespace rewire::structure

namespace rewire {
template <>
struct Described<structure::CalciumParameters> {
    using S = structure::CalciumParameters;
    static constexpr std::string_view name = "calcium";
    static constexpr std::string_view meaning = "calcium trace of a neuron, the measure of its mean activity";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"tau", "s", &S::tau_s, positive, "decay time constant", "Butz & van Ooyen 2013"},
        {"beta", "1", &S::beta, positive, "calcium per spike", "Butz & van Ooyen 2013"},
    });
};

template <>
struct Described<structure::GrowthRule> {
    using S = structure::GrowthRule;
    static constexpr std::string_view name = "growth";
    static constexpr std::string_view meaning = "growth of one kind of synaptic element, by calcium alone";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"rule", "1", &S::rule, any_value, "shape of the growth curve", "Butz & van Ooyen 2013",
         "linear|gaussian|sigmoid"},
        {"growth_rate", "1/s", &S::growth_rate_per_s, positive, "greatest growth of the number of elements (nu)",
         "calibrated: 43 to 173 elements in the structural time constant of 12 to 48 h"},
        {"eta", "1", &S::eta, any_value, "calcium below which elements retract (gaussian only)", "NEST example"},
        {"target", "1", &S::target, positive, "calcium at which growth stops (eps); 0.05 is 5 Hz", "NEST example"},
        {"width", "1", &S::width, positive, "width of the curve (psi, sigmoid only)", "[M] Butz et al. 2014"},
    });
};
} // namespace rewire
