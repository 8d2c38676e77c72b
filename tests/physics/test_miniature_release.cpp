// Spontaneous release and the gating of NMDA receptors that it leaves open at rest.

#include <catch2/catch.hpp>

#include <cmath>

#include "engine/fast_network.hpp"
#include "random/stream.hpp"
#include "synapse/receptor_state.hpp"
#include "synapse/short_term.hpp"

using namespace rewire;

TEST_CASE("miniature gating is the mean of Poisson events at single synapses", "[synapse]") {
    // By hand, without rise: rate x tau_decay x alpha = 0.01/s x 0.1 s x 0.5, of which saturation takes as much again.
    synapse::Receptor nmda = synapse::default_receptor("nmda");
    nmda.tau_rise_ms = 0;
    nmda.miniature_rate_Hz = 0.01;
    CHECK(synapse::miniature_gating(nmda) == Approx(5e-4 / (1 + 5e-4)).epsilon(1e-12));

    // The events themselves: 200 synapses of different weight, each a Poisson process of vesicles that open alpha of
    // its free receptors; 2 and 20 Hz, so that saturation takes a tenth and half. Some 20,000 and 200,000 events, each
    // with a gating of its own: the mean has an error of about 0.7 and 0.3 %.
    nmda.tau_rise_ms = 2;
    for (const double rate_Hz : {2.0, 20.0}) {
        nmda.miniature_rate_Hz = rate_Hz;
        const double dt_ms = 0.5, probability = rate_Hz * dt_ms * 1e-3;
        synapse::ReceptorState state = synapse::make_receptor_state(nmda, 1, dt_ms);
        std::vector<synapse::ReleaseState> synapses(200);
        RandomStream random(1, Purpose::stimulus, 0);
        double total_weight = 0, sum = 0;
        for (std::size_t j = 0; j < synapses.size(); ++j) total_weight += 1 + static_cast<double>(j % 3);
        const int settle = 2000, steps = 100000;
        for (int k = 0; k < settle + steps; ++k) {
            const double now_ms = k * dt_ms;
            float input = 0, mid_step_nS = 0;
            for (std::size_t j = 0; j < synapses.size(); ++j) {
                if (random.uniform() >= probability) continue;
                const double interval_ms = now_ms - synapses[j].last_spike_ms;
                synapses[j].last_spike_ms = now_ms;
                input += (1 + static_cast<float>(j % 3)) *
                         synapse::nmda_increment(synapses[j], interval_ms, nmda.saturation, nmda.tau_decay_ms, 1);
            }
            synapse::step_receptor(state, 0, 1, &input, &mid_step_nS);
            if (k >= settle) sum += static_cast<double>(mid_step_nS) / total_weight;
        }
        CHECK(sum / steps == Approx(synapse::miniature_gating(nmda)).epsilon(0.02));
    }
}

TEST_CASE("spontaneous release is the floor of the gating that lets a blocker in", "[engine]") {
    // Silent synapses on neuron 0, none on neuron 1, both at rest at -66 mV, where B = 0.056283 (by hand, see
    // test_synapses.cpp): r(m B) for one and r(0) for the other.
    network::Population source{.name = "silent", .size = 5, .model = neuron::LifConductance{}};
    source.receptors = {synapse::default_receptor("ampa")};
    synapse::Receptor nmda = synapse::default_receptor("nmda");
    nmda.miniature_rate_Hz = 1;
    network::Population target{.name = "resting",
                               .size = 2,
                               .model = neuron::LifConductance{.leak_reversal_mV = -66, .reset_mV = -66},
                               .receptors = {nmda},
                               .initial_mV = network::Distribution{.mean = -66}};
    network::Projection q{.name = "q", .source = 0, .target = 1};
    q.rule.kind = "pairwise";
    q.delay_ms.mean = 1;
    q.receptors = {{0, 1}};
    engine::FastOptions options;
    options.drives.blockers = {drug::ketamine()};
    const network::PairwiseColumns pairs{{0, 1, 2, 3, 4}, {0, 0, 0, 0, 0}, {1, 2, 3, 4, 5}, {1, 1, 1, 1, 1}};
    engine::FastNetwork net(options, {source, target}, {q}, {pairs}, {}, {});
    engine::Drives& drives = net.populations[1].drives;
    drives.sampled = true;
    drives.l_type.assign(2, 0);
    drives.ampa_nS.assign(2, 0);
    engine::SubunitSums sums{.subunit = drug::n2a};
    sums.exchange.assign(1, aligned_vector<float>(2, 0));
    sums.blockers.push_back({aligned_vector<float>(2, 0), aligned_vector<float>(2, 0)});
    drives.pools[engine::synaptic] = {sums};
    net.advance(0, 1000);
    const auto rate = [&](std::size_t i) {
        return static_cast<double>(drives.pools[engine::synaptic][0].exchange[0][i]) / drives.samples;
    };
    // m = 1/s x 0.5 x norm (tau_decay - tau_rise) / (1 + 1/s x 0.5 x 0.1 s), norm (100 - 2) ms = 108.31 ms.
    const double gating = 0.5 * 0.10831 / 1.05;
    const drug::Blocker b = drug::ketamine();
    CHECK(rate(0) == Approx(drug::exchange_rate_per_s(b, gating * 0.056283)).epsilon(1e-4));
    CHECK(rate(0) > 3 * b.r_leak_per_s);
    CHECK(rate(1) == Approx(b.r_leak_per_s).epsilon(1e-5));
}
