"""The arms: what each learns from, for how many updates, from which weights; and the order in which they are run.

A budget is a number of optimizer updates. All arms but "imagery" spend all of it:

    traces                traces alone
    imagery_then_traces   `imagery_share` of it on imagery, the rest on traces
    imagery               stage 1 of that arm, alone
    mixed                 both kinds of sample in one stage
    short                 traces that skip states, alone
    imagery_then_short    imagery as above, the rest on traces that skip states

and the first two from random weights as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ._recipe import PretrainedRecipe

NAMES = {
    "traces": "traces only",
    "imagery_then_traces": "imagery, then traces",
    "imagery": "imagery only",
    "mixed": "both mixed",
    "short": "short traces only",
    "imagery_then_short": "imagery, then short traces",
    "random_traces": "traces only, random weights",
    "random_imagery_then_traces": "imagery, then traces, random weights",
}


@dataclass(frozen=True)
class Run:
    """One training run, whatever its seed.

    Attributes:
        data: "imagery", "traces", "short" or "mixed".
        updates: Optimizer updates of this run.
        before: Updates on imagery that it begins from.
        random: Whether the first weights are random.
    """

    data: str
    updates: int
    before: int = 0
    random: bool = False

    @property
    def name(self) -> str:
        """The name of its folder and of its result."""
        first = f"imagery-{self.before}-then-" if self.before else ""
        return f"{'random-' if self.random else ''}{first}{self.data}-{self.updates}"

    @property
    def parent(self) -> Run | None:
        """The run that it begins from; None for the base model."""
        return Run("imagery", self.before, random=self.random) if self.before else None


def run_of(arm: str, budget: int, recipe: PretrainedRecipe) -> Run:
    """The run that an arm comes to at a budget.

    Raises:
        ValueError: There is no such arm.
    """
    if arm.startswith("random_"):
        return replace(run_of(arm.removeprefix("random_"), budget, recipe), random=True)
    first = round(budget * recipe.imagery_share)
    match arm:
        case "traces" | "short" | "mixed":
            return Run(arm, budget)
        case "imagery":
            return Run("imagery", first)
        case "imagery_then_traces" | "imagery_then_short":
            return Run(arm.removeprefix("imagery_then_"), budget - first, first)
    raise ValueError(f"there is no arm {arm}")


def check_runs(recipe: PretrainedRecipe) -> list[tuple[int, Run]]:
    """(seed, run) by which it is decided whether stage 1 is learned: the first seeds', at the larger budget."""
    return [(seed, run_of("imagery", recipe.budgets[1], recipe)) for seed in recipe.seeds[: recipe.check_seeds]]


def arms_of(part: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """(arms, places in `budgets`) of a part of the study. Children stand behind the run that they begin from."""
    return {
        "main": (("imagery", "imagery_then_traces", "imagery_then_short", "traces", "short"), (1,)),
        "smaller": (("imagery", "imagery_then_traces", "traces"), (0,)),
        "random": (("random_imagery_then_traces", "random_traces"), (1, 0)),
        "mixed": (("mixed",), (1, 0)),
    }[part]


def planned(recipe: PretrainedRecipe) -> list[tuple[int, Run]]:
    """(seed, run) of all arms, in the order in which they are run.

    As many seeds go together as decide on stage 1, arm by arm: what begins from a run follows it before a session is over.
    """
    together = recipe.check_seeds
    groups = [recipe.seeds[at : at + together] for at in range(0, len(recipe.seeds), together)]
    found: list[tuple[int, Run]] = []
    for part in recipe.parts:
        arms, places = arms_of(part)
        for place in places:
            for seeds in groups:
                found += [(seed, run_of(arm, recipe.budgets[place], recipe)) for arm in arms for seed in seeds]
    return found


def dose_curve(recipe: PretrainedRecipe) -> list[tuple[int, Run]]:
    """(seed, run) that are run in the place of all others if stage 1 is not learned: imagery alone, more and more of it."""
    whole = run_of("imagery", recipe.budgets[1], recipe).updates
    return [(seed, Run("imagery", round(whole * dose))) for dose in recipe.doses for seed in recipe.seeds]
