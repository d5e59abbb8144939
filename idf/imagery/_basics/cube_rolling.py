"""Basic skills of Cube Rolling: where a path ends, how far, the same cube turned, what another sees, and chains of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from idf.worlds import WORLDS, Rng, Walk
from idf.worlds.cube_rolling import BOARD, FACES, SHIFT, SHOWS

from .._lesson import Lesson, stretch
from .asking import STANDS, ask, drawn, still
from .relations import chain_lesson


def _cells_passed(cell: tuple[int, int], rolls: Sequence[str]) -> tuple[tuple[int, int], list[str]]:
    """Where a cube ends, and every cell on the way as lines."""
    lines = [f"Start: ({cell[0]},{cell[1]})"]
    for number, roll in enumerate(rolls, 1):
        cell = cell[0] + SHIFT[roll][0], cell[1] + SHIFT[roll][1]
        lines.append(f"{number}. {roll}: ({cell[0]},{cell[1]})")
    return cell, lines


def where_it_ends(walk: Walk[Any], rng: Rng) -> Lesson:
    x, z = walk.start.cells[-1]
    end, lines = _cells_passed((x, z), walk.actions)
    asked = "On which cell does the cube stand at the end? Write it as (x,z)."
    question = f"The cube rolls {' '.join(walk.actions)}. {asked}"
    where = {"whereabouts": WORLDS[walk.world].whereabouts(walk.start)}
    answer = f"({end[0]},{end[1]})"
    return ask(walk, question, lines, answer, fields=where, asked=asked, initial=f"({x},{z})", choices=BOARD * BOARD)


def how_far_it_gets(walk: Walk[Any], rng: Rng) -> Lesson | None:
    cells = WORLDS[walk.world].replay(walk.start, walk.actions)[-1].cells
    stretches: dict[int, list[tuple[int, int]]] = {2: [], 3: [], 4: []}  # cells apart -> first roll and number of rolls
    for i, j in combinations(range(len(cells)), 2):
        apart = abs(cells[j][0] - cells[i][0]) + abs(cells[j][1] - cells[i][1])
        if apart in stretches:
            stretches[apart].append((i, j - i))
    most = {apart: max((length for _, length in some), default=0) for apart, some in stretches.items()}
    longest = {apart: [one for one in some if one[1] == most[apart]] for apart, some in stretches.items()}
    found = drawn(rng, longest)
    if found is None:
        return None
    apart, (at, length) = found
    part = stretch(walk, at, length)
    (x, z), lines = _cells_passed((0, 0), part.actions)
    lines.append(f"{abs(x)} to the right or left, {abs(z)} to the front or back: {abs(x)} + {abs(z)} = {apart}")
    asked = "How many cells away from its first cell does it end up, counting cells to the side plus cells to the front or back?"
    question = f"The cube rolls {' '.join(part.actions)}. {asked}"
    return ask(part, question, lines, str(apart), asked=asked, measures={"cells": apart}, choices=len(longest))


def _rolled(colours: tuple[str, ...], way: str) -> tuple[str, ...]:
    return tuple(colours[FACES.index(face)] for face in SHOWS[way])


def _ways_to_lie(colours: tuple[str, ...]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The 24 ways in which a cube can lie, each with the fewest rolls that bring it there."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {colours: ()}
    queue = [colours]
    for lying in queue:  # grows while it is walked
        for way in SHOWS:
            if (there := _rolled(lying, way)) not in found:
                found[there] = (*found[lying], way)
                queue.append(there)
    return found


def whether_it_is_the_same(walk: Walk[Any], rng: Rng) -> Lesson:
    scene = still(walk, rng)
    lying = _ways_to_lie(scene.start.colours)
    turned = rng.choice(sorted(set(lying) - {scene.start.colours}))
    top, bottom, left, right, front, back = turned
    same = rng.chance(0.5)
    mirrored = (top, bottom, right, left, front, back)
    other = turned if same else mirrored
    at = scene.start.colours
    lines = [
        f"Roll the first cube until its top is {top} and its front is {front}, as on the second cube:",
        f"Start: {' '.join(at)}",
    ]
    for number, way in enumerate(lying[turned], 1):
        at = _rolled(at, way)
        lines.append(f"{number}. {way}: {' '.join(at)}")
    lines.append(f"Its right face is now {right}, that of the second cube is {other[3]}.")
    question = (
        f"A second cube has the face colours {' '.join(other)}. Is it the same cube, only turned, or a different one? "
        "Answer same or different."
    )
    never_same = replace(scene, start=scene.start._replace(colours=mirrored))
    return ask(scene, question, lines, "same" if same else "different", choices=2, also=never_same)


# Which face lies on the left and on the right of somebody who stands at a side of the cube and looks at it.
_HANDS = {
    "front": {"left": "left", "right": "right"},
    "back": {"left": "right", "right": "left"},
    "left": {"left": "back", "right": "front"},
    "right": {"left": "front", "right": "back"},
}


def which_face_another_sees(walk: Walk[Any], rng: Rng) -> Lesson:
    scene = still(walk, rng)
    side, hand = rng.choice(("back", "left", "right")), rng.choice(("left", "right"))
    named = dict(zip(FACES, scene.start.colours, strict=True))
    face = _HANDS[side][hand]
    lines = [
        ", ".join(f"{name} {colour}" for name, colour in named.items()),
        f"From the {side}, left is the {_HANDS[side]['left']} face and right is the {_HANDS[side]['right']} face.",
        f"The {face} face is {named[face]}.",
    ]
    question = (
        f"Somebody stands {STANDS[side]} the cube and looks at it. Which colour is the face on their {hand}-hand side?"
    )
    return ask(scene, question, lines, named[face], initial=named[hand], choices=len(FACES))


def chain_of_cells(walk: Walk[Any], rng: Rng) -> Lesson | None:
    if len(walk.actions) < 2:
        return None  # one relation is no chain
    cells = WORLDS[walk.world].replay(walk.start, walk.actions)[-1].cells
    return chain_lesson(walk, [(x, 0, z) for x, z in cells], rng)
