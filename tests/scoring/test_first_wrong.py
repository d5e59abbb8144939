"""The first wrong step of a response, whatever it answers."""

from __future__ import annotations

from typing import Any

import pytest

from idf.scoring import FirstWrong, diagnose, first_wrong_step, score, write_answer
from idf.worlds import PARTS, WORLDS, Problem
from tests.traces.candidates import oracle
from tests.worlds.samples import problem, problems

WITH_STEPS = [name for name in WORLDS if name not in PARTS]


def first(of: Problem[Any, Any], response: str) -> FirstWrong:
    return first_wrong_step(of, response, score(of, response).parsed)


def with_false_state(of: Problem[Any, Any], number: int, *, answer: bool) -> str:
    """The oracle's response with another state of the walk for a step (0: the start), with or without its right answer."""
    world = WORLDS[of.world]
    told = [world.line(state) for state in world.replay(of.start, world.solve(of))]
    head, other = f"{number}. " if number else "Start: ", next(state for state in told if state != told[number])
    lines = [line.replace(told[number], other) if line.startswith(head) else line for line in oracle(of).splitlines()]
    return "\n".join(lines if answer else lines[:-1])


@pytest.mark.parametrize("world", WITH_STEPS)
def test_the_oracle_has_no_wrong_step(world):
    for of in problems(world, "medium", 2):
        assert first(of, oracle(of)) == FirstWrong(None, True)


@pytest.mark.parametrize("world", WITH_STEPS)
def test_a_false_state_is_found_at_its_step_whether_the_answer_is_right_or_none_can_be_read(world):
    of = problem(world, "eval", 0, "medium")
    for number in range(len(WORLDS[world].solve(of)) + 1):
        lucky = with_false_state(of, number, answer=True)
        assert score(of, lucky).correct
        assert first(of, lucky) == FirstWrong(number, True)
        assert first(of, with_false_state(of, number, answer=False)) == FirstWrong(number, True)


@pytest.mark.parametrize("world", WITH_STEPS)
def test_an_error_with_a_step_has_the_step_of_its_diagnosis(world):
    of = problem(world, "eval", 1, "easy")
    solution = WORLDS[world].solve(of)
    for number in range(len(solution) + 1):
        text = f"{with_false_state(of, number, answer=False)}\nAnswer: {wrong(of)}"
        verdict = score(of, text)
        found = diagnose(of, text, verdict)
        assert found.cause in ("perception", "transformation", "strategic")
        if number < max(1, len(solution)) or not WORLDS[world].plans:  # the plan has all moves but the last
            assert first_wrong_step(of, text, verdict.parsed).step == found.wrong_step == number


def wrong(of: Problem[Any, Any]) -> str:
    """An answer that can be read and is wrong; of a plan all moves but the last."""
    world = WORLDS[of.world]
    kind, truth = world.answer_kind(of), world.truth(of)
    if world.plans:
        return write_answer(kind, truth[:-1])
    colour = next((colour for colour in world.colours if colour != truth), None)
    return write_answer(kind, {"colour": colour, "count": 0 if truth else 1, "colour_counts": {"red": 27}}[kind])


def test_an_illegal_move_is_a_wrong_step_and_a_bare_answer_states_none():
    of = problem("moving_box", "eval", 0, "easy")
    plan = list(WORLDS["moving_box"].solve(of))
    illegal = next(move for move in "udlr" if move not in WORLDS["moving_box"].legal_actions(of.start))
    assert first(of, f"Answer: {illegal} {' '.join(plan)}") == FirstWrong(1, True)
    assert first(of, f"Answer: {' '.join(plan)}") == FirstWrong(None, True)
    assert first(of, "I do not know.") == FirstWrong(None, False)
    assert first(problem("cube_rolling", "eval", 0, "easy"), "Answer: red") == FirstWrong(None, False)


def test_a_scene_that_is_shown_in_part_has_no_steps():
    of = problem("cube_rolling_part", "eval", 0, "easy")
    assert first(of, "1. right: red blue green black gray yellow\nAnswer: red") == FirstWrong(None, False)
