"""Trivial and perfect players, through the same scorer: the floor and the ceiling of every table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from idf.suites import Item
from idf.worlds import WORLDS, Answer, Problem, Rng

BASELINES = ("oracle", "initial", "random")
TRIVIAL = ("initial", "random")
"""Those that know nothing of the answer: a column in every table."""
PLAYS = 10
"""How often "random" plays each item; the mean is shown."""


def baseline_answer(name: str, problem: Problem[Any, Any], seed: str) -> Answer:
    """The answer of a baseline player.

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
    return answer


def baseline_response(name: str, problem: Problem[Any, Any], seed: str) -> str:
    """The answer of a baseline player (`baseline_answer`) as a response."""
    return f"Answer: {WORLDS[problem.world].answer(problem).write(baseline_answer(name, problem, seed))}"


def baseline_cells(items: Sequence[Item], modes: Sequence[str]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """The accuracy of the trivial players on the same items, judged as responses are.

    They look at no picture and read no text, so that every mode has the same numbers. Their answers are judged without being
    written and read again; a test holds that this gives what `idf-eval --baseline` gives.

    Args:
        items: The items that were asked.
        modes: The modes that were asked.

    Returns:
        World -> mode -> difficulty or "all" -> {"initial": accuracy, "random": mean accuracy of ten plays}.
    """
    shares: dict[str, dict[str, dict[str, list[float]]]] = {}
    for item in items:
        problem = item.problem
        initial, guessed = _shares(item.id, problem)
        for group in ("all", problem.difficulty):
            mine = shares.setdefault(problem.world, {}).setdefault(group, {name: [] for name in TRIVIAL})
            mine["initial"].append(initial)
            mine["random"].append(guessed)
    return {
        world: {
            mode: {
                group: {name: sum(values) / len(values) for name, values in players.items()}
                for group, players in groups.items()
            }
            for mode in modes
        }
        for world, groups in sorted(shares.items())
    }


@lru_cache(maxsize=1 << 14)
def _shares(id: str, problem: Problem[Any, Any]) -> tuple[float, float]:
    """What the trivial players get on an item, kept for the next evaluation of its suite: a training asks one again and again."""
    world = WORLDS[problem.world]
    initial = float(world.judge(problem, baseline_answer("initial", problem, "")).correct)
    plays = [world.judge(problem, baseline_answer("random", problem, f"{id} play {i}")).correct for i in range(PLAYS)]
    return initial, sum(plays) / PLAYS


def _guess(problem: Problem[Any, Any], rng: Rng) -> Answer:
    world = WORLDS[problem.world]

    def walk() -> tuple[str, ...]:
        """As many random legal actions as a shortest plan has."""
        state, plan = problem.start, list[str]()
        for _ in world.solve(problem):
            plan.append(rng.choice(world.legal_actions(state)))
            state = world.step(state, plan[-1])
        return tuple(plan)

    return world.answer(problem).guess(rng, world.initial(problem), walk)
