"""The parts that both launch scripts share: facts, dry run, errors as one sentence."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idf import __version__
from idf.data import DatasetFolder, open_dataset, text_of
from idf.errors import RankError, UserError
from idf.recipe import to_plain

from .checkpoint import read_facts
from .guard import stop_signal
from .recipe import StageRecipe

DATA_COMMANDS = {
    "imagery": "idf imagery --out {data}",
    "reasoning": "idf traces --out {data}-candidates && idf filter {data}-candidates --out {data}",
}


def run_stage(story: Callable[[], None]) -> None:
    """Run a launch script's story; a UserError becomes one sentence and exit status 1, a signal a saved run and 0."""
    stop_signal()
    logging.getLogger("deepspeed").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        story()
    except UserError as error:
        if isinstance(error, RankError) or int(os.environ.get("LOCAL_RANK", "0")) == 0:  # once on every node
            print(f"error: {error}", file=sys.stderr, flush=True)
        # Other ranks may wait in a call that will never come: leave without asking them.
        sys.stdout.flush()
        os._exit(1) if isinstance(error, RankError) else sys.exit(1)


def check_device(recipe: StageRecipe) -> None:
    """Refuse a recipe for GPUs on a machine that has none.

    Raises:
        UserError: There is no GPU.
    """
    import torch

    if recipe.device == "gpu" and not torch.cuda.is_available():
        raise UserError(
            f"this recipe trains {recipe.model} on GPUs, and this machine has none: see the whole pipeline work on a tiny "
            "model with `bash launch/quickstart.sh`, or check this recipe with --dry-run"
        )


def find_data(recipe: StageRecipe) -> DatasetFolder:
    """The stage's dataset.

    Raises:
        UserError: It is missing (the command that makes it is named) or corrupt.
    """
    return open_dataset(Path(recipe.data), made_by=DATA_COMMANDS[recipe.stage].format(data=recipe.data))


def checkpoint_facts(recipe: StageRecipe, data: DatasetFolder) -> dict[str, Any]:
    """What `idf.json` says of every checkpoint of the run."""
    parent = read_facts(Path(recipe.model)) if Path(recipe.model).is_dir() else None
    packages = ("torch", "transformers", "accelerate", "deepspeed")
    return {
        "stage": recipe.stage,
        "recipe": to_plain(recipe),
        "data": {"folder": recipe.data, "samples": len(data), "fingerprint": data.fingerprint()},
        "parent": {
            "model": recipe.model,
            "stage": parent["stage"] if parent else None,
            "step": parent and parent["step"],
        },
        "ranks": int(os.environ.get("WORLD_SIZE", "1")),
        "versions": {"idf": __version__} | {name: version(name) for name in packages},
    }


def dry_run(recipe: StageRecipe) -> None:
    """Check recipe and data, count parameters and steps; needs neither GPU, weights nor network.

    Raises:
        UserError: The data is missing or cannot be trained on.
    """
    from .load import meta_model
    from .model import parameter_counts

    accumulated = recipe.accumulation_steps(recipe.gpus)
    print(f"{recipe.stage}-distillation of {recipe.model} on {recipe.gpus} x {recipe.device}")
    total, frozen, trainable = parameter_counts(meta_model(recipe.model))
    print(f"parameters: {_count(total)} in all, {_count(frozen)} frozen, {_count(trainable)} trainable")
    data = find_data(recipe)
    print(f"data: {len(data):,} samples in {recipe.data}, every shard as its sha256 says")
    lengths, source = _lengths(recipe, data)
    from .packing import pack
    from .trainer import steps_in_run

    longest = max(lengths)
    if longest > recipe.tokens_per_row:
        raise UserError(
            f"the longest sample has {longest} tokens, tokens_per_row allows {recipe.tokens_per_row}: raise it, or make "
            "the data with smaller pictures (max_pixels)"
        )
    rows = len(pack(lengths, recipe.tokens_per_row, recipe.seed))
    filled = sum(lengths) / (rows * recipe.tokens_per_row)
    print(f"tokens: {sum(lengths):,} an epoch, {longest:,} in the longest sample ({source})")
    print(f"rows: {rows:,} of {recipe.tokens_per_row:,} tokens, {filled:.1%} filled")
    print(
        f"steps: {steps_in_run(rows, recipe):,} ({recipe.epochs:g} epochs, {recipe.rows_per_step} rows a step: "
        f"{recipe.rows_per_micro_batch} x {recipe.gpus} devices x {accumulated} accumulated)"
    )


def _lengths(recipe: StageRecipe, data: DatasetFolder) -> tuple[list[int], str]:
    """Tokens of each sample: exact if the processor is on this machine, else estimated from words and pictures."""
    from .encode import Encoder, encode_all
    from .load import load_processor

    if Path(recipe.model).is_dir():
        encoder = Encoder(load_processor(recipe.model), recipe.tokens_per_row, recipe.max_pixels)
        return [len(encoded) for encoded in encode_all(encoder, data.samples(), len(data), True)], "exact"
    import io
    import re

    from PIL import Image

    lengths = []
    for sample in data.samples():
        words = sum(len(re.findall(r"[^\W\d]+|\d|[^\w\s]|\n", text_of(message))) + 5 for message in sample.messages)
        pixels = 0
        for image in sample.images:
            with Image.open(io.BytesIO(image)) as picture:
                size = picture.width * picture.height
            if size > recipe.max_pixels:
                raise UserError(
                    f"sample {sample.id}: a picture of {size} pixels is larger than max_pixels ({recipe.max_pixels})"
                )
            pixels += size
        lengths.append(words + pixels // 784 + 10)
    return lengths, "an estimate: the tokenizer is not on this machine; a word, digit or sign counted as one token"


def _count(n: int) -> str:
    return f"{n / 1e9:.3f} B" if n >= 1e8 else f"{n / 1e6:.3f} M"
