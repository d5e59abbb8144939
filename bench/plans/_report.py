"""From the results of the seeds to tables, and to what counts as shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.study._outcome import read_seeds
from bench.study._statistics import Effect, Outcomes, accuracy, difference
from idf.errors import UserError
from idf.evaluation import holm

from ._recipe import ARMS, WORLDS

NAMES = {"moving_box": "Moving Box", "wood_slide": "Wood Slide"}


def report(results: Path, seeds: Sequence[int]) -> str:
    """The tables of the seeds whose arms are both done, as Markdown.

    Raises:
        UserError: No seed is whole.
    """
    told = whole_seeds(results, seeds)
    if not told:
        raise UserError(f"no seed in {results} is whole: run python -m bench.plans")
    guessing = json.loads((results / "plan.json").read_text())["guessing"]
    lines = [
        f"{len(told)} of {len(seeds)} seeds ({', '.join(map(str, told))}), text, easy, mean over seeds and items, 95 % "
        "interval over both:",
        "",
        "| world | arm | accuracy | by seed | right, and every step right | steps right | tokens | label tokens |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for world in WORLDS:
        for arm in ARMS:
            lines.append(_row(told, world, arm))
        player = guessing[world]
        interval = f"{player['low']:.0%} - {player['high']:.0%}"
        lines.append(f"| {NAMES[world]} | (guesses) | {player['mean']:.1%} ({interval}) | - | - | - | - | - |")
    effects = {world: difference(*(outcomes(told, world, arm) for arm in ARMS)) for world in WORLDS}
    whole = len(told) == len(seeds)
    corrected = holm([effects[world].p for world in WORLDS])
    lines.append("")
    for world, p in zip(WORLDS, corrected, strict=True):
        effect = effects[world]
        said = _verdict(effect, p) if whole else "nothing is tested before the last seed"
        shown = f", p {p:.4f} after Holm" if whole else ""
        lines.append(
            f"- {NAMES[world]}, search minus optimal: **{said}**, {100 * effect.mean:+.1f} points "
            f"({100 * effect.low:+.1f} to {100 * effect.high:+.1f}){shown}; by seed "
            + " ".join(f"{100 * one:+.0f}" for one in effect.seeds)
        )
    best = accuracy(outcomes(told, "moving_box", "search")).mean
    bound = guessing["moving_box"]["high"]
    lines.append(
        f"- The goal, Moving Box above the guessing player's upper bound with search traces: "
        f"{'reached' if best > bound else 'not reached'} ({best:.1%}, the bound is {bound:.1%})"
    )
    return "\n".join(lines)


def whole_seeds(results: Path, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What the seeds came to whose arms are both done."""
    return {seed: found for seed, found in read_seeds(results, seeds).items() if set(found) == set(ARMS)}


def outcomes(told: dict[int, dict[str, Any]], world: str, arm: str) -> Outcomes:
    """(seeds, items): 1 for a right answer."""
    return np.array([[float(c == ".") for c in one[arm]["worlds"][world]["causes"]] for one in told.values()])


def _row(told: dict[int, dict[str, Any]], world: str, arm: str) -> str:
    table = outcomes(told, world, arm)
    effect = accuracy(table)
    cells = [one[arm]["worlds"][world] for one in told.values()]
    right = np.array([[n == m for n, m in zip(c["right"], c["steps"])] for c in cells])
    steps = sum(sum(c["right"]) for c in cells) / sum(sum(c["steps"]) for c in cells)
    tokens = np.mean([n for c in cells for n in c["tokens"] if n is not None])
    labels = np.mean([one[arm]["label_tokens"] for one in told.values()])
    return (
        f"| {NAMES[world]} | {arm} | {effect.mean:.1%} ({effect.low:.0%} - {effect.high:.0%}) | "
        f"{' '.join(f'{100 * one:.0f}' for one in effect.seeds)} | {(table * right).mean():.1%} | {steps:.1%} | {tokens:.0f} | "
        f"{labels:,.0f} |"
    )


def _verdict(effect: Effect, p: float) -> str:
    if p >= 0.05:
        return "no difference shown"
    return "better" if effect.mean > 0 else "worse"
