"""One run in several modes: which items are right in one mode and wrong in another, and what went wrong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from .bootstrap import DRAWS, SEED
from .compare import compare_rows
from .row import Row

ORDER = ("vtqa", "tqa", "vqa")
"""Of two modes the one that shows more text comes first: a difference below zero is what its absence costs."""
CELLS = ("both", "only_first", "only_second", "neither")
"""Where a pair of responses is right: in both modes, in the first or the second alone, in neither."""
UNDIAGNOSED = "undiagnosed"
"""The cause of a false row that names none: it is of an older version."""

Pair = tuple[Row, Row]


def mode_gap(rows: Sequence[Row], *, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any] | None:
    """Compare the modes of one run, item by item; samples of an item are paired by their numbers.

    Args:
        rows: The scored rows.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        "modes", in the order of `ORDER`; "pairs": for each two of them "first", "second", "unpaired" (rows of one mode
        without one of the other, left out), "worlds": world -> `pair_counts`, with "by_size": [`World.size`, `pair_counts`]
        and "compared", a task of `compare`, where a is the first mode, b the second, Holm's correction over all worlds and
        pairs; "macro" as in `compare`; "draws"; "seed". None if there are fewer than two modes.
    """
    found = {row.mode for row in rows}
    modes = [mode for mode in ORDER if mode in found] + sorted(found - set(ORDER))
    if len(modes) < 2:
        return None
    of_mode = {mode: {(row.id, row.sample): row for row in rows if row.mode == mode} for mode in modes}
    matched = {
        (a, b): [(row, of_mode[b][key]) for key, row in of_mode[a].items() if key in of_mode[b]]
        for a, b in combinations(modes, 2)
    }
    # One comparison of all pairs at once: Holm's correction is over all of them.
    sides = [
        [replace(pair[side], mode=_name(*names)) for names, pairs in matched.items() for pair in pairs]
        for side in (0, 1)
    ]
    tasks, macro = compare_rows(sides[0], sides[1], draws, seed)
    told = []
    for (a, b), pairs in matched.items():
        compared = {task["world"]: task for task in tasks if task["mode"] == _name(a, b)}
        told.append(
            {
                "first": a,
                "second": b,
                "unpaired": len(of_mode[a]) + len(of_mode[b]) - 2 * len(pairs),
                "worlds": {
                    world: _world([pair for pair in pairs if pair[0].world == world], task)
                    for world, task in compared.items()
                },
                "macro": macro.get(_name(a, b)),
            }
        )
    return {"modes": modes, "pairs": told, "draws": draws, "seed": seed}


def pair_counts(pairs: Sequence[Pair]) -> dict[str, Any]:
    """How many pairs of responses are right in which modes, and what is wrong in the others.

    Returns:
        "n"; for each of `CELLS` "n" and "causes": mode -> cause -> responses, of the modes that are wrong there.
    """
    groups: dict[str, list[Pair]] = {name: [] for name in CELLS}
    for one, other in pairs:
        groups[CELLS[2 * (not one.correct) + (not other.correct)]].append((one, other))
    told: dict[str, Any] = {"n": len(pairs)}
    for name, some in groups.items():
        causes: dict[str, Counter[str]] = {}
        for row in (row for pair in some for row in pair if not row.correct):
            causes.setdefault(row.mode, Counter())[row.cause or UNDIAGNOSED] += 1
        told[name] = {"n": len(some), "causes": {mode: dict(sorted(n.items())) for mode, n in causes.items()}}
    return told


def _world(pairs: Sequence[Pair], task: dict[str, Any]) -> dict[str, Any]:
    sizes = sorted({one.size for one, _ in pairs})
    compared = {key: value for key, value in task.items() if key not in ("world", "mode")}
    return {
        **pair_counts(pairs),
        "by_size": [[size, pair_counts([pair for pair in pairs if pair[0].size == size])] for size in sizes],
        "compared": compared,
    }


def _name(first: str, second: str) -> str:
    return f"{first} {second}"
