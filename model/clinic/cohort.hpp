#pragma once
// Virtual patients: what differs between them, and how it goes together. Each field has a distribution of its own; a
// Gaussian copula joins them (Nelsen 2006, An Introduction to Copulas, section 2.3): normal scores z with the stated
// correlations, and each value is the quantile of its field at Phi(z). So correlations are those of the normal scores;
// ranks of two fields correlate by 6/pi asin(r/2) (Pearson 1907, Drapers' Company Research Memoirs IV).
//
// A patient is a pure function of the seed and the number of the patient: whatever the size of the cohort, the plan or
// the other fields, as far as they are not correlated. Patients of the same number are the same patient, with the same
// body and the same circuit, in every plan: common random numbers (Kahn & Marshall 1953, J Oper Res Soc Am 1:263).

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "quantity/parameter.hpp"
#include "random/stream.hpp"

namespace rewire::clinic {

/// The distribution of one field over patients, in the unit of the field.
struct Marginal {
    enum class Kind { normal, lognormal, uniform };
    Kind kind = Kind::normal;
    double centre = 0; ///< mean of the normal, median of the lognormal distribution
    double spread = 1; ///< standard deviation, for the lognormal of the natural logarithm; 0 or more
    double low = -std::numeric_limits<double>::infinity(); ///< ends of the uniform, truncation of the others
    double high = std::numeric_limits<double>::infinity();
};

/// The least and greatest value that can come out, infinite where there is no bound; open is the 0 of a lognormal.
Range support(const Marginal&);

/// The value of a patient whose normal score is `z`. A truncated distribution is renormalised within its ends
/// (Robert 1995, Stat Comput 5:121).
double value_at(const Marginal&, double z);

/// A field of the patients.
struct Field {
    std::string name;
    Marginal marginal;
    bool known = true; ///< stays what it is when a patient is repeated; else it is drawn again, given those known
};

/// Correlation of the normal scores of two fields.
struct Correlation {
    std::size_t first = 0, second = 0; ///< indices of fields
    double coefficient = 0;
};

/// What distinguishes one patient, or one repeat of it.
struct Patient {
    std::int64_t number = 1;
    std::int64_t repeat = 0;       ///< 0: as drawn first
    std::int64_t circuit_seed = 0; ///< of the circuit that the patient has in every plan
    std::int64_t body = 0;         ///< number of the subject that pharmacokinetics draw from, 1 or more; of the repeat
    std::vector<double> values;    ///< per field
};

/// Draws patients.
class Sampler {
public:
    Sampler() = default;
    /// \throws std::invalid_argument  the correlations make no positive definite matrix; what() ends with its least
    ///                                eigenvalue
    Sampler(std::vector<Field> fields, const std::vector<Correlation>& correlations);

    /// \param number  of the patient, from 1
    /// \param repeat  0: the patient; others: the same patient with another circuit and fields that are not known drawn
    ///                again, conditional on those that are; below 65,536
    Patient draw(std::uint64_t seed, std::int64_t number, std::int64_t repeat = 0) const;

    const std::vector<Field>& fields() const { return fields_; }

private:
    std::vector<Field> fields_;
    std::vector<std::size_t> order_; ///< known fields first, so that the rest is drawn conditional on them
    std::vector<double> root_;       ///< lower triangular root of the correlations in that order, row by row
};

} // namespace rewire::clinic
