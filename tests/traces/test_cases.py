"""130 traces in ten styles, written and judged by hand by somebody who did not know the filter (`cases.jsonl`).

A case names its problem by world, difficulty, seed and index (`idf.problem`). `verdict` is "true" (all that is claimed is
true, or is false and taken back), "false" or "nothing" (it claims nothing but its answer); `covers_every_step` says whether
it is meant for the level "process" or for "consistent"; `corrections` counts the false claims that are taken back.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import idf
from idf.traces import FilterRecipe, judge_trace

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
MOST_FALSE_KEPT = 0.02
MOST_TRUE_REJECTED = 0.10


@cache
def scene(world: str, difficulty: str, seed: int, index: int) -> Any:
    return idf.problem(world, difficulty=difficulty, seed=seed, index=index).scene


def lost(case: dict[str, Any], level: str = "", **limits: Any) -> str | None:
    level = level or ("process" if case["covers_every_step"] else "consistent")
    found = judge_trace(scene(**case["problem"]), case["response"], "stop", FilterRecipe(level=level, **limits))
    return found and found[0]


def cases(verdict: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["verdict"] == verdict]


def test_hardly_a_false_trace_is_kept():
    kept = [case["case"] for case in cases("false") if lost(case) is None]
    assert len(cases("false")) == 60
    assert len(kept) <= MOST_FALSE_KEPT * 60, kept


def test_few_true_traces_are_rejected():
    rejected = {case["case"]: why for case in cases("true") if (why := lost(case)) is not None}
    assert len(cases("true")) == 60
    assert len(rejected) <= MOST_TRUE_REJECTED * 60, rejected


def test_a_trace_that_claims_nothing_passes_outcome_only():
    assert len(cases("nothing")) == 10
    for case in cases("nothing"):
        assert [lost(case, level) for level in ("process", "consistent", "outcome")] == ["unproven", "unproven", None]


@pytest.mark.parametrize("level", ["process", "consistent"])
def test_false_claims_that_are_taken_back_are_counted(level):
    """A trace is kept with as many corrections as it makes, and not with one less."""
    counted = [
        case for case in cases("true") if case["corrections"] and lost(case, level, most_corrections=None) is None
    ]
    assert len(counted) >= 3
    for case in counted:
        assert lost(case, level, most_corrections=case["corrections"]) is None, case["case"]
        assert lost(case, level, most_corrections=case["corrections"] - 1) == "corrected", case["case"]
