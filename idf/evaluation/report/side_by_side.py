"""Several evaluations of one suite in one table: `idf table`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from idf.errors import UserError

from ..metrics.comparable import check_rules, rules_of
from ..metrics.results import read_whole
from ..metrics.summary import ALL
from .latex import booktabs_table
from .markdown import markdown, markdown_table
from .tables import IN_BRACKETS, MEAN, MEANINGS, aligned, interval, macro_baselines, macro_interval, number, percent

TOKENS = "tokens"
FORMS = {"text": ".txt", "md": ".md", "tex": ".tex", "csv": ".csv"}
"""A form of the table -> how the name of its file ends."""
_FACTS = ("prompts", "pictures", "sampling", "parser")  # what a run says of how it was asked


class Cell(NamedTuple):
    """What one run has in a world and mode, or in the mean over worlds.

    Attributes:
        n: Responses.
        correct: Right ones; None for a mean.
        accuracy, low, high: The share of right ones and its 95 % interval.
        tokens_median, tokens_per_correct: None if no tokens are known.
    """

    n: int
    correct: int | None
    accuracy: float
    low: float
    high: float
    tokens_median: float | None
    tokens_per_correct: float | None


class Line(NamedTuple):
    """A world, or the mean over worlds, in a mode: the cell of each run, None where it was not asked; trivial players."""

    world: str
    mode: str
    cells: list[Cell | None]
    players: dict[str, float]


class SideBySide(NamedTuple):
    """Several evaluations of one suite.

    Attributes:
        runs: Name -> `run` of its results.
        lines: A line for each world and mode, then one for the mean over worlds of each mode.
    """

    runs: dict[str, dict[str, Any]]
    lines: list[Line]

    @property
    def players(self) -> list[str]:
        """The trivial players that some line knows."""
        return list(dict.fromkeys(player for line in self.lines for player in line.players))

    @property
    def with_tokens(self) -> list[bool]:
        """Of each run, whether some tokens are known."""
        cells = [[line.cells[at] for line in self.lines] for at in range(len(self.runs))]
        return [any(cell is not None and cell.tokens_median is not None for cell in some) for some in cells]


def side_by_side(folders: Mapping[str, Path]) -> SideBySide:
    """Put several evaluations into one table.

    Args:
        folders: Name -> folder that `idf-eval` wrote.

    Raises:
        UserError: A folder holds no results, those of a version that wrote no intervals, or samples that are not theirs; or
            the evaluations asked different suites or were judged by different rules.
    """
    read = {name: read_whole(folder) for name, folder in folders.items()}
    suites = {(results["run"].get("suite"), results["run"].get("items")) for results in read.values()}
    prints = {results["run"].get("suite_sha256") for results in read.values()}
    if len(suites) > 1:
        named = ", ".join(
            f"{name} {results['run'].get('suite')} with {results['run'].get('items')} items"
            for name, results in read.items()
        )
        raise UserError(f"these evaluations asked different suites and cannot stand in one table: {named}")
    if len(prints) > 1 and None not in prints:
        suite, items = suites.pop()
        raise UserError(
            f"these evaluations asked different items and cannot stand in one table: {suite} with {items} items was made anew "
            "since"
        )
    check_rules(list(read), [results["run"] for results in read.values()])
    every = list(read.values())
    keys = sorted({(world, mode) for results in every for world, modes in results["worlds"].items() for mode in modes})
    lines = [
        Line(
            world,
            mode,
            [_cell(results["worlds"].get(world, {}).get(mode, {}).get(ALL)) for results in every],
            next((shares for results in every if (shares := _players(results, world, mode))), {}),
        )
        for world, mode in keys
    ]
    for mode in sorted({mode for _, mode in keys}):
        players = next((shares for results in every if (shares := macro_baselines(results, mode))), {})
        lines.append(Line(MEAN, mode, [_mean(results, mode) for results in every], players))
    return SideBySide({name: results["run"] for name, results in read.items()}, lines)


def _cell(numbers: dict[str, Any] | None) -> Cell | None:
    if numbers is None:
        return None
    low, high = numbers["wilson95"]
    tokens = (numbers["tokens_median"], numbers["tokens_per_correct"])
    return Cell(numbers["n"], numbers["correct"], numbers["accuracy"], low, high, *tokens)


def _mean(results: dict[str, Any], mode: str) -> Cell | None:
    if mode not in results["macro"]:
        return None
    numbers = results["macro"][mode]
    low, high = macro_interval(numbers)
    n = sum(modes[mode][ALL]["n"] for modes in results["worlds"].values() if mode in modes)
    return Cell(n, None, numbers["accuracy"], low, high, numbers["tokens_median"], numbers["tokens_per_correct"])


def _players(results: dict[str, Any], world: str, mode: str) -> dict[str, float]:
    shares: dict[str, float] = (results.get("baselines") or {}).get(world, {}).get(mode, {}).get(ALL, {})
    return shares


def about(found: SideBySide) -> list[str]:
    """What was asked and how, and what intervals and columns mean, a sentence each."""
    runs = found.runs
    first = next(iter(runs.values()))
    said = [f"suite {first.get('suite')}, {first.get('items')} items, scoring rules of {rules_of(first)}"]
    for key in _FACTS:
        values = {name: _said(run.get(key)) for name, run in runs.items()}
        if len(set(values.values())) > 1:
            said.append(f"{key}: " + ", ".join(f"{value} in {name}" for name, value in values.items()))
        elif (value := next(iter(values.values()))) != _said(None):
            said.append(f"{key}: {value}")
    said += [IN_BRACKETS, "n: responses, each of them in the denominator"]
    if any(len(set(_counts(line))) > 1 for line in found.lines):
        said[-1] += "; several numbers are those of the runs, from left to right"
    said.append(f"{MEAN}: each world counts the same")
    said += [f"player {player}: {MEANINGS[player]}" for player in found.players if player in MEANINGS]
    if any(found.with_tokens):
        said.append(f"{TOKENS}: {MEANINGS[TOKENS]}")
    if any(cell is None for line in found.lines for cell in line.cells):
        said.append("-: not asked, or not known")
    return said


def _said(value: Any) -> str:
    return "not said" if value is None else str(value.get("name") if isinstance(value, dict) else value)


def _counts(line: Line) -> list[int]:
    return [cell.n for cell in line.cells if cell is not None]


def _n(line: Line) -> str:
    """How many responses; the number of each run where they differ."""
    counts = _counts(line)
    return str(counts[0]) if len(set(counts)) == 1 else "/".join("-" if c is None else str(c.n) for c in line.cells)


def rows_of(found: SideBySide) -> list[tuple[str, ...]]:
    """A header and a row of texts for each line; runs whose tokens are known have a column of their own for them."""
    header = ["world", "mode", "n"]
    for name, tokens in zip(found.runs, found.with_tokens, strict=True):
        header += [name, *([f"{name}: {TOKENS}"] if tokens else [])]
    rows = [(*header, *(f"player {player}" for player in found.players))]
    for line in found.lines:
        row = [line.world, line.mode, _n(line)]
        for cell, tokens in zip(line.cells, found.with_tokens, strict=True):
            row.append("-" if cell is None else f"{percent(cell.accuracy)} ({interval(cell[3:5])})")
            row += [number(None if cell is None else cell.tokens_median)] if tokens else []
        rows.append((*row, *(percent(line.players.get(player)) for player in found.players)))
    return rows


def side_by_side_text(found: SideBySide) -> str:
    """The table as aligned text, with what it is about below."""
    return "\n".join([*aligned(rows_of(found)), "", *about(found)])


def side_by_side_markdown(found: SideBySide) -> str:
    """The table in GitHub's Markdown, with what it is about below."""
    notes = "\n".join(f"- {markdown(sentence)}" for sentence in about(found))
    return f"{markdown_table(rows_of(found), 2)}\n\n{notes}"


def side_by_side_latex(found: SideBySide) -> str:
    """The table in LaTeX, for the package booktabs: accuracy and interval of a run are columns below its name, in per cent."""
    spans: list[tuple[str, list[str]]] = [("", ["world", "mode", "n"])]
    for name, tokens in zip(found.runs, found.with_tokens, strict=True):
        spans.append((name, ["%", "95 %", *([TOKENS] if tokens else [])]))
    spans.append(("trivial players", found.players))
    bodies: list[list[list[str]]] = [[], []]
    for line in found.lines:
        mean = line.world == MEAN
        row = [(line.world if mean else line.world.replace("_", " ")).capitalize(), line.mode, _n(line)]
        for cell, tokens in zip(line.cells, found.with_tokens, strict=True):
            row += (
                ["-", "-"]
                if cell is None
                else [_hundred(cell.accuracy), f"[{_hundred(cell.low)}, {_hundred(cell.high)}]"]
            )
            row += [number(None if cell is None else cell.tokens_median)] if tokens else []
        shares = [line.players.get(player) for player in found.players]
        bodies[mean].append([*row, *("-" if share is None else _hundred(share) for share in shares)])
    caption = "Accuracy in per cent; " + "; ".join(about(found)) + "."
    return booktabs_table(spans, bodies, caption)


def _hundred(share: float) -> str:
    return f"{100 * share:.1f}"


def side_by_side_csv(found: SideBySide) -> str:
    """A line for each run, world and mode, and for each mean over worlds, with numbers that are not rounded."""
    text = io.StringIO()
    facts = ("evaluated", "suite", "suite_sha256", "items", "scoring_rules", *_FACTS)
    columns = ("run", *facts, "world", "mode", *Cell._fields, *found.players)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for at, (name, run) in enumerate(found.runs.items()):
        said = ["" if run.get(key) is None else _said(run[key]) for key in facts]
        for line in found.lines:
            if (cell := line.cells[at]) is not None:
                writer.writerow(
                    [name, *said, line.world, line.mode, *cell, *(line.players.get(p) for p in found.players)]
                )
    return text.getvalue()


def written_as(found: SideBySide, form: str) -> str:
    """The table in one of FORMS."""
    write = {
        "text": side_by_side_text,
        "md": side_by_side_markdown,
        "tex": side_by_side_latex,
        "csv": side_by_side_csv,
    }
    return write[form](found).removesuffix("\n") + "\n"


def form_of(path: Path) -> str:
    """The form that the name of a file asks for.

    Raises:
        UserError: It ends in none that is known, or is a folder.
    """
    if path.is_dir():
        raise UserError(f"--out {path} is a folder: name a file that ends in {', '.join(FORMS.values())}")
    form = next((form for form, suffix in FORMS.items() if path.suffix.lower() == suffix), None)
    if form is None:
        raise UserError(f"--out {path} ends in no form of a table: use one of {', '.join(FORMS.values())}")
    return form
