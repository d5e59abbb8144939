"""Scores of items from the sample logs of lmms-eval (`--log_samples`)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import read_lines

from ._benchmarks import Benchmark

_LOG = re.compile(r"(?:.*_)?samples_(?P<task>.+)\.jsonl")


@dataclass(frozen=True)
class Score:
    """How an item was answered.

    Attributes:
        value: 1 right, 0 wrong, or between for graded answers.
        cluster: What the question is about, shared by questions about the same thing.
        target: The right answer, as the log has it.
    """

    value: float
    cluster: str
    target: str


Scores = dict[tuple[str, int], Score]
"""(task, number of the document) -> its score."""
Logs = dict[str, Path]
"""Task -> its sample log."""


def sample_logs(folder: Path) -> Logs:
    """The sample logs below a folder: task -> file.

    Raises:
        UserError: The folder is missing or has none, or two logs are of one task.
    """
    if not folder.is_dir():
        what = f"{folder} is a file" if folder.is_file() else f"there is no folder {folder}"
        raise UserError(f"{what}: name a folder of lmms-eval --output_path")
    found: Logs = {}
    for path in sorted(folder.rglob("*.jsonl")):
        if name := _LOG.fullmatch(path.name):
            if (other := found.get(name["task"])) is not None:
                raise UserError(f"{other} and {path} are both of the task {name['task']}: name the folder of one run")
            found[name["task"]] = path
    if not found:
        raise UserError(f"{folder} holds no sample logs (*_samples_TASK.jsonl): run lmms-eval with --log_samples")
    return found


def read_scores(logs: Logs, benchmark: Benchmark) -> Scores:
    """The scores of one benchmark.

    Args:
        logs: Task -> its log.
        benchmark: Says where scores stand.

    Raises:
        UserError: A line is no sample of the task, or an item stands twice.
    """
    scores: Scores = {}
    for task, path in logs.items():
        for number, line in enumerate(read_lines(path), 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                sample = json.loads(line)
                key = (task, int(sample["doc_id"]))
            except json.JSONDecodeError as error:
                raise UserError(f"{where}: not a JSON object ({error.msg})") from None
            except (KeyError, TypeError, ValueError, RecursionError):
                raise UserError(f"{where}: not a sample of lmms-eval: it has no number doc_id") from None
            if key in scores:
                raise UserError(f"{where}: item {key[1]} of {task} stands twice: a log of one run has it once")
            scores[key] = _score(sample, benchmark, where, f"{task} {key[1]}")
    if not scores:
        raise UserError(f"no sample in {', '.join(map(str, logs.values()))}")
    return scores


def _score(sample: dict[str, Any], benchmark: Benchmark, where: str, item: str) -> Score:
    if benchmark.metric not in sample:
        raise UserError(f"{where}: no metric {benchmark.metric}, by which {benchmark.name} is read")
    told = sample[benchmark.metric]
    cluster = item
    if isinstance(told, dict):
        if benchmark.cluster is not None and told.get(benchmark.cluster) is not None:
            cluster = str(told[benchmark.cluster])
        told = _first(told, benchmark.keys)
    if isinstance(told, bool | int | float) and 0 <= told <= 1:
        return Score(float(told), cluster, str(sample.get("target", "")))
    why = " (lmms-eval writes -1 where it could not judge an item, such as one without its mask)" if told == -1 else ""
    raise UserError(
        f"{where}: {benchmark.metric} of {item} has no score from 0 to 1 ({' or '.join(benchmark.keys)}), but {told!r}{why}"
    )


def _first(told: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((told[key] for key in keys if told.get(key) is not None), None)
