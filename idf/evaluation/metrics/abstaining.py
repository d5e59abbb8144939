"""When not to answer: how well responses abstain where a scene is shown in part."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from idf.answers import UNDETERMINED

from .row import Row
from .statistics import wilson

ALL = "all"


def abstained(row: Row) -> bool:
    """Whether a response says that there is no one answer."""
    return bool(row.parsed == UNDETERMINED)


def abstaining(rows: Sequence[Row]) -> dict[str, Any] | None:
    """World -> mode -> difficulty (and "all") -> `abstaining_cell`; None if no row is of a world that shows a scene in part."""
    told: dict[str, Any] = {}
    of_parts = [row for row in rows if row.answerable is not None]
    for world, mode in sorted({(row.world, row.mode) for row in of_parts}):
        mine = [row for row in of_parts if (row.world, row.mode) == (world, mode)]
        cells = {ALL: abstaining_cell(mine)}
        for difficulty in ("easy", "medium", "hard"):
            if some := [row for row in mine if row.difficulty == difficulty]:
                cells[difficulty] = abstaining_cell(some)
        told.setdefault(world, {})[mode] = cells
    return told or None


def abstaining_cell(rows: Sequence[Row]) -> dict[str, Any]:
    """The numbers of one cell. Every row is in the denominators of accuracy and recall, unread ones too.

    Returns:
        "answerable": of so many rows what is shown decides the answer; "correct" of them, "accuracy" and its "accuracy95";
        "undetermined": the other rows; "abstained": rows that abstain, "rightly" if there is no one answer; "recall" is
        rightly of undetermined, "precision" rightly of abstained, each with its Wilson interval; "views_asked" and
        "views_right": undetermined rows that ask which view would settle it, and those that name one; "views_chance" is what
        drawing a view has there. A share of nothing is None.
        "never" and "always": the same accuracy, recall and precision of who is right wherever there is an answer and never
        abstains, and of who always does.
    """
    answerable = [row for row in rows if row.answerable]
    undetermined = [row for row in rows if row.answerable is False]
    correct = sum(row.correct for row in answerable)
    silent = [row for row in rows if abstained(row)]
    rightly = sum(row.answerable is False for row in silent)
    chances = [row.view_chance for row in undetermined if row.view_chance is not None]
    views = [row.settles for row in undetermined if row.settles is not None]
    return {
        "answerable": len(answerable),
        "correct": correct,
        **_share("accuracy", correct, len(answerable)),
        "undetermined": len(undetermined),
        "abstained": len(silent),
        "rightly": rightly,
        **_share("recall", rightly, len(undetermined)),
        **_share("precision", rightly, len(silent)),
        "views_asked": len(views),
        "views_right": sum(views),
        "views_chance": fmean(chances) if chances else None,
        "never": {
            "accuracy": 1.0 if answerable else None,
            "recall": 0.0 if undetermined else None,
            "precision": None,
        },
        "always": {
            "accuracy": 0.0 if answerable else None,
            "recall": 1.0 if undetermined else None,
            "precision": len(undetermined) / len(rows),
        },
    }


def _share(name: str, part: int, whole: int) -> dict[str, Any]:
    return {name: part / whole if whole else None, f"{name}95": wilson(part, whole) if whole else None}
