// What ties the mechanisms together: the inputs of the molecular chain and of spines, and what acts on the chain, each
// through the whole engine against a closed form or against the chain alone with its input worked out by hand.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

Model read(const std::string& text) {
    return experiment::read_experiment(experiment::parse_config(text, "t.toml")).model;
}

void run_to(Simulation& simulation, double time_s) {
    while (simulation.time_s() < time_s - 1e-9) simulation.advance();
}

/// Silent neurons with the chain: all drives stay at their healthy values unless something acts on them. Synaptic NMDA
/// receptors are half 2A and half 2B, those outside of synapses all 2D, so that each pool can be blocked alone.
const std::string silent = R"(
[experiment]
duration = "1 h"
dt = "0.5 ms"
threads = 1
mode = "multirate"
baseline_settle = "3 s"
baseline_measure = "1 s"
[population.e]
size = 10
initial = "-70.6 mV"
extrasynaptic = { share_2a = 0.0, share_2b = 0.0, share_2d = 1.0 }
[projection.ee]
from = "e"
to = "e"
rule = { fixed_indegree = 5 }
weight = "0.5 nS"
receptors = { ampa = 1, nmda = 0.5 }
[molecular]
populations = ["e"]
ampa_hnk_gain = 0.4
resting_drive = { miniature_share = 0.6 }
[stress]
load_tau = "0.1 s"
[multirate]
settle = "100 ms"
shortest_burst = "1 s"
)";

using Levels = std::array<double, StateOf<molecular::Signalling>::variables.size()>;

Levels levels(const molecular::Signalling& state) {
    Levels values{};
    for (std::size_t k = 0; k < values.size(); ++k)
        values[k] = (state.*std::get<std::vector<double> molecular::Signalling::*>(
                                StateOf<molecular::Signalling>::variables[k].member))[0];
    return values;
}

Levels after_an_hour(const std::string& more) {
    Simulation simulation(read(silent + more));
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
    return levels(simulation.signalling(0));
}

/// What reaches the chain.
struct Acting {
    molecular::Antagonists antagonists;
    double resting_nmda = 1, l_type = 1;
};

Levels alone(const Acting& acting) {
    molecular::SignallingParameters p;
    p.ampa_hnk_gain = 0.4;
    molecular::Signalling state = molecular::make_signalling(1);
    const std::vector<double> r{acting.resting_nmda}, l{acting.l_type}, s{1.0};
    molecular::advance(state, {r, l, s}, acting.antagonists, p, 3600, 1);
    return levels(state);
}

double greatest_difference(const Levels& a, const Levels& b) {
    double greatest = 0;
    for (std::size_t k = 0; k < a.size(); ++k) greatest = std::max(greatest, std::abs(a[k] - b[k]));
    return greatest;
}

/// A drug that, given at time 0, stays at 1 uM: see test_drug_targets.cpp.
std::string bath(std::string_view target, double efficacy) {
    return fmt::format(R"([drug.it.pharmacokinetics]
compartment = [{{ name = "bath", volume = "1 L" }}]
species = [{{ name = "it", central = "bath", molar_mass = "100 g/mol", counted_as = "100 g/mol", unbound_fraction = 1.0, brain_plasma_unbound_ratio = 1.0, effect_site_rate = "6000 /min" }}]
route = [{{ name = "intravenous", input = [{{ compartment = "bath" }}] }}]
[drug.it.species.it]
target.{} = {{ ec50 = "1 uM", efficacy = {} }}
[[dose]]
drug = "it"
amount = "0.1 mg"
)",
                       target, efficacy);
}

} // namespace

TEST_CASE("what acts on the chain acts with the strength that it says, as an intervention and as a drug",
          "[molecular][engine]") {
    // Truth: the chain alone, which test_molecular.cpp holds against an independent integrator, for an hour with the
    // antagonist, the L-type drive or the resting NMDA drive that follows from the strength s by hand:
    //     R = m (1 - b_syn) + (1 - m) (1 - b_ext),   m = 0.6
    // Tolerance: sub-steps of a minute, 1e-3 each of the two. Half of the strength is several times as far away.
    struct Case {
        std::string what;
        double strength;
        std::function<Acting(double)> acting;
    };
    const auto antagonist = [](double molecular::Antagonists::*member) {
        return [member](double s) {
            Acting a;
            a.antagonists.*member = s;
            return a;
        };
    };
    const std::vector<Case> cases{
        {"anti_bdnf", 0.4, antagonist(&molecular::Antagonists::anti_bdnf)},
        {"trkb_block", 0.4, antagonist(&molecular::Antagonists::trkb_block)},
        {"trkb_modulation", 0.4, antagonist(&molecular::Antagonists::trkb_modulation)},
        {"rapamycin", 0.4, antagonist(&molecular::Antagonists::rapamycin)},
        {"anisomycin", 0.4, antagonist(&molecular::Antagonists::anisomycin)},
        {"ampa_gain", 0.3, antagonist(&molecular::Antagonists::ampa_gain)},
        {"hnk", 2, antagonist(&molecular::Antagonists::hnk_uM)},
        {"bdnf_synthesis", 0.5, [](double s) { return Acting{.antagonists = {.bdnf_synthesis = 1 + s}}; }},
        // 0.3: the loss of synthesis at load 1 (molecular/stress.hpp), which is there at once here
        {"stress", 1.5, [](double s) { return Acting{.antagonists = {.bdnf_synthesis = 1 - 0.3 * s}}; }},
        {"nifedipine", 0.4, [](double s) { return Acting{.l_type = 1 - s}; }},
        {"nmda_antagonist", 0.4, [](double s) { return Acting{.resting_nmda = 1 - s}; }},
        {"nmda_2a", 0.8, [](double s) { return Acting{.resting_nmda = 0.6 * (1 - 0.5 * s) + 0.4}; }},
        {"nmda_2d", 0.8, [](double s) { return Acting{.resting_nmda = 0.6 + 0.4 * (1 - s)}; }},
    };
    constexpr double tolerance = 2e-3;
    for (const auto& [what, strength, acting] : cases) {
        CAPTURE(what);
        const Levels expected = alone(acting(strength));
        REQUIRE(greatest_difference(expected, alone(acting(0.5 * strength))) > 4 * tolerance);
        CHECK(greatest_difference(
                  after_an_hour(fmt::format("[[intervention]]\nwhat = \"{}\"\nstrength = {:.1f}\n", what, strength)),
                  expected) < tolerance);
        // At its EC50 a drug has half of its efficacy.
        for (const drug::TargetInWords& t : drug::targets)
            if (t.intervention == what)
                CHECK(greatest_difference(after_an_hour(bath(t.name, 2 * strength > 1 ? 1.0 : 2 * strength)),
                                          alone(acting(2 * strength > 1 ? 0.5 : strength))) < tolerance);
    }
}

TEST_CASE("ambient glutamate and kynurenines reach the resting drive of the chain", "[molecular][engine]") {
    // Of the silent cells nothing is released, so that all input to the pool is leak: with the share s of uptake
    // blocked the level is Km a/((1-s) Vmax - a), a = Vmax G0/(Km + G0) (glutamate/extracellular.hpp), and receptors
    // outside of synapses gate as the Hill function of Traynelis 2010 says. R = m + (1 - m) gate(G)/gate(G0).
    const glutamate::GlutamateParameters g;
    const auto gate = [&](double level_uM) {
        const double power = std::pow(level_uM / 1.7, 1.4);
        return power / (1 + power);
    };
    constexpr double tolerance = 2e-3;
    const double input = g.uptake_vmax_uM_per_s * g.ambient_uM / (g.uptake_half_uM + g.ambient_uM),
                 level = g.uptake_half_uM * input / (0.8 * g.uptake_vmax_uM_per_s - input);
    const double raised = 0.6 + 0.4 * gate(level) / gate(g.ambient_uM);
    REQUIRE(raised > 1.1);
    CHECK(greatest_difference(after_an_hour("[glutamate]\n[[intervention]]\nwhat = \"uptake_block\"\nstrength = 0.2\n"),
                              alone({.resting_nmda = raised})) < tolerance);

    // J = 1 and time constants of a second: quinolinic acid at 5 times its 0.2 uM, kynurenic acid at 2.5 times its 1 uM
    // (test_inflammation.cpp). The one counts as 1.7/100 x 0.8 uM more glutamate at the half of the current outside of
    // synapses that 2A and 2B carry here, the other leaves (11 + 1)/(11 + 2.5) of all receptors.
    std::string mixed = silent;
    const std::string all_2d = "{ share_2a = 0.0, share_2b = 0.0, share_2d = 1.0 }";
    mixed.replace(mixed.find(all_2d), all_2d.size(), "{ share_2a = 0.2, share_2b = 0.3, share_2d = 0.5 }");
    Simulation simulation(read(mixed + R"([inflammation]
kynurenine_tau = "1 s"
acids_tau = "1 s"
kynurenic = "1 uM"
bdnf_synthesis_loss = 0.0
ampa_gain = 0.0
[[intervention]]
what = "inflammation"
)"));
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
    const double more = gate(g.ambient_uM + 0.0136) / gate(g.ambient_uM) - 1;
    const double kynurenines = 12 / 13.5 * (0.6 + 0.4 * (1 + 0.5 * more));
    REQUIRE(std::abs(kynurenines - 12 / 13.5 * (1 + 0.4 * more)) > 0.05);
    CHECK(greatest_difference(levels(simulation.signalling(0)), alone({.resting_nmda = kynurenines})) < tolerance);
}

TEST_CASE("drives of the chain follow what is measured with the time constant of activity", "[molecular][engine]") {
    // Cells of `e` rest at -60 mV and are held at -30 mV by a current from 100 s on, which raises the activation
    // 1/(1 + exp(-(V + 20)/7)) of their L-type channels 58.8 times. Cells of `s` hear 10,000 AMPA events a second, of
    // which three quarters are blocked from then on. Both drives relax with 5 min:
    //     drive = end + (1 - end) exp(-(t - 100 s)/5 min)
    // 0.2 % for the membrane's 20 ms and the tick in which the step falls; AMPA 1.5 %: the baseline counts 1e5 events
    // of each of two cells, four standard errors.
    Simulation simulation(read(R"(
[experiment]
duration = "700 s"
dt = "1 ms"
slow_tick = "1 s"
mode = "full"
threads = 1
baseline_settle = "1 s"
baseline_measure = "10 s"
[population.e]
size = 2
model = "lif_conductance"
threshold = "0 mV"
initial = "-60 mV"
[population.s]
size = 2
model = "lif_conductance"
threshold = "0 mV"
background = { sources = 1000, rate = "10 Hz", weight = "0.1 nS", receptor = "ampa" }
[molecular]
populations = ["e", "s"]
[[stimulus]]
population = "e"
kind = "current_step"
amplitude = "300 pA"
from = "100 s"
to = "700 s"
[[intervention]]
what = "nbqx"
from = "100 s"
strength = 0.75
)"));
    simulation.prepare();
    const auto open = [](double v_mV) { return 1 / (1 + std::exp(-(v_mV + 20) / 7)); };
    const double l_end = open(-30) / open(-60);
    REQUIRE(l_end == Approx(58.8).epsilon(0.01));
    for (const double t : {100.0, 130.0, 250.0, 400.0, 700.0}) {
        run_to(simulation, t);
        const double left = std::exp(-(t - 100) / 300);
        CAPTURE(t);
        CHECK(simulation.slow_state().l_type[0] == Approx(l_end + (1 - l_end) * left).epsilon(2e-3));
        CHECK(simulation.slow_state().ampa[1] == Approx(0.25 + 0.75 * left).epsilon(0.015));
    }
}

TEST_CASE("spines see the calcium of their neuron over its healthy value, slowly filtered, and form accordingly",
          "[structure][engine]") {
    // Regular spikes, faster from 100 s on; x is the ratio of the rates, counted. The trace (tau_c = 10 s) and the
    // filter (tau_h = 60 s here) in series:
    //     f = x + (1 - x) (tau_h e^(-t/tau_h) - tau_c e^(-t/tau_c))/(tau_h - tau_c)
    // 1 %: healthy rates are those of 20 s, some 800 spikes known to one. Formation is F0 (1 - tanh(f - 1)): of 400
    // spines at 1,000 a day 463 in 100 s, less when f rises; growth has no chance but the rounding of one element on
    // each of 40 neurons, 4 sqrt(40)/2.
    Simulation simulation(read(R"(
[experiment]
duration = "400 s"
mode = "full"
threads = 1
baseline_settle = "1 s"
baseline_measure = "20 s"
[population.e]
size = 40
model = "lif_conductance"
current = "200 pA"
[projection.ee]
from = "e"
to = "e"
rule = { fixed_indegree = 10 }
weight = "0 nS"
receptors = { ampa = 1 }
structural = { rule = "spines" }
[structure]
every = "10 s"
spines = { formation = "1000 /d", nascent_tau = "40 s", homeostatic_tau = "60 s" }
[[stimulus]]
population = "e"
kind = "current_step"
amplitude = "100 pA"
from = "100 s"
to = "400 s"
)"));
    simulation.prepare();
    const auto formed = [&] { return static_cast<double>(simulation.structural()[0].formed); };
    run_to(simulation, 100);
    const auto slow = static_cast<double>(simulation.spike_count(0));
    const double per_update = 400 * 1000 / 86400.0 * 10, rounding = 4 * std::sqrt(40) / 2;
    for (const double f : simulation.slow_state().calcium_filtered[0]) CHECK(f == Approx(1).epsilon(0.01));
    CHECK(formed() == Approx(10 * per_update).margin(rounding));
    run_to(simulation, 200);
    const double x = (static_cast<double>(simulation.spike_count(0)) - slow) / slow;
    REQUIRE(x > 1.3);
    const auto expected = [&](double t) {
        return x + (1 - x) * (60 * std::exp(-t / 60) - 10 * std::exp(-t / 10)) / 50;
    };
    for (const double t : {100.0, 180.0, 300.0}) {
        run_to(simulation, 100 + t);
        CAPTURE(t);
        for (const double f : simulation.slow_state().calcium_filtered[0])
            CHECK(f == Approx(expected(t)).epsilon(0.01));
    }
    double growth = 10 * per_update;
    for (int update = 1; update <= 30; ++update) growth += per_update * (1 - std::tanh(expected(10.0 * update) - 1));
    REQUIRE(growth < 40 * per_update - 20 * rounding);
    CHECK(formed() == Approx(growth).margin(rounding));
}
