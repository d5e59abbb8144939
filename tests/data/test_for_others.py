"""A dataset folder in the hands of others: the Hub's card, `datasets`, and TRL."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from idf.data import DatasetFolder, Slot, build_dataset, choose_rows, text_of, write_dataset
from idf.data._engine import LocalEngine
from idf.drawing import decode_png
from idf.imagery import build_imagery
from idf.suites import published
from idf.training.encode import Encoder
from idf.training.load import load_processor
from tests.data.samples import MIXED, Numbered, plain
from tests.sentences import line_that_says


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return build_imagery(MIXED, tmp_path_factory.mktemp("others") / "d")


@pytest.fixture(scope="module")
def rows(folder: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The folder as `datasets` loads it, by the card's configuration."""
    import datasets

    cache = tmp_path_factory.mktemp("cache")
    return datasets.load_dataset(str(folder.path), split="train", cache_dir=str(cache))


def card_of(folder: DatasetFolder) -> tuple[dict[str, Any], str]:
    """The header and the text of a card."""
    _, header, text = (folder.path / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(header), text


def table(text: str, title: str) -> list[dict[str, str]]:
    """The rows of the table below a heading."""
    section = text.split(f"## {title}\n")[1].split("\n## ")[0]
    header, _, *rest = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    )
    return [dict(zip(header, cells, strict=True)) for cells in rest]


# --- the card ----------------------------------------------------------------------------------------------------


def test_the_header_of_the_card_says_what_the_hub_reads(folder):
    header, text = card_of(folder)
    assert header["license"] == "apache-2.0"
    assert header["language"] == ["en"]
    assert header["size_categories"] == ["n<1K"]
    assert header["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "train-*.parquet"}]}
    ]
    assert {"visual-question-answering", "image-text-to-text"} == set(header["task_categories"])
    assert "# IDF imagery: 60 samples" in text


@pytest.mark.parametrize(
    ("samples", "size"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (20_000, "10K<n<100K"), (999_999, "100K<n<1M"), (10_000_000, "1M<n<10M")],
)
def test_the_size_in_the_header_is_the_one_of_the_dataset(folder, samples, size):
    from idf.data._card import card

    header = yaml.safe_load(card(folder.manifest | {"samples": samples}).split("---\n")[1])
    assert header["size_categories"] == [size]


def test_the_card_counts_every_sample_in_its_place(folder):
    found = Counter((s.world, s.difficulty, s.kind) for s in folder.samples())
    shown = {
        (row["world"], row["difficulty"], kind): int(n)
        for row in table(card_of(folder)[1], "What it holds")
        for kind, n in row.items()
        if kind not in ("world", "difficulty")
    }
    assert {place: n for place, n in shown.items() if n} == found
    assert sum(shown.values()) == 60


def test_the_card_tells_the_overlap_of_each_world_and_what_it_was_compared_with(folder):
    text = card_of(folder)[1]
    for row in table(text, "Overlap with the published benchmark"):
        said = folder.manifest["choice"][row["world"]]
        assert row == {
            "world": row["world"],
            **{level: str(said.get(f"overlap_{level}", 0)) for level in ("exact", "canonical", "skeleton")},
            "put back": str(said["published_avoided"]),
        }
    for name, items in published().files.items():
        assert f"{name} ({items})" in text


def test_the_card_shows_the_shortcuts_of_the_manifest(folder):
    shown = {(row["world"], row["kind"]): row for row in table(card_of(folder)[1], "Shortcuts")}
    measured = folder.manifest["shortcuts"]
    assert set(shown) == {(world, kind) for world, kinds in measured.items() for kind in kinds}
    for (world, kind), row in shown.items():
        for name, share in measured[world][kind].items():
            assert row[name] == (str(share) if name == "n" else "-" if share is None else f"{100 * share:.1f}%")


def test_the_card_holds_the_whole_recipe(folder):
    recipe = card_of(folder)[1].split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(recipe) == folder.manifest["recipe"]


def test_a_folder_that_measured_nothing_says_so_in_its_card(tmp_path):
    text = card_of(write_dataset([plain(0)], tmp_path / "d", {}))[1]
    line_that_says(text, "not measured", "made from")
    line_that_says(text, "not measured", "no answers")


def test_the_shards_of_a_big_dataset_are_all_in_the_configuration(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr("idf.data._build.ROWS_PER_SHARD", 3)
    slots = [Slot("cube_rolling", "easy", "rollout")] * 8
    made = build_dataset(choose_rows(slots, Numbered(), LocalEngine()), Numbered(), tmp_path / "d", {}, LocalEngine())
    assert len(made.shards) == 3
    rows = datasets.load_dataset(str(made.path), split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["id"] for row in rows] == [sample.id for sample in made.samples()]


# --- datasets ----------------------------------------------------------------------------------------------------


def test_datasets_loads_the_folder_by_its_name_with_decoded_pictures(folder, rows):
    assert rows.column_names == ["id", "world", "difficulty", "kind", "images", "messages", "meta"]
    assert len(rows) == 60
    formats = Counter()
    for row, sample in zip(rows, folder.samples(), strict=True):
        assert (row["id"], json.loads(row["meta"])) == (sample.id, sample.meta)
        assert row["messages"] == sample.messages
        assert len(row["images"]) == len(sample.images) == (sample.meta["mode"] != "tqa")
        for image, file in zip(row["images"], sample.images, strict=True):
            assert isinstance(image, Image.Image)
            assert np.array_equal(np.asarray(image.convert("RGB")), decode_png(file))
            formats[Image.open(io.BytesIO(file)).format] += 1
    assert formats["PNG"] > 30


# --- TRL ---------------------------------------------------------------------------------------------------------


SETTINGS = {"max_length": None, "assistant_only_loss": True}
"""What docs/data.md says of TRL's SFTConfig."""


@pytest.fixture(scope="module")
def model(folder: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from idf.training.tiny import make_tiny_model

    out = tmp_path_factory.mktemp("others") / "tiny"
    make_tiny_model([folder], out)
    return out


def test_every_row_is_conversational_to_trl_and_its_pictures_find_their_places(rows):
    from trl.data_utils import is_conversational, prepare_multimodal_messages

    for row in rows:
        assert is_conversational(row)
        prepared = prepare_multimodal_messages(row["messages"], images=row["images"])
        shown = [part["image"] for message in prepared for part in message["content"] if part["type"] == "image"]
        assert shown == row["images"]
        assert [text_of(message) for message in prepared] == [text_of(message) for message in row["messages"]]


def test_the_collator_of_trl_makes_batches_of_it_with_all_of_each_conversation(rows, model):
    from transformers import AutoProcessor
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    processor = AutoProcessor.from_pretrained(model)
    collate = DataCollatorForVisionLanguageModeling(processor)
    with_picture = [row for row in rows if row["images"]][:6]
    without = [row for row in rows if not row["images"]][:2]
    batch = collate([*with_picture, *without])
    pad = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert (batch["input_ids"] == pad).sum() == batch["image_grid_thw"].prod(dim=1).sum() // 4
    assert len(batch["image_grid_thw"]) == 6
    assert batch["pixel_values"].shape[0] == batch["image_grid_thw"].prod(dim=1).sum()
    for ids, row in zip(batch["input_ids"], [*with_picture, *without], strict=True):
        told = processor.tokenizer.decode(ids)
        assert all(text_of(message) in told for message in row["messages"])


@pytest.fixture(scope="module")
def trainer_of(rows: Any, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """TRL's trainer of the dataset as it is loaded, by other settings than its defaults."""
    from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration
    from trl import SFTConfig, SFTTrainer

    def make(**settings: Any) -> Any:
        config = SFTConfig(
            output_dir=str(tmp_path_factory.mktemp("trl")),
            max_steps=2,
            per_device_train_batch_size=2,
            report_to=[],
            use_cpu=True,
            bf16=False,
            logging_steps=1,
            save_strategy="no",
            **settings,
        )
        return SFTTrainer(
            model=Qwen2_5_VLForConditionalGeneration.from_pretrained(model),
            args=config,
            train_dataset=rows,
            processing_class=AutoProcessor.from_pretrained(model),
        )

    return make


def test_the_page_names_the_settings_of_trl_that_are_tested_here():
    page = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    assert f"SFTConfig({', '.join(f'{key}={value}' for key, value in SETTINGS.items())})" in page


def test_by_its_defaults_trl_learns_prompts_and_placeholders_and_cuts(trainer_of, rows, folder, model):
    trainer = trainer_of()
    assert trainer.args.max_length == 1024
    encode = Encoder(load_processor(str(model)), max_length=10**6, max_pixels=10**9)
    row, sample = next((row, sample) for row, sample in zip(rows, folder.samples(), strict=True) if row["images"])
    labels = trainer.data_collator([row])["labels"][0]
    assert (labels == encode.image_token_id).any()
    assert labels.tolist() == encode(sample).ids.tolist()


def test_by_our_settings_the_labels_of_trl_are_those_of_stage_2_and_the_line_break_after_an_answer(
    trainer_of, rows, folder, model
):
    trainer = trainer_of(**SETTINGS)
    encode = Encoder(load_processor(str(model)), max_length=10**6, max_pixels=10**9)
    (line_break,) = trainer.processing_class.tokenizer.encode("\n")
    for row, sample in zip(rows, folder.samples(), strict=True):
        batch, ours = trainer.data_collator([row]), encode(sample)
        assert batch["input_ids"][0].tolist() == ours.ids.tolist()
        *labels, last = batch["labels"][0].tolist()
        assert labels == ours.labels.tolist()[:-1]
        assert last == ours.ids[-1] == line_break
        assert encode.image_token_id not in labels


@pytest.mark.slow
def test_trl_trains_on_it_as_it_is_loaded(trainer_of):
    import torch

    torch.manual_seed(0)
    trainer = trainer_of(**SETTINGS)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)
