"""`idf plan` and `--dry-run` of stage 3: problems, parameters, memory and hours before any GPU is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from idf.data import EstimatedTokens, Sample
from idf.errors import UserError

from ..deepspeed import PRESETS
from ..estimate import Estimate, check_numbers, named_peak
from ..flops import Counts, Shape, shape_of, train_flops
from ..load import check_model, meta_model
from ..memory import RESERVE, Memory, Size, memory_of, size_of
from ..overhead import LAYER_SECONDS, describe_disk, describe_time, hook_seconds, in_words, saving_seconds
from ..recipe import StageRecipe
from ..stage3_recipe import Stage3Recipe
from ..survey import base_of, in_millions
from .prompts import Prompts, read_prompts

PIXEL_BYTES = 3 * (3 * 2 * 4)
"""TRL holds three copies of what the processor makes of a pixel: three channels, twice (a picture is two frames), in fp32."""
CHOICES = (None, *(preset for preset in PRESETS if not preset.startswith("zero3")))


@dataclass(frozen=True)
class RolloutSurvey:
    """What a recipe trains, and on what.

    Attributes:
        shape: The model's shape.
        size: Its parameters under this recipe.
        prompt: Mean tokens of a prompt, pictures included.
        longest: Those of the longest.
        text: All of it in words, a line each.
    """

    shape: Shape
    size: Size
    prompt: float
    longest: int
    text: str


def survey_rollouts(recipe: Stage3Recipe, recipe_path: Path | None = None) -> RolloutSurvey:
    """Count parameters on the meta device, and problems and their tokens on the data.

    Args:
        recipe: The recipe.
        recipe_path: Its file, beside which that of the run may lie from whose end it begins.

    Raises:
        UserError: The model's shape is not known here, it cannot be trained as it lies there, or the data does not do.
    """
    accumulated = recipe.accumulation_steps(recipe.gpus)
    base, told = base_of(recipe, recipe_path)
    check_model(base)
    vlm = meta_model(base)
    shape = shape_of(vlm)
    size = size_of(vlm, shape, recipe.lora.rank if recipe.lora else None)
    prompts = read_prompts(recipe)
    lengths, how = _lengths(recipe, prompts)
    epochs = recipe.steps * recipe.prompts_per_step / len(prompts)
    return RolloutSurvey(
        shape,
        size,
        fmean(lengths),
        max(lengths),
        f"reinforcement of {recipe.model} on {recipe.gpus} x {recipe.device}\n{told}"
        f"parameters: {in_millions(size.total)} in all, {in_millions(size.total - size.trained)} frozen, "
        f"{in_millions(size.trained)} trainable{f' (adapters of rank {recipe.lora.rank})' if recipe.lora else ''}\n"
        f"{prompts.describe()}\n"
        f"prompts: {fmean(lengths):,.0f} tokens on average, {max(lengths):,} in the longest ({how})\n"
        f"steps: {recipe.steps:,} ({recipe.prompts_per_step} problems a step, {recipe.samples} responses to each: "
        f"{recipe.samples_per_micro_batch} x {recipe.gpus} devices x {accumulated} accumulated); each problem is asked in "
        f"{epochs:.2g} steps on average",
    )


@dataclass(frozen=True)
class RolloutMemory:
    """Bytes on one GPU: training's moments, and that of the rollouts.

    Attributes:
        training: As in stage 2, for padded batches of the longest prompt and response.
        reference: The reference model, if there is one.
        rollouts: Keys and values of all responses that a GPU draws at once, and the widest layer of their prompts.
        pixels: What TRL holds of the pictures of a step's responses while it learns, each at its largest.
    """

    training: Memory
    reference: float
    rollouts: float
    pixels: float

    @property
    def drawing(self) -> float:
        """Bytes while responses are drawn."""
        return self.training.weights + self.training.optimizer + self.reference + self.rollouts + self.pixels

    @property
    def peak(self) -> float:
        """The most that is needed at any moment."""
        return max(self.training.peak + self.reference + self.pixels, self.drawing)


def rollout_memory(recipe: Stage3Recipe, known: RolloutSurvey, preset: str | None, gpus: int) -> RolloutMemory:
    """What a recipe takes of each GPU under a preset.

    Args:
        recipe: The recipe; its own `deepspeed` and `gpus` are not looked at.
        known: From `survey_rollouts`.
        preset: The DeepSpeed preset, or None for plain data parallelism in fp32.
        gpus: Number of GPUs.
    """
    half = 4 if preset is None or recipe.precision == "fp32" else 2
    length, shape = known.longest + recipe.max_new_tokens, known.shape
    alike = StageRecipe(
        "reasoning",
        recipe.model,
        recipe.data,
        recipe.run,
        precision=recipe.precision,
        gradient_checkpointing=recipe.gradient_checkpointing,
        max_pixels=recipe.max_pixels,
        lora=recipe.lora,
        hook=recipe.hook,
        attention="sdpa",
        tokens_per_row=length,
        rows_per_micro_batch=recipe.samples_per_micro_batch,
        rows_per_step=recipe.prompts_per_step * recipe.samples,
        device=recipe.device,
    )
    responses = recipe.prompts_per_step * recipe.samples / gpus
    cache = 2 * half * shape.layers * shape.cache * length
    widest = half * (3 * shape.intermediate + 4 * shape.hidden) * known.longest
    return RolloutMemory(
        memory_of(alike, shape, known.size, preset, gpus),
        half * known.size.total if recipe.beta else 0.0,
        responses * (cache + widest) if recipe.vllm is None else 0.0,
        responses * recipe.max_pixels * PIXEL_BYTES,
    )


def estimate_rollouts(
    recipe: Stage3Recipe,
    gpu_memory: float = 80.0,
    gpu: str | None = None,
    peak: float | None = None,
    mfu: float = 0.4,
    write_speed: float = 1.0,
    recipe_path: Path | None = None,
) -> Estimate:
    """Work out a recipe; arguments and errors are those of `idf.training.estimate.estimate`."""
    check_numbers(gpu_memory, mfu, write_speed)
    tflops, named = named_peak(None, gpu, peak)
    known = survey_rollouts(recipe, recipe_path)
    room = gpu_memory * (1 - RESERVE) * 2**30
    share = 0.0 if recipe.vllm is None or recipe.vllm.mode == "server" else recipe.vllm.gpu_memory * gpu_memory * 2**30
    table = {preset: rollout_memory(recipe, known, preset, recipe.gpus) for preset in CHOICES}
    own = table[recipe.deepspeed]
    text = "\n".join(
        [
            known.text,
            _hours(recipe, known, tflops, named, mfu, write_speed),
            describe_disk(recipe, known.size, recipe.steps),
            "",
            f"memory of each GPU of {recipe.gpus} in GB (10^9 bytes), arithmetic and not measured",
            f"room: {room / 1e9:.1f} GB, {RESERVE:.0%} less than the {gpu_memory:g} GiB of the GPU"
            + (f", of which vLLM takes {share / 1e9:.1f}" if share else ""),
            *_rows(recipe, table, room - share),
        ]
    )
    fits = own.peak + share <= room
    return Estimate(text, fits, "" if fits else _advise(recipe, known, own, room - share), own.peak + share)


def _hours(
    recipe: Stage3Recipe, known: RolloutSurvey, tflops: float, named: str, mfu: float, write_speed: float
) -> str:
    """Time of all steps if every response is as long as it may be."""
    responses = recipe.prompts_per_step * recipe.samples
    length = known.prompt + recipe.max_new_tokens
    each = Counts(int(length), recipe.max_new_tokens, int(length**2), 0, 0)
    flops = responses * train_flops(known.shape, each, recipe.lora.rank if recipe.lora else None)
    learning = recipe.steps * flops / (recipe.gpus * tflops * 1e12 * mfu)
    drawing = recipe.steps * recipe.max_new_tokens * known.shape.layers * LAYER_SECONDS
    aside = saving_seconds(recipe, known.size, recipe.steps, write_speed) + hook_seconds(
        recipe, known.shape, recipe.steps
    )
    drawn = (
        f"drawing, by transformers: at most {in_words(drawing)}, if a token takes "
        f"{1000 * LAYER_SECONDS * known.shape.layers:g} ms (1 ms a layer, assumed)"
        if recipe.vllm is None
        else f"drawing, by vLLM ({recipe.vllm.mode}): not estimated"
    )
    total = learning + aside + (drawing if recipe.vllm is None else 0.0)
    return (
        f"learning: at most {in_words(learning)} if {mfu:.0%} of {tflops:g} TFLOP/s ({named}) are reached and every response "
        f"is {recipe.max_new_tokens:,} tokens long\n{drawn}\n"
        f"{describe_time(recipe, known.shape, known.size, recipe.steps, write_speed)}\n"
        f"in all: at most {in_words(total)}{'' if recipe.vllm is None else ', what vLLM takes,'} and the start"
    )


_COLUMNS = (
    "preset",
    "weights",
    "gradients",
    "optimizer",
    "training",
    "step",
    "rollouts",
    "drawing",
    "hook",
    "peak",
    "GiB",
    "host",
)


def _rows(recipe: Stage3Recipe, table: dict[str | None, RolloutMemory], room: float) -> Iterator[str]:
    yield "  " + _COLUMNS[0].ljust(14) + "".join(name.rjust(_width(name)) for name in _COLUMNS[1:])
    for preset, memory in table.items():
        states = memory.training
        numbers = [
            states.weights + memory.reference,
            states.gradients,
            states.optimizer,
            states.training,
            states.stepping,
        ]
        numbers += [memory.rollouts, memory.drawing, states.evaluating, memory.peak]
        cells = [f"{number / 1e9:.1f}" for number in numbers]
        cells += [f"{memory.peak / 2**30:.1f}", f"{states.host / 1e9:.1f}"]
        mark = "*" if preset == recipe.deepspeed else " "
        line = "".join(cell.rjust(_width(name)) for cell, name in zip(cells, _COLUMNS[1:]))
        yield f"{mark} {(preset or 'none, fp32').ljust(14)}{line}  {'fits' if memory.peak <= room else ''}".rstrip()
    yield (
        "* the recipe's; zero3 does not go with stage 3\n"
        f"training: forward and backward of {recipe.samples_per_micro_batch} responses at full length; rollouts: keys and values "
        "of all responses of a step;\n"
        "drawing: weights, optimizer and rollouts; hook: weights, optimizer and the inline hook's model; peak: the largest"
    )


def _width(name: str) -> int:
    return max(len(name), 6) + 2


def _advise(recipe: Stage3Recipe, known: RolloutSurvey, own: RolloutMemory, room: float) -> str:
    """What does not fit, and the nearest change that does."""
    where = "drawing responses" if own.peak == own.drawing else "training"
    short = (
        f"{recipe.deepspeed or 'no deepspeed'} needs {own.peak / 1e9:.1f} GB in {where}, and there is room for "
        f"{room / 1e9:.1f} GB"
    )
    changes: list[tuple[Stage3Recipe, str]] = []
    if recipe.hook.mode == "inline":
        changes.append((replace(recipe, hook=replace(recipe.hook, mode="watch")), "hook.mode=watch"))
    for at_once in (n for n in (4, 2, 1) if n < recipe.samples_per_micro_batch):
        changes.append((replace(recipe, samples_per_micro_batch=at_once), f"samples_per_micro_batch={at_once}"))
    for prompts in (n for n in (32, 16, 8) if n < recipe.prompts_per_step):
        fewer = replace(recipe, prompts_per_step=prompts, samples_per_micro_batch=1)
        changes.append((fewer, f"prompts_per_step={prompts} samples_per_micro_batch=1"))
    changes += [(replace(recipe, deepspeed=preset), f"deepspeed={preset}") for preset in CHOICES if preset]
    for change, words in changes:
        if rollout_memory(change, known, change.deepspeed, change.gpus).peak <= room:
            return f"{short}: it fits with {words}"
    return f"{short}: try shorter responses (max_new_tokens), adapters (lora.rank=64) or more GPUs"


def _lengths(recipe: Stage3Recipe, prompts: Prompts) -> tuple[list[int], str]:
    """Tokens of each prompt: exact if the processor is on this machine, else estimated from words and pictures."""
    kept = set(prompts.kept)
    samples = (sample for index, sample in enumerate(prompts.folder.samples()) if index in kept)
    if not Path(recipe.model).is_dir():
        count = EstimatedTokens()
        lengths = [count(sample) for sample in samples]  # one after the other: their pictures are many gigabytes
        return [length.prompt + length.vision for length in lengths], (
            "an estimate: the tokenizer is not on this machine; a word, digit or sign counted as one token"
        )
    from ..encode import Encoder
    from ..load import load_processor

    encoder = Encoder(load_processor(recipe.model), 2**31, recipe.max_pixels)
    found = []
    for encoded in encoder.each(map(_answered, samples)):
        if isinstance(encoded, UserError):
            raise encoded
        found.append(len(encoded) - int((encoded.labels >= 0).sum()))
    return found, "exact"


def _answered(sample: Sample) -> Sample:
    """A sample whose response is one word, so that the rest of its tokens is the prompt."""
    asked = sample.messages[:-1] if sample.messages[-1]["role"] == "assistant" else sample.messages
    return replace(sample, messages=[*asked, {"role": "assistant", "content": [{"type": "text", "text": "-"}]}])
