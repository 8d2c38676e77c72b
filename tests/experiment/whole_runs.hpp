#pragma once
// Helpers of the tests that run a config and look at its result.

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "experiment/program.hpp"
#include "record/hdf5.hpp"

namespace program {

using rewire::record::File;
using Words = std::vector<std::string>;

/// The config with every mechanism on.
inline const std::string everything = (tests_folder() / "everything.toml").string();

/// Runs a config into `output`; more words follow the command line.
inline Outcome run(const std::string& config, const std::string& output, const Words& more = {}) {
    Words words{"run", config, "-o", output, "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = call(words);
    CAPTURE(outcome.err);
    CHECK(outcome.status == 0);
    return outcome;
}

/// The columns of a result of a config, run in a folder.
inline Contents result_of(const Folder& folder, const std::string& config, const Words& more = {}) {
    static int number = 0;
    const std::string output = folder / ("result" + std::to_string(number++) + ".h5");
    run(config, output, more);
    return contents(output);
}

/// Column `column` of a table of the slow clock.
inline std::vector<double> slow(const Contents& result, const std::string& name, std::size_t column = 0) {
    const std::vector<double>& time = result.at("/trajectory/slow/time");
    const std::vector<double>& values = result.at("/trajectory/slow/" + name);
    const std::size_t width = values.size() / time.size();
    std::vector<double> picked;
    for (std::size_t row = 0; row < time.size(); ++row) picked.push_back(values[row * width + column]);
    return picked;
}

/// A circuit without slow mechanisms.
inline const char* const plain = R"(
[experiment]
duration = "4000 s"
threads = 1
[population.e]
size = 400
background = { sources = 400, rate = "5 Hz", receptor = "ampa", weight = "3.5 nS" }
[projection.ee]
from = "e"
to = "e"
rule = { probability = 0.1 }
weight = "0.5 nS"
receptors = ["ampa"]
)";

} // namespace program
