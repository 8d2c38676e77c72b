#pragma once
// Helpers of the tests of whole runs: they start the program as a user does and look at what it leaves.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "record/hdf5.hpp"

namespace program {

namespace fs = std::filesystem;

inline fs::path tests_folder() { return fs::path(REWIRE_SOURCE_DIR) / "tests/experiment"; }

/// A folder of the test's own that vanishes with it.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "rewire_test_XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    Folder(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    const fs::path& path() const { return path_; }
    /// Writes a file and returns its path.
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name, std::ios::binary) << text;
        return *this / name;
    }

private:
    fs::path path_;
};

inline std::string text_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

struct Outcome {
    int status = -1; ///< exit status; 128 + number if a signal killed it
    std::string out, err;
};

/// The program, started with `arguments` in `working`. It is killed if the test gives up on it.
class Process {
public:
    Process(const std::vector<std::string>& arguments, const fs::path& working) {
        const std::string out = logs_ / "out", err = logs_ / "err", folder = working.string();
        std::vector<std::string> words = arguments;
        words.insert(words.begin(), REWIRE_PROGRAM);
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
            dup2(open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
            if (chdir(folder.c_str()) == 0) execv(argv[0], argv.data());
            _exit(127);
        }
    }
    Process(const Process&) = delete;
    ~Process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    void send(int signal) const { ::kill(pid_, signal); }
    Outcome wait() {
        int status = 0;
        waitpid(pid_, &status, 0);
        pid_ = 0;
        return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(logs_ / "out"),
                text_of(logs_ / "err")};
    }

private:
    Folder logs_;
    pid_t pid_ = 0;
};

inline Outcome call(const std::vector<std::string>& arguments, const fs::path& working = tests_folder()) {
    return Process(arguments, working).wait();
}

/// Waits until a file is there, a minute at most.
inline void wait_for(const std::string& file) {
    for (int i = 0; i < 6000 && !fs::exists(file); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

inline void pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

/// The columns of a result: every dataset under /spikes, /trajectory, /responses, /snapshots and /multirate that holds
/// numbers.
using Contents = std::map<std::string, std::vector<double>>;

inline Contents contents(const std::string& file) {
    Contents found;
    const rewire::record::File result = rewire::record::File::open(file);
    const auto read = [&](const std::string& group) {
        if (!result.exists(group)) return;
        for (const std::string& name : result.members(group)) {
            const auto dataset = result.dataset(group + "/" + name);
            if (dataset.is_number()) found[group + "/" + name] = dataset.read<double>();
        }
    };
    for (const char* top : {"/spikes", "/trajectory", "/responses"})
        if (result.exists(top))
            for (const std::string& group : result.members(top)) read(std::string(top) + "/" + group);
    if (result.exists("/snapshots"))
        for (const std::string& label : result.members("/snapshots"))
            for (const std::string& projection : result.members("/snapshots/" + label))
                read("/snapshots/" + label + "/" + projection);
    read("/multirate");
    return found;
}

/// The name of the first column whose bits differ (NaN equals NaN here); empty if none does.
inline std::string first_difference(const Contents& a, const Contents& b) {
    for (const auto& [name, values] : a) {
        const auto other = b.find(name);
        if (other == b.end()) return name + " is missing";
        if (values.size() != other->second.size()) return name + " has another length";
        if (!values.empty() && std::memcmp(values.data(), other->second.data(), values.size() * sizeof(double)) != 0)
            return name;
    }
    return a.size() == b.size() ? "" : "more columns";
}

} // namespace program
