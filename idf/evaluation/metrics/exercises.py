"""How many steps of exercises are right, and where the first wrong one stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .problems import problem_of
from .row import Row
from .statistics import effective_rows, wilson
from .summary import ALL


def exercise_cells(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """What exercises say of each step.

    Args:
        rows: Scored rows; those of problems are left aside.

    Returns:
        World -> mode -> kind or "all" -> `exercise_cell`; empty if there are no exercises.
    """
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        for kind in () if row.kind is None else (ALL, row.kind):
            groups.setdefault((row.world, row.mode), {}).setdefault(kind, []).append(row)
    cells: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for (world, mode), kinds in sorted(groups.items()):
        cells.setdefault(world, {})[mode] = {kind: exercise_cell(mine) for kind, mine in kinds.items()}
    return cells


def exercise_cell(rows: Sequence[Row]) -> dict[str, Any]:
    """The numbers of some responses to exercises.

    Args:
        rows: Their rows, at least one.

    Returns:
        "n"; "all_right" and "answer_right": shares of responses; "steps" and "steps_right": steps that there are to state, and
        the share that is right, with "steps_right95", its interval (steps of one exercise are a cluster); None where the kind
        has no steps; "first_wrong": number of the step -> responses in which it is the first that is not right, 0 for a false
        start; "missing": in how many of them it is not stated at all.
    """
    n = len(rows)
    tallies: dict[str, list[int]] = {}
    for row in rows:
        mine = tallies.setdefault(problem_of(row), [0, 0])
        mine[0] += row.steps_right or 0
        mine[1] += row.steps or 0
    counts = [(right, steps) for right, steps in tallies.values() if steps]
    right, steps = (sum(count[i] for count in counts) for i in (0, 1))
    worth = effective_rows(counts) if counts else 0.0
    first = Counter(row.wrong_step for row in rows if row.wrong_step is not None)
    return {
        "n": n,
        "all_right": sum(row.correct for row in rows) / n,
        "answer_right": sum(bool(row.answer_right) for row in rows) / n,
        "steps": steps,
        "steps_right": right / steps if steps else None,
        "steps_right95": wilson(right / steps * worth, worth) if steps else None,
        "first_wrong": {str(step): first[step] for step in sorted(first)},
        "missing": sum(bool(row.step_missing) for row in rows),
    }
