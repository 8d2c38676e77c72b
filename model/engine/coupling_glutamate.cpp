// On extracellular glutamate: release by spikes, and uptake, which the load of stress, drugs and inflammation lower.
// Glutamate and drugs act on release through mGluR2/3. What glutamate does to NMDA receptors outside of synapses is in
// coupling_nmda.cpp.
#include <algorithm>
#include <span>

#include "engine/couplings.hpp"

namespace rewire::engine {
namespace {

/// Uptake by EAAT2 relative to healthy.
double eaat2_left(const Model& model, const Influences& acting, double stress_load, double inflammation) {
    return molecular::stress_factor(model.stress.eaat2_loss, stress_load) * (1 - acting.on(drug::Target::uptake)) *
           (1 - inflammation_effect(model, &molecular::InflammationParameters::eaat2_loss, inflammation));
}

} // namespace

void configure_glutamate(SlowSetting& setting, FastNetwork& network) {
    const Model& model = setting.model;
    const std::size_t per_region = model.voxels_per_region();
    setting.grids = region_grids(model);
    if (model.glutamate && per_region > 1) {
        for (FastPopulation& population : network.populations) {
            const std::size_t region = population.specification.region;
            for (const network::Position& position : population.positions)
                population.voxels.push_back(
                    static_cast<std::uint32_t>(region * per_region + setting.grids[region].at(position)));
            population.ambient_open.resize(population.size());
        }
        for (FastProjection& projection : network.projections)
            if (projection.specification.glutamatergic)
                projection.release_factors.assign(network.populations[projection.specification.source].size(), 1);
    }
    const glutamate::GlutamateParameters transmitter = model.glutamate.value_or(glutamate::GlutamateParameters{});
    const auto ambient_open =
        static_cast<float>(glutamate::extrasynaptic_open_fraction(transmitter, transmitter.ambient_uM));
    std::ranges::fill(network.ambient_open, ambient_open);
    for (FastPopulation& population : network.populations) std::ranges::fill(population.ambient_open, ambient_open);
}

void start_glutamate(SlowSetting& setting, SlowState& state) {
    const Model& model = setting.model;
    if (!model.glutamate) return;
    const std::size_t n = model.voxels_per_region();
    for (std::size_t r = 0; r < model.regions.size(); ++r) {
        std::vector<double> volume_fL;
        for (const glutamate::ExtracellularPool& voxel : glutamate::make_voxels(
                 *model.glutamate, std::span(setting.healthy.release_events_per_s).subspan(r * n, n))) {
            state.glutamate.push_back(voxel);
            volume_fL.push_back(voxel.volume_fL);
        }
        setting.diffusion.push_back(n == 1 ? glutamate::Diffusion{}
                                           : glutamate::make_diffusion(setting.grids[r], volume_fL,
                                                                       glutamate::effective_diffusion_um2_per_ms(
                                                                           model.glutamate->diffusion_um2_per_ms,
                                                                           model.glutamate->tortuosity)));
    }
}

void advance_glutamate(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs, const Influences& acting,
                       double stress_load, const std::vector<double>& inflammation, double seconds) {
    const std::size_t n = setting.model.voxels_per_region();
    for (std::size_t r = 0; r * n < state.glutamate.size(); ++r) {
        const std::span<glutamate::ExtracellularPool> voxels = std::span(state.glutamate).subspan(r * n, n);
        state.eaat2[r] = eaat2_left(setting.model, acting, stress_load, inflammation[r]);
        glutamate::advance(voxels, setting.diffusion[r], std::span(inputs.release_events_per_s).subspan(r * n, n),
                           state.eaat2[r], seconds);
        state.window.glutamate_uM_s[r] += seconds * glutamate::mean_concentration_uM(voxels);
    }
    for (std::size_t v = 0; v < state.window.voxel_uM_s.size() && v < state.glutamate.size(); ++v)
        state.window.voxel_uM_s[v] += seconds * glutamate::concentration_uM(state.glutamate[v]);
}

void write_glutamate(const SlowSetting& setting, const SlowState& state, const Influences& acting,
                     FastNetwork& network) {
    if (state.glutamate.empty()) return;
    const glutamate::GlutamateParameters& parameters = *setting.model.glutamate;
    std::vector<float> open;
    for (const glutamate::ExtracellularPool& voxel : state.glutamate)
        open.push_back(
            static_cast<float>(glutamate::extrasynaptic_open_fraction(parameters, glutamate::concentration_uM(voxel))));
    if (setting.model.voxels_per_region() == 1) network.ambient_open.assign(open.begin(), open.end());
    for (FastPopulation& population : network.populations)
        for (std::size_t i = 0; i < population.ambient_open.size(); ++i)
            population.ambient_open[i] = open[population.voxel_of(i)];
    const double mglur = std::clamp(acting.on(drug::Target::mglur23), -1.0, 1.0);
    for (FastProjection& projection : network.projections) {
        if (!projection.specification.glutamatergic) continue;
        const FastPopulation& source = network.populations[projection.specification.source];
        const auto factor_at = [&](std::size_t voxel) {
            return static_cast<float>(
                glutamate::mglur_factor_with_drug(parameters, state.glutamate[voxel].mglur_release_factor, mglur));
        };
        if (projection.release_factors.empty()) projection.release_factor = factor_at(source.specification.region);
        for (std::size_t j = 0; j < projection.release_factors.size(); ++j)
            projection.release_factors[j] = factor_at(source.voxel_of(j));
    }
}

} // namespace rewire::engine
