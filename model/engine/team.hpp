#pragma once
// The threads of a run. Work is a function of the rank; ranks meet at a barrier. The threads live as long as the team
// and sleep between calls.
//
// Threads meet thousands of times a second, so a meeting must be quick; but a machine may be shared, and a barrier that
// spins while its partner waits for a core was seen to slow a run thirtyfold. Every wait here spins for about as long as
// a meeting takes on an idle machine, then gives its core away. OpenMP's threads are not used: they spin for
// milliseconds when a parallel region ends, which cost 6 ms a call when another process held a core, and the thread
// sanitizer does not see their barriers.

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace rewire::engine {

/// Waits for a number to change: spins while that pays, else sleeps.
class PatientWait {
public:
    void until_changed(const std::atomic<int>& number, int from) {
        // A wait that outlasts its spin means that the partner has lost its core: the next ones give theirs away
        // sooner. Waits that end within it win the patience back.
        const int patience = patience_.load(std::memory_order_relaxed);
        for (int spin = 0; spin < patience; ++spin)
            if (number.load(std::memory_order_acquire) != from) {
                if (patience < most_patience) patience_.store(patience + patience / 8 + 1, std::memory_order_relaxed);
                return;
            }
        patience_.store(patience / 2 + 50, std::memory_order_relaxed);
        while (number.load(std::memory_order_acquire) == from) number.wait(from, std::memory_order_acquire);
    }

private:
    static constexpr int most_patience = 20000; ///< loads of an atomic: some 10 us
    std::atomic<int> patience_{most_patience};
};

/// A meeting point of a fixed number of threads.
class Barrier {
public:
    explicit Barrier(int size) : size_(size) {}
    /// Thrown by wait() when another thread has given up.
    struct Abandoned {};

    void wait() {
        const int round = round_.load(std::memory_order_acquire);
        check(); // after the load: whoever sees the round of an abandoned meeting sees that too
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
            return;
        }
        patience_.until_changed(round_, round);
        check();
    }
    /// Lets all threads out: those that wait and those that would.
    void abandon() {
        abandoned_.store(true, std::memory_order_release);
        round_.fetch_add(1, std::memory_order_acq_rel);
        round_.notify_all();
    }

private:
    void check() const {
        if (abandoned_.load(std::memory_order_acquire)) throw Abandoned{};
    }

    const int size_;
    std::atomic<bool> abandoned_{false};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> round_{0};
    PatientWait patience_;
};

/// A fixed number of threads that run the same function together.
class Team {
public:
    /// \param size number of threads, at least 1
    explicit Team(int size) : crew_(std::make_unique<Crew>(size < 1 ? 1 : size)) {}
    int size() const { return crew_->size; }

    /// Hardware threads that this process may use.
    static int available() {
        const unsigned threads = std::thread::hardware_concurrency();
        return threads > 0 ? static_cast<int>(threads) : 1;
    }

    /// Runs `work(rank, wait)` on every thread; `wait()` returns when all have called it. Functions that throw may do so
    /// anywhere: the other threads are let out of their barriers, and the first exception is thrown again here.
    template <class Work>
    void run(Work work) {
        std::exception_ptr failure;
        std::mutex guard;
        Barrier meeting(size());
        const auto meet = [&] { meeting.wait(); };
        const auto protect = [&](int rank) {
            try {
                size() == 1 ? work(rank, [] {}) : work(rank, meet);
            } catch (const Barrier::Abandoned&) {
                // the thread that gave up has its exception kept
            } catch (...) {
                const std::lock_guard lock(guard);
                if (!failure) failure = std::current_exception();
                meeting.abandon();
            }
        };
        crew_->together(protect);
        if (failure) std::rethrow_exception(failure);
    }

private:
    /// The threads beside the caller's. They begin a call when its number appears; the last to end it says so.
    struct Crew {
        const int size;
        alignas(64) std::atomic<int> call{0};
        alignas(64) std::atomic<int> running{0};
        bool dismissed = false;        ///< written before a call is announced
        std::function<void(int)> work; ///< the same
        PatientWait begin_patience, end_patience;
        std::vector<std::jthread> threads;

        explicit Crew(int size_) : size(size_) {
            for (int rank = 1; rank < size; ++rank) threads.emplace_back([this, rank] { serve(rank); });
        }
        ~Crew() {
            dismissed = true;
            announce();
        }
        void together(const std::function<void(int)>& function) {
            work = function;
            running.store(size - 1, std::memory_order_relaxed);
            announce();
            function(0);
            for (int left; (left = running.load(std::memory_order_acquire)) > 0;)
                end_patience.until_changed(running, left);
        }
        void announce() {
            call.fetch_add(1, std::memory_order_release);
            call.notify_all();
        }
        void serve(int rank) {
            for (int served = 0;; ++served) {
                begin_patience.until_changed(call, served);
                if (dismissed) return;
                work(rank);
                if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
            }
        }
    };
    std::unique_ptr<Crew> crew_;
};

} // namespace rewire::engine
