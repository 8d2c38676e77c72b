// Threads of a team: they meet, they fail aloud, and they part where a core is taken from one.
#include <catch2/catch.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/team.hpp"

using namespace rewire::engine;

TEST_CASE("a failing thread reports its exception", "[engine]") {
    Team team(GENERATE(1, 3));
    CHECK_THROWS_WITH(team.run([](int rank, auto) {
        if (rank == 0) throw std::runtime_error("rank 0");
    }),
                      "rank 0");
}

TEST_CASE("threads of a team meet at every barrier", "[engine]") {
    // Each rank writes a stage and must see the same stage of all others after the barrier.
    const int size = GENERATE(1, 2, 5);
    Team team(size);
    std::vector<int> stage(static_cast<std::size_t>(size), 0);
    std::vector<int> wrong(static_cast<std::size_t>(size), 0);
    team.run([&](int rank, auto wait) {
        for (int k = 1; k <= 200; ++k) {
            stage[static_cast<std::size_t>(rank)] = k;
            wait();
            for (const int other : stage) wrong[static_cast<std::size_t>(rank)] += other != k;
            wait();
        }
    });
    for (const int count : wrong) CHECK(count == 0);
    for (const int reached : stage) CHECK(reached == 200);
}

TEST_CASE("a team whose partner is put off its core goes on alone, and leaves nothing out", "[engine]") {
    // Every rank's part of every interval is done once and in order, whoever does it.
    constexpr int intervals = 40;
    Team team(3);
    bool parted = false;
    for (int call = 0; call < 6; ++call) {
        std::vector<std::vector<int>> done(3);
        team.run_together_or_alone([&](int first, int end, auto wait) {
            for (int k = 0; k < intervals; ++k) {
                for (int rank = first; rank < end; ++rank) done[static_cast<std::size_t>(rank)].push_back(k);
                if (first == 2 && call == 0) std::this_thread::sleep_for(std::chrono::milliseconds(4));
                if (!wait()) continue;
                if (first != 0) return;
                end = 3;
                parted = true;
            }
        });
        for (const std::vector<int>& of_rank : done) {
            REQUIRE(of_rank.size() == intervals);
            for (int k = 0; k < intervals; ++k) REQUIRE(of_rank[static_cast<std::size_t>(k)] == k);
        }
    }
    CHECK(parted);
}
