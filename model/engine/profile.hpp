#pragma once
// Where a thread's time goes, by phase; see the top of fast_network.hpp.

#include <array>
#include <chrono>
#include <cstdint>

namespace rewire::engine {

enum class Phase : std::size_t { delivery, stimulation, update, sampling, synchronisation, count };

/// Seconds spent in each phase by one thread.
struct PhaseTimes {
    std::array<double, static_cast<std::size_t>(Phase::count)> seconds{};
    double of(Phase phase) const { return seconds[static_cast<std::size_t>(phase)]; }
};

/// Charges the time since its last mark to a phase; does nothing unless it is on.
class PhaseClock {
public:
    PhaseClock(PhaseTimes& times, bool on) : times_(times), on_(on) {
        if (on_) last_ = std::chrono::steady_clock::now();
    }
    void charge(Phase phase) {
        if (!on_) return;
        const auto now = std::chrono::steady_clock::now();
        times_.seconds[static_cast<std::size_t>(phase)] += std::chrono::duration<double>(now - last_).count();
        last_ = now;
    }

private:
    PhaseTimes& times_;
    bool on_;
    std::chrono::steady_clock::time_point last_;
};

/// Adds the time of its life to a total, if it is on.
class Stopwatch {
public:
    Stopwatch(bool on, double& total_s) : total_s_(total_s), on_(on) {
        if (on_) start_ = std::chrono::steady_clock::now();
    }
    ~Stopwatch() {
        if (on_) total_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;

private:
    double& total_s_;
    bool on_;
    std::chrono::steady_clock::time_point start_;
};

} // namespace rewire::engine
