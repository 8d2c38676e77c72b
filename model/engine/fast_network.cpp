#include "engine/fast_network.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>

#include "engine/averages.hpp"
#include "engine/neuron_blocks.hpp"
#include "network/shared_rows.hpp"
#include "random/stream.hpp"

namespace rewire::engine {
namespace {

std::vector<std::uint32_t> cut_among(std::size_t neurons, int threads) {
    const std::size_t blocks = blocks_of(neurons);
    std::vector<std::uint32_t> cuts;
    for (int t = 0; t <= threads; ++t)
        cuts.push_back(static_cast<std::uint32_t>(
            std::min(neurons, blocks * static_cast<std::size_t>(t) / static_cast<std::size_t>(threads) * block_size)));
    return cuts;
}

/// A batch has no more steps than this, nor more than two whose slots of inputs leave half of a second-level cache.
constexpr std::int64_t longest_batch = 16;
constexpr std::size_t batch_input_bytes = std::size_t{512} << 10;

/// Rows shorter than this on average are shared: a visit of a row costs as much as some ten synapses, or a hundred
/// where it has to come from memory. Longer ones are where it costs no memory, because all synapses have one weight.
constexpr double short_row = 128;

/// Delays that a distribution spreads over, in steps, roughly.
double delay_groups(const network::Distribution& delay_ms, double dt_ms) {
    if (delay_ms.kind == "constant") return 1;
    const double width_ms = delay_ms.kind == "uniform" ? delay_ms.high - delay_ms.low : 4 * delay_ms.sd;
    return width_ms / dt_ms + 1;
}

/// Threads that take the next piece of work when they have done one.
network::Executor team_executor(Team& team) {
    return {static_cast<std::size_t>(team.size()),
            [&team](std::size_t count, const std::function<void(std::size_t)>& piece) {
                std::atomic<std::size_t> next{0};
                team.run([&](int, auto) {
                    for (std::size_t k = next++; k < count; k = next++) piece(k);
                });
            }};
}

/// What weights of a plastic projection are relative to: the mean that it was asked to have, or that of its file.
float reference_weight(const network::Projection& spec, const network::SynapseStore& synapses) {
    if (spec.rule.kind == "pairwise" && synapses.count() > 0) return static_cast<float>(synapses.mean_weight());
    const network::Distribution& weight = spec.weight;
    return static_cast<float>(weight.kind == "uniform" ? 0.5 * (weight.low + weight.high) : weight.mean);
}

} // namespace

FastNetwork::FastNetwork(const FastOptions& options, const std::vector<network::Population>& population_list,
                         const std::vector<network::Projection>& projection_list,
                         const std::vector<network::PairwiseColumns>& pairwise, std::vector<Stimulus> stimuli,
                         std::vector<Trace> trace_list)
    : traces(std::move(trace_list)),
      options_(options),
      team_(options.threads),
      stimuli_(std::move(stimuli)),
      dynamic_from_(population_list.size()),
      plastic_onto_(population_list.size()) {
    const auto threads = static_cast<std::size_t>(team_.size());
    ambient_open.assign(options_.regions, 0);
    options_.drives.block.clear();
    for (const drug::Blocker& blocker : options_.drives.blockers)
        options_.drives.block.push_back(drug::block_constants(blocker));
    options_.drives.competition = drug::competition(options_.drives.blockers);
    for (std::size_t p = 0; p < population_list.size(); ++p) build_population(population_list[p], p);
    for (const Stimulus& s : stimuli_)
        populations[s.population].injected = populations[s.population].injected || s.kind.starts_with("current");
    std::vector<std::vector<std::uint32_t>> cuts;
    std::vector<std::size_t> receptors;
    for (const FastPopulation& population : populations) {
        cuts.push_back(population.cuts);
        receptors.push_back(population.receptors.size());
    }
    inputs_ = InputArena(cuts, receptors);

    for (const network::Projection& spec : projection_list) {
        FastProjection projection;
        projection.specification = spec;
        projections.push_back(std::move(projection));
    }
    build_routes(pairwise);
    std::int64_t shortest = 65535, longest = 1;
    for (const Route& route : routes_) {
        const network::SynapseStore& synapses =
            route.projections.size() == 1 ? projections[route.projections.front()].synapses : route.shared;
        for (const std::uint16_t delay : synapses.delays_steps()) {
            shortest = std::min<std::int64_t>(shortest, delay);
            longest = std::max<std::int64_t>(longest, delay);
        }
    }
    interval_steps_ = std::min(shortest, longest) + 1;
    // A plastic weight needs the postsynaptic spikes of the step before: no batches then.
    bool plastic = false;
    for (std::size_t q = 0; q < projections.size(); ++q)
        if (!projections[q].plasticity.empty()) {
            plastic_onto_[projections[q].specification.target].push_back(q);
            plastic = true;
        }
    const std::size_t slot_bytes = 1 + inputs_.size() * sizeof(float) / threads; // of one thread
    const auto fitting = static_cast<std::int64_t>(std::max<std::size_t>(2, batch_input_bytes / slot_bytes));
    batch_steps_ = plastic ? 1 : std::min({interval_steps_, longest_batch, fitting});
    inputs_.allocate(static_cast<std::size_t>(batch_steps_));
    slots_ = longest + interval_steps_ + 2;
    for (FastPopulation& population : populations)
        population.history.assign(threads, std::vector<std::vector<std::uint32_t>>(static_cast<std::size_t>(slots_)));
    for (std::size_t q = 0; q < projections.size(); ++q)
        if (projections[q].dynamic) {
            projections[q].payload.assign(threads,
                                          std::vector<FastProjection::Payload>(static_cast<std::size_t>(slots_)));
            dynamic_from_[projections[q].specification.source].push_back(q);
        }
    scratch_.resize(threads);
    for (Scratch& scratch : scratch_) scratch.window.assign(populations.size(), 0);
    trace_samples_.resize(traces.size());
    mark_active_receptors();
    build_poisson_inputs();
    update_total_weights();
}

void FastNetwork::build_population(const network::Population& spec, std::size_t p) {
    FastPopulation population;
    population.specification = spec;
    const std::size_t n = population.size();
    population.positions = network::place(spec, p, options_.seed);
    population.cuts = cut_among(n, team_.size());
    population.current_pA.assign(n, static_cast<float>(spec.current_pA));
    population.membrane.adaptation_pA.assign(n, 0);
    population.membrane.refractory_steps.assign(n, 0);
    population.membrane.membrane_potential_mV.resize(n);
    std::visit(
        [&](const auto& model) {
            population.refractory_steps =
                static_cast<int>(std::lround(neuron::refractory_period_ms(model) / options_.dt_ms));
            const network::Distribution initial = spec.initial_mV.value_or(network::Distribution{
                .kind = "uniform",
                .low = std::min(neuron::resting_potential_mV(model), neuron::spike_threshold_mV(model)),
                .high = std::max(neuron::resting_potential_mV(model), neuron::spike_threshold_mV(model))});
            RandomStream random(options_.seed, Purpose::initial_state, p);
            for (float& v : population.membrane.membrane_potential_mV) {
                const double u =
                    initial.kind == "constant" ? 0 : (initial.kind == "uniform" ? random.uniform() : random.normal());
                v = static_cast<float>(initial.kind == "uniform" ? initial.low + u * (initial.high - initial.low)
                                                                 : initial.mean + u * initial.sd);
            }
            if constexpr (neuron::is_adaptive<std::decay_t<decltype(model)>>)
                for (std::size_t i = 0; i < n; ++i)
                    population.membrane.adaptation_pA[i] = static_cast<float>(neuron::initial_adaptation_pA(
                        model, static_cast<double>(population.membrane.membrane_potential_mV[i])));
        },
        spec.model);
    for (const synapse::Receptor& receptor : spec.receptors) {
        population.receptors.push_back(synapse::make_receptor_state(receptor, n, options_.dt_ms));
        synapse::ReceptorState& state = population.receptors.back();
        if (state.kind == synapse::ReceptorKind::nmda) {
            population.nmda.reversal_mV = static_cast<float>(receptor.reversal_mV);
        }
        std::visit(
            [&]<class M>(const M& model) {
                if constexpr (neuron::is_current_based<M>)
                    state.propagator_mV_per_pA = static_cast<float>(
                        neuron::synaptic_propagator_mV_per_pA(model, receptor.tau_decay_ms, options_.dt_ms));
            },
            spec.model);
    }
    if (spec.tonic_nmda_nS > 0) {
        population.has_nmda = true;
        const synapse::PerSubunit shares = synapse::conductance_shares(spec.extrasynaptic);
        population.tonic_ab_nS.assign(n, static_cast<float>(spec.tonic_nmda_nS * (shares[0] + shares[1])));
        population.tonic_cd_nS.assign(n, static_cast<float>(spec.tonic_nmda_nS * (shares[2] + shares[3])));
    }
    population.nmda.mg_ratio_ab = static_cast<float>(options_.drives.mg_mM / options_.drives.mg_half_mM[drug::n2a]);
    population.nmda.mg_ratio_cd = static_cast<float>(options_.drives.mg_mM / options_.drives.mg_half_mM[drug::n2c]);
    population.drives.spikes.assign(n, 0);
    population.drives.calcium.assign(n, 0);
    population.log.resize(static_cast<std::size_t>(team_.size()));
    lfp_offset_.push_back(lfp_blocks_);
    lfp_blocks_ += blocks_of(n);
    populations.push_back(std::move(population));
}

namespace {

/// The same synapses in a store with more sources and targets.
network::SynapseStore with_room(const network::SynapseStore& store, std::uint32_t sources, std::uint32_t targets,
                                bool ageing) {
    network::SynapseStore roomy(network::SynapseLayout{.sources = sources,
                                                       .targets = targets,
                                                       .delays_steps = store.delays_steps(),
                                                       .shared_weight = store.shared_weight(),
                                                       .own_weights = store.has_own_weights(),
                                                       .ageing = ageing});
    std::vector<network::Synapse> synapses;
    store.for_each([&](network::SynapseIndex, const network::Synapse& s) { synapses.push_back(s); });
    roomy.add(synapses);
    return roomy;
}

} // namespace

std::size_t FastPopulation::count() const {
    return present.empty() ? size() : static_cast<std::size_t>(std::ranges::count(present, std::uint8_t{1}));
}

double FastPopulation::mean_of(const std::vector<double>& values) const { return mean_where(values, present); }

network::SynapseStore FastNetwork::connect(std::size_t q, const std::vector<network::PairwiseColumns>& pairwise) {
    static const network::PairwiseColumns no_columns;
    const network::Projection& spec = projections[q].specification;
    const FastPopulation &source = populations[spec.source], &target = populations[spec.target];
    const network::Executor executor = team_executor(team_);
    const network::Population from = network::founders(source.specification),
                              to = network::founders(target.specification);
    network::SynapseStore synapses =
        network::connect(spec, q, from, to, std::span(source.positions).first(static_cast<std::size_t>(from.size)),
                         std::span(target.positions).first(static_cast<std::size_t>(to.size)), options_.dt_ms,
                         options_.seed, q < pairwise.size() ? pairwise[q] : no_columns, executor);
    if (from.size < source.specification.size || to.size < target.specification.size)
        synapses = with_room(synapses, static_cast<std::uint32_t>(source.size()),
                             static_cast<std::uint32_t>(target.size()), spec.structural);
    synapses.set_partitions(target.cuts, executor);
    return synapses;
}

void FastNetwork::build_projection(const network::Projection& spec, std::size_t q, network::SynapseStore synapses) {
    FastProjection& projection = projections[q];
    const FastPopulation& target = populations[spec.target];
    projection.synapses = std::move(synapses);
    if (spec.long_term) {
        projection.weight_scale = reference_weight(spec, projection.synapses);
        for (std::size_t r = 0; r < projection.synapses.rows(); ++r)
            for (float& weight : projection.synapses.weights(r))
                weight =
                    std::clamp(weight / projection.weight_scale, 0.0f, static_cast<float>(spec.long_term->maximum));
        const synapse::LongTerm& rule = *spec.long_term;
        const TraceDecays decays(rule, options_.dt_ms);
        for (std::size_t t = 0; t + 1 < target.cuts.size(); ++t)
            projection.plasticity.emplace_back(rule, decays, projection.synapses.rows(), target.cuts[t],
                                               target.cuts[t + 1] - target.cuts[t]);
    }
    bool saturating = false;
    for (const network::ReceptorShare& share : spec.receptors)
        saturating = saturating || target.receptors[share.receptor].kind == synapse::ReceptorKind::nmda;
    const bool tracked = options_.track_release && spec.glutamatergic;
    projection.dynamic = spec.short_term.has_value() || saturating || tracked;
    if (projection.dynamic) projection.state.resize(populations[spec.source].size());
    if (tracked) projection.released.assign(populations[spec.source].size(), 0);
}

/// Whether nothing about a projection's synapses or spikes is its own but target, weight and delay.
bool FastNetwork::may_share_rows(const network::Projection& spec) const {
    const auto kind = populations[spec.target].receptors[spec.receptors.front().receptor].kind;
    return spec.receptors.size() == 1 && spec.receptors.front().scale == 1 && !spec.short_term && !spec.long_term &&
           !spec.structural && kind != synapse::ReceptorKind::nmda && !(options_.track_release && spec.glutamatergic) &&
           spec.rule.kind != "pairwise";
}

void FastNetwork::build_routes(const std::vector<network::PairwiseColumns>& pairwise) {
    route_of_.resize(projections.size());
    shared_totals_.resize(projections.size());
    for (std::size_t p = 0; p < populations.size(); ++p) {
        // Projections share rows if theirs are short (no value), or if their synapses have the same weight (that
        // value); of two onto the same receptors only one can.
        std::map<std::optional<double>, std::map<std::pair<std::size_t, std::size_t>, std::size_t>> sharing;
        std::vector<std::vector<std::size_t>> groups;
        for (std::size_t q = 0; q < projections.size(); ++q) {
            const network::Projection& spec = projections[q].specification;
            if (spec.source != p) continue;
            const FastPopulation &source = populations[p], &target = populations[spec.target];
            const double rows = static_cast<double>(source.size()) * delay_groups(spec.delay_ms, options_.dt_ms);
            const bool is_short = network::expected_synapses(spec, source.specification, target.specification,
                                                             options_.seed) < short_row * rows;
            const auto weight = is_short ? std::nullopt : std::optional(spec.weight.mean);
            const bool shares =
                may_share_rows(spec) && (is_short || spec.weight.kind == "constant") &&
                sharing[weight].emplace(std::pair(spec.target, spec.receptors.front().receptor), q).second;
            if (!shares) groups.push_back({q});
        }
        for (const auto& [weight, by_receptor] : sharing) {
            std::vector<std::size_t> together;
            for (const auto& [where, q] : by_receptor) together.push_back(q);
            std::sort(together.begin(), together.end());
            if (!together.empty()) groups.push_back(together);
        }
        for (const std::vector<std::size_t>& members : groups) build_route(p, members, pairwise);
    }
}

void FastNetwork::build_route(std::size_t p, const std::vector<std::size_t>& members,
                              const std::vector<network::PairwiseColumns>& pairwise) {
    for (const std::size_t q : members) route_of_[q] = routes_.size();
    Route route;
    route.source = p;
    route.projections = members;
    if (members.size() == 1) {
        const std::size_t q = members.front();
        build_projection(projections[q].specification, q, connect(q, pairwise));
        routes_.push_back(std::move(route));
        return;
    }
    std::vector<network::SynapseStore> stores;
    for (const std::size_t q : members) {
        stores.push_back(connect(q, pairwise));
        const std::size_t count = stores.back().count();
        shared_totals_[q] = {count, count > 0 ? static_cast<double>(count) * stores.back().mean_weight() : 0};
    }
    std::vector<network::RowMember> rows;
    for (std::size_t k = 0; k < members.size(); ++k) {
        const network::Projection& spec = projections[members[k]].specification;
        rows.push_back({&stores[k], inputs_.indices(spec.target, spec.receptors.front().receptor)});
    }
    route.shared = network::share_rows(rows, inputs_.boundaries(), team_executor(team_));
    routes_.push_back(std::move(route));
}

void FastNetwork::mark_active_receptors() {
    const auto mark = [&](std::size_t population, std::size_t receptor) {
        synapse::ReceptorState& state = populations[population].receptors[receptor];
        state.active = true;
        populations[population].has_nmda =
            populations[population].has_nmda || state.kind == synapse::ReceptorKind::nmda;
    };
    for (const FastProjection& projection : projections)
        for (const network::ReceptorShare& share : projection.specification.receptors)
            mark(projection.specification.target, share.receptor);
    for (std::size_t p = 0; p < populations.size(); ++p)
        if (const auto& b = populations[p].specification.background) mark(p, b->receptor);
    for (const Stimulus& s : stimuli_)
        if (s.kind == "poisson" || s.kind == "spikes") mark(s.population, s.receptor);
}

void FastNetwork::update_total_weights() {
    for (FastPopulation& population : populations)
        for (synapse::ReceptorState& receptor : population.receptors)
            std::fill(receptor.total_weight.begin(), receptor.total_weight.end(), 0.0f);
    for (std::size_t p = 0; p < populations.size(); ++p)
        if (const auto& b = populations[p].specification.background)
            for (float& w : populations[p].receptors[b->receptor].total_weight)
                w += static_cast<float>(static_cast<double>(b->sources) * b->weight);
    for (const FastProjection& projection : projections)
        for (const network::ReceptorShare& share : projection.specification.receptors) {
            synapse::ReceptorState& receptor = populations[projection.specification.target].receptors[share.receptor];
            if (receptor.kind != synapse::ReceptorKind::nmda) continue;
            const auto scale = static_cast<float>(share.scale);
            projection.synapses.for_each([&](network::SynapseIndex, const network::Synapse& s) {
                receptor.total_weight[s.target] += scale * projection.weight_scale * s.weight;
            });
        }
}

/// Populations whose only receptors are two plain ones, which the model can step itself. Gains may come and go.
void FastNetwork::find_plain_pairs() {
    for (FastPopulation& population : populations) {
        population.plain_pair.reset();
        std::vector<std::size_t> plain;
        bool others =
            population.has_nmda || !std::holds_alternative<neuron::LifConductance>(population.specification.model);
        for (std::size_t r = 0; r < population.receptors.size(); ++r) {
            if (!population.receptors[r].active) continue;
            if (synapse::is_plain(population.receptors[r]))
                plain.push_back(r);
            else
                others = true;
        }
        if (!others && plain.size() == 2) population.plain_pair = {plain[0], plain[1]};
    }
}

void FastNetwork::advance(std::int64_t first_step, std::int64_t steps) {
    const std::int64_t end_step = first_step + steps;
    const std::int64_t every = options_.activity_every_steps;
    const auto floor_div = [](std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); };
    // After a leap, windows do not reach across it.
    if (first_step != next_step_ && fast_step_ > 0) {
        continuous_from_ = first_step;
        settle_plasticity(); // a leap outlasts the traces
        for (FastProjection& projection : projections)
            for (Plasticity& part : projection.plasticity) part.clear_traces();
    }
    next_step_ = end_step;
    find_plain_pairs();
    if (every > 0) {
        for (std::int64_t k = floor_div(first_step, every) + 1; k <= floor_div(end_step, every); ++k)
            if ((k - 1) * every >= continuous_from_) activity_.step.push_back(k * every);
        for (Scratch& scratch : scratch_) scratch.counts.resize(activity_.step.size() * populations.size(), 0);
        lfp_block_sums_.resize(activity_.step.size() * lfp_blocks_, 0);
    }
    for (std::size_t k = 0; k < traces.size(); ++k) {
        TraceSamples& samples = trace_samples_[k];
        for (std::int64_t step = first_step; step < end_step; ++step)
            if ((step + 1) % traces[k].every_steps == 0) samples.step.push_back(step + 1);
        samples.values.resize(samples.step.size() * traces[k].neurons.size(), 0);
    }
    // A stretch shorter than the sampling interval is sampled once, at its end.
    const std::int64_t drive_samples =
        floor_div(end_step, options_.drive_every_steps) - floor_div(first_step, options_.drive_every_steps);
    team_.run_together_or_alone([&](int first, int end, auto wait) {
        PhaseClock clock(scratch_[static_cast<std::size_t>(first)].times, options_.profile);
        for (std::int64_t done = 0; done < steps;) {
            const std::int64_t until = std::min(done + interval_steps_, steps);
            const Ranks ranks{static_cast<std::size_t>(first), static_cast<std::size_t>(end)};
            for (std::int64_t at = done; at < until;) {
                const Batch batch{.step = first_step + at,
                                  .fast_step = fast_step_ + at,
                                  .count = std::min(batch_steps_, until - at),
                                  .end_step = end_step,
                                  .first = at == 0,
                                  .extra_drive_end = drive_samples == 0 ? end_step : 0};
                for (std::int64_t k = 0; k < batch.count; ++k)
                    deliver(batch.fast_step + k, static_cast<std::size_t>(k), ranks);
                clock.charge(Phase::delivery);
                for (int rank = first; rank < end; ++rank) {
                    stimulate(batch, rank);
                    clock.charge(Phase::stimulation);
                    update(batch, clock, rank);
                    clock.charge(Phase::update);
                }
                at += batch.count;
            }
            done = until;
            const bool alone = wait();
            clock.charge(Phase::synchronisation);
            if (!alone) continue;
            if (first != 0) return;
            end = team_.size();
        }
    });
    fast_step_ += steps;
    for (FastPopulation& population : populations)
        if (population.drives.sampled)
            population.drives.samples += static_cast<std::uint32_t>(std::max<std::int64_t>(1, drive_samples));
}

void FastNetwork::reset_drives() {
    for (FastPopulation& population : populations) reset(population.drives);
    for (FastProjection& projection : projections)
        std::fill(projection.released.begin(), projection.released.end(), 0.0f);
}

std::vector<Spike> FastNetwork::take_spikes(std::size_t p) {
    std::vector<Spike> all;
    for (std::vector<Spike>& log : populations[p].log) {
        all.insert(all.end(), log.begin(), log.end());
        log.clear();
    }
    // Threads own ascending ranges, so a stable sort by step gives (step, neuron) order.
    std::stable_sort(all.begin(), all.end(), [](const Spike& a, const Spike& b) { return a.step < b.step; });
    return all;
}

ActivitySamples FastNetwork::take_activity() {
    ActivitySamples taken = std::move(activity_);
    activity_ = {};
    taken.spike_counts.assign(taken.step.size() * populations.size(), 0);
    for (Scratch& scratch : scratch_) {
        for (std::size_t k = 0; k < scratch.counts.size(); ++k) taken.spike_counts[k] += scratch.counts[k];
        scratch.counts.clear();
    }
    taken.lfp_pA.assign(taken.step.size() * options_.regions, 0);
    std::vector<double> neurons(options_.regions, 0);
    for (const FastPopulation& population : populations)
        if (population.in_lfp) neurons[population.specification.region] += static_cast<double>(population.size());
    for (std::size_t k = 0; k < taken.step.size(); ++k)
        for (std::size_t p = 0; p < populations.size(); ++p) {
            if (!populations[p].in_lfp) continue;
            const std::size_t region = populations[p].specification.region;
            double total = 0;
            for (std::size_t b = 0; b < blocks_of(populations[p].size()); ++b)
                total += lfp_block_sums_[k * lfp_blocks_ + lfp_offset_[p] + b];
            taken.lfp_pA[k * options_.regions + region] += total / neurons[region];
        }
    for (std::size_t r = 0; r < options_.regions; ++r)
        for (std::size_t k = 0; k < taken.step.size() && neurons[r] == 0; ++k)
            taken.lfp_pA[k * options_.regions + r] = std::numeric_limits<double>::quiet_NaN();
    lfp_block_sums_.clear();
    return taken;
}

TraceSamples FastNetwork::take_trace(std::size_t trace) {
    TraceSamples taken = std::move(trace_samples_[trace]);
    trace_samples_[trace] = {};
    return taken;
}

std::uint64_t FastNetwork::total_spikes() const {
    std::uint64_t total = 0;
    for (const Scratch& scratch : scratch_) total += scratch.spikes;
    return total;
}

std::uint64_t FastNetwork::total_events() const {
    std::uint64_t total = 0;
    for (const Scratch& scratch : scratch_) total += scratch.events;
    return total;
}

std::size_t FastNetwork::synapse_bytes() const {
    std::size_t total = 0;
    for (const FastProjection& projection : projections) {
        total += projection.synapses.bytes();
        for (const Plasticity& part : projection.plasticity) total += part.bytes();
    }
    for (const Route& route : routes_) total += route.shared.bytes();
    return total;
}

std::size_t FastNetwork::state_bytes() const {
    std::size_t floats = inputs_.size() * static_cast<std::size_t>(batch_steps_);
    for (const FastPopulation& population : populations) {
        std::size_t arrays = 4; // potential, adaptation, refractory steps, current
        for (const synapse::ReceptorState& receptor : population.receptors)
            if (receptor.active)
                arrays += 1 + !receptor.rise.empty() + !receptor.gain.empty() + 2 * !receptor.gain_ab.empty();
        floats += arrays * population.size();
    }
    return floats * sizeof(float);
}

std::size_t FastNetwork::synapse_count(std::size_t q) const {
    const bool shares = routes_[route_of_[q]].projections.size() > 1;
    return shares ? shared_totals_[q].count : projections[q].synapses.count();
}

double FastNetwork::mean_weight(std::size_t q) const {
    const bool shares = routes_[route_of_[q]].projections.size() > 1;
    return shares ? shared_totals_[q].weight_sum / static_cast<double>(shared_totals_[q].count)
                  : static_cast<double>(projections[q].weight_scale) * projections[q].synapses.mean_weight();
}

void FastNetwork::follow_nmda(std::size_t p) {
    FastPopulation& population = populations[p];
    if (plastic_onto_[p].empty()) return;
    population.unblocked_nmda.assign(population.size(), 1);
    for (const std::size_t q : plastic_onto_[p])
        for (Plasticity& part : projections[q].plasticity) part.follow_nmda(population.unblocked_nmda.data());
}

void FastNetwork::settle_plasticity() {
    bool any = false;
    for (const std::vector<std::size_t>& plastic : plastic_onto_) any = any || !plastic.empty();
    if (!any) return;
    team_.run([&](int rank, auto) {
        const auto t = static_cast<std::size_t>(rank);
        for (FastProjection& projection : projections)
            if (!projection.plasticity.empty()) projection.plasticity[t].settle(projection.synapses, t, fast_step_);
    });
}

void FastNetwork::hold_plasticity(bool held) {
    settle_plasticity();
    for (FastProjection& projection : projections)
        for (Plasticity& part : projection.plasticity) {
            part.hold(held);
            part.clear_traces();
        }
}

} // namespace rewire::engine
