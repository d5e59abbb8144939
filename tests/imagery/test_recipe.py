"""Imagery recipes: what cannot be made is refused before anything is."""

from __future__ import annotations

import pytest

from idf.imagery import LESSONS, ImageryRecipe, kinds_of
from idf.worlds import WORLDS
from tests.sentences import refused


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"samples": 0}, ("samples", 1, 0)),
        ({"worlds": {"chess": 1.0}}, ("worlds", "unknown", "'chess'")),
        ({"difficulties": {"extreme": 1.0}}, ("difficulties", "unknown", "'extreme'")),
        ({"kinds": {"guess": 1.0}}, ("kinds", "unknown", "'guess'", "rollout, step, inverse, legality, ")),
        ({"kinds": {}}, ("kinds", "at least one weight")),
        ({"modes": {"audio": 1.0}}, ("modes", "unknown", "'audio'")),
        ({"wordings": {"terse": 1.0}}, ("wordings", "unknown", "'terse'")),
        ({"modes": {}}, ("modes", "at least one weight")),
        ({"phrasings": 0}, ("phrasings", 1, 4, "null", 0)),
        ({"phrasings": 5}, ("phrasings", 1, 4, "null", 5)),
        ({"noise": -0.1}, ("noise", 0, 1, "-0.1")),
        ({"noise": 1.1}, ("noise", 0, 1, 1.1)),
        ({"max_pixels": 100}, ("max_pixels", 3136, 100)),
        ({"kinds": {"legality": 1.0}}, ("kinds", "mental_rotation", "none", "only rollout, step, ")),
        (
            {"kinds": {"goal": 1.0}, "worlds": {"rubiks_cube": 1.0, "wood_slide": 1.0}},
            ("kinds", "rubiks_cube", "none", "only rollout, "),
        ),
    ],
)
def test_a_recipe_that_cannot_be_made_is_refused_in_words(changes, why):
    with refused(*why):
        ImageryRecipe(**changes).check()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kinds": {"goal": 1.0}, "worlds": {"rubiks_cube": 0.0, "wood_slide": 1.0}},
        {"noise": 1},
        {"phrasings": 4},
    ],
)
def test_a_recipe_that_can_be_made_is_accepted(changes):
    ImageryRecipe(**changes).check()


def test_the_kinds_of_a_world_get_the_weights_of_the_recipe_and_no_weight_is_zero():
    recipe = ImageryRecipe(kinds={"rollout": 2.0, "goal": 1.0})
    assert recipe.kinds_of("wood_slide") == dict.fromkeys(kinds_of(WORLDS["wood_slide"]), 0.0) | {
        "rollout": 2.0,
        "goal": 1.0,
    }
    assert "goal" not in recipe.kinds_of("rubiks_cube")
    named = set(LESSONS) - {"partial"}
    assert set(ImageryRecipe().kinds) == named, "by default every kind but one and the basic skills has a weight"
