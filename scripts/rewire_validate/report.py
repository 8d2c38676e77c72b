"""report.json and report.html."""

import html
import math
from collections import Counter

from . import history
from .calibrated import as_dicts
from .targets import CALIBRATED, CHECK, PREDICTION
from .verdict import PASS

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1180px; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: 4px 8px; border-bottom: 1px solid #dde; vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
.pass { color: #2a7f62; } .fail { color: #c0392b; font-weight: 600; } tr.fail-row { background: #fdf3f2; }
.why { color: #8a3a32; font-size: 12px; } .small { color: #666; font-size: 13px; }
img { max-width: 100%; }
"""

MEANING = {CALIBRATED: "a constant was set by it", PREDICTION: "nothing was tuned to it",
           CHECK: "a check of a unit or of the numerics"}


def number(x, digits=3):
    """Three digits, a dash for what is not a number."""
    if x is None or not math.isfinite(x):
        return "-"
    if x == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(x))))
    return f"{x:.{min(decimals, 4)}f}"


def range_text(low, high, unit):
    unit = "" if unit == "1" else f" {unit}"
    if math.isinf(high):
        return f"{number(low)}{unit} or more"
    if math.isinf(low):
        return f"{number(high)}{unit} or less"
    return f"{number(low)} to {number(high)}{unit}"


def bound(x):
    """JSON knows no infinity."""
    return x if math.isfinite(x) else None


def clean(x):
    """The same with None for every number that is not finite, at any depth."""
    if isinstance(x, dict):
        return {key: clean(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [clean(value) for value in x]
    return bound(x) if isinstance(x, float) else x


def target_entry(outcome):
    target = outcome.target
    return clean({"id": target.id, "part": target.part, "what": target.what, "unit": target.unit, "role": target.role,
                  "source": target.source, "range": [target.low, target.high], "mean": outcome.mean,
                  "spread": outcome.spread, "interval": outcome.interval,
                  "values": {str(seed): x for seed, x in outcome.values.items()}, "verdict": outcome.verdict,
                  "why": outcome.reason, "changed_after": history.changed_after(target)})


def as_json(made):
    return {"targets": [target_entry(outcome) for outcome in made["outcomes"]],
            "not_measured": [target.label for target in made["left_out"]], "changes": history.as_dicts(),
            "calibrated": as_dicts(made["calibrated"]), "arms": clean(made["arms"]),
            "sensitivity": clean(made["sensitivity"]), "about": made["about"]}


def tally(outcomes):
    counts = Counter((outcome.target.role, outcome.verdict) for outcome in outcomes)
    lines = []
    for role in (CALIBRATED, PREDICTION, CHECK):
        total = counts[role, PASS] + counts[role, "fail"]
        if total:
            seen = sum(x.target.role == role and bool(history.changed_after(x.target)) for x in outcomes)
            lines.append(f"{role}: {counts[role, PASS]} of {total} pass" +
                         (f" ({seen} had been seen before a constant that moves them was changed)"
                          if role == PREDICTION else ""))
    return lines


def with_spread(mean, spread):
    """The mean alone where one run has no spread."""
    return number(mean) + ("" if spread is None else f" ± {number(spread, 2)}")


def cell(text, kind=""):
    return f'<td class="{kind}">{html.escape(str(text))}</td>' if kind else f"<td>{html.escape(str(text))}</td>"


def table(head, rows):
    """rows: of ready cells."""
    top = "".join(f"<th>{html.escape(x)}</th>" for x in head)
    return f"<table><tr>{top}</tr>\n" + "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows) + "</table>"


def target_row(outcome):
    target = outcome.target
    unit = "" if target.unit == "1" else f" {target.unit}"
    interval = f" ({range_text(*outcome.interval, '1')})" if outcome.interval else ""
    changes = " ".join(history.changed_after(target))
    marks = f"<sup>{changes}</sup>" if changes else ""
    why = f'<div class="why">{html.escape(outcome.reason)}</div>' if outcome.reason else ""
    found = with_spread(outcome.mean, outcome.spread) + unit + interval
    row = "".join([f"<td>{html.escape(target.label)}{marks}</td>", cell(target.role),
                   f"<td>{html.escape(target.what)}{why}</td>",
                   cell(target.source), cell(range_text(target.low, target.high, target.unit), "number"),
                   cell(found, "number"), cell(outcome.verdict, outcome.verdict)])
    return f'<tr class="{outcome.verdict}-row">{row}</tr>'


def targets_table(outcomes):
    titles = ("target", "role", "what is measured", "source", "accepted", "found", "verdict")
    head = "".join(f"<th>{x}</th>" for x in titles)
    return f"<table><tr>{head}</tr>\n" + "\n".join(map(target_row, outcomes)) + "</table>"


def changes_table():
    return table(["", "what was changed", "set by", "had been seen, and can have moved"],
                 [[cell(letter), cell(change.what), cell(change.set_by), cell(", ".join(change.moved))]
                  for letter, change in history.CHANGES.items()])


def arms_table(arms):
    titles = [x["title"] for x in arms[0]["measures"].values()]
    rows = [[cell(arm["title"]), *(cell(with_spread(x["mean"], x["spread"]), "number")
                                   for x in arm["measures"].values())] for arm in arms]
    return table(["", *titles], rows)


def sensitivity_table(report):
    head = ["constant", "range", "source"]
    for output in report["outputs"].values():
        head += [f"{output['title']}: mu*", "mu", "sigma"]
    rows = []
    for k, constant in enumerate(report["constants"]):
        row = [cell(constant["key"]), cell(f"{constant['low']:g} to {constant['high']:g} {constant['unit']}".strip()),
               cell(constant["why"])]
        for output in report["outputs"].values():
            row += [cell(number(output[key][k]), "number") for key in ("mean_size", "mean", "spread")]
        rows.append(row)
    chance = "; ".join(f"{output['title']}: {number(output['chance'])}" for output in report["outputs"].values())
    return (table(head, rows) +
            f'<p class="small">By chance (two seeds, same constants) an effect has a size of {chance}.</p>')


def figure(source, caption):
    """Nothing if it was not drawn."""
    text = html.escape(caption)
    return f'<p><img src="{source}" alt="{text}"><br><span class="small">{text}</span></p>' if source else ""


def as_html(made):
    """The page, with all figures inside. `made`: outcomes, left_out, calibrated, arms, sensitivity, about, figures."""
    outcomes, drawn = made["outcomes"], made["figures"]
    failing = [x for x in outcomes if x.verdict != PASS]
    parts = ["<h1>rewire: validation</h1>", f"<p>{html.escape('; '.join(tally(outcomes)))}.</p>",
             "<p>" + " ".join(f"<b>{role}</b>: {text}." for role, text in MEANING.items()) +
             " An effect is that of a dose against a control with the same seed; the mean and the standard deviation"
             " are over seeds; in brackets is the interval of 95 % over patients. [V], [R], [D], [M]: read in the"
             " paper, read in code or data, derived, from memory.</p>",
             f'<p class="small">{html.escape(made["about"]["text"])}</p>']
    if failing:
        parts.append("<h2>What fails</h2><ul>" + "".join(
            f"<li><b>{html.escape(x.target.label)}</b> ({x.target.role}): {html.escape(x.target.what)}: "
            f"{number(x.mean)}{'' if x.target.unit == '1' else ' ' + html.escape(x.target.unit)}, accepted "
            f"{html.escape(range_text(x.target.low, x.target.high, x.target.unit))}. {html.escape(x.reason)}.</li>"
            for x in failing) + "</ul>")
    parts += ["<h2>Targets</h2>", targets_table(outcomes)]
    if made["left_out"]:
        parts.append(f'<p class="small">Not measured with --quick: '
                     f'{html.escape(", ".join(target.label for target in made["left_out"]))}.</p>')
    parts += ["<h2>Changed after predictions had been seen</h2>",
              "<p>The letters in the table of targets. Constants were set by what is said here, but what the targets"
              " had come to before was known then.</p>", changes_table(),
              figure(drawn.get("overview"), "Accepted ranges (bands) and what each seed showed"),
              "<h2>The main run</h2>",
              figure(drawn.get("main_run"), "Ketamine 0.5 mg/kg over 40 min against control; pale: seeds"),
              figure(drawn.get("antagonists"), "S12: what antagonists leave of the gain of spines"),
              figure(drawn.get("dose_response"), "Dose and response; not a target"),
              figure(drawn.get("weeks"), "Weeks: stress, rescue, a dose in health, an SSRI")]
    if made["arms"]:
        parts += ["<h2>The arms, alone and together</h2>", arms_table(made["arms"])]
    if made["sensitivity"]:
        screen = made["sensitivity"]
        parts += ["<h2>Sensitivity</h2>",
                  f"<p>Elementary effects (Morris 1991) of {len(screen['constants'])} constants of low confidence,"
                  f" from memory or not measured, {screen['trajectories']} trajectories, small circuit; effects are per"
                  " range.</p>",
                  figure(drawn.get("screen"), "mu* and sigma; grey: chance"), sensitivity_table(screen)]
    rows = [[cell(f"{c.table}.{c.name}"), cell(f"{c.value} {c.unit}".strip(), "number"), cell(c.meaning),
             cell(c.target)] for c in made["calibrated"]]
    parts += ["<h2>Calibrated constants</h2>",
              "<p>From `rewire describe`; everything else comes from its source. The background, tonic NMDA and "
              "inhibitory weights of the circuit are set by its rates and CV of ISI before any drug "
              "(configs/base/prefrontal.toml).</p>",
              table(["constant", "value", "meaning", "set by"], rows)]
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>rewire: validation</title>'
            f"<style>{STYLE}</style></head><body>" + "\n".join(parts) + "</body></html>\n")
