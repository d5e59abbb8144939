from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest

from idf import drawing
from idf.worlds import WORLDS, Problem, Rng, sample_problem, sample_walk
from tests.sentences import refused

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
    with refused(3136, "pixels", by=ValueError):
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


@pytest.mark.parametrize("world", NAMES)
def test_a_file_shows_what_is_drawn_with_and_without_noise(world: str) -> None:
    scene = sample_problem(WORLDS[world], seed=0, split="train", index=2, difficulty="easy")
    for key in (None, "a"):
        picture = drawing.draw(scene, 200_000, Rng(key) if key else None)
        file = drawing.picture_file(scene, 200_000, Rng(key) if key else None)
        assert np.array_equal(drawing.decode_png(file), picture)
        assert file[:4] == (b"\xff\xd8\xff\xe0" if key and world == "moving_box" else b"\x89PNG")


@pytest.mark.parametrize("world", NAMES)
def test_noise_changes_the_picture_where_a_world_has_any_and_leaves_clean_pictures_alone(world: str) -> None:
    scene = sample_problem(WORLDS[world], seed=0, split="train", index=1, difficulty="hard")
    clean, noisy = drawing.draw(scene), drawing.draw(scene, noise=Rng("noise", 0))
    assert noisy.shape == clean.shape
    assert noisy.dtype == clean.dtype
    assert np.array_equal(clean, noisy) == (drawing.noise_of(world) is None)
    assert np.array_equal(drawing.draw(scene, noise=Rng("noise", 0)), noisy)
    assert np.array_equal(drawing.draw(scene), clean)


def test_three_worlds_have_noise_and_say_which() -> None:
    assert [world for world in NAMES if drawing.noise_of(world)] == ["mental_rotation", "moving_box", "wood_slide"]
    assert "glare" in str(drawing.noise_of("mental_rotation"))


def test_a_drawing_that_knows_nothing_of_noise_is_drawn_without(monkeypatch: pytest.MonkeyPatch) -> None:
    sixth = ModuleType("idf.drawing.sixth")
    sixth.SIZE, sixth.draw = (56, 56), lambda scene, size: np.full((size[1], size[0], 3), 7, np.uint8)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "idf.drawing.sixth", sixth)
    scene = Problem("sixth", "easy", None, None)
    assert drawing.noise_of("sixth") is None
    assert drawing.draw(scene, noise=Rng(0)).tolist() == drawing.draw(scene).tolist()
    assert drawing.decode_png(drawing.picture_file(scene, noise=Rng(0))).max() == 7


PRINT_HASH = """
import hashlib, sys
from idf import drawing
from idf.worlds import WORLDS, Rng, sample_problem
for world in sorted(WORLDS):
    scene = sample_problem(WORLDS[world], seed=3, split="train", index=2, difficulty="easy")
    for noise in (None, Rng("noise", world)):
        print(world, hashlib.sha256(drawing.picture_file(scene, 200_000, noise)).hexdigest())
assert not {"torch", "transformers", "matplotlib"} & set(sys.modules), "a heavy module was imported"
"""


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_same_scene_and_noise_have_the_same_file_in_every_process_and_needs_no_torch(hash_seed: str) -> None:
    command = [sys.executable, "-c", PRINT_HASH]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(NAMES)
    for number, line in enumerate(lines):
        world, digest = line.split()
        scene = sample_problem(WORLDS[world], seed=3, split="train", index=2, difficulty="easy")
        file = drawing.picture_file(scene, 200_000, Rng("noise", world) if number % 2 else None)
        assert hashlib.sha256(file).hexdigest() == digest
