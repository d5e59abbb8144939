"""Basic skills of Mental Rotation: which way cubes lie, how far apart, the same structure turned, what another sees, chains.

Cubes are named by colours that occur once. Colours are drawn at random, so no colour tells anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from idf.worlds import WORLDS, Rng, Walk
from idf.worlds.mental_rotation import TO_FRONT, TURNS, Cell, Structure

from .._lesson import Lesson
from .asking import STANDS, ask, drawn, still
from .relations import chain_lesson

# Along each axis: what it is called, what is asked, and the answer for less and for more.
_AXES = (
    ("x", "further to the left or further to the right", "left", "right"),
    ("y", "lower or higher", "lower", "higher"),
    ("z", "further to the back or further to the front", "back", "front"),
)


def _singles(state: Structure) -> dict[str, Cell]:
    """The cubes that a colour alone tells: colour -> cell."""
    colours = [colour for _, colour in state]
    return {colour: cell for cell, colour in state if colours.count(colour) == 1}


def _pairs(cubes: dict[str, Cell]) -> list[tuple[str, str]]:
    return [(a, b) for a in cubes for b in cubes if a != b]


def _text(cell: Cell) -> str:
    return f"({cell[0]},{cell[1]},{cell[2]})"


def which_way_a_cube_lies(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene = still(walk, rng)
    cubes = _singles(scene.start)
    right: dict[int, list[tuple[str, str, int]]] = {-1: [], 0: [], 1: []}
    for a, b in _pairs(cubes):
        for axis in range(3):
            more = cubes[a][axis] - cubes[b][axis]
            right[(more > 0) - (more < 0)].append((a, b, axis))
    found = drawn(rng, right)
    if found is None:
        return None
    sign, (a, b, axis) = found
    name, asked, less, more_ = _AXES[axis]
    answer = {-1: less, 0: "neither", 1: more_}[sign]
    lines = [
        f"{a} {_text(cubes[a])}, {b} {_text(cubes[b])}",
        f"{name} is {cubes[a][axis]} for {a} and {cubes[b][axis]} for {b}.",
    ]
    question = f"Does the {a} cube lie {asked} than the {b} cube? Answer {less}, {more_} or neither."
    return ask(scene, question, lines, answer, choices=3)


def how_far_cubes_are_apart(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene = still(walk, rng)
    cubes = _singles(scene.start)
    right: dict[int, list[tuple[str, str, int]]] = {0: [], 1: [], 2: []}
    for a, b in _pairs(cubes):
        for axis in range(3):
            if (apart := abs(cubes[a][axis] - cubes[b][axis])) in right:
                right[apart].append((a, b, axis))
    found = drawn(rng, right)
    if found is None:
        return None
    apart, (a, b, axis) = found
    lines = [
        f"{a} {_text(cubes[a])}, {b} {_text(cubes[b])}",
        f"{_AXES[axis][0]} is {cubes[a][axis]} for {a} and {cubes[b][axis]} for {b}: {apart} apart.",
    ]
    along = ("from left to right", "from bottom to top", "from back to front")[axis]
    question = (
        f"How many cells apart are the {a} cube and the {b} cube {along}? (The other two directions do not count.)"
    )
    return ask(scene, question, lines, str(apart), measures={"cells": apart}, choices=3)


def whether_it_is_the_same(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene, world = still(walk, rng), WORLDS[walk.world]
    turned = {turn: world.step(scene.start, turn) for turn in TURNS}
    turn = rng.choice(list(TURNS))
    others = [other for other in _two_swapped(turned[turn]) if other not in turned.values()]
    if not others:
        return None
    different, same = rng.choice(others), rng.chance(0.5)
    other = turned[turn] if same else different
    lines = []
    for name, state in turned.items():
        lines.append(f"{name}: {world.write(state)}{', the second structure' if state == other else ''}")
        if state == other:
            break
    else:
        lines.append("None of these is the second structure.")
    question = (
        f"A second structure: {world.write(other)}. Is it the same structure after a single quarter turn about the origin, or a "
        "different one? Answer same or different."
    )
    also = replace(scene, start=different)
    return ask(scene, question, lines, "same" if same else "different", choices=2, also=also)


def _two_swapped(state: Structure) -> list[Structure]:
    """A structure with the colours of any two cubes exchanged, where that changes it."""
    found = []
    for i, (_, first) in enumerate(state):
        for j, (_, second) in enumerate(state[:i]):
            if first != second:
                colours = [colour for _, colour in state]
                colours[i], colours[j] = second, first
                found.append(tuple((cell, colour) for (cell, _), colour in zip(state, colours, strict=True)))
    return found


def how_another_sees_cubes(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene, world = still(walk, rng), WORLDS[walk.world]
    own = _singles(scene.start)
    turned = {view: world.replay(scene.start, TO_FRONT[view]) for view in ("back", "left", "right")}
    right: dict[str, list[tuple[str, str, str]]] = {"left": [], "right": []}
    for view, states in turned.items():
        seen = _singles(states[-1])
        for a, b in _pairs(seen):
            if seen[a][0] != seen[b][0]:
                right["left" if seen[a][0] < seen[b][0] else "right"].append((a, b, view))
    found = drawn(rng, right)
    if found is None:
        return None
    answer, (a, b, view) = found
    seen = _singles(turned[view][-1])
    lines = [
        f"Turn the {view} to the front:",
        world.unroll(scene.start, TO_FRONT[view]),
        f"x is {seen[a][0]} for {a} and {seen[b][0]} for {b}.",
    ]
    question = (
        f"Somebody stands {STANDS[view]} the structure and looks at it. Do they see the {a} cube further to the left or "
        f"further to the right than the {b} cube? Answer left or right."
    )
    more = own[a][0] - own[b][0]
    initial = "neither" if more == 0 else "right" if more > 0 else "left"
    return ask(scene, question, lines, answer, initial=initial, choices=2)


def chain_of_cubes(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene = still(walk, rng)
    paths = _shortest_paths([cell for cell, _ in scene.start])
    path = rng.choice(paths[rng.choice(sorted(paths))])
    return chain_lesson(scene, path, rng)


def _shortest_paths(cells: Sequence[Cell]) -> dict[int, list[list[Cell]]]:
    """From each cell to each other one, over cells that touch: number of steps, from two on -> the paths."""
    found: dict[int, list[list[Cell]]] = {}
    for start in cells:
        paths = {start: [start]}
        queue = [start]
        for cell in queue:  # grows while it is walked
            for there in cells:
                if there not in paths and sum(abs(p - q) for p, q in zip(cell, there)) == 1:
                    paths[there] = [*paths[cell], there]
                    queue.append(there)
        for path in paths.values():
            if len(path) > 2:  # one relation is no chain
                found.setdefault(len(path) - 1, []).append(path)
    return found
