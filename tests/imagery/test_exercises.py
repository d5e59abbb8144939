"""Exercises: suites of held-out imagery samples, asked in the words of stage 1."""

from __future__ import annotations

import numpy as np
import pytest

from idf.data import Row, Slot, text_of
from idf.drawing import decode_picture
from idf.evaluation.run.queries import Ask, Form, Requests
from idf.imagery import ImageryMaker, ImageryRecipe, draw_suite, kinds_of
from idf.suites import PROMPTS, Item, SuiteRecipe, draw_items, generate_suite, item_prompt, published, read_suite
from idf.worlds import WORLDS, split_of
from tests.sentences import refused

PIXELS = 50_176
SIMULATIONS = ["rollout", "step", "inverse", "legality", "reading", "masked", "goal"]


def suite(**changes) -> SuiteRecipe:
    return SuiteRecipe(**{"items": 2, "difficulties": ["easy"], "kinds": ["rollout"], "max_pixels": PIXELS, **changes})


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return draw_suite(suite(kinds=SIMULATIONS))[0]


def sample_of(item: Item, mode: str, wording: str):
    """The imagery sample that asks the same, made as those of training are, but of the other split."""
    recipe = ImageryRecipe(modes={mode: 1}, wordings={wording: 1}, phrasings=1, noise=0, max_pixels=PIXELS)
    maker = ImageryMaker(recipe, published(), split="eval")
    slot = Slot(item.world, item.difficulty, item.exercise.kind)
    for index in range(600):
        draft = maker.draft(slot, index)
        if draft.key == item.exercise.key:
            return maker.make(Row(slot, index, draft))
    raise AssertionError(f"{item.id} is no sample of imagery")


@pytest.mark.parametrize("prompts", PROMPTS)
def test_an_exercise_asks_and_shows_what_a_sample_of_stage_1_does_and_its_truth_is_the_samples(prompts, items):
    for item in items[::2]:
        mode = next(mode for mode in ("vtqa", "vqa") if mode in item.exercise.prompts["long"])
        sample = sample_of(item, mode, PROMPTS[prompts])
        (request,) = Requests([Ask(item, mode)], Form(prompts, PIXELS))
        assert request.messages == sample.messages[:1]
        assert np.array_equal(request.picture, decode_picture(sample.images[0]))
        assert item.exercise.response == text_of(sample.messages[1])
        assert (item.exercise.key, item.exercise.scene) == (sample.meta["key"], sample.meta["scene"])


def test_every_simulation_of_every_world_is_asked_and_ids_say_which(items):
    asked = {(item.world, item.exercise.kind) for item in items}
    assert asked == {(name, kind) for name, world in WORLDS.items() for kind in kinds_of(world) if kind in SIMULATIONS}
    assert {"cube_rolling:easy:rollout:0", "wood_slide:easy:goal:1"} <= {item.id for item in items}
    assert len({item.id for item in items}) == len({(item.world, item.exercise.key) for item in items}) == len(items)


def test_what_an_exercise_shows_is_held_out_and_not_published(items):
    for item in items:
        world, scene = WORLDS[item.world], item.scene
        if item.exercise.kind == "inverse":
            continue  # the picture shows no action; its key is that of the step
        assert split_of(world, world.keys(scene)) == "eval", item.id
        assert not published().avoid(item.world, world.keys(scene)), item.id


@pytest.mark.parametrize("kind", ["rollout", "step", "inverse", "masked"])
def test_no_training_data_of_any_seed_holds_the_scene_of_an_exercise(kind):
    asked = {item.exercise.scene for item in draw_suite(suite(items=8, worlds=["cube_rolling"], kinds=[kind]))[0]}
    trained = set()
    for seed in range(4):
        maker = ImageryMaker(ImageryRecipe(seed=seed), published())
        drafts = [maker.draft(Slot("cube_rolling", "easy", kind), index) for index in range(250)]
        trained |= {draft.scene for draft in drafts if draft.key is not None}
    assert len(trained) > 100
    assert not asked & trained


def test_a_suite_is_read_back_as_it_was_drawn_with_its_pictures(items, tmp_path):
    generate_suite(suite(kinds=SIMULATIONS), tmp_path / "s", draw_suite)
    found = read_suite(tmp_path / "s")
    assert [(item.id, item.task) for item in found] == [(item.id, item.task) for item in items]
    assert all(item.picture.exists() for item in found)
    assert len(list((tmp_path / "s" / "pictures").iterdir())) == len(items)


def test_items_of_some_steps_alone_can_be_asked_of_exercises_and_of_problems():
    for recipe in (suite(items=6), suite(items=6, kinds=[])):
        longer = SuiteRecipe(
            **{**vars(recipe), "worlds": ["cube_rolling"], "difficulties": ["hard"], "steps": [14, 15]}
        )
        found, _ = draw_suite(longer)
        assert {len(WORLDS["cube_rolling"].course(item.scene)[1]) for item in found} == {14, 15}


def test_another_seed_gives_other_exercises():
    first, second = (draw_suite(suite(worlds=["rubiks_cube"], seed=seed))[0] for seed in (0, 1))
    assert not {item.exercise.key for item in first} & {item.exercise.key for item in second}


def test_basic_skills_are_asked_too_and_relations_in_text_alone():
    found, _ = draw_suite(suite(worlds=["mental_rotation"], kinds=["direction", "relations"]))
    relations = next(item for item in found if item.exercise.kind == "relations")
    assert item_prompt(relations, "tqa", "idf-short-1")
    with refused("relations", "tqa", "vtqa"):
        item_prompt(relations, "vtqa", "idf-short-1")


@pytest.mark.parametrize("prompts", ["idf-held-long-1", "official-2025"])
def test_other_words_than_those_of_stage_1_are_refused(prompts, items):
    with refused(items[0].id, "exercise", "idf-long-1", "idf-short-1", prompts):
        item_prompt(items[0], "tqa", prompts)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (suite(kinds=["rollouts"]), ("kinds", "'rollouts'", "rollout")),
        (suite(kinds=["partial"]), ("kinds", "'partial'")),
        (suite(kinds=["goal"]), ("kinds", "cube_rolling", "goal")),
        (suite(worlds=["cube_rolling_part"]), ("kinds", "cube_rolling_part")),
        (suite(worlds=["rubiks_cube"], kinds=["step", "goal"]), ("kinds", "rubiks_cube", "goal")),
        (suite(worlds=["cube_rolling"], steps=[40, 50]), ("cube_rolling", "easy", "rollout", "40", "50", "less")),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(recipe, said):
    with refused(*said):
        draw_suite(recipe)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (suite(symmetric=True), ("symmetric", "kinds")),
        (suite(steps=[3]), ("steps", "[6, 8]")),
        (suite(steps=[3, 2]), ("steps",)),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(recipe, said):
    with refused(*said):
        recipe.check()


def test_who_draws_problems_alone_does_not_make_problems_of_kinds():
    with refused("kinds", "rollout"):
        draw_items(suite())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('"kind": "rollout"', '"kind": 3'),
        ('"actions": ["', '"actions": ["up", "'),
        ('"difficulty": "easy"', '"difficulty": "simple"'),
        ('"prompts": {"long"', '"prompts": {"loud"'),
        ('"scene": ', '"scenery": '),
    ],
)
def test_a_broken_exercise_is_named_by_its_line(change, said, tmp_path):
    generate_suite(suite(worlds=["cube_rolling"], items=1), tmp_path / "s", draw_suite)
    path = tmp_path / "s" / "items.jsonl"
    text = path.read_text()
    assert change in text
    path.write_text(text.replace(change, said, 1))
    with refused(path, "line 1", "not an item"):
        read_suite(tmp_path / "s")


def test_a_problem_is_not_made_of_an_exercise(items):
    with refused(items[0].id, "exercise", "rollout", "problem", "kinds"):
        _ = items[0].problem
    assert items[0].exercise is items[0].task
