"""Mental Rotation in part: the views that are shown, side by side, each a flat grid of colours below its name."""

from __future__ import annotations

from typing import Any

import aggdraw
import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem

from ._camera import fit
from ._text import fill_text, text_polygons, text_width

SIZE = (924, 364)

NATIVE = SIZE
_PANELS = 3  # no problem shows more views
_PANEL = NATIVE[0] / _PANELS
_TOP, _MARGIN, _MOST_CELL = 64, 20, 60  # native pixels
_EM, _BASELINE = 30, 42
_WHITE, _BLACK, _LINE = (255, 255, 255), (0, 0, 0), (150, 150, 150)
COLOURS = {
    "red": (220, 0, 10),
    "yellow": (240, 225, 40),
    "blue": (0, 90, 200),
    "green": (20, 170, 30),
    "gray": (135, 135, 140),
    "black": (20, 20, 20),
}


def draw(scene: Problem[Any, Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The views of a problem. Where nothing is seen, a cell is white.

    Args:
        scene: A problem of the world that is shown in part.
        size: (width, height) in pixels, at least 56 each.

    Returns:
        (height, width, 3) uint8 RGB, read-only.
    """
    frame = fit(NATIVE, size)
    canvas = aggdraw.Draw("RGB", size, _WHITE)
    pen = aggdraw.Pen(_LINE, max(1.0, 2 * frame.scale))
    for panel, view in enumerate(scene.query.views.split(" | ")):
        name, _, shown = view.partition(": ")
        middle = (panel + 0.5) * _PANEL
        left = middle - text_width(name, bold=True) * _EM / 2
        outlines = [contour * (_EM, -_EM) + (left, _BASELINE) for contour in text_polygons(name, bold=True)]
        fill_text(canvas, [frame.place(outline) for outline in outlines], _BLACK)
        rows = [row.split() for row in shown.split(" / ")]
        wide, high = len(rows[0]), len(rows)
        cell = min(_MOST_CELL, (_PANEL - 2 * _MARGIN) / wide, (NATIVE[1] - _TOP - _MARGIN) / high)
        for r, row in enumerate(rows):
            for c, colour in enumerate(row):
                corner = np.array((middle + (c - wide / 2) * cell, _TOP + r * cell))
                box = frame.place(np.array((corner, corner + cell))).ravel().tolist()
                canvas.rectangle(box, pen, aggdraw.Brush(COLOURS.get(colour, _WHITE)))
    return np.frombuffer(canvas.tobytes(), np.uint8).reshape(size[1], size[0], 3)
