"""Moving Box in pictures: brick walls, a crate, a chequered flag and a small man on a white floor.

Source: sizes and colours are measured on SpatiaLite's pictures (572 x 572 pixels); the sprites are our own code, in
the look of those. Each is a function of the unit square, x to the right and y down, sampled on a fine grid and
averaged, so that it can be had at any size and no drawing library decides over its pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idf.worlds import Problem, Rng, Walk
from idf.worlds.moving_box import SYMBOLS, Query, Room, grid

from ._decode import decode_picture

SIZE = (560, 560)
NOISE = "The file is a JPEG of quality 75 with colours at half the resolution, as the published ones are."

_NATIVE, _MARGIN = 572, 30
_SAMPLES = 6  # a pixel is the mean of 6 x 6 points

_Points = NDArray[np.float64]
_Canvas = NDArray[np.uint8]
_Colour = tuple[int, int, int]

COVERED = "?"
"""The symbol of a cell of which it is not shown what is there."""

# Brick: what a course shows from its upper edge to the mortar below it.
_COURSES = 6
_COURSE_AT = (0.0, 0.08, 0.2, 0.45, 0.85, 0.92, 0.93, 1.0)
_COURSE_COLOURS = (
    (184, 124, 96),
    (182, 104, 74),
    (186, 98, 65),
    (178, 96, 58),
    (167, 90, 62),
    (158, 91, 63),
    (108, 62, 33),
    (108, 62, 33),
)
_MORTAR, _LIT_EDGE, _SIDE_EDGE = (110, 64, 38), (219, 160, 134), (182, 112, 84)
_JOINT = 0.015  # width of the mortar between two bricks

# Crate
_FRAME, _FRAME_LINE, _OUTLINE = (190, 158, 66), (170, 139, 52), (126, 103, 45)
_PLANK, _SHADOW, _BOARD, _BOARD_EDGE = (149, 124, 56), (124, 93, 42), (172, 142, 46), (125, 96, 28)
_FRAME_WIDTH, _OUTLINE_WIDTH, _BOARD_WIDTH, _BOARD_LINE = 0.145, 0.018, 0.05, 0.018

# Flag
_POLE, _DARK, _LIGHT = (180, 180, 181), (65, 64, 65), (241, 239, 239)
_CHECKS = (6, 5)  # across and down

# Man, one letter a pixel
_MAN = (
    "....kkkkkk....",
    "..kkhhhhhhkk..",
    ".khhhhhhhhhhk.",
    ".khhhhhhhhhhk.",
    "khhhhhhhhhhhhk",
    "khhshhsshhsshk",
    "khsssssssssshk",
    ".kssksssskssk.",
    ".kssksssskssk.",
    "..kssssssssk..",
    "...kkkkkkkk...",
    "..krrrrrrrrk..",
    ".ksrrrrrrrrsk.",
    "kssrrrrrrrrssk",
    "ksskrrrrrrkssk",
    ".kkbbbbbbbbkk.",
    "..kbbbkkbbbk..",
    "..knnnkknnnk..",
    "..kkkk..kkkk..",
)
_MAN_COLOURS = {
    "k": (6, 4, 4),
    "h": (186, 121, 79),
    "s": (252, 235, 212),
    "r": (224, 28, 8),
    "b": (5, 165, 230),
    "n": (110, 46, 16),
}
_MAN_PIXEL = 1 / 22

# A covered cell
_COVER, _COVER_EDGE, _MARK = (150, 150, 150), (110, 110, 110), (255, 255, 255)
_QUESTION = (".kkk.", "k...k", "....k", "...k.", "..k..", "..k..", ".....", "..k..")
_QUESTION_PIXEL = 1 / 14


def draw(
    scene: Problem[Room, Query] | Walk[Room], size: tuple[int, int], noise: Rng | None = None
) -> NDArray[np.uint8]:
    """The room at its start, seen from above.

    Args:
        scene: A problem or a walk of the world of the box.
        size: (width, height) in pixels, at least 56 each. The room is square and centred.
        noise: If given, the picture is what its `noisy_file` shows; nothing about that is random.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    picture = draw_rows(grid(scene.start), size)
    return picture if noise is None else decode_picture(noisy_file(picture))


def draw_rows(rows: list[str], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A grid of symbols as a picture, (height, width, 3) uint8 RGB, of a size (width, height)."""
    width, height = size
    side = min(size)
    margin = round(side * _MARGIN / _NATIVE)
    cell = (side - 2 * margin) // max(len(rows), len(rows[0]))
    picture: NDArray[np.uint8] = np.full((height, width, 3), 255, dtype=np.uint8)
    y = (height - side) // 2 + margin
    for row in rows:
        x = (width - side) // 2 + margin
        for symbol in row:
            if symbol != SYMBOLS["floor"]:
                picture[y : y + cell, x : x + cell] = _tile(symbol, cell)
            x += cell
        y += cell
    return picture


def noisy_file(picture: NDArray[np.uint8]) -> bytes:
    """A picture, (height, width, 3), as the kind of JPEG file that SpatiaLite publishes (Pillow's own choice of tables)."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=75, subsampling="4:2:0")
    return file.getvalue()


@lru_cache(maxsize=512)
def _tile(symbol: str, cell: int) -> NDArray[np.uint8]:
    """The sprite of a symbol on white floor, (cell, cell, 3)."""
    n = cell * _SAMPLES
    points = (np.arange(n) + 0.5) / n
    canvas = np.full((n, n, 3), 255, dtype=np.uint8)
    _TILES[symbol](canvas, *np.meshgrid(points, points))
    sums = canvas.reshape(cell, _SAMPLES, cell, _SAMPLES, 3).sum(axis=(1, 3), dtype=np.uint32)
    tile: NDArray[np.uint8] = ((sums + _SAMPLES**2 // 2) // _SAMPLES**2).astype(np.uint8)
    return tile


def _brick(canvas: _Canvas, x: _Points, y: _Points) -> None:
    course, depth = np.divmod(y * _COURSES, 1.0)
    for channel, values in enumerate(zip(*_COURSE_COLOURS)):
        canvas[..., channel] = np.interp(depth, _COURSE_AT, values).round()
    # Joints in the middle, and a quarter to either side, by turns; between two tiles the courses run on.
    whole = course % 2 == 0
    joints = np.where(whole, np.abs(x - 0.5), np.abs(np.abs(x - 0.5) - 0.26)) < _JOINT / 2
    canvas[joints] = _MORTAR
    canvas[(x < _JOINT) | (x > 1 - _JOINT)] = _SIDE_EDGE
    canvas[(y < _JOINT) | (y > 1 - _JOINT / 2)] = _LIT_EDGE


def _crate(canvas: _Canvas, x: _Points, y: _Points) -> None:
    from_edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    diagonal = np.minimum(np.abs(x - y), np.abs(x + y - 1))
    canvas[:] = _FRAME
    canvas[diagonal < 0.008] = _FRAME_LINE  # the mitres of the frame; the boards cover the rest
    inside = from_edge > _FRAME_WIDTH
    canvas[inside] = _PLANK
    canvas[inside & ((x - 0.5 + 10 / 11) * 11 % 1 < 0.16)] = _SHADOW  # between planks
    canvas[inside & ((from_edge < _FRAME_WIDTH + 0.02) | (y < _FRAME_WIDTH + 0.04))] = _SHADOW
    canvas[inside & (diagonal < _BOARD_WIDTH + _BOARD_LINE)] = _BOARD_EDGE
    canvas[inside & (diagonal < _BOARD_WIDTH)] = _BOARD
    # One board lies over the other.
    over = inside & (np.abs(x - y) < _BOARD_WIDTH + _BOARD_LINE)
    canvas[over] = _BOARD_EDGE
    canvas[over & (np.abs(x - y) < _BOARD_WIDTH)] = _BOARD
    canvas[from_edge < _OUTLINE_WIDTH] = _OUTLINE


def _flag(canvas: _Canvas, x: _Points, y: _Points) -> None:
    pole = 0.09 + 0.1 * y  # it leans a little
    along = (x - pole) / 0.8
    wave = 1.9 * along * (along - 0.42) * (along - 1.1)
    down = (y - 0.1 + wave) / 0.52
    cloth = (along > 0) & (along < 1) & (down > 0) & (down < 1)
    dark = (np.floor(along * _CHECKS[0]) + np.floor(down * _CHECKS[1])) % 2 == 1
    canvas[cloth] = _LIGHT
    canvas[cloth & dark] = _DARK
    canvas[cloth & ((down < 0.02) | (down > 0.98))] = _POLE  # a hem, so that light checks stand out from the floor
    canvas[(np.abs(x - pole) < 0.032) & (y > 0.07) & (y < 0.97)] = _POLE


def _man(canvas: _Canvas, x: _Points, y: _Points) -> None:
    letters = _letters(_MAN, _MAN_PIXEL, x, y)
    for letter, colour in _MAN_COLOURS.items():
        canvas[letters == letter] = colour


def _letters(drawn: tuple[str, ...], pixel: float, x: _Points, y: _Points) -> NDArray[np.str_]:
    """The letter at each point of a drawing of letters in the middle of the tile, each so large; a dot outside of it."""
    column = np.floor((x - 0.5) / pixel + len(drawn[0]) / 2).astype(int)
    row = np.floor((y - 0.5) / pixel + len(drawn) / 2).astype(int)
    rows = np.array([list("." * len(drawn[0])), *map(list, drawn)])  # the empty row is for all points outside
    outside = (column < 0) | (column >= len(drawn[0])) | (row < 0) | (row >= len(drawn))
    letters: NDArray[np.str_] = rows[np.where(outside, 0, row + 1), np.where(outside, 0, column)]
    return letters


def _cover(canvas: _Canvas, x: _Points, y: _Points) -> None:
    canvas[:] = _COVER
    canvas[np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.03] = _COVER_EDGE
    canvas[_letters(_QUESTION, _QUESTION_PIXEL, x, y) == "k"] = _MARK


def _man_at_flag(canvas: _Canvas, x: _Points, y: _Points) -> None:
    """The man in front of the flag, small enough that both can be seen."""
    _flag(canvas, x, y)
    _man(canvas, (x - 0.36) / 0.7, (y - 0.33) / 0.7)


def _crate_at_flag(canvas: _Canvas, x: _Points, y: _Points) -> None:
    """The crate, and on it the flag."""
    _crate(canvas, x, y)
    _flag(canvas, (x - 0.15) / 0.7, (y - 0.15) / 0.7)


_TILES: dict[str, Callable[[_Canvas, _Points, _Points], None]] = {
    SYMBOLS["wall"]: _brick,
    SYMBOLS["player"]: _man,
    SYMBOLS["box"]: _crate,
    SYMBOLS["target"]: _flag,
    SYMBOLS["player on target"]: _man_at_flag,
    SYMBOLS["box on target"]: _crate_at_flag,
    COVERED: _cover,
}
