"""What a response earns: each rule, and that a worse trace never earns more."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import idf
from idf.scoring import RewardRule, reward, start_answers
from idf.worlds import DIFFICULTIES, PARTS, WORLDS, Draw, Problem
from tests.sentences import refused

STEPPED = ("cube_rolling", "rubiks_cube", "moving_box", "wood_slide")
DESCRIBED = ("cube_rolling", "rubiks_cube")
PLANNED = ("moving_box", "wood_slide")


@lru_cache(maxsize=512)
def problem_of(world: str, index: int = 0, difficulty: str = "easy") -> Problem[Any, Any]:
    return Draw(3, "eval", index, difficulty).problem(WORLDS[world]).scene


def problem_with(world: str, holds: Callable[[Problem[Any, Any]], bool]) -> Problem[Any, Any]:
    """The first problem of a world of which something holds."""
    return next(p for d in ("medium", "easy", "hard") for i in range(60) if holds(p := problem_of(world, i, d)))


def solution_of(problem: Problem[Any, Any]) -> tuple[str, ...]:
    return WORLDS[problem.world].solve(problem)


def steps_of(problem: Problem[Any, Any], actions: tuple[str, ...]) -> list[str]:
    """The lines of a walk, its start first; each move is legal."""
    return WORLDS[problem.world].unroll(problem.start, actions).splitlines()


def answer_line(problem: Problem[Any, Any], answer: Any) -> str:
    return f"Answer: {WORLDS[problem.world].answer(problem).write(answer)}"


def false_answer(problem: Problem[Any, Any], rng: Random) -> Any:
    """An answer of the asked kind that is wrong, in a described world."""
    truth = WORLDS[problem.world].truth(problem)
    if isinstance(truth, int):
        return rng.choice([n for n in range(10) if n != truth])
    return rng.choice([colour for colour in WORLDS[problem.world].colours if colour != truth])


class NoneStraysError(Exception):
    """A room so narrow that every plan of about that length touches the goal."""


def strayed(problem: Problem[Any, Any], rng: Random, keep: int) -> tuple[str, ...]:
    """A legal plan as long as a shortest one, or a little longer, that never touches the goal.

    It begins with moves of the solution: `keep` of them, or fewer where every other move is blocked.
    """
    world, solution = WORLDS[problem.world], solution_of(problem)
    for turn in range(1000):
        actions = list(solution[: max(0, keep - turn // 20)])
        state = world.replay(problem.start, actions)[-1]
        while len(actions) < len(solution) + turn // 400:
            actions.append(rng.choice(world.legal_actions(state)))
            state = world.step(state, actions[-1])
        if not world.judge(problem, tuple(actions)).touched:
            return tuple(actions)
    raise NoneStraysError


def told(problem: Problem[Any, Any], rng: Random, keep: int | None = None) -> list[str]:
    """A trace with a false answer whose every state is right, line by line."""
    if WORLDS[problem.world].plans:
        plan = strayed(problem, rng, len(solution_of(problem)) - 1 if keep is None else keep)
        return [*steps_of(problem, plan), answer_line(problem, plan)]
    return [*steps_of(problem, solution_of(problem)), answer_line(problem, false_answer(problem, rng))]


def falsified(problem: Problem[Any, Any], line: str, rng: Random) -> str:
    """A line that claims another whole state: that of another problem of the world, or a swapped one."""
    head = line.partition(":")[0]
    world = WORLDS[problem.world]
    right = line.partition(": ")[2]
    while True:
        other = problem_of(problem.world, rng.randrange(40), rng.choice(DIFFICULTIES))
        state = rng.choice(world.replay(other.start, solution_of(other)))
        if world.read_line(world.line(state)) != world.read_line(right):
            return f"{head}: {world.line(state)}"


def earned(problem: Problem[Any, Any], lines: list[str] | str, **more: Any) -> float:
    text = lines if isinstance(lines, str) else "\n".join(lines)
    return reward(problem, text, **({"tokens": 100} | more)).total


def leading(problem: Problem[Any, Any], lines: list[str]) -> int:
    """The steps that earn something."""
    return reward(problem, "\n".join(lines), tokens=100).steps_right


def undone(world: Any, state: Any, action: str) -> str | None:
    """The action that undoes another one; None if there is none."""
    after = world.step(state, action)
    return next((back for back in world.legal_actions(after) if world.step(after, back) == state), None)


def off_the_start(problem: Problem[Any, Any]) -> bool:
    """No state on the way is the start again, so that every step counts, and there are three at least."""
    states = WORLDS[problem.world].replay(problem.start, solution_of(problem))
    world = WORLDS[problem.world]
    return len(states) > 3 and world.line(states[0]) not in map(world.line, states[1:])


# --- the answer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [*WORLDS, *PARTS])
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_right_answer_earns_one_with_or_without_a_trace(world, difficulty):
    for index in range(4 if world in WORLDS else 2):
        problem = problem_of(world, index, difficulty)
        answer = answer_line(problem, WORLDS[world].truth(problem))
        for text in (answer, f"{WORLDS[world].narrate(problem)}\n{answer}"):
            got = reward(problem, text, tokens=5000)
            assert (got.total, got.right, got.steps, got.price) == (1, 1, 0, 0)
            assert got.verdict.correct


def test_the_price_grows_with_the_tokens_up_to_max_tokens_and_false_answers_pay_none():
    problem, rule = problem_of("cube_rolling"), RewardRule(price=0.4, max_tokens=200)
    rule.check()
    right = idf.Problem(problem).solution
    for tokens, price in ((0, 0), (50, 0.1), (200, 0.4), (9000, 0.4)):
        got = reward(problem, right, tokens=tokens, rule=rule)
        assert (got.total, got.price) == pytest.approx((1 - price, price))
    false = "\n".join(told(problem, Random(0)))
    free = reward(problem, false, tokens=7)
    assert free.total > 0
    assert reward(problem, false, tokens=900, rule=rule) == free


@pytest.mark.parametrize("world", STEPPED)
@pytest.mark.parametrize("reason", ["length", "error", "content_filter"])
def test_what_was_cut_off_or_withheld_earns_nothing_whatever_it_says(world, reason):
    problem = problem_with(world, off_the_start)
    for text in (f"{WORLDS[world].narrate(problem)}\n{idf.Problem(problem).solution}", *told(problem, Random(0))):
        got = reward(problem, text, tokens=10, finish_reason=reason)
        assert (got.total, got.right, got.steps, got.price) == (0, 0, 0, 0)
    for fine in ("stop", None):
        assert earned(problem, idf.Problem(problem).solution, finish_reason=fine) == 1


@pytest.mark.parametrize("world", PARTS)
def test_a_right_abstention_is_right_and_a_wrong_one_earns_nothing(world):
    found = set()
    for index in range(15):
        problem = problem_of(world, index)
        right = WORLDS[world].truth(problem) == "cannot be determined"
        assert earned(problem, f"{WORLDS[world].narrate(problem)}\nAnswer: cannot be determined") == float(right)
        found.add(right)
    assert found == {True, False}


def test_a_negative_number_of_tokens_is_refused():
    with refused("tokens", "-1", by=ValueError):
        reward(problem_of("cube_rolling"), "", tokens=-1)


# --- the rule ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"step_credit": 0.5}, ("step_credit", "below 0.5", "not 0.5")),
        ({"step_credit": 0.3, "price": 0.4}, ("step_credit", "below 0.3", "price of 0.4", "not 0.3")),
        ({"step_credit": -0.1}, ("step_credit", "at least zero", "-0.1")),
        ({"price": 1.0}, ("price", "below 1", "not 1.0")),
        ({"price": -0.5}, ("price", "at least zero", "-0.5")),
        ({"price": float("nan")}, ("price", "nan")),
        ({"max_tokens": 0}, ("max_tokens", "at least 1", "not 0")),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule, said):
    with refused(*said):
        RewardRule(**rule).check()


@given(st.floats(0, 1), st.floats(0, 0.999), st.integers(1, 5000), st.integers(0, 9000))
def test_under_every_rule_that_is_taken_a_false_answer_earns_less_than_half_of_any_right_one(
    credit, price, most, tokens
):
    try:
        rule = RewardRule(credit, price, most)
    except idf.errors.UserError:
        assert credit >= (1 - price) / 2
        return
    problem = problem_with("cube_rolling", off_the_start)
    right = reward(problem, idf.Problem(problem).solution, tokens=tokens, rule=rule)
    false = reward(problem, "\n".join(told(problem, Random(0))), tokens=0, rule=rule)
    assert false.total == pytest.approx(credit)
    assert false.total < right.total / 2


# --- steps of a false answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", DESCRIBED)
def test_steps_count_up_to_the_first_false_one(world):
    problem, rng = problem_with(world, off_the_start), Random(1)
    steps = len(solution_of(problem))
    lines = told(problem, rng)
    assert earned(problem, lines) == pytest.approx(0.2)
    for number in range(1, steps + 1):
        spoiled = [*lines]
        spoiled[number] = falsified(problem, lines[number], rng)
        got = reward(problem, "\n".join(spoiled), tokens=10)
        assert (got.steps_right, got.steps_asked) == (number - 1, steps)
        assert got.total == got.steps == pytest.approx(0.2 * (number - 1) / steps)


@pytest.mark.parametrize("world", PLANNED)
def test_moves_count_as_far_as_each_leads_nearer_to_the_goal(world):
    problem, rng = problem_with(world, lambda p: len(solution_of(p)) >= 5), Random(1)
    steps, counted = len(solution_of(problem)), list[int]()
    for keep in range(steps):
        plan = strayed(problem, rng, keep)
        states = WORLDS[world].replay(problem.start, plan)
        near = 0
        while near < steps and distance(problem, states[near + 1]) == steps - near - 1:
            near += 1
        got = reward(problem, "\n".join([*steps_of(problem, plan), answer_line(problem, plan)]), tokens=10)
        assert (got.steps_right, got.steps_asked) == (near, steps)
        counted.append(got.steps_right)
        assert got.total == pytest.approx(0.2 * near / steps)
    assert len(set(counted)) > 2


def distance(problem: Problem[Any, Any], state: Any) -> int | None:
    """Moves to the goal, found ring by ring and without the solver; None if it is far or cannot be reached."""
    world, seen, ring = WORLDS[problem.world], {state}, [state]
    for moves in range(len(solution_of(problem)) + 1):
        if any(world.is_goal(problem, here) for here in ring):  # type: ignore[attr-defined]
            return moves
        ring = list(
            {there for here in ring for a in world.legal_actions(here) if (there := world.step(here, a)) not in seen}
        )
        seen.update(ring)
    return None


def test_another_shortest_way_counts_as_much_as_that_of_the_solver():
    counted = 0
    for index in range(60):
        problem, rng = problem_of("moving_box", index, "medium"), Random(index)
        world, solution = WORLDS["moving_box"], solution_of(problem)
        for action in world.legal_actions(problem.start):
            there = world.step(problem.start, action)
            if action == solution[0] or distance(problem, there) != len(solution) - 1:
                continue
            back = {"u": "d", "d": "u", "l": "r", "r": "l"}[action]
            if back not in world.legal_actions(there):
                continue
            plan = (action, *(back, action) * len(solution))[: len(solution)]
            if world.judge(problem, plan).error != "incomplete" or world.judge(problem, plan).touched:
                continue
            got = reward(problem, "\n".join([*steps_of(problem, plan), answer_line(problem, plan)]), tokens=0)
            assert got.steps_right == 1, rng
            counted += 1
    assert counted >= 2


@pytest.mark.parametrize("world", STEPPED)
def test_a_step_without_a_whole_state_is_left_out_and_nothing_behind_it_counts(world):
    problem, rng = problem_with(world, off_the_start), Random(2)
    lines = told(problem, rng)
    before = leading(problem, lines)
    assert before > 0
    for number in range(1, len(lines) - 1):
        head = lines[number].partition(":")[0]
        for instead in ([], [head], [f"{head}: ..."], [lines[number][: -len(lines[number]) // 2]]):
            assert leading(problem, [*lines[:number], *instead, *lines[number + 1 :]]) == min(before, number - 1)


@pytest.mark.parametrize("world", STEPPED)
def test_a_step_counts_by_its_number(world):
    problem = problem_with(world, off_the_start)
    lines = told(problem, Random(3))
    for one in range(1, len(lines) - 2):
        swapped = [*lines]
        swapped[one : one + 2] = reversed(lines[one : one + 2])
        assert leading(problem, swapped) == leading(problem, lines)


@pytest.mark.parametrize("world", STEPPED)
def test_a_step_that_is_stated_twice_differently_is_not_right_and_the_same_again_is_no_harm(world):
    problem, rng = problem_with(world, off_the_start), Random(4)
    lines = told(problem, rng)
    before = leading(problem, lines)
    for number in range(len(lines) - 1):
        other = falsified(problem, lines[number], rng)
        for hedged in ([*lines[:number], other, *lines[number:]], [*lines[: number + 1], other, *lines[number + 1 :]]):
            assert leading(problem, hedged) == min(before, max(0, number - 1))
        same = [*lines[: number + 1], lines[number], *lines[number + 1 :]]
        assert earned(problem, same) == earned(problem, lines) > 0


@pytest.mark.parametrize("world", STEPPED)
def test_a_false_start_earns_nothing_and_none_is_no_harm(world):
    problem, rng = problem_with(world, off_the_start), Random(5)
    lines = told(problem, rng)
    assert earned(problem, lines[1:]) == earned(problem, lines) > 0
    assert earned(problem, [falsified(problem, lines[0], rng), *lines[1:]]) == 0


@pytest.mark.parametrize("world", STEPPED)
@pytest.mark.parametrize("last", ["", "Answer: I do not know", "Answer: red or blue", "Answer: a plan of 7 cubes"])
def test_without_an_answer_that_is_read_and_of_the_asked_kind_steps_earn_nothing(world, last):
    problem = problem_with(world, off_the_start)
    lines = told(problem, Random(6))
    got = reward(problem, "\n".join([*lines[:-1], last]), tokens=10)
    assert got.verdict.error in ("unparsed", "refused")
    assert got.total == 0


def test_a_state_that_is_the_start_again_counts_as_any_other():
    problem = problem_with("cube_rolling", lambda p: len(solution_of(p)) > 3 and not off_the_start(p))
    lines = told(problem, Random(7))
    assert leading(problem, lines) == len(solution_of(problem))
    copied = [lines[0], *(f"{line.partition(':')[0]}:{lines[0].partition(':')[2]}" for line in lines[1:-1]), lines[-1]]
    assert leading(problem, copied) == 0


@pytest.mark.parametrize("world", PLANNED)
def test_a_plan_that_passes_the_goal_earns_nothing_and_told_moves_count_whatever_is_answered(world):
    problem = problem_with(world, lambda p: len(solution_of(p)) >= 3)
    simulator, solution = WORLDS[world], solution_of(problem)
    states = simulator.replay(problem.start, solution)
    on = next(a for a in simulator.legal_actions(states[-1]) if simulator.step(states[-1], a) != states[-2])
    illegal = next(a for a in simulator.actions if a not in simulator.legal_actions(states[-1]))
    for move in (on, illegal):
        plan = (*solution, move)
        lines = steps_of(problem, plan if move == on else solution)
        if move == illegal:
            lines.append(f"{len(plan)}. {move}: {simulator.line(states[-1])}")
        got = reward(problem, "\n".join([*lines, answer_line(problem, plan)]), tokens=10)
        if got.verdict.correct:  # the box was left on its target
            continue
        assert got.verdict.solved_prefix == len(solution)
        assert got.total == 0
    astray = strayed(problem, Random(8), 1)
    shared = next(n for n, (one, other) in enumerate(zip(solution, astray, strict=False)) if one != other)
    assert leading(problem, [*steps_of(problem, solution), answer_line(problem, astray)]) == len(solution)
    assert leading(problem, [*steps_of(problem, astray), answer_line(problem, astray)]) >= shared


@pytest.mark.parametrize("world", PLANNED)
def test_the_first_moves_of_a_plan_earn_their_share(world):
    problem = problem_with(world, lambda p: len(solution_of(p)) >= 3)
    for moves in range(1, len(solution_of(problem))):
        plan = solution_of(problem)[:moves]
        assert leading(problem, [*steps_of(problem, plan), answer_line(problem, plan)]) == moves


@pytest.mark.parametrize("world", PLANNED)
def test_a_plan_of_many_times_the_moves_that_are_needed_earns_nothing(world):
    problem = problem_with(world, lambda p: len(solution_of(p)) >= 2)
    simulator, solution = WORLDS[world], solution_of(problem)
    there = next(a for a in simulator.legal_actions(problem.start) if undone(simulator, problem.start, a) is not None)
    pair = (there, undone(simulator, problem.start, there))
    for times in range(0, 2 * len(solution)):
        plan = (*pair * times, *solution)
        got = reward(problem, answer_line(problem, plan), tokens=10)
        assert got.verdict.correct
        assert got.total == float(len(plan) <= 2 * len(solution))


@pytest.mark.parametrize("world", ["mental_rotation", *PARTS])
def test_worlds_without_steps_pay_none(world):
    for index in range(7):
        problem = problem_of(world, index)
        other = WORLDS[world].truth(problem_of(world, index + 7))
        got = reward(problem, f"{WORLDS[world].narrate(problem)}\n{answer_line(problem, other)}", tokens=10)
        assert got.total == float(got.verdict.correct)
        assert (got.steps_right, got.steps_asked) == (0, 0)


# --- the start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [*WORLDS, *PARTS])
def test_the_start_answers_where_who_reads_it_off_is_right(world):
    found = set()
    for difficulty in DIFFICULTIES if world in WORLDS else ("easy",):
        for index in range(15):
            problem = problem_of(world, index, difficulty)
            read_off = answer_line(problem, WORLDS[world].initial(problem)) if world not in PLANNED else "Answer: []"
            assert start_answers(problem) == (earned(problem, read_off) == 1)
            found.add(start_answers(problem))
    assert found == ({False} if world in PLANNED else {True, False})


# --- a worse trace never earns more ---------------------------------------------------------------------------------


@pytest.mark.parametrize("world", STEPPED)
@given(seed=st.integers(0, 10**9))
def test_a_worse_trace_never_earns_more(world, seed):
    rng = Random(seed)
    problem = problem_of(world, rng.randrange(40), rng.choice(DIFFICULTIES))
    try:
        base = idf.Problem(problem).solution.splitlines() if rng.random() < 0.3 else told(problem, rng)
    except NoneStraysError:
        assume(False)
    untouched = [at for at, line in enumerate(base) if re.match(r"\d+\. ", line)]
    lines: list[str | None] = [*base]
    before = earned(problem, base)
    edits = rng.randint(1, 4)
    for edit in range(edits):
        lines = worse(problem, lines, untouched, rng)
        text = "\n".join(line for line in lines if line is not None)
        if edit == edits - 1 and rng.random() < 0.4:
            text = text[: rng.randrange(len(text) + 1)]
        got = reward(problem, text, tokens=10)
        assert got.total <= before + 1e-12, text
        before = got.total
        priced = reward(problem, text, tokens=10, rule=RewardRule(price=0.5, max_tokens=20))
        assert priced.total == pytest.approx(got.total - 0.25 * got.right), "a price touches right answers alone"


def worse(problem: Problem[Any, Any], lines: list[str | None], untouched: list[int], rng: Random) -> list[str | None]:
    """The lines after one more thing went wrong, each time with lines that nothing was done to; places stay places."""
    lines = [*lines]
    edit = rng.choice(["drop", "swap", "falsify", "answer", "repeat", "append"])
    if edit == "answer":
        at = next(n for n, line in enumerate(lines) if line and line.startswith("Answer:"))
        if WORLDS[problem.world].plans:
            lines[at] = answer_line(problem, strayed(problem, rng, 0))
        else:
            lines[at] = answer_line(problem, false_answer(problem, rng))
        return lines
    if edit == "append":
        # behind the answer, so that it cannot mend a place
        return [
            *lines,
            rng.choice(["", "That is all.", f"{rng.randrange(50, 60)}. nothing", "Start: as in the picture"]),
        ]
    if len(untouched) < 2:
        return lines
    one, other = rng.sample(untouched, 2)
    untouched.remove(one)
    mine, its = lines[one], lines[other]
    assert mine is not None
    assert its is not None
    if edit == "drop":
        lines[one] = None
    elif edit == "falsify":
        lines[one] = falsified(problem, mine, rng)
    elif edit == "repeat":
        lines[one] = f"{mine}\n{mine}"
    else:
        lines[one], lines[other] = its, mine
        untouched.remove(other)
    return lines
