"""Imagery samples of scenes that are shown in part: only where a recipe asks, and told in full."""

from __future__ import annotations

import pytest

from idf.data import LocalEngine, allot_slots, choose_rows, text_of
from idf.errors import UserError
from idf.imagery import PHRASINGS, ImageryMaker, ImageryRecipe, kinds_of
from idf.scoring import read_trace, replay_claims, score
from idf.suites import published
from idf.worlds import PARTS, WORLDS, Draw
from tests.sentences import refused

PHRASED = set(PHRASINGS["partial"])
FAMILIES = sorted(part.family for part in PARTS.values())


def test_no_recipe_has_them_unless_it_names_them():
    assert "partial" not in ImageryRecipe().kinds
    assert {world for world in WORLDS if "partial" in kinds_of(WORLDS[world])} == set(FAMILIES)


def test_a_world_that_cannot_be_shown_in_part_has_none():
    with refused("rubiks_cube", "none of the kinds", by=UserError):
        ImageryRecipe(worlds={"rubiks_cube": 1.0}, kinds={"partial": 1.0}).check()


def samples(world: str, number: int):
    recipe = ImageryRecipe(samples=number, worlds={world: 1.0}, kinds={"partial": 1.0}, max_pixels=50_000)
    recipe.check()
    maker = ImageryMaker(recipe, published())
    slots = allot_slots(number, recipe.worlds, recipe.difficulties, {world: recipe.kinds_of(world)}, 0)
    for row in choose_rows(slots, maker, LocalEngine()).rows:
        draw = Draw(0, "train", row.index, row.slot.difficulty, published().avoid, "partial")
        yield draw.problem(PARTS[f"{world}_part"]).scene, maker.make(row)


@pytest.mark.parametrize("world", FAMILIES)
def test_a_sample_asks_and_answers_its_problem_and_proves_it(world):
    answers, used = set(), set()
    for problem, sample in samples(world, 9):
        response = text_of(sample.messages[-1])
        assert (sample.world, sample.kind) == (world, "partial")
        assert score(problem, response).correct
        assert replay_claims(problem, read_trace(PARTS[problem.world], response), (), 0) is None
        assert "cannot be determined" in text_of(sample.messages[0])
        answers.add(sample.meta["answer"] == "cannot be determined")
        assert len(sample.images) == (sample.meta["mode"] != "tqa")
        assert not sample.meta["noise"]
        used.add(PHRASINGS["partial"][sample.meta["phrasing"]])
    assert answers == {True, False}
    assert len(PHRASED) >= 4
    assert len(used) > 1
    assert used <= PHRASED
