"""The program: see scripts/benchmark --help."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from . import machine
from .benches import Session, measure
from .networks import NETWORKS, OTHERS, all_names, default_names
from .report import write_report
from .simulate import BUILD, CHECKOUT


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measures rewire beside Brian2 and the limits of this machine, and writes "
                    "results/benchmark/report.md and report.json.",
        epilog="Without names it runs all of the default ones; see --list.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and end")
    parser.add_argument("--repetitions", type=positive, metavar="N", help="of each measurement (default 3; quick 2)")
    parser.add_argument("--threads", type=positive, metavar="N", help="greatest number of threads (default: all cores)")
    parser.add_argument("--quick", action="store_true", help="shorter runs, Brian2 in its known fastest setting")
    parser.add_argument("--no-peer", action="store_true", help="rewire alone")
    parser.add_argument("-o", "--output", type=Path, default=CHECKOUT / "results" / "benchmark", metavar="FOLDER",
                        help="default: results/benchmark")
    arguments = parser.parse_args(words)
    for name in arguments.names:
        if name not in all_names():
            parser.error(f"there is no benchmark {name}; see --list")
    return arguments


def list_benchmarks():
    for net in NETWORKS:
        print(f"  {net.name:<20} {net.title}, {net.duration_s} s{'' if net.default else ' (only when named)'}")
    for name, text in OTHERS.items():
        print(f"  {name:<20} {text}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def main(words):
    arguments = parse(words)
    if arguments.list:
        list_benchmarks()
        return 0
    names = list(dict.fromkeys(arguments.names or default_names()))
    if "delivery" in names and "limit" in names:
        names.remove("limit")  # delivery is measured in turns with it
    peer = not arguments.no_peer
    version = machine.brian2_version() if peer else None
    if peer and version is None:
        say("Brian2 is not installed: rewire runs alone")
        peer = False
    description = machine.describe(BUILD, version)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=arguments.output) as folder:
        session = Session(folder=Path(folder), threads=arguments.threads or machine.cores(),
                          repetitions=arguments.repetitions or (2 if arguments.quick else 3),
                          quick=arguments.quick, peer=peer, say=say)
        for name in names:
            start = time.monotonic()
            say(f"{name}")
            session.results[name] = measure(session, name)
            if "failed" in session.results[name]:
                say("  failed: " + session.results[name]["failed"])
            say(f"  ({time.monotonic() - start:.0f} s)")
            # After each, so that an interrupted benchmark leaves what it has measured.
            report = write_report(description, " ".join(words), session.results)
            (arguments.output / "report.md").write_text(report)
            (arguments.output / "report.json").write_text(
                json.dumps({"machine": description, "options": words, "results": session.results}, indent=1) + "\n")
    print(report)
    say(f"report: {arguments.output / 'report.md'}")
    return 1 if any("failed" in found for found in session.results.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
