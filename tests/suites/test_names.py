"""The name of a suite: a clone is known for what it is, with or without its prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from idf.errors import UserError
from idf.evaluation import EvaluationRecipe, run_evaluation
from idf.integrations import write_hub_layout
from idf.integrations._documents import read_documents
from idf.suites import MAIN_FILES, SuiteRecipe, generate_suite, open_suite, suite_name
from tests.drawing.originals import FOLDER, needs_originals
from tests.sentences import refused
from tests.suites.published import blocks, rows, write_clone


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return write_clone(tmp_path / "clone")


def test_a_clone_has_the_same_name_and_items_with_and_without_the_prefix(clone):
    for folder in (clone, clone / "data"):
        assert suite_name(str(folder)) == suite_name(f"spatialite:{folder}") == f"spatialite:{folder}"
        assert open_suite(str(folder)) == open_suite(f"spatialite:{folder}")


@pytest.mark.parametrize("file", ["move_box_samples.json", "all"])
def test_a_file_of_a_clone_is_named_without_the_prefix_too(clone, file):
    assert suite_name(f"{clone}:{file}") == f"spatialite:{clone}:{file}"
    assert open_suite(f"{clone}:{file}") == open_suite(f"spatialite:{clone}:{file}")


def test_a_relative_name_is_kept_as_it_was_given(clone, monkeypatch):
    monkeypatch.chdir(clone.parent)
    assert suite_name("clone") == "spatialite:clone"
    assert suite_name("./clone/") == "spatialite:./clone/"


def test_a_generated_suite_keeps_its_name_even_inside_of_a_clone(clone, tmp_path):
    for folder in (tmp_path / "suite", clone / "suite"):
        generate_suite(SuiteRecipe(items=1, worlds=["cube_rolling"], difficulties=["easy"]), folder)
        assert suite_name(str(folder)) == str(folder)
        assert len(open_suite(str(folder))) == 1
    assert suite_name(str(clone)) == f"spatialite:{clone}"


def test_what_is_no_whole_clone_is_not_taken_for_one(tmp_path):
    for lacking in MAIN_FILES:
        part = write_clone(tmp_path / lacking, {name: some for name, some in rows().items() if lacking not in name})
        assert suite_name(str(part)) == str(part)
        with refused("no suite", part, "spatialite:DIR"):
            open_suite(str(part))
        assert suite_name(f"{part}:all") == f"{part}:all"
    assert suite_name(f"{tmp_path / 'nowhere'}:all") == f"{tmp_path / 'nowhere'}:all"
    assert suite_name("") == ""


def test_a_folder_whose_own_name_has_a_colon_is_that_folder(clone):
    generate_suite(SuiteRecipe(items=1, worlds=["cube_rolling"], difficulties=["easy"]), clone.with_name("clone:all"))
    assert suite_name(f"{clone}:all") == f"{clone}:all"
    assert len(open_suite(f"{clone}:all")) == 1


def test_a_file_that_a_clone_lacks_is_named(clone):
    with pytest.raises(UserError, match=r"no nothing\.json below"):
        open_suite(f"{clone}:nothing.json")


def test_the_pictures_that_print_the_solution_are_redrawn_without_the_prefix_too(clone, tmp_path):
    (one,) = (found for found in read_documents(str(clone), "vqa", world="wood_slide"))
    (other,) = (found for found in read_documents(f"spatialite:{clone}", "vqa", world="wood_slide"))
    assert one == other, "there is no picture file: only drawing gives one"
    assert not (clone / "data" / "wood_slide" / blocks()["image"]).exists()
    with refused("without a licence"):
        write_hub_layout(clone, tmp_path / "out")


def test_an_evaluation_of_a_clone_says_its_name_with_the_prefix(clone, tmp_path):
    recipe = EvaluationRecipe.of(baseline="oracle", suite=str(clone), modes=["tqa"])
    results = run_evaluation(recipe, tmp_path / "o", say=lambda _: None, show=False)
    assert results is not None
    assert results["run"]["suite"] == f"spatialite:{clone}"


@needs_originals
def test_the_published_benchmark_is_known_without_the_prefix():
    assert suite_name(str(FOLDER)) == f"spatialite:{FOLDER}"
    assert [item.id for item in open_suite(str(FOLDER))] == [item.id for item in open_suite(f"spatialite:{FOLDER}")]
