"""Accuracy and tokens by the step at which a response first goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from idf.scoring import first_wrong_step
from idf.worlds import PARTS, Problem

from .problems import tallies
from .row import Row
from .statistics import effective_rows, wilson
from .tokens import tokens_of

RANGES = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, None))
"""Steps that are taken together where there is room for a few lines alone: from, to."""
NONE = "none"
"""In place of a step: no step that is stated is wrong."""
UNSTATED = "unstated"
"""In place of a step: neither a state nor a move is stated; empty and failed responses, too."""


_WITHOUT_STEP: Mapping[str | None, int | str] = {"perception": 0, "transformation": NONE, "strategic": NONE}
"""What it means that a cause names no step: something else that is seen; what is read off the last state; the plan."""


def first_wrong(rows: Sequence[Row], problems: Mapping[str, Problem[Any, Any]]) -> dict[str, Any]:
    """World -> mode -> "steps" and "ranges": `_numbers` of the responses that first go wrong at a step, or in a range.

    The step is `Row.wrong_step`, that of a circle or a passed goal included; of a row without one (right ones, too: an
    answer may be right by luck) it is that of `first_wrong_step`.

    Args:
        rows: The scored rows. Episodes, and worlds that show a scene in part, have no such steps and are left out.
        problems: Item id -> its problem.

    Returns:
        "steps" go up from 0 (the start, or what else is seen), then come "none" and "unstated"; "ranges": the same by the
        ranges of steps. What has no row is not there.
    """
    places: dict[tuple[str, str], list[tuple[int | str, Row]]] = {}
    for row in sorted(rows, key=lambda row: row.id):  # what is asked of one problem is worked out once
        if row.turns is None and row.world not in PARTS:
            places.setdefault((row.world, row.mode), []).append((place_of(row, problems[row.id]), row))
    told: dict[str, Any] = {}
    for (world, mode), placed in sorted(places.items(), key=lambda one: one[0]):
        told.setdefault(world, {})[mode] = {
            "steps": _grouped([(place, str(place), row) for place, row in placed]),
            "ranges": _grouped([(place, range_of(place), row) for place, row in placed]),
        }
    return told


def place_of(row: Row, problem: Problem[Any, Any]) -> int | str:
    """The step at which a response first goes wrong, "none" or "unstated"."""
    if row.wrong_step is not None:
        return row.wrong_step
    if row.cause in _WITHOUT_STEP:  # its diagnosis has read the response already
        return _WITHOUT_STEP[row.cause]
    found = first_wrong_step(problem, row.response, row.parsed)
    if found.step is not None:
        return found.step
    return NONE if found.stated else UNSTATED


def range_of(place: int | str) -> str:
    """The name of the range that a step is in; "none" and "unstated" stay what they are."""
    if isinstance(place, str):
        return place
    least, most = next((least, most) for least, most in RANGES if most is None or place <= most)
    if most is None:
        return f"{least} and later"
    return str(least) if least == most else f"{least} to {most}"


def _grouped(named: Sequence[tuple[int | str, str, Row]]) -> list[dict[str, Any]]:
    """The numbers of each name, in the order of the steps behind them."""
    groups: dict[str, list[Row]] = {}
    for _, name, row in sorted(named, key=lambda one: _rank(one[0])):
        groups.setdefault(name, []).append(row)
    return [{"step": name, **_numbers(rows)} for name, rows in groups.items()]


def _rank(place: int | str) -> float:
    return float(place) if isinstance(place, int) else {NONE: 1e18, UNSTATED: 2e18}[place]


def _numbers(rows: Sequence[Row]) -> dict[str, Any]:
    """What one group has: "n", "correct", "accuracy", "wilson95" (as in a cell), "tokens_known", "tokens_median"."""
    n, correct = len(rows), sum(row.correct for row in rows)
    worth = effective_rows(tallies(rows))
    tokens = [count for row in rows if (count := tokens_of(row)) is not None]
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "wilson95": wilson(correct / n * worth, worth),
        "tokens_known": len(tokens),
        "tokens_median": median(tokens) if tokens else None,
    }
