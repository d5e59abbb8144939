"""Keys of rolled, turned and twisted cubes: against rotations of space, and counts from the literature."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, Keys, Problem
from idf.worlds.cube_rolling import COLOURS, Cube
from idf.worlds.cube_rolling import Query as Roll
from idf.worlds.mental_rotation import Query as View
from idf.worlds.rubiks_cube import ORIENTATIONS, normal_form
from idf.worlds.rubiks_cube import Query as Turn
from tests.worlds import reference_rubiks_cube as rubiks
from tests.worlds import twins
from tests.worlds.samples import problems

ROLLING, ROTATION = WORLDS["cube_rolling"], WORLDS["mental_rotation"]


def keys(item: Problem) -> Keys:
    return WORLDS[item.world].keys(item)


# --- Cube Rolling ----------------------------------------------------------------------------------------------


@given(st.permutations(COLOURS), st.integers(0, 99), st.integers(0, 9), st.data())
def test_a_turned_or_mirrored_board_gives_the_same_answer_at_the_side_that_the_asked_one_became(
    colours, at, length, data
):
    state = start = Cube(tuple(colours), (divmod(at, 10),))
    path = []
    for _ in range(length):
        if not (legal := ROLLING.legal_actions(state)):
            break
        path.append(data.draw(st.sampled_from(legal)))
        state = ROLLING.step(state, path[-1])
    item = Problem(
        "cube_rolling", "easy", start, Roll(" ".join(path), data.draw(st.sampled_from(tuple(twins.OUTWARD))))
    )
    images = list(twins.rolling(item, ROLLING.truth(item)))
    assert len({keys(twin).exact for twin, _ in images}) == 8
    for twin, answer in images:
        assert ROLLING.truth(twin) == answer
        assert keys(twin).canonical == keys(item).canonical


def test_every_eight_of_the_short_rolls_of_all_cubes_are_one_scene():
    # Six different colours leave no image the same: the classes are an eighth of the scenes. Skeletons: counted as orbits.
    ways = ("right", "left", "front", "back")
    back = dict(zip(ways, ("left", "right", "back", "front"), strict=True))
    paths = [(a,) for a in ways] + [(a, b) for a in ways for b in ways if b != back[a]]
    found = [
        keys(Problem("cube_rolling", "easy", Cube(colours, ((5, 5),)), Roll(" ".join(path), "top")))
        for path in paths
        for colours in permutations(COLOURS)
    ]
    assert len(found) == 16 * 720
    assert len({each.canonical for each in found}) == 16 * 720 // 8
    assert len({each.skeleton for each in found}) == 3, "one roll; two on a line; two round a corner"


def test_a_path_is_the_same_wherever_on_the_board_it_begins():
    for cell in ((0, 0), (3, 7)):
        item = Problem("cube_rolling", "easy", Cube(COLOURS, (cell,)), Roll("right front", "top"))
        assert keys(item).skeleton == "right front"
        assert keys(item).canonical == f"right front | {' '.join(COLOURS)}"


def corner_paths(length: int) -> list[tuple[str, ...]]:
    found = [((), Cube(COLOURS, ((0, 0),)))]
    for _ in range(length):
        found = [((*path, way), ROLLING.step(cube, way)) for path, cube in found for way in ROLLING.legal_actions(cube)]
    return [path for path, _ in found]


# --- Mental Rotation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_turned_structure_shows_the_same_cubes_from_the_side_that_turned_with_it(difficulty):
    for item in problems("mental_rotation", difficulty, 4):
        images = list(twins.rotation(item, ROTATION.truth(item)))
        assert len(images) == 24 * len(item.start)
        for twin, counts in images:
            assert ROTATION.truth(twin) == counts
            assert keys(twin).canonical == keys(item).canonical


@given(st.integers(0, 11), st.lists(st.sampled_from(("left", "right", "top", "bottom")), max_size=12))
def test_no_turn_of_the_world_itself_changes_the_key_of_a_structure(number, turns):
    item = problems("mental_rotation", "hard", 6)[number]
    end = ROTATION.replay(item.start, turns)[-1]
    assert keys(Problem(item.world, item.difficulty, end, item.query))[1:] == keys(item)[1:]


def structures(n: int) -> set[frozenset]:
    """All sets of n cells that hang together and hold the origin."""
    found = {frozenset({(0, 0, 0)})}
    for _ in range(n - 1):
        found = {
            cells | {near}
            for cells in found
            for cell in cells
            for out in twins.OUTWARD.values()
            if (near := tuple(a + b for a, b in zip(cell, out, strict=True))) not in cells
        }
    return found


def rotation_problem(cubes: dict) -> Problem:
    return Problem("mental_rotation", "easy", tuple(sorted(cubes.items())), View("front"))


@pytest.mark.parametrize(("n", "shapes"), [(1, 1), (2, 1), (3, 2), (4, 8), (5, 29)])
def test_there_are_as_many_skeletons_of_structures_as_the_literature_counts(n, shapes):
    # Polycubes that differ by more than a rotation, mirror images counted apart: OEIS A000162.
    found = {keys(rotation_problem(dict.fromkeys(cells, "red"))) for cells in structures(n)}
    assert len({each.skeleton for each in found}) == len({each.canonical for each in found}) == shapes


@pytest.mark.parametrize(("n", "painted"), [(1, 6), (2, 21), (3, 252)])
def test_there_are_as_many_painted_structures_as_burnside_counts(n, painted):
    # Two cubes: (36 + 6) / 2. Three, in a row or round a corner, each with one half turn: (216 + 36) / 2 twice.
    found = {
        keys(rotation_problem(dict(zip(sorted(cells), colours, strict=True)))).canonical
        for cells in structures(n)
        for colours in product(COLOURS, repeat=n)
    }
    assert len(found) == painted


def test_a_mirror_image_that_no_rotation_reaches_is_another_structure():
    screw = {(0, 0, 0): "red", (1, 0, 0): "red", (1, 1, 0): "red", (1, 1, 1): "red"}
    mirrored = {(x, y, -z): colour for (x, y, z), colour in screw.items()}
    assert keys(rotation_problem(screw)).skeleton != keys(rotation_problem(mirrored)).skeleton


# --- Rubik's Cube ----------------------------------------------------------------------------------------------

MOVES = [face + turns for face in "UDLRFB" for turns in ("", "2", "3")]
WORDS = st.lists(st.sampled_from(MOVES), max_size=9)
SCHEME = bytes(colour for colour in range(6) for _ in range(9))


def turning(moves: list[str], scheme: bytes = SCHEME) -> Problem:
    return Problem("rubiks_cube", "hard", scheme, Turn(" ".join(moves), "up", "center", ""))


def ended(item: Problem) -> rubiks.Stickers:
    stickers = rubiks.painted({f: [str(item.start[9 * i])] * 9 for i, f in enumerate(rubiks.LETTERS)})
    for move in item.query.moves.split():
        stickers = rubiks.turned(stickers, move)
    return stickers


def test_the_orientations_are_the_24_rotations_of_space():
    assert len(ORIENTATIONS) == 24
    assert {tuple(sorted(to.items())) for to in ORIENTATIONS} == {tuple(sorted(to.items())) for to in twins.FACE_MAPS}


@settings(max_examples=40)
@given(WORDS, st.permutations(range(6)))
def test_a_cube_that_is_held_otherwise_ends_as_the_same_cube_held_otherwise(moves, scheme):
    item = turning(moves, bytes(colour for colour in scheme for _ in range(9)))
    end = ended(item)
    for matrix, twin in zip(twins.ROTATIONS, twins.turning(item), strict=True):
        assert ended(twin) == twins.rotated_stickers(end, matrix)
        assert keys(twin)[1:] == keys(item)[1:]


@given(WORDS)
def test_the_normal_form_turns_the_cube_as_the_moves_do_and_is_its_own_normal_form(moves):
    short = normal_form(moves)
    assert ended(turning(short)) == ended(turning(moves))
    assert normal_form(short) == short
    assert len(short) <= len(moves)


@given(WORDS, st.randoms())
def test_moves_that_differ_in_notation_alone_have_one_normal_form(moves, rng):
    opposite = {"U": "D", "D": "U", "L": "R", "R": "L", "F": "B", "B": "F"}
    written = list(moves)
    for _ in range(12):
        at = rng.randrange(len(written) + 1)
        change = rng.choice(("insert nothing", "split", "commute"))
        if change == "insert nothing":
            face, turns = rng.choice("UDLRFB"), rng.choice((("", "3"), ("2", "2"), ("3", "")))
            written[at:at] = [face + turns[0], face + turns[1]]
        elif change == "split" and at < len(written) and written[at][1:]:
            face, n = written[at][0], int(written[at][1:])
            written[at : at + 1] = [face] * n
        elif change == "commute" and at + 1 < len(written) and written[at + 1][0] == opposite[written[at][0]]:
            written[at], written[at + 1] = written[at + 1], written[at]
    assert normal_form(written) == normal_form(moves)
    assert keys(turning(written))[1:] == keys(turning(moves))[1:]


def test_there_are_as_many_normal_forms_of_n_moves_as_the_literature_counts():
    # 18, 243 and 3240 also count the positions that n moves reach; of four moves there are 43239 positions (cube20.org)
    # and 15 forms more, such as U2 D2 L2 R2 and L2 R2 U2 D2: they pass different cubes on their way to the same one.
    for n, forms in enumerate((1, 18, 243, 3240, 43254)):
        found = {tuple(short) for word in product(MOVES, repeat=n) if len(short := normal_form(word)) == n}
        assert len(found) == forms


def test_equal_keys_mean_the_same_cube_up_to_a_rotation_and_different_keys_do_not():
    # All words of two moves, each for a cube in two orientations: as many classes as normal forms, and one end in each.
    ends: dict[str, set[frozenset]] = {}
    for number, word in enumerate(product(MOVES, repeat=2)):
        every = list(zip(twins.ROTATIONS, twins.turning(turning(list(word))), strict=True))
        for matrix, twin in (every[number % 24], every[(number + 11) % 24]):
            back = tuple(zip(*matrix))  # of a rotation, the transpose is the inverse
            ends.setdefault(keys(twin).canonical, set()).add(
                frozenset(twins.rotated_stickers(ended(twin), back).items())
            )
    assert len(ends) == 1 + 18 + 243
    assert all(len(images) == 1 for images in ends.values())
    assert len(set.union(*ends.values())) == len(ends)
