"""Causes by replay: each kind of fault is planted, and named with its step."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idf.scoring import CAUSES, ERRORS, Diagnosis, _process, diagnose, read_trace, score, write_answer
from idf.scoring._process import compare_read_offs, false_read_off
from idf.worlds import DIFFICULTIES, WORLDS, Problem
from tests.sentences import says
from tests.traces.candidates import oracle
from tests.worlds.samples import problem, problems

from .expecting import CUBES, PUSH, ROLL, SLIDE, SQUARES

PLANNING = [name for name, world in WORLDS.items() if world.plans]
ASKING = [name for name, world in WORLDS.items() if not world.plans]


def diagnosed(of: Problem[Any, Any], response: str, finish_reason: str = "stop") -> Diagnosis:
    return diagnose(of, response, score(of, response, finish_reason))


def false_answer(of: Problem[Any, Any]) -> str:
    """The answer line of somebody who is wrong, in a world that asks no plan."""
    world = WORLDS[of.world]
    truth = world.truth(of)
    others = {
        "colour": [colour for colour in world.colours if colour != truth],
        "count": [n for n in range(10) if n != truth],
        "colour_counts": [{"red": 13}],
    }[world.answer_kind(of)]
    return f"Answer: {write_answer(world.answer_kind(of), others[0])}"


def imagined(of: Problem[Any, Any]) -> list[str]:
    """The oracle's lines without the answer."""
    return oracle(of).splitlines()[:-1]


def with_state(of: Problem[Any, Any], number: int, line: str, shown: str) -> str:
    """A line of the oracle in which another state is claimed for a step."""
    states = WORLDS[of.world].replay(of.start, WORLDS[of.world].solve(of))
    assert WORLDS[of.world].line(states[number]) in line
    return line.replace(WORLDS[of.world].line(states[number]), shown)


@pytest.mark.parametrize("world", WORLDS)
def test_a_correct_response_has_no_cause(world):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 3):
            assert diagnosed(item, oracle(item)) == Diagnosis(None, None, "")


@pytest.mark.parametrize(
    ("response", "finish_reason"),
    [
        ("", "stop"),
        ("It rolls.", "stop"),
        ("It rolls.", "length"),
        ("Answer: red or blue", "stop"),
        ("I cannot see the image.", "stop"),
        ("Answer: red", "error"),
    ],
)
def test_what_cannot_be_read_is_a_matter_of_format(response, finish_reason):
    verdict = score(ROLL, response, finish_reason)
    assert diagnose(ROLL, response, verdict) == Diagnosis("format", None, verdict.detail)


@pytest.mark.parametrize("world", ["cube_rolling", "rubiks_cube", "mental_rotation"])
def test_a_false_start_is_perception_whatever_follows(world):
    for item in problems(world, "medium", 3):
        other = next(o for o in problems(world, "medium", 9) if o.start != item.start)
        first, *rest = imagined(item)
        wrong = first.replace(WORLDS[world].line(item.start), WORLDS[world].line(other.start))
        found = diagnosed(item, "\n".join([wrong, *rest, false_answer(item)]))
        assert (found.cause, found.wrong_step) == ("perception", 0)
        assert WORLDS[world].line(item.start) in found.detail
        assert WORLDS[world].line(other.start) in found.detail


@pytest.mark.parametrize(
    ("of", "start", "plan"),
    [(PUSH, "player (2,1) box (2,2)", "u u"), (SLIDE, "1122/1133/4500/6788/6799", "5r 5l")],
)
def test_a_false_start_of_a_plan_is_perception_even_if_the_plan_is_illegal(of, start, plan):
    found = diagnosed(of, f"Start: {start}\nAnswer: {plan}")
    assert (found.cause, found.wrong_step) == ("perception", 0)


def test_a_false_target_is_perception():
    found = diagnosed(SLIDE, "Target: 1122/1133/4500/6788/6799\nAnswer: 3d")
    assert found.cause == "perception"
    assert "target: 1122/1133" in found.detail.lower()
    assert diagnosed(PUSH, "Target: (1,1)\nAnswer: d").cause == "perception"


@pytest.mark.parametrize("world", ["cube_rolling", "rubiks_cube"])
def test_the_first_wrong_state_on_the_way_is_named(world):
    for item in problems(world, "hard", 3):
        simulator = WORLDS[world]
        states = simulator.replay(item.start, simulator.solve(item))
        lines = imagined(item)
        for number in range(2, len(states)):
            # A step that changes nothing is what one writes who does not imagine it
            before = simulator.line(states[number - 1])
            if simulator.read_line(before) == simulator.read_line(simulator.line(states[number])):
                continue
            wrong = [*lines]
            wrong[number] = with_state(item, number, lines[number], before)
            found = diagnosed(item, "\n".join([*wrong, false_answer(item)]))
            assert (found.cause, found.wrong_step) == ("transformation", number)
            assert simulator.line(states[number]) in found.detail


def test_another_roll_than_the_one_that_is_asked_is_named():
    found = diagnosed(ROLL, "1. right\n2. back\nAnswer: blue")
    assert (found.cause, found.wrong_step) == ("transformation", 2)
    says(found.detail, "step 2", "is front", "'2. back'")


def test_a_step_too_many_is_named():
    found = diagnosed(ROLL, "1. right\n2. front\n3. front\nAnswer: blue")
    assert (found.cause, found.wrong_step) == ("transformation", 3)


@pytest.mark.parametrize("world", ASKING)
def test_right_states_with_a_false_answer_say_so(world):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 3):
            found = diagnosed(item, "\n".join([*imagined(item), false_answer(item)]))
            assert (found.cause, found.wrong_step) == ("transformation", None)
            says(found.detail, "last state", "answer", "not")


@pytest.mark.parametrize("world", ASKING)
def test_where_nothing_is_spelled_out_nothing_is_claimed_to_be_known(world):
    for item in problems(world, "easy", 3):
        found = diagnosed(item, f"I roll it in my mind.\n{false_answer(item)}")
        assert (found.cause, found.wrong_step) == ("unstated", None)
        says(found.detail, "no state")


def test_right_states_that_stop_halfway_do_not_tell_either():
    item = next(item for item in problems("cube_rolling", "medium"))
    found = diagnosed(item, "\n".join([*imagined(item)[:3], false_answer(item)]))
    assert found.cause == "unstated"
    says(found.detail, "3 of", "states")


def test_a_false_line_that_is_read_off_is_named():
    lines = imagined(ROLL)
    at = next(n for n, line in enumerate(lines) if line.startswith("Look at the"))
    lines[at] = "Look at the top: top blue"
    found = diagnosed(ROLL, "\n".join([*lines, "Answer: blue"]))
    assert found.cause == "transformation"
    assert "'Look at the top: top blue'" in found.detail


def test_the_solver_is_not_read_for_a_response_that_reads_nothing_off(monkeypatch):
    for kept in (_process._solver_labels, _process._solver_readings, _process._solver_trace):
        kept.cache_clear()
    read = []
    monkeypatch.setattr("idf.scoring._process.read_trace", lambda *of: read.append(of) or read_trace(*of))
    for world in ASKING:
        item = problem(world, "eval", 77, "hard")
        for response in (false_answer(item), "\n".join([*imagined(item)[:2], "So much for that.", false_answer(item)])):
            assert diagnosed(item, response).cause
    assert not read
    lines = imagined(ROLL)
    at = next(n for n, line in enumerate(lines) if line.startswith("Look at the"))
    assert diagnosed(ROLL, "\n".join([*lines[: at - 3], lines[at], "Answer: blue"])).cause
    assert read


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_read_off_falsely_is_what_a_whole_comparison_finds(world):
    for item in problems(world, "easy"):
        lines = imagined(item)
        for at in range(len(lines)):
            label, _, value = lines[at].partition(":")
            other = [*lines[:at], f"{label}: red {value}", *lines[at + 1 :]]
            for said in ("\n".join(other), "\n".join(lines[at:]), lines[at]):
                reading = read_trace(WORLDS[world], said)
                found = compare_read_offs(item, reading)
                assert false_read_off(item, reading) == (found if found.false else None)


def test_a_step_that_is_taken_back_is_no_fault():
    lines = imagined(ROLL)
    wrong = re.sub(": .*", ": red yellow blue gray black green", lines[1])
    found = diagnosed(ROLL, "\n".join([lines[0], wrong, "Wait.", *lines[1:], "Answer: blue"]))
    says(found.detail, "last state", "answer", "not")


def test_thoughts_are_replayed_too():
    lines = imagined(ROLL)
    lines[2] = "2. front: green yellow blue gray black red"
    found = diagnosed(ROLL, "<think>\n" + "\n".join(lines) + "\n</think>\nAnswer: blue")
    assert (found.cause, found.wrong_step) == ("transformation", 2)


# --- plans -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "cause", "step", "words"),
    [
        ("u", "transformation", 1, ("move 1 (u)", "illegal")),
        ("d d d", "transformation", 3, ("move 3 (d)", "illegal")),
        ("d r r r", "transformation", 4, ("move 4 (r)", "illegal", "goal", "after 3 moves", "plan of 4")),
        ("d", "strategic", None, ("1 move", "legal", "never", "goal")),
        ("r l", "strategic", 2, ("after move 2", "at the start", "never")),
        ("r r l", "strategic", 3, ("after move 3", "after move 1", "never")),
        ("r r d", "strategic", None, ("3 moves", "legal", "never")),
        ("none", "strategic", None, ("plan of 0 moves",)),
    ],
)
def test_a_plan_is_replayed(plan, cause, step, words):
    found = diagnosed(PUSH, f"Answer: {plan}")
    assert (found.cause, found.wrong_step) == (cause, step)
    says(found.detail, *words)


def test_a_plan_that_passes_the_goal_and_goes_on_is_strategic():
    long_room = problem("moving_box", "train", 0, "medium")
    world = WORLDS["moving_box"]
    plan = world.solve(long_room)
    end = world.replay(long_room.start, plan)[-1]
    # One more push of the box, if there is room: the goal no longer holds.
    for item in problems("moving_box", "medium"):
        plan = world.solve(item)
        end = world.replay(item.start, plan)[-1]
        if plan[-1] in world.legal_actions(end):
            verdict = score(item, f"Answer: {' '.join((*plan, plan[-1]))}")
            assert (verdict.error, verdict.solved_prefix) == ("incomplete", len(plan))
            found = diagnosed(item, f"Answer: {' '.join((*plan, plan[-1]))}")
            assert (found.cause, found.wrong_step) == ("strategic", len(plan) + 1)
            return
    pytest.fail("no room in which the box can be pushed over the target")


def test_a_legal_plan_far_over_the_optimum_says_so():
    walk = ["r", "r", "r", "d", "d", "l", "l", "u"]  # never twice in one state, never at the goal
    found = diagnosed(PUSH, f"Answer: {' '.join(walk)}")
    assert found.cause == "strategic"
    assert "3 are enough" in found.detail


def test_a_false_state_before_an_illegal_move_is_the_first_fault():
    found = diagnosed(PUSH, "1. d: player (1,1) box (2,2)\nAnswer: d d d")
    assert (found.cause, found.wrong_step) == ("transformation", 1)
    assert "player (2,1) box (2,2)" in found.detail


def test_states_of_another_plan_than_the_answer_are_not_held_against_it():
    found = diagnosed(PUSH, "1. r: player (1,2) box (2,2)\nNo.\nAnswer: d")
    assert found.cause == "strategic"


def test_a_legal_plan_of_wood_slide_that_comes_back_is_a_loop():
    found = diagnosed(SLIDE, "Answer: 3d 3u")
    assert (found.cause, found.wrong_step) == ("strategic", 2)


# --- anything ----------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "Start: ",
        "1. right: ",
        "2. front: ",
        "green yellow blue gray black red",
        "\n",
        "Answer: ",
        "red",
        "blue",
        "d r r",
    ]
    + ["u", "3d", "5r", "player (1,1) box (2,2)", "Target: ", "1188/1122/4533/7600/7699", "<think>", "</think>", "2"]
)


@given(st.sampled_from([ROLL, CUBES, SQUARES, PUSH, SLIDE]), st.lists(PIECES, max_size=14).map("".join))
@settings(max_examples=150)
def test_every_response_has_a_cause_if_and_only_if_it_is_not_correct(of, response):
    verdict = score(of, response)
    found = diagnose(of, response, verdict)
    assert (found.cause is None) == verdict.correct
    assert found.cause in (None, *CAUSES)
    assert bool(found.detail) != verdict.correct
    assert (found.cause == "format") == (verdict.error in ERRORS[3:])
