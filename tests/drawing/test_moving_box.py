from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from idf.drawing.moving_box import SIZE, draw, noisy_file
from idf.worlds import Problem, Rng, sample_problem, sample_walk
from idf.worlds.moving_box import WORLD, Query, Room, grid, room_from_grid

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = Path(os.environ.get("SPATIALITE_DIR", ROOT.parent / "shared" / "spatialite")) / "data" / "move_box"
DIFFICULTIES = ("easy", "medium", "hard")
SMALL = (224, 224)


def problem_of(rows: list[str]) -> Problem[Room, Query]:
    return Problem("moving_box", "easy", room_from_grid([list(row) for row in rows]), Query())


def symbol_of(tile: np.ndarray) -> str:
    """What a cell shows, from five places."""

    def at(x: float, y: float) -> tuple[int, int, int]:
        red, green, blue = tile[int(y * len(tile)), int(x * len(tile))].astype(int)
        return red, green, blue

    def grey(x: float, y: float) -> bool:
        colour = at(x, y)
        return max(colour) - min(colour) < 25 and 120 < sum(colour) / 3 < 220

    def blue(x: float, y: float) -> bool:
        """Here or in a pixel beside it: JPEG spreads colours over two pixels, and trousers are three high."""
        row, column = int(y * len(tile)), int(x * len(tile))
        around = tile[row - 1 : row + 2, column - 1 : column + 2].astype(int)
        return bool((around[..., 2] - around[..., 0]).max() > 40)

    red, green, _ = at(0.07, 0.47)
    if min(at(0.07, 0.47)) < 200:
        if red - green > 55:
            return "#"
        return "*" if grey(0.266, 0.675) else "B"  # the pole of the flag on the crate
    if grey(0.165, 0.75):  # the pole of the flag
        return "+" if blue(0.64, 0.87) else "T"  # trousers
    return "S" if blue(0.4, 0.773) else "."


def read_back(picture: np.ndarray, cells: int) -> list[str]:
    height, width, _ = picture.shape
    side = min(height, width)
    margin = round(side * 30 / 572)
    cell = (side - 2 * margin) // cells
    top, left = (height - side) // 2 + margin, (width - side) // 2 + margin
    return [
        "".join(
            symbol_of(picture[top + r * cell : top + (r + 1) * cell, left + c * cell : left + (c + 1) * cell])
            for c in range(cells)
        )
        for r in range(cells)
    ]


@lru_cache(maxsize=3)
def problems(difficulty: str) -> list[Problem[Room, Query]]:
    return [sample_problem(WORLD, seed=0, split="train", index=i, difficulty=difficulty) for i in range(60)]


@pytest.mark.parametrize("size", [SIZE, SMALL])
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_cell_of_a_picture_can_be_read_back(difficulty: str, size: tuple[int, int]) -> None:
    for index, problem in enumerate(problems(difficulty)):
        for noise in (None, Rng(index)):
            picture = draw(problem, size, noise)
            assert read_back(picture, len(problem.start.walls)) == grid(problem.start), f"problem {index}, {noise}"


@pytest.mark.parametrize("size", [SIZE, SMALL])
def test_a_walk_shows_its_start_and_nothing_of_its_end(size: tuple[int, int]) -> None:
    for index in range(20):
        walk = sample_walk(WORLD, seed=0, split="train", index=index, difficulty="medium")
        assert read_back(draw(walk, size), len(walk.start.walls)) == grid(walk.start)
        longer = replace(walk, actions=(), question="?", reading="", answer="!")
        assert np.array_equal(draw(walk, size), draw(longer, size))


@pytest.mark.parametrize("size", [SIZE, SMALL])
@pytest.mark.parametrize(
    "rows",
    [
        ["######", "#....#", "#.+B.#", "#....#", "#....#", "######"],
        ["#######", "#.....#", "#..*..#", "#..S..#", "#..#..#", "#.....#", "#######"],
    ],
)
def test_player_or_box_on_the_target_can_be_told(rows: list[str], size: tuple[int, int]) -> None:
    assert read_back(draw(problem_of(rows), size), len(rows)) == rows


def test_every_symbol_differs_from_every_other_at_the_smallest_size() -> None:
    cells = {}
    for row in ("#.SBT.#", "#.*.S.#", "#.+.B.#"):
        picture = draw(problem_of(["#######", row, *["#######"] * 5]), (56, 56))
        for column, symbol in enumerate(row):
            cells[symbol] = picture[3 + 7 : 3 + 14, 3 + 7 * column : 3 + 7 * (column + 1)].astype(int)
    assert len(cells) == 7
    for one, tile in cells.items():
        for other, other_tile in cells.items():
            assert one == other or np.abs(tile - other_tile).mean() > 8, (one, other)


@pytest.mark.parametrize("size", [(56, 56), (112, 112), (560, 560), (560, 280), (84, 308), (1120, 1120)])
def test_a_picture_has_the_asked_size_and_its_room_is_in_the_middle(size: tuple[int, int]) -> None:
    picture = draw(problem_of(["######", "#.S..#", "#..B.#", "#...T#", "#....#", "######"]), size)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8
    inked = picture.min(axis=2) < 250
    for axis, length in ((0, size[0]), (1, size[1])):
        where = np.flatnonzero(inked.any(axis=axis))
        assert abs(where[0] - (length - 1 - where[-1])) <= 6  # what is left over when cells are whole pixels


def test_a_picture_is_its_own_copy() -> None:
    problem = problem_of(["######", "#.S..#", "#..B.#", "#...T#", "#....#", "######"])
    before = draw(problem, SMALL)
    draw(problem, SMALL)[:] = 0
    assert np.array_equal(draw(problem, SMALL), before)


def test_a_noisy_file_is_a_jpeg_with_the_published_tables() -> None:
    problem = problem_of(["######", "#.S..#", "#..B.#", "#...T#", "#....#", "######"])
    clean = draw(problem, SIZE)
    with Image.open(io.BytesIO(noisy_file(clean))) as ours:
        assert (ours.format, ours.size, ours.mode) == ("JPEG", SIZE, "RGB")
        tables, sampling = ours.quantization, JpegImagePlugin.get_sampling(ours)
    assert sampling == 2  # 4:2:0
    assert 0.5 < np.abs(draw(problem, SIZE, Rng(0)).astype(int) - clean).mean() < 6
    theirs = next(PUBLISHED.rglob("*.jp*g"), None)
    if theirs is None:
        pytest.skip(f"no published picture is at {PUBLISHED}")
    with Image.open(theirs) as published:
        assert published.quantization == tables
        assert JpegImagePlugin.get_sampling(published) == sampling


def test_pictures_are_close_to_the_published_ones() -> None:
    if not (PUBLISHED / "move_box_samples.json").exists():
        pytest.skip(f"the published pictures are not at {PUBLISHED} (set SPATIALITE_DIR)")
    items = [json.loads(line) for line in (PUBLISHED / "move_box_samples.json").read_text().splitlines()]
    errors = []
    for item in items:
        if (PUBLISHED / item["image"]).exists():
            with Image.open(PUBLISHED / item["image"]) as image:
                original = np.array(image.convert("RGB")).astype(int)
            picture = draw(problem_of(["".join(row) for row in item["initial_state"]["map"]]), (572, 572))
            errors.append(float(np.abs(original - picture).mean()))
    if not errors:
        pytest.skip(f"no published picture is at {PUBLISHED}")
    # measured: 6.06 on average, 6.54 at most; the sprites are our own, and the originals have JPEG noise
    assert np.mean(errors) < 7
    assert max(errors) < 8
