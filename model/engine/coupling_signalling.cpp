// On the chain of BDNF: resting NMDA drive and activity from the network; the load of stress, inflammation, therapies
// and drugs.
#include <algorithm>
#include <cmath>

#include "engine/averages.hpp"
#include "engine/couplings.hpp"
#include "quantity/relaxation.hpp"

namespace rewire::engine {
namespace {

/// All that acts on the chain of a population but its drives.
/// \param inflammation  J of its region
molecular::Antagonists antagonists(const Model& model, const Influences& acting, double stress_load,
                                   double inflammation) {
    using drug::Target;
    using molecular::InflammationParameters;
    const double stress = molecular::stress_factor(model.stress.bdnf_synthesis_loss, stress_load),
                 therapy = std::max(0.0, 1 + acting.of("bdnf_synthesis")),
                 inflamed = 1 - inflammation_effect(model, &InflammationParameters::bdnf_synthesis_loss, inflammation);
    return {.anti_bdnf = acting.on(Target::bdnf),
            .trkb_block = acting.on(Target::trkb),
            .trkb_modulation = acting.on(Target::trkb_modulation),
            .rapamycin = acting.on(Target::mtorc1),
            .anisomycin = acting.on(Target::protein_synthesis),
            .bdnf_synthesis = stress * therapy * inflamed,
            .ampa_factor = 1 + inflammation_effect(model, &InflammationParameters::ampa_gain, inflammation),
            .ampa_gain = acting.on(Target::ampa_gain),
            .hnk_uM = acting.of("hnk")};
}

} // namespace

void advance_signalling(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs,
                        const Influences& acting, double stress_load, const std::vector<double>& inflammation,
                        const std::vector<std::vector<double>>& resting_before, double seconds) {
    const Model& model = setting.model;
    if (!model.signalling) return;
    // Drugs are those of the end here, as block and gating are: the mean is taken of the drives.
    std::vector<std::vector<double>> resting = resting_drives(setting, state, {model, state.drug_effects, acting.at_s});
    const double l_open = 1 - acting.on(drug::Target::l_type);
    for (const std::size_t p : model.signalling_populations) {
        // The mean over the stretch, to second order: block and gating have moved on already.
        for (std::size_t i = 0; i < resting[p].size(); ++i)
            resting[p][i] = 0.5 * (resting_before[p][i] + resting[p][i]);
        // Pooled over the population and filtered over minutes, as kinases do: the chain's Hill terms and its kink at
        // M = 1 would turn the counting noise of a tick or a burst into drift.
        const double span = seconds / (60 * model.resting_drive.activity_tau_min), keep = std::exp(-span);
        const auto filter = [&](double& filtered, double now) {
            const double mean = now + (filtered - now) * mean_survival(span);
            filtered = now + (filtered - now) * keep;
            return mean;
        };
        const PopulationInputs &in = inputs.populations[p], &healthy = setting.healthy.populations[p];
        const double l_type = filter(state.l_type[p], relative(in.l_type, healthy.l_type));
        const double ampa = filter(state.ampa[p], relative(in.ampa_nS, healthy.ampa_nS));
        const std::vector<double> l_types(resting[p].size(), l_open * l_type), ampas(resting[p].size(), ampa);
        const std::size_t region = model.populations[p].region;
        molecular::advance(state.signalling[p], {resting[p], l_types, ampas},
                           antagonists(model, acting, stress_load, inflammation[region]), *model.signalling, seconds);
    }
}

} // namespace rewire::engine
