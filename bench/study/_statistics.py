"""Differences over seeds and items at once: what another seed and other problems would have shown.

Every seed answers every item, so an outcome has two sources of chance that cross: which seed, and which item. Both are drawn
from many, and both must be in the interval. The model is y[s, i] = mean + seed[s] + item[i] + rest[s, i]; the variance of the
mean is estimated from the three mean squares of that table, and its degrees of freedom by Satterthwaite 1946 (Searle, Casella &
McCulloch 1992, *Variance Components*, chapter 4). A bootstrap over five seeds would be too narrow by a tenth before it begins,
and a sign-flip test over them cannot give a p below 1/16.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from idf.evaluation import PairTable, mcnemar, newcombe_paired, student95, student_within, wilson

Outcomes = NDArray[np.float64]
"""(seeds, items): 1 for right, 0 for wrong."""


@dataclass(frozen=True)
class Effect:
    """A mean over seeds and items, or a difference of two.

    Attributes:
        mean: The mean.
        low, high: Its 95 % interval.
        p: Two-sided, of the mean being 0; 1 for a mean that is no difference.
        seeds: The mean of each seed.
        freedom: Degrees of freedom of Student's t; 0 where nothing varies, and the interval is one for shares.
    """

    mean: float
    low: float
    high: float
    p: float
    seeds: tuple[float, ...]
    freedom: int


@dataclass(frozen=True)
class Spread:
    """The variance of a mean over a crossed table.

    Attributes:
        variance: Of the mean.
        freedom: Its degrees of freedom, rounded down.
    """

    variance: float
    freedom: int


def spread(table: Outcomes) -> Spread:
    """The variance of the mean of a crossed table of seeds and items; of one seed, over items alone.

    It is never less than seeds alone, or items alone, would make it: where the estimate of one of the two components is
    negative, the other one decides.

    Args:
        table: (seeds, items).
    """
    seeds, items = table.shape
    mean = table.mean()
    of_seeds, of_items = table.mean(axis=1), table.mean(axis=0)
    by_item = seeds * ((of_items - mean) ** 2).sum() / (items - 1)
    if seeds == 1:
        return Spread(by_item / items, items - 1)
    by_seed = items * ((of_seeds - mean) ** 2).sum() / (seeds - 1)
    rest_freedom = (seeds - 1) * (items - 1)
    rest = ((table - of_seeds[:, None] - of_items + mean) ** 2).sum() / rest_freedom
    both = by_seed + by_item - rest
    if both < max(by_seed, by_item):
        larger, freedom = max((by_seed, seeds - 1), (by_item, items - 1))
        return Spread(larger / (seeds * items), freedom)
    if both == 0:
        return Spread(0.0, 0)
    parts = by_seed**2 / (seeds - 1) + by_item**2 / (items - 1) + rest**2 / rest_freedom
    return Spread(both / (seeds * items), max(1, int(both**2 / parts)))


def accuracy(table: Outcomes) -> Effect:
    """The mean of outcomes with its interval; Wilson's over items where nothing varies.

    Args:
        table: (seeds, items), each from 0 to 1.
    """
    mean, found = float(table.mean()), spread(table)
    per_seed = tuple(map(float, table.mean(axis=1)))
    items = table.shape[1]
    if found.variance <= _NOTHING:
        return Effect(mean, *wilson(mean * items, items), 1.0, per_seed, 0)
    half = student95(found.freedom) * sqrt(found.variance)
    return Effect(mean, max(0.0, mean - half), min(1.0, mean + half), 1.0, per_seed, found.freedom)


def difference(first: Outcomes, second: Outcomes) -> Effect:
    """The mean of second minus first, paired over seeds and items.

    Where all pairs differ by the same, the interval is Newcombe's for as many pairs as there are items, and the p McNemar's.

    Args:
        first: (seeds, items).
        second: The same seeds and items.

    Raises:
        ValueError: The two tables are of different shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"tables of {first.shape} and {second.shape} cannot be paired")
    table = second - first
    mean, found = float(table.mean()), spread(table)
    per_seed = tuple(map(float, table.mean(axis=1)))
    items = table.shape[1]
    if found.variance <= _NOTHING:
        wins, losses = (items if sign * mean > 0.5 else 0 for sign in (1, -1))
        both = 0 if wins or losses else round(float(first.mean()) * items)
        pairs = PairTable(both, wins, losses, items - both - wins - losses)
        return Effect(mean, *newcombe_paired(pairs), mcnemar(wins, losses), per_seed, 0)
    error = sqrt(found.variance)
    half = student95(found.freedom) * error
    p = max(0.0, 1 - student_within(abs(mean) / error, found.freedom))
    return Effect(mean, max(-1.0, mean - half), min(1.0, mean + half), p, per_seed, found.freedom)


_NOTHING = 1e-15
"""A variance that is 0 but for rounding."""
