"""What a trace claims: steps in the wordings that models use, and no steps in prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.scoring import read_trace
from idf.worlds import DIFFICULTIES, WORLDS
from tests.traces.candidates import oracle
from tests.worlds.samples import problems

ROLLS = WORLDS["cube_rolling"]
STATE = "red blue gray green black yellow"
CLAIM = ROLLS.read_line(STATE)
SOLVED = "; ".join(f"{face}: " + " / ".join(["red red red"] * 3) for face in "UDLRFB")


def claims(text: str, world: str = "cube_rolling") -> list[tuple]:
    return [(claim.number, claim.action, claim.state) for claim in read_trace(WORLDS[world], text).claims]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("world", WORLDS)
def test_all_steps_of_the_oracle_are_read_and_nothing_else(world, difficulty):
    for item in problems(world, difficulty, 8):
        actions = WORLDS[world].solve(item)
        states = WORLDS[world].replay(item.start, actions)
        assert claims(oracle(item), world) == [
            (number, action, WORLDS[world].read_line(WORLDS[world].line(state)))
            for number, (action, state) in enumerate(zip([None, *actions], states))
        ]


@pytest.mark.parametrize(
    "line",
    [
        f"3. right: {STATE}",
        f"3) right: {STATE}",
        f"(3) right: {STATE}",
        f"3: right -> {STATE}",
        f"Step 3: right -> {STATE}",
        f"**Step 3:** right → {STATE}",
        f"- Step 3 (right): {STATE}",
        f"  * 3. **Right**: {STATE}",
        f"Step 3. Roll to the right: {STATE}",
        f"Move 3 - Rolling right => {STATE}",
        f"> 3. right - {STATE}",
        f"3. right:\n{STATE}",
        f"3. right:\n\n```text\n{STATE}\n```",
        "3. right\ntop red, bottom blue, left gray,\nright green, front black, back yellow",
        f"<think>3. right: {STATE}</think>",
    ],
)
def test_a_step_is_read_in_many_wordings(line):
    assert claims(f"I look at the cube.\n\n{line}\n\nThen it goes on.") == [(3, "right", CLAIM)]


@pytest.mark.parametrize("line", ["- right: {}", "right: {}", "* Right -> {}", "Roll right: {}"])
def test_a_step_without_a_number_counts_on(line):
    assert claims(f"2. left: {STATE}\n{line.format(STATE)}") == [(2, "left", CLAIM), (3, "right", CLAIM)]
    assert claims(line.format(STATE)) == [(1, "right", CLAIM)]


@pytest.mark.parametrize(
    "line",
    [
        "Start: {}",
        "**Start:** {}",
        "Initial state: {}",
        "The starting position: {}",
        "Step 0: {}",
        "0. Start: {}",
        "Start:\n{}",
    ],
)
def test_the_start_is_step_zero(line):
    assert claims(line.format(STATE)) == [(0, None, CLAIM)]


def test_a_step_without_a_state_and_one_without_an_action_are_steps():
    assert claims("3. right") == [(3, "right", None)]
    assert claims("3. right\n4. left") == [(3, "right", None), (4, "left", None)]
    assert claims(f"3. {STATE}") == [(3, None, CLAIM)]


def test_an_action_that_no_world_knows_is_a_step_if_a_state_follows():
    assert claims(f"3. north: {STATE}") == [(3, "north", CLAIM)]


@pytest.mark.parametrize(
    "prose",
    [
        "1. First, I look at the cube: it is red.",
        "2. The path: right, then left.",
        "right: red",
        "Look at the left: left red",
        "End: top red, bottom blue, left gray, right green, front black, back yellow",
        "Start: as in the picture",
        "3. Left: gray",
        "3. right: the same as before",
        f"So the colours are {STATE}.",
        "3.5 rolls",
        "",
    ],
)
def test_prose_is_no_step(prose):
    assert claims(prose) == []


def test_a_rubik_face_is_told_from_a_turn():
    rubik = WORLDS["rubiks_cube"].read_line(SOLVED)
    assert claims(f"1. U: {SOLVED}", "rubiks_cube") == [(1, "U", rubik)]
    assert claims(f"1. {SOLVED}", "rubiks_cube") == [(1, None, rubik)]
    below = "\n".join(SOLVED.split("; "))
    assert claims(f"1. U2:\n{below}\n2. R3\n{below}", "rubiks_cube") == [(1, "U2", rubik), (2, "R3", rubik)]


def test_moves_may_be_spelled_out_and_boards_drawn():
    box = WORLDS["moving_box"].read_line("player (1,2) box (2,2)")
    assert claims("1. Push down: player at (1, 2), box at (2, 2)", "moving_box") == [(1, "d", box)]
    board = "3322\n7588\n0411\n7011\n6990"
    assert claims(f"1. 3d:\n{board}", "wood_slide") == [(1, "3d", board.replace("\n", ""))]
    spaced = " ".join(board.replace("\n", "\n"))
    assert claims(f"1. 3d:\n```\n{spaced}\n```", "wood_slide") == [(1, "3d", board.replace("\n", ""))]


def test_lines_know_the_claim_they_belong_to():
    reading = read_trace(ROLLS, f"Well.\n1. right:\n{STATE}\n\nThat is all.")
    assert reading.beside() == ["Well.", "", "That is all."]
    assert reading.after_the_last() == ["", "That is all."]


@given(world=st.sampled_from(list(WORLDS)), text=st.text("123.:->) stepright\nud3/(),", max_size=200))
def test_no_text_breaks_it(world, text):
    reading = read_trace(WORLDS[world], text)
    assert len(reading.claim_of) == len(reading.lines)


def test_a_text_is_read_once_unless_it_is_long():
    text, long = f"1. right: {STATE}", "word " * 1000
    assert read_trace(ROLLS, text) is read_trace(ROLLS, text)
    assert read_trace(ROLLS, text) == read_trace(ROLLS, f"{text} "[:-1])
    assert read_trace(ROLLS, text, first=1) is not read_trace(ROLLS, text)
    assert read_trace(WORLDS["rubiks_cube"], text) is not read_trace(ROLLS, text)
    assert read_trace(ROLLS, long) is not read_trace(ROLLS, long), "long readings are not kept"
