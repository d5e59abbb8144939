"""Responses with their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from idf.backends import Response
from idf.errors import UserError
from idf.scoring import chance_of_view, diagnose, is_answerable, names_settling_view, score
from idf.suites import Item
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
        world=item.problem.world,
        mode=ask.mode,
        difficulty=item.problem.difficulty,
        response=response.text,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        finish_reason=response.finish_reason,
        seconds=response.seconds,
        sample=ask.sample,
        cluster=cluster_of(item),
        size=WORLDS[item.problem.world].size(item.problem),
        group=item.group,
        answerable=is_answerable(item.problem),
        view_chance=chance_of_view(item.problem),
        **_verdict(item.problem, response.text, response.finish_reason, response.text),
    )


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
