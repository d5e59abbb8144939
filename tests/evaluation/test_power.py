"""What a comparison can find, beside the tests that it makes."""

from __future__ import annotations

import itertools
import json
from math import comb
from pathlib import Path

import numpy as np
import pytest

from idf.evaluation.metrics.power import _most_losses, detectable_flips, detectable_pairs, power_of_pairs
from idf.evaluation.metrics.statistics import mcnemar, sign_flip

RESULT = json.loads((Path(__file__).parents[2] / "bench/results/power.json").read_text())


@pytest.mark.parametrize("difference", [0.1, 0.3, 0.6])
def test_the_power_is_that_of_all_tables_by_hand(difference):
    n, variance = 12, 0.25 - difference**2 / 4
    both = min(1.5 * variance, 0.5 - difference / 2)
    wins, losses = 0.5 + difference / 2 - both, 0.5 - difference / 2 - both
    power = sum(
        comb(n, w) * comb(n - w, l) * wins**w * losses**l * (1 - wins - losses) ** (n - w - l)
        for w, l in itertools.product(range(n + 1), repeat=2)
        if w + l <= n and mcnemar(w, l) < 0.05
    )
    assert power_of_pairs(n, difference) == pytest.approx(power, abs=1e-12)


def test_the_border_of_rejection_is_that_of_the_test_itself():
    for k in (*range(60), 301):
        rejected = [losses for losses in range(k // 2 + 1) if mcnemar(k - losses, losses) < 0.05]
        assert _most_losses(k) == max(rejected, default=-1)


@pytest.mark.parametrize("n", [20, 60, 200])
def test_mcnemars_test_finds_the_stated_difference_in_four_of_five_runs(n):
    difference = detectable_pairs(n)
    assert difference is not None
    both = 1.5 * (0.25 - difference**2 / 4)
    both = min(both, 0.5 - difference / 2)
    chances = [both, 0.5 + difference / 2 - both, 0.5 - difference / 2 - both]
    drawn = np.random.default_rng(n).multinomial(n, [*chances, 1 - sum(chances)], size=4000)
    assert 0.78 < np.mean([mcnemar(int(w), int(l)) < 0.05 for _, w, l, _ in drawn]) < 0.82


# With few problems the approximation is a little too careful.
@pytest.mark.parametrize(("problems", "most"), [(20, 0.86), (100, 0.83)])
def test_the_sign_flip_test_finds_the_stated_difference_in_four_of_five_runs(problems, most):
    rng = np.random.default_rng(problems)
    stated = detectable_flips(problems, 10.0)
    assert stated is not None
    runs = [np.rint(rng.normal(stated, 10, problems)).astype(int).tolist() for _ in range(1500)]
    assert 0.77 < np.mean([sign_flip(run) < 0.05 for run in runs]) < most


def test_where_no_test_can_reject_nothing_is_found():
    assert detectable_pairs(5) is detectable_flips(5, 0.3) is None
    assert detectable_pairs(6) == pytest.approx(0.8 ** (1 / 6), abs=1e-3), "all six must be wins"
    found = [detectable_pairs(n) or 1.0 for n in (6, 20, 60, 200, 1050, 3000)]
    assert found == sorted(found, reverse=True)


def test_the_committed_simulation_finds_it_in_80_per_cent_and_found_less_of_what_was_stated_before():
    assert all(0.77 < one["found"] < 0.83 for one in RESULT["mcnemar"])
    # Of the sign-flip test it is the normal approximation: sums of two samples take few values, and 20 problems are few.
    assert all(0.74 < one["found"] < 0.85 for one in RESULT["sign_flip"])
    assert all(one["stated"] == pytest.approx(detectable_pairs(one["pairs"])) for one in RESULT["mcnemar"])
    assert all(one["found_before"] < 0.77 for one in RESULT["mcnemar"] if one["pairs"] <= 200)
