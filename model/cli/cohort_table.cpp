// The outcomes of a cohort as a table, for `rewire run` and `rewire info`.
#include <algorithm>
#include <cmath>
#include <iostream>

#include <fmt/format.h>

#include "cli/running.hpp"

namespace rewire::cli {
namespace {

constexpr const char* summary = "/cohort/summary";

/// "-42.1 (-50 to -33)"; "-" where it does not apply.
std::string estimate_text(const double* e, double factor, int digits) {
    if (std::isnan(e[0])) return "-";
    if (std::isinf(e[0]) && e[0] == e[1] && e[0] == e[2])
        return "none"; // a number needed to treat: no difference at all
    const auto number = [&](double v) {
        return std::isnan(v)   ? "?"
               : std::isinf(v) ? (v > 0 ? "inf" : "-inf")
                               : fmt::format("{:.{}f}", v * factor, digits);
    };
    // A number needed to treat whose interval goes from benefit through infinity to harm.
    const char* through = e[1] > e[2] && std::isfinite(e[1]) ? "inf to " : "";
    return fmt::format("{} ({} to {}{})", number(e[0]), number(e[1]), through, number(e[2]));
}

/// What a patient or its repeats are called.
std::string rows_text(const record::File& file) {
    std::vector<std::int64_t> patients = file.dataset("/cohort/patient").read<std::int64_t>();
    const std::size_t rows = patients.size();
    std::ranges::sort(patients);
    const auto repeated = std::ranges::unique(patients);
    const std::size_t distinct = rows - repeated.size();
    return distinct == rows ? fmt::format("{} patients", rows)
                            : fmt::format("{} repeats of {} patient{}", rows, distinct, distinct == 1 ? "" : "s");
}

} // namespace

void print_cohort_summary(const record::File& file) {
    if (!file.exists(summary)) return;
    const auto values = [&](const char* name) {
        return file.dataset(std::string(summary) + "/" + name).read<double>();
    };
    const std::vector<std::string> plans = file.dataset("/cohort/plan").read_text();
    const std::vector<double> days_s = values("day");
    const bool compared = file.has_attribute("/cohort", "control");
    std::size_t width = 4;
    for (const std::string& plan : plans) width = std::max(width, plan.size());
    std::cout << fmt::format("\nSURROGATE outcomes of {} ({} in all plans), estimate (95 % interval by bootstrap over "
                             "{}); nothing clinical\n",
                             rows_text(file), file.attribute<std::int64_t>(summary, "rows"),
                             rows_text(file).find("of 1 patient") != std::string::npos ? "repeats" : "patients");
    if (file.has_attribute(summary, "left_out") && file.attribute<std::int64_t>(summary, "left_out") > 0)
        std::cout << fmt::format("{} left out: score before treatment below {:.3g} % of its severity\n",
                                 file.attribute<std::int64_t>(summary, "left_out"),
                                 100 * file.attribute<double>(summary, "minimum_score"));
    if (file.attribute<std::int64_t>(summary, "rows") == 0) {
        std::cout << "no patient with enough symptoms before treatment has finished all plans\n";
        return;
    }
    const auto change = values("change"), response = values("response"), remission = values("remission"),
               difference = values("difference"), g = values("effect_size"), better = values("better"),
               nnt = values("number_needed_to_treat"), expectation = values("expectation");
    constexpr const char* row = "  {:<{}}  {:<26}{:<16}{:<20}{:<20}{:<26}{:<24}{:<20}{}\n";
    if (compared)
        std::cout << fmt::format("compared with \"{}\", patient by patient\n",
                                 file.attribute<std::string>("/cohort", "control"));
    for (std::size_t d = 0; d < days_s.size(); ++d) {
        std::cout << fmt::format("day {:.3g} after the start of treatment\n", days_s[d] / 86400);
        std::cout << fmt::format(row, "plan", width, "change, %", "of it expected", "response, %", "remission, %",
                                 compared ? "difference, points" : "", compared ? "g" : "", compared ? "better, %" : "",
                                 compared ? "needed to treat" : "");
        for (std::size_t p = 0; p < plans.size(); ++p) {
            const std::size_t k = p * days_s.size() + d;
            const auto text = [&](const std::vector<double>& v, double factor, int digits) {
                return compared || &v == &change || &v == &response || &v == &remission
                           ? estimate_text(&v[3 * k], factor, digits)
                           : "";
            };
            std::cout << fmt::format(row, plans[p], width, text(change, 1, 1), fmt::format("{:.1f}", expectation[k]),
                                     text(response, 100, 0), text(remission, 100, 0), text(difference, 1, 1),
                                     text(g, 1, 2), text(better, 100, 0), text(nnt, 1, 1));
        }
    }
    const auto relapse = values("relapse"), at_risk = values("at_risk"), relapsed = values("relapsed");
    std::cout << "relapse: median days from the last treatment (Kaplan-Meier), of responders a day after it\n";
    for (std::size_t p = 0; p < plans.size(); ++p)
        std::cout << fmt::format("  {:<{}}  {:<24}{:.0f} of {:.0f} before the end\n", plans[p], width,
                                 estimate_text(&relapse[3 * p], 1, 1), relapsed[p], at_risk[p]);
    std::cout << fmt::format("change: with the expectation term, which stands beside it; response: "
                             "a fall by {:.0f} %, remission: by {:.0f} %\n",
                             100 * file.attribute<double>(summary, "response"),
                             100 * file.attribute<double>(summary, "remission"));
}

void print_cohort_info(const record::File& file) {
    const std::vector<std::string> plans = file.dataset("/cohort/plan").read_text();
    const std::vector<double> finished = file.dataset("/cohort/finished").read<double>();
    const std::size_t rows = finished.size() / plans.size();
    std::cout << fmt::format("  cohort: {}, {} plans; {} samples; treatment starts at {:.6g} d\n", rows_text(file),
                             plans.size(), file.dataset("/cohort/time").shape()[0],
                             file.attribute<double>("/cohort", "treatment_start_s") / 86400);
    for (std::size_t p = 0; p < plans.size(); ++p)
        std::cout << fmt::format("    plan {:<24} {} of {} runs finished\n", plans[p],
                                 std::count(finished.begin() + static_cast<long>(p * rows),
                                            finished.begin() + static_cast<long>((p + 1) * rows), 1.0),
                                 rows);
    for (const std::string& name : file.members("/cohort/patients")) {
        const std::string object = "/cohort/patients/" + name;
        const std::vector<double> values = file.dataset(object).read<double>();
        const auto [low, high] = std::ranges::minmax(values);
        if (name == "circuit_seed" || name == "body" || name == "repeat") continue;
        std::cout << fmt::format("    field {:<23} {:.4g} to {:.4g} {} ({})\n", name, low, high,
                                 file.attribute<std::string>(object, "units"),
                                 file.attribute<std::string>(object, "long_name"));
    }
    for (const std::string& name : file.members("/cohort"))
        if (name != "patients" && name != "summary" && file.dataset("/cohort/" + name).shape().size() == 4)
            std::cout << fmt::format("    {:<28} ({}) {}\n", name,
                                     file.attribute<std::string>("/cohort/" + name, "units"),
                                     file.attribute<std::string>("/cohort/" + name, "long_name"));
    print_cohort_summary(file);
}

} // namespace rewire::cli
