"""The common time axis: unit, limits, and the stretch about a dose."""

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

ACUTE_H = (-1 / 6, 4.0)
GREY = "#888888"
THERAPY_COLOURS = {"exercise": "#dcefd8", "psychotherapy": "#f6e3d0", "sleep": "#dce4f5"}


class TimeAxis:
    """Unit, limits and stretch of the common time axis."""

    def __init__(self, results):
        spans = [self._span(result) for result in results]
        start, end = min(span[0] for span in spans), max(span[1] for span in spans)
        length = max(end - start, 1e-9)
        self.dosed = any(result.doses for result in results)
        units = [(180, "s", 1.0), (10800, "min", 60.0), (np.inf, "h", 3600.0)]
        self.unit, self.seconds = next((unit, seconds) for limit, unit, seconds in units if length < limit)
        self.start, self.end = start / self.seconds, (start + length) / self.seconds
        self.stretched = self.dosed and self.unit == "h" and self.end > 2 * ACUTE_H[1]
        left, right = ACUTE_H
        # (time, share of the width): a sliver of the baseline, half for the acute phase, the rest
        self.knots = [(min(self.start, left - 0.1), 0.0), (left, 0.06), (right, 0.56), (self.end, 1.0)]

    @staticmethod
    def _span(result):
        clocks = result.file.get("trajectory", {}).values()
        times = [clock["time"] for clock in clocks if len(clock["time"]) > 1]
        scales = [1e-3 if time.attrs.get("units") == "ms" else 1.0 for time in times]
        in_s = [(time[0] * scale, time[len(time) - 1] * scale) for time, scale in zip(times, scales)]
        if not in_s:
            return 0.0, float(result.file.attrs.get("duration_s", 1.0))
        return min(t[0] for t in in_s) - result.zero_s, max(t[1] for t in in_s) - result.zero_s

    def label(self):
        if not self.dosed:
            return f"time ({self.unit})"
        stretch = f"; wider up to {ACUTE_H[1]:g} h" if self.stretched else ""
        return f"time from first dose ({self.unit}{stretch})"

    def apply(self, ax, results, labelled):
        for result in results:
            for start, end, kind in result.therapies:
                window = (start - result.zero_s) / self.seconds, (end - result.zero_s) / self.seconds
                ax.axvspan(*window, color=THERAPY_COLOURS.get(kind, "#eeeeee"), lw=0.5, zorder=-1)
        for start, end in {dose for result in results for dose in result.doses}:
            zero = next(result.zero_s for result in results if (start, end) in result.doses)
            window = (start - zero) / self.seconds, (max(end, start) - zero) / self.seconds
            ax.axvspan(*window, color="#e3e3e3", lw=1, zorder=0)
        if self.stretched:
            times, shares = np.array(self.knots).T
            ax.set_xscale("function", functions=(lambda x: self._map(x, times, shares),
                                                 lambda y: self._map(y, shares, times)))
            ax.axvline(ACUTE_H[1], color=GREY, lw=0.8, ls=(0, (2, 2)), zorder=0)
            late = MaxNLocator(4, steps=[1, 2, 3, 6, 10], integer=True).tick_values(ACUTE_H[1], self.end)
            gap = (self.end - ACUTE_H[1]) / 8
            ticks = [0, 1, 2, 3, 4] + [t for t in late if ACUTE_H[1] + gap < t <= self.end]
            ax.xaxis.set_major_locator(FixedLocator(ticks))
            ax.xaxis.set_minor_locator(FixedLocator([]))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:g}"))
            ax.set_xlim(self.knots[0][0], self.end)
        else:
            ax.set_xlim(self.start, self.end)
        ax.tick_params(labelbottom=labelled)
        if labelled:
            ax.set_xlabel(self.label())

    @staticmethod
    def _map(x, source, target):
        """Piecewise linear, going on straight beyond both ends."""
        x = np.asarray(x, dtype=float)
        y = np.interp(x, source, target)
        first = (target[1] - target[0]) / (source[1] - source[0])
        last = (target[-1] - target[-2]) / (source[-1] - source[-2])
        y = np.where(x < source[0], target[0] + (x - source[0]) * first, y)
        return np.where(x > source[-1], target[-1] + (x - source[-1]) * last, y)

    def of(self, result, series):
        return (series.time - result.zero_s) / self.seconds
