"""Intervals and tests: published values, hand-computed ones, and how often an interval holds the truth."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.evaluation import wilson
from idf.evaluation.metrics.power import detectable_pairs
from idf.evaluation.metrics.statistics import (
    Table,
    detectable,
    effective_rows,
    holm,
    mcnemar,
    newcombe_paired,
    pass_at_k,
    sign_flip,
    student95,
)
from tests.sentences import refused


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I: method 3 (Wilson score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # the facts about SpatiaLite: the do-nothing baseline of Rubik's Cube, nothing right of 60
        (102, 200, 0.441, 0.578),
        (0, 60, 0.0, 0.060),
        (60, 60, 0.940, 1.0),
    ],
)
def test_wilsons_interval_has_the_published_values(correct, n, low, high):
    digits = 5e-5 if n in (263, 148, 20, 29) else 5e-4
    assert wilson(correct, n) == (pytest.approx(low, abs=digits), pytest.approx(high, abs=digits))


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_the_share_within_0_and_1_and_is_symmetric(counts):
    correct, n = counts
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n + 1e-12
    assert correct / n - 1e-12 <= high <= 1
    assert wilson(n - correct, n) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert high - low < (1 if n > 1 else 1.01)


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one item"):
        wilson(0, 0)


def test_wilsons_interval_takes_parts_of_items_and_ends_exactly_at_0_and_1():
    assert wilson(10.5, 21.0) == (
        pytest.approx(wilson(21, 42)[0], abs=0.06),
        pytest.approx(wilson(21, 42)[1], abs=0.06),
    )
    assert all(wilson(0, n)[0] == 0.0 and wilson(n, n)[1] == 1.0 for n in range(1, 300))


# --- repeated problems -------------------------------------------------------------------------------------------


def test_rows_of_different_problems_are_worth_exactly_their_number():
    assert effective_rows([(1, 1), (0, 1), (0, 1)]) == 3.0


def test_four_equal_samples_of_each_of_twenty_problems_are_worth_twenty_rows():
    assert effective_rows([(4, 4)] * 8 + [(0, 4)] * 12) == pytest.approx(20)
    assert effective_rows([(4, 4)] * 20) == 20, "all right: the data cannot tell, the problems count"
    assert effective_rows([(2, 4)]) == 1


def test_samples_that_know_nothing_of_each_other_are_worth_nearly_all_of_their_rows():
    rng = np.random.default_rng(3)
    worth = [effective_rows([(int(right), 4) for right in rng.binomial(4, 0.5, 100)]) for _ in range(50)]
    assert 340 < np.mean(worth) <= 400


@given(st.lists(st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=30))
def test_rows_are_worth_at_least_one_and_at_most_their_number(clusters):
    n = sum(rows for _, rows in clusters)
    assert 1 - 1e-9 <= effective_rows(clusters) <= n


@pytest.mark.parametrize(
    ("problems", "samples", "a", "b"), [(20, 4, 1, 1), (20, 4, 0.3, 0.7), (60, 4, 4, 1), (10, 8, 1, 1)]
)
def test_the_interval_of_several_samples_holds_the_truth_as_often_as_it_says(problems, samples, a, b):
    rng = np.random.default_rng(1)
    honest = naive = 0
    draws = 1000
    for _ in range(draws):
        right = rng.binomial(samples, rng.beta(a, b, problems))
        n, correct = problems * samples, int(right.sum())
        worth = effective_rows([(int(k), samples) for k in right])
        low, high = wilson(correct / n * worth, worth)
        honest += low <= a / (a + b) <= high
        low, high = wilson(correct, n)
        naive += low <= a / (a + b) <= high
    assert honest / draws > 0.93
    assert naive / draws < 0.92, "rows that are counted as independent promise too much"


# --- what a run can show -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "alone", "paired"), [(200, 14.0, 10.3), (60, 25.6, 19.3), (1050, 6.1, 4.4)])
def test_the_smallest_detectable_difference_has_the_known_values(n, alone, paired):
    assert 100 * detectable(n) == pytest.approx(alone, abs=0.05)
    assert 100 * (detectable_pairs(n) or 1) == pytest.approx(paired, abs=0.05), "of McNemar's exact test"
    assert detectable(1) == 1.0


# --- pairs -------------------------------------------------------------------------------------------------------


def test_mcnemars_test_is_the_binomial_one_by_hand():
    # 10 to 2: 2 (C(12,0) + C(12,1) + C(12,2)) / 2^12 = 2 (1 + 12 + 66) / 4096
    assert mcnemar(10, 2) == mcnemar(2, 10) == 158 / 4096
    assert mcnemar(6, 0) == 2 / 64
    assert (mcnemar(0, 0), mcnemar(5, 5), mcnemar(1, 0)) == (1.0, 1.0, 1.0)
    assert 0 < mcnemar(1500, 1200) < 1e-7


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.integers(1, 4))
def test_the_sign_flip_test_is_mcnemars_when_differences_are_of_one_size(wins, losses, ties, size):
    assert sign_flip([size] * wins + [-size] * losses + [0] * ties) == pytest.approx(mcnemar(wins, losses))


@given(st.lists(st.integers(-5, 5), max_size=9))
def test_the_sign_flip_test_counts_all_signs(differences):
    sums = [
        sum(s * d for s, d in zip(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    share = sum(abs(one) >= abs(sum(differences)) for one in sums) / len(sums)
    assert sign_flip(differences) == pytest.approx(share)


@pytest.mark.parametrize(
    ("pairs", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:2635-2650, method 10 on (36, 12, 2, 0)
        (Table(36, 12, 2, 0), 0.0569, 0.3404),
        # Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850-2875: airway hyper-responsiveness
        (Table(1, 1, 7, 12), -0.507, -0.026),
    ],
)
def test_newcombes_paired_interval_has_the_published_values(pairs, low, high):
    digits = 6e-4 if sum(pairs) == 21 else 5e-5
    assert newcombe_paired(pairs) == (pytest.approx(low, abs=digits), pytest.approx(high, abs=digits))


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(any))
def test_newcombes_interval_holds_the_difference_and_turns_with_the_runs(counts):
    both, wins, losses, neither = counts
    low, high = newcombe_paired(Table(*counts))
    assert -1 <= low <= (wins - losses) / sum(counts) + 1e-12
    assert (wins - losses) / sum(counts) - 1e-12 <= high <= 1
    turned = newcombe_paired(Table(both, losses, wins, neither))
    assert turned == (pytest.approx(-high), pytest.approx(-low))


def test_holm_multiplies_the_least_by_all_and_never_turns_the_order():
    # By hand: .01 x 4, .02 x 3, .03 x 2 (kept at .06), .04 x 1 (kept at .06)
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


# --- samples -----------------------------------------------------------------------------------------------------


def test_pass_at_k_is_the_share_of_all_choices_that_hold_a_right_one():
    for n in range(1, 8):
        for correct in range(n + 1):
            for k in range(1, n + 1):
                choices = list(itertools.combinations([i < correct for i in range(n)], k))
                assert len(choices) == comb(n, k)
                assert pass_at_k(n, correct, k) == pytest.approx(sum(map(any, choices)) / len(choices))
    with refused("pass@3", "3 samples", "not 2", by=ValueError):
        pass_at_k(2, 1, 3)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)]
)
def test_students_t_is_that_of_the_tables(freedom, t):
    assert student95(freedom) == pytest.approx(t, abs=5e-4)


def test_students_t_needs_a_degree_of_freedom():
    with pytest.raises(ValueError, match="at least one"):
        student95(0)
