"""From results to verdicts."""

import json
import math
import statistics
from dataclasses import dataclass, field

from .result import Result
from .runs import Simulation, seeds_of
from .sources import BY_NAME

PASS, FAIL = "pass", "fail"


@dataclass
class Outcome:
    """What was found of a target."""

    target: object
    values: dict = field(default_factory=dict)  # seed -> number; NaN where it could not be measured
    failed: str = ""                            # why a run is missing

    @property
    def mean(self):
        return statistics.fmean(self.values.values()) if self.values else math.nan

    @property
    def spread(self):
        """Standard deviation over seeds; 0 where nothing is random and of a single seed."""
        values = list(self.values.values())
        return statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else 0.0

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
            return "a run failed: " + self.failed.splitlines()[0]
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
    """Measures one target on the runs that the session has made."""
    outcome = Outcome(target)
    for seed in seeds_for(target.uses, seeds):
        loaded = []
        try:
            for name in target.uses:
                source = BY_NAME[name]
                own = seeds_of(source, seeds)
                at = seed if seed in own else own[0]
                if (name, at) in session.failed:
                    outcome.failed = outcome.failed or f"{name}, seed {at}: {session.failed[name, at]}"
                    break
                loaded.append(load(session, source, at))
            else:
                with np_quiet():
                    outcome.values[seed] = float(target.measure(*loaded))
        finally:
            for result in loaded:
                if isinstance(result, Result):
                    result.close()
    return outcome


def np_quiet():
    """A quotient of nothing is NaN, which fails; no warning is needed."""
    import numpy as np

    return np.errstate(divide="ignore", invalid="ignore")
