"""Rubik's Cube in pictures: the cube from a corner, and around it copies of its faces, so that all six are seen.

Source: camera, colours and sizes are fitted to SpatiaLite's pictures; a test holds redrawings to 2/255 of them.
Coordinates: x to the right face, y to the up face, z to the front face; the cube's edges are 2 long.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import aggdraw
import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem, Walk
from idf.worlds.rubiks_cube import COLOURS as NAMES
from idf.worlds.rubiks_cube import FACES, Query

from ._camera import Points, fit, look_from
from ._canvas import canvas_on, fill_path, flat, pixels_of, shape
from ._text import text_polygons, text_width

SIZE = (616, 616)

NATIVE = (1800, 1800)
_CAMERA = look_from((8.19, 8.19, 8.19), focal=2521)

COLOURS = {
    "red": (217, 0, 9),
    "green": (147, 228, 89),
    "blue": (36, 142, 226),
    "yellow": (230, 226, 106),
    "orange": (244, 123, 26),
    "grey": (150, 150, 150),
}
_BACKGROUND, _BLACK = (240,) * 3, (0,) * 3
_LINE = 2.1  # native pixels
_EM = 0.55  # size of the letters
_MIDDLE = (-0.02, 0.28)  # the point of a letter, in ems from the middle of its baseline, that lies on the face's

# Of each face, as seen from outside: its outward normal, the direction of its rows and that of its columns.
_SIDES = {
    "U": ((0, 1, 0), (1, 0, 0), (0, 0, 1)),
    "D": ((0, -1, 0), (1, 0, 0), (0, 0, -1)),
    "L": ((-1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "R": ((1, 0, 0), (0, 0, -1), (0, -1, 0)),
    "F": ((0, 0, 1), (1, 0, 0), (0, -1, 0)),
    "B": ((0, 0, -1), (-1, 0, 0), (0, -1, 0)),
}
# Letters face the viewer, also on faces that are seen from inside: the directions of their lines and of their tops.
_LETTERS = {
    "U": ((1, 0, 0), (0, 0, -1)),
    "D": ((-1, 0, 0), (0, 0, 1)),
    "L": ((0, 0, -1), (0, 1, 0)),
    "R": ((0, 0, -1), (0, 1, 0)),
    "F": ((1, 0, 0), (0, 1, 0)),
    "B": ((1, 0, 0), (0, 1, 0)),
}
# What is drawn, from back to front: a face and its distance from the middle; 1 is the cube itself.
_SOLVED = (
    *(("B", 3.47), ("L", 2.67), ("D", 2.67), ("U", 2.69)),
    *(("U", 1.0), ("F", 1.0), ("R", 1.0), ("F", 3.5), ("R", 2.69)),
)
# At the benchmark's distances the cube hides a square of L and of D. That is no loss as long as faces have one colour.
_MIXED = tuple((face, 3.47 if face in "LD" else distance) for face, distance in _SOLVED)
# The benchmark's lines run through the middles of the squares, and only on the faces of the cube that are in sight.
# Once squares differ, lines have to part them.
_SOLVED_LINES = {face: (1 / 6, 1 / 2, 5 / 6) if face in "UFR" else () for face in FACES}
_MIXED_LINES = dict.fromkeys(FACES, (1 / 3, 2 / 3))


def draw(scene: Problem[bytes, Query] | Walk[bytes], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The start state of a scene, solved or not.

    Args:
        scene: A problem or a walk.
        size: (width, height) of the picture.

    Returns:
        (height, width, 3) RGB, read-only.
    """
    state: bytes = scene.start
    solved = all(len(set(state[at : at + 9])) == 1 for at in range(0, 54, 9))
    canvas = canvas_on(_empty(size), size)
    line = aggdraw.Pen(_BLACK, _LINE * fit(NATIVE, size).scale)
    for plane in _planes(size, solved):
        squares = state[plane.first : plane.first + 9]
        # The whole face in the colour of its middle, then the squares that differ: fewer shapes and no seams.
        canvas.polygon(plane.outline, None, aggdraw.Brush(_rgb(squares[4])))
        for colour, outline in zip(squares, plane.squares, strict=True):
            if colour != squares[4]:
                canvas.polygon(outline, None, aggdraw.Brush(_rgb(colour)))
        for ends in plane.lines:
            canvas.line(ends, line)
        fill_path(canvas, plane.letter, _BLACK)
    return pixels_of(canvas, size)


def on_face(face: str, distance: float, row: float, column: float) -> Points:
    """A point of a face, or of a copy of it.

    Args:
        face: Letter of the face.
        distance: Distance of the plane from the middle of the cube; 1 is the cube's own face.
        row: From 0 (the face's upper edge, seen from outside) to 1.
        column: From 0 (its left edge) to 1.

    Returns:
        (3,), the point (x, y, z).
    """
    normal, along_row, along_column = np.array(_SIDES[face], float)
    point: Points = distance * normal + (2 * column - 1) * along_row + (2 * row - 1) * along_column
    return point


def to_pixels(points: list[Points], size: tuple[int, int]) -> Points:
    """Where points (x, y, z) lie in a picture of (width, height): (n, 2) pixels."""
    return fit(NATIVE, size).place(_CAMERA.project(points) + np.array(NATIVE) / 2)


class _Plane(NamedTuple):
    """A face in pixels, ready to be filled; `first` is the index of its first square in a state."""

    first: int
    outline: list[float]
    squares: list[list[float]]
    lines: list[list[float]]
    letter: aggdraw.Path


@lru_cache(maxsize=8)
def _empty(size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), _BACKGROUND, np.uint8)


@lru_cache(maxsize=16)
def _planes(size: tuple[int, int], solved: bool) -> tuple[_Plane, ...]:
    def on_plane(face: str, distance: float, *corners: tuple[float, float]) -> list[float]:
        return flat(to_pixels([on_face(face, distance, row, column) for row, column in corners], size))

    planes = []
    for face, distance in _SOLVED if solved else _MIXED:
        lines = (_SOLVED_LINES if solved else _MIXED_LINES)[face]
        planes.append(
            _Plane(
                first=9 * list(FACES).index(face),
                outline=on_plane(face, distance, (0, 0), (0, 1), (1, 1), (1, 0)),
                squares=[on_plane(face, distance, *_square(position)) for position in range(9)],
                lines=[on_plane(face, distance, (at, 0), (at, 1)) for at in lines]
                + [on_plane(face, distance, (0, at), (1, at)) for at in lines],
                letter=shape(_letter(face, distance, size)),
            )
        )
    return tuple(planes)


def _square(position: int) -> list[tuple[float, float]]:
    """The corners of a square of a face, as (row, column) from 0 to 1."""
    row, column = divmod(position, 3)
    return [((row + down) / 3, (column + right) / 3) for down, right in ((0, 0), (0, 1), (1, 1), (1, 0))]


def _letter(face: str, distance: float, size: tuple[int, int]) -> list[Points]:
    """The letter of a face, centred, as contours in pixels."""
    along, upwards = np.array(_LETTERS[face], float)
    middle = np.array((text_width(face) / 2, 0)) + _MIDDLE
    at = on_face(face, distance, 0.5, 0.5)
    return [
        to_pixels([at + _EM * (x * along + y * upwards) for x, y in contour - middle], size)
        for contour in text_polygons(face)
    ]


def _rgb(colour: int) -> tuple[int, int, int]:
    return COLOURS[NAMES[colour]]
