"""Reading rewire's result files: what the figure needs to know of them."""

import bisect
from dataclasses import dataclass, field

import h5py
import numpy as np

STYLES = ["-", "--", ":", "-."]
MOST_POINTS = 6000  # per line; longer series are averaged in blocks
RATE_BINS = 100
SESSION_GAP_S = 600.0  # of presentations


class PlotError(Exception):
    """Something the user can mend; ends the program with status 2."""


@dataclass
class Series:
    """One recorded quantity: time in s, values (time, entity), names of the entities."""

    time: np.ndarray
    values: np.ndarray
    names: list
    unit: str

    def only(self, index):
        return Series(self.time, self.values[:, [index]], [self.names[index]], self.unit)


@dataclass
class Response:
    """Rates in Hz in the presentations of a stimulus and before them: (presentation, population)."""

    start: np.ndarray
    during: np.ndarray
    before: np.ndarray
    names: list

    def sessions(self):
        """Indices of the presentations, parted where more than SESSION_GAP_S passes between two."""
        cuts = np.flatnonzero(np.diff(self.start) > SESSION_GAP_S) + 1
        return np.split(np.arange(len(self.start)), cuts)


@dataclass
class Result:
    """An open result file and its place in the figure."""

    file: h5py.File
    label: str
    complete: bool
    doses: list  # (start, end) in s
    therapies: list = field(default_factory=list)  # (start, end) in s, kind
    style: str = "-"
    zero_s: float = 0.0
    cache: dict = field(default_factory=dict)

    def series(self, name, clock="slow"):
        """The quantity as a Series, or None if the file does not hold it."""
        key = f"trajectory/{clock}/{name}"
        if key not in self.cache:
            self.cache[key] = self._read(self.file[f"trajectory/{clock}"], name) if key in self.file else None
        return self.cache[key]

    @staticmethod
    def _read(group, name):
        dataset, clock = group[name], group["time"]
        rows = min(len(clock), len(dataset))  # a killed run may leave one row less in one of them
        if rows < 2:
            return None
        scale = 1e-3 if clock.attrs.get("units", "s") == "ms" else 1.0
        time = clock[:rows] * scale
        values = dataset[:rows].astype(float).reshape(rows, -1)
        names = [""]
        if dataset.ndim == 2:
            names = [text.decode("utf-8") for text in dataset.dims[1][0][()]]
        block = -(-rows // MOST_POINTS)
        if block > 1:
            whole = rows // block * block
            time = time[:whole].reshape(-1, block).mean(axis=1)
            values = values[:whole].reshape(-1, block, values.shape[1]).mean(axis=1)
        return Series(time, values, names, dataset.attrs.get("units", "1"))

    def responses(self):
        """{stimulus: Response} of the named stimuli that were presented."""
        found = {}
        for name, group in self.file.get("responses", {}).items():
            rows = min(len(group[column]) for column in ("start", "during", "before"))
            if rows:
                names = [text.decode("utf-8") for text in group["during"].dims[1][0][()]]
                found[name] = Response(group["start"][:rows], group["during"][:rows], group["before"][:rows], names)
        return found

    def rates(self):
        """Rates of the populations: in multirate mode the fast clock stands still between bursts, so the mean
        rates of the slow clock are preferred; without either, spikes are counted."""
        return self.series("mean_rate") or self.series("rate", "fast") or self.counted_rates()

    def counted_rates(self):
        spikes = {name: group["timestamps"] for name, group in self.file.get("spikes", {}).items()}
        last_ms = max((times[len(times) - 1] for times in spikes.values() if len(times)), default=0.0)
        if not last_ms > 0:
            return None
        edges = np.linspace(0, last_ms, RATE_BINS + 1)
        # Times are in order: the counts follow from where the edges fall, without reading all spikes.
        counts = [np.diff([bisect.bisect_right(times, edge) for edge in edges]) for times in spikes.values()]
        sizes = np.array([self.size(name) for name in spikes])
        values = np.stack(counts, axis=1) / sizes / (edges[1] * 1e-3)
        return Series((edges[:-1] + edges[1:]) / 2e3, values, list(spikes), "Hz")

    def size(self, population):
        """Number of neurons; where the file does not tell, the largest of the first ids."""
        group = self.file.get(f"populations/{population}", self.file)
        if "size" in group.attrs:
            return int(group.attrs["size"])
        ids = self.file[f"spikes/{population}/node_ids"][:100000]
        return int(ids.max(initial=0)) + 1

    def baseline(self, series):
        """Mean of the half hour before the first dose; without a dose, the first value."""
        before = (series.time < self.zero_s) & (series.time >= self.zero_s - 1800)
        return series.values[before].mean(axis=0) if before.any() else series.values[0]

    def before_treatment(self, series):
        """Value at the start of the first dose or therapy, which is always a sample; without either, the first."""
        start_s = min((start for start, *_ in [*self.doses, *self.therapies]), default=0.0)
        return series.values[max(bisect.bisect_right(series.time, start_s) - 1, 0)]


def open_result(path):
    if not path.exists():
        raise PlotError(f"{path}: no such file")
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise PlotError(f"{path}: cannot be read as an HDF5 file") from None
    if file.attrs.get("format") != "rewire":
        raise PlotError(f"{path}: not a rewire result (its attribute `format` is not \"rewire\")")
    starts = np.atleast_1d(file.attrs.get("dose_start_s", []))
    ends = np.atleast_1d(file.attrs.get("dose_end_s", starts))
    label = str(file.attrs.get("title", "")) or path.stem
    therapies = zip(*(np.atleast_1d(file.attrs.get(f"therapy_{name}", [])) for name in ("start_s", "end_s", "kind")))
    return Result(file, label, bool(file.attrs.get("complete", 0)), sorted(zip(starts, ends)), list(therapies))


def open_results(paths):
    results = [open_result(path) for path in paths]
    labels = [result.label for result in results]
    first_dose = min((result.doses[0][0] for result in results if result.doses), default=0.0)
    for i, (result, path) in enumerate(zip(results, paths)):
        result.style = STYLES[i % len(STYLES)]
        if labels.count(result.label) > 1:
            result.label = path.stem
        # A control has no dose of its own: it is shown at the same time of the experiment.
        result.zero_s = result.doses[0][0] if result.doses else first_dose
    return results
