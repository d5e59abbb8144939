"""Which rows belong together: those of one problem are not independent of each other."""

from __future__ import annotations

from collections.abc import Iterable

from .row import Row


def problem_of(row: Row) -> str:
    """What rows of the same problem share; the item's id where a row does not say its problem."""
    return row.cluster or row.id


def tallies(rows: Iterable[Row]) -> list[tuple[int, int]]:
    """(right, rows) of each problem: several samples of an item, and items that pose the same problem, go together."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        mine = counts.setdefault(problem_of(row), [0, 0])
        mine[0] += row.correct
        mine[1] += 1
    return [(right, n) for right, n in counts.values()]
