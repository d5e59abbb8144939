"""A dataset folder: parquet shards that `datasets.load_dataset("parquet", ...)` reads, and `dataset.json`."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from idf.errors import UserError
from idf.version import VERSION
from idf.worlds import WORLDS

from ._card import card
from ._foreign import check_shard, found_at, too_large
from ._sample import Sample
from ._schema import IMAGE, MESSAGE, SCHEMA
from ._shortcuts import measure_shortcuts

ROWS_PER_SHARD = 1000
ROWS_PER_GROUP = 200
_ROWS_AT_ONCE = 50  # are held in memory while samples are read
BYTES_PER_GROUP = 2**30  # of pictures: Arrow reads at most 2 GiB of them at once


@dataclass(frozen=True)
class Block:
    """Samples that stand together in a shard, in whole row groups: what one process reads at a time.

    Attributes:
        shard: The parquet file.
        groups: Numbers of its row groups.
        rows: How many samples.
    """

    shard: Path
    groups: range
    rows: int

    def samples(self, whole: bool = True) -> Iterator[Sample]:
        """Its samples, in order.

        Args:
            whole: Whether to read all columns; else id, pictures and messages, and what is not read stays empty.

        Raises:
            UserError: The shard cannot be read, or a picture is a path.
        """
        columns = SCHEMA.names if whole else ["id", "images", "messages"]
        empty = {} if whole else {"world": "", "difficulty": "", "kind": "", "meta": "{}"}
        try:
            with pq.ParquetFile(self.shard) as file:
                # In pieces of a row group: more than 2 GiB of pictures cannot be read in one.
                for group in self.groups:
                    for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=columns):
                        yield from (sample_from_row(empty | row) for row in batch.to_pylist())
        except pa.ArrowException as error:
            raise too_large(self.shard, error) from None


@dataclass(frozen=True)
class DatasetFolder:
    """A dataset folder that was found whole.

    Attributes:
        path: The folder.
        manifest: What `dataset.json` says: recipe, seed, counts, sha256 per shard, versions.
        shards: Its parquet files, in order.
    """

    path: Path
    manifest: dict[str, Any]
    shards: list[Path]

    def __len__(self) -> int:
        return int(self.manifest["samples"])

    def samples(self) -> Iterator[Sample]:
        """All samples, in order."""
        for block in self.blocks():
            yield from block.samples()

    def blocks(self) -> Iterator[Block]:
        """All samples in blocks of `ROWS_PER_GROUP` or more where row groups are smaller, in order."""
        for shard in self.shards:
            with pq.ParquetFile(shard) as file:
                sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            begin = rows = 0
            for group, size in enumerate(sizes):
                rows += size
                if rows >= ROWS_PER_GROUP or group == len(sizes) - 1:
                    yield Block(shard, range(begin, group + 1), rows)
                    begin, rows = group + 1, 0

    def fingerprint(self) -> str:
        """One hash over the content of all shards."""
        return sha256("".join(self.manifest["sha256"][shard.name] for shard in self.shards).encode()).hexdigest()


def sample_from_row(row: dict[str, Any]) -> Sample:
    """The sample that a parquet row holds."""
    images = [image["bytes"] for image in row["images"]]
    if None in images:
        path = row["images"][images.index(None)]["path"]
        raise UserError(
            f"sample {row['id']}: a picture of it is the path {path}, not the bytes of the file: a dataset holds its pictures"
        )
    return Sample(
        row["id"], row["world"], row["difficulty"], row["kind"], images, row["messages"], json.loads(row["meta"])
    )


def _table(samples: list[Sample]) -> pa.Table:
    # Column by column: from rows, every picture would be copied twice more.
    pictures = [image for sample in samples for image in sample.images]
    starts = list(accumulate((len(sample.images) for sample in samples), initial=0))
    files = pa.StructArray.from_arrays(
        [pa.array(pictures, pa.binary()), pa.nulls(len(pictures), pa.string())], fields=list(IMAGE)
    )
    messages = [
        [
            {"role": message["role"], "content": [{"text": None} | part for part in message["content"]]}
            for message in sample.messages
        ]
        for sample in samples
    ]
    columns = [
        pa.array([sample.id for sample in samples], pa.string()),
        pa.array([sample.world for sample in samples], pa.string()),
        pa.array([sample.difficulty for sample in samples], pa.string()),
        pa.array([sample.kind for sample in samples], pa.string()),
        pa.ListArray.from_arrays(pa.array(starts, pa.int32()), files),
        pa.array(messages, pa.list_(MESSAGE)),
        pa.array([json.dumps(sample.meta, ensure_ascii=False) for sample in samples], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


PLAN = "plan.json"
"""Name of the note that says what an unfinished folder is going to be."""


class DiskFull(UserError):
    """A file could not be written for want of space."""


@contextmanager
def written(what: str) -> Iterator[None]:
    """Turn what the system says when a file cannot be written into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"the disk is full: {what} could not be written") from None
        raise UserError(f"{what} could not be written: {error.strerror or error}") from None


def write_shard(samples: list[Sample], path: Path) -> str:
    """Write samples as one parquet file; returns its sha256."""
    # The pictures' own deflate is fast rather than thorough: zstd takes another fifth off.
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for group in _row_groups(samples):
            writer.write_table(_table(group))
    return sha256(path.read_bytes()).hexdigest()


def _row_groups(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    group: list[Sample] = []
    size = 0
    for sample in samples:
        more = sum(map(len, sample.images))
        if group and (len(group) == ROWS_PER_GROUP or size + more > BYTES_PER_GROUP):
            yield group
            group, size = [], 0
        group.append(sample)
        size += more
    if group:
        yield group


def versions() -> dict[str, Any]:
    """The versions that decide over the bytes of a dataset: of idf, its worlds, and the libraries that it writes with."""
    libraries = {name: metadata.version(name) for name in ("numpy", "aggdraw", "zlib-ng", "pillow", "pyarrow")}
    return {"idf": VERSION, "worlds": {name: world.version for name, world in WORLDS.items()}, **libraries}


def refuse_existing(out: Path) -> None:
    """Raise a UserError if a folder holds a dataset already, or is a file."""
    if out.is_file():
        raise UserError(f"{out} is a file: name a folder")
    if (out / "dataset.json").exists():
        raise UserError(f"{out} holds a dataset already: choose another folder, or remove this one")
    if not part_folder(out).exists() and any(out.glob("train-*.parquet")):
        raise UserError(f"{out} holds shards without a dataset.json: choose another folder, or remove them")


def part_folder(out: Path) -> Path:
    """Where a dataset lies until it is whole: beside its folder."""
    out = out.resolve()
    return out.with_name(out.name + ".part")


def begin_part(part: Path, plan: str) -> bool:
    """Make or find a folder of what is unfinished, with a note that says what it is going to be.

    Returns:
        False if it holds something else.
    """
    note, said = part / PLAN, json.dumps({"plan": plan}).encode() + b"\n"
    if part.exists() and any(not path.name.endswith(".half") for path in part.iterdir()):
        return note.exists() and note.read_bytes() == said
    with written(str(note)):
        part.mkdir(parents=True, exist_ok=True)
        half = note.with_suffix(".half")
        half.write_bytes(said)
        half.replace(note)
    return True


def finish_folder(part: Path, out: Path, digests: dict[str, str], facts: dict[str, Any]) -> DatasetFolder:
    """Write `dataset.json` and the card to an unfinished folder, and give it its name.

    Args:
        part: The folder that holds the shards.
        out: Its name from now on.
        digests: Name -> sha256 of the shards, in order.
        facts: What `dataset.json` is to say beside counts and hashes; its "versions" stand beside those of `versions`.
    """
    counts: dict[str, dict[str, dict[str, int]]] = {}
    total = 0
    for name in digests:
        table = pq.read_table(part / name, columns=["world", "difficulty", "kind"])
        total += len(table)
        for world, difficulty, kind in zip(*(table[column].to_pylist() for column in table.column_names), strict=True):
            by_kind = counts.setdefault(world, {}).setdefault(difficulty, {})
            by_kind[kind] = by_kind.get(kind, 0) + 1
    manifest = {
        "samples": total,
        "counts": {w: {d: dict(sorted(counts[w][d].items())) for d in sorted(counts[w])} for w in sorted(counts)},
        **facts,
        "shortcuts": measure_shortcuts([part / name for name in digests]),
        "versions": versions() | facts.get("versions", {}),
        "sha256": digests,
    }
    (part / "dataset.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    (part / "README.md").write_text(card(manifest))
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("train-*.parquet"):  # from a run that was killed at this very point
        if stale.name not in digests:
            stale.unlink()
    for name in [*digests, "README.md", "dataset.json"]:  # the manifest last: it is what makes the folder a dataset
        (part / name).replace(out / name)
    shutil.rmtree(part)
    return DatasetFolder(out, manifest, [out / name for name in digests])


def write_dataset(samples: Iterable[Sample], out: Path, facts: dict[str, Any]) -> DatasetFolder:
    """Write samples that exist already as a dataset folder; it appears under its name only when it is whole.

    Args:
        samples: The samples, in the order in which they are to stand.
        out: The folder, which must not hold a dataset yet.
        facts: What else `dataset.json` is to say (recipe, seed, ...). Read after the last sample was
            written, so a generator may still fill it.

    Raises:
        UserError: The folder holds a dataset already, or there is no sample.
    """
    refuse_existing(out)
    part = part_folder(out)
    if not begin_part(part, "none"):
        raise UserError(f"{part} holds what is left of another run: remove it, or choose another folder")
    with written(str(part)):
        for left in part.glob("train-*"):  # what an interrupted call left there is of no use
            left.unlink()
        digests: dict[str, str] = {}
        rest = iter(samples)
        while some := list(islice(rest, ROWS_PER_SHARD)):
            name = f"train-{len(digests):05d}.parquet"
            digests[name] = write_shard(some, part / name)
        if not digests:
            shutil.rmtree(part)
            raise UserError(f"nothing to write to {out}: no sample was made")
        return finish_folder(part, out, digests, facts)


def open_dataset(folder: Path, made_by: str) -> DatasetFolder:
    """Find a dataset folder and check that it is whole.

    Args:
        folder: The folder.
        made_by: The command that makes such a dataset, for the error message.

    Raises:
        UserError: There is no dataset (what is there instead is said), a shard is missing, its content is not what was
            written, or it has other columns than ours or a row group that is too large to be read.
    """
    path = folder / "dataset.json"
    if not path.exists():
        raise UserError(found_at(folder, made_by))
    try:
        manifest = json.loads(path.read_text())
        hashes: dict[str, str] = dict(manifest["sha256"])
        int(manifest["samples"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is broken ({error}): make the dataset again with `{made_by}`") from None
    shards = []
    for name in sorted(hashes):
        shard = folder / Path(name).name
        if not shard.exists():
            raise UserError(f"the shard {shard} is missing: make the dataset again with `{made_by}`")
        if sha256(shard.read_bytes()).hexdigest() != hashes[name]:
            raise UserError(f"the shard {shard} is corrupt (its sha256 is not the one in dataset.json): make it again")
        check_shard(shard)
        shards.append(shard)
    return DatasetFolder(folder, manifest, shards)
