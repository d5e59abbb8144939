"""Spoiled responses by the thousand: none makes the scorer fall, and none is right by accident."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from idf.scoring import ERRORS, score
from idf.worlds import WORLDS, Problem
from tests.worlds.samples import problems

from .expecting import CUBES, PUSH, ROLL, SLIDE, SQUARE, SQUARES
from .mutations import TAKEN_BACK, may_be_right, musing, prose, solves, spoiled
from .notations import FRAMES, framed, written

ITEMS = [ROLL, SQUARE, SQUARES, CUBES, PUSH, SLIDE] + [
    item for world in WORLDS for difficulty in ("easy", "medium") for item in problems(world, difficulty, 2)
]
FEW, MANY = 600, 25_000  # of each of five kinds: more than a hundred thousand
SIZES = [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.full)]


def answer_and_right(rng: Random, of: Problem[Any, Any]) -> tuple[Any, bool]:
    """A random answer, the true one or a false one, and whether it is right."""
    world = WORLDS[of.world]
    kind, truth = world.answer_kind(of), world.truth(of)
    if rng.random() < 0.3:
        return truth, True
    if kind == "plan":
        plan = list(truth)
        for _ in range(rng.randint(1, 3)):  # moves flipped, dropped and added
            at = rng.randrange(len(plan) + 1)
            plan[at : at + rng.randint(0, 1)] = [rng.choice(world.actions)] * rng.randint(0, 2)
        plan = plan if len(plan) > 1 else [*plan, *rng.choices(world.actions, k=2)]
        return plan, solves(of, plan)
    if kind == "colour":
        answer: Any = rng.choice(world.colours)
    elif kind == "count":
        answer = rng.randrange(10)
    else:
        answer = dict(truth)
        answer[rng.choice(world.colours)] = rng.randint(1, 9)
        answer = {colour: answer[colour] for colour in world.colours if colour in answer}
    return answer, answer == truth


@pytest.mark.parametrize("number", SIZES)
def test_an_answer_in_noise_is_right_exactly_if_it_is_right(number):
    rng = Random("an answer in noise")
    for _ in range(number):
        of = rng.choice(ITEMS)
        answer, right = answer_and_right(rng, of)
        stated = framed(rng.choice(FRAMES), rng.choice(written(of, answer)))
        response = f"{spoiled(rng, musing(rng, 4), rng.randint(0, 6))}\n\n{stated}\n\nSo far.\n{prose(rng, 3)}\n"
        assert score(of, response).correct == right, response


@pytest.mark.parametrize("number", SIZES)
def test_a_false_answer_is_never_right_whatever_is_said_before_it(number):
    rng = Random("false at last")
    for _ in range(number):
        right = True
        while right:
            of = rng.choice(ITEMS)
            answer, right = answer_and_right(rng, of)
        world = WORLDS[of.world]
        true_once = framed(rng.choice(FRAMES), rng.choice(written(of, world.truth(of))))
        before = spoiled(rng, f"{musing(rng, 2)}\n{true_once}\n{musing(rng, 2)}", rng.randint(0, 8))
        response = f"{before}\n\nAnswer: {rng.choice(written(of, answer))}\n"
        assert not score(of, response).correct, response


@pytest.mark.parametrize("number", SIZES)
def test_a_spoiled_answer_is_right_only_if_it_still_says_so(number):
    rng = Random("a spoiled answer")
    for _ in range(number):
        of = rng.choice(ITEMS)
        world = WORLDS[of.world]
        stated = framed(rng.choice(FRAMES), rng.choice(written(of, world.truth(of))))
        response = spoiled(rng, f"{prose(rng, 1)}\n{stated}\n{prose(rng, 1)}", rng.randint(1, 8))
        verdict = score(of, response, rng.choice(["stop", "length"]))
        assert verdict.error in (None, *ERRORS)
        assert verdict.correct == (verdict.error is None)
        assert not verdict.correct or may_be_right(of, response), response


@pytest.mark.parametrize("number", SIZES)
def test_an_answer_that_is_taken_back_is_never_right(number):
    rng = Random("taken back")
    for _ in range(number):
        of = rng.choice(ITEMS)
        stated = framed(rng.choice(FRAMES), rng.choice(written(of, WORLDS[of.world].truth(of))))
        response = f"{prose(rng, 2)}\n{stated}\n\n{rng.choice(TAKEN_BACK)}\n{prose(rng, 2)}\n"
        assert not score(of, response).correct, response


@pytest.mark.parametrize("number", SIZES)
def test_prose_is_never_an_answer(number):
    rng = Random("prose")
    for _ in range(number):
        of = rng.choice(ITEMS)
        told = WORLDS[of.world].narrate(of) if rng.random() < 0.5 else ""
        response = "\n".join(
            (prose(rng, 2), spoiled(rng, told, rng.randint(0, 8)), "I stop here.", prose(rng, 3), "Done.")
        )
        verdict = score(of, response)
        assert verdict.parsed is None, response
        assert verdict.error in ("unparsed", "refused")
