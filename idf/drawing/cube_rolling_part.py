"""Cube Rolling in part: the same picture, as it shows three faces of the cube anyway."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from idf.worlds import PARTS, Problem

from .cube_rolling import SIZE
from .cube_rolling import draw as draw_whole

__all__ = ["SIZE", "draw"]


def draw(scene: Problem, size: tuple[int, int]) -> NDArray[np.uint8]:  # type: ignore[type-arg]
    """The board with the cube at its start, and the path.

    Args:
        scene: A problem of the world that is shown in part.
        size: (width, height) of the picture.

    Returns:
        (height, width, 3) RGB, read-only.
    """
    return draw_whole(PARTS[scene.world].scene(scene), size)  # type: ignore[attr-defined]
