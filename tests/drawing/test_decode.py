"""Pictures that Pillow, or a few lines by hand, wrote: what is read is read as a person sees it, all else is refused by name."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageFile, ImageOps

from idf.drawing import _decode, check_picture, decode_picture, decoded_size, encode_png, is_turned
from idf.drawing._png import plain_rows
from tests.sentences import refused

FORMATS = {"PNG": {}, "JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "BMP": {}, "GIF": {}}
ORIENTATION = 0x0112


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def scene() -> Image.Image:
    """Four flat quarters, larger than a JPEG's blocks, of a picture that is wider than high."""
    image = Image.new("RGB", (96, 64), (200, 30, 40))
    image.paste((20, 160, 60), (48, 0, 96, 32))
    image.paste((30, 60, 220), (0, 32, 48, 64))
    image.paste((240, 220, 30), (48, 32, 96, 64))
    return image


def png_by_hand(width: int, height: int, depth: int, colour: int, rows: bytes, *more: tuple[bytes, bytes]) -> bytes:
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), *more]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


# --- what is read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_read_as_its_colours(kind):
    data = file_of(scene(), kind, **FORMATS[kind])
    pixels = decode_picture(data)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert np.abs(pixels.astype(int) - np.asarray(scene())).mean() <= (2 if kind == "JPEG" else 0)
    assert decoded_size(data) == (96, 64)
    check_picture(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed(kind, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = file_of(scene(), kind, exif=exif, **FORMATS[kind])
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(decode_picture(data), upright)
    assert decoded_size(data) == (upright.shape[1], upright.shape[0])
    assert is_turned(data) == (orientation > 1)


def test_an_orientation_that_stands_behind_the_pixels_is_obeyed():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    rows = (b"\0" + bytes([255, 0, 0])) + (b"\0" + bytes([0, 0, 255]))
    before = png_by_hand(1, 2, 8, 2, rows, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    end = before.index(b"eXIf") - 4
    size = 12 + struct.unpack_from(">I", before, end)[0]
    behind = before[:end] + before[end + size : -12] + before[end : end + size] + before[-12:]
    for data in (before, behind):
        assert decode_picture(data).tolist() == [[[0, 0, 255], [255, 0, 0]]]
        assert decoded_size(data) == (2, 1)


def transparent_files() -> dict[str, bytes]:
    """A red or grey pixel beside one that is black and transparent."""
    rgba = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    rgba.putpixel((0, 0), (200, 0, 0, 255))
    grey = Image.new("LA", (2, 1), (0, 0))
    grey.putpixel((0, 0), (200, 255))
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([200, 0, 0, 0, 0, 0])
    palette.putpixel((0, 0), 0)
    return {
        "RGBA": file_of(rgba),
        "LA": file_of(grey),
        "palette": file_of(palette, transparency=1),
        "palette of alphas": file_of(palette, transparency=b"\xff\x00"),
        "a colour": file_of(rgba.convert("RGB"), transparency=(0, 0, 0)),
        "a grey": file_of(grey.convert("L"), transparency=0),
        "WebP": file_of(rgba, "WEBP", lossless=True),
        "GIF": file_of(palette, "GIF", transparency=1),
    }


@pytest.mark.parametrize("kind", transparent_files())
def test_what_is_transparent_lies_on_white(kind):
    shown, clear = decode_picture(transparent_files()[kind])[0].tolist()
    assert clear == [255, 255, 255]
    assert shown == ([200, 200, 200] if kind in ("LA", "a grey") else [200, 0, 0])


def test_a_photo_with_a_preview_behind_it_is_its_first_picture():
    data = file_of(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))], quality=95)
    assert np.abs(decode_picture(data).astype(int) - np.asarray(scene())).mean() <= 2


# --- what is refused ---------------------------------------------------------------------------------------------


def test_more_than_8_bits_are_refused_in_grey_and_in_colours():
    grey = file_of(Image.fromarray(np.full((2, 2), 40_000, np.uint16)))
    colours = png_by_hand(1, 1, 16, 2, b"\0" + bytes(6))
    for data in (grey, colours, png_by_hand(1, 1, 16, 6, b"\0" + bytes(8))):
        for read in (decode_picture, decoded_size, check_picture):
            with refused("16 bits", "8 bits", by=ValueError):
                read(data)


def test_a_picture_for_a_printer_is_refused_with_its_channels():
    with refused("CMYK", "RGB", by=ValueError):
        decode_picture(file_of(Image.new("CMYK", (8, 8)), "JPEG"))


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_more_than_one_frame_is_refused(kind, options):
    data = file_of(scene(), kind, save_all=True, append_images=[Image.new("RGB", (96, 64))], **options)
    for read in (decode_picture, decoded_size):
        with refused(kind, "frame", by=ValueError):
            read(data)


def others() -> dict[str, bytes]:
    avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"
    return {
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
        "TIFF": file_of(scene(), "TIFF"),
        "PPM": file_of(scene(), "PPM"),
        "ICO": file_of(scene(), "ICO"),
        "PDF": file_of(scene(), "PDF"),
        "AVIF": avif,
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="56" height="56"/>',
        "web page": b"<!DOCTYPE html><title>404</title>",
    }


@pytest.mark.parametrize("kind", others())
def test_a_file_of_another_format_is_refused_by_its_name(kind, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("a program was started"))
    for read in (decode_picture, decoded_size):
        with refused(kind, "PNG", "JPEG", "WebP", "BMP", "GIF", by=ValueError):
            read(others()[kind])


def test_a_git_lfs_pointer_is_told_with_the_command_that_fetches_the_file():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    with refused("Git LFS", "git lfs pull", by=ValueError):
        decode_picture(pointer)


@pytest.mark.parametrize("grey_is_fine", [False, True])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_off_is_refused(kind, grey_is_fine, monkeypatch):
    """Also where a library (lmms-eval) told Pillow to fill up what is missing."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", grey_is_fine)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = file_of(noise, kind, **FORMATS[kind])
    for share in (0.1, 0.5, 0.9):
        with refused("not a readable picture", by=ValueError):
            decode_picture(data[: int(share * len(data))])
    assert grey_is_fine == ImageFile.LOAD_TRUNCATED_IMAGES
    assert decode_picture(data).shape == (64, 64, 3)


def test_a_large_picture_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(_decode, "MAX_PIXELS", 6143)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("decoded"))
    for data in (encode_png(np.asarray(scene())), *(file_of(scene(), kind) for kind in FORMATS)):
        for read in (decode_picture, decoded_size, check_picture):
            with refused("96 x 64", "6,143", by=ValueError):
                read(data)


def test_pillow_opens_files_in_one_place_and_only_formats_that_are_named():
    opens = {}
    root = Path(__file__).parents[2]
    for path in (*(root / "idf").rglob("*.py"), *(root / "bench").rglob("*.py")):
        for call in re.findall(r"Image\.open\(.*", path.read_text()):
            opens.setdefault(path.name, []).append(call)
            assert "formats=" in call, f"{path}: {call}"
    assert set(opens) == {"_decode.py", "stock_trainer.py"}


# --- our own files -----------------------------------------------------------------------------------------------


def test_the_short_way_for_our_own_files_gives_what_pillow_gives():
    pixels = np.random.default_rng(1).integers(0, 256, (28, 56, 3), np.uint8)
    data = encode_png(pixels)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(plain_rows(data, 10**6).reshape(28, 56, 3), np.asarray(image))


def test_the_short_way_is_not_taken_for_any_other_file():
    data = encode_png(np.random.default_rng(1).integers(0, 256, (28, 56, 3), np.uint8))
    for at in range(len(data)):
        if plain_rows(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], 10**6) is not None:
            pytest.fail(f"a file whose byte {at} is another was taken for ours")
    assert plain_rows(data[:-1], 10**6) is None
    assert plain_rows(data + b"x", 10**6) is None
    assert plain_rows(data, 28 * 56 - 1) is None
    filtered = b"".join(b"\1" + bytes(3 * 8) for _ in range(8))
    for rows in (filtered, filtered[:-1], filtered + b"\0"):
        assert plain_rows(png_by_hand(8, 8, 8, 2, rows), 10**6) is None
