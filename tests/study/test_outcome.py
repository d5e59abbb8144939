"""What arms came to is kept beside what others came to, and never mixed with that of another model."""

from __future__ import annotations

import json

from bench.study._outcome import asked_of, keep_arms, weights_hash
from tests.sentences import refused


def test_arms_add_up_over_calls_and_a_later_result_of_an_arm_counts(tmp_path):
    path = tmp_path / "results/seed1.json"
    keep_arms(path, {"frozen": {"base": "one", "right": "x"}})
    keep_arms(path, {"all": {"base": "one", "right": "."}})
    keep_arms(path, {"all": {"base": "one", "right": ".."}})
    assert json.loads(path.read_text()) == {
        "frozen": {"base": "one", "right": "x"},
        "all": {"base": "one", "right": ".."},
    }


def test_nothing_done_in_this_folder_leaves_what_is_there(tmp_path):
    path = tmp_path / "seed1.json"
    keep_arms(path, {"frozen": {"base": "one"}})
    keep_arms(path, {})
    assert json.loads(path.read_text()) == {"frozen": {"base": "one"}}


def test_arms_of_another_model_are_refused_and_the_file_stays(tmp_path):
    path = tmp_path / "seed1.json"
    keep_arms(path, {"frozen": {"base": "one"}})
    before = path.read_bytes()
    with refused("seed1.json", "another model", "results=DIR"):
        keep_arms(path, {"all": {"base": "two"}})
    assert path.read_bytes() == before


def test_answers_count_for_the_checkpoint_that_gave_them_alone(tmp_path):
    checkpoint, answers = tmp_path / "final", tmp_path / "answers.json"
    assert not asked_of(answers, checkpoint)
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"one")
    answers.write_text(json.dumps({"checkpoint": weights_hash(checkpoint)}))
    assert asked_of(answers, checkpoint)
    (checkpoint / "model.safetensors").write_bytes(b"two")
    assert not asked_of(answers, checkpoint)
