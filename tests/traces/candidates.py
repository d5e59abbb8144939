"""Candidate traces of the tests: problems with the oracle's response, or another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from idf.data import Sample, conversation
from idf.scoring import write_answer
from idf.worlds import WORLDS, Problem, problem_from_json, problem_to_json
from tests.worlds.samples import problem

PLANNING = ("moving_box", "wood_slide")


def oracle(of: Problem[Any, Any]) -> str:
    """The solver's solution in words, with the answer line."""
    world = WORLDS[of.world]
    return f"{world.narrate(of)}\nAnswer: {write_answer(world.answer_kind(of), world.truth(of))}"


def candidate(world: str, index: int, difficulty: str = "easy", split: str = "train") -> Sample:
    """Candidate number `index` of a world and difficulty, as the oracle writes it."""
    asked = problem(world, split, index, difficulty)
    return Sample(
        id=f"trace:{world}:{difficulty}:{index}",
        world=world,
        difficulty=difficulty,
        kind="trace",
        images=[],
        messages=conversation("question", oracle(asked), with_picture=False),
        meta={
            "key": f"{split}:{world}:{difficulty}:{index}",
            "problem": problem_to_json(asked),
            "finish_reason": "stop",
        },
    )


def candidates(world: str, n: int, difficulty: str = "easy") -> list[Sample]:
    return [candidate(world, index, difficulty) for index in range(n)]


def problem_of(sample: Sample) -> Problem[Any, Any]:
    return problem_from_json(sample.meta["problem"])


def response_of(sample: Sample) -> str:
    return sample.messages[-1]["content"][0]["text"]


def answered(sample: Sample, response: str, finish_reason: str | None = "stop", id: str | None = None) -> Sample:
    """The candidate with another response."""
    said = {"role": "assistant", "content": [{"type": "text", "text": response}]}
    return replace(
        sample,
        id=id or sample.id,
        messages=[sample.messages[0], said],
        meta=sample.meta | {"finish_reason": finish_reason},
    )
