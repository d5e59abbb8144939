"""Pictures for evaluation: resized once, by us, to what the model sees; the same for every backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from idf.drawing import draw, picture_size
from idf.errors import UserError
from idf.recipe import check_pixels
from idf.suites import Item

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 28  # pixels per vision token, per side
MOST_PIXELS = 80_000_000  # a larger file is refused before it is decoded; the largest published picture has 48 million


def picture_of(item: Item, max_pixels: int, redraw: bool) -> NDArray[np.uint8]:
    """The picture of an item as the model sees it.

    Args:
        item: The item.
        max_pixels: Largest picture; a larger one is made smaller, keeping its shape.
        redraw: Draw it from the state even if there is a file.

    Returns:
        (height, width, 3) RGB; both sides are multiples of 28.

    Raises:
        UserError: The file is missing, too large, or no picture, or max_pixels is below 56 x 56.
    """
    check_pixels(max_pixels)
    if redraw or item.picture is None:
        return draw(item.problem, max_pixels).copy()  # a drawing may be a shared, read-only array
    with _opened(item, item.picture) as opened:
        rgba = opened.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    picture = Image.alpha_composite(white, rgba).convert("RGB")
    size = fitted_size(picture.width, picture.height, max_pixels)
    return np.array(picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC))


def seen_size(item: Item, max_pixels: int, redraw: bool) -> tuple[int, int]:
    """Width and height of what `picture_of` gives, from the head of the file alone.

    Raises:
        UserError: As `picture_of`.
    """
    check_pixels(max_pixels)
    if redraw or item.picture is None:
        return picture_size(item.problem.world, max_pixels)
    with _opened(item, item.picture) as opened:
        return fitted_size(opened.width, opened.height, max_pixels)


@contextmanager
def _opened(item: Item, path: Path) -> Iterator[Image.Image]:
    """The picture file of an item, not yet decoded."""
    if not path.exists():
        raise UserError(f"the picture {path} of item {item.id} is missing (--pictures drawn draws it from the state)")
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise UserError(f"the picture {path} has more than {MOST_PIXELS:,} pixels")
            yield opened
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"the picture {path} of item {item.id} cannot be read: {error}") from None


def fitted_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """The size nearest to (width, height) whose sides are multiples of 28 and whose area is within max_pixels."""
    scale = min(1.0, (max_pixels / (width * height)) ** 0.5)
    w = max(2 * STEP, round(width * scale / STEP) * STEP)
    h = max(2 * STEP, round(height * scale / STEP) * STEP)
    while w * h > max_pixels and max(w, h) > 2 * STEP:
        if w >= h:
            w -= STEP
        else:
            h -= STEP
    return w, h
