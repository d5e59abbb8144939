"""Results as text tables, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any

from idf.backends import SERVERS_OWN
from idf.errors import UserError

from ..metrics.comparable import check_rules
from ..metrics.efficiency import BUDGETS
from ..metrics.results import read_run
from ..metrics.summary import ALL

OFFICIAL = "published rule, our reader"
"""What `official_accuracy` is called wherever it is shown: the published scorer reads by a language model, idf by rules."""
COLUMNS = (
    "world",
    "mode",
    "difficulty",
    "n",
    "accuracy",
    "95 % interval",
    OFFICIAL,
    "unparsed",
    "illegal",
    "cut off",
    "tokens",
    "per correct",
)
EFFICIENCY_COLUMNS = (
    "world",
    "mode",
    "tokens",
    "90 %",
    "if right",
    "if wrong",
    "per correct",
    "moves/optimal",
    *(f"within {budget}" for budget in BUDGETS),
    "growth with size",
)


def percent(share: float | None) -> str:
    """A share as text; a dash if there is none."""
    return "-" if share is None else f"{share:.1%}"


def interval(bounds: Sequence[float]) -> str:
    """An interval of shares as text."""
    return f"{bounds[0]:.1%} - {bounds[1]:.1%}"


def number(value: float | None, digits: int = 0) -> str:
    """A number as text; a dash if there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def cell_lines(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line of texts for each cell, in the order of COLUMNS; after it, what trivial players have of the same items.

    The difficulty of such a line is that of the cell and the player's name, as in "all: initial".
    """
    lines: list[tuple[str, ...]] = []
    for world, modes in results["worlds"].items():
        for mode, cells in modes.items():
            players = results.get("baselines", {}).get(world, {}).get(mode, {})
            for difficulty, cell in cells.items():
                lines.append(
                    (
                        world,
                        mode,
                        difficulty,
                        str(cell["n"]),
                        percent(cell["accuracy"]),
                        interval(cell["wilson95"]),
                        percent(cell["official_accuracy"]),
                        str(cell["parse_failures"]),
                        str(cell["illegal"]),
                        str(cell["truncated"]),
                        number(cell["tokens_median"]),
                        number(cell["tokens_per_correct"]),
                    )
                )
                for player, share in players.get(difficulty, {}).items():
                    blanks = ("-",) * (len(COLUMNS) - 5)
                    lines.append((world, mode, f"{difficulty}: {player}", "-", percent(share), *blanks))
    return lines


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines with aligned columns, the first one underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    return text


def table(results: dict[str, Any], *, difficulties: bool = False) -> str:
    """The results as aligned text; one line per world and mode, or also per difficulty, and what can be read from it."""
    lines = [line for line in cell_lines(results) if difficulties or line[2].partition(":")[0] == ALL]
    return "\n".join([*aligned([COLUMNS, *lines]), *notes(results)])


def notes(results: dict[str, Any]) -> list[str]:
    """The sentences under a table: means over worlds, repeated problems, what a difference must be to be seen, pass@k."""
    said = []
    if results.get("run", {}).get("sampling") == SERVERS_OWN:
        said.append(f"sampling is {SERVERS_OWN}: how tokens were chosen is not known")
    for mode, numbers in results["macro"].items():
        said.append(f"mean over worlds, {mode}: {percent(numbers['accuracy'])} ({interval(macro_interval(numbers))})")
        said[-1] += "".join(f"; {player} {percent(share)}" for player, share in macro_baselines(results, mode).items())
    named = [
        (f"{world} {mode}", cells[ALL]) for world, modes in results["worlds"].items() for mode, cells in modes.items()
    ]
    for name, cell in named:
        if cell["items"] < cell["n"]:
            said.append(
                f"{name}: {cell['n']} rows of {cell['items']} different problems, worth {cell['effective_n']:.0f} "
                "independent ones"
            )
    sizes = {round(cell["effective_n"]): cell for _, cell in named}
    if sizes:
        shown = "; ".join(
            f"n {n}: {100 * cell['detectable']:.1f} points, {_points(cell['detectable_paired'])} paired"
            for n, cell in sorted(sizes.items())
        )
        said.append(
            "smallest difference to another run that is found with 80 % power (5 % level, near 50 %; paired: by idf compare, "
            f"if right answers correlate by .5): {shown}"
        )
    for name, cell in named:
        if "pass_at_k" in cell:
            chances = ", ".join(f"pass@{k} {percent(share)}" for k, share in cell["pass_at_k"].items())
            said.append(f"{name}: {chances}")
    return said


def _points(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f}"


def macro_interval(numbers: dict[str, Any]) -> tuple[float, float]:
    """The interval of a mean over worlds: from the lower of the two lower bounds to the higher of the two upper ones.

    A world with nothing or everything right adds no spread to the bootstrap, but to Wilson's.
    """
    return outer(numbers["bootstrap95"], numbers["wilson95"])


def outer(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The lower of two lower bounds and the higher of two upper ones."""
    return min(first[0], second[0]), max(first[1], second[1])


def macro_baselines(results: dict[str, Any], mode: str) -> dict[str, float]:
    """The mean over worlds of the trivial players, in a mode."""
    shares: dict[str, list[float]] = {}
    for modes in results.get("baselines", {}).values():
        for player, share in modes.get(mode, {}).get(ALL, {}).items():
            shares.setdefault(player, []).append(share)
    return {player: sum(found) / len(found) for player, found in shares.items()}


def efficiency_lines(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line of texts for each world and mode whose tokens are known, in the order of EFFICIENCY_COLUMNS."""
    lines = []
    for world, modes in results["efficiency"].items():
        for mode, facts in modes.items():
            cell = results["worlds"][world][mode][ALL]
            if not cell["tokens_known"]:
                continue
            lines.append(
                (
                    world,
                    mode,
                    number(cell["tokens_median"]),
                    number(cell["tokens_p90"]),
                    number(cell["tokens_median_correct"]),
                    number(cell["tokens_median_wrong"]),
                    number(cell["tokens_per_correct"]),
                    number(cell["moves_over_optimal"], 2),
                    *(percent(share) for _, share in facts["budgets"]),
                    growth_text(facts["growth"]),
                )
            )
    return lines


def growth_text(growth: dict[str, Any] | None) -> str:
    """What a fit says, in a few words."""
    if growth is None:
        return "-"
    low, high = growth["linear"]["ci95"]
    linear = f"{growth['linear']['slope']:+.1f} tokens a step ({low:+.1f} to {high:+.1f})"
    low, high = (exp(bound) - 1 for bound in growth["exponential"]["ci95"])
    exponential = f"{exp(growth['exponential']['rate']) - 1:+.1%} a step ({low:+.1%} to {high:+.1%})"
    cut = f", {growth['cut_off']} of {growth['n']} cut off" if growth.get("cut_off") else ""
    return f"{growth['better']}: {exponential if growth['better'] == 'exponential' else linear}{cut}"


def efficiency_table(results: dict[str, Any]) -> str:
    """What answers cost, as aligned text; empty if no tokens are known."""
    lines = efficiency_lines(results)
    return "\n".join(aligned([EFFICIENCY_COLUMNS, *lines])) if lines else ""


def side_by_side(folders: Mapping[str, Path]) -> str:
    """The accuracy and tokens of several evaluations, one line per world and mode.

    Args:
        folders: Name -> folder that holds a `results.json`.

    Raises:
        UserError: A folder holds no results, or samples that are not theirs, or the evaluations asked different suites or
            were judged by different rules.
    """
    read = {name: read_run(folder).results for name, folder in folders.items()}
    suites = {(results["run"].get("suite"), results["run"].get("items")) for results in read.values()}
    prints = {results["run"].get("suite_sha256") for results in read.values()}
    if len(suites) > 1:
        raise UserError(f"these evaluations asked different suites and cannot stand in one table: {sorted(suites)}")
    if len(prints) > 1 and None not in prints:
        raise UserError(
            f"these evaluations asked different items and cannot stand in one table: {sorted(suites)} was made anew since"
        )
    check_rules(list(read), [results["run"] for results in read.values()])
    rows = [("world", "mode", "n", *read)]
    keys = sorted(
        {(world, mode) for results in read.values() for world, modes in results["worlds"].items() for mode in modes}
    )
    for world, mode in keys:
        cells = [results["worlds"].get(world, {}).get(mode, {}).get(ALL) for results in read.values()]
        shown = ["-" if cell is None else f"{cell['accuracy']:.1%}{_tokens(cell)}" for cell in cells]
        rows.append((world, mode, str(next(cell["n"] for cell in cells if cell)), *shown))
    return "\n".join(aligned(rows))


def _tokens(cell: dict[str, Any]) -> str:
    return "" if cell["tokens_median"] is None else f" ({cell['tokens_median']:.0f} tokens)"
