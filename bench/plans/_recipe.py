"""What the study of plans consists of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.study._recipe import check_seeds
from idf.recipe import check_positive

ARMS = ("optimal", "search")
"""The style of an arm's traces."""
WORLDS = ("moving_box", "wood_slide")
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class PlansRecipe:
    """The study of plans.

    Attributes:
        work: Folder for data, runs and evaluations. What is there is not made again.
        results: Folder for the plan and a file for each seed.
        problems: Candidate traces of each style.
        kept: How many of them the filter keeps.
        items: Held-out items of each world.
        seeds: Each one draws the weights of a base model and the order of the data, for both arms alike.
        label_tokens: Tokens in the loss that each arm sees.
        max_new_tokens: Longest response.
        batch_size: Prompts generated at once.
        seconds_per_update, seconds_per_evaluation, seconds_to_start: What a pilot measured.
    """

    work: str
    results: str
    problems: int
    kept: int
    items: int
    seeds: list[int]
    label_tokens: int
    max_new_tokens: int = 512
    batch_size: int = 50
    seconds_per_update: float = 0.5
    seconds_per_evaluation: float = 60.0
    seconds_to_start: float = 15.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in ("problems", "kept", "items", "label_tokens", "max_new_tokens", "batch_size"):
            check_positive(name, getattr(self, name))
        check_seeds(self.seeds)

    def updates(self, labels_per_update: float) -> int:
        """The optimizer updates in which an arm sees its label tokens."""
        return max(1, round(self.label_tokens / labels_per_update))
