#include "engine/structural_update.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

namespace rewire::engine {
namespace {

constexpr std::size_t cost_of_lookup = 32; // of a target in a row, in synapses that are walked past in that time
constexpr int worth_a_team = 1024;         // new spines: some 0.2 ms of work

std::uint64_t key(const StructuralState& state) {
    return static_cast<std::uint64_t>(state.specification.projection) << 32;
}

structure::FormationKey formation_key(const FastNetwork& network, const StructuralState& state, std::uint64_t update) {
    return {.seed = network.options().seed, .projection = state.specification.projection, .update = update};
}

double kernel_width(const StructuralState& state) {
    return state.specification.sigma_um > 0 ? state.specification.sigma_um : std::numeric_limits<double>::infinity();
}

/// The nearest delay that the store has rows for.
std::uint16_t nearest_delay(const std::vector<std::uint16_t>& delays_steps, std::uint16_t wanted) {
    return *std::min_element(delays_steps.begin(), delays_steps.end(),
                             [=](int a, int b) { return std::abs(a - wanted) < std::abs(b - wanted); });
}

/// A synapse for a pair, with weight and delay as the projection draws them.
network::Synapse new_synapse(const FastProjection& projection, const structure::Pair& pair, double dt_ms,
                             double formed_h, bool nascent, RandomStream& random) {
    const double delay_ms = network::draw(projection.specification.delay_ms, random);
    return {.source = pair.source,
            .delay_steps = nearest_delay(projection.synapses.delays_steps(), network::delay_in_steps(delay_ms, dt_ms)),
            .target = pair.target,
            .weight = static_cast<float>(network::draw(projection.specification.weight, random)),
            .formed_h = static_cast<float>(formed_h),
            .nascent = nascent};
}

/// Takes synapses out of the store and unbinds their elements on both sides.
void remove_with_elements(FastProjection& projection, StructuralState& state,
                          std::vector<network::SynapseIndex>& gone) {
    if (gone.empty()) return;
    std::sort(gone.begin(), gone.end());
    for (const network::SynapseIndex& index : gone) {
        const auto row = projection.synapses.row(index.row);
        structure::unbind(state.axonal, projection.synapses.source_of(index.row));
        structure::unbind(state.dendritic, row.target[index.position]);
    }
    projection.synapses.remove(gone);
    gone.clear();
}

/// A rank's share of `size` things for a rank of a team.
std::pair<std::size_t, std::size_t> share(std::size_t size, int rank, const Team& team) {
    const auto r = static_cast<std::size_t>(rank), ranks = static_cast<std::size_t>(team.size());
    return {size * r / ranks, size * (r + 1) / ranks};
}

/// structure::choose_sources for all targets, the team sharing them.
std::vector<structure::Pair> choose_sources(const StructuralState& state,
                                            const std::vector<structure::Position>& target_positions,
                                            const std::vector<std::int32_t>& vacant, bool same_population,
                                            const structure::FormationKey& key, Team& team) {
    const auto choose = [&](std::size_t begin, std::size_t end) {
        return structure::choose_sources(*state.sources, target_positions, vacant, same_population, key, begin, end);
    };
    if (std::reduce(vacant.begin(), vacant.end()) < std::int32_t{worth_a_team}) return choose(0, vacant.size());
    std::vector<std::vector<structure::Pair>> parts(static_cast<std::size_t>(team.size()));
    team.run([&](int rank, auto) {
        const auto [begin, end] = share(vacant.size(), rank, team);
        parts[static_cast<std::size_t>(rank)] = choose(begin, end);
    });
    std::vector<structure::Pair> pairs;
    for (const auto& part : parts) pairs.insert(pairs.end(), part.begin(), part.end());
    return pairs;
}

/// Picks, at random, as many synapses of every target as it has more than dendritic elements.
std::vector<network::SynapseIndex> surplus_incoming(const structure::ElementPool& dendritic,
                                                    const network::SynapseStore& synapses, RandomStream& stream) {
    // Which of a target's synapses, counted as they are met, is settled before the walk: bound says how many it has.
    struct Fate {
        std::uint32_t met = 0;
        std::vector<std::uint32_t> leaving; // descending
    };
    constexpr std::uint32_t other = 0xffffffffu;
    std::vector<std::uint32_t> shrinking, place(synapses.targets(), other);
    std::vector<Fate> fates;
    for (std::uint32_t i = 0; i < synapses.targets(); ++i) {
        const auto count = static_cast<std::uint32_t>(structure::surplus(dendritic, i));
        if (count == 0) continue;
        place[i] = static_cast<std::uint32_t>(fates.size());
        shrinking.push_back(i);
        fates.push_back({.leaving = structure::choose(static_cast<std::uint32_t>(dendritic.bound[i]), count, stream)});
        std::ranges::sort(fates.back().leaving, std::greater());
    }
    std::vector<network::SynapseIndex> gone;
    if (fates.empty()) return gone;
    for (std::size_t r = 0; r < synapses.rows(); ++r) {
        const auto row = synapses.row(r);
        const std::uint32_t* const end = row.target + row.size;
        const auto meet = [&](const std::uint32_t* at) {
            Fate& fate = fates[place[*at]];
            if (fate.leaving.empty() || fate.met++ != fate.leaving.back()) return;
            fate.leaving.pop_back();
            gone.push_back({static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(at - row.target)});
        };
        // A row is in order of target: few targets are looked up in it, many are met in a walk through it.
        const std::uint32_t* at = row.target;
        if (shrinking.size() * cost_of_lookup < row.size) {
            for (const std::uint32_t target : shrinking)
                for (at = std::lower_bound(at, end, target); at != end && *at == target; ++at) meet(at);
        } else {
            for (; at != end; ++at)
                if (place[*at] != other) meet(at);
        }
    }
    return gone;
}

} // namespace

std::vector<structure::Pair> pair_elements(structure::Pairing pairing, Team& team) {
    if (pairing.asking() > 0)
        team.run([&](int rank, auto wait) {
            while (pairing.asking() > 0) {
                const auto [begin, end] = share(pairing.asking(), rank, team);
                pairing.ask(begin, end);
                wait();
                if (rank == 0) pairing.answer();
                wait();
            }
        });
    return pairing.pairs();
}

StructuralState make_structural_state(FastNetwork& network, const StructuralProjection& specification,
                                      const structure::SpineParameters& spines) {
    StructuralState state;
    state.specification = specification;
    FastProjection& projection = network.projections[specification.projection];
    const std::uint64_t seed = network.options().seed;
    const auto outgoing = projection.synapses.outgoing_counts();
    state.healthy_count = projection.synapses.incoming_counts();
    // Axons and dendrites draw from different stretches of the key's entities.
    state.axonal = structure::bound_elements(outgoing, seed, key(state));
    state.dendritic = structure::bound_elements(state.healthy_count, seed, key(state) | 0x80000000u);
    if (specification.rule == "elements") {
        for (double& grown : state.axonal.grown) grown += specification.initial_elements;
        for (double& grown : state.dendritic.grown) grown += specification.initial_elements;
        return state;
    }
    const std::vector<std::int32_t> one_each(outgoing.size(), 1);
    state.sources = std::make_shared<const structure::PartnerGrid>(
        network.populations[projection.specification.source].positions, one_each, kernel_width(state));
    RandomStream random(seed, Purpose::age, key(state));
    for (std::size_t r = 0; r < projection.synapses.rows(); ++r) {
        const auto formed = projection.synapses.formed_h(r);
        const auto nascent = projection.synapses.nascent(r);
        for (std::size_t i = 0; i < formed.size(); ++i) {
            const structure::SettledSpine spine = structure::settled_spine(spines, random);
            formed[i] = static_cast<float>(-spine.age_h);
            nascent[i] = spine.nascent;
        }
    }
    return state;
}

void update_spines(FastNetwork& network, StructuralState& state, const structure::SpineParameters& parameters,
                   const SpineDrive& drive, double from_h, double to_h) {
    FastProjection& projection = network.projections[state.specification.projection];
    network::SynapseStore& synapses = projection.synapses;
    const double duration_h = to_h - from_h;
    const double hazard = structure::elimination_per_h(parameters, drive.stress, drive.inflammation);
    const std::uint64_t seed = network.options().seed, update = state.updates++;

    // Loss and stabilisation of what stands, from each synapse's exact fate over the interval. Few change, so the
    // draws leap from change to change.
    const structure::SpineFate of_nascent = structure::nascent_fate(parameters, hazard, duration_h);
    const structure::SpineFate of_stable = structure::stable_fate(hazard, duration_h);
    RandomStream loss(seed, Purpose::elimination, key(state), update);
    const double greatest = structure::greatest_change(of_nascent, of_stable);
    std::vector<network::SynapseIndex> gone;
    std::uint64_t ahead = structure::passed_over(greatest, loss); // from the row's start
    for (std::size_t r = 0; r < synapses.rows(); ++r) {
        const auto row = synapses.row(r);
        const auto nascent = synapses.nascent(r);
        for (; ahead < row.size; ahead += 1 + structure::passed_over(greatest, loss)) {
            const auto i = static_cast<std::uint32_t>(ahead);
            const structure::SpineState fate =
                structure::draw(nascent[i] ? of_nascent : of_stable, greatest * loss.uniform());
            if (fate == structure::SpineState::lost) {
                ++(nascent[i] ? state.nascent_lost : state.eliminated);
                gone.push_back({static_cast<std::uint32_t>(r), i});
                structure::grow(state.dendritic, row.target[i], -1); // a lost spine takes its element with it
                structure::grow(state.axonal, synapses.source_of(r), -1);
            } else {
                nascent[i] = fate == structure::SpineState::nascent;
            }
        }
        ahead -= row.size;
    }
    remove_with_elements(projection, state, gone);

    // Formation: elements grow, whole vacant ones become nascent spines of a uniform age within the interval.
    for (std::size_t i = 0; i < state.dendritic.grown.size(); ++i) {
        const double protein = drive.synaptic_protein ? (*drive.synaptic_protein)[i] : 1;
        const double homeostatic = drive.homeostatic ? (*drive.homeostatic)[i] : 1;
        structure::grow(state.dendritic, i,
                        structure::formation_per_h(parameters, protein, homeostatic) * duration_h *
                            (drive.readiness ? (*drive.readiness)[i] : 1) * state.healthy_count[i]);
    }
    const std::vector<std::int32_t> vacant = structure::vacancies(state.dendritic);
    const network::Projection& spec = projection.specification;
    if (drive.axons)
        state.sources = std::make_shared<const structure::PartnerGrid>(network.populations[spec.source].positions,
                                                                       *drive.axons, kernel_width(state));
    const std::vector<structure::Pair> pairs =
        choose_sources(state, network.populations[spec.target].positions, vacant, spec.source == spec.target,
                       formation_key(network, state, update), network.team());
    const structure::SpineFate newborn = structure::newborn_fate(parameters, hazard, duration_h);
    RandomStream birth(seed, Purpose::new_synapse, key(state), update);
    std::vector<network::Synapse> added;
    for (const structure::Pair& pair : pairs) {
        ++state.formed;
        const structure::SpineState fate = structure::draw(newborn, birth.uniform());
        const double formed_h = to_h - duration_h * birth.uniform();
        if (fate == structure::SpineState::lost) {
            ++state.nascent_lost;
            structure::grow(state.dendritic, pair.target, -1);
            continue;
        }
        added.push_back(new_synapse(projection, pair, network.options().dt_ms, formed_h,
                                    fate == structure::SpineState::nascent, birth));
        structure::bind(state.dendritic, pair.target);
        structure::bind(state.axonal, pair.source);
        structure::grow(state.axonal, pair.source, 1);
    }
    synapses.add(added);
}

void update_elements(FastNetwork& network, StructuralState& state, const std::vector<double>& source_calcium,
                     const std::vector<double>& target_calcium, double from_h, double to_h,
                     const std::vector<double>* source_readiness, const std::vector<double>* target_readiness) {
    FastProjection& projection = network.projections[state.specification.projection];
    network::SynapseStore& synapses = projection.synapses;
    const network::Projection& spec = projection.specification;
    const std::uint64_t seed = network.options().seed, update = state.updates++;
    const double duration_s = (to_h - from_h) * 3600;
    for (std::size_t i = 0; i < source_calcium.size(); ++i)
        structure::grow(state.axonal, i,
                        structure::growth_rate(state.specification.axonal, source_calcium[i]) * duration_s *
                            (source_readiness ? (*source_readiness)[i] : 1));
    for (std::size_t i = 0; i < target_calcium.size(); ++i)
        structure::grow(state.dendritic, i,
                        structure::growth_rate(state.specification.dendritic, target_calcium[i]) * duration_s *
                            (target_readiness ? (*target_readiness)[i] : 1));

    // Axons first, then dendrites among what is left (Butz & van Ooyen 2013: deletions before formation).
    std::vector<network::SynapseIndex> gone;
    RandomStream loss(seed, Purpose::elimination, key(state), update);
    const auto groups = synapses.delays_steps().size();
    for (std::uint32_t j = 0; j < source_calcium.size(); ++j) {
        const std::int32_t surplus = structure::surplus(state.axonal, j);
        if (surplus == 0) continue;
        std::vector<network::SynapseIndex> own;
        for (std::size_t g = 0; g < groups; ++g) {
            const std::size_t r = synapses.row_index(j, g);
            for (std::uint32_t i = 0; i < synapses.row(r).size; ++i) own.push_back({static_cast<std::uint32_t>(r), i});
        }
        for (const std::uint32_t k :
             structure::choose(static_cast<std::uint32_t>(own.size()), static_cast<std::uint32_t>(surplus), loss))
            gone.push_back(own[k]);
    }
    state.eliminated += gone.size();
    remove_with_elements(projection, state, gone);
    gone = surplus_incoming(state.dendritic, synapses, loss);
    state.eliminated += gone.size();
    remove_with_elements(projection, state, gone);

    const std::vector<std::int32_t> axonal = structure::vacancies(state.axonal),
                                    dendritic = structure::vacancies(state.dendritic);
    const std::vector<structure::Pair> pairs = pair_elements(
        {network.populations[spec.source].positions, axonal, network.populations[spec.target].positions, dendritic,
         spec.source == spec.target, kernel_width(state), formation_key(network, state, update)},
        network.team());
    RandomStream birth(seed, Purpose::new_synapse, key(state), update);
    std::vector<network::Synapse> added;
    for (const structure::Pair& pair : pairs) {
        added.push_back(new_synapse(projection, pair, network.options().dt_ms, to_h, false, birth));
        structure::bind(state.axonal, pair.source);
        structure::bind(state.dendritic, pair.target);
    }
    synapses.add(added);
    state.formed += added.size();
}

void leave_free(StructuralState& state, const std::vector<std::uint32_t>& sources,
                const std::vector<std::uint32_t>& targets) {
    for (const std::uint32_t j : sources) state.axonal.grown[j] = 0;
    for (const std::uint32_t i : targets) state.dendritic.grown[i] = 0;
    if (targets.empty() || targets.size() == state.healthy_count.size()) return;
    double sum = 0;
    for (const std::uint32_t count : state.healthy_count) sum += count;
    const double mean = sum / static_cast<double>(state.healthy_count.size() - targets.size());
    for (const std::uint32_t i : targets) state.healthy_count[i] = static_cast<std::uint32_t>(std::lround(mean));
}

void bury(FastNetwork& network, StructuralState& state, const std::vector<std::uint32_t>& sources,
          const std::vector<std::uint32_t>& targets) {
    FastProjection& projection = network.projections[state.specification.projection];
    const network::SynapseStore& synapses = projection.synapses;
    std::vector<bool> from(synapses.sources(), false), to(synapses.targets(), false);
    for (const std::uint32_t j : sources) from[j] = true;
    for (const std::uint32_t i : targets) to[i] = true;
    const bool spines = state.specification.rule == "spines";
    std::vector<network::SynapseIndex> gone;
    synapses.for_each([&](network::SynapseIndex index, const network::Synapse& s) {
        if (!from[s.source] && !to[s.target]) return;
        gone.push_back(index);
        if (spines) structure::grow(state.axonal, s.source, -1); // an axon has as many elements as synapses
    });
    state.buried += gone.size();
    remove_with_elements(projection, state, gone);
    for (const std::uint32_t j : sources) state.axonal.grown[j] = 0;
    for (const std::uint32_t i : targets) state.dendritic.grown[i] = 0;
}

void check_invariants(const FastNetwork& network, const StructuralState& state) {
    const network::SynapseStore& synapses = network.projections[state.specification.projection].synapses;
    structure::check_invariants(state.axonal, synapses.outgoing_counts());
    structure::check_invariants(state.dendritic, synapses.incoming_counts());
}

} // namespace rewire::engine
