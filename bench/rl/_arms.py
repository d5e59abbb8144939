"""The arms of each question: where they begin, and what their stage 3 has of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ._recipe import RlRecipe

START_OF = {"verdicts": "early", "credit": "early", "price": "mixed"}
"""Question -> the stage 2 that its arms begin from: stopped early, or whole, of traces in three lengths."""


class Arm(NamedTuple):
    """A run of stage 3."""

    name: str
    overrides: tuple[str, ...]


def arms_of(recipe: RlRecipe, question: str, seed: int) -> Iterator[Arm]:
    """The runs of stage 3 of a seed."""
    if question == "verdicts":
        yield Arm("verdicts", ())
    elif question == "credit":
        yield Arm("outcome", ("reward.step_credit=0",))  # "verdicts" is the arm with credit
    else:
        tried = recipe.prices if seed in recipe.price_seeds else [recipe.price] if recipe.price is not None else []
        for price in tried:
            # No credit for steps: it is paid for whole states alone, so it would pull towards the long form.
            yield Arm(f"price{price:g}", (f"reward.price={price}", "reward.step_credit=0"))
