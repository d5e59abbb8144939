"""`idf-eval --rescore`: a run's own responses by today's rules; it starts from files as runs wrote them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import Rescoring, Response, rescore
from idf.evaluation.metrics.results import read_run
from idf.evaluation.run import llm_parser
from idf.evaluation.run.answers import Answers
from idf.evaluation.run.llm_parser import parse_with
from idf.evaluation.run.results import write_results
from idf.scoring.rules_version import RULES_VERSION
from idf.suites import read_suite
from idf.traces import oracle_response
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, refused, says


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rescore") / "s"
    assert run("suite", "--out", folder, "--items", 1, "difficulties=[easy]", "max_pixels=3136") == 0
    return folder


def written(suite: Path, out: Path) -> Path:
    """A run: five responses, of which the last states no answer."""
    items = read_suite(suite)
    told = [
        {"id": item.id, "mode": "tqa", "response": oracle_response(item.problem), "completion_tokens": 9}
        for item in items
    ]
    told[-1]["response"] = "I do not know"
    path = out.parent / f"{out.name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in told))
    assert evaluate("--responses", path, "--suite", suite, "--modes", "tqa", "--out", out) == 0
    return out


def aged(out: Path) -> Path:
    """The same run as rules without a version judged it: the first answer was not read, the last was taken for a right one."""
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    rows[0] |= {"correct": False, "error": "unparsed", "parsed": None, "official": 0.0, "cause": "format"}
    rows[-1] |= {"correct": True, "error": None, "official": 1.0, "cause": None}
    (out / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = json.loads((out / "results.json").read_text())
    del results["run"]["scoring_rules"]
    for row, right in ((rows[0], 0), (rows[-1], 1)):
        for cell in results["worlds"][row["world"]]["tqa"].values():
            cell |= {"correct": right, "accuracy": float(right)}
    (out / "results.json").write_text(json.dumps(results))
    return out


def files(folder: Path) -> dict[str, bytes]:
    """The results; which evaluation the folder holds stays as it is."""
    kept = (".lock", "evaluation.json")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name not in kept}


def test_a_run_is_judged_again_in_place_and_the_old_results_are_kept(capsys, suite, tmp_path):
    out = written(suite, tmp_path / "o")
    fresh = (out / "samples.jsonl").read_bytes()
    old = files(aged(out))
    capsys.readouterr()
    assert evaluate("--rescore", out) == 0
    said = capsys.readouterr().out
    line_that_says(said, "2 of 5 verdicts", "version before 1", "now", RULES_VERSION)
    line_that_says(said, 1, "unparsed -> correct")
    line_that_says(said, 1, "correct -> unparsed")
    assert (out / "samples.jsonl").read_bytes() == fresh
    facts = read_run(out).results["run"]
    assert facts["scoring_rules"] == RULES_VERSION
    assert facts["rescored"] | {"from_idf": ""} == {
        **{"from_rules": None, "from_idf": "", "rows": 5, "changed": 2},
        "kinds": {"unparsed -> correct": 1, "correct -> unparsed": 1},
    }
    assert files(out / "judged-by-rules-unknown") == old
    lines = [json.loads(line) for line in (out / "rescored.jsonl").read_text().splitlines()]
    assert [(line["before"]["verdict"], line["after"]["verdict"]) for line in lines] == [
        ("unparsed", "correct"),
        ("correct", "unparsed"),
    ]
    assert evaluate("--rescore", out) == 0
    line_that_says(capsys.readouterr().out, "0 of 5 verdicts")
    assert files(out / "judged-by-rules-unknown") == old, "the first results are never written over"


def test_with_out_the_run_itself_stays_as_it_is(capsys, suite, tmp_path):
    out = aged(written(suite, tmp_path / "o"))
    old = files(out)
    assert evaluate("--rescore", out, "--out", tmp_path / "new") == 0
    assert files(out) == old
    assert not list(out.glob("judged-by-rules-*"))
    assert read_run(tmp_path / "new").results["macro_accuracy"] == {"tqa": 0.8}
    assert evaluate("--rescore", out, "--out", tmp_path / "new") == 1
    says(one_sentence(capsys, "idf-eval"), tmp_path / "new", "results already")


def test_a_failure_loses_nothing(monkeypatch, suite, tmp_path):
    out = aged(written(suite, tmp_path / "o"))
    old = files(out)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("idf.evaluation.run.results.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        rescore(Rescoring(out), say=lambda _: None)
    monkeypatch.undo()
    assert {name: files(out)[name] for name in old} == old
    assert files(out / "judged-by-rules-unknown") == old
    # Killed between the two files: new samples beside old results.
    (tmp_path / "p").mkdir()
    fresh = written(suite, tmp_path / "fresh")
    for name in ("results.json", "samples.jsonl"):
        (tmp_path / "p" / name).write_bytes(((out if name == "results.json" else fresh) / name).read_bytes())
    with refused(tmp_path / "p" / "samples.jsonl", "results.json"):
        read_run(tmp_path / "p")
    rescore(Rescoring(tmp_path / "p"), say=lambda _: None)
    assert read_run(tmp_path / "p").results["macro_accuracy"] == {"tqa": 0.8}


def test_a_suite_that_is_gone_or_another_is_one_sentence_and_nothing_changes(capsys, suite, tmp_path):
    out = written(suite, tmp_path / "o")
    results = json.loads((out / "results.json").read_text())
    results["run"]["suite"] = str(tmp_path / "gone")
    (out / "results.json").write_text(json.dumps(results))
    old = files(out)
    assert evaluate("--rescore", out) == 1
    says(one_sentence(capsys, "idf-eval"), tmp_path / "gone", "--suite")
    assert evaluate("--rescore", out, "--suite", tmp_path / "nowhere") == 1
    says(one_sentence(capsys, "idf-eval"), tmp_path / "nowhere", f"was asked {tmp_path / 'gone'}")
    assert (
        run("suite", "--out", tmp_path / "other", "--items", 1, "--seed", 5, "difficulties=[easy]", "max_pixels=3136")
        == 0
    )
    capsys.readouterr()
    assert evaluate("--rescore", out, "--suite", tmp_path / "other") == 1
    says(one_sentence(capsys, "idf-eval"), "another problem", tmp_path / "other", "--suite")
    assert files(out) == old
    assert evaluate("--rescore", out, "--suite", suite) == 0


def test_half_a_samples_file_is_not_rescored(capsys, suite, tmp_path):
    out = written(suite, tmp_path / "o")
    lines = (out / "samples.jsonl").read_text().splitlines(keepends=True)
    (out / "samples.jsonl").write_text("".join(lines[:2]))
    assert evaluate("--rescore", out) == 1
    says(one_sentence(capsys, "idf-eval"), out / "samples.jsonl", "results.json", "0 rows")
    assert not list(out.glob("judged-by-rules-*"))


@pytest.mark.parametrize(
    "option", [("--limit", 2), ("--modes", "vqa"), ("--baseline", "oracle"), ("--parser", "openai:m")]
)
def test_what_decides_what_was_asked_does_not_go_with_it(capsys, tmp_path, option):
    assert evaluate("--rescore", tmp_path, *option) == 1
    says(one_sentence(capsys, "idf-eval"), option[0], "--rescore")


# --- quotes of a language model ----------------------------------------------------------------------------------


class Quoting:
    """Quotes by a function of the question."""

    def __init__(self, quote: Callable[[str], str]) -> None:
        self.quote = quote

    def generate(self, requests: Any) -> Any:
        for i, request in enumerate(requests):
            yield i, Response(self.quote(request.messages[0]["content"][0]["text"]), 1, 1, "stop")


@pytest.mark.parametrize("kept", ["in the rows", "in the answers"])
def test_a_run_with_a_language_model_as_parser_is_judged_by_its_own_quotes(capsys, suite, tmp_path, kept):
    out = written(suite, tmp_path / "o")
    results, rows = read_run(out)
    items = read_suite(suite)
    with Answers(out / "answers") as answers:
        # It finds no answer in the first response, whose answer line the rules can read.
        quoting = Quoting(
            lambda asked: "NONE" if rows[0].response in asked or "not know" in asked else asked_line(asked)
        )
        quoted, agreement = parse_with(quoting, rows, items, answers, "openai:m http://there/v1")
    facts = results["run"] | {"parser": {"name": "openai:m", **agreement.counts()}}
    write_results(quoted, out, facts, items, ["tqa"])
    if kept == "in the answers":  # as versions before wrote rows
        lines = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
        for line in lines:
            del line["quote"]
        (out / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert evaluate("--rescore", out) == 1
        says(
            one_sentence(capsys, "idf-eval"), "0 of 5 quotes", "openai:m", "--parser-url", "asks nobody", "--responses"
        )
    assert [row.correct for row in read_run(out).rows] == [False, True, True, True, False]
    assert evaluate("--rescore", out, "--parser-url", "http://there/v1") == 0
    line_that_says(capsys.readouterr().out, "0 of 5 verdicts")
    assert [row.correct for row in read_run(out).rows] == [False, True, True, True, False]
    assert read_run(out).results["run"]["parser"]["agreed"] == agreement.agreed


def asked_line(asked: str) -> str:
    """The answer line of the response in a question to the parser."""
    lines = [line for line in asked.splitlines() if line.startswith("Answer: ")]
    return lines[-1].removeprefix("Answer: ")


def test_the_question_to_the_parser_names_the_response_whole():
    assert "\nRESPONSE\n" in llm_parser.question_for("plan", "RESPONSE")
