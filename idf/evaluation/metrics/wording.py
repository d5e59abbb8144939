"""One evaluation in two wordings: what it costs a model that no training data holds the words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .bootstrap import DRAWS, SEED
from .compare import compare_rows
from .row import Row


def wording_gap(
    rows: Sequence[Row],
    held_out: Sequence[Row],
    prompts: tuple[str, str],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Any]:
    """Compare the rows of an evaluation with those of the same items in words that are held out of training.

    Args:
        rows: The rows in the words of training.
        held_out: The rows in the other words: the same items, modes and samples.
        prompts: The two prompt sets.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        "prompts", "held_out": the two sets; "tasks" and "macro" as `compare` returns them, where a is the words of training, b
        the others: a difference below zero is what the other words cost.
    """
    tasks, macro = compare_rows(rows, held_out, draws, seed)
    return {"prompts": prompts[0], "held_out": prompts[1], "tasks": tasks, "macro": macro, "draws": draws, "seed": seed}
