"""Exact measures of difficulty against counting by hand and plain search; the answers of somebody who imagines nothing."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import pytest

from idf.worlds import DIFFICULTIES, WORLDS, Problem, Walk
from idf.worlds.cube_rolling import COLOURS, FACES, Cube, Query
from idf.worlds.mental_rotation import counts_text
from idf.worlds.rubiks_cube import face_colours
from tests.worlds import reference_moving_box as rooms
from tests.worlds import reference_wood_slide as boards
from tests.worlds.reference_cube_rolling import next_cell
from tests.worlds.reference_geometry import quarter_turn_that_brings, rotated
from tests.worlds.reference_mental_rotation import seen
from tests.worlds.samples import problems, walks


def measured(scene: Problem | Walk) -> dict[str, int]:
    return WORLDS[scene.world].measure(scene)


def scenes(world: str, difficulty: str, number: int) -> list[Problem | Walk]:
    return [*problems(world, difficulty, number), *walks(world, difficulty, number)]


@pytest.mark.parametrize("world", WORLDS)
def test_a_measure_is_a_whole_number_under_the_same_names_for_problems_and_walks(world):
    found = [measured(scene) for difficulty in DIFFICULTIES for scene in scenes(world, difficulty, 6)]
    assert len({tuple(each) for each in found}) == 1
    assert all(type(n) is int and n >= 0 for each in found for n in each.values())


@pytest.mark.parametrize("world", WORLDS)
def test_the_size_of_a_problem_is_one_of_its_measures(world):
    name = {"cube_rolling": "rolls", "mental_rotation": "cubes", "moving_box": "least_pushes"}
    name |= {"rubiks_cube": "moves", "wood_slide": "distance"}
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 6):
            assert measured(item)[name[world]] == WORLDS[world].size(item)


# --- Cube Rolling ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_turns_and_contacts_of_a_path_are_counted_cell_by_cell(difficulty):
    contacts = 0
    for scene in scenes("cube_rolling", difficulty, 60):
        rolls = scene.query.path.split() if isinstance(scene, Problem) else scene.actions
        cells = list(scene.start.cells)
        for roll in rolls:
            cells.append(next_cell(cells[-1], roll))
        beside = [
            (i, j)
            for (i, (x, z)), (j, (u, v)) in combinations(enumerate(cells), 2)
            if sorted((abs(x - u), abs(z - v))) == [0, 1] and j - i > 1
        ]
        turns = sum(rolls[i] != rolls[i - 1] for i in range(1, len(rolls)))
        assert measured(scene) == {"rolls": len(rolls), "turns": turns, "contacts": len(beside)}
        contacts += len(beside)
    assert contacts or difficulty == "easy"


def test_a_path_round_a_block_of_cells_has_one_contact():
    item = Problem("cube_rolling", "easy", Cube(COLOURS, ((0, 0),)), Query("right front left", "top"))
    assert measured(item) == {"rolls": 3, "turns": 2, "contacts": 1}


# --- Mental Rotation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_hidden_cubes_are_those_that_no_ray_hits(difficulty):
    hidden = 0
    for scene in scenes("mental_rotation", difficulty, 25):
        if isinstance(scene, Problem):
            turns, shown = len(WORLDS[scene.world].solve(scene)), seen(dict(scene.start), scene.query.view)
        else:
            cells = [cell for cell, _ in scene.start]
            for side in scene.actions:
                cells = [rotated(quarter_turn_that_brings(side, "front"), cell) for cell in cells]
            turns, shown = len(scene.actions), seen(cells, "front")
        n = len(scene.start)
        assert measured(scene) == {"cubes": n, "hidden": n - len(shown), "turns": turns}
        hidden += n - len(shown)
    assert hidden


# --- Moving Box ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_pushes_are_counted_on_a_grid_and_least_pushes_and_moves_found_by_dijkstra(difficulty):
    world = WORLDS["moving_box"]
    for scene in scenes("moving_box", difficulty, 8):
        text = world.write(scene.start)
        moves = world.solve(scene) if isinstance(scene, Problem) else scene.actions
        grid = rooms.board(text)
        kinds = Counter(rooms.move(grid, way) for way in moves)
        assert None not in kinds
        assert measured(scene) == {
            "moves": len(moves),
            "pushes": kinds["push"],
            "least_pushes": rooms.least_pushes(text),
            "least_moves": rooms.least_moves(text),
        }


def test_a_room_that_cannot_be_solved_has_no_least_number_of_anything():
    world = WORLDS["moving_box"]
    stuck = world.read("# # # # #\n# B . T #\n# S . . #\n# # # # #")
    walk = Walk("moving_box", "easy", stuck, ("r", "u"), "?", "", "", "")
    assert measured(walk) == {"moves": 2, "pushes": 0}


# --- Rubik's Cube ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_shortest_way_to_write_moves_is_as_short_as_search_finds(difficulty):
    world = WORLDS["rubiks_cube"]
    for scene in scenes("rubiks_cube", difficulty, 6):
        moves = world.solve(scene) if isinstance(scene, Problem) else scene.actions
        end = world.replay(scene.start, moves)[-1]
        distance, ring = {scene.start: 0}, [scene.start]
        for depth in (1, 2, 3):
            ring = [
                after for state in ring for move in world.actions if (after := world.step(state, move)) not in distance
            ]
            distance |= dict.fromkeys(ring, depth)
        assert measured(scene) == {"moves": len(moves), "shortest": distance.get(end, 4)}


# --- Wood Slide ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_distance_is_the_one_that_plain_search_finds(difficulty):
    world = WORLDS["wood_slide"]
    for scene in scenes("wood_slide", difficulty, 6):
        target = scene.query.target if isinstance(scene, Problem) else scene.answer
        distance = boards.distances(world.write(scene.start), 15)[target]
        assert measured(scene) == {"moves": distance, "distance": distance}


def test_a_walk_that_goes_round_in_a_circle_has_no_distance():
    classic = WORLDS["wood_slide"].read(boards.CLASSIC)
    assert measured(Walk("wood_slide", "easy", classic, ("3d", "3u"), "?", "", "", "")) == {"moves": 2, "distance": 0}


# --- who imagines nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("world", WORLDS)
def test_the_initial_answer_of_a_walk_is_the_answer_if_nothing_had_moved(world, difficulty):
    simulator = WORLDS[world]
    fooled = 0
    for walk in walks(world, difficulty, 30):
        if world == "cube_rolling":
            (face,) = re.findall(r"the (\w+) face now", walk.question)
            still = walk.start.colours[FACES.index(face)]
        elif world == "mental_rotation":
            cells = dict(walk.start)
            counts = Counter(cells[cell] for cell in seen(cells, "front"))
            still = counts_text({colour: counts[colour] for colour in COLOURS if counts[colour]})
        elif world == "moving_box":
            grid = rooms.board(simulator.write(walk.start))
            still = "player ({},{}) box ({},{})".format(*rooms.find(grid, "S+"), *rooms.find(grid, "B*"))
        elif world == "rubiks_cube":
            square = re.search(r"colour is the .* of the (\w+) face", walk.question)
            count = re.search(r"How many (\w+) squares are on the (\w+) face", walk.question)
            still = (
                face_colours(walk.start, square[1])[4]
                if square
                else str(face_colours(walk.start, count[2]).count(count[1]))
            )
        else:
            still = simulator.write(walk.start)
        assert walk.initial == still
        fooled += walk.initial == walk.answer
    assert fooled < 40, "of 60 walks, most must not be answered by looking at the start"
