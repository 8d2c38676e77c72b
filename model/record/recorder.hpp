#pragma once
// What a running simulation leaves in its result file: declares everything at the start, then takes samples, spikes,
// traces and snapshots from the simulation whenever it stops.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/simulation.hpp"
#include "record/result_file.hpp"

namespace rewire::record {

/// Provenance that goes into the root attributes.
struct Provenance {
    std::string title;
    std::string config_toml; ///< fully resolved
    std::string config_sha256;
    std::vector<double> dose_start_s, dose_end_s;
    std::vector<std::string> dose_drug;
};

/// Where the time of a run went (s): wall time unless said otherwise.
struct Timing {
    double build_s = 0;   ///< building the network
    double run_s = 0;     ///< simulating, the baseline before time 0 included
    double run_cpu_s = 0; ///< processor time of all threads while simulating
    double wall_s = 0;    ///< everything
};

/// "AMD EPYC ..." of this machine.
std::string processor_name();

/// Name and value of every parameter of a neuron model, for the attributes of a population.
std::vector<std::pair<std::string, Attribute>> parameter_attributes(const neuron::Model& model);

class Recorder {
public:
    /// Creates the file and declares its groups; `simulation` must outlive the recorder.
    /// \throws Hdf5Error  the file exists and `overwrite` is false, or cannot be written
    Recorder(const std::string& path, bool overwrite, engine::Simulation& simulation, const Provenance& provenance);

    /// Takes what has gathered since the last call: spikes, activity, traces, and at sample and snapshot times these.
    void collect();
    /// Writes what is left and the closing attributes.
    void finish(bool complete, const Timing& timing);

private:
    void write_populations();
    void collect_fast();
    void collect_responses();
    void sample_slow();
    void snapshot();
    void write_log(std::size_t until);

    ResultFile file_;
    engine::Simulation& simulation_;
    ResultFile::Table fast_{}, slow_{}, log_{};
    bool has_fast_ = false, has_log_ = false;
    std::vector<ResultFile::Table> traces_;
    std::map<std::string, ResultFile::Table> responses_;             ///< by stimulus
    std::vector<std::pair<std::size_t, ResultFile::Spikes>> spikes_; ///< (population, handle)
    std::vector<std::vector<std::uint32_t>> recent_counts_;          ///< per population: counts of the synchrony window
    std::int64_t last_fast_step_ = std::numeric_limits<std::int64_t>::min() / 2;
    std::size_t logged_ = 0;
};

} // namespace rewire::record
