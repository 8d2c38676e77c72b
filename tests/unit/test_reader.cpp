#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>

#include "experiment/reader.hpp"

using namespace rewire::experiment;
using Catch::Contains;

namespace {

struct Probe {
    double tau_ms = 20;
    double dose_mg_per_kg = 0.5;
    double share = 0.25;
    std::int64_t size = 100;
    std::int64_t window_s = 60;
    bool enabled = true;
    std::string kind = "slow";
    std::string label = "a \"label\"";
};

} // namespace

template <>
struct rewire::Described<Probe> {
    static constexpr std::string_view name = "probe";
    static constexpr std::string_view meaning = "every kind of parameter";
    static constexpr auto parameters = std::to_array<Parameter<Probe>>({
        {"tau", "ms", &Probe::tau_ms, positive, "", ""},
        {"dose", "mg/kg", &Probe::dose_mg_per_kg, non_negative, "", ""},
        {"share", "1", &Probe::share, fraction, "", ""},
        {"size", "1", &Probe::size, at_least_one, "", ""},
        {"window", "s", &Probe::window_s, Range{0, 3600, true}, "", ""},
        {"enabled", "1", &Probe::enabled, any_value, "", ""},
        {"kind", "1", &Probe::kind, any_value, "", "", "fast|slow|frozen"},
        {"label", "1", &Probe::label, any_value, "", ""},
    });
};

namespace {

using rewire::Key;
using rewire::Range;

/// A table for which any key is described.
struct Anything {};

} // namespace

template <>
struct rewire::Described<Anything> {
    static constexpr std::string_view name = "anything";
    static constexpr std::string_view meaning = "keys of every kind";
    static constexpr auto parameters = std::array<Parameter<Anything>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {"NAME", "", "(none)", ""},
        {.name = "needed", .fallback = "", .meaning = "how long", .unit = "ms"},
        {"needed_name", "the name of a drug", "", "what is given"},
        {.name = "needed_choice", .fallback = "", .meaning = "which", .choices = "one|two"},
        {.name = "ms", .fallback = "(none)", .unit = "ms"},
        {.name = "not_negative", .fallback = "(none)", .unit = "s", .range = non_negative},
        {.name = "choice", .fallback = "(none)", .choices = "one|two"},
        {.name = "amount", .fallback = "(none)", .unit = "mg", .range = non_negative},
        {.name = "size", .fallback = "(none)", .range = at_least_one},
        {"text_with_default", "", R"("")", ""},
        {.name = "choice_with_default", .fallback = "one", .choices = "one|two"},
        {"flag_with_default", "", "true", ""},
        {.name = "time_with_default", .fallback = "0.5 s", .unit = "ms"},
        {.name = "lengths", .fallback = R"(["1 um", "2.5 um"])", .unit = "um"},
        {"names", "", R"(["a", "b"])", ""},
    });
};

namespace {

/// Reads a Probe from the section [population.pv] of `text`, whose first line is line 2 of the file.
struct Reading {
    Node tree;
    Diagnostics diagnostics;
    Probe probe;

    explicit Reading(const std::string& text) : tree(parse_config("[population.pv]\n" + text, "x.toml")) {
        TableReader reader = pv();
        reader.read(probe);
        reader.finish();
    }
    TableReader pv() {
        return {tree.find("population")->value.find("pv")->value, "population.pv", diagnostics,
                rewire::keys_of<Probe>()};
    }
    std::string messages() const { return diagnostics.format(); }
};

std::string messages(const std::string& text) { return Reading(text).messages(); }

/// A reader of a whole small config.
struct Root {
    Node tree;
    Diagnostics diagnostics;
    TableReader reader;

    explicit Root(const std::string& text)
        : tree(parse_config(text, "x.toml")),
          reader(tree, "", diagnostics, rewire::keys_of<Anything>()) {}
};

} // namespace

TEST_CASE("every kind of parameter is read, in any unit of its dimension") {
    Reading reading("tau = '0.01 s'\ndose = '1e3 ug/kg'\nshare = '35 %'\nsize = 1e3\nwindow = '2 min'\n"
                    "enabled = false\nkind = 'fast'\nlabel = 'x'");
    CHECK(reading.messages().empty());
    CHECK(reading.probe.tau_ms == 10);
    CHECK(reading.probe.dose_mg_per_kg == 1);
    CHECK(reading.probe.share == 0.35);
    CHECK(reading.probe.size == 1000);
    CHECK(reading.probe.window_s == 120);
    CHECK_FALSE(reading.probe.enabled);
    CHECK(reading.probe.kind == "fast");
    CHECK(reading.probe.label == "x");
}

TEST_CASE("absent keys keep their defaults and are written into the tree with units") {
    Reading reading("size = 7\nsub.x = 1\nshare = 1");
    CHECK(reading.probe.tau_ms == 20);
    CHECK(reading.probe.share == 1);
    CHECK_THAT(reading.messages(), Contains("sub") && !Contains("\n")); // the only fault: nobody asked for it
    CHECK(to_toml(reading.tree) == "[population.pv]\nsize = 7\nsub = { x = 1 }\nshare = 1\ntau = \"20 "
                                   "ms\"\ndose = \"0.5 mg/kg\"\nwindow = \"60 s\"\n"
                                   "enabled = true\nkind = \"slow\"\nlabel = \"a \\\"label\\\"\"\n");
}

TEST_CASE("the resolved config reads back as the same parameters, with nothing left to fill in") {
    Reading first("tau = '40 us'\nshare = 0.1\nenabled = false");
    const std::string resolved = to_toml(first.tree);
    Reading second(resolved.substr(resolved.find('\n') + 1));
    CHECK(second.messages().empty());
    CHECK(second.tree == first.tree);
    CHECK(second.probe.tau_ms == first.probe.tau_ms);
    CHECK(second.probe.share == 0.1);
    CHECK(second.probe.enabled == false);
}

TEST_CASE("what the struct holds on entry are the defaults") {
    Node tree = parse_config("", "x.toml");
    Diagnostics diagnostics;
    Probe preset{.tau_ms = 5, .kind = "frozen"};
    TableReader(tree, "", diagnostics, rewire::keys_of<Probe>()).read(preset);
    CHECK(preset.tau_ms == 5);
    CHECK(inline_toml(tree.find("tau")->value) == "\"5 ms\"");
    CHECK(inline_toml(tree.find("kind")->value) == "\"frozen\"");
}

TEST_CASE("out of range: place of the value, section, key, value and what is allowed") {
    CHECK(messages("size = -5") == "x.toml:2:8: error: [population.pv] size = -5: must be 1 or more");
    CHECK(messages("tau = '0 ms'") == "x.toml:2:7: error: [population.pv] tau = \"0 ms\": must be above 0");
    CHECK_THAT(messages("share = 1.5"), Contains("share = 1.5: must lie between 0 and 1"));
    CHECK_THAT(messages("share = '150 %'"), Contains("must lie between 0 and 1"));
    CHECK_THAT(messages("window = '2 h'"), Contains("must lie between 0 (excluded) and 3600 s"));
    CHECK(range_text({.high = 5}, "mV") == "must be 5 mV or less");
    CHECK(range_text({.high = 5, .high_open = true}) == "must be below 5");
}

TEST_CASE("numbers that are not finite are refused even where any value goes") {
    for (const char* value : {"nan", "inf", "-inf"})
        CHECK_THAT(messages("share = " + std::string(value)), Contains("must be finite"));
    Root root("a = nan\nms = 'inf ms'\nc = inf");
    CHECK_FALSE(root.reader.quantity("a"));
    CHECK_FALSE(root.reader.quantity("ms"));
    CHECK_FALSE(root.reader.integer("c"));
    CHECK_THAT(root.diagnostics.format(), Contains("x.toml:1:5") && Contains("x.toml:2:6") && Contains("x.toml:3:5"));
}

TEST_CASE("wrong units") {
    CHECK(messages("tau = 5") ==
          "x.toml:2:7: error: [population.pv] tau = 5: needs a unit (a time, such as \"10 ms\")");
    CHECK(messages("tau = '5 mV'") == "x.toml:2:7: error: [population.pv] tau = \"5 mV\": has the unit mV; a time is "
                                      "needed, such as \"10 ms\"");
    CHECK_THAT(messages("dose = 0.5"), Contains("needs a unit") && Contains("mg/kg"));
    CHECK_THAT(messages("dose = '35 mg'"), Contains("has the unit mg") && Contains("\"10 mg/kg\""));
    CHECK_THAT(messages("share = '5 ms'"), Contains("has the unit ms") && Contains("a number"));
    CHECK_THAT(messages("window = '1.5 s'"), Contains("must be a whole number"));
}

TEST_CASE("wrong types") {
    CHECK_THAT(messages("tau = true"), Contains("tau = true: must be a time, such as \"10 ms\""));
    CHECK_THAT(messages("tau = ['5 ms']"), Contains("must be a time"));
    CHECK_THAT(messages("tau.x = 5"), Contains("[population.pv] tau: must be a time"));
    CHECK_THAT(messages("share = false"), Contains("must be a number"));
    CHECK_THAT(messages("size = 0.5"), Contains("size = 0.5: must be"));
    CHECK_THAT(messages("size = 2.5"), Contains("size = 2.5: must be a whole number"));
    CHECK_THAT(messages("size = '5'"), Contains("must be a whole number"));
    CHECK_THAT(messages("size = 1e300"), Contains("too large"));
    CHECK_THAT(messages("enabled = 1"), Contains("must be true or false"));
    CHECK_THAT(messages("label = 5"), Contains("must be text in quotes"));
    CHECK_THAT(messages("kind = 5"), Contains("must be one of \"fast\", \"slow\", \"frozen\"") && !Contains("mean"));
}

TEST_CASE("a fault is never half read") {
    Reading reading("size = 2.5\ntau = '5 mV'\nkind = 'fats'");
    CHECK(reading.probe.size == 100);
    CHECK(reading.probe.tau_ms == 20);
    CHECK(reading.probe.kind == "slow");
}

TEST_CASE("an unknown choice lists the allowed ones and the nearest") {
    CHECK(messages("kind = 'fats'") == "x.toml:2:8: error: [population.pv] kind = \"fats\": must be one of \"fast\", "
                                       "\"slow\", \"frozen\"; did you mean \"fast\"?");
    CHECK_THAT(messages("kind = 'elsewhere'"), !Contains("mean"));
    CHECK_THAT(messages("kind = 'fast|slow'"), Contains("must be one of"));
}

TEST_CASE("an unknown key is an error at the key, with the nearest known one") {
    const std::string text = messages("  szie = 5");
    CHECK_THAT(text, Contains("x.toml:2:3: error: [population.pv] szie = 5: unknown key; did you mean \"size\"?"));
    CHECK_THAT(text, Contains("allowed: tau, dose, share, size, window, enabled, kind, label"));
    CHECK_THAT(messages("[population.pv.extra]"),
               Contains("x.toml:2:") && Contains("extra: unknown key; allowed: tau"));
}

TEST_CASE("all faults come out at once, in the order of the file") {
    const std::string text = messages("kind = 'x'\nunknown = 1\nsize = 0\ntau = 5");
    std::size_t at = 0;
    for (const char* place : {"x.toml:2:8: ", "x.toml:3:1: ", "x.toml:4:8: ", "x.toml:5:7: "}) {
        INFO(place);
        REQUIRE(text.find(place, at) != std::string::npos);
        at = text.find(place, at);
    }
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
}

TEST_CASE("an override is checked in the same way and quoted as the place") {
    Node tree = parse_config("size = 5", "x.toml");
    apply_set(tree, "size=-5");
    Diagnostics diagnostics;
    TableReader(tree, "", diagnostics, rewire::keys_of<Anything>()).integer("size");
    CHECK(diagnostics.format() == "--set size=-5: error: size = -5: must be 1 or more");
}

TEST_CASE("single values") {
    Root root("s = 'text'\nb = true\ni = 9223372036854775807\nn = 3\nms = '2 min'\nchoice = 'two'\nl = ['a', 'b']\n"
              "not_negative = ['1 s', '10 ms']\np = [1, 0.5, '35 %']\ne = []");
    TableReader& r = root.reader;
    CHECK(r.string("s") == "text");
    CHECK(r.boolean("b") == true);
    CHECK(r.integer("i") == 9223372036854775807); // a seed: not by way of a double
    CHECK(r.quantity("n") == 3.0);
    CHECK(r.quantity("ms") == 120000.0);
    CHECK(r.quantity("ms", "s", rewire::any_value) == 120.0); // the unit depends on others
    CHECK(r.string("choice") == "two");
    CHECK(r.string("s", "text|word") == "text"); // the choices depend on others
    CHECK(r.string_list("l") == std::vector<std::string>{"a", "b"});
    CHECK(r.quantity_list("not_negative") == std::vector<double>{1, 0.01});
    CHECK(r.quantity_list("p") == std::vector<double>{1, 0.5, 0.35});
    CHECK(r.string_list("e") == std::vector<std::string>{});
    for (const char* absent : {"x1", "x2", "x3"}) CHECK_FALSE(r.string(absent));
    CHECK_FALSE(r.quantity("x4"));
    CHECK_FALSE(r.string_list("x5"));
    CHECK_FALSE(r.has("x6"));
    CHECK(r.table("x7") == nullptr);
    r.finish();
    CHECK(root.diagnostics.empty());
    CHECK(root.tree.find("x1") == nullptr); // plain getters write nothing where there is no default
    CHECK_FALSE(r.string("s", "word|words"));
    CHECK_FALSE(r.quantity_list("p", Range{0, 0.9}));
    CHECK_THAT(root.diagnostics.format(),
               Contains("must be one of \"word\", \"words\"") && Contains("p.0 = 1: must lie between 0 and 0.9"));
}

TEST_CASE("described defaults, and those that depend on others, are written into the tree") {
    Root root("[z]\n");
    TableReader& r = root.reader;
    CHECK(r.string("text_with_default") == "");
    CHECK(r.string("choice_with_default") == "one");
    CHECK(r.boolean("flag_with_default") == true);
    CHECK(r.quantity("time_with_default") == 500.0);
    CHECK(r.quantity_list("lengths") == std::vector<double>{1, 2.5});
    CHECK(r.string_list("names") == std::vector<std::string>{"a", "b"});
    CHECK(r.string_or("s", "t") == "t");
    CHECK(r.boolean_or("b", true));
    CHECK(r.quantity_or("ms", 4) == 4.0);
    CHECK(to_toml(root.tree) ==
          "text_with_default = \"\"\nchoice_with_default = \"one\"\nflag_with_default = true\n"
          "time_with_default = \"0.5 s\"\nlengths = [\"1 um\", \"2.5 um\"]\nnames = [\"a\", \"b\"]\n"
          "s = \"t\"\nb = true\nms = \"4 ms\"\n\n[z]\n");
    CHECK(root.diagnostics.empty());
}

TEST_CASE("tables in use are written into the tree") {
    Root root("l = [1]\n[z]\n");
    root.reader.section_or_empty<Anything>("t")->quantity_or("ms", 4);
    root.reader.section_or_empty<Anything>("z")->quantity_or("ms", 5);
    CHECK(to_toml(root.tree) == "l = [1]\n\n[z]\nms = \"5 ms\"\n\n[t]\nms = \"4 ms\"\n");
    CHECK(root.diagnostics.empty());
    CHECK_FALSE(root.reader.section_or_empty<Anything>("l")); // a list stands there
    CHECK_THAT(root.diagnostics.format(), Contains("must be a table"));
}

TEST_CASE("elements of lists are named by their index") {
    Root root("l = ['a', 5]\nnot_negative = ['1 s', 2, '3 mV', '-4 s']\nt = 'a'");
    CHECK_FALSE(root.reader.string_list("l"));
    CHECK_FALSE(root.reader.quantity_list("not_negative"));
    CHECK_FALSE(root.reader.string_list("t"));
    const std::string text = root.diagnostics.format();
    CHECK_THAT(text, Contains("x.toml:1:11: error: l.1 = 5: must be text"));
    CHECK_THAT(text, Contains("not_negative.1 = 2: needs a unit") && Contains("not_negative.2 = \"3 mV\"") &&
                         Contains("not_negative.3 = \"-4 s\": must be 0 or more"));
    CHECK_THAT(text, Contains("x.toml:3:5: error: t = \"a\": must be a list"));
}

TEST_CASE("a quantity in one of several units tells which") {
    const std::vector<std::string> units = {"mg/kg", "mg"};
    const auto read = [&](const std::string& text) { return Root(text).reader.quantity_in_one_of("amount", units); };
    const auto a = read("amount = '35000 ug'"), b = read("amount = '500 ug/kg'");
    REQUIRE(a);
    REQUIRE(b);
    CHECK((a->value == 35 && a->unit == "mg"));
    CHECK((b->value == 0.5 && b->unit == "mg/kg"));
    for (const auto& [value, says] : std::map<std::string, std::string>{
             {"'5 ms'", "must be "}, {"5", "must be "}, {"'-1 mg'", "must be 0 or more"}}) {
        Root root("amount = " + value);
        CHECK_FALSE(root.reader.quantity_in_one_of("amount", units));
        CHECK_THAT(root.diagnostics.format(), Contains("x.toml:1:10: error: amount = ") && Contains(says));
    }
    Root wrong("amount = 5");
    wrong.reader.quantity_in_one_of("amount", units);
    CHECK_THAT(wrong.diagnostics.format(), Contains("\"10 mg/kg\"") && Contains("\"10 mg\""));
}

TEST_CASE("needed keys are missed at their table, with what they hold and mean") {
    Root root("[dose]\nx = 1");
    TableReader dose = *root.reader.section<Anything>("dose");
    CHECK_FALSE(dose.quantity("needed"));
    CHECK_FALSE(dose.quantity("needed", "kg", rewire::any_value));
    CHECK_FALSE(dose.string("needed_name"));
    CHECK_FALSE(dose.string("needed_choice"));
    CHECK(dose.require("x"));
    CHECK(root.diagnostics.format() ==
          "x.toml:1:1: error: [dose] needed: is missing; needed: how long (a time, such as \"10 ms\")\n"
          "x.toml:1:1: error: [dose] needed: is missing; needed: how long (a mass, such as \"10 kg\")\n"
          "x.toml:1:1: error: [dose] needed_name: is missing; needed: what is given (the name of a drug)\n"
          "x.toml:1:1: error: [dose] needed_choice: is missing; needed: which (one of \"one\", \"two\")");
}

TEST_CASE("a key that is not described cannot be read") {
    Reading reading("size = 7");
    TableReader reader = reading.pv();
    CHECK_THROWS_AS(reader.has("sizes"), std::logic_error);
    CHECK_THROWS_AS(reader.quantity("sizes"), std::logic_error);
    CHECK_THROWS_AS(reader.section<Probe>("sizes"), std::logic_error);
    CHECK_THROWS_AS(reader.quantity("size"), std::logic_error); // a parameter: unit and range go with its struct
    CHECK(reader.has("size"));
}

TEST_CASE("a described key that does not apply is no unknown one, and nothing is read by halves in silence") {
    Reading reading("size = 7\ntau = '5 ms'\nszie = 7");
    reading.diagnostics = {};
    TableReader some = reading.pv();
    some.read(reading.probe, [](std::string_view name) { return name == "size"; });
    some.finish();
    CHECK_THAT(reading.messages(), Contains("tau = \"5 ms\": does not apply here; allowed: size") &&
                                       Contains("szie = 7: unknown key; did you mean \"size\"?"));
    reading.diagnostics = {};
    reading.pv().finish_early(); // a fault elsewhere kept the table from being read
    CHECK_THAT(reading.messages(), Contains("szie = 7: unknown key") && !Contains("tau = "));
}

TEST_CASE("sections are walked in order and defaults in a parent leave them alone") {
    Root root("[population.z]\nn = 1\n[population.a]\nn = 2\n[[dose]]\nn = 3\n[[dose]]\nn = 4\n[wrong]\nx = 1");
    std::vector<TableReader> all = root.reader.sections<Anything>("population");
    for (TableReader& dose : root.reader.sections<Anything>("dose")) all.push_back(dose);
    CHECK(root.reader.sections<Anything>("absent").empty());
    for (int i = 0; i < 100; ++i) root.reader.boolean_or("default_" + std::to_string(i), true);
    REQUIRE(all.size() == 4);
    std::string found;
    for (TableReader& reader : all)
        found += reader.section_name() + "/" + reader.name() + "=" + std::to_string(*reader.integer("n")) + " ";
    CHECK(found == "population.z/z=1 population.a/a=2 dose.0/0=3 dose.1/1=4 ");
    CHECK(root.reader.sections<Anything>("wrong").empty());
    CHECK_THAT(root.diagnostics.format(), Contains("x.toml:10:5: error: wrong.x = 1: must be a table"));
}

TEST_CASE("a table or list where none may be") {
    Root root("a = 5\nb = [1]");
    CHECK_FALSE(root.reader.section<Anything>("a"));
    CHECK(root.reader.sections<Anything>("a").empty());
    CHECK(root.reader.sections<Anything>("b").empty());
    CHECK_THAT(root.diagnostics.format(), Contains("a = 5: must be a table, such as [a]") && Contains("[[a]]") &&
                                              Contains("b.0 = 1: must be a table"));
}

TEST_CASE("the caller's own findings stand at the value") {
    Root root("[projection.x]\nfrom = 'nobody'");
    TableReader x = root.reader.sections<Anything>("projection").at(0);
    x.error("from", "no such population");
    x.warning("to", "text");
    CHECK(root.diagnostics.format() == "x.toml:1:1: warning: [projection.x] to: text\n"
                                       "x.toml:2:8: error: [projection.x] from = \"nobody\": no such population");
}
