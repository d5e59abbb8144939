"""Which items of a suite are asked."""

from __future__ import annotations

from collections.abc import Sequence

from idf.suites import Item, distinct


def chosen(items: Sequence[Item], duplicates: str, limit: int | None) -> list[Item]:
    """The items that are asked.

    Args:
        items: A suite.
        duplicates: "keep", or "drop" for those that pose the same problem as an earlier one.
        limit: At most so many of each world; None for all.
    """
    kept = distinct(items) if duplicates == "drop" else list(items)
    return kept if limit is None else spread(kept, limit)


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
