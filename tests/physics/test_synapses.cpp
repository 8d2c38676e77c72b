// Receptor kinetics, NMDA saturation and short-term plasticity against closed forms.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "experiment/experiment.hpp"
#include "synapse/receptor_state.hpp"
#include "synapse/short_term.hpp"

using namespace rewire;
using namespace rewire::synapse;

namespace {

Receptor receptor(double rise_ms, double decay_ms) {
    Receptor r = default_receptor("ampa");
    r.tau_rise_ms = rise_ms;
    r.tau_decay_ms = decay_ms;
    return r;
}

/// Conductance after each step, and the sum of the mid-step conductances times dt.
struct Event {
    std::vector<double> g_nS;
    double charge_nS_ms = 0;
};

Event single_event(const Receptor& parameters, double weight_nS, double dt_ms, double duration_ms) {
    ReceptorState state = make_receptor_state(parameters, 1, dt_ms);
    auto input = static_cast<float>(weight_nS);
    Event event;
    for (int k = 0; k < std::lround(duration_ms / dt_ms); ++k) {
        float middle = 0;
        step_receptor(state, 0, 1, &input, &middle);
        event.g_nS.push_back(conductance_nS(state, 0));
        event.charge_nS_ms += dt_ms * static_cast<double>(middle);
    }
    return event;
}

double double_exponential(double t, double rise, double decay) { return std::exp(-t / decay) - std::exp(-t / rise); }

/// Time of the peak of exp(-t/decay) - exp(-t/rise), by bisection of its derivative.
double peak_time(double rise, double decay) {
    double low = 0, high = 10 * decay;
    for (int k = 0; k < 200; ++k) {
        const double t = 0.5 * (low + high);
        (std::exp(-t / rise) / rise > std::exp(-t / decay) / decay ? low : high) = t;
    }
    return 0.5 * (low + high);
}

} // namespace

TEST_CASE("a single event decays exponentially", "[unit][synapse]") {
    // g(t) = w exp(-t/tau). Float decay factors: 6e-8 a half step, so 1e-4 relative after 400 of them is
    // generous.
    const double tau_ms = GENERATE(2.0, 10.0);
    const Event event = single_event(receptor(0, tau_ms), 3, 0.1, 20);
    for (std::size_t k = 0; k < event.g_nS.size(); ++k)
        REQUIRE(event.g_nS[k] == Approx(3 * std::exp(-0.1 * static_cast<double>(k + 1) / tau_ms)).epsilon(1e-4));
}

TEST_CASE("a single event with rise peaks at its weight", "[unit][synapse]") {
    // Shape: w (exp(-t/decay) - exp(-t/rise)) over its peak value, the peak found by bisection here. 1e-4 as
    // above; the largest sample lies below the true peak by the curvature times (dt/2)^2, 1e-3 at most.
    const auto [rise, decay] = GENERATE(std::pair(2.0, 100.0), std::pair(0.5, 6.0), std::pair(1.9, 2.0));
    const double top = double_exponential(peak_time(rise, decay), rise, decay);
    CHECK(peak_normalisation(rise, decay) == Approx(1 / top).epsilon(1e-9));
    const Event event = single_event(receptor(rise, decay), 4, 0.1, 30);
    for (std::size_t k = 0; k < event.g_nS.size(); ++k)
        REQUIRE(event.g_nS[k] == Approx(4 / top * double_exponential(0.1 * static_cast<double>(k + 1), rise, decay))
                                     .epsilon(1e-4)
                                     .margin(1e-4));
    CHECK(*std::max_element(event.g_nS.begin(), event.g_nS.end()) == Approx(4).epsilon(1e-3));
}

TEST_CASE("the charge of an event is the analytic integral", "[unit][synapse]") {
    // w tau, and w (decay - rise)/top with rise. The membrane sums mid-step values, whose error is dt^2/(24
    // tau^2) of each exponential: 1e-4 for 2 ms, 1.7e-3 for a rise of 0.5 ms.
    CHECK(single_event(receptor(0, 2), 3, 0.1, 60).charge_nS_ms == Approx(3 * 2.0).epsilon(3e-4));
    CHECK(single_event(receptor(0, 6), 3, 0.1, 150).charge_nS_ms == Approx(3 * 6.0).epsilon(3e-4));
    const auto [rise, decay] = GENERATE(std::pair(2.0, 100.0), std::pair(0.5, 6.0));
    const double top = double_exponential(peak_time(rise, decay), rise, decay);
    CHECK(single_event(receptor(rise, decay), 3, 0.1, 20 * decay).charge_nS_ms ==
          Approx(3 * (decay - rise) / top).epsilon(1e-3));
}

TEST_CASE("GABA_B has the peak and the decay of its G-protein cascade", "[synapse]") {
    // The cascade of Destexhe 1996 (0.5 mM of GABA for 0.3 ms), in closed form: R is R0 exp(-K2 t) after the pulse, so
    // G is the difference of two exponentials and g its fourth power (G^4 of a single spike is 1e-3 beside the 100).
    const double k2 = 0.0013, k4 = 0.033;
    const auto cascade = [&](double t_ms) { return std::pow(std::exp(-k2 * t_ms) - std::exp(-k4 * t_ms), 4); };
    const double cascade_peak_ms = std::log(k4 / k2) / (k4 - k2), top = cascade(cascade_peak_ms);
    const Receptor gaba_b = default_receptor("gaba_b");
    const Event event = single_event(gaba_b, 2, 0.1, 3000);
    const auto peak = std::max_element(event.g_nS.begin(), event.g_nS.end());
    CHECK(*peak == Approx(2).epsilon(1e-3));
    CHECK(0.1 * static_cast<double>(peak - event.g_nS.begin() + 1) == Approx(cascade_peak_ms).epsilon(0.01));
    const auto g = [&](double t_ms) { return event.g_nS[static_cast<std::size_t>(std::lround(t_ms / 0.1)) - 1]; };
    // 1 %: the rise has died down to exp(-500/60.6) = 3e-4.
    CHECK(g(800) / g(500) == Approx(cascade(800) / cascade(500)).epsilon(0.01));
    // What a difference of exponentials cannot: the sigmoid onset, under half of the peak at most; the charge is 17 %
    // above that of the cascade of the same peak.
    double largest = 0, charge = 0;
    for (std::size_t k = 0; k < event.g_nS.size(); ++k) {
        const double expected = cascade(0.1 * static_cast<double>(k + 1)) / top;
        largest = std::max(largest, std::abs(event.g_nS[k] / 2 - expected));
        charge += 0.1 * expected;
    }
    CHECK(largest < 0.4);
    CHECK(event.charge_nS_ms / 2 / charge == Approx(1.17).epsilon(0.02));
    // The step itself against its closed form, as for the other receptors; 1e-4: float factors over 3,000 ms.
    const double norm = peak_normalisation(gaba_b.tau_rise_ms, gaba_b.tau_decay_ms);
    for (const double t : {1.0, 10.0, 102.0, 400.0, 1500.0})
        CHECK(g(t) == Approx(2 * norm * double_exponential(t, 60.6, 192)).epsilon(1e-3));
}

TEST_CASE("the mid-step conductance is that of mid-step", "[unit][synapse]") {
    // The second order of the membranes rests on it.
    ReceptorState state = make_receptor_state(receptor(0.5, 6), 1, 0.1);
    float input = 2;
    const double top = double_exponential(peak_time(0.5, 6), 0.5, 6);
    for (int k = 0; k < 100; ++k) {
        float middle = 0;
        step_receptor(state, 0, 1, &input, &middle);
        REQUIRE(middle == Approx(2 / top * double_exponential((k + 0.5) * 0.1, 0.5, 6)).epsilon(1e-4).margin(1e-5));
    }
}

TEST_CASE("events superpose and the input is consumed", "[unit][synapse]") {
    // Linear kinetics: two events are the sum of single ones, and neurons do not mix.
    ReceptorState state = make_receptor_state(receptor(2, 100), 3, 0.1);
    const double top = double_exponential(peak_time(2, 100), 2, 100);
    std::vector<float> middle(3), input(3);
    for (int k = 0; k < 200; ++k) {
        if (k == 0) input[1] = 1;
        if (k == 50) input[1] += 2, input[2] = 5;
        step_receptor(state, 0, 3, input.data(), middle.data());
        CHECK(input[1] == 0);
    }
    CHECK(conductance_nS(state, 0) == 0);
    CHECK(conductance_nS(state, 1) ==
          Approx((double_exponential(20, 2, 100) + 2 * double_exponential(15, 2, 100)) / top).epsilon(1e-4));
    CHECK(conductance_nS(state, 2) == Approx(5 * double_exponential(15, 2, 100) / top).epsilon(1e-4));
}

TEST_CASE("NMDA gating saturates at the fixed point of a regular train", "[synapse]") {
    // s <- s e + alpha r (1 - s e) with e = exp(-D/tau) has the fixed point s = alpha r / (1 - (1 - alpha r)
    // e), approached geometrically with the ratio (1 - alpha r) e. Float rounding: 1e-6.
    const double rate_Hz = GENERATE(1.0, 10.0, 100.0, 400.0);
    const double amount = GENERATE(1.0, 0.3);
    const double alpha = 0.5, interval_ms = 1000 / rate_Hz, e = std::exp(-interval_ms / 100);
    const double fixed = alpha * amount / (1 - (1 - alpha * amount) * e);
    ReleaseState state;
    float increment = 0;
    for (int n = 0; n < 200; ++n) {
        increment = nmda_increment(state, n == 0 ? 1e12 : interval_ms, alpha, 100, static_cast<float>(amount));
        REQUIRE(state.nmda_gating == Approx(fixed * (1 - std::pow((1 - alpha * amount) * e, n + 1))).epsilon(1e-5));
        REQUIRE(state.nmda_gating < 1);
    }
    // At the fixed point an increment replaces what has decayed.
    CHECK(increment == Approx(state.nmda_gating * (1 - e)).epsilon(1e-4));
}

TEST_CASE("a receptor fed by increments carries the saturating gating", "[synapse]") {
    // The sum that the receptor keeps of one source's increments must be s itself (decay only, weight 1): the
    // equivalence on which sending increments rests. 1,000 float steps: 1e-3.
    ReceptorState gate = make_receptor_state(receptor(0, 100), 1, 0.1);
    ReleaseState state;
    float input = 0;
    for (int k = 0; k < 1000; ++k) {
        if (k % 70 == 0) input = nmda_increment(state, k == 0 ? 1e12 : 7.0, 0.5, 100, 1);
        float middle = 0;
        step_receptor(gate, 0, 1, &input, &middle);
    }
    // Last spike at step 980, 20 steps before the end.
    CHECK(conductance_nS(gate, 0) == Approx(state.nmda_gating * std::exp(-2.0 / 100)).epsilon(1e-3));
    const double e = std::exp(-7.0 / 100);
    CHECK(state.nmda_gating == Approx(0.5 / (1 - 0.5 * e)).epsilon(1e-4));
}

TEST_CASE("depression has its closed-form steady state", "[synapse]") {
    // Without facilitation u = U; resources before a spike x = (1 - e)/(1 - (1 - U) e), e = exp(-D/tau_rec):
    // release U x. First release U, second U (1 - U e). Float rounding: 1e-5.
    const double big_u = GENERATE(0.2, 0.5, 0.9), rate_Hz = GENERATE(2.0, 20.0, 100.0);
    const ShortTerm p{.release_probability = big_u, .tau_recovery_ms = 500, .tau_facilitation_ms = 0};
    const double interval_ms = 1000 / rate_Hz, e = std::exp(-interval_ms / 500);
    ReleaseState state;
    std::vector<double> released;
    for (int n = 0; n < 400; ++n) released.push_back(release(state, p, 1000 + n * interval_ms, 1));
    CHECK(released[0] == Approx(big_u).epsilon(1e-5));
    CHECK(released[1] == Approx(big_u * (1 - big_u * e)).epsilon(1e-5));
    CHECK(released[2] == Approx(big_u * (1 - e + e * (1 - big_u) * (1 - big_u * e))).epsilon(1e-5));
    CHECK(released.back() == Approx(big_u * (1 - e) / (1 - (1 - big_u) * e)).epsilon(1e-5));
}

TEST_CASE("facilitation has its closed-form steady state", "[synapse]") {
    // u = U/(1 - (1 - U) e_f), x = (1 - e_r)/(1 - (1 - u) e_r), release u x (Tsodyks, Pawelzik & Markram
    // 1998). First release U; second (U + U (1-U) e_f)(1 - U e_r).
    const double rate_Hz = GENERATE(2.0, 20.0, 50.0);
    const ShortTerm p{.release_probability = 0.08, .tau_recovery_ms = 130, .tau_facilitation_ms = 600};
    const double interval_ms = 1000 / rate_Hz, ef = std::exp(-interval_ms / 600), er = std::exp(-interval_ms / 130);
    ReleaseState state;
    std::vector<double> released;
    for (int n = 0; n < 400; ++n) released.push_back(release(state, p, n * interval_ms, 1));
    CHECK(released[0] == Approx(0.08).epsilon(1e-5));
    CHECK(released[1] == Approx((0.08 + 0.08 * 0.92 * ef) * (1 - 0.08 * er)).epsilon(1e-5));
    CHECK(released[1] > released[0]); // it facilitates
    const double u = 0.08 / (1 - 0.92 * ef), x = (1 - er) / (1 - (1 - u) * er);
    CHECK(released.back() == Approx(u * x).epsilon(1e-5));
}

TEST_CASE("release conserves resources", "[synapse]") {
    // Over a cycle of the steady state what is released is what recovers: r = (1 - x_after)(1 - e_r), x_after
    // being the resources after the spike: a balance, not the recursion. Long rest restores everything.
    const ShortTerm p{.release_probability = 0.5, .tau_recovery_ms = 800, .tau_facilitation_ms = 50};
    ReleaseState state;
    float released = 0;
    for (int n = 0; n < 300; ++n) released = release(state, p, n * 25.0, 1);
    CHECK(released == Approx((1 - state.resources) * (1 - std::exp(-25 / 800.0))).epsilon(1e-4));
    CHECK(release(state, p, 1e7, 1) == Approx(0.5).epsilon(1e-6));
}

TEST_CASE("presynaptic inhibition scales the release probability and no more than saturates it", "[synapse]") {
    const ShortTerm p{.release_probability = 0.5, .tau_recovery_ms = 500, .tau_facilitation_ms = 0};
    ReleaseState a, b;
    CHECK(release(a, p, 0, 0.6f) == Approx(0.3).epsilon(1e-6));
    CHECK(release(b, p, 0, 5) == 1);                         // a probability stays one
    CHECK(release(b, p, 1e-9, 1) == Approx(0).margin(1e-6)); // nothing is left
}

TEST_CASE("defaults of the kinds are the published ones", "[unit][synapse]") {
    // Lam 2022, section 2 of the model: AMPA 2 ms, NMDA 2 and 100 ms, GABA_A at -70 mV.
    CHECK(default_receptor("ampa").tau_decay_ms == 2);
    CHECK(default_receptor("nmda").tau_rise_ms == 2);
    CHECK(default_receptor("nmda").tau_decay_ms == 100);
    CHECK(default_receptor("gaba_a").reversal_mV == -70);
    for (const char* kind : {"ampa", "nmda", "gaba_a", "gaba_b", "current"}) CHECK(default_receptor(kind).kind == kind);
    CHECK(kind_of(default_receptor("nmda")) == ReceptorKind::nmda);
    CHECK(kind_of(default_receptor("gaba_b")) == ReceptorKind::gaba_b);
    CHECK(default_receptor("gaba_b").reversal_mV == -95); // Destexhe 1996
    const ReceptorState nmda = make_receptor_state(default_receptor("nmda"), 4, 0.1);
    CHECK(nmda.gain_ab[3] + nmda.gain_cd[3] == Approx(1)); // unblocked: all of the current
}

TEST_CASE("subunit shares are shares of the current at -66 mV in 1 mM Mg", "[synapse]") {
    // By hand: exp(0.062 x 66) = 59.859, so B = 1/(1 + 59.859/3.57) = 0.056283 for 2A/2B and 1/(1 + 59.859/17.85) =
    // 0.229702 for 2C/2D: channels of the latter carry 4.0812 times the current. Equal shares of the current then
    // are 0.25 x 4.0812 : 0.25 of the conductance.
    Receptor mix = default_receptor("nmda");
    mix.share_2a = mix.share_2b = mix.share_2c = mix.share_2d = 0.25;
    const PerSubunit g = conductance_shares(mix);
    for (const std::size_t s : {0, 1}) CHECK(g[s] == Approx(0.5 * 4.0812 / 5.0812).epsilon(1e-4));
    for (const std::size_t s : {2, 3}) CHECK(g[s] == Approx(0.5 / 5.0812).epsilon(1e-4));
    // The current that the integrator makes of them, in the Mg of the reference and without.
    const double ab = (g[0] + g[1]) * mg_unblocked(-66, 1), cd = (g[2] + g[3]) * mg_unblocked(-66, 1, 5 * 3.57);
    CHECK(ab / (ab + cd) == Approx(0.5).epsilon(1e-12));
    for (std::size_t s = 0; s < 4; ++s) {
        CHECK(current_shares(mix, 1)[s] == Approx(0.25).epsilon(1e-12));
        CHECK(current_shares(mix, 0)[s] == Approx(g[s]).epsilon(1e-12));
    }
    // Of one class there is nothing to convert.
    mix.share_2a = 0.2, mix.share_2b = 0.8, mix.share_2c = mix.share_2d = 0;
    CHECK(conductance_shares(mix) == PerSubunit{0.2, 0.8, 0, 0});
}

TEST_CASE("the decay of a mix is the weighted mean of its subunits'", "[synapse]") {
    Receptor mix = default_receptor("nmda");
    mix.share_2a = 0.2, mix.share_2b = 0.8;
    CHECK(decay_of_mix_ms(mix) == Approx(0.2 * 50 + 0.8 * 300));
    // The charge of an event is that of the sum of exponentials, here summed as such.
    double charge = 0;
    for (double t = 0.5; t < 20000; t += 1)
        charge += mix.share_2a * std::exp(-t / mix.tau_2a_ms) + mix.share_2b * std::exp(-t / mix.tau_2b_ms);
    CHECK(decay_of_mix_ms(mix) == Approx(charge).epsilon(1e-4));
    // Published order and range of the ratio 2B/2A: 4 to 9 (Vicini 1998, Monyer 1994).
    mix.share_2a = 1, mix.share_2b = 0;
    const double pure_2a = decay_of_mix_ms(mix);
    mix.share_2a = 0, mix.share_2b = 1;
    CHECK(decay_of_mix_ms(mix) / pure_2a > 4);
    CHECK(decay_of_mix_ms(mix) / pure_2a < 9);
}

TEST_CASE("a config with subunit_decay gets the decay of its mix", "[synapse]") {
    // By hand: 0.2 x 50 ms + 0.8 x 300 ms = 250 ms; without the switch the default of 100 ms.
    const auto decay_ms = [](const std::string& more) {
        const engine::Model model =
            experiment::read_experiment(
                experiment::parse_config("[experiment]\nduration = '1 s'\n[population.e]\nsize = 1\n"
                                         "receptor.nmda = { share_2a = 0.2, share_2b = 0.8" +
                                             more + " }\n",
                                         "t.toml"))
                .model;
        for (const Receptor& r : model.populations[0].receptors)
            if (r.kind == "nmda") return r.tau_decay_ms;
        return -1.0;
    };
    CHECK(decay_ms(", subunit_decay = true") == Approx(250));
    CHECK(decay_ms(", subunit_decay = true, tau_2b = '400 ms'") == Approx(330));
    CHECK(decay_ms("") == 100);
}
