"""The folder `<run>/evaluations/`: what each checkpoint scored; it outlives the checkpoints."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from idf.errors import UserError
from idf.evaluation import EXERCISES, Row, write_report, write_results
from idf.files import read_text
from idf.suites import Item

NAME = re.compile(r"checkpoint-\d+|final")
"""What is called so is a checkpoint; names with a dot in front are unfinished."""


def step_of(name: str) -> float:
    """What checkpoints are ordered by; `final` comes last."""
    return float("inf") if name == "final" else int(name.rpartition("-")[2])


def results_folder(checkpoint: Path) -> Path:
    """Where the results of a checkpoint of a run belong."""
    return checkpoint.parent / "evaluations" / checkpoint.name


class Asked(NamedTuple):
    """What a checkpoint was asked.

    Attributes:
        rows: The scored rows.
        facts: Everything needed to repeat the evaluation.
        items: The items.
    """

    rows: Sequence[Row]
    facts: dict[str, Any]
    items: Sequence[Item]


def publish(checkpoint: Path, problems: Asked, exercises: Asked | None = None) -> list[dict[str, Any]]:
    """Write results beside their place and move them there whole; an earlier failure is forgotten.

    Args:
        checkpoint: The checkpoint's folder.
        problems: What it was asked of the benchmark's problems.
        exercises: And of exercises, which get a folder within that of the problems.

    Returns:
        What `results.json` says, of the problems and, if any were asked, of the exercises.
    """
    place = results_folder(checkpoint)
    part = place.with_name(f".writing-{place.name}-{uuid.uuid4().hex}")
    try:
        found = [_write(problems, part)]
        if exercises is not None:
            found.append(_write(exercises, part / EXERCISES))
        if place.exists():  # a folder takes another's name only if that one is gone
            old = place.with_name(f".old-{place.name}-{uuid.uuid4().hex}")
            os.rename(place, old)
            shutil.rmtree(old)
        os.rename(part, place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    failure_file(checkpoint).unlink(missing_ok=True)
    return found


def _write(asked: Asked, folder: Path) -> dict[str, Any]:
    results = write_results(asked.rows, folder, asked.facts, asked.items, asked.facts["modes"])
    write_report(asked.rows, results, folder, asked.items)
    return results


def failure_file(checkpoint: Path) -> Path:
    """Where it is noted why the evaluation of a checkpoint failed."""
    place = results_folder(checkpoint)
    return place.with_name(f"{place.name}.error.txt")


def note_failure(checkpoint: Path, text: str) -> None:
    """Write down why the evaluation of a checkpoint failed; a disk that takes no more is said, since nothing else may end."""
    path = failure_file(checkpoint)
    part = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(part, path)
    except OSError as error:
        print(f"{path} could not be written ({error}); it would have said:\n{text}", flush=True)


def evaluated(run: Path) -> dict[str, dict[str, float]]:
    """The accuracies of a run's checkpoints, also of those that were removed since.

    Args:
        run: The run's folder.

    Returns:
        Name of the checkpoint -> mode -> accuracy as the mean over worlds, by step.

    Raises:
        UserError: A `results.json` is broken; it appears whole, so somebody changed it.
    """
    found: dict[str, dict[str, float]] = {}
    paths = [path for path in (run / "evaluations").glob("*/results.json") if NAME.fullmatch(path.parent.name)]
    for path in sorted(paths, key=lambda path: step_of(path.parent.name)):
        try:
            macro = json.loads(read_text(path))["macro_accuracy"]
            found[path.parent.name] = {mode: float(share) for mode, share in macro.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path} holds no results ({type(error).__name__} {error}): remove the folder, and evaluate again"
            ) from None
    return found


def best(run: Path) -> str | None:
    """The checkpoint of the highest mean accuracy over modes and worlds; of equals the later one; None if there is none.

    Raises:
        UserError: As `evaluated`.
    """
    means = {name: sum(modes.values()) / len(modes) for name, modes in evaluated(run).items() if modes}
    return max(means, key=lambda name: (means[name], step_of(name)), default=None)
