"""Figures of the report, each as the source of an <img>."""

import base64
import io
import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from . import measures as m  # noqa: E402
from .result import Result  # noqa: E402
from .sources import ANTAGONISTS, BY_NAME, OTHER_DOSES  # noqa: E402
from .verdict import PASS  # noqa: E402

GOOD, BAD, PLAIN = "#2a7f62", "#c0392b", "#33517e"


def embedded(figure):
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
        plt.close(figure)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def place(outcome, value):
    """Where a value lies: 0 to 1 within the accepted range. A range that is open on one side takes the size of its
    limit for its width."""
    low, high = outcome.target.low, outcome.target.high
    if math.isinf(low) and math.isinf(high):
        return 0.5
    if math.isinf(high):
        return (value - low) / (abs(low) or 1)
    if math.isinf(low):
        return 1 + (value - high) / (abs(high) or 1)
    return (value - low) / (high - low)


def overview(outcomes):
    """Every target: its accepted range as a band, seeds as points."""
    figure, axes = plt.subplots(figsize=(9, 0.23 * len(outcomes) + 0.9))
    for row, outcome in enumerate(outcomes):
        color = GOOD if outcome.verdict == PASS else BAD
        right = 2.4 if math.isinf(outcome.target.high) else 1
        left = -1.4 if math.isinf(outcome.target.low) else 0
        axes.barh(row, right - left, left=left, height=0.7, color="#e3e8ee")
        places = [place(outcome, value) for value in outcome.values.values() if math.isfinite(value)]
        axes.plot(np.clip(places, -1.4, 2.4), [row] * len(places), "o", color=color, markersize=4, clip_on=False)
        axes.text(2.5, row, outcome.verdict, color=color, va="center", fontsize=8)
    axes.set_yticks(range(len(outcomes)), [outcome.target.label for outcome in outcomes], fontsize=8)
    axes.set_xlim(-1.4, 2.4)
    axes.set_ylim(len(outcomes) - 0.4, -0.6)
    axes.set_xticks([0, 1], ["least accepted", "most accepted"])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    return embedded(figure)


def pairs(session, dosed, control, seeds):
    """Open results of a dose and its control, seed by seed, of this session alone: its folder may hold others, of an
    older program or config."""
    for seed in seeds:
        if {(dosed, seed), (control, seed)} <= session.made:
            with Result(session.path(BY_NAME[dosed], seed)) as a, Result(session.path(BY_NAME[control], seed)) as b:
                yield a, b


PANELS = [
    ("SST and pyramidal rates (%)", 4, [("mean_rate", "sst", "SST"), ("mean_rate", "pyramidal", "pyramidal")]),
    ("extracellular glutamate (%)", 4, [("glutamate_extracellular", None, "glutamate")]),
    ("eEF2 phosphorylation and BDNF (%)", 24, [("eef2_phosphorylation", "pyramidal", "eEF2-P"),
                                               ("bdnf", "pyramidal", "BDNF")]),
    ("mTORC1 and proteins (%)", 24, [("mtorc1", "pyramidal", "mTORC1"), ("synaptic_protein", "pyramidal", "proteins")]),
    ("AMPA gain (%)", 24, [("ampa_gain", "pyramidal", "AMPA gain")]),
    ("spine density (%)", 24, [("spine_density", "pyramidal", "spines")]),
]


def main_run(session, seeds):
    """Changes by the dose against the control, all seeds and their mean; None if no pair was made."""
    curves = {}
    for dosed, control in pairs(session, "ketamine", "control", seeds):
        for _, hours, lines in PANELS:
            for name, entity, label in lines:
                minutes, values = m.course(dosed, control, name, hours * m.HOUR, entity)
                curves.setdefault(label, (minutes, []))[1].append(values)
    if not curves:
        return None
    figure, axes = plt.subplots(2, 3, figsize=(12, 5.6))
    for panel, (title, _, lines) in zip(axes.flat, PANELS):
        for (_, _, label), color in zip(lines, (PLAIN, "#c77d1e")):
            minutes, runs = curves[label]
            for run in runs:
                panel.plot(minutes / 60, run, color=color, alpha=0.25, linewidth=0.8)
            panel.plot(minutes / 60, np.mean(runs, axis=0), color=color, label=label)
        panel.axvspan(0, 40 / 60, color="#eeeeee", zorder=-1)
        panel.axhline(0, color="#888888", linewidth=0.6)
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("h after the start of the infusion", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    return embedded(figure)


def bars(labels, values, title, ylabel):
    """Means with all seeds as points."""
    figure, axes = plt.subplots(figsize=(1.2 * len(labels) + 2, 3.2))
    axes.bar(range(len(labels)), [np.mean(x) if len(x) else np.nan for x in values], color="#9fb3cc", width=0.6)
    for row, x in enumerate(values):
        axes.plot([row] * len(x), x, "o", color=PLAIN, markersize=4)
    axes.axhline(0, color="#888888", linewidth=0.6)
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylabel(ylabel, fontsize=8)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    return embedded(figure)


def antagonists(session, seeds):
    gains = {"none": [m.spine_gain(*pair) for pair in pairs(session, "ketamine", "control", seeds)]}
    for name in ANTAGONISTS:
        gains[name.replace("_", " ")] = [m.spine_gain(*pair)
                                         for pair in pairs(session, f"ketamine_{name}", f"control_{name}", seeds)]
    gains = {label: x for label, x in gains.items() if x}
    if len(gains) < 2:
        return None
    title = "Spines at 24 h: dose against vehicle, both under the antagonist"
    return bars(list(gains), list(gains.values()), title, "%")


def dose_response(session, seeds):
    """Block, glutamate and spines by dose."""
    rows = []
    for dose in sorted([*OTHER_DOSES, "0.5"], key=float):
        name = "ketamine" if dose == "0.5" else f"dose_{dose}"
        found = [(m.occupancy(a), m.glutamate_peak(a, b), m.spine_gain(a, b))
                 for a, b in pairs(session, name, "control", seeds)]
        if found:
            rows.append((float(dose), np.array(found)))
    if len(rows) < 2:
        return None
    figure, axes = plt.subplots(1, 3, figsize=(11, 3))
    titles = ("NMDA block at the end (%)", "peak of glutamate (%)", "spines at 24 h (%)")
    for k, (panel, title) in enumerate(zip(axes, titles)):
        for dose, found in rows:
            panel.plot([dose] * len(found), found[:, k], "o", color=PLAIN, markersize=4)
        panel.plot([dose for dose, _ in rows], [found[:, k].mean() for _, found in rows], color=PLAIN)
        panel.axhline(0, color="#888888", linewidth=0.6)
        panel.set_xscale("log")
        panel.set_xticks([dose for dose, _ in rows], [f"{dose:g}" for dose, _ in rows])
        panel.minorticks_off()
        panel.set_xlabel("mg/kg over 40 min", fontsize=8)
        panel.set_title(title, fontsize=9)
    figure.tight_layout()
    return embedded(figure)


def weeks(session, seeds):
    """Spine density over weeks: stress with and without a dose, a dose in health, an SSRI."""
    courses = [("stress", "healthy", "stress"), ("stress_rescue", "healthy", "stress, dose on day 21"),
               ("month", "month_control", "dose on day 1"), ("ssri", "untreated", "SSRI from day 21")]
    figure, axes = plt.subplots(figsize=(9, 3.4))
    drawn = False
    for (name, control, label), color in zip(courses, (BAD, "#c77d1e", PLAIN, GOOD)):
        for k, (a, b) in enumerate(pairs(session, name, control, seeds)):
            time = a.time_s()
            density = a.series("spine_density", m.CELLS) / b.at("spine_density", time, m.CELLS)
            axes.plot(time / m.DAY, 100 * (density - 1), color=color, linewidth=1, label=label if k == 0 else None)
            drawn = True
    if not drawn:
        plt.close(figure)
        return None
    axes.axhline(0, color="#888888", linewidth=0.6)
    axes.set_xlabel("days")
    axes.set_ylabel("spine density against control (%)", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    return embedded(figure)


def screen(report):
    """mu* and sigma of every constant."""
    figure, axes = plt.subplots(1, len(report["outputs"]), figsize=(13, 4.2))
    names = [constant["key"].split(".")[-1] for constant in report["constants"]]
    for panel, output in zip(np.atleast_1d(axes), report["outputs"].values()):
        size, spread = np.array(output["mean_size"]), np.nan_to_num(np.array(output["spread"]))
        panel.axvspan(0, output["chance"], color="#eeeeee", zorder=-1)
        panel.plot(size, spread, "o", color=PLAIN, markersize=4)
        for row in np.argsort(-np.nan_to_num(size))[:6]:
            right = size[row] > np.nanmax(size) / 2  # its name then stands to the left, within the panel
            panel.annotate(names[row], (size[row], spread[row]), fontsize=7, xytext=(-4 if right else 3, 3),
                           ha="right" if right else "left", textcoords="offset points")
        panel.set_title(output["title"], fontsize=9)
        panel.set_xlabel("mu*: mean size of the effect", fontsize=8)
        panel.set_ylabel("sigma: non-linear or with others", fontsize=8)
    figure.tight_layout()
    return embedded(figure)
