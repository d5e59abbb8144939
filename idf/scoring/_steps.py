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
    return replayed_plan(problem, response)[0]


def replayed_plan(problem: Problem[Any, Any], response: str) -> tuple[StepsRight, int | None, bool]:
    """The steps of a stated plan, as `steps_right` counts them.

    Args:
        problem: The problem, of a world of plans.
        response: The whole text of the response.

    Returns:
        The steps; the first one that is not right, None if there is none; and whether that one is not stated at all.
    """
    world = WORLDS[problem.world]
    chain, _ = last_word(read_trace(world, response).claims)
    said = max((number for number, standing in chain.items() if not standing.stale), default=0)
    right, state, wrong = 0, problem.start, list[int]()
    for number in range(1, said + 1):
        standing = chain.get(number)
        action = standing.claim.action if standing else None
        if action is None:
            wrong.append(number)
            break
        try:
            state = world.step(state, action)
        except (KeyError, ValueError):  # illegal, or no action at all
            wrong.append(number)
            break
        if _says(problem, standing, action, state):
            right += 1
        else:
            wrong.append(number)
    steps = max(said, len(world.solve(problem)))
    first = wrong[0] if wrong else right + 1 if right < steps else None
    standing = None if first is None else chain.get(first)
    missing = first is not None and (standing is None or standing.stale or standing.claim.state is None)
    return StepsRight(right, steps), first, missing


def leading_steps(problem: Problem[Any, Any], response: str) -> StepsRight:
    """Count the steps that are stated right before the first one that is not.

    A step is stated by its number and the whole state behind it; one that is stated twice differently is not right, and none
    is behind a false start. Where a plan is asked, the steps are the moves that are told, whatever plan is answered; they count
    as far as each leads nearer to the goal.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.

    Returns:
        The right ones, and those of the solution; 0 of 0 in a world whose steps may be taken as one, where any credit
        would exceed chance, or that shows its scenes in part.
    """
    world = WORLDS[problem.world]
    if world.steps_at_once or problem.world in PARTS:
        return StepsRight(0, 0)
    solution = world.solve(problem)
    firm = _never_taken_back(read_trace(world, response).claims)
    actions = _moves_told(firm) if world.plans else solution
    start = world.read_line(world.line(problem.start))
    if firm.get(0, _NOTHING)[1] not in (None, start):
        return StepsRight(0, len(solution))
    states = _states_said(problem, firm, actions)
    if world.plans:
        states = states[: _nearer(problem, actions, states, solution)]
    return StepsRight(len(states), len(solution))


_Said = tuple[str | None, Any]
"""The action and the state that a step is stated with; None for what is not said."""
_NOTHING: _Said = (None, None)
_BOTH: _Said = (None, "two different things")


def _never_taken_back(claims: Sequence[Claim]) -> dict[int, _Said]:
    """Number of a step -> what all that is said of it agrees on; _BOTH, which is no state, if it is stated twice differently."""
    said: dict[int, tuple[set[str], list[Any]]] = {}
    for claim in claims:
        actions, states = said.setdefault(claim.number, (set(), []))
        if claim.action is not None:
            actions.add(claim.action)
        if claim.state is not None and claim.state not in states:
            states.append(claim.state)
    return {
        number: (next(iter(actions), None), next(iter(states), None)) if max(len(actions), len(states)) < 2 else _BOTH
        for number, (actions, states) in said.items()
    }


def _moves_told(firm: dict[int, _Said]) -> tuple[str, ...]:
    """The moves of the steps from the first one on, as far as each is told."""
    moves: list[str] = []
    while move := firm.get(len(moves) + 1, _NOTHING)[0]:
        moves.append(move)
    return tuple(moves)


def _states_said(problem: Problem[Any, Any], firm: dict[int, _Said], actions: Sequence[str]) -> list[Any]:
    """The states behind the actions, as far as they are legal and stated right."""
    world, states, state = WORLDS[problem.world], list[Any](), problem.start
    for number, action in enumerate(actions, 1):
        try:
            state = world.step(state, action)
        except IllegalAction:
            break
        said_action, said_state = firm.get(number, _NOTHING)
        if said_action not in (None, action) or said_state is None or said_state != world.read_line(world.line(state)):
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
