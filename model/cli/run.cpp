// rewire run
#include <unistd.h>

#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "cli/commands.hpp"
#include "cli/running.hpp"
#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"
#include "record/recorder.hpp"

namespace rewire::cli {
namespace {

std::atomic<int> signal_seen{0}; // a signal handler can reach nothing else
static_assert(std::atomic<int>::is_always_lock_free);
extern "C" void on_signal(int number) { signal_seen = number; }

std::string sha256(const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
    std::string hex;
    for (unsigned int i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
}

double spikes_per_neuron_and_second(engine::Simulation& simulation) {
    double neurons = 0;
    for (const auto& p : simulation.network().populations) neurons += static_cast<double>(p.count());
    return static_cast<double>(simulation.network().total_spikes()) / std::max(1e-9, simulation.spiking_s()) /
           std::max(1.0, neurons);
}

std::string progress_text(engine::Simulation& simulation, double wall_s) {
    const double done = simulation.time_s(), total = simulation.model().duration_s;
    const std::string leaps =
        simulation.leap_s() > 0 ? fmt::format("  leaps of {}", duration_text(simulation.leap_s())) : "";
    return fmt::format("{} of {}{}  {:.3g}x biological time  {:.2f} Hz  {} left", duration_text(done),
                       duration_text(total), leaps, done / wall_s, spikes_per_neuron_and_second(simulation),
                       done > 0 ? duration_text((total - done) * wall_s / done) : "?");
}

void warn_of_refused_births(const engine::Simulation& simulation) {
    for (std::size_t k = 0; k < simulation.neurogenesis().size(); ++k)
        if (const std::uint64_t refused = simulation.neurogenesis()[k].refused; refused > 0)
            std::cerr << fmt::format(
                "rewire: warning: {} births in {} found no free slot and were left out: raise its size\n", refused,
                simulation.model().populations[simulation.model().neurogenesis[k].population].name);
}

void warn_of_missing_spines(engine::Simulation& simulation) {
    const engine::Model& model = simulation.model();
    if (!model.structure) return;
    for (const engine::StructuralProjection& s : model.structure->projections)
        if (simulation.network().synapse_count(s.projection) == 0)
            std::cerr << fmt::format(
                "rewire: warning: projection.{} is structural and starts without a synapse: what is "
                "relative to its start, such as spine density, is not a number\n",
                model.projections[s.projection].name);
}

void print_summary(engine::Simulation& simulation, const std::string& output, double wall_s) {
    const engine::Model& model = simulation.model();
    std::cout << fmt::format("simulated {} in {:.1f} s ({:.3g}x biological time; {} of it with spikes), {} threads\n",
                             duration_text(simulation.time_s()), wall_s, simulation.time_s() / wall_s,
                             duration_text(simulation.spiking_s()), simulation.network().options().threads);
    for (std::size_t p = 0; p < model.populations.size(); ++p) {
        std::cout << fmt::format("  {:<16} {:>8} neurons  {:>12} spikes  {:8.3f} Hz\n", model.populations[p].name,
                                 model.populations[p].size, simulation.spike_count(p),
                                 static_cast<double>(simulation.spike_count(p)) /
                                     std::max(1e-9, simulation.recorded_s()) /
                                     static_cast<double>(simulation.network().populations[p].count()));
    }
    for (std::size_t k = 0; k < model.neurogenesis.size(); ++k) {
        const structure::NeuronSlots& slots = simulation.neurogenesis()[k];
        const auto& [population, parameters] = model.neurogenesis[k];
        const std::string& name = model.populations[population].name;
        const auto at_start = static_cast<std::uint64_t>(parameters.mature);
        std::cout << fmt::format("  {:<16} {:>8} neurons at the start, {} born, {} died, {} alive\n", name, at_start,
                                 slots.born - at_start, slots.dead, slots.alive());
    }
    for (const auto& [input, times] : simulation.unsteady_inputs())
        std::cerr << fmt::format(
            "rewire: warning: the {} varies {:.0f} times as much between bursts as within them: the "
            "circuit has several states or oscillates slowly, and leaps average over that\n",
            input, times);
    std::cout << "result: " << output << "\n";
}

} // namespace

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string duration_text(double s) {
    if (s < 120) return fmt::format("{:.1f} s", s);
    if (s < 7200) return fmt::format("{:.1f} min", s / 60);
    if (s < 172800) return fmt::format("{:.1f} h", s / 3600);
    return fmt::format("{:.1f} d", s / 86400);
}

void catch_signals() {
    signal_seen = 0;
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
}

bool interrupted() { return signal_seen != 0; }

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

bool ProgressLine::due() const { return !quiet_ && seconds_since(last_) >= (terminal_ ? 0.2 : 10); }

void ProgressLine::show(const std::string& line) {
    if (!due()) return;
    last_ = Clock::now();
    std::cerr << (terminal_ ? "\r\033[K" : "") << line << (terminal_ ? "" : "\n") << std::flush;
    drawn_ = true;
}

void ProgressLine::clear() const {
    if (drawn_ && terminal_) std::cerr << "\r\033[K";
}

record::Provenance provenance_of(const std::string& config, const experiment::Experiment& experiment) {
    return {.title = experiment.title.empty() ? std::filesystem::path(config).stem().string() : experiment.title,
            .config_toml = experiment.resolved_toml,
            .config_sha256 = sha256(experiment.resolved_toml)};
}

int run(const RunOptions& options) {
    experiment::Experiment experiment = experiment::load_experiment(options.config, options.overrides);
    for (const experiment::Diagnostic& d : experiment.warnings.sorted()) std::cerr << to_string(d) << "\n";
    std::string output = options.output;
    if (output.empty()) output = "results/" + std::filesystem::path(options.config).stem().string() + ".h5";
    if (!options.force && std::filesystem::exists(output)) {
        std::cerr << fmt::format(
            "rewire: error: {}: the file exists already; name another with -o, or replace it with --force\n", output);
        return 2;
    }
    std::error_code ignored;
    if (const auto folder = std::filesystem::path(output).parent_path(); !folder.empty())
        std::filesystem::create_directories(folder, ignored);

    const auto start = Clock::now();
    catch_signals();
    if (experiment.cohort) try {
            if (options.profile) {
                std::cerr << "rewire: error: --profile: is of a single run, and this config has a [cohort]\n";
                return 2;
            }
            return run_cohort(options, experiment, output);
        } catch (const std::invalid_argument& error) {
            std::cerr << fmt::format("{}: error: {}\n", options.config, error.what());
            return 2;
        } catch (const record::Hdf5Error& error) {
            std::cerr << fmt::format("rewire: error: {}\n", error.what());
            return 1;
        }
    record::Provenance provenance = provenance_of(options.config, experiment);
    for (const experiment::DoseWindow& dose : experiment.doses) {
        if (dose.start_s >= experiment.model.duration_s) continue;
        provenance.dose_start_s.push_back(dose.start_s);
        provenance.dose_end_s.push_back(dose.end_s);
        provenance.dose_drug.push_back(dose.drug);
    }
    experiment.model.profile = options.profile;
    std::optional<engine::Simulation> simulation;
    try {
        simulation.emplace(std::move(experiment.model));
    } catch (const std::invalid_argument& error) {
        std::cerr << fmt::format("{}: error: {}\n", options.config, error.what());
        return 2;
    }
    warn_of_missing_spines(*simulation);
    record::Timing timing{.build_s = seconds_since(start)};
    try {
        record::Recorder recorder(output, options.force, *simulation, provenance);
        ProgressLine progress(options.quiet);
        const auto first_step = Clock::now();
        const std::clock_t first_tick = std::clock();
        simulation->prepare(interrupted);
        double recording_s = 0;
        const auto record = [&] {
            const engine::Stopwatch stopwatch(options.profile, recording_s);
            recorder.collect();
        };
        record();
        // What is played back has been simulated: it belongs into the file.
        while (!simulation->finished() && (!interrupted() || simulation->playing_back())) {
            simulation->advance();
            record();
            if (progress.due()) progress.show(progress_text(*simulation, seconds_since(first_step)));
        }
        progress.clear();
        timing.run_s = seconds_since(first_step);
        timing.run_cpu_s = static_cast<double>(std::clock() - first_tick) / CLOCKS_PER_SEC;
        timing.wall_s = seconds_since(start);
        recorder.finish(simulation->finished(), timing);
        if (options.profile) print_profile(*simulation, timing.run_s, recording_s);
    } catch (const record::Hdf5Error& error) {
        std::cerr << fmt::format("rewire: error: {}\n", error.what());
        return 1;
    }
    warn_of_refused_births(*simulation);
    if (!options.quiet) print_summary(*simulation, output, seconds_since(start));
    if (!simulation->finished()) {
        std::cerr << fmt::format("rewire: interrupted at {}; what was simulated is in {}\n",
                                 duration_text(simulation->time_s()), output);
        return 130;
    }
    return 0;
}

} // namespace rewire::cli
