"""Asking, scoring, writing down; with a backend that is no model."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from idf.data import text_of
from idf.errors import UserError
from idf.evaluation import Response, evaluate, read_responses, score_rows, write_results
from idf.scoring import score
from idf.suites import prompt_text
from idf.traces import oracle_response
from tests.evaluation.samples import ITEMS, FakeBackend
from tests.sentences import refused

PIXELS = 12_544
ASK = {"prompts": "idf-short-1", "max_pixels": PIXELS, "show": False}
SAMPLE_FIELDS = {
    *("id", "world", "mode", "difficulty", "correct", "error", "parsed", "response"),
    *("prompt_tokens", "completion_tokens", "finish_reason", "moves", "optimal"),
}
RESULT_FIELDS = {
    *("n", "correct", "accuracy", "wilson95", "official_accuracy", "parse_failures", "illegal", "truncated"),
    *("tokens_median", "tokens_p90", "tokens_per_correct"),
}


def by_prompt() -> dict[str, str]:
    """What the oracle says, by the text that asks for it."""
    return {
        prompt_text(item.problem, mode, "idf-short-1"): oracle_response(item.problem)
        for item in ITEMS
        for mode in ("vqa", "tqa")
    }


def known(response: str, mode: str = "tqa") -> dict[tuple[str, str, int], Response]:
    return {(item.id, mode, 0): Response(response) for item in ITEMS}


# --- asking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_every_item_is_asked_in_every_mode_and_gets_its_own_answer(batch_size):
    told = by_prompt()
    backend = FakeBackend(lambda request: told[text_of(request.messages[-1])], batch_size)
    rows = evaluate(ITEMS, ["tqa", "vtqa"], backend, **ASK)
    assert [(row.mode, row.id) for row in rows] == [(mode, item.id) for mode in ("tqa", "vtqa") for item in ITEMS]
    assert all(row.correct for row in rows)
    assert [row.response for row in rows] == [oracle_response(item.problem) for item in ITEMS] * 2
    assert len(backend.requests) == sum(backend.calls) == 2 * len(ITEMS)
    assert max(backend.calls) <= 8 * batch_size


def test_a_request_holds_what_its_mode_shows():
    backend = FakeBackend(lambda request: "Answer: red")
    for mode in ("vqa", "tqa", "vtqa"):
        evaluate(ITEMS[:1], [mode], backend, **ASK)
    for mode, request in zip(("vqa", "tqa", "vtqa"), backend.requests, strict=True):
        kinds = [part["type"] for part in request.messages[0]["content"]]
        assert kinds == (["text"] if mode == "tqa" else ["image", "text"])
        assert text_of(request.messages[0]) == prompt_text(ITEMS[0].problem, mode, "idf-short-1")
        assert [message["role"] for message in request.messages] == ["user"], "the answer is not in the prompt"
        assert (request.picture is None) == (mode == "tqa")
        if request.picture is not None:
            height, width, _ = request.picture.shape
            assert height * width <= PIXELS


def test_what_the_backend_counted_stands_in_the_row():
    (row,) = evaluate(ITEMS[:1], ["tqa"], FakeBackend(lambda request: "I do not know"), **ASK)
    assert (row.prompt_tokens, row.completion_tokens, row.finish_reason, row.error) == (100, 4, "stop", "unparsed")


# --- scoring stored responses ------------------------------------------------------------------------------------


def test_an_item_without_a_response_counts_as_empty():
    told = known("Answer: red")
    del told[ITEMS[0].id, "tqa", 0]
    rows, missing = score_rows(ITEMS, ["tqa"], told)
    assert missing == 1
    assert len(rows) == len(ITEMS)
    assert (rows[0].error, rows[0].correct, rows[0].official, rows[0].completion_tokens) == ("empty", False, -1.0, None)
    rows, missing = score_rows(ITEMS, ["tqa", "vqa"], {})
    assert (len(rows), missing) == (2 * len(ITEMS), 2 * len(ITEMS))
    assert {row.error for row in rows} == {"empty"}


def test_a_response_in_another_mode_is_not_taken_for_the_one_that_is_asked_for():
    rows, missing = score_rows(ITEMS, ["vqa"], {})
    assert missing == len(ITEMS)
    oracle = {(item.id, "tqa", 0): Response(oracle_response(item.problem)) for item in ITEMS}
    assert {row.error for row in score_rows(ITEMS, ["vqa"], oracle)[0]} == {"empty"}
    assert all(row.correct for row in score_rows(ITEMS, ["tqa"], oracle)[0])
    assert rows[0].mode == "vqa"


def test_the_same_words_on_an_item_are_judged_once_for_all_modes(monkeypatch):
    judged = []
    monkeypatch.setattr("idf.evaluation.run.score.score", lambda *of: judged.append(of[0]) or score(*of))
    told = known("The answer is once red, twice blue.") | known("The answer is once red, twice blue.", "vqa")
    told[ITEMS[2].id, "vqa", 0] = Response("The answer is once red, twice blue.", finish_reason="length")
    rows, _ = score_rows(ITEMS, ["tqa", "vqa"], told)
    assert Counter(judged) == Counter([item.problem for item in ITEMS] + [ITEMS[2].problem])
    assert [row.error for row in rows if row.id == ITEMS[2].id] == ["unparsed", "truncated"]


def test_a_response_to_no_item_of_the_suite_is_an_error_that_names_it():
    with refused("1 response", "no item", "suite", "chess:easy:0"):
        score_rows(ITEMS, ["tqa"], known("Answer: red") | {("chess:easy:0", "tqa", 0): Response("")})


def stored(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "responses.jsonl"
    path.write_text(
        "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), encoding="utf-8"
    )
    return path


GOOD = {"id": "a:0", "mode": "tqa", "response": "Answer: red"}


def test_responses_are_read_by_item_and_mode(tmp_path):
    path = stored(
        tmp_path, GOOD, "", GOOD | {"mode": "vqa", "response": "", "completion_tokens": 7, "finish_reason": "length"}
    )
    assert read_responses(path) == {
        ("a:0", "tqa", 0): Response("Answer: red"),
        ("a:0", "vqa", 0): Response("", None, 7, "length"),
    }


def test_a_byte_order_mark_before_the_responses_is_no_part_of_them(tmp_path):
    path = stored(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_responses(path) == {("a:0", "tqa", 0): Response("Answer: red")}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", ("not a response",)),
        ("[]", ("not a response",)),
        ("null", ("not a response",)),
        ({"id": "a:1", "mode": "tqa"}, ("key 'response'", "missing")),
        ({"mode": "tqa", "response": ""}, ("key 'id'", "missing")),
        ({"id": "a:1", "response": ""}, ("key 'mode'", "missing")),
        (GOOD | {"id": "a:1", "response": 5}, ("response must", "text", "not 5")),
        (GOOD | {"id": "a:1", "response": None}, ("response must", "text", "not None")),
        (GOOD | {"id": "a:1", "mode": "audio"}, ("unknown mode", "'audio'", "vqa, tqa, vtqa")),
        (GOOD, ("second response", "a:0", "mode tqa")),
    ],
)
def test_a_broken_or_doubled_line_is_named(tmp_path, line, why):
    path = stored(tmp_path, GOOD, line)
    with refused(f"{path}, line 2", *why):
        read_responses(path)


def test_a_missing_file_of_responses_is_named(tmp_path):
    with refused("no file", tmp_path / "nowhere.jsonl"):
        read_responses(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("tokens", ["12", [], True, -1, 1.5])
def test_tokens_that_are_no_count_are_named_by_their_line(tmp_path, tokens):
    with pytest.raises(UserError, match="line 1"):
        read_responses(stored(tmp_path, GOOD | {"completion_tokens": tokens}))


def test_a_file_of_responses_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "responses.jsonl"
    path.write_bytes(b'{"id": "a:0", "mode": "tqa", "response": "\xe9"}\n')
    with pytest.raises(UserError, match=re.escape(str(path))):
        read_responses(path)


def test_a_folder_in_the_place_of_responses_is_named(tmp_path):
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        read_responses(tmp_path)


# --- writing down ------------------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path: Path) -> Path:
    told = {(item.id, "tqa", 0): Response(oracle_response(item.problem), 10, 20, "stop") for item in ITEMS[1:]}
    rows, _ = score_rows(ITEMS, ["tqa"], told)
    write_results(rows, tmp_path / "deep" / "out", {"evaluated": "me"})
    return tmp_path / "deep" / "out"


def test_samples_jsonl_has_a_line_for_each_item_with_the_fields_of_the_design(written):
    lines = [json.loads(line) for line in (written / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [item.id for item in ITEMS]
    for line, item in zip(lines, ITEMS, strict=True):
        assert set(line) >= SAMPLE_FIELDS
        assert (line["world"], line["difficulty"], line["mode"]) == (item.problem.world, item.problem.difficulty, "tqa")
        assert isinstance(line["correct"], bool)
    assert [line["error"] for line in lines] == ["empty"] + [None] * (len(ITEMS) - 1)
    assert all(line["moves"] == line["optimal"] and isinstance(line["parsed"], list) for line in lines[4:])


def test_results_json_has_the_fields_of_the_design_and_says_what_was_run(written):
    results = json.loads((written / "results.json").read_text(encoding="utf-8"))
    for modes in results["worlds"].values():
        for cells in modes.values():
            for numbers in cells.values():
                assert set(numbers) >= RESULT_FIELDS
                low, high = numbers["wilson95"]
                assert low <= numbers["accuracy"] <= high
    assert results["worlds"]["cube_rolling"]["tqa"]["all"]["accuracy"] == 0.75
    assert results["macro_accuracy"] == {"tqa": 0.875}
    assert results["run"]["evaluated"] == "me"
    assert "idf" in results["run"]


def test_the_samples_of_a_run_can_be_scored_again_as_stored_responses(written):
    rows, missing = score_rows(ITEMS, ["tqa"], read_responses(written / "samples.jsonl"))
    assert missing == 0
    assert [row.correct for row in rows] == [False] + [True] * (len(ITEMS) - 1)
    assert rows[1].completion_tokens == 20


def test_samples_with_unusual_line_separators_can_be_scored_again(tmp_path):
    rows, _ = score_rows(ITEMS, ["tqa"], known("one\u2028two\x85three\nAnswer: red"))
    write_results(rows, tmp_path, {})
    assert len(read_responses(tmp_path / "samples.jsonl")) == len(ITEMS)


def test_a_response_that_was_cut_off_inside_of_a_character_is_written_down(tmp_path):
    told = read_responses(stored(tmp_path, r'{"id": "cube_rolling:easy:0", "mode": "tqa", "response": "so \ud83d"}'))
    rows, _ = score_rows(ITEMS, ["tqa"], told)
    write_results(rows, tmp_path, {})
