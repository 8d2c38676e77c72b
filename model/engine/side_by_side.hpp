#pragma once
// Many small runs at a time, each in a thread of its own: a patient needs no partner, so nothing is lost to waiting.

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rewire::engine {

/// Calls task(0) to task(count - 1), each once, `threads` at a time, and returns when all are done. Tasks begin in
/// order. The first exception ends the rest that have not begun and is thrown here.
inline void side_by_side(std::size_t count, int threads, const std::function<void(std::size_t)>& task) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex mutex;
    const auto work = [&] {
        for (std::size_t k = next++; k < count; k = next++) try {
                task(k);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (!failure) failure = std::current_exception();
                next = count;
            }
    };
    std::vector<std::jthread> others;
    for (int t = 1; t < threads && static_cast<std::size_t>(t) < count; ++t) others.emplace_back(work);
    work();
    others.clear(); // joins
    if (failure) std::rethrow_exception(failure);
}

} // namespace rewire::engine
