"""`idf plan`: memory, steps and hours of a recipe before any GPU is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from idf.errors import UserError

from .deepspeed import PRESETS
from .flops import PEAK_TFLOPS, peak_tflops, train_flops
from .memory import CHOICES, RESERVE, Memory, Size, memory_of
from .recipe import LoraRecipe, StageRecipe
from .survey import Survey, survey

DEFAULT_GPU = "A100"
_MOST_GPUS = 512


@dataclass(frozen=True)
class Plan:
    """A recipe held against a GPU.

    Attributes:
        text: The whole plan in words.
        fits: Whether the recipe fits.
        advice: One sentence: what does not fit, and the nearest change that does; empty if it fits.
        peak: Bytes that the recipe needs of each GPU.
    """

    text: str
    fits: bool
    advice: str
    peak: float


def plan(
    recipe: StageRecipe, gpu_memory: float = 80.0, gpu: str | None = None, peak: float | None = None, mfu: float = 0.4
) -> Plan:
    """Work out a recipe.

    Args:
        recipe: The recipe.
        gpu_memory: Memory of a GPU in GiB, which is what the number in a card's name means: nvidia-smi finds 81,920 MiB
            in an A100 80GB, 143,771 in an H200 141GB, 24,564 in an RTX 4090.
        gpu: Name of the GPU, for its peak; None for the recipe's `peak_tflops`, or else an A100.
        peak: Its peak in 10^12 operations a second, instead of a name.
        mfu: Share of the peak that is expected, from 0 to 1.

    Raises:
        UserError: A number is out of range, the GPU is unknown, or whatever `survey` raises.
    """
    if gpu_memory <= 0:
        raise UserError(f"--gpu-memory must be above zero, not {gpu_memory:g}")
    if not 0 < mfu <= 1:
        raise UserError(f"--mfu is a share of the peak, above 0 and at most 1, not {mfu:g}")
    tflops, named = _peak(recipe, gpu, peak)
    known = survey(recipe)
    room = gpu_memory * (1 - RESERVE) * 2**30
    table = [memory_of(recipe, known.shape, known.size, preset, recipe.gpus) for preset in CHOICES]
    own = next(memory for memory in table if memory.preset == recipe.deepspeed)
    text = "\n".join(
        [
            known.text,
            _hours(recipe, known, tflops, named, mfu),
            "",
            f"memory of each GPU of {recipe.gpus} in GB (10^9 bytes), arithmetic and not measured",
            f"room: {room / 1e9:.1f} GB = {room / 2**30:.1f} GiB, {RESERVE:.0%} less than the {gpu_memory:g} GiB of the GPU",
            *_rows(recipe, table, room),
        ]
    )
    fits = own.peak <= room
    return Plan(text, fits, "" if fits else _advise(recipe, known, own, room), own.peak)


def _peak(recipe: StageRecipe, gpu: str | None, peak: float | None) -> tuple[float, str]:
    """What 100 % MFU is, and whose figure that is."""
    if peak is not None:
        if peak <= 0:
            raise UserError(f"--peak-tflops must be above zero, not {peak:g}")
        return peak, "as given"
    if gpu is None and recipe.peak_tflops is not None:
        return recipe.peak_tflops, "the recipe's peak_tflops"
    name = gpu or DEFAULT_GPU
    found = peak_tflops(name)
    if found is None:
        raise UserError(f"the GPU {name!r} is not known: say --peak-tflops, or one of {', '.join(PEAK_TFLOPS)}")
    return found, f"{name}, dense bf16"


def _hours(recipe: StageRecipe, known: Survey, tflops: float, named: str, mfu: float) -> str:
    work = train_flops(known.shape, known.work.counts, recipe.lora.rank if recipe.lora else None)
    speed = recipe.gpus * tflops * 1e12 * mfu
    minutes = work * recipe.epochs / speed / 60
    tokens = known.work.counts.tokens
    return (
        f"time: {f'{minutes / 60:.1f} hours' if minutes >= 100 else f'{minutes:.2g} minutes'} if {mfu:.0%} of "
        f"{tflops:g} TFLOP/s ({named}) are reached: {work / tokens / 1e9:.1f} GFLOP a token, "
        f"{tokens / (work / speed) / recipe.gpus:,.0f} tokens a second and GPU; start, saving and the hook come on top"
    )


_COLUMNS = (
    *("preset", "weights", "gradients", "optimizer", "buckets", "kept", "layer", "logits"),
    *("training", "step", "hook", "peak", "GiB", "host"),
)


def _rows(recipe: StageRecipe, table: list[Memory], room: float) -> Iterator[str]:
    yield "  " + _COLUMNS[0].ljust(14) + "".join(name.rjust(_width(name)) for name in _COLUMNS[1:])
    for memory in table:
        numbers = [memory.weights, memory.gradients, memory.optimizer, memory.buckets, memory.kept]
        numbers += [memory.layer, memory.logits, memory.training, memory.stepping, memory.evaluating, memory.peak]
        cells = [f"{number / 1e9:.1f}" for number in numbers] + [
            f"{memory.peak / 2**30:.1f}",
            f"{memory.host / 1e9:.1f}",
        ]
        mark = "*" if memory.preset == recipe.deepspeed else " "
        line = "".join(cell.rjust(_width(name)) for cell, name in zip(cells, _COLUMNS[1:]))
        yield f"{mark} {(memory.preset or 'none, fp32').ljust(14)}{line}  {'fits' if memory.peak <= room else ''}".rstrip()
    yield (
        "* the recipe's\n"
        "kept: for the backward pass; layer: the one at work; logits: one chunk, never together with a layer\n"
        "training: all before it, but only the larger of layer and logits; step: weights, optimizer and the step's own\n"
        "hook: weights, optimizer and the inline hook's model; peak: the largest of the three, also in GiB (2^30 bytes)\n"
        "host: CPU memory for each GPU"
    )


def _gpus(number: int) -> str:
    return f"{number} GPU{'s' if number > 1 else ''}"


def _width(name: str) -> int:
    return max(len(name), 6) + 2


def _advise(recipe: StageRecipe, known: Survey, own: Memory, room: float) -> str:
    """What does not fit, and the nearest change that does."""
    moment = {own.training: "forward and backward", own.stepping: "the optimizer's step", own.evaluating: "the hook"}
    short = (
        f"{recipe.deepspeed or 'no deepspeed'} on {_gpus(recipe.gpus)} needs {own.peak / 1e9:.1f} GB in {moment[own.peak]}, "
        f"and there is room for {room / 1e9:.1f} GB"
    )
    for change, size in _changes(recipe, known):
        memory = memory_of(change, known.shape, size, change.deepspeed, change.gpus)
        if memory.peak <= room:
            host = f", which takes {memory.host / 1e9:.0f} GB of CPU memory for each GPU" if memory.host else ""
            return f"{short}: it fits with {_difference(recipe, change)}{host}"
    return f"{short}: no preset, number of GPUs up to {_MOST_GPUS}, shorter row or adapter makes it fit"


def _changes(recipe: StageRecipe, known: Survey) -> Iterator[tuple[StageRecipe, Size]]:
    """Changed recipes, the nearest first, with the parameters that they train.

    Where the hook runs, another preset, more GPUs, shorter rows, adapters; then the last four without the inline hook.
    """
    own_first = list(dict.fromkeys([recipe.deepspeed, *PRESETS]))
    elsewhere = replace(recipe, hook=replace(recipe.hook, mode="watch"))
    if recipe != elsewhere:
        yield elsewhere, known.size
    for preset in own_first:
        yield replace(recipe, deepspeed=preset), known.size
    gpus = recipe.gpus * 2 if recipe.gpus < 8 else recipe.gpus // 8 * 16
    while gpus <= _MOST_GPUS:
        at_once = recipe.rows_per_micro_batch * gpus
        rows = -(-recipe.rows_per_step // at_once) * at_once
        for preset in own_first:
            yield replace(recipe, deepspeed=preset, gpus=gpus, rows_per_step=rows), known.size
        gpus *= 2
    length = recipe.tokens_per_row // 2
    while length >= known.work.longest:
        for preset in own_first:
            yield replace(recipe, deepspeed=preset, tokens_per_row=length), known.size
        length //= 2
    if recipe.lora is None:
        for preset in own_first:
            yield replace(recipe, deepspeed=preset, lora=LoraRecipe()), known.adapted
    if recipe != elsewhere:
        yield from _changes(elsewhere, known)


def _difference(recipe: StageRecipe, change: StageRecipe) -> str:
    """The keys that differ, as overrides."""
    keys = [
        key
        for key in ("gpus", "deepspeed", "rows_per_step", "tokens_per_row")
        if getattr(recipe, key) != getattr(change, key)
    ]
    words = [f"{key}={getattr(change, key)}" for key in keys]
    if change.lora != recipe.lora:
        words.append(f"lora.rank={LoraRecipe().rank} (adapters instead of full fine-tuning)")
    if change.hook != recipe.hook:
        words.append("hook.mode=watch")
    return " ".join(words)
