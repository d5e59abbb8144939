"""Folders as `idf-eval` writes them, from rows written by hand."""

from __future__ import annotations

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
