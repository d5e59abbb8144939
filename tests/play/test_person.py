"""A person's answers and seconds become a run that idf compare sets beside a model's."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from idf.backends import Response
from idf.evaluation import Answers
from idf.evaluation.run.queries import Ask, Form
from idf.play._person import Sitting
from idf.suites import read_suite
from idf.worlds import PARTS, WORLDS
from tests.cli.running import evaluate, one_sentence, run
from tests.play.conftest import asking
from tests.play.test_server import address_of, begun, interrupted
from tests.sentences import refused, says


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def truth(item: Any) -> str:
    world = WORLDS[item.problem.world]
    return str(world.answer(item.problem).write(world.truth(item.problem)))


def sitting(suite: Path, folder: Path, clock: Clock) -> Sitting:
    items = read_suite(suite)
    asks = [Ask(item, "vtqa") for item in items]
    return Sitting(
        asks, [item.id for item in items], Form("idf-long-1", 12544), Answers(folder), folder / "looked.json", clock
    )


def asker(address: str) -> Any:
    """Sends what the page sends."""
    url = urlsplit(address)
    key = parse_qs(url.query)["key"][0]

    def ask(action: str, **asked: Any) -> dict[str, Any]:
        connection = HTTPConnection(url.hostname or "", url.port, timeout=300)
        connection.request("POST", f"/{action}", json.dumps(asked), {"X-Key": key})
        told: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return told

    return ask


def test_the_clock_runs_while_an_item_is_shown_and_stands_in_a_pause(few, tmp_path):
    clock = Clock()
    one = sitting(few, tmp_path / "answers", clock)
    shown = one.show({})
    clock.now += 2.5
    one.show({})  # the page was loaded again
    clock.now += 1
    one.pause({})
    clock.now += 1000
    one.pause({})
    again = sitting(few, tmp_path / "answers", clock)  # another day
    assert again.show({})["id"] == shown["id"]
    clock.now += 4
    again.answer({"id": shown["id"], "text": truth(read_suite(few)[0])})
    assert again.answers.get(again.keys[0]) == Response(
        f"Answer: {truth(read_suite(few)[0])}", finish_reason="stop", seconds=7.5
    )
    second = again.show({})
    clock.now += 3
    again.answer({"id": second["id"], "text": ""})
    assert again.answers.get(again.keys[1]) == Response("", finish_reason="stop", seconds=3.0)


def test_an_answer_that_cannot_be_read_is_told_back_and_not_kept(few, tmp_path):
    one = sitting(few, tmp_path / "answers", Clock())
    shown = one.show({})
    with refused("cannot be read", "<colour>"):
        one.answer({"id": shown["id"], "text": "seven"})
    with refused("reload"):
        one.answer({"id": "another", "text": "red"})
    with refused("10,000"):
        one.answer({"id": shown["id"], "text": "red" * 10_000})
    assert one.left == len(one.asks)
    assert one.answer({"id": shown["id"], "text": "Answer: red"})["answered"] == 1


def test_a_model_and_a_person_are_shown_the_same_and_no_truth(few, tmp_path):
    one = sitting(few, tmp_path / "answers", Clock())
    for item in read_suite(few):
        shown = one.show({})
        assert shown["prompt"].endswith(f"Answer: {shown['form']}")
        assert shown["picture"].startswith("data:image/png;base64,")
        assert set(shown) == {"number", "id", "prompt", "picture", "form", "words", "items", "answered"}
        one.answer({"id": item.id, "text": truth(item)})
    assert one.done.is_set()


def test_scenes_in_part_can_be_answered_too(tmp_path):
    out = tmp_path / "suite"
    assert (
        run(
            "suite",
            "--out",
            out,
            "--items",
            1,
            "difficulties=[easy]",
            "max_pixels=12544",
            f"worlds=[{next(iter(PARTS))}]",
        )
        == 0
    )
    one = sitting(out, tmp_path / "answers", Clock())
    shown = one.show({})
    assert "cannot be determined" in shown["words"]
    one.answer({"id": shown["id"], "text": "cannot be determined"})
    assert one.done.is_set()


def test_a_person_is_asked_resumed_scored_and_compared(few, tmp_path, capsys):
    items, out = read_suite(few), tmp_path / "person"
    process = begun("--suite", few, "--out", out, "--person", "Ann")
    ask = asker(address_of(process))
    assert ask("about") == {"items": 5, "answered": 0}
    first = ask("show")
    assert ask("answer", id=first["id"], text=truth(items[0])) == {"items": 5, "answered": 1}
    says(interrupted(process)[0], "1 of 5", "resumes")
    assert not (out / "results.json").exists()
    assert json.loads((out / "evaluation.json").read_text())["identity"]["modes"] == ["vtqa"]

    assert run("play", "--suite", few, "--out", out, "--person", "Bob", "--no-browser") == 1
    said = one_sentence(capsys, "idf")
    says(said, "another evaluation", "Ann", "Bob", "choose another --out")
    assert "--overwrite" not in said, "idf play has no such option"

    with asking(few, out, person="Ann") as (address, end):
        ask = asker(address)
        assert ask("about") == {"items": 5, "answered": 1}
        for item in items[1:]:
            told = ask("show")
            text = "" if item is items[-1] else truth(item)
            ask("answer", id=told["id"], text=text)
        results = end()
    assert results["run"]["evaluated"] == results["run"]["person"] == "Ann"
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert [row["correct"] for row in rows] == [True] * 4 + [False]
    assert rows[-1]["error"] == "empty"
    assert all(0 <= row["seconds"] < 1000 for row in rows)
    cell = results["worlds"][items[0].problem.world]["vtqa"]["all"]
    assert cell["seconds_median"] == rows[0]["seconds"]
    assert (out / "report.html").stat().st_size > 10_000
    assert "seconds_median" in (out / "results.json").read_text()

    assert evaluate("--baseline", "initial", "--suite", few, "--out", tmp_path / "initial") == 0
    capsys.readouterr()
    assert run("compare", tmp_path / "initial", out) == 0
    says(capsys.readouterr().out, "Ann", "baseline initial", "mean over worlds")
    assert evaluate("--rescore", out, "--out", tmp_path / "again") == 0
    assert [json.loads(line)["seconds"] for line in (tmp_path / "again/samples.jsonl").read_text().splitlines()] == [
        row["seconds"] for row in rows
    ]
    capsys.readouterr()
    assert run("play", "--suite", few, "--out", out, "--person", "Ann", "--no-browser") == 0  # nothing is left to ask
    says(capsys.readouterr().out, "Ann on", "report")


def test_a_folder_of_another_evaluation_is_not_touched(few, tmp_path, capsys):
    out = tmp_path / "run"
    assert evaluate("--baseline", "oracle", "--suite", few, "--out", out) == 0
    before = (out / "results.json").read_bytes()
    capsys.readouterr()
    assert run("play", "--suite", few, "--out", out, "--no-browser") == 1
    says(one_sentence(capsys, "idf"), "another evaluation", "--out")
    assert (out / "results.json").read_bytes() == before


@pytest.mark.parametrize("words", [["--mode", "vtqa,tqa"], ["--prompts", "none"], ["--limit", 0]])
def test_what_cannot_be_asked_is_refused(few, tmp_path, capsys, words):
    assert run("play", "--suite", few, "--out", tmp_path / "r", "--no-browser", *words) == 1
    says(one_sentence(capsys, "idf"), words[0].strip("-"))
