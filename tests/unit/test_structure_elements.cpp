#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "structure/elements.hpp"

using namespace rewire;
using namespace rewire::structure;

TEST_CASE("elements are vacant or surplus by whole numbers") {
    ElementPool pool = vacant_elements(3, 2.9);
    CHECK(vacancies(pool) == std::vector<std::int32_t>{2, 2, 2});
    bind(pool, 0);
    bind(pool, 0);
    CHECK(vacant(pool, 0) == 0);
    CHECK(surplus(pool, 0) == 0);
    grow(pool, 0, -0.89); // 2.01: still two
    CHECK(surplus(pool, 0) == 0);
    grow(pool, 0, -0.02); // 1.99: one synapse too many
    CHECK(surplus(pool, 0) == 1);
    CHECK(vacant(pool, 0) == 0);
    grow(pool, 0, -10); // never below zero
    CHECK(pool.grown[0] == 0);
    CHECK(surplus(pool, 0) == 2);
}

TEST_CASE("a lost spine takes its element with it, a deserted element stays") {
    ElementPool pool = vacant_elements(2, 3.4);
    for (std::size_t i : {0, 1})
        for (int k = 0; k < 3; ++k) bind(pool, i);
    lose(pool, 0);
    unbind(pool, 1);
    CHECK(pool.grown[0] == Approx(2.4));
    CHECK(vacant(pool, 0) == 0);
    CHECK(pool.grown[1] == 3.4);
    CHECK(vacant(pool, 1) == 1);
}

TEST_CASE("bound elements start with all synapses bound and phases spread evenly") {
    const std::vector<std::uint32_t> synapses(4000, 7);
    const ElementPool pool = bound_elements(synapses, 5, 100);
    CHECK_NOTHROW(check_invariants(pool, synapses));
    std::vector<double> phases;
    for (std::size_t i = 0; i < synapses.size(); ++i) {
        REQUIRE(vacant(pool, i) == 0);
        REQUIRE(surplus(pool, i) == 0);
        phases.push_back(pool.grown[i] - 7);
    }
    // Kolmogorov-Smirnov distance to the uniform distribution; 1.95 / sqrt(n) is the 0.1 % level.
    std::sort(phases.begin(), phases.end());
    double distance = 0;
    for (std::size_t i = 0; i < phases.size(); ++i)
        distance = std::max(distance, std::abs(phases[i] - (static_cast<double>(i) + 0.5) / 4000));
    CHECK(distance < 1.95 / std::sqrt(4000.0));
    CHECK(bound_elements(synapses, 5, 101).grown[0] == pool.grown[1]); // keyed by neuron, not by place
}

TEST_CASE("the invariant check finds a miscount and a bad number") {
    ElementPool pool = vacant_elements(3, 1);
    bind(pool, 1);
    CHECK_NOTHROW(check_invariants(pool, std::vector<std::uint32_t>{0, 1, 0}));
    CHECK_THROWS_WITH(check_invariants(pool, std::vector<std::uint32_t>{0, 1, 1}), Catch::Contains("neuron 2"));
    pool.grown[0] = -0.5;
    CHECK_THROWS_WITH(check_invariants(pool, std::vector<std::uint32_t>{0, 1, 0}), Catch::Contains("neuron 0"));
    CHECK_THROWS_AS(check_invariants(pool, std::vector<std::uint32_t>{0}), std::logic_error);
}

TEST_CASE("surplus synapses are chosen without repeats and without favour") {
    // Each of 6 numbers is in a subset of 2 with probability 1/3: 9,000 draws, binomial SD 44.7; limit 4 SD.
    RandomStream stream(3, Purpose::elimination, 0);
    std::vector<int> hits(6);
    for (int trial = 0; trial < 9000; ++trial) {
        const auto chosen = choose(6, 2, stream);
        REQUIRE(std::set<std::uint32_t>(chosen.begin(), chosen.end()).size() == 2);
        for (const std::uint32_t number : chosen) ++hits.at(number);
    }
    for (const int count : hits) CHECK(std::abs(count - 3000) < 179);
    CHECK(choose(4, 4, stream).size() == 4);
    CHECK(choose(4, 0, stream).empty());
}
