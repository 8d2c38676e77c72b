#pragma once
// Long-term plasticity by spike timing. Weights are relative to the projection's reference weight (the mean that it
// starts with) and stay within [0, maximum].
//
// A presynaptic spike that arrives leaves a trace x, a postsynaptic spike a trace y; each decays with its time constant.
// A new spike adds 1 to its trace (all-to-all pairing) or sets it to 1 (nearest-spike pairing), see Morrison, Diesmann &
// Gerstner 2008, Biol Cybern 98:459, section 4.1. Then
//
//     pair        post spike: w <- w + eta f+(w) x         pre arrives: w <- w - eta f-(w) y
//                 additive   f+ = 1,     f- = alpha        Song, Miller & Abbott 2000, Nat Neurosci 3:919
//                 power_law  f+ = w^mu,  f- = alpha w      Morrison, Aertsen & Diesmann 2007, Neural Comput 19:1437, eq 3
//     inhibitory  post spike: w <- w + eta x               pre arrives: w <- w + eta (y - rho0 (tau_pre + tau_post))
//                                                          Vogels et al. 2011, Science 334:1569, eq 1 (there both tau
//                                                          are one: 2 rho0 tau)
//
// Spikes at the same instant: the postsynaptic one comes first.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "quantity/parameter.hpp"

namespace rewire::synapse {

/// Parameters of a plastic projection.
struct LongTerm {
    std::string rule = "pair";
    std::string weight_dependence = "additive";
    std::string pairing = "all_to_all";
    double tau_pre_ms = 20;
    double tau_post_ms = 20;
    double learning_rate = 1e-3;
    double depression = 1.05;
    double exponent = 0.4;
    double target_rate_Hz = 5;
    double maximum = 10;
};

/// Traces are looked up in a table of 21 time constants.
inline constexpr Range trace_tau_ms{0, 1e4, true};

enum class LongTermKind : std::uint8_t { additive, power_law, inhibitory };

/// Constants of a rule for the hot loops.
struct LongTermConstants {
    LongTermKind kind = LongTermKind::additive;
    bool nearest = false;
    float learning_rate = 0; ///< eta
    float depression = 0;    ///< eta alpha; inhibitory: eta rho0 (tau_pre + tau_post)
    float exponent = 0;      ///< mu
    float maximum = 0;
};

inline LongTermConstants long_term_constants(const LongTerm& p) {
    LongTermConstants c;
    c.kind = p.rule == "inhibitory"               ? LongTermKind::inhibitory
             : p.weight_dependence == "power_law" ? LongTermKind::power_law
                                                  : LongTermKind::additive;
    c.nearest = p.pairing == "nearest";
    c.learning_rate = static_cast<float>(p.learning_rate);
    // alpha of Vogels et al. 2011: independent trains balance where rho_pre rho_post (tau_pre + tau_post) = rho_pre alpha.
    const double offset = p.target_rate_Hz * 1e-3 * (p.tau_pre_ms + p.tau_post_ms);
    c.depression = static_cast<float>(p.learning_rate * (p.rule == "inhibitory" ? offset : p.depression));
    c.exponent = static_cast<float>(p.exponent);
    c.maximum = static_cast<float>(p.maximum);
    return c;
}

/// The relative weight after a postsynaptic spike that meets the presynaptic trace x.
template <LongTermKind kind>
[[gnu::always_inline]] inline float after_post_spike(const LongTermConstants& c, float w, float x) {
    const float factor = kind == LongTermKind::power_law ? std::pow(w, c.exponent) : 1.0f;
    return std::min(w + c.learning_rate * factor * x, c.maximum);
}

/// The relative weight after the arrival of a presynaptic spike that meets the postsynaptic trace y.
template <LongTermKind kind>
[[gnu::always_inline]] inline float after_pre_spike(const LongTermConstants& c, float w, float y) {
    if constexpr (kind == LongTermKind::inhibitory)
        return std::clamp(w + c.learning_rate * y - c.depression, 0.0f, c.maximum);
    const float factor = kind == LongTermKind::power_law ? w : 1.0f;
    return std::max(w - c.depression * factor * y, 0.0f);
}

} // namespace rewire::synapse

namespace rewire {
template <>
struct Described<synapse::LongTerm> {
    using S = synapse::LongTerm;
    static constexpr std::string_view name = "long_term";
    static constexpr std::string_view meaning = "long-term plasticity by spike timing";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"rule", "1", &S::rule, any_value, "pairs of spikes, or inhibitory towards a target rate", "-",
         "pair|inhibitory"},
        {"weight_dependence", "1", &S::weight_dependence, any_value, "pair: how a change depends on the weight", "-",
         "additive|power_law"},
        {"pairing", "1", &S::pairing, any_value, "whether all spikes pair or each with the nearest", "-",
         "all_to_all|nearest"},
        {"tau_pre", "ms", &S::tau_pre_ms, synapse::trace_tau_ms, "decay of the presynaptic trace (potentiation)",
         "Song, Miller & Abbott 2000 (20 ms); Vogels 2011 (20 ms)"},
        {"tau_post", "ms", &S::tau_post_ms, synapse::trace_tau_ms, "decay of the postsynaptic trace (pair: depression)",
         "Song, Miller & Abbott 2000 (20 ms); Vogels 2011 (20 ms)"},
        {"learning_rate", "1", &S::learning_rate, non_negative,
         "eta: change for coincident spikes, share of the reference weight",
         "[M] Song, Miller & Abbott 2000 use 5e-3 of the maximum"},
        {"depression", "1", &S::depression, non_negative, "pair: alpha, depression relative to potentiation",
         "Song, Miller & Abbott 2000 (1.05)"},
        {"exponent", "1", &S::exponent, fraction, "power_law: mu", "Morrison, Aertsen & Diesmann 2007 (0.4)"},
        {"target_rate", "Hz", &S::target_rate_Hz, non_negative, "inhibitory: rho0, rate of the postsynaptic neuron",
         "Vogels 2011 (5 Hz)"},
        {"maximum", "1", &S::maximum, positive, "largest weight, relative to the reference weight",
         "[M] no bound is published that holds for every circuit; wide"},
    });
};
} // namespace rewire
