"""From the results of the seeds to tables, and to what has to learn before pictures are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.study._outcome import read_seeds
from bench.study._statistics import Effect, Outcomes, accuracy, difference
from idf.errors import UserError
from idf.evaluation import holm

from ._recipe import ARMS, READ, SeeingRecipe

TESTS = 10
"""Differences of all five questions: Holm's number. One that is not there yet counts with p = 1."""

Results = dict[int, dict[str, Any]]


def report(recipe: SeeingRecipe) -> str:
    """The tables of what is there, as Markdown.

    Raises:
        UserError: There is nothing.
    """
    found = {world: read_seeds(recipe.results_of(world), recipe.seeds) for world in recipe.samples}
    if not any(found.values()):
        raise UserError(f"no results in {recipe.results}: run python -m bench.seeing")
    lines: list[str] = []
    some: dict[str, Results] = {}
    for world, results in found.items():
        whole = {seed: one for seed, one in results.items() if all(arm in one for arm in ARMS)}
        named = f": {', '.join(map(str, whole))}" if whole else ""
        lines.append(f"- {_spaced(world)}: {len(whole)} of {len(recipe.seeds)} seeds have all arms{named}")
        some |= {world: whole} if whole else {}
    if some:
        tested = [world for world, whole in some.items() if len(whole) == len(recipe.seeds)]
        lines += ["", *_table(some), "", *_said(some, tested), "", *_costs(some)]
    return "\n".join(lines)


def outcomes(found: Results, arm: str, question: str) -> Outcomes:
    """(seeds, items): 1 for a right answer."""
    return np.array([[float(c == ".") for c in one[arm]["answers"][question]["right"]] for one in found.values()])


def _questions(some: Mapping[str, Results]) -> list[tuple[str, str]]:
    """World and question, of the worlds that there are results of."""
    first = {world: next(iter(found.values())) for world, found in some.items()}
    return [(world, question) for world, one in first.items() for question in one["frozen"]["answers"]]


def _table(some: Mapping[str, Results]) -> list[str]:
    lines = [
        "| world, question | commonest answer (parts) | " + " | ".join(f"{arm}: right | parts" for arm in ARMS) + " |",
        "| --- " * (2 + 2 * len(ARMS)) + "|",
    ]
    for world, question in _questions(some):
        found = some[world]
        blind = next(iter(found.values()))["frozen"]["answers"][question]
        cells = []
        for arm in ARMS:
            share = accuracy(outcomes(found, arm, question))
            parts = np.mean([one[arm]["answers"][question]["parts"] for one in found.values()])
            cells += [f"{share.mean:.1%} ({share.low:.0%} - {share.high:.0%})", f"{parts:.1%}"]
        common = f"{blind['commonest']:.0%} ({blind['commonest_parts']:.0%})"
        lines.append(f"| {_spaced(question)} | {common} | {' | '.join(cells)} |")
    return lines


def _said(some: Mapping[str, Results], tested: Sequence[str]) -> list[str]:
    """What has to learn before a question is read, and what the vision part adds; p of the worlds that are whole."""
    steps = (("frozen", "language+merger"), ("language+merger", "all"))
    gains = {
        (question, after): difference(outcomes(some[world], before, question), outcomes(some[world], after, question))
        for world, question in _questions(some)
        for before, after in steps
    }
    whole = [(question, after) for world, question in _questions(some) if world in tested for _, after in steps]
    ps = [gains[one].p for one in whole]
    adjusted = dict(zip(whole, holm([*ps, *[1.0] * (TESTS - len(ps))]), strict=False))
    lines = []
    for world, question in _questions(some):
        right = {arm: outcomes(some[world], arm, question) for arm in ARMS}
        enough = [arm for arm in ARMS if right[arm].mean() >= READ]
        first = f"read at {READ:.0%} from `{enough[0]}` on" if enough else f"no arm reads at {READ:.0%}"
        said = [
            f"{after} minus {before} {_points(gains[question, after], adjusted.get((question, after)))}"
            for before, after in steps
        ]
        lines.append(f"- {_spaced(question)}: {'' if world in tested else 'so far '}{first}; {'; '.join(said)}")
    left = [_spaced(world) for world in some if world not in tested]
    return [*lines, *([f"- {', '.join(left)}: nothing is tested before the last seed"] if left else [])]


def _costs(some: Mapping[str, Results]) -> list[str]:
    lines = [
        "| world, arm | steps | minutes on one core beside other work | loss of the last 20 steps |",
        "| --- | --- | --- | --- |",
    ]
    for world, found in some.items():
        for arm in ARMS:
            runs = [one[arm] for one in found.values()]
            minutes, loss = (np.mean([run[key] for run in runs]) for key in ("seconds", "last_loss"))
            lines.append(f"| {_spaced(world)}, {arm} | {runs[0]['steps']} | {minutes / 60:.1f} | {loss:.3f} |")
    return lines


def _points(effect: Effect, p: float | None) -> str:
    tested = f", p {p:.3f} after Holm" if p is not None else ""
    return f"{100 * effect.mean:+.1f} points ({100 * effect.low:+.1f} to {100 * effect.high:+.1f}{tested})"


def _spaced(name: str) -> str:
    return name.replace("_", " ")
