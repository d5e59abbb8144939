"""Means and differences over seeds and items: values worked out by hand, and how often an interval holds the truth."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from bench.study import accuracy, difference
from bench.study._statistics import spread
from idf.evaluation import PairTable, newcombe_paired, student95, wilson


def test_the_variance_of_a_small_table_is_that_worked_out_by_hand():
    # Means of seeds 3 and 7, of items 2, 5 and 8, of all 5; what the two leave is -1 0 1 / 1 0 -1.
    table = np.array([[-1.0, 3.0, 7.0], [5.0, 7.0, 9.0]])
    by_seed, by_item, rest = 3 * (4 + 4) / 1, 2 * (9 + 0 + 9) / 2, 4 / 2
    found = spread(table)
    assert found.variance == pytest.approx((by_seed + by_item - rest) / 6)
    parts = by_seed**2 / 1 + by_item**2 / 2 + rest**2 / 2
    assert found.freedom == int((by_seed + by_item - rest) ** 2 / parts) == 2


def test_seeds_without_items_are_students_t_over_seeds():
    table = np.repeat(np.array([[0.1], [0.3], [0.2], [0.5], [0.4]]), 40, axis=1)
    found = difference(np.zeros_like(table), table)
    error = np.std([0.1, 0.3, 0.2, 0.5, 0.4], ddof=1) / sqrt(5)
    assert found.freedom == 4
    assert (found.low, found.high) == (
        pytest.approx(0.3 - 2.776445 * error, abs=1e-6),
        pytest.approx(0.3 + 2.776445 * error, abs=1e-6),
    )
    # t = 0.3 / (0.158114 / sqrt 5) = 4.2426 with 4 degrees of freedom: p from tables of Student's t
    assert found.p == pytest.approx(0.013236, abs=2e-5)


def test_items_without_seeds_are_students_t_over_items():
    one = np.tile(np.array([1.0, 0, 1, 1, 0, 0, 1, 0]), (3, 1))
    error = np.std(one[0], ddof=1) / sqrt(8)
    assert spread(one).variance == pytest.approx(error**2)
    assert spread(one).freedom == 7
    assert accuracy(one[:1]).high == pytest.approx(0.5 + student95(7) * error)


def test_where_nothing_varies_the_interval_is_one_for_shares():
    wrong, right = np.zeros((5, 60)), np.ones((5, 60))
    assert (accuracy(wrong).low, accuracy(wrong).high) == wilson(0, 60)
    same = difference(right, right)
    assert (same.mean, same.p) == (0, 1)
    assert (same.low, same.high) == newcombe_paired(PairTable(60, 0, 0, 0))
    best = difference(wrong, right)
    assert best.mean == 1
    assert best.p < 1e-15
    assert 0.9 < best.low < best.high <= 1


def test_a_difference_keeps_the_means_of_its_seeds_and_turns_with_its_arms():
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 2, (5, 50)).astype(float) for _ in range(2))
    there, back = difference(first, second), difference(second, first)
    assert there.seeds == tuple((second - first).mean(axis=1))
    assert (there.low, there.high, there.p) == (
        pytest.approx(-back.high),
        pytest.approx(-back.low),
        pytest.approx(back.p),
    )
    with pytest.raises(ValueError, match="paired"):
        difference(first, second[:4])


def simulated(rng: np.random.Generator, seed_spread: float, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of five seeds on a hundred items: abilities vary by seed and arm, difficulties by item, answers are 0 or 1."""
    difficulty = rng.normal(0, 1.5, 100)
    arms = []
    for shift in (0.0, effect):
        ability = shift + rng.normal(0, seed_spread, (5, 1))
        chance = 1 / (1 + np.exp(-(ability - difficulty)))
        arms.append((rng.random(chance.shape) < chance).astype(float))
    return arms[0], arms[1]


@pytest.mark.parametrize("seed_spread", [0.0, 0.3, 1.0])
def test_an_interval_of_a_difference_holds_the_truth_and_the_test_keeps_its_level(seed_spread):
    rng = np.random.default_rng(1)
    found = [difference(*simulated(rng, seed_spread, 0.0)) for _ in range(600)]
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert held >= 0.93
    assert np.mean([one.p < 0.05 for one in found]) <= 0.07
    # A test over items alone, seeds pooled, would take the luck of five seeds for an effect.
    if seed_spread == 1.0:
        pooled = []
        for _ in range(200):
            first, second = simulated(rng, seed_spread, 0.0)
            each = (second - first).reshape(-1)
            pooled.append(abs(each.mean()) > 1.96 * each.std(ddof=1) / sqrt(each.size))
        assert np.mean(pooled) > 0.4


def test_the_mean_over_worlds_with_opposite_effects_has_an_interval_that_is_wide_enough_and_not_much_wider():
    rng = np.random.default_rng(5)
    held, wider = [], []
    for _ in range(300):
        # The middle world has no effect, and the effects of the other two are equal but for their sign.
        worlds = [simulated(rng, 0.15, effect) for effect in (-0.7, 0.0, 0.7)]
        each = [second - first for first, second in worlds]
        pooled = difference(*(np.hstack(arms) for arms in zip(*worlds, strict=True)))
        within = np.hstack([one - one.mean() for one in each])
        held.append(pooled.low <= 0 <= pooled.high)
        wider.append(sqrt(spread(np.hstack(each)).variance / spread(within).variance))
    assert np.mean(held) >= 0.93
    assert 1 <= np.median(wider) <= 1.2


def test_an_effect_that_is_there_is_found():
    rng = np.random.default_rng(2)
    assert np.mean([difference(*simulated(rng, 0.3, 1.5)).p < 0.05 for _ in range(100)]) > 0.95


def test_an_interval_of_an_accuracy_holds_the_truth():
    rng = np.random.default_rng(3)
    nodes = np.random.default_rng(4).normal(0, 1, (2000, 2))
    truth = float(np.mean(1 / (1 + np.exp(-(0.5 * nodes[:, 0] - 1.5 * nodes[:, 1])))))
    held = [(lambda e: e.low <= truth <= e.high)(accuracy(simulated(rng, 0.5, 0.0)[0])) for _ in range(600)]
    assert np.mean(held) >= 0.93
