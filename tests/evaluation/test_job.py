"""One evaluation from end to end: what is checked before anything is asked, and what the results say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from idf.evaluation import EvaluationRecipe, run_evaluation
from idf.evaluation.run.evaluation import MAX_PIXELS
from idf.suites import SuiteRecipe, distinct, generate_suite, open_suite, prompt_text, read_suite
from idf.training.recipe import StageRecipe
from tests.backends.server import request
from tests.cli.running import run
from tests.evaluation.samples import ITEMS
from tests.sentences import line_that_says, refused
from tests.suites.published import write_clone


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


def recipe(model: Path, suite: Path, **changes: Any) -> EvaluationRecipe:
    common = {"checkpoint": str(model), "suite": str(suite), "prompts": "idf-short-1", "max_new_tokens": 4}
    return EvaluationRecipe.of(**{**common, "max_pixels": 3136, **changes})


def test_the_largest_picture_is_what_our_recipes_train_with():
    assert StageRecipe.max_pixels == MAX_PIXELS


def test_before_anything_is_asked_it_says_the_longest_prompt_and_the_first(model, suite, tmp_path):
    said: list[str] = []
    results = run_evaluation(recipe(model, suite), tmp_path / "o", say=said.append, show=False)
    assert results is not None
    longest = max(
        json.loads(line)["prompt_tokens"] for line in (tmp_path / "o" / "samples.jsonl").read_text().splitlines()
    )
    line_that_says(said[0], "longest prompt", f"{longest} tokens")
    assert re.search(r"first prompt, as the model gets it:\n\[picture of ", said[0])
    assert "<|im_start|>assistant" in said[0], "as the model gets it, special tokens included"
    assert len(results["run"]["fingerprint"].split()[-1]) == 64
    assert results["run"]["versions"]["transformers"]


def test_responses_that_are_cut_off_are_said_loudly(model, suite, tmp_path):
    said: list[str] = []
    run_evaluation(recipe(model, suite, max_new_tokens=1), tmp_path / "o", say=said.append, show=False)
    assert line_that_says(said, "5 of 5", "100.0%", "reached --max-new-tokens").startswith("warning: ")


def test_a_prompt_that_cannot_be_answered_in_full_is_refused(model, suite, tmp_path):
    said: list[str] = []
    config = json.loads((model / "config.json").read_text())
    limit = config["text_config"]["max_position_embeddings"]
    remedy = ("lower --max-new-tokens", "--max-pixels")
    for tokens, why in ((limit - 10, ("longest prompt", *remedy)), (limit, ("no room", "prompt"))):
        with refused(f"--max-new-tokens {tokens}", f"{limit:,}", *why):
            run_evaluation(recipe(model, suite, max_new_tokens=tokens), tmp_path / "o", say=said.append, show=False)
    assert not (tmp_path / "o" / "samples.jsonl").exists()


def test_other_pictures_than_in_training_are_refused_unless_that_is_wanted(model, suite, tmp_path):
    (model / "idf.json").write_text(json.dumps({"recipe": {"max_pixels": 12_544}}))
    try:
        with refused(model, "trained", "12544 pixels", "--max-pixels 3136", "--other-pixels"):
            run_evaluation(recipe(model, suite), tmp_path / "o", show=False)
        run_evaluation(recipe(model, suite, other_pixels=True, limit=1), tmp_path / "o", say=lambda _: None, show=False)
        run_evaluation(recipe(model, suite, max_pixels=None, limit=1), tmp_path / "p", say=lambda _: None, show=False)
        assert json.loads((tmp_path / "p" / "results.json").read_text())["run"]["max_pixels"] == 12_544
        (model / "idf.json").write_text("{}")
        with refused(model / "idf.json", "not say", "recipe.max_pixels"):
            run_evaluation(recipe(model, suite), tmp_path / "q", show=False)
    finally:
        (model / "idf.json").unlink()


def test_batches_of_one_and_of_four_give_the_same_answers(model, suite, tmp_path):
    for size in (1, 4):
        changes = {"batch_size": size, "modes": ["vqa", "tqa"], "max_new_tokens": 12}
        run_evaluation(recipe(model, suite, **changes), tmp_path / str(size), say=lambda _: None, show=False)
    assert (tmp_path / "1" / "samples.jsonl").read_bytes() == (tmp_path / "4" / "samples.jsonl").read_bytes()


def test_a_problem_that_is_posed_again_is_dropped_if_that_is_wanted():
    assert distinct([*ITEMS, ITEMS[3], ITEMS[0]]) == ITEMS


def test_workers_that_make_the_same_suite_do_not_write_into_each_other(tmp_path, monkeypatch):
    made = tmp_path / "o" / "suite"

    def slower(recipe: SuiteRecipe, folder: Path) -> None:  # another worker is ready before this one
        generate_suite(recipe, folder)
        assert not made.exists()
        generate_suite(recipe, made)
        (made / "first").touch()

    monkeypatch.setattr("idf.evaluation.run.default_suite.generate_suite", slower)
    monkeypatch.setattr(
        "idf.evaluation.run.evaluation.SuiteRecipe", lambda **_: SuiteRecipe(items=1, worlds=["moving_box"])
    )
    assert run_evaluation(EvaluationRecipe.of(baseline="oracle"), tmp_path / "o", say=lambda _: None)
    assert (made / "first").exists(), "the one that came first stays"
    assert [path.name for path in (tmp_path / "o").glob(".*")] == [".lock"]


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_broken_suite_of_an_earlier_run_is_one_sentence(tmp_path, text):
    (tmp_path / "o" / "suite").mkdir(parents=True)
    (tmp_path / "o" / "suite" / "suite.json").write_text(text)
    with refused(tmp_path / "o" / "suite" / "suite.json", "no recipe", "remove"):
        run_evaluation(EvaluationRecipe.of(baseline="oracle"), tmp_path / "o")


def test_wood_slide_with_its_published_pictures_has_results_of_its_own(model, tmp_path):
    clone = write_clone(tmp_path / "clone")
    for item in open_suite(f"spatialite:{clone}"):
        assert item.picture is not None
        item.picture.parent.mkdir(exist_ok=True)
        Image.new("RGB", (60, 60), "white").save(item.picture)
    both, auto = (
        run_evaluation(
            recipe(model, f"spatialite:{clone}", modes=["vqa"], pictures=name),
            tmp_path / name,
            show=False,
        )
        for name in ("both", "auto")
    )
    assert both is not None
    assert auto is not None
    assert {key: both["run"][key] for key in ("pictures", "items", "suite_sha256")} == {
        key: auto["run"][key] for key in ("pictures", "items", "suite_sha256")
    }, "the run proper is the same, and can be compared"
    published = json.loads((tmp_path / "both" / "published_pictures" / "results.json").read_text())
    assert list(published["worlds"]) == ["wood_slide"]
    assert published["run"]["pictures"] == "published"
    assert published["run"]["items"] == published["worlds"]["wood_slide"]["vqa"]["all"]["n"] < both["run"]["items"]
    assert published["run"]["suite_sha256"] != both["run"]["suite_sha256"]


def test_both_pictures_of_a_suite_without_published_ones_are_refused_before_anything_is_asked(model, suite, tmp_path):
    with refused("--pictures both", "published suites"):
        run_evaluation(recipe(model, suite, pictures="both"), tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(("key", "value"), [("temperature", 0.7), ("top_p", 0.5), ("seed", 3), ("max_new_tokens", 2)])
def test_another_way_to_draw_tokens_is_another_evaluation(model, suite, tmp_path, key, value):
    out, asked = tmp_path / "o", {"temperature": 1.0, "top_p": 0.9, "seed": 0, "max_new_tokens": 1, "limit": 1}

    def ask(**sampling: Any) -> None:
        run_evaluation(recipe(model, suite, **{**asked, **sampling}), out, say=lambda _: None, show=False)

    ask()
    before = (out / "results.json").read_bytes()
    with refused(out, "another evaluation", key, asked[key], value, "--overwrite"):
        ask(**{key: value})
    assert (out / "results.json").read_bytes() == before
    ask()  # the same one again is welcome
