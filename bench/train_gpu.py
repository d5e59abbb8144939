"""Steps of the 7B model's real shapes on one GPU, with random weights: speed, share of the peak, memory.

bench/train.py calls it on a CUDA GPU, and writes bench/results/<name of the GPU>.json. Neither weights nor tokenizer of
the model are needed: pictures, lengths and packing are those of the default recipe, token ids are random, which costs
the same. Every setting runs in a process of its own: `python bench/train_gpu.py SPEC`, with SPEC in JSON.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import torch
from machine import command, machine, peak_mib
from PIL import Image
from torch import Tensor
from train_data import ROOT, describe, imagery_recipe, lengths_of, scaled_imagery

from idf.data import DatasetFolder, EstimatedTokens, Sample, open_dataset
from idf.drawing import PATCH
from idf.imagery import build_imagery
from idf.training.collate import COUNTS, Collator
from idf.training.dataset import PackedRows, TokenStore, write_tokens
from idf.training.encode import IGNORE, Encoded
from idf.training.engine import Engine
from idf.training.flops import Counts, peak_tflops, shape_of, train_flops
from idf.training.load import meta_model
from idf.training.model import StageModel, freeze_vision, parameter_counts
from idf.training.recipe import HookRecipe, StageRecipe

MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"
ROWS_PER_STEP = 2  # on each GPU, as recipes/stage1.yaml has it on eight
WARM_UP, STEPS = 2, 5
MASTER_BYTES = 140e9  # 16 bytes for each of 7.6 billion parameters (123 GB), the frozen ones, activations
RECIPE = "our training recipe: DeepSpeed ZeRO-2, bf16 with fp32 master weights and moments"
PLAIN = "not our training recipe: AdamW on bf16 weights and moments without fp32 masters, which need 123 GB"


@dataclass(frozen=True)
class Setting:
    """What is measured in one process.

    Attributes:
        data: Folder of the dataset; its tokens lie in `tokens` beside it.
        tokens_per_row: Most tokens in a packed row.
        rows: Rows in a micro-batch.
        attention: Implementation of attention.
        master: Whether fp32 master weights are kept (RECIPE), or not (PLAIN).
        tiny: Tiny shapes on the CPU.
    """

    data: str
    tokens_per_row: int
    rows: int
    attention: str
    master: bool
    tiny: bool


def measure_gpu(on_cpu: bool, quick: bool, out: Path | None) -> None:
    """Measure every setting and write the file.

    Args:
        on_cpu: Run the code at tiny shapes on a CPU; the figures mean nothing.
        quick: Only one length of rows.
        out: The file for figures of tiny shapes; those of a GPU go to bench/results.
    """
    row_lengths = (1280,) if quick else (1280, 2560) if on_cpu else (4096, 8192, 16384)
    attentions = ["sdpa", *(["flash_attention_2"] if find_spec("flash_attn") and not on_cpu else [])]
    masters = [True, False] if on_cpu else [torch.cuda.get_device_properties(0).total_memory > MASTER_BYTES]
    name = "tiny shapes on a CPU" if on_cpu else torch.cuda.get_device_name()
    matmul, sheet = _matmul_tflops(on_cpu), peak_tflops(name)
    rows = []
    with TemporaryDirectory() as folder:
        data = _data(Path(folder), on_cpu, vocabulary=1000 if on_cpu else 151643)
        lengths = describe(lengths_of(data.samples()))
        for tokens_per_row, at_once, attention, master in product(
            row_lengths[: 1 if quick else None], (1, 2), attentions, masters
        ):
            if attention == "flash_attention_2" and at_once > 1:
                continue  # does not keep packed samples apart then; the recipe refuses it
            setting = Setting(str(data.path), tokens_per_row, at_once, attention, master, on_cpu)
            row = {key: value for key, value in asdict(setting).items() if key not in ("data", "tiny")} | _child(
                setting
            )
            if "teraflops" in row:
                row |= {"mfu_of_matmul": round(row["teraflops"] / matmul, 3)}
                row |= {"mfu_of_data_sheet": round(row["teraflops"] / sheet, 3) if sheet else None}
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {
        "command": command(),
        "machine": machine(),
        "gpu": name,
        "model": "tiny shapes" if on_cpu else f"shapes of {MODEL}, random weights",
        "update": {"master": RECIPE, "no master": PLAIN},
        "gradient_checkpointing": True,
        "rows_per_step": ROWS_PER_STEP,
        "steps": STEPS,
        "data_sheet_tflops": sheet,
        "measured_matmul_tflops": round(matmul, 4),
        "lengths": lengths,
        "settings": rows,
    }
    path = out and out.with_name(f"{out.stem}-gpu-path.json")
    if not on_cpu:
        path = ROOT / "bench/results" / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    if path:
        path.write_text(json.dumps(result, indent=2) + "\n")
    if not any("teraflops" in row for row in rows):
        raise SystemExit("no setting ran")


def _child(setting: Setting) -> dict[str, Any]:
    """The figures of a setting, or why there are none."""
    call = [sys.executable, __file__, json.dumps(asdict(setting))]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(call, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if re.match(r"\w[\w.]*(Error|Exit)", line)]
        return {"failed": lines[-1][:300] if lines else f"exit status {done.returncode}"}
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _matmul_tflops(on_cpu: bool) -> float:
    """The speed of a large bf16 matrix product, in 10^12 operations a second: the most that a model could reach."""
    side, device = (512, "cpu") if on_cpu else (8192, "cuda")
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(30):
        _wait(on_cpu)
        begin = time.perf_counter()
        a @ b
        _wait(on_cpu)
        seconds.append(time.perf_counter() - begin)
    return 2 * side**3 / median(seconds[10:]) / 1e12


def _wait(on_cpu: bool) -> None:
    if not on_cpu:
        torch.cuda.synchronize()


# --- data --------------------------------------------------------------------------------------------------------


def _data(folder: Path, tiny: bool, vocabulary: int) -> DatasetFolder:
    """Samples of the default recipe, with random tokens of their lengths."""
    data = scaled_imagery(folder, 60, 16) if tiny else build_imagery(imagery_recipe(samples=400), folder / "data")
    image_token = _config(tiny).image_token_id
    rng = np.random.default_rng(0)
    write_tokens([_random_tokens(sample, rng, vocabulary, image_token) for sample in data.samples()], folder / "tokens")
    return data


def _random_tokens(sample: Sample, rng: np.random.Generator, vocabulary: int, image_token: int) -> Encoded:
    """A sample as `Encoder` would return it, but for what the text says."""
    count = EstimatedTokens()(sample)
    ids = rng.integers(0, vocabulary, count.total).astype(np.int32)
    grids = []
    at = 1
    for image in sample.images:
        with Image.open(io.BytesIO(image)) as picture:
            width, height = picture.size
        cells = width // PATCH * (height // PATCH)
        ids[at : at + cells] = image_token
        grids.append((1, height // PATCH * 2, width // PATCH * 2))
        at += cells + 1
    labels = np.full(count.total, IGNORE, np.int32)
    labels[-count.answer :] = ids[-count.answer :]
    return Encoded(ids, labels, grids)


# --- one setting -------------------------------------------------------------------------------------------------


class Stepper(Protocol):
    """Whoever makes a step of a model: `Engine`, or `PlainAdam`."""

    def step(
        self, batches: Sequence[dict[str, Tensor]], label_tokens: int, learning_rate: float
    ) -> tuple[float, float]: ...


class PlainAdam:
    """`Engine.step` for one GPU that cannot hold fp32 master weights.

    Args:
        model: The model, in bf16.
    """

    def __init__(self, model: StageModel) -> None:
        self.model = model
        self.learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.learned, betas=(0.9, 0.95), weight_decay=0.0, fused=True)

    def step(
        self, batches: Sequence[dict[str, Tensor]], label_tokens: int, learning_rate: float
    ) -> tuple[float, float]:
        """As `Engine.step`."""
        self.optimizer.param_groups[0]["lr"] = learning_rate
        total = 0.0
        for batch in batches:
            loss = self.model(**batch)
            (loss / label_tokens).backward()
            total += float(loss.detach())
        # foreach would hold a second copy of all gradients
        norm = torch.nn.utils.clip_grad_norm_(self.learned, 1.0, foreach=False)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total, float(norm)


def measure(setting: Setting) -> dict[str, Any]:
    """Speed and memory of a setting."""
    from transformers import AutoModelForImageTextToText

    on_cpu = setting.tiny
    device = torch.device("cpu" if on_cpu else "cuda")
    # DeepSpeed on a CPU wants fp32; a GPU trains in bf16 either way.
    dtype = torch.float32 if on_cpu and setting.master else torch.bfloat16
    engine = _engine(setting) if setting.master else None  # before the model: it chooses the device
    config = _config(setting.tiny)
    torch.manual_seed(0)
    with device:
        vlm = AutoModelForImageTextToText.from_config(config, dtype=dtype, attn_implementation=setting.attention)
    freeze_vision(vlm)
    vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    shape, (_, _, trainable) = shape_of(vlm), parameter_counts(vlm)
    model = StageModel(vlm)
    stepper: Stepper
    if engine is None:
        stepper = PlainAdam(model)
        model.train()
    else:
        engine.prepare(model)
        engine.model.train()
        stepper = engine
    batches = _batches(setting, config.image_token_id)
    seconds, tokens, positions, flops = [], 0, 0, 0.0
    for step, micro in enumerate(batches):
        begin = time.perf_counter()
        counted = torch.stack([batch.pop("counts") for batch in micro]).sum(0).tolist()
        counts = Counts(**dict(zip(COUNTS, map(int, counted), strict=True)))
        on_device = [{name: tensor.to(device) for name, tensor in batch.items()} for batch in micro]
        loss, _ = stepper.step(on_device, counts.label_tokens, 1e-5)
        _wait(on_cpu)
        if step >= WARM_UP:
            seconds.append(time.perf_counter() - begin)
            tokens += counts.tokens
            positions += sum(batch["input_ids"].numel() for batch in micro)
            flops += train_flops(shape, counts)
    return {
        "trainable": trainable,
        "dtype": str(dtype).removeprefix("torch."),
        "tokens_per_second": round(tokens / sum(seconds), 1),
        "step_seconds": [round(one, 3) for one in seconds],
        "padding_share": round(1 - tokens / positions, 4),
        "teraflops": round(flops / sum(seconds) / 1e12, 5),
        "peak_gib": round(peak_mib(on_cpu) / 1024, 2),
        "last_loss": round(loss / counts.label_tokens, 3),
    }


def _batches(setting: Setting, image_token: int) -> list[list[dict[str, Tensor]]]:
    """The micro-batches of each step, made before the clock starts."""
    from transformers import Qwen2VLImageProcessor

    folder = open_dataset(Path(setting.data), made_by="-")
    rows = PackedRows(folder, TokenStore(folder.path.with_name("tokens")), setting.tokens_per_row, 1, 0)
    needed = (WARM_UP + STEPS) * ROWS_PER_STEP
    collator = Collator(Qwen2VLImageProcessor(), image_token, 0)
    # The fullest rows: of so few samples some rows stay half empty, of 20,000 hardly one does.
    order = sorted(range(len(rows)), key=lambda r: -sum(len(rows.tokens[i]) for i in rows.rows[r]))[:needed]
    order = [order[i % len(order)] for i in range(needed)]
    cut = [order[at : at + setting.rows] for at in range(0, needed, setting.rows)]
    each = ROWS_PER_STEP // setting.rows
    return [
        [collator([rows[r] for r in micro]) for micro in cut[step * each : (step + 1) * each]]
        for step in range(WARM_UP + STEPS)
    ]


def _engine(setting: Setting) -> Engine:
    os.environ |= {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": "0",
    }
    recipe = StageRecipe(
        stage="imagery",
        model=MODEL,
        data=setting.data,
        run="-",
        device="cpu" if setting.tiny else "gpu",
        gpus=1,
        precision="fp32" if setting.tiny else "bf16",
        attention=setting.attention,  # type: ignore[arg-type]
        tokens_per_row=setting.tokens_per_row,
        rows_per_micro_batch=setting.rows,
        rows_per_step=ROWS_PER_STEP,
        wandb=False,
        hook=HookRecipe(mode="off"),
    )
    recipe.check()
    return Engine(recipe)


def _config(tiny: bool) -> Any:
    """The 7B model's configuration, or one of the same layout that a CPU can train."""
    config = meta_model(MODEL).config
    if tiny:
        text, vision = config.text_config, config.vision_config
        text.hidden_size, text.intermediate_size, text.num_hidden_layers, text.vocab_size = 64, 128, 2, 1024
        text.num_attention_heads, text.num_key_value_heads, text.layer_types = 2, 1, text.layer_types[:2]
        text.rope_parameters["mrope_section"] = [4, 6, 6]
        vision.hidden_size, vision.intermediate_size, vision.depth, vision.num_heads = 32, 64, 2, 2
        vision.out_hidden_size, vision.fullatt_block_indexes = 64, [1]
        config.image_token_id = 1001
    return config


if __name__ == "__main__":
    print(json.dumps(measure(Setting(**json.loads(sys.argv[1])))))
