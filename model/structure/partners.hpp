#pragma once
// Who pairs with whom. The chance of a pair falls with distance as
//
//     K(d) = exp(-d^2 / sigma^2)          Butz & van Ooyen 2013, eq. 9; RELeARN
//
// (no factor 2 below: sigma is sqrt(2) standard deviations). An infinite sigma makes all partners equal; beyond
// 26 sigma, where K is below 1e-293, nobody pairs.
//
// Sampling is exact, not a multipole approximation. Candidates lie in a grid of cells. K is a product over the axes,
// so a cell is drawn slice by slice, one axis after the other, with the greatest K that the cell can have; then one
// of as many places as the fullest cell has elements; an element found there is accepted with the ratio of its K to
// that bound. What is accepted has the distribution K; what is refused leaves no trace in it. An attempt takes the
// same time however many candidates there are. Where acceptance is rare, a pass over the candidates within reach
// decides, with the same distribution.
//
// Vacant elements pair as in Butz & van Ooyen 2013: the axonal ones, in random order, each choose among the
// dendritic ones still vacant. One after another would keep threads from sharing the work, so they ask in rounds
// (class Pairing): all draw at once, an element goes to the earliest in the order of those that want it, even if a
// later one had it from a round before, and those without one ask again. The result is that of asking one after
// another: what an axon gets never depends on later ones; an element that an earlier axon holds stays with an earlier
// one; so an axon ends with the first of its draws that the earlier ones leave, and as all its draws are independent,
// with the same distribution, that is a draw from what they leave. Axons come in batches, of half as many as elements
// are vacant, so that conflicts stay rare; a batch draws from what the batches before it have left.

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
    friend bool operator==(const Pair&, const Pair&) = default;
};

/// Names the random numbers of one update of one projection: with the inputs, they alone decide who pairs.
struct FormationKey {
    std::uint64_t seed = 0;
    std::uint64_t projection = 0; ///< below 2^16
    std::uint64_t update = 0;     ///< below 2^28

    /// \param entity  a target or the place of an axonal element in the order
    /// \param round   below 2^20
    RandomStream stream(std::uint32_t entity, std::uint64_t round = 0) const {
        return {seed, Purpose::formation, projection << 32 | entity, update << 20 | round};
    }
};

/// K(d) of two positions; sigma may be infinite.
double distance_kernel(const Position& a, const Position& b, double sigma_um);

/// Elements with positions, from which partners are drawn. The positions must outlive the grid.
class PartnerGrid {
public:
    PartnerGrid() = default;
    /// \param elements  neuron of each element, in any order
    /// \param sigma_um  width of the kernel, above 0, may be infinite
    PartnerGrid(std::span<const Position> positions, std::vector<std::uint32_t> elements, double sigma_um);
    /// \param counts  elements of each neuron; none where 0 or less
    PartnerGrid(std::span<const Position> positions, std::span<const std::int32_t> counts, double sigma_um);

    /// A neuron, with probability proportional to its elements times K of the distance to `from`.
    /// \param excluded  neuron that must not be chosen
    /// \return nothing if no element is within reach
    std::optional<std::uint32_t> draw(const Position& from, std::optional<std::uint32_t> excluded,
                                      RandomStream& stream) const;
    /// An element (an index of elements()), with probability proportional to K, among those for which
    /// `usable(element)` is true.
    template <class Usable>
    std::optional<std::uint32_t> draw_element(const Position& from, const Usable& usable, RandomStream& stream) const;

    /// Neurons of the elements, in the order of the grid.
    const std::vector<std::uint32_t>& elements() const { return elements_; }
    std::size_t size() const { return elements_.size(); }

private:
    static constexpr std::size_t most_slices = 64;
    /// One axis seen from a position, slice by slice.
    struct Outlook {
        std::array<double, most_slices> least_d2;   ///< least squared distance, in sigma^2
        std::array<double, most_slices> cumulative; ///< sums of K of that
    };
    std::size_t cell_of(const Position& position) const;
    void look_along(std::size_t axis, double coordinate, Outlook& outlook) const;
    template <class Usable>
    std::optional<std::uint32_t> draw_from_all(const Position& from, const std::array<Outlook, 3>& outlook,
                                               const Usable& usable, RandomStream& stream) const;

    std::span<const Position> positions_;
    double sigma_um_ = 1;
    Position origin_{};
    Position cell_um_{};
    std::array<std::size_t, 3> slices_{1, 1, 1};
    std::vector<std::uint32_t> elements_; ///< by cell
    std::vector<std::uint32_t> begin_;    ///< first element of each cell, and the end
    std::uint32_t fullest_ = 0;           ///< elements of the fullest cell
};

/// Vacant axonal elements on their way to a partner, in rounds of asking and answering:
///
///     while (pairing.asking() > 0) { pairing.ask(0, pairing.asking()); pairing.answer(); }
///
/// A round's ranges may be asked at the same time; cuts do not matter to the result. Small rounds are gone through
/// without asking to be shared. Elements without a partner within reach stay vacant.
class Pairing {
public:
    /// \param vacant_axonal, vacant_dendritic  elements of each neuron; none where 0 or less
    /// \param same_population  sources and targets are the same neurons: no neuron pairs with itself
    Pairing(std::span<const Position> source_positions, std::span<const std::int32_t> vacant_axonal,
            std::span<const Position> target_positions, std::span<const std::int32_t> vacant_dendritic,
            bool same_population, double sigma_um, const FormationKey& key);

    std::size_t asking() const { return asking_.size(); } ///< axonal elements that ask in this round
    /// Draws what the asking elements `begin` to `end` want.
    void ask(std::size_t begin, std::size_t end);
    /// Ends the round, when all have asked, and starts the next large one.
    void answer();
    /// What came of it, in order of asking, once nobody asks any more.
    const std::vector<Pair>& pairs() const { return pairs_; }

private:
    static constexpr std::uint32_t nobody = 0xffffffffu;
    static constexpr std::size_t few = 512; ///< rounds of fewer, some 0.1 ms of work, are not worth sharing
    void start_batch(std::vector<std::uint32_t> vacant);
    void resolve();
    std::vector<std::uint32_t> settle_batch();

    std::span<const Position> source_positions_, target_positions_;
    bool same_population_;
    double sigma_um_;
    FormationKey key_;
    std::vector<std::uint32_t> axons_; ///< sources of the elements, in their random order
    std::size_t batch_begin_ = 0, batch_end_ = 0;
    PartnerGrid dendrites_;            ///< vacant at the start of the batch
    std::vector<std::uint32_t> taker_; ///< of each of these: place of an axon in the order, or nobody
    std::vector<std::uint32_t> asking_, wanted_, losing_;
    std::uint64_t round_ = 0;
    std::vector<Pair> pairs_;
};

/// All rounds of a Pairing at once.
std::vector<Pair> pair_elements(std::span<const Position> source_positions, std::span<const std::int32_t> vacant_axonal,
                                std::span<const Position> target_positions,
                                std::span<const std::int32_t> vacant_dendritic, bool same_population, double sigma_um,
                                const FormationKey& key);

/// Formation led by spines: every new dendritic element of the targets `begin` to `end` chooses a source, each
/// target by random numbers of its own; axons have room for all. In order of target.
/// \param sources       candidates: at the positions of the sources, weighted by their elements
/// \param new_elements  new dendritic elements of each target
std::vector<Pair> choose_sources(const PartnerGrid& sources, std::span<const Position> target_positions,
                                 std::span<const std::int32_t> new_elements, bool same_population,
                                 const FormationKey& key, std::size_t begin, std::size_t end);

} // namespace rewire::structure
