"""A comparison as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .tables import MEAN, aligned, outer, percent

SHOWN = 5
METHODS = {
    "mcnemar": "McNemar's exact test, and Newcombe's paired interval (method 10): every item has one sample",
    "sign flip": "exact sign-flip test, and bootstrap over problems: samples and repeated problems are averaged first",
}


def comparison_text(comparison: dict[str, Any], *, every: bool = False) -> str:
    """What `compare` found, for the terminal.

    Args:
        comparison: What `compare` returned.
        every: Whether to name all wins and losses, not only the first five.
    """
    said = [f"{name.upper()}: {_who(comparison[name])}" for name in ("a", "b")]
    said += [f"note: {warning}" for warning in comparison["warnings"]]
    rows = [("world", "mode", "n", "A", "B", "B - A", "95 % interval", "wins", "losses", "p", "Holm", "tokens B/A")]
    rows += [
        (
            task["world"],
            task["mode"],
            str(task["n"]),
            percent(task["accuracy_a"]),
            percent(task["accuracy_b"]),
            points(task["difference"]),
            _range(*task["ci95"]),
            str(len(task["wins"])),
            str(len(task["losses"])),
            p_text(task["p"]),
            p_text(task["p_holm"]),
            _tokens(task["tokens"]),
        )
        for task in comparison["tasks"]
    ]
    for mode, mean in comparison["macro"].items():
        # A world whose problems all differ by the same adds no spread to a bootstrap, but to the joined intervals.
        low, high = outer(mean["bootstrap95"], mean["joined95"])
        shares = (percent(mean["accuracy_a"]), percent(mean["accuracy_b"]))
        n = str(sum(task["n"] for task in comparison["tasks"] if task["mode"] == mode))
        rows.append((MEAN, mode, n, *shares, points(mean["difference"]), _range(low, high), *[""] * 5))
    said += ["", *aligned(rows), ""]
    said += _methods(comparison["tasks"])
    said.append(_verdict(comparison["tasks"]))
    for task in comparison["tasks"]:
        for what, ids in (("win", task["wins"]), ("loss", task["losses"])):
            if ids:
                said.append(f"{task['world']} {task['mode']}, {_counted(len(ids), what)} of B: {_ids(ids, every)}")
    return "\n".join(said)


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share + 0.0:+.1f}"


def _range(low: float, high: float) -> str:
    return f"{points(low)} to {points(high)}"


def p_text(p: float) -> str:
    """A p-value as text."""
    return "<.0001" if p < 0.0001 else f"{p:.4f}"


def _who(side: dict[str, Any]) -> str:
    return f"{side['folder']} ({side['evaluated']})" if side["evaluated"] else str(side["folder"])


def _tokens(ratio: dict[str, Any] | None) -> str:
    if ratio is None:
        return "-"
    interval = "" if ratio["ci95"] is None else f" ({ratio['ci95'][0]:.2f} to {ratio['ci95'][1]:.2f})"
    return f"{ratio['ratio']:.2f}{interval} on {ratio['items']}"


def _methods(tasks: Sequence[dict[str, Any]]) -> list[str]:
    """What the columns mean, how p and intervals were found, and what they can find."""
    lines = [
        "B - A: percentage points, with a 95 % interval; wins, losses: items that B has more right, less right than A"
    ]
    lines.append("p: how often luck alone would give two equally good runs a gap at least as large")
    for test, sentence in METHODS.items():
        mine = [task for task in tasks if task["test"] == test]
        if mine:
            where = "" if len(mine) == len(tasks) else f" in {', '.join(_name(task) for task in mine)}"
            lines.append(f"p and interval{where}: {sentence}")
    lines.append(f"Holm: p corrected for asking {_number(len(tasks), 'question')} at once")
    if any(task["tokens"] is not None for task in tasks):
        lines.append("tokens B/A: tokens of B for each token of A, on the items that both have right")
    return lines + _detectable(tasks)


def _detectable(tasks: Sequence[dict[str, Any]]) -> list[str]:
    """What the very tests above find four times in five."""
    lines = []
    for test, name, given in (
        ("mcnemar", "McNemar's exact test", "accuracies near 50 %, right answers that correlate by .5"),
        ("sign flip", "the sign-flip test", "differences that spread as they do here"),
    ):
        mine = [task for task in tasks if task["test"] == test]
        if test == "mcnemar":
            seen = {f"With {problems} problems": share for problems, share in sorted(_by_problems(mine).items())}
        else:
            seen = {f"With the {task['problems']} problems of {_name(task)}": task["detectable"] for task in mine}
        found = [
            f"{where} you can {'detect no gap' if share is None else f'only detect gaps above {100 * share:.1f} points'}"
            for where, share in seen.items()
        ]
        if mine:
            gaps = "; ".join(found[:1] + [text[0].lower() + text[1:] for text in found[1:]])
            lines.append(
                f"{gaps}: {name} finds such a gap 80 % of the time (5 % level before Holm's correction, {given})"
            )
    return lines


def _name(task: dict[str, Any]) -> str:
    return f"{task['world']} {task['mode']}"


def _number(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _by_problems(tasks: Sequence[dict[str, Any]]) -> dict[int, float | None]:
    return {task["problems"]: task["detectable"] for task in tasks}


def _verdict(tasks: Sequence[dict[str, Any]]) -> str:
    sure = [
        f"{task['world']} {task['mode']} ({'B' if task['difference'] > 0 else 'A'} better)"
        for task in tasks
        if task["p_holm"] < 0.05
    ]
    return (
        f"different beyond luck (5 % level, after Holm's correction for {_number(len(tasks), 'task')}): "
        f"{', '.join(sure) or 'none'}"
    )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {'losses' if what == 'loss' else 'wins'}"


def _ids(ids: Sequence[str], every: bool) -> str:
    shown = ids if every else ids[:SHOWN]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {more} more (--list names all)" if more else "")
