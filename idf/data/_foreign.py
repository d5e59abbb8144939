"""What was given where a dataset folder of ours is expected: a sentence that says what it is and what would be right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from idf.errors import UserError

from ._schema import SCHEMA

REMEDY = "`idf.data.write_dataset` writes a dataset folder from samples of your own (docs/data.md)"
MOST_BYTES = 2**31 - 1
"""Arrow counts the bytes of a column in 32 bits: a row group with more pictures cannot be read, by `datasets` neither."""
_HEAD = 200_000  # characters of a text file that are looked at
_CHATS = (
    # a key of a row, what has it
    ("conversations", "ShareGPT data (`conversations`)"),
    ("messages", "chat data (`messages`)"),
    ("instruction", "Alpaca data (`instruction`)"),
    ("problem", "the items of a suite"),
    ("response", "responses of a model, as `idf-eval --responses` takes them"),
)


def found_at(path: Path, made_by: str) -> str:
    """A sentence about a path that is no dataset folder of ours.

    Args:
        path: The path; it may not exist.
        made_by: The command that makes such a dataset.
    """
    command = made_by.partition(" --out")[0]
    if path.is_file():
        return _file(path, command)
    if not path.is_dir():
        return f"no dataset in {path}: make it with `{made_by}`"
    for name, what, right in _FOLDERS:
        if next(path.glob(name), None) is not None:
            return f"no dataset in {path}, but {what}: {right.format(command=command)}"
    nearby = sorted(found.parent for found in path.glob("*/dataset.json"))
    if nearby:
        return f"no dataset in {path} itself, but in {', '.join(map(str, nearby[:3]))}: name one of these"
    shards = sorted({*path.glob("*.parquet"), *path.glob("*/*.parquet")})
    if shards:
        return f"no dataset in {path}: there is no dataset.json, but {_shards(shards, command)}"
    for text in sorted({*path.glob("*.json"), *path.glob("*.jsonl")}):
        kind = _kind_of_text(text)
        if kind is not None:
            return f"no dataset in {path}, but {text.name} with {kind}: {REMEDY}"
    return f"no dataset in {path}: make it with `{made_by}`"


_ANOTHER = "name a folder that `{command}` made"
# A file that tells a folder, what it tells, and what would be right.
_FOLDERS = (
    ("suite.json", "a suite, which is to evaluate on (`idf-eval --suite`)", _ANOTHER),
    ("results.json", "the results of an evaluation", _ANOTHER),
    ("adapter_config.json", "adapters of a model, which a recipe names as `model`", _ANOTHER),
    ("config.json", "a model, which a recipe names as `model`", _ANOTHER),
    ("checkpoint-*", "the checkpoints of a training run", _ANOTHER),
    ("dataset_dict.json", "what `datasets` saved with `save_to_disk`", REMEDY),
    ("state.json", "what `datasets` saved with `save_to_disk`", REMEDY),
    ("dataset_info.json", "a data folder of LLaMA-Factory or `datasets` (dataset_info.json)", REMEDY),
)


def _file(path: Path, command: str) -> str:
    if path.name == "dataset.json" or (path.suffix == ".parquet" and (path.parent / "dataset.json").exists()):
        return f"{path} is a file of a dataset: name its folder, {path.parent}"
    if path.suffix == ".parquet":
        return f"{path} is a file: a dataset is a folder with a dataset.json; here is {_shards([path], command)}"
    kind = _kind_of_text(path)
    what = "a file" if kind is None else f"a file with {kind}"
    return f"{path} is {what}, and a dataset is a folder, as `{command}` makes it: {REMEDY}"


def _shards(shards: list[Path], command: str) -> str:
    """What a few parquet files are."""
    files = f"{len(shards)} parquet files" if len(shards) > 1 else "a parquet file"
    try:
        wrong = wrong_columns(pq.read_schema(shards[0]))
    except (pa.ArrowException, OSError):
        return f"{files}, of which {shards[0].name} is broken: make the dataset with `{command}`"
    if wrong is None:
        return (
            f"{files} in our form: bring dataset.json, which came with them, or make the dataset again with `{command}`"
        )
    return f"{files}, and {shards[0].name} {wrong}: {REMEDY}"


def _kind_of_text(path: Path) -> str | None:
    """What a JSON file holds, by the first row that can be made out; None if that says nothing."""
    if path.suffix not in (".json", ".jsonl"):
        return None
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.read(_HEAD)
    except (OSError, UnicodeDecodeError):
        return None
    row = _first_row(head)
    if row is None:
        return "JSON"
    for key, kind in _CHATS:
        if key in row:
            return kind
    return f"JSON rows that have {_listed(row)}"


def _first_row(head: str) -> dict[str, Any] | None:
    """The first object that stands in JSON text that may be cut off."""
    begin = head.find("{")
    if begin < 0:
        return None
    try:
        row, _ = json.JSONDecoder().raw_decode(head, begin)
    except (ValueError, RecursionError):
        return None
    return row


# --- shards ------------------------------------------------------------------------------------------------------


def check_shard(shard: Path) -> None:
    """Refuse a shard that has other columns than ours, or so many pictures in a row group that nobody can read them.

    Args:
        shard: A parquet file.

    Raises:
        UserError: It is no parquet file, or cannot be used; what it has and what would be right are said.
    """
    try:
        with pq.ParquetFile(shard) as file:
            metadata, found = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"the shard {shard} is no readable parquet file ({_line(error)}): make the dataset again"
        ) from None
    wrong = wrong_columns(found)
    if wrong is not None:
        raise UserError(f"the shard {shard} {wrong}: {REMEDY}")
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size = max(group.column(at).total_uncompressed_size for at in range(group.num_columns))
        if size > MOST_BYTES:
            raise UserError(
                f"the shard {shard} has {size:,} bytes of one column in a row group, of {group.num_rows:,} rows, and at most "
                f"2 GiB ({MOST_BYTES:,}) can be read: write it again with smaller row groups "
                "(`pyarrow.parquet.write_table(..., row_group_size=100)`)"
            )


def too_large(shard: Path, error: Exception) -> UserError:
    """The error to raise when Arrow fails at a shard whose sizes looked right: equal pictures are stored once."""
    return UserError(
        f"the shard {shard} cannot be read ({_line(error)}): if it holds more than 2 GiB of pictures, write it again in "
        "smaller row groups (`pyarrow.parquet.write_table(..., row_group_size=100)`), else make it again"
    )


def wrong_columns(found: pa.Schema) -> str | None:
    """What is wrong with the columns of a shard, to stand after its name; None if they are ours.

    Other libraries write texts and lists with 64-bit offsets, or a column that is empty without a type: that is right.
    """
    lost = [name for name in SCHEMA.names if name not in found.names]
    if lost:
        kind = next((kind for key, kind in _CHATS if key in found.names), None)
        known = "" if kind is None or kind.startswith("chat") else f": {kind}"
        return f"has the columns {_listed(found.names)}{known}, and ours has {_listed(SCHEMA.names)}"
    for field in SCHEMA:
        given, ours = _form(found.field(field.name).type), _form(field.type)
        if not _fits(given, ours):
            return f"has {field.name!r} as {_said(given)}, and ours is {_said(ours)}"
    return None


def _form(kind: pa.DataType) -> Any:
    """A type without the sizes of its offsets: "text", "bytes", None for no type, a list of one, a dict, or its name."""
    if pa.types.is_dictionary(kind):
        return _form(kind.value_type)
    if pa.types.is_struct(kind):
        return {kind.field(at).name: _form(kind.field(at).type) for at in range(kind.num_fields)}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_form(kind.value_type)]
    if pa.types.is_null(kind):
        return None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    return "bytes" if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) else str(kind)


def _fits(given: Any, ours: Any) -> bool:
    if given is None:
        return True
    if isinstance(ours, dict):
        return isinstance(given, dict) and given.keys() == ours.keys() and all(_fits(given[k], ours[k]) for k in ours)
    if isinstance(ours, list):
        return isinstance(given, list) and _fits(given[0], ours[0])
    return bool(given == ours)


def _said(form: Any) -> str:
    if isinstance(form, dict):
        return "{" + ", ".join(f"{name}: {_said(of)}" for name, of in form.items()) + "}"
    return f"a list of {_said(form[0])}" if isinstance(form, list) else str(form)


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
