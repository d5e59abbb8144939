"""Recipes: typed, checked, and an error names the key and the nearest right one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.errors import UserError
from idf.imagery import ImageryRecipe
from idf.loop import LoopRecipe
from idf.recipe import read_recipe, to_plain
from idf.suites import SuiteRecipe
from idf.traces import TracesRecipe
from tests.sentences import refused, says

RECIPES = Path(__file__).parents[1] / "recipes"


@dataclass(frozen=True)
class Section:
    items: int = 3
    modes: list[str] = field(default_factory=lambda: ["tqa"])


@dataclass(frozen=True)
class Recipe:
    name: str
    learning_rate: float = 1e-5
    steps: int = 10
    wandb: bool = False
    preset: str | None = "zero2"
    precision: Literal["bf16", "fp32"] = "bf16"
    betas: list[float] = field(default_factory=lambda: [0.9])
    worlds: dict[str, float] = field(default_factory=dict)
    hook: Section = field(default_factory=Section)

    def check(self) -> None:
        if self.steps == 13:
            raise UserError("steps must not be 13")


def recipe(tmp_path: Path, text: str, *overrides: str) -> Recipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return read_recipe(Recipe, path, overrides)


def refusal(tmp_path: Path, text: str, *overrides: str) -> str:
    with refused(tmp_path / "recipe.yaml") as error:  # the file is named
        recipe(tmp_path, text, *overrides)
    return str(error.value)


def test_what_a_file_does_not_say_is_the_default(tmp_path):
    assert recipe(tmp_path, "name: run") == Recipe("run")
    assert read_recipe(SuiteRecipe, None) == SuiteRecipe()


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("learning_rate: 1e-5", "learning_rate", 1e-5),  # a text to YAML, which wants a point
        ("learning_rate: 1.0e-5", "learning_rate", 1e-5),
        ("learning_rate: 1", "learning_rate", 1.0),
        ("learning_rate: '2e-3'", "learning_rate", 2e-3),
        ("preset: null", "preset", None),
        ("preset: zero3", "preset", "zero3"),
        ("precision: fp32", "precision", "fp32"),
        ("betas: [1, 9e-1]", "betas", [1.0, 0.9]),
        ("worlds: {a: 1, b: 2e0}", "worlds", {"a": 1.0, "b": 2.0}),
        ("wandb: true", "wandb", True),
        ("hook: {items: 5}", "hook", Section(5)),
        ("hook: {modes: [vqa, tqa]}", "hook", Section(3, ["vqa", "tqa"])),
    ],
)
def test_a_value_is_read_in_the_type_of_its_field(tmp_path, text, key, value):
    read = getattr(recipe(tmp_path, f"name: run\n{text}"), key)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rte: 1", ("unknown", "learning_rte", "learning_rate")),
        ("step: 1", ("unknown", "key step;", "steps")),
        ("hook: {item: 1}", ("unknown", "hook.item", "hook.items")),
        ("qqqqq: 1", ("unknown", "qqqqq", "name, learning_rate")),
        ("hook: {zz: 1}", ("unknown", "hook.zz", "items, modes")),
        ("steps: ten", ("steps", "whole number", "'ten'")),
        ("steps: 1.5", ("steps", "whole number", 1.5)),
        ("steps: 1e3", ("steps", "whole number", "'1e3'")),
        ("steps: true", ("steps", "whole number", True)),
        ("steps: null", ("steps", "whole number", None)),
        ("learning_rate: fast", ("learning_rate", "number", "'fast'")),
        ("learning_rate: true", ("learning_rate", "number", True)),
        ("learning_rate: [1]", ("learning_rate", "number", "[1]")),
        ("wandb: 1", ("wandb", "true or false", 1)),
        ("wandb: 'yes'", ("wandb", "true or false", "'yes'")),
        ("preset: 3", ("preset", "text", 3)),
        ("precision: fp8", ("precision", "bf16, fp32", "'fp8'")),
        ("betas: 0.9", ("betas", "list", 0.9)),
        ("betas: [0.9, x]", ("betas[1]", "number", "'x'")),
        ("worlds: [a]", ("worlds", "map", "['a']")),
        ("worlds: {a: x}", ("worlds.a", "number", "'x'")),
        ("hook: 5", ("hook", "key: value", 5)),
        ("hook: {items: x}", ("hook.items", "whole number", "'x'")),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_would_be_right(tmp_path, text, said):
    says(refusal(tmp_path, f"name: run\n{text}"), *said)


def test_a_key_that_is_missing_is_named(tmp_path):
    says(refusal(tmp_path, "steps: 1"), "key name", "missing")
    says(refusal(tmp_path, ""), "key name", "missing")


@pytest.mark.parametrize("text", ["- a\n- b", "just words", "5"])
def test_a_file_that_is_no_set_of_keys_is_refused(tmp_path, text):
    says(refusal(tmp_path, text), "`key: value`")


def test_a_file_that_is_no_yaml_is_told_in_one_sentence(tmp_path):
    says(refusal(tmp_path, "name: [run"), "not YAML")


def test_a_file_cannot_make_objects(tmp_path):
    says(refusal(tmp_path, "name: !!python/object/apply:os.getcwd []"), "not YAML")


def test_a_missing_file_is_named(tmp_path):
    with refused("no recipe", tmp_path / "nowhere.yaml"):
        read_recipe(Recipe, tmp_path / "nowhere.yaml")


def test_a_check_of_the_recipe_itself_is_heard(tmp_path):
    with refused("steps must not be 13"):  # the sentence of the recipe of this test
        recipe(tmp_path, "name: run\nsteps: 13")


# --- overrides ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("steps=7", "steps", 7),
        ("learning_rate=1e-5", "learning_rate", 1e-5),
        ("name=a=b", "name", "a=b"),
        ("preset=null", "preset", None),
        ("betas=[0.5, 0.6]", "betas", [0.5, 0.6]),
        ("worlds={a: 2}", "worlds", {"a": 2.0}),
        ("worlds.a=2", "worlds", {"a": 2.0, "b": 1.0}),
        ("hook.items=9", "hook", Section(9, ["vqa"])),
        ("hook={items: 9}", "hook", Section(9)),
        ("wandb=true", "wandb", True),
    ],
)
def test_an_override_wins_over_the_file_and_leaves_the_rest(tmp_path, override, key, value):
    text = "name: run\nsteps: 1\nworlds: {a: 1, b: 1}\nhook: {items: 1, modes: [vqa]}"
    changed = recipe(tmp_path, text, override)
    assert getattr(changed, key) == value
    others = {k: v for k, v in to_plain(recipe(tmp_path, text)).items() if k != key}
    assert {k: v for k, v in to_plain(changed).items() if k != key} == others


def test_of_two_overrides_the_last_one_wins(tmp_path):
    assert recipe(tmp_path, "name: run", "steps=1", "steps=2").steps == 2


def test_an_override_can_stand_in_for_a_whole_file_or_section():
    assert read_recipe(Recipe, None, ["name=run", "hook.items=9"]) == Recipe("run", hook=Section(9))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("steps", ("'steps'", "override", "key=value")),
        ("--steps", ("'--steps'", "override", "key=value")),
        ("stepz=1", ("unknown", "stepz", "steps")),
        ("hook.item=1", ("unknown", "hook.item", "hook.items")),
        ("steps=ten", ("steps", "whole number", "'ten'")),
        ("=1", ("unknown key", "name")),
        ("hook..items=1", ("unknown key", "hook.")),
    ],
)
def test_a_wrong_override_is_named(override, said):
    with refused(*said):
        read_recipe(Recipe, None, ["name=run", override])


def test_an_override_that_is_no_yaml_is_told_in_one_sentence():
    with pytest.raises(UserError):
        read_recipe(Recipe, None, ["name=run", "worlds={a"])


def test_an_override_below_a_plain_value_is_refused_and_not_forgotten(tmp_path):
    with pytest.raises(UserError):
        recipe(tmp_path, "name: run\nsteps: 1", "steps.x=5")


@pytest.mark.parametrize("kind", ["folder", "bytes"])
def test_a_recipe_that_is_no_text_file_is_told_in_one_sentence(tmp_path, kind):
    path = tmp_path / "recipe.yaml"
    path.mkdir() if kind == "folder" else path.write_bytes(b"name: \xe9\xff")
    with pytest.raises(UserError, match=re.escape(str(path))):
        read_recipe(Recipe, path)


@pytest.mark.parametrize("value", [".nan", "nan", ".inf"])
def test_a_number_is_finite(tmp_path, value):
    with pytest.raises(UserError):
        recipe(tmp_path, f"name: run\nlearning_rate: {value}")


@given(st.floats(1e-12, 1e6), st.integers(-(10**9), 10**9), st.lists(st.floats(0, 1), max_size=3))
def test_a_saved_recipe_is_read_back_as_it_was(rate, steps, betas):
    if steps == 13:
        return
    saved = json.dumps(to_plain(Recipe("run", rate, steps, betas=betas, worlds={"a": rate})))
    overrides = [f"{key}={json.dumps(value)}" for key, value in json.loads(saved).items()]
    assert read_recipe(Recipe, None, overrides) == Recipe("run", rate, steps, betas=betas, worlds={"a": rate})


# --- the recipes that come with idf ------------------------------------------------------------------------------

KINDS: dict[str, type] = {
    "imagery": ImageryRecipe,
    "basics": ImageryRecipe,
    "traces": TracesRecipe,
    "lengths": TracesRecipe,
    "suite": SuiteRecipe,
    "loop": LoopRecipe,
}
STAGES = {"stage1": "imagery", "stage2": "reasoning", "stage3": "reinforcement"}
OTHER: tuple[str, ...] = ()  # file names of recipes that are of none of these kinds


@pytest.mark.parametrize("path", sorted(RECIPES.glob("**/*.yaml")), ids=lambda path: str(path.relative_to(RECIPES)))
def test_every_recipe_that_comes_with_idf_is_sound(path):
    if path.name in OTHER:
        pytest.skip(f"{path.name} is a recipe of another kind")
    name = re.split(r"[-_.]", path.name)[0]
    if name in STAGES:
        from idf.training.stages import read_stage_recipe

        assert read_stage_recipe(path).stage == STAGES[name]
    else:
        assert name in KINDS, f"{path}: name the kind of this recipe here, or list it in OTHER"
        read_recipe(KINDS[name], path)


def test_there_are_recipes():
    assert {"imagery.yaml", "traces.yaml", "stage1.yaml", "stage2.yaml"} <= {
        path.name for path in RECIPES.glob("**/*.yaml")
    }


def test_one_weight_of_a_map_is_changed_without_a_file_too_and_the_others_stay():
    from idf.imagery import ImageryRecipe

    default, changed = ImageryRecipe(), read_recipe(ImageryRecipe, None, ["kinds.rollout=3", "modes.tqa=0"])
    assert changed.kinds == default.kinds | {"rollout": 3.0}
    assert changed.modes == default.modes | {"tqa": 0.0}
    assert ImageryRecipe().kinds == default.kinds, "the default itself is not changed"
