#pragma once
// Neurons come in blocks: threads own whole blocks, and a run of the update is a few of them.

#include <cstddef>

namespace rewire::engine {

inline constexpr std::size_t block_size = 64;
inline constexpr std::size_t run_size = 512;

inline std::size_t blocks_of(std::size_t neurons) { return (neurons + block_size - 1) / block_size; }

} // namespace rewire::engine
