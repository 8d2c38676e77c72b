"""The program: see scripts/validate --help."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from . import arms, calibrated, figures, report, sensitivity, verdict
from .runs import BUILD, CHECKOUT, Session, cores, seeds_of
from .sources import BY_NAME, OTHER_DOSES
from .targets import TARGETS


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be 1 or more")
    return value


def setting(text):
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text}: must be KEY=VALUE")
    return key, value


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/validate",
        description="Measures what the model shows beside what it must show, over several seeds, and writes "
                    "report.html and report.json.",
        epilog="Runs whose config and program are unchanged are not made again.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="what to measure, such as S6 S12 (default: all)")
    parser.add_argument("--list", action="store_true", help="list the targets and end")
    parser.add_argument("--quick", action="store_true",
                        help="the small circuit, two seeds, without the targets of weeks, doses and sensitivity")
    parser.add_argument("--seeds", type=positive, metavar="N", help="number of seeds (default 3; quick 2)")
    parser.add_argument("--jobs", type=positive, default=cores(), metavar="N", help="runs at a time (default: cores)")
    parser.add_argument("--trajectories", type=int, metavar="N",
                        help="of the Morris screen, 42 runs each; 0: no screen (default 4; 0 with --quick or TARGETs)")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE", dest="settings",
                        help="for every run of the circuit, such as multirate.tolerance=0.05; the report says so")
    parser.add_argument("-o", "--output", type=Path, default=CHECKOUT / "results" / "validation", metavar="FOLDER",
                        help="default: results/validation")
    arguments = parser.parse_args(words)
    known = {target.id for target in TARGETS}
    for name in arguments.targets:
        if name not in known:
            parser.error(f"there is no target {name}; see --list")
    if arguments.trajectories is not None and arguments.trajectories < 0:
        parser.error(f"argument --trajectories: {arguments.trajectories}: must be 0 or more")
    return arguments


def list_targets():
    for target in TARGETS:
        accepted = report.range_text(target.low, target.high, target.unit)
        print(f"  {target.label:<20} {target.role:<11} {target.what}: {accepted}"
              + ("" if target.quick else " (not with --quick)"))


def say(text):
    print(text, file=sys.stderr, flush=True)


def describe(arguments, seeds, program):
    """What the report says of itself."""
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True).stdout.strip()
    settings = [f"{key}={value}" for key, value in arguments.settings]
    text = (f"{version or 'rewire'}; seeds {', '.join(map(str, seeds))}; "
            f"{'the small circuit of 1,000 neurons (--quick)' if arguments.quick else 'the circuit of 2,000 neurons'}")
    if settings:
        text += "; every run of the circuit with " + " ".join(settings)
    return {"text": text + ".", "version": version, "seeds": seeds, "quick": arguments.quick, "settings": settings}


def chosen_targets(arguments):
    """(targets to measure, targets that --quick leaves out)"""
    wanted = [target for target in TARGETS if not arguments.targets or target.id in arguments.targets]
    measured = [target for target in wanted if target.quick or not arguments.quick or arguments.targets]
    return measured, [target for target in wanted if target not in measured]


def plan(targets, seeds, extra):
    """Runs to make, each once, those of the first seed first."""
    names = dict.fromkeys(name for target in targets for name in target.uses)
    runs = [BY_NAME[name] for name in names] + [run for run in extra if run.name not in names]
    jobs = [(run, seed) for run in dict.fromkeys(runs) for seed in seeds_of(run, seeds)]
    return sorted(jobs, key=lambda job: seeds.index(job[1]))


def attempt(what, function, *arguments):
    """What a function returns; None if it fails, which is told: the verdicts are worth more than one figure."""
    try:
        return function(*arguments)
    except Exception as error:
        say(f"  {what} left out: {type(error).__name__}: {error}")
        return None


def draw(session, outcomes, seeds, screened):
    drawn = {"overview": attempt("overview", figures.overview, outcomes)}
    for function in (figures.main_run, figures.antagonists, figures.dose_response, figures.weeks):
        drawn[function.__name__] = attempt(function.__name__, function, session, seeds)
    return drawn | ({"screen": attempt("screen", figures.screen, screened)} if screened else {})


def main(words):
    arguments = parse(words)
    if arguments.list:
        list_targets()
        return 0
    program = Path(os.environ.get("REWIRE_PROGRAM", BUILD / "rewire"))
    seeds = list(range(1, (arguments.seeds or (2 if arguments.quick else 3)) + 1))
    targets, left_out = chosen_targets(arguments)
    whole = not arguments.targets
    trajectories = arguments.trajectories
    if trajectories is None:
        trajectories = 4 if whole and not arguments.quick else 0
    session = Session(arguments.output / ("runs-quick" if arguments.quick else "runs"), program, arguments.jobs,
                      arguments.quick, dict(arguments.settings), say)
    extra = arms.all_runs() if whole else []
    if whole and not arguments.quick:
        extra += [BY_NAME[f"dose_{amount}"] for amount in OTHER_DOSES]
    jobs = plan(targets, seeds, extra)
    start = time.monotonic()
    say(f"{len(targets)} targets, {len(jobs)} runs")
    session.make_all(jobs)
    outcomes = [verdict.assess(session, target, seeds) for target in targets]
    screened = None
    if trajectories:
        say("sensitivity")
        small = Session(arguments.output / "runs-morris", program, arguments.jobs, True, dict(arguments.settings), say)
        screened = sensitivity.screen(small, trajectories)
    made = {"outcomes": outcomes, "left_out": left_out, "calibrated": calibrated.calibrated(program),
            "arms": (attempt("arms", arms.assess, session, seeds) or []) if whole else [], "sensitivity": screened,
            "about": describe(arguments, seeds, program), "figures": draw(session, outcomes, seeds, screened)}
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "report.json").write_text(json.dumps(report.as_json(made), indent=1, allow_nan=False) + "\n")
    (arguments.output / "report.html").write_text(report.as_html(made))
    for outcome in outcomes:
        target = outcome.target
        print(f"{outcome.verdict}  {target.label:<20} {target.role:<11} {report.number(outcome.mean):>8} "
              f"± {report.number(outcome.spread, 2):<7} {report.range_text(target.low, target.high, target.unit)}"
              + (f"   {outcome.reason}" if outcome.reason else ""))
    print("\n".join(report.tally(outcomes)))
    say(f"report: {arguments.output / 'report.html'} ({time.monotonic() - start:.0f} s)")
    # A prediction that fails is a finding; only a run that failed is an error.
    return 1 if session.failed or (screened and screened["failed_runs"]) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
