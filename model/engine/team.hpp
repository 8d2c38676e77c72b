#pragma once
// The threads of a run. Work is a function of the rank; ranks meet at a barrier. The threads live as long as the team
// and sleep between calls.
//
// Threads meet thousands of times a second, so a meeting must be quick; but a machine may be shared, and a barrier that
// spins while its partner waits for a core was seen to slow a run thirtyfold. Sleeping at once is no better: a wake-up
// takes as long as the work between two meetings, and its partner then sleeps too. OpenMP's threads are not used: they
// spin for milliseconds when a parallel region ends, which cost 6 ms a call when another process held a core, and the
// thread sanitizer does not see their barriers.

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace rewire::engine {

/// Waits for a number to change: spins for about a microsecond, then offers the core to others at every look, and
/// sleeps when even that has gone on for longer than a wake-up takes.
/// \return  whether the spin was enough
inline bool wait_for_change(const std::atomic<int>& number, int from) {
    constexpr int spins = 2000, offers = 2000;
    for (int k = 0; k < spins; ++k)
        if (number.load(std::memory_order_acquire) != from) return true;
    for (int k = 0; k < offers; ++k) {
        std::this_thread::yield();
        if (number.load(std::memory_order_acquire) != from) return false;
    }
    while (number.load(std::memory_order_acquire) == from) number.wait(from, std::memory_order_acquire);
    return false;
}

/// A meeting point of a fixed number of threads.
class Barrier {
public:
    /// \param earlier_s  for how long the same threads have met already, which losses are held against
    explicit Barrier(int size, double earlier_s = 0) : size_(size), earlier_s_(earlier_s) {}
    /// Thrown by wait() when another thread has given up.
    struct Abandoned {};

    void wait() {
        double ignored = 0;
        meet(ignored, false);
    }
    /// The same; true, for all threads at the same meeting, once a thread has lost so much of its time to waits that
    /// one thread would be quicker: its partners do not get their cores.
    /// \param lost_s  of the thread, with what it lost in `earlier_s`
    bool wait_or_part(double& lost_s) {
        if (!parted_) meet(lost_s, true);
        return parted_;
    }
    bool parted() const { return parted_; }
    /// For how long these threads have met, earlier meetings included.
    double together_s() const { return earlier_s_ + seconds(Clock::now() - began_); }
    /// Lets all threads out: those that wait and those that would.
    void abandon() {
        abandoned_.store(true, std::memory_order_release);
        round_.fetch_add(1, std::memory_order_acq_rel);
        round_.notify_all();
    }

private:
    using Clock = std::chrono::steady_clock;

    void meet(double& lost_s, bool may_part) {
        const int round = round_.load(std::memory_order_acquire);
        check(); // after the load: whoever sees the round of an abandoned meeting sees that too
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            arrived_.store(0, std::memory_order_relaxed);
            parted_ = hopeless_.load(std::memory_order_relaxed); // the others read it once this meeting is over
            round_.fetch_add(1, std::memory_order_acq_rel);      // no plain store: notify_all must not look before it
            round_.notify_all();
            return;
        }
        const auto arrived = may_part ? Clock::now() : Clock::time_point{};
        const bool soon = wait_for_change(round_, round);
        check();
        if (soon || !may_part) return;
        // A partner that was put off its core is away for milliseconds; less is work that is shared unevenly.
        constexpr double put_off_s = 1e-3, too_much_s = 3e-3;
        const double waited_s = seconds(Clock::now() - arrived);
        if (waited_s > put_off_s) lost_s += waited_s;
        // Threads that all have cores do 0.8 of their number of one thread's work (0.9 on two cores when measured), so
        // lockstep that works for the inverse of that share of the time is as slow as one thread.
        const double most_lost = 1 - 1 / (0.8 * size_);
        if (lost_s > too_much_s && lost_s > most_lost * together_s()) hopeless_.store(true, std::memory_order_relaxed);
    }
    static double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }
    void check() const {
        if (abandoned_.load(std::memory_order_acquire)) throw Abandoned{};
    }

    const int size_;
    const double earlier_s_;
    const Clock::time_point began_ = Clock::now();
    bool parted_ = false;
    std::atomic<bool> abandoned_{false}, hopeless_{false};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> round_{0};
};

/// A fixed number of threads that run the same function together.
class Team {
public:
    /// \param size number of threads, at least 1
    explicit Team(int size)
        : crew_(std::make_unique<Crew>(size < 1 ? 1 : size)),
          lost_s_(static_cast<std::size_t>(crew_->size), 0) {}
    int size() const { return crew_->size; }

    /// Hardware threads that this process may use.
    static int available() {
#ifdef __linux__
        cpu_set_t allowed; // what taskset, a container or a batch system leaves of the machine
        if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
#endif
        const unsigned threads = std::thread::hardware_concurrency();
        return threads > 0 ? static_cast<int>(threads) : 1;
    }

    /// Runs `work(rank, wait)` on every thread; `wait()` returns when all have called it. Functions that throw may do
    /// so anywhere: the other threads are let out of their barriers, and the first exception is thrown again here.
    template <class Work>
    void run(Work work) {
        Barrier meeting(size());
        together(meeting, [&](int rank) { size() == 1 ? work(rank, [] {}) : work(rank, [&] { meeting.wait(); }); });
    }

    /// Runs `work(first, end, wait)`, which does the work of ranks [first, end) and calls `wait()` after every part of
    /// it. On a machine whose cores are taken, lockstep is slower than one thread: when `wait()` returns true, only the
    /// thread of rank 0 goes on, with all ranks; the others return. The calls of some time to come are then left to one
    /// thread from the start, three times as long after every attempt that fails. A call may be shorter than the turns
    /// in which a core is shared, so what was lost adds up over calls.
    template <class Work>
    void run_together_or_alone(Work work) {
        if (size() == 1 || Clock::now() < alone_until_) {
            work(0, size(), [] { return false; });
            return;
        }
        Barrier meeting(size(), together_s_);
        together(meeting, [&](int rank) {
            double& lost_s = lost_s_[static_cast<std::size_t>(rank)];
            work(rank, rank + 1, [&] { return meeting.wait_or_part(lost_s); });
        });
        together_s_ = meeting.together_s();
        if (meeting.parted()) {
            leave_to_one(penance_s_);
            penance_s_ = std::min(3 * penance_s_, longest_penance_s);
            forget(0);
        } else if (together_s_ > trial_s) {
            penance_s_ = shortest_penance_s;
            forget(0.5);
        }
    }

    /// Leaves the calls of run_together_or_alone in the next seconds to one thread from the start.
    void leave_to_one(double seconds) {
        alone_until_ =
            Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    }

private:
    template <class Work>
    void together(Barrier& meeting, Work work) {
        std::exception_ptr failure;
        std::mutex guard;
        crew_->together([&](int rank) {
            try {
                work(rank);
            } catch (const Barrier::Abandoned&) {
                // the thread that gave up has its exception kept
            } catch (...) {
                const std::lock_guard lock(guard);
                if (!failure) failure = std::current_exception();
                meeting.abandon();
            }
        });
        if (failure) std::rethrow_exception(failure);
    }

    /// The threads beside the caller's. They begin a call when its number appears; the last to end it says so.
    struct Crew {
        const int size;
        alignas(64) std::atomic<int> call{0};
        alignas(64) std::atomic<int> running{0};
        bool dismissed = false;        ///< written before a call is announced
        std::function<void(int)> work; ///< the same
        std::vector<std::jthread> threads;

        explicit Crew(int size_) : size(size_) {
            try {
                for (int rank = 1; rank < size; ++rank) threads.emplace_back([this, rank] { serve(rank); });
            } catch (...) {
                dismiss();
                throw;
            }
        }
        ~Crew() { dismiss(); }
        void dismiss() {
            dismissed = true;
            announce();
        }
        void together(const std::function<void(int)>& function) {
            work = function;
            running.store(size - 1, std::memory_order_relaxed);
            announce();
            function(0);
            for (int left; (left = running.load(std::memory_order_acquire)) > 0;) wait_for_change(running, left);
        }
        void announce() {
            call.fetch_add(1, std::memory_order_release);
            call.notify_all();
        }
        void serve(int rank) {
            for (int served = 0;; ++served) {
                wait_for_change(call, served);
                if (dismissed) return;
                work(rank);
                if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
            }
        }
    };
    /// Keeps a share of what is known of the time together.
    void forget(double kept) {
        together_s_ *= kept;
        for (double& lost_s : lost_s_) lost_s *= kept;
    }

    using Clock = std::chrono::steady_clock;
    /// A trial spans several turns of a shared core (3 to 6 ms); penances make failed ones a few per cent of the time.
    static constexpr double trial_s = 30e-3, shortest_penance_s = 50e-3, longest_penance_s = 0.5;

    std::unique_ptr<Crew> crew_;
    double together_s_ = 0;      ///< in lockstep, lately
    std::vector<double> lost_s_; ///< per rank, of that time
    double penance_s_ = shortest_penance_s;
    Clock::time_point alone_until_{};
};

} // namespace rewire::engine
