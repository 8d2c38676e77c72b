"""The layout of a result file that the program wrote (path in REWIRE_RESULT), as other people's tools see it.

Nothing of rewire is imported: h5py, xarray with both of its HDF5 engines, and pandas must read every series.
"""

import os

import h5py
import numpy as np
import pytest
import xarray

RESULT = os.environ.get("REWIRE_RESULT")
pytestmark = pytest.mark.skipif(not RESULT, reason="REWIRE_RESULT names no result file")


@pytest.fixture()
def result():
    with h5py.File(RESULT, "r") as file:
        yield file


def clocks():
    if not RESULT:
        return []
    with h5py.File(RESULT, "r") as file:
        return [f"/trajectory/{name}" for name in file.get("trajectory", {})]


def series(group):
    """Names of the datasets of a clock that are no dimension scales."""
    return [name for name in group if group[name].attrs.get("CLASS") != b"DIMENSION_SCALE"]


def test_provenance(result):
    attributes = result.attrs
    assert attributes["format"] == "rewire"
    assert attributes["format_version"] == 1
    for name in ("rewire_version", "created_utc", "config_sha256", "seed", "threads", "dt_ms", "duration_s",
                 "wall_s", "host_cpu"):
        assert name in attributes, name
    assert attributes["complete"] == 1
    assert len(attributes["config_sha256"]) == 64
    np.datetime64(attributes["created_utc"].rstrip("Z"))  # ISO 8601, or this raises
    assert "=" in result["config"][()].decode("utf-8")


def test_units_and_names(result):
    for clock in clocks():
        group = result[clock]
        assert group["time"].attrs["units"] in ("ms", "s")
        assert np.all(np.diff(group["time"][()]) >= 0)
        for name in series(group):
            dataset = group[name]
            assert dataset.attrs["units"].isascii() and dataset.attrs["units"], name
            assert dataset.attrs["long_name"], name
            assert dataset.shape[0] == len(group["time"]), name
            assert dataset.dims[0][0] == group["time"], name
            if dataset.ndim == 2:
                labels = dataset.dims[1][0]
                assert h5py.check_string_dtype(labels.dtype).length is None, name
                assert len(labels) == dataset.shape[1], name


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("clock", clocks())
def test_xarray(result, clock, engine):
    with xarray.open_dataset(RESULT, group=clock, engine=engine) as data:
        group = result[clock]
        assert set(data.data_vars) == set(series(group))
        assert "time" in data.coords
        assert np.array_equal(data["time"], group["time"][()])
        for name in series(group):
            variable = data[name]
            assert variable.dims[0] == "time"
            assert variable.attrs["units"] == group[name].attrs["units"]
            assert np.array_equal(variable, group[name][()], equal_nan=True), name
            if variable.ndim == 2:
                dimension = variable.dims[1]
                labels = [text.decode("utf-8") for text in group[dimension][()]]
                assert list(data[dimension].values) == labels
                column = variable.sel({dimension: labels[0]})  # a population by its name
                assert np.array_equal(column, group[name][:, 0], equal_nan=True)


@pytest.mark.parametrize("clock", clocks())
def test_pandas(result, clock):
    with xarray.open_dataset(RESULT, group=clock, engine="h5netcdf") as data:
        for name in series(result[clock]):
            frame = data[name].to_pandas()
            assert len(frame) == len(result[clock]["time"])
            assert frame.index.name == "time"


def test_sonata_spikes(result):
    assert result.attrs["magic"] == 0x0A7A
    assert list(result.attrs["version"]) == [0, 1]
    for population, group in result.get("spikes", {}).items():
        sorting = group.attrs.get_id("sorting")
        names = h5py.check_enum_dtype(sorting.dtype)
        assert names == {"none": 0, "by_id": 1, "by_time": 2}, population
        assert group.attrs["sorting"] == names["by_time"]
        times, ids = group["timestamps"], group["node_ids"]
        assert times.dtype == np.float64 and ids.dtype == np.uint64
        assert times.attrs["units"] == "milliseconds"
        assert times.shape == ids.shape
        assert np.all(np.diff(times[()]) >= 0)
        if len(ids):
            assert ids[()].max() < result["populations"][population].attrs["size"]
