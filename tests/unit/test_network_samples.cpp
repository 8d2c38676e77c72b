// What a network tells the slow part and the recorder: drives, counts, activity, LFP.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/slow_inputs.hpp"
#include "unit/small_networks.hpp"

using namespace rewire;
using namespace rewire::engine;
using namespace rewire::engine::small_networks;

TEST_CASE("spike lists, counts, activity and calcium tell the same story", "[engine]") {
    FastNetwork net = mixed_network(3);
    net.advance(0, 1000);
    const Result r = result(net);
    for (std::size_t p = 0; p < 3; ++p) {
        CHECK(std::is_sorted(r.spikes[p].begin(), r.spikes[p].end()));
        std::vector<std::uint32_t> counts(net.populations[p].size(), 0);
        std::vector<double> calcium(counts.size(), 0);
        std::vector<std::uint32_t> windows(50, 0);
        for (const auto& [step, neuron] : r.spikes[p]) {
            ++counts[neuron];
            // beta e^(-t/tau) with beta 0.001 and tau 10 s from the spike's time (step + 1) dt to the end at
            // 100 ms.
            calcium[neuron] += 0.001 * std::exp(-(100 - 0.1 * static_cast<double>(step + 1)) / 10000);
            ++windows[static_cast<std::size_t>(step / 20)];
        }
        CHECK(counts == r.counts[2 * p]);
        for (std::size_t i = 0; i < calcium.size(); ++i) REQUIRE(r.calcium[p][i] == Approx(calcium[i]).epsilon(1e-5));
        for (std::size_t k = 0; k < 50; ++k) REQUIRE(r.activity.spike_counts[k * 3 + p] == windows[k]);
    }
}

TEST_CASE("drives are the averages that they claim", "[engine]") {
    // At a fixed potential every sample is the same: the L-type activation 1/(1 + exp(-(V+20)/7)), and the
    // exchange and 1/IC50 of drug/channel_block.hpp in double, which has tests of its own. The membrane is at
    // rest at -60 mV.
    network::Population p{
        .name = "p", .size = 130, .model = neuron::LifConductance{}, .initial_mV = network::Distribution{.mean = -60}};
    FastOptions options;
    options.threads = 2;
    options.drives.blockers = {drug::ketamine()};
    FastNetwork net(options, {p}, {}, {}, {}, {});
    net.ambient_open = {0.05f};
    sample_everything(net);
    net.advance(0, 1000);
    const Drives& d = net.populations[0].drives;
    REQUIRE(d.samples == 100); // every 10 steps
    const auto check = [&](double sum, double expected) { CHECK(sum / 100 == Approx(expected).epsilon(1e-4)); };
    check(static_cast<double>(d.l_type[129]), 1 / (1 + std::exp(40 / 7.0)));
    for (std::size_t pool = 0; pool < 2; ++pool)
        for (const SubunitSums& subunit : d.pools[pool]) {
            const double half_mM = subunit.subunit == drug::n2a ? 3.57 : 5 * 3.57;
            const double open =
                pool == synaptic ? 0 : static_cast<double>(0.05f) / (1 + std::exp(0.062 * 60) / half_mM);
            const double rate = drug::exchange_rate_per_s(drug::ketamine(), open);
            const double inverse = 1 / drug::ic50_uM(drug::ketamine(), subunit.subunit, -60, 1);
            check(static_cast<double>(subunit.exchange[0][129]), rate);
            check(static_cast<double>(subunit.blockers[0].over_ic50[129]), inverse);
            check(static_cast<double>(subunit.blockers[0].exchange_over_ic50[129]), rate * inverse);
        }
}

TEST_CASE("L-type drive counts each spike as open time, AMPA drive what the gain leaves", "[engine]") {
    // Relays that fire 20 times in 0.2 s beside silent ones, all at -60 mV whenever a sample is taken (every 1 ms; the
    // pulse that lifts them is gone by then): the mean drive is that of the potential plus 3 ms for each of the mean
    // 100 Hz x 1/4. A conductance of 2 nS that hardly decays, through a gain of 1/4: 0.5 nS on one of four neurons.
    network::Population quiet = listener(4);
    quiet.receptors[0].tau_decay_ms = 1e7;
    std::vector<double> times_s;
    for (int n = 0; n < 20; ++n) times_s.push_back(0.0005 + 0.01 * n);
    Stimulus held{.kind = "spikes", .population = 1, .weight = 2, .times_s = {0.0}, .neurons = {3}};
    FastNetwork net(FastOptions{}, {relay(4), quiet}, {}, {},
                    {fire_at(times_s, std::vector<std::uint32_t>(20, 2)), held}, {});
    for (FastPopulation& population : net.populations) {
        population.drives.sampled = true;
        population.drives.l_type.assign(4, 0);
        population.drives.ampa_nS.assign(4, 0);
    }
    net.populations[1].receptors[0].gain.assign(4, 0.25f);
    Model model;
    model.regions.clear();
    net.advance(0, 2000);
    REQUIRE(net.populations[0].drives.spikes[2] == 20);
    const SlowInputs inputs = gather(net, model, 0.2);
    CHECK(inputs.populations[0].rate_Hz[2] == Approx(100));
    CHECK(inputs.populations[0].l_type == Approx(1 / (1 + std::exp(40 / 7.0)) + 25 * 3e-3).epsilon(1e-4));
    CHECK(inputs.populations[1].ampa_nS == Approx(0.5 / 4).epsilon(1e-4));
}

TEST_CASE("the LFP proxy is the mean absolute synaptic current", "[engine]") {
    // One event of 3 nS AMPA on one of 100 clamped neurons: |g (V - 0)| / 100 at the sample, 1 ms later.
    network::Population p{.name = "p",
                          .size = 100,
                          .model = neuron::LifConductance{.capacitance_pF = 1e9},
                          .receptors = {ampa()},
                          .initial_mV = network::Distribution{.mean = -60}};
    FastOptions options;
    options.activity_every_steps = 10;
    FastNetwork net(options, {p}, {}, {}, {{.kind = "spikes", .weight = 3, .times_s = {0.0}, .neurons = {70}}}, {});
    net.populations[0].in_lfp = true;
    net.advance(0, 20);
    const ActivitySamples activity = net.take_activity();
    REQUIRE(activity.lfp_pA.size() == 2);
    CHECK(activity.lfp_pA[0] == Approx(3 * std::exp(-0.5) * 60 / 100).epsilon(1e-4));
    CHECK(activity.lfp_pA[1] == Approx(3 * std::exp(-1.0) * 60 / 100).epsilon(1e-4));
}
