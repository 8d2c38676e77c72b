"""Morris screen of the least certain constants, on the main experiment in the small circuit: those whose source is
memory ([M]) or of low confidence, or that are assumed. One of them is calibrated: nobody has measured `evoked_share`,
and S7, which set it, accepts a wide range. A dose and its control share their seed, and so do all points of a
trajectory."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from . import measures, morris
from .result import Result
from .runs import Simulation
from .sources import LEAN, NO_DOSE


@dataclass(frozen=True)
class Constant:
    """A constant and what is thinkable of it."""

    key: str      # in the config
    low: float
    high: float
    unit: str
    why: str      # source of the range
    log: bool = False  # spread over orders of magnitude

    def setting(self, share):
        """Its value as TOML at a share (0 to 1) of the range."""
        value = self.low * (self.high / self.low)**share if self.log else self.low + share * (self.high - self.low)
        text = f"{value:.6g}"
        return f'"{text} {self.unit}"' if self.unit else text


#: Coarser and cheaper than by default; what that adds to the noise is in what effects are by chance.
COARSE = LEAN | {"multirate.tolerance": "0.1", "multirate.synapse_change": "0.1"}

KETAMINE = "drug.ketamine.species.ketamine"
CONSTANTS = [
    Constant("glutamate.evoked_share", 0.3, 0.9, "", "not measured; calibrated to S7, which accepts much"),
    Constant("glutamate.mglur_half", 0.3, 5, "uM", "Schoepp 2001 [M], low confidence", log=True),
    Constant("glutamate.mglur_inhibition", 0.3, 0.7, "", "group II agonists on EPSCs [M], low confidence"),
    Constant("glutamate.nmda_half", 0.5, 2.9, "uM", "Traynelis 2010 [M]", log=True),
    Constant("glutamate.ambient", 0.01, 0.2, "uM", "Herman & Jahr 2007 [M]", log=True),
    Constant(f"{KETAMINE}.brain_plasma_unbound_ratio", 0.5, 1.1, "", "range of the references [M]; Moaddel 2023"),
    Constant(f"{KETAMINE}.block.untrapped_fraction", 0.05, 0.25, "", "Mealing 1999 [M]"),
    Constant(f"{KETAMINE}.block.voltage_e_fold", 30, 45, "mV", "MacDonald 1987 [M]"),
    Constant("population.pyramidal.receptor.nmda.miniature_rate", 0.003, 0.03, "Hz",
             "Murthy & Stevens 1999, Kavalali 2015 [M], low confidence", log=True),
    Constant("molecular.resting_drive.miniature_share", 0.4, 1, "", "Autry 2011 [M], low confidence"),
    Constant("molecular.eef2_tau", 5, 15, "min", "Autry 2011 [M]"),
    Constant("molecular.release_exponent", 2, 4, "", "[M]; needs L-type channels: Lepack 2014"),
    Constant("molecular.release_half", 0.5, 2, "", "[M], low confidence", log=True),
    Constant("molecular.released_tau", 2, 20, "min", "[M], low confidence", log=True),
    Constant("molecular.trkb_half", 1, 4, "", "K_D 0.2-2 nM [M]", log=True),
    Constant("molecular.protein_mtorc1_share", 0, 0.5, "", "assumed"),
    Constant("molecular.mtorc1_tau", 15, 60, "min", "Li 2010 [M]: peak at 15 to 90 min", log=True),
    Constant("molecular.mtorc1_ampa_exponent", 1, 4, "", "[M], low confidence"),
    Constant("molecular.ampa_tau", 20, 120, "min", "Nosyreva 2013 [M]", log=True),
    Constant("molecular.protein_tau", 1.5, 7, "d", "Li 2010 [M]", log=True),
]

OUTPUTS = {
    "glutamate": ("peak of glutamate (%)", measures.glutamate_peak),
    "bdnf": ("BDNF at 30 min (%)", lambda dosed, control: measures.at_30_min(dosed, control, "bdnf")),
    "spines": ("gain of spines at 24 h (%)", measures.spine_gain),
}


def point_settings(point):
    return {constant.key: constant.setting(share) for constant, share in zip(CONSTANTS, point, strict=True)}


def runs_of(name, settings):
    """The dose and its control at one point. Norketamine keeps its own constants of the block."""
    dosed = Simulation(f"{name}_ketamine", "ketamine_infusion.toml", COARSE | settings)
    return dosed, dataclasses.replace(dosed, name=f"{name}_control", settings=COARSE | settings | NO_DOSE)


def outputs_of(session, runs, seed):
    """Outputs at one point; NaN where a run failed."""
    if any((run.name, seed) in session.failed for run in runs):
        return [math.nan] * len(OUTPUTS)
    with Result(session.path(runs[0], seed)) as dosed, Result(session.path(runs[1], seed)) as control:
        return [float(function(dosed, control)) for _, function in OUTPUTS.values()]


def screen(session, trajectories, seed=1):
    """The screen. Returns what the report shows: per output and constant mu, mu* and sigma, and the size that an effect
    has by chance: the standard deviation of the difference of two seeds at the default constants, by the step.

    The session's circuit must be the small one (quick) or time must not matter.
    """
    random = np.random.default_rng(seed)
    points = [morris.trajectory(len(CONSTANTS), random) for _ in range(trajectories)]
    plan = [(runs_of(f"morris_{t}_{p}", point_settings(point)), seed + t)
            for t, walk in enumerate(points) for p, point in enumerate(walk)]
    chance = [(runs_of("morris_default", {}), seed + i) for i in range(max(3, trajectories))]
    session.make_all([(run, at) for runs, at in plan + chance for run in runs])
    found = np.array([outputs_of(session, runs, at) for runs, at in plan]).reshape(trajectories, -1, len(OUTPUTS))
    defaults = np.array([outputs_of(session, runs, at) for runs, at in chance])
    report = {"trajectories": trajectories, "failed_runs": len(session.failed),
              "constants": [dataclasses.asdict(c) for c in CONSTANTS], "outputs": {}}
    for k, (name, (title, _)) in enumerate(OUTPUTS.items()):
        of = morris.indices([morris.effects(walk, found[t, :, k]) for t, walk in enumerate(points)])
        report["outputs"][name] = {
            "title": title, "mean": of.mean.tolist(), "mean_size": of.mean_size.tolist(), "spread": of.spread.tolist(),
            "default": float(np.mean(defaults[:, k])),
            "chance": float(np.sqrt(2) * np.std(defaults[:, k], ddof=1) / morris.step())}
    return report
