#pragma once
// The result file of a cohort: one HDF5 file, root attribute kind = "cohort".
//
//     /config                         the experiment with its cohort and plans (TOML)
//     /cohort/plan, patient, time     dimension scales: names, numbers, s; further ones (population, drug, ...)
//     /cohort/QUANTITY                (plan, patient, time, entry): NaN where a run is not finished or does not have it
//     /cohort/finished                (plan, patient): 1 once a run is in the file
//     /cohort/plasma_peak             (plan, patient, drug)
//     /cohort/patients/FIELD          (patient): the sampled values with units; repeat, circuit_seed, body
//     /cohort/summary/MEASURE         see write_summary
//
// A repeated patient has an entry of the dimension for each repeat, all with its number.

#include <string>
#include <vector>

#include "clinic/cohort.hpp"
#include "engine/kept_run.hpp"
#include "record/hdf5.hpp"
#include "record/recorder.hpp"

namespace rewire::record {

/// A number of the summary: values over some of the dimensions plan, day and bound.
struct Measure {
    std::string name, unit, long_name;
    std::vector<std::string> dimensions; ///< names of scales
    std::vector<double> values;          ///< row-major
};

/// What the file has room for.
struct CohortShape {
    std::vector<std::string> plans;
    std::vector<clinic::Patient> patients;
    std::vector<std::string> field_names, field_units, field_keys; ///< of the patients' values
    std::vector<double> time_s;
    std::vector<engine::KeptSeries> series; ///< without values
    std::vector<std::string> drugs;
};

/// The labels of each dimension and the quantities of several runs together, in order of appearance.
std::vector<engine::KeptSeries> united(const std::vector<std::vector<engine::KeptSeries>>& of_runs);

class CohortFile {
public:
    /// Creates the file with everything but results. \throws Hdf5Error  it exists and `overwrite` is false, ...
    CohortFile(const std::string& path, bool overwrite, CohortShape shape, const Provenance& provenance);
    void set_attribute(const std::string& object, const std::string& name, const Attribute& value) {
        file_.set_attribute(object, name, value);
    }
    /// Writes one finished run, after which the file can be read whatever happens.
    void add(std::size_t plan, std::size_t patient, const engine::KeptRun& run);
    /// \param days_s  scale `day` of the measures
    void write_summary(const std::vector<double>& days_s, const std::vector<Measure>& measures);
    void finish(bool complete, double wall_s);

private:
    Dataset array(const std::string& object, const std::vector<std::string>& scales, const std::string& unit,
                  const std::string& long_name);

    CohortShape shape_;
    File file_;
};

} // namespace rewire::record
