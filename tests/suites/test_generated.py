"""Generated suites: the same for everybody, and nothing in them that a model was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from idf.drawing import decode_png, draw
from idf.errors import UserError
from idf.suites import SuiteRecipe, draw_items, generate_suite, open_suite, published, read_suite
from idf.worlds import DIFFICULTIES, WORLDS, Draw, Drawn, Scene, problem_to_json, split_of
from tests.sentences import refused
from tests.worlds.samples import problems, walks

PIXELS = 12_544
SMALL = SuiteRecipe(items=2, seed=4, difficulties=["easy", "medium"], max_pixels=PIXELS)
ROLLS = SuiteRecipe(items=2, seed=4, worlds=["cube_rolling"], difficulties=["easy"], max_pixels=PIXELS)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    assert generate_suite(SMALL, folder) == 20
    return folder


@pytest.fixture
def rolls(tmp_path: Path) -> Path:
    generate_suite(ROLLS, tmp_path / "rolls")
    return tmp_path / "rolls"


def test_the_same_seed_gives_the_same_bytes_and_pixels(suite, tmp_path):
    generate_suite(SMALL, tmp_path)
    assert (tmp_path / "items.jsonl").read_bytes() == (suite / "items.jsonl").read_bytes()
    pictures = sorted(path.name for path in (suite / "pictures").iterdir())
    assert pictures == sorted(path.name for path in (tmp_path / "pictures").iterdir())
    for name in pictures:
        here, there = (decode_png((folder / "pictures" / name).read_bytes()) for folder in (suite, tmp_path))
        assert np.array_equal(here, there)


def test_another_seed_gives_other_items(suite, tmp_path):
    other = SuiteRecipe(2, 5, difficulties=["easy"], worlds=["cube_rolling", "rubiks_cube"], max_pixels=PIXELS)
    generate_suite(other, tmp_path)
    ours = {json.dumps(problem_to_json(item.problem)) for item in read_suite(suite)}
    assert not ours & {json.dumps(problem_to_json(item.problem)) for item in read_suite(tmp_path)}


def test_items_are_named_by_world_difficulty_and_index_and_are_what_their_name_says(suite):
    items = read_suite(suite)
    assert [item.id for item in items] == [
        f"{world}:{difficulty}:{i}" for world in WORLDS for difficulty in ("easy", "medium") for i in range(2)
    ]
    for item in items:
        world, difficulty, _ = item.id.split(":")
        assert (item.problem.world, item.problem.difficulty) == (world, difficulty)
        assert WORLDS[world].size(item.problem) in WORLDS[world].sizes(difficulty)


def test_every_scene_is_of_the_eval_split_and_none_is_a_scene_of_the_training_data(suite):
    for item in read_suite(suite):
        world = WORLDS[item.problem.world]
        assert split_of(world, world.keys(item.problem)) == "eval"
    asked = {canonical_key(item.problem) for item in read_suite(suite)}
    trained = {
        canonical_key(scene)
        for world in WORLDS
        for difficulty in DIFFICULTIES
        for scene in (*problems(world, difficulty)[:12], *walks(world, difficulty)[:12])  # the first 12 are of train
    }
    assert len(trained) > 250, "enough scenes for the test to mean something"
    assert not asked & trained


def canonical_key(scene: Scene) -> tuple[str, str]:
    world = WORLDS[scene.world]
    return world.name, world.keys(scene).canonical


def test_no_item_is_a_published_one():
    # Drawn many times over: of easy rolls, some of the paths of the split are published.
    items, _ = draw_items(SuiteRecipe(60, worlds=["cube_rolling", "mental_rotation", "rubiks_cube"]))
    for item in items:
        assert not published().avoid(item.problem.world, WORLDS[item.problem.world].keys(item.problem))


def test_no_item_occurs_twice_and_a_repeat_is_counted(monkeypatch):
    drawn = problems("cube_rolling", "easy", 6)
    monkeypatch.setattr(Draw, "problem", lambda draw, world: Drawn(drawn[draw.index // 3], world.keys(drawn[0]), 0, 0))
    items, repeats = draw_items(SuiteRecipe(4, worlds=["cube_rolling"], difficulties=["easy"]))
    assert [item.problem for item in items] == drawn[:4]
    assert [item.id for item in items] == [f"cube_rolling:easy:{i}" for i in range(4)]
    assert repeats == 6


def test_the_items_can_be_had_without_files(suite, tmp_path):
    drawn, _ = draw_items(SMALL)
    assert [(item.id, item.problem) for item in drawn] == [(item.id, item.problem) for item in read_suite(suite)]
    assert {item.picture for item in drawn} == {None}


def test_a_world_with_too_few_different_problems_is_told_and_not_searched_for_ever(monkeypatch):
    only = problems("cube_rolling", "easy", 1)[0]
    monkeypatch.setattr(Draw, "problem", lambda draw, world: Drawn(only, world.keys(only), 0, 0))
    assert len(draw_items(SuiteRecipe(1, worlds=["cube_rolling"], difficulties=["easy"]))[0]) == 1
    with refused("cube_rolling", "fewer than 2", "easy", "ask for less"):
        draw_items(SuiteRecipe(2, worlds=["cube_rolling"], difficulties=["easy"]))


def test_a_picture_shows_the_start_of_its_item_at_the_size_that_was_asked_for(suite):
    for item in read_suite(suite):
        pixels = decode_png(item.picture.read_bytes())
        assert pixels.shape[0] * pixels.shape[1] <= PIXELS
        assert np.array_equal(pixels, draw(item.problem, PIXELS))


def test_the_manifest_says_how_to_make_the_suite_again(suite, tmp_path):
    manifest = json.loads((suite / "suite.json").read_text())
    assert manifest["items"] == 20
    assert set(manifest["versions"]) == {"idf", *WORLDS}
    generate_suite(SuiteRecipe(**manifest["recipe"]), tmp_path)
    assert (tmp_path / "items.jsonl").read_bytes() == (suite / "items.jsonl").read_bytes()


def test_a_folder_that_holds_a_suite_is_not_written_over(rolls):
    before = {path: path.read_bytes() for path in rolls.rglob("*") if path.is_file()}
    with refused(rolls, "already", "suite", "another folder"):
        generate_suite(SuiteRecipe(items=1, seed=9, worlds=["cube_rolling"], max_pixels=3136), rolls)
    assert {path: path.read_bytes() for path in rolls.rglob("*") if path.is_file()} == before


# --- reading -----------------------------------------------------------------------------------------------------


def test_a_folder_without_a_suite_names_the_command_that_makes_one(tmp_path):
    with refused("no suite", tmp_path, f"`idf suite --out {tmp_path}`"):
        open_suite(str(tmp_path))


def spoiled(rolls: Path, line: str) -> str:
    path = rolls / "items.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with refused(f"{path}, line 3", "not an item") as refusal:
        read_suite(rolls)
    return str(refusal.value)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"id": "a:b:0", "picture": "pictures/a.png", "problem": {}}',
        '{"id": 1, "picture": 5}',
    ],
)
def test_a_broken_line_is_named(rolls, line):
    spoiled(rolls, line)


def test_a_problem_of_an_unknown_world_or_state_is_named(rolls):
    row = json.loads((rolls / "items.jsonl").read_text().splitlines()[0])
    assert "unknown world" in spoiled(
        rolls, json.dumps(row | {"id": "x", "problem": row["problem"] | {"world": "chess"}})
    )


@pytest.mark.parametrize("picture", ["../secret.png", "/etc/hostname", "pictures/../../x.png"])
def test_a_picture_outside_of_the_suite_is_refused(rolls, picture):
    row = json.loads((rolls / "items.jsonl").read_text().splitlines()[0])
    assert "outside" in spoiled(rolls, json.dumps(row | {"id": "x", "picture": picture}))


def test_a_suite_without_items_is_refused(rolls):
    (rolls / "items.jsonl").write_text("")
    with refused(rolls / "items.jsonl", "no item"):
        read_suite(rolls)


# --- recipes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        (SuiteRecipe(worlds=["chess"]), ("worlds", "unknown", "'chess'", "cube_rolling")),
        (SuiteRecipe(difficulties=["extreme"]), ("difficulties", "unknown", "'extreme'", "easy")),
        (SuiteRecipe(items=0), ("items", 1, 0)),
        (SuiteRecipe(worlds=["moving_box", "moving_box_part"], symmetric=True), ("symmetric", "moving_box_part")),
    ],
)
def test_what_cannot_be_generated_is_refused_in_words(recipe, why):
    with refused(*why):
        recipe.check()


@pytest.mark.parametrize(
    "recipe",
    [
        SuiteRecipe(worlds=[]),  # writes a suite of no items, which read_suite then refuses
        SuiteRecipe(difficulties=[]),
        SuiteRecipe(worlds=["cube_rolling", "cube_rolling"]),  # every item twice, under the same id
        SuiteRecipe(max_pixels=100),  # ValueError of `draw`: a traceback in the terminal
    ],
    ids=["no world", "no difficulty", "a world twice", "pictures too small"],
)
def test_an_empty_doubled_or_undrawable_suite_is_refused_in_words(recipe):
    with pytest.raises(UserError):
        recipe.check()
