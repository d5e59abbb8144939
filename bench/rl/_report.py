"""From the results of the seeds to tables, and to what counts as shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.study._outcome import read_seeds
from bench.study._statistics import Effect, Outcomes, accuracy, difference
from idf.errors import UserError
from idf.worlds import LENGTHS

from ._recipe import RlRecipe

Results = dict[int, dict[str, Any]]


def report(recipe: RlRecipe) -> str:
    """The tables of what is there, as Markdown.

    Raises:
        UserError: There is nothing.
    """
    found = read_seeds(Path(recipe.results), recipe.seeds)
    if not found:
        raise UserError(f"no results in {recipe.results}: run python -m bench.rl")
    return "\n".join([*_verdicts(recipe, found), "", *_credit(recipe, found), "", *_price(recipe, found)])


def front(recipe: RlRecipe) -> Figure | None:
    """Accuracy against tokens for a right answer, before and after a price: dots for seeds, a ring for their mean.

    None as long as no price has results.
    """
    found = read_seeds(Path(recipe.results), recipe.seeds)
    names = ["mixed paired", *(f"price{price:g} paired" for price in recipe.prices)]
    arms = {name: some for name in names if (some := _whole(found, name))}
    if len(arms) < 2:
        return None
    drawn = Figure(figsize=(6.0, 3.8), layout="constrained")
    axis: Axes = drawn.subplots()
    for number, (name, some) in enumerate(arms.items()):
        tokens, right = tokens_per_right(some, name), accuracy(outcomes(some, name)).seeds
        word = name.partition(" ")[0]
        label = "no price (stage 2)" if word == "mixed" else f"price {word.removeprefix('price')}"
        axis.plot(tokens, right, ".", color=f"C{number}", ms=5, alpha=0.7)
        axis.plot(np.mean(tokens), np.mean(right), "o", color=f"C{number}", ms=9, mfc="none", mew=1.6, label=label)
    axis.set_xlabel("tokens for a right answer")
    axis.set_ylabel("accuracy; dots: seeds, rings: means")
    axis.grid(color="#dddddd", linewidth=0.6)
    drawn.legend(loc="outside upper center", ncols=len(arms), fontsize=8, frameon=False)
    return drawn


def outcomes(found: Results, name: str) -> Outcomes:
    """(seeds, items): 1 for a right answer, of the seeds that have the arm."""
    return np.array([[float(c == ".") for c in one[name]["causes"]] for one in found.values()])


def tokens_per_right(found: Results, name: str) -> list[float]:
    """All generated tokens for each right answer, by seed."""
    return [sum(one[name]["tokens"]) / max(1, one[name]["causes"].count(".")) for one in found.values()]


def _whole(found: Results, *names: str) -> Results:
    return {seed: one for seed, one in found.items() if all(name in one for name in names)}


def _verdicts(recipe: RlRecipe, found: Results) -> list[str]:
    start, after = "early suite", "verdicts suite"
    some = _whole(found, start, after)
    lines = [f"**(i) From a stage 2 that was stopped early**: {_of(some, recipe.seeds)}", ""]
    if not some:
        return lines
    first, second = accuracy(outcomes(some, start)), accuracy(outcomes(some, after))
    gain = difference(outcomes(some, start), outcomes(some, after))
    minutes = np.mean([one[after]["seconds"] for one in some.values()]) / 60
    said = "reached" if second.mean >= 0.9 else "not reached"
    said = said if len(some) == len(recipe.seeds) else f"so far {said}"
    return [
        *lines,
        "| | accuracy | by seed | tokens per right |",
        "| --- | --- | --- | --- |",
        _row("stopped early (learning rate 0)", first, tokens_per_right(some, start)),
        _row("after stage 3", second, tokens_per_right(some, after)),
        "",
        f"- gained: {_points(gain)}; by seed {' '.join(f'{100 * one:+.0f}' for one in gain.seeds)}",
        f"- {minutes:.1f} minutes of stage 3 on average, on one core beside other work",
        f"- the goal, at least 90 % within 10 minutes of two cores, which is 20 of one: {said} in the mean ({second.mean:.1%}), "
        f"in {sum(one >= 0.9 for one in second.seeds)} of {len(some)} seeds",
    ]


def _credit(recipe: RlRecipe, found: Results) -> list[str]:
    with_credit, without = "verdicts suite", "outcome suite"
    some = _whole(found, with_credit, without)
    lines = [f"**(iii) Credit for steps against the outcome alone**: {_of(some, recipe.seeds)}", ""]
    if not some:
        return lines
    effect = difference(outcomes(some, without), outcomes(some, with_credit))
    return [
        *lines,
        "| | accuracy | by seed | tokens per right |",
        "| --- | --- | --- | --- |",
        *(
            _row(name, accuracy(outcomes(some, key)), tokens_per_right(some, key))
            for name, key in (("outcome alone", without), ("credit for steps", with_credit))
        ),
        "",
        f"- credit minus outcome: {_points(effect)}: {_said(effect, len(some) == len(recipe.seeds))}",
    ]


def _price(recipe: RlRecipe, found: Results) -> list[str]:
    lines = ["**(ii) A price on tokens**, after a stage 2 of traces in three lengths", ""]
    start = "mixed paired"
    rows = []
    for price in recipe.prices:
        name = f"price{price:g} paired"
        some = _whole(found, start, name)
        if not some:
            continue
        before, after = tokens_per_right(some, start), tokens_per_right(some, name)
        effect = difference(outcomes(some, start), outcomes(some, name))
        saved = 1 - sum(after) / sum(before)
        good = saved >= 0.3 and effect.low > -0.02
        rows.append(
            f"| {price:g} | {' '.join(map(str, some))} | {np.mean(before):.0f} | {np.mean(after):.0f} | {saved:.0%} | "
            f"{accuracy(outcomes(some, start)).mean:.1%} | {accuracy(outcomes(some, name)).mean:.1%} | {_points(effect)} | "
            f"{('yes' if good else 'no') if len(some) == len(recipe.seeds) else 'not all seeds'} |"
        )
    if not rows:
        return [*lines, "nothing yet"]
    return [
        *lines,
        "| price | seeds | tokens per right, before | after | saved | accuracy, before | after | difference | goal |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        "The goal: at least 30 % fewer tokens for a right answer, and the lower end of the difference in accuracy above "
        "-2 points.",
        *_growth(recipe, found),
        *_told(recipe, found),
    ]


def _told(recipe: RlRecipe, found: Results) -> list[str]:
    """Of the responses in each length: their share, and how many of them are right. Not planned: it explains the rest."""
    lines = []
    for name in ("mixed paired", *(f"price{price:g} paired" for price in recipe.prices)):
        some = [one[name] for one in found.values() if "forms" in one.get(name, {})]
        forms = "".join(one["forms"] for one in some)
        causes = "".join(one["causes"] for one in some)
        if not forms:
            continue
        cells = []
        for length in LENGTHS:
            right = [cause == "." for form, cause in zip(forms, causes, strict=True) if form == length[0]]
            cells += [f"{len(right) / len(forms):.0%}", f"{np.mean(right):.0%}" if right else ""]
        lines.append(f"| {name.partition(' ')[0]} | {' | '.join(cells)} |")
    if not lines:
        return []
    head = [f"{length}: share | right" for length in LENGTHS]
    return [
        "",
        f"| responses told in | {' | '.join(head)} |",
        "| --- " * (1 + 2 * len(LENGTHS)) + "|",
        *lines,
    ]


def _growth(recipe: RlRecipe, found: Results) -> list[str]:
    """Mean tokens of an answer by the rolls of its problem, before and after, with the slope of a straight line."""
    lines = []
    for name in ("mixed paired", *(f"price{price:g} paired" for price in recipe.prices)):
        some = _whole(found, name)
        if not some:
            continue
        rolls = np.concatenate([one["rolls"]["paired"] for one in some.values()])
        tokens = np.concatenate([one[name]["tokens"] for one in some.values()]).astype(float)
        slope = float(np.polyfit(rolls, tokens, 1)[0])
        by_size = " | ".join(f"{tokens[rolls == n].mean():.0f}" for n in sorted(set(rolls)))
        lines.append(f"| {name.partition(' ')[0]} | {by_size} | {slope:+.1f} |")
    if not lines:
        return []
    sizes = sorted({n for one in found.values() for n in one.get("rolls", {}).get("paired", [])})
    head = [f"| tokens at rolls | {' | '.join(map(str, sizes))} | a roll |", "| --- " * (len(sizes) + 2) + "|"]
    return ["", *head, *lines]


def _row(name: str, effect: Effect, tokens: Sequence[float]) -> str:
    by_seed = " ".join(f"{100 * one:.0f}" for one in effect.seeds)
    return f"| {name} | {effect.mean:.1%} ({effect.low:.0%} - {effect.high:.0%}) | {by_seed} | {np.mean(tokens):.0f} |"


def _points(effect: Effect) -> str:
    return f"{100 * effect.mean:+.1f} points ({100 * effect.low:+.1f} to {100 * effect.high:+.1f})"


def _said(effect: Effect, whole: bool) -> str:
    if not whole:
        return "nothing is tested before the last seed"
    if effect.p >= 0.05:
        return f"no difference shown (p {effect.p:.3f})"
    return f"{'better' if effect.mean > 0 else 'worse'} (p {effect.p:.4f})"


def _of(some: Results, seeds: Sequence[int]) -> str:
    return f"{len(some)} of {len(seeds)} seeds" + (f" ({', '.join(map(str, some))})" if some else "")
