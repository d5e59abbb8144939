"""`idf plan` for the recipe of any stage."""

from __future__ import annotations

from pathlib import Path

from .estimate import Estimate, estimate
from .recipe import StageRecipe
from .rl.plan import estimate_rollouts
from .stages import AnyStage


def plan(
    recipe: AnyStage,
    gpu_memory: float = 80.0,
    gpu: str | None = None,
    peak: float | None = None,
    mfu: float = 0.4,
    write_speed: float = 1.0,
    recipe_path: Path | None = None,
) -> Estimate:
    """Work out a recipe; arguments and errors are those of `idf.training.estimate.estimate`."""
    options = (gpu_memory, gpu, peak, mfu, write_speed, recipe_path)
    return estimate(recipe, *options) if isinstance(recipe, StageRecipe) else estimate_rollouts(recipe, *options)
