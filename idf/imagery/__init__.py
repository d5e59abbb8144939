"""Stage-1 data: random walks turned into samples that spell out every state in between."""

from ._rollout import ImageryRecipe, build_imagery, imagery_sample

__all__ = ["ImageryRecipe", "build_imagery", "imagery_sample"]
