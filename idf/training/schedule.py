"""The learning rates of each step."""

from __future__ import annotations

import math

from .recipe import StageRecipe


def learning_rate(recipe: StageRecipe, step: int, steps: int, peak: float | None = None) -> float:
    """Rises linearly over the warm-up, then falls along a cosine to 0.

    Args:
        recipe: Peak and warm-up.
        step: The step, from 0.
        steps: Steps of the whole run.
        peak: The highest rate; None for the recipe's `learning_rate`.
    """
    peak = recipe.learning_rate if peak is None else peak
    warmup = round(recipe.warmup * steps)
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
