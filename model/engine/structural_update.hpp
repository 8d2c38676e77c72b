#pragma once
// Structural plasticity on the network: applies the rules of structure/ to the synapse stores at slow ticks.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/fast_network.hpp"
#include "engine/team.hpp"
#include "quantity/parameter.hpp"
#include "structure/elements.hpp"
#include "structure/growth.hpp"
#include "structure/partners.hpp"
#include "structure/spines.hpp"

namespace rewire::engine {

/// A projection whose synapses form and are eliminated.
struct StructuralProjection {
    std::size_t projection = 0;
    std::string rule = "spines";             ///< "spines" (structure/spines.hpp) or "elements" (Butz & van Ooyen 2013)
    double sigma_um = 0;                     ///< distance kernel, 0: no dependence on distance
    structure::GrowthRule axonal, dendritic; ///< elements
    double initial_elements = 0;             ///< elements: vacant ones per neuron and side at the start
};

} // namespace rewire::engine

template <>
struct rewire::Described<rewire::engine::StructuralProjection> {
    using S = engine::StructuralProjection;
    static constexpr std::string_view name = "structural";
    static constexpr std::string_view meaning = "formation and elimination of the synapses of a projection";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"rule", "1", &S::rule, any_value, "spines of [structure.spines], or synaptic elements that seek partners",
         "elements: Butz & van Ooyen 2013", "spines|elements"},
        {"initial_elements", "1", &S::initial_elements, non_negative,
         "vacant elements per neuron and side at the start; elements only", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {.name = "sigma",
         .fallback = "(no kernel)",
         .meaning = "kernel exp(-d^2 / sigma^2) on the choice of partners, as in Butz & van Ooyen 2013",
         .unit = "um",
         .range = positive},
        {"axonal", "a growth rule", "",
         "growth of axonal elements, such as { rule = \"gaussian\", target = 0.05 }; elements only"},
        {"dendritic", "a growth rule", "", "growth of dendritic elements; elements only"},
    });
};

namespace rewire::engine {

/// Synapses of a projection and the elements behind them.
struct StructuralState {
    StructuralProjection specification;
    structure::ElementPool axonal, dendritic;
    std::vector<std::uint32_t> healthy_count; ///< spines: incoming synapses at the start
    std::shared_ptr<const structure::PartnerGrid> sources;
    std::uint64_t updates = 0;
    std::uint64_t formed = 0;       ///< this and the following since the last time the recorder asked
    std::uint64_t eliminated = 0;   ///< synapses that were established
    std::uint64_t nascent_lost = 0; ///< nascent ones that did not stabilise
    std::uint64_t buried = 0;       ///< synapses of neurons that died
};

/// State at the start: every synapse is bound on both sides; with the rule "spines" each gets an age from the
/// healthy steady state.
StructuralState make_structural_state(FastNetwork& network, const StructuralProjection& specification,
                                      const structure::SpineParameters& spines);

/// Pairs vacant elements, the team sharing the work; the result does not depend on the team.
std::vector<structure::Pair> pair_elements(structure::Pairing pairing, Team& team);

/// What drives the spines of one target neuron over an interval.
struct SpineDrive {
    const std::vector<double>* synaptic_protein = nullptr; ///< per target; null: 1
    const std::vector<double>* homeostatic = nullptr;      ///< factor per target; null: 1
    double stress = 0;
    double inflammation = 0;
    const std::vector<double>* readiness = nullptr;   ///< factor of formation per target; null: 1
    const std::vector<std::int32_t>* axons = nullptr; ///< weight of each source as a partner; null: 1
};

/// Advances the rule "spines" from `from_h` to `to_h`.
void update_spines(FastNetwork& network, StructuralState& state, const structure::SpineParameters& parameters,
                   const SpineDrive& drive, double from_h, double to_h);

/// Advances the rule "elements" from `from_h` to `to_h`: elements grow by calcium, surplus ones lose their synapses,
/// vacant ones pair. Growth is scaled by the readiness of neurons, if given.
void update_elements(FastNetwork& network, StructuralState& state, const std::vector<double>& source_calcium,
                     const std::vector<double>& target_calcium, double from_h, double to_h,
                     const std::vector<double>* source_readiness = nullptr,
                     const std::vector<double>* target_readiness = nullptr);

/// Leaves slots without elements; those on the target side will grow as many spines as the mean of the others.
void leave_free(StructuralState& state, const std::vector<std::uint32_t>& sources,
                const std::vector<std::uint32_t>& targets);

/// Takes out all synapses of neurons that died, with their elements. Elements of their partners become vacant; on axons
/// of the rule "spines" they go.
void bury(FastNetwork& network, StructuralState& state, const std::vector<std::uint32_t>& sources,
          const std::vector<std::uint32_t>& targets);

/// \throws std::logic_error  if bound elements and synapses differ on either side
void check_invariants(const FastNetwork& network, const StructuralState& state);

} // namespace rewire::engine
