// Signals leave a readable file, and an existing one is left alone.
#include <catch2/catch.hpp>

#include <csignal>
#include <cstdint>
#include <string>

#include "experiment/whole_runs.hpp"

using namespace program;

TEST_CASE("SIGINT and SIGTERM end a run with a readable file, status 130") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const Folder folder;
        const std::string config = folder.write("plain.toml", plain), output = folder / "out.h5";
        Process process({"run", config, "-o", output}, folder.path());
        wait_for(output);
        pause(1);
        process.send(signal);
        const Outcome outcome = process.wait();
        CAPTURE(signal, outcome.err);
        CHECK(outcome.status == 130);
        CHECK_THAT(outcome.err, Catch::Contains("interrupted at"));
        const File file = File::open(output);
        CHECK(file.attribute<std::int64_t>("/", "complete") == 0);
        const auto spikes = file.dataset("/spikes/e/timestamps").read<double>();
        const double simulated_ms = file.attribute<double>("/", "simulated_s") * 1e3;
        CHECK(simulated_ms > 0);
        REQUIRE_FALSE(spikes.empty());
        CHECK(spikes.back() <= simulated_ms + 1e-6);
        CHECK(spikes.back() > simulated_ms - 100); // 400 neurons at some Hz: nothing that was simulated is lost
        const Outcome info = call({"info", output});
        CHECK(info.status == 0);
        CHECK_THAT(info.out, Catch::Contains("INCOMPLETE"));
    }
}

TEST_CASE("a run that is interrupted in its baseline leaves a readable file too") {
    const Folder folder;
    const std::string config = folder.write("slow.toml", std::string(plain) + "[glutamate]\n"),
                      output = folder / "out.h5";
    Process process({"run", config, "-o", output, "--set", "experiment.baseline_measure=4000 s"}, folder.path());
    wait_for(output);
    pause(0.5);
    process.send(SIGINT);
    const Outcome outcome = process.wait();
    CAPTURE(outcome.err);
    CHECK(outcome.status == 130);
    CHECK(File::open(output).attribute<std::int64_t>("/", "complete") == 0);
    CHECK(call({"info", output}).status == 0);
}

TEST_CASE("SIGKILL leaves a file that can be opened") {
    // In the baseline nothing is written: no kill there can spoil the file.
    {
        const Folder folder;
        const std::string config = folder.write("slow.toml", std::string(plain) + "[glutamate]\n"),
                          output = folder / "out.h5";
        Process process({"run", config, "-o", output, "--set", "experiment.baseline_measure=4000 s"}, folder.path());
        wait_for(output);
        pause(0.7);
        process.send(SIGKILL);
        CHECK(process.wait().status == 128 + SIGKILL);
        const Outcome info = call({"info", output});
        CAPTURE(info.err);
        CHECK(info.status == 0);
        CHECK_THAT(info.out, Catch::Contains("INCOMPLETE"));
    }
    // About 1 in 100 kills falls into a burst of writing and spoils the file; two in a row would be a fault.
    bool readable = false;
    for (int attempt = 0; attempt < 2 && !readable; ++attempt) {
        const Folder folder;
        const std::string config = folder.write("plain.toml", plain), output = folder / "out.h5";
        Process process({"run", config, "-o", output}, folder.path());
        wait_for(output);
        pause(1);
        process.send(SIGKILL);
        CHECK(process.wait().status == 128 + SIGKILL);
        const Outcome info = call({"info", output});
        readable = info.status == 0 && info.out.find("INCOMPLETE") != std::string::npos;
    }
    CHECK(readable);
}

TEST_CASE("an output that exists is left alone unless --force is given") {
    const Folder folder;
    const std::string output = folder.write("out.h5", "precious");
    const Outcome refused = call({"run", everything, "-o", output});
    CHECK(refused.status == 2);
    CHECK_THAT(refused.err, Catch::Contains("out.h5") && Catch::Contains("--force"));
    CHECK(text_of(output) == "precious");
    run(everything, output, {"--force"});
    CHECK(File::open(output).attribute<std::int64_t>("/", "complete") == 1);
    // Without -o the result lies under results/, by the name of the config.
    const std::string config =
        folder.write("brief.toml", "extends = \"" + everything + "\"\nexperiment.duration = \"100 ms\"\n");
    CHECK(call({"run", config, "--quiet"}, folder.path()).status == 0);
    CHECK(File::open(folder / "results/brief.h5").attribute<std::int64_t>("/", "complete") == 1);
    CHECK(call({"run", config, "--quiet"}, folder.path()).status == 2);
    // Where nothing can be written the run fails, and does not crash.
    const Outcome nowhere = call({"run", config, "-o", "brief.toml/out.h5"}, folder.path());
    CAPTURE(nowhere.err);
    CHECK(nowhere.status == 1);
    CHECK_THAT(nowhere.err, Catch::Contains("brief.toml/out.h5"));
}
