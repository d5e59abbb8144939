"""Responses in the manner of a dozen model families, their verdicts fixed by careful reading before the rules were written."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from idf.scoring import score
from idf.suites import Item, spatialite_suite

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases_kept.jsonl").read_text("utf-8").splitlines()]
ITEMS = Path(__file__).parents[3] / "shared" / "cases" / "items"  # rows that the ids of the cases mean
needs_items = pytest.mark.skipif(not (ITEMS / "data").is_dir(), reason=f"no published items in {ITEMS}")


@cache
def items() -> dict[str, Item]:
    return {item.id: item for item in spatialite_suite(ITEMS)}


def judged(kind: str, right: bool) -> list[tuple[dict[str, Any], bool]]:
    """The cases of a kind with this verdict, and whether each is counted as correct."""
    chosen = [case for case in CASES if case["kind"] == kind and (case["verdict"] == "right") == right]
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
