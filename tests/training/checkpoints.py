"""Complete checkpoint folders, made by copying the tiny model."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from idf.recipe import to_plain
from idf.training.recipe import HookRecipe, StageRecipe

HOOK = HookRecipe(
    items=3,
    worlds=["cube_rolling", "moving_box"],
    difficulties=["easy"],
    modes=["vtqa", "tqa"],
    prompts="idf-short-1",
    max_new_tokens=4,
    batch_size=4,
)


def recipe_for(run: Path, **changes: Any) -> StageRecipe:
    settings = {"device": "cpu", "precision": "fp32", "deepspeed": None, "max_pixels": 12544, "hook": HOOK} | changes
    return StageRecipe(stage="imagery", model="base", data="data", run=str(run), **settings)


def save(model: Path, recipe: StageRecipe, name: str) -> Path:
    """A complete checkpoint of a run; appears by one rename, as training's do."""
    run = Path(recipe.run)
    part = run / f".saving-{name}"
    shutil.copytree(model, part)
    facts = {"stage": "imagery", "recipe": to_plain(recipe), "step": 1, "ranks": 2, "data": {}, "parent": {}}
    (part / "idf.json").write_text(json.dumps(facts))
    os.rename(part, run / name)
    return run / name


def results(run: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "evaluations" / name / "results.json").read_text())
    return found


def samples(run: Path, name: str) -> list[str]:
    return (run / "evaluations" / name / "samples.jsonl").read_text().splitlines()


def score(run: Path, name: str, **macro: float) -> None:
    """Results as far as choosing the best checkpoint looks at them."""
    folder = run / "evaluations" / name
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps({"macro_accuracy": macro}))
