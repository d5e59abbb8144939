"""Tokens: budgets, what is not known, and the shape of their growth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idf.evaluation import Row
from idf.evaluation.metrics.efficiency import efficiency, growth
from tests.evaluation.samples import row


def grown(
    mean: Callable[[float], float], noise: float, seed: int, each: int = 8, sizes: range = range(3, 16)
) -> list[Row]:
    """Rows whose tokens are in proportion to a mean, some for each size."""
    rng = np.random.default_rng(seed)
    return [
        row(id=f"{size} {i}", size=size, completion_tokens=round(mean(size) * np.exp(noise * rng.normal())))
        for size in sizes
        for i in range(each)
    ]


def test_the_accuracy_at_a_budget_counts_right_answers_within_it_out_of_all():
    rows = [
        row(correct=True, completion_tokens=512),
        row(correct=True, completion_tokens=513),
        row(completion_tokens=100),
        row(error="empty", completion_tokens=None),
        row(error="error", completion_tokens=None),
    ]
    budgets = dict(map(tuple, efficiency(rows)["budgets"]))
    assert budgets == {512: 1 / 5, 1024: 2 / 5, 2048: 2 / 5, 4096: 2 / 5, 8192: 2 / 5}


def test_an_answer_whose_tokens_are_not_known_is_left_out_and_counted():
    facts = efficiency([row(correct=True), row(correct=True, completion_tokens=None)])
    assert facts["budgets"][0] == [512, 1.0]
    assert facts["without_tokens"] == 1
    facts = efficiency([row(correct=True, completion_tokens=None)])
    assert (facts["budgets"], facts["growth"], facts["without_tokens"]) == ([], None, 1)


def test_each_size_has_its_rows_right_answers_and_median():
    rows = [row(size=2, completion_tokens=10), row(size=2, completion_tokens=30, correct=True), row(size=5)]
    rows.append(row(size=7, completion_tokens=0, error="error"))
    assert efficiency(rows)["by_size"] == [[2, 2, 1, 20], [5, 1, 0, 10], [7, 1, 0, None]]


def test_a_failure_is_never_a_response_of_no_tokens():
    rows = grown(lambda size: 100 + 40 * size, 0.2, 0)
    failed = [row(id=f"failed {size}", size=size, completion_tokens=0, error="error") for size in range(3, 16)]
    assert growth([*rows, *failed]) == growth(rows)


def limited(rows: list[Row], most: int) -> list[Row]:
    """The rows of a run whose limit is so many tokens."""
    return [
        one if (one.completion_tokens or 0) <= most else replace(one, completion_tokens=most, finish_reason="length")
        for one in rows
    ]


def test_a_response_that_met_the_limit_is_longer_than_it_and_is_counted():
    rows = grown(lambda size: 100 + 40 * size, 0.2, 0)
    whole, cut = growth(rows) or {}, growth(limited(rows, 600)) or {}
    assert (whole["n"], cut["n"], whole["cut_off"]) == (104, 104, 0)
    assert cut["cut_off"] == sum((one.completion_tokens or 0) > 600 for one in rows) == 26
    uncut = growth([one for one in rows if (one.completion_tokens or 0) <= 600]) or {}
    assert uncut["linear"]["ci95"][1] < 40, "what a fit says that leaves them out"
    low, high = cut["linear"]["ci95"]
    assert low < 40 < high
    assert cut["linear"]["at"] == pytest.approx(whole["linear"]["at"], rel=0.35)


def test_exponential_growth_of_which_half_is_cut_off_is_not_called_linear():
    """Where rows that met the limit are left out, it is in two of three runs."""
    found, left_out = Counter[str](), Counter[str]()
    for seed in range(60):
        rows = limited(grown(lambda size: 100 * np.exp(0.15 * size), 0.3, seed), 400)
        fit = growth(rows) or {}
        found[fit["better"]] += 1
        left_out[(growth([one for one in rows if one.finish_reason != "length"]) or {})["better"]] += 1
    assert left_out["linear"] > 6, "why they must not be left out"
    assert found == {"undecided": 60}, "above a quarter the shape rests on what is assumed of errors"


def test_growth_of_which_little_is_cut_off_is_still_found():
    exponential = Counter(
        (growth(limited(grown(lambda size: 100 * np.exp(0.15 * size), 0.3, seed), 750)) or {})["better"]
        for seed in range(30)
    )
    assert exponential["exponential"] >= 20
    assert exponential["linear"] <= 2


def test_the_committed_simulation_gives_no_wrong_verdict_in_more_than_5_per_cent_of_runs():
    told = json.loads((Path(__file__).parents[2] / "bench/results/growth.json").read_text())
    assert {design["noise"] for design in told["designs"]} > {"normal", "growing"}
    assert {design["truth"] for design in told["designs"]} > {"linear", "exponential"}
    # 5 % is what a design may have; so many runs of it may show a little more by chance.
    chance = 0.05 + 2 * (0.05 * 0.95 / told["designs"][0]["runs"]) ** 0.5
    assert all(design["wrong"] <= chance for design in told["designs"])
    assert all(one["wrong_mean"] <= 0.05 for errors in told["summary"].values() for one in errors.values())


def judged(mean: Callable[[float], float], noise: float) -> Counter[str]:
    return Counter((growth(grown(mean, noise, seed)) or {})["better"] for seed in range(30))


def test_linear_growth_is_not_taken_for_exponential_because_its_spread_grows():
    def linear(size: float) -> float:
        return 100 + 40 * size

    found = judged(linear, 0.3)
    assert found["exponential"] <= 4
    assert found["linear"] >= 15
    assert sum(fooled(grown(linear, 0.3, seed)) for seed in range(30)) >= 28, (
        "why both curves have the same kind of error"
    )


def fooled(rows: list[Row]) -> bool:
    """Whether AIC prefers an exponential curve with proportional errors to a line with additive ones."""
    x, y = np.array([[one.size, one.completion_tokens] for one in rows], dtype=float).T

    def aic(z: np.ndarray, jacobian: float) -> float:
        residuals = z - np.polyval(np.polyfit(x, z, 1), x)
        return float(len(x) * np.log(residuals @ residuals / len(x)) + 2 * jacobian)

    return aic(np.log(y), float(np.log(y).sum())) < aic(y, 0.0)


def test_exponential_growth_is_found():
    assert judged(lambda size: 100 * np.exp(0.15 * size), 0.3)["exponential"] >= 27


def test_no_growth_few_sizes_and_few_problems_are_undecided():
    assert judged(lambda size: 300, 0.3)["undecided"] >= 28
    steep = lambda size: 100 * np.exp(0.9 * size)  # noqa: E731
    assert (growth(grown(steep, 0.1, 0, each=20, sizes=range(1, 3))) or {})["better"] == "undecided"
    assert (growth(grown(steep, 0.1, 0, each=2, sizes=range(1, 6))) or {})["better"] == "undecided"
    assert (growth(grown(steep, 0.1, 0, each=4, sizes=range(1, 6))) or {})["better"] == "exponential"


def test_too_little_to_fit_is_none():
    assert growth(grown(lambda size: 100 * size, 0.1, 0, each=1, sizes=range(1, 5))) is None
    assert growth(grown(lambda size: 100, 0.1, 0, sizes=range(4, 5))) is None
    assert growth([]) is None


def test_a_perfect_line_is_found_and_can_be_written_down():
    fit = growth(grown(lambda size: 10 + 20 * size, 0.0, 0)) or {}
    assert fit["linear"]["slope"] == pytest.approx(20)
    assert fit["linear"]["ci95"] == (pytest.approx(20), pytest.approx(20))
    assert fit["linear"]["at"] == (pytest.approx(10, rel=1e-3), pytest.approx(20, rel=1e-3))
    assert fit["better"] == "linear"
    fit = growth(grown(lambda size: 10 * 2**size, 0.0, 0)) or {}
    assert fit["exponential"]["rate"] == pytest.approx(np.log(2))
    assert fit["better"] == "exponential"
    json.dumps(fit, allow_nan=False)


def test_the_intervals_hold_the_truth_as_often_as_they_say_though_the_spread_grows():
    held = Counter[str]()
    for seed in range(200):
        rows = grown(lambda size: 100 * np.exp(0.15 * size), 0.3, seed, each=3)
        low, high = (growth(rows) or {})["exponential"]["ci95"]
        held["rate"] += low <= 0.15 <= high
        rng = np.random.default_rng(seed)
        rows = [
            row(id=f"{size} {i}", size=size, completion_tokens=round(200 + 40 * size * rng.uniform(0.5, 1.5)))
            for size in range(3, 16)
            for i in range(3)
        ]
        low, high = (growth(rows) or {})["linear"]["ci95"]
        held["slope"] += low <= 40 <= high
    assert 182 < held["rate"] < 198
    assert 182 < held["slope"] < 198


def test_samples_of_an_item_are_one_point():
    once = grown(lambda size: 100 + 40 * size, 0.3, 0)
    fit, again = growth(once) or {}, growth(once * 4) or {}
    assert (again["n"], again["problems"]) == (4 * fit["n"], fit["problems"])
    assert again["linear"] == fit["linear"]
