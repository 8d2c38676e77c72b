#include "drug/nmda_scheme.hpp"

#include <cmath>

#include <unsupported/Eigen/MatrixFunctions>

namespace rewire::drug {
namespace {

using enum Gating;
using enum Pore;

/// The rates that depend on the exposure, per s.
struct PoreRates {
    double mg_in, mg_out;
    double drug_ratio; ///< C/K(V)
    double drug_out;
};

PoreRates pore_rates(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at) {
    const double folds = (at.v_mV - blocker.reference_mV) / blocker.e_fold_mV;
    return {.mg_in = 1e3 * scheme.mg_block_per_mM_ms * at.mg_mM * std::exp(-at.v_mV / scheme.mg_block_e_fold_mV),
            .mg_out = 1e3 * scheme.mg_unblock_per_ms * std::exp(at.v_mV / scheme.mg_unblock_e_fold_mV),
            .drug_ratio = at.drug_uM / blocker.dissociation_uM * std::exp(-folds),
            .drug_out = blocker.unblock_per_s * std::exp(blocker.unblock_share * folds)};
}

} // namespace

SchemeMatrix generator_per_s(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at) {
    SchemeMatrix q = SchemeMatrix::Zero();
    const auto exchange = [&](Eigen::Index a, Eigen::Index b, double forward, double backward) {
        q(b, a) += forward, q(a, a) -= forward;
        q(a, b) += backward, q(b, b) -= backward;
    };
    const double binding = 1e3 * scheme.binding_per_mM_ms * at.agonist_mM, unbinding = 1e3 * scheme.unbinding_per_ms;
    for (const Pore pore : {vacant, with_mg, with_drug}) {
        const auto between = [&](Gating a, Gating b, double forward, double backward) {
            exchange(scheme_state(a, pore), scheme_state(b, pore), forward, backward);
        };
        between(unbound, one_bound, 2 * binding, unbinding);
        between(one_bound, both_bound, binding, 2 * unbinding);
        between(both_bound, open, 1e3 * scheme.opening_per_ms, 1e3 * scheme.closing_per_ms);
        between(both_bound, desensitised, 1e3 * scheme.desensitisation_per_ms, 1e3 * scheme.resensitisation_per_ms);
    }
    const PoreRates rates = pore_rates(scheme, blocker, at);
    exchange(scheme_state(open, vacant), scheme_state(open, with_mg), rates.mg_in, rates.mg_out);
    exchange(scheme_state(open, vacant), scheme_state(open, with_drug), rates.drug_out * rates.drug_ratio,
             rates.drug_out);
    for (const Gating gating : {unbound, one_bound, both_bound, open, desensitised})
        exchange(scheme_state(gating, vacant), scheme_state(gating, with_drug), blocker.leak_per_s * rates.drug_ratio,
                 blocker.leak_per_s);
    return q;
}

SchemeMatrix transition(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at, double duration_s) {
    SchemeMatrix p = (generator_per_s(scheme, blocker, at) * duration_s).exp();
    // Rounding leaves entries a little below 0, and long times square it up: what is a probability stays one.
    p = p.cwiseMax(0.0);
    for (Eigen::Index from = 0; from < scheme_states; ++from) p.col(from) /= p.col(from).sum();
    return p;
}

Occupancy stationary(const NmdaScheme& scheme, const PoreBlocker& blocker, const Exposure& at) {
    const double a = scheme.binding_per_mM_ms * at.agonist_mM / scheme.unbinding_per_ms;
    const Eigen::Matrix<double, gating_states, 1> gating{
        1, 2 * a, a * a, a * a * scheme.opening_per_ms / scheme.closing_per_ms,
        a * a * scheme.desensitisation_per_ms / scheme.resensitisation_per_ms};
    const PoreRates rates = pore_rates(scheme, blocker, at);
    Occupancy p;
    p << gating, gating * (rates.mg_in / rates.mg_out), gating * rates.drug_ratio;
    return p / p.sum();
}

} // namespace rewire::drug
