"""`idf prompts`: exported, asked by a client that knows idf's files alone, and scored by the command that was printed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai.types import chat
from PIL import Image

from idf.evaluation.run.queries import Form, Requests, all_asks
from idf.suites import MODES, open_suite
from idf.traces import oracle_response
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, says

PIXELS = 3136
Model = Callable[[str, bytes | None], str]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompts") / "s"
    assert run("suite", "--out", folder, "--items", 2, "difficulties=[easy]", f"max_pixels={PIXELS}") == 0
    return folder


def seen(text: str, pixels: np.ndarray | None) -> tuple[str, str | None]:
    return text, None if pixels is None else hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def model(suite: Path) -> Model:
    """Answers right whoever shows it the text and the pixels that idf-eval would show, and nobody else."""
    asks = all_asks(open_suite(str(suite)), MODES)
    answers = {
        seen(request.messages[0]["content"][-1]["text"], request.picture): oracle_response(ask.item.problem)
        for ask, request in zip(asks, Requests(asks, Form("idf-long-1", PIXELS)), strict=True)
    }

    def answer(text: str, png: bytes | None) -> str:
        return answers[seen(text, None if png is None else np.asarray(Image.open(io.BytesIO(png), formats=["PNG"])))]

    return answer


def score(capsys: pytest.CaptureFixture[str], responses: Path, out: Path) -> dict[str, Any]:
    """The results of the command that `idf prompts` printed."""
    command = line_that_says(capsys.readouterr().out, "idf-eval", "--responses FILE", "--out DIR").partition(
        "idf-eval "
    )[2]
    words = {"FILE": responses, "DIR": out}
    assert evaluate(*(words.get(word, word) for word in shlex.split(command))) == 0
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


def test_a_client_that_reads_only_the_exported_files_gets_every_item_right(capsys, suite, model, tmp_path):
    export = tmp_path / "my prompts"
    assert run("prompts", suite, "--out", export, "--modes", "vtqa,tqa,vqa", "--max-pixels", PIXELS) == 0
    responses = tmp_path / "responses.jsonl"
    with responses.open("w") as file:
        for line in (export / "prompts.jsonl").read_text().splitlines():
            asked = json.loads(line)
            parts = {part["type"]: part for message in asked["messages"] for part in message["content"]}
            png = (export / parts["image"]["image"]).read_bytes() if "image" in parts else None
            told = {"response": model(parts["text"]["text"], png), "finish_reason": "stop"}
            file.write(json.dumps({key: asked[key] for key in ("id", "mode", "sample")} | told) + "\n")
    results = score(capsys, responses, tmp_path / "scored")
    assert results["macro_accuracy"] == {"vtqa": 1.0, "tqa": 1.0, "vqa": 1.0}
    assert (results["run"]["without_response"], results["run"]["items"]) == (0, 10)


def test_a_batch_that_comes_back_in_openais_form_gets_every_item_right(capsys, suite, model, tmp_path):
    export = tmp_path / "batch"
    options = ("--modes", "vtqa,vqa", "--limit", 1, "--max-pixels", PIXELS, "--format", "batch", "--model", "gpt")
    assert run("prompts", suite, "--out", export, *options) == 0
    lines = []
    for line in (export / "batch-00001.jsonl").read_text().splitlines():
        asked = json.loads(line)
        picture, text = asked["body"]["messages"][0]["content"]
        png = base64.b64decode(picture["image_url"]["url"].partition("base64,")[2])
        message = {"role": "assistant", "content": model(text["text"], png)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109}
        whole = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt",
            "choices": [choice],
            "usage": usage,
        }
        body = chat.ChatCompletion.model_validate(whole).model_dump(mode="json")
        response = {"status_code": 200, "request_id": "r", "body": body}
        lines.append({"id": "b", "custom_id": asked["custom_id"], "response": response, "error": None})
    output = tmp_path / "output"
    output.mkdir()
    (output / "batch_output.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:2:-1]))
    expired = {"code": "batch_expired", "message": "not in time"}
    failed = {"id": "b", "custom_id": lines[0]["custom_id"], "response": None, "error": expired}
    (output / "batch_error.jsonl").write_text(json.dumps(failed) + "\n")
    (output / "second_output.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[2::-1]))
    results = score(capsys, output, tmp_path / "scored")
    assert results["macro_accuracy"] == {"vtqa": 1.0, "vqa": 1.0}
    assert (results["run"]["without_response"], results["run"]["items"]) == (0, 5)
    samples = (tmp_path / "scored" / "samples.jsonl").read_text().splitlines()
    assert {json.loads(row)["completion_tokens"] for row in samples} == {9}


def test_what_was_written_is_said(capsys, suite, tmp_path):
    export = tmp_path / "out"
    assert run("prompts", suite, "--out", export, "--modes", "tqa", "--limit", 1, "--duplicates", "drop") == 0
    said = capsys.readouterr().out
    line_that_says(said, "5 prompts", "5 items", export, "prompts.jsonl")
    line_that_says(said, f"--suite {suite}", "--modes tqa", "--limit 1", "--duplicates drop")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--modes", "audio"), ("--modes", "'audio'", "vqa, tqa, vtqa")),
        (("--top-p", "0.5"), ("--top-p", "--format batch")),
        (("--model", "gpt"), ("--model", "--format batch")),
        (("--format", "batch"), ("--format batch", "--model NAME")),
        (("--format", "batch", "--model", "gpt", "--extra-body", "low"), ("extra_body", "map", "'low'")),
        (("--format", "batch", "--model", "gpt", "--samples", "2"), ("--samples 2", "equal", "--temperature")),
        (("--prompts", "idf-9"), ("unknown prompts", "'idf-9'", "idf-long-1")),
        (("--limit", "0"), ("limit", 1, 0)),
        (("--file-megabytes", "9"), ("--file-megabytes", "--format batch")),
        (("--format", "batch", "--model", "gpt", "--temperature", "-1"), ("temperature", 0, "-1")),
        (("--max-pixels", "9"), ("max_pixels", 3136, 9)),
    ],
)
def test_wrong_options_are_one_sentence_and_nothing_is_written(capsys, suite, tmp_path, options, said):
    assert run("prompts", suite, "--out", tmp_path / "out", *options) == 1
    says(one_sentence(capsys, "idf"), *said)
    assert list(tmp_path.iterdir()) == []


def test_the_words_of_an_option_reach_the_requests(suite, tmp_path):
    options = ("--temperature", "default", "--token-limit-key", "max_completion_tokens", "--max-new-tokens", 9)
    more = ("--extra-body", "{reasoning_effort: low}", "--stop", "END", "--stop", "FIN", "--system", "Be brief.")
    model = ("--modes", "tqa", "--format", "batch", "--model", "gpt")
    assert run("prompts", suite, "--out", tmp_path / "out", *model, *options, *more) == 0
    body = json.loads((tmp_path / "out" / "batch-00001.jsonl").read_text().splitlines()[0])["body"]
    assert body.pop("messages")[0] == {"role": "system", "content": "Be brief."}
    assert body == {"model": "gpt", "max_completion_tokens": 9, "stop": ["END", "FIN"], "reasoning_effort": "low"}


def test_a_suite_that_is_not_there_is_one_sentence(capsys, tmp_path):
    assert run("prompts", tmp_path / "nowhere", "--out", tmp_path / "out") == 1
    says(one_sentence(capsys, "idf"), "no suite", tmp_path / "nowhere")
