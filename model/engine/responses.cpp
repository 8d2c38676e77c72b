#include "engine/responses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace rewire::engine {

Responses::Responses(const Model& model) : dt_ms_(model.dt_ms), populations_(model.populations.size()) {
    const auto step = [&](double s) { return std::llround(s * 1e3 / dt_ms_); };
    const std::int64_t end = step(model.duration_s);
    for (const Stimulus& s : model.stimuli) {
        if (s.name.empty() || step(s.from_s) >= end) continue;
        // One that the end cuts short is compared with the stretch that the whole of it would be.
        presentations_.push_back({s.name,
                                  {.from = step(s.from_s), .to = std::min<std::int64_t>(step(s.to_s), end)},
                                  {.from = step(std::max(0.0, 2 * s.from_s - s.to_s)), .to = step(s.from_s)}});
    }
    const auto key = [](const Presentation& p) { return std::tie(p.during.to, p.during.from, p.stimulus); };
    std::ranges::sort(presentations_, {}, key);
    // Stimuli of one name at the same time, such as one to two populations, are one presentation.
    const auto same = std::ranges::unique(presentations_, {}, key);
    presentations_.erase(same.begin(), same.end());
}

bool Responses::any_at(std::int64_t step) const {
    return std::any_of(presentations_.begin() + static_cast<std::ptrdiff_t>(taken_), presentations_.end(),
                       [&](const Presentation& p) { return p.during.holds(step) || p.before.holds(step); });
}

void Responses::add(std::int64_t step, double seconds, const std::vector<std::uint64_t>& spikes,
                    const std::vector<double>& neurons) {
    for (std::size_t k = taken_; k < presentations_.size(); ++k)
        for (Window* window : {&presentations_[k].during, &presentations_[k].before}) {
            if (!window->holds(step)) continue;
            window->spikes.resize(spikes.size(), 0);
            window->neurons.resize(spikes.size(), 0);
            window->seconds += seconds;
            for (std::size_t p = 0; p < spikes.size(); ++p) {
                window->spikes[p] += spikes[p];
                if (window->seconds > 0)
                    window->neurons[p] += (neurons[p] - window->neurons[p]) * (seconds / window->seconds);
            }
        }
}

std::vector<double> Responses::rates_Hz(const Window& window) const {
    std::vector<double> rates(populations_, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t p = 0; p < window.spikes.size(); ++p)
        rates[p] = static_cast<double>(window.spikes[p]) / (window.seconds * window.neurons[p]);
    return rates;
}

std::vector<Response> Responses::take(std::int64_t step) {
    std::vector<Response> ended;
    for (; taken_ < presentations_.size() && presentations_[taken_].during.to <= step; ++taken_) {
        Presentation& p = presentations_[taken_];
        ended.push_back({p.stimulus, static_cast<double>(p.during.from) * dt_ms_ * 1e-3,
                         static_cast<double>(p.during.to - p.during.from) * dt_ms_ * 1e-3, rates_Hz(p.during),
                         rates_Hz(p.before)});
        p.during.spikes = p.before.spikes = {};
        p.during.neurons = p.before.neurons = {};
    }
    return ended;
}

} // namespace rewire::engine
