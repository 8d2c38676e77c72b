"""The two arms by which ketamine may act, each alone and both: disinhibition through NMDA receptors of interneurons,
and direct block of resting NMDA receptors on pyramidal cells. An arm is the main run with the other off."""

import math
import statistics
from dataclasses import dataclass

from . import measures as m
from .result import Result
from .runs import Simulation
from .sources import BY_NAME, LEAN, NO_DOSE


@dataclass(frozen=True)
class Arm:
    name: str
    title: str
    settings: dict  # what switches the rest off; empty: the runs `ketamine` and `control`


ARMS = [
    Arm("both", "both arms", {}),
    # eEF2 phosphorylation is held at its healthy level, whatever resting NMDA receptors do.
    Arm("disinhibition", "disinhibition alone", {"molecular.eef2_floor": "0.999"}),
]

MEASURES = {
    "sst": ("SST rate, 20-60 min (%)", lambda d, c: m.acute(d, c, "sst")),
    "pyramidal": ("pyramidal rate, 20-60 min (%)", lambda d, c: m.acute(d, c, "pyramidal")),
    "glutamate": ("glutamate, peak (%)", m.glutamate_peak),
    "eef2": ("eEF2 phosphorylation, 40 min (%)",
             lambda d, c: float(m.change(d, c, "eef2_phosphorylation", 40 * m.MINUTE))),
    "bdnf": ("BDNF, 90 min (%)", lambda d, c: float(m.change(d, c, "bdnf", 90 * m.MINUTE))),
    "spines": ("spines, 24 h (%)", m.spine_gain),
}


def runs_of(arm):
    if not arm.settings:
        return BY_NAME["ketamine"], BY_NAME["control"]
    settings = LEAN | arm.settings
    return (Simulation(f"arm_{arm.name}", "ketamine_infusion.toml", settings),
            Simulation(f"arm_{arm.name}_control", "ketamine_infusion.toml", settings | NO_DOSE))


def all_runs():
    return [run for arm in ARMS for run in runs_of(arm)]


def assess(session, seeds):
    """Per arm and measure the mean and spread over seeds."""
    found = []
    for arm in ARMS:
        values = {name: [] for name in MEASURES}
        for seed in seeds:
            runs = runs_of(arm)
            if any((run.name, seed) in session.failed for run in runs):
                continue
            with Result(session.path(runs[0], seed)) as dosed, Result(session.path(runs[1], seed)) as control:
                for name, (_, function) in MEASURES.items():
                    values[name].append(float(function(dosed, control)))
        found.append({"name": arm.name, "title": arm.title, "settings": arm.settings, "measures": {
            name: {"title": title, "mean": statistics.fmean(values[name]) if values[name] else math.nan,
                   "spread": statistics.stdev(values[name]) if len(values[name]) > 1 else 0.0}
            for name, (title, _) in MEASURES.items()}})
    return found
