"""The tables of the report, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ._summary import EVERY

NAMES = {
    "untrained": "untrained",
    "imagery": "imagery only",
    "traces": "traces only",
    "traces_same_updates": "traces, same updates",
    "traces_same_labels": "traces, same label tokens",
    "imagery_then_traces": "imagery, then traces",
    "mixed": "both mixed",
}
PLAYERS = {"initial": "(reads the answer off the start)", "random": "(guesses)"}
NO_CLAIM = "**A test of the machinery with tiny budgets: its numbers mean nothing.** The study itself is `bash launch/study.sh`."


def unfinished(summary: dict[str, Any]) -> str:
    """Which seeds are still to be run; nothing if none is."""
    seeds, planned = summary["seeds"], summary["seeds_planned"]
    if seeds == planned:
        return ""
    return f"**{len(seeds)} of {len(planned)} seeds so far ({', '.join(map(str, seeds))}): the study is not finished.**"


def tables(summary: dict[str, Any]) -> str:
    """All tables of a study, one after the other."""
    cells = summary["cells"]
    worlds = list(dict.fromkeys(cell["world"] for cell in cells))
    modes = list(dict.fromkeys(cell["mode"] for cell in cells))
    parts = [f"# {summary['name']}"] + ([] if summary["claims"] else [NO_CLAIM])
    parts += [note] if (note := unfinished(summary)) else []
    for mode in modes:
        mine = [cell for cell in cells if cell["mode"] == mode]
        parts.append(
            f"## Accuracy, {mode}\n\nMean over seeds and items, 95 % interval.\n\n"
            + _accuracies(mine, worlds, summary["players"])
        )
        parts.append(
            f"## Steps on the way that are right, {mode}\n\n" + _numbers(mine, worlds, "steps_right", _mean_percent)
        )
        parts.append(
            f"## Tokens for each right answer, {mode}\n\n" + _numbers(mine, worlds, "tokens_per_correct", _count)
        )
        parts.append(f"## Causes of errors, {mode}, mean over worlds\n\n" + _causes(mine))
    for comparison in summary["comparisons"]:
        parts.append(_comparison(comparison))
    return "\n\n".join(parts) + "\n"


def _accuracies(cells: Sequence[dict[str, Any]], worlds: Sequence[str], players: dict[str, Any]) -> str:
    header = ["arm", "budget", "updates", "label tokens", *map(_world, worlds)]
    rows = []
    for arm, budget in _rows(cells):
        mine = _at(cells, arm, budget)
        first = next(iter(mine.values()))
        rows.append(
            [
                NAMES[arm],
                f"{budget:,}",
                f"{first['updates']:,}",
                f"{first['label_tokens']:,}",
                *(_percent(mine[w]["accuracy"]) for w in worlds),
            ]
        )
    mode = cells[0]["mode"]
    for player, does in PLAYERS.items():
        shares = {world: players[world][mode][player] for world in worlds if world != EVERY}
        shares[EVERY] = fmean(shares.values())
        rows.append([does, "-", "-", "-", *(f"{shares[world]:.1%}" for world in worlds)])
    return _table(header, rows)


def _numbers(cells: Sequence[dict[str, Any]], worlds: Sequence[str], key: str, write: Any) -> str:
    rows = []
    for arm, budget in _rows(cells):
        mine = _at(cells, arm, budget)
        rows.append([NAMES[arm], f"{budget:,}", *(write(mine[world][key]) for world in worlds)])
    return _table(["arm", "budget", *map(_world, worlds)], rows)


def _causes(cells: Sequence[dict[str, Any]]) -> str:
    names = list(cells[0]["causes"])
    rows = []
    for arm, budget in _rows(cells):
        cell = _at(cells, arm, budget)[EVERY]
        answers = cell["items"] * len(cell["accuracy"]["seeds"])
        rows.append([NAMES[arm], f"{budget:,}", *(f"{cell['causes'][name] / answers:.1%}" for name in names)])
    return _table(["arm", "budget", *names], rows)


def _comparison(comparison: dict[str, Any]) -> str:
    rows = []
    for family in ("means", "tasks"):
        for row in comparison[family]:
            effect = row["difference"]
            rows.append(
                [
                    f"{row['budget']:,}",
                    _world(row["world"]),
                    row["mode"],
                    f"{row['accuracy_a']:.1%}",
                    f"{row['accuracy_b']:.1%}",
                    f"{100 * effect['mean']:+.1f}",
                    f"{100 * effect['low']:+.1f} to {100 * effect['high']:+.1f}",
                    f"{effect['p']:.4f}",
                    f"{row['p_holm']:.4f}",
                ]
            )
    a, b = NAMES[comparison["a"]], NAMES[comparison["b"]]
    header = ["budget", "world", "mode", "A", "B", "B - A", "95 % interval", "p", "Holm"]
    return f"## A: {a}; B: {b}\n\nPaired over seeds and items, in points.\n\n" + _table(header, rows)


def _rows(cells: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """(arm, budget), in the order of arms; the untrained model once."""
    found = dict.fromkeys((cell["arm"], cell["budget"]) for cell in cells)
    once = min((budget for arm, budget in found if arm == "untrained"), default=0)
    return [(arm, budget) for arm, budget in found if arm != "untrained" or budget == once]


def _at(cells: Sequence[dict[str, Any]], arm: str, budget: int) -> dict[str, dict[str, Any]]:
    return {cell["world"]: cell for cell in cells if (cell["arm"], cell["budget"]) == (arm, budget)}


def _world(name: str) -> str:
    return "mean" if name == EVERY else name.replace("_", " ")


def _percent(effect: dict[str, Any]) -> str:
    return f"{effect['mean']:.1%} ({100 * effect['low']:.0f} - {100 * effect['high']:.0f})"


def _mean_percent(effect: dict[str, Any]) -> str:
    return f"{effect['mean']:.1%}"


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| --- " * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
