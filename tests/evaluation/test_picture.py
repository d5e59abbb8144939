"""Pictures as the model sees them: one resize, by us, the same for every backend."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from idf.backends import Sampling
from idf.drawing import _decode, draw, encode_png
from idf.errors import UserError
from idf.evaluation.run.picture import fitted_size, picture_of
from idf.evaluation.run.queries import Form, Keys
from idf.suites import Item
from tests.evaluation.samples import ITEMS
from tests.sentences import refused, says

ITEM = ITEMS[0]
MANY = 10**6


def stored(tmp_path: Path, image: Image.Image, name: str = "picture.png", kind: str = "PNG") -> Item:
    image.save(tmp_path / name, kind)
    return replace(ITEM, picture=tmp_path / name)


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(56 * 56, 2_000_000))
def test_sides_are_multiples_of_28_and_the_area_is_within_max_pixels(width, height, max_pixels):
    w, h = fitted_size(width, height, max_pixels)
    assert w % 28 == h % 28 == 0
    assert min(w, h) >= 56
    assert w * h <= max_pixels


@given(st.integers(300, 2000), st.floats(0.5, 2), st.integers(200_000, 2_000_000))
def test_the_shape_is_kept_to_within_two_steps_and_nothing_is_made_larger_than_by_half_a_step(
    width, aspect, max_pixels
):
    height = round(width * aspect)
    w, h = fitted_size(width, height, max_pixels)
    scale = min(1.0, (max_pixels / (width * height)) ** 0.5)
    assert abs(w - width * scale) <= 56
    assert abs(h - height * scale) <= 56
    assert w <= width + 14
    assert h <= height + 14


@pytest.mark.parametrize("size", [(56, 56), (560, 84), (1204, 1008)])
def test_a_size_that_fits_stays(size):
    assert fitted_size(*size, size[0] * size[1]) == size


def test_a_picture_that_fits_is_not_touched(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (84, 112, 3), np.uint8)
    item = stored(tmp_path, Image.fromarray(pixels))
    assert np.array_equal(picture_of(item, 84 * 112, redraw=False), pixels)


@pytest.mark.parametrize(("size", "max_pixels"), [((1276, 1185), 200_000), ((800, 750), MANY), ((30, 20), MANY)])
def test_a_picture_is_fitted(tmp_path, size, max_pixels):
    pixels = picture_of(stored(tmp_path, Image.new("RGB", size, (10, 20, 30))), max_pixels, redraw=False)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (*reversed(fitted_size(*size, max_pixels)), 3)
    assert np.all(pixels == (10, 20, 30))


def test_transparent_is_white_and_half_transparent_is_half_white(tmp_path):
    image = Image.new("RGBA", (56, 56), (200, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 28, 56))
    image.paste((0, 0, 0, 128), (28, 28, 56, 56))
    pixels = picture_of(stored(tmp_path, image), MANY, redraw=False)
    assert pixels[10, 40].tolist() == [255, 255, 255]
    assert pixels[10, 10].tolist() == [200, 0, 0]
    assert pixels[40, 40].tolist() == [127, 127, 127]


def test_a_png_named_jpg_is_read_by_its_content(tmp_path):
    item = stored(tmp_path, Image.new("RGBA", (56, 56), (1, 2, 3, 255)), "picture.jpg", "PNG")
    assert np.all(picture_of(item, MANY, redraw=False) == (1, 2, 3))


def test_without_a_file_or_on_demand_the_state_is_drawn(tmp_path):
    drawn = draw(ITEM.problem, 12_544)
    assert np.array_equal(picture_of(ITEM, 12_544, redraw=False), drawn)
    other = stored(tmp_path, Image.new("RGB", (56, 56)))
    assert np.array_equal(picture_of(other, 12_544, redraw=True), drawn)
    assert np.array_equal(picture_of(replace(ITEM, picture=tmp_path / "nowhere.png"), 12_544, redraw=True), drawn)


# --- what is wrong is named --------------------------------------------------------------------------------------


def said(item: Item) -> str:
    with refused(item.picture) as refusal:
        picture_of(item, MANY, redraw=False)
    return str(refusal.value)


def test_a_missing_picture_is_told_with_its_item_and_the_way_out(tmp_path):
    message = said(replace(ITEM, picture=tmp_path / "nowhere.png"))
    says(message, f"item {ITEM.id}", "missing", "--pictures drawn")


@pytest.mark.parametrize("data", [b"", b"not a picture", encode_png(np.zeros((56, 56, 3), np.uint8))[:60]])
def test_a_broken_picture_is_told_with_its_item(tmp_path, data):
    (tmp_path / "x.png").write_bytes(data)
    says(said(replace(ITEM, picture=tmp_path / "x.png")), f"item {ITEM.id}", "cannot be read")


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    item = stored(tmp_path, Image.new("RGB", (60, 60)))
    monkeypatch.setattr(_decode, "MAX_PIXELS", 3599)
    monkeypatch.setattr(Image.Image, "load", lambda *arguments: pytest.fail("decoded"))
    monkeypatch.setattr(Image.Image, "convert", lambda *arguments: pytest.fail("decoded"))
    says(said(item), "60 x 60", "3,599")


@pytest.mark.parametrize("at", ["the kind of the second chunk", "the length of the header"])
def test_a_png_with_a_broken_chunk_is_told_with_its_item(tmp_path, at):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "x.png")
    data = bytearray((tmp_path / "x.png").read_bytes())
    if at == "the length of the header":
        data[11] = 5
    else:
        second = data.index(b"IDAT", data.index(b"IDAT") + 4)
        data[second : second + 4] = b"\xdf\xeb\x07\xd0"
    (tmp_path / "x.png").write_bytes(data)
    said(replace(ITEM, picture=tmp_path / "x.png"))


def test_a_limit_that_no_picture_can_keep_is_refused(tmp_path):
    with pytest.raises(UserError):
        picture_of(stored(tmp_path, Image.new("RGB", (100, 100))), 1000, redraw=False)


def test_a_picture_with_16_bits_is_refused_not_turned_white(tmp_path):
    item = stored(tmp_path, Image.fromarray(np.full((56, 56), 40_000, np.uint16)))
    says(said(item), f"item {ITEM.id}", "16 bits", "8 bits")


def test_answers_to_a_turned_picture_are_asked_anew_and_no_others(tmp_path):
    """Their key once came from the file, whose pixels were shown as they lay."""
    keys = Keys("who", Sampling(max_new_tokens=8), Form("idf-long-1", MANY))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (56, 84, 3), np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 3
    for id, options in (("plain", {}), ("turned", {"exif": turned})):
        image.save(tmp_path / id, "PNG", **options)
        before = hashlib.sha256(f"{MANY}".encode() + (tmp_path / id).read_bytes()).hexdigest()
        assert (keys._picture(replace(ITEM, id=id, picture=tmp_path / id)) == before) == (id == "plain")
