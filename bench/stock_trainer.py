"""The peers that bench/train.py compares with: Hugging Face's Trainer and TRL's SFTTrainer, on padded batches.

As they come, with gradient checkpointing on, transformers makes the inputs of the frozen vision tower require gradients, so
that the backward pass goes through it for nothing. Who knows it asks for checkpointing of the language model alone, by the
same method of transformers: then nothing that the tower computes requires gradients. That is how all peers run here, but
for one way that shows what it saves.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from machine import peak_mib
from PIL import Image
from torch import Tensor

from idf.data import Sample


class PaddingCollator:
    """Default collation by the processor: it tokenises, prepares the pictures, and pads to the longest sample.

    Args:
        processor: The model's processor.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        tokenizer = processor.tokenizer
        self.header = tokenizer("<|im_start|>assistant\n", add_special_tokens=False)["input_ids"]
        self.end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """A padded batch, with labels where the assistant speaks."""
        texts = [self.processor.apply_chat_template(sample.messages, tokenize=False) for sample in samples]
        pictures = [
            [Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) for image in sample.images] for sample in samples
        ]
        batch = dict(
            self.processor(text=texts, images=pictures if any(pictures) else None, padding=True, return_tensors="pt")
        )
        batch["labels"] = torch.stack([self._labels(ids) for ids in batch["input_ids"]])
        return batch

    def _labels(self, ids: Tensor) -> Tensor:
        labels = torch.full_like(ids, -100)
        found: list[int] = ids.tolist()
        for at in range(len(found) - len(self.header)):
            begin = at + len(self.header)
            if found[at:begin] == self.header:
                end = found.index(self.end, begin) + 1
                labels[begin:end] = ids[begin:end]
        return labels


def train_stock(
    model: str,
    steps: Sequence[Sequence[Sample]],
    *,
    micro_batch: int,
    tower_out: bool,
    trl: bool,
    workers: int,
    cpu: bool,
    out: str,
) -> dict[str, Any]:
    """Train with Trainer, or with TRL's trainer, which is one; the first step only warms up.

    Args:
        model: Folder of the model.
        steps: The samples of each optimizer step, all but the last of the same number, in the order of training.
        micro_batch: How many of them are padded to the longest and computed at once; it divides that number.
        tower_out: Whether to keep the frozen tower out of the backward pass.
        trl: Whether to take TRL's SFTTrainer with its own collator.
        workers: Of the data loader.
        cpu: Whether to leave a GPU alone.
        out: A folder for Trainer; nothing is saved.

    Returns:
        Seconds of each step after the first, by the clock and of the processor, useful tokens, label tokens, all
        positions, those of the largest micro-batch, the first loss, and the memory before the first step.
    """
    from transformers import Trainer, TrainerCallback, TrainingArguments

    from idf.training.load import load_model, load_processor
    from idf.training.model import freeze_vision

    processor = load_processor(model)
    vlm = load_model(model, precision="fp32", attention="sdpa")
    freeze_vision(vlm)
    vlm.accepts_loss_kwargs = True
    checkpointing = {"use_reentrant": False}
    if tower_out:
        vlm.model.language_model.gradient_checkpointing_enable(checkpointing)
    ends: list[tuple[float, float]] = []
    before: list[float] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            before.append(peak_mib(cpu))

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if not cpu:
                torch.cuda.synchronize()
            ends.append((time.perf_counter(), time.process_time()))

    settings: dict[str, Any] = {
        "output_dir": out,
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": len(steps[0]) // micro_batch,
        "num_train_epochs": 1,
        "learning_rate": 1e-5,
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "optim": "adamw_torch",
        "lr_scheduler_type": "constant",
        "max_grad_norm": 1.0,
        "bf16": False,  # which TRL would set
        "gradient_checkpointing": not tower_out,
        "gradient_checkpointing_kwargs": checkpointing,
        "dataloader_num_workers": workers,
        "train_sampling_strategy": "sequential",
        "remove_unused_columns": False,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": cpu,
    }
    flat = [sample for step in steps for sample in step]
    if trl:
        trainer, collator = _sft_trainer(vlm, processor, flat, settings, Clock())
    else:
        collator = PaddingCollator(processor)
        arguments = TrainingArguments(**settings)
        trainer = Trainer(model=vlm, args=arguments, train_dataset=flat, data_collator=collator, callbacks=[Clock()])
    trainer.train()
    peak = peak_mib(cpu)
    data = trainer.train_dataset
    starts = range(len(steps[0]), len(flat), micro_batch)
    timed = [collator([data[i] for i in range(at, min(at + micro_batch, len(flat)))]) for at in starts]
    return {
        "seconds": [end[0] - begin[0] for begin, end in pairwise(ends)],
        "cpu_seconds": [end[1] - begin[1] for begin, end in pairwise(ends)],
        "tokens": sum(int(batch["attention_mask"].sum()) for batch in timed),
        "label_tokens": sum(int((batch["labels"] != -100).sum()) for batch in timed),
        "positions": sum(batch["input_ids"].numel() for batch in timed),
        "largest_micro_batch": max(batch["input_ids"].numel() for batch in timed),
        "first_loss": trainer.state.log_history[0]["loss"],
        "before_mib": before[0],
        "peak_mib": peak,
    }


def _sft_trainer(
    vlm: Any, processor: Any, samples: Sequence[Sample], settings: dict[str, Any], clock: Any
) -> tuple[Any, Any]:
    """TRL's trainer as its documentation sets it for vision models, and its collator: labels for the assistant, nothing cut."""
    from datasets import Dataset, Features, Image, List, Value
    from trl import SFTConfig, SFTTrainer

    part = {"type": Value("string"), "text": Value("string")}
    features = Features({"images": List(Image()), "messages": List({"role": Value("string"), "content": List(part)})})
    rows = [
        {
            "images": [{"bytes": image, "path": None} for image in sample.images],
            "messages": [
                {"role": said["role"], "content": [{"text": None} | piece for piece in said["content"]]}
                for said in sample.messages
            ],
        }
        for sample in samples
    ]
    trainer = SFTTrainer(
        model=vlm,
        args=SFTConfig(**settings, max_length=None, assistant_only_loss=True),
        train_dataset=Dataset.from_list(rows, features=features),
        processing_class=processor,
        callbacks=[clock],
    )
    return trainer, trainer.data_collator
