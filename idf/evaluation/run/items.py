"""Which items of a suite are asked."""

from __future__ import annotations

from collections.abc import Sequence

from idf.suites import Item


def spread(items: Sequence[Item], limit: int) -> list[Item]:
    """At most `limit` items of each world, spread evenly over the suite's order, so that no difficulty is left out."""
    by_world: dict[str, list[Item]] = {}
    for item in items:
        by_world.setdefault(item.problem.world, []).append(item)
    kept: list[Item] = []
    for mine in by_world.values():
        n = min(limit, len(mine))
        kept += [mine[i * len(mine) // n] for i in range(n)]
    return kept
