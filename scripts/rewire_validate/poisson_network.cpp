// S21 (b): the Poisson neurons of tests/physics/poisson_network.hpp grow their synapses for 200 s.
//
//     validate_poisson_network SEED      a line of JSON: calcium and synapses per neuron, means of the last 50 s

#include <fmt/format.h>
#include <stdexcept>
#include <string>

#include "physics/poisson_network.hpp"

int main(int argc, char** argv) try {
    if (argc != 2) throw std::invalid_argument("usage: validate_poisson_network SEED");
    rewire::structure::PoissonNetwork network(1000, std::stoull(argv[1]));
    network.run(150000);
    constexpr int samples = 50;
    double calcium = 0, synapses = 0;
    for (int i = 0; i < samples; ++i) {
        network.run(1000);
        calcium += network.mean_calcium() / samples;
        synapses += network.synapses_per_neuron() / samples;
    }
    network.check();
    fmt::print("{{\"calcium\": {:.6f}, \"synapses_per_neuron\": {:.6f}}}\n", calcium, synapses);
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "validate_poisson_network: {}\n", error.what());
    return 2;
}
