"""The standard figure: raster, columns of panels, heading."""

import bisect
import textwrap

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .panels import COLUMNS, colour_of
from .time_axis import THERAPY_COLOURS, TimeAxis

RASTER_S = 2.0
RASTER_NEURONS = 150


def raster_windows(results):
    """(result, end of the window in s or None for the last spikes, title)."""
    if len(results) > 1:
        end = next((result.doses[0][1] - result.zero_s for result in results if result.doses), None)
        return [(r, None if end is None else end + r.zero_s, textwrap.shorten(r.label, 18, placeholder="..."))
                for r in results[:2]]
    result = results[0]
    if result.doses:
        start, end = result.doses[0]
        return [(result, start, "before the dose"), (result, end, "end of the dose")]
    return [(result, None, f"last {RASTER_S:g} s")]


def spikes_until(result, end_s):
    """[(population, times in s, ids)] of the last RASTER_S with spikes before end_s, and its start."""
    found = []
    for name, group in result.file.get("spikes", {}).items():
        times, ids = group["timestamps"], group["node_ids"]
        rows = min(len(times), len(ids))
        stop = rows if end_s is None else bisect.bisect_right(times, end_s * 1e3, 0, rows)
        found.append((name, times, ids, stop))
    last_ms = max((times[stop - 1] for _, times, _, stop in found if stop), default=None)
    if last_ms is None:
        return [], 0.0
    start_ms = max(last_ms - RASTER_S * 1e3, 0.0)
    window = []
    for name, times, ids, stop in found:
        first = bisect.bisect_left(times, start_ms, 0, stop)
        window.append((name, times[first:stop] / 1e3, ids[first:stop]))
    return window, start_ms / 1e3


def draw_raster(ax, result, end_s, title, labelled, mark):
    window, start = spikes_until(result, end_s)
    order = getattr(result.rates(), "names", [])  # the colours of the other panels
    window.sort(key=lambda item: order.index(item[0]) if item[0] in order else len(order))
    sizes = [result.size(name) for name, _, _ in window]
    total = max(sum(sizes), 1)
    top, ticks = 0, []
    for i, ((name, times, ids), size) in enumerate(zip(window, sizes)):
        shown = min(size, max(8, round(RASTER_NEURONS * size / total)))
        kept = ids < shown
        ax.scatter(times[kept] - start, top + ids[kept], s=mark, marker="|", lw=0.9, color=colour_of(i),
                   rasterized=True)
        ticks.append((top + shown / 2, name))
        top += shown
    ax.set(xlim=(0, RASTER_S), ylim=(-1, max(top, 1)), xlabel="time (s)")
    ax.set_title(title, loc="left")
    ax.set_yticks([y for y, _ in ticks], [name for _, name in ticks] if labelled else [])
    ax.tick_params(axis="y", length=0, labelrotation=90)
    for label in ax.get_yticklabels():
        label.set_va("center")


def draw_figure(results):
    axis = TimeAxis(results)
    columns = [[panel for panel in column if panel.found(results)] for column in COLUMNS]
    if any(result.rates() for result in results):
        columns[0] = COLUMNS[0]
    has_spikes = any(len(group["timestamps"]) for r in results for group in r.file.get("spikes", {}).values())
    used = [(i, column) for i, column in enumerate(columns) if column or (i == 0 and has_spikes)]
    figure = plt.figure(figsize=(16, 9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.04, wspace=0.02, hspace=0.02)
    if not used:
        figure.text(0.5, 0.5, "This result holds no spikes and no time courses.", ha="center", fontsize=18)
    parts = figure.subfigures(1, max(len(used), 1), squeeze=False)[0]
    for part, (i, column) in zip(parts, used):
        draw_column(part, column, results, axis, has_spikes and i == 0)
    heading(figure, results)
    return figure


def draw_column(part, column, results, axis, with_raster):
    heights = ([2.0] if with_raster else []) + [1.0 for _ in column]
    grid = part.add_gridspec(len(heights), 1, height_ratios=heights)
    if with_raster:
        windows = raster_windows(results)
        cells = grid[0].subgridspec(1, len(windows), wspace=0.05)
        for k, (result, end_s, title) in enumerate(windows):
            draw_raster(part.add_subplot(cells[k]), result, end_s, title, k == 0, mark=12 / len(windows))
    for k, panel in enumerate(column):
        ax = part.add_subplot(grid[k + with_raster])
        panel.draw(ax, results, axis)
        ax.set_title(panel.heading(results), loc="left")
        axis.apply(ax, results, labelled=k == len(column) - 1)


def heading(figure, results, colours=("black",)):
    notes = [f"{r.label} is incomplete" if len(results) > 1 else "incomplete: the run did not reach its end"
             for r in results if not r.complete]
    title = results[0].label if len(results) == 1 else ""
    figure.suptitle("\n".join(filter(None, [title, "; ".join(notes)])) or " ", x=0.01, ha="left", fontsize=16,
                    fontweight="bold")
    kinds = sorted({kind for r in results for _, _, kind in r.therapies})
    if kinds:
        patches = [Patch(color=THERAPY_COLOURS.get(kind, "#eeeeee")) for kind in kinds]
        figure.legend(patches, [f"shaded: {kind} (assumption)" for kind in kinds], loc="upper right", ncol=len(kinds),
                      fontsize=14)
    if len(results) > 1:
        handles = [Line2D([], [], color=colours[k % len(colours)], ls=r.style, lw=2) for k, r in enumerate(results)]
        figure.legend(handles, [r.label for r in results], loc="upper left", ncol=len(results), fontsize=14,
                      handlelength=2.6)
