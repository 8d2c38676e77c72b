#pragma once
// Long-term plasticity by spike timing. Weights are relative to the projection's reference weight (the mean that it
// starts with) and stay within [0, maximum].
//
// A presynaptic spike that arrives leaves a trace x, a postsynaptic spike a trace y; each decays with its time
// constant. A new spike adds 1 to its trace (all-to-all pairing) or sets it to 1 (nearest-spike pairing), see Morrison,
// Diesmann & Gerstner 2008, Biol Cybern 98:459, section 4.1. Then
//
//     pair        post spike: w <- w + eta f+(w) x         pre arrives: w <- w - eta f-(w) y
//                 additive   f+ = 1,     f- = alpha        Song, Miller & Abbott 2000, Nat Neurosci 3:919
//                 power_law  f+ = w^mu,  f- = alpha w      Morrison, Aertsen & Diesmann 2007, Neural Comput
//                                                          19:1437, eq 3
//     triplet     post spike: w <- w + x (A2+ + A3+ y2)    pre arrives: w <- w - y (A2- + A3- x2)
//                                                          Pfister & Gerstner 2006, J Neurosci 26:9673, eqs 3-4
//     inhibitory  post spike: w <- w + eta x               pre arrives: w <- w + eta (y - rho0 (tau_pre + tau_post))
//                                                          Vogels et al. 2011, Science 334:1569, eq 1 (there both tau
//                                                          are one: 2 rho0 tau)
//
// The triplet rule has a second, slower trace of either side, x2 and y2, read just before the spike adds to it. By
// default it is their minimal all-to-all model of the visual cortex (table 3: A2+ = A3- = 0), fitted to the frequency
// dependence that Sjostrom, Turrigiano & Nelson 2001 measured (Neuron 32:1149).
//
// Spikes at the same instant: the postsynaptic one comes first.
//
// The part of a change that needs the postsynaptic neuron's synaptic NMDA receptors goes with the share u of them that
// no drug holds blocked at that spike: a change is multiplied by 1 - d (1 - u), with d the NMDA dependence, of
// potentiation and of depression apart, as they differ between synapses. Potentiation by spike timing needs
// postsynaptic NMDA receptors (Bender et al. 2006, J Neurosci 26:4166). So does depression in the visual cortex after
// the third week (Corlew et al. 2007, J Neurosci 27:9835); in the young one, and from layer 4 to 2/3 of the
// somatosensory cortex (Bender et al. 2006), it does not. That it is linear in u is an assumption. Where no synapse
// acts on an NMDA receptor of the neuron, u is 1.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "quantity/parameter.hpp"

namespace rewire::synapse {

/// Parameters of a plastic projection. Defaults are filled in per rule by `default_long_term`.
struct LongTerm {
    std::string rule = "pair";
    std::string weight_dependence = "additive";
    std::string pairing = "all_to_all";
    double tau_pre_ms = 20;
    double tau_post_ms = 20;
    double learning_rate = 1e-3;
    double depression = 1.05;
    double exponent = 0.4;
    double tau_pre_slow_ms = 101;
    double tau_post_slow_ms = 114;
    double pair_potentiation = 0;
    double triplet_potentiation = 6.5e-3;
    double pair_depression = 7.1e-3;
    double triplet_depression = 0;
    double target_rate_Hz = 5;
    double maximum = 10;
    double nmda_dependence = 1; ///< of potentiation; inhibitory: of all change
    double nmda_dependence_of_depression = 1;
};

/// The published default of a rule.
inline LongTerm default_long_term(const std::string& rule) {
    LongTerm p{.rule = rule};
    if (rule == "triplet") p.tau_pre_ms = 16.8, p.tau_post_ms = 33.7;
    if (rule == "inhibitory") p.nmda_dependence = p.nmda_dependence_of_depression = 0;
    return p;
}

/// Traces are looked up in a table of 21 time constants.
inline constexpr Range trace_tau_ms{0, 1e4, true};

enum class LongTermKind : std::uint8_t { additive, power_law, triplet, inhibitory };

/// Constants of a rule for the hot loops.
struct LongTermConstants {
    LongTermKind kind = LongTermKind::additive;
    bool nearest = false;
    float learning_rate = 0; ///< eta; triplet: 1
    float depression = 0;    ///< eta alpha; triplet: A2-; inhibitory: eta rho0 (tau_pre + tau_post)
    float exponent = 0;      ///< mu
    float maximum = 0;
    float pair_potentiation = 0, triplet_potentiation = 0, triplet_depression = 0; ///< A2+, A3+, A3-
    float nmda_dependence = 0, nmda_dependence_of_depression = 0;
};

inline LongTermConstants long_term_constants(const LongTerm& p) {
    LongTermConstants c;
    c.kind = p.rule == "inhibitory"               ? LongTermKind::inhibitory
             : p.rule == "triplet"                ? LongTermKind::triplet
             : p.weight_dependence == "power_law" ? LongTermKind::power_law
                                                  : LongTermKind::additive;
    c.nearest = p.pairing == "nearest";
    c.learning_rate = static_cast<float>(p.learning_rate);
    // alpha of Vogels et al. 2011: independent trains balance where rho_pre rho_post (tau_pre + tau_post) =
    // rho_pre alpha.
    const double offset = p.target_rate_Hz * 1e-3 * (p.tau_pre_ms + p.tau_post_ms);
    c.depression = static_cast<float>(p.learning_rate * (p.rule == "inhibitory" ? offset : p.depression));
    c.exponent = static_cast<float>(p.exponent);
    c.maximum = static_cast<float>(p.maximum);
    if (p.rule == "triplet") {
        c.learning_rate = 1;
        c.depression = static_cast<float>(p.pair_depression);
        c.pair_potentiation = static_cast<float>(p.pair_potentiation);
        c.triplet_potentiation = static_cast<float>(p.triplet_potentiation);
        c.triplet_depression = static_cast<float>(p.triplet_depression);
    }
    c.nmda_dependence = static_cast<float>(p.nmda_dependence);
    // One for all change keeps the target of the inhibitory rule where it is.
    c.nmda_dependence_of_depression =
        static_cast<float>(p.rule == "inhibitory" ? p.nmda_dependence : p.nmda_dependence_of_depression);
    return c;
}

/// Share of a change that is left where the share `unblocked` of the NMDA receptors is.
inline float share_left(float dependence, float unblocked) { return 1 - dependence * (1 - unblocked); }

/// The relative weight after a postsynaptic spike that meets the presynaptic trace x, times A2+ + A3+ y2 (triplet) and
/// the share that is left.
template <LongTermKind kind>
[[gnu::always_inline]] inline float after_post_spike(const LongTermConstants& c, float w, float x) {
    const float factor = kind == LongTermKind::power_law ? std::pow(w, c.exponent) : 1.0f;
    return std::min(w + c.learning_rate * factor * x, c.maximum);
}

/// The relative weight after the arrival of a presynaptic spike that meets the postsynaptic trace y.
/// \param depression  that of the constants; triplet: A2- + A3- x2
/// \param left  share of the change that is left
template <LongTermKind kind>
[[gnu::always_inline]] inline float after_pre_spike(const LongTermConstants& c, float w, float y, float depression,
                                                    float left) {
    if constexpr (kind == LongTermKind::inhibitory)
        return std::clamp(w + c.learning_rate * (left * y) - left * depression, 0.0f, c.maximum);
    const float factor = kind == LongTermKind::power_law ? w : 1.0f;
    return std::max(w - depression * factor * (left * y), 0.0f);
}

} // namespace rewire::synapse

namespace rewire {
template <>
struct Described<synapse::LongTerm> {
    using S = synapse::LongTerm;
    static constexpr std::string_view name = "long_term";
    static constexpr std::string_view meaning = "long-term plasticity by spike timing";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"rule", "1", &S::rule, any_value, "pairs or triplets of spikes, or inhibitory towards a target rate", "-",
         "pair|triplet|inhibitory"},
        {"weight_dependence", "1", &S::weight_dependence, any_value, "pair: how a change depends on the weight", "-",
         "additive|power_law"},
        {"pairing", "1", &S::pairing, any_value, "whether all spikes pair or each with the nearest", "-",
         "all_to_all|nearest"},
        {"tau_pre", "ms", &S::tau_pre_ms, synapse::trace_tau_ms, "decay of the presynaptic trace (potentiation)",
         "Song, Miller & Abbott 2000 (20 ms); Vogels 2011 (20 ms); triplet: [R] Pfister & Gerstner 2006 (16.8 ms)"},
        {"tau_post", "ms", &S::tau_post_ms, synapse::trace_tau_ms, "decay of the postsynaptic trace (depression)",
         "Song, Miller & Abbott 2000 (20 ms); Vogels 2011 (20 ms); triplet: [R] Pfister & Gerstner 2006 (33.7 ms)"},
        {"learning_rate", "1", &S::learning_rate, non_negative,
         "eta: change for coincident spikes, share of the reference weight; not of triplet",
         "[M] Song, Miller & Abbott 2000 use 5e-3 of the maximum"},
        {"depression", "1", &S::depression, non_negative, "pair: alpha, depression relative to potentiation",
         "Song, Miller & Abbott 2000 (1.05)"},
        {"exponent", "1", &S::exponent, fraction, "power_law: mu", "Morrison, Aertsen & Diesmann 2007 (0.4)"},
        {"tau_pre_slow", "ms", &S::tau_pre_slow_ms, synapse::trace_tau_ms, "triplet: decay of x2",
         "[R] Pfister & Gerstner 2006, table 3 (full model: tau_x 101 ms)"},
        {"tau_post_slow", "ms", &S::tau_post_slow_ms, synapse::trace_tau_ms, "triplet: decay of y2",
         "[R] Pfister & Gerstner 2006, table 3 (minimal: tau_y 114 ms)"},
        {"pair_potentiation", "1", &S::pair_potentiation, non_negative,
         "triplet: A2+, of a pair, share of the reference weight", "[R] Pfister & Gerstner 2006, table 3 (minimal: 0)"},
        {"triplet_potentiation", "1", &S::triplet_potentiation, non_negative,
         "triplet: A3+, of a post-pre-post triplet, share of the reference weight",
         "[R] Pfister & Gerstner 2006, table 3 (minimal: 6.5e-3)"},
        {"pair_depression", "1", &S::pair_depression, non_negative,
         "triplet: A2-, of a pair, share of the reference weight",
         "[R] Pfister & Gerstner 2006, table 3 (minimal: 7.1e-3)"},
        {"triplet_depression", "1", &S::triplet_depression, non_negative,
         "triplet: A3-, of a pre-post-pre triplet, share of the reference weight",
         "[R] Pfister & Gerstner 2006, table 3 (minimal: 0)"},
        {"target_rate", "Hz", &S::target_rate_Hz, non_negative, "inhibitory: rho0, rate of the postsynaptic neuron",
         "Vogels 2011 (5 Hz)"},
        {"maximum", "1", &S::maximum, positive, "largest weight, relative to the reference weight",
         "[M] no bound is published that holds for every circuit; wide"},
        {"nmda_dependence", "1", &S::nmda_dependence, fraction,
         "d: part of potentiation (inhibitory: of all change) that needs unblocked NMDA receptors of the target",
         "Bender 2006 [V]; inhibitory: 0, Vogels 2011 has none ([M] D'amour & Froemke 2015 finds it)"},
        {"nmda_dependence_of_depression", "1", &S::nmda_dependence_of_depression, fraction,
         "the same of depression; not of inhibitory",
         "Corlew 2007 [V] (visual cortex after the third week); 0: Bender 2006 [V]"},
    });
};
} // namespace rewire
