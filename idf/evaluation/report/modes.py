"""The gap of modes, and where responses first go wrong, as rows for the terminal, Markdown and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..metrics.first_wrong import NONE, RANGES, UNSTATED, range_of
from ..metrics.mode_gap import CELLS
from .comparison import p_text, points
from .tables import MEAN, aligned, number, outer, percent

TITLE = "The gap of modes"
STEPS_TITLE = "By the first wrong step"
LEGEND = (
    "both, only first, only second, neither: responses to the same items by the modes in which they are right",
    "gap: percentage points from the first mode to the second, item by item; below zero is what the second mode costs",
    "p, Holm: as in idf compare (docs/compare.md), Holm's over all worlds and pairs of modes",
)
CAUSES_LEGEND = "the cause of the first error of the responses that are wrong there (docs/scoring.md)"
STEPS_LEGEND = (
    "first wrong step: the first step with a false state or an illegal move; 0 is the start, or what else is seen. The answer "
    "may be right all the same",
    f"{NONE}: no step that is stated is wrong; {UNSTATED}: no state and no move is stated, empty and failed responses too",
)
GAP_COLUMNS = (
    *("world", "first", "second", "n", "both", "only first", "only second", "neither"),
    *("gap", "95 % interval", "p", "Holm"),
)
SIZE_COLUMNS = ("world", "size", *GAP_COLUMNS[1:8])
CAUSE_COLUMNS = ("world", "right in", "wrong in", "n", "causes")
STEP_COLUMNS = ("world", "mode", "first wrong step", "n", "right", "accuracy", "95 % interval", "tokens, median")


def gap_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A header; a row for each pair of modes and world, and for the pair's mean. Empty if one mode alone was asked."""
    gap = results.get("mode_gap")
    if not gap:
        return []
    rows: list[tuple[str, ...]] = [GAP_COLUMNS]
    for pair in gap["pairs"]:
        names = pair["first"], pair["second"]
        totals: Counter[str] = Counter()
        for world, told in pair["worlds"].items():
            task = told["compared"]
            totals.update({cell: told[cell]["n"] for cell in CELLS} | {"n": told["n"]})
            found = points(task["difference"]), _range(*task["ci95"]), p_text(task["p"]), p_text(task["p_holm"])
            rows.append((world, *names, *_counts(told), *found))
        if mean := pair["macro"]:
            counts = tuple(str(totals[key]) for key in ("n", *CELLS))
            interval = _range(*outer(mean["bootstrap95"], mean["joined95"]))
            rows.append((MEAN, *names, *counts, points(mean["difference"]), interval, "", ""))
    return rows


def size_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A header; a row for each pair of modes, world and exact size."""
    rows: list[tuple[str, ...]] = [SIZE_COLUMNS]
    for pair in results["mode_gap"]["pairs"]:
        for world, told in pair["worlds"].items():
            rows += [
                (world, str(size), pair["first"], pair["second"], *_counts(counts)) for size, counts in told["by_size"]
            ]
    return rows


def cause_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A header; for each pair of modes and world a row for the items that are wrong in one of them alone, and in both."""
    rows: list[tuple[str, ...]] = [CAUSE_COLUMNS]
    for pair in results["mode_gap"]["pairs"]:
        first, second = pair["first"], pair["second"]
        right = {"only_first": first, "only_second": second, "neither": f"neither {first} nor {second}"}
        for world, told in pair["worlds"].items():
            for cell, name in right.items():
                causes = told[cell]["causes"]
                rows += [(world, name, mode, str(told[cell]["n"]), _named(causes[mode])) for mode in causes]
    return rows


def gap_notes(results: Mapping[str, Any]) -> list[str]:
    """What the tables mean, and how many rows were left out."""
    left_out = [
        f"responses left out, without one in the other of {pair['first']} and {pair['second']}: {pair['unpaired']}"
        for pair in results["mode_gap"]["pairs"]
        if pair["unpaired"]
    ]
    return [*LEGEND, *left_out]


def gap_table(results: Mapping[str, Any]) -> str:
    """The gap as aligned text with its notes; empty if one mode alone was asked."""
    rows = gap_rows(results)
    return "\n".join([f"{TITLE}:", *aligned(rows), "", *gap_notes(results)]) if rows else ""


def step_lines(results: Mapping[str, Any], by: str = "ranges") -> list[tuple[str, ...]]:
    """A line for each world, mode and first wrong step, in the order of STEP_COLUMNS; `by`: "steps" or "ranges"."""
    return [
        (
            *(world, mode, told["step"], str(told["n"]), str(told["correct"]), percent(told["accuracy"])),
            *(" - ".join(map(percent, told["wilson95"])), number(told["tokens_median"])),
        )
        for world, modes in results.get("first_wrong", {}).items()
        for mode, groups in modes.items()
        for told in groups[by]
    ]


def step_table(results: Mapping[str, Any]) -> str:
    """Accuracy by the first wrong step, a line for each world and mode; empty if one mode alone was asked."""
    found = results.get("first_wrong")
    if not found:
        return ""
    names = [*(range_of(least) for least, _ in RANGES), NONE, UNSTATED]
    rows = [("world", "mode", *names)]
    for world, modes in found.items():
        for mode, groups in modes.items():
            told = {group["step"]: f"{group['accuracy']:.0%} of {group['n']}" for group in groups["ranges"]}
            rows.append((world, mode, *(told.get(name, "-") for name in names)))
    return "\n".join([f"Accuracy {STEPS_TITLE[0].lower()}{STEPS_TITLE[1:]}:", *aligned(rows), "", *STEPS_LEGEND])


def _counts(told: Mapping[str, Any]) -> tuple[str, ...]:
    return str(told["n"]), *(str(told[cell]["n"]) for cell in CELLS)


def _named(causes: Mapping[str, int]) -> str:
    return ", ".join(f"{cause} {n}" for cause, n in sorted(causes.items(), key=lambda one: (-one[1], one[0])))


def _range(low: float, high: float) -> str:
    return f"{points(low)} to {points(high)}"
