#include "engine/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>

#include "engine/averages.hpp"

namespace rewire::engine {
namespace {

/// x relative to its healthy mean; 1 where a healthy circuit has none.
double relative(double x, double healthy) { return healthy > 0 ? x / healthy : 1; }

} // namespace

Simulation::Simulation(Model model) : model_(std::move(model)) {
    FastOptions options;
    options.dt_ms = model_.dt_ms;
    options.profile = model_.profile;
    options.seed = model_.seed;
    // Threads that share too few neurons wait for each other more than they work.
    std::int64_t neurons = 0;
    for (const network::Population& p : model_.populations) neurons += p.size;
    constexpr std::int64_t neurons_per_thread = 512;
    options.threads =
        model_.threads > 0
            ? static_cast<int>(model_.threads)
            : static_cast<int>(std::clamp<std::int64_t>(neurons / neurons_per_thread, 1, Team::available()));
    options.drive_every_steps = std::max<std::int64_t>(1, std::llround(1 / model_.dt_ms));
    options.activity_every_steps = model_.activity_every_steps;
    options.regions = model_.regions.size();
    options.track_release = model_.glutamate.has_value();
    options.calcium = model_.calcium;
    options.drives.l_type = model_.l_type;
    options.drives.mg_mM = model_.mg_mM;
    for (std::size_t d = 0; d < model_.drugs.size(); ++d) {
        drugs_.emplace_back(model_.drugs[d].pharmacokinetics, model_.drugs[d].doses);
        for (std::size_t s = 0; s < model_.drugs[d].blockers.size(); ++s)
            if (model_.drugs[d].blockers[s]) {
                options.drives.blockers.push_back(*model_.drugs[d].blockers[s]);
                blocker_of_.emplace_back(d, s);
            }
    }
    network_ = std::make_unique<FastNetwork>(options, model_.populations, model_.projections, model_.pairwise,
                                             model_.stimuli, model_.traces);
    model_.pairwise.clear();
    const std::size_t count = model_.populations.size();
    signalling_.resize(count);
    blocked_.resize(count);
    l_type_.assign(count, 1);
    ampa_.assign(count, 1);
    for (const FastProjection& projection : network_->projections)
        if (projection.specification.glutamatergic)
            network_->populations[projection.specification.source].in_lfp = true;
    configure_drives();
    end_ = steps(model_.duration_s);
    collect_events();
    window_spikes_.assign(count, 0);
    spike_counts_.assign(count, 0);
    last_rate_Hz_.assign(count, not_applicable);
    eaat2_.assign(model_.regions.size(), 1);
    window_glutamate_uM_s_.assign(model_.regions.size(), 0);
    build_observables();
}

std::int64_t Simulation::steps(double seconds) const { return std::llround(seconds * 1e3 / model_.dt_ms); }

std::int64_t Simulation::next_after(const std::vector<std::int64_t>& sorted, std::int64_t step) const {
    const auto it = std::upper_bound(sorted.begin(), sorted.end(), step);
    return it == sorted.end() ? end_ : std::min(*it, end_);
}

void Simulation::collect_events() {
    const auto add = [&](std::vector<std::int64_t>& list, double at_s) {
        if (at_s >= 0 && at_s <= model_.duration_s) list.push_back(steps(at_s));
    };
    for (const drug::Pharmacokinetics& pk : drugs_)
        for (double t = pk.next_event_after(-1); t <= model_.duration_s; t = pk.next_event_after(t)) add(events_, t);
    for (const Intervention& i : model_.interventions) {
        add(events_, i.from_s);
        add(events_, i.to_s);
    }
    for (const Stimulus& s : model_.stimuli) {
        add(events_, s.from_s);
        add(events_, s.to_s);
        for (const double t : s.times_s) add(events_, t); // a leap must not swallow a volley
    }
    disturbances_ = events_; // so far: what changes the circuit
    for (const double t : model_.snapshot_times_s) {
        add(events_, t);
        add(snapshots_, t);
    }
    for (const BurstPhase& p : model_.phases) add(events_, p.from_s);
    for (const double t : model_.sample_times_s) add(samples_, t);
    for (auto* list : {&events_, &disturbances_, &samples_, &snapshots_}) {
        std::sort(list->begin(), list->end());
        list->erase(std::unique(list->begin(), list->end()), list->end());
    }
}

void Simulation::configure_drives() {
    const auto& blockers = network_->options().drives.blockers;
    const drug::Competition& competition = network_->options().drives.competition;
    bool antagonised = false;
    for (const Intervention& i : model_.interventions) antagonised = antagonised || i.what == "nbqx";
    for (std::size_t p = 0; p < network_->populations.size(); ++p) {
        FastPopulation& population = network_->populations[p];
        population.record_spikes = false; // until the baseline is over
        const std::size_t n = population.size();
        const bool signals = model_.signalling &&
                             std::find(model_.signalling_populations.begin(), model_.signalling_populations.end(), p) !=
                                 model_.signalling_populations.end();
        for (synapse::ReceptorState& receptor : population.receptors)
            if (receptor.kind == synapse::ReceptorKind::ampa && (signals || antagonised)) receptor.gain.assign(n, 1);
        Drives& drives = population.drives;
        drives.sampled = signals || (!blockers.empty() && population.has_nmda);
        if (!drives.sampled) continue;
        drives.l_type.assign(n, 0);
        drives.ampa_nS.assign(n, 0);
        const synapse::Receptor* synaptic_mix = nullptr;
        for (const synapse::ReceptorState& receptor : population.receptors)
            if (receptor.active && receptor.kind == synapse::ReceptorKind::nmda && synaptic_mix == nullptr)
                synaptic_mix = &receptor.parameters;
        const bool outside = population.specification.tonic_nmda_nS > 0 || signals;
        const std::array<const synapse::Receptor*, 2> mixes{
            synaptic_mix, outside ? &population.specification.extrasynaptic : nullptr};
        for (std::size_t pool = 0; pool < 2 && !blockers.empty(); ++pool) {
            if (mixes[pool] == nullptr) continue;
            const synapse::PerSubunit conductance = synapse::conductance_shares(*mixes[pool]),
                                      current = synapse::current_shares(*mixes[pool], model_.mg_mM);
            for (std::size_t s = 0; s < drug::subunit_count; ++s) {
                if (conductance[s] <= 0) continue;
                SubunitSums sums{static_cast<drug::Subunit>(s), conductance[s], current[s], {}, {}};
                sums.exchange.assign(competition.ligands.size(), aligned_vector<float>(n, 0));
                for (std::size_t b = 0; b < blockers.size(); ++b)
                    sums.blockers.push_back({aligned_vector<float>(n, 0), aligned_vector<float>(n, 0)});
                drives.pools[pool].push_back(std::move(sums));
                blocked_[p][pool].subunits.emplace_back(n * competition.states(), 0);
            }
            blocked_[p][pool].blocked.assign(n, 0);
        }
    }
}

void Simulation::run_fast(std::int64_t first, std::int64_t count) {
    network_->reset_drives();
    network_->advance(first, count);
    spiking_s_ += static_cast<double>(count) * model_.dt_ms * 1e-3;
}

void Simulation::prepare(const std::function<bool()>& interrupted) {
    const glutamate::GlutamateParameters transmitter = model_.glutamate.value_or(glutamate::GlutamateParameters{});
    std::fill(network_->ambient_open.begin(), network_->ambient_open.end(),
              static_cast<float>(glutamate::extrasynaptic_open_fraction(transmitter, transmitter.ambient_uM)));
    const std::size_t count = network_->populations.size();
    if (model_.has_slow_mechanisms()) {
        const std::int64_t settle = steps(model_.baseline_settle_s),
                           measure = std::max<std::int64_t>(1, steps(model_.baseline_measure_s));
        const std::int64_t tick = std::max<std::int64_t>(1, steps(model_.slow_tick_s));
        for (std::int64_t at = -settle - measure; at < 0 && !interrupted();) {
            const std::int64_t stop = std::min<std::int64_t>(at < -measure ? -measure : 0, at + tick);
            run_fast(at, stop - at);
            if (at >= -measure) accumulate(healthy_, gather(static_cast<double>(stop - at) * model_.dt_ms * 1e-3));
            at = stop;
        }
        if (healthy_.seconds == 0) healthy_ = gather(1);
    }
    network_->take_activity();
    for (std::size_t t = 0; t < model_.traces.size(); ++t) network_->take_trace(t);
    for (std::size_t p = 0; p < count; ++p)
        network_->populations[p].record_spikes = p < model_.record_spikes.size() && model_.record_spikes[p];

    if (model_.glutamate)
        for (std::size_t r = 0; r < model_.regions.size(); ++r)
            glutamate_.push_back(glutamate::make_pool(*model_.glutamate, healthy_.release_events_per_s[r]));
    for (const std::size_t p : model_.signalling_populations)
        if (model_.signalling) signalling_[p] = molecular::make_signalling(network_->populations[p].size());
    calcium_.resize(count);
    calcium_target_.resize(count);
    calcium_filtered_.resize(count);
    for (std::size_t p = 0; p < count; ++p) {
        const std::size_t n = network_->populations[p].size();
        if (!model_.has_slow_mechanisms()) break;
        calcium_filtered_[p].assign(n, 1);
        for (std::size_t i = 0; i < n; ++i) {
            // A neuron that was silent while it was measured has a rate of less than half a spike in that time.
            const double rate = std::max(healthy_.populations[p].rate_Hz[i], 0.5 / healthy_.seconds);
            calcium_target_[p].push_back(structure::equilibrium_calcium(model_.calcium, rate));
            calcium_[p].push_back(structure::equilibrium_calcium(model_.calcium, healthy_.populations[p].rate_Hz[i]));
        }
        last_rate_Hz_[p] = mean(healthy_.populations[p].rate_Hz);
    }
    if (model_.structure)
        for (const StructuralProjection& s : model_.structure->projections)
            structural_.push_back(make_structural_state(*network_, s, model_.structure->spines));
    write_feedback(0);
    begin_burst(false);
}

const BurstPhase& Simulation::phase_at(std::int64_t step) const {
    const BurstPhase* current = &model_.phases.front();
    for (const BurstPhase& p : model_.phases)
        if (steps(p.from_s) <= step) current = &p;
    return *current;
}

void Simulation::begin_burst(bool after_leap) {
    leap_end_ = now_;
    if (!model_.multirate) return;
    measure(after_leap);
    if (now_ < end_) log_.push_back({time_s(), 0, false});
}

void Simulation::measure(bool settle_first) {
    const BurstPhase& phase = phase_at(now_);
    measure_from_ = settle_first ? now_ + steps(phase.settle_s) : now_;
    burst_end_ = std::max(now_ + steps(phase.burst_s), measure_from_ + 1);
    burst_mean_ = {};
}

void Simulation::check_finite() const {
    for (const FastPopulation& population : network_->populations) {
        const auto& potentials = population.membrane.membrane_potential_mV;
        float sum = 0;
        for (const float v : potentials) sum += v;
        if (std::isfinite(sum)) continue;
        for (std::size_t i = 0; i < potentials.size(); ++i)
            if (!std::isfinite(potentials[i]))
                throw std::runtime_error(fmt::format(
                    "the membrane potential of neuron {} of {} is {} at {} s: the inputs are too strong for dt", i,
                    population.specification.name, potentials[i], time_s()));
    }
}

void Simulation::begin_leap() {
    log_.back().length_s = time_s() - log_.back().start_s;
    const std::int64_t length = steps(phase_at(now_).leap_s);
    if (length == 0) { // touching bursts: full mode
        begin_burst(false);
        return;
    }
    leap_end_ = std::min({now_ + length, next_after(events_, now_), end_});
    if (now_ < end_) log_.push_back({time_s(), static_cast<double>(leap_end_ - now_) * model_.dt_ms * 1e-3, true});
}

void Simulation::advance() {
    const double from_s = time_s();
    if (in_leap()) {
        const std::int64_t next = std::min(
            {leap_end_, next_after(samples_, now_), now_ + std::max<std::int64_t>(1, steps(model_.leap_step_s))});
        const double to_s = static_cast<double>(next) * model_.dt_ms * 1e-3;
        advance_slow(burst_mean_, from_s, to_s, true);
        now_ = next;
        if (now_ == leap_end_) begin_burst(true);
        return;
    }
    const std::int64_t tick = std::max<std::int64_t>(1, steps(model_.slow_tick_s));
    std::int64_t next =
        std::min({(now_ / tick + 1) * tick, next_after(samples_, now_), next_after(events_, now_), end_});
    const bool leaps = model_.multirate && phase_at(now_).leap_s > 0;
    if (leaps) next = std::min(next, burst_end_);
    if (leaps && now_ < measure_from_) next = std::min(next, measure_from_);
    run_fast(now_, next - now_);
    const double to_s = static_cast<double>(next) * model_.dt_ms * 1e-3;
    const SlowInputs inputs = gather(to_s - from_s);
    if (model_.has_slow_mechanisms())
        advance_slow(inputs, from_s, to_s, false);
    else
        write_feedback(to_s); // interventions act without slow mechanisms too
    for (std::size_t p = 0; p < window_spikes_.size(); ++p) {
        std::uint64_t spikes = 0;
        for (const std::uint32_t count : network_->populations[p].drives.spikes) spikes += count;
        window_spikes_[p] += static_cast<double>(spikes);
        spike_counts_[p] += spikes;
    }
    window_s_ += to_s - from_s;
    if (model_.multirate && now_ >= measure_from_) accumulate(burst_mean_, inputs);
    now_ = next;
    check_finite();
    // What was measured before an event does not stand for the time after it.
    if (leaps && now_ < end_ && std::binary_search(disturbances_.begin(), disturbances_.end(), now_)) measure(true);
    if (model_.multirate && now_ >= burst_end_) begin_leap();
    if (now_ == end_ && !log_.empty() && !log_.back().leap) log_.back().length_s = time_s() - log_.back().start_s;
}

bool Simulation::at_sample() const { return std::binary_search(samples_.begin(), samples_.end(), now_); }
bool Simulation::at_snapshot() const { return std::binary_search(snapshots_.begin(), snapshots_.end(), now_); }

SlowInputs Simulation::gather(double seconds) const {
    SlowInputs inputs;
    inputs.seconds = seconds;
    for (const FastPopulation& population : network_->populations) {
        const Drives& drives = population.drives;
        const std::size_t n = population.size();
        PopulationInputs in;
        in.rate_Hz.resize(n);
        for (std::size_t i = 0; i < n; ++i) in.rate_Hz[i] = drives.spikes[i] / seconds;
        const double samples = std::max<double>(1, drives.samples);
        if (drives.sampled) {
            double open = 0, ampa = 0;
            for (std::size_t i = 0; i < n; ++i) {
                open += static_cast<double>(drives.l_type[i]);
                ampa += static_cast<double>(drives.ampa_nS[i]);
            }
            const double norm = samples * static_cast<double>(n);
            in.l_type = open / norm + mean(in.rate_Hz) * model_.l_type.spike_ms * 1e-3;
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
    inputs.release_events_per_s.assign(model_.regions.size(), 0);
    for (const FastProjection& projection : network_->projections) {
        if (projection.released.empty()) continue;
        const std::size_t region = network_->populations[projection.specification.source].specification.region;
        const std::vector<std::uint32_t> synapses = projection.synapses.outgoing_counts();
        double events = 0;
        for (std::size_t j = 0; j < synapses.size(); ++j)
            events += static_cast<double>(projection.released[j]) * synapses[j];
        inputs.release_events_per_s[region] += events / seconds;
    }
    return inputs;
}

void Simulation::accumulate(SlowInputs& total, const SlowInputs& inputs) const {
    if (total.seconds == 0) {
        total = inputs;
        return;
    }
    const double weight = inputs.seconds / (total.seconds + inputs.seconds);
    const auto blend = [&](double& a, double b) { a += weight * (b - a); };
    const auto blend_all = [&](std::vector<double>& a, const std::vector<double>& b) {
        for (std::size_t i = 0; i < a.size(); ++i) blend(a[i], b[i]);
    };
    for (std::size_t p = 0; p < total.populations.size(); ++p) {
        PopulationInputs& a = total.populations[p];
        const PopulationInputs& b = inputs.populations[p];
        blend_all(a.rate_Hz, b.rate_Hz);
        blend(a.l_type, b.l_type);
        blend(a.ampa_nS, b.ampa_nS);
        for (std::size_t pool = 0; pool < 2; ++pool)
            for (std::size_t s = 0; s < a.pools[pool].size(); ++s) {
                for (std::size_t l = 0; l < a.pools[pool][s].exchange.size(); ++l)
                    blend_all(a.pools[pool][s].exchange[l], b.pools[pool][s].exchange[l]);
                for (std::size_t k = 0; k < a.pools[pool][s].over_ic50.size(); ++k) {
                    blend_all(a.pools[pool][s].exchange_over_ic50[k], b.pools[pool][s].exchange_over_ic50[k]);
                    blend_all(a.pools[pool][s].over_ic50[k], b.pools[pool][s].over_ic50[k]);
                }
            }
    }
    blend_all(total.release_events_per_s, inputs.release_events_per_s);
    total.seconds += inputs.seconds;
}

double Simulation::strength(std::string_view what, double at_s) const {
    double total = 0;
    for (const Intervention& i : model_.interventions)
        if (i.what == what && i.from_s <= at_s && at_s < i.to_s) total += i.strength;
    const bool unbounded = what == "stress" || what == "trkb_modulation" || what == "hnk";
    return unbounded ? total : std::min(total, 1.0);
}

std::vector<double> Simulation::blocker_concentrations() const {
    std::vector<double> concentrations;
    for (const auto& [d, s] : blocker_of_) concentrations.push_back(drugs_[d].unbound_brain_uM(s));
    return concentrations;
}

void Simulation::advance_slow(const SlowInputs& inputs, double from_s, double to_s, bool leap) {
    const Stopwatch slow(model_.profile, slow_wall_s_);
    const double seconds = to_s - from_s, middle_s = 0.5 * (from_s + to_s);
    std::vector<double> concentration = blocker_concentrations();
    for (drug::Pharmacokinetics& pk : drugs_) pk.advance(from_s, to_s);
    const std::vector<double> after = blocker_concentrations();
    for (std::size_t b = 0; b < after.size(); ++b) concentration[b] = 0.5 * (concentration[b] + after[b]);

    const double stress = strength("stress", middle_s);
    advance_block(inputs, concentration, seconds);
    advance_glutamate(inputs, stress, strength("uptake_block", middle_s), seconds);
    advance_signalling(inputs, middle_s, seconds);
    // A leap carries the trace as the burst left it: a burst is shorter than its memory of 10 s.
    if (!leap) advance_calcium(seconds);
    for (std::size_t p = 0; p < calcium_.size(); ++p)
        for (std::size_t i = 0; i < calcium_[p].size() && model_.structure; ++i)
            calcium_filtered_[p][i] =
                structure::filtered_calcium(model_.structure->spines, calcium_filtered_[p][i],
                                            calcium_[p][i] / calcium_target_[p][i], seconds / 3600);
    advance_structure(stress, to_s);
    // What holds from here on: events at to_s have begun.
    write_feedback(to_s);
}

void Simulation::advance_block(const SlowInputs& inputs, const std::vector<double>& concentration_uM, double seconds) {
    const drug::Competition& competition = network_->options().drives.competition;
    const std::size_t states = competition.states();
    std::vector<drug::BlockDrive> drives(competition.ligands.size());
    for (std::size_t p = 0; p < blocked_.size(); ++p)
        for (std::size_t pool = 0; pool < 2; ++pool) {
            BlockedPool& state = blocked_[p][pool];
            std::fill(state.blocked.begin(), state.blocked.end(), 0.0);
            const std::vector<SubunitSums>& subunits = network_->populations[p].drives.pools[pool];
            for (std::size_t s = 0; s < state.subunits.size(); ++s) {
                const PopulationInputs::Subunit& in = inputs.populations[p].pools[pool][s];
                for (std::size_t i = 0; i < state.blocked.size(); ++i) {
                    for (std::size_t l = 0; l < drives.size(); ++l) {
                        drives[l] = {.mean_rate_per_s = in.exchange[l][i]};
                        for (const std::size_t b : competition.ligands[l].blockers) {
                            drives[l].mean_rate_times_ratio_per_s += concentration_uM[b] * in.exchange_over_ic50[b][i];
                            drives[l].untrapped_ratio += concentration_uM[b] * in.over_ic50[b][i];
                        }
                    }
                    const std::span<double> blocked(state.subunits[s].data() + i * states, states);
                    drug::advance_block(blocked, drives, seconds, competition);
                    state.blocked[i] += subunits[s].current_share * drug::blocked_share(blocked, competition);
                }
            }
        }
}

void Simulation::advance_glutamate(const SlowInputs& inputs, double stress, double uptake_block, double seconds) {
    for (std::size_t r = 0; r < glutamate_.size(); ++r) {
        eaat2_[r] = molecular::stress_factor(model_.stress.eaat2_loss, stress) * (1 - uptake_block);
        glutamate::advance(glutamate_[r], inputs.release_events_per_s[r], eaat2_[r], seconds);
        window_glutamate_uM_s_[r] += seconds * glutamate::concentration_uM(glutamate_[r]);
    }
}

void Simulation::advance_signalling(const SlowInputs& inputs, double at_s, double seconds) {
    if (!model_.signalling) return;
    const molecular::Antagonists antagonists{
        .anti_bdnf = strength("anti_bdnf", at_s),
        .trkb_block = strength("trkb_block", at_s),
        .trkb_modulation = strength("trkb_modulation", at_s),
        .rapamycin = strength("rapamycin", at_s),
        .anisomycin = strength("anisomycin", at_s),
        .bdnf_synthesis = molecular::stress_factor(model_.stress.bdnf_synthesis_loss, strength("stress", at_s)),
        .hnk_uM = strength("hnk", at_s)};
    const double l_open = 1 - strength("nifedipine", at_s), nmda_open = 1 - strength("nmda_antagonist", at_s);
    for (const std::size_t p : model_.signalling_populations) {
        const std::size_t n = network_->populations[p].size();
        const std::size_t region = network_->populations[p].specification.region;
        const double gating = glutamate_.empty() ? 1 : glutamate_[region].nmda_gating;
        const std::vector<double>& inside = blocked_[p][synaptic].blocked;
        const std::vector<double>& outside = blocked_[p][extrasynaptic].blocked;
        std::vector<double> resting(n);
        for (std::size_t i = 0; i < n; ++i)
            resting[i] = nmda_open * molecular::resting_nmda_drive(model_.resting_drive, inside.empty() ? 0 : inside[i],
                                                                   outside.empty() ? 0 : outside[i], gating);
        // Pooled over the population and filtered over minutes, as kinases do: the chain's Hill terms and its kink at
        // M = 1 would turn the counting noise of a tick or a burst into drift.
        const double keep = std::exp(-seconds / (60 * model_.resting_drive.activity_tau_min));
        const auto filter = [&](double& filtered, double now) { filtered = now + (filtered - now) * keep; };
        filter(l_type_[p], relative(inputs.populations[p].l_type, healthy_.populations[p].l_type));
        filter(ampa_[p], relative(inputs.populations[p].ampa_nS, healthy_.populations[p].ampa_nS));
        const std::vector<double> l_type(n, l_open * l_type_[p]);
        const std::vector<double> ampa(n, ampa_[p]);
        molecular::advance(signalling_[p], {resting, l_type, ampa}, antagonists, *model_.signalling, seconds);
    }
}

void Simulation::advance_calcium(double seconds) {
    for (std::size_t p = 0; p < calcium_.size(); ++p)
        for (std::size_t i = 0; i < calcium_[p].size(); ++i)
            calcium_[p][i] = structure::decayed_calcium(model_.calcium, calcium_[p][i], seconds) +
                             static_cast<double>(network_->populations[p].drives.calcium[i]);
}

void Simulation::advance_structure(double stress, double to_s) {
    if (!model_.structure || to_s - structure_time_s_ < model_.structure->every_s * (1 - 1e-9)) return;
    const Stopwatch stopwatch(model_.profile, structure_wall_s_);
    const structure::SpineParameters& parameters = model_.structure->spines;
    bool changed = false;
    for (StructuralState& state : structural_) {
        const network::Projection& projection = network_->projections[state.specification.projection].specification;
        const std::uint64_t before = state.formed + state.eliminated + state.nascent_lost;
        if (state.specification.rule == "elements") {
            update_elements(*network_, state, calcium_[projection.source], calcium_[projection.target],
                            structure_time_s_ / 3600, to_s / 3600);
        } else {
            std::vector<double> homeostatic(calcium_filtered_[projection.target].size());
            for (std::size_t i = 0; i < homeostatic.size(); ++i)
                homeostatic[i] = structure::homeostatic_factor(parameters, calcium_filtered_[projection.target][i]);
            const molecular::Signalling& chain = signalling_[projection.target];
            const SpineDrive drive{.synaptic_protein =
                                       chain.synaptic_protein.empty() ? nullptr : &chain.synaptic_protein,
                                   .homeostatic = &homeostatic,
                                   .stress = stress,
                                   .inflammation = strength("inflammation", 0.5 * (structure_time_s_ + to_s))};
            update_spines(*network_, state, parameters, drive, structure_time_s_ / 3600, to_s / 3600);
        }
        changed = changed || state.formed + state.eliminated + state.nascent_lost != before;
    }
    if (changed) network_->update_total_weights();
    structure_time_s_ = to_s;
}

void Simulation::write_feedback(double at_s) {
    if (!model_.has_slow_mechanisms() && model_.interventions.empty()) return;
    const float ampa_open = static_cast<float>(1 - strength("nbqx", at_s));
    const double nmda_open = 1 - strength("nmda_antagonist", at_s);
    const drug::Competition& competition = network_->options().drives.competition;
    const std::size_t states = competition.states();
    for (std::size_t p = 0; p < network_->populations.size(); ++p) {
        FastPopulation& population = network_->populations[p];
        const std::size_t n = population.size(), region = population.specification.region;
        // Unblocked share of neuron i's pool through one class of subunits.
        const auto unblocked = [&](Pool pool, std::size_t i, bool ab, double share_of_class) {
            const std::vector<SubunitSums>& subunits = population.drives.pools[pool];
            if (subunits.empty()) return share_of_class;
            double open = 0;
            for (std::size_t s = 0; s < subunits.size(); ++s)
                if ((subunits[s].subunit == drug::n2a || subunits[s].subunit == drug::n2b) == ab)
                    open +=
                        subunits[s].conductance_share *
                        (1 - drug::blocked_share(std::span(blocked_[p][pool].subunits[s]).subspan(i * states, states),
                                                 competition));
            return open;
        };
        for (synapse::ReceptorState& receptor : population.receptors) {
            if (receptor.kind == synapse::ReceptorKind::ampa && !receptor.gain.empty())
                for (std::size_t i = 0; i < n; ++i)
                    receptor.gain[i] =
                        ampa_open *
                        (signalling_[p].ampa_gain.empty() ? 1.0f : static_cast<float>(signalling_[p].ampa_gain[i]));
            if (receptor.kind == synapse::ReceptorKind::nmda) {
                const synapse::PerSubunit shares = synapse::conductance_shares(receptor.parameters);
                for (std::size_t i = 0; i < n; ++i) {
                    receptor.gain_ab[i] =
                        static_cast<float>(nmda_open * unblocked(synaptic, i, true, shares[0] + shares[1]));
                    receptor.gain_cd[i] =
                        static_cast<float>(nmda_open * unblocked(synaptic, i, false, shares[2] + shares[3]));
                }
            }
        }
        if (!population.tonic_ab_nS.empty()) {
            const synapse::PerSubunit shares = synapse::conductance_shares(population.specification.extrasynaptic);
            const double gating = glutamate_.empty() ? 1 : glutamate_[region].nmda_gating;
            const double g = population.specification.tonic_nmda_nS * gating * nmda_open;
            for (std::size_t i = 0; i < n; ++i) {
                population.tonic_ab_nS[i] =
                    static_cast<float>(g * unblocked(extrasynaptic, i, true, shares[0] + shares[1]));
                population.tonic_cd_nS[i] =
                    static_cast<float>(g * unblocked(extrasynaptic, i, false, shares[2] + shares[3]));
            }
        }
    }
    for (std::size_t r = 0; r < glutamate_.size(); ++r)
        network_->ambient_open[r] = static_cast<float>(
            glutamate::extrasynaptic_open_fraction(*model_.glutamate, glutamate::concentration_uM(glutamate_[r])));
    for (FastProjection& projection : network_->projections)
        if (projection.specification.glutamatergic && !glutamate_.empty())
            projection.release_factor = static_cast<float>(
                glutamate_[network_->populations[projection.specification.source].specification.region]
                    .mglur_release_factor);
}

const std::vector<std::string>& Simulation::labels(const std::string& dimension) const { return labels_.at(dimension); }

void Simulation::sample_taken() {
    std::fill(window_spikes_.begin(), window_spikes_.end(), 0.0);
    std::fill(window_glutamate_uM_s_.begin(), window_glutamate_uM_s_.end(), 0.0);
    window_s_ = 0;
    window_start_s_ = time_s();
    for (StructuralState& state : structural_) state.formed = state.eliminated = state.nascent_lost = 0;
}

} // namespace rewire::engine
