"""Dataset folders: readable by others, whole or not there, and honest about damage."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet as pq
import pytest

import idf
from idf.data import DatasetFolder, Sample, open_dataset, text_of, write_dataset
from idf.data import _folder as folder_module
from idf.errors import UserError
from idf.worlds import WORLDS
from tests.data.samples import files_of, picture, plain
from tests.sentences import refused, says

FACTS = {"recipe": {"samples": 5}, "seed": 7}


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetFolder:
    return write_dataset(
        [plain(0), plain(1, pictures=0), plain(2, pictures=2), plain(3), plain(4)], tmp_path / "d", FACTS
    )


def test_what_is_written_is_read_back(dataset):
    samples = list(dataset.samples())
    assert len(samples) == len(dataset) == 5
    for number, (sample, pictures) in enumerate(zip(samples, (1, 0, 2, 1, 1), strict=True)):
        wanted = plain(number, pictures)
        assert (sample.id, sample.world, sample.difficulty, sample.kind, sample.meta, sample.images) == (
            *(wanted.id, wanted.world, wanted.difficulty, wanted.kind, wanted.meta, wanted.images),
        )
        assert [(m["role"], text_of(m)) for m in sample.messages] == [(m["role"], text_of(m)) for m in wanted.messages]


@pytest.mark.filterwarnings("ignore")
def test_plain_datasets_reads_it_with_decoded_pictures_and_the_columns_of_the_design(dataset, tmp_path):
    import datasets
    from PIL import Image

    rows = datasets.load_dataset(
        "parquet", data_files=[str(shard) for shard in dataset.shards], split="train", cache_dir=str(tmp_path / "cache")
    )
    assert rows.column_names == ["id", "world", "difficulty", "kind", "images", "messages", "meta"]
    assert len(rows) == 5
    for number, (row, pictures) in enumerate(zip(rows, (1, 0, 2, 1, 1), strict=True)):
        assert (row["id"], row["world"], row["kind"]) == (f"plain:{number}", "cube_rolling", "rollout")
        assert len(row["images"]) == pictures
        for image in row["images"]:
            assert isinstance(image, Image.Image)
            assert np.array_equal(np.asarray(image.convert("RGB")), picture(number))
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        kinds = [part["type"] for part in row["messages"][0]["content"]]
        assert kinds == [*(["image"] if pictures else []), "text"]
        assert row["messages"][0]["content"][-1]["text"] == f"question {number} \N{SNOWMAN}"
        assert row["messages"][1]["content"] == [{"type": "text", "text": f"Answer: {number}"}]
        assert json.loads(row["meta"]) == plain(number).meta


def test_dataset_json_says_recipe_seed_counts_hashes_and_versions(dataset):
    manifest = json.loads((dataset.path / "dataset.json").read_text(encoding="utf-8"))
    assert manifest == dataset.manifest
    assert (manifest["recipe"], manifest["seed"], manifest["samples"]) == (FACTS["recipe"], FACTS["seed"], 5)
    assert manifest["counts"] == {
        "cube_rolling": {"easy": {"rollout": 2}, "medium": {"rollout": 2}, "hard": {"rollout": 1}}
    }
    assert manifest["sha256"] == {shard.name: sha256(shard.read_bytes()).hexdigest() for shard in dataset.shards}
    assert manifest["versions"] == {
        "idf": idf.__version__,
        "worlds": {name: world.version for name, world in WORLDS.items()},
        "numpy": np.__version__,
        "aggdraw": metadata.version("aggdraw"),
        "zlib-ng": metadata.version("zlib-ng"),
        "pillow": metadata.version("pillow"),
        "pyarrow": pyarrow.__version__,
    }


def test_samples_are_counted_by_world_difficulty_and_kind(tmp_path):
    samples = [
        plain(0, pictures=0),
        plain(3, pictures=0, kind="step"),
        plain(6, pictures=0),
        plain(1, pictures=0, kind="goal", world="wood_slide"),
    ]
    assert write_dataset(samples, tmp_path / "d", {}).manifest["counts"] == {
        "cube_rolling": {"easy": {"rollout": 2, "step": 1}},
        "wood_slide": {"medium": {"goal": 1}},
    }


def test_many_samples_are_cut_into_shards_that_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "ROWS_PER_SHARD", 4)
    dataset = write_dataset((plain(i, pictures=0) for i in range(9)), tmp_path / "d", {})
    assert [shard.name for shard in dataset.shards] == [f"train-{i:05d}.parquet" for i in range(3)]
    assert [pq.read_metadata(shard).num_rows for shard in dataset.shards] == [4, 4, 1]
    assert [sample.id for sample in dataset.samples()] == [f"plain:{i}" for i in range(9)]
    # A last shard that is full is not followed by an empty one.
    assert len(write_dataset((plain(i, pictures=0) for i in range(8)), tmp_path / "e", {}).shards) == 2


def test_a_fact_that_is_known_only_at_the_end_stands_in_the_manifest(tmp_path):
    facts: dict[str, int] = {}

    def samples() -> Iterator[Sample]:
        yield plain(0)
        facts["late"] = 3

    assert write_dataset(samples(), tmp_path / "d", facts).manifest["late"] == 3


def test_the_fingerprint_is_of_the_content_alone(dataset, tmp_path):
    same = write_dataset(list(dataset.samples()), tmp_path / "other name", {"seed": 99})
    other = write_dataset([plain(0)], tmp_path / "e", FACTS)
    assert same.fingerprint() == dataset.fingerprint() != other.fingerprint()


# --- whole or not there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, UserError])
def test_an_interrupted_write_leaves_no_dataset_and_does_not_stand_in_the_way(tmp_path, monkeypatch, stop):
    monkeypatch.setattr(folder_module, "ROWS_PER_SHARD", 2)

    def samples() -> Iterator[Sample]:
        yield from (plain(i) for i in range(5))
        raise stop("enough")

    with pytest.raises(stop):
        write_dataset(samples(), tmp_path / "d", {})
    assert not (tmp_path / "d").exists()
    with refused("no dataset", tmp_path / "d", "`idf imagery`"):
        open_dataset(tmp_path / "d", made_by="idf imagery")
    assert len(write_dataset([plain(0)], tmp_path / "d", {})) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d"], "the next write clears what was left"


@pytest.mark.parametrize("at", ["train-00000.parquet", "dataset.json"])
def test_an_interruption_while_the_files_are_put_in_place_leaves_no_dataset(tmp_path, monkeypatch, at):
    replace = Path.replace

    def replace_or_fall(self: Path, target: Path) -> Path:
        if self.name == at:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_or_fall)
    with pytest.raises(KeyboardInterrupt):
        write_dataset([plain(0)], tmp_path / "d", {})
    assert not (tmp_path / "d" / "dataset.json").exists()
    with refused("no dataset", tmp_path / "d", "`idf imagery`"):
        open_dataset(tmp_path / "d", made_by="idf imagery")


def test_a_folder_that_holds_a_dataset_is_not_written_over(dataset):
    before = files_of(dataset.path)
    with refused(dataset.path, "already", "dataset", "another folder"):
        write_dataset([plain(9)], dataset.path, {})
    assert files_of(dataset.path) == before


def test_what_is_left_of_an_engine_is_not_thrown_away(tmp_path):
    part = tmp_path / "d.part"
    part.mkdir()
    (part / "plan.json").write_text("{}")
    with refused(part, "another run", "remove it", "another folder"):
        write_dataset([plain(0)], tmp_path / "d", {})
    assert [path.name for path in part.iterdir()] == ["plan.json"]


def test_a_folder_of_somebody_else_is_not_thrown_away_either(tmp_path):
    (tmp_path / "d.part").mkdir()
    (tmp_path / "d.part" / "notes.txt").write_text("mine")
    with refused(tmp_path / "d.part", "another run", "remove it", "another folder"):
        write_dataset([plain(0)], tmp_path / "d", {})
    assert (tmp_path / "d.part" / "notes.txt").read_text() == "mine"


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(samples: list[Sample], path: Path) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "write_shard", full)
        with refused("disk is full", tmp_path / "d.part", "not be written"):
            write_dataset([plain(0)], tmp_path / "d", {})
    assert not (tmp_path / "d").exists()
    assert len(write_dataset([plain(0)], tmp_path / "d", {})) == 1


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "d").write_text("")
    with refused(tmp_path / "d", "file", "folder"):
        write_dataset([plain(0)], tmp_path / "d", {})


def test_nothing_is_no_dataset(tmp_path):
    with refused(tmp_path / "d", "no sample"):
        write_dataset([], tmp_path / "d", {})
    assert not list(tmp_path.iterdir())


def test_the_present_folder_can_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert len(write_dataset([plain(0)], Path("."), {})) == 1


# --- damage ------------------------------------------------------------------------------------------------------


def said(folder: Path) -> str:
    """The one sentence about a folder that is not as it was written."""
    with refused("make") as refusal:  # each of them says what to do
        open_dataset(folder, made_by="idf imagery --out there")
    return str(refusal.value)


def test_a_missing_dataset_names_the_command_that_makes_it(tmp_path):
    says(said(tmp_path / "d"), "no dataset", tmp_path / "d", "`idf imagery --out there`")


def test_a_shard_with_one_changed_byte_is_corrupt(dataset):
    shard = dataset.shards[0]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    says(said(dataset.path), shard, "corrupt")


def test_a_shard_that_was_cut_off_is_corrupt(dataset):
    dataset.shards[0].write_bytes(dataset.shards[0].read_bytes()[:-10])
    says(said(dataset.path), dataset.shards[0], "corrupt")


def test_a_missing_shard_is_named_with_the_command_that_makes_it(dataset):
    dataset.shards[0].unlink()
    says(said(dataset.path), dataset.shards[0], "missing", "`idf imagery --out there`")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"sha256": {}}', '{"sha256": {}, "samples": "many"}'])
def test_a_broken_manifest_is_named(dataset, text):
    (dataset.path / "dataset.json").write_text(text)
    says(said(dataset.path), dataset.path / "dataset.json", "broken", "`idf imagery --out there`")


def test_a_manifest_cannot_point_out_of_its_folder(dataset, tmp_path):
    outside = tmp_path / "outside.parquet"
    outside.write_bytes(dataset.shards[0].read_bytes())
    manifest = dataset.manifest | {"sha256": {"../outside.parquet": sha256(outside.read_bytes()).hexdigest()}}
    (dataset.path / "dataset.json").write_text(json.dumps(manifest))
    says(said(dataset.path), dataset.path / "outside.parquet", "missing")
