"""The numbers of a table: every row is in the denominator."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.evaluation import summarize, wilson
from idf.evaluation._metrics import cell
from tests.evaluation.samples import row

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
