"""A closer look: pictures are drawn large and cut, so that what is asked about fills what a model sees.

Two worlds leave most of a picture empty. Drawn whole, at a size that this study can pay for, a cube is smaller than one vision
token. A cut knows the picture alone, not what is true of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idf.data import Sample
from idf.drawing import decode_picture, encode_png
from idf.drawing.mental_rotation import to_pixels

Picture = NDArray[np.uint8]
COLOURED = 40
"""Largest minus smallest channel from which on a pixel counts as coloured: board, background and words are grey."""


@dataclass(frozen=True)
class Close:
    """How the pictures of a world are drawn and cut.

    Attributes:
        drawn: The most pixels of the picture that is drawn.
        size: (width, height) of what is cut out of it, multiples of 28.
        cut: From a picture, (height, width, 3), to (height, width, 3) of `size`.
    """

    drawn: int
    size: tuple[int, int]
    cut: Callable[[Picture, tuple[int, int]], Picture]

    @property
    def told(self) -> dict[str, Any]:
        """What the plan says of it."""
        return {"drawn": self.drawn, "size": list(self.size), "cut": self.cut.__name__}


def around_colours(picture: Picture, size: tuple[int, int]) -> Picture:
    """The part around all that is coloured, pixel for pixel; if more is coloured than goes in, all of that, made smaller."""
    rows, columns = np.nonzero(picture.max(2).astype(int) - picture.min(2) > COLOURED)
    (top, bottom), (left, right) = ((int(places.min()), int(places.max()) + 1) for places in (rows, columns))
    scale = max(1.0, (right - left) / size[0], (bottom - top) / size[1])
    return _part(picture, ((left + right) / 2, (top + bottom) / 2), (scale * size[0], scale * size[1]), size)


def middles(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middles of Mental Rotation's eight views, in two rows of four: 80 pixels across of a picture 448 wide."""
    height, width = picture.shape[:2]
    across, (wide, high) = 80 * width / 448, (size[0] // 4, size[1] // 2)
    views = []
    for number in range(8):
        x, y = to_pixels(np.zeros(3), number, (width, height)).tolist()
        views.append(_part(picture, (x, y), (across, across), (wide, high)))
    return np.concatenate([np.concatenate(views[:4], 1), np.concatenate(views[4:], 1)])


def _part(picture: Picture, middle: tuple[float, float], part: tuple[float, float], size: tuple[int, int]) -> Picture:
    """A part of a picture around a place, moved so that it lies inside, in another size."""
    box = []
    for at, wanted, there in zip(middle, part, (picture.shape[1], picture.shape[0]), strict=True):
        wide = min(round(wanted), there)
        low = min(max(round(at - wanted / 2), 0), there - wide)
        box.append((low, low + wide))
    (left, right), (top, bottom) = box
    cut = picture[top:bottom, left:right]
    if cut.shape[1::-1] == size:
        return cut
    return np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.LANCZOS))


CLOSE = {
    "cube_rolling": Close(290_304, (224, 168), around_colours),
    "mental_rotation": Close(143_360, (224, 112), middles),
}
"""Worlds whose pictures are cut. Moving Box's grid fills its picture as it is."""


def closer(sample: Sample) -> Sample:
    """A sample with its pictures cut, if those of its world are."""
    close = CLOSE.get(sample.world)
    if close is None:
        return sample
    files = [encode_png(close.cut(decode_picture(file), close.size)) for file in sample.images]
    return replace(sample, images=files)
