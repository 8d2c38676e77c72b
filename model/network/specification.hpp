#pragma once
// What a network is made of, as plain values: the config is read into these, tests fill them by hand.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "neuron/models.hpp"
#include "quantity/parameter.hpp"
#include "synapse/long_term.hpp"
#include "synapse/receptor.hpp"
#include "synapse/short_term.hpp"

namespace rewire::network {

/// A number per synapse: constant, or drawn from a distribution.
struct Distribution {
    std::string kind = "constant"; ///< constant, normal, lognormal, uniform
    double mean = 0;
    double sd = 0;   ///< normal, lognormal (of the value itself, not of its logarithm)
    double low = 0;  ///< uniform
    double high = 0; ///< uniform
};

/// Poisson input to every neuron of a population.
struct Background {
    std::int64_t sources = 100;
    double rate_Hz = 0; ///< of one source
    double weight = 0;  ///< nS, or pA for current receptors
    std::size_t receptor = 0;
};

/// Neurons of one type in one region.
struct Population {
    std::string name;
    std::int64_t size = 0;
    neuron::Model model;
    std::size_t region = 0;
    std::array<double, 3> box_um = {300, 300, 300}; ///< neurons lie uniformly in it
    std::array<double, 3> origin_um = {0, 0, 0};
    std::vector<synapse::Receptor> receptors;
    std::optional<Background> background;
    double current_pA = 0;           ///< constant drive
    double tonic_nmda_nS = 0;        ///< extrasynaptic NMDA conductance at healthy ambient glutamate, before Mg block
    synapse::Receptor extrasynaptic; ///< its subunit mix
    std::optional<Distribution> initial_mV; ///< default: uniform from rest to threshold
    std::optional<std::int64_t>
        at_start; ///< neurons there at the start, the first ones, which rules connect; default: all
};

/// The population as it is at the start, without free slots.
inline Population founders(Population population) {
    population.size = population.at_start.value_or(population.size);
    return population;
}

/// How source and target neurons are paired.
struct Rule {
    /// probability, fixed_indegree, fixed_outdegree, fixed_total_number, all_to_all, one_to_one, pairwise
    std::string kind = "probability";
    double probability = 0;
    double sigma_um = 0; ///< Gaussian kernel exp(-d^2 / (2 sigma^2)) on the probability; 0: none
    std::int64_t degree = 0;
    std::int64_t number = 0; ///< fixed_total_number: synapses, drawn from all pairs
    std::string file;        ///< pairwise: HDF5 with source, target and, optionally, weight and delay_ms
    bool autapses = false;
    bool multapses = true; ///< fixed degrees and number: the same pair may be drawn more than once
};

/// Which receptor a spike reaches, and with which share of the weight.
struct ReceptorShare {
    std::size_t receptor = 0;
    double scale = 1;
};

/// Synapses from one population to another.
struct Projection {
    std::string name;
    std::size_t source = 0;
    std::size_t target = 0;
    Rule rule;
    Distribution weight; ///< nS, or pA for current receptors
    Distribution delay_ms;
    std::vector<ReceptorShare> receptors; ///< one or two
    std::optional<synapse::ShortTerm> short_term;
    std::optional<synapse::LongTerm> long_term;
    bool glutamatergic = false; ///< releases glutamate: any AMPA or NMDA receptor
    bool structural = false;    ///< synapses form and are eliminated
};

} // namespace rewire::network

namespace rewire {

template <>
struct Described<network::Distribution> {
    using S = network::Distribution;
    static constexpr std::string_view name = "distribution";
    static constexpr std::string_view meaning = "values that are drawn; a plain quantity is the same for all";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {.name = "distribution",
         .fallback = "normal",
         .meaning = "its kind; draws keep the sign of the mean",
         .choices = "constant|normal|lognormal|uniform"},
        {"mean", "a quantity", "", "mean of the values; not of uniform"},
        {"sd", "a quantity, 0 or more", "", "standard deviation of the value itself; normal and lognormal only"},
        {"low", "a quantity", "", "lower bound; uniform only"},
        {"high", "a quantity", "", "upper bound; uniform only"},
    });
};

template <>
struct Described<network::Background> {
    using S = network::Background;
    static constexpr std::string_view name = "background";
    static constexpr std::string_view meaning = "Poisson input to every neuron, independent of all others";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"sources", "1", &S::sources, {1, 1e9}, "number of sources of each neuron", ""},
        {"rate", "Hz", &S::rate_Hz, non_negative, "rate of one source", "", {}, true},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"receptor", "the name of a receptor", "(the first receptor)", "receptor of the population that it acts on"},
        {"weight", "a conductance, 0 or more, or a current", "", "peak of one event: nS, or pA for current receptors"},
    });
};

template <>
struct Described<network::Population> {
    using S = network::Population;
    static constexpr std::string_view name = "population";
    static constexpr std::string_view meaning = "neurons of one type in one region";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"size", "1", &S::size, {1, 1e8}, "number of neurons", "", {}, true},
        {"current", "pA", &S::current_pA, any_value, "constant current into every neuron", ""},
        {"tonic_nmda", "nS", &S::tonic_nmda_nS, non_negative,
         "extrasynaptic NMDA conductance at healthy ambient glutamate, before Mg block; conductance models only", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"model", "the name of a neuron model", "adex", "neuron model, whose parameters stand in the same table"},
        {"region", "the name of a region", "(the first region)", "which extracellular space its neurons share"},
        {"box", "three lengths", R"(["300 um", "300 um", "300 um"])", "box in which neurons lie uniformly", "um",
         non_negative},
        {"origin", "three lengths", R"(["0 um", "0 um", "0 um"])", "corner of the box", "um"},
        {"receptor", "tables by name", "(those of the model)",
         "receptors: ampa, nmda, gaba_a, or current for lif_current; gaba_b where named; others by any name, with "
         "their "
         "kind"},
        {"extrasynaptic", "a table", "(the shares of nmda)", "subunits share_2a to share_2d behind tonic_nmda"},
        {"initial", "a voltage or a distribution", "(uniform from rest to threshold)",
         "membrane potential at the start; not lognormal", "mV"},
        {"background", "a table", "(none)", "Poisson input"},
    });
};

template <>
struct Described<network::Rule> {
    using S = network::Rule;
    static constexpr std::string_view name = "rule";
    static constexpr std::string_view meaning =
        "how neurons are paired: one kind, from probability to pairwise; \"all_to_all\" is { all_to_all = true }";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"autapses", "1", &S::autapses, any_value, "a neuron may reach itself; not of one_to_one and pairwise", ""},
        {"multapses", "1", &S::multapses, any_value,
         "a pair may be drawn more than once; fixed degrees and number only", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {.name = "probability", .fallback = "(none)", .meaning = "probability of each pair", .range = fraction},
        {.name = "fixed_indegree",
         .holds = "a whole number",
         .fallback = "(none)",
         .meaning = "synapses on each target neuron",
         .range = {0, 4e9}},
        {.name = "fixed_outdegree",
         .holds = "a whole number",
         .fallback = "(none)",
         .meaning = "synapses of each source neuron",
         .range = {0, 4e9}},
        {.name = "fixed_total_number",
         .holds = "a whole number",
         .fallback = "(none)",
         .meaning = "synapses in all, drawn from all pairs",
         .range = {0, 4e9}},
        {"all_to_all", "true", "(none)", "every pair"},
        {"one_to_one", "true", "(none)", "neurons of equal index; equal sizes"},
        {"pairwise", "a file", "(none)",
         "HDF5 columns source, target and, optionally, weight and delay_ms; relative to the config"},
        {.name = "sigma",
         .fallback = "(no kernel)",
         .meaning = "kernel exp(-d^2 / (2 sigma^2)) on the probability; of probability only",
         .unit = "um",
         .range = positive},
    });
};

template <>
struct Described<network::ReceptorShare> {
    using S = network::ReceptorShare;
    static constexpr std::string_view name = "receptors";
    static constexpr std::string_view meaning =
        "which one or two receptors synapses act on; [\"ampa\"] is { ampa = 1 }";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {.name = "NAME",
         .fallback = "",
         .meaning = "share of the weight on this receptor of the target",
         .range = non_negative},
    });
};

template <>
struct Described<network::Projection> {
    using S = network::Projection;
    static constexpr std::string_view name = "projection";
    static constexpr std::string_view meaning = "synapses from one population to another or itself";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {"from", "the name of a population", "", "where spikes come from"},
        {"to", "the name of a population", "", "where they act"},
        {"rule", "a rule", "",
         "how neurons are paired: one of probability, fixed_indegree, fixed_outdegree, fixed_total_number, all_to_all, "
         "one_to_one, "
         "pairwise, such as { probability = 0.1 }"},
        {"weight", "a conductance, 0 or more, or a current", "",
         "peak of one event, or its distribution: nS, or pA for current receptors; not with weights in a file"},
        {"delay", "a time or a distribution", "1.5 ms", "from spike to synapse, dt to 65535 dt; rounded to the grid",
         "ms", positive},
        {"receptors", "one or two receptors", "",
         "what the synapses act on, such as [\"ampa\"] or { ampa = 1, nmda = 0.3 }, shares of the weight"},
        {"short_term", "a table", "(none)", "short-term plasticity"},
        {"long_term", "a table", "(none)", "long-term plasticity; not beside structural, nor with leaps"},
        {"structural", "a table", "(none)", "synapses form and are eliminated"},
    });
};

} // namespace rewire
