"""Responses in the manner of a dozen model families, their verdicts fixed by careful reading before the rules were written."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from idf.scoring import score
from idf.suites import Item, spatialite_suite

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "cases_kept.jsonl").read_text("utf-8").splitlines()]
ITEMS = Path(__file__).parents[3] / "shared" / "cases" / "items"  # rows that the ids of the cases mean
needs_items = pytest.mark.skipif(not (ITEMS / "data").is_dir(), reason=f"no published items in {ITEMS}")


@cache
def items() -> dict[str, Item]:
    return {item.id: item for item in spatialite_suite(ITEMS)}


def judged(kind: str | None, right: bool, cases: list[dict[str, Any]] = CASES) -> list[tuple[dict[str, Any], bool]]:
    """The cases of a kind (None for all) with this verdict, and whether each is counted as correct."""
    chosen = [case for case in cases if kind in (None, case["kind"]) and (case["verdict"] == "right") == right]
    return [
        (case, score(items()[case["id"]].problem, case["response"], case["finish_reason"]).correct) for case in chosen
    ]


@needs_items
@pytest.mark.parametrize("kind", ["style", "adversarial"])
def test_every_right_answer_of_the_kept_responses_is_read(kind):
    assert [case["response"] for case, correct in judged(kind, True) if not correct] == []


@needs_items
@pytest.mark.parametrize("kind", ["style", "adversarial"])
def test_no_other_of_the_kept_responses_is_taken_for_right(kind):
    assert [case["response"] for case, correct in judged(kind, False) if correct] == []


def test_the_kept_responses_are_the_219_that_were_judged():
    assert len(CASES) == len({case["case"] for case in CASES}) == 219


@needs_items
@pytest.mark.parametrize(("name", "unread"), [("a", 13), ("b", 22)])
def test_responses_by_other_hands_are_never_right_falsely_and_not_read_less_than_the_page_says(name, unread):
    lines = (HERE / f"cases_foreign_{name}.jsonl").read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    assert len(cases) == 150
    assert [case["case"] for case, correct in judged(None, False, cases) if correct] == []
    assert sum(not correct for _, correct in judged(None, True, cases)) <= unread
