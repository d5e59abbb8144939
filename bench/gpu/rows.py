"""Packed rows of the default recipe's samples with random tokens: lengths, pictures and packing are real, the text is not.

Neither weights nor tokenizer of the real model are needed, and random tokens cost the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from idf.data import EstimatedTokens, Sample, open_dataset, size_of_picture
from idf.drawing import PATCH
from idf.training.collate import Collator
from idf.training.dataset import PackedRows
from idf.training.encode import IGNORE, Encoded
from idf.training.token_files import TokenStore, write_tokens

REAL_VOCABULARY = 151_643  # Qwen2.5's tokens; the special ones come after them


def write_random_tokens(data: Path, folder: Path, tiny: bool, image_token: int) -> None:
    """The tokens of `data/imagery` as a `TokenStore` in a folder."""
    rng = np.random.default_rng(0)
    vocabulary = 1000 if tiny else REAL_VOCABULARY
    samples = open_dataset(data / "imagery", made_by="make_data.py").samples()
    write_tokens([_random_tokens(sample, rng, vocabulary, image_token) for sample in samples], folder)


def _random_tokens(sample: Sample, rng: np.random.Generator, vocabulary: int, image_token: int) -> Encoded:
    """A sample as `Encoder` would return it, but for what the text says."""
    count = EstimatedTokens()(sample)
    ids = rng.integers(0, vocabulary, count.total).astype(np.int32)
    grids = []
    at = 1
    for image in sample.images:
        width, height = size_of_picture(sample, image)
        cells = width // PATCH * (height // PATCH)
        ids[at : at + cells] = image_token
        grids.append((1, height // PATCH * 2, width // PATCH * 2))
        at += cells + 1
    labels = np.full(count.total, IGNORE, np.int32)
    labels[-count.answer :] = ids[-count.answer :]
    return Encoded(ids, labels, grids)


def full_rows(data: Path, tokens: Path, tokens_per_row: int, needed: int) -> list[list[tuple[Encoded, list[bytes]]]]:
    """The fullest rows: of so few samples some rows stay half empty, of 20,000 hardly one does.

    Args:
        data: What make_data.py wrote.
        tokens: What `write_random_tokens` wrote.
        tokens_per_row: Most tokens in a row.
        needed: How many rows; if there are fewer, they are taken again.
    """
    folder = open_dataset(data / "imagery", made_by="make_data.py")
    rows = PackedRows(folder, TokenStore(tokens), tokens_per_row, 1, 0)
    order = sorted(range(len(rows)), key=lambda r: -sum(len(rows.tokens[i]) for i in rows.rows[r]))[:needed]
    found = {r: rows[r] for r in order}
    return [found[order[i % len(order)]] for i in range(needed)]


def collated(rows: Sequence[list[tuple[Encoded, list[bytes]]]], image_token: int) -> dict[str, Tensor]:
    """A micro-batch."""
    from transformers import Qwen2VLImageProcessor

    return Collator(Qwen2VLImageProcessor(), image_token, 0)(rows)
