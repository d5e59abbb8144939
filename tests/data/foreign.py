"""Dataset folders that idf did not write: shards by PyArrow, dataset.json by hand, pictures by Pillow."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def picture_file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def row(number: int, *pictures: bytes, **changes: Any) -> dict[str, Any]:
    """A row in idf's columns, with a question about each picture."""
    content = [*[{"type": "image", "text": None} for _ in pictures], {"type": "text", "text": "Which colour?"}]
    return {
        "id": f"row:{number}",
        "world": "cube_rolling",
        "difficulty": "easy",
        "kind": "trace",
        "images": [{"bytes": picture, "path": None} for picture in pictures],
        "messages": [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"type": "text", "text": f"Answer: {number}"}]},
        ],
        "meta": "{}",
    } | changes


def write_shard(path: Path, rows: Iterable[dict[str, Any]] | pa.Table, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows))
    pq.write_table(table, path, **options)
    return path


def write_folder(folder: Path, rows: Iterable[dict[str, Any]] | pa.Table, **options: Any) -> Path:
    """A folder with one shard and the least that a dataset.json can say."""
    shard = write_shard(folder / "train-00000.parquet", rows, **options)
    digest = sha256(shard.read_bytes()).hexdigest()
    manifest = {"samples": pq.read_metadata(shard).num_rows, "sha256": {shard.name: digest}}
    (folder / "dataset.json").write_text(json.dumps(manifest))
    return folder
