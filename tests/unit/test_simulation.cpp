// The time loop with every slow mechanism coupled: threads, multirate, events, books and feedback.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

Model everything(const std::vector<std::string>& overrides = {}) {
    return experiment::load_experiment(REWIRE_SOURCE_DIR "/tests/experiment/everything.toml", overrides).model;
}

/// All slow samples and spikes of a run, bit for bit.
struct Course {
    std::vector<double> times_s;
    std::vector<std::uint64_t> values; ///< bits of the observables: NaN equals itself
    std::vector<std::pair<std::int64_t, std::uint32_t>> spikes;
    bool operator==(const Course&) const = default;
};

Course run(Model model) {
    Simulation simulation(std::move(model));
    Course course;
    const auto collect = [&] {
        for (std::size_t p = 0; p < simulation.network().populations.size(); ++p)
            for (const Spike& s : simulation.network().take_spikes(p)) course.spikes.emplace_back(s.step, s.neuron);
        if (!simulation.at_sample()) return;
        course.times_s.push_back(simulation.time_s());
        for (const Observable& o : simulation.observables())
            for (std::size_t i = 0; i < simulation.labels(o.dimension).size(); ++i) {
                const double value = o.value(i);
                course.values.emplace_back();
                std::memcpy(&course.values.back(), &value, sizeof value);
            }
        simulation.sample_taken();
    };
    simulation.prepare();
    collect();
    while (!simulation.finished()) {
        simulation.advance();
        collect();
    }
    for (const StructuralState& s : simulation.structural()) check_invariants(simulation.network(), s);
    return course;
}

} // namespace

TEST_CASE("any number of threads gives the same bits in every slow state and spike", "[engine]") {
    const std::vector<std::string> shorter{"experiment.duration=4 s"};
    const auto with_threads = [&](int threads) {
        Model model = everything(shorter);
        model.threads = threads;
        return run(std::move(model));
    };
    const Course one = with_threads(1);
    REQUIRE(one.spikes.size() > 100);
    CHECK(one == with_threads(2));
    CHECK(one == with_threads(3));
    Model other = everything(shorter);
    other.seed = 8;
    CHECK(!(one == run(std::move(other))));
}

TEST_CASE("touching bursts equal full mode bit for bit", "[engine]") {
    const std::vector<std::string> touching{"experiment.duration=4 s", "multirate.longest_leap=0 s"};
    Model full = everything(touching);
    full.multirate = false;
    CHECK(run(everything(touching)) == run(std::move(full)));
}

TEST_CASE("the surrogate symptom score is a readout: what it maps is recorded, and nothing depends on it") {
    // 8 s hold leaps that are played back. The score is checked from the recorded density and AMPA gain alone.
    const auto course_of = [](Model model) {
        Simulation simulation(std::move(model));
        std::map<std::string, std::vector<double>> course;
        simulation.prepare();
        while (!simulation.finished()) {
            simulation.advance();
            if (!simulation.at_sample()) continue;
            course["time"].push_back(simulation.time_s());
            for (const Observable& o : simulation.observables()) course[o.name].push_back(o.value(0));
            simulation.sample_taken();
        }
        const auto& log = simulation.burst_log();
        CHECK(std::any_of(log.begin(), log.end(), [](const LogEntry& e) { return e.leap && !e.rejected; }));
        return course;
    };
    const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
    };
    const std::vector<std::string> lossy{"experiment.duration=8 s", "intervention.0.from=0 s", "intervention.0.to=8 s",
                                         "structure.spines.stress_gain=20"};
    Model model = everything(lossy);
    const clinic::SymptomScore mapping = model.symptom_score->mapping;
    Model without = everything(lossy);
    without.symptom_score.reset();
    const auto course = course_of(std::move(model));
    const auto plain = course_of(std::move(without));
    CHECK(plain.size() == course.size() - 3);
    for (const auto& [name, values] : plain) {
        CAPTURE(name);
        CHECK(same(values, course.at(name)));
    }
    double greatest = 0;
    for (std::size_t k = 0; k < course.at("time").size(); ++k) {
        const double f = course.at("ampa_gain")[k] * course.at("spine_density")[k];
        CHECK(course.at("synaptic_function")[k] == Approx(f));
        CHECK(course.at("surrogate_symptom_score")[k] ==
              Approx(mapping.severity * std::max(0.0, 1 - f) / (std::max(0.0, 1 - f) + mapping.half_deficit)));
        greatest = std::max(greatest, course.at("surrogate_symptom_score")[k]);
        // A therapy from the start, onset 1 min, fading 14 d: attention is as good as 1.
        CHECK(course.at("surrogate_expectation")[k] ==
              Approx(-30 * (1 - std::exp(-course.at("time")[k] / 60))).epsilon(1e-4).margin(1e-12));
    }
    CHECK(greatest > 10); // spines were lost
}

TEST_CASE("the surrogate symptom score sees all that changes AMPA receptors: antagonists, signalling, scaling") {
    Model model = everything({"experiment.duration=1 s"});
    model.interventions = {{"nbqx", 0, 2, 0.25}};
    model.scaling = synapse::Scaling{.rate_per_h = 4000};
    model.scaling_populations = {0};
    Simulation simulation(std::move(model));
    const auto value = [&](std::string_view name) {
        const auto& all = simulation.observables();
        const auto found = std::find_if(all.begin(), all.end(), [&](const Observable& o) { return o.name == name; });
        REQUIRE(found != all.end());
        return found->value(0);
    };
    simulation.prepare();
    CHECK(value("synaptic_function") == Approx(0.75)); // a healthy circuit but for the antagonist
    while (!simulation.finished()) simulation.advance();
    CHECK(std::abs(value("synaptic_scaling") - 1) > 0.02);
    // Of the recorded means, so that what neurons differ in is left out.
    CHECK(value("synaptic_function") ==
          Approx(0.75 * value("ampa_gain") * value("synaptic_scaling") * value("spine_density")).epsilon(1e-3));
}

TEST_CASE("samples and leaps end exactly at events") {
    Simulation simulation(everything());
    simulation.prepare();
    std::vector<double> sampled;
    while (!simulation.finished()) {
        simulation.advance();
        if (simulation.at_sample()) sampled.push_back(simulation.time_s());
    }
    // Events of the config: dose 1-3 s, stress 2-3.5 s, stimulus 0.5-0.7 s.
    for (const double event : {1.0, 2.0, 3.0, 3.5}) {
        CHECK(std::count_if(sampled.begin(), sampled.end(), [&](double t) { return std::abs(t - event) < 1e-9; }) == 1);
        for (const LogEntry& entry : simulation.burst_log())
            if (entry.leap)
                CHECK_FALSE((entry.start_s < event - 1e-9 && entry.start_s + entry.length_s > event + 1e-9));
    }
    // The log covers the run without gaps.
    double covered = 0;
    for (const LogEntry& entry : simulation.burst_log()) {
        if (entry.rejected) continue;
        CHECK(entry.start_s == Approx(covered).margin(1e-9));
        covered += entry.length_s;
    }
    CHECK(covered == Approx(8.0));
}

TEST_CASE("glutamate: what the spikes release is what the pool books") {
    // Without short-term plasticity and mGluR2/3 every spike releases one unit at each of its synapses, so the
    // books can be checked against a count of spikes times out-degree, made from the spike record alone.
    Model model = everything({"experiment.mode=full", "experiment.duration=2 s", "glutamate.mglur_inhibition=0"});
    for (network::Projection& p : model.projections) {
        p.short_term.reset();
        p.structural = false;
    }
    model.structure.reset();
    Simulation simulation(std::move(model));
    simulation.prepare();
    double events = 0;
    while (!simulation.finished()) {
        simulation.advance();
        for (const Spike& s : simulation.network().take_spikes(0))
            for (const FastProjection& p : simulation.network().projections)
                if (p.specification.source == 0) events += p.synapses.outgoing_counts()[s.neuron];
    }
    const glutamate::ExtracellularPool& pool = simulation.pools()[0];
    REQUIRE(events > 0);
    const double zmol_per_event = pool.parameters.cleft_peak_mM * 1e3 * pool.parameters.cleft_volume_fL; // uM fL
    CHECK(pool.released_zmol == Approx(events * zmol_per_event).epsilon(1e-9));
}

TEST_CASE("glutamate: each voxel books what the neurons in it release, and they see its level") {
    // As above, with the voxel of a neuron worked out from its position in the box of 300 um.
    Model model = everything({"experiment.mode=full", "experiment.duration=2 s", "glutamate.mglur_inhibition=0",
                              "glutamate.voxels=[3, 2, 1]"});
    for (network::Projection& p : model.projections) {
        p.short_term.reset();
        p.structural = false;
    }
    model.structure.reset();
    for (DrugModel& d : model.drugs) d.doses.clear();
    Simulation simulation(std::move(model));
    simulation.prepare();
    const FastPopulation& pyramidal = simulation.network().populations[0];
    const auto voxel_of = [&](std::size_t i) {
        const network::Position& at = pyramidal.positions[i];
        return static_cast<std::size_t>(at[0] / 100) + 3 * static_cast<std::size_t>(at[1] / 150);
    };
    std::array<double, 6> events{};
    while (!simulation.finished()) {
        simulation.advance();
        for (const Spike& s : simulation.network().take_spikes(0))
            for (const FastProjection& p : simulation.network().projections)
                if (p.specification.source == 0) events[voxel_of(s.neuron)] += p.synapses.outgoing_counts()[s.neuron];
    }
    REQUIRE(simulation.pools().size() == 6);
    double amount_zmol = 0, volume_fL = 0, level_sum = 0;
    const auto observable = [&](const std::string& name) {
        return *std::find_if(simulation.observables().begin(), simulation.observables().end(),
                             [&](const Observable& o) { return o.name == name; });
    };
    for (std::size_t v = 0; v < 6; ++v) {
        const glutamate::ExtracellularPool& voxel = simulation.pools()[v];
        REQUIRE(events[v] > 0);
        CHECK(
            voxel.released_zmol ==
            Approx(events[v] * voxel.parameters.cleft_peak_mM * 1e3 * voxel.parameters.cleft_volume_fL).epsilon(1e-9));
        amount_zmol += observable("glutamate_voxel").value(v) * voxel.volume_fL;
        volume_fL += voxel.volume_fL;
        level_sum += voxel.nmda_gating;
    }
    // The level of the region is that of all its voxels together.
    CHECK(simulation.labels("voxel")[5] == "cortex_2_1_0");
    CHECK(observable("glutamate_extracellular").value(0) == Approx(amount_zmol / volume_fL).epsilon(1e-12));
    bool differ = false;
    for (std::size_t i = 0; i < pyramidal.size(); ++i) {
        const glutamate::ExtracellularPool& voxel = simulation.pools()[voxel_of(i)];
        // 1 nS of tonic conductance; without a drug nothing of it is blocked.
        REQUIRE(pyramidal.tonic_ab_nS[i] + pyramidal.tonic_cd_nS[i] == Approx(voxel.nmda_gating).epsilon(1e-6));
        REQUIRE(pyramidal.ambient_open[i] ==
                Approx(glutamate::extrasynaptic_open_fraction(voxel.parameters, glutamate::concentration_uM(voxel)))
                    .epsilon(1e-6));
        differ = differ || std::abs(6 * voxel.nmda_gating / level_sum - 1) > 0.01;
    }
    CHECK(differ); // so that a mistaken voxel would show
}

TEST_CASE("glutamate: presynaptic receptors follow the voxel of the source") {
    Model model = everything({"experiment.mode=full", "experiment.duration=2 s", "glutamate.voxels=[1, 2, 2]"});
    model.structure.reset();
    for (network::Projection& p : model.projections) p.structural = false;
    Simulation simulation(std::move(model));
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
    const FastPopulation& pyramidal = simulation.network().populations[0];
    std::size_t glutamatergic = 0;
    for (const FastProjection& p : simulation.network().projections) {
        if (!p.specification.glutamatergic) {
            CHECK(p.release_factors.empty());
            continue;
        }
        ++glutamatergic;
        REQUIRE(p.specification.source == 0);
        for (std::size_t j = 0; j < pyramidal.size(); ++j) {
            const network::Position& at = pyramidal.positions[j];
            const std::size_t voxel = static_cast<std::size_t>(at[1] / 150) + 2 * static_cast<std::size_t>(at[2] / 150);
            REQUIRE(p.release_factors[j] == Approx(simulation.pools()[voxel].mglur_release_factor).epsilon(1e-6));
        }
    }
    CHECK(glutamatergic == 2);
    const auto factor = [&](std::size_t v) { return simulation.pools()[v].mglur_release_factor; };
    CHECK(std::abs(factor(0) / factor(3) - 1) > 1e-4);
}

TEST_CASE("glutamate: well-mixed voxels are one pool") {
    // Without feedback the spikes are the same. 0.4 m^2/s mixes 150 um within 0.1 us, so all voxels have the level of
    // the one pool, to the tolerance of the steps (1e-5 each).
    const auto levels = [](const std::string& voxels) {
        Model model = everything({"experiment.mode=full", "experiment.duration=2 s", "glutamate.mglur_inhibition=0",
                                  "glutamate.diffusion=1e9 um^2/ms", "glutamate.voxels=" + voxels});
        model.structure.reset();
        model.signalling.reset();
        model.signalling_populations.clear();
        model.drugs.clear();
        for (network::Projection& p : model.projections) p.structural = false;
        for (network::Population& p : model.populations) p.tonic_nmda_nS = 0;
        Simulation simulation(std::move(model));
        simulation.prepare();
        std::vector<double> found;
        while (!simulation.finished()) {
            simulation.advance();
            for (const glutamate::ExtracellularPool& pool : simulation.pools())
                found.push_back(glutamate::concentration_uM(pool));
        }
        return found;
    };
    const std::vector<double> one = levels("[1, 1, 1]"), eight = levels("[2, 2, 2]");
    REQUIRE(eight.size() == 8 * one.size());
    for (std::size_t k = 0; k < one.size(); ++k)
        for (std::size_t v = 0; v < 8; ++v) REQUIRE(eight[8 * k + v] == Approx(one[k]).epsilon(1e-3));
    const auto [lowest, highest] = std::ranges::minmax(one);
    CHECK(highest > 1.1 * lowest); // it moves
}

TEST_CASE("glutamate: voxels give the same bits for any number of threads, in bursts and leaps") {
    const auto with_threads = [](std::int64_t threads) {
        Model model = everything({"experiment.duration=4 s", "glutamate.voxels=[2, 2, 2]"});
        model.threads = threads;
        return run(std::move(model));
    };
    const Course one = with_threads(1);
    REQUIRE(one.spikes.size() > 100);
    CHECK(one == with_threads(3));
}

TEST_CASE("a complete NMDA antagonist equals a circuit without NMDA receptors") {
    // The two runs share every random number, so spikes must agree to the last bit.
    const std::vector<std::string> plain{"experiment.mode=full", "experiment.duration=1 s"};
    const auto spikes = [&](bool antagonist) {
        Model model = everything(plain);
        model.drugs.clear();
        model.glutamate.reset();
        model.inflammation.reset();
        model.signalling.reset();
        model.signalling_populations.clear();
        model.structure.reset();
        model.interventions.clear();
        for (network::Projection& p : model.projections) {
            p.structural = false;
            if (!antagonist)
                std::erase_if(p.receptors, [&](const network::ReceptorShare& share) {
                    return model.populations[p.target].receptors[share.receptor].kind == "nmda";
                });
        }
        for (network::Population& p : model.populations)
            if (!antagonist) p.tonic_nmda_nS = 0;
        if (antagonist) model.interventions.push_back({"nmda_antagonist", 0, 10, 1});
        return run(std::move(model)).spikes;
    };
    const auto blocked = spikes(true);
    REQUIRE(blocked.size() > 100);
    CHECK(blocked == spikes(false));
}

TEST_CASE("AMPA gain and antagonists reach the receptors") {
    Model model = everything({"experiment.duration=3 s"});
    model.interventions = {{"nbqx", 2, 3, 0.75}};
    Simulation simulation(std::move(model));
    simulation.prepare();
    const auto gain = [&](std::size_t i) {
        return static_cast<double>(simulation.network().populations[0].receptors[0].gain[i]);
    };
    CHECK(gain(5) == 1.0); // healthy at the start, exactly
    while (simulation.time_s() < 2.5) simulation.advance();
    // A_i (1 - 0.75), in float.
    CHECK(gain(5) == Approx(0.25 * simulation.signalling(0).ampa_gain[5]).epsilon(1e-6));
    CHECK(simulation.network().populations[1].receptors[0].gain[5] == Approx(0.25f));
}

TEST_CASE("channel block lowers the NMDA conductance by the blocked share") {
    Simulation simulation(everything({"experiment.duration=4 s", "dose.0.amount=40 mg/kg"}));
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
    const FastPopulation& pyramidal = simulation.network().populations[0];
    const double blocked = simulation.blocked(0, synaptic).blocked[17];
    REQUIRE(blocked > 0.01);
    // 2A and 2B only, so all of the pool's gain is in the first class.
    CHECK(pyramidal.receptors[1].gain_ab[17] == Approx(1 - blocked).epsilon(1e-6));
    CHECK(pyramidal.receptors[1].gain_cd[17] == 0);
    const double gating = simulation.pools()[0].nmda_gating;
    CHECK(pyramidal.tonic_ab_nS[17] ==
          Approx(1.0 * gating * (1 - simulation.blocked(0, extrasynaptic).blocked[17])).epsilon(1e-5));
}

TEST_CASE("without a dose the healthy fixed point holds where nothing is measured") {
    // Channel block stays exactly 0 and R exactly 1 - up to ambient glutamate, which follows the spikes.
    Model model = everything({"experiment.duration=3 s"});
    for (DrugModel& d : model.drugs) d.doses.clear();
    model.interventions.clear();
    Simulation simulation(std::move(model));
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
    for (const double b : simulation.blocked(0, synaptic).blocked) REQUIRE(b == 0);
    // 3 s are short beside the 14 d of chronic TrkB and the 3 d of proteins; a wrong start would show at once.
    for (const double t : simulation.signalling(0).trkb_chronic) REQUIRE(t == Approx(1).margin(1e-5));
    for (const double p : simulation.signalling(0).synaptic_protein) REQUIRE(p == Approx(1).margin(1e-3));
}

TEST_CASE("what a burst measured before an event does not stand for the leap after it") {
    // A strong step of 0.2 s within a burst of 1 s: were it averaged into the leap, the calcium-driven release of BDNF
    // would follow. The reference is the same run without the step; single seconds of it leave hardly a trace.
    const auto released = [](bool step) {
        Model model =
            everything({"experiment.duration=2 h", "multirate.shortest_leap=10 s", "multirate.longest_leap=30 min",
                        "multirate.settle=0.2 s", "multirate.shortest_burst=1 s", "multirate.longest_burst=1 s",
                        "experiment.slow_tick=100 ms"});
        for (DrugModel& d : model.drugs) d.doses.clear();
        model.interventions.clear();
        model.stimuli.clear();
        model.structure.reset(); // its spines turn over within seconds, which would keep leaps short
        for (network::Projection& p : model.projections) p.structural = false;
        if (step) {
            Stimulus s{.kind = "current_step",
                       .population = 0,
                       .from_s = 1800.2,
                       .to_s = 1800.4,
                       .count = 200,
                       .amplitude_pA = 2000};
            model.stimuli.push_back(s);
        }
        Simulation simulation(std::move(model));
        simulation.prepare();
        double highest = 0;
        while (!simulation.finished()) {
            simulation.advance();
            highest = std::max(highest, simulation.signalling(0).bdnf_released[0]);
        }
        return highest;
    };
    const double without = released(false);
    // Sampling noise of 1 s bursts moves X by a few per cent; the step, if leapt over, more than doubles L for 30 min.
    CHECK(released(true) == Approx(without).margin(0.1));
}

TEST_CASE("a run that diverges says so instead of going on") {
    Model model = everything({"experiment.duration=1 s"});
    Stimulus s{.kind = "spikes", .population = 0, .to_s = 1, .count = 200, .weight = 1e38, .receptor = 0};
    for (int k = 0; k < 20; ++k) {
        s.times_s.push_back(0.3);
        s.neurons.push_back(3);
    }
    model.stimuli = {s};
    Simulation simulation(std::move(model));
    simulation.prepare();
    CHECK_THROWS_WITH(
        [&] {
            while (!simulation.finished()) simulation.advance();
        }(),
        Catch::Contains("neuron 3 of pyramidal"));
}

TEST_CASE("an exception on one thread reaches the caller, whatever barriers the others wait at", "[engine]") {
    Team team(3);
    CHECK_THROWS_WITH(team.run([](int rank, auto wait) {
        for (int k = 0; k < 100; ++k) {
            if (rank == 1 && k == 50) throw std::runtime_error("rank 1 gave up");
            wait();
        }
    }),
                      "rank 1 gave up");
    // The team works on afterwards.
    std::atomic<int> count = 0;
    team.run([&](int, auto wait) {
        wait();
        ++count;
    });
    CHECK(count == 3);
}

TEST_CASE("short slow ticks see the same drives as long ones") {
    // Drives are sampled every millisecond; a tick of 0.2 ms must not read zeros in between. With a held membrane the
    // block after a given time is independent of the tick.
    const auto block = [](const char* tick) {
        Model model = experiment::load_experiment(REWIRE_SOURCE_DIR "/configs/nmda_block.toml",
                                                  {"experiment.duration=32 s", "experiment.dt=0.1 ms",
                                                   std::string("experiment.slow_tick=") + tick, "record.traces=[]"})
                          .model;
        Simulation simulation(std::move(model));
        simulation.prepare();
        while (!simulation.finished()) simulation.advance();
        return simulation.blocked(0, synaptic).blocked[0];
    };
    const double coarse = block("100 ms");
    REQUIRE(coarse > 0.005);
    // The gating ripples by a few per cent within the 9.5 ms between spikes; its mean is the same.
    CHECK(block("0.2 ms") == Approx(coarse).epsilon(0.03));
}
