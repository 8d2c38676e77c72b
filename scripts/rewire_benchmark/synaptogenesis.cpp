// Time of a connectivity update: every neuron of a cube holds one vacant axonal and one vacant dendritic element, and
// all pair by the Gaussian kernel of 750 um (the measure used for RELeARN's Barnes-Hut approximation).
//
//     benchmark_synaptogenesis THREADS BOX_UM NEURONS...
//
// BOX_UM is the edge of the cube; 0 takes 26 um x cube root of the neurons, RELeARN's default spacing. A line of JSON
// for each number of neurons: medians of the times of several updates.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "engine/structural_update.hpp"

namespace {

using namespace rewire;

constexpr double sigma_um = 750;
constexpr int updates = 9;

double median(std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + values.size() / 2);
    return values[values.size() / 2];
}

void measure(std::uint32_t neurons, double box_um, engine::Team& team) {
    if (box_um == 0) box_um = 26 * std::cbrt(neurons);
    std::vector<structure::Position> positions(neurons);
    for (std::uint32_t i = 0; i < neurons; ++i) {
        RandomStream stream(1, Purpose::position, i);
        for (double& coordinate : positions[i]) coordinate = box_um * stream.uniform();
    }
    const std::vector<std::int32_t> one_each(neurons, 1);
    std::vector<double> wall_s, cpu_s;
    std::size_t pairs = 0;
    for (std::uint64_t update = 0; update < updates; ++update) {
        const auto begin = std::chrono::steady_clock::now();
        const std::clock_t cpu_begin = std::clock();
        pairs = engine::pair_elements(
                    {positions, one_each, positions, one_each, true, sigma_um, {.seed = 1, .update = update}}, team)
                    .size();
        cpu_s.push_back(static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC);
        wall_s.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    fmt::print("{{\"neurons\": {}, \"threads\": {}, \"wall_s\": {:.6f}, \"cpu_s\": {:.6f}, \"pairs\": {}, "
               "\"box_um\": {:.1f}}}\n",
               neurons, team.size(), median(wall_s), median(cpu_s), pairs, box_um);
}

} // namespace

int main(int argc, char** argv) try {
    if (argc < 4) throw std::invalid_argument("usage: benchmark_synaptogenesis THREADS BOX_UM NEURONS...");
    engine::Team team(std::stoi(argv[1]));
    const double box_um = std::stod(argv[2]);
    if (!(box_um >= 0)) throw std::invalid_argument(fmt::format("BOX_UM = {}: must be 0 or more", argv[2]));
    for (int i = 3; i < argc; ++i) measure(static_cast<std::uint32_t>(std::stoul(argv[i])), box_um, team);
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "benchmark_synaptogenesis: {}\n", error.what());
    return 2;
}
