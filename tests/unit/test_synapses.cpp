#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <tuple>
#include <vector>

#include "network/shared_rows.hpp"
#include "network/synapses.hpp"
#include "random/stream.hpp"

using namespace rewire;
using network::Synapse;
using network::SynapseIndex;
using network::SynapseLayout;
using network::SynapseStore;

namespace {

auto fields(const Synapse& s) { return std::tuple(s.source, s.delay_steps, s.target, s.weight, s.formed_h, s.nascent); }

/// The plainest thing that keeps synapses in the order that the store promises.
class NaiveStore {
public:
    void add(const std::vector<Synapse>& synapses) {
        for (const Synapse& s : synapses) {
            auto& row = rows_[{s.source, s.delay_steps}];
            row.insert(std::upper_bound(row.begin(), row.end(), s,
                                        [](const Synapse& a, const Synapse& b) { return a.target < b.target; }),
                       s);
        }
    }
    std::vector<Synapse> all() const {
        std::vector<Synapse> list;
        for (const auto& [key, row] : rows_) list.insert(list.end(), row.begin(), row.end());
        return list;
    }
    /// Removes the synapses at ascending ranks of all().
    void remove(const std::vector<std::size_t>& ranks) {
        std::size_t rank = 0;
        auto next = ranks.begin();
        for (auto& [key, row] : rows_) {
            std::vector<Synapse> kept;
            for (const Synapse& s : row)
                if (next != ranks.end() && *next == rank++)
                    ++next;
                else
                    kept.push_back(s);
            row = kept;
        }
    }

private:
    std::map<std::pair<std::uint32_t, std::uint16_t>, std::vector<Synapse>> rows_;
};

/// The store holds exactly `expected`, and its rows, partitions and counts all say so.
void check_same(const SynapseStore& store, const std::vector<Synapse>& expected,
                const std::vector<std::uint32_t>& boundaries) {
    REQUIRE(store.count() == expected.size());
    std::vector<std::uint32_t> incoming(store.targets()), outgoing(store.sources());
    std::size_t i = 0;
    bool same = true, indexed = true;
    store.for_each([&](SynapseIndex index, const Synapse& s) {
        same = same && fields(s) == fields(expected[i++]);
        indexed = indexed && store.row(index.row).target[index.position] == s.target;
        ++incoming[s.target];
        ++outgoing[s.source];
    });
    REQUIRE(same);
    REQUIRE(indexed);
    REQUIRE(store.incoming_counts() == incoming);
    REQUIRE(store.outgoing_counts() == outgoing);
    bool parts_right = true;
    for (std::size_t r = 0; r < store.rows(); ++r) {
        const auto row = store.row(r);
        const std::uint32_t* expected_begin = row.target;
        for (std::size_t t = 0; t + 1 < boundaries.size(); ++t) {
            const auto part = store.split(r, t);
            parts_right = parts_right && part.target == expected_begin;
            for (std::uint32_t k = 0; k < part.size; ++k)
                parts_right = parts_right && part.target[k] >= boundaries[t] && part.target[k] < boundaries[t + 1];
            expected_begin += part.size;
        }
        parts_right = parts_right && expected_begin == row.target + row.size;
        for (std::size_t first = 0; first + 1 < boundaries.size(); ++first)
            for (std::size_t end = first + 1; end < boundaries.size(); ++end) {
                const auto parts = store.split(r, first, end), last = store.split(r, end - 1);
                parts_right = parts_right && parts.target == store.split(r, first).target &&
                              parts.target + parts.size == last.target + last.size;
            }
    }
    REQUIRE(parts_right);
}

} // namespace

TEST_CASE("a synapse store sorts rows by source, delay and target") {
    // Worked out by hand from the list; the pair 1 -> 2 occurs twice with one delay and keeps its order.
    const std::vector<std::uint32_t> source = {1, 0, 1, 1, 1, 0};
    const std::vector<std::uint16_t> delay = {15, 3, 3, 15, 15, 3};
    const std::vector<std::uint32_t> target = {2, 4, 0, 2, 1, 3};
    const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
    const SynapseStore store({.sources = 2, .targets = 5, .own_weights = true}, source, delay, target, weight);
    REQUIRE(store.delays_steps() == std::vector<std::uint16_t>{3, 15});
    REQUIRE(store.rows() == 4);
    const auto row = [&](std::size_t r) {
        std::vector<std::pair<std::uint32_t, float>> list;
        for (std::uint32_t i = 0; i < store.row(r).size; ++i)
            list.emplace_back(store.row(r).target[i], store.row(r).weight[i]);
        return list;
    };
    using List = std::vector<std::pair<std::uint32_t, float>>;
    CHECK(row(store.row_index(0, 0)) == List{{3, 6.0f}, {4, 2.0f}});
    CHECK(row(store.row_index(0, 1)).empty());
    CHECK(row(store.row_index(1, 0)) == List{{0, 3.0f}});
    CHECK(row(store.row_index(1, 1)) == List{{1, 5.0f}, {2, 1.0f}, {2, 4.0f}});
    CHECK(store.incoming_counts() == std::vector<std::uint32_t>{1, 1, 2, 1, 1});
}

TEST_CASE("a synapse takes 4 bytes with a shared weight, 8 with its own, 13 with an age") {
    // The sum of the field sizes (design.md, section 4); rows of 1,000 leave the overhead per row under 0.05
    // bytes.
    const std::uint32_t n = 400;
    std::vector<std::uint32_t> source, target;
    for (std::uint32_t i = 0; i < n; ++i)
        for (std::uint32_t k = 0; k < 1000; ++k) {
            source.push_back(i);
            target.push_back(999 - k);
        }
    const std::vector<std::uint16_t> delay(source.size(), 1);
    const auto bytes = [&](bool own, bool ageing) {
        const SynapseStore store(
            {.sources = n, .targets = 1000, .shared_weight = 2, .own_weights = own, .ageing = ageing}, source, delay,
            target);
        CHECK((store.row(0).weight == nullptr) == !own);
        if (own) CHECK(store.row(n - 1).weight[999] == 2.0f);
        return static_cast<double>(store.bytes()) / static_cast<double>(store.count());
    };
    CHECK(bytes(false, false) == Approx(4).margin(0.05));
    CHECK(bytes(true, false) == Approx(8).margin(0.05));
    CHECK(bytes(true, true) == Approx(13).margin(0.05));
}

TEST_CASE("thousands of additions and removals leave the store equal to a naive one") {
    const auto boundaries = GENERATE(std::vector<std::uint32_t>{0, 30}, std::vector<std::uint32_t>{0, 7, 16, 30});
    const std::vector<std::uint16_t> delays = {1, 4, 9};
    RandomStream stream(11, Purpose::new_synapse, 0);
    float serial = 0; // marks every synapse, so that any mix-up of fields shows
    const auto random_synapse = [&] {
        serial += 1;
        return Synapse{stream.below(20), delays[stream.below(3)], stream.below(30), serial,
                       -serial / 2,      stream.below(2) == 1};
    };
    SynapseStore store({.sources = 20, .targets = 30, .delays_steps = delays, .own_weights = true, .ageing = true});
    NaiveStore naive;
    store.set_partitions(boundaries);
    for (int round = 0; round < 600; ++round) {
        std::vector<Synapse> born(stream.below(round % 100 == 0 ? 400 : 12));
        for (Synapse& s : born) s = random_synapse();
        store.add(born);
        naive.add(born);

        std::vector<SynapseIndex> dying;
        std::vector<std::size_t> ranks;
        const double share = round % 150 == 149 ? 0.95 : 0.02; // now and then nearly all: packs the pool
        std::size_t rank = 0;
        store.for_each([&](SynapseIndex index, const Synapse&) {
            if (stream.uniform() < share) {
                dying.push_back(index);
                ranks.push_back(rank);
            }
            ++rank;
        });
        std::reverse(dying.begin(), dying.end()); // any order is allowed
        store.remove(dying);
        naive.remove(ranks);
        if (round % 10 == 9) check_same(store, naive.all(), boundaries);
    }
    // Fields of 13 bytes, slack of at most 1/8 and 4 per row, pool at most twice that, vectors at most
    // double: a bound that a store which never packed would exceed many times over.
    const double slots = 1.125 * static_cast<double>(store.count()) + 4.0 * 60;
    CHECK(static_cast<double>(store.bytes()) < 13 * 2 * 2 * slots + 60 * 16 * 4);
    // Emptied and filled again.
    std::vector<SynapseIndex> everything;
    store.for_each([&](SynapseIndex index, const Synapse&) { everything.push_back(index); });
    store.remove(everything);
    CHECK(store.count() == 0);
    store.add(std::vector<Synapse>{{3, 4, 5, 1.5f}});
    check_same(store, {{3, 4, 5, 1.5f}}, boundaries);
}

TEST_CASE("a bulk-built store equals one that was filled by additions") {
    RandomStream stream(12, Purpose::new_synapse, 0);
    std::vector<std::uint32_t> source(3000), target(3000);
    std::vector<std::uint16_t> delay(3000);
    std::vector<float> weight(3000);
    std::vector<Synapse> list(3000);
    for (std::size_t i = 0; i < 3000; ++i) {
        list[i] = {stream.below(50), static_cast<std::uint16_t>(1 + stream.below(4)), stream.below(64),
                   static_cast<float>(i)};
        source[i] = list[i].source;
        target[i] = list[i].target;
        delay[i] = list[i].delay_steps;
        weight[i] = list[i].weight;
    }
    SynapseStore bulk({.sources = 50, .targets = 64, .own_weights = true}, source, delay, target, weight);
    SynapseStore grown({.sources = 50, .targets = 64, .delays_steps = {1, 2, 3, 4}, .own_weights = true});
    for (std::size_t i = 0; i < 3000; i += 7) grown.add(std::span(list).subspan(i, std::min<std::size_t>(7, 3000 - i)));
    std::vector<Synapse> expected;
    grown.for_each([&](SynapseIndex, const Synapse& s) { expected.push_back(s); });
    bulk.set_partitions({0, 13, 13, 64});
    check_same(bulk, expected, {0, 13, 13, 64});
}

TEST_CASE("stores that share rows hold what one store of all their synapses holds") {
    // Three stores of the same 40 sources, with delays of their own, one of them with a shared weight; their targets
    // are numbered anew, part by part, so that those of the third come before those of the first.
    const auto parts = GENERATE(1u, 3u);
    const std::vector<std::uint32_t> sizes = {30, 24, 9}, place = {1, 2, 0};
    std::uint32_t total = 0;
    for (const std::uint32_t size : sizes) total += size;
    RandomStream stream(13, Purpose::new_synapse, 0);
    std::vector<SynapseStore> stores;
    std::vector<network::RowMember> members;
    std::vector<Synapse> all;
    const auto cut = [&](std::uint32_t size, std::uint32_t t) { return size * t / parts; };
    std::vector<std::uint32_t> boundaries;
    for (std::uint32_t t = 0; t <= parts; ++t) {
        boundaries.push_back(0);
        for (const std::uint32_t size : sizes) boundaries.back() += cut(size, t);
    }
    for (std::size_t m = 0; m < 3; ++m) {
        std::vector<std::uint32_t> index, source, target, cuts;
        std::vector<std::uint16_t> delay;
        std::vector<float> weight;
        for (std::uint32_t t = 0; t <= parts; ++t) cuts.push_back(cut(sizes[m], t));
        for (std::uint32_t t = 0; t < parts; ++t) {
            std::uint32_t begin = boundaries[t];
            for (std::size_t other = 0; other < 3; ++other)
                if (place[other] < place[m]) begin += cut(sizes[other], t + 1) - cut(sizes[other], t);
            for (std::uint32_t i = cuts[t]; i < cuts[t + 1]; ++i) index.push_back(begin + i - cuts[t]);
        }
        for (int k = 0; k < 800; ++k) {
            source.push_back(stream.below(40));
            delay.push_back(static_cast<std::uint16_t>(1 + m + stream.below(3)));
            target.push_back(stream.below(sizes[m]));
            if (m != 1) weight.push_back(static_cast<float>(k));
            all.push_back({source.back(), delay.back(), index[target.back()], m == 1 ? 0.5f : weight.back()});
        }
        stores.emplace_back(
            SynapseLayout{.sources = 40, .targets = sizes[m], .shared_weight = 0.5f, .own_weights = m != 1}, source,
            delay, target, weight);
        stores.back().set_partitions(cuts);
        members.push_back({nullptr, index});
    }
    for (std::size_t m = 0; m < 3; ++m) members[m].store = &stores[m];
    std::stable_sort(all.begin(), all.end(), [](const Synapse& a, const Synapse& b) {
        return std::tie(a.source, a.delay_steps, a.target) < std::tie(b.source, b.delay_steps, b.target);
    });
    const SynapseStore shared = network::share_rows(members, boundaries);
    CHECK(shared.targets() == total);
    check_same(shared, all, boundaries);
    // A weight that all share stays shared.
    members[1].index.resize(24);
    std::iota(members[1].index.begin(), members[1].index.end(), 0u);
    const SynapseStore plain = network::share_rows({members[1]}, stores[1].boundaries());
    CHECK(plain.row(0).weight == nullptr);
    CHECK(plain.count() == 800);
}

TEST_CASE("changes to fields of a row are kept where its synapses go") {
    SynapseStore store({.sources = 1, .targets = 9, .delays_steps = {1}, .own_weights = true, .ageing = true});
    store.add(std::vector<Synapse>{{0, 1, 4, 1.0f, -3.0f, true}, {0, 1, 8, 2.0f, -5.0f, true}});
    store.weights(0)[1] = 7.0f;
    store.nascent(0)[1] = 0;
    std::vector<Synapse> more(40, Synapse{0, 1, 6, 3.0f, 1.0f, true});
    store.add(more);
    std::vector<SynapseIndex> all_but_last;
    for (std::uint32_t i = 0; i < 41; ++i) all_but_last.push_back({0, i});
    store.remove(all_but_last);
    check_same(store, {{0, 1, 8, 7.0f, -5.0f, false}}, {0, 9});
}

TEST_CASE("a synapse store refuses what it cannot hold and stays as it was") {
    const std::vector<std::uint32_t> one = {0};
    const std::vector<std::uint16_t> delay = {1};
    const std::vector<float> weight = {1};
    const SynapseLayout layout{.sources = 2, .targets = 3, .delays_steps = {2}};
    SynapseStore store(layout, one, delay, one);
    const Synapse good{1, 2, 2};
    CHECK_THROWS_AS(SynapseStore(layout, one, delay, one, weight), std::invalid_argument);
    CHECK_THROWS_AS(SynapseStore(layout, one, {}, one), std::invalid_argument);
    CHECK_THROWS_AS(SynapseStore(layout, std::vector<std::uint32_t>{2}, delay, one), std::invalid_argument);
    CHECK_THROWS_AS(store.add(std::vector<Synapse>{good, {0, 1, 3}}), std::invalid_argument);
    CHECK_THROWS_WITH(store.add(std::vector<Synapse>{good, {0, 7, 0}}), Catch::Contains("7 steps"));
    CHECK_THROWS_AS(store.remove(std::vector<SynapseIndex>{{0, 0}, {0, 0}}), std::invalid_argument);
    CHECK_THROWS_AS(store.remove(std::vector<SynapseIndex>{{0, 0}, {1, 0}}), std::invalid_argument);
    CHECK_THROWS_AS(store.set_partitions({0, 2}), std::invalid_argument);
    CHECK_THROWS_AS(store.set_partitions({0, 2, 1, 3}), std::invalid_argument);
    check_same(store, {{0, 1, 0}}, {0, 3});
}
