"""Damaged pictures in an evaluation, and sweeps over damages and sizes."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from idf.backends import Sampling
from idf.drawing import damaged
from idf.evaluation import EvaluationRecipe, run_evaluation, run_sweep
from idf.evaluation.run.queries import Form, Keys, Requests, all_asks
from idf.evaluation.run.sweep import read_sweep
from idf.suites import prompt_text, read_suite
from tests.backends.server import request
from tests.cli.running import evaluate, run
from tests.sentences import refused

PIXELS = 12_544


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "s"
    assert run("suite", "--out", folder, "--items", 1, "difficulties=[easy]", f"max_pixels={PIXELS}") == 0
    return folder


@pytest.fixture(scope="module")
def model(suite: Path) -> Path:
    from idf.training.tiny import make_tiny_model

    texts = [request(prompt_text(item.problem, "tqa", "idf-short-1")) for item in read_suite(suite)]
    folder = suite.parent / "model"
    make_tiny_model([SimpleNamespace(samples=lambda: texts)], folder, vocabulary=400)  # type: ignore[list-item]
    return folder


def recipe(a_model: Path, a_suite: Path, **changes: Any) -> EvaluationRecipe:
    common = {"checkpoint": str(a_model), "suite": str(a_suite), "prompts": "idf-short-1", "max_new_tokens": 3}
    return EvaluationRecipe.of(**{**common, **changes})


def tokens_of_files(suite: Path) -> float:
    """By Pillow: the files of this suite have sides that are multiples of 28."""
    sizes = [Image.open(item.picture).size for item in read_suite(suite)]
    assert all(width % 28 == height % 28 == 0 for width, height in sizes)
    return fmean(width * height / 784 for width, height in sizes)


@pytest.mark.parametrize("redraw", [False, True])
def test_a_model_gets_the_damaged_picture_under_a_name_of_its_own(suite, redraw):
    items = read_suite(suite)
    asks = all_asks(items, ["vqa"])
    worlds = frozenset({item.problem.world for item in items}) if redraw else frozenset()
    clean, bad = Form("idf-short-1", PIXELS, worlds), Form("idf-short-1", PIXELS, worlds, "blur-3")
    for one, other in zip(Requests(asks, clean), Requests(asks, bad), strict=True):
        assert (damaged(one.picture, "blur-3") == other.picture).all()
        assert np.any(one.picture != other.picture)
    names = [
        [Keys("m", Sampling(3), form)(ask) for ask in asks]
        for form in (clean, bad, Form("idf-short-1", PIXELS, worlds, "blur-2"))
    ]
    assert len({name for some in names for name in some}) == 3 * len(asks)


def test_a_damaged_run_says_so_and_is_another_evaluation(model, suite, tmp_path):
    run_evaluation(recipe(model, suite, damage="jpeg-2", max_pixels=PIXELS), tmp_path / "o", say=print, show=False)
    assert json.loads((tmp_path / "o" / "results.json").read_text())["run"]["damage"] == "jpeg-2"
    assert "jpeg-2" in (tmp_path / "o" / "report.html").read_text()
    with refused(tmp_path / "o", "another evaluation", "damage", "jpeg-2", "null"):
        run_evaluation(recipe(model, suite, max_pixels=PIXELS), tmp_path / "o", say=print, show=False)


def test_a_sweep_sets_each_damage_beside_the_clean_picture_and_the_text(model, suite, tmp_path):
    out = tmp_path / "o"
    asked = recipe(model, suite, max_pixels=PIXELS, modes=["vqa", "tqa"])
    told = run_sweep(asked, "damage=blur-2,lowres-3", out, say=lambda _: None, show=False)
    assert [point["value"] for point in told["points"]["vqa"]] == [None, "blur-2", "lowres-3"]
    assert told["text"]["n"] == len(read_suite(suite))
    for point in told["points"]["vqa"]:
        results = json.loads((out / point["folder"] / "results.json").read_text())
        assert results["run"].get("damage") == point["value"]
        assert results["run"]["modes"] == ["vqa"]
        assert point["accuracy"] == results["macro"]["vqa"]["accuracy"]
        assert point["vision_tokens"] == tokens_of_files(suite)
    page = (out / "sweep.md").read_text()
    assert all(word in page for word in ("| none |", "| blur-2 |", "| lowres-3 |", "| text alone |"))
    assert json.loads((out / "sweep.json").read_text()) == json.loads(json.dumps(told))
    said: list[str] = []
    run_sweep(asked, "damage=blur-2,lowres-3", out, say=said.append, show=False)
    found = [line for line in said if "are not asked again" in line]
    assert [line[:6] for line in found] == ["5 of 5"] * 4


def test_a_sweep_over_sizes_counts_their_vision_tokens(model, suite, tmp_path):
    told = run_sweep(recipe(model, suite), "max_pixels=12544,3136", tmp_path / "o", say=lambda _: None, show=False)
    small, large = told["points"]["vtqa"]
    assert (small["value"], small["vision_tokens"]) == (3136, 4)  # 56 x 56 pixels, 28 x 28 each
    assert (large["value"], large["vision_tokens"]) == (12544, tokens_of_files(suite))


def test_shares_of_a_sweep_add_answers_and_write_no_results(model, suite, tmp_path):
    asked = recipe(model, suite)
    for share in ((0, 2), (1, 2)):
        assert run_sweep(asked, "max_pixels=3136", tmp_path / "o", share=share, say=lambda _: None, show=False) is None
    assert not list((tmp_path / "o").rglob("results.json"))
    said: list[str] = []
    run_sweep(asked, "max_pixels=3136", tmp_path / "o", say=said.append, show=False)
    assert sum("5 of 5 answers were found" in line for line in said) == 2


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ("noise", ("--sweep", "damage", "max_pixels", "noise")),
        ("max_pixels", ("--sweep", "max_pixels=N,N,...")),
        ("max_pixels=many", ("--sweep", "whole numbers", "many")),
        ("damage=blur-9", ("--sweep", "blur-9", "blur-1")),
    ],
)
def test_a_sweep_that_makes_no_sense_is_one_sentence(sweep, words):
    with refused(*words):
        read_sweep(sweep)


@pytest.mark.parametrize(
    ("changes", "sweep", "words"),
    [
        ({"suite": None}, "damage", ("--sweep", "--suite")),
        ({"damage": "blur-1"}, "damage", ("damage=blur-1",)),
        ({"max_pixels": 3136}, "max_pixels=3136", ("max_pixels=3136",)),
        ({"modes": ["tqa"]}, "damage", ("tqa", "vqa")),
        ({"pictures": "both"}, "damage", ("pictures", "drawn")),
        ({"episodes": True, "prompts": "idf-long-1"}, "damage", ("--sweep", "--episodes")),
        ({"held_out": True}, "damage", ("--sweep", "--held-out")),
        ({"checkpoint": None, "baseline": "oracle"}, "damage", ("checkpoint",)),
    ],
)
def test_what_does_not_go_with_a_sweep_is_one_sentence(model, suite, tmp_path, changes, sweep, words):
    with refused(*words):
        run_sweep(recipe(model, suite, **changes), sweep, tmp_path / "o", say=print)
    assert not (tmp_path / "o").exists()


def test_damage_without_a_picture_or_a_name_is_refused(capsys, model, suite, tmp_path):
    for words in (("--damage", "blur-1", "--modes", "tqa"), ("--damage", "fog-1")):
        assert evaluate(model, "--suite", suite, "--out", tmp_path / "o", *words) == 1
        error = capsys.readouterr().err
        assert words[1] in error
        assert error.count("\n") == 1
