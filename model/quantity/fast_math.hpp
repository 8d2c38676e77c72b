#pragma once
// Arithmetic of the hot loops: the same bits for any vector width (fused multiply-adds stand only where written out).

#include <bit>
#include <cmath>
#include <cstdint>

#if defined(REWIRE_NO_CLONES) || !defined(__x86_64__) || !defined(__GLIBC__)
#define REWIRE_CLONES
#else
/// Compiles a plain kernel function for AVX-512, AVX2 with FMA and the base machine; the loader picks one.
#define REWIRE_CLONES [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#endif

namespace rewire {

/// exp(x) for x in [-87, high] (clamped; high at most 88), relative error below 1e-7, vectorised by the compiler inside
/// plain loops. Cody & Waite argument reduction and the minimax polynomial of degree 6 on +-ln2/2 (error 3e-9; the rest
/// is rounding).
[[gnu::always_inline]] inline float fast_exp(float x, float high = 88.0f) {
    x = x < -87.0f ? -87.0f : x;
    x = x > high ? high : x;
    const float shifted = std::fma(x, 1.44269504f, 12582912.0f); // round to nearest integer by the 1.5 * 2^23 trick
    const float n = shifted - 12582912.0f;
    const float r = std::fma(n, 2.12194440e-4f, std::fma(n, -0.693359375f, x));
    float q = 1.38141739e-3f;
    q = std::fma(q, r, 8.36892147e-3f);
    q = std::fma(q, r, 4.16684076e-2f);
    q = std::fma(q, r, 1.66665196e-1f);
    q = std::fma(q, r, 4.9999994e-1f);
    const float p = 1.0f + std::fma(r * r, q, r); // small terms first: their rounding does not count
    // The low bits of `shifted` are the integer n: added to the exponent of p they multiply it by 2^n.
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + (std::bit_cast<std::uint32_t>(shifted) << 23));
}

/// phi1(x) = (e^x - 1) / x for x <= 0: what an exponential integrator needs of the exponential (Hochbruck & Ostermann
/// 2010, Acta Numer 19:209, eq 2.10).
///
/// From `phi1_reach` to 0 a polynomial of degree 6 through the Chebyshev nodes gives it with a relative error below
/// 1.1e-7 (3e-9 and rounding), at a fifth of the cost of an exponential and without a division.
inline constexpr float phi1_reach = -1.0f;
struct Phi1Near0 {
    [[gnu::always_inline]] float operator()(float x) const {
        float q = 1.2907631e-4f;
        q = std::fma(q, x, 1.30077496e-3f);
        q = std::fma(q, x, 8.27550484e-3f);
        q = std::fma(q, x, 4.16468493e-2f);
        q = std::fma(q, x, 1.66663403e-1f);
        q = std::fma(q, x, 4.99999797e-1f);
        return std::fma(q, x, 1.0f);
    }
};
/// The same for any x <= 0; equal to Phi1Near0 bit for bit in its reach.
struct Phi1 {
    [[gnu::always_inline]] float operator()(float x) const {
        const float far = (fast_exp(x) - 1.0f) / x;
        return x < phi1_reach ? far : Phi1Near0{}(x);
    }
};

} // namespace rewire
