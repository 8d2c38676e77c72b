"""Numbers to text: medians, spread, ratios of runs made in turns, tables. No input or output of its own."""

import statistics
from dataclasses import dataclass


@dataclass
class Spread:
    """Median, least and greatest of repeated measurements."""

    median: float
    low: float
    high: float
    count: int

    def text(self, digits=3):
        if self.count == 1:
            return number(self.median, digits)
        return f"{number(self.median, digits)} ({number(self.low, digits)}-{number(self.high, digits)})"


def spread(values):
    values = list(values)
    if not values:
        raise ValueError("no measurements")
    return Spread(statistics.median(values), min(values), max(values), len(values))


def ratios(numerators, denominators):
    """Spread of the ratios of measurements made in turns: the i-th of one by the i-th of the other, so that what slows
    the machine for a while slows both."""
    if len(numerators) != len(denominators):
        raise ValueError(f"{len(numerators)} and {len(denominators)} measurements were not made in turns")
    return spread(a / b for a, b in zip(numerators, denominators))


def number(x, digits=3):
    """Plain decimal notation with so many significant digits, trailing zeros kept."""
    if x is None:
        return "-"
    if x == 0:
        return "0"
    places = digits - 1
    size = abs(x)
    while size >= 10 and places > 0:
        size /= 10
        places -= 1
    while size < 1:
        size *= 10
        places += 1
    return f"{x:.{min(places, 9)}f}"


def exponent_of_growth(sizes, times):
    """Exponent k of time ~ size^k, least squares in logarithms; None with fewer than two sizes."""
    if len(sizes) < 2:
        return None
    return statistics.linear_regression(*([statistics.math.log(x) for x in xs] for xs in (sizes, times))).slope


def thread_counts(most):
    """1, 2, 4, ... and the greatest."""
    counts = [1]
    while counts[-1] * 2 < most:
        counts.append(counts[-1] * 2)
    return counts + [most] if most > 1 else counts


def table(headings, rows):
    """Markdown table: the first column to the left, the others to the right; padded to be read as plain text."""
    rows = [[str(cell) for cell in row] for row in rows]
    for row in rows:
        if len(row) != len(headings):
            raise ValueError(f"a row of {len(row)} cells under {len(headings)} headings: {row}")
    widths = [max(3, *(len(row[i]) for row in [headings] + rows)) for i in range(len(headings))]

    def line(cells):
        padded = [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(headings), rule] + [line(row) for row in rows])
