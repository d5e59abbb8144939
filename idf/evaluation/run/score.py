"""Responses with their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from idf.backends import Response
from idf.errors import UserError
from idf.scoring import (
    Imagined,
    beside_truth,
    chance_of_view,
    diagnose,
    is_answerable,
    names_settling_view,
    of_plan,
    score,
)
from idf.suites import Exercise, Item
from idf.worlds import WORLDS, Problem

from ..metrics.row import Row
from .facts import cluster_of
from .queries import Ask, all_asks
from .responses import Stored


def scored(ask: Ask, response: Response) -> Row:
    """A response with its verdict."""
    item = ask.item
    return Row(
        id=item.id,
        world=item.world,
        mode=ask.mode,
        difficulty=item.difficulty,
        response=response.text,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        finish_reason=response.finish_reason,
        seconds=response.seconds,
        sample=ask.sample,
        cluster=cluster_of(item),
        group=item.group,
        **(
            _of_problem(item.problem, response)
            if item.exercise is None
            else _of_exercise(item.exercise, response.text, response.finish_reason)
        ),
    )


def _of_problem(problem: Problem[Any, Any], response: Response) -> dict[str, Any]:
    return {
        "size": WORLDS[problem.world].size(problem),
        "answerable": is_answerable(problem),
        "view_chance": chance_of_view(problem),
        **_verdict(problem, response.text, response.finish_reason, response.text),
    }


def _of_exercise(exercise: Exercise, text: str, finish_reason: str | None) -> dict[str, Any]:
    """The fields of a row on a response to an exercise. It is correct if all of its steps and its answer are right."""
    if isinstance(exercise.shown, Problem):  # a way to a goal: any way is right, and judged as that of a problem
        found = of_plan(exercise.shown, text)
        told = _verdict(exercise.shown, text, finish_reason, text)
    else:
        world = WORLDS[exercise.world]
        found = beside_truth(world, exercise.response, text, any_order=exercise.kind == "legality")
        error = _error(found, text, finish_reason)
        told = {"parsed": found.answer, "error": error, "cause": _cause(found, error), "moves": None, "optimal": None}
    correct = found.all_right and finish_reason != "error"
    steps = f"{found.right} of {found.steps} steps are right"
    return told | {
        "correct": correct,
        "error": None if correct else told["error"] or "wrong",
        "detail": f"{steps}: {found.detail}" if found.steps and found.detail else found.detail or steps,
        "official": -1.0,  # the published scorer knows no exercises
        "size": exercise.steps,
        "cause": None if correct else told["cause"] or _cause(found, "wrong"),
        "wrong_step": found.first_wrong,
        "cause_detail": found.detail or None,
        "kind": exercise.kind,
        "steps": found.steps,
        "steps_right": found.right,
        "step_missing": found.missing,
        "answer_right": found.answer_right,
    }


def _error(found: Imagined, text: str, finish_reason: str | None) -> str:
    """The class of a response to an exercise, if it is not correct; by the words of `idf.scoring.ERRORS`."""
    if finish_reason == "error":
        return "error"
    if not text.strip():
        return {"content_filter": "refused", "length": "truncated"}.get(finish_reason or "", "empty")
    if found.answer is not None:
        return "wrong"
    return "truncated" if finish_reason == "length" else "unparsed"


def _cause(found: Imagined, error: str) -> str:
    """What went wrong in it, by the words of `idf.scoring.CAUSES`."""
    if error != "wrong":
        return "format"
    if found.first_wrong == 0:
        return "perception"
    return "unstated" if found.missing or not found.steps else "transformation"


def score_all(asks: Sequence[Ask], responses: Sequence[Response]) -> list[Row]:
    """Responses with their verdicts, in the order of the asks.

    All modes and samples of an item are judged one after the other: what its solver says is worked out once.
    """
    found: dict[int, Row] = {}
    for at in sorted(range(len(asks)), key=lambda at: asks[at].item.id):
        found[at] = scored(asks[at], responses[at])
    return [found[at] for at in range(len(asks))]


def scored_as(item: Item, row: Row, text: str) -> Row:
    """A row with the verdict on another text in the place of its response."""
    return replace(row, **_verdict(item.problem, text, row.finish_reason, row.response))


@lru_cache(maxsize=64)  # one item after the other: those who look at no mode say the same in each
def _verdict(problem: Problem[Any, Any], text: str, finish_reason: str | None, response: str) -> dict[str, Any]:
    """The fields of a row on what a text answers, and on what went wrong in the response that it stands for."""
    verdict = score(problem, text, finish_reason)
    found = diagnose(problem, response, verdict)
    return {
        "correct": verdict.correct,
        "error": verdict.error,
        "parsed": verdict.parsed,
        "detail": verdict.detail,
        "moves": verdict.moves,
        "optimal": verdict.optimal,
        "official": verdict.official,
        "solved_prefix": verdict.solved_prefix,
        "cause": found.cause,
        "wrong_step": found.wrong_step,
        "cause_detail": found.detail or None,
        "settles": names_settling_view(problem, response),
    }


def score_rows(
    items: Sequence[Item], modes: Sequence[str], responses: Stored, samples: int = 1
) -> tuple[list[Row], int]:
    """Score stored responses. What has none counts, as an empty response.

    Returns:
        The rows, and how many had no response.

    Raises:
        UserError: A response belongs to no item of the suite.
    """
    known = {item.id for item in items}
    if strange := [key[0] for key in responses if key[0] not in known]:
        raise UserError(f"{len(strange)} responses belong to no item of the suite, {strange[0]} among them")
    asks = all_asks(items, modes, samples)
    keys = [(ask.item.id, ask.mode, ask.sample) for ask in asks]
    missing = sum(key not in responses for key in keys)
    return score_all(asks, [responses.get(key, Response("")) for key in keys]), missing
