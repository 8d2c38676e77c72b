// rewire info
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/running.hpp"
#include "record/hdf5.hpp"

namespace rewire::cli {
namespace {

using record::File;

void print_series(const File& file, const std::string& clock, const std::string& name) {
    const record::Dataset dataset = file.dataset(clock + "/" + name);
    const std::vector<std::size_t> shape = dataset.shape();
    if (shape.size() != 2 || shape[0] == 0) return;
    const std::vector<double> values = dataset.read<double>();
    std::cout << fmt::format("    {:<26} ({})\n", name, file.attribute<std::string>(clock + "/" + name, "units"));
    std::vector<std::string> labels;
    if (const std::string dimension = dataset.scale_name(1); !dimension.empty() && file.exists(clock + "/" + dimension))
        labels = file.dataset(clock + "/" + dimension).read_text();
    for (std::size_t column = 0; column < shape[1]; ++column) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (std::size_t row = 0; row < shape[0]; ++row) {
            const double v = values[row * shape[1] + column];
            if (!std::isnan(v)) low = std::min(low, v), high = std::max(high, v);
        }
        if (low > high) continue; // does not apply to this entry
        std::cout << fmt::format("      {:<24} first {:<10.4g} last {:<10.4g} min {:<10.4g} max {:.4g}\n",
                                 column < labels.size() ? labels[column] : std::to_string(column), values[column],
                                 values[(shape[0] - 1) * shape[1] + column], low, high);
    }
}

void print_multirate(const File& file) {
    const auto column = [&](const char* name) {
        return file.dataset(std::string("/multirate/") + name).read<double>();
    };
    const auto length = column("length"), leap = column("leap"), rejected = column("rejected"),
               error = column("error_estimate"), sampling = column("sampling_error");
    struct {
        int count = 0;
        double seconds = 0, longest_s = 0, error = 0;
        void add(double length_s, double e) {
            ++count;
            seconds += length_s;
            longest_s = std::max(longest_s, length_s);
            if (e > error) error = e; // not NaN
        }
    } bursts, leaps, taken_back;
    for (std::size_t k = 0; k < length.size(); ++k) {
        if (leap[k] == 0)
            bursts.add(length[k], sampling[k]);
        else
            (rejected[k] > 0 ? taken_back : leaps).add(length[k], error[k]);
    }
    std::cout << fmt::format("  multirate: {} bursts ({:.1f} s with spikes, longest {:.1f} s), {} leaps ({:.1f} s, "
                             "longest {:.1f} s), {} leaps taken back\n",
                             bursts.count, bursts.seconds, bursts.longest_s, leaps.count, leaps.seconds,
                             leaps.longest_s, taken_back.count);
    std::cout << fmt::format("  greatest errors over the tolerance: {:.2g} of a leap, {:.2g} by sampling of a burst\n",
                             leaps.error, bursts.error);
    // Written at the end of a run.
    if (!file.has_attribute("/multirate", "unsteady_inputs")) return;
    if (const auto unsteady = file.attribute<std::string>("/multirate", "unsteady_inputs"); !unsteady.empty())
        std::cout << fmt::format("  unsteady between bursts (variance over that within): {}\n", unsteady);
}

} // namespace

int info(const std::string& path) {
    if (!std::filesystem::exists(path)) {
        std::cerr << fmt::format("rewire: error: {}: no such file\n", path);
        return 2;
    }
    try {
        const File file = File::open(path);
        if (!file.has_attribute("/", "format") || file.attribute<std::string>("/", "format") != "rewire") {
            std::cerr << fmt::format(
                "rewire: error: {}: no result of rewire (root attribute format is not \"rewire\")\n", path);
            return 2;
        }
        const bool complete = file.attribute<std::int64_t>("/", "complete") != 0;
        std::cout << fmt::format("{}: {}\n", path,
                                 complete ? "complete" : "INCOMPLETE (the run was interrupted or failed)");
        for (const char* name : {"title", "rewire_version", "created_utc", "config_sha256", "mode", "host_cpu"})
            if (file.has_attribute("/", name))
                std::cout << fmt::format("  {:<16} {}\n", name, file.attribute<std::string>("/", name));
        for (const char* name : {"seed", "threads"})
            if (file.has_attribute("/", name))
                std::cout << fmt::format("  {:<16} {}\n", name, file.attribute<std::int64_t>("/", name));
        for (const char* name :
             {"dt_ms", "duration_s", "simulated_s", "spiking_s", "build_s", "run_s", "run_cpu_s", "wall_s"})
            if (file.has_attribute("/", name))
                std::cout << fmt::format("  {:<16} {:.6g}\n", name, file.attribute<double>("/", name));
        if (file.exists("/populations"))
            for (const std::string& p : file.members("/populations")) {
                const std::string group = "/populations/" + p;
                std::cout << fmt::format("  population {:<16} {:>8} neurons, {}", p,
                                         file.attribute<std::int64_t>(group, "size"),
                                         file.attribute<std::string>(group, "model"));
                if (file.has_attribute(group, "spikes"))
                    std::cout << fmt::format(", {} spikes", file.attribute<std::int64_t>(group, "spikes"));
                std::cout << "\n";
            }
        if (file.exists("/spikes"))
            for (const std::string& p : file.members("/spikes"))
                std::cout << fmt::format("  spikes recorded: {:<10} {}\n", p,
                                         file.dataset("/spikes/" + p + "/timestamps").shape()[0]);
        if (file.exists("/multirate")) print_multirate(file);
        if (file.exists("/cohort")) {
            print_cohort_info(file);
            return 0;
        }
        for (const std::string& clock : file.members("/trajectory")) {
            const std::string group = "/trajectory/" + clock;
            const auto rows = file.dataset(group + "/time").shape()[0];
            std::cout << fmt::format("  trajectory {}: {} samples\n", clock, rows);
            if (clock == "slow")
                for (const std::string& name : file.members(group)) print_series(file, group, name);
        }
        if (file.exists("/snapshots"))
            for (const std::string& label : file.members("/snapshots"))
                std::cout << fmt::format("  snapshot {}\n", label);
    } catch (const record::Hdf5Error& error) {
        std::cerr << fmt::format("rewire: error: {}\n", error.what());
        return 2;
    }
    return 0;
}

} // namespace rewire::cli
