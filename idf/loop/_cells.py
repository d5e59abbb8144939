"""Success by cell, and the weight of each cell that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from idf.evaluation import Row
from idf.traces import Cell

Counts = dict[str, dict[str, int]]
"""Cell, as text -> `n` responses, `right` of them."""


def success_by_cell(rows: Iterable[Row]) -> Counts:
    """How many responses there are to the problems of each cell, and how many are right.

    Args:
        rows: Scored responses.
    """
    found: Counts = {}
    for row in rows:
        counts = found.setdefault(str(Cell(row.world, row.size)), {"n": 0, "right": 0})
        counts["n"] += 1
        counts["right"] += row.correct
    return dict(sorted(found.items(), key=lambda pair: Cell.read(pair[0])))


def weigh(counts: Mapping[str, Mapping[str, int]], draw: str, floor: float) -> dict[str, dict[str, Any]]:
    """The weight of each cell: p(1-p), which is most where half of the responses are right, and never below a floor.

    p is estimated as (right + 1) / (n + 2), so that a cell of few responses is never taken for hopeless or done.

    Args:
        counts: Responses and right ones of each cell.
        draw: "weighted"; or "uniform" for equal weights.
        floor: Least p(1-p) that a cell counts with.

    Returns:
        Cell -> `n`, `right`, `p` and `weight`. Weights add up to 1.
    """
    shares = {cell: (told["right"] + 1) / (told["n"] + 2) for cell, told in counts.items()}
    raw = {cell: 1.0 if draw == "uniform" else max(p * (1 - p), floor) for cell, p in shares.items()}
    total = sum(raw.values())
    return {cell: {**counts[cell], "p": shares[cell], "weight": raw[cell] / total} for cell in counts}
