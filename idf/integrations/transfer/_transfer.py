"""From scores to what is written and printed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from idf.errors import UserError

from ._benchmarks import SETS, Benchmark
from ._paired import compare_scores, correct_together
from ._scores import Scores, read_logs
from ._table import transfer_markdown


def compare_all(
    base: str,
    checkpoint: str,
    scores: Mapping[Benchmark, tuple[Scores, Scores]],
    not_run: Mapping[str, str],
    limit: int | None = None,
) -> dict[str, Any]:
    """Compare two models on several benchmarks.

    Returns:
        "base", "checkpoint", "limit", "not_run"; "benchmarks": rows of `compare_scores`, with "p_holm", corrected for
        their number, and "sets".
    """
    rows = [
        compare_scores(one, *both) | {"sets": [name for name, held in SETS.items() if one in held]}
        for one, both in scores.items()
    ]
    correct_together(rows)
    return {"base": base, "checkpoint": checkpoint, "limit": limit, "benchmarks": rows, "not_run": dict(not_run)}


def compare_logs(base: Path, checkpoint: Path, benchmarks: Sequence[Benchmark], *, chosen: bool) -> dict[str, Any]:
    """Compare two folders that lmms-eval wrote with --log_samples.

    Args:
        base: The logs of the model before training.
        checkpoint: Those of the model after.
        benchmarks: What to look for.
        chosen: Whether a user named them: then one without logs is told as not run.

    Returns:
        As `compare_all`; logs of other tasks and benchmarks that only one folder has are told in "not_run".

    Raises:
        UserError: A folder has no logs, one of them cannot be read, or nothing can be compared.
    """
    (before, others), (after, more) = (read_logs(folder, benchmarks) for folder in (base, checkpoint))
    scores, not_run = {}, {}
    for one in benchmarks:
        if one in before and one in after:
            scores[one] = (before[one], after[one])
        elif one in before or one in after:
            not_run[one.name] = f"only {base if one in before else checkpoint} has logs of it"
        elif chosen:
            not_run[one.name] = "neither folder has logs of it"
    for task in sorted({*others, *more}):
        not_run[task] = "a log of a task of no chosen set: idf does not know where its score stands"
    if not scores:
        raise UserError(
            f"{base} and {checkpoint} have no logs of a benchmark of "
            f"{'the chosen sets' if chosen else 'any set'} in common; found: {', '.join(not_run) or 'none'}"
        )
    return compare_all(str(base), str(checkpoint), scores, not_run)


def write_transfer(found: dict[str, Any], out: Path) -> None:
    """Write `results.json` and `transfer.md` into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (out / "transfer.md").write_text(transfer_markdown(found), encoding="utf-8")
