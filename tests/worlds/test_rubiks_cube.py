"""Rubik's Cube against 54 stickers that are rotated in space."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, Problem
from idf.worlds.rubiks_cube import COLOURS, FACES, POSITIONS, face_colours
from tests.worlds import reference_rubiks_cube as reference
from tests.worlds.samples import problem, problems, walks

WORLD = WORLDS["rubiks_cube"]
MOVES = [face + turns for face in "UDLRFB" for turns in ("", "2", "3")]
SOLVED = "; ".join(
    f"{face}: {row} / {row} / {row}"
    for face, row in zip("UDLRFB", (" ".join([colour] * 3) for colour in COLOURS), strict=True)
)
LETTER = {name: letter for letter, name in FACES.items()}


def stickers(state: bytes) -> reference.Stickers:
    """The state in space, through its public text alone."""
    faces = {}
    for part in WORLD.write(state).split("; "):
        letter, colours = part.split(": ")
        faces[letter] = colours.replace(" / ", " ").split()
    return reference.painted(faces)


def after(state: bytes, moves) -> bytes:
    return WORLD.replay(state, moves)[-1]


SCRAMBLES = st.lists(st.sampled_from(MOVES), max_size=25)


def test_random_turns_agree_with_stickers_in_space():
    rng = random.Random(2)
    for _ in range(100):
        state = WORLD.draw(_Dice(rng), rng.choice(DIFFICULTIES))
        space = stickers(state)
        for _ in range(30):
            move = rng.choice(MOVES)
            state, space = WORLD.step(state, move), reference.turned(space, move)
            assert WORLD.write(state) == reference.text(space)


class _Dice:
    """Just enough of an `Rng` to draw a solved cube in random colours."""

    def __init__(self, rng):
        self.rng = rng

    def shuffled(self, items):
        return self.rng.sample(list(items), len(items))


@pytest.mark.parametrize("move", MOVES)
def test_every_move_takes_every_square_where_its_sticker_goes(move):
    # Colours cannot tell the nine squares of a face apart, so scramble before: all 54 squares get told apart.
    rng = random.Random(move)
    for _ in range(40):
        state = after(WORLD.read(SOLVED), rng.choices(MOVES, k=20))
        assert WORLD.write(WORLD.step(state, move)) == reference.text(reference.turned(stickers(state), move))


@given(SCRAMBLES, st.sampled_from("UDLRFB"))
def test_four_quarter_turns_are_none_and_the_numbers_count_them(scramble, face):
    state = after(WORLD.read(SOLVED), scramble)
    assert after(state, [face] * 4) == state
    assert after(state, [face, face]) == WORLD.step(state, face + "2")
    assert after(state, [face, face, face]) == WORLD.step(state, face + "3")
    assert after(state, [face, face + "3"]) == after(state, [face + "2", face + "2"]) == state
    assert len({after(state, [face] * n) for n in range(4)}) == 4


@given(SCRAMBLES)
def test_a_turn_moves_no_centre_and_keeps_nine_squares_of_each_colour(scramble):
    state = after(WORLD.read(SOLVED), scramble)
    assert [state[9 * i + 4] for i in range(6)] == [WORLD.read(SOLVED)[9 * i + 4] for i in range(6)]
    assert set(Counter(state).values()) == {9}


@pytest.mark.parametrize(
    ("sequence", "order"),
    [("R U", 105), ("R U R3 U3", 6), ("R2 U2", 6), ("R L3", 4), ("U D", 4), ("R U2 D3 B D3", 1260), ("F B", 4)],
)
def test_well_known_sequences_have_their_well_known_orders(sequence, order):
    # (R U2 D' B D') has the greatest order of all, 1260; the others are in every book on the cube.
    solved = WORLD.read(SOLVED)
    state, n = after(solved, sequence.split()), 1
    while state != solved:
        state, n = after(state, sequence.split()), n + 1
    assert n == order


def test_opposite_faces_commute_and_neighbours_do_not():
    solved = WORLD.read(SOLVED)
    for a in "UDLRFB":
        for b in "UDLRFB":
            opposite = {a, b} in ({"U", "D"}, {"L", "R"}, {"F", "B"})
            assert (after(solved, [a, b]) == after(solved, [b, a])) == (opposite or a == b)


def test_the_superflip_flips_every_edge_and_nothing_else():
    # Known since 1995 to need 20 moves; twice is once round.
    superflip = re.findall(r"[A-Z]\d?", "U R2 F B R B2 R U2 L B2 R U3 D3 R2 F R3 L B2 U2 F2")
    solved = WORLD.read(SOLVED)
    state = after(solved, superflip)
    for i in range(6):
        for position in (0, 2, 4, 6, 8):
            assert state[9 * i + position] == solved[9 * i + position]
        for position in (1, 3, 5, 7):
            assert state[9 * i + position] != solved[9 * i + position]
    assert after(state, superflip) == solved


def test_as_many_positions_are_reached_in_n_moves_as_the_literature_counts():
    # cube20.org: 1, 18, 243, 3240 positions at distance 0, 1, 2, 3 (half-turn metric).
    found, edge, counts = {WORLD.read(SOLVED)}, [WORLD.read(SOLVED)], [1]
    for _ in range(3):
        edge = list({WORLD.step(state, move) for state in edge for move in MOVES} - found)
        found.update(edge)
        counts.append(len(edge))
    assert counts == [1, 18, 243, 3240]


def test_the_up_turn_carries_the_front_row_to_the_left():
    state = WORLD.step(WORLD.read(SOLVED), "U")
    was = dict(zip("UDLRFB", COLOURS, strict=True))
    assert face_colours(state, "left")[:3] == [was["F"]] * 3
    assert face_colours(state, "front")[:3] == [was["R"]] * 3
    assert face_colours(state, "left")[3:] == [was["L"]] * 6


# --- problems and walks ----------------------------------------------------------------------------------------


def answer(space: reference.Stickers, face: str, position: str, colour: str):
    nine = reference.face(space, LETTER[face])
    return nine[POSITIONS.index(position)] if position else nine.count(colour)


def end_of(start: bytes, moves) -> reference.Stickers:
    space = stickers(start)
    for move in moves:
        space = reference.turned(space, move)
    return space


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_truth_of_every_problem_is_read_off_the_stickers(difficulty):
    for item in problems("rubiks_cube", difficulty, 200):
        query = item.query
        moves = query.moves.split()
        assert set(moves) <= set(MOVES)
        assert bool(query.position) != bool(query.colour)
        assert WORLD.answer_kind(item) == ("colour" if query.position else "count")
        assert WORLD.truth(item) == answer(end_of(item.start, moves), query.face, query.position, query.colour)
        assert WORLD.initial(item) == answer(stickers(item.start), query.face, query.position, query.colour)
        assert WORLD.size(item) == len(moves)
        assert all(len(set(face_colours(item.start, face))) == 1 for face in FACES.values()), "the cube starts solved"


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_answer_of_every_walk_is_read_off_the_stickers(difficulty):
    kinds = set()
    for way in walks("rubiks_cube", difficulty, 150):
        space = end_of(way.start, way.actions)
        if count := re.fullmatch(r"How many (\w+) squares are on the (\w+) face at the end\?", way.question):
            assert way.answer == str(answer(space, count[2], "", count[1]))
        else:
            colour = re.search(r"the ([a-z-]+) (?:square|sticker).* the (\w+) face", way.question)
            assert colour, way.question
            assert way.answer == answer(space, colour[2], colour[1], "")
        kinds.add(bool(count))
    assert kinds == {True, False}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_line_of_the_reasoning_is_read_off_the_stickers(difficulty):
    for item in problems("rubiks_cube", difficulty, 30):
        moves = item.query.moves.split()
        lines = WORLD.narrate(item).splitlines()
        assert lines[0] == "Start: " + reference.text(stickers(item.start))
        for n in range(1, len(moves) + 1):
            assert lines[n] == f"{n}. {moves[n - 1]}: " + reference.text(end_of(item.start, moves[:n]))
        assert lines[-1].endswith(f": {WORLD.truth(item)}")


def test_all_faces_squares_and_colours_are_asked():
    items = [problem("rubiks_cube", "train", i, difficulty) for difficulty in DIFFICULTIES for i in range(150)]
    assert {item.query.face for item in items} == set(FACES.values())
    assert {item.query.position for item in items} == {*POSITIONS, ""}
    assert {item.query.colour for item in items} == {*COLOURS, ""}
    assert {move for item in items for move in item.query.moves.split()} == set(MOVES)
    assert {WORLD.truth(item) for item in items} >= set(COLOURS)


# --- questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", ["long", "short"])
@pytest.mark.parametrize("described", [True, False])
def test_a_question_always_tells_the_moves_and_what_is_asked(wording, described):
    for item in problems("rubiks_cube", "hard"):
        text = WORLD.question(item, wording=wording, described=described)
        assert item.query.moves in text
        assert f"{item.query.face} face" in text
        assert (item.query.position or item.query.colour) in text


@pytest.mark.parametrize("wording", ["long", "short"])
def test_a_described_question_tells_the_colour_of_each_face(wording):
    for item in problems("rubiks_cube", "hard"):
        text = WORLD.question(item, wording=wording, described=True)
        for letter, name in FACES.items():
            assert f"{letter}: {face_colours(item.start, name)[0]}" in text


@pytest.mark.parametrize("wording", ["long", "short"])
def test_an_undescribed_question_does_not_depend_on_the_colours_of_the_faces(wording):
    for item in problems("rubiks_cube", "easy"):
        other = Problem(item.world, item.difficulty, bytes((colour + 2) % 6 for colour in item.start), item.query)
        assert WORLD.question(item, wording=wording, described=False) == WORLD.question(
            other, wording=wording, described=False
        )
        text = WORLD.question(item, wording=wording, described=False)
        assert not re.search(rf"\b[UDLRFB]: (?:{'|'.join(COLOURS)})", text)
        if item.query.position and wording == "short":
            assert not any(colour in text for colour in COLOURS)


# --- text forms ------------------------------------------------------------------------------------------------


@given(SCRAMBLES, st.permutations(range(6)))
@settings(max_examples=60)
def test_every_cube_is_read_back_from_its_text(scramble, scheme):
    state = bytes(scheme[colour] for colour in after(WORLD.read(SOLVED), scramble))
    assert WORLD.read(WORLD.write(state)) == state


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "six faces"),
        ("U: red red red / red red red / red red red", "six faces"),
        (SOLVED.replace("U:", "X:"), "'U: '"),
        (SOLVED.replace("D:", "U:"), "'D: '"),
        (SOLVED.replace("; ", ", "), "six faces"),
        (SOLVED.replace(" / ", " | "), "nine colours"),
        (SOLVED.replace("red red red", "red red", 1), "nine colours"),
        (SOLVED.replace("red red red", "red red red red", 1), "nine colours"),
        (SOLVED.replace("red", "pink", 1), "unknown colour 'pink'"),
        (SOLVED.replace("red", "green", 1), "nine times"),
        (SOLVED.replace("grey", "gray"), "unknown colour 'gray'"),
        (SOLVED + "; U: red red red / red red red / red red red", "six faces"),
    ],
)
def test_a_malformed_cube_is_refused_with_a_reason(text, why):
    with pytest.raises(ValueError, match=why):
        WORLD.read(text)
