"""Our learning rate as a scheduler of mmengine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_world_size
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler

from idf.training.schedule import learning_rate

from ._recipe import stage_recipe


class StageSchedule(LRSchedulerMixin, _ParamScheduler):  # type: ignore[misc]
    """The same learning rate in every micro-batch of a step, the one that idf's own engine takes.

    mmengine's own schedulers go on with each micro-batch, and refuse a warm-up of less than one.

    Args:
        optimizer: The optimizer or its wrapper.
        recipe: The stage's recipe, as a dict.
        end: Micro-batches of the run on one device; mmengine fills it in.
        more: Passed to mmengine.
    """

    def __init__(self, optimizer: Any, recipe: Mapping[str, Any], end: int, **more: Any) -> None:
        self.recipe = stage_recipe(recipe)
        self.accumulation = self.recipe.accumulation_steps(get_world_size())
        self.steps = end // self.accumulation
        super().__init__(optimizer, end=end, **more)

    def state_dict(self) -> dict[str, Any]:
        """The state; the recipe comes from the config, so that no class of ours has to be unpickled."""
        state: dict[str, Any] = super().state_dict()
        del state["recipe"]
        return state

    def _get_value(self) -> list[float]:
        step = min(self.last_step // self.accumulation, self.steps)
        return [learning_rate(self.recipe, step, self.steps) for _ in self.optimizer.param_groups]
