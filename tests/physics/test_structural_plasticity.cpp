#include <catch2/catch.hpp>

#include "physics/poisson_network.hpp"

using namespace rewire::structure;

TEST_CASE("S21 (b): Poisson neurons grow to the fixed point that can be worked out by hand") {
    // At calcium 0.7 = beta tau r the rate is r = 0.07/ms; with a refractory time of 4 ms r = p / (1 + 4 p),
    // so p = 0.0972; x0 + k r tau_x 0.03 = p leaves k = 4.50 synapses per neuron. Accepted: 1 % and 3 %
    // (science.md S21; RELeARN itself: 4.55-4.58, because the rate is concave in p and p fluctuates).
    PoissonNetwork network(1000);
    network.run(150000);
    network.check();
    double calcium = 0, synapses = 0;
    for (int i = 0; i < 50; ++i) { // the last 50 s, sampled every second
        network.run(1000);
        calcium += network.mean_calcium() / 50;
        synapses += network.synapses_per_neuron() / 50;
    }
    network.check();
    CAPTURE(calcium, synapses);
    CHECK(calcium == Approx(0.7).epsilon(0.01));
    CHECK(synapses == Approx(4.50).epsilon(0.03));
    CHECK(network.mean_calcium() == Approx(0.7).epsilon(0.01)); // and at 200 s
    CHECK(network.synapses_per_neuron() == Approx(4.50).epsilon(0.03));
}
