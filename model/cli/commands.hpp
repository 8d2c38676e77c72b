#pragma once
// The verbs of the program. Each returns the exit status: 0 done, 1 run failed, 2 bad usage or config,
// 130 interrupted. Results go to stdout, progress and complaints to stderr.

#include <string>
#include <vector>

namespace rewire::engine {
class Simulation;
}

namespace rewire::cli {

struct RunOptions {
    std::string config;
    std::string output;                 ///< empty: results/<config name>.h5
    std::vector<std::string> overrides; ///< KEY=VALUE
    bool quiet = false;
    bool force = false;   ///< replace an existing output
    bool profile = false; ///< say where the time went
};

int run(const RunOptions& options);
/// Prints where a run spent its time and what bounds each part.
/// \param run_s        wall time of the simulation, without building it
/// \param recording_s  of which was recording
void print_profile(engine::Simulation& simulation, double run_s, double recording_s);
int check(const std::string& config, const std::vector<std::string>& overrides);
int describe(const std::string& name); ///< empty: everything
int info(const std::string& file);

} // namespace rewire::cli
