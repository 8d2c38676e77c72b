"""The figure of a cohort: courses of the surrogate score by plan, relapse, and the response of each patient."""

import matplotlib.pyplot as plt
import numpy as np

from .panels import colour_of
from .result import PlotError

SURROGATE = "surrogate score, change (%)"
DAY_S = 86400.0


def is_cohort(result):
    return result.file.attrs.get("kind") == "cohort"


def texts(dataset):
    return [text.decode("utf-8") for text in dataset[()]]


def kaplan_meier(times, happened):
    """Steps (time, share) of the product-limit estimate (Kaplan & Meier 1958), from (0, 1)."""
    order = np.argsort(times, kind="stable")
    times, happened = times[order], happened[order]
    steps = [(0.0, 1.0)]
    for time in np.unique(times[happened > 0]):
        events = np.sum((times == time) & (happened > 0))
        steps.append((time, steps[-1][1] * (1 - events / np.sum(times >= time))))
    return np.array(steps)


def draw_cohort(result):
    cohort = result.file["cohort"]
    if "summary" not in cohort:
        raise PlotError(f"{result.label}: holds no outcomes; a figure of a cohort needs [symptom_score] in the config "
                        "and a finished patient")
    summary = cohort["summary"]
    plans = texts(cohort["plan"])
    days = cohort["time"][()] / DAY_S - cohort.attrs["treatment_start_s"] / DAY_S
    courses = summary["course"][()]
    courses[:, np.isnan(courses).any(axis=(0, 2))] = np.nan  # known in all plans or in none, as in the table
    figure = plt.figure(figsize=(16, 9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.05)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.15, 1])
    draw_courses(top, plans, days, courses, -100 * summary.attrs["response"])
    left, right = bottom.subfigures(1, 2, width_ratios=[1, 2])
    draw_relapse(left.add_subplot(), plans, summary, ~np.isnan(courses).any(axis=(0, 2)))
    draw_waterfalls(right, plans, summary, courses, days)
    note = "" if result.complete else "; incomplete: patients that have not finished all plans are left out"
    figure.suptitle(f"{result.label}\nSURROGATE outcomes of virtual patients, nothing clinical{note}", x=0.01,
                    ha="left", fontsize=16, fontweight="bold")
    return figure


def draw_courses(figure, plans, days, courses, response):
    """One panel for each plan: a line for each patient, their median, and the 10 to 90 % quantiles."""
    axes = figure.subplots(1, len(plans), sharey=True, squeeze=False)[0]
    shown = days >= -1.0
    low = min(np.nanmin(courses[..., shown], initial=0.0), response)
    for i, (ax, plan) in enumerate(zip(axes, plans)):
        known = courses[i][~np.isnan(courses[i]).any(axis=1)][:, shown]
        for course in known:
            ax.plot(days[shown], course, color=colour_of(i), lw=0.6, alpha=0.35)
        if len(known):
            lowest, median, highest = np.quantile(known, [0.1, 0.5, 0.9], axis=0)
            ax.fill_between(days[shown], lowest, highest, color=colour_of(i), alpha=0.2, lw=0)
            ax.plot(days[shown], median, color=colour_of(i), lw=2.5)
        ax.axhline(response, color="0.5", lw=0.8, ls=":")
        ax.axhline(0, color="0.5", lw=0.8)
        ax.set_title(f"{plan} (n = {len(known)})", loc="left")
        ax.set(xlabel="days since the start of treatment", ylim=(low * 1.05, None))
    axes[0].set_ylabel(SURROGATE)
    axes[0].annotate("response", (0.99, response), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                     color="0.4")


def draw_relapse(ax, plans, summary, known):
    times, happened = summary["relapse_time"][()], summary["relapse_happened"][()]
    for i, plan in enumerate(plans):
        at_risk = ~np.isnan(times[i]) & known
        if not at_risk.any():
            continue
        steps = kaplan_meier(times[i][at_risk], happened[i][at_risk])
        end = times[i][at_risk].max()
        ax.step(np.append(steps[:, 0], end), 100 * np.append(steps[:, 1], steps[-1, 1]), where="post", lw=2,
                color=colour_of(i), label=f"{plan} ({at_risk.sum()} responders)")
        censored = times[i][at_risk & (happened[i] == 0)]
        ax.plot(censored, [100 * steps[steps[:, 0] <= t][-1, 1] for t in censored], "|", color=colour_of(i), ms=9)
    ax.axhline(50, color="0.5", lw=0.8, ls=":")
    ax.set(xlabel="days since the last treatment", ylabel="without surrogate relapse (%)", ylim=(0, 105),
           xlim=(0, None))
    ax.set_title("Relapse of responders (Kaplan-Meier)", loc="left")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best")
    else:
        ax.text(0.5, 0.5, "no plan has responders a day after\nits last treatment", ha="center", va="center",
                transform=ax.transAxes)


def draw_waterfalls(figure, plans, summary, courses, days):
    """One bar for each patient, in order of its change on the first of the days."""
    day = summary["day"][0] / DAY_S
    at = np.searchsorted(days, day + 1e-9, side="right") - 1
    axes = figure.subplots(1, len(plans), sharey=True, squeeze=False)[0]
    for i, (ax, plan) in enumerate(zip(axes, plans)):
        change = courses[i][:, at]
        change = np.sort(change[~np.isnan(change)])[::-1]
        responds = change <= -100 * summary.attrs["response"]
        ax.bar(np.arange(len(change)), change, width=0.9, color=colour_of(i), alpha=0.45)
        ax.bar(np.arange(len(change))[responds], change[responds], width=0.9, color=colour_of(i))
        ax.axhline(-100 * summary.attrs["response"], color="0.5", lw=0.8, ls=":")
        ax.axhline(0, color="0.5", lw=0.8)
        ax.set_title(plan, loc="left")
        ax.set_xticks([])
        ax.set_xlabel(f"{responds.sum()} of {len(change)} respond" if len(change) else "no patient")
    axes[0].set_ylabel(f"surrogate score on day {day:g},\nchange of each patient (%)")
