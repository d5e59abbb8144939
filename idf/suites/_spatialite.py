"""SpatiaLite as published: JSON Lines with wrong suffixes, no ids, and `grey` beside `gray`.

The benchmark has no licence: it is read from a user's clone and nothing of it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.answers import spelled_as
from idf.errors import UserError
from idf.files import read_lines
from idf.worlds import WORLDS, Problem
from idf.worlds.cube_rolling import CORNER, Cube
from idf.worlds.cube_rolling import FACES as CUBE_FACES
from idf.worlds.cube_rolling import Query as RollQuery
from idf.worlds.mental_rotation import VIEWS, structure
from idf.worlds.mental_rotation import Query as ViewQuery
from idf.worlds.moving_box import Query as PushQuery
from idf.worlds.moving_box import room_from_grid
from idf.worlds.rubiks_cube import COLOURS as CUBE_COLOURS
from idf.worlds.rubiks_cube import FACES, POSITIONS, face_colours
from idf.worlds.rubiks_cube import Query as TurnQuery
from idf.worlds.wood_slide import Query as SlideQuery
from idf.worlds.wood_slide import blocks_from_cells

from ._item import Item
from ._official import official_prompts

MAIN_FILES = {
    "cube_rolling_samples.json": "cube_rolling",
    "mental_rotation_samples.json": "mental_rotation",
    "rubiks_cube_samples.json": "rubiks_cube",
    "move_box_samples.json": "moving_box",
    "wood_slide_samples.json": "wood_slide",
}
"""The five files that make up the benchmark -> the world of each."""

_FOLDERS = {
    "cube_rolling": "cube_rolling",
    "mental_rotation": "mental_rotation",
    "rubiks_cube": "rubiks_cube",
    "move_box": "moving_box",
    "wood_slide": "wood_slide",
}


@dataclass(frozen=True)
class PublishedRow:
    """A row of a published file.

    Attributes:
        id: `<file stem>:<row, from 0>`.
        line: Line of the file, from 1; in a file that is one JSON document, the place among its samples.
        data: The row as it stands there.
        problem: The problem that it poses.
        picture: Where its picture should be.
    """

    id: str
    line: int
    data: dict[str, Any]
    problem: Problem[Any, Any]
    picture: Path


def spatialite_suite(root: Path, file: str | None = None) -> list[Item]:
    """The published items as a suite.

    Args:
        root: A clone of SpatiaLite (the folder that holds `data/`, or that folder itself).
        file: Name of one file, "all" for all files of items, or None for the five main files.

    Raises:
        UserError: A file is missing or a row cannot be read.
    """
    if file == "all":
        paths = published_files(root)
        if not paths:
            raise UserError(f"no file of SpatiaLite below {root}: give a clone (it holds data/cube_rolling and so on)")
    else:
        paths = [find_published(root, name) for name in ([file] if file else MAIN_FILES)]
    rows = [row for path in paths for row in read_published(path)]
    ids = [row.id for row in rows]
    if len(set(ids)) < len(ids):
        twice = next(name for i, name in enumerate(ids) if name in ids[:i])
        raise UserError(
            f"{root} holds two files of items named {twice.partition(':')[0]}: name the folder of one clone"
        )
    prompts = official_prompts(root)
    return [
        Item(
            row.id,
            row.problem,
            row.picture,
            str(row.data["question"]),
            prompts.of(row.problem, row.data) if prompts else None,
        )
        for row in rows
    ]


def find_published(root: Path, name: str) -> Path:
    """The path of a published file in a clone."""
    _check_folder(root)
    found = sorted(path for path in root.glob(f"**/{name}") if path.is_file())
    if not found:
        raise UserError(f"no {name} below {root}: is it a clone of SpatiaLite?")
    if len(found) > 1:
        raise UserError(f"{len(found)} files named {name} below {root}: name the folder of one clone")
    return found[0]


def published_files(root: Path) -> list[Path]:
    """All files of items in a clone, the five main ones and all others, in the order of their names."""
    _check_folder(root)
    return sorted(path for path in root.glob("**/*.json*") if path.is_file() and path.parent.name in _FOLDERS)


def _check_folder(root: Path) -> None:
    if not root.is_dir():
        raise UserError(f"no folder {root}: give a clone of SpatiaLite (it holds data/cube_rolling and so on)")


def read_published(path: Path) -> list[PublishedRow]:
    """The rows of a published file.

    Raises:
        UserError: A line is not JSON, or its row is not an item; the line is named.
    """
    world = MAIN_FILES.get(path.name) or _FOLDERS.get(path.parent.name)
    if world is None:
        raise UserError(f"{path} is not in a folder of SpatiaLite ({', '.join(_FOLDERS)})")
    rows: list[PublishedRow] = []
    for number, where, data in _rows(path):
        try:
            problem = _PROBLEMS[world](data)
            image = str(data["image"])
            data["question"]
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            what = f"the key {error} is missing" if isinstance(error, KeyError) else error
            raise UserError(f"{path}, {where}: not an item of {world}: {what}") from None
        picture = path.parent / image
        if not picture.resolve().is_relative_to(path.parent.resolve()):
            raise UserError(f"{path}, {where}: the picture {image!r} lies outside the folder of its file")
        rows.append(PublishedRow(f"{path.stem}:{len(rows)}", number, data, problem, picture))
    if not rows:
        raise UserError(f"{path} holds no item")
    return rows


def _rows(path: Path) -> Iterator[tuple[int, str, Any]]:
    """The rows of a file: number, place in words, and what stands there."""
    lines = read_lines(path)
    if lines and lines[0].strip() == "{":  # one of the files is no JSON Lines: it is what the published scorer writes
        try:
            samples = json.loads("\n".join(lines))["samples"]
            if not isinstance(samples, list):
                raise TypeError
        except (json.JSONDecodeError, KeyError, TypeError):
            raise UserError(
                f"{path}, line 1: not a JSON object in one line, and the whole file is not one with a list `samples`"
            ) from None
        yield from ((number, f"sample {number}", data) for number, data in enumerate(samples, 1))
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, f"line {number}", json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}, line {number}: not a JSON object ({error.msg})") from None


def _problem(world: str, start: Any, query: Any) -> Problem[Any, Any]:
    """The problem, with its difficulty from the exact measure."""
    simulator = WORLDS[world]
    unrated = Problem(world, "", start, query)
    return Problem(world, simulator.difficulty(simulator.size(unrated)), start, query)


def _spelled(colour: str, colours: tuple[str, ...]) -> str:
    """A colour as its world spells it: the published files mix `grey` and `gray`."""
    return spelled_as(colour, colours)


def _cube_rolling(data: dict[str, Any]) -> Problem[Any, Any]:
    state = data["initial_state"]
    world = WORLDS["cube_rolling"]
    colours = tuple(_spelled(state["initial_colors"][face], world.colours) for face in CUBE_FACES)
    if sorted(colours) != sorted(world.colours):
        raise ValueError(f"the six faces show {', '.join(colours)}")
    face, path = state["test_face"], " ".join(state["rolling_path"])
    if face not in CUBE_FACES:
        raise ValueError(f"unknown face {face!r}")
    start = Cube(colours, (CORNER,))
    world.replay(start, path.split())  # raises where the path breaks a rule
    return _problem("cube_rolling", start, RollQuery(path, face))


def _rubiks_cube(data: dict[str, Any]) -> Problem[Any, Any]:
    state = data["initial_state"]
    start = _rubiks_state(state["start_position"])
    if any(len(set(face_colours(start, face))) > 1 for face in FACES.values()):
        raise ValueError("the cube is not solved at the start, which is what every prompt says of it")
    asked = state["question_type"]
    if asked == "count_color":
        query = TurnQuery(state["moves"], state["query_face"], "", _spelled(state["query_colour"], CUBE_COLOURS))
        if query.colour not in CUBE_COLOURS:
            raise ValueError(f"unknown colour {query.colour!r}")
    elif asked == "identify_color":
        query = TurnQuery(state["moves"], state["query_face"], POSITIONS[state["position_idx"]], "")
    else:
        raise ValueError(f"unknown question_type {asked!r}")
    if query.face not in FACES.values():
        raise ValueError(f"unknown face {query.face!r}")
    WORLDS["rubiks_cube"].replay(start, query.moves.split())
    return _problem("rubiks_cube", start, query)


def _rubiks_state(faces: dict[str, list[list[str]]]) -> bytes:
    squares = [_spelled(colour, CUBE_COLOURS) for name in FACES.values() for row in faces[name] for colour in row]
    if len(squares) != 54 or any(squares.count(colour) != 9 for colour in CUBE_COLOURS):
        raise ValueError("a cube shows each of its six colours nine times")
    return bytes(CUBE_COLOURS.index(colour) for colour in squares)


def _mental_rotation(data: dict[str, Any]) -> Problem[Any, Any]:
    colours = WORLDS["mental_rotation"].colours
    cubes = {}
    for cell, colour in data["initial_state"].items():
        x, y, z = map(int, cell.split(","))
        cubes[x, y, z] = _spelled(colour, colours)
    # The asked view is in the text alone; the response example names another view, so take the first.
    asked = data["question"].split("From the ", 1)[1].split(" ", 1)[0]
    if asked not in VIEWS:
        raise ValueError(f"unknown viewpoint {asked!r}")
    return _problem("mental_rotation", structure(cubes), ViewQuery(asked))


def _moving_box(data: dict[str, Any]) -> Problem[Any, Any]:
    state = data["initial_state"]
    kinds = {"empty": ".", "brick": "#", "box": "B", "person": "S", "target": "T"}
    ours = {state["descrip"][kind]: symbol for kind, symbol in kinds.items()}
    room = room_from_grid([[ours.get(symbol, symbol) for symbol in row] for row in state["map"]])
    return _problem("moving_box", room, PushQuery())


def _wood_slide(data: dict[str, Any]) -> Problem[Any, Any]:
    start, target = (
        blocks_from_cells("".join(str(digit) for row in data[key]["map"] for digit in row))
        for key in ("initial_state", "final_state")
    )
    return _problem("wood_slide", start, SlideQuery(WORLDS["wood_slide"].write(target)))


_PROBLEMS: dict[str, Callable[[dict[str, Any]], Problem[Any, Any]]] = {
    "cube_rolling": _cube_rolling,
    "rubiks_cube": _rubiks_cube,
    "mental_rotation": _mental_rotation,
    "moving_box": _moving_box,
    "wood_slide": _wood_slide,
}
