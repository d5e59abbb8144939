"""Reading an evaluation back: the folder that `idf-eval` wrote."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, NamedTuple

from idf.errors import UserError
from idf.files import read_lines, read_text

from .row import Row

_KNOWN = tuple(field.name for field in fields(Row))
_REQUIRED = tuple(field.name for field in fields(Row) if field.default is MISSING)


class Run(NamedTuple):
    """An evaluation as it lies on disk.

    Attributes:
        results: What `results.json` says.
        rows: The rows of `samples.jsonl`.
    """

    results: dict[str, Any]
    rows: list[Row]


def read_run(folder: Path) -> Run:
    """The results of a folder and the rows that they were made of.

    Raises:
        UserError: One of the files is missing or broken, or they do not belong together: half a file of samples, say.
    """
    results, rows = read_results(folder), read_samples(folder)
    check_whole(folder, results, rows)
    return Run(results, rows)


def read_whole(folder: Path) -> dict[str, Any]:
    """The results of a folder for a table: with intervals, and of the rows that lie beside them.

    Raises:
        UserError: As `read_run`, or the results are of a version that wrote no interval of the mean over worlds.
    """
    results = read_results(folder)
    if "macro" not in results:
        raise UserError(
            f"{folder / 'results.json'} is of an older version and has no interval of the mean over worlds: score it again "
            f"with idf-eval --responses {folder / 'samples.jsonl'}"
        )
    check_whole(folder, results, read_samples(folder))
    return results


def check_whole(folder: Path, results: dict[str, Any], rows: list[Row], *, verdicts: bool = True) -> None:
    """Refuse rows that are not those which the results count.

    Args:
        folder: Where they lie.
        results: What `results.json` says.
        rows: The rows of `samples.jsonl`.
        verdicts: Whether as many must be right, too.

    Raises:
        UserError: The first world and mode with other numbers is named.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        mine = found.setdefault((row.world, row.mode), [0, 0])
        mine[0] += 1
        mine[1] += row.correct
    try:
        told = {
            (world, mode): [cells["all"]["n"], cells["all"]["correct"]]
            for world, modes in results["worlds"].items()
            for mode, cells in modes.items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / 'results.json'} holds no results ({type(error).__name__} {error})") from None
    for key in sorted(told.keys() | found.keys()):
        (n, right), (rows_n, rows_right) = told.get(key, [0, 0]), found.get(key, [0, 0])
        if n != rows_n or (verdicts and right != rows_right):
            raise UserError(
                f"{folder / 'samples.jsonl'} does not belong to its results.json: {rows_n} rows of {' '.join(key)}, "
                f"{rows_right} of them right, where the results count {n} and {right}; copy the folder again whole, or run its "
                "idf-eval again"
            )


def read_results(folder: Path) -> dict[str, Any]:
    """What the `results.json` of a folder says.

    Raises:
        UserError: There is none, or it holds no results.
    """
    path = folder / "results.json"
    if not path.exists():
        raise UserError(f"no results in {folder}: idf-eval --out {folder} writes them")
    try:
        results: dict[str, Any] = json.loads(read_text(path))
        for key in ("worlds", "run"):
            if not isinstance(results[key], dict):
                raise TypeError(f"{key} must be an object")
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} holds no results ({type(error).__name__} {error})") from None
    return results


def read_samples(folder: Path) -> list[Row]:
    """The rows of a folder's `samples.jsonl`.

    Raises:
        UserError: The file is missing, or a line is broken or doubled; the line is named.
    """
    path = folder / "samples.jsonl"
    if not path.exists():
        raise UserError(f"no samples in {folder}: idf-eval --out {folder} writes samples.jsonl")
    rows: list[Row] = []
    seen: set[tuple[str, str, int]] = set()
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            if not isinstance(told, dict):
                raise TypeError("it must be an object")
            if missing := [name for name in _REQUIRED if name not in told]:
                raise TypeError(f"the key {missing[0]!r} is missing")
            if not isinstance(told["correct"], bool):
                raise TypeError(f"correct must be true or false, not {told['correct']!r}")
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not a scored response: {error}") from None
        row = Row(**{name: told[name] for name in _KNOWN if name in told})
        key = (row.id, row.mode, row.sample)
        if key in seen:
            raise UserError(f"{path}, line {number}: sample {row.sample} of item {row.id} in mode {row.mode} once more")
        seen.add(key)
        rows.append(row)
    if not rows:
        raise UserError(f"{path} holds no rows")
    return rows
