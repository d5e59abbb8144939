"""One response, one verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from idf.worlds import WORLDS, Answer, Problem

from ._parse import final_answer, parse_answer

ERRORS = ("wrong", "illegal", "incomplete", "unparsed", "truncated", "empty")
"""The classes of a response that is not correct. Every one of them counts in the denominator."""


@dataclass(frozen=True)
class Verdict:
    """What scoring a response says.

    Attributes:
        correct: Whether the final answer is right.
        error: None if correct, else one of ERRORS.
        parsed: The answer as understood (JSON values), or None.
        detail: One sentence on what was found.
        moves: Length of the plan, for planning worlds.
        optimal: Least length of any plan, for planning worlds.
        official: The code that the published scorer gives: 1.0 or 0.0, -1.0 for no answer, -2.0 for an unparsed or
            illegal plan. It leaves the negative ones out of its accuracy; we do not.
    """

    correct: bool
    error: str | None
    parsed: Answer | None
    detail: str
    moves: int | None
    optimal: int | None
    official: float


def score(problem: Problem[Any, Any], response: str, finish_reason: str | None = None) -> Verdict:
    """Parse a response's final answer and judge it in the problem's world.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        finish_reason: "length" if generation was cut off; tells a truncated response from an unparsable one.
    """
    world = WORLDS[problem.world]
    kind = world.answer_kind(problem)
    if not response.strip():
        return Verdict(False, "empty", None, "the response is empty", None, None, -1.0)
    stated = final_answer(response)
    parsed = None if stated is None else parse_answer(world, kind, stated)
    if parsed is None:
        official = -2.0 if kind == "plan" else 0.0
        if finish_reason == "length":
            return Verdict(False, "truncated", None, "cut off before an answer", None, None, official)
        detail = "no line 'Answer: ...'" if stated is None else f"not an answer of kind {kind}: {stated!r}"
        return Verdict(False, "unparsed", None, detail, None, None, official)
    outcome = world.judge(problem, parsed)
    # The published scorer stops at the first touch of the goal and drops every plan with an illegal move before it.
    if outcome.touched:
        official = 1.0
    elif outcome.error == "illegal":
        official = -2.0
    else:
        official = float(outcome.correct)
    plain = list(parsed) if isinstance(parsed, tuple) else parsed
    return Verdict(outcome.correct, outcome.error, plain, outcome.detail, outcome.moves, outcome.optimal, official)
