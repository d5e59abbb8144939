"""What a run needs of the machine besides GPUs: shared memory for the loader's workers, and room for its checkpoints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idf.errors import UserError

from .recipe import StageRecipe, TrainingRecipe

if TYPE_CHECKING:
    from .dataset import PackedRows  # which needs torch

SHARED_MEMORY = Path("/dev/shm")
TOKEN_BYTES = (1 + 1 + 4) * 8
"""Ids, labels and four rows of positions of a token, in int64."""


def prefetched(recipe: StageRecipe, accumulation: int) -> int:
    """Micro-batches that each loader worker holds ready: together two steps ahead, at least two each."""
    return max(2, -(-2 * accumulation // recipe.loader_workers))


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written where a folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def held_bytes(run: Path) -> int:
    """Bytes that the checkpoints of a run take already."""
    return sum(
        file.stat().st_size for folder in run.glob("checkpoint-*") for file in folder.rglob("*") if file.is_file()
    )


def check_disk(recipe: TrainingRecipe, steps: int) -> None:
    """Refuse to begin where the checkpoints that the recipe keeps would not find room: the run would end at one of them.

    Args:
        recipe: The stage's recipe.
        steps: Of the whole run.

    Raises:
        UserError: The disk is too small; what is needed and what would mend it.
    """
    from .overhead import disk_bytes
    from .survey import size

    run = Path(recipe.run)
    free, held, needed = free_bytes(run), held_bytes(run), disk_bytes(recipe, size(recipe), steps)
    if free + held < needed:
        there = f", besides {held / 1e9:,.2f} GB of checkpoints that are there" if held else ""
        raise UserError(
            f"{run} has {free / 1e9:,.2f} GB free{there}, and the run's checkpoints take up to {needed / 1e9:,.2f} GB at once: "
            "make room, set run= to a larger disk, or keep_checkpoints lower"
        )


def check_shared_memory(
    recipe: StageRecipe, rows: PackedRows, image_processor: Any, ranks_here: int, accumulation: int
) -> None:
    """Refuse to begin where the loader's workers could not hand over their batches: they would wait forever.

    Args:
        recipe: The stage's recipe.
        rows: The rows of the data.
        image_processor: The model's, which says how large patches are.
        ranks_here: Ranks on this node.
        accumulation: Micro-batches of a step on each of them.

    Raises:
        UserError: /dev/shm is too small; what is needed and what would mend it.
    """
    if not recipe.loader_workers or not SHARED_MEMORY.is_dir():
        return
    free = free_bytes(SHARED_MEMORY)
    patches = rows.tokens.patches()
    patch_bytes = 3 * image_processor.patch_size**2
    in_rows = sorted(
        (sum(int(patches[i]) * patch_bytes for i in row) + recipe.tokens_per_row * TOKEN_BYTES for row in rows.rows),
        reverse=True,
    )
    largest = sum(in_rows[: recipe.rows_per_micro_batch])
    batches = ranks_here * recipe.loader_workers * prefetched(recipe, accumulation)
    if batches * largest > free:
        raise UserError(
            f"{SHARED_MEMORY} has {free / 2**20:,.0f} MiB free, and the loader's workers need up to "
            f"{batches * largest / 2**20:,.0f} MiB there ({ranks_here} ranks x {recipe.loader_workers} workers x "
            f"{batches // ranks_here // recipe.loader_workers} micro-batches of {largest / 2**20:,.0f} MiB): start the container "
            f"with --shm-size={-(-batches * largest // 2**30) + 1}g or --ipc=host, or set loader_workers=0 (slower)"
        )
