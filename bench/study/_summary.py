"""From outcomes to the numbers of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from idf.evaluation import holm

from ._outcome import LETTERS, Answered, Study
from ._statistics import Outcomes, accuracy, difference

EVERY = "all"
"""In place of a world: the mean over worlds, each with as many items as the others."""


def summarize(study: Study) -> dict[str, Any]:
    """All numbers of a study.

    Returns:
        "seeds": those that are whole, of "seeds_planned"; "players": the accuracy of the trivial ones; "cells": one for each
        arm, budget, world (and "all") and mode; "comparisons": one for each pair of arms, with "tasks" and "means" (over
        worlds), each a list over budgets and modes, with p-values corrected by Holm within the list, and "secondary": the same
        of the steps on the way. There is no p before the last seed.
    """
    recipe = study.plan["recipe"]
    return {
        "name": recipe["name"],
        "claims": recipe["claims"],
        "seeds": study.seeds,
        "seeds_planned": recipe["seeds"],
        "players": study.players,
        "cells": [
            _cell(study, arm, int(budget), run, world, mode)
            for arm, budgets in study.plan["arms"].items()
            for budget, run in budgets.items()
            for world in worlds_of(study)
            for mode in recipe["modes"]
        ],
        "comparisons": [_comparison(study, a, b) for a, b in recipe["comparisons"] if _budgets(study, a, b)],
    }


def worlds_of(study: Study) -> list[str]:
    """The worlds in the order of the suite, then "all"."""
    return [*dict.fromkeys(item["world"] for item in study.items), EVERY]


def _places(study: Study, world: str) -> list[int]:
    return list(range(len(study.items))) if world == EVERY else study.of_world(world)


def _cell(study: Study, arm: str, budget: int, run: str, world: str, mode: str) -> dict[str, Any]:
    places = _places(study, world)
    answered = [modes[mode] for modes in study.answers[run].values()]
    causes = Counter(one.causes[place] for one in answered for place in places)
    had = list(study.updates.get(run, {}).values())
    return {
        "arm": arm,
        "budget": budget,
        "run": run,
        "world": world,
        "mode": mode,
        "items": len(places),
        "updates": had[0]["updates"] if had else 0,
        "label_tokens": round(sum(one["label_tokens"] for one in had) / len(had)) if had else 0,
        "accuracy": asdict(accuracy(_right(answered, places))),
        "steps_right": asdict(accuracy(_steps(answered, places))),
        "right_and_imagined": asdict(accuracy(_imagined(answered, places))),
        "tokens_per_correct": _tokens_per_correct(answered, places),
        "by_size": _by_size(study, answered, places),
        "causes": {str(LETTERS[letter]): causes[letter] for letter in LETTERS if letter != "."},
    }


def _steps(answered: Sequence[Answered], places: Sequence[int]) -> Outcomes:
    """(seeds, items): the share of an item's steps that is right; of an item without steps, all of them."""
    return np.array(
        [[one.right[at] / one.steps[at] if one.steps[at] else 1.0 for at in places] for one in answered],
        dtype=np.float64,
    )


def _imagined(answered: Sequence[Answered], places: Sequence[int]) -> Outcomes:
    """(seeds, items): 1 for a right answer whose every step on the way is right too, so that luck has no part in it."""
    return np.array(
        [[one.causes[at] == "." and one.right[at] == one.steps[at] for at in places] for one in answered],
        dtype=np.float64,
    )


def _tokens_per_correct(answered: Sequence[Answered], places: Sequence[int]) -> float | None:
    """All tokens, those of wrong answers too, for each right one; as in `results.json`."""
    known = [
        (count, one.causes[at] == ".") for one in answered for at in places if (count := one.tokens[at]) is not None
    ]
    right = sum(correct for _, correct in known)
    return sum(count for count, _ in known) / right if right else None


def _by_size(study: Study, answered: Sequence[Answered], places: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Accuracy by the length of the solution, over all seeds."""
    sizes: dict[int, list[int]] = {}
    for at in places:
        sizes.setdefault(study.items[at]["steps"], []).append(at)
    found = {}
    for size, mine in sorted(sizes.items()):
        right = [sum(one.causes[at] == "." for at in mine) for one in answered]
        found[str(size)] = {"items": len(mine), "n": len(mine) * len(right), "correct": sum(right), "seeds": right}
    return found


def _budgets(study: Study, a: str, b: str) -> list[str]:
    """The budgets at which both arms were run; the arm that is not trained stands beside all others."""
    arms = study.plan["arms"]
    return [budget for budget in arms.get(a, {}) if budget in arms.get(b, {})]


def _comparison(study: Study, a: str, b: str) -> dict[str, Any]:
    """Two arms in accuracy, and beside it, as secondary, in the steps on the way."""
    return {
        "a": a,
        "b": b,
        **_families(study, a, b, _right),
        "secondary": {
            "steps_right": _families(study, a, b, _steps),
            "right_and_imagined": _families(study, a, b, _imagined),
        },
    }


def _right(answered: Sequence[Answered], places: Sequence[int]) -> Outcomes:
    """(seeds, items): 1 for a right answer."""
    return np.array([[one.causes[at] == "." for at in places] for one in answered], dtype=np.float64)


def _families(
    study: Study, a: str, b: str, measure: Callable[[Sequence[Answered], Sequence[int]], Outcomes]
) -> dict[str, list[dict[str, Any]]]:
    """The differences over single worlds and over their mean, each corrected by Holm on its own."""
    arms, finished = study.plan["arms"], study.seeds == study.plan["recipe"]["seeds"]
    families: dict[str, list[dict[str, Any]]] = {"tasks": [], "means": []}
    for budget in _budgets(study, a, b):
        for world in worlds_of(study):
            for mode in study.plan["recipe"]["modes"]:
                places = _places(study, world)
                runs = [study.answers[arms[arm][budget]] for arm in (a, b)]
                first, second = (measure([modes[mode] for modes in run.values()], places) for run in runs)
                families["means" if world == EVERY else "tasks"].append(
                    {
                        "budget": int(budget),
                        "world": world,
                        "mode": mode,
                        "a": float(first.mean()),
                        "b": float(second.mean()),
                        "difference": asdict(difference(first, second)),
                    }
                )
    for rows in families.values():
        for row, p in zip(rows, holm([row["difference"]["p"] for row in rows]), strict=True):
            row["p_holm"] = p if finished else None  # no test before the last seed
            row["difference"]["p"] = row["difference"]["p"] if finished else None
    return families
