"""What an evaluation leaves: `samples.jsonl` and `results.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idf.scoring.rules_version import RULES_VERSION
from idf.suites import Item
from idf.version import VERSION

from ..metrics.baselines import baseline_cells
from ..metrics.exercises import exercise_cells
from ..metrics.first_wrong import first_wrong
from ..metrics.images import image_cells
from ..metrics.mode_gap import mode_gap
from ..metrics.row import Row
from ..metrics.summary import summarize


def write_results(
    rows: Sequence[Row],
    out: Path,
    run: dict[str, Any],
    items: Sequence[Item] = (),
    modes: Sequence[str] = (),
    *,
    held_out: dict[str, Any] | None = None,
    trivial: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write `samples.jsonl` and `results.json`.

    Args:
        rows: The scored rows.
        out: The folder.
        run: Everything needed to repeat the run.
        items: The items, if they are there: then the results say what trivial players get on them.
        modes: What was shown.
        held_out: What `wording_gap` says, if all was asked in two wordings.
        trivial: What trivial players get on them, if it is known already.

    Returns:
        What `results.json` says.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row.to_json()) for row in rows]  # in ASCII: a response may end in half a character
    baselines = {"baselines": trivial or baseline_cells(items, modes)} if items else {}
    # The trivial players of images answer at once; those that are known already played otherwise.
    cells = image_cells(rows, () if trivial else items)
    images = {"images": cells} if cells else {}
    exercises = {"exercises": steps} if (steps := exercise_cells(rows)) else {}
    more = exercises | images | ({"held_out": held_out} if held_out else {}) | _several_modes(rows, items)
    results = {**summarize(rows), **baselines, **more, "run": run | {"scoring_rules": RULES_VERSION, "idf": VERSION}}
    # Both are written before either takes its place: a kill must not leave new samples beside old results.
    texts = {"samples.jsonl": "\n".join(lines) + "\n", "results.json": json.dumps(results, indent=2) + "\n"}
    for name, text in texts.items():
        (out / f".{name}.part").write_text(text, encoding="utf-8")
    for name in texts:
        os.replace(out / f".{name}.part", out / name)
    return results


def _several_modes(rows: Sequence[Row], items: Sequence[Item]) -> dict[str, Any]:
    """What only a run in several modes says: the gap between them, and where its responses first go wrong."""
    gap = mode_gap(rows)
    if gap is None:
        return {}
    problems = {item.id: item.problem for item in items if item.exercise is None}
    steps = first_wrong([row for row in rows if row.kind is None], problems) if items else {}  # exercises tell theirs
    return {"mode_gap": gap} | ({"first_wrong": steps} if steps else {})
