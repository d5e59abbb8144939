from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from idf.recipe import to_plain
from idf.training.checkpoint import (
    SAVING,
    carries_moments,
    complete_checkpoints,
    find_resume,
    publish,
    remove_old,
    saving_folder,
)
from idf.training.recipe import LoraRecipe, StageRecipe
from tests.sentences import line_that_says, refused


@pytest.fixture
def recipe(tmp_path) -> StageRecipe:
    return StageRecipe("imagery", "base", "data", str(tmp_path / "run"))


def save(recipe: StageRecipe, step: int, ranks: int = 8) -> Path:
    run, name = Path(recipe.run), f"checkpoint-{step}"
    folder = saving_folder(run, name)
    facts = {"recipe": to_plain(recipe), "data": {"fingerprint": "f"}, "ranks": ranks, "stage": "imagery", "step": step}
    (folder / "idf.json").write_text(json.dumps(facts))
    return publish(run, name)


def test_a_checkpoint_appears_whole_and_latest_names_it(recipe):
    run = Path(recipe.run)
    folder = saving_folder(run, "checkpoint-5")
    assert complete_checkpoints(run) == []
    (folder / "idf.json").write_text("{}")
    assert complete_checkpoints(run) == []
    assert publish(run, "checkpoint-5") == run / "checkpoint-5"
    assert complete_checkpoints(run) == [run / "checkpoint-5"]
    assert (run / "latest").read_text() == "checkpoint-5\n"


def test_the_last_ones_and_the_best_stay(recipe):
    for step in (2, 4, 6, 8, 10):
        save(recipe, step)
    remove_old(Path(recipe.run), 2, best="checkpoint-4")
    assert [path.name for path in complete_checkpoints(Path(recipe.run))] == [
        "checkpoint-4",
        "checkpoint-8",
        "checkpoint-10",
    ]


def test_a_fresh_run_begins_from_nothing(recipe):
    assert find_resume(recipe, "f", 8, True) is None


def test_a_run_goes_on_from_its_last_checkpoint_in_the_order_of_steps(recipe):
    for step in (8, 100, 20):
        save(recipe, step)
    assert find_resume(recipe, "f", 8, True) == Path(recipe.run) / "checkpoint-100"


def test_what_an_interrupted_save_left_is_removed_and_said(recipe, capsys):
    save(recipe, 2)
    left = saving_folder(Path(recipe.run), "checkpoint-4")
    find_resume(recipe, "f", 8, first=False)
    assert left.exists()
    find_resume(recipe, "f", 8, first=True)
    assert not left.exists()
    line_that_says(capsys.readouterr().out, "removing", left)
    assert SAVING in left.name


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"learning_rate": 2e-5}, ("learning_rate=1e-05", "not 2e-05")),
        ({"lora": LoraRecipe()}, ("lora=None", "not {")),
        ({"tokens_per_row": 4096}, ("tokens_per_row=8192", "not 4096")),
    ],
)
def test_another_recipe_is_refused_and_the_key_is_named(recipe, changes, told):
    save(recipe, 2)
    with refused("begun", recipe.run, *told):
        find_resume(dataclasses.replace(recipe, **changes), "f", 8, True)


def test_other_data_is_refused(recipe):
    save(recipe, 2)
    with refused("begun", recipe.run, "data's fingerprint", "=f", "not g"):
        find_resume(recipe, "g", 8, True)


def test_another_number_of_ranks_carries_weights_alone_and_only_if_asked(recipe, capsys):
    save(recipe, 2)
    with refused(recipe.run, "ranks=4 instead of 8", "resume=weights"):
        find_resume(recipe, "f", 4, True)
    weights = dataclasses.replace(recipe, resume="weights")
    assert find_resume(weights, "f", 4, True) == Path(recipe.run) / "checkpoint-2"
    line_that_says(capsys.readouterr().out, "ranks=4", "moments", "zero")
    facts = json.loads((Path(recipe.run) / "checkpoint-2" / "idf.json").read_text())
    assert not carries_moments(weights, facts, 4)
    assert carries_moments(weights, facts, 8)


def test_another_preset_carries_weights_alone(recipe):
    save(recipe, 2)
    other = dataclasses.replace(recipe, deepspeed="zero3")
    with refused("deepspeed=zero3 instead of zero2", "resume=weights"):
        find_resume(other, "f", 8, True)


def test_a_finished_run_is_not_trained_again(recipe):
    final = Path(recipe.run) / "final"
    final.mkdir(parents=True)
    (final / "idf.json").write_text("{}")
    with refused(recipe.run, "finished", "already", "run=another/folder"):
        find_resume(recipe, "f", 8, True)
