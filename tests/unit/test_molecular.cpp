// The chain from resting NMDA receptors to AMPA gain: its input, its fixed point, its description, its errors.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "molecular/resting_drive.hpp"
#include "molecular/signalling.hpp"
#include "molecular/stress.hpp"

using namespace rewire;
using namespace rewire::molecular;

namespace {

const std::vector<double>& column(const Signalling& state, const StateVariable<Signalling>& v) {
    return state.*std::get<std::vector<double> Signalling::*>(v.member);
}

void advance_alike(Signalling& state, double r, double l, double s, const Antagonists& a, double duration_s) {
    const std::size_t size = state.ampa_gain.size();
    const std::vector<double> nmda(size, r), l_type(size, l), ampa(size, s);
    advance(state, {nmda, l_type, ampa}, a, SignallingParameters{}, duration_s);
}

} // namespace

TEST_CASE("the resting NMDA drive is that of miniature release and of ambient glutamate, by hand", "[molecular]") {
    // Miniature events meet synaptic receptors, ambient glutamate those outside: 0.7 and 0.3 of the drive.
    const RestingDrive p{.miniature_share = 0.7};
    CHECK(resting_nmda_drive(p, 0.5, 0, 1) == Approx(0.65));
    CHECK(resting_nmda_drive(p, 0, 0.5, 1) == Approx(0.85));
    CHECK(resting_nmda_drive(p, 0, 0, 2) == Approx(1.3));
    CHECK(resting_nmda_drive(p, 0.2, 0.4, 1.5) == Approx(0.7 * 0.8 + 0.3 * 0.6 * 1.5));
    CHECK(resting_nmda_drive(p, 1, 1, 3) == 0);
    // Health is 1 to the last bit, whatever the share.
    for (int k = 0; k <= 1000; ++k) REQUIRE(resting_nmda_drive({.miniature_share = 1e-3 * k}, 0, 0, 1) == 1);
}

TEST_CASE("what stress leaves of synthesis and uptake, by hand", "[molecular]") {
    CHECK(stress_factor(0.3, 0) == 1);
    CHECK(stress_factor(0.3, 1) == Approx(0.7));
    CHECK(stress_factor(0.3, 2) == Approx(0.4));
    CHECK(stress_factor(0.3, 5) == 0); // never less than nothing
}

TEST_CASE("the load of stress follows it in a closed form, however long the stretch", "[molecular]") {
    const Stress p;
    const double tau_s = 86400 * p.load_tau_d;
    double load = 0;
    // The mean of 1 - exp(-t/tau) over two time constants, by hand: 1 - (1 - e^-2)/2.
    CHECK(advance_load(p, load, 1, 2 * tau_s) == Approx(1 - (1 - std::exp(-2)) / 2).epsilon(1e-12));
    CHECK(load == Approx(1 - std::exp(-2)).epsilon(1e-12));
    double ticks = 0, mean = 0;
    for (int n = 0; n < 2000; ++n) mean += advance_load(p, ticks, 1, tau_s / 1000) / 2000;
    CHECK(ticks == Approx(load).epsilon(1e-12));
    CHECK(mean == Approx(1 - (1 - std::exp(-2)) / 2).epsilon(1e-12));
    advance_load(p, load, 0, tau_s); // the stress is over
    CHECK(load == Approx((1 - std::exp(-2)) * std::exp(-1)).epsilon(1e-12));
    double none = 0;
    CHECK(advance_load(p, none, 0, 1e6) == 0); // health, bit for bit
    CHECK(none == 0);
}

TEST_CASE("healthy signalling stays at exactly 1", "[molecular]") {
    // By construction, for any parameters and any duration: 1e-12 is asked for, equality is what the method
    // gives.
    SignallingParameters odd;
    odd.eef2_floor = 0.3;
    odd.eef2_exponent = 1.7;
    odd.bdnf_eef2_suppression = 0.37;
    odd.bdnf_release_per_h = 0.61;
    odd.trkb_recovery_floor = 0.13;
    odd.trkb_recovery_tau_d = 0.3;
    odd.mtorc1_trkb_half = 0.77;
    odd.protein_tau_d = 5.3;
    const std::vector<double> ones(3, 1.0);
    for (const auto& parameters : {SignallingParameters{}, odd})
        for (const double duration_s : {1e-6, 0.1, 1.0, 59.0, 61.0, 3600.0, 86400.0, 3e6}) {
            Signalling state = make_signalling(3);
            advance(state, {ones, ones, ones}, Antagonists{}, parameters, duration_s);
            for (const auto& variable : StateOf<Signalling>::variables)
                for (const double value : column(state, variable)) {
                    INFO(variable.name << " after " << duration_s << " s");
                    CHECK(value == 1.0);
                }
        }
}

TEST_CASE("a neuron's signalling does not depend on its neighbours", "[molecular]") {
    // The chain couples no neurons, so three together must give the bits of each alone.
    const std::vector<double> r{0.5, 1.0, 1.3}, l{1.4, 0.2, 1.0}, s{1.2, 0.9, 0.0};
    Signalling together = make_signalling(3);
    advance(together, {r, l, s}, Antagonists{}, SignallingParameters{}, 5000);
    for (std::size_t i = 0; i < 3; ++i) {
        Signalling alone = make_signalling(1);
        advance_alike(alone, r[i], l[i], s[i], {}, 5000);
        for (const auto& variable : StateOf<Signalling>::variables)
            CHECK(column(alone, variable)[0] == column(together, variable)[i]);
    }
    CHECK(together.bdnf[0] != together.bdnf[2]);
}

TEST_CASE("signalling stays finite and not negative under complete block and overdrive", "[molecular]") {
    Antagonists all;
    all.anti_bdnf = all.trkb_block = all.rapamycin = all.anisomycin = 1;
    all.ampa_factor = 3;
    Signalling state = make_signalling(1);
    advance_alike(state, 0, 0, 0, all, 90 * 86400.0); // long enough for 0/0 in an unguarded T/Ts
    advance_alike(state, 50, 50, 50, {}, 86400.0);
    advance_alike(state, -0.1, -0.1, -0.1, {}, 86400.0); // noise may bring a relative drive below 0
    for (const auto& variable : StateOf<Signalling>::variables) {
        INFO(variable.name);
        CHECK(std::isfinite(column(state, variable)[0]));
        CHECK(column(state, variable)[0] >= 0);
    }
}

TEST_CASE("a drive below 0 counts as 0", "[molecular]") {
    Signalling below = make_signalling(1), zero = make_signalling(1);
    advance_alike(below, -0.1, -0.2, -0.3, {}, 3600);
    advance_alike(zero, 0, 0, 0, {}, 3600);
    for (const auto& variable : StateOf<Signalling>::variables)
        CHECK(column(below, variable)[0] == column(zero, variable)[0]);
}

TEST_CASE("complete antagonists empty what they block", "[molecular]") {
    // A variable without a source decays as exp(-t/tau): the analytic solution. Exact but for rounding, as
    // the method is exact for linear decay.
    const SignallingParameters p;
    Signalling state = make_signalling(1);
    Antagonists a;
    SECTION("anti-BDNF") {
        a.anti_bdnf = 1;
        advance_alike(state, 1, 1, 1, a, 600);
        CHECK(state.bdnf_released[0] == Approx(std::exp(-10 / p.released_tau_min)).epsilon(1e-12));
    }
    SECTION("TrkB blocker") {
        a.trkb_block = 1;
        advance_alike(state, 1, 1, 1, a, 600);
        CHECK(state.trkb[0] == Approx(std::exp(-10 / p.trkb_tau_min)).epsilon(1e-12));
    }
    SECTION("rapamycin") {
        a.rapamycin = 1;
        advance_alike(state, 1, 1, 1, a, 600);
        CHECK(state.mtorc1[0] == Approx(std::exp(-10 / p.mtorc1_tau_min)).epsilon(1e-12));
    }
    SECTION("anisomycin, on BDNF and on synaptic proteins") {
        a.anisomycin = 1;
        advance_alike(state, 1, 1, 1, a, 3600);
        CHECK(state.bdnf[0] == Approx(std::exp(-p.bdnf_degradation_per_h - p.bdnf_release_per_h)).epsilon(1e-12));
        CHECK(state.synaptic_protein[0] == Approx(std::exp(-1 / (24 * p.protein_tau_d))).epsilon(1e-12));
    }
    SECTION("rapamycin on synaptic proteins: they lose the share of their synthesis that needs mTORC1") {
        a.rapamycin = 1;
        advance_alike(state, 1, 1, 1, a, 40 * 86400.0);
        CHECK(state.synaptic_protein[0] == Approx(1 - p.protein_mtorc1_share).epsilon(1e-5)); // exp(-13) is left
    }
    SECTION("stress on BDNF: its steady level without the slow route is the factor itself") {
        a.bdnf_synthesis = 0.6;
        SignallingParameters no_chronic;
        no_chronic.trkb_chronic_gain = 0;
        const std::vector<double> one{1.0};
        advance(state, {one, one, one}, a, no_chronic, 86400.0);
        CHECK(state.bdnf[0] == Approx(0.6).epsilon(1e-9)); // exp(-26) of the transient is left
    }
    SECTION("TNF and HNK on AMPA receptors: TNF factor times 1 + gain C/(C + C_50)") {
        a.ampa_factor = 1.2;
        a.hnk_uM = 3;
        SignallingParameters with_hnk;
        with_hnk.ampa_hnk_gain = 0.4;
        with_hnk.ampa_hnk_half_uM = 3;
        const std::vector<double> one{1.0};
        advance(state, {one, one, one}, a, with_hnk, 2 * 86400.0);
        CHECK(state.ampa_gain[0] == Approx(1.2 * 1.2).epsilon(1e-9));
    }
}

TEST_CASE("the molecular table is complete and its defaults are in range", "[molecular]") {
    const SignallingParameters defaults;
    std::set<std::string_view> names;
    std::set<const double*> members;
    for (const auto& parameter : Described<SignallingParameters>::parameters) {
        INFO(parameter.name);
        const auto member = std::get<double SignallingParameters::*>(parameter.member);
        CHECK(parameter.range.contains(defaults.*member));
        CHECK_FALSE(parameter.source.empty());
        names.insert(parameter.name);
        members.insert(&(defaults.*member));
    }
    // Nothing but doubles is in the struct: every one has its own line.
    CHECK(members.size() * sizeof(double) == sizeof(SignallingParameters));
    CHECK(names.size() == members.size());
}

TEST_CASE("signalling refuses what it cannot advance", "[molecular]") {
    Signalling state = make_signalling(2);
    const std::vector<double> two(2, 1.0), three(3, 1.0);
    const SignallingParameters p;
    CHECK_THROWS_AS(advance(state, {two, three, two}, {}, p, 1), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {two, two, two}, {}, p, -1), std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {two, two, two}, {}, p, std::numeric_limits<double>::infinity()),
                    std::invalid_argument);
    CHECK_THROWS_AS(advance(state, {two, two, two}, {}, p, 1, 0), std::invalid_argument);
    // A sub-step without bound is one step, not none.
    Signalling whole = make_signalling(1), unbounded = make_signalling(1);
    const std::vector<double> half(1, 0.5), one(1, 1.0);
    advance(whole, {half, one, one}, {}, p, 30, 30);
    advance(unbounded, {half, one, one}, {}, p, 30, std::numeric_limits<double>::infinity());
    CHECK(whole.eef2_phosphorylation[0] < 1);
    CHECK(unbounded.eef2_phosphorylation[0] == whole.eef2_phosphorylation[0]);
    state.trkb.pop_back();
    CHECK_THROWS_AS(advance(state, {two, two, two}, {}, p, 1), std::invalid_argument);
}
