"""Suites that ask each item with its images under symmetries (`symmetric=true`): how often all images are right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from idf.suites import Item
from idf.worlds import WORLDS

from .baselines import PLAYS, baseline_answer
from .row import Row
from .statistics import effective_rows, wilson
from .summary import ALL


def image_cells(rows: Sequence[Row], items: Sequence[Item] = ()) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """How many items are right in all their images, beside the plain rate and the same of trivial players.

    A player that knows how to solve an item knows how to solve it turned and mirrored; one that guesses is right in all
    images by chance alone.

    Args:
        rows: Scored rows; those without a group are left aside.
        items: The items, for the trivial players; without them there are none.

    Returns:
        World -> mode -> difficulty or "all" -> {"items": items with their images, "images": images of them, "accuracy":
        share of right rows, "all_right": share of items (of each of their samples) whose images are all right, "wilson95":
        its interval, "initial", "random": the same share of those players}. Empty if no row has a group.
    """
    found: dict[tuple[str, str, str], dict[tuple[str, int], list[bool]]] = {}
    for row in rows:
        for part in (ALL, row.difficulty) if row.group is not None else ():
            groups = found.setdefault((row.world, row.mode, part), {})
            groups.setdefault((str(row.group), row.sample), []).append(row.correct)
    players = _players(items)
    cells: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for (world, mode, part), groups in sorted(found.items()):
        samples: dict[str, list[bool]] = {}
        for (group, _), right in groups.items():
            samples.setdefault(group, []).append(all(right))
        share = sum(map(sum, samples.values())) / len(groups)
        worth = effective_rows([(sum(right), len(right)) for right in samples.values()])
        rights = [right for mine in groups.values() for right in mine]
        cells.setdefault(world, {}).setdefault(mode, {})[part] = {
            "items": len(samples),
            "images": sum(len(right) for (_, sample), right in groups.items() if sample == 0),
            "accuracy": sum(rights) / len(rights),
            "all_right": share,
            "wilson95": wilson(share * worth, worth),
            **players.get((world, part), {}),
        }
    return cells


def _players(items: Iterable[Item]) -> dict[tuple[str, str], dict[str, float]]:
    """(world, difficulty or "all") -> the share of items that a trivial player has right in all images."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if item.group is not None:
            groups.setdefault(item.group, []).append(item)
    shares: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for mine in groups.values():
        initial = float(all(next(_plays("initial", item)) for item in mine))
        plays = zip(*(_plays("random", item) for item in mine), strict=True)
        both = initial, sum(map(all, plays)) / PLAYS
        problem = mine[0].problem
        for part in (ALL, problem.difficulty):
            shares.setdefault((problem.world, part), []).append(both)
    return {
        at: {name: sum(share[i] for share in some) / len(some) for i, name in enumerate(("initial", "random"))}
        for at, some in shares.items()
    }


def _plays(name: str, item: Item) -> Iterator[bool]:
    """Whether a player is right in each of its plays of an item."""
    world = WORLDS[item.problem.world]
    for i in range(PLAYS):
        answer = baseline_answer(name, item.problem, f"{item.id} play {i}")
        yield world.judge(item.problem, answer).correct
