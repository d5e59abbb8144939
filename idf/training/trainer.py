"""Hugging Face Trainer with our loss, our log line, and complete folders for checkpoints."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainingArguments

from idf.errors import UserError

from .checkpoint import export, remove_old
from .collate import Collator
from .dataset import PackedDataset
from .deepspeed import deepspeed_config
from .hook import EvaluationHook
from .model import StageModel, parameter_counts
from .recipe import StageRecipe


def training_arguments(recipe: StageRecipe) -> TrainingArguments:
    """The recipe in Trainer's terms. Joins the process group, so that ranks are known from here on.

    Raises:
        UserError: It was not started by torchrun, or `rows_per_step` does not divide.
    """
    on_cpu = recipe.device == "cpu"
    if "RANK" not in os.environ:
        raise UserError("start it with torchrun, for example: torchrun --nproc_per_node 8 launch/stage1.py")
    if recipe.wandb and not os.environ.get("WANDB_API_KEY"):
        os.environ.setdefault("WANDB_MODE", "offline")
    os.environ.setdefault("WANDB_PROJECT", "idf")
    os.environ.setdefault("WANDB_DIR", str(recipe.run))
    Path(recipe.run).mkdir(parents=True, exist_ok=True)
    if on_cpu:
        # DeepSpeed would compile a shared-memory all-reduce first: a minute and a C++ compiler that gloo makes needless.
        import deepspeed.ops

        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    arguments = TrainingArguments(
        output_dir=recipe.run,
        run_name=Path(recipe.run).name,
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu else None,
        bf16=recipe.precision == "bf16",
        deepspeed=None
        if recipe.deepspeed is None
        else deepspeed_config(recipe.deepspeed, precision=recipe.precision, device=recipe.device),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.rows_per_micro_batch,
        gradient_accumulation_steps=recipe.accumulation_steps(int(os.environ.get("WORLD_SIZE", "1"))),
        optim="adamw_torch",
        learning_rate=recipe.learning_rate,
        adam_beta1=recipe.betas[0],
        adam_beta2=recipe.betas[1],
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        lr_scheduler_type="cosine",
        # Trainer takes warm-up in steps; StageTrainer turns our share into steps when it knows their number.
        save_strategy="steps",
        save_steps=recipe.save_steps,
        logging_steps=recipe.log_steps,
        logging_nan_inf_filter=False,  # a NaN must be seen, not averaged away
        dataloader_num_workers=recipe.loader_workers,
        dataloader_pin_memory=not on_cpu,
        remove_unused_columns=False,
        report_to=["wandb"] if recipe.wandb else [],
        disable_tqdm=True,  # one dense line a step says more
        seed=recipe.seed,
        data_seed=recipe.seed,
        log_level="warning",
    )
    arguments.device  # noqa: B018  (asking for it joins the process group)
    return arguments


class StageTrainer(Trainer):
    """Trains a StageModel on packed rows.

    Args:
        model: The model.
        recipe: The stage's recipe.
        data: Its rows.
        processor: The model's processor, exported with every checkpoint.
        arguments: From `training_arguments`.
        facts: What `idf.json` says of every checkpoint.
        hook: The evaluation hook, or None.
    """

    def __init__(
        self,
        model: StageModel,
        recipe: StageRecipe,
        data: PackedDataset,
        processor: Any,
        arguments: TrainingArguments,
        facts: dict[str, Any],
        hook: EvaluationHook | None,
    ) -> None:
        tokenizer = processor.tokenizer
        collator = Collator(processor.image_processor, model.vlm.config.image_token_id, tokenizer.pad_token_id)
        steps = steps_in_run(len(data), recipe)
        arguments.warmup_steps = round(recipe.warmup * steps)
        super().__init__(model=model, args=arguments, train_dataset=data, data_collator=collator)
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        self.recipe = recipe
        self.processor = processor
        self.facts = facts
        self.hook = hook
        self.steps = steps
        if hook is not None:
            hook.deepspeed = arguments.hf_deepspeed_config
        self._pad_token_id = tokenizer.pad_token_id
        self._tokens = 0
        self._label_tokens = 0
        self._clock = time.perf_counter()
        self._begun = time.perf_counter()
        self._first_step = 0

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Summed loss of the micro-batch over the label tokens of the whole global batch.

        Data parallelism averages gradients over ranks; the factor turns that mean into the sum that we want.
        """
        if num_items_in_batch is None:
            raise RuntimeError("Trainer did not count the label tokens of the batch")
        self._tokens += int((inputs["input_ids"] != self._pad_token_id).sum())
        self._label_tokens += int((inputs["labels"] >= 0).sum())
        total: torch.Tensor = model(**inputs)
        return total * (self.args.world_size / num_items_in_batch)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add tokens/s to a training log, print one line, and hand it on (wandb)."""
        if "loss" in logs:
            counts = torch.tensor([self._tokens, self._label_tokens], dtype=torch.float64, device=self.args.device)
            if dist.is_initialized():
                dist.all_reduce(counts)
            seconds = time.perf_counter() - self._clock
            self._tokens, self._label_tokens, self._clock = 0, 0, time.perf_counter()
            tokens, label_tokens = counts.tolist()
            logs["tokens_per_second_per_device"] = tokens / seconds / self.args.world_size
            logs["label_tokens"] = label_tokens
            if self.is_world_process_zero():
                print(self._line(logs), flush=True)
            if not logs["loss"] == logs["loss"]:
                raise UserError(
                    f"the loss is NaN at step {self.state.global_step}: lower learning_rate, or look at the data"
                )
        super().log(logs, start_time)
        # Evaluating is no training time: the next line's tokens/s begin here.
        self._clock = time.perf_counter()

    def _line(self, logs: dict[str, float]) -> str:
        step = self.state.global_step
        left = (time.perf_counter() - self._begun) / max(1, step - self._first_step) * (self.steps - step)
        memory = f"  {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if torch.cuda.is_available() else ""
        return (
            f"step {step}/{self.steps}  loss {logs['loss']:.4f}  grad {logs.get('grad_norm', float('nan')):.2f}  "
            f"lr {logs['learning_rate']:.2e}  {logs['label_tokens']:,.0f} label tokens  "
            f"{logs['tokens_per_second_per_device']:,.0f} tok/s/device{memory}  {left / 60:.1f} min left"
        )

    def announce(self) -> None:
        """Say what is about to be trained."""
        if not self.is_world_process_zero():
            return
        total, frozen, trainable = parameter_counts(self.accelerator.unwrap_model(self.model).vlm)
        data = self.train_dataset.facts()
        print(
            f"{self.recipe.stage}-distillation of {self.recipe.model} on {self.args.world_size} x {self.recipe.device}: "
            f"{total:,} parameters, {frozen:,} frozen, {trainable:,} trainable\n"
            f"{data['samples']:,} samples, {data['tokens']:,} tokens ({data['label_tokens']:,} to learn) in {data['rows']:,} "
            f"rows, {data['filled']:.1%} filled; {self.steps:,} steps of {self.recipe.rows_per_step} rows",
            flush=True,
        )

    def farewell(self, final: Path) -> None:
        """Say where the result is."""
        if self.is_world_process_zero():
            minutes = (time.perf_counter() - self._begun) / 60
            print(f"done in {minutes:.1f} min: {final} is a complete Hugging Face folder", flush=True)

    def train_stage(self, resume_from: Path | None) -> None:
        """Train to the end, from the start or from a checkpoint of this run."""
        if resume_from is not None:
            self._first_step = int(resume_from.name.rpartition("-")[2])
        self.train(resume_from_checkpoint=None if resume_from is None else str(resume_from))

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write a complete Hugging Face folder. Called by Trainer on every rank."""
        out = Path(output_dir or self.args.output_dir)
        state = None
        if self.recipe.sharded:  # gathering is a collective call
            state = self.accelerator.get_state_dict(self.deepspeed)
        if self.args.should_save:
            vlm = self.accelerator.unwrap_model(self.model).vlm
            export(vlm, self.processor, state, self.facts | {"step": self.state.global_step}, out)
        if dist.is_initialized():
            dist.barrier()

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Trainer's checkpoint (weights, optimizer, RNG, state), and a marker once all of it is there."""
        super()._save_checkpoint(model, trial)
        if dist.is_initialized():
            dist.barrier()
        if self.args.should_save:
            run = Path(self.args.output_dir)
            (run / f"checkpoint-{self.state.global_step}" / "done").touch()
            remove_old(run, self.recipe.keep_checkpoints)
        if dist.is_initialized():
            dist.barrier()
        if self.hook is not None and self.state.global_step < self.state.max_steps:
            self.hook.run(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Load exported weights back; their names are the base model's, not StageModel's."""
        from .load import load_model

        fresh = load_model(resume_from_checkpoint, precision=self.recipe.precision, attention=self.recipe.attention)
        self.model.vlm.load_state_dict(fresh.state_dict())


def steps_in_run(rows: int, recipe: StageRecipe) -> int:
    """Optimizer steps of a whole run."""
    per_epoch = -(-rows // recipe.rows_per_step)
    return max(1, -(-int(per_epoch * recipe.epochs * 1000) // 1000))
