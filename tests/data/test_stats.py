"""What a dataset consists of, counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from idf.data import EstimatedTokens, Lengths, Sample, in_order, measure_dataset, write_dataset
from idf.data._stats import PAIRS
from idf.worlds import WORLDS, sample_walk
from tests.data.samples import plain
from tests.sentences import refused

META = {
    "scene": "s",
    "mode": "vtqa",
    "wording": "long",
    "noise": False,
    "answer": "red",
    "actions": ["right"],
    "measures": {"moves": 1, "distance": 1},
}


def sample(number: int, pictures: int = 1, world: str = "wood_slide", kind: str = "rollout", **meta: Any) -> Sample:
    return plain(number, pictures, world=world, kind=kind, meta=META | meta)


def measured(samples: list[Sample], folder: Path) -> dict[str, Any]:
    return measure_dataset(write_dataset(samples, folder, {"stage": "imagery"}), EstimatedTokens())


def test_samples_are_counted_by_world_difficulty_and_kind(tmp_path):
    samples = [sample(0), sample(1), sample(3), sample(3, kind="step"), sample(2, world="cube_rolling")]
    stats = measured(samples, tmp_path / "d")
    assert (stats["samples"], stats["stage"], stats["tokens"]) == (5, "imagery", "estimated")
    assert list(stats["worlds"]) == ["cube_rolling", "wood_slide"]
    assert stats["worlds"]["wood_slide"]["counts"] == {"easy": {"rollout": 2, "step": 1}, "medium": {"rollout": 1}}
    assert stats["worlds"]["cube_rolling"]["counts"] == {"hard": {"rollout": 1}}


def test_difficulties_stand_from_easy_to_hard_and_unknown_ones_last():
    assert in_order({"hard", "absurd", "easy", "zen", "medium"}) == ["easy", "medium", "hard", "absurd", "zen"]


def test_answers_are_counted_by_kind_and_of_equally_frequent_ones_the_first_by_alphabet_leads(tmp_path):
    answers = ["red", "blue", "red", "blue", "gray", "a", "b", "c"]
    samples = [sample(i, answer=answer) for i, answer in enumerate(answers)] + [sample(9, kind="step", answer="red")]
    found = measured(samples, tmp_path / "d")["worlds"]["wood_slide"]["answers"]
    assert found["rollout"]["samples"] == 8
    assert found["rollout"]["different"] == 6
    assert found["rollout"]["most"] == [["blue", 2], ["red", 2], ["a", 1], ["b", 1], ["c", 1]]
    assert found["step"] == {"samples": 1, "different": 1, "most": [["red", 1]]}


def test_modes_wordings_actions_and_different_scenes_are_counted(tmp_path):
    samples = [
        sample(0, scene="a", mode="tqa", actions=["left", "left"]),
        sample(1, scene="b", wording="short", actions=[]),
        sample(2, scene="a", actions=["right", "left"]),
    ]
    facts = measured(samples, tmp_path / "d")["worlds"]["wood_slide"]
    assert facts["modes"] == {"tqa": 1, "vtqa": 2}
    assert facts["wordings"] == {"long": 2, "short": 1}
    assert facts["actions"] == {"left": 3, "right": 1}
    assert (facts["samples"], facts["scenes"]) == (3, 2)


def test_a_trace_is_counted_under_its_prompt_set(tmp_path):
    meta = {key: value for key, value in META.items() if key != "wording"} | {"prompts": "idf-long-1"}
    facts = measured([plain(0, meta=meta)], tmp_path / "d")["worlds"]["cube_rolling"]
    assert facts["wordings"] == {"idf-long-1": 1}
    assert facts["not_stated"] == {}


def test_lengths_of_traces_are_counted_and_those_told_in_a_longer_one_than_drawn(tmp_path):
    drawn = [("full", "full"), ("full", "changes"), ("needed", "needed"), ("changes", "needed")]
    samples = [sample(n, length=told, length_drawn=wanted) for n, (told, wanted) in enumerate(drawn)]
    facts = measured(samples, tmp_path / "d")["worlds"]["wood_slide"]
    assert facts["lengths"] == {"full": 2, "changes": 1, "needed": 1, "told longer": 2}
    assert facts["not_stated"] == {}
    assert "lengths" not in measured([sample(0)], tmp_path / "none")["worlds"]["wood_slide"]


def test_noise_is_a_matter_of_samples_with_a_picture(tmp_path):
    samples = [sample(0, noise=True), sample(1), sample(2, pictures=0, noise=None)]
    facts = measured(samples, tmp_path / "d")["worlds"]["wood_slide"]
    assert facts["pictures"] == {"samples": 2, "noisy": 1}
    assert facts["not_stated"] == {}


def test_measures_are_counted_value_by_value_under_each_difficulty(tmp_path):
    moves = [12, 3, 12, 4]  # easy, medium, hard, easy
    samples = [sample(i, measures={"moves": n, "distance": n - 1}) for i, n in enumerate(moves)]
    facts = measured([*samples, sample(6, measures={"turns": 2})], tmp_path / "d")["worlds"]["wood_slide"]
    assert facts["measures"]["moves"] == {"easy": {"4": 1, "12": 1}, "medium": {"3": 1}, "hard": {"12": 1}}
    assert list(facts["measures"]["moves"]["easy"]) == ["4", "12"], "by value, not by digits"
    assert facts["measures"]["turns"] == {"easy": {"2": 1}}
    assert facts["pairs"] == {"moves distance": [[3, 2, 1], [4, 3, 1], [12, 11, 2]]}


def test_lengths_are_spread_over_samples_and_vision_over_those_with_a_picture(tmp_path):
    class Numbered:
        how = "by number"

        def __call__(self, sample: Sample) -> Lengths:
            number = int(sample.id.split(":")[1])
            return Lengths(number, 2 * number, 100 * len(sample.images))

    samples = [sample(i, pictures=i % 2) for i in range(1, 21)]
    stats = measure_dataset(write_dataset(samples, tmp_path / "d", {}), Numbered())
    tokens = stats["worlds"]["wood_slide"]["tokens"]
    assert stats["tokens"] == "by number"
    assert tokens["prompt"] == {"min": 1, "p10": 2, "median": 10.5, "p90": 18, "max": 20}
    assert tokens["answer"] == {"min": 2, "p10": 4, "median": 21, "p90": 36, "max": 40}
    assert set(tokens["vision"].values()) == {100}
    assert tokens["total"]["max"] == 19 * 3 + 100


def test_a_dataset_without_pictures_has_vision_of_length_zero(tmp_path):
    tokens = measured([sample(0, pictures=0)], tmp_path / "d")["worlds"]["wood_slide"]["tokens"]
    assert set(tokens["vision"].values()) == {0}


def test_what_meta_does_not_say_is_counted_not_guessed(tmp_path):
    facts = measured([plain(0, meta={}), sample(1, world="cube_rolling")], tmp_path / "d")["worlds"]["cube_rolling"]
    assert facts["not_stated"] == dict.fromkeys(
        ["actions", "answer", "measures", "mode", "noise", "scene", "wording"], 1
    )
    assert facts["modes"] == {"vtqa": 1}
    assert facts["answers"]["rollout"]["samples"] == 1


def test_meta_of_another_form_is_one_sentence_that_names_the_sample(tmp_path):
    with refused("sample plain:0", "actions", "meta", "'right'", "list"):
        measured([sample(0, actions="right")], tmp_path / "d")


def test_no_picture_is_decoded(tmp_path):
    whole = sample(0)
    headers = [image[:64] for image in whole.images]
    facts = measured([plain(0, images=headers, meta=META)], tmp_path / "d")["worlds"]["cube_rolling"]
    assert facts["tokens"]["vision"]["max"] == 4


def test_the_order_of_samples_makes_no_difference(tmp_path):
    samples = [
        sample(
            i,
            kind=("rollout", "step")[i % 2],
            answer=str(i % 3),
            measures={"moves": i, ("pushes", "distance")[i % 2]: 2},
        )
        for i in range(6)
    ]
    one, other = measured(samples, tmp_path / "one"), measured(samples[::-1], tmp_path / "other")
    assert json.dumps(one["worlds"]) == json.dumps(other["worlds"])


def test_every_pair_is_measured_by_some_world():
    walks = [sample_walk(world, seed=0, split="train", index=0, difficulty="easy") for world in WORLDS.values()]
    names = [set(WORLDS[walk.world].measure(walk)) for walk in walks]
    assert all(any({a, b} <= mine for mine in names) for a, b in PAIRS)
