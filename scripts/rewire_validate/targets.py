"""The targets: what a run must show. Each is a row: where the figure comes from, what is accepted, on which runs it is
measured and how, and why it may fail.

Roles: `calibrated`, a constant was set by it; `prediction`, never tuned to; `check`, of a unit or of the numerics."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import measures as m
from .sources import ANTAGONISTS, PULSES

INF = math.inf
CALIBRATED, PREDICTION, CHECK = "calibrated", "prediction", "check"


@dataclass(frozen=True)
class Target:
    """One row of the report."""

    id: str              # S1 to S22 of the model's contract; R8: section 8 of its references
    part: str            # which of its quantities, if it has several
    role: str
    what: str            # measured quantity
    unit: str            # "1" for a plain number
    source: str
    low: float
    high: float
    uses: tuple          # runs, in the order in which `measure` takes them
    measure: Callable    # results -> number
    may_fail: str        # why, in one line
    quick: bool = True   # measured with --quick
    interval: Callable | None = None  # results -> (low, high), 95 %, of what has an interval of its own

    @property
    def label(self):
        return f"{self.id} {self.part}".strip()


DOSE = ("ketamine", "control")
RAT = ("rat", "rodent_control")
INFUSION = ("one_infusion", "untreated")  # under stress
NUMERICS = "an error of the program: nothing biological is in it"
RESIDUAL = "venous ketamine and norketamine still block receptors for hours after the infusion"


def blocks(magnesium):
    return tuple(f"block_{magnesium}mM_{c}uM" for c in (0.3, 1, 3))


def estimated(estimate):
    """How a Target is measured by a function that gives (estimate, low, high)."""
    return {"measure": lambda *results: estimate(*results)[0], "interval": lambda *results: estimate(*results)[1:]}


TARGETS = [
    Target("S1", "", CHECK, "Mg block B(V) at seven potentials, 1 mM Mg, worst deviation", "%", "Jahr & Stevens 1990",
           -1, 1, ("magnesium",), m.magnesium_deviation, NUMERICS),
    Target("S2", "without Mg", CHECK, "steady block by 0.3, 1, 3 uM of four subunits without Mg, worst deviation",
           "%", "Kotermanski & Johnson 2009 [M]", -2, 2, blocks(0), partial(m.block_deviation, 0),
           "voltage that leaves the clamp, or channels that have not reached their steady state"),
    Target("S2", "in 1 mM Mg", CHECK, "the same in 1 mM Mg", "%", "Kotermanski & Johnson 2009 [M]", -2, 2, blocks(1),
           partial(m.block_deviation, 1),
           "voltage that leaves the clamp, or channels that have not reached their steady state"),
    Target("S2", "2A at -40 mV", CHECK, "IC50 of 2A at -40 mV in 1 mM Mg", "uM",
           "Mg competition and an e-fold in 37 mV [D]", 2.65, 2.75, (blocks(1)[1],), m.depolarised_ic50_uM,
           "voltage that leaves the clamp"),
    Target("S3", "", PREDICTION, "recovery from block with agonist over that without", "1",
           "MacDonald 1991, Orser 1997", 0, 0.3, ("recovery",), m.recovery_ratio,
           "trapped channels exchange through the membrane at r_leak, of low confidence"),
    Target("S4", "ketamine", CHECK, "plasma ketamine at six times, 35 mg over 40 min, worst deviation", "%",
           "Otto 2021, Fanta 2015 [D]", -2, 2, ("ketamine",), m.plasma_deviation, NUMERICS),
    Target("S4", "norketamine", CHECK, "peak of plasma norketamine", "ng/mL", "Otto 2021, Fanta 2015 [D]", 73.5, 76.5,
           ("ketamine",), m.norketamine_peak, NUMERICS),
    Target("S4", "its time", CHECK, "time of that peak", "min", "Otto 2021, Fanta 2015 [D]", 87.2, 90.8,
           ("ketamine",), m.norketamine_peak_minute, NUMERICS),
    Target("S5", "", CHECK, "plasma ketamine at the end of 0.5 mg/kg over 40 min", "ng/mL",
           "Zanos 2018 (Zarate 2006) [V]", 120, 290, ("ketamine",), m.plasma_at_end,
           "venous and arterial models differ by half at the end of an infusion"),
    Target("S6", "occupancy", CALIBRATED, "NMDA occupancy at that point, mean over all neurons", "%",
           "Shaffer 2014 [V] through kappa", 15, 45, ("ketamine",), m.occupancy,
           "receptors of silent cells take the drug up late"),
    Target("S6", "selectivity", PREDICTION, "block of SST cells (2C/2D) over pyramidal cells", "1",
           "Kotermanski & Johnson 2009, Khlestova 2016 [M]", 1.4, INF, ("ketamine",), m.selectivity,
           "the share of 2C/2D in interneurons is from memory, and 2A/2B gain where Mg leaves"),
    Target("S7", "peak", CALIBRATED, "peak of extracellular glutamate", "%", "Moghaddam 1997 [M]", 15, 100, DOSE,
           m.glutamate_peak, "ambient glutamate is mostly not from spikes, so that rates move it little"),
    Target("S7", "onset", CALIBRATED, "its onset: a quarter of the peak", "min", "Moghaddam 1997 [M]", 0, 40, DOSE,
           m.glutamate_onset, "it follows the pyramidal rate, which follows the drug"),
    Target("S7", "return", CALIBRATED, "excess left at 2.5 to 3 h, of the peak", "%",
           "Moghaddam 1997 [M]; a fifth counts as back", -20, 20, DOSE, m.glutamate_left,
           RESIDUAL + ", and AMPA gain holds pyramidal cells up"),
    # The source's animal: of a target that fails in man, it tells the kinetics of the drug from the rest.
    Target("S7", "rat, peak", PREDICTION, "peak of extracellular glutamate, rat, 10 mg/kg", "%", "Moghaddam 1997 [M]",
           15, 100, RAT, m.glutamate_peak, "exposure of the rat is scaled from the mouse, of low confidence"),
    Target("S7", "rat, return", PREDICTION, "excess left at 2.5 to 3 h, of the peak, rat, 10 mg/kg", "%",
           "Moghaddam 1997 [M]; a fifth counts as back", -20, 20, RAT, m.glutamate_left,
           "AMPA gain, which proteins hold for hours, keeps pyramidal cells up when the drug has gone"),
    Target("S8", "interneurons", PREDICTION, "rate of SST or PV cells at 20 to 60 min, whichever falls more", "%",
           "Homayoun & Moghaddam 2007, Ali 2020 [V: sign]", -70, -15, DOSE, m.interneuron_change,
           "AMPA gain and pyramidal cells drive them back up within the hour: by disinhibition alone they fall by "
           "more"),
    Target("S8", "pyramidal", PREDICTION, "rate of pyramidal cells at 20 to 60 min", "%",
           "Homayoun & Moghaddam 2007 [V: sign]", 10, 200, DOSE, partial(m.acute, entity="pyramidal"),
           "interneurons that fall too little, or E->E NMDA that is lost"),
    Target("S8", "order", PREDICTION, "time to half of the change: pyramidal cells after SST cells by", "min",
           "Homayoun & Moghaddam 2007 [V]", 0, INF, DOSE, m.half_change_lead,
           "both follow the concentration within a minute; what separates them is the build-up of AMPA gain"),
    Target("S9", "gamma", PREDICTION, "gamma power (30-80 Hz) of the LFP proxy, drug held", "%",
           "Nottage 2022 [V], Shaw 2015 [M]", 5, 100, ("held", "held_control"), m.gamma_change,
           "the rhythm is that of the PV loop, and dies if PV cells fall far; Poisson background has none"),
    Target("S9", "response", PREDICTION, "spikes that a volley adds in pyramidal cells, drug held", "%",
           "disinhibition: sign only", 0, INF, ("held", "held_control"), m.response_change,
           "pyramidal cells lose NMDA of their own, and a volley meets feed-forward inhibition"),
    Target("S10", "eEF2", CALIBRATED, "eEF2 phosphorylation at 30 min, mouse, 4 mg/kg", "%",
           "Autry 2011 [V: sign; M: size]", -70, -20, ("mouse_low", "rodent_control"),
           partial(m.at_30_min, name="eef2_phosphorylation"),
           "exposure of the mouse is of low confidence: a few minutes of block are averaged over 10 min"),
    Target("S10", "BDNF", CALIBRATED, "BDNF at 30 min, mouse, 4 mg/kg", "%", "Autry 2011 [V: sign; M: size]", 15, 100,
           ("mouse_low", "rodent_control"), partial(m.at_30_min, name="bdnf"),
           "exposure of the mouse is of low confidence, and BDNF turns over in an hour"),
    Target("S11", "eEF2", PREDICTION, "eEF2 phosphorylation at 8 or 24 h", "%", "Gideons 2014 [V]", -20, 20,
           ("mouse_low", "rodent_control"), partial(m.late_deviation, name="eef2_phosphorylation"),
           "drug or glutamate that stays"),
    Target("S11", "BDNF", PREDICTION, "BDNF at 8 or 24 h", "%", "Autry 2011, Gideons 2014 [V]", -20, 20,
           ("mouse_low", "rodent_control"), partial(m.late_deviation, name="bdnf"), "drug or activity that stays"),
    # More than 120 %: a dose that costs spines under the antagonist, which is no block of its gain.
    *(Target("S12", name, PREDICTION, f"gain of spines lost with {what} blocked", "%", source, 80, 120,
             (*DOSE, f"ketamine_{name}", f"control_{name}"), m.lost_gain, f"a way around {what}",
             quick=name in ("nbqx", "rapamycin"))
      for (name, what), source in zip(ANTAGONISTS.items(), [
          "Li 2010, Koike 2011", "Lepack 2014 [V]", "Lepack 2014 [V]", "Autry 2011 [V]", "Li 2010 [V]"])),
    *(Target("S12", f"{name}, 4 h", CALIBRATED, f"gain of spines lost in the mouse, {name} for four hours", "%",
             "Autry 2011, Lepack 2014 [V]", 80, 120,
             ("mouse", "rodent_control", f"mouse_{name}", f"mouse_{name}_alone"), m.lost_gain,
             "a dose that outlasts the antagonist", quick=False) for name in PULSES),
    *(Target("S12", f"{name}, alone", CALIBRATED, f"the day after {name} for four hours, of the gain by ketamine", "%",
             "Autry 2011, Li 2010: controls with an antagonist are no different in behaviour [M]", -20, 20,
             ("mouse", "rodent_control", f"mouse_{name}_alone"), m.share_of_gain,
             "a rebound of mTORC1 when the antagonist is gone", quick=False) for name in PULSES),
    Target("S13", "", CALIBRATED, "spine density after three weeks of stress", "%", "Li 2011 [V: sign; M: size]", -40,
           -15, ("stress", "healthy"), m.stress_loss, "elimination that homeostasis or formation makes up for",
           quick=False),
    Target("S14", "", CALIBRATED, "share of the lost spines back 24 h after a dose", "%",
           "Li 2011 [V], Moda-Sava 2019 [M]", 30, 120, ("stress_rescue", "stress", "healthy"), m.restored,
           "stress lowers BDNF and with it what a dose can do", quick=False),
    Target("S15", "spines", PREDICTION, "gain of spines at 6 h, of that at 24 h", "%", "Moda-Sava 2019 [V]", -INF, 25,
           DOSE, m.early_share,
           "proteins are up within 4 h and act on formation at once; no delay of growth is modelled"),
    Target("S15", "AMPA", PREDICTION, "AMPA gain at 3 h, of its greatest within 24 h", "%", "Moda-Sava 2019 [V]", 50,
           INF, DOSE, m.ampa_share, "synaptic proteins that carry more of the gain than eEF2 does"),
    Target("S15", "score", PREDICTION, "effect on the surrogate score at 3 h, of its greatest within 24 h", "%",
           "Moda-Sava 2019 [V]", 50, INF, INFUSION, m.early_score,
           "AMPA gain carries little of the score beside spines, which come later", quick=False),
    Target("S16", "raised", PREDICTION, "gain of spines on days 1, 3, 7: the least", "%", "Phoumthipphavong 2016 [V]",
           1, INF, ("month", "month_control"), m.least_gain, "proteins that are gone within days", quick=False),
    Target("S16", "return", PREDICTION, "gain of spines from day 21 to 34: the furthest from 0", "%",
           "Phoumthipphavong 2016 [V]", -5, 5, ("month", "month_control"), m.late_gain,
           "stable spines live for weeks, and homeostasis takes its time", quick=False),
    Target("S16", "hazard", PREDICTION, "hazard of the spines that stood before the dose, the day after", "%",
           "Phoumthipphavong 2016 [V]; 5 %: three standard errors of the count", -5, 5, ("month", "month_control"),
           m.hazard_change, "sampling, or a side effect of crowding", quick=False),
    Target("S17", "rat", PREDICTION, "spine density at 24 h, naive rat, 10 mg/kg", "%", "Li 2010 [V: sign; M: size]",
           10, 50, RAT, m.spine_gain, "it takes formation at four times the healthy rate"),
    Target("S17", "mouse", PREDICTION, "spine density at 24 h, naive mouse, 10 mg/kg", "%",
           "Phoumthipphavong 2016 [V: sign; M: size]", 4, 20, ("mouse", "rodent_control"), m.spine_gain,
           "exposure of the mouse is of low confidence"),
    Target("S18", "spines", PREDICTION, "spines after a day of an SSRI, of ketamine's gain", "%",
           "section 9 of the references [D]", -20, 20, ("ssri", *INFUSION), m.ssri_spines,
           "TrkB modulation acts at once where it is strong", quick=False),
    Target("S18", "score", PREDICTION, "surrogate score after a day of an SSRI, of ketamine's effect", "%",
           "section 9 of the references [D]", -20, 20, ("ssri", *INFUSION), m.ssri_score,
           "TrkB modulation acts at once where it is strong", quick=False),
    Target("S18", "BDNF", PREDICTION, "BDNF after four weeks of an SSRI", "%", "Brunoni 2008 [V], Nibuya 1995 [M]",
           10, 40, ("ssri", "untreated"), m.bdnf_four_weeks,
           "under stress there is little TrkB to modulate; the SSRI's size is [M]", quick=False),
    Target("S19", "drug, day 1", CALIBRATED, "surrogate score of one subject a day after an infusion, over the control",
           "%", "Murrough 2013: 5-11 of some 32 points over midazolam [M]", -34, -16, INFUSION,
           lambda dosed, control: float(m.drug_effect(dosed, control, m.DAY)),
           "the loss of spines by stress or their gain by a dose has changed since the score was set on this",
           quick=False),
    *(Target("S19", f"arm, {when}", CALIBRATED if when == "day 1" else PREDICTION,
             f"surrogate score with expectation, {when} after an infusion", "%",
             "section 10.1 of the references [D]", low, high, ("one_infusion",),
             partial(m.arm_change_at, after_s=after_s), why, quick=False)
      for when, after_s, low, high, why in [
          ("40 min", 40 * m.MINUTE, -35, -20, "the circuit acts through AMPA gain and spines, which take hours"),
          ("2 h", 2 * m.HOUR, -50, -35, "the circuit acts through AMPA gain and spines, which take hours"),
          ("day 1", m.DAY, -60, -45, "drug effect and expectation were set on this"),
          ("day 3", 3 * m.DAY, -55, -40, "spines may rise for longer than symptoms fall"),
          ("day 7", 7 * m.DAY, -45, -25, "spines and expectation outlast or miss the course of the trials"),
          ("day 14", 14 * m.DAY, -30, -10, "expectation fades slowly; its time course is [M]")]),
    Target("S19", "day 7", PREDICTION, "effect on the surrogate score on day 7, of that on day 1", "%",
           "Kishimoto 2016 [V]: g 0.2-0.7 after 1.0; of one subject, whose spread is not that of a trial", 20,
           70, INFUSION, partial(m.share_of_day_1, after_s=7 * m.DAY), "spines outlast the benefit", quick=False),
    Target("S19", "day 12", PREDICTION, "the same on day 12", "%", "Kishimoto 2016 [V]: g under 0.3", -INF, 30,
           INFUSION, partial(m.share_of_day_1, after_s=12 * m.DAY), "spines outlast the benefit", quick=False),
    Target("S19", "six", PREDICTION, "days from the last of six infusions to loss of response, with expectation",
           "d", "aan het Rot 2010, Murrough 2013b [M]: 12-28 d", 12, 28, ("six_infusions",), m.relapse_after_six,
           "one subject; expectation fades slowly, its time course is [M]", quick=False),
    *(Target("S19", f"cohort, day {day}", role, f"surrogate score {day} d after an infusion, g of 20 patients", "1",
             "Kishimoto 2016 [V]", low, high, ("cohort",), may_fail=why, quick=False,
             **estimated(partial(m.on_day, measure="effect_size", plan="one infusion", day=day)))
      for day, role, low, high, why in [
          (1, CALIBRATED, 0.7, 1.3,
           "the spread between patients is an assumption, and the interval of 20 of them is wide"),
          (7, PREDICTION, 0.2, 0.7, "patients differ less than people"),
          (12, PREDICTION, -INF, 0.3, "a small difference is much among patients who differ less than people")]),
    Target("S19", "cohort, six doses", PREDICTION, "median days from the last of six infusions to relapse", "d",
           "aan het Rot 2010, Murrough 2013 [M]", 12, 28, ("cohort",), quick=False,
           may_fail="each of six doses adds spines, and what is above the healthy density has to go first",
           **estimated(partial(m.cohort_relapse_days, plan="six infusions"))),
    Target("S20", "loss", PREDICTION, "spine density after three weeks of stress with inflammation, over stress alone",
           "%", "review PMC4497940 [V: regions; M: size]; 1 % counts as deeper", -INF, -1, ("inflammation", "stress"),
           m.stress_loss, "uptake and inhibition that are lost raise activity, and with it proteins and formation",
           quick=False),
    Target("S20", "recovery", PREDICTION,
           "spines back a week after stress with inflammation, less those back after stress alone", "% of the loss",
           "review PMC4497940 [M]; sign only", -INF, 0, ("inflammation_over", "stress_over", "healthy"),
           m.recovery_lost, "TrkB that was lower comes back further, and with it mTORC1 and proteins",
           quick=False),
    Target("S20", "cytokines", PREDICTION, "excess of cytokines that 10 mg/kg in rats have taken away 4 to 6 h later",
           "%", "Wang 2015 [V: sign; M: size]; with k_k 0.5 /(uM h)", 30, 100, ("inflamed_rat", "inflamed_rat_control"),
           m.excess_cleared, "exposure of rodents is of low confidence, and stress goes on", quick=False),
    Target("S20", "infusion", PREDICTION, "the same of 0.5 mg/kg over 40 min in man", "%",
           "Wang 2015, in rats; with k_k 0.5 /(uM h)", 30, 100, ("inflammation_dosed", "inflammation"),
           m.excess_cleared, "exposure is a fraction of that in rodents: an area of 0.5 uM h takes a fifth away",
           quick=False),
    Target("R8", "3 d", PREDICTION, "proliferation of progenitors on day 3 of an SSRI", "%", "Malberg 2000 [M]",
           -10, 10, ("neurogenesis_ssri", "neurogenesis"), partial(m.proliferation_change, from_d=2.5, to_d=3.5),
           "TrkB modulation that is strong at once, or progenitors that follow it within a day", quick=False),
    Target("R8", "2-4 wk", PREDICTION, "proliferation from day 14 to 28 of an SSRI", "%",
           "Malberg 2000 [V title; M size]; no change in Marlatt 2010 [V]", 15, 60,
           ("neurogenesis_ssri", "neurogenesis"), partial(m.proliferation_change, from_d=14, to_d=28),
           "births follow BDNF in proportion, days late, and BDNF rises little", quick=False),
    Target("R8", "latency", CHECK, "age at which the first new neurons fire", "d", "section 8 of the references [M]",
           21, INF, ("neurogenesis",), m.latency_d, NUMERICS, quick=False),
    Target("R8", "share", PREDICTION, "spikes of a day that neurons of the last eight weeks fire", "%",
           "section 8 of the references [M]", 0, 10, ("neurogenesis",), m.share_of_last_day,
           "more births, better survival or a stronger window than in the rat", quick=False),
    Target("S21", "a, Gaussian", CHECK, "calcium of a spiking network on its target, Gaussian rule: worst 20 s", "%",
           "Butz & van Ooyen 2013", -2, 2, ("elements_gaussian",), m.calcium_deviation,
           "updates too rare for the growth"),
    Target("S21", "a, linear", CHECK, "the same, linear rule", "%", "Gallinaro & Rotter 2018", -2, 2,
           ("elements_linear",), m.calcium_deviation, "updates too rare for the growth"),
    Target("S21", "b, calcium", CHECK, "calcium of Poisson neurons", "1", "fixed point by hand [D]", 0.693, 0.707,
           ("poisson_network",), lambda found: found["calcium"], NUMERICS),
    Target("S21", "b, synapses", CHECK, "their synapses per neuron", "1",
           "fixed point by hand [D]; RELeARN 4.55-4.58", 4.365, 4.635, ("poisson_network",),
           lambda found: found["synapses_per_neuron"], NUMERICS),
    Target("S22", "rates", CHECK, "Vogels-Abbott network against Brian2: rates, worst deviation", "%",
           "Brette et al. 2007; three standard deviations of two runs of 10 s", -3, 3, ("vogels_abbott",),
           m.rate_deviation, "chaos: two samples of 10 s differ by 1 %"),
    Target("S22", "CV", CHECK, "CV of ISI against Brian2", "%",
           "Brette et al. 2007; three standard deviations of two runs", -5, 5, ("vogels_abbott",),
           lambda found: 100 * (found["cv_isi"] / found["peer_cv_isi"] - 1),
           "chaos: two samples of 10 s differ by 1.7 %"),
    Target("S22", "intervals", CHECK, "distance of the ISI distributions (KS)", "1",
           "Brette et al. 2007; twice that of two seeds", 0, 0.02, ("vogels_abbott",),
           lambda found: found["distance"], "chaos: two seeds lie up to 0.011 apart"),
]
