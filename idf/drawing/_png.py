"""Pictures as PNG bytes and back.

The writer uses filter 0 rows and one fast deflate: on flat drawings it is about twenty times faster than Pillow's
default, and its files are hardly larger, because PNG's adaptive filters only hurt them. The deflate is zlib-ng's: ISA-L's
takes half the time, but now and then a process of it writes other bytes for the same pixels (seen twice in CI, in all
pictures of Wood Slide), and shards must have the same bytes in every run and from every worker.
"""

from __future__ import annotations

import struct
from threading import local

import numpy as np
from zlib_ng import zlib_ng

_BEGIN = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
_FASTEST = b"\x78\x01"  # how zlib's header says level 1
_END = b"\0\0\0\0IEND\xaeB`\x82"


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


def plain_size(data: bytes, max_pixels: int) -> tuple[int, int] | None:
    """(width, height) of a PNG file in the very form of `encode_png`; None if its frame differs from that or it is larger.

    The pixels themselves are not looked at: `plain_rows` may still find damage.
    """
    if data[:16] != _BEGIN or data[24:29] != b"\x08\x02\0\0\0" or data[37:41] != b"IDAT" or data[-12:] != _END:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    (length,) = struct.unpack_from(">I", data, 33)
    if not 0 < width * height <= max_pixels or len(data) != 41 + length + 4 + len(_END):
        return None
    return None if data[29:33] != _checksum(b"IHDR", data[16:29]) else (width, height)


def is_as_written(data: bytes, max_pixels: int) -> bool:
    """Whether a file has the very form of `encode_png`, and the checksums that were written with it; nothing is inflated.

    A picture that was cut or changed after it was written is found. Not found is a deflate stream that was broken before its
    checksum was made, by another program that begins it as `encode_png` does.
    """
    packed = memoryview(data)[41:-16]
    return (
        plain_size(data, max_pixels) is not None
        and packed[:2] == _FASTEST
        and data[-16:-12] == _checksum(b"IDAT", packed)
    )


def plain_rows(data: bytes, max_pixels: int) -> np.ndarray | None:
    """The rows of a PNG file in the very form of `encode_png`, about ten times as fast as Pillow.

    Args:
        data: Any bytes.
        max_pixels: The most pixels that are decoded.

    Returns:
        (height, 3 * width) uint8, read-only and not contiguous; None if the file differs from that form in anything, is
        damaged or larger.
    """
    width, height = plain_size(data, max_pixels) or (0, 0)
    packed = memoryview(data)[41:-16]
    if not width or data[-16:-12] != _checksum(b"IDAT", packed):
        return None
    inflate, size = zlib_ng.decompressobj(), height * (1 + 3 * width)
    try:
        rows = np.frombuffer(inflate.decompress(packed, size + 1), np.uint8)
    except zlib_ng.error:  # type: ignore[misc]  # its stub calls the class an instance
        return None
    if len(rows) != size or not inflate.eof:
        return None
    rows = rows.reshape(height, 1 + 3 * width)
    return None if rows[:, 0].any() else rows[:, 1:]  # the first byte of a row: its filter


class _Kept(local):
    rows = np.zeros((0, 0), np.uint8)


_kept = _Kept()


def _rows_of(height: int, width: int) -> np.ndarray:
    """Room for rows that begin with the filter "none": the thread's own, as fresh memory is cleared page by page."""
    if _kept.rows.shape != (height, 1 + 3 * width):
        _kept.rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    return _kept.rows


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + _checksum(kind, content)


def _checksum(kind: bytes, content: bytes | memoryview) -> bytes:
    return struct.pack(">I", zlib_ng.crc32(content, zlib_ng.crc32(kind)))
