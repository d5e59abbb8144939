"""The tables of the report, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from idf.evaluation import p_text

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
SECONDARY = {
    "steps_right": "steps on the way that are right",
    "right_and_imagined": "right, and every step on the way right",
}
LEVEL = 0.05
_FEW = 3
_ENOUGH = 20
"""Right answers; with fewer, tokens for each of them are noise."""
NO_CLAIM = (
    "**A test of the machinery with tiny budgets: its numbers mean nothing.** "
    "The study itself is `bash bench/study/run.sh`."
)


def unfinished(summary: dict[str, Any]) -> str:
    """Which seeds are still to be run; nothing if none is."""
    seeds, planned = summary["seeds"], summary["seeds_planned"]
    if seeds == planned:
        return ""
    few = " Of so few seeds the intervals are too narrow." if len(seeds) < _FEW else ""
    return f"**{len(seeds)} of {len(planned)} seeds so far ({', '.join(map(str, seeds))}): the study is not finished.**{few}"


def tables(summary: dict[str, Any]) -> str:
    """All tables of a study, one after the other."""
    cells = summary["cells"]
    worlds = list(dict.fromkeys(cell["world"] for cell in cells))
    modes = list(dict.fromkeys(cell["mode"] for cell in cells))
    parts = [f"# {summary['name']}"] + ([] if summary["claims"] else [NO_CLAIM])
    parts += [note] if (note := unfinished(summary)) else []
    if summary["comparisons"]:
        parts.append(f"## What came out\n\n{verdicts(summary)}")
    for mode in modes:
        mine = [cell for cell in cells if cell["mode"] == mode]
        parts.append(
            f"## Accuracy, {mode}\n\nMean over seeds and items, 95 % interval.\n\n"
            + _accuracies(mine, worlds, summary["players"])
        )
        parts.append(
            f"## Right, and every step on the way right, {mode}\n\nWithout the answers that are right by luck.\n\n"
            + _numbers(mine, worlds, "right_and_imagined", _percent)
        )
        parts.append(
            f"## Steps on the way that are right, {mode}\n\n" + _numbers(mine, worlds, "steps_right", _percent)
        )
        parts.append(
            f"## Tokens for each right answer, {mode}\n\nOf all answers of all seeds together; none where fewer than "
            f"{_ENOUGH} are right.\n\n" + _tokens(mine, worlds)
        )
        parts.append(f"## Causes of errors, {mode}, all worlds, as shares of all answers\n\n" + _causes(mine))
    for comparison in summary["comparisons"]:
        parts.append(_comparison(comparison))
    return "\n\n".join(parts) + "\n"


def highlights(summary: dict[str, Any]) -> str:
    """What a page on the study shows: the answer, and accuracies with and without luck."""
    cells = summary["cells"]
    worlds = list(dict.fromkeys(cell["world"] for cell in cells))
    parts = ([] if summary["claims"] else [NO_CLAIM]) + ([note] if (note := unfinished(summary)) else [])
    parts.append(verdicts(summary))
    for mode in dict.fromkeys(cell["mode"] for cell in cells):
        mine = [cell for cell in cells if cell["mode"] == mode]
        parts.append(f"Accuracy, `{mode}`, mean over seeds and items, 95 % interval:")
        parts.append(_accuracies(mine, worlds, summary["players"]))
        parts.append(f"Right, and every step on the way right, `{mode}`:")
        parts.append(_numbers(mine, worlds, "right_and_imagined", _percent))
    return "\n\n".join(parts)


def verdicts(summary: dict[str, Any]) -> str:
    """The answer to the study's question, budget by budget: a difference counts if its p is below .05 after Holm.

    The rule was written before the last seed was run. Without a difference the interval says what is ruled out.
    """
    first = summary["comparisons"][0]
    a, b = NAMES[first["a"]], NAMES[first["b"]]
    lines = [f"*{b}* against *{a}*, mean over worlds:", ""]
    for row in first["means"]:
        effect = row["difference"]
        size = f"{100 * effect['mean']:+.1f} points ({_between(effect)})"
        if row["p_holm"] is None:
            said = f"{size}; not tested before the last seed"
        elif row["p_holm"] < LEVEL:
            said = f"**{'better' if effect['mean'] > 0 else 'worse'}**, {size}, p {p_text(row['p_holm'])} after Holm"
        else:
            said = f"**no difference shown**, {size}, p {p_text(row['p_holm'])} after Holm"
        lines.append(f"- {row['budget']:,} updates, {row['mode']}: {said}; by seed {_by_seed(effect)}")
    return "\n".join(lines)


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
    best = {world: max(players[world][mode].values()) for world in worlds if world != EVERY}
    best[EVERY] = fmean(best.values())
    rows.append(["(the better of the two)", "-", "-", "-", *(f"{best[world]:.1%}" for world in worlds)])
    return _table(header, rows)


def _numbers(cells: Sequence[dict[str, Any]], worlds: Sequence[str], key: str, write: Any) -> str:
    rows = []
    for arm, budget in _rows(cells):
        mine = _at(cells, arm, budget)
        rows.append([NAMES[arm], f"{budget:,}", *(write(mine[world][key]) for world in worlds)])
    return _table(["arm", "budget", *map(_world, worlds)], rows)


def _tokens(cells: Sequence[dict[str, Any]], worlds: Sequence[str]) -> str:
    rows = []
    for arm, budget in _rows(cells):
        mine = [_at(cells, arm, budget)[world] for world in worlds]
        answers = [cell["items"] * len(cell["accuracy"]["seeds"]) for cell in mine]
        enough = [cell["accuracy"]["mean"] * n >= _ENOUGH for cell, n in zip(mine, answers, strict=True)]
        counts = [_count(cell["tokens_per_correct"] if is_ else None) for cell, is_ in zip(mine, enough, strict=True)]
        rows.append([NAMES[arm], f"{budget:,}", *counts])
    return _table(["arm", "budget", *(_world(w) if w != EVERY else "together" for w in worlds)], rows)


def _causes(cells: Sequence[dict[str, Any]]) -> str:
    names = list(cells[0]["causes"])
    rows = []
    for arm, budget in _rows(cells):
        cell = _at(cells, arm, budget)[EVERY]
        answers = cell["items"] * len(cell["accuracy"]["seeds"])
        rows.append([NAMES[arm], f"{budget:,}", *(f"{cell['causes'][name] / answers:.1%}" for name in names)])
    return _table(["arm", "budget", *names], rows)


def _comparison(comparison: dict[str, Any]) -> str:
    parts = [
        f"## A: {NAMES[comparison['a']]}; B: {NAMES[comparison['b']]}",
        _paired(comparison["means"]),
        _differences([*comparison["means"], *comparison["tasks"]]),
    ]
    for key, name in SECONDARY.items():
        parts += [f"Secondary: {name}.", _differences(comparison["secondary"][key]["means"])]
    return "\n\n".join(parts)


def _paired(rows: Sequence[dict[str, Any]]) -> str:
    if len(rows[0]["difference"]["seeds"]) == 1:
        return "Accuracy, paired over items, in points. Of one seed: interval and p know nothing of other seeds."
    return "Accuracy, paired over seeds and items, in points."


def _differences(rows: Sequence[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        effect, holm = row["difference"], row["p_holm"]
        lines.append(
            [
                f"{row['budget']:,}",
                _world(row["world"]),
                row["mode"],
                f"{row['a']:.1%}",
                f"{row['b']:.1%}",
                f"{100 * effect['mean']:+.1f}",
                _between(effect),
                _by_seed(effect),
                *(["-", "-"] if holm is None else [p_text(effect["p"]), p_text(holm)]),
            ]
        )
    header = ["budget", "world", "mode", "A", "B", "B - A", "95 % interval", "by seed", "p", "Holm"]
    return _table(header, lines)


def _between(effect: dict[str, Any]) -> str:
    return f"{100 * effect['low']:+.1f} to {100 * effect['high']:+.1f}"


def _by_seed(effect: dict[str, Any]) -> str:
    return " ".join(f"{100 * seed:+.0f}" for seed in effect["seeds"])


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


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| --- " * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
