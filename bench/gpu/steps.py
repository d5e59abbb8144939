"""Steps of a model's shapes by idf's own engine: speed, share of the peak, and memory beside the plan's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from machine import peak_mib
from rows import collated, full_rows, write_random_tokens
from settings import Training
from shapes import config_of, recipe_of
from torch import Tensor

from idf.training.collate import COUNTS
from idf.training.engine import Engine
from idf.training.flops import Counts, Shape, peak_tflops, shape_of, train_flops
from idf.training.load import make_trainable, random_model
from idf.training.memory import Memory, Size, memory_of, size_of
from idf.training.model import StageModel, freeze_vision, parameter_counts
from idf.training.recipe import StageRecipe

ROWS_PER_STEP = 2  # on each GPU, as recipes/stage1.yaml has it on eight
RATE = 1e-5


def measure(spec: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Train at each length of rows; the figures of a length are reported before the next one begins."""
    training = Training(**spec | {"row_lengths": tuple(spec["row_lengths"])})
    setting = {key: value for key, value in asdict(training).items() if key not in ("data", "scratch")}
    report({"setting": setting | {"rows_per_step": ROWS_PER_STEP}})
    config = config_of(training.model, training.cpu)
    recipe = recipe_of(training, training.row_lengths[0], ROWS_PER_STEP)
    shape, size = _planned(config, recipe)  # before the engine: with ZeRO-3 nothing is made on the meta device then
    tokens = Path(training.scratch) / "tokens" / ("tiny" if training.cpu else "real")
    if not tokens.exists():
        write_random_tokens(Path(training.data), tokens, training.cpu, config.image_token_id)

    begun = time.perf_counter()
    engine = _engine(recipe)
    vlm = random_model(
        config, precision=recipe.precision, attention=recipe.attention, device="cpu" if training.cpu else "cuda"
    )
    make_trainable(vlm, recipe)
    total, _, trainable = parameter_counts(vlm)
    if (total, trainable) != (size.total, size.trained):
        raise RuntimeError(f"{total} parameters, {trainable} to train: the plan takes them for {size}")
    engine.prepare(StageModel(vlm, recipe.sharded, recipe.saves_memory))
    engine.model.train()
    report({"parameters": total, "trainable": trainable, "seconds_to_build": round(time.perf_counter() - begun, 1)})
    if not training.cpu:
        report({"peak_gib_to_build": round(torch.cuda.max_memory_allocated() / 2**30, 2)})

    rows: dict[str, Any] = {}
    for length in training.row_lengths:
        memory = memory_of(recipe_of(training, length, ROWS_PER_STEP), shape, size, recipe.deepspeed, 1)
        batches = _batches(training, tokens, length, config.image_token_id)
        rows[str(length)] = _speed(engine, shape, batches, training.warm_up) | _beside(memory, training.cpu)
        report({"tokens_per_row": rows})


def _planned(config: Any, recipe: StageRecipe) -> tuple[Shape, Size]:
    """What the plan knows of a model."""
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        vlm = AutoModelForImageTextToText.from_config(config)
    freeze_vision(vlm)
    shape = shape_of(vlm)
    return shape, size_of(vlm, shape, recipe.lora.rank if recipe.lora else None)


def _engine(recipe: StageRecipe) -> Engine:
    """An engine of one rank, without torchrun."""
    alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
    os.environ |= alone
    return Engine(recipe)


def _batches(training: Training, tokens: Path, length: int, image_token: int) -> list[list[dict[str, Tensor]]]:
    """The micro-batches of each step, made before the clock starts."""
    steps = training.warm_up + training.steps
    rows = full_rows(Path(training.data), tokens, length, steps * ROWS_PER_STEP)
    micro = [collated(rows[at : at + training.rows], image_token) for at in range(0, len(rows), training.rows)]
    if not training.cpu:  # as the trainer's loader does
        micro = [{name: tensor.pin_memory() for name, tensor in batch.items()} for batch in micro]
    each = ROWS_PER_STEP // training.rows
    return [micro[step * each : (step + 1) * each] for step in range(steps)]


def _speed(engine: Engine, shape: Shape, batches: list[list[dict[str, Tensor]]], warm_up: int) -> dict[str, Any]:
    """Figures of all steps but those that warm up; of memory, of all."""
    cpu = engine.device.type == "cpu"
    if not cpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    lora = engine.recipe.lora
    seconds, losses, tokens, positions, flops = [], [], 0, 0, 0.0
    for step, micro in enumerate(batches):
        counted = torch.stack([batch["counts"] for batch in micro]).sum(0).tolist()
        counts = Counts(**dict(zip(COUNTS, map(int, counted), strict=True)))
        tensors = [{name: tensor for name, tensor in batch.items() if name != "counts"} for batch in micro]
        begun = time.perf_counter()
        loss, norm = engine.step(tensors, counts.label_tokens, RATE)  # loss and norm are read: it has ended
        losses.append(round(loss / counts.label_tokens, 4))
        if not 0 < loss < float("inf") or not 0 < norm < float("inf"):
            raise RuntimeError(f"step {step + 1}: loss {loss}, norm of the gradient {norm}")
        if step >= warm_up:
            seconds.append(time.perf_counter() - begun)
            tokens += counts.tokens
            positions += sum(batch["input_ids"].numel() for batch in micro)
            flops += train_flops(shape, counts, lora.rank if lora else None)
    teraflops = flops / sum(seconds) / 1e12
    peak = None if cpu else peak_tflops(torch.cuda.get_device_name())
    return {
        "tokens_per_second": round(tokens / sum(seconds), 1),
        "step_seconds": [round(one, 3) for one in seconds],
        "padding_share": round(1 - tokens / positions, 4),
        "teraflops": round(teraflops, 5),
        "mfu": round(teraflops / peak, 4) if peak else None,
        "losses": losses,
    }


def _beside(memory: Memory, cpu: bool) -> dict[str, Any]:
    """The measured peak, and the plan's in the same unit, part by part."""
    parts = {key: round(value / 2**30, 2) for key, value in asdict(memory).items() if isinstance(value, int | float)}
    planned = memory.peak / 2**30
    figures: dict[str, Any] = {"planned_gib": round(planned, 2), "planned_parts_gib": parts}
    if cpu:  # the process's whole memory, Python and libraries included: nothing that the plan speaks of
        return figures | {"process_peak_gib": round(peak_mib(True) / 1024, 2)}
    free, total = torch.cuda.mem_get_info()
    measured = torch.cuda.max_memory_allocated() / 2**30
    return figures | {
        "peak_gib": round(measured, 2),
        "planned_over_peak": round(planned / measured, 3),
        "peak_reserved_gib": round(torch.cuda.max_memory_reserved() / 2**30, 2),
        "used_on_gpu_gib": round((total - free) / 2**30, 2),
    }
