#include "engine/fast_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "random/stream.hpp"

namespace rewire::engine {
namespace {

/// Neurons are split among threads in whole blocks of this many; a run of the update is a few blocks.
constexpr std::size_t block_size = 64;
constexpr std::size_t run_size = 256;

std::size_t blocks_of(std::size_t neurons) { return (neurons + block_size - 1) / block_size; }

std::vector<std::uint32_t> cut_among(std::size_t neurons, int threads) {
    const std::size_t blocks = blocks_of(neurons);
    std::vector<std::uint32_t> cuts;
    for (int t = 0; t <= threads; ++t)
        cuts.push_back(static_cast<std::uint32_t>(
            std::min(neurons, blocks * static_cast<std::size_t>(t) / static_cast<std::size_t>(threads) * block_size)));
    return cuts;
}

/// Cumulative Poisson probabilities as 32-bit thresholds.
std::vector<std::uint32_t> poisson_thresholds(double mean) {
    std::vector<std::uint32_t> thresholds;
    double probability = std::exp(-mean), cumulative = probability;
    for (int k = 0; k < 10000; ++k) {
        const double scaled = std::ceil(cumulative * 0x1.0p32);
        if (scaled >= 0x1.0p32) break;
        thresholds.push_back(static_cast<std::uint32_t>(scaled));
        probability *= mean / (k + 1);
        cumulative += probability;
    }
    return thresholds;
}

/// Random words of four steps for neurons [first, first + count), word k of each into words + k * stride.
REWIRE_CLONES void draw_words(std::uint64_t seed, Purpose purpose, std::uint64_t entity, std::uint64_t time,
                              std::uint32_t first, std::size_t count, std::size_t stride,
                              std::uint32_t* __restrict words) {
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) {
        const auto drawn = random_words(seed, purpose, (entity << 32) | (first + static_cast<std::uint32_t>(i)), time);
        words[i] = drawn[0];
        words[stride + i] = drawn[1];
        words[2 * stride + i] = drawn[2];
        words[3 * stride + i] = drawn[3];
    }
}

/// Turns words into Poisson counts and adds weight x count to the input; at most run_size neurons.
REWIRE_CLONES void add_poisson(const std::uint32_t* words, std::size_t count, const std::uint32_t* thresholds,
                               std::size_t levels, float weight, float* __restrict input) {
    std::int32_t hits[run_size] = {};
    for (std::size_t k = 0; k < levels; ++k) {
        const std::uint32_t threshold = thresholds[k];
        for (std::size_t i = 0; i < count; ++i) hits[i] += words[i] >= threshold;
    }
    for (std::size_t i = 0; i < count; ++i) input[i] += weight * static_cast<float>(hits[i]);
}

/// Adds the gained conductances of a run to the sums that the membrane step reads.
REWIRE_CLONES void add_ohmic(const float* g, const float* gain, float reversal_mV, std::size_t count, float* sum,
                             float* sum_current) {
    if (gain == nullptr) {
        for (std::size_t i = 0; i < count; ++i) {
            sum[i] += g[i];
            sum_current[i] += g[i] * reversal_mV;
        }
    } else {
        for (std::size_t i = 0; i < count; ++i) {
            const float gained = g[i] * gain[i];
            sum[i] += gained;
            sum_current[i] += gained * reversal_mV;
        }
    }
}

REWIRE_CLONES void add_nmda(const float* g, const float* gain_ab, const float* gain_cd, std::size_t count, float* ab,
                            float* cd) {
    for (std::size_t i = 0; i < count; ++i) {
        ab[i] += g[i] * gain_ab[i];
        cd[i] += g[i] * gain_cd[i];
    }
}

/// One spike over its synapses: the loop that delivery spends its time in.
inline void deliver_row(const network::SynapseStore::Row& row, float shared_weight, float amount, float* input) {
    if (row.weight == nullptr) {
        const float added = shared_weight * amount;
        for (std::uint32_t s = 0; s < row.size; ++s) input[row.target[s]] += added;
    } else {
        for (std::uint32_t s = 0; s < row.size; ++s) input[row.target[s]] += row.weight[s] * amount;
    }
}

/// The same onto two receptors at once.
inline void deliver_row(const network::SynapseStore::Row& row, float shared_weight, float first, float* first_input,
                        float second, float* second_input) {
    for (std::uint32_t s = 0; s < row.size; ++s) {
        const float weight = row.weight == nullptr ? shared_weight : row.weight[s];
        first_input[row.target[s]] += weight * first;
        second_input[row.target[s]] += weight * second;
    }
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
      projections_from_(population_list.size()) {
    const auto threads = static_cast<std::size_t>(team_.size());
    ambient_open.assign(options_.regions, 0);
    options_.drives.block.clear();
    for (const drug::Blocker& blocker : options_.drives.blockers)
        options_.drives.block.push_back(drug::block_constants(blocker));
    for (std::size_t p = 0; p < population_list.size(); ++p) {
        const network::Population& spec = population_list[p];
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
                    const double u = initial.kind == "constant"
                                         ? 0
                                         : (initial.kind == "uniform" ? random.uniform() : random.normal());
                    v = static_cast<float>(initial.kind == "uniform" ? initial.low + u * (initial.high - initial.low)
                                                                     : initial.mean + u * initial.sd);
                }
            },
            spec.model);
        for (const synapse::Receptor& receptor : spec.receptors) {
            population.receptors.push_back(synapse::make_receptor_state(receptor, n, options_.dt_ms));
            synapse::ReceptorState& state = population.receptors.back();
            if (state.kind == synapse::ReceptorKind::nmda) {
                population.nmda.reversal_mV = static_cast<float>(receptor.reversal_mV);
            }
            if (const auto* lif = std::get_if<neuron::LifCurrent>(&spec.model))
                state.propagator_mV_per_pA = static_cast<float>(
                    neuron::synaptic_propagator_mV_per_pA(*lif, receptor.tau_decay_ms, options_.dt_ms));
        }
        if (spec.tonic_nmda_nS > 0) {
            population.has_nmda = true;
            population.tonic_ab_nS.assign(n, static_cast<float>(spec.tonic_nmda_nS * (spec.extrasynaptic.share_2a +
                                                                                      spec.extrasynaptic.share_2b)));
            population.tonic_cd_nS.assign(n, static_cast<float>(spec.tonic_nmda_nS * (spec.extrasynaptic.share_2c +
                                                                                      spec.extrasynaptic.share_2d)));
        }
        population.nmda.mg_ratio_ab = static_cast<float>(options_.drives.mg_mM / synapse::mg_half_ab_mM);
        population.nmda.mg_ratio_cd = static_cast<float>(options_.drives.mg_mM / synapse::mg_half_cd_mM);
        population.drives.spikes.assign(n, 0);
        population.drives.calcium.assign(n, 0);
        population.log.resize(threads);
        lfp_offset_.push_back(lfp_blocks_);
        lfp_blocks_ += blocks_of(n);
        populations.push_back(std::move(population));
    }

    const network::PairwiseColumns no_columns;
    std::int64_t shortest = 65535, longest = 1;
    for (std::size_t q = 0; q < projection_list.size(); ++q) {
        FastProjection projection;
        projection.specification = projection_list[q];
        const network::Projection& spec = projection.specification;
        FastPopulation& target = populations[spec.target];
        const network::SynapseList list = network::connect(
            spec, q, population_list[spec.source], population_list[spec.target], populations[spec.source].positions,
            target.positions, options_.dt_ms, options_.seed, q < pairwise.size() ? pairwise[q] : no_columns);
        network::SynapseLayout layout{.sources = static_cast<std::uint32_t>(populations[spec.source].size()),
                                      .targets = static_cast<std::uint32_t>(target.size()),
                                      .shared_weight = list.shared_weight,
                                      .own_weights = !list.weight.empty() || spec.weight.kind != "constant",
                                      .ageing = spec.structural};
        // Rows of an empty structural projection still need the delay of what will form.
        if (spec.structural && list.size() == 0) {
            const network::Distribution& delay = spec.delay_ms;
            const double typical_ms = delay.kind == "uniform" ? 0.5 * (delay.low + delay.high) : delay.mean;
            layout.delays_steps = {network::delay_in_steps(typical_ms, options_.dt_ms)};
        }
        projection.synapses =
            network::SynapseStore(std::move(layout), list.source, list.delay_steps, list.target, list.weight);
        projection.synapses.set_partitions(target.cuts);
        for (const std::uint16_t delay : projection.synapses.delays_steps()) {
            shortest = std::min<std::int64_t>(shortest, delay);
            longest = std::max<std::int64_t>(longest, delay);
        }
        bool saturating = false;
        for (const network::ReceptorShare& share : spec.receptors)
            saturating = saturating || target.receptors[share.receptor].kind == synapse::ReceptorKind::nmda;
        const bool tracked = options_.track_release && spec.glutamatergic;
        projection.dynamic = spec.short_term.has_value() || saturating || tracked;
        if (projection.dynamic) projection.state.resize(populations[spec.source].size());
        if (tracked) projection.released.assign(populations[spec.source].size(), 0);
        projections_from_[spec.source].push_back(q);
        projections.push_back(std::move(projection));
    }
    interval_steps_ = std::min(shortest, longest) + 1;
    slots_ = longest + interval_steps_ + 2;
    for (FastPopulation& population : populations)
        population.history.assign(threads, std::vector<std::vector<std::uint32_t>>(static_cast<std::size_t>(slots_)));
    for (FastProjection& projection : projections)
        if (projection.dynamic)
            projection.payload.assign(threads, std::vector<FastProjection::Payload>(static_cast<std::size_t>(slots_)));
    counters_.resize(threads);
    for (ThreadCounters& counter : counters_) counter.window.assign(populations.size(), 0);
    trace_samples_.resize(traces.size());
    mark_active_receptors();
    build_poisson_inputs();
    update_total_weights();
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

void FastNetwork::build_poisson_inputs() {
    const auto add = [&](std::size_t population, std::size_t receptor, std::int64_t first, std::int64_t count,
                         double from_s, double to_s, double rate_Hz, double weight, Purpose purpose,
                         std::uint64_t entity) {
        const double steps_per_s = 1000 / options_.dt_ms;
        const auto to_step = [&](double s) {
            return static_cast<std::int64_t>(std::llround(std::clamp(s, -1e11, 1e11) * steps_per_s));
        };
        PoissonInput input{population,
                           receptor,
                           static_cast<std::uint32_t>(first),
                           static_cast<std::uint32_t>(count),
                           to_step(from_s),
                           to_step(to_s),
                           static_cast<float>(weight),
                           purpose,
                           entity,
                           poisson_thresholds(rate_Hz * options_.dt_ms * 1e-3),
                           {}};
        input.words.assign(static_cast<std::size_t>(count) * 4, 0);
        poisson_.push_back(std::move(input));
    };
    for (std::size_t p = 0; p < populations.size(); ++p)
        if (const auto& b = populations[p].specification.background)
            add(p, b->receptor, 0, populations[p].specification.size, -1e11, 1e11,
                static_cast<double>(b->sources) * b->rate_Hz, b->weight, Purpose::background, p);
    for (std::size_t k = 0; k < stimuli_.size(); ++k)
        if (const Stimulus& s = stimuli_[k]; s.kind == "poisson")
            add(s.population, s.receptor, s.first, s.count, s.from_s, s.to_s, s.rate_Hz, s.weight, Purpose::stimulus,
                k);
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
                receptor.total_weight[s.target] += scale * s.weight;
            });
        }
}

void FastNetwork::advance(std::int64_t first_step, std::int64_t steps) {
    const std::int64_t end_step = first_step + steps;
    const std::int64_t every = options_.activity_every_steps;
    const auto floor_div = [](std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); };
    // After a leap, windows do not reach across it.
    if (first_step != next_step_ && fast_step_ > 0) continuous_from_ = first_step;
    next_step_ = end_step;
    if (every > 0) {
        for (std::int64_t k = floor_div(first_step, every) + 1; k <= floor_div(end_step, every); ++k)
            if ((k - 1) * every >= continuous_from_) activity_.step.push_back(k * every);
        for (ThreadCounters& counter : counters_) counter.counts.resize(activity_.step.size() * populations.size(), 0);
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
    team_.run([&](int rank, auto wait) {
        for (std::int64_t done = 0; done < steps;) {
            const std::int64_t until = std::min(done + interval_steps_, steps);
            for (; done < until; ++done) {
                deliver(fast_step_ + done, rank);
                update(first_step + done, fast_step_ + done, end_step, done == 0, rank);
                take_samples(first_step + done, drive_samples == 0 ? end_step : 0, rank);
            }
            wait();
        }
    });
    fast_step_ += steps;
    for (FastPopulation& population : populations)
        if (population.drives.sampled)
            population.drives.samples += static_cast<std::uint32_t>(std::max<std::int64_t>(1, drive_samples));
}

void FastNetwork::deliver(std::int64_t fast_step, int rank) {
    std::uint64_t events = 0;
    for (FastProjection& projection : projections) {
        const network::Projection& spec = projection.specification;
        const network::SynapseStore& synapses = projection.synapses;
        const FastPopulation& source = populations[spec.source];
        FastPopulation& target = populations[spec.target];
        float* first_input = target.receptors[spec.receptors[0].receptor].input.data();
        float* second_input =
            spec.receptors.size() > 1 ? target.receptors[spec.receptors[1].receptor].input.data() : nullptr;
        const auto first_scale = static_cast<float>(spec.receptors[0].scale);
        const float second_scale = spec.receptors.size() > 1 ? static_cast<float>(spec.receptors[1].scale) : 0;
        const auto groups = static_cast<std::uint32_t>(synapses.delays_steps().size());
        for (std::uint32_t group = 0; group < groups; ++group) {
            const std::int64_t emitted = fast_step - 1 - synapses.delays_steps()[group];
            if (emitted < 0) continue;
            const auto slot = static_cast<std::size_t>(emitted % slots_);
            for (std::size_t thread = 0; thread < source.history.size(); ++thread) {
                const std::vector<std::uint32_t>& fired = source.history[thread][slot];
                for (std::size_t k = 0; k < fired.size(); ++k) {
                    const auto row =
                        synapses.split(synapses.row_index(fired[k], group), static_cast<std::size_t>(rank));
                    const float first = projection.dynamic ? projection.payload[thread][slot].first[k] : first_scale;
                    events += row.size;
                    if (second_input != nullptr) {
                        const float second =
                            projection.dynamic ? projection.payload[thread][slot].second[k] : second_scale;
                        deliver_row(row, synapses.shared_weight(), first, first_input, second, second_input);
                    } else {
                        deliver_row(row, synapses.shared_weight(), first, first_input);
                    }
                }
            }
        }
    }
    counters_[static_cast<std::size_t>(rank)].events += events;
}

void FastNetwork::update(std::int64_t step, std::int64_t fast_step, std::int64_t end_step, bool first, int rank) {
    const auto slot = static_cast<std::size_t>(fast_step % slots_);
    const auto thread = static_cast<std::size_t>(rank);
    alignas(64) std::int32_t spiked[run_size];
    for (std::size_t p = 0; p < populations.size(); ++p) {
        FastPopulation& population = populations[p];
        population.history[thread][slot].clear();
        for (const std::size_t q : projections_from_[p])
            if (projections[q].dynamic) {
                projections[q].payload[thread][slot].first.clear();
                projections[q].payload[thread][slot].second.clear();
            }
        const std::size_t begin = population.cuts[thread], end = population.cuts[thread + 1];
        if (begin == end) continue;
        stimulate(p, step, first, rank);
        for (std::size_t at = begin; at < end; at += run_size) {
            const std::size_t count = std::min(run_size, end - at);
            step_block(population, at, count, spiked);
            // Most stretches are silent: one vectorised sum passes over them.
            for (std::size_t from = 0; from < count; from += block_size) {
                const std::size_t until = std::min(from + block_size, count);
                if (std::accumulate(spiked + from, spiked + until, 0) == 0) continue;
                for (std::size_t i = from; i < until; ++i)
                    if (spiked[i]) emit(p, static_cast<std::uint32_t>(at + i), step, fast_step, end_step, rank);
            }
        }
        const std::size_t fired = population.history[thread][slot].size();
        counters_[thread].spikes += fired;
        counters_[thread].window[p] += static_cast<std::uint32_t>(fired);
    }
}

void FastNetwork::stimulate(std::size_t p, std::int64_t step, bool first, int rank) {
    FastPopulation& population = populations[p];
    const std::uint32_t begin = population.cuts[static_cast<std::size_t>(rank)];
    const std::uint32_t end = population.cuts[static_cast<std::size_t>(rank) + 1];
    for (PoissonInput& input : poisson_) {
        if (input.population != p || step < input.from_step || step >= input.to_step) continue;
        const std::uint32_t low = std::max(begin, input.first), high = std::min(end, input.first + input.count);
        if (low >= high) continue;
        const std::int64_t quarter = step & 3;
        // A word serves each of four steps; time is offset so that steps before zero have counters of their own.
        if (first || quarter == 0 || step == input.from_step)
            draw_words(options_.seed, input.purpose, input.entity,
                       static_cast<std::uint64_t>((step >> 2) + (std::int64_t{1} << 44)), low, high - low, input.count,
                       input.words.data() + (low - input.first));
        const std::uint32_t* words = input.words.data() + static_cast<std::size_t>(quarter) * input.count;
        for (std::uint32_t at = low; at < high; at += run_size)
            add_poisson(words + (at - input.first), std::min<std::size_t>(run_size, high - at), input.thresholds.data(),
                        input.thresholds.size(), input.weight, population.receptors[input.receptor].input.data() + at);
    }
    const double dt_s = options_.dt_ms * 1e-3;
    for (const Stimulus& s : stimuli_) {
        if (s.population != p || s.kind != "spikes") continue;
        const auto step_of = [&](double t) { return static_cast<std::int64_t>(std::llround(t / dt_s)); };
        auto it = std::lower_bound(s.times_s.begin(), s.times_s.end(), step,
                                   [&](double t, std::int64_t k) { return step_of(t) < k; });
        for (; it != s.times_s.end() && step_of(*it) == step; ++it) {
            const std::uint32_t i = s.neurons[static_cast<std::size_t>(it - s.times_s.begin())];
            if (i >= begin && i < end) population.receptors[s.receptor].input[i] += static_cast<float>(s.weight);
        }
    }
    bool injected = false;
    for (const Stimulus& s : stimuli_) injected = injected || (s.population == p && s.kind.starts_with("current"));
    if (!injected) return;
    std::fill(population.current_pA.begin() + begin, population.current_pA.begin() + end,
              static_cast<float>(population.specification.current_pA));
    const double t = (static_cast<double>(step) + 0.5) * dt_s; // middle of the step: second order for ramps
    for (const Stimulus& s : stimuli_) {
        if (s.population != p || !s.kind.starts_with("current") || t < s.from_s || t >= s.to_s) continue;
        const double share = (t - s.from_s) / (s.to_s - s.from_s);
        const auto current = static_cast<float>(
            s.kind == "current_ramp" ? s.amplitude_pA + share * (s.end_amplitude_pA - s.amplitude_pA) : s.amplitude_pA);
        const auto low = std::max<std::int64_t>(begin, s.first), high = std::min<std::int64_t>(end, s.first + s.count);
        for (std::int64_t i = low; i < high; ++i) population.current_pA[static_cast<std::size_t>(i)] += current;
    }
}

void FastNetwork::step_block(FastPopulation& population, std::size_t first, std::size_t count, std::int32_t* spiked) {
    alignas(64) float conductance[run_size], sum[run_size], sum_current[run_size], ab[run_size], cd[run_size];
    const bool currents = neuron::uses_currents(population.specification.model);
    std::memset(sum, 0, count * sizeof(float));
    std::memset(sum_current, 0, count * sizeof(float));
    if (population.has_nmda) {
        if (population.tonic_ab_nS.empty()) {
            std::memset(ab, 0, count * sizeof(float));
            std::memset(cd, 0, count * sizeof(float));
        } else {
            std::memcpy(ab, population.tonic_ab_nS.data() + first, count * sizeof(float));
            std::memcpy(cd, population.tonic_cd_nS.data() + first, count * sizeof(float));
        }
    }
    for (synapse::ReceptorState& receptor : population.receptors) {
        if (!receptor.active) continue;
        if (currents) {
            synapse::step_current_receptor(receptor, first, count, sum_current);
            continue;
        }
        synapse::step_receptor(receptor, first, count, conductance);
        if (receptor.kind == synapse::ReceptorKind::nmda)
            add_nmda(conductance, receptor.gain_ab.data() + first, receptor.gain_cd.data() + first, count, ab, cd);
        else
            add_ohmic(conductance, receptor.gain.empty() ? nullptr : receptor.gain.data() + first,
                      static_cast<float>(receptor.parameters.reversal_mV), count, sum, sum_current);
    }
    const neuron::StepInput input{sum, sum_current, population.has_nmda ? ab : nullptr, cd,
                                  population.current_pA.data() + first};
    const neuron::MembraneSlice slice{population.membrane.membrane_potential_mV.data() + first,
                                      population.membrane.adaptation_pA.data() + first,
                                      population.membrane.refractory_steps.data() + first, spiked, count};
    if (!population.has_nmda) { // the adaptive model reads these whatever the receptors
        std::memset(ab, 0, count * sizeof(float));
        std::memset(cd, 0, count * sizeof(float));
    }
    std::visit(
        [&]<class M>(const M& model) {
            neuron::StepInput in = input;
            if constexpr (std::is_same_v<M, neuron::Adex>) in.nmda_ab_nS = ab;
            neuron::step(model, options_.dt_ms, population.refractory_steps, population.nmda, in, slice);
        },
        population.specification.model);
}

void FastNetwork::emit(std::size_t p, std::uint32_t neuron, std::int64_t step, std::int64_t fast_step,
                       std::int64_t end_step, int rank) {
    FastPopulation& population = populations[p];
    const auto slot = static_cast<std::size_t>(fast_step % slots_);
    const auto thread = static_cast<std::size_t>(rank);
    population.history[thread][slot].push_back(neuron);
    if (population.record_spikes) population.log[thread].push_back({step, neuron});
    population.drives.spikes[neuron] += 1;
    const double until_end_ms = static_cast<double>(end_step - step - 1) * options_.dt_ms;
    population.drives.calcium[neuron] +=
        static_cast<float>(options_.calcium.beta * std::exp(-until_end_ms * 1e-3 / options_.calcium.tau_s));
    const double t_ms = static_cast<double>(fast_step + 1) * options_.dt_ms;
    for (const std::size_t q : projections_from_[p]) {
        FastProjection& projection = projections[q];
        if (!projection.dynamic) continue;
        const network::Projection& spec = projection.specification;
        synapse::ReleaseState& state = projection.state[neuron];
        const double interval_ms = t_ms - state.last_spike_ms;
        const float released = spec.short_term
                                   ? synapse::release(state, *spec.short_term, t_ms, projection.release_factor)
                                   : projection.release_factor;
        state.last_spike_ms = t_ms;
        if (!projection.released.empty()) projection.released[neuron] += released;
        FastProjection::Payload& payload = projection.payload[thread][slot];
        for (std::size_t k = 0; k < spec.receptors.size(); ++k) {
            const synapse::ReceptorState& receptor = populations[spec.target].receptors[spec.receptors[k].receptor];
            float amount = released;
            if (receptor.kind == synapse::ReceptorKind::nmda)
                amount = synapse::nmda_increment(state, interval_ms, receptor.parameters.saturation,
                                                 receptor.parameters.tau_decay_ms, released);
            (k == 0 ? payload.first : payload.second).push_back(amount * static_cast<float>(spec.receptors[k].scale));
        }
    }
}

void FastNetwork::take_samples(std::int64_t step, std::int64_t extra_drive_end, int rank) {
    const auto thread = static_cast<std::size_t>(rank);
    const std::int64_t end = step + 1;
    if (end % options_.drive_every_steps == 0 || end == extra_drive_end)
        for (FastPopulation& population : populations) {
            const std::size_t begin = population.cuts[thread], count = population.cuts[thread + 1] - begin;
            if (population.drives.sampled && count > 0)
                sample(population.drives, options_.drives, population.membrane.membrane_potential_mV.data(),
                       population.receptors, ambient_open[population.specification.region], begin, count);
        }
    if (const std::int64_t every = options_.activity_every_steps; every > 0 && end % every == 0) {
        const auto index = static_cast<std::size_t>(
            std::lower_bound(activity_.step.begin(), activity_.step.end(), end) - activity_.step.begin());
        ThreadCounters& counter = counters_[thread];
        const bool whole = index < activity_.step.size() && activity_.step[index] == end;
        for (std::size_t p = 0; p < populations.size(); ++p) {
            if (!whole) { // part of the window lies before a leap
                counter.window[p] = 0;
                continue;
            }
            counter.counts[index * populations.size() + p] = counter.window[p];
            counter.window[p] = 0;
            FastPopulation& population = populations[p];
            if (!population.in_lfp) continue;
            for (std::size_t at = population.cuts[thread]; at < population.cuts[thread + 1]; at += block_size) {
                double total = 0;
                const std::size_t stop = std::min<std::size_t>(at + block_size, population.cuts[thread + 1]);
                for (const synapse::ReceptorState& receptor : population.receptors) {
                    if (receptor.kind == synapse::ReceptorKind::nmda) continue;
                    const auto reversal = static_cast<float>(receptor.parameters.reversal_mV);
                    for (std::size_t i = at; i < stop; ++i) {
                        const float gain = receptor.gain.empty() ? 1.0f : receptor.gain[i];
                        const float driving = std::abs(population.membrane.membrane_potential_mV[i] - reversal);
                        total += static_cast<double>(synapse::conductance_nS(receptor, i) * gain * driving);
                    }
                }
                lfp_block_sums_[index * lfp_blocks_ + lfp_offset_[p] + at / block_size] = total;
            }
        }
    }
    for (std::size_t k = 0; k < traces.size(); ++k) {
        const Trace& trace = traces[k];
        if (end % trace.every_steps != 0) continue;
        TraceSamples& samples = trace_samples_[k];
        const auto index = static_cast<std::size_t>(std::lower_bound(samples.step.begin(), samples.step.end(), end) -
                                                    samples.step.begin());
        const FastPopulation& population = populations[trace.population];
        for (std::size_t n = 0; n < trace.neurons.size(); ++n) {
            const std::uint32_t i = trace.neurons[n];
            if (i < population.cuts[thread] || i >= population.cuts[thread + 1]) continue;
            float value = 0;
            if (trace.variable == "membrane_potential")
                value = population.membrane.membrane_potential_mV[i];
            else if (trace.variable == "adaptation")
                value = population.membrane.adaptation_pA[i];
            else
                for (const synapse::ReceptorState& receptor : population.receptors)
                    if (trace.variable == "g_" + receptor.parameters.name) value = synapse::conductance_nS(receptor, i);
            samples.values[index * trace.neurons.size() + n] = value;
        }
    }
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
    for (ThreadCounters& counter : counters_) {
        for (std::size_t k = 0; k < counter.counts.size(); ++k) taken.spike_counts[k] += counter.counts[k];
        counter.counts.clear();
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
    for (const ThreadCounters& counter : counters_) total += counter.spikes;
    return total;
}

std::uint64_t FastNetwork::total_events() const {
    std::uint64_t total = 0;
    for (const ThreadCounters& counter : counters_) total += counter.events;
    return total;
}

std::size_t FastNetwork::synapse_bytes() const {
    std::size_t total = 0;
    for (const FastProjection& projection : projections) total += projection.synapses.bytes();
    return total;
}

} // namespace rewire::engine
