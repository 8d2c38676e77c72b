// Neurogenesis in the dentate circuit: who may fire and connect, what the books say, and that nothing depends on
// threads.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

/// A small dentate gyrus in which weeks are tens of minutes, with Poisson input on every slot of the granule cells,
/// too.
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

/// The same circuit in full mode, with ages of seconds: synapses and input from `input_s` on.
Model in_seconds(double input_s, double duration_s, std::vector<std::string> more = {}) {
    std::vector<std::string> settings{"experiment.duration=" + std::to_string(duration_s) + " s",
                                      "structure.every=2 s"};
    const auto age = [&](const char* name, double s) {
        settings.push_back(std::string("neurogenesis.granule.") + name + "=" + std::to_string(s) + " s");
    };
    age("critical_from", 0);
    age("synapses_from", input_s);
    age("input_from", input_s);
    age("critical_to", input_s + 5);
    age("window_from", input_s + 5);
    age("window_to", input_s + 10);
    age("integrated", input_s + 15);
    settings.insert(settings.end(), more.begin(), more.end());
    Model model = hastened(settings);
    model.multirate = false;
    return model;
}

double observed(const Simulation& simulation, const std::string& name, std::size_t entity) {
    for (const Observable& o : simulation.observables())
        if (o.name == name) return o.value(entity);
    FAIL("nothing is called " << name);
    return 0;
}

void finish(Simulation& simulation) {
    simulation.prepare();
    while (!simulation.finished()) simulation.advance();
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

TEST_CASE("births alone lower neither the drives of the chain nor the density of spines", "[neurogenesis]") {
    // All newborns are too young for synapses and input at the end. They touch nobody, so the mature cells fire as
    // without them and the means of what drives them are equal, but for the rounding of sums.
    const auto end = [](const char* birth) {
        Model model = in_seconds(40, 30,
                                 {std::string("neurogenesis.granule.birth=") + birth,
                                  "neurogenesis.granule.mature_death=0 /d", "neurogenesis.granule.early_death=0"});
        model.resting_drive.activity_tau_min = 0.05;
        model.signalling->released_tau_min = model.signalling->trkb_tau_min = 0.05;
        auto simulation = std::make_unique<Simulation>(std::move(model));
        finish(*simulation);
        return simulation;
    };
    const auto with = end("3000 /d"), without = end("0 /d");
    const std::size_t granule = with->model().neurogenesis.front().population;
    REQUIRE(without->neurogenesis().front().alive() == 60);
    REQUIRE(with->neurogenesis().front().alive() > 90);
    REQUIRE(with->spike_count(granule) > 100);
    CHECK(with->spike_count(granule) == without->spike_count(granule));
    CHECK(with->slow_state().l_type[granule] == Approx(without->slow_state().l_type[granule]).epsilon(1e-9));
    CHECK(with->slow_state().ampa[granule] == Approx(without->slow_state().ampa[granule]).epsilon(1e-9));
    CHECK(with->signalling(granule).trkb[0] == Approx(without->signalling(granule).trkb[0]).epsilon(1e-9));
    CHECK(observed(*with, "spine_density", granule) == Approx(observed(*without, "spine_density", granule)));
    // 60 cells with 20 spines and more each: turnover within 30 s is far below 5 %.
    CHECK(observed(*with, "spine_density", granule) == Approx(1).margin(0.05));
}

TEST_CASE("a newborn takes over nothing from the neuron that was in its slot", "[neurogenesis]") {
    for (const double input_s : {0.0, 5.0}) {
        Model model =
            in_seconds(input_s, 20,
                       {"neurogenesis.granule.birth=2000 /d", "neurogenesis.granule.mature_death=5000 /d",
                        "neurogenesis.granule.early_death=0", "scaling={ populations = [\"granule\"] }",
                        "intervention=[{ what = \"trkb_block\" }]", "drug.ketamine={ pharmacokinetics = \"otto2021\" }",
                        "dose=[{ drug = \"ketamine\", amount = \"50 mg/kg\", at = \"0 s\", over = \"1 s\" }]"});
        Simulation simulation(std::move(model));
        const std::size_t granule = simulation.model().neurogenesis.front().population;
        simulation.prepare();
        std::size_t newborns = 0, altered = 0;
        for (double before_d = 0; !simulation.finished(); before_d = simulation.time_s() / structure::seconds_per_d) {
            simulation.advance();
            const SlowState& state = simulation.slow_state();
            const structure::NeuronSlots& slots = state.neurogenesis.front();
            for (std::size_t i = 0; i < 60; ++i) { // slots that had a neuron at the start
                altered += state.signalling[granule].trkb[i] < 0.999 && state.blocked[granule][synaptic].blocked[i] > 0;
                if (!slots.present[i] || slots.birth_d[i] < 0 || slots.birth_d[i] <= before_d) continue;
                ++newborns;
                for (const auto& variable : StateOf<molecular::Signalling>::variables)
                    CHECK((state.signalling[granule].*
                           std::get<std::vector<double> molecular::Signalling::*>(variable.member))[i] == 1);
                for (const BlockedPool& pool : state.blocked[granule]) {
                    if (pool.blocked.empty()) continue;
                    CHECK(pool.blocked[i] == 0);
                    const std::size_t states = pool.subunits.front().size() / slots.present.size();
                    for (const std::vector<double>& subunit : pool.subunits)
                        for (std::size_t k = 0; k < states; ++k) CHECK(subunit[i * states + k] == 0);
                }
                CHECK(state.scaling[granule][i] == 1);
                CHECK(state.calcium_filtered[granule][i] == 1);
                CHECK(state.calcium[granule][i] == 0);
            }
        }
        REQUIRE(altered > 60); // what could be taken over
        CHECK(newborns > 5);
    }
}

TEST_CASE("a population whose neurons have all died has numbers still", "[neurogenesis]") {
    Simulation simulation(
        in_seconds(5, 20,
                   {"neurogenesis.granule.birth=0 /d", "neurogenesis.granule.mature_death=1e5 /d",
                    "drug.ketamine={ pharmacokinetics = \"otto2021\" }",
                    "dose=[{ drug = \"ketamine\", amount = \"1 mg/kg\", at = \"0 s\", over = \"1 s\" }]"}));
    finish(simulation);
    const std::size_t granule = simulation.model().neurogenesis.front().population;
    REQUIRE(simulation.neurogenesis().front().alive() == 0);
    CHECK(observed(simulation, "nmda_block_synaptic", granule) == 0);
    for (const double x : simulation.signalling(granule).trkb) REQUIRE(std::isfinite(x));
    CHECK(std::isfinite(simulation.slow_state().l_type[granule]));
    CHECK(std::isfinite(simulation.slow_state().ampa[granule]));
}

TEST_CASE("the error of a leap is that of the neurons that are there", "[neurogenesis]") {
    Simulation simulation(in_seconds(40, 2, {"neurogenesis.granule.birth=0 /d"}));
    finish(simulation);
    const std::size_t granule = simulation.model().neurogenesis.front().population;
    const auto& present = simulation.neurogenesis().front().present;
    std::vector<std::vector<std::uint8_t>> counted(simulation.network().populations.size());
    counted[granule] = simulation.network().populations[granule].driven;
    CHECK(counted[granule] == present);
    SlowState state = simulation.slow_state(), other = state;
    const auto free = static_cast<std::size_t>(std::ranges::find(present, std::uint8_t{0}) - present.begin());
    REQUIRE(free < present.size());
    other.signalling[granule].trkb[free] = other.calcium_filtered[granule][free] = 1e6;
    CHECK(controlled(other, counted, simulation.model()) == controlled(state, counted, simulation.model()));
    other.signalling[granule].trkb[0] *= 2;
    CHECK(controlled(other, counted, simulation.model()) != controlled(state, counted, simulation.model()));
}

TEST_CASE("responses are per neuron that is there", "[neurogenesis]") {
    Simulation simulation(
        in_seconds(40, 3,
                   {"neurogenesis.granule.birth=0 /d", "neurogenesis.granule.mature_death=0 /d",
                    "stimulus=[{ name = \"tone\", population = \"granule\", kind = \"current_step\", amplitude = "
                    "\"200 pA\", from = \"1 s\", to = \"2 s\" }]"}));
    const std::size_t granule = simulation.model().neurogenesis.front().population;
    std::vector<double> spikes{0}; // at every second
    simulation.prepare();
    while (!simulation.finished()) {
        simulation.advance();
        if (simulation.time_s() >= static_cast<double>(spikes.size()) - 1e-6)
            spikes.push_back(static_cast<double>(simulation.spike_count(granule)));
    }
    const std::vector<Response> responses = simulation.take_responses();
    REQUIRE(responses.size() == 1);
    REQUIRE(spikes.size() == 4);
    REQUIRE(spikes[2] > spikes[1] + 60);
    CHECK(responses[0].during_Hz[granule] == Approx((spikes[2] - spikes[1]) / 60)); // 60 neurons in 110 slots
    CHECK(responses[0].before_Hz[granule] == Approx(spikes[1] / 60));
}

TEST_CASE("age scales AMPA and NMDA receptors by excitation, GABA_A and GABA_B by inhibition", "[neurogenesis]") {
    Simulation simulation(in_seconds(5, 16,
                                     {"population.granule.receptor.gaba_b={}", "neurogenesis.granule.birth=2000 /d",
                                      "neurogenesis.granule.mature_death=0 /d", "neurogenesis.granule.early_death=0",
                                      "neurogenesis.granule.unused_death=0"}));
    finish(simulation);
    const NeurogenesisModel& m = simulation.model().neurogenesis.front();
    const structure::NeuronSlots& slots = simulation.neurogenesis().front();
    // Gains are those of signalling (AMPA) or 1, times the course of the age by hand: test_structure_neurogenesis.cpp.
    std::size_t inhibitory = 0, excitatory = 0, in_window = 0;
    for (const synapse::ReceptorState& receptor : simulation.network().populations[m.population].receptors) {
        const bool inhibits =
            receptor.kind == synapse::ReceptorKind::gaba_a || receptor.kind == synapse::ReceptorKind::gaba_b;
        const bool nmda = receptor.kind == synapse::ReceptorKind::nmda;
        ++(inhibits ? inhibitory : excitatory);
        if (!nmda) REQUIRE(receptor.gain.size() == slots.present.size());
        for (std::size_t i = 0; i < slots.present.size(); ++i) {
            const double age_d = simulation.time_s() / structure::seconds_per_d - slots.birth_d[i];
            double expected = 0;
            if (slots.present[i])
                expected = inhibits ? structure::inhibition(m.parameters, age_d)
                           : nmda   ? structure::excitation(m.parameters, age_d)
                                    : structure::excitation(m.parameters, age_d) *
                                        simulation.signalling(m.population).ampa_gain[i];
            CHECK((nmda ? receptor.gain_ab[i] + receptor.gain_cd[i] : receptor.gain[i]) ==
                  Approx(expected).epsilon(1e-6).margin(1e-6));
            in_window += slots.present[i] && age_d >= m.parameters.window_from_d && age_d < m.parameters.window_to_d;
        }
    }
    CHECK(inhibitory == 2);
    CHECK(excitatory >= 1);
    CHECK(in_window > 5);
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
    CHECK(in_full.undriven == 0);  // every spike is seen when it comes
    CHECK(in_full.last_share > 0); // 40 s after the first of those born in the run are driven
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
    // Births follow BDNF, not TrkB: doubled TrkB raises them by what an hour's more activity does to BDNF alone.
    CHECK(modulated.birth_rate_per_d < 1.3 * healthy.birth_rate_per_d);
    // The same neurons die later where TrkB is up: of those born by then, fewer are dead.
    const auto dead_share = [](const structure::NeuronSlots& s) {
        return static_cast<double>(s.dead) / static_cast<double>(s.births);
    };
    REQUIRE(healthy.dead > 5);
    CHECK(dead_share(modulated) < dead_share(healthy));
}
