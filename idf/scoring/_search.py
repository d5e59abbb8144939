"""What a trace says of its search for a plan: read sentence by sentence, and held against the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from idf.worlds import SEARCHES, Problem, Remark, World


def read_remarks(world: World[Any, Any], said: str, first: int) -> tuple[Remark, ...]:
    """What a sentence in lower case says of a search; nothing in a world that cannot search.

    Args:
        world: The world that it speaks of.
        said: The sentence.
        first: What it counts rows and columns from.
    """
    search = SEARCHES.get(world.name)
    return () if search is None else tuple(search.read(said, first))


def untrue_remark(
    problem: Problem[Any, Any], course: Sequence[Any], at: int, planned: int | None, remark: Remark
) -> str:
    """Why a remark is false where it is said; empty if it is true. As `Search.untrue`."""
    return SEARCHES[problem.world].untrue(problem, course, at, planned, remark)
