"""The paired table, for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from idf.evaluation import aligned, p_text, points

_HEAD = ("benchmark", "n", "base", "checkpoint", "difference", "95 % interval", "p", "Holm", "test")
_TESTS = {
    "mcnemar": "mcnemar: each item is right or wrong; McNemar's exact test, and Newcombe's paired interval (method 10)",
    "t": "t: scores between 0 and 1, or several questions about one thing; paired t-test and interval over items or things",
}
_MEANING = (
    "base, checkpoint: mean score over items, which differs from lmms-eval's own mean where that is over categories",
    "difference: checkpoint - base in percentage points",
)


def _rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            row["benchmark"],
            str(row["n"]),
            f"{row['base']:.1%}",
            f"{row['checkpoint']:.1%}",
            points(row["difference"]),
            "-" if row["ci95"] is None else " to ".join(map(points, row["ci95"])),
            p_text(row["p"]),
            p_text(row["p_holm"]),
            row["test"],
        )
        for row in found["benchmarks"]
    ]


def _notes(found: dict[str, Any]) -> list[str]:
    rows = found["benchmarks"]
    said = [*_MEANING] if rows else ["nothing was compared"]
    said += [sentence for test, sentence in _TESTS.items() if any(row["test"] == test for row in rows)]
    if any(row["ci95"] is None for row in rows):
        said.append("interval -: all items differ by the same, so there is no spread to tell one from")
    if rows:
        said.append(f"Holm: p corrected for asking {len(rows)} question{'s' * (len(rows) != 1)} at once")
        said.append(
            "an interval with 0 inside does not show that nothing was lost: its lower end is the loss that is possible"
        )
    for row in rows:
        if row["only_base"] or row["only_checkpoint"]:
            said.append(
                f"{row['benchmark']}: left out, since one model has no answer: {row['only_base']} items of base, "
                f"{row['only_checkpoint']} of checkpoint"
            )
    if found.get("limit") is not None:
        said.append(f"only the first {found['limit']} items of each task: no figure of a whole benchmark")
    return said


def transfer_text(found: dict[str, Any]) -> str:
    """The table and what was not run, for the terminal.

    Args:
        found: "benchmarks": rows of `compare_scores` with "p_holm"; "not_run": name -> why; "limit".
    """
    lines = [*aligned([_HEAD, *_rows(found)]), "", *_notes(found)]
    if found["not_run"]:
        lines += ["", *aligned([("not compared", "why"), *found["not_run"].items()])]
    return "\n".join(lines)


def transfer_markdown(found: dict[str, Any]) -> str:
    """The same as a page in Markdown."""
    lines = ["# Transfer", "", f"base: `{found['base']}`, checkpoint: `{found['checkpoint']}`", ""]
    lines += [*_piped([_HEAD, *_rows(found)]), "", *(f"- {note}" for note in _notes(found))]
    if found["not_run"]:
        lines += ["", *_piped([("not compared", "why"), *found["not_run"].items()])]
    return "\n".join(lines) + "\n"


def _piped(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]
