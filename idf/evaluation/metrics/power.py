"""What `compare` can show: the power of the very tests that it makes."""

from __future__ import annotations

from functools import cache
from math import ceil, floor, log, log1p, sqrt
from typing import TYPE_CHECKING

import numpy as np

from .statistics import Z_POWER, Z, mcnemar

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.05
POWER = 0.8
_AWAY = 9.0  # standard deviations of a binomial that are summed over


def detectable_pairs(n: int, correlation: float = 0.5) -> float | None:
    """The smallest difference of two accuracies around 50 % that McNemar's exact test finds in 80 % of runs.

    The power is summed over all tables that n pairs can give, not taken from a normal approximation, which promises up to
    ten points more than the exact test has.

    Args:
        n: Pairs: problems that both runs answer once.
        correlation: Of the two runs' right answers. Where the difference leaves room for less only, the most that it does.

    Returns:
        A share; None if no difference is found so often: with fewer than six pairs none ever is.
    """
    return _detectable_pairs(n, correlation)


@cache
def _detectable_pairs(n: int, correlation: float) -> float | None:
    if power_of_pairs(n, 1.0, correlation) < POWER:
        return None
    low, high = 0.0, 1.0
    normal = (Z + Z_POWER) * sqrt((1 - correlation) / 2 / n)
    if normal < 0.5:  # the exact test needs a little more than the normal one, never twice as much
        low, high = normal, 2 * normal
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if power_of_pairs(n, middle, correlation) >= POWER else (middle, high)
    return high


def power_of_pairs(n: int, difference: float, correlation: float = 0.5) -> float:
    """How often McNemar's exact two-sided test at the 5 % level finds a difference.

    Args:
        n: Pairs.
        difference: Of two accuracies, as far above 50 % as below.
        correlation: As in `detectable_pairs`.

    Returns:
        The probability of p < .05, whichever run seems better.
    """
    variance = 0.25 - difference**2 / 4
    # Right in both: p_a p_b + r sqrt(p_a q_a p_b q_b), at most p_a; the rest is right in one alone.
    both = min(variance * (1 + correlation), 0.5 - difference / 2)
    losses, wins = 0.5 - difference / 2 - both, 0.5 + difference / 2 - both
    differing = losses + wins
    first, chances = _binomial(n, differing)
    power = 0.0
    for k, chance in enumerate(chances.tolist(), first):
        most = _most_losses(k)
        if most >= 0:
            least, of_wins = _binomial(k, wins / differing)
            rejected = of_wins[: max(0, most + 1 - least)].sum() + of_wins[max(0, k - most - least) :].sum()
            power += chance * float(rejected)
    return power


def detectable_flips(problems: int, spread: float) -> float | None:
    """The smallest mean difference that the sign-flip test at the 5 % level finds in 80 % of runs.

    The test asks how far the sum of differences lies from 0 in standard deviations that it has if signs are chance, the
    root of the sum of squares: d sqrt(m) = z_.975 sqrt(s^2 + d^2) + z_.8 s.

    Args:
        problems: m.
        spread: s, the standard deviation of the problems' differences around their mean.

    Returns:
        A mean difference; None if not even one of all problems alike is found: with fewer than six none ever is.
    """
    if problems < 6:
        return None
    low, high = 0.0, 10 * spread
    for _ in range(40):
        d = (low + high) / 2
        found = d * sqrt(problems) >= Z * sqrt(spread**2 + d**2) + Z_POWER * spread
        low, high = (low, d) if found else (d, high)
    return high


@cache
def _most_losses(k: int) -> int:
    """The most losses (or wins) of k differing pairs with which McNemar's test rejects; -1 if it never does."""
    if k < 1:
        return -1
    least, chances = _binomial(k, 0.5)
    twice = 2 * np.cumsum(chances)
    most = least + int(np.searchsorted(twice, LEVEL)) - 1
    # The sum is one of floating point: at the border the test itself decides.
    for losses in (most + 1, most):
        near = 0 <= losses - least < len(twice) and abs(twice[losses - least] - LEVEL) < 1e-9
        if near and 2 * losses < k:
            return losses if mcnemar(k - losses, losses) < LEVEL else losses - 1
    return most if most >= least else -1


def _binomial(n: int, p: float) -> tuple[int, NDArray[np.float64]]:
    """The least number of successes whose probability is worth a sum, and the probabilities from there on."""
    if p <= 0 or p >= 1:
        return (0 if p <= 0 else n), np.ones(1)
    away = _AWAY * sqrt(n * p * (1 - p)) + 10
    k = np.arange(max(0, floor(n * p - away)), min(n, ceil(n * p + away)) + 1)
    factorials = _log_factorials(1 << n.bit_length())
    logs = factorials[n] - factorials[k] - factorials[n - k] + k * log(p) + (n - k) * log1p(-p)
    return int(k[0]), np.exp(logs)


@cache
def _log_factorials(n: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
