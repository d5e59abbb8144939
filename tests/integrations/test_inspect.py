"""The task of inspect_ai, found through idf's entry point and run with its own mock model."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import idf
from idf.evaluation import wilson
from idf.integrations._documents import Document, read_documents
from idf.suites import MODES
from idf.worlds import WORLDS
from tests.integrations.suites import needs, small_suite

pytestmark = [needs("inspect_ai"), pytest.mark.slow]

# What `inspect eval idf/spatialite -T ...` does, but for the model's answers, which its command line cannot name.
PROGRAM = """
import json, sys
import idf
from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model

asked = json.load(sys.stdin)
assert idf.__file__ == asked["idf"], f"installed is {idf.__file__}, not {asked['idf']}: pip install -e . here"
outputs = [ModelOutput.from_content("mockllm", text, stop_reason=asked["stop"]) for text in asked["answers"]]
for output in outputs:
    output.usage = ModelUsage(input_tokens=90, output_tokens=7, total_tokens=97)  # else it counts with a download
model = get_model("mockllm/model", custom_outputs=outputs)
(log,) = eval("idf/spatialite", model=model, task_args=asked["task"], log_dir="logs", display="none", max_samples=1)
assert log.status == "success", log.error
print("LOG", log.model_dump_json())
"""


def answered(mode: str, answer: Callable[[int, Document], str], folder: Path, stop: str = "stop", **task: Any) -> Any:
    """The log of a run in which the mock model says what a function says, item by item."""
    documents = read_documents(str(small_suite()), mode, world=task.get("world"))
    asked = {
        "answers": [answer(i, document) for i, document in enumerate(documents)],
        "stop": stop,
        "idf": idf.__file__,
        "task": {"suite": str(small_suite()), "mode": mode, **task},
    }
    # In a folder of its own and with idf as it is installed, as users have it: inspect_ai names tasks by their package.
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(asked),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.rpartition("LOG ")[2])


def metrics(log: Any) -> dict[str, float]:
    return {name: metric["value"] for name, metric in log["results"]["scores"][0]["metrics"].items()}


def verdicts(log: Any) -> list[dict[str, Any]]:
    return [sample["scores"]["replay"]["metadata"] for sample in log["samples"]]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_runs_and_right_answers_are_right(mode, tmp_path):
    log = answered(mode, lambda i, document: f"So:\n{document.target}", tmp_path)
    assert metrics(log)["accuracy"] == 1.0
    assert (log["eval"]["task"], log["eval"]["task_args"]["mode"]) == ("idf/spatialite", mode)
    for sample in log["samples"]:
        kinds = [part["type"] for part in sample["input"][0]["content"]]
        assert kinds == (["text"] if mode == "tqa" else ["image", "text"])
    assert {verdict["tokens"] for verdict in verdicts(log)} == {7}


def test_bad_answers_count_and_cells_have_their_own_numbers(tmp_path):
    bad = ["", "It rolls.", "Answer: mauve", "Answer: 9z"]

    def answer(i: int, document: Document) -> str:
        return bad[i // 4 % 4] if document.difficulty == "medium" else document.target

    log = answered("tqa", answer, tmp_path)
    (scores,) = log["results"]["scores"]
    assert (scores["scored_samples"], scores["unscored_samples"]) == (20, 0)
    found = metrics(log)
    assert not any(math.isnan(value) for value in found.values())
    assert (found["accuracy"], found["easy"], found["medium"]) == (0.5, 1.0, 0.0)
    assert (found["wilson95_low"], found["wilson95_high"]) == wilson(10, 20)
    assert {found[world] for world in WORLDS} == {0.5}
    assert {None, "empty", "unparsed"} <= {verdict["error_class"] for verdict in verdicts(log)}


def test_an_answer_that_was_cut_off_is_told_apart_and_one_world_can_be_asked_alone(tmp_path):
    log = answered("tqa", lambda i, document: "First,", tmp_path, stop="max_tokens", world="moving_box")
    assert {sample["metadata"]["world"] for sample in log["samples"]} == {"moving_box"}
    assert {verdict["error_class"] for verdict in verdicts(log)} == {"truncated"}
    assert metrics(log)["accuracy"] == 0.0
