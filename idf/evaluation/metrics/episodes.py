"""What episodes count beside their end: replies, moves, what broke a rule, what was believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from .row import Row

EPISODE_PROMPTS = "idf-episodes-1"
"""What `run` names as the prompts of episodes: their words are their own."""


def episode_numbers(rows: Sequence[Row]) -> dict[str, Any]:
    """The counts of a cell's episodes; empty if it has none.

    Returns:
        "n": episodes; "replies", "moves": means; "illegal", "unreadable": all of them; "states": share of the stated states
        that are right, None if none was stated; "beliefs": mean share of cells that are right, over beliefs, None if none
        was asked for; "ends": end -> episodes, "none" for what was cut off.
    """
    told = [row.episode for row in rows if row.episode is not None]
    if not told:
        return {}
    right, wrong = (sum(each[name] for each in told) for name in ("right", "wrong"))
    beliefs = [share for each in told for share in each["beliefs"]]
    return {
        "n": len(told),
        "replies": fmean(each["replies"] for each in told),
        "moves": fmean(each["moves"] for each in told),
        "illegal": sum(each["illegal"] for each in told),
        "unreadable": sum(each["unreadable"] for each in told),
        "states": right / (right + wrong) if right + wrong else None,
        "beliefs": fmean(beliefs) if beliefs else None,
        "ends": dict(sorted(Counter(each["end"] or "none" for each in told).items())),
    }
