// On calcium: the spikes of a neuron. On the scaling of its excitatory synapses: calcium, relative to that of health.
#include <algorithm>

#include "engine/averages.hpp"
#include "engine/couplings.hpp"

namespace rewire::engine {

void start_calcium(SlowSetting& setting, SlowState& state) {
    const Model& model = setting.model;
    if (!model.has_slow_mechanisms()) return;
    for (std::size_t p = 0; p < model.populations.size(); ++p) {
        state.calcium_filtered[p].assign(setting.network.populations[p].size(), 1);
        for (const double rate_Hz : setting.healthy.populations[p].rate_Hz) {
            // A neuron that was silent while it was measured has a rate of less than half a spike in that time.
            const double least_Hz = 0.5 / setting.healthy.seconds;
            setting.calcium_target[p].push_back(
                structure::equilibrium_calcium(model.calcium, std::max(rate_Hz, least_Hz)));
            state.calcium[p].push_back(structure::equilibrium_calcium(model.calcium, rate_Hz));
        }
    }
}

void start_scaling(SlowSetting& setting) {
    const Model& model = setting.model;
    const SlowInputs& healthy = setting.healthy;
    for (const std::size_t p : model.scaling_populations) {
        // Neurons that come and go share a target already.
        setting.scaling_target[p] = setting.calcium_target[p];
        if (std::ranges::count(model.neurogenesis, p, &NeurogenesisModel::population) > 0) continue;
        std::vector<double> spikes = healthy.populations[p].rate_Hz;
        for (double& n : spikes) n *= healthy.seconds;
        const std::vector<double> expected = synapse::expected_spikes(spikes);
        for (std::size_t i = 0; i < expected.size(); ++i)
            setting.scaling_target[p][i] = structure::equilibrium_calcium(model.calcium, expected[i] / healthy.seconds);
    }
}

void advance_calcium(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs, double seconds,
                     Stretch stretch) {
    const Model& model = setting.model;
    for (std::size_t p = 0; p < state.calcium.size(); ++p)
        for (std::size_t i = 0; i < state.calcium[p].size(); ++i) {
            double& calcium = state.calcium[p][i];
            const PopulationInputs& in = inputs.populations[p];
            // In a leap the trace follows its mean: it forgets a burst within tens of seconds.
            calcium = stretch == Stretch::leap
                          ? structure::advanced_calcium(model.calcium, calcium, in.rate_Hz[i], seconds)
                          : structure::decayed_calcium(model.calcium, calcium, seconds) + in.calcium[i];
            // The integral controller takes the noise of the trace: its mean is that of the rate.
            if (!state.scaling[p].empty())
                state.scaling[p][i] =
                    synapse::advanced_scaling(*model.scaling, state.scaling[p][i],
                                              relative(calcium, setting.scaling_target[p][i]), seconds / 3600);
            if (!model.structure) continue;
            double& filtered = state.calcium_filtered[p][i];
            filtered = structure::filtered_calcium(model.structure->spines, filtered,
                                                   calcium / setting.calcium_target[p][i], seconds / 3600);
        }
}

} // namespace rewire::engine
