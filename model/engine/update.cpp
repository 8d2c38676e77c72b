// U and S: receptors, membranes, emission and samples, run of neurons by run of neurons.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/fast_network.hpp"
#include "engine/neuron_blocks.hpp"

namespace rewire::engine {
namespace {

/// Adds the gained conductances of a receptor with a rise time to the sums that the membrane step reads.
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

/// Lists the neurons of a run that fired. Most blocks are silent: one vectorised pass leaves them out.
REWIRE_CLONES std::size_t list_fired(const std::int32_t* spiked, std::size_t count, std::uint32_t* fired) {
    std::size_t listed = 0;
    for (std::size_t from = 0; from < count; from += block_size) {
        const std::size_t n = std::min(block_size, count - from);
        std::int32_t any = 0;
        for (std::size_t i = 0; i < n; ++i) any |= spiked[from + i];
        if (any == 0) continue;
        std::uint64_t mask = 0;
        for (std::size_t i = 0; i < n; ++i) mask |= static_cast<std::uint64_t>(spiked[from + i]) << i;
        for (; mask != 0; mask &= mask - 1)
            fired[listed++] = static_cast<std::uint32_t>(from) + static_cast<std::uint32_t>(std::countr_zero(mask));
    }
    return listed;
}

} // namespace

/// Inputs of the thread's neurons of a population in a slot, to be indexed with the neuron.
float* FastNetwork::input_of(std::size_t slot, std::size_t thread, std::size_t population, std::size_t receptor) {
    const InputArena::Segment& segment = inputs_.segment(thread, population, receptor);
    return inputs_.slot(slot) +
           (static_cast<std::ptrdiff_t>(segment.offset) - static_cast<std::ptrdiff_t>(segment.first));
}

void FastNetwork::update(const Batch& batch, PhaseClock& clock, int rank) {
    const auto thread = static_cast<std::size_t>(rank);
    alignas(64) std::int32_t spiked[run_size];
    std::uint32_t fired[run_size];
    std::array<float, 64> calcium_increment{}; // by step: what a spike leaves at the end of the call
    for (std::int64_t k = 0; k < batch.count; ++k) {
        const double until_end_ms = static_cast<double>(batch.end_step - batch.step - k - 1) * options_.dt_ms;
        calcium_increment[static_cast<std::size_t>(k)] =
            static_cast<float>(options_.calcium.beta * std::exp(-until_end_ms * 1e-3 / options_.calcium.tau_s));
    }
    for (std::size_t p = 0; p < populations.size(); ++p) {
        FastPopulation& population = populations[p];
        for (std::int64_t k = 0; k < batch.count; ++k) {
            const auto ring = static_cast<std::size_t>((batch.fast_step + k) % slots_);
            population.history[thread][ring].clear();
            for (const std::size_t q : dynamic_from_[p]) {
                projections[q].payload[thread][ring].first.clear();
                projections[q].payload[thread][ring].second.clear();
            }
        }
        const std::size_t begin = population.cuts[thread], end = population.cuts[thread + 1];
        for (std::size_t at = begin; at < end; at += run_size) {
            const std::size_t count = std::min(run_size, end - at);
            for (std::int64_t k = 0; k < batch.count; ++k) {
                const std::int64_t step = batch.step + k;
                if (population.injected) inject(population, p, step, at, count);
                step_run(population, p, static_cast<std::size_t>(k), thread, at, count, spiked);
                const std::size_t firing = list_fired(spiked, count, fired);
                for (std::size_t n = 0; n < firing; ++n)
                    emit(p, static_cast<std::uint32_t>(at) + fired[n], step, batch.fast_step + k,
                         calcium_increment[static_cast<std::size_t>(k)], rank);
                const bool drives_due =
                    (step + 1) % options_.drive_every_steps == 0 || step + 1 == batch.extra_drive_end;
                clock.charge(Phase::update);
                sample_run(p, step + 1, drives_due, at, count);
                clock.charge(Phase::sampling);
            }
        }
        for (std::int64_t k = 0; k < batch.count; ++k) {
            const auto ring = static_cast<std::size_t>((batch.fast_step + k) % slots_);
            count_spikes(p, batch.step + k + 1, population.history[thread][ring].size(), rank);
        }
    }
}

void FastNetwork::step_run(FastPopulation& population, std::size_t p, std::size_t slot, std::size_t thread,
                           std::size_t first, std::size_t count, std::int32_t* spiked) {
    alignas(64) float conductance[run_size], sum[run_size], sum_current[run_size], ab[run_size], cd[run_size];
    const bool currents = neuron::uses_currents(population.specification.model);
    const neuron::MembraneSlice slice{population.membrane.membrane_potential_mV.data() + first,
                                      population.membrane.adaptation_pA.data() + first,
                                      population.membrane.refractory_steps.data() + first, spiked, count};
    const float* current_pA = population.current_pA.data() + first;
    if (population.plain_pair) {
        const auto [a, b] = *population.plain_pair;
        const synapse::PlainPair pair =
            synapse::plain_pair(population.receptors[a], input_of(slot, thread, p, a) + first, population.receptors[b],
                                input_of(slot, thread, p, b) + first, first);
        return neuron::step_with_pair(std::get<neuron::LifConductance>(population.specification.model), options_.dt_ms,
                                      population.refractory_steps, pair, current_pA, slice);
    }
    synapse::ReceptorSums sums{sum, sum_current};
    const auto clear = [&](float* values) { std::memset(values, 0, count * sizeof(float)); };
    if (population.has_nmda && !population.tonic_ab_nS.empty()) {
        std::memcpy(ab, population.tonic_ab_nS.data() + first, count * sizeof(float));
        std::memcpy(cd, population.tonic_cd_nS.data() + first, count * sizeof(float));
    } else if (population.has_nmda) {
        clear(ab);
        clear(cd);
    }
    for (std::size_t r = 0; r < population.receptors.size(); ++r) {
        synapse::ReceptorState& receptor = population.receptors[r];
        if (!receptor.active) continue;
        float* input = input_of(slot, thread, p, r) + first;
        if (currents) {
            synapse::add_current_receptor(receptor, first, count, input, sums);
        } else if (receptor.kind == synapse::ReceptorKind::nmda) {
            synapse::step_receptor(receptor, first, count, input, conductance);
            add_nmda(conductance, receptor.gain_ab.data() + first, receptor.gain_cd.data() + first, count, ab, cd);
        } else if (receptor.rise.empty()) {
            synapse::add_plain_receptor(receptor, first, count, input, sums);
        } else {
            if (sums.empty) clear(sum), clear(sum_current), sums.empty = false;
            synapse::step_receptor(receptor, first, count, input, conductance);
            add_ohmic(conductance, receptor.gain.empty() ? nullptr : receptor.gain.data() + first,
                      static_cast<float>(receptor.parameters.reversal_mV), count, sum, sum_current);
        }
    }
    if (sums.empty) clear(sum), clear(sum_current);
    std::visit(
        [&]<class M>(const M& model) {
            neuron::step(model, options_.dt_ms, population.refractory_steps, population.nmda,
                         {sum, sum_current, population.has_nmda ? ab : nullptr, cd, current_pA}, slice);
        },
        population.specification.model);
}

void FastNetwork::emit(std::size_t p, std::uint32_t neuron, std::int64_t step, std::int64_t fast_step,
                       float calcium_increment, int rank) {
    FastPopulation& population = populations[p];
    const auto slot = static_cast<std::size_t>(fast_step % slots_);
    const auto thread = static_cast<std::size_t>(rank);
    population.history[thread][slot].push_back(neuron);
    if (population.record_spikes) population.log[thread].push_back({step, neuron});
    population.drives.spikes[neuron] += 1;
    population.drives.calcium[neuron] += calcium_increment;
    for (const std::size_t q : plastic_onto_[p]) projections[q].plasticity[thread].post_spike(neuron, fast_step + 1);
    const double t_ms = static_cast<double>(fast_step + 1) * options_.dt_ms;
    for (const std::size_t q : dynamic_from_[p]) {
        FastProjection& projection = projections[q];
        const network::Projection& spec = projection.specification;
        synapse::ReleaseState& state = projection.state[neuron];
        const double interval_ms = t_ms - state.last_spike_ms;
        const float factor =
            projection.release_factors.empty() ? projection.release_factor : projection.release_factors[neuron];
        const float released = spec.short_term ? synapse::release(state, *spec.short_term, t_ms, factor) : factor;
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

/// What is due of a run at the end of a step: drives, the LFP proxy, traces.
void FastNetwork::sample_run(std::size_t p, std::int64_t end, bool drives_due, std::size_t first, std::size_t count) {
    FastPopulation& population = populations[p];
    if (drives_due && population.drives.sampled)
        sample(population.drives, options_.drives, population.membrane.membrane_potential_mV.data(),
               population.receptors, ambient_open[population.specification.region], first, count,
               population.ambient_open.empty() ? nullptr : population.ambient_open.data());
    const std::int64_t every = options_.activity_every_steps;
    if (population.in_lfp && every > 0 && end % every == 0) {
        const auto found = std::lower_bound(activity_.step.begin(), activity_.step.end(), end);
        if (found != activity_.step.end() && *found == end) { // else part of the window lies before a leap
            const auto index = static_cast<std::size_t>(found - activity_.step.begin());
            for (std::size_t at = first; at < first + count; at += block_size) {
                double total = 0;
                const std::size_t stop = std::min(at + block_size, first + count);
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
        if (trace.population != p || end % trace.every_steps != 0) continue;
        TraceSamples& samples = trace_samples_[k];
        const auto index = static_cast<std::size_t>(std::lower_bound(samples.step.begin(), samples.step.end(), end) -
                                                    samples.step.begin());
        for (std::size_t n = 0; n < trace.neurons.size(); ++n) {
            const std::uint32_t i = trace.neurons[n];
            if (i < first || i >= first + count) continue;
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

/// Counts the spikes of a population's step, and hands over the count of a window that ends with it.
void FastNetwork::count_spikes(std::size_t p, std::int64_t end, std::size_t fired, int rank) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
    scratch.spikes += fired;
    scratch.window[p] += static_cast<std::uint32_t>(fired);
    const std::int64_t every = options_.activity_every_steps;
    if (every <= 0 || end % every != 0) return;
    const auto found = std::lower_bound(activity_.step.begin(), activity_.step.end(), end);
    if (found != activity_.step.end() && *found == end) // else part of the window lies before a leap
        scratch.counts[static_cast<std::size_t>(found - activity_.step.begin()) * populations.size() + p] =
            scratch.window[p];
    scratch.window[p] = 0;
}

} // namespace rewire::engine
