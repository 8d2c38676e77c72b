// Figures in results that physics and bookkeeping fix: drug in plasma, rest, births, synapses, rates, interventions.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <sstream>
#include <string>
#include <vector>

#include "experiment/whole_runs.hpp"

using namespace program;

TEST_CASE("drug in plasma is the one-compartment solution at every sample") {
    // An infusion at the rate R0 into a volume V with clearance CL, then a bolus D (Gibaldi & Perrier 1982, ch. 1-2):
    // C = R0/CL (1 - e^(-k t)) while it runs, exponential decay with k = CL/V after; solutions add. Matrix exponentials
    // are exact, so that only rounding is left: 1e-9 of the peak.
    const Folder folder;
    const std::string config = folder.write("pk.toml", R"(
[experiment]
duration = "20 s"
threads = 1
baseline_measure = "100 ms"
slow_tick = "100 ms"
[subject]
weight = "80 kg"
[population.a]
size = 1
model = "lif_conductance"
[drug.tracer.pharmacokinetics]
reference_weight = "80 kg"
compartment = [{ name = "blood", volume = "40 L" }]
flow = [{ from = "blood", clearance = "14400 L/h" }]
route = [{ name = "intravenous", input = [{ compartment = "blood" }] }]
[[drug.tracer.pharmacokinetics.species]]
name = "whatever"
central = "blood"
molar_mass = "100 g/mol"
unbound_fraction = 0.5
brain_plasma_unbound_ratio = 1
[[dose]]
drug = "tracer"
amount = "0.5 mg/kg"
at = "2 s"
over = "5 s"
[[dose]]
drug = "tracer"
amount = "16 mg"
at = "12345 ms"
[record]
every = "250 ms"
)");
    const double volume_L = 40, k_per_s = 14400.0 / 40 / 3600, infused_mg = 0.5 * 80;
    const auto expected_ng_per_mL = [&](double t) {
        const double running = std::clamp(t - 2, 0.0, 5.0), after = std::max(0.0, t - 7);
        double mg_per_L =
            infused_mg / 5 / (k_per_s * volume_L) * (1 - std::exp(-k_per_s * running)) * std::exp(-k_per_s * after);
        if (t > 12.345 + 1e-9)
            mg_per_L += 16 / volume_L * std::exp(-k_per_s * (t - 12.345)); // a bolus counts after its moment
        return 1000 * mg_per_L;
    };
    for (const char* mode : {"full", "multirate"}) { // leaps take longer steps, the solution is the same
        const Contents result = result_of(folder, config,
                                          {"--set", std::string("experiment.mode=") + mode, "--set",
                                           "multirate.shortest_leap=3 s", "--set", "multirate.shortest_burst=1.5 s"});
        const std::vector<double>& time = result.at("/trajectory/slow/time");
        const std::vector<double> plasma = slow(result, "drug_plasma");
        REQUIRE(time.size() == 82); // 0, 0.25, ... 20 and 12.345 s
        for (std::size_t k = 0; k < time.size(); ++k) {
            CAPTURE(mode, time[k]);
            CHECK(plasma[k] == Approx(expected_ng_per_mL(time[k])).epsilon(0).margin(1e-6));
        }
        CHECK(*std::max_element(plasma.begin(), plasma.end()) > 500);
    }
}

TEST_CASE("without dose and without spikes nothing moves") {
    // The healthy steady state is a fixed point of every slow mechanism: with constant inputs it must stay, whatever
    // the steps. Inputs are sums of floats, from which the drive of L-type channels differs by rounding: 1e-6. Where no
    // such input enters (drug, block, resting NMDA drive) equality holds to the last bits.
    const Folder folder;
    const std::string config = folder.write("control.toml", R"(
[experiment]
duration = "2 h"
threads = 1
mode = "multirate"
baseline_settle = "3 s"
baseline_measure = "1 s"
[population.e]
size = 70
initial = "-70.6 mV"
tonic_nmda = "0.1 nS"
[projection.ee]
from = "e"
to = "e"
rule = { fixed_indegree = 10 }
weight = "0.5 nS"
receptors = { ampa = 1, nmda = 0.5 }
[glutamate]
[molecular]
populations = ["e"]
[drug.ketamine]
pharmacokinetics = "otto2021"
[multirate]
settle = "100 ms"
shortest_burst = "1 s"
[record]
every = "5 min"
)");
    const Contents result = result_of(folder, config);
    CHECK(result.at("/spikes/e/timestamps").empty());
    const auto deviation = [&](const char* name, double from) {
        double largest = 0;
        for (const double v : slow(result, name)) largest = std::max(largest, std::isnan(v) ? 1e9 : std::abs(v - from));
        return largest;
    };
    for (const char* name :
         {"drug_plasma", "drug_effect_site", "drug_unbound_brain", "nmda_block_synaptic", "nmda_block_extrasynaptic"})
        CHECK(deviation(name, 0) == 0);
    CHECK(deviation("mean_rate", 0) == 0);
    CHECK(deviation("eaat2", 1) == 0);
    CHECK(deviation("eef2_phosphorylation", 1) < 1e-12);
    const double ambient = slow(result, "glutamate_extracellular").front();
    CHECK(ambient > 0);
    CHECK(deviation("glutamate_extracellular", ambient) < 1e-12);
    for (const char* name : {"bdnf", "bdnf_released", "trkb", "trkb_slow", "trkb_recovery", "trkb_chronic", "mtorc1",
                             "synaptic_protein", "ampa_gain"}) {
        CAPTURE(name);
        CHECK(deviation(name, 1) < 1e-6);
    }
}

TEST_CASE("neurons that are born are in the books and in snapshots, births without a slot are told") {
    const Folder folder;
    const std::string config = folder.write("born.toml", R"(
[experiment]
duration = "600 s"
mode = "multirate"
threads = 1
baseline_settle = "0 s"
baseline_measure = "1 s"
[population.a]
size = 12
[neurogenesis.a]
mature = 10
birth = "50 /d"
mature_death = "30 /d"
[record]
every = "60 s"
snapshots = ["0 s", "600 s"]
)");
    const std::string output = folder / "born.h5";
    const Outcome outcome = call({"run", config, "-o", output, "--quiet"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.status == 0);
    CHECK_THAT(outcome.err, Catch::Contains("warning: ") && Catch::Contains("births in a found no free slot"));
    const Contents result = contents(output);
    const auto column = [&](const char* name) { return slow(result, name); };
    const std::vector<double> born = column("neurons_born"), dead = column("neurons_dead"),
                              alive = column("neurons_alive"), young = column("neurons_young"),
                              in_window = column("neurons_in_window"), mature = column("neurons_mature"),
                              refused = column("births_refused");
    REQUIRE(born.size() == 11);
    for (std::size_t k = 0; k < born.size(); ++k) {
        CHECK(born[k] == alive[k] + dead[k]);
        CHECK(alive[k] == young[k] + in_window[k] + mature[k]);
        CHECK(alive[k] <= 12);
    }
    CHECK(born.back() > 11); // a slot was used again, or both free ones were
    CHECK(refused.back() > 0);
    CHECK(column("mean_rate").back() == 0);
    for (const double stage : result.at("/snapshots/t_0_s/neurons_a/stage")) CHECK((stage == 0 || stage == 3));
    const std::vector<double>&stage = result.at("/snapshots/t_600_s/neurons_a/stage"),
          &birth = result.at("/snapshots/t_600_s/neurons_a/birth");
    REQUIRE(stage.size() == 12);
    REQUIRE(birth.size() == 12);
    CHECK(static_cast<double>(std::count(stage.begin(), stage.end(), 1.0)) == young.back());
    CHECK(static_cast<double>(std::count(stage.begin(), stage.end(), 3.0)) == mature.back());
    for (std::size_t i = 0; i < stage.size(); ++i) {
        if (stage[i] == 1) CHECK((birth[i] > 0 && birth[i] <= 600));
        if (stage[i] != 1) CHECK(std::isnan(birth[i])); // free, or of the start
    }
}

TEST_CASE("synapses are counted alike on the slow clock and in snapshots") {
    const Folder folder;
    const Contents result = result_of(folder, everything);
    const std::vector<double>& time = result.at("/trajectory/slow/time");
    const std::array<const char*, 3> projections{"e_to_e", "e_to_pv", "pv_to_e"};
    const std::array<std::array<double, 2>, 3> sizes{{{200, 200}, {200, 70}, {70, 200}}}; // sources, targets
    for (const double at_s : {0.0, 4.0, 8.0}) {
        const auto row = static_cast<std::size_t>(std::find(time.begin(), time.end(), at_s) - time.begin());
        REQUIRE(row < time.size());
        for (std::size_t q = 0; q < projections.size(); ++q) {
            const std::string group = "/snapshots/t_" + std::to_string(static_cast<int>(at_s)) + "_s/" + projections[q];
            CAPTURE(group);
            const auto& weight = result.at(group + "/weight");
            CHECK(slow(result, "synapses", q)[row] == static_cast<double>(weight.size()));
            double sum = 0;
            for (const double w : weight) sum += w;
            CHECK(slow(result, "mean_weight", q)[row] ==
                  Approx(sum / static_cast<double>(weight.size())).epsilon(1e-6)); // stored as float
            const auto below = [&](const char* column, double limit) {
                const auto& values = result.at(group + "/" + column);
                return std::all_of(values.begin(), values.end(), [=](double v) { return v >= 0 && v < limit; });
            };
            CHECK(below("source", sizes[q][0]));
            CHECK(below("target", sizes[q][1]));
            const auto& age = result.at(group + "/age");
            CHECK(*std::min_element(age.begin(), age.end()) >= 0);
        }
    }
    // Spine density is the count relative to the start.
    const std::vector<double> synapses = slow(result, "synapses"), density = slow(result, "spine_density");
    for (std::size_t k = 0; k < time.size(); ++k) CHECK(density[k] == Approx(synapses[k] / synapses[0]).epsilon(1e-12));
    // Formed less lost is the change: rates are shares of the start per day since the last sample.
    const std::vector<double> formed = slow(result, "spine_formation_rate"),
                              lost = slow(result, "spine_elimination_rate"),
                              nascent = slow(result, "spine_nascent_loss_rate");
    for (std::size_t k = 1; k < time.size(); ++k) {
        const double days = (time[k] - time[k - 1]) / 86400;
        CHECK((formed[k] - lost[k] - nascent[k]) * days * synapses[0] ==
              Approx(synapses[k] - synapses[k - 1]).margin(1e-6));
    }
}

TEST_CASE("a circuit without a spine has no score, not that of health, and says so") {
    const Folder folder;
    const std::string config = folder.write("lone.toml", R"(
[experiment]
duration = "200 ms"
baseline_measure = "1 s"
[population.e]
size = 1
background = { sources = 100, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
[projection.ee]
from = "e"
to = "e"
rule = { probability = 1.0 }
weight = "1 nS"
delay = "1 ms"
receptors = ["ampa"]
structural = { rule = "spines" }
[molecular]
populations = ["e"]
[symptom_score]
[record]
every = "100 ms"
)");
    const std::string output = folder / "lone.h5";
    const Outcome outcome = run(config, output);
    CHECK_THAT(outcome.err, Catch::Contains("warning") && Catch::Contains("projection.ee"));
    const Contents result = contents(output);
    for (const char* name : {"spine_density", "synaptic_function", "surrogate_symptom_score"})
        for (const double value : slow(result, name)) CHECK(std::isnan(value));
}

TEST_CASE("mean rates and spikes agree") {
    // The rate of a sample is the number of spikes since the last one over neurons and time with spikes.
    const Folder folder;
    const Contents result = result_of(folder, everything, {"--set", "experiment.mode=full"});
    const std::vector<double>& time = result.at("/trajectory/slow/time");
    const std::vector<double>& spikes_ms = result.at("/spikes/pyramidal/timestamps");
    const std::vector<double> rate = slow(result, "mean_rate");
    for (std::size_t k = 1; k < time.size(); ++k) {
        const auto until = [&](double s) {
            return std::upper_bound(spikes_ms.begin(), spikes_ms.end(), s * 1e3 + 1e-6) - spikes_ms.begin();
        };
        const double count = static_cast<double>(until(time[k]) - until(time[k - 1]));
        CHECK(rate[k] == Approx(count / 200 / (time[k] - time[k - 1])).epsilon(1e-9));
    }
    // So do the 2 ms bins of the fast clock, summed.
    const auto& fast = result.at("/trajectory/fast/rate");
    double from_bins = 0;
    for (std::size_t row = 0; row < fast.size() / 2; ++row) from_bins += fast[2 * row] * 0.002 * 200;
    CHECK(from_bins == Approx(static_cast<double>(spikes_ms.size())).epsilon(1e-5)); // stored as float
    // Synchrony is the variance over the mean (Fano 1947) of the population's counts in the bins of the last second.
    const auto& bins_ms = result.at("/trajectory/fast/time");
    const auto& synchrony = result.at("/trajectory/fast/synchrony");
    REQUIRE(synchrony.size() == 2 * bins_ms.size());
    REQUIRE(bins_ms[1] - bins_ms[0] == Approx(2));
    for (std::size_t row = 499; row < bins_ms.size(); row += 250) {
        double sum = 0, squares = 0;
        for (std::size_t k = row - 499; k <= row; ++k) {
            const double count =
                static_cast<double>(std::upper_bound(spikes_ms.begin(), spikes_ms.end(), bins_ms[k] + 1e-6) -
                                    std::upper_bound(spikes_ms.begin(), spikes_ms.end(), bins_ms[k] - 2 + 1e-6));
            sum += count, squares += count * count;
        }
        CHECK(synchrony[2 * row] == Approx((squares - sum * sum / 500) / 499 / (sum / 500)).epsilon(1e-5));
    }
}

TEST_CASE("the summary counts the spikes of the file, over the time that they come from") {
    // Neither leaps, nor the baseline, nor bursts that were taken back are time with spikes: that time is the sum of
    // the bursts that the log kept, all of the run in full mode.
    const Folder folder;
    for (const std::string mode : {"full", "multirate"}) {
        INFO(mode);
        const std::string output = folder / (mode + ".h5");
        const Outcome outcome = call({"run", everything, "-o", output, "--set", "experiment.mode=" + mode, "--set",
                                      "experiment.duration=20 s", "--set", "multirate.longest_burst=1.1 s"});
        REQUIRE(outcome.status == 0);
        const Contents result = contents(output);
        double with_spikes_s = 20;
        if (mode == "multirate") {
            const auto &length = result.at("/multirate/length"), &leap = result.at("/multirate/leap"),
                       &rejected = result.at("/multirate/rejected");
            with_spikes_s = 0;
            for (std::size_t k = 0; k < length.size(); ++k)
                if (leap[k] == 0 && rejected[k] == 0) with_spikes_s += length[k];
            CHECK(with_spikes_s < 16); // else the two modes are one case
            CHECK(std::count(rejected.begin(), rejected.end(), 1.0) > 0);
        }
        for (const auto& [population, size] : {std::pair("pyramidal", 200), std::pair("pv", 70)}) {
            const auto count =
                static_cast<double>(result.at("/spikes/" + std::string(population) + "/timestamps").size());
            REQUIRE(count > 0);
            std::istringstream lines(outcome.out);
            std::string line, name, neurons, spikes, unit;
            double printed_size = 0, printed_count = 0, printed_Hz = 0;
            while (std::getline(lines, line)) {
                std::istringstream words(line);
                if (words >> name && name == population)
                    words >> printed_size >> neurons >> printed_count >> spikes >> printed_Hz >> unit;
            }
            CAPTURE(outcome.out);
            CHECK(printed_size == size);
            CHECK(printed_count == count);
            CHECK(printed_Hz == Approx(count / size / with_spikes_s).margin(0.0006)); // printed with three decimals
            CHECK(unit == "Hz");
        }
    }
}

TEST_CASE("interventions act and end at their times, with and without slow mechanisms") {
    // A neuron that only AMPA input drives: complete block silences it, and only while it lasts.
    const Folder folder;
    for (const char* mechanism : {"", "[glutamate]\n"}) {
        const std::string config = folder.write("nbqx.toml", std::string(plain) + mechanism + R"(
[[intervention]]
what = "nbqx"
from = "1 s"
to = "2 s"
)");
        const Contents result =
            result_of(folder, config, {"--set", "experiment.duration=3 s", "--set", "experiment.baseline_measure=1 s"});
        const auto& spikes_ms = result.at("/spikes/e/timestamps");
        const auto between = [&](double from_ms, double to_ms) {
            return std::count_if(spikes_ms.begin(), spikes_ms.end(),
                                 [=](double t) { return t > from_ms && t <= to_ms; });
        };
        CAPTURE(mechanism);
        CHECK(between(0, 1000) > 1000);
        CHECK(between(1100, 2000) == 0); // conductances and membranes take some 10 ms to fall silent
        CHECK(between(2050, 3000) > 1000);
    }
}

TEST_CASE("from a tenth to thirty times the antidepressant dose one mechanism blocks more and more") {
    // Shaffer 2014: half of the receptors in vivo are blocked at 1.42 uM unbound ketamine in plasma, so the odds of
    // block are C/1.42 uM. The brain lags behind plasma, and depolarised cells, more of them at a high dose, let more of
    // the drug in than cells at -62 mV: a third is granted.
    const Folder folder;
    const std::string config = (fs::path(REWIRE_SOURCE_DIR) / "configs/demo_quick.toml").string();
    double before = 0;
    for (const double mg_per_kg : {0.05, 15.0}) {
        CAPTURE(mg_per_kg);
        const Contents result =
            result_of(folder, config,
                      {"--set", fmt::format("dose.0.amount={} mg/kg", mg_per_kg), "--set", "dose.0.at=10 min", "--set",
                       "experiment.duration=50 min", "--set", "record.every=5 min", "--set", "record.windows=[]"});
        const std::vector<double> plasma = slow(result, "drug_plasma"), block = slow(result, "nmda_block_synaptic");
        REQUIRE(plasma.size() == block.size());
        constexpr double g_per_mol = 237.73, unbound = 0.6;
        const double expected_odds = plasma.back() / g_per_mol * unbound / 1.42;
        CHECK(block.back() / (1 - block.back()) == Approx(expected_odds).epsilon(1.0 / 3));
        CHECK(block.back() > before);
        before = block.back();
        for (const char* name : {"glutamate_extracellular", "mean_rate", "bdnf", "mtorc1", "spine_density"})
            for (const double x : slow(result, name)) CHECK((std::isfinite(x) && x > 0));
    }
}

TEST_CASE("magnesium and what blocks half of the channels, both twice, are the same circuit") {
    // B(V) knows their ratio alone (Jahr & Stevens 1990), and so do all of its uses, if no receptor is of two classes.
    const Folder folder;
    const std::string config = folder.write("mg.toml", R"(
[experiment]
duration = "2 s"
threads = 1
[population.e]
size = 50
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
tonic_nmda = "2 nS"
extrasynaptic = { share_2d = 1 }
receptor.nmda = { share_2d = 1 }
[projection.ee]
from = "e"
to = "e"
rule = { probability = 0.2 }
weight = "1 nS"
receptors = { ampa = 1, nmda = 1 }
)");
    const auto spikes = [&](const char* mg, const char* half_ab, const char* half_cd) {
        return result_of(folder, config,
                         {"--set", std::string("experiment.magnesium=") + mg, "--set",
                          std::string("experiment.magnesium_half_2ab=") + half_ab, "--set",
                          std::string("experiment.magnesium_half_2cd=") + half_cd})
            .at("/spikes/e/timestamps");
    };
    const std::vector<double> usual = spikes("1 mM", "3.57 mM", "17.85 mM");
    CHECK(usual.size() > 50);
    CHECK(spikes("2 mM", "7.14 mM", "35.7 mM") == usual);
    CHECK(spikes("2 mM", "3.57 mM", "17.85 mM") != usual);
    CHECK(spikes("1 mM", "3.57 mM", "35.7 mM") != usual);
}

TEST_CASE("a metabolite that is counted in its parent's mass weighs as many moles of its own") {
    // 10 mg counted as a parent of 200 g/mol are 0.05 mmol, of a metabolite of 150 g/mol 7.5 mg: 375 ng/mL in 20 L.
    // Without counted_as they are 10 mg of its own, 500 ng/mL. What is eliminated by then is 1e-7 of it.
    const Folder folder;
    const auto plasma = [&](const std::string& counted) {
        const std::string config = folder.write("metabolite.toml", R"(
[experiment]
duration = "2 s"
threads = 1
baseline_measure = "100 ms"
[population.a]
size = 1
model = "lif_conductance"
[drug.mine.pharmacokinetics]
compartment = [{ name = "blood", volume = "10 L" }, { name = "product", volume = "20 L" }]
flow = [{ from = "blood", to = "product", clearance = "5 L/h" }, { from = "product", clearance = "0.001 L/h" }]
route = [{ name = "as_product", input = [{ compartment = "product" }] },
         { name = "intravenous", input = [{ compartment = "blood" }] }]
[[drug.mine.pharmacokinetics.species]]
name = "parent"
central = "blood"
molar_mass = "200 g/mol"
unbound_fraction = 0.5
brain_plasma_unbound_ratio = 1
[[drug.mine.pharmacokinetics.species]]
name = "product"
central = "product"
molar_mass = "150 g/mol"
unbound_fraction = 0.5
brain_plasma_unbound_ratio = 1
)" + counted + R"(
[[dose]]
drug = "mine"
route = "as_product"
amount = "10 mg"
at = "500 ms"
)");
        return slow(result_of(folder, config), "drug_plasma", 1).back();
    };
    CHECK(plasma("counted_as = \"200 g/mol\"") == Approx(375).epsilon(1e-6));
    CHECK(plasma("") == Approx(500).epsilon(1e-6));
}
