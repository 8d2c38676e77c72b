"""The panels of the standard figure. Colour tells what a line is, its style which result it comes from."""

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from .result import Series
from .time_axis import GREY

# Okabe & Ito 2008: told apart with every common colour blindness.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MOST_LINES = 6  # of projections


@dataclass
class Panel:
    title: str
    needs: list  # any of these datasets of the slow clock
    draw: object  # draw(ax, results, axis)
    first_only: bool = False  # draws the first population, where the chain is at work, or region, and says so

    def found(self, results):
        series = (result.series(name) for result in results for name in self.needs)
        return next((one for one in series if one is not None), None)

    def heading(self, results):
        return f"{self.title} ({self.found(results).names[0]})" if self.first_only else self.title


def finish(ax, ylabel, from_zero=False):
    ax.set_ylabel(ylabel)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    if from_zero:
        ax.set_ylim(bottom=0)
    legend(ax, loc="best")


def legend(ax, **place):
    """One entry per name, whatever the number of results."""
    entries = {}
    for handle, label in zip(*ax.get_legend_handles_labels()):
        entries.setdefault(label, handle)
    if entries:
        ax.legend(entries.values(), entries.keys(), **{"ncol": 2 if len(entries) > 4 else 1, **place})


def line(ax, axis, result, series, index, colour, label, scale=1.0, faint=False):
    ax.plot(axis.of(result, series), series.values[:, index] * scale, color=colour, ls=result.style,
            label=label, lw=1.2 if faint else 2.0, alpha=0.65 if faint else 1.0)


def colour_of(index):
    return COLOURS[index % len(COLOURS)]


def draw_rates(ax, results, axis):
    for result in results:
        rates = result.rates()
        for i, name in enumerate(rates.names if rates else []):
            line(ax, axis, result, rates, i, colour_of(i), name)
    finish(ax, "mean rate (Hz)", from_zero=True)
    ax.set_ylim(top=1.25 * ax.get_ylim()[1])  # a row for the legend
    legend(ax, loc="upper center", ncol=3)


def draw_drug(ax, results, axis):
    unit = "1"
    for result in results:
        for quantity, what, faint in (("drug_plasma", "plasma", False),
                                      ("drug_effect_site", "effect site", True)):
            series = result.series(quantity)
            for i, name in enumerate(series.names if series else []):
                if np.nanmax(series.values[:, i]) > 0:
                    line(ax, axis, result, series, i, colour_of(i), f"{name}, {what}", faint=faint)
                    unit = series.unit
    finish(ax, f"concentration ({unit})", from_zero=True)


def draw_block(ax, results, axis):
    for result in results:
        for quantity, faint in (("nmda_block_synaptic", False), ("nmda_block_extrasynaptic", True)):
            series = result.series(quantity)
            for i, name in enumerate(series.names if series else []):
                label = name if not faint else "thin: extrasynaptic" if i == 0 else ""
                line(ax, axis, result, series, i, colour_of(i), label, 100, faint)
    finish(ax, "NMDA receptors\nblocked (%)", from_zero=True)
    ax.set_ylim(top=1.3 * ax.get_ylim()[1])  # rows for the legend
    legend(ax, loc="upper right", ncol=2)


def draw_relative(ax, axis, results, items, ylabel, percent=False):
    """Quantities relative to their baseline; `items` are (dataset, label, index or None for all entities)."""
    colour = 0
    for dataset, label, index in items:
        for result in results:
            series = result.series(dataset)
            if series is None:
                continue
            if index is not None:
                series = series.only(index)
            base = result.baseline(series)
            for i, name in enumerate(series.names):
                peak = np.nanmax(series.values[:, i], initial=0.0)
                if peak <= 0:
                    continue
                unit, note = (base[i], "") if base[i] > 0 else (peak, " (of its peak)")  # that starts at 0
                line(ax, axis, result, series, i, colour_of(colour + i), (label or name) + note,
                     (100 if percent else 1) / unit)
        colour += 1
    level(ax, 100 if percent else 1)
    finish(ax, ylabel)


def level(ax, value):
    """Marks the baseline, and keeps 2 % about it in view: noise should not fill the panel."""
    ax.axhline(value, color=GREY, lw=0.8, zorder=0)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.98 * value), max(high, 1.02 * value))


def draw_glutamate(ax, results, axis):
    found = [result.series("glutamate_extracellular") for result in results]
    names = {name for series in found if series for name in series.names}
    label = "" if len(names) > 1 else "extracellular glutamate"
    draw_relative(ax, axis, results, [("glutamate_extracellular", label, None)], "relative to baseline")


def chain(*items):
    """Molecules of the first population."""

    def draw(ax, results, axis):
        draw_relative(ax, axis, results, [(name, label, 0) for name, label in items], "relative to baseline")

    return draw


def of_region(ax, results, axis, items):
    """Quantities of the first region. `items` are (dataset, label, scale or None: that of the first sample, lw)."""
    for k, (name, label, scale, lw) in enumerate(items):
        for result in results:
            series = result.series(name)
            if series is not None:
                line(ax, axis, result, series, 0, colour_of(k), label, scale or 1 / series.values[0, 0])
                ax.lines[-1].set_linewidth(lw)


def draw_cytokines(ax, results, axis):
    """What there is above the healthy level, and the level J that the circuit feels. IL-6 is IL-1b while they are
    cleared alike, as by default: its line is wider."""
    of_region(ax, results, axis, [("cytokine_tnf_a", "TNF-a", 1, 2), ("cytokine_il_6", "IL-6", 1, 4.5),
                                  ("cytokine_il_1b", "IL-1b", 1, 2), ("microglia", "microglia", 1, 2),
                                  ("inflammation", "level J", 1, 1.2)])
    finish(ax, "above healthy,\nrelative to it", from_zero=True)
    ax.set_ylim(top=1.45 * max(ax.get_ylim()[1], 0.05))  # rows for the legend; without inflammation a line at 0
    legend(ax, loc="upper right", ncol=3)


def draw_kynurenines(ax, results, axis):
    """Relative to health, where a run starts: the half hour before a dose may be ill. The acids are recorded in uM.
    Kynurenic acid follows kynurenine, whose line is wider."""
    of_region(ax, results, axis, [("kynurenine", "kynurenine", 1, 4.5), ("quinolinic_acid", "quinolinic acid", None, 2),
                                  ("kynurenic_acid", "kynurenic acid", None, 2), ("eaat2", "uptake (EAAT2)", 1, 2)])
    level(ax, 1)
    finish(ax, "relative to healthy")
    low, high = ax.get_ylim()
    ax.set_ylim(top=high + 0.4 * (high - low))  # rows for the legend
    legend(ax, loc="upper right", ncol=2)


def draw_density(ax, results, axis):
    draw_relative(ax, axis, results, [("spine_density", "", None)], "% of baseline", percent=True)


def binned(series, bins=60):
    """Means over equal stretches of time: counts of single minutes are mostly counting noise.

    Each sample holds a rate over the time since the one before it, so it weighs as much as that time.
    """
    if len(series.time) < 2 * bins:
        return series
    weights = np.diff(series.time)
    edges = np.linspace(series.time[0], series.time[-1], bins + 1)
    where = np.clip(np.searchsorted(edges, series.time[1:], side="left") - 1, 0, bins - 1)
    values = np.nan_to_num(series.values[1:])
    total = np.bincount(where, weights, bins)
    means = np.array([np.bincount(where, weights * column, bins) for column in values.T]) / np.maximum(total, 1e-12)
    kept = total > 0
    return Series(0.5 * (edges[1:] + edges[:-1])[kept], means.T[kept], series.names, series.unit)


def draw_turnover(ax, results, axis):
    unit = "1"
    for k, (name, what) in enumerate((("spine_formation_rate", "formation"),
                                      ("spine_elimination_rate", "elimination (established)"),
                                      ("spine_nascent_loss_rate", "loss of nascent spines"))):
        for result in results:
            series = result.series(name)
            if series is not None:
                line(ax, axis, result, binned(series), 0, colour_of((2, 1, 4)[k]), what)
                unit = series.unit
    finish(ax, f"rate ({unit})", from_zero=True)
    ax.set_ylim(top=1.5 * ax.get_ylim()[1])  # rows for the legend
    legend(ax, loc="upper left")


def draw_synapses(ax, results, axis):
    """The projections whose synapses change most."""
    change = {}
    for result in results:
        series = result.series("synapses")
        base = result.baseline(series) if series else []
        for i, name in enumerate(series.names if series else []):
            if base[i] > 0:
                change[name] = max(change.get(name, 0), np.abs(series.values[:, i] / base[i] - 1).max())
    moving = [name for name in change if change[name] > 0] or list(change)[:1]
    chosen = sorted(moving, key=change.get, reverse=True)[:MOST_LINES]
    for result in results:
        series = result.series("synapses")
        base = result.baseline(series) if series else []
        for k, name in enumerate(chosen):
            if series and name in series.names:
                i = series.names.index(name)
                line(ax, axis, result, series, i, colour_of(k), name.replace("_", " to ", 1), 100 / base[i])
    level(ax, 100)
    finish(ax, "% of baseline")


def draw_score(ax, results, axis):
    """The score as the circuit gives it; thin: with the expectation term, a share of the score before treatment."""
    for result in results:
        score, expectation = result.series("surrogate_symptom_score"), result.series("surrogate_expectation")
        if score is None:
            continue
        line(ax, axis, result, score, 0, colour_of(3), "from the circuit")
        if expectation is not None and np.any(expectation.values):
            both = np.maximum(score.values + result.before_treatment(score) * expectation.values / 100, 0)
            line(ax, axis, result, Series(score.time, both, score.names, score.unit), 0, colour_of(3),
                 "thin: with expectation (assumption)", faint=True)
    finish(ax, "surrogate,\nno clinical scale", from_zero=True)
    ax.set_ylim(top=1.3 * max(ax.get_ylim()[1], 1))  # rows for the legend
    legend(ax, loc="upper left")


COLUMNS = [
    [Panel("Firing rates", ["mean_rate"], draw_rates)],
    [Panel("Drug", ["drug_plasma", "drug_effect_site"], draw_drug),
     Panel("NMDA block", ["nmda_block_synaptic", "nmda_block_extrasynaptic"], draw_block),
     Panel("Glutamate", ["glutamate_extracellular"], draw_glutamate),
     Panel("Cytokines", ["cytokine_tnf_a", "cytokine_il_6", "cytokine_il_1b", "microglia"], draw_cytokines, True)],
    [Panel("eEF2 and mTORC1", ["eef2_phosphorylation", "mtorc1"],
           chain(("eef2_phosphorylation", "p-eEF2"), ("mtorc1", "mTORC1")), True),
     Panel("BDNF and TrkB", ["bdnf", "bdnf_released", "trkb"],
           chain(("bdnf", "BDNF"), ("bdnf_released", "BDNF released"), ("trkb", "TrkB")), True),
     Panel("Synaptic strength", ["synaptic_protein", "ampa_gain"],
           chain(("synaptic_protein", "synaptic protein"), ("ampa_gain", "AMPA gain")), True),
     Panel("Kynurenines", ["kynurenine", "quinolinic_acid", "kynurenic_acid"], draw_kynurenines, True)],
    [Panel("Spine density", ["spine_density"], draw_density),
     Panel("Spine turnover", ["spine_formation_rate", "spine_elimination_rate"], draw_turnover, True),
     Panel("Synapses", ["synapses"], draw_synapses),
     Panel("Surrogate symptom score", ["surrogate_symptom_score"], draw_score)],
]
