// Bodies of the shipped drugs against closed solutions and the levels that they are known for.
#include "drug/shipped.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace rewire::drug;

namespace {

constexpr double hour = 3600, day = 24 * hour;

const PkModel& body(std::string_view drug) { return find_shipped_drug(drug)->pharmacokinetics; }

Pharmacokinetics after(const PkModel& model, const std::vector<Dose>& doses, double t_s) {
    Pharmacokinetics pk(model, doses);
    pk.advance(0, t_s);
    return pk;
}

} // namespace

TEST_CASE("shipped one-compartment bodies follow the closed solutions") {
    // D/V exp(-k t), and Bateman 1910 out of a depot: exact method, only rounding is left.
    struct Known {
        const char* drug;
        double weight_kg, volume_L_per_kg, half_life_h;
        const char* route;
        double ka_per_h, available;
    };
    for (const Known& k :
         {Known{"nbqx", 0.025, 0.5, 0.5, "intraperitoneal", 15, 1}, Known{"nifedipine", 70, 0.8, 2, "oral", 2.5, 0.5},
          Known{"rapamycin", 70, 12, 62, "oral", 2, 0.15}, Known{"ana12", 0.025, 1, 1.5, "subcutaneous", 10, 1},
          Known{"anisomycin", 0.025, 1, 0.6, "subcutaneous", 10, 1},
          Known{"midazolam", 70, 1.1, 2.5, "intramuscular", 4, 0.9}}) {
        CAPTURE(k.drug);
        const PkModel model = scaled_to_weight(body(k.drug), k.weight_kg);
        const double volume_L = k.volume_L_per_kg * k.weight_kg, rate = std::log(2.0) / k.half_life_h;
        for (const double t_h : {0.1, 1.0, 5.0}) {
            CAPTURE(t_h);
            CHECK(after(model, {{.amount_mg = 2}}, t_h * hour).plasma_ng_per_mL(0) ==
                  Approx(2000 / volume_L * std::exp(-rate * t_h)).epsilon(1e-9));
            CHECK(after(model, {{.route = k.route, .amount_mg = 2}}, t_h * hour).plasma_ng_per_mL(0) ==
                  Approx(2000 * k.available * k.ka_per_h / volume_L / (k.ka_per_h - rate) *
                         (std::exp(-rate * t_h) - std::exp(-k.ka_per_h * t_h)))
                      .epsilon(1e-9));
        }
    }
    // The antibody sits where it was put: 0.5 ug of 150 kDa in 10 uL are 0.333 uM, half of it after 12 h.
    const PkModel rat = scaled_to_weight(body("anti_bdnf"), 0.3);
    const Dose into_cortex{.route = "intracerebral", .amount_mg = 5e-4};
    // Rates over so small a volume are entries of 1e6 in the matrix and cost digits.
    CHECK(after(rat, {into_cortex}, 12 * hour).unbound_plasma_uM(0) == Approx(0.5 / 3).epsilon(1e-7));
}

TEST_CASE("a mouse's drug in a man keeps its level per dose and lasts longer, with the quarter power of weight") {
    const Dose dose{.amount_mg = 10 * 70}; // 10 mg/kg
    const PkModel man = scaled_to_weight(body("nbqx"), 70);
    const double half_life_h = 0.5 * std::pow(70 / 0.025, 0.25);
    CHECK(after(man, {dose}, 1).plasma_ng_per_mL(0) == Approx(10 / 0.5 * 1000).epsilon(1e-3));
    CHECK(after(man, {dose}, half_life_h * hour).plasma_ng_per_mL(0) == Approx(10 / 0.5 * 500).epsilon(1e-9));
}

TEST_CASE("an SSRI accumulates in the brain over weeks") {
    std::vector<Dose> doses;
    for (int d = 0; d < 56; ++d) doses.push_back({.route = "oral", .amount_mg = 20, .start_s = d * day});
    Pharmacokinetics pk(body("fluoxetine"), doses);
    const auto brain_uM = [&] { return pk.unbound_brain_uM(0) + pk.unbound_brain_uM(1); };
    const auto modulation = [&] {
        Site site;
        for (std::size_t k = 0; k < 2; ++k)
            site.add(shipped_action(pk.model().species[k].name).targets.at(0), pk.unbound_brain_uM(k));
        return site.effect();
    };
    pk.advance(0, day);
    const double day1_uM = brain_uM(), day1 = modulation();
    pk.advance(day, 14 * day);
    const double day14_uM = brain_uM();
    pk.advance(14 * day, 56 * day);
    const double day56_uM = brain_uM(), day56 = modulation();
    CAPTURE(day1_uM, day14_uM, day56_uM, day1, day56);
    // Trough levels on 20 mg a day: 50-150 ng/mL of each in plasma, 10 uM and more in tissue late (7 to 30 accepted).
    CHECK(pk.plasma_ng_per_mL(0) > 50);
    CHECK(pk.plasma_ng_per_mL(0) < 150);
    CHECK(pk.plasma_ng_per_mL(1) > 50);
    CHECK(pk.plasma_ng_per_mL(1) < 150);
    CHECK(day56_uM > 7);
    CHECK(day56_uM < 30);
    CHECK(day1_uM < 0.1 * day56_uM);
    CHECK(day14_uM > 0.4 * day56_uM);
    CHECK(day14_uM < 0.9 * day56_uM);
    CHECK(day1 < 0.3 * day56);
    // Mean level at the steady state: what is given is cleared, dose/(CL interval); 20 mg/d over 12.64 L/h = 66 ng/mL,
    // here as the mean over a day in hourly steps.
    double sum = 0;
    for (int h = 0; h < 24; ++h) {
        pk.advance(56 * day + h * hour, 56 * day + (h + 1) * hour);
        sum += pk.plasma_ng_per_mL(0);
    }
    CHECK(sum / 24 < 66); // the last dose was on day 55
    CHECK(sum / 24 > 45);
}

TEST_CASE("rapamycin blocks mTORC1 of a rodent at the doses of the experiments, and of a man only in part") {
    // 5-10 mg/kg i.p. abolish the effects of ketamine in rodents; 6 mg by mouth did not in man (Abdallah 2020).
    const auto block = [](double weight_kg, const Dose& dose, double t_h) {
        const Pharmacokinetics pk = after(scaled_to_weight(body("rapamycin"), weight_kg), {dose}, t_h * hour);
        return effect(shipped_action("rapamycin").targets.at(0), pk.unbound_brain_uM(0));
    };
    CHECK(block(0.3, {.route = "intraperitoneal", .amount_mg = 10 * 0.3}, 3) > 0.9);
    const double man = block(70, {.route = "oral", .amount_mg = 6}, 3);
    CHECK(man > 0.05);
    CHECK(man < 0.6);
}
