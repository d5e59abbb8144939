"""What is measured on a GPU, and in which order."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from runner import Measurement

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GPU = "measured on a GPU, with random weights"
REHEARSAL = "REHEARSAL ON A CPU AT TINY SHAPES: it shows that the code runs; no figure here means anything"
MODELS = {"7b": "Qwen/Qwen2.5-VL-7B-Instruct", "3b": "Qwen/Qwen2.5-VL-3B-Instruct"}


@dataclass(frozen=True)
class Training:
    """Steps of a model's shapes; measured by steps.py.

    Attributes:
        model: A key of MODELS.
        lora: Adapters of rank 64 instead of full fine-tuning.
        deepspeed: The preset.
        attention: Implementation of attention.
        row_lengths: Values of `tokens_per_row`, one after another with the same model.
        rows: Rows in a micro-batch.
        warm_up: Steps that are not counted, for each length.
        steps: Steps that are.
        data: What make_data.py wrote.
        scratch: A folder for files of no further use.
        cpu: Tiny shapes on the CPU.
    """

    model: str
    lora: bool
    deepspeed: str
    attention: str = "sdpa"
    row_lengths: tuple[int, ...] = (4096,)
    rows: int = 1
    warm_up: int = 1
    steps: int = 2
    data: str = ""
    scratch: str = ""
    cpu: bool = False


# By `idf plan`, in GiB at rows of 8,192 on one GPU, for 79 GiB of an H100 and 140 GiB of an H200:
# 7B full, ZeRO-3: weights 15.4, gradients 14.2, fp32 master and moments 85.1, gathered and buckets 2.8, activations 2.0,
#   logits 5.5: 125.0. ZeRO-2 would take 56.7 more in its step (all gradients in fp32, and as much for Adam): 157.3.
#   Offloaded, it takes 137 GB (128 GiB) of the host's memory, which is all that there is.
# 7B with adapters of rank 64, ZeRO-2: weights 15.7, all of the adapters' states 2.3, activations and logits 5.5: 23.5.
# 3B full, ZeRO-2: weights 7.0, master and moments 34.5, the step's own 23.0: 64.5.
TRAININGS = {
    "7b-full": Training("7b", lora=False, deepspeed="zero3"),
    "7b-lora": Training("7b", lora=True, deepspeed="zero2"),
    "3b-full": Training("3b", lora=False, deepspeed="zero2"),
}
LENGTHS, LONGEST = (8192, 4096), 16384
TINY_LENGTHS, TINY_LONGEST = (2560, 1280), 3840
SMALL_ONLY = ("eager",)
"""Attention whose memory grows with the square of a row for each head: only where rows are short."""


def first(site: Path, cpu: bool) -> list[Measurement]:
    """What every call begins with: the carried wheels, if any came along, and a look at the machine."""
    wheels = sorted((HERE / "packed/wheels").glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-cache-dir", "--target"]
    # A shell takes the path of the result, which every call is given and pip would take for a package, as $0.
    install = ["bash", "-c", shlex.join([*pip, str(site), *map(str, wheels)])]
    found = [Measurement("install", install, needs=5, limit=120, always=True)] if wheels else []
    return [*found, Measurement("machine", _call("hardware", {"cpu": cpu}), needs=20, limit=180, always=True)]


def measurements(machine: dict[str, Any], data: Path, scratch: Path, cpu: bool) -> list[Measurement]:
    """All others, the most valuable first.

    Args:
        machine: What hardware.py found: `gpu_gib`, `attentions` (name -> why it cannot run, or None), `plans` (GiB that
            idf plans for each of TRAININGS, by row length).
        data: What make_data.py wrote.
        scratch: A folder for files of no further use.
        cpu: Tiny shapes on the CPU.
    """
    # How long each takes was never measured: `needs` and `limit` are guesses.
    where = {"data": str(data), "scratch": str(scratch), "cpu": cpu}
    packing = {"attentions": [name for name, why in machine["attentions"].items() if why is None]} | where
    every = {name: why for name, why in machine["attentions"].items() if cpu or name not in SMALL_ONLY}
    sdpa = {"sdpa": machine["attentions"]["sdpa"]}
    large = {name: why for name, why in every.items() if name not in SMALL_ONLY}
    # Where all weights of the 7B can be trained, that is the recipe, and what else fits comes last.
    fits = {name: cpu or max(plan.values()) <= machine["gpu_gib"] for name, plan in machine["plans"].items()}
    main = ["7b-full"] if fits["7b-full"] else ["7b-lora", "3b-full"]
    others = [name for name in TRAININGS if name not in main]
    lengths, longest = (TINY_LENGTHS, TINY_LONGEST) if cpu else (LENGTHS, LONGEST)
    steps = 1 if cpu else 5

    def trainings(stem: str, names: list[str], kinds: dict[str, str | None], **changes: Any) -> list[Measurement]:
        some = []
        for name, (attention, why) in product(names, kinds.items()):
            if not fits[name]:
                need = max(machine["plans"][name].values())
                why = f"by idf plan it takes {need:.1f} GiB, and the GPU has {machine['gpu_gib']:.1f}"
            call = _call("steps", asdict(replace(TRAININGS[name], attention=attention, **changes, **where)))
            some.append(Measurement(f"{stem}-{name}-{attention}", call, needs=45, limit=240, unfit=why))
        return some

    return [
        Measurement("packing", _call("packed_rows", packing), needs=30, limit=150),
        *trainings("step", main, sdpa, row_lengths=lengths[1:]),
        *trainings("speed", main, every, row_lengths=lengths, warm_up=2, steps=steps),
        Measurement("answers-7b", _call("answers", where), needs=60, limit=240),
        Measurement("two-stages", _call("two_stages", where), needs=0 if cpu else 330, limit=1500 if cpu else 540),
        *trainings("speed", others, large, row_lengths=lengths, warm_up=2, steps=steps),
        *trainings("long", main, large, row_lengths=(longest,), warm_up=1, steps=min(3, steps)),
        # sdpa computes whole rows squared: two short rows should be faster than one of twice the length.
        *trainings("pairs", main, sdpa, row_lengths=lengths[1:], rows=2, warm_up=2, steps=steps),
    ]


def _call(kind: str, spec: dict[str, Any]) -> list[str]:
    return [sys.executable, str(HERE / "measure.py"), kind, json.dumps(spec)]
