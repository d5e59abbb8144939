"""The samples that the tests of all worlds look at, drawn once."""

from __future__ import annotations

from functools import cache

from idf.worlds import SPLITS, WORLDS, Problem, Walk, sample_problem, sample_walk

# A hard room of Moving Box takes a third of a second to find.
SLOW = {("moving_box", "hard"): 3, ("moving_box", "medium"): 6}


def many(world: str, difficulty: str, usual: int) -> int:
    return min(SLOW.get((world, difficulty), usual), usual)


@cache
def problem(world: str, split: str, index: int, difficulty: str) -> Problem:
    return sample_problem(WORLDS[world], seed=7, split=split, index=index, difficulty=difficulty)


@cache
def walk(world: str, split: str, index: int, difficulty: str) -> Walk:
    return sample_walk(WORLDS[world], seed=7, split=split, index=index, difficulty=difficulty)


def problems(world: str, difficulty: str, usual: int = 12) -> list[Problem]:
    """Problems of both splits, fewer of those that take long to draw."""
    return [problem(world, split, i, difficulty) for split in SPLITS for i in range(many(world, difficulty, usual))]


def walks(world: str, difficulty: str, usual: int = 12) -> list[Walk]:
    """Walks of both splits, fewer of those that take long to draw."""
    return [walk(world, split, i, difficulty) for split in SPLITS for i in range(many(world, difficulty, usual))]
