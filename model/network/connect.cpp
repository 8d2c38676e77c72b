#include "network/connect.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>

#include <boost/random/binomial_distribution.hpp>
#include <fmt/format.h>

#include "random/bulk.hpp"
#include "random/stream.hpp"

namespace rewire::network {
namespace {

using Neurons = std::vector<std::uint32_t>;

/// Draw counters of one neuron's streams (the time of the random key).
enum : std::uint64_t { in_bulk, one_by_one, thinning, shares };

std::uint64_t entity(std::size_t group, std::uint64_t member) {
    return (static_cast<std::uint64_t>(group) << 32) | member;
}

double square_distance(const Position& a, const Position& b) {
    const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return x * x + y * y + z * z;
}

void require(bool condition, const std::string& text) {
    if (!condition) throw std::invalid_argument(text);
}

std::int64_t binomial(RandomStream& random, std::int64_t trials, double p) {
    if (p <= 0 || trials <= 0) return 0;
    if (p >= 1) return trials;
    return boost::random::binomial_distribution<std::int64_t, double>(trials, p)(random);
}

/// Memory of one piece of work.
struct Scratch {
    std::vector<std::uint32_t> words;
    Neurons sorted, candidates;
    std::vector<std::uint16_t> group;
};

/// Ascending order by counting sort of bytes, lowest first; all values are below `bound`.
void sort_neurons(Neurons& neurons, std::uint32_t bound, Neurons& other) {
    if (neurons.size() < 64) return std::sort(neurons.begin(), neurons.end());
    other.resize(neurons.size());
    for (int shift = 0; shift < 32 && (bound - 1) >> shift != 0; shift += 8) {
        std::array<std::uint32_t, 256> next{};
        for (const std::uint32_t i : neurons) ++next[(i >> shift) & 255];
        std::uint32_t begin = 0;
        for (std::uint32_t& n : next) begin += std::exchange(n, begin);
        for (const std::uint32_t i : neurons) other[next[(i >> shift) & 255]++] = i;
        neurons.swap(other);
    }
}

/// The draws of one neuron that chooses partners among `count`.
struct Chooser {
    std::uint64_t seed, key;
    std::uint32_t count;

    /// Draws `n` partners with replacement, in no order.
    void draw(std::size_t n, Scratch& scratch, Neurons& chosen) const {
        chosen.resize(n);
        if (n == 0) return;
        bulk_words(seed, Purpose::connection, key, in_bulk, n, scratch.words);
        // Lemire's multiplication; the few words that would bring a bias are drawn again.
        const std::uint32_t biased = static_cast<std::uint32_t>(-count) % count;
        bool again = false;
        for (std::size_t k = 0; k < n; ++k) {
            const std::uint64_t product = std::uint64_t{scratch.words[k]} * count;
            chosen[k] = static_cast<std::uint32_t>(product >> 32);
            again |= static_cast<std::uint32_t>(product) < biased;
        }
        if (!again) return;
        RandomStream random(seed, Purpose::connection, key, one_by_one);
        for (std::size_t k = 0; k < n; ++k)
            if (scratch.words[k] * count < biased) chosen[k] = random.below(count);
    }
    /// Draws `n` distinct partners, at most `count`, in ascending order.
    void draw_distinct(std::size_t n, Scratch& scratch, Neurons& chosen) const {
        const bool complement = 2 * n > count; // those left out are fewer
        const std::size_t wanted = complement ? count - n : n;
        draw(wanted, scratch, chosen);
        RandomStream random(seed, Purpose::connection, key, thinning);
        while (true) { // what comes twice is drawn again
            sort_neurons(chosen, count, scratch.sorted);
            chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
            if (chosen.size() == wanted) break;
            for (std::size_t missing = wanted - chosen.size(); missing > 0; --missing)
                chosen.push_back(random.below(count));
        }
        if (!complement) return;
        scratch.sorted.clear();
        auto left_out = chosen.begin();
        for (std::uint32_t i = 0; i < count; ++i)
            if (left_out != chosen.end() && *left_out == i)
                ++left_out;
            else
                scratch.sorted.push_back(i);
        chosen.swap(scratch.sorted);
    }
};

/// Partners were drawn among all but `self`: numbers from there on move up by one.
void skip_self(Neurons& chosen, std::uint32_t self) {
    for (std::uint32_t& i : chosen) i += i >= self;
}

/// Sets `targets` to those of a source, in ascending order.
using TargetsOf = std::function<void(std::uint32_t source, Scratch& scratch, Neurons& targets)>;

/// What every rule knows.
struct Wiring {
    const Rule& rule;
    std::size_t index;
    std::uint64_t seed;
    std::uint32_t sources, targets;
    bool no_autapses; ///< between the same neurons, and not asked for
    const Executor& executor;

    Chooser chooser(std::uint32_t neuron, std::uint32_t partners) const {
        return {seed, entity(index, neuron), partners - (no_autapses ? 1 : 0)};
    }
};

TargetsOf by_probability(const Wiring& w, std::span<const Position> source_at, std::span<const Position> target_at) {
    return [=](std::uint32_t j, Scratch& scratch, Neurons& targets) {
        // A binomial number of candidates, then which; the distance kernel, at most 1, thins them.
        const Chooser chooser = w.chooser(j, w.targets);
        RandomStream random(w.seed, Purpose::connection, chooser.key, shares);
        chooser.draw_distinct(static_cast<std::size_t>(binomial(random, chooser.count, w.rule.probability)), scratch,
                              targets);
        if (w.no_autapses) skip_self(targets, j);
        if (w.rule.sigma_um <= 0) return;
        const double per_variance = 0.5 / (w.rule.sigma_um * w.rule.sigma_um);
        std::erase_if(targets, [&](std::uint32_t i) {
            return random.uniform() >= std::exp(-per_variance * square_distance(source_at[j], target_at[i]));
        });
    };
}

/// Partners that neuron i chooses under a rule of fixed degree.
void choose(const Wiring& w, std::uint32_t i, std::uint32_t partners, Scratch& scratch, Neurons& chosen) {
    const Chooser chooser = w.chooser(i, partners);
    const auto degree = static_cast<std::size_t>(w.rule.degree);
    if (w.rule.multapses)
        chooser.draw(degree, scratch, chosen);
    else
        chooser.draw_distinct(degree, scratch, chosen);
    if (w.no_autapses) skip_self(chosen, i);
}

void check_degree(const Wiring& w, std::uint32_t partners) {
    const std::int64_t available = static_cast<std::int64_t>(partners) - (w.no_autapses ? 1 : 0);
    require(w.rule.degree == 0 || available > 0,
            fmt::format("{} = {}: there is no neuron to connect to", w.rule.kind, w.rule.degree));
    require(w.rule.multapses || w.rule.degree <= available,
            fmt::format("{} = {}: must be at most {}, the number of partners, when multapses = false", w.rule.kind,
                        w.rule.degree, available));
}

TargetsOf by_outdegree(const Wiring& w) {
    check_degree(w, w.targets);
    return [=](std::uint32_t j, Scratch& scratch, Neurons& targets) {
        if (w.rule.degree == 0) return targets.clear();
        choose(w, j, w.targets, scratch, targets);
        if (w.rule.multapses) sort_neurons(targets, w.targets, scratch.sorted);
    };
}

/// Distinct pairs of fixed_total_number without multapses, as source x partners + partner, ascending; where `number` is
/// more than half of all, those that are left out.
std::vector<std::uint64_t> distinct_pairs(const Wiring& w, std::uint64_t wanted, std::uint64_t pairs) {
    RandomStream random(w.seed, Purpose::connection, entity(w.index, 0), one_by_one);
    std::uint64_t mask = pairs - 1;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    std::vector<std::uint64_t> drawn;
    while (drawn.size() < wanted) {
        const auto before = static_cast<std::ptrdiff_t>(drawn.size());
        while (drawn.size() < wanted) {
            const std::uint64_t high = random(), pair = (high << 32 | random()) & mask;
            if (pair < pairs) drawn.push_back(pair);
        }
        std::sort(drawn.begin() + before, drawn.end());
        std::inplace_merge(drawn.begin(), drawn.begin() + before, drawn.end());
        drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
    }
    return drawn;
}

TargetsOf by_total_number(const Wiring& w) {
    const std::uint32_t partners = w.targets - (w.no_autapses ? 1 : 0);
    const std::uint64_t pairs = std::uint64_t{w.sources} * partners;
    const auto number = static_cast<std::uint64_t>(w.rule.number);
    require(number == 0 || pairs > 0,
            fmt::format("fixed_total_number = {}: there is no pair to connect", w.rule.number));
    if (!w.rule.multapses) {
        require(number <= pairs,
                fmt::format("fixed_total_number = {}: must be at most {}, the number of pairs, when multapses = false",
                            w.rule.number, pairs));
        const bool complement = number > pairs / 2;
        return [=, drawn = distinct_pairs(w, complement ? pairs - number : number, pairs)](std::uint32_t j, Scratch&,
                                                                                           Neurons& targets) {
            const std::uint64_t first = std::uint64_t{j} * partners;
            auto next = std::lower_bound(drawn.begin(), drawn.end(), first);
            targets.clear();
            if (complement) {
                for (std::uint32_t i = 0; i < partners; ++i)
                    if (next != drawn.end() && *next == first + i)
                        ++next;
                    else
                        targets.push_back(i);
            } else {
                for (; next != drawn.end() && *next < first + partners; ++next)
                    targets.push_back(static_cast<std::uint32_t>(*next - first));
            }
            if (w.no_autapses) skip_self(targets, j);
        };
    }
    // Drawn with replacement, the numbers of synapses per source are multinomial: one binomial after another.
    RandomStream random(w.seed, Purpose::connection, entity(w.index, 0), shares);
    std::vector<std::size_t> degree(w.sources);
    std::int64_t left = w.rule.number;
    for (std::uint32_t j = 0; j < w.sources; ++j) {
        const std::int64_t own = binomial(random, left, 1.0 / (w.sources - j));
        degree[j] = static_cast<std::size_t>(own);
        left -= own;
    }
    return [=, degrees = std::move(degree)](std::uint32_t j, Scratch& scratch, Neurons& targets) {
        if (degrees[j] == 0) return targets.clear();
        w.chooser(j, w.targets).draw(degrees[j], scratch, targets);
        if (w.no_autapses) skip_self(targets, j);
        sort_neurons(targets, w.targets, scratch.sorted);
    };
}

TargetsOf one_to_one(const Wiring& w) {
    require(w.sources == w.targets, fmt::format("one_to_one: the populations have {} and {} neurons: sizes must be "
                                                "equal",
                                                w.sources, w.targets));
    return [](std::uint32_t j, Scratch&, Neurons& targets) { targets.assign(1, j); };
}

TargetsOf all_to_all(const Wiring& w) {
    return [=](std::uint32_t j, Scratch&, Neurons& targets) {
        targets.resize(w.targets - (w.no_autapses ? 1 : 0));
        std::iota(targets.begin(), targets.end(), 0u);
        if (w.no_autapses) skip_self(targets, j);
    };
}

/// Fills the store's arrays source by source.
class Finisher {
public:
    Finisher(const Wiring& wiring, const Projection& projection, double dt_ms, SynapseRows& rows)
        : wiring_(wiring),
          weight_(projection.weight),
          own_weights_(projection.weight.kind != "constant" || projection.long_term.has_value()),
          delays_(delay_table(projection.delay_ms, dt_ms)),
          rows_(rows) {}

    const DelayTable& delays() const { return delays_; }

    /// Room for the synapses of all sources, whose numbers stand in rows.offset[1..].
    void allocate() {
        std::partial_sum(rows_.offset.begin(), rows_.offset.end(), rows_.offset.begin());
        rows_.target.resize(rows_.offset.back());
        if (own_weights_) rows_.weight.resize(rows_.offset.back());
        rows_.row_end.resize(std::size_t{wiring_.sources} * delays_.steps.size());
    }
    /// Puts the targets of a source, ascending, into rows by delay, and draws its weights.
    void finish(std::uint32_t j, std::span<const std::uint32_t> targets, Scratch& scratch) const {
        const std::size_t n = targets.size(), groups = delays_.steps.size();
        std::uint32_t* out = rows_.target.data() + rows_.offset[j];
        std::uint32_t* end = rows_.row_end.data() + j * groups;
        const std::uint64_t key = entity(wiring_.index, j);
        if (groups == 1) {
            if (out != targets.data()) std::copy(targets.begin(), targets.end(), out);
            end[0] = static_cast<std::uint32_t>(n);
        } else if (n > 0) {
            bulk_words(wiring_.seed, Purpose::delay, key, in_bulk, n, scratch.words);
            scratch.group.resize(n);
            std::fill(end, end + groups, 0);
            for (std::size_t k = 0; k < n; ++k) {
                scratch.group[k] = delays_.group(scratch.words[k]);
                ++end[scratch.group[k]];
            }
            std::uint32_t begin = 0;
            for (std::size_t g = 0; g < groups; ++g) begin += std::exchange(end[g], begin);
            for (std::size_t k = 0; k < n; ++k) out[end[scratch.group[k]]++] = targets[k]; // leaves the ends of rows
        }
        if (rows_.weight.empty() || n == 0) return;
        if (weight_.kind != "constant") bulk_words(wiring_.seed, Purpose::weight, key, in_bulk, n, scratch.words);
        draw_weights(weight_, scratch.words.data(), std::span(rows_.weight.data() + rows_.offset[j], n));
    }

private:
    const Wiring& wiring_;
    const Distribution& weight_;
    bool own_weights_;
    DelayTable delays_;
    SynapseRows& rows_;
};

/// Sources in equal runs: small ones, so that threads share the work evenly.
constexpr std::uint32_t run_of_sources = 128;

/// Rules that draw the targets of each source.
void connect_sources(const Wiring& w, const TargetsOf& targets_of, Finisher& finisher, SynapseRows& rows) {
    const std::size_t runs = (w.sources + run_of_sources - 1) / run_of_sources;
    std::vector<Neurons> drawn(runs);
    const auto each_source = [&](std::size_t run, auto&& f) {
        const auto first = static_cast<std::uint32_t>(run * run_of_sources);
        for (std::uint32_t j = first; j < std::min(first + run_of_sources, w.sources); ++j) f(j);
    };
    w.executor.run(runs, [&](std::size_t run) {
        Scratch scratch;
        Neurons targets;
        each_source(run, [&](std::uint32_t j) {
            targets_of(j, scratch, targets);
            drawn[run].insert(drawn[run].end(), targets.begin(), targets.end());
            rows.offset[j + 1] = targets.size();
        });
        drawn[run].shrink_to_fit();
    });
    finisher.allocate();
    w.executor.run(runs, [&](std::size_t run) {
        Scratch scratch;
        const std::size_t before = rows.offset[run * run_of_sources];
        each_source(run, [&](std::uint32_t j) {
            finisher.finish(j,
                            std::span(drawn[run]).subspan(rows.offset[j] - before, rows.offset[j + 1] - rows.offset[j]),
                            scratch);
        });
        Neurons().swap(drawn[run]);
    });
}

/// fixed_indegree: the sources of each target are drawn twice, to count and to write.
void connect_targets(const Wiring& w, Finisher& finisher, SynapseRows& rows) {
    check_degree(w, w.sources);
    // Each piece of the targets keeps a place to write for every source, so pieces are few.
    const std::size_t pieces = std::clamp<std::size_t>(2 * w.executor.width, 1, std::max<std::uint32_t>(1, w.targets));
    std::vector<std::vector<std::size_t>> next(pieces);
    const auto each_target = [&](std::size_t piece, auto&& f) {
        if (w.rule.degree == 0) return;
        Scratch scratch;
        Neurons chosen;
        const auto end = static_cast<std::uint32_t>((piece + 1) * w.targets / pieces);
        for (auto i = static_cast<std::uint32_t>(piece * w.targets / pieces); i < end; ++i) {
            choose(w, i, w.sources, scratch, chosen);
            for (const std::uint32_t j : chosen) f(i, j);
        }
    };
    w.executor.run(pieces, [&](std::size_t piece) {
        next[piece].resize(w.sources);
        each_target(piece, [&](std::uint32_t, std::uint32_t j) { ++next[piece][j]; });
    });
    for (std::uint32_t j = 0; j < w.sources; ++j)
        for (const auto& counts : next) rows.offset[j + 1] += counts[j];
    finisher.allocate();
    for (std::uint32_t j = 0; j < w.sources; ++j) {
        std::size_t begin = rows.offset[j];
        for (auto& places : next) begin += std::exchange(places[j], begin);
    }
    w.executor.run(pieces, [&](std::size_t piece) {
        each_target(piece, [&](std::uint32_t i, std::uint32_t j) { rows.target[next[piece][j]++] = i; });
    });
    next.clear();
    const bool in_order = finisher.delays().steps.size() == 1;
    w.executor.run((w.sources + run_of_sources - 1) / run_of_sources, [&](std::size_t run) {
        Scratch scratch;
        const auto first = static_cast<std::uint32_t>(run * run_of_sources);
        for (std::uint32_t j = first; j < std::min(first + run_of_sources, w.sources); ++j) {
            const std::span targets(rows.target.data() + rows.offset[j], rows.offset[j + 1] - rows.offset[j]);
            if (!in_order) scratch.candidates.assign(targets.begin(), targets.end());
            finisher.finish(j, in_order ? targets : scratch.candidates, scratch);
        }
    });
}

/// Delays of the table that no synapse has drawn are left out.
void drop_empty_groups(std::vector<std::uint16_t>& steps, std::vector<std::uint32_t>& row_end, std::uint32_t sources) {
    const std::size_t groups = steps.size();
    std::vector<bool> used(groups);
    for (std::size_t j = 0; j < sources; ++j)
        for (std::size_t g = 0; g < groups; ++g)
            if (row_end[j * groups + g] > (g == 0 ? 0 : row_end[j * groups + g - 1])) used[g] = true;
    std::size_t kept = 0;
    for (std::size_t r = 0; r < row_end.size(); ++r)
        if (used[r % groups]) row_end[kept++] = row_end[r];
    row_end.resize(kept);
    kept = 0;
    for (std::size_t g = 0; g < groups; ++g)
        if (used[g]) steps[kept++] = steps[g];
    steps.resize(kept);
}

SynapseStore connect_pairwise(const Rule& rule, SynapseLayout layout, const Projection& projection, std::size_t index,
                              const PairwiseColumns& columns, double dt_ms, std::uint64_t seed) {
    const std::size_t count = columns.source.size();
    const auto same_length = [&](const char* name, std::size_t size) {
        require(size == count, fmt::format("{}: {} has {} entries, source {}", rule.file, name, size, count));
    };
    require(count == columns.target.size(), fmt::format("{}: source has {} entries, target {}", rule.file,
                                                        columns.source.size(), columns.target.size()));
    for (std::size_t k = 0; k < count; ++k) {
        require(columns.source[k] < layout.sources,
                fmt::format("{}: source[{}] = {}: must be below {}", rule.file, k, columns.source[k], layout.sources));
        require(columns.target[k] < layout.targets,
                fmt::format("{}: target[{}] = {}: must be below {}", rule.file, k, columns.target[k], layout.targets));
    }
    std::vector<float> weight;
    if (!columns.weight.empty()) {
        same_length("weight", columns.weight.size());
        weight.assign(columns.weight.begin(), columns.weight.end());
        layout.own_weights = true;
    } else if (projection.weight.kind != "constant") {
        RandomStream random(seed, Purpose::weight, entity(index, 0));
        weight.resize(count);
        for (float& w : weight) w = static_cast<float>(draw(projection.weight, random));
    }
    if (!columns.delay_ms.empty()) same_length("delay_ms", columns.delay_ms.size());
    RandomStream random(seed, Purpose::delay, entity(index, 0));
    std::vector<std::uint16_t> delay(count);
    for (std::size_t k = 0; k < count; ++k)
        delay[k] =
            delay_in_steps(columns.delay_ms.empty() ? draw(projection.delay_ms, random) : columns.delay_ms[k], dt_ms);
    return SynapseStore(std::move(layout), columns.source, delay, columns.target, weight);
}

} // namespace

std::vector<Position> place(const Population& population, std::size_t population_index, std::uint64_t seed) {
    std::vector<Position> positions(static_cast<std::size_t>(population.size));
    for (std::size_t i = 0; i < positions.size(); ++i) {
        RandomStream random(seed, Purpose::position, entity(population_index, i));
        for (std::size_t axis = 0; axis < 3; ++axis)
            positions[i][axis] = population.origin_um[axis] + population.box_um[axis] * random.uniform();
    }
    return positions;
}

SynapseStore connect(const Projection& projection, std::size_t index, const Population& source,
                     const Population& target, std::span<const Position> source_positions,
                     std::span<const Position> target_positions, double dt_ms, std::uint64_t seed,
                     const PairwiseColumns& pairwise, const Executor& executor) {
    const Rule& rule = projection.rule;
    const auto sources = static_cast<std::uint32_t>(source.size), targets = static_cast<std::uint32_t>(target.size);
    SynapseLayout layout{.sources = sources,
                         .targets = targets,
                         .shared_weight = static_cast<float>(projection.weight.mean),
                         .own_weights = projection.weight.kind != "constant" || projection.long_term.has_value(),
                         .ageing = projection.structural};
    if (rule.kind == "pairwise")
        return connect_pairwise(rule, std::move(layout), projection, index, pairwise, dt_ms, seed);

    const Wiring wiring{rule,    index,
                        seed,    sources,
                        targets, projection.source == projection.target && !rule.autapses && rule.kind != "one_to_one",
                        executor};
    SynapseRows rows{.offset = std::vector<std::size_t>(std::size_t{sources} + 1)};
    Finisher finisher(wiring, projection, dt_ms, rows);
    if (rule.kind == "fixed_indegree")
        connect_targets(wiring, finisher, rows);
    else
        connect_sources(wiring,
                        rule.kind == "probability"          ? by_probability(wiring, source_positions, target_positions)
                        : rule.kind == "fixed_outdegree"    ? by_outdegree(wiring)
                        : rule.kind == "fixed_total_number" ? by_total_number(wiring)
                        : rule.kind == "one_to_one"         ? one_to_one(wiring)
                                                            : all_to_all(wiring),
                        finisher, rows);
    layout.delays_steps = finisher.delays().steps;
    // What will form in a projection that is still empty needs the delays all the same.
    if (rows.offset.back() > 0) drop_empty_groups(layout.delays_steps, rows.row_end, sources);
    return SynapseStore(std::move(layout), std::move(rows));
}

double expected_synapses(const Projection& projection, const Population& source, const Population& target,
                         std::uint64_t seed) {
    const Rule& rule = projection.rule;
    const auto n = static_cast<double>(source.size), m = static_cast<double>(target.size);
    const double pairs = n * m - (projection.source == projection.target && !rule.autapses ? n : 0);
    if (rule.kind == "fixed_indegree") return m * static_cast<double>(rule.degree);
    if (rule.kind == "fixed_outdegree") return n * static_cast<double>(rule.degree);
    if (rule.kind == "fixed_total_number") return static_cast<double>(rule.number);
    if (rule.kind == "one_to_one") return n;
    if (rule.kind == "all_to_all") return pairs;
    if (rule.kind == "pairwise") return 0;
    double kernel = 1;
    if (rule.sigma_um > 0) {
        const int samples = 4000;
        double sum = 0;
        RandomStream random(seed, Purpose::connection, entity(projection.source, 0xffffffffu), 1);
        for (int k = 0; k < samples; ++k) {
            double square = 0;
            for (std::size_t axis = 0; axis < 3; ++axis) {
                const double d = source.origin_um[axis] + source.box_um[axis] * random.uniform() -
                                 target.origin_um[axis] - target.box_um[axis] * random.uniform();
                square += d * d;
            }
            sum += std::exp(-0.5 * square / (rule.sigma_um * rule.sigma_um));
        }
        kernel = sum / samples;
    }
    return pairs * rule.probability * kernel;
}

} // namespace rewire::network
