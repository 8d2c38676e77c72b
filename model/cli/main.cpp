// The command line: rewire run|check|describe|info.
#include <iostream>
#include <string>
#include <vector>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "experiment/diagnostics.hpp"
#include "record/hdf5.hpp"

namespace {

namespace po = boost::program_options;

constexpr const char* usage = R"(rewire: spiking cortical networks under NMDA-receptor block, from spikes to weeks

  rewire run CONFIG [-o FILE] [-t THREADS] [--seed N] [--set KEY=VALUE]... [--quiet] [--force] [--profile]
  rewire check CONFIG [--set KEY=VALUE]...    validate; print sizes, memory, estimated cost
  rewire describe [NAME]                      models, drugs, mechanisms and their parameters
  rewire info FILE.h5                         what a result holds
  rewire --version | --help

Exit status: 0 done, 1 run failed, 2 bad usage or config, 130 interrupted.
A research model, not medical advice.
)";

int bad_usage(const std::string& text) {
    std::cerr << "rewire: error: " << text << "\n(see rewire --help)\n";
    return 2;
}

/// Parses what follows the verb; one positional argument at most.
po::variables_map parse(const std::vector<std::string>& arguments, const po::options_description& options) {
    po::options_description all = options;
    all.add_options()("file", po::value<std::string>());
    po::positional_options_description positional;
    positional.add("file", 1);
    po::variables_map values;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
    po::notify(values);
    return values;
}

int dispatch(const std::string& verb, const std::vector<std::string>& arguments) {
    using Texts = std::vector<std::string>;
    po::options_description options;
    if (verb == "run")
        options.add_options()("output,o", po::value<std::string>())("threads,t", po::value<std::string>())(
            "seed", po::value<std::string>())("set", po::value<Texts>()->composing())("quiet", "")("force",
                                                                                                   "")("profile", "");
    if (verb == "check")
        options.add_options()("threads,t", po::value<std::string>())("seed", po::value<std::string>())(
            "set", po::value<Texts>()->composing());
    const po::variables_map values = parse(arguments, options);
    const auto text = [&](const char* key) {
        return values.count(key) ? values[key].as<std::string>() : std::string();
    };
    const std::string file = text("file");
    if (file.empty() && verb != "describe") return bad_usage(fmt::format("{} needs a file", verb));
    Texts overrides = values.count("set") ? values["set"].as<Texts>() : Texts{};
    // Shorthands are overrides like any other: the same checks, the same place in the resolved config.
    if (values.count("threads")) overrides.push_back("experiment.threads=" + text("threads"));
    if (values.count("seed")) overrides.push_back("experiment.seed=" + text("seed"));
    if (verb == "run")
        return rewire::cli::run({file, text("output"), overrides, values.count("quiet") > 0, values.count("force") > 0,
                                 values.count("profile") > 0});
    if (verb == "check") return rewire::cli::check(file, overrides);
    if (verb == "describe") return rewire::cli::describe(file);
    return rewire::cli::info(file);
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty()) return bad_usage("a command is needed: run, check, describe or info");
    if (words[0] == "help") {
        std::cout << usage;
        return 0;
    }
    if (words[0] == "--version") {
        std::cout << "rewire " << REWIRE_VERSION << "\n";
        return 0;
    }
    for (const std::string& word : words)
        if (word == "--help" || word == "-h") {
            std::cout << usage;
            return 0;
        }
    const std::vector<std::string> verbs{"run", "check", "describe", "info"};
    if (std::find(verbs.begin(), verbs.end(), words[0]) == verbs.end()) {
        const std::string near = rewire::experiment::nearest(words[0], verbs);
        return bad_usage(fmt::format("unknown command \"{}\"{} must be one of {}", words[0],
                                     near.empty() ? ";" : fmt::format("; did you mean \"{}\"?", near),
                                     fmt::join(verbs, ", ")));
    }
    try {
        return dispatch(words[0], {words.begin() + 1, words.end()});
    } catch (const po::error& error) {
        return bad_usage(error.what());
    } catch (const rewire::experiment::ConfigError& error) {
        std::cerr << error.what() << "\n";
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "rewire: error: " << error.what() << "\n";
        return 1;
    }
}
