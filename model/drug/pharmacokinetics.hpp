#pragma once
// Pharmacokinetics: where a drug is in the body, as linear compartments that exchange it.
//
//     dA_i/dt = sum_j f_ji k_ji A_j - sum_j k_ij A_i + u_i(t)       A: amount (mg), k = rate or clearance /
//     volume dCe/dt  = ke0 (C_plasma - Ce)                                 effect site, Sheiner et al. 1979
//     C_brain,unbound = Ce fu Kp,uu / M                             what reaches the channels
//
// (compartment models: Gibaldi & Perrier 1982, Pharmacokinetics, ch. 2). A model is data: compartments,
// flows, species (the drug and its metabolites) and routes of administration. The system is linear with
// inputs that are constant between the starts and ends of doses, so that it is advanced by a matrix
// exponential, exactly and for any length of step. Published models stand in published_models.cpp; a user's
// own model goes through `check`.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "quantity/parameter.hpp"

namespace rewire::drug {

/// From a milligram to a tonne, between which allometry keeps rates in proportion.
inline constexpr Range weight_range_kg{1e-6, 1000};

/// Rates above this, half-lives of a few microseconds, are refused: the matrix exponential loses what is slow beside
/// them.
inline constexpr double fastest_per_h = 1e9;

/// A place that holds drug. Without a volume it is only an amount: a depot or a transit stage.
struct Compartment {
    std::string name;
    double volume_L = 0;
};

/// Drug that leaves `from` at first order, by rate or by clearance. The share `fraction` of it arrives in
/// `to`; the rest, or all of it when `to` is empty, is eliminated.
struct Flow {
    std::string from;
    std::string to;
    double rate_per_h = 0;
    double clearance_L_per_h = 0;
    double fraction = 1;
};

/// The drug (first in a model) or one of its metabolites. The defaults are ketamine's; a body in a config gives its own
/// numbers, but for the effect site.
struct Species {
    std::string name;
    std::string central; ///< compartment whose concentration is that of plasma
    double molar_mass_g_per_mol = 237.73;
    double counted_as_g_per_mol = 237.73;
    double unbound_fraction = 0.6;
    double brain_plasma_unbound_ratio = 0.8;
    double effect_site_rate_per_min = 0.5;
};

/// One of the places that a dose enters by a route.
struct RouteInput {
    std::string compartment;
    double fraction = 1;
    double duration_h = 0;
    double lag_h = 0;
};

/// A route of administration.
struct Route {
    std::string name;
    std::vector<RouteInput> inputs;
};

/// A volume or a flow that differs between subjects: times exp(eta), eta normal about 0.
struct Variation {
    std::string name;
    std::string volume;     ///< compartment whose volume it is, or
    std::string from, to;   ///< the ends of the flow whose rate or clearance it is
    bool both_ways = false; ///< the flow back with it: an exchange
    double variance = 0.1;  ///< of eta, omega^2
};

/// What the etas of two variations have in common.
struct Covariance {
    std::string first, second;
    double covariance = 0;
};

/// A compartment model of one drug and its metabolites.
struct PkModel {
    std::string name;
    std::string meaning;
    std::string source;
    double reference_weight_kg = 70;
    std::vector<Compartment> compartments;
    std::vector<Flow> flows;
    std::vector<Species> species; ///< the drug itself first
    std::vector<Route> routes;
    std::vector<Variation> variations; ///< between subjects; none: every subject is the typical one
    std::vector<Covariance> covariances;
};

/// The published models: "otto2021" (venous, the default), "simons2022" (arterial, with hydroxynorketamine),
/// "perez_ruixo2021" (intranasal esketamine) and "mouse".
const std::vector<PkModel>& published_models();

/// The published model of that name, or nullptr.
const PkModel* find_published_model(std::string_view name);

/// Checks that a model is one that can be integrated: ranges, names that exist and are not given twice, a
/// central compartment with a volume for each species, one of rate and clearance for each flow, no fault of a species
/// (below), routes that do not bring in more than the dose, variations of what there is, with covariances that normal
/// numbers can have.
///
/// \throws std::invalid_argument naming the compartment, flow, species, route or variation at fault
void check(const PkModel& model);

/// What is wrong with the central compartment of a species, in words that follow its name; empty if nothing. It is the
/// species' own, a route or a species before it leads there, and nothing leads from there to a species before it.
std::string fault_of_species(const PkModel& model, std::size_t species);

/// The model of a body of another weight: volumes in proportion, clearances with the power 0.75 (Anderson &
/// Holford 2008, Annu Rev Pharmacol Toxicol 48:303). Rates out of a compartment with a volume are clearances
/// over volumes and take the power -0.25. Absorption, transit and effect-site rates stay, as the models that
/// they come from estimate them without weight.
///
/// \param weight_kg  above 0
/// \throws std::invalid_argument for a weight that is not a positive number
PkModel scaled_to_weight(const PkModel& model, double weight_kg);

/// The body of one subject: volumes and flows that vary are multiplied by exp(eta), with etas that are jointly normal
/// as the model's variances and covariances say. The same number is the same subject, whatever else is drawn or run.
/// \param number  0 is the typical subject, in whom every eta is 0
/// \throws std::invalid_argument as `check`, or for a negative number
PkModel of_subject(const PkModel& model, std::int64_t number);

/// The etas of a subject, one for each variation.
std::vector<double> subject_etas(const PkModel& model, std::int64_t number);

/// One administration. Whoever keeps several drugs sorts doses by `drug`; a `Pharmacokinetics` gives all that
/// it is handed. A dose over a time enters evenly over it, or over the duration of the route's own zero-order
/// input where that is longer.
struct Dose {
    std::string drug;
    std::string route = "intravenous";
    double amount_mg = 0;
    double start_s = 0;
    double duration_s = 0; ///< 0 is a bolus
};

/// How a dose, or a stimulus, is repeated.
struct Repeat {
    double every_s = 1;
    std::int64_t times = 1;
};

/// The dose given `times` times in all, one every `every_s` seconds.
/// \throws std::invalid_argument if times is below 1, or every_s is not positive when times is above 1
std::vector<Dose> repeated(const Dose& dose, double every_s, int times);

/// One dosed drug with its metabolites in one body: state, schedule and exact step. Species are named by
/// their index in the model. Times are those of the experiment, resolved to 1 ns.
class Pharmacokinetics {
public:
    /// \throws std::invalid_argument as `check` and `give` do
    explicit Pharmacokinetics(PkModel model, const std::vector<Dose>& doses = {});

    /// Adds a dose to the schedule; what of it lies before the time already reached is not given.
    /// \throws std::invalid_argument if the model has no such route, or amount or times are negative or not
    /// finite
    void give(const Dose& dose);

    /// Carries the state from one time to another, through every start and end of a dose between them. A
    /// bolus at `from_s` is given, one at `to_s` is left to the step that starts there.
    ///
    /// \throws std::invalid_argument if to_s is before from_s
    void advance(double from_s, double to_s);

    /// First start or end of an input later than t_s, infinity if there is none.
    double next_event_after(double t_s) const;

    double plasma_ng_per_mL(std::size_t species) const;      ///< total concentration in plasma
    double effect_site_ng_per_mL(std::size_t species) const; ///< total plasma concentration as the brain sees it
    double unbound_plasma_uM(std::size_t species) const;
    double unbound_brain_uM(std::size_t species) const; ///< drives channel block

    /// Amount in a compartment, in the mass that the model counts in (Species::counted_as_g_per_mol).
    /// \throws std::invalid_argument if there is none of that name
    double amount_mg(std::string_view compartment) const;
    double total_amount_mg() const; ///< in all compartments
    double eliminated_mg() const;   ///< since the start

    const PkModel& model() const { return model_; }

    /// The whole state, for checkpoints: amounts (mg), effect-site concentrations (mg/L), eliminated (mg).
    const Eigen::VectorXd& state() const { return state_; }
    /// \throws std::invalid_argument if the size is another
    void restore(const Eigen::VectorXd& state);

private:
    struct Input {
        std::int64_t start_ns;
        std::int64_t end_ns; ///< equal to the start for a bolus
        std::size_t compartment;
        double amount_mg;
    };
    struct Propagator {
        Eigen::MatrixXd state; ///< exp(A h)
        Eigen::MatrixXd input; ///< integral of exp(A s) over the step: state per constant input in mg/h
    };

    const Propagator& propagator(std::int64_t step_ns);
    void step(std::int64_t from_ns, std::int64_t to_ns);
    double concentration_mg_per_L(std::size_t species) const;
    double mass_ratio(std::size_t species) const;

    PkModel model_;
    std::vector<std::size_t> central_; ///< compartment of each species
    Eigen::MatrixXd system_per_h_;
    Eigen::VectorXd state_;
    std::vector<Input> inputs_;
    std::vector<std::pair<std::int64_t, Propagator>> propagators_; ///< of the step lengths met so far
};

} // namespace rewire::drug

namespace rewire {

template <>
struct Described<drug::Compartment> {
    using S = drug::Compartment;
    static constexpr std::string_view name = "compartment";
    static constexpr std::string_view meaning = "a place that holds drug";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"name", "1", &S::name, any_value, "name", "", {}, true},
        {"volume", "L", &S::volume_L, non_negative, "volume of distribution; 0: a depot or transit stage",
         "the model's"},
    });
};

template <>
struct Described<drug::Flow> {
    using S = drug::Flow;
    static constexpr std::string_view name = "flow";
    static constexpr std::string_view meaning = "first-order transfer or elimination of drug";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"from", "1", &S::from, any_value, "compartment that it leaves", "", {}, true},
        {"to", "1", &S::to, any_value, "compartment that it reaches; empty: eliminated", ""},
        {"rate",
         "1/h",
         &S::rate_per_h,
         {0, drug::fastest_per_h},
         "first-order rate, where no clearance is given",
         "the model's"},
        {"clearance", "L/h", &S::clearance_L_per_h, non_negative, "clearance, where no rate is given", "the model's"},
        {"fraction", "1", &S::fraction, fraction, "share that arrives; the rest is eliminated", "the model's"},
    });
};

template <>
struct Described<drug::Variation> {
    using S = drug::Variation;
    static constexpr std::string_view name = "variation";
    static constexpr std::string_view meaning = "a volume or a flow that differs between subjects, log-normally";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"name", "1", &S::name, any_value, "name", "", {}, true},
        {"volume", "1", &S::volume, any_value, "compartment whose volume it is, where no flow is given", ""},
        {"from", "1", &S::from, any_value, "where the flow starts whose rate or clearance it is", ""},
        {"to", "1", &S::to, any_value, "where that flow ends; empty: eliminated", ""},
        {"both_ways", "1", &S::both_ways, any_value, "the flow back varies with it", ""},
        {"variance", "1", &S::variance, {0, 100, true}, "omega^2: variance of the logarithm", "the model's", {}, true},
    });
};

template <>
struct Described<drug::Covariance> {
    using S = drug::Covariance;
    static constexpr std::string_view name = "covariance";
    static constexpr std::string_view meaning = "covariance of the logarithms of two variations";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"first", "1", &S::first, any_value, "name of a variation", "", {}, true},
        {"second", "1", &S::second, any_value, "name of another", "", {}, true},
        {"covariance", "1", &S::covariance, any_value, "of the logarithms", "the model's", {}, true},
    });
};

template <>
struct Described<drug::Species> {
    using S = drug::Species;
    static constexpr std::string_view name = "species";
    static constexpr std::string_view meaning = "a drug or metabolite in plasma and brain";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"name", "1", &S::name, any_value, "name", "", {}, true},
        {"central", "1", &S::central, any_value, "compartment whose concentration is that of plasma", "", {}, true},
        {"molar_mass", "g/mol", &S::molar_mass_g_per_mol, {1, 1e9}, "molar mass", "", {}, true},
        {"unbound_fraction",
         "1",
         &S::unbound_fraction,
         {0, 1, true},
         "share not bound to plasma proteins",
         "ketamine: [M] 0.53 Dayton 1983 to 0.68 Schmidt & Holzgrabe 2024",
         {},
         true},
        {"brain_plasma_unbound_ratio",
         "1",
         &S::brain_plasma_unbound_ratio,
         {0, 1e6},
         "unbound concentration in brain over that in plasma, Kp,uu",
         "ketamine: [M] middle of 0.5-1.1; 0.6 in Moaddel 2023",
         {},
         true},
        {"effect_site_rate",
         "1/min",
         &S::effect_site_rate_per_min,
         {0, 1e7, true},
         "equilibration of the effect site, ke0; the default is ketamine's",
         "[M] half-life 0.2 min (Herd & Anderson 2007) to 3 min (Schuttler 1987)"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {.name = "counted_as",
         .holds = "",
         .fallback = "(its molar mass)",
         .meaning = "molar mass in which the model counts its amounts: its own where they are its masses, the parent's "
                    "where a metabolite is counted in parent equivalents, so that a flow carries moles",
         .unit = "g/mol",
         .range = {1, 1e9}},
        {"block", "true, false, or a table", "(that of a shipped species of the name; none of others)",
         "block of NMDA channels; of [drug.NAME.species.NAME] only, which takes unbound_fraction, "
         "brain_plasma_unbound_ratio and effect_site_rate, too, each by default the body's"},
        {"target", "tables by name", "(those of a shipped species of the name; none of others)",
         "effects on named targets, such as target.ampa = { ec50 = \"0.15 uM\" }; of [drug.NAME.species.NAME] only"},
    });
};

template <>
struct Described<drug::RouteInput> {
    using S = drug::RouteInput;
    static constexpr std::string_view name = "route_input";
    static constexpr std::string_view meaning = "a place that a dose enters";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"compartment", "1", &S::compartment, any_value, "compartment that it enters", "", {}, true},
        {"fraction", "1", &S::fraction, fraction, "share of the dose", "the model's"},
        {"duration",
         "h",
         &S::duration_h,
         {0, longest_s / 3600},
         "zero-order input lasts this long; 0: at once",
         "the model's"},
        {"lag", "h", &S::lag_h, {0, longest_s / 3600}, "delay before it starts", "the model's"},
    });
};

template <>
struct Described<drug::PkModel> {
    using S = drug::PkModel;
    static constexpr std::string_view name = "pharmacokinetics";
    static constexpr std::string_view meaning = "compartment model of a drug and its metabolites";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"reference_weight", "kg", &S::reference_weight_kg, drug::weight_range_kg,
         "body weight that volumes and clearances hold for", "usual reference"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"compartment", "a list of tables", "(none)", "places that hold drug"},
        {"flow", "a list of tables", "(none)", "transfers between them, and elimination"},
        {"species", "a list of tables", "", "the drug itself, then its metabolites; at least one"},
        {"route", "a list of tables", "(none)", "ways of giving the drug"},
        {"variation", "a list of tables", "(none)", "what differs between subjects"},
        {"covariance", "a list of tables", "(none)", "which of that goes together"},
    });
};

template <>
struct Described<drug::Route> {
    using S = drug::Route;
    static constexpr std::string_view name = "route";
    static constexpr std::string_view meaning = "a way of giving a drug";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"name", "1", &S::name, any_value, "name of the route, which doses give", "", {}, true},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"input", "a list of tables", "(none)", "places that a dose enters"},
    });
};

template <>
struct Described<drug::Dose> {
    using S = drug::Dose;
    static constexpr std::string_view name = "dose";
    static constexpr std::string_view meaning = "one administration of a drug";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"route", "1", &S::route, any_value, "route of administration, one that the model has", ""},
        {"at", "s", &S::start_s, time_from_0, "start", ""},
        {"over", "s", &S::duration_s, time_from_0, "duration; 0: bolus", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"drug", "the name of a table [drug.NAME]", "", "what is given"},
        {.name = "amount",
         .holds = "an amount, or one per body weight",
         .fallback = "",
         .meaning = "amount given, such as \"35 mg\" or \"0.5 mg/kg\"",
         .unit = "mg",
         .range = {0, 1e9}},
        {"repeat", "a table", "(given once)", "more doses of the same kind"},
    });
};

template <>
struct Described<drug::Repeat> {
    using S = drug::Repeat;
    static constexpr std::string_view name = "repeat";
    static constexpr std::string_view meaning =
        "a dose, a stimulus or a session of a therapy that comes again and again";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"every", "s", &S::every_s, time_span, "from the start of one to that of the next", "", {}, true},
        {"times", "1", &S::times, {1, 100000}, "how often in all, the first counted; a whole number", "", {}, true},
    });
};

} // namespace rewire
