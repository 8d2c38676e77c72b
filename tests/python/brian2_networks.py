"""The same neurons and networks for two simulators: config files for rewire, and Brian2 as the other opinion
(Stimberg, Brette & Goodman 2019, eLife 8:e47314), in double precision with fourth-order Runge-Kutta.

Equations and constants are written out here from the literature that rewire's headers name, not read from rewire.
Two conventions of Brian2 are evened out:
- an event acts after the state update of its step, a stimulus of rewire before it: inputs start one step earlier;
- the refractory period counts from the start of the step at whose end the spike is found, so that the membrane is
  held one step less than it: one step is added.
"""

import json
import logging
from dataclasses import dataclass, field

import brian2 as b2
import h5py
import numpy as np

logging.getLogger("brian2").setLevel(logging.ERROR)
DT_MS = 0.1

# --------------------------------------------------------------------------------------------- single neurons

CELLS = 8  # of each model; the last four also receive a current step
CELLS_MS = 200
STEP_FROM_MS = 50
FINE_MS = 0.025  # step of the reference


@dataclass
class Cell:
    """A neuron model: its population's config, its equations, and its frozen input."""

    config: str
    equations: str
    threshold: str
    reset: str
    initial_mV: float
    refractory_ms: float
    step_pA: float
    #: receptor -> (rate in Hz, weight in nS or pA, what an event does in Brian2)
    inputs: dict
    #: True if Brian2 looks for spikes on rewire's grid
    on_grid: bool = True


def peak_scale(rise_ms, decay_ms):
    """Factor that lets a difference of exponentials peak at 1, from the curve itself."""
    t = np.arange(0, 10 * decay_ms, 1e-3)
    return 1 / np.max(np.exp(-t / decay_ms) - np.exp(-t / rise_ms))


# Mg block: Jahr & Stevens 1990, 1 mM; GluN2C/2D five times less sensitive, as synapse/magnesium.hpp states. They carry
# 30 % of the current at -66 mV and therefore less than 30 % of the conductance before Mg block.
def unblocked(v_mV, mg_half_mM):
    return 1 / (1 + 1 / mg_half_mM * np.exp(-0.062 * v_mV))


PER_AB, PER_CD = 0.7 / unblocked(-66, 3.57), 0.3 / unblocked(-66, 5 * 3.57)
SHARE_AB, SHARE_CD = PER_AB / (PER_AB + PER_CD), PER_CD / (PER_AB + PER_CD)

CONDUCTANCES = f"""
    i_syn = g_ampa*(0*mV - v) + g_gaba*(-75*mV - v) + g_nmda*unblocked*(0*mV - v) : amp
    unblocked = {SHARE_AB}/(1 + 1/3.57*exp(-0.062*v/mV)) + {SHARE_CD}/(1 + 1/(5*3.57)*exp(-0.062*v/mV)) : 1
    g_nmda = {peak_scale(3, 80)}*(decaying - rising) : siemens
    dg_ampa/dt = -g_ampa/(2*ms) : siemens
    dg_gaba/dt = -g_gaba/(6*ms) : siemens
    ddecaying/dt = -decaying/(80*ms) : siemens
    drising/dt = -rising/(3*ms) : siemens
"""
RECEPTORS = """
receptor.ampa = { tau_decay = "2 ms" }
receptor.gaba_a = { tau_decay = "6 ms", reversal = "-75 mV" }
receptor.nmda.tau_rise = "3 ms"
receptor.nmda.tau_decay = "80 ms"
receptor.nmda.share_2a = 0.4
receptor.nmda.share_2b = 0.3
receptor.nmda.share_2c = 0.2
receptor.nmda.share_2d = 0.1
"""
AMPA = "g_ampa_post += weight*nS"
NMDA = "decaying_post += weight*nS; rising_post += weight*nS"
GABA_A = "g_gaba_post += weight*nS"

MODELS = {
    # Brette et al. 2007, benchmark 1
    "lif_conductance": Cell(
        config=RECEPTORS,
        equations="dv/dt = (10*nS*(-60*mV - v) + i_syn + i_step)/(200*pF) : volt (unless refractory)" + CONDUCTANCES,
        threshold="v > -50*mV", reset="v = -60*mV", initial_mV=-65, refractory_ms=5, step_pA=250,
        inputs={"ampa": (400, 1.2, AMPA), "nmda": (40, 0.85, NMDA), "gaba_a": (150, 1.5, GABA_A)}),
    # Potjans & Diesmann 2014; the slow current decays as the membrane does, where the exact propagator has a limit
    "lif_current": Cell(
        config='receptor.current = { tau_decay = "2 ms" }\nreceptor.slow = { kind = "current", tau_decay = "10 ms" }\n',
        equations="""
            dv/dt = (-65*mV - v)/(10*ms) + (i_fast + i_slow + i_step)/(250*pF) : volt (unless refractory)
            di_fast/dt = -i_fast/(2*ms) : amp
            di_slow/dt = -i_slow/(10*ms) : amp""",
        threshold="v > -50*mV", reset="v = -65*mV", initial_mV=-60, refractory_ms=2, step_pA=400,
        inputs={"current": (500, 200, "i_fast_post += weight*pA"), "slow": (100, -60, "i_slow_post += weight*pA")}),
    # Brette & Gerstner 2005. From -30 mV on the upstroke is held at 5 V/ms: it would reach infinity within a step.
    "adex": Cell(
        config=RECEPTORS,
        equations="""
            dv/dt = (30*nS*(-70.6*mV - v) + 60*pA*exp(clip((v + 50.4*mV)/(2*mV), -100, 10)) - w + i_syn + i_step)
                    /(281*pF) : volt (unless refractory)
            dw/dt = (4*nS*(v + 70.6*mV) - w)/(144*ms) : amp""" + CONDUCTANCES,
        threshold="v > 0*mV", reset="v = -70.6*mV; w += 80.5*pA", initial_mV=-65, refractory_ms=2, step_pA=1000,
        inputs={"ampa": (400, 4, AMPA), "nmda": (40, 2.9, NMDA), "gaba_a": (150, 3, GABA_A)}, on_grid=False),
}


def frozen_input(model, seed):
    """Poisson spike trains on the grid: receptor -> (times in steps, neurons), no two events at once."""
    rng = np.random.default_rng(seed)
    steps = round(CELLS_MS / DT_MS)
    trains = {}
    for receptor, (rate_Hz, _, _) in MODELS[model].inputs.items():
        fires = rng.random((steps, CELLS)) < rate_Hz * DT_MS * 1e-3
        fires[0] = False  # Brian2 needs one step to pass them on
        trains[receptor] = np.nonzero(fires)
    return trains


def spike_list(population, receptor, weight, times, targets):
    return f"""
[[stimulus]]
population = "{population}"
kind = "spikes"
receptor = "{receptor}"
weight = "{weight}"
times = {json.dumps([f"{t * DT_MS:.1f} ms" for t in times])}
targets = {json.dumps(np.asarray(targets).tolist())}
"""


def write_cells(folder, model, trains, dt_ms=DT_MS):
    """Config of CELLS unconnected neurons whose potential is recorded every DT_MS."""
    cell = MODELS[model]
    neurons = list(range(CELLS))
    text = f"""
[experiment]
duration = "{CELLS_MS} ms"
dt = "{dt_ms} ms"
[population.cells]
size = {CELLS}
model = "{model}"
initial = "{cell.initial_mV} mV"
{cell.config}
[[stimulus]]
population = "cells"
kind = "current_step"
amplitude = "{cell.step_pA} pA"
from = "{STEP_FROM_MS} ms"
neurons = [{CELLS // 2}, {CELLS}]
[record]
fast_every = "0 ms"
[[record.traces]]
population = "cells"
name = "v"
neurons = {neurons}
every = "{DT_MS} ms"
"""
    if model == "adex":
        text += f"""
[[record.traces]]
population = "cells"
name = "w"
variable = "adaptation"
neurons = {neurons}
every = "{DT_MS} ms"
"""
    unit = "pA" if model == "lif_current" else "nS"
    for receptor, (times, targets) in trains.items():
        text += spike_list("cells", receptor, f"{cell.inputs[receptor][1]} {unit}", times, targets)
    path = folder / f"{model}_{dt_ms}_ms.toml"
    path.write_text(text)
    return path


@dataclass
class Traces:
    """Potential and adaptation every DT_MS, and spike times, neuron by neuron."""

    v_mV: np.ndarray
    w_pA: np.ndarray | None
    spikes_ms: list


def read_cells(path):
    with h5py.File(path) as f:
        times, neurons = f["spikes/cells/timestamps"][:], f["spikes/cells/node_ids"][:]
        v_mV = f["trajectory/v/membrane_potential"][:].T.astype(float)
        w_pA = f["trajectory/w/adaptation"][:].T.astype(float) if "w" in f["trajectory"] else None
        return Traces(v_mV, w_pA, [times[neurons == i] for i in range(CELLS)])


def run_cells(model, trains):
    """The same in Brian2, with steps of FINE_MS and, where `on_grid`, a threshold that is seen every DT_MS only."""
    cell = MODELS[model]
    b2.prefs.codegen.target = "numpy"
    clock = b2.Clock(FINE_MS * b2.ms)
    per_step = round(DT_MS / FINE_MS)
    threshold = cell.threshold + (f" and timestep(t, dt) % {per_step} == {per_step - 1}" if cell.on_grid else "")
    group = b2.NeuronGroup(CELLS, cell.equations + "\ni_step : amp", threshold=threshold, reset=cell.reset,
                           method="rk4", clock=clock, refractory=(cell.refractory_ms + FINE_MS) * b2.ms)
    group.v = cell.initial_mV * b2.mV
    network = b2.Network(group)
    for receptor, (times, targets) in trains.items():
        _, weight, effect = cell.inputs[receptor]
        source = b2.SpikeGeneratorGroup(CELLS, targets, (times * DT_MS - FINE_MS) * b2.ms, clock=clock)
        synapses = b2.Synapses(source, group, on_pre=effect, clock=clock, namespace={"weight": weight})
        synapses.connect(j="i")
        network.add(source, synapses)
    recorded = ["v", "w"] if model == "adex" else ["v"]
    monitor = b2.StateMonitor(group, recorded, record=True, dt=DT_MS * b2.ms)
    spikes = b2.SpikeMonitor(group)
    network.add(monitor, spikes)
    network.run(STEP_FROM_MS * b2.ms)
    group.i_step = np.where(np.arange(CELLS) >= CELLS // 2, cell.step_pA, 0) * b2.pA
    # Monitors look at the start of a step: one more for the last value.
    network.run((CELLS_MS - STEP_FROM_MS + DT_MS) * b2.ms)
    v_mV = np.array(monitor.v / b2.mV)[:, 1:]
    w_pA = np.array(monitor.w / b2.pA)[:, 1:] if model == "adex" else None
    times = np.array(spikes.t / b2.ms) + FINE_MS  # found at the end of the step
    return Traces(v_mV, w_pA, [times[(np.array(spikes.i) == i) & (times <= CELLS_MS)] for i in range(CELLS)])


# ---------------------------------------------------------------------------------- the Vogels-Abbott network

POPULATIONS = {"excitatory": (0, 3200), "inhibitory": (3200, 4000)}  # [first, end)
SIZE = 4000


@dataclass
class Network:
    """Connectivity for both simulators: every ordered pair with probability 2 % (Vogels & Abbott 2005)."""

    source: np.ndarray
    target: np.ndarray
    weight_nS: np.ndarray
    delay_steps: np.ndarray
    initial_mV: str = ""  # without it, uniform between rest and threshold
    #: frozen excitatory events (times in steps, neurons)
    kicks: tuple = field(default_factory=lambda: (np.array([], int), np.array([], int)))


def random_pairs(rng):
    connected = rng.random((SIZE, SIZE)) < 0.02
    np.fill_diagonal(connected, False)
    return np.nonzero(connected)


def benchmark_network(rng, delay_ms):
    """6 and 67 nS and one delay, as in Brette et al. 2007."""
    source, target = random_pairs(rng)
    weight = np.where(source < POPULATIONS["inhibitory"][0], 6.0, 67.0)
    return Network(source, target, weight, np.full(len(source), round(delay_ms / DT_MS)))


def heterogeneous_network(rng):
    """Weights within 50 % and delays of 0.1 to 2 ms; neurons start alike and are sent apart by frozen events."""
    network = benchmark_network(rng, DT_MS)
    network.weight_nS = network.weight_nS * rng.uniform(0.5, 1.5, len(network.source))
    network.delay_steps = rng.integers(1, 21, len(network.source))
    network.initial_mV = "-60 mV"
    events = np.unique(np.column_stack([rng.integers(1, 150, 3 * SIZE), rng.integers(0, SIZE, 3 * SIZE)]), axis=0)
    network.kicks = (events[:, 0], events[:, 1])
    return network


def write_network(folder, network, duration_ms):
    """Config with one pairwise file a projection."""
    text = f'[experiment]\nduration = "{duration_ms} ms"\n[record]\nfast_every = "0 ms"\n'
    for name, (first, end) in POPULATIONS.items():
        text += f"""
[population.{name}]
size = {end - first}
model = "lif_conductance"
current = "200 pA"
receptor.ampa = {{ tau_decay = "5 ms" }}
receptor.gaba_a = {{ tau_decay = "10 ms", reversal = "-80 mV" }}
"""
        if network.initial_mV:
            text += f'initial = "{network.initial_mV}"\n'
    for name, (first, end) in POPULATIONS.items():
        for other, (other_first, other_end) in POPULATIONS.items():
            among = ((network.source >= first) & (network.source < end) &
                     (network.target >= other_first) & (network.target < other_end))
            pairs = f"{name}_to_{other}.h5"
            with h5py.File(folder / pairs, "w") as f:
                f["source"] = (network.source[among] - first).astype(np.uint32)
                f["target"] = (network.target[among] - other_first).astype(np.uint32)
                f["weight"] = network.weight_nS[among]
                f["delay_ms"] = network.delay_steps[among] * DT_MS
            text += f"""
[projection.{name}_to_{other}]
from = "{name}"
to = "{other}"
rule = {{ pairwise = "{pairs}" }}
receptors = ["{'ampa' if name == 'excitatory' else 'gaba_a'}"]
"""
    times, targets = network.kicks
    for name, (first, end) in POPULATIONS.items():
        among = (targets >= first) & (targets < end)
        if among.any():
            text += spike_list(name, "ampa", "6 nS", times[among], targets[among] - first)
    path = folder / "network.toml"
    path.write_text(text)
    return path


def read_network(path):
    """Spikes of a result: (steps at whose end they were found, neurons)."""
    steps, neurons = [], []
    with h5py.File(path) as f:
        for name, (first, _) in POPULATIONS.items():
            steps.append(np.round(f[f"spikes/{name}/timestamps"][:] / DT_MS).astype(int))
            neurons.append(f[f"spikes/{name}/node_ids"][:].astype(int) + first)
    return np.concatenate(steps), np.concatenate(neurons)


def run_network(network, duration_ms, standalone=None, seed=1):
    """The same in Brian2: compiled as a program in the folder `standalone`, or interpreted if it is None."""
    if standalone is None:
        b2.prefs.codegen.target = "numpy"
    else:
        b2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j2"]
        b2.set_device("cpp_standalone", directory=str(standalone), build_on_run=False)
    b2.seed(seed)
    clock = b2.Clock(DT_MS * b2.ms)
    group = b2.NeuronGroup(
        SIZE, """dv/dt = (10*nS*(-60*mV - v) + g_e*(0*mV - v) + g_i*(-80*mV - v) + 200*pA)/(200*pF)
                         : volt (unless refractory)
                 dg_e/dt = -g_e/(5*ms) : siemens
                 dg_i/dt = -g_i/(10*ms) : siemens""",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=(5 + DT_MS) * b2.ms, method="rk4", clock=clock)
    group.v = "-60*mV" if network.initial_mV else "(-60 + 10*rand())*mV"
    excitatory = network.source < POPULATIONS["inhibitory"][0]
    both = b2.Network(group)
    for variable, among in (("g_e", excitatory), ("g_i", ~excitatory)):
        synapses = b2.Synapses(group, group, "weight : siemens", on_pre=f"{variable}_post += weight", clock=clock)
        synapses.connect(i=network.source[among], j=network.target[among])
        synapses.weight = network.weight_nS[among] * b2.nS
        synapses.delay = network.delay_steps[among] * DT_MS * b2.ms
        both.add(synapses)
    times, targets = network.kicks
    if len(times) > 0:
        kicks = b2.SpikeGeneratorGroup(SIZE, targets, (times - 1) * DT_MS * b2.ms, clock=clock)
        synapses = b2.Synapses(kicks, group, on_pre="g_e_post += 6*nS", clock=clock)
        synapses.connect(j="i")
        both.add(kicks, synapses)
    spikes = b2.SpikeMonitor(group)
    both.add(spikes)
    both.run(duration_ms * b2.ms)
    if standalone is not None:
        b2.device.build(directory=str(standalone), compile=True, run=True, with_output=False)
    result = np.round(np.array(spikes.t / b2.ms) / DT_MS).astype(int) + 1, np.array(spikes.i)
    if standalone is not None:
        b2.device.reinit()
        b2.set_device("runtime")
    return result


@dataclass
class Activity:
    """Spike statistics after `from_ms`."""

    counts: np.ndarray  # spikes of each neuron
    rates_Hz: dict      # of each population
    cv_isi: float       # mean over neurons with 20 intervals or more
    intervals_ms: np.ndarray


def activity(spikes, from_ms, to_ms):
    steps, neurons = (x[spikes[0] > from_ms / DT_MS] for x in spikes)
    order = np.lexsort((steps, neurons))
    steps, neurons = steps[order], neurons[order]
    same = neurons[1:] == neurons[:-1]
    intervals, of = np.diff(steps)[same] * DT_MS, neurons[1:][same]
    counts = np.bincount(neurons, minlength=SIZE)
    cv = [np.std(x) / np.mean(x) for x in np.split(intervals, np.nonzero(np.diff(of))[0] + 1) if len(x) >= 20]
    rates = {name: counts[first:end].mean() / (to_ms - from_ms) * 1e3 for name, (first, end) in POPULATIONS.items()}
    return Activity(counts, rates, np.mean(cv), intervals)
