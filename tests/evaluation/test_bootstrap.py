"""The bootstrap: the same figures everywhere, problems as clusters, and an interval that holds the truth."""

from __future__ import annotations

import time

import numpy as np
import pytest

from idf.evaluation.metrics.bootstrap import macro95, mean95, resampled


def test_the_figures_are_the_same_on_every_machine_and_in_every_order():
    clusters = [(i % 3 == 0, 1 + i % 2) for i in range(50)]
    assert mean95(clusters, "x") == mean95(clusters[::-1], "x")
    assert mean95(clusters, "x", draws=1000) == (0.14473684210526316, 0.31885567632850237)
    assert mean95(clusters, "x", draws=1000, seed=1) != mean95(clusters, "x", draws=1000)


def test_as_many_clusters_are_drawn_as_there_are_whatever_fits_into_memory(monkeypatch):
    clusters = [(i, 1) for i in range(7)]
    whole = resampled(clusters, "x", 100)
    assert (whole[:, 1] == 7).all()
    assert 0 <= whole[:, 0].min() < whole[:, 0].max() <= 42
    monkeypatch.setattr("idf.evaluation.metrics.bootstrap._AT_ONCE", 20)
    assert (resampled(clusters, "x", 100) == whole).all()


@pytest.mark.parametrize(
    "clusters", [[(i % 3, 2) for i in range(70)], [(1, 1)] * 9, [(0, 1), (1, 1)], [(1, 1), (1, 3)] * 50]
)
def test_counting_the_draws_of_few_kinds_of_clusters_sums_them_to_the_last_bit(clusters, monkeypatch):
    counted = resampled(clusters, "x", 300)
    monkeypatch.setattr("idf.evaluation.metrics.bootstrap._FEW", -1)
    assert (resampled(clusters, "x", 300) == counted).all()


def test_every_cluster_is_drawn_equally_often():
    sums = resampled([tuple(int(i == j) for j in range(5)) for i in range(5)], "x")
    assert sums.mean(axis=0) == pytest.approx([1.0] * 5, abs=0.05)


def test_duplicates_widen_the_interval_and_worlds_are_drawn_apart():
    apart = mean95([(i % 2, 1) for i in range(80)], "x")
    together = mean95([(4 * (i % 2), 4) for i in range(20)], "x")
    assert together[1] - together[0] > 1.7 * (apart[1] - apart[0])
    both = macro95({"a": [(1, 1)] * 30, "b": [(0, 1)] * 30}, "x")
    assert both == (0.5, 0.5), "no draw mixes worlds"


def test_the_macro_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(7)
    held, runs = 0, 400
    for _ in range(runs):
        shares = rng.beta(2, 2, size=(3, 50))  # what each problem's chance is
        strata = {str(world): [(int(k), 2) for k in rng.binomial(2, shares[world])] for world in range(3)}
        low, high = macro95(strata, "x", draws=400)
        held += low <= 0.5 <= high
    assert 0.91 < held / runs < 0.98


def test_ten_thousand_draws_of_the_whole_benchmark_take_well_under_a_second():
    strata = {str(world): [(i % 2, 1) for i in range(210)] for world in range(5)}
    times = []
    for _ in range(3):
        begun = time.process_time()
        macro95(strata, "x")
        times.append(time.process_time() - begun)
    assert min(times) < 1
