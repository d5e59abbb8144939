"""Items that pose the same problem: 34 rows of the published Wood Slide file, for example, repeat earlier ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from idf.worlds import WORLDS, Problem

from ._item import Item


class Count(NamedTuple):
    """How many items there are of a world.

    Attributes:
        items: All of them.
        distinct: Those that are left if each problem is counted once.
    """

    items: int
    distinct: int


def distinct(items: Iterable[Item]) -> list[Item]:
    """The items without those that pose the problem of an earlier one: same start, same question, to the letter.

    Args:
        items: In their order; the first of each problem stays.
    """
    first: dict[tuple[str, str], Item] = {}
    for item in items:
        first.setdefault(_same(item), item)
    return list(first.values())


def count_items(items: Iterable[Item]) -> dict[str, Count]:
    """World -> how many items it has, as they are and without duplicates; in the order of the items."""
    keys: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        keys.setdefault(item.world, []).append(_same(item))
    return {world: Count(len(found), len(set(found))) for world, found in keys.items()}


def _same(item: Item) -> tuple[str, str]:
    return item.world, task_key(item)


def task_key(item: Item) -> str:
    """Equal for items that ask the same: `exact_key` of a problem, the key of an exercise."""
    return exact_key(item.problem) if item.exercise is None else item.exercise.key


@lru_cache(maxsize=1 << 14)  # a suite's items are asked for it in every mode
def exact_key(problem: Problem[Any, Any]) -> str:
    """`Keys.exact` of a problem: equal for the same start and the same question, to the letter."""
    return WORLDS[problem.world].keys(problem).exact
