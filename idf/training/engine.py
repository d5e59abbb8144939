"""Ranks, gradients and optimizer, by Accelerate: plain data parallelism or DeepSpeed ZeRO behind the same few calls."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from idf.errors import UserError

from .deepspeed import deepspeed_config, leave_to_gloo
from .hang import HangWatch
from .model import is_vision
from .ranks import Ranks
from .recipe import StageRecipe

_PREFIX = "vlm."  # StageModel holds the model under this name


def check_restarts() -> None:
    """Refuse torchrun's restarts where ranks that are started again may read the addresses of those that died.

    torchrun lets ranks meet in its own store, which outlives them, unless it is told not to; what comes first, the old
    address or the new one, is a race, and a lost one ends the job or hangs it (pytorch/pytorch#135712; seen with 2.14).

    Raises:
        UserError: Restarts are asked for, and ranks meet in torchrun's store.
    """
    if (
        int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0"))
        and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    ):
        raise UserError(
            "with --max-restarts, restarted ranks may wait forever for those that died: give torchrun --standalone (or "
            "--rdzv_backend c10d), and TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in its environment"
        )


def optimizer_groups(model: nn.Module, weight_decay: float) -> tuple[list[dict[str, Any]], list[bool]]:
    """What learns in groups for an optimizer: the language model's before the vision part's, and matrices before the rest.

    Norms and biases are not decayed. Under ZeRO-3 a sharded tensor is flat; its own shape is in `ds_shape`.

    Args:
        model: Frozen where it does not learn.
        weight_decay: Of matrices.

    Returns:
        The groups, none of them empty, and whether each is of the vision part.
    """
    held: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            plain = len(getattr(parameter, "ds_shape", parameter.shape)) <= 1
            held.setdefault((is_vision(name), plain), []).append(parameter)
    order = sorted(held)
    groups = [{"params": held[kind], "weight_decay": 0.0 if kind[1] else weight_decay} for kind in order]
    return groups, [of_vision for of_vision, _ in order]


class Engine(Ranks):
    """Joins the other ranks, and steps a model with them.

    Args:
        recipe: The stage's recipe.

    Raises:
        UserError: It was not started by torchrun, or so that restarted ranks may not meet (see `check_restarts`), or
            `rows_per_step` does not divide over the ranks.
    """

    def __init__(self, recipe: StageRecipe) -> None:
        super().__init__()
        check_restarts()
        self.recipe = recipe
        self.accumulation = recipe.accumulation_steps(self.ranks)
        from accelerate import Accelerator, DeepSpeedPlugin
        from accelerate.utils import DistributedType, InitProcessGroupKwargs

        plugin, self.sharding = None, None
        on_cpu = recipe.device == "cpu"
        if recipe.deepspeed is not None:
            if on_cpu:
                leave_to_gloo()
            config = deepspeed_config(
                recipe.deepspeed,
                precision=recipe.precision,
                device=recipe.device,
                adapters=recipe.lora is not None,
                micro_batch=recipe.rows_per_micro_batch,
                accumulation=self.accumulation,
                max_grad_norm=recipe.max_grad_norm,
                fp32_gradients=recipe.fp32_gradients and recipe.precision == "bf16",
            )
            plugin = DeepSpeedPlugin(hf_ds_config=config)
        # How long ranks wait for each other is HangWatch's business: it knows who is behind.
        group = InitProcessGroupKwargs(backend="gloo" if on_cpu else "nccl", timeout=timedelta(days=1))
        if on_cpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self.accelerator = Accelerator(
            cpu=on_cpu and plugin is None,  # with cpu=True Accelerate would pass over DeepSpeed, without a word
            mixed_precision="bf16" if recipe.precision == "bf16" else "no",
            gradient_accumulation_steps=self.accumulation,
            deepspeed_plugin=plugin,
            kwargs_handlers=[group],
        )
        if recipe.sharded:
            # While this object lives, transformers shards what it loads: no GPU ever holds the whole model.
            from transformers.integrations import HfDeepSpeedConfig

            self.sharding = HfDeepSpeedConfig(config)
        self.device = self.accelerator.device
        self.watch = HangWatch(recipe.hang_seconds)
        self.watch.phase("meeting the other ranks")
        self.wait()
        with_deepspeed = self.accelerator.distributed_type == DistributedType.DEEPSPEED
        if with_deepspeed != (plugin is not None) or self.device.type != ("cpu" if on_cpu else "cuda"):
            raise RuntimeError(f"Accelerate chose {self.accelerator.distributed_type} on {self.device}")

    def prepare(self, model: nn.Module) -> None:
        """Take the model in: optimizer, data parallelism or ZeRO."""
        recipe = self.recipe
        groups, self.of_vision = optimizer_groups(model, recipe.weight_decay)
        optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(recipe.betas[0], recipe.betas[1]))
        self.model: Any
        if self.ranks == 1 and recipe.deepspeed is None:
            # There is nobody to average with, and PyTorch's buckets would hold every gradient a second time.
            self.model, self.optimizer = model.to(self.device), self.accelerator.prepare(optimizer)
        else:
            self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        torch.manual_seed(1_000_003 * self.rank + recipe.seed)  # what adapters drop differs from rank to rank
        for name, buffer in self.bare.named_buffers():  # in bf16, positions beyond 256 would be mixed up
            if "inv_freq" in name and buffer.dtype != torch.float32:
                raise RuntimeError(f"the rotary frequencies {name} were cast to {buffer.dtype}")

    @property
    def bare(self) -> Any:
        """The model itself, without what prepare put around it."""
        return self.accelerator.unwrap_model(self.model)

    def step(
        self,
        batches: Sequence[dict[str, Tensor]],
        label_tokens: int,
        learning_rate: float,
        vision_learning_rate: float | None = None,
    ) -> tuple[float, float]:
        """One optimizer step: the summed loss of all micro-batches over the label tokens of the whole global batch.

        Data parallelism averages gradients over ranks, and Accelerate over micro-batches; the factor turns both means into
        the sum that we want.

        Args:
            batches: This rank's micro-batches.
            label_tokens: In all micro-batches of all ranks.
            learning_rate: Of this step.
            vision_learning_rate: That of the vision part; None where none of it learns.

        Returns:
            This rank's summed loss, and the global norm of the gradient before clipping.
        """
        for group, of_vision in zip(self.optimizer.param_groups, self.of_vision, strict=True):
            group["lr"] = vision_learning_rate if of_vision else learning_rate
        factor = self.ranks * self.accumulation / label_tokens
        loss = torch.zeros((), device=self.device)
        norm: Any = None
        for batch in batches:
            batch = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
            with self.accelerator.accumulate(self.model):
                total = self.model(**batch)
                self.accelerator.backward(total * factor)  # under DeepSpeed this steps, too, after the last one
                loss += total.detach()
                if self.accelerator.sync_gradients:
                    # Under DeepSpeed its own configuration clips, and this only tells the norm.
                    limit = inf if self.recipe.max_grad_norm is None else self.recipe.max_grad_norm
                    norm = self.accelerator.clip_grad_norm_(self.model.parameters(), limit)
                    self.optimizer.step()
                    self.optimizer.zero_grad()
        return float(loss), float(norm)

    # --- between ranks --------------------------------------------------------------------------------------------

    def add_up(self, numbers: Sequence[float]) -> list[float]:
        """The sums of numbers over all ranks, in double precision."""
        tensor = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        if dist.is_initialized():
            dist.all_reduce(tensor)
        return tensor.tolist()

    # --- saving and loading ---------------------------------------------------------------------------------------

    def weights(self) -> dict[str, Tensor] | None:
        """All weights under the model's own names, on rank 0, if they had to be gathered (ZeRO-3); else None."""
        if not self.recipe.sharded:
            return None
        state = self.accelerator.get_state_dict(self.model)
        return None if state is None else {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}

    def save_state(self, folder: Path, progress: dict[str, Any]) -> None:
        """Write all that is needed to go on. Called on every rank."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.recipe.deepspeed is not None:
            self.model.save_checkpoint(str(folder), tag="zero", exclude_frozen_parameters=True)
        elif self.first:
            torch.save(self.optimizer.state_dict(), folder / "optimizer.pt")
        random = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state()
        torch.save(random, folder / f"random-{self.rank}.pt")
        if self.first:
            (folder / "progress.json").write_text(json.dumps(progress) + "\n")

    def load_state(self, folder: Path) -> None:
        """Go on as if nothing had happened: optimizer and random numbers (weights were loaded with the model)."""
        if self.recipe.deepspeed is not None:
            # Its own copy of the learned weights is in it as well; the frozen ones are not.
            self.model.load_checkpoint(
                str(folder), tag="zero", load_module_strict=False, load_lr_scheduler_states=False
            )
        else:
            saved = torch.load(folder / "optimizer.pt", map_location="cpu", weights_only=True)
            self.optimizer.load_state_dict(saved)
        random = torch.load(folder / f"random-{self.rank}.pt", map_location="cpu", weights_only=True)
        torch.set_rng_state(random["cpu"])
        if "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"])
