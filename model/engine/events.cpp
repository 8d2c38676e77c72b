#include "engine/events.hpp"

#include <algorithm>

namespace rewire::engine {

std::vector<double> disturbance_times_s(const Model& model) {
    std::vector<double> times;
    for (const DrugModel& d : model.drugs) {
        const drug::Pharmacokinetics pk(d.pharmacokinetics, d.doses);
        for (double t = pk.next_event_after(-1); t <= model.duration_s; t = pk.next_event_after(t)) times.push_back(t);
    }
    for (const Intervention& i : model.interventions) times.insert(times.end(), {i.from_s, i.to_s});
    for (const Stimulus& s : model.stimuli) {
        times.insert(times.end(), {s.from_s, s.to_s});
        times.insert(times.end(), s.times_s.begin(), s.times_s.end());              // a leap must not swallow a volley
        if (!s.name.empty()) times.push_back(std::max(0.0, 2 * s.from_s - s.to_s)); // what a response is compared with
    }
    std::erase_if(times, [&](double t) { return !(t >= 0 && t <= model.duration_s); });
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    return times;
}

std::vector<double> treatment_times_s(const Model& model) {
    std::vector<double> times;
    for (const DrugModel& d : model.drugs)
        for (const drug::Dose& dose : d.doses) times.push_back(dose.start_s);
    for (const clinic::Therapy& session : model.therapies) times.push_back(session.start_s);
    std::sort(times.begin(), times.end());
    return times;
}

} // namespace rewire::engine
