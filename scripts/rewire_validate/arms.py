"""The two arms by which ketamine may act, each alone and both: disinhibition through NMDA receptors of interneurons,
and direct block of resting NMDA receptors on pyramidal cells. An arm is the main run with the other off."""

from dataclasses import dataclass

from . import measures as m
from .result import Result
from .sources import BY_NAME
from .verdict import mean, spread


@dataclass(frozen=True)
class Arm:
    """A row of the report: a dose and its control, both with the same switches."""

    title: str
    dosed: str    # runs, by name
    control: str


ARMS = [
    Arm("both arms", "ketamine", "control"),
    Arm("disinhibition alone", "disinhibition_alone", "control"),
    Arm("direct block alone", "direct_alone", "control"),
    Arm("both, without preference for 2C and 2D", "no_preference", "control"),
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
    return BY_NAME[arm.dosed], BY_NAME[arm.control]


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
        found.append({"title": arm.title, "measures": {
            name: {"title": title, "mean": mean(values[name]), "spread": spread(values[name])}
            for name, (title, _) in MEASURES.items()}})
    return found
