"""The player that guesses, with the interval of what another suite and other guesses would have shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.study._statistics import accuracy
from idf.evaluation.metrics.baselines import baseline_answer
from idf.suites import Item
from idf.worlds import WORLDS

PLAYS = 100


def guessing(items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """World -> mean accuracy of guessing, its 95 % interval over plays and items."""
    found: dict[str, dict[str, Any]] = {}
    for world in sorted({item.problem.world for item in items}):
        of_world = [item for item in items if item.problem.world == world]
        table = np.array(
            [
                [
                    float(
                        WORLDS[world]
                        .judge(item.problem, baseline_answer("random", item.problem, f"{item.id} play {play}"))
                        .correct
                    )
                    for item in of_world
                ]
                for play in range(PLAYS)
            ]
        )
        effect = accuracy(table)
        found[world] = {"plays": PLAYS, "mean": effect.mean, "low": effect.low, "high": effect.high}
    return found
