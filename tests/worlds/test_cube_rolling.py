"""Cube Rolling against a rigid body that tips over its edges."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, IllegalAction, Problem
from idf.worlds.cube_rolling import COLOURS, FACES, Cube, Query
from tests.sentences import refused
from tests.worlds.reference_cube_rolling import BOARD, ROLLS, RigidCube, allowed, next_cell
from tests.worlds.samples import problem, problems, walk, walks

WORLD = WORLDS["cube_rolling"]


@st.composite
def cubes(draw) -> Cube:
    """Any cube anywhere on the board, with some of its path behind it."""
    cell = draw(st.tuples(st.integers(0, BOARD - 1), st.integers(0, BOARD - 1)))
    visited = [cell]
    for _ in range(draw(st.integers(0, 20))):
        ways = sorted(allowed(visited))
        if not ways:
            break
        visited.append(next_cell(visited[-1], draw(st.sampled_from(ways))))
    return Cube(tuple(draw(st.permutations(COLOURS))), tuple(visited))


def rigid(cube: Cube) -> RigidCube:
    return RigidCube(dict(zip(FACES, cube.colours, strict=True)), cube.cells[-1])


def shown(body: RigidCube) -> tuple[str, ...]:
    return tuple(body.colour(face) for face in FACES)


def test_random_paths_agree_with_a_rigid_cube():
    rng = random.Random(1)
    rolls = 0
    for _ in range(1500):
        colours = tuple(rng.sample(COLOURS, 6))
        visited = [(rng.randrange(BOARD), rng.randrange(BOARD))]
        state, body = Cube(colours, (visited[0],)), RigidCube(dict(zip(FACES, colours, strict=True)), visited[0])
        for _ in range(15):
            assert set(WORLD.legal_actions(state)) == allowed(visited)
            if not allowed(visited):
                break
            way = rng.choice(sorted(allowed(visited)))
            state = WORLD.step(state, way)
            body.roll(way)
            visited.append(body.cell)
            rolls += 1
            assert state.colours == shown(body)
            assert state.cells == tuple(visited)
    assert rolls > 15_000


def test_24_orientations_are_reached_and_no_more():
    start = Cube(COLOURS, ((5, 5),))
    found, edge = {start.colours}, [start.colours]
    while edge:
        colours = edge.pop()
        for way in ROLLS:
            after = WORLD.step(Cube(colours, ((5, 5),)), way).colours
            if after not in found:
                found.add(after)
                edge.append(after)
    assert len(found) == 24


@pytest.mark.parametrize("way", ROLLS)
def test_four_rolls_one_way_show_the_same_faces_again(way):
    state = Cube(COLOURS, ({"right": (0, 3), "left": (9, 3), "front": (3, 0), "back": (3, 9)}[way],))
    for n in range(1, 5):
        state = WORLD.step(state, way)
        assert (state.colours == COLOURS) == (n == 4)


# A line gives the colours of top, bottom, left, right, front, back.


def test_a_roll_to_the_right_brings_the_right_face_to_the_bottom():
    state = Cube(("red", "yellow", "blue", "green", "gray", "black"), ((0, 0),))
    assert WORLD.line(WORLD.step(state, "right")) == "blue green yellow red gray black"


def test_a_roll_to_the_front_brings_the_front_face_to_the_bottom():
    state = Cube(("red", "yellow", "blue", "green", "gray", "black"), ((0, 0),))
    assert WORLD.line(WORLD.step(state, "front")) == "black gray blue green red yellow"


@pytest.mark.parametrize("way", ROLLS)
def test_a_roll_over_the_edge_of_the_board_is_refused(way):
    cell = {"right": (9, 4), "left": (0, 4), "front": (4, 9), "back": (4, 0)}[way]
    state = Cube(COLOURS, (cell,))
    assert way not in WORLD.legal_actions(state)
    with pytest.raises(IllegalAction, match=rf"{way}.*\({cell[0]}, {cell[1]}\).*board"):
        WORLD.step(state, way)


def test_a_roll_back_into_a_visited_cell_is_refused():
    state = WORLD.replay(Cube(COLOURS, ((0, 0),)), ["right", "front", "left"])[-1]
    assert state.cells == ((0, 0), (1, 0), (1, 1), (0, 1))
    assert WORLD.legal_actions(state) == ("front",)
    for way, cell in (("back", r"\(0, 0\)"), ("right", r"\(1, 1\)")):
        with pytest.raises(IllegalAction, match=f"{way}.*{cell} again"):
            WORLD.step(state, way)


def test_a_cube_in_a_dead_end_has_no_legal_roll():
    cells = ((1, 0), (2, 0), (2, 1), (1, 1), (0, 1), (0, 0))
    assert WORLD.legal_actions(Cube(COLOURS, cells)) == ()


# --- problems and walks ----------------------------------------------------------------------------------------


def replayed(cube: Cube, path) -> RigidCube:
    body, visited = rigid(cube), list(cube.cells)
    for way in path:
        assert way in allowed(visited)
        body.roll(way)
        visited.append(body.cell)
    return body


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_truth_of_every_problem_is_what_the_rigid_cube_shows(difficulty):
    for item in [*problems("cube_rolling", difficulty, 300)]:
        path = item.query.path.split()
        assert item.start.cells == ((0, 0),)
        assert WORLD.truth(item) == replayed(item.start, path).colour(item.query.face)
        assert WORLD.initial(item) == rigid(item.start).colour(item.query.face)
        assert WORLD.size(item) == len(path)
        assert WORLD.solve(item) == tuple(path)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_answer_of_every_walk_is_what_the_rigid_cube_shows(difficulty):
    for way in walks("cube_rolling", difficulty, 300):
        (face,) = re.findall(r"Which colour is the (\w+) face now\?", way.question)
        assert way.answer == replayed(way.start, way.actions).colour(face)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_line_of_the_reasoning_is_what_the_rigid_cube_shows(difficulty):
    for item in problems("cube_rolling", difficulty, 40):
        path = item.query.path.split()
        expected = [f"Start: {' '.join(item.start.colours)}"]
        expected += [
            f"{n}. {path[n - 1]}: {' '.join(shown(replayed(item.start, path[:n])))}" for n in range(1, len(path) + 1)
        ]
        end, face = replayed(item.start, path), item.query.face
        expected.append("End: " + ", ".join(f"{name} {end.colour(name)}" for name in FACES))
        expected.append(f"Look at the {face}: {face} {end.colour(face)}")
        assert WORLD.narrate(item).splitlines() == expected


def test_all_faces_are_asked_and_all_colours_are_answers():
    items = [problem("cube_rolling", "train", i, difficulty) for difficulty in DIFFICULTIES for i in range(100)]
    assert {item.query.face for item in items} == set(FACES)
    assert {WORLD.truth(item) for item in items} == set(COLOURS)
    assert len({item.start.colours for item in items}) > 80
    assert {walk("cube_rolling", "train", i, "easy").answer for i in range(60)} == set(COLOURS)


# --- questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", ["long", "short"])
def test_a_described_question_tells_all_six_colours_the_path_and_the_face(wording):
    for item in problems("cube_rolling", "medium"):
        text = WORLD.question(item, wording=wording, described=True)
        assert all(f"{face} {colour}" in text for face, colour in zip(FACES, item.start.colours, strict=True))
        assert ", ".join(item.query.path.split()) in text
        assert f"the {item.query.face} face" in text


@pytest.mark.parametrize("wording", ["long", "short"])
def test_an_undescribed_question_tells_only_the_faces_that_the_picture_hides(wording):
    # Seen in the picture: the path, and the top, right and front faces.
    for item in problems("cube_rolling", "medium"):
        text = WORLD.question(item, wording=wording, described=False)
        colour = dict(zip(FACES, item.start.colours, strict=True))
        for face in ("bottom", "left", "back"):
            assert f"{face} {colour[face]}" in text
        for face in ("top", "right", "front"):
            assert not re.search(rf"\b{colour[face]}\b", text)
        assert f"the {item.query.face} face" in text
        assert ", ".join(item.query.path.split()) not in text


@pytest.mark.parametrize("wording", ["long", "short"])
def test_an_undescribed_question_does_not_depend_on_what_the_picture_shows(wording):
    for item in problems("cube_rolling", "easy"):
        top, bottom, left, right, front, back = item.start.colours
        other = Cube((front, bottom, left, top, right, back), item.start.cells)
        moved = Problem(item.world, item.difficulty, other, item.query._replace(path="right right front"))
        assert WORLD.question(item, wording=wording, described=False) == WORLD.question(
            moved, wording=wording, described=False
        )
        assert WORLD.question(item, wording=wording, described=True) != WORLD.question(
            moved, wording=wording, described=True
        )


# --- text forms ------------------------------------------------------------------------------------------------


@given(cubes())
def test_every_cube_is_read_back_from_its_text(cube):
    assert WORLD.read(WORLD.write(cube)) == cube
    assert "\n" not in WORLD.write(cube)


def test_the_text_gives_the_colours_then_the_cells():
    cube = Cube(("red", "yellow", "blue", "green", "gray", "black"), ((0, 0), (1, 0)))
    assert WORLD.write(cube) == "red yellow blue green gray black at 0,0 1,0"
    assert WORLD.line(cube) == "red yellow blue green gray black"


SIX = "red yellow blue green gray black"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ("not a cube",)),
        (SIX, ("not a cube", "six colours", "'at'", "cells")),
        (f"{SIX} at", ("not a cube", "six colours", "'at'", "cells")),
        ("red yellow blue green gray at 0,0", ("six colours",)),
        ("red yellow blue green gray gray at 0,0", ("each of", "red, yellow, ", "once", "gray gray")),
        ("red yellow blue green gray pink at 0,0", ("each of", "red, yellow, ", "once", "pink")),
        (f"{SIX} at 10,0", ("cells",)),
        (f"{SIX} at -1,0", ("cells",)),
        (f"{SIX} at 0,0 2,0", ("0,0", "2,0", "side by side")),
        (f"{SIX} at 0,0 1,1", ("0,0", "1,1", "side by side")),
        (f"{SIX} at 0,0 0,0", ("0,0", "side by side")),
        (f"{SIX} at 0,0 1,0 0,0", ("cell", "twice", "0,0 1,0 0,0")),
        (f"{SIX} at 0,0; 1,0", ("cells",)),
    ],
)
def test_a_malformed_cube_is_refused_with_a_reason(text, why):
    with refused(*why, by=ValueError):
        WORLD.read(text)


def test_digits_of_other_scripts_are_no_cells():
    with pytest.raises(ValueError, match="not a cube"):
        WORLD.read(f"{SIX} at \N{ARABIC-INDIC DIGIT THREE},0")


def test_a_path_that_leaves_the_board_has_no_answer():
    item = Problem("cube_rolling", "easy", Cube(COLOURS, ((0, 0),)), Query("left", "top"))
    with pytest.raises(IllegalAction, match="board"):
        WORLD.truth(item)
