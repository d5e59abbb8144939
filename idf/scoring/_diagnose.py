"""What a false response got wrong, found by replaying what it says; no opinion is asked."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from idf.answers import UNDETERMINED
from idf.worlds import PARTS, WORLDS, IllegalAction, Problem

from ._claims import Reading, read_trace
from ._process import Standing, false_read_off, last_word
from ._score import Verdict

CAUSES = ("perception", "transformation", "strategic", "format", "unstated")
"""What a response that is not correct got wrong; "unstated" if it does not say enough of its way to tell."""

FAR_OVER = 2
"""A plan of more than this many times the least number of moves is far over the optimum."""

_FORMAT = ("unparsed", "refused", "truncated", "empty", "error")


@dataclass(frozen=True)
class Diagnosis:
    """What went wrong in a response.

    Attributes:
        cause: None if the response is correct, else one of CAUSES.
        wrong_step: The first wrong step, 0 for the start; None if no step is to blame.
        detail: One sentence; empty if the response is correct.
    """

    cause: str | None
    wrong_step: int | None
    detail: str


def diagnose(problem: Problem[Any, Any], response: str, verdict: Verdict) -> Diagnosis:
    """Find the first thing that is wrong with a response, in the order in which one solves a problem.

    What is seen comes first, then each step, then the plan as a whole, then what is read off the last state. The last
    word on a step counts, think blocks included, as in the trajectory filter.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        verdict: What `score` said of it.
    """
    if verdict.correct:
        return Diagnosis(None, None, "")
    if verdict.error in _FORMAT:
        return Diagnosis("format", None, verdict.detail)
    if problem.world in PARTS:
        return _of_part(problem, response, verdict)
    world = WORLDS[problem.world]
    reading = read_trace(world, response)
    chain, _ = last_word(reading.claims)
    if seen := _misseen(problem, reading, chain):
        return seen
    if world.plans and verdict.parsed is not None:
        return _of_plan(problem, chain, tuple(verdict.parsed), verdict)
    return _of_answer(problem, reading, chain, verdict)


class FirstWrong(NamedTuple):
    """Where a response first goes wrong.

    Attributes:
        step: The first wrong step, 0 for the start or what else is seen; None if none is.
        stated: Whether it states a state or a move at all: without one, no step can be wrong.
    """

    step: int | None
    stated: bool


def first_wrong_step(problem: Problem[Any, Any], response: str, parsed: Any) -> FirstWrong:
    """Find the first false state or illegal move of a response, whatever its answer: it may be right by luck.

    Where a plan is asked, its moves are replayed, or those that the response states on the way if no plan was read. The
    last word on a step counts, as in `diagnose`. A world that shows its scenes in part has no steps.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        parsed: The answer that `score` read, None if it read none.
    """
    if problem.world in PARTS:
        return FirstWrong(None, False)
    world = WORLDS[problem.world]
    reading = read_trace(world, response)
    chain, _ = last_word(reading.claims)
    if _misseen(problem, reading, chain):
        return FirstWrong(0, True)
    stated = any(not standing.stale and standing.claim.state is not None for standing in chain.values())
    if not world.plans:
        false = _false_on_course(problem, chain, world.replay(problem.start, world.solve(problem)))
        return FirstWrong(false.wrong_step if false else None, stated)
    moves = _moves_stated(chain) if parsed is None else tuple(parsed)
    states, broken = _replay(problem, moves)
    stated = stated or bool(moves)
    if false := _false_on_the_way(problem, chain, moves, states):
        return FirstWrong(false.wrong_step, stated)
    return FirstWrong(len(states) if broken else None, stated)


def _moves_stated(chain: dict[int, Standing]) -> tuple[str, ...]:
    """The moves of the steps from the first one on, as far as each is stated."""
    moves: list[str] = []
    while (standing := chain.get(len(moves) + 1)) and not standing.stale and standing.claim.action is not None:
        moves.append(standing.claim.action)
    return tuple(moves)


def _misseen(problem: Problem[Any, Any], reading: Reading, chain: dict[int, Standing]) -> Diagnosis | None:
    """A false start, or another thing that is seen and said falsely (a target)."""
    world = WORLDS[problem.world]
    start = chain.get(0)
    if start and _is_false(problem, start, problem.start):
        detail = f"the start is {world.line(problem.start)!r}, stated is {start.claim.text!r}"
        return Diagnosis("perception", 0, detail)
    read_off = false_read_off(problem, reading)
    if read_off and read_off.seen:
        return Diagnosis("perception", 0, f"stated is {read_off.false!r}, true is {read_off.truth!r}")
    return None


# --- worlds with a plan -------------------------------------------------------------------------------------------


def _of_plan(
    problem: Problem[Any, Any], chain: dict[int, Standing], plan: tuple[str, ...], verdict: Verdict
) -> Diagnosis:
    """The first false state or illegal move; else why a legal plan does not end at the goal."""
    world = WORLDS[problem.world]
    states, broken = _replay(problem, plan)
    if false := _false_on_the_way(problem, chain, plan, states):
        return false
    went_on = ""
    if verdict.solved_prefix is not None:
        went_on = f"the goal is reached after {_moves(verdict.solved_prefix)}, and the plan of {len(plan)} goes on"
    if broken:
        detail = f"move {len(states)} ({plan[len(states) - 1]}) is illegal: {broken}"
        return Diagnosis("transformation", len(states), f"{detail}; before, {went_on}" if went_on else detail)
    if verdict.solved_prefix is not None:
        return Diagnosis("strategic", verdict.solved_prefix + 1, went_on)
    return _of_legal_plan(states, plan, verdict.optimal or 0, world.name)


def _false_on_the_way(
    problem: Problem[Any, Any], chain: dict[int, Standing], plan: Sequence[str], states: Sequence[Any]
) -> Diagnosis | None:
    """The first state of a plan that is stated falsely, as far as the plan is legal."""
    for number, (action, state) in enumerate(zip(plan, states[1:]), 1):
        standing = chain.get(number)
        if standing and standing.claim.action not in (None, action):
            return None  # from here on the steps speak of another plan than the answer
        if standing and _is_false(problem, standing, state):
            return Diagnosis("transformation", number, _after(problem, number, action, state, standing))
    return None


def _of_legal_plan(states: Sequence[Hashable], plan: tuple[str, ...], optimal: int, world: str) -> Diagnosis:
    """A legal plan that never reaches the goal: it goes round in circles, is far too long, or just ends elsewhere."""
    first_time: dict[Hashable, int] = {}
    for moves, state in enumerate(states):
        if state in first_time:
            detail = f"after move {moves} everything stands as {_when(first_time[state])}; the goal is never reached"
            return Diagnosis("strategic", moves, detail)
        first_time[state] = moves
    if len(plan) > FAR_OVER * optimal:
        detail = f"{_moves(len(plan))} and the goal is never reached; {optimal} are enough"
    else:
        detail = f"the plan of {_moves(len(plan))} is legal and never reaches the goal"
    return Diagnosis("strategic", None, detail)


def _replay(problem: Problem[Any, Any], plan: tuple[str, ...]) -> tuple[list[Any], str]:
    """The states of a plan as far as it is legal, and the rule that its next move breaks."""
    world = WORLDS[problem.world]
    states = [problem.start]
    for action in plan:
        try:
            states.append(world.step(states[-1], action))
        except IllegalAction as broken:
            return states, str(broken)
    return states, ""


# --- worlds with an answer ----------------------------------------------------------------------------------------


def _of_answer(problem: Problem[Any, Any], reading: Reading, chain: dict[int, Standing], verdict: Verdict) -> Diagnosis:
    """The first false step; else what was read off the last state; else nothing can be told."""
    world = WORLDS[problem.world]
    actions = world.solve(problem)
    states = world.replay(problem.start, actions)
    if false := _false_on_course(problem, chain, states):
        return false
    if read_off := false_read_off(problem, reading):
        detail = f"read off the last state is {read_off.false!r}, true is {read_off.truth!r}"
        return Diagnosis("transformation", None, detail)
    last = chain.get(len(actions))
    if last and not last.stale and last.claim.state is not None:
        detail = f"the last state is stated rightly, the answer read off it is not: {verdict.detail}"
        return Diagnosis("transformation", None, detail)
    stated = sum(not standing.stale and standing.claim.state is not None for standing in chain.values())
    if not stated:
        return Diagnosis("unstated", None, "no state is spelled out: where it went wrong cannot be told")
    detail = f"{stated} of {len(states)} states are spelled out, all of them right; the last one is not among them"
    return Diagnosis("unstated", None, detail)


def _false_on_course(problem: Problem[Any, Any], chain: dict[int, Standing], states: Sequence[Any]) -> Diagnosis | None:
    """The first step that is stated falsely, with another action, or beyond those that there are."""
    actions = WORLDS[problem.world].solve(problem)
    for number, (action, state) in enumerate(zip(actions, states[1:]), 1):
        standing = chain.get(number)
        if standing is None or standing.stale:
            continue
        if standing.claim.action not in (None, action):
            detail = f"step {number} is {action}, stated is {standing.claim.text!r}"
            return Diagnosis("transformation", number, detail)
        if _is_false(problem, standing, state):
            return Diagnosis("transformation", number, _after(problem, number, action, state, standing))
    beyond = [number for number, standing in chain.items() if number >= len(states) and not standing.stale]
    if beyond:
        return Diagnosis("transformation", min(beyond), f"step {min(beyond)} is stated, there are {len(actions)}")
    return None


# --- worlds that show a scene in part -----------------------------------------------------------------------------


def _of_part(problem: Problem[Any, Any], response: str, verdict: Verdict) -> Diagnosis:
    """The first false line on a state that agrees with what is shown; else nothing can be told."""
    found = PARTS[problem.world].evidence(problem, read_trace(PARTS[problem.world], response).lines)
    if found.false:
        return Diagnosis("transformation", None, found.false)
    did = "it does not answer" if verdict.parsed == UNDETERMINED else "it answers"
    return Diagnosis("unstated", None, f"{did}, but {verdict.detail}; no case that it tells is false")


# --- words --------------------------------------------------------------------------------------------------------


def _is_false(problem: Problem[Any, Any], standing: Standing, state: Any) -> bool:
    """Whether what stands for a step claims another state."""
    world = WORLDS[problem.world]
    claimed = standing.claim.state
    return not standing.stale and claimed is not None and claimed != world.read_line(world.line(state))


def _after(problem: Problem[Any, Any], number: int, action: str, state: Any, standing: Standing) -> str:
    world = WORLDS[problem.world]
    return f"after step {number} ({action}) the state is {world.line(state)!r}, stated is {standing.claim.text!r}"


def _moves(number: int) -> str:
    return f"{number} move{'' if number == 1 else 's'}"


def _when(moves: int) -> str:
    return f"after move {moves}" if moves else "at the start"
