"""Scenes shown in part: the truth is that of a program that somebody wrote from docs/uncertain.md alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idf.worlds import DIFFICULTIES, PARTS, WORLDS, problem_to_json, sample_problem
from tests.worlds.reference_part import answer, settling

CASES = json.loads(Path(__file__).with_name("cases_part.json").read_text())


@pytest.mark.parametrize("world", PARTS)
def test_the_truth_is_what_a_naive_program_finds(world, full):
    """1,002 items of each world with `--all`, 60 without."""
    undetermined = 0
    for difficulty in DIFFICULTIES:
        for index in range(334 if full else 20):
            problem = sample_problem(WORLDS[world], seed=11, split="eval", index=index, difficulty=difficulty)
            query = problem_to_json(problem)["query"]
            found = answer(world, query)
            assert WORLDS[world].truth(problem) == found, (index, query)
            undetermined += found == "cannot be determined"
            if world == "mental_rotation_part":
                assert WORLDS[world].settling(problem) == settling(query), (index, query)
    assert undetermined > 10


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_program_finds_what_was_worked_out_by_hand(case):
    assert answer(case["world"], case["query"]) == case["answer"], case["why"]
    if case["settling"] is not None:
        assert settling(case["query"]) == frozenset(case["settling"]), case["why"]
