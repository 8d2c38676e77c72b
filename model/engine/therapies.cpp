#include "engine/therapies.hpp"

namespace rewire::engine {

void add_session(Model& model, const clinic::Therapy& session, const std::vector<std::size_t>& populations) {
    const double from_s = session.start_s, to_s = session.start_s + session.duration_s;
    const clinic::TherapyEffects& effects = session.effects;
    model.therapies.push_back(session);
    if (effects.bdnf_synthesis != 0)
        model.interventions.push_back({"bdnf_synthesis", from_s, to_s, effects.bdnf_synthesis});
    if (effects.stress_relief != 0)
        model.interventions.push_back({"stress_relief", from_s, to_s, effects.stress_relief});
    if (effects.current_pA == 0) return;
    for (const std::size_t p : populations)
        model.stimuli.push_back({.kind = "current_step",
                                 .population = p,
                                 .from_s = from_s,
                                 .to_s = to_s,
                                 .count = model.populations[p].size,
                                 .amplitude_pA = effects.current_pA});
}

} // namespace rewire::engine
