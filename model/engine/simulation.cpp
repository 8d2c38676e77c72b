#include "engine/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include "engine/averages.hpp"
#include "engine/events.hpp"

namespace rewire::engine {
namespace {

/// Steps of the slow part in a leap: of its prediction, and of its correction.
constexpr std::int64_t predicted_steps = 4, corrected_steps = 8;
/// Bursts whose dispersion is above this are reported. Chosen: they scatter four times as widely as sampling alone.
constexpr double unsteady = 16;

FastOptions fast_options(const Model& model) {
    FastOptions options;
    options.dt_ms = model.dt_ms;
    options.profile = model.profile;
    options.seed = model.seed;
    // Threads that share too few neurons wait for each other more than they work.
    std::int64_t neurons = 0;
    for (const network::Population& p : model.populations) neurons += p.size;
    constexpr std::int64_t neurons_per_thread = 512;
    options.threads =
        model.threads > 0
            ? static_cast<int>(model.threads)
            : static_cast<int>(std::clamp<std::int64_t>(neurons / neurons_per_thread, 1, Team::available()));
    options.drive_every_steps = std::max<std::int64_t>(1, std::llround(1 / model.dt_ms));
    options.activity_every_steps = model.activity_every_steps;
    options.regions = model.regions.size();
    options.track_release = model.glutamate.has_value();
    options.calcium = model.calcium;
    options.drives.l_type = model.l_type;
    options.drives.mg_mM = model.mg_mM;
    options.drives.mg_half_mM = synapse::mg_halves_mM(model.mg_half_ab_mM, model.mg_half_cd_mM);
    for (const DrugModel& drug : model.drugs)
        for (const std::optional<drug::Blocker>& blocker : drug.blockers)
            if (blocker) options.drives.blockers.push_back(*blocker);
    return options;
}

std::unique_ptr<FastNetwork> build_network(Model& model) {
    auto network = std::make_unique<FastNetwork>(fast_options(model), model.populations, model.projections,
                                                 model.pairwise, model.stimuli, model.traces);
    model.pairwise.clear();
    for (const FastProjection& projection : network->projections)
        if (projection.specification.glutamatergic) network->populations[projection.specification.source].in_lfp = true;
    for (FastPopulation& population : network->populations)
        population.record_spikes = false; // until the baseline is over
    return network;
}

/// Greatest of |a - b| over the tolerance of each.
double error_between(const std::vector<double>& a, const std::vector<double>& b, const Multirate& settings) {
    double error = 0;
    for (std::size_t k = 0; k < a.size(); ++k)
        error = std::max(error,
                         std::abs(a[k] - b[k]) / (settings.absolute_tolerance + settings.tolerance * std::abs(b[k])));
    return error;
}

} // namespace

Simulation::Simulation(Model model)
    : model_(std::move(model)),
      network_(build_network(model_)),
      slow_(model_, *network_),
      responses_(model_),
      estimate_(summary_items(model_)) {
    const std::size_t count = network_->populations.size();
    end_ = steps(model_.duration_s);
    collect_events();
    spike_counts_.assign(count, 0);
    last_rate_Hz_.assign(count, not_applicable);
    worst_dispersion_.assign(estimate_.items().size(), 1);
    build_observables();
}

std::int64_t Simulation::steps(double seconds) const { return std::llround(seconds * 1e3 / model_.dt_ms); }

std::int64_t Simulation::next_after(const std::vector<std::int64_t>& sorted, std::int64_t step) const {
    const auto it = std::upper_bound(sorted.begin(), sorted.end(), step);
    return it == sorted.end() ? end_ : std::min(*it, end_);
}

void Simulation::collect_events() {
    const auto steps_of = [&](const std::vector<double>& times_s) {
        std::vector<std::int64_t> list;
        for (const double t : times_s) list.push_back(steps(t));
        std::sort(list.begin(), list.end());
        list.erase(std::unique(list.begin(), list.end()), list.end());
        return list;
    };
    disturbances_ = steps_of(disturbance_times_s(model_));
    snapshots_ = steps_of(model_.snapshot_times_s);
    samples_ = steps_of(model_.sample_times_s);
    std::set_union(disturbances_.begin(), disturbances_.end(), snapshots_.begin(), snapshots_.end(),
                   std::back_inserter(events_));
}

SlowInputs Simulation::run_fast(std::int64_t first, std::int64_t count) {
    network_->reset_drives();
    network_->advance(first, count);
    spiking_s_ += seconds(count);
    return gather(*network_, model_, seconds(count));
}

void Simulation::prepare(const std::function<bool()>& interrupted) {
    const std::size_t count = network_->populations.size();
    SlowInputs healthy;
    if (model_.has_slow_mechanisms()) {
        const std::int64_t settle = steps(model_.baseline_settle_s),
                           measure = std::max<std::int64_t>(1, steps(model_.baseline_measure_s));
        for (std::int64_t at = -settle - measure; at < 0 && !interrupted();) {
            const std::int64_t stop = std::min<std::int64_t>(at < -measure ? -measure : 0, at + tick());
            const SlowInputs inputs = run_fast(at, stop - at);
            if (at >= -measure) accumulate(healthy, inputs);
            at = stop;
        }
        if (healthy.seconds == 0) healthy = gather(*network_, model_, 1);
        for (std::size_t p = 0; p < count; ++p)
            last_rate_Hz_[p] = network_->populations[p].mean_of(healthy.populations[p].rate_Hz);
    }
    drop_recordings();
    for (std::size_t p = 0; p < count; ++p)
        network_->populations[p].record_spikes = p < model_.record_spikes.size() && model_.record_spikes[p];
    slow_.start(std::move(healthy));
    begin_burst(false);
}

void Simulation::begin_burst(bool settle) {
    const Multirate& settings = model_.bursts;
    if (!spiking_ && model_.multirate && now_ < end_) log_.push_back({.start_s = time_s()});
    spiking_ = true;
    leap_s_ = model_.multirate ? std::min(settings.shortest_leap_s, settings.longest_leap_s) : 0;
    estimate_.forget();
    estimate_.begin_burst();
    measure_from_ = settle ? now_ + steps(settings.settle_s) : now_;
    burst_end_ = std::max(now_ + steps(settings.shortest_burst_s), measure_from_ + 1);
    longest_burst_end_ = std::max(now_ + steps(settings.longest_burst_s), burst_end_);
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

void Simulation::advance() {
    if (!spiking_ && playback_.empty()) leap();
    if (playback_.empty())
        spike();
    else
        play_back();
}

void Simulation::advance_slow(const SlowInputs& inputs, std::int64_t from, std::int64_t to, Stretch stretch) {
    const Stopwatch stopwatch(model_.profile, slow_wall_s_);
    slow_.advance(inputs, seconds(from), seconds(to), stretch);
}

void Simulation::count_spikes(std::vector<std::uint64_t>& counts) const {
    for (std::size_t p = 0; p < counts.size(); ++p)
        for (const std::uint32_t count : network_->populations[p].drives.spikes) counts[p] += count;
}

std::int64_t Simulation::next_stop(std::int64_t now) const {
    return std::min({(now / tick() + 1) * tick(), next_after(samples_, now), next_after(events_, now), end_});
}

void Simulation::spike() {
    std::int64_t next = next_stop(now_);
    if (leaps()) {
        next = std::min(next, burst_end_);
        if (now_ < measure_from_) next = std::min(next, measure_from_);
    }
    const SlowInputs inputs = run_fast(now_, next - now_);
    advance_slow(inputs, now_, next, Stretch::spiking);
    count_spikes(spike_counts_);
    if (responses_.any_at(now_)) {
        std::vector<std::uint64_t> spikes(spike_counts_.size(), 0);
        count_spikes(spikes);
        responses_.add(now_, seconds(next - now_), spikes, neuron_counts());
    }
    recorded_s_ += seconds(next - now_);
    if (leaps() && now_ >= measure_from_) estimate_.add(inputs);
    now_ = next;
    check_finite();
    if (!leaps()) {
        if (finished() && !log_.empty()) log_.back().length_s = time_s() - log_.back().start_s;
        return;
    }
    if (now_ < end_ && disturbed())
        begin_burst(true); // what was measured before does not stand for the time after
    else if (now_ >= burst_end_ || now_ == end_)
        end_burst();
}

void Simulation::end_burst() {
    InputEstimate ended = estimate_;
    ended.end_burst(0.5 * (seconds(measure_from_) + time_s()));
    const double error = ended.empty() ? 0 : sampling_error(ended, time_s());
    const std::int64_t more = steps(seconds_to_measure(error, ended.seconds()) - ended.seconds());
    const std::int64_t until = std::min({now_ + more, longest_burst_end_, next_disturbance()});
    if (until > now_) {
        burst_end_ = until;
        longest_burst_end_ = until; // the error is estimated once, or chance would end bursts
        return;
    }
    estimate_ = std::move(ended);
    spiking_ = false;
    LogEntry& entry = log_.back();
    entry.length_s = time_s() - entry.start_s;
    entry.sampling_error = error;
    entry.bursts = estimate_.bursts();
}

void Simulation::play_back() {
    const Piece& piece = playback_.front();
    std::int64_t next = piece.to;
    SlowInputs inputs = piece.at_start;
    if (piece.stretch == Stretch::leap) {
        const std::int64_t length = piece.to - piece.from, step = (length + corrected_steps - 1) / corrected_steps;
        next = std::min({now_ + step, piece.to, next_after(samples_, now_)});
        const double middle = 0.5 * static_cast<double>(now_ + next) - static_cast<double>(piece.from);
        inputs = between(inputs, piece.at_end, middle / static_cast<double>(length));
    }
    advance_slow(inputs, now_, next, piece.stretch);
    now_ = next;
    if (now_ == piece.to) playback_.pop_front();
    if (playback_.empty() && now_ < end_ && disturbed()) begin_burst(true);
}

void Simulation::leap() {
    const Multirate& settings = model_.bursts;
    const std::int64_t room = next_disturbance() - steps(settings.shortest_burst_s) - now_;
    if (room < std::max<std::int64_t>(1, steps(settings.shortest_leap_s))) { // spikes until the event
        begin_burst(false);
        burst_end_ = next_disturbance();
        return;
    }
    const SlowCheckpoint before = slow_.checkpoint();
    for (double length_s = leap_s_;;) {
        const std::int64_t planned = now_ + std::max<std::int64_t>(1, steps(length_s));
        Trial trial;
        trial.leap_end = std::min({planned, now_ + room, next_after(events_, now_)});
        try_leap(trial, before);
        slow_.restore(before);
        const double tried_s = seconds(trial.leap_end - now_);
        const bool accepted = trial.error <= 1 || shortest(trial.leap_end - now_);
        log_.push_back(
            {.start_s = time_s(), .length_s = tried_s, .leap = true, .rejected = !accepted, .error = trial.error});
        if (accepted) {
            // A leap that an event cut short says little about longer ones.
            const bool cut = trial.leap_end < planned;
            leap_s_ = cut ? length_s : next_leap_s(settings, tried_s, trial.error);
            log_.push_back({.start_s = seconds(trial.leap_end),
                            .length_s = seconds(trial.end - trial.leap_end),
                            .sampling_error = trial.sampling_error,
                            .bursts = trial.estimate.bursts()});
            playback_.push_back({now_, trial.leap_end, estimate_.mean(), trial.estimate.mean(), Stretch::leap});
            std::move(trial.ticks.begin(), trial.ticks.end(), std::back_inserter(playback_));
            estimate_ = std::move(trial.estimate);
            recorded_s_ += seconds(trial.end - trial.leap_end);
            responses_.add(trial.leap_end, seconds(trial.end - trial.leap_end), trial.spikes, neuron_counts());
            for (std::size_t p = 0; p < spike_counts_.size(); ++p) spike_counts_[p] += trial.spikes[p];
            const std::vector<double> dispersion = estimate_.dispersion();
            for (std::size_t k = 0; k < dispersion.size(); ++k)
                worst_dispersion_[k] = std::max(worst_dispersion_[k], dispersion[k]);
            return;
        }
        drop_recordings();
        length_s =
            std::max(settings.shortest_leap_s, std::min(0.5 * tried_s, next_leap_s(settings, tried_s, trial.error)));
    }
}

void Simulation::try_leap(Trial& trial, const SlowCheckpoint& before) {
    const Multirate& settings = model_.bursts;
    const std::int64_t length = trial.leap_end - now_;
    const auto step_end = [&](std::int64_t k, std::int64_t of) { return now_ + length * k / of; };

    const auto [synapses, turnover] = slow_.structural_turnover();
    for (std::int64_t k = 0; k < predicted_steps; ++k)
        advance_slow(estimate_.mean(), step_end(k, predicted_steps), step_end(k + 1, predicted_steps), Stretch::leap);
    // Who is driven at the end of the leap: the state before has him, too, unless he was born that young.
    const std::vector<std::vector<std::uint8_t>> counted = slow_.driven();
    const std::vector<double> predicted = controlled(slow_.state(), counted, model_);
    // A network that has yet to grow counts as if each neuron had a synapse: its first ones are no reason to crawl.
    const double standing = static_cast<double>(std::max<std::uint64_t>(synapses, structural_targets()));
    if (standing > 0)
        trial.error =
            static_cast<double>(slow_.structural_turnover().second - turnover) / (standing * settings.synapse_change);
    if (trial.error > 1 && !shortest(length)) return; // no burst can mend that

    trial.spikes.assign(spike_counts_.size(), 0);
    measure_after_leap(trial);

    SlowState corrected = before.state;
    for (std::int64_t k = 0; k < corrected_steps; ++k) {
        const double middle = (static_cast<double>(k) + 0.5) / static_cast<double>(corrected_steps);
        slow_.advance_without_structure(corrected, between(estimate_.mean(), trial.estimate.mean(), middle),
                                        seconds(step_end(k, corrected_steps)),
                                        seconds(step_end(k + 1, corrected_steps)), Stretch::leap);
    }
    trial.error = std::max({trial.error, error_between(predicted, controlled(corrected, counted, model_), settings),
                            input_change(trial.estimate) / settings.input_change});
}

std::uint64_t Simulation::structural_targets() const {
    std::uint64_t targets = 0;
    for (const StructuralState& state : structural())
        targets += network_->projections[state.specification.projection].synapses.targets();
    return targets;
}

void Simulation::measure_after_leap(Trial& trial) {
    const Multirate& settings = model_.bursts;
    const std::int64_t measure_from = trial.leap_end + steps(settings.settle_s),
                       limit = std::min(trial.leap_end + steps(settings.longest_burst_s), next_disturbance());
    std::int64_t end = std::max(trial.leap_end + steps(settings.shortest_burst_s), measure_from + 1);
    bool extended = false;
    InputEstimate measured = estimate_;
    measured.begin_burst();
    // The burst stands for a leap, in which weights are held; and it may be taken back.
    network_->hold_plasticity(true);
    for (std::int64_t at = trial.leap_end; at < end;) {
        std::int64_t next = std::min(next_stop(at), end);
        if (at < measure_from) next = std::min(next, measure_from);
        SlowInputs inputs = run_fast(at, next - at);
        advance_slow(inputs, at, next, Stretch::spiking);
        count_spikes(trial.spikes);
        if (at >= measure_from) measured.add(inputs);
        trial.ticks.push_back({at, next, std::move(inputs), {}, Stretch::spiking});
        at = next;
        if (at < end) continue;
        check_finite();
        trial.estimate = measured;
        trial.estimate.end_burst(0.5 * seconds(measure_from + end));
        trial.sampling_error = sampling_error(trial.estimate, seconds(end));
        if (extended) break;
        extended = true; // once, or chance would end bursts
        const double measured_s = trial.estimate.seconds();
        const double more_s = seconds_to_measure(trial.sampling_error, measured_s) - measured_s;
        end = std::max(end, std::min(limit, end + steps(more_s)));
    }
    trial.end = end;
    network_->hold_plasticity(false);
}

double Simulation::sampling_error(const InputEstimate& estimate, double from_s) const {
    std::array<SlowState, 2> ends{slow_.state(), slow_.state()};
    const SlowInputs& mean = estimate.mean();
    const std::array<SlowInputs, 2> inputs{mean, raised(mean, estimate.items(), estimate.standard_error())};
    std::array<std::vector<double>, 2> values;
    for (std::size_t side = 0; side < 2; ++side) {
        for (std::int64_t k = 0; k < predicted_steps; ++k) {
            const double step_s = leap_s_ / static_cast<double>(predicted_steps);
            slow_.advance_without_structure(ends[side], inputs[side], from_s + step_s * static_cast<double>(k),
                                            from_s + step_s * static_cast<double>(k + 1), Stretch::leap);
        }
        values[side] = controlled(ends[side], slow_.driven(), model_);
        for (const glutamate::ExtracellularPool& pool : ends[side].glutamate)
            values[side].push_back(glutamate::concentration_uM(pool) / pool.parameters.ambient_uM);
    }
    return error_between(values[1], values[0], model_.bursts);
}

double Simulation::input_change(const InputEstimate& after) const {
    const std::vector<double> a = summary(estimate_.mean(), estimate_.items()),
                              b = summary(after.mean(), estimate_.items());
    const std::vector<double> error_a = estimate_.standard_error(), error_b = after.standard_error();
    double change = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        const double beyond_chance = std::abs(b[k] - a[k]) - 2 * std::hypot(error_a[k], error_b[k]);
        if (beyond_chance > 0) change = std::max(change, beyond_chance / std::max(std::abs(a[k]), std::abs(b[k])));
    }
    return change;
}

/// Neurons of each population that are there.
std::vector<double> Simulation::neuron_counts() const {
    std::vector<double> counts;
    for (const FastPopulation& p : network_->populations) counts.push_back(static_cast<double>(p.count()));
    return counts;
}

void Simulation::drop_recordings() {
    for (std::size_t p = 0; p < network_->populations.size(); ++p) network_->take_spikes(p);
    network_->take_activity();
    for (std::size_t t = 0; t < model_.traces.size(); ++t) network_->take_trace(t);
}

std::vector<std::pair<std::string, double>> Simulation::unsteady_inputs() const {
    std::vector<std::pair<std::string, double>> inputs;
    for (std::size_t k = 0; k < worst_dispersion_.size(); ++k)
        if (worst_dispersion_[k] > unsteady) inputs.emplace_back(estimate_.items()[k].name, worst_dispersion_[k]);
    return inputs;
}

bool Simulation::at_sample() const { return std::binary_search(samples_.begin(), samples_.end(), now_); }
bool Simulation::at_snapshot() const { return std::binary_search(snapshots_.begin(), snapshots_.end(), now_); }

void Simulation::sample_taken() { slow_.begin_sample_window(time_s()); }

const std::vector<std::string>& Simulation::labels(const std::string& dimension) const { return labels_.at(dimension); }

} // namespace rewire::engine
