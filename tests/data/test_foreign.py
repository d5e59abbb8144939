"""What others have where a dataset folder of ours is expected: read if it is in our form, else named with what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from idf.cli.main import main
from idf.data import Sample, open_dataset, write_dataset
from idf.data import _folder as folder_module
from idf.data import _foreign as foreign_module
from idf.data._folder import write_shard as write_our_shard
from idf.errors import UserError
from tests.data.foreign import picture_file, row, write_folder, write_shard
from tests.data.samples import plain
from tests.sentences import refused, says

PICTURE = picture_file(Image.new("RGB", (56, 56), (1, 2, 3)))
SHAREGPT = {
    "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "red"}],
    "image": "a.png",
}
CHAT = {
    "messages": [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": "red"}],
    "images": ["a.png"],
}


def said(path: Path) -> str:
    with pytest.raises(UserError) as refusal:
        open_dataset(path, made_by="idf imagery --out there")
    message = str(refusal.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# --- other things ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "kind"), [(SHAREGPT, "ShareGPT"), (CHAT, "messages"), ({"a": 1, "b": 2}, "a, b")])
@pytest.mark.parametrize("form", ["a JSON list", "JSON lines", "its folder", "parquet", "a folder of parquet"])
def test_chats_of_others_are_told_by_their_form_with_what_writes_ours(tmp_path, rows, kind, form):
    path = tmp_path / "theirs"
    if form == "a JSON list":
        path = tmp_path / "theirs.json"
        path.write_text(json.dumps([rows] * 3, indent=1))
    elif form == "JSON lines":
        path = tmp_path / "theirs.jsonl"
        path.write_text("\n".join([json.dumps(rows)] * 3))
    elif form == "its folder":
        path.mkdir()
        (path / "train.json").write_text(json.dumps([rows] * 10_000))
    elif form == "parquet":
        path = write_shard(tmp_path / "theirs.parquet", [rows] * 3)
    else:
        write_shard(path / "data" / "train-00000-of-00001.parquet", [rows] * 3)
    says(said(path), kind, "idf.data.write_dataset", "docs/data.md")


def test_other_folders_are_told_by_what_lies_in_them(tmp_path):
    for name, word in (
        ("suite.json", "suite"),
        ("results.json", "evaluation"),
        ("config.json", "model"),
        ("adapter_config.json", "adapters"),
        ("dataset_info.json", "dataset_info.json"),
        ("state.json", "save_to_disk"),
    ):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text("{}")
        says(said(folder), "no dataset", word, "`idf imagery`" if word in ("suite", "model") else folder)
    (tmp_path / "run/checkpoint-100").mkdir(parents=True)
    says(said(tmp_path / "run"), "no dataset", "checkpoints", "`idf imagery`")


def test_a_file_of_a_dataset_and_the_folder_above_one_are_told_with_the_folder(tmp_path):
    folder = write_folder(tmp_path / "above" / "one", [row(0, PICTURE)])
    for path in (folder / "dataset.json", folder / "train-00000.parquet", folder.parent):
        says(said(path), folder)


def test_shards_without_their_dataset_json_are_known_as_ours(tmp_path):
    write_shard(tmp_path / "d" / "train-00000.parquet", [row(0, PICTURE)])
    says(said(tmp_path / "d"), "parquet", "in our form", "dataset.json", "`idf imagery`")


@pytest.mark.parametrize("command", ["stats", "filter", "mix"])
def test_every_command_that_takes_a_dataset_says_so(tmp_path, capsys, command):
    (tmp_path / "theirs.json").write_text(json.dumps([SHAREGPT]))
    out = [] if command == "stats" else ["--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="1"):
        main([command, str(tmp_path / "theirs.json"), *out])
    says(capsys.readouterr().err, tmp_path / "theirs.json", "ShareGPT", "idf.data.write_dataset")


# --- shards ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([SHAREGPT], ("conversations, image", "ShareGPT", "id, world, difficulty")),
        ([row(0, PICTURE, messages=CHAT["messages"])], ("'messages'", "content: text", "content: a list of")),
        ([row(0, images=["a.png"])], ("'images'", "a list of text", "bytes: bytes, path: text")),
        ([row(0, images=[PICTURE])], ("'images'", "a list of bytes", "bytes: bytes, path: text")),
        ([row(0, PICTURE, meta={"key": "x"})], ("'meta'", "key: text")),
    ],
)
def test_a_dataset_whose_shards_have_other_columns_is_refused_when_it_is_opened(tmp_path, rows, words):
    folder = write_folder(tmp_path / "d", rows)
    says(said(folder), folder / "train-00000.parquet", *words, "idf.data.write_dataset")


def test_a_picture_that_is_a_path_is_refused_with_its_sample(tmp_path):
    rows = [row(0, PICTURE), row(1, PICTURE, images=[{"bytes": None, "path": "a.png"}])]
    folder = open_dataset(write_folder(tmp_path / "d", rows), made_by="-")
    with refused("sample row:1", "path a.png", "bytes"):
        list(folder.samples())


def test_shards_of_other_libraries_are_read_whatever_their_offsets_and_further_columns(tmp_path):
    """pandas leaves the empty `path` without a type and knows categories, polars has 64-bit offsets, all have more columns."""
    rows = [row(number, PICTURE, source="theirs") for number in range(3)]
    plain_table = pa.Table.from_pylist(rows)
    large = pa.large_string()
    part = pa.struct([("type", large), ("text", large)])
    wide = plain_table.cast(
        pa.schema(
            [
                *((name, large) for name in ("id", "world", "difficulty", "kind")),
                ("images", pa.large_list(pa.struct([("bytes", pa.large_binary()), ("path", large)]))),
                ("messages", pa.large_list(pa.struct([("role", large), ("content", pa.large_list(part))]))),
                ("meta", large),
                ("source", large),
            ]
        )
    )
    categories = plain_table.set_column(1, "world", plain_table["world"].dictionary_encode())
    for name, table in (("plain", plain_table), ("wide", wide), ("categories", categories)):
        found = list(open_dataset(write_folder(tmp_path / name, table), made_by="-").samples())
        assert [sample.id for sample in found] == ["row:0", "row:1", "row:2"]
        assert found[2].images == [PICTURE]
        assert found[2].messages == rows[2]["messages"]


def test_a_broken_shard_is_told(tmp_path):
    folder = write_folder(tmp_path / "d", [row(0, PICTURE)])
    shard = folder / "train-00000.parquet"
    digest = json.loads((folder / "dataset.json").read_text())["sha256"][shard.name]
    shard.write_bytes(b"no parquet")
    text = (folder / "dataset.json").read_text()
    (folder / "dataset.json").write_text(text.replace(digest, sha256(b"no parquet").hexdigest()))
    says(said(folder), shard, "parquet")


# --- more than 2 GiB ---------------------------------------------------------------------------------------------


def test_a_row_group_that_is_too_large_is_refused_when_it_is_opened(tmp_path, monkeypatch):
    """The limit lowered: 60 rows of 10 kB in one row group; in groups of 10 the same rows are read."""
    pictures = [picture_file(Image.effect_noise((100, 100), 80), "BMP") for _ in range(60)]
    rows = [row(number, picture) for number, picture in enumerate(pictures)]
    monkeypatch.setattr(foreign_module, "MOST_BYTES", 200_000)
    folder = write_folder(tmp_path / "one", rows)
    says(said(folder), folder / "train-00000.parquet", "row group", "60 rows", "2 GiB", "row_group_size")
    many = open_dataset(write_folder(tmp_path / "many", rows, row_group_size=10), made_by="-")
    assert [sample.images[0] for sample in many.samples()] == pictures


def test_what_is_read_at_once_never_reaches_over_row_groups(tmp_path, monkeypatch):
    """PyArrow's batches do: together, row groups that can be read may hold more than 2 GiB."""
    data = open_dataset(
        write_folder(tmp_path / "d", [row(at, PICTURE) for at in range(45)], row_group_size=10), made_by="-"
    )
    monkeypatch.setattr(folder_module, "_ROWS_AT_ONCE", 1000)
    sizes = []
    read = pq.ParquetFile.iter_batches

    def counted(*arguments: object, **options: object) -> Iterator[pa.RecordBatch]:
        for batch in read(*arguments, **options):
            sizes.append(len(batch))
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    assert [sample.id for sample in data.samples()] == [f"row:{at}" for at in range(45)]
    assert sizes == [10, 10, 10, 10, 5]


@pytest.mark.parametrize("error", [pa.ArrowNotImplementedError, pa.ArrowCapacityError, pa.ArrowInvalid])
def test_what_arrow_says_of_a_shard_becomes_a_sentence_that_names_it(tmp_path, monkeypatch, error):
    folder = open_dataset(write_folder(tmp_path / "d", [row(0, PICTURE)]), made_by="-")

    def fails(*_: object, **__: object) -> None:
        raise error("offset overflow while concatenating arrays")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fails)
    with refused(folder.shards[0], "offset overflow", "2 GiB", "row_group_size"):
        list(folder.samples())


def test_ours_are_written_in_row_groups_that_can_be_read(tmp_path, monkeypatch):
    """Mixing or filtering large pictures of others: a row group ends before its pictures pass the limit."""
    monkeypatch.setattr(folder_module, "BYTES_PER_GROUP", 25_000)
    samples = [plain(number, images=[bytes([number]) * 10_000]) for number in range(5)]
    samples[2] = plain(2, images=[bytes(30_000)])
    write_our_shard(samples, tmp_path / "x.parquet")
    with pq.ParquetFile(tmp_path / "x.parquet") as file:
        groups = [file.read_row_group(at, columns=["id"]).num_rows for at in range(file.num_row_groups)]
        assert groups == [2, 1, 2]


@pytest.mark.full
def test_more_than_2_gib_of_pictures_are_read_in_row_groups_and_refused_in_one(tmp_path):
    """205 pictures of 10.5 MB; some 5 GiB of memory, less than a minute."""
    noise = np.random.default_rng(0).bytes(10_500_000)
    halves = [
        pa.Table.from_pylist([row(at, noise[at:] + noise[:at]) for at in range(begin, end)])
        for begin, end in ((0, 100), (100, 205))
    ]
    table = pa.concat_tables(halves)
    options = {"compression": "none", "use_dictionary": False}
    one = write_folder(tmp_path / "one", table, row_group_size=205, **options)
    says(said(one), "205 rows", "2 GiB", "2,147,483,647", "row_group_size")
    (one / "train-00000.parquet").unlink()
    many = open_dataset(write_folder(tmp_path / "many", table, row_group_size=20, **options), made_by="-")
    del table, halves
    assert sum(len(sample.images[0]) for sample in many.samples()) == 205 * 10_500_000


def test_samples_of_ones_own_are_written_as_the_sentences_say(tmp_path):
    theirs = SHAREGPT["conversations"]
    messages = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": theirs[0]["value"].removeprefix("<image>")}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": theirs[1]["value"]}]},
    ]
    sample = Sample("mine:0", "cube_rolling", "easy", "trace", [PICTURE], messages, {})
    write_dataset([sample], tmp_path / "d", {})
    (found,) = open_dataset(tmp_path / "d", made_by="-").samples()
    assert found.images == [PICTURE]
