// A corpus of configs that are wrong in one way each. Every file says on top what must be complained of, one line
// for each error in the order in which they must come out:
//
//     # expect: 12:8 [population.pv] size: 1 or more & whole
//
// line:column of the fault (of another file with its name in front), section and key, and what the message must
// hold to tell what is allowed. The wording is free.

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "experiment/program.hpp"

namespace {

using namespace program;

struct Expectation {
    std::string place, label;
    std::vector<std::string> allowed;
};

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

/// "12:8 [population.pv] size: 1 or more & whole" of the file `name`.
Expectation parse_expectation(const std::string& text, const std::string& name) {
    Expectation expected;
    const std::size_t blank = text.find(' '), colon = text.find(": ", blank);
    expected.place = text.substr(0, blank);
    if (expected.place.find(':') == expected.place.rfind(':')) expected.place = name + ":" + expected.place;
    expected.label = text.substr(blank + 1, colon - blank - 1);
    for (std::string rest = text.substr(colon + 2); !rest.empty();) {
        const std::size_t mark = std::min(rest.find(" & "), rest.size());
        expected.allowed.push_back(rest.substr(0, mark));
        rest.erase(0, std::min(rest.size(), mark + 3));
    }
    return expected;
}

} // namespace

TEST_CASE("each malformed config is refused with place, key and what is allowed") {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(tests_folder() / "malformed"))
        if (entry.path().extension() == ".toml") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    REQUIRE(files.size() >= 150);
    for (const fs::path& file : files) {
        const std::string name = file.filename().string();
        CAPTURE(name);
        std::vector<Expectation> expected;
        constexpr std::string_view mark = "# expect: ";
        for (const std::string& line : lines_of(text_of(file.string())))
            if (line.starts_with(mark)) expected.push_back(parse_expectation(line.substr(mark.size()), name));
        REQUIRE_FALSE(expected.empty());

        const Outcome outcome = call({"check", name}, file.parent_path());
        CAPTURE(outcome.err);
        CHECK(outcome.status == 2);
        CHECK(outcome.out.empty());
        const std::vector<std::string> errors = lines_of(outcome.err);
        CHECK(errors.size() == expected.size()); // no error hides behind another, none draws others after it
        for (std::size_t k = 0; k < std::min(errors.size(), expected.size()); ++k) {
            CHECK_THAT(errors[k], Catch::StartsWith(expected[k].place + ": error: " + expected[k].label));
            for (const std::string& allowed : expected[k].allowed) CHECK_THAT(errors[k], Catch::Contains(allowed));
        }
    }
}

TEST_CASE("the config that malformed ones are made from is valid, without a warning") {
    const Outcome outcome = call({"check", "everything.toml"});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK_THAT(outcome.out, Catch::Contains("everything.toml: valid") && Catch::Contains("270 neurons"));
}

TEST_CASE("what is no config at all is refused") {
    const Folder folder;
    fs::create_directory(folder.path() / "folder.toml");
    folder.write("empty.toml", "");
    folder.write("comment.toml", "# nothing but words\n");
    std::string garbage;
    for (int i = 0; i < 4096; ++i) garbage += static_cast<char>(i * 7919 % 256);
    folder.write("garbage.toml", garbage);
    folder.write("latin1.toml", "[experiment]\ntitle = \"caf\xe9\"\n");
    folder.write("nul.toml", std::string("[experiment]\ntitle = \"a\0b\"\n", 26));
    folder.write("deep.toml", "a = " + std::string(100000, '['));
    std::string dotted = "a", tables = "a = ";
    for (int i = 0; i < 100000; ++i) dotted += ".a";
    for (int i = 0; i < 200; ++i) tables += "{ a.a.a = ";
    folder.write("dotted.toml", dotted + " = 1");
    folder.write("header.toml", "[" + dotted + "]");
    folder.write("tables.toml", tables + "1" + std::string(200, '}'));
    for (const auto& [name, text] : std::map<std::string, std::string>{{"empty.toml", "[population.NAME]"},
                                                                       {"comment.toml", "duration"},
                                                                       {"absent.toml", "cannot read this file"},
                                                                       {"folder.toml", "cannot read this file"},
                                                                       {"garbage.toml", "garbage.toml:1:"},
                                                                       {"latin1.toml", "latin1.toml:2:"},
                                                                       {"nul.toml", "nul.toml:2:"},
                                                                       {"deep.toml", "depth of 256"},
                                                                       {"dotted.toml", "dotted.toml:1:514: "},
                                                                       {"header.toml", "depth of 256"},
                                                                       {"tables.toml", "depth of 256"}})
        for (const char* verb : {"check", "run"}) {
            const Outcome outcome = call({verb, name}, folder.path());
            CAPTURE(name, outcome.err);
            CHECK(outcome.status == 2);
            CHECK_THAT(outcome.err, Catch::StartsWith(name) && Catch::Contains("error: ") && Catch::Contains(text));
        }
    CHECK_FALSE(fs::exists(folder.path() / "results")); // a refused run leaves nothing
}

TEST_CASE("pairwise files are checked before they are used") {
    const Folder folder;
    using rewire::record::File;
    const auto make = [&](const std::string& name, const std::map<std::string, std::vector<double>>& columns) {
        File file = File::create(folder / name);
        for (const auto& [column, values] : columns) {
            const bool whole =
                (column == "source" || column == "target") && std::floor(values.front()) == values.front();
            const auto type = whole ? rewire::record::Type::i64 : rewire::record::Type::f64;
            file.create_dataset("/" + column, {type, {values.size()}}).write(std::span<const double>(values));
        }
        file.close();
    };
    make("none.h5", {});
    make("no_target.h5", {{"source", {0, 1}}});
    make("unequal.h5", {{"source", {0, 1, 2}}, {"target", {0, 1}}});
    make("fraction.h5", {{"source", {0.5}}, {"target", {0}}});
    make("outside.h5", {{"source", {0, 9}}, {"target", {0, 3}}});
    make("weights.h5", {{"source", {0, 1}}, {"target", {0, 1}}, {"weight", {1}}});
    make("nan_weight.h5", {{"source", {0}}, {"target", {1}}, {"weight", {std::nan("")}}});
    make("delay.h5", {{"source", {0}}, {"target", {1}}, {"delay_ms", {0}}});
    make("negative.h5", {{"source", {0, 1}}, {"target", {1, 2}}, {"weight", {1, -1}}});
    make("weighted.h5", {{"source", {0}}, {"target", {1}}, {"weight", {1}}});
    make("delayed.h5", {{"source", {0}}, {"target", {1}}, {"delay_ms", {1}}});
    make("bare.h5", {{"source", {0, 3}}, {"target", {1, 2}}});
    make("good.h5", {{"source", {0, 3}}, {"target", {1, 2}}, {"weight", {1, 2}}, {"delay_ms", {0.5, 1}}});
    const std::string config = folder.write(
        "pairs.toml",
        "[experiment]\nduration = '100 ms'\n[population.a]\nsize = 4\n[projection.p]\nfrom = 'a'\nto = 'a'\n"
        "rule = { pairwise = 'good.h5' }\nreceptors = ['ampa']\n");
    // The path is relative to the config, wherever the program runs.
    const Outcome good = call({"check", config});
    CAPTURE(good.err);
    CHECK(good.status == 0);
    CHECK_THAT(good.out, Catch::Contains("2 synapses"));
    const auto with = [&](const std::string& name, const std::vector<std::string>& settings) {
        std::vector<std::string> words{"check", config, "--set", "projection.p.rule.pairwise=" + name};
        for (const std::string& setting : settings) words.insert(words.end(), {"--set", "projection.p." + setting});
        return call(words, folder.path());
    };
    CHECK(with("bare.h5", {"weight=1 nS", "delay=1 ms"}).status == 0);
    CHECK_THAT(with("bare.h5", {}).err, Catch::Contains("[projection.p] weight: is missing"));
    CHECK_THAT(with("weighted.h5", {"weight=1 nS"}).err, Catch::Contains("has a column weight already"));
    CHECK_THAT(with("delayed.h5", {"weight=1 nS", "delay=1 ms"}).err, Catch::Contains("has a column delay_ms already"));
    for (const auto& [name, text] : std::map<std::string, std::string>{
             {"none.h5", "source"},
             {"no_target.h5", "target"},
             {"unequal.h5", "target of the file has 2 entries: must be as many as source (3)"},
             {"fraction.h5", "source"},
             {"outside.h5", "9 -> 3: must be below 4 and 4"},
             {"weights.h5", "weight of the file has 1 entries"},
             {"nan_weight.h5", "finite"},
             {"negative.h5", "holds -1: must be 0 or more"},
             {"delay.h5", "dt (0.1 ms)"}}) {
        const Outcome outcome = call({"check", config, "--set", "projection.p.rule.pairwise=" + name}, folder.path());
        CAPTURE(name, outcome.err);
        CHECK(outcome.status == 2);
        CHECK_THAT(outcome.err, Catch::Contains("error: [projection.p") && Catch::Contains(text));
    }
}

TEST_CASE("overrides are checked like the file") {
    const auto set = [](const std::string& assignment) {
        return call({"check", "everything.toml", "--set", assignment});
    };
    for (const auto& [assignment, text] :
         std::map<std::string, std::string>{{"population.pv.sizes=5", "did you mean \"size\"?"},
                                            {"population.pv.size=-5", "between 1 and"},
                                            {"population.pv.size=", "no value"},
                                            {"population.pv.size", "KEY=VALUE"},
                                            {"=5", "names joined by dots"},
                                            {"population..size=5", "names joined by dots"},
                                            {"experiment.duration=5", "\"10 s\""},
                                            {"experiment.duration.value=5 s", "experiment.duration is no table"},
                                            {"dose.7.amount=1 mg", "entries 0 to 0"},
                                            {"dose.first.amount=1 mg", "entries 0 to 0"},
                                            {"experiment.title=\xff\xfe", "UTF-8"},
                                            {"experiment.seed=07:30:00", "dates"},
                                            {"population.pv=5", "must be a table"}}) {
        const Outcome outcome = set(assignment);
        CAPTURE(assignment, outcome.err);
        CHECK(outcome.status == 2);
        CHECK_THAT(outcome.err, Catch::StartsWith("--set " + assignment + ": error: ") && Catch::Contains(text));
    }
    for (const char* assignment :
         {"experiment.duration=2h", "experiment.duration=2 h", "experiment.mode=full", "population.pv.size=1e3",
          "dose.0.amount=0.5mg/kg", "molecular.populations=[\"pyramidal\"]", "stress.eaat2_loss=0.1", "dose=[]"}) {
        const Outcome outcome = set(assignment);
        CAPTURE(assignment, outcome.err);
        CHECK(outcome.status == 0);
    }
}

TEST_CASE("bad command lines exit with 2 and say what is possible") {
    using Words = std::vector<std::string>;
    for (const auto& [words, text] :
         std::map<Words, std::string>{{{}, "run, check, describe or info"},
                                      {{"rum", "everything.toml"}, "did you mean \"run\"?"},
                                      {{"run"}, "needs a file"},
                                      {{"check"}, "needs a file"},
                                      {{"info"}, "needs a file"},
                                      {{"run", "everything.toml", "--forse"}, "--forse"},
                                      {{"run", "everything.toml", "more.toml"}, "positional"},
                                      {{"check", "everything.toml", "--set"}, "--set"},
                                      {{"check", "everything.toml", "--threads", "two"}, "whole number"},
                                      {{"check", "everything.toml", "--threads", "-1"}, "between 0 and 4096"},
                                      {{"check", "everything.toml", "--threads", "1.5"}, "whole number"},
                                      {{"check", "everything.toml", "--seed", "x"}, "whole number"},
                                      {{"run", "everything.toml", "--seed", "-3"}, "0 or more"},
                                      {{"run", "everything.toml", "-t", "1e9"}, "between 0 and 4096"},
                                      {{"info", "nowhere.h5"}, "no such file"},
                                      {{"describe", "adexx"}, "did you mean \"adex\"?"}}) {
        const Outcome outcome = call(words);
        CAPTURE(words, outcome.err);
        CHECK(outcome.status == 2);
        CHECK_THAT(outcome.err, Catch::Contains("error: ") && Catch::Contains(text));
        CHECK(outcome.out.empty());
    }
    CHECK_THAT(call({"--help"}).out, Catch::Contains("rewire run CONFIG"));
    CHECK(call({"--help"}).status == 0);
    CHECK_THAT(call({"--version"}).out, Catch::StartsWith("rewire " REWIRE_VERSION));
}

TEST_CASE("constants of a mechanism that is absent are a warning") {
    const Folder folder;
    const std::string config = folder.write(
        "x.toml", "[experiment]\nduration = '1 s'\n[population.a]\nsize = 4\n[l_type]\n[stress]\n[calcium]\n");
    const Outcome outcome = call({"check", config});
    CHECK(outcome.status == 0);
    CHECK_THAT(outcome.err, Catch::Contains(":5:1: warning: [l_type]: has no effect without [molecular]") &&
                                Catch::Contains(":6:1: warning: [stress]") &&
                                Catch::Contains(":7:1: warning: [calcium]"));
}

TEST_CASE("relief of a stress that is not there is a warning, unless a therapy does other things as well") {
    const Folder folder;
    const std::string config = "[experiment]\nduration = '1 h'\n[population.a]\nsize = 4\nmodel = 'lif_conductance'\n"
                               "[molecular]\npopulations = ['a']\n[[intervention]]\nwhat = 'stress_relief'\n"
                               "[[therapy]]\nkind = 'exercise'\nover = '1 min'\nstress_relief = 0.3\n"
                               "[[therapy]]\nkind = 'sleep'\nover = '1 min'\ncurrent = '0 pA'\n"
                               "[[therapy]]\nkind = 'sleep'\nover = '1 min'\n";
    const Outcome outcome = call({"check", folder.write("idle.toml", config)});
    CHECK(outcome.status == 0);
    CHECK(lines_of(outcome.err).size() == 3);
    CHECK_THAT(outcome.err, Catch::Contains(":9:8: warning: [intervention.0] what") &&
                                Catch::Contains(":13:17: warning: [therapy.0] stress_relief") &&
                                Catch::Contains(":14:1: warning: [therapy.1]") && Catch::Contains("of stress"));
    CHECK(call({"check", folder.write("stress.toml", config + "[[intervention]]\nwhat = 'stress'\n")}).err.empty());
}

TEST_CASE("a settling time below that of the fast states is a warning that names the slowest") {
    const Folder folder;
    const std::string config =
        folder.write("unsettled.toml", "extends = \"" + (tests_folder() / "everything.toml").string() + R"("
[multirate]
settle = "300 ms"
)");
    const Outcome outcome = call({"check", config});
    CHECK(outcome.status == 0);
    CHECK_THAT(outcome.err, Catch::Contains("3:10: warning: [multirate] settle") && Catch::Contains("0.5 s") &&
                                Catch::Contains("depression of "));
    CHECK(call({"check", config, "--set", "experiment.mode=full"}).err.empty()); // nothing is left out there
}

TEST_CASE("a body far from the subject's weight is a warning that names the weight") {
    const Folder folder;
    const auto warnings = [&](const std::string& weight) {
        return call({"check",
                     folder.write("x.toml", "[experiment]\nduration = '1 s'\n[population.a]\nsize = 4\n[subject]\n" +
                                                weight + "\n[drug.ketamine]\npharmacokinetics = 'mouse'\n")})
            .err;
    };
    CHECK_THAT(warnings(""), Catch::Contains(":8:20: warning: [drug.ketamine] pharmacokinetics = \"mouse\"") &&
                                 Catch::Contains("0.025 kg") && Catch::Contains("70 kg") &&
                                 Catch::Contains("[subject] weight"));
    CHECK(warnings("weight = '25 g'").empty());
    CHECK(warnings("weight = '300 g'").empty()); // a rat, by allometry
}

TEST_CASE("the drug of README's own is a valid config as it stands there") {
    const Folder folder;
    std::string config = "extends = \"" + (tests_folder() / "everything.toml").string() + "\"\n";
    bool inside = false;
    for (const std::string& line : lines_of(text_of(REWIRE_SOURCE_DIR "/README.md"))) {
        if (line.starts_with("#")) inside = line == "### A drug of your own";
        if (inside && line.starts_with("    ")) config += line.substr(4) + "\n";
    }
    CHECK_THAT(config, Catch::Contains("[drug.memantine.species.memantine.block]"));
    const Outcome outcome = call({"check", folder.write("own.toml", config)});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
}

TEST_CASE("events after the end are warnings") {
    const Folder folder;
    const std::string config =
        folder.write("late.toml", "extends = \"" + (tests_folder() / "everything.toml").string() + R"("
[experiment]
duration = "1 s"
[[dose]]
drug = "ketamine"
amount = "5 mg"
at = "1 s"
[[dose]]
drug = "ketamine"
amount = "5 mg"
repeat = { every = "400 ms", times = 4 }
[[intervention]]
what = "nbqx"
from = "2 s"
to = "3 s"
[[stimulus]]
population = "pv"
kind = "current_step"
from = "2 s"
to = "3 s"
amplitude = "5 pA"
[[intervention]]
what = "nbqx"
from = "2 s"
[[stimulus]]
population = "pv"
kind = "spikes"
times = ["0.5 s", "1.5 s"]
weight = "1 nS"
[record]
snapshots = ["2 s"]
windows = [{ from = "2 s", every = "100 ms" }]
)");
    const Outcome outcome = call({"check", config});
    CHECK(outcome.status == 0);
    const std::vector<std::string> expected{"7:6: warning: [dose.0] at",
                                            "11:10: warning: [dose.1] repeat",
                                            "14:8: warning: [intervention.0] from",
                                            "19:8: warning: [stimulus.0] from",
                                            "24:8: warning: [intervention.1] from",
                                            "28:9: warning: [stimulus.1] times",
                                            "31:13: warning: [record] snapshots",
                                            "32:21: warning: [record.windows.0] from"};
    const std::vector<std::string> warnings = lines_of(outcome.err);
    CAPTURE(outcome.err);
    REQUIRE(warnings.size() == expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k)
        CHECK_THAT(warnings[k],
                   Catch::StartsWith(config + ":" + expected[k]) && Catch::Contains("the end of the experiment (1 s)"));
}
