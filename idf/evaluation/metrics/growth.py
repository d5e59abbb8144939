"""How tokens grow with the size of a problem, responses that were cut off included."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from .censored import Curve, Points, exponential, sandwich, straight
from .problems import problem_of
from .row import Row
from .statistics import student95
from .tokens import tokens_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_PROBLEMS = 12  # below, the shape of the growth is not judged
FEWEST_SIZES = 3
MOST_CUT = 0.25
"""Above this share of responses that were cut off, the shape is not judged: the fit then rests on errors having the form that
it assumes. With a spread that grows, half of them cut off, it is wrong in more than 5 % of runs (bench/growth.py)."""
CLEAR = 3.84
"""A difference of AIC that tells two curves apart: the 5 % point of a likelihood ratio with one degree of freedom. One so
large for the wrong curve comes in at most 2.5 % of runs of many problems (Royall 2000, J. Am. Stat. Assoc. 95:760-768); the
rest up to 5 % is for few problems and for errors of another form."""


def growth(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Whether tokens grow linearly or exponentially with the size of a problem.

    Two curves of the median are fitted by maximum likelihood and compared by AIC as densities of the tokens themselves,
    both with errors in proportion to the curve: otherwise the choice would be one between kinds of noise, not of growth.
    A response that met the limit counts as one that is at least so long (Tobin's model); without it, whatever grows beyond
    the limit would seem to bend towards it.

    Where nothing was cut off, each problem is one point: the mean of its samples. Else each response is one, and those of
    a problem share its weight.

    Returns:
        "n": rows, "cut_off" of them because they met the limit; "problems"; "linear": "slope" of the mean (tokens per
        step), "ci95", "aic", "at": the curve of the median that AIC judged, [intercept, slope]; "exponential": "rate" (of
        the logarithm, per step), "ci95", "aic", "at": [intercept, rate]; "better": the smaller AIC, or "undecided": by
        less than 3.84, no growth beyond chance, more than a quarter of the responses cut off, or fewer than 3 sizes or 12
        problems of which some response was not. None if there is too little to fit.
        Slope and rate are least squares with errors that hold for unequal spread (HC3, Long & Ervin 2000) if nothing was
        cut off, else those of the curves, with errors that hold if theirs are not log-normal (Huber 1967). Intervals are
        Student's.
    """
    lengths: dict[tuple[str, int], list[tuple[int, bool]]] = {}
    for row in rows:
        if (count := tokens_of(row)) is not None:
            lengths.setdefault((problem_of(row), row.size), []).append((count, row.finish_reason == "length"))
    # The order of rows must not decide over the last digit.
    ordered = sorted((size, sorted(counts)) for (_, size), counts in lengths.items())
    known = [size for size, counts in ordered if not all(cut for _, cut in counts)]
    if len(known) < 5 or len(set(known)) < 2:
        return None
    cut_off = sum(cut for _, counts in ordered for _, cut in counts)
    points = _responses(ordered) if cut_off else _problems(ordered)
    line, curve = straight(points), exponential(points)
    if cut_off:
        slope, slope95, rate, rate95 = _of_curves(points, line, curve)
    else:
        means = np.array([sum(count for count, _ in counts) / len(counts) for _, counts in ordered])
        (slope, slope95), (rate, rate95) = _least_squares(points.x, means), _least_squares(points.x, points.y)
    jacobian = float((points.weight * points.y)[~points.cut].sum())
    linear_aic, exponential_aic = (2 * 3 - 2 * (fit - jacobian) for fit in (line.fit, curve.fit))
    better = "linear" if linear_aic < exponential_aic else "exponential"
    grows = slope95[0] > 0 and rate95[0] > 0
    n = sum(len(counts) for _, counts in ordered)
    enough = len(known) >= FEWEST_PROBLEMS and len(set(known)) >= FEWEST_SIZES and cut_off <= MOST_CUT * n
    if not enough or not grows or not abs(linear_aic - exponential_aic) >= CLEAR:
        better = "undecided"
    return {
        "n": n,
        "problems": len(ordered),
        "cut_off": cut_off,
        "linear": {"slope": slope, "ci95": slope95, "aic": linear_aic, "at": line.at},
        "exponential": {"rate": rate, "ci95": rate95, "aic": exponential_aic, "at": curve.at},
        "better": better,
    }


Lengths = Sequence[tuple[int, Sequence[tuple[int, bool]]]]
"""(size, (tokens, whether cut off) of each response) of each problem."""
Interval = tuple[float, float]


def _problems(lengths: Lengths) -> Points:
    """A point for each problem: the mean of the logarithms of its responses, none of which is cut off."""
    n = len(lengths)
    x = np.array([size for size, _ in lengths], dtype=np.float64)
    y = np.array([sum(log(count) for count, _ in counts) / len(counts) for _, counts in lengths])
    return Points(x, y, np.zeros(n, dtype=bool), np.ones(n), np.arange(n))


def _responses(lengths: Lengths) -> Points:
    """A point for each response; those of a problem share its weight."""
    told = [
        (size, log(count), cut, 1 / len(counts), number)
        for number, (size, counts) in enumerate(lengths)
        for count, cut in counts
    ]
    x, y, cut, weight, cluster = zip(*told)
    return Points(
        np.array(x, dtype=np.float64), np.array(y), np.array(cut, dtype=bool), np.array(weight), np.array(cluster)
    )


def _of_curves(points: Points, line: Curve, curve: Curve) -> tuple[float, Interval, float, Interval]:
    """Slope of the mean and rate, each with its interval, of curves that were fitted with responses cut off."""
    t = student95(int(points.cluster.max()) + 1 - 2)
    # With log-normal errors a mean is exp(spread^2 / 2) times the median.
    times = exp(line.spread**2 / 2)
    slope = line.at[1] * times
    by_parameter = np.array([0.0, times, slope * line.spread**2])
    error = sqrt(float(by_parameter @ sandwich(points, line, line=True) @ by_parameter))
    rate, rate_error = curve.at[1], sqrt(float(sandwich(points, curve, line=False)[1, 1]))
    return slope, (slope - t * error, slope + t * error), rate, (rate - t * rate_error, rate + t * rate_error)


def _least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, Interval]:
    """Slope of a least-squares line, and its 95 % interval."""
    away = x - x.mean()
    spread = float(away @ away)
    slope = float(away @ y) / spread
    intercept = float(y.mean()) - slope * float(x.mean())
    leverage = 1 / len(x) + away**2 / spread
    # A point with all the leverage has no residual to speak of: it is kept from dividing by nothing.
    residuals = (y - intercept - slope * x) / np.maximum(1 - leverage, 1e-9)
    margin = student95(len(x) - 2) * sqrt(float(((away * residuals) ** 2).sum())) / spread
    return slope, (slope - margin, slope + margin)
