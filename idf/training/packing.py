"""Samples -> rows of tokens with little waste."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from idf.worlds import Rng


def pack(lengths: Sequence[int], row_length: int, seed: int) -> list[list[int]]:
    """Best-fit packing: each sample, longest first, goes into the fullest row that still holds it.

    Args:
        lengths: Tokens of each sample.
        row_length: Most tokens in a row; no sample may be longer.
        seed: Samples of the same length are taken in random order, rows come out in random order.

    Returns:
        Rows of sample indices; every sample stands in exactly one.

    Raises:
        ValueError: A sample is longer than a row.
    """
    rng = Rng("pack", seed)
    order = sorted(rng.shuffled(range(len(lengths))), key=lambda i: -lengths[i])
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, row), ordered
    for i in order:
        if lengths[i] > row_length:
            raise ValueError(f"sample {i} has {lengths[i]} tokens, a row holds {row_length}")
        at = bisect_left(room, (lengths[i], -1))
        if at == len(room):
            rows.append([i])
            left, row = row_length, len(rows) - 1
        else:
            left, row = room.pop(at)
            rows[row].append(i)
        insort(room, (left - lengths[i], row))
    return rng.shuffled([rng.shuffled(row) for row in rows])
