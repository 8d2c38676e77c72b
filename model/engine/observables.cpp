// What the slow clock records: name, unit and value of every quantity.
#include <algorithm>
#include <cmath>

#include "clinic/symptom_score.hpp"
#include "engine/averages.hpp"
#include "engine/couplings.hpp"
#include "engine/events.hpp"
#include "engine/simulation.hpp"

namespace rewire::engine {

/// Counts, rates and the share of new neurons in the spikes; NaN for populations without neurogenesis.
void Simulation::add_neurogenesis_observables() {
    using structure::NeuronSlots, structure::Stage;
    const auto add = [this](const char* name, const char* unit, const char* long_name, auto value) {
        observables_.push_back({name, unit, long_name, "population", [this, value](std::size_t p) {
                                    for (std::size_t k = 0; k < model_.neurogenesis.size(); ++k)
                                        if (model_.neurogenesis[k].population == p)
                                            return static_cast<double>(value(k, neurogenesis()[k]));
                                    return not_applicable;
                                }});
    };
    const auto of = [](std::uint64_t NeuronSlots::*member) {
        return [member](std::size_t, const NeuronSlots& s) { return s.*member; };
    };
    add("birth_rate", "1/d", "births a day that are expected now",
        [](std::size_t, const NeuronSlots& s) { return s.birth_rate_per_d; });
    add("neurons_born", "1", "neurons born so far, those of the start included: alive + dead", of(&NeuronSlots::born));
    add("neurons_dead", "1", "neurons that have died so far", of(&NeuronSlots::dead));
    add("neurons_alive", "1", "neurons that are there", [](std::size_t, const NeuronSlots& s) { return s.alive(); });
    add("births_refused", "1", "births so far without a free slot", of(&NeuronSlots::refused));
    for (const auto& [name, long_name, stage] :
         {std::tuple{"neurons_young", "neurons before the excitable window", Stage::young},
          std::tuple{"neurons_in_window", "neurons in the excitable window", Stage::window},
          std::tuple{"neurons_mature", "neurons past the excitable window", Stage::mature}})
        add(name, "1", long_name, [this, stage = stage](std::size_t k, const NeuronSlots& s) {
            const auto counts =
                structure::stage_counts(model_.neurogenesis[k].parameters, s, time_s() / structure::seconds_per_d);
            return counts[static_cast<std::size_t>(stage)];
        });
    const auto ratio = [this](double StageActivity::*above, double StageActivity::*below) {
        return [this, above, below](std::size_t k, const NeuronSlots&) {
            const StageActivity& activity = slow_.state().window.stages[k];
            return activity.*below > 0 ? activity.*above / (activity.*below) : not_applicable;
        };
    };
    add("rate_in_window", "Hz", "mean rate of neurons in the excitable window since the last sample",
        ratio(&StageActivity::in_window, &StageActivity::in_window_s));
    add("rate_mature", "Hz", "mean rate of neurons past the excitable window since the last sample",
        ratio(&StageActivity::mature, &StageActivity::mature_s));
    add("share_of_new_neurons", "1", "share of the spikes since the last sample that neurons born in the run fired",
        ratio(&StageActivity::since_start, &StageActivity::all));
}

/// Healthy synapses onto the neurons of population p that are old enough to form some: younger ones have none.
double Simulation::healthy_synapses(std::size_t p) const {
    const std::vector<double> ready = readiness(model_, slow_.state(), p, time_s());
    double healthy = 0;
    for (const StructuralState& state : structural()) {
        if (network_->projections[state.specification.projection].specification.target != p) continue;
        for (std::size_t i = 0; i < state.healthy_count.size(); ++i)
            if (ready.empty() || ready[i] > 0) healthy += state.healthy_count[i];
    }
    return healthy;
}

double Simulation::spine_density(std::size_t p) const {
    double now = 0;
    for (const StructuralState& state : structural()) {
        const FastProjection& projection = network_->projections[state.specification.projection];
        if (projection.specification.target == p) now += static_cast<double>(projection.synapses.count());
    }
    const double healthy = healthy_synapses(p);
    return healthy > 0 ? now / healthy : not_applicable;
}

double Simulation::synaptic_function() const {
    double sum = 0, neurons = 0;
    for (const std::size_t p : model_.symptom_score->populations) {
        const auto size = static_cast<double>(network_->populations[p].count());
        if (size == 0) continue; // all of its neurons have died
        sum += size * ampa_throughput(slow_.setting(), slow_.state(), slow_.influences(time_s()), p) * spine_density(p);
        neurons += size;
    }
    return neurons > 0 ? sum / neurons : not_applicable;
}

void Simulation::build_observables() {
    for (const network::Population& p : model_.populations) labels_["population"].push_back(p.name);
    for (const network::Projection& p : model_.projections) labels_["projection"].push_back(p.name);
    for (const DrugModel& d : model_.drugs)
        for (const drug::Species& s : d.pharmacokinetics.species) {
            std::vector<std::string>& names = labels_["drug"];
            const bool taken =
                std::find(names.begin(), names.end(), s.name) != names.end(); // two drugs, one metabolite
            names.push_back(taken ? d.pharmacokinetics.species.front().name + "_" + s.name : s.name);
        }
    labels_["region"] = model_.regions;
    const auto add = [&](const char* name, const char* unit, std::string long_name, const char* dimension,
                         std::function<double(std::size_t)> value) {
        observables_.push_back({name, unit, std::move(long_name), dimension, std::move(value)});
    };

    add("mean_rate", "Hz", "mean firing rate since the last sample", "population", [this](std::size_t p) {
        const SampleWindow& window = slow_.state().window;
        if (time_s() > window.start_s) last_rate_Hz_[p] = window.spikes_per_neuron[p] / (time_s() - window.start_s);
        return last_rate_Hz_[p];
    });
    if (model_.has_slow_mechanisms())
        add("calcium", "1", "calcium trace, population mean", "population",
            [this](std::size_t p) { return network_->populations[p].mean_of(slow_.state().calcium[p]); });
    if (!drugs().empty()) {
        const auto species = [this](std::size_t k) {
            std::size_t d = 0;
            while (k >= model_.drugs[d].pharmacokinetics.species.size())
                k -= model_.drugs[d++].pharmacokinetics.species.size();
            return std::pair(d, k);
        };
        add("drug_plasma", "ng/mL", "total plasma concentration", "drug", [this, species](std::size_t k) {
            const auto [d, s] = species(k);
            return drugs()[d].plasma_ng_per_mL(s);
        });
        add("drug_effect_site", "ng/mL", "effect-site concentration", "drug", [this, species](std::size_t k) {
            const auto [d, s] = species(k);
            return drugs()[d].effect_site_ng_per_mL(s);
        });
        add("drug_unbound_brain", "uM", "unbound concentration in the brain", "drug", [this, species](std::size_t k) {
            const auto [d, s] = species(k);
            return drugs()[d].unbound_brain_uM(s);
        });
        add("nmda_block_synaptic", "1", "blocked share of the current of synaptic NMDA receptors", "population",
            [this](std::size_t p) {
                return mean_nmda_loss(slow_.setting(), slow_.state(), slow_.influences(time_s()), p, synaptic);
            });
        add("nmda_block_extrasynaptic", "1", "blocked share of the current of extrasynaptic NMDA receptors",
            "population", [this](std::size_t p) {
                return mean_nmda_loss(slow_.setting(), slow_.state(), slow_.influences(time_s()), p, extrasynaptic);
            });
    }
    if (std::ranges::count(model_.interventions, "stress", &Intervention::what) > 0)
        add("stress_load", "1", "what stress has built up: 1 after weeks of the stress of the standard models",
            "region", [this](std::size_t) { return slow_.state().stress_load; });
    if (model_.glutamate) {
        // The level follows single volleys within milliseconds, so the mean over the window is what can be compared.
        add("glutamate_extracellular", "uM", "extracellular glutamate at receptors, mean since the last sample",
            "region", [this](std::size_t r) {
                const SampleWindow& window = slow_.state().window;
                if (time_s() > window.start_s) return window.glutamate_uM_s[r] / (time_s() - window.start_s);
                return pools().empty() ? not_applicable : glutamate::mean_concentration_uM(slow_.voxels(r));
            });
        add("eaat2", "1", "glutamate uptake capacity relative to healthy", "region",
            [this](std::size_t r) { return slow_.state().eaat2[r]; });
        add("mglur_release_factor", "1", "factor of presynaptic mGluR2/3 on release", "region", [this](std::size_t r) {
            double sum = 0;
            for (const glutamate::ExtracellularPool& voxel : slow_.voxels(r)) sum += voxel.mglur_release_factor;
            return pools().empty() ? not_applicable : sum / static_cast<double>(model_.voxels_per_region());
        });
        if (model_.voxels_per_region() > 1) {
            const auto& [nx, ny, nz] = model_.voxels;
            for (const std::string& region : model_.regions)
                for (std::size_t v = 0; v < nx * ny * nz; ++v)
                    labels_["voxel"].push_back(region + "_" + std::to_string(v % nx) + "_" +
                                               std::to_string(v / nx % ny) + "_" + std::to_string(v / nx / ny));
            add("glutamate_voxel", "uM", "extracellular glutamate in a voxel, mean since the last sample", "voxel",
                [this](std::size_t v) {
                    const SampleWindow& window = slow_.state().window;
                    if (time_s() > window.start_s) return window.voxel_uM_s[v] / (time_s() - window.start_s);
                    return pools().empty() ? not_applicable : glutamate::concentration_uM(pools()[v]);
                });
        }
    }
    if (model_.inflammation) {
        add("inflammation", "1", "level J of inflammation, that of the cytokines with an imposed one", "region",
            [this](std::size_t r) { return inflammation_level(slow_.state(), slow_.influences(time_s()), r); });
        for (const auto& variable : StateOf<molecular::Inflammation>::variables) {
            const auto member = std::get<std::vector<double> molecular::Inflammation::*>(variable.member);
            add(variable.name.data(), variable.unit.data(), std::string(variable.meaning), "region",
                [this, member](std::size_t r) {
                    const std::vector<double>& values = slow_.state().inflammation.*member;
                    return values.empty() ? not_applicable : values[r];
                });
        }
    }
    if (model_.signalling)
        for (const auto& variable : StateOf<molecular::Signalling>::variables) {
            const auto member = std::get<std::vector<double> molecular::Signalling::*>(variable.member);
            add(variable.name.data(), variable.unit.data(), std::string(variable.meaning), "population",
                [this, member](std::size_t p) { return network_->populations[p].mean_of(signalling(p).*member); });
        }
    if (model_.scaling)
        add("synaptic_scaling", "1", "homeostatic scaling of excitatory synapses, population mean", "population",
            [this](std::size_t p) { return network_->populations[p].mean_of(slow_.state().scaling[p]); });
    if (model_.structure) {
        const auto over_population = [this](std::size_t p, auto&& value) {
            double sum = 0;
            for (const StructuralState& state : structural())
                if (network_->projections[state.specification.projection].specification.target == p)
                    sum += value(state);
            return std::pair(sum, healthy_synapses(p));
        };
        bool spines = false;
        for (const StructuralProjection& s : model_.structure->projections) spines = spines || s.rule == "spines";
        if (spines) {
            add("spine_density", "1", "spine density relative to the start", "population",
                [this](std::size_t p) { return spine_density(p); });
            const auto turnover = [this, over_population](auto member) {
                return [this, over_population, member](std::size_t p) {
                    const auto [count, healthy] = over_population(
                        p, [member](const StructuralState& s) { return static_cast<double>(s.*member); });
                    const double days = (time_s() - slow_.state().window.start_s) / 86400;
                    return healthy > 0 && days > 0 ? count / healthy / days : not_applicable;
                };
            };
            add("spine_formation_rate", "1/d", "spines formed since the last sample, share of the density at the start",
                "population", turnover(&StructuralState::formed));
            add("spine_elimination_rate", "1/d",
                "established spines lost since the last sample, share of the density at the start", "population",
                turnover(&StructuralState::eliminated));
            add("spine_nascent_loss_rate", "1/d",
                "nascent spines that vanished since the last sample, share of the density at the start", "population",
                turnover(&StructuralState::nascent_lost));
        }
    }
    if (!model_.neurogenesis.empty()) add_neurogenesis_observables();
    if (model_.symptom_score) {
        labels_["score"] = {"surrogate"};
        add("synaptic_function", "1",
            "AMPA throughput x spine density, relative to healthy: what the surrogate score maps", "score",
            [this](std::size_t) { return synaptic_function(); });
        add("surrogate_symptom_score", "1",
            "SURROGATE symptom score, 0 in health; no clinical scale; expectation apart", "score", [this](std::size_t) {
                const double f = synaptic_function(); // NaN where nothing had a spine: no score, not that of health
                return std::isnan(f) ? f : clinic::symptom_score(model_.symptom_score->mapping, f);
            });
        add("surrogate_expectation", "percent",
            "SURROGATE expectation (placebo) term, an assumption: change in per cent of the score before treatment, to "
            "be added to that of the score",
            "score", [this, treatments = treatment_times_s(model_)](std::size_t) {
                const std::optional<clinic::Expectation>& expectation = model_.symptom_score->expectation;
                return expectation ? clinic::expectation_percent(*expectation, treatments, time_s()) : 0.0;
            });
    }
    if (!model_.projections.empty()) {
        std::size_t currents = 0;
        for (const network::Projection& p : model_.projections)
            currents += neuron::uses_currents(model_.populations[p.target].model);
        add("synapses", "1", "number of synapses", "projection",
            [this](std::size_t q) { return static_cast<double>(network_->synapse_count(q)); });
        add("mean_weight",
            currents == 0                           ? "nS"
            : currents == model_.projections.size() ? "pA"
                                                    : "1",
            "mean synaptic weight (nS, or pA onto current-based neurons)", "projection", [this](std::size_t q) {
                if (network_->synapse_count(q) == 0) return not_applicable;
                if (mean_weight_.size() <= q) mean_weight_.resize(q + 1, not_applicable);
                // Weights of a projection that does not change are summed once.
                if (model_.projections[q].long_term) network_->settle_plasticity();
                if (std::isnan(mean_weight_[q]) || model_.projections[q].structural || model_.projections[q].long_term)
                    mean_weight_[q] = network_->mean_weight(q);
                return mean_weight_[q];
            });
    }
}

} // namespace rewire::engine
