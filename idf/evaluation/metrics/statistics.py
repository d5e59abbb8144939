"""Closed forms: intervals for shares, tests for pairs, and what a sample of some size can show at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import atan, comb, cos, gcd, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution: intervals have 95 %, tests a level of 5 %."""
Z_POWER = 0.8416212335729143
"""Its 80 % point: the power of `detectable`."""


def wilson(correct: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval for a share (Wilson 1927); honest for small n, where the normal one is too narrow.

    Args:
        correct: How many are right; not whole if both numbers were divided by a design effect.
        n: Out of how many.

    Raises:
        ValueError: n is not positive.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one item")
    p = correct / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    # At 0 % and 100 % the formula touches the end exactly; rounding must not move it off.
    return (0.0 if correct <= 0 else max(0.0, centre - half)), (1.0 if correct >= n else min(1.0, centre + half))


def effective_rows(clusters: Sequence[tuple[int, int]]) -> float:
    """How many independent rows know as much of a share as these do.

    The rows divided by the design effect: the linearised variance of a ratio over clusters, divided by that of simple
    random sampling (Kish 1965), and widened for the few clusters it is estimated from (Korn & Graubard 1998, Survey
    Methodology 24:193-201). It is held between n (rows that do not help each other are not worth more than independent
    ones) and n^2 over the sum of squared cluster sizes (every row of a cluster is the same). The latter is taken where the
    data cannot tell: all right, all wrong, or a single cluster. Without repeated clusters it is exactly n.

    Args:
        clusters: (right, rows) of each cluster.
    """
    n, count = sum(rows for _, rows in clusters), len(clusters)
    least = n * n / sum(rows * rows for _, rows in clusters)
    p = sum(right for right, _ in clusters) / n
    if n == count:
        return float(n)
    if count < 2 or not 0 < p < 1:
        return least
    spread = count / (count - 1) * sum((right - p * rows) ** 2 for right, rows in clusters) / (n * n)
    if spread == 0:
        return float(n)
    effect = spread / (p * (1 - p) / (n - 1)) * (student95(count - 1) / student95(n - 1)) ** 2
    return min(max(least, n / effect), float(n))


def detectable(n: float) -> float:
    """The smallest difference of two accuracies near 50 % that n items each, different ones, show with 80 % power.

    (z_.975 + z_.8) sqrt(2 p (1 - p) / n), for a two-sided z-test at the 5 % level (Miller 2024, section 5).

    Args:
        n: Independent items of each run.
    """
    return min(1.0, (Z + Z_POWER) * sqrt(2 * 0.25 / n))


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p-value of McNemar's test: the binomial one over the pairs that differ (McNemar 1947)."""
    n = wins + losses
    tail = sum(comb(n, i) for i in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / 2**n)


def sign_flip(differences: Iterable[int]) -> float:
    """The exact two-sided p-value of the sign-flip test: how often random signs give a sum as far from 0 (Fisher 1935).

    With differences of -1, 0 and 1 it is McNemar's. The distribution of the sum is built by adding one difference at a
    time, so that nothing is drawn at random.

    Args:
        differences: One whole number for each independent unit.
    """
    signed = [value for value in differences if value]
    unit = gcd(*signed) if signed else 1
    steps = [abs(value) // unit for value in signed]
    total = sum(steps)
    chances = np.zeros(2 * total + 1)  # of each sum from -total to total
    chances[total] = 1.0
    for step in steps:
        chances = (np.roll(chances, step) + np.roll(chances, -step)) / 2  # never wraps: the ends are 0 until the last
    reached = abs(sum(signed)) // unit
    return min(1.0, float(chances[: total - reached + 1].sum() + chances[total + reached :].sum())) if steps else 1.0


class Table(NamedTuple):
    """How many pairs were right in both runs, in the second alone, in the first alone, in neither."""

    both: int
    wins: int
    losses: int
    neither: int


def newcombe_paired(pairs: Table) -> tuple[float, float]:
    """The 95 % interval of the difference of two paired shares, second minus first.

    Method 10 of Newcombe 1998, Statistics in Medicine 17:2635-2650: the Wilson intervals of the two shares, joined with
    their correlation, which is corrected for continuity.
    """
    both, wins, losses, neither = pairs
    n = sum(pairs)
    second, first = (both + wins) / n, (both + losses) / n
    low2, high2 = wilson(both + wins, n)
    low1, high1 = wilson(both + losses, n)
    margins = (both + wins) * (losses + neither) * (both + losses) * (wins + neither)
    excess: float = both * neither - wins * losses
    if excess > 0:
        excess = max(0.0, excess - n / 2)
    phi = excess / sqrt(margins) if margins else 0.0
    below, above = second - low2, high2 - second
    below1, above1 = first - low1, high1 - first
    difference = (wins - losses) / n
    low = difference - sqrt(max(0.0, below**2 - 2 * phi * below * above1 + above1**2))
    high = difference + sqrt(max(0.0, above**2 - 2 * phi * above * below1 + below1**2))
    return max(-1.0, low), min(1.0, high)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for asking several questions at once (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


def pass_at_k(n: int, correct: int, k: int) -> float:
    """The chance that k of n samples, drawn without repetition, hold a right one (Chen et al. 2021, equation 1).

    Raises:
        ValueError: There are fewer than k samples.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs at least {k} samples, not {n}")
    return 1 - comb(n - correct, k) / comb(n, k)


@lru_cache(maxsize=1024)
def student95(freedom: int) -> float:
    """The 97.5 % point of Student's t with a whole number of degrees of freedom, by bisection on its distribution.

    Raises:
        ValueError: There is no degree of freedom.
    """
    if freedom < 1:
        raise ValueError("Student's t needs at least one degree of freedom")
    low, high = 1.0, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_within(middle, freedom) < 0.95 else (low, middle)
    return (low + high) / 2


def student_within(t: float, freedom: int) -> float:
    """The probability that |T| < t, as a finite sum (Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = 0.0
    for i in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cos(angle) ** 2 * (i - 1) / i
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
