"""The benchmark's own arithmetic, without measuring anything: what it prints must be what it found."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))
from rewire_benchmark import accuracy, machine, measure, networks, peer, report, simulate, summary  # noqa: E402

# ------------------------------------------------------------------------------------------------------ summary


def test_spread_is_median_least_and_greatest():
    s = summary.spread([3.0, 1.0, 10.0])
    assert (s.median, s.low, s.high, s.count) == (3.0, 1.0, 10.0, 3)
    assert s.text() == "3.00 (1.00-10.0)"
    assert summary.spread([0.5]).text() == "0.500"
    with pytest.raises(ValueError, match="no measurements"):
        summary.spread([])


def test_ratios_are_those_of_neighbours_in_turn():
    # A machine that halves its speed for the second turn leaves the ratios alone.
    s = summary.ratios([2.0, 4.0, 2.0], [1.0, 2.0, 1.0])
    assert (s.median, s.low, s.high) == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="3 and 2"):
        summary.ratios([1, 2, 3], [1, 2])


@pytest.mark.parametrize("x, text", [(0.04338, "0.0434"), (1.0, "1.00"), (12.34, "12.3"), (999.6, "1000"),
                                     (123456, "123456"), (0, "0"), (None, "-"), (-2.5, "-2.50")])
def test_numbers_have_three_digits(x, text):
    assert summary.number(x) == text


@pytest.mark.parametrize("most, counts", [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8]),
                                          (128, [1, 2, 4, 8, 16, 32, 64, 128])])
def test_thread_counts_double_up_to_the_greatest(most, counts):
    assert summary.thread_counts(most) == counts


def test_exponent_of_growth_of_a_power_law():
    sizes = [1000, 2000, 50000]
    assert summary.exponent_of_growth(sizes, [3e-6 * n**1.47 for n in sizes]) == pytest.approx(1.47)
    assert summary.exponent_of_growth([1000], [1.0]) is None


def test_tables_are_markdown_with_aligned_columns():
    lines = summary.table(["network", "x"], [["a", 1], ["longer name", 22.5]]).splitlines()
    assert lines == ["| network     |    x |", "|-------------|-----:|",
                     "| a           |    1 |", "| longer name | 22.5 |"]
    with pytest.raises(ValueError, match="1 cells under 2"):
        summary.table(["a", "b"], [["only one"]])


# ------------------------------------------------------------------------------------- what Linux and CMake say


def test_lscpu_fields():
    fields = machine.parse_lscpu("Architecture:   x86_64\nCPU(s):         2\n  On-line CPU(s) list: 0,1\n"
                                 "Model name:     AMD EPYC\nFlags:          fpu avx2 fma avx512f avx512dq\n"
                                 "Caches (sum of all):\n  L1d:  96 KiB\nL3 cache:   32 MiB (1 instance)\n")
    assert fields == {"Model name": "AMD EPYC", "Architecture": "x86_64", "CPU(s)": "2",
                      "L3 cache": "32 MiB (1 instance)", "Vector instructions": "avx2 fma avx512f"}


def test_proc_files():
    assert machine.parse_meminfo("MemTotal:       24656340 kB\nMemFree: 1 kB\n") == 24656340 * 1024
    assert measure.peak_bytes("Name:\tx\nVmPeak:\t 300 kB\nVmHWM:\t  2048 kB\n") == 2 << 20
    assert measure.peak_bytes("Name:\tzombie\n") == 0
    # user, nice, system, idle, iowait, irq, softirq, steal: idle and iowait are no work
    text = "cpu  100 20 30 9999 888 4 5 6 7 0\ncpu0 1 2 3\n"
    assert measure.busy_s(text) * measure.os.sysconf("SC_CLK_TCK") == pytest.approx(100 + 20 + 30 + 4 + 5 + 6)


def test_compile_flags_name_no_paths(tmp_path):
    (tmp_path / "compile_commands.json").write_text(
        '[{"file": "/a/model/engine/fast_network.cpp", "command": "/usr/bin/c++ -DREWIRE_VERSION=1 -I/a/model -isystem '
        '/b -O3 -DNDEBUG -ffp-contract=off -std=c++20 -o x.o -c /a/y.cpp"}]')
    assert machine.compile_flags(tmp_path) == "-O3 -DNDEBUG -ffp-contract=off -std=c++20"


def test_child_is_measured_and_failures_carry_its_words():
    words = "import time; x = bytearray(100 << 20); time.sleep(1); print('done')"
    child = measure.run_child([sys.executable, "-c", words])
    assert child.output == "done\n"
    assert child.wall_s >= 1
    assert child.peak_bytes >= 100 << 20
    with pytest.raises(measure.BenchmarkError, match="status 3(.|\n)*last words"):
        measure.run_child([sys.executable, "-c", "print('last words'); raise SystemExit(3)"])


# -------------------------------------------------------------------------------------------------- the report


def run_of(run_s, spikes=1000, others=0.0):
    return {"run_s": run_s, "run_cpu_s": run_s, "build_s": 0.5, "peak_bytes": 10**8, "others_cores": others,
            "biological_s": 2.0, "counted_s": 2.0, "spikes": {"e": spikes}, "sizes": {"e": 100}, "synapses": 10**6,
            "events": 10**7, "synapse_bytes": 4 * 10**6}


def coba_results(others=0.0):
    ours = {1: [run_of(1.0, others=others), run_of(1.2)], 2: [run_of(0.5), run_of(0.6)]}
    return {"coba_20000": {"title": "COBA", "ours": ours, "peer": [run_of(4.0), run_of(6.0)], "setting": "float",
                           "tried": {"double": 9.0}}}


def cells_of(text, first):
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith(f"| {first}")]


def test_network_table_holds_factors_ratios_and_events():
    one, two = cells_of(report.networks_section(coba_results()), "COBA 20,000")[:2]
    assert one[1:4] == ["1", "0.550 (0.500-0.600)", "2.50 (2.00-3.00)"]
    assert one[4] == "4.50 (4.00-5.00)"          # 4/1 and 6/1.2, by turns
    assert one[6] == "0.00917"                   # median of 1e7 events in 1.0 and in 1.2 s
    assert one[10] == "-" and two[10] == "2.00 (2.00-2.00)"
    memory = cells_of(report.networks_section(coba_results()), "COBA 20,000")[2]
    assert memory[1:4] == ["1.00", "4.00", "100"]  # a million synapses of 4 bytes; 100 MB at the peak


def test_report_says_when_others_were_busy():
    assert "WARNING" not in report.disturbance(coba_results(), 2)
    assert "1 of 6 runs were disturbed" in report.disturbance(coba_results(others=0.7), 2)


def test_report_names_what_is_left_out_and_what_failed():
    text = report.write_report({"cores usable": 2, "processor": {"Model name": "x"}}, "", {
        "pd14": {"skipped": "its config is not part of this checkout"},
        "main": {"failed": "status 1"}} | coba_results())
    assert "Left out: its config is not part" in text and "FAILED" in text
    assert "| COBA 20,000 x 1,000 | Brian2, fastest setting (times faster)" in text.replace("  ", "")


def test_microcircuit_is_measured_without_its_warm_up():
    found = {"title": "PD14", "measured_s": 10, "threads": 2, "cv_isi": 0.8,
             "warm_up": [run_of(2.0)], "whole": [run_of(32.0)],
             "rates_Hz": dict(zip("abcdefgh", [x * 1.05 for x in networks.MICROCIRCUIT_RATES_HZ]))}
    text = report.microcircuit_section(found)
    assert cells_of(text, "2 ")[0][:2] == ["2", "3.00"]
    assert all(row[3] == "+5.0" for letter in "abcdefgh" for row in cells_of(text, f"{letter} "))


def test_synaptogenesis_compares_cpu_times_on_one_thread():
    lines = [{"neurons": n, "threads": t, "wall_s": 1e-6 * n / t, "cpu_s": 1e-6 * n, "pairs": n, "box_um": 1.0}
             for n in (10000, 50000) for t in (1, 2)]
    rows = cells_of(report.synaptogenesis_section({"lines": lines}), "10000")
    assert rows[0] == ["10000", "1", "10.0", "10.0", "10000", "680", "68.0"]
    assert rows[1][6] == "-"
    assert "N^1.00" in report.synaptogenesis_section({"lines": lines})


# ------------------------------------------------------------------------------------------------- the peer


def test_fastest_setting_is_found_one_respect_at_a_time(monkeypatch):
    # A machine on which exponential Euler, double precision and two threads each help, and own weights do not.
    class Program:
        def __init__(self, folder, connectivity, setting, duration_s):
            self.run_s = 8.0 / ((1 + (setting.method == "exponential_euler")) * (1 + (setting.precision == "double"))
                                * setting.threads) * (1 if setting.weights == "shared" else 3)

        def run(self):
            return self

        def remove(self):
            pass

    monkeypatch.setattr(peer, "Program", Program)
    best, tried = peer.fastest_setting("", "", "lif_conductance", 2.0, 2, lambda text: None)
    assert best == peer.Setting("double", "shared", 2, "exponential_euler")
    assert tried[best.text()] == pytest.approx(0.5)
    assert len(tried) == 5  # the first and one in each respect


# ---------------------------------------------------------------------------------------------------- accuracy


def test_reference_relaxes_and_sums_events_as_the_closed_forms():
    # No input: V decays to the leak. One event of a current: Rotter & Diesmann 1999, the propagator's off-diagonal.
    v = accuracy.reference("lif_current", {"current": {"steps": [100], "neurons": [0], "weight": "50 pA"}})
    t = (np.arange(accuracy.STEPS) + 1) * accuracy.DT_MS
    np.testing.assert_allclose(v[1], -70 + 5 * np.exp(-t / 20), rtol=0, atol=1e-9)
    after = t[100:] - 10
    psp = 50 / 250 / (1 / 0.5 - 1 / 20) * (np.exp(-after / 20) - np.exp(-after / 0.5))
    np.testing.assert_allclose(v[0, 100:] - v[1, 100:], psp, rtol=0, atol=1e-9)


def test_reference_fires_regularly_under_constant_current():
    # From reset to threshold in tau ln((EL + RI - Vr)/(EL + RI - Vt)), seen on the grid; then 2 ms held.
    v = accuracy.reference("lif_current", {"current": {"steps": [], "neurons": [], "weight": "50 pA"}})
    steps = sorted(step for cell, step in accuracy.spike_steps(v, "lif_current") if cell == accuracy.CELLS - 1)
    end_mV = -70 + 350 * 20 / 250
    interval_ms = math.ceil(20 * math.log((end_mV + 60) / (end_mV + 50)) / accuracy.DT_MS) * accuracy.DT_MS + 2
    assert len(steps) >= 4
    np.testing.assert_allclose(np.diff(steps) * accuracy.DT_MS, interval_ms, atol=1e-9)


def test_cell_error_counts_spikes_in_other_steps():
    fine = np.full((accuracy.CELLS, 100), -52.0)
    fine[5, 50:60] = -60
    late = fine.copy()
    late[5, 50], late[5, 60] = -52.0, -60
    late[0, 10] += 0.5
    error = accuracy.cell_error(late, fine, "lif_conductance")
    assert (error.worst_mV, error.spikes, error.spikes_elsewhere) == (0.5, 1, 1)
    assert error.rms_mV == pytest.approx(0.5 / np.sqrt(accuracy.STIMULATED * 100))


def test_statistics_of_regular_and_poisson_trains():
    regular = (np.arange(1, 1001) * 10.0, np.zeros(1000, int))
    s = accuracy.statistics({"e": regular}, {"e": 1}, 0, 10000)
    assert s.rates_Hz["e"] == pytest.approx(100)
    assert s.cv_isi == pytest.approx(0, abs=1e-6)
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 1e5, 20000))  # 20 neurons at 10 Hz for 100 s
    s = accuracy.statistics({"e": (times, rng.integers(0, 20, 20000))}, {"e": 20}, 1e4, 1e5)
    # Standard deviation of the mean CV of 20 trains of 900 intervals: 1/sqrt(18000) = 0.7 %
    assert s.cv_isi == pytest.approx(1, abs=0.03)
    assert s.rates_Hz["e"] == pytest.approx(10, rel=0.03)


def test_distance_is_that_of_kolmogorov_and_smirnov():
    stats = pytest.importorskip("scipy.stats", reason="needs SciPy (Debian: python3-scipy)")
    rng = np.random.default_rng(2)
    a, b = rng.exponential(1, 500), rng.exponential(1.3, 700)
    assert accuracy.distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)


# ------------------------------------------------------------------------------------------- with the programs


def program():
    if not (simulate.BUILD / "rewire").exists():
        pytest.skip("build/rewire is not built")


@pytest.mark.parametrize("model", ["lif_conductance", "lif_current"])
def test_cells_of_rewire_follow_the_reference(model, tmp_path):
    program()
    trains = accuracy.frozen_input(model)
    v_mV = accuracy.rewire_cells(model, trains, tmp_path)
    error = accuracy.cell_error(v_mV, accuracy.reference(model, trains), model)
    assert error.worst_mV < 1e-3  # that of float and exponential midpoint steps, ten times what is found
    assert error.spikes > 30 and error.spikes_elsewhere <= 1


def test_cells_of_brian2_follow_the_reference(tmp_path):
    pytest.importorskip("brian2", reason="needs Brian2 (Debian: python3-brian)")
    trains = accuracy.frozen_input("lif_current")
    v_mV = accuracy.brian2_cells("lif_current", trains, [peer.Setting(precision="double", method="exact")], tmp_path)[0]
    error = accuracy.cell_error(v_mV, accuracy.reference("lif_current", trains), "lif_current")
    assert error.worst_mV < 1e-8  # both are exact but for rounding and the reference's 1e-9
    assert error.spikes_elsewhere == 0


@pytest.mark.parametrize("net", networks.NETWORKS, ids=lambda n: n.name)
def test_networks_are_accepted(net):
    program()
    measure.run_child([simulate.BUILD / "rewire", "check", net.path, *simulate.settings(net.overrides)])


def test_main_and_its_plain_network_have_the_same_synapses(tmp_path):
    program()
    synapses = []
    for name, overrides in (("main", {"experiment.baseline_measure": "1 ms"}), ("main_plain", {})):
        simulate.write_connectivity(simulate.CONFIGS / f"{name}.toml", tmp_path / "run.h5", overrides)
        with simulate.h5py.File(tmp_path / "run.h5") as f:
            projections = f[simulate.CONNECTIVITY]
            synapses.append({(name, end): projections[name][end][:].tolist() for name in projections
                             for end in ("source", "target")})
    assert synapses[0] == synapses[1]
