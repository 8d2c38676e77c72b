#pragma once
// Tables of the config that fill no struct of the engine: their plain values, and the keys of the whole.

#include "engine/model.hpp"
#include "quantity/parameter.hpp"

namespace rewire::experiment {

/// The config as a whole.
struct Config {};

/// [subject]
struct Subject {
    double weight_kg = 70;
    std::int64_t number = 0;
};

/// [record]
struct RecordOptions {
    double every_s = 1;
    double fast_every_ms = 2;
};

/// An entry of record.windows.
struct RecordWindow {
    double every_s = 1;
};

/// [cohort]
struct CohortOptions {
    std::int64_t number = 20;
    std::int64_t repeats = 1;
    std::int64_t bootstrap = 2000;
    bool vary_body = true;
    double response = 0.5;
    double remission = 0.67;
    double minimum_score = 0.05;
};

/// [cohort.field.NAME]
struct FieldOptions {
    bool known = true;
};

/// An entry of cohort.correlation.
struct CorrelationOptions {
    double coefficient = 0;
};

/// [[plan]]
struct PlanOptions {
    bool no_treatment = false;
};

/// A table whose keys are names, each with a table for an S.
template <class S>
struct Named {};

} // namespace rewire::experiment

namespace rewire {

template <>
struct Described<experiment::Config> {
    using S = experiment::Config;
    static constexpr std::string_view name = "config";
    static constexpr std::string_view meaning =
        "the tables of a config; its first line may be extends = \"FILE\", a config that it is merged into";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {"experiment", "a table with a duration", "", "what holds for the experiment as a whole"},
        {"subject", "a table", "(all defaults)", "whose body takes the drug"},
        {"population", "tables by name", "", "neurons: at least one table [population.NAME]"},
        {"projection", "tables by name", "(none)", "synapses between populations: [projection.NAME]"},
        {"stimulus", "a list of tables", "(none)", "input for a while: [[stimulus]]"},
        {"glutamate", "a table", "(none)", "extracellular glutamate; runs if the table is there"},
        {"molecular", "a table", "(none)", "eEF2, BDNF, TrkB, mTORC1, AMPA gain; runs if the table is there"},
        {"inflammation", "a table", "(none)", "cytokines and kynurenines of a region; runs if the table is there"},
        {"l_type", "a table", "(all defaults)", "L-type calcium current as an input of [molecular]"},
        {"scaling", "a table", "(none)", "homeostatic scaling of synapses; runs if the table is there"},
        {"stress", "a table", "(all defaults)", "what the intervention stress does"},
        {"calcium", "a table", "(all defaults)", "calcium trace that structural plasticity and scaling follow"},
        {"structure", "a table", "(all defaults)", "structural plasticity; runs if a projection is structural"},
        {"neurogenesis", "tables by name", "(none)",
         "neurons that are born and die, [neurogenesis.NAME] for the population NAME"},
        {"drug", "tables by name", "(none)", "drugs: [drug.NAME], a parent before its metabolites"},
        {"dose", "a list of tables", "(none)", "when drugs are given: [[dose]]"},
        {"arms", "a table", "(all defaults)", "on whose NMDA receptors drugs and antagonists act"},
        {"intervention", "a list of tables", "(none)", "antagonists and switches: [[intervention]]"},
        {"therapy", "a list of tables", "(none)", "partner therapies, ASSUMPTIONS: [[therapy]]"},
        {"symptom_score", "a table", "(none)", "surrogate symptom score, a readout; recorded if the table is there"},
        {"multirate", "a table", "(all defaults)", "bursts and leaps of multirate mode"},
        {"record", "a table", "(all defaults)", "what the result holds"},
        {"cohort", "a table", "(none)", "virtual patients, each of whom goes through every [[plan]]"},
        {"plan", "a list of tables", "(none)", "what is done with the patients of [cohort]: [[plan]]"},
    });
};

template <>
struct Described<experiment::CohortOptions> {
    using S = experiment::CohortOptions;
    static constexpr std::string_view name = "cohort";
    static constexpr std::string_view meaning = "virtual patients, each of whom goes through every plan";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"number", "1", &S::number, {1, 1e6}, "patients; patient 7 is the same in a cohort of any size", ""},
        {"repeats",
         "1",
         &S::repeats,
         {1, 65535},
         "how often each patient is simulated: with another circuit, another body and other values of the fields that "
         "are not known",
         ""},
        {"bootstrap",
         "1",
         &S::bootstrap,
         {100, 1e6},
         "resamples of the patients for the confidence intervals",
         "Efron & Tibshirani 1993: 1,000 or more"},
        {"vary_body", "1", &S::vary_body, any_value,
         "each patient has a body of its own where the models of the drugs state a variability between subjects", ""},
        {"response",
         "1",
         &S::response,
         {0, 1, true},
         "fall of the surrogate score that makes a responder, share of its level before treatment",
         "the usual definition, as in Han 2016"},
        {"remission",
         "1",
         &S::remission,
         {0, 1, true},
         "the same for remission; response or more",
         "[M] MADRS of 10 or less (Hawley 2002) from the 30 to 33 with which trials begin (Murrough 2013)"},
        {"minimum_score", "1", &S::minimum_score, fraction,
         "surrogate score before treatment, share of symptom_score.severity, below which a patient is left out of all "
         "outcomes: a per-cent change of next to nothing says nothing",
         "a choice"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"seed", "a whole number, 0 or more", "(that of [experiment])", "seed of the patients", "1", non_negative},
        {"patients",
         "a list of whole numbers",
         "(1 to number)",
         "only these patients, such as [7] for a personal plan",
         "1",
         {1, 1e6}},
        {"field", "tables by name", "(none)", "what differs between patients: [cohort.field.NAME]"},
        {"correlation", "a list of tables", "(none)", "fields that go together: [[cohort.correlation]]"},
        {"control", "the name of a plan", "(none)", "the plan that the others are compared with"},
        {.name = "treatment_start",
         .fallback = "(the first dose, or what else a plan begins with, of any plan)",
         .meaning = "when the pre-treatment level is taken; days count from here in every plan",
         .unit = "s",
         .range = time_from_0},
        {.name = "days",
         .holds = "a list of times",
         .fallback = R"(["1 d", "7 d", "12 d"])",
         .meaning = "when outcomes are taken, after treatment_start [Kishimoto 2016: effect at day 1, 7 and 12]",
         .unit = "s",
         .range = time_from_0},
        {"record", "names of quantities of /trajectory/slow",
         "(score, spine density, synapses' AMPA gain, BDNF, proteins, plasma and NMDA block, where they are)",
         "what is kept of each patient"},
    });
};

template <>
struct Described<experiment::FieldOptions> {
    using S = experiment::FieldOptions;
    static constexpr std::string_view name = "field";
    static constexpr std::string_view meaning = "something in which patients differ";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"known", "1", &S::known, any_value,
         "stays the same when a patient is repeated; false: drawn again, given the fields that are known", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"key", "a number of the config, written as after --set, such as \"subject.weight\"",
         "(none: a covariate, a plain number that acts by its correlations alone)", "what it is a value of"},
        {.name = "distribution", .meaning = "how it differs", .choices = "normal|lognormal|uniform"},
        {"mean", "a value of the key", "", "normal: mean"},
        {"sd", "a value of the key, 0 or more", "", "normal: standard deviation"},
        {"median", "a value of the key, above 0", "", "lognormal: median"},
        {.name = "sd_log",
         .meaning = "lognormal: standard deviation of the natural logarithm, which is omega of pharmacokinetics",
         .range = non_negative},
        {"low", "a value of the key", "(none)", "uniform: least value; else where the distribution is cut off"},
        {"high", "a value of the key", "(none)", "uniform: greatest value; else where the distribution is cut off"},
    });
};

template <>
struct Described<experiment::CorrelationOptions> {
    using S = experiment::CorrelationOptions;
    static constexpr std::string_view name = "correlation";
    static constexpr std::string_view meaning = "two fields of patients that go together (Gaussian copula)";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"coefficient", "1", &S::coefficient, {-1, 1}, "correlation of their normal scores", "", {}, true},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"first", "the name of a field", "", "one of them"},
        {"second", "the name of a field", "", "the other"},
    });
};

template <>
struct Described<experiment::PlanOptions> {
    using S = experiment::PlanOptions;
    static constexpr std::string_view name = "plan";
    static constexpr std::string_view meaning =
        "what is done with the patients: a fragment of a config that is laid on it";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"no_treatment", "1", &S::no_treatment, any_value, "needed of a plan without a dose or another treatment", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"name", "text", "", "what the plan is called in results"},
        {"NAME", "dose, intervention, therapy, stimulus, drug, arms or symptom_score.expectation, as in a config",
         "(none)",
         "tables are merged, lists of tables such as [[plan.dose]] and [[plan.intervention]] added to those there; "
         "what "
         "else a config holds says who the patients are and how they are measured, the same in every plan"},
    });
};

template <>
struct Described<experiment::Subject> {
    using S = experiment::Subject;
    static constexpr std::string_view name = "subject";
    static constexpr std::string_view meaning = "whose body takes the drug";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"weight", "kg", &S::weight_kg, drug::weight_range_kg, "body weight: allometry of pharmacokinetics, and mg/kg",
         "usual reference"},
        {"number",
         "1",
         &S::number,
         {0, 4e9},
         "0: the typical subject; others: one drawn with the models' variability between subjects, the same for the "
         "same number",
         ""},
    });
};

template <>
struct Described<experiment::RecordOptions> {
    using S = experiment::RecordOptions;
    static constexpr std::string_view name = "record";
    static constexpr std::string_view meaning = "what the result holds";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"every", "s", &S::every_s, time_span, "interval of samples on the slow clock", ""},
        {"fast_every", "ms", &S::fast_every_ms, non_negative,
         "interval of rates, synchrony and LFP on the fast clock, a whole multiple of dt; 0: none", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"spikes", "true, false, or a list of populations", "true", "whose spikes are kept"},
        {"windows", "a list of tables", "(none)", "stretches that are sampled more finely"},
        {"traces", "a list of tables", "(none)", "state variables of single neurons"},
        {"snapshots", "a list of times", "(none)", "when synapses are written with their weights and ages", "s",
         time_from_0},
    });
};

template <>
struct Described<experiment::RecordWindow> {
    using S = experiment::RecordWindow;
    static constexpr std::string_view name = "window";
    static constexpr std::string_view meaning = "a stretch that is sampled more finely on the slow clock";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"every", "s", &S::every_s, time_span, "interval of samples", "", {}, true},
    });
    static constexpr auto keys = std::to_array<Key>({from_key, to_key});
};

template <class T>
struct Described<experiment::Named<T>> {
    using S = experiment::Named<T>;
    static constexpr std::string_view name = "names";
    static constexpr std::string_view meaning = Described<T>::meaning;
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({{"NAME", "a table", "(none)", Described<T>::meaning}});
};

} // namespace rewire
