"""Samples of lmms-eval back as responses: what is taken over, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import read_responses
from tests.cli.running import one_sentence, run
from tests.sentences import line_that_says, says


def sample(item: str = "cube_rolling:easy:0", mode: str = "vqa", **more: Any) -> dict[str, Any]:
    return {"doc_id": 0, "filtered_resps": "Answer: red", "accuracy": {"id": item, "mode": mode, "score": 0.0}, **more}


def write(path: Path, *samples: object) -> Path:
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in samples))
    return path


def test_samples_of_several_files_become_responses_with_the_tokens_that_are_known(capsys, tmp_path):
    first = write(
        tmp_path / "a.jsonl",
        sample(token_counts=[{"input_tokens": 90, "output_tokens": 7}]),
        sample("cube_rolling:easy:1", token_counts=[None], resps=[["<think>red</think>Answer: red"]]),
    )
    second = write(
        tmp_path / "b.jsonl",
        sample(mode="tqa", filtered_resps=["Answer: blue"]),
        "",
        sample("x:easy:0", "tqa", filtered_resps=None),
    )
    out = tmp_path / "new" / "responses.jsonl"
    assert run("import-lmms", first, second, "--out", out) == 0
    line_that_says(capsys.readouterr().out, "4 responses", out)
    found = read_responses(out)
    assert {key: (one.text, one.prompt_tokens, one.completion_tokens) for key, one in found.items()} == {
        ("cube_rolling:easy:0", "vqa", 0): ("Answer: red", 90, 7),
        ("cube_rolling:easy:1", "vqa", 0): ("<think>red</think>Answer: red", None, None),
        ("cube_rolling:easy:0", "tqa", 0): ("Answer: blue", None, None),
        ("x:easy:0", "tqa", 0): ("", None, None),
    }


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (["{"], ("line 1", "JSON object")),
        (["[" * 100_000], ("line 1", "not a sample", "idf_spatialite")),
        ([sample(), {"doc_id": 1}], ("line 2", "not a sample", "idf_spatialite", "--log_samples")),
        ([sample() | {"accuracy": 1.0}], ("line 1", "not a sample", "idf_spatialite")),
        ([sample() | {"filtered_resps": 7}], ("line 1", "not a sample", "idf_spatialite")),
        ([sample(), sample()], ("line 2", "second response", "cube_rolling:easy:0", "mode vqa", "one run")),
        ([sample(resps=["a", "b"])], ("line 1", "2 responses", "cube_rolling:easy:0")),
        ([], ("no sample",)),
    ],
)
def test_what_is_no_sample_of_ours_is_named_and_nothing_is_written(capsys, tmp_path, samples, said):
    assert run("import-lmms", write(tmp_path / "a.jsonl", *samples), "--out", tmp_path / "out.jsonl") == 1
    says(one_sentence(capsys, "idf"), *said)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_missing_file_is_named(capsys, tmp_path):
    assert run("import-lmms", tmp_path / "a.jsonl", "--out", tmp_path / "out.jsonl") == 1
    says(one_sentence(capsys, "idf"), "no file", tmp_path / "a.jsonl")
