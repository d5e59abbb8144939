"""A look at model and data of a recipe, before any device is touched: what `--dry-run` and `idf plan` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from idf.recipe import find_recipe

from .data import find_data
from .flops import Shape, shape_of
from .load import check_model, meta_model
from .memory import Size, size_of
from .recipe import LoraRecipe, StageRecipe, TrainingRecipe
from .workload import Workload, describe, describe_attention, workload_of


@dataclass(frozen=True)
class Survey:
    """What a recipe trains, and on what.

    Attributes:
        base: The model whose shape it is: the recipe's, or what a parent run that has not run yet begins from.
        shape: The model's shape.
        size: Its parameters under this recipe.
        adapted: Its parameters if adapters of the default rank were trained instead.
        work: The data's tokens, rows and steps.
        text: All of it in words, a line each.
    """

    base: str
    shape: Shape
    size: Size
    adapted: Size
    work: Workload
    text: str


def survey(recipe: StageRecipe, recipe_path: Path | None = None) -> Survey:
    """Count parameters on the meta device, and tokens, rows and steps on the data.

    Args:
        recipe: The recipe.
        recipe_path: Its file. If the recipe begins from the end of a run that has not run yet, the recipe of that run is
            looked for in the same folder, and the shapes of the model that it begins from are taken.

    Raises:
        UserError: The model's shape is not known here, it cannot be trained as it lies there (`check_model`), the data is
            missing or cannot be trained on, or `rows_per_step` does not divide.
    """
    recipe.accumulation_steps(recipe.gpus)  # refused before the data is read, which may take minutes
    base, told = base_of(recipe, recipe_path)
    check_model(base)
    vlm = meta_model(base, recipe.train)
    shape = shape_of(vlm)
    size = size_of(vlm, shape, recipe.lora.rank if recipe.lora else None)
    data = find_data(recipe)
    work = workload_of(recipe, data, shape)
    text = (
        f"{recipe.stage}-distillation of {recipe.model} on {recipe.gpus} x {recipe.device}\n{told}"
        f"parameters: {in_millions(size.total)} in all, {in_millions(size.total - size.trained)} frozen, "
        f"{in_millions(size.trained)} trainable{f' (adapters of rank {recipe.lora.rank})' if recipe.lora else ''}\n"
        f"data: {len(data):,} samples in {recipe.data}, every shard as its sha256 says\n"
        f"{describe(recipe, work)}\n"
        f"{describe_attention(recipe, work, shape)}"
    )
    return Survey(base, shape, size, size_of(vlm, shape, LoraRecipe().rank), work, text)


def base_of(recipe: TrainingRecipe, recipe_path: Path | None) -> tuple[str, str]:
    """The model whose shapes count, and a line on it if it is not the recipe's own.

    Args:
        recipe: The recipe.
        recipe_path: Its file, beside which that of the run may lie from whose end it begins.
    """
    if recipe_path is not None and not (Path(recipe.model) / "config.json").exists():
        for path in sorted(find_recipe(recipe_path).parent.glob("*.yaml")):
            parent = yaml.safe_load(path.read_text(encoding="utf-8"))
            if isinstance(parent, dict) and f"{parent.get('run')}/final" == recipe.model and "model" in parent:
                return parent["model"], (
                    f"{recipe.model} is not there yet: this counts with the shapes of {parent['model']}, "
                    f"from which {path} begins\n"
                )
    return recipe.model, ""


def size(recipe: TrainingRecipe) -> Size:
    """Parameters of a recipe's model, adapters included, and those that learn; no weight is read.

    Raises:
        UserError: The model's shape is not known here.
    """
    vlm = meta_model(recipe.model, recipe.train)
    return size_of(vlm, shape_of(vlm), recipe.lora.rank if recipe.lora else None)


def in_millions(n: int) -> str:
    return f"{n / 1e9:.3f} B" if n >= 1e8 else f"{n / 1e6:.3f} M"
