#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "engine/structural_update.hpp"
#include "structure/partners.hpp"

using namespace rewire;
using namespace rewire::structure;

namespace {

std::vector<Position> box(std::size_t n, double side_um, std::uint64_t seed) {
    std::vector<Position> positions(n);
    for (std::size_t i = 0; i < n; ++i) {
        RandomStream stream(seed, Purpose::position, i);
        positions[i] = {side_um * stream.uniform(), side_um * stream.uniform(), side_um * stream.uniform()};
    }
    return positions;
}

/// Chi-square of counts against expected shares, neighbours pooled until 10 or more are expected; in SDs
/// above its mean.
double chi_square_excess(const std::vector<double>& shares, const std::vector<double>& counts, double total) {
    double chi2 = 0, expected = 0, observed = 0;
    int bins = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        expected += shares[i] * total;
        observed += counts[i];
        if (expected < 10) continue;
        chi2 += (observed - expected) * (observed - expected) / expected;
        expected = observed = 0;
        ++bins;
    }
    REQUIRE(bins > 10);
    const double freedom = bins - 1;
    return (chi2 - freedom) / std::sqrt(2 * freedom);
}

} // namespace

TEST_CASE("a partner is drawn in proportion to its elements and to the kernel of its distance") {
    // Truth: exp(-d^2/sigma^2), summed directly over all candidates. Wide and narrow kernels run through the
    // grid by rejection; 8 um in a box of 1,000 um mostly through the pass over all. Limit: 4 SD of
    // chi-square.
    const auto sigma = GENERATE(8.0, 60.0, 200.0, 750.0, std::numeric_limits<double>::infinity());
    const auto positions = box(600, 1000, 1);
    std::vector<std::int32_t> elements(600);
    for (std::size_t i = 0; i < elements.size(); ++i)
        elements[i] = static_cast<std::int32_t>(i % 4) - 1; // some have none, none counts as -1 too
    const PartnerGrid grid(positions, elements, sigma);
    const std::uint32_t excluded = 302; // has an element, and is the nearest of all
    const Position from = {positions[302][0] + 5, positions[302][1], positions[302][2]};

    std::vector<double> shares(600), counts(600);
    double total = 0;
    for (std::size_t i = 0; i < 600; ++i) {
        double d2 = 0;
        for (std::size_t axis = 0; axis < 3; ++axis) d2 += std::pow(positions[i][axis] - from[axis], 2);
        shares[i] = i == excluded ? 0 : std::max(0, elements[i]) * std::exp(-d2 / sigma / sigma);
        total += shares[i];
    }
    const int draws = 40000;
    RandomStream stream(2, Purpose::formation, 0);
    for (int n = 0; n < draws; ++n) {
        const auto partner = grid.draw(from, excluded, stream);
        REQUIRE(partner.has_value());
        REQUIRE(*partner != excluded);
        counts[*partner] += 1;
    }
    double most = 0;
    for (std::size_t i = 0; i < 600; ++i) {
        shares[i] /= total;
        most = std::max(most, shares[i]);
        if (shares[i] == 0) CHECK(counts[i] == 0);
    }
    // Four SD of each binomial where few candidates share all; chi-square where many do.
    for (std::size_t i = 0; i < 600; ++i)
        CHECK(std::abs(counts[i] - draws * shares[i]) < 5 * std::sqrt(draws * shares[i]) + 3);
    if (most < 0.05) CHECK(chi_square_excess(shares, counts, draws) < 4);
}

TEST_CASE("partners so far off that rejection gives up are drawn in the right proportion") {
    // At 30 to 33 um with sigma 8 um an attempt is accepted once in a million, so that the pass over all
    // decides. Truth: ratios exp(-(d1^2 - d0^2)/64); binomial SD of a share is at most 0.0036 with 20,000
    // draws; limit 4 SD.
    const std::vector<Position> positions = {{0, 0, 0},  {30, 0, 0}, {0, 31, 0},
                                             {0, 0, 32}, {33, 0, 0}, {900, 900, 900}};
    const PartnerGrid grid(positions, std::vector<std::int32_t>{0, 1, 1, 1, 2, 1}, 8);
    std::vector<double> shares(6);
    RandomStream stream(3, Purpose::formation, 0);
    for (int n = 0; n < 20000; ++n) shares.at(grid.draw(positions[0], {}, stream).value()) += 1 / 20000.0;
    const double sum = 1 + std::exp(-61 / 64.0) + std::exp(-124 / 64.0) + 2 * std::exp(-189 / 64.0);
    CHECK(shares[1] == Approx(1 / sum).margin(0.0144));
    CHECK(shares[2] == Approx(std::exp(-61 / 64.0) / sum).margin(0.0144));
    CHECK(shares[3] == Approx(std::exp(-124 / 64.0) / sum).margin(0.0144));
    CHECK(shares[4] == Approx(2 * std::exp(-189 / 64.0) / sum).margin(0.0144));
    CHECK(shares[0] + shares[5] == 0);
}

TEST_CASE("distances of new synapses follow the kernel and the volume of space") {
    // A target in the middle of a dense cloud chooses sources: the density of distances is proportional to
    // d^2 exp(-d^2/sigma^2) (Maxwell), with distribution erf(x) - 2 x exp(-x^2)/sqrt(pi), x = d/sigma. The
    // cloud itself has 60,000 points, so the KS limit is that of the draws (0.1 %) plus the cloud's own
    // deviation (1 %).
    const double sigma = 100;
    const auto sources = box(60000, 800, 4); // the box reaches 4 sigma each way
    const PartnerGrid grid(sources, std::vector<std::int32_t>(sources.size(), 1), sigma);
    const std::vector<Position> target = {{400, 400, 400}};
    const auto pairs = choose_sources(grid, target, std::vector<std::int32_t>{5000}, false, {.seed = 6}, 0, 1);
    REQUIRE(pairs.size() == 5000);
    std::vector<double> x;
    for (const Pair& pair : pairs) {
        const Position& s = sources[pair.source];
        x.push_back(std::hypot(s[0] - 400, s[1] - 400, s[2] - 400) / sigma);
    }
    std::sort(x.begin(), x.end());
    double distance = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = std::erf(x[i]) - 2 * x[i] * std::exp(-x[i] * x[i]) / std::sqrt(3.141592653589793);
        distance = std::max(distance, std::abs(expected - (static_cast<double>(i) + 0.5) / 5000));
    }
    CHECK(distance < 1.95 / std::sqrt(5000.0) + 0.01);
}

namespace {

using Matching = std::vector<std::pair<std::uint32_t, std::uint32_t>>; ///< (source, target), sorted

/// Butz & van Ooyen 2013 by the book: the axons that are left choose one after another, whichever comes next equally
/// likely, by the kernel among the dendrites that are left. Adds the chance of every outcome.
void play_out(const std::vector<Position>& positions, double sigma_um, const std::vector<std::uint32_t>& axons,
              const std::vector<std::uint32_t>& dendrites, const Matching& so_far, double chance,
              std::map<Matching, double>& outcomes) {
    if (axons.empty()) {
        Matching sorted = so_far;
        std::sort(sorted.begin(), sorted.end());
        outcomes[sorted] += chance;
        return;
    }
    for (std::size_t a = 0; a < axons.size(); ++a) {
        std::vector<std::uint32_t> later = axons;
        later.erase(later.begin() + static_cast<std::ptrdiff_t>(a));
        double total = 0;
        for (const std::uint32_t d : dendrites)
            if (d != axons[a]) total += distance_kernel(positions[axons[a]], positions[d], sigma_um);
        const double turn = chance / static_cast<double>(axons.size());
        if (total == 0) play_out(positions, sigma_um, later, dendrites, so_far, turn, outcomes);
        for (std::size_t k = 0; total > 0 && k < dendrites.size(); ++k) {
            if (dendrites[k] == axons[a]) continue;
            std::vector<std::uint32_t> left = dendrites;
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(k));
            Matching matching = so_far;
            matching.emplace_back(axons[a], dendrites[k]);
            const double share = distance_kernel(positions[axons[a]], positions[dendrites[k]], sigma_um) / total;
            play_out(positions, sigma_um, later, left, matching, turn * share, outcomes);
        }
    }
}

} // namespace

TEST_CASE("asking in rounds has the distribution of asking one after another") {
    // Truth: all orders and all choices of the sequential rule, enumerated; self-pairing is excluded, so that some
    // outcomes leave an element over. Kernel: wide, and so narrow that conflicts abound. The chi-square over all
    // outcomes stays below 4 SD above its mean.
    const double sigma = GENERATE(40.0, 150.0, std::numeric_limits<double>::infinity());
    const std::vector<Position> positions = {{0, 0, 0}, {50, 0, 0}, {60, 20, 10}, {0, 90, 0}, {30, 30, 30}};
    const std::vector<std::int32_t> axonal = {1, 1, 2, 0, 1}, dendritic = {1, 0, 2, 1, 1};
    std::map<Matching, double> outcomes, counts;
    play_out(positions, sigma, {0, 1, 2, 2, 4}, {0, 2, 2, 3, 4}, {}, 1, outcomes);

    const int updates = 60000;
    for (std::uint64_t update = 0; update < updates; ++update) {
        Matching matching;
        for (const Pair& p : pair_elements(positions, axonal, positions, dendritic, true, sigma,
                                           {.seed = 11, .projection = 1, .update = update}))
            matching.emplace_back(p.source, p.target);
        std::sort(matching.begin(), matching.end());
        REQUIRE(outcomes.count(matching) == 1);
        counts[matching] += 1;
    }
    std::vector<double> shares, observed;
    double sum = 0;
    for (const auto& [matching, share] : outcomes) {
        shares.push_back(share);
        observed.push_back(counts[matching]);
        sum += share;
    }
    REQUIRE(sum == Approx(1));
    CHECK(std::abs(chi_square_excess(shares, observed, updates)) < 4);
}

TEST_CASE("distances of pairs are those of asking one after another, in many rounds too") {
    // The sequential rule, drawn directly in O(N^2), against pairing, 8 times 1,000 pairs each: two-sample KS at the
    // 0.1 per cent point, 1.95 sqrt(2/8000). The pairs of an update depend on each other, which makes the sample
    // smaller by little: each axon has dozens of dendrites within sigma.
    const double sigma = GENERATE(120.0, 500.0);
    const auto positions = box(1000, 600, 12);
    const std::vector<std::int32_t> one_each(1000, 1);
    const auto distance = [&](std::uint32_t i, std::uint32_t j) {
        return std::hypot(positions[i][0] - positions[j][0], positions[i][1] - positions[j][1],
                          positions[i][2] - positions[j][2]);
    };
    std::vector<double> direct, paired;
    for (std::uint64_t update = 0; update < 8; ++update) {
        for (const Pair& p :
             pair_elements(positions, one_each, positions, one_each, true, sigma, {.seed = 13, .update = update}))
            paired.push_back(distance(p.source, p.target));
        RandomStream stream(14, Purpose::formation, 0, update);
        std::vector<std::uint32_t> axons(1000), left(1000);
        for (std::uint32_t i = 0; i < 1000; ++i) axons[i] = left[i] = i;
        std::shuffle(axons.begin(), axons.end(), stream);
        for (const std::uint32_t axon : axons) {
            double total = 0;
            std::vector<double> cumulative;
            for (const std::uint32_t d : left)
                cumulative.push_back(total += d == axon ? 0 : distance_kernel(positions[axon], positions[d], sigma));
            if (total == 0) continue;
            const auto k = std::upper_bound(cumulative.begin(), cumulative.end() - 1, stream.uniform() * total) -
                           cumulative.begin();
            direct.push_back(distance(axon, left[static_cast<std::size_t>(k)]));
            left.erase(left.begin() + k);
        }
    }
    REQUIRE(direct.size() >= 7992);
    REQUIRE(paired.size() >= 7992);
    std::sort(direct.begin(), direct.end());
    std::sort(paired.begin(), paired.end());
    double greatest = 0;
    for (std::size_t i = 0; i < direct.size(); ++i) {
        const auto below = std::upper_bound(paired.begin(), paired.end(), direct[i]) - paired.begin();
        greatest = std::max(greatest, std::abs(static_cast<double>(below) / static_cast<double>(paired.size()) -
                                               (static_cast<double>(i) + 1) / static_cast<double>(direct.size())));
    }
    CHECK(greatest < 1.95 * std::sqrt(2 / 8000.0) + 1e-3);
}

TEST_CASE("pairs are the same for any number of threads", "[engine]") {
    // Identity, not closeness. Vacant elements in plenty, so that the team does share the rounds, and both ways of
    // drawing: with 20 um in 1,000 um passes over all decide for many.
    const double sigma = GENERATE(20.0, 750.0);
    const auto positions = box(4000, 1000, 15);
    std::vector<std::int32_t> axonal(4000), dendritic(4000);
    for (std::size_t i = 0; i < 4000; ++i) {
        axonal[i] = static_cast<std::int32_t>(i % 3);
        dendritic[i] = static_cast<std::int32_t>((i / 3) % 3);
    }
    const FormationKey key{.seed = 16, .update = 5};
    const auto alone = pair_elements(positions, axonal, positions, dendritic, true, sigma, key);
    CHECK(alone.size() > 3900);
    std::vector<std::int32_t> taken(4000), given(4000);
    for (const Pair& p : alone) {
        REQUIRE(p.source != p.target);
        REQUIRE(++given[p.source] <= axonal[p.source]);
        REQUIRE(++taken[p.target] <= dendritic[p.target]);
    }
    for (const int threads : {1, 2, 3, 5}) {
        engine::Team team(threads);
        const Pairing pairing(positions, axonal, positions, dendritic, true, sigma, key);
        CHECK((engine::pair_elements(pairing, team) == alone));
    }
    const PartnerGrid grid(positions, axonal, sigma);
    auto parts = choose_sources(grid, positions, dendritic, true, key, 0, 1234);
    const auto rest = choose_sources(grid, positions, dendritic, true, key, 1234, 4000);
    parts.insert(parts.end(), rest.begin(), rest.end());
    CHECK((parts == choose_sources(grid, positions, dendritic, true, key, 0, 4000)));
}

TEST_CASE("pairing uses every element at most once, never pairs a neuron with itself, and repeats exactly") {
    const auto positions = box(300, 500, 7);
    std::vector<std::int32_t> axonal(300), dendritic(300);
    for (std::size_t i = 0; i < 300; ++i) {
        axonal[i] = static_cast<std::int32_t>(i % 5);
        dendritic[i] = static_cast<std::int32_t>((i + 2) % 4);
    }
    const auto pair = [&](std::uint64_t update) {
        return pair_elements(positions, axonal, positions, dendritic, true, 150,
                             {.seed = 9, .projection = 3, .update = update});
    };
    const auto pairs = pair(1);
    std::vector<std::int32_t> used_axonal(300), used_dendritic(300);
    for (const auto& [source, target] : pairs) {
        CHECK(source != target);
        ++used_axonal[source];
        ++used_dendritic[target];
    }
    for (std::size_t i = 0; i < 300; ++i) {
        CHECK(used_axonal[i] <= axonal[i]);
        CHECK(used_dendritic[i] <= dendritic[i]);
    }
    // 450 dendritic elements against 600 axonal: none is out of reach, so all are taken but for rare
    // leftovers on the neuron that asks last.
    CHECK(pairs.size() >= 447);
    CHECK(pairs == pair(1));
    CHECK(pairs != pair(2));
}

TEST_CASE("pairs that cannot be made are not made") {
    const std::vector<Position> two = {{0, 0, 0}, {1e5, 0, 0}};
    const FormationKey key{.seed = 1};
    const std::vector<std::int32_t> both = {1, 1}, first = {1, 0}, none = {0, 0};
    CHECK(pair_elements(two, first, two, first, true, 100, key).empty()); // only itself
    CHECK(pair_elements(two, both, two, both, true, 100, key).empty());   // a thousand sigma apart
    CHECK(pair_elements(two, both, two, both, true, 1e5, key).size() == 2);
    CHECK(pair_elements(two, both, two, both, false, 100, key).size() == 2); // two populations at the same places
    CHECK(pair_elements(two, none, two, both, false, 100, key).empty());
    CHECK(pair_elements({}, {}, {}, {}, false, 100, key).empty());
}

TEST_CASE("spine-led formation serves every target and leaves axons free") {
    const auto positions = box(100, 300, 8);
    std::vector<std::int32_t> new_elements(100);
    for (std::size_t i = 0; i < 100; i += 3) new_elements[i] = 4;
    std::vector<std::int32_t> candidates(100);
    candidates[10] = candidates[30] = 1; // two sources for all
    const PartnerGrid grid(positions, candidates, 1000);
    const auto pairs = choose_sources(grid, positions, new_elements, true, {.seed = 2}, 0, 100);
    REQUIRE(pairs.size() == 34 * 4);
    std::set<std::uint32_t> sources;
    std::vector<std::int32_t> served(100);
    for (const Pair& p : pairs) {
        CHECK(p.source != p.target);
        sources.insert(p.source);
        ++served[p.target];
    }
    CHECK(sources == std::set<std::uint32_t>{10, 30});
    CHECK(served == new_elements);
}
