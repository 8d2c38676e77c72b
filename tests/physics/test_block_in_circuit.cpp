// The blocker through the whole engine: configs/nmda_block.toml against measured potencies.
#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

TEST_CASE("clamped cells reach the Hill block of their subunit, and trap the drug without agonist") {
    Model model = experiment::load_experiment(REWIRE_SOURCE_DIR "/configs/nmda_block.toml",
                                              {"experiment.duration=230 s",
                                               "projection.to_mixed.long_term={ rule = 'pair', learning_rate = 0.0 }"})
                      .model;
    std::map<std::string, std::size_t> index;
    for (std::size_t p = 0; p < model.populations.size(); ++p) index[model.populations[p].name] = p;
    Simulation simulation(std::move(model));
    simulation.prepare();
    const auto blocked = [&](const char* name) { return simulation.blocked(index[name], synaptic).blocked[0]; };

    while (simulation.time_s() < 149.95) simulation.advance();
    // Two minutes of 1 uM: C/(C + IC50) with the IC50s of Kotermanski & Johnson 2009 at -66 mV in 1 mM Mg (S2). The
    // cell is clamped within 0.1 mV by a leak of 10 uS against an NMDA conductance below 1 nS: under 1 % in the block.
    CHECK(blocked("driven_2a") == Approx(1 / (1 + 5.35)).epsilon(0.01));
    CHECK(blocked("driven_2b") == Approx(1 / (1 + 5.08)).epsilon(0.01));
    CHECK(blocked("driven_2c") == Approx(1 / (1 + 1.18)).epsilon(0.01));
    CHECK(blocked("driven_2d") == Approx(1 / (1 + 2.95)).epsilon(0.01));
    // At -40 mV 2A needs about 2.7 uM, because Mg leaves faster than the drug does.
    CHECK(blocked("depolarised_2a") == Approx(1 / (1 + 2.7)).epsilon(0.02));

    // A mixed pool: each subunit by its share of the current (section 4). What is recorded is what the current loses at
    // the reference potential, where the cell is held.
    CHECK(blocked("mixed") ==
          Approx(0.2 / (1 + 5.35) + 0.2 / (1 + 5.08) + 0.3 / (1 + 1.18) + 0.3 / (1 + 2.95)).epsilon(0.01));
    const synapse::ReceptorState& nmda = simulation.network().populations[index["mixed"]].receptors[1];
    const auto current = [](double ab, double cd) {
        return ab * synapse::mg_unblocked(-66, 1) + cd * synapse::mg_unblocked(-66, 1, synapse::mg_half_cd_mM);
    };
    const synapse::PerSubunit healthy = synapse::conductance_shares(nmda.parameters);
    CHECK(1 - current(static_cast<double>(nmda.gain_ab[0]), static_cast<double>(nmda.gain_cd[0])) /
                  current(healthy[0] + healthy[1], healthy[2] + healthy[3]) ==
          Approx(blocked("mixed")).epsilon(1e-5));

    // What plasticity follows is the share of the channels that is unblocked, whatever current Mg lets through them.
    CHECK(static_cast<double>(simulation.network().populations[index["mixed"]].unblocked_nmda[0]) ==
          Approx(1 - healthy[0] / (1 + 5.35) - healthy[1] / (1 + 5.08) - healthy[2] / (1 + 1.18) -
                 healthy[3] / (1 + 2.95))
              .epsilon(0.01));
    CHECK(simulation.network().populations[index["driven_2a"]].unblocked_nmda.empty()); // nothing is plastic there

    // S3: after the wash-out the block falls at least 1/0.3 times faster with agonist than without.
    const double with_before = blocked("driven_2a"), without_before = blocked("released_2a");
    while (simulation.time_s() < 200) simulation.advance();
    const double with_rate = std::log(with_before / blocked("driven_2a")),
                 without_rate = std::log(without_before / blocked("released_2a"));
    CHECK(without_rate / with_rate < 0.3);
}

TEST_CASE("two drugs of different kinetics compete for the channels of clamped cells") {
    // A second blocker of the same potency, ten times as fast and half of it untrapped, in a bath of its own: with 1 uM
    // of each after two minutes 2/(2 + IC50) is blocked (Gaddum 1937), tolerances as above.
    const std::string bath =
        "{ compartment = [{ name = 'bath', volume = '1 L' }], flow = [{ from = 'bath', to = '', rate = '3600 /h' }], "
        "species = [{ name = 'other', central = 'bath', molar_mass = '237.73 g/mol', unbound_fraction = 1.0, "
        "brain_plasma_unbound_ratio = 1.0, effect_site_rate = '600 /min' }], "
        "route = [{ name = 'intravenous', input = [{ compartment = 'bath' }] }] }";
    const std::string dose = ", amount = '28.53 mg', at = '30 s', over = '120 s' }";
    Model model =
        experiment::load_experiment(
            REWIRE_SOURCE_DIR "/configs/nmda_block.toml",
            {"experiment.duration=150 s", "drug.other.pharmacokinetics=" + bath,
             "drug.other.species.other.block={ ic50_0mg_2a = '0.33 uM', ic50_0mg_2b = '0.31 uM', ic50_0mg_2c = '0.51 "
             "uM', "
             "ic50_0mg_2d = '0.83 uM', ic50_1mg_2a = '5.35 uM', ic50_1mg_2b = '5.08 uM', ic50_1mg_2c = '1.18 uM', "
             "ic50_1mg_2d = '2.95 uM', in_vivo_factor = 1.0, r_open = '2 /s', untrapped_fraction = 0.5 }",
             "dose=[{ drug = 'ketamine'" + dose + ", { drug = 'other'" + dose + "]"})
            .model;
    std::map<std::string, std::size_t> index;
    for (std::size_t p = 0; p < model.populations.size(); ++p) index[model.populations[p].name] = p;
    Simulation simulation(std::move(model));
    simulation.prepare();
    while (simulation.time_s() < 149.95) simulation.advance();
    const auto blocked = [&](const char* name) { return simulation.blocked(index[name], synaptic).blocked[0]; };
    CHECK(simulation.network().options().drives.competition.ligands.size() == 2);
    CHECK(blocked("driven_2a") == Approx(2 / (2 + 5.35)).epsilon(0.01));
    CHECK(blocked("driven_2c") == Approx(2 / (2 + 1.18)).epsilon(0.01));
}
