"""From results to verdicts."""

import contextlib
import json
import math
import statistics
from dataclasses import dataclass, field

from .result import Result
from .runs import RunError, Simulation, seeds_of
from .sources import BY_NAME

PASS, FAIL = "pass", "fail"


def mean(values):
    """NaN of nothing, and of infinities of both signs, which `statistics` refuses."""
    values = list(values)
    return sum(values) / len(values) if values else math.nan


def spread(values):
    """Standard deviation over seeds; None of a single one, as one run has none."""
    values = list(values)
    return statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else None


@dataclass
class Outcome:
    """What was found of a target."""

    target: object
    values: dict = field(default_factory=dict)  # seed -> number; NaN where it could not be measured
    interval: tuple | None = None               # (low, high) of what has one of its own
    failed: str = ""                            # why a run or its measure is missing

    @property
    def mean(self):
        return mean(self.values.values())

    @property
    def spread(self):
        return spread(self.values.values())

    @property
    def verdict(self):
        """`pass` if every run could be measured and the mean lies in the accepted range."""
        within = not self.failed and math.isfinite(self.mean) and self.target.low <= self.mean <= self.target.high
        return PASS if within else FAIL

    @property
    def reason(self):
        """One line on why it fails; empty for what passes."""
        if self.verdict == PASS:
            return ""
        if self.failed:
            return self.failed.splitlines()[0]
        if not math.isfinite(self.mean):
            return "could not be measured: " + self.target.may_fail
        return self.target.may_fail


def load(session, source, seed):
    path = session.path(source, seed)
    return Result(path) if isinstance(source, Simulation) else json.loads(path.read_text())


def seeds_for(uses, seeds):
    """All seeds if any of the runs differs between them, else the first."""
    return seeds if any(BY_NAME[name].every_seed for name in uses) else seeds[:1]


def assess(session, target, seeds):
    """Measures one target on the runs that the session has made. Whatever goes wrong fails this target alone: results
    of hours are worth more than one measure."""
    outcome = Outcome(target)
    for seed in seeds_for(target.uses, seeds):
        try:
            with contextlib.ExitStack() as opened, np_quiet():
                loaded = []
                for name in target.uses:
                    source = BY_NAME[name]
                    own = seeds_of(source, seeds)
                    at = seed if seed in own else own[0]
                    if (name, at) in session.failed:
                        raise RunError(f"{name}, seed {at}: {session.failed[name, at]}")
                    result = load(session, source, at)
                    loaded.append(opened.enter_context(result) if isinstance(result, Result) else result)
                outcome.values[seed] = float(target.measure(*loaded))
                if target.interval:
                    outcome.interval = target.interval(*loaded)
        except RunError as error:
            outcome.failed = outcome.failed or f"a run failed: {error}"
        except Exception as error:
            outcome.failed = outcome.failed or f"could not be measured, seed {seed}: {type(error).__name__}: {error}"
    return outcome


def np_quiet():
    """A quotient of nothing is NaN, which fails; no warning is needed."""
    import numpy as np

    return np.errstate(divide="ignore", invalid="ignore")
