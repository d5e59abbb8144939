"""The evaluation hook: every saved checkpoint answers a small suite, and the accuracy stands beside the loss."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import TrainerCallback
from transformers.integrations.deepspeed import set_hf_deepspeed_config, unset_hf_deepspeed_config

from idf.evaluation import HFBackend, Row, evaluate, summarize, table, write_report, write_results
from idf.suites import SuiteRecipe, draw_items

from .recipe import StageRecipe


def distributed() -> tuple[int, int]:
    """(rank, number of ranks) of this process."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


class EvaluationHook(TrainerCallback):
    """Evaluates the folders that the trainer writes; each rank takes a share of the items.

    Args:
        recipe: The stage's recipe; `recipe.hook` says what is asked.
    """

    def __init__(self, recipe: StageRecipe) -> None:
        self.recipe = recipe
        # Set when the trainer takes the hook: StageTrainer.log, and Trainer's DeepSpeed configuration.
        self.log: Any = None
        self.deepspeed: Any = None
        self.rank, self.ranks = distributed()
        suite = SuiteRecipe(
            items=recipe.hook.items,
            worlds=recipe.hook.worlds,
            difficulties=recipe.hook.difficulties,
            max_pixels=recipe.max_pixels,
        )
        self.items, _ = draw_items(suite)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called on every rank after a checkpoint was written. The last one is evaluated as `final/`."""
        if state.global_step >= state.max_steps:
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self.run(folder)

    def run(self, folder: Path) -> dict[str, Any]:
        """Evaluate a checkpoint folder; writes `evaluation/` into it and logs the accuracy.

        Args:
            folder: A complete checkpoint.

        Returns:
            The results, on every rank.
        """
        hook = self.recipe.hook
        on_gpu = self.recipe.device == "gpu"
        device = f"cuda:{torch.cuda.current_device()}" if on_gpu else "cpu"
        mine = self.items[self.rank :: self.ranks]
        with _without_sharding(self.deepspeed):
            backend = HFBackend(
                str(folder), max_new_tokens=hook.max_new_tokens, batch_size=hook.batch_size, device=device
            )
            rows = evaluate(
                mine, hook.modes, backend, prompts=hook.prompts, max_pixels=self.recipe.max_pixels, show=False
            )
        del backend
        if on_gpu:  # training needs the memory back
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        rows = self._gather(rows)
        results = summarize(rows)
        if self.rank == 0:
            facts = {
                "evaluated": str(folder),
                "suite": "generated for the evaluation hook",
                "items": len(self.items),
                "prompts": hook.prompts,
            }
            results = write_results(rows, folder / "evaluation", facts)
            write_report(rows, results, folder / "evaluation")
            print(f"evaluation of {folder}\n{table(results)}", flush=True)
        self.log({f"eval/{mode}_accuracy": share for mode, share in results["macro_accuracy"].items()})
        return results

    def _gather(self, rows: list[Row]) -> list[Row]:
        if self.ranks == 1:
            return rows
        shares: list[list[Row]] = [[] for _ in range(self.ranks)]
        dist.all_gather_object(shares, rows)
        order = {item.id: i for i, item in enumerate(self.items)}
        return sorted((row for share in shares for row in share), key=lambda row: (row.mode, order[row.id]))


@contextmanager
def _without_sharding(deepspeed: Any) -> Iterator[None]:
    """While a ZeRO-3 configuration is alive, transformers shards every model that it loads; ours is to be whole."""
    if deepspeed is None:
        yield
        return
    unset_hf_deepspeed_config()
    try:
        yield
    finally:
        set_hf_deepspeed_config(deepspeed)
