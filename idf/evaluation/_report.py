"""Results as a table in the terminal, and as one HTML page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import package_text, read_text

from ._metrics import ALL
from ._row import Row

COLUMNS = (
    "world",
    "mode",
    "difficulty",
    "n",
    "accuracy",
    "95 % interval",
    "official",
    "unparsed",
    "illegal",
    "cut off",
    "tokens",
)


def _cells(results: dict[str, Any]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for world, modes in results["worlds"].items():
        for mode, cells in modes.items():
            for difficulty, cell in cells.items():
                low, high = cell["wilson95"]
                official, tokens = cell["official_accuracy"], cell["tokens_median"]
                lines.append(
                    (
                        world,
                        mode,
                        difficulty,
                        str(cell["n"]),
                        f"{cell['accuracy']:.1%}",
                        f"{low:.1%} - {high:.1%}",
                        "-" if official is None else f"{official:.1%}",
                        str(cell["parse_failures"]),
                        str(cell["illegal"]),
                        str(cell["truncated"]),
                        "-" if tokens is None else f"{tokens:.0f}",
                    )
                )
    return lines


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines with aligned columns, the first one underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    return text


def table(results: dict[str, Any], *, difficulties: bool = False) -> str:
    """The results as aligned text; one line per world and mode, or also per difficulty."""
    text = _aligned([COLUMNS, *(line for line in _cells(results) if difficulties or line[2] == ALL)])
    for mode, share in results["macro_accuracy"].items():
        text.append(f"mean over worlds, {mode}: {share:.1%}")
    return "\n".join(text)


def side_by_side(folders: Mapping[str, Path]) -> str:
    """The accuracy and tokens of several evaluations, one line per world and mode.

    Args:
        folders: Name -> folder that holds a `results.json`.

    Raises:
        UserError: A folder holds no results, or the evaluations asked different suites.
    """
    read: dict[str, dict[str, Any]] = {}
    for name, folder in folders.items():
        path = folder / "results.json"
        if not path.exists():
            raise UserError(f"no results in {folder}: idf-eval --out {folder} writes them")
        try:
            read[name] = json.loads(read_text(path))
            read[name]["worlds"], read[name]["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} holds no results ({type(error).__name__} {error})") from None
    suites = {(results["run"].get("suite"), results["run"].get("items")) for results in read.values()}
    if len(suites) > 1:
        raise UserError(f"these evaluations asked different suites and cannot stand in one table: {sorted(suites)}")
    rows = [("world", "mode", "n", *read)]
    keys = sorted(
        {(world, mode) for results in read.values() for world, modes in results["worlds"].items() for mode in modes}
    )
    for world, mode in keys:
        cells = [results["worlds"].get(world, {}).get(mode, {}).get(ALL) for results in read.values()]
        shown = ["-" if cell is None else f"{cell['accuracy']:.1%}{_tokens(cell)}" for cell in cells]
        rows.append((world, mode, str(next(cell["n"] for cell in cells if cell)), *shown))
    return "\n".join(_aligned(rows))


def _tokens(cell: dict[str, Any]) -> str:
    return "" if cell["tokens_median"] is None else f" ({cell['tokens_median']:.0f} tokens)"


def write_report(rows: Sequence[Row], results: dict[str, Any], out: Path) -> Path:
    """Write `report.html`: the table, and some responses of each kind, whole.

    Returns:
        Its path.
    """
    head = "".join(f"<th>{escape(column)}</th>" for column in COLUMNS)
    body = "".join(
        f"<tr class='{'all' if line[2] == ALL else 'part'}'>" + "".join(f"<td>{escape(v)}</td>" for v in line) + "</tr>"
        for line in _cells(results)
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
