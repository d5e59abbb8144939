"""`launch/stage3.py` as a user runs it."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from idf.training.checkpoint import read_facts
from idf.training.watch import recipe_of
from tests.sentences import line_that_says, says
from tests.training.running import finish, history, ranks_of, run, sentence, start

VISION = ("visual.",)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.slow
def test_two_ranks_under_zero2_train_and_write_complete_folders(halfway, tmp_path):
    hook = {**halfway.recipe()["hook"], "mode": "inline", "prompts": "idf-short-1"}
    # A problem for each rank: in about half of the steps one shows a picture and the other does not.
    recipe = halfway.recipe(deepspeed="zero2", gpus=2, hook=hook, prompts_per_step=2, steps=6, save_steps=4)
    done = run("stage3.py", recipe, tmp_path, ranks=2)
    assert done.returncode == 0, done.stderr[-3000:]
    line_that_says(done.stdout, "problems", "dropped", "the start answers them")
    line_that_says(done.stdout, "reward", "right", "entropy", "step 6/6")
    before = weights(halfway.model)
    for name in ("checkpoint-4", "final"):
        folder = tmp_path / "run" / name
        after = weights(folder)
        assert after.keys() == before.keys()
        changed = {key for key in after if not torch.equal(after[key], before[key])}
        assert changed
        assert not [key for key in changed if key.startswith(VISION)]
        _, info = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
        assert not info["missing_keys"]
        assert not info["unexpected_keys"]
        facts = read_facts(folder)
        assert facts is not None
        assert (facts["stage"], facts["step"]) == ("reinforcement", 4 if name != "final" else 6)
        assert facts["versions"]["trl"]
        assert facts["parent"]["stage"] == "reasoning"
        assert (tmp_path / "run" / "evaluations" / name / "results.json").exists()
        assert recipe_of(folder).stage == "reinforcement"
    assert not list((tmp_path / "run").rglob("*.bin"))  # transformers would pickle its arguments there
    assert (tmp_path / "run" / "curves.png").exists()
    rows = history(tmp_path / "run")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(
        row["reward"] == pytest.approx(row["right"] + row["step_credit"] - row["price"], abs=1e-6) for row in rows
    )


@pytest.mark.slow
def test_a_run_that_a_signal_stops_is_resumed_to_the_same_digits(halfway, tmp_path):
    """All that TRL holds between two steps is random numbers, optimizer and place in the data."""
    recipe = halfway.recipe(steps=5, save_steps=100, reward={"step_credit": 0.3, "price": 0.2})
    done = run("stage3.py", recipe, tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    process = start("stage3.py", {**recipe, "run": "again"}, tmp_path, ranks=1)
    while not history(tmp_path / "again"):
        assert process.poll() is None, finish(process).stderr[-3000:]
        time.sleep(0.05)
    for rank in ranks_of(process):
        rank.send_signal(signal.SIGTERM)
    stopped = finish(process)
    assert stopped.returncode == 0, stopped.stderr[-3000:]
    (saved,) = (tmp_path / "again").glob("checkpoint-*")
    line_that_says(stopped.stdout, "SIGTERM", saved.name, "saved")
    assert not (tmp_path / "again" / "final").exists()
    resumed = run("stage3.py", {**recipe, "run": "again"}, tmp_path, ranks=1)
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    line_that_says(resumed.stdout, "resuming from", saved.name)
    rows = history(tmp_path / "run")
    assert history(tmp_path / "again") == rows
    assert any(row["grad_norm"] > 0 for row in rows[1:]), "nothing was learned: the test shows nothing"
    first, again = weights(tmp_path / "run" / "final"), weights(tmp_path / "again" / "final")
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.slow
@pytest.mark.full
def test_ranks_under_zero2_are_resumed_to_the_same_digits(halfway, tmp_path):
    recipe = halfway.recipe(steps=4, deepspeed="zero2", gpus=2)
    done = run("stage3.py", recipe, tmp_path, ranks=2)
    assert done.returncode == 0, done.stderr[-3000:]
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "final")
    done = run("stage3.py", {**recipe, "run": "again"}, tmp_path, ranks=2)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming from" in done.stdout
    assert history(tmp_path / "again") == history(tmp_path / "run")


@pytest.mark.slow
def test_adapters_are_merged_into_a_complete_folder(halfway, tmp_path):
    recipe = halfway.recipe(steps=2, lora={"rank": 4, "alpha": 8}, learning_rate=1e-3)
    done = run("stage3.py", recipe, tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = weights(halfway.model), weights(tmp_path / "run" / "final")
    assert after.keys() == before.keys()
    changed = {key for key in after if not torch.equal(after[key], before[key])}
    assert changed
    assert all(".layers." in key and "_proj." in key and "visual" not in key for key in changed)
    assert (tmp_path / "run" / "final" / "adapter" / "adapter_model.safetensors").exists()


@pytest.mark.full  # test_stopping stands for it in CI
def test_a_learning_rate_that_ruins_the_model_stops_the_run(halfway, tmp_path):
    stop = {"window": 1, "reward_fall": 1e-6, "entropy_share": None}
    done = run("stage3.py", halfway.recipe(steps=40, learning_rate=0.5, stop=stop), tmp_path, ranks=1)
    assert done.returncode == 1
    says(sentence(done), "reward fell away", "stop.reward_fall", "learning_rate", "checkpoint")


def test_a_recipe_of_another_stage_is_sent_to_its_script(tiny, tmp_path):
    from tests.training.running import imagery_recipe

    done = run("stage3.py", imagery_recipe(tiny, run="run"), tmp_path, "--dry-run", ranks=0)
    assert done.returncode == 1
    says(sentence(done), "imagery", "launch/stage1.py")


def test_the_checkpoint_says_how_to_repeat_it(halfway, tmp_path):
    from idf.training.reproduce import reproduce

    facts = {
        **(read_facts(halfway.model) or {}),
        "stage": "reinforcement",
        "recipe": {**halfway.recipe(), "stage": "reinforcement"},
        "data": {
            "folder": "data/problems",
            "samples": 1,
            "fingerprint": "f",
            "made": {**halfway.problems.manifest, "source": None},
        },
        "parent": {"model": "m", "revision": None, "stage": None, "step": None, "facts": None},
    }
    (tmp_path / "idf.json").write_text(json.dumps(facts))
    script = reproduce(tmp_path)
    assert "launch/stage3.py --recipe reinforcement-stage.yaml" in script
    assert "idf traces --recipe traces.yaml --out data/problems" in script
