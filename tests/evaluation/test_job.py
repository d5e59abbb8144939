"""One evaluation from end to end: what is checked before anything is asked, and what the results say."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from idf.backends import Sampling
from idf.errors import UserError
from idf.evaluation import Evaluation, distinct, run_evaluation
from idf.evaluation._job import MAX_PIXELS
from idf.suites import prompt_text, read_suite
from idf.training.recipe import StageRecipe
from tests.backends.server import request
from tests.cli.running import run
from tests.evaluation.samples import ITEMS


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "s"
    assert run("suite", "--out", folder, "--items", 1, "difficulties=[easy]", "max_pixels=3136") == 0
    return folder


@pytest.fixture(scope="module")
def model(suite: Path) -> Path:
    from idf.training.tiny import make_tiny_model

    texts = [request(prompt_text(item.problem, "tqa", "idf-short-1")) for item in read_suite(suite)]
    folder = suite.parent / "model"
    make_tiny_model([SimpleNamespace(samples=lambda: texts)], folder, vocabulary=400)  # type: ignore[list-item]
    return folder


def job(model: Path, suite: Path, out: Path, **changes: Any) -> Evaluation:
    common = {"checkpoint": str(model), "suite": str(suite), "prompts": "idf-short-1", "sampling": Sampling(4)}
    return Evaluation(out=out, **{**common, "max_pixels": 3136, **changes})


def test_the_largest_picture_is_what_our_recipes_train_with():
    assert StageRecipe.max_pixels == MAX_PIXELS


def test_before_anything_is_asked_it_says_the_longest_prompt_and_the_first(model, suite, tmp_path):
    said: list[str] = []
    results = run_evaluation(job(model, suite, tmp_path / "o"), say=said.append, show=False)
    assert results is not None
    longest = max(
        json.loads(line)["prompt_tokens"] for line in (tmp_path / "o" / "samples.jsonl").read_text().splitlines()
    )
    assert said[0].startswith(f"longest prompt: {longest} tokens (")
    assert "the first prompt:\n[picture of " in said[0]
    assert "<|im_start|>assistant" in said[0], "as the model gets it, special tokens included"
    assert len(results["run"]["fingerprint"].split()[-1]) == 64
    assert results["run"]["versions"]["transformers"]


def test_responses_that_are_cut_off_are_said_loudly(model, suite, tmp_path):
    said: list[str] = []
    run_evaluation(job(model, suite, tmp_path / "o", sampling=Sampling(1)), say=said.append, show=False)
    assert any(line.startswith("warning: 5 of 5 responses (100.0%) were cut off at --max-new-tokens") for line in said)


def test_a_prompt_that_cannot_be_answered_in_full_is_refused(model, suite, tmp_path):
    said: list[str] = []
    with pytest.raises(UserError, match=r"the longest prompt has \d+ tokens \(.*\), and with --max-new-tokens 4000000"):
        run_evaluation(job(model, suite, tmp_path / "o", sampling=Sampling(4_000_000)), say=said.append, show=False)
    assert not (tmp_path / "o" / "samples.jsonl").exists()


def test_other_pictures_than_in_training_are_refused_unless_that_is_wanted(model, suite, tmp_path):
    (model / "idf.json").write_text(json.dumps({"recipe": {"max_pixels": 12_544}}))
    try:
        with pytest.raises(UserError, match=r"was trained with pictures of at most 12544 pixels .* --max-pixels 3136"):
            run_evaluation(job(model, suite, tmp_path / "o"), show=False)
        run_evaluation(job(model, suite, tmp_path / "o", other_pixels=True, limit=1), say=lambda _: None, show=False)
        run_evaluation(job(model, suite, tmp_path / "p", max_pixels=None, limit=1), say=lambda _: None, show=False)
        assert json.loads((tmp_path / "p" / "results.json").read_text())["run"]["max_pixels"] == 12_544
        (model / "idf.json").write_text("{}")
        with pytest.raises(UserError, match=r"idf\.json does not say recipe\.max_pixels"):
            run_evaluation(job(model, suite, tmp_path / "q"), show=False)
    finally:
        (model / "idf.json").unlink()


def test_batches_of_one_and_of_four_give_the_same_answers(model, suite, tmp_path):
    for size in (1, 4):
        changes = {"batch_size": size, "modes": ["vqa", "tqa"], "sampling": Sampling(12)}
        run_evaluation(job(model, suite, tmp_path / str(size), **changes), say=lambda _: None, show=False)
    assert (tmp_path / "1" / "samples.jsonl").read_bytes() == (tmp_path / "4" / "samples.jsonl").read_bytes()


def test_a_problem_that_is_posed_again_is_dropped_if_that_is_wanted():
    assert distinct([*ITEMS, ITEMS[3], ITEMS[0]]) == ITEMS
