// On AMPA receptors: the chain and scaling of the neuron, antagonists and potentiators. On GABA_A receptors: modulators
// and inflammation. Both go with the age of the neuron afterwards (neurogenesis.cpp), as do GABA_B receptors.
#include <algorithm>

#include "engine/couplings.hpp"

namespace rewire::engine {

void configure_ampa_gaba(const SlowSetting& setting, FastNetwork& network) {
    using synapse::ReceptorKind;
    const Model& model = setting.model;
    const bool of_ampa = acted_on(model, drug::Target::ampa),
               of_gaba_a = acted_on(model, drug::Target::gaba_a) || model.inflammation;
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        FastPopulation& population = network.populations[p];
        const bool ages = !population.present.empty(), scales = std::ranges::count(model.scaling_populations, p) > 0;
        for (synapse::ReceptorState& receptor : population.receptors)
            if ((receptor.kind == ReceptorKind::ampa && (model.has_chain(p) || of_ampa || ages || scales)) ||
                (receptor.kind == ReceptorKind::gaba_a && (of_gaba_a || ages)) ||
                (receptor.kind == ReceptorKind::gaba_b && ages))
                receptor.gain.assign(population.size(), 1);
    }
}

double ampa_throughput(const SlowSetting& setting, const SlowState& state, const Influences& acting, std::size_t p) {
    std::vector<double> gain = state.signalling[p].ampa_gain;
    for (std::size_t i = 0; i < state.scaling[p].size(); ++i) gain[i] *= state.scaling[p][i];
    return (1 - acting.on(drug::Target::ampa, p)) * setting.network.populations[p].mean_of(gain);
}

void write_ampa_gaba(const SlowSetting& setting, const SlowState& state, const Influences& acting,
                     FastNetwork& network) {
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        FastPopulation& population = network.populations[p];
        const double level = inflammation_level(state, acting, population.specification.region);
        const float ampa_open = static_cast<float>(1 - acting.on(drug::Target::ampa, p)),
                    gaba_gain = static_cast<float>(1 + acting.on(drug::Target::gaba_a, p)),
                    inhibited = static_cast<float>(
                        1 - inflammation_effect(setting.model, &molecular::InflammationParameters::gaba_a_loss, level));
        const auto gain_of = [](const std::vector<double>& gains, std::size_t i) {
            return gains.empty() ? 1.0f : static_cast<float>(gains[i]);
        };
        for (synapse::ReceptorState& receptor : population.receptors) switch (receptor.kind) {
            case synapse::ReceptorKind::ampa:
                for (std::size_t i = 0; i < receptor.gain.size(); ++i)
                    receptor.gain[i] =
                        ampa_open * gain_of(state.signalling[p].ampa_gain, i) * gain_of(state.scaling[p], i);
                break;
            case synapse::ReceptorKind::gaba_a: std::ranges::fill(receptor.gain, gaba_gain * inhibited); break;
            case synapse::ReceptorKind::gaba_b: std::ranges::fill(receptor.gain, 1.0f); break;
            default: break;
            }
    }
}

} // namespace rewire::engine
