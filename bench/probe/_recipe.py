"""What the probe consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.study._recipe import check_seeds
from idf.errors import UserError
from idf.recipe import check_positive

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

WORLD = "moving_box"
"""The one world whose picture shows the whole state, whatever happened before."""
ARMS = ("nothing", "blanks", "pictures", "text")
"""What stands behind each move whose state is shown."""
SHOWN = (1, 2, 3)
"""How many states in between are shown."""
LEFT = (1, 2, 3, 4)
"""How many moves are left to imagine from the last of them on."""
WORTH = 0.10
"""True pictures must beat blanks by so much before a study of predicted ones is worth while; text must, or nothing is said."""
CEILING = 0.85
"""From this share of right answers on, blanks leave no room for a difference."""
READ = 0.95
"""What the base must have in the study of seeing."""


@dataclass(frozen=True)
class ProbeRecipe:
    """The probe.

    Attributes:
        work: Folder for data, runs and answers. What is there is not made again.
        results: Folder for the plan and a file for each seed.
        base: Checkpoint that reads pictures, with `{arm}` and `{seed}` where those of the study of seeing stand.
        arm: The study of seeing's arm that the bases are of.
        seeing: Folder with the study of seeing's results of Moving Box, where each base, this very one, read its grids at
            95 %; None to try the probe out on another base.
        at_once: Processes that run at once, each on one core.
        samples: Samples that every run learns from.
        each: Held-out items for each number of moves left.
        seeds: Each names a base and draws the order of the data, for all arms alike.
        tokens_per_row: Arm -> tokens of a packed row, such that all arms take as many updates for as many samples.
        seconds: CPU-seconds of a run, by a pilot.
    """

    work: str
    results: str
    base: str
    tokens_per_row: dict[str, int]
    arm: str = "language+merger"
    seeing: str | None = "bench/results/seeing/moving_box"
    at_once: int = 2
    samples: int = 6000
    each: int = 60
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    seconds: float = 600.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in ("at_once", "samples", "each"):
            check_positive(name, getattr(self, name))
        check_seeds(self.seeds)
        if set(self.tokens_per_row) != set(ARMS):
            raise UserError(f"tokens_per_row names {', '.join(self.tokens_per_row)}: it must name {', '.join(ARMS)}")
        for arm, tokens in self.tokens_per_row.items():
            check_positive(f"tokens_per_row.{arm}", tokens)
        if len(self.seeds) > 1 and "{seed}" not in self.base:
            raise UserError(f"base is {self.base}: it must hold {{seed}}, since each seed has a base of its own")

    def base_of(self, seed: int) -> Path:
        """The checkpoint that the runs of a seed begin with."""
        return Path(self.base.format(arm=self.arm, seed=seed))
