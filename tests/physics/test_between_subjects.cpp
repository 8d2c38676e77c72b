// Variability between subjects against the moments that the models state.
#include "drug/pharmacokinetics.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

using namespace rewire::drug;
using Catch::Matchers::Contains;

namespace {

const PkModel& otto() { return *find_published_model("otto2021"); }

double volume_L(const PkModel& model, std::string_view compartment) {
    for (const Compartment& c : model.compartments)
        if (c.name == compartment) return c.volume_L;
    return NAN;
}

double clearance_L_per_h(const PkModel& model, std::string_view from, std::string_view to) {
    for (const Flow& f : model.flows)
        if (f.from == from && f.to == to) return f.clearance_L_per_h;
    return NAN;
}

std::string complaint(const std::function<void(PkModel&)>& spoil) {
    PkModel model = otto();
    spoil(model);
    try {
        check(model);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("subjects have the stated medians, variances and covariances") {
    // Otto 2021: omega^2 of V1 0.084, CL 0.026, covariance 0.023; of norketamine 0.040, 0.103 and 0.045. Over n
    // subjects the mean of a logarithm scatters by sqrt(omega^2/n), a covariance by sqrt((w_a w_b + c^2)/n): four of
    // these.
    constexpr int n = 20000;
    std::vector<std::array<double, 4>> logs;
    for (int k = 1; k <= n; ++k) {
        const PkModel s = of_subject(otto(), k);
        logs.push_back(
            {std::log(volume_L(s, "central") / 133), std::log(clearance_L_per_h(s, "central", "norketamine") / 95.2),
             std::log(volume_L(s, "norketamine") / 98.6), std::log(clearance_L_per_h(s, "norketamine", "") / 57.7)});
    }
    const double stated[4][4] = {
        {0.084, 0.023, 0, 0}, {0.023, 0.026, 0, 0}, {0, 0, 0.040, 0.045}, {0, 0, 0.045, 0.103}};
    for (std::size_t a = 0; a < 4; ++a) {
        double mean = 0;
        for (const auto& subject : logs) mean += subject[a] / n;
        CHECK(mean == Approx(0).margin(4 * std::sqrt(stated[a][a] / n)));
        for (std::size_t b = a; b < 4; ++b) {
            double covariance = 0;
            for (const auto& subject : logs) covariance += subject[a] * subject[b] / n;
            CAPTURE(a, b);
            CHECK(covariance ==
                  Approx(stated[a][b])
                      .margin(4 * std::sqrt((stated[a][a] * stated[b][b] + stated[a][b] * stated[a][b]) / n)));
        }
    }
}

TEST_CASE("coefficients of variation of Perez-Ruixo 2021 come back from the subjects") {
    // A log-normal number with median m has mean m exp(omega^2/2) and the stated CV; with n subjects the CV of kel
    // (120 %, heavy-tailed) scatters by some 5 %, that of Vc by 1 %.
    const PkModel& model = *find_published_model("perez_ruixo2021");
    constexpr int n = 20000;
    double v = 0, v2 = 0, k = 0, k2 = 0, metabolite = 0, metabolite2 = 0;
    for (int i = 1; i <= n; ++i) {
        const PkModel s = of_subject(model, i);
        const double vc = volume_L(s, "central"), kel = s.flows[0].rate_per_h / 1.11;
        v += vc / n, v2 += vc * vc / n, k += kel / n, k2 += kel * kel / n;
        const double cln = clearance_L_per_h(s, "noresketamine", "");
        metabolite += cln / n, metabolite2 += cln * cln / n;
        // An exchange stays one: as much clearance there as back.
        CHECK(clearance_L_per_h(s, "central", "liver") == clearance_L_per_h(s, "liver", "central"));
    }
    CHECK(std::sqrt(v2 / (v * v) - 1) == Approx(0.275).epsilon(0.04));
    CHECK(std::sqrt(k2 / (k * k) - 1) == Approx(1.20).epsilon(0.2));
    CHECK(std::sqrt(metabolite2 / (metabolite * metabolite) - 1) == Approx(0.254).epsilon(0.04));
    CHECK(k == Approx(std::sqrt(1 + 1.2 * 1.2)).epsilon(0.05));
}

TEST_CASE("subjects of Simons 2022 have the variances of table 4, along the chain of metabolites") {
    // Over n subjects a variance scatters by sqrt(2/n) of itself: four of these. Independent, so that a covariance
    // scatters by sqrt(w_a w_b / n).
    const PkModel& model = *find_published_model("simons2022");
    constexpr int n = 20000;
    const std::array<double, 5> stated{0.057, 0.029, 0.050, 1.22, 0.103};
    std::array<std::array<double, 5>, 5> products{};
    double of_exchange = 0;
    for (int i = 1; i <= n; ++i) {
        const PkModel s = of_subject(model, i);
        const std::array<double, 5> logs{std::log(volume_L(s, "central") / 11.6),
                                         std::log(clearance_L_per_h(s, "central", "metabolism1") / (60 * 1.48)),
                                         std::log(clearance_L_per_h(s, "norketamine", "hydroxylation1") / 60),
                                         std::log(volume_L(s, "hydroxynorketamine") / 4.4),
                                         std::log(clearance_L_per_h(s, "hydroxynorketamine", "") / (60 * 0.933))};
        for (std::size_t a = 0; a < 5; ++a)
            for (std::size_t b = 0; b < 5; ++b) products[a][b] += logs[a] * logs[b] / n;
        CHECK(clearance_L_per_h(s, "central", "peripheral2") == clearance_L_per_h(s, "peripheral2", "central"));
        const double exchange = std::log(clearance_L_per_h(s, "central", "peripheral2") / (60 * 1.21));
        of_exchange += exchange * exchange / n;
        CHECK(clearance_L_per_h(s, "central", "peripheral1") == Approx(60 * 2.43)); // stated without variability
    }
    CHECK(of_exchange == Approx(0.026).epsilon(4 * std::sqrt(2.0 / n)));
    for (std::size_t a = 0; a < 5; ++a)
        for (std::size_t b = 0; b < 5; ++b) {
            CAPTURE(a, b);
            if (a == b)
                CHECK(products[a][a] == Approx(stated[a]).epsilon(4 * std::sqrt(2.0 / n)));
            else
                CHECK(products[a][b] == Approx(0).margin(4 * std::sqrt(stated[a] * stated[b] / n)));
        }
}

TEST_CASE("a subject is its number") {
    CHECK(subject_etas(otto(), 0) == std::vector<double>(4, 0));
    const PkModel typical = of_subject(otto(), 0);
    CHECK(volume_L(typical, "central") == 133);
    CHECK(subject_etas(otto(), 7) == subject_etas(otto(), 7));
    CHECK(subject_etas(otto(), 7) != subject_etas(otto(), 8));
    // Drugs of one body have draws of their own.
    CHECK(subject_etas(otto(), 7)[0] != subject_etas(*find_published_model("perez_ruixo2021"), 7)[0]);
    // Weight and number may come in either order.
    CHECK(volume_L(of_subject(scaled_to_weight(otto(), 50), 7), "central") ==
          Approx(volume_L(scaled_to_weight(of_subject(otto(), 7), 50), "central")).epsilon(1e-14));
    CHECK_THROWS_WITH(of_subject(otto(), -1), Contains("0 or more"));
    // A model without variations: everybody is the same.
    const PkModel& mouse = *find_published_model("mouse");
    CHECK(volume_L(of_subject(mouse, 5), "central") == volume_L(mouse, "central"));
}

TEST_CASE("a subject's area under the curve is dose over its own clearance") {
    const PkModel s = of_subject(otto(), 3);
    const double clearance = clearance_L_per_h(s, "central", "norketamine");
    CHECK(std::abs(clearance / 95.2 - 1) > 0.01); // not the typical one
    Pharmacokinetics pk(s, {{.amount_mg = 35}});
    double area = 0, before = 1000 * 35 / volume_L(s, "central");
    for (int i = 0; i < 6 * 24 * 60; ++i) {
        pk.advance(i * 60.0, (i + 1) * 60.0);
        area += (before + pk.plasma_ng_per_mL(0)) / 2 / 60;
        before = pk.plasma_ng_per_mL(0);
    }
    // Trapezoids of a minute and six days of a half-life below 4 h: under 0.2 %.
    CHECK(area == Approx(1000 * 35 / clearance).epsilon(0.002));
}

TEST_CASE("faulty variability and metabolite loops are refused with the name of what is at fault") {
    REQUIRE(complaint([](PkModel&) {}).empty());
    CHECK_THAT(complaint([](PkModel& m) { m.variations[0].volume = "liver"; }),
               Contains("variation 'V1'") && Contains("no compartment 'liver'"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[0].volume = "gut"; }), Contains("'gut' has no volume"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[0].from = "central"; }), Contains("one of volume and from"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[0].volume = ""; }), Contains("one of volume and from"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[1].to = "gut"; }), Contains("no flow from 'central' to 'gut'"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[1].both_ways = true; }),
               Contains("no flow from 'norketamine' to 'central'"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[1].name = "V1"; }), Contains("'V1' is given twice"));
    CHECK_THAT(complaint([](PkModel& m) { m.variations[1].variance = -1; }), Contains("variance"));
    CHECK_THAT(complaint([](PkModel& m) { m.covariances[0].second = "V9"; }), Contains("no variation 'V9'"));
    CHECK_THAT(complaint([](PkModel& m) { m.covariances[0].second = "V1"; }), Contains("with itself"));
    // |c| may not exceed sqrt(0.084 x 0.026) = 0.0467.
    CHECK(complaint([](PkModel& m) { m.covariances[0].covariance = -0.0466; }).empty());
    CHECK_THAT(complaint([](PkModel& m) { m.covariances[0].covariance = 0.0468; }), Contains("positive definite"));
    // Norketamine may go to and from its own tissue, but not back to ketamine, on whatever way.
    CHECK_THAT(complaint([](PkModel& m) {
                   m.compartments.push_back({"detour", 0});
                   m.flows.push_back({.from = "norketamine_peripheral", .to = "detour", .rate_per_h = 1});
                   m.flows.push_back({.from = "detour", .to = "peripheral1", .rate_per_h = 1});
               }),
               Contains("loop") && Contains("'ketamine'") && Contains("'norketamine'"));
}
