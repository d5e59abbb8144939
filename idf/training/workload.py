"""What a dataset means for a recipe: tokens, rows, steps. Needs neither GPU nor weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from idf.data import DatasetFolder, EstimatedTokens, Sample, size_of_picture
from idf.errors import UserError

from .encode import Encoder
from .encode_dataset import count_tokens
from .flops import Counts, Shape
from .recipe import StageRecipe
from .token_files import Piece


@dataclass(frozen=True)
class Workload:
    """An epoch of a recipe, and its steps.

    Attributes:
        counts: What an epoch consists of.
        longest: Tokens of the longest sample.
        rows: Rows that the samples are packed into.
        filled: Share of their places that hold a token.
        row_pairs: The square of each row's length in tokens, summed up.
        most_patches: Patches of the pictures in the fullest row.
        steps: Optimizer steps of the whole run.
        how: How tokens were counted.
    """

    counts: Counts
    longest: int
    rows: int
    filled: float
    row_pairs: int
    most_patches: int
    steps: int
    how: str


def workload_of(recipe: StageRecipe, data: DatasetFolder, shape: Shape) -> Workload:
    """Read a dataset and pack it as training would.

    Args:
        recipe: The stage's recipe.
        data: Its dataset.
        shape: The model's shape, for the pictures.

    Raises:
        UserError: Some samples cannot be trained on, or none has a picture and the vision part learns.
    """
    from .dataset import packed_rows, steps_in_run

    samples, how = _count(recipe, data, shape)
    recipe.check_pictures(sum(counts.patches for counts in samples))
    lengths = [counts.tokens for counts in samples]
    if max(lengths) > recipe.tokens_per_row:
        raise UserError(
            f"the longest sample has {max(lengths)} tokens, tokens_per_row allows {recipe.tokens_per_row}: raise it, or "
            "make the data with smaller pictures (max_pixels)"
        )
    packed = packed_rows(data, lengths, recipe.tokens_per_row, recipe.seed, recipe.order)
    rows = len(packed)
    filled = sum(lengths) / (rows * recipe.tokens_per_row)
    row_pairs = sum(sum(lengths[i] for i in row) ** 2 for row in packed)
    most_patches = max(sum(samples[i].patches for i in row) for row in packed)
    steps = steps_in_run(rows, recipe)
    return Workload(sum(samples, Counts()), max(lengths), rows, filled, row_pairs, most_patches, steps, how)


def describe(recipe: StageRecipe, work: Workload) -> str:
    """Tokens, rows and steps, one line each."""
    accumulated = recipe.accumulation_steps(recipe.gpus)
    return (
        f"tokens: {work.counts.tokens:,} an epoch, {work.counts.label_tokens:,} of them to learn, {work.longest:,} in the "
        f"longest sample ({work.how})\n"
        f"rows: {work.rows:,} of {recipe.tokens_per_row:,} tokens, {work.filled:.1%} filled\n"
        f"steps: {work.steps:,} ({recipe.epochs:g} epochs, {recipe.rows_per_step} rows a step: "
        f"{recipe.rows_per_micro_batch} x {recipe.gpus} devices x {accumulated} accumulated)"
    )


def describe_attention(recipe: StageRecipe, work: Workload, shape: Shape) -> str:
    """What attention computes of samples alone and of whole rows, in a line.

    With a mask the decoder's attention multiplies all pairs of tokens of a row, 12 x width operations a pair and layer
    forward and backward; alone, half of each sample's pairs, since it is causal.
    """
    alone, whole = work.counts.token_pairs / 2, work.row_pairs
    more = 12 * shape.layers * shape.attention * (whole - alone) / work.counts.tokens / 1e9
    if recipe.samples_alone:
        other = f"sdpa would compute {whole / alone:.1f} times as many pairs of tokens"
        return f"attention: {recipe.attention}, each sample alone; {other}, {more:.1f} GFLOP a token more"
    other = f"{whole / alone:.1f} times as many pairs of tokens as attention=packed"
    return f"attention: {recipe.attention}, whole rows squared: {other}, {more:.1f} GFLOP a token more than MFU counts"


def _count(recipe: StageRecipe, data: DatasetFolder, shape: Shape) -> tuple[list[Counts], str]:
    """Counts of each sample: exact if the processor is on this machine, else estimated from words and pictures."""
    if Path(recipe.model).is_dir():
        from .load import load_processor

        encoder = Encoder(load_processor(recipe.model), recipe.tokens_per_row, recipe.max_pixels)
        return _exact(count_tokens(data, encoder, True)), "exact"
    estimate = EstimatedTokens()
    return [_estimated(sample, estimate, recipe, shape) for sample in data.samples()], (
        "an estimate: the tokenizer is not on this machine; a word, digit or sign counted as one token"
    )


def _exact(counted: Piece) -> list[Counts]:
    patches = iter(counted.grids.prod(axis=1).tolist())
    samples = zip(*(numbers.tolist() for numbers in (counted.lengths, counted.label_counts, counted.grid_counts)))
    return [_counts(tokens, labels, list(islice(patches, pictures))) for tokens, labels, pictures in samples]


def _estimated(sample: Sample, estimate: EstimatedTokens, recipe: StageRecipe, shape: Shape) -> Counts:
    side = round(shape.pixels_per_token**0.5)
    patches = []
    for image in sample.images:
        width, height = size_of_picture(sample, image)
        if width * height > recipe.max_pixels:
            raise UserError(
                f"sample {sample.id}: a picture of {width} x {height} is larger than max_pixels ({recipe.max_pixels})"
            )
        patches.append(-(-width // side) * -(-height // side) * shape.merge)
    lengths = estimate(sample)
    return _counts(lengths.prompt + lengths.answer + sum(patches) // shape.merge, lengths.answer, patches)


def _counts(tokens: int, label_tokens: int, patches: list[int]) -> Counts:
    return Counts(tokens, label_tokens, tokens**2, sum(patches), sum(n * n for n in patches))
