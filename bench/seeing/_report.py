"""From the results of the seeds to tables, and to what has to learn before pictures are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.study._outcome import read_seeds
from bench.study._statistics import Effect, Outcomes, accuracy, difference
from idf.errors import UserError
from idf.evaluation import holm

from ._recipe import ARMS, READ, SeeingRecipe

Results = dict[int, dict[str, Any]]


def report(recipe: SeeingRecipe) -> str:
    """The tables of what is there, as Markdown.

    Raises:
        UserError: There is nothing.
    """
    found = read_seeds(Path(recipe.results), recipe.seeds)
    if not found:
        raise UserError(f"no results in {recipe.results}: run python -m bench.seeing")
    some = {seed: one for seed, one in found.items() if all(arm in one for arm in ARMS)}
    lines = [f"{len(some)} of {len(recipe.seeds)} seeds have all arms" + (f": {_named(some)}" if some else "")]
    if not some:
        return lines[0]
    return "\n".join([*lines, "", *_table(some), "", *_said(some, len(some) == len(recipe.seeds)), "", *_costs(some)])


def outcomes(found: Results, arm: str, question: str) -> Outcomes:
    """(seeds, items): 1 for a right answer."""
    return np.array([[float(c == ".") for c in one[arm]["answers"][question]["right"]] for one in found.values()])


def _questions(found: Results) -> list[str]:
    return list(next(iter(found.values()))["frozen"]["answers"])


def _table(found: Results) -> list[str]:
    lines = [
        "| world, question | commonest answer (parts) | " + " | ".join(f"{arm}: right | parts" for arm in ARMS) + " |",
        "| --- " * (2 + 2 * len(ARMS)) + "|",
    ]
    for question in _questions(found):
        blind = next(iter(found.values()))["frozen"]["answers"][question]
        cells = []
        for arm in ARMS:
            share = accuracy(outcomes(found, arm, question))
            parts = np.mean([one[arm]["answers"][question]["parts"] for one in found.values()])
            cells += [f"{share.mean:.1%} ({share.low:.0%} - {share.high:.0%})", f"{parts:.1%}"]
        lines.append(
            f"| {question.replace('_', ' ')} | {blind['commonest']:.0%} ({blind['commonest_parts']:.0%}) | {' | '.join(cells)} |"
        )
    return lines


def _said(found: Results, whole: bool) -> list[str]:
    """What has to learn before a question is read, and what the vision part adds."""
    lines = []
    steps = (("frozen", "language+merger"), ("language+merger", "all"))
    gains = [
        difference(outcomes(found, before, question), outcomes(found, after, question))
        for question in _questions(found)
        for before, after in steps
    ]
    adjusted = iter(zip(gains, holm([gain.p for gain in gains]), strict=True))
    for question in _questions(found):
        right = {arm: outcomes(found, arm, question) for arm in ARMS}
        enough = [arm for arm in ARMS if right[arm].mean() >= READ]
        name = question.replace("_", " ")
        first = f"read at {READ:.0%} from `{enough[0]}` on" if enough else f"no arm reads at {READ:.0%}"
        said = [f"{after} minus {before} {_points(*next(adjusted), whole)}" for before, after in steps]
        lines.append(f"- {name}: {first if whole else f'so far {first}'}; {'; '.join(said)}")
    return lines if whole else [*lines, "- nothing is tested before the last seed"]


def _costs(found: Results) -> list[str]:
    lines = [
        "| arm | steps | minutes on one core beside other work | loss of the last 20 steps |",
        "| --- | --- | --- | --- |",
    ]
    for arm in ARMS:
        runs = [one[arm] for one in found.values()]
        minutes = np.mean([run["seconds"] for run in runs]) / 60
        lines.append(
            f"| {arm} | {runs[0]['steps']} | {minutes:.1f} | {np.mean([run['last_loss'] for run in runs]):.3f} |"
        )
    return lines


def _points(effect: Effect, p: float, whole: bool) -> str:
    tested = f", p {p:.3f} after Holm over all" if whole else ""
    return f"{100 * effect.mean:+.1f} points ({100 * effect.low:+.1f} to {100 * effect.high:+.1f}{tested})"


def _named(found: Results) -> str:
    return ", ".join(map(str, found))
