// Threads and the length of calls change no bit; seeds change everything.
#include <catch2/catch.hpp>

#include <cstdint>

#include "unit/small_networks.hpp"

using namespace rewire;
using namespace rewire::engine;
using namespace rewire::engine::small_networks;

namespace {

void require_equal(const Result& a, const Result& b) {
    REQUIRE(a.total_spikes == b.total_spikes);
    REQUIRE(a.total_events == b.total_events);
    REQUIRE((a.spikes == b.spikes)); // doubled brackets: no printing of thousands of numbers
    REQUIRE((a.state == b.state));
    REQUIRE((a.drives == b.drives));
    REQUIRE((a.released == b.released));
    REQUIRE((a.counts == b.counts));
    REQUIRE((a.activity.step == b.activity.step));
    REQUIRE((a.activity.spike_counts == b.activity.spike_counts));
    REQUIRE((a.activity.lfp_pA == b.activity.lfp_pA));
    for (std::size_t k = 0; k < a.traces.size(); ++k) {
        REQUIRE((a.traces[k].step == b.traces[k].step));
        REQUIRE((a.traces[k].values == b.traces[k].values));
    }
}

} // namespace

TEST_CASE("runs are bit-identical for any number of threads", "[engine]") {
    FastNetwork alone = mixed_network(1);
    alone.advance(0, 2000);
    const Result truth = result(alone);
    REQUIRE(truth.spikes[0].size() > 500); // the network is alive in all its parts
    REQUIRE(truth.spikes[1].size() > 100);
    REQUIRE(truth.spikes[2].size() > 100);
    REQUIRE(truth.total_events > 20000);
    const int threads = GENERATE(2, 3, 5);
    FastNetwork together = mixed_network(threads);
    if (GENERATE(false, true)) together.team().leave_to_one(3600); // which then does the work of all ranks
    together.advance(0, 2000);
    const Result other = result(together);
    require_equal(truth, other);
    REQUIRE((truth.calcium == other.calcium));
}

TEST_CASE("one call or many small ones give the same bits", "[engine]") {
    FastNetwork once = mixed_network(2), often = mixed_network(2);
    once.advance(-30, 1500);
    RandomStream lengths(1, Purpose::stimulus, 0);
    for (std::int64_t step = -30; step < 1470;) {
        // Ten steps or more: a shorter stretch takes a sample of its drives that a long one does not.
        const std::int64_t left = 1470 - step, length = 10 + lengths.below(31);
        const std::int64_t steps = left - length < 10 ? left : length;
        often.advance(step, steps);
        step += steps;
    }
    require_equal(result(once), result(often)); // but for calcium, whose decay ends with each call
}

TEST_CASE("different seeds give different runs", "[engine]") {
    FastNetwork a = mixed_network(1, 3), b = mixed_network(1, 4);
    a.advance(0, 500);
    b.advance(0, 500);
    CHECK((result(a).spikes != result(b).spikes));
}
