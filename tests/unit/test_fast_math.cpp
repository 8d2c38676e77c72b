// The exponential of the hot loops against the library's, and its independence of the vector width.
#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "quantity/fast_math.hpp"

using namespace rewire;

namespace {

[[gnu::noinline]] float one(float x) { return fast_exp(x); }

REWIRE_CLONES [[gnu::noinline]] void many(const float* x, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; ++i) y[i] = fast_exp(x[i]);
}
#ifdef __x86_64__
[[gnu::noinline, gnu::target("avx2,fma")]] void many_avx2(const float* x, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; ++i) y[i] = fast_exp(x[i]);
}
[[gnu::noinline, gnu::target("avx512f")]] void many_avx512(const float* x, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; ++i) y[i] = fast_exp(x[i]);
}
#endif

/// Arguments over the whole range, without regularity.
std::vector<float> arguments(std::size_t n) {
    std::vector<float> x(n);
    for (std::size_t i = 0; i < n; ++i)
        x[i] = static_cast<float>(-90 + 180 * std::fmod(static_cast<double>(i) * 0.6180339887498949, 1.0));
    return x;
}

} // namespace

TEST_CASE("fast_exp has the relative error that it promises", "[unit][fast_math]") {
    // Truth: std::exp in double. 1e-7 is the promise of the header; half a unit in the last place of a float,
    // the best there can be, is 6e-8.
    double worst = 0;
    for (int k = 0; k <= 1750000; ++k) {
        const float x = -87.0f + 1e-4f * static_cast<float>(k);
        if (x > 88.0f) break;
        const double exact = std::exp(static_cast<double>(x));
        worst = std::max(worst, std::abs(static_cast<double>(fast_exp(x)) - exact) / exact);
    }
    CHECK(worst < 1e-7);
    CHECK(worst > 1e-9); // it is a float
    CHECK(fast_exp(0.0f) == 1.0f);
}

TEST_CASE("phi1 has the relative error that it promises, near 0 and far from it", "[unit][fast_math]") {
    // Truth: std::expm1 in double. 1.1e-7 is the promise near 0; far from it 1 - e^x loses no digit (e^x < 0.37), so
    // three roundings of 6e-8 bound the error.
    double near = 0, far = 0;
    for (int k = 1; k <= 1000000; ++k) {
        const float x = -1e-6f * static_cast<float>(k);
        const double exact = std::expm1(static_cast<double>(x)) / static_cast<double>(x);
        near = std::max(near, std::abs(static_cast<double>(Phi1Near0{}(x)) / exact - 1));
        REQUIRE(Phi1{}(x) == Phi1Near0{}(x)); // the choice of kernel must not change a bit
    }
    CHECK(near < 1.1e-7);
    for (float x = -1.0001f; x > -1e6f; x *= 1.01f) {
        const double exact = std::expm1(static_cast<double>(x)) / static_cast<double>(x);
        far = std::max(far, std::abs(static_cast<double>(Phi1{}(x)) / exact - 1));
    }
    CHECK(far < 1.8e-7);
    CHECK(Phi1{}(0.0f) == 1.0f);
}

TEST_CASE("fast_exp is accurate for the small arguments of membrane steps", "[unit][fast_math]") {
    // 1 - exp(-x) of a step of 0.1 ms over 10-100 ms: one unit of float at 1 is 1.2e-7, so half of it is the
    // best.
    for (float x = 1e-4f; x < 0.1f; x *= 1.1f)
        CHECK(std::abs(static_cast<double>(fast_exp(-x)) - std::exp(-static_cast<double>(x))) < 1.2e-7);
}

TEST_CASE("fast_exp is clamped, never zero, infinite or negative", "[unit][fast_math]") {
    CHECK(fast_exp(-1000.0f) == fast_exp(-87.0f));
    CHECK(fast_exp(1000.0f) == fast_exp(88.0f));
    CHECK(fast_exp(-1000.0f) > 0);
    CHECK(std::isfinite(fast_exp(1000.0f)));
    CHECK(fast_exp(30.0f, 20.0f) == fast_exp(20.0f));
    CHECK(fast_exp(-std::numeric_limits<float>::infinity()) == fast_exp(-87.0f));
}

TEST_CASE("fast_exp gives the same bits alone and in loops of any length", "[unit][fast_math]") {
    // Lengths that leave every remainder of vectors of 4, 8 and 16; equality, because determinism rests on
    // it.
    const std::vector<float> x = arguments(67);
    for (std::size_t n = 1; n <= x.size(); ++n) {
        std::vector<float> y(n);
        many(x.data(), n, y.data());
        for (std::size_t i = 0; i < n; ++i) REQUIRE(y[i] == one(x[i]));
    }
}

#ifdef __x86_64__
TEST_CASE("fast_exp gives the same bits for every vector width", "[unit][fast_math]") {
    const std::vector<float> x = arguments(10007);
    std::vector<float> plain(x.size()), wide(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) plain[i] = one(x[i]);
    if (__builtin_cpu_supports("avx2")) {
        many_avx2(x.data(), x.size(), wide.data());
        CHECK(wide == plain);
    }
    if (__builtin_cpu_supports("avx512f")) {
        many_avx512(x.data(), x.size(), wide.data());
        CHECK(wide == plain);
    }
}
#endif
