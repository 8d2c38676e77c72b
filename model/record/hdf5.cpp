#include "record/hdf5.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <limits>
#include <numeric>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace rewire::record {
namespace {

static_assert(std::is_same_v<hid_t, std::int64_t>);

/// Called before anything that may fail. HDF5 keeps its error printing per thread. Its clean-up at exit is
/// left out (we close what we open): after a write that failed on a full disk it crashes on what could not be
/// closed.
void silence() {
    static const herr_t no_exit_handler = H5dont_atexit();
    thread_local const herr_t no_printing = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    static_cast<void>(no_exit_handler);
    static_cast<void>(no_printing);
}

/// The innermost reason on HDF5's error stack, or the operating system's where there is one.
std::string reason() {
    std::string text;
    H5Ewalk2(
        H5E_DEFAULT, H5E_WALK_UPWARD,
        [](unsigned index, const H5E_error2_t* error, void* out) -> herr_t {
            if (index == 0 && error->desc) *static_cast<std::string*>(out) = error->desc;
            return 0;
        },
        &text);
    constexpr std::string_view mark = "error message = '";
    const auto start = text.find(mark);
    if (start == std::string::npos) return text.empty() ? "HDF5 gives no reason" : text;
    const auto first = start + mark.size();
    return text.substr(first, text.find('\'', first) - first);
}

hid_t number_type(Type type) {
    switch (type) {
    case Type::f32: return H5T_NATIVE_FLOAT;
    case Type::f64: return H5T_NATIVE_DOUBLE;
    case Type::i64: return H5T_NATIVE_INT64;
    case Type::u32: return H5T_NATIVE_UINT32;
    case Type::u64: return H5T_NATIVE_UINT64;
    case Type::text: break;
    }
    throw std::logic_error("number_type: text is no number");
}

Handle text_type() {
    Handle type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type.get(), H5T_VARIABLE);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    return type;
}

Handle any_type(Type type) { return type == Type::text ? text_type() : Handle(H5Tcopy(number_type(type))); }

Handle simple_space(const std::vector<std::size_t>& shape, bool extendible) {
    if (shape.empty()) return Handle(H5Screate(H5S_SCALAR));
    std::vector<hsize_t> size(shape.begin(), shape.end());
    std::vector<hsize_t> limit = size;
    if (extendible) limit[0] = H5S_UNLIMITED;
    return Handle(H5Screate_simple(static_cast<int>(size.size()), size.data(), limit.data()));
}

std::size_t product(std::span<const std::size_t> shape) {
    return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::vector<hsize_t> chunk_shape(const Layout& layout) {
    std::vector<hsize_t> chunk(layout.shape.begin(), layout.shape.end());
    std::size_t row = 8;
    for (std::size_t i = 1; i < chunk.size(); ++i) row *= std::max<std::size_t>(chunk[i], 1);
    const std::size_t rows = std::clamp<std::size_t>(max_chunk_bytes / row, 1, layout.chunk_rows);
    chunk[0] = layout.extendible ? rows : std::min<hsize_t>(rows, chunk[0]);
    for (hsize_t& length : chunk) length = std::max<hsize_t>(length, 1);
    return chunk;
}

Handle creation_properties(const Layout& layout) {
    Handle properties(H5Pcreate(H5P_DATASET_CREATE));
    const bool large = product(layout.shape) > 4096;
    if (layout.extendible || (large && layout.type != Type::text)) {
        const auto chunk = chunk_shape(layout);
        H5Pset_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data());
        H5Pset_shuffle(properties.get());
        H5Pset_deflate(properties.get(), 1);
    }
    return properties;
}

Handle group_properties() {
    Handle properties(H5Pcreate(H5P_GROUP_CREATE));
    H5Pset_link_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    return properties;
}

Handle file_access() {
    Handle access(H5Pcreate(H5P_FILE_ACCESS));
    // close() closes the datasets too and so knows that all is written.
    H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
    // Some cluster file systems have no locks; a lock is not worth the failure of a run.
    H5Pset_file_locking(access.get(), true, true);
    return access;
}

std::string parent_of(const std::string& object) {
    const auto slash = object.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : object.substr(0, slash);
}

std::vector<const char*> pointers(std::span<const std::string> texts) {
    std::vector<const char*> list;
    for (const std::string& text : texts) list.push_back(text.c_str());
    return list;
}

/// Takes over the strings that HDF5 allocated in reading.
std::vector<std::string> take_texts(hid_t type, hid_t space, std::vector<char*>& texts) {
    std::vector<std::string> list;
    for (const char* text : texts) list.emplace_back(text ? text : "");
    if (!texts.empty()) H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts.data());
    return list;
}

/// Reads strings of fixed or variable length; `read(type, buffer)` is H5Dread or H5Aread, `space` that of the
/// data.
template <class Read>
bool read_texts(hid_t stored, hid_t space, std::vector<std::string>& out, const Read& read) {
    const auto count = static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0));
    if (H5Tis_variable_str(stored) > 0) {
        std::vector<char*> texts(count, nullptr);
        const Handle type(H5Tcopy(stored));
        if (count > 0 && read(type.get(), texts.data()) < 0) return false;
        out = take_texts(type.get(), space, texts);
        return true;
    }
    const std::size_t length = H5Tget_size(stored);
    std::vector<char> buffer(count * length);
    if (count > 0 && read(stored, buffer.data()) < 0) return false;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string text(buffer.data() + i * length, length);
        out.push_back(text.substr(0, text.find('\0')));
    }
    return true;
}

} // namespace

Hdf5Error::Hdf5Error(const std::string& file_path, const std::string& object_path, const std::string& reason)
    : std::runtime_error(file_path + ": " + (object_path.empty() ? "" : object_path + ": ") + reason),
      file(file_path),
      object(object_path) {}

Handle::~Handle() {
    if (id_ < 0) return;
    silence();
    H5Idec_ref(id_);
}

// ---- Dataset

void Dataset::fail(const std::string& what) const { throw Hdf5Error(file_, object_, what + ": " + reason()); }

std::vector<std::size_t> Dataset::shape() const {
    const Handle space(H5Dget_space(handle_.get()));
    const int rank = H5Sget_simple_extent_ndims(space.get());
    if (rank < 0) fail("cannot read the shape");
    std::vector<hsize_t> size(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.get(), size.data(), nullptr);
    return {size.begin(), size.end()};
}

std::size_t Dataset::size() const { return product(shape()); }

void Dataset::append_block(Type type, const void* data, std::size_t count) {
    silence();
    const std::vector<std::size_t> before = shape();
    const std::size_t row = product(std::span(before).subspan(1));
    if (row == 0 || count % row != 0) throw Hdf5Error(file_, object_, "append of a part of a row");
    if (count == 0) return;
    std::vector<hsize_t> start(before.size(), 0), block(before.begin(), before.end());
    start[0] = before[0];
    block[0] = count / row;
    std::vector<hsize_t> after = block;
    after[0] += before[0];
    if (H5Dset_extent(handle_.get(), after.data()) < 0) fail("cannot grow");
    const Handle target(H5Dget_space(handle_.get()));
    H5Sselect_hyperslab(target.get(), H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr);
    const Handle source(H5Screate_simple(static_cast<int>(block.size()), block.data(), nullptr));
    if (H5Dwrite(handle_.get(), number_type(type), source.get(), target.get(), H5P_DEFAULT, data) < 0)
        fail("cannot write");
}

void Dataset::write_all(Type type, const void* data, std::size_t count) {
    silence();
    if (count != size()) throw Hdf5Error(file_, object_, "write of another number of elements");
    if (count > 0 && H5Dwrite(handle_.get(), number_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        fail("cannot write");
}

void Dataset::write_part(Type type, std::span<const std::size_t> start, std::span<const std::size_t> shape,
                         const void* data, std::size_t count) {
    silence();
    std::size_t size = 1;
    for (const std::size_t n : shape) size *= n;
    if (count != size || shape.size() != this->shape().size() || start.size() != shape.size())
        throw Hdf5Error(file_, object_, "write of another number of elements");
    if (count == 0) return;
    const std::vector<hsize_t> first(start.begin(), start.end()), block(shape.begin(), shape.end());
    const Handle target(H5Dget_space(handle_.get()));
    const Handle source(H5Screate_simple(static_cast<int>(block.size()), block.data(), nullptr));
    if (H5Sselect_hyperslab(target.get(), H5S_SELECT_SET, first.data(), nullptr, block.data(), nullptr) < 0 ||
        H5Dwrite(handle_.get(), number_type(type), source.get(), target.get(), H5P_DEFAULT, data) < 0)
        fail("cannot write");
}

void Dataset::write(std::span<const std::string> texts) {
    silence();
    if (texts.size() != size()) throw Hdf5Error(file_, object_, "write of another number of elements");
    const Handle type = text_type();
    const auto list = pointers(texts);
    if (!list.empty() && H5Dwrite(handle_.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, list.data()) < 0)
        fail("cannot write");
}

void Dataset::read_all(Type type, void* data) const {
    silence();
    if (!is_number()) throw Hdf5Error(file_, object_, "holds no numbers");
    if (size() > 0 && H5Dread(handle_.get(), number_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        fail("cannot read");
}

std::vector<std::string> Dataset::read_text() const {
    silence();
    const Handle type(H5Dget_type(handle_.get()));
    if (H5Tget_class(type.get()) != H5T_STRING) throw Hdf5Error(file_, object_, "holds no text");
    const Handle space(H5Dget_space(handle_.get()));
    std::vector<std::string> texts;
    const auto read = [&](hid_t memory, void* buffer) {
        return H5Dread(handle_.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
    };
    if (!read_texts(type.get(), space.get(), texts, read)) fail("cannot read");
    return texts;
}

bool Dataset::is_integer() const {
    const Handle type(H5Dget_type(handle_.get()));
    return H5Tget_class(type.get()) == H5T_INTEGER;
}

bool Dataset::is_number() const {
    const Handle type(H5Dget_type(handle_.get()));
    return H5Tget_class(type.get()) == H5T_INTEGER || H5Tget_class(type.get()) == H5T_FLOAT;
}

void Dataset::make_scale(const std::string& name) {
    silence();
    if (H5DSset_scale(handle_.get(), name.c_str()) < 0) fail("cannot become a dimension scale");
}

std::string Dataset::scale_name(std::size_t dimension) const {
    silence();
    std::string name;
    const auto visit = [](hid_t, unsigned, hid_t scale, void* out) -> herr_t {
        std::array<char, 256> text{};
        if (H5DSget_scale_name(scale, text.data(), text.size()) > 0) *static_cast<std::string*>(out) = text.data();
        return 1;
    };
    H5DSiterate_scales(handle_.get(), static_cast<unsigned>(dimension), nullptr, visit, &name);
    return name;
}

void Dataset::attach_scale(std::size_t dimension, const Dataset& scale) {
    silence();
    if (H5DSattach_scale(handle_.get(), scale.handle_.get(), static_cast<unsigned>(dimension)) < 0)
        fail("cannot attach the dimension scale " + scale.object_);
}

// ---- File

void File::fail(const std::string& object, const std::string& what) const {
    throw Hdf5Error(path_, object, what + ": " + reason());
}

File File::create(const std::string& path, bool overwrite) {
    silence();
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::exists(status)) {
        if (!overwrite) throw Hdf5Error(path, "", "the file exists already");
        if (!fs::is_regular_file(status) && !fs::is_symlink(status))
            throw Hdf5Error(path, "", "not a regular file: will not be overwritten");
        if (!fs::remove(path, error)) throw Hdf5Error(path, "", "cannot be replaced: " + error.message());
    }
    const Handle access = file_access();
    const Handle creation(H5Pcreate(H5P_FILE_CREATE));
    H5Pset_link_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    Handle file(H5Fcreate(path.c_str(), H5F_ACC_EXCL, creation.get(), access.get()));
    if (!file.valid()) throw Hdf5Error(path, "", "cannot be created: " + reason());
    return {std::move(file), path};
}

File File::open(const std::string& path) {
    silence();
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw Hdf5Error(path, "", "no such file");
    if (std::filesystem::is_directory(path, error)) throw Hdf5Error(path, "", "is a directory");
    const Handle access = file_access();
    Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()));
    if (!file.valid()) throw Hdf5Error(path, "", "cannot be opened as an HDF5 file: " + reason());
    return {std::move(file), path};
}

bool File::exists(const std::string& object) const {
    silence();
    if (object.empty() || object == "/") return true;
    // H5Lexists fails where a group on the way is missing.
    return exists(parent_of(object)) && H5Lexists(handle_.get(), object.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> File::members(const std::string& group) const {
    const Handle id = open_object(group);
    const Handle properties(H5Gget_create_plist(id.get()));
    unsigned order = 0;
    if (properties.valid()) H5Pget_link_creation_order(properties.get(), &order);
    const H5_index_t index = order & H5P_CRT_ORDER_INDEXED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
        static_cast<std::vector<std::string>*>(out)->emplace_back(name);
        return 0;
    };
    if (H5Literate(id.get(), index, H5_ITER_INC, nullptr, collect, &names) < 0) fail(group, "cannot list the group");
    return names;
}

void File::create_group(const std::string& group) {
    if (exists(group)) return;
    create_group(parent_of(group));
    const Handle properties = group_properties();
    const Handle id(H5Gcreate2(handle_.get(), group.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT));
    if (!id.valid()) fail(group, "cannot create the group");
}

Dataset File::create_dataset(const std::string& object, const Layout& layout) {
    silence();
    create_group(parent_of(object));
    const Handle type = any_type(layout.type);
    const Handle space = simple_space(layout.shape, layout.extendible);
    const Handle properties = creation_properties(layout);
    Handle id(
        H5Dcreate2(handle_.get(), object.c_str(), type.get(), space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT));
    if (!id.valid()) fail(object, "cannot create the dataset");
    return {std::move(id), path_, object};
}

Dataset File::dataset(const std::string& object) const {
    Handle id = open_object(object);
    if (H5Iget_type(id.get()) != H5I_DATASET) throw Hdf5Error(path_, object, "is not a dataset");
    return {std::move(id), path_, object};
}

Handle File::open_object(const std::string& object) const {
    if (!exists(object)) throw Hdf5Error(path_, object, "no such group or dataset");
    Handle id(H5Oopen(handle_.get(), object.c_str(), H5P_DEFAULT));
    if (!id.valid()) fail(object, "cannot be opened");
    return id;
}

namespace {

/// What H5Acreate and H5Awrite need for a value of each kind.
struct AttributeImage {
    Handle type;
    Handle space;
    const void* data;
    std::vector<const char*> texts; ///< keeps what `data` points to
};

AttributeImage image_of(const Attribute& value) {
    return std::visit(
        [](const auto& v) -> AttributeImage {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, std::string>) {
                AttributeImage image{text_type(), simple_space({}, false), nullptr, {v.c_str()}};
                image.data = image.texts.data();
                return image;
            } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
                AttributeImage image{text_type(), simple_space({v.size()}, false), nullptr, pointers(v)};
                image.data = image.texts.data();
                return image;
            } else if constexpr (std::is_arithmetic_v<T>) {
                return {any_type(type_of<T>()), simple_space({}, false), &v, {}};
            } else {
                return {any_type(type_of<typename T::value_type>()), simple_space({v.size()}, false), v.data(), {}};
            }
        },
        value);
}

/// Writes an attribute anew; false on failure.
bool replace_attribute(hid_t object, const std::string& name, hid_t type, hid_t space, const void* data) {
    if (H5Aexists(object, name.c_str()) > 0 && H5Adelete(object, name.c_str()) < 0) return false;
    const Handle id(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
    return id.valid() && (H5Sget_simple_extent_npoints(space) == 0 || H5Awrite(id.get(), type, data) >= 0);
}

} // namespace

void File::set_attribute(const std::string& object, const std::string& name, const Attribute& value) {
    const Handle id = open_object(object);
    const AttributeImage image = image_of(value);
    if (!replace_attribute(id.get(), name, image.type.get(), image.space.get(), image.data))
        fail(object, "cannot set the attribute " + name);
}

void File::set_enumerated(const std::string& object, const std::string& name, std::span<const std::string> names,
                          std::uint8_t value) {
    const Handle id = open_object(object);
    const Handle type(H5Tenum_create(H5T_NATIVE_UINT8));
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto number = static_cast<std::uint8_t>(i);
        H5Tenum_insert(type.get(), names[i].c_str(), &number);
    }
    const Handle space = simple_space({}, false);
    if (!replace_attribute(id.get(), name, type.get(), space.get(), &value))
        fail(object, "cannot set the attribute " + name);
}

bool File::has_attribute(const std::string& object, const std::string& name) const {
    return exists(object) && H5Aexists_by_name(handle_.get(), object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

Handle File::open_attribute(const std::string& object, const std::string& name) const {
    if (!has_attribute(object, name)) throw Hdf5Error(path_, object, "no attribute " + name);
    Handle id(H5Aopen_by_name(handle_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    if (!id.valid()) fail(object, "cannot open the attribute " + name);
    return id;
}

namespace {

template <class T>
bool read_attribute(const Handle& id, hid_t stored, hid_t space, std::vector<T>& values) {
    if constexpr (std::is_same_v<T, std::string>) {
        if (H5Tget_class(stored) != H5T_STRING) return false;
        return read_texts(stored, space, values,
                          [&](hid_t type, void* buffer) { return H5Aread(id.get(), type, buffer); });
    } else {
        if (H5Tget_class(stored) != H5T_INTEGER && H5Tget_class(stored) != H5T_FLOAT) return false;
        values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
        return values.empty() || H5Aread(id.get(), number_type(type_of<T>()), values.data()) >= 0;
    }
}

template <class T>
struct ElementOf {
    using type = T;
};
template <class T>
struct ElementOf<std::vector<T>> {
    using type = T;
};

} // namespace

template <class T>
T File::attribute(const std::string& object, const std::string& name) const {
    using Element = typename ElementOf<T>::type;
    const Handle id = open_attribute(object, name);
    const Handle stored(H5Aget_type(id.get()));
    const Handle space(H5Aget_space(id.get()));
    std::vector<Element> values;
    if (!read_attribute(id, stored.get(), space.get(), values))
        throw Hdf5Error(path_, object, "the attribute " + name + " has another type");
    if constexpr (std::is_same_v<T, Element>) {
        if (values.size() != 1) throw Hdf5Error(path_, object, "the attribute " + name + " is not a single value");
        return values.front();
    } else {
        return values;
    }
}

template std::int64_t File::attribute(const std::string&, const std::string&) const;
template double File::attribute(const std::string&, const std::string&) const;
template std::string File::attribute(const std::string&, const std::string&) const;
template std::vector<double> File::attribute(const std::string&, const std::string&) const;
template std::vector<std::string> File::attribute(const std::string&, const std::string&) const;

namespace {

/// The file's descriptor and the size that HDF5 knows; a descriptor of -1 if HDF5 does not tell.
std::pair<int, off_t> descriptor_and_size(std::int64_t file) {
    void* descriptor = nullptr;
    hsize_t size = 0;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &descriptor) < 0 || H5Fget_filesize(file, &size) < 0) return {-1, 0};
    return {*static_cast<int*>(descriptor), static_cast<off_t>(size)};
}

} // namespace

void File::reserve(std::size_t bytes) {
    silence();
    const auto [fd, size] = descriptor_and_size(handle_.get());
    if (fallocate(fd, 0, size, static_cast<off_t>(bytes)) == 0) return;
    const int error = errno;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) // others: this file system cannot tell
        throw Hdf5Error(path_, "", std::string("cannot write: ") + std::strerror(error));
}

void File::flush() {
    silence();
    if (H5Fflush(handle_.get(), H5F_SCOPE_GLOBAL) < 0) fail("", "cannot write");
    // Gives back what reserve() took and nobody used.
    const auto [fd, size] = descriptor_and_size(handle_.get());
    struct stat status = {};
    if (fstat(fd, &status) == 0 && status.st_size > size && ftruncate(fd, size) != 0)
        throw Hdf5Error(path_, "", std::string("cannot write: ") + std::strerror(errno));
}

void File::close() {
    silence();
    if (!handle_.valid()) return;
    const std::int64_t id = handle_.release();
    const bool flushed = H5Fflush(id, H5F_SCOPE_GLOBAL) >= 0;
    const std::string why = flushed ? "" : reason();
    const bool closed = H5Fclose(id) >= 0;
    if (!flushed) throw Hdf5Error(path_, "", "cannot write: " + why);
    if (!closed) fail("", "cannot close");
}

// ---- columns

namespace {

/// Integers pass through int64_t, because HDF5 would silently turn -1 into 0 and 2^32 into 2^32 - 1.
template <class T>
std::vector<T> read_integers(const File& file, const Dataset& dataset, const std::string& object) {
    if (!dataset.is_integer()) throw Hdf5Error(file.path(), object, "integers are needed here");
    const std::vector<std::int64_t> wide = dataset.read<std::int64_t>();
    std::vector<T> values(wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) {
        if (!std::in_range<T>(wide[i]))
            throw Hdf5Error(file.path(), object,
                            "entry " + std::to_string(i) + " is " + std::to_string(wide[i]) + ", allowed are " +
                                std::to_string(std::numeric_limits<T>::min()) + " to " +
                                std::to_string(std::numeric_limits<T>::max()));
        values[i] = static_cast<T>(wide[i]);
    }
    return values;
}

} // namespace

template <class T>
std::vector<T> read_column(const std::string& path, const std::string& object) {
    const File file = File::open(path);
    const Dataset dataset = file.dataset(object);
    const std::size_t rank = dataset.shape().size();
    if (rank != 1) throw Hdf5Error(path, object, "has " + std::to_string(rank) + " dimensions, must have 1");
    if constexpr (std::is_integral_v<T>)
        return read_integers<T>(file, dataset, object);
    else
        return dataset.read<T>();
}

template std::vector<std::uint32_t> read_column(const std::string&, const std::string&);
template std::vector<std::uint64_t> read_column(const std::string&, const std::string&);
template std::vector<std::int64_t> read_column(const std::string&, const std::string&);
template std::vector<float> read_column(const std::string&, const std::string&);
template std::vector<double> read_column(const std::string&, const std::string&);

} // namespace rewire::record
