"""The config of a stage in XTuner's own form, PART 1 to PART 5: the files in recipes/xtuner/ say what of PART 1 is their own.

Types stand here as text, as they do in what mmengine dumps: so a config can be read, and tested, where XTuner is not installed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from idf.recipe import build_recipe, check_names, to_plain

from ._errors import speak_in_sentences

_OURS = "idf.integrations.xtuner"
BASES: dict[str, dict[str, Any]] = {
    "paper": {},
    "tiny": {
        "max_length": 768,
        "max_pixels": 112 * 112,
        "device": "cpu",
        "dist_backend": "gloo",
        "precision": "fp32",
        "deepspeed": None,
        "devices": 1,
        "rows_per_step": 2,
        "dataloader_num_workers": 0,
        "lr": 1e-3,
        "warmup_ratio": 0.1,
        "loss_spike": None,
        "save_steps": 2,
    },
}
"""Base -> what it changes of the defaults of `Settings`, which are those of recipes/stage1.yaml and stage2.yaml. "tiny" is the
tiny model on a CPU: the same code as the paper's run, at a size that one core trains in seconds."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """PART 1 of a config: settings, by XTuner's names. Defaults: the paper's run on one node of 8 x A800/A100 80 GB.

    Attributes:
        stage: "imagery" or "reasoning".
        pretrained_model_name_or_path: What the stage begins from: a folder, or a name on the hub.
        data_path: The dataset.
        work_dir: The run's folder.
        max_epochs: Passes over the data.
        attn_implementation: As transformers names it.
        gradient_checkpointing: Whether activations are computed again in the backward pass.
        max_length: Tokens of a row, into which samples are packed; a longer sample is refused.
        max_pixels: Of a picture; a larger one is refused.
        device: "gpu" or "cpu".
        dist_backend: Of torch: "nccl" or "gloo".
        precision: "bf16" or "fp32".
        deepspeed: "zero2" if the run is started with `--deepspeed deepspeed_zero2`, None if it is without.
        batch_size: Rows per device.
        accumulative_counts: Micro-batches of a step.
        devices: How many there are.
        rows_per_step: batch_size x accumulative_counts x devices, or else the run is refused.
        dataloader_num_workers: Processes that load data, per device.
        lr: The highest learning rate.
        betas: Of AdamW.
        warmup_ratio: Share of the steps in which the learning rate rises.
        max_norm: Of the gradient, which is clipped to it.
        loss_spike: A loss so many nats above the last ones ends the run; None for no such watch.
        seed: Of the order of the data.
        save_steps: Steps from one checkpoint to the next.
        save_total_limit: Checkpoints that are kept.
    """

    stage: str
    pretrained_model_name_or_path: str
    data_path: str
    work_dir: str
    max_epochs: float
    attn_implementation: str = "sdpa"
    gradient_checkpointing: bool = True
    max_length: int = 8192
    max_pixels: int = 1204224
    device: str = "gpu"
    dist_backend: str = "nccl"
    precision: str = "bf16"
    deepspeed: str | None = "zero2"
    batch_size: int = 1
    accumulative_counts: int = 2
    devices: int = 8
    rows_per_step: int = 16
    dataloader_num_workers: int = 4
    lr: float = 1e-5
    betas: list[float] = field(default_factory=lambda: [0.9, 0.95])
    warmup_ratio: float = 0.03
    max_norm: float = 1.0
    loss_spike: float | None = 2.0
    seed: int = 0
    save_steps: int = 100
    save_total_limit: int = 2

    def recipe(self) -> dict[str, Any]:
        """The same in the words of idf's recipes (docs/training.md): checked, and in the `idf.json` of every folder."""
        return {
            "stage": self.stage,
            "model": self.pretrained_model_name_or_path,
            "data": self.data_path,
            "run": self.work_dir,
            "device": self.device,
            "gpus": self.devices,
            "precision": self.precision,
            "deepspeed": self.deepspeed,
            "attention": self.attn_implementation,
            "gradient_checkpointing": self.gradient_checkpointing,
            "epochs": self.max_epochs,
            "learning_rate": self.lr,
            "betas": self.betas,
            "weight_decay": 0.0,
            "warmup": self.warmup_ratio,
            "max_grad_norm": self.max_norm,
            "tokens_per_row": self.max_length,
            "rows_per_micro_batch": self.batch_size,
            "rows_per_step": self.rows_per_step,
            "max_pixels": self.max_pixels,
            "save_steps": self.save_steps,
            "keep_checkpoints": self.save_total_limit,
            "log_steps": 1,
            "loader_workers": self.dataloader_num_workers,
            "loss_spike": self.loss_spike,
            "seed": self.seed,
            "wandb": False,
            "hook": {
                "mode": "watch",
                "items": 4,
                "modes": ["vtqa"],
                "prompts": "idf-long-1",
                "kinds": ["rollout", "step"] if self.stage == "imagery" else [],
                "max_new_tokens": 2048,
                "batch_size": 16,
            },
        }


def config(base: str = "paper", **settings: Any) -> dict[str, Any]:
    """The names of an XTuner config.

    Args:
        base: "paper" or "tiny": what the settings are that are not given.
        settings: The others; see `Settings`.

    Raises:
        UserError: There is no such base; a setting is unknown, missing, or of another type.
    """
    speak_in_sentences()
    check_names("base", [base], tuple(BASES))
    said = build_recipe(Settings, BASES[base] | settings, "the XTuner config")
    recipe = said.recipe()
    return {
        # PART 1  Settings
        **to_plain(said),
        "recipe": recipe,
        # PART 2  Model
        "model": {"type": f"{_OURS}._model.XTunerStage", "recipe": recipe},
        # PART 3  Dataset & Dataloader
        # An item is a whole micro-batch, and the dataset holds the run from its first step to its last: hence batch_size 1 and
        # no shuffling here, and one epoch in PART 4.
        "train_dataloader": {
            "batch_size": 1,
            "num_workers": said.dataloader_num_workers,
            "dataset": {"type": f"{_OURS}._data.MicroBatches", "recipe": recipe},
            "sampler": {"type": "mmengine.dataset.DefaultSampler", "shuffle": False},
            "collate_fn": {"type": f"{_OURS}._data.as_batch"},
        },
        # PART 4  Scheduler & Optimizer
        "optim_wrapper": {
            "type": "mmengine.optim.OptimWrapper",
            "optimizer": {"type": "torch.optim.AdamW", "lr": said.lr, "betas": said.betas, "weight_decay": 0.0},
            "clip_grad": {"max_norm": said.max_norm, "error_if_nonfinite": False},
            "accumulative_counts": said.accumulative_counts,
        },
        "param_scheduler": [{"type": f"{_OURS}._schedule.StageSchedule", "recipe": recipe, "by_epoch": False}],
        "train_cfg": {"type": "xtuner.engine.runner.TrainLoop", "max_epochs": 1},
        # PART 5  Runtime
        "custom_hooks": [
            {"type": f"{_OURS}._state.PlainState"},
            {"type": f"{_OURS}._log.StepLog", "recipe": recipe},
            {"type": f"{_OURS}._export.ExportHook", "recipe": recipe},
        ],
        "default_hooks": {
            "logger": {"type": "mmengine.hooks.LoggerHook", "log_metric_by_epoch": False, "interval": 10},
            "checkpoint": {
                "type": "mmengine.hooks.CheckpointHook",
                "by_epoch": False,
                "interval": said.save_steps * said.accumulative_counts,
                "max_keep_ckpts": said.save_total_limit,
            },
        },
        "env_cfg": {
            "cudnn_benchmark": False,
            "mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0},
            # rank 0 encodes the data while the others wait
            "dist_cfg": {"backend": said.dist_backend, "timeout": 7200},
        },
        "log_level": "INFO",
        "log_processor": {"by_epoch": False},
        "load_from": None,
        "resume": True,  # from the last checkpoint in work_dir, if there is one: the same command resumes
        "randomness": {"seed": said.seed, "deterministic": False},
    }
