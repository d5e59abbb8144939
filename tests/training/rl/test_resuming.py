"""What resuming says and does, without a launch."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from idf.recipe import to_plain
from idf.training.checkpoint import STATE, find_resume, publish, saving_folder
from idf.training.ranks import Ranks
from idf.training.stage3_recipe import Stage3Recipe
from idf.training.whole import seal, write_list
from tests.sentences import refused


@pytest.fixture
def recipe(tmp_path) -> Stage3Recipe:
    return Stage3Recipe("reinforcement", "base", "data", str(tmp_path / "run"))


def saved(recipe: Stage3Recipe) -> Path:
    run = Path(recipe.run)
    folder = saving_folder(run, "checkpoint-50")
    (folder / STATE).mkdir()
    facts = {"recipe": to_plain(recipe), "data": {"fingerprint": "f"}, "ranks": 8, "stage": "reinforcement", "step": 50}
    (folder / "idf.json").write_text(json.dumps(facts))
    (folder / STATE / "trainer_state.json").write_text("{}")
    write_list(folder, [seal(folder, 0)])
    return publish(run, "checkpoint-50")


def sentence_of(recipe: Stage3Recipe, ranks: int) -> str:
    with refused("checkpoint-50") as told:
        find_resume(recipe, "f", ranks, True)
    return str(told.value)


@pytest.mark.parametrize(("changes", "ranks"), [({}, 4), ({"deepspeed": "zero1"}, 8)])
def test_other_devices_are_refused_without_offering_what_stage_3_does_not_take(recipe, changes, ranks):
    last = saved(recipe)
    told = sentence_of(replace(recipe, **changes), ranks)
    assert "resume=weights" not in told
    assert f"model={last}" in told


def test_a_checkpoint_without_its_state_is_refused_likewise(recipe):
    last = saved(recipe)
    assert find_resume(recipe, "f", 8, True) == last
    shutil.rmtree(last / STATE)
    told = sentence_of(recipe, 8)
    assert "resume=weights" not in told
    assert f"model={last}" in told


@pytest.mark.parametrize("key", ["steps", "samples", "samples_per_micro_batch", "max_new_tokens"])
def test_a_key_that_decides_what_is_learned_may_not_change(recipe, key):
    saved(recipe)
    with refused(key, "begun"):
        find_resume(replace(recipe, **{key: 2 * getattr(recipe, key)}), "f", 8, True)


def test_who_forgets_torchrun_is_told_the_script_that_was_started(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setattr(sys, "argv", ["launch/stage3.py"])
    with refused("torchrun --nproc_per_node 8 launch/stage3.py"):
        Ranks()


def test_a_run_that_is_resumed_in_a_later_epoch_goes_on_with_that_epochs_order():
    import trl.trainer.utils as trl

    from idf.training.rl.trainer import after_epochs

    def sampler() -> Any:
        return trl.RepeatSampler(range(20), mini_repeat_count=2, batch_size=4, repeat_count=2, seed=3)

    whole = sampler()
    orders = [list(whole) for _ in range(3)]
    assert orders[0] != orders[1] != orders[2]
    for epoch, order in enumerate(orders):
        assert list(after_epochs(sampler(), epoch)) == order


def test_silent_problems_are_those_whose_responses_earn_the_same():
    from idf.training.rl.trainer import share_silent

    earned = torch.tensor([0.9] * 8 + [0.0] * 8 + [0.9] * 7 + [0.0] + [0.1, 0.2] * 4)
    assert share_silent(earned, 8) == 0.5


def test_a_checkpoint_under_zero2_is_written_from_rank_0s_weights_without_a_copy_on_every_rank(recipe, monkeypatch):
    from idf.training.rl import trainer as module

    written: list[Any] = []
    monkeypatch.setattr(module, "save_checkpoint", lambda *_, weights, **more: weights(Path("x")) or Path("x"))
    monkeypatch.setattr(module, "write_model", lambda *given: written.append(given))
    one = module.RolloutTrainer.__new__(module.RolloutTrainer)
    one.__dict__ |= {
        "recipe": recipe,
        "peers": None,
        "run": Path(recipe.run),
        "layout": "layout",
        "log_of_run": None,
        "facts": {},
        "model": "vlm",
        "state": SimpleNamespace(global_step=3),
        "accelerator": SimpleNamespace(unwrap_model=lambda model: model),  # no get_state_dict
    }
    assert recipe.deepspeed == "zero2"
    one._write("final", state=False)
    assert written == [("layout", "vlm", Path("x"), None, {"step": 3})]
