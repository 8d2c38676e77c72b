"""Reading one result file of the program."""

import functools
from pathlib import Path

import h5py
import numpy as np


class Result:
    """A result file; series are read when they are asked for and kept."""

    def __init__(self, path):
        self.path = Path(path)
        self.file = h5py.File(path, "r")

    def close(self):
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @functools.cached_property
    def dose_s(self):
        """Start of the first dose in s; None without a dose."""
        starts = np.atleast_1d(self.file.attrs.get("dose_start_s", []))
        return float(starts.min()) if len(starts) else None

    @functools.cached_property
    def sizes(self):
        """population -> neurons"""
        return {name: int(group.attrs["size"]) for name, group in self.file["populations"].items()}

    @functools.cache
    def time_s(self, clock="slow"):
        dataset = self.file[f"trajectory/{clock}/time"]
        return dataset[()] * (1e-3 if dataset.attrs["units"] == "ms" else 1.0)

    def entities(self, name, clock="slow"):
        """What the columns of a series are, such as populations."""
        return [text.decode() for text in self.file[f"trajectory/{clock}/{name}"].dims[1][0][()]]

    @functools.cache
    def series(self, name, entity=None, clock="slow"):
        """Values of one column (the only one, if there is but one) at time_s."""
        values = self.file[f"trajectory/{clock}/{name}"][()].astype(float)
        if values.ndim == 1:
            return values
        if entity is None:
            if values.shape[1] != 1:
                raise ValueError(f"{self.path}: {name} has {values.shape[1]} columns")
            return values[:, 0]
        return values[:, self.entities(name, clock).index(entity)]

    def at(self, name, time_s, entity=None):
        """Value of a slow series at a time or several."""
        return np.interp(time_s, self.time_s(), self.series(name, entity))

    def mean(self, name, from_s, to_s, entity=None):
        """Mean over time between two moments; NaN if no sample lies there."""
        time, values = self.time_s(), self.series(name, entity)
        among = (time >= from_s) & (time <= to_s)
        if not among.any():
            return float("nan")
        if among.sum() == 1:
            return float(values[among][0])
        return float(np.trapz(values[among], time[among]) / np.ptp(time[among]))

    def trace(self, clock):
        """Last value of a trace of one neuron."""
        group = self.file[f"trajectory/{clock}"]
        name = next(key for key in group if group[key].ndim == 2)
        return float(group[name][-1, 0])

    def ages_h(self, projection, time_s):
        """Ages of the synapses in the snapshot at a time."""
        for group in self.file["snapshots"].values():
            if projection in group and abs(float(group[projection].attrs["time_s"]) - time_s) < 1:
                return group[projection]["age"][()].astype(float)
        raise KeyError(f"{self.path}: no snapshot at {time_s} s")
