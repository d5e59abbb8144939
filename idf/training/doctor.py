"""`idf doctor`: what will not work on this machine, a line each. It needs none of the extras: what is missing is a line."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from idf.errors import UserError
from idf.extras import EXTRAS
from idf.gpus import Gpus, Torch, driver_problem, find_gpus, find_torch
from idf.version import VERSION

from .data import find_data
from .recipe import StageRecipe
from .room import SHARED_MEMORY, TOKEN_BYTES, free_bytes, held_bytes, prefetched
from .stage import needed_modules
from .stages import AnyStage
from .surroundings import cached, free_port_29500, hub_problem, offline, reaches_itself

OK, MISSING, MAYBE, UNUSED = "ok", "MISSING", "maybe", "-"
GPUS_OF_A_NODE = 8
_PICTURE_TOKEN_BYTES = 4 * 3 * 2 * 14 * 14 * 4
"""Of Qwen2.5-VL's image processor: a token is four patches of two frames of 14 x 14 pixels, three channels, fp32."""
_PIXELS_PER_TOKEN = 28 * 28


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: OK; MISSING, if the recipe needs it; MAYBE, if only the run itself can tell; UNUSED, if nothing needs it.
        sentence: What was found, and what would help.
    """

    name: str
    state: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.state:<8} {self.name:<16} {self.sentence}"


def examine(recipe: AnyStage | None) -> list[Finding]:
    """Look at this machine.

    Args:
        recipe: What is to run; None to look at everything and find nothing MISSING.

    Returns:
        Ten findings.
    """
    gpus, torch = find_gpus(), find_torch()
    looks = (
        partial(_packages, torch),
        partial(_gpus, gpus, torch),
        partial(_driver, gpus, torch),
        partial(_communication, gpus, torch),
        _attention,
        partial(_shared_memory, gpus),
        partial(_disk, torch),
        _hub,
        _ports,
        _data,
    )
    return [look(recipe) for look in looks]


def _packages(torch: Torch, recipe: AnyStage | None) -> Finding:
    here = f"idf {VERSION}, Python {platform.python_version()}, torch {torch.version or 'not there'}"
    needed = EXTRAS["train"] if recipe is None else needed_modules(recipe)
    lacking = [name for name in needed if find_spec(name) is None]
    if lacking:
        state = UNUSED if recipe is None else MISSING
        extra = "rl" if recipe is not None and recipe.stage == "reinforcement" else "train"
        return Finding("packages", state, f"{here}; not installed: {', '.join(lacking)}: pip install 'idf[{extra}]'")
    if not torch.version:
        return Finding("packages", UNUSED if recipe is None else MISSING, torch.problem)
    if recipe is not None and (recipe.deepspeed or "").endswith("offload") and shutil.which("c++") is None:
        return Finding("packages", MISSING, f"{here}; {recipe.deepspeed} compiles its optimizer: install g++ (c++)")
    return Finding("packages", OK, here)


def _gpus(gpus: Gpus, torch: Torch, recipe: AnyStage | None) -> Finding:
    if recipe is not None and recipe.device == "cpu":
        return Finding("GPUs", UNUSED, f"the recipe trains on the CPU, with {recipe.gpus} processes")
    count = len(gpus.names) or torch.devices
    if not count:
        return Finding("GPUs", UNUSED if recipe is None else MISSING, gpus.problem)
    here = f"{count} x {gpus.names[0] if gpus.names else 'GPU'}"
    here += f" of {gpus.memory_gib:.0f} GiB" if gpus.memory_gib else ""
    if recipe is None or count == recipe.gpus:
        return Finding("GPUs", OK, here)
    where = f"{here}; the recipe is for {recipe.gpus}"
    if recipe.gpus % count == 0 and recipe.gpus > GPUS_OF_A_NODE:
        return Finding("GPUs", OK, f"{where}, which takes {recipe.gpus // count} such nodes")
    try:
        recipe.accumulation_steps(min(count, recipe.gpus))
    except UserError as error:
        return Finding("GPUs", MISSING, f"{where}: {error}")
    if count > recipe.gpus:
        return Finding("GPUs", OK, where)
    return Finding("GPUs", MAYBE, f"{where}: `idf plan --recipe F --gpus {count}` says whether it fits")


def _driver(gpus: Gpus, torch: Torch, recipe: AnyStage | None) -> Finding:
    if recipe is not None and recipe.device == "cpu":
        return Finding("driver", UNUSED, "the recipe trains on the CPU")
    if torch.devices:
        return Finding(
            "driver", OK, f"{gpus.driver or 'unknown'}; torch {torch.version} (CUDA {torch.cuda}) can use it"
        )
    problem = "there is no GPU, so no driver was looked at" if gpus.problem else driver_problem(gpus, torch)
    return Finding("driver", UNUSED if recipe is None or gpus.problem else MISSING, problem or gpus.driver)


def _communication(gpus: Gpus, torch: Torch, recipe: AnyStage | None) -> Finding:
    """NCCL between GPUs, gloo between CPUs."""
    if not torch.version:
        return Finding("NCCL", UNUSED if recipe is None else MISSING, torch.problem)
    try:
        from torch import distributed

        nccl, gloo = distributed.is_nccl_available(), distributed.is_gloo_available()
    except (ImportError, AttributeError):  # a torch that was built without it has neither
        nccl = gloo = False
    if recipe is not None and recipe.device == "cpu":
        why = "gloo, of torch, is what CPUs use" if gloo else f"torch {torch.version} has no gloo, which CPUs need"
        return Finding("NCCL", UNUSED if gloo else MISSING, why)
    if nccl:
        return Finding("NCCL", OK, f"of torch {torch.version}; what it says to itself: NCCL_DEBUG=INFO")
    why = f"torch {torch.version} is built without NCCL, which several GPUs need: install a torch for CUDA (see driver)"
    alone = recipe is None or recipe.gpus == 1
    return Finding("NCCL", UNUSED if alone else MISSING, why)


def _attention(recipe: AnyStage | None) -> Finding:
    there = find_spec("flash_attn") is not None
    if recipe is not None and recipe.attention == "packed":
        return _packed(recipe, there)
    if recipe is not None and recipe.attention != "flash_attention_2":
        return Finding("flash attention", UNUSED, f"the recipe says attention={recipe.attention}, which torch has")
    if there:
        return Finding("flash attention", OK, "the package flash_attn is installed")
    why = "the package flash_attn is not installed: pip install flash-attn --no-build-isolation, or attention=sdpa"
    return Finding("flash attention", UNUSED if recipe is None else MISSING, why)


def _packed(recipe: AnyStage, flash_attn: bool) -> Finding:
    """What computes each sample alone."""
    said = "the recipe says attention=packed"
    if recipe.device == "cpu":
        return Finding("flash attention", UNUSED, f"{said}: on a CPU it calls torch's sdpa once a sample")
    try:
        from .attention import varlen_call

        varlen = varlen_call() is not None
    except (ImportError, OSError):  # no torch, or one that cannot be loaded: said above
        varlen = False
    if varlen or flash_attn:
        kernel = "torch.nn.attention.varlen" if varlen else "the package flash_attn"
        return Finding("flash attention", OK, f"{said}, which uses {kernel}")
    slow = "it would call sdpa once a sample, which is slower: install torch 2.11 or newer, or flash-attn"
    return Finding(
        "flash attention", MAYBE, f"{said}; neither torch.nn.attention.varlen nor flash_attn is here: {slow}"
    )


def _shared_memory(gpus: Gpus, recipe: AnyStage | None) -> Finding:
    name = str(SHARED_MEMORY)
    if not SHARED_MEMORY.is_dir():
        return Finding(name, UNUSED, f"this system ({sys.platform}) has none")
    free = free_bytes(SHARED_MEMORY)
    here = f"{_size(free)} free"
    if recipe is None:
        state = OK if free > 2**30 else UNUSED
        return Finding(
            name, state, here + ("" if free > 2**30 else ": too little for the loader's workers (--shm-size)")
        )
    if not isinstance(recipe, StageRecipe) or not recipe.loader_workers:
        return Finding(name, UNUSED, f"{here}; a loader without workers needs none")
    ranks = min(recipe.gpus, len(gpus.names) or GPUS_OF_A_NODE) if recipe.device == "gpu" else recipe.gpus
    accumulation = max(1, recipe.rows_per_step // (recipe.rows_per_micro_batch * recipe.gpus))
    batches = ranks * recipe.loader_workers * prefetched(recipe, accumulation) * recipe.rows_per_micro_batch
    tokens = recipe.tokens_per_row
    picture = min(tokens, recipe.max_pixels // _PIXELS_PER_TOKEN)
    least, most = (batches * (tokens * TOKEN_BYTES + shown * _PICTURE_TOKEN_BYTES) for shown in (picture, tokens))
    needs = f"{here}; {ranks} ranks need {_size(least)} (one picture of max_pixels a row) to {_size(most)} (full of pictures)"
    if free >= most:
        return Finding(name, OK, needs)
    return Finding(
        name,
        MAYBE if free >= least else MISSING,
        f"{needs}: start the container with --shm-size={-(-int(most) // 2**30) + 1}g or --ipc=host, or set loader_workers=0",
    )


def _disk(torch: Torch, recipe: AnyStage | None) -> Finding:
    if recipe is None:
        return Finding("disk", OK, f"{_size(free_bytes(Path.cwd()))} free here; --recipe F says what a run takes")
    run = Path(recipe.run)
    free, kept = free_bytes(run), held_bytes(run)
    here = f"{_size(free)} free for {run}"
    if not torch.version or find_spec("transformers") is None:
        return Finding(
            "disk", MAYBE, f"{here}; what the run takes is counted once torch and transformers are installed"
        )
    try:
        from .overhead import disk_bytes
        from .survey import size

        needed = disk_bytes(recipe, size(recipe))
    except Exception as error:  # the model is not known here, or a broken installation raises whatever it likes
        why = " ".join(str(error).split())
        return Finding(
            "disk", MAYBE, f"{here}; what the run takes could not be counted ({type(error).__name__}: {why})"
        )
    count = recipe.keep_checkpoints + 1 + (recipe.hook.mode != "off")
    needs = f"{here}; the run takes up to {_size(needed)} ({count} checkpoints at a time)"
    if free + kept >= needed:
        return Finding("disk", OK, needs)
    return Finding("disk", MISSING, f"{needs}: set run= to a larger disk, or keep_checkpoints lower")


def _hub(recipe: AnyStage | None) -> Finding:
    if recipe is None:
        problem = hub_problem("Qwen/Qwen2.5-VL-7B-Instruct")
        return Finding("hub", UNUSED if problem else OK, problem or "it answers")
    if Path(recipe.model).is_dir():
        problem = _model_problem(recipe.model)
        return Finding("hub", MISSING if problem else UNUSED, problem or f"the model is the folder {recipe.model}")
    if (snapshot := cached(recipe.model)) is not None:
        return Finding("hub", OK, f"{recipe.model} lies in the cache: {snapshot}")
    problem = hub_problem(recipe.model)
    if problem is None:
        return Finding("hub", OK, f"{recipe.model} is not in the cache yet, and the hub answers")
    return Finding(
        "hub",
        MISSING,
        f"{recipe.model} is neither a folder nor in the cache, and {problem}: fetch it where there is a network with "
        f"`hf download {recipe.model}`, and set HF_HOME to that folder here"
        + ("" if not offline() else ", or unset HF_HUB_OFFLINE"),
    )


def _model_problem(model: str) -> str | None:
    """Why the model in a folder cannot be trained; None if it can, or if what would look at it is not installed."""
    if any(find_spec(name) is None for name in ("torch", "transformers")):
        return None
    from .load import check_model

    try:
        check_model(model)
    except UserError as error:
        return str(error)
    return None


def _ports(recipe: AnyStage | None) -> Finding:
    problem = reaches_itself()
    if problem is not None:
        return Finding("ports", UNUSED if recipe is None else MISSING, problem)
    if free_port_29500():
        return Finding("ports", OK, "this machine reaches itself by its name; 29500 is free")
    return Finding("ports", MAYBE, "port 29500, torchrun's own, is taken: use --standalone, or another --rdzv_endpoint")


def _data(recipe: AnyStage | None) -> Finding:
    if recipe is None:
        return Finding("data", UNUSED, "--recipe F says whether its data is there")
    try:
        return Finding("data", OK, f"{len(find_data(recipe)):,} samples in {recipe.data}")
    except UserError as error:
        return Finding("data", MISSING, str(error))


def _size(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
