"""reasoning-gym's way of asking and scoring: without it, and by its own interface where it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice

import pytest

from idf.integrations.reasoning_gym import SpatialConfig, SpatialDataset, register
from idf.worlds import WORLDS, problem_from_json
from tests.integrations.suites import needs
from tests.sentences import refused


@pytest.mark.parametrize("world", list(WORLDS))
def test_the_own_answer_of_20_items_scores_1_and_a_near_miss_0(world):
    dataset = SpatialDataset(SpatialConfig(world=world, difficulty="medium", seed=3, size=20))
    entries = list(dataset)
    assert len(entries) == len(dataset) == 20
    for index, entry in enumerate(entries):
        assert entry == dataset[index]
        assert dataset.score_answer(entry["answer"], entry) == 1.0
        assert dataset.score_answer(f"I thought.\nAnswer: {entry['answer']}", entry) == 1.0
        for bad in (None, "", "no idea", entry["answer"][:-1], f"{entry['answer']} or so, maybe not"):
            assert dataset.score_answer(bad, entry) == 0.0
        assert entry["question"].count("Answer:") == 1


def test_an_entry_says_where_it_comes_from():
    entry = SpatialDataset(SpatialConfig(world="moving_box", split="eval"))[2]
    assert entry["metadata"]["source_index"] == 2
    assert entry["metadata"]["split"] == "eval"
    assert problem_from_json(json.loads(entry["metadata"]["problem"])).world == "moving_box"


def test_another_seed_gives_other_items():
    one, other = (SpatialDataset(SpatialConfig(world="moving_box", seed=seed, size=5)) for seed in (1, 2))
    assert not {entry["question"] for entry in one} & {entry["question"] for entry in other}


def test_a_bad_configuration_is_refused():
    with refused("world", "pong"):
        SpatialDataset(SpatialConfig(world="pong"))
    with refused("size", 0):
        SpatialDataset(SpatialConfig(size=0))
    with refused("seed", "None"):
        SpatialDataset(SpatialConfig(seed=None))


def test_reasoning_gym_need_not_be_installed():
    program = "import sys; sys.modules['reasoning_gym'] = None; from idf.integrations import reasoning_gym"
    subprocess.run([sys.executable, "-c", program], check=True)


@needs("reasoning_gym")
def test_reasoning_gym_makes_mixes_and_scores_it():
    import reasoning_gym
    from reasoning_gym.composite import CompositeConfig, CompositeDataset, DatasetSpec
    from reasoning_gym.dataset import ProceduralDataset, ReseedingDataset

    register()
    dataset = reasoning_gym.create_dataset("idf", world="wood_slide", seed=4, size=3)
    assert isinstance(dataset, ProceduralDataset)
    assert [dataset.score_answer(entry["answer"], entry) for entry in dataset] == [1.0] * 3
    with refused("world", "pong"):
        reasoning_gym.create_dataset("idf", world="pong")
    scored = reasoning_gym.get_score_answer_fn("idf")
    assert scored("no idea", dataset[0]) == 0.0
    more = list(islice(iter(ReseedingDataset(dataset, chunk_size=3)), 9))
    assert len({entry["question"] for entry in more}) == 9, "neighbouring seeds share nothing"
    specs = [DatasetSpec("idf", 1.0, {"world": "cube_rolling"}), DatasetSpec("sokoban", 1.0, {})]
    mixed = CompositeDataset(CompositeConfig(size=20, seed=1, datasets=specs))
    ours = [entry for entry in (mixed[i] for i in range(20)) if entry["metadata"]["source_dataset"] == "idf"]
    assert ours
    assert [mixed.score_answer(entry["answer"], entry) for entry in ours] == [1.0] * len(ours)
