"""Moving Box in part: the room with gray tiles, a question mark on each, in place of what is covered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem

from .moving_box import SIZE, draw_rows

__all__ = ["SIZE", "draw"]


def draw(scene: Problem[Any, Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The room at its start, seen from above.

    Args:
        scene: A problem of the world that is shown in part.
        size: (width, height) in pixels, at least 56 each.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    return draw_rows([row.replace(" ", "") for row in scene.query.shown.split("\n")], size)
