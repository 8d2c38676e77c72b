#include "drug/channel_block.hpp"
#include "drug/pharmacokinetics.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>

using namespace rewire;
using namespace rewire::drug;
using Catch::Matchers::Contains;

namespace {

PkModel one_compartment() {
    return {.name = "one",
            .compartments = {{"plasma", 10}, {"depot", 0}},
            .flows = {{.from = "plasma", .clearance_L_per_h = 5}, {.from = "depot", .to = "plasma", .rate_per_h = 2}},
            .species = {{.name = "drug", .central = "plasma"}},
            .routes = {{"intravenous", {{"plasma"}}}, {"oral", {{"depot", 0.5, 0, 0.25}}}}};
}

/// The message that `check` gives for the model after a change.
std::string complaint(const std::function<void(PkModel&)>& spoil) {
    PkModel model = one_compartment();
    spoil(model);
    try {
        check(model);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("every published model passes the check and takes the routes it is for") {
    for (const PkModel& model : published_models()) {
        INFO(model.name);
        CHECK_NOTHROW(check(model));
        CHECK_FALSE(model.source.empty());
        CHECK(find_published_model(model.name) == &model);
        for (const char* route :
             {"intravenous", "intramuscular", "subcutaneous", "intraperitoneal", "intranasal", "oral"}) {
            INFO(route);
            if (model.name == "mouse" && (route == std::string("intranasal") || route == std::string("oral")))
                CHECK_THROWS_WITH(Pharmacokinetics(model, {{.route = route}}), Contains(route) && Contains("mouse"));
            else
                CHECK_NOTHROW(Pharmacokinetics(model, {{.route = route, .amount_mg = 1}}));
        }
    }
    CHECK(find_published_model("otto") == nullptr);
}

TEST_CASE("a faulty compartment model is refused with the name of what is at fault") {
    REQUIRE(complaint([](PkModel&) {}).empty());
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].to = "plasm"; }),
               Contains("flow from 'depot' to 'plasm'") && Contains("no compartment 'plasm'"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].from = "x"; }), Contains("no compartment 'x'"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].rate_per_h = -1; }), Contains("'depot'") && Contains("rate = -1"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].fraction = 1.2; }), Contains("'depot'") && Contains("fraction"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].clearance_L_per_h = 1; }), Contains("one of rate and clearance"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].rate_per_h = 0; }), Contains("one of rate and clearance"));
    CHECK_THAT(complaint([](PkModel& m) { m.compartments[0].volume_L = 0; }),
               Contains("volume") && Contains("'plasma'"));
    CHECK_THAT(complaint([](PkModel& m) { m.compartments[0].volume_L = -3; }), Contains("compartment 'plasma'"));
    CHECK_THAT(complaint([](PkModel& m) { m.compartments[1].name = "plasma"; }), Contains("'plasma' is given twice"));
    CHECK_THAT(complaint([](PkModel& m) { m.compartments[1].name.clear(); }), Contains("without a name"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].to = "depot"; }), Contains("ends where it starts"));
    CHECK_THAT(complaint([](PkModel& m) { m.species.clear(); }), Contains("central compartment"));
    CHECK_THAT(complaint([](PkModel& m) { m.species[0].central = "depot"; }), Contains("'drug'") && Contains("volume"));
    CHECK_THAT(complaint([](PkModel& m) { m.species[0].central = "blood"; }), Contains("no compartment 'blood'"));
    CHECK_THAT(complaint([](PkModel& m) { m.species[0].unbound_fraction = std::numeric_limits<double>::quiet_NaN(); }),
               Contains("'drug'") && Contains("unbound_fraction"));
    CHECK_THAT(complaint([](PkModel& m) { m.routes[1].inputs[0].compartment = "gut"; }),
               Contains("route 'oral'") && Contains("'gut'"));
    CHECK_THAT(complaint([](PkModel& m) {
                   m.routes[1].inputs.push_back({"plasma", 0.6});
               }),
               Contains("route 'oral'") && Contains("more than 1"));
    CHECK_THAT(complaint([](PkModel& m) { m.routes[1].inputs.clear(); }), Contains("'oral'"));
    // Longer than the longest experiment: nanoseconds would overflow, and the dose would come at no time at all.
    CHECK_THAT(complaint([](PkModel& m) { m.routes[1].inputs[0].lag_h = 1e9; }), Contains("'oral'") && Contains("lag"));
    CHECK_THAT(complaint([](PkModel& m) { m.routes[1].inputs[0].duration_h = 1e9; }),
               Contains("'oral'") && Contains("duration"));
    CHECK_THAT(complaint([](PkModel& m) { m.routes.clear(); }), Contains("no routes"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[1].rate_per_h = 1e20; }), Contains("'depot'") && Contains("rate"));
    CHECK_THAT(complaint([](PkModel& m) { m.flows[0].clearance_L_per_h = 1e11; }), Contains("clearance over volume"));
    CHECK_THAT(complaint([](PkModel& m) { m.species[0].counted_as_g_per_mol = 0; }), Contains("counted_as"));
    const auto with_metabolite = [](PkModel& m, const char* central) {
        m.compartments.push_back({"product", 10});
        m.species.push_back({.name = "metabolite", .central = central});
    };
    CHECK_THAT(complaint([&](PkModel& m) { with_metabolite(m, "plasma"); }),
               Contains("'metabolite'") && Contains("twice"));
    CHECK_THAT(complaint([&](PkModel& m) { with_metabolite(m, "product"); }), Contains("reached by no route"));
    CHECK_THAT(complaint([&](PkModel& m) {
                   with_metabolite(m, "product");
                   m.flows.push_back({.from = "product", .to = "plasma", .rate_per_h = 1});
               }),
               Contains("turns into 'drug'"));
    CHECK(complaint([&](PkModel& m) {
              with_metabolite(m, "product");
              m.flows.push_back({.from = "plasma", .to = "product", .rate_per_h = 1});
          }).empty());
    CHECK_THAT(complaint([](PkModel& m) { m.reference_weight_kg = 0; }), Contains("reference_weight"));
}

TEST_CASE("doses that cannot be given are refused") {
    Pharmacokinetics pk(one_compartment());
    CHECK_THROWS_WITH(pk.give({.route = "rectal"}), Contains("'rectal'"));
    CHECK_THROWS_WITH(pk.give({.amount_mg = -1}), Contains("amount"));
    CHECK_THROWS_WITH(pk.give({.amount_mg = 1, .start_s = -1}), Contains("at"));
    CHECK_THROWS_WITH(pk.give({.amount_mg = 1, .duration_s = std::numeric_limits<double>::infinity()}),
                      Contains("over"));
    CHECK_THROWS_AS(pk.advance(2, 1), std::invalid_argument);
    CHECK_THROWS_AS(pk.amount_mg("brain"), std::invalid_argument);
    CHECK_THROWS_AS(pk.restore(Eigen::VectorXd::Zero(2)), std::invalid_argument);
    CHECK_THROWS_AS(repeated({}, 10, 0), std::invalid_argument);
    CHECK_THROWS_AS(repeated({}, 0, 2), std::invalid_argument);
    CHECK_THROWS_AS(scaled_to_weight(one_compartment(), 0), std::invalid_argument);
}

TEST_CASE("a repeated dose is a list of doses at equal distances") {
    const auto doses =
        repeated({.drug = "ketamine", .amount_mg = 35, .start_s = 100, .duration_s = 2400}, 3 * 86400.0, 6);
    REQUIRE(doses.size() == 6);
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(doses[i].start_s == 100 + 259200.0 * static_cast<double>(i));
        CHECK(doses[i].amount_mg == 35);
        CHECK(doses[i].duration_s == 2400);
    }
}

TEST_CASE("the events of a schedule are its starts and ends, with the lag of the route") {
    const Pharmacokinetics pk(one_compartment(), {{.amount_mg = 1, .start_s = 50, .duration_s = 10},
                                                  {.route = "oral", .amount_mg = 1, .start_s = 20}});
    CHECK(pk.next_event_after(0) == 50);
    CHECK(pk.next_event_after(50) == 60);
    CHECK(pk.next_event_after(60) == 20 + 0.25 * 3600);
    CHECK(pk.next_event_after(920) == std::numeric_limits<double>::infinity());
}

TEST_CASE("a bolus at a border between steps is given once, in the later step") {
    Pharmacokinetics pk(one_compartment(), {{.amount_mg = 4, .start_s = 10}});
    pk.advance(0, 10);
    CHECK(pk.total_amount_mg() == 0);
    pk.advance(10, 20);
    pk.advance(20, 30);
    CHECK(pk.total_amount_mg() + pk.eliminated_mg() == Approx(4).epsilon(1e-14));
}

TEST_CASE("a state that is saved and restored goes on with the same bits") {
    const std::vector<Dose> doses = {{.amount_mg = 35, .duration_s = 2400}};
    Pharmacokinetics whole(*find_published_model("otto2021"), doses);
    whole.advance(0, 1800);
    Pharmacokinetics resumed(*find_published_model("otto2021"), doses);
    resumed.restore(whole.state());
    whole.advance(1800, 5000);
    resumed.advance(1800, 5000);
    CHECK(whole.state() == resumed.state());
}

TEST_CASE("allometry: volumes with the weight, clearances with its power 0.75") {
    // Twice the weight: by hand 2 and 2^0.75 = 1.681793; a rate inside the body falls by 2^-0.25 = 0.840896.
    const PkModel heavy = scaled_to_weight(*find_published_model("perez_ruixo2021"), 140);
    CHECK(heavy.reference_weight_kg == 140);
    CHECK(heavy.compartments[0].volume_L == Approx(384));
    const auto flow = [&](std::string_view from, std::string_view to) {
        for (const Flow& f : heavy.flows)
            if (f.from == from && f.to == to) return f;
        throw std::runtime_error("no such flow");
    };
    CHECK(flow("central", "liver").clearance_L_per_h == Approx(151 * 1.681793).epsilon(1e-6));
    CHECK(flow("liver", "").rate_per_h == Approx(1.11 * 0.840896).epsilon(1e-6));
    CHECK(flow("nose", "central").rate_per_h == 2.93);
    // There and back is where it started.
    const PkModel back = scaled_to_weight(heavy, 70);
    CHECK(back.flows[0].rate_per_h == Approx(1.11).epsilon(1e-12));
}

TEST_CASE("a blocker that Mg would help is refused, and norketamine is the weaker one") {
    Blocker b;
    b.ic50_1mg_2c_uM = 0.1;
    CHECK_THROWS_WITH(block_constants(b), Contains("2c"));
    // Shaffer 2014, unbound plasma IC50 of 9.11 and 1.42 uM; their confidence intervals allow far more than 1
    // %.
    for (const Subunit s : {n2a, n2b, n2c, n2d})
        CHECK(ic50_uM(norketamine(), s, -50, 1.2) / ic50_uM(ketamine(), s, -50, 1.2) ==
              Approx(9.11 / 1.42).epsilon(0.01));
}

TEST_CASE("defaults of drug and blocker lie in their described ranges") {
    const auto in_range = []<class S>(const S& s) {
        for (const Parameter<S>& p : Described<S>::parameters)
            if (const auto* member = std::get_if<double S::*>(&p.member)) {
                INFO(p.name);
                CHECK(p.range.contains(s.**member));
            }
    };
    in_range(Blocker{});
    in_range(Species{});
    in_range(Dose{});
    in_range(RouteInput{});
    in_range(PkModel{});
}
