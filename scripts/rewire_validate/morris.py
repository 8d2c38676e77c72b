"""Elementary effects (Morris 1991, Technometrics 33:161), with the mean of their sizes of Campolongo et al. 2007
(Environ Model Softw 22:1509). Factors run from 0 to 1 on a grid of `levels` points; a trajectory moves one factor after
the other by delta = levels / (2 (levels - 1)), so that the effects of k factors take k + 1 evaluations."""

from dataclasses import dataclass

import numpy as np

LEVELS = 4


def step(levels=LEVELS):
    return levels / (2 * (levels - 1))


def trajectory(factors, random, levels=LEVELS):
    """Points (factors + 1, factors) of one trajectory; neighbours differ in one factor, by `step`.

    levels: an even number of 2 or more, so that up and down are equally likely from every point.
    """
    if levels < 2 or levels % 2:
        raise ValueError(f"levels = {levels}: must be even, 2 or more")
    delta = step(levels)
    low = random.integers(0, levels // 2, factors) / (levels - 1)  # those that allow a step up
    up = random.random(factors) < 0.5
    points = np.empty((factors + 1, factors))
    points[0] = np.where(up, low, low + delta)
    for row, factor in enumerate(random.permutation(factors), start=1):
        points[row] = points[row - 1]
        points[row, factor] += delta if up[factor] else -delta
    return points


def effects(points, outputs):
    """Elementary effect of each factor in one trajectory: change of the output by change of the factor. A factor whose
    output is not finite has NaN."""
    outputs = np.asarray(outputs, float)
    found = np.full(points.shape[1], np.nan)
    for row in range(1, len(points)):
        difference = points[row] - points[row - 1]
        factor = int(np.argmax(np.abs(difference)))
        found[factor] = (outputs[row] - outputs[row - 1]) / difference[factor]
    return found


@dataclass
class Indices:
    """Per factor, over trajectories."""

    mean: np.ndarray       # mu: with its sign
    mean_size: np.ndarray  # mu*: influence
    spread: np.ndarray     # sigma: 0 for a factor that acts linearly and alone


def indices(found):
    """Of effects (trajectories, factors); NaN are left out, a factor without any has NaN."""
    found = np.atleast_2d(found)
    rows = [column[np.isfinite(column)] for column in found.T]
    of = lambda function, least=1: np.array([function(x) if len(x) >= least else np.nan for x in rows])  # noqa: E731
    return Indices(of(np.mean), of(lambda x: np.mean(np.abs(x))), of(lambda x: np.std(x, ddof=1), 2))
