"""What a response earns in reinforcement learning: its answer, its steps, and a price on its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from idf.errors import UserError
from idf.recipe import check_ranges, key
from idf.worlds import WORLDS, Problem

from ._score import Verdict, score
from ._steps import StepsRight, leading_steps

_NO_RESPONSE = ("length", "error", "content_filter")
"""Why a generation ended whose response earns nothing, whatever its text says."""
_READ = ("wrong", "incomplete", "illegal")
"""The classes of a false answer that was read, of the kind that was asked."""


_NOT_COUNTED = StepsRight(0, 0)


@dataclass(frozen=True)
class RewardRule:
    """What is paid for what. A right answer earns 1 less the price; a false one less than half of any right one.

    Attributes:
        step_credit: What a false answer earns at most, for steps that are stated right, in order.
        price: What a right answer of `max_tokens` tokens loses; a shorter one loses in proportion.
        max_tokens: The tokens at which the price is paid in full.
        most_over_optimal: A plan of more than so many times the moves of a shortest one earns nothing: whoever moves at random
            for long enough comes past the goal.
    """

    step_credit: float = key(0.2, least=0)
    price: float = key(0.0, least=0, below=1)
    max_tokens: int = key(2048, least=1)
    most_over_optimal: float = key(2.0, least=1)

    def __post_init__(self) -> None:
        """Refuse what makes no sense, so that no rule does."""
        self.check()

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UserError: A number is outside of its range, or a false answer could earn half of a right one.
        """
        check_ranges(self)
        half = (1 - self.price) / 2
        if not self.step_credit < half:
            raise UserError(
                f"step_credit must be below {half:g}, which is half of what the longest right answer earns at a price of "
                f"{self.price:g}, not {self.step_credit:g}"
            )


RULE = RewardRule()
"""The rule where none is given."""


@dataclass(frozen=True)
class Reward:
    """What a response earns, in parts: `total` is `right + steps - price`.

    Attributes:
        total: What it earns.
        right: 1 for a right answer, else 0.
        steps: What the steps of a false answer earn.
        price: What was taken for the tokens of a right answer, at least 0.
        verdict: What scoring says of the response.
        steps_right: Steps that are stated right before the first false one, where they are counted: on false answers.
        steps_asked: Steps of the solution, where they are counted; else 0.
    """

    total: float
    right: float
    steps: float
    price: float
    verdict: Verdict
    steps_right: int
    steps_asked: int


def reward(
    problem: Problem[Any, Any],
    response: str,
    *,
    tokens: int,
    finish_reason: str | None = None,
    rule: RewardRule = RULE,
) -> Reward:
    """What a response earns: see "Reward" in docs/scoring.md.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        tokens: The tokens that it took.
        finish_reason: "length" if generation was cut off, "content_filter" if it was withheld, "error" if there is no
            response: such a response earns nothing, whatever its text says.
        rule: What is paid for what.

    Raises:
        ValueError: `tokens` is negative.
    """
    if tokens < 0:
        raise ValueError(f"a response takes no fewer than 0 tokens, not {tokens}")
    verdict = score(problem, response, finish_reason)
    if finish_reason in _NO_RESPONSE:
        return _of_parts(verdict)
    if verdict.correct and (verdict.moves or 0) > rule.most_over_optimal * (verdict.optimal or 0):
        return _of_parts(verdict)
    if verdict.correct:
        return _of_parts(verdict, right=1.0, price=rule.price * min(tokens, rule.max_tokens) / rule.max_tokens)
    if verdict.error not in _READ or verdict.solved_prefix is not None:
        return _of_parts(verdict)  # a plan that passes the goal and goes on earns nothing either
    counted = leading_steps(problem, response)
    credit = rule.step_credit * counted.right / counted.steps if counted.steps else 0.0
    return _of_parts(verdict, steps=credit, counted=counted)


def start_answers(problem: Problem[Any, Any]) -> bool:
    """Whether somebody who imagines nothing is right: the start answers the question, or is the goal already.

    Args:
        problem: The problem.
    """
    world = WORLDS[problem.world]
    return bool(world.judge(problem, world.initial(problem)).correct)


def _of_parts(
    verdict: Verdict,
    right: float = 0.0,
    steps: float = 0.0,
    price: float = 0.0,
    counted: StepsRight = _NOT_COUNTED,
) -> Reward:
    return Reward(right + steps - price, right, steps, price, verdict, counted.right, counted.steps)
