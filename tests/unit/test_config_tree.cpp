#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "experiment/config_tree.hpp"

using namespace rewire::experiment;
using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;

namespace {

/// A folder of config files that is removed at the end of a test.
struct Folder {
    fs::path path;

    explicit Folder(const std::map<std::string, std::string>& files)
        : path(fs::temp_directory_path() / ("rewire_test_" + std::to_string(std::random_device{}()))) {
        for (const auto& [name, text] : files) {
            fs::create_directories((path / name).parent_path());
            std::ofstream(path / name) << text;
        }
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string operator/(const std::string& name) const { return (path / name).string(); }
};

template <class Action>
std::string message_of(const Action& action) {
    try {
        action();
    } catch (const ConfigError& error) {
        return error.what();
    }
    FAIL("no ConfigError");
    return "";
}

std::string parse_error(const std::string& text) {
    return message_of([&] { parse_config(text, "x.toml"); });
}

Node with_set(Node tree, const std::string& assignment) {
    apply_set(tree, assignment);
    return tree;
}

/// The keys of a table, joined by spaces: its order.
std::string keys(const Node& node) {
    std::string text;
    for (const Entry& entry : *node.table()) text += (text.empty() ? "" : " ") + entry.key;
    return text;
}

const Node& at(const Node& root, const std::vector<std::string>& path) {
    const Node* node = &root;
    for (const std::string& key : path) {
        REQUIRE(node->find(key) != nullptr);
        node = &node->find(key)->value;
    }
    return *node;
}

const std::string sample = R"(zeta = 1
alpha.q.b = 2
alpha.c = "ü"
[population.pv]
size   = -5
membrane.tau = "10 ms"
rule = { z = 1.0, a = [1, 2] }
[population.b]
[projection.x.deep]
w = 1
[projection]
last = true
[[dose]]
amount = "0.5 mg/kg"
[[dose]]
[dose.more]
k = 1e30
)";

int below(std::mt19937& bits, int end) { return static_cast<int>(bits() % static_cast<unsigned>(end)); }

Node random_scalar(std::mt19937& bits) {
    switch (below(bits, 4)) {
    case 0: return {std::int64_t{below(bits, 2000)} - 1000, {}};
    case 1: return {std::ldexp(static_cast<double>(bits()), below(bits, 200) - 100), {}};
    case 2: return {below(bits, 2) == 0, {}};
    default: return {std::string{static_cast<char>(below(bits, 128)), static_cast<char>(below(bits, 128))}, {}};
    }
}

/// A tree of random shape, values and tables in any order.
Node random_node(std::mt19937& bits, int depth, bool must_be_table) {
    const int kind = must_be_table ? 0 : below(bits, depth > 0 ? 3 : 1) + (depth > 0 ? 0 : 2);
    if (kind == 2) return random_scalar(bits);
    if (kind == 1) {
        Node::Array array;
        const bool of_tables = below(bits, 2) == 0;
        for (int n = below(bits, 3); n > 0; --n) array.push_back(random_node(bits, depth - 1, of_tables));
        return {std::move(array), {}};
    }
    const std::string keys = "a-b \"c.d";
    Node::Table table;
    for (int i = 0, n = below(bits, 5); i < n; ++i)
        table.push_back({keys.substr(static_cast<std::size_t>(2 * i + below(bits, 2)), 1),
                         {},
                         random_node(bits, depth - 1, false)});
    return {std::move(table), {}};
}

} // namespace

TEST_CASE("a config keeps the order of its file") { // read off the text above by eye
    const Node tree = parse_config(sample, "x.toml");
    CHECK(keys(tree) == "zeta alpha population projection dose");
    CHECK(keys(at(tree, {"alpha"})) == "q c");
    CHECK(keys(at(tree, {"population"})) == "pv b");
    CHECK(keys(at(tree, {"population", "pv"})) == "size membrane rule");
    CHECK(keys(at(tree, {"population", "pv", "rule"})) == "z a");
    CHECK(keys(at(tree, {"projection"})) == "x last");
    CHECK(at(tree, {"dose"}).array()->size() == 2);
}

TEST_CASE("keys and values know their places") {
    const Node tree = parse_config(sample, "x.toml");
    const Entry* size = at(tree, {"population", "pv"}).find("size");
    CHECK(to_string(size->place) == "x.toml:5:1");
    CHECK(to_string(size->value.place) == "x.toml:5:10");
    CHECK(to_string(at(tree, {"population", "pv"}).place) == "x.toml:4:1");
    CHECK(to_string(at(tree, {"population", "pv", "rule", "a"}).place) == "x.toml:7:23");
    CHECK(to_string((*at(tree, {"dose"}).array())[1].place) == "x.toml:15:1");
}

TEST_CASE("values have the types of TOML") {
    const Node tree = parse_config("i = 5\nd = 5.0\nb = true\ns = '5'\nn = nan\na = [1, 'x', {}]", "x.toml");
    CHECK(std::get<std::int64_t>(at(tree, {"i"}).value) == 5);
    CHECK(std::get<double>(at(tree, {"d"}).value) == 5.0);
    CHECK(std::get<bool>(at(tree, {"b"}).value));
    CHECK(std::get<std::string>(at(tree, {"s"}).value) == "5");
    CHECK_FALSE(std::get<double>(at(tree, {"n"}).value) == 0);
    CHECK(at(tree, {"a"}).array()->size() == 3);
}

TEST_CASE("a syntax error is one diagnostic with its place") {
    CHECK_THAT(parse_error("a = 1\nb = = 2\nc = ="), StartsWith("x.toml:2:5: error: ") && !Contains("\n"));
    CHECK_THAT(parse_error("a = 1\na = 2"), StartsWith("x.toml:2:") && Contains("'a'"));
    CHECK_THAT(parse_error("[x"), StartsWith("x.toml:1:"));
}

TEST_CASE("keys nest as deep as lists may, whatever stands in texts and comments") {
    std::string dots;
    for (int i = 0; i < 300; ++i) dots += ".a";
    CHECK_THAT(parse_error("a" + dots + " = 1"), StartsWith("x.toml:1:514: error: ") && Contains("256"));
    CHECK_THAT(parse_error("b = \"\"\"x\n\"\"\"\n[t]\na = { a" + dots + " = 1 }"), StartsWith("x.toml:4:520: error: "));
    CHECK_NOTHROW(parse_config("# a" + dots + "\na = \"b\\\"" + dots + "\"\nb = 'a" + dots + "\\'\nc = '''\na" + dots +
                                   "''''\nd = [" + std::string(299, ' ') + "1.0, 2.0, 3.0]\ne.b = 1",
                               "x.toml")
                      .table());
    std::string numbers = "x = [";
    for (int i = 0; i < 300; ++i) numbers += "1.5, ";
    CHECK_NOTHROW(parse_config(numbers + "]", "x.toml"));
}

TEST_CASE("dates are errors, all of them at once") {
    const std::string text = parse_error("a = 1979-05-27\n[t]\nb = [07:32:00]\nc = 1979-05-27T07:32:00Z");
    CHECK_THAT(text, Contains("x.toml:1:5: error: ") && Contains("x.toml:3:6: error: ") && Contains("x.toml:4:5: "));
}

TEST_CASE("a file that cannot be read is named") {
    const Folder folder({{"sub/x.toml", ""}, {"y.toml", ""}});
    CHECK(message_of([&] { load_config(folder / "none.toml"); }) ==
          folder / "none.toml" + ": error: cannot read this file");
    CHECK_THAT(message_of([&] { load_config(folder / "sub"); }), Contains("cannot read this file"));
}

TEST_CASE("extends merges tables: base order first, values of the extending file in the base's slots") {
    const Folder folder({{"base/root.toml", "[experiment]\nseed = 1\ndt = '0.1 ms'\n[a.inner]\nx = 1\n"},
                         {"base/mid.toml", "extends = 'root.toml'\n[b]\nlist = [1, 2]\n[[dose]]\nn = 1\n[[dose]]\n"},
                         {"top.toml", "extends = 'base/mid.toml'\n[c]\n[b]\nlist = [3]\n[a]\nnew = 5\ninner.y = 2\n"
                                      "[experiment]\nthreads = 2\nseed = 7\n[[dose]]\nn = 3\n"}});
    const Node tree = load_config(folder / "top.toml");
    CHECK(keys(tree) == "experiment a b dose c");
    CHECK(keys(at(tree, {"experiment"})) == "seed dt threads");
    CHECK(keys(at(tree, {"a"})) == "new inner"); // a value must stand before the section [a.inner]
    CHECK(keys(at(tree, {"a", "inner"})) == "x y");
    CHECK(std::get<std::int64_t>(at(tree, {"experiment", "seed"}).value) == 7);
    CHECK(at(tree, {"b", "list"}).array()->size() == 1);
    CHECK(at(tree, {"dose"}).array()->size() == 1);
    // Each value names the file that said it last.
    CHECK(to_string(at(tree, {"experiment", "seed"}).place) == folder / "top.toml" + ":10:8");
    CHECK(to_string(at(tree, {"experiment", "dt"}).place) == folder / "base/root.toml" + ":3:6");
    CHECK(to_string(at(tree, {"b", "list"}).place) == folder / "top.toml" + ":4:8");
}

TEST_CASE("values replace tables, and tables values") {
    const Folder folder(
        {{"base.toml", "[p]\nweight = { distribution = 'normal', mean = 1 }\nreceptors = ['ampa']\nx = 1\n"},
         {"top.toml", "extends = 'base.toml'\n[p]\nreceptors = { nmda = 1 }\nweight = '0.5 nS'\n"}});
    const Node tree = load_config(folder / "top.toml");
    CHECK(inline_toml(at(tree, {"p", "weight"})) == "\"0.5 nS\"");
    CHECK(inline_toml(at(tree, {"p", "receptors"})) == "{ nmda = 1 }");
    CHECK(inline_toml(at(tree, {"p", "x"})) == "1");
    CHECK(to_string(at(tree, {"p", "weight"}).place) == folder / "top.toml" + ":4:10");
}

TEST_CASE("another rule or distribution leaves nothing of the base's, the same one is merged") {
    const auto merged = [](const std::string& base, const std::string& over) {
        const Folder folder(
            {{"base.toml", "p.rule = " + base}, {"top.toml", "extends = 'base.toml'\np.rule = " + over}});
        return inline_toml(at(load_config(folder / "top.toml"), {"p", "rule"}));
    };
    const std::string near = "{ probability = 0.1, sigma = 5, autapses = true }";
    CHECK(merged(near, "{ fixed_indegree = 80 }") == "{ fixed_indegree = 80 }");
    CHECK(merged(near, "'all_to_all'") == "\"all_to_all\"");
    CHECK(merged("'all_to_all'", near) == near);
    CHECK(merged(near, "{ probability = 0.2 }") == "{ probability = 0.2, sigma = 5, autapses = true }");
    CHECK(merged(near, "{ sigma = 6 }") == "{ probability = 0.1, sigma = 6, autapses = true }");
    const std::string normal = "{ distribution = \"normal\", mean = 1, sd = 2 }";
    const std::string uniform = "{ distribution = \"uniform\", low = 1, high = 2 }";
    CHECK(merged(normal, uniform) == uniform);
    CHECK(merged(normal, "{ distribution = 'normal', sd = 3 }") == "{ distribution = \"normal\", mean = 1, sd = 3 }");
}

TEST_CASE("faults of extends name the place and the chain") {
    const Folder folder({{"a.toml", "extends = 'sub/b.toml'\n"},
                         {"sub/b.toml", "x = 1\nextends = '../sub/../a.toml'\n"},
                         {"self.toml", "extends = 'self.toml'\n"},
                         {"none.toml", "\nextends = 'sub/none.toml'\n"},
                         {"number.toml", "extends = 5\n"},
                         {"broken.toml", "extends = 'bad.toml'\n"},
                         {"bad.toml", "a = 1\nb =\n"}});
    const std::string circle = message_of([&] { load_config(folder / "a.toml"); });
    CHECK_THAT(circle, StartsWith(folder / "sub/b.toml" + ":2:11: error: extends = ") && Contains("circular"));
    CHECK_THAT(circle, Contains(folder / "a.toml" + " -> " + (folder / "sub/b.toml") + " -> " + (folder / "a.toml")));
    CHECK_THAT(message_of([&] { load_config(folder / "self.toml"); }),
               Contains("self.toml:1:11: error: ") && Contains("circular"));
    CHECK_THAT(message_of([&] { load_config(folder / "none.toml"); }),
               Contains("none.toml:2:11: error: ") && Contains("cannot read") &&
                   Contains(folder / "none.toml" + " -> " + (folder / "sub/none.toml")));
    CHECK_THAT(message_of([&] { load_config(folder / "number.toml"); }),
               Contains("number.toml:1:11: error: extends = 5: must be"));
    CHECK_THAT(message_of([&] { load_config(folder / "broken.toml"); }), Contains("bad.toml:2:"));
}

TEST_CASE("--set replaces values, makes tables, and takes TOML or bare text") {
    const Node tree = parse_config(sample, "x.toml");
    const auto value = [&](const std::string& assignment, const std::vector<std::string>& path) {
        return inline_toml(at(with_set(tree, assignment), path));
    };
    CHECK(value("population.pv.size=200", {"population", "pv", "size"}) == "200");
    CHECK(value("population.pv.size = 1e3", {"population", "pv", "size"}) == "1000.0");
    CHECK(value("experiment.mode=full", {"experiment", "mode"}) == "\"full\"");
    CHECK(value("experiment.duration=2h", {"experiment", "duration"}) == "\"2h\"");
    CHECK(value("a.b.c=0.5 mg/kg", {"a", "b", "c"}) == "\"0.5 mg/kg\"");
    CHECK(value("a.b=\"x=y\"", {"a", "b"}) == "\"x=y\"");
    CHECK(value("a.b=x = y", {"a", "b"}) == "\"x = y\"");
    CHECK(value("a.\"b c\"=true", {"a", "b c"}) == "true");
    CHECK(value("dose=[]", {"dose"}) == "[]");
    CHECK(value("population.pv.rule={ p = 0.1 }", {"population", "pv", "rule"}) == "{ p = 0.1 }");
    CHECK(value("a=1\n[b]", {"a"}) == "\"1\\n[b]\"");

    const Node dosed = with_set(with_set(tree, "dose.0.amount=1 mg/kg"), "dose.1.more.k=2");
    const Node::Array& doses = *at(dosed, {"dose"}).array();
    CHECK(inline_toml(at(doses[0], {"amount"})) == "\"1 mg/kg\"");
    CHECK(inline_toml(at(doses[1], {"more", "k"})) == "2");
}

TEST_CASE("what --set brings stands at the --set, in its old slot") {
    const Node tree = with_set(parse_config(sample, "x.toml"), "population.pv.size=[7, { a = 8 }]");
    const Node& pv = at(tree, {"population", "pv"});
    CHECK(keys(pv) == "size membrane rule");
    const std::string place = "--set population.pv.size=[7, { a = 8 }]";
    CHECK(to_string(pv.find("size")->place) == place);
    CHECK(to_string(pv.find("size")->value.place) == place);
    CHECK(to_string((*pv.find("size")->value.array())[1].find("a")->value.place) == place);
    CHECK(to_string(pv.find("membrane")->place) == "x.toml:6:1");
}

TEST_CASE("a malformed --set is an error that quotes it") {
    const Node tree = parse_config(sample, "x.toml");
    const auto error = [&](const std::string& assignment) {
        const std::string text = message_of([&] { with_set(tree, assignment); });
        CHECK_THAT(text, StartsWith("--set " + assignment + ": error: "));
        return text;
    };
    CHECK_THAT(error("population.pv.size"), Contains("KEY=VALUE"));
    for (const char* text : {"=5", "a..b=5", ".a=5", "a b=5", "[a]=5", "#=5"}) CHECK_THAT(error(text), Contains("key"));
    CHECK_THAT(error("a="), Contains("no value"));
    CHECK_THAT(error("a=\xff"), Contains("UTF-8"));
    CHECK_THAT(error("a=1979-05-27"), Contains("dates"));
    CHECK_THAT(error("zeta.b=5"), Contains("zeta is no table"));
    CHECK_THAT(error("dose.2.amount=5"), Contains("0 to 1") && Contains("2"));
    CHECK_THAT(error("dose.first=5"), Contains("first"));
}

TEST_CASE("to_toml parses back to the same tree in the same order") {
    const std::vector<std::string> texts = {
        sample,
        "",
        "[empty]",
        "[a]\n[a.b]\n[c.d.e]\n[[f]]\n[[f.g]]\n[[f.g]]\nh = 1\n[f.i]\n[[f]]\n[[j.k]]\nl = [[], [{}], [[1, "
        "2.5]]]",
        "t.a = 1\nv = 2\nx = [{ a = 1 }]\ny = 3", // a table and an array of tables before values
        R"(s = "quote \" backslash \\ tab \t line \n bell \u0007 del \u007F snowman ☃"
"key with space" = 'x'
"" = 1
"do.t" = { "q\"" = -0.0 }
big = 9223372036854775807
d = [1.0, 0.1, 1e300, 5e-324, 123456789.0, inf, -inf, 1e16, 100000000000000000000.0])"};
    for (const std::string& text : texts) {
        const Node tree = parse_config(text, "x.toml");
        const std::string written = to_toml(tree);
        INFO(written);
        CHECK(parse_config(written, "written.toml") == tree);
    }
}

TEST_CASE("to_toml parses back to the same tree whatever its shape") {
    std::mt19937 bits(7);
    for (int i = 0; i < 1000; ++i) {
        const Node tree = random_node(bits, 5, true);
        const std::string written = to_toml(tree);
        INFO(written);
        REQUIRE(parse_config(written, "written.toml") == tree);
    }
}

TEST_CASE("to_toml reads like a config") {
    CHECK(to_toml(parse_config("a.x = 1\n[b]\nq = [1.0, 2]\n[b.c]\ns = 'ä'\n[[d]]\nn = true\n[d.e]\n[[d]]\n", "x")) ==
          "[a]\nx = 1\n\n[b]\nq = [1.0, 2]\n\n[b.c]\ns = \"ä\"\n\n[[d]]\nn = true\n\n[d.e]\n\n[[d]]\n");
}

TEST_CASE("sections stay sections after an array of tables was emptied") {
    const Node tree = with_set(parse_config("[a]\nx = 1\n[[dose]]\nn = 1\n[b]\n", "x"), "dose=[]");
    CHECK(to_toml(tree) == "dose = []\n\n[a]\nx = 1\n\n[b]\n");
}

TEST_CASE("diagnostics come sorted by file, line and column, warnings among them") {
    Diagnostics diagnostics;
    diagnostics.error({"b.toml", 10, 2}, "third");
    diagnostics.error({"a.toml", 1, 1}, "fourth");
    diagnostics.warning({"b.toml", 9, 30}, "first");
    diagnostics.error({"b.toml", 10, 1}, "second");
    CHECK(diagnostics.format() == "b.toml:9:30: warning: first\nb.toml:10:1: error: second\n"
                                  "b.toml:10:2: error: third\na.toml:1:1: error: fourth");
    CHECK_THROWS_AS(diagnostics.throw_if_errors(), ConfigError);
    Diagnostics only_warnings;
    only_warnings.warning({"a.toml", 1, 1}, "text");
    CHECK_FALSE(only_warnings.has_errors());
    CHECK_NOTHROW(only_warnings.throw_if_errors());
}

TEST_CASE("the nearest word is found, a far one is not") {
    const std::vector<std::string> words = {"size", "seed", "background", "tau_rise", "tau_decay", "pv"};
    CHECK(nearest("szie", words) == "size"); // one swap
    CHECK(nearest("Size", words) == "size");
    CHECK(nearest("backgruond", words) == "background");
    CHECK(nearest("tau_rice", words) == "tau_rise");
    CHECK(nearest("pvv", words) == "pv");
    CHECK(nearest("threads", words).empty());
    CHECK(nearest("x", words).empty());
    CHECK(nearest("size", {}).empty());
}
