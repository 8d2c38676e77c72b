#include "engine/drives.hpp"

#include <algorithm>

#include "quantity/fast_math.hpp"
#include "synapse/magnesium.hpp"

namespace rewire::engine {
namespace {

constexpr std::size_t run_size = 256;

/// Voltage terms of a run, shared by all pools, subunits and blockers.
REWIRE_CLONES void voltage_terms(const float* v_mV, std::size_t count, float half_mV, float slope_mV, float* mg,
                                 float* l_type) {
    for (std::size_t i = 0; i < count; ++i) {
        mg[i] = synapse::mg_voltage_factor(v_mV[i]);
        l_type[i] += 1.0f / (1.0f + fast_exp((half_mV - v_mV[i]) / slope_mV));
    }
}

/// r(O) of one subunit (drug/channel_block.hpp) from the pool's gating and the Mg block of the subunit's class.
REWIRE_CLONES void exchange_rates(const float* gating, const float* mg, float mg_ratio, float r_leak, float r_open,
                                  float open_half, std::size_t count, float* rate, float* sum) {
    for (std::size_t i = 0; i < count; ++i) {
        const float open = gating[i] / (1.0f + mg_ratio * mg[i]);
        rate[i] = r_leak + (r_open - r_leak) * open / (open + open_half);
        sum[i] += rate[i];
    }
}

/// 1/IC50(V, Mg) of one blocker at one subunit (drug/channel_block.hpp), and its product with the exchange rate.
REWIRE_CLONES void inverse_ic50s(const float* v_mV, const float* mg, const float* rate, float affinity,
                                 float mg_affinity, float reference_mV, float e_fold_mV, std::size_t count,
                                 float* over_ic50, float* rate_over_ic50) {
    for (std::size_t i = 0; i < count; ++i) {
        const float inverse = affinity * fast_exp((reference_mV - v_mV[i]) / e_fold_mV) / (1.0f + mg_affinity * mg[i]);
        over_ic50[i] += inverse;
        rate_over_ic50[i] += rate[i] * inverse;
    }
}

} // namespace

void reset(Drives& drives) {
    const auto zero = [](auto& sums) {
        std::fill(sums.begin(), sums.end(), typename std::decay_t<decltype(sums)>::value_type{});
    };
    drives.samples = 0;
    zero(drives.spikes);
    zero(drives.calcium);
    zero(drives.l_type);
    zero(drives.ampa_nS);
    for (auto& pool : drives.pools)
        for (SubunitSums& subunit : pool) {
            for (auto& exchange : subunit.exchange) zero(exchange);
            for (auto& blocker : subunit.blockers) {
                zero(blocker.exchange_over_ic50);
                zero(blocker.over_ic50);
            }
        }
}

void sample(Drives& drives, const DriveConstants& constants, const float* v_mV,
            const std::vector<synapse::ReceptorState>& receptors, float ambient_open, std::size_t first,
            std::size_t count, const float* ambient_open_of) {
    alignas(64) float mg[run_size], gating[run_size], rate[run_size];
    for (std::size_t at = first; at < first + count; at += run_size) {
        const std::size_t n = std::min(run_size, first + count - at);
        voltage_terms(v_mV + at, n, static_cast<float>(constants.l_type.half_mV),
                      static_cast<float>(constants.l_type.slope_mV), mg, drives.l_type.data() + at);
        std::fill(gating, gating + n, 0.0f);
        for (const synapse::ReceptorState& receptor : receptors) {
            if (receptor.kind == synapse::ReceptorKind::ampa)
                for (std::size_t i = 0; i < n; ++i)
                    drives.ampa_nS[at + i] += synapse::conductance_nS(receptor, at + i) *
                                              (receptor.gain.empty() ? 1.0f : receptor.gain[at + i]);
            if (receptor.kind == synapse::ReceptorKind::nmda) {
                // Spontaneous release opens some of the receptors that spikes have left closed.
                const auto floor = static_cast<float>(synapse::miniature_gating(receptor.parameters));
                for (std::size_t i = 0; i < n; ++i)
                    if (const float total = receptor.total_weight[at + i]; total > 0) {
                        const float evoked = std::clamp(synapse::conductance_nS(receptor, at + i) / total, 0.0f, 1.0f);
                        gating[i] = evoked + floor * (1 - evoked);
                    }
            }
        }
        for (std::size_t pool = 0; pool < 2; ++pool) {
            if (pool == extrasynaptic && ambient_open_of != nullptr)
                std::copy(ambient_open_of + at, ambient_open_of + at + n, gating);
            else if (pool == extrasynaptic)
                std::fill(gating, gating + n, ambient_open);
            for (SubunitSums& subunit : drives.pools[pool]) {
                const double mg_half = constants.mg_half_mM[subunit.subunit];
                for (std::size_t l = 0; l < constants.competition.ligands.size(); ++l) {
                    const auto& [kinetics, blockers] = constants.competition.ligands[l];
                    exchange_rates(gating, mg, static_cast<float>(constants.mg_mM / mg_half),
                                   static_cast<float>(kinetics.r_leak_per_s), static_cast<float>(kinetics.r_open_per_s),
                                   static_cast<float>(kinetics.open_half), n, rate, subunit.exchange[l].data() + at);
                    for (const std::size_t b : blockers) {
                        const drug::BlockConstants& c = constants.block[b];
                        // exp(-0.062 (V - V_ref)) from the factor at V that is at hand.
                        const double mg_affinity = c.mg_affinity_per_mM[subunit.subunit] * constants.mg_mM *
                                                   std::exp(drug::block_mg_slope_per_mV * c.reference_mV);
                        inverse_ic50s(v_mV + at, mg, rate, static_cast<float>(c.affinity_per_uM[subunit.subunit]),
                                      static_cast<float>(mg_affinity), static_cast<float>(c.reference_mV),
                                      static_cast<float>(c.voltage_e_fold_mV), n,
                                      subunit.blockers[b].over_ic50.data() + at,
                                      subunit.blockers[b].exchange_over_ic50.data() + at);
                    }
                }
            }
        }
    }
}

} // namespace rewire::engine
