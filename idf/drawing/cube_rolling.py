"""Cube Rolling in pictures: a cube in the corner of a board, the path it will roll, and a flag at its end.

Source: camera, colours and sizes are fitted to SpatiaLite's pictures; a test holds redrawings to 0.7/255 of them.
Board coordinates: x to the right, y up, z towards the viewer, the origin in the middle of the board.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import aggdraw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from idf.worlds import Problem, Walk
from idf.worlds.cube_rolling import BOARD, FACES, WORLD, Cube, Query

from ._camera import Points, fit, look_from
from ._canvas import canvas_on, draft_of, fill_path, flat, pixels_of, shape
from ._text import text_polygons, text_width

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
    picture = tiled_board(cells, size)
    free = [label for label in stage.labels if label.behind.isdisjoint(cells)]
    for label in free:
        picture[label.box] = stage.labelled[label.box]

    canvas = canvas_on(picture, size)
    canvas.line(flat(np.array([stage.shapes[cell].centre for cell in cells])), aggdraw.Pen(_PATH, 1.5 * scale))
    goal, start = stage.shapes[cells[-1]], stage.shapes[cells[0]]
    canvas.polygon(goal.pole, None, aggdraw.Brush(_POLE))
    canvas.polygon(goal.flag, None, aggdraw.Brush(_FLAG))
    edge = aggdraw.Pen(_BLACK, _EDGE * scale)
    for face, outline in start.faces.items():
        canvas.polygon(outline, edge, aggdraw.Brush(COLOURS[scene.start.colours[FACES.index(face)]]))
    canvas.polygon(start.square, None, aggdraw.Brush(_OVERLAY, _OVERLAY_ALPHA))
    for label in stage.labels:
        if label not in free:
            _print(canvas, label, scale)
    return pixels_of(canvas, size)


def tiled_board(cells: Iterable[_Cell], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The board with tiles on some cells, (height, width, 3) RGB; good until the next drawing."""
    stage = _stage(size)
    picture = draft_of(stage.board)
    for cell in dict.fromkeys(cells):
        box, loss = stage.tiles[cell]
        picture[box] = np.maximum(picture[box] - loss, stage.tiled[box])
    return picture


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


_Box = tuple[slice, slice]
_Cell = tuple[int, int]


class _Label(NamedTuple):
    """A word that lies over all.

    Attributes:
        outline: What is filled, and rimmed.
        box: The rows and columns of the picture in which it lies.
        behind: The cells of which anything that may stand there reaches into the box.
    """

    outline: aggdraw.Path
    box: _Box
    behind: frozenset[_Cell]


class _Shapes(NamedTuple):
    """What may stand in a cell, in pixels in the form that aggdraw takes."""

    centre: Points
    square: list[float]
    pole: list[float]
    flag: list[float]
    faces: dict[str, list[float]]


class _Stage(NamedTuple):
    """What every picture of a size shares. Strokes as long as the grid's are dear, so they are drawn once.

    Attributes:
        board: The empty board with its grid.
        tiled: The same with a tile on every cell, under the grid.
        labelled: The empty board with the labels.
        tiles: For each cell, a box around its tile, and how much darker the tile makes the board there. Where tiles
            meet, that of both together is too much; `tiled` says how dark it gets at most.
        shapes: For each cell, what may stand there.
        labels: The words at the sides.
    """

    board: NDArray[np.uint8]
    tiled: NDArray[np.uint8]
    labelled: NDArray[np.uint8]
    tiles: dict[_Cell, tuple[_Box, NDArray[np.uint8]]]
    shapes: dict[_Cell, _Shapes]
    labels: list[_Label]


@lru_cache(maxsize=8)
def _stage(size: tuple[int, int]) -> _Stage:
    cells = [(x, z) for x in range(BOARD) for z in range(BOARD)]
    outlines = {cell: to_pixels(on_board(_SQUARE, cell), size) for cell in cells}
    scale = fit(NATIVE, size).scale
    board = _board(size, [])
    tiles = {}
    for x, z in product(range(3), repeat=2):  # boxes of tiles that are three apart do not meet: nine boards do for all
        some = [cell for cell in cells if (cell[0] % 3, cell[1] % 3) == (x, z)]
        loss = board - _board(size, [outlines[cell] for cell in some])
        for cell in some:
            box = _box(outlines[cell], size)
            tiles[cell] = box, loss[box].copy()
    labels = [_label(word, at, size) for word, at in _LABELS.items()]
    canvas = canvas_on(board, size)
    for label in labels:
        _print(canvas, label, scale)
    tiled = _board(size, list(outlines.values()))
    return _Stage(board, tiled, pixels_of(canvas, size), tiles, {cell: _shapes(cell, size) for cell in cells}, labels)


def _board(size: tuple[int, int], tiles: list[Points]) -> NDArray[np.uint8]:
    """The board with tiles on it and its grid over them."""
    canvas = aggdraw.Draw("RGB", size, _BACKGROUND)
    half, scale = BOARD / 2, fit(NATIVE, size).scale
    corners = np.array([(-half, 0, -half), (half, 0, -half), (half, 0, half), (-half, 0, half)])
    canvas.polygon(flat(to_pixels(corners, size)), None, aggdraw.Brush(_BOARD))
    canvas.path(shape(tiles), None, aggdraw.Brush(_TILE))
    lines = {
        at: [
            to_pixels(np.array(ends), size)
            for ends in (((at, 0, -half), (at, 0, half)), ((-half, 0, at), (half, 0, at)))
        ]
        for at in range(-BOARD // 2, BOARD // 2 + 1)
    }
    grid = shape([line for at in lines if at != 0 for line in lines[at]], closed=False)
    canvas.path(grid, aggdraw.Pen(_GRID, _LINE * scale))
    canvas.path(shape(lines[0], closed=False), aggdraw.Pen(_WHITE, _LINE * scale))
    return pixels_of(canvas, size)


def _shapes(cell: _Cell, size: tuple[int, int]) -> _Shapes:
    def outline(points: ArrayLike) -> list[float]:
        return flat(to_pixels(on_board(points, cell), size))

    return _Shapes(
        centre=to_pixels(on_board([_CENTRE], cell), size)[0],
        square=outline(_SQUARE),
        pole=outline(_POLE_SHAPE),
        flag=outline(_FLAG_SHAPE),
        faces={face: outline(corners) for face, corners in _FACES_IN_SIGHT.items()},
    )


def _label(word: str, at: tuple[float, float, float], size: tuple[int, int]) -> _Label:
    """A word centred on a point of the board, facing the camera."""
    centre = (text_width(word, bold=True) / 2, _CAPITALS / 2)
    contours = [
        to_pixels(_CAMERA.billboard(at, _EM * (contour - centre)), size) for contour in text_polygons(word, bold=True)
    ]
    rows, columns = _box(np.concatenate(contours), size)
    behind = set()
    for cell in ((x, z) for x in range(BOARD) for z in range(BOARD)):
        y, x = _box(to_pixels(on_board(list(product((0, 1), repeat=3)), cell), size), size)  # of a cube in the cell
        if y.start < rows.stop and rows.start < y.stop and x.start < columns.stop and columns.start < x.stop:
            behind.add(cell)
    return _Label(shape(contours), (rows, columns), frozenset(behind))


def _print(canvas: aggdraw.Draw, label: _Label, scale: float) -> None:
    canvas.path(label.outline, aggdraw.Pen(_RIM, 2 * scale, _RIM_ALPHA))
    fill_path(canvas, label.outline, _WHITE)


def _box(points: Points, size: tuple[int, int]) -> _Box:
    """The rows and columns of a picture that hold points, (n, 2), and whatever is drawn up to 2 pixels around them."""
    (left, top), (right, bottom) = np.clip((points.min(0) - 2, points.max(0) + 3), 0, size).astype(int).tolist()
    return slice(top, bottom), slice(left, right)
