#include "engine/slow_inputs.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "engine/averages.hpp"

namespace rewire::engine {
namespace {

/// a + weight (b - a) for every number but `seconds` and the calcium, which is no average.
void blend(SlowInputs& a, const SlowInputs& b, double weight) {
    const auto one = [&](double& x, double y) { x += weight * (y - x); };
    const auto all = [&](std::vector<double>& x, const std::vector<double>& y) {
        for (std::size_t i = 0; i < x.size(); ++i) one(x[i], y[i]);
    };
    for (std::size_t p = 0; p < a.populations.size(); ++p) {
        PopulationInputs& to = a.populations[p];
        const PopulationInputs& from = b.populations[p];
        all(to.rate_Hz, from.rate_Hz);
        one(to.l_type, from.l_type);
        one(to.ampa_nS, from.ampa_nS);
        for (std::size_t pool = 0; pool < 2; ++pool)
            for (std::size_t s = 0; s < to.pools[pool].size(); ++s) {
                PopulationInputs::Subunit& subunit = to.pools[pool][s];
                const PopulationInputs::Subunit& other = from.pools[pool][s];
                for (std::size_t l = 0; l < subunit.exchange.size(); ++l) all(subunit.exchange[l], other.exchange[l]);
                for (std::size_t k = 0; k < subunit.over_ic50.size(); ++k) {
                    all(subunit.exchange_over_ic50[k], other.exchange_over_ic50[k]);
                    all(subunit.over_ic50[k], other.over_ic50[k]);
                }
            }
    }
    all(a.release_events_per_s, b.release_events_per_s);
}

/// True if the slow part follows the activity of population p.
bool followed(const Model& model, std::size_t p) {
    if (model.has_chain(p)) return true;
    const auto& scaled = model.scaling_populations;
    if (std::find(scaled.begin(), scaled.end(), p) != scaled.end()) return true;
    return model.structure &&
           std::any_of(model.structure->projections.begin(), model.structure->projections.end(),
                       [&](const StructuralProjection& s) {
                           return model.projections[s.projection].target == p ||
                                  (s.rule == "elements" && model.projections[s.projection].source == p);
                       });
}

} // namespace

SlowInputs gather(const FastNetwork& network, const Model& model, double seconds) {
    SlowInputs inputs;
    inputs.seconds = seconds;
    for (const FastPopulation& population : network.populations) {
        const Drives& drives = population.drives;
        const std::size_t n = population.size();
        PopulationInputs in;
        in.rate_Hz.resize(n);
        for (std::size_t i = 0; i < n; ++i) in.rate_Hz[i] = drives.spikes[i] / seconds;
        in.calcium.assign(drives.calcium.begin(), drives.calcium.end());
        const double samples = std::max<double>(1, drives.samples);
        if (drives.sampled) {
            // Neurons that nothing drives yet are no part of it: the healthy mean that it is compared with has none.
            const std::vector<std::uint8_t>& driven = population.driven;
            double open = 0, ampa = 0;
            std::size_t counted = 0;
            for (std::size_t i = 0; i < n; ++i) {
                if (!driven.empty() && !driven[i]) continue;
                open += static_cast<double>(drives.l_type[i]);
                ampa += static_cast<double>(drives.ampa_nS[i]);
                ++counted;
            }
            const double norm = samples * static_cast<double>(std::max<std::size_t>(1, counted));
            in.l_type = open / norm + mean_where(in.rate_Hz, driven) * model.l_type.spike_ms * 1e-3;
            in.ampa_nS = ampa / norm;
        }
        const auto averaged = [&](const aligned_vector<float>& sums) {
            std::vector<double> result(sums.size());
            for (std::size_t i = 0; i < sums.size(); ++i) result[i] = static_cast<double>(sums[i]) / samples;
            return result;
        };
        for (std::size_t pool = 0; pool < 2; ++pool)
            for (const SubunitSums& subunit : drives.pools[pool]) {
                PopulationInputs::Subunit average;
                for (const auto& exchange : subunit.exchange) average.exchange.push_back(averaged(exchange));
                for (const auto& blocker : subunit.blockers) {
                    average.exchange_over_ic50.push_back(averaged(blocker.exchange_over_ic50));
                    average.over_ic50.push_back(averaged(blocker.over_ic50));
                }
                in.pools[pool].push_back(std::move(average));
            }
        inputs.populations.push_back(std::move(in));
    }
    inputs.release_events_per_s.assign(model.regions.size() * model.voxels_per_region(), 0);
    for (const FastProjection& projection : network.projections) {
        if (projection.released.empty()) continue;
        // Where the source lies: as its axon branches near it, most of its terminals are about there.
        const FastPopulation& source = network.populations[projection.specification.source];
        const std::vector<std::uint32_t> synapses = projection.synapses.outgoing_counts();
        std::vector<double> events(inputs.release_events_per_s.size(), 0);
        for (std::size_t j = 0; j < synapses.size(); ++j)
            events[source.voxel_of(j)] += static_cast<double>(projection.released[j]) * synapses[j];
        for (std::size_t v = 0; v < events.size(); ++v) inputs.release_events_per_s[v] += events[v] / seconds;
    }
    return inputs;
}

void accumulate(SlowInputs& mean, const SlowInputs& inputs) {
    if (mean.seconds == 0) {
        mean = inputs;
        return;
    }
    blend(mean, inputs, inputs.seconds / (mean.seconds + inputs.seconds));
    mean.seconds += inputs.seconds;
}

SlowInputs between(const SlowInputs& a, const SlowInputs& b, double share) {
    SlowInputs result = a;
    blend(result, b, share);
    return result;
}

std::vector<SummaryItem> summary_items(const Model& model) {
    std::vector<SummaryItem> items;
    for (std::size_t r = 0; model.glutamate && r < model.regions.size(); ++r)
        items.push_back({SummaryItem::release, r * model.voxels_per_region(),
                         "glutamate release in " + model.regions[r], model.voxels_per_region()});
    for (std::size_t p = 0; p < model.populations.size(); ++p) {
        if (!followed(model, p)) continue;
        const std::string& name = model.populations[p].name;
        items.push_back({SummaryItem::rate, p, "rate of " + name});
        if (!model.signalling) continue;
        items.push_back({SummaryItem::l_type, p, "L-type drive of " + name});
        items.push_back({SummaryItem::ampa, p, "AMPA drive of " + name});
    }
    return items;
}

std::vector<double> summary(const SlowInputs& inputs, const std::vector<SummaryItem>& items) {
    std::vector<double> values;
    for (const SummaryItem& item : items) switch (item.what) {
        case SummaryItem::release: {
            const auto first = inputs.release_events_per_s.begin() + static_cast<std::ptrdiff_t>(item.index);
            values.push_back(std::accumulate(first, first + static_cast<std::ptrdiff_t>(item.voxels), 0.0));
            break;
        }
        case SummaryItem::rate: values.push_back(mean(inputs.populations[item.index].rate_Hz)); break;
        case SummaryItem::l_type: values.push_back(inputs.populations[item.index].l_type); break;
        case SummaryItem::ampa: values.push_back(inputs.populations[item.index].ampa_nS); break;
        }
    return values;
}

SlowInputs raised(SlowInputs inputs, const std::vector<SummaryItem>& items, const std::vector<double>& rise) {
    for (std::size_t k = 0; k < items.size(); ++k) switch (items[k].what) {
        case SummaryItem::release:
            for (std::size_t v = 0; v < items[k].voxels; ++v)
                inputs.release_events_per_s[items[k].index + v] += rise[k] / static_cast<double>(items[k].voxels);
            break;
        case SummaryItem::rate:
            for (double& rate : inputs.populations[items[k].index].rate_Hz) rate += rise[k];
            break;
        case SummaryItem::l_type: inputs.populations[items[k].index].l_type += rise[k]; break;
        case SummaryItem::ampa: inputs.populations[items[k].index].ampa_nS += rise[k]; break;
        }
    return inputs;
}

} // namespace rewire::engine
