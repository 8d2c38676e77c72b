#pragma once
// Adult neurogenesis in the dentate gyrus: granule cells are born, mature over weeks and die unless they are used.
//
//     birth       rate = r N0 max(0, 1 + g_B (Bf - 1)) max(0, 1 - l stress),  dBf/dt = (B - Bf)/tau_B
//     death       hazard by age: none until critical_from (1 wk), then h_e until input begins (3 wk), then
//                 h_u (1 - s(u)) until critical_to (4 wk), both x exp(-g_T (T - 1)); a small one ever after
//                 h_e, h_u = -ln(1 - share that dies) / length,   s(u) = u/(u + u_half),   du/dt = (rate - u)/tau_u
//     maturing    synapses from synapses_from on (structural_update.hpp); excitation 0 until input_from,
//                 window_excitation from window_from to window_to, 1 from `integrated` on, linear in between;
//                 inhibition likewise
//
// B, T: BDNF and TrkB over their healthy values; N0: mature neurons at the start; u: firing rate over the mean rate of
// the healthy population. Half die at 1 to 4 weeks; what their activity and NMDA receptors save is saved in the third
// to fourth (Tashiro et al. 2006, Nature 442:929 [M]); BDNF through TrkB saves more (Li et al. 2008 [M]). Young cells
// have a higher input resistance (Schmidt-Hieber et al. 2004, Nature 429:184 [M]) and less inhibition (Marin-Burgin et
// al. 2012, Science 335:1238 [M]), which the two gains stand for. No drug and no exercise is in here: they act through
// B, T and activity.
//
// Neurons live in the slots of a population of fixed size, lowest free one first. The n-th birth comes when the
// integral of the birth rate reaches the sum of n unit exponentials, a neuron dies when the integral of its hazard
// reaches one of its own (time change of a Poisson process): each number is keyed by the neuron, so that neither
// threads nor the cut of time into steps change what is drawn. Within a step drives are held; hazards and births are
// exact in it.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <queue>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "quantity/parameter.hpp"
#include "quantity/relaxation.hpp"
#include "random/stream.hpp"
#include "structure/spines.hpp"

namespace rewire::structure {

inline constexpr double seconds_per_d = 86400;

struct NeurogenesisParameters {
    std::int64_t mature = 0;
    double birth_per_d = 0.00375;
    double bdnf_gain = 1;
    double bdnf_tau_d = 7;
    double stress_loss = 0.3;
    double synapses_from_d = 14;
    double input_from_d = 21;
    double window_from_d = 28;
    double window_to_d = 42;
    double integrated_d = 56;
    double window_excitation = 1.5;
    double window_inhibition = 0.5;
    double critical_from_d = 7;
    double critical_to_d = 28;
    double early_death = 0.2;
    double unused_death = 0.6;
    double use_half = 0.3;
    double use_tau_d = 2;
    double trkb_survival = 1;
    double mature_death_per_d = 0.0018;
};

/// What is wrong with the order of the ages; empty if they ascend as they must.
inline std::string fault_of(const NeurogenesisParameters& p) {
    if (!(p.critical_from_d <= p.input_from_d && p.input_from_d <= p.critical_to_d))
        return "critical_from, input_from and critical_to must ascend";
    if (!(p.synapses_from_d <= p.window_from_d && p.input_from_d <= p.window_from_d &&
          p.window_from_d < p.window_to_d && p.window_to_d <= p.integrated_d))
        return "synapses_from and input_from must not be after window_from, which, window_to and integrated must "
               "ascend";
    if ((p.early_death > 0 && p.critical_from_d == p.input_from_d) ||
        (p.unused_death > 0 && p.input_from_d == p.critical_to_d))
        return "early_death needs time between critical_from and input_from, unused_death between input_from and "
               "critical_to";
    return {};
}

enum class Stage { young, window, mature };

inline Stage stage_of(const NeurogenesisParameters& p, double age_d) {
    return age_d < p.window_from_d ? Stage::young : age_d < p.window_to_d ? Stage::window : Stage::mature;
}

/// Births per day. \param bdnf  slowly filtered, 1 in health  \param stress  0 none, 1 that of the standard models
inline double birth_rate_per_d(const NeurogenesisParameters& p, double bdnf, double stress) {
    return p.birth_per_d * static_cast<double>(p.mature) * std::max(0.0, 1 + p.bdnf_gain * (bdnf - 1)) *
           std::max(0.0, 1 - p.stress_loss * stress);
}

/// Ages (d) at which the hazard changes, and its levels (1/d) from each of them on.
struct HazardSteps {
    std::array<double, 4> from_d;
    std::array<double, 4> per_d;
};

/// \param use   firing rate over that of the healthy population, filtered; 0 or more
/// \param trkb  1 in health
inline HazardSteps hazard_steps(const NeurogenesisParameters& p, double use, double trkb) {
    const auto constant = [](double share, double length_d) {
        return share > 0 ? -std::log1p(-share) / length_d : 0.0;
    };
    const double unsaved = std::exp(-p.trkb_survival * (trkb - 1));
    const double unused = use > 0 ? p.use_half / (use + p.use_half) : 1;
    return {{0, p.critical_from_d, p.input_from_d, p.critical_to_d},
            {0, unsaved * constant(p.early_death, p.input_from_d - p.critical_from_d),
             unsaved * unused * constant(p.unused_death, p.critical_to_d - p.input_from_d), p.mature_death_per_d}};
}

/// Integral of the hazard from one age to another.
inline double hazard_between(const HazardSteps& h, double from_d, double to_d) {
    double sum = 0;
    for (std::size_t k = 0; k < h.per_d.size(); ++k) {
        const double end = k + 1 < h.per_d.size() ? h.from_d[k + 1] : std::numeric_limits<double>::infinity();
        sum += h.per_d[k] * std::max(0.0, std::min(to_d, end) - std::max(from_d, h.from_d[k]));
    }
    return sum;
}

/// The age at which the integral of the hazard from `from_d` on reaches `amount`; infinite if it never does.
inline double age_at_hazard(const HazardSteps& h, double from_d, double amount) {
    for (std::size_t k = 0; k < h.per_d.size(); ++k) {
        const double end = k + 1 < h.per_d.size() ? h.from_d[k + 1] : std::numeric_limits<double>::infinity();
        const double begin = std::max(from_d, h.from_d[k]);
        if (begin >= end || h.per_d[k] <= 0) continue;
        if (amount <= h.per_d[k] * (end - begin)) return begin + amount / h.per_d[k];
        amount -= h.per_d[k] * (end - begin);
    }
    return std::numeric_limits<double>::infinity();
}

/// A course through the ages: 0 until input begins, `in_window` in the window, 1 once integrated, linear in between.
inline double course(const NeurogenesisParameters& p, double age_d, double in_window) {
    const auto ramp = [&](double from, double to, double a, double b) {
        return to > from ? a + (b - a) * (age_d - from) / (to - from) : b;
    };
    if (age_d < p.input_from_d) return 0;
    if (age_d < p.window_from_d) return ramp(p.input_from_d, p.window_from_d, 0, in_window);
    if (age_d < p.window_to_d) return in_window;
    if (age_d < p.integrated_d) return ramp(p.window_to_d, p.integrated_d, in_window, 1);
    return 1;
}

/// Factor of excitatory conductances.
inline double excitation(const NeurogenesisParameters& p, double age_d) {
    return course(p, age_d, p.window_excitation);
}
/// Factor of inhibitory conductances.
inline double inhibition(const NeurogenesisParameters& p, double age_d) {
    return course(p, age_d, p.window_inhibition);
}

/// Neurons of a population, by slot.
struct NeuronSlots {
    std::vector<std::uint8_t> present; ///< a neuron is there
    std::vector<double> birth_d;       ///< time of its birth; those of the start are `integrated` old then
    std::vector<double> hazard;        ///< integral of its hazard
    std::vector<double> lifetime;      ///< of which it dies
    std::vector<double> use;           ///< filtered rate over that of the healthy population
    double bdnf = 1;                   ///< filtered
    double birth_rate_per_d = 0;       ///< in the last step
    double births_due = 0;             ///< integral of the birth rate
    double next_birth = 0;             ///< its value at the next birth
    std::uint64_t births = 0;          ///< that came, refused ones included
    std::uint64_t born = 0, dead = 0;  ///< neurons so far, those of the start included: born = alive + dead
    std::uint64_t refused = 0;         ///< births without a free slot

    std::uint64_t alive() const { return born - dead; }
};

/// Names the random numbers of a population.
struct NeurogenesisKey {
    std::uint64_t seed = 0;
    std::uint64_t population = 0; ///< below 2^16

    enum Kind : std::uint64_t { interval, lifetime, lifetime_at_start };
    double exponential(std::uint64_t number, Kind kind) const {
        return -std::log(RandomStream(seed, Purpose::neurogenesis, population << 32 | number, kind).uniform());
    }
};

/// The state at time 0: the first `mature` slots hold neurons.
/// \throws std::invalid_argument  if there are fewer slots, or the ages do not ascend
inline NeuronSlots make_slots(const NeurogenesisParameters& p, std::size_t slots, const NeurogenesisKey& key) {
    const auto mature = static_cast<std::size_t>(p.mature);
    if (p.mature < 1 || mature > slots)
        throw std::invalid_argument("mature = " + std::to_string(p.mature) + ": must be between 1 and the " +
                                    std::to_string(slots) + " slots of the population");
    if (const std::string fault = fault_of(p); !fault.empty()) throw std::invalid_argument(fault);
    NeuronSlots s;
    s.present.assign(slots, 0);
    std::fill_n(s.present.begin(), mature, std::uint8_t{1});
    s.birth_d.assign(slots, -p.integrated_d);
    s.hazard.assign(slots, 0);
    s.lifetime.assign(slots, 0);
    s.use.assign(slots, 0);
    for (std::size_t i = 0; i < mature; ++i) s.lifetime[i] = key.exponential(i, NeurogenesisKey::lifetime_at_start);
    s.born = mature;
    s.birth_rate_per_d = birth_rate_per_d(p, 1, 0);
    s.next_birth = key.exponential(0, NeurogenesisKey::interval);
    return s;
}

/// What drives a population over a step.
struct NeurogenesisDrive {
    double bdnf = 1, trkb = 1;
    double stress = 0;
    std::span<const double> rate; ///< of each slot, over the mean rate of the healthy population; empty: none fires
};

/// Slots whose neuron died, and slots in which one was born that is still there, in the step.
struct Turnover {
    std::vector<std::uint32_t> died, born;
};

/// Advances from one time to another; any duration.
inline Turnover advance(const NeurogenesisParameters& p, NeuronSlots& s, const NeurogenesisDrive& drive,
                        const NeurogenesisKey& key, double from_d, double to_d) {
    const double duration = to_d - from_d;
    // The mean over the step of what relaxes, and its end.
    const auto relax = [&](double& value, double towards, double tau_d) {
        const double mean = towards + (value - towards) * mean_survival(duration / tau_d);
        value = towards + (value - towards) * std::exp(-duration / tau_d);
        return mean;
    };
    const double rate = birth_rate_per_d(p, relax(s.bdnf, drive.bdnf, p.bdnf_tau_d), drive.stress);
    s.birth_rate_per_d = rate;

    // Events of the step in their order, so that a slot may fall free and be taken again within it.
    using Death = std::pair<double, std::uint32_t>;
    std::priority_queue<Death, std::vector<Death>, std::greater<>> deaths;
    const auto expect = [&](std::uint32_t i, double use, double since_d) {
        const HazardSteps h = hazard_steps(p, use, drive.trkb);
        const double age = age_at_hazard(h, since_d - s.birth_d[i], s.lifetime[i] - s.hazard[i]);
        if (s.birth_d[i] + age <= to_d) deaths.emplace(std::max(since_d, s.birth_d[i] + age), i);
        s.hazard[i] += hazard_between(h, since_d - s.birth_d[i], to_d - s.birth_d[i]);
    };
    for (std::uint32_t i = 0; i < s.present.size(); ++i)
        if (s.present[i]) expect(i, relax(s.use[i], drive.rate.empty() ? 0 : drive.rate[i], p.use_tau_d), from_d);

    Turnover turnover;
    const auto bury = [&](double until_d) {
        for (; !deaths.empty() && deaths.top().first <= until_d; deaths.pop()) {
            const std::uint32_t i = deaths.top().second;
            s.present[i] = 0;
            ++s.dead;
            turnover.died.push_back(i);
            std::erase(turnover.born, i);
        }
    };
    const double due_before = s.births_due;
    s.births_due += rate * duration;
    for (; s.next_birth <= s.births_due; s.next_birth += key.exponential(s.births, NeurogenesisKey::interval)) {
        const double at_d = std::min(to_d, from_d + (s.next_birth - due_before) / rate);
        bury(at_d);
        const std::uint64_t number = s.births++;
        const auto free = std::find(s.present.begin(), s.present.end(), std::uint8_t{0});
        if (free == s.present.end()) {
            ++s.refused;
            continue;
        }
        const auto i = static_cast<std::uint32_t>(free - s.present.begin());
        ++s.born;
        s.present[i] = 1;
        s.birth_d[i] = at_d;
        s.hazard[i] = s.use[i] = 0;
        s.lifetime[i] = key.exponential(number, NeurogenesisKey::lifetime);
        turnover.born.push_back(i);
        expect(i, 0, at_d);
    }
    bury(to_d);
    return turnover;
}

/// Neurons of each stage at a time.
inline std::array<std::uint64_t, 3> stage_counts(const NeurogenesisParameters& p, const NeuronSlots& s, double at_d) {
    std::array<std::uint64_t, 3> counts{};
    for (std::size_t i = 0; i < s.present.size(); ++i)
        if (s.present[i]) ++counts[static_cast<std::size_t>(stage_of(p, at_d - s.birth_d[i]))];
    return counts;
}

} // namespace rewire::structure

namespace rewire {
template <>
struct Described<structure::NeurogenesisParameters> {
    using S = structure::NeurogenesisParameters;
    static constexpr Range share{0, 1, false, true};
    static constexpr std::string_view name = "neurogenesis";
    static constexpr std::string_view meaning =
        "neurons of a population that are born, mature over weeks and die unless used; its size is the number of slots";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"mature",
         "1",
         &S::mature,
         {1, 1e8},
         "neurons that are there at the start, at most the size of the population: the other slots are free",
         "",
         {},
         true},
        {"birth", "1/d", &S::birth_per_d, non_negative,
         "births per neuron of the start, in health; 0: none, as may be in man (Sorrells 2018)",
         "[D] 9,000 a day in young rats over 2.4 million granule cells (West 1991), [M]; contested in man"},
        {"bdnf_gain", "1", &S::bdnf_gain, non_negative, "rise of the birth rate per BDNF above 1",
         "assumed: in proportion"},
        {"bdnf_tau", "d", &S::bdnf_tau_d, positive, "time in which dividing progenitors follow BDNF", "assumed"},
        {"stress_loss", "1", &S::stress_loss, fraction, "loss of births at stress 1, beside that through BDNF",
         "[M] low confidence"},
        {"synapses_from", "d", &S::synapses_from_d, non_negative, "age at which a neuron begins to form synapses",
         "[M] Zhao 2006: first spines at 16 d"},
        {"input_from", "d", &S::input_from_d, non_negative, "age at which synapses begin to drive it",
         "[M] latency of 3 weeks or more"},
        {"window_from", "d", &S::window_from_d, positive, "begin of the excitable window", "[M] 4-6 weeks"},
        {"window_to", "d", &S::window_to_d, positive, "its end", "[M] 4-6 weeks"},
        {"integrated", "d", &S::integrated_d, positive, "age from which it is like others", "[M] 6-8 weeks"},
        {"window_excitation", "1", &S::window_excitation, non_negative,
         "factor of excitatory conductances in the window, for a higher input resistance",
         "calibrated: with half of their synapses, young cells fire about twice as much as mature ones (Danielson 2016 "
         "[M])"},
        {"window_inhibition", "1", &S::window_inhibition, non_negative, "factor of inhibitory conductances there",
         "assumed"},
        {"critical_from", "d", &S::critical_from_d, non_negative, "age from which young neurons die", "[M] 1-4 weeks"},
        {"critical_to", "d", &S::critical_to_d, positive, "age to which they do", "[M] 1-4 weeks"},
        {"early_death", "1", &S::early_death, share, "share that dies between critical_from and input_from",
         "calibrated: of cells that fire a third as much as others half die at 1-4 weeks [M]"},
        {"unused_death", "1", &S::unused_death, share,
         "share that dies between input_from and critical_to of those that never fire",
         "calibrated: of cells that fire a third as much as others half die at 1-4 weeks [M]"},
        {"use_half", "1", &S::use_half, positive,
         "firing rate, over the mean of the healthy population, at which half of that hazard is left", "assumed"},
        {"use_tau", "d", &S::use_tau_d, positive, "time over which firing is averaged for this", "assumed"},
        {"trkb_survival", "1", &S::trkb_survival, non_negative,
         "fall of the logarithm of both hazards per TrkB above 1", "[M] BDNF raises survival by 20-40 %"},
        {"mature_death", "1/d", &S::mature_death_per_d, non_negative, "hazard of a neuron past critical_to",
         "assumed: balances births of which half survive"},
    });
};
} // namespace rewire
