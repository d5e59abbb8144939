"""What the study consists of: fixed before the first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from idf.errors import UserError
from idf.recipe import check_names, check_positive
from idf.suites import MODES, PROMPTS

ARMS = ("untrained", "imagery", "traces", "traces_same_updates", "traces_same_labels", "imagery_then_traces", "mixed")
"""The arms, in the order of tables. What each means is in `bench.study._arms`."""


@dataclass(frozen=True)
class StudyRecipe:
    """The miniature study: data, arms, budgets, seeds, suite and comparisons.

    Attributes:
        name: What the study is called in its report.
        work: Folder for data, runs and evaluations. What is there is not made again.
        results: Folder for the JSON files that tables and figures are drawn from.
        claims: Whether its numbers mean anything; False for a test of the machinery, and the report then says so.
        seeds: Each one draws the weights of a base model and the order of the data, for all arms alike.
        budgets: Optimizer updates of the arms that spend a whole budget, ascending.
        imagery_share: [parts for imagery, parts for traces] of a budget.
        arms: Arm -> the budgets at which it is run; an arm that is not named is run at all.
        comparisons: Pairs [A, B] of arms; differences are B's minus A's. The first one is the question of the study.
        imagery: Recipe of the imagery samples.
        traces: Recipe of the candidate traces.
        suite: Recipe of the held-out suite.
        stage1: Recipe of stage 1; model, data, run, epochs and seed are overridden.
        stage2: Recipe of stage 2, the same.
        imagery_samples: How many imagery samples.
        trace_problems: How many candidate traces.
        traces_kept: How many of them are kept.
        items: Held-out items of each world and difficulty.
        modes: What is shown in the evaluation.
        prompts: Prompt set of the evaluation.
        max_new_tokens: Longest response.
        batch_size: Prompts generated at once.
        at_once: Processes at once, each with one thread.
        seconds_per_update, seconds_per_evaluation, seconds_to_start: What a pilot measured, for the time left until the
            study has measured its own.
    """

    name: str
    work: str
    results: str
    imagery: str
    traces: str
    suite: str
    stage1: str
    stage2: str
    imagery_samples: int
    trace_problems: int
    traces_kept: int
    items: int
    budgets: list[int]
    seeds: list[int]
    claims: bool = True
    imagery_share: list[int] = field(default_factory=lambda: [2, 1])
    arms: dict[str, list[int]] = field(default_factory=dict)
    comparisons: list[list[str]] = field(
        default_factory=lambda: [
            ["traces_same_updates", "imagery_then_traces"],
            ["traces", "imagery_then_traces"],
            ["traces_same_labels", "imagery_then_traces"],
            ["mixed", "imagery_then_traces"],
            ["imagery", "imagery_then_traces"],
        ]
    )
    modes: list[str] = field(default_factory=lambda: ["tqa", "vtqa"])
    prompts: str = "idf-short-1"
    max_new_tokens: int = 320
    batch_size: int = 50
    at_once: int = 2
    seconds_per_update: float = 0.5
    seconds_per_evaluation: float = 60.0
    seconds_to_start: float = 15.0

    def check(self) -> None:
        """Refuse what cannot be run, before anything is made."""
        names = ("imagery_samples", "trace_problems", "traces_kept", "items", "max_new_tokens", "batch_size", "at_once")
        for name in names:
            check_positive(name, getattr(self, name))
        if self.items < 2:
            raise UserError("items must be at least 2: one item says nothing of others")
        check_seeds(self.seeds)
        if not self.budgets or self.budgets != sorted(set(self.budgets)) or self.budgets[0] < 2:
            raise UserError(f"budgets must ascend from at least 2 updates, not {self.budgets}")
        if len(self.imagery_share) != 2 or min(self.imagery_share) < 1:
            raise UserError(f"imagery_share must be two numbers above zero, not {self.imagery_share}")
        check_names("modes", self.modes, MODES)
        check_names("prompts", [self.prompts], PROMPTS)
        for arm, budgets in self.arms.items():
            check_names("arms", [arm], ARMS)
            for budget in budgets:
                if budget not in self.budgets:
                    raise UserError(f"arms.{arm}: {budget} is none of the budgets {self.budgets}")
        for pair in self.comparisons:
            if len(pair) != 2:
                raise UserError(f"a comparison is of two arms, not {pair}")
            check_names("comparisons", pair, ARMS)

    def budgets_of(self, arm: str) -> list[int]:
        """The budgets at which an arm is run."""
        return self.arms.get(arm, self.budgets)


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse seeds that are none, or not different.

    Raises:
        UserError: They are.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError(f"seeds must name at least one seed, and none twice, not {seeds}")
