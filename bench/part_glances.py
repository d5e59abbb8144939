"""How well somebody who imagines nothing can tell whether a scene shown in part has an answer.

For each thing that a glance takes in, a table says which of the two was more frequent in one half of the problems; it is
asked about the other half. Chance is 50 %, as half of the problems have an answer.

    python bench/part_glances.py 1000
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from typing import Any

from idf.answers import UNDETERMINED
from idf.worlds import DIFFICULTIES, PARTS, Problem, sample_problem
from idf.worlds.mental_rotation import COLOURS

OPPOSITE = {"front": "back", "back": "front", "left": "right", "right": "left", "top": "bottom", "bottom": "top"}


def glances(problem: Problem[Any, Any]) -> dict[str, object]:
    """What is taken in at a glance, by name."""
    query = problem.query
    if problem.world == "cube_rolling_part":
        rolls = query.path.split()
        return {
            "face asked": query.face,
            "face asked is hidden at the start": query.face in ("bottom", "left", "back"),
            "number of rolls": len(rolls),
            "first roll": rolls[0],
            "last roll": rolls[-1],
            "face asked and last roll": (query.face, rolls[-1]),
        }
    if problem.world == "moving_box_part":
        rows = [row.split() for row in query.shown.split("\n")]
        where = {symbol: (r, c) for r, row in enumerate(rows) for c, symbol in enumerate(row)}
        target, box = where.get("T") or where["+"], where["B"]
        covered = [(r, c) for r, row in enumerate(rows) for c, symbol in enumerate(row) if symbol == "?"]
        distance = abs(target[0] - box[0]) + abs(target[1] - box[1])
        beside = {name: sum(abs(r - at[0]) + abs(c - at[1]) == 1 for r, c in covered) for name, at in where.items()}
        return {
            "covered cells": len(covered),
            "floor shown": query.shown.count("."),
            "distance of box and target": distance,
            "covered beside the box": beside["B"],
            "covered beside the player": beside.get("S", beside.get("+")),
            "covered beside the target": beside.get("T", beside.get("+")),
        }
    names = [view.split(":")[0] for view in query.views.split(" | ")]
    seen = [sum(word in COLOURS for word in view.split()) for view in query.views.split(" | ")]
    return {
        "views shown": len(names),
        "opposite view shown": OPPOSITE[query.view] in names,
        "side asked": query.view,
        "cubes": query.cubes,
        "cubes that the fullest view hides": int(query.cubes) - max(seen),
    }


def main(number: int) -> None:
    """Print a line for each world, difficulty and glance."""
    for name, part in PARTS.items():
        for difficulty in DIFFICULTIES:
            begun = time.process_time()
            told = []
            for index in range(number):
                item = sample_problem(part, seed=11, split="train", index=index, difficulty=difficulty)
                told.append((glances(item), part.truth(item) == UNDETERMINED))
            cost = (time.process_time() - begun) / number
            share = sum(truth for _, truth in told) / number
            print(
                f"{name} {difficulty}: {share:.1%} cannot be determined, {1000 * cost:.1f} ms of a core each",
                flush=True,
            )
            for what in told[0][0]:
                table: dict[object, Counter[bool]] = defaultdict(Counter)
                for glance, truth in told[::2]:
                    table[glance[what]][truth] += 1
                right = sum(
                    table[glance[what]].most_common(1)[0][0] == truth
                    for glance, truth in told[1::2]
                    if table[glance[what]]
                )
                print(f"    {what}: {right / len(told[1::2]):.1%}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
