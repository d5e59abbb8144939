"""A dataset folder as rows of packed samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from torch.utils.data import Dataset

from idf.data import DatasetFolder, Sample

from .encode import Encoded, Encoder, encode_all
from .packing import pack


class PackedDataset(Dataset[list[tuple[Encoded, list[bytes]]]]):
    """Rows of encoded samples; the PNG files stay on disk (memory-mapped by `datasets`) until a row is asked for.

    Args:
        folder: The dataset folder.
        encoder: Encodes its conversations, all of them now: what cannot be trained on is refused before training.
        row_length: Most tokens in a row.
        rows_per_step: The number of rows is filled up to a multiple of this with empty ones: then every step is
            whole, and no row has to be used twice to make ranks even.
        seed: Order of rows, and of samples in them.
        show: Whether to show a progress bar.
    """

    def __init__(
        self, folder: DatasetFolder, encoder: Encoder, row_length: int, rows_per_step: int, seed: int, show: bool
    ) -> None:
        self.table = _open_table(folder)
        self.encoded = encode_all(encoder, _samples(self.table), len(self.table), show)
        self.rows = pack([len(encoded) for encoded in self.encoded], row_length, seed)
        self.empty_rows = -len(self.rows) % rows_per_step
        self.rows += [[] for _ in range(self.empty_rows)]
        self.row_length = row_length

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> list[tuple[Encoded, list[bytes]]]:
        indices = self.rows[row]
        images = self.table.select_columns(["images"])
        return [(self.encoded[i], [image["bytes"] for image in images[i]["images"]]) for i in indices]

    def facts(self) -> dict[str, Any]:
        """Counts for the log: samples, rows, tokens, label tokens, share of row places that hold a token."""
        tokens = sum(map(len, self.encoded))
        labels = sum(sum(label >= 0 for label in encoded.labels) for encoded in self.encoded)
        return {
            "samples": len(self.encoded),
            "rows": len(self.rows),
            "tokens": tokens,
            "label_tokens": labels,
            "empty_rows": self.empty_rows,
            "filled": tokens / ((len(self.rows) - self.empty_rows) * self.row_length),
        }


def _open_table(folder: DatasetFolder) -> Any:
    """The rows, memory-mapped by `datasets`; pictures as they are, undecoded."""
    from datasets import Features, Image, List, Value, disable_progress_bars, load_dataset

    disable_progress_bars()
    files = [str(shard) for shard in folder.shards]
    text = Value("string")
    features = Features(
        {
            "id": text,
            "world": text,
            "difficulty": text,
            "kind": text,
            "images": List(Image(decode=False)),
            "messages": List({"role": text, "content": List({"type": text, "text": text})}),
            "meta": text,
        }
    )
    return load_dataset("parquet", data_files=files, split="train", features=features)


def _samples(table: Any) -> Iterator[Sample]:
    for row in table:
        images = [image["bytes"] for image in row["images"]]
        yield Sample(
            row["id"], row["world"], row["difficulty"], row["kind"], images, row["messages"], json.loads(row["meta"])
        )
