"""The integration error that belongs to the times: single cells under a frozen input against a fine reference, and the
statistics of networks against Brian2 in double precision."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .measure import run_child
from .peer import METHODS, Setting, give_order
from .simulate import BUILD

DT_MS = 0.1
SUBSTEPS = 20          # of the reference in a step: fourth order, its error is below 1e-9 mV
STEPS = 2000
CELLS = 8
STIMULATED = CELLS // 2  # from here on a current keeps the cells firing

# Cells of Brette et al. 2007 and of Brunel 2000; rates (Hz), weights and what drives the second half of the cells.
CELLS_OF = {
    "lif_conductance": {
        "population": {"model": "lif_conductance", "capacitance": "200 pF", "leak_conductance": "10 nS",
                       "leak_reversal": "-60 mV", "threshold": "-50 mV", "reset": "-60 mV",
                       "refractory_period": "5 ms", "initial": "-60 mV", "current": "0 pA",
                       "receptor": {"ampa": {"tau_rise": "0 ms", "tau_decay": "5 ms", "reversal": "0 mV"},
                                    "gaba_a": {"tau_rise": "0 ms", "tau_decay": "10 ms", "reversal": "-80 mV"}}},
        "inputs": {"ampa": (400, "0.48 nS"), "gaba_a": (100, "2 nS")}, "current": "250 pA"},
    "lif_current": {
        "population": {"model": "lif_current", "capacitance": "250 pF", "membrane_tau": "20 ms",
                       "leak_reversal": "-70 mV", "threshold": "-50 mV", "reset": "-60 mV",
                       "refractory_period": "2 ms", "initial": "-65 mV", "current": "0 pA",
                       "receptor": {"current": {"tau_rise": "0 ms", "tau_decay": "0.5 ms"}}},
        "inputs": {"current": (1000, "50 pA")}, "current": "350 pA"},
}


def frozen_input(model, seed=7):
    """Poisson events on the grid, at most one a step: receptor -> steps, neurons, weight."""
    rng = np.random.default_rng(seed)
    trains = {}
    for receptor, (rate_Hz, weight) in CELLS_OF[model]["inputs"].items():
        fires = rng.random((STEPS, CELLS)) < rate_Hz * DT_MS * 1e-3
        fires[0] = False  # Brian2 needs a step to pass them on
        steps, neurons = np.nonzero(fires)
        trains[receptor] = {"steps": steps.tolist(), "neurons": neurons.tolist(), "weight": weight}
    return trains


def value(text):
    return float(text.split()[0])


def reference(model, trains):
    """Potentials (mV) after every step by fourth-order Runge-Kutta with SUBSTEPS a step; the synaptic variables, whose
    decay has a closed form, exactly. The threshold is looked at on the grid, as both simulators do."""
    cell = CELLS_OF[model]["population"]
    number = {key: value(x) for key, x in cell.items() if isinstance(x, str) and key != "model"}
    receptors = {name: (value(r["tau_decay"]), value(r.get("reversal", "0 mV")))
                 for name, r in cell["receptor"].items()}
    drive_pA = np.where(np.arange(CELLS) >= STIMULATED, value(CELLS_OF[model]["current"]), 0.0)
    amounts = {name: np.zeros((STEPS, CELLS)) for name in receptors}
    for name, train in trains.items():
        np.add.at(amounts[name], (train["steps"], train["neurons"]), value(train["weight"]))
    g = {name: np.zeros(CELLS) for name in receptors}
    v = np.full(CELLS, number["initial"])
    held = np.zeros(CELLS, int)
    h = DT_MS / SUBSTEPS
    result = np.empty((CELLS, STEPS))

    def slope(v, g):
        if model == "lif_conductance":
            current_pA = number["leak_conductance"] * (number["leak_reversal"] - v) + drive_pA
            current_pA += sum(g[name] * (reversal - v) for name, (_, reversal) in receptors.items())
            return current_pA / number["capacitance"]
        return ((number["leak_reversal"] - v) / number["membrane_tau"]
                + (sum(g.values()) + drive_pA) / number["capacitance"])

    half = {name: np.exp(-0.5 * h / tau) for name, (tau, _) in receptors.items()}
    for step in range(STEPS):
        for name in receptors:
            g[name] = g[name] + amounts[name][step]
        u = v
        for _ in range(SUBSTEPS):
            middle = {name: x * half[name] for name, x in g.items()}
            end = {name: x * half[name] for name, x in middle.items()}
            k1 = slope(u, g)
            k2 = slope(u + 0.5 * h * k1, middle)
            k3 = slope(u + 0.5 * h * k2, middle)
            k4 = slope(u + h * k3, end)
            u = u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            g = end
        free = held == 0
        fires = free & (u > number["threshold"])
        v = np.where(free & ~fires, u, number["reset"])
        held = np.where(fires, round(number["refractory_period"] / DT_MS), np.maximum(held - 1, 0))
        result[:, step] = v
    return result


def write_config(model, trains, path):
    """The same cells for rewire, every potential recorded."""
    cell = CELLS_OF[model]["population"]
    lines = ["[experiment]", f'duration = "{STEPS * DT_MS} ms"', "[population.cells]", f"size = {CELLS}"]
    lines += [f"{key} = {json.dumps(x)}" for key, x in cell.items() if isinstance(x, str)]
    lines += [f"receptor.{name}.{key} = {json.dumps(x)}"
              for name, r in cell["receptor"].items() for key, x in r.items()]
    lines += ["[[stimulus]]", 'population = "cells"', 'kind = "current_step"',
              f'amplitude = "{CELLS_OF[model]["current"]}"', f"neurons = [{STIMULATED}, {CELLS}]"]
    for receptor, train in trains.items():
        times = [f"{step * DT_MS:.1f} ms" for step in train["steps"]]
        lines += ["[[stimulus]]", 'population = "cells"', 'kind = "spikes"', f'receptor = "{receptor}"',
                  f'weight = "{train["weight"]}"', f"times = {json.dumps(times)}",
                  f"targets = {json.dumps(train['neurons'])}"]
    lines += ["[record]", 'fast_every = "0 ms"', "[[record.traces]]", 'population = "cells"', 'name = "v"',
              f"neurons = {list(range(CELLS))}", f'every = "{DT_MS} ms"']
    path.write_text("\n".join(lines) + "\n")


def rewire_cells(model, trains, folder):
    import h5py

    config, result = folder / f"{model}.toml", folder / f"{model}.h5"
    write_config(model, trains, config)
    run_child([BUILD / "rewire", "run", config, "-o", result, "--force", "--quiet", "-t", 1])
    with h5py.File(result) as f:
        return f["trajectory/v/membrane_potential"][:].T.astype(float)


def brian2_cells(model, trains, settings, folder):
    """Potentials for each setting."""
    output = Path(folder).resolve() / "cells.npy"
    population, current = CELLS_OF[model]["population"], CELLS_OF[model]["current"]
    runs = [(asdict(setting), population | {"current": x}) for setting in settings for x in ("0 pA", current)]
    give_order({"what": "cells", "runs": runs, "cells": CELLS, "inputs": trains, "dt_ms": DT_MS, "steps": STEPS,
                "output": str(output)})
    quiet, driven = np.load(output)[0::2], np.load(output)[1::2]
    return np.concatenate([quiet[:, :STIMULATED], driven[:, STIMULATED:]], axis=1)


@dataclass
class CellError:
    """Against the reference: errors below threshold, and spikes of the driven cells in other steps than its."""

    worst_mV: float
    rms_mV: float
    spikes: int
    spikes_elsewhere: int


def spike_steps(v_mV, model):
    """(cell, step) of each spike: where the potential falls to its reset from above half way to the threshold."""
    reset, threshold = (value(CELLS_OF[model]["population"][key]) for key in ("reset", "threshold"))
    at_reset = np.abs(v_mV - reset) < 1e-4
    fell = at_reset[:, 1:] & (v_mV[:, :-1] > (reset + threshold) / 2)
    return set(zip(*np.nonzero(fell)))


def cell_error(v_mV, fine_mV, model):
    error = (v_mV - fine_mV)[:STIMULATED]
    found, wanted = spike_steps(v_mV, model), spike_steps(fine_mV, model)
    return CellError(float(np.abs(error).max()), float(np.sqrt(np.mean(error**2))), len(wanted), len(wanted - found))


def single_cells(folder, peer):
    """Rows (model, simulator, CellError)."""
    rows = []
    for model in CELLS_OF:
        trains = frozen_input(model)
        fine = reference(model, trains)
        rows.append((model, "rewire", cell_error(rewire_cells(model, trains, folder), fine, model)))
        if not peer:
            continue
        settings = [Setting(precision=p, method=m) for m in METHODS[model] for p in ("float", "double")]
        for setting, v_mV in zip(settings, brian2_cells(model, trains, settings, folder)):
            rows.append((model, f"Brian2, {setting.precision}, {setting.method}", cell_error(v_mV, fine, model)))
    return rows


@dataclass
class Statistics:
    """Activity of a network after it has settled."""

    rates_Hz: dict
    cv_isi: float        # mean over neurons with five intervals or more
    intervals_ms: np.ndarray


def statistics(trains, sizes, from_ms, to_ms):
    rates, cvs, intervals = {}, [], []
    for name, (times, neurons) in trains.items():
        late = times > from_ms
        times, neurons = times[late], neurons[late]
        rates[name] = len(times) / sizes[name] / (to_ms - from_ms) * 1e3
        order = np.lexsort((times, neurons))
        times, neurons = times[order], neurons[order]
        same = neurons[1:] == neurons[:-1]
        between, owner = np.diff(times)[same], neurons[1:][same]
        intervals.append(between)
        count = np.bincount(owner, minlength=sizes[name])
        mean = np.bincount(owner, between, sizes[name]) / np.maximum(count, 1)
        square = np.bincount(owner, between**2, sizes[name]) / np.maximum(count, 1)
        enough = count >= 5
        cvs.append(np.sqrt(np.maximum(square[enough] - mean[enough]**2, 0)) / mean[enough])
    cv = np.concatenate(cvs)
    return Statistics(rates, float(cv.mean()) if len(cv) else float("nan"), np.concatenate(intervals))


def distance(a, b):
    """Largest distance of two cumulative distributions (Kolmogorov-Smirnov)."""
    a, b = np.sort(a), np.sort(b)
    grid = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, grid, "right") / len(a) - np.searchsorted(b, grid, "right") / len(b)).max())
