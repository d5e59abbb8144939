"""Who does not imagine earns no more than chance: cheats of an adversary, in worlds shown whole and in part.

Two promises. On average over held-out problems whose start does not answer them, no player earns more than a guess and its
margin (`seats.chance` says how both are computed). And problem by problem, whatever a player that looks at nothing puts
around its answer adds nothing to what the answer alone earns.
"""

from __future__ import annotations

import pytest

from idf.worlds import PARTS, WORLDS

from .hedges import HEDGES, Player
from .players import (
    COPYING,
    UNDO,
    Seat,
    cases,
    passed_then_illegal,
    passed_then_on,
    said,
    spray,
    thousand_moves,
    to_and_fro,
    wander,
)
from .seats import ALL, DESCRIBED, PLANNING, SLACK, chance, earned, fresh, seats

IDLE: dict[str, Player] = {player.__name__: player for player in COPYING} | HEDGES


def mean_of(world: str, name: str, player: Player) -> float:
    """What a player earns on average; problems that it cannot play count as nothing."""
    found = 0.0
    for seat in seats(world):
        if (said_now := player(fresh(seat, name))) is not None:
            found += earned(seat, said_now.text, said_now.finish).total
    return found / len(seats(world))


def told(seat: Seat, text: str) -> str:
    return f"{seat.problem.world} {seat.problem.difficulty} {seat.problem.query}\n{text[:2000]}"


@pytest.mark.parametrize("world", WORLDS)
def test_there_are_enough_problems_of_every_difficulty_and_the_solver_earns_all(world):
    assert 60 <= len(seats(world)) <= 150
    assert {seat.problem.difficulty for seat in seats(world)} == {"easy", "medium", "hard"}
    for seat in seats(world):
        assert earned(seat, f"{seat.world.narrate(seat.problem)}\nAnswer: {seat.truth}").total >= 1


@pytest.mark.parametrize("world", ALL)
def test_the_start_never_answers_what_is_asked(world):
    for seat in seats(world):
        assert not seat.world.judge(seat.problem, seat.world.initial(seat.problem)).correct


@pytest.mark.parametrize("name", IDLE)
@pytest.mark.parametrize("world", ALL)
def test_who_looks_at_nothing_earns_what_the_answer_alone_earns_and_no_more_than_chance(world, name):
    found = 0.0
    for seat in seats(world):
        said_now = IDLE[name](fresh(seat, name))
        assert said_now is not None
        total = earned(seat, said_now.text, said_now.finish).total
        alone = 0.0 if said_now.bare is None else earned(seat, said_now.bare).total
        assert total <= alone + SLACK, told(seat, said_now.text)
        found += total
    guessed, margin = chance(world)
    if not (name in HEDGES and world in PLANNING):  # six plans may be one, with the right one planted in it
        assert found / len(seats(world)) <= guessed + margin


@pytest.mark.parametrize("world", ALL)
def test_all_states_that_there_may_be_earn_no_more_than_chance(world):
    guessed, margin = chance(world)
    assert mean_of(world, "spray", spray) <= guessed + margin


@pytest.mark.parametrize("world", PARTS)
def test_all_cases_with_one_guess_earn_no_more_than_chance(world):
    guessed, margin = chance(world)
    assert mean_of(world, "cases", cases) <= guessed + margin


@pytest.mark.parametrize("player", [thousand_moves, passed_then_illegal, passed_then_on])
@pytest.mark.parametrize("world", PLANNING)
def test_moves_that_do_not_end_at_the_goal_earn_no_more_than_chance(world, player):
    guessed, margin = chance(world)
    assert mean_of(world, player.__name__, player) <= guessed + margin


@pytest.mark.parametrize("player", [wander, to_and_fro])
@pytest.mark.parametrize("world", PLANNING)
def test_true_states_of_aimless_moves_earn_no_more_than_chance_or_than_their_plan_alone(world, player):
    """Forty moves at random end at the goal of a small room more often than a shortest plan's number of them."""
    guessed, margin = chance(world)
    plans = [player(fresh(seat, player.__name__)).bare for seat in seats(world)]
    alone = sum(earned(seat, plan).total for seat, plan in zip(seats(world), plans) if plan) / len(plans)
    assert mean_of(world, player.__name__, player) <= max(guessed, alone) + margin


@pytest.mark.parametrize("world", PLANNING)
def test_to_and_fro_for_longer_earns_no_more(world):
    for seat in seats(world):
        short, long = (to_and_fro(fresh(seat, "fro"), times=n) for n in (1, 12))
        assert earned(seat, long.text).total <= earned(seat, short.text).total + SLACK, told(seat, long.text)


@pytest.mark.parametrize("world", PLANNING)
def test_the_first_right_move_again_and_again_earns_no_more_than_once(world):
    for seat in seats(world):
        first = seat.world.solve(seat.problem)[0]
        once = said(seat, seat.told([first]), [first])
        back = first[:-1] + UNDO[first[-1]]
        there = seat.world.step(seat.problem.start, first)
        if back not in seat.world.legal_actions(there) or seat.world.step(there, back) != seat.problem.start:
            continue  # a push: `to_and_fro` would walk on, and moves drawn at random may be right ones
        again = to_and_fro(fresh(seat, "again"), first, 10)
        assert earned(seat, again.text).total <= earned(seat, once.text).total + SLACK, told(seat, again.text)


@pytest.mark.parametrize("world", WORLDS)
def test_copies_behind_a_right_first_step_add_nothing(world):
    for seat in seats(world):
        actions = list(seat.world.solve(seat.problem))
        if len(actions) < 2:
            continue
        (first,) = seat.told(actions[:1])
        moves = None if world in DESCRIBED else actions[:-1]
        again = [first, *((i, a, first[2]) for i, a in enumerate(actions[1:], 2))]
        start = [first, *((i, a, seat.start) for i, a in enumerate(actions[1:], 2))]
        often = [first] * len(actions)
        alone = earned(seat, said(fresh(seat, "one"), [first], moves).text)
        second = seat.told(actions[:2])[1][2]
        for copied in (again, start, often):
            if copied[1] == (2, actions[1], second):  # F3 F: the start is the true state after two steps
                continue
            text = said(fresh(seat, "one"), copied, moves).text
            assert earned(seat, text).total <= alone.total + SLACK, told(seat, text)
        if not alone.right:
            assert alone.total <= 0.2 / len(actions) + SLACK, told(seat, said(fresh(seat, "one"), [first], moves).text)


def shown(seat: Seat, state: object) -> object:
    """The answer of somebody who looks at one state and simulates nothing."""
    problem = seat.problem
    return seat.world.initial(type(problem)(problem.world, problem.difficulty, state, problem.query))


def easy_steps(seat: Seat) -> list[tuple[int, str, str]]:
    """The steps, true and whole, in which the asked thing does not change."""
    actions = list(seat.world.solve(seat.problem))
    states = seat.world.replay(seat.problem.start, actions)
    steps = seat.told(actions)
    return [step for step, old, new in zip(steps, states, states[1:]) if shown(seat, old) == shown(seat, new)]


def skipping(seat: Seat) -> str:
    """Only easy steps, under their own numbers; the start is the answer."""
    return "\n".join([*(f"{n}. {a}: {s}" for n, a, s in easy_steps(seat)), f"Answer: {seat.initial}"])


def renumbered(seat: Seat) -> str:
    """Only easy steps, numbered as if there were no others."""
    lines = [f"{i}. {a}: {s}" for i, (_, a, s) in enumerate(easy_steps(seat), 1)]
    return "\n".join([*lines, f"Answer: {seat.initial}"])


def left_open(seat: Seat) -> str:
    """Easy steps with their state, hard ones with none."""
    kept = {n: s for n, _, s in easy_steps(seat)}
    lines = [f"{i}. {a}: {kept.get(i, '(as before)')}" for i, a in enumerate(seat.world.solve(seat.problem), 1)]
    return "\n".join([*lines, f"Answer: {seat.initial}"])


@pytest.mark.parametrize("player", [skipping, renumbered, left_open])
@pytest.mark.parametrize("world", DESCRIBED)
def test_easy_steps_alone_earn_no_more_than_chance_and_none_behind_a_hard_one(world, player):
    guessed, margin = chance(world)
    found = 0.0
    for seat in seats(world):
        text = player(seat)
        got = earned(seat, text)
        before = 0
        for number, *_ in easy_steps(seat):
            before += number == before + 1
        assert got.total <= 0.2 * before / max(1, len(seat.world.solve(seat.problem))) + SLACK, told(seat, text)
        found += got.total
    assert found / len(seats(world)) <= guessed + margin


ASIDE = {"cube_rolling": "{face} {value}", "rubiks_cube": "{face}: {value}", "mental_rotation": "{face}: {value}"}


@pytest.mark.parametrize("world", DESCRIBED)
def test_the_asked_thing_as_the_start_shows_it_is_no_step(world):
    for seat in seats(world):
        face = seat.problem.query.view if world == "mental_rotation" else seat.problem.query.face
        aside = ASIDE[world].format(face=face, value=seat.initial)
        for form in ("{n}. {a}: {x}", "Step {n}: {a} -> {x}", "After step {n} ({a}): {x}."):
            steps = [form.format(n=i, a=a, x=aside) for i, a in enumerate(seat.world.solve(seat.problem), 1)]
            text = "\n".join([*steps, f"Answer: {seat.initial}"])
            assert earned(seat, text).total == 0, told(seat, text)


@pytest.mark.parametrize("world", PARTS)
def test_a_right_abstention_is_a_right_answer_and_a_false_one_nothing(world):
    truths = {seat.truth == "cannot be determined" for seat in seats(world)}
    assert truths == {True, False}
    for seat in seats(world):
        tokens_alike = earned(seat, f"Answer: {seat.truth}").total
        assert tokens_alike == 1
        for text in (
            "Answer: cannot be determined",
            "Answer: not enough information",
            "The answer cannot be determined.",
        ):
            got = earned(seat, text)
            assert (got.total, bool(got.right)) == (
                (1, True) if seat.truth == "cannot be determined" else (0, False)
            ), text


@pytest.mark.parametrize("world", PARTS)
def test_an_abstention_with_an_answer_all_the_same_is_none(world):
    for seat in seats(world):
        other = next(answer for answer in seat.some(4) if answer != "cannot be determined")
        for text in (
            f"Answer: cannot be determined, but probably {other}",
            f"Answer: {other}, or it cannot be determined",
            f"Answer: cannot be determined or {other}",
            f"Answer: {other} if it can be determined, else cannot be determined",
        ):
            assert earned(seat, text).total == 0, told(seat, text)


@pytest.mark.parametrize("world", WORLDS)
def test_nobody_abstains_where_all_is_shown(world):
    for seat in seats(world)[::5]:
        assert earned(seat, "Answer: cannot be determined").total == 0
