// What `rewire describe` shows of a config and what the reader takes are the same keys.
//
// The reader cannot take a key that is not described: asking for one is a logic error (test_reader.cpp), which every
// test that reads a config would meet. Here: every described key is taken somewhere. Each is set, in turn, to a value
// that no key may have. Where it is read, that value is complained of; where it is not, the key itself would be, as
// unknown or as one that does not apply.

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <sstream>

#include "experiment/description.hpp"
#include "experiment/experiment.hpp"
#include "experiment/program.hpp"
#include "quantity/units.hpp"

namespace {

using namespace rewire;
using experiment::Diagnostic;

/// everything.toml has one of most sections; these are the others, and the other kinds of those that have kinds.
/// Lists of tables take the place of those there.
const std::string more = R"(
[experiment]
mode = "full"

[population.conductance]
size = 5
model = "lif_conductance"
receptor.extra = { kind = "nmda" }
extrasynaptic = {}
initial = { distribution = "uniform", low = "-70 mV", high = "-60 mV" }

[population.currents]
size = 5
model = "lif_current"

[population.quadratic]
size = 5
model = "izhikevich"

[projection.total]
from = "pv"
to = "pv"
rule = { fixed_total_number = 5 }
weight = "1 nS"
receptors = ["gaba_a"]

[projection.indegree]
from = "pv"
to = "pv"
rule = { fixed_indegree = 5 }
long_term = { rule = "inhibitory" }
weight = { mean = "1 nS", sd = "0.1 nS" }
receptors = ["gaba_a"]

[projection.outdegree]
from = "pv"
to = "pv"
rule = { fixed_outdegree = 5 }
long_term = { rule = "triplet" }
weight = { distribution = "uniform", low = "1 nS", high = "2 nS" }
receptors = ["gaba_a"]

[projection.all]
from = "pv"
to = "pv"
rule = { all_to_all = true }
long_term = { rule = "pair", weight_dependence = "power_law" }
weight = "1 nS"
receptors = ["gaba_a"]

[projection.pairs]
from = "pv"
to = "pv"
rule = { one_to_one = true }
weight = "1 nS"
receptors = { gaba_a = 1 }
structural = { rule = "elements", axonal = {}, dendritic = {} }

[structure.spines]
formation = "0.1 /d"

[population.granule]
size = 5

[neurogenesis.granule]
mature = 3

[scaling]
populations = ["pyramidal"]

[drug.mine]
[drug.mine.pharmacokinetics]
compartment = [{ name = "blood", volume = "5 L" }, { name = "depot" }]
flow = [{ from = "blood", rate = "1 /h" }, { from = "blood", clearance = "1 L/h" }]
route = [{ name = "intravenous", input = [{ compartment = "blood" }] }]
variation = [{ name = "V", volume = "blood", variance = 0.1 }, { name = "CL", from = "blood", variance = 0.1 }]
covariance = [{ first = "V", second = "CL", covariance = 0.05 }]
[[drug.mine.pharmacokinetics.species]]
name = "it"
central = "blood"
molar_mass = "100 g/mol"
unbound_fraction = 0.5
brain_plasma_unbound_ratio = 1

[drug.mine.species.it.target.ampa]
ec50 = "1 uM"

[drug.shipped]
preset = "midazolam"

[arms]
direct = true

[[dose]]
drug = "mine"
amount = "1 mg"
repeat = { every = "1 s", times = 2 }

[[stimulus]]
population = "pv"
kind = "current_ramp"
amplitude = "1 pA"
end_amplitude = "2 pA"

[[stimulus]]
population = "pv"
kind = "poisson"
rate = "1 Hz"
weight = "1 nS"
name = "tone"
to = "1 s"
repeat = { every = "2 s", times = 3 }

[[intervention]]
what = "nmda_antagonist"
populations = ["pv"]

[[stimulus]]
population = "pv"
kind = "spikes"
times = ["1 s"]
weight = "1 nS"

[record]
windows = [{ every = "10 ms" }]

[cohort]
number = 1
[cohort.field.weight]
key = "subject.weight"
distribution = "normal"
mean = "70 kg"
sd = "10 kg"
low = "50 kg"
high = "90 kg"
[cohort.field.gain]
distribution = "lognormal"
median = 1
sd_log = 0.1
[cohort.field.age]
distribution = "uniform"
low = 20
high = 60
[[cohort.correlation]]
first = "weight"
second = "gain"
coefficient = 0.5
[[plan]]
name = "one"
)";

/// Tables that hold a section; a key must be taken in one of them.
const std::map<std::string, std::vector<std::string>> tables{
    {"config", {""}},
    {"experiment", {"experiment"}},
    {"subject", {"subject"}},
    {"population", {"population.pv"}},
    {"adex", {"population.pv"}},
    {"izhikevich", {"population.quadratic"}},
    {"lif_conductance", {"population.conductance"}},
    {"lif_current", {"population.currents"}},
    {"receptor", {"population.conductance.receptor.extra"}},
    {"background", {"population.pv.background"}},
    {"projection", {"projection.e_to_pv"}},
    {"rule",
     {"projection.e_to_e.rule", "projection.indegree.rule", "projection.outdegree.rule", "projection.all.rule",
      "projection.pairs.rule", "projection.total.rule"}},
    {"distribution", {"projection.indegree.weight", "projection.outdegree.weight"}},
    {"receptors", {"projection.e_to_e.receptors"}},
    {"short_term", {"projection.e_to_e.short_term"}},
    {"long_term", {"projection.indegree.long_term", "projection.outdegree.long_term", "projection.all.long_term"}},
    {"structural", {"projection.e_to_e.structural", "projection.pairs.structural"}},
    {"growth", {"projection.pairs.structural.axonal"}},
    {"stimulus", {"stimulus.0", "stimulus.1", "stimulus.2"}},
    {"glutamate", {"glutamate"}},
    {"molecular", {"molecular"}},
    {"resting_drive", {"molecular.resting_drive"}},
    {"inflammation", {"inflammation"}},
    {"l_type", {"l_type"}},
    {"scaling", {"scaling"}},
    {"stress", {"stress"}},
    {"calcium", {"calcium"}},
    {"structure", {"structure"}},
    {"spines", {"structure.spines"}},
    {"neurogenesis", {"neurogenesis.granule"}},
    {"drug", {"drug.ketamine", "drug.shipped"}},
    {"pharmacokinetics", {"drug.mine.pharmacokinetics"}},
    {"compartment", {"drug.mine.pharmacokinetics.compartment.0", "drug.mine.pharmacokinetics.compartment.1"}},
    {"flow", {"drug.mine.pharmacokinetics.flow.0", "drug.mine.pharmacokinetics.flow.1"}},
    {"species", {"drug.mine.pharmacokinetics.species.0", "drug.mine.species.it"}},
    {"route", {"drug.mine.pharmacokinetics.route.0"}},
    {"route_input", {"drug.mine.pharmacokinetics.route.0.input.0"}},
    {"blocker", {"drug.ketamine.species.ketamine.block"}},
    {"variation", {"drug.mine.pharmacokinetics.variation.0", "drug.mine.pharmacokinetics.variation.1"}},
    {"covariance", {"drug.mine.pharmacokinetics.covariance.0"}},
    {"target", {"drug.mine.species.it.target.ampa"}},
    {"arms", {"arms"}},
    {"dose", {"dose.0"}},
    {"repeat", {"dose.0.repeat", "therapy.0.repeat"}},
    {"intervention", {"intervention.0"}},
    {"therapy", {"therapy.0"}},
    {"symptom_score", {"symptom_score"}},
    {"expectation", {"symptom_score.expectation"}},
    {"multirate", {"multirate"}},
    {"record", {"record"}},
    {"window", {"record.windows.0"}},
    {"trace", {"record.traces.0"}},
    {"cohort", {"cohort"}},
    {"field", {"cohort.field.weight", "cohort.field.gain", "cohort.field.age"}},
    {"correlation", {"cohort.correlation.0"}},
    {"plan", {"plan.0"}},
};

experiment::Node config() {
    static const std::string everything = (program::tests_folder() / "everything.toml").string();
    return experiment::parse_config("extends = \"" + everything + "\"\n" + more, "more.toml");
}

/// The complaints of a config in which `path` is a list of an empty list, which is nothing that any key may hold.
std::vector<Diagnostic> complaints(const std::string& path) {
    experiment::Node tree = config();
    experiment::apply_set(tree, path + "=[[]]");
    try {
        return experiment::read_experiment(std::move(tree)).warnings.sorted();
    } catch (const experiment::ConfigError& error) {
        return error.diagnostics.sorted();
    }
}

/// Whether the key is read in the table: its value, or the first thing in it, is complained of.
bool is_taken(const std::string& table, const std::string& key) {
    const std::string path = table.empty() ? key : table + "." + key;
    for (const Diagnostic& d : complaints(path))
        if (d.place.file.starts_with("--set " + path + "="))
            return d.text.find("unknown key") == std::string::npos &&
                   d.text.find("does not apply") == std::string::npos;
    return false;
}

/// The table at a path such as "stimulus.0"; null if there is none.
experiment::Node* at(experiment::Node& root, const std::string& path) {
    experiment::Node* node = &root;
    std::istringstream stream(path);
    for (std::string key; node && std::getline(stream, key, '.');) {
        experiment::Entry* entry = node->find(key);
        node = entry ? &entry->value : node->array() ? &node->array()->at(std::stoul(key)) : nullptr;
    }
    return node;
}

} // namespace

TEST_CASE("the config of this test is valid") { CHECK_NOTHROW(experiment::read_experiment(config())); }

TEST_CASE("every described key is taken by the reader") {
    const std::vector<experiment::SectionInWords> sections = experiment::config_sections();
    CHECK(sections.size() == tables.size());
    for (const experiment::SectionInWords& section : sections) {
        CAPTURE(section.name);
        REQUIRE(tables.count(section.name) == 1);
        CHECK_FALSE(section.keys.empty());
        const std::vector<std::string>& places = tables.at(section.name);
        for (const experiment::KeyInWords& key : section.keys) {
            const std::string name = key.name == "NAME" ? "ampa" : key.name;
            CAPTURE(name);
            CHECK(std::any_of(places.begin(), places.end(), [&](const auto& table) { return is_taken(table, name); }));
            CHECK_FALSE(key.meaning.empty());
            CHECK_FALSE(key.allowed.empty());
        }
    }
    CHECK_FALSE(is_taken("population.pv", "sizes")); // a key that is not described is not
    CHECK_FALSE(is_taken("stimulus.0", "rate"));     // nor one of another kind of stimulus
}

TEST_CASE("the rules of long-term plasticity have defaults of their own") {
    const engine::Model model = experiment::read_experiment(config()).model;
    const auto rule = [&](std::string_view name) {
        return *std::find_if(model.projections.begin(), model.projections.end(), [&](const network::Projection& p) {
                    return p.name == name;
                })->long_term;
    };
    CHECK(rule("all").tau_pre_ms == 20); // Song, Miller & Abbott 2000
    CHECK(rule("all").tau_post_ms == 20);
    CHECK(rule("all").nmda_dependence == 1);
    CHECK(rule("outdegree").tau_pre_ms == Approx(16.8)); // Pfister & Gerstner 2006
    CHECK(rule("outdegree").tau_post_ms == Approx(33.7));
    CHECK(rule("outdegree").tau_pre_slow_ms == Approx(101));
    CHECK(rule("outdegree").tau_post_slow_ms == Approx(114));
    CHECK(rule("outdegree").nmda_dependence == 1);
    CHECK(rule("indegree").tau_pre_ms == 20); // Vogels et al. 2011
    CHECK(rule("indegree").nmda_dependence == 0);
}

TEST_CASE("the described default is what an absent key gets") {
    for (const experiment::SectionInWords& section : experiment::config_sections()) {
        // Their defaults are those of the kind of the receptor.
        if (section.name == "receptor") continue;
        for (const experiment::KeyInWords& key : section.keys) {
            if (key.fallback == "needed" || key.fallback.starts_with("(")) continue;
            // So are these those of the rule, see below.
            if (section.name == "long_term" && (key.name.starts_with("tau_p") || key.name == "nmda_dependence"))
                continue;
            CAPTURE(section.name, key.name);
            int found = 0;
            for (const std::string& table : tables.at(section.name)) {
                experiment::Node tree = config();
                if (experiment::Node* node = at(tree, table))
                    node->table()->remove_if([&](const experiment::Entry& entry) { return entry.key == key.name; });
                std::string text;
                try {
                    text = experiment::read_experiment(std::move(tree)).resolved_toml;
                } catch (const experiment::ConfigError&) {
                    continue; // the key says of what kind the rest is
                }
                experiment::Node resolved = experiment::parse_config(text, "resolved.toml");
                const experiment::Entry* entry = at(resolved, table)->find(key.name);
                if (!entry) continue; // does not apply in this one
                ++found;
                const auto* quantity = std::get_if<std::string>(&entry->value.value);
                const auto* number = std::get_if<double>(&entry->value.value);
                if (quantity && key.unit != "-") {
                    const bool has_unit = key.fallback.find(' ') != std::string::npos;
                    const std::string unit = key.unit.substr(key.unit.starts_with("1/")); // "5 /h"
                    CHECK(parse_quantity(*quantity, key.unit) ==
                          Approx(parse_quantity(has_unit ? key.fallback : key.fallback + " " + unit, key.unit))
                              .epsilon(1e-5)); // shown with six digits
                } else if (number) {
                    CHECK(*number == Approx(std::stod(key.fallback)).epsilon(1e-5));
                } else {
                    CHECK(experiment::inline_toml(entry->value) ==
                          experiment::inline_toml(experiment::parse_value(key.fallback, {})));
                }
            }
            CHECK(found > 0);
        }
    }
}

TEST_CASE("described names are unique") {
    std::vector<std::string> names;
    for (const experiment::SectionInWords& section : experiment::config_sections()) names.push_back(section.name);
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}
