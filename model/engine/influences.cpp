#include "engine/influences.hpp"

#include <algorithm>
#include <array>

namespace rewire::engine {

drug::Effects drug_effects(const Model& model, const std::vector<drug::Pharmacokinetics>& drugs) {
    drug::Effects effects;
    for (std::size_t d = 0; d < model.drugs.size(); ++d) {
        std::array<drug::Site, drug::targets.size()> sites;
        for (std::size_t s = 0; s < model.drugs[d].targets.size(); ++s)
            for (const drug::TargetEffect& e : model.drugs[d].targets[s])
                sites[static_cast<std::size_t>(e.target)].add(e, drugs[d].unbound_brain_uM(s));
        for (const drug::TargetInWords& t : drug::targets)
            effects.add(t.target, sites[static_cast<std::size_t>(t.target)].effect());
    }
    return effects;
}

bool acted_on(const Model& model, drug::Target target) {
    const std::string_view name = drug::targets[static_cast<std::size_t>(target)].intervention;
    for (const Intervention& i : model.interventions)
        if (i.what == name) return true;
    for (const DrugModel& d : model.drugs)
        for (const auto& effects : d.targets)
            for (const drug::TargetEffect& e : effects)
                if (e.target == target) return true;
    return false;
}

double Influences::on(drug::Target target, std::optional<std::size_t> population) const {
    const drug::TargetInWords& t = drug::targets[static_cast<std::size_t>(target)];
    return drug::together(t.effect, of(t.intervention, population), drugs[target]);
}

double Influences::of(std::string_view what, std::optional<std::size_t> population) const {
    const auto acts = [&](const Intervention& i) {
        return i.what == what && i.from_s <= at_s && at_s < i.to_s &&
               (i.populations.empty() || (population && std::ranges::count(i.populations, *population) > 0));
    };
    double strength = 0;
    for (const Intervention& i : model.interventions)
        if (acts(i)) strength += i.strength;
    if (what == "stress") strength *= 1 - of("stress_relief");
    const auto kind = std::ranges::find(intervention_kinds, what, &InterventionKind::name);
    return kind->effect == drug::Effect::loss ? std::min(strength, 1.0) : strength;
}

} // namespace rewire::engine
