"""Imagery samples: the states that they spell out are those of the world."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from idf.data import Sample, Slot, text_of
from idf.drawing import decode_png, draw
from idf.errors import UserError
from idf.imagery import ImageryRecipe, build_imagery, imagery_sample
from idf.scoring import final_answer
from idf.suites import MODES
from idf.worlds import WORLDS, Walk, sample_walk, split_of
from idf.worlds.cube_rolling import FACES, HIDDEN
from tests.data.samples import PIXELS, ROLLS, seen

SLOTS = [Slot(world, difficulty) for world in WORLDS for difficulty in ("easy", "medium")]
EACH = 3


def samples(slot: Slot, mode: str, wording: str = "long") -> list[tuple[Sample, Walk]]:
    """Samples shown in one mode, with the walks that they were made from."""
    recipe = ImageryRecipe(seed=5, modes={mode: 1.0}, wordings={wording: 1.0}, max_pixels=PIXELS)
    at = {"seed": 5, "split": "train", "difficulty": slot.difficulty}
    return [(imagery_sample(recipe, slot, i), sample_walk(WORLDS[slot.world], index=i, **at)) for i in range(EACH)]


def prompt(sample: Sample) -> str:
    return text_of(sample.messages[0])


def response(sample: Sample) -> str:
    return text_of(sample.messages[1])


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_the_states_of_a_response_replay_in_the_world_step_by_step(slot):
    world = WORLDS[slot.world]
    for sample, _ in samples(slot, "tqa"):
        state = world.read(sample.meta["start"])
        rest = response(sample)
        begin = f"Start: {world.line(state)}\n"
        assert rest.startswith(begin)
        rest = rest.removeprefix(begin)
        for number, action in enumerate(sample.meta["actions"], 1):
            state = world.step(state, action)
            line = f"{number}. {action}: {world.line(state)}\n"
            assert rest.startswith(line), f"step {number} is not what the world does"
            rest = rest.removeprefix(line)
        assert not re.search(r"^\d+\. ", rest, re.MULTILINE), "no step more than there are actions"


@pytest.mark.parametrize("slot", SLOTS, ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_the_last_line_is_the_true_answer_and_the_only_one(slot, mode):
    for sample, walk in samples(slot, mode):
        assert response(sample).splitlines()[-1] == f"Answer: {walk.answer}"
        assert response(sample).count("Answer:") == 1
        assert final_answer(response(sample)) == sample.meta["answer"] == walk.answer


def test_the_answer_is_what_the_end_of_the_walk_shows():
    # Read off the last state here, without the code that poses the question.
    for sample, _ in samples(Slot("cube_rolling", "medium"), "tqa"):
        world = WORLDS["cube_rolling"]
        end = world.replay(world.read(sample.meta["start"]), sample.meta["actions"])[-1]
        face = re.search(r"Which colour is the (\w+) face", prompt(sample))[1]
        assert end.colours[FACES.index(face)] == sample.meta["answer"]
    for name in ("moving_box", "wood_slide"):
        for sample, _ in samples(Slot(name, "easy"), "tqa"):
            world = WORLDS[name]
            assert (
                world.line(world.replay(world.read(sample.meta["start"]), sample.meta["actions"])[-1])
                == sample.meta["answer"]
            )


@pytest.mark.parametrize("slot", SLOTS, ids=str)
@pytest.mark.parametrize("wording", ["long", "short"])
def test_the_prompt_names_every_action_and_the_question_and_with_text_the_start(slot, wording):
    world = WORLDS[slot.world]
    for mode in MODES:
        for sample, walk in samples(slot, mode, wording):
            assert f"Actions: {' '.join(walk.actions)}\n{walk.question}" in prompt(sample)
            assert (world.rule in prompt(sample)) == (wording == "long")
            described = f"Start: {world.describe(walk.start, pictured=False)}\n"
            assert (described in prompt(sample)) == (mode != "vqa")


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_with_the_picture_alone_the_text_holds_no_state_that_it_shows(slot):
    world = WORLDS[slot.world]
    for sample, walk in samples(slot, "vqa", "short"):
        text = prompt(sample)
        for told in (world.write(walk.start), world.line(walk.start), walk.answer + "\n"):
            assert told not in text
        before_the_question = set(re.findall("[a-z]+", text.partition("\nActions:")[0]))
        shown = (
            [c for face, c in zip(FACES, walk.start.colours, strict=True) if face not in HIDDEN]
            if slot.world == "cube_rolling"
            else world.colours
        )
        assert not before_the_question & set(shown)
        assert not re.search(r"\d", text.partition("\nActions:")[0]), "no cell, no row, no block"


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_a_picture_is_there_exactly_if_the_mode_shows_one(slot):
    for mode in MODES:
        for sample, walk in samples(slot, mode):
            parts = [part["type"] for message in sample.messages for part in message["content"]]
            assert parts == ["text", "text"] if mode == "tqa" else parts == ["image", "text", "text"]
            assert len(sample.images) == (mode != "tqa")
            assert sample.meta["mode"] == mode
            for image in sample.images:
                assert np.array_equal(decode_png(image), draw(walk, PIXELS))


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_every_walk_is_of_the_training_split_and_says_where_it_comes_from(slot):
    for i, (sample, walk) in enumerate(samples(slot, "tqa")):
        assert split_of(slot.world, WORLDS[slot.world].walk_content(walk)) == "train"
        assert sample.id == f"imagery:{slot.world}:{slot.difficulty}:{i}"
        assert (sample.world, sample.difficulty, sample.kind) == (slot.world, slot.difficulty, "rollout")
        assert (sample.meta["seed"], sample.meta["index"], sample.meta["actions"]) == (5, i, list(walk.actions))
        assert WORLDS[slot.world].read(sample.meta["start"]) == walk.start


def test_a_sample_is_a_function_of_its_arguments():
    recipe = ImageryRecipe(seed=1, max_pixels=3136)
    one, same, other = (imagery_sample(recipe, Slot("rubiks_cube", "easy"), i) for i in (4, 4, 5))
    assert one == same
    assert one.meta["key"] != other.meta["key"]


def test_modes_and_wordings_come_in_the_shares_of_the_recipe(tmp_path):
    recipe = replace(ROLLS, samples=300, modes={"tqa": 2.0, "vqa": 1.0}, wordings={"long": 1.0, "short": 3.0})
    made = [sample.meta for sample in build_imagery(recipe, tmp_path / "d").samples()]
    modes, wordings = (Counter(meta[key] for meta in made) for key in ("mode", "wording"))
    assert set(modes) == {"tqa", "vqa"}
    assert modes["tqa"] / 300 == pytest.approx(2 / 3, abs=0.1)
    assert wordings["short"] / 300 == pytest.approx(3 / 4, abs=0.1)


def test_the_manifest_is_enough_to_make_the_data_again(tmp_path):
    first = build_imagery(ROLLS, tmp_path / "a")
    manifest = first.manifest
    assert (manifest["stage"], manifest["split"], manifest["seed"]) == ("imagery", "train", ROLLS.seed)
    again = build_imagery(ImageryRecipe(**manifest["recipe"]), tmp_path / "b")
    assert seen(again) == seen(first)
    assert again.fingerprint() == first.fingerprint()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"samples": 0}, "samples must be at least 1"),
        ({"worlds": {"chess": 1.0}}, "worlds: unknown name 'chess'"),
        ({"difficulties": {"extreme": 1.0}}, "difficulties: unknown name 'extreme'"),
        ({"modes": {"audio": 1.0}}, "modes: unknown name 'audio'"),
        ({"wordings": {"terse": 1.0}}, "wordings: unknown name 'terse'"),
        ({"modes": {}}, "modes: at least one weight"),
    ],
)
def test_a_recipe_that_cannot_be_made_is_refused_in_words(changes, why):
    with pytest.raises(UserError, match=why):
        ImageryRecipe(**changes).check()


def test_pictures_too_small_to_draw_are_refused_in_words():
    with pytest.raises(UserError):
        ImageryRecipe(max_pixels=100).check()
