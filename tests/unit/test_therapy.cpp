// Partner therapies: their schedule, and each of their three effects against a closed form or against the same effect
// brought about by other means.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

/// Silent neurons with the chain: drives stay at their healthy values, so that BDNF has a closed form.
const std::string silent = R"(
[experiment]
duration = "6 h"
threads = 1
mode = "multirate"
baseline_settle = "3 s"
baseline_measure = "1 s"
[population.e]
size = 10
initial = "-70.6 mV"
[projection.ee]
from = "e"
to = "e"
rule = { fixed_indegree = 5 }
weight = "0.5 nS"
receptors = { ampa = 1 }
[glutamate]
[molecular]
populations = ["e"]
trkb_chronic_gain = 0
[multirate]
settle = "100 ms"
shortest_burst = "1 s"
[record]
every = "10 min"
)";

Model read(const std::string& text) {
    return experiment::read_experiment(experiment::parse_config(text, "t.toml")).model;
}

std::size_t index_of(const Simulation& simulation, std::string_view name) {
    const auto& all = simulation.observables();
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const Observable& o) { return o.name == name; }) - all.begin());
}

template <class Look>
void run(Model model, Look look) {
    Simulation simulation(std::move(model));
    simulation.prepare();
    look(simulation);
    while (!simulation.finished()) {
        simulation.advance();
        if (simulation.at_sample()) look(simulation);
    }
}

} // namespace

TEST_CASE("a therapy is a schedule of sessions, each with what its kind or the config says") {
    const Model model = read(silent + R"(
[[therapy]]
kind = "exercise"
at = "1 h"
over = "30 min"
repeat = { every = "2 h", times = 4 }
stress_relief = 0
[[therapy]]
kind = "sleep"
at = "5 h"
over = "20 min"
current = "-35 pA"
)");
    // The fourth session of exercise would start after the end.
    REQUIRE(model.therapies.size() == 4);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(model.therapies[k].kind == "exercise");
        CHECK(model.therapies[k].start_s == Approx(3600 * (1 + 2.0 * static_cast<double>(k))));
        CHECK(model.therapies[k].duration_s == Approx(1800));
    }
    REQUIRE(model.interventions.size() == 4); // 3 of exercise, the stress relief of sleep
    CHECK(model.interventions[1].what == "bdnf_synthesis");
    CHECK(model.interventions[1].from_s == Approx(3 * 3600));
    CHECK(model.interventions[1].to_s == Approx(3.5 * 3600));
    CHECK(model.interventions[1].strength == Approx(0.2)); // of the kind
    CHECK(model.interventions[3].what == "stress_relief");
    REQUIRE(model.stimuli.size() == 1);
    CHECK(model.stimuli[0].amplitude_pA == -35);
    CHECK(model.stimuli[0].population == 0);
    CHECK(model.stimuli[0].count == 10);
    for (const double event : {3600.0, 5400.0, 10800.0, 12600.0, 18000.0, 19200.0, 19800.0})
        CHECK(std::any_of(model.sample_times_s.begin(), model.sample_times_s.end(),
                          [&](double t) { return std::abs(t - event) < 1e-6; }));
}

TEST_CASE("exercise: BDNF follows its synthesis with the time constant of its turnover") {
    // dB/dt = (k_deg + k_rel)(1 + b - B) while a session lasts, with all drives at 1. Sessions of 1 h at 1 h and 3 h.
    // The tolerance is the error of sub-steps of a minute (molecular/signalling.hpp).
    const molecular::SignallingParameters p;
    const double k = p.bdnf_degradation_per_h + p.bdnf_release_per_h, b = 0.4;
    const auto expected = [&](double t_h) {
        double level = 0; // excess over 1
        for (const double start : {1.0, 3.0}) {
            const double on = std::clamp(t_h - start, 0.0, 1.0), off = std::max(0.0, t_h - start - 1);
            level += b * (1 - std::exp(-k * on)) * std::exp(-k * off);
        }
        return 1 + level;
    };
    int samples = 0;
    run(read(silent + R"(
[[therapy]]
kind = "exercise"
at = "1 h"
over = "1 h"
repeat = { every = "2 h", times = 2 }
bdnf_synthesis = 0.4
)"),
        [&](Simulation& s) {
            CAPTURE(s.time_s());
            CHECK(s.observables()[index_of(s, "bdnf")].value(0) == Approx(expected(s.time_s() / 3600)).epsilon(1e-3));
            ++samples;
        });
    CHECK(samples == 37);
}

TEST_CASE("stress relief keeps a share of stress away from all that stress acts on, while it lasts") {
    // The load relaxes to stress (1 - r) with its time constant, an hour here, whatever the steps; EAAT2 = 1 - 0.2 of
    // its mean over the last of these (molecular/stress.hpp). They end at samples, ten minutes apart: within half of
    // that the load changes by a twelfth of 1.5 at most.
    const std::string stressed = silent + R"(
[stress]
load_tau = "1 h"
[[intervention]]
what = "stress"
strength = 1.5
[[therapy]]
kind = "sleep"
at = "2 h"
over = "1 h"
current = "0 pA"
stress_relief = 0.4
)";
    run(read(stressed), [&](Simulation& s) {
        if (s.time_s() == 0) return; // before the first step
        CAPTURE(s.time_s());
        const double hours = s.time_s() / 3600;
        double load = 1.5 * (1 - std::exp(-std::min(hours, 2.0)));
        if (hours > 2) load = 0.9 + (load - 0.9) * std::exp(-(std::min(hours, 3.0) - 2));
        if (hours > 3) load = 1.5 + (load - 1.5) * std::exp(-(hours - 3));
        CHECK(s.observables()[index_of(s, "stress_load")].value(0) == Approx(load).epsilon(1e-9));
        CHECK(s.observables()[index_of(s, "eaat2")].value(0) == Approx(1 - 0.2 * load).margin(0.2 * 1.5 / 12));
    });
}

TEST_CASE("psychotherapy is a current to its populations: the same spikes as with that stimulus, bit for bit") {
    const auto spikes = [](const std::string& what) {
        Model model = read(R"(
[experiment]
duration = "3 s"
threads = 1
[population.e]
size = 50
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
[population.i]
size = 20
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
)" + what);
        Simulation simulation(std::move(model));
        simulation.prepare();
        while (!simulation.finished()) simulation.advance();
        std::vector<std::vector<Spike>> found;
        for (std::size_t p = 0; p < 2; ++p) found.push_back(simulation.network().take_spikes(p));
        return found;
    };
    const auto same = [](const std::vector<Spike>& a, const std::vector<Spike>& b) {
        return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const Spike& x, const Spike& y) {
                   return x.step == y.step && x.neuron == y.neuron;
               });
    };
    const auto none = spikes("");
    const auto therapy = spikes(R"(
[[therapy]]
kind = "psychotherapy"
at = "500 ms"
over = "500 ms"
repeat = { every = "1 s", times = 2 }
populations = ["e"]
current = "80 pA"
)");
    const auto stimulus = spikes(R"(
[[stimulus]]
population = "e"
kind = "current_step"
amplitude = "80 pA"
from = "500 ms"
to = "1 s"
[[stimulus]]
population = "e"
kind = "current_step"
amplitude = "80 pA"
from = "1500 ms"
to = "2 s"
)");
    CHECK(same(therapy[0], stimulus[0]));
    CHECK(same(therapy[1], none[1])); // no current, no synapses
    CHECK(therapy[0].size() > none[0].size());
}
