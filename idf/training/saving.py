"""A checkpoint is written under another name, and renamed once all ranks have written all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from idf.errors import RankError, UserError

from .card import write_card
from .checkpoint import FINAL, SAVING, STATE, publish, remove_old, saving_folder
from .evaluations import best
from .ranks import Ranks
from .whole import seal, write_list


def save_checkpoint(
    ranks: Ranks,
    run: Path,
    name: str,
    *,
    weights: Callable[[Path], None],
    state: Callable[[Path], None] | None,
    keep: int,
    phase: Callable[[str], None],
) -> Path:
    """Write a checkpoint; to be called on every rank.

    Args:
        ranks: This process among the others.
        run: Folder of the run.
        name: Name of the checkpoint.
        weights: Writes the complete Hugging Face folder; called on rank 0.
        state: Writes what the run is resumed from; called on every rank. None for no such state.
        keep: How many checkpoints stay, beside the one that the hook found best.
        phase: Is told what this rank does.

    Returns:
        The checkpoint.

    Raises:
        UserError: It cannot be written.
    """
    part = run / f"{SAVING}{name}"
    phase(f"writing the weights of {name}")
    error = None
    if ranks.first:
        try:
            saving_folder(run, name)
            weights(part)
            if name == FINAL:
                write_card(part, run)
        except FILE_ERRORS as problem:
            error = _could_not_be_written(name, problem)
    phase(f"waiting for the weights of {name} to be written")
    ranks.agree(error)
    if state is not None:
        phase(f"writing the state of {name}")
        try:
            state(part / STATE)
        except FILE_ERRORS as problem:
            # The others may wait inside of DeepSpeed: this rank speaks alone, and torchrun ends them.
            raise RankError(_could_not_be_written(name, problem)) from None
    phase(f"waiting for all of {name} to be written")
    ranks.wait()
    phase(f"flushing {name} to the disk")
    try:
        mine = seal(part, ranks.rank)
    except OSError as problem:
        raise RankError(_could_not_be_written(name, problem)) from None
    listed = ranks.gather(mine)
    if ranks.first:
        try:
            write_list(part, listed)
            publish(run, name)
            remove_old(run, keep, _best(run))
        except OSError as problem:
            error = _could_not_be_written(name, problem)
    ranks.agree(error)
    return run / name


def _best(run: Path) -> str | None:
    """The checkpoint that the hook found best. Results that cannot be read stop no training."""
    try:
        return best(run)
    except UserError as error:
        print(f"which checkpoint is the best is not known: {error}", flush=True)
        return None


FILE_ERRORS = (OSError, RuntimeError, SafetensorError)
"""What torch and safetensors raise if a file cannot be written; RuntimeErrors are told apart by their words."""


def _could_not_be_written(name: str, problem: Exception) -> str:
    """The sentence for a checkpoint that could not be written; any other error is raised again."""
    text = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
    words = ("no space", "disk quota", "os error", "writing file", "write file", "unexpected pos", "read-only")
    if not isinstance(problem, OSError) and not any(word in text.lower() for word in words):
        raise problem
    return f"{name} could not be written, is the disk full? ({text})"
