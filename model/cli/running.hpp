#pragma once
// What runs of one experiment and of a cohort share: signals, progress, provenance.

#include <chrono>
#include <string>

#include "experiment/experiment.hpp"
#include "record/cohort_file.hpp"
#include "record/recorder.hpp"

namespace rewire::cli {

struct RunOptions;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start);
std::string duration_text(double s); ///< "12.0 s", "3.5 min", ...

/// From now on SIGINT and SIGTERM only make interrupted() true.
void catch_signals();
bool interrupted();

/// One line on a terminal that is written over, a log line every ten seconds elsewhere.
class ProgressLine {
public:
    explicit ProgressLine(bool quiet);
    bool due() const; ///< whether show() would write now
    void show(const std::string& line);
    void clear() const;

private:
    bool quiet_, terminal_, drawn_ = false;
    Clock::time_point last_ = Clock::now();
};

record::Provenance provenance_of(const std::string& config, const experiment::Experiment& experiment);

/// Room for the results of a cohort. \throws ConfigError, std::invalid_argument
record::CohortShape cohort_shape(const experiment::Experiment& experiment);
int run_cohort(const RunOptions& options, const experiment::Experiment& experiment, const std::string& output);

/// The table of the outcomes of a cohort's file, if it has them.
void print_cohort_summary(const record::File& file);
/// What `rewire info` says of a cohort's file beyond what is at its root.
void print_cohort_info(const record::File& file);

} // namespace rewire::cli
