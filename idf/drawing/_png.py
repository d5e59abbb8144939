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
_TRUE_COLOUR, _INDEXED = 2, 3
_SMALL = 5  # level of deflate: files as small as those of zlib's level 6, in a third of the time


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
    rows = _rows_of(height, 3 * width)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    return _file(width, height, _TRUE_COLOUR, b"", zlib_ng.compress(rows, level=1))


def encode_indexed_png(numbers: np.ndarray, palette: bytes) -> bytes:
    """A picture of few colours as a PNG file; smaller than `encode_png` makes it, and slower.

    Args:
        numbers: (height, width) uint8, the number of each pixel's colour.
        palette: Red, green and blue of each colour, a byte each: 1 to 256 colours.

    Returns:
        The file: 8 bits a pixel, not interlaced, no metadata.

    Raises:
        ValueError: The array or the palette has another shape or type, or a number has no colour.
    """
    if numbers.ndim != 2 or numbers.dtype != np.uint8 or 0 in numbers.shape:
        raise ValueError(f"an indexed picture is (height, width) uint8, not {numbers.shape} {numbers.dtype}")
    if not palette or len(palette) % 3 or len(palette) > 3 * 256 or numbers.max() >= len(palette) // 3:
        raise ValueError(f"a palette of {len(palette)} bytes does not hold 3 for each of {numbers.max() + 1} colours")
    height, width = numbers.shape
    rows = _rows_of(height, width)
    rows[:, 1:] = numbers
    return _file(width, height, _INDEXED, _chunk(b"PLTE", palette), zlib_ng.compress(rows, level=_SMALL))


def _file(width: int, height: int, colours: int, palette: bytes, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + palette + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


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


def own_pixels(data: bytes, max_pixels: int) -> np.ndarray | None:
    """The pixels, (height, width, 3) uint8, of a file in the very form of `encode_png`; None as for `plain_rows`."""
    rows = plain_rows(data, max_pixels)
    return None if rows is None else np.array(rows).reshape(len(rows), -1, 3)


class _Kept(local):
    room = np.zeros(0, np.uint8)


_kept = _Kept()


def _rows_of(height: int, length: int) -> np.ndarray:
    """Room for rows of `length` bytes behind the filter "none": the thread's own, large enough for the largest picture until now.

    Fresh memory would be cleared by the system, page by page.
    """
    size = height * (1 + length)
    if _kept.room.size < size:
        _kept.room = np.empty(size, dtype=np.uint8)
    rows = _kept.room[:size].reshape(height, 1 + length)
    rows[:, 0] = 0
    return rows


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + _checksum(kind, content)


def _checksum(kind: bytes, content: bytes | memoryview) -> bytes:
    return struct.pack(">I", zlib_ng.crc32(content, zlib_ng.crc32(kind)))
