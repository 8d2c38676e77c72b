#pragma once
// What a cohort shows of its plans, from the course of the SURROGATE score of each patient. No clinical outcome: the
// words are those of trials, so that their figures can be laid beside.
//
// The course of a patient is the change of the score in per cent of its level before treatment, expectation included
// (symptom_score.hpp). An improvement is a negative change.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace rewire::clinic {

/// Standardised mean difference of `treated` from `control` with Hedges' correction for small samples: positive if the
/// treated have the lower values. Hedges 1981, J Educ Stat 6:107, with J = 1 - 3/(4 m - 1), m = n1 + n2 - 2. NaN
/// without a spread or with fewer than two of either.
double hedges_g(std::span<const double> treated, std::span<const double> control);

/// 1/(rate of the treated - rate of the control): how many are to be treated for one more to respond; negative where
/// fewer do, infinite where as many. Laupacis, Sackett & Roberts 1988, N Engl J Med 318:1728.
double number_needed_to_treat(double rate_treated, double rate_control);

/// A time until something happens, or until which it did not (censored).
struct Survival {
    double time = 0;
    bool happened = false;
};

/// One step of a survival curve: the share that is left from this time on.
struct SurvivalStep {
    double time = 0, share = 1;
};

/// The product-limit estimate, from share 1 at time 0; one step for each time at which it happened. Those that are
/// censored at such a time count as at risk. Kaplan & Meier 1958, J Am Stat Assoc 53:457.
std::vector<SurvivalStep> kaplan_meier(std::vector<Survival> patients);

/// First time at which half or less are left; infinite if the curve does not come down to it, NaN without patients.
double median_time(std::span<const SurvivalStep> curve);

/// An estimate with its 95 % interval.
struct Estimate {
    double value = std::numeric_limits<double>::quiet_NaN();
    double low = std::numeric_limits<double>::quiet_NaN();
    double high = std::numeric_limits<double>::quiet_NaN();
};

/// The number needed to treat from the difference of the rates of response. Where the interval of the difference holds
/// 0 within, that of the number goes through infinity, from benefit to harm: low = 1/high of the difference is then
/// above high = 1/low, and the interval is [low, infinity] with [-infinity, high]. Otherwise low <= value <= high, all
/// negative where all of it is harm. Altman 1998, BMJ 317:1309.
Estimate needed_to_treat(const Estimate& difference);

/// Percentile intervals of several statistics at once, from resamples of the units with replacement: Efron & Tibshirani
/// 1993, An Introduction to the Bootstrap, section 13.3. Resample r is a pure function of (seed, r).
/// \param units      rows that are drawn together: patients with all their repeats
/// \param statistic  of rows, each as often as it was drawn; NaN where it is undefined, which is left out
std::vector<Estimate> bootstrap(const std::vector<std::vector<std::size_t>>& units, std::int64_t resamples,
                                std::uint64_t seed,
                                const std::function<std::vector<double>(std::span<const std::size_t>)>& statistic);

/// Share of the pre-treatment level by which the score has to fall.
struct OutcomeRules {
    double response = 0.5;
    double remission = 2.0 / 3.0;
};

/// The courses of all patients in all plans.
struct Courses {
    std::vector<double> time_s;                                ///< ascending
    std::vector<std::vector<std::vector<double>>> change;      ///< percent: plan, row, time; NaN where it is not known
    std::vector<std::vector<std::vector<double>>> expectation; ///< the part of it that is expectation; may be empty
    std::vector<std::int64_t> patient;                         ///< number of the patient of each row
    double treatment_start_s = 0;
    std::vector<double> last_treatment_s; ///< per plan
    std::vector<double> days_s;           ///< after treatment_start_s
};

/// Time from the last treatment to relapse. At risk is who responds a day after it; relapse is the first time at which
/// the improvement falls short of response and stays so for a day (an improvement under 50 % on visits in a row: aan
/// het Rot 2010, Biol Psychiatry 67:139; Murrough 2013, Biol Psychiatry 74:250 [M]).
/// \return  one entry for each row at risk, time in s; empty for a plan whose last treatment is too late
std::vector<Survival> relapses(const Courses&, std::size_t plan, std::span<const std::size_t> rows,
                               const OutcomeRules&);

/// The value of a course at a time: that of the last sample at or before it. NaN before the first.
double at_time(std::span<const double> time_s, std::span<const double> values, double at_s);

/// What a plan does; vectors have an entry for each day.
struct OutcomeOfPlan {
    std::vector<Estimate> change;    ///< mean, percent of the level before treatment
    std::vector<double> expectation; ///< the part of it that is expectation, mean; empty if unknown
    std::vector<Estimate> response;  ///< share whose score fell by half or more
    std::vector<Estimate> remission; ///< share
    // Against the control plan, patient by patient; NaN of the control itself and without one.
    std::vector<Estimate> difference; ///< mean of change - change under control
    std::vector<Estimate> g;          ///< hedges_g
    std::vector<Estimate> better;     ///< share of patients who improve more than under control
    std::vector<Estimate> nnt;        ///< of response; needed_to_treat of the difference in response
    Estimate relapse_s;               ///< median of kaplan_meier of `relapses`
    std::size_t at_risk = 0, relapsed = 0;
};

struct Outcome {
    std::size_t rows = 0; ///< that are known in all plans, with enough symptoms before treatment
    std::vector<OutcomeOfPlan> plans;
};

/// \param control  index of a plan; none: plans.size() or more
Outcome outcome(const Courses&, const OutcomeRules&, std::size_t control, std::int64_t resamples, std::uint64_t seed);

} // namespace rewire::clinic
