"""The recipes that come with idf can be filled: there are enough different samples of every kind that they ask for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from idf.data import LocalEngine, allot_slots, choose_rows
from idf.data._build import Choice
from idf.imagery import ImageryMaker, ImageryRecipe
from idf.recipe import read_recipe
from idf.suites import published
from idf.traces import TraceMaker, TracesRecipe

RECIPES = Path(__file__).parents[2] / "recipes"


def chosen(name: str) -> Choice:
    """Which samples a recipe comes to; nothing is made."""
    recipe = read_recipe(
        ImageryRecipe if name.endswith(("imagery.yaml", "basics.yaml")) else TracesRecipe, RECIPES / name
    )
    if isinstance(recipe, ImageryRecipe):
        number, maker = recipe.samples, ImageryMaker(recipe, published())
        kinds = {world: recipe.kinds_of(world) for world in recipe.worlds}
    else:
        number, maker = recipe.problems, TraceMaker(recipe, published())
        kinds = {world: {"trace": 1.0} for world in recipe.worlds}
    slots = allot_slots(number, recipe.worlds, recipe.difficulties, kinds, recipe.seed)
    choice = choose_rows(slots, maker, LocalEngine())
    assert Counter(row.slot for row in choice.rows) == Counter(slots)
    assert len({row.draft.key for row in choice.rows}) == number
    return choice


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("imagery.yaml", pytest.param("basics.yaml", marks=pytest.mark.full), "traces.yaml", "lengths.yaml"),
        *("quickstart/imagery.yaml", "quickstart/traces.yaml", "quickstart/lengths.yaml"),
    ],
)
def test_there_are_enough_different_samples_and_none_of_them_is_published(name):
    for counts in chosen(name).counts.values():
        assert counts["overlap_canonical"] == counts["overlap_exact"] == 0
