"""One response, one verdict."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from idf.worlds import WORLDS, Answer, Problem

from ._refusal import refuses
from ._response import other_kind, read_response
from ._thinking import strip_thinking

ERRORS = ("wrong", "illegal", "incomplete", "unparsed", "refused", "truncated", "empty", "error")
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
        solved_prefix: For a plan that is not correct, the least number of its moves after which the goal held, 0 for
            none; None if it never held. It is no success: the plan went on.
    """

    correct: bool
    error: str | None
    parsed: Answer | None
    detail: str
    moves: int | None
    optimal: int | None
    official: float
    solved_prefix: int | None = None


def score(problem: Problem[Any, Any], response: str, finish_reason: str | None = None) -> Verdict:
    """Parse a response's final answer and judge it in the problem's world.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        finish_reason: "length" if generation was cut off; "content_filter" if it was withheld; "error" if no response
            could be had, whatever the text says.
    """
    world = WORLDS[problem.world]
    asked = world.answer(problem)
    unread = -2.0 if world.plans else 0.0
    if finish_reason == "error":
        # The published code takes its own message of a timeout for the model's answer: no moves, or a false answer.
        return _no_answer("error", "no response could be had", unread)
    if not response.strip():
        error = {"content_filter": "refused", "length": "truncated"}.get(finish_reason or "", "empty")
        return _no_answer(error, "the response is empty", -1.0)
    read = read_response(problem, response, cut_off=finish_reason == "length")
    if read.answer is None:
        return _no_answer(*_why_unread(problem, read.stated, response, finish_reason), unread)
    outcome = world.judge(problem, read.answer)
    # The published scorer stops at the first touch of the goal and drops every plan with an illegal move before it.
    if outcome.touched:
        official = 1.0
    elif outcome.error == "illegal":
        official = -2.0
    else:
        official = float(outcome.correct)
    return Verdict(
        correct=outcome.correct,
        error=outcome.error,
        parsed=asked.stored(read.answer),
        detail=outcome.detail,
        moves=outcome.moves,
        optimal=outcome.optimal,
        official=official,
        solved_prefix=_solved_prefix(problem, read.answer) if outcome.touched and not outcome.correct else None,
    )


def _no_answer(error: str, detail: str, official: float) -> Verdict:
    return Verdict(False, error, None, detail, None, None, official)


def _why_unread(
    problem: Problem[Any, Any], stated: str | None, response: str, finish_reason: str | None
) -> tuple[str, str]:
    """The class of a response without a readable answer, and one sentence."""
    world = WORLDS[problem.world]
    kind = world.answer(problem).kind
    shown = None if stated is None else repr(stated if len(stated) <= 200 else stated[:200] + "...")
    if finish_reason == "length":
        return "truncated", "cut off before an answer" if shown is None else f"cut off in its answer: {shown}"
    if finish_reason == "content_filter":
        return "refused", "the response was withheld by a content filter"
    aloud = strip_thinking(response)
    if refuses(aloud if stated is None else stated):
        return "refused", "it declines to answer"
    if other := other_kind(world, kind, aloud if stated is None else stated):
        return (
            "unparsed",
            f"an answer of kind {other}, asked is one of kind {kind}: {shown or repr(aloud.strip()[:200])}",
        )
    return "unparsed", "no answer is stated" if shown is None else f"not an answer of kind {kind}: {shown}"


def _solved_prefix(problem: Problem[Any, Any], plan: tuple[str, ...]) -> int:
    """The least number of moves of a plan, which touches the goal, after which the goal holds."""
    world = WORLDS[problem.world]
    # A prefix that touches the goal touches it with more moves as well.
    return bisect_left(range(len(plan)), True, key=lambda moves: bool(world.judge(problem, plan[:moves]).touched))
