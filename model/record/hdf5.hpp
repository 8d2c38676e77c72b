#pragma once
// A thin layer over HDF5's C library: handles that close themselves, element types and attributes as C++
// values, and every failure as an exception that names file and object. HDF5's own error printing is switched
// off.
//
// Paths inside a file are absolute ("/trajectory/slow/time"); groups on the way to an object are made with
// it. Groups keep their members in the order of creation, which is the order of the config.

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rewire::record {

/// A failure in reading or writing an HDF5 file; `what()` is "FILE: OBJECT: reason".
struct Hdf5Error : std::runtime_error {
    Hdf5Error(const std::string& file_path, const std::string& object_path, const std::string& reason);
    std::string file;
    std::string object; ///< empty where the file as a whole is meant
};

/// Element types of our files. Text is variable-length UTF-8: readers get fixed-length strings wrong.
enum class Type { f32, f64, i64, u32, u64, text };

template <class T>
constexpr Type type_of() {
    if constexpr (std::is_same_v<T, float>)
        return Type::f32;
    else if constexpr (std::is_same_v<T, double>)
        return Type::f64;
    else if constexpr (std::is_same_v<T, std::int64_t>)
        return Type::i64;
    else if constexpr (std::is_same_v<T, std::uint32_t>)
        return Type::u32;
    else {
        static_assert(std::is_same_v<T, std::uint64_t>, "not an element type of our files");
        return Type::u64;
    }
}

/// The value of an attribute.
using Attribute = std::variant<std::int64_t, std::uint32_t, double, std::string, std::vector<std::uint32_t>,
                               std::vector<double>, std::vector<std::string>>;

/// An HDF5 identifier, released on destruction (HDF5 counts references).
class Handle {
public:
    Handle() = default;
    explicit Handle(std::int64_t id) : id_(id) {}
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle();

    std::int64_t get() const { return id_; }
    std::int64_t release() { return std::exchange(id_, -1); }
    bool valid() const { return id_ >= 0; }

private:
    std::int64_t id_ = -1;
};

/// Chunks of datasets are no larger than this, single rows apart.
inline constexpr std::size_t max_chunk_bytes = std::size_t{1} << 17;

/// How a new dataset is laid out.
struct Layout {
    Type type = Type::f64;
    std::vector<std::size_t> shape = {}; ///< empty: one scalar value
    bool extendible = false;             ///< grows along the first dimension; chunked, shuffled, deflated
    std::size_t chunk_rows = 16384;      ///< longest chunk
};

/// A dataset of an open file. Numbers are converted between the memory's and the file's type by HDF5.
class Dataset {
public:
    std::vector<std::size_t> shape() const;

    /// Appends `data` (a whole number of rows) along the first dimension.
    template <class T>
    void append(std::span<const T> data) {
        append_block(type_of<T>(), data.data(), data.size());
    }
    /// Writes the whole dataset; throws Hdf5Error if `data` has another number of elements.
    template <class T>
    void write(std::span<const T> data) {
        write_all(type_of<T>(), data.data(), data.size());
    }
    void write(std::span<const std::string> texts);
    /// Writes the block of `shape` that begins at `start`; throws Hdf5Error if `data` has another number of elements or
    /// the block lies outside.
    template <class T>
    void write_block(std::span<const std::size_t> start, std::span<const std::size_t> shape, std::span<const T> data) {
        write_part(type_of<T>(), start, shape, data.data(), data.size());
    }

    /// The whole dataset in row-major order.
    template <class T>
    std::vector<T> read() const {
        std::vector<T> data(size());
        read_all(type_of<T>(), data.data());
        return data;
    }
    std::vector<std::string> read_text() const;

    /// Lets go without closing; see File::abandon.
    void abandon() { handle_.release(); }

    bool is_integer() const;
    bool is_number() const;

    /// Declares this dataset the scale of a dimension with this name (HDF5 dimension scales).
    void make_scale(const std::string& name);
    /// Name of the scale of a dimension, as make_scale was given it; empty if it has none.
    std::string scale_name(std::size_t dimension) const;
    /// Attaches `scale` to a dimension of this dataset.
    void attach_scale(std::size_t dimension, const Dataset& scale);

private:
    friend class File;
    Dataset(Handle handle, std::string file, std::string object)
        : handle_(std::move(handle)),
          file_(std::move(file)),
          object_(std::move(object)) {}

    std::size_t size() const;
    void append_block(Type type, const void* data, std::size_t count);
    void write_all(Type type, const void* data, std::size_t count);
    void write_part(Type type, std::span<const std::size_t> start, std::span<const std::size_t> shape, const void* data,
                    std::size_t count);
    void read_all(Type type, void* data) const;
    [[noreturn]] void fail(const std::string& what) const;

    Handle handle_;
    std::string file_, object_;
};

/// An open HDF5 file.
class File {
public:
    /// Creates a file. An existing one is refused, or with `overwrite` replaced by a new one (unlinked, so
    /// that a program that has the old one open keeps it whole). Throws Hdf5Error.
    static File create(const std::string& path, bool overwrite = false);
    /// Opens a file for reading. Throws Hdf5Error if it is missing or no HDF5 file.
    static File open(const std::string& path);

    const std::string& path() const { return path_; }
    bool exists(const std::string& object) const;
    /// Names of the members of a group, in the order of their creation.
    std::vector<std::string> members(const std::string& group) const;

    /// Makes a group and those above it; one that exists is left as it is.
    void create_group(const std::string& group);
    Dataset create_dataset(const std::string& object, const Layout& layout);
    Dataset dataset(const std::string& object) const;

    /// Sets an attribute of a group or dataset, replacing one of the same name.
    void set_attribute(const std::string& object, const std::string& name, const Attribute& value);
    /// Sets an attribute of an enumerated type whose values 0, 1, ... have these names.
    void set_enumerated(const std::string& object, const std::string& name, std::span<const std::string> names,
                        std::uint8_t value);
    bool has_attribute(const std::string& object, const std::string& name) const;
    /// Reads an attribute as int64_t, double, std::string, or a vector of double or std::string.
    template <class T>
    T attribute(const std::string& object, const std::string& name) const;

    /// Makes sure of room for `bytes` more on the disk. HDF5 goes on after a write that failed and leaves a
    /// file that cannot be opened; a burst that does not begin for want of room leaves it as it was. Throws
    /// Hdf5Error.
    void reserve(std::size_t bytes);
    /// Hands everything to the operating system.
    void flush();
    /// Closes the file, and every dataset of it with it. Throws Hdf5Error if something could not be written.
    void close();
    /// Lets go of the file after a failed write. Closing would try to write again, and what then still fits
    /// on the disk spoils what the last flush left readable. Its datasets must be abandoned too.
    void abandon() { handle_.release(); }

private:
    File(Handle handle, std::string path) : handle_(std::move(handle)), path_(std::move(path)) {}
    Handle open_object(const std::string& object) const;
    Handle open_attribute(const std::string& object, const std::string& name) const;
    [[noreturn]] void fail(const std::string& object, const std::string& what) const;

    Handle handle_;
    std::string path_;
};

/// Reads a dataset of one dimension, as pairwise connection files have. T is uint32_t, uint64_t, int64_t,
/// float or double. Throws Hdf5Error for a missing file or dataset, another rank, text, and, where T is an
/// integer, for numbers that are not integers or outside T's range.
template <class T>
std::vector<T> read_column(const std::string& path, const std::string& object);

} // namespace rewire::record
