"""Chains of relations in text alone: "B is directly to the left of A", and so on; where is the last thing from the first?"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from idf.worlds import Rng, Walk

from .._lesson import Lesson

Cell = tuple[int, int, int]

RELATIONS = {
    (1, 0, 0): "to the right of",
    (-1, 0, 0): "to the left of",
    (0, 1, 0): "above",
    (0, -1, 0): "below",
    (0, 0, 1): "in front of",
    (0, 0, -1): "behind",
}
"""Step from one cell to the next, (x,y,z) -> how the second lies to the first."""

_SIDES = (("to the right", "to the left"), ("above", "below"), ("in front", "behind"))  # for each axis: more, less
RULE = (
    "Things stand in cells. Directly to the right of a cell, above it or in front of it is the very next cell that way."
)


def chain_lesson(scene: Walk[Any], cells: Sequence[Cell], rng: Rng) -> Lesson:
    """A lesson on cells of which each touches the one before: as many relations as there are steps.

    Args:
        scene: What the cells are taken from; no picture shows it and no text states it.
        cells: At least two, no two the same.
        rng: Decides names, order and direction of the relations, and which end is asked about.
    """
    if rng.chance(0.5):
        cells = list(reversed(cells))
    names = rng.shuffled(ascii_uppercase)[: len(cells)]
    first, last = names[0], names[-1]
    told, lines = [], [f"{first} (0,0,0)"]
    for name, before, cell, here in zip(names[1:], names, cells[1:], cells):
        step = (cell[0] - here[0], cell[1] - here[1], cell[2] - here[2])
        back = (-step[0], -step[1], -step[2])
        lines.append(f"{name} {_text(_less(cell, cells[0]))}: directly {RELATIONS[step]} {before}")
        told.append(
            f"{name} is directly {RELATIONS[step]} {before}."
            if rng.chance(0.5)
            else f"{before} is directly {RELATIONS[back]} {name}."
        )
    answer = offset_text(_less(cells[-1], cells[0]))
    asked = "Where is the last thing relative to the first? Count the cells in each direction."
    question = (
        f"Where is {last} relative to {first}? Count the cells in each direction, such as 2 to the left, 1 above."
    )
    fields = {"relations": " ".join(rng.shuffled(told)), "question": question}
    measures = {"relations": len(told)}
    response = "\n".join([*lines, f"Answer: {answer}"])
    return Lesson(scene, scene, fields, response, answer, None, asked, RULE, measures)


def offset_text(offset: Cell) -> str:
    """So many cells to the right, above and in front, in words; less than none are to the left, below and behind."""
    parts = [f"{abs(n)} {more if n > 0 else less}" for n, (more, less) in zip(offset, _SIDES, strict=True) if n]
    return ", ".join(parts)


def _less(cell: Cell, other: Cell) -> Cell:
    return cell[0] - other[0], cell[1] - other[1], cell[2] - other[2]


def _text(cell: Cell) -> str:
    return f"({cell[0]},{cell[1]},{cell[2]})"
