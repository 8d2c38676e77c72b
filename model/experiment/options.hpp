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
        {"l_type", "a table", "(all defaults)", "L-type calcium current as an input of [molecular]"},
        {"scaling", "a table", "(none)", "homeostatic scaling of synapses; runs if the table is there"},
        {"stress", "a table", "(all defaults)", "what the intervention stress does"},
        {"calcium", "a table", "(all defaults)", "calcium trace that structural plasticity and scaling follow"},
        {"structure", "a table", "(all defaults)", "structural plasticity; runs if a projection is structural"},
        {"drug", "tables by name", "(none)", "drugs: [drug.NAME], a parent before its metabolites"},
        {"dose", "a list of tables", "(none)", "when drugs are given: [[dose]]"},
        {"arms", "a table", "(all defaults)", "on whose NMDA receptors drugs and antagonists act"},
        {"intervention", "a list of tables", "(none)", "antagonists and switches: [[intervention]]"},
        {"symptom_score", "a table", "(none)", "surrogate symptom score, a readout; recorded if the table is there"},
        {"multirate", "a table", "(all defaults)", "bursts and leaps of multirate mode"},
        {"record", "a table", "(all defaults)", "what the result holds"},
    });
};

template <>
struct Described<experiment::Subject> {
    using S = experiment::Subject;
    static constexpr std::string_view name = "subject";
    static constexpr std::string_view meaning = "whose body takes the drug";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"weight",
         "kg",
         &S::weight_kg,
         {0, 1000, true},
         "body weight: allometry of pharmacokinetics, and mg/kg",
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
