"""The report: tables of what was found, in Markdown. Nothing is measured here."""

from .networks import MICROCIRCUIT_RATES_HZ, NETWORKS, RELEARN_MS
from .summary import exponent_of_growth, number, ratios, spread, table

DT_S = 1e-4  # of all networks here


def column(runs, key):
    return [run[key] for run in runs]


def factors(runs):
    """Real-time factors: wall time by biological time."""
    return [run["run_s"] / run["biological_s"] for run in runs]


def median(values):
    return spread(values).median


def mean_rate_Hz(run):
    return sum(run["spikes"].values()) / sum(run["sizes"].values()) / run["counted_s"]


def events_of_peer(run, ours):
    """Spikes by the synapses of a mean source: the connectivity is the same."""
    return sum(run["spikes"].values()) * ours["events"] / max(1, sum(ours["spikes"].values()))


def missing(found):
    """Why a benchmark has no figures, or None."""
    if "skipped" in found:
        return f"Left out: {found['skipped']}."
    if "failed" in found:
        return "FAILED:\n\n```\n" + found["failed"] + "\n```"
    return None


def summary_section(results):
    """What each benchmark comes to, in one line: with one thread and with all of them."""
    rows = []

    def row(what, beside, figures):
        rows.append([what, beside, *(figures.get(t, "-") for t in threads)])

    counts = set()
    for found in results.values():
        counts.update(found.get("ours", {}), found.get("main", {}), [found["threads"]] if "threads" in found else [])
        counts.update(line["threads"] for lines in found.get("limit", []) for line in lines)
        counts.update(line["threads"] for line in found.get("lines", []))
    threads = sorted({min(counts), max(counts)}) if counts else [1]
    for net in NETWORKS:
        found = results.get(net.name, {})
        if "ours" not in found:
            continue
        row(net.title, "biological time (real-time factor)",
            {t: spread(factors(x)).text() for t, x in found["ours"].items()})
        if found["peer"]:
            row(net.title, "Brian2, fastest setting (times faster)",
                {t: ratios(factors(found["peer"]), factors(x)).text() for t, x in found["ours"].items()})
    if "delivery" in results and not missing(results["delivery"]):
        _, plain, ours = delivery_by_threads(results["delivery"])
        for size in (8, 4):
            row(f"spike delivery, {size} bytes a synapse", "plain loop over memory (share of its events/s)",
                {t: ratios(ours[t, size], plain[t, size]).text() for t in threads if (t, size) in ours})
    for name in ("pd14", "pd14_poisson"):
        found = results.get(name, {})
        if "whole" in found:
            row(found["title"], "biological time (real-time factor)",
                {found["threads"]: spread(microcircuit_factors(found)).text()})
    if "main" in results and not missing(results["main"]):
        found = results["main"]
        row("main experiment, every spike", "plain COBA synapses (times the cost)",
            {t: ratios([neuron_step_ns(x) for x in full], [neuron_step_ns(x) for x in found["main_plain"][t]]).text()
             for t, full in found["main"].items()})
    for neurons in (10000, 50000):
        lines = [x for x in results.get("synaptogenesis", {}).get("lines", []) if x["neurons"] == neurons]
        if lines:
            row(f"synaptogenesis, {neurons:,} neurons", "RELeARN, elsewhere, one thread (times faster)",
                {t: spread(RELEARN_MS[neurons] / 1e3 / x["wall_s"] for x in lines if x["threads"] == t).text()
                 for t in {x["threads"] for x in lines}})
    return table(["what", "beside", *(f"{t} thread{'s' if t > 1 else ''}" for t in threads)], rows) if rows else ""


def networks_section(results):
    headings = ["network", "threads", "rewire: real-time factor", "Brian2: real-time factor", "Brian2 / rewire",
                "by processor time", "events/s (1e9), rewire", "Brian2", "rate (Hz), rewire", "Brian2", "speed-up"]
    memory_headings = ["network", "synapses (1e6)", "store, bytes/synapse", "peak (MB), rewire", "Brian2",
                       "peak, bytes/synapse, rewire", "Brian2", "building (s), rewire", "Brian2",
                       "1e6 synapses/s, rewire"]
    rows, memory, notes, settings = [], [], [], []
    for net in NETWORKS:
        found = results.get(net.name)
        if found is None:
            continue
        if missing(found):
            notes.append(f"{net.title}. {missing(found)}")
            continue
        peer, by_threads = found["peer"], found["ours"]
        first = next(iter(by_threads.values()))

        def of_peer(text):
            return text() if peer else "-"

        for threads, ours in by_threads.items():
            rows.append([net.title, threads, spread(factors(ours)).text(),
                         of_peer(lambda: spread(factors(peer)).text()),
                         of_peer(lambda: ratios(factors(peer), factors(ours)).text()),
                         of_peer(lambda: ratios(column(peer, "run_cpu_s"), column(ours, "run_cpu_s")).text()),
                         number(median(run["events"] / run["run_s"] / 1e9 for run in ours)),
                         of_peer(lambda: number(median(events_of_peer(x, ours[0]) / x["run_s"] / 1e9 for x in peer))),
                         number(mean_rate_Hz(ours[0])), of_peer(lambda: number(mean_rate_Hz(peer[0]))),
                         "-" if threads == 1 else ratios(factors(first), factors(ours)).text()])
        synapses = first[0]["synapses"]
        peak, build = median(column(first, "peak_bytes")), median(column(first, "build_s"))
        store = first[0]["synapse_bytes"] / synapses
        memory.append([net.title, number(synapses / 1e6), number(store), number(peak / 1e6),
                       of_peer(lambda: number(median(column(peer, "peak_bytes")) / 1e6)), number(peak / synapses),
                       of_peer(lambda: number(median(column(peer, "peak_bytes")) / synapses)), number(build),
                       of_peer(lambda: number(median(column(peer, "build_s")))), number(synapses / build / 1e6)])
        if "peer_failed" in found:
            notes.append(f"{net.title}. Brian2 failed: {found['peer_failed'].splitlines()[-1]}")
        if peer:
            line = f"- {net.title}: {found['setting']}"
            if found["tried"]:
                line += "; tried: " + "; ".join(f"{name} {number(x)}" for name, x in found["tried"].items())
            settings.append(line)
    parts = []
    if rows:
        parts += [table(headings, rows), "### Memory and construction, one thread", table(memory_headings, memory)]
    if settings:
        parts += ["Settings of Brian2 (real-time factors of a short trial):", "\n".join(settings)]
    return "\n\n".join(parts + notes)


def delivery_by_threads(found):
    """Reading in GB/s by threads, and 1e9 events/s of the plain loop and of rewire by (threads, bytes of a synapse)."""
    reading, plain, ours = {}, {}, {}
    for line in (line for lines in found["limit"] for line in lines):
        if line["what"] == "read":
            reading.setdefault(line["threads"], []).append(line["bytes_per_s"] / 1e9)
        else:
            plain.setdefault((line["threads"], line["bytes_per_synapse"]), []).append(line["events_per_s"] / 1e9)
    for line in (line for lines in found["delivery"] for line in lines):
        size = {"shared": 4, "own": 8}[line["weights"]]
        ours.setdefault((line["threads"], size), []).append(line["events_per_s"] / 1e9)
    return reading, plain, ours


def limit_section(found):
    reading, plain, ours = delivery_by_threads(found)
    rows = []
    for threads in reading:
        for size in (8, 4):
            key = (threads, size)
            rows.append([threads, size, spread(reading[threads]).text(), spread(plain[key]).text(),
                         spread(ours[key]).text() if key in ours else "-",
                         ratios(ours[key], plain[key]).text() if key in ours else "-"])
    return table(["threads", "bytes/synapse", "reading (GB/s)", "plain loop (1e9 events/s)", "rewire (1e9 events/s)",
                  "rewire / plain loop"], rows)


def scaling_section(found):
    parts = []
    for kind, title in (("strong", "Strong scaling: COBA 100,000 x 1,000"),
                        ("weak", "Weak scaling: COBA 10,000 x 1,000 neurons a thread")):
        first = next(iter(found[kind].values()))
        rows = []
        for threads, runs in found[kind].items():
            gain = ratios(factors(first), factors(runs))
            efficiency = gain.median / threads if kind == "strong" else gain.median
            rows.append([threads, sum(runs[0]["sizes"].values()), spread(factors(runs)).text(),
                         number(median(run["events"] / run["run_s"] / 1e9 for run in runs)),
                         gain.text() if kind == "strong" else "-", number(efficiency)])
        headings = ["threads", "neurons", "real-time factor", "events/s (1e9)", "speed-up", "efficiency"]
        parts += [f"### {title}", table(headings, rows)]
    return "\n\n".join(parts)


def events_of_biology(run):
    """Millions of events per second of biological time."""
    return run["events"] / run["biological_s"] / 1e6


def neuron_step_ns(run):
    return run["run_s"] / (sum(run["sizes"].values()) * run["biological_s"] / DT_S) * 1e9


def main_section(found):
    rows = []
    for threads, full in found["main"].items():
        plain = found["main_plain"][threads]
        costs = [[neuron_step_ns(run) for run in runs] for runs in (full, plain)]
        rows.append([threads, spread(costs[0]).text(), spread(costs[1]).text(), ratios(*costs).text(),
                     spread(factors(full)).text(), spread(factors(plain)).text(),
                     number(events_of_biology(full[0])), number(events_of_biology(plain[0]))])
    text = table(["threads", "main (ns per neuron and step)", "plain COBA (ns)", "main / plain",
                  "real-time factor, main", "plain", "1e6 events/s of biology, main", "plain"], rows)
    rates = [[run["spikes"][name] / run["sizes"][name] / run["counted_s"] for name in run["sizes"]]
             for run in (found["main"][1][0], found["main_plain"][1][0])]
    names = list(found["main"][1][0]["sizes"])
    text += "\n\nRates (Hz): " + ", ".join(f"{n} {number(a)} and {number(b)}" for n, a, b in zip(names, *rates)) + "."
    return text + """

The plain network has the same populations, positions, synapses (pair by pair: the same rules draw them), delays and
Poisson background. Its neurons are leaky integrate-and-fire instead of AdEx, with the same capacitance, leak and
refractory period; a projection has one weight and one AMPA or GABA_A receptor; there is no short-term plasticity, NMDA,
glutamate, drug, signalling or structure. Constant currents bring it to the rates of the main circuit."""


def microcircuit_factors(found):
    return [(whole["run_s"] - start["run_s"]) / found["measured_s"]
            for whole, start in zip(found["whole"], found["warm_up"])]


def microcircuit_section(found):
    seconds, measured = found["measured_s"], microcircuit_factors(found)
    events = found["whole"][0]["events"] - found["warm_up"][0]["events"]
    whole = found["whole"][0]
    rows = [[found["threads"], spread(measured).text(),
             number(median(events / (x * seconds) / 1e9 for x in measured)), number(events / seconds / 1e9),
             number(whole["synapses"] / 1e6), number(whole["build_s"]), number(whole["peak_bytes"] / 1e9),
             number(whole["synapse_bytes"] / whole["synapses"]), number(found["cv_isi"])]]
    text = table(["threads", "real-time factor", "events/s (1e9)", "1e9 events/s of biology", "synapses (1e6)",
                  "building (s)", "peak (GB)", "store, bytes/synapse", "CV of ISI"], rows)
    names, rates = list(found["rates_Hz"]), list(found["rates_Hz"].values())
    if len(rates) == len(MICROCIRCUIT_RATES_HZ):
        text += "\n\n" + table(
            ["population", "rate (Hz)", "published", "deviation (%)"],
            [[name, number(x), number(y), f"{100 * (x / y - 1):+.1f}"]
             for name, x, y in zip(names, rates, MICROCIRCUIT_RATES_HZ)])
    return text + (f"\n\n{seconds} s after a warm-up of 0.5 s: the time of a run of {seconds + 0.5} s less that of one "
                   "of 0.5 s. Published real-time factors (Senk et al. 2026, measured elsewhere): NEST on 128 cores "
                   "0.67 (constant drive); GeNN on a Titan RTX 0.70, on an RTX 4090 0.27 (Poisson drive).")


def synaptogenesis_section(found):
    by_size = {}
    for line in found["lines"]:
        by_size.setdefault((line["threads"], line["neurons"]), []).append(line)
    rows = []
    for (threads, neurons), lines in sorted(by_size.items()):
        published = RELEARN_MS.get(neurons)
        cpu_ms = spread(1e3 * line["cpu_s"] for line in lines)
        wall_ms = spread(1e3 * line["wall_s"] for line in lines)
        gain = number(published / cpu_ms.median) if published and threads == 1 else "-"
        rows.append([neurons, threads, wall_ms.text(), cpu_ms.text(), lines[0]["pairs"], published or "-", gain])
    sizes = sorted(neurons for threads, neurons in by_size if threads == 1)
    times = [median(x["cpu_s"] for x in by_size[1, n]) for n in sizes]
    growth = exponent_of_growth(sizes, times)
    headings = ["neurons", "threads", "wall (ms)", "CPU (ms)", "pairs", "RELeARN (CPU ms)", "RELeARN / rewire (CPU)"]
    return (table(headings, rows)
            + (f"\n\nProcessor time grows as N^{number(growth)} on one thread." if growth is not None else "")
            + "\n\nRELeARN 1.1 with Barnes-Hut on one thread was measured elsewhere, once, on a core of an AMD EPYC "
              "with AVX-512; it was not run on this machine.")


def accuracy_section(found):
    names = {"lif_conductance": "COBA", "lif_current": "Brunel"}
    rows = [[names[cell["model"]], cell["simulator"], f"{cell['worst_mV']:.1e}", f"{cell['rms_mV']:.1e}",
             f"{cell['spikes_elsewhere']} of {cell['spikes']}"] for cell in found["cells"]]
    parts = ["Single cells for 200 ms under a frozen input at steps of 0.1 ms, against fourth-order Runge-Kutta with "
             "steps of 5 us (threshold on the same grid): potentials below threshold, and spikes of driven cells that "
             "fall in another step.",
             table(["cell", "simulator", "worst error (mV)", "RMS (mV)", "spikes elsewhere"], rows)]
    if found["networks"]:
        rows = []
        for net in found["networks"]:
            ours, theirs = net["rates_Hz"], net["peer_rates_Hz"]
            rows.append([net["title"], number(net["measured_ms"] / 1e3), ", ".join(number(x) for x in ours.values()),
                         ", ".join(number(x) for x in theirs.values()),
                         ", ".join(f"{100 * (ours[k] / theirs[k] - 1):+.2f}" for k in ours),
                         number(net["cv_isi"]), number(net["peer_cv_isi"]), number(net["distance"])])
        parts += ["Networks on the same connectivity, other initial potentials, against Brian2 in double precision "
                  "with fourth-order Runge-Kutta (Brunel: exact integration); rates by population (Hz). Runs of a "
                  "chaotic network with other initial potentials differ by a per cent or so themselves.",
                  table(["network", "seconds", "rewire", "Brian2", "difference (%)", "CV of ISI, rewire", "Brian2",
                         "distance of intervals (KS)"], rows)]
    return "\n\n".join(parts)


def machine_section(machine):
    rows = []
    for key, value in machine.items():
        if isinstance(value, dict):
            rows += [[name, x] for name, x in value.items()]
        else:
            rows.append([key, value])
    return "\n".join(f"- {name}: {value}" for name, value in rows)


def all_runs(found):
    """Every run in what a benchmark found, however deep."""
    if isinstance(found, dict):
        if "others_cores" in found:
            yield found
        else:
            for value in found.values():
                yield from all_runs(value)
    elif isinstance(found, list):
        for value in found:
            yield from all_runs(value)


def disturbance(results, cores):
    """A warning if other processes were busy while runs were measured, or what is known of it."""
    others = column(list(all_runs(results)), "others_cores")
    if not others:
        return "Whether other processes were busy is not known."
    busy = sum(x > 0.1 for x in others)
    text = (f"Other processes kept {number(median(others), 2)} of {cores} cores busy (median over {len(others)} runs; "
            f"at most {number(max(others), 2)})")
    if busy:
        return f"**WARNING: {busy} of {len(others)} runs were disturbed.** {text}: repeat them on a quiet machine."
    return f"{text}."


METHOD = """\
- A time is that of the simulation alone, by the wall: of rewire the attribute `run_s` of the result (without building
  the network), of Brian2 that of its program's loop (without reading and building synapses, code generation and
  compilation; taken around it, as Brian2's own figure is processor time). Processor time is that of all threads in the
  same stretch: with one thread it is the better comparison when other programs were busy. Neither records anything but
  spike counts.
- Both run in turns, repetition by repetition; a ratio is that of neighbours, its spread that of the repetitions.
- Both have the same connectivity, synapse by synapse: Brian2 reads what rewire drew. Initial potentials and Poisson
  input come from each simulator's own random numbers, so rates differ a little: compare events per second too.
- Brian2 runs as C++ stand-alone program with the compiler flags that it sets itself (-O3 -ffast-math -march=native),
  populations with equal parameters in one group, synapses sorted by source, and the fastest setting found on this
  machine (precision, method, shared or own weights, threads) unless --quick was asked for; it is the same program
  beside every number of threads of rewire.
- Peak memory is the largest resident size of the whole process, building included; the store's bytes are those of its
  arrays."""


def write_report(machine, options, results):
    """The report as Markdown."""
    sections = [("Networks", networks_section(results))] if any(n.name in results for n in NETWORKS) else []
    kinds = [("limit", "Limit of the memory", limit_section),
             ("delivery", "Spike delivery beside the limit", limit_section),
             ("scaling", "Scaling", scaling_section), ("pd14", "Microcircuit, constant drive", microcircuit_section),
             ("pd14_poisson", "Microcircuit, Poisson drive", microcircuit_section),
             ("main", "Main experiment beside plain COBA synapses", main_section),
             ("synaptogenesis", "Synaptogenesis", synaptogenesis_section), ("accuracy", "Accuracy", accuracy_section)]
    for name, title, section in kinds:
        if name in results:
            sections.append((title, missing(results[name]) or section(results[name])))
    lines = ["# rewire benchmark", f"`scripts/benchmark {options}`".replace(" `", "`"),
             disturbance(results, machine["cores usable"]),
             "A real-time factor is wall time by biological time: lower is better, below 1 is faster than the brain. "
             "Figures are medians (least-greatest)."]
    if summary := summary_section(results):
        lines += ["## Summary", summary]
    for title, text in sections:
        lines += [f"## {title}", text]
    lines += ["## How it was measured", METHOD, "## Machine, versions and flags", machine_section(machine)]
    return "\n\n".join(lines) + "\n"
