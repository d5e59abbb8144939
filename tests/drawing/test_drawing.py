from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from idf import drawing
from idf.worlds import WORLDS, sample_problem, sample_walk

NAMES = sorted(WORLDS)


@pytest.mark.parametrize("world", NAMES)
def test_every_world_has_a_drawing_whose_size_the_processor_keeps(world: str) -> None:
    width, height = drawing.picture_size(world, None)
    assert width % 28 == height % 28 == 0
    for scene in (
        sample_problem(WORLDS[world], seed=0, split="train", index=0, difficulty="easy"),
        sample_walk(WORLDS[world], seed=0, split="train", index=0, difficulty="easy"),
    ):
        picture = drawing.draw(scene)
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 5


@pytest.mark.parametrize("world", NAMES)
@pytest.mark.parametrize("max_pixels", [56 * 56, 60 * 60, 112 * 112, 200_000, 512 * 784, 1_000_000, 10**9])
def test_a_limit_of_pixels_is_kept_and_used(world: str, max_pixels: int) -> None:
    full = drawing.picture_size(world, None)
    width, height = drawing.picture_size(world, max_pixels)
    assert width % 28 == height % 28 == 0
    assert min(width, height) >= 56
    assert width * height <= min(max_pixels, full[0] * full[1])
    if max_pixels >= 112 * 112:
        assert width * height > 0.7 * min(max_pixels, full[0] * full[1])
        assert 0.75 < width / height / (full[0] / full[1]) < 1.34
    scene = sample_problem(WORLDS[world], seed=0, split="train", index=0, difficulty="easy")
    assert drawing.draw(scene, max_pixels).shape == (height, width, 3)


def test_a_limit_below_the_smallest_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3136 pixels"):
        drawing.picture_size("cube_rolling", 56 * 56 - 1)


def test_a_picture_takes_one_token_per_28_by_28_pixels() -> None:
    assert drawing.vision_tokens((1344, 868)) == 48 * 31
    assert drawing.vision_tokens((56, 56)) == 4


@pytest.mark.parametrize("world", ["cube_rolling", "mental_rotation", "rubiks_cube"])
def test_a_smaller_picture_shows_the_same_scene(world: str) -> None:
    scene = sample_problem(WORLDS[world], seed=0, split="train", index=1, difficulty="easy")
    module = import_module(f"idf.drawing.{world}")
    width, height = module.SIZE
    large, small = module.draw(scene, (2 * width, 2 * height)), module.draw(scene, (width, height))
    shrunk = large.reshape(height, 2, width, 2, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 1.5


PRINT_HASH = """
import hashlib, sys
from idf import drawing
from idf.worlds import WORLDS, sample_problem
for world in sorted(WORLDS):
    scene = sample_problem(WORLDS[world], seed=3, split="train", index=2, difficulty="easy")
    print(world, hashlib.sha256(drawing.draw(scene, 200_000).tobytes()).hexdigest())
assert not {"torch", "transformers", "matplotlib"} & set(sys.modules), "a heavy module was imported"
"""


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_same_scene_has_the_same_pixels_in_every_process_and_needs_no_torch(hash_seed: str) -> None:
    command = [sys.executable, "-c", PRINT_HASH]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    for line in done.stdout.splitlines():
        world, digest = line.split()
        scene = sample_problem(WORLDS[world], seed=3, split="train", index=2, difficulty="easy")
        assert hashlib.sha256(drawing.draw(scene, 200_000).tobytes()).hexdigest() == digest
