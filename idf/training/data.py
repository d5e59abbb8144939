"""The dataset of a stage: where it is, how it is made, and whether it is what the stage learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from idf.data import MIXTURE, DatasetFolder, open_dataset
from idf.drawing import picture_size
from idf.errors import UserError
from idf.recipe import shipped_recipes
from idf.worlds import WORLDS

from .recipe import StageRecipe
from .stages import SCRIPTS, AnyStage

MADE_AS = {"imagery": "imagery", "reasoning": "traces", "reinforcement": "traces"}
"""Stage -> what `stage` of the `dataset.json` of its data is."""

CANDIDATES = "candidate traces"
_WORDS = {
    "imagery": "imagery samples, which are stage 1's",
    "traces": "filtered traces, which are stage 2's",
    CANDIDATES: "candidate traces, which no filter has judged",
}


def find_data(recipe: AnyStage) -> DatasetFolder:
    """The stage's dataset.

    Raises:
        UserError: It is missing (the command that makes it is named), corrupt, or of another stage.
    """
    folder = open_dataset(Path(recipe.data), made_by=data_command(recipe))
    if isinstance(recipe, StageRecipe):
        if not recipe.any_data:
            _check_kind(recipe, folder.manifest)
    elif "imagery" in _stages(folder.manifest):
        raise UserError(
            f"{SCRIPTS[recipe.stage]} asks problems, and {recipe.data} holds {_WORDS['imagery']}, which ask none: set data to "
            "what `idf traces` or `idf filter` made"
        )
    return folder


def data_command(recipe: AnyStage) -> str:
    """The command that makes data for a recipe: of the recipe that comes with it, and with pictures that it takes."""
    name = MADE_AS[recipe.stage]
    folder = _shipped_beside(recipe)
    source = "" if folder is None else f" --recipe idf:{folder}/{name}.yaml"
    largest = max(math.prod(picture_size(world, None)) for world in WORLDS)
    changes = f" max_pixels={recipe.max_pixels}" if folder is None and recipe.max_pixels < largest else ""
    if recipe.stage == "imagery":
        return f"idf imagery{source} --out {recipe.data}{changes}"
    if recipe.stage == "reinforcement":
        return f"idf traces{source} --out {recipe.data}{changes}"
    candidates = f"{recipe.data}-candidates"
    return f"idf traces{source} --out {candidates}{changes} && idf filter {candidates} --out {recipe.data}"


def _shipped_beside(recipe: AnyStage) -> str | None:
    """The folder of shipped recipes that makes a stage's data otherwise than by default: whose stage names these data."""
    root = shipped_recipes()
    for path in sorted(root.glob("*/stage*.yaml")):
        if (path.parent / f"{MADE_AS[recipe.stage]}.yaml").exists():
            shipped = yaml.safe_load(path.read_text(encoding="utf-8"))
            if (shipped["stage"], shipped["data"]) == (recipe.stage, recipe.data):
                return path.parent.name
    return None


def _check_kind(recipe: StageRecipe, manifest: Mapping[str, Any]) -> None:
    """Refuse candidates, and the other stage's data. A mixture may hold that beside the stage's own."""
    wanted = MADE_AS[recipe.stage]
    stages = set(_stages(manifest))
    if CANDIDATES in stages:
        found = CANDIDATES
    elif wanted in stages or not stages & set(_WORDS):  # neither: data of the user's own
        return
    else:
        found = (stages & set(_WORDS)).pop()
    if recipe.stage == "reasoning" and found == CANDIDATES:
        remedy = f"run `idf filter {recipe.data} --out DIR` and set data=DIR"
    elif found == CANDIDATES:
        remedy = "set data to what `idf imagery` made"
    else:
        other = next(stage for stage, made in MADE_AS.items() if made == found)
        made = "`idf imagery`" if recipe.stage == "imagery" else "`idf traces` and `idf filter`"
        remedy = f"set data to what {made} made, or run {SCRIPTS[other]} on these"
    raise UserError(
        f"{SCRIPTS[recipe.stage]} learns from {_WORDS[wanted].partition(',')[0]}, and {recipe.data} holds "
        f"{_WORDS[found]}: {remedy}, or say any_data=true to train on them all the same"
    )


def _stages(manifest: Mapping[str, Any]) -> list[str]:
    """What `dataset.json` says of a dataset, or of each part of a mixture."""
    stage = manifest.get("stage")
    if stage == MIXTURE:
        return [name for part in manifest["source"] for name in _stages(part["made"])]
    return [stage] if stage else []
