"""Tokens against the size of the problem, of one world in several runs: `idf table --growth WORLD`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from math import exp
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from idf.errors import UserError

from ..metrics.growth import CLEAR, growth
from ..metrics.results import read_samples
from ..metrics.row import Row
from ..metrics.tokens import tokens_of
from .latex import booktabs_table
from .markdown import markdown_list, markdown_table
from .side_by_side import side_by_side
from .tables import aligned, number, percent

CURVES = ("linear", "exponential")
FIT_COLUMNS = (
    "run",
    "mode",
    "n",
    "cut off",
    "tokens a step",
    "95 % interval",
    "% a step",
    "95 % interval",
    "AIC",
    "better",
)
SIZE_COLUMNS = ("run", "mode", "size", "n", "right", "cut off", "tokens, median", *CURVES)
LEGEND = (
    "a step: how many more tokens a problem takes that has one step more: in tokens by the line, in per cent by the exponential",
    "cut off: responses that met the limit; both curves take them as at least so long (docs/compare.md)",
    f"AIC: that of the line less that of the exponential; better: the curve with the smaller one; undecided within {CLEAR}, or "
    "where there are too few problems or sizes, too many are cut off, or a slope may be 0 (docs/compare.md)",
)


class Size(NamedTuple):
    """The responses to problems of one size whose tokens are known."""

    size: int
    n: int
    right: int
    cut_off: int
    tokens_median: float


class Grown(NamedTuple):
    """How tokens grow in one run and mode.

    Attributes:
        run: Its name.
        mode: The mode.
        rows: The responses whose tokens are known.
        sizes: By size.
        fit: What `growth` says; None if there is too little to fit.
    """

    run: str
    mode: str
    rows: list[Row]
    sizes: list[Size]
    fit: dict[str, Any] | None

    def at(self, curve: str, size: float) -> float | None:
        """The median of tokens at a size, by one of CURVES."""
        if self.fit is None:
            return None
        start, by = self.fit[curve]["at"]
        return float(start + by * size) if curve == "linear" else exp(min(start + by * size, 50.0))


class Growths(NamedTuple):
    """One world in several runs, and how many of its responses do not say their tokens: they are left out."""

    world: str
    runs: list[Grown]
    without_tokens: int


def growths(folders: Mapping[str, Path], world: str) -> Growths:
    """Fit the growth of tokens in each run and mode.

    Args:
        folders: Name -> folder that `idf-eval` wrote.
        world: The world.

    Raises:
        UserError: What `side_by_side` refuses; or no run asked this world, or none says its tokens.
    """
    side_by_side(folders)  # refuses what cannot stand in one table
    every = {name: read_samples(folder) for name, folder in folders.items()}
    rows = [(name, row) for name, mine in every.items() for row in mine if row.world == world]
    if not rows:
        asked = sorted({row.world for mine in every.values() for row in mine})
        raise UserError(f"--growth {world}: these runs asked {', '.join(asked)}, and no item of {world}")
    known = [(name, row) for name, row in rows if tokens_of(row) is not None]
    if not known:
        raise UserError(f"--growth {world}: no response says its completion_tokens, so there is nothing to draw")
    places = dict.fromkeys((name, row.mode) for name, row in known)
    return Growths(
        world,
        [_grown(name, mode, [row for n, row in known if (n, row.mode) == (name, mode)]) for name, mode in places],
        len(rows) - len(known),
    )


def _grown(run: str, mode: str, rows: list[Row]) -> Grown:
    sizes = []
    for size in sorted({row.size for row in rows}):
        mine = [row for row in rows if row.size == size]
        cut = sum(row.finish_reason == "length" for row in mine)
        tokens = [count for row in mine if (count := tokens_of(row)) is not None]
        sizes.append(Size(size, len(mine), sum(row.correct for row in mine), cut, median(tokens)))
    return Grown(run, mode, rows, sizes, growth(rows))


def fit_rows(found: Growths) -> list[tuple[str, ...]]:
    """A header, and a row for each run and mode."""
    rows: list[tuple[str, ...]] = [FIT_COLUMNS]
    for one in found.runs:
        cut = sum(size.cut_off for size in one.sizes)
        begin = (one.run, one.mode, str(len(one.rows)), str(cut))
        if one.fit is None:
            rows.append((*begin, *["-"] * 5, "too little to fit"))
            continue
        line, curve = one.fit["linear"], one.fit["exponential"]
        rates = [f"{exp(rate) - 1:+.1%}" for rate in (curve["rate"], *curve["ci95"])]
        slopes = [f"{slope:+.1f}" for slope in (line["slope"], *line["ci95"])]
        numbers = (slopes[0], " to ".join(slopes[1:]), rates[0], " to ".join(rates[1:]))
        rows.append((*begin, *numbers, f"{line['aic'] - curve['aic']:+.1f}", one.fit["better"]))
    return rows


def size_rows(found: Growths) -> list[tuple[str, ...]]:
    """A header, and a row for each run, mode and size."""
    rows: list[tuple[str, ...]] = [SIZE_COLUMNS]
    for one in found.runs:
        for said in one.sizes:
            counts = (str(said.size), str(said.n), percent(said.right / said.n), str(said.cut_off))
            fitted = (number(one.at(curve, said.size)) for curve in CURVES)
            rows.append((one.run, one.mode, *counts, number(said.tokens_median), *fitted))
    return rows


def growth_as(found: Growths, form: str) -> str:
    """The tables in one of `side_by_side.FORMS`: the fits and the sizes; in LaTeX the fits, in CSV the sizes with the fits."""
    fits, sizes, notes = fit_rows(found), size_rows(found), growth_notes(found)
    if form == "md":
        parts = [markdown_table(fits, 2), markdown_table(sizes, 2), markdown_list(notes)]
        return "\n\n".join(parts) + "\n"
    if form == "tex":
        columns = FIT_COLUMNS
        spans = [("", columns[:4]), ("linear", columns[4:6]), ("exponential", columns[6:8]), ("", columns[8:])]
        return booktabs_table(spans, [fits[1:]], "; ".join(notes) + ".")
    if form == "csv":
        return _csv(found)
    return "\n".join([*aligned(fits), "", *aligned(sizes), "", *notes]) + "\n"


def growth_notes(found: Growths) -> Sequence[str]:
    """What is told, what the columns mean, and what is left out."""
    left_out = [f"responses that do not say their tokens, left out: {found.without_tokens}"]
    title = f"Generated tokens against the size of problems of {found.world}"
    return [title, *LEGEND, *(left_out if found.without_tokens else [])]


def _csv(found: Growths) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "world", "mode", *Size._fields, *CURVES, "slope", "rate", "better"])
    for one in found.runs:
        fit = one.fit
        told = ["", "", ""] if fit is None else [fit["linear"]["slope"], fit["exponential"]["rate"], fit["better"]]
        for said in one.sizes:
            fitted = [one.at(curve, said.size) for curve in CURVES]
            writer.writerow([one.run, found.world, one.mode, *said, *fitted, *told])
    return text.getvalue()
