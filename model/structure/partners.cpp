#include "structure/partners.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace rewire::structure {
namespace {

constexpr std::size_t most_cells_per_axis = 16; // each draw sums over all cells: 4,096 take some microseconds

double square(double x) { return x * x; }

} // namespace

double distance_kernel(const Position& a, const Position& b, double sigma_um) {
    const double d2 = square(a[0] - b[0]) + square(a[1] - b[1]) + square(a[2] - b[2]);
    return std::exp(-d2 / square(sigma_um));
}

PartnerGrid::PartnerGrid(std::span<const Position> positions, std::span<const std::int32_t> counts, double sigma_um)
    : positions_(positions),
      sigma_um_(sigma_um) {
    // Cells of about half a sigma keep the bound near the kernel; more cells than neurons would be wasted.
    const double fair = std::cbrt(static_cast<double>(positions.size()));
    for (std::size_t axis = 0; axis < 3; ++axis) {
        if (positions.empty()) break;
        const auto [low, high] = std::minmax_element(
            positions.begin(), positions.end(), [axis](const auto& a, const auto& b) { return a[axis] < b[axis]; });
        const double extent = (*high)[axis] - (*low)[axis];
        const double wanted = std::min({extent / (0.5 * sigma_um), fair, double{most_cells_per_axis}});
        cells_per_axis_[axis] = std::max<std::size_t>(1, static_cast<std::size_t>(wanted));
        origin_[axis] = (*low)[axis];
        cell_um_[axis] = extent / static_cast<double>(cells_per_axis_[axis]);
    }
    cells_.resize(cells_per_axis_[0] * cells_per_axis_[1] * cells_per_axis_[2]);
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const auto elements = static_cast<std::size_t>(std::max(0, counts[i]));
        Cell& cell = cells_[flat(cell_of(positions[i]))];
        cell.insert(cell.end(), elements, static_cast<std::uint32_t>(i));
        size_ += elements;
    }
}

std::array<std::size_t, 3> PartnerGrid::cell_of(const Position& position) const {
    std::array<std::size_t, 3> cell{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        if (cells_per_axis_[axis] == 1) continue;
        const auto index = static_cast<std::size_t>((position[axis] - origin_[axis]) / cell_um_[axis]);
        cell[axis] = std::min(index, cells_per_axis_[axis] - 1);
    }
    return cell;
}

/// The greatest value that one axis' factor of K can have in each slice of cells, seen from a coordinate.
/// Slices are taken a little wider than they are, so that rounding in cell_of never puts a position outside
/// its slice.
std::vector<double> PartnerGrid::bounds_along(std::size_t axis, double coordinate) const {
    std::vector<double> bounds(cells_per_axis_[axis]);
    const double margin = 1e-9 * cell_um_[axis];
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const double low = origin_[axis] + static_cast<double>(i) * cell_um_[axis] - margin;
        const double high = low + cell_um_[axis] + 2 * margin;
        const double nearest = std::clamp(coordinate, low, high);
        bounds[i] = std::exp(-square((coordinate - nearest) / sigma_um_));
    }
    return bounds;
}

std::optional<std::uint32_t> PartnerGrid::draw(const Position& from, std::optional<std::uint32_t> excluded,
                                               RandomStream& stream) const {
    const std::array bounds = {bounds_along(0, from[0]), bounds_along(1, from[1]), bounds_along(2, from[2])};
    std::vector<double> cumulative;
    std::vector<double> bound;
    cumulative.reserve(cells_.size());
    bound.reserve(cells_.size());
    double total = 0;
    for (const double z : bounds[2])
        for (const double y : bounds[1])
            for (const double x : bounds[0]) {
                bound.push_back(x * y * z);
                total += bound.back() * static_cast<double>(cells_[cumulative.size()].size());
                cumulative.push_back(total);
            }
    if (!(total > 0)) return {};
    // An attempt costs a few times the kernel of one candidate: so many attempts cost as much as the pass
    // over all.
    const std::size_t attempts = 32 + size_ / 4;
    for (std::size_t attempt = 0; attempt < attempts; ++attempt) {
        const auto chosen = std::upper_bound(cumulative.begin(), cumulative.end(), stream.uniform() * total);
        const auto c = static_cast<std::size_t>(chosen - cumulative.begin());
        if (c == cells_.size()) continue; // rounding at the upper end
        const std::uint32_t neuron = cells_[c][stream.below(static_cast<std::uint32_t>(cells_[c].size()))];
        const double accept = distance_kernel(from, positions_[neuron], sigma_um_) / bound[c];
        if (stream.uniform() < accept && neuron != excluded) return neuron;
    }
    return draw_from_all(from, excluded, stream);
}

std::optional<std::uint32_t> PartnerGrid::draw_from_all(const Position& from, std::optional<std::uint32_t> excluded,
                                                        RandomStream& stream) const {
    std::vector<std::pair<double, std::uint32_t>> cumulative;
    cumulative.reserve(size_);
    double total = 0;
    for (const Cell& cell : cells_)
        for (const std::uint32_t neuron : cell) {
            if (neuron == excluded) continue;
            total += distance_kernel(from, positions_[neuron], sigma_um_);
            cumulative.emplace_back(total, neuron);
        }
    if (!(total > 0)) return {};
    const double point = stream.uniform() * total;
    const auto chosen = std::partition_point(cumulative.begin(), cumulative.end() - 1,
                                             [point](const auto& entry) { return entry.first <= point; });
    return chosen->second;
}

void PartnerGrid::take(std::uint32_t neuron) {
    Cell& cell = cells_[flat(cell_of(positions_[neuron]))];
    const auto found = std::find(cell.begin(), cell.end(), neuron);
    *found = cell.back();
    cell.pop_back();
    --size_;
}

std::vector<Pair> pair_elements(std::span<const Position> source_positions, std::span<const std::int32_t> vacant_axonal,
                                std::span<const Position> target_positions,
                                std::span<const std::int32_t> vacant_dendritic, bool same_population, double sigma_um,
                                RandomStream& stream) {
    std::vector<std::uint32_t> axons; // a source stands in it once per vacant element
    for (std::size_t i = 0; i < vacant_axonal.size(); ++i)
        axons.insert(axons.end(), static_cast<std::size_t>(std::max(0, vacant_axonal[i])),
                     static_cast<std::uint32_t>(i));
    for (std::size_t left = axons.size(); left > 1; --left) // Fisher & Yates
        std::swap(axons[left - 1], axons[stream.below(static_cast<std::uint32_t>(left))]);

    PartnerGrid dendrites(target_positions, vacant_dendritic, sigma_um);
    std::vector<Pair> pairs;
    for (const std::uint32_t source : axons) {
        if (dendrites.size() == 0) break;
        const auto excluded = same_population ? std::optional(source) : std::nullopt;
        const auto target = dendrites.draw(source_positions[source], excluded, stream);
        if (!target) continue;
        dendrites.take(*target);
        pairs.push_back({source, *target});
    }
    return pairs;
}

std::vector<Pair> choose_sources(const PartnerGrid& sources, std::span<const Position> target_positions,
                                 std::span<const std::int32_t> new_elements, bool same_population,
                                 RandomStream& stream) {
    std::vector<Pair> pairs;
    for (std::uint32_t target = 0; target < new_elements.size(); ++target) {
        const auto excluded = same_population ? std::optional(target) : std::nullopt;
        for (std::int32_t i = 0; i < new_elements[target]; ++i)
            if (const auto source = sources.draw(target_positions[target], excluded, stream))
                pairs.push_back({*source, target});
    }
    return pairs;
}

} // namespace rewire::structure
