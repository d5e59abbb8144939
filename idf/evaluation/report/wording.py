"""The gap between the words of training and others, as rows for the terminal, Markdown and the page."""

from __future__ import annotations

from typing import Any

from .comparison import p_text, points
from .tables import MEAN, aligned, outer, percent

TITLE = "Words that no training data holds"


def wording_rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """A header; a row for each world and mode, and for the mean of each mode. Empty if one wording alone was asked."""
    gap = results.get("held_out")
    if not gap:
        return []
    header = ("world", "mode", "n", gap["prompts"], gap["held_out"], "gap", "95 % interval", "p", "Holm")
    rows: list[tuple[str, ...]] = [header]
    for task in gap["tasks"]:
        shares = (percent(task["accuracy_a"]), percent(task["accuracy_b"]), points(task["difference"]))
        rows.append(
            (
                task["world"],
                task["mode"],
                str(task["n"]),
                *shares,
                _range(*task["ci95"]),
                p_text(task["p"]),
                p_text(task["p_holm"]),
            )
        )
    for mode, mean in gap["macro"].items():
        n = sum(task["n"] for task in gap["tasks"] if task["mode"] == mode)
        shares = (percent(mean["accuracy_a"]), percent(mean["accuracy_b"]), points(mean["difference"]))
        rows.append((MEAN, mode, str(n), *shares, _range(*outer(mean["bootstrap95"], mean["joined95"])), "", ""))
    return rows


def wording_notes(results: dict[str, Any]) -> list[str]:
    """What the table says, in sentences."""
    gap = results["held_out"]
    return [
        f"the same items in two wordings: {gap['held_out']} says what {gap['prompts']} says in words that are held out of "
        "training for good",
        "gap: percentage points from the first wording to the second, item by item; below zero is what the other words cost",
        "p, Holm: as in idf compare (docs/compare.md)",
    ]


def wording_table(results: dict[str, Any]) -> str:
    """The gap as aligned text with its notes; empty if one wording alone was asked."""
    rows = wording_rows(results)
    return "\n".join([f"{TITLE}:", *aligned(rows), "", *wording_notes(results)]) if rows else ""


def _range(low: float, high: float) -> str:
    return f"{points(low)} to {points(high)}"
