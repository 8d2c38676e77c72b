#include "record/cohort_file.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "record/result_file.hpp"

namespace rewire::record {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::size_t index_of(const std::vector<std::string>& names, const std::string& name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

} // namespace

std::vector<engine::KeptSeries> united(const std::vector<std::vector<engine::KeptSeries>>& of_runs) {
    std::vector<engine::KeptSeries> all;
    for (const auto& run : of_runs)
        for (const engine::KeptSeries& series : run) {
            const auto known = std::ranges::find(all, series.name, &engine::KeptSeries::name);
            engine::KeptSeries& to = known == all.end() ? all.emplace_back(series) : *known;
            for (const std::string& label : series.labels)
                if (std::ranges::find(to.labels, label) == to.labels.end()) to.labels.push_back(label);
        }
    // Quantities share the scale of their dimension.
    for (engine::KeptSeries& series : all)
        for (const engine::KeptSeries& other : all)
            if (other.dimension == series.dimension)
                for (const std::string& label : other.labels)
                    if (std::ranges::find(series.labels, label) == series.labels.end()) series.labels.push_back(label);
    for (engine::KeptSeries& series : all) // in the same order, that of the first
        series.labels = std::ranges::find(all, series.dimension, &engine::KeptSeries::dimension)->labels;
    return all;
}

CohortFile::CohortFile(const std::string& path, bool overwrite, CohortShape shape, const Provenance& provenance)
    : shape_(std::move(shape)),
      file_(File::create(path, overwrite)) {
    write_root_attributes(file_);
    file_.set_attribute("/", "kind", std::string("cohort"));
    file_.set_attribute("/", "title", provenance.title);
    file_.set_attribute("/", "config_sha256", provenance.config_sha256);
    file_.set_attribute("/", "wall_s", 0.0);
    file_.set_attribute("/", "host_cpu", processor_name());
    file_.create_dataset("/config", {Type::text, {}}).write(std::vector{provenance.config_toml});
    file_.set_attribute("/config", "long_name", std::string("experiment as run (TOML)"));

    const auto scale = [&](const std::string& name, const std::string& long_name, const std::string& unit, auto data) {
        using T = typename decltype(data)::value_type;
        Layout layout{.shape = {data.size()}};
        if constexpr (std::is_same_v<T, std::string>)
            layout.type = Type::text;
        else
            layout.type = type_of<T>();
        Dataset made = file_.create_dataset("/cohort/" + name, layout);
        made.write(std::span<const T>(data));
        made.make_scale(name);
        file_.set_attribute("/cohort/" + name, "long_name", long_name);
        if (!unit.empty()) file_.set_attribute("/cohort/" + name, "units", unit);
    };
    scale("plan", "treatment plan", "", shape_.plans);
    std::vector<std::int64_t> numbers;
    for (const clinic::Patient& p : shape_.patients) numbers.push_back(p.number);
    scale("patient", "virtual patient", "", numbers);
    scale("time", "time", "s", shape_.time_s);
    for (const engine::KeptSeries& s : shape_.series)
        if (!file_.exists("/cohort/" + s.dimension)) scale(s.dimension, s.dimension, "", s.labels);
    if (!shape_.drugs.empty() && !file_.exists("/cohort/drug")) scale("drug", "drug", "", shape_.drugs);

    const auto of_patients = [&](const std::string& name, const std::string& unit, const std::string& long_name,
                                 auto value) {
        std::vector<double> values;
        for (const clinic::Patient& p : shape_.patients) values.push_back(static_cast<double>(value(p)));
        array("/cohort/patients/" + name, {"patient"}, unit, long_name).write(std::span<const double>(values));
    };
    for (std::size_t f = 0; f < shape_.field_names.size(); ++f)
        of_patients(shape_.field_names[f], shape_.field_units[f],
                    shape_.field_keys[f].empty() ? "covariate" : shape_.field_keys[f],
                    [f](const clinic::Patient& p) { return p.values[f]; });
    of_patients("repeat", "1", "repeat of the patient; 0: as drawn first",
                [](const clinic::Patient& p) { return p.repeat; });
    of_patients("circuit_seed", "1", "experiment.seed of the patient, in every plan",
                [](const clinic::Patient& p) { return p.circuit_seed; });
    of_patients("body", "1", "subject.number of the patient, in every plan; 0: that of the config",
                [](const clinic::Patient& p) { return p.body; });

    array("/cohort/finished", {"plan", "patient"}, "1", "1 once the run is in this file")
        .write(std::span<const double>(std::vector<double>(shape_.plans.size() * shape_.patients.size(), 0.0)));
    if (!shape_.drugs.empty())
        array("/cohort/plasma_peak", {"plan", "patient", "drug"}, "ng/mL", "peak of the total plasma concentration");
    for (const engine::KeptSeries& s : shape_.series)
        array("/cohort/" + s.name, {"plan", "patient", "time", s.dimension}, s.unit, s.long_name);
    file_.flush();
}

/// A dataset of numbers over scales of /cohort, all NaN.
Dataset CohortFile::array(const std::string& object, const std::vector<std::string>& scales, const std::string& unit,
                          const std::string& long_name) {
    Layout layout;
    std::size_t size = 1;
    const auto scale_path = [&](const std::string& name) {
        const std::string own = object.substr(0, object.rfind('/')) + "/" + name;
        return file_.exists(own) ? own : "/cohort/" + name;
    };
    for (const std::string& name : scales) {
        layout.shape.push_back(file_.dataset(scale_path(name)).shape()[0]);
        size *= layout.shape.back();
    }
    Dataset made = file_.create_dataset(object, layout);
    made.write(std::span<const double>(std::vector<double>(size, none)));
    for (std::size_t d = 0; d < scales.size(); ++d) made.attach_scale(d, file_.dataset(scale_path(scales[d])));
    file_.set_attribute(object, "units", unit);
    file_.set_attribute(object, "long_name", long_name);
    return made;
}

void CohortFile::add(std::size_t plan, std::size_t patient, const engine::KeptRun& run) {
    for (const engine::KeptSeries& series : run.series) {
        const engine::KeptSeries& room = *std::ranges::find(shape_.series, series.name, &engine::KeptSeries::name);
        const std::size_t times = shape_.time_s.size(), width = room.labels.size();
        std::vector<double> values(times * width, none);
        for (std::size_t i = 0; i < series.labels.size(); ++i) {
            const std::size_t to = index_of(room.labels, series.labels[i]);
            for (std::size_t t = 0; t < std::min(times, run.time_s.size()); ++t)
                values[t * width + to] = series.values[t * series.labels.size() + i];
        }
        file_.dataset("/cohort/" + series.name)
            .write_block<double>(std::array{plan, patient, std::size_t{0}, std::size_t{0}},
                                 std::array{std::size_t{1}, std::size_t{1}, times, width}, values);
    }
    if (!run.drugs.empty()) {
        std::vector<double> peaks(shape_.drugs.size(), none);
        for (std::size_t i = 0; i < run.drugs.size(); ++i)
            peaks[index_of(shape_.drugs, run.drugs[i])] = run.plasma_peak[i];
        file_.dataset("/cohort/plasma_peak")
            .write_block<double>(std::array{plan, patient, std::size_t{0}},
                                 std::array{std::size_t{1}, std::size_t{1}, peaks.size()}, peaks);
    }
    file_.dataset("/cohort/finished")
        .write_block<double>(std::array{plan, patient}, std::array{std::size_t{1}, std::size_t{1}}, std::array{1.0});
    file_.flush();
}

void CohortFile::write_summary(const std::vector<double>& days_s, const std::vector<Measure>& measures) {
    const auto scale = [&](const std::string& name, const std::string& long_name, const std::string& unit, auto data,
                           Type type) {
        const std::string object = "/cohort/summary/" + name;
        Dataset made = file_.create_dataset(object, {type, {data.size()}});
        made.write(std::span<const typename decltype(data)::value_type>(data));
        made.make_scale(name);
        file_.set_attribute(object, "long_name", long_name);
        if (!unit.empty()) file_.set_attribute(object, "units", unit);
    };
    scale("plan", "treatment plan", "", shape_.plans, Type::text);
    scale("day", "after the start of treatment", "s", days_s, Type::f64);
    scale("bound", "estimate, and the 95 % confidence interval by bootstrap over patients", "",
          std::vector<std::string>{"estimate", "low", "high"}, Type::text);
    for (const Measure& m : measures)
        array("/cohort/summary/" + m.name, m.dimensions, m.unit, m.long_name).write(std::span<const double>(m.values));
    file_.flush();
}

void CohortFile::finish(bool complete, double wall_s) {
    file_.set_attribute("/", "wall_s", wall_s);
    file_.set_attribute("/", "complete", static_cast<std::int64_t>(complete));
    file_.close();
}

} // namespace rewire::record
