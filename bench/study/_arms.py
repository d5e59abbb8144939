"""From budgets to training runs: who learns what, for how many updates.

A budget is a number of optimizer updates. `imagery_then_traces` spends `imagery_share` of it on imagery samples and the rest on
traces. The other arms each hold one thing equal:

    imagery               stage 1 of that arm alone
    traces                stage 2 of that arm alone, from the base model: the same number of updates on traces
    traces_same_updates   traces for the whole budget
    traces_same_labels    traces for as many label tokens as that arm sees in both stages
    mixed                 both kinds of sample in one stage, for the whole budget

Two arms that come to the same run (traces for 600 updates are `traces_same_updates` at 600 and `traces` at 1,800) share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ._recipe import StudyRecipe

Kind = Literal["imagery", "traces", "then", "mixed"]
DATA: dict[str, str] = {"imagery": "imagery", "traces": "traces", "then": "traces", "mixed": "mixed"}
"""Kind of run -> the dataset that it learns from."""


@dataclass(frozen=True, order=True)
class Run:
    """One training run, whatever its seed.

    Attributes:
        kind: "imagery", "traces" or "mixed": from the base model, on that dataset; "then": on traces, after imagery.
        updates: Optimizer updates of this run.
        before: Updates of the imagery run that "then" begins from; 0 for the others.
    """

    kind: Kind
    updates: int
    before: int = 0

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"imagery-{self.before}-then-{self.updates}" if self.kind == "then" else f"{self.kind}-{self.updates}"

    @property
    def parent(self) -> Run | None:
        """The run that it begins from; None for the base model."""
        return Run("imagery", self.before) if self.kind == "then" else None


@dataclass(frozen=True)
class Epoch:
    """A pass over a dataset.

    Attributes:
        updates: Optimizer updates.
        label_tokens: Tokens in the loss.
        tokens: All tokens.
    """

    updates: int
    label_tokens: int
    tokens: int

    @property
    def labels_per_update(self) -> float:
        """Label tokens of an update, on average."""
        return self.label_tokens / self.updates


def split_budget(budget: int, share: list[int]) -> tuple[int, int]:
    """The updates of a budget for imagery and for traces; at least one for each."""
    imagery, traces = share
    first = min(max(1, round(budget * imagery / (imagery + traces))), budget - 1)
    return first, budget - first


def same_labels(first: int, second: int, epochs: Mapping[str, Epoch]) -> int:
    """Updates on traces that see as many label tokens as `first` updates on imagery and `second` on traces do."""
    imagery, traces = epochs["imagery"].labels_per_update, epochs["traces"].labels_per_update
    return max(1, round((first * imagery + second * traces) / traces))


def run_of(arm: str, budget: int, recipe: StudyRecipe, epochs: Mapping[str, Epoch]) -> Run | None:
    """The run that an arm comes to at a budget; None for the arm that is not trained.

    Raises:
        ValueError: There is no such arm.
    """
    first, second = split_budget(budget, recipe.imagery_share)
    match arm:
        case "untrained":
            return None
        case "imagery":
            return Run("imagery", first)
        case "traces":
            return Run("traces", second)
        case "traces_same_updates":
            return Run("traces", budget)
        case "traces_same_labels":
            return Run("traces", same_labels(first, second, epochs))
        case "imagery_then_traces":
            return Run("then", second, first)
        case "mixed":
            return Run("mixed", budget)
    raise ValueError(f"there is no arm {arm}")


def all_runs(recipe: StudyRecipe, arms: tuple[str, ...], epochs: Mapping[str, Epoch]) -> list[Run]:
    """The runs of all arms and budgets, each once, a parent before its child, the longest first."""
    found = {run_of(arm, budget, recipe, epochs) for arm in arms for budget in recipe.budgets_of(arm)}
    runs = {run for run in found if run is not None}
    runs |= {run.parent for run in runs if run.parent is not None}
    # A chain is as urgent as all of it is long: two processes at once end together only if long work is not begun last.
    return sorted(runs, key=lambda run: (-_urgency(run, runs), run.before, run))


def _urgency(run: Run, runs: set[Run]) -> int:
    return run.updates + max((other.updates for other in runs if other.parent == run), default=0)
