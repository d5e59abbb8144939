"""From scored rows to the numbers of a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import Any

from ._row import Row

ALL = "all"


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share (Wilson 1927); honest for small n, where the normal one is too narrow.

    Raises:
        ValueError: n is not positive.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one item")
    z = 1.959963984540054
    p = correct / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def cell(rows: Sequence[Row]) -> dict[str, Any]:
    """The numbers of one cell. Every row is in the denominator.

    `official_accuracy` is what the published scorer would print: it leaves out empty responses and plans that cannot be
    parsed or break a rule, and is None where it would have nothing left to divide by.
    """
    n, correct = len(rows), sum(row.correct for row in rows)
    counted = [row.official for row in rows if row.official >= 0]
    tokens = sorted(row.completion_tokens for row in rows if row.completion_tokens is not None)
    errors = [row.error for row in rows]
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "wilson95": wilson(correct, n),
        "official_accuracy": sum(counted) / len(counted) if counted else None,
        "parse_failures": errors.count("unparsed") + errors.count("empty"),
        "illegal": errors.count("illegal"),
        "incomplete": errors.count("incomplete"),
        "truncated": sum(row.finish_reason == "length" for row in rows),
        "tokens_median": median(tokens) if tokens else None,
        "tokens_p90": tokens[-(-9 * len(tokens) // 10) - 1] if tokens else None,
        "tokens_per_correct": sum(tokens) / correct if tokens and correct else None,
    }


def summarize(rows: Sequence[Row]) -> dict[str, Any]:
    """All cells: world -> mode -> difficulty (and "all") -> numbers; and the macro mean over worlds, per mode."""
    worlds: dict[str, dict[str, dict[str, Any]]] = {}
    for world in sorted({row.world for row in rows}):
        for mode in sorted({row.mode for row in rows if row.world == world}):
            mine = [row for row in rows if row.world == world and row.mode == mode]
            cells = {ALL: cell(mine)}
            for difficulty in ("easy", "medium", "hard"):
                if some := [row for row in mine if row.difficulty == difficulty]:
                    cells[difficulty] = cell(some)
            worlds.setdefault(world, {})[mode] = cells
    macro = {}
    for mode in sorted({row.mode for row in rows}):
        shares = [modes[mode][ALL]["accuracy"] for modes in worlds.values() if mode in modes]
        macro[mode] = sum(shares) / len(shares)
    return {"worlds": worlds, "macro_accuracy": macro}
