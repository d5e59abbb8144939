"""Cube Rolling in pictures: a cube in the corner of a board, the path it will roll, and a flag at its end.

Source: camera, colours and sizes are fitted to SpatiaLite's pictures; a test holds redrawings to 0.7/255 of them.
Board coordinates: x to the right, y up, z towards the viewer, the origin in the middle of the board.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import aggdraw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from idf.worlds import Problem, Walk
from idf.worlds.cube_rolling import BOARD, FACES, WORLD, Cube, Query

from ._camera import Points, fit, look_from
from ._canvas import canvas_on, flat, pixels_of, shape
from ._text import fill_text, text_polygons, text_width

SIZE = (1120, 1036)

NATIVE = (1276, 1185)
_CAMERA = look_from((0, 7, 10), focal=NATIVE[1] / 2 * 3**0.5)  # a vertical field of view of 60 degrees

_Colour = tuple[int, ...]
COLOURS: dict[str, _Colour] = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "gray": (136, 136, 136),
    "black": (0, 0, 0),
}
_BACKGROUND, _BOARD, _GRID, _WHITE, _BLACK = (238,) * 3, (195,) * 3, (136,) * 3, (249,) * 3, (0,) * 3
# The path's overlay lies over everything that stands on it. On the board its effect is known beforehand.
_OVERLAY, _OVERLAY_ALPHA = (70, 130, 180), 178
_TILE, _PATH, _POLE, _FLAG = (108, 150, 185), (49, 122, 187), (117, 91, 127), (125, 91, 126)
_LINE, _EDGE = 1.2, 0.9  # native pixels

_LABELS = {"FRONT": (0, 0.53, 3.5), "BACK": (0, 0.53, -3.5), "LEFT": (-3.5, 0.53, 0), "RIGHT": (3.5, 0.53, 0)}
_EM, _CAPITALS = 0.343, 0.716  # size of the labels in units; height of a capital in ems
_RIM, _RIM_ALPHA = _BLACK, 60

# The corners of the three faces in sight, in units from the back left bottom corner of the cube.
_FACES_IN_SIGHT = {
    "top": ((0, 1, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1)),
    "right": ((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)),
    "front": ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
}
_CENTRE = (0.5, 0, 0.5)
_POLE_SHAPE = ((0.48, 0, 0.5), (0.52, 0, 0.5), (0.52, 0.43, 0.5), (0.48, 0.43, 0.5))
_FLAG_SHAPE = ((0.52, 0.23, 0.5), (0.64, 0.31, 0.5), (0.52, 0.39, 0.5))
_SQUARE = ((0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1))


def draw(scene: Problem[Cube, Query] | Walk[Cube], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The board with the cube at its start, and the path of the scene.

    Args:
        scene: A problem (its query's path is drawn) or a walk (its actions are).
        size: (width, height) of the picture.

    Returns:
        (height, width, 3) RGB, read-only.
    """
    path = scene.query.path.split() if isinstance(scene, Problem) else scene.actions
    cells = WORLD.replay(scene.start, path)[-1].cells[len(scene.start.cells) - 1 :]
    scale = fit(NATIVE, size).scale
    stage = _stage(size)
    canvas = canvas_on(stage.board, size)

    def fill(points: ArrayLike, cell: tuple[int, int], colour: _Colour, *, edge: aggdraw.Pen | None = None) -> None:
        canvas.polygon(flat(to_pixels(on_board(points, cell), size)), edge, aggdraw.Brush(colour))

    tiles = to_pixels(on_board(_SQUARE, *cells), size).reshape(-1, 4, 2)
    canvas.path(shape(list(tiles)), None, aggdraw.Brush(_TILE))
    canvas.path(stage.grid, aggdraw.Pen(_GRID, _LINE * scale))
    canvas.path(stage.middle, aggdraw.Pen(_WHITE, _LINE * scale))
    canvas.line(flat(to_pixels(on_board([_CENTRE], *cells), size)), aggdraw.Pen(_PATH, 1.5 * scale))
    fill(_POLE_SHAPE, cells[-1], _POLE)
    fill(_FLAG_SHAPE, cells[-1], _FLAG)
    edge = aggdraw.Pen(_BLACK, _EDGE * scale)
    for face, corners in _FACES_IN_SIGHT.items():
        fill(corners, cells[0], COLOURS[scene.start.colours[FACES.index(face)]], edge=edge)
    fill(_SQUARE, cells[0], (*_OVERLAY, _OVERLAY_ALPHA))
    rim = aggdraw.Pen(_RIM, 2 * scale, _RIM_ALPHA)
    for label in stage.labels:
        canvas.path(label.rim, rim)
        fill_text(canvas, label.contours, _WHITE)
    return pixels_of(canvas, size)


def to_pixels(points: Points, size: tuple[int, int]) -> Points:
    """Where points of the board, (n, 3), lie in a picture of (width, height): (n, 2) pixels."""
    return fit(NATIVE, size).place(_CAMERA.project(points) + np.array(NATIVE) / 2)


def on_board(points: ArrayLike, *cells: tuple[int, int]) -> Points:
    """Points given from the back left bottom corner of a cell, in each of the cells in turn.

    Args:
        points: (n, 3) x, y, z.
        cells: The (x, z) cells, counted from the back left corner of the board.

    Returns:
        (len(cells) * n, 3) points of the board.
    """
    corners = np.array([(x - BOARD / 2, 0, z - BOARD / 2) for x, z in cells])
    moved: Points = corners[:, None] + np.asarray(points, float)
    return moved.reshape(-1, 3)


class _Label(NamedTuple):
    contours: list[Points]
    rim: aggdraw.Path


class _Stage(NamedTuple):
    """What every picture of a size shares: the empty board, its grid lines and the labels that lie over all."""

    board: bytes
    grid: aggdraw.Path
    middle: aggdraw.Path
    labels: list[_Label]


@lru_cache(maxsize=8)
def _stage(size: tuple[int, int]) -> _Stage:
    canvas = aggdraw.Draw("RGB", size, _BACKGROUND)
    half = BOARD / 2
    corners = np.array([(-half, 0, -half), (half, 0, -half), (half, 0, half), (-half, 0, half)])
    canvas.polygon(flat(to_pixels(corners, size)), None, aggdraw.Brush(_BOARD))
    lines = {
        at: [
            to_pixels(np.array(ends), size)
            for ends in (((at, 0, -half), (at, 0, half)), ((-half, 0, at), (half, 0, at)))
        ]
        for at in range(-BOARD // 2, BOARD // 2 + 1)
    }
    grid = shape([line for at in lines if at != 0 for line in lines[at]], closed=False)
    middle = shape(lines[0], closed=False)
    return _Stage(canvas.tobytes(), grid, middle, [_label(word, at, size) for word, at in _LABELS.items()])


def _label(word: str, at: tuple[float, float, float], size: tuple[int, int]) -> _Label:
    """A word centred on a point of the board, facing the camera."""
    centre = (text_width(word, bold=True) / 2, _CAPITALS / 2)
    contours = [
        to_pixels(_CAMERA.billboard(at, _EM * (contour - centre)), size) for contour in text_polygons(word, bold=True)
    ]
    return _Label(contours, shape(contours))
