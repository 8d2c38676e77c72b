// Effects on named targets, and the shipped drugs as data.
#include "drug/shipped.hpp"
#include "drug/target.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace rewire;
using namespace rewire::drug;

TEST_CASE("an effect is efficacy times the Hill occupancy") {
    // Occupancies that need no computer: C/EC50 = 1 is a half, 9 is 0.9, and 3 with n = 2 is 0.9 again.
    CHECK(effect({Target::ampa, 0.15, 1, 1}, 0.15) == Approx(0.5).epsilon(1e-14));
    CHECK(effect({Target::ampa, 0.15, 1, 1}, 9 * 0.15) == Approx(0.9).epsilon(1e-14));
    CHECK(effect({Target::ampa, 0.15, 2, 1}, 3 * 0.15) == Approx(0.9).epsilon(1e-14));
    CHECK(effect({Target::ampa, 0.15, 2, 1}, 0.15 / 3) == Approx(0.1).epsilon(1e-14));
    CHECK(effect({Target::gaba_a, 0.005, 1, 0.5}, 0.015) == Approx(0.375).epsilon(1e-14));
    CHECK(effect({Target::ampa, 1, 1.5, -0.4}, 1) == Approx(-0.2).epsilon(1e-14));
    CHECK(effect({Target::ampa, 1, 1, 1}, 0) == 0);
    CHECK(effect({Target::ampa, 1, 1, 1}, -1e-30) == 0); // rounding of pharmacokinetics
    CHECK(effect({Target::ampa, 1, 20, 1}, 1e-300) == 0);
    CHECK(effect({Target::ampa, 1, 20, 1}, 1e300) == 1);
}

TEST_CASE("a drug and its metabolite compete for one site") {
    // Gaddum 1937: each at its EC50 binds a third. A partial agonist takes a full one's place.
    const TargetEffect full{Target::gaba_a, 0.1, 1, 0.6}, partial{Target::gaba_a, 2, 1, 0.3};
    Site both;
    both.add(full, 0.1), both.add(partial, 2);
    CHECK(both.effect() == Approx(0.6 / 3 + 0.3 / 3).epsilon(1e-14));
    Site displaced;
    displaced.add(full, 0.9), displaced.add(partial, 20 * 2); // 9 and 20 over 30
    CHECK(displaced.effect() == Approx((0.6 * 9 + 0.3 * 20) / 30).epsilon(1e-14));
    // Two names for one substance are one substance.
    Site halves;
    halves.add(full, 0.15), halves.add(full, 0.15);
    CHECK(halves.effect() == Approx(effect(full, 0.3)).epsilon(1e-14));
    CHECK(Site{}.effect() == 0);
}

TEST_CASE("drugs on one target act independently") {
    // Bliss 1939: antagonists that leave 1/2, 4/5 and 9/10 leave 0.36 together, in any order.
    const std::vector<double> losses{0.5, 0.2, 0.1};
    Effects forward, backward;
    for (std::size_t k = 0; k < 3; ++k) {
        forward.add(Target::nmda_2b, losses[k]);
        backward.add(Target::nmda_2b, losses[2 - k]);
    }
    CHECK(forward[Target::nmda_2b] == Approx(0.64).epsilon(1e-14));
    CHECK(backward[Target::nmda_2b] == Approx(0.64).epsilon(1e-14));
    CHECK(forward[Target::nmda] == 0); // the others stay as they are
    CHECK(together(Effect::loss, 1, 0.3) == 1);
    // An antagonist that leaves a half and a potentiator that doubles cancel.
    CHECK(together(Effect::loss, 0.5, -1) == Approx(0).margin(1e-15));
    // Gains multiply: 1.5 x 1.2 = 1.8. Amounts add.
    CHECK(together(Effect::gain, 0.5, 0.2) == Approx(0.8).epsilon(1e-14));
    CHECK(together(Effect::gain, -1, 3) == -1);
    CHECK(together(Effect::sum, 0.5, 0.2) == Approx(0.7).epsilon(1e-14));
    // What is absent changes nothing, bit for bit.
    for (const Effect kind : {Effect::loss, Effect::gain, Effect::sum}) CHECK(together(kind, 0.1, 0) == 0.1);
}

TEST_CASE("targets have names of their own, as drugs and as interventions") {
    std::set<std::string_view> names, interventions;
    for (const TargetInWords& t : targets) {
        names.insert(t.name), interventions.insert(t.intervention);
        CHECK(target_of(t.name) == t.target);
        CHECK_FALSE(t.meaning.empty());
    }
    CHECK(names.size() == targets.size());
    CHECK(interventions.size() == targets.size());
    CHECK_FALSE(target_of("nbqx"));
}

TEST_CASE("every shipped drug is a valid one that acts on something and says where its numbers are from") {
    std::set<std::string> names;
    for (const ShippedDrug& d : shipped_drugs()) {
        CAPTURE(d.name);
        CHECK(names.insert(d.name).second);
        CHECK(find_shipped_drug(d.name) == &d);
        CHECK_NOTHROW(check(d.pharmacokinetics));
        CHECK_FALSE(d.pharmacokinetics.source.empty());
        for (const Species& s : d.pharmacokinetics.species) {
            CAPTURE(s.name);
            const Action action = shipped_action(s.name);
            CHECK((action.block || !action.targets.empty()));
            CHECK_FALSE(action.source.empty());
            if (action.block) CHECK_NOTHROW(block_constants(*action.block));
            for (const TargetEffect& e : action.targets) {
                CHECK(e.ec50_uM > 0);
                if (targets[static_cast<std::size_t>(e.target)].effect == Effect::loss) CHECK(e.efficacy <= 1);
            }
        }
        // Each can be given by its usual routes.
        for (const Route& route : d.pharmacokinetics.routes)
            CHECK_NOTHROW(Pharmacokinetics(d.pharmacokinetics, {{.route = route.name, .amount_mg = 1}}));
    }
    for (const char* name : {"ketamine", "esketamine", "norketamine", "hydroxynorketamine", "nbqx", "nifedipine",
                             "rapamycin", "anti_bdnf", "ana12", "anisomycin", "midazolam", "fluoxetine"})
        CHECK(names.count(name) == 1);
    CHECK(find_shipped_drug("nothing") == nullptr);
    CHECK_FALSE(shipped_action("nothing").block);
}

TEST_CASE("enantiomers: the S forms block more than the racemate") {
    // Ebert 1997: Ki 0.3 (S) and 1.4 uM (R); of the racemate, half of each, 1/(0.5/0.3 + 0.5/1.4) = 0.494 uM.
    const Blocker s = *shipped_action("esketamine").block, rac = ketamine();
    CHECK(s.ic50_1mg_2b_uM / rac.ic50_1mg_2b_uM == Approx(0.3 / 0.49412).epsilon(1e-4));
    CHECK(s.ic50_0mg_2d_uM / rac.ic50_0mg_2d_uM == Approx(0.3 / 0.49412).epsilon(1e-4));
    // The metabolite stays 3 to 10 times weaker than its parent.
    const double ratio = shipped_action("noresketamine").block->ic50_1mg_2a_uM / s.ic50_1mg_2a_uM;
    CHECK(ratio > 3);
    CHECK(ratio < 10);
    // (2R,6R)-hydroxynorketamine blocks nothing at 10 uM (Lumsden 2019), and does nothing else unless told to.
    CHECK_FALSE(shipped_action("hydroxynorketamine").block);
    CHECK(effect(shipped_action("hydroxynorketamine").targets.at(0), 10) == 0);
}
