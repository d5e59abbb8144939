"""How much of the way a response has right, whatever its answer: the states that it claims, step by step."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from idf.worlds import PARTS, WORLDS, IllegalAction, Problem

from ._claims import read_trace
from ._heads import Claim
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


def leading_steps(problem: Problem[Any, Any], response: str, plan: Sequence[str]) -> StepsRight:
    """Count the steps that are stated right before the first false one, in a response that states all of them in order.

    It states a step by its number and the whole state behind it. None is right where it leaves one out, states one twice
    differently, goes back to one, or begins at a false start; a state that is the start again counts for nothing. Where a
    plan is asked, the steps are the moves of the plan that is answered, as far as each leads nearer to the goal.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        plan: The plan that it answers, in a world that asks for one.

    Returns:
        The right ones, and those of the solution; 0 of 0 in a world whose steps may be taken as one, or that shows its
        scenes in part.
    """
    world = WORLDS[problem.world]
    if world.steps_at_once or problem.world in PARTS:
        return StepsRight(0, 0)
    solution = world.solve(problem)
    actions = plan if world.plans else solution
    claims = read_trace(world, response).claims
    chain, corrections = last_word(claims)
    told = _told_in_order(claims)
    start = world.read_line(world.line(problem.start))
    if corrections or told < len(actions) or (0 in chain and chain[0].claim.state not in (None, start)):
        return StepsRight(0, len(solution))
    if world.plans and any(chain[n].claim.action not in (None, move) for n, move in enumerate(actions, 1)):
        return StepsRight(0, len(solution))  # it tells of another plan than it answers
    states = _states_said(problem, chain, actions)
    if world.plans:
        states = states[: _nearer(problem, actions, states, solution)]
    return StepsRight(sum(world.read_line(world.line(state)) != start for state in states), len(solution))


def _told_in_order(claims: Sequence[Claim]) -> int:
    """How many steps are told with a whole state, from the first one on; 0 if not in order."""
    numbers = list(dict.fromkeys(claim.number for claim in claims if claim.number and claim.state is not None))
    return len(numbers) if numbers == list(range(1, len(numbers) + 1)) else 0


def _states_said(problem: Problem[Any, Any], chain: dict[int, Standing], actions: Sequence[str]) -> list[Any]:
    """The states behind the actions, as far as they are legal and stated right."""
    world, states, state = WORLDS[problem.world], list[Any](), problem.start
    for number, action in enumerate(actions, 1):
        try:
            state = world.step(state, action)
        except IllegalAction:
            break
        if not _says(problem, chain.get(number), action, state):
            break
        states.append(state)
    return states


def _nearer(problem: Problem[Any, Any], actions: Sequence[str], states: Sequence[Any], solution: Sequence[str]) -> int:
    """How many first moves of a plan each lead one move nearer to the goal."""
    world = WORLDS[problem.world]

    def strays(moves: int) -> bool:
        if actions[:moves] == solution[:moves]:
            return False
        try:
            left = len(world.solve(replace(problem, start=states[moves - 1])))
        except ValueError:  # no way leads on from here
            return True
        return moves + left > len(solution)

    # Who has strayed does not come back to a shortest way.
    return bisect_left(range(1, len(states) + 1), True, key=strays)


def _says(problem: Problem[Any, Any], standing: Standing | None, action: str, state: Any) -> bool:
    """Whether what stands for a step claims this action, or none, and this state."""
    if standing is None or standing.stale or standing.claim.action not in (None, action):
        return False
    world = WORLDS[problem.world]
    return standing.claim.state is not None and standing.claim.state == world.read_line(world.line(state))
