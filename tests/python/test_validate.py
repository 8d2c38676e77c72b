"""scripts/validate: its Morris screen on functions with known indices, its verdicts, and that what fails is shown to
fail. What it measures: test_validate_measures.py."""

import dataclasses
import json
import math
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "scripts"), str(Path(__file__).parent)]
from rewire_validate import arms, calibrated, figures, history, morris, report, runs, sensitivity  # noqa: E402
from rewire_validate import sources, verdict  # noqa: E402
from rewire_validate import __main__ as program_main  # noqa: E402
from rewire_validate.targets import CALIBRATED, CHECK, PREDICTION, TARGETS, Target  # noqa: E402
from synthetic import write_cohort, write_result  # noqa: E402

# --------------------------------------------------------------------------------------------------------------- Morris


def test_trajectories_move_every_factor_once_by_the_step():
    for seed in range(20):
        points = morris.trajectory(7, np.random.default_rng(seed))
        moves = np.diff(points, axis=0)
        assert points.shape == (8, 7)
        assert points.min() >= 0 and points.max() <= 1 + 1e-12
        assert sorted(np.argmax(np.abs(moves), axis=1)) == list(range(7))
        assert np.count_nonzero(moves) == 7
        np.testing.assert_allclose(np.abs(moves[moves != 0]), 2 / 3)
    with pytest.raises(ValueError, match="levels = 3"):
        morris.trajectory(2, np.random.default_rng(1), levels=3)


def screened(function, factors, trajectories, seed=1):
    random = np.random.default_rng(seed)
    walks = [morris.trajectory(factors, random) for _ in range(trajectories)]
    return morris.indices([morris.effects(walk, [function(x) for x in walk]) for walk in walks])


def test_linear_function_has_its_slopes_and_no_spread():
    slopes = np.array([3.0, -2, 0.5, 0])
    of = screened(lambda x: 7 + slopes @ x, 4, 5)
    np.testing.assert_allclose(of.mean, slopes, atol=1e-12)
    np.testing.assert_allclose(of.mean_size, np.abs(slopes), atol=1e-12)
    np.testing.assert_allclose(of.spread, 0, atol=1e-12)


def test_interaction_shows_as_spread():
    # Of x0 x1 the effect of x0 is x1, one of 0, 1/3, 2/3, 1 with equal chance: mean 1/2, deviation sqrt(5)/6. With
    # 2,000 trajectories the mean is known to 0.0083: four of these are allowed.
    of = screened(lambda x: x[0] * x[1] + 2 * x[2], 3, 2000)
    np.testing.assert_allclose(of.mean_size, [0.5, 0.5, 2], atol=0.034)
    np.testing.assert_allclose(of.spread, [math.sqrt(5) / 6, math.sqrt(5) / 6, 0], atol=0.03)


def test_effects_that_cancel_have_size_but_no_mean():
    # (x - 1/2)^2 goes from 1/4 to 1/36 and from 1/36 to 1/4: effects of -1/3 and 1/3.
    of = screened(lambda x: (x[0] - 0.5)**2, 1, 400)
    assert of.mean_size[0] == pytest.approx(1 / 3)
    assert abs(of.mean[0]) < 4 / 3 / math.sqrt(400)


def test_a_failed_run_costs_its_own_effects_only():
    points = morris.trajectory(3, np.random.default_rng(4))
    outputs = list(points @ [1.0, 2, 3])
    outputs[-1] = math.nan
    found = morris.effects(points, outputs)
    last = int(np.argmax(np.abs(points[-1] - points[-2])))
    assert math.isnan(found[last])
    assert np.isfinite(np.delete(found, last)).all()
    of = morris.indices([found, found])
    assert math.isnan(of.mean[last]) and np.isfinite(np.delete(of.mean, last)).all()


def test_the_screen_finds_what_outputs_depend_on(monkeypatch, tmp_path):
    # Glutamate follows one constant, spines two of them on a logarithm; BDNF follows none but differs by seed.
    linear, log = sensitivity.CONSTANTS[0], next(x for x in sensitivity.CONSTANTS if x.log)

    def outputs(_, pair, seed):
        assert pair[1].settings == pair[0].settings | {"dose": "[]"}
        value = lambda key, default: float(pair[0].settings.get(key, str(default)).strip('"').split()[0])  # noqa: E731
        a = (value(linear.key, linear.low) - linear.low) / (linear.high - linear.low)
        b = math.log(value(log.key, log.low) / log.low) / math.log(log.high / log.low)
        return [10 * a, 7.0 * seed, 2 * a - 3 * b]

    monkeypatch.setattr(sensitivity, "outputs_of", outputs)
    made = session(tmp_path, tmp_path / "program", quick=True)
    planned = []
    monkeypatch.setattr(made, "make_all", planned.extend)
    found = sensitivity.screen(made, 2)
    assert len(planned) == 2 * (2 * 21 + 3)
    assert len({(run.name, seed) for run, seed in planned}) == len(planned)
    glutamate, bdnf, spines = (found["outputs"][name] for name in ("glutamate", "bdnf", "spines"))
    place = [constant.key for constant in sensitivity.CONSTANTS].index(log.key)
    assert glutamate["mean"][0] == pytest.approx(10, rel=1e-4) and np.abs(glutamate["mean"][1:]).max() < 1e-9
    assert spines["mean"][place] == pytest.approx(-3, rel=1e-4) and spines["mean_size"][0] == pytest.approx(2, rel=1e-4)
    assert bdnf["mean_size"] == [0] * 20  # a trajectory has one seed
    assert bdnf["chance"] == pytest.approx(math.sqrt(2) * 7 * 1.5)  # seeds 1, 2, 3; a step is 2/3
    assert glutamate["chance"] == 0


def test_constants_of_the_screen_span_their_ranges():
    assert len(sensitivity.CONSTANTS) == 20 == len({constant.key for constant in sensitivity.CONSTANTS})
    linear, log = sensitivity.Constant("a", 1, 3, "h", ""), sensitivity.Constant("b", 1, 100, "", "", log=True)
    assert [linear.setting(x) for x in (0, 0.5, 1)] == ['"1 h"', '"2 h"', '"3 h"']
    assert [log.setting(x) for x in (0, 0.5, 1)] == ["1", "10", "100"]


# ------------------------------------------------------------------------------------------------------------- verdicts


def target(low=10, high=20, role=PREDICTION, **others):
    fields = {"id": "S99", "part": "", "role": role, "what": "size of it", "unit": "%", "source": "Author 1999",
              "low": low, "high": high, "uses": (), "measure": None, "may_fail": "because <it> may"}
    return Target(**(fields | others))


@pytest.mark.parametrize("values, expected", [
    ([10], "pass"), ([20], "pass"), ([9.99], "fail"), ([20.01], "fail"), ([5, 25], "pass"), ([5, 10], "fail"),
    ([math.nan, 15], "fail"), ([math.inf], "fail"), ([], "fail")])
def test_verdict_is_that_of_the_mean(values, expected):
    outcome = verdict.Outcome(target(), dict(enumerate(values, start=1)))
    assert outcome.verdict == expected
    assert bool(outcome.reason) == (expected == "fail")


def test_open_ranges():
    assert verdict.Outcome(target(80, math.inf), {1: 500.0}).verdict == "pass"
    assert verdict.Outcome(target(80, math.inf), {1: 79.0}).verdict == "fail"
    assert verdict.Outcome(target(-math.inf, 25), {1: -3.0}).verdict == "pass"
    assert report.range_text(80, math.inf, "%") == "80.0 % or more"
    assert report.range_text(-math.inf, 25, "1") == "25.0 or less"


def test_spread_is_the_standard_deviation_over_seeds():
    assert verdict.Outcome(target(), {1: 10.0, 2: 14.0}).spread == pytest.approx(math.sqrt(8))
    for values in ({1: 10.0}, {}, {1: 10.0, 2: math.nan}, {1: 10.0, 2: math.inf}):
        assert verdict.Outcome(target(), values).spread is None


def test_infinities_of_both_signs_have_no_mean():
    outcome = verdict.Outcome(target(), {1: math.inf, 2: -math.inf})
    assert math.isnan(outcome.mean) and outcome.verdict == "fail"


def of(label):
    return next(x for x in TARGETS if x.label == label)


@pytest.mark.parametrize("label, value, expected", [
    ("S12 nbqx", 101, "pass"), ("S12 nbqx", 130, "fail"), ("S12 anti_bdnf, 4 h", 130, "fail"),
    ("S16 raised", 0, "fail"), ("S16 raised", 0.9, "fail"), ("S16 raised", 7.6, "pass"),
    ("S20 loss", 0, "fail"), ("S20 loss", -0.9, "fail"), ("S20 loss", -22, "pass")])
def test_what_does_nothing_or_the_opposite_is_no_pass(label, value, expected):
    assert verdict.Outcome(of(label), {1: value}).verdict == expected


def page(outcomes, **others):
    whole = {"outcomes": outcomes, "left_out": [], "calibrated": [], "arms": [], "sensitivity": None, "figures": {},
             "about": {"text": "seeds 1"}}
    return report.as_html(whole | others), json.loads(json.dumps(report.as_json(whole | others), allow_nan=False))


def test_a_failing_prediction_is_shown_failing_with_its_reason():
    shown, data = page([verdict.Outcome(target(), {1: 3.0, 2: 4.0}), verdict.Outcome(target(id="S98"), {1: 15.0})])
    assert [entry["verdict"] for entry in data["targets"]] == ["fail", "pass"]
    failing = data["targets"][0]
    assert failing["id"] == "S99" and failing["role"] == "prediction" and failing["source"] == "Author 1999"
    assert failing["range"] == [10, 20] and failing["mean"] == 3.5 and failing["why"] == "because <it> may"
    assert failing["spread"] == pytest.approx(math.sqrt(0.5))
    assert data["targets"][1]["why"] == ""
    what_fails = shown[shown.index("What fails"):shown.index("<h2>Targets")]
    assert "S99" in what_fails and "because &lt;it&gt; may" in what_fails and "S98" not in what_fails
    assert shown.count('class="fail-row"') == 1 and shown.count('class="pass-row"') == 1
    assert "prediction: 1 of 2 pass" in shown


def test_a_single_run_has_no_spread_and_an_interval_is_shown_beside_it():
    cohort = target(id="S98", unit="d")
    shown, data = page([verdict.Outcome(target(), {1: 15.0}), verdict.Outcome(cohort, {1: 12.5}, (7.0, 13.0)),
                        verdict.Outcome(cohort, {1: 12.5}, (8.0, math.inf)), verdict.Outcome(target(), {1: 1, 2: 3})])
    assert [entry["spread"] for entry in data["targets"]] == [None, None, None, pytest.approx(math.sqrt(2))]
    assert [entry["interval"] for entry in data["targets"]] == [None, [7, 13], [8, None], None]
    assert ">15.0 %<" in shown and ">12.5 d (7.00 to 13.0)<" in shown and ">12.5 d (8.00 or more)<" in shown
    assert ">2.00 ± 1.4 %<" in shown and report.number(verdict.Outcome(target(), {1: 15.0}).spread) == "-"


def test_predictions_that_had_been_seen_before_a_change_are_marked():
    expected = {"S1": "", "S6 selectivity": "a", "S7 rat, peak": "", "S8 interneurons": "a", "S12 rapamycin": "ab",
                "S12 anti_bdnf, 4 h": "", "S15 spines": "ab", "S15 score": "bc", "S18 score": "abc",
                "S19 arm, day 3": "bc", "S19 cohort, day 1": "bc", "S19 cohort, day 12": "bcd", "S20 loss": "b",
                "S20 cytokines": "", "R8 2-4 wk": "be", "R8 latency": ""}
    assert {label: "".join(history.changed_after(of(label))) for label in expected} == expected
    names = {name for x in TARGETS for name in (x.id, x.label)}
    assert all(set(change.moved) <= names for change in history.CHANGES.values())


def test_the_report_says_what_was_changed_after_predictions_had_been_seen():
    outcomes = [verdict.Outcome(of(label), {1: 0.0}) for label in ("S8 order", "S15 score", "S3", "S7 peak")]
    shown, data = page(outcomes)
    assert [entry["changed_after"] for entry in data["targets"]] == [["a"], ["b", "c"], [], ["a"]]
    assert [change["letter"] for change in data["changes"]] == ["a", "b", "c", "d", "e"]
    assert data["changes"][2]["set_by"] == "S19 drug, day 1" and "S19" in data["changes"][2]["moved"]
    assert "S15 score<sup>b c</sup>" in shown and "S3<sup></sup>" not in shown
    section = shown[shown.index("<h2>Changed after predictions had been seen"):shown.index("<h2>The main run")]
    assert all(change.what in section for change in history.CHANGES.values())
    # Of three predictions (S7 is calibrated) two had been seen.
    assert "prediction: 2 of 3 pass (2 had been seen before" in shown


def test_what_was_not_measured_is_said_and_infinity_is_null():
    shown, data = page([verdict.Outcome(target(0, math.inf), {1: math.nan})], left_out=[target(id="S97", part="late")])
    assert data["targets"][0]["range"] == [0, None] and data["targets"][0]["mean"] is None
    assert data["not_measured"] == ["S97 late"] and "S97 late" in shown
    assert "could not be measured" in shown


def test_figures_are_drawn_from_what_was_made_and_left_out_where_nothing_was(tmp_path):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    assert figures.main_run(made, [1, 2]) is None
    for name in ("ketamine", "control"):
        write_result(made.path(sources.BY_NAME[name], 1), dosed=name == "ketamine")
    assert figures.main_run(made, [1, 2]) is None  # left there by another session
    made.made |= {("ketamine", 1), ("ketamine", 2), ("control", 1)}
    made.failed["control", 2] = "it failed"
    assert figures.main_run(made, [1, 2]).startswith("data:image/png;base64,")
    assert figures.antagonists(made, [1]) is None and figures.weeks(made, [1]) is None
    outcomes = [verdict.Outcome(target(low, high), {1: 15.0, 2: math.nan})
                for low, high in ((10, 20), (-math.inf, 20), (0, math.inf))]
    assert figures.overview(outcomes).startswith("data:image/png;base64,")


def test_a_broken_result_costs_its_own_figure_only(tmp_path):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    for name in ("ketamine", "control"):
        made.path(sources.BY_NAME[name], 1).write_bytes(b"no HDF5")
        made.made.add((name, 1))
    drawn = program_main.draw(made, [verdict.Outcome(target(), {1: 15.0})], [1], None)
    assert drawn["main_run"] is None and drawn["overview"].startswith("data:image/png;base64,")
    assert program_main.attempt("arms", arms.assess, made, [1]) is None


def test_arms_and_the_screen_are_in_the_report(tmp_path):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    for run in arms.all_runs():
        write_result(made.path(run, 1), dosed=not run.name.endswith("control"))
    found = arms.assess(made, [1])
    assert [arm["title"] for arm in found] == [arm.title for arm in arms.ARMS]
    assert all(math.isfinite(x["mean"]) for arm in found for x in arm["measures"].values())
    numbers = np.linspace(-1, 1, len(sensitivity.CONSTANTS)).tolist()
    screen = {"trajectories": 4, "failed_runs": 0, "constants": [dataclasses.asdict(x) for x in sensitivity.CONSTANTS],
              "outputs": {"bdnf": {"title": "BDNF (%)", "mean": numbers, "mean_size": np.abs(numbers).tolist(),
                                   "spread": [*numbers[:-1], math.nan], "default": 1.0, "chance": 0.5}}}
    shown, data = page([], arms=found, sensitivity=screen, figures={"screen": figures.screen(screen)})
    assert "disinhibition alone" in shown and "molecular.released_tau" in shown and "data:image/png" in shown
    assert data["arms"][0]["measures"]["spines"]["spread"] is None  # of one seed
    assert data["sensitivity"]["outputs"]["bdnf"]["spread"][-1] is None


def test_the_table_of_targets_is_whole():
    assert {x.id for x in TARGETS} == {f"S{k}" for k in range(1, 23)} | {"R8"}
    assert len({x.label for x in TARGETS}) == len(TARGETS)
    for x in TARGETS:
        assert x.role in (CALIBRATED, PREDICTION, CHECK), x.label
        assert x.low < x.high and x.source and x.what and x.unit, x.label
        assert x.may_fail and "\n" not in x.may_fail, x.label
        assert all(name in sources.BY_NAME for name in x.uses), x.label


# ------------------------------------------------------------------------------------------------------------- the runs


@pytest.fixture()
def fake_program(tmp_path):
    """Stands for the program: notes how it is called, and fails if a setting says so."""
    log, path = tmp_path / "calls", tmp_path / "program"
    path.write_text(f"""#!/usr/bin/env bash
echo "$*" >> {log}
case "$*" in *fail=true*) echo "config.toml:1:1: error: it fails" >&2; exit 1 ;; esac
while [ $# -gt 0 ]; do [ "$1" = -o ] && echo result > "$2"; shift; done
""")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path, lambda: log.read_text().splitlines() if log.exists() else []


def session(tmp_path, program, **others):
    return runs.Session(tmp_path / "runs", program, say=lambda _: None, **others)


def test_runs_are_made_once_and_again_when_something_changed(tmp_path, fake_program):
    program, calls = fake_program
    one = runs.Simulation("one", "magnesium_block.toml", {"experiment.dt": "0.1 ms"}, circuit=False)
    session(tmp_path, program).make_all([(one, 1), (one, 2)])
    assert len(calls()) == 2 and "--seed 2" in "".join(calls()) and "--set experiment.dt=0.1 ms" in calls()[0]
    again = session(tmp_path, program)
    again.make_all([(one, 1)])
    assert len(calls()) == 2 and again.made == {("one", 1)}
    session(tmp_path, program).make_all([(dataclasses.replace(one, settings={}), 1)])
    assert len(calls()) == 3
    program.write_text(program.read_text() + "# another build\n")
    session(tmp_path, program).make_all([(one, 2)])
    assert len(calls()) == 4


def test_settings_for_all_reach_the_circuit_only(tmp_path, fake_program):
    program, calls = fake_program
    small = session(tmp_path, program, quick=True, settings={"multirate.tolerance": "0.05"})
    small.make_all([(sources.BY_NAME["magnesium"], 1), (sources.BY_NAME["control"], 1)])
    assert "tolerance" not in calls()[0] and "population" not in calls()[0]
    assert "multirate.tolerance=0.05" in calls()[1] and "population.pyramidal.size=800" in calls()[1]


def test_a_failed_run_fails_its_targets_and_nothing_else(tmp_path, fake_program, monkeypatch):
    program, _ = fake_program
    bad = runs.Simulation("bad", "magnesium_block.toml", {"fail": "true"}, circuit=False)
    good = runs.Helper("good", lambda *_: {"x": 15.0})
    monkeypatch.setitem(sources.BY_NAME, "bad", bad)
    monkeypatch.setitem(sources.BY_NAME, "good", good)
    made = session(tmp_path, program)
    made.make_all([(bad, 1), (good, 1)])
    failed = verdict.assess(made, target(uses=("bad",), measure=lambda result: 15.0), [1])
    assert failed.verdict == "fail" and "it fails" in failed.reason
    assert verdict.assess(made, target(uses=("good",), measure=lambda found: found["x"]), [1]).verdict == "pass"
    assert made.made == {("good", 1)}


def test_what_cannot_be_measured_fails_its_target_and_nothing_else(tmp_path, fake_program, monkeypatch):
    # The fake program writes no HDF5, which is an OSError; a helper lacks a key; a measure finds a value that is wrong.
    program, _ = fake_program
    broken = runs.Simulation("broken", "magnesium_block.toml", circuit=False)
    lacking = runs.Helper("lacking", lambda _, seed, folder: {"x": 15.0} if seed == 1 else {})
    for source in (broken, lacking):
        monkeypatch.setitem(sources.BY_NAME, source.name, source)
    made = session(tmp_path, program)
    made.make_all([(broken, 1), (lacking, 1), (lacking, 2)])

    def raises(_):
        raise ValueError("too few\nsamples")

    for use, measure, said in (("broken", lambda result: 15.0, "OSError"),
                               ("lacking", lambda found: found["x"], "seed 2: KeyError"),
                               ("lacking", raises, "ValueError: too few")):
        outcome = verdict.assess(made, target(uses=(use,), measure=measure), [1, 2])
        assert outcome.verdict == "fail" and outcome.reason.startswith("could not be measured")
        assert said in outcome.reason and "\n" not in outcome.reason
    assert verdict.assess(made, target(uses=("lacking",), measure=lambda x: x["x"]), [1, 2]).values == {1: 15.0}


def test_the_interval_of_a_cohort_comes_with_its_estimate(tmp_path, monkeypatch):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    write_cohort(made.path(sources.BY_NAME["cohort"], 1))
    outcome = verdict.assess(made, of("S19 cohort, day 7"), [1, 2])
    assert (outcome.mean, outcome.interval, outcome.spread) == (pytest.approx(0.4), pytest.approx((0.1, 0.8)), None)


def test_plan_makes_each_run_once_and_unseeded_ones_for_the_first_seed():
    s1, s22 = (next(x for x in TARGETS if x.id == name) for name in ("S1", "S22"))
    jobs = program_main.plan([s1, s22, s22], [1, 2], arms.all_runs())
    assert len(jobs) == len({(run.name, seed) for run, seed in jobs})
    assert [seed for run, seed in jobs if run.name == "magnesium"] == [1]
    assert sorted(seed for run, seed in jobs if run.name == "vogels_abbott") == [1, 2]


@pytest.mark.parametrize("words", [["S0"], ["--seeds", "0"], ["--set", "x"], ["--trajectories", "-1"],
                                   ["--jobs", "two"]])
def test_wrong_options_end_with_status_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        program_main.parse(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert all(word in said for word in words)


def test_calibrated_constants_come_from_the_description():
    text = """thing: what it is
  where: [thing]
  key    default  unit  allowed  meaning [source]
  first  0.25     1/h   above 0  what [it] does [calibrated: S7 (0.1-1)]
  other  3        mV    above 0  not this one [Author 1999]
more: another
  key    default  unit  allowed  meaning [source]
  last   7        -     above 0  counted [calibrated: S13]
"""
    first, last = calibrated.parse(text)
    assert first == calibrated.Constant("thing", "first", "0.25", "1/h", "what [it] does", "S7 (0.1-1)")
    assert (last.table, last.name, last.unit, last.target) == ("more", "last", "", "S13")


# ---------------------------------------------------------------------------------------------------------- the program


@pytest.fixture(scope="module")
def program():
    path = Path(os.environ.get("REWIRE_PROGRAM", CHECKOUT / "build" / "rewire"))
    if not path.exists():
        pytest.skip("build/rewire is not built, and REWIRE_PROGRAM names no other program")
    return path


def errors(program, simulation, settings):
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    config = CHECKOUT / "configs" / simulation.config
    done = subprocess.run([program, "check", config, *words], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("quick", [False, True])
def test_every_run_is_one_that_the_program_takes(program, tmp_path, quick):
    made = session(tmp_path, program, quick=quick)
    simulations = [x for x in [*sources.ALL, *arms.all_runs()] if isinstance(x, runs.Simulation)]
    assert [found for x in simulations if (found := errors(program, x, made.all_settings(x)))] == []


@pytest.mark.parametrize("share", [0, 1])
def test_the_screen_stays_within_what_the_program_takes(program, tmp_path, share):
    made = session(tmp_path, program, quick=True)
    for run in sensitivity.runs_of("x", sensitivity.point_settings([share] * len(sensitivity.CONSTANTS))):
        assert errors(program, run, made.all_settings(run)) == ""


def test_the_screen_is_of_the_least_certain_constants(program):
    """The program's own description of each says so: from memory, of low confidence or assumed."""
    tables = {"block": "blocker", "ketamine": "species", "nmda": "receptor"}  # the others are named as in a config
    described, table = {}, ""
    for line in subprocess.run([program, "describe"], capture_output=True, text=True, check=True).stdout.splitlines():
        if found := calibrated.SECTION.match(line):
            table = found[1]
        elif line.startswith("  ") and line.endswith("]"):
            described[table, line.split()[0]] = line

    def uncertain(key):
        *_, place, name = key.split(".")
        line = described[tables.get(place, place), name]
        return "[calibrated" not in line and any(word in line for word in ("[M]", "low confidence", "assumed"))

    assert [x.key for x in sensitivity.CONSTANTS if not uncertain(x.key)] == ["glutamate.evoked_share"]


def test_the_description_lists_calibrated_constants(program):
    found = {(x.table, x.name): x.target for x in calibrated.calibrated(program)}
    assert len(found) > 10
    assert "Shaffer" in found["blocker", "in_vivo_factor"]
    assert "S13" in found["spines", "stress_gain"]


def test_one_target_from_end_to_end(program, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REWIRE_PROGRAM", str(program))
    assert program_main.main(["S1", "-o", str(tmp_path)]) == 0
    data = json.loads((tmp_path / "report.json").read_text())
    (entry,) = data["targets"]
    assert entry["id"] == "S1" and entry["role"] == "check" and entry["range"] == [-1, 1]
    assert abs(entry["mean"]) < 1 and entry["verdict"] == "pass"
    shown = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64," in shown and "src=\"http" not in shown and "<link" not in shown
    assert "pass  S1" in capsys.readouterr().out
