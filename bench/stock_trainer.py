"""The way that bench/train.py compares with: Hugging Face's Trainer as it comes, on padded batches.

As it comes means, too: with gradient checkpointing on, transformers makes the inputs of the frozen vision tower require
gradients, so that the backward pass goes through it for nothing.
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
    model: str, batches: Sequence[Sequence[Sample]], *, workers: int, cpu: bool, out: str, one_by_one: bool
) -> dict[str, Any]:
    """Train with Trainer; the first batch only warms up.

    Args:
        model: Folder of the model.
        batches: The samples of each step, all but the last of the same number.
        workers: Of the data loader.
        cpu: Whether to leave a GPU alone.
        out: A folder for Trainer; nothing is saved.
        one_by_one: Whether a step adds up micro-batches of one sample, which need no padding.

    Returns:
        Seconds of each step after the first, by the clock and of the processor, useful tokens, label tokens, all
        positions, the first loss, and the memory before the first step.
    """
    from transformers import Trainer, TrainerCallback, TrainingArguments

    from idf.training.load import load_model, load_processor
    from idf.training.model import freeze_vision

    processor = load_processor(model)
    vlm = load_model(model, precision="fp32", attention="sdpa")
    freeze_vision(vlm)
    collator = PaddingCollator(processor)
    ends: list[tuple[float, float]] = []
    before: list[float] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            before.append(peak_mib(cpu))

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if not cpu:
                torch.cuda.synchronize()
            ends.append((time.perf_counter(), time.process_time()))

    arguments = TrainingArguments(
        output_dir=out,
        per_device_train_batch_size=1 if one_by_one else len(batches[0]),
        gradient_accumulation_steps=len(batches[0]) if one_by_one else 1,
        num_train_epochs=1,
        learning_rate=1e-5,
        adam_beta1=0.9,
        adam_beta2=0.95,
        optim="adamw_torch",
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        dataloader_num_workers=workers,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=cpu,
    )
    flat = [sample for batch in batches for sample in batch]
    trainer = Trainer(model=vlm, args=arguments, train_dataset=flat, data_collator=collator, callbacks=[Clock()])
    trainer.train()
    size = 1 if one_by_one else len(batches[0])
    timed = [collator(batch[at : at + size]) for batch in batches[1:] for at in range(0, len(batch), size)]
    return {
        "seconds": [end[0] - begin[0] for begin, end in pairwise(ends)],
        "cpu_seconds": [end[1] - begin[1] for begin, end in pairwise(ends)],
        "tokens": sum(int(batch["attention_mask"].sum()) for batch in timed),
        "label_tokens": sum(int((batch["labels"] != -100).sum()) for batch in timed),
        "positions": sum(batch["input_ids"].numel() for batch in timed),
        "first_loss": trainer.state.log_history[0]["loss"],
        "before_mib": before[0],
    }
