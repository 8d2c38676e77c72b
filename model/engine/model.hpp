#pragma once
// An experiment as plain values, ready to run: what experiment/ reads from a config and tests fill by hand.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drug/channel_block.hpp"
#include "drug/pharmacokinetics.hpp"
#include "engine/fast_network.hpp"
#include "engine/structural_update.hpp"
#include "glutamate/extracellular.hpp"
#include "molecular/resting_drive.hpp"
#include "molecular/signalling.hpp"
#include "molecular/stress.hpp"
#include "network/specification.hpp"
#include "neuron/l_type.hpp"
#include "structure/spines.hpp"

namespace rewire::engine {

/// A drug in the body: its compartments, its doses, and which of its species block NMDA channels.
struct DrugModel {
    drug::PkModel pharmacokinetics; ///< scaled to the subject's weight
    std::vector<drug::Dose> doses;
    std::vector<std::optional<drug::Blocker>> blockers; ///< per species
};

/// What an intervention may be; the strength is 0 (none) to 1 (complete) unless said otherwise.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 12> intervention_kinds{{
    {"nbqx", "AMPA receptors blocked"},
    {"nmda_antagonist", "NMDA receptors blocked, whatever their state (competitive antagonist)"},
    {"nifedipine", "L-type calcium channels blocked"},
    {"anti_bdnf", "released BDNF scavenged"},
    {"trkb_block", "TrkB activation blocked"},
    {"trkb_modulation", "TrkB activation raised by a positive modulator: relative gain, 0 or more"},
    {"rapamycin", "mTORC1 activation blocked"},
    {"anisomycin", "protein synthesis blocked"},
    {"uptake_block", "glutamate uptake by EAAT2 blocked"},
    {"hnk", "unbound (2R,6R)-hydroxynorketamine in uM, for the optional AMPA gain (ampa_hnk_gain)"},
    {"inflammation",
     "imposed level J of inflammation, 0 to 1, which raises the elimination of spines (inflammation_gain)"},
    {"stress", "chronic stress: 1 is that of the standard animal models, 0 or more"},
}};

/// A scheduled change of one factor.
struct Intervention {
    std::string what;
    double from_s = 0;
    double to_s = 0;
    double strength = 1;
};

/// From `from_s` on: bursts of full spiking, each followed by a leap of the slow part alone. A leap of 0 makes
/// bursts touch, which is full mode.
struct BurstPhase {
    double from_s = 0;
    double settle_s = 0.5; ///< start of a burst after a leap that is not measured
    double burst_s = 2;    ///< settle and measure together
    double leap_s = 60;
};

/// Structural plasticity.
struct StructureModel {
    structure::SpineParameters spines;
    double every_s = 60; ///< interval of updates
    std::vector<StructuralProjection> projections;
};

/// The whole experiment.
struct Model {
    double duration_s = 1;
    double dt_ms = 0.1;
    double slow_tick_s = 0.1;
    std::uint64_t seed = 1;
    int threads = 0;      ///< 0: all cores
    bool profile = false; ///< time the phases of the run
    bool multirate = false;
    std::vector<BurstPhase> phases; ///< by time; the first at 0
    double leap_step_s = 60;        ///< longest step of the slow part within a leap
    double baseline_settle_s = 1;   ///< before time 0, when slow mechanisms need healthy means
    double baseline_measure_s = 10;

    double mg_mM = 1;
    std::vector<std::string> regions = {"cortex"};
    std::vector<network::Population> populations;
    std::vector<network::Projection> projections;
    std::vector<network::PairwiseColumns> pairwise; ///< per projection; empty where the rule is another
    std::vector<Stimulus> stimuli;
    std::vector<Trace> traces;
    std::vector<bool> record_spikes;       ///< per population
    std::int64_t activity_every_steps = 0; ///< 0: no rates, synchrony and LFP on the fast clock

    std::vector<DrugModel> drugs;
    std::vector<Intervention> interventions;
    structure::CalciumParameters calcium;
    neuron::LType l_type;
    std::optional<glutamate::GlutamateParameters> glutamate;
    std::optional<molecular::SignallingParameters> signalling;
    std::vector<std::size_t> signalling_populations;
    molecular::RestingDrive resting_drive;
    molecular::Stress stress;
    std::optional<StructureModel> structure;

    std::vector<double> sample_times_s;   ///< slow samples, ascending; the run stops at each
    std::vector<double> snapshot_times_s; ///< ascending; leaps end there

    /// True if any slow mechanism runs, which needs healthy means of its inputs.
    bool has_slow_mechanisms() const { return !drugs.empty() || glutamate || signalling || structure; }
};

} // namespace rewire::engine
