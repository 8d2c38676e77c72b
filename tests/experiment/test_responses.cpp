// Named stimuli: what /responses holds is what the spikes say; repeats; weights that are held in leaps.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"
#include "experiment/program.hpp"

namespace {

using namespace program;
using Words = std::vector<std::string>;
using rewire::engine::Simulation;

const char* const circuit = R"(
[experiment]
duration = "40 s"
threads = 1
baseline_settle = "0 s"
baseline_measure = "500 ms"
[population.e]
size = 30
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
[population.other]
size = 20
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3 nS" }
[projection.ee]
from = "e"
to = "other"
rule = { probability = 0.2 }
weight = "0.5 nS"
receptors = ["ampa"]
[molecular]
populations = ["e"]
[record]
every = "4 s"
fast_every = "0 ms"
)";

const char* const trains = R"(
[[stimulus]]
name = "tone"
population = "e"
kind = "current_step"
amplitude = "300 pA"
from = "0 s"
to = "500 ms"
repeat = { every = "900 ms", times = 3 }
[[stimulus]]
name = "tone"
population = "other"
kind = "poisson"
rate = "300 Hz"
weight = "5 nS"
from = "20 s"
to = "21.5 s"
[[stimulus]]
name = "tone"
population = "e"
kind = "current_step"
amplitude = "300 pA"
from = "20 s"
to = "21.5 s"
[[stimulus]]
name = "long"
population = "e"
kind = "current_step"
amplitude = "100 pA"
from = "25 s"
to = "60 s"
)";

Contents result_of(const Folder& folder, const std::string& text, const std::string& name, const Words& more = {}) {
    Words words{"run", folder.write(name + ".toml", text), "-o", folder / (name + ".h5"), "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = call(words);
    CAPTURE(outcome.err);
    REQUIRE(outcome.status == 0);
    return contents(folder / (name + ".h5"));
}

/// Spikes of a population in (from, to].
double spikes_between(const Contents& result, const std::string& population, double from_s, double to_s) {
    const auto& ms = result.at("/spikes/" + population + "/timestamps");
    const auto until = [&](double s) { return std::upper_bound(ms.begin(), ms.end(), s * 1e3 + 1e-6) - ms.begin(); };
    return static_cast<double>(until(to_s) - until(from_s));
}

/// Time of [from, to) that was simulated with spikes: all of it, or the bursts of the log.
double spiking_between(const Contents& result, double from_s, double to_s) {
    if (result.count("/multirate/start") == 0) return to_s - from_s;
    double seconds = 0;
    const auto &start = result.at("/multirate/start"), &length = result.at("/multirate/length"),
               &leap = result.at("/multirate/leap");
    for (std::size_t k = 0; k < start.size(); ++k)
        if (leap[k] == 0) seconds += std::max(0.0, std::min(to_s, start[k] + length[k]) - std::max(from_s, start[k]));
    return seconds;
}

double rate_Hz(const Contents& result, const std::string& population, double size, double from_s, double to_s) {
    return spikes_between(result, population, from_s, to_s) / size / spiking_between(result, from_s, to_s);
}

} // namespace

TEST_CASE("responses to named stimuli are the counts of the spikes, in full and multirate mode") {
    const Folder folder;
    const bool multirate = GENERATE(false, true);
    Words more{"--set", std::string("experiment.mode=") + (multirate ? "multirate" : "full")};
    if (multirate)
        for (const char* set : {"multirate.settle=200 ms", "multirate.shortest_burst=500 ms",
                                "multirate.longest_burst=1 s", "multirate.shortest_leap=300 ms"})
            more.insert(more.end(), {"--set", set});
    const Contents result = result_of(folder, std::string(circuit) + trains, "run", more);
    const auto& start = result.at("/responses/tone/start");
    const auto& length = result.at("/responses/tone/length");
    // Two stimuli of one name at once are one presentation.
    REQUIRE(start == std::vector<double>{0, 0.9, 1.8, 20});
    CHECK(length == std::vector<double>{0.5, 0.5, 0.5, 1.5});
    const std::vector<std::pair<std::string, double>> populations{{"e", 30}, {"other", 20}};
    const auto& during = result.at("/responses/tone/during");
    const auto& before = result.at("/responses/tone/before");
    const auto& response = result.at("/responses/tone/response");
    REQUIRE(during.size() == 8);
    for (std::size_t k = 0; k < start.size(); ++k)
        for (std::size_t p = 0; p < 2; ++p) {
            const auto& [name, size] = populations[p];
            const std::size_t i = 2 * k + p;
            const double from_s = start[k], to_s = start[k] + length[k];
            CHECK(during[i] == Approx(rate_Hz(result, name, size, from_s, to_s)).epsilon(1e-9));
            if (k == 0) {
                CHECK(std::isnan(before[i])); // nothing before time 0
                CHECK(std::isnan(response[i]));
                continue;
            }
            CHECK(before[i] == Approx(rate_Hz(result, name, size, from_s - length[k], from_s)).epsilon(1e-9));
            CHECK(response[i] == Approx(during[i] - before[i]).margin(1e-9));
        }
    CHECK(during[0] > 2 * before[2]); // the current is felt
    // One that the end cuts short is compared with what time there is before it; in multirate mode it holds leaps.
    REQUIRE(result.at("/responses/long/start") == std::vector<double>{25});
    CHECK(result.at("/responses/long/length")[0] == Approx(15));
    CHECK(result.at("/responses/long/during")[0] == Approx(rate_Hz(result, "e", 30, 25, 40)).epsilon(1e-9));
    CHECK(result.at("/responses/long/before")[0] == Approx(rate_Hz(result, "e", 30, 0, 25)).epsilon(1e-9));
    if (multirate) CHECK(spiking_between(result, 25, 40) < 10);
}

TEST_CASE("a repeated stimulus is the list of its presentations, bit for bit") {
    const Folder folder;
    const auto stimulus = [](double from_s, const std::string& kind) {
        return fmt::format("[[stimulus]]\npopulation = \"e\"\nfrom = \"{} s\"\nto = \"{} s\"\n{}\n", from_s,
                           from_s + 0.5, kind);
    };
    const std::string poisson = "kind = \"poisson\"\nrate = \"200 Hz\"\nweight = \"5 nS\"";
    const std::string volleys = "[[stimulus]]\npopulation = \"other\"\nkind = \"spikes\"\nweight = \"50 nS\"\n";
    const Words shorter{"--set", "experiment.duration=5 s"};
    const Contents repeated =
        result_of(folder,
                  std::string(circuit) + stimulus(1, poisson + "\nrepeat = { every = \"1.5 s\", times = 2 }") +
                      volleys + "times = [\"1 s\", \"1.2 s\"]\nrepeat = { every = \"2 s\", times = 2 }\n",
                  "repeated", shorter);
    const Contents listed = result_of(folder,
                                      std::string(circuit) + stimulus(1, poisson) + stimulus(2.5, poisson) + volleys +
                                          "times = [\"1 s\", \"1.2 s\"]\n" + volleys + "times = [\"3 s\", \"3.2 s\"]\n",
                                      "listed", shorter);
    CHECK(repeated.at("/spikes/e/timestamps") == listed.at("/spikes/e/timestamps"));
    CHECK(repeated.at("/spikes/other/timestamps") == listed.at("/spikes/other/timestamps"));
    CHECK(repeated.count("/responses/tone/start") == 0); // nothing is recorded of what has no name
}

TEST_CASE("held weights stand still in leaps and in the bursts that measure them, and change elsewhere") {
    auto model = rewire::experiment::load_experiment(REWIRE_SOURCE_DIR "/tests/experiment/everything.toml",
                                                     {"projection.pv_to_e.long_term={ rule = 'inhibitory' }",
                                                      "multirate.hold_weights=true", "dose=[]", "intervention=[]",
                                                      "stimulus=[]", "experiment.duration=20 s"})
                     .model;
    model.stimuli.push_back(
        {.kind = "current_step", .name = {}, .population = 1, .from_s = 15, .to_s = 16, .count = 70});
    Simulation simulation(std::move(model));
    simulation.prepare();
    const auto weights = [&] {
        std::vector<float> list;
        simulation.network().settle_plasticity();
        simulation.network().for_each_synapse(2, [&](const rewire::network::Synapse& s) { list.push_back(s.weight); });
        return list;
    };
    const std::vector<float> at_start = weights();
    while (!simulation.playing_back()) simulation.advance(); // the first burst is no part of a leap
    const std::vector<float> after_burst = weights();
    CHECK(at_start != after_burst);
    while (simulation.time_s() < 12) simulation.advance();
    CHECK(weights() == after_burst);
    std::size_t leaps = 0;
    for (const auto& entry : simulation.burst_log()) leaps += entry.leap && !entry.rejected;
    CHECK(leaps > 0);
    while (!simulation.finished()) simulation.advance();
    CHECK(weights() != after_burst); // beside the stimulus
}

TEST_CASE("an antagonist at the receptors of some populations leaves the others alone") {
    auto load = [](const std::string& populations) {
        return rewire::experiment::load_experiment(REWIRE_SOURCE_DIR "/tests/experiment/everything.toml",
                                                   {"dose=[]", "experiment.duration=1 s",
                                                    "intervention=[{ what = 'nmda_antagonist' " + populations +
                                                        " }, { what = 'nbqx', strength = 0.25 " + populations + " }]"})
            .model;
    };
    for (const bool scoped : {false, true}) {
        CAPTURE(scoped);
        Simulation simulation(load(scoped ? ", populations = ['pv']" : ""));
        simulation.prepare();
        simulation.advance();
        for (const std::size_t p : {0u, 1u}) {
            const bool acts = !scoped || p == 1;
            for (const auto& receptor : simulation.network().populations[p].receptors) {
                if (receptor.kind == rewire::synapse::ReceptorKind::nmda && receptor.active)
                    CHECK(static_cast<double>(receptor.gain_ab[3]) == Approx(acts ? 0 : 1).margin(0.02));
                if (receptor.kind == rewire::synapse::ReceptorKind::ampa && receptor.active)
                    CHECK(static_cast<double>(receptor.gain[3]) == Approx(acts ? 0.75 : 1).epsilon(0.02));
            }
        }
    }
}
