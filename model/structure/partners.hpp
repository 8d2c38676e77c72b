#pragma once
// Who pairs with whom. The chance of a pair falls with distance as
//
//     K(d) = exp(-d^2 / sigma^2)          Butz & van Ooyen 2013, eq. 9; RELeARN
//
// (no factor 2 below: sigma is sqrt(2) standard deviations). An infinite sigma makes all partners equal.
// Sampling is exact, not a multipole approximation: candidates lie in a grid of cells; a cell is drawn with
// the weight of its elements under the greatest kernel that it can have, then an element in it, which is
// accepted with the ratio of its kernel to that bound (rejection). Where acceptance is rare, a pass over all
// candidates decides; refused attempts leave no trace in the distribution, so it stays exact.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "random/stream.hpp"

namespace rewire::structure {

using Position = std::array<double, 3>; ///< um

/// A synapse to be formed.
struct Pair {
    std::uint32_t source;
    std::uint32_t target;
};

/// K(d) of two positions; sigma may be infinite.
double distance_kernel(const Position& a, const Position& b, double sigma_um);

/// Elements with positions, from which partners are drawn. The positions must outlive the grid.
class PartnerGrid {
public:
    /// \param counts    elements of each neuron; none where 0 or less
    /// \param sigma_um  width of the kernel, above 0, may be infinite
    PartnerGrid(std::span<const Position> positions, std::span<const std::int32_t> counts, double sigma_um);

    /// A neuron, with probability proportional to its elements times K of the distance to `from`.
    /// \param excluded  neuron that must not be chosen
    /// \return nothing if no element is left within reach (27 sigma, where K underflows)
    std::optional<std::uint32_t> draw(const Position& from, std::optional<std::uint32_t> excluded,
                                      RandomStream& stream) const;
    /// Takes one element of a neuron out; it must have one.
    void take(std::uint32_t neuron);
    std::size_t size() const { return size_; } ///< elements left

private:
    using Cell = std::vector<std::uint32_t>; ///< a neuron stands in it once per element
    std::array<std::size_t, 3> cell_of(const Position& position) const;
    std::size_t flat(const std::array<std::size_t, 3>& cell) const {
        return (cell[2] * cells_per_axis_[1] + cell[1]) * cells_per_axis_[0] + cell[0];
    }
    std::vector<double> bounds_along(std::size_t axis, double coordinate) const;
    std::optional<std::uint32_t> draw_from_all(const Position& from, std::optional<std::uint32_t> excluded,
                                               RandomStream& stream) const;

    std::span<const Position> positions_;
    double sigma_um_;
    Position origin_{};
    Position cell_um_{};
    std::array<std::size_t, 3> cells_per_axis_{1, 1, 1};
    std::vector<Cell> cells_;
    std::size_t size_ = 0;
};

/// Pairs vacant axonal with vacant dendritic elements (Butz & van Ooyen 2013): the axonal elements, in random
/// order, each choose among the dendritic elements still vacant. Elements without a partner within reach stay
/// vacant. \param same_population  sources and targets are the same neurons: no neuron pairs with itself
/// \param stream           decides alone, with the inputs: key it by projection and update
/// (Purpose::formation)
std::vector<Pair> pair_elements(std::span<const Position> source_positions, std::span<const std::int32_t> vacant_axonal,
                                std::span<const Position> target_positions,
                                std::span<const std::int32_t> vacant_dendritic, bool same_population, double sigma_um,
                                RandomStream& stream);

/// Formation led by spines: every new dendritic element, in order of target, chooses a source; axons have
/// room for all (a grid of sources with one element each is never used up). \param sources candidates: at the
/// positions of the sources, weighted by their elements \param new_elements      new dendritic elements of
/// each target
std::vector<Pair> choose_sources(const PartnerGrid& sources, std::span<const Position> target_positions,
                                 std::span<const std::int32_t> new_elements, bool same_population,
                                 RandomStream& stream);

} // namespace rewire::structure
