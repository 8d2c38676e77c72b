#include "clinic/cohort.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string_view>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <boost/math/distributions/normal.hpp>
#include <fmt/format.h>

namespace rewire::clinic {
namespace {

const boost::math::normal standard_normal;

/// Draws that no name of a field can take: names have no spaces.
constexpr std::string_view circuit_draw = "the circuit", body_draw = "the body";

/// FNV-1a: a field has numbers of its own, whatever their order.
std::uint32_t hash(std::string_view name) {
    std::uint32_t h = 2166136261u;
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
    return h;
}

RandomStream stream(std::uint64_t seed, std::int64_t number, std::int64_t repeat, std::string_view name) {
    return {seed, Purpose::patient, static_cast<std::uint64_t>(number),
            static_cast<std::uint64_t>(repeat) << 32 | hash(name)};
}

} // namespace

Range support(const Marginal& m) {
    switch (m.kind) {
    case Marginal::Kind::lognormal: return {std::max(0.0, m.low), m.high, m.low <= 0};
    default: return {m.low, m.high};
    }
}

double value_at(const Marginal& m, double z) {
    using boost::math::cdf;
    if (m.kind == Marginal::Kind::uniform) return std::min(m.high, m.low + (m.high - m.low) * cdf(standard_normal, z));
    const bool logarithmic = m.kind == Marginal::Kind::lognormal;
    // The normal score at a bound; infinite where there is none.
    const auto score = [&](double bound) {
        if (logarithmic && bound <= 0) return -std::numeric_limits<double>::infinity();
        return ((logarithmic ? std::log(bound / m.centre) : bound - m.centre)) / m.spread;
    };
    const auto value = [&](double s) {
        return logarithmic ? m.centre * std::exp(m.spread * s) : m.centre + m.spread * s;
    };
    const Range range = support(m);
    if (m.spread == 0) return std::clamp(m.centre, range.low, range.high);
    const double low = score(m.low), high = score(m.high);
    if (std::isinf(low) && std::isinf(high)) return value(z);
    // In the upper tail probabilities are counted from above, where they are small.
    const bool upper = low > 0;
    const auto below = [&](double s) {
        if (std::isinf(s)) return (s > 0) == upper ? 0.0 : 1.0;
        return upper ? cdf(complement(standard_normal, s)) : cdf(standard_normal, s);
    };
    const double u = cdf(standard_normal, z);
    const double p = std::clamp(below(low) + u * (below(high) - below(low)), std::numeric_limits<double>::min(),
                                std::nextafter(1.0, 0.0));
    const double s =
        upper ? boost::math::quantile(complement(standard_normal, p)) : boost::math::quantile(standard_normal, p);
    return std::clamp(value(s), range.low, range.high);
}

Sampler::Sampler(std::vector<Field> fields, const std::vector<Correlation>& correlations)
    : fields_(std::move(fields)),
      order_(fields_.size()) {
    const auto n = static_cast<Eigen::Index>(fields_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_partition(order_.begin(), order_.end(), [&](std::size_t f) { return fields_[f].known; });
    std::vector<Eigen::Index> place(fields_.size());
    for (std::size_t k = 0; k < order_.size(); ++k) place[order_[k]] = static_cast<Eigen::Index>(k);
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Identity(n, n);
    for (const Correlation& c : correlations)
        matrix(place[c.first], place[c.second]) = matrix(place[c.second], place[c.first]) = c.coefficient;
    const Eigen::LLT<Eigen::MatrixXd> root(matrix);
    // Of a singular matrix rounding may leave a root.
    const double least = n > 0 ? Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix).eigenvalues()[0] : 1;
    if (root.info() != Eigen::Success || least < 1e-9)
        throw std::invalid_argument(
            fmt::format("the correlations make no positive definite matrix; its least eigenvalue is {:.3g}", least));
    const Eigen::MatrixXd lower = root.matrixL();
    for (Eigen::Index row = 0; row < n; ++row)
        for (Eigen::Index column = 0; column < n; ++column) root_.push_back(lower(row, column));
}

Patient Sampler::draw(std::uint64_t seed, std::int64_t number, std::int64_t repeat) const {
    Patient patient{.number = number, .repeat = repeat};
    patient.circuit_seed = stream(seed, number, repeat, circuit_draw)() >> 1;
    patient.body = 1 + stream(seed, number, repeat, body_draw).below(4'000'000'000u);
    const std::size_t n = fields_.size();
    std::vector<double> independent(n);
    for (std::size_t k = 0; k < n; ++k) {
        const Field& field = fields_[order_[k]];
        independent[k] = stream(seed, number, field.known ? 0 : repeat, field.name).normal();
    }
    patient.values.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
        double z = 0;
        for (std::size_t j = 0; j <= k; ++j) z += root_[k * n + j] * independent[j];
        patient.values[order_[k]] = value_at(fields_[order_[k]].marginal, z);
    }
    return patient;
}

} // namespace rewire::clinic
