// Inflammation in the circuit: what it does to receptors, uptake, signalling, spines, what drugs do to it, and leaps.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/events.hpp"
#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

/// The circuit with every mechanism, without dose, stress or stimulus, in full mode.
Model everything(std::vector<std::string> overrides = {}, const std::vector<Intervention>& interventions = {}) {
    overrides.insert(overrides.begin(), {"experiment.mode=full", "experiment.duration=4 s"});
    Model model = experiment::load_experiment(REWIRE_SOURCE_DIR "/tests/experiment/everything.toml", overrides).model;
    for (DrugModel& d : model.drugs) d.doses.clear();
    model.stimuli.clear();
    model.interventions = interventions;
    return model;
}

Intervention during_all(const std::string& what, double strength) { return {what, 0, 1e9, strength}; }

/// A simulation that has been run to its end.
struct Finished : Simulation {
    explicit Finished(Model model) : Simulation(std::move(model)) {
        prepare();
        while (!finished()) advance();
    }
};

double observed(const Simulation& simulation, const std::string& name, std::size_t entity = 0) {
    for (const Observable& o : simulation.observables())
        if (o.name == name) return o.value(entity);
    FAIL("nothing is called " << name);
    return 0;
}

/// Bits of all observables at the end, but those of inflammation itself.
std::vector<std::uint64_t> bits(const Simulation& simulation) {
    std::vector<std::uint64_t> all;
    for (const Observable& o : simulation.observables()) {
        const std::string name = o.name;
        if (name == "inflammation" || name == "microglia" || name.starts_with("cytokine_") ||
            name.starts_with("kynuren") || name.starts_with("quinolinic"))
            continue;
        for (std::size_t i = 0; i < simulation.labels(o.dimension).size(); ++i) {
            const double value = o.value(i);
            all.emplace_back();
            std::memcpy(&all.back(), &value, sizeof value);
        }
    }
    for (std::size_t p = 0; p < 2; ++p) all.push_back(simulation.spike_count(p));
    return all;
}

} // namespace

TEST_CASE("an imposed level has every effect of inflammation, each as strong as its parameter says") {
    // J = 0.5. AMPA gain: a time constant of 0.2 s settles it within the 4 s; the rest of its equation stays near 1.
    const std::vector<std::string> quick{"molecular.ampa_tau=0.2 s"};
    Finished with(everything(quick, {during_all("inflammation", 0.5)})), without(everything(quick));
    CHECK(observed(with, "inflammation") == 0.5);
    CHECK(observed(with, "eaat2") == Approx(1 - 0.4 * 0.5));
    CHECK(observed(without, "eaat2") == 1);
    for (std::size_t p = 0; p < 2; ++p)
        for (const synapse::ReceptorState& r : with.network().populations[p].receptors)
            if (r.kind == synapse::ReceptorKind::gaba_a) CHECK(r.gain[3] == Approx(0.9f));
    CHECK(observed(with, "ampa_gain") / observed(without, "ampa_gain") == Approx(1.1).epsilon(0.005));
    CHECK(with.network().populations[0].receptors[0].gain[5] ==
          Approx(static_cast<float>(with.signalling(0).ampa_gain[5])));
    // BDNF synthesis x 0.8 of k_deg + k_rel = 1.1/h, for 4 s.
    CHECK(observed(with, "bdnf") - observed(without, "bdnf") == Approx(-0.2 * 1.1 * 4 / 3600).epsilon(0.05));
    // Uptake and inhibition that are lost let glutamate rise.
    CHECK(observed(with, "glutamate_extracellular") > 1.1 * observed(without, "glutamate_extracellular"));
}

TEST_CASE("the error of leaps is measured on kynurenines relative to their healthy values") {
    const Model model = everything();
    SlowState state;
    state.inflammation = molecular::make_inflammation(2, *model.inflammation);
    for (const double x : controlled(state, {}, model)) CHECK(x == 1);
    for (double& x : state.inflammation.quinolinic_uM) x *= 1.5;
    for (double& x : state.inflammation.kynurenic_uM) x *= 1.5;
    const std::vector<double> values = controlled(state, {}, model);
    CHECK(std::ranges::count_if(values, [](double x) { return x == Approx(1.5); }) == 4);
}

TEST_CASE("cytokines act as the same level imposed") {
    // LPS of 1e6/h for a tick is an excess of 28, J = 0.965; it hardly falls within seconds.
    Finished simulation(everything({}, {{"lps", 0, 0.1, 1e6}}));
    const double level = observed(simulation, "inflammation"), excess = 1e6 * 0.1 / 3600;
    CHECK(observed(simulation, "cytokine_il_6") == Approx(0.5 * excess).epsilon(1e-3));
    CHECK(observed(simulation, "microglia") == Approx(excess).epsilon(1e-3));
    CHECK(level == Approx(0.5 * excess / (1 + 0.5 * excess)).epsilon(1e-3));
    CHECK(observed(simulation, "eaat2") == Approx(1 - 0.4 * level).epsilon(1e-4));
    const auto& receptors = simulation.network().populations[1].receptors;
    const auto gaba = std::ranges::find(receptors, synapse::ReceptorKind::gaba_a, &synapse::ReceptorState::kind);
    REQUIRE(gaba != receptors.end());
    CHECK(gaba->gain[0] == Approx(1 - 0.2 * level).epsilon(1e-4));
    // Both at once: independent shares.
    Finished both(everything({}, {{"lps", 0, 0.1, 1e6}, during_all("inflammation", 0.5)}));
    CHECK(observed(both, "inflammation") == Approx(1 - (1 - level) * 0.5).epsilon(1e-4));
}

TEST_CASE("inflammation raises the elimination of established spines") {
    // Hazard 1 + 5 J times that of health; J = 1 imposed, 0.965 by cytokines. About 25 of 500 stable spines are lost in
    // 8 s without it (a fifth is one standard deviation), so that six times as much takes a quarter of them.
    const std::vector<std::string> strong{"structure.spines.inflammation_gain=5", "experiment.duration=8 s",
                                          "structure.every=1 s"};
    const auto lost = [&](const std::vector<Intervention>& interventions) {
        const Finished simulation(everything(strong, interventions));
        return static_cast<double>(simulation.structural()[0].eliminated);
    };
    const double healthy = lost({}), imposed = lost({during_all("inflammation", 1)}),
                 lps = lost({{"lps", 0, 0.1, 1e6}});
    CAPTURE(healthy, imposed, lps);
    REQUIRE(healthy > 10);
    CHECK(imposed / healthy > 3);
    CHECK(imposed / healthy < 9);
    CHECK(lps == Approx(imposed).epsilon(0.2));
}

TEST_CASE("one long step of structure takes as many spines as many short ones under falling inflammation") {
    // LPS for a tick, then cytokines that decay with 2 s: J falls from 0.97 to 0.2 in the 12 s. Stable spines have a
    // hazard of 1e4 J x 2.9e-5/s, so that most of them go; nearly nothing is formed. With J at the end of the long step
    // it would be 1 - exp(-0.29 x 0.2 x 12), a half. Tolerance: four standard deviations of the difference of two
    // counts out of N.
    const auto lost = [](const char* every) {
        const Finished simulation(
            everything({"experiment.duration=12 s", std::string("structure.every=") + every,
                        "projection.e_to_e.rule.probability=0.5", "structure.spines.formation=10 /d",
                        "structure.spines.inflammation_gain=10000", "structure.spines.protein_gain=0",
                        "inflammation.tnf_a_tau=2 s", "inflammation.il_6_tau=2 s", "inflammation.il_1b_tau=2 s",
                        "inflammation.microglia_tau=2 s"},
                       {{"lps", 0, 0.1, 1e6}}));
        CHECK(observed(simulation, "inflammation") == Approx(0.2).epsilon(0.05));
        return static_cast<double>(simulation.structural()[0].eliminated);
    };
    const double few = lost("12 s"), many = lost("1 s");
    CAPTURE(few, many);
    REQUIRE(many > 1000);
    CHECK(few == Approx(many).margin(4 * std::sqrt(2 * many)));
}

TEST_CASE("without a drive, or with every coupling off, the circuit is that without the table, bit for bit") {
    Model plain = everything();
    plain.inflammation.reset();
    const auto expected = bits(Finished(plain));
    CHECK(bits(Finished(everything())) == expected);
    const std::vector<std::string> off{"inflammation.eaat2_loss=0",     "inflammation.bdnf_synthesis_loss=0",
                                       "inflammation.ampa_gain=0",      "inflammation.gaba_a_loss=0",
                                       "inflammation.kynurenine=false", "structure.spines.inflammation_gain=0"};
    Finished driven(everything(off, {during_all("lps", 1e4), during_all("inflammation", 0.3)}));
    CHECK(driven.inflammation().tnf_a[0] > 1);
    CHECK(bits(driven) == expected);
    // One coupling alone is one too many.
    std::vector<std::string> one = off;
    one.erase(one.begin() + 3);
    CHECK(bits(Finished(everything(one, {during_all("lps", 1e4)}))) != expected);
}

TEST_CASE("kynurenines act on NMDA receptors, tonic ones with GluN2A and 2B most") {
    // Time constants of a tenth of a second settle them: K = 2.5, Q = 5 Q0, N = 2.5 N0 at J = 1.
    const std::vector<std::string> quick{"inflammation.kynurenine_tau=0.1 s",
                                         "inflammation.acids_tau=0.1 s",
                                         "inflammation.kynurenic=1 uM",
                                         "molecular.eef2_tau=0.5 s",
                                         "population.pv.tonic_nmda=1 nS",
                                         "population.pv.extrasynaptic={ share_2a = 0.25, share_2b = 0.25, share_2c = "
                                         "0.25, share_2d = 0.25 }"};
    Finished simulation(everything(quick, {during_all("inflammation", 1)}));
    CHECK(observed(simulation, "kynurenine") == Approx(2.5));
    CHECK(observed(simulation, "quinolinic_acid") == Approx(1));
    CHECK(observed(simulation, "kynurenic_acid") == Approx(2.5));
    const glutamate::GlutamateParameters g;
    const glutamate::ExtracellularPool& pool = simulation.pools()[0];
    const double level = glutamate::concentration_uM(pool), glycine = (11.0 + 1) / (11 + 2.5);
    const double more =
        glutamate::extrasynaptic_gating(g, level + 1.7 / 100 * 0.8) - glutamate::extrasynaptic_gating(g, level);
    REQUIRE(more > 0.1);
    const FastPopulation &pyramidal = simulation.network().populations[0], &pv = simulation.network().populations[1];
    CHECK(pyramidal.tonic_ab_nS[7] == Approx((pool.nmda_gating + more) * glycine).epsilon(1e-5));
    const synapse::PerSubunit shares = synapse::conductance_shares(pv.specification.extrasynaptic);
    CHECK(pv.tonic_ab_nS[7] == Approx((shares[0] + shares[1]) * (pool.nmda_gating + more) * glycine).epsilon(1e-5));
    CHECK(pv.tonic_cd_nS[7] == Approx((shares[2] + shares[3]) * pool.nmda_gating * glycine).epsilon(1e-5));
    CHECK(pyramidal.receptors[1].gain_ab[7] == Approx(glycine).epsilon(1e-5));
    // The resting drive of eEF2 kinase sees both: alone, the agonist raises it, the glycine-site block lowers it.
    const auto eef2 = [&](const std::string& setting) {
        std::vector<std::string> settings = quick;
        settings.insert(settings.end(), {"inflammation.eaat2_loss=0", setting});
        return observed(Finished(everything(settings, {during_all("inflammation", 1)})), "eef2_phosphorylation");
    };
    const double neither = eef2("inflammation.kynurenine=false");
    CHECK(eef2("inflammation.kynurenic_half=1e9 uM") > 1.02 * neither);
    CHECK(eef2("inflammation.quinolinic_half=1e9 uM") < 0.98 * neither);
}

TEST_CASE("a drug clears cytokines by its target, as the intervention does, and ketamine only if it is switched on") {
    // Two days in leaps: LPS for an hour from 1 h on, the dose at 24 h.
    const auto tnf_a = [](const std::vector<std::string>& settings, const std::vector<Intervention>& more) {
        std::vector<std::string> all{"experiment.mode=multirate",
                                     "experiment.duration=30 h",
                                     "record.every=30 h",
                                     "multirate.longest_leap=1 h",
                                     "multirate.tolerance=1",
                                     "multirate.input_change=9",
                                     "record.windows=[{ from = '28 h', every = '30 min' }]"};
        all.insert(all.end(), settings.begin(), settings.end());
        Model model = everything(all, more);
        model.interventions.push_back({"lps", 3600, 7200, 1});
        model.structure.reset(); // spines that live for seconds keep leaps short
        for (network::Projection& p : model.projections) p.structural = false;
        for (DrugModel& d : model.drugs)
            d.doses = {{.drug = "ketamine", .amount_mg = 35, .start_s = 86400, .duration_s = 2400}};
        const Finished simulation(std::move(model));
        CHECK(simulation.spiking_s() < 3 * 3600); // it did leap
        return simulation.inflammation().tnf_a[0];
    };
    const double off = tnf_a({}, {});
    // By hand: 1/h for an hour, half through microglia; without leaps that swallow the ends, to rounding.
    const molecular::InflammationParameters p;
    molecular::Inflammation state = molecular::make_inflammation(1, p);
    molecular::advance(state, {.lps_per_h = 1}, p, 3600);
    molecular::advance(state, {}, p, 28 * 3600);
    CHECK(off == Approx(state.tnf_a[0]).epsilon(1e-9));
    const double on = tnf_a({"drug.ketamine.species.ketamine.target.cytokines.efficacy=10"}, {});
    // The same equations by minutes, with a = 10/h C/(C + 20 uM) of the concentration in the brain in the middle of
    // each. 5 %: a leap takes the mean of the effects at its two ends.
    state = molecular::make_inflammation(1, p);
    molecular::advance(state, {.lps_per_h = 1}, p, 3600);
    molecular::advance(state, {}, p, 22 * 3600);
    drug::Pharmacokinetics pk(*drug::find_published_model("otto2021"), {{.amount_mg = 35, .duration_s = 2400}});
    for (int minute = 0; minute < 6 * 60; ++minute) {
        pk.advance(60.0 * minute, 60.0 * minute + 30);
        const double c_uM = pk.unbound_brain_uM(0);
        molecular::advance(state, {.clearance_per_h = 10 * c_uM / (c_uM + 20)}, p, 60);
        pk.advance(60.0 * minute + 30, 60.0 * (minute + 1));
    }
    CHECK(on == Approx(state.tnf_a[0]).epsilon(0.05));
    CHECK(on < 0.85 * off);
    // 0.1/h for four hours by an intervention: e^-0.4, but for what microglia make meanwhile, less themselves.
    const double imposed = tnf_a({}, {{"anti_inflammatory", 26 * 3600.0, 30 * 3600.0, 0.1}});
    CHECK(imposed == Approx(std::exp(-0.4) * off).epsilon(0.02));
    CHECK(imposed > std::exp(-0.4) * off);
}

TEST_CASE("leaps end where LPS begins and ends") {
    const Model model = everything({}, {{"lps", 1, 2.5, 1}});
    const std::vector<double> times = disturbance_times_s(model);
    CHECK(std::ranges::count(times, 1) == 1);
    CHECK(std::ranges::count(times, 2.5) == 1);
}
