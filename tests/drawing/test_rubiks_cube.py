from __future__ import annotations

import numpy as np
import pytest

from idf.drawing import rubiks_cube as drawing
from idf.worlds import DIFFICULTIES, Problem, Rng, sample_problem, sample_walk
from idf.worlds.rubiks_cube import COLOURS, FACES, MOVES, WORLD, Query

from .originals import mean_error, needs_originals, originals

# Where in a square to look, as (row, column): beside lines and letters and, on the copies behind, away from the cube.
SPOTS = {"U": (0.2, 0.2), "D": (0.2, 0.8), "L": (0.2, 0.8), "R": (0.2, 0.2), "F": (0.2, 0.2), "B": (0.2, 0.2)}
SOLVED_DISTANCES = {"U": (2.69, 1), "D": (2.67,), "L": (2.67,), "R": (2.69, 1), "F": (3.5, 1), "B": (3.47,)}
MIXED_DISTANCES = {**SOLVED_DISTANCES, "D": (3.47,), "L": (3.47,)}
# The square of L and of D that the cube hides when it is drawn as the benchmark does; a solved face has one colour.
HIDDEN = {("L", 6), ("D", 6)}


def colour_at(picture: np.ndarray, face: str, distance: float, square: int) -> int:
    (row, column), (down, right) = divmod(square, 3), SPOTS[face]
    point = drawing.on_face(face, distance, (row + down) / 3, (column + right) / 3)
    (x, y), *_ = drawing.to_pixels([point], (picture.shape[1], picture.shape[0]))
    seen = tuple(int(value) for value in picture[int(y), int(x)])
    return COLOURS.index(next(name for name, colour in drawing.COLOURS.items() if colour == seen))


def scrambled(index: int) -> bytes:
    """A cube after random moves that do not cancel out: a solved cube is drawn in another way."""
    rng = Rng("scramble", index)
    state = start = WORLD.draw(rng, "easy")
    while state == start:
        state = WORLD.replay(start, [rng.choice(tuple(MOVES)) for _ in range(1 + rng.below(25))])[-1]
    return state


def problem_of(state: bytes) -> Problem[bytes, Query]:
    return Problem("rubiks_cube", "easy", state, Query("U", "front", "center", ""))


def test_all_54_squares_of_a_scrambled_cube_can_be_read_back() -> None:
    for index in range(200):
        state = scrambled(index)
        picture = drawing.draw(problem_of(state), drawing.SIZE)
        for i, face in enumerate(FACES):
            for distance in MIXED_DISTANCES[face]:
                read = [colour_at(picture, face, distance, square) for square in range(9)]
                assert bytes(read) == state[9 * i : 9 * i + 9], (index, face, distance)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_all_faces_of_a_problem_can_be_read_back(difficulty: str) -> None:
    for index in range(70):
        problem = sample_problem(WORLD, seed=1, split="train", index=index, difficulty=difficulty)
        picture = drawing.draw(problem, drawing.SIZE)
        for i, face in enumerate(FACES):
            for distance in SOLVED_DISTANCES[face]:
                for square in range(9):
                    if (face, square) not in HIDDEN:
                        assert colour_at(picture, face, distance, square) == problem.start[9 * i + square]


def test_a_walk_shows_its_start() -> None:
    walk = sample_walk(WORLD, seed=1, split="train", index=0, difficulty="hard")
    assert np.array_equal(drawing.draw(walk, (308, 308)), drawing.draw(problem_of(walk.start), (308, 308)))


@needs_originals
def test_the_drawing_matches_published_pictures() -> None:
    errors = []
    for item, picture in originals("rubiks_cube", 20):
        faces = item["initial_state"]["start_position"]
        state = bytes(COLOURS.index(colour) for face in FACES.values() for row in faces[face] for colour in row)
        errors.append(mean_error(drawing.draw(problem_of(state), (picture.shape[1], picture.shape[0])), picture))
    assert len(errors) == 20
    assert max(errors) < 2
