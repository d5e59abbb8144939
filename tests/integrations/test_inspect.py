"""The task of inspect_ai, found through idf's entry point and run with its own mock model."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import wilson
from idf.integrations._documents import Document, read_documents
from idf.suites import MODES
from idf.worlds import WORLDS
from tests.integrations.suites import needs, small_suite

pytestmark = [needs("inspect_ai"), pytest.mark.slow]


def test_the_entry_point_names_a_module_that_registers_the_task():
    (found,) = (point for point in entry_points(group="inspect_ai") if point.name == "idf")
    assert set(found.load().__all__) == {"spatialite", "replay", "wilson"}


def answered(mode: str, answer: Callable[[int, Document], str], logs: Path, stop: str = "stop", **task: Any) -> Any:
    """The log of a run in which the mock model says what a function says, item by item."""
    from inspect_ai import eval as run_inspect
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    outputs = []
    for i, document in enumerate(read_documents(str(small_suite()), mode, world=task.get("world"))):
        output = ModelOutput.from_content("mockllm", answer(i, document), stop_reason=stop)
        output.usage = ModelUsage(input_tokens=90, output_tokens=7, total_tokens=97)  # else it counts with a download
        outputs.append(output)
    (log,) = run_inspect(
        "idf/spatialite",
        model=get_model("mockllm/model", custom_outputs=outputs),
        task_args={"suite": str(small_suite()), "mode": mode, **task},
        log_dir=str(logs),
        display="none",
        max_samples=1,
    )
    assert log.status == "success", log.error
    return log


def metrics(log: Any) -> dict[str, float]:
    return {name: metric.value for name, metric in log.results.scores[0].metrics.items()}


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_runs_and_right_answers_are_right(mode, tmp_path):
    log = answered(mode, lambda i, document: f"So:\n{document.target}", tmp_path)
    assert metrics(log)["accuracy"] == 1.0
    assert log.eval.task_args["mode"] == mode
    for sample in log.samples:
        kinds = [part.type for part in sample.input[0].content]
        assert kinds == (["text"] if mode == "tqa" else ["image", "text"])
        assert sample.scores["replay"].metadata["tokens"] == 7


def test_bad_answers_count_and_cells_have_their_own_numbers(tmp_path):
    bad = ["", "It rolls.", "Answer: mauve", "Answer: 9z"]
    log = answered(
        "tqa", lambda i, document: bad[i // 4 % 4] if document.difficulty == "medium" else document.target, tmp_path
    )
    (scores,) = log.results.scores
    assert (scores.scored_samples, scores.unscored_samples) == (20, 0)
    found = metrics(log)
    assert not any(math.isnan(value) for value in found.values())
    assert (found["accuracy"], found["easy"], found["medium"]) == (0.5, 1.0, 0.0)
    assert (found["wilson95_low"], found["wilson95_high"]) == wilson(10, 20)
    assert {found[world] for world in WORLDS} == {0.5}
    classes = {sample.scores["replay"].metadata["error_class"] for sample in log.samples}
    assert {None, "empty", "unparsed"} <= classes


def test_an_answer_that_was_cut_off_is_told_apart_and_one_world_can_be_asked_alone(tmp_path):
    log = answered("tqa", lambda i, document: "First,", tmp_path, stop="max_tokens", world="moving_box")
    assert {sample.metadata["world"] for sample in log.samples} == {"moving_box"}
    assert {sample.scores["replay"].metadata["error_class"] for sample in log.samples} == {"truncated"}
    assert metrics(log)["accuracy"] == 0.0
