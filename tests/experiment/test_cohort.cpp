// Cohorts as a user runs them.
#include <catch2/catch.hpp>

#include <cmath>

#include <fmt/format.h>

#include "experiment/experiment.hpp"
#include "experiment/program.hpp"

namespace {

using namespace program;
using rewire::record::File;

const std::string config = (tests_folder() / "cohort.toml").string();

/// Everything in a cohort's file that is a number.
std::map<std::string, std::vector<double>> numbers(const std::string& path) {
    std::map<std::string, std::vector<double>> found;
    const File file = File::open(path);
    for (const std::string group : {"/cohort", "/cohort/patients", "/cohort/summary"}) {
        if (!file.exists(group)) continue;
        for (const std::string& name : file.members(group)) {
            if ((group == "/cohort" && (name == "patients" || name == "summary"))) continue;
            const auto dataset = file.dataset(group + "/" + name);
            if (dataset.is_number()) found[group + "/" + name] = dataset.read<double>();
        }
    }
    return found;
}

/// The values of a quantity in one plan.
std::vector<double> of_plan(const std::map<std::string, std::vector<double>>& all, const std::string& name,
                            std::size_t plan, std::size_t plans) {
    const std::vector<double>& values = all.at("/cohort/" + name);
    const std::size_t size = values.size() / plans;
    return {values.begin() + static_cast<long>(plan * size), values.begin() + static_cast<long>((plan + 1) * size)};
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

} // namespace

TEST_CASE("a cohort has the same bits for any number of patients at a time") {
    const Folder folder;
    std::map<std::string, std::vector<double>> first;
    for (const char* threads : {"1", "2", "3"}) {
        const std::string output = folder / (std::string("t") + threads + ".h5");
        const Outcome outcome = call({"run", config, "-o", output, "-t", threads, "--quiet"}, folder.path());
        CAPTURE(threads, outcome.err);
        REQUIRE(outcome.status == 0);
        auto found = numbers(output);
        // Every 20 min, when treatment starts, and 40 and 80 min later.
        CHECK(found.at("/cohort/time") == std::vector<double>{0, 900, 1200, 2400, 3300, 3600, 4800, 5700, 6000, 7200});
        REQUIRE(found.at("/cohort/spine_density").size() == 3 * 3 * 10 * 4);
        CHECK(std::count(found.at("/cohort/finished").begin(), found.at("/cohort/finished").end(), 1.0) == 9);
        if (first.empty()) first = found;
        CHECK(first_difference(first, found) == "");
    }
    // The drug reaches who is given it, and its body is that of the patient.
    const std::vector<double>& peak = first.at("/cohort/plasma_peak");
    CHECK(peak[0] == 0);
    for (int patient = 0; patient < 3; ++patient) CHECK((peak[6 + 2 * patient] > 40 && peak[6 + 2 * patient] < 600));
    CHECK(peak[6] != peak[8]);
}

TEST_CASE("the same patients go through each plan: identical plans give identical results") {
    const Folder folder;
    const std::string twice = folder.write("twice.toml", "extends = \"" + config + R"("
[cohort]
number = 2
control = "a"
[[plan]]
name = "a"
dose = [{ drug = "ketamine", amount = "0.5 mg/kg", over = "40 min", at = "20 min" }]
[[plan]]
name = "b"
dose = [{ drug = "ketamine", amount = "0.5 mg/kg", over = "40 min", at = "20 min" }]
[[plan]]
name = "half"
dose = [{ drug = "ketamine", amount = "0.25 mg/kg", over = "40 min", at = "20 min" }]
)");
    const std::string output = folder / "out.h5", one = folder / "one.h5", other = folder / "other.h5";
    REQUIRE(call({"run", twice, "-o", output, "--quiet"}, folder.path()).status == 0);
    const auto all = numbers(output);
    for (const char* name : {"spine_density", "bdnf", "drug_plasma", "ampa_gain", "plasma_peak"}) {
        CAPTURE(name);
        CHECK(same_bits(of_plan(all, name, 0, 3), of_plan(all, name, 1, 3)));
        CHECK_FALSE(same_bits(of_plan(all, name, 0, 3), of_plan(all, name, 2, 3)));
    }
    // The body is the same whatever the dose: pharmacokinetics are linear.
    const std::vector<double> full = of_plan(all, "plasma_peak", 0, 3), half = of_plan(all, "plasma_peak", 2, 3);
    CHECK(half[0] == Approx(full[0] / 2).epsilon(1e-9));
    // Patient 2 alone is the same as patient 2 among others.
    REQUIRE(call({"run", twice, "-o", one, "--quiet", "--set", "cohort.patients=[2]"}, folder.path()).status == 0);
    const auto alone = numbers(one);
    const std::vector<double> among = of_plan(all, "spine_density", 1, 3);
    CHECK(same_bits(of_plan(alone, "spine_density", 1, 3),
                    {among.begin() + static_cast<long>(among.size() / 2), among.end()}));
    // Another seed: other patients.
    REQUIRE(call({"run", twice, "-o", other, "--quiet", "--set", "cohort.seed=12"}, folder.path()).status == 0);
    CHECK(numbers(other).at("/cohort/patients/weight") != all.at("/cohort/patients/weight"));
}

TEST_CASE("a patient of a cohort is an experiment that can be run alone") {
    using namespace rewire::experiment;
    const Folder folder;
    const Experiment experiment = load_experiment(config, {"cohort.number=2"});
    const rewire::experiment::Cohort& cohort = *experiment.cohort;
    const auto patient = cohort.sampler.draw(static_cast<std::uint64_t>(cohort.seed), 2);
    const std::string alone =
        folder.write("alone.toml", patient_experiment(cohort, cohort.plans[1], patient).resolved_toml);
    REQUIRE(call({"run", alone, "-o", folder / "alone.h5", "--quiet"}, folder.path()).status == 0);
    REQUIRE(
        call({"run", config, "-o", folder / "all.h5", "--quiet", "--set", "cohort.number=2"}, folder.path()).status ==
        0);
    const auto values = File::open(folder / "alone.h5").dataset("/trajectory/slow/drug_plasma").read<double>();
    const auto times = File::open(folder / "alone.h5").dataset("/trajectory/slow/time").read<double>();
    const auto all = numbers(folder / "all.h5");
    const std::vector<double> of_cohort = of_plan(all, "drug_plasma", 1, 3), clock = all.at("/cohort/time");
    REQUIRE(clock.size() == 10);
    int compared = 0;
    for (std::size_t t = 0; t < clock.size(); ++t) {
        const auto at = std::find(times.begin(), times.end(), clock[t]) - times.begin();
        if (at == static_cast<long>(times.size())) continue; // a sample of the cohort alone
        ++compared;
        CHECK(of_cohort[20 + 2 * t] == Approx(values[2 * static_cast<std::size_t>(at)]).epsilon(1e-12));
    }
    CHECK(compared == 7);
}

TEST_CASE("an interrupted cohort can be read, with its finished patients marked") {
    const Folder folder;
    const std::string output = folder / "out.h5";
    Process process({"run", config, "-o", output, "-t", "1", "--set", "cohort.number=2000"}, folder.path());
    wait_for(output);
    pause(3);
    process.send(SIGINT);
    const Outcome outcome = process.wait();
    CAPTURE(outcome.err);
    CHECK(outcome.status == 130);
    CHECK_THAT(outcome.err, Catch::Contains("interrupted with"));
    const File file = File::open(output);
    CHECK(file.attribute<std::int64_t>("/", "complete") == 0);
    const auto all = numbers(output);
    const std::vector<double>&finished = all.at("/cohort/finished"), &density = all.at("/cohort/spine_density");
    const std::size_t runs = finished.size(), width = density.size() / runs;
    std::size_t done = 0;
    for (std::size_t k = 0; k < runs; ++k) {
        done += finished[k] == 1;
        for (std::size_t t = 0; t < width / 4; ++t) // of pyramidal cells
            if (std::isnan(density[k * width + 4 * t]) == (finished[k] == 1)) FAIL("run " << k);
    }
    CHECK(done < runs);
    const Outcome info = call({"info", output});
    CHECK(info.status == 0);
    CHECK_THAT(info.out, Catch::Contains("INCOMPLETE") && Catch::Contains("finished"));
}

TEST_CASE("check predicts a cohort, and a wrong quantity to record is refused before anything runs") {
    const Outcome good = call({"check", config});
    CHECK(good.status == 0);
    CHECK(good.err.empty());
    CHECK_THAT(good.out, Catch::Contains("3 patients, 3 plans") && Catch::Contains("9 runs") &&
                             Catch::Contains("subject.weight") && Catch::Contains("plan one infusion"));
    // A cohort for a cluster costs hours or days, not seconds with an exponent.
    const Outcome large = call({"check", config, "--set", "cohort.number=20000"});
    CHECK_THAT(large.out, Catch::Matches("[^]*estimated cost: [0-9.]+ [hd] of one core[^]*"));
    const Folder folder;
    for (const char* verb : {"check", "run"}) {
        const Outcome bad = call({verb, config, "--set", "cohort.record=[\"spine_densty\"]"}, folder.path());
        CHECK(bad.status == 2);
        CHECK_THAT(bad.err, Catch::Contains("[cohort] record") && Catch::Contains("spine_densty") &&
                                Catch::Contains("did you mean \"spine_density\"?"));
    }
    CHECK_FALSE(fs::exists(folder / "results/cohort.h5"));
    const Outcome profile = call({"run", config, "--profile"}, folder.path());
    CHECK(profile.status == 2);
    CHECK_THAT(profile.err, Catch::Contains("--profile"));
}

TEST_CASE("outcomes in the file are those of the courses in it") {
    const Folder folder;
    const std::string output = folder / "out.h5";
    // Spines go within minutes, so that all patients have symptoms when treatment starts.
    const Outcome outcome = call({"run", config, "-o", output, "--set", "symptom_score={ expectation = {} }", "--set",
                                  "structure.spines.stress_gain=500", "--set", "cohort.vary_body=false"},
                                 folder.path());
    CAPTURE(outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK_THAT(outcome.out, !Catch::Contains("left out"));
    CHECK_THAT(outcome.out, Catch::Contains("SURROGATE outcomes of 3 patients (3 in all plans)") &&
                                Catch::Contains("compared with \"none\""));
    CHECK_THAT(call({"info", output}).out, Catch::Contains("SURROGATE outcomes of 3 patients"));
    const File file = File::open(output);
    const auto all = numbers(output);
    const double start_s = file.attribute<double>("/cohort", "treatment_start_s");
    CHECK(start_s == 900); // rapamycin comes before the dose
    const std::vector<double>&time = all.at("/cohort/time"), &score = all.at("/cohort/surrogate_symptom_score"),
          &expectation = all.at("/cohort/surrogate_expectation"), &course = all.at("/cohort/summary/course");
    const auto at = [&](double t_s) {
        return static_cast<std::size_t>(std::upper_bound(time.begin(), time.end(), t_s) - time.begin()) - 1;
    };
    for (std::size_t plan = 0; plan < 3; ++plan) {
        double mean = 0;
        for (std::size_t patient = 0; patient < 3; ++patient) {
            const std::size_t row = (plan * 3 + patient) * time.size();
            REQUIRE(score[row + at(start_s)] > 0);
            for (std::size_t t = 0; t < time.size(); ++t)
                CHECK(course[row + t] ==
                      Approx(std::max(100 * (score[row + t] / score[row + at(start_s)] - 1) + expectation[row + t],
                                      -100.0)));
            mean += course[row + at(start_s + 4800)] / 3; // the second of the days
        }
        const double* estimate = &all.at("/cohort/summary/change")[(plan * 2 + 1) * 3];
        CHECK(estimate[0] == Approx(mean));
        CHECK((estimate[1] <= estimate[0] && estimate[0] <= estimate[2]));
        const double difference = all.at("/cohort/summary/difference")[(plan * 2 + 1) * 3];
        if (plan == 0)
            CHECK(std::isnan(difference));
        else
            CHECK(difference == Approx(mean - all.at("/cohort/summary/change")[3]).margin(1e-9));
    }
    // A dose is expected to help, no treatment is not.
    CHECK(expectation[at(7200)] == 0);
    CHECK(expectation[3 * time.size() + at(7200)] < -1);
    for (const double body : all.at("/cohort/patients/body")) CHECK(body == 0);
}

TEST_CASE("a run that fails is named and the others go on") {
    // Rapamycin ends after 1 h: a patient for whom it begins later cannot be read. That is so of a repeat only, which
    // nobody looks at before.
    using namespace rewire::experiment;
    const auto with_seed = [](int seed) {
        return std::vector<std::string>{
            "cohort.number=1",
            "cohort.repeats=3",
            "cohort.seed=" + std::to_string(seed),
            "cohort.record=[\"bdnf\"]",
            R"(intervention=[{ what = "stress" }, { what = "rapamycin", from = "0 s", to = "1 h" }])",
            R"(plan=[{ name = "a", no_treatment = true }, { name = "b", no_treatment = true }])",
            "cohort.control=b",
            R"(cohort.field.onset={ key = "intervention.1.from", distribution = "uniform", low = "0 s", high = "90 min", known = false })"};
    };
    const auto onset = [](const rewire::experiment::Cohort& cohort, std::int64_t repeat) {
        return cohort.sampler.draw(static_cast<std::uint64_t>(cohort.seed), 1, repeat).values[3];
    };
    int seed = 1;
    for (;; ++seed) try {
            const Experiment experiment = load_experiment(config, with_seed(seed));
            if (onset(*experiment.cohort, 1) > 3600 && onset(*experiment.cohort, 2) < 3600) break;
        } catch (const ConfigError&) {
        } // the first one fails
    const Folder folder;
    const std::string output = folder / "out.h5";
    std::vector<std::string> call_of{"run", config, "-o", output, "-t", "2"};
    for (const std::string& set : with_seed(seed)) call_of.insert(call_of.end(), {"--set", set});
    const Outcome outcome = call(call_of, folder.path());
    CAPTURE(outcome.err, outcome.out);
    CHECK(outcome.status == 1);
    for (const char* plan : {"\"a\"", "\"b\""})
        CHECK_THAT(outcome.err, Catch::Contains(std::string("patient 1, repeat 1, plan ") + plan));
    CHECK_THAT(outcome.err, Catch::Contains("must be after from") && Catch::Contains("2 of 6 runs failed"));
    CHECK(File::open(output).attribute<std::int64_t>("/", "complete") == 0);
    const auto all = numbers(output);
    CHECK(all.at("/cohort/finished") == std::vector<double>{1, 0, 1, 1, 0, 1});
    CHECK_FALSE(std::isnan(of_plan(all, "bdnf", 1, 2).front())); // pyramidal cells
    CHECK(all.contains("/cohort/summary/change"));               // of what finished
    CHECK(all.contains("/cohort/surrogate_symptom_score"));      // kept for it, whatever else is
}

TEST_CASE("a distribution must be cut off where it reaches beyond its key, within eight standard deviations") {
    // The ratio's range ends at 1e6. Eight deviations above the median are 0.8 exp(8 x 0.3) = 8.8, and 0.8 exp(8 x 2) =
    // 7e6; below it nothing leaves the range, which begins at 0. A normal ratio of 0.8 and 0.09 stays above 0.08, with
    // 0.11 it does not.
    const Folder folder;
    const auto errors = [&](const std::string& more) {
        return call({"check", folder.write("reach.toml", "extends = \"" + (tests_folder() / "everything.toml").string() +
                                                             R"("
cohort.number = 2
[cohort.field.ratio]
key = "drug.ketamine.species.ketamine.brain_plasma_unbound_ratio"
distribution = )" +
                                                             more + "\n[[plan]]\nname = \"a\"\n")})
            .err;
    };
    const std::string lognormal = "\"lognormal\"\nmedian = 0.8\nsd_log = ", normal = "\"normal\"\nmean = 0.8\nsd = ";
    CHECK(errors(normal + "0.09").find("error") == std::string::npos);
    CHECK_THAT(errors(normal + "0.11"), Catch::Contains("[cohort.field.ratio] distribution") && Catch::Contains("low"));
    CHECK(errors(lognormal + "0.3").find("error") == std::string::npos);
    CHECK_THAT(errors(lognormal + "2"), Catch::Contains("[cohort.field.ratio] distribution") && Catch::Contains("high"));
    CHECK(errors(lognormal + "2\nhigh = 100").find("error") == std::string::npos);
}

TEST_CASE("a config that fails in any plan of a patient is refused before anything runs") {
    const Folder folder;
    // Known of the patient, so that the first repeat shows it.
    const Outcome outcome = call(
        {"run", config, "-o", folder / "out.h5", "--set",
         R"(intervention=[{ what = "stress" }, { what = "rapamycin", from = "0 s", to = "1 h" }])", "--set",
         R"(cohort.field.onset={ key = "intervention.1.from", distribution = "uniform", low = "61 min", high = "90 min" })"},
        folder.path());
    CHECK(outcome.status == 2);
    CHECK_THAT(outcome.err, Catch::Contains("patient 1, plan none") && Catch::Contains("must be after from"));
    CHECK_FALSE(fs::exists(folder / "out.h5"));
}

TEST_CASE("patients with hardly a score before treatment have no outcome, and are counted") {
    const Folder folder;
    const std::string output = folder / "out.h5";
    const std::vector<std::string> usual{
        "run", config, "-o", output, "--force", "--set", "structure.spines.stress_gain=500"};
    REQUIRE(call(usual, folder.path()).status == 0);
    // Between the scores of the patients: the least is left out.
    const auto before = [&] {
        std::vector<double> scores;
        const auto all = numbers(output);
        const std::vector<double>&time = all.at("/cohort/time"), &score = all.at("/cohort/surrogate_symptom_score");
        const auto start = std::find(time.begin(), time.end(), 900.0) - time.begin();
        for (std::size_t patient = 0; patient < 3; ++patient)
            scores.push_back(score[patient * time.size() + static_cast<std::size_t>(start)]);
        return scores;
    };
    std::vector<double> sorted = before();
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted[0] < sorted[1]);
    std::vector<std::string> stricter = usual;
    stricter.insert(stricter.end(), {"--set", fmt::format("cohort.minimum_score={}", (sorted[0] + sorted[1]) / 200)});
    const Outcome outcome = call(stricter, folder.path());
    CHECK(outcome.status == 0);
    CHECK_THAT(outcome.out, Catch::Contains("(2 in all plans)") && Catch::Contains("1 left out"));
    const File file = File::open(output);
    CHECK(file.attribute<std::int64_t>("/cohort/summary", "rows") == 2);
    CHECK(file.attribute<std::int64_t>("/cohort/summary", "left_out") == 1);
    const auto course = file.dataset("/cohort/summary/course").read<double>();
    const std::vector<double> scores = before();
    for (std::size_t patient = 0; patient < 3; ++patient)
        CHECK(std::isnan(course[(patient + 1) * course.size() / 9 - 1]) == (scores[patient] == sorted[0]));
}

TEST_CASE("outcomes that are asked for without a score are warned of") {
    using namespace rewire::experiment;
    const Folder folder;
    const std::string bare = folder.write("bare.toml", R"(
[experiment]
duration = "1 h"
[population.a]
size = 5
[cohort]
number = 1
control = "a"
days = ["10 min"]
bootstrap = 200
response = 0.4
remission = 0.6
minimum_score = 0.1
[[plan]]
name = "a"
no_treatment = true
)");
    const auto warnings = load_experiment(bare).warnings.format();
    for (const char* key : {"control", "days", "bootstrap", "response", "remission", "minimum_score"})
        CHECK_THAT(warnings, Catch::Contains(std::string("[cohort] ") + key) && Catch::Contains("[symptom_score]"));
}

TEST_CASE("a bolus at the start is a dose, and expectation may differ between plans") {
    const std::string plan =
        R"({ name = "a", symptom_score = { expectation = { size = 0.1 } }, dose = [{ drug = "ketamine", amount = "1 mg", at = "0 s" }])"
        R"(, intervention = [{ what = "rapamycin", from = "15 min" }] })";
    const auto cohort =
        *rewire::experiment::load_experiment(config, {"plan=[" + plan + "]", "cohort.control=a"}).cohort;
    CHECK(cohort.treatment_start_s == 0);
    CHECK(cohort.plans[0].last_treatment_s == 0); // not that of rapamycin, 2 h
}

TEST_CASE("treatment is the doses, therapies and interventions of a plan, not the condition that all patients have") {
    const auto cohort = [](const std::string& plans) {
        return *rewire::experiment::load_experiment(config,
                                                    {"plan=[{ name = \"none\", no_treatment = true }, " + plans + "]"})
                    .cohort;
    };
    const auto therapy = cohort(
        R"({ name = "a", therapy = [{ kind = "exercise", at = "30 min", over = "10 min", repeat = { every = "20 min", times = 2 } }] })");
    CHECK(therapy.treatment_start_s == 1800);
    CHECK(therapy.plans[1].last_treatment_s == 3600); // the second session, 50 to 60 min
    CHECK(therapy.plans[0].last_treatment_s == 1800); // of no treatment: counted from there, too
    const std::string intervention = R"({ name = "a", intervention = [{ what = "trkb_modulation", from = "10 min" }])";
    const auto both =
        cohort(intervention + R"(, dose = [{ drug = "ketamine", amount = "1 mg", over = "5 min", at = "20 min" }] })");
    CHECK(both.treatment_start_s == 600);
    CHECK(both.plans[1].last_treatment_s == 1500); // doses come first
    const auto longer = cohort(intervention + " }");
    CHECK(longer.plans[1].last_treatment_s == 7200);
}
