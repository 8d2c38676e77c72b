#pragma once
// The result file: one HDF5 file that h5py, xarray, pandas, MATLAB and SONATA tools read without our code.
//
// Its growing parts are tables: a group whose first column (time, start) is the dimension scale of the rows,
// and one dataset per further column, (row) or (row, entity), with units and long_name. A clock is a table
// under /trajectory. Spikes are SONATA's pair of columns. All else is written in one piece.
//
// Declare everything first. The first append starts a writer thread, which from then on makes every call to
// HDF5: append_*, write_array and set_attribute copy into memory under a mutex and return, and every two
// seconds the writer writes what has gathered in one short burst and flushes. So the file on disk is whole
// between bursts, even if the program is killed; `complete` is 0 until close(true). There is no SWMR mode:
// killed in it, a file cannot be opened by plain readers.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "record/hdf5.hpp"

namespace rewire::record {

/// A column of a table: one dataset.
struct Column {
    std::string name;
    std::string unit;                     ///< plain ASCII, "1" for relative
    std::string long_name;                ///< for axes: "NMDA block, synaptic"
    Type type = Type::f64;                ///< as stored; values are given as double
    std::string dimension = {};           ///< name of the second dimension; empty: one value per row
    std::vector<std::string> labels = {}; ///< its entries; columns of a table with the same dimension share them
};

/// An array that is written in one piece, such as positions or the synapses of a snapshot.
struct Array {
    using Data = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>,
                              std::vector<std::uint32_t>, std::vector<std::uint64_t>, std::vector<std::string>>;
    Data data;                                                   ///< row-major
    std::vector<std::pair<std::string, std::size_t>> dimensions; ///< name and length; arrays of a group share them
    std::vector<std::pair<std::string, Attribute>> attributes = {};
};

/// Writes what the root of every result file says: format, versions, `complete` = 0.
void write_root_attributes(File& file);

class ResultFile {
public:
    struct Table {
        std::size_t index;
    };
    struct Spikes {
        std::size_t index;
    };

    /// Creates the file with its root attributes (format, version, `complete` = 0). Throws Hdf5Error, also if
    /// the file exists and `overwrite` is false. `write_every` is the longest time that data wait in memory.
    explicit ResultFile(std::string path, bool overwrite = false,
                        std::chrono::milliseconds write_every = std::chrono::seconds(2));
    /// Closes the file as incomplete unless it is closed already.
    ~ResultFile();
    ResultFile(const ResultFile&) = delete;
    ResultFile& operator=(const ResultFile&) = delete;

    /// Sets an attribute of the root ("/"), a group (made if missing) or a dataset. At any time.
    void set_attribute(const std::string& object, const std::string& name, Attribute value);
    /// Writes /config: the fully resolved experiment.
    void write_config(const std::string& toml);

    /// Declares a growing table; the first of the columns is the scale of the rows and has no dimension.
    Table declare_table(const std::string& group, const std::vector<Column>& columns);
    /// Declares /trajectory/<name> with its column `time`. `unit` is "ms" or "s".
    Table declare_clock(const std::string& name, const std::string& unit);
    /// Adds a column to a table that has no rows yet.
    void declare_series(Table table, const Column& column);
    /// Appends a row: the first column (time), then all further values in the order of declaration. Throws
    /// std::invalid_argument for another number of values, and what the writer thread met.
    void append_row(Table table, double first, std::span<const double> values);

    /// Declares /spikes/<population> in SONATA's layout.
    Spikes declare_spikes(const std::string& population);
    /// Appends spikes in the order of time (checked: it is what the file's `sorting` attribute promises).
    void append_spikes(Spikes spikes, std::span<const double> timestamps_ms, std::span<const std::uint64_t> node_ids);

    /// Writes a dataset in one piece. At any time.
    void write_array(const std::string& object, Array array);

    /// Hands to the operating system what is declared so far, so that the file can be read whatever happens before
    /// the first append.
    void flush();

    /// Writes what is left, sets `complete`, closes. Throws what the writer thread met. A second call does
    /// nothing.
    void close(bool complete);

private:
    struct SpikeRows {
        std::vector<double> timestamps_ms;
        std::vector<std::uint64_t> node_ids;
    };
    /// What waits to be written.
    struct Batch {
        std::vector<std::function<void()>> jobs;
        std::vector<std::vector<double>> rows; ///< per table
        std::vector<SpikeRows> spikes;         ///< per population
        std::size_t bytes = 0;
    };
    struct TableShape {
        std::string group;
        std::size_t row_width = 0; ///< values of a row, over all columns
        bool started = false;
    };
    struct StoredColumn {
        Dataset dataset;
        std::size_t width; ///< values of a row
    };
    struct StoredSpikes {
        Dataset timestamps, node_ids;
    };

    void perform(std::function<void()> job, std::size_t bytes = 0);
    void check_open() const;
    void begin_append(std::unique_lock<std::mutex>& lock);
    void end_append(std::size_t bytes);
    Batch take_batch();
    void write_in_bursts();

    // Calls to HDF5.
    void create_column(std::size_t table, const std::string& group, const Column& column);
    Dataset dimension_scale(const std::string& group, const std::string& name, std::span<const std::string> labels);
    Dataset anonymous_scale(const std::string& group, const std::string& name, std::size_t length);
    void create_spikes(const std::string& group);
    void store_array(const std::string& object, const Array& array);
    void write_batch(const Batch& batch);
    void abandon();
    void write_rows(std::vector<StoredColumn>& columns, std::span<const double> rows);

    const std::chrono::milliseconds write_every_;

    // Guarded by mutex_.
    std::mutex mutex_;
    std::condition_variable wake_, room_;
    Batch waiting_;
    std::vector<TableShape> shapes_;
    std::vector<double> last_spike_ms_;
    std::exception_ptr failure_;
    bool stopping_ = false;
    std::thread writer_;

    // HDF5 objects: of the thread that declares until the first append, then of the writer thread alone.
    File file_;
    std::vector<std::vector<StoredColumn>> tables_;
    std::vector<StoredSpikes> spikes_;
};

} // namespace rewire::record
