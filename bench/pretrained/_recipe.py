"""What the study from pretrained weights consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from idf.errors import UserError
from idf.recipe import check_names, check_positive

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORLD = "cube_rolling"
MODE, PROMPTS = "tqa", "idf-short-1"
PARTS = ("main", "smaller", "random", "mixed")
"""What is run, in order: the larger budget, the smaller one, random weights, mixed data. Dropped from the end."""


@dataclass(frozen=True)
class PretrainedRecipe:
    """The study from pretrained weights.

    Attributes:
        work: Folder for data, runs and evaluations. What is there is not made again.
        results: Folder for the plan and a file for each seed.
        seeds: Each draws the order of the data, for all arms alike; and random weights.
        pilot_seed: The seed of the pilot, which no result is of.
        budgets: Optimizer updates of an arm: [the smaller, the larger].
        imagery_share: The share of a budget that *imagery, then traces* spends on imagery.
        parts: Which of PARTS are run.
        rolls: Rolls of the paths that are trained, and of the held-out items.
        longer: Rolls of the longer items, which no training path has.
        held_out: One path in so many is held out, in all colours.
        items, longer_items: Items of the suite; as many of each number of rolls.
        walks: Held-out walks that are asked in imagery's own form.
        samples: Samples of imagery, and traces of each length, to learn from.
        kinds: Weight of each kind of imagery sample.
        check_seeds: So many seeds, from the first on, decide whether stage 1 is learned.
        learned: The share of right steps in imagery's own form from which on stage 1 counts as learned.
        doses: If it does not: the updates of stage 1, as multiples of the larger budget's, that are run instead of all else.
        learning_rate: Peak learning rate of all runs.
        lora_rank: Rank of adapters in all runs; None for full fine-tuning.
        max_new_tokens: Longest response.
        batch_size: Prompts generated at once.
        at_once: Processes that run at once, each on one core.
        hours: Hours of `at_once` cores that the study may take, and of a session.
        trained_a_second, answered_a_second: Tokens a CPU-second, by the pilot.
        seconds_to_start: CPU-seconds of a process before its first token.
    """

    work: str
    results: str
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    pilot_seed: int = 100
    budgets: list[int] = field(default_factory=lambda: [90, 190])
    imagery_share: float = 0.5
    parts: list[str] = field(default_factory=lambda: list(PARTS))
    rolls: list[int] = field(default_factory=lambda: [4, 5, 6])
    longer: list[int] = field(default_factory=lambda: [7, 8, 9])
    held_out: int = 4
    items: int = 150
    longer_items: int = 100
    walks: int = 60
    samples: int = 1500
    kinds: dict[str, float] = field(
        default_factory=lambda: {"rollout": 4, "step": 1, "inverse": 1, "legality": 1, "masked": 1}
    )
    check_seeds: int = 2
    learned: float = 0.95
    doses: list[float] = field(default_factory=lambda: [0.5, 1, 2, 4])
    learning_rate: float = 3e-4
    lora_rank: int | None = None
    max_new_tokens: int = 200
    batch_size: int = 50
    at_once: int = 2
    hours: list[float] = field(default_factory=lambda: [10.0, 2.5])
    trained_a_second: float = 50.0
    answered_a_second: float = 50.0
    seconds_to_start: float = 40.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in (
            "held_out",
            "items",
            "longer_items",
            "walks",
            "samples",
            "max_new_tokens",
            "batch_size",
            "at_once",
        ):
            check_positive(name, getattr(self, name))
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or self.pilot_seed in self.seeds:
            raise UserError(f"seeds must name at least one seed, none twice, and not the pilot's, not {self.seeds}")
        if len(self.budgets) != 2 or not 2 <= self.budgets[0] < self.budgets[1]:
            raise UserError(f"budgets must be two numbers of updates, the smaller one first, not {self.budgets}")
        if not 0 < self.imagery_share < 1:
            raise UserError(f"imagery_share must be between 0 and 1, not {self.imagery_share}")
        check_names("parts", self.parts, PARTS)
        if set(self.rolls) & set(self.longer) or min(self.longer) < max(self.rolls):
            raise UserError(f"longer must be more rolls than any of rolls ({self.rolls}), not {self.longer}")
