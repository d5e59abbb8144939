"""The published pictures in a user's clone of SpatiaLite, as a yardstick; none of them is part of this repository."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(os.environ.get("SPATIALITE_DIR", Path(__file__).parents[3] / "shared" / "spatialite"))

needs_originals = pytest.mark.skipif(
    not (FOLDER / "data").is_dir(), reason="no clone of SpatiaLite: set SPATIALITE_DIR to compare with its pictures"
)


def originals(world: str, most: int, *, shrink: int = 1) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Published items whose picture is there, with the picture, `shrink` times smaller than the original.

    A picture that cannot be shrunk without a remainder is left out, and so is one with a panel of a single colour:
    21 of the published pictures of Mental Rotation have a black one.
    """
    folder = FOLDER / "data" / world
    found = 0
    for line in (folder / f"{world}_samples.json").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        if found == most or not (folder / item["image"]).is_file():
            continue
        with Image.open(folder / item["image"]) as image:
            if image.width % shrink or image.height % shrink:
                continue
            picture = np.asarray(image.convert("RGB").reduce(shrink))
        if world == "mental_rotation" and any(panel.std() < 1 for panel in panels(picture)):
            continue
        found += 1
        yield item, picture


def panels(picture: np.ndarray) -> list[np.ndarray]:
    """The middles of the eight panels of a picture of Mental Rotation, row by row."""
    height, width, _ = picture.shape
    middles = [(row * height, column * width) for row in (0.229, 0.7025) for column in (0.147, 0.3823, 0.6177, 0.853)]
    half = width // 20
    return [picture[int(y) - half : int(y) + half, int(x) - half : int(x) + half] for y, x in middles]


def mean_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The mean absolute difference, in levels of 255."""
    return float(np.abs(ours.astype(np.int16) - theirs).mean())
