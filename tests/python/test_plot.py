"""scripts/plot as a user calls it: figures from small synthetic results, and its errors."""

import subprocess
import sys
from pathlib import Path

import h5py
import matplotlib.image
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import (  # noqa: E402
    add_inflammation, write_benchmark, write_cohort, write_columns, write_responses, write_result)

PLOT = Path(__file__).parents[2] / "scripts" / "plot"


def plot(*arguments):
    return subprocess.run([str(PLOT), *map(str, arguments)], capture_output=True, text=True, timeout=120)


def ink(path):
    """(width, height, share of the picture that is not white)."""
    picture = matplotlib.image.imread(path)[..., :3]
    return picture.shape[1], picture.shape[0], np.mean(picture.min(axis=2) < 0.97)


@pytest.fixture(scope="module")
def ketamine(tmp_path_factory):
    return write_result(tmp_path_factory.mktemp("results") / "ketamine.h5")


def test_standard_figure_beside_the_result(ketamine):
    run = plot(ketamine)
    assert run.returncode == 0, run.stderr
    figure = ketamine.with_suffix(".png")
    assert run.stdout.strip() == str(figure)
    width, height, share = ink(figure)
    assert (width, height) == (1920, 1080)  # 16:9
    assert 0.05 < share < 0.5  # lines and text, neither blank nor black


@pytest.mark.parametrize("suffix, mark", [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_vector_formats(ketamine, tmp_path, suffix, mark):
    by_name, by_option = tmp_path / f"figure.{suffix}", tmp_path / "figure"
    assert plot(ketamine, "-o", by_name).returncode == 0
    assert plot(ketamine, "-o", by_option, "--format", suffix).returncode == 0
    for path in (by_name, by_option):
        assert path.read_bytes().startswith(mark)


def texts(tmp_path, *results):
    """The words of a figure: SVG keeps text as text."""
    path = tmp_path / "words.svg"
    run = plot(*results, "-o", path)
    assert run.returncode == 0, run.stderr
    return path.read_text(encoding="utf-8")


def test_every_panel_is_named_with_units(ketamine, tmp_path):
    words = texts(tmp_path, ketamine)
    for expected in ("before the dose", "Firing rates", "mean rate (Hz)", "Drug", "concentration (ng/mL)",
                     "NMDA block", "blocked (%)", "Glutamate", "eEF2 and mTORC1 (pyramidal)", "BDNF and TrkB",
                     "Synaptic strength", "Spine density", "% of baseline", "Spine turnover", "rate (1/d)",
                     "Synapses", "time from first dose (h"):
        assert expected in words, expected
    assert "incomplete" not in words


def test_lines_are_the_numbers_of_the_file(ketamine):
    # What a panel shows, read back from its lines: hours from the dose, and the units that its axis names.
    sys.path.insert(0, str(PLOT.parent))
    import matplotlib.pyplot as plt
    from rewire_plot import panels
    from rewire_plot.result import open_results
    from rewire_plot.time_axis import TimeAxis

    results = open_results([ketamine])
    axis = TimeAxis(results)
    with h5py.File(ketamine) as file:
        slow = {name: file["trajectory/slow"][name][()] for name in file["trajectory/slow"] if name != "time"}
        hours = file["trajectory/slow/time"][()] / 3600 - 2
    before = (hours >= -0.5) & (hours < 0)

    def lines(draw):
        _, ax = plt.subplots()
        draw(ax, results, axis)
        drawn = [line for line in ax.lines if len(line.get_xdata()) == len(hours)]
        plt.close(ax.figure)
        return drawn

    def shown(draw, expected):
        drawn = lines(draw)
        assert len(drawn) == len(expected)
        for line, values in zip(drawn, expected):
            np.testing.assert_allclose(line.get_xdata(), hours, atol=1e-9)
            np.testing.assert_allclose(line.get_ydata(), values, rtol=1e-9, atol=1e-12)

    relative = lambda name, scale=1: [scale * column / column[before].mean() for column in slow[name].T]  # noqa: E731
    shown(panels.draw_block, [100 * column for where in ("synaptic", "extrasynaptic")
                              for column in slow[f"nmda_block_{where}"].T])
    shown(panels.draw_drug, [*slow["drug_plasma"].T, *slow["drug_effect_site"].T])
    shown(panels.draw_rates, slow["mean_rate"].T)
    shown(panels.draw_glutamate, relative("glutamate_extracellular"))
    shown(panels.draw_density, relative("spine_density", 100))
    shown(panels.chain(("bdnf", "BDNF"), ("trkb", "TrkB")), [relative("bdnf")[0], relative("trkb")[0]])


def test_means_over_stretches_keep_what_was_formed():
    # Rates over unequal times since the sample before: their integral is what was formed, whatever the stretches.
    sys.path.insert(0, str(PLOT.parent))
    from rewire_plot.panels import binned
    from rewire_plot.result import Series

    random = np.random.default_rng(3)
    time = np.concatenate([[0], np.cumsum(random.choice([60.0, 600.0], 400))])
    rate = random.random((401, 2))
    means = binned(Series(time, rate, ["a", "b"], "1/d"), bins=20)
    assert len(means.time) == 20 and means.unit == "1/d"
    # Stretches of the same length; a sample of 600 s may straddle an end: 1 % of a stretch of 6,000 s or so.
    width = time[-1] / 20
    np.testing.assert_allclose(means.values.sum(axis=0) * width, np.diff(time) @ rate[1:], rtol=0.01)


def test_overlay_names_the_conditions(ketamine, tmp_path):
    control = write_result(tmp_path / "control.h5", dosed=False, title="Saline control")
    words = texts(tmp_path, ketamine, control)
    assert "Saline control" in words and "ketamine" in words
    run = plot(ketamine, control)
    assert run.returncode == 0
    figure = ketamine.with_name("ketamine_comparison.png")
    assert figure.exists()
    # The control adds lines: the pictures differ.
    alone, both = tmp_path / "alone.png", matplotlib.image.imread(figure)
    assert plot(ketamine, "-o", alone).returncode == 0
    assert np.mean(np.abs(matplotlib.image.imread(alone) - both)) > 1e-3


def test_responses_have_a_figure_of_their_own(tmp_path):
    start = [600, 610, 620, 90000, 90010]  # two sessions
    first = write_responses(write_result(tmp_path / "a.h5", title="Trained"), "tone", start, [1, 4, 9, 9, 7])
    second = write_responses(write_result(tmp_path / "b.h5", title="Not trained"), "tone", start, [1, 1, 1, 1, 1])
    run = plot(first, second, "-o", tmp_path / "both.svg")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [str(tmp_path / "both.svg"), str(tmp_path / "both_responses.svg")]
    words = (tmp_path / "both_responses.svg").read_text(encoding="utf-8")
    for expected in ("response to tone (Hz)", "pyramidal", "10 min", "1.04 d", "Trained", "Not trained"):
        assert expected in words, expected
    assert ">pv<" not in words  # it does not answer
    # Without named stimuli there is none.
    assert plot(write_result(tmp_path / "c.h5"), "-o", tmp_path / "c.svg").stdout.split() == [str(tmp_path / "c.svg")]


INFLAMMATION = ("Cytokines (cortex)", "TNF-a", "IL-6", "IL-1b", "microglia", "level J", "above healthy",
                "Kynurenines (cortex)", "quinolinic acid", "kynurenic acid", "uptake (EAAT2)")


def test_inflammation_is_drawn_where_it_is_recorded(ketamine, tmp_path):
    with_it = add_inflammation(write_result(tmp_path / "lps.h5"))
    words, without = texts(tmp_path, with_it), texts(tmp_path, ketamine)
    for expected in INFLAMMATION:
        assert expected in words, expected
        assert expected not in without, expected
    # A result beside one without it: the panels are there.
    assert "Cytokines (cortex)" in texts(tmp_path, ketamine, with_it)


def test_uptake_alone_is_no_inflammation(tmp_path):
    # Every circuit with glutamate records it: such a figure stays as it was.
    path = write_result(tmp_path / "uptake.h5")
    pictures = []
    for name in ("before.png", "after.png"):
        assert plot(path, "-o", tmp_path / name).returncode == 0
        pictures.append(matplotlib.image.imread(tmp_path / name))
        if name == "before.png":
            with h5py.File(path, "a") as file:
                group = file["trajectory/slow"]
                group["eaat2"] = np.linspace(1, 0.7, len(group["time"]))[:, None]
    np.testing.assert_array_equal(*pictures)


def test_panels_of_inflammation_hold_the_numbers_of_the_file(tmp_path):
    sys.path.insert(0, str(PLOT.parent))
    from rewire_plot.figure import draw_figure
    from rewire_plot.result import open_results

    path = add_inflammation(write_result(tmp_path / "lps.h5"))
    figure = draw_figure(open_results([path]))
    drawn = {line.get_label(): line.get_ydata() for ax in figure.axes for line in ax.lines
             if ax.get_title(loc="left").startswith(("Cytokines", "Kynurenines"))}
    with h5py.File(path) as file:
        slow = {name: dataset[:, 0] for name, dataset in file["trajectory/slow"].items() if dataset.ndim == 2}
    for label, name, healthy in (("TNF-a", "cytokine_tnf_a", 1), ("IL-6", "cytokine_il_6", 1),
                                 ("IL-1b", "cytokine_il_1b", 1), ("microglia", "microglia", 1),
                                 ("level J", "inflammation", 1), ("kynurenine", "kynurenine", 1),
                                 ("quinolinic acid", "quinolinic_acid", 0.2),
                                 ("kynurenic acid", "kynurenic_acid", 0.04), ("uptake (EAAT2)", "eaat2", 1)):
        np.testing.assert_allclose(drawn[label], slow[name] / healthy, rtol=1e-12, err_msg=label)


@pytest.mark.parametrize("expectation_percent", [0.0, -28.0])
def test_score_is_called_a_surrogate_and_expectation_an_assumption(tmp_path, expectation_percent):
    time = np.arange(0, 97200, 600.0)
    columns = {"time": time, "surrogate_symptom_score": 80 - 20 * (time > 7200),
               "surrogate_expectation": expectation_percent * (time > 7200)}
    words = texts(tmp_path, write_columns(tmp_path / "score.h5", slow=columns, dose_s=7200))
    assert "Surrogate symptom score" in words and "no clinical scale" in words
    assert ("with expectation (assumption)" in words) == (expectation_percent != 0)


def test_expectation_is_a_share_of_the_score_before_treatment(tmp_path):
    sys.path.insert(0, str(PLOT.parent))
    from rewire_plot.result import open_results

    columns = {"time": np.array([0.0, 3600, 7200, 10800]), "surrogate_symptom_score": [0.0, 70, 80, 60]}
    path = write_columns(tmp_path / "score.h5", slow=columns, dose_s=7200)
    [result] = open_results([path])
    assert result.before_treatment(result.series("surrogate_symptom_score")) == [80.0]


@pytest.mark.parametrize("dose_s", [None, 10800])
def test_expectation_begins_with_a_therapy_as_with_a_dose(tmp_path, dose_s):
    sys.path.insert(0, str(PLOT.parent))
    from rewire_plot.result import open_results

    columns = {"time": np.array([0.0, 3600, 7200, 10800]), "surrogate_symptom_score": [0.0, 70, 80, 60]}
    path = write_columns(tmp_path / "score.h5", slow=columns, dose_s=dose_s)
    with h5py.File(path, "a") as file:
        file.attrs["therapy_start_s"], file.attrs["therapy_end_s"] = [9000.0, 3600.0], [9060.0, 3660.0]
        file.attrs.create("therapy_kind", ["sleep", "exercise"], dtype=h5py.string_dtype())
    [result] = open_results([path])
    assert result.before_treatment(result.series("surrogate_symptom_score")) == [70.0]


def test_therapies_are_shaded_as_assumptions(tmp_path):
    path = write_result(tmp_path / "therapy.h5")
    before = texts(tmp_path, path)
    assert "(assumption)" not in before
    plain = tmp_path / "plain.png"
    assert plot(path, "-o", plain).returncode == 0
    with h5py.File(path, "a") as file:
        file.attrs["therapy_start_s"], file.attrs["therapy_end_s"] = [20000.0, 50000.0], [30000.0, 60000.0]
        file.attrs.create("therapy_kind", ["exercise", "sleep"], dtype=h5py.string_dtype())
    words = texts(tmp_path, path)
    assert "shaded: exercise (assumption)" in words and "shaded: sleep (assumption)" in words
    assert plot(path).returncode == 0
    assert np.mean(np.abs(matplotlib.image.imread(path.with_suffix(".png")) - matplotlib.image.imread(plain))) > 1e-3


def test_missing_panels_are_left_out(tmp_path):
    words = texts(tmp_path, write_benchmark(tmp_path / "benchmark.h5"))
    assert "Firing rates" in words
    for absent in ("Drug", "NMDA", "BDNF", "Spine", "dose"):
        assert absent not in words, absent


def test_result_without_time_courses(tmp_path):
    path = tmp_path / "bare.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "rewire", "complete": 1})
    assert "no spikes and no time courses" in texts(tmp_path, path)


def test_incomplete_result_is_drawn_with_a_note(tmp_path):
    assert "incomplete" in texts(tmp_path, write_result(tmp_path / "broken_off.h5", complete=False))


def test_result_cut_before_the_dose(tmp_path):
    path = write_result(tmp_path / "short.h5", complete=False)
    with h5py.File(path, "a") as file:
        file.attrs["dose_start_s"] = file.attrs["dose_end_s"] = np.array([1e6])
    assert "Drug" in texts(tmp_path, path)


@pytest.mark.parametrize("content, message", [
    (None, "no such file"),
    (b"time,rate\n0,1\n", "cannot be read as an HDF5 file"),
    ("foreign", "not a rewire result"),
])
def test_errors_exit_with_2(tmp_path, content, message):
    path = tmp_path / "other.h5"
    if content == "foreign":
        with h5py.File(path, "w") as file:
            file["data"] = [1, 2, 3]
    elif content is not None:
        path.write_bytes(content)
    run = plot(path)
    assert run.returncode == 2
    assert str(path) in run.stderr and message in run.stderr
    assert "Traceback" not in run.stderr
    assert not path.with_suffix(".png").exists()


def test_bad_usage_exits_with_2(ketamine, tmp_path):
    assert plot().returncode == 2
    assert plot(ketamine, "-o", tmp_path / "figure.gif").returncode == 2
    run = plot(ketamine, "-o", tmp_path / "missing" / "figure.png")
    assert run.returncode == 2 and "Traceback" not in run.stderr


def test_a_cohort_has_a_figure_of_its_own(tmp_path):
    cohort = write_cohort(tmp_path / "cohort.h5")
    words = texts(tmp_path, cohort)
    for word in ("SURROGATE", "Twelve patients", "no treatment (n = 12)", "one infusion (n = 12)", "Kaplan-Meier",
                 "days since the last treatment", "12 of 12 respond", "0 of 12 respond", "12 responders"):
        assert word in words, word
    assert plot(cohort).returncode == 0
    width, height, share = ink(cohort.with_suffix(".png"))
    assert (width, height) == (1920, 1080)
    assert 0.03 < share < 0.6


def test_a_cohort_that_was_interrupted_is_drawn_and_says_so(tmp_path):
    words = texts(tmp_path, write_cohort(tmp_path / "cohort.h5", complete=False))
    # Who has not finished all plans is in none, as in the table.
    for word in ("incomplete", "no treatment (n = 11)", "one infusion (n = 11)", "11 of 11 respond", "0 of 11 respond",
                 "11 responders"):
        assert word in words, word


def test_the_line_of_response_is_that_of_the_file(tmp_path):
    sys.path.insert(0, str(PLOT.parent))
    from rewire_plot.cohort import draw_cohort
    from rewire_plot.result import open_result
    path = write_cohort(tmp_path / "cohort.h5")
    with h5py.File(path, "r+") as file:
        file["cohort/summary"].attrs["response"] = 0.3
    figure = draw_cohort(open_result(path))
    levels = [{line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1} for ax in figure.axes]
    assert all(-30 in of_panel and -50 not in of_panel for of_panel in levels[:2])


def test_a_cohort_without_outcomes_or_beside_others_is_refused(tmp_path, ketamine):
    cohort = write_cohort(tmp_path / "cohort.h5")
    run = plot(ketamine, cohort)
    assert run.returncode == 2 and "cohort" in run.stderr
    with h5py.File(cohort, "r+") as file:
        del file["cohort/summary"]
    run = plot(cohort)
    assert run.returncode == 2 and "[symptom_score]" in run.stderr


def test_kaplan_meier_of_6_mercaptopurine():
    # Freireich et al. 1963; published shares with three digits.
    sys.path.insert(0, str(PLOT.parent))
    from rewire_plot.cohort import kaplan_meier
    events, censored = [6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    steps = kaplan_meier(np.array(events + censored, float), np.repeat([1, 0], [len(events), len(censored)]))
    np.testing.assert_array_equal(steps[1:, 0], [6, 7, 10, 13, 16, 22, 23])
    np.testing.assert_allclose(steps[1:, 1], [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=6e-4)
