"""The checks and the log of a run, per optimizer step: what idf's own engine does around each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.hooks import Hook

from idf.errors import UserError
from idf.training.collate import COUNTS
from idf.training.flops import Counts, shape_of, train_flops
from idf.training.log import RunLog, StepFacts, read_history
from idf.training.loss_guard import LossGuard
from idf.training.model import GradientWatch
from idf.training.recipe import StageRecipe

from ._model import bare
from ._recipe import stage_recipe


class StepLog(Hook):  # type: ignore[misc]
    """Checks what runs against the recipe, then writes one line a step and `history.jsonl`, as `launch/stage1.py` does.

    mmengine's own log has a line for each micro-batch, with the share of one device.

    Args:
        recipe: The stage's recipe, as a dict.
    """

    priority = "BELOW_NORMAL"

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        self.recipe = stage_recipe(recipe)

    def before_train(self, runner: Any) -> None:
        """Check the engine; open the log where the run resumes."""
        recipe, model, ranks = self.recipe, bare(runner.model), runner.world_size
        self.accumulation = recipe.accumulation_steps(ranks)
        _check_engine(runner, recipe, self.accumulation)
        for name, buffer in model.named_buffers():  # in bf16, positions beyond 256 would be mixed up
            if "inv_freq" in name and buffer.dtype != torch.float32:
                raise RuntimeError(f"the rotary frequencies {name} were cast to {buffer.dtype}")
        done = runner.iter // self.accumulation
        self.shape, self.data = shape_of(model.stage.vlm), runner.train_dataloader.dataset
        losses = [row["loss"] for row in read_history(Path(recipe.run)) if row["step"] <= done]
        self.guard = LossGuard(recipe.loss_spike, losses)
        self.log = (
            RunLog(recipe, ranks, self.data.steps, done, None, epochs=recipe.epochs) if runner.rank == 0 else None
        )
        self.gradients = GradientWatch(model) if done == 0 else None
        self._begin()

    def _begin(self) -> None:
        self._since = time.perf_counter()
        self._loss, self._wait, self._counts = 0.0, 0.0, torch.zeros(len(COUNTS), dtype=torch.float64)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Add a micro-batch up; after the last one of a step, look at the step and log it."""
        self._loss += float(outputs["loss"].detach()) / self.accumulation
        self._wait += runner.message_hub.get_scalar("train/data_time").current()
        self._counts += data_batch["data"]["counts"].cpu()
        if (batch_idx + 1) % self.accumulation:
            return
        if self.gradients is not None:
            self.gradients.check()
            self.gradients = None
        step, seconds = (batch_idx + 1) // self.accumulation, time.perf_counter() - self._since
        waits = [self._wait if rank == runner.rank else 0.0 for rank in range(runner.world_size)]
        total, *rest = _add_up([self._loss, *self._counts.tolist(), *waits])
        counts = Counts(**{name: int(n) for name, n in zip(COUNTS, rest)})
        loss, norm = total / runner.world_size, _gradient_norm(runner)
        self.guard.check(loss, norm, step)
        if self.log is not None:
            flops = train_flops(self.shape, counts, lora_rank=None)
            memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
            self.log.step(
                StepFacts(
                    step=step,
                    loss=loss,
                    grad_norm=norm,
                    learning_rate=runner.message_hub.get_scalar("train/lr").current(),
                    label_tokens=counts.label_tokens,
                    tokens=counts.tokens,
                    seconds=seconds,
                    data_wait=max(rest[len(COUNTS) :]),
                    teraflops=flops / seconds / runner.world_size / 1e12,
                    memory_gib=memory,
                )
            )
        self._begin()

    def after_train(self, runner: Any) -> None:
        """End the log."""
        if self.log is not None:
            self.log.draw({})
            self.log.close()


def _check_engine(runner: Any, recipe: StageRecipe, accumulation: int) -> None:
    """Refuse to train otherwise than the recipe, which `idf.json` will repeat, says."""
    if Path(runner.work_dir).resolve() != Path(recipe.run).resolve():
        raise UserError(
            f"XTuner would work in {runner.work_dir}, the recipe in {recipe.run}: set work_dir in the config"
        )
    # DeepSpeed's engine speaks of ZeRO; a plain or DDP model does not.
    stage = runner.model.zero_optimization_stage() if runner.cfg.get("strategy") else None
    preset = recipe.deepspeed
    wanted = None if preset is None else int(preset.removeprefix("zero")[0])
    if stage != wanted:
        told = "no --deepspeed" if wanted is None else f"--deepspeed deepspeed_{preset}"
        raise UserError(f"the config's recipe says deepspeed={preset}: start it with {told}")
    engine = runner.model.gradient_accumulation_steps() if stage else runner.optim_wrapper._accumulative_counts
    if engine != accumulation:
        raise UserError(
            f"accumulative_counts is {engine}, but rows_per_step asks for {accumulation} on {runner.world_size} devices: set "
            f"accumulative_counts = {accumulation} in the config"
        )


def _gradient_norm(runner: Any) -> float:
    """Of the whole gradient of the step, before clipping."""
    if runner.cfg.get("strategy"):
        return float(runner.model.get_global_grad_norm())
    return float(runner.message_hub.get_scalar("train/grad_norm").current())


def _add_up(numbers: list[float]) -> list[float]:
    """The sums of numbers over all ranks, in double precision."""
    device = "cuda" if dist.is_initialized() and dist.get_backend() == "nccl" else "cpu"
    tensor = torch.tensor(numbers, dtype=torch.float64, device=device)
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor.tolist()
