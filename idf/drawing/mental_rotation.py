"""Mental Rotation in pictures: a structure of cubes, seen from eight corners, with captions and marked directions.

Source: cameras, colours and sizes are fitted to SpatiaLite's pictures, without their highlights and shadows; a test
holds redrawings to 3/255 of them. Highlights and shadows are noise: `_light` has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import aggdraw
import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem, Rng, Walk
from idf.worlds.mental_rotation import REACH, TOWARDS, Cell, Query, Structure

from ._camera import Camera, Points, fit, look_from
from ._canvas import canvas_on, draft_of, pixels_of, shape
from ._light import Glare, Shadow, cast_shadows, glares
from ._text import fill_text, text_polygons, text_width

SIZE = (1344, 868)
NOISE = "Soft shadows lie on faces, the same in all panels, and tops and sides seen from below have a whitish glare."

NATIVE = (8529, 5478)
_ROWS = (1253.6, 3848.4)  # the height of the middle of each row of panels, in native pixels
_COLUMNS = (1254, 3261, 5268, 7275)
_STRIPS = ((2508, 2883), (5103, 5478))  # where captions are written
_CORNERS = tuple(f"{z}-{y}-{x}" for y, z, x in product(("top", "bottom"), ("front", "back"), ("left", "right")))
_CORNER, _FOCAL = 6.787, 2736.7  # the camera's distance from the origin along each axis; its focal length

# Sides as lit in the benchmark: right, left, top, bottom, front, back.
_SIDES = ("right", "left", "top", "bottom", "front", "back")
_Face = tuple[Cell, str]
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
_PAPER = aggdraw.Brush(_BACKGROUND)
_NO_PEN = aggdraw.Pen(_BLACK, 0, 0)  # keeps aggdraw from filling a quarter of a pixel beyond the outline
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


def draw(
    scene: Problem[Structure, Query] | Walk[Structure], size: tuple[int, int], noise: Rng | None = None
) -> NDArray[np.uint8]:
    """The start structure of a scene from eight corners.

    Args:
        scene: A problem or a walk.
        size: (width, height) of the picture.
        noise: The source of shadows and glare; None for a picture without them.

    Returns:
        (height, width, 3) RGB, read-only.
    """
    cubes = dict(scene.start)
    stage = _stage(size)
    dull = [stage.brushes] * 8
    if noise is None:
        return _painted(stage, cubes, dull, {})
    shadows = cast_shadows(noise, sorted(_free_faces(cubes)), cubes)
    found = glares(noise)
    bright = {number: _brushes(glare) for number, glare in found.items()}
    ends = np.ix_(*((min(ways) + REACH, max(ways) + REACH + 1) for ways in zip(*cubes)))
    boxes = [_box_of(panel.lattice[ends], size) for panel in stage.panels]
    # The pictures with and without glare differ in the boxes of some panels, into which others may reach.
    reach = [(boxes[number], panel.marked) for number, panel in enumerate(stage.panels)]
    there = [n for n in range(8) if any(_share(one, boxes[number]) for one in reach[n] for number in found)]
    without = _painted(stage, cubes, dull, shadows)
    glaring = [bright.get(number, stage.brushes) for number in range(8)]
    with_glare = draft_of(_painted(stage, cubes, glaring, shadows, there))
    picture = without.copy()
    for number, glare in found.items():
        rows, columns = box = boxes[number]
        (x, y), unit = stage.panels[number].middle, _FOCAL / _camera(number).distance * fit(NATIVE, size).scale
        # Where two boxes overlap, the second glare falls on the first.
        with_glare[box] = glare.blend(without[box], with_glare[box], (x - columns.start, y - rows.start), unit)
        picture[box] = with_glare[box]
    picture.setflags(write=False)
    return picture


def _painted(
    stage: _Stage,
    cubes: dict[Cell, str],
    brushes: Sequence[_Brushes],
    shadows: Mapping[_Face, Shadow],
    only: Sequence[int] = range(8),
) -> NDArray[np.uint8]:
    """The picture, given the brushes for each panel; only some of the panels, if they are named."""
    free = _free_faces(cubes)
    canvas = canvas_on(stage.empty, stage.size)
    for panel, of_colour in ((stage.panels[number], brushes[number]) for number in only):
        apart = {cell for cell, word in panel.words.items() if word.near.isdisjoint(cubes)}
        for word in (word for cell, word in panel.words.items() if cell not in apart):
            canvas.rectangle(word.box, _NO_PEN, _PAPER)
        # From far to near, so that what is nearer hides what is behind it.
        for cell in sorted(cubes.keys() | panel.marks.keys(), key=panel.nearness.__getitem__):
            if cell not in cubes:
                for path, line, fill in panel.marks[cell] if cell not in apart else ():
                    canvas.path(path, line, fill)
                continue
            fills = of_colour[cubes[cell]]
            for side, outlines in panel.faces:
                if (cell, side) in free:
                    canvas.polygon(outlines[cell], stage.edge, fills[side])
                    if shadow := shadows.get((cell, side)):
                        for layer in shadow.layers(outlines[cell]):
                            canvas.polygon(layer, _NO_PEN, aggdraw.Brush(_BLACK, shadow.opacity))
    return pixels_of(canvas, stage.size)


def _free_faces(cubes: dict[Cell, str]) -> set[_Face]:
    """The faces that touch no other cube."""
    return {
        ((x, y, z), side)
        for x, y, z in cubes
        for side, (dx, dy, dz) in TOWARDS.items()
        if (x + dx, y + dy, z + dz) not in cubes
    }


def _box_of(points: Points, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of a picture in which points, (..., 2), lie, and a pixel around them."""
    across, down = points[..., 0], points[..., 1]
    left, right = max(int(across.min() - 1), 0), min(int(across.max() + 2), size[0])
    top, bottom = max(int(down.min() - 1), 0), min(int(down.max() + 2), size[1])
    return slice(top, bottom), slice(left, right)


def _share(one: tuple[slice, slice], other: tuple[slice, slice]) -> bool:
    """Whether two boxes share a pixel."""
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


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


class _Word(NamedTuple):
    """A word at the end of an axis. It is drawn once for all pictures, except where cubes are behind it or around it.

    Attributes:
        box: The left, upper, right and lower edge of the box in which it lies.
        near: Its cell, and those no nearer to the viewer of which a part is seen in the box. If any of them has a
            cube, the word is drawn in its turn.
    """

    box: tuple[int, int, int, int]
    near: frozenset[Cell]


class _Panel(NamedTuple):
    """A view from one corner, in pixels.

    Attributes:
        nearness: For each cell, a number that grows along any line of sight towards the camera. Since the camera
            is further out than all cells, along each axis, the sum of the coordinates in its direction is one.
        faces: The three sides that it sees: name and outline in each cell.
        marks: What is drawn in a cell on an axis if it is empty: shapes with their pen and brush.
        words: For each of these cells that has a word, where that is.
        marked: The rows and columns in which all marks lie.
        middle: Where the origin lies.
        lattice: Where the corners of all cells lie, (n, n, n, 2) by x, y and z, each from its least one.
    """

    nearness: dict[Cell, int]
    faces: list[tuple[str, dict[Cell, list[float]]]]
    marks: dict[Cell, list[_Shape]]
    words: dict[Cell, _Word]
    marked: tuple[slice, slice]
    middle: tuple[float, float]
    lattice: Points


_Brushes = dict[str, dict[str, aggdraw.Brush]]  # colour -> side -> brush


class _Stage(NamedTuple):
    """What every picture of a size shares. The empty picture has captions and words, but no lines, arrows and cubes."""

    size: tuple[int, int]
    empty: NDArray[np.uint8]
    panels: list[_Panel]
    brushes: _Brushes
    edge: aggdraw.Pen


@lru_cache(maxsize=4)
def _stage(size: tuple[int, int]) -> _Stage:
    edge = aggdraw.Pen(_BLACK, _EDGE * fit(NATIVE, size).scale)
    panels = [_panel(number, size) for number in range(8)]
    return _Stage(size, _empty(size, panels), panels, _brushes(), edge)


def _brushes(glare: Glare | None = None) -> _Brushes:
    """The brushes for all sides: as they are, or where a glare is strongest."""
    return {
        colour: {
            side: aggdraw.Brush(glare.colour(colour, side, rgb) if glare and side in glare.strength else rgb)
            for side, rgb in zip(_SIDES, sides, strict=True)
        }
        for colour, sides in COLOURS.items()
    }


def _empty(size: tuple[int, int], panels: list[_Panel]) -> NDArray[np.uint8]:
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
        for cell in panels[number].words:
            canvas.path(*panels[number].marks[cell][0])
    return pixels_of(canvas, size)


@lru_cache(maxsize=8)
def _camera(number: int) -> Camera:
    return look_from(_CORNER * np.array(corner(number)), _FOCAL)


def _panel(number: int, size: tuple[int, int]) -> _Panel:
    towards = corner(number)
    cells: list[Cell] = [(x, y, z) for x, y, z in product(range(-REACH, REACH + 1), repeat=3)]
    nearness = {cell: int(np.dot(cell, towards)) for cell in cells}
    faces = []
    for side in _SIDES:
        if np.dot(TOWARDS[side], towards) > 0:
            outlines = to_pixels(np.array(cells)[:, None] + face_corners(side), number, size).reshape(-1, 8).tolist()
            faces.append((side, dict(zip(cells, outlines, strict=True))))
    seen = np.array([[outlines[cell] for _, outlines in faces] for cell in cells]).reshape(len(cells), -1, 2)
    marks: dict[Cell, list[_Shape]] = {}
    boxes: dict[Cell, NDArray[np.int64]] = {}
    for side, (x, y, z) in TOWARDS.items():
        marks[x, y, z], marks[2 * x, 2 * y, 2 * z] = _line_and_arrow(side, number, size)
        marks[3 * x, 3 * y, 3 * z], boxes[3 * x, 3 * y, 3 * z] = _word(side, number, size)
    words = {}
    for at, box in boxes.items():
        in_box = _meet(np.stack((seen.min(1) - 1, seen.max(1) + 1), 1), box)
        near = {cell for cell, inside in zip(cells, in_box) if inside and nearness[cell] <= nearness[at]} | {at}
        tip = to_pixels(_TIP / 3 * np.array(at), number, size)
        others = [other for other in boxes.values() if other is not box]
        if _meet(np.array([*others, (tip - 1, tip + 1)]), box).any():
            near = set(cells)  # in a small picture words run into each other and into arrows: each waits for its turn
        words[at] = _Word(tuple(box.ravel().tolist()), frozenset(near))
    points = [point for shapes in marks.values() for mark in shapes for point in mark.path.coords()]
    x, y = to_pixels(np.zeros(3), number, size).tolist()
    corners = np.stack(np.meshgrid(*(np.arange(-REACH, REACH + 2) - 0.5,) * 3, indexing="ij"), -1)
    lattice = to_pixels(corners, number, size)
    return _Panel(nearness, faces, marks, words, _box_of(np.reshape(points, (-1, 2)), size), (x, y), lattice)


def _meet(boxes: Points, box: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of some boxes, (n, 2, 2), share a point with a box; a box is its upper left and lower right corner."""
    meets: NDArray[np.bool_] = ((boxes[:, 0] < box[1]) & (boxes[:, 1] > box[0])).all(1)
    return meets


def face_corners(side: str) -> Points:
    """The four corners, (4, 3), of a side of the cube at the origin, in order around it."""
    out = np.array(TOWARDS[side]) / 2
    along, across = np.roll(np.abs(out), 1), np.roll(np.abs(out), 2)
    return np.array([out - along - across, out + along - across, out + along + across, out - along + across])


def _line_and_arrow(side: str, number: int, size: tuple[int, int]) -> tuple[list[_Shape], list[_Shape]]:
    """What marks a half axis in its first and second cell from the origin."""
    _, colour, _ = _AXES[side]
    out = np.array(TOWARDS[side], float)
    pen = aggdraw.Pen(colour, _SHAFT * fit(NATIVE, size).scale)

    def shaft(start: float, end: float) -> aggdraw.Path:
        return shape([to_pixels(np.array([start * out, end * out]), number, size)], closed=False)

    # Of the head's flat sides, those that face the viewer; together they are its outline.
    angles = np.arange(5) * 2 * np.pi / 5
    across, along = np.roll(out, 1), np.roll(out, 2)
    rim = _HEAD * out + _RADIUS * (np.outer(np.sin(angles), across) + np.outer(np.cos(angles), along))
    tip, rim = to_pixels(_TIP * out, number, size), to_pixels(rim, number, size)
    sides = [np.array((tip, rim[i], rim[i - 4])) for i in range(5)]
    head = shape([side for side in (*sides, rim[::-1]) if _turns(side)])
    return (
        [_Shape(shaft(0.5, 1.5), pen, None)],
        [_Shape(shaft(1.5, _HEAD), pen, None), _Shape(head, None, aggdraw.Brush(colour))],
    )


def _word(side: str, number: int, size: tuple[int, int]) -> tuple[list[_Shape], NDArray[np.int64]]:
    """The word in the third cell of a half axis, and two corners, (2, 2), of the box that holds it in the picture."""
    word, _, colour = _AXES[side]
    offset = (text_width(word, bold=True) / 2, _WORD_DROP)
    at = _WORD * np.array(TOWARDS[side], float)
    camera = _camera(number)
    contours = [
        to_pixels(camera.billboard(at, _EM * (contour - offset)), number, size)
        for contour in text_polygons(word, bold=True)
    ]
    points = np.concatenate(contours)
    box = np.array((np.floor(points.min(0)), np.ceil(points.max(0)))).astype(int)
    no_pen = aggdraw.Pen(colour, 0, 0)  # keeps aggdraw from filling a quarter of a pixel beyond the outline
    return [_Shape(shape(contours), no_pen, aggdraw.Brush(colour))], box


def _turns(outline: Points) -> bool:
    """Whether the first three points turn clockwise in the picture."""
    (ax, ay), (bx, by) = outline[1] - outline[0], outline[2] - outline[1]
    return bool(ax * by - ay * bx > 0)
