"""`idf-eval`: baselines and stored responses from end to end, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from idf.suites import read_suite
from idf.traces import oracle_response
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, says
from tests.suites.published import write_clone


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate") / "s"
    assert run("suite", "--out", folder, "--items", 2, "difficulties=[easy]", "max_pixels=3136") == 0
    return folder


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


def stored(suite: Path, path: Path, skip: Sequence[str] = (), mode: str = "tqa") -> Path:
    """The oracle's responses to a suite, but for some."""
    lines = [
        {"id": item.id, "mode": mode, "response": oracle_response(item.problem), "completion_tokens": 9}
        for item in read_suite(suite)
        if item.id not in skip
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


# --- baselines ---------------------------------------------------------------------------------------------------


def test_the_oracle_is_right_everywhere_and_the_report_is_there(capsys, suite, tmp_path):
    assert evaluate("--baseline", "oracle", "--suite", suite, "--modes", "tqa,vqa", "--out", tmp_path / "o") == 0
    said = capsys.readouterr().out
    line_that_says(said, "baseline oracle", suite)
    line_that_says(said, "report", tmp_path / "o" / "report.html")
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        *(".lock", "evaluation.json", "report.html", "report.md", "results.json", "samples.jsonl", "summary.png")
    ]
    assert results(tmp_path / "o")["macro_accuracy"] == {"tqa": 1.0, "vqa": 1.0}
    assert len(rows(tmp_path / "o")) == 20
    assert {key: results(tmp_path / "o")["run"][key] for key in ("evaluated", "suite", "items", "modes", "limit")} == {
        "evaluated": "baseline oracle",
        "suite": str(suite),
        "items": 10,
        "modes": ["tqa", "vqa"],
        "limit": None,
    }


def test_random_says_the_same_in_every_run_and_is_not_always_right(suite, tmp_path):
    for out in ("a", "b"):
        assert evaluate("--baseline", "random", "--suite", suite, "--out", tmp_path / out) == 0
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    assert results(tmp_path / "a")["macro_accuracy"]["vtqa"] < 1


def test_a_published_suite_is_evaluated_under_its_own_ids(tmp_path):
    clone = write_clone(tmp_path / "clone")
    assert evaluate("--baseline", "oracle", "--suite", f"spatialite:{clone}", "--out", tmp_path / "o") == 0
    assert len(rows(tmp_path / "o")) == 12
    assert rows(tmp_path / "o")[0]["id"] == "cube_rolling_samples:0"
    file = f"spatialite:{clone}:move_box_samples.json"
    assert evaluate("--baseline", "oracle", "--suite", file, "--out", tmp_path / "p") == 0
    assert [row["id"] for row in rows(tmp_path / "p")] == ["move_box_samples:0", "move_box_samples:1"]


def test_a_limit_takes_the_first_items_of_each_world(suite, tmp_path):
    assert evaluate("--baseline", "oracle", "--suite", suite, "--limit", 1, "--out", tmp_path / "o") == 0
    assert [row["id"] for row in rows(tmp_path / "o")] == [
        item.id for item in read_suite(suite) if item.id.endswith(":0")
    ]


# --- stored responses --------------------------------------------------------------------------------------------


def test_stored_responses_are_scored_without_a_model(suite, tmp_path):
    responses = stored(suite, tmp_path / "responses.jsonl")
    assert evaluate("--responses", responses, "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o") == 0
    assert results(tmp_path / "o")["macro_accuracy"] == {"tqa": 1.0}
    assert results(tmp_path / "o")["run"]["without_response"] == 0
    assert rows(tmp_path / "o")[0]["completion_tokens"] == 9


def test_a_missing_response_is_told_and_counts_as_empty(capsys, suite, tmp_path):
    responses = stored(suite, tmp_path / "responses.jsonl", skip=["cube_rolling:easy:1"])
    assert evaluate("--responses", responses, "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o") == 0
    line_that_says(capsys.readouterr().out, "1 of 10", "no response", "empty")
    cell = results(tmp_path / "o")["worlds"]["cube_rolling"]["tqa"]["all"]
    assert (cell["n"], cell["accuracy"], cell["official_accuracy"], cell["parse_failures"]) == (2, 0.5, 1.0, 1)


def test_a_mode_that_no_response_is_in_is_refused_and_never_a_table_of_zeros(capsys, suite, tmp_path):
    responses = stored(suite, tmp_path / "responses.jsonl", mode="vqa")
    assert evaluate("--responses", responses, "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), "--modes", "tqa", responses, "vqa (10)")
    assert not (tmp_path / "o").exists()


def test_the_modes_of_stored_responses_are_those_in_the_file(suite, tmp_path):
    responses = stored(suite, tmp_path / "responses.jsonl", mode="vqa")
    assert evaluate("--responses", responses, "--suite", suite, "--out", tmp_path / "o") == 0
    assert results(tmp_path / "o")["macro_accuracy"] == {"vqa": 1.0}
    assert results(tmp_path / "o")["run"]["modes"] == ["vqa"]


def test_responses_to_another_suite_are_refused_with_ids_of_both(capsys, suite, tmp_path):
    responses = tmp_path / "responses.jsonl"
    responses.write_text('{"id": "cube_rolling_samples:0", "mode": "tqa", "response": "Answer: red"}\n')
    assert evaluate("--responses", responses, "--suite", suite, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), responses, "cube_rolling_samples:0", "mode tqa", "cube_rolling:easy:0")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", ("line 11", "not a response")),
        (
            '{"id": "cube_rolling:easy:0", "mode": "tqa", "response": "x"}',
            ("line 11", "second response", "cube_rolling:easy:0", "tqa"),
        ),
        ('{"id": "chess:easy:0", "mode": "tqa", "response": "x"}', (1, "response", "suite", "chess:easy:0")),
        ("[" * 9999, ("line 11", "not a response")),
        (
            '{"id": "a", "mode": "tqa", "response": "x", "finish_reason": ["stop"]}',
            ("line 11", "finish_reason", "text", "['stop']"),
        ),
        ('{"id": "a", "mode": "tqa", "response": "x", "sample": 1000000000}', ("line 11", "sample", "9,999")),
        (
            '{"id": "a", "mode": "tqa", "response": "x", "completion_tokens": 1' + "0" * 400 + "}",
            ("line 11", "completion_tokens", "1,000,000,000,000"),
        ),
    ],
)
def test_a_wrong_line_of_responses_is_one_sentence_and_nothing_is_written(capsys, suite, tmp_path, line, said):
    responses = stored(suite, tmp_path / "responses.jsonl")
    responses.write_text(responses.read_text() + line + "\n")
    assert evaluate("--responses", responses, "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), *said)
    assert not (tmp_path / "o").exists()


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), ("checkpoint", "--baseline NAME", "--responses FILE")),
        (("checkpoints/nowhere", "--baseline", "oracle"), ("checkpoint", "--baseline NAME", "--responses FILE")),
        (("--baseline", "oracle", "--modes", "audio"), ("--modes", "unknown", "'audio'", "vqa, tqa, vtqa")),
        (("--baseline", "oracle", "--modes", ""), ("--modes", "unknown", "''", "vqa, tqa, vtqa")),
        (("--baseline", "oracle", "--prompts", "idf-9"), ("unknown prompts", "'idf-9'", "idf-long-1")),
        (("--baseline", "oracle", "--limit", "0"), ("limit", 1, 0)),
        (("--baseline", "oracle", "--workers", "0"), ("--workers", 1, 0)),
        (("--baseline", "oracle", "--temperature", "nan"), ("temperature", "number", "nan")),
        (("--baseline", "oracle", "--temperature", "1e-300"), ("temperature", 0, "at least", "1e-300")),
        (("--responses", "nowhere.jsonl"), ("no file", "nowhere.jsonl")),
    ],
)
def test_wrong_arguments_are_one_sentence_and_status_1(capsys, suite, tmp_path, arguments, said):
    assert evaluate(*arguments, "--suite", suite, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), *said)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("name", ["nowhere", "spatialite:nowhere", "spatialite:"])
def test_a_suite_that_is_not_there_is_one_sentence(capsys, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert evaluate("--baseline", "oracle", "--suite", name, "--out", "o") == 1
    assert one_sentence(capsys, "idf-eval").startswith("no ")


@pytest.mark.parametrize("arguments", [("--baseline", "lucky"), ("--limit", "many"), ("--pictures", "painted")])
def test_wrong_usage_ends_with_status_2(arguments):
    assert evaluate(*arguments) == 2


def test_a_mode_that_is_named_twice_is_counted_once(suite, tmp_path):
    evaluate("--baseline", "oracle", "--suite", suite, "--modes", "tqa, tqa", "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists() or results(tmp_path / "o")["worlds"]["cube_rolling"]["tqa"]["all"]["n"] == 2


def test_an_out_that_is_a_file_is_one_sentence(suite, tmp_path):
    (tmp_path / "o").write_text("")
    assert evaluate("--baseline", "oracle", "--suite", suite, "--out", tmp_path / "o") == 1


# --- what goes wrong around it -------------------------------------------------------------------------------------


def test_samples_of_a_mode_that_is_not_asked_for_make_no_empty_responses(suite, tmp_path):
    responses = stored(suite, tmp_path / "responses.jsonl")
    other = {"id": "cube_rolling:easy:0", "mode": "vqa", "response": "x", "sample": 3}
    responses.write_text(responses.read_text() + json.dumps(other) + "\n")
    assert evaluate("--responses", responses, "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o") == 0
    assert results(tmp_path / "o")["macro_accuracy"] == {"tqa": 1.0}
    assert len(rows(tmp_path / "o")) == 10


def test_a_parent_of_out_that_is_a_file_is_one_sentence(capsys, suite, tmp_path):
    (tmp_path / "file").write_text("")
    assert evaluate("--baseline", "oracle", "--suite", suite, "--out", tmp_path / "file" / "o") == 1
    assert one_sentence(capsys, "idf-eval") == f"{tmp_path / 'file' / 'o'}: Not a directory"


def test_a_disk_without_room_is_one_sentence_and_what_came_is_kept(suite, tmp_path):
    """A limit on the size of files stands for the disk."""
    command = (
        f"ulimit -f 1; exec {sys.executable} -m idf.cli.evaluate --baseline oracle --suite {suite} --out {tmp_path}"
    )
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "idf-eval: error: File too large\n"


def test_a_reader_that_has_seen_enough_is_no_error(suite, tmp_path):
    command = f"{sys.executable} -m idf.cli.evaluate --baseline oracle --suite {suite} --out {tmp_path / 'o'} | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert (tmp_path / "o" / "results.json").exists()
