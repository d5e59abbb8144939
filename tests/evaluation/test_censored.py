"""Curves through lengths of which some met a limit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from idf.evaluation.metrics.censored import Points, exponential, sandwich, straight
from idf.evaluation.metrics.growth import growth
from tests.evaluation.samples import row

POINTS = Points(
    x=np.array([3, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 10.0]),
    y=np.array([5.2, 4.9, 5.5, 5.3, 5.9, 5.8, 6.3, 5.9, 6.4, 6.4, 6.1, 6.4]),
    cut=np.array([False] * 8 + [True, True, False, True]),
    weight=np.array([1, 1, 1, 0.5, 0.5, 1, 1, 1, 1, 1, 1, 1]),
    cluster=np.arange(12),
)


def test_the_fits_are_those_of_another_optimiser():
    """scipy 1.17.1: `optimize.minimize` by Nelder-Mead on `stats.norm.logpdf` and, where cut, `stats.norm.logsf`."""
    found = exponential(POINTS)
    assert found.at == (pytest.approx(4.568109296, abs=1e-6), pytest.approx(0.205486679, abs=1e-7))
    assert (found.spread, found.fit) == (pytest.approx(0.291544423, abs=1e-6), pytest.approx(-3.5042364005, abs=1e-8))
    found = straight(POINTS)
    assert found.at == (pytest.approx(-57.315048, rel=1e-4), pytest.approx(71.412172, rel=1e-4))
    assert (found.spread, found.fit) == (pytest.approx(0.254102052, abs=1e-5), pytest.approx(-2.6219953649, abs=1e-7))


def test_without_a_cut_the_exponential_is_least_squares_and_its_errors_those_of_huber():
    x, y = POINTS.x, POINTS.y
    whole = POINTS._replace(cut=np.zeros(12, dtype=bool), weight=np.ones(12))
    found = exponential(whole)
    rate, start = np.polyfit(x, y, 1)
    assert found.at == (pytest.approx(start), pytest.approx(rate))
    errors, design = y - start - rate * x, np.column_stack([np.ones(12), x])
    inverse = np.linalg.inv(design.T @ design)
    huber = inverse @ (design.T * errors**2) @ design @ inverse * 12 / 11
    # That of the spread is estimated beside them, which moves them in the third digit.
    assert np.sqrt(np.diag(sandwich(whole, found, line=False))[:2]) == pytest.approx(np.sqrt(np.diag(huber)), rel=0.02)


def test_lengths_that_lie_on_a_curve_can_be_fitted_and_written_down():
    def cut_at(most: int, mean: object) -> list[object]:
        lengths = [(size, i, int(mean(size))) for size in range(3, 16) for i in range(4)]  # type: ignore[operator]
        return [
            row(
                id=f"{size} {i}",
                size=size,
                completion_tokens=min(most, length),
                finish_reason="length" if length > most else "stop",
            )
            for size, i, length in lengths
        ]

    for most, mean, shape in (
        (250, lambda size: 10 + 20 * size, "linear"),
        (90_000, lambda size: 10 * 2**size, "exponential"),
    ):
        fit = growth(cut_at(most, mean)) or {}
        assert fit["cut_off"] > 0
        assert fit["better"] == shape
        json.dumps(fit, allow_nan=False)
