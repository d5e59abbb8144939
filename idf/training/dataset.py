"""A dataset folder as rows of packed samples, in the order in which steps take them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from torch.utils.data import Dataset

from idf.data import DatasetFolder
from idf.errors import UserError
from idf.worlds import Rng

from .curriculum import exact_sizes, pack_from_easy_to_hard
from .encode import Encoded, Encoder
from .encode_dataset import encode_to
from .packing import pack
from .recipe import StageRecipe
from .token_files import TokenStore, unreadable


def prepare_tokens(folder: DatasetFolder, encoder: Encoder, run: Path, show: bool, workers: int | None = None) -> None:
    """Encode a dataset into `<run>/tokens-<key>`, unless it is there already; for one process to ask for.

    Args:
        folder: The dataset.
        encoder: Who encodes.
        run: Folder of the run.
        show: Whether to show a progress bar.
        workers: How many processes; None for as many as pay (`workers_for`). The files do not depend on it.

    Raises:
        UserError: Some samples cannot be trained on, and they are counted and the first one is named; or a process died.
    """
    target = tokens_folder(folder, encoder, run)
    if target.exists():
        wrong = unreadable(target, len(folder))
        if wrong is None:
            return
        print(f"{target} is unreadable ({wrong}): the samples are encoded again", flush=True)
    for old in run.glob("tokens-*"):
        shutil.rmtree(old)
    encode_to(target, folder, encoder, show, workers)


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
        order: "random", or "distance": rows from easy samples to hard ones.
    """

    def __init__(
        self,
        folder: DatasetFolder,
        tokens: TokenStore,
        row_length: int,
        rows_per_step: int,
        seed: int,
        order: Literal["random", "distance"] = "random",
    ) -> None:
        self.table = open_table(folder)
        self.tokens = tokens
        self.rows = packed_rows(folder, tokens.lengths(), row_length, seed, order)
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


def packed_rows(
    folder: DatasetFolder, lengths: Sequence[int], row_length: int, seed: int, order: Literal["random", "distance"]
) -> list[list[int]]:
    """The samples of each row: packed in random order, or from easy to hard.

    Raises:
        UserError: A sample has no exact measure, and `order` asks for it.
    """
    if order == "distance":
        return pack_from_easy_to_hard(exact_sizes(folder), lengths, row_length, seed)
    return pack(lengths, row_length, seed)


def steps_in_run(rows: int, recipe: StageRecipe) -> int:
    """Optimizer steps of a whole run."""
    per_epoch = -(-rows // recipe.rows_per_step)
    return max(1, -(-int(per_epoch * recipe.epochs * 1000) // 1000))


def micro_batches(
    rows: int, recipe: StageRecipe, rank: int, ranks: int, first_step: int, steps: int
) -> Iterator[list[int]]:
    """The rows of each micro-batch of a rank, from a step on.

    Which rows a step takes depends on the order, the seed, the epoch and `rows_per_step` alone: not on the number of
    ranks, nor on where a run was interrupted. A curriculum begins anew with every epoch.

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
            epoch = now
            order = range(rows) if recipe.order == "distance" else Rng("order", recipe.seed, now).shuffled(range(rows))
        for micro in range(recipe.accumulation_steps(ranks)):
            at = begin + (micro * ranks + rank) * at_once
            yield list(order[at : at + at_once])


def open_table(folder: DatasetFolder) -> Any:
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
