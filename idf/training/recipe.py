"""What a training stage is, in one typed object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from idf.errors import UserError
from idf.imagery import check_kinds
from idf.recipe import check_names, check_pixels, check_ranges, key
from idf.suites import MODES, PROMPTS
from idf.worlds import DIFFICULTIES, PARTS, WORLDS

from .deepspeed import PRESETS
from .others_names import OTHERS_NAMES

Train = Literal["language", "language+merger", "all"]
"""What learns; the language model always does."""

BF16_SUMS = ("zero1", "zero2_offload")
"""Presets under which DeepSpeed 0.19 does not add gradients up in fp32 and step as it does elsewhere."""


@dataclass(frozen=True)
class LoraRecipe:
    """Low-rank adapters on all linear layers of the language model, instead of its full fine-tuning.

    Attributes:
        rank: Rank of each adapter.
        alpha: Scale: an adapter's product counts alpha / rank times.
        dropout: Share of an adapter's inputs that are dropped in training.
    """

    rank: int = key(64, least=1)
    alpha: int = key(128, above=0)
    dropout: float = key(0.0, least=0, below=1)


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
        kinds: The kinds of imagery samples that are asked beside the problems, as exercises; none for problems alone.
        max_new_tokens: Longest response.
        batch_size: Prompts generated at once on each device.
    """

    # What is asked may not change within a run: the best checkpoint is found by comparing answers.
    mode: Literal["inline", "watch", "off"] = key("inline", may_change="exact")
    items: int = key(10, least=1)
    worlds: list[str] = key(factory=lambda: list(WORLDS))
    difficulties: list[str] = key(factory=lambda: list(DIFFICULTIES))
    modes: list[str] = key(factory=lambda: ["vtqa"])
    prompts: str = "idf-long-1"
    kinds: list[str] = key(factory=list, may_change="exact")  # no part in what is best
    max_new_tokens: int = key(2048, least=1)
    batch_size: int = key(16, least=1, may_change="exact")


@dataclass(frozen=True)
class TrainingRecipe:
    """What all stages have in common: a model, data, devices, an optimizer, checkpoints, and the hook.

    A key may differ when a run is resumed only if it says `may_change`; any other is refused by name.

    Attributes:
        stage: "imagery" (Imagery-Distillation), "reasoning" (Reasoning-Distillation) or "reinforcement".
        model: Base model or parent checkpoint: a local folder or a hub name.
        data: Dataset folder. When a run is resumed it may be another one with the same data.
        run: Folder of the run; receives `checkpoint-<step>/` and `final/`.
        device: "gpu", or "cpu" for tiny models.
        gpus: Number of devices the recipe is meant for; `--dry-run` counts steps with it.
        precision: "bf16" (with fp32 master weights, by DeepSpeed) or "fp32".
        deepspeed: Name of a preset, or None for plain data parallelism.
        gradient_checkpointing: Recompute activations in the backward pass.
        train: What learns. "language": all but vision encoder and merger; "language+merger": all but the vision encoder; "all".
        learning_rate: Peak learning rate (AdamW).
        vision_learning_rate: That of what learns of the vision part; None for the same.
        betas: Its two decay rates.
        weight_decay: Its decoupled weight decay.
        warmup: Share of the steps over which the learning rate rises linearly.
        max_grad_norm: Gradients are clipped to this global norm; None for no clipping.
        max_pixels: Largest picture; a larger one is refused, since training never resamples.
        lora: Adapters instead of full fine-tuning; None for full fine-tuning.
        save_steps: Steps between checkpoints.
        keep_checkpoints: How many of the last ones stay; the one that the hook found best stays besides.
        log_steps: Steps between log lines.
        resume: What is resumed after an interruption. "exact": everything; the number of devices must be that of the run.
            "weights": weights, step, data order and schedule, with fresh optimizer moments, if the number of devices or
            the preset is another one.
        seed: Order of data and initialisation of anything new.
        wandb: Log to Weights & Biases (offline unless WANDB_API_KEY is set).
        hook: The evaluation hook.
    """

    others_names: ClassVar[Mapping[str, str]] = OTHERS_NAMES

    stage: Literal["imagery", "reasoning", "reinforcement"]
    model: str
    data: str = key(may_change="exact")  # its fingerprint may not
    run: str = key(may_change="exact")
    device: Literal["gpu", "cpu"] = "gpu"
    gpus: int = key(8, least=1, may_change="exact")
    precision: Literal["bf16", "fp32"] = "bf16"
    deepspeed: str | None = key("zero2", may_change="weights")
    gradient_checkpointing: bool = True
    train: Train = "language"
    learning_rate: float = key(1e-5, above=0)
    vision_learning_rate: float | None = key(None, above=0)
    betas: list[float] = key(factory=lambda: [0.9, 0.95], least=0, below=1)
    weight_decay: float = key(0.0, least=0, most=1)
    warmup: float = key(0.03, least=0, below=1)
    max_grad_norm: float | None = key(1.0, above=0)
    max_pixels: int = key(1204224, least=1)
    lora: LoraRecipe | None = None
    save_steps: int = key(200, least=1, may_change="exact")
    keep_checkpoints: int = key(2, least=1, may_change="exact")
    log_steps: int = key(1, least=1, may_change="exact")
    resume: Literal["exact", "weights"] = key("exact", may_change="exact")
    seed: int = key(0, least=0, below=2**63)
    wandb: bool = key(True, may_change="exact")
    hook: HookRecipe = key(factory=HookRecipe)

    def check(self) -> None:
        """Refuse what cannot work, before any device is touched."""
        check_ranges(self)
        if self.deepspeed is not None and self.deepspeed not in PRESETS:
            raise UserError(f"deepspeed must be one of {', '.join(PRESETS)} or null, not {self.deepspeed!r}")
        if self.deepspeed is None and self.precision == "bf16":
            raise UserError(
                "precision bf16 needs a deepspeed preset: without one there are no fp32 master weights, and at a "
                "small learning rate most bf16 weights would never change"
            )
        if self.train == "language" and self.vision_learning_rate is not None:
            raise UserError(
                "vision_learning_rate is for a vision part that learns, and train=language freezes it: write train=all or "
                "train=language+merger, or leave vision_learning_rate out"
            )
        if self.train != "language" and self.lora is not None:
            raise UserError(
                f"lora does not go with train={self.train}: adapters sit in the language model alone, and a folder of adapters "
                "would lack what the vision part learned; write train=language, or lora=null"
            )
        if len(self.betas) != 2:
            raise UserError(f"betas must be two numbers, not {self.betas}")
        check_pixels(self.max_pixels)
        check_names("hook.worlds", self.hook.worlds, {**WORLDS, **PARTS})
        check_names("hook.difficulties", self.hook.difficulties, DIFFICULTIES)
        check_names("hook.modes", self.hook.modes, MODES)
        check_names("hook.prompts", [self.hook.prompts], PROMPTS)
        if self.hook.kinds:
            check_kinds("hook.kinds", self.hook.kinds, self.hook.worlds, self.hook.modes)

    @property
    def sharded(self) -> bool:
        """Whether parameters are sharded over ranks."""
        return (self.deepspeed or "").startswith("zero3")

    @property
    def vision_peak(self) -> float | None:
        """The peak learning rate of the vision part; None where none of it learns."""
        if self.train == "language":
            return None
        return self.learning_rate if self.vision_learning_rate is None else self.vision_learning_rate


@dataclass(frozen=True)
class StageRecipe(TrainingRecipe):
    """A stage of supervised fine-tuning, 1 or 2.

    Attributes:
        stage: "imagery" (Imagery-Distillation) or "reasoning" (Reasoning-Distillation).
        warmup: Share of the steps over which the learning rate rises linearly; then it falls along a cosine to 0.
        any_data: Train on data that are not the stage's, too: unfiltered candidates, or the other stage's.
        fp32_gradients: Micro-batches are added up in fp32; else in bf16, with precision bf16. By DeepSpeed's
            `grad_accum_dtype`.
        attention: "packed" computes each sample alone; the others are transformers' own, to compare with. The mathematics is
            the same, so it may change when a run is resumed; the rounding is not.
        epochs: Passes over the data.
        tokens_per_row: Samples are packed into rows of at most this many tokens.
        rows_per_micro_batch: Rows in one forward pass on one device.
        rows_per_step: Rows in one optimizer step, over all devices.
        loader_workers: Processes that decode pictures, on each device.
        loss_spike: Stop if a step's loss lies so many nats above the median of the last 32; None for never.
        hang_seconds: A rank that makes no progress for so long is named, and the run stops.
        peak_tflops: What 100 % MFU is, in 10^12 bf16 operations a second and device; None to take the data sheet's
            figure of a GPU that `idf` knows.
        order: "random", or "distance": a curriculum, from easy samples to hard ones by the exact measure of their world.
    """

    stage: Literal["imagery", "reasoning"]
    any_data: bool = key(False, may_change="exact")
    fp32_gradients: bool = False
    attention: Literal["packed", "sdpa", "flash_attention_2", "eager"] = key("packed", may_change="exact")
    epochs: float = key(1.0, above=0)
    tokens_per_row: int = key(8192, least=1)
    rows_per_micro_batch: int = key(1, least=1, may_change="weights")
    rows_per_step: int = key(16, least=1)
    loader_workers: int = key(4, least=0, may_change="exact")
    loss_spike: float | None = key(2.0, above=0, may_change="exact")
    hang_seconds: int = key(1800, least=1, may_change="exact")
    peak_tflops: float | None = key(None, above=0, may_change="exact")
    order: Literal["random", "distance"] = "random"

    def check(self) -> None:
        """Refuse what cannot work, before any device is touched."""
        super().check()
        if self.fp32_gradients and self.precision == "bf16" and self.deepspeed in BF16_SUMS:
            raise UserError(
                f"deepspeed {self.deepspeed} does not take fp32_gradients: DeepSpeed would "
                + ("step with another optimizer" if self.deepspeed == "zero1" else "add them up in bf16 all the same")
                + "; zero2, zero3 and zero3_offload take it"
            )
        if self.attention == "flash_attention_2" and self.rows_per_micro_batch > 1:
            raise UserError(
                "rows_per_micro_batch must be 1 with attention flash_attention_2: only then it keeps packed samples apart"
            )

    @property
    def saves_memory(self) -> bool:
        """Whether a layer keeps one state for the backward pass and not three: under the presets made to save memory."""
        return self.sharded or "offload" in (self.deepspeed or "")

    @property
    def samples_alone(self) -> bool:
        """Whether attention computes each sample alone, and no mask; else it computes whole rows squared."""
        return self.attention in ("packed", "flash_attention_2")

    def check_pictures(self, pictures: int) -> None:
        """Refuse data without any picture where the vision part learns.

        Args:
            pictures: How many the data has, or their patches.

        Raises:
            UserError: There are none.
        """
        if self.train != "language" and not pictures:
            raise UserError(
                f"train={self.train}, and no sample of {self.data} has a picture: the vision part would learn nothing; write "
                "train=language, or take data with pictures"
            )

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
