#include "record/result_file.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>
#include <type_traits>

namespace rewire::record {
namespace {

// Every burst compresses the last chunk of each column anew: short ones keep bursts short (50 columns: 5 ms).
constexpr std::size_t table_chunk = 1024;

// The writer is woken early when this much waits; beyond the limit an append waits for the disk.
constexpr std::size_t wake_bytes = std::size_t{32} << 20;
constexpr std::size_t limit_bytes = std::size_t{512} << 20;

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

std::string parent_of(const std::string& object) { return object.substr(0, object.rfind('/')); }

std::size_t width_of(const Column& column) {
    if (column.dimension.empty()) return 1;
    if (column.labels.empty())
        throw std::invalid_argument("column " + column.name + ": the dimension " + column.dimension +
                                    " has no entries");
    return column.labels.size();
}

} // namespace

void write_root_attributes(File& file) {
    const std::pair<const char*, Attribute> root[] = {
        {"format", "rewire"},
        {"format_version", 1},
        {"rewire_version", REWIRE_VERSION},
        {"created_utc", utc_now()},
        {"complete", 0},
        // SONATA's mark: its readers find /spikes.
        {"magic", std::uint32_t{0x0A7A}},
        {"version", std::vector<std::uint32_t>{0, 1}},
    };
    for (const auto& [name, value] : root) file.set_attribute("/", name, value);
}

ResultFile::ResultFile(std::string path, bool overwrite, std::chrono::milliseconds write_every)
    : write_every_(write_every),
      file_(File::create(path, overwrite)) {
    write_root_attributes(file_);
}

ResultFile::~ResultFile() {
    try {
        close(false);
    } catch (...) { // a destructor must not throw; whoever wants to know calls close()
    }
}

// ---- declarations

/// Runs a job that calls HDF5: here and now before the first append, afterwards in the writer thread. The
/// caller holds mutex_.
void ResultFile::perform(std::function<void()> job, std::size_t bytes) {
    check_open();
    if (!writer_.joinable()) return job();
    waiting_.jobs.push_back(std::move(job));
    waiting_.bytes += bytes;
}

void ResultFile::check_open() const {
    if (failure_) std::rethrow_exception(failure_);
    if (stopping_) throw std::logic_error("ResultFile: closed already");
}

void ResultFile::set_attribute(const std::string& object, const std::string& name, Attribute value) {
    const std::lock_guard lock(mutex_);
    perform([this, object, name, value = std::move(value)] {
        file_.create_group(object);
        file_.set_attribute(object, name, value);
    });
}

void ResultFile::flush() {
    const std::lock_guard lock(mutex_);
    perform([this] { file_.flush(); });
}

void ResultFile::write_config(const std::string& toml) {
    write_array("/config", {std::vector<std::string>{toml}, {}, {{"long_name", "experiment as run (TOML)"}}});
}

ResultFile::Table ResultFile::declare_table(const std::string& group, const std::vector<Column>& columns) {
    if (columns.empty() || !columns.front().dimension.empty())
        throw std::invalid_argument("table " + group + ": the first column has one value per row");
    Table table{};
    {
        const std::lock_guard lock(mutex_);
        table.index = shapes_.size();
        perform([this, group] {
            file_.create_group(group);
            tables_.emplace_back();
        });
        shapes_.push_back({group});
        waiting_.rows.emplace_back();
    }
    for (const Column& column : columns) declare_series(table, column);
    return table;
}

ResultFile::Table ResultFile::declare_clock(const std::string& name, const std::string& unit) {
    return declare_table("/trajectory/" + name, {{"time", unit, "time"}});
}

void ResultFile::declare_series(Table table, const Column& column) {
    const std::size_t width = width_of(column);
    const std::lock_guard lock(mutex_);
    TableShape& shape = shapes_.at(table.index);
    if (shape.started) throw std::logic_error(shape.group + "/" + column.name + ": declared after the first row");
    perform([this, table, group = shape.group, column] { create_column(table.index, group, column); });
    shape.row_width += width;
}

void ResultFile::create_column(std::size_t table, const std::string& group, const Column& column) {
    std::vector<StoredColumn>& columns = tables_.at(table);
    const std::size_t width = width_of(column);
    const std::string object = group + "/" + column.name;
    Layout layout{column.type, {0}, true, table_chunk};
    if (!column.dimension.empty()) layout.shape.push_back(width);
    Dataset dataset = file_.create_dataset(object, layout);
    file_.set_attribute(object, "units", column.unit);
    file_.set_attribute(object, "long_name", column.long_name);
    if (columns.empty())
        dataset.make_scale(column.name);
    else
        dataset.attach_scale(0, columns.front().dataset);
    if (!column.dimension.empty()) dataset.attach_scale(1, dimension_scale(group, column.dimension, column.labels));
    columns.push_back({std::move(dataset), width});
}

/// The scale of a second dimension, whose values are names.
Dataset ResultFile::dimension_scale(const std::string& group, const std::string& name,
                                    std::span<const std::string> labels) {
    const std::string object = group + "/" + name;
    if (file_.exists(object)) {
        Dataset scale = file_.dataset(object);
        if (!std::ranges::equal(scale.read_text(), labels))
            throw std::invalid_argument(object + ": the dimension is declared with other entries");
        return scale;
    }
    Dataset scale = file_.create_dataset(object, {Type::text, {labels.size()}});
    scale.write(labels);
    file_.set_attribute(object, "long_name", name);
    scale.make_scale(name);
    return scale;
}

ResultFile::Spikes ResultFile::declare_spikes(const std::string& population) {
    const std::lock_guard lock(mutex_);
    const Spikes spikes{last_spike_ms_.size()};
    perform([this, population] { create_spikes("/spikes/" + population); });
    last_spike_ms_.push_back(-std::numeric_limits<double>::infinity());
    waiting_.spikes.emplace_back();
    return spikes;
}

void ResultFile::create_spikes(const std::string& group) {
    const std::string timestamps = group + "/timestamps", node_ids = group + "/node_ids";
    StoredSpikes stored{file_.create_dataset(timestamps, {Type::f64, {0}, true}),
                        file_.create_dataset(node_ids, {Type::u64, {0}, true})};
    file_.set_attribute(timestamps, "units", "milliseconds");
    const std::array<std::string, 3> orders = {"none", "by_id", "by_time"};
    file_.set_enumerated(group, "sorting", orders, 2);
    spikes_.push_back(std::move(stored));
}

// ---- appends, arrays

/// Waits for room, starts the writer.
void ResultFile::begin_append(std::unique_lock<std::mutex>& lock) {
    room_.wait(lock, [this] { return waiting_.bytes < limit_bytes || failure_ || stopping_; });
    check_open();
    if (writer_.joinable()) return;
    file_.flush(); // from here on the file can be read whatever happens
    writer_ = std::thread([this] { write_in_bursts(); });
}

void ResultFile::end_append(std::size_t bytes) {
    waiting_.bytes += bytes;
    if (waiting_.bytes >= wake_bytes) wake_.notify_one();
}

void ResultFile::append_row(Table table, double first, std::span<const double> values) {
    std::unique_lock lock(mutex_);
    begin_append(lock);
    TableShape& shape = shapes_.at(table.index);
    if (values.size() + 1 != shape.row_width)
        throw std::invalid_argument(shape.group + ": a row of " + std::to_string(values.size()) + " values, " +
                                    std::to_string(shape.row_width - 1) + " are declared");
    shape.started = true;
    std::vector<double>& rows = waiting_.rows[table.index];
    rows.push_back(first);
    rows.insert(rows.end(), values.begin(), values.end());
    end_append(shape.row_width * sizeof(double));
}

void ResultFile::append_spikes(Spikes spikes, std::span<const double> timestamps_ms,
                               std::span<const std::uint64_t> node_ids) {
    if (timestamps_ms.size() != node_ids.size())
        throw std::invalid_argument("append_spikes: timestamps and node_ids differ in length");
    if (timestamps_ms.empty()) return;
    std::unique_lock lock(mutex_);
    begin_append(lock);
    double& last = last_spike_ms_.at(spikes.index);
    if (timestamps_ms.front() < last || !std::ranges::is_sorted(timestamps_ms))
        throw std::invalid_argument("append_spikes: spikes must come in the order of time");
    last = timestamps_ms.back();
    SpikeRows& rows = waiting_.spikes[spikes.index];
    rows.timestamps_ms.insert(rows.timestamps_ms.end(), timestamps_ms.begin(), timestamps_ms.end());
    rows.node_ids.insert(rows.node_ids.end(), node_ids.begin(), node_ids.end());
    end_append(timestamps_ms.size() * (sizeof(double) + sizeof(std::uint64_t)));
}

void ResultFile::write_array(const std::string& object, Array array) {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = std::visit([](const auto& data) { return data.size() * sizeof(data[0]); }, array.data);
    perform([this, object, array = std::move(array)] { store_array(object, array); }, bytes);
}

void ResultFile::store_array(const std::string& object, const Array& array) {
    Layout layout;
    for (const auto& [name, length] : array.dimensions) layout.shape.push_back(length);
    Dataset dataset = std::visit(
        [&](const auto& data) {
            using T = typename std::decay_t<decltype(data)>::value_type;
            if constexpr (std::is_same_v<T, std::string>)
                layout.type = Type::text;
            else
                layout.type = type_of<T>();
            Dataset made = file_.create_dataset(object, layout);
            made.write(std::span<const T>(data));
            return made;
        },
        array.data);
    for (const auto& [name, value] : array.attributes) file_.set_attribute(object, name, value);
    for (std::size_t i = 0; i < array.dimensions.size(); ++i) {
        const auto& [name, length] = array.dimensions[i];
        dataset.attach_scale(i, anonymous_scale(parent_of(object), name, length));
    }
}

/// The scale of a dimension that has a name and a length but no values, as netCDF-4 marks it. It takes no
/// space.
Dataset ResultFile::anonymous_scale(const std::string& group, const std::string& name, std::size_t length) {
    const std::string object = group + "/" + name;
    if (file_.exists(object)) {
        Dataset scale = file_.dataset(object);
        if (scale.shape() != std::vector{length})
            throw std::invalid_argument(object + ": the dimension has another length already");
        return scale;
    }
    Dataset scale = file_.create_dataset(object, {Type::f32, {length}});
    std::string digits = std::to_string(length);
    digits.insert(0, 10 - std::min<std::size_t>(digits.size(), 10), ' ');
    scale.make_scale("This is a netCDF dimension but not a netCDF variable." + digits);
    return scale;
}

// ---- the writer thread

/// Takes what waits, leaving empty buffers of the same number.
ResultFile::Batch ResultFile::take_batch() {
    Batch batch = std::exchange(waiting_, Batch{});
    waiting_.rows.resize(batch.rows.size());
    waiting_.spikes.resize(batch.spikes.size());
    return batch;
}

void ResultFile::write_in_bursts() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const bool last = stopping_; // nothing comes after it was set
        const Batch batch = take_batch();
        lock.unlock();
        std::exception_ptr failure;
        try {
            write_batch(batch);
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        failure_ = failure;
        room_.notify_all();
        if (last || failure_) return;
        wake_.wait_for(lock, write_every_, [this] { return stopping_ || waiting_.bytes >= wake_bytes; });
    }
}

void ResultFile::write_batch(const Batch& batch) {
    if (batch.bytes == 0 && batch.jobs.empty()) return;
    // Each dataset may also rewrite its last, partly filled chunk in another place.
    std::size_t datasets = 2 * spikes_.size();
    for (const auto& columns : tables_) datasets += columns.size();
    file_.reserve(2 * batch.bytes + datasets * max_chunk_bytes + (std::size_t{1} << 20));
    for (const auto& job : batch.jobs) job();
    for (std::size_t i = 0; i < batch.rows.size(); ++i)
        if (!batch.rows[i].empty()) write_rows(tables_[i], batch.rows[i]);
    for (std::size_t i = 0; i < batch.spikes.size(); ++i) {
        spikes_[i].timestamps.append(std::span<const double>(batch.spikes[i].timestamps_ms));
        spikes_[i].node_ids.append(std::span<const std::uint64_t>(batch.spikes[i].node_ids));
    }
    file_.flush();
}

/// Rows lie one after another; a dataset takes its columns of all of them.
void ResultFile::write_rows(std::vector<StoredColumn>& columns, std::span<const double> rows) {
    std::size_t row_width = 0;
    for (const StoredColumn& column : columns) row_width += column.width;
    std::vector<double> block;
    std::size_t offset = 0;
    for (StoredColumn& column : columns) {
        block.clear();
        for (std::size_t row = offset; row < rows.size(); row += row_width) {
            const auto values = rows.subspan(row, column.width);
            block.insert(block.end(), values.begin(), values.end());
        }
        column.dataset.append(std::span<const double>(block));
        offset += column.width;
    }
}

void ResultFile::close(bool complete) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
    }
    wake_.notify_all();
    room_.notify_all();
    if (writer_.joinable()) writer_.join();
    // The writer has ended: HDF5 is this thread's again.
    if (failure_) {
        abandon();
        std::rethrow_exception(failure_);
    }
    tables_.clear();
    spikes_.clear();
    if (complete) file_.set_attribute("/", "complete", 1);
    file_.close();
}

/// Leaves the file as the last good burst left it.
void ResultFile::abandon() {
    for (auto& columns : tables_)
        for (StoredColumn& column : columns) column.dataset.abandon();
    for (StoredSpikes& spikes : spikes_) {
        spikes.timestamps.abandon();
        spikes.node_ids.abandon();
    }
    file_.abandon();
}

} // namespace rewire::record
