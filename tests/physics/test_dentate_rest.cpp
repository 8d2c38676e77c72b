// The dentate gyrus of configs/base at rest: without births, deaths and drugs nothing may drift. What is read from
// neurogenesis.toml and its treatments is a difference from that.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

Model dentate(std::vector<std::string> more) {
    std::vector<std::string> settings{"experiment.threads=1", "record.snapshots=[]", "neurogenesis.granule.birth=0 /d",
                                      "neurogenesis.granule.mature_death=0 /d"};
    settings.insert(settings.end(), more.begin(), more.end());
    return experiment::load_experiment(REWIRE_SOURCE_DIR "/configs/neurogenesis.toml", settings).model;
}

/// What is recorded of the granule cells, at every sample.
struct Course {
    std::vector<double> rate_Hz, trkb, synaptic_protein, spine_density;
};

Course run(Model model) {
    const std::size_t granule = model.neurogenesis.front().population;
    Simulation simulation(std::move(model));
    Course course;
    simulation.prepare();
    for (;;) {
        if (simulation.at_sample()) {
            for (const Observable& o : simulation.observables()) {
                if (o.name == "mean_rate") course.rate_Hz.push_back(o.value(granule));
                if (o.name == "trkb") course.trkb.push_back(o.value(granule));
                if (o.name == "synaptic_protein") course.synaptic_protein.push_back(o.value(granule));
                if (o.name == "spine_density") course.spine_density.push_back(o.value(granule));
            }
            simulation.sample_taken();
        }
        if (simulation.finished()) return course;
        simulation.advance();
    }
}

/// Relative change of protein synthesis in the steady state per relative change of spines, if all AMPA drive comes over
/// spines and activity stays: S -> mTORC1 -> proteins -> formation. Slope of the Hill term at 1: n K^n / (1 + K^n).
double gain_through_spines(const Model& model) {
    const molecular::SignallingParameters& p = *model.signalling;
    const double half = std::pow(p.mtorc1_ampa_half, p.mtorc1_ampa_exponent);
    return p.mtorc1_ampa_exponent * half / (1 + half) * p.protein_rate_per_h * 24 * p.protein_tau_d *
           model.structure->spines.protein_gain;
}

} // namespace

TEST_CASE("granule cells at rest fire as if apart from each other, below 1 Hz", "[dentate]") {
    // Common noise becomes noise of mTORC1, of which the chain makes protein. Of independent Poisson neurons the counts
    // of a second have a variance of their mean; from 60 counts it is known to 18 % (one standard deviation), so that
    // 1.5 is three above. Sparse input shared by many gave 2.4.
    const Course course = run(dentate({"experiment.mode=full", "experiment.duration=61 s", "record.every=1 s",
                                       "experiment.baseline_measure=2 s", "structure.every=1 h"}));
    const std::vector<double> rate_Hz(course.rate_Hz.end() - 60, course.rate_Hz.end());
    double mean = 0, variance = 0;
    for (const double r : rate_Hz) mean += r / 60;
    for (const double r : rate_Hz) variance += (r - mean) * (r - mean) / 59;
    CHECK(mean > 0.5);
    CHECK(mean < 1);
    CHECK(variance * 400 / mean < 1.5); // 400 cells
}

TEST_CASE("spines raise proteins through AMPA drive no more than in the prefrontal circuit", "[dentate]") {
    // Where a fifth of the AMPA drive of pyramidal cells comes over spines, that of granule cells all of it.
    const Model prefrontal = experiment::load_experiment(REWIRE_SOURCE_DIR "/configs/ketamine_infusion.toml", {}).model;
    CHECK(gain_through_spines(dentate({})) == Approx(0.2 * gain_through_spines(prefrontal)).epsilon(0.1));
}

TEST_CASE("the dentate circuit without births stays at rest for two days", "[dentate]") {
    // A baseline of 100 s knows the rate of 400 cells to half a per cent, the samples of 6 h to about one: 3 % is three
    // standard deviations of the rate, and TrkB follows it. Noise of mTORC1 adds up to 1 to 2 % of protein and that, in
    // two days, to half a per cent of spines (36,000, which chance turns over by 0.4 %). The circuit that drifted to
    // spines of 1.15 in two weeks had 4 % more protein and 1.1 % more spines by then.
    const Course course = run(dentate({"experiment.duration=2 d", "experiment.baseline_measure=100 s"}));
    CHECK(course.rate_Hz.back() == Approx(course.rate_Hz[1]).epsilon(0.03));
    CHECK(course.trkb.back() == Approx(1).margin(0.03));
    CHECK(course.synaptic_protein.back() == Approx(1).margin(0.03));
    CHECK(course.spine_density.back() == Approx(1).margin(0.01));
}

TEST_CASE("the dentate circuit without births stays at rest for three weeks", "[dentate][long]") {
    // One run wanders by some 3 % of its rate, as noise of mTORC1 is made into protein: three seeds came out at rate
    // +6, -1 and +5 %, TrkB +4, -1 and +3 %, spines +2, 0 and +2 %. 5 % is what a treatment has to exceed, on the mean
    // of three seeds, to be told from drift.
    double rate = 0, trkb = 0, spine_density = 0;
    for (const char* seed : {"1", "2", "3"}) {
        const Course course = run(dentate({"experiment.duration=21 d", std::string("experiment.seed=") + seed}));
        INFO("seed " << seed);
        CHECK(course.rate_Hz.back() == Approx(course.rate_Hz[1]).epsilon(0.1)); // three standard deviations of a run
        rate += course.rate_Hz.back() / course.rate_Hz[1] / 3;
        trkb += course.trkb.back() / 3;
        spine_density += course.spine_density.back() / 3;
    }
    CHECK(rate == Approx(1).margin(0.05));
    CHECK(trkb == Approx(1).margin(0.05));
    CHECK(spine_density == Approx(1).margin(0.05));
}
