"""Endpoints as they are: what is sent to servers with the manners of real services, and what is recorded, for the model
of `idf-eval`, for its language-model parser, and for a teacher."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from idf.backends import Response, open_backend
from idf.recipe import read_recipe
from idf.traces import TeacherRecipe, ask
from tests.backends.manners import Answer, speaking
from tests.backends.server import Call, Reply, completion, request, serving
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, refused, says

TEXT = "I roll it.\nAnswer: red"
GREEDY = {"model": "m", "max_tokens": 64, "temperature": 0.0}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manners") / "s"
    overrides = ("worlds=[cube_rolling]", "difficulties=[easy]", "max_pixels=3136")
    assert run("suite", "--out", folder, "--items", 2, *overrides) == 0
    return folder


@pytest.fixture(autouse=True)
def without_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture of the results takes most of the time of a run, and is not what these tests are about."""
    monkeypatch.setattr("idf.evaluation.run.evaluation.write_summary_png", lambda rows, results, out: None)


@dataclass
class Asked:
    """What one asking sent, and what it left behind; messages are cut out of what was sent."""

    sent: list[dict[str, Any]]
    record: dict[str, Any]
    said: str
    replies: list[Response]


def bodies(calls: Sequence[Call]) -> list[dict[str, Any]]:
    return [{key: value for key, value in call.body.items() if key != "messages"} for call in calls]


def by_model(
    answer: Answer, suite: Path, out: Path, capsys: Any, *more: object, status: int = 0, owner: str = "someone"
) -> Asked:
    with serving(answer, owned_by=owner) as server:
        asked = ("--backend", "openai", "--base-url", server.url, "--suite", suite, "--modes", "tqa", "--out", out)
        assert evaluate("m", *asked, "--concurrency", 1, "--max-new-tokens", 64, "--retries", 0, *more) == status
    if status:
        return Asked(bodies(server.calls), {}, one_sentence(capsys, "idf-eval"), [])
    record = json.loads((out / "results.json").read_text())["run"]
    return Asked(bodies(server.calls), record, capsys.readouterr().out, [])


def by_parser(
    answer: Answer, suite: Path, out: Path, capsys: Any, *options: str, text: str = TEXT, owner: str = "someone"
) -> Asked:
    ids = [json.loads(line)["id"] for line in (suite / "items.jsonl").read_text().splitlines()]
    stored = out.with_suffix(".jsonl")
    stored.write_text("".join(json.dumps({"id": id, "mode": "tqa", "response": f"{text} {id}"}) + "\n" for id in ids))
    chosen = ["max_new_tokens=64", "concurrency=1", "retries=0", *options]
    more = [word for option in chosen for word in ("--parser-option", option)]
    with serving(answer, owned_by=owner) as server:
        parser = ("--parser", "openai:m", "--parser-url", server.url, *more)
        assert evaluate("--responses", stored, "--suite", suite, "--modes", "tqa", "--out", out, *parser) == 0
    record = json.loads((out / "results.json").read_text())["run"]["parser"]
    return Asked(bodies(server.calls), record, capsys.readouterr().out, [])


def by_teacher(answer: Answer, out: Path, *overrides: str, owner: str = "someone") -> Asked:
    said: list[str] = []
    with serving(answer, owned_by=owner) as server:
        chosen = ["name=openai", "model=m", "max_new_tokens=64", "concurrency=1", "retries=0", *overrides]
        recipe = read_recipe(TeacherRecipe, None, [*chosen, f"base_url={server.url}"])
        asked = {
            f"{i}.{sample}": request(f"prompt {i}", None, sample) for i in range(2) for sample in range(recipe.samples)
        }
        replies = ask(asked, open_backend(recipe.spec), out, recipe.identity(), say=said.append, show=False)
    return Asked(bodies(server.calls), {}, "\n".join(said), list(replies.values()))


def by_all(answer: Answer, suite: Path, out: Path, capsys: Any) -> dict[str, Asked]:
    return {
        "model": by_model(answer, suite, out / "model", capsys),
        "parser": by_parser(answer, suite, out / "parser", capsys),
        "teacher": by_teacher(answer, out / "teacher.jsonl"),
    }


def test_nothing_is_sent_that_was_not_asked_for(capsys, suite, tmp_path):
    for who, asked in by_all(speaking(TEXT)["plain"], suite, tmp_path, capsys).items():
        assert asked.sent == [GREEDY, GREEDY], who
        assert asked.record.get("sampling", "greedy") == "greedy"


@pytest.mark.parametrize(
    ("manner", "first", "then", "left_out"),
    [
        (
            "reasoning models",
            [GREEDY, {"model": "m", "max_completion_tokens": 64, "temperature": 0.0}],
            {"model": "m", "max_completion_tokens": 64},
            "temperature",
        ),
        pytest.param(
            "no temperature", [GREEDY], {"model": "m", "max_tokens": 64}, "temperature", marks=pytest.mark.full
        ),
        ("stream only", [GREEDY], GREEDY | {"stream": True, "stream_options": {"include_usage": True}}, None),
    ],
)
def test_what_a_server_does_not_take_is_left_out_after_one_refused_try(
    capsys, suite, tmp_path, manner, first, then, left_out
):
    for who, asked in by_all(speaking(TEXT)[manner], suite, tmp_path, capsys).items():
        assert asked.sent == [*first, then, then], who
        if left_out is None:
            assert "refuses" not in asked.said
            assert asked.record.get("sampling", "greedy") == "greedy"
            continue
        line_that_says(asked.said, "refuses", left_out, "sampling is the server's")
        assert asked.said.count(f"refuses {left_out}") == 1
        if who == "teacher":
            assert {reply.left_out for reply in asked.replies} == {left_out}
            assert f'"left_out": "{left_out}"' in (tmp_path / "teacher.jsonl").read_text()
        else:
            assert (asked.record["sampling"], asked.record["left_out"]) == ("the server's", [left_out])
            assert asked.record["temperature"] is None
    if left_out is not None:
        for name in ("report.html", "report.md"):
            assert "ampling is the server" in (tmp_path / "model" / name).read_text()


@pytest.mark.parametrize("manner", ["no seed", pytest.param("no seed, in a list", marks=pytest.mark.full)])
def test_a_seed_that_is_refused_leaves_the_temperature_ours(capsys, suite, tmp_path, manner):
    answer = speaking(TEXT)[manner]
    drawn = by_model(answer, suite, tmp_path / "o", capsys, "--temperature", 0.5)
    assert [sorted(body) for body in drawn.sent] == [
        ["max_tokens", "model", "seed", "temperature"],
        *[["max_tokens", "model", "temperature"]] * 2,
    ]
    assert (drawn.record["sampling"], drawn.record["left_out"]) == ("temperature 0.5", ["seed"])
    assert drawn.record["seed"] is None
    taught = by_teacher(answer, tmp_path / "j", "temperature=0.5")
    assert len(taught.sent) == 3
    assert {reply.left_out for reply in taught.replies} == {"seed"}


def test_what_was_left_out_is_known_after_a_run_that_asks_nobody(capsys, suite, tmp_path):
    answer = speaking(TEXT)["no temperature"]
    with serving(answer) as server:
        asked = ("--backend", "openai", "--base-url", server.url, "--suite", suite, "--modes", "tqa")
        for _ in range(2):
            assert evaluate("m", *asked, "--out", tmp_path / "o", "--concurrency", 1) == 0
        assert len(server.calls) == 3
        assert json.loads((tmp_path / "o" / "results.json").read_text())["run"]["sampling"] == "the server's"
        assert evaluate("m", *asked, "--out", tmp_path / "other", "--answers", tmp_path / "o" / "answers") == 0
    capsys.readouterr()
    assert run("compare", tmp_path / "o", tmp_path / "other") == 0
    line_that_says(capsys.readouterr().out, "sampling is the server's", "other", "refuses temperature")


def test_a_thinking_flag_is_asked_for_with_the_words_of_the_server_and_sent_in_the_body(capsys, suite, tmp_path):
    answer = speaking(TEXT)["thinking flag"]
    ended = by_model(answer, suite, tmp_path / "o", capsys, status=1)
    says(ended.said, "enable_thinking must be false", "extra_body", "stream")
    chosen = GREEDY | {"enable_thinking": False}
    option = "extra_body={enable_thinking: false}"
    model = by_model(answer, suite, tmp_path / "o", capsys, "--extra-body", "{enable_thinking: false}")
    assert model.sent == [chosen, chosen]
    assert model.record["extra_body"] == {"enable_thinking": False}
    assert by_parser(answer, suite, tmp_path / "p", capsys, option).sent == [chosen, chosen]
    assert by_teacher(answer, tmp_path / "j", option).sent == [chosen, chosen]


def test_everything_that_may_be_asked_for_is_sent_and_recorded(capsys, suite, tmp_path):
    system: list[Any] = []

    def answer(call: Call, before: int) -> Reply:
        system.append(call.body["messages"][0])
        return speaking(TEXT)["plain"](call, before)

    wanted = {
        **{"model": "m", "max_completion_tokens": 64, "stop": ["END"], "reasoning_effort": "low"},
        **{"stream": True, "stream_options": {"include_usage": True}},
    }
    options = [
        *("temperature=default", "token_limit_key=max_completion_tokens", "extra_body={reasoning_effort: low}"),
        *("stop=[END]", "system=Be brief.", "stream=true"),
    ]
    words = ["--temperature", "default", "--token-limit-key", "max_completion_tokens", "--stream", "--stop", "END"]
    words += ["--extra-body", '{"reasoning_effort": "low"}', "--system", "Be brief."]
    model = by_model(answer, suite, tmp_path / "o", capsys, *words)
    parser = by_parser(answer, suite, tmp_path / "p", capsys, *options)
    teacher = by_teacher(answer, tmp_path / "j", *options)
    assert [*model.sent, *parser.sent, *teacher.sent] == [wanted] * 6
    assert system == [{"role": "system", "content": "Be brief."}] * 6
    for record in (model.record, parser.record):
        assert (record["sampling"], record["temperature"]) == ("the server's", None)
        assert (record["system"], record["stop"]) == ("Be brief.", ["END"])
    assert {(reply.text, reply.tokens, reply.finish_reason) for reply in teacher.replies} == {(TEXT, 15, "stop")}


def test_another_system_message_is_another_question(capsys, suite, tmp_path):
    answer = speaking(TEXT)["plain"]
    shared = ("--answers", tmp_path / "answers")
    assert len(by_model(answer, suite, tmp_path / "a", capsys, *shared).sent) == 2
    with serving(answer) as server:
        asked = ("--backend", "openai", "--base-url", server.url, "--suite", suite, "--modes", "tqa", *shared)
        for system, calls in (("One.", 2), ("Two.", 4), ("One.", 4)):
            assert evaluate("m", *asked, "--out", tmp_path / system, "--system", system) == 0
            assert len(server.calls) == calls
    journal = tmp_path / "j"
    by_teacher(answer, journal)
    with refused("journal", "system"):
        by_teacher(answer, journal, "system=One.")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--extra-body", "low"), ("extra_body", "map", "low")),
        (("--extra-body", "{seed: 1}"), ("extra_body", "seed", "option of its own")),
        (("--parser-option", "temprature=1"), ("temprature", "temperature")),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(capsys, suite, tmp_path, more, said):
    asked = by_model(lambda call, before: completion(TEXT), suite, tmp_path / "o", capsys, *more, status=1)
    assert asked.sent == []
    says(asked.said, *said)


def test_default_sampling_is_for_endpoints(capsys, suite, tmp_path):
    assert evaluate("some/model", "--suite", suite, "--out", tmp_path / "o", "--temperature", "default") == 1
    says(one_sentence(capsys, "idf-eval"), "temperature", "endpoints", "hf")
    with refused("temperature=default", "endpoints", "hf"):
        TeacherRecipe("hf", "m", temperature="default").check()


def test_parts_and_floats_are_read_and_what_cannot_be_read_is_one_failed_answer(capsys, suite, tmp_path):
    parts = {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": TEXT}]}
    prompts: list[str] = []

    def answer(call: Call, before: int) -> Reply:
        prompts.append(call.prompt)
        reason = {"a": "dict"} if len(prompts) == 2 else "stop"
        return completion("", 10.0, 5.0, message=parts, finish_reason=reason)  # type: ignore[arg-type]

    for who, more in (("model", ()), ("parser", ()), ("teacher", ("retries=3",))):
        prompts.clear()
        if who == "teacher":
            asked = by_teacher(answer, tmp_path / "j", *more)
            assert [(reply.text, reply.tokens, reply.finish_reason) for reply in asked.replies] == [
                (TEXT, 15, "stop"),
                ("", 0, "error"),
            ]
            line_that_says(asked.said, "1 of 2", "failed", "finish_reason")
        elif who == "parser":
            asked = by_parser(answer, suite, tmp_path / who, capsys)
            assert asked.record["failed"] == 1
        else:
            asked = by_model(answer, suite, tmp_path / who, capsys)
            assert asked.record["failed"] == 1
            rows = [json.loads(line) for line in (tmp_path / who / "samples.jsonl").read_text().splitlines()]
            assert [(row["response"], row["prompt_tokens"], row["completion_tokens"]) for row in rows] == [
                (TEXT, 10, 5),
                ("", None, None),
            ]
        assert len(asked.sent) == 2, f"{who} paid twice"


@pytest.mark.parametrize(
    ("manner", "kind"),
    [
        ("thought", "thought_only"),
        pytest.param("thought, in parts", "thought_only", marks=pytest.mark.full),
        ("tool call", "tool_calls"),
        ("refusal", "refusal"),
        ("filter", "content_filter"),
        ("thought, cut off", "length"),
    ],
)
def test_a_reply_without_an_answer_has_a_class_of_its_own_and_is_warned_about(capsys, suite, tmp_path, manner, kind):
    for who, asked in by_all(speaking(TEXT)[manner], suite, tmp_path, capsys).items():
        assert len(asked.sent) == 2, f"{who} paid twice"
        if kind != "length":
            line_that_says(asked.said, "warning", "2 of 2", "100.0%", kind)
        if who == "teacher":
            assert {reply.finish_reason for reply in asked.replies} == {kind}
        else:
            assert asked.record["no_answer"] == ({} if kind == "length" else {kind: 2})
        if who == "parser":
            assert (asked.record["failed"], asked.record["agreed"]) == (2, 0)
    rows = [json.loads(line) for line in (tmp_path / "model" / "samples.jsonl").read_text().splitlines()]
    assert [row["finish_reason"] for row in rows] == [kind, kind]
    assert not any(row["correct"] for row in rows)


@pytest.mark.parametrize("owner", ["vllm", pytest.param("sglang", marks=pytest.mark.full)])
def test_a_server_that_fills_in_what_is_left_out_is_told_all_of_the_sampling(capsys, suite, tmp_path, owner):
    answer = speaking(TEXT)["plain"]
    neutral = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
    model = by_model(answer, suite, tmp_path / "o", capsys, "--top-p", 0.9, owner=owner)
    assert model.sent == [GREEDY | neutral | {"top_p": 0.9}] * 2
    assert model.record["sampling"] == "greedy"
    assert by_parser(answer, suite, tmp_path / "p", capsys, owner=owner).sent == [GREEDY | neutral] * 2
    assert by_teacher(answer, tmp_path / "j", owner=owner).sent == [GREEDY | neutral] * 2
    theirs = by_teacher(answer, tmp_path / "d", "temperature=default", owner=owner)
    assert theirs.sent == [{"model": "m", "max_tokens": 64}] * 2


@pytest.mark.parametrize("differ", [False, True])
def test_samples_that_never_differ_are_warned_about(capsys, suite, tmp_path, differ):
    def answer(call: Call, before: int) -> Reply:
        return completion(f"{TEXT} {before if differ else ''}")

    model = by_model(answer, suite, tmp_path / "o", capsys, "--samples", 3, "--temperature", 2)
    teacher = by_teacher(answer, tmp_path / "j", "samples=3", "temperature=2")
    for asked in (model, teacher):
        assert len(asked.sent) == 6
        assert len({body["seed"] for body in asked.sent}) == 6
        if differ:
            assert "never differ" not in asked.said
        else:
            line_that_says(asked.said, "warning", "samples never differ", "3 samples", "2 prompts")
