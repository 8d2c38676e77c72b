#pragma once
// The threads of a run. Work is a function of the rank; ranks meet at a barrier. OpenMP in ordinary builds; plain
// threads under the thread sanitizer, which does not see OpenMP's barriers and would report them as races.
//
// Threads meet thousands of times a second, so a barrier must be quick; but a machine may be shared, and a barrier
// that spins while its partner waits for a core was seen to slow a run thirtyfold. This one spins for about as long
// as a meeting takes on an idle machine, then gives its core away until the last rank comes.

#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#ifdef REWIRE_STD_THREADS
#include <vector>
#else
#include <omp.h>
#endif

namespace rewire::engine {

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
        // A wait that outlasts its spin means that the partner has lost its core: the next ones give theirs away
        // sooner. Waits that end within it win the patience back.
        const int patience = patience_.load(std::memory_order_relaxed);
        for (int spin = 0; spin < patience; ++spin)
            if (round_.load(std::memory_order_acquire) != round) {
                if (patience < most_patience) patience_.store(patience + patience / 8 + 1, std::memory_order_relaxed);
                return check();
            }
        patience_.store(patience / 2 + 50, std::memory_order_relaxed);
        while (round_.load(std::memory_order_acquire) == round) round_.wait(round, std::memory_order_acquire);
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
    static constexpr int most_patience = 20000; ///< loads of an atomic: some 10 us
    std::atomic<int> patience_{most_patience};
};

/// A fixed number of threads that run the same function together.
class Team {
public:
    /// \param size number of threads, at least 1
    explicit Team(int size) : size_(size < 1 ? 1 : size) {}
    int size() const { return size_; }

    /// Hardware threads of this machine.
    static int available() {
#ifdef REWIRE_STD_THREADS
        return std::thread::hardware_concurrency() > 0 ? static_cast<int>(std::thread::hardware_concurrency()) : 1;
#else
        return omp_get_max_threads();
#endif
    }

    /// Runs `work(rank, wait)` on every thread; `wait()` returns when all have called it. Functions that throw
    /// may do so anywhere: the other threads are let out of
    /// their barriers, and the first exception is thrown again here.
    template <class Work>
    void run(Work work) {
        std::exception_ptr failure;
        std::mutex guard;
        Barrier meeting(size_);
        const auto protect = [&](int rank, auto wait) {
            try {
                work(rank, wait);
            } catch (const Barrier::Abandoned&) {
                // the thread that gave up has its exception kept
            } catch (...) {
                const std::lock_guard lock(guard);
                if (!failure) failure = std::current_exception();
                meeting.abandon();
            }
        };
        const auto meet = [&] { meeting.wait(); };
        if (size_ == 1) {
            protect(0, [] {});
        } else {
#ifdef REWIRE_STD_THREADS
            std::vector<std::jthread> threads;
            for (int rank = 1; rank < size_; ++rank) threads.emplace_back([&, rank] { protect(rank, meet); });
            protect(0, meet);
#else
            std::atomic<bool> complete = true;
#pragma omp parallel num_threads(size_)
            {
                // A runtime that grants fewer threads must not leave the others' neurons behind.
                if (omp_get_num_threads() != size_)
                    complete = false;
                else
                    protect(omp_get_thread_num(), meet);
            }
            if (!complete)
                throw std::runtime_error(
                    "OpenMP does not grant the threads asked for; see OMP_THREAD_LIMIT and OMP_DYNAMIC");
#endif
        }
        if (failure) std::rethrow_exception(failure);
    }

private:
    int size_;
};

} // namespace rewire::engine
