"""What the targets are measured on: runs of the program and of a few helpers, made once and shared."""

import concurrent.futures
import hashlib
import json
import os
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIGS = CHECKOUT / "configs"
BUILD = CHECKOUT / "build"
#: Whose populations and projections are the small circuit of --quick.
SMALL_CIRCUIT = CONFIGS / "demo_quick.toml"


class RunError(Exception):
    """A run that failed; its text is what the program said."""


@dataclass(frozen=True)
class Simulation:
    """A run of the program: a config and what is set in it."""

    name: str
    config: str                   # in configs/
    settings: dict = field(default_factory=dict, hash=False)  # key -> TOML, as after --set
    circuit: bool = True          # extends the prefrontal circuit, which --quick makes smaller
    every_seed: bool = True       # False: one run is enough, as nothing in it is random or it holds its own sample

    suffix = ".h5"


@dataclass(frozen=True)
class Helper:
    """Numbers that no run of the program gives: a function of (session, seed, scratch folder) that returns a dict."""

    name: str
    function: Callable
    every_seed: bool = True

    suffix = ".json"


def toml(value):
    """A value of a parsed config as TOML on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(x)}" for key, x in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def flat(table, prefix):
    """Nested tables as dotted keys: {"a": {"b": 1}} is {"prefix.a.b": "1"}."""
    settings = {}
    for key, value in table.items():
        name = f"{prefix}.{key}"
        settings |= flat(value, name) if isinstance(value, dict) else {name: toml(value)}
    return settings


def small_circuit(path=SMALL_CIRCUIT):
    """Settings that turn the prefrontal circuit into that of the teaching run."""
    config = tomllib.loads(Path(path).read_text())
    return flat(config["population"], "population") | flat(config["projection"], "projection")


def with_bases(path):
    """A config and all that it extends."""
    paths = [Path(path)]
    while (base := tomllib.loads(paths[-1].read_text()).get("extends")) is not None:
        paths.append(paths[-1].parent / base)
    return paths


@dataclass
class Session:
    """How and where runs are made."""

    folder: Path
    program: Path = BUILD / "rewire"
    jobs: int = 1
    quick: bool = False
    settings: dict = field(default_factory=dict)  # for every simulation of the circuit
    say: Callable = print
    failed: dict = field(default_factory=dict)    # (name, seed) -> what was said
    made: set = field(default_factory=set)        # (name, seed) of results that are current: made or found so

    def path(self, source, seed):
        return self.folder / f"{source.name}-{seed}{source.suffix}"

    def all_settings(self, simulation):
        common = (small_circuit() if self.quick else {}) | self.settings if simulation.circuit else {}
        return common | simulation.settings

    def command(self, simulation, seed, output):
        words = [self.program, "run", CONFIGS / simulation.config, "-o", output, "--force", "--quiet", "-t", "1",
                 "--seed", seed]
        for key, value in self.all_settings(simulation).items():
            words += ["--set", f"{key}={value}"]
        return [str(word) for word in words]

    def key(self, simulation, seed):
        """Changes with anything that changes the result: a run with the same key is not made again."""
        digest = hashlib.sha256(Path(self.program).read_bytes())
        for path in with_bases(CONFIGS / simulation.config):
            digest.update(path.read_bytes())
        digest.update(json.dumps([self.all_settings(simulation), seed], sort_keys=True).encode())
        return digest.hexdigest()

    def simulate(self, simulation, seed):
        path = self.path(simulation, seed)
        mark, key = path.with_suffix(".key"), self.key(simulation, seed)
        if path.exists() and mark.exists() and mark.read_text() == key:
            return
        mark.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(self.command(simulation, seed, path), capture_output=True, text=True)
        if done.returncode != 0:
            path.unlink(missing_ok=True)
            raise RunError(done.stderr.strip() or f"status {done.returncode}")
        mark.write_text(key)

    def make(self, source, seed):
        """Makes one run; a failure is kept and told, and ends nothing."""
        try:
            if isinstance(source, Simulation):
                self.simulate(source, seed)
            else:
                path = self.path(source, seed)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(source.function(self, seed, path.with_suffix(""))))
        except (RunError, OSError) as error:
            self.failed[source.name, seed] = str(error)
            self.say(f"  {source.name}, seed {seed}: failed: {str(error).splitlines()[0]}")
            return
        self.made.add((source.name, seed))
        self.say(f"  {source.name}, seed {seed}")

    def make_all(self, wanted):
        """Makes runs [(source, seed)], `jobs` at a time."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            waiting = [pool.submit(self.make, source, seed) for source, seed in wanted]
            try:
                for one in waiting:
                    one.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def seeds_of(source, seeds):
    return seeds if source.every_seed else seeds[:1]


def cores():
    return len(os.sched_getaffinity(0))
