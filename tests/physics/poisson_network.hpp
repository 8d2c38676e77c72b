#pragma once
// The network of science.md S21 (b), for the test of its fixed point and for scripts/validate.

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "network/synapses.hpp"
#include "structure/elements.hpp"
#include "structure/growth.hpp"
#include "structure/partners.hpp"

namespace rewire::structure {

/// Poisson neurons with structural plasticity, as in science.md S21 (b): a firing probability per ms
/// x0 + sum of inputs, each of 0.03 a spike and decaying with tau_x (Euler at 1 ms, so that an input adds
/// 0.03 tau_x in all), refractory for 4 ms; elements follow the Gaussian rule with eta 0.
class PoissonNetwork {
public:
    explicit PoissonNetwork(std::uint32_t neurons, std::uint64_t seed = 21)
        : n_(neurons),
          seed_(seed),
          positions_(neurons),
          x_(neurons, x0),
          input_(neurons),
          refractory_(neurons),
          calcium_(neurons),
          axonal_(vacant_elements(neurons, 0)),
          dendritic_(vacant_elements(neurons, 0)),
          store_({.sources = neurons, .targets = neurons, .delays_steps = {1}}) {
        for (std::uint32_t i = 0; i < n_; ++i) { // in a cube of 1 mm, kernel 750 um: RELeARN's defaults
            RandomStream stream(seed_, Purpose::position, i);
            positions_[i] = {1000 * stream.uniform(), 1000 * stream.uniform(), 1000 * stream.uniform()};
        }
    }

    void run(int duration_ms) {
        for (int end = now_ms_ + duration_ms; now_ms_ < end;) {
            step();
            if (++now_ms_ % update_ms == 0) update();
        }
    }
    double mean_calcium() const {
        double sum = 0;
        for (const double c : calcium_) sum += c;
        return sum / n_;
    }
    double synapses_per_neuron() const { return static_cast<double>(store_.count()) / n_; }
    /// Synapse counts equal bound elements on both sides.
    void check() const {
        check_invariants(axonal_, store_.outgoing_counts());
        check_invariants(dendritic_, store_.incoming_counts());
    }

private:
    using Synapse = network::Synapse;
    using SynapseIndex = network::SynapseIndex;

    static constexpr double x0 = 0.05, tau_x_ms = 5, jump = 0.03;
    static constexpr int refractory_ms = 4, update_ms = 100;

    void step() {
        const double decay = decayed_calcium(trace_, 1, 1e-3);
        std::array<std::uint32_t, 4> words{};
        for (std::uint32_t i = 0; i < n_; ++i) {
            if (i % 4 == 0)
                words = random_words(seed_, Purpose::background, i / 4, static_cast<std::uint64_t>(now_ms_));
            x_[i] += (x0 - x_[i]) / tau_x_ms + jump * input_[i];
            input_[i] = 0;
            calcium_[i] *= decay;
            if (refractory_[i] > 0) {
                --refractory_[i];
            } else if (words[i % 4] < x_[i] * 0x1p32) {
                refractory_[i] = refractory_ms;
                calcium_[i] += trace_.beta;
                spikes_.push_back(i);
            }
        }
        for (const std::uint32_t source : spikes_) {
            const auto row = store_.row(source);
            for (std::uint32_t k = 0; k < row.size; ++k) input_[row.target[k]] += 1;
        }
        spikes_.clear();
    }

    void update() {
        for (std::uint32_t i = 0; i < n_; ++i) {
            const double growth = growth_rate(rule_, calcium_[i]) * update_ms * 1e-3;
            grow(axonal_, i, growth);
            grow(dendritic_, i, growth);
        }
        const auto counter = static_cast<std::uint64_t>(now_ms_ / update_ms);
        prune(axonal_, dendritic_, false, 2 * counter);
        prune(dendritic_, axonal_, true, 2 * counter + 1);
        const FormationKey key{.seed = seed_, .update = counter};
        std::vector<Synapse> born;
        for (const Pair& pair :
             pair_elements(positions_, vacancies(axonal_), positions_, vacancies(dendritic_), true, 750, key)) {
            bind(axonal_, pair.source);
            bind(dendritic_, pair.target);
            born.push_back({pair.source, 1, pair.target});
        }
        store_.add(born);
    }

    /// Removes the surplus synapses of one side; their partners' elements become vacant.
    void prune(ElementPool& own, ElementPool& partner, bool incoming, std::uint64_t counter) {
        std::vector<std::vector<std::pair<SynapseIndex, std::uint32_t>>> of(n_);
        store_.for_each([&](SynapseIndex index, const Synapse& s) {
            const std::uint32_t here = incoming ? s.target : s.source;
            if (surplus(own, here) > 0) of[here].emplace_back(index, incoming ? s.source : s.target);
        });
        std::vector<SynapseIndex> dying;
        for (std::uint32_t i = 0; i < n_; ++i) {
            RandomStream stream(seed_, Purpose::elimination, i, counter);
            const auto count = static_cast<std::uint32_t>(surplus(own, i));
            for (const std::uint32_t k : choose(static_cast<std::uint32_t>(of[i].size()), count, stream)) {
                dying.push_back(of[i][k].first);
                unbind(own, i);
                unbind(partner, of[i][k].second);
            }
        }
        store_.remove(dying);
    }

    std::uint32_t n_;
    std::uint64_t seed_;
    int now_ms_ = 0;
    CalciumParameters trace_{};
    GrowthRule rule_{.rule = "gaussian", .growth_rate_per_s = 0.1, .eta = 0, .target = 0.7};
    std::vector<Position> positions_;
    std::vector<double> x_;
    std::vector<std::int32_t> input_;
    std::vector<int> refractory_;
    std::vector<double> calcium_;
    std::vector<std::uint32_t> spikes_;
    ElementPool axonal_, dendritic_;
    network::SynapseStore store_;
};

} // namespace rewire::structure
