"""Picture files that others made -> pixels: one function, so that training, evaluation and the gallery see the same.

Other readers differ: some lay what is transparent on black, some show a photo as the sensor lay, some cut 16 bits to 8.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from ._png import is_as_written, own_pixels, plain_size

MAX_PIXELS = 64_000_000  # the largest published picture has 46.7 million

READ = "PNG, JPEG, WebP, BMP and GIF"
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # what Pillow may try: others start programs, or are rarely tested
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")

# How a file of another kind begins, and what it is.
_OTHERS = (
    (b"%!PS", "an EPS or PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file"),
    (b"%PDF", "a PDF file"),
    (b"II*\0", "a TIFF file"),
    (b"MM\0*", "a TIFF file"),
    (b"II+\0", "a BigTIFF file"),
    (b"MM\0+", "a BigTIFF file"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\0\0\1\0", "an ICO file"),
    (b"DDS ", "a DDS file"),
    (b"qoif", "a QOI file"),
    (b"#?RADIANCE", "a Radiance HDR file"),
    (b"v/1\x01", "an OpenEXR file"),
    (b"<svg", "an SVG file"),
    (b"<?xml", "an XML or SVG file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    *((b"P%d" % number, "a PPM file") for number in range(1, 8)),
)
_BRANDS = {b"avif": "an AVIF file", b"avis": "an AVIF file"} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "a HEIC file"
)
_LFS = b"version https://git-lfs"

# What a PNG keeps its orientation in; Pillow decodes the picture to find out whether any of them stands behind it.
_PNG_ORIENTATION = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
_ORIENTATION = 0x0112  # the tag, in EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_picture(data: bytes, *, max_pixels: int | None = None) -> np.ndarray:
    """The pixels of a PNG, JPEG, WebP, BMP or GIF file, as a person sees it.

    What is transparent lies on white, EXIF orientation is obeyed. Colour profiles are ignored, as transformers and vLLM
    ignore them. Of a JPEG with further pictures behind it (MPO: a preview, a gain map) the first one counts.

    Args:
        data: The file.
        max_pixels: A picture with more pixels is refused before any of it is decoded; None for `MAX_PIXELS`.

    Returns:
        (height, width, 3) uint8, red, green, blue.

    Raises:
        ValueError: It is a file of another kind, broken or cut off, too large, animated, or has more than 8 bits a
            channel or other channels than grey or red, green and blue. The message says what it is and what would be right.
    """
    own = own_pixels(data, _most(max_pixels))
    if own is not None:
        return own
    with _opened(data, _most(max_pixels)) as image, _whole_files():
        image.load()
        turn = _TURNS.get(_orientation(image, data))
        if image.has_transparency_data:
            paper = Image.new("RGBA", image.size, "white")
            colours = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
        else:
            colours = image.convert("RGB")
        return np.array(colours if turn is None else colours.transpose(turn))


def check_picture(data: bytes, *, max_pixels: int | None = None) -> None:
    """See whether a picture can be decoded: of what we wrote ourselves by its checksums, of others by decoding it.

    Raises:
        ValueError: As `decode_picture`.
    """
    if not is_as_written(data, _most(max_pixels)):
        decode_picture(data, max_pixels=max_pixels)


def decode_png(data: bytes, *, max_pixels: int | None = None) -> np.ndarray:
    """What `encode_png` wrote, as pixels again: `decode_picture`, by the name of its counterpart."""
    return decode_picture(data, max_pixels=max_pixels)


def decoded_size(data: bytes, *, max_pixels: int | None = None) -> tuple[int, int]:
    """(width, height) of what `decode_picture` gives, from the header alone, as far as that says it.

    Raises:
        ValueError: As `decode_picture`, but damage behind the header is not found.
    """
    size = plain_size(data, _most(max_pixels))
    if size is not None:
        return size
    with _opened(data, _most(max_pixels)) as image:
        width, height = image.size
        return (height, width) if _orientation(image, data) >= 5 else (width, height)


def is_turned(data: bytes) -> bool:
    """Whether the EXIF orientation of a file asks to turn or mirror its pixels.

    Raises:
        ValueError: As `decoded_size`.
    """
    with _opened(data, _most(None)) as image:
        return _orientation(image, data) in _TURNS


@contextmanager
def _opened(data: bytes, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """A file whose header says that it can be read; what is raised inside becomes a ValueError with a sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            file = Image.open(io.BytesIO(data), formats=_FORMATS)
        with file as image:
            _check_header(image, max_pixels)
            yield image
    except (_Refused, MemoryError):
        raise
    except UnidentifiedImageError:
        raise ValueError(_what_it_is(data)) from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"the picture is too large: at most {max_pixels:,} pixels are read ({error})") from None
    except Exception as error:  # Pillow's readers raise whatever they come upon in a broken file
        raise ValueError(f"not a readable picture, broken or cut off: {error}") from error


def _most(max_pixels: int | None) -> int:
    return MAX_PIXELS if max_pixels is None else max_pixels


class _Refused(ValueError):
    """What this module says itself of a picture that Pillow would read."""


def _check_header(image: ImageFile.ImageFile, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise _Refused(f"the picture has {width} x {height} pixels; at most {max_pixels:,} are read")
    # Pillow cuts a PNG of 16 bits a channel to 8 without a word, if it has colours; how it reads, its tile says.
    deep = image.format == "PNG" and image.tile and "16" in str(image.tile[0][3])
    if deep or image.mode.startswith("I"):
        raise _Refused("the picture has 16 bits a channel: save it with 8 bits a channel")
    if image.mode not in _MODES:
        raise _Refused(f"the picture has the channels {image.mode}: save it as RGB with 8 bits a channel")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise _Refused(
            f"the {image.format} file has more than one frame, and a model would see the first alone: save the frame "
            "that is meant as a picture of its own"
        )


def _orientation(image: Image.Image, data: bytes) -> int:
    """EXIF orientation, 1 to 8; 1, upright, if none is stated."""
    if image.format == "PNG" and not any(key in data for key in _PNG_ORIENTATION):
        return 1
    value = image.getexif().get(_ORIENTATION, 1)
    return value if value in _TURNS else 1


_lock = Lock()


@contextmanager
def _whole_files() -> Iterator[None]:
    """Refuse files that are cut off even where another library (lmms-eval) told Pillow to fill them up with grey."""
    if not ImageFile.LOAD_TRUNCATED_IMAGES:
        yield
        return
    with _lock:
        before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _what_it_is(data: bytes) -> str:
    """A sentence about a file that is none of the formats that are read."""
    if not data:
        return f"not a readable picture: the file is empty ({READ} are read)"
    if data.startswith(_LFS):
        return "not a picture but a Git LFS pointer to one: fetch the file itself with `git lfs pull`"
    begin = data.lstrip()[:16] if data[:1].isspace() else data[:16]
    name = _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None
    name = name or next((name for magic, name in _OTHERS if begin.startswith(magic)), None)
    if name is not None:
        return f"{name} is not read: save it as one of {READ}"
    return f"not a readable picture: broken, or none of {READ}"
