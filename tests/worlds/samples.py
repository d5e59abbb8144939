"""The samples that the tests of all worlds look at, drawn once."""

from __future__ import annotations

from functools import cache

from idf.worlds import SPLITS, WORLDS, Problem, Walk, sample_problem, sample_walk


@cache
def problem(world: str, split: str, index: int, difficulty: str) -> Problem:
    return sample_problem(WORLDS[world], seed=7, split=split, index=index, difficulty=difficulty)


@cache
def walk(world: str, split: str, index: int, difficulty: str) -> Walk:
    return sample_walk(WORLDS[world], seed=7, split=split, index=index, difficulty=difficulty)


def problems(world: str, difficulty: str, number: int = 12) -> list[Problem]:
    """So many problems of each split."""
    return [problem(world, split, i, difficulty) for split in SPLITS for i in range(number)]


def walks(world: str, difficulty: str, number: int = 12) -> list[Walk]:
    """So many walks of each split."""
    return [walk(world, split, i, difficulty) for split in SPLITS for i in range(number)]
