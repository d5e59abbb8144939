"""The canvas that the geometric drawings share: a kept aggdraw surface, and points in the form that it takes."""

from __future__ import annotations

from threading import local

import aggdraw
import numpy as np
from numpy.typing import NDArray

from ._camera import Points


class _Kept(local):
    size = (0, 0)
    canvas: aggdraw.Draw = None


_kept = _Kept()


def canvas_on(background: bytes, size: tuple[int, int]) -> aggdraw.Draw:
    """A canvas that shows a background. It is the thread's own, and good until the thread asks for the next one.

    A fresh canvas would be as right, but the system clears its memory page by page: 1-2 ms for a picture of 3 MB.

    Args:
        background: RGB bytes, row by row.
        size: (width, height).
    """
    if _kept.size != size:
        _kept.canvas, _kept.size = aggdraw.Draw("RGB", size), size
    _kept.canvas.frombytes(background)
    return _kept.canvas


def pixels_of(canvas: aggdraw.Draw, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A copy of what a canvas of (width, height) shows: (height, width, 3) RGB, read-only."""
    return np.frombuffer(canvas.tobytes(), np.uint8).reshape(size[1], size[0], 3)


def flat(points: Points) -> list[float]:
    """Points, (n, 2), in the form that aggdraw takes: x0, y0, x1, y1, ..."""
    numbers: list[float] = points.ravel().tolist()
    return numbers


def shape(contours: list[Points], *, closed: bool = True) -> aggdraw.Path:
    """Contours in pixels, each (n, 2), as one path for aggdraw; what it fills together has no seams."""
    path = aggdraw.Path()
    for contour in contours:
        first, *others = contour.tolist()
        path.moveto(*first)
        for point in others:
            path.lineto(*point)
        if closed:
            path.close()
    return path
