"""Wood Slide in pictures: the board as it is on the left, the board to reach on the right.

Source: sizes, colours and captions are measured on SpatiaLite's pictures (800 x 750 pixels).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import aggdraw
import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem, Rng, Walk
from idf.worlds.wood_slide import COLUMNS, ROWS, SHAPES, WORLD, Blocks, Query

from ._text import fill_text, text_polygons, text_width

SIZE = (812, 756)
NOISE = "Below the boards stands 'Moves: 0' and, at every other problem, the range of the shortest plan's length."

NATIVE = (800, 750)
# Colours repeat (1 and 8, 2 and 9), so only the number tells the blocks apart.
FILLS = (
    (188, 152, 126),
    (165, 142, 122),
    (147, 111, 99),
    (139, 101, 87),
    (128, 91, 77),
    (116, 81, 67),
    (210, 180, 140),
    (188, 152, 126),
    (165, 142, 122),
)
GREY = (100, 100, 100)
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

# All in native pixels.
_CELL, _EDGE, _TOP = 80, 2, 50
_LEFT, _RIGHT = 50, 470  # left sides of the two boards
_EM = 24.5
_DIGIT_HEIGHT = 0.688  # of an em
_LEAST_DIGIT = 8.0  # pixels of the picture: smaller pictures keep their digits readable as long as cells have room
# The published lengths of plans, in the words of the published captions.
_LEVELS = (
    (5, "Very_Easy (2-5 steps)"),
    (8, "Easy (5-8 steps)"),
    (12, "Medium (9-12 steps)"),
    (15, "Hard (13-15 steps)"),
)


def draw(
    scene: Problem[Blocks, Query] | Walk[Blocks],
    size: tuple[int, int],
    noise: Rng | None = None,
    *,
    captions: bool = False,
) -> NDArray[np.uint8]:
    """The start board on the left and, for a problem, the target board on the right.

    A walk shows its start alone: the other board would be its answer.

    Args:
        scene: A problem or a walk of the world of sliding blocks.
        size: (width, height) in pixels, at least 56 each. A picture of another aspect is centred.
        noise: If given, "Moves: 0" is printed below the boards, and at half of the problems the difficulty too.
        captions: Whether to print both, as the published pictures do. The difficulty names the range of the shortest
            plan's length, so it gives part of the answer away. A walk has no target and so no difficulty.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    layout = _layout(size)
    boards = [(_LEFT, scene.start)]
    if isinstance(scene, Problem):
        boards.append((_RIGHT, WORLD.read(scene.query.target)))
    lines = ["Moves: 0"] if captions or noise is not None else []
    if isinstance(scene, Problem) and (captions or (noise is not None and noise.chance(0.5))):
        lines.append(f"Difficulty: {_level(scene)}")
    picture: NDArray[np.uint8] = _background(layout, len(boards), tuple(lines)).copy()
    for left, blocks in boards:
        _place(picture, layout, left, blocks)
    return picture


class _Layout(NamedTuple):
    """Where things are, in pixels of the picture.

    Attributes:
        size: (width, height).
        scale: Pixels per native pixel.
        shift: (x, y) of the drawing's corner, which centres it.
        cell: Side of a cell.
        edge: Width of a block's edge, half of it outside the block.
    """

    size: tuple[int, int]
    scale: float
    shift: tuple[float, float]
    cell: int
    edge: int

    def at(self, x: float, y: float) -> tuple[int, int]:
        """The whole pixel of a native point."""
        return round(self.shift[0] + x * self.scale), round(self.shift[1] + y * self.scale)


@lru_cache(maxsize=32)
def _layout(size: tuple[int, int]) -> _Layout:
    width, height = size
    scale = min(width / NATIVE[0], height / NATIVE[1])
    shift = ((width - NATIVE[0] * scale) / 2, (height - NATIVE[1] * scale) / 2)
    return _Layout(size, scale, shift, int(_CELL * scale), max(1, round(_EDGE * scale)))


def _place(picture: NDArray[np.uint8], layout: _Layout, left: int, blocks: Blocks) -> None:
    """Copy the blocks into the picture. Empty cells are white and cut off their half of their neighbours' edges."""
    cell, edge = layout.cell, layout.edge
    x0, y0 = layout.at(left, _TOP)
    before = edge // 2
    empty = np.ones((ROWS, COLUMNS), dtype=bool)
    for number, (at, (high, wide)) in enumerate(zip(blocks, SHAPES, strict=True)):
        row, column = divmod(at, COLUMNS)
        empty[row : row + high, column : column + wide] = False
        sprite = _sprite(number, layout)
        y, x = y0 + row * cell - before, x0 + column * cell - before
        picture[y : y + sprite.shape[0], x : x + sprite.shape[1]] = sprite
    for row, column in np.argwhere(empty).tolist() if edge > 1 else []:  # an edge of one pixel has no halves
        y, x = y0 + row * cell, x0 + column * cell
        picture[y : y + cell, x : x + cell] = 255
    _outline(picture, x0, y0, COLUMNS * cell, ROWS * cell, 1)


@lru_cache(maxsize=512)
def _sprite(number: int, layout: _Layout) -> NDArray[np.uint8]:
    """Block `number` + 1 with its edge: (high * cell + edge, wide * cell + edge, 3)."""
    high, wide = SHAPES[number]
    height, width = high * layout.cell + layout.edge, wide * layout.cell + layout.edge
    canvas = aggdraw.Draw("RGB", (width, height), FILLS[number])
    digit_height = max(_EM * _DIGIT_HEIGHT * layout.scale, min(_LEAST_DIGIT, 0.7 * layout.cell))
    em, digit = digit_height / _DIGIT_HEIGHT, str(number + 1)
    at = (width / 2 - text_width(digit, bold=True) * em / 2, height / 2 + digit_height / 2)
    fill_text(canvas, [contour * (em, -em) + at for contour in text_polygons(digit, bold=True)], _BLACK)
    sprite = _pixels(canvas, (width, height))
    _outline(sprite, 0, 0, width - layout.edge, height - layout.edge, layout.edge)
    return sprite


@lru_cache(maxsize=32)
def _background(layout: _Layout, boards: int, lines: tuple[str, ...]) -> NDArray[np.uint8]:
    """White paper with the captions, for one or two boards."""
    canvas = aggdraw.Draw("RGB", layout.size, _WHITE)
    texts = [("Current State", _LEFT, 40), ("Target State", _RIGHT, 40)][:boards]
    texts += [(line, x, 490) for line, x in zip(lines, (_LEFT, 250))]
    for text, x, baseline in texts:
        outlines = [contour * (_EM, -_EM) + (x, baseline) for contour in text_polygons(text, bold=True)]
        fill_text(canvas, [contour * layout.scale + layout.shift for contour in outlines], GREY)
    return _pixels(canvas, layout.size)


def _level(problem: Problem[Blocks, Query]) -> str:
    steps = WORLD.size(problem)
    return next((words for most, words in _LEVELS if steps <= most), _LEVELS[-1][1])


def _outline(picture: NDArray[np.uint8], x: int, y: int, width: int, height: int, thickness: int) -> None:
    """Four grey lines; the lower and right ones begin at `y + height` and `x + width`."""
    t = thickness
    picture[y : y + t, x : x + width + t] = picture[y + height : y + height + t, x : x + width + t] = GREY
    picture[y : y + height + t, x : x + t] = picture[y : y + height + t, x + width : x + width + t] = GREY


def _pixels(canvas: aggdraw.Draw, size: tuple[int, int]) -> NDArray[np.uint8]:
    writable = bytearray(canvas.tobytes())
    pixels: NDArray[np.uint8] = np.frombuffer(writable, dtype=np.uint8).reshape(size[1], size[0], 3)
    return pixels
