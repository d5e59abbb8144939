"""What the study of seeing consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.study._data import Folders
from bench.study._recipe import check_seeds
from idf.errors import UserError
from idf.recipe import check_positive
from idf.worlds import WORLDS

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
        work: Folder for data, runs and answers, a folder for each world. What is there is not made again.
        results: Folder for the plan and a file for each seed, a folder for each world.
        samples: World -> samples of imagery that every run learns from. Each world has models of its own.
        epochs: World -> passes over them.
        at_once: Processes that run at once, each on one core.
        each: Held-out questions of each world and kind.
        family: Of the tiny model. Qwen3-VL's positions tell columns apart as well as rows, and its vision encoder has positions
            of its own; a tiny Qwen2.5-VL from noise finds places far more slowly (docs/seeing-study.md).
        arms: Those that are run; the report waits for all.
        seeds: Each draws the weights of a base model and the order of the data, for all arms alike.
        vision_learning_rate: Of the arms whose vision part learns; None for that of the language model.
    """

    work: str
    results: str
    samples: dict[str, int]
    epochs: dict[str, int]
    at_once: int = 2
    each: int = 60
    family: str = "qwen3_vl"
    arms: list[str] = field(default_factory=lambda: list(ARMS))
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    vision_learning_rate: float | None = None

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in ("at_once", "each"):
            check_positive(name, getattr(self, name))
        check_seeds(self.seeds)
        if not self.arms or (wrong := [arm for arm in self.arms if arm not in ARMS]):
            raise UserError(f"arms names {wrong[0] if self.arms else 'none'}: it must name some of {', '.join(ARMS)}")
        if not self.samples or list(self.samples) != list(self.epochs):
            raise UserError(
                f"samples names {', '.join(self.samples) or 'no world'}, epochs {', '.join(self.epochs) or 'no world'}: both "
                "must name the same worlds, in the same order"
            )
        for world in self.samples:
            if world not in WORLDS:
                raise UserError(f"samples names the world {world}: it must be one of {', '.join(WORLDS)}")
            check_positive(f"samples.{world}", self.samples[world])
            check_positive(f"epochs.{world}", self.epochs[world])

    def folders(self, world: str) -> Folders:
        """Where a world's data, runs and answers are."""
        return Folders(Path(self.work).resolve() / world)

    def results_of(self, world: str) -> Path:
        """Where a world's plan and the results of its seeds are."""
        return Path(self.results) / world
