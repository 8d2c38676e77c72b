"""Runs the cases of configs/equivalence and writes the report."""

import argparse
import concurrent.futures
import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

from rewire_benchmark.summary import table
from rewire_equivalence import compare

TOP = Path(__file__).resolve().parents[2]
RESULTS = TOP / "results" / "equivalence"
REFERENCE = TOP / "tests" / "python" / "reference"
CASES = {"day": 24, "two_hours": 24}  # parts that a run is averaged over


def program():
    return os.environ.get("REWIRE_PROGRAM", str(TOP / "build" / "rewire"))


def simulate(case, seed, mode, settings=()):
    """Runs a case; returns the result's path."""
    name = "_".join([case, mode, str(seed), *(s.split("=")[1] for s in settings)])
    path = RESULTS / f"{name}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [program(), "run", str(TOP / "configs" / "equivalence" / f"{case}.toml"), "-o", str(path), "--force",
               "--quiet", "-t", "1", "--seed", str(seed), "--set", f"experiment.mode={mode}",
               "--set", "record.fast_every=0 ms", "--set", "record.spikes=false"]
    for setting in settings:
        command += ["--set", setting]
    subprocess.run(command, check=True)
    return path


def numbers(path):
    """Wall time, speed and the log of a multirate run."""
    with h5py.File(path) as file:
        result = {"wall_s": float(file.attrs["run_s"]), "duration_s": float(file.attrs["duration_s"]),
                  "spiking_s": float(file.attrs["spiking_s"])}
        if "multirate" in file:
            log = {name: file["multirate"][name][:] for name in ("leap", "rejected", "length")}
            result |= {"bursts": int(np.sum(log["leap"] == 0)), "rejected": int(np.sum(log["rejected"])),
                       "leaps": int(np.sum(log["leap"])) - int(np.sum(log["rejected"]))}
    return result


def commit():
    done = subprocess.run(["git", "-C", str(TOP), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def provenance(case, path, seeds):
    with h5py.File(path) as file:
        return {"case": case, "config": f"configs/equivalence/{case}.toml", "commit": commit(),
                "rewire_version": file.attrs["rewire_version"], "created_utc": file.attrs["created_utc"],
                "host_cpu": file.attrs["host_cpu"], "seeds": list(seeds), "mode": "full",
                "wall_s_of_a_run": round(float(file.attrs["run_s"])),
                "command": f"scripts/equivalence {case} --full --seeds {len(seeds)}"}


def section(case, count, tolerances, full, pool):
    """The part of the report on one case, and whether it is equivalent at the default tolerance."""
    stored = REFERENCE / f"multirate_{case}.json"
    seeds = range(1, count + 1)
    if full:
        paths = list(pool.map(simulate, [case] * count, seeds, ["full"] * count))
        compare.save_reference(stored, [compare.hourly(p, CASES[case]) for p in paths],
                               provenance(case, paths[0], seeds))
    reference, source = compare.load_reference(stored)
    seeds = seeds[: len(reference)]
    reference = reference[: len(seeds)]
    lines = [f"## {case}", "", f"Reference: {len(reference)} runs in full mode, {source['created_utc']}, "
             f"{source['host_cpu']}; {source['command']}.", ""]
    equivalent, errors, speeds = True, [], []
    for tolerance in tolerances:
        settings = [f"multirate.tolerance={tolerance}", f"multirate.absolute_tolerance={tolerance / 5}"]
        paths = list(pool.map(simulate, [case] * len(seeds), seeds, ["multirate"] * len(seeds),
                              [settings] * len(seeds)))
        found = compare.differences(reference, [compare.hourly(p, CASES[case]) for p in paths])
        judged = [d for d in found if d.judged]
        worst = max(judged, key=lambda d: d.share)
        figures = [numbers(p) for p in paths]
        wall = float(np.median([f["wall_s"] for f in figures]))
        speeds.append([tolerance, f"{wall:.1f}", f"{figures[0]['duration_s'] / wall:.0f}",
                       f"{np.median([f['spiking_s'] for f in figures]):.0f}",
                       *(f"{np.median([f[k] for f in figures]):.0f}" for k in ("bursts", "leaps", "rejected")),
                       f"{100 * max(abs(d.relative) for d in judged):.2f} %", worst.quantity, f"{worst.share:.2f}"])
        if tolerance == tolerances[0]:
            equivalent = worst.share <= 1
            errors = [[d.quantity, f"{100 * d.relative:+.2f} %", f"{100 * d.spread:.2f} %", d.hour + 1,
                       f"{d.share:.2f}", "not judged" if not d.judged else "yes" if d.equivalent else "NO"]
                      for d in found]
    lines += [table(["quantity", "difference", "spread over seeds", "part of the run", "of what is allowed",
                     "equivalent"], errors), "",
              table(["tolerance", "wall s", "times biological", "s with spikes", "bursts", "leaps", "taken back",
                     "greatest difference", "worst quantity", "of what is allowed"], speeds), ""]
    return lines, equivalent


def main():
    parser = argparse.ArgumentParser(prog="scripts/equivalence", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: day")
    parser.add_argument("--full", action="store_true", help="simulate the references anew: hours")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tolerance", type=float, nargs="+", default=[0.01], help="the first decides")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    arguments = parser.parse_args()
    cases = arguments.cases or ["day"]
    for case in cases:
        if case not in CASES:
            parser.error(f"no case {case}: one of {', '.join(CASES)}")
    lines = ["# Multirate mode beside full mode", "",
             f"{datetime.date.today()}, {platform.node() or 'this machine'}, {os.cpu_count()} cores. Means over "
             "seeds, compared in equal parts of the run (the day: hours). Allowed: 2 % or the spread over seeds.", ""]
    equivalent = True
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for case in cases:
            text, agrees = section(case, arguments.seeds, arguments.tolerance, arguments.full, pool)
            lines += text
            equivalent = equivalent and agrees
    report = RESULTS / "report.md"
    report.write_text("\n".join(lines))
    print("\n".join(lines))
    print(f"report: {report.relative_to(TOP)}")
    return 0 if equivalent else 1


if __name__ == "__main__":
    sys.exit(main())
