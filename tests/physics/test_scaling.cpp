// Homeostatic synaptic scaling against the solution of its equation and the balance that an integral controller keeps.
#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "engine/averages.hpp"
#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"
#include "synapse/scaling.hpp"

using namespace rewire;

TEST_CASE("silence scales synapses up by the published factor, at any step", "[synapse]") {
    const synapse::Scaling p{};
    // Turrigiano 1998: x1.3 in 24 to 48 h of silence.
    CHECK(synapse::advanced_scaling(p, 1, 0, 36) == Approx(1.3).epsilon(1e-3));
    double in_steps = 1;
    for (int k = 0; k < 360; ++k) in_steps = synapse::advanced_scaling(p, in_steps, 0.4, 0.1);
    CHECK(in_steps == Approx(std::exp(p.rate_per_h * 0.6 * 36)).epsilon(1e-9));
    CHECK(synapse::advanced_scaling(p, 1, 1, 1e4) == 1);
    CHECK(synapse::advanced_scaling(p, 1, 0, 1e4) == p.most);
    CHECK(synapse::advanced_scaling(p, 1, 50, 1e4) == p.least);
}

namespace {

/// Cells whose whole excitation is Poisson background, with a share of the AMPA receptors blocked from 10 s on: mean
/// scaling and the ratio of the rates, late in the run and before the block.
std::pair<double, double> scaling_and_rate(double blocked, const char* mode) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / fmt::format("rewire_scaling_{}.toml", getpid());
    std::ofstream(file) << fmt::format(R"([experiment]
duration = "400 s"
mode = "{}"
dt = "0.5 ms"
baseline_settle = "1 s"
baseline_measure = "100 s"
[population.cells]
size = 64
model = "lif_conductance"
background = {{ sources = 200, rate = "5 Hz", weight = "3 nS", receptor = "ampa" }}
[scaling]
populations = ["cells"]
rate = "60 /h"
[[intervention]]
what = "nbqx"
from = "10 s"
strength = {}
)",
                                       mode, blocked);
    engine::Simulation simulation(experiment::load_experiment(file, {}).model);
    std::filesystem::remove(file);
    simulation.prepare();
    double before = 0, after = 0, scaling = 0;
    int samples_before = 0, samples_after = 0;
    while (!simulation.finished()) {
        simulation.advance();
        if (!simulation.at_sample()) continue;
        double rate = 0, mean_scaling = 1;
        for (const engine::Observable& o : simulation.observables()) {
            if (o.name == std::string("mean_rate")) rate = o.value(0);
            if (o.name == std::string("synaptic_scaling")) mean_scaling = o.value(0);
        }
        if (simulation.time_s() > 0 && simulation.time_s() <= 10) before += rate, ++samples_before;
        if (simulation.time_s() > 300) after += rate, scaling += mean_scaling, ++samples_after;
        simulation.sample_taken();
    }
    return {scaling / samples_after, after / samples_after / (before / samples_before)};
}

} // namespace

TEST_CASE("scaling gives back what an antagonist takes from the synapses", "[synapse][engine]") {
    // With a share a of all receptors blocked the drive is (1 - a) H of what it was, whatever the neuron does with it:
    // activity is back where H = 1/(1 - a). 3 %: the targets are measured over 100 s at some 15 Hz, and a rate is as
    // steep as the drive to a power of several.
    const auto [scaling, rate] = scaling_and_rate(0.2, "full");
    CHECK(scaling == Approx(1.25).epsilon(0.03));
    CHECK(rate == Approx(1).epsilon(0.1));
    // Bounded: four times cannot be given back.
    CHECK(scaling_and_rate(0.75, "full").first == Approx(2).epsilon(1e-9));
}
