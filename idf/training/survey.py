"""A look at model and data of a recipe, before any device is touched: what `--dry-run` and `idf plan` share."""

from __future__ import annotations

from dataclasses import dataclass

from .flops import Shape, shape_of
from .load import meta_model
from .memory import Size, size_of
from .recipe import LoraRecipe, StageRecipe
from .stage import find_data
from .workload import Workload, describe, workload_of


@dataclass(frozen=True)
class Survey:
    """What a recipe trains, and on what.

    Attributes:
        shape: The model's shape.
        size: Its parameters under this recipe.
        adapted: Its parameters if adapters of the default rank were trained instead.
        work: The data's tokens, rows and steps.
        text: All of it in words, a line each.
    """

    shape: Shape
    size: Size
    adapted: Size
    work: Workload
    text: str


def survey(recipe: StageRecipe) -> Survey:
    """Count parameters on the meta device, and tokens, rows and steps on the data.

    Raises:
        UserError: The model's shape is not known here, the data is missing or cannot be trained on, or `rows_per_step`
            does not divide.
    """
    recipe.accumulation_steps(recipe.gpus)  # refused before the data is read, which may take minutes
    vlm = meta_model(recipe.model)
    shape = shape_of(vlm)
    size = size_of(vlm, shape, recipe.lora.rank if recipe.lora else None)
    data = find_data(recipe)
    work = workload_of(recipe, data, shape)
    text = (
        f"{recipe.stage}-distillation of {recipe.model} on {recipe.gpus} x {recipe.device}\n"
        f"parameters: {_in_words(size.total)} in all, {_in_words(size.total - size.trained)} frozen, "
        f"{_in_words(size.trained)} trainable{f' (adapters of rank {recipe.lora.rank})' if recipe.lora else ''}\n"
        f"data: {len(data):,} samples in {recipe.data}, every shard as its sha256 says\n"
        f"{describe(recipe, work)}"
    )
    return Survey(shape, size, size_of(vlm, shape, LoraRecipe().rank), work, text)


def sizes(recipe: StageRecipe) -> tuple[int, int]:
    """Parameters of a recipe's model, adapters included, and those that learn.

    Raises:
        UserError: The model's shape is not known here.
    """
    vlm = meta_model(recipe.model)
    size = size_of(vlm, shape_of(vlm), recipe.lora.rank if recipe.lora else None)
    return size.total, size.trained


def _in_words(n: int) -> str:
    return f"{n / 1e9:.3f} B" if n >= 1e8 else f"{n / 1e6:.3f} M"
