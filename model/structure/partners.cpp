#include "structure/partners.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace rewire::structure {
namespace {

constexpr double reach_d2 = 26.0 * 26.0; // in sigma^2; beyond, K comes near the least normal number
constexpr double slices_per_sigma = 2;   // finer ones bring the bound no nearer to K than it pays
constexpr double elements_per_cell = 8;  // with fewer, the fullest cell is many times the mean one

double square(double x) { return x * x; }

std::vector<std::uint32_t> expand(std::span<const std::int32_t> counts) {
    std::vector<std::uint32_t> elements;
    elements.reserve(counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i)
        elements.insert(elements.end(), static_cast<std::size_t>(std::max(0, counts[i])),
                        static_cast<std::uint32_t>(i));
    return elements;
}

} // namespace

double distance_kernel(const Position& a, const Position& b, double sigma_um) {
    const double d2 = square(a[0] - b[0]) + square(a[1] - b[1]) + square(a[2] - b[2]);
    return std::exp(-d2 / square(sigma_um));
}

PartnerGrid::PartnerGrid(std::span<const Position> positions, std::span<const std::int32_t> counts, double sigma_um)
    : PartnerGrid(positions, expand(counts), sigma_um) {}

PartnerGrid::PartnerGrid(std::span<const Position> positions, std::vector<std::uint32_t> elements, double sigma_um)
    : positions_(positions),
      sigma_um_(sigma_um) {
    if (elements.empty()) return;
    Position extent{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (const std::uint32_t neuron : elements) {
            low = std::min(low, positions[neuron][axis]);
            high = std::max(high, positions[neuron][axis]);
        }
        origin_[axis] = low;
        extent[axis] = high - low;
    }
    const double cells = std::max(1.0, static_cast<double>(elements.size()) / elements_per_cell);
    for (double wanted_um = sigma_um / slices_per_sigma;; wanted_um *= 1.1) {
        double product = 1;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const double slices = std::max(1.0, std::floor(extent[axis] / wanted_um));
            product *= slices;
            slices_[axis] = static_cast<std::size_t>(std::min(slices, double{most_slices} + 1));
            cell_um_[axis] = extent[axis] / static_cast<double>(slices_[axis]);
        }
        if (product <= cells && std::ranges::max(slices_) <= most_slices) break;
    }

    // Counting sort by cell.
    begin_.assign(slices_[0] * slices_[1] * slices_[2] + 1, 0);
    std::vector<std::uint32_t> cell(elements.size());
    for (std::size_t e = 0; e < elements.size(); ++e) {
        cell[e] = static_cast<std::uint32_t>(cell_of(positions[elements[e]]));
        ++begin_[cell[e]];
    }
    fullest_ = *std::ranges::max_element(begin_);
    std::uint32_t end = 0;
    for (std::uint32_t& begin : begin_) begin = end += begin;
    elements_.resize(elements.size());
    for (std::size_t e = elements.size(); e-- > 0;) elements_[--begin_[cell[e]]] = elements[e];
}

std::size_t PartnerGrid::cell_of(const Position& position) const {
    std::size_t cell = 0;
    for (std::size_t axis = 3; axis-- > 0;) {
        std::size_t slice = 0;
        if (slices_[axis] > 1)
            slice = std::min(static_cast<std::size_t>((position[axis] - origin_[axis]) / cell_um_[axis]),
                             slices_[axis] - 1);
        cell = cell * slices_[axis] + slice;
    }
    return cell;
}

/// Slices are taken a little wider than they are, so that rounding in cell_of never puts a position outside its
/// slice.
void PartnerGrid::look_along(std::size_t axis, double coordinate, Outlook& outlook) const {
    const double margin = 1e-9 * cell_um_[axis];
    double total = 0;
    for (std::size_t i = 0; i < slices_[axis]; ++i) {
        const double low = origin_[axis] + static_cast<double>(i) * cell_um_[axis] - margin;
        const double high = low + cell_um_[axis] + 2 * margin;
        outlook.least_d2[i] = square((coordinate - std::clamp(coordinate, low, high)) / sigma_um_);
        outlook.cumulative[i] = total += std::exp(-outlook.least_d2[i]);
    }
}

template <class Usable>
std::optional<std::uint32_t> PartnerGrid::draw_element(const Position& from, const Usable& usable,
                                                       RandomStream& stream) const {
    if (elements_.empty()) return {};
    std::array<Outlook, 3> outlook;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        look_along(axis, from[axis], outlook[axis]);
        if (!(outlook[axis].cumulative[slices_[axis] - 1] > 0)) return {};
    }
    // So many attempts cost about as much as the pass over all candidates.
    const std::size_t attempts = 32 + elements_.size() / 4;
    for (std::size_t attempt = 0; attempt < attempts; ++attempt) {
        std::size_t cell = 0;
        double least_d2 = 0;
        for (std::size_t axis = 3; axis-- > 0;) {
            std::size_t slice = 0;
            if (slices_[axis] > 1) {
                const double point = stream.uniform() * outlook[axis].cumulative[slices_[axis] - 1];
                for (std::size_t i = 0; i + 1 < slices_[axis]; ++i) slice += outlook[axis].cumulative[i] <= point;
            }
            cell = cell * slices_[axis] + slice;
            least_d2 += outlook[axis].least_d2[slice];
        }
        const std::uint32_t element = begin_[cell] + stream.below(fullest_);
        if (element >= begin_[cell + 1] || !usable(element)) continue;
        const Position& at = positions_[elements_[element]];
        const double d2 =
            (square(from[0] - at[0]) + square(from[1] - at[1]) + square(from[2] - at[2])) / square(sigma_um_);
        if (d2 <= reach_d2 && stream.uniform() < std::exp(least_d2 - d2)) return element;
    }
    return draw_from_all(from, outlook, usable, stream);
}

template <class Usable>
std::optional<std::uint32_t> PartnerGrid::draw_from_all(const Position& from, const std::array<Outlook, 3>& outlook,
                                                        const Usable& usable, RandomStream& stream) const {
    std::vector<std::pair<double, std::uint32_t>> cumulative;
    double total = 0;
    std::size_t cell = 0;
    for (std::size_t z = 0; z < slices_[2]; ++z)
        for (std::size_t y = 0; y < slices_[1]; ++y)
            for (std::size_t x = 0; x < slices_[0]; ++x, ++cell) {
                if (outlook[0].least_d2[x] + outlook[1].least_d2[y] + outlook[2].least_d2[z] > reach_d2) continue;
                for (std::uint32_t element = begin_[cell]; element < begin_[cell + 1]; ++element) {
                    if (!usable(element)) continue;
                    const Position& at = positions_[elements_[element]];
                    const double d2 = (square(from[0] - at[0]) + square(from[1] - at[1]) + square(from[2] - at[2])) /
                                      square(sigma_um_);
                    if (d2 > reach_d2) continue;
                    total += std::exp(-d2);
                    cumulative.emplace_back(total, element);
                }
            }
    if (cumulative.empty()) return {};
    const double point = stream.uniform() * total;
    const auto chosen = std::partition_point(cumulative.begin(), cumulative.end() - 1,
                                             [point](const auto& entry) { return entry.first <= point; });
    return chosen->second;
}

std::optional<std::uint32_t> PartnerGrid::draw(const Position& from, std::optional<std::uint32_t> excluded,
                                               RandomStream& stream) const {
    const auto element = draw_element(
        from, [&](std::uint32_t e) { return elements_[e] != excluded; }, stream);
    if (!element) return {};
    return elements_[*element];
}

Pairing::Pairing(std::span<const Position> source_positions, std::span<const std::int32_t> vacant_axonal,
                 std::span<const Position> target_positions, std::span<const std::int32_t> vacant_dendritic,
                 bool same_population, double sigma_um, const FormationKey& key)
    : source_positions_(source_positions),
      target_positions_(target_positions),
      same_population_(same_population),
      sigma_um_(sigma_um),
      key_(key),
      axons_(expand(vacant_axonal)) {
    RandomStream order = key.stream(nobody);
    for (std::size_t left = axons_.size(); left > 1; --left) // Fisher & Yates
        std::swap(axons_[left - 1], axons_[order.below(static_cast<std::uint32_t>(left))]);
    start_batch(expand(vacant_dendritic));
    if (asking_.size() < few) {
        ask(0, asking_.size());
        answer();
    }
}

/// The next axons in the order, no more than half of the vacant elements: fewer conflicts than axons.
void Pairing::start_batch(std::vector<std::uint32_t> vacant) {
    batch_begin_ = batch_end_;
    batch_end_ = std::min(axons_.size(), batch_begin_ + (vacant.size() + 1) / 2);
    if (batch_begin_ == batch_end_) return;
    dendrites_ = PartnerGrid(target_positions_, std::move(vacant), sigma_um_);
    taker_.assign(dendrites_.size(), nobody);
    for (std::size_t a = batch_begin_; a < batch_end_; ++a) asking_.push_back(static_cast<std::uint32_t>(a));
    wanted_.resize(asking_.size());
}

void Pairing::ask(std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
        const std::uint32_t axon = asking_[k], source = axons_[axon];
        RandomStream stream = key_.stream(axon, round_);
        const auto usable = [&](std::uint32_t element) {
            return taker_[element] > axon && !(same_population_ && dendrites_.elements()[element] == source);
        };
        wanted_[k] = dendrites_.draw_element(source_positions_[source], usable, stream).value_or(nobody);
    }
}

void Pairing::answer() {
    resolve();
    while (!asking_.empty() && asking_.size() < few) {
        ask(0, asking_.size());
        resolve();
    }
}

void Pairing::resolve() {
    losing_.clear();
    for (std::size_t k = 0; k < asking_.size(); ++k) {
        if (wanted_[k] == nobody) continue; // nothing within reach, and nothing will become free
        std::uint32_t& taker = taker_[wanted_[k]];
        const std::uint32_t later = std::max(taker, asking_[k]);
        taker = std::min(taker, asking_[k]);
        if (later != nobody) losing_.push_back(later);
    }
    std::swap(asking_, losing_);
    ++round_;
    if (asking_.empty()) start_batch(settle_batch());
}

/// Notes the batch's pairs; returns the elements that stay vacant.
std::vector<std::uint32_t> Pairing::settle_batch() {
    std::vector<std::uint32_t> vacant, target(batch_end_ - batch_begin_, nobody);
    for (std::size_t element = 0; element < taker_.size(); ++element) {
        const std::uint32_t neuron = dendrites_.elements()[element];
        if (taker_[element] == nobody)
            vacant.push_back(neuron);
        else
            target[taker_[element] - batch_begin_] = neuron;
    }
    for (std::size_t i = 0; i < target.size(); ++i)
        if (target[i] != nobody) pairs_.push_back({axons_[batch_begin_ + i], target[i]});
    return vacant;
}

std::vector<Pair> pair_elements(std::span<const Position> source_positions, std::span<const std::int32_t> vacant_axonal,
                                std::span<const Position> target_positions,
                                std::span<const std::int32_t> vacant_dendritic, bool same_population, double sigma_um,
                                const FormationKey& key) {
    Pairing pairing(source_positions, vacant_axonal, target_positions, vacant_dendritic, same_population, sigma_um,
                    key);
    while (pairing.asking() > 0) {
        pairing.ask(0, pairing.asking());
        pairing.answer();
    }
    return pairing.pairs();
}

std::vector<Pair> choose_sources(const PartnerGrid& sources, std::span<const Position> target_positions,
                                 std::span<const std::int32_t> new_elements, bool same_population,
                                 const FormationKey& key, std::size_t begin, std::size_t end) {
    std::vector<Pair> pairs;
    for (auto target = static_cast<std::uint32_t>(begin); target < end; ++target) {
        if (new_elements[target] <= 0) continue;
        const auto excluded = same_population ? std::optional(target) : std::nullopt;
        RandomStream stream = key.stream(target);
        for (std::int32_t i = 0; i < new_elements[target]; ++i)
            if (const auto source = sources.draw(target_positions[target], excluded, stream))
                pairs.push_back({*source, target});
    }
    return pairs;
}

} // namespace rewire::structure
