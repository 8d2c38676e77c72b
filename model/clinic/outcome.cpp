#include "clinic/outcome.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "random/stream.hpp"

namespace rewire::clinic {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double day_s = 86400;

double mean(std::span<const double> values) {
    double sum = 0;
    for (const double v : values) sum += v;
    return values.empty() ? none : sum / static_cast<double>(values.size());
}

double squares(std::span<const double> values) {
    const double m = mean(values);
    double sum = 0;
    for (const double v : values) sum += (v - m) * (v - m);
    return sum;
}

/// Share of the values that are at or below a limit.
double share_below(std::span<const double> values, double limit) {
    const auto count = std::ranges::count_if(values, [&](double v) { return v <= limit; });
    return values.empty() ? none : static_cast<double>(count) / static_cast<double>(values.size());
}

/// The p-quantile of sorted values, interpolated where both neighbours are finite.
double quantile(std::span<const double> sorted, double p) {
    const double place = p * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double share = place - static_cast<double>(below);
    if (share == 0 || sorted[below] == sorted[above]) return sorted[below];
    if (std::isinf(sorted[below]) || std::isinf(sorted[above])) return share < 0.5 ? sorted[below] : sorted[above];
    return sorted[below] + share * (sorted[above] - sorted[below]);
}

} // namespace

double hedges_g(std::span<const double> treated, std::span<const double> control) {
    if (treated.size() < 2 || control.size() < 2) return none;
    const double m = static_cast<double>(treated.size() + control.size() - 2);
    const double sd = std::sqrt((squares(treated) + squares(control)) / m);
    constexpr double rounding = 1e-9; // of equal values, such as those of a resample that holds one patient only
    const bool differ = sd > rounding * (std::abs(mean(control)) + std::abs(mean(treated)));
    return differ ? (1 - 3 / (4 * m - 1)) * (mean(control) - mean(treated)) / sd : none;
}

double number_needed_to_treat(double rate_treated, double rate_control) {
    return rate_treated == rate_control ? infinite : 1 / (rate_treated - rate_control);
}

Estimate needed_to_treat(const Estimate& difference) {
    Estimate e{number_needed_to_treat(difference.value, 0), number_needed_to_treat(difference.high, 0),
               number_needed_to_treat(difference.low, 0)};
    if (difference.high == 0 && difference.low < 0) e.low = -infinite; // from the side of harm
    return e;
}

std::vector<SurvivalStep> kaplan_meier(std::vector<Survival> patients) {
    std::ranges::stable_sort(patients, {}, &Survival::time);
    std::vector<SurvivalStep> curve;
    if (!patients.empty()) curve.push_back({0, 1});
    for (std::size_t i = 0; i < patients.size();) {
        const double time = patients[i].time;
        const auto at_risk = static_cast<double>(patients.size() - i);
        double events = 0;
        for (; i < patients.size() && patients[i].time == time; ++i) events += patients[i].happened;
        if (events > 0) curve.push_back({time, curve.back().share * (1 - events / at_risk)});
    }
    return curve;
}

double median_time(std::span<const SurvivalStep> curve) {
    if (curve.empty()) return none;
    constexpr double rounding = 1e-12; // a product that should be one half
    for (const SurvivalStep& step : curve)
        if (step.share <= 0.5 + rounding) return step.time;
    return infinite;
}

std::vector<Estimate> bootstrap(const std::vector<std::vector<std::size_t>>& units, std::int64_t resamples,
                                std::uint64_t seed,
                                const std::function<std::vector<double>(std::span<const std::size_t>)>& statistic) {
    std::vector<std::size_t> rows;
    for (const auto& unit : units) rows.insert(rows.end(), unit.begin(), unit.end());
    std::vector<Estimate> estimates;
    for (const double value : statistic(rows)) estimates.push_back({value, none, none});
    if (units.empty()) return estimates;
    std::vector<std::vector<double>> drawn(estimates.size());
    for (std::int64_t r = 0; r < resamples; ++r) {
        RandomStream random(seed, Purpose::bootstrap, 0, static_cast<std::uint64_t>(r));
        rows.clear();
        for (std::size_t k = 0; k < units.size(); ++k) {
            const auto& unit = units[random.below(static_cast<std::uint32_t>(units.size()))];
            rows.insert(rows.end(), unit.begin(), unit.end());
        }
        const std::vector<double> values = statistic(rows);
        for (std::size_t s = 0; s < values.size(); ++s)
            if (!std::isnan(values[s])) drawn[s].push_back(values[s]);
    }
    for (std::size_t s = 0; s < estimates.size(); ++s) {
        if (drawn[s].empty() || std::isnan(estimates[s].value)) continue;
        std::ranges::sort(drawn[s]);
        estimates[s].low = quantile(drawn[s], 0.025);
        estimates[s].high = quantile(drawn[s], 0.975);
    }
    return estimates;
}

double at_time(std::span<const double> time_s, std::span<const double> values, double at_s) {
    constexpr double rounding_s = 1e-6;
    const auto after = std::ranges::upper_bound(time_s, at_s + rounding_s) - time_s.begin();
    return after == 0 ? none : values[static_cast<std::size_t>(after - 1)];
}

std::vector<Survival> relapses(const Courses& courses, std::size_t plan, std::span<const std::size_t> rows,
                               const OutcomeRules& rules) {
    const double last_s = courses.last_treatment_s[plan], limit = -100 * rules.response;
    std::vector<Survival> found;
    const std::vector<double>& time_s = courses.time_s;
    if (time_s.empty() || last_s + day_s > time_s.back()) return found;
    for (const std::size_t row : rows) {
        const std::vector<double>& change = courses.change[plan][row];
        if (!(at_time(time_s, change, last_s + day_s) <= limit)) continue;
        // Backwards: since when is the improvement too small at every later sample of the day that follows?
        Survival patient{time_s.back() - last_s, false};
        double responds_at_s = infinite; // first sample at or after the one looked at at which the patient responds
        for (std::size_t t = time_s.size(); t-- > 0 && time_s[t] > last_s + day_s;) {
            if (change[t] <= limit)
                responds_at_s = time_s[t];
            else if (responds_at_s > time_s[t] + day_s && time_s[t] + day_s <= time_s.back())
                patient = {time_s[t] - last_s, true};
        }
        found.push_back(patient);
    }
    return found;
}

Outcome outcome(const Courses& courses, const OutcomeRules& rules, std::size_t control, std::int64_t resamples,
                std::uint64_t seed) {
    const std::size_t plans = courses.change.size(), days = courses.days_s.size();
    // Rows that are known in all plans; patients with all their repeats, or the repeats of the only patient, are units.
    std::map<std::int64_t, std::vector<std::size_t>> of_patient;
    Outcome result;
    for (std::size_t row = 0; row < courses.patient.size(); ++row) {
        const bool known = std::ranges::all_of(courses.change, [&](const auto& plan) {
            return std::ranges::none_of(plan[row], [](double v) { return std::isnan(v); });
        });
        if (!known) continue;
        of_patient[courses.patient[row]].push_back(row);
        ++result.rows;
    }
    std::vector<std::vector<std::size_t>> units;
    for (const auto& [number, rows] : of_patient) {
        if (of_patient.size() > 1)
            units.push_back(rows);
        else
            for (const std::size_t row : rows) units.push_back({row});
    }

    // Changes on the days: plan, day, row.
    std::vector<std::vector<std::vector<double>>> on_day(plans, std::vector<std::vector<double>>(days));
    for (std::size_t p = 0; p < plans; ++p)
        for (std::size_t d = 0; d < days; ++d)
            for (const auto& course : courses.change[p])
                on_day[p][d].push_back(at_time(courses.time_s, course, courses.treatment_start_s + courses.days_s[d]));

    constexpr std::size_t per_day = 7;
    const auto statistic = [&](std::span<const std::size_t> rows) {
        std::vector<double> values;
        for (std::size_t p = 0; p < plans; ++p) {
            for (std::size_t d = 0; d < days; ++d) {
                std::vector<double> here, there, difference;
                for (const std::size_t row : rows) {
                    here.push_back(on_day[p][d][row]);
                    if (control >= plans || control == p) continue;
                    there.push_back(on_day[control][d][row]);
                    difference.push_back(here.back() - there.back());
                }
                const double response = share_below(here, -100 * rules.response);
                const double of_control = share_below(there, -100 * rules.response);
                values.insert(values.end(),
                              {mean(here), response, share_below(here, -100 * rules.remission), mean(difference),
                               there.empty() ? none : hedges_g(here, there),
                               share_below(difference, -std::numeric_limits<double>::min()), response - of_control});
            }
            values.push_back(median_time(kaplan_meier(relapses(courses, p, rows, rules))));
        }
        return values;
    };
    const std::vector<Estimate> estimates = bootstrap(units, resamples, seed, statistic);
    std::vector<std::size_t> all_rows;
    for (const auto& unit : units) all_rows.insert(all_rows.end(), unit.begin(), unit.end());
    for (std::size_t p = 0, k = 0; p < plans; ++p) {
        OutcomeOfPlan& plan = result.plans.emplace_back();
        for (std::size_t d = 0; d < days; ++d, k += per_day) {
            plan.change.push_back(estimates[k]);
            plan.response.push_back(estimates[k + 1]);
            plan.remission.push_back(estimates[k + 2]);
            plan.difference.push_back(estimates[k + 3]);
            plan.g.push_back(estimates[k + 4]);
            plan.better.push_back(estimates[k + 5]);
            plan.nnt.push_back(needed_to_treat(estimates[k + 6]));
        }
        plan.relapse_s = estimates[k++];
        for (std::size_t d = 0; d < days && !courses.expectation.empty(); ++d) {
            std::vector<double> terms;
            for (const std::size_t row : all_rows)
                terms.push_back(at_time(courses.time_s, courses.expectation[p][row],
                                        courses.treatment_start_s + courses.days_s[d]));
            plan.expectation.push_back(mean(terms));
        }
        for (const Survival& s : relapses(courses, p, all_rows, rules)) {
            ++plan.at_risk;
            plan.relapsed += s.happened;
        }
    }
    return result;
}

} // namespace rewire::clinic
