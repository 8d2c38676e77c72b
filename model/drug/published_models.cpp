// The numbers of the published compartment models, for 70 kg unless said; structure and source stand with
// each.

#include <cmath>

#include "drug/pharmacokinetics.hpp"

namespace rewire::drug {
namespace {

constexpr double per_min = 60; ///< per minute, and litres per minute, to per hour
constexpr double norketamine_g_per_mol = 223.70;
constexpr double hydroxynorketamine_g_per_mol = 239.70;
constexpr double esketamine_unbound = 0.65; // Schmidt & Holzgrabe 2024

// Absorption that the models with intravenous data lack.
constexpr double muscle_fraction = 0.93;    // [M] Clements 1982
constexpr double muscle_rate_per_h = 4;     // [M] Grant 1981: peak of venous plasma 22 min after the injection
constexpr double skin_fraction = 0.93;      // [M] as from muscle: similar exposure in Loo 2016
constexpr double skin_rate_per_h = 2.5;     // [M] somewhat slower than from muscle, Loo 2016
constexpr double peritoneum_rate_per_h = 6; // [M] like rodents; no human data
constexpr double hepatic_extraction = 0.72; // of portal blood: Perez-Ruixo 2021, from Qh and Vh (kel + kmet)
constexpr double oral_escape = 0.08;        // Fanta 2015: bioavailability of oral S-ketamine
constexpr double oral_rate_per_h = 0.97;    // Perez-Ruixo 2021, oral solution
constexpr double oral_duration_h = 0.32;    // Perez-Ruixo 2021, oral solution
constexpr double nasal_fraction = 0.54;     // Perez-Ruixo 2021: share of a first spray taken up by the nose
constexpr double nasal_later_fraction = 0.62 * nasal_fraction; // Perez-Ruixo 2021: each later spray
constexpr double nasal_rate_per_h = 2.93;                      // Perez-Ruixo 2021
constexpr double swallowed_rate_per_h = 1.45;                  // Perez-Ruixo 2021, swallowed part of a spray
constexpr double swallowed_duration_h = 0.53;                  // Perez-Ruixo 2021, swallowed part of a spray
constexpr double gut_wall_escape = 0.64;                       // Perez-Ruixo 2021, F_gut

Flow by_rate(std::string from, std::string to, double rate_per_h, double share = 1) {
    return {.from = std::move(from), .to = std::move(to), .rate_per_h = rate_per_h, .fraction = share};
}

Flow by_clearance(std::string from, std::string to, double clearance_L_per_h, double share = 1) {
    return {.from = std::move(from), .to = std::move(to), .clearance_L_per_h = clearance_L_per_h, .fraction = share};
}

/// Exchange by the same clearance both ways.
void exchange(PkModel& model, const std::string& a, const std::string& b, double clearance_L_per_h) {
    model.flows.push_back(by_clearance(a, b, clearance_L_per_h));
    model.flows.push_back(by_clearance(b, a, clearance_L_per_h));
}

void add_depot(PkModel& model, const std::string& depot, const std::string& to, double rate_per_h) {
    model.compartments.push_back({depot, 0});
    model.flows.push_back(by_rate(depot, to, rate_per_h));
}

/// A depot drained by the portal vein: the share `escape` reaches plasma, the rest is metabolised on its
/// first pass.
void add_portal_depot(PkModel& model, const std::string& depot, const std::string& metabolised_to, double rate_per_h,
                      double escape) {
    model.compartments.push_back({depot, 0});
    model.flows.push_back(by_rate(depot, "central", rate_per_h * escape));
    model.flows.push_back(by_rate(depot, metabolised_to, rate_per_h * (1 - escape)));
}

Variation of_volume(std::string name, std::string compartment, double variance) {
    return {.name = std::move(name), .volume = std::move(compartment), .variance = variance};
}

Variation of_flow(std::string name, std::string from, std::string to, double variance, bool both_ways = false) {
    return {.name = std::move(name),
            .from = std::move(from),
            .to = std::move(to),
            .both_ways = both_ways,
            .variance = variance};
}

/// Variance of the logarithm of a log-normal number with this coefficient of variation.
double log_variance(double coefficient_of_variation) {
    return std::log1p(coefficient_of_variation * coefficient_of_variation);
}

void add_injections(PkModel& model) {
    add_depot(model, "muscle", "central", muscle_rate_per_h);
    add_depot(model, "skin", "central", skin_rate_per_h);
    model.routes.push_back({"intravenous", {{"central"}}});
    model.routes.push_back({"intramuscular", {{"muscle", muscle_fraction}}});
    model.routes.push_back({"subcutaneous", {{"skin", skin_fraction}}});
    model.routes.push_back({"intraperitoneal", {{"peritoneum"}}});
}

/// A first spray of 28 mg, and the further sprays of a session, of which the nose takes up less.
void add_sprays(PkModel& model, const std::string& swallowed_into, double duration_h) {
    add_depot(model, "nose", "central", nasal_rate_per_h);
    for (const auto& [name, share] :
         {std::pair{"intranasal", nasal_fraction}, std::pair{"intranasal_later_spray", nasal_later_fraction}})
        model.routes.push_back({name, {{"nose", share}, {swallowed_into, 1 - share, duration_h}}});
}

// Otto et al. 2021, Eur J Clin Pharmacol 77:1181, table 3, with ketamine of Fanta et al. 2015, Eur J Clin
// Pharmacol 71:441. Norketamine was fitted in its own mass without conversion: a milligram cleared gives a
// milligram. As they ran it (nlmixr2lib [R]), weight scales the central volumes and the clearances alone; here it
// scales peripheral volumes and exchange, too, as in every model (scaled_to_weight).
PkModel otto2021() {
    PkModel m{.name = "otto2021",
              .meaning = "ketamine and norketamine in venous plasma of healthy adults",
              .source =
                  "Otto 2021, Fanta 2015; nasal and oral absorption Perez-Ruixo 2021, oral F Fanta 2015; [M] "
                  "intramuscular Grant 1981 and Clements 1982, subcutaneous Loo 2016, intraperitoneal as rodents"};
    m.compartments = {{"central", 133},
                      {"peripheral1", 187},
                      {"peripheral2", 98.8},
                      {"norketamine", 98.6},
                      {"norketamine_peripheral", 160}};
    m.flows = {by_clearance("central", "norketamine", 95.2), by_clearance("norketamine", "", 57.7)};
    exchange(m, "central", "peripheral1", 23.2);
    exchange(m, "central", "peripheral2", 157);
    exchange(m, "norketamine", "norketamine_peripheral", 42.8);
    m.species = {{.name = "ketamine", .central = "central"},
                 {.name = "norketamine",
                  .central = "norketamine",
                  .molar_mass_g_per_mol = norketamine_g_per_mol,
                  .counted_as_g_per_mol = norketamine_g_per_mol}};
    add_injections(m);
    add_portal_depot(m, "peritoneum", "norketamine", peritoneum_rate_per_h, 1 - hepatic_extraction);
    add_portal_depot(m, "gut", "norketamine", oral_rate_per_h, oral_escape);
    add_sprays(m, "gut", swallowed_duration_h);
    m.routes.push_back({"oral", {{"gut", 1, oral_duration_h}}});
    m.variations = {of_volume("V1", "central", 0.084), of_flow("CL", "central", "norketamine", 0.026),
                    of_volume("norketamine_V1", "norketamine", 0.040),
                    of_flow("norketamine_CL", "norketamine", "", 0.103)};
    m.covariances = {{"V1", "CL", 0.023}, {"norketamine_V1", "norketamine_CL", 0.045}};
    return m;
}

// Simons et al. 2022, Front Pain Res 3:946486, table 4 and figure 2. Everything is counted in ketamine
// equivalents. Of the gut only the delays are theirs: their 116 % of a film that reaches the liver would not
// conserve mass. Variability between subjects: omega^2 of table 4 [R]. Left out, as a variation here is of one number:
// that of the first transit (0.021), and that the norketamine volume goes with VK1.
PkModel simons2022() {
    constexpr double to_norketamine_per_h = 2 / 20.1 * per_min; // two stages, mean transit 20.1 min together
    constexpr double to_hydroxynorketamine_per_h = 2 / 1.12 * per_min;
    constexpr double gut_rate_per_h = 0.049 * per_min;
    constexpr double gut_duration_h = 29.9 / 60;
    constexpr double portal_rate_per_h = 1 / 10.7 * per_min;

    PkModel m{.name = "simons2022",
              .meaning = "ketamine, norketamine and hydroxynorketamine in arterial plasma of healthy adults",
              .source = "Simons 2022; nasal absorption Perez-Ruixo 2021, oral F Fanta 2015; [M] intramuscular Grant "
                        "1981 and Clements 1982, subcutaneous Loo 2016, intraperitoneal as rodents"};
    m.compartments = {{"central", 11.6},
                      {"peripheral1", 39.0},
                      {"peripheral2", 174},
                      {"metabolism1", 0},
                      {"metabolism2", 0},
                      {"norketamine", 11.6},
                      {"norketamine_peripheral", 221},
                      {"hydroxylation1", 0},
                      {"hydroxylation2", 0},
                      {"hydroxynorketamine", 4.4},
                      {"hydroxynorketamine_peripheral", 87.5}};
    m.flows = {by_clearance("central", "metabolism1", 1.48 * per_min),
               by_rate("metabolism1", "metabolism2", to_norketamine_per_h),
               by_rate("metabolism2", "norketamine", to_norketamine_per_h, 0.8),
               by_clearance("norketamine", "hydroxylation1", 1.00 * per_min),
               by_rate("hydroxylation1", "hydroxylation2", to_hydroxynorketamine_per_h),
               by_rate("hydroxylation2", "hydroxynorketamine", to_hydroxynorketamine_per_h, 0.7),
               by_clearance("hydroxynorketamine", "", 0.933 * per_min)};
    exchange(m, "central", "peripheral1", 2.43 * per_min);
    exchange(m, "central", "peripheral2", 1.21 * per_min);
    exchange(m, "norketamine", "norketamine_peripheral", 2.63 * per_min);
    exchange(m, "hydroxynorketamine", "hydroxynorketamine_peripheral", 1.70 * per_min);
    m.species = {{.name = "ketamine", .central = "central"},
                 {.name = "norketamine", .central = "norketamine", .molar_mass_g_per_mol = norketamine_g_per_mol},
                 {.name = "hydroxynorketamine",
                  .central = "hydroxynorketamine",
                  .molar_mass_g_per_mol = hydroxynorketamine_g_per_mol}};
    add_injections(m);
    add_portal_depot(m, "peritoneum", "metabolism1", peritoneum_rate_per_h, 1 - hepatic_extraction);
    add_portal_depot(m, "gut", "portal", gut_rate_per_h, oral_escape);
    add_depot(m, "portal", "metabolism1", portal_rate_per_h);
    add_sprays(m, "gut", gut_duration_h);
    m.routes.push_back({"oral", {{"gut", 1, gut_duration_h}}});
    m.variations = {of_volume("VK1", "central", 0.057),
                    of_flow("CLK1", "central", "metabolism1", 0.029),
                    of_flow("CLK3", "central", "peripheral2", 0.026, true),
                    of_flow("CLN1", "norketamine", "hydroxylation1", 0.050),
                    of_volume("VH1", "hydroxynorketamine", 1.22),
                    of_flow("CLH1", "hydroxynorketamine", "", 0.103),
                    of_flow("CLH2", "hydroxynorketamine", "hydroxynorketamine_peripheral", 0.287, true)};
    return m;
}

// Perez-Ruixo et al. 2021, Clin Pharmacokinet 60:501, table 3. Taken literally it predicts 1.4 times their
// area under the noresketamine curve, though its peak to 2 %; esketamine agrees to 4 %. Noresketamine in its
// own mass. Left out of the variability of table 3: that of FRn (0.708, on the logit); that of k_met is not printed.
// The oral rate is printed with the variability of the swallowed one [R]. Weight had no effect in their data.
PkModel perez_ruixo2021() {
    PkModel m{.name = "perez_ruixo2021",
              .meaning = "intranasal, intravenous and oral esketamine and noresketamine",
              .source = "Perez-Ruixo 2021; [M] intramuscular Grant 1981 and Clements 1982, subcutaneous Loo 2016, "
                        "intraperitoneal as rodents"};
    m.compartments = {{"central", 192},      {"peripheral1", 143},
                      {"peripheral2", 417},  {"liver", 101},
                      {"noresketamine", 70}, {"noresketamine_peripheral", 115},
                      {"swallowed", 0},      {"gut", 0}};
    m.flows = {by_rate("liver", "", 1.11), by_rate("liver", "noresketamine", 2.77),
               by_clearance("noresketamine", "", 38.0),
               by_rate("swallowed", "liver", swallowed_rate_per_h, gut_wall_escape),
               by_rate("gut", "liver", oral_rate_per_h, gut_wall_escape)};
    exchange(m, "central", "peripheral1", 84.3);
    exchange(m, "central", "peripheral2", 37.6);
    exchange(m, "central", "liver", 151);
    exchange(m, "noresketamine", "noresketamine_peripheral", 26.1);
    m.species = {{.name = "esketamine", .central = "central", .unbound_fraction = esketamine_unbound},
                 {.name = "noresketamine",
                  .central = "noresketamine",
                  .molar_mass_g_per_mol = norketamine_g_per_mol,
                  .counted_as_g_per_mol = norketamine_g_per_mol}};
    add_injections(m);
    add_depot(m, "peritoneum", "liver", peritoneum_rate_per_h);
    add_sprays(m, "swallowed", swallowed_duration_h);
    m.routes.push_back({"oral", {{"gut", 1, oral_duration_h}}});
    m.variations = {of_volume("Vc", "central", log_variance(0.275)),
                    of_volume("Vp1", "peripheral1", log_variance(0.49)),
                    of_volume("Vh", "liver", log_variance(0.35)),
                    of_flow("Qh", "central", "liver", log_variance(0.23), true),
                    of_flow("k_el", "liver", "", log_variance(1.20)),
                    of_flow("ka_nasal", "nose", "central", log_variance(0.615)),
                    of_flow("ka_swallowed", "swallowed", "liver", log_variance(1.32)),
                    of_flow("ka_oral", "gut", "liver", log_variance(1.32)),
                    of_volume("Vcn", "noresketamine", log_variance(0.316)),
                    of_flow("CLn", "noresketamine", "", log_variance(0.254))};
    return m;
}

// [M] Maxwell 2006, Zanos 2016: half-life 20 min, V/F 4 L/kg, absorption 15 /h. Volume and clearance are
// apparent, so that an intraperitoneal dose counts in full and the other routes are as available as it is.
PkModel mouse() {
    constexpr double weight_kg = 0.025;
    constexpr double volume_L = 4 * weight_kg;
    constexpr double half_life_h = 1.0 / 3;
    PkModel m{.name = "mouse",
              .meaning = "ketamine in plasma of the mouse, one compartment",
              .source = "[M] Maxwell 2006, Zanos 2016: half-life 20 min (10-35), V/F 3-5 L/kg, absorption 10-20 /h",
              .reference_weight_kg = weight_kg};
    m.compartments = {{"central", volume_L}, {"peritoneum", 0}, {"muscle", 0}, {"skin", 0}};
    m.flows = {by_clearance("central", "", 0.693147180559945 / half_life_h * volume_L),
               by_rate("peritoneum", "central", 15), by_rate("muscle", "central", 15), by_rate("skin", "central", 10)};
    m.species = {{.name = "ketamine", .central = "central"}};
    m.routes = {{"intravenous", {{"central"}}},
                {"intramuscular", {{"muscle"}}},
                {"subcutaneous", {{"skin"}}},
                {"intraperitoneal", {{"peritoneum"}}}};
    return m;
}

} // namespace

const std::vector<PkModel>& published_models() {
    static const std::vector<PkModel> models{otto2021(), simons2022(), perez_ruixo2021(), mouse()};
    return models;
}

} // namespace rewire::drug
