from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from idf.drawing import mental_rotation as drawing
from idf.worlds import DIFFICULTIES, Problem, sample_problem, sample_walk
from idf.worlds.mental_rotation import COLOURS, TOWARDS, WORLD, Cell, Query, Structure, structure

from .originals import mean_error, needs_originals, originals, panels

# Where on a face to look, in units from its middle (through which the thin axis runs).
SPOTS = [spot for spot in product((-0.3, 0.0, 0.3), repeat=2) if spot != (0.0, 0.0)]
LEAST_SHARE = 0.5  # of a cube's unhidden spots show its colour: arrow heads, words and hair-lines cover the others


def unhidden(points: np.ndarray, eye: np.ndarray, cells: list[Cell]) -> np.ndarray:
    """For each point, whether the line from it to the eye meets none of the cubes (the slab method)."""
    way = (eye - points)[:, None]
    from_points = np.array(cells) - points[:, None]
    ends = np.stack(((from_points - 0.5) / way, (from_points + 0.5) / way))
    enters, leaves = ends.min(0).max(-1), ends.max(0).min(-1)
    return ~((leaves > enters) & (leaves > 1e-9)).any(1)


def spots_of(cell: Cell, side: str) -> np.ndarray:
    corners = drawing.face_corners(side)
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    return np.array([cell + corners.mean(0) + a * along + b * across for a, b in SPOTS])


def shares(picture: np.ndarray, cells: list[Cell], cell: Cell) -> dict[str, float]:
    """For each colour, which share of a cell's unhidden spots shows it, over all eight panels.

    Args:
        picture: The drawing.
        cells: The cubes that may hide a spot.
        cell: A cell, with or without a cube.
    """
    height, width, _ = picture.shape
    matches = []
    for panel in range(8):
        eye = 6.787 * np.array(drawing.corner(panel))
        for index, side in enumerate(("right", "left", "top", "bottom", "front", "back")):
            step = np.array(TOWARDS[side])
            if step @ eye < 0 or moved(cell, step) in cells:
                continue
            points = spots_of(cell, side)
            points = points[unhidden(points + 1e-6 * step, eye, cells)]
            x, y = drawing.to_pixels(points, panel, (width, height)).astype(int).T
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)  # else next to a cube at the rim
            colours = np.array([drawing.COLOURS[colour][index] for colour in COLOURS])
            pixels = picture[y[inside], x[inside]].astype(int)
            matches.append(np.abs(pixels[:, None] - colours).max(2) <= 2)
    seen = np.concatenate(matches) if matches else np.zeros((0, 6), bool)
    return dict(zip(COLOURS, seen.sum(0) / max(len(seen), 1), strict=True))


def moved(cell: Cell, step: np.ndarray | Cell) -> Cell:
    x, y, z = (int(value) for value in np.add(cell, step))
    return x, y, z


def problem_of(state: Structure) -> Problem[Structure, Query]:
    return Problem("mental_rotation", "easy", state, Query("front"))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_cube_can_be_read_back_and_no_free_cell_looks_like_a_cube(difficulty: str) -> None:
    for index in range(50):
        cubes = dict(sample_problem(WORLD, seed=1, split="train", index=index, difficulty=difficulty).start)
        picture = drawing.draw(problem_of(tuple(cubes.items())), drawing.SIZE)
        free = {moved(cell, step) for cell in cubes for step in TOWARDS.values()} - set(cubes)
        for cell in free | set(cubes):
            found = shares(picture, list(cubes), cell)
            read = [colour for colour, share in found.items() if share > LEAST_SHARE]
            # A cube with six neighbours is seen from nowhere, neither in a picture nor from a side that is asked about.
            enclosed = all(moved(cell, step) in cubes for step in TOWARDS.values())
            assert read == ([cubes[cell]] if cell in cubes and not enclosed else []), (index, cell, found)


def test_no_panel_is_of_a_single_colour() -> None:
    for index in range(30):
        problem = sample_problem(WORLD, seed=1, split="train", index=index, difficulty="easy")
        assert min(panel.std() for panel in panels(drawing.draw(problem, drawing.SIZE))) > 10


def test_the_eight_panels_are_seen_from_eight_corners() -> None:
    assert [drawing.corner(number) for number in (0, 1, 2, 7)] == [(-1, 1, 1), (1, 1, 1), (-1, 1, -1), (1, -1, -1)]
    assert len({drawing.corner(number) for number in range(8)}) == 8


def test_a_cube_on_an_axis_hides_what_marks_the_axis_there() -> None:
    bare = structure({(0, 0, 0): "gray"})
    longer = structure({(0, 0, z): "gray" for z in range(4)})
    blue = [(drawing.draw(problem_of(state), drawing.SIZE) == (0, 0, 255)).all(2).sum() for state in (bare, longer)]
    assert 0 < blue[1] < 0.7 * blue[0]  # of the two blue arrow heads, the one in front is inside of a cube


def test_a_walk_shows_its_start() -> None:
    walk = sample_walk(WORLD, seed=1, split="train", index=0, difficulty="hard")
    assert np.array_equal(drawing.draw(walk, (448, 280)), drawing.draw(problem_of(walk.start), (448, 280)))


@needs_originals
def test_the_drawing_matches_published_pictures() -> None:
    errors = []
    for item, picture in originals("mental_rotation", 4, shrink=3):
        cubes = {}
        for cell, colour in item["initial_state"].items():
            x, y, z = (int(value) for value in cell.split(","))
            cubes[x, y, z] = colour
        ours = drawing.draw(problem_of(structure(cubes)), (picture.shape[1], picture.shape[0]))
        errors.append(mean_error(ours, picture))
    assert len(errors) == 4
    assert max(errors) < 3
