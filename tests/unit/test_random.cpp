// Random numbers against the published vectors of Philox and the distributions they claim.
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include <boost/math/distributions/chi_squared.hpp>

#include "random/stream.hpp"

using namespace rewire;

namespace {

using Words = std::array<std::uint32_t, 4>;

/// Upper tail of the chi-square statistic of counts that should be equal.
double uniform_p(const std::vector<double>& counts) {
    double total = 0, statistic = 0;
    for (const double c : counts) total += c;
    const double expected = total / static_cast<double>(counts.size());
    for (const double c : counts) statistic += (c - expected) * (c - expected) / expected;
    const boost::math::chi_squared law(static_cast<double>(counts.size() - 1));
    return boost::math::cdf(boost::math::complement(law, statistic));
}

double correlation(RandomStream a, RandomStream b, int n) {
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int k = 0; k < n; ++k) {
        const double x = a.uniform(), y = b.uniform();
        sa += x, sb += y, saa += x * x, sbb += y * y, sab += x * y;
    }
    return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

} // namespace

TEST_CASE("Philox4x32-10 gives the published test vectors", "[unit][random]") {
    // kat_vectors of Random123 (Salmon et al. 2011); the counter is (time low, time high, entity, index), the
    // key the seed, and purpose 0 leaves the key alone. Integers: exact.
    const auto none = static_cast<Purpose>(0);
    CHECK(random_words(0, none, 0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(random_words(~0ull, none, 0xffffffff, ~0ull, 0xffffffff) ==
          Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(random_words(0x299f31d0a4093822, none, 0x13198a2e, 0x85a308d3243f6a88, 0x03707344) ==
          Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("no two of purpose, entity, time, index and seed share a block", "[unit][random]") {
    // Philox is a bijection per key, so equal blocks mean that two keys were packed into the same counter. By
    // chance, 6,480 blocks of 128 bits agree with probability 1e-31.
    std::set<Words> seen;
    std::size_t drawn = 0;
    for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32, 0xffffffffull})
        for (std::uint32_t purpose = 1; purpose <= 12; ++purpose)
            for (const std::uint64_t entity : {0ull, 1ull, 0x80000000ull, 1ull << 32, (3ull << 32) | 7})
                for (const std::uint64_t time : {0ull, 1ull, 1ull << 31, 1ull << 32, 5ull << 32, 1ull << 44,
                                                 (1ull << 44) - 1, (1ull << 44) + 1, 1ull << 47})
                    for (const std::uint32_t index : {0u, 1u, 0x80000000u}) {
                        seen.insert(random_words(seed, static_cast<Purpose>(purpose), entity, time, index));
                        ++drawn;
                    }
    CHECK(seen.size() == drawn);
}

TEST_CASE("streams of different keys are uncorrelated", "[unit][random]") {
    // The sample correlation of independent numbers has standard deviation 1/sqrt(n): bound at 4 of them.
    const int n = 20000;
    const double bound = 4 / std::sqrt(n);
    const RandomStream base(5, Purpose::connection, 9, 2);
    CHECK(std::abs(correlation(base, RandomStream(5, Purpose::weight, 9, 2), n)) < bound);
    CHECK(std::abs(correlation(base, RandomStream(5, Purpose::connection, 10, 2), n)) < bound);
    CHECK(std::abs(correlation(base, RandomStream(5, Purpose::connection, 9 + (1ull << 32), 2), n)) < bound);
    CHECK(std::abs(correlation(base, RandomStream(5, Purpose::connection, 9, 3), n)) < bound);
    CHECK(std::abs(correlation(base, RandomStream(6, Purpose::connection, 9, 2), n)) < bound);
    CHECK(correlation(base, base, n) == Approx(1)); // the measure itself sees equality
}

TEST_CASE("uniform numbers are uniform and stay inside (0, 1)", "[unit][random]") {
    // Chi-square with 255 degrees of freedom; the seed is fixed, so p in (1e-3, 0.999) is a statement about
    // the generator, not about luck. Too even is as wrong as too uneven.
    RandomStream stream(1, Purpose::stimulus, 3);
    std::vector<double> bins(256, 0), serial(256, 0);
    double before = 0.5;
    for (int k = 0; k < 200000; ++k) {
        const double u = stream.uniform();
        bins[static_cast<std::size_t>(u * 256)] += 1;
        serial[static_cast<std::size_t>(before * 16) * 16 + static_cast<std::size_t>(u * 16)] += 1;
        before = u;
    }
    CHECK(uniform_p(bins) > 1e-3);
    CHECK(uniform_p(bins) < 0.999);
    CHECK(uniform_p(serial) > 1e-3); // pairs of neighbours fill the square
    // The ends, where 0 would break every logarithm: smallest and largest words.
    CHECK(to_uniform(0, 0) > 0);
    CHECK(to_uniform(0xffffffff, 0xffffffff) < 1);
    CHECK(to_uniform(0x80000000, 0) == Approx(0.5).epsilon(1e-15));
}

TEST_CASE("numbers of one time over many entities are uniform", "[unit][random]") {
    // This is how the Poisson inputs use the generator: one block per neuron, times in sequence.
    std::vector<double> bins(64, 0);
    for (std::uint64_t time = 0; time < 100; ++time)
        for (std::uint64_t neuron = 0; neuron < 500; ++neuron)
            for (const std::uint32_t word : random_words(3, Purpose::background, neuron, time)) bins[word >> 26] += 1;
    CHECK(uniform_p(bins) > 1e-3);
    CHECK(uniform_p(bins) < 0.999);
}

TEST_CASE("below(n) has no bias, even where 2^32 is not nearly a multiple of n", "[unit][random]") {
    // With n = 3 x 2^30, multiplication alone would give every third value twice as often as its neighbours
    // (residues 1/2, 1/4, 1/4). 4 standard deviations of a count with probability 1/3.
    RandomStream stream(2, Purpose::formation, 0);
    const int n = 60000;
    std::vector<double> residue(3, 0), dice(6, 0);
    for (int k = 0; k < n; ++k) {
        const std::uint32_t value = stream.below(3u << 30);
        REQUIRE(value < (3u << 30));
        residue[value % 3] += 1;
        dice[stream.below(6)] += 1;
    }
    for (const double count : residue) CHECK(std::abs(count - n / 3.0) < 4 * std::sqrt(n * 2.0 / 9));
    CHECK(uniform_p(dice) > 1e-3);
    CHECK(stream.below(1) == 0);
}

TEST_CASE("normal numbers follow the normal law", "[unit][random]") {
    // Kolmogorov-Smirnov distance against the error function; 1.95/sqrt(n) is its 0.1 % point. Moments: 4
    // standard errors (1/sqrt(n), sqrt(2/n), sqrt(6/n), sqrt(24/n)).
    RandomStream stream(11, Purpose::initial_state, 4);
    const std::size_t n = 50000;
    std::vector<double> z(n);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (double& value : z) {
        value = stream.normal();
        m1 += value, m2 += value * value, m3 += value * value * value, m4 += value * value * value * value;
    }
    std::sort(z.begin(), z.end());
    double distance = 0;
    const double count = static_cast<double>(n);
    for (std::size_t k = 0; k < n; ++k) {
        const double law = 0.5 * std::erfc(-z[k] / std::sqrt(2.0));
        distance = std::max({distance, std::abs(law - static_cast<double>(k) / count),
                             std::abs(law - static_cast<double>(k + 1) / count)});
    }
    CHECK(distance < 1.95 / std::sqrt(count));
    CHECK(std::abs(m1 / count) < 4 / std::sqrt(count));
    CHECK(std::abs(m2 / count - 1) < 4 * std::sqrt(2 / count));
    CHECK(std::abs(m3 / count) < 4 * std::sqrt(15 / count));     // E z^6 = 15
    CHECK(std::abs(m4 / count - 3) < 4 * std::sqrt(96 / count)); // E z^8 - 9 = 96
}
