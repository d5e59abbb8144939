"""The canvas that the geometric drawings share: a kept aggdraw surface, and points in the form that it takes."""

from __future__ import annotations

from threading import local

import aggdraw
import numpy as np
from numpy.typing import NDArray

from ._camera import Points


class _Kept(local):
    """What a thread draws on, by the size of the picture: each world has its own, and their pictures take turns."""

    def __init__(self) -> None:
        self.canvases: dict[tuple[int, int], aggdraw.Draw] = {}
        self.drafts: dict[tuple[int, ...], NDArray[np.uint8]] = {}


_kept = _Kept()
_MOST_SIZES = 8  # beyond so many, none of those before is kept


def canvas_on(background: NDArray[np.uint8], size: tuple[int, int]) -> aggdraw.Draw:
    """A canvas that shows a background. It is the thread's own, and good until the thread asks for the next of this size.

    A fresh canvas would be as right, but the system clears its memory page by page: 1-2 ms for a picture of 3 MB.

    Args:
        background: (height, width, 3) RGB.
        size: (width, height).
    """
    if size not in _kept.canvases:
        if len(_kept.canvases) == _MOST_SIZES:
            _kept.canvases.clear()
        _kept.canvases[size] = aggdraw.Draw("RGB", size)
    canvas = _kept.canvases[size]
    read_only = background.view()
    read_only.flags.writeable = False  # aggdraw takes no other
    canvas.frombytes(read_only)
    return canvas


def draft_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A writable copy of a picture: the thread's own, good until the thread asks for the next of this size (see above)."""
    if picture.shape not in _kept.drafts:
        if len(_kept.drafts) == _MOST_SIZES:
            _kept.drafts.clear()
        _kept.drafts[picture.shape] = np.empty_like(picture)
    draft = _kept.drafts[picture.shape]
    np.copyto(draft, picture)
    return draft


def pixels_of(canvas: aggdraw.Draw, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A copy of what a canvas of (width, height) shows: (height, width, 3) RGB, read-only."""
    return np.frombuffer(canvas.tobytes(), np.uint8).reshape(size[1], size[0], 3)


def flat(points: Points) -> list[float]:
    """Points, (n, 2), in the form that aggdraw takes: x0, y0, x1, y1, ..."""
    numbers: list[float] = points.ravel().tolist()
    return numbers


def fill_path(canvas: aggdraw.Draw, path: aggdraw.Path, colour: tuple[int, ...]) -> None:
    """Fill a path, and no more than it: aggdraw lets what it fills grow by a quarter of a pixel all around (holes too),
    unless a pen says how far. This one says "not at all", and draws nothing.
    """
    canvas.path(path, aggdraw.Pen(colour, 0, 0), aggdraw.Brush(colour))


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
