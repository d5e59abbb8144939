"""Curves through lengths of which some are only known to be longer than a limit (Tobin 1958, Econometrica 26:24-36)."""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, exp, log, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_SPREAD = 1e-12
"""Of the errors of a logarithm: a perfect fit must not become infinite in results.json."""
_HALF_LOG_2_PI = log(2 * pi) / 2
_GRID = 24
_GOLDEN = (sqrt(5) - 1) / 2


class Points(NamedTuple):
    """Logarithms of lengths at sizes.

    Attributes:
        x: Size, (points,).
        y: Logarithm of the length, (points,).
        cut: Whether the length is only known to be at least that, (points,).
        weight: How much a point counts; 1 for a problem in all.
        cluster: Number of the problem.
    """

    x: Array
    y: Array
    cut: NDArray[np.bool_]
    weight: Array
    cluster: NDArray[np.intp]


class Curve(NamedTuple):
    """A curve of the median, fitted by maximum likelihood with log-normal errors.

    Attributes:
        at: Intercept and slope: of the length for a line, of its logarithm for an exponential.
        spread: Standard deviation of the logarithms around it.
        fit: Log-likelihood, as a density of the logarithms.
    """

    at: tuple[float, float]
    spread: float
    fit: float


def exponential(points: Points) -> Curve:
    """The curve exp(a + b x)."""
    x, y, cut, weight = _merged(points)
    (start, rate), spread, fit = tobit(np.column_stack([np.ones_like(x), x]), y, cut, weight)
    return Curve((float(start), float(rate)), spread, fit)


def straight(points: Points) -> Curve:
    """The curve a + b x, above 0 from the least to the largest size.

    a + b x = c (t + (1 - t) x / mean of x); for a t, c and the spread are those of a constant, so that only t is searched.
    """
    x, y, cut, weight = _merged(points)
    scaled = x / float(x.mean())
    # Above 0 at the least and the largest size: t in this open range.
    low, high = -float(scaled.min()) / (1 - float(scaled.min())), float(scaled.max()) / (float(scaled.max()) - 1)
    one = np.ones((len(scaled), 1))

    def fitted(t: float) -> tuple[Array, float, float]:
        return tobit(one, y - np.log(t + (1 - t) * scaled), cut, weight)

    step = (high - low) / _GRID
    best = max((low + step * i for i in range(1, _GRID)), key=lambda t: fitted(t)[2])
    best = _peak(lambda t: fitted(t)[2], max(best - step, low + step / 1e3), min(best + step, high - step / 1e3))
    (level,), spread, fit = fitted(best)
    return Curve((exp(level) * best, exp(level) * (1 - best) / float(x.mean())), spread, fit)


def tobit(design: Array, y: Array, cut: NDArray[np.bool_], weight: Array) -> tuple[Array, float, float]:
    """Maximum likelihood of y = design @ beta + normal errors, where y is only known to be at least so much if it is cut.

    Without a cut it is least squares. Else by Newton's method in beta / spread and 1 / spread, in which the likelihood is
    concave (Olsen 1978, Econometrica 46:1211-1215). The uncut points must tell beta on their own.

    Args:
        design: (points, coefficients), the first for the constant.
        y: (points,).
        cut: (points,), true where y is a lower bound.
        weight: (points,), of a point's log-likelihood.

    Returns:
        The coefficients, the standard deviation of the errors, and the log-likelihood.
    """
    root = np.sqrt(weight)[~cut]
    beta: Array = np.asarray(
        np.linalg.lstsq(design[~cut] * root[:, None], y[~cut] * root, rcond=None)[0], dtype=np.float64
    )
    errors = y[~cut] - design[~cut] @ beta
    spread = max(sqrt(float(weight[~cut] @ errors**2) / float(weight[~cut].sum())), LEAST_SPREAD)
    if not cut.any() or spread < 1e-9:  # where the uncut points lie on a curve, nothing is gained by moving it
        return beta, spread, _log_likelihood(design, y, cut, weight, beta, spread)
    mean = float(weight @ y) / float(weight.sum())  # numbers around 0 keep the equations well posed
    beta[0] -= mean
    at = np.append(beta, 1.0) / spread
    rows = np.column_stack([design, -(y - mean)])  # rows @ at = -(standardised error)
    value = _olsen(rows, cut, weight, at)
    for _ in range(100):
        gradient, hessian = _slopes(rows, cut, weight, at)
        move = np.linalg.solve(hessian, -gradient)
        gain, size = -float(gradient @ move), 1.0
        while size > 1e-8:
            there = at + size * move
            if there[-1] > 0 and (new := _olsen(rows, cut, weight, there)) >= value - 1e-12:
                at, value = there, new
                break
            size /= 2
        if abs(gain) < 1e-12 * (1 + abs(value)) or size <= 1e-8:
            break
    spread = 1 / float(at[-1])
    beta = at[:-1] * spread
    beta[0] += mean
    return beta, spread, _log_likelihood(design, y, cut, weight, beta, spread)


def sandwich(points: Points, curve: Curve, *, line: bool) -> Array:
    """The covariance of (intercept, slope, logarithm of the spread) that holds if errors are not as assumed.

    Problems are what is independent (Huber 1967; Liang & Zeger 1986), with the factor m / (m - 1) for m of them.

    Args:
        points: What was fitted.
        curve: The fit.
        line: Whether it is a line in the length, else one in its logarithm.
    """
    at = np.array([*curve.at, log(curve.spread)])

    def scores(at: Array) -> Array:
        height = at[0] + at[1] * points.x
        middle = np.log(height) if line else height
        per_height = 1 / height if line else np.ones_like(height)
        spread = exp(at[2])
        z = (points.y - middle) / spread
        hazard = z.copy()
        hazard[points.cut] = _hazard(z[points.cut])
        of_spread = np.where(points.cut, z * hazard, z * z - 1)
        by_height = hazard / spread * per_height
        return np.column_stack([by_height, by_height * points.x, of_spread]) * points.weight[:, None]

    steps = np.maximum(np.abs(at), [0.1 * abs(at[1]) + 1e-9, 1e-9, 1.0]) * 1e-5
    bread = np.empty((3, 3))
    for i, step in enumerate(steps):
        aside = np.eye(3)[i] * step
        bread[i] = (scores(at + aside).sum(axis=0) - scores(at - aside).sum(axis=0)) / (2 * step)
    of_problems = np.zeros((int(points.cluster.max()) + 1, 3))
    np.add.at(of_problems, points.cluster, scores(at))
    inverse = np.linalg.inv((bread + bread.T) / 2)
    count = len(of_problems)
    covariance: Array = count / (count - 1) * inverse @ (of_problems.T @ of_problems) @ inverse
    return covariance


def _merged(points: Points) -> tuple[Array, Array, NDArray[np.bool_], Array]:
    """x, y, cut and weight, equal points as one: of those that met the limit there is one for each size."""
    equal, where = np.unique(np.column_stack([points.x, points.y, points.cut]), axis=0, return_inverse=True)
    weight: Array = np.asarray(np.bincount(where.reshape(-1), weights=points.weight), dtype=np.float64)
    return equal[:, 0], equal[:, 1], equal[:, 2] == 1, weight


def _log_likelihood(
    design: Array, y: Array, cut: NDArray[np.bool_], weight: Array, beta: Array, spread: float
) -> float:
    z = (y - design @ beta) / spread
    known = -log(spread) - _HALF_LOG_2_PI - z[~cut] ** 2 / 2
    return float(weight[~cut] @ known) + float(weight[cut] @ _log_survival(z[cut]))


def _olsen(rows: Array, cut: NDArray[np.bool_], weight: Array, at: Array) -> float:
    z = -(rows @ at)
    known = log(at[-1]) - z[~cut] ** 2 / 2
    return float(weight[~cut] @ known) + float(weight[cut] @ _log_survival(z[cut]))


def _slopes(rows: Array, cut: NDArray[np.bool_], weight: Array, at: Array) -> tuple[Array, Array]:
    """First and second derivatives of the log-likelihood in Olsen's parameters."""
    z = -(rows @ at)
    first, second = z.copy(), np.ones_like(z)
    first[cut] = _hazard(z[cut])
    second[cut] = first[cut] * (first[cut] - z[cut])
    known = float(weight[~cut].sum())
    gradient: Array = rows.T @ (weight * first)
    gradient[-1] += known / at[-1]
    hessian: Array = -(rows.T * (weight * second)) @ rows
    hessian[-1, -1] -= known / at[-1] ** 2
    return gradient, hessian


def _hazard(z: Array) -> Array:
    """Density over survival of the standard normal."""
    return np.exp(-(z**2) / 2 - _HALF_LOG_2_PI - _log_survival(z))


def _log_survival(z: Array) -> Array:
    """The logarithm of the probability that a standard normal is above z."""
    return np.fromiter(map(_log_survival_of, z.tolist()), dtype=np.float64, count=len(z))


def _log_survival_of(z: float) -> float:
    if z < 25:
        return log(erfc(z / sqrt(2)) / 2)
    # The asymptotic series, where erfc comes near the least number (Abramowitz & Stegun 26.2.12); off by less than 1e-8.
    return -z * z / 2 - _HALF_LOG_2_PI - log(z) + log(1 - 1 / z**2 + 3 / z**4 - 15 / z**6)


def _peak(value: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one peak is largest, by golden sections."""
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = value(inner), value(outer)
    for _ in range(35):
        if at_inner >= at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - _GOLDEN * (high - low)
            at_inner = value(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + _GOLDEN * (high - low)
            at_outer = value(outer)
    return inner if at_inner >= at_outer else outer
