"""qwen-vl-utils, by which others feed Qwen's models, hands on the very pictures that we train on."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qwen_vl_utils import process_vision_info

from idf.data import conversation
from idf.drawing import decode_png, on_grid, picture_file
from idf.worlds import DIFFICULTIES, WORLDS, Rng, sample_problem, sample_walk

LIMITS = (None, 1204224, 401408, 200704, 100352, 50176, 12544)


@pytest.mark.parametrize("max_pixels", LIMITS)
@pytest.mark.parametrize("world", WORLDS)
def test_process_vision_info_gives_the_pictures_that_we_train_on(world: str, max_pixels: int | None) -> None:
    for scene in scenes(world):
        for noise in (None, Rng("noise", 0)):
            file = picture_file(scene, max_pixels, noise)
            given, videos = process_vision_info(messages(file))
            assert videos is None
            assert np.array_equal(np.asarray(given[0]), decode_png(file)), "Qwen2-VL and Qwen2.5-VL: 28 pixels a token"


@pytest.mark.parametrize("max_pixels", LIMITS)
@pytest.mark.parametrize("world", WORLDS)
def test_qwen3_vl_is_given_them_with_our_margin(world: str, max_pixels: int | None) -> None:
    """Its tokens are 32 pixels wide: without the margin of `on_grid` the picture would be resampled."""
    for scene in scenes(world):
        trained_on = on_grid(decode_png(picture_file(scene, max_pixels)), 32)
        buffer = io.BytesIO()
        Image.fromarray(trained_on).save(buffer, "PNG")
        given, _ = process_vision_info(messages(buffer.getvalue()), image_patch_size=16)
        assert np.array_equal(np.asarray(given[0]), trained_on)


@pytest.mark.slow
def test_a_checkpoint_is_served_as_the_page_shows(tiny, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs/training.md").read_text()
    code = re.search(r"<!-- serving -->\n```python\n(.*?)```", page, re.DOTALL)[1]
    code = code.replace("checkpoints/stage2/final", str(tiny.model)).replace("max_new_tokens=2048", "max_new_tokens=4")
    exec(compile(code.replace("problem.picture()", "problem.picture(12544)"), "docs/training.md", "exec"), {})
    assert "Verdict(correct=False" in capsys.readouterr().out


def scenes(world: str) -> list:
    numbered = [{"seed": 3, "split": "train", "index": 0, "difficulty": name} for name in DIFFICULTIES]
    return [draw(WORLDS[world], **which) for draw in (sample_problem, sample_walk) for which in numbered]


def messages(file: bytes) -> list:
    """A conversation of ours, with the picture in it as its users put it there."""
    asked = conversation("What is at the top?", None, with_picture=True)
    assert asked[0]["content"][0] == {"type": "image"}
    asked[0]["content"][0] = {"type": "image", "image": Image.open(io.BytesIO(file))}
    return asked
