"""Courses of a run, averaged by the hour, and how far those of two modes lie apart."""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

QUANTITIES = ("drug_plasma", "nmda_block_synaptic", "nmda_block_extrasynaptic", "glutamate_extracellular",
              "eef2_phosphorylation", "bdnf", "bdnf_released", "trkb", "mtorc1", "synaptic_protein", "ampa_gain",
              "spine_density", "synapses", "mean_rate")
LIMIT = 0.02  # relative, or the spread over seeds where that is larger
INFORMATIVE = ("mean_rate",)  # of a few minutes, with the sampling noise of the bursts in them: shown, not judged


def hourly(path, bins):
    """Means of every quantity in `bins` equal parts of the run: {"quantity.entry": [bins]}.

    A sample stands for the time up to it (rates and glutamate are means since the last one), so bins are open at their
    start. Counts of synapses are relative to the start. Entries that do not apply, that are 0 throughout, and counts
    that stand still are left out.
    """
    courses = {}
    with h5py.File(path) as file:
        group = file["/trajectory/slow"]
        time = group["time"][:]
        place = np.ceil(time / (float(file.attrs["duration_s"]) / bins) - 1e-9).astype(int) - 1
        for quantity in QUANTITIES:
            if quantity not in group:
                continue
            values = group[quantity][:]
            names = group[group[quantity].dims[1][0].name].asstr()[()]
            for column, name in enumerate(names):
                course = [float(np.mean(values[place == k, column])) for k in range(bins)]
                if quantity == "synapses":
                    if np.all(values[:, column] == values[0, column]):
                        continue
                    course = [count / float(values[0, column]) for count in course]
                if np.all(np.isfinite(course)) and np.any(course):
                    courses[f"{quantity}.{name}"] = course
    return courses


@dataclass
class Difference:
    """The hour at which a quantity of two modes lies furthest apart, in units of what is allowed there."""

    quantity: str
    hour: int
    relative: float  # of the means over seeds
    spread: float  # standard deviation over the seeds of the reference, relative
    share: float  # of the allowed difference

    @property
    def judged(self):
        return not self.quantity.startswith(INFORMATIVE)

    @property
    def equivalent(self):
        return not self.judged or self.share <= 1


def differences(reference, other):
    """Compares two lists of courses of the same seeds: means over seeds, hour by hour.

    Allowed is LIMIT of the reference or its standard deviation over seeds, whichever is larger; for shares of blocked
    receptors and drugs, which pass through 0, LIMIT is that of their peak. So it is for mTORC1, a steep
    function of TrkB on the way to 0: where it is a tenth of its healthy level, one per cent of TrkB is four of it.
    """
    found = []
    for quantity in reference[0]:
        full = np.array([courses[quantity] for courses in reference])
        leaping = np.array([courses[quantity] for courses in other])
        mean = full.mean(axis=0)
        scale = np.abs(mean)
        if quantity.startswith(("drug", "nmda_block", "mtorc1")):
            scale = np.full_like(scale, scale.max())
        spread = full.std(axis=0, ddof=1) / scale if len(full) > 1 else np.zeros_like(scale)
        relative = (leaping.mean(axis=0) - mean) / scale
        share = np.abs(relative) / np.maximum(LIMIT, spread)
        worst = int(np.argmax(share))
        found.append(Difference(quantity, worst, float(relative[worst]), float(spread[worst]), float(share[worst])))
    return found


def load_reference(path):
    """A committed reference: its courses by seed, and where it comes from."""
    stored = json.loads(Path(path).read_text())
    return stored["courses"], stored["provenance"]


def save_reference(path, courses, provenance):
    """Writes courses by seed with five digits: rounding is far below what is compared."""
    rounded = [{name: [float(f"{v:.5g}") for v in course] for name, course in seed.items()} for seed in courses]
    lines = ",\n".join(json.dumps(seed) for seed in rounded)
    Path(path).write_text(f'{{"provenance": {json.dumps(provenance)},\n"courses": [\n{lines}\n]}}\n')
