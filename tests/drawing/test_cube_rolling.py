from __future__ import annotations

import numpy as np
import pytest

from idf.drawing import cube_rolling as drawing
from idf.worlds import DIFFICULTIES, Problem, sample_problem, sample_walk
from idf.worlds.cube_rolling import BOARD, COLOURS, CORNER, FACES, SHIFT, WORLD, Cube, Query

from .originals import mean_error, needs_originals, originals

Cell = tuple[int, int]


def pixel(picture: np.ndarray, point: tuple[float, float, float], cell: Cell) -> np.ndarray:
    (x, y), *_ = drawing.to_pixels(drawing.on_board([point], cell), (picture.shape[1], picture.shape[0]))
    return picture[int(y), int(x)].astype(int)


def colours_in(picture: np.ndarray, cell: Cell) -> dict[str, str]:
    """What the top, right and front face show, read above the overlay that tints their lower half."""
    points = {"top": (0.5, 1.0, 0.5), "right": (1.0, 0.8, 0.5), "front": (0.5, 0.8, 1.0)}
    shown = {}
    for face, point in points.items():
        seen = tuple(pixel(picture, point, cell))
        shown[face] = next(name for name, colour in drawing.COLOURS.items() if colour == seen)
    return shown


def is_tile(picture: np.ndarray, cell: Cell) -> bool:
    """Whether most of a cell, beside lines and letters, has the colour of a tile."""
    points = [(x, 0.0, z) for x in (0.15, 0.3, 0.7, 0.85) for z in (0.2, 0.8)]
    seen = [pixel(picture, point, cell) for point in points]
    tiles, board = (sum(np.abs(pixel - colour).max() < 4 for pixel in seen) for colour in ((108, 150, 185), (195,) * 3))
    return tiles > board


def is_linked(picture: np.ndarray, cell: Cell, way: str, start: Cell) -> bool:
    """Whether the thin line runs from the middle of a cell to that of the next: is it seen anywhere in between?"""
    dx, dz = SHIFT[way]
    for t in np.linspace(0.55 if cell == start else 0.2, 0.8, 13):  # the cube stands on the first half
        at = drawing.to_pixels(
            drawing.on_board([(0.5 + t * dx, 0, 0.5 + t * dz)], cell), (picture.shape[1], picture.shape[0])
        )
        x, y = (int(value) for value in at[0])
        near = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(int)
        if ((near[:, 0] < 90) & (np.abs(near[:, 2] - 187) < 6)).any():
            return True
    return False


def has_flag(picture: np.ndarray, cell: Cell) -> bool:
    """Whether the flag's pole or cloth is seen somewhere: letters may hide some of it."""
    points = [(0.5, height / 100, 0.5) for height in range(4, 42, 2)] + [(x / 100, 0.31, 0.5) for x in range(54, 62)]
    return any(np.abs(pixel(picture, point, cell) - (121, 91, 127)).max() <= 5 for point in points)


def path_in(picture: np.ndarray, start: Cell = CORNER) -> list[str]:
    """The rolls, read from the tiles and the line."""
    cells = {(x, z) for x in range(BOARD) for z in range(BOARD) if (x, z) == start or is_tile(picture, (x, z))}
    at, path, seen = start, [], {start}
    while True:
        steps = {way: (at[0] + dx, at[1] + dz) for way, (dx, dz) in SHIFT.items()}
        if seen == cells:
            assert has_flag(picture, at), "the path ends without a flag"
            return path
        ways = [way for way, to in steps.items() if to in cells - seen and is_linked(picture, at, way, start)]
        # The flag and the label BACK can hide the line's last piece between them; what is left is the flag's tile.
        ways = ways or [way for way, to in steps.items() if {to} == cells - seen and has_flag(picture, to)]
        assert len(ways) == 1, "the line forks or breaks off"
        path.append(ways[0])
        at = steps[ways[0]]
        seen.add(at)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_colours_and_path_can_be_read_back_from_the_picture(difficulty: str) -> None:
    for index in range(70):
        problem = sample_problem(WORLD, seed=1, split="train", index=index, difficulty=difficulty)
        picture = drawing.draw(problem, drawing.SIZE)
        start = dict(zip(FACES, problem.start.colours, strict=True))
        assert colours_in(picture, CORNER).items() <= start.items()
        assert path_in(picture) == problem.query.path.split()


def test_a_walk_shows_its_actions_as_the_path() -> None:
    read = 0
    for index in range(40):
        walk = sample_walk(WORLD, seed=1, split="train", index=index, difficulty="medium")
        (x, z), *others = WORLD.replay(walk.start, walk.actions)[-1].cells
        if any(abs(u - x) <= 1 and z - 2 <= w < z for u, w in others):
            continue  # a cube that does not start at the back hides what of the path lies behind it
        assert path_in(drawing.draw(walk, drawing.SIZE), (x, z)) == list(walk.actions)
        read += 1
    assert read > 20


def test_tiles_are_as_dark_as_if_they_were_drawn_together() -> None:
    for size in (drawing.SIZE, (644, 616)):
        for index in range(20):
            problem = sample_problem(WORLD, seed=1, split="train", index=index, difficulty="hard")
            cells = WORLD.replay(problem.start, problem.query.path.split())[-1].cells
            together = drawing._board(
                size, [drawing.to_pixels(drawing.on_board(drawing._SQUARE, cell), size) for cell in cells]
            )
            error = np.abs(drawing.tiled_board(cells, size).astype(int) - together)
            assert error.max() <= 3
            assert (error > 1).sum() <= 9  # of three million: pixels where the corners of three tiles meet


def test_a_label_that_nothing_reaches_looks_as_if_it_were_drawn_last(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [sample_problem(WORLD, seed=1, split="train", index=i, difficulty="medium") for i in range(20)]
    pictures = [drawing.draw(problem, drawing.SIZE) for problem in problems]
    stage = drawing._stage(drawing.SIZE)
    always = [label._replace(behind=frozenset(stage.tiles)) for label in stage.labels]
    monkeypatch.setattr(drawing, "_stage", lambda _: stage._replace(labels=always))
    for problem, picture in zip(problems, pictures, strict=True):
        assert np.array_equal(drawing.draw(problem, drawing.SIZE), picture)


def test_a_cube_that_has_rolled_stands_in_its_cell_and_shows_the_path_that_is_left() -> None:
    start = WORLD.replay(Cube(COLOURS, (CORNER,)), ["right", "front", "front"])[-1]
    picture = drawing.draw(Problem("cube_rolling", "easy", start, Query("front left", "top")), drawing.SIZE)
    assert colours_in(picture, (1, 2)).items() <= dict(zip(FACES, start.colours, strict=True)).items()
    assert [is_tile(picture, cell) for cell in ((1, 3), (0, 3), (0, 1))] == [True, True, False]


def test_the_overlay_tints_the_foot_of_the_cube() -> None:
    start = Cube(("red", "yellow", "green", "gray", "blue", "black"), (CORNER,))
    picture = drawing.draw(Problem("cube_rolling", "easy", start, Query("right right", "top")), drawing.SIZE)
    assert np.abs(pixel(picture, (0.5, 0.2, 1.0), CORNER) - (49, 91, 203)).max() <= 1


@needs_originals
def test_the_drawing_matches_published_pictures() -> None:
    errors = []
    for item, picture in originals("cube_rolling", 20):
        given = item["initial_state"]
        start = Cube(tuple(given["initial_colors"][face] for face in FACES), (CORNER,))
        problem = Problem("cube_rolling", "easy", start, Query(" ".join(given["rolling_path"]), given["test_face"]))
        errors.append(mean_error(drawing.draw(problem, (picture.shape[1], picture.shape[0])), picture))
    assert len(errors) == 20
    assert max(errors) < 0.7
