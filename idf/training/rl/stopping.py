"""When reinforcement falls apart: the reward falls away, or the responses no longer differ."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from idf.errors import UserError

from ..stage3_recipe import StopRecipe


class Collapse:
    """Watches reward and entropy of a run.

    Args:
        recipe: When to stop.
        history: Rows of the steps that are done: `step`, `reward`, `entropy`, `right`, `cut_off`.
    """

    def __init__(self, recipe: StopRecipe, history: Iterable[dict[str, float]] = ()) -> None:
        self.recipe = recipe
        self._rows: list[dict[str, float]] = []
        self._best = float("-inf")
        for row in history:
            self._take(row)

    def check(self, row: dict[str, float]) -> None:
        """Take the figures of a step.

        Raises:
            UserError: The run should not go on.
        """
        self._take(row)
        recipe, n = self.recipe, self.recipe.window
        if len(self._rows) < 2 * n:
            return
        now = {name: self._mean(name, self._rows[-n:]) for name in ("reward", "entropy", "right", "cut_off")}
        step = int(row["step"])
        if recipe.reward_fall is not None and now["reward"] < self._best - recipe.reward_fall:
            raise UserError(
                f"the reward fell away: its mean over the {n} steps up to {step} is {now['reward']:.3f}, and it was "
                f"{self._best:.3f}, more than stop.reward_fall ({recipe.reward_fall:g}) higher: lower learning_rate, or raise "
                "warmup"
            )
        first = self._mean("entropy", self._rows[:n])
        if (
            recipe.entropy_share is not None
            and now["right"] < recipe.solved
            and now["entropy"] < recipe.entropy_share * first
        ):
            raise UserError(
                f"the entropy fell away: its mean over the {n} steps up to {step} is {now['entropy']:.2g} nats a token, less "
                f"than stop.entropy_share ({recipe.entropy_share:g}) of the first {n} steps' {first:.2g}, while "
                f"{now['right']:.0%} of the responses are right: they hardly differ any more, so nothing can be learned. Lower "
                f"learning_rate, or raise temperature; {now['cut_off']:.0%} of them are cut off, whose entropy TRL counts as 0: "
                "if that is much, raise max_new_tokens"
            )

    def _take(self, row: dict[str, float]) -> None:
        self._rows.append(row)
        if len(self._rows) >= self.recipe.window:
            self._best = max(self._best, self._mean("reward", self._rows[-self.recipe.window :]))

    @staticmethod
    def _mean(name: str, rows: list[dict[str, float]]) -> float:
        return fmean(row[name] for row in rows)
