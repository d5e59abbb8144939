"""Samples by index: the same for everybody, and never on both sides of the split."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from hashlib import blake2b

import pytest

from idf.worlds import (
    DIFFICULTIES,
    SPLITS,
    WORLDS,
    Draw,
    Keys,
    Rng,
    problem_to_json,
    sample_problem,
    sample_walk,
    split_of,
)
from tests.sentences import refused
from tests.worlds.samples import problem, walk

BY_DIFFICULTY = [(world, difficulty) for world in WORLDS for difficulty in DIFFICULTIES]


def fingerprint(world_name: str, difficulty: str, split: str, index: int) -> str:
    """Everything that two processes must agree on, as text."""
    world = WORLDS[world_name]
    at = {"seed": 3, "split": split, "index": index, "difficulty": difficulty}
    item, way = sample_problem(world, **at), sample_walk(world, **at)
    parts = [
        problem_to_json(item),
        world.truth(item),
        world.solve(item),
        world.narrate(item),
        world.question(item, wording="long", described=True),
        world.keys(item),
        world.see(item),
        world.measure(item),
        [world.write(way.start), way.actions, way.question, way.reading, way.answer, way.initial],
        world.unroll(way.start, way.actions),
        world.legality(way.start),
        world.keys(way),
        world.measure(way),
    ]
    return json.dumps(parts)


def all_fingerprints() -> dict[str, str]:
    """A digest of a sample of every world, difficulty and split."""
    return {
        f"{world} {difficulty} {split}": blake2b(
            fingerprint(world, difficulty, split, 1).encode(), digest_size=8
        ).hexdigest()
        for world, difficulty in BY_DIFFICULTY
        for split in SPLITS
    }


def test_a_fresh_process_with_another_hash_seed_draws_the_same_samples():
    here = all_fingerprints()
    for hash_seed in ("0", "12345"):
        code = "import json; from tests.worlds import test_sampling as t; print(json.dumps(t.all_fingerprints()))"
        output = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert json.loads(output) == here


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_the_same_index_gives_the_same_sample_in_any_order(world, difficulty):
    # Two at least: the second must not depend on whether the first was drawn.
    for index in reversed(range(2)):
        for split in SPLITS:
            at = {"seed": 7, "split": split, "index": index, "difficulty": difficulty}
            assert sample_problem(WORLDS[world], **at) == problem(world, split, index, difficulty)
            assert sample_walk(WORLDS[world], **at) == walk(world, split, index, difficulty)


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_a_sample_belongs_to_the_split_it_was_asked_for(world, difficulty):
    simulator = WORLDS[world]
    clean = {split: set() for split in SPLITS}
    for split in SPLITS:
        for index in range(60):
            for scene in (problem(world, split, index, difficulty), walk(world, split, index, difficulty)):
                keys = simulator.keys(scene)
                assert split_of(simulator, keys) == split
                clean[split].add(keys.canonical)
    assert not clean["train"] & clean["eval"]


@pytest.mark.parametrize("world", WORLDS)
def test_another_seed_is_other_data_and_not_the_same_data_shifted(world):
    def scenes(seed):
        draws = (sample_problem(WORLDS[world], seed=seed, split="train", index=i, difficulty="easy") for i in range(50))
        return {(WORLDS[world].keys(item).canonical, item.query) for item in draws}

    # Three and four cubes make few structures, so Mental Rotation may draw a few of them twice.
    assert len(scenes(42) & scenes(43)) <= (5 if world == "mental_rotation" else 0)


def side(world: str, text: str) -> str:
    """The split of a scene whose canonical key is a text; the other levels must have no part in it."""
    keys = Keys("an exact key", "a canonical key", "a skeleton", ("a state",))
    return split_of(WORLDS[world], keys._replace(canonical=text))


@pytest.mark.parametrize("world", WORLDS)
def test_one_scene_in_ten_is_for_evaluation(world):
    share = sum(side(world, f"scene {i}") == "eval" for i in range(10_000)) / 10_000
    assert share == pytest.approx(0.1, abs=0.015)


def test_the_split_of_a_scene_is_never_dealt_again():
    # Written down once: a scene that was evaluated on must not wander into a later release's training data.
    dealt = "".join(side(world, f"scene {i}")[0] for world in sorted(WORLDS) for i in range(40))
    assert blake2b(dealt.encode(), digest_size=8).hexdigest() == "1ae1c229817aa9d7"
    assert [i for i in range(60) if side("cube_rolling", f"scene {i}") == "eval"] == [8, 17, 18, 29]


@pytest.mark.parametrize("sample", [sample_problem, sample_walk])
def test_an_unknown_split_is_refused_in_words(sample):
    with refused("unknown split", "'test'", "train, eval", by=ValueError):
        sample(WORLDS["cube_rolling"], seed=0, split="test", index=0, difficulty="easy")


# --- scenes that are to be avoided -------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_a_draw_without_anything_to_avoid_is_the_sample_of_that_index(world):
    draw, at = Draw(5, "train", 3, "easy"), {"seed": 5, "split": "train", "index": 3, "difficulty": "easy"}
    assert draw.problem(WORLDS[world]).scene == sample_problem(WORLDS[world], **at)
    assert draw.walk(WORLDS[world]).scene == sample_walk(WORLDS[world], **at)
    for drawn in (draw.problem(WORLDS[world]), draw.walk(WORLDS[world])):
        assert drawn.keys == WORLDS[world].keys(drawn.scene)
        assert drawn.avoided == 0


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_to_be_avoided_is_drawn_again_and_counted(world):
    seen = []

    def first_three(name, keys):
        seen.append((name, keys))
        return len(seen) <= 3

    drawn = Draw(0, "train", 0, "easy", first_three).walk(WORLDS[world])
    assert drawn.avoided == 3
    assert len(seen) == 4, "only scenes of the split are asked about"
    assert {name for name, _ in seen} == {world}
    assert {split_of(WORLDS[world], keys) for _, keys in seen} == {"train"}
    assert seen[0][1] == Draw(0, "train", 0, "easy").walk(WORLDS[world]).keys
    assert seen[3][1] == drawn.keys


def test_every_scene_that_was_put_back_is_counted_whichever_split_it_belongs_to(monkeypatch):
    world, drawn = WORLDS["cube_rolling"], []
    pose = type(world).pose

    def counted(self, rng, difficulty):
        drawn.append(pose(self, rng, difficulty))
        return drawn[-1]

    monkeypatch.setattr(type(world), "pose", counted)
    mine = []

    def first_two(name, keys):
        mine.append(keys)
        return len(mine) <= 2

    found = Draw(0, "eval", 0, "hard", first_two).problem(world)
    assert found.scene == drawn[-1]
    assert found.attempt == len(drawn) - 1
    assert found.avoided == 2
    others = [item for item in drawn if split_of(world, world.keys(item)) == "train"]
    assert len(others) == found.attempt - found.avoided > 0


@pytest.mark.parametrize("world", WORLDS)
def test_avoiding_what_is_not_drawn_changes_nothing(world):
    for index in range(20):
        at = (0, "train", index, "easy")
        assert Draw(*at, lambda name, keys: False).walk(WORLDS[world]) == Draw(*at).walk(WORLDS[world])


@pytest.mark.parametrize("world", WORLDS)
def test_another_purpose_gives_other_scenes(world):
    at = [(0, "train", index, "medium") for index in range(20)]
    plain = {Draw(*each).walk(WORLDS[world]).keys.exact for each in at}
    again = {Draw(*each, purpose="legality").walk(WORLDS[world]).keys.exact for each in at}
    assert len(plain & again) <= 1
    assert again == {Draw(*each, purpose="legality").walk(WORLDS[world]).keys.exact for each in at}


def test_a_world_of_which_all_is_to_be_avoided_is_told_and_not_searched_for_ever():
    draw = Draw(0, "train", 0, "easy", lambda name, keys: True)
    with refused("rubiks_cube", 10000, "easy scenes", "split train", by=ValueError) as refusal:
        draw.problem(WORLDS["rubiks_cube"])
    assert re.search(r"\b\d{4}\b[^,]* avoided", str(refusal.value))


def test_a_split_without_scenes_is_told_and_not_searched_for_ever(monkeypatch):
    world = WORLDS["rubiks_cube"]
    only = next(item for i in range(100) if split_of(world, world.keys(item := world.pose(Rng(i), "easy"))) == "train")
    monkeypatch.setattr(type(world), "pose", lambda self, rng, difficulty: only)
    assert Draw(0, "train", 0, "easy").problem(world).scene == only
    with refused("rubiks_cube", "easy scenes", 0, "avoided", "split eval", by=ValueError):
        Draw(0, "eval", 0, "easy").problem(world)


# What seed 0 gives, by world and version. If this fails, somebody's data is no longer what its card says:
# raise the world's `version`, and write down the new digests.
GOLDEN: dict[str, tuple[int, str]] = {
    "cube_rolling": (2, "427fa3fd032f27c6"),
    "mental_rotation": (2, "a9dbe0f29201dc39"),
    "moving_box": (2, "293a466bb16eaf96"),
    "rubiks_cube": (2, "0a09b352c59e7ac1"),
    "wood_slide": (2, "f2c79813eb4e5406"),
}


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_version_of_a_world_draws_the_same_scenes_for_ever(world):
    drawn = []
    for difficulty in DIFFICULTIES:
        for index in range(5):
            at = {"seed": 0, "split": "train", "index": index, "difficulty": difficulty}
            item, way = sample_problem(WORLDS[world], **at), sample_walk(WORLDS[world], **at)
            drawn += [problem_to_json(item), WORLDS[world].keys(item)]
            drawn += [WORLDS[world].write(way.start), way.actions, way.answer, WORLDS[world].keys(way)]
    digest = blake2b(json.dumps(drawn).encode(), digest_size=8).hexdigest()
    assert (WORLDS[world].version, digest) == GOLDEN[world]
