// The extracellular glutamate pool: its fixed point, its receptors, its description, its errors.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <stdexcept>
#include <vector>

#include "glutamate/extracellular.hpp"

using namespace rewire;
using namespace rewire::glutamate;

TEST_CASE("a healthy pool stays at the ambient level", "[glutamate]") {
    // By derivation of volume and leak; rounding of the fluxes is all that may move it.
    const GlutamateParameters p;
    for (const double rate : {0.0, 3.0, 1e5, 1e9})
        for (const double duration_s : {1e-4, 0.1, 3600.0, 1e6}) {
            ExtracellularPool pool = make_pool(p, rate);
            advance(pool, rate, 1, duration_s);
            CHECK(concentration_uM(pool) == Approx(p.ambient_uM).epsilon(1e-12));
            CHECK(pool.mglur_release_factor == Approx(1).epsilon(1e-12));
        }
}

TEST_CASE("release supplies the stated share of the healthy input", "[glutamate]") {
    GlutamateParameters p;
    p.evoked_share = 0.35;
    ExtracellularPool pool = make_pool(p, 2e4);
    advance(pool, 2e4, 1, 100);
    const double spilled = pool.released_zmol * p.spill_fraction;
    CHECK(spilled / (spilled + pool.leaked_zmol) == Approx(0.35).epsilon(1e-12));
    // Avogadro's number: 1.1 mM in 0.002 fL are 1325 molecules an event.
    CHECK(pool.released_zmol * 1e-21 * 6.02214076e23 / (2e4 * 100) == Approx(1324.87).epsilon(1e-5));
}

TEST_CASE("receptors of extracellular glutamate are 1 at the ambient level", "[glutamate]") {
    const GlutamateParameters p;
    CHECK(extrasynaptic_gating(p, p.ambient_uM) == 1);
    CHECK(extrasynaptic_gating(p, 0) == 0);
    // Far below the EC50 a Hill function is a power law: twice the level gives 2^n, to the 2 % that the next
    // term is.
    CHECK(extrasynaptic_gating(p, 2 * p.ambient_uM) == Approx(std::pow(2, p.nmda_exponent)).epsilon(0.02));
    CHECK(extrasynaptic_open_fraction(p, p.nmda_half_uM) == Approx(0.5).epsilon(1e-12));
    // At the EC50 half of the receptors are open, in excess all.
    CHECK(extrasynaptic_gating(p, 1e9) == Approx(2 * extrasynaptic_gating(p, p.nmda_half_uM)).epsilon(1e-6));

    CHECK(mglur_steady_factor(p, p.ambient_uM) == 1);
    CHECK(mglur_steady_factor(p, 0.1) < 1);
    CHECK(mglur_steady_factor(p, 0) > 1);
    // In excess the release probability is (1-i) of that without glutamate.
    CHECK(mglur_steady_factor(p, 1e9) == Approx((1 - p.mglur_inhibition) * mglur_steady_factor(p, 0)).epsilon(1e-6));
}

TEST_CASE("the glutamate table is complete and its defaults are in range", "[glutamate]") {
    const GlutamateParameters defaults;
    std::set<std::string_view> names;
    std::set<const double*> members;
    for (const auto& parameter : Described<GlutamateParameters>::parameters) {
        INFO(parameter.name);
        const auto member = std::get<double GlutamateParameters::*>(parameter.member);
        CHECK(parameter.range.contains(defaults.*member));
        CHECK_FALSE(parameter.source.empty());
        names.insert(parameter.name);
        members.insert(&(defaults.*member));
    }
    CHECK(members.size() * sizeof(double) == sizeof(GlutamateParameters));
    CHECK(names.size() == members.size());
}

TEST_CASE("glutamate refuses what has no meaning", "[glutamate]") {
    GlutamateParameters p;
    CHECK_THROWS_AS(make_pool(p, -1), std::invalid_argument);
    CHECK_THROWS_AS(make_pool(p, std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
    ExtracellularPool pool = make_pool(p, 10);
    CHECK_THROWS_AS(advance(pool, -1, 1, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(pool, 1, -1, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(pool, 1, 1, -1), std::invalid_argument);
    p.spill_fraction = 0;
    CHECK_THROWS_AS(make_pool(p, 10), std::invalid_argument);
    p.evoked_share = 0; // nothing spills and nothing is asked to: all input is leak
    CHECK_NOTHROW(make_pool(p, 10));
}

TEST_CASE("diffusion of glutamate refuses what has no meaning", "[glutamate]") {
    CHECK(effective_diffusion_um2_per_ms(0.76, 1.6) == Approx(0.297).epsilon(0.001));
    CHECK_THROWS_AS(effective_diffusion_um2_per_ms(-1, 1.6), std::invalid_argument);
    CHECK_THROWS_AS(effective_diffusion_um2_per_ms(0.76, 0.9), std::invalid_argument);
    const std::vector<double> two{1, 2};
    CHECK_THROWS_AS(make_diffusion({{0, 1, 1}, {1, 1, 1}}, {}, 1), std::invalid_argument);
    CHECK_THROWS_AS(make_diffusion({{2, 1, 1}, {0, 1, 1}}, two, 1), std::invalid_argument);
    CHECK_THROWS_AS(make_diffusion({{3, 1, 1}, {1, 1, 1}}, two, 1), std::invalid_argument);
    CHECK_THROWS_AS(make_diffusion({{2, 1, 1}, {1, 1, 1}}, std::vector<double>{1, 0}, 1), std::invalid_argument);
    CHECK_THROWS_AS(make_diffusion({{2, 1, 1}, {1, 1, 1}}, two, -1), std::invalid_argument);
    CHECK_THROWS_AS(make_diffusion({{std::size_t{1} << 20, std::size_t{1} << 20, 1}, {1, 1, 1}}, two, 1),
                    std::invalid_argument);

    std::vector<ExtracellularPool> voxels = make_voxels({}, two);
    const Diffusion between = make_diffusion({{2, 1, 1}, {1, 1, 1}}, two, 1);
    CHECK_THROWS_AS(advance(voxels, between, std::vector<double>{1}, 1, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(voxels, between, std::vector<double>{1, -1}, 1, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(std::span(voxels).first(1), between, std::vector<double>{1}, 1, 1), std::invalid_argument);
    CHECK_THROWS_AS(make_voxels({}, std::vector<double>{1, -1}), std::invalid_argument);
}

TEST_CASE("drugs on mGluR2/3 act beside glutamate") {
    // By hand: o(G) = G/(0.3 + G) is 1/13 at the ambient 0.025 uM and 1/2 at 0.3 uM; half of release is inhibited
    // at most.
    const GlutamateParameters p{
        .ambient_uM = 0.025, .mglur_half_uM = 0.3, .mglur_exponent = 1, .mglur_inhibition = 0.5};
    const double healthy = 1 - 0.5 / 13;
    for (const double g_uM : {0.025, 0.3}) {
        const double o = g_uM / (0.3 + g_uM), factor = mglur_steady_factor(p, g_uM);
        CHECK(mglur_factor_with_drug(p, factor, 0) == factor);
        // A full agonist in excess: all receptors active. A full antagonist: none, as without glutamate.
        CHECK(mglur_factor_with_drug(p, factor, 1) == Approx(0.5 / healthy).epsilon(1e-12));
        CHECK(mglur_factor_with_drug(p, factor, -1) == Approx(mglur_steady_factor(p, 0)).epsilon(1e-12));
        // Half of the free receptors, or of the active ones.
        CHECK(mglur_factor_with_drug(p, factor, 0.5) ==
              Approx((1 - 0.5 * (o + 0.5 * (1 - o))) / healthy).epsilon(1e-12));
        CHECK(mglur_factor_with_drug(p, factor, -0.5) == Approx((1 - 0.5 * 0.5 * o) / healthy).epsilon(1e-12));
    }
}
