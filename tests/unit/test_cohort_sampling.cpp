// Sampled patients against the distributions that were asked for.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <functional>

#include <boost/math/distributions/lognormal.hpp>
#include <boost/math/distributions/normal.hpp>

#include "clinic/cohort.hpp"

using namespace rewire::clinic;
using Kind = Marginal::Kind;

namespace {

constexpr int n = 20000;

std::vector<double> column(const Sampler& sampler, std::size_t field, std::uint64_t seed = 3) {
    std::vector<double> values;
    for (int k = 1; k <= n; ++k) values.push_back(sampler.draw(seed, k).values[field]);
    return values;
}

/// Greatest distance of the empirical distribution from `cdf` (Kolmogorov 1933).
double distance(std::vector<double> values, const std::function<double(double)>& cdf) {
    std::sort(values.begin(), values.end());
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double p = cdf(values[i]), size = static_cast<double>(values.size());
        worst = std::max(
            {worst, std::abs(p - static_cast<double>(i) / size), std::abs(p - static_cast<double>(i + 1) / size)});
    }
    return worst;
}

/// Above this a sample of n is from the distribution in one case of a thousand only.
const double ks_limit = 1.95 / std::sqrt(n);

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) ma += a[i] / n, mb += b[i] / n;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / std::sqrt(aa * bb);
}

double ranks_correlation(const std::vector<double>& a, const std::vector<double>& b) {
    const auto ranks = [](const std::vector<double>& x) {
        std::vector<std::size_t> order(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return x[i] < x[j]; });
        std::vector<double> rank(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) rank[order[i]] = static_cast<double>(i);
        return rank;
    };
    return correlation(ranks(a), ranks(b));
}

} // namespace

TEST_CASE("fields of patients have the distributions that are asked for") {
    const boost::math::normal weights(75, 15);
    const boost::math::lognormal gains(std::log(2.0), 0.4);
    const Sampler sampler({{"weight", {Kind::normal, 75, 15}},
                           {"gain", {Kind::lognormal, 2, 0.4}},
                           {"age", {.kind = Kind::uniform, .low = 20, .high = 65}},
                           {"cut", {Kind::normal, 75, 15, 60, 80}},
                           {"tail", {Kind::lognormal, 2, 0.4, 4, 40}},
                           {"constant", {Kind::normal, 5, 0}}},
                          {});
    CHECK(distance(column(sampler, 0), [&](double x) { return cdf(weights, x); }) < ks_limit);
    CHECK(distance(column(sampler, 1), [&](double x) { return cdf(gains, x); }) < ks_limit);
    CHECK(distance(column(sampler, 2), [](double x) { return (x - 20) / 45; }) < ks_limit);
    // What is cut off is shared out over the rest.
    const double low = cdf(weights, 60.0), high = cdf(weights, 80.0);
    CHECK(distance(column(sampler, 3), [&](double x) { return (cdf(weights, x) - low) / (high - low); }) < ks_limit);
    const double start = cdf(gains, 4.0), end = cdf(gains, 40.0);
    CHECK(distance(column(sampler, 4), [&](double x) { return (cdf(gains, x) - start) / (end - start); }) < ks_limit);
    for (const double x : column(sampler, 4)) REQUIRE((x >= 4 && x <= 40));
    for (const double x : column(sampler, 5)) REQUIRE(x == 5);
}

TEST_CASE("a truncated value far from the centre keeps its digits") {
    // Beyond 7 standard deviations the upper tail is 1e-12: 1 - p would have four digits left. Mean excess of the
    // normal tail: phi(7)/Q(7) - 7 = 0.13757 (Abramowitz & Stegun 1964, 26.2.12).
    const Sampler sampler({{"far", {Kind::normal, 0, 1, 7, 100}}}, {});
    double mean = 0;
    for (const double x : column(sampler, 0)) mean += x / n;
    CHECK(mean - 7 == Approx(0.13757).epsilon(0.03)); // an exponential: its mean scatters by 1/sqrt(n) = 0.7 %
}

TEST_CASE("normal scores of patients correlate as asked for") {
    const Sampler sampler({{"a", {Kind::normal, 0, 1}},
                           {"b", {Kind::normal, 10, 2}},
                           {"c", {.kind = Kind::uniform, .low = 0, .high = 1}},
                           {"d", {Kind::lognormal, 1, 0.5}}},
                          {{0, 1, 0.6}, {0, 2, -0.4}, {1, 3, 0.3}});
    const auto a = column(sampler, 0), b = column(sampler, 1), c = column(sampler, 2), d = column(sampler, 3);
    const double margin = 4 / std::sqrt(n); // a coefficient scatters by (1 - r^2)/sqrt(n) at most: four of these
    CHECK(correlation(a, b) == Approx(0.6).margin(margin));
    const auto of_ranks = [](double r) { return 6 / M_PI * std::asin(r / 2); }; // Pearson 1907
    CHECK(ranks_correlation(a, c) == Approx(of_ranks(-0.4)).margin(margin));
    CHECK(ranks_correlation(b, d) == Approx(of_ranks(0.3)).margin(margin));
    CHECK(ranks_correlation(a, d) == Approx(0).margin(margin)); // not asked for: none
    // Correlations leave the distribution of each alone.
    CHECK(distance(c, [](double x) { return x; }) < ks_limit);
}

TEST_CASE("a patient depends on its number, the seed and its own fields only") {
    const Field weight{"weight", {Kind::normal, 75, 15}}, age{"age", {.kind = Kind::uniform, .low = 20, .high = 65}},
        gain{"gain", {Kind::lognormal, 2, 0.4}};
    const Sampler one({weight, age}, {{0, 1, 0.5}}), more({gain, weight, age}, {{1, 2, 0.5}});
    const Patient a = one.draw(5, 7), b = more.draw(5, 7);
    CHECK(a.values[0] == b.values[1]);
    CHECK(a.values[1] == b.values[2]);
    CHECK(a.circuit_seed == b.circuit_seed);
    CHECK(a.body == b.body);
    CHECK(a.body >= 1);
    CHECK(one.draw(6, 7).values[0] != a.values[0]);
    CHECK(one.draw(5, 8).values[0] != a.values[0]);
    CHECK(one.draw(5, 8).circuit_seed != a.circuit_seed);
}

TEST_CASE("repeats of a patient keep what is known and draw the rest conditional on it") {
    // b given a: mean r z_a, variance 1 - r^2 (bivariate normal).
    const double r = 0.8;
    const Sampler sampler({{"b", {Kind::normal, 0, 1}, false}, {"a", {Kind::normal, 0, 1}, true}}, {{0, 1, r}});
    const Patient first = sampler.draw(9, 4);
    double mean = 0, square = 0;
    constexpr int repeats = 5000;
    for (int k = 1; k <= repeats; ++k) {
        const Patient p = sampler.draw(9, 4, k);
        REQUIRE(p.values[1] == first.values[1]);
        REQUIRE(p.circuit_seed != first.circuit_seed);
        mean += p.values[0] / repeats;
        square += p.values[0] * p.values[0] / repeats;
    }
    CHECK(mean == Approx(r * first.values[1]).margin(4 * 0.6 / std::sqrt(repeats)));
    CHECK(square - mean * mean == Approx(1 - r * r).epsilon(4 * std::sqrt(2.0 / repeats)));
}

TEST_CASE("correlations that no patients can have are refused") {
    const std::vector<Field> fields{
        {"a", {Kind::normal, 0, 1}}, {"b", {Kind::normal, 0, 1}}, {"c", {Kind::normal, 0, 1}}};
    // Eigenvalues of a matrix of 1 with r off the diagonal: 1 - r twice, 1 + 2 r; here r = -0.6.
    CHECK_THROWS_WITH(Sampler(fields, {{0, 1, -0.6}, {0, 2, -0.6}, {1, 2, -0.6}}), Catch::Contains("-0.2"));
    CHECK_THROWS_AS(Sampler(fields, {{0, 1, 1.0}}), std::invalid_argument); // singular
    CHECK_NOTHROW(Sampler(fields, {{0, 1, -0.4}, {0, 2, -0.4}, {1, 2, -0.4}}));
}
