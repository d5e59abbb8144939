"""Words that no training data holds: asked beside those of training, and the gap is in the results and both reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import EvaluationRecipe, write_prompts
from idf.evaluation.metrics.wording import wording_gap
from idf.evaluation.report.wording import TITLE
from idf.suites import HELD_OUT_OF, prompt_text, read_suite
from idf.traces import oracle_response
from tests.backends.server import Call, completion, serving
from tests.cli.running import evaluate, one_sentence, run
from tests.evaluation.samples import row
from tests.sentences import refused, says

ASKED = "idf-short-1"
HELD = HELD_OUT_OF[ASKED]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wording") / "s"
    assert run("suite", "--out", folder, "--items", 2, "difficulties=[easy]", "max_pixels=3136") == 0
    return folder


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def asked(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows the words of training, and of the others those of Moving Box alone."""
    told = {prompt_text(item.problem, "tqa", ASKED): oracle_response(item.problem) for item in read_suite(suite)}
    for item in read_suite(suite):
        known = item.problem.world == "moving_box"
        told[prompt_text(item.problem, "tqa", HELD)] = oracle_response(item.problem) if known else "I do not know"
    out = tmp_path_factory.mktemp("asked") / "o"

    def answer(call: Call, before: int):
        return completion(told[call.prompt])

    with serving(answer) as server:
        common = ("--backend", "openai", "--base-url", server.url, "--suite", suite, "--modes", "tqa", "--out", out)
        assert evaluate("some-model", *common, "--prompts", ASKED) == 0
        plain = (out / "samples.jsonl").read_bytes()
        calls = len(server.calls)
        assert evaluate("some-model", *common, "--prompts", ASKED, "--held-out") == 0
        assert len(server.calls) - calls == calls, "only the other words are asked: each item once more"
    assert (out / "samples.jsonl").read_bytes() == plain
    return out


def check_gap(gap: dict[str, Any]) -> None:
    assert (gap["prompts"], gap["held_out"]) == (ASKED, HELD)
    assert {task["world"]: task["difference"] for task in gap["tasks"]} == {
        "cube_rolling": -1.0,
        "mental_rotation": -1.0,
        "moving_box": 0.0,
        "rubiks_cube": -1.0,
        "wood_slide": -1.0,
    }
    assert gap["macro"]["tqa"]["difference"] == pytest.approx(-0.8)


def test_the_gap_is_that_of_two_runs_on_the_same_items(asked):
    main, other = results(asked), results(asked / "held_out")
    check_gap(main["held_out"])
    assert main["run"]["prompts"] == ASKED
    assert other["run"]["prompts"] == HELD
    assert "held_out" not in other
    assert main["run"]["suite_sha256"] == other["run"]["suite_sha256"]
    for task in main["held_out"]["tasks"]:
        for side, told in (("a", main), ("b", other)):
            assert task[f"accuracy_{side}"] == told["worlds"][task["world"]]["tqa"]["all"]["accuracy"]


def test_both_reports_show_the_gap_and_only_where_two_wordings_were_asked(asked):
    for name in ("report.md", "report.html"):
        text = (asked / name).read_text(encoding="utf-8")
        assert TITLE in text
        assert HELD in text
        assert "-80.0" in text
        assert TITLE not in (asked / "held_out" / name).read_text(encoding="utf-8")


def test_a_run_that_is_judged_again_measures_its_gap_anew(asked, tmp_path):
    before = results(asked)
    assert evaluate("--rescore", asked, "--out", tmp_path / "again") == 0
    check_gap(results(tmp_path / "again")["held_out"])
    assert results(tmp_path / "again")["held_out"] == before["held_out"]
    assert (tmp_path / "again" / "held_out" / "rescored.jsonl").exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("some-model", "--held-out", "--prompts", HELD), ("--held-out", ASKED, HELD)),
        (("some-model", "--held-out", "--prompts", "official-2025"), ("--held-out", ASKED, "official-2025")),
        (("--baseline", "oracle", "--held-out"), ("held_out", "--baseline", "asks nobody")),
    ],
)
def test_what_cannot_be_asked_in_other_words_is_refused(capsys, suite, tmp_path, given, why):
    assert evaluate(*given, "--suite", suite, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), *why)
    assert not (tmp_path / "o").exists()


def test_a_world_without_other_words_is_refused_before_anything_is_asked(capsys, tmp_path):
    recipe = ("worlds=[moving_box, cube_rolling_part]", "difficulties=[easy]", "max_pixels=3136")
    assert run("suite", "--out", tmp_path / "s", "--items", 1, *recipe) == 0
    with serving(lambda call, before: completion("Answer: red")) as server:
        common = ("--backend", "openai", "--base-url", server.url, "--suite", tmp_path / "s", "--modes", "tqa")
        assert evaluate("some-model", *common, "--held-out", "--out", tmp_path / "o") == 1
        assert not server.calls
    says(one_sentence(capsys, "idf-eval"), "cube_rolling_part", "held out", "idf-long-1", "idf-short-1")
    assert not (tmp_path / "o").exists()


def test_prompts_for_others_are_written_in_one_wording_at_a_time(suite, tmp_path):
    recipe = EvaluationRecipe.of(checkpoint="m", backend="openai", suite=str(suite), held_out=True)
    with refused("--held-out", "asks twice", "idf-long-1", "idf-held-long-1"):
        write_prompts(recipe, tmp_path / "p", show=False)


def test_samples_of_an_item_are_averaged_and_items_are_paired():
    first = [row(id=f"i:{i}", correct=True, sample=s) for i in range(4) for s in range(2)]
    second = [row(id=f"i:{i}", correct=i < 2 or s == 0, sample=s) for i in range(4) for s in range(2)]
    (task,) = wording_gap(first, second, (ASKED, HELD), draws=50)["tasks"]
    assert (task["n"], task["accuracy_a"], task["accuracy_b"]) == (4, 1.0, 0.75)
    assert task["losses"] == ["i:2", "i:3"]
