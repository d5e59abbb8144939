"""The numbers of a table: every row is in the denominator."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.evaluation import baseline_cells, summarize, wilson
from idf.evaluation.metrics.summary import cell
from tests.evaluation.samples import ITEMS, row

MIXED = [
    row(correct=True, completion_tokens=5),
    row(error="wrong"),
    row(error="incomplete", official=0.0),
    row(error="incomplete", official=1.0),
    row(error="illegal", official=-2.0),
    row(error="unparsed", official=-2.0),
    row(error="truncated", official=-2.0, finish_reason="length"),
    row(error="empty", official=-1.0, completion_tokens=None, finish_reason=None),
    row(error="refused", official=-2.0),
    row(error="error", official=-1.0, completion_tokens=0, finish_reason="error"),
]
MIXED = [replace(one, id=f"cube_rolling:easy:{i}") for i, one in enumerate(MIXED)]


def test_every_row_is_in_the_denominator_whatever_became_of_it():
    numbers = cell(MIXED)
    assert (numbers["n"], numbers["correct"], numbers["accuracy"]) == (10, 1, 1 / 10)
    assert numbers["wilson95"] == wilson(1, 10)


def test_the_official_accuracy_leaves_out_what_the_published_scorer_drops():
    # In: right, wrong, short of the goal, past the goal (called right). Out: illegal, unparsed, cut off, empty.
    assert cell(MIXED)["official_accuracy"] == 2 / 4
    assert cell([row(error="illegal", official=-2.0), row(error="empty", official=-1.0)])["official_accuracy"] is None
    # The demonstration of facts/evaluation.md 1.7: 30 % right, the rest illegal.
    demonstration = [row(correct=True)] * 60 + [row(error="illegal", official=-2.0)] * 140
    assert (cell(demonstration)["official_accuracy"], cell(demonstration)["accuracy"]) == (1.0, 0.3)


def test_each_class_of_error_is_counted_in_its_column():
    numbers = cell(MIXED)
    assert numbers["parse_failures"] == 3, "unparsed, empty and refused"
    assert (numbers["illegal"], numbers["incomplete"], numbers["truncated"]) == (1, 2, 1)
    classes = ("wrong", "illegal", "incomplete", "unparsed", "refused", "unfinished", "empty", "errors")
    assert [numbers[name] for name in classes] == [1, 1, 2, 1, 1, 1, 1, 1]
    assert numbers["correct"] + sum(numbers[name] for name in classes) == numbers["n"]
    assert cell([row(correct=True, finish_reason="length")])["truncated"] == 1, "cut off after the answer"


def test_tokens_are_those_that_are_known_and_all_of_them_pay_for_the_right_answers():
    rows = [row(completion_tokens=n, correct=n <= 2) for n in range(1, 12)] + [row(completion_tokens=None)]
    numbers = cell(rows)
    assert (numbers["tokens_median"], numbers["tokens_p90"]) == (6, 10)
    assert numbers["tokens_per_correct"] == sum(range(1, 12)) / 2


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_at_least_nine_in_ten_responses_are_no_longer_than_p90_and_one_in_ten_no_shorter(tokens):
    p90 = cell([row(completion_tokens=n) for n in tokens])["tokens_p90"]
    assert sum(n <= p90 for n in tokens) >= 0.9 * len(tokens)
    assert p90 in tokens


def test_without_tokens_or_right_answers_there_are_no_such_numbers():
    assert cell([row(completion_tokens=None)])["tokens_median"] is None
    assert cell([row(completion_tokens=None)])["tokens_p90"] is None
    assert cell([row(completion_tokens=10)])["tokens_per_correct"] is None
    assert cell([row(completion_tokens=None, correct=True)])["tokens_per_correct"] is None


def test_cells_are_by_world_mode_and_difficulty_and_the_mean_is_over_worlds():
    rows = [
        *[row(correct=True)] * 3,
        row(difficulty="hard"),
        row(mode="vqa"),
        *[row(world="moving_box", difficulty="medium")] * 10,
    ]
    results = summarize(rows)
    worlds = results["worlds"]
    assert {world: {mode: list(cells) for mode, cells in modes.items()} for world, modes in worlds.items()} == {
        "cube_rolling": {"tqa": ["all", "easy", "hard"], "vqa": ["all", "easy"]},
        "moving_box": {"tqa": ["all", "medium"]},
    }
    assert worlds["cube_rolling"]["tqa"]["all"]["accuracy"] == 0.75
    assert worlds["cube_rolling"]["tqa"]["easy"]["accuracy"] == 1.0
    assert results["macro_accuracy"] == {"tqa": pytest.approx((0.75 + 0) / 2), "vqa": 0.0}
    json.dumps(results, allow_nan=False)


# --- several rows of one problem ---------------------------------------------------------------------------------


def test_items_that_pose_the_same_problem_are_one_and_widen_the_interval():
    apart = cell([row(id=f"{i}", correct=i < 10, cluster=f"{i}") for i in range(20)])
    twins = cell([row(id=f"{i}", correct=i < 10, cluster=f"{i // 2}") for i in range(20)])
    assert (apart["n"], apart["items"], twins["n"], twins["items"]) == (20, 20, 20, 10)
    assert apart["wilson95"] == wilson(10, 20)
    assert twins["wilson95"] == pytest.approx(wilson(5, 10))
    assert twins["detectable"] > apart["detectable"]
    assert twins["accuracy"] == apart["accuracy"] == 0.5


def test_several_samples_have_pass_at_k_by_item_and_one_sample_has_none():
    # By hand: 1 of 3 and 3 of 3 right: pass@1 (1/3 + 1) / 2, pass@2 (2/3 + 1) / 2
    rows = [row(id=f"{i}", sample=s, correct=i == 1 or s == 0) for i in range(2) for s in range(3)]
    assert cell(rows)["pass_at_k"] == {"1": pytest.approx(4 / 6), "2": pytest.approx(5 / 6), "3": 1.0}
    assert "pass_at_k" not in cell([row(id="0"), row(id="1")])
    assert "pass_at_k" not in cell([*rows, row(id="2")]), "not of an item with one sample"


def test_tokens_are_told_for_right_and_wrong_answers_and_failures_have_none():
    numbers = cell(
        [
            row(correct=True, completion_tokens=100),
            row(correct=True, completion_tokens=300),
            row(completion_tokens=50),
            row(error="error", completion_tokens=0),
            row(error="empty", completion_tokens=0),
            row(correct=True, completion_tokens=None),
        ]
    )
    assert (numbers["tokens_median_correct"], numbers["tokens_median_wrong"]) == (200, 50)
    assert (numbers["tokens_known"], numbers["tokens_median"]) == (3, 100)
    assert numbers["tokens_per_correct"] == 450 / 2, "a right answer whose tokens are not known pays for nothing"


def test_moves_over_optimal_is_the_mean_over_right_plans():
    rows = [row(correct=True, moves=6, optimal=4), row(correct=True, moves=4, optimal=4), row(moves=9, optimal=3)]
    assert cell(rows)["moves_over_optimal"] == 1.25
    assert cell([row(correct=True)])["moves_over_optimal"] is None


def test_causes_and_solved_prefixes_are_counted():
    rows = [row(cause="strategic"), row(cause="strategic", solved_prefix=3), row(cause="format"), row(correct=True)]
    assert (cell(rows)["causes"], cell(rows)["solved_prefix"]) == ({"format": 1, "strategic": 2}, 1)


# --- the mean over worlds ----------------------------------------------------------------------------------------


def test_the_mean_over_worlds_has_an_interval_that_rows_and_seed_decide():
    rows = [row(id=f"{world} {i}", world=world, correct=i % 3 == 0) for world in ("a", "b") for i in range(30)]
    macro = summarize(rows)["macro"]["tqa"]
    assert summarize(rows[::-1])["macro"]["tqa"] == macro
    low, high = macro["bootstrap95"]
    assert 0.2 < low < macro["accuracy"] < high < 0.5
    assert (macro["draws"], macro["seed"], macro["clusters"]) == (10_000, 0, 60)
    assert (macro["tokens_median"], macro["tokens_per_correct"]) == (10, 30)
    few = [summarize(rows, draws=30, seed=seed)["macro"]["tqa"]["bootstrap95"] for seed in range(4)]
    assert len(set(few)) > 1
    assert macro["wilson95"] == (pytest.approx(low, abs=0.03), pytest.approx(high, abs=0.03))


def test_where_nothing_is_right_the_bootstrap_is_a_point_and_wilsons_interval_is_not():
    macro = summarize([row(id=f"{i}") for i in range(20)])["macro"]["tqa"]
    assert macro["bootstrap95"] == (0.0, 0.0)
    assert macro["wilson95"] == (0.0, pytest.approx(wilson(0, 20)[1]))


# --- the trivial players -----------------------------------------------------------------------------------------


def test_trivial_players_have_cells_for_the_same_worlds_modes_and_difficulties():
    cells = baseline_cells(ITEMS, ["tqa", "vqa"])
    assert {world: list(modes) for world, modes in cells.items()} == {
        "cube_rolling": ["tqa", "vqa"],
        "moving_box": ["tqa", "vqa"],
    }
    groups = cells["moving_box"]["vqa"]
    assert set(groups) == {"all", "easy", "medium"}
    assert groups["all"]["initial"] == 0, "no move solves nothing"
    for world in cells.values():
        assert world["tqa"] == world["vqa"]
        for group in world["tqa"].values():
            assert 0 <= group["initial"] <= 1
            assert 0 <= group["random"] <= 1
        both = (world["tqa"]["easy"]["random"] + world["tqa"]["medium"]["random"]) / 2
        assert world["tqa"]["all"]["random"] == pytest.approx(both)
