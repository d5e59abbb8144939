"""What does not go with exercises, whose words and truth are those of imagery."""

from __future__ import annotations

from collections.abc import Sequence

from idf.errors import UserError
from idf.suites import PROMPTS, Item, item_prompt

from .recipe import RULES, EvaluationRecipe


def check_exercises(recipe: EvaluationRecipe, modes: Sequence[str], items: Sequence[Item]) -> None:
    """Refuse an evaluation of exercises that cannot be.

    Args:
        recipe: The evaluation.
        modes: What is shown.
        items: What is asked; problems are left aside.

    Raises:
        UserError: An option is for problems alone, or a kind is not shown in a mode.
    """
    exercises = [item for item in items if item.exercise is not None]
    if not exercises or (first := exercises[0].exercise) is None:
        return
    for option, given in (
        ("--episodes", recipe.episodes),
        ("--held-out", recipe.held_out),
        ("--parser", recipe.parser.name != RULES),
    ):
        if given:
            raise UserError(
                f"{option} goes with problems only, and {exercises[0].id} is an exercise (kind {first.kind} of idf imagery)"
            )
    prompts = recipe.prompts if recipe.checkpoint is not None else next(iter(PROMPTS))
    for mode in modes:
        for item in exercises:
            item_prompt(item, mode, prompts)
