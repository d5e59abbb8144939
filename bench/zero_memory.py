"""What DeepSpeed holds of a small model on a CPU, in bytes a trained parameter: what `idf plan` counts, measured.

torchrun --nproc_per_node 2 bench/zero_memory.py --out bench/results/zero_memory.json

Of each preset, with and without accumulation, with micro-batches added up in bf16 and in fp32, in two sizes of bucket: the
most bytes of tensors alive at once on rank 0 in the backward pass of the last micro-batch and in the optimizer's step, and
what stays. Activations are small: a batch has 4 rows of 128 numbers, the model 64 layers of 16,384 parameters.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import socket
import weakref
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from idf.training.deepspeed import PRESETS, deepspeed_config, leave_to_gloo
from idf.training.recipe import BF16_SUMS

WIDTH, LAYERS = 128, 64


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


def measured(presets: Sequence[str], buckets: Sequence[int]) -> list[dict[str, Any]]:
    """Presets, with and without accumulation, in bf16 and with fp32 gradients where the recipe takes them."""
    rows = []
    for preset, fp32, accumulation, bucket in itertools.product(presets, (False, True), (1, 2), buckets):
        if not (fp32 and preset in BF16_SUMS):
            asked = {"preset": preset, "fp32_gradients": fp32, "accumulation": accumulation, "bucket": bucket}
            rows.append(asked | measure(preset, accumulation, fp32, bucket))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), help="DeepSpeed presets (default: all)")
    parser.add_argument("--buckets", nargs="+", type=int, default=[4, LAYERS], help="sizes of a bucket, in layers")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    logging.getLogger("deepspeed").setLevel(logging.ERROR)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(alone | os.environ)  # torchrun says otherwise
    leave_to_gloo()
    import deepspeed

    deepspeed.init_distributed(dist_backend="gloo", verbose=False)
    rows = measured(arguments.presets, arguments.buckets)
    facts = {"deepspeed": version("deepspeed"), "torch": version("torch"), "ranks": int(os.environ["WORLD_SIZE"])}
    facts |= {"parameters": LAYERS * WIDTH * WIDTH, "layers": LAYERS}
    if os.environ["RANK"] == "0":
        lines = ",\n  ".join(map(json.dumps, rows))
        head = json.dumps(facts)[1:-1]
        arguments.out.write_text(f'{{{head}, "bytes_a_parameter": [\n  {lines}\n]}}\n')


if __name__ == "__main__":
    main()
