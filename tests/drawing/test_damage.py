"""Damaged pictures: worse with each strength, of the same size, the same every time."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from idf.drawing import DAMAGES, damaged, draw
from idf.worlds import WORLDS, sample_problem


def picture(world):
    return draw(sample_problem(WORLDS[world], seed=3, split="eval", index=0, difficulty="medium"), 100_352)


def error(one, other):
    return float(np.mean((one.astype(float) - other.astype(float)) ** 2))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("kind", ["blur", "jpeg", "lowres"])
def test_each_strength_is_worse_than_the_one_before(world, kind):
    drawn = picture(world)
    before = drawn.copy()
    errors = [error(drawn, damaged(drawn, f"{kind}-{strength}")) for strength in (1, 2, 3)]
    assert 0 < errors[0] < errors[1] < errors[2]
    assert (drawn == before).all(), "the picture itself is left alone"


@pytest.mark.parametrize("damage", DAMAGES)
def test_size_and_type_stay_and_it_is_the_same_every_time(damage):
    drawn = picture("moving_box")
    once = damaged(drawn, damage)
    assert (once.shape, once.dtype) == (drawn.shape, np.uint8)
    assert (once == damaged(drawn, damage)).all()


def test_a_low_resolution_picture_holds_no_more_than_its_small_form():
    """Made small again, it is nearly what it was made of: all the rest is gone."""
    drawn = picture("wood_slide")
    size = (drawn.shape[1] // 8, drawn.shape[0] // 8)
    small = [
        np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
        for pixels in (drawn, damaged(drawn, "lowres-3"))
    ]
    assert error(*small) < 0.1 * error(drawn, damaged(drawn, "lowres-3"))


def test_jpeg_is_what_pillow_writes_and_reads():
    drawn = picture("cube_rolling")
    file = BytesIO()
    Image.fromarray(drawn).save(file, "JPEG", quality=5)
    assert (damaged(drawn, "jpeg-3") == np.asarray(Image.open(file))).all()


def test_an_unknown_damage_is_refused():
    with pytest.raises(ValueError, match=r"blur-4.*blur-1"):
        damaged(picture("cube_rolling"), "blur-4")
