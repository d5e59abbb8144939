"""From the results of the seeds to tables, and to what counts as shown."""

from __future__ import annotations

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
Results = dict[int, dict[str, Any]]


def report(results: Path, seeds: Sequence[int]) -> str:
    """The tables of the seeds whose arms are both done, as Markdown.

    Raises:
        UserError: No seed is whole.
    """
    told = whole_seeds(results, seeds)
    if not told:
        raise UserError(f"no seed in {results} is whole: run python -m bench.loop")
    rounds = len(next(iter(told.values()))[ARMS[0]]["causes"]) - 1
    whole = len(told) == len(seeds)
    lines = [
        f"{len(told)} of {len(seeds)} seeds ({', '.join(map(str, told))}), text, easy, {rounds} rounds; mean over seeds and "
        "items, 95 % interval over both:",
        "",
        f"| world | draws | start | {' | '.join(f'round {n}' for n in range(1, rounds + 1))} | by seed, at the end |",
        "| --- " * (rounds + 4) + "|",
    ]
    for world in WORLDS:
        for arm in ARMS:
            by_round = [accuracy(outcomes(told, world, arm, number)) for number in range(rounds + 1)]
            by_seed = " ".join(f"{100 * one:.0f}" for one in by_round[-1].seeds)
            lines.append(f"| {NAMES[world]} | {arm} | {' | '.join(map(_share, by_round))} | {by_seed} |")
    effects = [difference(*(outcomes(told, world, arm, rounds) for arm in ARMS)) for world in WORLDS]
    lines.append("")
    for world, effect, p in zip(WORLDS, effects, holm([effect.p for effect in effects]), strict=True):
        said = _verdict(effect, p) if whole else "nothing is tested before the last seed"
        shown = f", p {p:.4f} after Holm" if whole else ""
        lines.append(
            f"- {NAMES[world]}, weighted minus uniform: **{said}**, {100 * effect.mean:+.1f} points "
            f"({100 * effect.low:+.1f} to {100 * effect.high:+.1f}){shown}; by seed "
            + " ".join(f"{100 * one:+.0f}" for one in effect.seeds)
        )
    return "\n".join([*lines, "", *_cells(told)])


def whole_seeds(results: Path, seeds: Sequence[int]) -> Results:
    """What the seeds came to whose arms are both done."""
    return {seed: found for seed, found in read_seeds(results, seeds).items() if set(ARMS) <= set(found)}


def outcomes(told: Results, world: str, arm: str, number: int) -> Outcomes:
    """(seeds, items): 1 for a right answer after a round; round 0 is the start."""
    return np.array(
        [
            [float(c == ".") for c, of in zip(one[arm]["causes"][number], one["worlds"], strict=True) if of == world]
            for one in told.values()
        ]
    )


def _cells(told: Results) -> list[str]:
    """What was drawn, by cell: sums over seeds and rounds."""
    lines = [
        "| cell | weighted: success on the probe | drawn | solved | told by the oracle | uniform: success | drawn | solved | "
        "told |",
        "| --- " * 9 + "|",
    ]
    rounds = {arm: [one for found in told.values() for one in found[arm]["rounds"]] for arm in ARMS}
    for cell in rounds["weighted"][0]["cells"]:
        cells = []
        for arm in reversed(ARMS):
            here = [one["cells"][cell] for one in rounds[arm] if cell in one["cells"]]
            right, n, *drawn = (sum(one[key] for one in here) for key in ("right", "n", "drawn", "solved", "oracle"))
            cells += [f"{right / n:.0%}", *map(str, drawn)]
        lines.append(f"| `{cell}` | {' | '.join(cells)} |")
    return lines


def _share(effect: Effect) -> str:
    return f"{effect.mean:.1%} ({effect.low:.0%} - {effect.high:.0%})"


def _verdict(effect: Effect, p: float) -> str:
    if p >= 0.05:
        return "no difference shown"
    return "better" if effect.mean > 0 else "worse"
