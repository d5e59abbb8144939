"""Trivial and perfect players, through the same scorer: the floor and the ceiling of every table."""

from __future__ import annotations

from typing import Any

from idf.scoring import write_answer
from idf.worlds import WORLDS, Answer, Problem, Rng

BASELINES = ("oracle", "initial", "random")


def baseline_response(name: str, problem: Problem[Any, Any], seed: str) -> str:
    """The response of a baseline player.

    Args:
        name: "oracle" solves the problem; "initial" imagines nothing and reads the start state off (for a plan: no
            move); "random" guesses (for a plan: as many random legal moves as a shortest plan has).
        problem: The problem.
        seed: Decides what "random" says.
    """
    world = WORLDS[problem.world]
    answer: Answer
    if name == "oracle":
        answer = world.truth(problem)
    elif name == "initial":
        answer = world.initial(problem)
    elif name == "random":
        answer = _guess(problem, Rng("random baseline", seed))
    else:
        raise ValueError(f"unknown baseline {name!r}: use one of {', '.join(BASELINES)}")
    return f"Answer: {write_answer(world.answer_kind(problem), answer)}"


def _guess(problem: Problem[Any, Any], rng: Rng) -> Answer:
    world = WORLDS[problem.world]
    kind = world.answer_kind(problem)
    if kind == "colour":
        return rng.choice(world.colours)
    if kind == "count":
        return rng.below(10)
    if kind == "colour_counts":
        guess = {colour: rng.below(n + 1) for colour, n in world.initial(problem).items()}
        return {colour: n for colour, n in guess.items() if n} or world.initial(problem)
    state, plan = problem.start, []
    for _ in world.solve(problem):
        plan.append(rng.choice(world.legal_actions(state)))
        state = world.step(state, plan[-1])
    return tuple(plan)
