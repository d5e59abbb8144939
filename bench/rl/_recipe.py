"""What the study of reinforcement consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench.study._recipe import check_seeds
from idf.errors import UserError
from idf.recipe import check_positive

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
QUESTIONS = ("verdicts", "credit", "price")
"""(i) Does stage 3 lift a stage 2 that was stopped early? (iii) Does credit for steps beat the outcome alone? (ii) Does a price
on tokens make answers shorter and keep them right?"""


@dataclass(frozen=True)
class RlRecipe:
    """The study of reinforcement.

    Attributes:
        work: Folder for data, runs and evaluations. What is there is not made again.
        results: Folder for the plan and a file for each seed.
        questions: Which of QUESTIONS to ask.
        at_once: Processes that run at once, each on one core.
        problems: Candidate traces of stage 2; of each kind, all lengths or the long one alone.
        kept: How many of them the filter keeps.
        asked: Problems of stage 3, others than stage 2's.
        items: Held-out items of the questions "verdicts" and "credit".
        paired: Held-out items of the question "price".
        validation: Items that decide where stage 2 is stopped; in no result.
        seeds: Each draws the weights of a base model and the order of the data, for all arms alike.
        stopped_from, stopped_to: Where stage 2 is stopped: at the first checkpoint whose accuracy on the validation items lies
            between these.
        prices: Prices that are tried.
        price_seeds: Seeds that try them all; the other seeds run the chosen one.
        price: The price that all seeds run; chosen by the rule in the plan once `price_seeds` are done, None before.
        seconds_a_step: CPU-seconds of a step of stage 3, by a pilot.
    """

    work: str
    results: str
    questions: list[str] = field(default_factory=lambda: list(QUESTIONS))
    at_once: int = 2
    problems: int = 8000
    kept: int = 7000
    asked: int = 8000
    items: int = 300
    paired: int = 1500
    validation: int = 200
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    stopped_from: float = 0.65
    stopped_to: float = 0.75
    prices: list[float] = field(default_factory=lambda: [0.2, 0.4, 0.6])
    price_seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    price: float | None = None
    seconds_a_step: float = 4.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        for name in ("at_once", "problems", "kept", "asked", "items", "paired", "validation"):
            check_positive(name, getattr(self, name))
        if unknown := set(self.questions) - set(QUESTIONS):
            raise UserError(f"questions must be some of {', '.join(QUESTIONS)}, not {sorted(unknown)[0]}")
        check_seeds(self.seeds)
        if self.price is not None and self.price not in self.prices:
            raise UserError(f"price must be one of prices ({self.prices}), not {self.price}")
