"""The results of one evaluation as text tables, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

from idf.backends import SERVERS_OWN

from ..metrics.baselines import PLAYS, TRIVIAL
from ..metrics.efficiency import BUDGETS
from ..metrics.summary import ALL
from .abstaining import COLUMNS, LEGEND, abstaining_lines

MEAN = "mean over worlds"
"""What stands in place of a world in the row of a mean."""
OFFICIAL = "published rule, read by idf"
"""What `official_accuracy` is called wherever it is shown: the published scorer reads by a language model, idf by rules."""
PER_RIGHT = "tokens per right"
"""What `tokens_per_correct` is called wherever it is shown."""
IN_BRACKETS = (
    "in brackets: 95 % intervals, Wilson's for a world; for the mean over worlds a bootstrap over problems, or the worlds' "
    "intervals joined where they are wider"
)
"""What stands behind an accuracy in the tables of several runs."""
MEANINGS = {
    "initial": "what a player has that imagines nothing and reads the answer off the start state",
    "random": f"what a player has that guesses; the mean of {PLAYS} plays",
    "never": "what a player has that is right wherever there is an answer, and never abstains",
    "always": "what a player has that always abstains",
    OFFICIAL: "accuracy by the rule of the published scorer, which leaves out empty responses and plans that are unread or "
    "illegal, and takes a plan for right that passes the goal; its own reader is a language model and may find other answers",
    "unread": "responses that ended by themselves without a readable answer: unparsed, refused or empty",
    "illegal": "plans that break a rule",
    "failed": "questions to which no response could be had",
    "cut off": "responses that reached the token budget, right ones included",
    "tokens": "median of the generated tokens of a response",
    PER_RIGHT: "all generated tokens, those of wrong answers too, for each right answer",
    "p90": "nine of ten responses are no longer, in tokens",
    "moves/optimal": "moves of the right plans for each move of a shortest plan, on average",
}
"""What a column means, in every table that has it."""
EFFICIENCY_COLUMNS = (
    "world",
    "mode",
    "tokens",
    "p90",
    "if right",
    "if wrong",
    PER_RIGHT,
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


def players_of(results: Mapping[str, Any]) -> list[str]:
    """The trivial players that the results know."""
    baselines = results.get("baselines") or {}
    parts = [shares for modes in baselines.values() for groups in modes.values() for shares in groups.values()]
    return list(dict.fromkeys(player for shares in parts for player in shares))


def table_rows(results: dict[str, Any], *, difficulties: bool = False) -> list[tuple[str, ...]]:
    """A header; a row for each world and mode, and for each difficulty if asked; a row for the mean of each mode.

    What trivial players have of the same items stands in columns of their own, if the results know it.
    """
    players = players_of(results)
    failed = any(cells[ALL]["errors"] for modes in results["worlds"].values() for cells in modes.values())
    header = ["world", "mode", *(["difficulty"] if difficulties else []), "n", "accuracy", "95 % interval", *players]
    header += [OFFICIAL, "unread", "illegal", *(["failed"] if failed else []), "cut off", "tokens", PER_RIGHT]
    rows = [tuple(header)]
    for world, modes in results["worlds"].items():
        for mode, cells in modes.items():
            for difficulty, cell in cells.items():
                if difficulty != ALL and not difficulties:
                    continue
                shares = (results.get("baselines") or {}).get(world, {}).get(mode, {}).get(difficulty, {})
                rows.append(
                    (
                        world,
                        mode,
                        *([difficulty] if difficulties else []),
                        str(cell["n"]),
                        percent(cell["accuracy"]),
                        interval(cell["wilson95"]),
                        *(percent(shares.get(player)) for player in players),
                        percent(cell["official_accuracy"]),
                        str(cell["parse_failures"]),
                        str(cell["illegal"]),
                        *([str(cell["errors"])] if failed else []),
                        str(cell["truncated"]),
                        number(cell["tokens_median"]),
                        number(cell["tokens_per_correct"]),
                    )
                )
    for mode, numbers in results["macro"].items():
        shares = macro_baselines(results, mode)
        cells = [modes[mode][ALL] for modes in results["worlds"].values() if mode in modes]
        counts = ("parse_failures", "illegal", *(["errors"] if failed else []), "truncated")
        rows.append(
            (
                MEAN,
                mode,
                *([ALL] if difficulties else []),
                str(sum(cell["n"] for cell in cells)),
                percent(numbers["accuracy"]),
                interval(macro_interval(numbers)),
                *(percent(shares.get(player)) for player in players),
                "-",  # it leaves out other responses in each world
                *(str(sum(cell[key] for cell in cells)) for key in counts),
                number(numbers["tokens_median"]),
                number(numbers["tokens_per_correct"]),
            )
        )
    return rows


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines with aligned columns, the first one underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    return text


def table(results: dict[str, Any], *, difficulties: bool = False) -> str:
    """The results as aligned text; one line per world and mode, or also per difficulty, and what can be read from it."""
    rows = table_rows(results, difficulties=difficulties)
    return "\n".join([*aligned(rows), "", *notes(results), *legend(rows)])


def legend(rows: Sequence[Sequence[str]]) -> list[str]:
    """What the columns of a table mean in which more than noughts stand, a sentence each; and what a mean is of."""
    filled = {rows[0][at] for row in rows[1:] for at, value in enumerate(row) if value not in ("", "-", "0")}
    said = [f"{name}: {MEANINGS[name]}" for name in rows[0] if name in MEANINGS and name in filled]
    return [f"{MEAN}: each world counts the same; counts and tokens are of all responses", *said]


def notes(results: dict[str, Any]) -> list[str]:
    """The sentences under a table: repeated problems, what a difference must be to be seen, pass@k."""
    said = []
    if results.get("run", {}).get("sampling") == SERVERS_OWN:
        said.append(f"sampling is {SERVERS_OWN}: how tokens were chosen is not known")
    named = [
        (f"{world} {mode}", cells[ALL]) for world, modes in results["worlds"].items() for mode, cells in modes.items()
    ]
    for name, cell in named:
        if cell["items"] < cell["n"]:
            said.append(
                f"{name}: {cell['n']} responses to {cell['items']} different problems tell as much as "
                f"{cell['effective_n']:.0f} independent items; its interval counts so many"
            )
    if named:
        said.append(_detects([cell for _, cell in named]))
    drawn = [(name, cell["pass_at_k"]) for name, cell in named if "pass_at_k" in cell]
    for name, shares in drawn:
        said.append(f"{name}: " + ", ".join(f"pass@{k} {percent(share)}" for k, share in shares.items()))
    if drawn:
        said.append("pass@k: the share of items that at least one of k responses gets right")
    return said


def _detects(cells: Sequence[Mapping[str, Any]]) -> str:
    """Which gaps to another run these numbers of items show at all."""
    items = "items" if all(cell["items"] == cell["n"] for cell in cells) else "independent items"
    sizes = sorted({round(cell["effective_n"]): cell for cell in cells}.items())
    (n, first), *others = sizes
    paired = first["detectable_paired"]
    said = (
        f"With {n} {items} in a world you can only detect gaps above {_points(first['detectable'])} points to a run on other "
        f"items, and {'none' if paired is None else f'above {_points(paired)} points'} to a run on the same items "
        "(idf compare)"
    )
    for n, cell in others:
        paired = cell["detectable_paired"]
        said += f"; with {n} above {_points(cell['detectable'])} and {'none' if paired is None else _points(paired)}"
    return (
        f"{said}. A gap of that size is found 80 % of the time (5 % level, accuracies near 50 %; on the same items, right "
        "answers that correlate by .5)"
    )


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def macro_interval(numbers: dict[str, Any]) -> tuple[float, float]:
    """The interval of a mean over worlds: from the lower of the two lower bounds to the higher of the two upper ones.

    A world with nothing or everything right adds no spread to the bootstrap, but to Wilson's.
    """
    return outer(numbers["bootstrap95"], numbers["wilson95"])


def outer(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The lower of two lower bounds and the higher of two upper ones."""
    return min(first[0], second[0]), max(first[1], second[1])


def macro_baselines(results: dict[str, Any], mode: str) -> dict[str, float]:
    """The mean over worlds of the trivial players, in a mode; of those alone that play every world."""
    shares: dict[str, list[float]] = {}
    cells = [modes[mode].get(ALL, {}) for modes in (results.get("baselines") or {}).values() if mode in modes]
    for cell in cells:
        for player, share in cell.items():
            shares.setdefault(player, []).append(share)
    return {player: sum(found) / len(found) for player, found in shares.items() if len(found) == len(cells)}


IMAGE_COLUMNS = ("world", "mode", "items", "images", "accuracy", "all images right", "95 % interval", *TRIVIAL)


def image_lines(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line of texts for each world and mode of a suite with images under symmetries, in the order of IMAGE_COLUMNS."""
    return [
        (
            world,
            mode,
            str(cells[ALL]["items"]),
            str(cells[ALL]["images"]),
            percent(cells[ALL]["accuracy"]),
            percent(cells[ALL]["all_right"]),
            interval(cells[ALL]["wilson95"]),
            *(percent(cells[ALL].get(player)) for player in TRIVIAL),
        )
        for world, modes in results.get("images", {}).items()
        for mode, cells in modes.items()
    ]


def image_legend() -> list[str]:
    """What the columns of that table mean."""
    return [
        "all images right: the share of items that are right in each of their images (turned, mirrored) and as they are; "
        f"{', '.join(TRIVIAL)}: the same share of trivial players",
    ]


def image_table(results: dict[str, Any]) -> str:
    """Consistency under symmetries, as aligned text with its legend; empty if the suite asks no images."""
    lines = image_lines(results)
    return "\n".join([*aligned([IMAGE_COLUMNS, *lines]), "", *image_legend()]) if lines else ""


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
    slope, low, high = (_signed(value) for value in (growth["linear"]["slope"], *growth["linear"]["ci95"]))
    linear = f"{slope} tokens a step ({low} to {high})"
    rates = (growth["exponential"]["rate"], *growth["exponential"]["ci95"])
    rate, low, high = (f"{_signed(100 * (exp(value) - 1))}%" for value in rates)
    exponential = f"{rate} a step ({low} to {high})"
    cut = f", {growth['cut_off']} of {growth['n']} cut off" if growth.get("cut_off") else ""
    return f"{growth['better']}: {exponential if growth['better'] == 'exponential' else linear}{cut}"


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}"  # no -0.0


def efficiency_table(results: dict[str, Any]) -> str:
    """What answers cost, as aligned text with its legend; empty if no tokens are known."""
    lines = efficiency_lines(results)
    return "\n".join([*aligned([EFFICIENCY_COLUMNS, *lines]), "", *efficiency_legend(lines)]) if lines else ""


def abstaining_table(results: dict[str, Any]) -> str:
    """When not to answer, as aligned text with its legend; empty if no world shows its scenes in part."""
    lines = abstaining_lines(results)
    return "\n".join([*aligned([COLUMNS, *lines]), "", *LEGEND]) if lines else ""


def efficiency_legend(lines: Sequence[Sequence[str]]) -> list[str]:
    """What the columns of that table mean; those that the table of accuracies explains are left to it."""
    said = [
        f"p90: {MEANINGS['p90']}; if right, if wrong: medians of right and of wrong responses",
        f"within {BUDGETS[0]} and so on: accuracy if every response were cut off there",
    ]
    rows = [EFFICIENCY_COLUMNS, *lines]
    if any(row[EFFICIENCY_COLUMNS.index("moves/optimal")] != "-" for row in rows[1:]):
        said.append(f"moves/optimal: {MEANINGS['moves/optimal']}")
    if any(row[-1] != "-" for row in rows[1:]):
        said.append(
            "growth with size: what a problem that is one larger (by a step, move, cube or push) takes more, by the curve that "
            "fits better, with a 95 % interval"
        )
    return said
