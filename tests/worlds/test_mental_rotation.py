"""Mental Rotation against cast rays and rotation matrices."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, Problem, split_of
from idf.worlds.mental_rotation import COLOURS, VIEWS, Query, colour_counts, counts_text, structure, visible
from tests.sentences import refused
from tests.worlds.reference_geometry import OUTWARD, quarter_turn_that_brings, rotated
from tests.worlds.reference_mental_rotation import seen
from tests.worlds.samples import problem, problems, walk, walks

WORLD = WORLDS["mental_rotation"]
TURNS = ("left", "right", "top", "bottom")
REACH = 4


def grown(rng: random.Random, size: int) -> dict:
    """A random structure: cubes are stuck to free faces until there are enough."""
    cells = {(0, 0, 0): rng.choice(COLOURS)}
    while len(cells) < size:
        base, out = rng.choice(list(cells)), rng.choice(list(OUTWARD.values()))
        cell = tuple(b + o for b, o in zip(base, out, strict=True))
        if max(map(abs, cell)) <= REACH:
            cells.setdefault(cell, rng.choice(COLOURS))
    return cells


@st.composite
def structures(draw):
    return grown(random.Random(draw(st.integers())), draw(st.integers(1, 13)))


def turned(cells: dict, side: str) -> dict:
    matrix = quarter_turn_that_brings(side, "front")
    return {rotated(matrix, cell): colour for cell, colour in cells.items()}


def test_random_structures_look_as_cast_rays_see_them():
    rng = random.Random(3)
    hidden = 0
    for _ in range(600):
        cells = grown(rng, rng.randint(1, 13))
        for view in VIEWS:
            cubes = dict(visible(structure(cells), view))
            offset = (rng.uniform(-0.49, 0.49), rng.uniform(-0.49, 0.49))
            assert set(cubes) == seen(cells, view) == seen(cells, view, offset)
            assert all(cells[cell] == colour for cell, colour in cubes.items())
            hidden += len(cells) - len(cubes)
    assert hidden > 3000, "enough cubes were hidden for the test to mean something"


def test_random_turns_agree_with_rotation_matrices():
    rng = random.Random(4)
    for _ in range(500):
        cells = grown(rng, rng.randint(1, 13))
        state = structure(cells)
        for _ in range(6):
            side = rng.choice(TURNS)
            state, cells = WORLD.step(state, side), turned(cells, side)
            assert dict(state) == cells
            assert state == structure(cells)


@given(structures(), st.sampled_from(TURNS))
def test_a_side_looks_from_the_front_as_it_did_from_the_side_before_the_turn(cells, side):
    state = structure(cells)
    after = WORLD.step(state, side)
    matrix = quarter_turn_that_brings(side, "front")
    assert {rotated(matrix, cell): colour for cell, colour in visible(state, side)} == dict(visible(after, "front"))
    assert colour_counts(visible(state, side)) == colour_counts(visible(after, "front"))


@given(structures(), st.sampled_from(TURNS))
def test_the_back_comes_to_the_front_in_two_turns(cells, side):
    state = structure(cells)
    twice = WORLD.replay(state, [side, side])[-1]
    assert colour_counts(visible(state, "back")) == colour_counts(visible(twice, "front"))
    assert WORLD.replay(twice, [side, side])[-1] == state


@given(structures())
def test_opposite_turns_undo_each_other(cells):
    state = structure(cells)
    for one, other in (("left", "right"), ("top", "bottom")):
        assert WORLD.replay(state, [one, other])[-1] == WORLD.replay(state, [other, one])[-1] == state


def test_24_positions_of_a_structure_are_reached_by_turns_and_no_more():
    start = structure({(0, 0, 0): "red", (1, 0, 0): "blue", (0, 1, 0): "green", (0, 0, 1): "gray"})
    found, edge = {start}, [start]
    while edge:
        state = edge.pop()
        for side in TURNS:
            after = WORLD.step(state, side)
            if after not in found:
                found.add(after)
                edge.append(after)
    assert len(found) == 24


@given(structures())
def test_opposite_sides_show_equally_many_cubes(cells):
    state = structure(cells)
    for one, other in (("left", "right"), ("top", "bottom"), ("front", "back")):
        assert len(visible(state, one)) == len(visible(state, other))


def test_a_cube_right_behind_another_is_hidden():
    state = structure({(0, 0, 0): "red", (0, 0, 1): "blue"})
    assert colour_counts(visible(state, "front")) == {"blue": 1}
    assert colour_counts(visible(state, "back")) == {"red": 1}
    assert colour_counts(visible(state, "left")) == {"red": 1, "blue": 1}


def test_a_cube_far_behind_another_is_hidden_too():
    arch = structure({(0, 0, 0): "red", (0, 1, 0): "blue", (0, 1, 1): "blue", (0, 1, 2): "blue", (0, 0, 2): "green"})
    assert colour_counts(visible(arch, "front")) == {"blue": 1, "green": 1}
    assert colour_counts(visible(arch, "back")) == {"red": 1, "blue": 1}


def test_a_wall_is_seen_whole_from_the_front_and_as_a_column_from_the_side():
    wall = structure({(x, y, 0): "gray" if x else "red" for x in range(3) for y in range(3)})
    assert colour_counts(visible(wall, "front")) == {"red": 3, "gray": 6}
    assert colour_counts(visible(wall, "left")) == {"red": 3}
    assert colour_counts(visible(wall, "right")) == {"gray": 3}
    assert colour_counts(visible(wall, "top")) == {"red": 1, "gray": 2}


# --- problems and walks ----------------------------------------------------------------------------------------


def counted(cells: dict, view: str) -> dict[str, int]:
    return dict(Counter(cells[cell] for cell in seen(cells, view)))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_truth_of_every_problem_is_what_cast_rays_count(difficulty):
    for item in problems("mental_rotation", difficulty, 150):
        cells = dict(item.start)
        assert len(cells) == len(item.start) == WORLD.size(item)
        assert (0, 0, 0) in cells
        assert WORLD.truth(item) == counted(cells, item.query.view)
        assert WORLD.initial(item) == dict(Counter(cells.values())), "who imagines nothing hides nothing"
        after = WORLD.replay(item.start, WORLD.solve(item))[-1]
        assert counted(dict(after), "front") == WORLD.truth(item)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_answer_of_every_walk_is_what_cast_rays_count(difficulty):
    for way in walks("mental_rotation", difficulty, 150):
        cells = dict(way.start)
        for side in way.actions:
            cells = turned(cells, side)
        (view,) = re.findall(r"visible from the (\w+) at the end", way.question)
        total, counts = re.fullmatch(r"(\d+) cubes?: (.+)", way.answer).groups()
        told = {colour: int(n) for colour, n in (part.split() for part in counts.split(", "))}
        assert told == counted(cells, view)
        assert int(total) == sum(told.values())


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_reasoning_lists_what_every_column_shows_and_hides(difficulty):
    for item in problems("mental_rotation", difficulty, 60):
        cells = dict(item.start)
        turns = WORLD.solve(item)
        lines = WORLD.narrate(item).splitlines()
        assert dict(WORLD.read(lines[0].removeprefix("Start: "))) == cells
        for number, side in enumerate(turns, 1):
            cells = turned(cells, side)
            assert lines[number].startswith(f"{number}. {side}: ")
            assert dict(WORLD.read(lines[number].split(": ", 1)[1])) == cells
        column_line = re.compile(r"\((-?\d+),(-?\d+)\): (\w+)(?: hides (.+))?")
        columns = [column_line.fullmatch(line) for line in lines[len(turns) + 1 :]]
        nearest = {cell[:2]: cell for cell in seen(cells, "front")}
        assert [(int(column[1]), int(column[2])) for column in columns] == sorted(nearest)
        for column in columns:
            cell = nearest[int(column[1]), int(column[2])]
            behind = sorted((c for c in cells if c[:2] == cell[:2] and c != cell), key=lambda c: -c[2])
            assert column[3] == cells[cell]
            assert (column[4] or "").split() == [cells[c] for c in behind]


def test_all_sides_are_asked_and_all_sizes_are_drawn():
    items = [problem("mental_rotation", "train", i, difficulty) for difficulty in DIFFICULTIES for i in range(100)]
    assert {item.query.view for item in items} == set(VIEWS)
    assert {len(item.start) for item in items} == set(range(3, 14)), "two cubes make only 15 structures"
    assert {side for i in range(60) for side in walk("mental_rotation", "train", i, "easy").actions} == set(TURNS)


def test_up_to_six_cubes_have_different_colours_and_no_colour_is_used_three_times_before_all_are_used_twice():
    for difficulty in DIFFICULTIES:
        for item in problems("mental_rotation", difficulty, 60):
            used = Counter(colour for _, colour in item.start)
            uses = [used[colour] for colour in COLOURS]
            assert max(uses) - min(uses) <= 1


def test_many_cubes_of_large_structures_are_hidden():
    # The benchmark shows 69 % on average; a generator that hides none would ask nothing.
    items = [problem("mental_rotation", "train", i, "hard") for i in range(100)]
    shown = sum(sum(WORLD.truth(item).values()) for item in items) / sum(len(item.start) for item in items)
    assert 0.5 < shown < 0.85


def test_counts_are_told_in_the_order_of_the_colours():
    assert counts_text({"red": 2, "blue": 1}) == "3 cubes: red 2, blue 1"
    state = structure({(0, 0, 0): "black", (1, 0, 0): "red", (0, 1, 0): "blue"})
    assert list(colour_counts(state)) == ["red", "blue", "black"]


def test_a_train_walk_never_passes_a_structure_that_is_asked_in_eval():
    crossed = 0
    for i in range(60):
        way = walk("mental_rotation", "train", i, "hard")
        for state in WORLD.replay(way.start, way.actions):
            crossed += split_of(WORLD, WORLD.keys(Problem(WORLD.name, "hard", state, Query("front")))) == "eval"
    assert crossed == 0


# --- questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", ["long", "short"])
def test_a_question_tells_the_cubes_only_if_it_is_described(wording):
    for item in problems("mental_rotation", "medium"):
        assert WORLD.write(item.start) in WORLD.question(item, wording=wording, described=True)
        undescribed = WORLD.question(item, wording=wording, described=False)
        assert not re.search(r"\(-?\d", undescribed)
        assert not any(re.search(rf"\b{colour}\b", undescribed) for colour in COLOURS)


@pytest.mark.parametrize("wording", ["long", "short"])
@pytest.mark.parametrize("described", [True, False])
def test_a_question_always_tells_the_side(wording, described):
    for item in problems("mental_rotation", "medium"):
        assert f"visible from the {item.query.view}" in WORLD.question(item, wording=wording, described=described)


@pytest.mark.parametrize("wording", ["long", "short"])
def test_an_undescribed_question_does_not_depend_on_the_structure(wording):
    texts = {
        WORLD.question(Problem(item.world, item.difficulty, item.start, Query("top")), wording=wording, described=False)
        for difficulty in DIFFICULTIES
        for item in problems("mental_rotation", difficulty)
    }
    assert len(texts) == 1


# --- text forms ------------------------------------------------------------------------------------------------


@given(structures())
def test_every_structure_is_read_back_from_its_text(cells):
    state = structure(cells)
    assert WORLD.read(WORLD.write(state)) == state
    assert dict(state) == cells


@given(structures(), st.randoms())
def test_the_order_of_the_cubes_does_not_matter(cells, rng):
    text = [f"{colour} ({x},{y},{z})" for (x, y, z), colour in cells.items()]
    rng.shuffle(text)
    assert WORLD.read("; ".join(text)) == structure(cells)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ("not a cube",)),
        ("red", ("not a cube", "'red'")),
        ("red (0,0)", ("not a cube", "'red (0,0)'", "'red (0,0,1)'")),
        ("red (0,0,0);", ("not a cube", "''")),
        ("red (0,0,0), blue (0,0,1)", ("not a cube",)),
        ("red (0.5,0,0)", ("not a cube",)),
        ("pink (0,0,0)", ("unknown colour", "'pink'", "red, ")),
        ("red (0,0,1)", ("no cube", "(0,0,0)")),
        ("red (0,0,0); blue (0,0,0)", ("two cubes", "(0, 0, 0)")),
        ("red (0,0,0); blue (0,0,2)", ("(0, 0, 2)", "together")),
        ("red (0,0,0); blue (1,1,0)", ("(1, 1, 0)", "together")),
        ("; ".join(f"red (0,{y},0)" for y in range(6)), ("further than 4",)),
        ("; ".join(f"red ({x},{y},0)" for x in range(4) for y in range(4)), (1, "13 cubes", 16)),
    ],
)
def test_a_malformed_structure_is_refused_with_a_reason(text, why):
    with refused(*why, by=ValueError):
        WORLD.read(text)
