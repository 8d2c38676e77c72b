"""The peer: a network of rewire built anew in Brian2 (Stimberg, Brette & Goodman 2019, eLife 8:e47314), as a C++
stand-alone program, or single cells interpreted. Runs as a program of its own: Brian2 has one device for a process.

    python3 -m rewire_benchmark.brian < ORDER.json

The network is read from a result of rewire: parameters from the config as run, synapses from the snapshot at time 0.
The equations are written out here from the literature that rewire's headers name. What a user who wants speed would
do by hand is done here: populations with the same parameters are one group, their projections with the same weight,
delay and receptor one set of synapses sorted by source; delays are scalar; traces belong to neurons.
"""

import json
import logging
import re
import sys
import tomllib
import warnings
from pathlib import Path

import h5py
import numpy as np

warnings.filterwarnings("ignore")
import brian2 as b2  # noqa: E402 (it warns when it is imported)

logging.getLogger("brian2").setLevel(logging.ERROR)
CONNECTIVITY = "snapshots/t_0_s"

START_OF_RUN = """
timespec run_start, run_end;
clock_gettime(CLOCK_MONOTONIC, &run_start);
const clock_t run_ticks = clock();
"""
END_OF_RUN = """
clock_gettime(CLOCK_MONOTONIC, &run_end);
ofstream("results/run_time.txt") << (run_end.tv_sec - run_start.tv_sec) + 1e-9 * (run_end.tv_nsec - run_start.tv_nsec)
                                 << " " << double(clock() - run_ticks) / CLOCKS_PER_SEC;
"""


def quantity(text):
    """"200 pF" as Brian2 writes it: "200.0*pF"."""
    value, unit = re.fullmatch(r"([-+.\d]+(?:[eE][-+]?\d+)?) *(\w+)", text).groups()
    return f"({float(value)!r}*{unit})"


def in_units(text, unit):
    return float(eval(quantity(text), vars(b2).copy()) / getattr(b2, unit))


class Groups:
    """Populations with equal parameters side by side: group -> its table and its size, population -> (group, first)."""

    def __init__(self, populations):
        self.tables, self.sizes, self.place = [], [], {}
        for name, table in populations.items():
            size = table["size"]
            table = {key: value for key, value in table.items() if key != "size"}
            if table not in self.tables:
                self.tables.append(table)
                self.sizes.append(0)
            group = self.tables.index(table)
            self.place[name] = (group, self.sizes[group], size)
            self.sizes[group] += size


def trace_names(projections):
    """Time constants of the traces of plasticity -> names of the variables that hold them. A neuron has one trace for
    each, of its spikes as a source and as a target."""
    rules = [projection["long_term"] for projection in projections.values() if "long_term" in projection]
    taus = dict.fromkeys(rule[key] for rule in rules for key in ("tau_pre", "tau_post"))
    return {tau: f"trace_{k}" for k, tau in enumerate(taus)}


def neuron_equations(table, traces):
    """Equations, threshold and reset of a population's table."""
    constants = {key: quantity(table[key]) for key in table
                 if isinstance(table[key], str) and key not in ("model", "region", "initial")}
    receptors = table.get("receptor", {})
    # A difference of exponentials peaks at the weight (Roth & van Rossum 2009); these networks have none.
    if any(in_units(receptor["tau_rise"], "ms") > 0 for receptor in receptors.values()):
        raise ValueError("receptors with a rise time are not known here")
    current = constants.get("current", "0*pA")
    if table["model"] == "lif_conductance":  # Brette et al. 2007, benchmark 1
        synaptic = " + ".join(f"g_{name}*({quantity(r['reversal'])} - v)" for name, r in receptors.items())
        text = (f"dv/dt = ({constants['leak_conductance']}*({constants['leak_reversal']} - v) + {synaptic} + {current})"
                f"/{constants['capacitance']} : volt (unless refractory)\n")
        unit = "siemens"
    elif table["model"] == "lif_current":  # Brunel 2000, with exponential currents
        synaptic = " + ".join(f"g_{name}" for name in receptors)
        text = (f"dv/dt = ({constants['leak_reversal']} - v)/{constants['membrane_tau']} + ({synaptic} + {current})"
                f"/{constants['capacitance']} : volt (unless refractory)\n")
        unit = "amp"
    else:
        raise ValueError(f"the model {table['model']} is not known here")
    for name, receptor in receptors.items():
        text += f"dg_{name}/dt = -g_{name}/{quantity(receptor['tau_decay'])} : {unit}\n"
    for tau, name in traces.items():
        text += f"d{name}/dt = -{name}/{quantity(tau)} : 1\n"
    reset = f"v = {constants['reset']}" + "".join(f"; {name} += 1" for name in traces.values())
    return text, f"v > {constants['threshold']}", reset, constants


def plasticity(rule, weight, traces, receptor):
    """on_pre and on_post of a rule with traces per neuron; its constants are relative to the first weight."""
    known = rule["pairing"] == "all_to_all" and rule.get("weight_dependence", "additive") == "additive"
    if not known or rule["rule"] == "triplet":
        raise ValueError(f"plasticity of the kind {rule} is not known here")
    eta, most = f"{rule['learning_rate']!r}*{weight}", f"{rule['maximum']!r}*{weight}"
    x, y = traces[rule["tau_pre"]], traces[rule["tau_post"]]
    if rule["rule"] == "inhibitory":  # Vogels et al. 2011, Science 334:1569, eq 1
        change = f"{eta}*({y}_post - 2*{quantity(rule['target_rate'])}*{quantity(rule['tau_post'])})"
    else:  # additive, Song, Miller & Abbott 2000, Nat Neurosci 3:919
        change = f"-{rule['depression']!r}*{eta}*{y}_post"
    return (f"weight = clip(weight + {change}, 0*{weight}, {most})\ng_{receptor}_post += weight",
            f"weight = clip(weight + {eta}*{x}_pre, 0*{weight}, {most})")


def receptor_of(projection):
    receptors = projection["receptors"]
    if len(receptors) != 1 or (isinstance(receptors, dict) and list(receptors.values()) != [1]):
        raise ValueError("projections to two receptors are not known here")
    return next(iter(receptors))


def merged_synapses(file, projections, groups):
    """Synapses by what they have in common: (source group, target group, receptor, weight, delay, rule) -> pairs."""
    merged = {}
    for name, projection in projections.items():
        for key in ("weight", "delay"):
            if not isinstance(projection[key], str):
                raise ValueError(f"a distributed {key} is not known here")
        source_group, source_first, _ = groups.place[projection["from"]]
        target_group, target_first, _ = groups.place[projection["to"]]
        key = (source_group, target_group, receptor_of(projection), projection["weight"], projection["delay"],
               json.dumps(projection.get("long_term")))
        pairs = file[f"{CONNECTIVITY}/{name}"]
        merged.setdefault(key, []).append((pairs["source"][:].astype(np.int32) + source_first,
                                           pairs["target"][:].astype(np.int32) + target_first))
    for key, parts in merged.items():
        source, target = (np.concatenate(columns) for columns in zip(*parts))
        if len(parts) > 1:
            order = np.argsort(source, kind="stable")
            source, target = source[order], target[order]
        yield key, source, target


def build_network(order):
    """Writes and compiles the stand-alone program into order["folder"]; prints where its counts will be."""
    setting = order["setting"]
    folder = Path(order["folder"])
    b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{order['jobs']}"]
    b2.prefs.core.default_float_dtype = {"float": np.float32, "double": np.float64}[setting["precision"]]
    # One thread means a program without OpenMP, which is the faster one.
    b2.prefs.devices.cpp_standalone.openmp_threads = 0 if setting["threads"] == 1 else setting["threads"]
    b2.set_device("cpp_standalone", directory=str(folder), build_on_run=False)
    b2.seed(order["seed"])
    with h5py.File(order["connectivity"]) as file:
        config = tomllib.loads(file["config"].asstr()[()])
        groups = Groups(config["population"])
        projections = config["projection"]
        traces = trace_names(projections)
        dt = in_units(config["experiment"]["dt"], "ms") * b2.ms
        b2.defaultclock.dt = dt
        network = b2.Network()
        neurons = []
        for table, size in zip(groups.tables, groups.sizes):
            equations, threshold, reset, constants = neuron_equations(table, traces)
            # Brian2 counts the refractory period from the start of the step at whose end the spike is found.
            group = b2.NeuronGroup(size, equations, threshold=threshold, reset=reset, method=setting["method"],
                                   refractory=in_units(table["refractory_period"], "ms") * b2.ms + dt)
            rest, threshold = constants["leak_reversal"], constants["threshold"]
            group.v = quantity(table["initial"]) if "initial" in table else f"{rest} + ({threshold} - {rest})*rand()"
            network.add(group)
            neurons.append(group)
            if "background" in table:
                background = table["background"]
                network.add(b2.PoissonInput(group, f"g_{background['receptor']}", N=background["sources"],
                                            rate=in_units(background["rate"], "Hz") * b2.Hz,
                                            weight=eval(quantity(background["weight"]), vars(b2).copy())))
        for key, source, target in merged_synapses(file, projections, groups):
            source_group, target_group, receptor, weight, delay, rule = key
            rule = json.loads(rule)
            unit = "amp" if groups.tables[target_group]["model"] == "lif_current" else "siemens"
            if rule is not None:
                on_pre, on_post = plasticity(rule, quantity(weight), traces, receptor)
            elif setting["weights"] == "shared":
                on_pre, on_post = f"g_{receptor}_post += {quantity(weight)}", None
            else:
                on_pre, on_post = f"g_{receptor}_post += weight", None
            own = rule is not None or setting["weights"] == "per synapse"
            synapses = b2.Synapses(neurons[source_group], neurons[target_group], f"weight : {unit}" if own else "",
                                   on_pre=on_pre, on_post=on_post, delay=in_units(delay, "ms") * b2.ms)
            synapses.connect(i=source, j=target)
            if own:
                synapses.weight = quantity(weight)
            network.add(synapses)
    monitors = [b2.SpikeMonitor(group, record=order["record"]) for group in neurons]
    network.add(*monitors)
    # Brian2's own time is processor time for programs without OpenMP and wall time for those with: both are taken here.
    b2.device.insert_code("before_network_run", START_OF_RUN)
    b2.device.insert_code("after_network_run", END_OF_RUN)
    network.run(order["duration_s"] * b2.second, namespace={})
    b2.device.build(directory=str(folder), compile=True, run=False, clean=False, with_output=False)
    wanted = {"counts": "count"} | ({"times": "t", "neurons": "i"} if order["record"] else {})
    layout = {"place": groups.place}
    for name, variable in wanted.items():
        layout[name] = [b2.device.get_array_filename(m.variables[variable], basedir="results") for m in monitors]
    (folder / "layout.json").write_text(json.dumps(layout))


def run_cells(order):
    """Single cells under a frozen input, with the same equations: the potential at the end of every step of every
    population and setting that the order lists, in one array."""
    b2.prefs.codegen.target = "numpy"
    dt = order["dt_ms"] * b2.ms
    potentials = []
    for setting, population in order["runs"]:
        b2.prefs.core.default_float_dtype = {"float": np.float32, "double": np.float64}[setting["precision"]]
        b2.start_scope()
        b2.defaultclock.dt = dt
        equations, threshold, reset, _ = neuron_equations(population, {})
        cells = b2.NeuronGroup(order["cells"], equations, threshold=threshold, reset=reset, method=setting["method"],
                               refractory=in_units(population["refractory_period"], "ms") * b2.ms + dt)
        cells.v = quantity(population["initial"])
        network = b2.Network(cells)
        for receptor, train in order["inputs"].items():
            # An event acts after the state update of its step here, before it in rewire: it comes one step earlier.
            source = b2.SpikeGeneratorGroup(order["cells"], train["neurons"], (np.array(train["steps"]) - 1) * dt)
            synapses = b2.Synapses(source, cells, on_pre=f"g_{receptor}_post += {quantity(train['weight'])}")
            synapses.connect(j="i")
            network.add(source, synapses)
        monitor = b2.StateMonitor(cells, "v", record=True)
        network.add(monitor)
        network.run((order["steps"] + 1) * dt, namespace={})  # monitors look at the start of a step
        potentials.append(np.array(monitor.v / b2.mV, float)[:, 1:])
    np.save(order["output"], np.array(potentials))


if __name__ == "__main__":
    order = json.load(sys.stdin)
    {"network": build_network, "cells": run_cells}[order["what"]](order)
