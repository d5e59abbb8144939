"""What a training stage is, in one typed object."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from idf.errors import UserError
from idf.recipe import check_names, check_pixels, check_positive, read_recipe
from idf.suites import MODES, PROMPTS
from idf.worlds import DIFFICULTIES, WORLDS

from .deepspeed import PRESETS


@dataclass(frozen=True)
class LoraRecipe:
    """Low-rank adapters on all linear layers of the language model, instead of its full fine-tuning.

    Attributes:
        rank: Rank of each adapter.
        alpha: Scale: an adapter's product counts alpha / rank times.
        dropout: Share of an adapter's inputs that are dropped in training.
    """

    rank: int = 64
    alpha: int = 128
    dropout: float = 0.0


@dataclass(frozen=True)
class HookRecipe:
    """The small suite that every saved checkpoint is asked.

    Attributes:
        mode: "inline": training stops and every rank takes a share. "watch": nothing happens here; `idf-eval --watch RUN`
            elsewhere picks up each new checkpoint. "off".
        items: Items for each world and difficulty.
        worlds: The worlds to ask.
        difficulties: The difficulties to ask.
        modes: What is shown.
        prompts: The prompt set.
        max_new_tokens: Longest response.
        batch_size: Prompts generated at once on each device.
    """

    mode: Literal["inline", "watch", "off"] = "inline"
    items: int = 10
    worlds: list[str] = field(default_factory=lambda: list(WORLDS))
    difficulties: list[str] = field(default_factory=lambda: list(DIFFICULTIES))
    modes: list[str] = field(default_factory=lambda: ["vtqa"])
    prompts: str = "idf-long-1"
    max_new_tokens: int = 2048
    batch_size: int = 16


@dataclass(frozen=True)
class StageRecipe:
    """A training stage.

    Attributes:
        stage: "imagery" (Imagery-Distillation) or "reasoning" (Reasoning-Distillation).
        model: Base model or parent checkpoint: a local folder or a hub name.
        data: Dataset folder.
        run: Folder of the run; receives `checkpoint-<step>/` and `final/`.
        device: "gpu", or "cpu" for tiny models.
        gpus: Number of devices the recipe is meant for; `--dry-run` counts steps with it.
        precision: "bf16" (with fp32 master weights, by DeepSpeed) or "fp32".
        deepspeed: Name of a preset, or None for plain data parallelism.
        attention: Implementation of attention in transformers.
        gradient_checkpointing: Recompute activations in the backward pass.
        epochs: Passes over the data.
        learning_rate: Peak learning rate (AdamW).
        betas: Its two decay rates.
        weight_decay: Its decoupled weight decay.
        warmup: Share of the steps over which the learning rate rises linearly; then it falls along a cosine to 0.
        max_grad_norm: Gradients are clipped to this global norm.
        tokens_per_row: Samples are packed into rows of at most this many tokens.
        rows_per_micro_batch: Rows in one forward pass on one device.
        rows_per_step: Rows in one optimizer step, over all devices.
        max_pixels: Largest picture; a larger one is refused, since training never resamples.
        lora: Adapters instead of full fine-tuning; None for full fine-tuning.
        save_steps: Steps between checkpoints.
        keep_checkpoints: How many of the last ones stay; the one that the hook found best stays besides.
        log_steps: Steps between log lines.
        loader_workers: Processes that decode pictures, on each device.
        resume: What goes on after an interruption. "exact": everything; the number of devices must be that of the run.
            "weights": weights, step, data order and schedule, with fresh optimizer moments, if the number of devices or
            the preset is another one.
        loss_spike: Stop if a step's loss lies so many nats above the median of the last 32; None for never.
        hang_seconds: A rank that makes no progress for so long is named, and the run stops.
        peak_tflops: What 100 % MFU is, in 10^12 bf16 operations a second and device; None to take the data sheet's
            figure of a GPU that `idf` knows.
        seed: Order of data and initialisation of anything new.
        wandb: Log to Weights & Biases (offline unless WANDB_API_KEY is set).
        hook: The evaluation hook.
    """

    stage: Literal["imagery", "reasoning"]
    model: str
    data: str
    run: str
    device: Literal["gpu", "cpu"] = "gpu"
    gpus: int = 8
    precision: Literal["bf16", "fp32"] = "bf16"
    deepspeed: str | None = "zero2"
    attention: Literal["sdpa", "flash_attention_2", "eager"] = "sdpa"
    gradient_checkpointing: bool = True
    epochs: float = 1.0
    learning_rate: float = 1e-5
    betas: list[float] = field(default_factory=lambda: [0.9, 0.95])
    weight_decay: float = 0.0
    warmup: float = 0.03
    max_grad_norm: float = 1.0
    tokens_per_row: int = 8192
    rows_per_micro_batch: int = 1
    rows_per_step: int = 16
    max_pixels: int = 1204224
    lora: LoraRecipe | None = None
    save_steps: int = 200
    keep_checkpoints: int = 2
    log_steps: int = 1
    loader_workers: int = 4
    resume: Literal["exact", "weights"] = "exact"
    loss_spike: float | None = 2.0
    hang_seconds: int = 1800
    peak_tflops: float | None = None
    seed: int = 0
    wandb: bool = True
    hook: HookRecipe = field(default_factory=HookRecipe)

    def check(self) -> None:
        """Refuse what cannot work, before any device is touched."""
        if self.deepspeed is not None and self.deepspeed not in PRESETS:
            raise UserError(f"deepspeed must be one of {', '.join(PRESETS)} or null, not {self.deepspeed!r}")
        if self.deepspeed is None and self.precision == "bf16":
            raise UserError(
                "precision bf16 needs a deepspeed preset: without one there are no fp32 master weights, and at a "
                "small learning rate most bf16 weights would never change"
            )
        for name in ("epochs", "learning_rate", "tokens_per_row", "rows_per_micro_batch", "rows_per_step", "gpus"):
            if getattr(self, name) <= 0:
                raise UserError(f"{name} must be above zero, not {getattr(self, name)}")
        for name in ("save_steps", "log_steps", "keep_checkpoints", "hang_seconds"):
            check_positive(name, getattr(self, name))
        for name in ("loss_spike", "peak_tflops"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                raise UserError(f"{name} must be above zero or null, not {getattr(self, name)}")
        if self.lora is not None:
            check_positive("lora.rank", self.lora.rank)
            if self.lora.alpha <= 0:
                raise UserError(f"lora.alpha must be above zero, not {self.lora.alpha}")
            if not 0 <= self.lora.dropout < 1:
                raise UserError(f"lora.dropout is a share, from 0 to below 1, not {self.lora.dropout}")
        if len(self.betas) != 2:
            raise UserError(f"betas must be two numbers, not {self.betas}")
        if self.hook.items < 1:
            raise UserError(f"hook.items must be at least 1, not {self.hook.items}; hook.mode=off turns the hook off")
        check_pixels(self.max_pixels)
        if self.attention == "flash_attention_2" and self.rows_per_micro_batch > 1:
            raise UserError(
                "rows_per_micro_batch must be 1 with attention flash_attention_2: only then it keeps packed samples apart"
            )
        if not 0 <= self.warmup < 1:
            raise UserError(f"warmup is a share of the steps, from 0 to below 1, not {self.warmup}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UserError(f"betas must lie between 0 and 1, not {self.betas}")
        if self.loader_workers < 0:
            raise UserError(f"loader_workers must not be negative, but is {self.loader_workers}")
        check_positive("hook.max_new_tokens", self.hook.max_new_tokens)
        check_positive("hook.batch_size", self.hook.batch_size)
        check_names("hook.worlds", self.hook.worlds, WORLDS)
        check_names("hook.difficulties", self.hook.difficulties, DIFFICULTIES)
        check_names("hook.modes", self.hook.modes, MODES)
        check_names("hook.prompts", [self.hook.prompts], PROMPTS)

    @property
    def sharded(self) -> bool:
        """Whether parameters are sharded over ranks."""
        return (self.deepspeed or "").startswith("zero3")

    def accumulation_steps(self, devices: int) -> int:
        """Micro-batches that each device adds up before an optimizer step.

        Raises:
            UserError: `rows_per_step` does not divide.
        """
        at_once = self.rows_per_micro_batch * devices
        if self.rows_per_step % at_once:
            raise UserError(
                f"rows_per_step ({self.rows_per_step}) must be a multiple of rows_per_micro_batch x devices "
                f"({self.rows_per_micro_batch} x {devices} = {at_once})"
            )
        return self.rows_per_step // at_once


@dataclass(frozen=True)
class StageArguments:
    """What a launch script was called with."""

    recipe: StageRecipe
    recipe_path: Path
    dry_run: bool


def read_arguments(description: str | None, default: str, stage: str) -> StageArguments:
    """Parse the command line of a launch script: `--recipe F`, `--dry-run`, and `key=value` overrides.

    Raises:
        UserError: The recipe is wrong, or of another stage.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--recipe", type=Path, default=Path(default), help="YAML recipe (default: %(default)s)")
    parser.add_argument(
        "--dry-run", action="store_true", help="check recipe and data, count parameters and steps, train nothing"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. learning_rate=5e-6"
    )
    arguments = parser.parse_args()
    recipe = read_recipe(StageRecipe, arguments.recipe, arguments.overrides)
    if recipe.stage != stage:
        other = {"imagery": "launch/stage1.py", "reasoning": "launch/stage2.py"}[recipe.stage]
        raise UserError(f"{arguments.recipe} is a recipe of stage {recipe.stage!r}: run it with {other}")
    return StageArguments(recipe, arguments.recipe, arguments.dry_run)
