"""The smallest difference that would have been seen: what a null comes with."""

from __future__ import annotations

from math import sqrt

from bench.study._statistics import Effect
from idf.evaluation import student95, student_within

POWER = 0.8


def smallest_seen(effect: Effect) -> float | None:
    """The difference that a test of this spread finds in four studies of five, at the 5 % level; None if nothing varied.

    By Student's t: (t of 97.5 % + t of 80 %) standard errors.

    Args:
        effect: A difference with its interval.
    """
    if effect.freedom < 1:
        return None
    error = (effect.high - effect.mean) / student95(effect.freedom)
    return _times(effect.freedom) * error


def foreseen(seeds: int, items: int, seed_deviation: float, correlation: float = 0.5) -> float:
    """The same before anything is run, from how far the difference varies from seed to seed.

    Args:
        seeds: How many there are.
        items: How many there are.
        seed_deviation: Standard deviation of a seed's difference beyond that of its items, as a share.
        correlation: Of right answers of two arms to one item, both around 50 %.
    """
    of_items = 2 * 0.25 * (1 - correlation) / (seeds * items)
    error = sqrt(seed_deviation**2 / seeds + of_items)
    return _times(seeds - 1) * error


def _times(freedom: int) -> float:
    low, high = 0.0, 3.0  # of two sides, 60 % lie within the point that 80 % lie below
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if student_within(middle, freedom) < 2 * POWER - 1 else (low, middle)
    return student95(freedom) + low
