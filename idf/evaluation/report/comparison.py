"""A comparison as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .tables import aligned, outer, percent

SHOWN = 5
METHODS = {
    "mcnemar": "one sample of each item: McNemar's exact test, Newcombe's paired interval (method 10)",
    "sign flip": "several samples or repeated problems, averaged per item: exact sign-flip test and bootstrap over problems",
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
            f"{points(task['ci95'][0])} to {points(task['ci95'][1])}",
            str(len(task["wins"])),
            str(len(task["losses"])),
            p_text(task["p"]),
            p_text(task["p_holm"]),
            _tokens(task["tokens"]),
        )
        for task in comparison["tasks"]
    ]
    said += ["", *aligned(rows), ""]
    for mode, mean in comparison["macro"].items():
        # A world whose problems all differ by the same adds no spread to a bootstrap, but to the joined intervals.
        low, high = outer(mean["bootstrap95"], mean["joined95"])
        said.append(
            f"mean over worlds, {mode}: {percent(mean['accuracy_a'])} and {percent(mean['accuracy_b'])}, "
            f"B - A {points(mean['difference'])} points ({points(low)} to {points(high)})"
        )
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
    lines = []
    for test, sentence in METHODS.items():
        mine = [task for task in tasks if task["test"] == test]
        if mine:
            where = (
                "" if len(mine) == len(tasks) else ", ".join(f"{task['world']} {task['mode']}" for task in mine) + ": "
            )
            lines.append(f"{where}{sentence}")
    return lines + _detectable(tasks)


def _detectable(tasks: Sequence[dict[str, Any]]) -> list[str]:
    """What the very tests above find four times in five."""
    lines = []
    for test, name, given in (
        ("mcnemar", "McNemar's exact test", "near 50 %, correlation .5"),
        ("sign flip", "the sign-flip test", "with the spread of these runs"),
    ):
        mine = [task for task in tasks if task["test"] == test]
        if test == "mcnemar":
            seen = {f"{problems} problems": share for problems, share in sorted(_by_problems(mine).items())}
        else:
            seen = {f"{task['world']} {task['mode']}, {task['problems']} problems": task["detectable"] for task in mine}
        shown = "; ".join(
            f"{where}: {'none' if share is None else f'{100 * share:.1f} points'}" for where, share in seen.items()
        )
        if mine:
            lines.append(
                f"smallest difference that {name} finds with 80 % power (5 % level before Holm's correction, {given}): {shown}"
            )
    return lines


def _by_problems(tasks: Sequence[dict[str, Any]]) -> dict[int, float | None]:
    return {task["problems"]: task["detectable"] for task in tasks}


def _verdict(tasks: Sequence[dict[str, Any]]) -> str:
    sure = [
        f"{task['world']} {task['mode']} ({'B' if task['difference'] > 0 else 'A'} better)"
        for task in tasks
        if task["p_holm"] < 0.05
    ]
    return f"different at the 5 % level after Holm's correction for {len(tasks)} tasks: {', '.join(sure) or 'none'}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {'losses' if what == 'loss' else 'wins'}"


def _ids(ids: Sequence[str], every: bool) -> str:
    shown = ids if every else ids[:SHOWN]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {more} more (--list names all)" if more else "")
