"""The measurements, each of which returns what it found as plain data for the report."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import accuracy
from .measure import BenchmarkError, run_child
from .networks import MICROCIRCUITS, RELEARN_MS, network
from .peer import Program, Setting, fastest_setting, first_setting
from .simulate import BUILD, CONFIGS, read_spikes, simulate, write_connectivity
from .summary import thread_counts

WARM_UP_S = 0.5  # of the microcircuit, not measured


@dataclass
class Session:
    """What was asked for, and what measurements share."""

    folder: Path
    threads: int
    repetitions: int
    quick: bool
    peer: bool
    say: object
    settings: dict = field(default_factory=dict)  # network -> fastest Setting of Brian2
    results: dict = field(default_factory=dict)   # benchmark -> what was found

    @property
    def few_threads(self):
        return sorted({1, self.threads})

    def connectivity(self, net):
        """File with the synapses of a network and its config as run, which Brian2 reads."""
        path = self.folder / f"{net.name}-synapses.h5"
        if not path.exists():
            write_connectivity(net.path, path, net.overrides)
        return path

    def run(self, config, threads, duration_s, overrides=None):
        """One run of rewire; its result stays in run.h5 until the next."""
        return simulate(config, self.folder / "run.h5", threads,
                        (overrides or {}) | {"experiment.duration": f"{duration_s} s"})

    def spikes(self):
        return read_spikes(self.folder / "run.h5")


def find_setting(session, net):
    """(Setting, what was tried): the known fastest with --quick, else what is fastest here."""
    if session.quick:
        return first_setting(net.model), {}
    model_net = network(net.settings_of or net.name)
    if model_net.name in session.settings:
        return session.settings[model_net.name], {}
    setting, tried = fastest_setting(session.folder / "peer", session.connectivity(model_net), net.model,
                                     model_net.quick_s, session.threads, session.say)
    session.settings[model_net.name] = setting
    return setting, tried


def run_network(session, name):
    net = network(name)
    duration_s = net.quick_s if session.quick else net.duration_s
    found = {"title": net.title, "ours": {t: [] for t in session.few_threads}, "peer": []}
    program = None
    if session.peer:
        try:
            setting, found["tried"] = find_setting(session, net)
            found["setting"] = setting.text()
            session.say(f"  building Brian2's program ({setting.text()})")
            program = Program(session.folder / "peer", session.connectivity(net), setting, duration_s)
        except BenchmarkError as error:  # such as too little memory, of which it needs more than rewire
            found["peer_failed"] = str(error)
            session.say(f"  {error}")
    for repetition in range(session.repetitions):
        session.say(f"  repetition {repetition + 1} of {session.repetitions}")
        for threads in session.few_threads:
            found["ours"][threads].append(asdict(session.run(net.path, threads, duration_s, net.overrides)))
        if program:
            found["peer"].append(asdict(program.run()))
    if program:
        program.remove()
    return found


def run_program(found, name, *words):
    """Runs a C++ program of the benchmark; the lines of JSON that it prints."""
    child = run_child([BUILD / name, *words])
    found["watched"].append({"others_cores": child.others_cores})
    return [json.loads(line) for line in child.output.splitlines()]


def measure_limit(session, with_delivery):
    """The limit and, in turns with it, the engine's delivery."""
    found = {"limit": [], "delivery": [], "watched": []}
    seconds = 0.5 if session.quick else 1
    for _ in range(session.repetitions):
        for threads in thread_counts(session.threads):
            found["limit"].append(run_program(found, "benchmark_limit", threads, seconds))
            if with_delivery:
                found["delivery"].append([
                    line for weights in ("shared", "own")
                    for line in run_program(found, "benchmark_delivery", threads, weights, 0.25 * seconds)])
    return found


def measure_main(session, _):
    """The main experiment's circuit and the same network with plain COBA synapses, in turns."""
    duration_s = {"main": 4, "main_plain": 6.5} if session.quick else {"main": 10, "main_plain": 12.5}
    found = {name: {t: [] for t in session.few_threads} for name in ("main", "main_plain")}
    for _ in range(session.repetitions):
        for threads in session.few_threads:
            for name, runs in found.items():
                runs[threads].append(asdict(session.run(CONFIGS / f"{name}.toml", threads, duration_s[name])))
    return found


def measure_synaptogenesis(session, _):
    if not (BUILD / "benchmark_synaptogenesis").exists():
        return {"skipped": "its program is not part of this checkout"}
    found = {"lines": [], "watched": []}
    for _ in range(session.repetitions):
        for threads in session.few_threads:
            # 0: the cube grows with the neurons, at RELeARN's spacing of 26 um
            found["lines"] += run_program(found, "benchmark_synaptogenesis", threads, 0, *RELEARN_MS)
    return found


def measure_microcircuit(session, name):
    title, config = MICROCIRCUITS[name]
    if not config.exists():
        return {"skipped": f"{config.name} is not part of this checkout"}
    measured_s = 2 if session.quick else 10
    lengths = {"warm_up": WARM_UP_S, "whole": WARM_UP_S + measured_s}
    found = {"title": title, "measured_s": measured_s, "threads": session.threads, "warm_up": [], "whole": []}
    quiet = {"record.spikes": "false", "record.fast_every": "0 ms"}
    for _ in range(1 if session.quick else min(2, session.repetitions)):
        for part, length_s in lengths.items():
            session.say(f"  {length_s} s")
            found[part].append(asdict(session.run(config, session.threads, length_s, quiet)))
    # The same run again, bit for bit, with its spikes.
    session.say("  spikes")
    run = session.run(config, session.threads, lengths["whole"], {"record.spikes": "true"})
    activity = accuracy.statistics(session.spikes(), run.sizes, WARM_UP_S * 1e3, lengths["whole"] * 1e3)
    found |= {"rates_Hz": activity.rates_Hz, "cv_isi": activity.cv_isi}
    return found


def measure_scaling(session, _):
    """Strong and weak scaling; runs that another benchmark of this session made in turns are used again."""
    net = network("coba_100000")
    duration_s = net.quick_s if session.quick else net.duration_s
    counts = thread_counts(session.threads)
    made = session.results.get(net.name, {}).get("ours", {})
    strong = {t: list(made.get(t, [])) for t in counts}
    weak = {t: [] for t in counts}
    for repetition in range(session.repetitions):
        session.say(f"  repetition {repetition + 1} of {session.repetitions}")
        for threads in counts:
            if len(strong[threads]) <= repetition:
                strong[threads].append(asdict(session.run(net.path, threads, duration_s)))
            weak[threads].append(asdict(session.run(CONFIGS / "coba_dense.toml", threads, 0.5 if session.quick else 2, {
                "population.excitatory.size": 8000 * threads, "population.inhibitory.size": 2000 * threads})))
    return {"strong": strong, "weak": weak}


def measure_accuracy(session, _):
    cells = [{"model": model, "simulator": simulator} | asdict(error)
             for model, simulator, error in accuracy.single_cells(session.folder, session.peer)]
    found = {"cells": cells, "networks": []}
    for name in ["coba_4000"] if session.quick else ["coba_4000", "coba_20000", "brunel"]:
        if not session.peer:
            break
        net = network(name)
        session.say(f"  statistics of {net.title}")
        duration_s = net.quick_s if session.quick else net.duration_s
        duration_ms = 1e3 * duration_s
        settled_ms = min(500, 0.2 * duration_ms)
        setting = Setting("double", "shared", 1, "exact" if net.model == "lif_current" else "rk4")
        program = Program(session.folder / "peer", session.connectivity(net), setting, duration_s,
                          record=True)
        program.run()
        run = session.run(net.path, session.threads, duration_s, {"record.spikes": "true"})
        ours, theirs = (accuracy.statistics(trains, run.sizes, settled_ms, duration_ms)
                        for trains in (session.spikes(), program.read_spikes(accuracy.DT_MS)))
        program.remove()
        found["networks"].append({
            "title": net.title, "measured_ms": duration_ms - settled_ms, "rates_Hz": ours.rates_Hz,
            "peer_rates_Hz": theirs.rates_Hz, "cv_isi": ours.cv_isi, "peer_cv_isi": theirs.cv_isi,
            "distance": accuracy.distance(ours.intervals_ms, theirs.intervals_ms)})
    return found


def measure(session, name):
    """Runs one benchmark by name."""
    others = {"limit": lambda s, _: measure_limit(s, False), "delivery": lambda s, _: measure_limit(s, True),
              "main": measure_main, "synaptogenesis": measure_synaptogenesis, "pd14": measure_microcircuit,
              "pd14_poisson": measure_microcircuit, "scaling": measure_scaling, "accuracy": measure_accuracy}
    try:
        return others.get(name, run_network)(session, name)
    except BenchmarkError as error:
        return {"failed": str(error)}
