"""What DeepSpeed holds of a small model on a CPU, in bytes a trained parameter: what `idf plan` counts, measured.

python bench/zero_memory.py [--out bench/results/zero_memory.json]

One rank owns everything, so that nothing is divided. Of each preset, with and without accumulation, in bf16 and with
gradients added up in fp32: the most bytes of tensors alive at once in the backward pass of the last micro-batch and in the
optimizer's step, in two sizes of bucket. Activations are small: the rows of the model have 4 numbers, its layers 16,384.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import weakref
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from idf.training.deepspeed import PRESETS, deepspeed_config, leave_to_gloo

WIDTH, LAYERS = 128, 64
BUCKETS = (4, 8)
"""Sizes of a bucket, in layers."""


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors that are alive, as operations make them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()
        self.now = self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor) and not leaf.is_meta:
                self.add(leaf)
        return made

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.seen or not size:
            return
        self.seen.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size

    def height(self) -> int:
        """The most since the last call."""
        most, self.most = self.most, self.now
        return most


def measure(preset: str, accumulation: int, fp32_gradients: bool, bucket: int) -> dict[str, float]:
    """Bytes a parameter: at rest after a step, at the height of the last backward pass, and of the step.

    Args:
        preset: A DeepSpeed preset.
        accumulation: Micro-batches in a step.
        fp32_gradients: Whether they are added up in fp32.
        bucket: Layers in a bucket.
    """
    import deepspeed

    torch.manual_seed(0)
    layers = [layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH, bias=False), nn.Tanh())]
    config = deepspeed_config(
        preset,
        precision="bf16",
        device="cpu",
        adapters=False,
        micro_batch=4,
        accumulation=accumulation,
        max_grad_norm=1.0,
        fp32_gradients=fp32_gradients,
    )
    config["zero_optimization"]["reduce_bucket_size"] = bucket * WIDTH * WIDTH
    live = LiveBytes()
    with live:
        model = nn.Sequential(*layers)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
        rows = torch.randn(4, WIDTH, dtype=torch.bfloat16)
        heights: dict[str, float] = {}
        for _ in range(2):  # the first step makes Adam's moments
            for _ in range(accumulation):
                loss = engine(rows).float().square().mean()
                live.height()
                engine.backward(loss)
                heights["backward"] = live.height()
                del loss
                engine.step()
                heights["step"] = live.height()
        heights["rest"] = live.now
    engine.destroy()
    return {name: round(size / (LAYERS * WIDTH * WIDTH), 3) for name, size in heights.items()}


def measured() -> list[dict[str, Any]]:
    """All presets, with and without accumulation, in bf16 and with fp32 gradients, in two sizes of bucket."""
    rows = []
    for preset in PRESETS:
        for fp32 in (False, True):
            if fp32 and preset in ("zero2_offload",):
                continue
            for accumulation in (1, 2):
                for bucket in BUCKETS:
                    told = measure(preset, accumulation, fp32, bucket)
                    rows.append({"preset": preset, "fp32_gradients": fp32, "accumulation": accumulation, "bucket": bucket} | told)
                    os.environ["RANK"]=="0" and print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    logging.getLogger("deepspeed").setLevel(logging.ERROR)
    os.environ.update({"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29731"} | dict(os.environ))
    leave_to_gloo()
    import deepspeed

    deepspeed.init_distributed(dist_backend="gloo", verbose=False)
    rows = measured()
    if arguments.out:
        facts = {"deepspeed": version("deepspeed"), "torch": version("torch"), "parameters": LAYERS * WIDTH * WIDTH}
        arguments.out.write_text(json.dumps(facts | {"layers": LAYERS, "bytes a parameter": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
