"""From the results of the seeds to tables, a figure, and what counts as shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.study._statistics import Effect, Outcomes, accuracy, difference
from idf.errors import UserError
from idf.evaluation import holm

from ._arms import NAMES, arms_of, check_runs, dose_curve, run_of
from ._power import smallest_seen
from ._recipe import PretrainedRecipe

Results = dict[int, dict[str, Any]]
COLOURS = {
    "traces": "#ee6677",
    "imagery_then_traces": "#4477aa",
    "imagery": "#66ccee",
    "mixed": "#228833",
    "short": "#ccbb44",
    "imagery_then_short": "#aa3377",
    "random_traces": "#bbbbbb",
    "random_imagery_then_traces": "#777777",
}
SETS = {"held-out paths": "rolls", "longer paths": "longer"}
"""What is asked -> the key of the recipe that says of how many rolls."""
PAIRS = (("traces", "imagery_then_traces"), ("short", "imagery_then_short"), ("mixed", "imagery_then_traces"))
"""Pairs of arms, second minus first; at the larger budget the first pair is the question."""


def read_results(recipe: PretrainedRecipe) -> Results:
    """Seed -> run -> what it came to, of the seeds that there is anything of."""
    paths = {seed: Path(recipe.results) / f"seed{seed}.json" for seed in recipe.seeds}
    return {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.exists()}


def learned(recipe: PretrainedRecipe) -> bool | None:
    """Whether stage 1 is learned: right steps of held-out walks in imagery's own form; None before it was asked."""
    decisive = [read_results(recipe).get(seed, {}).get(run.name) for seed, run in check_runs(recipe)]
    shares = [right_steps(one) for one in decisive if one is not None]
    return None if len(shares) < len(decisive) else sum(shares) / len(shares) >= recipe.learned


def right_steps(result: dict[str, Any]) -> float:
    """The share of right steps of held-out walks."""
    return sum(result["walks"]["right"]) / sum(result["walks"]["steps"])


def outcomes(found: Sequence[dict[str, Any]], rolls: Sequence[int]) -> Outcomes:
    """(seeds, items): 1 for a right answer, of the items with these rolls.

    Args:
        found: What a run came to, seed by seed.
        rolls: The rolls.
    """
    return np.array([[float(c == ".") for c, n in zip(one["causes"], one["rolls"]) if n in rolls] for one in found])


def report(recipe: PretrainedRecipe) -> str:
    """The tables of what is there, as Markdown.

    Raises:
        UserError: There is nothing.
    """
    found = read_results(recipe)
    if not found:
        raise UserError(f"no results in {recipe.results}: run python -m bench.pretrained")
    check = _check(recipe, found)
    if learned(recipe) is False:
        return "\n".join([*check, "", *_doses(recipe, found)])
    return "\n".join([*check, "", *_differences(recipe, found), "", *_accuracies(recipe, found)])


def _check(recipe: PretrainedRecipe, found: Results) -> list[str]:
    if learned(recipe) is None:
        return ["**Is stage 1 learned?** Not asked yet."]
    run = run_of("imagery", recipe.budgets[1], recipe)
    shares = [right_steps(one[run.name]) for one in found.values() if run.name in one]
    said = f"yes: at least {recipe.learned:.0%}" if learned(recipe) else f"no: below {recipe.learned:.0%}"
    by_seed = " ".join(f"{share:.1%}" for share in shares)
    wrong = [n for one in found.values() if run.name in one for n in one[run.name]["walks"]["first_wrong"]]
    first = ", ".join(f"step {n}: {wrong.count(n)}" for n in sorted(set(wrong) - {0})) or "none"
    return [
        f"**Is stage 1 learned?** {said} of the steps of held-out walks, in imagery's own form, after {run.updates} updates on "
        f"imagery; by seed {by_seed} (the mean of the first {recipe.check_seeds} decides). First wrong step of a walk: {first}; "
        f"{wrong.count(0)} of {len(wrong)} walks have none."
    ]


def _doses(recipe: PretrainedRecipe, found: Results) -> list[str]:
    lines = [
        "**How much of stage 1 does it take?** Imagery alone:",
        "",
        "| updates | seeds | right steps, imagery's form | by seed | whole walks right |",
        "| --- | --- | --- | --- | --- |",
    ]
    for run in dict.fromkeys(run for _, run in dose_curve(recipe)):
        mine = [one[run.name] for one in found.values() if run.name in one]
        if mine:
            shares = [right_steps(one) for one in mine]
            whole = np.mean([np.equal(one["walks"]["first_wrong"], 0).mean() for one in mine])
            by_seed = " ".join(f"{share:.0%}" for share in shares)
            lines.append(f"| {run.updates} | {len(mine)} | {np.mean(shares):.1%} | {by_seed} | {whole:.1%} |")
    return lines


def compared(recipe: PretrainedRecipe, found: Results) -> list[tuple[str, int, str, Effect]]:
    """(pair in words, budget, what is asked, effect) of each pair of arms that some seeds have both of."""
    told = []
    for budget in reversed(recipe.budgets):
        for first, second in PAIRS:
            runs = [run_of(arm, budget, recipe).name for arm in (first, second)]
            both = [one for one in found.values() if all(run in one for run in runs)]
            for asked, key in SETS.items() if both else ():
                tables = [outcomes([one[run] for one in both], getattr(recipe, key)) for run in runs]
                told.append((f"{NAMES[second]} minus {NAMES[first]}", budget, asked, difference(*tables)))
    return told


def _differences(recipe: PretrainedRecipe, found: Results) -> list[str]:
    effects = compared(recipe, found)
    if not effects:
        return ["No two arms are there to compare yet."]
    whole = [len(effect.seeds) == len(recipe.seeds) for *_, effect in effects]
    question = [
        budget == recipe.budgets[1] and "short" not in pair and "mixed" not in pair for pair, budget, *_ in effects
    ]
    corrected = iter(holm([effect.p for (*_, effect), mine in zip(effects, question) if mine]))
    ps = [next(corrected) if mine else effect.p for (*_, effect), mine in zip(effects, question)]
    lines = [
        "| compared | budget | asked | difference | by seed | p | said | smallest that would have been seen |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (pair, budget, asked, effect), p, all_seeds, mine in zip(effects, ps, whole, question):
        least = smallest_seen(effect)
        points = f"{100 * effect.mean:+.1f} points ({100 * effect.low:+.1f} to {100 * effect.high:+.1f})"
        by_seed = " ".join(f"{100 * one:+.0f}" for one in effect.seeds)
        shown = f"{p:.3f}{' (Holm)' if mine else ''}" if all_seeds else "-"
        said = _said(effect, p) if all_seeds else "nothing is tested before the last seed"
        seen = "-" if least is None else f"{100 * least:.0f} points"
        lines.append(f"| {pair} | {budget} | {asked} | {points} | {by_seed} | {shown} | {said} | {seen} |")
    return lines


def _said(effect: Effect, p: float) -> str:
    if p >= 0.05:
        return "**no difference shown**"
    return "**better**" if effect.mean > 0 else "**worse**"


def _accuracies(recipe: PretrainedRecipe, found: Results) -> list[str]:
    lines = [
        "| arm | budget | seeds | held-out paths | longer paths | steps right, held-out | tokens of an answer | label tokens |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for budget in recipe.budgets:
        for arm in NAMES:
            mine = [one[run.name] for one in found.values() if (run := run_of(arm, budget, recipe)).name in one]
            if not mine:
                continue
            shares = [accuracy(outcomes(mine, getattr(recipe, key))) for key in SETS.values()]
            cells = [f"{one.mean:.1%} ({one.low:.0%} - {one.high:.0%})" for one in shares]
            steps = _of_rolls(mine, recipe.rolls, "right") / _of_rolls(mine, recipe.rolls, "steps")
            tokens = np.mean([n for one in mine for n in one["tokens_of_answers"] if n is not None])
            labels = np.mean([one["label_tokens"] for one in mine])
            lines.append(
                f"| {NAMES[arm]} | {budget} | {len(mine)} | {' | '.join(cells)} | {steps:.1%} | {tokens:.0f} | {labels:,.0f} |"
            )
    return lines


def _of_rolls(found: Sequence[dict[str, Any]], rolls: Sequence[int], key: str) -> float:
    return float(sum(n for one in found for n, size in zip(one[key], one["rolls"]) if size in rolls))


def figure(recipe: PretrainedRecipe) -> Figure:
    """Accuracy by the rolls of a path at the larger budget, the mean over seeds with dots for each; or the dose curve."""
    found = read_results(recipe)
    drawn = Figure(figsize=(7.5, 3.8), layout="constrained")
    axis: Axes = drawn.subplots()
    if learned(recipe) is False:
        _draw_doses(axis, recipe, found)
    else:
        _draw_rolls(axis, recipe, found)
    axis.set_ylim(-0.02, 1.02)
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    drawn.legend(loc="outside upper center", ncols=2, fontsize=8, frameon=False)
    return drawn


def _draw_rolls(axis: Axes, recipe: PretrainedRecipe, found: Results) -> None:
    rolls = [*recipe.rolls, *recipe.longer]
    arms = [arm for part in ("main", "random", "mixed") for arm in arms_of(part)[0]]
    for number, arm in enumerate(arms):
        run = run_of(arm, recipe.budgets[1], recipe)
        mine = [one[run.name] for one in found.values() if run.name in one]
        if not mine:
            continue
        shares = np.array([outcomes(mine, [size]).mean(axis=1) for size in rolls])
        places = np.array(rolls) + 0.06 * (number - (len(arms) - 1) / 2)
        axis.plot(places, shares.mean(axis=1), "o-", color=COLOURS[arm], label=NAMES[arm], ms=4)
        axis.plot(places, shares, ".", color=COLOURS[arm], ms=3, alpha=0.6)
    axis.axvline((max(recipe.rolls) + min(recipe.longer)) / 2, color="#555555", lw=0.8, ls=":")
    axis.set_xlabel(
        f"rolls of a path; right of the line longer than any that was trained; budget {recipe.budgets[1]} updates"
    )
    axis.set_ylabel("accuracy; dots: seeds")


def _draw_doses(axis: Axes, recipe: PretrainedRecipe, found: Results) -> None:
    runs = dict.fromkeys(run for _, run in dose_curve(recipe))
    shares = {run: [right_steps(one[run.name]) for one in found.values() if run.name in one] for run in runs}
    there = [run for run in runs if shares[run]]
    means = [float(np.mean(shares[run])) for run in there]
    axis.plot([run.updates for run in there], means, "o-", color=COLOURS["imagery"], label=NAMES["imagery"])
    for run in there:
        axis.plot([run.updates] * len(shares[run]), shares[run], ".", color=COLOURS["imagery"], ms=4, alpha=0.6)
    axis.axhline(recipe.learned, color="#555555", lw=0.8, ls=":", label="counts as learned")
    axis.set_xlabel("updates on imagery")
    axis.set_ylabel("right steps of held-out walks; dots: seeds")
