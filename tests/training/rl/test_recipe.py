"""The keys of stage 3."""

from __future__ import annotations

import dataclasses
import re
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idf.recipe import build_recipe, read_recipe, to_plain
from idf.training.recipe import LoraRecipe
from idf.training.stage3_recipe import RewardRecipe, Stage3Recipe, StopRecipe, VllmRecipe
from idf.training.stages import SCRIPTS, read_stage_recipe, read_supervised
from tests.sentences import refused

ROOT = Path(__file__).parents[3]
RECIPE = Stage3Recipe("reinforcement", "base", "data", "run")
SECTIONS: dict[str, Any] = {"reward": RewardRecipe(), "stop": StopRecipe(), "vllm": VllmRecipe()}


def changed(key: str, value: Any) -> Stage3Recipe:
    section, _, name = key.rpartition(".")
    return (
        replace(RECIPE, **{section: replace(SECTIONS[section], **{name: value})})
        if section
        else replace(RECIPE, **{name: value})
    )


def numbers() -> list[str]:
    """Every key of stage 3 alone that is a number."""
    found = []
    for section, recipe in {"": RECIPE, **SECTIONS}.items():
        hints = typing.get_type_hints(type(recipe))
        for field in dataclasses.fields(recipe):
            kinds = typing.get_args(hints[field.name]) or (hints[field.name],)
            if int in kinds or float in kinds:
                found.append(f"{section}.{field.name}".removeprefix("."))
    return found


@pytest.mark.parametrize("key", numbers())
def test_every_number_is_refused_below_zero_by_name(key):
    with refused(key, -1):
        changed(key, -1).check()


def test_one_response_has_nobody_to_be_compared_with():
    with refused("samples", 1):
        changed("samples", 1).check()


@pytest.mark.parametrize(("credit", "price"), [(0.5, 0.0), (0.4, 0.2), (0.1, 0.8)])
def test_a_false_answer_may_not_earn_half_of_a_right_one(credit, price):
    with refused("reward", "step_credit"):
        replace(RECIPE, reward=RewardRecipe(credit, price)).check()


@pytest.mark.parametrize("train", ["language+merger", "all"])
def test_a_vision_part_that_learns_is_refused_with_the_stages_in_which_it_may(train):
    with refused("train", "language", train, "stages 1 and 2"):
        replace(RECIPE, train=train).check()


@pytest.mark.parametrize("preset", ["zero3", "zero3_offload"])
def test_zero3_is_refused_with_what_would_do(preset):
    with refused(preset, "zero2", "forever"):
        replace(RECIPE, deepspeed=preset).check()


def test_a_server_of_vllm_needs_an_address_and_nothing_else_takes_one():
    with refused("vllm.url"):
        replace(RECIPE, vllm=VllmRecipe("server")).check()
    with refused("vllm.url"):
        replace(RECIPE, vllm=VllmRecipe("colocate", "http://here:8000")).check()
    replace(RECIPE, vllm=VllmRecipe("server", "http://here:8000")).check()


def test_adapters_that_drop_inputs_are_refused():
    with refused("lora.dropout"):
        replace(RECIPE, lora=LoraRecipe(dropout=0.1)).check()
    replace(RECIPE, lora=LoraRecipe()).check()


def test_micro_batches_divide_a_steps_responses():
    assert replace(RECIPE, prompts_per_step=6, samples=8, samples_per_micro_batch=12).accumulation_steps(2) == 2
    with refused("prompts_per_step x samples (6 x 8)", "multiple", "7"):
        replace(RECIPE, prompts_per_step=6, samples=8, samples_per_micro_batch=7).accumulation_steps(1)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("num_generations", "samples"),
        ("max_completion_length", "max_new_tokens"),
        ("per_device_train_batch_size", "samples_per_micro_batch"),
        ("epochs", "steps"),
        ("kl_coef", "beta"),
        ("reward_funcs", "reward.step_credit"),
        ("lr", "learning_rate"),
    ],
)
def test_other_trainers_names_are_answered_with_ours(theirs, ours):
    with refused(theirs, ours):
        build_recipe(Stage3Recipe, {**to_plain(RECIPE), theirs: 1}, "-")


def test_each_script_and_command_knows_whose_recipe_it_reads():
    assert isinstance(read_stage_recipe("recipes/stage3.yaml"), Stage3Recipe)
    with refused("reinforcement", "stages 1 and 2"):
        read_supervised("idf:stage3.yaml", (), "this")
    assert set(SCRIPTS.values()) == {str(path.relative_to(ROOT)) for path in (ROOT / "launch").glob("stage*.py")}


def test_every_key_is_in_the_docs():
    page = (ROOT / "docs" / "reinforcement.md").read_text()
    named = set(re.findall(r"`([a-z_0-9]+(?:\.[a-z_]+)?)`", page))
    keys = {field.name for field in dataclasses.fields(Stage3Recipe)} - {"reward", "stop"}
    keys |= {
        f"{section}.{field.name}" for section in ("reward", "stop") for field in dataclasses.fields(SECTIONS[section])
    }
    assert keys <= named, keys - named


def test_defaults_in_the_docs_are_those_of_the_code():
    page = (ROOT / "docs" / "reinforcement.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_.0-9]+)` \| `?([^|`]+?)`? \|", page, re.MULTILINE))
    del rows["stage"]
    for key, told in rows.items():
        section, _, name = key.rpartition(".")
        value = getattr(SECTIONS[section] if section else RECIPE, name)
        assert told == ("null" if value is None else str(value)), key


def test_the_papers_size_is_read():
    recipe = read_recipe(Stage3Recipe, ROOT / "recipes" / "stage3.yaml")
    assert recipe.accumulation_steps(recipe.gpus) >= 1


def test_vllm_is_refused_with_adapters_whose_names_it_does_not_know():
    with refused("vllm", "lora", "names"):
        replace(RECIPE, vllm=VllmRecipe(), lora=LoraRecipe()).check()
    replace(RECIPE, lora=LoraRecipe()).check()


def test_the_doctor_names_the_extra_that_brings_trl(monkeypatch):
    from idf.gpus import Torch
    from idf.training import doctor

    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "trl" else object())
    found = doctor._packages(Torch("2.14.1"), RECIPE)
    assert found.state == doctor.MISSING
    assert "trl" in found.sentence
    assert "idf[rl]" in found.sentence
