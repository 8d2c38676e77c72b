"""Multirate mode beside full mode: slow trajectories over seeds, against references that simulated every spike."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))
from rewire_equivalence import compare  # noqa: E402

REFERENCE = Path(__file__).resolve().parent / "reference"
PROGRAM = os.environ.get("REWIRE_PROGRAM")
needs_program = pytest.mark.skipif(not PROGRAM, reason="REWIRE_PROGRAM names no program")


def simulate(folder, case, seed, mode):
    path = folder / f"{case}_{mode}_{seed}.h5"
    subprocess.run([PROGRAM, "run", str(CHECKOUT / f"configs/equivalence/{case}.toml"), "-o", str(path), "--quiet",
                    "-t", "1", "--seed", str(seed), "--set", f"experiment.mode={mode}",
                    "--set", "record.fast_every=0 ms", "--set", "record.spikes=false"], check=True)
    return path


def not_equivalent(reference, other):
    return [d for d in compare.differences(reference, other) if not d.equivalent]


# ------------------------------------------------------------------------------------------------- the comparison


def courses(**values):
    return {f"{name}.e": list(course) for name, course in values.items()}


def test_differences_are_those_of_means_over_seeds_against_the_larger_limit():
    # Seeds scatter by 10 % in bdnf, not at all in mtorc1.
    reference = [courses(bdnf=[0.9, 2.0], mtorc1=[1, 1]), courses(bdnf=[1.1, 2.0], mtorc1=[1, 1])]
    other = [courses(bdnf=[1.1, 2.0], mtorc1=[1.01, 1.03])]
    bdnf, mtorc1 = compare.differences(reference, other)
    assert (bdnf.quantity, bdnf.hour) == ("bdnf.e", 0)
    assert bdnf.relative == pytest.approx(0.1)
    assert bdnf.spread == pytest.approx(np.std([0.9, 1.1], ddof=1))
    assert bdnf.share == pytest.approx(0.1 / bdnf.spread)
    assert (mtorc1.hour, mtorc1.relative, mtorc1.share) == (1, pytest.approx(0.03), pytest.approx(1.5))


def test_what_passes_through_nothing_is_compared_with_its_peak():
    reference = [courses(nmda_block_synaptic=[0, 0.2])] * 2
    (block,) = compare.differences(reference, [courses(nmda_block_synaptic=[0.001, 0.2])])
    assert block.relative == pytest.approx(0.005)
    (mtorc1,) = compare.differences([courses(mtorc1=[1, 0.1])] * 2, [courses(mtorc1=[1, 0.11])])
    assert mtorc1.relative == pytest.approx(0.01)


def test_samples_stand_for_the_time_up_to_them(tmp_path):
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file.attrs["duration_s"] = 7200.0
        group = file.create_group("trajectory/slow")
        group["time"] = [0.0, 1800, 3600, 5400, 7200]
        group["population"] = np.array(["e", "i"], dtype=h5py.string_dtype())
        group["population"].make_scale("population")
        group["time"].make_scale("time")
        group["bdnf"] = np.array([[1, np.nan], [2, np.nan], [4, np.nan], [6, np.nan], [8, np.nan]])
        group["bdnf"].dims[0].attach_scale(group["time"])
        group["bdnf"].dims[1].attach_scale(group["population"])
    assert compare.hourly(tmp_path / "r.h5", 2) == {"bdnf.e": [3.0, 7.0]}


def test_rates_are_shown_but_not_judged():
    (rate,) = compare.differences([courses(mean_rate=[1.0])] * 2, [courses(mean_rate=[2.0])])
    assert rate.share == pytest.approx(50) and rate.equivalent and not rate.judged


def test_references_come_back_as_they_were_saved(tmp_path):
    saved = [courses(bdnf=[1.23456789, 2]), courses(bdnf=[1, 2])]
    compare.save_reference(tmp_path / "r.json", saved, {"case": "x"})
    loaded, provenance = compare.load_reference(tmp_path / "r.json")
    assert provenance == {"case": "x"}
    assert loaded == [courses(bdnf=[1.2346, 2]), courses(bdnf=[1, 2])]


# ------------------------------------------------------------------------------------------------------- the program


@needs_program
def test_forty_minutes_agree_with_every_spike(tmp_path):
    # Stress and an infusion, 500 neurons, two seeds of each mode; everything within 2 % or the spread of the two.
    full = [compare.hourly(simulate(tmp_path, "hour", seed, "full"), 8) for seed in (1, 2)]
    paths = [simulate(tmp_path, "hour", seed, "multirate") for seed in (1, 2)]
    assert not_equivalent(full, [compare.hourly(p, 8) for p in paths]) == []
    with h5py.File(paths[0]) as file:
        assert file.attrs["spiking_s"] < 0.4 * file.attrs["duration_s"]
        predicted = subprocess.run([PROGRAM, "check", str(CHECKOUT / "configs/equivalence/hour.toml"), "--set",
                                    "experiment.mode=multirate"], check=True, capture_output=True, text=True).stdout
        seconds = float(predicted.split("about ")[1].split(" s with spikes")[0])
        assert 0.5 < file.attrs["spiking_s"] / seconds < 2  # a forecast, from events alone


@needs_program
@pytest.mark.parametrize("case, bins", [("day", 24), ("two_hours", 24)])
def test_long_runs_agree_with_their_committed_references(tmp_path, case, bins):
    # References: full mode, several seeds, an hour of computing each; their provenance is in the files.
    reference, provenance = compare.load_reference(REFERENCE / f"multirate_{case}.json")
    assert len(reference) >= 2 and provenance["mode"] == "full"
    seeds = range(1, len(reference) + 1)
    leaping = [compare.hourly(simulate(tmp_path, case, seed, "multirate"), bins) for seed in seeds]
    assert not_equivalent(reference, leaping) == []
    if case == "day":
        # The dose and the stress are in it: what is compared moves.
        mtorc1 = np.mean([c["mtorc1.pyramidal"] for c in reference], axis=0)
        assert mtorc1[5:8].max() > 2 * mtorc1[4] and mtorc1.min() < 0.8
