"""What the study costs, computed before it is run: CPU-seconds of each arm, and what is dropped to keep within the hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.study._arms import Epoch

from ._arms import Run, arms_of, dose_curve, planned, run_of
from ._recipe import PretrainedRecipe

ANSWER = 60.0
"""Tokens of an answer beside its rolls, and of each roll: the oracle's form, in SmolLM2's tokens."""
ROLL = 11.0


def training_seconds(run: Run, recipe: PretrainedRecipe, epochs: Mapping[str, Epoch]) -> float:
    """CPU-seconds of a training run, without that which it begins from."""
    tokens = run.updates * epochs[run.data].tokens / epochs[run.data].updates
    return recipe.seconds_to_start + tokens / recipe.trained_a_second


def evaluation_seconds(recipe: PretrainedRecipe) -> float:
    """CPU-seconds of an evaluation on the suite."""
    held = recipe.items * (ANSWER + ROLL * sum(recipe.rolls) / len(recipe.rolls))
    longer = recipe.longer_items * (ANSWER + ROLL * sum(recipe.longer) / len(recipe.longer))
    return recipe.seconds_to_start + (held + longer) / recipe.answered_a_second


def walk_seconds(recipe: PretrainedRecipe) -> float:
    """CPU-seconds of asking the held-out walks."""
    tokens = recipe.walks * (ANSWER + ROLL * sum(recipe.rolls) / len(recipe.rolls))
    return recipe.seconds_to_start + tokens / recipe.answered_a_second


def arm_seconds(run: Run, recipe: PretrainedRecipe, epochs: Mapping[str, Epoch]) -> float:
    """CPU-seconds of an arm of one seed, the run that it begins from left out."""
    asked = walk_seconds(recipe) if run.data == "imagery" else 0.0
    return training_seconds(run, recipe, epochs) + evaluation_seconds(recipe) + asked


def part_hours(part: str, recipe: PretrainedRecipe, epochs: Mapping[str, Epoch]) -> float:
    """Hours of `at_once` cores of a part of the study, all seeds."""
    seconds = sum(arm_seconds(run, recipe, epochs) for _, run in planned(replace(recipe, parts=[part])))
    if part == "random":  # what its second arm begins from is no arm
        for place in arms_of(part)[1]:
            parent = run_of("imagery", recipe.budgets[place], recipe)
            seconds += len(recipe.seeds) * training_seconds(parent, recipe, epochs)
    return seconds / 3600 / recipe.at_once


def sessions(recipe: PretrainedRecipe, epochs: Mapping[str, Epoch]) -> list[list[str]]:
    """The arms of each session, as `--hours` takes them: whole ones, in order; what a run begins from is trained anew."""
    found: list[list[str]] = []
    used, there = float("inf"), set[tuple[int, Run]]()
    for seed, run in planned(recipe):
        seconds = arm_seconds(run, recipe, epochs)
        lost = 0.0 if run.parent is None else training_seconds(run.parent, recipe, epochs)
        more = seconds + (0.0 if (seed, run.parent) in there else lost)
        if used + more > 3600 * recipe.at_once * recipe.hours[1]:
            found.append([])
            used, there, more = 0.0, set(), seconds + lost
        found[-1].append(f"{run.name} seed {seed}")
        used += more
        there |= {(seed, run)} if run.parent is None else {(seed, run), (seed, run.parent)}
    return found


def within(recipe: PretrainedRecipe, epochs: Mapping[str, Epoch]) -> tuple[PretrainedRecipe, dict[str, Any]]:
    """The recipe with as many of its parts, from the first on, as its hours allow; and the computation.

    The first part, the study's question, stays in any case.
    """
    parts, hours = list(recipe.parts), {part: part_hours(part, recipe, epochs) for part in recipe.parts}
    while len(parts) > 1 and sum(hours[part] for part in parts) > recipe.hours[0]:
        parts.pop()
    told = {
        "hours_allowed": recipe.hours[0],
        "hours_of_each_part": {part: round(found, 2) for part, found in hours.items()},
        "parts": parts,
        "dropped": [part for part in recipe.parts if part not in parts],
        "hours": round(sum(hours[part] for part in parts), 2),
        "hours_of_the_dose_curve": round(
            sum(arm_seconds(run, recipe, epochs) for _, run in dose_curve(recipe)) / 3600 / recipe.at_once, 2
        ),
        "sessions": sessions(replace(recipe, parts=parts), epochs),
        "cpu_seconds_of_an_arm": {
            run.name: round(arm_seconds(run, recipe, epochs))
            for run in dict.fromkeys(run for _, run in planned(replace(recipe, parts=parts)))
        },
        "tokens_a_cpu_second": {"trained": recipe.trained_a_second, "answered": recipe.answered_a_second},
    }
    return replace(recipe, parts=parts), told
