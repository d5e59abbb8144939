"""What an answer costs: accuracy within a budget of tokens, and how tokens grow with the solution's length."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .growth import growth
from .row import Row
from .tokens import tokens_of

BUDGETS = (512, 1024, 2048, 4096, 8192)


def efficiency(rows: Sequence[Row]) -> dict[str, Any]:
    """The efficiency of one world and mode.

    Returns:
        "without_tokens": rows that do not say their tokens; "budgets": [tokens, share of rows that are right within so
        many tokens] (a failed or empty response is not right within any; other rows without a count are left out; empty
        if no row has a count); "by_size": [`World.size`, rows, right ones, median of tokens or None]; "growth": see
        `growth`.
    """
    counts = [(row, tokens_of(row)) for row in rows]
    known = [count for _, count in counts if count is not None]
    # Only what was answered can be unknown: a failure stays in the denominator.
    judged = [(row, count) for row, count in counts if count is not None or row.error in ("error", "empty")]
    budgets = [
        [budget, sum(row.correct and count is not None and count <= budget for row, count in judged) / len(judged)]
        for budget in (BUDGETS if known else ())
    ]
    by_size = []
    for size in sorted({row.size for row in rows}):
        mine = [(row, count) for row, count in counts if row.size == size]
        lengths = [count for _, count in mine if count is not None]
        by_size.append([size, len(mine), sum(row.correct for row, _ in mine), median(lengths) if lengths else None])
    return {
        "without_tokens": len(rows) - len(known),
        "budgets": budgets,
        "by_size": by_size,
        "growth": growth(rows),
    }
