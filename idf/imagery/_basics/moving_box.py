"""Basic skills of Moving Box: where the target is, which way things lie, and how the player sees them."""

from __future__ import annotations

from typing import Any

from idf.worlds import Rng, Walk
from idf.worlds.moving_box import grid

from .._lesson import Lesson
from .asking import ask, drawn, still

_FACING = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}  # clockwise


def _places(scene: Walk[Any]) -> dict[str, tuple[int, int]]:
    return {"player": scene.start.player, "box": scene.start.box, "target": scene.start.target}


def _ordered_pairs(scene: Walk[Any]) -> list[tuple[str, str]]:
    """Things in different cells."""
    places = _places(scene)
    return [(a, b) for a in places for b in places if places[a] != places[b]]


def where_the_target_is(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene = still(walk, rng)
    row, column = scene.start.target
    rows = grid(scene.start)
    edges = (1, len(rows) - 2)
    if row in edges and column in edges and rng.chance(0.5):
        return None  # every other target in a corner: there are too many of them
    lines = [f"Row {number}: {' '.join(rows[number])}" for number in range(row + 1)]
    lines.append(
        f"The target, {rows[row][column]}, is in row {row}, with {column} cell{'s' if column > 1 else ''} to its left."
    )
    inside = (len(rows) - 2) * (len(rows[0]) - 2)
    question = "In which cell is the target? Write it as (row,column), counted from 0 at the top left."
    return ask(scene, question, lines, f"({row},{column})", choices=inside)


def _way(rows: int, columns: int) -> str:
    """In words, which way so many rows down and columns to the right are: "up", "down and left"."""
    found = (["down" if rows > 0 else "up"] if rows else []) + (["right" if columns > 0 else "left"] if columns else [])
    return " and ".join(found)


def which_way_a_thing_lies(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene = still(walk, rng)
    places = _places(scene)
    # A mirrored room is as likely as the room, so up, down, left and right are; straight and oblique are drawn.
    pairs: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for a, b in _ordered_pairs(scene):
        pairs[0 in (places[a][0] - places[b][0], places[a][1] - places[b][1])].append((a, b))
    found = drawn(rng, pairs)
    if found is None:
        return None
    a, b = found[1]
    (row, column), (from_row, from_column) = places[a], places[b]
    answer = _way(row - from_row, column - from_column)
    lines = [
        f"{b} ({from_row},{from_column}), {a} ({row},{column})",
        f"rows: from {from_row} to {row}, {_way(row - from_row, 0) or 'the same'}",
        f"columns: from {from_column} to {column}, {_way(0, column - from_column) or 'the same'}",
    ]
    question = (
        f"In which direction does the {a} lie from the {b}? Answer up, down, left or right, or two of them, such as up and "
        "left."
    )
    return ask(scene, question, lines, answer, choices=8)


def how_the_player_sees_it(walk: Walk[Any], rng: Rng) -> Lesson | None:
    scene = still(walk, rng)
    places = _places(scene)
    row, column = places["player"]
    seen = {name: (r - row, c - column) for name, (r, c) in places.items() if r != row and c != column}
    if not seen:
        return None
    name = rng.choice(list(seen))
    facing = rng.choice(list(_FACING))  # of an oblique thing, each gives another answer
    rows, columns = seen[name]
    ahead = _FACING[facing]
    right = list(_FACING.values())[(list(_FACING).index(facing) + 1) % 4]
    answer = _as_seen(rows, columns, ahead, right)
    lines = [
        f"player ({row},{column}), {name} ({places[name][0]},{places[name][1]}): it lies {_way(rows, columns)}",
        f"Looking {facing}, ahead is {facing} and right is {_way(*right)}.",
    ]
    question = (
        f"The player looks {facing}. Where is the {name} as the player sees it? Answer ahead or behind, and left or right, "
        "such as ahead and left."
    )
    initial = _as_seen(rows, columns, _FACING["up"], _FACING["right"])
    return ask(scene, question, lines, answer, initial=initial, choices=4)


def _as_seen(rows: int, columns: int, ahead: tuple[int, int], right: tuple[int, int]) -> str:
    along = rows * ahead[0] + columns * ahead[1]
    across = rows * right[0] + columns * right[1]
    return f"{'ahead' if along > 0 else 'behind'} and {'right' if across > 0 else 'left'}"
