"""Where episodes come from: the same everywhere, apart by split, solved by the oracle."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import idf
from idf.env import Episode, Options, Oracle, Source, episodes
from idf.suites import published
from idf.worlds import DIFFICULTIES, PARTS, WORLDS, problem_to_json, sample_problem, split_of
from tests.sentences import refused

PROGRAM = """
import json, sys
from hashlib import sha256
from idf.env import Episode, Options, Oracle, Source
from idf.worlds import WORLDS
assert "numpy" not in sys.modules and "PIL" not in sys.modules, "only a picture needs them"
told = {}
for world in WORLDS:
    episode = Episode(Source(world, "medium", "train"), Options(probe_every=2))
    said = []
    for seed in (5, None):
        said.append(episode.reset(seed=seed).text)
        oracle = Oracle(episode)
        while not episode.done:
            reply = oracle.reply()
            said += [reply, repr(episode.step(reply))]
    told[world] = sha256("\\n".join(said).encode()).hexdigest()
print(json.dumps(told))
"""


def test_the_same_seed_is_the_same_episode_in_every_process():
    told = []
    for seed in ("0", "1", "4711"):
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.path.dirname(os.path.dirname(idf.__file__))},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        told.append(json.loads(ran.stdout))
    assert told[0] == told[1] == told[2]
    assert len(set(told[0].values())) == len(WORLDS)


def test_only_the_standard_library_is_needed_until_a_picture_is_asked_for():
    program = """
import sys
from idf.env import Episode, Options, Source
known = set(sys.stdlib_module_names) | {"idf"}
episode = Episode(Source("moving_box"), Options(show="both"))
seen = episode.reset(seed=1)
episode.step("u")
foreign = {name.partition(".")[0] for name in sys.modules} - known
assert not {"numpy", "PIL", "yaml", "torch", "aggdraw", "regex"} & foreign, foreign
seen.picture()
assert "numpy" in sys.modules
"""
    root = os.path.dirname(os.path.dirname(idf.__file__))
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": root}, check=True)


@pytest.mark.parametrize("world", list(WORLDS))
def test_the_oracle_solves_every_episode(world, full):
    number, lost = (1_000 if full else 60), []
    for at, difficulty in enumerate(DIFFICULTIES):
        mine = number // 3 + (at < number % 3)
        for index, episode in enumerate(episodes(world, difficulty, "eval", 0, mine, Options(probe_every=3))):
            episode.reset()
            reward, told = Oracle(episode).play(), episode.information
            steps = len(WORLDS[world].solve(episode.problem))
            faults = (told["illegal"], told["unreadable"], told["wrong"])
            if (reward, faults, told["moves"]) != (1.0, (0, 0, 0), steps) or set(told["beliefs"]) - {1.0}:
                lost.append((difficulty, index, told))
    assert not lost


@pytest.mark.parametrize("world", list(WORLDS))
def test_training_and_evaluation_scenes_stay_apart_and_none_is_published(world):
    kept_clear = published()
    for split in ("train", "eval"):
        for difficulty in DIFFICULTIES:
            for episode in episodes(world, difficulty, split, 1, 15):
                keys = WORLDS[world].keys(episode.problem)
                assert split_of(WORLDS[world], keys) == split
                assert not kept_clear.avoid(world, keys)
                assert WORLDS[world].size(episode.problem) in WORLDS[world].sizes(difficulty)


def test_an_evaluation_episode_is_the_problem_that_idf_gives():
    source = Source("rubiks_cube", "hard", "eval", 7)
    assert source.problem(3) == idf.problem("rubiks_cube", seed=7, difficulty="hard", index=3).scene


def test_resets_take_one_problem_after_the_other_and_a_seed_begins_anew():
    episode = Episode(Source("moving_box", "easy", "train", 3))
    met = []
    for seed in (None, None, 3, None, 4):
        episode.reset(seed=seed)
        met.append(json.dumps(problem_to_json(episode.problem)))
    assert met[0] == met[2] == json.dumps(problem_to_json(Source("moving_box", seed=3).problem(0)))
    assert met[1] == met[3] == json.dumps(problem_to_json(Source("moving_box", seed=3).problem(1)))
    assert len({met[0], met[1], met[4]}) == 3


def test_names_that_are_unknown_are_refused():
    with refused("world", "pong", "moving_box"):
        Source("pong")
    with refused("difficulty", "extreme", "hard"):
        Source("moving_box", "extreme")
    with refused("split", "test", "train", "eval"):
        Source("moving_box", split="test")
    with refused("number", "negative", -1):
        Source("moving_box").problem(-1)


@pytest.mark.parametrize("world", PARTS)
def test_a_world_that_shows_its_scenes_in_part_is_refused(world):
    """Nobody can say whole states there; and the actions that lead to the answer would give it away."""
    problem = sample_problem(WORLDS[world], seed=0, split="eval", index=0, difficulty="easy")
    with refused(world, "in part", world.removesuffix("_part")):
        Episode(problem)
