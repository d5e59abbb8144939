"""LLaMA-Factory with `neat_packing`, for bench/train.py: run by the Python of bench/llamafactory.sh's environment.

`python bench/llama_factory.py SPEC`, with the spec of train_ways.py in JSON and in `data` a folder that LLaMA-Factory reads;
the last line that it prints is the result, in JSON. Two epochs are trained, of which the first only warms up.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from machine import peak_mib

MULTIPLE = 8  # its collator pads a row to a multiple of this


def main() -> None:
    spec = json.loads(sys.argv[1])
    # Its own bounds admit accelerate and peft of two of its files that do not agree.
    os.environ |= {"DISABLE_VERSION_CHECK": "1", "HF_HUB_OFFLINE": "1"}
    import torch
    from llamafactory.train.tuner import run_exp
    from transformers import TrainerCallback

    cpu = spec["cpu"]
    ends: list[tuple[float, float]] = []
    result: dict[str, Any] = {}

    class Clock(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            rows = more["train_dataloader"].dataset
            result["rows"] = len(rows)
            result["tokens"] = sum(mark > 0 for row in rows for mark in row["attention_mask"])
            result["label_tokens"] = sum(label != -100 for row in rows for label in row["labels"])
            result["largest_micro_batch"] = max(-(-len(row["input_ids"]) // MULTIPLE) * MULTIPLE for row in rows)
            result["positions"] = len(rows) * result["largest_micro_batch"]
            frozen = [name for name, weight in more["model"].named_parameters() if not weight.requires_grad]
            assert frozen, "the tower learns"
            assert all("visual" in name for name in frozen), frozen
            result["before_mib"] = peak_mib(cpu)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if not cpu:
                torch.cuda.synchronize()
            ends.append((time.perf_counter(), time.process_time()))

        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            result["peak_mib"] = peak_mib(cpu)
            result["first_loss"] = state.log_history[0]["loss"]

    settings = {
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "full",
        "freeze_vision_tower": True,
        "freeze_multi_modal_projector": True,
        "model_name_or_path": spec["model"],
        "dataset": "imagery",
        "dataset_dir": spec["data"],
        "template": "qwen2_vl",
        "image_max_pixels": 2**24,  # of more it makes less, and other ways do not
        "cutoff_len": spec["long_rows"],
        "neat_packing": True,
        "flash_attn": "sdpa",
        "overwrite_cache": True,
        "preprocessing_num_workers": 1,
        "disable_shuffling": True,
        "output_dir": f"{spec['run']}-llama-factory",
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": 2,
        "learning_rate": 1e-5,
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "optim": "adamw_torch",
        "lr_scheduler_type": "constant",
        "max_grad_norm": 1.0,
        "dataloader_num_workers": spec["workers"],
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": cpu,
    }
    run_exp(args=settings, callbacks=[Clock()])
    rows = result.pop("rows")
    packages = ("llamafactory", "transformers", "torch", "accelerate", "peft", "datasets")
    result["versions"] = {name: version(name) for name in packages}
    result["seconds"] = [end[0] - begin[0] for begin, end in pairwise(ends)][-rows:]
    result["cpu_seconds"] = [end[1] - begin[1] for begin, end in pairwise(ends)][-rows:]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
