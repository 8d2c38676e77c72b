// Channel block against the measured table and brute-force integration; against a full kinetic scheme in
// test_nmda_scheme.cpp.

#include "drug/channel_block.hpp"
#include "drug/pharmacokinetics.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <unsupported/Eigen/MatrixFunctions>
#include <vector>

using namespace rewire::drug;

namespace {

/// The blocker as measured in a dish, where no in-vivo factor applies.
Blocker in_vitro() {
    Blocker b = ketamine();
    b.in_vivo_factor = 1;
    return b;
}

/// What a pool at a constant potential and open fraction sees.
BlockDrive constant_drive(const Blocker& b, Subunit s, double concentration_uM, double v_mV, double mg_mM,
                          double open) {
    const BlockConstants c = block_constants(b);
    BlockSamples samples;
    samples.add(c, exchange_rate_per_s(b, open), block_voltage(c, v_mV, mg_mM));
    BlockDrive drive;
    drive.add(samples, s, concentration_uM);
    return drive;
}

/// Block of one subunit of a pool by one blocker.
struct Block {
    explicit Block(const Blocker& b, double blocked = 0)
        : channels(competition({b})),
          shares(channels.states(), blocked) {}
    Competition channels;
    std::vector<double> shares;

    /// Share of the channels that trap the blocker, or of those that do not.
    double of(bool trapped) const {
        for (std::size_t c = 0; c < channels.classes.size(); ++c)
            if (channels.classes[c].traps[0] == trapped) return shares[c];
        return 0;
    }
};

/// Block of the pool after a time at constant conditions.
double block_after(Block& state, const BlockDrive& drive, double duration_s) {
    advance_block(state.shares, {&drive, 1}, duration_s, state.channels);
    return blocked_share(state.shares, state.channels);
}

double steady(const Blocker& b, Subunit s, double concentration_uM, double v_mV, double mg_mM) {
    Block state(b);
    return block_after(state, constant_drive(b, s, concentration_uM, v_mV, mg_mM, 0.1), 1e7);
}

/// Time at which a falling curve passes a level, by bisection.
double time_below(const std::function<double(double)>& curve, double level) {
    double low = 0, high = 1e6;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (curve(middle) > level ? low : high) = middle;
    }
    return high;
}

} // namespace

TEST_CASE("S2: steady block at -66 mV is the Hill curve of the measured IC50") {
    // Kotermanski & Johnson 2009. The curves agree to far better than the 2 % that S2 accepts.
    const double without_mg[] = {0.33, 0.31, 0.51, 0.83};
    const double with_mg[] = {5.35, 5.08, 1.18, 2.95};
    for (const Subunit s : {n2a, n2b, n2c, n2d}) {
        for (const double c : {0.05, 0.3, 1.0, 3.0, 30.0}) {
            CHECK(steady(in_vitro(), s, c, -66, 0) == Approx(c / (c + without_mg[s])).epsilon(1e-6));
            CHECK(steady(in_vitro(), s, c, -66, 1) == Approx(c / (c + with_mg[s])).epsilon(1e-6));
        }
    }
    const auto at = [](Subunit s) { return ic50_uM(in_vitro(), s, -66, 1); };
    CHECK(at(n2c) < at(n2d));
    CHECK(at(n2d) < at(n2b));
    CHECK(at(n2b) == Approx(at(n2a)).epsilon(0.1));
}

TEST_CASE("S2: depolarisation relieves Mg more than it drives out ketamine") {
    // Contract: 2A from 5.35 uM at -66 to about 2.7 uM at -40 mV; without Mg e-fold in 37 mV.
    CHECK(ic50_uM(in_vitro(), n2a, -40, 1) == Approx(2.7).epsilon(0.02));
    CHECK(ic50_uM(in_vitro(), n2a, -29, 0) == Approx(0.33 * 2.71828).epsilon(1e-4));
    CHECK(ic50_uM(in_vitro(), n2c, -40, 0) > ic50_uM(in_vitro(), n2c, -66, 0));
}

TEST_CASE("kappa puts half occupancy at the unbound plasma level of Shaffer") {
    // Shaffer 2014: 1.42 uM unbound in plasma blocks half; a 2A/2B pool at -62 mV stands for the tissue.
    const double brain_uM = 1.42 * Species{}.brain_plasma_unbound_ratio;
    const auto pool = [](const Blocker& b, double c) {
        return (steady(b, n2a, c, -62, 1) + steady(b, n2b, c, -62, 1)) / 2;
    };
    CHECK(pool(ketamine(), brain_uM) == Approx(0.5).margin(0.001));
    // Norketamine, 9.11 uM (5.87-13.7).
    CHECK(pool(norketamine(), 9.11 * Species{}.brain_plasma_unbound_ratio) == Approx(0.5).margin(0.005));
}

TEST_CASE("S6: occupancy at the end of the clinical infusion, interneurons above pyramidal cells") {
    Pharmacokinetics pk(*find_published_model("otto2021"), {{.amount_mg = 35, .duration_s = 2400}});
    pk.advance(0, 2400);
    const double c = pk.unbound_brain_uM(0);
    const Blocker b = ketamine();
    const double pyramidal = (steady(b, n2a, c, -62, 1) + steady(b, n2b, c, -62, 1)) / 2;
    const double interneuron = 0.2 * (steady(b, n2a, c, -62, 1) + steady(b, n2b, c, -62, 1)) +
                               0.3 * (steady(b, n2c, c, -62, 1) + steady(b, n2d, c, -62, 1));
    CHECK(pyramidal > 0.15);
    CHECK(pyramidal < 0.45);
    CHECK(interneuron / pyramidal > 1.4);
}

TEST_CASE("S3 with the default blocker: use dependence of onset and recovery") {
    const Blocker b = ketamine();
    const auto recovery = [&](double open) {
        return time_below(
            [&](double t) {
                Block state(b, 0.5);
                return block_after(state, constant_drive(b, n2a, 0, -62, 1, open), t);
            },
            0.5 / std::exp(1.0));
    };
    CHECK(recovery(0.1) / recovery(0) < 0.3);
    // MacDonald 1991, Orser 1997: minutes to tens of minutes without agonist.
    CHECK(recovery(0) > 60);
    CHECK(recovery(0) < 3600);
    // Onset with continuous agonist (open 5-10 %) at 0.5-1 uM takes 2-10 s.
    for (const double open : {0.05, 0.1}) {
        for (const double c : {0.5, 1.0}) {
            const double end = steady(b, n2a, c, -62, 1);
            const double tau = time_below(
                [&](double t) {
                    Block state(b);
                    return end - block_after(state, constant_drive(b, n2a, c, -62, 1, open), t);
                },
                end / std::exp(1.0));
            CHECK(tau > 2);
            CHECK(tau < 10);
        }
    }
    // The untrapped 14 % leave closed channels within a few 1/r_open; the rest stays.
    Block state(b, 0.5);
    const double left = block_after(state, constant_drive(b, n2a, 0, -62, 1, 0), 30);
    CHECK(left == Approx(0.86 * 0.5 * std::exp(-30 * 0.002)).epsilon(0.01));
}

TEST_CASE("a tick of any length uses the averages of its samples") {
    // Truth: fine Euler integration (steps of 1 ms) of a pool that switches between rest (closed) and a
    // depolarised open state every 50 ms. Both are first order and averaging is accurate to the modulation
    // within a period: 1 %.
    const Blocker b = ketamine();
    const BlockConstants constants = block_constants(b);
    const double c = 0.5, dt_s = 1e-3;
    struct Phase {
        double v_mV, open;
    };
    const Phase phases[] = {{-70, 0.001}, {-35, 0.3}};
    BlockSamples samples;
    for (const Phase& p : phases)
        samples.add(constants, exchange_rate_per_s(b, p.open), block_voltage(constants, p.v_mV, 1));
    BlockDrive drive;
    drive.add(samples, n2a, c);

    double truth = 0;
    for (int i = 0; i < 20000; ++i) {
        const Phase& p = phases[(i / 50) % 2];
        const double x = c / ic50_uM(b, n2a, p.v_mV, 1);
        truth += dt_s * exchange_rate_per_s(b, p.open) * (x * (1 - truth) - truth);
    }
    Block state(b);
    block_after(state, drive, 20);
    CHECK(state.of(true) == Approx(truth).epsilon(0.01));

    // The same from the mean voltage and mean open fraction would be wrong by more than a tenth.
    Block naive(b);
    block_after(naive, constant_drive(b, n2a, c, (-70 - 35) / 2.0, 1, 0.1505), 20);
    CHECK(std::abs(naive.of(true) / truth - 1) > 0.1);

    // Exact for constant averages: one tick of 20 s is 200 of 0.1 s.
    Block split(b);
    for (int i = 0; i < 200; ++i) block_after(split, drive, 0.1);
    CHECK(split.of(true) == Approx(state.of(true)).epsilon(1e-12));
    CHECK(split.of(false) == Approx(state.of(false)).epsilon(1e-12));
}

TEST_CASE("ketamine and norketamine compete for the channel") {
    // Two competing ligands: (a + b) / (1 + a + b) with a = C/K (Gaddum 1937), not the product of two curves.
    const Blocker parent = ketamine(), metabolite = norketamine();
    const BlockConstants cp = block_constants(parent), cm = block_constants(metabolite);
    const double rate = exchange_rate_per_s(parent, 0.1);
    BlockSamples of_parent, of_metabolite;
    of_parent.add(cp, rate, block_voltage(cp, -60, 1));
    of_metabolite.add(cm, rate, block_voltage(cm, -60, 1));
    BlockDrive drive;
    drive.add(of_parent, n2b, 0.8);
    drive.add(of_metabolite, n2b, 3);
    REQUIRE(competition({parent, metabolite}).ligands.size() == 1); // they enter and leave alike
    Block state(parent);
    const double total = block_after(state, drive, 1e6);
    const double a = 0.8 / ic50_uM(parent, n2b, -60, 1), m = 3 / ic50_uM(metabolite, n2b, -60, 1);
    CHECK(total == Approx((a + m) / (1 + a + m)).epsilon(1e-9));
    // 6.4 times as much of the weaker one is worth as much.
    CHECK(m == Approx(3 / 6.4 / 0.8 * a).epsilon(1e-9));
}

TEST_CASE("blockers of different kinetics: exact competition over any time") {
    // Truth: the matrix exponential of the chain free <-> blocked by k, from Eigen, to the rounding of the two. Rates
    // from none to fast and times from far below to far above them; the eigenvalues of Eigen's case of 1e5 s cost it
    // digits, hence its margin.
    const std::vector<std::vector<double>> on_rates{
        {0.3, 0.05}, {0.3, 0}, {0, 0}, {1e-9, 20}, {0.02, 0.02}, {0.1, 0.002, 3}, {0.4, 0.1, 0, 0.01}};
    const std::vector<std::vector<double>> off_rates{{0.02, 2},    {0.002, 0.5},   {0.2, 0.01},       {0.1, 1e-6},
                                                     {0.02, 0.02}, {0.2, 0, 0.05}, {0.1, 0.1, 0.1, 5}};
    for (std::size_t c = 0; c < on_rates.size(); ++c) {
        const std::vector<double>&on = on_rates[c], &off = off_rates[c];
        const auto n = static_cast<Eigen::Index>(on.size());
        Eigen::MatrixXd generator = Eigen::MatrixXd::Zero(n + 1, n + 1);
        Eigen::VectorXd start(n + 1);
        start[0] = 1;
        for (Eigen::Index k = 1; k <= n; ++k) {
            generator(k, 0) = on[k - 1], generator(0, k) = off[k - 1], generator(k, k) = -off[k - 1];
            generator(0, 0) -= on[k - 1];
            start[k] = 0.6 / static_cast<double>(k + 1);
            start[0] -= start[k];
        }
        start[0] = std::max(0.0, start[0]);
        start /= start.sum();
        for (const double t : {1e-6, 0.1, 3.0, 60.0, 1e5}) {
            std::vector<double> b(start.data() + 1, start.data() + n + 1);
            relax_blocks(b, on, off, t);
            const Eigen::VectorXd truth = (generator * t).exp() * start;
            CAPTURE(c, t);
            double sum = 0;
            for (Eigen::Index k = 0; k < n; ++k) {
                CHECK(b[k] == Approx(truth[k + 1]).epsilon(1e-9).margin(1e-10));
                CHECK(b[k] >= 0);
                sum += b[k];
            }
            CHECK(sum <= 1 + 1e-15);
            // One time is a hundred of its hundredth.
            std::vector<double> split(start.data() + 1, start.data() + n + 1);
            for (int i = 0; i < 100; ++i) relax_blocks(split, on, off, t / 100);
            for (Eigen::Index k = 0; k < n; ++k) CHECK(split[k] == Approx(b[k]).epsilon(1e-11).margin(1e-13));
        }
    }
}

TEST_CASE("blockers of equal kinetics block as one") {
    // With one rate of leaving the sum obeys the equation of a single blocker at the sum of the concentrations, whose
    // solution `relax_block` is; a composition of the block that is not that of the supply decays at that rate.
    const std::vector<double> on{0.07, 0.02}, off{0.05, 0.05};
    for (const double t : {0.1, 5.0, 300.0}) {
        std::vector<double> b{0.1, 0.3};
        double total = 0.4;
        relax_blocks(b, on, off, t);
        relax_block(total, 0.09, 0.05, t);
        CHECK(b[0] + b[1] == Approx(total).epsilon(1e-13));
        const double excess = 0.1 - 0.4 * 7 / 9;
        CHECK(b[0] - total * 7 / 9 == Approx(excess * std::exp(-0.05 * t)).epsilon(1e-9).margin(1e-14));
    }
    // Through the pool: a rate that differs in the ninth digit makes two ligands of one; the block differs as little.
    Blocker other = norketamine();
    other.r_open_per_s *= 1 + 1e-9;
    const Competition one = competition({ketamine(), norketamine()}), two = competition({ketamine(), other});
    REQUIRE(one.ligands.size() == 1);
    REQUIRE(two.ligands.size() == 2);
    const BlockDrive parent = constant_drive(ketamine(), n2b, 0.8, -60, 1, 0.05),
                     metabolite = constant_drive(norketamine(), n2b, 3, -60, 1, 0.05);
    const BlockDrive sum{parent.mean_rate_per_s,
                         parent.mean_rate_times_ratio_per_s + metabolite.mean_rate_times_ratio_per_s,
                         parent.untrapped_ratio + metabolite.untrapped_ratio};
    std::vector<double> together(one.states(), 0), apart(two.states(), 0);
    for (const double t : {0.5, 5.0, 50.0}) {
        advance_block(together, {&sum, 1}, t, one);
        advance_block(apart, std::vector{parent, metabolite}, t, two);
        CHECK(blocked_share(apart, two) == Approx(blocked_share(together, one)).epsilon(1e-7));
    }
}

TEST_CASE("a fast blocker gets there first and a slow one displaces it; the end is the competitive Hill occupancy") {
    // A memantine-like blocker: ten times as fast, and half of the channels let it go when they close (Mealing 1999).
    Blocker fast = ketamine();
    fast.r_open_per_s = 2;
    fast.untrapped_fraction = 0.5;
    const Blocker slow = ketamine();
    const Competition c = competition({slow, fast});
    REQUIRE(c.ligands.size() == 2);
    // Channels: 14 % trap neither, 36 % only the slow one, 50 % both.
    REQUIRE(c.classes.size() == 3);
    const double shares[] = {0.14, 0.36, 0.5};
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(c.classes[k].share == Approx(shares[k]).epsilon(1e-12));
        CHECK(c.classes[k].traps == std::vector<bool>{k > 0, k > 1});
    }
    const auto drives = [&](double slow_uM, double fast_uM, double open) {
        return std::vector{constant_drive(slow, n2a, slow_uM, -60, 1, open),
                           constant_drive(fast, n2a, fast_uM, -60, 1, open)};
    };
    const auto by = [&](const std::vector<double>& b, std::size_t ligand) {
        double share = 0;
        for (std::size_t k = 0; k < 3; ++k) share += c.classes[k].share * b[2 * k + ligand];
        return share;
    };
    std::vector<double> b(c.states(), 0);
    const double ic50 = ic50_uM(slow, n2a, -60, 1), x = 1.5 / ic50, y = 1 / ic50;
    advance_block(b, drives(1.5, 1, 0.1), 1, c);
    CHECK(by(b, 1) > by(b, 0));
    double peak = 0;
    for (int i = 0; i < 100; ++i) {
        advance_block(b, drives(1.5, 1, 0.1), 0.5, c);
        peak = std::max(peak, by(b, 1));
    }
    CHECK(peak > 1.1 * y / (1 + x + y)); // alone at first, near y/(1 + y)
    CHECK(peak < y / (1 + y));
    // Gaddum 1937, whatever the kinetics and the class of channel.
    advance_block(b, drives(1.5, 1, 0.1), 1e6, c);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(b[2 * k] == Approx(x / (1 + x + y)).epsilon(1e-9));
        CHECK(b[2 * k + 1] == Approx(y / (1 + x + y)).epsilon(1e-9));
    }
    // Washed out of closed channels: after 20 s (untrapped: 4 and 40 time constants) what is left is trapped. It leaks
    // at 0.002/s.
    const double before[] = {by(b, 0), by(b, 1)};
    advance_block(b, drives(0, 0, 0), 20, c);
    CHECK(by(b, 0) / before[0] == Approx(0.86 * std::exp(-0.04) + 0.14 * std::exp(-4)).epsilon(1e-6));
    CHECK(by(b, 1) / before[1] == Approx(0.5 * std::exp(-0.04)).epsilon(1e-6));
}
