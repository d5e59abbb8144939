"""Which items of a suite are asked."""

from __future__ import annotations

from collections.abc import Sequence

from idf.suites import Item


def spread(items: Sequence[Item], limit: int) -> list[Item]:
    """At most `limit` items of each world, spread evenly over the suite's order, so that no difficulty is left out.

    An item counts once and stays together with its images under symmetries, if the suite asks any.
    """
    by_world: dict[str, dict[str, list[Item]]] = {}
    for item in items:
        by_world.setdefault(item.world, {}).setdefault(item.group or item.id, []).append(item)
    kept: list[Item] = []
    for groups in by_world.values():
        mine = list(groups.values())
        n = min(limit, len(mine))
        kept += [item for i in range(n) for item in mine[i * len(mine) // n]]
    return kept
