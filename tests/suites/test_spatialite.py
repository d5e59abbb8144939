"""The reader of SpatiaLite: on rows of our own in its form, and on a clone where there is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idf.errors import UserError
from idf.suites import MAIN_FILES, open_suite, read_published, spatialite_suite
from idf.worlds import WORLDS
from tests.drawing.originals import FOLDER, needs_originals
from tests.sentences import refused, says
from tests.suites.published import AFTER_U, COLOURS, blocks, box, rolling, rows, turning, view, write_clone

ROLLING = "cube_rolling/cube_rolling_samples.json"
VIEWS = "mental_rotation/mental_rotation_samples.json"
TURNING = "rubiks_cube/rubiks_cube_samples.json"
BOX = "move_box/move_box_samples.json"
BLOCKS = "wood_slide/wood_slide_samples.json"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return write_clone(tmp_path / "clone")


def turned() -> dict[str, object]:
    row = turning({"question_type": "count_color", "query_colour": "blue"}, 6)
    return row | {"initial_state": row["initial_state"] | {"start_position": AFTER_U}}


def broken(tmp_path: Path, name: str, row: object) -> str:
    """What the reader says about a file whose second line is broken."""
    good = rows()[name][0]
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"{json.dumps(good)}\n{row if isinstance(row, str) else json.dumps(row)}\n", encoding="utf-8")
    with refused(f"{path}, line 2") as refusal:
        read_published(path)
    return str(refusal.value)


def test_the_items_of_the_five_files_are_named_by_stem_and_row(clone):
    items = spatialite_suite(clone)
    counts = {name: len(items) for name, items in rows().items()}
    assert [item.id for item in items] == [f"{Path(name).stem}:{i}" for name, n in counts.items() for i in range(n)]
    assert [f"{item.id.partition(':')[0]}.json" for item in items] == [
        name for name in MAIN_FILES for _ in range(next(n for path, n in counts.items() if path.endswith(name)))
    ]


def test_an_item_carries_its_picture_and_its_question_as_published(clone):
    item = spatialite_suite(clone)[0]
    assert item.picture == clone / "data" / "cube_rolling" / "cube_rolling_1(1steps).png"


def test_the_rows_are_the_problems_that_they_describe(clone):
    truths = [WORLDS[item.problem.world].truth(item.problem) for item in spatialite_suite(clone)]
    assert truths == [
        *("green", "yellow", "blue"),
        *({"blue": 1, "gray": 1}, {"blue": 1, "green": 1}, {"blue": 1, "green": 1, "gray": 1}),
        *(6, "grey", 3),
        *(("r",), ("r", "r")),
        ("5r", "5r"),
    ]


def test_blank_lines_are_no_items_and_do_not_count_as_rows(tmp_path):
    path = write_clone(tmp_path) / "data" / ROLLING
    path.write_text("\n" + path.read_text().replace("\n", "\n\n"))
    assert [(row.id, row.line) for row in read_published(path)] == [
        ("cube_rolling_samples:0", 2),
        ("cube_rolling_samples:1", 4),
        ("cube_rolling_samples:2", 6),
    ]


def test_a_suite_is_opened_by_folder_by_data_folder_and_by_file(clone):
    assert len(open_suite(f"spatialite:{clone}")) == len(open_suite(f"spatialite:{clone / 'data'}")) == 12
    assert [item.id for item in open_suite(f"spatialite:{clone}:move_box_samples.json")] == [
        "move_box_samples:0",
        "move_box_samples:1",
    ]


def test_another_file_in_a_folder_of_the_benchmark_is_read_as_its_world(tmp_path):
    clone = write_clone(tmp_path, {"wood_slide/wood_slide_samples_hard.json": [blocks()]})
    (item,) = spatialite_suite(clone, "wood_slide_samples_hard.json")
    assert (item.id, item.problem.world) == ("wood_slide_samples_hard:0", "wood_slide")


def test_all_means_every_file_of_items_in_every_folder(tmp_path):
    clone = write_clone(tmp_path)
    write_clone(tmp_path, {"wood_slide/wood_slide_samples_hard.json": [blocks()]})
    write_clone(tmp_path, {"elsewhere/notes.json": []})
    ids = [item.id for item in open_suite(f"spatialite:{clone}:all")]
    assert len(ids) == len(set(ids)) == 13
    assert "wood_slide_samples_hard:0" in ids
    with refused("no file", clone / "data" / "elsewhere", "clone"):
        open_suite(f"spatialite:{clone / 'data' / 'elsewhere'}:all")


def test_all_does_not_leave_out_a_file_that_it_cannot_read(clone):
    path = clone / "data" / "move_box" / "notes.json"
    path.write_text('{"text": "no item"}\n')
    with refused(f"{path}, line 1", "not an item", "moving_box"):
        open_suite(f"spatialite:{clone}:all")


def test_all_of_two_clones_is_refused(clone):
    write_clone(clone / "again")
    with refused(clone, "two files", "cube_rolling_samples", "one clone"):
        open_suite(f"spatialite:{clone}:all")


def test_a_file_that_the_published_scorer_wrote_is_read_by_its_samples(tmp_path):
    clone = write_clone(tmp_path)
    path = clone / "data" / "mental_rotation" / "eval_of_a_model.json"
    views = rows()[VIEWS]
    path.write_text(json.dumps({"samples": views, "statistics": {}}, indent=2))
    assert [(row.id, row.line) for row in read_published(path)] == [(f"eval_of_a_model:{i}", i + 1) for i in range(3)]
    path.write_text(json.dumps({"samples": [*views, {}]}, indent=2))
    with refused(f"{path}, sample 4", "not an item", "mental_rotation", "key 'initial_state'", "missing"):
        read_published(path)
    for broken_form in ({"rows": views}, {"samples": 3}):
        path.write_text(json.dumps(broken_form, indent=2))
        with refused(f"{path}, line 1", "JSON object", "whole file", "`samples`"):
            read_published(path)


@pytest.mark.parametrize("spelling", ["grey", "gray"])
def test_gray_and_grey_are_read_as_the_world_spells_them(tmp_path, spelling):
    clone = write_clone(
        tmp_path,
        {
            ROLLING: [rolling(["right"], "back", "gray", COLOURS | {"back": spelling})],
            VIEWS: [view("front", "", {"0,0,0": spelling, "1,0,0": "red"})],
            TURNING: [turning({"question_type": "count_color", "query_colour": spelling}, 3)],
        },
    )
    names = ("cube_rolling_samples.json", "mental_rotation_samples.json", "rubiks_cube_samples.json")
    roll, side, turn = (spatialite_suite(clone, name)[0].problem for name in names)
    assert roll.start.colours[5] == "gray"
    assert dict(side.start)[0, 0, 0] == "gray"
    assert turn.query.colour == "grey"
    assert WORLDS["rubiks_cube"].truth(turn) == 3


# --- what is wrong is named --------------------------------------------------------------------------------------


def test_a_missing_folder_a_missing_file_and_a_doubled_file_are_told_apart(tmp_path, clone):
    with refused("no folder", tmp_path / "nowhere", "clone of SpatiaLite"):
        spatialite_suite(tmp_path / "nowhere")
    (clone / "data" / BOX).unlink()
    with refused("no move_box_samples.json", clone, "clone of SpatiaLite"):
        spatialite_suite(clone)
    write_clone(clone / "again")
    with refused("2 files", "cube_rolling_samples.json", clone, "one clone"):
        spatialite_suite(clone)


def test_a_file_in_a_folder_of_another_name_has_no_world(tmp_path):
    path = tmp_path / "elsewhere" / "items.json"
    path.parent.mkdir()
    path.write_text("{}\n")
    with refused(path, "not in", "SpatiaLite", "cube_rolling"):
        read_published(path)


def test_a_file_without_items_is_refused(tmp_path):
    clone = write_clone(tmp_path, {ROLLING: []})
    path = clone / "data" / ROLLING
    with refused(path, "no item"):
        read_published(path)


@pytest.mark.parametrize("line", ["{", "red", '{"question": ', "\N{ZERO WIDTH SPACE}"])
def test_a_line_that_is_not_json_is_named(tmp_path, line):
    says(broken(tmp_path, ROLLING, line), "JSON object")


@pytest.mark.parametrize("row", [[], 3, "text", None, {}, {"initial_state": []}, {"initial_state": {"map": 5}}])
@pytest.mark.parametrize("name", list(rows()))
def test_a_row_that_is_no_item_of_its_world_is_named(tmp_path, name, row):
    says(broken(tmp_path, name, json.dumps(row)), "not an item", Path(name).parent.name.replace("move_", "moving_"))


@pytest.mark.parametrize("key", ["question", "image", "initial_state"])
@pytest.mark.parametrize("name", list(rows()))
def test_a_missing_key_is_named(tmp_path, name, key):
    row = dict(rows()[name][0])
    del row[key]
    says(broken(tmp_path, name, row), f"key '{key}'", "missing")


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        (ROLLING, rolling(["left"], "top", "red"), "leaves the 10 x 10 board"),
        (ROLLING, rolling(["right", "left"], "top", "red"), "again"),
        (ROLLING, rolling(["north"], "top", "red"), "'north'"),
        (ROLLING, rolling(["right"], "side", "red"), "unknown face 'side'"),
        (ROLLING, rolling(["right"], "top", "red", COLOURS | {"top": "blue"}), "the six faces show"),
        (ROLLING, rolling([], "top", "red"), "size 0"),
        (VIEWS, view("inner", ""), "unknown viewpoint 'inner'"),
        (VIEWS, view("front", "", {"0,0,0": "red", "2,0,0": "red"}), "hang together"),
        (VIEWS, view("front", "", {"0,0": "red"}), ""),
        (TURNING, turning({"question_type": "guess"}, 1), "unknown question_type 'guess'"),
        (TURNING, turning({"question_type": "count_color", "query_colour": "pink"}, 1), "unknown colour 'pink'"),
        (TURNING, turning({"question_type": "identify_color", "position_idx": 9}, "red"), ""),
        (TURNING, turned(), "not solved at the start"),
        (BOX, box(("####", "#SB#", "####")), "one target"),
        (BOX, box(("#####", "#TBS#", "##.##", "#####"), "1") | {"initial_state": {"map": []}}, ""),
        (BOX, box(("#####", "#S.B#", "#.T.#", "#####")), "cannot be solved"),
        (BLOCKS, blocks() | {"final_state": blocks()["initial_state"]}, "size 0"),
        (BLOCKS, blocks() | {"final_state": {"map": [[1, 1, 1, 1]] * 5}}, "block"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named_with_the_rule(tmp_path, name, row, why):
    assert why in broken(tmp_path, name, row)


@pytest.mark.parametrize("image", ["../secret.png", "/etc/hostname", "a/../../b.png", ".."])
def test_a_picture_outside_of_the_folder_of_its_file_is_refused(tmp_path, image):
    says(broken(tmp_path, ROLLING, rows()[ROLLING][0] | {"image": image}), f"picture {image!r}", "outside")


def test_a_picture_behind_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"")
    folder = tmp_path / "data" / "cube_rolling"
    write_clone(tmp_path, {ROLLING: [rows()[ROLLING][0] | {"image": "link.png"}]})
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    with refused("line 1", "picture 'link.png'", "outside"):
        read_published(tmp_path / "data" / ROLLING)


def test_a_file_that_is_not_utf_8_is_named(tmp_path):
    path = write_clone(tmp_path, {ROLLING: rows()[ROLLING]}) / "data" / ROLLING
    path.write_bytes(path.read_bytes() + b'{"question": "\xe9"}\n')
    with pytest.raises(UserError, match="line 4"):
        read_published(path)


def test_a_line_ends_at_a_newline_and_nowhere_else(tmp_path):
    path = write_clone(tmp_path, {ROLLING: []}) / "data" / ROLLING
    path.write_text(json.dumps(rows()[ROLLING][0] | {"question": "one\u2028two"}, ensure_ascii=False), encoding="utf-8")
    assert len(read_published(path)) == 1


# --- a clone -----------------------------------------------------------------------------------------------------


@needs_originals
def test_the_published_files_are_read_whole_with_distinct_ids():
    items = spatialite_suite(FOLDER)
    lines = {name: len(next(FOLDER.glob(f"**/{name}")).read_text().splitlines()) for name in MAIN_FILES}
    assert [item.id for item in items] == [f"{Path(name).stem}:{i}" for name, n in lines.items() for i in range(n)]
    for name, world in MAIN_FILES.items():
        assert {item.problem.world for item in items if item.id.startswith(f"{Path(name).stem}:")} == {world}
