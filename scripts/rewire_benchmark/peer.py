"""Brian2 from outside: building its programs, running them, and finding its fastest setting."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from .machine import cores
from .measure import BenchmarkError, run_child
from .simulate import Run


@dataclass(frozen=True)
class Setting:
    """How Brian2 is told to run a network."""

    precision: str = "float"     # float, double
    weights: str = "shared"      # shared, per synapse
    threads: int = 1
    method: str = "euler"

    def text(self):
        many = "s" if self.threads > 1 else ""
        return f"{self.precision}, {self.weights} weight, {self.threads} thread{many}, {self.method}"


#: Methods to choose from, the fastest first, as measured: exponential Euler takes three times the time of Euler for
#: COBA 20,000 x 1,000, Euler 2 % more than exact integration for Brunel.
METHODS = {"lif_conductance": ["euler", "exponential_euler"], "lif_current": ["exact", "euler"]}


def first_setting(model):
    """The fastest as a rule."""
    return Setting(method=METHODS[model][0])


def variations(setting, model, threads):
    """Settings that differ from one in one respect."""
    yield replace(setting, method=METHODS[model][1])
    yield replace(setting, precision="double")
    yield replace(setting, weights="per synapse")
    if threads > 1:
        yield replace(setting, threads=threads)


def give_order(order):
    """Runs the package's `brian` program."""
    done = subprocess.run([sys.executable, "-m", "rewire_benchmark.brian"], input=json.dumps(order), text=True,
                          capture_output=True, cwd=Path(__file__).resolve().parents[1])
    if done.returncode != 0:
        raise BenchmarkError("Brian2 failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-20:]))


class Program:
    """A compiled network of Brian2."""

    def __init__(self, folder, connectivity, setting, duration_s, record=False, seed=1):
        self.folder, self.setting, self.duration_s = Path(folder), setting, duration_s
        shutil.rmtree(folder, ignore_errors=True)
        give_order({"what": "network", "folder": str(self.folder.resolve()),
                    "connectivity": str(Path(connectivity).resolve()), "setting": asdict(setting),
                    "duration_s": duration_s, "jobs": cores(), "record": record, "seed": seed})
        self.layout = json.loads((self.folder / "layout.json").read_text())

    def run(self):
        """One run; its time is that of the loop, without building synapses and writing results."""
        child = run_child(["./main"], cwd=self.folder)
        run_s, run_cpu_s = (float(x) for x in (self.folder / "results" / "run_time.txt").read_text().split())
        counts = [np.fromfile(self.folder / name, np.int32) for name in self.layout["counts"]]
        spikes, sizes = {}, {}
        for population, (group, first, size) in self.layout["place"].items():
            spikes[population] = int(counts[group][first:first + size].sum())
            sizes[population] = size
        return Run(run_s=run_s, run_cpu_s=run_cpu_s, build_s=child.wall_s - run_s, peak_bytes=child.peak_bytes,
                   others_cores=child.others_cores, biological_s=self.duration_s, counted_s=self.duration_s,
                   spikes=spikes, sizes=sizes)

    def read_spikes(self, dt_ms):
        """Spike trains of a recorded run, at the end of the step in which they were found, as rewire has them."""
        trains = {}
        groups = [(np.fromfile(self.folder / t) * 1e3 + dt_ms, np.fromfile(self.folder / i, np.int32))
                  for t, i in zip(self.layout["times"], self.layout["neurons"])]
        for population, (group, first, size) in self.layout["place"].items():
            times, neurons = groups[group]
            among = (neurons >= first) & (neurons < first + size)
            trains[population] = (times[among], neurons[among] - first)
        return trains

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def fastest_setting(folder, connectivity, model, duration_s, threads, say):
    """Walks from the known fastest setting, one respect at a time, and keeps what is faster. Returns the setting and
    the real-time factors of all that were tried."""
    tried = {}

    def factor(setting):
        if setting not in tried:
            program = Program(folder, connectivity, setting, duration_s)
            tried[setting] = min(program.run().run_s for _ in range(2)) / duration_s
            program.remove()
            say(f"  Brian2 {setting.text()}: real-time factor {tried[setting]:.3f}")
        return tried[setting]

    best = first_setting(model)
    factor(best)
    for position in range(len(list(variations(best, model, threads)))):
        other = list(variations(best, model, threads))[position]
        if factor(other) < factor(best):
            best = other
    return best, {setting.text(): x for setting, x in tried.items()}
