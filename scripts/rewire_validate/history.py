"""Constants that were changed after results of predictions had been seen. They were set by something else, but whoever
chose the new values knew what the predictions had come to with the old: the report says where."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    what: str      # constants, and where they are
    set_by: str    # what the new values were chosen by
    moved: tuple   # ids or labels of targets that had been seen with the old values and that the change can move


ANTAGONISED = ("S12 nbqx", "S12 nifedipine", "S12 anti_bdnf", "S12 trkb_block", "S12 rapamycin")
BIRTHS = ("R8 3 d", "R8 2-4 wk", "R8 share")

#: By the letter that marks them in the report.
CHANGES = {
    "a": Change("the prefrontal circuit (configs/base/prefrontal.toml): weights, NMDA parts, background, tonic NMDA of "
                "SST and PV cells, decay of GABA_A, connection probabilities from pyramidal cells to each other and to "
                "PV cells",
                "its baseline without a drug: rates, CV of ISI, share of local excitation; known to have failed: S8 "
                "interneurons (-12 %), S9 gamma (no rhythm to strengthen)",
                ("S6", "S7 peak", "S7 onset", "S7 return", "S8", "S9", "S10", "S11", *ANTAGONISED, "S13", "S14",
                 "S15 spines", "S15 AMPA", "S16", "S17", "S18")),
    "b": Change("how mTORC1 adapts to less TrkB (trkb_recovery_tau, trkb_recovery_floor), how much of protein "
                "synthesis needs it (protein_mtorc1_share), the load of stress (load_tau)",
                "trkb_recovery_tau on S12, four hours of an antagonist; the others are assumed; known to have failed: "
                "these pulses (a rebound), and recovery a week after stress (173 % of the loss)",
                (*ANTAGONISED, "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20 loss", "S20 recovery", *BIRTHS)),
    "c": Change("half_deficit of the surrogate score: 0.05, then 0.02, then 0.12", "S19 drug, day 1",
                ("S15 score", "S18 score", "S19")),
    "d": Change("the cohort (configs/cohort.toml): weeks of stress before treatment (three, not one), what a dose does "
                "to the median patient, spread of that and of expectation",
                "S19 cohort, day 1; expectation on responders to placebo (Murrough 2013)",
                ("S19 cohort, day 7", "S19 cohort, day 12", "S19 cohort, six doses")),
    "e": Change("the dentate circuit (configs/base/dentate.toml): weights, background, in-degrees, mtorc1_ampa_half",
                "its rest: without births, deaths and drugs nothing drifts", BIRTHS),
}


def changed_after(target):
    """Letters of the changes that moved a target whose result had been seen."""
    return [letter for letter, change in CHANGES.items() if {target.id, target.label} & set(change.moved)]


def as_dicts():
    return [{"letter": letter, "what": change.what, "set_by": change.set_by, "moved": list(change.moved)}
            for letter, change in CHANGES.items()]
