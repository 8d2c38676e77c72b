// Whole runs of the program: the same bits for any number of threads, schedules that agree where they should,
// results that survive interruption, and figures that the physics fixes.

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "drug/shipped.hpp"
#include "experiment/description.hpp"
#include "experiment/experiment.hpp"
#include "experiment/program.hpp"

namespace {

using namespace program;
using rewire::record::File;
using Words = std::vector<std::string>;

const std::string everything = (tests_folder() / "everything.toml").string();

/// Runs a config into `output`; more words follow the command line.
Outcome run(const std::string& config, const std::string& output, const Words& more = {}) {
    Words words{"run", config, "-o", output, "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = call(words);
    CAPTURE(outcome.err);
    CHECK(outcome.status == 0);
    return outcome;
}

Contents result_of(const Folder& folder, const std::string& config, const Words& more = {}) {
    static int number = 0;
    const std::string output = folder / ("result" + std::to_string(number++) + ".h5");
    run(config, output, more);
    return contents(output);
}

/// Column `column` of a table of the slow clock.
std::vector<double> slow(const Contents& result, const std::string& name, std::size_t column = 0) {
    const std::vector<double>& time = result.at("/trajectory/slow/time");
    const std::vector<double>& values = result.at("/trajectory/slow/" + name);
    const std::size_t width = values.size() / time.size();
    std::vector<double> picked;
    for (std::size_t row = 0; row < time.size(); ++row) picked.push_back(values[row * width + column]);
    return picked;
}

const char* const plain = R"(
[experiment]
duration = "4000 s"
threads = 1
[population.e]
size = 400
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
[projection.ee]
from = "e"
to = "e"
rule = { probability = 0.1 }
weight = "0.5 nS"
receptors = ["ampa"]
)";

} // namespace

TEST_CASE("a run gives the same bytes for 1, 2 and 3 threads, other ones for another seed") {
    // 200 neurons are four blocks of 64: three threads share them unevenly.
    const Folder folder;
    const Contents one = result_of(folder, everything, {"-t", "1"});
    CHECK(one.at("/spikes/pyramidal/timestamps").size() > 1000); // or the test would say nothing
    CHECK(slow(one, "synapses").front() != slow(one, "synapses").back());
    CHECK(first_difference(one, result_of(folder, everything, {"-t", "2"})) == "");
    CHECK(first_difference(one, result_of(folder, everything, {"-t", "3"})) == "");
    const Contents other = result_of(folder, everything, {"--seed", "8"});
    CHECK(other.at("/spikes/pyramidal/timestamps") != one.at("/spikes/pyramidal/timestamps"));
    CHECK(other.at("/snapshots/t_0_s/e_to_e/source") != one.at("/snapshots/t_0_s/e_to_e/source"));
}

TEST_CASE("a profile accounts for the whole run and changes nothing in it") {
    // Conservation: the shares of the phases are those of one total, each rounded to 0.1 %; and the data are those of a
    // run that nobody looked at.
    Folder folder;
    const Outcome plain = call({"run", "everything.toml", "-o", folder / "plain.h5", "--quiet"});
    REQUIRE(plain.status == 0);
    const Outcome profiled = call({"run", "everything.toml", "-o", folder / "profiled.h5", "--quiet", "--profile"});
    REQUIRE(profiled.status == 0);
    CHECK(first_difference(contents(folder / "plain.h5"), contents(folder / "profiled.h5")) == "");
    double total = 0;
    int phases = 0;
    std::istringstream lines(profiled.out);
    for (std::string line; std::getline(lines, line);)
        if (const auto percent = line.find("%  "); percent != std::string::npos) {
            total += std::stod(line.substr(line.rfind(' ', percent) + 1));
            ++phases;
        }
    CHECK(phases == 9);
    CHECK(total == Approx(100).margin(0.05 * 9 + 0.01));
}

TEST_CASE("multirate mode without leaps is full mode, bit for bit") {
    const Folder folder;
    const Words touching{"--set", "multirate.longest_leap=0 s"};
    Words full = touching;
    full.insert(full.end(), {"--set", "experiment.mode=full"});
    Contents bursts = result_of(folder, everything, touching);
    CHECK(bursts.at("/multirate/length") == std::vector<double>{8}); // one burst fills the 8 s
    std::erase_if(bursts, [](const auto& column) { return column.first.starts_with("/multirate/"); });
    CHECK(first_difference(bursts, result_of(folder, everything, full)) == "");
}

TEST_CASE("the log of bursts and leaps covers the run without a gap, and leaps hold no spikes") {
    const Folder folder;
    // The spines of this config turn over within seconds: how many may do so in a leap decides how long it is.
    for (const char* share : {"1", "0.05"}) {
        const Contents result =
            result_of(folder, everything,
                      {"--set", "experiment.duration=40 s", "--set", "multirate.longest_burst=1.1 s", "--set",
                       std::string("multirate.synapse_change=") + share});
        const auto &start = result.at("/multirate/start"), &length = result.at("/multirate/length"),
                   &leap = result.at("/multirate/leap"), &rejected = result.at("/multirate/rejected");
        double at = 0, last_ms = 0;
        for (std::size_t k = 0; k < start.size(); ++k) {
            CHECK(start[k] == Approx(at).margin(1e-9));
            if (rejected[k] == 1) {
                CHECK(result.at("/multirate/error_estimate")[k] > 1);
                continue;
            }
            at += length[k];
            std::size_t spikes = 0;
            for (const double t_ms : result.at("/spikes/pyramidal/timestamps"))
                spikes += t_ms * 1e-3 > start[k] + 1e-9 && t_ms * 1e-3 <= start[k] + length[k] + 1e-9;
            CHECK((spikes == 0) == (leap[k] == 1));
        }
        CHECK(at == Approx(40).margin(1e-9));
        CHECK(std::count(leap.begin(), leap.end(), 1.0) >= 2);
        // What was taken back left no spikes: those that are there are in order.
        for (const double t_ms : result.at("/spikes/pyramidal/timestamps")) {
            CHECK(t_ms >= last_ms);
            last_ms = t_ms;
        }
        CHECK((std::count(rejected.begin(), rejected.end(), 1.0) > 0) == (std::string(share) == "0.05"));
    }
}

TEST_CASE("a run of twice the duration starts with the data of the shorter one") {
    const Folder folder;
    // Everything that is scheduled lies within the first 4 s; multirate leaps end at the end of a run, so: full mode.
    const Words common{"--set", "experiment.mode=full", "--set", "record.snapshots=[\"0 s\"]"};
    Words half = common;
    half.insert(half.end(), {"--set", "experiment.duration=4 s"});
    const Contents longer = result_of(folder, everything, common), shorter = result_of(folder, everything, half);
    for (const auto& [name, values] : shorter) {
        CAPTURE(name);
        const std::vector<double>& whole = longer.at(name);
        REQUIRE(whole.size() >= values.size());
        CHECK((values.empty() || std::memcmp(whole.data(), values.data(), values.size() * sizeof(double)) == 0));
    }
    CHECK(longer.at("/trajectory/fast/time").size() == 2 * shorter.at("/trajectory/fast/time").size());
}

TEST_CASE("the config in a result is the experiment: it is valid and runs to the same data") {
    const Folder folder;
    const std::string first = folder / "first.h5";
    run(everything, first, {"--seed", "99", "--set", "population.pv.size=65"});
    const std::string stored = File::open(first).dataset("/config").read_text().front();
    const std::string config = folder.write("stored.toml", stored);
    const Outcome checked = call({"check", config});
    CAPTURE(checked.err, stored);
    CHECK(checked.status == 0);
    CHECK(first_difference(contents(first), result_of(folder, config)) == "");
    // Nothing is left to fill in: what is stored of the second run is the same text.
    const std::string second = folder / "second.h5";
    run(config, second);
    CHECK(File::open(second).dataset("/config").read_text().front() == stored);
    CHECK(File::open(second).attribute<std::string>("/", "config_sha256") ==
          File::open(first).attribute<std::string>("/", "config_sha256"));
}

TEST_CASE("every config of the repository is valid") {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(REWIRE_SOURCE_DIR) / "configs")) {
        if (entry.path().extension() != ".toml") continue;
        const Outcome outcome = call({"check", entry.path().string()});
        CAPTURE(entry.path().filename().string(), outcome.err);
        CHECK(outcome.status == 0);
        CHECK(outcome.err.empty());
        ++count;
    }
    CHECK(count > 0);
}

TEST_CASE("SIGINT and SIGTERM end a run with a readable file, status 130") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const Folder folder;
        const std::string config = folder.write("plain.toml", plain), output = folder / "out.h5";
        Process process({"run", config, "-o", output}, folder.path());
        wait_for(output);
        pause(1);
        process.send(signal);
        const Outcome outcome = process.wait();
        CAPTURE(signal, outcome.err);
        CHECK(outcome.status == 130);
        CHECK_THAT(outcome.err, Catch::Contains("interrupted at"));
        const File file = File::open(output);
        CHECK(file.attribute<std::int64_t>("/", "complete") == 0);
        const auto spikes = file.dataset("/spikes/e/timestamps").read<double>();
        const double simulated_ms = file.attribute<double>("/", "simulated_s") * 1e3;
        CHECK(simulated_ms > 0);
        REQUIRE_FALSE(spikes.empty());
        CHECK(spikes.back() <= simulated_ms + 1e-6);
        CHECK(spikes.back() > simulated_ms - 100); // 400 neurons at some Hz: nothing that was simulated is lost
        const Outcome info = call({"info", output});
        CHECK(info.status == 0);
        CHECK_THAT(info.out, Catch::Contains("INCOMPLETE"));
    }
}

TEST_CASE("a run that is interrupted in its baseline leaves a readable file too") {
    const Folder folder;
    const std::string config = folder.write("slow.toml", std::string(plain) + "[glutamate]\n"),
                      output = folder / "out.h5";
    Process process({"run", config, "-o", output, "--set", "experiment.baseline_measure=4000 s"}, folder.path());
    wait_for(output);
    pause(0.5);
    process.send(SIGINT);
    const Outcome outcome = process.wait();
    CAPTURE(outcome.err);
    CHECK(outcome.status == 130);
    CHECK(File::open(output).attribute<std::int64_t>("/", "complete") == 0);
    CHECK(call({"info", output}).status == 0);
}

TEST_CASE("SIGKILL leaves a file that can be opened") {
    // In the baseline nothing is written: no kill there can spoil the file.
    {
        const Folder folder;
        const std::string config = folder.write("slow.toml", std::string(plain) + "[glutamate]\n"),
                          output = folder / "out.h5";
        Process process({"run", config, "-o", output, "--set", "experiment.baseline_measure=4000 s"}, folder.path());
        wait_for(output);
        pause(0.7);
        process.send(SIGKILL);
        CHECK(process.wait().status == 128 + SIGKILL);
        const Outcome info = call({"info", output});
        CAPTURE(info.err);
        CHECK(info.status == 0);
        CHECK_THAT(info.out, Catch::Contains("INCOMPLETE"));
    }
    // About 1 in 100 kills falls into a burst of writing and spoils the file; two in a row would be a fault.
    bool readable = false;
    for (int attempt = 0; attempt < 2 && !readable; ++attempt) {
        const Folder folder;
        const std::string config = folder.write("plain.toml", plain), output = folder / "out.h5";
        Process process({"run", config, "-o", output}, folder.path());
        wait_for(output);
        pause(1);
        process.send(SIGKILL);
        CHECK(process.wait().status == 128 + SIGKILL);
        const Outcome info = call({"info", output});
        readable = info.status == 0 && info.out.find("INCOMPLETE") != std::string::npos;
    }
    CHECK(readable);
}

TEST_CASE("an output that exists is left alone unless --force is given") {
    const Folder folder;
    const std::string output = folder.write("out.h5", "precious");
    const Outcome refused = call({"run", everything, "-o", output});
    CHECK(refused.status == 2);
    CHECK_THAT(refused.err, Catch::Contains("out.h5") && Catch::Contains("--force"));
    CHECK(text_of(output) == "precious");
    run(everything, output, {"--force"});
    CHECK(File::open(output).attribute<std::int64_t>("/", "complete") == 1);
    // Without -o the result lies under results/, by the name of the config.
    const std::string config =
        folder.write("brief.toml", "extends = \"" + everything + "\"\nexperiment.duration = \"100 ms\"\n");
    CHECK(call({"run", config, "--quiet"}, folder.path()).status == 0);
    CHECK(File::open(folder / "results/brief.h5").attribute<std::int64_t>("/", "complete") == 1);
    CHECK(call({"run", config, "--quiet"}, folder.path()).status == 2);
    // Where nothing can be written the run fails, and does not crash.
    const Outcome nowhere = call({"run", config, "-o", "brief.toml/out.h5"}, folder.path());
    CAPTURE(nowhere.err);
    CHECK(nowhere.status == 1);
    CHECK_THAT(nowhere.err, Catch::Contains("brief.toml/out.h5"));
}

TEST_CASE("info tells what a result holds and refuses other files") {
    const Folder folder;
    const std::string output = folder / "out.h5";
    run(everything, output);
    const Outcome info = call({"info", output});
    CAPTURE(info.out, info.err);
    CHECK(info.status == 0);
    const auto spikes = std::to_string(File::open(output).dataset("/spikes/pyramidal/timestamps").shape()[0]);
    CHECK_THAT(info.out, Catch::Contains("out.h5: complete") && Catch::Contains("everything on") &&
                             Catch::Contains("3 bursts (6.8 s with spikes") &&
                             Catch::Contains("200 neurons, adex, " + spikes + " spikes") &&
                             Catch::Contains("snapshot t_4_s"));
    // Series are labelled by their own dimension, also where two have the same number of entries (drugs, populations).
    for (const char* name : {"norketamine", "e_to_pv", "pv", "cortex"})
        CHECK_THAT(info.out, Catch::Contains(std::string("      ") + name + " "));

    const std::string foreign = folder / "foreign.h5";
    File::create(foreign).close();
    for (const auto& [file, text] : std::map<std::string, std::string>{{foreign, "no result of rewire"},
                                                                       {everything, "HDF5"},
                                                                       {folder.path().string(), "directory"},
                                                                       {folder / "absent.h5", "no such file"}}) {
        const Outcome refused = call({"info", file});
        CAPTURE(file, refused.err);
        CHECK(refused.status == 2);
        CHECK(refused.out.empty());
        CHECK_THAT(refused.err, Catch::Contains("error: " + file) && Catch::Contains(text));
    }
}

TEST_CASE("describe shows every key that a config can set") {
    const std::string everything_described = call({"describe"}).out;
    for (const rewire::experiment::SectionInWords& section : rewire::experiment::config_sections()) {
        const Outcome outcome = call({"describe", section.name});
        CAPTURE(section.name);
        CHECK(outcome.status == 0);
        CHECK_THAT(outcome.out,
                   Catch::StartsWith(section.name + ": " + section.meaning + "\n  where: " + section.where));
        for (const rewire::experiment::KeyInWords& words : section.keys) {
            const std::string key = "\n  " + words.name + " ";
            CAPTURE(key);
            const std::size_t at = outcome.out.find(key, outcome.out.find("\n  key ") + 1); // below the header
            REQUIRE(at != std::string::npos);
            const std::string line = outcome.out.substr(at + 1, outcome.out.find('\n', at + 1) - at - 1);
            for (const std::string& column : {words.fallback, words.unit, words.allowed})
                CHECK_THAT(line, Catch::Contains("  " + column + "  "));
            CHECK_THAT(line, Catch::EndsWith("  " + words.meaning));
            CHECK_THAT(everything_described, Catch::Contains(line));
        }
    }
    // Numbers that stand in a struct's table, with unit, default, range and source.
    CHECK_THAT(call({"describe", "adex"}).out,
               Catch::Contains("capacitance") && Catch::Contains("pF") && Catch::Contains("above 0"));
    CHECK_THAT(call({"describe", "subject"}).out,
               Catch::Contains("70") && Catch::Contains("between 0 (excluded) and 1000 kg"));
    CHECK_THAT(call({"describe", "otto2021"}).out,
               Catch::Contains("route intravenous") && Catch::Contains("norketamine"));
    for (const rewire::engine::InterventionKind& kind : rewire::engine::intervention_kinds)
        CHECK_THAT(call({"describe", "intervention"}).out,
                   Catch::Contains("\"" + std::string(kind.name) + "\"") && Catch::Contains(std::string(kind.meaning)));
    for (const rewire::drug::TargetInWords& t : rewire::drug::targets)
        CHECK_THAT(call({"describe", "target"}).out, Catch::Contains("target." + std::string(t.name) + " "));
}

TEST_CASE("describe shows shipped drugs with their sources, and as a config would say them") {
    for (const rewire::drug::ShippedDrug& drug : rewire::drug::shipped_drugs()) {
        const Outcome outcome = call({"describe", drug.name});
        CAPTURE(drug.name);
        CHECK(outcome.status == 0);
        CHECK_THAT(outcome.out, Catch::Contains("preset = \"" + drug.name + "\"") &&
                                    Catch::Contains("source: " + drug.pharmacokinetics.source));
        for (const rewire::drug::Species& s : drug.pharmacokinetics.species)
            CHECK_THAT(outcome.out, Catch::Contains(s.name + " acts: " + rewire::drug::shipped_action(s.name).source));
    }
    CHECK_THAT(call({"describe", "nbqx"}).out, Catch::Contains("target.ampa = { ec50 = \"0.15 uM\""));
    CHECK_THAT(call({"describe", "ketamine"}).out, Catch::Contains("ic50_1mg_2c") && Catch::Contains("variance"));
}

TEST_CASE("a shipped drug's resolved config names all that it does, and runs the same") {
    const Folder folder;
    const std::string config =
        folder.write("shipped.toml", "extends = \"" + (tests_folder() / "everything.toml").string() + R"("
[experiment]
duration = "3 s"
[subject]
number = 3
[drug.midazolam]
preset = "midazolam"
[[dose]]
drug = "midazolam"
amount = "1 mg/kg"
at = "1 s"
)");
    const std::string first = folder / "first.h5", second = folder / "second.h5";
    CHECK(call({"run", config, "-o", first, "--quiet"}).status == 0);
    const std::string resolved = File::open(first).dataset("/config").read_text().front();
    CHECK_THAT(resolved, Catch::Contains("[drug.midazolam.species.midazolam.target.gaba_a]") &&
                             Catch::Contains("ec50 = \"0.005 uM\""));
    CHECK(call({"run", folder.write("again.toml", resolved), "-o", second, "--quiet"}).status == 0);
    CHECK(File::open(second).dataset("/config").read_text().front() == resolved);
}

// ---- physics on whole runs

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
species = [{ name = "whatever", central = "blood" }]
route = [{ name = "intravenous", input = [{ compartment = "blood" }] }]
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
    for (const char* name :
         {"bdnf", "bdnf_released", "trkb", "trkb_slow", "trkb_chronic", "mtorc1", "synaptic_protein", "ampa_gain"}) {
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
