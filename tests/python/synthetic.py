"""A small synthetic result in the layout of the program's files, with made-up but plausible courses."""

import h5py
import numpy as np

POPULATIONS = ["pyramidal", "pv", "sst"]
SIZES = [200, 30, 30]
PROJECTIONS = ["pyramidal_pyramidal", "pyramidal_pv", "pv_pyramidal", "sst_pyramidal"]


def rise_and_fall(hours, delay, rise, fall):
    t = np.clip(hours - delay, 0, None)
    shape = np.exp(-t / fall) - np.exp(-t / rise)
    return shape / shape.max() if shape.max() > 0 else shape


def series(group, name, values, unit, dimension=None, labels=None):
    dataset = group.create_dataset(name, data=values)
    dataset.attrs["units"] = unit
    dataset.attrs["long_name"] = name.replace("_", " ")
    dataset.dims[0].attach_scale(group["time"])
    if dimension:
        if dimension not in group:
            group.create_dataset(dimension, data=labels, dtype=h5py.string_dtype())
            group[dimension].make_scale(dimension)
        dataset.dims[1].attach_scale(group[dimension])


def clock(file, name, time, unit):
    group = file.create_group(f"trajectory/{name}")
    group.create_dataset("time", data=time)
    group["time"].attrs["units"] = unit
    group["time"].make_scale("time")
    return group


def write_slow(file, dosed, rng):
    # One minute about the dose, later coarser, as the program records in multirate mode.
    hours = np.concatenate([np.arange(-2, -0.17, 0.25), np.arange(-10, 241) / 60,
                            np.arange(4.25, 25.01, 0.25)])
    group = clock(file, "slow", (hours + 2) * 3600, "s")
    on = 1.0 if dosed else 0.0
    after = np.where(hours < 0.67, hours / 0.67, np.exp(-(hours - 0.67) / 0.9))
    plasma = 185 * on * np.where(hours < 0, 0, after)
    block = on * rise_and_fall(hours, 0, 0.3, 1.2)

    def per_population(name, unit, base, change, noise=0.0):
        values = np.array(base) * (1 + np.outer(change, np.ones(len(base))))
        values *= 1 + noise * rng.standard_normal(values.shape)
        series(group, name, values, unit, "population", POPULATIONS)

    drugs = ["ketamine", "norketamine"]
    metabolite = 74 * on * rise_and_fall(hours, 0, 0.8, 4)
    series(group, "drug_plasma", np.stack([plasma, metabolite], 1), "ng/mL", "drug", drugs)
    series(group, "drug_effect_site", np.stack([150 * block, 0.75 * metabolite], 1), "ng/mL", "drug", drugs)
    for where, factor in (("synaptic", 0.35), ("extrasynaptic", 0.5)):
        blocked = factor * np.outer(block, [0.8, 1.1, 1.0])
        series(group, f"nmda_block_{where}", blocked, "1", "population", POPULATIONS)
    rates = np.stack([1.5 * (1 + 0.5 * block), 12 * (1 - 0.3 * block), 6 * (1 - 0.35 * block)], 1)
    rates *= 1 + 0.03 * rng.standard_normal(rates.shape)
    series(group, "mean_rate", rates, "Hz", "population", POPULATIONS)
    per_population("eef2_phosphorylation", "1", [0.4] * 3, -0.5 * on * rise_and_fall(hours, 0.1, 0.4, 3))
    per_population("bdnf", "1", [1.0] * 3, 0.8 * on * rise_and_fall(hours, 0.4, 1, 6))
    per_population("bdnf_released", "1", [1.0] * 3, 1.3 * on * rise_and_fall(hours, 0.2, 0.4, 2))
    per_population("trkb", "1", [0.1] * 3, 1.0 * on * rise_and_fall(hours, 0.3, 0.6, 3))
    per_population("mtorc1", "1", [0.2] * 3, 0.9 * on * rise_and_fall(hours, 0.4, 0.5, 2.5))
    per_population("synaptic_protein", "1", [1.0] * 3, 0.35 * on * rise_and_fall(hours, 1, 3, 60))
    per_population("ampa_gain", "1", [1.0] * 3, 0.3 * on * rise_and_fall(hours, 2, 5, 80))
    gained = on * (1 - np.exp(-np.clip(hours - 3, 0, None) / 8))
    per_population("spine_density", "1/um", [1.1, 0.4, 0.5], 0.18 * gained, 0.001)
    formation = 0.1 * (1 + 1.2 * on * rise_and_fall(hours, 2, 3, 10))
    series(group, "spine_formation_rate", np.outer(formation, np.ones(3)), "1/d", "population", POPULATIONS)
    series(group, "spine_elimination_rate", np.full((len(hours), 3), 0.025), "1/d", "population", POPULATIONS)
    counts = np.array([40000.0, 8000, 6000, 5000]) * (1 + np.outer(gained, [0.15, 0.04, 0.01, 0.0]))
    series(group, "synapses", counts, "1", "projection", PROJECTIONS)
    glutamate = 30 * (1 + 0.6 * on * rise_and_fall(hours, 0.1, 0.3, 0.8))
    series(group, "glutamate_extracellular", glutamate[:, None], "nM", "region", ["cortex"])


def write_spikes(file, moments_s, rng, disinhibited_after=None):
    """Bursts of 3 s at these moments, each population a Poisson process."""
    for name, size, rate in zip(POPULATIONS, SIZES, (1.5, 12.0, 6.0)):
        times, ids = [], []
        for moment in moments_s:
            factor = 1.0
            if disinhibited_after is not None and moment > disinhibited_after:
                factor = 1.6 if name == "pyramidal" else 0.7
            count = rng.poisson(3 * size * rate * factor)
            times.append(np.sort((moment + 3 * rng.random(count)) * 1e3))
            ids.append(rng.integers(0, size, count))
        group = file.create_group(f"spikes/{name}")
        group["timestamps"] = np.concatenate(times)
        group["timestamps"].attrs["units"] = "milliseconds"
        group["node_ids"] = np.concatenate(ids).astype("u8")
        file.create_group(f"populations/{name}").attrs["size"] = size


def write_result(path, dosed=True, complete=True, title=None, seed=1):
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "rewire", "format_version": 1, "complete": int(complete),
                           "duration_s": 97200.0})
        if title:
            file.attrs["title"] = title
        if dosed:
            file.attrs["dose_start_s"] = np.array([7200.0])
            file.attrs["dose_end_s"] = np.array([9600.0])
        write_slow(file, dosed, rng)
        write_spikes(file, [7190.0, 9590.0, 90000.0], rng, 7200 if dosed else None)
    return path


def write_responses(path, stimulus, start_s, response_hz):
    """Adds responses of the first population to a result; the others do not answer."""
    with h5py.File(path, "a") as file:
        group = file.create_group(f"responses/{stimulus}")
        group["start"] = np.asarray(start_s, float)
        group["start"].attrs["units"] = "s"
        group["start"].make_scale("start")
        before = np.tile([1.5, 12.0, 6.0], (len(start_s), 1))
        during = before.copy()
        during[:, 0] += response_hz
        for name, values in (("during", during), ("before", before), ("response", during - before)):
            dataset = group.create_dataset(name, data=values)
            dataset.attrs["units"] = "Hz"
            dataset.dims[0].attach_scale(group["start"])
            if "population" not in group:
                group.create_dataset("population", data=POPULATIONS, dtype=h5py.string_dtype())
                group["population"].make_scale("population")
            dataset.dims[1].attach_scale(group["population"])
    return path


def add_inflammation(path, level=1.0):
    """Adds an LPS challenge at 2 h to a result: excess of cytokines, kynurenines and uptake of its region."""
    with h5py.File(path, "a") as file:
        group = file["trajectory/slow"]
        hours = group["time"][()] / 3600 - 2

        def of_region(name, unit, values):
            series(group, name, np.asarray(values)[:, None], unit, "region", ["cortex"])

        excess = {"cytokine_tnf_a": 12, "cytokine_il_6": 24, "cytokine_il_1b": 24, "microglia": 48}
        courses = {name: 3 * level * rise_and_fall(hours, 0, 3, fall) for name, fall in excess.items()}
        for name, course in courses.items():
            of_region(name, "1", course)
        mean = (courses["cytokine_tnf_a"] + courses["cytokine_il_6"] + courses["cytokine_il_1b"]) / 3
        j = mean / (1 + mean)
        of_region("inflammation", "1", j)
        of_region("kynurenine", "1", 1 + 1.5 * j)
        of_region("quinolinic_acid", "uM", 0.2 * (1 + 1.5 * j) * (1 + j))
        of_region("kynurenic_acid", "uM", 0.04 * (1 + 1.5 * j))
        of_region("eaat2", "1", 1 - 0.4 * j)
    return path


def write_benchmark(path):
    """Ten seconds of spikes, nothing else."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "rewire", "format_version": 1, "complete": 1, "duration_s": 10.0})
        write_spikes(file, [0.0, 3.0, 6.0], np.random.default_rng(2))
    return path


def write_columns(path, slow=(), fast=(), dose_s=None, sizes=None, snapshots=()):
    """A result with just these columns.

    slow, fast: {"time": array in s or ms, name: {column: values}}; a name whose columns are None has one, unnamed.
    snapshots: {time in s: {projection: ages in h}}
    """
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "rewire", "format_version": 1, "complete": 1})
        if dose_s is not None:
            file.attrs["dose_start_s"] = np.array([float(dose_s)])
        for name, columns, unit in (("slow", dict(slow), "s"), ("fast", dict(fast), "ms")):
            if not columns:
                continue
            group = clock(file, name, columns.pop("time"), unit)
            for quantity, values in columns.items():
                labels = list(values) if isinstance(values, dict) else ["only"]
                stacked = np.stack(list(values.values()) if isinstance(values, dict) else [values], axis=1)
                series(group, quantity, stacked, "1", f"of_{quantity}", labels)
        for population, size in (sizes or {}).items():
            file.create_group(f"populations/{population}").attrs["size"] = size
        for time_s, projections in dict(snapshots).items():
            for projection, ages in projections.items():
                group = file.create_group(f"snapshots/t_{time_s:.0f}_s/{projection}")
                group.attrs["time_s"] = float(time_s)
                group["age"] = np.asarray(ages, "f4")
    return path


def write_cohort(path, plans=("no treatment", "one infusion"), patients=12, complete=True):
    """A cohort whose courses fall to -20 and -70 % and come back over a fortnight; patient k by k % less."""
    rng = np.random.default_rng(5)
    time = np.arange(0, 20.01, 0.25) * 86400
    days = time / 86400 - 2
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "rewire", "kind": "cohort", "title": "Twelve patients", "complete": int(complete)})
        cohort = file.create_group("cohort")
        cohort.attrs["treatment_start_s"] = 2 * 86400.0
        cohort.create_dataset("plan", data=list(plans), dtype=h5py.string_dtype())
        cohort["patient"] = np.arange(1, patients + 1)
        cohort["time"] = time
        summary = cohort.create_group("summary")
        summary.attrs["response"] = 0.5
        summary["day"] = np.array([1.0, 7.0]) * 86400
        fall = np.where(days < 0, 0, np.exp(-days / 7) * np.minimum(days / 0.5, 1))
        course = np.array([[-(20 + 50 * p) * fall * (1 - k / 100) + rng.normal(0, 1, len(time))
                            for k in range(patients)] for p in range(len(plans))])
        if not complete:
            course[-1, -1] = np.nan
        summary["course"] = course
        summary.create_dataset("plan", data=list(plans), dtype=h5py.string_dtype())
        # plan, day, (estimate, low, high)
        summary["effect_size"] = np.array([[[np.nan] * 3] * 2, [[1.1, 0.5, 1.7], [0.4, 0.1, 0.8]]])
        summary["relapse"] = np.array([[np.nan] * 3, [10.0, 6.0, np.inf]])
        summary["relapse_time"] = np.array([np.full(patients, np.nan), np.arange(1.0, patients + 1)])
        summary["relapse_happened"] = np.array([np.full(patients, np.nan), np.arange(patients) % 2])
    return path
