// Neurogenesis in the dentate circuit: who may fire and connect, what the books say, and that nothing depends on threads.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

/// A small dentate gyrus in which weeks are tens of minutes, with Poisson input on every slot of the granule cells, too.
Model hastened(std::vector<std::string> more = {}) {
    std::vector<std::string> settings{
        "experiment.duration=3 h",
        "experiment.baseline_measure=3 s",
        "experiment.threads=1",
        "record.every=10 min",
        "record.snapshots=[]",
        "multirate.longest_leap=4 min",
        "multirate.synapse_change=0.2",
        "population.entorhinal.size=40",
        "population.granule.size=110",
        "population.granule.background={ sources = 100, rate = \"3 Hz\", weight = \"2 nS\" }",
        "population.mossy.size=12",
        "population.basket.size=12",
        "projection.perforant_granule.rule.fixed_indegree=20",
        "structure.every=20 s",
        "structure.spines={ formation = \"100 /d\", nascent_tau = \"2 min\" }",
        "neurogenesis.granule={ mature = 60, birth = \"15 /d\", mature_death = \"2 /d\", "
        "synapses_from = \"14 min\", input_from = \"21 min\", window_from = \"28 min\", "
        "window_to = \"42 min\", integrated = \"56 min\", critical_from = \"7 min\", "
        "critical_to = \"28 min\", use_tau = \"2 min\", bdnf_tau = \"7 min\" }"};
    settings.insert(settings.end(), more.begin(), more.end());
    Model model = experiment::load_experiment(REWIRE_SOURCE_DIR "/configs/neurogenesis.toml", settings).model;
    model.record_spikes.assign(model.populations.size(), true);
    return model;
}

struct Course {
    std::vector<std::uint64_t> values; ///< bits of all observables
    std::vector<std::pair<std::int64_t, std::uint32_t>> spikes;
    std::size_t reused = 0, undriven = 0; ///< slots; spikes of neurons that are not there or too young
    double last_share = 0;
    bool operator==(const Course&) const = default;
};

Course run(Model model) {
    const structure::NeurogenesisParameters parameters = model.neurogenesis.front().parameters;
    const std::size_t granule = model.neurogenesis.front().population;
    Simulation simulation(std::move(model));
    Course course;
    std::vector<double> births(simulation.network().populations[granule].size(), 0);
    structure::NeuronSlots before;
    std::vector<std::pair<double, std::uint32_t>>
        ahead; // spikes of a burst that is yet to be played back: time, neuron
    const auto look = [&] {
        const structure::NeuronSlots& slots = simulation.neurogenesis().front();
        const double now_d = simulation.time_s() / structure::seconds_per_d;
        for (const Spike& s : simulation.network().take_spikes(granule)) {
            course.spikes.emplace_back(s.step, s.neuron);
            ahead.emplace_back(static_cast<double>(s.step) * simulation.model().dt_ms * 1e-3 / structure::seconds_per_d,
                               s.neuron);
        }
        // Whoever fired was driven at the stop before or at this one.
        std::erase_if(ahead, [&](const auto& spike) {
            const auto [at_d, i] = spike;
            if (at_d > now_d) return false;
            const auto driven = [&, at_d = at_d, i = i](const structure::NeuronSlots& s) {
                const double tick_d = 1.001 / structure::seconds_per_d;
                return !s.present.empty() && s.present[i] && at_d + tick_d - s.birth_d[i] >= parameters.input_from_d;
            };
            course.undriven += !driven(slots) && !driven(before);
            return true;
        });
        before = slots;
        REQUIRE(slots.born == slots.alive() + slots.dead);
        REQUIRE(slots.alive() ==
                static_cast<std::uint64_t>(std::count(slots.present.begin(), slots.present.end(), std::uint8_t{1})));
        for (std::size_t i = 0; i < births.size(); ++i) {
            if (!slots.present[i] || slots.birth_d[i] <= births[i]) continue;
            course.reused += births[i] > 0;
            births[i] = slots.birth_d[i];
        }
        for (const StructuralState& s : simulation.structural()) {
            REQUIRE_NOTHROW(check_invariants(simulation.network(), s));
            const FastProjection& q = simulation.network().projections[s.specification.projection];
            const auto out = q.synapses.outgoing_counts(), in = q.synapses.incoming_counts();
            for (std::size_t i = 0; i < births.size(); ++i) {
                if (slots.present[i] && now_d - slots.birth_d[i] >= parameters.synapses_from_d) continue;
                if (q.specification.source == granule) REQUIRE(out[i] == 0);
                if (q.specification.target == granule) REQUIRE(in[i] == 0);
            }
        }
        if (!simulation.at_sample()) return;
        for (const Observable& o : simulation.observables())
            for (std::size_t i = 0; i < simulation.labels(o.dimension).size(); ++i) {
                const double value = o.value(i);
                course.values.emplace_back();
                std::memcpy(&course.values.back(), &value, sizeof value);
                if (o.name != "share_of_new_neurons" || i != granule) continue;
                course.last_share = value;
                // Nobody who was born in the run fires before input begins, even in a slot whose last neuron did.
                if (now_d < parameters.input_from_d) REQUIRE(!(value > 0));
            }
        simulation.sample_taken();
    };
    simulation.prepare();
    look();
    while (!simulation.finished()) {
        simulation.advance();
        look();
    }
    return course;
}

} // namespace

TEST_CASE("free slots and unready neurons neither fire nor hold synapses, slots are used again", "[neurogenesis]") {
    const Course course = run(hastened());
    CHECK(course.spikes.size() > 1000);
    // Next to none: a neuron that fired in the burst after a leap as predicted may have died in it as corrected.
    CHECK(course.undriven <= course.spikes.size() / 1000);
    CHECK(course.reused > 5);
    CHECK(course.last_share > 0.1); // after three hours, twice the time to full integration, new neurons take part
}

TEST_CASE("neurogenesis gives the same bits for any number of threads, and in full mode as with touching bursts",
          "[neurogenesis]") {
    const auto with_threads = [&](int threads) {
        Model model = hastened({"experiment.duration=40 min"});
        model.threads = threads;
        return run(std::move(model));
    };
    const Course one = with_threads(1);
    REQUIRE(one.spikes.size() > 100);
    CHECK(one == with_threads(2));
    CHECK(one == with_threads(3));
    std::vector<std::string> touching{"experiment.duration=100 s", "multirate.longest_leap=0 s",
                                      "neurogenesis.granule.birth=1000 /d", "structure.every=2 s"};
    for (const char* age : {"synapses_from=10 s", "input_from=20 s", "window_from=30 s", "window_to=60 s",
                            "integrated=80 s", "critical_from=10 s", "critical_to=40 s"})
        touching.push_back(std::string("neurogenesis.granule.") + age);
    Model full = hastened(touching);
    full.multirate = false;
    const Course in_full = run(std::move(full));
    CHECK(in_full.undriven == 0); // every spike is seen when it comes
    CHECK(in_full.last_share >= 0);
    CHECK(run(hastened(touching)) == in_full);
}

TEST_CASE("a network without free slots draws what it drew before they were there", "[neurogenesis]") {
    // Rules connect the neurons of the start: free slots behind them change no synapse.
    const auto synapses = [](const char* size) {
        Simulation simulation(hastened({std::string("population.granule.size=") + size}));
        std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
        for (const FastProjection& q : simulation.network().projections)
            q.synapses.for_each(
                [&](network::SynapseIndex, const network::Synapse& s) { pairs.emplace_back(s.source, s.target); });
        return pairs;
    };
    CHECK(synapses("60") == synapses("110"));
}

TEST_CASE("TrkB modulation raises survival, stress lowers births", "[neurogenesis]") {
    const auto at_the_end = [](const std::vector<std::string>& settings) {
        Model model = hastened(settings);
        model.duration_s = 3600;
        Simulation simulation(std::move(model));
        simulation.prepare();
        while (!simulation.finished()) simulation.advance();
        return simulation.neurogenesis().front();
    };
    const std::string no_old_deaths = "neurogenesis.granule.mature_death=0 /d";
    const structure::NeuronSlots healthy = at_the_end({no_old_deaths}),
                                 stressed = at_the_end({no_old_deaths, "intervention=[{ what = \"stress\" }]"}),
                                 modulated =
                                     at_the_end({no_old_deaths, "intervention=[{ what = \"trkb_modulation\" }]"});
    CHECK(stressed.birth_rate_per_d < 0.7 * healthy.birth_rate_per_d * (1 + 1e-9)); // directly, and through BDNF
    CHECK(stressed.births < healthy.births);
    // The same neurons die later where TrkB is up: of those born by then, fewer are dead.
    const auto dead_share = [](const structure::NeuronSlots& s) {
        return static_cast<double>(s.dead) / static_cast<double>(s.births);
    };
    REQUIRE(healthy.dead > 5);
    CHECK(dead_share(modulated) < dead_share(healthy));
}
