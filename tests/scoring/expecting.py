"""What the tables of cases ask about, and what they expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from idf.worlds import Problem
from idf.worlds.cube_rolling import Cube
from idf.worlds.cube_rolling import Query as RollQuery
from idf.worlds.mental_rotation import Query as ViewQuery
from idf.worlds.mental_rotation import structure
from idf.worlds.moving_box import Query as PushQuery
from idf.worlds.moving_box import room_from_grid
from idf.worlds.rubiks_cube import Query as TurnQuery
from idf.worlds.wood_slide import WORLD
from idf.worlds.wood_slide import Query as SlideQuery


@dataclass(frozen=True)
class Lost:
    """The class of a response from which no answer can be read."""

    error: str


UNPARSED, REFUSED, TRUNCATED, EMPTY, ERROR = map(Lost, ("unparsed", "refused", "truncated", "empty", "error"))

Case = tuple[str, Any] | tuple[str, Any, str]
"""Response, the answer that it states or how it is lost, and the finish reason if it is not "stop"."""

# After rolling right and front, the top is red: it was at the back.
ROLL = Problem(
    "cube_rolling",
    "easy",
    Cube(("green", "yellow", "blue", "gray", "black", "red"), ((0, 0),)),
    RollQuery("right front", "top"),
)
_SOLVED = bytes(colour for colour in range(6) for _ in range(9))
SQUARE = Problem("rubiks_cube", "easy", _SOLVED, TurnQuery("U R2", "front", "top-left", ""))
SQUARES = Problem("rubiks_cube", "easy", _SOLVED, TurnQuery("U R2", "front", "", "orange"))
CUBES = Problem(
    "mental_rotation",
    "easy",
    structure({(0, 0, 0): "red", (1, 0, 0): "red", (0, 1, 0): "blue", (0, 0, -1): "green"}),
    ViewQuery("front"),
)
PUSH = Problem(
    "moving_box",
    "easy",
    room_from_grid([list(row) for row in ("######", "#S...#", "#.B.T#", "#....#", "######")]),
    PushQuery(),
)
_START = WORLD.read("1188/1122/4533/7600/7699")
SLIDE = Problem("wood_slide", "easy", _START, SlideQuery(WORLD.write(WORLD.replay(_START, ("3d", "5r"))[-1])))
