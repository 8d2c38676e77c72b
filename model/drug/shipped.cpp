// The shipped drugs. All numbers of bodies with one compartment, and potencies where nothing else is said, are from
// memory of the literature, [M]: trust the order of magnitude.

#include "drug/shipped.hpp"

#include <algorithm>

namespace rewire::drug {
namespace {

constexpr double ln2 = 0.693147180559945;
constexpr double norketamine_g_per_mol = 223.70;
constexpr double hydroxynorketamine_g_per_mol = 239.70;

// ---- actions

/// A blocker with every IC50 multiplied.
Blocker times(Blocker b, double factor) {
    for (double Blocker::*ic50 :
         {&Blocker::ic50_0mg_2a_uM, &Blocker::ic50_0mg_2b_uM, &Blocker::ic50_0mg_2c_uM, &Blocker::ic50_0mg_2d_uM,
          &Blocker::ic50_1mg_2a_uM, &Blocker::ic50_1mg_2b_uM, &Blocker::ic50_1mg_2c_uM, &Blocker::ic50_1mg_2d_uM})
        b.*ic50 *= factor;
    return b;
}

// A clearance of cytokines of k_k = efficacy/EC50 of the concentration while that is far below EC50. Off: efficacy 0.
constexpr TargetEffect disputed_clearance{Target::cytokines, 20, 1, 0};
constexpr const char* clearance_source =
    "; clearance of cytokines is disputed and off: lowered in Wang 2015, Clarke 2017 [V], not in Walker 2013 [M]; "
    "efficacy "
    "10 /h gives the 0.5 /(uM h) that a fall by a third or more within 6 h takes, EC50 assumed";

// Ki at the channel of S over that of the racemate, 1/K = (1/K_S + 1/K_R)/2, from Ebert et al. 1997, Eur J Pharmacol
// 333:99 [M]: ketamine 0.3 and 1.4 uM, norketamine 1.7 and 13 uM.
constexpr double esketamine_over_racemate = 0.3 * (1 / 0.3 + 1 / 1.4) / 2;
constexpr double noresketamine_over_racemate = 1.7 * (1 / 1.7 + 1 / 13.0) / 2;

struct NamedAction {
    std::string_view species;
    Action action;
};

const std::vector<NamedAction>& actions() {
    static const std::vector<NamedAction> all{
        {"ketamine",
         {ketamine(),
          {disputed_clearance},
          std::string("[M] Kotermanski & Johnson 2009; in vivo Shaffer 2014") + clearance_source}},
        {"esketamine",
         {times(ketamine(), esketamine_over_racemate),
          {disputed_clearance},
          std::string("racemic ketamine times 0.61, the ratio of affinities in Ebert 1997 [M]") + clearance_source,
          "ketamine's [M] Kotermanski & Johnson 2009, times 0.61 of Ebert 1997 [M]"}},
        {"norketamine",
         {norketamine(),
          {},
          "ketamine, 6.4 times weaker: Shaffer 2014",
          "ketamine's [M] Kotermanski & Johnson 2009, times 6.4 of Shaffer 2014"}},
        {"noresketamine",
         {times(norketamine(), noresketamine_over_racemate),
          {},
          "racemic norketamine times 0.57, the ratio of affinities in Ebert 1997 [M]",
          "ketamine's [M] Kotermanski & Johnson 2009, times 6.4 of Shaffer 2014, times 0.57 of Ebert 1997 [M]"}},
        {"hydroxynorketamine",
         {{},
          {{Target::ampa_gain, 3, 1, 0}},
          "no NMDA block at 10 uM: Lumsden 2019; a direct AMPA gain is disputed and off: set its efficacy, EC50 [M]"}},
        {"nbqx", {{}, {{Target::ampa, 0.15, 1, 1}}, "IC50 Sheardown 1990 [M]"}},
        {"nifedipine",
         {{}, {{Target::l_type, 0.1, 1, 1}}, "IC50 at neuronal resting potentials, [M] 0.02-0.3 uM, low confidence"}},
        {"rapamycin", {{}, {{Target::mtorc1, 1e-4, 1, 1}}, "IC50 in cells, Edwards & Wandless 2007 [M]"}},
        {"anti_bdnf", {{}, {{Target::bdnf, 1e-3, 1, 1}}, "affinity of a neutralising antibody, [M] about 1 nM"}},
        {"ana12",
         {{},
          {{Target::trkb, 0.0456, 1, 1}},
          "high-affinity IC50, Cazorla 2011 [M]; that the block is full is assumed"}},
        {"anisomycin", {{}, {{Target::protein_synthesis, 1, 1, 0.95}}, "[M] over 90 % at 10 uM, low confidence"}},
        {"midazolam",
         {{},
          {{Target::gaba_a, 0.005, 1, 0.5}},
          "[M] affinity 1-10 nM; longer openings carry half as much charge again, low confidence"}},
        {"fluoxetine",
         {{},
          {{Target::trkb_modulation, 2.4, 1, 0.3}},
          "K_D at the transmembrane site of TrkB: Casarotto 2021 [M]; efficacy assumed, low confidence"}},
        {"norfluoxetine", {{}, {{Target::trkb_modulation, 2.4, 1, 0.3}}, "assumed equal to fluoxetine [M]"}},
    };
    return all;
}

// ---- bodies

/// One compartment, all of it per kilogram.
struct Body {
    std::string drug;
    std::string meaning, source;
    double weight_kg;
    double molar_mass_g_per_mol;
    double volume_L_per_kg;
    double half_life_h;
    double unbound_fraction;
    double brain_plasma_unbound_ratio;
    double effect_site_rate_per_min = 0.5;
};

Flow elimination(const std::string& from, double half_life_h, double volume_L, const std::string& to = "") {
    return {.from = from, .to = to, .clearance_L_per_h = ln2 / half_life_h * volume_L};
}

PkModel one_compartment(const Body& b) {
    const double volume_L = b.volume_L_per_kg * b.weight_kg;
    PkModel m{.name = b.drug, .meaning = b.meaning, .source = b.source, .reference_weight_kg = b.weight_kg};
    m.compartments = {{"central", volume_L}};
    m.flows = {elimination("central", b.half_life_h, volume_L)};
    m.species = {{.name = b.drug,
                  .central = "central",
                  .molar_mass_g_per_mol = b.molar_mass_g_per_mol,
                  .counted_as_g_per_mol = b.molar_mass_g_per_mol,
                  .unbound_fraction = b.unbound_fraction,
                  .brain_plasma_unbound_ratio = b.brain_plasma_unbound_ratio,
                  .effect_site_rate_per_min = b.effect_site_rate_per_min}};
    m.routes = {{"intravenous", {{"central"}}}};
    return m;
}

/// A route through a depot that the drug leaves at first order.
void absorb(PkModel& m, const std::string& route, const std::string& depot, double rate_per_h, double available = 1) {
    m.compartments.push_back({depot, 0});
    m.flows.push_back({.from = depot, .to = "central", .rate_per_h = rate_per_h});
    m.routes.push_back({route, {{depot, available}}});
}

/// Injections as into a rodent.
void inject(PkModel& m, double intraperitoneal_per_h, double subcutaneous_per_h) {
    absorb(m, "intraperitoneal", "peritoneum", intraperitoneal_per_h);
    absorb(m, "subcutaneous", "skin", subcutaneous_per_h);
}

PkModel published(std::string_view name) { return *find_published_model(name); }

PkModel norketamine_body() {
    PkModel m{.name = "norketamine",
              .meaning = "norketamine in venous plasma of healthy adults",
              .source = "disposition of the metabolite in Otto 2021; absorption as of ketamine there"};
    m.compartments = {{"central", 98.6}, {"peripheral", 160}};
    m.flows = {{.from = "central", .clearance_L_per_h = 57.7},
               {.from = "central", .to = "peripheral", .clearance_L_per_h = 42.8},
               {.from = "peripheral", .to = "central", .clearance_L_per_h = 42.8}};
    m.species = {{.name = "norketamine",
                  .central = "central",
                  .molar_mass_g_per_mol = norketamine_g_per_mol,
                  .counted_as_g_per_mol = norketamine_g_per_mol}};
    m.routes = {{"intravenous", {{"central"}}}};
    absorb(m, "intramuscular", "muscle", 4, 0.93);
    inject(m, 6, 2.5);
    return m;
}

PkModel hydroxynorketamine_body() {
    constexpr double per_min = 60;
    PkModel m{.name = "hydroxynorketamine",
              .meaning = "(2R,6R)-hydroxynorketamine in plasma of healthy adults",
              .source = "disposition of the metabolite in Simons 2022; [M] absorption as in rodents"};
    m.compartments = {{"central", 4.4}, {"peripheral", 87.5}};
    m.flows = {{.from = "central", .clearance_L_per_h = 0.933 * per_min},
               {.from = "central", .to = "peripheral", .clearance_L_per_h = 1.70 * per_min},
               {.from = "peripheral", .to = "central", .clearance_L_per_h = 1.70 * per_min}};
    m.species = {{.name = "hydroxynorketamine",
                  .central = "central",
                  .molar_mass_g_per_mol = hydroxynorketamine_g_per_mol,
                  .counted_as_g_per_mol = hydroxynorketamine_g_per_mol}};
    m.routes = {{"intravenous", {{"central"}}}};
    inject(m, 6, 2.5);
    return m;
}

PkModel nbqx_body() {
    PkModel m = one_compartment({.drug = "nbqx",
                                 .meaning = "NBQX in the mouse, one compartment",
                                 .source = "[M] short-lived and hardly in the brain; low confidence",
                                 .weight_kg = 0.025,
                                 .molar_mass_g_per_mol = 336.28,
                                 .volume_L_per_kg = 0.5,
                                 .half_life_h = 0.5,
                                 .unbound_fraction = 0.5,
                                 .brain_plasma_unbound_ratio = 0.02});
    inject(m, 15, 10);
    return m;
}

PkModel nifedipine_body() {
    PkModel m =
        one_compartment({.drug = "nifedipine",
                         .meaning = "nifedipine in man, one compartment",
                         .source = "[M] Kleinbloesem 1984: half-life 2 h, 0.8 L/kg, oral half available, 96 % bound",
                         .weight_kg = 70,
                         .molar_mass_g_per_mol = 346.34,
                         .volume_L_per_kg = 0.8,
                         .half_life_h = 2,
                         .unbound_fraction = 0.04,
                         .brain_plasma_unbound_ratio = 0.5});
    absorb(m, "oral", "gut", 2.5, 0.5);
    inject(m, 6, 2.5);
    return m;
}

PkModel rapamycin_body() {
    PkModel m =
        one_compartment({.drug = "rapamycin",
                         .meaning = "rapamycin (sirolimus) in man, one compartment",
                         .source = "[M] Zimmerman & Kahan 1997: half-life 62 h, 12 L/kg, oral 15 %; 92 % bound; "
                                   "little in the brain, low confidence",
                         .weight_kg = 70,
                         .molar_mass_g_per_mol = 914.2,
                         .volume_L_per_kg = 12,
                         .half_life_h = 62,
                         .unbound_fraction = 0.08,
                         .brain_plasma_unbound_ratio = 0.1,
                         .effect_site_rate_per_min = 0.02});
    absorb(m, "oral", "gut", 2, 0.15);
    inject(m, 2, 1);
    return m;
}

PkModel anti_bdnf_body() {
    PkModel m = one_compartment({.drug = "anti_bdnf",
                                 .meaning = "a neutralising antibody in 10 uL of rat cortex, one compartment",
                                 .source = "[M] infused there by Lepack 2014; half-life of half a day assumed",
                                 .weight_kg = 0.3,
                                 .molar_mass_g_per_mol = 150000,
                                 .volume_L_per_kg = 10e-6 / 0.3,
                                 .half_life_h = 12,
                                 .unbound_fraction = 1,
                                 .brain_plasma_unbound_ratio = 1});
    m.routes = {{"intracerebral", {{"central"}}}};
    return m;
}

PkModel ana12_body() {
    PkModel m = one_compartment({.drug = "ana12",
                                 .meaning = "ANA-12, a TrkB blocker, in the mouse, one compartment",
                                 .source = "[M] Cazorla 2011: in the brain for hours after 0.5 mg/kg; low confidence",
                                 .weight_kg = 0.025,
                                 .molar_mass_g_per_mol = 407.5,
                                 .volume_L_per_kg = 1,
                                 .half_life_h = 1.5,
                                 .unbound_fraction = 0.1,
                                 .brain_plasma_unbound_ratio = 1});
    inject(m, 15, 10);
    return m;
}

PkModel anisomycin_body() {
    PkModel m =
        one_compartment({.drug = "anisomycin",
                         .meaning = "anisomycin in the mouse, one compartment",
                         .source = "[M] synthesis in the brain is stopped for hours by 100 mg/kg; low confidence",
                         .weight_kg = 0.025,
                         .molar_mass_g_per_mol = 265.3,
                         .volume_L_per_kg = 1,
                         .half_life_h = 0.6,
                         .unbound_fraction = 0.8,
                         .brain_plasma_unbound_ratio = 0.5});
    inject(m, 15, 10);
    return m;
}

PkModel midazolam_body() {
    PkModel m = one_compartment({.drug = "midazolam",
                                 .meaning = "midazolam, a benzodiazepine, in man, one compartment",
                                 .source = "[M] Greenblatt 1984: half-life 2.5 h, 1.1 L/kg, oral 40 %, 97 % bound",
                                 .weight_kg = 70,
                                 .molar_mass_g_per_mol = 325.77,
                                 .volume_L_per_kg = 1.1,
                                 .half_life_h = 2.5,
                                 .unbound_fraction = 0.03,
                                 .brain_plasma_unbound_ratio = 0.9,
                                 .effect_site_rate_per_min = 0.2});
    absorb(m, "oral", "gut", 3, 0.4);
    absorb(m, "intramuscular", "muscle", 4, 0.9);
    inject(m, 6, 2.5);
    return m;
}

// TrkB's site lies in the membrane, where SSRIs accumulate: what counts there is the whole concentration in tissue,
// some 15 times that of plasma. Unbound fraction and ratio are set to give that one.
PkModel fluoxetine_body() {
    constexpr double tissue_over_plasma = 15;
    constexpr double parent_volume_L = 1750, metabolite_volume_L = 2060;
    PkModel m = one_compartment(
        {.drug = "fluoxetine",
         .meaning = "fluoxetine and norfluoxetine in man, one compartment each",
         .source =
             "[M] half-lives 4 and 9 d, plasma 50-150 ng/mL of each on 20 mg a day; tissue over plasma 15 (10-20, "
             "Karson 1993), which reaches the 10-30 uM of Casarotto 2021; apparent volumes, oral counts in full",
         .weight_kg = 70,
         .molar_mass_g_per_mol = 309.33,
         .volume_L_per_kg = parent_volume_L / 70,
         .half_life_h = 96,
         .unbound_fraction = 1,
         .brain_plasma_unbound_ratio = tissue_over_plasma,
         .effect_site_rate_per_min = 0.01});
    m.compartments.push_back({"norfluoxetine", metabolite_volume_L});
    m.flows = {elimination("central", 96, parent_volume_L, "norfluoxetine"),
               elimination("norfluoxetine", 216, metabolite_volume_L)};
    m.species.push_back({.name = "norfluoxetine",
                         .central = "norfluoxetine",
                         .molar_mass_g_per_mol = 295.3,
                         .counted_as_g_per_mol = 309.33,
                         .unbound_fraction = 1,
                         .brain_plasma_unbound_ratio = tissue_over_plasma,
                         .effect_site_rate_per_min = 0.01});
    absorb(m, "oral", "gut", 0.3);
    inject(m, 6, 2.5);
    return m;
}

} // namespace

Action shipped_action(std::string_view species) {
    const auto found = std::ranges::find(actions(), species, &NamedAction::species);
    return found == actions().end() ? Action{} : found->action;
}

const std::vector<ShippedDrug>& shipped_drugs() {
    static const std::vector<ShippedDrug> drugs{
        {"ketamine", "racemic ketamine, with norketamine", published("otto2021")},
        {"esketamine", "S-ketamine, with S-norketamine", published("perez_ruixo2021")},
        {"norketamine", "racemic norketamine", norketamine_body()},
        {"hydroxynorketamine", "(2R,6R)-hydroxynorketamine", hydroxynorketamine_body()},
        {"nbqx", "antagonist of AMPA receptors", nbqx_body()},
        {"nifedipine", "blocker of L-type calcium channels", nifedipine_body()},
        {"rapamycin", "inhibitor of mTORC1", rapamycin_body()},
        {"anti_bdnf", "antibody that scavenges BDNF", anti_bdnf_body()},
        {"ana12", "blocker of TrkB", ana12_body()},
        {"anisomycin", "inhibitor of protein synthesis", anisomycin_body()},
        {"midazolam", "benzodiazepine: positive modulator of GABA_A receptors", midazolam_body()},
        {"fluoxetine", "SSRI: accumulates over weeks, positive modulator of TrkB", fluoxetine_body()},
    };
    return drugs;
}

const ShippedDrug* find_shipped_drug(std::string_view name) {
    const auto found = std::ranges::find(shipped_drugs(), name, &ShippedDrug::name);
    return found == shipped_drugs().end() ? nullptr : &*found;
}

} // namespace rewire::drug
