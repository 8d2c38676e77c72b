// The result file is checked by reading it back with HDF5's C library (not with the code that wrote it), and
// by killing the writer the hard ways: an exception, SIGKILL, a full disk. What xarray and pandas make of a
// result is checked in tests/python.

#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <hdf5.h>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "record/hdf5.hpp"
#include "record/result_file.hpp"

using namespace rewire::record;
namespace fs = std::filesystem;

namespace {

/// A folder that goes away with the test.
struct Folder {
    fs::path path;
    Folder() {
        std::string name = (fs::temp_directory_path() / "rewire-result-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    std::string operator/(const std::string& name) const { return (path / name).string(); }
};

/// Reads with the C library alone; `memory` is the type of T.
template <class T>
std::vector<T> raw_read(const std::string& path, const char* object, hid_t memory) {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    REQUIRE(file >= 0);
    const hid_t dataset = H5Dopen2(file, object, H5P_DEFAULT);
    REQUIRE(dataset >= 0);
    const hid_t space = H5Dget_space(dataset);
    std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    if (!values.empty()) REQUIRE(H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
    return values;
}

std::int64_t raw_complete(const std::string& path) {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    REQUIRE(file >= 0);
    std::int64_t value = -1;
    const hid_t attribute = H5Aopen(file, "complete", H5P_DEFAULT);
    REQUIRE(H5Aread(attribute, H5T_NATIVE_INT64, &value) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    return value;
}

void write_by_hand(const std::string& path, const char* name, hid_t type, std::vector<hsize_t> shape,
                   const void* data) {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Fclose(file);
}

const std::vector<std::string> populations = {"pyramidal", "pv"};
constexpr auto fast_bursts = std::chrono::milliseconds(10);

} // namespace

TEST_CASE("a complete result reads back with the C library", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "result.h5";
    // More rows than a chunk holds (4096), many bursts: the rows must come out in order and once each.
    constexpr std::size_t rows = 10000;
    {
        ResultFile result(path, false, std::chrono::milliseconds(1));
        result.set_attribute("/", "seed", 7);
        const auto slow = result.declare_clock("slow", "s");
        result.declare_series(slow, {"mean_rate", "Hz", "mean rate", Type::f64, "population", {"pyramidal", "pv"}});
        result.declare_series(slow, {"lfp", "uV", "field potential", Type::f32});
        for (std::size_t i = 0; i < rows; ++i) {
            const double x = static_cast<double>(i);
            const double values[] = {x + 0.25, -x, std::sqrt(x)};
            result.append_row(slow, 0.1 * x, values);
        }
        result.close(true);
    }
    CHECK(raw_complete(path) == 1);
    const auto time = raw_read<double>(path, "/trajectory/slow/time", H5T_NATIVE_DOUBLE);
    const auto rate = raw_read<double>(path, "/trajectory/slow/mean_rate", H5T_NATIVE_DOUBLE);
    const auto lfp = raw_read<double>(path, "/trajectory/slow/lfp", H5T_NATIVE_DOUBLE);
    REQUIRE(time.size() == rows);
    REQUIRE(rate.size() == 2 * rows);
    REQUIRE(lfp.size() == rows);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        const double x = static_cast<double>(i);
        // float64 columns keep every bit; the float32 column is the nearest float.
        wrong += time[i] != 0.1 * x || rate[2 * i] != x + 0.25 || rate[2 * i + 1] != -x ||
                 lfp[i] != static_cast<double>(static_cast<float>(std::sqrt(x)));
    }
    CHECK(wrong == 0);
    const File file = File::open(path);
    CHECK(file.attribute<std::string>("/", "format") == "rewire");
    CHECK(file.attribute<std::int64_t>("/", "seed") == 7);
    CHECK(file.attribute<std::string>("/trajectory/slow/mean_rate", "units") == "Hz");
    CHECK(file.dataset("/trajectory/slow/population").read_text() == populations);
    // Members come in the order of declaration, not of the alphabet.
    CHECK(file.members("/trajectory/slow") == std::vector<std::string>{"time", "mean_rate", "population", "lfp"});
}

TEST_CASE("spikes are in SONATA's layout and must come in order", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "spikes.h5";
    {
        ResultFile result(path, false, fast_bursts);
        const auto pyramidal = result.declare_spikes("pyramidal");
        result.declare_spikes("pv"); // stays silent
        result.append_spikes(pyramidal, std::vector<double>{0.5, 0.5, 2.0}, std::vector<std::uint64_t>{3, 9, 1});
        result.append_spikes(pyramidal, std::vector<double>{2.0}, std::vector<std::uint64_t>{4});
        CHECK_THROWS_AS(result.append_spikes(pyramidal, std::vector<double>{1.9}, std::vector<std::uint64_t>{4}),
                        std::invalid_argument);
        CHECK_THROWS_AS(result.append_spikes(pyramidal, std::vector<double>{3.0}, std::vector<std::uint64_t>{}),
                        std::invalid_argument);
        result.close(true);
    }
    CHECK(raw_read<double>(path, "/spikes/pyramidal/timestamps", H5T_NATIVE_DOUBLE) ==
          std::vector<double>{0.5, 0.5, 2.0, 2.0});
    CHECK(raw_read<std::uint64_t>(path, "/spikes/pyramidal/node_ids", H5T_NATIVE_UINT64) ==
          std::vector<std::uint64_t>{3, 9, 1, 4});
    CHECK(raw_read<double>(path, "/spikes/pv/timestamps", H5T_NATIVE_DOUBLE).empty());
    // The enumerated attribute reads as the name by_time.
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t attribute = H5Aopen_by_name(file, "/spikes/pyramidal", "sorting", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    REQUIRE(H5Tget_class(type) == H5T_ENUM);
    std::uint8_t value = 0;
    H5Aread(attribute, type, &value);
    char name[16] = {};
    H5Tenum_nameof(type, &value, name, sizeof name);
    CHECK(std::string(name) == "by_time");
    H5Tclose(type);
    H5Aclose(attribute);
    H5Fclose(file);
}

TEST_CASE("an exception in a run leaves a readable incomplete file", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "thrown.h5";
    const auto run = [&] {
        ResultFile result(path); // bursts of 2 s: all is still in memory when the exception comes
        const auto fast = result.declare_clock("fast", "ms");
        result.declare_series(fast, {"synchrony", "1", "synchrony", Type::f32});
        for (int i = 0; i < 100; ++i) result.append_row(fast, i, std::vector{0.5});
        throw std::runtime_error("the membrane blew up");
    };
    CHECK_THROWS_WITH(run(), "the membrane blew up");
    CHECK(raw_complete(path) == 0);
    CHECK(raw_read<double>(path, "/trajectory/fast/time", H5T_NATIVE_DOUBLE).size() == 100);
    CHECK(raw_read<float>(path, "/trajectory/fast/synchrony", H5T_NATIVE_FLOAT).size() == 100);
}

TEST_CASE("a killed run leaves what its last burst wrote", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "killed.h5";
    const pid_t child = fork();
    if (child == 0) {
        ResultFile result(path, false, fast_bursts);
        const auto slow = result.declare_clock("slow", "s");
        for (int i = 0; i < 500; ++i) result.append_row(slow, i, {});
        std::this_thread::sleep_for(std::chrono::milliseconds(500)); // many bursts: everything is on disk
        raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    CHECK(raw_complete(path) == 0);
    CHECK(raw_read<double>(path, "/trajectory/slow/time", H5T_NATIVE_DOUBLE).size() == 500);
}

TEST_CASE("a full disk reaches the caller", "[result_file]") {
    const Folder folder;
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN); // writes beyond the limit then fail as on a full disk
    rlimit small = before;
    small.rlim_cur = 64 << 10;
    const auto run = [&](const std::string& path, bool append_on) {
        ResultFile result(path, false, fast_bursts);
        const auto spikes = result.declare_spikes("pyramidal");
        setrlimit(RLIMIT_FSIZE, &small);
        std::vector<double> times(100000);
        std::vector<std::uint64_t> ids(100000);
        for (std::size_t i = 0; i < times.size(); ++i) { // badly compressible
            times[i] = std::sqrt(static_cast<double>(i));
            ids[i] = (i * 2654435761U) % 65536U;
        }
        result.append_spikes(spikes, times, ids);
        const std::vector<double> later = {1e9};
        const std::vector<std::uint64_t> one = {1};
        for (int i = 0; append_on && i < 1000; ++i) {
            result.append_spikes(spikes, later, one);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        result.close(true);
    };
    CHECK_THROWS_AS(run(folder / "close.h5", false), Hdf5Error);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_THROWS_AS(run(folder / "append.h5", true), Hdf5Error);
    setrlimit(RLIMIT_FSIZE, &before);
    // What was whole before is still readable (copied, because HDF5 in this process remembers the file).
    for (const char* name : {"close.h5", "append.h5"}) {
        const std::string copy = folder / (std::string("copy-of-") + name);
        fs::copy(folder / name, copy);
        CHECK(raw_complete(copy) == 0);
        CHECK(raw_read<double>(copy, "/spikes/pyramidal/timestamps", H5T_NATIVE_DOUBLE).empty());
    }
    std::signal(SIGXFSZ, handler);
}

TEST_CASE("an existing file is replaced only when asked", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "taken.h5";
    std::ofstream(path) << "precious";
    CHECK_THROWS_WITH(ResultFile(path), Catch::Contains(path) && Catch::Contains("exists already"));
    std::string content;
    std::ifstream(path) >> content;
    CHECK(content == "precious");
    ResultFile(path, true).close(true);
    CHECK(raw_complete(path) == 1);
    CHECK_THROWS_WITH(ResultFile(folder / "no/such/folder.h5"), Catch::Contains("No such file or directory"));
    CHECK_THROWS_WITH(ResultFile(folder.path.string(), true), Catch::Contains("not a regular file"));
}

TEST_CASE("misuse is refused with the name of the object", "[result_file]") {
    const Folder folder;
    ResultFile result(folder / "misuse.h5");
    const auto slow = result.declare_clock("slow", "s");
    const Column rate{"mean_rate", "Hz", "mean rate", Type::f64, "population", populations};
    result.declare_series(slow, rate);
    CHECK_THROWS_WITH(result.declare_series(slow, rate), Catch::Contains("/trajectory/slow/mean_rate"));
    CHECK_THROWS_WITH(result.declare_series(slow, {"calcium", "uM", "calcium", Type::f64, "population", {"other"}}),
                      Catch::Contains("/trajectory/slow/population"));
    CHECK_THROWS_WITH(result.declare_series(slow, {"drug_plasma", "ng/mL", "plasma", Type::f64, "drug", {}}),
                      Catch::Contains("no entries"));
    CHECK_THROWS_WITH(result.append_row(slow, 0, std::vector{1.0}), Catch::Contains("/trajectory/slow"));
    result.append_row(slow, 0, std::vector{1.0, 2.0});
    CHECK_THROWS_AS(result.declare_series(slow, {"late", "1", "late"}), std::logic_error);
    result.close(false);
    CHECK_THROWS_AS(result.append_row(slow, 1, std::vector{1.0, 2.0}), std::logic_error);
}

TEST_CASE("tables, snapshots and attributes may be written during the run", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "during.h5";
    {
        ResultFile result(path, false, fast_bursts);
        result.write_config("title = \"\u03bc\"\n");
        const auto slow = result.declare_clock("slow", "s");
        result.append_row(slow, 0, {});
        const auto leaps = result.declare_table("/multirate", {{"start", "s", "start of the leap"},
                                                               {"length", "s", "length"},
                                                               {"rejected", "1", "steps rejected", Type::i64}});
        result.append_row(leaps, 60, std::vector{600.0, 2.0});
        const std::string group = "/snapshots/end/pyramidal_pv/";
        result.write_array(group + "source", {std::vector<std::uint32_t>{5, 6, 7}, {{"synapse", 3}}});
        result.write_array(group + "weight", {std::vector<float>{1, 2, 4}, {{"synapse", 3}}, {{"units", "nS"}}});
        result.write_array("/populations/pv/positions",
                           {std::vector<float>(6, 1.5F), {{"neuron", 2}, {"axis", 3}}, {{"units", "um"}}});
        result.set_attribute("/populations/pv", "size", 2);
        result.set_attribute("/", "dose_start_s", std::vector<double>{7200, 14400});
        result.close(true);
    }
    CHECK(raw_read<std::int64_t>(path, "/multirate/rejected", H5T_NATIVE_INT64) == std::vector<std::int64_t>{2});
    CHECK(raw_read<std::uint32_t>(path, "/snapshots/end/pyramidal_pv/source", H5T_NATIVE_UINT32) ==
          std::vector<std::uint32_t>{5, 6, 7});
    const File file = File::open(path);
    CHECK(file.dataset("/config").read_text().front() == "title = \"\u03bc\"\n");
    CHECK(file.dataset("/populations/pv/positions").shape() == std::vector<std::size_t>{2, 3});
    CHECK(file.attribute<std::vector<double>>("/", "dose_start_s") == std::vector<double>{7200, 14400});
    CHECK(file.attribute<std::string>("/snapshots/end/pyramidal_pv/weight", "units") == "nS");
    CHECK_THROWS_WITH(file.attribute<double>("/", "dose_start_s"), Catch::Contains("not a single value"));
    CHECK_THROWS_WITH(file.attribute<double>("/", "wall_s"), Catch::Contains("no attribute wall_s"));
}

TEST_CASE("appends from several threads all arrive", "[result_file]") {
    const Folder folder;
    const std::string path = folder / "threads.h5";
    constexpr int per_thread = 5000;
    {
        ResultFile result(path, false, std::chrono::milliseconds(1));
        const auto fast = result.declare_clock("fast", "ms");
        const auto slow = result.declare_clock("slow", "s");
        const auto fill = [&](ResultFile::Table table) {
            for (int i = 0; i < per_thread; ++i) result.append_row(table, i, {});
        };
        std::thread other(fill, slow);
        fill(fast);
        other.join();
        result.close(true);
    }
    for (const char* object : {"/trajectory/fast/time", "/trajectory/slow/time"}) {
        const auto time = raw_read<double>(path, object, H5T_NATIVE_DOUBLE);
        REQUIRE(time.size() == per_thread);
        CHECK(time.back() == per_thread - 1);
    }
}

TEST_CASE("columns of connection files are read and checked", "[hdf5]") {
    const Folder folder;
    const std::string path = folder / "pairs.h5";
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/source"),
                      Catch::Contains(path) && Catch::Contains("no such file"));
    std::ofstream(path) << "source,target\n0,1\n";
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/source"), Catch::Contains("HDF5"));

    const std::int64_t indices[] = {0, 4294967295, -1, 4294967296};
    write_by_hand(path, "source", H5T_STD_I64BE, {2}, std::vector<std::int64_t>{0, 0}.data());
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/target"),
                      Catch::Contains("/target") && Catch::Contains("no such"));
    write_by_hand(path, "source", H5T_NATIVE_INT64, {2}, indices);
    CHECK(read_column<std::uint32_t>(path, "source") == std::vector<std::uint32_t>{0, 4294967295});
    // HDF5 alone would read these two as 0 and 4294967295.
    write_by_hand(path, "source", H5T_NATIVE_INT64, {3}, indices);
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/source"), Catch::Contains("entry 2 is -1"));
    write_by_hand(path, "source", H5T_NATIVE_INT64, {1}, indices + 3);
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/source"), Catch::Contains("4294967296"));
    write_by_hand(path, "source", H5T_NATIVE_INT64, {2, 2}, indices);
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/source"), Catch::Contains("has 2 dimensions"));

    const float weights[] = {0.5F, 2.0F};
    write_by_hand(path, "weight", H5T_NATIVE_FLOAT, {2}, weights);
    CHECK(read_column<double>(path, "/weight") == std::vector<double>{0.5, 2.0});
    CHECK_THROWS_WITH(read_column<std::uint32_t>(path, "/weight"), Catch::Contains("integers"));
    try {
        read_column<float>(path, "/nothing");
        FAIL("a missing dataset was accepted");
    } catch (const Hdf5Error& error) {
        CHECK(error.file == path);
        CHECK(error.object == "/nothing");
    }
}
