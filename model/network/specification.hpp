#pragma once
// What a network is made of, as plain values: the config is read into these, tests fill them by hand.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "neuron/models.hpp"
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
    std::int64_t sources = 0;
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
};

/// How source and target neurons are paired.
struct Rule {
    std::string kind =
        "probability"; ///< probability, fixed_indegree, fixed_outdegree, all_to_all, one_to_one, pairwise
    double probability = 0;
    double sigma_um = 0; ///< Gaussian kernel exp(-d^2 / (2 sigma^2)) on the probability; 0: none
    std::int64_t degree = 0;
    std::string file; ///< pairwise: HDF5 with source, target and, optionally, weight and delay_ms
    bool autapses = false;
    bool multapses = true; ///< fixed degrees: the same pair may be drawn more than once
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
