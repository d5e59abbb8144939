"""Results as one HTML page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from idf.files import package_text

from ._metrics import ALL
from ._row import Row
from ._tables import COLUMNS, cell_lines


def write_report(rows: Sequence[Row], results: dict[str, Any], out: Path) -> Path:
    """Write `report.html`: the table, and some responses of each kind, whole.

    Returns:
        Its path.
    """
    head = "".join(f"<th>{escape(column)}</th>" for column in COLUMNS)
    body = "".join(
        f"<tr class='{'all' if line[2] == ALL else 'part'}'>" + "".join(f"<td>{escape(v)}</td>" for v in line) + "</tr>"
        for line in cell_lines(results)
    )
    examples = "".join(_example(row) for row in _some(rows))
    facts = "".join(f"<tr><td>{escape(str(k))}</td><td>{escape(str(v))}</td></tr>" for k, v in results["run"].items())
    parts = {"table": f"<tr>{head}</tr>{body}", "examples": examples, "run": facts}
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], package_text("evaluation/report.html"))
    path = out / "report.html"
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


def _some(rows: Sequence[Row], each: int = 2) -> list[Row]:
    """The first rows of each world, mode and outcome."""
    taken: dict[tuple[str, str, str | None], int] = {}
    some = []
    for row in rows:
        key = (row.world, row.mode, row.error)
        if taken.get(key, 0) < each:
            taken[key] = taken.get(key, 0) + 1
            some.append(row)
    return sorted(some, key=lambda row: (row.world, row.mode, row.error or "", row.id))


def _example(row: Row) -> str:
    outcome = "correct" if row.correct else row.error or ""
    return (
        f"<details><summary><b class='{'good' if row.correct else 'bad'}'>{escape(outcome)}</b> {escape(row.id)} "
        f"({escape(row.mode)}, {escape(row.difficulty)}): {escape(row.detail)}</summary>"
        f"<pre>{escape(row.response)}</pre></details>"
    )
