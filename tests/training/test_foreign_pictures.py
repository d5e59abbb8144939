"""Training on shards by PyArrow with pictures by Pillow: the same pixels as in evaluation, and damage found before step 1."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from idf.data import open_dataset
from idf.evaluation.run.picture import picture_of
from idf.training import encode
from idf.training.collate import Collator
from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, tokens_folder
from idf.training.encode import Encoder
from tests.data.foreign import picture_file, row, write_folder
from tests.evaluation.samples import ITEMS
from tests.sentences import refused

from .conftest import pictures_of

MAX_PIXELS = 112 * 112


def scene(mode: str = "RGB") -> Image.Image:
    """Noise, 84 wide and 56 high; with transparency if the mode has it."""
    noise = np.random.default_rng(0).integers(0, 256, (56, 84, 4), np.uint8)
    return Image.fromarray(noise, "RGBA" if mode == "RGBA" else None).convert(mode)


def files() -> dict[str, bytes]:
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "PNG": picture_file(scene()),
        "PNG, transparent": picture_file(scene("RGBA")),
        "PNG, grey and transparent": picture_file(scene("LA")),
        "PNG, turned": picture_file(scene(), exif=turned),
        "JPEG": picture_file(scene(), "JPEG"),
        "JPEG, turned": picture_file(scene(), "JPEG", exif=turned),
        "WebP, transparent and turned": picture_file(scene("RGBA"), "WEBP", lossless=True, exif=turned),
        "BMP": picture_file(scene(), "BMP"),
        "GIF": picture_file(scene(), "GIF"),
    }


def encoder_of(tiny) -> Encoder:
    return Encoder(tiny.processor, max_length=768, max_pixels=MAX_PIXELS)


def test_training_and_evaluation_see_the_same_pixels(tiny, tmp_path):
    given = files()
    folder = write_folder(tmp_path / "d", [row(number, file) for number, file in enumerate(given.values())])
    data, encoder = open_dataset(folder, made_by="-"), encoder_of(tiny)
    prepare_tokens(data, encoder, tmp_path, show=False)
    rows = PackedRows(data, TokenStore(tokens_folder(data, encoder, tmp_path)), 768, 1, seed=0)
    assert len(rows.table) == len(given)
    collate = Collator(tiny.processor.image_processor, encoder.image_token_id, tiny.processor.tokenizer.pad_token_id)
    for number, (name, file) in enumerate(given.items()):
        (tmp_path / "picture").write_bytes(file)
        seen = picture_of(replace(ITEMS[0], picture=tmp_path / "picture"), MAX_PIXELS, redraw=False)
        assert seen.shape == ((84, 56, 3) if "turned" in name else (56, 84, 3)), name
        batch = collate([[(rows.tokens[number], [rows.table[number]["images"][0]["bytes"]])]])
        asked = tiny.processor.image_processor(images=[seen], do_resize=False, return_tensors="pt")
        for part, seen_in_training in pictures_of(batch).items():
            assert torch.equal(seen_in_training, asked[part]), (name, part)


def broken_files() -> dict[str, bytes]:
    """Files whose header is sound."""
    cut = {f"{name}, cut off": file[: len(file) - 40] for name, file in files().items()}
    return cut | {
        "16 bits": picture_file(Image.fromarray(np.full((56, 56), 40_000, np.uint16))),
        "CMYK": picture_file(scene("CMYK"), "JPEG"),
        "TIFF": picture_file(scene(), "TIFF"),
        "frame": picture_file(scene(), "GIF", save_all=True, append_images=[Image.new("RGB", (84, 56))]),
    }


@pytest.mark.parametrize("kind", broken_files())
def test_a_picture_that_cannot_be_decoded_is_found_when_samples_are_encoded_and_asked(tiny, tmp_path, kind):
    file, good = broken_files()[kind], files()["PNG"]
    word = "not a readable picture" if "cut off" in kind else kind
    data = open_dataset(write_folder(tmp_path / "d", [row(0, good), row(1, good, file), row(2)]), made_by="-")
    with refused("1 of 3 samples", "sample row:1", word):
        prepare_tokens(data, encoder_of(tiny), tmp_path, show=False)
    assert not list(tmp_path.glob("tokens-*"))
    (tmp_path / "picture").write_bytes(file)
    item = replace(ITEMS[0], picture=tmp_path / "picture")
    with refused(item.picture, item.id, word):
        picture_of(item, MAX_PIXELS, redraw=False)


def test_pictures_are_decoded_once_for_a_run_not_at_each_start(tiny, tmp_path, monkeypatch):
    data = open_dataset(write_folder(tmp_path / "d", [row(0, files()["JPEG"])]), made_by="-")
    prepare_tokens(data, encoder_of(tiny), tmp_path, show=False)
    monkeypatch.setattr(encode, "check_picture", lambda _: pytest.fail("decoded again"))
    prepare_tokens(data, encoder_of(tiny), tmp_path, show=False)


def test_a_picture_above_max_pixels_is_refused_by_its_header(tiny, tmp_path, monkeypatch):
    file = picture_file(Image.new("RGB", (140, 112)), "WEBP")
    data = open_dataset(write_folder(tmp_path / "d", [row(0, file)]), made_by="-")
    monkeypatch.setattr(encode, "check_picture", lambda _: pytest.fail("decoded"))
    with refused("sample row:0", "140 x 112", f"max_pixels ({MAX_PIXELS})"):
        prepare_tokens(data, encoder_of(tiny), tmp_path, show=False)


def test_what_datasets_cannot_read_is_told_with_its_folder(tiny, tmp_path, monkeypatch):
    """`datasets` reads whole row groups: its error of too many bytes is raised here without the bytes."""
    data, encoder = open_dataset(write_folder(tmp_path / "d", [row(0)]), made_by="-"), encoder_of(tiny)
    prepare_tokens(data, encoder, tmp_path, show=False)
    tokens = TokenStore(tokens_folder(data, encoder, tmp_path))

    def fails(*_: object, **__: object) -> None:
        raise pa.ArrowNotImplementedError("Nested data conversions not implemented for chunked array outputs")

    monkeypatch.setattr(import_module("datasets.packaged_modules.parquet.parquet").Parquet, "_generate_tables", fails)
    with refused(data.path, "Nested data conversions", "2 GiB", "row group"):
        PackedRows(data, tokens, 768, 1, seed=0)
