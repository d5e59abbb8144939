"""What a picture shows, which actions are legal and why others are not, and what is asked."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from idf.worlds import DIFFICULTIES, WORLDS, IllegalAction, Problem, Walk
from idf.worlds.cube_rolling import COLOURS, FACES, Cube
from idf.worlds.cube_rolling import Query as Roll
from idf.worlds.mental_rotation import Query as View
from idf.worlds.mental_rotation import structure
from tests.worlds import reference_moving_box as rooms
from tests.worlds import reference_wood_slide as boards
from tests.worlds.reference_geometry import OUTWARD
from tests.worlds.reference_mental_rotation import entry
from tests.worlds.samples import problem, problems, walk, walks
from tests.worlds.test_mental_rotation import grown

PLANNING = ("moving_box", "wood_slide")


def scenes(world: str, number: int = 6) -> list[Problem | Walk]:
    return [scene for d in DIFFICULTIES for scene in (*problems(world, d, number), *walks(world, d, number))]


# --- see -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", ["mental_rotation", "moving_box", "rubiks_cube", "wood_slide"])
def test_what_is_seen_is_the_start_and_nothing_of_what_comes_after(world):
    for scene in scenes(world):
        assert WORLDS[world].read(WORLDS[world].see(scene)) == scene.start


def test_of_a_rolling_cube_one_sees_the_path_and_three_faces():
    world = WORLDS["cube_rolling"]
    for scene in scenes("cube_rolling"):
        path, faces = world.see(scene).splitlines()
        rolls = scene.query.path.split() if isinstance(scene, Problem) else list(scene.actions)
        assert path == f"Path: {' '.join(rolls)}"
        colour = dict(zip(FACES, scene.start.colours, strict=True))
        assert faces == f"Faces: top {colour['top']}, front {colour['front']}, right {colour['right']}"


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_says_how_to_write_down_what_is_seen(world):
    assert WORLDS[world].look.startswith("Write ")
    assert WORLDS[world].look.endswith(".")


@pytest.mark.parametrize("world", ["moving_box", "rubiks_cube", "wood_slide"])
def test_the_pictures_of_these_worlds_show_all_that_is_seen(world):
    assert all(WORLDS[world].shows_all(scene) for scene in scenes(world))


def test_a_cube_hides_no_cell_of_a_path_that_begins_in_the_back_and_may_hide_one_that_goes_round_it():
    world = WORLDS["cube_rolling"]
    for scene in scenes("cube_rolling"):
        assert world.shows_all(scene) or scene.start.cells[0][1] > 0
    for rolls, shown in (("right right", True), ("front left", True), ("back", False), ("left left back", True)):
        cube = Cube(COLOURS, ((5, 5),))
        assert world.shows_all(Problem("cube_rolling", "easy", cube, Roll(rolls, "top"))) is shown


def showing(cells: dict) -> bool:
    return WORLDS["mental_rotation"].shows_all(Problem("mental_rotation", "hard", structure(cells), View("front")))


def test_a_picture_does_not_show_a_cube_that_six_others_enclose():
    around = {out: "blue" for out in OUTWARD.values()}
    assert not showing({(0, 0, 0): "red", **around})
    for out in OUTWARD.values():
        assert showing({cell: colour for cell, colour in {(0, 0, 0): "red", **around}.items() if cell != out})


def test_a_cube_is_enclosed_if_a_ray_from_its_middle_hits_a_neighbour_on_every_side():
    rng, hidden = random.Random(12), 0
    for _ in range(400):
        # Cells of one block of 3 x 3 x 3: enough of them enclose its middle.
        cells = {(0, 0, 0): "red"} | {out: "blue" for out in OUTWARD.values() if rng.random() < 0.9}
        free = [out for out in OUTWARD.values() if not _near(cells, (0, 0, 0), out)]
        assert showing(cells) == bool(free)
        hidden += not free
    assert hidden > 100


def _near(cells: dict, origin: tuple, out: tuple) -> bool:
    hits = [t for cell in cells if cell != origin and (t := entry(origin, out, cell)) is not None]
    return min(hits, default=9.0) < 1


def test_every_cube_of_a_structure_that_is_shown_whole_is_seen_from_one_of_the_eight_corners():
    rng, tried = random.Random(13), 0
    for _ in range(60):
        cells = grown(rng, 13)
        if showing(cells):
            tried += 1
            assert all(_from_a_corner(cells, cell) for cell in cells)
    assert tried > 30


def _from_a_corner(cells: dict, cell: tuple) -> bool:
    """Whether a ray from a point just outside a free side of a cell flies to a corner without hitting a cube."""
    for out in OUTWARD.values():
        if tuple(c + o for c, o in zip(cell, out)) in cells:
            continue
        for a in (-0.43, -0.21, 0.19, 0.41):
            for b in (-0.37, -0.11, 0.23, 0.45):
                across = iter((a, b))
                point = tuple(c + (0.501 * o if o else next(across)) for c, o in zip(cell, out))
                for corner in ((x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)):
                    if all(entry(point, corner, other) is None for other in cells):
                        return True
    return False


# --- legality ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [world for world in WORLDS if world != "wood_slide"])
def test_legality_has_a_line_for_every_action_and_the_rule_that_it_breaks(world):
    simulator = WORLDS[world]
    for scene in scenes(world, 3):
        for state in simulator.replay(*simulator.course(scene)):
            lines = simulator.legality(state).splitlines()
            assert [line.split(": ")[0] for line in lines] == list(simulator.actions)
            legal = [line.split(": ")[0] for line in lines if line.endswith(": legal")]
            assert legal == [action for action in simulator.actions if action in simulator.legal_actions(state)]
            for line in lines:
                action, said = line.split(": ", 1)
                if action not in legal:
                    with pytest.raises(IllegalAction) as broken:
                        simulator.step(state, action)
                    assert said == f"not legal, {broken.value}"


def test_legality_of_a_room_agrees_with_a_grid_of_characters():
    world = WORLDS["moving_box"]
    for item in problems("moving_box", "hard", 10):
        legal = {
            line[0] for line in world.legality(item.start).splitlines() if line.endswith("legal") and ", " not in line
        }
        assert legal == {way for way in "udlr" if rooms.move(rooms.board(world.write(item.start)), way)}


def test_legality_of_a_board_has_a_line_for_every_block_with_the_ways_in_which_digits_can_be_lifted():
    world = WORLDS["wood_slide"]
    for scene in scenes("wood_slide", 5):
        for state in world.replay(*world.course(scene)):
            moves = boards.moves(world.write(state))
            lines = world.legality(state).splitlines()
            assert len(lines) == 9
            for block, line in zip("123456789", lines, strict=True):
                name, said = line.split(": ")
                assert name == f"block {block}"
                legal = {move for move in moves if move[0] == block}
                assert said == "cannot slide" if not legal else set(said.split()) == legal


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_where_every_action_is_always_legal_says_so_and_no_other_does(world):
    simulator = WORLDS[world]
    states = [state for scene in scenes(world, 6) for state in simulator.replay(*simulator.course(scene))]
    always = all(set(simulator.legal_actions(state)) == set(simulator.actions) for state in states)
    assert simulator.always_legal is always


@pytest.mark.parametrize("world", WORLDS)
def test_the_actions_of_a_world_are_all_that_are_ever_legal(world):
    simulator = WORLDS[world]
    assert len(set(simulator.actions)) == len(simulator.actions)
    used = {
        action
        for scene in scenes(world, 12)
        for state in simulator.replay(*simulator.course(scene))
        for action in simulator.legal_actions(state)
    }
    never = {"1l", "1r"} if world == "wood_slide" else set()  # rare: the great block seldom has room beside it
    assert set(simulator.actions) - never <= used <= set(simulator.actions)


# --- course, rest, asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_the_course_of_a_problem_is_its_solution_and_that_of_a_walk_its_actions(world):
    for item in problems(world, "easy", 4):
        assert WORLDS[world].course(item) == (item.start, WORLDS[world].solve(item))
    for way in walks(world, "easy", 4):
        assert WORLDS[world].course(way) == (way.start, way.actions)


@pytest.mark.parametrize("world", WORLDS)
def test_only_worlds_that_ask_for_plans_say_that_they_do(world):
    kinds = {WORLDS[world].answer_kind(item) for item in problems(world, "easy", 4)}
    assert WORLDS[world].plans == (kinds == {"plan"}) == (world in PLANNING)


@pytest.mark.parametrize("world", WORLDS)
def test_a_state_in_the_middle_of_a_walk_can_be_the_start_of_a_new_one(world):
    simulator = WORLDS[world]
    for way in walks(world, "medium", 6):
        for state, action in zip(simulator.replay(way.start, way.actions), way.actions):
            rested = simulator.rest(state)
            assert simulator.line(rested) == simulator.line(state)
            assert simulator.read(simulator.write(rested)) == rested
            assert simulator.line(simulator.step(rested, action)) == simulator.line(simulator.step(state, action))
            assert simulator.rest(rested) == rested


def test_a_cube_at_rest_forgets_the_cells_behind_it():
    world = WORLDS["cube_rolling"]
    rested = world.rest(world.replay(problem("cube_rolling", "train", 0, "easy").start, ["right", "front"])[-1])
    assert rested.cells == ((1, 1),)
    assert "back" in world.legal_actions(rested)


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_asked_is_the_same_for_all_starts_and_all_actions(world):
    simulator = WORLDS[world]
    items = [item for d in DIFFICULTIES for item in problems(world, d, 30)]
    free = {"cube_rolling": {"path": "right"}, "rubiks_cube": {"moves": "U"}, "wood_slide": {"target": boards.CLASSIC}}
    for item in items:
        query = item.query._replace(**free.get(world, {}))
        assert simulator.asked(item) == simulator.asked(Problem(world, item.difficulty, items[0].start, query))
    asked = {simulator.asked(item) for item in items}
    assert len(asked) == {"cube_rolling": 6, "mental_rotation": 6, "moving_box": 1, "wood_slide": 1}.get(
        world, len(asked)
    )
    assert len(asked) > 20 or world != "rubiks_cube"


# --- the walks that are drawn ------------------------------------------------------------------------------------


def test_half_of_the_walks_of_a_cube_start_in_the_corner_and_the_others_anywhere():
    starts = Counter(walk("cube_rolling", "train", i, "medium").start.cells[0] for i in range(300))
    assert 0.4 < starts[0, 0] / 300 < 0.62
    assert len(starts) > 60
    assert all(0 <= x < 10 and 0 <= z < 10 for x, z in starts)


def test_no_turn_of_a_walk_undoes_the_one_before():
    undo = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
    pairs = Counter()
    for i in range(150):
        actions = walk("mental_rotation", "train", i, "easy").actions
        assert 1 <= len(actions) <= 3
        pairs.update(zip(actions, actions[1:]))
    assert not any(undo[a] == b for a, b in pairs)
    assert len(pairs) == 12


@pytest.mark.parametrize(("difficulty", "least"), [("easy", 4), ("medium", 7), ("hard", 11)])
def test_a_walk_in_a_room_has_the_length_of_its_difficulty(difficulty, least):
    lengths = {len(walk("moving_box", "train", i, difficulty).actions) for i in range(40)}
    assert lengths == set(range(least, least + 4))


def test_four_in_five_steps_of_walks_in_rooms_follow_the_solver():
    world, nearer, steps = WORLDS["moving_box"], 0, 0
    for i in range(40):
        way = walk("moving_box", "train", i, "hard")
        states = [rooms.least_moves(world.write(state)) for state in world.replay(way.start, way.actions)]
        for before, after in zip(states, states[1:]):
            if before:  # there is a course to follow: neither solved nor stuck
                steps += 1
                nearer += after is not None and after < before
    assert 0.8 <= nearer / steps < 0.95, "one step in five is random, and some of those are right by chance"
