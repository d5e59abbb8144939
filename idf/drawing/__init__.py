"""Pictures of problems and walks, in the style of the benchmark.

Each public module of this package draws the world of its name; a sixth world is one more file here that defines
`SIZE` and `draw(scene, size)`. If the benchmark's pictures of it are not clean, the module also defines `NOISE`, a sentence
that says what the noise is, and its `draw` takes a random source as `noise`. Noise that is in the file's format is put
there by its `noisy_file(picture)`.
"""

from __future__ import annotations

from importlib import import_module
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idf.worlds import Problem, Rng, Walk

from ._damage import DAMAGES, damaged
from ._decode import check_picture, decode_picture, decode_png, decoded_size, is_turned
from ._png import encode_indexed_png, encode_png, own_pixels

__all__ = [
    "DAMAGES",
    "PATCH",
    "check_picture",
    "damaged",
    "decode_picture",
    "decode_png",
    "decoded_size",
    "draw",
    "encode_indexed_png",
    "encode_png",
    "is_turned",
    "noise_of",
    "on_grid",
    "own_pixels",
    "picture_file",
    "picture_size",
    "size_on_grid",
    "vision_tokens",
]

PATCH = 28
"""Side in pixels of what Qwen2.5-VL sees as one token: 2 x 2 merged patches of 14 pixels."""
MIN_PIXELS = (2 * PATCH) ** 2
"""The smallest picture, 56 x 56."""


def draw(
    scene: Problem[Any, Any] | Walk[Any], max_pixels: int | None = None, noise: Rng | None = None
) -> NDArray[np.uint8]:
    """The picture of a scene's start state; the same scene and the same noise always give the same pixels.

    Args:
        scene: A problem or a walk. What the world's question points to (a path) is drawn too.
        max_pixels: The most pixels that the picture may have; None for the world's own size.
        noise: The source of the noise that the benchmark's pictures have (`noise_of` says what it is); None for a clean
            picture. It makes no difference in worlds that have no noise.

    Returns:
        (height, width, 3) RGB, read-only; both sides are multiples of 28, so that no processor resamples it.

    Raises:
        ValueError: `max_pixels` is too small for any picture.
    """
    drawing, size = _drawing(scene.world), picture_size(scene.world, max_pixels)
    noisy = noise is not None and noise_of(scene.world) is not None
    picture: NDArray[np.uint8] = drawing.draw(scene, size, noise) if noisy else drawing.draw(scene, size)
    return picture


def picture_file(
    scene: Problem[Any, Any] | Walk[Any], max_pixels: int | None = None, noise: Rng | None = None
) -> bytes:
    """The picture of a scene's start state as a file: what `draw` shows, as PNG or, if that is its noise, as JPEG.

    Args:
        scene: A problem or a walk.
        max_pixels: The most pixels that the picture may have; None for the world's own size.
        noise: As for `draw`.

    Raises:
        ValueError: `max_pixels` is too small for any picture.
    """
    in_format = getattr(_drawing(scene.world), "noisy_file", None)
    if noise is None or in_format is None:
        return encode_png(draw(scene, max_pixels, noise))
    file: bytes = in_format(draw(scene, max_pixels))
    return file


def noise_of(world: str) -> str | None:
    """What the noise in a world's pictures is, as a sentence; None if it has none."""
    noise: str | None = getattr(_drawing(world), "NOISE", None)
    return noise


def picture_size(world: str, max_pixels: int | None) -> tuple[int, int]:
    """The size at which a world is drawn under a limit of pixels.

    Args:
        world: Name of the world.
        max_pixels: The most pixels, at least 56 * 56; None for no limit.

    Returns:
        (width, height), multiples of 28, at least 56: the world's own size if it is small enough, else the one in
        which the scene is drawn largest.

    Raises:
        ValueError: `max_pixels` is too small for any picture.
    """
    width, height = _drawing(world).SIZE
    if max_pixels is None or width * height <= max_pixels:
        return width, height
    if max_pixels < MIN_PIXELS:
        raise ValueError(f"max_pixels is {max_pixels}: a picture has at least {MIN_PIXELS} pixels (56 x 56)")
    tokens = max_pixels // PATCH**2
    sizes = []
    for rows in range(2, min(tokens // 2, height // PATCH) + 1):
        columns = min(ceil(rows * width / height), tokens // rows)
        sizes.append((max(2, columns) * PATCH, rows * PATCH))
    # The scale of the scene decides, as drawings keep their aspect; of equals, the one with the least margin.
    return max(sizes, key=lambda size: (min(size[0] / width, size[1] / height), -size[0] * size[1]))


def vision_tokens(size: tuple[int, int]) -> int:
    """Number of tokens that a picture of (width, height) takes in Qwen2.5-VL: one per 28 x 28 pixels."""
    return (size[0] // PATCH) * (size[1] // PATCH)


def size_on_grid(size: tuple[int, int], grid: int) -> tuple[int, int]:
    """The smallest (width, height) that holds a picture of this size and whose sides are multiples of `grid`, at least 2."""
    return max(2, -(-size[0] // grid)) * grid, max(2, -(-size[1] // grid)) * grid


def on_grid(picture: NDArray[np.uint8], grid: int) -> NDArray[np.uint8]:
    """A picture with a white margin at the right and below, so that both sides are multiples of what a model sees as one token.

    Pixels stay as they are: nothing is resampled. Our pictures are multiples of 28 already, which is what Qwen2-VL and
    Qwen2.5-VL see as one token; Qwen3-VL sees 32.

    Args:
        picture: (height, width, 3) RGB.
        grid: Side of a token in pixels.
    """
    height, width = picture.shape[:2]
    wide, high = size_on_grid((width, height), grid)
    if (wide, high) == (width, height):
        return picture
    out: NDArray[np.uint8] = np.full((high, wide, 3), 255, np.uint8)
    out[:height, :width] = picture
    return out


def _drawing(world: str) -> Any:
    return import_module(f"{__name__}.{world}")
