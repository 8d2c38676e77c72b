#pragma once
// An experiment as plain values, ready to run: what experiment/ reads from a config and tests fill by hand.

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinic/symptom_score.hpp"
#include "clinic/therapy.hpp"
#include "drug/channel_block.hpp"
#include "drug/pharmacokinetics.hpp"
#include "drug/target.hpp"
#include "engine/fast_network.hpp"
#include "engine/multirate.hpp"
#include "engine/structural_update.hpp"
#include "glutamate/extracellular.hpp"
#include "molecular/inflammation.hpp"
#include "molecular/resting_drive.hpp"
#include "molecular/signalling.hpp"
#include "molecular/stress.hpp"
#include "network/specification.hpp"
#include "neuron/l_type.hpp"
#include "quantity/parameter.hpp"
#include "structure/neurogenesis.hpp"
#include "structure/spines.hpp"
#include "synapse/scaling.hpp"

namespace rewire::engine {

/// A drug in the body: its compartments, its doses, and what its species act on.
struct DrugModel {
    drug::PkModel pharmacokinetics; ///< of the subject
    std::vector<drug::Dose> doses;
    std::vector<std::optional<drug::Blocker>> blockers;   ///< per species
    std::vector<std::vector<drug::TargetEffect>> targets; ///< per species
};

/// On whose NMDA receptors drugs act, by whichever way: open-channel block or antagonism. Two hypotheses of how
/// ketamine works, each with a switch: disinhibition (Homayoun & Moghaddam 2007, J Neurosci 27:11496) and direct block
/// of receptors on pyramidal cells (Autry 2011, Nature 475:91).
struct Arms {
    bool disinhibition = true;
    bool direct = true;
};

/// What an intervention may be, and in words: the targets of drugs, and what no drug does.
struct InterventionKind {
    std::string_view name;
    drug::Effect effect;
    std::string_view needs; ///< table of the config without which it is nothing; empty: none
    std::string_view meaning;
};

inline constexpr auto intervention_kinds = [] {
    constexpr std::array others{
        InterventionKind{"hnk", drug::Effect::sum, "molecular",
                         "unbound (2R,6R)-hydroxynorketamine in uM, for the optional AMPA gain (ampa_hnk_gain)"},
        InterventionKind{"inflammation", drug::Effect::loss, "",
                         "imposed level J of inflammation, 0 to 1, beside that of the cytokines: it raises the "
                         "elimination of spines "
                         "(inflammation_gain) and does all that [inflammation] says"},
        InterventionKind{
            "lps", drug::Effect::sum, "inflammation",
            "LPS challenge: rise of the excess of cytokines and microglial activation per hour, 0 or more"},
        InterventionKind{"bdnf_synthesis", drug::Effect::gain, "molecular",
                         "BDNF synthesis raised, as therapies do: relative gain"},
        InterventionKind{"stress_relief", drug::Effect::loss, "",
                         "share of the intervention stress that is kept away, as therapies do"},
        InterventionKind{"stress", drug::Effect::sum, "",
                         "chronic stress: 1 is that of the standard animal models, 0 or more"},
    };
    std::array<InterventionKind, drug::targets.size() + others.size()> kinds{};
    for (std::size_t k = 0; k < drug::targets.size(); ++k) {
        const drug::TargetInWords& t = drug::targets[k];
        kinds[k] = {t.intervention, t.effect, t.needs, t.meaning};
    }
    for (std::size_t k = 0; k < others.size(); ++k) kinds[drug::targets.size() + k] = others[k];
    return kinds;
}();

/// A scheduled change of one factor.
struct Intervention {
    std::string what;
    double from_s = 0;
    double to_s = 0;
    double strength = 1;
    std::vector<std::size_t> populations; ///< on whose receptors; empty: all
};

/// Structural plasticity.
struct StructureModel {
    structure::SpineParameters spines;
    double every_s = 60; ///< interval of updates
    std::vector<StructuralProjection> projections;
};

/// A population whose neurons are born and die. Its `at_start` is the parameter `mature`; all of its projections are
/// structural.
struct NeurogenesisModel {
    std::size_t population = 0;
    structure::NeurogenesisParameters parameters;
};

/// The surrogate symptom score and what it is read from.
struct SymptomScoreModel {
    clinic::SymptomScore mapping;
    std::optional<clinic::Expectation> expectation;
    std::vector<std::size_t> populations; ///< with the chain and with spines
};

/// The whole experiment.
struct Model {
    double duration_s = 1;
    double dt_ms = 0.1;
    double slow_tick_s = 0.1;
    std::int64_t seed = 1;    ///< 0 or more
    std::int64_t threads = 0; ///< 0: all cores
    bool profile = false;     ///< time the phases of the run
    bool multirate = false;
    Multirate bursts;             ///< of multirate mode
    double baseline_settle_s = 1; ///< before time 0, when slow mechanisms need healthy means
    double baseline_measure_s = 10;

    double mg_mM = 1;
    double mg_half_ab_mM = synapse::mg_half_ab_mM; ///< that blocks half of the channels with 2A or 2B at 0 mV
    double mg_half_cd_mM = synapse::mg_half_cd_mM; ///< of those with 2C or 2D
    std::vector<std::string> regions = {"cortex"};
    std::vector<network::Population> populations;
    std::vector<network::Projection> projections;
    std::vector<network::PairwiseColumns> pairwise; ///< per projection; empty where the rule is another
    std::vector<Stimulus> stimuli;
    std::vector<Trace> traces;
    std::vector<bool> record_spikes;       ///< per population
    std::int64_t activity_every_steps = 0; ///< 0: no rates, synchrony and LFP on the fast clock

    std::vector<DrugModel> drugs;
    Arms arms;
    std::vector<Intervention> interventions;
    std::vector<clinic::Therapy> therapies; ///< the sessions; what they do is among interventions and stimuli
    structure::CalciumParameters calcium;
    neuron::LType l_type;
    std::optional<glutamate::GlutamateParameters> glutamate;
    std::array<std::size_t, 3> voxels = {1, 1, 1}; ///< of each region
    std::optional<molecular::InflammationParameters> inflammation;
    std::optional<molecular::SignallingParameters> signalling;
    std::vector<std::size_t> signalling_populations;
    molecular::RestingDrive resting_drive;
    molecular::Stress stress;
    std::optional<StructureModel> structure;
    std::vector<NeurogenesisModel> neurogenesis;
    std::optional<synapse::Scaling> scaling;
    std::vector<std::size_t> scaling_populations;
    std::optional<SymptomScoreModel> symptom_score;

    std::vector<double> sample_times_s;   ///< slow samples, ascending; the run stops at each
    std::vector<double> snapshot_times_s; ///< ascending; leaps end there

    /// True if any slow mechanism runs, which needs healthy means of its inputs.
    bool has_slow_mechanisms() const {
        return !drugs.empty() || glutamate || inflammation || signalling || structure || scaling ||
               !neurogenesis.empty();
    }
    /// True if the neurons of a population have the chain of [molecular].
    bool has_chain(std::size_t population) const {
        return signalling && std::ranges::count(signalling_populations, population) > 0;
    }
    std::size_t voxels_per_region() const { return voxels[0] * voxels[1] * voxels[2]; }
};

/// The voxels of each region: those of the box around the boxes of its populations.
inline std::vector<glutamate::VoxelGrid> region_grids(const Model& model) {
    std::vector<glutamate::VoxelGrid> grids;
    for (std::size_t r = 0; r < model.regions.size(); ++r) {
        glutamate::VoxelGrid grid;
        grid.voxels = model.voxels;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            double low = std::numeric_limits<double>::infinity(), high = -low;
            for (const network::Population& p : model.populations) {
                if (p.region != r) continue;
                low = std::min(low, p.origin_um[axis]);
                high = std::max(high, p.origin_um[axis] + p.box_um[axis]);
            }
            if (low > high) continue; // nobody lives there: any box will do
            grid.origin_um[axis] = low;
            grid.box_um[axis] = high - low;
        }
        grids.push_back(grid);
    }
    return grids;
}

} // namespace rewire::engine

namespace rewire {

/// When something begins and ends; `to` is also after `from`.
inline constexpr Key from_key{
    .name = "from", .fallback = "0 s", .meaning = "when it begins", .unit = "s", .range = time_from_0};
inline constexpr Key to_key{.name = "to",
                            .fallback = "(the end of the experiment)",
                            .meaning = "when it ends",
                            .unit = "s",
                            .range = time_from_0};

/// mM; beyond any solution, but what is computed from it stays a number.
inline constexpr Range concentration_in_solution{0, 1000};

template <>
struct Described<engine::Model> {
    using S = engine::Model;
    static constexpr std::string_view name = "experiment";
    static constexpr std::string_view meaning = "what holds for the experiment as a whole";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"duration", "s", &S::duration_s, time_span, "how long to simulate", "", {}, true},
        {"seed", "1", &S::seed, non_negative, "seed of all random numbers", ""},
        {"threads", "1", &S::threads, {0, 4096}, "threads; 0: all cores; results do not depend on it", ""},
        {"dt", "ms", &S::dt_ms, {0.001, 10}, "fast step: membranes, conductances, spikes", ""},
        {"slow_tick", "s", &S::slow_tick_s, time_span, "step of slow mechanisms, a whole multiple of dt", ""},
        {"baseline_settle", "s", &S::baseline_settle_s, time_from_0,
         "before time 0, where slow mechanisms run: time that is not measured", ""},
        {"baseline_measure", "s", &S::baseline_measure_s, time_span,
         "before time 0, where slow mechanisms run: time in which healthy means are measured", ""},
        {"magnesium", "mM", &S::mg_mM, concentration_in_solution, "extracellular magnesium, which blocks NMDA channels",
         "where IC50 in Mg are measured: Kotermanski & Johnson 2009"},
        {"magnesium_half_2ab",
         "mM",
         &S::mg_half_ab_mM,
         {0.001, 1000},
         "K: magnesium that blocks half of the channels with GluN2A or 2B at 0 mV",
         "Jahr & Stevens 1990"},
        {"magnesium_half_2cd",
         "mM",
         &S::mg_half_cd_mM,
         {0.001, 1000},
         "the same of channels with GluN2C or 2D",
         "[M] Kuner & Schoepfer 1996: 5-7 times weaker, low confidence"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"title", "text", R"("")", "what the experiment is called in results and figures"},
        {.name = "mode",
         .fallback = "full",
         .meaning = "full: every spike; multirate: bursts of spikes and leaps of the slow part",
         .choices = "full|multirate"},
        {"regions", "names", R"(["cortex"])", "regions, each with an extracellular space of its own"},
    });
};

template <>
struct Described<engine::StructureModel> {
    using S = engine::StructureModel;
    static constexpr std::string_view name = "structure";
    static constexpr std::string_view meaning = "structural plasticity of all projections that have it";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"every", "s", &S::every_s, positive, "interval of updates, far below the time constant of calcium", ""},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"spines", "a table", "(all defaults)", "spine dynamics of the rule \"spines\""},
    });
};

template <>
struct Described<engine::Intervention> {
    using S = engine::Intervention;
    static constexpr std::string_view name = "intervention";
    static constexpr std::string_view meaning = "a scheduled change of one factor";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {"what", "a kind of intervention", "", "what is changed"},
        from_key,
        to_key,
        {.name = "strength",
         .holds = "0 to 1, or 0 or more",
         .fallback = "1",
         .meaning = "0 none, 1 complete; 0 or more for gains and amounts: gaba_a, trkb_modulation, bdnf_synthesis, "
                    "ampa_gain, anti_inflammatory (1/h), hnk, lps (1/h) and stress",
         .range = non_negative},
        {"populations", "a list of populations", "(all)",
         "on whose receptors it acts; nmda_antagonist, nmda_2a to nmda_2d, nbqx and gaba_a only"},
    });
};

template <>
struct Described<engine::Stimulus> {
    using S = engine::Stimulus;
    static constexpr std::string_view name = "stimulus";
    static constexpr std::string_view meaning = "input to neurons of one population for a while";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"kind", "1", &S::kind, any_value, "what it is", "", "poisson|current_step|current_ramp|spikes", true},
        {"amplitude",
         "pA",
         &S::amplitude_pA,
         any_value,
         "current, of a ramp at its start; currents only",
         "",
         {},
         true},
        {"end_amplitude", "pA", &S::end_amplitude_pA, any_value, "current at the end; current_ramp only", "", {}, true},
        {"rate", "Hz", &S::rate_Hz, non_negative, "rate of the whole input to a neuron; poisson only", "", {}, true},
    });
    static constexpr auto keys = std::to_array<Key>({
        {"population", "the name of a population", "", "whose neurons it reaches"},
        {"name", "text", "(none)",
         "records what every population answers, /responses/NAME in the result: rates in each presentation and in a "
         "stretch of the same length before it; several may share a name; not of spikes"},
        {"repeat", "a table", "(once)", "more presentations of the same kind"},
        from_key,
        to_key,
        {"neurons", "[first, end]", "(all)", "neurons first to end - 1 of the population", "1", non_negative},
        {"receptor", "the name of a receptor", "(the first receptor)", "what it acts on; poisson and spikes only"},
        {"weight", "a conductance, 0 or more, or a current", "",
         "peak of one event: nS, or pA for current receptors; poisson and spikes only"},
        {"times", "a list of times", "",
         "times of spikes, such as [\"10 ms\", \"20 ms\"], in place of from and to; spikes only", "s", time_from_0},
        {"targets", "a list of neurons", "(all of them)", "neuron of each time, one for each; spikes only", "1",
         non_negative},
    });
};

template <>
struct Described<engine::Trace> {
    using S = engine::Trace;
    static constexpr std::string_view name = "trace";
    static constexpr std::string_view meaning = "a state variable of single neurons, on a clock of its own";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {"population", "the name of a population", "", "whose neurons are recorded"},
        {"variable", "membrane_potential, adaptation (adex) or g_RECEPTOR", "membrane_potential", "what is recorded"},
        {"name", "text", "(POPULATION_VARIABLE)", "name of the clock in the result; not fast or slow"},
        {"neurons", "a list of neurons", "[0]", "which ones, from 0", "1", non_negative},
        {.name = "every",
         .fallback = "1 ms",
         .meaning = "interval of samples, a whole multiple of dt",
         .unit = "ms",
         .range = positive},
    });
};

template <>
struct Described<engine::DrugModel> {
    using S = engine::DrugModel;
    static constexpr std::string_view name = "drug";
    static constexpr std::string_view meaning = "a drug in the body";
    static constexpr auto parameters = std::array<Parameter<S>, 0>{};
    static constexpr auto keys = std::to_array<Key>({
        {"preset", "the name of a shipped drug, such as \"nbqx\"", "(none)",
         "a drug with body, metabolites and actions: rewire describe NAME; in place of pharmacokinetics"},
        {"pharmacokinetics", "the name of a published model, such as \"otto2021\", or a table of compartments",
         "(the preset's)", "how the drug and its metabolites spread and leave; needed without a preset"},
        {"species", "tables by name", "(those of the model)",
         "other values for a species of the model, its block and its targets"},
    });
};

template <>
struct Described<engine::Arms> {
    using S = engine::Arms;
    static constexpr std::string_view name = "arms";
    static constexpr std::string_view meaning = "on whose NMDA receptors drugs and antagonists act";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"disinhibition", "1", &S::disinhibition, any_value,
         "on those of cells that neither excite others nor hold the chain of [molecular]: interneurons", ""},
        {"direct", "1", &S::direct, any_value,
         "on those of cells that do, pyramidal cells: the drive of resting receptors, and the currents of spikes", ""},
    });
};

} // namespace rewire
