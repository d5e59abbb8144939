"""Pictures that are worse than they were drawn: what cameras, networks and thumbnails do to them, in three strengths."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from ._decode import decode_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTHS = (1, 2, 3)
_BLUR = {1: 0.004, 2: 0.008, 3: 0.016}  # standard deviation of a Gaussian, of the shorter side
_QUALITY = {1: 40, 2: 15, 3: 5}  # of JPEG, as Pillow counts
_SIDE = {1: 0.5, 2: 0.25, 3: 0.125}  # of each side, then enlarged again
DAMAGES = tuple(f"{kind}-{strength}" for kind in ("blur", "jpeg", "lowres") for strength in STRENGTHS)
"""Names of damages: their kind and their strength, 3 the worst."""


def damaged(picture: NDArray[np.uint8], damage: str) -> NDArray[np.uint8]:
    """A picture after a damage; its size stays, so that it costs a model as many vision tokens.

    Args:
        picture: (height, width, 3) RGB.
        damage: One of DAMAGES.

    Returns:
        (height, width, 3) RGB. The same picture gives the same result with the same Pillow.

    Raises:
        ValueError: There is no such damage.
    """
    if damage not in DAMAGES:
        raise ValueError(f"unknown damage {damage!r}: use one of {', '.join(DAMAGES)}")
    kind, _, number = damage.partition("-")
    strength, image = int(number), Image.fromarray(picture)
    if kind == "blur":
        image = image.filter(ImageFilter.GaussianBlur(_BLUR[strength] * min(image.size)))
    elif kind == "jpeg":
        file = BytesIO()
        image.save(file, "JPEG", quality=_QUALITY[strength])
        return decode_picture(file.getvalue())
    else:
        small = [max(1, round(side * _SIDE[strength])) for side in image.size]
        image = image.resize((small[0], small[1]), Image.Resampling.BICUBIC).resize(
            image.size, Image.Resampling.BICUBIC
        )
    return np.array(image)
