"""Runs to audit, and a person who marks without a browser."""

from __future__ import annotations

import json
import re
from math import sqrt
from pathlib import Path
from shutil import copytree
from typing import Any

from idf.evaluation import Row
from idf.evaluation.metrics.audit_draw import READ, UNREAD
from idf.suites import read_suite
from idf.traces import oracle_response
from tests.cli.running import evaluate
from tests.evaluation.samples import row


def some(read: int, unread: int, problems: int | None = None, **changes: Any) -> list[Row]:
    """Rows of which some were read; each with a problem of its own, or of so many problems in turn."""
    rows = []
    for i in range(read + unread):
        said = {"parsed": "red"} if i < read else {"parsed": None, "error": "unparsed", "detail": "no answer is stated"}
        cluster = f"problem {i if problems is None else i % problems}"
        rows.append(
            row(
                **{
                    "id": f"cube_rolling:easy:{i}",
                    "cluster": cluster,
                    "response": f"Answer: red {i}",
                    **said,
                    **changes,
                }
            )
        )
    return rows


def evaluated(suite: Path, out: Path) -> Path:
    """A run of 20 responses, of which every fourth states no answer; made once for a suite, and copied."""
    made = suite.parent / "made"
    if not made.exists():
        told = [
            {"id": item.id, "mode": "tqa", "response": oracle_response(item.problem) if i % 4 else "I have looked."}
            for i, item in enumerate(read_suite(suite))
        ]
        path = suite.parent / "made.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in told))
        assert evaluate("--responses", path, "--suite", suite, "--modes", "tqa", "--out", made) == 0
    copytree(made, out)
    return out


def data_of(page: Path) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*)</script>', page.read_text())
    assert found
    return json.loads(found[1])


def marked(page: Path, path: Path, person: str = "", **marks: list[str | None]) -> Path:
    """The file that the page saves, the rows of each stratum marked in turn; without marks for one, it is right."""
    data = data_of(page)
    left = {name: list(marks.get(name, [])) for name in (READ, UNREAD)}
    lines = []
    for one in data["rows"]:
        mine = left[one["stratum"]]
        mark = mine.pop(0) if mine else "right"
        kept = {key: one[key] for key in ("id", "mode", "sample", "response", "reading", "stratum")}
        lines.append({**kept, "mark": mark, "note": "look" if mark == "wrong" else ""})
    told = {"idf_audit": 1, "person": person, "saved": "2026-01-02", "run": data["run"], "marks": lines}
    path.write_text(json.dumps(told))
    return path


def by_bisection(right: int, n: int) -> tuple[float, float]:
    """The shares at which the score test just does not reject what was seen: Wilson's limits by another way."""

    def rejected(p: float) -> bool:
        return abs(right / n - p) > 1.959963984540054 * sqrt(p * (1 - p) / n)

    def edge(inside: float, outside: float) -> float:
        for _ in range(80):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if rejected(middle) else (middle, outside)
        return inside

    return (0.0 if right == 0 else edge(right / n, 0.0)), (1.0 if right == n else edge(right / n, 1.0))
