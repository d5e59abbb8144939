"""Pictures of scenes that are shown in part show no more than the text says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from idf.drawing import PATCH, draw, picture_size
from idf.worlds import PARTS, sample_problem
from idf.worlds.cube_rolling import FACES, HIDDEN


def problem(world: str, index: int = 0):
    return sample_problem(PARTS[world], seed=5, split="train", index=index, difficulty="easy")


@pytest.mark.parametrize("world", PARTS)
@pytest.mark.parametrize("max_pixels", [None, 60_000, 3136])
def test_a_picture_has_the_size_that_is_told(world, max_pixels):
    picture = draw(problem(world), max_pixels)
    width, height = picture_size(world, max_pixels)
    assert picture.shape == (height, width, 3)
    assert width % PATCH == height % PATCH == 0
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 2


@pytest.mark.parametrize("world", PARTS)
def test_other_problems_have_other_pictures(world):
    assert any(not np.array_equal(draw(problem(world)), draw(problem(world, index))) for index in range(1, 4))


def test_hidden_faces_of_a_cube_are_not_drawn():
    item = problem("cube_rolling_part")
    colours = dict(zip(FACES, item.start.colours, strict=True))
    first, *others = HIDDEN
    turned = colours | dict(zip(HIDDEN, [colours[face] for face in (*others, first)], strict=True))
    other = replace(item, start=item.start._replace(colours=tuple(turned[face] for face in FACES)))
    assert np.array_equal(draw(item), draw(other))


def test_what_is_below_a_cover_is_not_drawn():
    item = problem("moving_box_part")
    rows = [row.split() for row in item.query.shown.split("\n")]
    walls = item.start.walls
    for symbol in "#.":
        covered = [
            "".join(symbol if shown == "?" else wall for shown, wall in zip(row, there, strict=True))
            for row, there in zip(rows, walls, strict=True)
        ]
        other = replace(item, start=item.start._replace(walls=tuple(covered)))
        assert np.array_equal(draw(item), draw(other))
    uncovered = replace(item, query=item.query._replace(shown=item.query.shown.replace("?", ".")))
    assert not np.array_equal(draw(item), draw(uncovered))


def test_the_views_are_drawn_and_not_the_structure():
    item, other = problem("mental_rotation_part"), problem("mental_rotation_part", 1)
    assert np.array_equal(draw(item), draw(replace(item, start=other.start)))
    assert not np.array_equal(draw(item), draw(replace(item, query=other.query)))
