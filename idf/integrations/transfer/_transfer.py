"""From scores to what is written and printed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from idf.errors import UserError

from ._benchmarks import SETS, Benchmark, choose
from ._paired import compare_scores, correct_together
from ._scores import Logs, read_scores, sample_logs
from ._table import transfer_markdown


def compare_all(
    base: str,
    checkpoint: str,
    logs: Mapping[Benchmark, tuple[Logs, Logs]],
    not_run: Mapping[str, str],
    limit: int | None = None,
) -> dict[str, Any]:
    """Compare two models on several benchmarks.

    Args:
        base: The model before training, as it is told.
        checkpoint: The model after.
        logs: Benchmark -> the sample logs of both, by task.
        not_run: Name of a benchmark that has no logs of both -> why.
        limit: The first so many items of each task, if that was asked for.

    Returns:
        "base", "checkpoint", "limit"; "benchmarks": rows of `compare_scores`, with "p_holm", corrected for their number, and
        "sets"; "not_run": also the benchmarks whose logs cannot be read or compared, each with the reason.
    """
    rows, failed = [], dict(not_run)
    for one, both in logs.items():
        try:
            found = compare_scores(one, *(read_scores(mine, one) for mine in both))
        except UserError as error:
            failed[one.name] = str(error)  # the others are compared all the same
            continue
        rows.append(found | {"sets": _sets_of(one)})
    correct_together(rows)
    return {"base": base, "checkpoint": checkpoint, "limit": limit, "benchmarks": rows, "not_run": failed}


def _sets_of(benchmark: Benchmark) -> list[str]:
    return [name for name, held in SETS.items() if benchmark in held]


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
        UserError: A folder has no logs, both are the same folder, or nothing is there to be compared.
    """
    if base.resolve() == checkpoint.resolve():
        raise UserError(f"BASE and CHECKPOINT are the same folder, {base}: name the logs of two models")
    before, after = sample_logs(base), sample_logs(checkpoint)
    logs, not_run = dict[Benchmark, tuple[Logs, Logs]](), dict[str, str]()
    for one in benchmarks:
        mine, theirs = ({task: path for task, path in found.items() if one.holds(task)} for found in (before, after))
        if mine and theirs:
            logs[one] = (mine, theirs)
        elif mine or theirs:
            not_run[one.name] = f"only {base if mine else checkpoint} has logs of it"
        elif chosen:
            not_run[one.name] = "neither folder has logs of it" + (f" (task {one.task})" if one.task else "")
    for task in sorted({*before, *after}):
        if not any(one.holds(task) for one in benchmarks):
            not_run[task] = _not_asked(task)
    if not logs:
        raise UserError(
            f"{base} and {checkpoint} have no logs of a benchmark of "
            f"{'the chosen sets' if chosen else 'any set'} in common; found: {', '.join(not_run) or 'none'}"
        )
    return compare_all(str(base), str(checkpoint), logs, not_run)


def _not_asked(task: str) -> str:
    """Why the log of a task is not compared."""
    every = choose([])
    for one in every:
        if one.holds(task):
            return f"{one.name}, of the set {' and '.join(_sets_of(one))}, which was not chosen"
    like = next((one for one in every if one.task and one.task.startswith(task.split("_")[0])), None)
    meant = "" if like is None else f"; for {like.name} idf reads the task {like.task}"
    return f"a task of no set (docs/transfer.md names them){meant}"


def check_out(out: Path, base: str, checkpoint: str) -> None:
    """Refuse to write a table of logs over another comparison.

    Raises:
        UserError: The folder holds answers of models that were asked, or the table of other logs.
    """
    if (out / "transfer.json").exists():
        raise UserError(f"{out} holds the answers of models that were asked: choose another --out")
    if (out / "results.json").exists():
        held = json.loads((out / "results.json").read_text(encoding="utf-8"))
        if (held.get("base"), held.get("checkpoint")) != (base, checkpoint):
            raise UserError(
                f"{out} compares {held.get('base')} with {held.get('checkpoint')}: choose another --out, or remove it"
            )


def write_transfer(found: dict[str, Any], out: Path) -> None:
    """Write `results.json` and `transfer.md` into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (out / "transfer.md").write_text(transfer_markdown(found), encoding="utf-8")
