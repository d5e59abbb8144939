"""The evaluation hook: every saved checkpoint answers a small suite. It never stops the training that it watches."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.distributed as dist
from tqdm import tqdm

from idf.backends import Sampling, unsharded
from idf.evaluation import HFBackend, Row, evaluate, exercise_table, table
from idf.imagery import draw_suite
from idf.suites import Item, SuiteRecipe

from .card import renew_card
from .checkpoint import FINAL
from .evaluations import Asked, best, evaluated, note_failure, publish
from .recipe import TrainingRecipe

__all__ = ["EvaluationHook", "best", "evaluate_checkpoint", "evaluated", "hook_items"]


class Stopped(Exception):
    """The caller wants no more of an evaluation."""


class CheckpointRemoved(Exception):
    """Training removed the checkpoint while it was loaded."""


@dataclass
class Share:
    """What a rank brings to the gathering.

    Attributes:
        rows: Its scored rows.
        stopped: Whether it ended early because it was asked to.
        failure: Type and first line of what went wrong.
        details: The traceback.
    """

    rows: list[Row] = field(default_factory=list)
    stopped: bool = False
    failure: str = ""
    details: str = ""


def hook_items(recipe: TrainingRecipe) -> list[Item]:
    """The suite that the recipe's hook asks, always the same one: problems, then the exercises."""
    hook = recipe.hook
    problems = SuiteRecipe(
        items=hook.items, worlds=hook.worlds, difficulties=hook.difficulties, max_pixels=recipe.max_pixels
    )
    suites = [problems, replace(problems, kinds=hook.kinds)] if hook.kinds else [problems]
    return [item for suite in suites for item in draw_suite(suite)[0]]


def evaluate_checkpoint(
    folder: Path,
    recipe: TrainingRecipe,
    items: Sequence[Item],
    *,
    device: str,
    stop: Callable[[], bool],
    rank: int = 0,
    ranks: int = 1,
    show: bool = False,
) -> list[Row]:
    """Ask a checkpoint the recipe's questions, or one rank's share of them.

    Ranks share whole batches: which prompts are padded and computed together, and so every rounding, does not depend on
    their number. One process in `idf-eval --watch` gets what any number of ranks get in training.

    Args:
        folder: A complete checkpoint.
        recipe: Says what is asked.
        items: All items, from `hook_items`.
        device: Where the model goes.
        stop: Asked before each batch.
        rank: Which share.
        ranks: How many shares.
        show: Whether a terminal gets a progress bar.

    Returns:
        The rows of the share, batch by batch.

    Raises:
        Stopped: `stop` said so.
        CheckpointRemoved: The folder disappeared while it was loaded.
        UserError: It cannot be loaded.
    """
    hook = recipe.hook
    batches = [
        (mode, group[i : i + hook.batch_size])
        for mode in hook.modes
        for group in _apart(items)
        for i in range(0, len(group), hook.batch_size)
    ][rank::ranks]
    if not batches:
        return []
    if stop():
        raise Stopped
    rows: list[Row] = []
    with unsharded(), _random_numbers_kept(device):
        backend = HFBackend(
            str(folder), sampling=Sampling(hook.max_new_tokens), batch_size=hook.batch_size, device=device
        )
        # Some files may be missing without an error (generation_config.json), and the answers would be others.
        if not (folder / "idf.json").exists():
            raise CheckpointRemoved(f"{folder} was removed while it was loaded")
        for mode, some in tqdm(batches, unit=" batches", disable=None if show else True, mininterval=1):
            if stop():
                raise Stopped
            rows += evaluate(some, [mode], backend, prompts=hook.prompts, max_pixels=recipe.max_pixels, show=False)
    return rows


def _apart(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Problems and exercises: what problems are answered does not depend on whether exercises are asked, too."""
    return [item for item in items if item.exercise is None], [item for item in items if item.exercise is not None]


def conclude(
    folder: Path, recipe: TrainingRecipe, items: Sequence[Item], rows: Sequence[Row], device: str
) -> dict[str, float]:
    """Publish the rows of all shares and print the tables; those of exercises are results of their own.

    Returns:
        Mode -> accuracy as the mean over worlds.
    """
    hook = recipe.hook
    problems, exercises = _apart(items)
    order = {(mode, item.id): i for i, (mode, item) in enumerate((mode, item) for mode in hook.modes for item in items)}
    facts = {
        "evaluated": str(folder),
        "suite": "generated for the evaluation hook",
        "items": len(problems),
        "items_per_cell": hook.items,
        "worlds": hook.worlds,
        "difficulties": hook.difficulties,
        "modes": hook.modes,
        "prompts": hook.prompts,
        "max_pixels": recipe.max_pixels,
        "max_new_tokens": hook.max_new_tokens,
        "batch_size": hook.batch_size,
        "sampling": "greedy",
        "device": device,
    }
    ordered = sorted(rows, key=lambda row: order[row.mode, row.id])
    asked = [Asked([row for row in ordered if row.kind is None], facts, problems)]
    if exercises:
        told = facts | {"items": len(exercises), "kinds": hook.kinds}
        asked.append(Asked([row for row in ordered if row.kind is not None], told, exercises))
    results, *more = publish(folder, *asked)
    print(f"evaluation of {folder}\n{table(results)}", *map(exercise_table, more), sep="\n", flush=True)
    if folder.name == FINAL:
        try:
            renew_card(folder)
        except OSError as error:
            print(f"the model card of {folder} does not say this accuracy: {error}", flush=True)
    macro: dict[str, float] = results["macro_accuracy"]
    return macro


def first_line(error: BaseException) -> str:
    """An exception in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def free_memory(device: str) -> None:
    """Give the memory of an evaluated model back, so that others can have it."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


class EvaluationHook:
    """Evaluates checkpoints between two steps of training; each rank takes every n-th batch of prompts.

    Args:
        recipe: The stage's recipe; `recipe.hook` says what is asked.
    """

    def __init__(self, recipe: TrainingRecipe) -> None:
        self.recipe = recipe
        self.rank, self.ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.items = hook_items(recipe)

    def run(self, folder: Path, stop: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """Evaluate a checkpoint; to be called on every rank.

        Results go to `<run>/evaluations/<name>/`. An evaluation that fails on any rank is printed, its traceback goes to
        `<run>/evaluations/<name>.error.txt`, and training can go on.

        Args:
            folder: A complete checkpoint of the run.
            stop: Asked before each batch; if it says yes on any rank, the evaluation is dropped.

        Returns:
            Mode -> accuracy as the mean over worlds, on every rank; None if there is no result.
        """
        device = f"cuda:{torch.cuda.current_device()}" if self.recipe.device == "gpu" else "cpu"
        share = self._answer(folder, device, stop)
        free_memory(device)
        shares = [share]
        if self.ranks > 1:
            shares = [Share()] * self.ranks
            dist.all_gather_object(shares, share)
        macro = [self._conclude(folder, device, shares) if self.rank == 0 else None]
        if self.ranks > 1:  # only rank 0 knows whether the disk took the results
            dist.broadcast_object_list(macro, src=0)
        return macro[0]

    def _answer(self, folder: Path, device: str, stop: Callable[[], bool]) -> Share:
        """This rank's share. Nothing is raised: the other ranks wait for it."""
        try:
            rows = evaluate_checkpoint(
                folder,
                self.recipe,
                self.items,
                device=device,
                stop=stop,
                rank=self.rank,
                ranks=self.ranks,
            )
        except Stopped:
            return Share(stopped=True)
        except Exception as error:  # as text, since the exception would keep the model in memory
            return Share(failure=first_line(error), details=traceback.format_exc())
        return Share(rows)

    def _conclude(self, folder: Path, device: str, shares: Sequence[Share]) -> dict[str, float] | None:
        """Rank 0: publish what all ranks brought, or say why not."""
        failed = {rank: share for rank, share in enumerate(shares) if share.failure}
        if failed:
            _report_failure(folder, failed)
        elif any(share.stopped for share in shares):
            print(f"evaluation of {folder} dropped: the run was asked to stop", flush=True)
        else:
            try:
                rows = [row for share in shares for row in share.rows]
                return conclude(folder, self.recipe, self.items, rows, device)
            except Exception as error:  # a full disk, say
                _report_failure(folder, {0: Share(failure=first_line(error), details=traceback.format_exc())})
        return None


def _report_failure(folder: Path, failed: dict[int, Share]) -> None:
    rank, *others = failed
    more = f" (and on ranks {', '.join(map(str, others))})" if others else ""
    print(f"evaluation of {folder} failed on rank {rank}: {failed[rank].failure}{more}", flush=True)
    note_failure(folder, "\n".join(f"rank {rank}\n{share.details}" for rank, share in failed.items()))


@contextmanager
def _random_numbers_kept(device: str) -> Iterator[None]:
    """Training draws (dropout) what it would have drawn without an evaluation."""
    with torch.random.fork_rng([device] if device.startswith("cuda") else []):
        yield
