// The same data for any number of threads, looked at or not, in bursts or in full, of any duration, and from the config
// that a result holds.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "experiment/whole_runs.hpp"

using namespace program;

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
