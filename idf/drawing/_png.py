"""Pictures as PNG bytes and back.

The writer uses filter 0 rows and one fast deflate: on flat drawings it is about twenty times faster than Pillow's
default, and its files are hardly larger, because PNG's adaptive filters only hurt them. The deflate is zlib-ng's: ISA-L's
takes half the time, but now and then a process of it writes other bytes for the same pixels (seen twice in CI, in all
pictures of Wood Slide), and shards must have the same bytes in every run and from every worker.
"""

from __future__ import annotations

import io
import struct
import warnings
from threading import local

import numpy as np
from PIL import Image
from zlib_ng import zlib_ng

MAX_PIXELS = 64_000_000  # the largest published picture has 46.7 million
_READABLE_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK")


def encode_png(pixels: np.ndarray) -> bytes:
    """A picture as a PNG file.

    The same pixels give the same bytes in every process. Another version of the deflate library may write others, so
    what has to hold for longer than an installation is decided on decoded pixels.

    Args:
        pixels: (height, width, 3) uint8, red, green, blue.

    Returns:
        The file: 8 bits a channel, no alpha, not interlaced, no metadata.

    Raises:
        ValueError: The array has another shape or type.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(f"a picture is (height, width, 3) uint8, not {pixels.shape} {pixels.dtype}")
    height, width, _ = pixels.shape
    rows = _rows_of(height, width)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib_ng.compress(rows, level=1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def decode_png(data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels of a PNG file (or of a JPEG file: some published pictures are that). What is transparent is white.

    Args:
        data: The file.
        max_pixels: A picture with more pixels is refused before any of it is decoded.

    Returns:
        (height, width, 3) uint8, red, green, blue.

    Raises:
        ValueError: The bytes are no such file or end too early, the picture is too large, or has more than 8 bits.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            file = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        with file as image:
            if image.width * image.height > max_pixels:
                raise ValueError(
                    f"the picture has {image.width} x {image.height} pixels; at most {max_pixels} are read"
                )
            if image.mode not in _READABLE_MODES:
                raise ValueError(f"a picture of mode {image.mode} is not read: use 8 bits a channel")
            if image.has_transparency_data:
                paper = Image.new("RGBA", image.size, "white")
                return np.array(Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB"))
            return np.array(image.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise ValueError(f"the picture is too large: {error}") from error
    except (OSError, SyntaxError) as error:  # Pillow reports broken PNG chunks as SyntaxError
        raise ValueError(f"not a readable PNG or JPEG picture: {error}") from error


class _Kept(local):
    rows = np.zeros((0, 0), np.uint8)


_kept = _Kept()


def _rows_of(height: int, width: int) -> np.ndarray:
    """Room for rows that begin with the filter "none": the thread's own, as fresh memory is cleared page by page."""
    if _kept.rows.shape != (height, 1 + 3 * width):
        _kept.rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    return _kept.rows


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib_ng.crc32(content, zlib_ng.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
