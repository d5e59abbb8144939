"""How much of the way is right, whatever the answer."""

from __future__ import annotations

import pytest

from idf.scoring import steps_right
from idf.worlds import WORLDS, Draw, Problem


def problem_of(world: str, index: int = 0, difficulty: str = "easy") -> Problem:
    return Draw(0, "eval", index, difficulty).problem(WORLDS[world]).scene


@pytest.mark.parametrize("world", WORLDS)
def test_every_step_of_the_solver_is_right(world):
    for index in range(10):
        for difficulty in ("easy", "hard"):
            problem = problem_of(world, index, difficulty)
            right, steps = steps_right(problem, WORLDS[world].narrate(problem))
            assert right == steps == len(WORLDS[world].solve(problem))


@pytest.mark.parametrize("world", WORLDS)
def test_a_response_that_says_nothing_has_no_step_right(world):
    problem = problem_of(world)
    assert steps_right(problem, "Answer: red") == (0, len(WORLDS[world].solve(problem)))


def test_a_false_state_counts_once_and_right_ones_after_it_still_count():
    problem = next(p for i in range(50) if len(WORLDS["cube_rolling"].solve(p := problem_of("cube_rolling", i))) == 4)
    lines = WORLDS["cube_rolling"].narrate(problem).splitlines()
    second = next(at for at, line in enumerate(lines) if line.startswith("2."))
    words = lines[second].split()
    lines[second] = " ".join([*words[:2], *reversed(words[2:])])
    assert steps_right(problem, "\n".join(lines)) == (3, 4)
    del lines[second]
    assert steps_right(problem, "\n".join(lines)) == (3, 4)


def test_a_plan_is_replayed_as_it_is_stated_and_ends_at_an_illegal_move():
    problem = next(p for i in range(50) if len(WORLDS["moving_box"].solve(p := problem_of("moving_box", i))) >= 3)
    lines = WORLDS["moving_box"].narrate(problem).splitlines()
    steps = len(WORLDS["moving_box"].solve(problem))
    short = [line for line in lines if not line.startswith(f"{steps}.")]
    assert steps_right(problem, "\n".join(short)) == (steps - 1, steps)  # a shorter way is not a better one
    at = next(i for i, line in enumerate(lines) if line.startswith("2."))
    nonsense = [*lines[:at], "2. x: player (1,1) box (1,1)", *lines[at + 1 :]]
    right, of = steps_right(problem, "\n".join(nonsense))
    assert right <= 1
    assert of == steps
