"""A dataset folder as rows of packed samples, in the order in which steps take them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from torch.utils.data import Dataset

from idf.data import DatasetFolder
from idf.errors import UserError
from idf.worlds import Rng

from .encode import Encoded, Encoder, encode_all
from .packing import pack
from .recipe import StageRecipe


class TokenStore:
    """All samples of a dataset as token ids, in flat arrays that the processes of a node share through memory mapping.

    Args:
        folder: Where `write_tokens` put them.
    """

    def __init__(self, folder: Path) -> None:
        self._ids = np.load(folder / "ids.npy", mmap_mode="r")
        self._labels = np.load(folder / "labels.npy", mmap_mode="r")
        self._starts = np.load(folder / "starts.npy")
        self._grids = np.load(folder / "grids.npy")
        self._grid_starts = np.load(folder / "grid_starts.npy")
        self.tokens = len(self._ids)
        self.label_tokens = int((self._labels >= 0).sum())

    def __len__(self) -> int:
        return len(self._starts) - 1

    def lengths(self) -> list[int]:
        """Tokens of each sample."""
        return [int(n) for n in np.diff(self._starts)]

    def label_counts(self) -> list[int]:
        """Label tokens of each sample."""
        return [int(n) for n in np.add.reduceat((self._labels >= 0).astype(np.int64), self._starts[:-1])]

    def patches(self) -> NDArray[np.int64]:
        """Patches of each sample's pictures, (samples,)."""
        before = np.concatenate([[0], np.cumsum(self._grids.prod(axis=1))])
        counts: NDArray[np.int64] = np.diff(before[self._grid_starts])
        return counts

    def __getitem__(self, i: int) -> Encoded:
        part = slice(self._starts[i], self._starts[i + 1])
        grids = self._grids[self._grid_starts[i] : self._grid_starts[i + 1]].tolist()
        return Encoded(self._ids[part], self._labels[part], [(t, h, w) for t, h, w in grids])


def write_tokens(encoded: Sequence[Encoded], folder: Path) -> None:
    """Write a `TokenStore`; it appears under its name when it is whole."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    grids = [grid for sample in encoded for grid in sample.grids]
    np.save(part / "ids.npy", np.concatenate([sample.ids for sample in encoded]))
    np.save(part / "labels.npy", np.concatenate([sample.labels for sample in encoded]))
    np.save(part / "starts.npy", np.cumsum([0, *map(len, encoded)]))
    np.save(part / "grids.npy", np.array(grids, np.int64).reshape(-1, 3))
    np.save(part / "grid_starts.npy", np.cumsum([0, *(len(sample.grids) for sample in encoded)]))
    os.replace(part, folder)


def prepare_tokens(folder: DatasetFolder, encoder: Encoder, run: Path, show: bool) -> None:
    """Encode a dataset into `<run>/tokens-<key>`, unless it is there already; for one process to do.

    Raises:
        UserError: Some samples cannot be trained on; they are counted and the first one is named.
    """
    target = tokens_folder(folder, encoder, run)
    if target.exists():
        wrong = unreadable(target, len(folder))
        if wrong is None:
            return
        print(f"{target} is unreadable ({wrong}): the samples are encoded again", flush=True)
    for old in run.glob("tokens-*"):
        shutil.rmtree(old)
    write_tokens(encode_all(encoder, folder.samples(), len(folder), show), target)


def unreadable(folder: Path, samples: int) -> str | None:
    """Why a folder is not the whole `TokenStore` of so many samples; None if it is."""
    try:
        store = TokenStore(folder)
        if len(store) != samples or sum(store.lengths()) != store.tokens:
            return f"it holds {len(store)} samples and not {samples}"
        store[samples - 1]  # the last one ends where the arrays end
    except (OSError, ValueError, EOFError, IndexError) as error:  # what NumPy says of a file that is cut or missing
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


def tokens_folder(folder: DatasetFolder, encoder: Encoder, run: Path) -> Path:
    """Where a run keeps the tokens of its data; the name follows from all that decides them."""
    return run / f"tokens-{sha256((folder.fingerprint() + encoder.fingerprint()).encode()).hexdigest()[:16]}"


class PackedRows(Dataset[list[tuple[Encoded, list[bytes]]]]):
    """Rows of encoded samples; the PNG files stay on disk (memory-mapped by `datasets`) until a row is asked for.

    Args:
        folder: The dataset folder.
        tokens: Its samples, encoded.
        row_length: Most tokens in a row.
        rows_per_step: The number of rows is filled up to a multiple of this with empty ones: then every step is
            whole, and no row has to be used twice to make ranks even.
        seed: Order of rows, and of samples in them.
    """

    def __init__(
        self, folder: DatasetFolder, tokens: TokenStore, row_length: int, rows_per_step: int, seed: int
    ) -> None:
        self.table = _open_table(folder)
        self.tokens = tokens
        self.rows = pack(tokens.lengths(), row_length, seed)
        self.empty_rows = -len(self.rows) % rows_per_step
        self.rows += [[] for _ in range(self.empty_rows)]
        self.row_length = row_length

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> list[tuple[Encoded, list[bytes]]]:
        indices = self.rows[row]
        images = self.table.select_columns(["images"])
        return [(self.tokens[i], [image["bytes"] for image in images[i]["images"]]) for i in indices]

    def facts(self) -> dict[str, Any]:
        """Counts for the log: samples, rows, tokens, label tokens, share of row places that hold a token."""
        return {
            "samples": len(self.tokens),
            "rows": len(self.rows),
            "tokens": self.tokens.tokens,
            "label_tokens": self.tokens.label_tokens,
            "empty_rows": self.empty_rows,
            "filled": self.tokens.tokens / ((len(self.rows) - self.empty_rows) * self.row_length),
        }


def steps_in_run(rows: int, recipe: StageRecipe) -> int:
    """Optimizer steps of a whole run."""
    per_epoch = -(-rows // recipe.rows_per_step)
    return max(1, -(-int(per_epoch * recipe.epochs * 1000) // 1000))


def micro_batches(
    rows: int, recipe: StageRecipe, rank: int, ranks: int, first_step: int, steps: int
) -> Iterator[list[int]]:
    """The rows of each micro-batch of a rank, from a step on.

    Which rows a step takes depends on the seed, the epoch and `rows_per_step` alone: not on the number of ranks, nor on
    where a run was interrupted.

    Args:
        rows: Number of rows, a multiple of `rows_per_step`.
        recipe: The stage's recipe.
        rank: This rank.
        ranks: How many there are.
        first_step: Steps that are done already.
        steps: Steps of the whole run.

    Yields:
        `rows_per_micro_batch` row numbers; `accumulation_steps` times for each step.
    """
    at_once, each = recipe.rows_per_micro_batch, recipe.rows_per_step
    order: Sequence[int] = []
    epoch = -1
    for step in range(first_step, steps):
        now, begin = divmod(step * each, rows)
        if now != epoch:
            epoch, order = now, Rng("order", recipe.seed, now).shuffled(range(rows))
        for micro in range(recipe.accumulation_steps(ranks)):
            at = begin + (micro * ranks + rank) * at_once
            yield list(order[at : at + at_once])


def _open_table(folder: DatasetFolder) -> Any:
    """The rows, memory-mapped by `datasets`; pictures as they are, undecoded."""
    from datasets import Features, Image, List, Value, disable_progress_bars, load_dataset
    from datasets.exceptions import DatasetGenerationError

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
    try:
        return load_dataset("parquet", data_files=files, split="train", features=features, columns=list(features))
    except (DatasetGenerationError, pa.ArrowException) as error:
        raise UserError(
            f"the shards in {folder.path} cannot be read by `datasets` ({error.__cause__ or error}): if one holds more than "
            "2 GiB of pictures in a row group, write it again in smaller ones"
        ) from error
