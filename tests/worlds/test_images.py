"""A problem under the symmetries of its world: as hard, in the same split, and right where the problem is right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idf.worlds import DIFFICULTIES, WORLDS, sample_problem, split_of

N = 25
WAYS = {"moving_box": "udlr", "wood_slide": "udlr"}


def problems(world):
    return [
        sample_problem(WORLDS[world], seed=5, split="eval", index=index, difficulty=difficulty)
        for difficulty in DIFFICULTIES
        for index in range(N)
    ]


@pytest.mark.parametrize("world", WORLDS)
def test_images_are_as_hard_and_of_the_same_split(world):
    simulator = WORLDS[world]
    several = 0
    for problem in problems(world):
        images = simulator.images(problem)
        assert problem in images
        several += len(set(images)) > 1
        for image in images:
            keys = simulator.keys(image)
            assert keys.canonical == simulator.keys(problem).canonical
            assert keys.skeleton == simulator.keys(problem).skeleton
            assert split_of(simulator, keys) == "eval"
            assert simulator.size(image) == simulator.size(problem)
            assert simulator.read(simulator.write(image.start)) == image.start
            assert image.difficulty == problem.difficulty
    assert several > 2 * N


@pytest.mark.parametrize("world", ["cube_rolling", "mental_rotation", "rubiks_cube"])
def test_what_is_seen_does_not_change_when_one_walks_around_it(world):
    """The colour or count that the simulator finds in the image is that of the problem: two simulations, one answer."""
    for problem in problems(world):
        for image in WORLDS[world].images(problem):
            assert WORLDS[world].truth(image) == WORLDS[world].truth(problem), (problem, image)


def test_a_square_of_the_turned_cube_is_the_one_that_was_asked():
    """With all squares told apart, a wrong place would show another one."""
    cube = WORLDS["rubiks_cube"]
    problem = next(p for p in problems("rubiks_cube") if p.query.position)
    for at, position in enumerate(("top-left", "top-center", "middle-right", "bottom-left")):
        for face in ("up", "down", "left", "right", "front", "back"):
            asked = replace(problem, query=problem.query._replace(face=face, position=position, moves="U R2 F3 L D B"))
            assert {cube.truth(image) for image in cube.images(asked)} == {cube.truth(asked)}, (at, face)


@pytest.mark.parametrize("world", WAYS)
def test_a_plan_carried_along_solves_the_image(world):
    """For each image there is one way to rename the four directions by which the plan of the problem solves it."""
    simulator = WORLDS[world]
    names = [dict(zip("udlr", to)) for to in ("udlr", "udrl", "dulr", "durl", "lrud", "lrdu", "rlud", "rldu")]
    for problem in problems(world):
        plan = simulator.solve(problem)
        for image in simulator.images(problem):
            carried = [tuple(move[:-1] + to[move[-1]] for move in plan) for to in names]
            assert any(simulator.judge(image, moves).correct for moves in carried)


def test_eight_images_of_a_room_four_of_a_board_and_of_what_one_walks_around():
    counts = {world: {len(set(WORLDS[world].images(problem))) for problem in problems(world)} for world in WORLDS}
    assert counts["moving_box"] == {8}
    assert counts["wood_slide"] == {4}
    assert max(counts["mental_rotation"]) == max(counts["rubiks_cube"]) == 4
    # A path that runs behind the cube is not shown: fewer than eight are left of most, the mirror image at least.
    assert counts["cube_rolling"] <= set(range(2, 9))
