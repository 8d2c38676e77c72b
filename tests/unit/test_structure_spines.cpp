#include <catch2/catch.hpp>
#include <cmath>

#include "structure/spines.hpp"

using namespace rewire;
using namespace rewire::structure;

namespace {

/// Classical Runge-Kutta of the mean-field equations: independent of the closed forms.
SpinePools runge_kutta(const SpineParameters& p, SpinePools y, double formation, double elimination, double duration_h,
                       int steps) {
    const double h = duration_h / steps;
    const auto plus = [](const SpinePools& a, const SpinePools& b, double f) {
        return SpinePools{a.nascent + f * b.nascent, a.stable + f * b.stable};
    };
    for (int i = 0; i < steps; ++i) {
        const SpinePools k1 = derivative(p, y, formation, elimination);
        const SpinePools k2 = derivative(p, plus(y, k1, h / 2), formation, elimination);
        const SpinePools k3 = derivative(p, plus(y, k2, h / 2), formation, elimination);
        const SpinePools k4 = derivative(p, plus(y, k3, h), formation, elimination);
        y = plus(plus(plus(plus(y, k1, h / 6), k2, h / 3), k3, h / 3), k4, h / 6);
    }
    return y;
}

void check_sums_to_one(const SpineFate& fate) {
    CHECK(fate.nascent + fate.stable + fate.lost == Approx(1).epsilon(1e-14));
    CHECK(fate.nascent >= 0);
    CHECK(fate.stable >= 0);
    CHECK(fate.lost >= 0);
}

} // namespace

TEST_CASE("the healthy fixed point holds the shares and turnover of the data") {
    const SpineParameters p;
    const SpineBalance balance = healthy_balance(p);
    CHECK(balance.pools.density() == Approx(1).epsilon(1e-15));
    const SpinePools change =
        derivative(p, balance.pools, formation_per_h(p, 1, homeostatic_factor(p, 1)), elimination_per_h(p, 0, 0));
    CHECK(std::abs(change.nascent) < 1e-17);
    CHECK(std::abs(change.stable) < 1e-17);
    CHECK(balance.elimination_per_h * 24 > 0.02); // science.md section 7: 2-5 % a day
    CHECK(balance.elimination_per_h * 24 < 0.05);
    // Stationary under leaps of any length.
    for (const double hours : {1.0 / 3600, 1.0, 24.0, 2400.0}) {
        const SpinePools later = advance(p, balance.pools, p.formation_per_d / 24, balance.elimination_per_h, hours);
        CHECK(later.nascent == Approx(balance.pools.nascent).epsilon(1e-12));
        CHECK(later.stable == Approx(balance.pools.stable).epsilon(1e-12));
    }
    CHECK_THROWS_WITH(validate(SpineParameters{.formation_per_d = 0.6, .nascent_tau_d = 2}), Catch::Contains("1.2"));
}

TEST_CASE("fates of spines are probabilities that compose over parts of an interval") {
    // Chapman-Kolmogorov: the fate over t1 + t2 is the fate over t1 followed by that over t2. The hazards
    // include none, the healthy one, a hazard equal to the nascent rate (a removable singularity), near it,
    // and above it.
    const SpineParameters p;
    const double a = 1 / (24 * p.nascent_tau_d);
    const double k = GENERATE_COPY(0.0, healthy_balance(p).elimination_per_h, a, a * (1 + 1e-9), a * (1 + 5e-4), 4 * a);
    const double t1 = GENERATE(1e-4, 2.0, 60.0);
    const double t2 = GENERATE(3.0, 500.0);
    const SpineFate n1 = nascent_fate(p, k, t1), n2 = nascent_fate(p, k, t2), n = nascent_fate(p, k, t1 + t2);
    const SpineFate s1 = stable_fate(k, t1), s2 = stable_fate(k, t2), s = stable_fate(k, t1 + t2);
    for (const SpineFate& fate : {n1, n2, n, s1, s2, s}) check_sums_to_one(fate);
    CHECK(n.nascent == Approx(n1.nascent * n2.nascent).epsilon(1e-12));
    CHECK(n.stable == Approx(n1.nascent * n2.stable + n1.stable * s2.stable).epsilon(1e-12));
    CHECK(n.lost == Approx(n1.lost + n1.nascent * n2.lost + n1.stable * s2.lost).margin(1e-12));
    CHECK(s.stable == Approx(s1.stable * s2.stable).epsilon(1e-12));
    // Spines formed during t1 + t2: those of t1 aged by t2, and those of t2.
    const SpineFate b1 = newborn_fate(p, k, t1), b2 = newborn_fate(p, k, t2), b = newborn_fate(p, k, t1 + t2);
    for (const SpineFate& fate : {b1, b2, b}) check_sums_to_one(fate);
    CHECK((t1 + t2) * b.nascent == Approx(t1 * b1.nascent * n2.nascent + t2 * b2.nascent).epsilon(1e-11));
    CHECK((t1 + t2) * b.stable ==
          Approx(t1 * (b1.nascent * n2.stable + b1.stable * s2.stable) + t2 * b2.stable).epsilon(1e-9));
}

TEST_CASE("the exact advance agrees with Runge-Kutta, through a pulse of formation too") {
    const SpineParameters p{.protein_gain = 1};
    const double k = elimination_per_h(p, 0.7, 0.2);
    const double f = formation_per_h(p, 1.4, homeostatic_factor(p, 0.9));
    const SpinePools start{0.05, 0.6};
    const SpinePools exact = advance(p, start, f, k, 100);
    const SpinePools numeric = runge_kutta(p, start, f, k, 100, 400); // error below (0.25/36)^4
    CHECK(exact.nascent == Approx(numeric.nascent).epsilon(1e-9));
    CHECK(exact.stable == Approx(numeric.stable).epsilon(1e-9));

    // Doubled synaptic proteins for a day double formation: by hand, the nascent pool gains
    // F0 tau_n (1 - e^(-1/1.5)) = 0.0730 in that day, the stable pool s (F0 1 d - 0.0730) = 0.0068 less some
    // loss.
    const SpineBalance balance = healthy_balance(p);
    const SpinePools day1 = advance(p, balance.pools, formation_per_h(p, 2, 1), balance.elimination_per_h, 24);
    CHECK(day1.density() - 1 == Approx(0.0730 + 0.0067).margin(3e-4));
    // S16: raised for days, within 5 % of the healthy density by day 21.
    const auto after = [&](double days) {
        return advance(p, day1, formation_per_h(p, 1, 1), balance.elimination_per_h, 24 * (days - 1)).density() - 1;
    };
    CHECK(after(3) > 0.02);
    CHECK(after(7) > 0.01);
    CHECK(after(7) < after(3));
    CHECK(after(21) < 0.05);
    CHECK(after(21) > 0);
}

TEST_CASE("chronic stress lowers the density by 15 to 40 per cent") {
    // S13 at three weeks and at the steady state; the latter by hand: S* / 1.6 + N*.
    const SpineParameters p;
    const SpineBalance balance = healthy_balance(p);
    const double k = elimination_per_h(p, 1, 0);
    const double weeks3 = advance(p, balance.pools, p.formation_per_d / 24, k, 24 * 21).density();
    const double settled = advance(p, balance.pools, p.formation_per_d / 24, k, 24 * 3000).density();
    CHECK(weeks3 < 0.85);
    CHECK(settled > 0.60);
    CHECK(settled == Approx(0.15 + 0.85 / 1.6));
    CHECK(elimination_per_h(p, 0, 1) == Approx(1.6 * balance.elimination_per_h)); // section 8: x (1 + 0.6 J)
}

TEST_CASE("homeostasis of formation is 1 at the target, bounded, never negative, and slow") {
    const SpineParameters p;
    CHECK(homeostatic_factor(p, 1) == 1);
    CHECK(homeostatic_factor(p, 0) < 2);
    CHECK(homeostatic_factor(p, 0) > 1.5);
    CHECK(homeostatic_factor(p, 1e9) >= 0);
    CHECK(homeostatic_factor(p, -1e9) <= 2);
    // Slope at the target: -homeostatic_gain.
    CHECK((homeostatic_factor(p, 1 + 1e-5) - homeostatic_factor(p, 1 - 1e-5)) / 2e-5 == Approx(-1).epsilon(1e-6));
    CHECK(homeostatic_factor({.homeostatic_gain = 0}, 3) == 1);
    // Formation cannot turn negative however low the proteins are.
    CHECK(formation_per_h({.protein_gain = 5}, 0.1, 1) == 0);
    // The filter after one time constant, and in one leap or many ticks.
    CHECK(filtered_calcium(p, 1, 2, 24 * 8) == Approx(2 - 1 / 2.718281828459045));
    double ticks = 1;
    for (int i = 0; i < 1000; ++i) ticks = filtered_calcium(p, ticks, 2, 0.024);
    CHECK(filtered_calcium(p, 1, 2, 24) == Approx(ticks).epsilon(1e-10));
}

TEST_CASE("spines drawn one by one meet the mean-field densities") {
    // 20,000 spines at the healthy steady state, ten days in leaps of 6 h under stress, each fate drawn.
    // Binomial SD of a pool is at most 0.5 / sqrt(20,000) = 0.0035; limit 4 SD.
    const SpineParameters p;
    const int n = 20000;
    const double k = elimination_per_h(p, 1, 0), f = formation_per_h(p, 1.5, 1);
    int nascent = 0, stable = 0;
    double age_sum = 0;
    for (int i = 0; i < n; ++i) {
        RandomStream stream(4, Purpose::age, i);
        const SettledSpine spine = settled_spine(p, stream);
        (spine.nascent ? nascent : stable) += 1;
        age_sum += spine.age_h;
    }
    // Mean age by hand: tau_n for all and 1/k_elim more for the stable 85 %; SD of the mean is under
    // 1/k/sqrt(n).
    const SpineBalance balance = healthy_balance(p);
    CHECK(age_sum / n == Approx(36 + 0.85 / balance.elimination_per_h).epsilon(0.04));
    CHECK(std::abs(nascent / double(n) - 0.15) < 0.0101); // 4 sqrt(0.15 0.85 / n)

    SpinePools expected = balance.pools;
    double carry = 0.5; // new spines come whole
    for (int leap = 0; leap < 40; ++leap) {
        expected = advance(p, expected, f, k, 6);
        RandomStream stream(4, Purpose::elimination, 0, leap);
        int next_nascent = 0, next_stable = 0;
        const auto live = [&](const SpineFate& fate) {
            const SpineState state = draw(fate, stream.uniform());
            next_nascent += state == SpineState::nascent;
            next_stable += state == SpineState::stable;
        };
        for (int i = 0; i < nascent; ++i) live(nascent_fate(p, k, 6));
        for (int i = 0; i < stable; ++i) live(stable_fate(k, 6));
        for (carry += n * f * 6; carry >= 1; carry -= 1) live(newborn_fate(p, k, 6));
        nascent = next_nascent;
        stable = next_stable;
    }
    CHECK(std::abs(nascent / double(n) - expected.nascent) < 0.014);
    CHECK(std::abs(stable / double(n) - expected.stable) < 0.014);
}

TEST_CASE("spines passed over before a change are geometric") {
    // P(k passed over) = (1 - p)^k p: mean (1 - p)/p with SD sqrt(1 - p)/p; and P(0) = p. Limits: 4 standard errors
    // of 50,000 draws.
    const double p = GENERATE(1e-5, 0.03, 0.6, 1.0);
    RandomStream stream(31, Purpose::elimination, 0);
    const int draws = 50000;
    double sum = 0, at_once = 0;
    for (int n = 0; n < draws; ++n) {
        const auto passed = passed_over(p, stream);
        sum += static_cast<double>(passed);
        at_once += passed == 0;
    }
    CHECK(std::abs(sum / draws - (1 - p) / p) <= 4 * std::sqrt((1 - p) / draws) / p);
    CHECK(std::abs(at_once / draws - p) <= 4 * std::sqrt(p * (1 - p) / draws));
    CHECK(passed_over(0, stream) == never);
}

TEST_CASE("low numbers pick a change, from the greatest change on spines stay what they are") {
    // The walk over standing spines relies on it. Truth: the fates themselves.
    const SpineParameters p;
    const double hours = GENERATE(0.02, 24.0, 1e5);
    const SpineFate of_nascent = nascent_fate(p, elimination_per_h(p, 1, 0), hours);
    const SpineFate of_stable = stable_fate(elimination_per_h(p, 1, 0), hours);
    const double greatest = greatest_change(of_nascent, of_stable);
    for (double u = std::nextafter(greatest, 2.0); u < 1; u += 0.01) {
        CHECK(draw(of_nascent, u) == SpineState::nascent);
        CHECK(draw(of_stable, u) == SpineState::stable);
    }
    for (double share = 0.005; share < 1; share += 0.01) {
        const double u = share * greatest;
        CHECK(draw(of_nascent, u) == (u < of_nascent.lost                       ? SpineState::lost
                                      : u < of_nascent.lost + of_nascent.stable ? SpineState::stable
                                                                                : SpineState::nascent));
        CHECK(draw(of_stable, u) == (u < of_stable.lost ? SpineState::lost : SpineState::stable));
    }
}
