"""How much of the way a response has right, whatever its answer: the states that it claims, step by step."""

from __future__ import annotations

from typing import Any, NamedTuple

from idf.worlds import WORLDS, Problem

from ._claims import read_trace
from ._process import Standing, last_word


class StepsRight(NamedTuple):
    """Steps of a response.

    Attributes:
        right: Those that are stated with the right state.
        steps: Those that there are.
    """

    right: int
    steps: int


def steps_right(problem: Problem[Any, Any], response: str) -> StepsRight:
    """Count the steps whose stated state is the true one, in the reading of `read_trace`; the last word on a step counts.

    Where the problem names the actions, the steps are those; one that is not stated is not right. Where a plan is asked, the
    moves that the response states are replayed, and the steps are as many as it states, or as a shortest plan has if those
    are more: a response that says little does not look good. From an illegal move on, no step is right.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
    """
    world = WORLDS[problem.world]
    chain, _ = last_word(read_trace(world, response).claims)
    if not world.plans:
        states = world.replay(problem.start, world.solve(problem))
        actions = world.solve(problem)
        pairs = zip(actions, states[1:], strict=True)
        right = sum(_says(problem, chain.get(number), *pair) for number, pair in enumerate(pairs, 1))
        return StepsRight(right, len(actions))
    said = max((number for number, standing in chain.items() if not standing.stale), default=0)
    right, state = 0, problem.start
    for number in range(1, said + 1):
        standing = chain.get(number)
        action = standing.claim.action if standing else None
        if action is None:
            break
        try:
            state = world.step(state, action)
        except (KeyError, ValueError):  # illegal, or no action at all
            break
        right += _says(problem, standing, action, state)
    return StepsRight(right, max(said, len(world.solve(problem))))


def _says(problem: Problem[Any, Any], standing: Standing | None, action: str, state: Any) -> bool:
    """Whether what stands for a step claims this action, or none, and this state."""
    if standing is None or standing.stale or standing.claim.action not in (None, action):
        return False
    world = WORLDS[problem.world]
    return standing.claim.state is not None and standing.claim.state == world.read_line(world.line(state))
