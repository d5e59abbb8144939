"""Imagery samples by index, and datasets of them: their shares, their pictures, and what they keep clear of."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from PIL import Image

from idf.data import DatasetFolder, LocalEngine, Row, Slot, allot_slots, choose_rows, content_key
from idf.drawing import decode_png, draw, noise_of
from idf.files import package_text
from idf.imagery import PHRASINGS, ImageryMaker, ImageryRecipe, build_imagery, kinds_of
from idf.imagery._phrasings import VERSION
from idf.suites import Published, published
from idf.worlds import WORLDS, Draw, Problem, Walk, split_of
from idf.worlds.wood_slide import Query as Target
from tests.data.samples import MIXED, ROLLS
from tests.imagery.lessons import PAIRS, SEED, Lesson, all_of, maker

LEVELS = ("exact", "canonical", "skeleton")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return build_imagery(MIXED, tmp_path_factory.mktemp("mixed") / "d")


# --- one sample --------------------------------------------------------------------------------------------------


def test_a_sample_is_a_function_of_its_slot_and_index():
    for world, kind in PAIRS:
        slot = Slot(world, "medium", kind)
        one, same = (maker().draft(slot, 3) for _ in range(2))
        assert one == same
        if one.key is not None:
            assert maker().make(Row(slot, 3, one)) == maker().make(Row(slot, 3, same))
        assert one.key is None or one.key != maker().draft(slot, 4).key


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_a_sample_says_where_it_comes_from(world, kind):
    for lesson in all_of(world, kind):
        sample, meta = lesson.sample, lesson.meta
        assert sample.id == f"imagery:{world}:{lesson.slot.difficulty}:{kind}:{meta['index']}"
        assert (sample.world, sample.difficulty, sample.kind) == lesson.slot
        assert (meta["seed"], meta["key"], meta["scene"]) == (SEED, lesson.draft.key, lesson.draft.scene)
        assert json.loads(json.dumps(meta)) == meta, "plain JSON values"
        assert meta["phrasing"] in range(len(PHRASINGS[kind]))


def drawn(lesson: Lesson) -> Any:
    """The walk or problem that a sample is about, drawn again."""
    at = Draw(SEED, "train", lesson.meta["index"], lesson.slot.difficulty, purpose=lesson.slot.kind)
    again = at.problem_again if lesson.slot.kind == "goal" else at.walk_again
    return again(lesson.world, lesson.draft.attempt)


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_no_scene_is_of_the_split_for_evaluation_neither_the_one_drawn_nor_the_stretch_of_it_that_is_asked(world, kind):
    for lesson in all_of(world, kind):
        scene = drawn(lesson)
        keys = lesson.world.keys(scene)
        assert split_of(lesson.world, keys) == "train"
        start, actions = lesson.world.course(scene)
        passed = [lesson.world.rest(state) for state in lesson.world.replay(start, actions)]
        assert lesson.start in [start, *passed], "the sample is about the scene that was drawn"
        if kind != "goal":
            asked = tuple(lesson.meta["actions"]) or ((lesson.meta["answer"],) if kind == "inverse" else ())
            part = Walk(world, lesson.slot.difficulty, lesson.start, asked, "", "", "", "")
            keys = lesson.world.keys(part)
            assert split_of(lesson.world, keys) == "train"
        assert lesson.meta["scene"] == content_key(world, keys.canonical), "the scene that is asked"


# --- pictures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_a_clean_picture_is_the_drawing_of_what_is_asked(world, kind):
    make, slot, index, seen = maker("vqa", noise=0.0), Slot(world, "easy", kind), 0, 0
    while seen < 2:
        draft = make.draft(slot, index)
        if draft.key is not None:
            seen += 1
            lesson = Lesson(make.make(Row(slot, index, draft)), slot, draft, "vqa")
            scene: Any = Walk(world, "easy", lesson.start, tuple(lesson.meta["actions"]), "", "", "", "")
            if kind == "goal" or world == "wood_slide":
                # Wood Slide's picture shows the target beside the start.
                end = lesson.world.replay(lesson.start, lesson.meta["actions"])[-1]
                query = Target(lesson.world.write(end)) if world == "wood_slide" else lesson.world.query_type()
                scene = Problem(world, "easy", lesson.start, query) if kind == "goal" else scene
            (image,) = lesson.sample.images
            assert np.array_equal(decode_png(image), draw(scene, 3136))
            assert lesson.meta["noise"] is False
        index += 1


@pytest.mark.parametrize("world", WORLDS)
def test_noise_is_only_in_worlds_that_have_any_and_only_in_pictures(world):
    make = maker(noise=1.0)
    for kind in (kind for kind in kinds_of(WORLDS[world]) if kind != "partial"):
        for index in range(6):
            slot = Slot(world, "easy", kind)
            draft = make.draft(slot, index)
            if draft.key is None:
                continue
            sample = make.make(Row(slot, index, draft))
            assert sample.meta["noise"] == (noise_of(world) is not None and bool(sample.images))
            for image in sample.images:
                jpeg = Image.open(io.BytesIO(image)).format == "JPEG"
                assert jpeg == (world == "moving_box")
    assert {name for name in WORLDS if noise_of(name)} == {"mental_rotation", "moving_box", "wood_slide"}


@pytest.mark.parametrize("world", [world for world in WORLDS if noise_of(world)])
def test_a_noisy_picture_is_another_one_of_the_same_scene(world):
    slot = Slot(world, "easy", "rollout")
    clean, noisy = (maker("vqa", noise=share) for share in (0.0, 1.0))
    clean, noisy = (replace(make, recipe=replace(make.recipe, max_pixels=100_000)) for make in (clean, noisy))
    draft = clean.draft(slot, 0)
    assert draft == noisy.draft(slot, 0)
    one, other = (make.make(Row(slot, 0, draft)) for make in (clean, noisy))
    assert one.messages == other.messages
    a, b = (decode_png(sample.images[0]).astype(int) for sample in (one, other))
    assert a.shape == b.shape
    assert 0 < np.abs(a - b).mean() < 40


def test_the_share_of_noisy_pictures_is_that_of_the_recipe():
    make, slot = maker("vqa", noise=0.25), Slot("moving_box", "easy", "rollout")
    noisy = sum(make.make(Row(slot, i, make.draft(slot, i))).meta["noise"] for i in range(300))
    assert noisy / 300 == pytest.approx(0.25, abs=0.07)


# --- a dataset ---------------------------------------------------------------------------------------------------


def test_a_dataset_holds_what_was_planned_and_nothing_twice(mixed):
    samples = list(mixed.samples())
    kinds = {world: MIXED.kinds_of(world) for world in MIXED.worlds}
    slots = allot_slots(MIXED.samples, MIXED.worlds, MIXED.difficulties, kinds, MIXED.seed)
    assert [(s.world, s.difficulty, s.kind) for s in samples] == slots
    assert Counter(sample.world for sample in samples) == dict.fromkeys(WORLDS, 12)
    assert len({s.meta["key"] for s in samples}) == len({s.id for s in samples}) == len(samples) == 60


def test_modes_wordings_and_phrasings_come_in_the_shares_of_the_recipe(tmp_path):
    changes = {"modes": {"tqa": 2.0, "vqa": 1.0}, "wordings": {"long": 1.0, "short": 3.0}, "kinds": {"rollout": 1.0}}
    recipe = replace(ROLLS, samples=300, phrasings=2, **changes)
    made = [sample.meta for sample in build_imagery(recipe, tmp_path / "d").samples()]
    modes, wordings, phrasings = (Counter(meta[key] for meta in made) for key in ("mode", "wording", "phrasing"))
    assert set(modes) == {"tqa", "vqa"}
    assert modes["tqa"] / 300 == pytest.approx(2 / 3, abs=0.1)
    assert wordings["short"] / 300 == pytest.approx(3 / 4, abs=0.1)
    assert set(phrasings) == {0, 1}
    assert phrasings[0] / 300 == pytest.approx(1 / 2, abs=0.1)


def test_the_manifest_says_stage_split_seed_and_what_was_avoided(mixed):
    manifest = mixed.manifest
    assert (manifest["stage"], manifest["split"], manifest["seed"]) == ("imagery", "train", MIXED.seed)
    assert manifest["published"] == {"files": published().files, "fingerprint": published().fingerprint()}
    assert ImageryRecipe(**manifest["recipe"]) == MIXED
    assert manifest["versions"]["imagery"] == VERSION >= 2
    assert manifest["versions"]["worlds"] == {name: world.version for name, world in WORLDS.items()}


# --- the published benchmark -------------------------------------------------------------------------------------


def overlapping(scene: Any) -> set[str]:
    """The levels at which a scene equals a published item, by the file that comes with idf."""
    hashes = json.loads(package_text("suites/published.json"))["hashes"][scene.world]
    keys = WORLDS[scene.world].keys(scene)

    def hashed(level: str, text: str) -> str:
        return blake2b(f"{scene.world}|{level}|{text}".encode(), digest_size=8).hexdigest()

    near = {hashed("states", state) for state in keys.states} & set(hashes.get("states", ()))
    return {level for level in LEVELS if hashed(level, getattr(keys, level)) in hashes[level]} | set(
        ["near"][: len(near)]
    )


def scenes(lesson: Lesson) -> list[Any]:
    """What a sample is about: what was drawn, and the stretch of it that is asked."""
    if lesson.slot.kind in ("rollout", "masked", "goal"):
        return [drawn(lesson)]
    asked = tuple(lesson.meta["actions"]) or ((lesson.meta["answer"],) if lesson.slot.kind == "inverse" else ())
    return [drawn(lesson), Walk(lesson.slot.world, lesson.slot.difficulty, lesson.start, asked, "", "", "", "")]


@pytest.fixture(scope="module")
def many() -> tuple[dict[str, Counter[str]], list[Lesson]]:
    """What was put back and counted while 700 samples were chosen, and the samples."""
    recipe = replace(maker("tqa").recipe, samples=700)
    make = ImageryMaker(recipe, published())
    kinds = {world: recipe.kinds_of(world) for world in recipe.worlds}
    slots = allot_slots(recipe.samples, recipe.worlds, recipe.difficulties, kinds, recipe.seed)
    choice = choose_rows(slots, make, LocalEngine())
    return choice.counts, [Lesson(make.make(row), row.slot, row.draft, "tqa") for row in choice.rows]


def test_the_overlap_with_the_benchmark_is_that_of_a_plain_comparison(many):
    counts, made = many
    found: dict[str, Counter[str]] = {world: Counter() for world in WORLDS}
    for lesson in made:
        levels = set().union(*map(overlapping, scenes(lesson)))
        assert set(lesson.meta["overlaps"]) == levels
        found[lesson.slot.world].update(f"overlap_{level}" for level in levels)
    for world in WORLDS:
        assert {name: n for name, n in counts[world].items() if name.startswith("overlap")} == found[world]
    assert sum(found["rubiks_cube"].values()) > 50, "one turn is published in all its 18 forms"


def test_nothing_equals_a_published_item_up_to_the_symmetries_of_its_world_or_comes_near_one(many):
    for lesson in many[1]:
        for scene in scenes(lesson):
            level = WORLDS[scene.world].clean_level
            assert not overlapping(scene) & {"exact", "canonical", "near", level}


@pytest.mark.parametrize("world", WORLDS)
def test_a_published_scene_is_put_back_and_counted(world):
    slot = Slot(world, "medium", "rollout")
    plain = ImageryMaker(maker("tqa").recipe, Published({}, {}))
    first = plain.draft(slot, 0)
    walk = Draw(SEED, "train", 0, "medium", purpose="rollout").walk(WORLDS[world])
    assert (first.attempt, first.avoided) == (walk.attempt, 0)
    level = WORLDS[world].clean_level
    text = getattr(walk.keys, level)
    digest = blake2b(f"{world}|{level}|{text}".encode(), digest_size=8).hexdigest()
    clean = ImageryMaker(plain.recipe, Published({"a": 1}, {world: {level: frozenset({digest})}}))
    second = clean.draft(slot, 0)
    assert second.avoided >= 1
    assert second.attempt > first.attempt
    assert second.key != first.key


def test_a_stretch_of_a_walk_that_is_published_is_not_asked():
    slot, world = Slot("cube_rolling", "hard", "reading"), WORLDS["cube_rolling"]
    make = ImageryMaker(maker().recipe, Published({}, {}))
    index = next(i for i in range(99) if make.draft(slot, i).key and len(made_at(make, slot, i).meta["actions"]) < 11)
    lesson = made_at(make, slot, index)
    part = Walk("cube_rolling", "hard", lesson.start, tuple(lesson.meta["actions"]), "", "", "", "")
    assert part.actions != drawn(lesson).actions
    text = f"cube_rolling|skeleton|{world.keys(part).skeleton}"
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    known = Published({"a": 1}, {"cube_rolling": {"skeleton": frozenset({digest})}})
    assert ImageryMaker(make.recipe, known).draft(slot, index).key is None


def made_at(make: ImageryMaker, slot: Slot, index: int) -> Lesson:
    draft = make.draft(slot, index)
    return Lesson(make.make(Row(slot, index, draft)), slot, draft, "vqa")


def test_a_clone_that_is_named_is_kept_clear_of_too(tmp_path):
    from tests.suites.published import write_clone

    clone = write_clone(tmp_path)
    recipe = replace(ROLLS, samples=3, spatialite=str(clone))
    folder = build_imagery(recipe, tmp_path / "d")
    assert folder.manifest["published"]["fingerprint"] == published(clone).fingerprint() != published().fingerprint()
