"""What the study of seeing consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.study._recipe import check_seeds
from idf.recipe import check_positive

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

ARMS = {"frozen": "language", "language+merger": "language+merger", "all": "all"}
"""Arm -> what learns, by the recipe's key `train`."""

READ = 0.95
"""From this share of right answers on, pictures count as read."""


@dataclass(frozen=True)
class SeeingRecipe:
    """The study of seeing.

    Attributes:
        work: Folder for data, runs and answers. What is there is not made again.
        results: Folder for the plan and a file for each seed.
        at_once: Processes that run at once, each on one core.
        samples: Samples of imagery that every run learns from.
        each: Held-out questions of each world and kind.
        family: Of the tiny model. Qwen3-VL's positions tell columns apart as well as rows, and its vision encoder has positions
            of its own; a tiny Qwen2.5-VL from noise finds places far more slowly (docs/seeing-study.md).
        seeds: Each draws the weights of a base model and the order of the data, for all arms alike.
        vision_learning_rate: Of the arms whose vision part learns; None for that of the language model.
        seconds: CPU-seconds of a run, by a pilot.
    """

    work: str
    results: str
    at_once: int = 2
    samples: int = 6000
    each: int = 60
    family: str = "qwen3_vl"
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    vision_learning_rate: float | None = None
    seconds: float = 270.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in ("at_once", "samples", "each"):
            check_positive(name, getattr(self, name))
        check_seeds(self.seeds)
