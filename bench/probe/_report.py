"""From the results of the seeds to a table by the moves left to imagine, and to what a picture is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.study._outcome import read_seeds
from bench.study._statistics import Effect, Outcomes, accuracy, difference
from idf.errors import UserError
from idf.evaluation import holm

from ._recipe import ARMS, CEILING, LEFT, WORTH, ProbeRecipe

Results = dict[int, dict[str, Any]]
COMPARED = (("pictures", "blanks"), ("text", "blanks"), ("text", "pictures"), ("blanks", "nothing"))
"""(arm, the arm that it is held against); the first is the question."""


def report(recipe: ProbeRecipe) -> str:
    """The tables of the seeds whose arms are all done, as Markdown.

    Raises:
        UserError: There is no such seed.
    """
    told = whole_seeds(Path(recipe.results), recipe.seeds)
    if not told:
        raise UserError(f"no seed in {recipe.results} is whole: run python -m bench.probe")
    whole = len(told) == len(recipe.seeds)
    copied = next(iter(told.values()))[ARMS[0]]["copied"]
    lines = [
        f"{len(told)} of {len(recipe.seeds)} seeds ({', '.join(map(str, told))}); right in all 36 cells, mean over seeds and "
        "items, 95 % interval over both:",
        "",
        f"| states in between | {' | '.join(f'{left} left' for left in LEFT)} | the box moves | all | all walls right "
        "| right cells | updates |",
        "| --- " * (len(LEFT) + 6) + "|",
    ]
    for arm in ARMS:
        shares = [accuracy(outcomes(told, arm, left=left)) for left in LEFT]
        shares.append(accuracy(outcomes(told, arm, box_moves=True)))
        walls = np.mean([[c == "." for c in one[arm]["walls"]] for one in told.values()])
        cells = np.mean([one[arm]["parts"] for one in told.values()])
        updates = sorted({one[arm]["steps"] for one in told.values()})
        lines.append(
            f"| {arm} | {' | '.join(f'{one.mean:.1%}' for one in shares)} | {_share(accuracy(outcomes(told, arm)))} | "
            f"{walls:.1%} | {cells:.1%} | {' to '.join(map(str, dict.fromkeys((updates[0], updates[-1]))))} |"
        )
    effects = [difference(outcomes(told, base), outcomes(told, arm)) for arm, base in COMPARED]
    adjusted = holm([effect.p for effect in effects])
    lines += [
        "",
        f"Somebody who says the start has {copied['start']:.1%} of the cells right, and who says the last state that is shown "
        f"{copied['last_shown']:.1%}; none of these answers is right.",
        "",
    ]
    for (arm, base), effect, p in zip(COMPARED, effects, adjusted, strict=True):
        tested = f", p {p:.4f} after Holm" if whole else ""
        lines.append(f"- {arm} minus {base}: {_points(effect)}{tested}; by seed {_by_seed(effect)}")
    lines += [
        "",
        said(effects, accuracy(outcomes(told, "blanks")).mean) if whole else "Nothing is said before the last seed.",
    ]
    return "\n".join(lines)


def whole_seeds(results: Path, seeds: list[int]) -> Results:
    """What the seeds came to whose arms are all done."""
    return {seed: found for seed, found in read_seeds(results, seeds).items() if set(ARMS) <= set(found)}


def outcomes(told: Results, arm: str, **only: object) -> Outcomes:
    """(seeds, items): 1 for a right answer.

    Args:
        told: The seeds.
        arm: The arm.
        only: Keep the items alone that have these values, such as left=2.
    """
    return np.array(
        [
            [
                float(c == ".")
                for place, c in enumerate(one[arm]["right"])
                if all(one[arm][key][place] == value for key, value in only.items())
            ]
            for one in told.values()
        ]
    )


def said(effects: Sequence[Effect], blanks: float) -> str:
    """Whether a study of predicted pictures is worth while, by the rule of the plan.

    Args:
        effects: The differences of COMPARED, in its order.
        blanks: The share of right answers with blanks.
    """
    pictures, text = effects[:2]
    worth = f"{100 * WORTH:.0f} points"
    if blanks > CEILING:
        return f"Nothing is shown: blanks have {blanks:.0%}, which leaves no room above {CEILING:.0%}."
    if text.mean < WORTH or text.low <= 0:
        return f"Nothing is shown: states as text, the control, do not beat blanks by {worth} either."
    if pictures.mean >= WORTH and pictures.low > 0:
        return f"True pictures beat blanks by {worth} or more: a study of predicted pictures is worth while."
    if pictures.high < WORTH:
        return f"True pictures do not beat blanks by {worth}: no study of predicted pictures follows."
    return f"Undecided: the interval of pictures minus blanks holds both less than {worth} and more."


def _share(effect: Effect) -> str:
    return f"{effect.mean:.1%} ({effect.low:.0%} - {effect.high:.0%})"


def _points(effect: Effect) -> str:
    return f"{100 * effect.mean:+.1f} points ({100 * effect.low:+.1f} to {100 * effect.high:+.1f})"


def _by_seed(effect: Effect) -> str:
    return " ".join(f"{100 * one:+.0f}" for one in effect.seeds)
