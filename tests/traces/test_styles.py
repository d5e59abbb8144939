"""One simulation told in many styles: true ones are kept, and one false value anywhere is found, however it is told."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from idf.traces import FilterRecipe, judge_trace
from idf.worlds import WORLDS, Problem
from tests.traces.candidates import oracle
from tests.traces.styles import STYLES, simulation, told
from tests.worlds.samples import problem

CONSISTENT = FilterRecipe(level="consistent")


def lost(of: Problem[Any, Any], text: str, recipe: FilterRecipe | None = None) -> str | None:
    found = judge_trace(of, text, "stop", recipe or FilterRecipe())
    return found and found[0]


@cache
def items(world: str) -> list[Problem[Any, Any]]:
    """Two problems with at least two steps, so that one can be mistaken for another."""
    found = (problem(world, "train", index, "easy") for index in range(20))
    return [item for item in found if len(WORLDS[world].solve(item)) > 1][:2]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("world", WORLDS)
def test_a_true_trace_is_kept_in_every_style(world, style):
    for item in items(world):
        assert lost(item, told(item, style)) is None, told(item, style)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("world", WORLDS)
def test_a_false_value_is_found_in_every_style_and_at_every_step(world, style):
    for item in items(world):
        for step in range(1, len(simulation(item)[0]) + 1):
            spoilt = told(item, style, wrong=step)
            assert lost(item, spoilt) in ("lucky", "unproven"), spoilt


NOTHING_MOVES = ["Nothing moves at all.", "The state never changes.", "**Check:** everything stays the same. ✓"]


@pytest.mark.parametrize("opening", NOTHING_MOVES)
@pytest.mark.parametrize("world", WORLDS)
def test_that_nothing_moves_is_a_claim_and_false_where_something_moves(world, opening):
    for item in items(world):
        assert lost(item, f"{opening}\n{oracle(item)}") == "lucky"
        assert lost(item, f"{opening}\n{oracle(item)}", CONSISTENT) == "lucky"


def test_that_some_things_stay_is_replayed_too():
    item = next(item for item in items("cube_rolling") if WORLDS["cube_rolling"].solve(item)[0] == "right")
    lines = oracle(item).splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("1. "))
    for remark, verdict in (("front and back stay", None), ("top and bottom stay the same", "lucky")):
        said = [*lines[:at], f"{lines[at]} ({remark})", *lines[at + 1 :]]
        assert lost(item, "\n".join(said)) == verdict, remark


@pytest.mark.parametrize("where", ["Verification: the final state is {}.", "Check: at the end the state is {} ✓"])
@pytest.mark.parametrize("world", WORLDS)
def test_a_false_verification_is_found_wherever_it_stands(world, where):
    for item in items(world):
        simulator = WORLDS[world]
        states = simulator.replay(item.start, simulator.solve(item))
        *steps, answer = oracle(item).splitlines()
        for state, verdict in ((states[-1], None), (states[0], "lucky")):
            said = where.format(simulator.line(state))
            if simulator.line(states[0]) == simulator.line(states[-1]):
                continue
            assert lost(item, "\n".join([said, *steps, answer])) == verdict, said
            assert lost(item, "\n".join([*steps, said, answer])) == verdict, said


@pytest.mark.parametrize("world", WORLDS)
def test_a_step_that_is_contradicted_without_a_word_is_lucky_and_with_one_is_a_correction(world):
    """The false claim comes last in the first trace, and is taken back in the second."""
    for item in items(world):
        simulator = WORLDS[world]
        states = simulator.replay(item.start, simulator.solve(item))
        if simulator.line(states[0]) == simulator.line(states[1]):
            continue
        *steps, answer = oracle(item).splitlines()
        false, true = (f"So after step 1 the state is {simulator.line(state)}." for state in states[:2])
        assert lost(item, "\n".join([*steps, false, answer])) == "lucky"
        assert lost(item, "\n".join([*steps, false, true, answer])) == "lucky"
        back = "\n".join([*steps, false, f"Wait, that is wrong. {true}", answer])
        assert lost(item, back) is None
        assert lost(item, back, FilterRecipe(most_corrections=0)) == "corrected"


def test_rows_and_columns_may_be_counted_from_one_but_then_all_along():
    for item in items("moving_box"):
        simulator = WORLDS["moving_box"]
        states = simulator.replay(item.start, simulator.solve(item))
        cells = [[(row + 1, column + 1) for row, column in (state.player, state.box)] for state in states]
        said = [
            f"{n}. {a}: player {p}, box {b}" for n, (a, (p, b)) in enumerate(zip(simulator.solve(item), cells[1:]), 1)
        ]
        answer = oracle(item).splitlines()[-1]
        assert lost(item, "\n".join([*said, answer])) is None
        assert lost(item, "\n".join([oracle(item).rpartition("\n")[0], said[0], answer])) == "lucky"
