#pragma once
// From circuit to clinic: a SURROGATE of a symptom score. It is no clinical scale and says nothing of a person; it is
// one documented mapping of the circuit's synaptic function.
//
// Synaptic function is the AMPA throughput of a synapse times the number of synapses, both relative to the healthy
// circuit. The throughput is taken at the receptors: their gain times the share that no antagonist blocks. The
// measured synaptic drive would count spines twice and follow every change of rates.
//
//     f = A d                                       A: AMPA throughput, d: spine density
//     score = S D/(D + D_50),   D = max(0, 1 - f)   Emax model: Holford & Sheiner 1981, Clin Pharmacokinet 6:429
//
// A healthy circuit scores 0, whatever S is. A score linear in the deficit would have no gain to calibrate: S cancels
// in a per-cent change. Per-cent changes are relative to the score before treatment, at the start of the first dose.
//
// Calibrated on day 1 after 0.5 mg/kg of ketamine (S19) and on nothing else: in configs/stress_rescue.toml the drug is
// to take 25 % off the score, which is the difference to midazolam, 7.95 MADRS points (5 to 11 accepted; Murrough 2013
// [M]) of some 32 before treatment [M]. With deficits D before and D' a day later that is D_50 = D D'/(3 D - 4 D');
// seed 1 of the circuit of 2,000 neurons has D = 0.246 and D' = 0.118, D_50 = 0.11: 0.12 takes 26 % off.
// What the ketamine arm has beyond that, -45 to -60 % in all, is expectation.
//
// What patients expect of a treatment changes scores too, with a placebo as well. It is a term of its own, never mixed
// with the effect of the drug: a per-cent change to be added to that of the score. Attention u is renewed to 1 by each
// treatment and fades; expectation e follows it with a lag.
//
//     tau_o de/dt = u - e,   u = exp(-s/tau_f) at the time s after the latest treatment, 0 before the first
//     change = -100 size e   per cent of the score before treatment

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "quantity/parameter.hpp"
#include "quantity/relaxation.hpp"

namespace rewire::clinic {

struct SymptomScore {
    double severity = 100;
    double half_deficit = 0.12;
};

struct Expectation {
    double size = 0.3;
    double onset_h = 1;
    double fading_d = 14;
};

/// The surrogate score, 0 (none) to `severity`, of synaptic function relative to healthy (f, 0 or more).
inline double symptom_score(const SymptomScore& p, double synaptic_function) {
    const double deficit = std::max(0.0, 1 - synaptic_function);
    return p.severity * deficit / (deficit + p.half_deficit);
}

/// Change of a score in per cent of that before treatment; NaN where there were no symptoms.
inline double change_percent(double score, double before_treatment) {
    return before_treatment > 0 ? 100 * (score / before_treatment - 1) : std::numeric_limits<double>::quiet_NaN();
}

/// e at a time.
/// \param treatments_s  starts of all treatments, ascending; those after the time do not count
inline double expected(const Expectation& p, std::span<const double> treatments_s, double at_s) {
    const double onset_s = 3600 * p.onset_h, fading_s = 86400 * p.fading_d;
    double e = 0;
    for (std::size_t k = 0; k < treatments_s.size() && treatments_s[k] <= at_s; ++k) {
        const double end_s = k + 1 < treatments_s.size() ? std::min(at_s, treatments_s[k + 1]) : at_s;
        const double s = end_s - treatments_s[k];
        // (exp(-s/tau_f) - exp(-s/tau_o)) / (1 - tau_o/tau_f)
        const double risen = convolved_decays(s / onset_s, 1 / onset_s, 1 / fading_s, s);
        e = e * std::exp(-s / onset_s) + risen;
    }
    return e;
}

/// The expectation term: a change in per cent of the score before treatment, 0 or less.
inline double expectation_percent(const Expectation& p, std::span<const double> treatments_s, double at_s) {
    return 0 - 100 * p.size * expected(p, treatments_s, at_s); // never -0
}

} // namespace rewire::clinic

namespace rewire {
template <>
struct Described<clinic::SymptomScore> {
    using S = clinic::SymptomScore;
    static constexpr std::string_view name = "symptom_score";
    static constexpr std::string_view meaning =
        "surrogate symptom score: a mapping of AMPA throughput x spine density, no clinical scale";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"severity", "1", &S::severity, positive,
         "score that a great deficit of synaptic function tends to; a healthy circuit scores 0",
         "a choice of units: it cancels in per-cent changes"},
        {"half_deficit", "1", &S::half_deficit, positive, "deficit of synaptic function at half of the severity (D_50)",
         "calibrated: S19 day 1, drug effect -25 % of the score before treatment"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"populations", "a list of names", "(those of [molecular] that have spines)",
         "whose synaptic function is read, such as [\"pyramidal\"]: its mean over their neurons"},
        {"expectation", "a table", "(none)",
         "the expectation (placebo) term, apart from the drug; 0 without the table"},
    });
};

template <>
struct Described<clinic::Expectation> {
    using S = clinic::Expectation;
    static constexpr std::string_view name = "expectation";
    static constexpr std::string_view meaning =
        "what patients expect of doses and therapies, a dose of 0 mg (placebo) included; an assumption";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"size", "1", &S::size, fraction, "greatest fall of the score, share of that before treatment",
         "calibrated: S19 day 1, what -45 to -60 % of the ketamine arm have beyond the drug effect"},
        {"onset", "h", &S::onset_h, positive, "lag behind attention",
         "[M] ketamine arm -20 to -35 % at 40 min already, low confidence"},
        {"fading", "d", &S::fading_d, positive, "fading of attention after a treatment",
         "[M] ketamine arm -10 to -30 % on day 14, low confidence"},
    });
};
} // namespace rewire
