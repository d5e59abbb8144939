"""One trace against the rules that need no other trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from idf.errors import UserError
from idf.recipe import check_positive
from idf.scoring import read_trace, replay_claims, score
from idf.worlds import WORLDS, Problem

from ._repetition import find_loop, find_padding

LEVELS = ("process", "consistent", "outcome")
PROOFS = ("process", "consistent", "nothing", "false")
"""What a kept trace proves: every step; nothing false and some work; it claims nothing; it claims something false."""
_FAILED = ("error", "content_filter")


@dataclass(frozen=True)
class FilterRecipe:
    """What the trajectory filter keeps.

    Attributes:
        keep: How many traces to keep.
        level: "process" wants every state on the way claimed and right; "consistent" nothing false, and some work that
            replays; "outcome" only a right answer.
        most_words: Longest trace, in words.
        most_over_optimal: Longest plan, as a multiple of a shortest one.
        most_repeated: Largest share of words that are said for the third time or more.
        most_corrections: How many false claims a trace may take back; None for any number.
        near_duplicate: Least Jaccard similarity of near-duplicates; 1 drops equal texts only.
    """

    keep: int = 5000
    level: str = "process"
    most_words: int = 2000
    most_over_optimal: float = 1.5
    most_repeated: float = 0.2
    most_corrections: int | None = 2
    near_duplicate: float = 0.9

    def check(self) -> None:
        """Refuse what makes no sense, with a sentence."""
        check_positive("keep", self.keep)
        check_positive("most_words", self.most_words)
        if self.level not in LEVELS:
            raise UserError(f"unknown level {self.level!r}: use one of {', '.join(LEVELS)}")
        if not self.most_over_optimal >= 1:
            raise UserError(f"most_over_optimal must be at least 1 (no plan is shorter), not {self.most_over_optimal}")
        if not 0 <= self.most_repeated <= 1:
            raise UserError(f"most_repeated is a share from 0 to 1, not {self.most_repeated}")
        if self.most_corrections is not None and self.most_corrections < 0:
            raise UserError(f"most_corrections must not be negative, but is {self.most_corrections}")
        if not 0.5 <= self.near_duplicate <= 1:
            raise UserError(f"near_duplicate is a similarity from 0.5 to 1, not {self.near_duplicate}")


def judge_trace(
    problem: Problem[Any, Any], response: str, finish_reason: str | None, recipe: FilterRecipe
) -> tuple[str, str] | None:
    """The first rule that a trace breaks, of those that need no other trace.

    Args:
        problem: The problem that it is to solve.
        response: All its text.
        finish_reason: Why it ended: "stop", "length", "error", ...
        recipe: The limits.

    Returns:
        None if it breaks none, else the rule and one sentence on what was found.
    """
    if finish_reason in _FAILED:
        return "failed", f"the finish_reason is {finish_reason}"
    if finish_reason == "length" and response.strip():
        return "truncated", "the finish_reason is length"
    verdict = score(problem, response, finish_reason)
    if verdict.error is not None:
        return verdict.error, verdict.detail
    if (words := len(response.split())) > recipe.most_words:
        return "long", f"{words:,} words, {recipe.most_words:,} may be"
    if padding := find_padding(response):
        return "padding", padding
    world = WORLDS[problem.world]
    planned = world.plans
    actions = tuple(verdict.parsed) if planned and verdict.parsed is not None else world.solve(problem)
    if planned and (circle := _circle(problem, actions)):
        return "loop", circle
    reading = read_trace(world, response)
    if loop := find_loop(reading, recipe.most_repeated):
        return "loop", loop
    moves, optimal = verdict.moves or 0, verdict.optimal or 0  # 0 and 0 for a task without a plan
    if moves > recipe.most_over_optimal * optimal:
        return "detour", f"{moves} moves, {optimal} are enough"
    if recipe.level == "outcome":
        return None
    return replay_claims(problem, reading, actions, recipe.most_corrections, recipe.level)


def proof_of(problem: Problem[Any, Any], response: str, recipe: FilterRecipe) -> str:
    """How much of its way a kept trace proves: one of PROOFS.

    Args:
        problem: The problem that it solves.
        response: All its text.
        recipe: What it was kept by.
    """
    if recipe.level == "process":
        return "process"
    world = WORLDS[problem.world]
    verdict = score(problem, response, "stop")
    planned = world.plans and verdict.parsed is not None
    actions = tuple(verdict.parsed) if planned and verdict.parsed is not None else world.solve(problem)
    reading = read_trace(world, response)
    lost = replay_claims(problem, reading, actions, recipe.most_corrections, "consistent")
    if lost is not None:
        return "nothing" if lost[0] == "unproven" else "false"
    return "consistent" if replay_claims(problem, reading, actions, recipe.most_corrections) else "process"


def _circle(problem: Problem[Any, Any], plan: tuple[str, ...]) -> str | None:
    """Which state a plan comes back to, or None."""
    seen: dict[Any, int] = {}
    for moves, state in enumerate(WORLDS[problem.world].replay(problem.start, plan)):
        if state in seen:
            return f"after move {moves} everything stands as after move {seen[state]}"
        seen[state] = moves
    return None
