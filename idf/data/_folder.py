"""A dataset folder: parquet shards that `datasets.load_dataset("parquet", ...)` reads, and `dataset.json`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from idf import __version__
from idf.errors import UserError

from ._sample import Sample

ROWS_PER_SHARD = 2000

_TEXT = {"dtype": "string", "_type": "Value"}
# What `datasets` reads from the schema's metadata: without it the images would be plain structs.
_FEATURES = {
    "id": _TEXT,
    "world": _TEXT,
    "difficulty": _TEXT,
    "kind": _TEXT,
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    "messages": {
        "feature": {"role": _TEXT, "content": {"feature": {"type": _TEXT, "text": _TEXT}, "_type": "List"}},
        "_type": "List",
    },
    "meta": _TEXT,
}
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_PART = pa.struct([("type", pa.string()), ("text", pa.string())])
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.list_(_PART))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("world", pa.string()),
        ("difficulty", pa.string()),
        ("kind", pa.string()),
        ("images", pa.list_(_IMAGE)),
        ("messages", pa.list_(_MESSAGE)),
        ("meta", pa.string()),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)


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
        for shard in self.shards:
            for row in pq.read_table(shard).to_pylist():
                yield sample_from_row(row)

    def fingerprint(self) -> str:
        """One hash over the content of all shards."""
        return sha256("".join(self.manifest["sha256"][shard.name] for shard in self.shards).encode()).hexdigest()


def sample_from_row(row: dict[str, Any]) -> Sample:
    """The sample that a parquet row holds."""
    images = [image["bytes"] for image in row["images"]]
    return Sample(
        row["id"], row["world"], row["difficulty"], row["kind"], images, row["messages"], json.loads(row["meta"])
    )


def _table(samples: list[Sample]) -> pa.Table:
    rows = [
        {
            "id": sample.id,
            "world": sample.world,
            "difficulty": sample.difficulty,
            "kind": sample.kind,
            "images": [{"bytes": image, "path": None} for image in sample.images],
            "messages": [
                {"role": message["role"], "content": [{"text": None} | part for part in message["content"]]}
                for message in sample.messages
            ],
            "meta": json.dumps(sample.meta, ensure_ascii=False),
        }
        for sample in samples
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def refuse_existing(out: Path) -> None:
    """Raise a UserError if a folder holds a dataset already, or is a file."""
    if out.is_file():
        raise UserError(f"{out} is a file: name a folder")
    if (out / "dataset.json").exists():
        raise UserError(f"{out} holds a dataset already: choose another folder, or remove this one")


def write_dataset(samples: Iterable[Sample], out: Path, facts: dict[str, Any]) -> DatasetFolder:
    """Write a dataset folder, shard by shard; it appears under its name only when it is whole.

    Args:
        samples: The samples, in the order in which they are to stand.
        out: The folder, which must not hold a dataset yet.
        facts: What else `dataset.json` is to say (recipe, seed, ...). Read after the last sample was
            written, so a generator may still fill it.

    Raises:
        UserError: The folder holds a dataset already.
    """
    refuse_existing(out)
    out = out.resolve()
    work = out.with_name(out.name + ".part")
    if work.exists():  # what an interrupted run left there is of no use
        shutil.rmtree(work)
    work.mkdir(parents=True)
    counts: dict[str, dict[str, int]] = {}
    shards: list[Path] = []
    waiting: list[Sample] = []

    def flush() -> None:
        shards.append(work / f"train-{len(shards):05d}.parquet")
        # PNG does not compress further; the texts are small beside it.
        pq.write_table(_table(waiting), shards[-1], compression="zstd", row_group_size=200)
        waiting.clear()

    total = 0
    for sample in samples:
        waiting.append(sample)
        total += 1
        by_difficulty = counts.setdefault(sample.world, {})
        by_difficulty[sample.difficulty] = by_difficulty.get(sample.difficulty, 0) + 1
        if len(waiting) == ROWS_PER_SHARD:
            flush()
    if waiting:
        flush()
    if not total:
        work.rmdir()
        raise UserError(f"nothing to write to {out}: no sample was made")
    manifest = {
        "samples": total,
        "counts": counts,
        **facts,
        "versions": {"idf": __version__, "pyarrow": pa.__version__},
        "sha256": {shard.name: sha256(shard.read_bytes()).hexdigest() for shard in shards},
    }
    (work / "dataset.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    out.mkdir(exist_ok=True)
    for path in [*shards, work / "dataset.json"]:  # the manifest last: it is what makes the folder a dataset
        path.replace(out / path.name)
    work.rmdir()
    return open_dataset(out, made_by="this command")


def open_dataset(folder: Path, made_by: str) -> DatasetFolder:
    """Find a dataset folder and check that it is whole.

    Args:
        folder: The folder.
        made_by: The command that makes such a dataset, for the error message.

    Raises:
        UserError: There is no dataset, a shard is missing, or its content is not what was written.
    """
    path = folder / "dataset.json"
    if not path.exists():
        raise UserError(f"no dataset in {folder}: make it with `{made_by}`")
    try:
        manifest = json.loads(path.read_text())
        hashes: dict[str, str] = manifest["sha256"]
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
        shards.append(shard)
    return DatasetFolder(folder, manifest, shards)
