"""Items as documents: what every harness is given."""

from __future__ import annotations

import json

import numpy as np
import pytest

from idf.drawing import decode_png, draw
from idf.integrations._documents import judge, read_documents
from idf.suites import MODES, item_prompt, read_suite
from idf.worlds import WORLDS, problem_from_json
from tests.drawing.originals import FOLDER, needs_originals
from tests.integrations.suites import small_suite
from tests.sentences import refused


@pytest.mark.parametrize("mode", MODES)
def test_a_document_is_its_item_in_its_mode(mode):
    items = read_suite(small_suite())
    found = list(read_documents(str(small_suite()), mode))
    assert [document.id for document in found] == [item.id for item in items]
    for item, document in zip(items, found, strict=True):
        assert document.question == item_prompt(item, mode, "idf-long-1")
        assert problem_from_json(json.loads(document.problem)) == item.problem
        assert (document.world, document.difficulty, document.mode) == (
            item.problem.world,
            item.problem.difficulty,
            mode,
        )
        assert document.size == WORLDS[document.world].size(item.problem)
        if mode == "tqa":
            assert document.picture is None
        else:
            assert np.array_equal(decode_png(document.picture), draw(item.problem, 50_176))


def test_the_target_is_right_and_an_answer_to_another_question_is_not():
    for document in read_documents(str(small_suite()), "tqa"):
        assert judge(document.problem, f"So it is.\n{document.target}").correct
        assert judge(document.problem, "Answer: mauve").error == "unparsed"
        assert judge(document.problem, "").error == "empty"


def test_one_world_can_be_asked_alone_in_another_wording():
    found = list(read_documents(str(small_suite()), "tqa", "idf-short-1", world="moving_box"))
    assert {document.world for document in found} == {"moving_box"}
    assert all(document.question.startswith("Grid:") and document.prompts == "idf-short-1" for document in found)


def test_a_world_that_the_suite_lacks_is_refused():
    with refused("suite", small_suite(), "no item", "chess"):
        list(read_documents(str(small_suite()), "tqa", world="chess"))


@needs_originals
def test_published_pictures_are_made_small_and_wood_slide_is_drawn_again():
    name = f"spatialite:{FOLDER}:wood_slide_samples_hard.json"
    document = next(read_documents(name, "vqa", max_pixels=100_352))
    problem = problem_from_json(json.loads(document.problem))
    assert np.array_equal(decode_png(document.picture), draw(problem, 100_352))
