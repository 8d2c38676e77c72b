// The resolved config holds every default that is in use: it tells all of an experiment, whatever becomes of
// the defaults of a later version.

#include <catch2/catch.hpp>

#include "experiment/experiment.hpp"
#include "experiment/program.hpp"

namespace {

using namespace rewire;
using experiment::Node;

Node resolved(const std::string& file) {
    return experiment::parse_config(experiment::load_experiment(file).resolved_toml, "resolved.toml");
}

const Node* find(const Node& root, const std::vector<std::string>& path) {
    const Node* node = &root;
    for (const std::string& key : path) {
        const experiment::Entry* entry = node->find(key);
        if (!entry) return nullptr;
        node = &entry->value;
    }
    return node;
}

/// The parameters of S that the table at `path` does not hold, joined by spaces.
template <class S>
std::string missing(const Node& root, const std::vector<std::string>& path) {
    const Node* table = find(root, path);
    if (!table) return "the table";
    std::string names;
    for (const auto& p : Described<S>::parameters)
        if (!table->find(p.name)) names += std::string(p.name) + " ";
    return names;
}

const std::string everything = (program::tests_folder() / "everything.toml").string();

} // namespace

TEST_CASE("every described parameter in use is in the resolved config") {
    const Node root = resolved(everything); // it leaves most of them to their defaults
    CHECK(missing<neuron::Adex>(root, {"population", "pyramidal"}) == "");
    CHECK(missing<synapse::Receptor>(root, {"population", "pv", "receptor", "nmda"}) ==
          "tau_decay "); // of the subunits
    CHECK(missing<synapse::Receptor>(root, {"population", "pyramidal", "receptor", "nmda"}) ==
          "tau_2a tau_2b tau_2c tau_2d "); // given
    CHECK(missing<synapse::ShortTerm>(root, {"projection", "e_to_e", "short_term"}) == "");
    CHECK(missing<glutamate::GlutamateParameters>(root, {"glutamate"}) == "");
    CHECK(missing<molecular::SignallingParameters>(root, {"molecular"}) == "");
    CHECK(missing<molecular::RestingDrive>(root, {"molecular", "resting_drive"}) == "");
    CHECK(missing<molecular::Stress>(root, {"stress"}) == "");
    CHECK(missing<molecular::InflammationParameters>(root, {"inflammation"}) == "");
    CHECK(missing<neuron::LType>(root, {"l_type"}) == "");
    CHECK(missing<structure::CalciumParameters>(root, {"calcium"}) == "");
    CHECK(missing<structure::SpineParameters>(root, {"structure", "spines"}) == "");
    for (const char* species : {"ketamine", "norketamine"})
        CHECK(missing<drug::Blocker>(root, {"drug", "ketamine", "species", species, "block"}) == "");
    for (const std::vector<std::string>& path : std::vector<std::vector<std::string>>{
             {"experiment", "regions"},
             {"subject", "weight"},
             {"population", "pv", "region"},
             {"population", "pv", "box"},
             {"population", "pv", "origin"},
             {"population", "pyramidal", "extrasynaptic", "share_2d"},
             {"population", "pyramidal", "receptor", "gaba_a", "reversal"},
             {"population", "pyramidal", "receptor", "gaba_b", "tau_rise"},
             {"population", "pv", "receptor", "ampa", "tau_decay"},
             {"drug", "ketamine", "species", "norketamine", "unbound_fraction"},
             {"drug", "ketamine", "species", "norketamine", "brain_plasma_unbound_ratio"},
             {"drug", "ketamine", "species", "norketamine", "effect_site_rate"},
             {"record", "spikes"}}) {
        CAPTURE(path);
        CHECK(find(root, path) != nullptr);
    }
    // Nothing that is not in use: no synapse on pv cells is inhibitory.
    CHECK(find(root, {"population", "pv", "receptor", "gaba_a"}) == nullptr);
    CHECK(find(root, {"population", "pv", "receptor", "gaba_b"}) == nullptr);
}

TEST_CASE("sections that a config leaves out are in its resolved form where they are in use") {
    const program::Folder folder;
    const Node root = resolved(
        folder.write("short.toml", "[experiment]\nduration = '1 s'\nmode = 'multirate'\n[population.a]\nsize = 4\n"));
    CHECK(find(root, {"record", "every"}) != nullptr);
    CHECK(find(root, {"record", "fast_every"}) != nullptr);
    CHECK(find(root, {"multirate", "tolerance"}) != nullptr);
    CHECK(find(root, {"multirate", "settle"}) != nullptr);
    for (const char* unused : {"stress", "inflammation", "l_type", "calcium", "structure", "subject"}) {
        CAPTURE(unused);
        CHECK(find(root, {unused}) == nullptr);
    }
}

TEST_CASE("a resolved config resolves to itself") {
    std::vector<std::string> files{everything};
    for (const auto& entry : program::fs::directory_iterator(program::fs::path(REWIRE_SOURCE_DIR) / "configs"))
        if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
    REQUIRE(files.size() > 1);
    for (const std::string& file : files) {
        CAPTURE(file);
        const std::string first = experiment::load_experiment(file).resolved_toml;
        const experiment::Experiment again =
            experiment::read_experiment(experiment::parse_config(first, "resolved.toml"));
        CHECK(again.resolved_toml == first);
        CHECK(again.warnings.empty());
    }
}

TEST_CASE("what follows another key is not fixed in the resolved config") {
    const program::Folder folder;
    const std::string config = folder.write("own.toml", "extends = \"" + everything + R"("
[drug.mine.pharmacokinetics]
compartment = [{ name = "blood", volume = "70 L" }]
flow = [{ from = "blood", clearance = "10 L/h" }]
route = [{ name = "intravenous", input = [{ compartment = "blood" }] }]
[[drug.mine.pharmacokinetics.species]]
name = "it"
central = "blood"
molar_mass = "100 g/mol"
unbound_fraction = 0.5
brain_plasma_unbound_ratio = 1
)");
    const std::string saved = folder.write("saved.toml", experiment::load_experiment(config).resolved_toml);
    const std::vector<std::string> heavier{"drug.mine.pharmacokinetics.species.0.molar_mass=\"400 g/mol\""};
    for (const std::string& file : {config, saved}) {
        const auto model = experiment::load_experiment(file, heavier).model;
        CHECK(model.drugs.back().pharmacokinetics.species[0].molar_mass_g_per_mol == 400);
        CHECK(model.drugs.back().pharmacokinetics.species[0].counted_as_g_per_mol == 400);
    }
}
