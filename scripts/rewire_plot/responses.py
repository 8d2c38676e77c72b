"""Responses to named stimuli: a row of panels for each stimulus, one panel for each population that it moves."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from .figure import heading
from .panels import COLOURS
from .time_axis import GREY

MOST_POPULATIONS = 5
SILENT_HZ = 0.05  # populations that answer less are left out
GAP = 1.5  # between sessions, in presentations


def moved(responses):
    """Names of the populations that answer the stimulus, those of the file's order that answer most."""
    strength = {}
    for response in responses:
        change = np.nanmax(np.abs(response.during - response.before), axis=0)
        for name, value in zip(response.names, change):
            strength[name] = max(strength.get(name, 0.0), value)
    chosen = sorted(strength, key=strength.get, reverse=True)[:MOST_POPULATIONS]
    return [name for name in strength if name in chosen and strength[name] > SILENT_HZ]


def time_text(seconds):
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def draw_panel(ax, results, responses, name):
    labels = {}
    for k, (result, response) in enumerate(zip(results, responses)):
        if response is None or name not in response.names:
            continue
        index, place = response.names.index(name), 0.0
        values = response.during[:, index] - response.before[:, index]
        for session in response.sessions():
            x = place + np.arange(len(session))
            colour = COLOURS[k % len(COLOURS)]
            ax.plot(x, values[session], ls=result.style, color=colour, marker=".", lw=1.4, label=result.label)
            labels.setdefault(place, time_text(response.start[session[0]]))
            place += len(session) - 1 + GAP
    ax.axhline(0, color=GREY, lw=0.8, zorder=0)
    ax.set_title(name, loc="left")
    ax.set_xticks(list(labels), list(labels.values()), rotation=60, ha="right")
    ax.yaxis.set_major_locator(MaxNLocator(4))


def draw_responses(results):
    """Response (rate during less rate before) of each presentation, session by session; the label says when it began.
    """
    stimuli = list(dict.fromkeys(name for result in results for name in result.responses()))
    rows = []
    for stimulus in stimuli:
        responses = [result.responses().get(stimulus) for result in results]
        rows.append((stimulus, responses, moved([r for r in responses if r is not None])))
    columns = max(1, *(len(names) for _, _, names in rows))
    figure, axes = plt.subplots(len(rows), columns, figsize=(16, 1 + 3.6 * len(rows)), layout="constrained",
                                squeeze=False)
    for (stimulus, responses, names), row in zip(rows, axes):
        for ax, name in zip(row, names):
            draw_panel(ax, results, responses, name)
        for ax in row[len(names):]:
            ax.set_axis_off()
        row[0].set_ylabel(f"response to {stimulus} (Hz)")
    heading(figure, results, COLOURS)
    return figure
