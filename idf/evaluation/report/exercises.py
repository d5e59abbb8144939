"""Exercises step by step, as lines of a table: the same in the terminal, in `report.md` and in `report.html`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..metrics.summary import ALL
from .tables import MEAN, aligned, interval, percent

EXERCISE_COLUMNS = (
    "world",
    "mode",
    "kind",
    "n",
    "steps right",
    "95 % interval",
    "all right",
    "answer right",
    "first wrong step",
    "missing",
)
EXERCISE_LEGEND = (
    "exercises are held-out imagery samples, asked in the words of stage 1; steps right: share of their steps that are stated "
    "with the right state; steps of one exercise are a cluster to the interval",
    "all right: every step and the answer, which is what counts as accuracy; answer right: the answer, whatever the steps",
    "first wrong step: in how many responses it is which one (0: the start is false); missing: in how many of them it is not "
    "stated at all",
)
_NAMED = 4  # steps


def exercise_lines(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A line of texts for each world, mode and kind, in the order of EXERCISE_COLUMNS; and the mean over worlds of each mode."""
    cells = results.get("exercises", {})
    lines: list[tuple[str, ...]] = []
    for world, modes in cells.items():
        for mode, kinds in modes.items():
            shown = [kind for kind in kinds if kind != ALL or len(kinds) > 2]
            lines += [
                (world, mode, kind, *_numbers(kinds[kind])) for kind in sorted(shown, key=lambda kind: kind == ALL)
            ]
    for mode in dict.fromkeys(mode for modes in cells.values() for mode in modes):
        of_mode = [modes[mode][ALL] for modes in cells.values() if mode in modes]
        shares = [cell["steps_right"] for cell in of_mode if cell["steps_right"] is not None]
        mean = percent(sum(shares) / len(shares)) if shares else "-"
        n = str(sum(cell["n"] for cell in of_mode))
        right = [percent(sum(cell[key] for cell in of_mode) / len(of_mode)) for key in ("all_right", "answer_right")]
        if len(of_mode) > 1:
            lines.append((MEAN, mode, ALL, n, mean, "-", *right, "-", str(sum(cell["missing"] for cell in of_mode))))
    return lines


def _numbers(cell: Mapping[str, Any]) -> tuple[str, ...]:
    bounds = cell["steps_right95"]
    return (
        str(cell["n"]),
        percent(cell["steps_right"]),
        "-" if bounds is None else interval(bounds),
        percent(cell["all_right"]),
        percent(cell["answer_right"]),
        first_wrong_text(cell["first_wrong"]),
        str(cell["missing"]),
    )


def first_wrong_text(counts: Mapping[str, int]) -> str:
    """Which step is the first wrong one how often, in a few words: "1: 12, 2: 3, later: 1"."""
    steps = sorted((int(step), n) for step, n in counts.items())
    named = [f"{step}: {n}" for step, n in steps[:_NAMED]]
    if later := sum(n for _, n in steps[_NAMED:]):
        named.append(f"later: {later}")
    return ", ".join(named) or "-"


def exercise_table(results: Mapping[str, Any]) -> str:
    """The same as aligned text with its legend; empty if no exercise was asked."""
    lines = exercise_lines(results)
    return "\n".join([*aligned([EXERCISE_COLUMNS, *lines]), "", *EXERCISE_LEGEND]) if lines else ""
