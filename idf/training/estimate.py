"""`idf plan`: memory, steps and hours of a recipe before any GPU is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from idf.errors import UserError
from idf.recipe import read_recipe, shipped_recipes

from .data import data_command
from .deepspeed import PRESETS
from .flops import PEAK_TFLOPS, peak_tflops, train_flops
from .memory import CHOICES, RESERVE, Memory, Size, memory_of
from .overhead import describe_disk, describe_time, hook_seconds, in_words, saving_seconds
from .recipe import BF16_SUMS, LoraRecipe, StageRecipe
from .survey import Survey, base_of, survey

DEFAULT_GPU = "A100"
_MOST_GPUS = 512


@dataclass(frozen=True)
class Estimate:
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


def estimate(
    recipe: StageRecipe,
    gpu_memory: float = 80.0,
    gpu: str | None = None,
    peak: float | None = None,
    mfu: float = 0.4,
    write_speed: float = 1.0,
    recipe_path: Path | None = None,
) -> Estimate:
    """Work out a recipe.

    Args:
        recipe: The recipe.
        gpu_memory: Memory of a GPU in GiB, which is what the number in a card's name means: nvidia-smi finds 81,920 MiB
            in an A100 80GB, 143,771 in an H200 141GB, 24,564 in an RTX 4090.
        gpu: Name of the GPU, for its peak; None for the recipe's `peak_tflops`, or else an A100.
        peak: Its peak in 10^12 operations a second, instead of a name.
        mfu: Share of the peak that is expected, from 0 to 1.
        write_speed: What the disk takes, in GB (10^9 bytes) a second.
        recipe_path: The recipe's file, for a parent run that has not run yet; see `survey`.

    Raises:
        UserError: A number is out of range, the GPU is unknown, or whatever `survey` raises.
    """
    check_numbers(gpu_memory, mfu, write_speed)
    tflops, named = named_peak(recipe.peak_tflops, gpu, peak)
    known = survey(recipe, recipe_path)
    room = gpu_memory * (1 - RESERVE) * 2**30
    patches = known.work.most_patches
    table = [memory_of(recipe, known.shape, known.size, preset, recipe.gpus, patches) for preset in CHOICES]
    own = next(memory for memory in table if memory.preset == recipe.deepspeed)
    text = "\n".join(
        [
            known.text,
            _hours(recipe, known, tflops, named, mfu, write_speed),
            describe_disk(recipe, known.size, known.work.steps),
            "",
            f"memory of each GPU of {recipe.gpus} in GB (10^9 bytes), arithmetic and not measured",
            f"room: {room / 1e9:.1f} GB = {room / 2**30:.1f} GiB, {RESERVE:.0%} less than the {gpu_memory:g} GiB of the GPU",
            *_rows(recipe, table, room),
        ]
    )
    fits = own.peak <= room
    return Estimate(text, fits, "" if fits else _advise(recipe, known, own, room), own.peak)


def check_numbers(gpu_memory: float, mfu: float, write_speed: float) -> None:
    """Refuse what no machine has.

    Raises:
        UserError: A number is out of its range.
    """
    if gpu_memory <= 0:
        raise UserError(f"--gpu-memory must be above zero, not {gpu_memory:g}")
    if not 0 < mfu <= 1:
        raise UserError(f"--mfu is a share of the peak, above 0 and at most 1, not {mfu:g}")
    if write_speed <= 0:
        raise UserError(f"--write-speed must be above zero, not {write_speed:g}")


def named_peak(of_recipe: float | None, gpu: str | None, peak: float | None) -> tuple[float, str]:
    """What 100 % MFU is in 10^12 operations a second, and whose figure that is.

    Args:
        of_recipe: The recipe's `peak_tflops`.
        gpu: Name of the GPU; None for what the recipe says, or else an A100.
        peak: The peak, instead of a name.

    Raises:
        UserError: The GPU is not known, or the peak is not above zero.
    """
    if peak is not None:
        if peak <= 0:
            raise UserError(f"--peak-tflops must be above zero, not {peak:g}")
        return peak, "as given"
    if gpu is None and of_recipe is not None:
        return of_recipe, "the recipe's peak_tflops"
    name = gpu or DEFAULT_GPU
    found = peak_tflops(name)
    if found is None:
        raise UserError(f"the GPU {name!r} is not known: say --peak-tflops, or one of {', '.join(PEAK_TFLOPS)}")
    return found, f"{name}, dense bf16"


def _hours(recipe: StageRecipe, known: Survey, tflops: float, named: str, mfu: float, write_speed: float) -> str:
    """The steps' time, and what saving and the hook add to it."""
    work, steps = (
        train_flops(known.shape, known.work.counts, recipe.lora.rank if recipe.lora else None, recipe.train),
        known.work.steps,
    )
    speed = recipe.gpus * tflops * 1e12 * mfu
    seconds, tokens = work * recipe.epochs / speed, known.work.counts.tokens
    aside = saving_seconds(recipe, known.size, steps, write_speed) + hook_seconds(recipe, known.shape, steps)
    return (
        f"time: {in_words(seconds)} if {mfu:.0%} of {tflops:g} TFLOP/s ({named}) are reached: "
        f"{work / tokens / 1e9:.1f} GFLOP a token, {tokens / (work / speed) / recipe.gpus:,.0f} tokens a second and GPU\n"
        f"{describe_time(recipe, known.shape, known.size, steps, write_speed)}\n"
        f"in all: at most {in_words(seconds + aside)} and the start"
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
        verdict = "fits" if memory.peak <= room else ""
        if recipe.fp32_gradients and memory.preset in BF16_SUMS:
            verdict = "not with fp32_gradients"
        yield f"{mark} {(memory.preset or 'none, fp32').ljust(14)}{line}  {verdict}".rstrip()
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
    for change, size, how in _changes(recipe, known):
        memory = memory_of(change, known.shape, size, change.deepspeed, change.gpus, known.work.most_patches)
        if memory.peak <= room and not (change.fp32_gradients and change.deepspeed in BF16_SUMS):
            host = f", which takes {memory.host / 1e9:.0f} GB of CPU memory for each GPU" if memory.host else ""
            return f"{short}: it fits with {how or _difference(recipe, change)}{host}"
    return f"{short}: no preset, number of GPUs up to {_MOST_GPUS}, shorter row or adapter makes it fit"


def _changes(recipe: StageRecipe, known: Survey) -> Iterator[tuple[StageRecipe, Size, str]]:
    """Changed recipes, the nearest first, with the parameters that they train, and in words what they are, if not by keys.

    On one GPU: without the hook, another preset, adapters, offload; more GPUs and shorter rows at last. On more: where the
    hook runs, another preset, more GPUs, shorter rows, adapters; then the last four without the inline hook.
    """
    alone = recipe.gpus == 1  # nobody is there to watch, and its CPU memory is rarely that of a node
    elsewhere = replace(recipe, hook=replace(recipe.hook, mode="off" if alone else "watch"))
    own_first = list(dict.fromkeys([recipe.deepspeed, *PRESETS]))
    on_gpu = [preset for preset in own_first if "offload" not in (preset or "")]
    hooks = [recipe] if recipe.hook.mode != "inline" else [recipe, elsewhere]
    adapters = recipe.lora is None and recipe.train == "language"
    if recipe.hook.mode == "inline":
        yield elsewhere, known.size, ""
    if alone:
        for way in hooks:
            for preset in on_gpu:
                yield replace(way, deepspeed=preset), known.size, ""
        if adapters:
            yield from _adapter_recipes(recipe, known)
            for way in hooks:
                for preset in own_first:
                    yield replace(way, deepspeed=preset, lora=LoraRecipe()), known.adapted, ""
    for way in hooks:
        for preset in own_first:
            yield replace(way, deepspeed=preset), known.size, ""
        gpus = recipe.gpus * 2 if recipe.gpus < 8 else recipe.gpus // 8 * 16
        while gpus <= _MOST_GPUS:
            at_once = recipe.rows_per_micro_batch * gpus
            rows = -(-recipe.rows_per_step // at_once) * at_once
            for preset in own_first:
                yield replace(way, deepspeed=preset, gpus=gpus, rows_per_step=rows), known.size, ""
            gpus *= 2
        length = recipe.tokens_per_row // 2
        while length >= known.work.longest:
            for preset in own_first:
                yield replace(way, deepspeed=preset, tokens_per_row=length), known.size, ""
            length //= 2
        if adapters:
            for preset in own_first:
                yield replace(way, deepspeed=preset, lora=LoraRecipe()), known.adapted, ""


def _adapter_recipes(recipe: StageRecipe, known: Survey) -> Iterator[tuple[StageRecipe, Size, str]]:
    """The recipes that come with idf for adapters of the same model on one GPU, the longest rows first."""
    root, found = shipped_recipes(), []
    for path in sorted(root.glob("*/stage[12].yaml")):
        shipped = read_recipe(StageRecipe, path)
        of_adapters = (shipped.stage, shipped.gpus, shipped.lora) == (recipe.stage, 1, LoraRecipe())
        if of_adapters and base_of(shipped, path)[0] == known.base:
            found.append((shipped, f"idf:{path.relative_to(root).as_posix()}"))
    for shipped, name in sorted(found, key=lambda pair: -pair[0].tokens_per_row):
        smaller = shipped.max_pixels < recipe.max_pixels
        data = f", with smaller pictures: `{data_command(shipped)}`" if smaller else ""
        adapters = f"lora.rank={LoraRecipe().rank}, adapters instead of full fine-tuning"
        yield shipped, known.adapted, f"--recipe {name} ({adapters}{data})"


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
        words.append(f"hook.mode={change.hook.mode}")
    return " ".join(words)
