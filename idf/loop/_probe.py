"""The problems that success is measured on: of the train split, held back from every round, and in no suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

from tqdm import tqdm

from idf.data import content_key
from idf.errors import UserError
from idf.suites import Item, published, write_suite
from idf.traces import Cell, held_back
from idf.version import VERSION
from idf.worlds import WORLDS, Draw, Problem

from ._files import Facts
from ._recipe import LoopRecipe

RAREST = 0.02
"""A size that fewer problems of its difficulty have, about, is no cell: its problems would take too long to find."""


def make_probe(recipe: LoopRecipe, out: Path, max_pixels: int) -> Facts:
    """Draw the probe and write it as a suite.

    Args:
        recipe: The loop's recipe.
        out: Folder of the suite.
        max_pixels: Largest picture.

    Returns:
        `cells`, the names of all cells; `left_out`, sizes of which too few problems were found -> how many.

    Raises:
        UserError: No size has enough problems.
    """
    items, left_out = draw_probe(recipe)
    cells = [str(cell) for cell in dict.fromkeys(cell_of(item.problem) for item in items)]
    facts = {"cells": cells, "left_out": left_out}
    if not (out / "suite.json").exists():
        told = {"recipe": {"probe_of_a_loop": vars(recipe.probe)}, "items": len(items), "versions": {"idf": VERSION}}
        write_suite(items, out, told | facts, max_pixels)
    return facts


def draw_probe(recipe: LoopRecipe) -> tuple[list[Item], dict[str, int]]:
    """The items of the probe, as many of each cell; and sizes of which too few were found.

    Raises:
        UserError: No size has enough problems.
    """
    items: list[Item] = []
    left_out: dict[str, int] = {}
    strata = list(product(recipe.worlds, recipe.difficulties))
    for world, difficulty in tqdm(strata, desc="probe", unit=" difficulties", mininterval=1):
        for cell, problems in _problems(recipe, world, difficulty).items():
            if len(problems) < recipe.probe.problems:
                left_out[str(cell)] = len(problems)
                continue
            items += [Item(f"probe:{cell}:{number}", problem) for number, problem in enumerate(problems)]
    if not items:
        raise UserError(
            f"no size of {', '.join(recipe.worlds)} has {recipe.probe.problems} different problems among the scenes that are "
            "held back: lower probe.problems, or raise probe.share"
        )
    return items, left_out


def _problems(recipe: LoopRecipe, world: str, difficulty: str) -> dict[Cell, list[Problem[Any, Any]]]:
    """Different problems that are held back, by cell: as many as are wanted, or as were found."""
    simulator, wanted, avoid = WORLDS[world], recipe.probe.problems, published().avoid
    found: dict[Cell, list[Problem[Any, Any]]] = {Cell(world, size): [] for size in simulator.sizes(difficulty)}
    seen: set[str] = set()
    for index in range(ceil(wanted / (recipe.probe.share * RAREST))):
        if all(len(problems) == wanted for problems in found.values()):
            break
        drawn = Draw(recipe.seed, "train", index, difficulty, avoid, purpose="probe").problem(simulator)
        if not held_back(simulator.family, drawn.keys.canonical, recipe.probe.share):
            continue
        key = content_key(world, drawn.keys.canonical, simulator.asked(drawn.scene))
        of_cell = found[cell_of(drawn.scene)]
        if key not in seen and len(of_cell) < wanted:
            seen.add(key)
            of_cell.append(drawn.scene)
    return found


def cell_of(problem: Problem[Any, Any]) -> Cell:
    """The cell of a problem."""
    return Cell(problem.world, WORLDS[problem.world].size(problem))


def scenes_of(problems: Iterable[Problem[Any, Any]]) -> Counter[str]:
    """Hash of each scene, up to the symmetries of its world -> how many problems have it."""
    return Counter(
        content_key(WORLDS[problem.world].family, WORLDS[problem.world].keys(problem).canonical) for problem in problems
    )


def count_shared(mine: Iterable[Problem[Any, Any]], mine_are: str, others: Iterable[Problem[Any, Any]], of: str) -> int:
    """The scenes that two sets of problems share: none, or it is an error.

    Args:
        mine: The problems that success is measured or reported on.
        mine_are: Their name, for the message.
        others: Others.
        of: Where those are.

    Raises:
        UserError: They share some.
    """
    shared = len(scenes_of(mine).keys() & scenes_of(others).keys())
    if shared:
        raise UserError(
            f"{shared} scenes of {mine_are} are in {of} as well, so success on them would mean nothing: evaluate on a suite that "
            "idf generates, whose scenes no training data holds"
        )
    return shared
