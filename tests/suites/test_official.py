"""The published words of published items: unchanged, and only where they can serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from idf.errors import UserError
from idf.suites import MODES, OFFICIAL_PROMPTS, Item, item_prompt, open_suite, prompt_text, spatialite_suite
from tests.drawing.originals import FOLDER, needs_originals
from tests.sentences import refused
from tests.suites.published import PROMPTING, SYMBOLS, blocks, rolling, rows, turning, write_clone
from tests.worlds.samples import problem

FULL, BARE = OFFICIAL_PROMPTS
BOARD = "[[1, 1, 2, 2], [1, 1, 3, 3], [4, 5, 0, 0], [6, 7, 8, 8], [6, 7, 9, 9]]"
TARGET = "[[1, 1, 2, 2], [1, 1, 3, 3], [4, 0, 0, 5], [6, 7, 8, 8], [6, 7, 9, 9]]"
CENTRES = "L: orange, R: grey, D: green, U: yellow, B: red, F: blue"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the program, whose questions state the state or leave it to the picture, as their names say."""
    files = {
        "cube_rolling/stated.json": [
            rolling(["right", "front"], "top", "red") | {"question": 'It rolls "right", "front". Top? \n'}
        ],
        "cube_rolling/shown.json": [
            rolling(["right", "front"], "top", "red") | {"question": "It rolls as shown. Top?"}
        ],
        "rubiks_cube/stated.json": [
            turning({"question_type": "count_color", "query_colour": "blue"}, 6) | {"question": f"{CENTRES}. How many?"}
        ],
        "rubiks_cube/shown.json": [turning({"question_type": "count_color", "query_colour": "blue"}, 6)],
        "wood_slide/stated.json": [blocks() | {"question": f"From {BOARD} to {TARGET}?"}],
        "wood_slide/half.json": [blocks() | {"question": f"From {BOARD} to the right picture?"}],
        "mental_rotation/views.json": rows()["mental_rotation/mental_rotation_samples.json"][:1],
        "move_box/boxes.json": rows()["move_box/move_box_samples.json"][:1],
    }
    (tmp_path / "prompting.py").write_text(PROMPTING, encoding="utf-8")
    for name, items in files.items():
        world, _, file = name.partition("/")
        write_clone(tmp_path, {f"{world}/{world}_{file}": items})
    return tmp_path


def of(clone: Path, file: str) -> Item:
    (item,) = spatialite_suite(clone, file)
    return item


SERVED = {
    "cube_rolling_stated.json": {FULL: {"tqa", "vtqa"}, BARE: {"tqa", "vtqa"}},
    "cube_rolling_shown.json": {FULL: {"vqa"}, BARE: {"vqa"}},
    "rubiks_cube_stated.json": {FULL: {"tqa", "vtqa"}, BARE: {"tqa", "vtqa"}},
    "rubiks_cube_shown.json": {FULL: {"vqa"}, BARE: {"vqa"}},
    "wood_slide_stated.json": {FULL: {"tqa", "vtqa"}, BARE: {"tqa", "vtqa"}},
    "wood_slide_half.json": {FULL: {"vqa"}, BARE: {"vqa"}},
    "mental_rotation_views.json": {FULL: {"vqa"}, BARE: {"vqa"}},
    "move_box_boxes.json": {FULL: {"tqa", "vtqa"}, BARE: {"vqa"}},  # the program appends the map, the row has none
}


@pytest.mark.parametrize("prompts", OFFICIAL_PROMPTS)
@pytest.mark.parametrize("file", SERVED)
@pytest.mark.parametrize("mode", MODES)
def test_published_words_serve_the_modes_that_they_can_and_refuse_the_others(clone, file, mode, prompts):
    item = of(clone, file)
    if mode in SERVED[file][prompts]:
        assert item_prompt(item, mode, prompts) == (item.published if prompts == BARE else item.published_prompt)
    else:
        with refused(prompts, item.id, f"mode {mode}", "only in", "published text"):
            item_prompt(item, mode, prompts)


def test_the_program_s_words_are_filled_in_and_nothing_is_added(clone):
    asked = item_prompt(of(clone, "cube_rolling_stated.json"), "tqa", FULL)
    assert asked == 'Asked: It rolls "right", "front". Top?\n\nDescribe.'
    asked = item_prompt(of(clone, "wood_slide_stated.json"), "vtqa", FULL)
    assert asked == f"Asked: From {BOARD} to {TARGET}?\n\nSlide. "
    grid = [list("#####"), list("#SBT#"), list("#...#"), list("#####")]
    asked = item_prompt(of(clone, "move_box_boxes.json"), "tqa", FULL)
    assert asked == f"Asked: Push the box to the flag.\n\nIt is { ({'map': grid, 'descrip': SYMBOLS}) }\n\nPush. "


def test_the_bare_question_is_the_row_s_to_the_letter(clone):
    asked = item_prompt(of(clone, "cube_rolling_stated.json"), "tqa", BARE)
    assert asked == 'It rolls "right", "front". Top? \n'


def test_the_program_is_found_from_the_data_folder_too(clone):
    name = "cube_rolling_stated.json"
    assert of(clone / "data", name).published_prompt == of(clone, name).published_prompt


def test_a_clone_of_data_alone_refuses_the_program_s_words_and_says_what_to_do(clone):
    (clone / "prompting.py").unlink()
    item = of(clone, "cube_rolling_stated.json")
    assert item_prompt(item, "tqa", BARE) == item.published
    with refused("prompting.py", "clone the whole repository", BARE):
        item_prompt(item, "tqa", FULL)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (PROMPTING.replace("Asked: {base_question}", "{sample.question}"), ("prompting.py", "0 prompts", "descrip")),
        (PROMPTING.replace('"wood_slide"', '"slide"'), ("prompting.py", "0 prompts", "executive", "wood_slide")),
        (
            PROMPTING + "\ndef f(x):\n    if x == 'descrip':\n        return f'{base_question}'\n",
            ("prompting.py", "2 prompts", "descrip"),
        ),
        ("def run(:\n", ("prompting.py, line 1", "not Python")),
    ],
)
def test_a_program_of_another_form_is_refused(clone, changed, said):
    (clone / "prompting.py").write_text(changed, encoding="utf-8")
    with refused(*said):
        spatialite_suite(clone, "cube_rolling_stated.json")


@pytest.mark.parametrize("prompts", OFFICIAL_PROMPTS)
def test_a_generated_item_has_no_published_words(prompts):
    scene = problem("cube_rolling", "eval", 0, "easy")
    item = Item("cube_rolling:easy:0", scene)
    with refused("cube_rolling:easy:0", "not a published item", prompts, "idf-long-1"):
        item_prompt(item, "tqa", prompts)
    with refused(prompts, "published items only", "idf-long-1"):
        prompt_text(scene, "tqa", prompts)


def test_our_own_sets_ask_an_item_as_they_ask_its_problem(clone):
    for item in (of(clone, "move_box_boxes.json"), Item("x", problem("wood_slide", "eval", 0, "easy"))):
        for mode in MODES:
            assert item_prompt(item, mode, "idf-long-1") == prompt_text(item.problem, mode, "idf-long-1")
    with pytest.raises(ValueError, match=r"unknown mode 'audio'"):
        item_prompt(item, "audio", FULL)


@needs_originals
def test_each_published_file_serves_the_modes_that_its_text_can():
    served: dict[str, set[tuple[str, ...]]] = {}
    for item in open_suite(f"spatialite:{FOLDER}:all"):
        modes = []
        for mode in MODES:
            try:
                item_prompt(item, mode, BARE)
                modes.append(mode)
            except UserError:
                pass
        served.setdefault(item.id.partition(":")[0], set()).add(tuple(modes))
    text = {("tqa", "vtqa")}
    for name, modes in served.items():
        shown = (
            "no_descrip" in name
            or name.endswith("_ND")
            or name.startswith(("mental_rotation", "move_box", "eval", "gemini"))
        )
        assert modes == ({("vqa",)} if shown else text), name
