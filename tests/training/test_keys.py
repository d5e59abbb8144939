"""The keys of a stage's recipe, all of them: their ranges, whether they may change on resume, and other trainers' names."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idf.recipe import build_recipe, differences, to_plain
from idf.training.checkpoint import carries_moments, find_resume, publish, saving_folder
from idf.training.deepspeed import deepspeed_config
from idf.training.others_names import OTHERS_NAMES
from idf.training.recipe import HookRecipe, LoraRecipe, StageRecipe
from tests.sentences import refused, says

RECIPE = StageRecipe("imagery", "base", "data", "run", lora=LoraRecipe())
SECTIONS: dict[str, type] = {"": StageRecipe, "lora": LoraRecipe, "hook": HookRecipe}


def keys() -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every key with its section, but the sections themselves."""
    for section, kind in SECTIONS.items():
        for field in dataclasses.fields(kind):
            if field.name not in SECTIONS:
                yield f"{section}.{field.name}".removeprefix("."), field


def kind_of(key: str) -> Any:
    section, _, name = key.rpartition(".")
    return typing.get_type_hints(SECTIONS[section])[name]


def value_of(recipe: StageRecipe, key: str) -> Any:
    for name in key.split("."):
        recipe = getattr(recipe, name)
    return recipe


def changed(recipe: StageRecipe, key: str, value: Any) -> StageRecipe:
    section, _, name = key.rpartition(".")
    if section:
        return replace(recipe, **{section: replace(getattr(recipe, section), **{name: value})})
    return replace(recipe, **{name: value})


def is_a_number(key: str) -> bool:
    kinds = typing.get_args(kind_of(key)) or (kind_of(key),)
    return int in kinds or float in kinds


NUMBERS = [key for key, _ in keys() if is_a_number(key)]


# --- ranges ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", NUMBERS)
def test_every_number_is_refused_below_zero_by_name(key):
    value = [-1.0, 0.9] if key == "betas" else -1
    with refused(key, -1.0 if key == "betas" else -1):
        changed(RECIPE, key, value).check()


ZERO_MEANS_SOMETHING = {"lora.dropout", "betas", "weight_decay", "warmup", "loader_workers", "seed"}


@pytest.mark.parametrize("key", [key for key in NUMBERS if key not in ZERO_MEANS_SOMETHING])
def test_zero_is_refused_where_it_means_nothing(key):
    with refused(key, 0):
        changed(RECIPE, key, 0).check()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("warmup", 1),
        ("lora.dropout", 1),
        ("betas", [0.9, 1]),
        ("weight_decay", 10),
        ("seed", 2**63),
    ],
)
def test_a_number_is_refused_above_its_range(key, value):
    with refused(key):
        changed(RECIPE, key, value).check()


def test_the_defaults_and_the_ends_of_ranges_are_taken():
    RECIPE.check()
    for key in ZERO_MEANS_SOMETHING:
        changed(RECIPE, key, [0, 0] if key == "betas" else 0).check()


def test_clipping_is_a_limit_above_zero_or_null_for_none():
    for limit in (0, -1):  # 0 clips nothing in DeepSpeed and everything in torch; -1 would turn the gradient round
        with refused("max_grad_norm", "above zero", "null", float(limit)):
            build_recipe(StageRecipe, {**to_plain(RECIPE), "max_grad_norm": limit}, "-")
    replace(RECIPE, max_grad_norm=None).check()
    shape = {"precision": "bf16", "device": "cpu", "adapters": False, "micro_batch": 1, "accumulation": 1}
    assert deepspeed_config("zero2", max_grad_norm=None, **shape)["gradient_clipping"] == 0
    assert deepspeed_config("zero2", max_grad_norm=0.5, **shape)["gradient_clipping"] == 0.5


@pytest.mark.parametrize("preset", ["zero1", "zero2_offload"])
def test_gradients_in_fp32_are_refused_where_deepspeed_does_not_add_them_up_so(preset):
    with refused("fp32_gradients", preset, "zero2", "zero3"):
        replace(RECIPE, fp32_gradients=True, deepspeed=preset).check()
    replace(RECIPE, fp32_gradients=True, deepspeed=preset, precision="fp32").check()  # they are fp32 anyhow


# --- resuming ----------------------------------------------------------------------------------------------------

OTHER = {
    "stage": "reasoning",
    "device": "cpu",
    "precision": "fp32",
    "deepspeed": "zero3",
    "attention": "eager",
    "resume": "weights",
    "train": "all",
    "max_grad_norm": None,
    "hook.mode": "watch",
    "hook.worlds": ["cube_rolling"],
    "hook.difficulties": ["easy"],
    "hook.modes": ["tqa"],
    "hook.prompts": "idf-short-1",
    "hook.kinds": ["rollout"],
    "betas": [0.9, 0.99],
}


def another(key: str) -> Any:
    """A value that a key does not have in RECIPE."""
    value = value_of(RECIPE, key)
    if key in OTHER:
        return OTHER[key]
    if isinstance(value, bool):
        return not value
    return f"{value}-other" if isinstance(value, str) else 1 if value is None else value + 1


def begun(tmp_path: Path, recipe: StageRecipe, /, **facts: Any) -> StageRecipe:
    """A run with a checkpoint of a recipe."""
    recipe = replace(recipe, run=str(tmp_path / "run"))
    folder = saving_folder(tmp_path / "run", "checkpoint-2")
    told = {
        "recipe": to_plain(recipe),
        "data": {"fingerprint": "f"},
        "ranks": 8,
        "stage": "imagery",
        "step": 2,
        **facts,
    }
    (folder / "idf.json").write_text(json.dumps(told))
    publish(tmp_path / "run", "checkpoint-2")
    return recipe


MARKED = {key: field.metadata.get("may_change") for key, field in keys()}


@pytest.mark.parametrize("key", [key for key, mark in MARKED.items() if mark is None])
def test_a_key_that_is_not_marked_may_not_change_and_is_named(tmp_path, key):
    recipe = begun(tmp_path, RECIPE)
    with refused("begun", recipe.run, key, "run=another/folder"):
        find_resume(changed(recipe, key, another(key)), "f", 8, True)


@pytest.mark.parametrize("key", [key for key, mark in MARKED.items() if mark == "exact" and key != "run"])
def test_a_marked_key_may_change_and_nothing_is_lost(tmp_path, key):
    recipe = begun(tmp_path, RECIPE)
    now = changed(recipe, key, another(key))
    checkpoint = find_resume(now, "f", 8, True)
    assert checkpoint == tmp_path / "run" / "checkpoint-2"
    assert carries_moments(now, json.loads((checkpoint / "idf.json").read_text()), 8)


@pytest.mark.parametrize("key", [key for key, mark in MARKED.items() if mark == "weights"])
def test_a_key_that_moves_the_optimizers_state_may_change_if_its_loss_is_wanted(tmp_path, key):
    recipe = changed(begun(tmp_path, RECIPE), key, another(key))
    with refused(recipe.run, f"{key}={another(key)} instead of", "resume=weights"):
        find_resume(recipe, "f", 8, True)
    assert find_resume(replace(recipe, resume="weights"), "f", 8, True) is not None


def test_all_keys_that_differ_are_named_at_once(tmp_path):
    recipe = begun(tmp_path, RECIPE)
    with refused(
        "precision=bf16", "not fp32", "gradient_checkpointing=True", "lora={'rank': 64", "not None", "f", "not g"
    ):
        find_resume(replace(recipe, precision="fp32", gradient_checkpointing=False, lora=None), "g", 8, True)


def test_the_folder_of_a_run_and_of_its_unchanged_data_may_move(tmp_path):
    recipe = begun(tmp_path, RECIPE)
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = replace(recipe, run=str(tmp_path / "moved"), data="elsewhere")
    assert find_resume(moved, "f", 8, True) == tmp_path / "moved" / "checkpoint-2"
    with refused("fingerprint", "=f", "not g"):
        find_resume(moved, "g", 8, True)


def test_a_key_that_an_older_run_does_not_know_reads_as_its_default(tmp_path):
    older = to_plain(RECIPE)
    for key in ("fp32_gradients", "any_data", "attention"):
        del older[key]
    del older["hook"]["prompts"]
    recipe = begun(tmp_path, RECIPE, recipe=older)
    assert find_resume(recipe, "f", 8, True) is not None
    with refused("fp32_gradients=False", "not True"):
        find_resume(replace(recipe, fp32_gradients=True), "f", 8, True)
    with refused("hook.prompts=idf-long-1", "not idf-short-1"):
        find_resume(changed(recipe, "hook.prompts", "idf-short-1"), "f", 8, True)


def test_a_key_of_a_newer_run_is_refused_and_named(tmp_path):
    recipe = begun(tmp_path, RECIPE, recipe={**to_plain(RECIPE), "dance": 3})
    with refused("dance=3", "unknown"):
        find_resume(recipe, "f", 8, True)


def test_adapters_instead_of_full_fine_tuning_are_one_difference():
    (difference,) = differences(RECIPE, to_plain(replace(RECIPE, lora=None)))
    assert (difference.key, difference.begun, difference.now) == ("lora", None, to_plain(RECIPE)["lora"])
    (difference,) = differences(RECIPE, to_plain(replace(RECIPE, lora=LoraRecipe(rank=8))))
    assert (difference.key, difference.begun, difference.now) == ("lora.rank", 8, 64)


# --- other trainers' names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OTHERS_NAMES)
def test_another_trainers_name_is_answered_with_ours_in_one_sentence(name):
    assert name not in dict(keys()), "it is a key of ours"
    with refused(name, OTHERS_NAMES[name]) as error:
        build_recipe(StageRecipe, {**to_plain(RECIPE), name: 1}, "-")
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("lr", ("learning_rate=1e-5",)),
        ("batch_size", ("rows_per_micro_batch", "rows_per_step", "x devices x")),
        ("per_device_train_batch_size", ("rows_per_micro_batch", "rows_per_step", "x devices x")),
        ("gradient_accumulation_steps", ("1 row x 8 devices x 2", "rows_per_step=16")),
        ("num_train_epochs", ("epochs=N",)),
        ("max_steps", ("epochs = steps x rows_per_step / rows",)),
        ("warmup_steps", ("warmup", "/ all steps")),
        ("cutoff_len", ("tokens_per_row=N",)),
        ("report_to", ("wandb=true", "wandb=false")),
        ("output_dir", ("run=FOLDER",)),
        ("model_name_or_path", ("model=FOLDER",)),
        ("lora_rank", ("lora.rank=64",)),
        ("bf16", ("precision=bf16",)),
        ("logging_steps", ("log_steps=N",)),
        ("save_total_limit", ("keep_checkpoints=N",)),
        ("flash_attn", ("attention=flash_attention_2",)),
        ("image_max_pixels", ("max_pixels=N",)),
        ("freeze_vit", ("train=language", "train=language+merger", "train=all")),
        ("tune_mm_mlp", ("train=language", "train=language+merger", "train=all")),
        ("vit_lr", ("vision_learning_rate=2e-6", "train=all")),
    ],
)
def test_the_well_known_names_lead_to_the_right_key(name, ours):
    says(OTHERS_NAMES[name], *ours)


def test_every_key_that_an_answer_tells_to_write_is_one_of_ours():
    known = {key for key, _ in keys()} | set(SECTIONS)
    for told in OTHERS_NAMES.values():
        for word in told.replace(",", " ").split():
            name, equals, value = word.partition("=")
            if equals and value:
                assert name in known, told


def test_the_answer_comes_from_a_launch_script_too(monkeypatch, capsys, tmp_path):
    from idf.training.stages import read_arguments

    monkeypatch.setattr("sys.argv", ["stage1.py", "epochs=2", "--dry-run", "--recipe", "idf:stage1.yaml", "run=here"])
    arguments = read_arguments(None, default="-", stage="imagery")
    assert (arguments.recipe.epochs, arguments.recipe.run, arguments.dry_run) == (2, "here", True)
    monkeypatch.setattr("sys.argv", ["stage1.py", "--learning_rate", "1e-5"])
    with refused("--learning_rate", "learning_rate=1e-5"):
        read_arguments(None, default="idf:stage1.yaml", stage="imagery")
