#pragma once
// How independent pieces of work are run. This room knows no threads: the caller brings them.

#include <cstddef>
#include <functional>

namespace rewire::network {

/// Runs piece(0) .. piece(count - 1), each once, in any order and perhaps several at once. What comes out of the work
/// never depends on it.
struct Executor {
    std::size_t width = 1; ///< how many pieces may run at once
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& piece)> run =
        [](std::size_t count, const std::function<void(std::size_t)>& piece) {
            for (std::size_t k = 0; k < count; ++k) piece(k);
        };
};

} // namespace rewire::network
