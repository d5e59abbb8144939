"""`idf-eval --backend openai` against a local server: faults, budgets, resuming, samples, and the parser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idf.suites import prompt_text, read_suite
from idf.traces import oracle_response
from tests.backends.server import Call, completion, failing, serving
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, says


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endpoint") / "s"
    assert run("suite", "--out", folder, "--items", 2, "difficulties=[easy]", "max_pixels=3136") == 0
    return folder


@pytest.fixture(scope="module")
def told(suite: Path) -> dict[str, str]:
    """Prompt -> what the oracle says."""
    return {prompt_text(item.problem, "tqa", "idf-long-1"): oracle_response(item.problem) for item in read_suite(suite)}


def ask(url: str, suite: Path, out: Path, *more: object) -> int:
    common = ("--backend", "openai", "--base-url", url, "--suite", suite, "--modes", "tqa", "--out", out)
    return evaluate("some-model", *common, "--concurrency", 2, *more)


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


def test_an_endpoint_is_asked_and_its_counts_are_kept(capsys, suite, told, tmp_path):
    with serving(lambda call, before: completion(told[call.prompt], 11, 7)) as server:
        assert ask(server.url, suite, tmp_path / "o") == 0
    assert all(row["correct"] for row in rows(tmp_path / "o"))
    assert {(row["prompt_tokens"], row["completion_tokens"], row["finish_reason"]) for row in rows(tmp_path / "o")} == {
        (11, 7, "stop")
    }
    assert results(tmp_path / "o")["run"]["fingerprint"] == f"openai {server.url} some-model"
    said = capsys.readouterr().out
    line_that_says(said, "longest prompt", "at most", "tokens")
    line_that_says(said, "first prompt")


def test_what_failed_is_an_error_in_the_denominator_and_the_same_command_asks_for_it_alone(
    capsys, suite, told, tmp_path
):
    bad = sorted(told)[3]

    def answer(call: Call, before: int):
        return failing(400) if call.prompt == bad and down else completion(told[call.prompt])

    down = True
    with serving(answer) as server:
        assert ask(server.url, suite, tmp_path / "o") == 0
        said = capsys.readouterr().out
        line_that_says(said, "1 of 10", "answers", "0 were never asked", "count as errors")
        assert sum(row["correct"] for row in rows(tmp_path / "o")) == 9
        assert results(tmp_path / "o")["macro_accuracy"]["tqa"] == pytest.approx(0.9)
        down = False
        asked = len(server.calls)
        assert ask(server.url, suite, tmp_path / "o") == 0
        assert len(server.calls) == asked + 1
    assert all(row["correct"] for row in rows(tmp_path / "o"))


def test_a_spent_budget_is_one_sentence_and_loses_nothing(capsys, suite, told, tmp_path):
    with serving(lambda call, before: completion(told[call.prompt], 10, 5)) as server:
        limit = ("--max-new-tokens", 100, "--max-total-tokens", 1000)
        assert ask(server.url, suite, tmp_path / "o", *limit) == 1
        says(one_sentence(capsys, "idf-eval"), "budget", "1,000 tokens")
        asked = len(server.calls)
        assert 0 < asked < 10
        assert ask(server.url, suite, tmp_path / "o", "--max-new-tokens", 100) == 0
        assert len(server.calls) == 10
    line_that_says(capsys.readouterr().out, f"{asked} of 10", "answers", tmp_path / "o" / "answers", "already")


def test_several_samples_are_asked_with_seeds_of_their_own(suite, told, tmp_path):
    def answer(call: Call, before: int):
        return completion(told[call.prompt] if before % 2 else "Answer: I do not know")

    with serving(answer) as server:
        assert ask(server.url, suite, tmp_path / "o", "--samples", 2, "--temperature", 1) == 0
        assert len({call.body["seed"] for call in server.calls}) == 20
    assert [row["sample"] for row in rows(tmp_path / "o")] == [0, 1] * 10
    assert sum(row["correct"] for row in rows(tmp_path / "o")) == 10


def test_answers_may_be_shared_between_runs(suite, told, tmp_path):
    with serving(lambda call, before: completion(told[call.prompt])) as server:
        for out in ("a", "b"):
            assert ask(server.url, suite, tmp_path / out, "--answers", tmp_path / "answers") == 0
        assert len(server.calls) == 10
    assert rows(tmp_path / "a") == rows(tmp_path / "b")


def test_a_parser_that_quotes_is_judged_by_the_rules_and_compared_with_them(capsys, suite, told, tmp_path):
    def answer(call: Call, before: int):
        if "<response>" in call.prompt:
            response = call.prompt.split("<response>\n")[1].removesuffix("\n</response>")
            return completion(response.rpartition("Answer: ")[2])
        return completion(told[call.prompt])

    with serving(answer) as server:
        assert ask(server.url, suite, tmp_path / "o", "--parser", "openai:reader") == 0
        assert len(server.calls) == 20
    line_that_says(capsys.readouterr().out, "parsers", "agree", "10 of 10", "100.0%")
    assert results(tmp_path / "o")["run"]["parser"]["agreed"] == 10
    assert (tmp_path / "o" / "parsers.jsonl").read_text() == ""


def test_a_parser_that_says_nothing_overrules_nobody(capsys, suite, told, tmp_path):
    def answer(call: Call, before: int):
        return completion("" if "<response>" in call.prompt else told[call.prompt])

    with serving(answer) as server:
        assert ask(server.url, suite, tmp_path / "o", "--parser", "openai:reader") == 0
    assert results(tmp_path / "o")["macro_accuracy"]["tqa"] == 1
    counts = results(tmp_path / "o")["run"]["parser"]
    assert (counts["failed"], counts["agreed"], counts["not_quoted"]) == (10, 0, 0)
    line_that_says(capsys.readouterr().out, "parsers", "0 of 10", "10 could not be had")


def test_an_endpoint_that_answers_nothing_is_one_sentence_and_writes_no_results(capsys, suite, tmp_path):
    with serving(lambda call, before: failing(500)) as server:
        assert ask(server.url, suite, tmp_path / "o", "--limit", 1, "--timeout", 5, "--retries", 0) == 1
    says(one_sentence(capsys, "idf-eval"), "none of 5", "answered", "500")
    assert not (tmp_path / "o" / "results.json").exists()


def test_a_context_without_room_is_refused_and_a_tight_one_is_said(capsys, suite, told, tmp_path):
    with serving(lambda call, before: completion(told[call.prompt])) as server:
        assert ask(server.url, suite, tmp_path / "o", "--context", 1000, "--max-new-tokens", 1000) == 1
        says(one_sentence(capsys, "idf-eval"), "--max-new-tokens 1000", "no room", "prompt")
        assert server.calls == []
        assert ask(server.url, suite, tmp_path / "o", "--context", 1000, "--max-new-tokens", 900) == 0
    line_that_says(capsys.readouterr().out, "warning", "900", "tokens", "may not fit")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--samples", 2), ("--samples 2", "equal", "--temperature 0.7")),
        (("--parser", "regex"), ("parser", "'regex'", "rules", "openai:MODEL")),
        (("--parser", "openai:"), ("--parser", "rules", "openai:MODEL")),
        (("--worker", "2/2"), ("--worker", "0/8", "7/8", "2/2")),
        (("--workers", 2), ("--workers", "checkpoint", "hf", "vllm")),
        (("--pictures", "both"), ("--pictures both", "published")),
        (("--gpus", 2), ("no key", "gpus", "vllm", "openai")),
        (("--top-p", 0), ("top_p", "above 0")),
        (("--base-url", "ftp://x"), ("base_url", "http", "ftp://x")),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(capsys, suite, tmp_path, more, said):
    with serving(lambda call, before: completion("Answer: red")) as server:
        assert ask(server.url, suite, tmp_path / "o", *more) == 1
    says(one_sentence(capsys, "idf-eval"), *said)
