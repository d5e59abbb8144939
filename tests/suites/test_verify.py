"""`idf verify`: agreement with every published answer, and what is said where there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from idf.errors import UserError
from idf.suites import MAIN_FILES, verify_published
from tests.drawing.originals import FOLDER, needs_originals
from tests.sentences import says
from tests.suites.published import COLOURS, SOLVED, blocks, box, rolling, rows, turning, view, write_clone

ROLLING, VIEWS, TURNING, BOX, BLOCKS = rows()


def disagreements(root: Path) -> list[tuple[str, str]]:
    return [pair for agreement in verify_published(root) for pair in agreement.disagreements]


def test_rows_with_right_answers_agree(tmp_path):
    report = verify_published(write_clone(tmp_path))
    assert [(agreement.file, agreement.items, agreement.disagreements) for agreement in report] == [
        (name, n, []) for name, n in zip(MAIN_FILES, (3, 3, 3, 2, 1), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        (ROLLING, rolling(["right"], "bottom", "red"), ("simulated", "'green'")),
        (ROLLING, rolling(["right"], "bottom", "green", COLOURS) | {"answer": ""}, ("simulated", "'green'")),
        (VIEWS, view("front", "a total of 3 cubes.\nBlue: 1 cube\nGray: 1 cube"), ("simulated", "answer")),
        (VIEWS, view("front", "a total of 2 cubes.\nBlue: 1 cube\nRed: 1 cube"), ("simulated", "answer")),
        (VIEWS, view("front", "Blue: 1 cube\nGray: 1 cube"), ("simulated", "answer")),
        (TURNING, turning({"question_type": "count_color", "query_colour": "blue"}, 5), ("simulated 6",)),
        (
            TURNING,
            turning({"question_type": "count_color", "query_colour": "blue"}, 6) | {"final_state": SOLVED},
            ("final state",),
        ),
        (BOX, box(answer="2"), ("pushes 1", "'2'")),
        (BLOCKS, blocks("solution_001_hard.png"), ("distance 2", "hard", "13-15 steps")),
        (BLOCKS, blocks("solution.png"), ("'solution.png'", "no band")),
    ],
)
def test_an_item_that_disagrees_is_named_with_both_answers(tmp_path, name, row, why):
    files = rows()
    files[name] = [files[name][0], row]
    ((item, said),) = disagreements(write_clone(tmp_path, files))
    assert item == f"{Path(name).stem}:1"
    says(said, *why)


def test_a_missing_file_is_an_error_and_not_an_agreement(tmp_path):
    files = rows()
    del files[BLOCKS]
    with pytest.raises(UserError, match=r"no wood_slide_samples\.json"):
        verify_published(write_clone(tmp_path, files))


def test_a_published_answer_of_cube_rolling_may_spell_gray_either_way(tmp_path):
    files = rows()
    files[ROLLING] = [rolling(["right"], "back", "grey", COLOURS | {"back": "grey"})]
    assert not disagreements(write_clone(tmp_path, files))


@pytest.mark.parametrize(
    ("name", "key"), [(ROLLING, "answer"), (VIEWS, "answer"), (BOX, "answer"), (TURNING, "final_state")]
)
def test_a_row_that_lacks_what_is_compared_is_named(tmp_path, name, key):
    files = rows()
    del files[name][1][key]
    with pytest.raises(UserError, match=rf"line 2: .*{key}"):
        verify_published(write_clone(tmp_path, files))


# --- a clone -----------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The five JSON files of the user's clone, without pictures."""
    for name in MAIN_FILES:
        (source,) = FOLDER.glob(f"**/{name}")
        target = tmp_path / "clone" / source.relative_to(FOLDER)
        target.parent.mkdir(parents=True)
        shutil.copy(source, target)
    return tmp_path / "clone"


@needs_originals
def test_every_published_item_agrees():
    report = verify_published(FOLDER)
    assert [agreement.file for agreement in report] == list(MAIN_FILES)
    assert not disagreements(FOLDER)
    sizes = [agreement.items for agreement in report]
    assert sum(sizes) == sum(len(next(FOLDER.glob(f"**/{name}")).read_text().splitlines()) for name in MAIN_FILES)
    assert sum(sizes) == 270 or sizes == [200, 250, 200, 200, 200]  # the part that we were given, or the whole


@needs_originals
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cube_rolling_samples.json", {"answer": "It will be purple."}),
        ("mental_rotation_samples.json", {"answer": "a total of 99 cubes. Blue: 99 cubes"}),
        ("rubiks_cube_samples.json", {"answer": 99}),
        ("move_box_samples.json", {"answer": "99"}),
        ("wood_slide_samples.json", {"image": "solution_002_nowhere.png"}),
    ],
)
def test_one_changed_answer_in_a_copy_is_found(copied, name, change):
    (path,) = copied.glob(f"**/{name}")
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[7] = json.dumps(json.loads(lines[7]) | change)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [item for item, _ in disagreements(copied)] == [f"{path.stem}:7"]
