#include "network/connect.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <unordered_set>

#include <fmt/format.h>

#include "random/stream.hpp"

namespace rewire::network {
namespace {

std::uint64_t entity(std::size_t group, std::uint64_t member) {
    return (static_cast<std::uint64_t>(group) << 32) | member;
}

double square_distance(const Position& a, const Position& b) {
    const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return x * x + y * y + z * z;
}

} // namespace

double draw(const Distribution& d, RandomStream& random) {
    if (d.kind == "normal") {
        double value = d.mean + d.sd * random.normal();
        while (value * d.mean < 0) value = d.mean + d.sd * random.normal();
        return value;
    }
    if (d.kind == "lognormal") {
        const double variance = std::log1p(d.sd * d.sd / (d.mean * d.mean));
        const double magnitude =
            std::exp(std::log(std::abs(d.mean)) - 0.5 * variance + std::sqrt(variance) * random.normal());
        return std::copysign(magnitude, d.mean);
    }
    if (d.kind == "uniform") return d.low + (d.high - d.low) * random.uniform();
    return d.mean;
}

std::uint16_t delay_in_steps(double delay_ms, double dt_ms) {
    const double steps = std::max(1.0, std::round(delay_ms / dt_ms));
    if (steps > 65535)
        throw std::invalid_argument(
            fmt::format("delay of {} ms: must be at most 65535 steps of {} ms", delay_ms, dt_ms));
    return static_cast<std::uint16_t>(steps);
}

namespace {

void require(bool condition, const std::string& text) {
    if (!condition) throw std::invalid_argument(text);
}

/// Pairs by a rule of one neuron that chooses `degree` partners among `count`; `self` is left out unless allowed.
void choose_partners(RandomStream& random, std::int64_t degree, std::uint32_t count, std::int64_t self, bool multapses,
                     std::vector<std::uint32_t>& chosen) {
    chosen.clear();
    std::unordered_set<std::uint32_t> seen;
    while (static_cast<std::int64_t>(chosen.size()) < degree) {
        const std::uint32_t partner = random.below(count);
        if (partner == self || (!multapses && !seen.insert(partner).second)) continue;
        chosen.push_back(partner);
    }
}

void connect_by_probability(const Rule& rule, std::size_t index, bool recurrent, std::span<const Position> source_at,
                            std::span<const Position> target_at, std::uint64_t seed, SynapseList& list) {
    const double p = rule.probability;
    if (p <= 0) return;
    const double log_miss = p < 1 ? std::log1p(-p) : 0;
    const double per_variance = rule.sigma_um > 0 ? 0.5 / (rule.sigma_um * rule.sigma_um) : 0;
    for (std::uint32_t j = 0; j < source_at.size(); ++j) {
        RandomStream random(seed, Purpose::connection, entity(index, j));
        // Geometric jumps from hit to hit cost one draw a candidate synapse, not one a pair; the distance kernel,
        // at most 1, then thins the candidates.
        double i = -1;
        while (true) {
            i += p < 1 ? 1 + std::floor(std::log(random.uniform()) / log_miss) : 1;
            if (i >= static_cast<double>(target_at.size())) break;
            const auto target = static_cast<std::uint32_t>(i);
            if (recurrent && !rule.autapses && target == j) continue;
            if (per_variance > 0 &&
                random.uniform() >= std::exp(-per_variance * square_distance(source_at[j], target_at[target])))
                continue;
            list.source.push_back(j);
            list.target.push_back(target);
        }
    }
}

void connect_by_degree(const Rule& rule, std::size_t index, bool recurrent, std::uint32_t choosers,
                       std::uint32_t partners, std::uint64_t seed, SynapseList& list) {
    const bool indegree = rule.kind == "fixed_indegree";
    const std::int64_t available = static_cast<std::int64_t>(partners) - (recurrent && !rule.autapses ? 1 : 0);
    require(rule.degree == 0 || available > 0,
            fmt::format("{} = {}: there is no neuron to connect to", rule.kind, rule.degree));
    require(rule.multapses || rule.degree <= available,
            fmt::format("{} = {}: must be at most {}, the number of partners, when multapses = false", rule.kind,
                        rule.degree, available));
    std::vector<std::uint32_t> chosen;
    for (std::uint32_t i = 0; i < choosers; ++i) {
        RandomStream random(seed, Purpose::connection, entity(index, i));
        choose_partners(random, rule.degree, partners, recurrent && !rule.autapses ? i : -1, rule.multapses, chosen);
        for (const std::uint32_t partner : chosen) {
            list.source.push_back(indegree ? partner : i);
            list.target.push_back(indegree ? i : partner);
        }
    }
}

void connect_pairwise(const Rule& rule, std::size_t sources, std::size_t targets, const PairwiseColumns& columns,
                      SynapseList& list) {
    require(
        columns.source.size() == columns.target.size(),
        fmt::format("{}: source has {} entries, target {}", rule.file, columns.source.size(), columns.target.size()));
    for (std::size_t k = 0; k < columns.source.size(); ++k) {
        require(columns.source[k] < sources,
                fmt::format("{}: source[{}] = {}: must be below {}", rule.file, k, columns.source[k], sources));
        require(columns.target[k] < targets,
                fmt::format("{}: target[{}] = {}: must be below {}", rule.file, k, columns.target[k], targets));
    }
    list.source = columns.source;
    list.target = columns.target;
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

SynapseList connect(const Projection& projection, std::size_t index, const Population& source, const Population& target,
                    std::span<const Position> source_positions, std::span<const Position> target_positions,
                    double dt_ms, std::uint64_t seed, const PairwiseColumns& pairwise) {
    const Rule& rule = projection.rule;
    const bool recurrent = projection.source == projection.target;
    const auto sources = static_cast<std::uint32_t>(source.size), targets = static_cast<std::uint32_t>(target.size);
    SynapseList list;
    if (rule.kind == "probability") {
        connect_by_probability(rule, index, recurrent, source_positions, target_positions, seed, list);
    } else if (rule.kind == "fixed_indegree") {
        connect_by_degree(rule, index, recurrent, targets, sources, seed, list);
    } else if (rule.kind == "fixed_outdegree") {
        connect_by_degree(rule, index, recurrent, sources, targets, seed, list);
    } else if (rule.kind == "pairwise") {
        connect_pairwise(rule, sources, targets, pairwise, list);
    } else if (rule.kind == "one_to_one") {
        require(
            sources == targets,
            fmt::format("one_to_one: the populations have {} and {} neurons: sizes must be equal", sources, targets));
        list.source.resize(sources);
        std::iota(list.source.begin(), list.source.end(), 0u);
        list.target = list.source;
    } else {
        Rule everyone = rule;
        everyone.probability = 1;
        everyone.sigma_um = 0;
        connect_by_probability(everyone, index, recurrent, source_positions, target_positions, seed, list);
    }

    const std::size_t count = list.size();
    const bool own_weights = !pairwise.weight.empty() && rule.kind == "pairwise";
    const bool own_delays = !pairwise.delay_ms.empty() && rule.kind == "pairwise";
    if (own_weights) {
        require(pairwise.weight.size() == count,
                fmt::format("{}: weight has {} entries, source {}", rule.file, pairwise.weight.size(), count));
        list.weight.assign(pairwise.weight.begin(), pairwise.weight.end());
    } else if (projection.weight.kind == "constant") {
        list.shared_weight = static_cast<float>(projection.weight.mean);
    } else {
        RandomStream random(seed, Purpose::weight, entity(index, 0));
        list.weight.resize(count);
        for (float& w : list.weight) w = static_cast<float>(draw(projection.weight, random));
    }
    RandomStream random(seed, Purpose::delay, entity(index, 0));
    list.delay_steps.resize(count);
    require(!own_delays || pairwise.delay_ms.size() == count,
            fmt::format("{}: delay_ms has {} entries, source {}", rule.file, pairwise.delay_ms.size(), count));
    for (std::size_t k = 0; k < count; ++k)
        list.delay_steps[k] =
            delay_in_steps(own_delays ? pairwise.delay_ms[k] : draw(projection.delay_ms, random), dt_ms);
    return list;
}

double expected_synapses(const Projection& projection, const Population& source, const Population& target,
                         std::uint64_t seed) {
    const Rule& rule = projection.rule;
    const auto n = static_cast<double>(source.size), m = static_cast<double>(target.size);
    const double pairs = n * m - (projection.source == projection.target && !rule.autapses ? n : 0);
    if (rule.kind == "fixed_indegree") return m * static_cast<double>(rule.degree);
    if (rule.kind == "fixed_outdegree") return n * static_cast<double>(rule.degree);
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
