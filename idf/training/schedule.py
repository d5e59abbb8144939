"""The learning rate of each step."""

from __future__ import annotations

import math

from .recipe import StageRecipe


def learning_rate(recipe: StageRecipe, step: int, steps: int) -> float:
    """Rises linearly over the warm-up, then falls along a cosine to 0.

    Args:
        recipe: Peak and warm-up.
        step: The step, from 0.
        steps: Steps of the whole run.
    """
    warmup = round(recipe.warmup * steps)
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, steps - warmup)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
