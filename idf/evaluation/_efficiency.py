"""What an answer costs: accuracy within a budget of tokens, and how tokens grow with the solution's length."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi, sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from ._problems import problem_of
from ._row import Row
from ._statistics import student95
from ._tokens import tokens_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUDGETS = (512, 1024, 2048, 4096, 8192)
FEWEST_PROBLEMS = 12  # below, the shape of the growth is not judged
FEWEST_SIZES = 3
CLEAR = 2.0  # a difference of AIC that tells two models apart (Burnham & Anderson 2002, section 2.6)


def efficiency(rows: Sequence[Row]) -> dict[str, Any]:
    """The efficiency of one world and mode.

    Returns:
        "without_tokens": rows that do not say their tokens; "budgets": [tokens, share of rows that are right within so
        many tokens] (a failed or empty response is not right within any; other rows without a count are left out; empty
        if no row has a count); "by_size": [`World.size`, rows, right ones, median of tokens or None]; "growth": see
        `growth`.
    """
    counts = [(row, tokens_of(row)) for row in rows]
    known = [count for _, count in counts if count is not None]
    # Only what was answered can be unknown: a failure stays in the denominator.
    judged = [(row, count) for row, count in counts if count is not None or row.error in ("error", "empty")]
    budgets = [
        [budget, sum(row.correct and count is not None and count <= budget for row, count in judged) / len(judged)]
        for budget in (BUDGETS if known else ())
    ]
    by_size = []
    for size in sorted({row.size for row in rows}):
        mine = [(row, count) for row, count in counts if row.size == size]
        lengths = [count for _, count in mine if count is not None]
        by_size.append([size, len(mine), sum(row.correct for row, _ in mine), median(lengths) if lengths else None])
    return {
        "without_tokens": len(rows) - len(known),
        "budgets": budgets,
        "by_size": by_size,
        "growth": growth(rows),
    }


def growth(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Whether tokens grow linearly or exponentially with the size of a problem.

    Each problem is one point: the mean of its tokens for the slope, of their logarithms for the rate. Both are least
    squares; their intervals are Student's, with errors that hold for unequal spread (HC3, Long & Ervin 2000).
    The two shapes are compared by AIC as densities of the tokens themselves (the logarithm's Jacobian is added), both with
    errors in proportion to the mean: otherwise the choice would be one between kinds of noise, not of growth.

    Returns:
        "n": rows; "problems"; "cut_off": rows left out because they met the limit; "linear": "slope" (tokens per step),
        "ci95", "aic", "at": the curve [intercept, slope] that AIC judged; "exponential": "rate" (of the logarithm, per
        step), "ci95", "aic", "at": [intercept, rate]; "better": the smaller AIC, or "undecided": by less than 2, no
        growth beyond chance, fewer than 3 sizes, or fewer than 12 problems. None if there is too little to fit.
    """
    points: dict[tuple[str, int], list[int]] = {}
    cut_off = n = 0
    for row in rows:
        count = tokens_of(row)
        if count is None:
            continue
        if row.finish_reason == "length":
            cut_off += 1  # how long it would have become is not known
            continue
        n += 1
        points.setdefault((problem_of(row), row.size), []).append(count)
    ordered = sorted((size, sorted(counts)) for (_, size), counts in points.items())
    sizes = np.array([size for size, _ in ordered], dtype=np.float64)
    if len(ordered) < 5 or sizes.min() == sizes.max():
        return None
    means = np.array([fmean(counts) for _, counts in ordered])
    logs = np.array([fmean(map(log, counts)) for _, counts in ordered])
    slope, slope95, _ = _line(sizes, means)
    rate, rate95, start = _line(sizes, logs)
    jacobian = float(logs.sum())
    straight = _straight(sizes, logs)
    linear_aic = _aic(logs - np.log(straight[0] + straight[1] * sizes), jacobian)
    exponential_aic = _aic(logs - (start + rate * sizes), jacobian)
    better = "linear" if linear_aic < exponential_aic else "exponential"
    grows = slope95[0] > 0 and rate95[0] > 0
    enough = len(ordered) >= FEWEST_PROBLEMS and len(set(sizes.tolist())) >= FEWEST_SIZES
    if not enough or not grows or not abs(linear_aic - exponential_aic) >= CLEAR:
        better = "undecided"
    return {
        "n": n,
        "problems": len(ordered),
        "cut_off": cut_off,
        "linear": {"slope": slope, "ci95": slope95, "aic": linear_aic, "at": straight},
        "exponential": {"rate": rate, "ci95": rate95, "aic": exponential_aic, "at": (start, rate)},
        "better": better,
    }


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, tuple[float, float], float]:
    """Slope, its 95 % interval, and intercept of a least-squares line."""
    away = x - x.mean()
    spread = float(away @ away)
    slope = float(away @ y) / spread
    intercept = float(y.mean()) - slope * float(x.mean())
    leverage = 1 / len(x) + away**2 / spread
    # A point with all the leverage has no residual to speak of: it is kept from dividing by nothing.
    residuals = (y - intercept - slope * x) / np.maximum(1 - leverage, 1e-9)
    error = sqrt(float(((away * residuals) ** 2).sum())) / spread
    margin = student95(len(x) - 2) * error
    return slope, (slope - margin, slope + margin), intercept


def _straight(x: NDArray[np.float64], logs: NDArray[np.float64]) -> tuple[float, float]:
    """Intercept and slope of the line whose logarithm is nearest to the logarithms, and which stays above 0.

    a + b x = c (t + (1 - t) x / mean of x); the best c for a t is a mean, so that only t is searched.
    """
    scaled = x / float(x.mean())
    # Above 0 at the least and the largest size: t in this open range.
    lowest = -float(scaled.min()) / (1 - float(scaled.min()))
    highest = float(scaled.max()) / (float(scaled.max()) - 1)

    def error(t: float) -> tuple[float, float]:
        residuals = logs - np.log(t + (1 - t) * scaled)
        return float(residuals.var()), float(residuals.mean())

    best, step = 0.0, (highest - lowest) / 200
    best = min((lowest + step * i for i in range(1, 200)), key=lambda t: error(t)[0])
    for _ in range(40):
        step /= 2
        near = [t for t in (best - step, best, best + step) if lowest < t < highest]
        best = min(near, key=lambda t: error(t)[0])
    level = float(np.exp(error(best)[1]))
    return level * best, level * (1 - best) / float(x.mean())


def _aic(residuals: NDArray[np.float64], jacobian: float) -> float:
    """AIC of a curve of two numbers with log-normal errors, as a density of the tokens."""
    n = len(residuals)
    variance = max(float(residuals @ residuals) / n, 1e-24)  # a perfect fit must not become infinite in results.json
    return n * (log(2 * pi * variance) + 1) + 2 * jacobian + 2 * 3
