// The extracellular glutamate pool against conservation, closed forms and an independent integration.
#include <catch2/catch.hpp>

#include <array>
#include <cmath>

#include <boost/numeric/odeint.hpp>

#include "glutamate/extracellular.hpp"
#include "random/stream.hpp"

using namespace rewire;
using namespace rewire::glutamate;

namespace {

constexpr double healthy_rate = 1e5; // events per second

/// The closed-form steady state Km a/(Vmax E2 - a) for an input that is `factor` times the healthy release.
double steady_uM(const GlutamateParameters& p, double factor, double eaat2) {
    const double healthy_input = p.uptake_vmax_uM_per_s * p.ambient_uM / (p.uptake_half_uM + p.ambient_uM);
    const double a = healthy_input * (1 + p.evoked_share * (factor - 1));
    return p.uptake_half_uM * a / (p.uptake_vmax_uM_per_s * eaat2 - a);
}

/// Q and G by Dormand & Prince 5(4) at 1e-11, with the spill written as a concentration.
struct Reference {
    using Two = std::array<double, 2>;
    GlutamateParameters p;
    ExtracellularPool constants;
    Two y; ///< zmol in clefts, uM outside

    explicit Reference(const ExtracellularPool& pool)
        : p(pool.parameters),
          constants(pool),
          y{pool.cleft_zmol, concentration_uM(pool)} {}
    void advance(double rate, double eaat2, double duration_s) {
        const double q = 1e3 * p.cleft_peak_mM * p.cleft_volume_fL, tau_s = 1e-3 * p.cleft_decay_ms;
        const auto slope = [&](const Two& v, Two& d, double) {
            d[0] = q * rate - v[0] / tau_s;
            d[1] = (p.spill_fraction * v[0] / tau_s + constants.leak_zmol_per_s) / constants.volume_fL -
                   p.uptake_vmax_uM_per_s * eaat2 * v[1] / (p.uptake_half_uM + v[1]);
        };
        namespace odeint = boost::numeric::odeint;
        odeint::integrate_adaptive(odeint::make_controlled<odeint::runge_kutta_dopri5<Two>>(1e-11, 1e-11), slope, y,
                                   0.0, duration_s, 1e-5);
    }
};

} // namespace

TEST_CASE("glutamate is conserved", "[glutamate]") {
    // Each outflow is integrated from its own rate, so the books close only if the method is right. 1e-11 of
    // what went through: some 1e5 additions of rounding 1e-16.
    ExtracellularPool pool = make_pool({}, healthy_rate);
    const double cleft_at_start = pool.cleft_zmol, outside_at_start = pool.extracellular_zmol;
    RandomStream random(11, Purpose::stimulus, 0);
    for (int n = 0; n < 300; ++n) {
        const double rate = n % 7 == 0 ? 0.0 : healthy_rate * 3 * random.uniform();
        const double eaat2 = 0.3 + random.uniform();
        const double duration_s = n % 50 == 49 ? 6 * 3600.0 : std::pow(10.0, 4 * random.uniform() - 3);
        advance(pool, rate, eaat2, duration_s);

        const double through = pool.released_zmol + pool.leaked_zmol;
        const double stored = pool.cleft_zmol - cleft_at_start + pool.extracellular_zmol - outside_at_start;
        CHECK(std::abs(through - stored - pool.taken_up_at_synapse_zmol - pool.taken_up_zmol) < 1e-11 * through);
    }
    CHECK(pool.released_zmol > 1e9); // it did run
}

TEST_CASE("the extracellular level agrees with an independent integration", "[glutamate]") {
    // Truth: Dormand-Prince at 1e-11, through a thousandfold volley that saturates uptake (G above 30 uM, Km
    // 20), silence and loss of EAAT2, sampled during and after the transients. Tolerance: errors of 1e-5 of
    // the store per step over some hundred steps of a transient, mostly cancelling and damped: 1e-3; a
    // tighter tolerance is second order in the step, so 100 times less allowed error is 100 times less error,
    // of which 30 are asked for.
    struct Phase {
        double factor, eaat2, duration_s;
    };
    const std::array<Phase, 7> phases{
        {{1.5, 1, 0.002}, {1.5, 1, 0.5}, {1000, 1, 0.05}, {0, 1, 0.005}, {0, 1, 0.03}, {2, 0.5, 0.01}, {2, 0.5, 1}}};
    const auto worst = [&](double tolerance) {
        ExtracellularPool pool = make_pool({}, healthy_rate);
        Reference truth(pool);
        double error = 0;
        for (const Phase& f : phases) {
            advance(pool, f.factor * healthy_rate, f.eaat2, f.duration_s, tolerance);
            truth.advance(f.factor * healthy_rate, f.eaat2, f.duration_s);
            error = std::max(error, std::abs(concentration_uM(pool) / truth.y[1] - 1));
        }
        return error;
    };
    CHECK(worst(1e-5) < 1e-3);
    CHECK(worst(1e-7) < worst(1e-5) / 30);
}

TEST_CASE("one leap of glutamate equals many ticks", "[glutamate]") {
    // With the inputs held both follow one solution: the totals agree to the tolerance of the steps.
    ExtracellularPool leap = make_pool({}, healthy_rate), ticks = leap;
    advance(leap, 1.7 * healthy_rate, 0.8, 600);
    for (int n = 0; n < 6000; ++n) advance(ticks, 1.7 * healthy_rate, 0.8, 0.1);
    CHECK(concentration_uM(leap) == Approx(concentration_uM(ticks)).epsilon(1e-9));
    CHECK(leap.taken_up_zmol == Approx(ticks.taken_up_zmol).epsilon(1e-6));
    CHECK(leap.mglur_release_factor == Approx(ticks.mglur_release_factor).epsilon(1e-9));
}

TEST_CASE("the steady extracellular level is the closed form", "[glutamate]") {
    // G = Km a/(Vmax E2 - a). At rest the tolerance is the controller's.
    const GlutamateParameters p;
    for (const double factor : {0.0, 0.5, 1.6, 40.0})
        for (const double eaat2 : {0.6, 1.0, 1.2}) {
            ExtracellularPool pool = make_pool(p, healthy_rate);
            advance(pool, factor * healthy_rate, eaat2, 10);
            CHECK(concentration_uM(pool) == Approx(steady_uM(p, factor, eaat2)).epsilon(1e-6));
        }
}

TEST_CASE("loss of EAAT2 raises the level in inverse proportion", "[glutamate]") {
    // Far below Km uptake is linear, so G goes with 1/E2; the correction is G/Km, 0.2 %.
    GlutamateParameters p;
    ExtracellularPool pool = make_pool(p, healthy_rate);
    advance(pool, healthy_rate, 0.6, 10);
    CHECK(concentration_uM(pool) == Approx(p.ambient_uM / 0.6).epsilon(0.002));
    p.eaat2 = 0.6; // the same as a parameter
    ExtracellularPool other = make_pool(p, healthy_rate);
    advance(other, healthy_rate, 1, 10);
    CHECK(concentration_uM(other) == Approx(concentration_uM(pool)).epsilon(1e-12));
    // Without any uptake all input stays.
    const double before = other.extracellular_zmol, taken_before = other.taken_up_zmol;
    advance(other, healthy_rate, 0, 10);
    const double input =
        10 * (other.leak_zmol_per_s + p.spill_fraction * 1e3 * p.cleft_peak_mM * p.cleft_volume_fL * healthy_rate);
    CHECK(other.extracellular_zmol - before == Approx(input).epsilon(1e-9));
    CHECK(other.taken_up_zmol == taken_before);
}

TEST_CASE("a small disturbance relaxes with the uptake time", "[glutamate]") {
    // Linearised: tau = (Km + G)^2/(Vmax Km), 8 ms; a disturbance of 1 % leaves a curvature of 1e-5.
    const GlutamateParameters p;
    const double sum = p.uptake_half_uM + p.ambient_uM;
    const double tau_s = sum * sum / (p.uptake_vmax_uM_per_s * p.uptake_half_uM);
    CHECK(tau_s > 0.005);
    CHECK(tau_s < 0.010);
    ExtracellularPool pool = make_pool(p, healthy_rate);
    pool.extracellular_zmol *= 1.01;
    advance(pool, healthy_rate, 1, tau_s, 1e-8);
    CHECK((concentration_uM(pool) / p.ambient_uM - 1) / 0.01 == Approx(std::exp(-1)).epsilon(1e-3));
}

TEST_CASE("clefts empty and fill exponentially", "[glutamate]") {
    // dQ/dt = q r - Q/tau: Q = Q0 e^(-t/tau) after the last event, q r tau (1 - e^(-t/tau)) from empty.
    const GlutamateParameters p;
    const double tau_s = 1e-3 * p.cleft_decay_ms;
    const double full = 1e3 * p.cleft_peak_mM * p.cleft_volume_fL * healthy_rate * tau_s;
    ExtracellularPool pool = make_pool(p, healthy_rate);
    CHECK(pool.cleft_zmol == Approx(full).epsilon(1e-12));
    advance(pool, 0, 1, 2 * tau_s);
    CHECK(pool.cleft_zmol == Approx(full * std::exp(-2)).epsilon(1e-3));
    pool.cleft_zmol = 0;
    advance(pool, healthy_rate, 1, tau_s);
    CHECK(pool.cleft_zmol == Approx(full * (1 - std::exp(-1))).epsilon(1e-3));
}

TEST_CASE("presynaptic mGluR2/3 follow the level with their time constant", "[glutamate]") {
    // After a step of release the level settles in 50 ms; the factor then approaches its new steady value as
    // exp(-t/tau). The settling shifts the start by about 10 ms of 2 s: 1 %.
    const GlutamateParameters p;
    ExtracellularPool pool = make_pool(p, healthy_rate);
    advance(pool, 3 * healthy_rate, 1, p.mglur_tau_s);
    const double steady = mglur_steady_factor(p, steady_uM(p, 3, 1));
    CHECK(steady < 1);
    CHECK((pool.mglur_release_factor - steady) / (1 - steady) == Approx(std::exp(-1)).epsilon(0.01));
}
