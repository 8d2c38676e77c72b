// What check, info and describe say, and the summary of a run.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>

#include "drug/shipped.hpp"
#include "engine/model.hpp"
#include "experiment/description.hpp"
#include "experiment/whole_runs.hpp"

using namespace program;

TEST_CASE("every config of the repository is valid") {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(REWIRE_SOURCE_DIR) / "configs")) {
        if (entry.path().extension() != ".toml") continue;
        const Outcome outcome = call({"check", entry.path().string()});
        CAPTURE(entry.path().filename().string(), outcome.err);
        CHECK(outcome.status == 0);
        CHECK(outcome.err.empty());
        ++count;
    }
    CHECK(count > 0);
}

TEST_CASE("info tells what a result holds and refuses other files") {
    const Folder folder;
    const std::string output = folder / "out.h5";
    run(everything, output);
    const Outcome info = call({"info", output});
    CAPTURE(info.out, info.err);
    CHECK(info.status == 0);
    const auto spikes = std::to_string(File::open(output).dataset("/spikes/pyramidal/timestamps").shape()[0]);
    CHECK_THAT(info.out, Catch::Contains("out.h5: complete") && Catch::Contains("everything on") &&
                             Catch::Contains("3 bursts (6.8 s with spikes") &&
                             Catch::Contains("200 neurons, adex, " + spikes + " spikes") &&
                             Catch::Contains("snapshot t_4_s"));
    // Series are labelled by their own dimension, also where two have the same number of entries (drugs, populations).
    for (const char* name : {"norketamine", "e_to_pv", "pv", "cortex"})
        CHECK_THAT(info.out, Catch::Contains(std::string("      ") + name + " "));

    const std::string foreign = folder / "foreign.h5";
    File::create(foreign).close();
    for (const auto& [file, text] : std::map<std::string, std::string>{{foreign, "no result of rewire"},
                                                                       {everything, "HDF5"},
                                                                       {folder.path().string(), "directory"},
                                                                       {folder / "absent.h5", "no such file"}}) {
        const Outcome refused = call({"info", file});
        CAPTURE(file, refused.err);
        CHECK(refused.status == 2);
        CHECK(refused.out.empty());
        CHECK_THAT(refused.err, Catch::Contains("error: " + file) && Catch::Contains(text));
    }
}

TEST_CASE("describe shows every key that a config can set") {
    const std::string everything_described = call({"describe"}).out;
    for (const rewire::experiment::SectionInWords& section : rewire::experiment::config_sections()) {
        const Outcome outcome = call({"describe", section.name});
        CAPTURE(section.name);
        CHECK(outcome.status == 0);
        CHECK_THAT(outcome.out,
                   Catch::StartsWith(section.name + ": " + section.meaning + "\n  where: " + section.where));
        for (const rewire::experiment::KeyInWords& words : section.keys) {
            const std::string key = "\n  " + words.name + " ";
            CAPTURE(key);
            const std::size_t at = outcome.out.find(key, outcome.out.find("\n  key ") + 1); // below the header
            REQUIRE(at != std::string::npos);
            const std::string line = outcome.out.substr(at + 1, outcome.out.find('\n', at + 1) - at - 1);
            for (const std::string& column : {words.fallback, words.unit, words.allowed})
                CHECK_THAT(line, Catch::Contains("  " + column + "  "));
            CHECK_THAT(line, Catch::EndsWith("  " + words.meaning));
            CHECK_THAT(everything_described, Catch::Contains(line));
        }
    }
    // Numbers that stand in a struct's table, with unit, default, range and source.
    CHECK_THAT(call({"describe", "adex"}).out,
               Catch::Contains("capacitance") && Catch::Contains("pF") && Catch::Contains("above 0"));
    CHECK_THAT(call({"describe", "subject"}).out,
               Catch::Contains("70") && Catch::Contains("between 1e-06 kg and 1000 kg"));
    CHECK_THAT(call({"describe", "otto2021"}).out,
               Catch::Contains("route intravenous") && Catch::Contains("norketamine"));
    for (const rewire::engine::InterventionKind& kind : rewire::engine::intervention_kinds)
        CHECK_THAT(call({"describe", "intervention"}).out,
                   Catch::Contains("\"" + std::string(kind.name) + "\"") && Catch::Contains(std::string(kind.meaning)));
    for (const rewire::drug::TargetInWords& t : rewire::drug::targets)
        CHECK_THAT(call({"describe", "target"}).out, Catch::Contains("target." + std::string(t.name) + " "));
}

TEST_CASE("describe shows shipped drugs with their sources, and as a config would say them") {
    for (const rewire::drug::ShippedDrug& drug : rewire::drug::shipped_drugs()) {
        const Outcome outcome = call({"describe", drug.name});
        CAPTURE(drug.name);
        CHECK(outcome.status == 0);
        CHECK_THAT(outcome.out, Catch::Contains("preset = \"" + drug.name + "\"") &&
                                    Catch::Contains("source: " + drug.pharmacokinetics.source));
        for (const rewire::drug::Species& s : drug.pharmacokinetics.species)
            CHECK_THAT(outcome.out, Catch::Contains(s.name + " acts: " + rewire::drug::shipped_action(s.name).source));
    }
    CHECK_THAT(call({"describe", "nbqx"}).out, Catch::Contains("target.ampa = { ec50 = \"0.15 uM\""));
    CHECK_THAT(call({"describe", "ketamine"}).out, Catch::Contains("ic50_1mg_2c") && Catch::Contains("variance"));
    // Scaled potencies say so, row by row: nobody measured them.
    const auto potency = [](const char* drug) {
        std::vector<std::string> rows;
        std::istringstream lines(call({"describe", drug}).out);
        for (std::string line; std::getline(lines, line);)
            if (line.find("ic50_0mg_2a") != std::string::npos) rows.push_back(line);
        return rows;
    };
    CHECK_THAT(potency("norketamine").at(0), Catch::Contains("times 6.4 of Shaffer 2014"));
    CHECK_THAT(potency("esketamine").at(0), Catch::Contains("times 0.61 of Ebert 1997"));
    CHECK_THAT(potency("esketamine").at(1), Catch::Contains("times 6.4") && Catch::Contains("times 0.57"));
    CHECK_THAT(potency("ketamine").at(0), !Catch::Contains("times"));
}
