#pragma once
// Arithmetic of the hot loops: the same bits for any vector width (no fused multiply-add is left to the compiler).

#include <bit>
#include <cstdint>

#if defined(REWIRE_NO_CLONES) || !defined(__x86_64__) || !defined(__GLIBC__)
#define REWIRE_CLONES
#else
/// Compiles a plain kernel function for AVX-512, AVX2 and the base machine; the loader picks one.
#define REWIRE_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#endif

namespace rewire {

/// exp(x) for x in [-87, high] (clamped; high at most 88), relative error below 1e-7, vectorised by the compiler inside plain loops.
/// Cody & Waite argument reduction and the minimax polynomial of degree 6 on +-ln2/2 (error 3e-9; the rest is rounding).
[[gnu::always_inline]] inline float fast_exp(float x, float high = 88.0f) {
    x = x < -87.0f ? -87.0f : x;
    x = x > high ? high : x;
    const float shifted = x * 1.44269504f + 12582912.0f; // round to nearest integer by the 1.5 * 2^23 trick
    const float n = shifted - 12582912.0f;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float q = 1.38141739e-3f;
    q = q * r + 8.36892147e-3f;
    q = q * r + 4.16684076e-2f;
    q = q * r + 1.66665196e-1f;
    q = q * r + 4.9999994e-1f;
    const float p = 1.0f + (r + r * r * q); // small terms first: their rounding does not count
    const std::int32_t exponent = (static_cast<std::int32_t>(n) + 127) << 23;
    return p * std::bit_cast<float>(exponent);
}

} // namespace rewire
