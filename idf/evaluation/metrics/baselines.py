"""Trivial and perfect players, through the same scorer: the floor and the ceiling of every table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from idf.answers import UNDETERMINED
from idf.errors import UserError
from idf.scoring import start_answers
from idf.suites import Exercise, Item
from idf.worlds import PARTS, WORLDS, Answer, Problem, Rng

BASELINES = ("oracle", "initial", "random", "never", "always")
TRIVIAL = ("initial", "random")
"""Those that know nothing of the answer: a column in every table."""
OF_PARTS = ("never", "always")
"""Those that never abstain, and always: columns beside them where a scene is shown in part."""
PLAYS = 10
"""How often "random" plays each item; the mean is shown."""


def baseline_answer(name: str, problem: Problem[Any, Any], seed: str) -> Answer:
    """The answer of a baseline player.

    Args:
        name: "oracle" solves the problem; "initial" imagines nothing and reads the start state off (for a plan: no
            move); "random" guesses (for a plan: as many random legal moves as a shortest plan has); "never" says what is
            true of the scene that was drawn, shown or not, so it is right wherever there is an answer and never abstains;
            "always" abstains.
        problem: The problem.
        seed: Decides what "random" says.

    Raises:
        UserError: "always" is to play a world that shows all of its scenes.
    """
    world = WORLDS[problem.world]
    answer: Answer
    if name == "oracle":
        answer = world.truth(problem)
    elif name == "initial":
        answer = world.initial(problem)
    elif name == "never":
        answer = PARTS[problem.world].answer_of_scene(problem) if problem.world in PARTS else world.truth(problem)
    elif name == "always":
        if problem.world not in PARTS:
            raise UserError(f"the baseline always abstains, but {problem.world} shows all: it plays {', '.join(PARTS)}")
        answer = UNDETERMINED
    elif name == "random":
        answer = _guess(problem, Rng("random baseline", seed))
    else:
        raise ValueError(f"unknown baseline {name!r}: use one of {', '.join(BASELINES)}")
    return answer


def baseline_response(name: str, problem: Problem[Any, Any], seed: str) -> str:
    """The answer of a baseline player (`baseline_answer`) as a response; "oracle" also names the view that settles it."""
    view = PARTS[problem.world].view_line(problem) if name == "oracle" and problem.world in PARTS else ""
    return (
        f"{view}\n" if view else ""
    ) + f"Answer: {WORLDS[problem.world].answer(problem).write(baseline_answer(name, problem, seed))}"


def exercise_response(name: str, exercise: Exercise) -> str:
    """What a baseline player says to an exercise: "oracle" the true response, "initial" the answer read off the start.

    Raises:
        UserError: It is another one, which would have to guess.
    """
    if name == "oracle":
        return exercise.response
    if name != "initial":
        raise UserError(f"--baseline {name} plays problems only, and the suite asks exercises: use oracle or initial")
    return "" if exercise.initial is None else f"Answer: {exercise.initial}"


def baseline_cells(items: Sequence[Item], modes: Sequence[str]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """The accuracy of the trivial players on the same items, judged as responses are.

    They look at no picture and read no text, so that every mode has the same numbers. Their answers are judged without being
    written and read again; a test holds that this gives what `idf-eval --baseline` gives.

    Args:
        items: The items that were asked; nobody is right in an exercise without stating its steps, so those are left out.
        modes: The modes that were asked.

    Returns:
        World -> mode -> difficulty or "all" -> {"initial": accuracy, "random": mean accuracy of ten plays}, and in a world
        that shows its scenes in part "never" and "always".
    """
    shares: dict[str, dict[str, dict[str, list[float]]]] = {}
    for item in items:
        if item.exercise is not None:
            continue
        problem = item.problem
        initial, guessed = _shares(item.id, problem)
        for group in ("all", problem.difficulty):
            mine = shares.setdefault(problem.world, {}).setdefault(group, {})
            mine.setdefault("initial", []).append(initial)
            mine.setdefault("random", []).append(guessed)
            if problem.world in PARTS:
                answerable = WORLDS[problem.world].truth(problem) != UNDETERMINED
                mine.setdefault("never", []).append(float(answerable))
                mine.setdefault("always", []).append(float(not answerable))
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
    plays = [world.judge(problem, baseline_answer("random", problem, f"{id} play {i}")).correct for i in range(PLAYS)]
    return float(start_answers(problem)), sum(plays) / PLAYS


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
