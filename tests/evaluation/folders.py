"""Folders as `idf-eval` writes them, from rows written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from idf.evaluation import Row, write_results
from tests.evaluation.samples import row

RUN = {"evaluated": "me", "suite": "suites/demo", "items": 20, "prompts": "idf-long-1", "pictures": "auto"}


def told(right: Iterable[int], n: int = 20, **changes: Any) -> list[Row]:
    """Rows of n items (of Cube Rolling, unless changed), each with a problem of its own; those named are right."""
    known, world = set(right), changes.get("world", "cube_rolling")
    return [
        row(**{"id": f"{world}:easy:{i}", "cluster": f"problem {i}", "correct": i in known, **changes})
        for i in range(n)
    ]


def folder(path: Path, rows: Sequence[Row], **run: Any) -> Path:
    write_results(rows, path, {**RUN, **run})
    return path


def without_rules(path: Path) -> None:
    """Make results those of a version that wrote no version of the scoring rules."""
    results = json.loads((path / "results.json").read_text())
    del results["run"]["scoring_rules"]
    (path / "results.json").write_text(json.dumps(results))
