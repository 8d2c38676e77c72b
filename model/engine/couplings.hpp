#pragma once
// What acts on what in the slow part. The biology rooms know nothing of each other; the functions here hand what one
// holds to the next. Each stands in the file of what is acted on:
//
//   acted on            by                                                           file
//   stress load         stress                                                       slow_part.cpp
//   inflammation        stress, LPS, drugs                                           coupling_inflammation.cpp
//   glutamate uptake    stress load, inflammation, drugs                             coupling_glutamate.cpp
//   glutamate           release by spikes, uptake, diffusion                         coupling_glutamate.cpp
//   release             glutamate and drugs, through mGluR2/3                        coupling_glutamate.cpp
//   NMDA receptors      blockers, antagonists, kynurenic acid; outside of synapses   coupling_nmda.cpp
//                       also ambient glutamate and quinolinic acid
//   resting NMDA drive  NMDA receptors                                               coupling_nmda.cpp
//   signalling (BDNF    resting drive, activity, stress load, inflammation,          coupling_signalling.cpp
//     and its chain)    therapies, drugs
//   AMPA, GABA_A        AMPA: signalling (TNF-a acts there), scaling, drugs;         coupling_ampa_gaba.cpp
//                       GABA_A: inflammation, drugs
//   calcium, scaling    spikes                                                       coupling_calcium.cpp
//   spines, elements    calcium, synaptic proteins, stress, inflammation             coupling_structure.cpp
//   birth and death     BDNF, TrkB, stress, activity                                 neurogenesis.cpp
//   synapses by age     age of the neuron, on all gains; who takes part in structure neurogenesis.cpp
//
// Drugs and interventions come in as Influences (influences.hpp). Here, `advance_` functions take a state over a
// stretch of time, `write_` functions put what follows from it into the network, `configure_` and `start_` functions
// prepare both before and after the baseline. `acting` holds at the time that is meant: the middle of a stretch with
// the mean effect of drugs over it, or the time that is written.

#include <cstdint>
#include <vector>

#include "engine/influences.hpp"
#include "engine/slow_inputs.hpp"
#include "engine/slow_state.hpp"

namespace rewire::engine {

// ---- inflammation

/// \returns the level J of each region, mean over the stretch; 0 without the mechanism
std::vector<double> advance_inflammation(const SlowSetting& setting, SlowState& state, const Influences& acting,
                                         double seconds);
/// J of a region, that of its cytokines with an imposed one.
double inflammation_level(const SlowState& state, const Influences& acting, std::size_t region);
/// Relative change that a level J makes to what the parameter is about; 0 without the mechanism.
double inflammation_effect(const Model& model, double molecular::InflammationParameters::*parameter, double level);

// ---- glutamate

/// Places neurons in voxels, and sets all receptors to the healthy ambient level.
void configure_glutamate(SlowSetting& setting, FastNetwork& network);
void start_glutamate(SlowSetting& setting, SlowState& state);
/// \param stress_load  mean over the stretch
/// \param inflammation  J of each region
void advance_glutamate(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs, const Influences& acting,
                       double stress_load, const std::vector<double>& inflammation, double seconds);
/// Open fraction of extrasynaptic NMDA receptors, for the sampling, and factors of release.
void write_glutamate(const SlowSetting& setting, const SlowState& state, const Influences& acting,
                     FastNetwork& network);

// ---- NMDA receptors

/// Pools, arms, and the samples that the network is to take.
void configure_nmda(SlowSetting& setting, SlowState& state, FastNetwork& network);
/// Unbound in the brain now, in the order of SlowSetting::blocker_of.
std::vector<double> blocker_concentrations_uM(const SlowSetting& setting, const SlowState& state);
void advance_block(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs,
                   const std::vector<double>& concentrations_uM, double seconds);
/// Share of the current of a pool at the reference potential that blockers and antagonists take, population mean,
/// whatever arms are off; NaN where there is no such pool, 0 where no neuron is there.
double mean_nmda_loss(const SlowSetting& setting, const SlowState& state, const Influences& acting,
                      std::size_t population, Pool pool);
/// R of each neuron (molecular/resting_drive.hpp), 1 in health; empty for populations without the chain.
std::vector<std::vector<double>> resting_drives(const SlowSetting& setting, const SlowState& state,
                                                const Influences& acting);
/// Conductances of NMDA receptors, and the unblocked share that plasticity follows.
void write_nmda(const SlowSetting& setting, const SlowState& state, const Influences& acting, FastNetwork& network);

// ---- signalling

/// \param stress_load  mean over the stretch
/// \param inflammation  J of each region
/// \param resting_before  resting_drives() at the start of the stretch
void advance_signalling(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs,
                        const Influences& acting, double stress_load, const std::vector<double>& inflammation,
                        const std::vector<std::vector<double>>& resting_before, double seconds);

// ---- AMPA and GABA receptors

/// Gives gains to the receptors that something may act on; after neurogenesis has been configured.
void configure_ampa_gaba(const SlowSetting& setting, FastNetwork& network);
/// AMPA throughput of a population that holds the chain, relative to healthy: its gain by signalling and scaling
/// times the share of the receptors that no antagonist blocks, population mean.
double ampa_throughput(const SlowSetting& setting, const SlowState& state, const Influences& acting,
                       std::size_t population);
void write_ampa_gaba(const SlowSetting& setting, const SlowState& state, const Influences& acting,
                     FastNetwork& network);

// ---- calcium, scaling

/// Targets from the healthy rates, calcium in equilibrium with them.
void start_calcium(SlowSetting& setting, SlowState& state);
/// Targets of scaling; after neurogenesis has been started.
void start_scaling(SlowSetting& setting);
/// Calcium, its slow filter, and the scaling that follows it.
void advance_calcium(const SlowSetting& setting, SlowState& state, const SlowInputs& inputs, double seconds,
                     Stretch stretch);

// ---- structure

/// Brings synapses up to a time if the interval of updates is over.
void advance_structure(const SlowSetting& setting, SlowState& state, FastNetwork& network, double to_s);

// ---- neurogenesis

/// \throws std::invalid_argument  a projection of such a population is not structural
void configure_neurogenesis(const SlowSetting& setting, SlowState& state, FastNetwork& network);
/// Targets that neurons share, and slots without a neuron left free; after calcium and structure have been started.
void start_neurogenesis(SlowSetting& setting, SlowState& state);
/// Births and deaths; synapses of the dead go.
void advance_neurogenesis(const SlowSetting& setting, SlowState& state, FastNetwork& network, const SlowInputs& inputs,
                          double from_s, double to_s);
/// Scales the gains, which have just been written, by the age of each neuron; holds those that cannot fire.
void write_age(const SlowSetting& setting, const SlowState& state, FastNetwork& network, double at_s);
/// 1 for slots whose neuron is old enough to form synapses, else 0; empty: all are.
std::vector<double> readiness(const Model& model, const SlowState& state, std::size_t population, double at_s);

} // namespace rewire::engine
