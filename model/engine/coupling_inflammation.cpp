// On inflammation: stress, LPS and drugs that clear cytokines. What inflammation acts on is listed in couplings.hpp.
#include "engine/couplings.hpp"

namespace rewire::engine {

std::vector<double> advance_inflammation(const SlowSetting& setting, SlowState& state, const Influences& acting,
                                         double seconds) {
    const Model& model = setting.model;
    std::vector<double> levels(model.regions.size(), 0);
    if (!model.inflammation) return levels;
    const molecular::InflammationInputs inputs{.stress = acting.of("stress"),
                                               .lps_per_h = acting.of("lps"),
                                               .clearance_per_h = acting.on(drug::Target::cytokines),
                                               .imposed = acting.of("inflammation")};
    const auto add_half = [&] {
        for (std::size_t r = 0; r < levels.size(); ++r)
            levels[r] += 0.5 * molecular::inflammation_level(state.inflammation, r, inputs.imposed);
    };
    add_half();
    molecular::advance(state.inflammation, inputs, *model.inflammation, seconds);
    add_half();
    for (std::size_t r = 0; r < levels.size(); ++r) state.inflammation_s[r] += levels[r] * seconds;
    return levels;
}

double inflammation_level(const SlowState& state, const Influences& acting, std::size_t region) {
    return molecular::inflammation_level(state.inflammation, region, acting.of("inflammation"));
}

double inflammation_effect(const Model& model, double molecular::InflammationParameters::*parameter, double level) {
    return model.inflammation ? (*model.inflammation).*parameter * level : 0;
}

} // namespace rewire::engine
