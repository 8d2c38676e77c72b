#include "engine/slow_part.hpp"

#include <tuple>
#include <utility>

#include "engine/averages.hpp"
#include "engine/couplings.hpp"
#include "engine/profile.hpp"

namespace rewire::engine {

std::vector<double> controlled(const SlowState& state, const std::vector<std::vector<std::uint8_t>>& counted,
                               const Model& model) {
    std::vector<double> values;
    const auto add_mean = [&](std::size_t p, const std::vector<double>& of) {
        if (!of.empty()) values.push_back(mean_where(of, counted[p]));
    };
    for (std::size_t p = 0; p < state.blocked.size(); ++p)
        for (const BlockedPool& pool : state.blocked[p]) add_mean(p, pool.blocked);
    for (std::size_t p = 0; p < state.signalling.size(); ++p)
        for (const auto& variable : StateOf<molecular::Signalling>::variables)
            add_mean(p, state.signalling[p].*std::get<std::vector<double> molecular::Signalling::*>(variable.member));
    for (std::size_t p = 0; p < state.calcium_filtered.size(); ++p) add_mean(p, state.calcium_filtered[p]);
    values.push_back(1 + state.stress_load);
    const molecular::Inflammation& inflamed = state.inflammation;
    for (const auto* excess : {&inflamed.tnf_a, &inflamed.il_6, &inflamed.il_1b, &inflamed.microglia})
        for (const double x : *excess) values.push_back(1 + x);
    values.insert(values.end(), inflamed.kynurenine.begin(), inflamed.kynurenine.end());
    const molecular::InflammationParameters healthy = model.inflammation.value_or(molecular::InflammationParameters{});
    for (const double x : inflamed.quinolinic_uM) values.push_back(relative(x, healthy.quinolinic_uM));
    for (const double x : inflamed.kynurenic_uM) values.push_back(relative(x, healthy.kynurenic_uM));
    for (std::size_t p = 0; p < state.scaling.size(); ++p) add_mean(p, state.scaling[p]);
    return values;
}

SlowPart::SlowPart(const Model& model, FastNetwork& network) : network_(network), setting_{model, network} {
    for (const DrugModel& d : model.drugs) state_.drugs.emplace_back(d.pharmacokinetics, d.doses);
    state_.drug_effects = drug_effects(model, state_.drugs);
    const std::size_t populations = model.populations.size(), regions = model.regions.size();
    state_.signalling.resize(populations);
    state_.blocked.resize(populations);
    state_.l_type.assign(populations, 1);
    state_.ampa.assign(populations, 1);
    state_.calcium.resize(populations);
    state_.calcium_filtered.resize(populations);
    state_.scaling.resize(populations);
    for (const std::size_t p : model.scaling_populations) state_.scaling[p].assign(network.populations[p].size(), 1);
    setting_.calcium_target.resize(populations);
    setting_.scaling_target.resize(populations);
    state_.eaat2.assign(regions, 1);
    state_.inflammation_s.assign(regions, 0);
    begin_sample_window(0);
    configure_glutamate(setting_, network);
    configure_neurogenesis(setting_, state_, network);
    configure_nmda(setting_, state_, network);
    configure_ampa_gaba(setting_, network);
}

void SlowPart::start(SlowInputs healthy) {
    const Model& model = setting_.model;
    setting_.healthy = std::move(healthy);
    start_glutamate(setting_, state_);
    if (model.inflammation)
        state_.inflammation = molecular::make_inflammation(model.regions.size(), *model.inflammation);
    for (const std::size_t p : model.signalling_populations)
        if (model.signalling) state_.signalling[p] = molecular::make_signalling(network_.populations[p].size());
    start_calcium(setting_, state_);
    if (model.structure)
        for (const StructuralProjection& s : model.structure->projections)
            state_.structural.push_back(make_structural_state(network_, s, model.structure->spines));
    start_neurogenesis(setting_, state_);
    start_scaling(setting_);
    write_feedback(0);
}

void SlowPart::advance(const SlowInputs& inputs, double from_s, double to_s, Stretch stretch) {
    if (setting_.model.has_slow_mechanisms()) {
        advance_without_structure(state_, inputs, from_s, to_s, stretch);
        advance_neurogenesis(setting_, state_, network_, inputs, from_s, to_s);
        const Stopwatch stopwatch(setting_.model.profile, structure_wall_s_);
        advance_structure(setting_, state_, network_, to_s);
    }
    for (std::size_t p = 0; p < state_.window.spikes_per_neuron.size(); ++p)
        state_.window.spikes_per_neuron[p] +=
            (to_s - from_s) * network_.populations[p].mean_of(inputs.populations[p].rate_Hz);
    // What holds from here on: events at to_s have begun.
    write_feedback(to_s);
}

void SlowPart::advance_without_structure(SlowState& state, const SlowInputs& inputs, double from_s, double to_s,
                                         Stretch stretch) const {
    const Model& model = setting_.model;
    const double seconds = to_s - from_s;
    const auto mean = [](double before, double after) { return 0.5 * (before + after); };
    // P, and what has to be known of the start.
    const std::vector<std::vector<double>> resting =
        resting_drives(setting_, state, {model, state.drug_effects, from_s});
    std::vector<double> blockers_uM = blocker_concentrations_uM(setting_, state);
    Influences acting{model, state.drug_effects, mean(from_s, to_s)};
    for (drug::Pharmacokinetics& pk : state.drugs) pk.advance(from_s, to_s);
    state.drug_effects = drug_effects(model, state.drugs);
    for (std::size_t t = 0; t < acting.drugs.of.size(); ++t)
        acting.drugs.of[t] = mean(acting.drugs.of[t], state.drug_effects.of[t]);
    const std::vector<double> blockers_after_uM = blocker_concentrations_uM(setting_, state);
    for (std::size_t b = 0; b < blockers_uM.size(); ++b) blockers_uM[b] = mean(blockers_uM[b], blockers_after_uM[b]);
    // L, I, B, G, M, H
    const double stress_load = molecular::advance_load(model.stress, state.stress_load, acting.of("stress"), seconds);
    const std::vector<double> inflammation = advance_inflammation(setting_, state, acting, seconds);
    advance_block(setting_, state, inputs, blockers_uM, seconds);
    advance_glutamate(setting_, state, inputs, acting, stress_load, inflammation, seconds);
    advance_signalling(setting_, state, inputs, acting, stress_load, inflammation, resting, seconds);
    advance_calcium(setting_, state, inputs, seconds, stretch);
}

void SlowPart::write_feedback(double at_s) {
    const Model& model = setting_.model;
    if (!model.has_slow_mechanisms() && model.interventions.empty()) return;
    const Influences acting = influences(at_s);
    write_nmda(setting_, state_, acting, network_);
    write_ampa_gaba(setting_, state_, acting, network_);
    write_age(setting_, state_, network_, at_s);
    write_glutamate(setting_, state_, acting, network_);
}

SlowCheckpoint SlowPart::checkpoint() const {
    SlowCheckpoint checkpoint{state_, {}, driven()};
    for (const StructuralState& s : state_.structural)
        checkpoint.synapses.push_back(network_.projections[s.specification.projection].synapses);
    return checkpoint;
}

void SlowPart::restore(const SlowCheckpoint& checkpoint) {
    state_ = checkpoint.state;
    for (std::size_t k = 0; k < checkpoint.synapses.size(); ++k)
        network_.projections[state_.structural[k].specification.projection].synapses = checkpoint.synapses[k];
    for (std::size_t k = 0; k < state_.neurogenesis.size(); ++k)
        network_.populations[setting_.model.neurogenesis[k].population].present = state_.neurogenesis[k].present;
    for (std::size_t p = 0; p < network_.populations.size(); ++p) network_.populations[p].driven = checkpoint.driven[p];
    if (!checkpoint.synapses.empty()) network_.update_total_weights();
}

std::vector<std::vector<std::uint8_t>> SlowPart::driven() const {
    std::vector<std::vector<std::uint8_t>> driven;
    for (const FastPopulation& population : network_.populations) driven.push_back(population.driven);
    return driven;
}

std::span<const glutamate::ExtracellularPool> SlowPart::voxels(std::size_t region) const {
    const std::size_t n = setting_.model.voxels_per_region();
    if (state_.glutamate.empty()) return {};
    return std::span(state_.glutamate).subspan(region * n, n);
}

void SlowPart::begin_sample_window(double at_s) {
    const Model& model = setting_.model;
    const std::size_t regions = model.regions.size(), voxels = model.voxels_per_region();
    state_.window = {at_s, std::vector<double>(model.populations.size(), 0), std::vector<double>(regions, 0),
                     std::vector<double>(voxels > 1 ? regions * voxels : 0, 0),
                     std::vector<StageActivity>(model.neurogenesis.size())};
    for (StructuralState& s : state_.structural) s.formed = s.eliminated = s.nascent_lost = s.buried = 0;
}

std::pair<std::uint64_t, std::uint64_t> SlowPart::structural_turnover() const {
    std::uint64_t synapses = 0, changes = 0;
    for (const StructuralState& s : state_.structural) {
        synapses += network_.projections[s.specification.projection].synapses.count();
        changes += s.formed + s.eliminated + s.nascent_lost + s.buried;
    }
    return {synapses, changes};
}

} // namespace rewire::engine
