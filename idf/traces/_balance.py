"""Equal shares: as many of each world and difficulty as there are, none more than its share."""

from __future__ import annotations

from collections.abc import Mapping

from idf.worlds import DIFFICULTIES

Stratum = tuple[str, str]
"""World and difficulty."""


def quotas(available: Mapping[Stratum, int], keep: int) -> dict[Stratum, int]:
    """How many to keep of each stratum: equal shares; what a stratum lacks is shared by the others (water-filling).

    Args:
        available: Stratum -> how many there are.
        keep: How many to keep in all.

    Returns:
        Stratum -> how many to keep. They add up to `keep`, or to all there are if that is less. What cannot be divided
        goes to the easier strata first, one to each.
    """
    quota: dict[Stratum, int] = {}
    open_strata = sorted(available, key=lambda stratum: (available[stratum], stratum))
    while open_strata and available[open_strata[0]] <= (keep - sum(quota.values())) // len(open_strata):
        short = open_strata.pop(0)
        quota[short] = available[short]
    if open_strata:
        share, rest = divmod(keep - sum(quota.values()), len(open_strata))
        open_strata.sort(key=lambda stratum: (DIFFICULTIES.index(stratum[1]), stratum[0]))
        quota |= {stratum: share + (at < rest) for at, stratum in enumerate(open_strata)}
    return quota
