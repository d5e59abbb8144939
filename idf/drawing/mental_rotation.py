"""Mental Rotation in pictures: a structure of cubes, seen from eight corners, with captions and marked directions.

Source: cameras, colours and sizes are fitted to SpatiaLite's pictures, without their highlights and shadows; a test
holds redrawings to 3/255 of them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import aggdraw
import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem, Walk
from idf.worlds.mental_rotation import REACH, TOWARDS, Cell, Query, Structure

from ._camera import Camera, Points, fit, look_from
from ._canvas import canvas_on, pixels_of, shape
from ._text import fill_text, text_polygons, text_width

SIZE = (1344, 868)

NATIVE = (8529, 5478)
_ROWS = (1253.6, 3848.4)  # the height of the middle of each row of panels, in native pixels
_COLUMNS = (1254, 3261, 5268, 7275)
_STRIPS = ((2508, 2883), (5103, 5478))  # where captions are written
_CORNERS = tuple(f"{z}-{y}-{x}" for y, z, x in product(("top", "bottom"), ("front", "back"), ("left", "right")))
_CORNER, _FOCAL = 6.787, 2736.7  # the camera's distance from the origin along each axis; its focal length

# Sides as lit in the benchmark: right, left, top, bottom, front, back.
_SIDES = ("right", "left", "top", "bottom", "front", "back")
COLOURS = {
    "red": ((181, 0, 4), (174, 0, 3), (241, 0, 20), (126, 0, 1), (195, 0, 6), (185, 0, 4)),
    "yellow": ((184, 183, 34), (178, 177, 27), (224, 221, 93), (138, 138, 0), (194, 192, 45), (187, 186, 37)),
    "blue": ((0, 85, 186), (0, 79, 171), (0, 110, 196), (0, 52, 159), (0, 95, 195), (0, 88, 177)),
    "green": ((27, 182, 16), (0, 177, 8), (131, 222, 77), (0, 137, 0), (55, 193, 28), (36, 186, 20)),
    "gray": ((134, 134, 141), (127, 127, 126), (187, 187, 184), (90, 90, 112), (146, 146, 152), (137, 137, 132)),
    "black": ((24, 24, 27), (22, 22, 21), (51, 51, 48), (11, 11, 17), (28, 28, 31), (25, 25, 23)),
}
_BACKGROUND, _STRIP, _BLACK = (248,) * 3, (240,) * 3, (0,) * 3
_EDGE, _SHAFT = 1.5, 1.8  # native pixels
_CAPTION_EM, _CAPTION_DROP = 120, 0.385  # native pixels; ems from the strip's middle down to the baseline

# Along each half axis: a hair-line with an arrow head of five sides, and a word.
_AXES = {
    "top": ("top", (0, 255, 0), (164, 233, 104)),
    "bottom": ("down", (0, 255, 0), (164, 233, 104)),
    "right": ("right", (255, 0, 0), (255, 41, 26)),
    "left": ("left", (255, 0, 0), (255, 41, 26)),
    "front": ("front", (0, 0, 255), (14, 0, 234)),
    "back": ("back", (0, 0, 255), (14, 0, 234)),
}
_HEAD, _TIP, _RADIUS, _WORD, _EM, _WORD_DROP = 1.88, 2.39, 0.11, 2.8, 0.26, 0.25


def draw(scene: Problem[Structure, Query] | Walk[Structure], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The start structure of a scene from eight corners.

    Args:
        scene: A problem or a walk.
        size: (width, height) of the picture.

    Returns:
        (height, width, 3) RGB, read-only.
    """
    cubes: dict[Cell, str] = dict(scene.start)
    stage = _stage(size)
    canvas = canvas_on(stage.empty, size)
    for panel in stage.panels:
        # From far to near, so that what is nearer hides what is behind it.
        for cell in sorted(cubes.keys() | panel.marks.keys(), key=panel.nearness.__getitem__):
            if cell not in cubes:
                for path, line, fill in panel.marks[cell]:
                    canvas.path(path, line, fill)
                continue
            brushes = stage.brushes[cubes[cell]]
            for side, (dx, dy, dz), outlines in panel.faces:
                if (cell[0] + dx, cell[1] + dy, cell[2] + dz) not in cubes:
                    canvas.polygon(outlines[cell], stage.edge, brushes[side])
    return pixels_of(canvas, size)


def corner(number: int) -> Cell:
    """The signs of x, y and z from which panel 0 to 7 (row by row) sees the structure."""
    z, y, x = (TOWARDS[side] for side in _CORNERS[number].split("-"))
    return x[0], y[1], z[2]


def to_pixels(points: Points, number: int, size: tuple[int, int]) -> Points:
    """Where points (x, y, z) lie in panel 0 to 7 of a picture of (width, height): (..., 3) to (..., 2) pixels."""
    middle = (_COLUMNS[number % 4], _ROWS[number // 4])
    return fit(NATIVE, size).place(_camera(number).project(points) + middle)


class _Shape(NamedTuple):
    path: aggdraw.Path
    pen: aggdraw.Pen | None
    brush: aggdraw.Brush | None


class _Panel(NamedTuple):
    """A view from one corner, in pixels.

    Attributes:
        nearness: For each cell, a number that grows along any line of sight towards the camera. Since the camera
            is further out than all cells, along each axis, the sum of the coordinates in its direction is one.
        faces: The three sides that it sees: index into _SIDES, step to the cell in front, outline in each cell.
        marks: What is drawn in a cell on an axis if it is empty: shapes with their pen and brush.
    """

    nearness: dict[Cell, int]
    faces: list[tuple[int, Cell, dict[Cell, list[float]]]]
    marks: dict[Cell, list[_Shape]]


class _Stage(NamedTuple):
    """What every picture of a size shares; `brushes` has six for each colour, in the order of _SIDES."""

    empty: bytes
    panels: list[_Panel]
    brushes: dict[str, list[aggdraw.Brush]]
    edge: aggdraw.Pen


@lru_cache(maxsize=4)
def _stage(size: tuple[int, int]) -> _Stage:
    brushes = {colour: [aggdraw.Brush(rgb) for rgb in sides] for colour, sides in COLOURS.items()}
    edge = aggdraw.Pen(_BLACK, _EDGE * fit(NATIVE, size).scale)
    return _Stage(_empty(size), [_panel(number, size) for number in range(8)], brushes, edge)


def _empty(size: tuple[int, int]) -> bytes:
    """The picture without anything in its panels."""
    frame = fit(NATIVE, size)
    canvas = aggdraw.Draw("RGB", size, _BACKGROUND)
    for strip in _STRIPS:
        top, bottom = (frame.top + frame.scale * y for y in strip)
        canvas.rectangle((-1, top, size[0] + 1, bottom), None, aggdraw.Brush(_STRIP))
    for number, name in enumerate(_CORNERS):
        caption = f"iso-{name}"
        at = (_COLUMNS[number % 4], sum(_STRIPS[number // 4]) / 2)
        offset = np.array((text_width(caption) / 2, _CAPTION_DROP))
        contours = [at + _CAPTION_EM * ((contour - offset) * (1, -1)) for contour in text_polygons(caption)]
        fill_text(canvas, [frame.place(contour) for contour in contours], _BLACK)
    return bytes(canvas.tobytes())


@lru_cache(maxsize=8)
def _camera(number: int) -> Camera:
    return look_from(_CORNER * np.array(corner(number)), _FOCAL)


def _panel(number: int, size: tuple[int, int]) -> _Panel:
    towards = corner(number)
    cells: list[Cell] = [(x, y, z) for x, y, z in product(range(-REACH, REACH + 1), repeat=3)]
    faces = []
    for index, side in enumerate(_SIDES):
        step = TOWARDS[side]
        if np.dot(step, towards) > 0:
            outlines = to_pixels(np.array(cells)[:, None] + face_corners(side), number, size).reshape(-1, 8).tolist()
            faces.append((index, step, dict(zip(cells, outlines, strict=True))))
    marks: dict[Cell, list[_Shape]] = {}
    for side in TOWARDS:
        for distance, shapes in enumerate(_marks(side, number, size), 1):
            x, y, z = (distance * step for step in TOWARDS[side])
            marks[x, y, z] = shapes
    nearness = {cell: int(np.dot(cell, towards)) for cell in cells}
    return _Panel(nearness, faces, marks)


def face_corners(side: str) -> Points:
    """The four corners, (4, 3), of a side of the cube at the origin, in order around it."""
    out = np.array(TOWARDS[side]) / 2
    along, across = np.roll(np.abs(out), 1), np.roll(np.abs(out), 2)
    return np.array([out - along - across, out + along - across, out + along + across, out - along + across])


def _marks(side: str, number: int, size: tuple[int, int]) -> list[list[_Shape]]:
    """What marks a half axis in its first, second and third cell from the origin."""
    word, line_colour, word_colour = _AXES[side]
    out = np.array(TOWARDS[side], float)
    pen, fill = aggdraw.Pen(line_colour, _SHAFT * fit(NATIVE, size).scale), aggdraw.Brush(line_colour)

    def shaft(start: float, end: float) -> aggdraw.Path:
        return shape([to_pixels(np.array([start * out, end * out]), number, size)], closed=False)

    # Of the head's flat sides, those that face the viewer; together they are its outline.
    angles = np.arange(5) * 2 * np.pi / 5
    across, along = np.roll(out, 1), np.roll(out, 2)
    rim = _HEAD * out + _RADIUS * (np.outer(np.sin(angles), across) + np.outer(np.cos(angles), along))
    tip, rim = to_pixels(_TIP * out, number, size), to_pixels(rim, number, size)
    sides = [np.array((tip, rim[i], rim[i - 4])) for i in range(5)]
    head = shape([side for side in (*sides, rim[::-1]) if _turns(side)])

    offset = (text_width(word, bold=True) / 2, _WORD_DROP)
    camera = _camera(number)
    contours = [
        to_pixels(camera.billboard(_WORD * out, _EM * (contour - offset)), number, size)
        for contour in text_polygons(word, bold=True)
    ]
    nothing = aggdraw.Pen(word_colour, 0, 0)  # keeps aggdraw from filling a quarter of a pixel beyond the outline
    return [
        [_Shape(shaft(0.5, 1.5), pen, None)],
        [_Shape(shaft(1.5, _HEAD), pen, None), _Shape(head, None, fill)],
        [_Shape(shape(contours), nothing, aggdraw.Brush(word_colour))],
    ]


def _turns(outline: Points) -> bool:
    """Whether the first three points turn clockwise in the picture."""
    (ax, ay), (bx, by) = outline[1] - outline[0], outline[2] - outline[1]
    return bool(ax * by - ay * bx > 0)
