from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from idf.drawing import check_picture, decode_png, encode_indexed_png, encode_png, own_pixels
from tests.sentences import refused


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (56, 84), (301, 17)])
@pytest.mark.parametrize("colours", [1, 2, 129, 256])
def test_an_indexed_picture_shows_the_colours_of_its_palette(shape: tuple[int, int], colours: int) -> None:
    rng = np.random.default_rng(colours)
    palette, numbers = rng.integers(0, 256, (colours, 3), np.uint8), rng.integers(0, colours, shape, np.uint8)
    file = encode_indexed_png(numbers, palette.tobytes())
    with Image.open(io.BytesIO(file)) as shown:
        assert shown.mode == "P"
        assert np.array_equal(np.array(shown.convert("RGB")), palette[numbers])


def test_an_indexed_picture_whose_palette_lacks_a_colour_is_refused() -> None:
    numbers = np.full((2, 2), 3, np.uint8)
    for palette in (b"", bytes(3 * 3), bytes(13), bytes(3 * 257)):
        with refused("palette", str(len(palette)), "4 colours", by=ValueError):
            encode_indexed_png(numbers, palette)
    with refused("(height, width)", by=ValueError):
        encode_indexed_png(np.zeros((2, 2, 3), np.uint8), bytes(12))


def test_only_files_of_our_own_form_and_of_few_pixels_are_our_own() -> None:
    pixels = noise(20, 30)
    file = encode_png(pixels)
    found = own_pixels(file, 600)
    assert found is not None
    assert np.array_equal(found, pixels)
    assert own_pixels(file, 599) is None
    assert own_pixels(file_of(Image.fromarray(pixels)), 600) is None
    assert own_pixels(file[:-30] + file[-29:], 600) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (56, 84), (301, 17)])
def test_what_is_encoded_is_decoded_again(shape: tuple[int, int]) -> None:
    pixels = noise(*shape)
    assert np.array_equal(decode_png(encode_png(pixels)), pixels)


def test_a_view_that_is_not_contiguous_is_encoded_as_it_looks() -> None:
    pixels = noise(40, 60)[::2, ::-3]
    assert np.array_equal(decode_png(encode_png(pixels)), pixels)


def test_the_file_is_a_sound_png_for_other_readers_too() -> None:
    data, at, kinds = encode_png(noise(30, 20)), 8, []
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + content)
        kinds.append(kind)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


PRINT_HASHES = """
import hashlib
import numpy as np
from idf.drawing import encode_png
pixels = np.full((868, 1344, 3), 248, dtype=np.uint8)
pixels[100:700, 200:900] = np.arange(700, dtype=np.uint8)[:, None]
for _ in range(5):
    print(hashlib.sha256(encode_png(pixels)).hexdigest())
    np.random.default_rng().integers(0, 256, pixels.size + 868, dtype=np.uint8)  # dirt where the next rows will lie
"""


def test_the_same_pixels_give_the_same_bytes_from_dirty_memory_and_in_another_process() -> None:
    hashes = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", PRINT_HASHES], capture_output=True, text=True, check=True)
        hashes += done.stdout.split()
    assert len(hashes) == 10
    assert len(set(hashes)) == 1


def test_a_flat_drawing_is_not_larger_than_what_pillow_writes() -> None:
    pixels = np.full((560, 560, 3), 255, dtype=np.uint8)
    pixels[40:400, 30:90] = (188, 152, 126)
    assert len(encode_png(pixels)) < 20_000


@pytest.mark.parametrize(("shape", "kind"), [((4, 4), "u1"), ((4, 4, 4), "u1"), ((4, 4, 3), "f8"), ((0, 4, 3), "u1")])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...], kind: str) -> None:
    with pytest.raises(ValueError, match="a picture is"):
        encode_png(np.zeros(shape, kind))


def test_transparent_pixels_become_white() -> None:
    image = Image.new("RGBA", (3, 1), (200, 0, 0, 0))
    image.putpixel((1, 0), (200, 0, 0, 255))
    image.putpixel((2, 0), (0, 0, 0, 128))
    assert decode_png(file_of(image)).tolist() == [[[255] * 3, [200, 0, 0], [127] * 3]]


def test_palette_grey_and_transparent_palette_pictures_are_read_as_colours() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    assert decode_png(file_of(palette)).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert decode_png(file_of(palette, transparency=1)).tolist() == [[[10, 20, 30], [255, 255, 255]]]
    assert decode_png(file_of(Image.new("L", (1, 1), 77))).tolist() == [[[77, 77, 77]]]


def test_a_jpeg_is_read_too() -> None:
    pixels = decode_png(file_of(Image.new("RGB", (8, 8), (10, 200, 30)), "JPEG"))
    assert np.abs(pixels.astype(int) - (10, 200, 30)).max() < 8


def test_a_picture_with_too_many_pixels_is_refused() -> None:
    data = encode_png(noise(10, 11))
    assert decode_png(data, max_pixels=110).shape == (10, 11, 3)
    with refused("11 x 10", 109, "pixels", by=ValueError):
        decode_png(data, max_pixels=109)


@pytest.mark.parametrize("size", [(9_000, 9_000), (60_000, 60_000)])
def test_a_header_that_claims_a_huge_picture_is_refused_without_decoding(size: tuple[int, int]) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    empty = b"IDAT" + zlib.compress(b"")
    data += struct.pack(">I", len(empty) - 4) + empty + struct.pack(">I", zlib.crc32(empty))
    with pytest.raises(ValueError, match=r"pixels|too large"):
        decode_png(data)


def test_broken_bytes_and_deep_colours_are_refused_with_a_sentence() -> None:
    data = encode_png(noise(64, 64))
    for broken in (b"", b"not a picture", data[:20], data[: len(data) // 2]):
        with refused("not a readable picture", by=ValueError):
            decode_png(broken)
    with refused("16 bits", "8 bits", by=ValueError):
        decode_png(file_of(Image.fromarray(np.full((2, 2), 40_000, np.uint16))))


def test_what_we_wrote_is_checked_without_inflating_it_and_damage_is_found(monkeypatch) -> None:
    data = encode_png(np.random.default_rng(0).integers(0, 9, (28, 56, 3), np.uint8))
    files = [data[:-1], data[: len(data) // 2], data[:-16] + data[-12:]]
    files += [data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :] for place in range(0, len(data), 7)]
    assert sum(sentence(check_picture, file) is not None for file in files) > len(files) // 2
    for file in files:  # Pillow, which is asked next, passes over a wrong checksum if the pixels are right
        assert sentence(check_picture, file) == sentence(decode_png, file)
    monkeypatch.setattr("idf.drawing._decode.decode_picture", lambda *_, **__: pytest.fail("decoded"))
    check_picture(data)


def sentence(read, file: bytes) -> str | None:
    """What a reader says of a file that it refuses."""
    try:
        read(file)
    except ValueError as error:
        return str(error)
    return None
