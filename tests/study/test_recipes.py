"""The recipes that come with the study: each is read, and its two stages belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.study import StudyRecipe
from idf.imagery import ImageryRecipe
from idf.recipe import read_recipe
from idf.suites import SuiteRecipe
from idf.traces import TracesRecipe
from idf.training.recipe import StageRecipe

RECIPES = Path(__file__).parents[2] / "bench/study/recipes"
KINDS: dict[str, type] = {
    "full": StudyRecipe,
    "imagery": ImageryRecipe,
    "quick": StudyRecipe,
    "stage1": StageRecipe,
    "stage2": StageRecipe,
    "suite": SuiteRecipe,
    "traces": TracesRecipe,
}


def test_these_are_all():
    assert {path.stem for path in RECIPES.iterdir()} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_recipe_is_sound(name):
    read_recipe(KINDS[name], RECIPES / f"{name}.yaml")


@pytest.mark.parametrize("name", ["full", "quick"])
def test_a_study_names_recipes_that_are_there(name):
    study = read_recipe(StudyRecipe, RECIPES / f"{name}.yaml")
    named = {study.imagery, study.traces, study.suite, study.stage1, study.stage2}
    assert {RECIPES.parents[2] / path for path in named} < set(RECIPES.iterdir())


def test_stage_2_goes_on_from_stage_1_and_the_rows_of_both_divide():
    first, second = (read_recipe(StageRecipe, RECIPES / f"stage{number}.yaml") for number in (1, 2))
    assert (first.stage, second.stage) == ("imagery", "reasoning")
    assert second.model == f"{first.run}/final"
    assert (first.lora, first.deepspeed, first.tokens_per_row) == (second.lora, second.deepspeed, second.tokens_per_row)
    for recipe in (first, second):
        assert recipe.gpus == 1
        assert recipe.accumulation_steps(recipe.gpus) >= 1
