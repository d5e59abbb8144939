"""A table of responses, written by hand: what each one states, or how it is lost."""

from __future__ import annotations

from typing import Any

import pytest

from idf.scoring import score
from idf.worlds import WORLDS, Problem

from . import (
    cases_colours,
    cases_counts,
    cases_models,
    cases_models_again,
    cases_models_third,
    cases_plans,
    cases_whole,
)
from .expecting import CUBES, PUSH, ROLL, SLIDE, SQUARES, Case, Lost

TABLE: list[tuple[str, Problem[Any, Any], list[Case]]] = [
    *((f"colours, {name}", ROLL, cases) for name, cases in cases_colours.GROUPS.items()),
    *((f"whole, {name}", ROLL, cases) for name, cases in cases_whole.GROUPS.items()),
    ("numbers", SQUARES, cases_counts.NUMBERS),
    ("numbers of colours", CUBES, cases_counts.COLOURS),
    ("ways", PUSH, cases_plans.WAYS),
    ("no ways", PUSH, cases_plans.NO_WAYS),
    ("blocks", SLIDE, cases_plans.BLOCKS),
    *(
        (f"models {name}", of, cases)
        for table in (cases_models.GROUPS, cases_models_again.GROUPS, cases_models_third.GROUPS)
        for (name, cases), of in zip(table.items(), (ROLL, CUBES, PUSH, SLIDE), strict=True)
    ),
]
ALL = [(name, of, case) for name, of, cases in TABLE for case in cases]


@pytest.mark.parametrize(("name", "of", "case"), ALL, ids=[f"{name}: {case[0][:60]!r}" for name, _, case in ALL])
def test_a_response_states_what_the_table_says(name, of, case):
    response, expected, finish_reason = (*case, "stop")[:3]
    verdict = score(of, response, finish_reason)
    if isinstance(expected, Lost):
        assert (verdict.parsed, verdict.error) == (None, expected.error)
        assert verdict.official in (-1.0, -2.0 if WORLDS[of.world].plans else 0.0)
        return
    assert verdict.parsed == expected
    truth = WORLDS[of.world].truth(of)
    assert verdict.correct == (expected == (list(truth) if isinstance(truth, tuple) else truth))


def test_the_table_is_long_and_has_no_case_twice():
    asked = [(of.world, case[0], case[2:]) for _, of, case in ALL]
    assert len(asked) >= 300
    assert len(set(asked)) == len(asked)
