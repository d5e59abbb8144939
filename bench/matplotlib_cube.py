"""The Rubik's Cube drawn with matplotlib, as a careful researcher would: what `bench/data.py` measures `idf.drawing` by.

Camera, size and colours are those of `idf.drawing.rubiks_cube`; letters are in matplotlib's own font. In matplotlib's favour,
outlines are computed once, a face is one collection, and a picture is one Axes without ticks. The figure may be new for each
scene, which is the usual way, or kept, so that a scene only changes colours: the best way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from idf.drawing.rubiks_cube import COLOURS, NATIVE, SIZE, on_face, to_pixels
from idf.worlds import Problem, Walk
from idf.worlds.rubiks_cube import COLOURS as NAMES
from idf.worlds.rubiks_cube import FACES

WORLD = "rubiks_cube"
Outline = NDArray[np.float64]
"""(n, 2) pixels."""

_DPI = 72  # a point is a pixel: line widths are in pixels
_RGB = [(red / 255, green / 255, blue / 255) for red, green, blue in (COLOURS[name] for name in NAMES)]
_BACKGROUND = (240 / 255,) * 3
_LINE = 2.1 * SIZE[0] / NATIVE[0]
_EM = 0.55 / 2  # of the letters, in sides of a face
# From back to front: a face, and its distance from the middle, where 1 is the cube itself. `bench/data.py` holds the picture to
# idf's own, so what is said here twice cannot drift apart.
_SOLVED = (
    *(("B", 3.47), ("L", 2.67), ("D", 2.67), ("U", 2.69)),
    *(("U", 1.0), ("F", 1.0), ("R", 1.0), ("F", 3.5), ("R", 2.69)),
)
_MIXED = tuple((face, 3.47 if face in "LD" else distance) for face, distance in _SOLVED)
_FROM_INSIDE = "LDB"


class Stage(NamedTuple):
    """A figure with lines and letters, in which the colours of the faces are still to be set.

    Attributes:
        figure: The figure.
        faces: For each face that is drawn: its letter, the whole of it, its nine squares, and the collection that fills them.
    """

    figure: Figure
    faces: list[tuple[str, Outline, list[Outline], PolyCollection]]


def arrange(scene: Problem[Any, Any] | Walk[Any], *, kept: bool) -> Figure:
    """A figure that shows a scene's start state once it is drawn or saved.

    Args:
        scene: A problem or a walk of the Rubik's Cube.
        kept: Whether to use a figure again; it is good until the next call.
    """
    state: bytes = scene.start
    solved = all(len(set(state[at : at + 9])) == 1 for at in range(0, 54, 9))
    figure, faces = _kept(solved) if kept else _stage(solved)
    for face, whole, squares, collection in faces:
        # The whole face in the colour of its middle, then the squares that differ: no seams.
        first = 9 * list(FACES).index(face)
        stickers = state[first : first + 9]
        differing = [number for number, sticker in enumerate(stickers) if sticker != stickers[4]]
        collection.set_verts([whole, *(squares[number] for number in differing)])
        collection.set_facecolor([_RGB[stickers[number]] for number in (4, *differing)])
    return figure


def _stage(solved: bool) -> Stage:
    figure = Figure((SIZE[0] / _DPI, SIZE[1] / _DPI), dpi=_DPI, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, SIZE[0]), ylim=(SIZE[1], 0))
    axes.set_axis_off()
    faces = []
    for order, (face, distance) in enumerate(_SOLVED if solved else _MIXED):
        whole, squares, lines, letter = _outlines(face, distance, solved)
        collection = PolyCollection([], linewidths=0, zorder=order)
        axes.add_collection(collection, autolim=False)
        axes.add_collection(LineCollection(lines, colors="black", linewidths=_LINE, zorder=order), autolim=False)
        axes.add_patch(PathPatch(letter, facecolor="black", linewidth=0, zorder=order))
        faces.append((face, whole, squares, collection))
    return Stage(figure, faces)


_kept = lru_cache(maxsize=2)(_stage)


@lru_cache(maxsize=32)
def _outlines(face: str, distance: float, solved: bool) -> tuple[Outline, list[Outline], list[Outline], Path]:
    """A face in pixels: the whole, its nine squares, its lines, its letter."""

    def pixels(corners: ArrayLike) -> Outline:
        return to_pixels([on_face(face, distance, row, column) for row, column in np.asarray(corners)], SIZE)

    square = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
    squares = [pixels((square + divmod(number, 3)) / 3) for number in range(9)]
    # The benchmark's lines run through the middles of the squares, on three faces; once squares differ, lines part them.
    if solved:
        at: tuple[int, ...] = (1, 3, 5) if face in "UFR" else ()
    else:
        at = (2, 4)
    lines = [pixels(ends) for x in at for ends in (((x / 6, 0), (x / 6, 1)), ((0, x / 6), (1, x / 6)))]
    letter = TextPath((0, 0), face, size=_EM)
    box = letter.get_extents()
    x, y = (np.asarray(letter.vertices) - ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)).T
    across = -x if face in _FROM_INSIDE else x
    return pixels(square), squares, lines, Path(pixels(np.stack((0.5 - y, 0.5 + across), -1)), letter.codes)
