// Connection rules against the statistics that they promise.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>

#include "network/connect.hpp"
#include "random/bulk.hpp"

using namespace rewire;
using namespace rewire::network;

namespace {

/// The synapses of a store, by source, delay, target.
struct SynapseList {
    std::vector<std::uint32_t> source, target;
    std::vector<std::uint16_t> delay_steps;
    std::vector<float> weight;

    explicit SynapseList(const SynapseStore& store) {
        store.for_each([&](SynapseIndex, const Synapse& s) {
            source.push_back(s.source);
            target.push_back(s.target);
            delay_steps.push_back(s.delay_steps);
            weight.push_back(s.weight);
        });
    }
    std::size_t size() const { return source.size(); }
    friend bool operator==(const SynapseList&, const SynapseList&) = default;
};

struct Case {
    Population source{.name = "a", .size = 300}, target{.name = "b", .size = 200};
    Projection projection{.name = "a_b", .source = 0, .target = 1};
    std::uint64_t seed = 7;
    std::size_t index = 0;
    PairwiseColumns columns;

    explicit Case(const std::string& rule) {
        projection.rule.kind = rule;
        projection.weight.mean = 1.5;
        projection.delay_ms.mean = 1;
    }
    Case& recurrent(std::int64_t size) {
        source.size = target.size = size;
        projection.source = projection.target = 0;
        return *this;
    }
    SynapseStore store(const Executor& executor = {}) const {
        return connect(projection, index, source, target, place(source, 0, seed),
                       place(target, projection.target, seed), 0.1, seed, columns, executor);
    }
    SynapseList list() const { return SynapseList(store()); }
};

std::vector<double> degrees(const std::vector<std::uint32_t>& ends, std::int64_t size) {
    std::vector<double> counts(static_cast<std::size_t>(size), 0);
    for (const std::uint32_t i : ends) counts[i] += 1;
    return counts;
}

/// Upper tail of the chi-square law.
double tail(double statistic, std::size_t freedom) {
    return boost::math::cdf(boost::math::complement(boost::math::chi_squared(static_cast<double>(freedom)), statistic));
}

/// p of degrees that should scatter around `mean` with `variance`.
double scatter_p(const std::vector<double>& counts, double mean, double variance, std::size_t lost_freedom) {
    double statistic = 0;
    for (const double c : counts) statistic += (c - mean) * (c - mean) / variance;
    return tail(statistic, counts.size() - lost_freedom);
}

std::size_t distinct_pairs(const SynapseList& list) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::size_t k = 0; k < list.size(); ++k) pairs.insert({list.source[k], list.target[k]});
    return pairs.size();
}

std::size_t autapses(const SynapseList& list) {
    std::size_t count = 0;
    for (std::size_t k = 0; k < list.size(); ++k) count += list.source[k] == list.target[k];
    return count;
}

std::pair<double, double> mean_and_sd(const std::vector<float>& values) {
    double sum = 0, squares = 0;
    for (const float v : values)
        sum += static_cast<double>(v), squares += static_cast<double>(v) * static_cast<double>(v);
    const double n = static_cast<double>(values.size());
    return {sum / n, std::sqrt(squares / n - sum * sum / n / n)};
}

} // namespace

// Seeds are fixed: a test that passes keeps passing. p between 1e-3 and 0.999 says that the numbers scatter
// as they should, neither more nor less.

TEST_CASE("probability: degrees are binomial on both sides", "[unit][connect]") {
    Case c("probability");
    const double p = c.projection.rule.probability = GENERATE(0.02, 0.3, 0.9);
    const SynapseList list = c.list();
    const double pairs = 300.0 * 200.0;
    CHECK(std::abs(static_cast<double>(list.size()) - p * pairs) < 4 * std::sqrt(pairs * p * (1 - p)));
    CHECK(distinct_pairs(list) == list.size()); // a pair connects once
    const double in = scatter_p(degrees(list.target, 200), 300 * p, 300 * p * (1 - p), 0);
    const double out = scatter_p(degrees(list.source, 300), 200 * p, 200 * p * (1 - p), 0);
    for (const double tail_p : {in, out}) {
        CHECK(tail_p > 1e-3);
        CHECK(tail_p < 0.999);
    }
    CHECK(expected_synapses(c.projection, c.source, c.target, 1) == Approx(p * pairs));
}

TEST_CASE("probability: the ends 0 and 1", "[unit][connect]") {
    Case c("probability");
    CHECK(c.list().size() == 0);
    c.projection.rule.probability = 1;
    CHECK(c.list().size() == 300 * 200);
    CHECK(distinct_pairs(c.list()) == 300 * 200);
}

TEST_CASE("autapses come only when allowed, with the rule's probability", "[unit][connect]") {
    Case c("probability");
    c.recurrent(1000).projection.rule.probability = 0.2;
    CHECK(autapses(c.list()) == 0);
    c.projection.rule.autapses = true;
    const double count = static_cast<double>(autapses(c.list()));
    CHECK(std::abs(count - 200) < 4 * std::sqrt(1000 * 0.2 * 0.8)); // binomial
    for (const char* kind : {"fixed_indegree", "fixed_outdegree"}) {
        Case d(kind);
        d.recurrent(50).projection.rule.degree = 40;
        CHECK(autapses(d.list()) == 0);
        d.projection.rule.autapses = true;
        // 50 neurons draw 40 partners, each itself with 1/50.
        CHECK(std::abs(static_cast<double>(autapses(d.list())) - 40) < 4 * std::sqrt(2000 * 0.02 * 0.98));
    }
    Case all("all_to_all");
    all.recurrent(60);
    CHECK(all.list().size() == 60 * 59);
    all.projection.rule.autapses = true;
    CHECK(all.list().size() == 60 * 60);
}

TEST_CASE("between populations equal numbers are no autapses", "[unit][connect]") {
    Case c("all_to_all");
    c.source.size = c.target.size = 30;
    CHECK(c.list().size() == 900);
}

TEST_CASE("fixed degrees: exact on one side, multinomial on the other", "[unit][connect]") {
    const bool in = GENERATE(true, false);
    Case c(in ? "fixed_indegree" : "fixed_outdegree");
    c.projection.rule.degree = 60;
    const SynapseList list = c.list();
    const auto exact = in ? degrees(list.target, 200) : degrees(list.source, 300);
    const auto drawn = in ? degrees(list.source, 300) : degrees(list.target, 200);
    for (const double d : exact) REQUIRE(d == 60);
    const double share = 1 / static_cast<double>(drawn.size()), total = static_cast<double>(list.size());
    // Pearson's statistic: variance n p in the denominator, one degree of freedom lost.
    const double p = scatter_p(drawn, total * share, total * share, 1);
    CHECK(p > 1e-3);
    CHECK(p < 0.999);
    CHECK(distinct_pairs(list) < list.size()); // multapses are allowed by default and occur
    CHECK(expected_synapses(c.projection, c.source, c.target, 1) == total);
}

TEST_CASE("fixed degrees without multapses draw distinct partners", "[unit][connect]") {
    const char* kind = GENERATE("fixed_indegree", "fixed_outdegree");
    Case c(kind);
    c.recurrent(40).projection.rule.multapses = false;
    c.projection.rule.degree = GENERATE(5, 39); // 39: everybody else
    const SynapseList list = c.list();
    CHECK(list.size() == 40 * static_cast<std::size_t>(c.projection.rule.degree));
    CHECK(distinct_pairs(list) == list.size());
    CHECK(autapses(list) == 0);
}

TEST_CASE("fixed_total_number: exact in all, multinomial on both sides", "[unit][connect]") {
    Case c("fixed_total_number");
    const std::int64_t number = c.projection.rule.number = GENERATE(700, 45000, 400000); // of 60,000 pairs
    const SynapseList list = c.list();
    REQUIRE(list.size() == static_cast<std::size_t>(number));
    CHECK(expected_synapses(c.projection, c.source, c.target, 1) == static_cast<double>(number));
    const auto n = static_cast<double>(number);
    // Pearson's statistic: variance n p in the denominator, one degree of freedom lost.
    for (const double p : {scatter_p(degrees(list.source, 300), n / 300, n / 300, 1),
                           scatter_p(degrees(list.target, 200), n / 200, n / 200, 1)}) {
        CHECK(p > 1e-3);
        CHECK(p < 0.999);
    }
    // Pairs drawn with replacement: P(a pair is never drawn) = (1 - 1/60000)^n; the number of those that are scatters
    // by less than its binomial law.
    const double miss = std::exp(n * std::log1p(-1 / 60000.0));
    CHECK(std::abs(static_cast<double>(distinct_pairs(list)) - 60000 * (1 - miss)) <
          4 * std::sqrt(60000 * miss * (1 - miss)));
}

TEST_CASE("fixed_total_number without multapses draws distinct pairs", "[unit][connect]") {
    Case c("fixed_total_number");
    c.recurrent(40).projection.rule.multapses = false;
    c.projection.rule.number = GENERATE(5, 700, 900, 1560); // 1,560: everybody with everybody else
    const SynapseList list = c.list();
    CHECK(list.size() == static_cast<std::size_t>(c.projection.rule.number));
    CHECK(distinct_pairs(list) == list.size());
    CHECK(autapses(list) == 0);
    // Hypergeometric degrees: variance N K/M (1 - K/M) (M - N)/(M - 1) of N drawn from M pairs, K = 39 of a neuron.
    const double all = 1560, n = static_cast<double>(c.projection.rule.number), share = 39 / all;
    const double variance = n * share * (1 - share) * (all - n) / (all - 1);
    if (n < 100 || n == all) return; // no scatter to speak of
    for (const auto& ends : {list.source, list.target}) {
        const double p = scatter_p(degrees(ends, 40), n / 40, variance * 40 / 39, 1);
        CHECK(p > 1e-3);
        CHECK(p < 0.999);
    }
}

TEST_CASE("fixed_total_number: autapses come only when allowed", "[unit][connect]") {
    Case c("fixed_total_number");
    c.recurrent(50).projection.rule.number = 4000;
    CHECK(autapses(c.list()) == 0);
    c.projection.rule.autapses = true;
    CHECK(c.list().size() == 4000);
    CHECK(std::abs(static_cast<double>(autapses(c.list())) - 80) < 4 * std::sqrt(4000 * 0.02 * 0.98)); // binomial
}

TEST_CASE("a store does not depend on how its pieces are run", "[unit][connect]") {
    const char* kind = GENERATE("probability", "fixed_indegree", "fixed_outdegree", "fixed_total_number", "all_to_all");
    Case c(kind);
    c.recurrent(700);
    c.projection.rule.probability = 0.1;
    c.projection.rule.degree = 90;
    c.projection.rule.number = 50000;
    c.projection.weight = {.kind = "normal", .mean = 2, .sd = 0.3};
    c.projection.delay_ms = GENERATE(Distribution{.mean = 1}, Distribution{.kind = "normal", .mean = 1, .sd = 0.4});
    const Executor backwards{7, [](std::size_t count, const auto& piece) {
                                 for (std::size_t k = count; k-- > 0;) piece(k);
                             }};
    const Executor threads{3, [](std::size_t count, const auto& piece) {
                               std::vector<std::jthread> running;
                               for (std::size_t k = 0; k < count; ++k) running.emplace_back([&piece, k] { piece(k); });
                           }};
    const SynapseList list = c.list();
    CHECK(SynapseList(c.store(backwards)) == list);
    CHECK(SynapseList(c.store(threads)) == list);
    // In order, as the store promises; equal targets are allowed.
    for (std::size_t k = 1; k < list.size(); ++k)
        REQUIRE(std::tuple(list.source[k - 1], list.delay_steps[k - 1], list.target[k - 1]) <=
                std::tuple(list.source[k], list.delay_steps[k], list.target[k]));
}

TEST_CASE("the distance kernel is a Gaussian of the distance", "[unit][connect]") {
    // Observed synapses in bins of distance against the sum over pairs of p exp(-d^2/(2 sigma^2)) and its
    // binomial variance; positions are data, not part of the claim.
    Case c("probability");
    c.projection.rule.probability = 0.6;
    c.projection.rule.sigma_um = 80;
    c.source.size = c.target.size = 600;
    c.target.origin_um = {40, 0, 0};
    const SynapseList list = c.list();
    const auto from = place(c.source, 0, 7), to = place(c.target, 1, 7);
    const auto distance = [&](std::size_t j, std::size_t i) {
        return std::hypot(from[j][0] - to[i][0], from[j][1] - to[i][1], from[j][2] - to[i][2]);
    };
    const std::size_t bins = 12;
    std::vector<double> expected(bins, 0), variance(bins, 0), observed(bins, 0);
    const auto bin = [&](double d) { return std::min(bins - 1, static_cast<std::size_t>(d / 25)); };
    for (std::size_t j = 0; j < 600; ++j)
        for (std::size_t i = 0; i < 600; ++i) {
            const double d = distance(j, i), p = 0.6 * std::exp(-d * d / (2 * 80.0 * 80.0));
            expected[bin(d)] += p;
            variance[bin(d)] += p * (1 - p);
        }
    for (std::size_t k = 0; k < list.size(); ++k) observed[bin(distance(list.source[k], list.target[k]))] += 1;
    double statistic = 0;
    for (std::size_t b = 0; b < bins; ++b)
        statistic += (observed[b] - expected[b]) * (observed[b] - expected[b]) / variance[b];
    CHECK(tail(statistic, bins) > 1e-3);
    CHECK(tail(statistic, bins) < 0.999);
    // The estimate averages the kernel over 4,000 sampled pairs: relative standard error about 2 %.
    CHECK(expected_synapses(c.projection, c.source, c.target, 7) ==
          Approx(static_cast<double>(list.size())).epsilon(0.08));
}

TEST_CASE("positions fill the box of the population", "[unit][connect]") {
    Population p{.name = "a", .size = 8000, .box_um = {100, 200, 50}, .origin_um = {10, -300, 0}};
    const auto at = place(p, 2, 5);
    for (std::size_t axis = 0; axis < 3; ++axis) {
        std::vector<double> bins(20, 0);
        for (const Position& x : at) {
            const double u = (x[axis] - p.origin_um[axis]) / p.box_um[axis];
            REQUIRE(u > 0);
            REQUIRE(u < 1);
            bins[static_cast<std::size_t>(u * 20)] += 1;
        }
        CHECK(scatter_p(bins, 400, 400, 1) > 1e-3);
    }
    CHECK(place(p, 2, 5) == at);
    CHECK(place(p, 3, 5) != at); // another population lies elsewhere
    CHECK(place(p, 2, 6) != at);
    // A neuron's place does not depend on how many there are.
    p.size = 10;
    CHECK(place(p, 2, 5)[9] == at[9]);
}

TEST_CASE("one_to_one pairs equals", "[unit][connect]") {
    Case c("one_to_one");
    c.source.size = c.target.size = 25;
    const SynapseList list = c.list();
    REQUIRE(list.size() == 25);
    for (std::uint32_t k = 0; k < 25; ++k) CHECK((list.source[k] == k && list.target[k] == k));
    c.target.size = 24;
    CHECK_THROWS_WITH(c.list(), Catch::Contains("one_to_one") && Catch::Contains("25") && Catch::Contains("24"));
}

TEST_CASE("pairwise takes the columns of the file", "[unit][connect]") {
    Case c("pairwise");
    c.projection.rule.file = "pairs.h5";
    c.columns = {{3, 3, 299}, {0, 199, 5}, {0.5, -2, 7}, {1, 2.04, 0.01}};
    const SynapseList list = c.list();
    CHECK(list.source == c.columns.source);
    CHECK(list.target == c.columns.target);
    CHECK(list.weight == std::vector<float>{0.5f, -2, 7});
    CHECK(list.delay_steps == std::vector<std::uint16_t>{10, 20, 1}); // nearest step, at least one
    c.columns.weight = {};
    c.columns.delay_ms = {};
    CHECK(c.store().row(3 * c.store().delays_steps().size()).weight == nullptr);
    CHECK(c.store().shared_weight() == 1.5f);
    CHECK(c.list().delay_steps == std::vector<std::uint16_t>{10, 10, 10});
}

TEST_CASE("wrong connections are refused with their values", "[unit][connect]") {
    using Catch::Contains;
    Case pairs("pairwise");
    pairs.projection.rule.file = "pairs.h5";
    pairs.columns = {{300}, {0}, {}, {}};
    CHECK_THROWS_WITH(pairs.list(), Contains("pairs.h5") && Contains("source[0] = 300") && Contains("300"));
    pairs.columns = {{0, 0}, {0, 200}, {}, {}};
    CHECK_THROWS_WITH(pairs.list(), Contains("target[1] = 200"));
    pairs.columns = {{0, 0}, {0}, {}, {}};
    CHECK_THROWS_WITH(pairs.list(), Contains("2 entries") && Contains("target 1"));
    pairs.columns = {{0, 0}, {0, 1}, {1}, {}};
    CHECK_THROWS_WITH(pairs.list(), Contains("weight has 1 entries"));
    pairs.columns = {{0, 0}, {0, 1}, {}, {1, 2, 3}};
    CHECK_THROWS_WITH(pairs.list(), Contains("delay_ms has 3 entries"));
    Case degree("fixed_indegree");
    degree.projection.rule.multapses = false;
    degree.projection.rule.degree = 301;
    CHECK_THROWS_WITH(degree.list(), Contains("fixed_indegree = 301") && Contains("300"));
    degree.recurrent(10).projection.rule.degree = 10; // itself is no partner
    CHECK_THROWS_WITH(degree.list(), Contains("at most 9"));
    degree.recurrent(1).projection.rule.multapses = true;
    CHECK_THROWS_WITH(degree.list(), Contains("no neuron to connect to"));
    Case number("fixed_total_number");
    number.projection.rule.multapses = false;
    number.projection.rule.number = 60001;
    CHECK_THROWS_WITH(number.list(), Contains("fixed_total_number = 60001") && Contains("60000"));
    number.recurrent(1).projection.rule.number = 1;
    CHECK_THROWS_WITH(number.list(), Contains("no pair to connect"));
    Case delay("all_to_all");
    delay.projection.delay_ms.mean = 6553.6;
    CHECK_THROWS_WITH(delay.list(), Contains("6553.6") && Contains("65535"));
    CHECK(delay_in_steps(6553.5, 0.1) == 65535);
    CHECK(delay_in_steps(0, 0.1) == 1);
    CHECK(delay_in_steps(1.5, 0.1) == 15); // 1.5/0.1 is 15.000000000000002 or 14.99...: nearest, not floor
    CHECK(delay_in_steps(0.3, 0.1) == 3);
}

TEST_CASE("delays are distributed as asked, on the grid", "[unit][connect]") {
    // 60,000 synapses: standard error of the mean sd/245. Rounding to steps adds 0.1^2/12 to the variance.
    Case c("all_to_all");
    c.projection.delay_ms = {.kind = "normal", .mean = 3, .sd = 0.5};
    const auto moments = [&] {
        std::vector<float> delays;
        for (const std::uint16_t d : c.list().delay_steps) delays.push_back(0.1f * static_cast<float>(d));
        return mean_and_sd(delays);
    };
    CHECK(moments().first == Approx(3).margin(4 * 0.5 / 245));
    CHECK(moments().second == Approx(std::sqrt(0.25 + 0.01 / 12)).epsilon(0.012)); // 4/sqrt(2 n)
    c.projection.delay_ms = {.kind = "uniform", .low = 1, .high = 4};
    CHECK(moments().first == Approx(2.5).margin(4 * 3 / std::sqrt(12) / 245));
    CHECK(moments().second == Approx(3 / std::sqrt(12)).epsilon(0.012));
    const SynapseList list = c.list();
    CHECK(*std::min_element(list.delay_steps.begin(), list.delay_steps.end()) == 10);
    CHECK(*std::max_element(list.delay_steps.begin(), list.delay_steps.end()) == 40);
    c.projection.delay_ms = {.kind = "normal", .mean = 0.2, .sd = 0.3};
    for (const std::uint16_t d : c.list().delay_steps) REQUIRE(d >= 1); // never into the past
}

TEST_CASE("tables of delays hold the law of single draws", "[unit][connect]") {
    // Two independent ways to the same law: frequencies of rounded single draws against the table's probabilities.
    // The standard error of a frequency is below 1/(2 sqrt n) = 1e-3.
    const auto d = GENERATE(Distribution{.kind = "normal", .mean = 1.5, .sd = 0.75},
                            Distribution{.kind = "normal", .mean = 0.2, .sd = 0.3},
                            Distribution{.kind = "lognormal", .mean = 2, .sd = 1},
                            Distribution{.kind = "uniform", .low = 0.33, .high = 1.21}, Distribution{.mean = 0.72});
    const DelayTable table = delay_table(d, 0.1);
    REQUIRE(table.thresholds.back() == 0xffffffffu);
    std::vector<double> frequency(65536, 0);
    RandomStream random(3, Purpose::delay, 0);
    const int n = 250000;
    for (int k = 0; k < n; ++k) frequency[delay_in_steps(draw(d, random), 0.1)] += 1.0 / n;
    double below = 0;
    for (std::size_t g = 0; g < table.steps.size(); ++g) {
        const double upto = (static_cast<double>(table.thresholds[g]) + 1) * 0x1.0p-32;
        INFO("delay of " << table.steps[g] << " steps");
        CHECK(frequency[table.steps[g]] == Approx(upto - below).margin(4e-3));
        CHECK(table.group(table.thresholds[g]) == g); // words at the edges
        if (g + 1 < table.steps.size()) CHECK(table.group(table.thresholds[g] + 1) == g + 1);
        below = upto;
    }
    CHECK_THROWS_WITH(delay_table({.kind = "normal", .mean = 6553, .sd = 1}, 0.1), Catch::Contains("65535"));
}

TEST_CASE("the normal quantile of the bulk draws", "[unit][connect]") {
    // Against Boost's, over all tails that 32 bits reach. Relative error 1e-6; absolute near the median, where single
    // precision of 1/2 - p leaves 1e-7.
    const boost::math::normal normal;
    for (double tail = 2e-10; tail < 0.5; tail *= 1.01) {
        const auto p = static_cast<float>(tail);
        REQUIRE(normal_upper_quantile(p) ==
                Approx(boost::math::quantile(boost::math::complement(normal, static_cast<double>(p))))
                    .epsilon(1e-6)
                    .margin(3e-7));
    }
    const double extreme = -boost::math::quantile(normal, 0x1.0p-33); // the middle of the outermost word
    CHECK(normal_above(0, 0) == Approx(extreme).epsilon(1e-6));
    CHECK(normal_above(0xffffffffu, 0) == Approx(-extreme).epsilon(1e-6));
    const float cut = normal_above(0xffffffffu, 0.3f); // all of the law lies above the cut
    CHECK(cut == Approx(boost::math::quantile(normal, 0.3)).margin(1e-5));
}

TEST_CASE("weights keep their sign, mean and standard deviation", "[unit][connect]") {
    // Standard errors over 60,000 draws: mean sd/245; the sd of a lognormal (cv 0.8) has heavy tails: 5 %.
    const double sign = GENERATE(1.0, -1.0);
    Case c("all_to_all");
    c.projection.weight = {.kind = "lognormal", .mean = 2 * sign, .sd = 1.6};
    const auto [log_mean, log_sd] = mean_and_sd(c.list().weight);
    CHECK(log_mean == Approx(2 * sign).margin(4 * 1.6 / 245));
    CHECK(log_sd == Approx(1.6).epsilon(0.05));
    c.projection.weight = {.kind = "normal", .mean = 2 * sign, .sd = 0.3};
    const auto [normal_mean, normal_sd] = mean_and_sd(c.list().weight);
    CHECK(normal_mean == Approx(2 * sign).margin(4 * 0.3 / 245));
    CHECK(normal_sd == Approx(0.3).epsilon(0.012));
    for (const char* kind : {"normal", "lognormal"}) {
        c.projection.weight = {.kind = kind, .mean = sign, .sd = 1};
        for (const float w : c.list().weight) REQUIRE(static_cast<double>(w) * sign > 0); // Dale's law
    }
    // The normal law cut at zero with sd = mean: mean 1 + phi(1)/Phi(1) = 1.2876, within four errors of
    // 0.8/245.
    c.projection.weight = {.kind = "normal", .mean = sign, .sd = 1};
    CHECK(mean_and_sd(c.list().weight).first == Approx(1.2876 * sign).margin(0.013));
    c.projection.weight = {.kind = "uniform", .low = 1, .high = 3};
    CHECK(mean_and_sd(c.list().weight).first == Approx(2).margin(4 * 0.577 / 245));
}

TEST_CASE("connections depend on the seed and the projection, on nothing else", "[unit][connect]") {
    const char* kind = GENERATE("probability", "fixed_indegree");
    Case c(kind);
    c.projection.rule.probability = 0.1;
    c.projection.rule.degree = 20;
    c.projection.weight = {.kind = "normal", .mean = 2, .sd = 0.3};
    const SynapseList first = c.list(), again = c.list();
    CHECK(first.source == again.source);
    CHECK(first.target == again.target);
    CHECK(first.weight == again.weight);
    c.seed = 8;
    CHECK((c.list().source != first.source || c.list().target != first.target));
    c.seed = 7;
    c.index = 1;
    CHECK((c.list().source != first.source || c.list().target != first.target));
    CHECK(c.list().weight != first.weight);
}
