"""Keys: twins share them, others do not. Twins are made, and orbits counted, without idf's own code.

The worlds of cubes are in `test_keys_of_cubes`.
"""

from __future__ import annotations

import random
from itertools import combinations, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, Keys, Problem, Walk, split_of
from idf.worlds.cube_rolling import COLOURS
from idf.worlds.cube_rolling import Query as Roll
from idf.worlds.mental_rotation import Query as View
from idf.worlds.moving_box import Query as Push
from idf.worlds.moving_box import room_from_grid
from idf.worlds.rubiks_cube import Query as Turn
from idf.worlds.wood_slide import Query as Slide
from tests.worlds import reference_wood_slide as boards
from tests.worlds import twins
from tests.worlds.samples import problems, walks

BOX, SLIDING = WORLDS["moving_box"], WORLDS["wood_slide"]
PAIRS = [(world, difficulty) for world in WORLDS for difficulty in DIFFICULTIES]


def keys(scene: Problem | Walk) -> Keys:
    return WORLDS[scene.world].keys(scene)


def twins_of(item: Problem) -> list[Problem]:
    """The twins of a drawn problem, all of them but for Wood Slide's renumberings, of which there are two a pair."""
    if item.world == "cube_rolling":
        return [twin for twin, _ in twins.rolling(item, "")]
    if item.world == "mental_rotation":
        return [twin for twin, _ in twins.rotation(item, {})]
    if item.world == "moving_box":
        return [twin for twin, _ in twins.box(item, ())]
    if item.world == "rubiks_cube":
        return list(twins.turning(item))
    tables = list(twins.renumberings())
    return [
        sliding(here.translate(table), there.translate(table))
        for i, (here, there) in enumerate(twins.sliding(SLIDING.write(item.start), item.query.target))
        for table in (tables[i], tables[95 - i])
    ]


def sliding(here: str, there: str) -> Problem:
    return Problem("wood_slide", "easy", SLIDING.read(here), Slide(there))


# --- all worlds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "difficulty"), PAIRS)
def test_all_twins_of_a_problem_share_its_canonical_key_and_so_its_skeleton_and_split(world, difficulty):
    for item in problems(world, difficulty, 2 if (world, difficulty) == ("wood_slide", "hard") else 5):
        mine = keys(item)
        exact = set()
        for twin in twins_of(item):
            its = keys(twin)
            assert its[1:3] == mine[1:3]
            assert {its.states[:1], its.states[-1:]} == {mine.states[:1], mine.states[-1:]}
            assert split_of(WORLDS[world], its) == split_of(WORLDS[world], mine)
            exact.add(its.exact)
        assert mine.exact in exact or world == "wood_slide", "the problem is one of its own twins"
        assert len(exact) >= 4, "they are twins and not the problem itself"


@pytest.mark.parametrize("world", WORLDS)
def test_each_level_of_the_keys_is_coarser_than_the_one_before(world):
    pool = [scene for d in DIFFICULTIES for scene in (*problems(world, d, 12), *walks(world, d, 12))]
    pool += [twin for item in problems(world, "easy", 3) for twin in twins_of(item)]
    pool += [recoloured(item) for item in problems(world, "easy", 8)]
    found = [keys(scene) for scene in pool]
    for fine, coarse in (("exact", "canonical"), ("canonical", "skeleton")):
        classes = dict[str, set[str]]()
        for each in found:
            classes.setdefault(getattr(each, fine), set()).add(getattr(each, coarse))
        assert all(len(above) == 1 for above in classes.values()), f"one {fine} key, two {coarse} keys"
        assert len({getattr(each, coarse) for each in found}) < len(classes), f"{coarse} joins what {fine} tells apart"


def recoloured(item: Problem) -> Problem:
    """The same skeleton in other colours, with other labels or another target: another scene nevertheless."""
    if item.world == "cube_rolling":
        colours = item.start.colours
        return replaced(item, start=item.start._replace(colours=(colours[1], colours[0], *colours[2:])))
    if item.world == "mental_rotation":
        (cell, _), *others = item.start
        unused = next(other for other in COLOURS if other not in {colour for _, colour in item.start})
        return replaced(item, start=((cell, unused), *others))
    if item.world == "moving_box":
        here = item.start.player
        free = [
            (r, c)
            for r, row in enumerate(item.start.walls)
            for c, symbol in enumerate(row)
            if symbol == "." and (r, c) not in (here, item.start.box, item.start.target)
        ]
        return replaced(item, start=item.start._replace(player=free[-1]))
    if item.world == "rubiks_cube":
        up, down, *others = (item.start[9 * i] for i in range(6))
        return replaced(item, start=bytes(colour for colour in (down, up, *others) for _ in range(9)))
    # The same outlines, but one label changes places on the way: always further than it looks.
    swapped = str.maketrans("67", "76")
    end = SLIDING.replay(item.start, SLIDING.solve(item))[-1]
    return Problem(item.world, item.difficulty, item.start, Slide(SLIDING.write(end).translate(swapped)))


def replaced(item: Problem, start: object) -> Problem:
    return Problem(item.world, item.difficulty, start, item.query)


@pytest.mark.parametrize("world", WORLDS)
def test_a_recoloured_or_relabelled_problem_is_another_scene_of_the_same_skeleton(world):
    for item in problems(world, "easy", 8):
        other = keys(recoloured(item))
        assert other.skeleton == keys(item).skeleton
        assert other.canonical != keys(item).canonical


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_asked_about_a_scene_has_no_part_in_its_canonical_key(world):
    others = {"cube_rolling": {"face": "back"}, "mental_rotation": {"view": "back"}}
    others["rubiks_cube"] = {"face": "back", "position": "center", "colour": ""}
    for item in problems(world, "medium", 6):
        query = item.query._replace(**others.get(world, {}))
        assert keys(Problem(world, item.difficulty, item.start, query))[1:] == keys(item)[1:]


@pytest.mark.parametrize(("world", "difficulty"), PAIRS)
def test_a_walk_and_a_problem_over_the_same_scene_share_their_keys_and_so_their_split(world, difficulty):
    queries = {
        "cube_rolling": lambda walk: Roll(" ".join(walk.actions), "top"),
        "mental_rotation": lambda walk: View("top"),
        "moving_box": lambda walk: Push(),
        "rubiks_cube": lambda walk: Turn(" ".join(walk.actions), "up", "center", ""),
        "wood_slide": lambda walk: Slide(walk.answer),
    }
    for walk in walks(world, difficulty, 6):
        item = Problem(world, difficulty, walk.start, queries[world](walk))
        assert keys(item)[1:3] == keys(walk)[1:3]
        assert split_of(WORLDS[world], keys(item)) == split_of(WORLDS[world], keys(walk))


# --- Moving Box ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_turned_or_mirrored_room_is_solved_by_the_turned_or_mirrored_plan(difficulty):
    for item in problems("moving_box", difficulty, 6):
        images = list(twins.box(item, BOX.solve(item)))
        assert len({keys(twin).exact for twin, _ in images}) in (2, 4, 8)
        for twin, plan in images:
            outcome = BOX.judge(twin, plan)
            assert outcome.correct
            assert outcome.optimal == len(plan)


def rooms(rows: int, columns: int) -> list[Problem]:
    """All rooms of a size that have a cell for the player, one for the box and a target anywhere."""
    inside = [(r, c) for r in range(1, rows - 1) for c in range(1, columns - 1)]
    found = []
    for walls in (set(some) for n in range(len(inside) - 1) for some in combinations(inside, n)):
        free = [cell for cell in inside if cell not in walls]
        for player, box in permutations(free, 2):
            for target in free:
                grid = [["." if (r, c) in free else "#" for c in range(columns)] for r in range(rows)]
                grid[target[0]][target[1]] = "T"
                grid[player[0]][player[1]] = "+" if player == target else "S"
                grid[box[0]][box[1]] = "*" if box == target else "B"
                found.append(Problem("moving_box", "easy", room_from_grid(grid), Push()))
    return found


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (4, 5)])
def test_two_small_rooms_share_a_key_if_and_only_if_one_is_an_image_of_the_other(rows, columns):
    every = rooms(rows, columns)
    orbits = {frozenset(twin.start for twin, _ in twins.box(item, ())) for item in every}
    assert len({keys(item).canonical for item in every}) == len(orbits) < len(every)
    plans = {frozenset(room.walls for room in orbit) for orbit in orbits}
    assert len({keys(item).skeleton for item in every}) == len(plans) < len(orbits)


# --- Wood Slide ------------------------------------------------------------------------------------------------


def all_twins(here: str, there: str) -> set[tuple[str, str]]:
    return {
        (a.translate(table), b.translate(table))
        for a, b in twins.sliding(here, there)
        for table in twins.renumberings()
    }


def test_two_pairs_of_boards_share_a_key_if_and_only_if_one_is_a_twin_of_the_other():
    rng = random.Random(11)
    every = sorted(boards.component())
    pairs = []
    for here in rng.sample(every, 12):
        near = sorted(boards.distances(here, 2).items())
        pairs += [(here, there) for there, distance in near if distance]
    pairs += [rng.choice(sorted(all_twins(*pair))) for pair in rng.sample(pairs, 25)]
    canonical = [keys(sliding(*pair)).canonical for pair in pairs]
    least = [min(all_twins(*pair)) for pair in pairs]
    assert len(set(zip(canonical, least, strict=True))) == len(set(canonical)) == len(set(least)) <= len(pairs) - 25


@settings(max_examples=15)
@given(st.integers(0, 23), st.data())
def test_a_board_that_is_mirrored_renumbered_or_gone_back_over_is_the_same_puzzle(number, data):
    item = problems("wood_slide", "easy", 12)[number]
    plan = SLIDING.solve(item)
    pair = data.draw(st.sampled_from(sorted(all_twins(SLIDING.write(item.start), item.query.target))))
    twin = sliding(*pair)
    assert len(SLIDING.solve(twin)) == len(plan)
    assert keys(twin)[1:3] == keys(item)[1:3]


def test_upside_down_the_positions_are_the_same_again_and_mirrored_left_to_right_they_are_others():
    every = {outline(board) for board in boards.component()}
    assert {outline(twins.mirrored(board, True, False)) for board in boards.component()} == every
    assert not every & {outline(twins.mirrored(board, False, True)) for board in boards.component()}


def outline(board: str) -> str:
    """The board with one digit for all blocks of a shape."""
    return board.translate(str.maketrans("123456789", "122446622"))


def test_the_states_of_a_key_are_the_outlines_on_the_way_whatever_their_numbers_and_mirror_image():
    for walk in walks("wood_slide", "medium", 6):
        states = [SLIDING.write(state) for state in SLIDING.replay(walk.start, walk.actions)]
        images = [{outline(twins.mirrored(board, *m)) for m in product((False, True), repeat=2)} for board in states]
        told = keys(walk).states
        assert len(told) == len(walk.actions) + 1
        for (a, one), (b, other) in combinations(zip(told, images, strict=True), 2):
            assert (a == b) == bool(one & other)
