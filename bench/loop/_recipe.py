"""What the study of the loop consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.study._recipe import check_seeds
from idf.recipe import check_positive

ARMS = ("uniform", "weighted")
"""How a loop draws its problems; the first is the control."""
WORLDS = ("moving_box", "wood_slide")
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class LoopStudyRecipe:
    """The study of the loop.

    Attributes:
        work: Folder for data, runs and loops. What is there is not made again.
        results: Folder for the plan and a file for each seed.
        at_once: Processes that run at once, each on one core.
        problems: Candidate traces of the start.
        kept: How many of them the filter keeps.
        items: Held-out items of each world.
        start: Seed of the start's weights and of the order of its data. All loops begin with this one checkpoint.
        seeds: Each draws the probe, the rounds' problems and the order of what is trained on, for both arms alike.
        seconds_of_start, seconds_of_loop: What a pilot measured.
    """

    work: str
    results: str
    at_once: int = 2
    problems: int = 12000
    kept: int = 10000
    items: int = 200
    start: int = 100
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    seconds_of_start: float = 2900.0
    seconds_of_loop: float = 700.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in ("at_once", "problems", "kept", "items"):
            check_positive(name, getattr(self, name))
        check_seeds(self.seeds)
