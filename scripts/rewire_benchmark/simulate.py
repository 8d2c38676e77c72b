"""One run of rewire on a config."""

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from .measure import run_child

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / "build"
CONFIGS = CHECKOUT / "configs" / "benchmark"
CONNECTIVITY = "snapshots/t_0_s"  # group of the snapshot at time 0


@dataclass
class Run:
    """What a run of rewire or of the peer took and made."""

    run_s: float         # simulating, without building the network
    run_cpu_s: float     # processor time of that, all threads
    build_s: float
    peak_bytes: int
    others_cores: float
    biological_s: float  # simulated in that time, a baseline before time 0 included
    counted_s: float     # of it, in which spikes are counted
    spikes: dict         # population -> number
    sizes: dict = field(default_factory=dict)  # population -> neurons
    synapses: int = 0
    events: int = 0
    synapse_bytes: int = 0


def settings(overrides):
    return [word for key, value in overrides.items() for word in ("--set", f"{key}={value}")]


def simulate(config, output, threads, overrides=None):
    """Runs a config and reads what the benchmark needs from its result."""
    child = run_child([BUILD / "rewire", "run", config, "-o", output, "--force", "--quiet", "-t", threads,
                       *settings(overrides or {})])
    run = read_run(output)
    run.peak_bytes, run.others_cores = child.peak_bytes, child.others_cores
    return run


def read_run(path):
    with h5py.File(path) as f:
        populations = {name: f["populations"][name].attrs for name in population_order(f)}
        return Run(run_s=float(f.attrs["run_s"]), run_cpu_s=float(f.attrs["run_cpu_s"]),
                   build_s=float(f.attrs["build_s"]), peak_bytes=0, others_cores=0,
                   biological_s=float(f.attrs["spiking_s"]), counted_s=float(f.attrs["simulated_s"]),
                   spikes={name: int(x["spikes"]) for name, x in populations.items()},
                   sizes={name: int(x["size"]) for name, x in populations.items()},
                   synapses=int(f["trajectory/slow/synapses"][-1].sum()) if "trajectory/slow/synapses" in f else 0,
                   events=int(f.attrs["events"]), synapse_bytes=int(f.attrs["synapse_bytes"]))


def population_order(file):
    """Populations in the order of the config."""
    names = list(file["populations"])
    if "trajectory/slow/population" in file:
        names.sort(key=[x.decode() for x in file["trajectory/slow/population"][()]].index)
    return names


def write_connectivity(config, output, overrides=None):
    """Result that holds the synapses of a config at time 0 and the config as run, for the peer to read."""
    simulate(config, output, 1, (overrides or {}) | {"experiment.duration": "0.1 ms", "record.snapshots": '["0 s"]'})


def read_spikes(path):
    """Spike trains of a result: population -> (times in ms, neurons)."""
    with h5py.File(path) as f:
        return {name: (f[f"spikes/{name}/timestamps"][:], f[f"spikes/{name}/node_ids"][:].astype(np.int64))
                for name in population_order(f)}
