// When and where spikes arrive, and what they carry.
#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "unit/small_networks.hpp"

using namespace rewire;
using namespace rewire::engine;
using namespace rewire::engine::small_networks;

TEST_CASE("a spike arrives after its delay, to the step", "[engine]") {
    // A spike of step k has the time (k+1) dt; after a delay of d steps its conductance starts at (k+1+d) dt
    // with the weight and decays exponentially. Truth: that sentence. Delays of 1 step, and longer than the
    // meeting interval.
    const int threads = GENERATE(1, 2);
    const std::vector<double> delays_ms{0.1, 0.2, 0.7, 15};
    FastOptions options;
    options.threads = threads;
    network::PairwiseColumns pairs{{0, 0, 0, 64}, {0, 1, 2, 100}, {1, 2, 3, 4}, delays_ms};
    std::vector<Trace> traces{{.population = 1, .variable = "g_ampa", .neurons = {0, 1, 2, 100}}};
    FastNetwork net(options, {relay(70), listener(128)}, {relay_projection()}, {pairs},
                    {fire_at({0.005, 0.005}, {0, 64})}, traces);
    net.populations[0].record_spikes = true;
    net.advance(0, 300);
    const auto spikes = net.take_spikes(0);
    REQUIRE(spikes.size() == 2);
    CHECK(spikes[0].step == 50);
    CHECK(spikes[0].neuron == 0);
    CHECK(spikes[1].neuron == 64);
    const TraceSamples g = net.take_trace(0);
    REQUIRE(g.step.size() == 300);
    for (std::size_t n = 0; n < 4; ++n) {
        const auto arrival = static_cast<std::int64_t>(std::lround(51 + delays_ms[n] / 0.1));
        for (std::size_t k = 0; k < 300; ++k) {
            const double since_ms = 0.1 * static_cast<double>(g.step[k] - arrival);
            const double expected = since_ms > 0 ? (static_cast<double>(n) + 1) * std::exp(-since_ms / 2) : 0;
            REQUIRE(g.values[k * 4 + n] == Approx(expected).epsilon(1e-4)); // float decay factors
        }
    }
    CHECK(net.total_events() == 4);
}

TEST_CASE("spikes in flight survive a jump in time", "[engine]") {
    // A leap moves biological time, not what is under way: 20 steps of delay remain 20 steps of the network's
    // clock.
    FastOptions options;
    network::PairwiseColumns pairs{{0}, {0}, {1}, {2.0}};
    std::vector<Trace> traces{{.population = 1, .variable = "g_ampa", .neurons = {0}}};
    FastNetwork net(options, {relay(1), listener(1)}, {relay_projection()}, {pairs}, {fire_at({0.0095}, {0})}, traces);
    net.advance(0, 100); // fires in step 95, would arrive at 9.6 + 2 = 11.6 ms, 16 steps after the end
    CHECK(net.total_spikes() == 1);
    CHECK(net.total_events() == 0);
    net.advance(1000000, 15);
    net.advance(1000015, 10);
    CHECK(net.total_events() == 1);
    const TraceSamples g = net.take_trace(0);
    REQUIRE(g.step.size() == 125);
    CHECK(g.step[100] == 1000001); // biological time has jumped
    CHECK(g.values[115] == 0);
    CHECK(g.values[116] == Approx(std::exp(-0.05)).epsilon(1e-5));
}

TEST_CASE("negative times run like positive ones", "[engine]") {
    // Settling happens before time zero. A stimulus at -2 ms fires at its step.
    FastNetwork net(FastOptions{}, {relay(1)}, {}, {}, {fire_at({-0.002}, {0})}, {});
    net.populations[0].record_spikes = true;
    net.advance(-50, 100);
    const auto spikes = net.take_spikes(0);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].step == -20);
    // Samples every 20 steps: at -40, -20, 0, 20, 40; the spike belongs to the window that ends at 0.
    const ActivitySamples activity = net.take_activity();
    CHECK(activity.step == std::vector<std::int64_t>{-40, -20, 0, 20, 40});
    CHECK(activity.spike_counts == std::vector<std::uint32_t>{0, 0, 1, 0, 0});
}

TEST_CASE("every spike is delivered to every synapse once", "[engine]") {
    // Conservation: events = synapses of the spikes whose delay has passed, counted from the spike list and
    // the store.
    FastNetwork net = mixed_network(2);
    const std::int64_t steps = 1000;
    net.advance(0, steps);
    std::uint64_t expected = 0, in_flight = 0;
    std::vector<std::vector<Spike>> spikes;
    for (std::size_t p = 0; p < net.populations.size(); ++p) spikes.push_back(net.take_spikes(p));
    for (std::size_t q = 0; q < net.projections.size(); ++q) {
        std::map<std::uint32_t, std::vector<std::uint16_t>> delays;
        net.for_each_synapse(q, [&](const network::Synapse& s) { delays[s.source].push_back(s.delay_steps); });
        for (const Spike& spike : spikes[net.projections[q].specification.source])
            for (const std::uint16_t delay : delays[spike.neuron])
                ++(spike.step + 1 + delay < steps ? expected : in_flight);
    }
    CHECK(net.total_events() == expected);
    CHECK(in_flight > 0);
    std::uint64_t fired = 0;
    for (const auto& list : spikes) fired += list.size();
    CHECK(net.total_spikes() == fired);
}

TEST_CASE("presynaptic receptors scale what a spike releases, with and without short-term plasticity", "[engine]") {
    // A first spike releases U = 0.4, or everything, times the factor: AMPA conductance and the amount released follow.
    const float factor = 0.6f;
    for (const bool plastic : {false, true}) {
        network::Projection q = relay_projection();
        q.glutamatergic = true;
        if (plastic) q.short_term = synapse::ShortTerm{.release_probability = 0.4};
        FastOptions options;
        options.track_release = true;
        FastNetwork net(options, {relay(1), listener(1)}, {q}, {network::PairwiseColumns{{0}, {0}, {2}, {1.0}}},
                        {fire_at({0.001}, {0})}, {});
        net.projections[0].release_factor = factor;
        net.advance(0, 100);
        REQUIRE(net.total_spikes() == 1);
        const double released = (plastic ? 0.4 : 1) * 0.6;
        CHECK(net.projections[0].released[0] == Approx(released).epsilon(1e-6));
        // The spike of step 10 is one of 1.1 ms and arrives at 2.1 ms, 7.9 ms before the end.
        CHECK(synapse::conductance_nS(net.populations[1].receptors[0], 0) ==
              Approx(2 * released * std::exp(-7.9 / 2)).epsilon(1e-4));
    }
}

TEST_CASE("presynaptic release and NMDA saturation travel with the spike", "[engine]") {
    // A train of 20 spikes every 10 ms through a depressing synapse onto AMPA and NMDA (one weight, NMDA at
    // half scale). Truth: the recursions of Tsodyks & Markram and of saturation, written out here in double.
    FastOptions options;
    options.track_release = true;
    network::PairwiseColumns pairs{{0}, {0}, {2}, {1.0}};
    network::Projection q = relay_projection();
    network::Population target = listener(1);
    synapse::Receptor nmda = synapse::default_receptor("nmda");
    nmda.tau_rise_ms = 0;
    target.receptors = {ampa(), nmda};
    q.receptors = {{0, 1}, {1, 0.5}};
    q.short_term = synapse::ShortTerm{.release_probability = 0.4, .tau_recovery_ms = 300, .tau_facilitation_ms = 0};
    q.glutamatergic = true;
    std::vector<double> times_s;
    for (int n = 0; n < 20; ++n) times_s.push_back(0.001 + 0.01 * n);
    FastNetwork net(options, {relay(1), target}, {q}, {pairs}, {fire_at(times_s, std::vector<std::uint32_t>(20, 0))},
                    {});
    net.advance(0, 2000);
    REQUIRE(net.total_spikes() == 20);
    double x = 1, s = 0, g_ampa = 0, g_nmda = 0, released = 0;
    for (int n = 0; n < 20; ++n) {
        if (n > 0) x = 1 - (1 - x) * std::exp(-10 / 300.0), s *= std::exp(-10 / 100.0);
        const double r = 0.4 * x, opened = 0.5 * r * (1 - s);
        x -= r, s += opened, released += r;
        // Step 10 + 100 n fires at its end; arrival 1 ms later; the run ends at 200 ms.
        const double left_ms = 200 - (1.1 + 10 * n + 1.0);
        g_ampa += 2 * r * std::exp(-left_ms / 2);
        g_nmda += 2 * 0.5 * opened * std::exp(-left_ms / 100);
    }
    CHECK(synapse::conductance_nS(net.populations[1].receptors[0], 0) == Approx(g_ampa).epsilon(1e-3));
    CHECK(synapse::conductance_nS(net.populations[1].receptors[1], 0) == Approx(g_nmda).epsilon(1e-3));
    CHECK(net.projections[0].released[0] == Approx(released).epsilon(1e-5));
    CHECK(net.populations[1].receptors[1].total_weight[0] == Approx(1)); // half of a weight of 2
}
