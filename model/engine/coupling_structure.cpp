// On spines: synaptic proteins and calcium of the target, stress, inflammation. On elements: calcium of both sides. Who
// is old enough takes part (neurogenesis.cpp).
#include <algorithm>

#include "engine/couplings.hpp"

namespace rewire::engine {

void advance_structure(const SlowSetting& setting, SlowState& state, FastNetwork& network, double to_s) {
    const Model& model = setting.model;
    if (!model.structure || to_s - state.structure_time_s < model.structure->every_s * (1 - 1e-9)) return;
    const structure::SpineParameters& parameters = model.structure->spines;
    const double from_s = state.structure_time_s, seconds = to_s - from_s;
    const Influences acting{model, state.drug_effects, 0.5 * (from_s + to_s)};
    bool changed = false;
    for (StructuralState& projection : state.structural) {
        const network::Projection& q = network.projections[projection.specification.projection].specification;
        const std::uint64_t before = projection.formed + projection.eliminated + projection.nascent_lost;
        const std::vector<double> from = readiness(model, state, q.source, to_s),
                                  to = readiness(model, state, q.target, to_s);
        if (projection.specification.rule == "elements") {
            update_elements(network, projection, state.calcium[q.source], state.calcium[q.target], from_s / 3600,
                            to_s / 3600, from.empty() ? nullptr : &from, to.empty() ? nullptr : &to);
        } else {
            std::vector<double> homeostatic(state.calcium_filtered[q.target].size());
            for (std::size_t i = 0; i < homeostatic.size(); ++i)
                homeostatic[i] = structure::homeostatic_factor(parameters, state.calcium_filtered[q.target][i]);
            const molecular::Signalling& chain = state.signalling[q.target];
            const std::size_t region = network.populations[q.target].specification.region;
            const std::vector<std::int32_t> axons(from.begin(), from.end());
            const SpineDrive drive{.synaptic_protein =
                                       chain.synaptic_protein.empty() ? nullptr : &chain.synaptic_protein,
                                   .homeostatic = &homeostatic,
                                   .stress = acting.of("stress"),
                                   // Without the mechanism a level is imposed, as stress is.
                                   .inflammation = model.inflammation ? state.inflammation_s[region] / seconds
                                                                      : inflammation_level(state, acting, region),
                                   .readiness = to.empty() ? nullptr : &to,
                                   .axons = axons.empty() ? nullptr : &axons};
            update_spines(network, projection, parameters, drive, from_s / 3600, to_s / 3600);
        }
        changed = changed || projection.formed + projection.eliminated + projection.nascent_lost != before;
    }
    if (changed) network.update_total_weights();
    state.structure_time_s = to_s;
    std::ranges::fill(state.inflammation_s, 0.0);
}

} // namespace rewire::engine
