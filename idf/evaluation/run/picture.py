"""Pictures for evaluation: resized once, by us, to what the model sees; the same for every backend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from idf.drawing import decode_picture, decoded_size, draw, picture_size
from idf.errors import UserError
from idf.recipe import check_pixels
from idf.suites import Item

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 28  # pixels per vision token, per side

T = TypeVar("T")


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
        return draw(item.scene, max_pixels).copy()  # a drawing may be a shared, read-only array
    picture = Image.fromarray(read_file(item, item.picture, decode_picture))
    size = fitted_size(picture.width, picture.height, max_pixels)
    return np.array(picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC))


def seen_size(item: Item, max_pixels: int, redraw: bool) -> tuple[int, int]:
    """Width and height of what `picture_of` gives, from the header of the file alone.

    Raises:
        UserError: As `picture_of`.
    """
    check_pixels(max_pixels)
    if redraw or item.picture is None:
        return picture_size(item.world, max_pixels)
    return fitted_size(*read_file(item, item.picture, decoded_size), max_pixels)


def read_file(item: Item, path: Path, read: Callable[[bytes], T]) -> T:
    """What `read` makes of the picture file of an item."""
    if not path.exists():
        raise UserError(f"the picture {path} of item {item.id} is missing (--pictures drawn draws it from the state)")
    try:
        return read(path.read_bytes())
    except (OSError, ValueError) as error:
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
